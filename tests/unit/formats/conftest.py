"""Fixtures of the tests of request files."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.unit.formats.folder import Folder

settings.register_profile("no clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no clock")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)
