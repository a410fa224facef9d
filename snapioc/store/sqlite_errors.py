"""What SQLite's errors mean, for a person."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy.exc import DBAPIError

_SENTENCES = {
    sqlite3.SQLITE_BUSY: "the store is locked by another program ({path})",
    sqlite3.SQLITE_LOCKED: "the store is locked by another program ({path})",
    sqlite3.SQLITE_FULL: "the store is full ({path})",
    sqlite3.SQLITE_READONLY: "the store is read-only ({path})",
    sqlite3.SQLITE_PERM: "the store may not be opened ({path})",
    sqlite3.SQLITE_CANTOPEN: "the store cannot be opened ({path})",
    sqlite3.SQLITE_CORRUPT: "the store is damaged ({path})",
    sqlite3.SQLITE_NOTADB: "the store is damaged ({path} is no SQLite database)",
    sqlite3.SQLITE_IOERR: "the disk of the store failed ({path})",
}


def sentence(error: Exception, path: Path) -> str:
    """What an error of the database or the file system means."""
    result = code(error)
    if result in _SENTENCES:
        return _SENTENCES[result].format(path=path)
    return f"the store failed ({path}): {_cause(error)}"


def code(error: Exception) -> int:
    """SQLite's primary result code, 0 if the error is not SQLite's (https://sqlite.org/rescode.html)."""
    return int(getattr(_cause(error), "sqlite_errorcode", 0)) & 0xFF


def _cause(error: Exception) -> BaseException:
    return error.orig if isinstance(error, DBAPIError) and error.orig else error
