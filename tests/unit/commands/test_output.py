from __future__ import annotations

import io
import sys

import pytest

from snapioc.commands.output import print_json, print_table, printable

LONG = "SR:" + "VERY-LONG-NAME-" * 4 + "END"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_piped_table_has_one_whole_plain_line_per_row(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("pv", "value"), [(LONG, "x" * 300), ("B", "[red]1")], folding=("value",))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == [LONG, "x" * 300]
    assert lines[2].split() == ["B", "[red]1"]
    assert lines[0].index("value") == lines[1].index("x" * 300) == lines[2].index("[red]")


@pytest.mark.parametrize("columns", ["20", "60", "200"])
def test_on_a_terminal_nothing_is_cut_and_names_stay_whole(monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("TERM", "dumb")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    print_table(("pv", "value"), [(LONG, "abcdefghij" * 10), ("B", "[red]1")], folding=("value",))
    output = terminal.getvalue()
    assert LONG in output
    assert "".join(output.split()).replace(LONG, "").count("abcdefghij") == 10
    assert "[red]1" in output


def test_no_control_character_reaches_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert printable("a\x1b[2Jb\nc\x9b") == "a\\x1b[2Jb\\x0ac\\x9b"
    print_table(("title",), [("\x1b]0;evil\x07",)], folding=())
    assert "\x1b" not in capsys.readouterr().out


def test_json_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": ["µ"]})
    assert capsys.readouterr().out == '{"a": ["\\u00b5"]}\n'
