"""process_inbound(): what contacts write, which message it answers, and which journeys it ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from factory import Clock, Connect, Plant
from inbound import (
    PHONE,
    change,
    cloud_device,
    hurry,
    meta,
    open_window,
    process,
    said,
    send,
    send_all,
    wrote,
)

pytestmark = pytest.mark.rolled_back


def journey(plant: Plant, lead: int, *steps: dict[str, Any], **definition: Any) -> tuple[int, int]:
    """An enrollment and its first message."""
    enrollment = plant.enroll(plant.sequence(*(steps or ({}, {})), **definition), lead)
    return enrollment, plant.journey(enrollment)[0]["id"]


# -- what is kept -----------------------------------------------------------------------------


def test_what_somebody_wrote_is_kept(clock: Clock, plant: Plant) -> None:
    device, lead = plant.device(), plant.lead(PHONE)
    at = clock.now - timedelta(seconds=30)
    webhook = said(device, "Yes please", from_name="Ali", timestamp=at.isoformat())
    assert process(plant, webhook)["applied"] == 1
    row = plant.row("select * from drip.inbound_messages")
    assert (row["user_id"], row["device_id"], row["lead_id"]) == (plant.user, device, lead)
    assert (row["sender"], row["sender_name"], row["kind"]) == (PHONE, "Ali", "text")
    assert (row["body"], row["provider_message_id"]) == ("Yes please", "R1")
    assert (row["sent_at"], row["received_at"]) == (at, clock.now)


def test_a_stranger_is_kept_and_is_no_lead(clock: Clock, plant: Plant) -> None:
    process(plant, said(plant.device(), "Who are you?"))
    row = plant.row("select sender, lead_id from drip.inbound_messages")
    assert row == {"sender": PHONE, "lead_id": None}
    assert plant.value("select count(*) from drip.leads") == 0


@pytest.mark.parametrize("kind", ["image", "video", "audio", "document", "sticker", "location"])
def test_what_is_no_text_is_a_reply_too(clock: Clock, plant: Plant, kind: str) -> None:
    gateway, cloud = plant.device(), cloud_device(plant)
    process(plant, said(gateway, None, **{kind: {"path": "x"}}))
    process(plant, wrote(cloud, None, type=kind, **{kind: {"id": "1"}}))
    assert (
        plant.rows("select kind, body from drip.inbound_messages")
        == [{"kind": kind, "body": None}] * 2
    )


def test_a_redelivery_is_no_second_reply(clock: Clock, plant: Plant) -> None:
    device, lead = plant.device(), plant.lead(PHONE)
    message = plant.message(device, lead)
    send(plant, message)
    first = clock.advance(minutes=1)
    reply = said(device, "yes")
    process(plant, reply, reply)
    clock.advance(minutes=1)
    assert process(plant, reply)["applied"] == 0
    assert plant.message_row(message)["replied_at"] == first
    assert plant.value("select count(*) from drip.inbound_messages") == 1
    assert plant.value("select last_inbound_at from drip.leads") == first


def test_several_messages_in_one_body(clock: Clock, plant: Plant) -> None:
    device = cloud_device(plant)
    rows = [
        {"id": f"wamid.{number}", "from": phone[1:], "type": "text", "text": {"body": "hi"}}
        for number, phone in enumerate((PHONE, PHONE, "+60199999999"))
    ]
    assert process(plant, meta(device, change(messages=rows)))["applied"] == 3


def test_a_very_long_text_is_cut(clock: Clock, plant: Plant) -> None:
    process(plant, said(plant.device(), "x" * 100_000))
    assert plant.value("select length(body) from drip.inbound_messages") == 10_000


# -- which message it answers -----------------------------------------------------------------


def test_it_answers_the_last_one_sent(clock: Clock, plant: Plant) -> None:
    device, lead = plant.device(), plant.lead(PHONE)
    first, second = plant.message(device, lead), plant.message(device, lead)
    for message in (first, second):
        send(plant, message)
        clock.advance(hours=1)
    plant.message(device, lead)
    process(plant, said(device, "yes"))
    assert plant.message_row(first)["replied_at"] is None
    assert plant.message_row(second)["replied_at"] == clock.now
    assert plant.value("select reply_to_message_id from drip.inbound_messages") == second


def test_it_answers_the_one_it_quotes(clock: Clock, plant: Plant) -> None:
    """However long ago that one was sent."""
    device, lead = plant.device(), plant.lead(PHONE)
    first, second = plant.message(device, lead), plant.message(device, lead)
    send(plant, first, "3EB01")
    clock.advance(days=10)
    send(plant, second, "3EB02")
    process(plant, said(device, "this one", replied_to_id="3EB01"))
    assert plant.message_row(first)["replied_at"] == clock.now
    assert plant.message_row(second)["replied_at"] is None


def test_a_quote_by_meta(clock: Clock, plant: Plant) -> None:
    device, lead = cloud_device(plant), plant.lead(PHONE)
    open_window(plant, lead)
    first, second = plant.message(device, lead), plant.message(device, lead)
    send(plant, first, "wamid.1")
    clock.advance(seconds=1)
    send(plant, second, "wamid.2")
    process(plant, wrote(device, "this one", context={"id": "wamid.1"}))
    assert plant.message_row(first)["replied_at"] == clock.now


def test_a_quote_of_what_we_did_not_write_answers_the_last_one(clock: Clock, plant: Plant) -> None:
    device, lead = plant.device(), plant.lead(PHONE)
    message = plant.message(device, lead)
    send(plant, message)
    process(plant, said(device, "yes", replied_to_id="3EB0OTHER"))
    assert plant.message_row(message)["replied_at"] == clock.now


@pytest.mark.parametrize(("hours", "answers"), [(71.9, True), (72.1, False)])
def test_after_three_days_it_answers_nothing(
    clock: Clock, plant: Plant, hours: float, answers: bool
) -> None:
    device, lead = plant.device(), plant.lead(PHONE)
    message = plant.message(device, lead)
    send(plant, message)
    clock.advance(hours=hours)
    process(plant, said(device, "yes"))
    assert (plant.message_row(message)["replied_at"] is not None) == answers


def test_a_reply_before_the_send_answers_nothing(clock: Clock, plant: Plant) -> None:
    """Written in the morning, heard of after the message had gone."""
    device, lead = plant.device(), plant.lead(PHONE)
    early = clock.now
    clock.advance(hours=1)
    message = plant.message(device, lead)
    send(plant, message)
    process(plant, said(device, "yes", timestamp=early.isoformat()))
    assert plant.message_row(message)["replied_at"] is None


def test_another_tenants_message_is_not_answered(clock: Clock, plant: Plant) -> None:
    device, lead = plant.device(), plant.lead(PHONE)
    message = plant.message(device, lead)
    send(plant, message, "3EB01")
    stranger = plant.device(user=plant.other_tenant())
    process(plant, said(stranger, "yes", replied_to_id="3EB01"))
    assert plant.message_row(message)["replied_at"] is None


def test_the_reports_count_a_reply(clock: Clock, plant: Plant) -> None:
    device, lead = plant.device(burst=9), plant.lead(PHONE)
    _, step = journey(plant, lead)
    send(plant, step)
    process(plant, said(device, "one", "R1"), said(device, "two", "R2"))
    assert plant.value("select replied from drip.sequence_funnel where step = 1") == 1
    message = plant.message(device, lead, campaign_id=plant.campaign())
    send(plant, message)
    clock.advance(minutes=1)
    process(plant, said(device, "three", "R3"))
    assert plant.value("select replied from drip.campaign_overview") == 1


# -- journeys ---------------------------------------------------------------------------------


def test_it_ends_the_journey(clock: Clock, plant: Plant) -> None:
    device, lead = plant.device(), plant.lead(PHONE)
    enrollment, step = journey(plant, lead)
    send(plant, step)
    process(plant, said(device, "yes"))
    row = plant.enrollment(enrollment)
    assert (row["status"], row["exit_reason"]) == ("exited", "lead_replied")
    rest = plant.journey(enrollment)[1]
    assert (rest["status"], rest["status_reason"]) == ("cancelled", "lead_replied")
    assert plant.explain(rest["id"])["sentence"] == "The contact replied, which ends the journey."


def test_not_one_that_does_not_ask_for_it(clock: Clock, plant: Plant) -> None:
    device, lead = plant.device(), plant.lead(PHONE)
    enrollment, step = journey(plant, lead, stop_on_reply=False)
    send(plant, step)
    process(plant, said(device, "yes"))
    assert plant.enrollment(enrollment)["status"] == "sent"
    assert plant.journey(enrollment)[1]["status"] == "pending"


def test_not_before_the_journey_has_said_something(clock: Clock, plant: Plant) -> None:
    """The contact talks of something else."""
    device, lead = plant.device(), plant.lead(PHONE)
    send(plant, plant.message(device, lead))
    enrollment, _ = journey(plant, lead, start_delay="1 hour")
    process(plant, said(device, "yes"))
    assert plant.enrollment(enrollment)["status"] == "pending"


@pytest.mark.parametrize(
    ("outcome", "ends"), [("retry", False), ("permanent", False), ("unknown", True)]
)
def test_a_step_that_did_not_leave_has_said_nothing(
    clock: Clock, plant: Plant, outcome: str, ends: bool
) -> None:
    """One that is unknown may have: the contact speaks for it."""
    device, lead = plant.device(), plant.lead(PHONE)
    enrollment, step = journey(plant, lead)
    send(plant, step, outcome=outcome)
    process(plant, said(device, "yes"))
    assert (plant.enrollment(enrollment)["status"] == "exited") == ends


def test_a_step_in_flight_is_an_answer_to_wait_for(clock: Clock, plant: Plant) -> None:
    """It has left; the rest does not."""
    device, lead = plant.device(), plant.lead(PHONE)
    enrollment, step = journey(plant, lead)
    [flying] = plant.claim()
    process(plant, said(device, "yes"))
    assert plant.enrollment(enrollment)["exit_reason"] == "lead_replied"
    plant.answer(flying)
    assert plant.message_row(step)["status"] == "sent"
    assert plant.enrollment(enrollment)["exit_reason"] == "lead_replied"
    clock.advance(days=3)
    plant.tick()
    plant.wake()
    assert plant.claim() == []


def test_all_journeys_that_ask_for_it_and_no_others(clock: Clock, plant: Plant) -> None:
    device, lead, other = plant.device(burst=9), plant.lead(PHONE), plant.lead()
    sequence = plant.sequence({}, {})
    asks = [plant.enroll(sequence, lead), plant.enroll(plant.sequence({}, {}), lead)]
    stays = [
        plant.enroll(plant.sequence({}, {}, stop_on_reply=False), lead),
        plant.enroll(sequence, other),
    ]
    send_all(plant)
    process(plant, said(device, "yes"))
    assert [plant.enrollment(one)["status"] for one in asks] == ["exited"] * 2
    assert [plant.enrollment(one)["status"] for one in stays] == ["sent"] * 2


def test_an_ended_group_lets_the_next_journey_in(clock: Clock, plant: Plant) -> None:
    device, lead = plant.device(), plant.lead(PHONE, trigger="hot")
    _, step = journey(plant, lead, exclusive_group="funnel")
    hot = plant.sequence({}, {}, trigger="hot", auto_enroll="trigger", exclusive_group="funnel")
    send(plant, step)
    plant.tick()
    live = "select count(*) from drip.sequence_contacts where sequence_id = %s"
    assert plant.value(live, hot) == 0
    process(plant, said(device, "yes"))
    plant.tick()
    assert plant.value(live, hot) == 1


def test_a_stop_word_is_an_opt_out_and_no_interest(clock: Clock, plant: Plant) -> None:
    device, lead = plant.device(), plant.lead(PHONE)
    enrollment, _ = journey(plant, lead)
    useful, _ = journey(plant, lead, category="utility")
    send_all(plant)
    process(plant, said(device, "stop promo"))
    assert plant.enrollment(enrollment)["exit_reason"] == "opted_out"
    assert plant.enrollment(useful)["completed_at"] is None


# -- the service window -----------------------------------------------------------------------


def test_it_opens_the_service_window(clock: Clock, plant: Plant) -> None:
    device, lead = cloud_device(plant), plant.lead(PHONE)
    message = plant.message(device, lead)
    plant.wake()
    assert plant.claim() == []
    assert plant.explain(message)["reason"] == "service_window_closed"
    process(plant, wrote(device, "hello"))
    clock.advance(minutes=2)
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [message]


def test_it_closes_after_a_day(clock: Clock, plant: Plant) -> None:
    device, lead = cloud_device(plant), plant.lead(PHONE)
    process(plant, wrote(device, "hello"))
    clock.advance(hours=24, seconds=1)
    message = plant.message(device, lead)
    plant.wake()
    assert plant.claim() == []
    assert plant.explain(message)["reason"] == "service_window_closed"


def test_an_older_message_does_not_close_it(clock: Clock, plant: Plant) -> None:
    """Webhooks come in any order."""
    device = cloud_device(plant)
    plant.lead(PHONE)
    process(plant, wrote(device, "hello", "wamid.2"))
    yesterday = clock.now - timedelta(days=1)
    process(plant, wrote(device, "hello", "wamid.1", timestamp=str(int(yesterday.timestamp()))))
    assert plant.value("select last_inbound_at from drip.leads") == clock.now


def test_it_opens_although_an_application_held_the_lead(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    device, lead = cloud_device(plant), plant.lead(PHONE)
    message = plant.message(device, lead)
    holder = connect(autocommit=False)
    holder.execute("select from drip.leads where id = %s for update", [lead])
    at = clock.now
    plant.conn.execute("set statement_timeout = '1s'")
    assert process(plant, wrote(device, "hello"))["applied"] == 1
    plant.conn.execute("reset statement_timeout")
    assert plant.value("select last_inbound_at from drip.leads") is None
    holder.rollback()
    clock.advance(minutes=2)
    plant.tick()
    assert plant.value("select last_inbound_at from drip.leads") == at
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [message]


# -- what the own number wrote ----------------------------------------------------------------


def unknown(plant: Plant, **columns: Any) -> tuple[int, int]:
    """A device and a message that nobody knows of."""
    device = plant.device()
    message = plant.message(device, plant.lead(PHONE), **columns)
    send(plant, message, outcome="unknown")
    assert plant.message_row(message)["status"] == "unknown"
    return device, message


def test_an_echo_settles_an_unknown_message(clock: Clock, plant: Plant) -> None:
    device, message = unknown(plant)
    clock.advance(seconds=40)
    assert process(plant, said(device, "Hello ", "3EB07", is_from_me=True))["applied"] == 1
    row = plant.message_row(message)
    assert (row["status"], row["provider_message_id"]) == ("sent", "3EB07")
    assert plant.value("select count(*) from drip.inbound_messages") == 0


@pytest.mark.parametrize("case", ["text", "late", "other lead", "other device", "known id"])
def test_an_echo_of_something_else_settles_nothing(clock: Clock, plant: Plant, case: str) -> None:
    device, message = unknown(plant)
    fields: dict[str, Any] = {"is_from_me": True}
    text = "Hello "
    if case == "text":
        text = "Hello"
    elif case == "late":
        clock.advance(minutes=11)
    elif case == "other lead":
        plant.lead("+60199999999")
        fields["phone"] = "+60199999999"
    elif case == "other device":
        device = plant.device()
    else:
        plant.message(
            device, status="sent", sent_at=clock.now, finished_at=clock.now,
            provider_message_id="3EB07",
        )  # fmt: skip
    process(plant, said(device, text, "3EB07", **fields))
    assert plant.message_row(message)["status"] == "unknown"


def test_one_echo_settles_one_message(clock: Clock, plant: Plant) -> None:
    """Two of the same text: the first is settled, of the second nobody has heard."""
    device, first = unknown(plant)
    second = plant.message(device, plant.message_row(first)["lead_id"])
    clock.advance(minutes=1)
    send(plant, second, outcome="unknown")
    process(plant, said(device, "Hello ", "3EB07", is_from_me=True))
    assert [plant.message_row(one)["status"] for one in (first, second)] == ["sent", "unknown"]


def test_nothing_waits_for_ever_in_the_queue(clock: Clock, plant: Plant, connect: Connect) -> None:
    """However often a reply had to wait for somebody's lock, it is no dead letter."""
    device, lead = plant.device(), plant.lead(PHONE)
    enrollment, step = journey(plant, lead)
    send(plant, step)
    holder = connect(autocommit=False)
    holder.execute("select from drip.sequence_contacts for update")
    plant.conn.execute("update pgmq.q_drip_inbound set read_ct = 0")
    process(plant, said(device, "yes"))
    plant.conn.execute("update pgmq.q_drip_inbound set read_ct = 50")
    hurry(plant.conn)
    assert process(plant)["dead"] == 0
    assert plant.value("select count(*) from pgmq.q_drip_inbound") == 1
    holder.rollback()
    hurry(plant.conn)
    assert process(plant)["applied"] == 1
    assert plant.enrollment(enrollment)["exit_reason"] == "lead_replied"
