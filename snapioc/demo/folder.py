"""The demo's working directory: its configuration, PV lists and store, for people to look at and change."""

from __future__ import annotations

import shutil
from pathlib import Path

_SETS = Path(__file__).with_name("sets")


def prepare(folder: Path) -> Path:
    """Make the folder with the demo's configuration and PV lists; returns the configuration file.

    What is there already stays as it is: snapshots are kept from run to run, and so is what was changed by hand.
    Raises OSError if the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for source in sorted(_SETS.iterdir()):
        target = folder / source.name
        if not target.exists():
            shutil.copyfile(source, target)
    return folder / "snapioc.toml"
