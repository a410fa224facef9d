"""What the repetition of a set waits for now, in a person's words."""

from __future__ import annotations

from ..wording import pvs_of
from .members import Members
from .options import Options


def watched(options: Options, trigger_lacks: str, members: Members, patient: bool, fault: str) -> str:
    """One line: what is in the way of snapshots, and what leads to them.

    It begins with "arming" until each connected PV has told what it holds; a PV that does not is waited for while
    `patient`. A change before that is none, as nothing is known of what was before it.
    """
    if not options.armed:
        return "ARM is 0; WINDOW is not active" if options.window else "ARM is 0"
    causes = [f"every {options.period:g} s"] if options.period else []
    causes += [f"on change, at most every {options.min_interval:g} s"] if options.on_change else []
    causes += [f"TRIG_PV {options.trig_pv} ({options.trig_on.text}) {trigger_lacks}".rstrip()] if options.trig_pv else []
    more = [f"a window of {options.window:g} ms with each snapshot"] if options.window else []
    more += _back(options, members)
    more += [fault] if fault else []
    if not causes:
        more = ["nothing by itself: PERIOD, ON_CHANGE and TRIG_PV are off", *more]
    return "; ".join([*_arming(options, members, patient), *causes, *more])


def _arming(options: Options, members: Members, patient: bool) -> list[str]:
    if not options.hears_members or not members.awaited:
        return []
    if members.listening and not patient:
        return [f"{pvs_of(members.awaited)} connected, but silent"]
    return [f"arming: {members.heard} of {pvs_of(members.heard + members.awaited)} heard"]


def _back(options: Options, members: Members) -> list[str]:
    if not options.back:
        return []
    if not options.trig_pv:
        return ["BACK does nothing without TRIG_PV"]
    short = ", which is not reached: too many events" if members.short else ""
    return [f"BACK {options.back:g} ms: the values at the time stamp of TRIG_PV{short}"]
