"""_timeline(): when the steps of a journey are due, in the lead's zone."""

from __future__ import annotations

from datetime import datetime

import pytest
from factory import Clock, Plant, Row

KL = "Asia/Kuala_Lumpur"


def timeline(plant: Plant, sequence: int, start: str, zone: str) -> list[str]:
    """The planned local times of the steps."""
    return [
        row["local"]
        for row in plant.rows(
            "select to_char(t.at at time zone %s, 'YYYY-MM-DD HH24:MI') as local"
            " from drip._timeline(%s, %s::timestamptz, %s) t order by t.day_number",
            zone,
            sequence,
            start,
            zone,
        )
    ]


def test_delays_add_up_fractions_too(clock: Clock, plant: Plant) -> None:
    sequence = plant.sequence(
        {"trigger_delay_hours": 5},
        {"trigger_delay_hours": 0.25},
        {"trigger_delay_hours": 48},
    )
    # The first step's own delay counts only in a chain.
    assert timeline(plant, sequence, "2026-03-02 09:00+08", KL) == [
        "2026-03-02 09:00",
        "2026-03-02 09:15",
        "2026-03-04 09:15",
    ]


def test_a_send_time_moves_its_step_and_what_follows(clock: Clock, plant: Plant) -> None:
    sequence = plant.sequence({"send_time": "10:00"}, {}, {"send_time": "09:00"})
    assert timeline(plant, sequence, "2026-03-02 10:00+08", KL)[0] == "2026-03-02 10:00"
    assert timeline(plant, sequence, "2026-03-02 10:01+08", KL) == [
        "2026-03-03 10:00",
        "2026-03-04 10:00",
        "2026-03-06 09:00",
    ]


@pytest.mark.parametrize(
    ("send_time", "start", "expected"),
    [
        # The clocks of New York skip 02:00 to 03:00 on 2026-03-08: 02:30 moves forward.
        ("02:30", "2026-03-07 12:00-05", "2026-03-08 03:30"),
        # 01:30 exists twice on 2026-11-01 and is taken once: the second.
        ("01:30", "2026-10-31 12:00-04", "2026-11-01 01:30"),
    ],
)
def test_changes_of_the_clocks(
    clock: Clock, plant: Plant, send_time: str, start: str, expected: str
) -> None:
    sequence = plant.sequence({"send_time": send_time}, {"trigger_delay_hours": 0})
    assert timeline(plant, sequence, start, "America/New_York") == [expected, expected]


@pytest.mark.parametrize(("send_time", "waits"), [("02:30", 24), ("02:00", 24), ("02:59", 23)])
def test_after_a_gap_no_day_is_left_out(
    clock: Clock, plant: Plant, send_time: str, waits: int
) -> None:
    """A step that a change of the clocks moved counts as of its own time of day."""
    steps = [{"send_time": send_time, "trigger_delay_hours": waits} for _ in range(4)]
    planned = timeline(plant, plant.sequence(*steps), "2026-03-07 00:30-05", "America/New_York")
    moved = send_time.replace("02", "03")
    assert planned == [
        f"2026-03-07 {send_time}",
        f"2026-03-08 {moved}",
        f"2026-03-09 {send_time}",
        f"2026-03-10 {send_time}",
    ]


def test_a_journey_through_a_gap_leaves_every_day(clock: Clock, plant: Plant) -> None:
    """Each step leaves when it was planned: no send shifts the next."""
    plant.device()
    lead = plant.lead(time_zone="America/New_York")
    steps = [{"send_time": "02:30", "trigger_delay_hours": 24} for _ in range(4)]
    sequence = plant.sequence(*steps)
    clock.set("2026-03-07 00:30-05")
    enrollment = plant.enroll(sequence, lead)
    planned = [message["scheduled_at"] for message in plant.journey(enrollment)]
    assert [at.strftime("%d %H:%M") for at in planned] == [
        "07 07:30",
        "08 07:30",
        "09 06:30",
        "10 06:30",
    ]
    left = plant.live(clock, "2026-03-12 00:00-05")
    assert [at for at, _, _ in left] == planned


def test_a_time_that_exists_twice_is_the_second(clock: Clock, plant: Plant) -> None:
    sequence = plant.sequence({"send_time": "01:30"})
    at = plant.value(
        "select t.at from drip._timeline(%s, '2026-10-31 12:00-04', 'America/New_York') t", sequence
    )
    assert at == datetime.fromisoformat("2026-11-01T06:30:00+00:00")


@pytest.mark.parametrize("zone", ["UTC", KL, "America/New_York"])
def test_the_servers_zone_does_not_matter(clock: Clock, plant: Plant, zone: str) -> None:
    sequence = plant.sequence({"send_time": "09:00"}, {})
    plant.conn.execute("select set_config('timezone', %s, false)", [zone])
    assert timeline(plant, sequence, "2026-03-02 12:00+08", KL)[0] == "2026-03-03 09:00"


def test_the_leads_zone_counts(clock: Clock, plant: Plant) -> None:
    plant.tenant(time_zone=KL)
    sequence = plant.sequence({"send_time": "10:00"}, name="Warm")
    expected: Row = {"Europe/Berlin": "2026-03-02 09:00", None: "2026-03-02 02:00"}
    for zone, at in expected.items():
        enrollment = plant.enroll(sequence, plant.lead(time_zone=zone))
        [message] = plant.journey(enrollment)
        assert message["scheduled_at"].strftime("%Y-%m-%d %H:%M") == at
