"""Databases with the foundation only, and servers that never saw pgdrip."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from code_tree import Tree, foundation_folder
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from scratch import server_folder

from pgdrip.schema import migrate
from pgdrip.schema.embedded import embedded_server

CreateDatabase = Callable[..., tuple[str, Callable[[], None]]]


@pytest.fixture(scope="session")
def foundation(
    create_database: CreateDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The name of a database with the foundation only, to be cloned."""
    url, drop = create_database()
    migrate(url, folder=foundation_folder(tmp_path_factory.mktemp("foundation")))
    yield str(conninfo_to_dict(url)["dbname"])
    drop()


@pytest.fixture
def tree(foundation: str, create_database: CreateDatabase, tmp_path: Path) -> Iterator[Tree]:
    """A small tree over a database that has the foundation."""
    url, drop = create_database(foundation)
    yield Tree(foundation_folder(tmp_path / "db"), url)
    drop()


@pytest.fixture
def small_folder(tmp_path: Path) -> Path:
    """A small `db/` with the foundation only."""
    return foundation_folder(tmp_path / "small")


@pytest.fixture(scope="session", params=[18, 16])
def new_cluster(request: pytest.FixtureRequest) -> Iterator[Callable[[str], str]]:
    """A server that never saw pgdrip, roles included: makes a database, returns its address."""
    with server_folder() as home, embedded_server(home, version=request.param) as server:

        def create(name: str) -> str:
            with psycopg.connect(server.url, autocommit=True) as admin:
                admin.execute(f"create database {name}".encode())
            return make_conninfo(server.url, dbname=name)

        yield create


@pytest.fixture
def wait_for() -> Callable[..., None]:
    """Waits until a condition holds, a minute at most; `hoped` says what for."""

    def until(condition: Callable[[], object], hoped: Callable[[], str]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline, hoped()
            time.sleep(0.01)

    return until
