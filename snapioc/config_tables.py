"""What the configuration file may say: its tables as frozen dataclasses, which pydantic checks as they are made.

Decided: values are not converted ("5064" is no port), as TOML has types of its own; and a key that is not known is an error,
because a setting that is quietly ignored is worse than none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, TypeVar

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StrictBool, ValidationInfo, field_validator
from pydantic.dataclasses import dataclass
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from snapioc.formats import SetFile
from snapioc.model import name_fault

RESERVED_NAMES = ("LIST", "SEL", "HIST", "DIFF", "IOC")
"""The console's own sub-names, which no set and no further console can have."""

_T = TypeVar("_T")
_TABLE = ConfigDict(extra="forbid")

Text: TypeAlias = Annotated[str, Field(min_length=1)]
Seconds: TypeAlias = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
Amount: TypeAlias = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
Name: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,24}$")]
"""What can stand between the prefix and a group's PVs."""

Fraction: TypeAlias = Annotated[float, Field(strict=True, ge=0, le=1)]


def _some(entries: tuple[_T, ...]) -> tuple[_T, ...]:
    # Not min_length: pydantic would say so too when there are entries and all of them are wrong.
    if not entries:
        raise ValueError("is empty")
    return entries


def _pv_name(name: str) -> str:
    fault = name_fault(name)
    if fault:
        raise ValueError(fault)
    return name


@dataclass(frozen=True, config=_TABLE)
class IocConfig:
    """`[ioc]`: what we serve, and where; None leaves the port and the interfaces to EPICS_CA(S)_*.

    `consoles` are further consoles beside the main one, which stands directly under the prefix.
    """

    prefix: str = "SNAP:"
    port: Annotated[int, Field(strict=True, ge=1, le=65535)] | None = None
    interfaces: Annotated[tuple[Text, ...], AfterValidator(_some)] | None = None
    consoles: tuple[Name, ...] = ()

    @field_validator("prefix")
    @classmethod
    def _begins_a_record_name(cls, prefix: str) -> str:
        if not prefix:
            raise ValueError("the prefix is empty")
        if "." in prefix:
            raise ValueError("'.' cannot stand in a record name")
        _pv_name(prefix + "A")
        return prefix

    @field_validator("consoles")
    @classmethod
    def _are_free(cls, consoles: tuple[str, ...]) -> tuple[str, ...]:
        for position, name in enumerate(consoles):
            if name in RESERVED_NAMES:
                raise ValueError(f"no console can have the name {name}, which the main console uses")
            if name in consoles[:position]:
                raise ValueError(f"the name {name} stands there twice")
        return consoles


@dataclass(frozen=True, config=_TABLE)
class StoreConfig:
    """`[store]`: any SQLAlchemy URL as it stands in the file; `store_url` gives the one to open."""

    url: str

    @field_validator("url")
    @classmethod
    def _is_url(cls, url: str) -> str:
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise ValueError("no SQLAlchemy URL, which looks like sqlite:///snapshots.db") from error
        if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
            raise ValueError("names no file: snapshots in memory are lost when the program ends")
        return url


@dataclass(frozen=True, config=_TABLE)
class ChannelsConfig:
    """`[channels]`: how long we wait for the machine, in seconds."""

    connect_timeout: Amount = 5.0
    read_timeout: Seconds = 2.0
    write_timeout: Seconds = 5.0


@dataclass(frozen=True, config=_TABLE)
class RestoreConfig:
    """`[restore]`: whether restores are allowed at start, and the PV that has to read non-zero for them."""

    enabled: StrictBool = True
    permit_pv: str | None = None

    @field_validator("permit_pv")
    @classmethod
    def _is_pv_name(cls, name: str | None) -> str | None:
        return name if name is None else _pv_name(name)


@dataclass(frozen=True, config=_TABLE)
class _ConfiguredFile(SetFile):
    """An entry of `files`, its path made relative to the configuration file."""

    path: Path
    macros: Mapping[str, str] = field(default_factory=dict)

    @field_validator("path")
    @classmethod
    def _beside_the_configuration(cls, path: Path, info: ValidationInfo) -> Path:
        folder: Path = info.context if info.context is not None else Path()
        return folder / path


_File: TypeAlias = Annotated[_ConfiguredFile, BeforeValidator(lambda x: {"path": x} if isinstance(x, str) else x)]


@dataclass(frozen=True, config=_TABLE)
class SetConfig:
    """A `[[set]]`: its files, how it is saved and restored, and the start values of its group.

    `read_timeout` None is that of `[channels]`. A restore writes at most `rate` PVs/s (0: as fast as it can), `batch` PVs
    together (None: as the program sees fit), and gives readbacks `settle` seconds before it looks at them.
    """

    name: Name
    files: Annotated[tuple[_File, ...], AfterValidator(_some)]
    min_complete: Fraction | None = None
    read_timeout: Seconds | None = None
    policy: Literal["Strict", "Best effort"] = "Strict"
    changed: StrictBool = True
    verify: StrictBool = True
    rate: Amount = 0.0
    batch: Annotated[int, Field(strict=True, ge=1)] | None = None
    settle: Amount = 0.0

    @field_validator("name")
    @classmethod
    def _is_free(cls, name: str) -> str:
        if name in RESERVED_NAMES:
            raise ValueError(f"no set can have the name {name}, which the console uses")
        return name


@dataclass(frozen=True, config=_TABLE)
class Tables:
    """The whole file as it stands."""

    store: StoreConfig
    set: Annotated[tuple[SetConfig, ...], AfterValidator(_some)]
    ioc: IocConfig = field(default_factory=IocConfig)
    channels: ChannelsConfig = field(default_factory=ChannelsConfig)
    restore: RestoreConfig = field(default_factory=RestoreConfig)
