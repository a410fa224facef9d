"""The configuration file: TOML to frozen dataclasses, checked before anything starts (pv-contract, "Starting it").

Decided: Config, which the program passes around, is made from the tables of the file and is not one of them. A key of the
file can then never set a field that is not the file's (`path`), and `sets` need not be called `set`.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.engine import make_url

from snapioc.config_tables import ChannelsConfig, IocConfig, RestoreConfig, SetConfig, StoreConfig, Tables
from snapioc.formats import read_set, read_text
from snapioc.model import ConfigError, PvSet, name_fault

__all__ = [
    "ChannelsConfig",
    "Config",
    "IocConfig",
    "RestoreConfig",
    "SetConfig",
    "StoreConfig",
    "load_config",
    "load_sets",
    "store_url",
]

LONGEST_NAME = 59
"""Characters of the longest PV name we serve (dbDefs.h, PVNAME_STRINGSZ: 61 with the closing NUL)."""

LONGEST_SUFFIX = len("PVS_DISCONNECTED")
"""Characters of the longest name that the contract puts behind `$(P)`, `$(P)<SET>:` or `$(P)<CONSOLE>:`."""


@dataclasses.dataclass(frozen=True, slots=True)
class Config:
    """All that the configuration file at `path` says, and the defaults where it says nothing."""

    path: Path
    ioc: IocConfig
    store: StoreConfig
    channels: ChannelsConfig
    restore: RestoreConfig
    sets: tuple[SetConfig, ...]


def load_config(path: Path, ioc: Mapping[str, object] | None = None) -> Config:
    """The configuration file, with the `[ioc]` values of the command line (`ioc`) in place of its own.

    Raises ConfigError with a line for each fault: the file, the key path (`set[0]` is the first set), and what is wrong.
    The files of the sets are not looked at, `load_sets` reads them.
    """
    try:
        content = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from error
    if ioc and isinstance(content.setdefault("ioc", {}), dict):
        content["ioc"] |= ioc
    try:
        tables = TypeAdapter(Tables).validate_python(content, context=path.parent)
    except ValidationError as error:
        raise ConfigError("\n".join(f"{path}: {_key(e['loc'])}: {_sentence(e)}" for e in error.errors())) from error
    config = Config(path, tables.ioc, tables.store, tables.channels, tables.restore, tables.set)
    _check_names(config)
    return config


def load_sets(config: Config) -> tuple[PvSet, ...]:
    """Every set of the configuration, read from its files. Raises ConfigError with a line for each fault of each set."""
    sets, faults = [], []
    fault_of = _fault_with(config.ioc.prefix)
    for position, configured in enumerate(config.sets):
        try:
            pv_set = read_set(configured.name, configured.files, fault_of)
        except ConfigError as fault:
            faults.append(str(fault))
            continue
        if not pv_set.members:
            faults.append(f"{config.path}: set[{position}].files: set {configured.name} has no PV")
        sets.append(pv_set)
    if faults:
        raise ConfigError("\n".join(faults))
    return tuple(sets)


def store_url(config: Config) -> str:
    """The store's URL with the path of an SQLite file absolute: what the file says is relative to the file."""
    url = make_url(config.store.url)
    # `file:` names are SQLite's own URIs, which say themselves where the file is.
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith("file:"):
        return config.store.url
    return url.set(database=str(config.path.absolute().parent / url.database)).render_as_string(hide_password=False)


def _fault_with(prefix: str) -> Callable[[str], str | None]:
    def fault_of(pv: str) -> str | None:
        if pv.startswith(prefix):
            return f"names that start with {prefix!r} are snapioc's own, and no set can save them"
        return name_fault(pv)

    return fault_of


def _check_names(config: Config) -> None:
    names = [configured.name for configured in config.sets]
    for position, name in enumerate(names):
        where = f"{config.path}: set[{position}].name"
        if name in names[:position]:
            raise ConfigError(f"{where}: set[{names.index(name)}] has the name {name} already")
        _check_length(where, config.ioc.prefix, "set", name)
    for position, name in enumerate(config.ioc.consoles):
        where = f"{config.path}: ioc.consoles[{position}]"
        if name in names:
            raise ConfigError(f"{where}: set[{names.index(name)}] has the name {name}, and their PVs would be the same")
        _check_length(where, config.ioc.prefix, "console", name)


def _check_length(where: str, prefix: str, what: str, name: str) -> None:
    length = len(prefix) + len(name) + 1 + LONGEST_SUFFIX
    if length > LONGEST_NAME:
        raise ConfigError(
            f"{where}: with the prefix {prefix!r} the {what} {name} would have PV names of {length} characters;"
            f" {LONGEST_NAME} is the most"
        )


def _key(location: tuple[int | str, ...]) -> str:
    """A place in the file as people write it: `set[1].files[0].path`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")


def _sentence(error: Any) -> str:
    """What pydantic found, in the words of a configuration file."""
    kind = error["type"]
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        return "unknown key"
    if kind == "missing":
        return "is missing"
    if kind == "value_error":
        return str(error["ctx"]["error"])
    simple = isinstance(error["input"], str | int | float)
    return f"{error['msg']} (it is {error['input']!r})" if simple else str(error["msg"])
