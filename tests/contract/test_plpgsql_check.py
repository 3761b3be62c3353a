"""Every PL/pgSQL body under plpgsql_check, with all its warnings.

Runs on Debian's server (`make test PG=15`), whose package postgresql-15-plpgsql-check brings the
extension. The embedded server does not carry it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

# A trigger function is checked once for each table it is on.
CHECK = """
select p.oid::regprocedure::text as function, x.lineno, x.level, x.message, x.detail, x.hint,
  x.statement, t.relation
from pg_proc as p
join pg_language as l on l.oid = p.prolang and l.lanname = 'plpgsql'
left join lateral (
  select distinct g.tgrelid::regclass::text as relation, g.tgrelid,
    g.tgnewtable::text as new_table, g.tgoldtable::text as old_table
  from pg_trigger as g
  where g.tgfoid = p.oid
) as t on true
cross join lateral plpgsql_check_function_tb(
  p.oid, coalesce(t.tgrelid, 0), fatal_errors => false, all_warnings => true,
  newtable => t.new_table, oldtable => t.old_table) as x
where p.pronamespace = 'drip'::regnamespace
  and not (p.prorettype = 'trigger'::regtype and t.tgrelid is null)
order by 1, 2
"""

# Warnings that say nothing about the code: a part of message and detail, and why.
HARMLESS = {
    "control reached end of function without RETURN": "_fail() raises; the check does not know",
    "target type is different type than source type": "'{}' for arrays, counts for bigint",
    "to determine volatility of used dynamic SQL": "columns named by a definition",
}
# The same for one function.
HARMLESS_IN = {
    "drip._fail(": "marked as STABLE, should be IMMUTABLE",  # it must not run while planning
    # set_config() in a function that looks ahead also where nothing can be written
    "drip._move_clock(": "marked as STABLE, should be VOLATILE",
    "drip._restore_clock(": "marked as STABLE, should be VOLATILE",
    # the expressions are the tables' own defaults, from the catalog
    "drip._column_defaults(": "is not SQL injection safe",
    "drip._call_guard(": "is not sanitized",  # _guard_call() builds the statement from the catalog
    "drip._lock_contacts(": "marked as VOLATILE, should be STABLE",  # it locks rows
    "drip._lock_heads(": "marked as VOLATILE, should be STABLE",  # so does this
    # what they call is undone: they write nothing
    "drip._audience_leads(": "marked as STABLE, should be VOLATILE",
    "drip.record_results(": 'unused parameter "p_worker"',  # the fence is the attempt
}


@pytest.fixture
def checked(
    template: str,
    create_database: Callable[..., tuple[str, Callable[[], None]]],
    pytestconfig: pytest.Config,
) -> list[dict[str, Any]]:
    url, drop = create_database(template)
    try:
        with psycopg.connect(url, autocommit=True, row_factory=dict_row) as session:
            offered = session.execute(
                "select from pg_available_extensions where name = 'plpgsql_check'"
            ).fetchone()
            if offered is None:
                version = pytestconfig.getoption("postgres")
                assert version != 15, "apt-get install postgresql-15-plpgsql-check"
                pytest.skip("the server does not offer the extension plpgsql_check")
            session.execute("create schema checks")
            session.execute("create extension plpgsql_check schema checks")
            session.execute("set search_path = checks, pg_catalog")
            return session.execute(CHECK).fetchall()
    finally:
        drop()


def is_harmless(row: dict[str, Any]) -> bool:
    """Whether the warning is one of those listed above."""
    text = f"{row['message']} {row['detail'] or ''}"
    return any(part in text for part in HARMLESS) or any(
        row["function"].startswith(name) and part in text for name, part in HARMLESS_IN.items()
    )


def test_no_body_has_a_warning(checked: list[dict[str, Any]]) -> None:
    assert [
        f"{row['function']}, line {row['lineno']}: {row['level']}: {row['message']}"
        f" {row['detail'] or ''} {row['hint'] or ''}".strip()
        for row in checked
        if not is_harmless(row)
    ] == []


def test_the_check_looks_into_bodies(checked: list[dict[str, Any]]) -> None:
    """Were it to look at nothing, the list would be empty as well."""
    assert any("_fail(" in row["function"] for row in checked)
