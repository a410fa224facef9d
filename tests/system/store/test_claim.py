"""Only one IOC at a time uses a store."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path

import pytest

from snapioc.model import StoreError
from snapioc.store import claimed

HOLD = """
import asyncio, sys
from snapioc.store import claimed

async def hold():
    async with claimed(sys.argv[1], "prefix OTHER:"):
        print("held", flush=True)
        await asyncio.Event().wait()

asyncio.run(hold())
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/snapshots.db"


async def test_another_process_is_named_and_its_end_however_frees_the_store(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", HOLD, url, stdout=asyncio.subprocess.PIPE)
    assert other.stdout
    assert await other.stdout.readline() == b"held\n"
    with monkeypatch.context() as hasty:
        hasty.setattr("snapioc.store.claim.PATIENCE", 0.3)
        with pytest.raises(StoreError, match=rf"in use by another snapioc \(prefix OTHER:, process {other.pid}\)"):
            async with claimed(url, "prefix MINE:"):
                pass
    other.kill()
    async with claimed(url, "prefix MINE:"):
        pass
    await other.wait()


async def test_it_is_free_again_after_the_block(url: str) -> None:
    for _ in range(2):
        async with claimed(url, "prefix MINE:"):
            pass


async def test_a_folder_that_is_not_there_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        async with claimed(f"sqlite:///{tmp_path}/none{os.sep}snapshots.db", "prefix MINE:"):
            pass
    assert "cannot be claimed" in caplog.text
