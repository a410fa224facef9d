"""What the configuration says of a set reaches the operations."""

from __future__ import annotations

from pathlib import Path

from snapioc.application import _settings
from snapioc.config import load_config
from snapioc.model import Member, PvSet
from snapioc.operations import BATCH, Policy, SetSettings


def test_settings_of_the_sets(tmp_path: Path) -> None:
    path = tmp_path / "snapioc.toml"
    path.write_text("""
[store]
url = "sqlite:///snapshots.db"
[channels]
read_timeout = 1.5
[[set]]
name = "A"
files = ["a"]
[[set]]
name = "B"
files = ["b"]
min_complete = 0.9
read_timeout = 3
policy = "Best effort"
changed = false
verify = false
rate = 250
batch = 50
settle = 0.5
""")
    sets = PvSet("A", (Member("a"),)), PvSet("B", (Member("b"),))
    assert _settings(load_config(path), sets) == {
        "A": SetSettings(sets[0], read_timeout=1.5, batch=BATCH),
        "B": SetSettings(
            sets[1],
            read_timeout=3.0,
            min_complete=0.9,
            policy=Policy.BEST_EFFORT,
            changed_only=False,
            verify=False,
            rate=250.0,
            batch=50,
            settle=0.5,
        ),
    }
    assert SetSettings(sets[0]).changed_only
