"""What the repetition of a set waits for now, in a person's words."""

from __future__ import annotations

from .members import Members
from .options import Options


def watched(options: Options, trigger_connected: bool, members: Members, fault: str) -> str:
    """One line: what leads to snapshots, and what is in the way of it."""
    if not options.armed:
        return "ARM is 0"
    causes = [f"every {options.period:g} s"] if options.period else []
    causes += [f"on change, at most every {options.min_interval:g} s"] if options.on_change else []
    causes += [_trigger(options, trigger_connected)] if options.trig_pv else []
    causes += [f"a window of {options.window:g} ms with each snapshot"] if options.window else []
    causes += ["BACK does not reach back so far: too many events"] if members.short else []
    causes += ["the PVs of the set are not subscribed to yet"] if options.hears_members and not members.listening else []
    causes += [fault] if fault else []
    return "; ".join(causes) or "nothing: PERIOD, ON_CHANGE and TRIG_PV are off"


def _trigger(options: Options, connected: bool) -> str:
    return f"TRIG_PV {options.trig_pv} ({options.trig_on.text}){'' if connected else ' is not connected'}"
