"""What is open to whom in our schema and in those of the libraries, read from the catalog."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import dict_row

from pgdrip.schema.roles import ROLES

SCHEMAS = "('drip', 'pgmq', 'procrastinate')"
# Roles that people's logins are members of; drip_view and drip_guard own things of ours.
FOR_PEOPLE = sorted(ROLES.keys() - {"drip_view", "drip_guard"})


@pytest.fixture
def catalog(dsn: str) -> Any:
    with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as session:
        # queues of two tenants, with something in them
        for name in ("Alpha", "Beta"):
            session.execute("select * from drip.create_user(%s)", [name])
            session.execute("select set_config('drip.user', %s, false)", [name])
            session.execute("select * from drip.subscribe('crm', '#')")
            session.execute("select * from drip.upsert_lead('+60123456789')")
        yield session


def found(catalog: Connection[dict[str, Any]], query: str, *arguments: Any) -> list[str]:
    return [row["found"] for row in catalog.execute(query.encode(), arguments).fetchall()]


def test_public_may_execute_nothing_of_ours(catalog: Connection[dict[str, Any]]) -> None:
    assert (
        found(
            catalog,
            """
            select p.oid::regprocedure::text as found
            from pg_proc as p
            where p.pronamespace = 'drip'::regnamespace
              and has_function_privilege('public', p.oid, 'EXECUTE')
            """,
        )
        == []
    )


def test_nobody_may_name_a_thing_of_the_queues(catalog: Connection[dict[str, Any]]) -> None:
    """Of pgmq: its functions run with the path of whoever calls them, and keep the types that they
    saw first; who called one first would leave types of its own to our definers."""
    assert (
        found(
            catalog,
            """
            select r.name || ' in pgmq' as found
            from unnest(%s::text[] || 'public'::text) as r (name)
            where has_schema_privilege(r.name, 'pgmq', 'USAGE')
            """,
            FOR_PEOPLE,
        )
        == []
    )


def test_nobody_reads_a_queue(catalog: Connection[dict[str, Any]]) -> None:
    queues = found(
        catalog,
        "select c.relname as found from pg_class as c where c.relnamespace = 'pgmq'::regnamespace"
        " and c.relkind = 'r' and c.relname ~ '^[qa]_drip_'",
    )
    assert len(queues) >= 6
    assert (
        found(
            catalog,
            """
            select r.name || ': ' || c.relname || ' ' || w.word as found
            from pg_class as c
            cross join unnest(%s::text[] || 'public'::text) as r (name)
            cross join unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) as w (word)
            where c.relnamespace = 'pgmq'::regnamespace
              and c.relkind in ('r', 'p')
              and has_table_privilege(r.name, c.oid, w.word)
            """,
            FOR_PEOPLE,
        )
        == []
    )


def test_the_job_library_is_the_workers_alone(catalog: Connection[dict[str, Any]]) -> None:
    # operators may do what the worker does
    others = [name for name in FOR_PEOPLE if name not in ("drip_worker", "drip_operator")]
    assert (
        found(
            catalog,
            "select r.name as found from unnest(%s::text[] || 'public'::text) as r (name)"
            " where has_schema_privilege(r.name, 'procrastinate', 'USAGE')",
            others,
        )
        == []
    )


def test_the_libraries_have_no_definers(catalog: Connection[dict[str, Any]]) -> None:
    """One would run with the owner's rights and the caller's names."""
    assert (
        found(
            catalog,
            "select p.oid::regprocedure::text as found from pg_proc as p"
            " where p.pronamespace in ('pgmq'::regnamespace, 'procrastinate'::regnamespace)"
            " and p.prosecdef",
        )
        == []
    )


def test_no_function_of_ours_calls_the_job_library(catalog: Connection[dict[str, Any]]) -> None:
    """A worker may call its functions first, with types of its own."""
    assert (
        found(
            catalog,
            "select p.proname::text as found from pg_proc as p"
            " where p.pronamespace = 'drip'::regnamespace"
            " and coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) ~ 'procrastinate[._]'",
        )
        == []
    )


def test_nobody_may_hang_code_on_a_table(catalog: Connection[dict[str, Any]]) -> None:
    """A trigger runs as whoever writes, a key asks as the owner."""
    assert (
        found(
            catalog,
            f"""
            select r.name || ': ' || c.oid::regclass || ' ' || w.word as found
            from pg_class as c
            cross join unnest(%s::text[] || 'public'::text) as r (name)
            cross join unnest(array['TRIGGER', 'REFERENCES', 'TRUNCATE']) as w (word)
            where c.relnamespace::regnamespace::text in {SCHEMAS}
              and c.relkind in ('r', 'p', 'v')
              and has_table_privilege(r.name, c.oid, w.word)
            """,
            FOR_PEOPLE,
        )
        == []
    )


def test_nobody_may_create_in_a_schema(catalog: Connection[dict[str, Any]]) -> None:
    assert (
        found(
            catalog,
            f"""
            select r.name || ' in ' || n.nspname as found
            from pg_namespace as n
            cross join unnest(%s::text[] || 'public'::text) as r (name)
            where n.nspname in {SCHEMAS} and has_schema_privilege(r.name, n.oid, 'CREATE')
            """,
            sorted(ROLES),
        )
        == []
    )


def test_nobody_owns_a_thing_that_others_run(catalog: Connection[dict[str, Any]]) -> None:
    assert (
        found(
            catalog,
            f"""
            select o.owner::regrole::text || ' owns ' || o.name as found
            from (
              select c.relowner, c.relname::text, c.relnamespace from pg_class as c
              union all
              select p.proowner, p.proname::text, p.pronamespace from pg_proc as p
              union all
              select t.typowner, t.typname::text, t.typnamespace from pg_type as t
            ) as o (owner, name, schema)
            where o.schema::regnamespace::text in {SCHEMAS}
              and o.owner::regrole::text = any (%s::text[])
            """,
            FOR_PEOPLE,
        )
        == []
    )
