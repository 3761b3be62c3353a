"""A late send shifts what follows and keeps the spacing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factory import Clock, Plant

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def outage(clock: Clock, plant: Plant, device: int, length: timedelta) -> None:
    """The device is offline from now, for so long."""
    plant.row("select * from drip.set_device_status(%s, 'offline')", str(device))
    plant.live(clock, clock.now + length)
    plant.row("select * from drip.set_device_status(%s, 'online')", str(device))


@pytest.mark.lesson(19, story=True)
def test_after_an_outage_the_steps_keep_their_distance(clock: Clock, plant: Plant) -> None:
    """Three days down, three steps overdue: they do not leave within a second."""
    plant.device()
    start = clock.now
    plant.enroll(plant.sequence(*({"content": str(step)} for step in range(1, 5))))
    clock.set(start + 3 * DAY + HOUR)
    handed = plant.live(clock, start + 10 * DAY)
    back = start + 3 * DAY + HOUR
    assert [(text, at) for at, _, text in handed] == [
        ("1", back),
        ("2", back + 1 * DAY),
        ("3", back + 2 * DAY),
        ("4", back + 3 * DAY),
    ]


@pytest.mark.lesson(19, "the rest shifts")
@pytest.mark.lesson(19, "distance")
def test_all_later_steps_move_and_the_plan_is_remembered(clock: Clock, plant: Plant) -> None:
    plant.device()
    enrollment = plant.enroll(plant.sequence({}, {}, {"valid_for": "2 hours"}))
    planned = [row["planned_at"] for row in plant.journey(enrollment)]
    expires = plant.journey(enrollment)[2]["expires_at"]
    clock.set(clock.now + 5 * HOUR)
    plant.live(clock, clock.now + timedelta(minutes=1))
    rows = plant.journey(enrollment)
    assert [row["scheduled_at"] for row in rows[1:]] == [at + 5 * HOUR for at in planned[1:]]
    assert [row["planned_at"] for row in rows] == planned
    assert rows[2]["expires_at"] == expires + 5 * HOUR


def daily_at_nine(clock: Clock, plant: Plant, *times: str | None) -> int:
    """A sequence of daily steps with these times of day, from this Monday at nine."""
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    return plant.sequence(
        *(
            {"content": str(step), **({"send_time": time} if time else {})}
            for step, time in enumerate(times, 1)
        )
    )


def test_a_step_with_a_time_of_day_keeps_it(clock: Clock, plant: Plant) -> None:
    """Sent at noon instead of nine: the next day's ten o'clock is still the next day's."""
    device = plant.device()
    start = clock.now
    plant.enroll(daily_at_nine(clock, plant, None, "10:00"))
    outage(clock, plant, device, 3 * HOUR)
    handed = plant.live(clock, start + 5 * DAY)
    assert [at for at, _, _ in handed] == [start + 3 * HOUR, start + DAY + HOUR]


def test_a_later_step_keeps_its_time_of_day_as_well(clock: Clock, plant: Plant) -> None:
    """What follows is shifted step by step, not by one length for all."""
    device = plant.device()
    start = clock.now
    enrollment = plant.enroll(daily_at_nine(clock, plant, None, None, "10:00", None))
    assert [row["scheduled_at"] for row in plant.journey(enrollment)] == [
        start,
        start + DAY,
        start + 2 * DAY + HOUR,
        start + 3 * DAY + HOUR,
    ]
    outage(clock, plant, device, 3 * HOUR)
    handed = plant.live(clock, start + 9 * DAY)
    assert [at for at, _, _ in handed] == [
        start + 3 * HOUR,
        start + DAY + 3 * HOUR,
        start + 3 * DAY + HOUR,
        start + 4 * DAY + HOUR,
    ]


def test_a_full_queue_costs_nobody_a_day(clock: Clock, plant: Plant) -> None:
    """Forty contacts at nine each day on one device: the last leaves at twenty past, every day."""
    device = plant.device(min_delay_seconds=30, max_delay_seconds=30)
    sequence = daily_at_nine(clock, plant, "09:00", "09:00", "09:00")
    plant.update("sequences", sequence, device_id=device)
    phones = [f"+6012345{number:04d}" for number in range(40)]
    plant.conn.execute("select * from drip.enroll_leads(%s, %s)", [str(sequence), phones])
    start = clock.now
    handed = plant.live(clock, start + 4 * DAY)
    assert len(handed) == 120
    for at, _, text in handed:
        of_the_day = at - start - (int(text) - 1) * DAY
        assert timedelta(0) <= of_the_day <= timedelta(minutes=25), (at, text)


@pytest.mark.parametrize("over", [-timedelta(minutes=10), 3 * HOUR], ids=["before", "after"])
def test_after_days_without_a_sender_no_two_steps_come_closer(
    clock: Clock, plant: Plant, over: timedelta
) -> None:
    """Back at ten to nine or at noon: the next nine o'clock would be too soon after the first."""
    device = plant.device()
    start = clock.now
    plant.enroll(daily_at_nine(clock, plant, "09:00", "09:00", "09:00"))
    outage(clock, plant, device, 3 * DAY + over)
    handed = plant.live(clock, start + 9 * DAY)
    next_nine = start + (4 if over < timedelta(0) else 5) * DAY
    assert [(text, at) for at, _, text in handed] == [
        ("1", start + 3 * DAY + over),
        ("2", next_nine),
        ("3", next_nine + DAY),
    ]


