"""tick(): the worker's housekeeping from psql or pg_cron, one chunk of each sweep."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from factory import Clock, Connect, Plant

SWEEPS = [
    "refresh_statistics",
    "expire_leases",
    "end_unknown_holds",
    "expire_messages",
    "sync_enrollments",
    "end_pauses",
    "bind_devices",
    "fail_over",
    "process_inbound",
    "match_receipts",
    "note_last_inbound",
    "enroll_matching_leads",
    "sweep_campaigns",
    "expand_campaigns",
    "complete_campaigns",
    "prune_audiences",
    "prune_inbound",
    "prune_results",
    "drop_event_queues",
]


def test_runs_every_sweep_and_writes_it_down(clock: Clock, plant: Plant) -> None:
    assert list(plant.tick()) == SWEEPS
    runs = {row["name"]: row for row in plant.rows("select * from drip.task_runs")}
    assert sorted(runs) == sorted(SWEEPS)
    for row in runs.values():
        assert row["last_run_at"] == clock.now
        assert row["duration_ms"] >= 0
        assert row["last_error"] is None


def test_says_what_it_did(clock: Clock, plant: Plant) -> None:
    device = plant.device(burst=5)
    plant.message(device)
    assert len(plant.claim()) == 1
    late = plant.message(device, expires_at=clock.now + timedelta(minutes=1))
    loose = plant.message(None)
    clock.advance(minutes=2)
    rows = plant.tick()
    assert {task: row["rows"] for task, row in rows.items() if row["rows"]} == {
        "expire_leases": 1,
        "expire_messages": 1,
        "bind_devices": 1,
    }
    assert plant.message_row(late)["status"] == "expired"
    assert plant.message_row(loose)["device_id"] == device


def test_a_second_tick_finds_nothing(clock: Clock, plant: Plant) -> None:
    plant.message(plant.device())
    plant.claim()
    clock.advance(minutes=2)
    plant.tick()
    assert {row["rows"] for row in plant.tick().values()} == {0}


def test_one_failing_sweep_stops_no_other(clock: Clock, plant: Plant) -> None:
    """Its error is in the row and in task_runs; the rest is done."""
    plant.conn.execute(
        "create or replace function drip._expire_messages("
        "p_limit integer, p_user_id bigint default null) returns bigint"
        " language plpgsql as $$ begin raise exception 'boom'; end $$"
    )
    loose, device = plant.message(None), plant.device()
    rows = {row["task"]: row for row in plant.rows("select * from drip.tick()")}
    assert [task for task, row in rows.items() if row["error"]] == ["expire_messages"]
    assert "boom" in rows["expire_messages"]["error"]
    assert plant.message_row(loose)["device_id"] == device
    run = plant.row("select * from drip.task_runs where name = 'expire_messages'")
    assert "boom" in run["last_error"]
    assert run["last_error_at"] == clock.now


def test_the_last_error_is_kept_with_its_time(clock: Clock, plant: Plant) -> None:
    plant.tick()
    failed = clock.now
    plant.conn.execute(
        "update drip.task_runs set last_error = 'boom', last_error_at = %s"
        " where name = 'bind_devices'",
        [failed],
    )
    clock.advance(hours=1)
    plant.tick()
    run = plant.row("select * from drip.task_runs where name = 'bind_devices'")
    assert (run["last_run_at"], run["last_error_at"]) == (clock.now, failed)


def test_a_pause_with_an_end_ends(clock: Clock, plant: Plant) -> None:
    plant.device()
    lead = plant.lead(paused_until=clock.now + timedelta(hours=1))
    enrollment = plant.enroll(plant.sequence(), lead)
    clock.advance(minutes=59)
    assert plant.tick()["end_pauses"]["rows"] == 0
    clock.advance(minutes=1)
    assert plant.tick()["end_pauses"]["rows"] == 1
    assert plant.value("select paused_until from drip.leads") is None
    assert plant.enrollment(enrollment)["status"] == "pending"


@pytest.mark.parametrize(
    ("policy", "moves", "rebinds"),
    [
        pytest.param("wait", False, False, marks=pytest.mark.lesson(43, "wait")),
        pytest.param("failover", True, False, marks=pytest.mark.lesson(43, "recorded")),
        pytest.param(
            "rebind",
            True,
            True,
            marks=[pytest.mark.lesson(43, "recorded"), pytest.mark.lesson(43, "rebind")],
        ),
    ],
)
def test_a_device_that_cannot_send_gives_up_what_its_policy_says(
    clock: Clock, plant: Plant, policy: str, moves: bool, rebinds: bool
) -> None:
    down = plant.device(failover_policy=policy, in_pool=False, status="offline")
    spare = plant.device()
    plant.device(in_pool=False)
    lead = plant.lead(device_id=down)
    due = plant.message(down, lead)
    later = plant.message(down, lead, scheduled_at=clock.now + timedelta(hours=1))
    plant.tick()
    assert plant.message_row(due)["device_id"] == (spare if moves else down)
    # who moves takes along what waits for it; else the old device may be back by then
    assert plant.message_row(later)["device_id"] == (spare if rebinds else down)
    assert plant.value("select device_id from drip.leads") == (spare if rebinds else down)
    notes = plant.rows("select * from drip.audit_log where action = 'failover'")
    messages = 1 + rebinds
    assert [note["details"] for note in notes] == (
        [{"to": spare, "messages": messages}] if moves else []
    )


@pytest.mark.lesson(43, "one device all the time")
@pytest.mark.lesson(43, "bound when planned")
def test_a_contact_is_failed_over_to_one_device_all_the_time(clock: Clock, plant: Plant) -> None:
    """However busy that is; and its journey comes home when its own device is back."""
    down = plant.device(failover_policy="failover")
    enrollment = plant.enroll(plant.sequence({}, {}, {}, category="utility"))
    plant.update("user_devices", down, status="offline")
    spares = [plant.device() for _ in range(2)]
    used = []
    for _ in range(2):
        plant.tick()
        [claimed] = plant.claim()
        used.append(claimed["device_id"])
        plant.answer(claimed)
        for _ in range(9):
            plant.message(used[0], plant.lead(device_id=used[0]), scheduled_at="2027-01-01")
        clock.advance(days=1)
        plant.wake()
    assert used[0] in spares
    assert used[1] == used[0]
    plant.update("user_devices", down, status="online")
    plant.tick()
    assert [row["device_id"] for row in plant.claim()] == [down]
    assert plant.enrollment(enrollment)["assigned_device_id"] == down


def test_a_rebound_journey_moves_as_one(clock: Clock, plant: Plant) -> None:
    down = plant.device(failover_policy="rebind")
    enrollment = plant.enroll(plant.sequence({}, {}, {}))
    spares = [plant.device() for _ in range(3)]
    plant.update("user_devices", down, status="needs_attention")
    assert plant.tick()["fail_over"]["rows"] == 3
    [moved_to] = {row["device_id"] for row in plant.journey(enrollment)}
    assert moved_to in spares
    assert plant.enrollment(enrollment)["assigned_device_id"] == moved_to
    assert plant.value("select device_id from drip.leads") == moved_to


def test_a_devices_backlog_fails_over_to_several(clock: Clock, plant: Plant) -> None:
    """One device does not inherit all of it."""
    down = plant.device(failover_policy="failover")
    for _ in range(30):
        plant.message(down, plant.lead(device_id=down))
    spares = [plant.device() for _ in range(3)]
    plant.update("user_devices", down, status="offline")
    plant.tick()
    counts = {
        row["device_id"]: row["n"]
        for row in plant.rows(
            "select device_id, count(*) as n from drip.broadcast_messages group by device_id"
        )
    }
    assert counts == dict.fromkeys(spares, 10)


def test_without_another_device_nothing_moves(clock: Clock, plant: Plant) -> None:
    down = plant.device(failover_policy="failover", status="offline")
    message = plant.message(down)
    assert plant.tick()["fail_over"]["rows"] == 0
    assert plant.message_row(message)["device_id"] == down


def test_a_whole_journey_is_bound_to_one_device(clock: Clock, plant: Plant) -> None:
    enrollment = plant.enroll(plant.sequence({}, {}, {}))
    for _ in range(4):
        plant.device()
    plant.tick()
    devices = {row["device_id"] for row in plant.journey(enrollment)}
    assert len(devices) == 1
    assert plant.enrollment(enrollment)["assigned_device_id"] in devices


@pytest.mark.lesson(1)
def test_an_expired_message_is_kept(clock: Clock, plant: Plant) -> None:
    """Visible, never deleted; also where its device cannot send."""
    device = plant.device(status="offline")
    message = plant.message(device, expires_at=clock.now + timedelta(hours=1))
    clock.advance(hours=1)
    plant.tick()
    row = plant.message_row(message)
    assert (row["status"], row["status_reason"]) == ("expired", "expired")
    assert row["finished_at"] == clock.now


def test_a_paused_leads_messages_expire_all_the_same(clock: Clock, plant: Plant) -> None:
    """The pause of a lead moves no time: news from a week ago are not sent to it afterwards."""
    lead = plant.lead("+60123456789")
    message = plant.message(plant.device(), lead, expires_at=clock.now + timedelta(hours=1))
    plant.row("select * from drip.pause_lead('+60123456789')")
    clock.advance(hours=1)
    plant.tick()
    assert plant.message_row(message)["status"] == "expired"


def test_it_passes_over_rows_that_somebody_holds(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    """An application holds a message, a lead and an enrollment; the tick does not wait."""
    device = plant.device()
    enrollment = plant.enroll(plant.sequence())
    plant.message(device, expires_at=clock.now + timedelta(minutes=1))
    plant.lead(paused_until=clock.now + timedelta(minutes=1))
    holder: Any = connect(autocommit=False)
    for table in ("leads", "sequence_contacts", "broadcast_messages"):
        holder.execute(f"select * from drip.{table} for update".encode())
    clock.advance(minutes=2)
    plant.conn.execute("set statement_timeout = '5s'")
    assert {row["rows"] for row in plant.tick().values()} == {0}
    holder.rollback()
    rows = plant.tick()
    assert (rows["expire_messages"]["rows"], rows["end_pauses"]["rows"]) == (1, 1)
    assert plant.enrollment(enrollment)["status"] == "pending"


def test_workers_and_operators_alone_may(connect: Connect) -> None:
    for role in ("drip_worker", "drip_operator"):
        assert connect(role=role).execute("select * from drip.tick()").fetchall()
    for role in ("drip_app", "drip_reader"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connect(role=role).execute("select * from drip.tick()")


@pytest.mark.parametrize("function", ["tick", "process_inbound"])
def test_no_plan_is_compiled(plant: Plant, function: str) -> None:
    """A server with JIT took a second for a call of milliseconds."""
    config = plant.value(
        "select proconfig from pg_proc where pronamespace = 'drip'::regnamespace and proname = %s",
        function,
    )
    assert "jit=off" in config
