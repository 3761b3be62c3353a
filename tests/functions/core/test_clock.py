"""The clock: real, but in a test database and for functions of ours that look ahead."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from factory import Clock, Connect, Connection, Plant

FAR = "2031-05-06T07:08:09.123456Z"


def is_real(session: Connection) -> bool:
    row = session.execute("select drip.now() = now() as real").fetchone()
    assert row is not None
    return bool(row["real"])


def held_until_tomorrow(plant: Plant) -> int:
    """A message outside its hours, in a database with the real clock."""
    plant.tenant(time_zone="UTC")
    plant.device()
    lead = plant.lead()
    opens = plant.value("select (now() at time zone 'UTC' + interval '5 hours')::time(0)")
    closes = plant.value("select (now() at time zone 'UTC' + interval '6 hours')::time(0)")
    campaign = plant.campaign(send_from=opens, send_to=closes)
    device = plant.value("select id from drip.user_devices")
    return plant.message(device, lead, campaign_id=campaign, priority=3)


def test_the_clock_is_inlined(conn: Connection) -> None:
    """A scan must not call a function per row."""
    plan = conn.execute(
        "explain (verbose, costs off) select * from drip.leads where created_at < drip.now()"
    ).fetchall()
    text = "\n".join(row["QUERY PLAN"] for row in plan)
    assert "CASE" in text
    assert "drip.now()" not in text


def test_the_clock_is_fast(conn: Connection) -> None:
    """Beside the server's own clock over many rows; a call per row took five times as long."""
    times = {"now()": [], "drip.now()": []}  # type: ignore[var-annotated]
    for _ in range(3):
        for clock, measured in times.items():
            plan = conn.execute(
                f"explain (analyze, timing off, format json) select count(*)"
                f" from generate_series(1, 100000) g"
                f" where g * interval '1 second' + {clock} > '2000-01-01'".encode()
            ).fetchone()
            assert plan is not None
            measured.append(plan["QUERY PLAN"][0]["Execution Time"])
    assert min(times["drip.now()"]) < 2.5 * min(times["now()"])


def test_our_functions_move_it_for_themselves(conn: Connection) -> None:
    conn.execute(
        f"""
        do $$
        declare
          v_before text[] := drip._move_clock('{FAR}');
        begin
          assert drip.now() = '{FAR}', 'it did not move';
          perform drip._move_clock('infinity');
          perform drip._restore_clock(v_before);
          assert drip.now() = pg_catalog.now(), 'it did not come back';
        end
        $$""".encode()
    )
    assert is_real(conn)


def test_a_token_moves_nothing_in_the_next_statement(conn: Connection) -> None:
    conn.autocommit = False
    conn.execute("select drip._move_clock(%s)", [FAR])
    seen = conn.execute(
        "select current_setting('drip.fake_now') as at,"
        " current_setting('drip.clock_token') as token"
    ).fetchone()
    assert seen is not None
    assert (seen["at"], len(seen["token"])) == (FAR, 64)
    assert is_real(conn)


def test_a_token_is_for_its_own_time_alone(conn: Connection) -> None:
    conn.execute(
        f"""
        do $$
        begin
          perform drip._move_clock('{FAR}');
          perform set_config('drip.fake_now', '2031-05-06T07:08:09.123457Z', true);
          assert drip.now() = pg_catalog.now(), 'another time was let through';
        end
        $$""".encode()
    )


@pytest.mark.parametrize("token", ["", "yes", "0" * 64])
@pytest.mark.parametrize("role", ["drip_app", "drip_operator", "drip_worker", "drip_reader"])
def test_nobody_can_forge_one(connect: Connect, role: str, token: str) -> None:
    session = connect(role=role)
    session.execute("select set_config('drip.fake_now', %s, false)", [FAR])
    session.execute("select set_config('drip.clock_token', %s, false)", [token])
    assert is_real(session)


def test_without_its_secret_no_token_counts(conn: Connection) -> None:
    """A restored database may lack it: then the clock is the real one."""
    conn.execute("delete from drip.private_settings")
    conn.autocommit = False
    conn.execute("select set_config('drip.clock_token', '', true)")
    conn.execute(
        f"""
        do $$
        begin
          perform drip._move_clock('{FAR}');
          assert drip.now() = pg_catalog.now(), 'it moved';
        end
        $$""".encode()
    )


@pytest.mark.parametrize("role", ["drip_app", "drip_operator", "drip_reader", "drip_worker"])
@pytest.mark.parametrize(
    "call", ["drip._move_clock(now())", "drip._clock_token('x')", "drip._restore_clock('{}')"]
)
def test_nobody_else_may_move_it(connect: Connect, role: str, call: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connect(role=role).execute(f"select {call}".encode())


def test_an_explanation_looks_ahead_by_the_real_clock(plant: Plant, connect: Connect) -> None:
    """In a database that is no test database, in a transaction that writes nothing."""
    message = held_until_tomorrow(plant)
    session = connect()
    session.execute("set default_transaction_read_only = on")
    row = session.execute(
        "select e.*, drip.now() = now() as real from drip.explain_message(%s) e", [message]
    ).fetchone()
    assert row is not None
    assert (row["reason"], row["real"]) == ("outside_window", True)
    opens = plant.value(
        "select date_trunc('second', now()) + interval '5 hours' - interval '2 seconds'"
    )
    assert opens < row["earliest"] < opens + timedelta(seconds=10)
    assert is_real(session)


def test_an_explanation_leaves_a_set_clock_as_it_was(clock: Clock, plant: Plant) -> None:
    message = plant.message(plant.device(), scheduled_at=clock.now + timedelta(hours=3))
    with plant.conn.transaction():
        assert plant.explain(message)["earliest"] == clock.now + timedelta(hours=3)
        assert plant.now() == clock.now
        assert plant.value("select current_setting('drip.clock_token')") == ""
    assert plant.now() == clock.now


def test_an_error_on_the_way_gives_the_clock_back(plant: Plant) -> None:
    message = held_until_tomorrow(plant)
    plant.conn.execute(
        b"create or replace function drip._window_opens_at("
        b" p_at timestamptz, p_zone text, p_from time, p_to time, p_days smallint[],"
        b" p_skip_weekends boolean) returns timestamptz language plpgsql stable as $$ begin"
        b"   if p_at > pg_catalog.now() then raise exception 'no'; end if;"
        b"   return pg_catalog.now() + interval '1 hour'; end $$"
    )
    plant.conn.execute(
        f"""
        do $$
        begin
          begin
            perform drip.explain_message({message});
            assert false, 'it did not fail';
          exception
            when raise_exception then null;
          end;
          assert drip.now() = pg_catalog.now(), 'the clock stayed';
          assert current_setting('drip.clock_token', true) = '', 'the token stayed';
        end
        $$""".encode()
    )
    assert is_real(plant.conn)


def test_a_tenant_cannot_play_tricks_with_an_explanation(plant: Plant, connect: Connect) -> None:
    """Whatever it sets before, the explanation goes by the real clock."""
    message = plant.message(plant.device(), scheduled_at=plant.now() + timedelta(hours=1))
    plant.assign("drip_app")
    session = connect(role="drip_app")
    session.execute("select set_config('drip.fake_now', '2040-01-01', false)")
    row = session.execute("select * from drip.explain_message(%s)", [message]).fetchone()
    assert row is not None
    assert (row["verdict"], row["reason"]) == ("wait", "not_due")
    assert row["earliest"] == row["scheduled_at"]
    assert plant.value("select count(*) from drip.broadcast_messages where status = 'pending'")
