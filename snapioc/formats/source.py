"""Reading text files so that whatever is wrong with one is a sentence that names it, and the line."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from pathlib import Path

from snapioc.model import ConfigError


def read_text(path: Path) -> str:
    """The UTF-8 text of a file, without a byte order mark. Raises ConfigError that begins with the path (and line)."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigError(f"{path!r}: {error}") from error
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: not UTF-8: byte 0x{error.object[error.start]:02x}") from error


def numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """Each line with its number, as an editor counts them, without the blanks around it."""
    # str.splitlines would also split at form feeds and U+2028, and count more lines than an editor does.
    for number, line in enumerate(io.StringIO(text, newline=None), 1):
        yield number, line.strip()
