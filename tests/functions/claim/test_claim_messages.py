"""claim_messages(): the only way out of the queue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from factory import Clock, Connection, Plant
from psycopg.types.json import Jsonb


def ids(claimed: list[dict[str, Any]]) -> list[int]:
    return [row["message_id"] for row in claimed]


@pytest.mark.parametrize(
    ("worker", "limit"), [(None, 1), ("  ", 1), ("w", None), ("w", 0), ("w", -1), ("w", 10_001)]
)
def test_refuses_a_worker_without_name_or_slots(
    conn: Connection, worker: str | None, limit: int | None
) -> None:
    with pytest.raises(psycopg.Error) as caught:
        conn.execute("select * from drip.claim_messages(%s, %s)", [worker, limit])
    assert caught.value.sqlstate == "DR001"
    assert caught.value.diag.message_hint


def test_an_empty_queue_gives_nothing(plant: Plant) -> None:
    assert plant.claim() == []
    plant.device()
    assert plant.claim() == []


def test_says_all_that_a_sender_needs(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    plant.update("user_devices", device, secret_name="gate")
    lead = plant.lead("+60123456789", name="Aminah")
    message = plant.message(device, lead)

    [claimed] = plant.claim(worker="w-1")

    assert claimed == {
        "message_id": message,
        "attempt": 1,
        "user_id": plant.user,
        "device_id": device,
        "platform": "gowa",
        "endpoint": "http://127.0.0.1:9",
        "instance": "one",
        "secret_name": "gate",
        "recipient_phone": "+60123456789",
        "message_type": "text",
        "content": "Hello Aminah",
        "media_url": None,
        "caption": None,
        "template": None,
        "lease_expires_at": clock.now + timedelta(seconds=90),
    }


def test_the_claim_is_written_down(clock: Clock, plant: Plant) -> None:
    device = plant.device(min_delay_seconds=7, max_delay_seconds=7)
    message = plant.message(device)

    plant.claim(worker="w-1")

    row = plant.message_row(message)
    assert row["status"] == "processing"
    assert (row["worker_id"], row["attempts"]) == ("w-1", 1)
    assert row["content"] == "Hello "
    attempt = plant.row("select * from drip.message_attempts")
    assert attempt["message_id"] == message
    assert (attempt["attempt"], attempt["device_id"]) == (1, device)
    assert attempt["claimed_at"] == clock.now
    assert attempt["delay_seconds"] == 7
    assert attempt["outcome"] is None


def test_a_message_is_claimed_once(clock: Clock, plant: Plant) -> None:
    device = plant.device(burst=10)
    plant.message(device)
    assert len(plant.claim()) == 1
    plant.wake()
    assert plant.claim(worker="another") == []


@pytest.mark.lesson(1)
def test_there_is_no_lower_bound(clock: Clock, plant: Plant) -> None:
    """A message that has been due for months goes."""
    message = plant.message(plant.device(), scheduled_at=clock.now - timedelta(days=200))
    assert ids(plant.claim()) == [message]


def test_what_is_not_due_stays(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    message = plant.message(device, scheduled_at=clock.now + timedelta(minutes=1))
    assert plant.claim() == []
    clock.advance(seconds=59)
    plant.wake()
    assert plant.claim() == []
    clock.advance(seconds=1)
    plant.wake()
    assert ids(plant.claim()) == [message]


def test_an_idle_device_is_parked_until_its_head_is_due(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    plant.message(device, scheduled_at=clock.now + timedelta(seconds=4))
    plant.claim()
    assert plant.value(
        "select next_look_at from drip.device_pacing where device_id = %s", device
    ) == clock.now + timedelta(seconds=4)


def test_an_idle_device_is_parked_for_fifteen_seconds_at_most(clock: Clock, plant: Plant) -> None:
    """A lost notification costs no more."""
    device = plant.device()
    plant.message(device, scheduled_at=clock.now + timedelta(days=1))
    plant.device()
    plant.claim()
    looks = plant.rows("select next_look_at as at from drip.device_pacing")
    assert {row["at"] for row in looks} == {clock.now + timedelta(seconds=15)}


def test_takes_no_more_than_the_free_slots(clock: Clock, plant: Plant) -> None:
    for _ in range(5):
        plant.message(plant.device())
    assert len(plant.claim(limit=3)) == 3
    assert len(plant.claim(limit=3)) == 2


def test_a_free_slot_goes_to_the_first_class(clock: Clock, plant: Plant) -> None:
    """Also where the campaign's message is the older row."""
    device = plant.device(burst=5)
    plant.message(device, campaign_id=plant.campaign(), priority=3)
    single = plant.message(device)
    assert ids(plant.claim(limit=1)) == [single]


