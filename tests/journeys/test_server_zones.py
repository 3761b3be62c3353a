"""One story under servers of three zones: every message leaves at the same instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from factory import Clock, Plant
from psycopg.types.json import Jsonb

KUALA_LUMPUR, NEW_YORK = ZoneInfo("Asia/Kuala_Lumpur"), ZoneInfo("America/New_York")


@pytest.mark.lesson(17, story=True)
@pytest.mark.lesson(22, story=True)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kuala_Lumpur", "America/New_York"])
def test_the_servers_zone_changes_nothing(clock: Clock, plant: Plant, zone: str) -> None:
    """Windows, send times, weekends, local campaigns and a change of the clocks in New York."""
    plant.conn.execute("select set_config('TimeZone', %s, false)", [zone])
    clock.set("2026-03-05 20:00+08")  # a Thursday evening
    plant.tenant(time_zone="Asia/Kuala_Lumpur", send_from="09:00", send_to="18:00")
    plant.device()
    here = plant.lead("+60123456789")
    there = plant.lead("+12025550123", time_zone="America/New_York")
    sequence = plant.sequence(
        {"content": "step 1"},
        {"content": "step 2", "send_time": "10:30"},
        skip_weekends=True,
        start_delay="5 minutes",
    )
    for lead in (here, there):
        plant.enroll(sequence, lead)
    for title, per_lead in (("at once", False), ("each at its own", True)):
        plant.row(
            "select * from drip.create_campaign(%s)",
            Jsonb(
                {
                    "title": title,
                    "message": title,
                    "everyone": True,
                    "scheduled_at": "2026-03-10 14:00",
                    "local_time_per_lead": per_lead,
                }
            ),
        )
        plant.row("select * from drip.schedule_campaign(%s)", title)

    handed = plant.live(clock, "2026-03-12 00:00Z")

    def local(where: ZoneInfo, *parts: int) -> datetime:
        return datetime(2026, 3, *parts, tzinfo=where).astimezone(UTC)  # type: ignore[misc]

    told = sorted((phone, text, at.astimezone(UTC)) for at, phone, text in handed)
    assert told == sorted(
        [
            # Thursday 20:05 is after hours: Friday nine; then a day later is a Saturday, so the
            # next half past ten after that lies on Saturday and waits for Monday's window
            ("+60123456789", "step 1", local(KUALA_LUMPUR, 6, 9, 0)),
            ("+60123456789", "step 2", local(KUALA_LUMPUR, 9, 9, 0)),
            ("+60123456789", "at once", local(KUALA_LUMPUR, 10, 14, 0)),
            ("+60123456789", "each at its own", local(KUALA_LUMPUR, 10, 14, 0)),
            # 07:05 in New York: nine there; then Friday half past ten
            ("+12025550123", "step 1", local(NEW_YORK, 5, 9, 0)),
            ("+12025550123", "step 2", local(NEW_YORK, 6, 10, 30)),
            # 14:00 in Kuala Lumpur is two at night in New York, by summer time
            ("+12025550123", "at once", local(NEW_YORK, 10, 9, 0)),
            ("+12025550123", "each at its own", local(NEW_YORK, 10, 14, 0)),
        ]
    )


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kuala_Lumpur", "America/New_York"])
def test_days_have_24_hours_under_every_zone(clock: Clock, plant: Plant, zone: str) -> None:
    """Intervals in days, and a pause of days, over New York's change of the clocks on 8 March."""
    plant.conn.execute("select set_config('TimeZone', %s, false)", [zone])
    start = clock.set("2026-03-07 12:00Z").astimezone(UTC)
    sequence = plant.sequence(
        {"valid_for": "3 days"}, start_delay="2 days", reenroll_after="2 days", category="marketing"
    )
    enrollment = plant.enroll(sequence, plant.lead("+60123456789"))
    sent = plant.row(
        "select * from drip.send_message('+60123456780', 'Hi', p_valid_for => '2 days')"
    )
    definition = {"title": "C", "message": "Hi", "everyone": True, "valid_for": "2 days"}
    plant.conn.execute("select drip.create_campaign(%s)", [Jsonb(definition)])
    plant.conn.execute("select drip.schedule_campaign('C')")
    plant.conn.execute("select drip.expand_campaigns()")

    step = plant.journey(enrollment)[0]
    assert step["scheduled_at"] == start + timedelta(days=2)
    assert step["expires_at"] == start + timedelta(days=5)
    assert plant.message_row(sent["message_id"])["expires_at"] == start + timedelta(days=2)
    campaign = (
        "select distinct expires_at from drip.broadcast_messages where campaign_id is not null"
    )
    assert plant.value(campaign) == start + timedelta(days=2)

    for table in ("sequence", "campaign"):
        plant.conn.execute(f"select drip.pause_{table}('1')".encode())
    clock.set(start + timedelta(days=3, hours=1))
    for table in ("sequence", "campaign"):
        plant.conn.execute(f"select drip.resume_{table}('1')".encode())
    step = plant.journey(enrollment)[0]
    assert step["scheduled_at"] == start + timedelta(days=5, hours=1)
    assert step["expires_at"] == start + timedelta(days=8, hours=1)
    assert plant.value(campaign) == start + timedelta(days=5, hours=1)


def test_a_program_reads_alike_in_every_session(clock: Clock, plant: Plant) -> None:
    definition = {"title": "C", "message": "Hi", "everyone": True, "valid_for": "1 day 2 hours"}
    plant.conn.execute("select drip.create_campaign(%s)", [Jsonb(definition)])
    plant.sequence({"valid_for": "1 day 2 hours"}, name="S")
    read = "select drip.get_campaign('C') as campaign, drip.get_sequence('S') as sequence"
    before = plant.row(read)
    plant.conn.execute("set time zone 'America/New_York'")
    plant.conn.execute("set intervalstyle = 'sql_standard'")
    assert plant.row(read) == before
    assert before["campaign"]["created_at"].endswith("+00:00")
