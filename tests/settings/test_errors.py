"""Database errors become one sentence and a hint."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pgdrip.errors import PgdripError, from_database
from pgdrip.schema.embedded import embedded_server


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    # not below pytest's own folder, which is private: root would keep the data elsewhere
    with tempfile.TemporaryDirectory(prefix="pgd-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        with embedded_server(Path(folder) / "home") as server:
            yield server.url


def error_of(url: str, statement: str) -> PgdripError:
    with psycopg.connect(url) as conn, pytest.raises(psycopg.Error) as caught:
        conn.execute(statement.encode())
    return from_database(caught.value)


def connect_error(url: str) -> PgdripError:
    with pytest.raises(psycopg.Error) as caught:
        psycopg.connect(url, connect_timeout=5)
    return from_database(caught.value)


def test_our_own_error_keeps_sentence_detail_hint_and_code(url: str) -> None:
    found = error_of(
        url,
        "do $$ begin raise exception using errcode = 'DR010', "
        "message = 'Several users are mapped', detail = 'ali, siti', hint = 'Set drip.user.'; "
        "end $$",
    )
    assert found.message == "Several users are mapped (ali, siti)"
    assert (found.hint, found.code) == ("Set drip.user.", "DR010")
    assert str(found) == found.message


@pytest.mark.parametrize(
    "statement", ["select drip.tick()", "select * from drip.message_log", "set role drip_none"]
)
def test_database_without_our_schema_hints_at_migrate(url: str, statement: str) -> None:
    found = error_of(url, statement)
    expected = "role" not in statement
    assert ("pgdrip migrate" in (found.hint or "")) is expected


def test_missing_function_of_ours_hints_at_migrate(url: str) -> None:
    with psycopg.connect(url) as conn:
        conn.execute("create schema drip")
        with pytest.raises(psycopg.Error) as caught:
            conn.execute("select drip.tick()")
    found = from_database(caught.value)
    assert "not at this version" in found.message
    assert found.hint == "Run `pgdrip migrate`, then try again."


def test_missing_right_names_the_roles(url: str) -> None:
    with psycopg.connect(url) as conn:
        conn.execute("create role nobody_here")
        conn.execute("set role nobody_here")
        with pytest.raises(psycopg.Error) as caught:
            conn.execute("select * from pg_authid")
    found = from_database(caught.value)
    assert found.message == "Permission denied for table pg_authid."
    assert "drip_app" in (found.hint or "")


def test_unknown_database_and_unknown_user(url: str) -> None:
    assert connect_error(url.replace("@/postgres", "@/nowhere")).code == "3D000"
    assert connect_error(url.replace("postgres@", "nobody@")).code == "28000"


def test_refused_connection() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        found = connect_error(f"postgresql://bob:secret@127.0.0.1:{closed.getsockname()[1]}/x")
    assert found.message == "Nothing accepts connections at the database's address."
    assert "DATABASE_URL" in (found.hint or "")


def test_missing_socket(tmp_path: Path) -> None:
    found = connect_error(f"postgresql:///x?host={tmp_path}")
    assert found.message == "Nothing accepts connections at the database's address."


def test_unknown_host() -> None:
    assert "host name" in connect_error("postgresql://bob@database.invalid/x").message


def test_broken_connection_string_is_not_repeated() -> None:
    found = connect_error("bob:secret@somewhere")
    assert "secret" not in f"{found.message} {found.hint}"
    assert "postgresql://" in (found.hint or "")


def test_other_errors_keep_the_first_line(url: str) -> None:
    found = error_of(url, "select 1 / 0")
    assert (found.message, found.code) == ("division by zero", "22012")


def test_errors_without_a_server_keep_their_text() -> None:
    assert from_database(psycopg.InterfaceError("odd\nmore")).message == "odd"
