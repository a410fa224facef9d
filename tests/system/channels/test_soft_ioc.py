"""The helper that the other system tests stand on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.helpers.iocs import SoftIoc, free_port

DB = 'record(ao, "$(P)A") { field(VAL, "$(V=1)") field(PINI, "YES") }\n'


_CAGET = "import sys, epics; print(epics.caget(sys.argv[1], timeout=5, connection_timeout=5))"
_ACCESS = """import sys
from epics import ca
channel = ca.create_channel(sys.argv[1], connect=False)
ca.connect_channel(channel, timeout=10)
print(ca.read_access(channel), ca.write_access(channel))
"""


def run(program: str, pv: str) -> str:
    """The last line that a client that is not ours prints."""
    command = [sys.executable, "-c", program, pv]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip().splitlines()[-1]


def caget(pv: str) -> str:
    return run(_CAGET, pv)


def test_it_answers_with_the_records_of_its_text_after_a_restart_too(pv_prefix: str, ioc_ports: Iterator[int]) -> None:
    with SoftIoc(DB, f"P={pv_prefix},V=2", next(ioc_ports)) as ioc:
        assert caget(f"{pv_prefix}A") == "2.0"
        port = ioc.port
        ioc.restart(DB.replace("$(V=1)", "7"))
        assert caget(f"{pv_prefix}A") == "7.0"
        assert ioc.port == port


def test_a_stopped_one_is_silent_until_it_goes_on(pv_prefix: str, ioc_ports: Iterator[int]) -> None:
    with SoftIoc(DB, f"P={pv_prefix}", next(ioc_ports)) as ioc:
        ioc.stop()
        assert caget(f"{pv_prefix}A") == "None"
        ioc.cont()
        assert caget(f"{pv_prefix}A") == "1.0"


def test_records_that_do_not_load_are_an_error() -> None:
    with pytest.raises(RuntimeError, match="nosuchtype"), SoftIoc('record(nosuchtype, "X") {}'):
        pass


def test_access_security_is_loaded(pv_prefix: str, ioc_ports: Iterator[int]) -> None:
    acf = "ASG(DEFAULT) { RULE(1, READ) RULE(1, WRITE) }\nASG(NONE)\n"
    with SoftIoc(f'record(ao, "{pv_prefix}A") {{ field(ASG, "NONE") }}', port=next(ioc_ports), acf=acf):
        assert run(_ACCESS, f"{pv_prefix}A") == "0 0"


def test_ports_are_different_ones() -> None:
    assert len({free_port() for _ in range(10)}) == 10