@pytest.mark.parametrize(
    ("late", "next_at"),
    [(timedelta(minutes=30), "2026-03-02 12:00+08"), (2 * HOUR, "2026-03-03 12:00+08")],
)
def test_more_than_half_the_wait_late_is_late(
    clock: Clock, plant: Plant, late: timedelta, next_at: str
) -> None:
    """A wait of two hours that ends at noon: an hour late keeps noon, more waits for the next."""
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    device = plant.device()
    start = clock.now
    plant.enroll(plant.sequence({}, {"trigger_delay_hours": 2, "send_time": "12:00"}))
    outage(clock, plant, device, late)
    handed = plant.live(clock, start + 3 * DAY)
    assert [at for at, _, _ in handed] == [start + late, clock.read(next_at)]


def test_a_change_of_the_clocks_costs_no_day(clock: Clock, plant: Plant) -> None:
    """New York loses an hour on 8 March: the step of that day is due after 23 hours."""
    clock.set("2026-03-06 09:00-05")
    plant.tenant(time_zone="America/New_York")
    plant.device()
    plant.enroll(
        plant.sequence(*({"content": str(step), "send_time": "09:00"} for step in range(1, 5)))
    )
    handed = plant.live(clock, "2026-03-12 00:00Z")
    assert [at for at, _, _ in handed] == [
        clock.read("2026-03-06 09:00-05"),
        clock.read("2026-03-07 09:00-05"),
        clock.read("2026-03-08 09:00-04"),
        clock.read("2026-03-09 09:00-04"),
    ]


def test_lateness_over_midnight_costs_no_day(clock: Clock, plant: Plant) -> None:
    """Ten to midnight and sent ten minutes after it; the next one is due the same evening."""
    device = plant.device()
    start = clock.now
    plant.enroll(daily_at_nine(clock, plant, "23:50", "23:50"))
    plant.row("select * from drip.set_device_status(%s, 'offline')", str(device))
    plant.live(clock, "2026-03-03 00:10+08")
    plant.row("select * from drip.set_device_status(%s, 'online')", str(device))
    handed = plant.live(clock, start + 4 * DAY)
    assert [at for at, _, _ in handed] == [
        clock.read("2026-03-03 00:10+08"),
        clock.read("2026-03-03 23:50+08"),
    ]


def test_a_failed_step_counts_as_its_time(clock: Clock, plant: Plant) -> None:
    plant.device()
    start = clock.now
    plant.enroll(plant.sequence({"content": "1"}, {"content": "2"}))
    handed = plant.live(
        clock, start + 3 * DAY, lambda row: "permanent" if row["content"] == "1" else "accepted"
    )
    assert [at for at, _, _ in handed] == [start, start + DAY]


def test_retries_push_what_follows(clock: Clock, plant: Plant) -> None:
    """The distance runs from the send that succeeded."""
    plant.tenant(breaker_sample=1000)
    plant.device()
    start = clock.now
    plant.enroll(plant.sequence({"content": "1"}, {"content": "2"}))
    tries = iter(["retry", "retry", "retry"])
    handed = plant.live(clock, start + 3 * DAY, lambda row: next(tries, "accepted"))
    least = timedelta(seconds=30 + 120 + 480)
    first, second = [at for at, _, _ in handed][3:]
    assert least <= first - start <= least * 1.2
    assert second == first + DAY


@pytest.mark.lesson(19, story=True)
def test_a_few_seconds_of_pacing_move_no_row(clock: Clock, plant: Plant) -> None:
    """Yet the next step still keeps its whole distance from the real send."""
    device = plant.device(min_delay_seconds=20, max_delay_seconds=20)
    plant.message(device)
    enrollment = plant.enroll(plant.sequence({}, {"trigger_delay_hours": 1}, device_id=device))
    start = clock.now
    handed = plant.live(clock, start + 2 * HOUR)
    step_times = [at for at, _, text in handed if text == "Step"]
    assert step_times == [start + timedelta(seconds=20), start + timedelta(seconds=20) + HOUR]
    assert plant.journey(enrollment)[1]["scheduled_at"] == start + HOUR


def test_an_expired_step_holds_nobody_up(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    start = clock.now
    enrollment = plant.enroll(
        plant.sequence({"content": "1", "valid_for": "1 hour"}, {"content": "2"})
    )
    outage(clock, plant, device, 2 * HOUR)
    handed = plant.live(clock, start + 2 * DAY)
    assert [(at, text) for at, _, text in handed] == [(start + DAY, "2")]
    assert [row["status"] for row in plant.journey(enrollment)] == ["expired", "sent"]
    assert plant.enrollment(enrollment)["status"] == "completed"


def test_an_expired_step_brings_its_neighbours_no_closer(clock: Clock, plant: Plant) -> None:
    """The plan had two days between the first and the third."""
    device = plant.device()
    start = clock.now
    plant.enroll(
        plant.sequence({"content": "1"}, {"content": "2", "valid_for": "1 hour"}, {"content": "3"})
    )
    outage(clock, plant, device, 2 * DAY)
    handed = plant.live(clock, start + 6 * DAY)
    assert [(at, text) for at, _, text in handed] == [
        (start + 2 * DAY, "1"),
        (start + 4 * DAY, "3"),
    ]