def test_inside_a_class_the_longest_due_goes_first(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    late = plant.message(device, scheduled_at=clock.now - timedelta(minutes=1))
    later = plant.message(device, scheduled_at=clock.now - timedelta(minutes=2))
    [first] = plant.claim()
    plant.answer(first)
    [second] = plant.claim()
    assert [first["message_id"], second["message_id"]] == [later, late]


@pytest.mark.lesson(15, story=True)
def test_a_waiting_head_parks_nobody(clock: Clock, plant: Plant) -> None:
    """The head that may not go is put off with a reason, and the next one goes at once."""
    device = plant.device(min_delay_seconds=10, max_delay_seconds=30)
    until = clock.now + timedelta(hours=3)
    head = plant.message(device, plant.lead(paused_until=until))
    behind = plant.message(device)

    assert ids(plant.claim()) == [behind]

    row = plant.message_row(head)
    assert (row["status"], row["deferred_reason"]) == ("pending", "lead_paused")
    assert row["not_before"] == until


@pytest.mark.lesson(15, story=True)
def test_many_waiting_heads_cost_few_looks(clock: Clock, plant: Plant) -> None:
    """Eight of them are put off in one claim, and the device is not parked meanwhile."""
    device = plant.device()
    for _ in range(30):
        plant.message(device, plant.lead(paused_until=clock.now + timedelta(days=1)))
    behind = plant.message(device, scheduled_at=clock.now)
    claims = 1
    while not (claimed := plant.claim()):
        claims += 1
        assert claims <= 4
    assert ids(claimed) == [behind]


@pytest.mark.parametrize("priority", [2, 3])
def test_a_class_full_of_waiting_heads_hides_no_other(
    clock: Clock, plant: Plant, priority: int
) -> None:
    device = plant.device()
    for _ in range(30):
        plant.message(device, plant.lead(paused_until=clock.now + timedelta(days=1)))
    behind = plant.message(device, priority=priority)
    assert ids(plant.claim()) == [behind]


def test_who_waits_for_a_person_is_looked_at_each_minute(clock: Clock, plant: Plant) -> None:
    message = plant.message(plant.device(), plant.lead(paused_until="infinity"))
    assert plant.claim() == []
    assert plant.message_row(message)["not_before"] == clock.now + timedelta(minutes=1)


@pytest.mark.lesson(7)
def test_who_waits_for_a_moment_waits_no_longer(clock: Clock, plant: Plant) -> None:
    """A quarter of a second before its time it is put off until then, not by seconds more."""
    plant.tenant(contact_gap=timedelta(hours=1))
    device, lead = plant.device(), plant.lead()
    for _ in range(2):
        plant.message(device, lead, category="marketing")
    [first] = plant.claim()
    plant.answer(first)
    clock.advance(minutes=59, seconds=59.75)
    plant.wake()
    assert plant.claim() == []
    clock.advance(seconds=0.25)
    assert len(plant.claim()) == 1


def test_a_device_that_cannot_send_leaves_its_messages_alone(clock: Clock, plant: Plant) -> None:
    """An offline moment marks nothing; the messages go when it is back."""
    device = plant.device(status="offline")
    messages = [plant.message(device) for _ in range(3)]
    before = [plant.message_row(message) for message in messages]
    assert plant.claim() == []
    assert [plant.message_row(message) for message in messages] == before

    plant.row("select * from drip.set_device_status(%s, 'online')", str(device))
    plant.wake()
    assert ids(plant.claim()) == messages[:1]


def test_no_more_than_the_burst_is_in_flight(clock: Clock, plant: Plant) -> None:
    device = plant.device(burst=3)
    for _ in range(5):
        plant.message(device)
    first = plant.claim()
    assert len(first) == 3
    plant.wake()
    assert plant.claim() == []
    plant.answer(first[0])
    assert len(plant.claim()) == 1


def test_behind_a_waiting_head_the_burst_holds_as_well(clock: Clock, plant: Plant) -> None:
    device = plant.device(burst=2)
    plant.message(device, plant.lead(paused_until=clock.now + timedelta(days=1)))
    plant.message(device, plant.lead(paused_until=clock.now + timedelta(days=1)))
    for _ in range(5):
        plant.message(device)
    assert len(plant.claim()) == 2


def test_a_device_without_pacing_in_flight_with_the_default_burst_waits(
    clock: Clock, plant: Plant
) -> None:
    device = plant.device()
    plant.message(device, plant.lead(paused_until=clock.now + timedelta(days=1)))
    for _ in range(3):
        plant.message(device)
    assert len(plant.claim()) == 1


def test_one_message_a_contact_in_one_claim(clock: Clock, plant: Plant) -> None:
    """Whatever the device."""
    lead = plant.lead()
    first = plant.message(plant.device(), lead)
    plant.message(plant.device(), lead)
    assert ids(plant.claim()) == [first]


def test_one_message_a_contact_also_behind_waiting_heads(clock: Clock, plant: Plant) -> None:
    lead = plant.lead()
    plain, blocked = plant.device(), plant.device()
    first = plant.message(plain, lead)
    plant.message(blocked, plant.lead(paused_until=clock.now + timedelta(days=1)))
    plant.message(blocked, lead)
    assert ids(plant.claim()) == [first]


def test_dropped_messages_say_why(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    lead = plant.lead("+60111111111")
    suppressed = plant.message(device, lead)
    plant.suppress("+60111111111")
    late = plant.message(device, expires_at=clock.now)

    assert plant.claim() == []

    gone = plant.message_row(suppressed)
    assert (gone["status"], gone["status_reason"]) == ("cancelled", "suppressed")
    assert gone["finished_at"] == clock.now
    gone = plant.message_row(late)
    assert (gone["status"], gone["status_reason"]) == ("expired", "expired")


@pytest.mark.lesson(39, story=True)
@pytest.mark.parametrize("kind", ["image", "video", "document"])
def test_media_carry_their_caption(clock: Clock, plant: Plant, kind: str) -> None:
    device = plant.device(burst=5)
    source = {"media_url": "https://example.com/a.bin", "content": "For {name}"}
    lead = plant.lead(name="Siti")
    plant.message(device, lead, message_type=kind, source=Jsonb(source))
    other = plant.lead(name="Raj")
    plant.message(
        device, other, message_type=kind, source=Jsonb(source | {"caption": "Only {name}"})
    )
    claimed = plant.claim()
    assert [row["caption"] for row in claimed] == ["For Siti", "Only Raj"]
    assert {row["media_url"] for row in claimed} == {"https://example.com/a.bin"}
    assert {row["content"] for row in claimed} == {None}


def test_audio_has_no_text(clock: Clock, plant: Plant) -> None:
    source = {"media_url": "https://example.com/a.ogg", "content": "never shown"}
    plant.message(plant.device(), message_type="audio", source=Jsonb(source))
    [claimed] = plant.claim()
    assert (claimed["content"], claimed["caption"]) == (None, None)
    assert claimed["media_url"] == "https://example.com/a.ogg"


@pytest.mark.lesson(33, "text at the claim")
def test_a_step_is_rendered_as_it_is_now(clock: Clock, plant: Plant) -> None:
    """An edited text reaches every message that has not been claimed."""
    plant.device()
    sequence = plant.sequence({"content": "Old"})
    plant.enroll(sequence)
    plant.conn.execute("update drip.sequence_steps set content = 'New'")
    [claimed] = plant.claim()
    assert claimed["content"] == "New"


def test_a_greeting_stands_first_by_the_leads_hour_and_language(clock: Clock, plant: Plant) -> None:
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    plant.device(burst=5)
    sequence = plant.sequence({"content": "Offer"}, greeting=True)
    plant.enroll(sequence, plant.lead(name="Ali", language="ms"))
    plant.enroll(sequence, plant.lead(name="Bob", time_zone="America/New_York"))
    plant.enroll(sequence, plant.lead())
    assert sorted(row["content"] for row in plant.claim()) == [
        "Good evening Bob,\n\nOffer",
        "Good morning,\n\nOffer",
        "Selamat pagi Ali,\n\nOffer",
    ]


def test_the_inner_form_serves_one_tenant_alone(clock: Clock, plant: Plant) -> None:
    mine = plant.message(plant.device())
    other = plant.other_tenant()
    theirs = plant.message(plant.device(user=other), user=other)
    assert ids(plant.rows("select * from drip._claim_messages('w', 10, %s)", other)) == [theirs]
    assert ids(plant.claim()) == [mine]


def test_a_claim_of_a_planned_step_moves_the_journey_on(clock: Clock, plant: Plant) -> None:
    """A step that is dropped in the claim brings its enrollment up to date."""
    plant.device()
    enrollment = plant.enroll(plant.sequence({"valid_for": "1 hour"}))
    clock.advance(hours=2)
    plant.wake()
    assert plant.claim() == []
    row = plant.enrollment(enrollment)
    assert (row["status"], row["completed_at"]) == ("completed", clock.now)


def test_workers_alone_may_claim(conn: Connection, connect: Any, plant: Plant) -> None:
    for role in ("drip_app", "drip_reader"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connect(role=role).execute("select * from drip.claim_messages('w', 1)")
    assert plant.claim(session=connect(role="drip_worker")) == []
