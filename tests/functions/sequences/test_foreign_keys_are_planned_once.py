"""The plan mode of a bulk function holds for its foreign keys' own queries as well."""

from __future__ import annotations

from factory import Connection

# Functions that insert many rows into tables with foreign keys.
BULK = ("_enroll", "_enroll_phones", "_expand_chunk", "_get_or_create_leads", "_write_leads")


def test_no_bulk_insert_plans_its_keys_for_each_row(conn: Connection) -> None:
    rows = conn.execute(
        "select p.proname, coalesce(p.proconfig, '{}') as config from pg_proc p"
        " where p.pronamespace = 'drip'::regnamespace and p.proname = any (%s)",
        [list(BULK)],
    ).fetchall()
    assert {row["proname"] for row in rows} == set(BULK)
    custom = "plan_cache_mode=force_custom_plan"
    assert [row["proname"] for row in rows if custom in row["config"]] == []
