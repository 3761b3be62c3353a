"""Code in an audience's view or in a guard: it sees one tenant, writes and leaves nothing.

Both are registered while they are harmless and changed by the tenant afterwards. They run in the
sessions of a worker's and of an operator's login, where every tenant can be seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from factory import Clock, Connect, Connection, Plant, Row
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

THEIRS = "+60129990001"
SEES = "raise notice 'sees %', (select coalesce(string_agg({what}, ','), '') from {where}); "


class Intruder:
    """Tenant A's code, in a view and in a guard, beside tenant B."""

    def __init__(self, plant: Plant, dsn: str) -> None:
        self.plant = plant
        self.turn = 0
        conn = plant.conn
        name = conn.info.dbname
        self.logins = {key: f"{key}_{name}" for key in ("tenant", "worker", "operator")}
        self.other = plant.other_tenant("beta")
        for key, role in (("tenant", "app"), ("worker", "worker"), ("operator", "operator")):
            conn.execute(
                sql.SQL("create role {} login in role {}").format(
                    sql.Identifier(self.logins[key]), sql.Identifier(f"drip_{role}")
                )
            )
        self.sessions = {
            key: psycopg.connect(
                make_conninfo(dsn, user=login), autocommit=True, row_factory=dict_row
            )
            for key, login in self.logins.items()
        }
        plant.row("select * from drip.assign_role(%s, 'default')", self.logins["tenant"])
        conn.execute(
            sql.SQL(
                "create schema a authorization {0}; grant usage on schema a to drip_guard;"
                "set role {0};"
                "create table a.notes (note text); create sequence a.numbers;"
                "grant all on a.notes, a.numbers to public;"
                "create table a.members (lead_id bigint);"
                "create function a.code() returns boolean language sql return true;"
                "create view a.them as select m.lead_id from a.members m where a.code();"
                "grant select on a.them to drip_guard;"
                "reset role"
            ).format(sql.Identifier(self.logins["tenant"]))
        )
        with plant.acting_for(plant.user):
            self.device = plant.device(burst=50)
            self.lead = plant.lead()
            plant.guard("asks", "return a.code();")
        with plant.acting_for(self.other):
            self.their_device = plant.device(user=self.other, burst=50)
            self.their_lead = plant.lead(THEIRS, user=self.other)
        conn.execute("insert into a.members values (%s)", [self.lead])
        plant.row("select * from drip.register_audience('a.them', 100, p_user => 'default')")

    def becomes(self, body: str, rights: str = "invoker", level: str = "unsafe") -> None:
        """What the tenant makes of its function once all is registered."""
        self.sessions["tenant"].execute(
            f"create or replace function a.code() returns boolean language plpgsql volatile"
            f" security {rights} parallel {level} as $$ begin {body} return true; end $$".encode()
        )

    def plan(self, kind: str) -> None:
        """Something of A's that runs the code, and something of B's that is due as well."""
        plant = self.plant
        plant.conn.execute(
            "update drip.guards set errors = 0, last_error = null, suspended_until = null"
        )
        self.becomes("")
        if kind == "audience":
            if self.turn:
                with plant.acting_for(plant.user):
                    plant.row("select * from drip.cancel_campaign(%s)", f"Ours {self.turn}")
            self.turn += 1
            for user, title, who in (
                (plant.user, "Ours", {"audience": "a.them"}),
                (self.other, "Theirs", {"everyone": True}),
            ):
                with plant.acting_for(user):
                    title = f"{title} {self.turn}"
                    plant.row(
                        "select * from drip.create_campaign(%s)",
                        Jsonb({"title": title, "message": "m"} | who),
                    )
                    plant.row("select * from drip.schedule_campaign(%s)", title)
            return
        for user, step in ((plant.user, {"only_if": "asks"}), (self.other, {})):
            with plant.acting_for(user):
                lead = plant.lead(user=user)
                enrollment = plant.enroll(plant.sequence(step), lead=lead)
                self.message = plant.journey(enrollment)[0]["id"]

    def run(self, kind: str, who: str) -> list[str]:
        """Lets the worker or an operator serve both; what the code said of what it saw."""
        session = self.sessions[who]
        said: list[str] = []

        def hear(notice: psycopg.errors.Diagnostic) -> None:
            said.append(notice.message_primary or "")

        session.add_notice_handler(hear)
        if kind == "guard":
            session.execute("select drip.wake_devices('{}')")
            session.execute("select * from drip.claim_messages('w', 10)")
        else:
            call = "drip.tick()" if who == "operator" else "drip.expand_campaigns(100)"
            for _ in range(3):
                session.execute(f"select * from {call}".encode())
        session.remove_notice_handler(hear)
        return [line.removeprefix("sees ") for line in said if line.startswith("sees ")]

    def are_served(self, kind: str) -> bool:
        """Whether what B had due went on."""
        if kind == "audience":
            return bool(
                self.plant.value(
                    "select status = 'triggered' from drip.campaigns where title = %s",
                    f"Theirs {self.turn}",
                )
            )
        return bool(
            self.plant.value(
                "select status = 'processing' from drip.broadcast_messages where id = %s",
                self.message,
            )
        )

    def outcome(self, kind: str) -> str | None:
        """The error that A's campaign or guard shows."""
        if kind == "audience":
            value = self.plant.value(
                "select last_error from drip.campaigns where title = %s", f"Ours {self.turn}"
            )
        else:
            # of a guard that takes long it is said how long, which is no error
            value = self.plant.value(
                "select nullif(last_error, substring(last_error from '^it took [0-9.]+ s in .*'))"
                " from drip.guards where name = 'asks'"
            )
        return None if value is None else str(value)


