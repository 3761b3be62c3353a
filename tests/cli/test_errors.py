"""A failure is one sentence with a hint, never a traceback."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import DictRow

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def complaint(done: subprocess.CompletedProcess[str], code: int = 1) -> str:
    """What a failed command said; it must be short."""
    assert done.returncode == code
    assert "Traceback" not in done.stderr + done.stdout
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) <= 2
    assert lines[0].startswith("Error: ")
    return done.stderr


@pytest.mark.parametrize("command", ["migrate", "worker", "status", "psql"])
def test_a_bad_address(pgdrip: Run, command: str) -> None:
    text = complaint(pgdrip(command, url="nonsense here"))
    assert "DATABASE_URL is not a valid connection string" in text
    assert "Hint: " in text


@pytest.mark.parametrize("command", ["migrate", "status"])
def test_a_database_that_is_not_there_keeps_its_password_to_itself(
    pgdrip: Run, command: str
) -> None:
    text = complaint(pgdrip(command, url="postgresql://user:geheim@127.0.0.1:1/none"))
    assert "Nothing accepts connections" in text
    assert "geheim" not in text


def test_a_database_without_our_schema(pgdrip: Run, empty_dsn: str) -> None:
    text = complaint(pgdrip("status", url=empty_dsn))
    assert "no schema drip" in text or "not at this version" in text
    assert "pgdrip migrate" in text


def test_a_bad_setting_is_named(pgdrip: Run) -> None:
    assert "PGDRIP_CONCURRENCY" in complaint(pgdrip("worker", PGDRIP_CONCURRENCY="many"))


def test_a_file_that_is_not_there(pgdrip: Run) -> None:
    assert "none.csv cannot be read" in complaint(pgdrip("import", "none.csv"))


def test_a_bad_rate(pgdrip: Run) -> None:
    assert "Write it as error_500=0.01" in complaint(pgdrip("simulator", "--rate", "error_500"))
    complaint(pgdrip("simulator", "--rate", "no_such_fault=0.1"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--webhook-base", "nowhere"), "--webhook-base"),
        (("--target", "a=device/1"), "--webhook-base"),
        (("--webhook-base", "http://127.0.0.1:1", "--target", "device/1"), "sales1=device/3"),
        (("--webhook-base", "http://127.0.0.1:1", "--target", "a="), "sales1=device/3"),
    ],
)
def test_a_bad_webhook_option(pgdrip: Run, options: tuple[str, ...], said: str) -> None:
    assert said in complaint(pgdrip("simulator", *options))


def test_an_unknown_tenant(pgdrip: Run, dsn: str, tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text("phone\n+60123456789\n")
    assert "DR010" in complaint(pgdrip("import", "leads.csv", "--user", "nobody", url=dsn))


def test_an_unknown_command(pgdrip: Run) -> None:
    done = pgdrip("enrol")
    assert done.returncode == 2
    assert "No such command" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_early_is_no_error(dsn: str, tmp_path: Path) -> None:
    command = f"{sys.executable} -m pgdrip status --database-url '{dsn}' | true"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.stderr == ""


def test_psql_opens_the_database_with_our_schema_last(
    pgdrip: Run, dsn: str, conn: psycopg.Connection[DictRow]
) -> None:
    done = pgdrip("psql", "-Atc", "show search_path; select current_database()", url=dsn)
    row = conn.execute("select current_database() as name").fetchone()
    assert row is not None
    assert done.stdout.split("\n")[:2] == ['"$user",public,drip', row["name"]]
    assert done.returncode == 0


def test_what_is_created_in_psql_is_not_ours_and_our_functions_are_found(
    pgdrip: Run, dsn: str, conn: psycopg.Connection[DictRow], readme_sql: list[str]
) -> None:
    """What the README types into psql, by somebody who operates and owns nothing."""
    login = f"pgdrip_test_{os.getpid()}_psql"
    conn.execute(f"create role {login} login password 'x'; grant drip_operator to {login}".encode())
    conn.execute(f"grant create on schema public to {login}".encode())
    url = psycopg.conninfo.make_conninfo(dsn, user=login, password="x")
    own = "create table orders (id text primary key, phone text); select 'orders'::regclass"
    try:
        for text in [own, *readme_sql]:
            done = pgdrip("psql", "-v", "ON_ERROR_STOP=1", "-Atc", text, url=url)
            assert done.returncode == 0, (text, done.stderr)
        row = conn.execute("select to_regclass('public.orders') is not null as is_there").fetchone()
        assert row == {"is_there": True}
    finally:
        conn.execute(f"drop owned by {login}; drop role {login}".encode())


@pytest.fixture
def readme_sql() -> list[str]:
    """The blocks of the README that make a tenant, a device and a sequence, in order."""
    text = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    blocks = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    named = [b for b in blocks if re.search(r"from (create_|upsert_)", b)]
    assert len(named) >= 3
    return ["".join(named)]


def test_psql_passes_its_exit_code_on(pgdrip: Run, dsn: str) -> None:
    assert pgdrip("psql", "-v", "ON_ERROR_STOP=1", "-c", "select nonsense", url=dsn).returncode == 1


def test_status_names_a_tenant_that_does_not_exist(pgdrip: Run, dsn: str) -> None:
    done = pgdrip("status", "--user", "defualt", url=dsn)
    assert done.returncode == 1
    assert "there is no tenant 'defualt'" in done.stderr
    assert "'default'" in done.stderr
    assert pgdrip("status", "--user", "default", url=dsn).returncode == 0
