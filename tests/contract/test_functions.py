"""Rules that every function of schema drip keeps, read from the catalog."""

from __future__ import annotations

import re
from typing import Any

import pytest
from psycopg import Connection
from sql_text import code_of, reads_clock

from pgdrip.schema.roles import ROLES

FUNCTIONS = """
select
  p.oid::regprocedure::text as signature,
  p.proname::text as name,
  l.lanname::text as language,
  p.prosecdef as is_definer,
  p.prorettype = 'trigger'::regtype as is_trigger,
  p.proconfig as settings,
  coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) as body,
  p.prosqlbody is not null as is_bound,
  p.provolatile::text as volatility,
  obj_description(p.oid, 'pg_proc') as comment,
  array(
    select coalesce(r.rolname, 'public')::text
    from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
    left join pg_roles as r on r.oid = a.grantee
    where a.grantee <> p.proowner and a.privilege_type = 'EXECUTE'
    order by 1
  ) as granted_to
from pg_proc as p
join pg_namespace as n on n.oid = p.pronamespace
join pg_language as l on l.oid = p.prolang
where n.nspname = 'drip'
order by p.proname
"""

# Functions that public views call, directly or through a private view.
CALLED_BY_VIEWS = """
with recursive needed (view_oid) as (
  select c.oid
  from pg_class as c
  where c.relnamespace = 'drip'::regnamespace and c.relkind = 'v' and c.relname !~ '^_'
  union
  select d.refobjid
  from needed as v
  join pg_rewrite as r on r.ev_class = v.view_oid
  join pg_depend as d
    on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
    and d.refclassid = 'pg_class'::regclass
  join pg_class as c on c.oid = d.refobjid and c.relkind = 'v'
),
called (function_oid) as (
  select d.refobjid
  from needed as v
  join pg_rewrite as r on r.ev_class = v.view_oid
  join pg_depend as d
    on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
    and d.refclassid = 'pg_proc'::regclass
  union
  -- what a function of a view calls runs with the reader's rights as well
  select d.refobjid
  from called as f
  join pg_depend as d
    on d.classid = 'pg_proc'::regclass and d.objid = f.function_oid
    and d.refclassid = 'pg_proc'::regclass
)
select p.proname::text as name, coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) as body
from called as f
join pg_proc as p on p.oid = f.function_oid
where p.pronamespace = 'drip'::regnamespace
"""


# Whatever a parse tree of ours calls, at any depth: all but what a quoted body calls, since that is
# read when it runs.
CALLED_UNPINNED = """
with recursive called (function_oid) as (
  select d.refobjid
  from pg_depend as d
  where d.classid <> 'pg_proc'::regclass
    and d.refclassid = 'pg_proc'::regclass
    and d.deptype = 'n'
  union
  select d.refobjid
  from called as k
  join pg_depend as d
    on d.classid = 'pg_proc'::regclass and d.objid = k.function_oid
    and d.refclassid = 'pg_proc'::regclass
)
select p.proname::text as name
from called as k
join pg_proc as p on p.oid = k.function_oid
where p.pronamespace = 'drip'::regnamespace
  and p.prorettype <> 'trigger'::regtype
"""


@pytest.fixture(scope="module")
def functions(catalog: Connection[dict[str, Any]]) -> list[dict[str, Any]]:
    found = catalog.execute(FUNCTIONS).fetchall()
    assert len(found) > 60
    return found


@pytest.fixture(scope="module")
def called_by_views(catalog: Connection[dict[str, Any]]) -> dict[str, str]:
    return {row["name"]: row["body"] for row in catalog.execute(CALLED_BY_VIEWS)}


# Where pg_temp is not named, it comes first for types and tables, whatever the path says.
PINNED = "search_path=pg_catalog, pg_temp"


def test_every_plpgsql_function_pins_its_search_path(functions: list[dict[str, Any]]) -> None:
    assert [
        f["signature"]
        for f in functions
        if f["language"] == "plpgsql" and PINNED not in (f["settings"] or [])
    ] == []


def test_every_definer_function_pins_its_search_path(functions: list[dict[str, Any]]) -> None:
    assert [
        f["signature"] for f in functions if f["is_definer"] and PINNED not in (f["settings"] or [])
    ] == []