@pytest.fixture
def intruder(clock: Clock, plant: Plant, dsn: str) -> Iterator[Intruder]:
    it = Intruder(plant, dsn)
    for session in it.sessions.values():
        clock.join(session)
    yield it
    for session in it.sessions.values():
        session.close()
    for login in it.logins.values():
        name = sql.Identifier(login)
        plant.conn.execute(sql.SQL("drop owned by {} cascade").format(name))
        plant.conn.execute(sql.SQL("drop role {}").format(name))


KINDS = ("audience", "guard")
WAYS = [
    ("audience", "worker"),
    ("guard", "operator"),
    ("audience", "operator"),
    ("guard", "worker"),
]

# What is left of a session that only a rollback, a reset or its end takes back.
STATE = """
select
  (select array_agg(l.objid) from pg_locks l
   where l.pid = pg_backend_pid() and l.locktype = 'advisory') as locks,
  (select array_agg(s.name) from pg_prepared_statements s where s.from_sql) as statements,
  (select array_agg(c.name) from pg_cursors c where c.is_holdable) as cursors,
  (select array_agg(c) from pg_listening_channels() c) as channels,
  (select count(*) from pg_class c where c.relnamespace = pg_my_temp_schema()) as temporary,
  current_setting('role') as role, coalesce(current_setting('drip.user', true), '') as tenant,
  current_setting('statement_timeout') as time_limit, current_setting('search_path') as path,
  current_setting('transaction_read_only') as read_only
"""

# name: (what it looks at, before it looks)
PEEKS: dict[str, tuple[str, str]] = {
    "table": (SEES.format(what="l.phone", where="drip.leads l"), "invoker"),
    "tenants": (SEES.format(what="u.name", where="drip.users u"), "invoker"),
    "roles": (SEES.format(what="r.user_id::text", where="drip.user_roles r"), "invoker"),
    "view": (SEES.format(what="l.user_name", where="drip.leads_overview l"), "definer"),
    "messages": (SEES.format(what="m.user_id::text", where="drip.message_log m"), "definer"),
    "verb": (
        SEES.format(what="f.lead_id::text", where=f"drip.find_lead('{THEIRS}') f"), "definer",
    ),
    "verb for the other": (
        "perform set_config('drip.user', 'beta', false); begin "
        + SEES.format(what="f.lead_id::text", where=f"drip.find_lead('{THEIRS}') f")
        + "exception when others then raise notice 'sees nothing'; end;", "definer",
    ),
    "settings": (
        "perform set_config('drip.user', 'beta', true);"
        + SEES.format(what="l.phone", where="drip.leads l"), "invoker",
    ),
    "no settings": (
        "perform set_config('drip.user', '', false);"
        + SEES.format(what="l.user_name", where="drip.leads_overview l"), "definer",
    ),
    "a savepoint": (
        "begin raise exception 'x'; exception when others then null; end;"
        + SEES.format(what="l.phone", where="drip.leads l"), "invoker",
    ),
    "the mark": (
        "begin execute 'delete from drip.bound_tenants'; exception when others then null; end;"
        + SEES.format(what="l.phone", where="drip.leads l"), "invoker",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "who"), WAYS)
