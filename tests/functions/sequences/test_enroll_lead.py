"""enroll_lead() and enroll_leads(): every message of the journey at once, exactly once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factory import Clock, Plant, Row
from psycopg.types.json import Jsonb
from refusals import refusal

ENROLL = "select * from drip.enroll_lead(%s, %s)"
PHONE = "+60123456789"


@pytest.fixture
def warm(clock: Clock, plant: Plant) -> int:
    """A sequence that sends after five minutes, a day and two days."""
    plant.tenant(default_region="MY", time_zone="Asia/Kuala_Lumpur")
    return plant.sequence(
        {"trigger": "warm", "message_type": "image", "media_url": "https://x/y.png"},
        {"valid_for": "3 hours"},
        {},
        name="Warm",
        start_delay="5 minutes",
    )


def test_the_whole_journey_is_planned(clock: Clock, plant: Plant, warm: int) -> None:
    device = plant.device()

    row = plant.row(ENROLL, "Warm", "012-345 6789")

    assert row["outcome"] == "enrolled"
    assert row["first_at"] == clock.now + timedelta(minutes=5)
    assert row["last_at"] == clock.now + timedelta(minutes=5, days=2)
    messages = plant.journey(row["enrollment_id"])
    assert [m["scheduled_at"] - clock.now for m in messages] == [
        timedelta(minutes=5),
        timedelta(days=1, minutes=5),
        timedelta(days=2, minutes=5),
    ]
    for message in messages:
        assert message["planned_at"] == message["scheduled_at"]
        assert message["status"] == "pending"
        assert message["device_id"] == device
        assert message["recipient_phone"] == PHONE
        assert message["category"] == "marketing"
        assert message["priority"] == 2
        assert message["content"] is None
    assert [m["message_type"] for m in messages] == ["image", "text", "text"]
    assert messages[1]["expires_at"] == messages[1]["scheduled_at"] + timedelta(hours=3)
    enrollment = plant.enrollment(row["enrollment_id"])
    assert enrollment["status"] == "pending"
    assert enrollment["current_step"] == 1
    assert enrollment["current_trigger"] == "warm"
    assert enrollment["sequence_stepid"] == messages[0]["sequence_stepid"]
    assert enrollment["next_trigger_time"] == row["first_at"]
    assert enrollment["assigned_device_id"] == device
    assert enrollment["enrolled_at"] == clock.now
    assert enrollment["contact_phone"] == PHONE


def test_a_repeat_returns_the_journey(clock: Clock, plant: Plant, warm: int) -> None:
    first = plant.row(ENROLL, "Warm", PHONE)
    clock.advance(minutes=1)

    again = plant.row(ENROLL, str(warm), "60 12-345 6789")

    assert again["outcome"] == "already_enrolled"
    assert again["reason"] == "pending"
    for column in ("enrollment_id", "lead_id", "first_at", "last_at"):
        assert again[column] == first[column]
    assert plant.value("select count(*) from drip.broadcast_messages") == 3
    assert plant.value("select count(*) from drip.leads") == 1


def test_an_unknown_phone_becomes_a_lead(clock: Clock, plant: Plant, warm: int) -> None:
    row = plant.row(
        "select * from drip.enroll_lead(p_sequence => 'Warm', p_phone => '0123456789',"
        " p_name => 'Aisyah', p_attributes => %s)",
        Jsonb({"city": "Ipoh"}),
    )
    lead = plant.row("select * from drip.leads")
    assert (lead["id"], lead["phone"], lead["name"]) == (row["lead_id"], PHONE, "Aisyah")
    enrollment = plant.enrollment(row["enrollment_id"])
    assert enrollment["contact_name"] == "Aisyah"
    assert enrollment["attributes"] == {"city": "Ipoh"}


def test_a_start_time_may_be_given(clock: Clock, plant: Plant, warm: int) -> None:
    at = clock.now + timedelta(days=7)
    row = plant.row("select * from drip.enroll_lead('Warm', %s, p_at => %s)", PHONE, at)
    assert row["first_at"] == at
    assert row["last_at"] == at + timedelta(days=2)
    code, _, _ = refusal(
        plant.conn, "select * from drip.enroll_lead('Warm', %s, p_at => 'infinity')", PHONE
    )
    assert code == "DR001"


def test_keys_are_journeys_side_by_side(clock: Clock, plant: Plant, warm: int) -> None:
    with_key = "select * from drip.enroll_lead('Warm', %s, p_key => %s)"
    first = plant.row(with_key, PHONE, "order 1")
    second = plant.row(with_key, PHONE, "order 2")
    assert (first["outcome"], second["outcome"]) == ("enrolled", "enrolled")
    assert first["enrollment_id"] != second["enrollment_id"]
    assert plant.row(with_key, PHONE, "order 1")["outcome"] == "already_enrolled"


@pytest.mark.parametrize(
    ("listed", "category", "outcome"),
    [
        ("all", "marketing", "suppressed"),
        ("marketing", "marketing", "suppressed"),
        ("marketing", "utility", "enrolled"),
        ("all", "utility", "suppressed"),
    ],
)
def test_who_opted_out_is_left_out(
    clock: Clock, plant: Plant, listed: str, category: str, outcome: str
) -> None:
    plant.sequence(name="Any", category=category)
    plant.suppress(PHONE, listed)
    row = plant.row(ENROLL, "Any", PHONE)
    assert row["outcome"] == outcome
    if outcome == "suppressed":
        assert row["reason"] == f"opted out of {listed}"
        assert plant.value("select count(*) from drip.sequence_contacts") == 0


def test_a_finished_journey_is_repeated_only_after_its_time(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.sequence(name="Once")
    plant.sequence(name="Monthly", reenroll_after="30 days")
    for name in ("Once", "Monthly"):
        plant.row(ENROLL, name, PHONE)
    for _ in range(2):
        plant.wake()
        for claimed in plant.claim():
            plant.answer(claimed)
    assert plant.value("select count(*) from drip.sequence_contacts where status='completed'") == 2

    clock.advance(days=29)
    assert plant.row(ENROLL, "Monthly", PHONE)["outcome"] == "already_enrolled"
    clock.advance(days=1)
    again = plant.row(ENROLL, "Monthly", PHONE)
    assert again["outcome"] == "enrolled"
    assert plant.row(ENROLL, "Monthly", PHONE)["enrollment_id"] == again["enrollment_id"]
    clock.advance(days=3650)
    once = plant.row(ENROLL, "Once", PHONE)
    assert (once["outcome"], once["reason"]) == ("already_enrolled", "completed")


def test_one_sequence_of_a_group_at_a_time(clock: Clock, plant: Plant) -> None:
    first = plant.sequence(name="Cold", exclusive_group="funnel")
    plant.sequence(name="Warm", exclusive_group="funnel")
    plant.sequence(name="News")
    plant.row(ENROLL, "Cold", PHONE)

    row = plant.row(ENROLL, "Warm", PHONE)

    assert row["outcome"] == "exclusive"
    assert str(first) in row["reason"]
    assert "funnel" in row["reason"]
    assert plant.row(ENROLL, "News", PHONE)["outcome"] == "enrolled"
    plant.row("select * from drip.exit_lead('Cold', %s)", PHONE)
    assert plant.row(ENROLL, "Warm", PHONE)["outcome"] == "enrolled"


def test_only_an_active_sequence_takes_leads(clock: Clock, plant: Plant) -> None:
    plant.sequence(name="Warm", start=False)
    row = plant.row(ENROLL, "Warm", PHONE)
    assert (row["outcome"], row["reason"]) == ("sequence_not_active", "draft")
    assert plant.value("select count(*) from drip.leads") == 0
    assert refusal(plant.conn, ENROLL, "Nobody", PHONE)[0] == "DR012"


def test_the_device_is_the_sequences_else_the_leads_else_the_pools(
    clock: Clock, plant: Plant
) -> None:
    chosen, own = plant.device("chosen", in_pool=False), plant.device("own", in_pool=False)
    pool = [plant.device(f"pool-{n}") for n in range(3)]
    plant.device("off", status="disabled")
    fixed = plant.sequence(name="Fixed", device="chosen")
    free = plant.sequence({}, {}, name="Free")

    lead = plant.lead(device_id=own)
    assert plant.enrollment(plant.enroll(fixed, lead))["assigned_device_id"] == chosen
    assert plant.enrollment(plant.enroll(free, lead))["assigned_device_id"] == own
    used: Row = {}
    for _ in range(30):
        messages = plant.journey(plant.enroll(free))
        assert len({m["device_id"] for m in messages}) == 1
        used[messages[0]["device_id"]] = used.get(messages[0]["device_id"], 0) + 1
    assert sorted(used) == pool
    assert min(used.values()) >= 4


def test_a_lead_keeps_its_device_when_the_pool_grows(clock: Clock, plant: Plant) -> None:
    for n in range(4):
        plant.device(f"pool-{n}")
    query = "select array_agg(drip._pool_device(%s, n) order by n) from generate_series(1, 400) n"
    before = plant.value(query, plant.user)
    new = plant.device("pool-4")
    after = plant.value(query, plant.user)
    moved = [b for a, b in zip(before, after, strict=True) if a != b]
    assert set(moved) == {new}
    assert 40 <= len(moved) <= 120


def test_only_a_leaving_devices_share_moves(clock: Clock, plant: Plant) -> None:
    """A device that is switched off keeps its place, so that the others keep their leads."""
    devices = [plant.device(f"pool-{n}") for n in range(6)]
    query = "select array_agg(drip._pool_device(%s, n) order by n) from generate_series(1, 600) n"
    before = plant.value(query, plant.user)
    plant.update("user_devices", devices[2], status="disabled")
    after = plant.value(query, plant.user)
    assert {a for a, b in zip(before, after, strict=True) if a != b} == {devices[2]}
    assert set(after) == set(devices) - {devices[2]}
    for device in set(after):
        assert 80 <= after.count(device) <= 160
    for device in devices[1:]:
        plant.update("user_devices", device, status="disabled")
    assert set(plant.value(query, plant.user)) == {devices[0]}
    plant.update("user_devices", devices[0], in_pool=False)
    assert set(plant.value(query, plant.user)) == {None}


def test_without_a_device_the_plan_waits_for_one(clock: Clock, plant: Plant, warm: int) -> None:
    row = plant.row(ENROLL, "Warm", PHONE)
    assert row["outcome"] == "enrolled"
    assert {m["device_id"] for m in plant.journey(row["enrollment_id"])} == {None}
    device = plant.device()
    plant.tick()
    assert {m["device_id"] for m in plant.journey(row["enrollment_id"])} == {device}


def test_an_application_waits_for_nobody_to_wake(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    plant.sequence(name="Now")
    plant.sequence(name="Later", start_delay="16 seconds")
    plant.conn.execute("listen drip_wake")
    plant.row(ENROLL, "Later", PHONE)
    assert list(plant.conn.notifies(timeout=0)) == []
    plant.row(ENROLL, "Now", PHONE)
    [notice] = list(plant.conn.notifies(timeout=5, stop_after=1))
    assert plant.woken(notice.payload) == [device]


def test_rolled_back_with_the_application(clock: Clock, plant: Plant, warm: int) -> None:
    with plant.rolled_back():
        assert plant.row(ENROLL, "Warm", PHONE)["outcome"] == "enrolled"
    for table in ("leads", "sequence_contacts", "broadcast_messages"):
        assert plant.value(f"select count(*) from drip.{table}") == 0


def test_attributes_must_be_an_object(clock: Clock, plant: Plant, warm: int) -> None:
    code, _, _ = refusal(
        plant.conn, "select * from drip.enroll_lead('Warm', %s, p_attributes => '[1]')", PHONE
    )
    assert code == "DR001"


@pytest.mark.lesson(32, "enrollments")
def test_a_batch_answers_per_phone(clock: Clock, plant: Plant, warm: int) -> None:
    plant.suppress("+60123456001")
    phones = ["0123456002", "0123456001", "rubbish", None, "+60 12-345 6002", "0123456003"]

    rows = plant.rows("select * from drip.enroll_leads('Warm', %s)", phones)

    assert [row["phone"] for row in rows] == phones
    assert [row["outcome"] for row in rows] == [
        "enrolled",
        "suppressed",
        "invalid_phone",
        "invalid_phone",
        "already_enrolled",
        "enrolled",
    ]
    assert rows[0]["enrollment_id"] == rows[4]["enrollment_id"]
    assert rows[2]["reason"]
    assert rows[2]["lead_id"] is None
    assert plant.value("select count(*) from drip.broadcast_messages") == 6
    again = plant.rows("select * from drip.enroll_leads('Warm', %s)", phones)
    assert [row["outcome"] for row in again] == [
        "already_enrolled",
        "suppressed",
        "invalid_phone",
        "invalid_phone",
        "already_enrolled",
        "already_enrolled",
    ]


def test_an_empty_batch_is_empty(clock: Clock, plant: Plant, warm: int) -> None:
    assert plant.rows("select * from drip.enroll_leads('Warm', '{}')") == []
    assert plant.rows("select * from drip.enroll_leads('Warm', null)") == []


def test_a_big_batch_is_one_plan_each(clock: Clock, plant: Plant, warm: int) -> None:
    phones = [f"+6012{n:07d}" for n in range(3000)]
    rows = plant.rows("select * from drip.enroll_leads('Warm', %s)", phones)
    assert {row["outcome"] for row in rows} == {"enrolled"}
    assert (
        plant.value(
            "select count(*) from (select sequence_contact_id from drip.broadcast_messages"
            " group by 1 having count(*) = 3 and count(distinct sequence_stepid) = 3) q"
        )
        == 3000
    )
