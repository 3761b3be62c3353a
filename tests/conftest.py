"""One server and one migrated template database a session, a clone of it for each test.

The server is the embedded one, in a folder of its own; with `--postgres=15` it is that version of
Debian's packages, and PGDRIP_TEST_URL names one that runs already (a superuser's connection
string). Each of several processes (`-n 3`) has a server of its own.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from debian_server import debian_server
from factory import Clock, Plant
from hypothesis import settings
from hypothesis.internal.conjecture import providers
from pool import Lent, Pool, prepare
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import DictRow, dict_row
from pytest_postgresql.executors import NoopExecutor
from pytest_postgresql.janitor import DatabaseJanitor
from scratch import server_folder

from pgdrip.schema import migrate
from pgdrip.schema.embedded import embedded_server

Connection = psycopg.Connection[DictRow]
Connect = Callable[..., Connection]

# Gateways, devices, messages, worker and receiver processes for every folder that needs them.
pytest_plugins = ["worker_process", "receiver_process"]

EMBEDDED = 18

# Numbers and words of our own code would take part in what hypothesis draws: the same seed would
# draw something else after each edit of any module, and with each other choice of tests.
providers.is_local_module_file = lambda path: False

# A thousand examples, for tests that say so: pytest --hypothesis-profile=thorough
settings.register_profile("thorough", max_examples=1000, deadline=None)

_numbers = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--postgres",
        type=int,
        default=EMBEDDED,
        help=f"version of the server: {EMBEDDED} is the embedded one, others are Debian's packages",
    )
    parser.addoption(
        "--each",
        type=int,
        default=3,
        help="on another server: run each third, or each such, test of a function's or a journey's"
        " file; 1 runs them all",
    )


# Rooms of Python's side, to which the server's version makes no difference, and what of them
# goes all the way on every server.
PYTHON_ROOMS = {"cli", "faults", "packaging", "receiver", "simulator"}
ALL_THE_WAY = {"test_drift.py", "test_end_to_end.py"}
# Rooms of which another server gets a sample of each file: what a function decides is the same, and
# that every body is sound there is checked by the contract's tests.
SAMPLED_ROOMS = {"functions", "journeys"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of another server's tests, leave out those that use no server, bring their own, are of a
    room that its version does not touch, or turn one logic over in very many cases; of a table of
    more than four cases each fourth is run, of what then remains of a file in a sampled room each
    third.
    """
    if config.getoption("postgres") == EMBEDDED:
        return
    others: list[pytest.Item] = []
    concerned: list[pytest.Item] = []
    cases = Counter(item.nodeid.partition("[")[0] for item in items)
    seen: Counter[str] = Counter()
    for item in items:
        test = item.nodeid.partition("[")[0]
        seen[test] += 1
        if cases[test] > 4 and seen[test] % 4 != 1:
            others.append(item)
            continue
        uses_it = "server_url" in getattr(item, "fixturenames", ())
        is_exhaustive = item.get_closest_marker("exhaustive") is not None
        is_python = item.path.parent.name in PYTHON_ROOMS and item.path.name not in ALL_THE_WAY
        is_wanted = uses_it and not (is_exhaustive or is_python)
        if is_wanted and SAMPLED_ROOMS.intersection(item.path.relative_to(config.rootpath).parts):
            seen[str(item.path)] += 1
            is_wanted = (seen[str(item.path)] - 1) % config.getoption("each") == 0
        (concerned if is_wanted else others).append(item)
    config.hook.pytest_deselected(items=others)
    items[:] = concerned


# Rooms whose tests read and write rows, but judge no definition, no plan and no file of the server.
POOLED_ROOMS = {
    "concurrency",
    "functions",
    "journeys",
    "lessons",
    "receiver",
    "senders",
    "settings",
    "views",
    "worker",
}


def is_rolled_back(item: pytest.Item) -> bool:
    """Whether a test is one of a file that share a session, and each take back what they did.

    Not one with further sessions: these would not see what it did.
    """
    if item.get_closest_marker("rolled_back") is None:
        return False
    needed = getattr(item, "fixturenames", ())
    return not {"connect", "dsn"}.intersection(needed) and not item.get_closest_marker(
        "fresh_database"
    )


def may_share(item: pytest.Item) -> bool:
    """Whether a test may have a database that others used before it."""
    if item.get_closest_marker("fresh_database") is not None or is_rolled_back(item):
        return False
    return bool(POOLED_ROOMS.intersection(item.path.relative_to(item.config.rootpath).parts))


@pytest.fixture(scope="session")
def server_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """A superuser's connection string to the server that the tests use."""
    given = os.environ.get("PGDRIP_TEST_URL")
    if given:
        yield given
        return
    version = pytestconfig.getoption("postgres")
    with server_folder() as home:
        if version != EMBEDDED:
            with debian_server(version, home) as url:
                yield url
            return
        with embedded_server(home) as server:
            with psycopg.connect(server.url, autocommit=True) as admin:
                # Nobody misses these data after a power cut.
                for setting in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"):
                    admin.execute(f"alter system set {setting} = off".encode())
                admin.execute("select pg_reload_conf()")
            yield server.url


