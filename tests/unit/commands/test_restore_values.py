from __future__ import annotations

import json

import numpy as np

from snapioc.commands.restore_values import counts_text, failed, record_json, result_text, verdict_name, verdict_text
from snapioc.model import NewRestore, Origin, Outcomes, PvVerdict, RestoreRecord

NEW = NewRestore(1001, "MAGNETS", Origin("ann", "desk", "MAG"), "SR:*", "Strict", undoes=3)


def test_json_of_a_restore_tells_all_that_is_known() -> None:
    content = record_json(RestoreRecord(7, NEW, 1002, 0.0, 1.0, "success", "done", 4, 1003))
    assert json.loads(json.dumps(content)) == content
    times = {name: content.pop(name) for name in ("begun", "ended")}
    assert all(str(time).startswith(("1970-01-01T", "1969-12-31T")) for time in times.values())
    assert content == {
        "id": 7,
        "set": "MAGNETS",
        "snapshot": 1001,
        "result": "success",
        "message": "done",
        "written": 4,
        "user": "ann",
        "host": "desk",
        "group": "MAG",
        "filter": "SR:*",
        "policy": "Strict",
        "changed_only": True,
        "verify": True,
        "undoes": 3,
        "undo_id": 1002,
        "after_id": 1003,
    }


def test_an_unfinished_restore() -> None:
    record = RestoreRecord(7, NEW, 1002, 0.0)
    assert result_text(record) == "unfinished"
    assert (record_json(record)["ended"], record_json(record)["result"]) == (None, None)


def test_counts_begin_with_the_commonest() -> None:
    verdicts = [PvVerdict.CLAMPED, *[PvVerdict.RESTORED] * 3]
    assert counts_text(Outcomes(np.arange(4, dtype=np.int32), np.array(verdicts, np.uint8))) == "3 restored, 1 clamped"
    assert counts_text(Outcomes()) == ""


def test_a_verdict_of_a_newer_program_is_a_number() -> None:
    assert (verdict_text(200), verdict_name(200), failed(200)) == ("verdict 200", "200", True)
    assert (verdict_text(0), verdict_name(0), failed(0)) == ("restored", "RESTORED", False)
