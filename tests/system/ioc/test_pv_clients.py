"""Clients that are not ours: pyepics' libca, caproto's tools, and the CA links of a real C IOC."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.helpers.clients import Pyepics, caproto_tool
from tests.helpers.iocs import SoftIoc
from tests.helpers.server import ServerProcess

BRACES = "XF:31{Det:1-{a}}"


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess(prefix=BRACES) as process:
        yield process


@pytest.fixture(scope="module")
def pyepics(server: ServerProcess) -> Iterator[Pyepics]:
    with Pyepics([server.address]) as client:
        yield client


def until(pyepics: Pyepics, name: str, expected: object, **options: object) -> None:
    """Wait until a PV reads so."""
    deadline = time.monotonic() + 30
    while (value := pyepics.get(name, **options)) != expected:
        assert time.monotonic() < deadline, f"{name} reads {value!r}, not {expected!r}"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("name", "put", "read"),
    [
        ("BO", 1, 1),
        ("BO", "Idle", 0),
        ("BO", "1", 1),
        ("MBBO", "Best effort", 1),
        ("MBBO", 2, 2),
        ("LONGOUT", 1001, 1001),
        ("LONGOUT", -(2**31), -(2**31)),
        ("STRINGOUT", "MAGNETS", "MAGNETS"),
        ("LSO", "short", "short"),
        ("LSO", "", ""),
    ],
)
def test_pyepics_puts_and_reads_back(server: ServerProcess, pyepics: Pyepics, name: str, put: object, read: object) -> None:
    assert pyepics.put(server.pv(name), put) == 1
    assert pyepics.get(server.pv(name)) == read


def test_pyepics_puts_and_reads_a_long_text(server: ServerProcess, pyepics: Pyepics) -> None:
    text = "MAGNETS:QF1:CURRENT," * 700
    pyepics.put(server.pv("LSO.VAL$"), text)
    assert pyepics.get(server.pv("LSO.VAL$"), as_string=True) == text
    assert pyepics.get(server.pv("LSO")) == text[:39]


def test_pyepics_reads_what_a_screen_shows(server: ServerProcess, pyepics: Pyepics) -> None:
    fields = {
        "LONGIN.EGU": "PVs",
        "LONGIN.HOPR": 100,
        "AI.PREC": 1,
        "AI.RTYP": "ai",
        "BO.RTYP": "bo",
        "LSO.RTYP": "lso",
        "STRINGS.RTYP": "waveform",
        "BO.DESC": "A button",
        "BO.ONAM": "Save",
        "BI.ZSV": "MAJOR",
        "MBBI.ONSV": "MAJOR",
        "LSO.NAME$": None,
    }
    for name, expected in fields.items():
        if expected is not None:
            assert pyepics.get(server.pv(name)) == expected, name
    assert pyepics.get(server.pv("LSO.NAME$"), as_string=True) == server.pv("LSO")


@pytest.mark.parametrize(
    ("name", "given", "shown"),
    [("BO", "Save", "Save"), ("LONGOUT", "1002", "1002"), ("STRINGOUT", "ABC", "ABC"), ("LSO", "words", "words")],
)
def test_caproto_put_and_get(server: ServerProcess, name: str, given: str, shown: str) -> None:
    addresses = [server.address]
    caproto_tool("caproto-put", "--no-repeater", "--notify", server.pv(name), given, addresses=addresses)
    arguments = ("--no-repeater", "-d", "0", server.pv(name))
    assert shown in caproto_tool("caproto-get", *arguments, addresses=addresses).stdout


def test_caproto_monitor_sees_what_is_posted(server: ServerProcess, pyepics: Pyepics) -> None:
    pyepics.put(server.pv("LONGOUT"), 17)
    arguments = ("--no-repeater", "--maximum", "1", server.pv("LONGIN"))
    assert "17" in caproto_tool("caproto-monitor", *arguments, addresses=[server.address]).stdout


LINKS = """
record(bo, "$(L)bo") {{ field(ZNAM, "Idle") field(ONAM, "Save") field(OUT, "{bo} PP MS CA") }}
record(longout, "$(L)longout") {{ field(OUT, "{longout} CA") }}
record(ao, "$(L)ao") {{ field(OUT, "{longout} CA") }}
record(mbbo, "$(L)mbbo") {{ field(OUT, "{mbbo} CA") field(ONVL, "1") field(ONST, "Best effort") }}
record(stringout, "$(L)stringout") {{ field(OUT, "{stringout} CA") }}
record(lso, "$(L)lso") {{ field(SIZV, "200") field(OUT, "{lso}.VAL$ CA") }}
record(lso, "$(L)lso:plain") {{ field(SIZV, "200") field(OUT, "{lso} CA") }}
record(longin, "$(L)in:longin") {{ field(INP, "{longin} CPP MS") field(SCAN, "Passive") }}
record(stringin, "$(L)in:stringin") {{ field(INP, "{stringin} CPP MS") }}
record(mbbi, "$(L)in:mbbi") {{ field(INP, "{mbbi} CPP MS") }}
record(lsi, "$(L)in:lsi") {{ field(SIZV, "200") field(INP, "{lsi}.VAL$ CPP MS") }}
"""


@pytest.fixture(scope="module")
def plain() -> Iterator[ServerProcess]:
    """Braces cannot stand in a C IOC's JSON-minded links."""
    with ServerProcess() as process:
        yield process


