"""A sequencer-like client that is not ours: monitors the results, triggers with put-callback, and looks at the moment of
completion whether it has seen the results. Prints the rounds in which it had not."""

from __future__ import annotations

import sys
import threading
from typing import Any

import epics

RESULTS = ("LAST_ID", "RESULT", "OPS", "STATUS", "MESSAGE.VAL$")


def main(prefix: str, rounds: int) -> None:
    seen: dict[str, Any] = {}
    counts = dict.fromkeys(RESULTS, 0)
    completed = threading.Event()
    at_completion: dict[str, Any] = {}

    def note(pvname: str = "", value: Any = None, **_: Any) -> None:
        name = pvname.removeprefix(prefix)
        seen[name] = value
        counts[name] += 1

    def complete(**_: Any) -> None:
        at_completion.update(seen, results=counts["RESULT"])
        completed.set()

    monitors = [epics.PV(prefix + name, callback=note, auto_monitor=True) for name in RESULTS]
    trigger = epics.PV(prefix + "TRIGGER")
    for pv in (*monitors, trigger):
        assert pv.wait_for_connection(10), pv
    while any(counts[name] == 0 for name in RESULTS):
        epics.poll(1e-3, 1e-2)
    first_id, first_ops, posted, wrong = seen["LAST_ID"], seen["OPS"], counts["RESULT"], []
    for number in range(1, rounds + 1):
        completed.clear()
        trigger.put(1, callback=complete)
        assert completed.wait(60), f"round {number} did not complete"
        expected = (first_ops + number, 1, 0)
        got = (at_completion["OPS"], at_completion["RESULT"], at_completion["STATUS"])
        if got != expected or at_completion["LAST_ID"] < first_id + number or at_completion["results"] != posted + number:
            wrong.append((number, at_completion.copy(), expected))
    print(len(wrong), wrong[:3])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
