"""What happened to operators of other systems, and has no room of its own here."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factory import Clock, Plant
from psycopg.types.json import Jsonb


@pytest.mark.lesson(21, story=True)
def test_a_window_set_after_planning_holds(clock: Clock, plant: Plant) -> None:
    """It is judged when the message would leave, not when it was planned."""
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    plant.device()
    plant.enroll(plant.sequence(start_delay="1 hour"))
    plant.tenant(send_from="14:00", send_to="15:00")
    handed = plant.live(clock, clock.now + timedelta(days=1))
    assert [at for at, _, _ in handed] == [clock.read("2026-03-02 14:00+08")]


@pytest.mark.lesson(16, story=True)
def test_no_message_needs_a_job(clock: Clock, plant: Plant) -> None:
    """Due times live in our rows; a queue of jobs that is stuck or full holds nothing up."""
    plant.device(burst=10)
    plant.lead("+60123456789")
    plant.enroll(plant.sequence())
    plant.message(plant.value("select id from drip.user_devices"))
    plant.row(
        "select * from drip.create_campaign(%s)",
        Jsonb({"title": "Raya", "message": "Hi", "everyone": True}),
    )
    plant.row("select * from drip.schedule_campaign('Raya')")
    assert len(plant.live(clock, clock.now + timedelta(minutes=1))) == 5
    assert plant.value("select count(*) from procrastinate.procrastinate_jobs") == 0


@pytest.mark.lesson(11)
def test_accepted_is_not_delivered(clock: Clock, plant: Plant) -> None:
    """A gateway that took the message may hold it; only a receipt says that it arrived."""
    plant.device()
    plant.enroll(plant.sequence())
    plant.answer(plant.claim()[0])
    row = plant.row("select * from drip.sequence_funnel")
    assert (row["messages_sent"], row["delivered"], row["read"]) == (1, 0, 0)
    [message] = plant.rows("select * from drip.message_log")
    assert message["sent_at"] is not None
    assert message["delivered_at"] is None


@pytest.mark.lesson(42, "ids join")
def test_names_are_for_people(clock: Clock, plant: Plant) -> None:
    """Everything may be renamed in the middle of a journey."""
    device = plant.device("desk")
    sequence = plant.sequence({}, {"trigger_delay_hours": 1}, name="WARM")
    enrollment = plant.enroll(sequence, plant.lead("+60123456789", name="Ali"))
    plant.answer(plant.claim()[0])
    plant.update("sequences", sequence, name="HOT")
    plant.update("user_devices", device, name="phone")
    plant.conn.execute("update drip.leads set name = 'Aminah'")
    clock.advance(hours=1)
    plant.wake()
    plant.answer(plant.claim()[0])
    assert [row["recipient_name"] for row in plant.journey(enrollment)] == ["Ali", "Aminah"]
    assert {
        (row["sequence_name"], row["device_name"])
        for row in plant.rows("select * from drip.sequence_progress_monitor")
    } == {("HOT", "phone")}


@pytest.mark.lesson(7)
def test_a_moment_offline_marks_nothing(clock: Clock, plant: Plant) -> None:
    """Nor does a logged-out device: a person logs it in, and the rest goes, in order."""
    device = plant.device(burst=1)
    messages = [plant.message(device) for _ in range(5)]
    answers = iter(["accepted", "permanent"])

    def answer(row: dict[str, object]) -> str:
        outcome = next(answers, "accepted")
        if outcome == "permanent":
            # what GOWA says when the phone has logged the device out
            plant.answer(row, "permanent", scope="device", error_code="AUTHENTICATION_ERROR")
        return outcome

    plant.live(clock, clock.now + timedelta(minutes=1), answer)
    assert [plant.message_row(message)["status"] for message in messages] == [
        "sent",
        *["pending"] * 4,
    ]
    row = plant.row("select * from drip.device_overview")
    assert (row["status"], row["status_reason"]) == (
        "needs_attention",
        "logged out or disconnected",
    )
    plant.row("select * from drip.set_device_status(%s, 'online')", str(device))
    plant.live(clock, clock.now + timedelta(minutes=5))
    assert {plant.message_row(message)["status"] for message in messages} == {"sent"}


@pytest.mark.lesson(43, "bound when planned")
@pytest.mark.lesson(43, "wait")
def test_a_contact_stays_on_its_device(clock: Clock, plant: Plant) -> None:
    """A growing pool moves nobody; with a policy of wait an outage moves nobody either."""
    first = plant.device()
    enrollment = plant.enroll(plant.sequence({}, {}, {}))
    for _ in range(5):
        plant.device()
    plant.live(clock, clock.now + timedelta(hours=1))
    plant.row("select * from drip.set_device_status(%s, 'offline')", str(first))
    plant.live(clock, clock.now + timedelta(days=2))
    plant.row("select * from drip.set_device_status(%s, 'online')", str(first))
    plant.live(clock, clock.now + timedelta(days=4))
    rows = plant.journey(enrollment)
    assert {row["device_id"] for row in rows} == {first}
    assert {row["status"] for row in rows} == {"sent"}
