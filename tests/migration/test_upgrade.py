"""From a released version, with data, to this one: equal to a fresh install, and it works on.

The states are written by make_state.py, one a release.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from factory import Clock, Plant
from make_state import LEADS, STATES
from psycopg.rows import dict_row

from pgdrip import __version__
from pgdrip.errors import PgdripError
from pgdrip.schema import catalog, db_dir, drift, migrate
from pgdrip.schema.roles import ensure_roles

# Filled by a migration, or meant to be empty: a row of bound_tenants is never committed, and
# waiting_events is the parent of the queues of events.
NO_DATA = {"bound_tenants", "private_settings", "waiting_events"}
RECORDS = {"code_objects", "alembic_version"}

# What schemas of the libraries hold: they are installed by revisions.
LIBRARIES = """
select p.oid::regprocedure::text, md5(pg_get_functiondef(p.oid))
from pg_proc as p
where p.pronamespace::regnamespace::text in ('pgmq', 'procrastinate') and p.prokind in ('f', 'p')
union all
select a.attrelid::regclass::text || '.' || a.attname,
  concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull)
from pg_attribute as a
join pg_class as c on c.oid = a.attrelid
where c.relnamespace::regnamespace::text in ('pgmq', 'procrastinate')
  and a.attnum > 0 and not a.attisdropped
  -- a queue of a subscription is the state's own
  and c.relname !~ '_drip_q_'
union all
select coalesce(d.defaclnamespace::regnamespace::text, ''), d.defaclacl::text
from pg_default_acl as d
"""

CreateDatabase = Callable[..., tuple[str, Callable[[], None]]]
Rows = dict[str, list[dict[str, Any]]]

# Facts that come with a version, and that a later one may know better.
FACTS = {"error_codes", "stop_words"}


def keyed(rows: list[dict[str, Any]]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Rows of facts by what names them; their ids may differ."""
    names = ("platform", "code", "user_id", "language", "word")  # of both tables
    return {
        tuple(row.get(name) for name in names): {k: v for k, v in row.items() if k != "id"}
        for row in rows
    }


def restore(dsn: str, state: Path) -> None:
    """Fill an empty database with a state."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        ensure_roles(conn)
        conn.execute(state.read_text(encoding="utf-8").encode())


def schema_of(dsn: str) -> tuple[dict[tuple[str, str], tuple[str, ...]], list[tuple[Any, ...]]]:
    """All that a fresh install is compared by."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("set search_path = pg_catalog, pg_temp")
        objects = {
            # A state was written by pg_dump: brackets differ, and drift() sees what they mean.
            key: (re.sub("[()]", "", item.definition), item.owner, item.rights, item.comment)
            for key, item in catalog.snapshot(conn).items()
        }
        return objects, sorted(conn.execute(LIBRARIES).fetchall())


def assert_equal_schemas(dsn: str, other: str) -> None:
    """Says what differs, object by object."""
    (objects, libraries), (wanted, wanted_libraries) = schema_of(dsn), schema_of(other)
    assert objects.keys() == wanted.keys()
    for key in wanted:
        assert objects[key] == wanted[key], key
    assert set(libraries) ^ set(wanted_libraries) == set()


def data_of(dsn: str) -> Rows:
    """The rows of all tables, as JSON, in some order that a migration does not change."""
    with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as conn:
        tables = [
            row["name"]
            for row in conn.execute(
                "select c.relname as name from pg_class as c"
                " where c.relnamespace = 'drip'::regnamespace and c.relkind = 'r'"
            )
        ]
        return {
            table: [
                row["row"]
                for row in conn.execute(
                    f"select to_jsonb(t) as row from drip.{table} as t order by t::text".encode()
                )
            ]
            for table in tables
            if table not in RECORDS
        }


