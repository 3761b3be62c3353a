"""Commands and processes leave a database alone that a restore has left open."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import DictRow

Run = Callable[..., "subprocess.CompletedProcess[str]"]

COMMANDS = {
    "worker": ["worker"],
    "receiver": ["receiver", "--port", "0"],
    "status": ["status"],
    "import": ["import", "leads.csv"],
    "apply": ["apply", "programs.yaml", "--yes"],
    "export": ["export"],
    "follow": ["events", "follow", "mine"],
}

# What a restore without owners, without policies or without rights leaves.
OPEN = {
    "owner": "alter view drip.leads_overview owner to current_user",
    "policies": "drop policy leads_of_caller on drip.leads",
    "everybody": "grant execute on function drip.claim_messages to public",
}


# Each command asks the same function, so one of them shows all that it finds.
CASES = [(name, "owner") for name in COMMANDS] + [("status", "policies"), ("status", "everybody")]


@pytest.mark.parametrize(("command", "left"), CASES)
def test_is_refused_until_it_is_migrated(
    pgdrip: Run,
    dsn: str,
    conn: psycopg.Connection[DictRow],
    tmp_path: Path,
    command: str,
    left: str,
) -> None:
    (tmp_path / "leads.csv").write_text("phone,name\n+60121112222,Ann\n")
    (tmp_path / "programs.yaml").write_text("sequences: []\n")
    conn.execute(OPEN[left].encode())
    done = pgdrip(*COMMANDS[command], url=dsn)
    assert "This database is not ready" in done.stderr + done.stdout
    assert "pgdrip migrate" in done.stderr + done.stdout
    assert done.returncode == 1
    assert conn.execute("select * from drip.leads").fetchall() == []