def test_it_sees_its_own_tenant_alone(intruder: Intruder, kind: str, who: str) -> None:
    theirs = {THEIRS, "beta", str(intruder.other), str(intruder.their_lead)}
    intruder.plan("guard")  # B has a message in its log, and a lead
    for peek, (body, rights) in PEEKS.items():
        intruder.plan(kind)
        intruder.becomes(body, rights)
        seen = intruder.run(kind, who)
        assert seen, f"{peek}: {intruder.outcome(kind)}"
        for line in seen:
            words = set(line.split(",")) - {""}
            assert not words & theirs, peek
            assert words or peek.startswith(("verb", "roles", "settings")), peek
        assert intruder.are_served(kind), peek


@pytest.mark.parametrize("kind", KINDS)
def test_nor_in_a_parallel_worker(intruder: Intruder, kind: str) -> None:
    """A process of its own, without the session's process number and open cursors."""
    setting = (
        "debug_parallel_query"
        if intruder.plant.conn.info.server_version >= 160000
        else "force_parallel_mode"
    )
    intruder.plant.conn.execute(
        "create function a.peek(text) returns text language plpgsql stable parallel safe as $$"
        " begin return (select count(*) || '/' || count(*) filter (where l.phone = $1)"
        " from drip.leads l); end $$;"
        "create table a.big as select i from generate_series(1, 5) i;"
        "grant select on a.big to public"
    )
    intruder.plan(kind)
    intruder.becomes(
        f"perform set_config('{setting}', 'on', true),"
        " set_config('parallel_setup_cost', '0', true),"
        " set_config('parallel_tuple_cost', '0', true),"
        " set_config('min_parallel_table_scan_size', '0', true);"
        f" raise notice 'sees %', (select string_agg(x, ',') from"
        f" (select a.peek('{THEIRS}') as x from a.big) q);"
    )
    seen = intruder.run(kind, "worker")
    assert intruder.outcome(kind) is None
    own = intruder.plant.value(
        "select count(*) from drip.leads where user_id = %s", intruder.plant.user
    )
    assert seen == [",".join([f"{own}/0"] * 5)]


DEEDS: dict[str, tuple[str, str]] = {
    "writes": ("insert into a.notes values ('x');", "cannot execute INSERT"),
    "counts": ("perform nextval('a.numbers');", "cannot execute nextval()"),
    "makes it writable": (
        "perform set_config('transaction_read_only', 'off', true);", "read-write mode"
    ),
    "makes a temporary table": ("create temp table mine (a int);", "cannot execute CREATE TABLE"),
    "locks rows": ("perform from a.notes for update;", "cannot execute SELECT FOR UPDATE"),
    "locks a table": ("lock table a.notes in access exclusive mode;", ""),
    "changes settings": (
        "perform set_config('statement_timeout', '1ms', false),"
        " set_config('drip.user', 'x', false),"
        " set_config('search_path', 'a', false);", "",
    ),
    "takes a role": ("set role drip_operator;", "within security-"),
    "locks": (
        "perform pg_advisory_lock(1), pg_advisory_lock(1), pg_advisory_lock(-5, 7),"
        " pg_advisory_lock_shared(-9), pg_advisory_lock_shared(3, -4),"
        " pg_advisory_xact_lock(8);", "",
    ),
    "prepares": ("execute 'prepare left_behind as select 1';", ""),
    "holds a cursor": ("execute 'declare c cursor with hold for select 1';", ""),
    "listens": ("listen gossip; perform pg_notify('gossip', 'x');", ""),
    "raises": ("raise exception 'mine';", "mine"),
    "asserts": ("assert false;", "assertion failed"),
    "feigns a cancel": ("raise query_canceled;", "query_canceled"),
    "recurses": ("perform a.code();", "stack depth"),
    "divides": ("perform 1 / (select count(*) from a.notes);", "division by zero"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "who"), WAYS)
