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


def enrollment_in_a_strangers_sequence(plant: Plant, clock: Clock) -> None:
    other = plant.other_tenant()
    with plant.acting_for(other):
        sequence = plant.sequence()
    plant.insert(
        "sequence_contacts",
        user_id=plant.user,
        sequence_id=sequence,
        lead_id=plant.lead(),
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


def two_of_a_group(plant: Plant, clock: Clock) -> None:
    enrollment = plant.enroll(plant.sequence(exclusive_group="funnel"))
    plant.conn.execute(
        "insert into drip.sequence_contacts (user_id, sequence_id, lead_id, contact_phone,"
        " exclusive_group, enrolled_at) select user_id, %s, lead_id, contact_phone,"
        " exclusive_group, enrolled_at from drip.sequence_contacts where id = %s",
        [plant.sequence(exclusive_group="funnel"), enrollment],
    )


def finished_with_a_next_time(plant: Plant, clock: Clock) -> None:
    plant.update(
        "sequence_contacts",
        plant.enroll(plant.sequence()),
        status="completed",
        completed_at=clock.now,
        next_trigger_time=clock.now + timedelta(days=1),
    )


def ended_and_alive(plant: Plant, clock: Clock) -> None:
    plant.update(
        "sequence_contacts",
        plant.enroll(plant.sequence()),
        completed_at=clock.now,
        next_trigger_time=None,
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


def step(plant: Plant, **columns: Any) -> None:
    """Write a step past the verbs."""
    plant.insert(
        "sequence_steps",
        user_id=plant.user,
        sequence_id=plant.sequence(),
        day_number=9,
        created_at=plant.now(),
        updated_at=plant.now(),
        **columns,
    )


# What the check of texts refuses first, with a hint.
CHECKED_BEFORE = {
    "campaigns_media_url",
    "campaigns_text_content",
    "sequence_steps_media_url",
    "sequence_steps_text_content",
}


@pytest.mark.parametrize(
    ("rule", "attempt"),
    [
        pytest.param(
            "broadcast_messages_sent_has_no_error",
            lambda plant, clock: change(
                plant, status="sent", sent_at=clock.now, finished_at=clock.now, error_message="odd"
            ),
            id="an error on a sent message",
            marks=pytest.mark.lesson(9),
        ),
        pytest.param(
            "broadcast_messages_sent_has_no_error",
            lambda plant, clock: change(plant, status="sent", finished_at=clock.now),
            id="sent without a time",
        ),
        pytest.param(
            "broadcast_messages_lease_exactly",
            lambda plant, clock: change(plant, status="processing", worker_id="w"),
            id="processing without a lease",
        ),
        pytest.param(
            "broadcast_messages_lease_exactly",
            lambda plant, clock: change(plant, status="processing", lease_expires_at=clock.now),
            id="processing without a worker",
        ),
        pytest.param(
            "broadcast_messages_lease_exactly",
            lambda plant, clock: change(plant, lease_expires_at=clock.now),
            id="a lease on a waiting message",
        ),
        pytest.param(
            "broadcast_messages_failed_says_why",
            lambda plant, clock: change(plant, status="failed", finished_at=clock.now),
            id="failed without a reason",
        ),
        pytest.param(
            "broadcast_messages_finished_exactly",
            lambda plant, clock: change(plant, status="failed", status_reason="refused"),
            id="finished without a time",
        ),
        pytest.param(
            "broadcast_messages_status_known",
            lambda plant, clock: change(plant, status="queued", finished_at=clock.now),
            id="a state that nobody knows",
        ),
        pytest.param(
            "broadcast_messages_one_source",
            lambda plant, clock: change(plant, campaign_id=plant.campaign()),
            id="a message of two sources",
            marks=pytest.mark.lesson(46, "its step"),
        ),
        pytest.param(
            "broadcast_messages_one_source",
            step_message_without_step,
            id="a step's message without its step",
            marks=pytest.mark.lesson(46, "its step"),
        ),
        pytest.param(
            "broadcast_messages_step_unique",
            step_twice,
            id="a step of a journey twice",
            marks=pytest.mark.lesson(2),
        ),
        pytest.param(
            "broadcast_messages_campaign_unique",
            recipient_twice,
            id="a recipient of a campaign twice",
            marks=[pytest.mark.lesson(2), pytest.mark.lesson(40, "one row each")],
        ),
        pytest.param(
            "broadcast_messages_idempotency_unique",
            key_twice,
            id="a key of an application twice",
            marks=pytest.mark.lesson(2),
        ),
        pytest.param(
            "leads_phone_unique",
            phone_twice,
            id="a phone twice",
            marks=pytest.mark.lesson(31, "one lead a phone"),
        ),
        pytest.param(
            "sequence_contacts_live_unique",
            journey_twice,
            id="a live journey twice",
            marks=pytest.mark.lesson(2),
        ),
        pytest.param(
            "sequence_contacts_exclusive_unique",
            two_of_a_group,
            id="two live journeys of a group",
            marks=pytest.mark.lesson(28, "one of a group"),
        ),
        pytest.param(
            "sequence_contacts_finished_has_no_next",
            finished_with_a_next_time,
            id="completed with a time to come",
            marks=pytest.mark.lesson(46, "no time to come"),
        ),
        pytest.param(
            "sequence_contacts_completed_exactly",
            ended_and_alive,
            id="a live journey with an end",
            marks=pytest.mark.lesson(46, "no time to come"),
        ),
        pytest.param(
            "sequence_contacts_exit_reason", exited_without_a_reason, id="exited without a reason"
        ),
        pytest.param(
            "leads_phone_e164",
            lambda plant, clock: plant.lead("0123456789"),
            id="a phone that is not E.164",
            marks=pytest.mark.lesson(31, "E.164"),
        ),
        pytest.param(
            "sequence_contacts_lead_tenant",
            enrollment_of_a_stranger,
            id="an enrollment of another tenant's lead",
            marks=pytest.mark.lesson(26, "enrollments"),
        ),
        pytest.param(
            "sequence_contacts_sequence_tenant",
            enrollment_in_a_strangers_sequence,
            id="an enrollment in another tenant's sequence",
            marks=pytest.mark.lesson(26, "enrollments"),
        ),
        pytest.param(
            "leads_device_tenant",
            lead_with_a_strangers_device,
            id="a lead with another tenant's device",
            marks=pytest.mark.lesson(26, "devices"),
        ),
        pytest.param(
            "sequences_device_tenant",
            sequence_on_a_strangers_device,
            id="a sequence on another tenant's device",
            marks=pytest.mark.lesson(26, "devices"),
        ),
        pytest.param(
            "campaigns_media_url",
            lambda plant, clock: plant.campaign(message_type="image"),
            id="an image without a URL",
            marks=pytest.mark.lesson(39, "media and type"),
        ),
        pytest.param(
            "campaigns_text_content",
            lambda plant, clock: plant.campaign(media_url="https://example.com/a.png"),
            id="a text with a URL of media",
            marks=pytest.mark.lesson(39, "media and type"),
        ),
        pytest.param(
            "sequence_steps_media_url",
            lambda plant, clock: step(plant, message_type="image", content="See"),
            id="a step's image without a URL",
            marks=pytest.mark.lesson(39, "media and type"),
        ),
        pytest.param(
            "sequence_steps_text_content",
            lambda plant, clock: step(plant, content="See", media_url="https://example.com/a.png"),
            id="a step's text with a URL of media",
            marks=pytest.mark.lesson(39, "media and type"),
        ),
        pytest.param(
            "sequences_name_form",
            lambda plant, clock: plant.update("sequences", plant.sequence(), name="17"),
            id="a sequence whose name is a number",
            marks=pytest.mark.lesson(42, "no name is a number"),
        ),
        pytest.param(
            "sequence_steps_name_form",
            lambda plant, clock: step(plant, name="17", content="See"),
            id="a step whose name is a number",
            marks=pytest.mark.lesson(42, "no name is a number"),
        ),
        pytest.param(
            "user_devices_name_form",
            lambda plant, clock: plant.update("user_devices", plant.device(), name="17"),
            id="a device whose name is a number",
            marks=pytest.mark.lesson(42, "no name is a number"),
        ),
        pytest.param(
            "campaigns_title_form",
            lambda plant, clock: plant.campaign(title="17"),
            id="a campaign whose title is a number",
            marks=pytest.mark.lesson(42, "no name is a number"),
        ),
        pytest.param(
            "campaigns_names_somebody",
            lambda plant, clock: plant.campaign(everyone=False),
            id="a campaign that names nobody",
        ),
        pytest.param(
            "campaigns_delay_order",
            lambda plant, clock: plant.campaign(min_delay_seconds=9, max_delay_seconds=8),
            id="a longest delay below the shortest",
        ),
    ],
)
def test_it_is_refused_by_its_rule(clock: Clock, plant: Plant, rule: str, attempt: Attempt) -> None:
    if rule in CHECKED_BEFORE:
        # a trigger says it in words; the rule holds where that is away
        with pytest.raises(psycopg.DatabaseError) as told, plant.conn.transaction():
            attempt(plant, clock)
        assert str(told.value.sqlstate).startswith("DR")
        for table in ("campaigns", "sequence_steps"):
            plant.conn.execute(f"alter table drip.{table} disable trigger user".encode())
    with pytest.raises(psycopg.errors.IntegrityError) as caught:
        attempt(plant, clock)
    assert caught.value.diag.constraint_name == rule


@pytest.mark.lesson(26, "messages")
@pytest.mark.parametrize(
    "attempt", [message_of_a_stranger, message_to_a_stranger, campaign_of_a_stranger]
)
def test_no_message_crosses_tenants(clock: Clock, plant: Plant, attempt: Attempt) -> None:
    with pytest.raises(psycopg.Error) as caught:
        attempt(plant, clock)
    assert caught.value.sqlstate == "DR016"


@pytest.mark.lesson(24, "no empty tokens")
@pytest.mark.parametrize("odd", ["  ", " , ,", ","])
def test_a_lead_has_no_empty_trigger(clock: Clock, plant: Plant, odd: str) -> None:
    plant.lead(trigger=odd)
    assert plant.value("select trigger from drip.leads") is None


@pytest.mark.lesson(24, "something that enrolls")
def test_an_active_sequence_has_no_empty_trigger(clock: Clock, plant: Plant) -> None:
    with pytest.raises(psycopg.Error) as caught:
        plant.sequence(auto_enroll="trigger", trigger="")
    assert caught.value.sqlstate == "DR006"


@pytest.mark.lesson(39, "the file goes along")
def test_a_received_media_message_keeps_its_kind(clock: Clock, plant: Plant) -> None:
    """A video goes out as a video with its file, or not at all."""
    source = {"media_url": "https://example.com/a.mp4", "caption": "See"}
    plant.message(plant.device(), message_type="video", source=Jsonb(source))
    [claimed] = plant.claim()
    assert (claimed["message_type"], claimed["media_url"]) == ("video", source["media_url"])
