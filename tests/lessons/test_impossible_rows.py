"""What must never be stored cannot be: each row is refused by a constraint or a trigger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from factory import Clock, Plant
from psycopg.types.json import Jsonb

Attempt = Callable[[Plant, Clock], Any]


def change(plant: Plant, **columns: Any) -> None:
    """Change a planted message in an otherwise allowed way."""
    plant.update("broadcast_messages", plant.message(plant.device()), **columns)


def message_of_a_stranger(plant: Plant, clock: Clock) -> None:
    other = plant.other_tenant()
    plant.message(plant.device(user=other), plant.lead(), user=plant.user)


def message_to_a_stranger(plant: Plant, clock: Clock) -> None:
    other = plant.other_tenant()
    plant.message(plant.device(), plant.lead(user=other), user=plant.user)


def campaign_of_a_stranger(plant: Plant, clock: Clock) -> None:
    other = plant.other_tenant()
    plant.message(plant.device(), campaign_id=plant.campaign(user=other), priority=3)


def enrollment_of_a_stranger(plant: Plant, clock: Clock) -> None:
    sequence = plant.sequence()
    lead = plant.lead(user=plant.other_tenant())
    plant.insert(
        "sequence_contacts",
        user_id=plant.user,
        sequence_id=sequence,
        lead_id=lead,
        contact_phone="+60123456789",
        enrolled_at=clock.now,
    )


def lead_with_a_strangers_device(plant: Plant, clock: Clock) -> None:
    plant.lead(device_id=plant.device(user=plant.other_tenant()))


def sequence_on_a_strangers_device(plant: Plant, clock: Clock) -> None:
    plant.update("sequences", plant.sequence(), device_id=plant.device(user=plant.other_tenant()))


def step_twice(plant: Plant, clock: Clock) -> None:
    enrollment = plant.enroll(plant.sequence())
    plant.conn.execute(
        "insert into drip.broadcast_messages (user_id, lead_id, sequence_id, sequence_stepid,"
        " sequence_contact_id, recipient_phone, category, message_type, priority, scheduled_at,"
        " planned_at, created_at)"
        " select user_id, lead_id, sequence_id, sequence_stepid, sequence_contact_id,"
        " recipient_phone, category, message_type, priority, scheduled_at, planned_at, created_at"
        " from drip.broadcast_messages where sequence_contact_id = %s",
        [enrollment],
    )


def recipient_twice(plant: Plant, clock: Clock) -> None:
    device, lead, campaign = plant.device(), plant.lead(), plant.campaign()
    for _ in range(2):
        plant.message(device, lead, campaign_id=campaign, priority=3)


def key_twice(plant: Plant, clock: Clock) -> None:
    device = plant.device()
    for _ in range(2):
        plant.message(device, idempotency_key="order-1")


def phone_twice(plant: Plant, clock: Clock) -> None:
    for _ in range(2):
        plant.lead("+60123456789")


def journey_twice(plant: Plant, clock: Clock) -> None:
    enrollment = plant.enroll(plant.sequence())
    plant.conn.execute(
        "insert into drip.sequence_contacts (user_id, sequence_id, lead_id, contact_phone,"
        " enrolled_at) select user_id, sequence_id, lead_id, contact_phone, enrolled_at"
        " from drip.sequence_contacts where id = %s",
        [enrollment],
    )


def finished_with_a_next_time(plant: Plant, clock: Clock) -> None:
    plant.update(
        "sequence_contacts",
        plant.enroll(plant.sequence()),
        status="completed",
        completed_at=clock.now,
        next_trigger_time=clock.now + timedelta(days=1),
    )


def exited_without_a_reason(plant: Plant, clock: Clock) -> None:
    plant.update(
        "sequence_contacts",
        plant.enroll(plant.sequence()),
        status="exited",
        completed_at=clock.now,
        next_trigger_time=None,
    )


def step_message_without_step(plant: Plant, clock: Clock) -> None:
    message = plant.journey(plant.enroll(plant.sequence()))[0]["id"]
    plant.update("broadcast_messages", message, sequence_stepid=None)


REFUSED: dict[str, tuple[str, Attempt]] = {
    "an error on a sent message": (
        "broadcast_messages_sent_has_no_error",
        lambda plant, clock: change(
            plant, status="sent", sent_at=clock.now, finished_at=clock.now, error_message="odd"
        ),
    ),
    "sent without a time": (
        "broadcast_messages_sent_has_no_error",
        lambda plant, clock: change(plant, status="sent", finished_at=clock.now),
    ),
    "processing without a lease": (
        "broadcast_messages_lease_exactly",
        lambda plant, clock: change(plant, status="processing", worker_id="w"),
    ),
    "processing without a worker": (
        "broadcast_messages_lease_exactly",
        lambda plant, clock: change(plant, status="processing", lease_expires_at=clock.now),
    ),
    "a lease on a waiting message": (
        "broadcast_messages_lease_exactly",
        lambda plant, clock: change(plant, lease_expires_at=clock.now),
    ),
    "failed without a reason": (
        "broadcast_messages_failed_says_why",
        lambda plant, clock: change(plant, status="failed", finished_at=clock.now),
    ),
    "finished without a time": (
        "broadcast_messages_finished_exactly",
        lambda plant, clock: change(plant, status="failed", status_reason="refused"),
    ),
    "a state that nobody knows": (
        "broadcast_messages_status_known",
        lambda plant, clock: change(plant, status="queued", finished_at=clock.now),
    ),
    "a message of two sources": (
        "broadcast_messages_one_source",
        lambda plant, clock: change(plant, campaign_id=plant.campaign()),
    ),
    "a step's message without its step": (
        "broadcast_messages_one_source",
        step_message_without_step,
    ),
    "a step of a journey twice": ("broadcast_messages_step_unique", step_twice),
    "a recipient of a campaign twice": ("broadcast_messages_campaign_unique", recipient_twice),
    "a key of an application twice": ("broadcast_messages_idempotency_unique", key_twice),
    "a phone twice": ("leads_phone_unique", phone_twice),
    "a live journey twice": ("sequence_contacts_live_unique", journey_twice),
    "completed with a time to come": (
        "sequence_contacts_finished_has_no_next",
        finished_with_a_next_time,
    ),
    "exited without a reason": ("sequence_contacts_exit_reason", exited_without_a_reason),
    "a phone that is not E.164": (
        "leads_phone_e164",
        lambda plant, clock: plant.lead("0123456789"),
    ),
    "an enrollment of another tenant's lead": (
        "sequence_contacts_lead_tenant",
        enrollment_of_a_stranger,
    ),
    "a lead with another tenant's device": ("leads_device_tenant", lead_with_a_strangers_device),
    "a sequence on another tenant's device": (
        "sequences_device_tenant",
        sequence_on_a_strangers_device,
    ),
    "an image without a URL": (
        "campaigns_media_url",
        lambda plant, clock: plant.campaign(message_type="image"),
    ),
    "a text with a URL of media": (
        "campaigns_text_content",
        lambda plant, clock: plant.campaign(media_url="https://example.com/a.png"),
    ),
    "a campaign that names nobody": (
        "campaigns_names_somebody",
        lambda plant, clock: plant.campaign(everyone=False),
    ),
    "a longest delay below the shortest": (
        "campaigns_delay_order",
        lambda plant, clock: plant.campaign(min_delay_seconds=9, max_delay_seconds=8),
    ),
}


@pytest.mark.lesson(2)
@pytest.mark.lesson(9)
@pytest.mark.lesson(46)
@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_by_its_rule(clock: Clock, plant: Plant, name: str) -> None:
    rule, attempt = REFUSED[name]
    with pytest.raises(psycopg.errors.IntegrityError) as caught:
        attempt(plant, clock)
    assert caught.value.diag.constraint_name == rule


@pytest.mark.lesson(26)
@pytest.mark.parametrize(
    "attempt", [message_of_a_stranger, message_to_a_stranger, campaign_of_a_stranger]
)
def test_no_message_crosses_tenants(clock: Clock, plant: Plant, attempt: Attempt) -> None:
    with pytest.raises(psycopg.Error) as caught:
        attempt(plant, clock)
    assert caught.value.sqlstate == "DR016"


@pytest.mark.lesson(24)
def test_an_empty_trigger_matches_nobody(clock: Clock, plant: Plant) -> None:
    """Neither can a lead store one, nor an active sequence without one enroll."""
    for odd in ("", "  ", " , ,", ","):
        lead = plant.lead(trigger=odd)
        assert plant.value("select trigger from drip.leads where id = %s", lead) is None
    with pytest.raises(psycopg.Error) as caught:
        plant.sequence(auto_enroll="trigger", trigger="")
    assert caught.value.sqlstate == "DR006"


@pytest.mark.lesson(39)
def test_a_received_media_message_keeps_its_kind(clock: Clock, plant: Plant) -> None:
    """A video goes out as a video with its file, or not at all."""
    source = {"media_url": "https://example.com/a.mp4", "caption": "See"}
    plant.message(plant.device(), message_type="video", source=Jsonb(source))
    [claimed] = plant.claim()
    assert (claimed["message_type"], claimed["media_url"]) == ("video", source["media_url"])