@pytest.fixture(scope="session")
def postgresql_noproc(server_url: str) -> NoopExecutor:
    """The server as pytest-postgresql knows it."""
    parts = conninfo_to_dict(server_url)
    return NoopExecutor(
        host=str(parts.get("host") or "localhost"),
        port=int(parts.get("port") or 5432),
        user=str(parts.get("user") or "postgres"),
        password=str(parts["password"]) if parts.get("password") else None,
        options="",
        dbname=f"pgdrip_test_{os.getpid()}",
        maintenance_dbname=str(parts.get("dbname") or "postgres"),
    )


@pytest.fixture(scope="session")
def template(postgresql_noproc: NoopExecutor, server_url: str) -> Iterator[str]:
    """The name of a migrated database that is cloned and never changed."""
    janitor = DatabaseJanitor(
        user=postgresql_noproc.user,
        host=postgresql_noproc.host,
        port=postgresql_noproc.port,
        password=postgresql_noproc.password,
        dbname=postgresql_noproc.template_dbname,
        maintenance_dbname=postgresql_noproc.maintenance_dbname,
        # one that is migrated already, in some version: mutants.py
        template_dbname=os.environ.get("PGDRIP_TEST_BASE"),
        as_template=True,
    )
    janitor.drop()
    with janitor:
        migrate(make_conninfo(server_url, dbname=janitor.dbname))
        yield janitor.dbname


@pytest.fixture(scope="session")
def admin(server_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A superuser's autocommit connection to the maintenance database."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def create_database(
    admin: psycopg.Connection[Any], server_url: str
) -> Callable[..., tuple[str, Callable[[], None]]]:
    """Makes a database, empty or a clone: its connection string, and what drops it."""

    def create(template: str = "template0") -> tuple[str, Callable[[], None]]:
        name = sql.Identifier(dbname := f"pgdrip_test_{os.getpid()}_{next(_numbers)}")
        admin.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                name, sql.Identifier(template)
            )
        )

        def drop() -> None:
            admin.execute(sql.SQL("drop database if exists {} with (force)").format(name))

        return make_conninfo(server_url, dbname=dbname), drop

    return create


@pytest.fixture(scope="session")
def pool(
    template: str, create_database: Callable[..., tuple[str, Callable[[], None]]]
) -> Iterator[Pool]:
    """Migrated databases that one test after the other uses."""
    url, drop = create_database(template)
    prepare(url)
    name = str(conninfo_to_dict(url)["dbname"])
    lender = Pool(lambda: create_database(name))
    yield lender
    lender.close()
    drop()


@pytest.fixture
def lent(request: pytest.FixtureRequest) -> Iterator[Lent | None]:
    """The database that the pool lends to this test, if it is one that may have a used one."""
    if not may_share(request.node):
        yield None
        return
    lender: Pool = request.getfixturevalue("pool")
    database = lender.lend()
    yield database
    lender.take_back(database)


@pytest.fixture
def dsn(
    lent: Lent | None,
    template: str,
    create_database: Callable[..., tuple[str, Callable[[], None]]],
) -> Iterator[str]:
    """The connection string of a migrated database that no other test uses meanwhile."""
    if lent is not None:
        yield lent.url
        return
    url, drop = create_database(template)
    yield url
    drop()


@pytest.fixture
def empty_dsn(create_database: Callable[..., tuple[str, Callable[[], None]]]) -> Iterator[str]:
    """The connection string of an empty database that is this test's own."""
    url, drop = create_database()
    yield url
    drop()


@pytest.fixture(scope="module")
def shared_plant(
    template: str, create_database: Callable[..., tuple[str, Callable[[], None]]]
) -> Iterator[Plant]:
    """A plant for all tests of a file that take back whatever they do: one session, its plans made.

    The first calls of a fresh session take longer than most tests.
    """
    url, drop = create_database(template)
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as conn:
        yield Plant(conn)
    drop()


@pytest.fixture(scope="module")
def shared_clock(shared_plant: Plant) -> Clock:
    """The clock of ``shared_plant``; a test that moves it sets it first."""
    return Clock(shared_plant.conn)


@pytest.fixture
def connect(dsn: str) -> Iterator[Connect]:
    """Opens one more session: `connect(role="drip_app", autocommit=False)`; closed by itself."""
    with ExitStack() as sessions:

        def open_session(*, role: str | None = None, autocommit: bool = True) -> Connection:
            session = sessions.enter_context(
                psycopg.connect(dsn, autocommit=True, row_factory=dict_row)
            )
            if role is not None:
                session.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
            session.autocommit = autocommit
            return session

        yield open_session


@pytest.fixture
def conn(request: pytest.FixtureRequest, lent: Lent | None) -> Iterator[Connection]:
    """A superuser's autocommit session in this test's database; rows are dicts."""
    if is_rolled_back(request.node):
        shared: Plant = request.getfixturevalue("shared_plant")
        with shared.conn.transaction(force_rollback=True):
            yield shared.conn
        return
    if lent is not None:
        yield lent.session
        return
    connect: Connect = request.getfixturevalue("connect")
    yield connect()


@pytest.fixture
def plant(conn: Connection) -> Plant:
    """Grows rows in this test's database, through the session of ``conn``."""
    return Plant(conn)


@pytest.fixture
def clock(conn: Connection) -> Clock:
    """The clock of this test's database, set to a Monday morning; other sessions may join it."""
    return Clock(conn)
