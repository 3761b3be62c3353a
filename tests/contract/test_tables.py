"""Rules that every table of schema drip keeps, and what the roles may do with tables."""

from __future__ import annotations

import re
from typing import Any

from psycopg import Connection

TABLES = """
select c.relname::text as name, c.oid, c.relrowsecurity as has_policies,
  obj_description(c.oid, 'pg_class') as comment,
  exists (
    select from pg_attribute as a
    where a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped
  ) as has_tenant
from pg_class as c
where c.relnamespace = 'drip'::regnamespace and c.relkind in ('r', 'p')
order by c.relname
"""


def test_every_table_has_a_comment(catalog: Connection[dict[str, Any]]) -> None:
    assert [t["name"] for t in catalog.execute(TABLES) if not t["comment"]] == []


def test_every_table_with_a_tenant_has_policies(catalog: Connection[dict[str, Any]]) -> None:
    """user_roles says who sees whom; a policy of its own would read itself."""
    assert [
        t["name"]
        for t in catalog.execute(TABLES)
        if t["has_tenant"] and not t["has_policies"] and t["name"] != "user_roles"
    ] == []
    users = next(t for t in catalog.execute(TABLES) if t["name"] == "users")
    assert users["has_policies"]


def test_constraints_are_named_after_their_table(catalog: Connection[dict[str, Any]]) -> None:
    rows = catalog.execute(
        """
        select k.conname::text as name, c.relname::text as table
        from pg_constraint as k
        join pg_class as c on c.oid = k.conrelid
        where c.relnamespace = 'drip'::regnamespace and k.contype <> 'n'
        """
    ).fetchall()
    assert len(rows) > 100
    assert [r["name"] for r in rows if not r["name"].startswith(f"{r['table']}_")] == []


def test_indexes_are_named_after_their_table(catalog: Connection[dict[str, Any]]) -> None:
    rows = catalog.execute(
        """
        select x.relname::text as name, c.relname::text as table
        from pg_index as i
        join pg_class as x on x.oid = i.indexrelid
        join pg_class as c on c.oid = i.indrelid
        where c.relnamespace = 'drip'::regnamespace
        """
    ).fetchall()
    assert [r["name"] for r in rows if not r["name"].startswith(f"{r['table']}_")] == []


def test_names_of_arguments_are_unique_and_not_all_digits(
    catalog: Connection[dict[str, Any]],
) -> None:
    """Sequences, devices, campaigns and steps are named in calls: digits alone mean an id."""
    for table in ("users", "user_devices", "sequences", "campaigns", "sequence_steps"):
        checks = catalog.execute(
            "select pg_get_constraintdef(k.oid) as text from pg_constraint as k"
            " where k.conrelid = %s::regclass and k.contype in ('c', 'u')"
            " union all select pg_get_indexdef(i.indexrelid) from pg_index as i"
            " where i.indrelid = %s::regclass and i.indisunique",
            (f"drip.{table}", f"drip.{table}"),
        ).fetchall()
        assert any(r"!~ '^\d+$'" in c["text"] for c in checks), table
        assert any(re.search(r"UNIQUE.*\b(name|title)\)", c["text"]) for c in checks), table


def test_operators_may_update_exactly_the_settings(catalog: Connection[dict[str, Any]]) -> None:
    rows = catalog.execute(
        """
        select c.relname || '.' || a.attname as column,
          coalesce(col_description(c.oid, a.attnum) like '[setting]%', false) as is_setting,
          has_column_privilege('drip_operator', c.oid, a.attnum, 'UPDATE') as may_update
        from pg_class as c
        join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.relnamespace = 'drip'::regnamespace and c.relkind = 'r'
          and c.relname not in ('error_codes', 'greetings', 'stop_words')
        """
    ).fetchall()
    assert len([r for r in rows if r["is_setting"]]) > 60
    assert [r["column"] for r in rows if r["is_setting"] != r["may_update"]] == []


def test_every_column_that_steers_something_is_marked_as_a_setting(
    catalog: Connection[dict[str, Any]],
) -> None:
    rows = catalog.execute(
        """
        select c.relname || '.' || a.attname as column, a.attname::text as name,
          col_description(c.oid, a.attnum) as comment
        from pg_class as c
        join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.oid = any (array['drip.users', 'drip.user_devices', 'drip.sequences',
                                 'drip.campaigns', 'drip.sequence_steps']::regclass[])
          and a.attname ~ ('^(send_|skip_|contact_|min_|max_|daily_cap|ramp|active_(from|to)|burst'
            '|in_pool|.*_policy|breaker_|unknown_hold|time_zone|default_region|greeting|category'
            '|stop_on|exit_if|only_if|exclusive|reenroll|on_step|priority|valid_for|per_device'
            '|local_time|trigger$|niche$|target_status|auto_enroll|start_delay)')
        """
    ).fetchall()
    assert len(rows) > 50
    assert [r["column"] for r in rows if not (r["comment"] or "").startswith("[setting] ")] == []