def test_no_function_sets_a_parameter_that_only_a_superuser_may_write_down(
    functions: list[dict[str, Any]],
) -> None:
    """A deployer without superuser rights may not name ours, as drip.user, in a SET clause."""
    assert [
        (f["name"], setting)
        for f in functions
        for setting in f["settings"] or []
        if "." in setting.partition("=")[0]
    ] == []


def test_what_callers_reach_without_a_pinned_path_is_bound_when_it_is_made(
    functions: list[dict[str, Any]], catalog: Connection[dict[str, Any]]
) -> None:
    """A quoted body is read with the caller's search_path, where it is granted, or where a view, a
    policy, a default, a check, a generated column, an index or a trigger's WHEN calls it.
    """
    reached = {row["name"] for row in catalog.execute(CALLED_UNPINNED)}
    assert {"mask_phone", "_verdict", "_window_opens_at", "now"} <= reached
    open_ones = reached | {f["name"] for f in functions if f["granted_to"]}
    assert [
        f["signature"]
        for f in functions
        if f["name"] in open_ones and PINNED not in (f["settings"] or []) and not f["is_bound"]
    ] == []


def test_no_function_that_is_called_takes_any_type(
    functions: list[dict[str, Any]], catalog: Connection[dict[str, Any]]
) -> None:
    """A body that casts an argument of the caller's own type runs the caller's own cast."""
    rows = catalog.execute(
        """
        select distinct p.proname::text as name
        from pg_proc as p
        cross join unnest(p.proargtypes) as a (type)
        join pg_type as t on t.oid = a.type
        where p.pronamespace = 'drip'::regnamespace and t.typtype = 'p'
        """
    ).fetchall()
    granted = {f["name"] for f in functions if f["granted_to"]}
    assert {row["name"] for row in rows} & granted == set()


def test_functions_are_plpgsql_or_sql(functions: list[dict[str, Any]]) -> None:
    assert {f["language"] for f in functions} <= {"plpgsql", "sql"}


def test_only_granted_functions_are_definers(functions: list[dict[str, Any]]) -> None:
    assert [
        f["signature"]
        for f in functions
        if f["is_definer"]
        and not f["granted_to"]
        and not f["is_trigger"]
        # they belong to drip_guard, and have less rights than whoever calls them
        and f["name"] not in {"_read_audience", "_call_guard"}
    ] == []


def test_public_may_execute_nothing(functions: list[dict[str, Any]]) -> None:
    assert [f["signature"] for f in functions if "public" in f["granted_to"]] == []


def test_grants_go_to_the_roles_of_pgdrip_alone(functions: list[dict[str, Any]]) -> None:
    assert {role for f in functions for role in f["granted_to"]} <= ROLES.keys()


def test_no_overloads(functions: list[dict[str, Any]]) -> None:
    names = [f["name"] for f in functions]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_every_function_has_a_comment(functions: list[dict[str, Any]]) -> None:
    assert [f["signature"] for f in functions if not (f["comment"] or "").strip()] == []


def test_public_functions_are_granted(functions: list[dict[str, Any]]) -> None:
    assert [
        f["signature"]
        for f in functions
        if not f["name"].startswith("_") and not f["granted_to"] and not f["is_trigger"]
    ] == []


def test_private_functions_have_no_grant_but_those_that_views_call(
    functions: list[dict[str, Any]], called_by_views: dict[str, str]
) -> None:
    """A view's functions run with the rights of whoever reads it, so those need a grant."""
    granted = {f["name"] for f in functions if f["name"].startswith("_") and f["granted_to"]}
    assert granted == {"_fake_now"} | {n for n in called_by_views if n.startswith("_")}
    by_views = [f for f in functions if f["name"] in granted - {"_fake_now", "_policies_hold"}]
    assert [f["name"] for f in by_views if f["is_definer"]] == []


def test_functions_of_views_read_no_table(called_by_views: dict[str, str]) -> None:
    assert called_by_views
    assert [
        name
        for name, body in called_by_views.items()
        # the clock of tests, a definer's
        if name != "_fake_now"
        and re.search(r"\b(?:from|join|into|update)\s+(?:drip|procrastinate|pgmq)\.", code_of(body))
    ] == []


