"""Restore records as text and as JSON; pure."""

from __future__ import annotations

from collections import Counter

from snapioc.model import Outcomes, PvVerdict, RestoreRecord

from .values import Json, local_time


def record_json(record: RestoreRecord) -> Json:
    """All that is known of a restore besides its outcomes; `ended` and `result` are null while it is unfinished."""
    new = record.new
    return {
        "id": record.id,
        "begun": local_time(record.begun_at),
        "ended": None if record.ended_at is None else local_time(record.ended_at),
        "set": new.set_name,
        "snapshot": new.snapshot_id,
        "result": record.result or None,
        "message": record.message,
        "written": record.written,
        "user": new.origin.user,
        "host": new.origin.host,
        "group": new.origin.group,
        "filter": new.filter,
        "policy": new.policy,
        "changed_only": new.changed_only,
        "verify": new.verify,
        "undoes": new.undoes,
        "undo_id": record.undo_id,
        "after_id": record.after_id,
    }


def result_text(record: RestoreRecord) -> str:
    """`success`, or `unfinished` for one that runs or was interrupted."""
    return "unfinished" if record.ended_at is None else record.result


def verdict_text(verdict: int) -> str:
    """The verdict in plain words; of a newer snapioc's verdict only the number is known."""
    return PvVerdict(verdict).text if _known(verdict) else f"verdict {verdict}"


def verdict_name(verdict: int) -> str:
    """The verdict for programs."""
    return PvVerdict(verdict).name if _known(verdict) else str(verdict)


def counts_text(outcomes: Outcomes) -> str:
    """How many PVs have which verdict, the commonest first: `38 restored, 2 clamped`."""
    counts = Counter(outcomes.verdicts.tolist())
    return ", ".join(f"{count} {verdict_text(verdict)}" for verdict, count in counts.most_common())


def failed(verdict: int) -> bool:
    """Whether it is no verdict of a PV that is as it was wanted."""
    return not _known(verdict) or PvVerdict(verdict).failed


def _known(verdict: int) -> bool:
    return verdict in PvVerdict.__members__.values()
