"""Request files made of text, in a folder of their own."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from snapioc.formats import SetFile, read_set
from snapioc.model import ConfigError, Member


class Folder:
    """Writes files, and reads sets from them; error texts come back with names relative to the folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, content: str | bytes) -> SetFile:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return SetFile(path)

    def members(self, *names: str, macros: Mapping[str, str] | None = None) -> tuple[Member, ...]:
        files = [SetFile(self.path / name, macros or {}) for name in names]
        return read_set("SET", files).members

    def pvs(self, *names: str, macros: Mapping[str, str] | None = None) -> list[str]:
        return [member.pv for member in self.members(*names, macros=macros)]

    def faults(self, *names: str, macros: Mapping[str, str] | None = None) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            self.members(*names, macros=macros)
        return str(caught.value).replace(f"{self.path}/", "").split("\n")
