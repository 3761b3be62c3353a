"""preview_timeline(): when each step would leave, by the functions that do it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from factory import Clock, Plant
from refusals import refusal

DAY = timedelta(days=1)
PREVIEW = "select * from drip.preview_timeline(%s, %s, %s)"


def preview(plant: Plant, at: Any = None, zone: str | None = None) -> list[dict[str, Any]]:
    return plant.rows(PREVIEW, "Warm", at, zone)


def local_times(rows: list[dict[str, Any]]) -> list[str]:
    return [f"{row['leaves_local']:%a %H:%M}" if row["leaves_local"] else "-" for row in rows]


@pytest.mark.parametrize("zone", ["Asia/Kuala_Lumpur", "America/New_York", "Asia/Kathmandu"])
@pytest.mark.parametrize("start", [True, False], ids=["active", "draft"])
def test_it_is_what_then_happens(clock: Clock, plant: Plant, zone: str, start: bool) -> None:
    """Windows, days, a time of day, a validity; over the change of the clocks in New York."""
    clock.set("2026-03-05 23:10Z")
    plant.tenant(time_zone="Asia/Kuala_Lumpur", send_from="09:00", send_to="18:00")
    plant.device()
    sequence = plant.sequence(
        {"name": "hello"},
        {"trigger_delay_hours": 0.5, "valid_for": "30 minutes"},
        {"send_time": "17:45", "trigger_delay_hours": 48},
        {"trigger_delay_hours": 20},
        name="Warm",
        start_delay="7 minutes",
        skip_weekends=True,
        start=start,
    )
    rows = preview(plant, None, zone)
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    assert (rows[0]["step_name"], rows[0]["time_zone"]) == ("hello", zone)
    assert plant.value("select count(*) from drip.sequences") == 1
    assert plant.value("select count(*) from drip.leads") == 0

    if not start:
        plant.row("select * from drip.start_sequence('Warm')")
    enrollment = plant.enroll(sequence, plant.lead(time_zone=zone))
    planned = [row["planned_at"] for row in plant.journey(enrollment)]
    plant.live(clock, clock.now + 20 * DAY)
    journey = plant.journey(enrollment)
    assert [row["leaves_at"] for row in rows] == [row["sent_at"] for row in journey]
    assert [row["outcome"] for row in rows] == [row["status"] for row in journey]
    assert [row["planned_at"] for row in rows] == planned


def test_a_beginning_that_is_named(clock: Clock, plant: Plant) -> None:
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    plant.sequence({}, {"trigger_delay_hours": 1}, name="Warm", send_from="09:00", send_to="12:00")
    rows = preview(plant, "2026-06-05 11:30+08")
    assert local_times(rows) == ["Fri 11:30", "Sat 09:00"]
    assert local_times(preview(plant, "2026-06-05 11:30+08", "Asia/Tokyo")) == [
        "Sat 09:00",
        "Sat 10:00",
    ]


def test_others_and_their_queues_stay_out_of_it(clock: Clock, plant: Plant) -> None:
    device = plant.device(min_delay_seconds=600, max_delay_seconds=600)
    sequence = plant.sequence({}, name="Warm", device=str(device))
    for _ in range(5):
        plant.enroll(sequence)
    before = plant.rows("select * from drip.broadcast_messages order by id")
    [row] = preview(plant)
    assert row["leaves_at"] == clock.now
    assert plant.rows("select * from drip.broadcast_messages order by id") == before


@pytest.mark.parametrize("own", [True, False], ids=["its device", "the pool's"])
def test_the_pace_and_the_hours_of_the_device(clock: Clock, plant: Plant, own: bool) -> None:
    clock.set("2026-06-05 09:00Z")
    settings = {"active_from": "10:00", "active_to": "18:00"}
    device = plant.device(min_delay_seconds=600, max_delay_seconds=600, **settings)
    sequence = plant.sequence(
        {},
        {"trigger_delay_hours": 0},
        {"trigger_delay_hours": 0, "min_delay_seconds": 900, "max_delay_seconds": 900},
        {"trigger_delay_hours": 0},
        name="Warm",
        **({"device": str(device)} if own else {}),
    )
    told = preview(plant)
    assert local_times(told) == ["Fri 10:00", "Fri 10:10", "Fri 10:20", "Fri 10:35"]
    enrollment = plant.enroll(sequence)
    plant.live(clock, clock.now + DAY)
    journey = plant.journey(enrollment)
    assert [row["leaves_at"] for row in told] == [row["sent_at"] for row in journey]


def test_a_paused_sequence_and_one_without_steps(clock: Clock, plant: Plant) -> None:
    plant.sequence({}, name="Warm")
    plant.row("select * from drip.pause_sequence('Warm')")
    assert [row["outcome"] for row in preview(plant)] == ["sent"]
    plant.conn.execute('select drip.create_sequence(\'{"name": "Empty"}\')')
    assert refusal(plant.conn, PREVIEW, "Empty", None, None)[0] == "DR007"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("Warm", None, "Mars/Base"), "DR001"),
        (("Warm", "infinity", None), "DR001"),
        (("Nobody", None, None), "DR012"),
    ],
)
def test_rubbish(clock: Clock, plant: Plant, arguments: tuple[Any, ...], code: str) -> None:
    plant.sequence({}, name="Warm")
    assert refusal(plant.conn, PREVIEW, *arguments)[0] == code


@pytest.mark.parametrize("at", ["9999-01-01Z", "infinity", "2050-01-01Z"])
def test_a_time_nobody_plans_for_is_refused(clock: Clock, plant: Plant, at: str) -> None:
    plant.device()
    plant.sequence(name="Warm")
    code, _, _ = refusal(plant.conn, PREVIEW, "Warm", at, None)
    assert code == ("DR001" if at == "infinity" else "DR021")


def test_a_device_with_nothing_to_send_is_not_looked_at_each_day(
    clock: Clock, plant: Plant
) -> None:
    """Else a journey of a day would be played for 400 days, a claim and all sweeps for each."""
    plant.device(daily_cap=1)
    event = "select drip._next_event(%s, %s)"
    assert plant.value(event, plant.user, clock.now) is None
    plant.message(plant.device(daily_cap=1))
    assert plant.value(event, plant.user, clock.now) is not None


def test_it_tells_nothing_on_the_way(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.sequence({}, *({"trigger_delay_hours": 24} for _ in range(20)), name="Warm")
    notices: list[str] = []
    plant.conn.add_notice_handler(lambda notice: notices.append(str(notice.message_primary)))
    # as if the last word had been long ago
    plant.conn.execute("select set_config('drip.told_at', '2000-01-01Z', false)")
    assert len(preview(plant)) == 21
    assert notices == []