def test_applications_readers_and_workers_have_no_right_on_a_table(
    catalog: Connection[dict[str, Any]],
) -> None:
    rows = catalog.execute(
        """
        select r.rolname || ' on ' || c.oid::regclass || ': ' || p.name as found
        from pg_class as c
        cross join unnest(array['drip_app', 'drip_worker', 'drip_reader', 'drip_pii', 'drip_guard'])
          as r (rolname)
        cross join unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES',
                                'TRIGGER']) as p (name)
        where c.relnamespace::regnamespace::text in ('drip', 'pgmq', 'procrastinate')
          and c.relkind in ('r', 'p')
          and has_table_privilege(r.rolname, c.oid, p.name)
        """
    ).fetchall()
    allowed = "drip_worker on procrastinate."
    assert [r["found"] for r in rows if not r["found"].startswith(allowed)] == []


def test_applications_and_readers_cannot_enter_the_libraries(
    catalog: Connection[dict[str, Any]],
) -> None:
    rows = catalog.execute(
        """
        select r.rolname || ' in ' || n.nspname as found
        from pg_namespace as n
        cross join unnest(array['drip_app', 'drip_reader', 'drip_pii', 'drip_guard'])
          as r (rolname)
        where n.nspname in ('pgmq', 'procrastinate')
          and has_schema_privilege(r.rolname, n.oid, 'USAGE')
        """
    ).fetchall()
    assert [r["found"] for r in rows] == []


def test_no_role_but_the_owner_may_create_in_schema_drip(
    catalog: Connection[dict[str, Any]],
) -> None:
    rows = catalog.execute(
        """
        select r.rolname::text as name
        from pg_roles as r
        where (r.rolname like 'drip\\_%' or r.rolname = 'public')
          and has_schema_privilege(r.rolname, 'drip', 'CREATE')
        """
    ).fetchall()
    assert [r["name"] for r in rows] == []


def test_nobody_reads_the_private_settings(catalog: Connection[dict[str, Any]]) -> None:
    rows = catalog.execute(
        """
        select r.rolname::text as name
        from pg_roles as r
        where r.rolname like 'drip\\_%'
          and has_table_privilege(r.rolname, 'drip.private_settings', 'SELECT')
        """
    ).fetchall()
    assert [r["name"] for r in rows] == []


def test_defaults_and_checks_call_no_function_of_ours(
    catalog: Connection[dict[str, Any]],
) -> None:
    """A rebuilt function would otherwise drag a table with it."""
    rows = catalog.execute(
        """
        select pg_describe_object(d.classid, d.objid, d.objsubid) as found
        from pg_depend as d
        join pg_proc as p on p.oid = d.refobjid and d.refclassid = 'pg_proc'::regclass
        where p.pronamespace = 'drip'::regnamespace
          and d.classid in (
            'pg_constraint'::regclass, 'pg_attrdef'::regclass, 'pg_policy'::regclass)
        """
    ).fetchall()
    assert [r["found"] for r in rows] == []


def test_the_worker_may_use_its_job_library(catalog: Connection[dict[str, Any]]) -> None:
    rows = catalog.execute(
        """
        select c.oid::regclass::text as name
        from pg_class as c
        cross join unnest(case c.relkind when 'S' then array['USAGE']
          else array['SELECT', 'INSERT', 'UPDATE', 'DELETE'] end) as p (name)
        where c.relnamespace = 'procrastinate'::regnamespace and c.relkind in ('r', 'S')
          and not case c.relkind
            when 'S' then has_sequence_privilege('drip_worker', c.oid, p.name)
            else has_table_privilege('drip_worker', c.oid, p.name) end
        union all
        select f.oid::regprocedure::text
        from pg_proc as f
        where f.pronamespace = 'procrastinate'::regnamespace
          and not has_function_privilege('drip_worker', f.oid, 'EXECUTE')
        """
    ).fetchall()
    assert [r["name"] for r in rows] == []


def test_the_worker_can_delete_nothing_of_ours(catalog: Connection[dict[str, Any]]) -> None:
    rows = catalog.execute(
        """
        select c.oid::regclass::text as name
        from pg_class as c
        where c.relnamespace = 'drip'::regnamespace and c.relkind = 'r'
          and has_table_privilege('drip_worker', c.oid, 'DELETE, TRUNCATE')
        """
    ).fetchall()
    assert [r["name"] for r in rows] == []
