"""Rules that every view of schema drip keeps, read from the catalog."""

from __future__ import annotations

import re
from typing import Any

import psycopg
import pytest
from psycopg import Connection, sql
from sql_text import reads_clock

VIEWS = """
select
  c.oid::regclass::text as view,
  c.relname !~ '^_' as is_public,
  c.relname::text as name,
  pg_get_userbyid(c.relowner)::text as owner,
  'security_barrier=true' = any (coalesce(c.reloptions, '{}')) as is_barrier,
  pg_get_viewdef(c.oid) as definition,
  obj_description(c.oid, 'pg_class') as comment,
  array(
    select a.attname::text
    from pg_attribute as a
    where a.attrelid = c.oid and a.attnum > 0
    order by a.attnum
  ) as columns,
  array(
    select a.attname::text
    from pg_attribute as a
    where a.attrelid = c.oid and a.attnum > 0 and col_description(c.oid, a.attnum) is null
  ) as uncommented,
  array(
    select coalesce(r.rolname, 'public') || ' ' || a.privilege_type
    from aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) as a
    left join pg_roles as r on r.oid = a.grantee
    where a.grantee <> c.relowner
    order by 1
  ) as grants
from pg_class as c
where c.relnamespace = 'drip'::regnamespace and c.relkind = 'v'
order by c.relname
"""

# The columns of the monitor that operators know, in their order.
MONITOR = [
    "sequence_name",
    "contact_phone",
    "current_step",
    "step_status",
    "message_status",
    "next_trigger_time",
    "completed_at",
    "sent_at",
    "error_message",
    "current_state",
]


@pytest.fixture(scope="module")
def views(catalog: Connection[dict[str, Any]]) -> list[dict[str, Any]]:
    found = catalog.execute(VIEWS).fetchall()
    assert len([v for v in found if v["is_public"]]) >= 8
    return found


