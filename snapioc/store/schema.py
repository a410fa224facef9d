"""The schema's versions: which one a database has, and bringing it up to date."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, inspect

from snapioc.model import StoreError

MIGRATIONS = Path(__file__).parent / "migrations"


def bring_up_to_date(connection: Connection, name: str) -> None:
    """Run the migrations that are missing, within the connection's transaction. Raises StoreError if that cannot be."""
    if not _is_empty(connection) and _is_current(connection, name):
        return
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def check(connection: Connection, name: str) -> None:
    """Raise StoreError, with what to do, unless the schema is exactly the one that this program writes."""
    if _is_empty(connection):
        raise StoreError(f"there is nothing in the store yet ({name}): start the IOC once to set it up")
    if not _is_current(connection, name):
        raise StoreError(f"the store is of an older snapioc ({name}): start the IOC once to bring it up to date")


def _is_empty(connection: Connection) -> bool:
    return not inspect(connection).get_table_names()


def _is_current(connection: Connection, name: str) -> bool:
    """False if the schema is an older one. Raises StoreError if it is a newer one, or none of ours."""
    script = ScriptDirectory.from_config(_config())
    present = MigrationContext.configure(connection).get_current_revision()
    if present is None:
        raise StoreError(f"this is no store of snapioc, but another program's database ({name})")
    try:
        script.get_revision(present)
    except CommandError:
        raise StoreError(f"the store is of a newer snapioc ({name}, schema {present}): use that one") from None
    return present == script.get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
