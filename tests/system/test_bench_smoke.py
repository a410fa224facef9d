"""The benchmark runs from end to end. What it measures with so few PVs means nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(300)
def test_the_benchmark_runs(tmp_path: Path) -> None:
    sizes = {"--sizes": 200, "--repeat": 1, "--load-seconds": 1, "--store": 200, "--drift": 200}
    options = [text for option, number in sizes.items() for text in (option, str(number))]
    command = [sys.executable, "-m", "tests.bench", *options, "--output", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    assert "warm read: libca loop" in done.stdout
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")
    figures = json.loads((tmp_path / "bench.json").read_text())["figures"]
    assert all(figure["values"] for figure in figures)
    assert {figure["participant"] for figure in figures} >= {"aioca lists", "pyepics", "squirrel way", "snapioc run"}
