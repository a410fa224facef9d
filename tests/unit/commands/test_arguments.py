from __future__ import annotations

from pathlib import Path

import pytest

from snapioc.cli import main


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["nonsense"],
        ["show"],
        ["show", "x"],
        ["diff", "1001"],
        ["list", "-n", "0"],
        ["list", "-n", "-1"],
        ["restore-log"],
        ["run"],
    ],
)
def test_a_wrong_command_line_is_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2
    assert "usage: snapioc" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "demo", "check", "list", "show", "diff", "restores", "restore-log"])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: snapioc {command}")


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["check"], 1),
        (["list"], 1),
        (["show", "1001"], 1),
        (["diff", "1001", "1002"], 2),
        (["restores"], 1),
        (["restore-log", "1"], 1),
    ],
)
def test_without_a_configuration_there_is_one_line_and_a_code(
    argv: list[str], code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "nowhere.toml"
    assert main([*argv, "--config", str(missing)]) == code
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == f"snapioc {argv[0]}: {missing}: No such file or directory\n"


def test_run_checks_its_overrides_like_the_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "snapioc.toml"
    (tmp_path / "a.req").write_text("A\n")
    config.write_text('[store]\nurl = "sqlite:///s.db"\n[[set]]\nname = "S"\nfiles = ["a.req"]\n')
    assert main(["run", str(config), "--prefix", "a.b:"]) == 1
    assert "ioc.prefix: '.' cannot stand in a record name" in capsys.readouterr().err
    assert main(["run", str(config), "--port", "70000"]) == 1
    assert "ioc.port" in capsys.readouterr().err
    assert not (tmp_path / "s.db").exists()
