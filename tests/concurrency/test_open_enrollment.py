"""An application holds an enrollment open in its own transaction; nobody else waits for it."""

from __future__ import annotations

from typing import Any

import pytest
from factory import Clock, Connect, Connection, Plant

PHONE = "+60123456789"
ENROLL = "select * from drip.enroll_lead(%s, %s)"


@pytest.fixture
def impatient(clock: Clock, connect: Connect) -> Connection:
    """A session for which waiting is an error."""
    session = clock.join(connect())
    session.execute("set statement_timeout = '10s'")
    session.execute("set lock_timeout = '1s'")
    return session


@pytest.fixture
def held(clock: Clock, plant: Plant, connect: Connect) -> Connection:
    """The application: it has enrolled the phone and not yet committed."""
    plant.device(burst=20)
    plant.sequence({}, {}, name="WARM")
    session = clock.join(connect(autocommit=False))
    row = session.execute(ENROLL, ["WARM", PHONE]).fetchone()
    assert row is not None
    assert row["outcome"] == "enrolled"
    return session


def counts(session: Connection) -> list[Any]:
    """Rows of every table that an enrollment writes."""
    row = session.execute(
        "select (select count(*) from drip.leads) as leads,"
        " (select count(*) from drip.sequence_contacts) as enrollments,"
        " (select count(*) from drip.broadcast_messages) as messages,"
        " (select count(*) from drip.message_attempts) as attempts"
    ).fetchone()
    assert row is not None
    return list(row.values())


def test_a_second_enrollment_into_the_same_sequence_and_device_returns(
    held: Connection, impatient: Connection
) -> None:
    row = impatient.execute(ENROLL, ["WARM", "+60123456780"]).fetchone()
    assert row is not None
    assert row["outcome"] == "enrolled"
    rows = impatient.execute(
        "select * from drip.enroll_leads('WARM', array['+60123456781', '+60123456782'])"
    ).fetchall()
    assert [row["outcome"] for row in rows] == ["enrolled", "enrolled"]


def test_the_device_goes_on_sending(plant: Plant, held: Connection, impatient: Connection) -> None:
    impatient.execute(ENROLL, ["WARM", "+60123456780"])
    impatient.execute("select drip.wake_devices('{}')")
    [claimed] = plant.claim(session=impatient)
    result = impatient.execute(
        "select * from drip.record_results('w', jsonb_build_array(jsonb_build_object("
        "'message_id', %s::bigint, 'attempt', 1, 'outcome', 'accepted')))",
        [claimed["message_id"]],
    ).fetchone()
    assert result is not None
    assert (result["status"], result["applied"]) == ("sent", True)


def test_no_sweep_waits(
    clock: Clock, plant: Plant, held: Connection, impatient: Connection
) -> None:
    plant.lead("+60123456785", trigger="warm")
    clock.advance(minutes=1)
    rows = impatient.execute("select * from drip.tick()").fetchall()
    assert [row for row in rows if row["error"]] == []
    for sweep in ("enroll_matching_leads", "expand_campaigns", "expire_leases"):
        impatient.execute(f"select * from drip.{sweep}()".encode())
    impatient.execute("select drip.next_wakeup()")


def test_operators_do_not_wait(plant: Plant, held: Connection, impatient: Connection) -> None:
    """Pausing the sequence holds what others enroll; the open one is judged when it commits."""
    impatient.execute("select * from drip.pause_sequence('WARM')")
    held.commit()
    plant.wake()
    assert plant.claim() == []
    assert {row["reason"] for row in plant.rows("select * from drip.message_outlook")} == {
        "sequence_paused"
    }


def test_views_and_explanations_do_not_wait(held: Connection, impatient: Connection) -> None:
    for view in ("sequence_progress_monitor", "sequence_overview", "message_outlook"):
        assert len(impatient.execute(f"select * from drip.{view}".encode()).fetchall()) <= 1


def test_a_rollback_leaves_nothing(plant: Plant, held: Connection) -> None:
    before = counts(plant.conn)
    assert before == [0, 0, 0, 0]
    held.rollback()
    assert counts(plant.conn) == before
    plant.wake()
    assert plant.claim() == []


def test_a_commit_shows_it_whole(plant: Plant, held: Connection) -> None:
    held.commit()
    assert counts(plant.conn) == [1, 1, 2, 0]
    plant.wake()
    assert [row["recipient_phone"] for row in plant.claim()] == [PHONE]


