"""What the rules of the catalog are checked against: one migrated database for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import DictRow, dict_row

import pgdrip.schema
from pgdrip.schema.sql_files import SqlFile, load_files

Catalog = psycopg.Connection[DictRow]


@pytest.fixture(scope="session")
def catalog(
    template: str, create_database: Callable[..., tuple[str, Callable[[], None]]]
) -> Iterator[Catalog]:
    """A superuser's session in a migrated database that no test changes."""
    url, drop = create_database(template)
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as session:
        yield session
    drop()


@pytest.fixture(scope="session")
def db_folder() -> Path:
    """The folder `db/` of the checkout or of the wheel."""
    return pgdrip.schema.db_dir()


@pytest.fixture(scope="session")
def sql_files(db_folder: Path) -> list[SqlFile]:
    """Every code file below `db/`."""
    return load_files(db_folder)
