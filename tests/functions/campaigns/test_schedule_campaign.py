"""schedule_campaign(): the time, and what it says beforehand."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from factory import Clock, Plant
from psycopg.types.json import Jsonb
from refusals import refusal

SCHEDULE = "select * from drip.schedule_campaign(%s, p_at => %s, p_local => %s)"


@pytest.fixture
def raya(clock: Clock, plant: Plant) -> None:
    """A draft to everyone in a tenant in Kuala Lumpur."""
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    plant.conn.execute(
        "select drip.create_campaign(%s)",
        [Jsonb({"title": "Raya", "message": "m", "everyone": True})],
    )


def test_without_a_time_it_is_now(clock: Clock, plant: Plant, raya: None) -> None:
    plant.device()
    plant.lead()
    plant.conn.execute("listen drip_campaign")
    row = plant.row(SCHEDULE, "Raya", None, None)
    assert row["status"] == "pending"
    assert row["scheduled_at"] == clock.now
    assert row["scheduled_local"] == datetime(2026, 3, 2, 9)
    assert row["warnings"] == []
    assert len(list(plant.conn.notifies(timeout=5, stop_after=1))) == 1


def test_a_draft_with_a_time_keeps_it(clock: Clock, plant: Plant, raya: None) -> None:
    plant.conn.execute(
        "select drip.update_campaign('Raya', '{\"scheduled_at\": \"2026-04-01 10:00\"}')"
    )
    row = plant.row(SCHEDULE, "Raya", None, None)
    assert row["scheduled_local"] == datetime(2026, 4, 1, 10)


def test_an_instant_or_a_wall_clock(clock: Clock, plant: Plant, raya: None) -> None:
    at = clock.now + timedelta(days=1)
    assert plant.row(SCHEDULE, "Raya", at, None)["scheduled_at"] == at
    row = plant.row(SCHEDULE, "Raya", None, datetime(2026, 3, 5, 8, 30))
    assert row["scheduled_at"] == datetime.fromisoformat("2026-03-05T00:30:00+00:00")
    assert row["scheduled_local"] == datetime(2026, 3, 5, 8, 30)
    code, _, _ = refusal(plant.conn, SCHEDULE, "Raya", at, datetime(2026, 3, 5))
    assert code == "DR001"
    assert refusal(plant.conn, SCHEDULE, "Raya", "infinity", None)[0] == "DR001"


def test_a_past_time_runs_at_once_and_says_so(clock: Clock, plant: Plant, raya: None) -> None:
    plant.device()
    plant.lead()
    row = plant.row(SCHEDULE, "Raya", clock.now - timedelta(hours=1), None)
    assert row["scheduled_at"] == clock.now
    [warning] = row["warnings"]
    assert "has passed" in warning


def test_audience_exclusions_and_end(clock: Clock, plant: Plant, raya: None) -> None:
    own = plant.device("own", min_delay_seconds=10, max_delay_seconds=30, in_pool=False)
    for _ in range(2):
        plant.device(min_delay_seconds=0, max_delay_seconds=4)
    for _ in range(3):
        plant.lead(device_id=own)
    for _ in range(8):
        plant.lead()
    plant.lead("+60123456789")
    plant.suppress("+60123456789", "marketing")

    row = plant.row(SCHEDULE, "Raya", None, None)

    assert (row["audience"], row["excluded_suppressed"]) == (12, 1)
    handed = plant.live(clock, clock.now + timedelta(minutes=5))
    assert len(handed) == 11
    assert row["estimated_end"] == max(at for at, _, _ in handed)


@pytest.mark.parametrize(
    ("device", "told"),
    [(None, "no device to send it"), ({"status": "offline"}, "is online"), ({}, None)],
)
def test_devices_that_cannot_send_are_a_warning(
    clock: Clock, plant: Plant, raya: None, device: dict[str, str] | None, told: str | None
) -> None:
    plant.lead()
    if device is not None:
        plant.device(**device)
    warnings = plant.row(SCHEDULE, "Raya", None, None)["warnings"]
    assert bool(told) == bool(warnings)
    if told:
        assert told in warnings[0] or "no device" in warnings[0]


def test_an_empty_audience_is_a_warning(clock: Clock, plant: Plant, raya: None) -> None:
    plant.device()
    assert "empty" in plant.row(SCHEDULE, "Raya", None, None)["warnings"][0]


def test_limit_and_validity_are_warned_of(clock: Clock, plant: Plant, raya: None) -> None:
    plant.device(min_delay_seconds=10, max_delay_seconds=10)
    for _ in range(9):
        plant.lead()
    plant.conn.execute(
        'select drip.update_campaign(\'Raya\', \'{"per_device_limit": 5, "valid_for": "30 s"}\')'
    )
    row = plant.row(SCHEDULE, "Raya", None, None)
    assert ["per_device_limit" in w for w in row["warnings"]] == [True, False]
    assert "valid_for" in row["warnings"][1]
    assert row["estimated_end"] == clock.now + timedelta(seconds=20)


def test_what_has_begun_is_not_rescheduled(clock: Clock, plant: Plant) -> None:
    plant.campaign(title="Raya")
    assert refusal(plant.conn, SCHEDULE, "Raya", None, None)[0] == "DR005"
