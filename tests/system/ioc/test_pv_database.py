"""The generated EPICS database loads in a real soft IOC, and stands for the same records."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from snapioc.ioc.database import database_text
from tests.helpers.clients import Pyepics
from tests.helpers.iocs import SoftIoc
from tests.helpers.server import ServerProcess
from tests.helpers.small_ioc import small_ioc


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[str, Pyepics]]:
    """A C IOC that has loaded the database, and a client of it."""
    text = database_text(small_ioc("$(P)").pvdb.values())
    with (
        ServerProcess(prefix="OURS:") as ours,
        SoftIoc(text, "P=THEIRS:") as theirs,
        Pyepics([ours.address, theirs.address]) as client,
    ):
        yield text, client


def test_every_pv_is_a_record_of_the_same_type(both: tuple[str, Pyepics]) -> None:
    text, client = both
    names = list(small_ioc("").pvdb)
    assert text.count("record(") == len(names)
    for name in names:
        for field in ("RTYP", "DESC"):
            assert client.get(f"THEIRS:{name}.{field}") == client.get(f"OURS:{name}.{field}"), name


@pytest.mark.parametrize("field", ["AI.EGU", "AI.PREC", "AI.HOPR", "LONGIN.EGU", "LONGIN.HOPR", "LONGIN.LOPR"])
def test_units_and_limits_are_the_same(both: tuple[str, Pyepics], field: str) -> None:
    _, client = both
    assert client.get(f"THEIRS:{field}") == client.get(f"OURS:{field}")


STATES = ["BO.ZNAM", "BO.ONAM", "BI.ZSV", "BI.OSV", "MBBI.ZRST", "MBBI.ONST", "MBBI.ONSV", "MBBO.TWST"]


@pytest.mark.parametrize("field", STATES)
def test_states_and_their_severities_are_the_same(both: tuple[str, Pyepics], field: str) -> None:
    _, client = both
    assert client.get(f"THEIRS:{field}", as_string=True) == client.get(f"OURS:{field}", as_string=True)


@pytest.mark.parametrize("name", ["LSO.VAL$", "LSI.VAL$"])
def test_texts_are_as_long(both: tuple[str, Pyepics], name: str) -> None:
    _, client = both
    text = "x" * 16_000
    for prefix in ("THEIRS:", "OURS:") if name.startswith("LSO") else ("THEIRS:",):
        client.put(f"{prefix}{name}", text)
        assert client.get(f"{prefix}{name}", as_string=True) == text
