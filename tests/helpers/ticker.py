"""A client process that writes 1, 2, 3, ... to a PV, about so many a second, until it is killed: `ticker.py PV RATE`."""

from __future__ import annotations

import sys
import time

import epics


def main() -> None:
    name, rate = sys.argv[1], float(sys.argv[2])
    pv = epics.PV(name, auto_monitor=False)
    pv.wait_for_connection(60)
    count, due = 0, time.monotonic()
    while True:
        count += 1
        pv.put(count)
        epics.ca.flush_io()
        # After a delay it goes on in its own pace: two writes at once would be two events with nothing between.
        due = max(due + 1 / rate, time.monotonic() + 0.5 / rate)
        time.sleep(due - time.monotonic())


if __name__ == "__main__":
    main()
