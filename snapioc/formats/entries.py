"""What one line of a request file can say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from snapioc.model import Member


@dataclass(frozen=True, slots=True)
class Include:
    """Another file is to be read here, with these macros and no others."""

    name: str
    macros: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """The line is wrong; `text` says how."""

    text: str


Entry: TypeAlias = Member | Include | Fault