@pytest.fixture(scope="module")
def public_views(views: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [v for v in views if v["is_public"]]


def test_public_views_belong_to_drip_view(public_views: list[dict[str, Any]]) -> None:
    """That role is subject to the row-level policies; the owner of the tables is not."""
    assert [v["view"] for v in public_views if v["owner"] != "drip_view"] == []


def test_public_views_are_security_barriers(public_views: list[dict[str, Any]]) -> None:
    assert [v["view"] for v in public_views if not v["is_barrier"]] == []


def test_public_views_have_user_id(public_views: list[dict[str, Any]]) -> None:
    assert [v["view"] for v in public_views if "user_id" not in v["columns"]] == []


def test_every_view_states_its_grain_first(views: list[dict[str, Any]]) -> None:
    assert [v["view"] for v in views if not (v["comment"] or "").startswith("Grain: ")] == []


def test_every_column_of_a_public_view_has_a_comment(public_views: list[dict[str, Any]]) -> None:
    assert {v["view"]: v["uncommented"] for v in public_views if v["uncommented"]} == {}


def test_public_views_are_granted_to_readers_alone(public_views: list[dict[str, Any]]) -> None:
    assert {
        v["view"]: v["grants"] for v in public_views if v["grants"] != ["drip_reader SELECT"]
    } == {}


def test_private_views_are_for_our_views_alone(views: list[dict[str, Any]]) -> None:
    private = [v for v in views if not v["is_public"]]
    assert {g for v in private for g in v["grants"]} <= {"drip_view SELECT"}


def test_views_read_no_other_clock(views: list[dict[str, Any]]) -> None:
    assert [v["view"] for v in views if reads_clock(v["definition"])] == []


def test_the_monitor_begins_with_the_columns_that_operators_know(
    public_views: list[dict[str, Any]],
) -> None:
    monitor = next(v for v in public_views if v["name"] == "sequence_progress_monitor")
    assert monitor["columns"][: len(MONITOR)] == MONITOR


def test_a_reader_can_read_every_view(
    catalog: Connection[dict[str, Any]], public_views: list[dict[str, Any]]
) -> None:
    """Functions inside a view run with the reader's rights, which the view's owner cannot lend."""
    with catalog.transaction(force_rollback=True):
        catalog.execute("set local role drip_reader")
        for view in public_views:
            catalog.execute(f"select * from {view['view']}".encode()).fetchall()


def test_every_public_view_asks_whether_the_policies_hold(
    public_views: list[dict[str, Any]],
) -> None:
    assert [
        v["view"]
        for v in public_views
        if f"drip._policies_hold('{v['name']}'::text)" not in v["definition"]
    ] == []


def test_what_they_ask_looks_at_every_table_with_policies(
    catalog: Connection[dict[str, Any]],
) -> None:
    tables = catalog.execute(
        "select c.relname::text as name from pg_class as c"
        " where c.relnamespace = 'drip'::regnamespace and c.relkind = 'r' and c.relrowsecurity"
    ).fetchall()
    body = catalog.execute(
        "select p.prosrc from pg_proc as p where p.oid = 'drip._policies_hold'::regproc"
    ).fetchone()
    assert body is not None
    named = re.findall(r"row_security_active\('drip\.(\w+)'\)", body["prosrc"])
    assert {row["name"] for row in tables} == set(named)


@pytest.mark.parametrize(
    "statement",
    [
        "alter view drip.message_log owner to postgres",
        "alter function drip._policies_hold(text) owner to postgres",
        "alter table drip.leads disable row level security",
        "alter role drip_view bypassrls",
        "alter role drip_view superuser",
    ],
)
def test_a_view_that_the_policies_do_not_guard_is_closed(
    catalog: Connection[dict[str, Any]], statement: str
) -> None:
    with catalog.transaction(force_rollback=True):
        catalog.execute(statement.encode())
        with pytest.raises(psycopg.Error) as caught:
            catalog.execute("select * from drip.message_log")
        assert caught.value.sqlstate == "DR023"


def test_the_question_is_asked_once_a_query(catalog: Connection[dict[str, Any]]) -> None:
    plan = catalog.execute("explain (costs off) select * from drip.message_log").fetchall()
    lines = [str(next(iter(row.values()))) for row in plan]
    assert sum("_policies_hold" in line for line in lines) == 1
    assert any("One-Time Filter" in line and "_policies_hold" in line for line in lines)


GATE = re.compile(r"drip\._policies_hold\('[a-z_]+'::text\)")


def joins(plan: dict[str, Any]) -> int:
    """How many joins a plan has, subplans included."""
    is_join = plan["Node Type"] in ("Nested Loop", "Hash Join", "Merge Join")
    return is_join + sum(joins(part) for part in plan.get("Plans", []))


def planned_joins(catalog: Connection[dict[str, Any]], view: str, column: str) -> int:
    query = sql.SQL("explain (format json) select x.{} from drip.{} x")
    row = catalog.execute(query.format(sql.Identifier(column), sql.Identifier(view))).fetchone()
    assert row is not None
    return joins(row["QUERY PLAN"][0]["Plan"])


def test_the_gate_costs_a_query_no_join(
    catalog: Connection[dict[str, Any]], public_views: list[dict[str, Any]]
) -> None:
    """Where it stands above a left join, PostgreSQL 15 keeps the join that no query needs."""
    more: dict[str, tuple[int, int]] = {}
    fewest_and_most: list[tuple[int, int]] = []
    with catalog.transaction(force_rollback=True):
        for view in public_views:
            open_view, gates = GATE.subn("true", view["definition"])
            assert gates == 1, view["name"]
            catalog.execute(
                f"create view drip.without_gate with (security_barrier) as {open_view}".encode()
            )
            catalog.execute("alter view drip.without_gate owner to drip_view")
            counted = []
            for column in view["columns"]:
                without = planned_joins(catalog, "without_gate", column)
                gated = planned_joins(catalog, view["name"], column)
                counted.append(gated)
                if gated > without:
                    more[f"{view['name']}.{column}"] = (gated, without)
            fewest_and_most.append((min(counted), max(counted)))
            catalog.execute("drop view drip.without_gate")
    assert any(fewest < most for fewest, most in fewest_and_most), "no join is ever left out"
    assert more == {}