def assert_kept(before: Rows, after: Rows) -> None:
    """Each row is there with all its values; new columns may have come."""
    for table, rows in before.items():
        if table in FACTS:
            continue
        kept = [
            {name: value for name, value in row.items() if not rows or name in rows[0]}
            for row in after[table]
            # a secret of this database that came with 0006
            if table != "private_settings" or row["name"] != "clock_secret" or rows
            # and what 0012 has noted
            if table != "audit_log" or row["action"] != "revoke_role"
        ]
        if table == "user_roles":  # 0012 takes tenants off the roles of pgdrip itself
            rows = [row for row in rows if not row["role_name"].startswith("drip_")]
        assert sorted(map(repr, kept)) == sorted(map(repr, rows)), table


@pytest.fixture(params=sorted(path.stem for path in STATES.glob("*.sql")))
def restored(request: pytest.FixtureRequest, empty_dsn: str) -> str:
    """A database of a released version, with data."""
    restore(empty_dsn, STATES / f"{request.param}.sql")
    return empty_dsn


@pytest.fixture
def fresh(create_database: CreateDatabase) -> Iterator[str]:
    """A fresh install of this version."""
    url, drop = create_database()
    migrate(url)
    yield url
    drop()


def older_folder(path: Path) -> Path:
    """A `db/` whose code is older: other signatures, fewer columns, things that are gone since."""
    shutil.copytree(db_dir(), path, ignore=shutil.ignore_patterns("__pycache__"))
    (path / "functions/leads/opt_in.sql").write_text(
        "-- It asked for less and said less.\n"
        "create function drip.opt_in(p_phone text) returns boolean\n"
        "language sql as $$ select p_phone is null $$;\n"
        "comment on function drip.opt_in(text) is 'Older.';\n"
        "grant execute on function drip.opt_in(text) to drip_app, drip_reader;\n"
    )
    (path / "views/queue_overview.sql").write_text(
        "-- It had two columns.\n"
        "create view drip.queue_overview with (security_barrier) as\n"
        "select m.status, m.user_id from drip.broadcast_messages as m;\n"
        "alter view drip.queue_overview owner to drip_view;\n"
    )
    (path / "views/old_overview.sql").write_text(
        "-- Gone since, with what it called.\n"
        "create view drip.old_overview with (security_barrier) as\n"
        "select q.status, drip.old_word() as word from drip.queue_overview as q;\n"
        "alter view drip.old_overview owner to drip_view;\n"
    )
    (path / "functions/core/old_word.sql").write_text(
        "-- Gone since.\n"
        "create function drip.old_word() returns text language sql as $$ select 'old' $$;\n"
    )
    (path / "functions/leads/_notice_leads.sql").write_text(
        "-- A trigger that is gone since.\n"
        "create or replace function drip._notice_leads() returns trigger language plpgsql\n"
        "set search_path = pg_catalog, pg_temp as $$ begin return null; end $$;\n"
        "create or replace trigger notice after insert on drip.leads\n"
        "for each statement execute function drip._notice_leads();\n"
    )
    greeting = path / "functions/rules/reason_sentence.sql"
    greeting.write_text(greeting.read_text().replace("comment on", "-- older\ncomment on"))
    return path


def test_a_state_of_this_version_exists() -> None:
    """`python tests/migration/make_state.py` writes it, once, when the version is released."""
    assert (STATES / f"{__version__}.sql").is_file()


def test_every_table_of_a_state_has_rows(restored: str) -> None:
    data = data_of(restored)
    assert {table for table, rows in data.items() if not rows} <= NO_DATA


def test_an_upgrade_equals_a_fresh_install(restored: str, fresh: str) -> None:
    before = data_of(restored)
    migrate(restored)
    assert_equal_schemas(restored, fresh)
    after, wanted = data_of(restored), data_of(fresh)
    assert_kept(before, after)
    for table in FACTS:
        # the state's own rows, which somebody wrote, stay beside them
        assert keyed(wanted[table]).items() <= keyed(after[table]).items(), table
    assert drift(restored) == []
    assert not migrate(restored).changed


