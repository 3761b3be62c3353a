"""`pgdrip drift`: a table of differences, and an exit code that a script can ask."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable

import psycopg
from psycopg.rows import DictRow

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_a_migrated_database_has_none(pgdrip: Run, dsn: str) -> None:
    done = pgdrip("drift", url=dsn)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("No drift: ")


def test_what_was_changed_by_hand_is_listed(
    pgdrip: Run, dsn: str, conn: psycopg.Connection[DictRow]
) -> None:
    conn.execute("alter table drip.leads add column shoe_size int")
    conn.execute("create view drip.mine as select 1 as one")
    conn.execute("comment on function drip.opt_out is 'patched'")
    done = pgdrip("drift", url=dsn, COLUMNS="200")
    assert (done.returncode, done.stderr) == (1, "")
    rows = [
        cells
        for line in done.stdout.splitlines()
        if len(cells := re.split(r"\s{2,}", line.strip())) == 4 and cells[0] != "kind"
    ]
    found = {name.split("(")[0]: (kind, problem) for kind, name, problem, _ in rows}
    assert found == {
        "drip.leads": ("table", "patched"),
        "drip.mine": ("view", "stray"),
        "drip.opt_out": ("function", "patched"),
    }
    assert "3 differences" in done.stdout


def test_an_older_database_is_outdated(pgdrip: Run, empty_dsn: str) -> None:
    done = pgdrip("drift", url=empty_dsn)
    assert (done.returncode, done.stderr) == (1, "")
    assert "revision" in done.stdout
    assert "outdated" in done.stdout