def test_nothing_of_it_stays(intruder: Intruder, kind: str, who: str) -> None:
    session = intruder.sessions[who]
    before = session.execute(STATE).fetchone()
    for deed, (body, error) in DEEDS.items():
        intruder.plan(kind)
        intruder.becomes(body + " raise notice 'sees it';")
        seen = intruder.run(kind, who)

        assert session.execute(STATE).fetchone() == before, deed
        assert intruder.plant.value("select count(*) from a.notes") == 0, deed
        assert intruder.plant.value("select is_called from a.numbers") is False, deed
        assert intruder.are_served(kind), deed
        if error:
            assert error in (intruder.outcome(kind) or ""), deed
        else:
            assert seen, deed
            assert intruder.outcome(kind) is None, deed


@pytest.mark.parametrize("kind", KINDS)
def test_a_lock_of_the_session_itself_stays(intruder: Intruder, kind: str) -> None:
    """And of what the code took, the rest goes."""
    session = intruder.sessions["operator"]
    session.execute("select pg_advisory_lock(77), pg_advisory_lock(-6, 8)")
    before = session.execute(STATE).fetchone()
    intruder.plan(kind)
    intruder.becomes(DEEDS["locks"][0])
    intruder.run(kind, "operator")
    assert session.execute(STATE).fetchone() == before


VERBS = (
    f"drip.opt_out('{THEIRS}')",
    "drip.upsert_lead('+60129990777')",
    "drip.pause_campaign('Theirs 1')",
    "drip.claim_messages('thief', 10)",
    "drip.record_results('[]')",
    "drip.tick()",
)


@pytest.mark.parametrize("kind", KINDS)
def test_our_own_verbs_write_nothing(intruder: Intruder, kind: str) -> None:
    count = "select (select count(*) from drip.suppressions), (select count(*) from drip.leads)"
    for verb in VERBS:
        intruder.plan(kind)
        before = intruder.plant.row(count)
        intruder.becomes(f"perform from {verb};", "definer")
        intruder.run(kind, "operator")
        assert intruder.outcome(kind), verb
        assert intruder.plant.row(count) == before, verb
        assert intruder.are_served(kind), verb


@pytest.mark.parametrize("kind", KINDS)
def test_one_that_takes_for_ever_is_cut_off(intruder: Intruder, kind: str) -> None:
    """It holds locks then, which go as well; what B has goes on in the next call."""
    session = intruder.sessions["worker"]
    intruder.plan(kind)
    intruder.becomes("perform pg_advisory_lock(5); perform pg_sleep(600);")
    session.execute("set statement_timeout = '1500ms'")
    intruder.run(kind, "worker")
    session.execute("set statement_timeout = 0")
    state = session.execute(STATE).fetchone()
    assert state is not None
    assert state["locks"] is None
    assert intruder.are_served(kind)
    assert "longer than" in (intruder.outcome(kind) or "")


def test_a_person_who_cancels_leaves_no_lock_behind(intruder: Intruder) -> None:
    """The statement fails then, and what the code took of the session goes all the same."""
    session = intruder.sessions["operator"]
    intruder.plan("guard")
    intruder.becomes(
        "perform pg_advisory_lock(5); perform pg_cancel_backend(pg_backend_pid());"
        " perform pg_sleep(60);",
        "invoker",
    )
    # drip_guard may not cancel an operator, so that the code stands for the person
    intruder.plant.conn.execute("grant pg_signal_backend to drip_guard")
    try:
        with pytest.raises(psycopg.errors.QueryCanceled):
            session.execute("select * from drip.claim_messages('w', 10)")
    finally:
        intruder.plant.conn.execute("revoke pg_signal_backend from drip_guard")
    state = session.execute(STATE).fetchone()
    assert state is not None
    assert state["locks"] is None


def test_a_view_of_a_billion_rows_fails_alone(intruder: Intruder) -> None:
    intruder.plan("audience")
    intruder.sessions["tenant"].execute(
        "create or replace view a.them as select g as lead_id from generate_series(1::bigint,"
        " 1000000000) g"
    )
    intruder.sessions["worker"].execute("set statement_timeout = '1500ms'")
    intruder.run("audience", "worker")
    assert "longer than" in (intruder.outcome("audience") or "") or "bound" in (
        intruder.outcome("audience") or ""
    )
    assert intruder.are_served("audience")


