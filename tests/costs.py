"""What a call has cost: processor time of its session, and rows that it left behind."""

from __future__ import annotations

import os
from pathlib import Path

from factory import Connection
from psycopg import sql


def processor_seconds(pid: int) -> float:
    """What a backend has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def row_counts(conn: Connection) -> dict[str, int]:
    """How many rows each of our tables has."""
    tables = [
        row["name"]
        for row in conn.execute(
            "select c.relname as name from pg_class c"
            " where c.relnamespace = 'drip'::regnamespace and c.relkind = 'r'"
        )
    ]
    query = sql.SQL(" union all ").join(
        sql.SQL("select {} as name, count(*) as rows from drip.{}").format(
            sql.Literal(name), sql.Identifier(name)
        )
        for name in tables
    )
    return {row["name"]: row["rows"] for row in conn.execute(query)}
