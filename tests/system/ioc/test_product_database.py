"""db/snapioc.db is what we serve, loads in a real soft IOC, and its names are those that the IOC has."""

from __future__ import annotations

from pathlib import Path

from snapioc.config import LONGEST_SUFFIX
from snapioc.ioc.database import product_database
from tests.helpers.clients import Pyepics
from tests.helpers.iocs import SoftIoc

FILE = Path(__file__).parents[3] / "db" / "snapioc.db"


def test_the_file_is_not_stale() -> None:
    assert FILE.read_text() == product_database(), "run: python -m snapioc.ioc.database > db/snapioc.db"


def test_it_loads_in_a_soft_ioc() -> None:
    with SoftIoc(FILE.read_text(), "P=TEST:,SET=MAGNETS") as ioc, Pyepics([ioc.address]) as client:
        assert client.get("TEST:MAGNETS:RESULT.TWSV", as_string=True) == "MINOR"
        assert client.get("TEST:TRIGGER.RTYP") == "bo"
        assert client.get("TEST:MESSAGE.RTYP") == "lsi"


def test_no_name_is_longer_than_the_configuration_reckons_with() -> None:
    names = [line.split('"')[1] for line in FILE.read_text().splitlines() if line.startswith("record(")]
    suffixes = [name.removeprefix("$(P)").removeprefix("$(SET):") for name in names]
    assert len(suffixes) == len(names) > 60
    assert max(map(len, suffixes)) <= LONGEST_SUFFIX
