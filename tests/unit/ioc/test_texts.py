"""Long texts are cut at a line, and say how much more there is."""

from __future__ import annotations

from snapioc.ioc.texts import lines
from snapioc.ioc.wire import TEXT_LIMIT


def test_what_fits_is_shown_as_it_is() -> None:
    assert lines([], "nowhere") == ""
    assert lines(["a", "b"], "nowhere") == lines(["a", "b"], "nowhere", 2) == "a\nb"


def test_what_does_not_fit_is_cut_at_a_line() -> None:
    text = lines(["ä" * 100] * 100, "snapioc show 1001")
    *kept, note = text.splitlines()
    assert kept == ["ä" * 100] * len(kept)
    assert note == f"... and {100 - len(kept)} more: snapioc show 1001"
    assert TEXT_LIMIT - 201 < len(text.encode()) <= TEXT_LIMIT


def test_lines_that_were_never_made_are_counted_too() -> None:
    assert lines(["a", "b"], "snapioc diff 1 2", 700) == "a\nb\n... and 698 more: snapioc diff 1 2"