def test_a_view_of_ours_shows_the_tenant_it_is_read_for(
    intruder: Intruder, plant: Plant, connect: Connect
) -> None:
    """An audience for all, of whom has been written to: each campaign sees its own."""
    plant.conn.execute(
        sql.SQL(
            "create schema shop2 authorization {0}; set role {0};"
            "create view shop2.known as select l.lead_id from drip.leads_overview l;"
            "reset role; grant usage on schema shop2 to drip_guard;"
            "grant select on shop2.known to drip_guard"
        ).format(sql.Identifier(intruder.logins["operator"]))
    )
    row = plant.row("select * from drip.register_audience('shop2.known', 100)")
    assert row["rows"] == 1
    for user in (plant.user, intruder.other):
        with plant.acting_for(user):
            assert reached(plant, "shop2.known") == 1
    plant.conn.execute("drop schema shop2 cascade")


def reached(plant: Plant, audience: str) -> int:
    title = f"To {audience}"
    plant.row(
        "select * from drip.create_campaign(%s)",
        Jsonb({"title": title, "message": "m", "audience": audience}),
    )
    plant.row("select * from drip.schedule_campaign(%s)", title)
    rows: list[Row] = plant.rows("select * from drip.expand_campaigns(100)")
    return int(rows[0]["audience"])


def test_a_read_only_session_of_several_tenants_is_refused(
    intruder: Intruder, connect: Connect
) -> None:
    """The tenant cannot be written down there; of one tenant alone it may ask."""
    intruder.plan("guard")
    message = intruder.plant.value(
        "select min(id) from drip.broadcast_messages where user_id = %s", intruder.plant.user
    )
    answers: dict[str, Any] = {}
    for who in ("tenant", "operator"):
        session: Connection = intruder.sessions[who]
        session.execute("set default_transaction_read_only = on")
        answers[who] = session.execute(
            "select * from drip.explain_message(%s)", [message]
        ).fetchone()
        session.execute("set default_transaction_read_only = off")
    assert answers["tenant"]["verdict"] == "go"
    assert answers["operator"]["reason"] == "guard_error"
    assert "read-only" in str(answers["operator"]["rules"])


def test_what_guarded_claims_leave_dead_is_cleared_beside_a_long_transaction(
    plant: Plant, connect: Connect
) -> None:
    """The rows were never committed, so that vacuum waits for nobody; and it comes early."""
    options = plant.value(
        "select c.reloptions from pg_class c where c.oid = 'drip.bound_tenants'::regclass"
    )
    assert {"autovacuum_vacuum_scale_factor=0", "autovacuum_vacuum_threshold=500"} <= set(options)
    long = connect(autocommit=False)
    long.execute("set transaction isolation level repeatable read")
    long.execute("select count(*) from drip.users")
    plant.conn.execute(
        "do $$begin for i in 1..500 loop begin perform drip._bind_tenant(1);"
        " raise exception 'back'; exception when others then null; end; end loop; end$$"
    )
    size = "select pg_relation_size('drip.bound_tenants')"
    assert plant.value(size) > 0
    plant.conn.execute("vacuum drip.bound_tenants")
    assert plant.value(size) == 0
    long.rollback()


def grow_bound_tenants(conn: Connection) -> None:
    """As many guarded claims do: rows that are rolled back, past the size that a tick clears."""
    with conn.transaction(force_rollback=True):
        conn.execute(
            "insert into drip.bound_tenants (only_user) select 1 from generate_series(1, 8000)"
        )


def test_what_guarded_claims_leave_is_cleared_without_vacuum(
    plant: Plant, connect: Connect
) -> None:
    """The servers of tests have autovacuum off. Whoever reads the table makes nobody wait."""
    size = "select pg_relation_size('drip.bound_tenants')"
    clear = "select is_cleared from drip.clear_bound_tenants()"
    grow_bound_tenants(plant.conn)
    grown = plant.value(size)
    assert grown > 256 * 1024
    reader = connect(autocommit=False)
    reader.execute("select count(*) from drip.bound_tenants")
    plant.conn.execute("set statement_timeout = '10s'")
    assert plant.value(clear) is False
    assert plant.value(size) == grown
    reader.commit()
    assert plant.value(clear) is True
    assert plant.value(size) == 0
    assert plant.value(clear) is False
