from pathlib import Path

import pytest
from sqlalchemy import make_url

from snapioc.model import StoreError
from snapioc.store import SqlStore
from snapioc.store.sqlite import SqliteFile


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////data/snap shots.db", "/data/snap shots.db"),
        ("sqlite:///file:/data/a%20b.db?mode=ro&uri=true", "/data/a b.db"),
    ],
)
def test_the_path_of_a_url(url: str, path: str) -> None:
    assert SqliteFile(make_url(url), 5.0).path == Path(path)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_store_in_memory_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="needs a file"):
        SqlStore(url)


def test_other_databases_are_refused() -> None:
    with pytest.raises(StoreError, match="stores in postgresql are not supported"):
        SqlStore("postgresql://somewhere/snapshots")


def test_nonsense_is_refused() -> None:
    with pytest.raises(StoreError, match="URL cannot be read"):
        SqlStore("snapshots.db")