def test_one_clock(functions: list[dict[str, Any]]) -> None:
    """drip.now() is the clock, _fake_now() its other half, _wall_clock() measures durations.

    So does _statement_age(). _clock_token() binds a proof to the statement.
    """
    assert {f["name"] for f in functions if reads_clock(f["body"])} == {
        "now",
        "_fake_now",
        "_clock_token",
        "_wall_clock",
        "_statement_age",
    }


def test_the_clock_is_plain_stable_sql(functions: list[dict[str, Any]]) -> None:
    clock = next(f for f in functions if f["name"] == "now")
    assert (clock["language"], clock["volatility"]) == ("sql", "s")
    assert clock["settings"] is None
    assert not clock["is_definer"]


def test_durations_alone_read_the_wall_clock(functions: list[dict[str, Any]]) -> None:
    readers = {f["name"] for f in functions if "_wall_clock(" in code_of(f["body"])}
    # pgmq hides a message by the wall clock
    assert readers <= {
        "tick",
        "process_inbound",
        "_ask_guards",
        "_ask_tenant",
        "_audience_leads",
        "register_audience",
        # how long rows that cannot be rendered are looked for
        "_claim_apart",
        "_find_unrenderable",
        # how long results that cannot be recorded are looked for
        "record_results",
        "_record_apart",
        # how long a play may take, not what happens in it
        "_simulate",
        "_run_sweeps",
        # how often it says how far it is
        "_report_progress",
    }


def test_no_function_takes_an_advisory_lock(catalog: Connection[dict[str, Any]]) -> None:
    """Any login may hold one (docs/decisions/locks.md); of libraries, what theirs do is known.

    pgmq locks the name of a queue that it makes or drops: ours have random names and are dropped
    without it. It also locks groups of messages that are read in turns, which we do not do.
    Those of guards and audiences are unlocked (_reset_session), which takes none.
    """
    found = catalog.execute(
        """
        select p.pronamespace::regnamespace || '.' || p.proname as name
        from pg_proc p
        where p.pronamespace in (
            select n.oid
            from pg_namespace n
            where n.nspname in ('drip', 'pgmq', 'procrastinate'))
          and concat(p.prosrc, pg_get_function_sqlbody(p.oid)) ~* 'advisory_(xact_)?lock'
        order by 1
        """
    ).fetchall()
    assert [f["name"] for f in found if not f["name"].startswith("pgmq.read_grouped")] == [
        "pgmq.acquire_queue_lock"
    ]


def test_what_makes_pgmq_lock_is_called_in_one_place(functions: list[dict[str, Any]]) -> None:
    callers = {
        (f["name"], called)
        for f in functions
        for called in re.findall(
            r"pgmq\.(create\w*|drop_queue|acquire_queue_lock|read_grouped\w*|convert_\w+)\(",
            code_of(f["body"]),
        )
    }
    assert callers == {("_create_event_queue", "create")}


def test_every_definer_asks_who_calls(functions: list[dict[str, Any]]) -> None:
    """A restore may lose the grants, and Postgres lets everybody call what has none."""
    asked = {
        f["name"]: re.findall(r"drip\._require_role\('(\w+)'\)", f["body"])
        for f in functions
        if f["is_definer"] and f["granted_to"]
    }
    exempt = {"_fake_now", "_policies_hold", "check_installation"}
    granted = {f["name"]: f["granted_to"] for f in functions}
    assert {n: r for n, r in asked.items() if n not in exempt and r != granted[n]} == {}


def test_plain_sql_functions_can_be_inlined(functions: list[dict[str, Any]]) -> None:
    """A SET clause or definer rights would stop that; those that need them are listed."""
    assert [
        f["name"]
        for f in functions
        if f["language"] == "sql"
        and f["settings"]
        and not f["is_definer"]
        # sorted or called once, never per row
        and f["name"] not in {"_nearest"}
    ] == []


@pytest.mark.parametrize(
    "body",
    [
        "select pg_catalog.now()",
        "select now ()",
        "select CURRENT_TIMESTAMP",
        "select clock_timestamp()",
        "select 'now'::timestamptz",
        "select timestamptz 'today'",
    ],
)
def test_the_clock_scan_finds_a_clock(body: str) -> None:
    assert reads_clock(body)


@pytest.mark.parametrize(
    "body", ["select drip.now()", "select f.now", "-- now()", "select 'now()'", "select v_now"]
)
def test_the_clock_scan_lets_ours_through(body: str) -> None:
    assert not reads_clock(body)