def test_an_edited_fact_is_left_alone(restored: str) -> None:
    read = "select scope, action, wait::text from drip.error_codes where code = '132001'"
    with psycopg.connect(restored, autocommit=True) as conn:
        conn.execute(
            "update drip.error_codes set action = 'retry', wait = '1 hour' where code = '132001'"
        )
        edited = conn.execute(read).fetchone()
    assert edited is not None
    assert edited[1:] == ("retry", "01:00:00")
    migrate(restored)
    with psycopg.connect(restored, autocommit=True) as conn:
        assert conn.execute(read).fetchone() == edited


def test_older_code_is_rebuilt(restored: str, fresh: str, tmp_path: Path) -> None:
    before = data_of(restored)
    folder = older_folder(tmp_path / "db")
    migrate(restored, folder=folder)
    assert drift(restored, folder=folder) == []
    assert_kept(before, data_of(restored))
    report = migrate(restored)
    assert {"drip.opt_in(text)", "drip.old_word()", "drip.old_overview"} <= set(report.dropped)
    assert_equal_schemas(restored, fresh)
    assert_kept(before, data_of(restored))
    assert drift(restored) == []


def test_an_upgrade_that_fails_changes_nothing(restored: str, tmp_path: Path) -> None:
    folder = older_folder(tmp_path / "db")
    versions = folder / "migrations" / "versions"
    head = max(path.stem[:4] for path in versions.glob("[0-9]*.py"))
    (versions / "9999_fails.py").write_text(
        "from pgdrip.schema import run_script\n"
        f'revision = "9999"\ndown_revision = "{head}"\n'
        "def upgrade() -> None:\n"
        '    run_script("alter table drip.leads drop column niche;'
        ' alter table drip.leads add column niche int not null")\n'
    )
    before = data_of(restored), schema_of(restored)
    with pytest.raises(PgdripError, match=r"9999_fails\.py, line 5: "):
        migrate(restored, folder=folder)
    assert (data_of(restored), schema_of(restored)) == before


@pytest.fixture
def upgraded(restored: str) -> psycopg.Connection[Any]:
    """A session in the upgraded database."""
    migrate(restored)
    with psycopg.connect(restored, autocommit=True, row_factory=dict_row) as session:
        yield session


def test_an_upgraded_database_works_on(upgraded: psycopg.Connection[Any]) -> None:
    clock, plant = Clock(upgraded), Plant(upgraded)
    upgraded.execute("select set_config('drip.user', 'shop', false)")
    clock.set("2026-03-02 10:30+08")
    # The lease of a worker that is gone has lapsed: nobody knows, and nothing is sent again.
    assert plant.row("select expired from drip.expire_leases()") == {"expired": 1}
    # A day of the shop: what was planned before the upgrade goes.
    for _ in range(72):
        clock.advance(hours=1)
        plant.tick()
        for claimed in plant.claim():
            assert plant.answer(claimed)["status"] == "sent"
    journeys = plant.rows(
        "select l.phone, s.name, c.status from drip.sequence_contacts as c"
        " join drip.sequences as s on s.id = c.sequence_id join drip.leads as l on l.id = c.lead_id"
    )
    assert len(journeys) > len(LEADS) / 2
    assert {row["status"] for row in journeys if row["name"] == "COLD Sequence"} == {"completed"}
    # And what is new comes behind it.
    assert plant.row("select outcome from drip.enroll_lead('COLD Sequence', '+60127777777')") == {
        "outcome": "enrolled"
    }
    clock.advance(minutes=1)
    assert [row["recipient_phone"] for row in plant.claim()] == ["+60127777777"]
    for row in plant.rows(
        "select c.relname as name from pg_class as c where c.relkind = 'v'"
        " and c.relnamespace = 'drip'::regnamespace and c.relname !~ '^_'"
    ):
        assert plant.rows(f"select * from drip.{row['name']}") is not None
