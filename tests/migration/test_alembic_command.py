"""`alembic` on the command line: an upgrade takes the way of `pgdrip migrate`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg

from pgdrip.schema import migrate

ROOT = Path(__file__).parents[2]


def alembic(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_upgrade_rebuilds_code(empty_dsn: str) -> None:
    done = alembic(empty_dsn, "upgrade", "head")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Revisions applied: 0001, ")
    with psycopg.connect(empty_dsn) as conn:
        row = conn.execute("select count(*) from drip.code_objects where kind = 'view'").fetchone()
    assert row is not None
    assert row[0] > 0
    assert alembic(empty_dsn, "current").stdout.strip().endswith("(head)")


def test_failure_is_one_sentence(empty_dsn: str) -> None:
    done = alembic(empty_dsn, "upgrade", "head", "--sql")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "use `pgdrip migrate`" in done.stdout + done.stderr


def test_a_wish_to_go_back(empty_dsn: str) -> None:
    migrate(empty_dsn)
    done = alembic(empty_dsn, "downgrade", "-1")
    assert done.returncode != 0
