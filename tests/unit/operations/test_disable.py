"""Which records refuse puts, and what is waited for to know it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from snapioc.model import DbrType, Readings, Reason, SnapError
from snapioc.operations.disable import Disabled, disp_of

from .fakes import FakeChannels, FakePv


class Noted(FakeChannels):
    """Notes for what it waited and what it read; PVs `late` connect after so many waits."""

    def __init__(self, pvs: dict[str, FakePv], late: dict[str, int] | None = None) -> None:
        super().__init__(pvs)
        self.waits: list[list[str]] = []
        self.reads: list[list[str]] = []
        self.late = late or {}

    async def connect(self, pvs: Sequence[str], timeout: float) -> None:
        self.waits.append(list(pvs))
        await super().connect(pvs, timeout)
        for pv, waits in self.late.items():
            if len(self.waits) >= waits:
                self.pvs[pv].reason = Reason.OK

    async def read(self, pvs: Sequence[str], timeout: float, progress: Callable[[int], None] | None = None) -> Readings:
        self.reads.append(list(pvs))
        return await super().read(pvs, timeout)


def channels(late: dict[str, int] | None = None, **values: float | None) -> Noted:
    """DISP fields of records; None: it does not answer."""
    pvs = {
        f"{name}.DISP": FakePv(reason=Reason.NEVER_CONNECTED) if value is None else FakePv(value, DbrType.CHAR)
        for name, value in values.items()
    }
    return Noted(pvs, late)


async def looked(disabled: Disabled, *pvs: str) -> list[bool]:
    found: list[bool] = (await disabled.look(pvs, 1.0)).tolist()
    return found


@pytest.mark.parametrize(
    ("pv", "field"),
    [("X", "X.DISP"), ("X.VAL", "X.DISP"), ("X.A", "X.DISP"), ("X.DESC$", "X.DISP"), ('X.VAL{"arr":{"s":1}}', "X.DISP")],
)
def test_the_field_of_the_record(pv: str, field: str) -> None:
    assert disp_of(pv) == field


async def test_each_pv_has_the_answer_of_its_record() -> None:
    found = channels(X=1, Y=0, Z=255)
    assert await looked(Disabled(found), "X", "Y", "X.DESC", "Z", "NONE", "Y.A") == [True, False, True, True, False, False]
    fields = ["X.DISP", "Y.DISP", "Z.DISP", "NONE.DISP"]
    assert found.reads == [fields]


async def test_puts_to_disp_itself_are_never_refused() -> None:
    found = channels(X=1)
    assert await looked(Disabled(found), "X.DISP", "X") == [False, True]
    assert await looked(Disabled(found), "X.DISP") == [False]
    assert found.reads == [["X.DISP"], []]


@pytest.mark.parametrize("value", [b"1", float("nan")])
async def test_a_server_that_says_something_else_there_disables_nothing(value: bytes | float) -> None:
    dbr_type = DbrType.STRING if isinstance(value, bytes) else DbrType.DOUBLE
    assert await looked(Disabled(FakeChannels({"X.DISP": FakePv(value, dbr_type)})), "X") == [False]


async def test_no_pvs_at_all() -> None:
    assert await looked(Disabled(channels())) == []


async def test_it_is_asked_anew_each_time() -> None:
    found = channels(X=0)
    disabled = Disabled(found)
    assert await looked(disabled, "X") == [False]
    found.pvs["X.DISP"].value = 1
    assert await looked(disabled, "X") == [True]


async def test_what_was_waited_for_in_vain_is_not_waited_for_again() -> None:
    found = channels(X=1, NONE=None)
    disabled = Disabled(found)
    assert await looked(disabled, "X", "NONE") == [True, False]
    assert found.waits == [["X.DISP", "NONE.DISP"], ["NONE.DISP"]]
    assert await looked(disabled, "X", "NONE") == [True, False]
    assert len(found.waits) == 2
    # But it is read, and only what is new is waited for.
    found.pvs["NONE.DISP"].reason, found.pvs["NONE.DISP"].value = Reason.OK, 1
    found.pvs["NEW.DISP"] = FakePv(1, DbrType.CHAR)
    assert await looked(disabled, "NONE", "NEW") == [True, True]
    assert found.waits[2:] == [["NEW.DISP"]]


async def test_it_waits_as_long_as_more_of_them_connect() -> None:
    found = channels({"X.DISP": 1, "Y.DISP": 2}, X=None, Y=None, NONE=None)
    found.pvs["X.DISP"].value = found.pvs["Y.DISP"].value = 1
    assert await looked(Disabled(found), "X", "Y", "NONE") == [True, True, False]
    assert found.waits == [["X.DISP", "Y.DISP", "NONE.DISP"], ["Y.DISP", "NONE.DISP"], ["NONE.DISP"]]


async def test_a_wait_that_was_cut_short_is_made_up_for() -> None:
    found = channels(X=1)
    disabled = Disabled(found)

    def blocked(call: str) -> None:
        raise SnapError("the CA client has not answered")

    found.hook = blocked
    with pytest.raises(SnapError):
        await disabled.look(["X"], 1.0)
    found.hook = lambda call: None
    assert await looked(disabled, "X") == [True]
    assert found.waits == [["X.DISP"]] * 2


async def test_so_is_one_that_was_aborted() -> None:
    found = channels(X=1)
    disabled, gate = Disabled(found), asyncio.Event()
    connect = found.connect

    async def slow(pvs: Sequence[str], timeout: float) -> None:
        await connect(pvs, timeout)
        await gate.wait()

    found.connect = slow  # type: ignore[method-assign]
    look = asyncio.create_task(disabled.look(["X"], 1.0))
    await asyncio.sleep(0)
    look.cancel()
    await asyncio.gather(look, return_exceptions=True)
    gate.set()
    assert await looked(disabled, "X") == [True]
    assert found.waits == [["X.DISP"]] * 2