@pytest.fixture(scope="module")
def linked(plain: ServerProcess) -> Iterator[tuple[str, Pyepics]]:
    names = ("bo", "longout", "mbbo", "stringout", "lso", "longin", "stringin", "mbbi", "lsi")
    database = LINKS.format(**{name: plain.pv(name.upper()) for name in names})
    links = f"{plain.prefix}L:"
    environment = {"EPICS_CA_ADDR_LIST": plain.address, "EPICS_CA_AUTO_ADDR_LIST": "NO"}
    with SoftIoc(database, f"L={links}", **environment) as ioc, Pyepics([ioc.address, plain.address]) as client:
        until(client, f"{links}in:longin.SEVR", 0)
        yield links, client


@pytest.mark.parametrize(
    ("record", "put", "name", "read"),
    [
        ("bo", 1, "BO", 1),
        ("bo", 0, "BO", 0),
        ("longout", 1005, "LONGOUT", 1005),
        ("ao", 1006.0, "LONGOUT", 1006),
        ("mbbo", 1, "MBBO", 1),
        ("stringout", "MAGNETS", "STRINGOUT", "MAGNETS"),
        ("lso:plain", "a title", "LSO", "a title"),
    ],
)
def test_a_c_ioc_writes_through_its_links(
    plain: ServerProcess, linked: tuple[str, Pyepics], record: str, put: object, name: str, read: object
) -> None:
    links, client = linked
    client.put(f"{links}{record}", put)
    until(client, plain.pv(name), read)


def test_a_c_ioc_writes_a_long_text_through_its_link(plain: ServerProcess, linked: tuple[str, Pyepics]) -> None:
    links, client = linked
    text = "a comment that is longer than 39 bytes, written by an lso record"
    client.put(f"{links}lso.VAL$", text)
    until(client, plain.pv("LSO.VAL$"), text, as_string=True)


def test_a_c_ioc_reads_through_its_links_with_their_severity(plain: ServerProcess, linked: tuple[str, Pyepics]) -> None:
    links, client = linked
    client.put(plain.pv("LONGOUT"), 42)
    client.put(plain.pv("STRINGOUT"), "from us")
    client.put(plain.pv("LSO.VAL$"), "x" * 100)
    client.put(plain.pv("MBBO"), 1)
    until(client, f"{links}in:longin", 42)
    until(client, f"{links}in:stringin", "from us")
    until(client, f"{links}in:mbbi", 1)
    until(client, f"{links}in:mbbi.SEVR", 2)
    until(client, f"{links}in:lsi.VAL$", "x" * 100, as_string=True)