@pytest.mark.lesson(29, story=True)
def test_an_error_afterwards_takes_the_enrollment_along(
    clock: Clock, plant: Plant, held: Connection
) -> None:
    """Half an enrollment cannot be: it is one transaction with the application's own work."""
    with pytest.raises(Exception, match="division by zero"):
        held.execute("select 1 / 0")
    held.rollback()
    assert counts(plant.conn) == [0, 0, 0, 0]


def test_a_result_for_a_held_lead_waits_for_nobody_and_is_caught_up(
    clock: Clock, plant: Plant, connect: Connect, impatient: Connection
) -> None:
    """The journey's end owes the lead a trigger; while an application holds the lead, the message
    is recorded, the views already tell the end, and the next tick hands the trigger over."""
    plant.device()
    lead = plant.lead(PHONE)
    enrollment = plant.enroll(plant.sequence({"next_trigger": "hot"}, name="WARM"), lead)
    [claimed] = plant.claim()
    application = clock.join(connect(autocommit=False))
    application.execute("select * from drip.leads where phone = %s for update", [PHONE])

    row = impatient.execute(
        "select * from drip.record_results('w', jsonb_build_array(jsonb_build_object("
        "'message_id', %s::bigint, 'attempt', 1, 'outcome', 'accepted')))",
        [claimed["message_id"]],
    ).fetchone()
    assert row is not None
    assert row["status"] == "sent"
    assert plant.enrollment(enrollment)["status"] == "pending"
    shown = plant.row("select * from drip.sequence_progress_monitor")
    assert (shown["step_status"], shown["message_status"]) == ("completed", "sent")
    assert plant.value("select completed from drip.sequence_overview") == 1
    assert impatient.execute("select * from drip.tick()").fetchall()
    assert plant.enrollment(enrollment)["status"] == "pending"

    application.rollback()
    plant.tick()
    assert plant.enrollment(enrollment)["status"] == "completed"
    assert plant.value("select trigger from drip.leads where id = %s", lead) == "hot"
    assert plant.value("select count(*) from drip.sync_backlog") == 0


def test_a_result_for_a_held_enrollment_is_caught_up(
    clock: Clock, plant: Plant, connect: Connect, impatient: Connection
) -> None:
    plant.device()
    enrollment = plant.enroll(plant.sequence({}, {}))
    [claimed] = plant.claim()
    application = clock.join(connect(autocommit=False))
    application.execute("select * from drip.sequence_contacts for update")
    impatient.execute(
        "select * from drip.record_results('w', jsonb_build_array(jsonb_build_object("
        "'message_id', %s::bigint, 'attempt', 1, 'outcome', 'permanent')))",
        [claimed["message_id"]],
    )
    assert plant.value("select distinct step_status from drip.sequence_progress_monitor") == (
        "failed"
    )
    application.rollback()
    plant.tick()
    assert plant.enrollment(enrollment)["status"] == "failed"


def test_a_late_result_passes_over_a_later_step_that_somebody_holds(
    clock: Clock, plant: Plant, connect: Connect, impatient: Connection
) -> None:
    """The held step is not shifted; the verdict keeps its distance from the real send anyway."""
    plant.device()
    enrollment = plant.enroll(plant.sequence({}, {}), plant.lead(PHONE))
    second = plant.journey(enrollment)[1]
    clock.advance(hours=3)
    plant.wake()
    [claimed] = plant.claim()
    application = clock.join(connect(autocommit=False))
    application.execute("select * from drip.opt_out(%s)", [PHONE])

    row = impatient.execute(
        "select * from drip.record_results('w', jsonb_build_array(jsonb_build_object("
        "'message_id', %s::bigint, 'attempt', 1, 'outcome', 'accepted')))",
        [claimed["message_id"]],
    ).fetchone()

    assert row is not None
    assert row["status"] == "sent"
    application.rollback()
    plant.tick()
    assert plant.message_row(second["id"])["scheduled_at"] == second["scheduled_at"]
    clock.advance(hours=23)
    plant.wake()
    assert plant.claim() == []
    assert plant.explain(second["id"])["reason"] == "not_due"
    clock.advance(hours=1)
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [second["id"]]
