"""list, show and diff on a real store, as a person and a script call them."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from datetime import datetime

import pytest

from snapioc.cli import main
from tests.system.commands.conftest import Facility

Output = pytest.CaptureFixture[str]


def test_list_shows_the_newest_first(filled: Facility, capsys: Output) -> None:
    assert main(filled.arguments("list", "--undo")) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["id", "time", "set", "kind", "title", "tags", "by", "ok/total", "missing", "invalid"]
    assert [row[:4] for row in rows] == ["1003", "1002", "1001"]
    assert "before restore of 1001" in rows[1]
    assert "golden\\x0ashot" in rows[2]
    assert rows[2].split()[-6:] == ["golden,", "user", "ann@desk", "3/4", "1", "1"]
    assert datetime.fromisoformat(rows[2].split()[1]).tzinfo is not None


def test_list_hides_the_snapshots_of_restores(filled: Facility, capsys: Output) -> None:
    assert main(filled.arguments("list", "--json")) == 0
    assert [header["id"] for header in json.loads(capsys.readouterr().out)] == [1003, 1001]


def test_list_of_one_set_and_of_a_few(filled: Facility, capsys: Output) -> None:
    assert main(filled.arguments("list", "--json", "--set", "MAGNETS")) == 0
    assert [header["id"] for header in json.loads(capsys.readouterr().out)] == [1001]
    assert main(filled.arguments("list", "--json", "--undo", "--set", "MAGNETS", "--limit", "1")) == 0
    assert [header["id"] for header in json.loads(capsys.readouterr().out)] == [1002]
    assert main(filled.arguments("list", "--json", "-n", "1")) == 0
    (header,) = json.loads(capsys.readouterr().out)
    assert (header["set"], header["ok"], header["total"], header["tags"]) == ("RF", 1, 1, [])


def test_a_list_of_nothing_is_1(filled: Facility, capsys: Output) -> None:
    assert main(filled.arguments("list", "--set", "NONE")) == 1
    assert capsys.readouterr().err == "snapioc list: there is no snapshot of set NONE\n"
    assert main(filled.arguments("list", "--set", "NONE", "--json")) == 1
    assert capsys.readouterr().out == "[]\n"


def test_show_tells_the_header_and_every_value(filled: Facility, capsys: Output) -> None:
    assert main(filled.arguments("show", "1001")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["snapshot", "1001,", "manual"]
    assert "PVs       3 of 4; 1 missing, 1 invalid" in lines
    rows = {line.split()[0]: line for line in lines if line.startswith("SR:")}
    assert rows["SR:QF1"].split()[1:4] == ["1.0", "A", "INVALID"]
    assert '"not été as UTF-8 [bold] \\x1b[2J' + "x" * 60 + '"' in rows["SR:NOTE"]
    assert "[never connected]" in rows["SR:DEAD"]
    assert "On (1)" in rows["SR:MODE"]


def test_show_in_json_and_filtered(filled: Facility, capsys: Output) -> None:
    assert main(filled.arguments("show", "1001", "--json", "--filter", "SR:*,!*NOTE")) == 0
    content = json.loads(capsys.readouterr().out)
    assert [value["pv"] for value in content["values"]] == ["SR:QF1", "SR:DEAD", "SR:MODE"]
    assert content["values"][2]["label"] == "On"
    assert main(filled.arguments("show", "1001", "--filter", "NONE*")) == 1
    assert "'NONE*' matches none" in capsys.readouterr().err


def test_what_is_not_there_is_1_and_for_diff_2(filled: Facility, capsys: Output) -> None:
    assert main(filled.arguments("show", "999")) == 1
    assert capsys.readouterr().err == "snapioc show: there is no snapshot 999\n"
    assert main(filled.arguments("diff", "1001", "999")) == 2
    assert capsys.readouterr().err == "snapioc diff: there is no snapshot 999\n"


def test_diff_names_what_differs_beyond_the_tolerance(filled: Facility, capsys: Output) -> None:
    assert main(filled.arguments("diff", "1001", "1002")) == 1
    head, row, counts = capsys.readouterr().out.splitlines()
    assert head.split() == ["pv", "1001", "1002", "difference"]
    assert row.split() == ["SR:MODE", "On", "(1)", "Off", "(0)", "other", "value"]
    assert counts == "2 equal, 1 different, 1 unknown"


def test_diff_in_json_and_of_equal_ones(filled: Facility, capsys: Output) -> None:
    assert main(filled.arguments("diff", "1001", "1002", "--json")) == 1
    content = json.loads(capsys.readouterr().out)
    assert (content["equal"], content["different"], content["unknown"]) == (2, 1, 1)
    assert content["differences"][0]["other"]["label"] == "Off"
    assert content["differences"][0]["difference"] == "other value"
    assert main(filled.arguments("diff", "1001", "1002", "--filter", "*QF1")) == 0
    assert capsys.readouterr().out == "1 equal, 0 different, 0 unknown\n"


def test_diff_of_sets_that_have_nothing_in_common(filled: Facility, capsys: Output) -> None:
    assert main(filled.arguments("diff", "1001", "1003")) == 2
    assert capsys.readouterr().err == "snapioc diff: no PV is part of both 1001 and 1003\n"


def test_without_a_store_none_is_made(facility: Facility, capsys: Output) -> None:
    assert main(facility.arguments("list")) == 1
    assert "there is no store" in capsys.readouterr().err
    assert not facility.store.exists()


def test_a_store_of_another_version_is_left_as_it_is(filled: Facility, capsys: Output) -> None:
    with sqlite3.connect(filled.store) as database:
        database.execute("UPDATE alembic_version SET version_num = 'before'")
    database.close()
    assert main(filled.arguments("list")) == 1
    assert capsys.readouterr().err.startswith("snapioc list: ")
    with sqlite3.connect(filled.store) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchall() == [("before",)]
    database.close()


def test_the_files_of_the_sets_need_not_be_there(filled: Facility, capsys: Output) -> None:
    (filled.config.parent / "MAGNETS.req").unlink()
    assert main(filled.arguments("show", "1001")) == 0


def test_a_reader_that_has_had_enough_is_no_error(filled: Facility) -> None:
    command = [sys.executable, "-m", "snapioc", *filled.arguments("show", "1001", "--json")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_the_installed_command_reads_the_configuration_here(filled: Facility) -> None:
    command = [sys.executable, "-m", "snapioc", "list", "--json"]
    ended = subprocess.run(command, cwd=filled.config.parent, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert len(json.loads(ended.stdout)) == 2


def test_a_terminal_without_unicode_gets_everything(filled: Facility) -> None:
    command = [sys.executable, "-m", "snapioc", *filled.arguments("show", "1001")]
    ended = subprocess.run(command, env={"PYTHONIOENCODING": "ascii"}, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert rb"not \xe9t\xe9 as UTF-8" in ended.stdout
