"""Databases that tests use one after another: swept clean after each, the plans of a session kept.

Two thirds of a short test's time went into a fresh backend that compiles functions and plans their
statements. So a database and its first session go to the next test as soon as every row and every
sequence is again that of the template. A test that changes definitions, plants a great many rows,
or leaves sessions behind that do not end has its database dropped.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg
from psycopg.rows import DictRow, dict_row

Connection = psycopg.Connection[DictRow]

# A database is dropped after so many tests, or so many rows taken back at once: what is dead in
# tables and indexes costs more than a fresh one.
MOST_TESTS = 80
MOST_ROWS = 3000

# Seconds for the other sessions of a test to end.
PATIENCE = 3.0

# What the pool's own template has more than the other one. The event trigger sees the definitions
# that a test changes, at the transaction's end: what is rolled back is forgotten.
PREPARE = """
create schema test_pool;
create table test_pool.changes (tag text);
create table test_pool.tables (name text primary key, copy text, columns text, rows bigint);
create table test_pool.sequences (name text primary key, value bigint);

create function test_pool.note_change() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  insert into test_pool.changes values (tg_tag);
end
$$;

do $$
declare
  v_table record;
  v_rows bigint;
begin
  for v_table in
    select
      c.oid::regclass::text as name,
      'test_pool.copy_' || c.oid as copy,
      (
        select string_agg(format('%I', a.attname), ', ' order by a.attnum)
        from pg_attribute as a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
      ) as columns
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname in ('drip', 'pgmq', 'procrastinate')
  loop
    execute format('select count(*) from %s', v_table.name) into v_rows;
    if v_rows > 0 then
      execute format('create table %s as select %s from %s',
                     v_table.copy, v_table.columns, v_table.name);
    end if;
    insert into test_pool.tables
    values (
      v_table.name, case when v_rows > 0 then v_table.copy end, v_table.columns, v_rows);
  end loop;
  insert into test_pool.sequences
  select format('%I.%I', s.schemaname, s.sequencename), s.last_value
  from pg_sequences as s
  where s.schemaname in ('drip', 'pgmq', 'procrastinate');
end
$$;

-- Rows that are as old as the last sweep are the template's: p_since is that sweep's transaction.
create function test_pool.sweep(p_since bigint, out since bigint, out taken bigint)
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
  v_table record;
  v_changed boolean;
  v_rows bigint;
begin
  since := pg_current_xact_id()::text::bigint;
  taken := 0;
  set local session_replication_role = replica;
  for v_table in select t.name, t.copy, t.columns, t.rows from test_pool.tables as t loop
    if v_table.copy is not null then
      execute format(
        'select count(*) <> $2 or coalesce(max(t.xmin::text::bigint) > $1, true) from %s as t',
        v_table.name) into v_changed using p_since, v_table.rows;
      continue when not v_changed;
    end if;
    execute format('delete from %s', v_table.name);
    get diagnostics v_rows = row_count;
    taken := taken + v_rows;
    if v_table.copy is not null then
      execute format('insert into %1$s (%2$s) overriding system value select %2$s from %3$s',
                     v_table.name, v_table.columns, v_table.copy);
    end if;
  end loop;
  perform setval(s.name::regclass, coalesce(s.value, q.start_value), s.value is not null)
  from test_pool.sequences as s
  join pg_sequences as q on format('%I.%I', q.schemaname, q.sequencename) = s.name
  where q.last_value is distinct from s.value;
end
$$;

create event trigger test_pool_changes on ddl_command_end execute function test_pool.note_change();
create event trigger test_pool_drops on sql_drop execute function test_pool.note_change();
"""


@dataclass
class Lent:
    """A database on loan, and the session that stays with it."""

    url: str
    drop: Callable[[], None]
    session: Connection
    since: int
    tests: int = field(default=0)


class Pool:
    """Lends one database after the other; it keeps at most one while none is lent."""

    def __init__(self, create: Callable[[], tuple[str, Callable[[], None]]]) -> None:
        self._create = create
        self._idle: Lent | None = None

    def lend(self) -> Lent:
        """A database in the template's state."""
        lent, self._idle = self._idle, None
        if lent is None:
            url, drop = self._create()
            session = psycopg.connect(url, autocommit=True, row_factory=dict_row)
            lent = Lent(url, drop, session, since=_transaction(session))
        lent.tests += 1
        return lent

    def take_back(self, lent: Lent) -> None:
        """Sweep it for the next test, or drop it."""
        try:
            kept = lent.tests < MOST_TESTS and self._idle is None and _sweep(lent)
        except psycopg.Error:
            kept = False
        if kept:
            self._idle = lent
        else:
            self._drop(lent)

    def close(self) -> None:
        """Drop what is left."""
        if self._idle is not None:
            self._drop(self._idle)
            self._idle = None

    @staticmethod
    def _drop(lent: Lent) -> None:
        lent.session.close()
        lent.drop()


def _transaction(session: Connection) -> int:
    row = session.execute("select pg_current_xact_id()::text::bigint as id").fetchone()
    assert row is not None
    return int(row["id"])


def _sweep(lent: Lent) -> bool:
    """Whether the database is again as the template."""
    session = lent.session
    if session.closed or not _is_alone(_as_new(session)):
        return False
    changed = session.execute("select exists (select from test_pool.changes) as yes").fetchone()
    if changed is None or changed["yes"]:
        return False
    swept = session.execute("select * from test_pool.sweep(%s)", [lent.since]).fetchone()
    assert swept is not None
    lent.since = swept["since"]
    return bool(swept["taken"] <= MOST_ROWS)


def _as_new(session: Connection) -> Connection:
    """Take back what a test did to the session itself; plans stay."""
    session.rollback()
    session.autocommit = True
    session.row_factory = dict_row
    session._notice_handlers.clear()
    session._notify_handlers.clear()
    for statement in (
        "reset session authorization",
        "reset role",
        "reset all",
        "close all",
        "unlisten *",
        "discard temp",
        "select pg_advisory_unlock_all()",
    ):
        session.execute(statement.encode())
    return session


def _is_alone(session: Connection) -> bool:
    """Ends the other sessions in the database; False if one of them does not go."""
    deadline = time.monotonic() + PATIENCE
    while True:
        others = session.execute(
            "select pg_terminate_backend(a.pid) from pg_stat_activity as a"
            " where a.datname = current_database() and a.pid <> pg_backend_pid()"
        ).fetchall()
        if not others:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)


def prepare(url: str) -> None:
    """Add to a migrated database what a pool needs; it becomes the pool's template."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(PREPARE.encode())
