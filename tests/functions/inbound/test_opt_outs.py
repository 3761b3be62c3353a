"""process_inbound(): who asks for nothing more gets nothing more; and how that is taken back."""

from __future__ import annotations

from typing import Any

import pytest
from factory import Clock, Connect, Plant
from inbound import (
    NUMBER_ID,
    PHONE,
    Webhook,
    ack,
    changed_number,
    cloud_device,
    open_window,
    preference,
    process,
    said,
    send,
    status,
    wrote,
)

pytestmark = pytest.mark.rolled_back

NEW = "+60199999999"
HOLD = "select * from drip.sequence_contacts for update"


def suppressed(plant: Plant) -> list[tuple[str, str, str]]:
    """The opt-outs: phone, category, source."""
    return [
        (row["phone"], row["category"], row["source"])
        for row in plant.rows(
            "select phone, category, source from drip.suppressions order by phone, category"
        )
    ]


def claimed(plant: Plant) -> list[str]:
    """The texts that leave now."""
    plant.wake()
    return [row["content"] for row in plant.claim()]


# -- what a stop does -------------------------------------------------------------------------


def test_everything_pending_is_cancelled_and_the_journeys_end(clock: Clock, plant: Plant) -> None:
    """On every device of the tenant, single messages, campaigns and sequences."""
    device, second = plant.device(burst=9), plant.device(burst=9)
    lead, other = plant.lead(PHONE), plant.lead()
    enrollment = plant.enroll(plant.sequence({}, {}, stop_on_reply=False), lead)
    send(plant, plant.journey(enrollment)[0]["id"])
    waiting = [
        plant.message(second, lead),
        plant.message(device, lead, campaign_id=plant.campaign(), category="marketing"),
        plant.message(device, lead, scheduled_at=clock.now.replace(year=2027)),
    ]
    elsewhere = plant.message(device, other)
    process(plant, said(device, "STOP"))
    for message in [*waiting, plant.journey(enrollment)[1]["id"]]:
        row = plant.message_row(message)
        assert (row["status"], row["status_reason"]) == ("cancelled", "suppressed")
    row = plant.enrollment(enrollment)
    assert (row["status"], row["exit_reason"]) == ("exited", "opted_out")
    assert suppressed(plant) == [(PHONE, "all", "reply")]
    assert plant.value("select reason from drip.suppressions") == "replied STOP"
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [elsewhere]
    assert plant.explain(waiting[0])["sentence"] == "The contact has opted out."


def test_it_holds_in_the_claim_for_what_comes_later(clock: Clock, plant: Plant) -> None:
    device, lead = plant.device(), plant.lead(PHONE)
    process(plant, said(device, "STOP"))
    message = plant.message(device, lead)
    plant.wake()
    assert plant.claim() == []
    row = plant.message_row(message)
    assert (row["status"], row["status_reason"]) == ("cancelled", "suppressed")


def test_it_holds_for_somebody_who_is_no_lead_yet(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    process(plant, said(device, "STOP"))
    assert suppressed(plant) == [(PHONE, "all", "reply")]
    sequence = plant.sequence()
    row = plant.row("select outcome from drip.enroll_lead(%s, %s)", str(sequence), PHONE)
    assert row["outcome"] == "suppressed"


def test_it_holds_with_this_tenant_alone(clock: Clock, plant: Plant) -> None:
    other = plant.other_tenant()
    theirs = plant.device(user=other)
    message = plant.message(theirs, plant.lead(PHONE, user=other), user=other)
    process(plant, said(plant.device(), "STOP"))
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [message]


def test_what_is_in_flight_is_let_through_and_recorded(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    message = plant.message(device, plant.lead(PHONE))
    [flying] = plant.claim()
    process(plant, said(device, "STOP"))
    plant.answer(flying, "retry")
    assert plant.message_row(message)["status"] == "pending"
    clock.advance(hours=1)
    plant.wake()
    assert plant.claim() == []
    assert plant.message_row(message)["status_reason"] == "suppressed"


@pytest.mark.parametrize("again", ["one", "many"])
def test_a_redelivery_changes_nothing_after_an_opt_in(
    clock: Clock, plant: Plant, again: str
) -> None:
    """Identical to the byte; the person has been opted in again in between."""
    device, lead = plant.device(), plant.lead(PHONE)
    stop = said(device, "STOP")
    process(plant, stop)
    plant.row("select * from drip.opt_in(%s)", PHONE)
    message = plant.message(device, lead)
    for _ in range(1 if again == "one" else 3):
        assert process(plant, *[stop] * (1 if again == "one" else 4))["applied"] == 0
    assert suppressed(plant) == []
    assert plant.value("select count(*) from drip.inbound_messages") == 1
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [message]


def test_a_second_stop_after_an_opt_in_is_a_new_one(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    process(plant, said(device, "STOP", "R1"))
    plant.row("select * from drip.opt_in(%s)", PHONE)
    process(plant, said(device, "STOP", "R2"))
    assert suppressed(plant) == [(PHONE, "all", "reply")]


@pytest.mark.lesson(50)
@pytest.mark.parametrize(
    "fields",
    [
        {"is_from_me": True},
        {"chat_id": "120363@g.us"},
        {"chat_id": "status@broadcast"},
        {"chat_id": "123@broadcast"},
        {"chat_id": "123@newsletter"},
        {"chat_id": "120363@g.us", "from": "120363@g.us"},
    ],
)
def test_not_every_stop_is_the_contacts(clock: Clock, plant: Plant, fields: dict[str, Any]) -> None:
    """Own messages, groups, status posts and channels."""
    device = plant.device()
    enrollment = plant.enroll(plant.sequence({}, {}), plant.lead(PHONE))
    send(plant, plant.journey(enrollment)[0]["id"])
    row = process(plant, said(device, "STOP", **fields), said(device, "yes", "R2", **fields))
    assert (row["applied"], row["dead"]) == (0, 0)
    assert suppressed(plant) == []
    assert plant.value("select count(*) from drip.inbound_messages") == 0
    assert plant.enrollment(enrollment)["completed_at"] is None


# -- at the provider --------------------------------------------------------------------------


def test_a_native_opt_out_stops_marketing(clock: Clock, plant: Plant) -> None:
    device, lead = cloud_device(plant), plant.lead(PHONE)
    open_window(plant, lead)
    marketing = plant.message(device, lead, category="marketing")
    journey = plant.enroll(plant.sequence({}, {}), lead)
    useful = plant.enroll(plant.sequence({}, category="utility"), lead)
    process(plant, preference(device, "stop"))
    assert suppressed(plant) == [(PHONE, "marketing", "provider")]
    assert plant.message_row(marketing)["status"] == "cancelled"
    assert plant.enrollment(journey)["exit_reason"] == "opted_out"
    assert plant.enrollment(useful)["completed_at"] is None


def test_resumed_there_it_is_over(clock: Clock, plant: Plant) -> None:
    device = cloud_device(plant)
    process(plant, preference(device, "stop", 1772413200))
    process(plant, preference(device, "resume", 1772413300))
    assert suppressed(plant) == []
    process(plant, preference(device, "stop", 1772413200))
    assert suppressed(plant) == []


def test_stopped_again_it_counts_again(clock: Clock, plant: Plant) -> None:
    device = cloud_device(plant)
    for at, value in enumerate(("stop", "resume", "stop")):
        process(plant, preference(device, value, 1772413200 + at))
    assert suppressed(plant) == [(PHONE, "marketing", "provider")]


@pytest.mark.parametrize("text", ["STOP", "stop promo"])
@pytest.mark.parametrize("first", ["word", "provider"])
def test_a_word_to_us_outlives_the_providers_resume(
    clock: Clock, plant: Plant, text: str, first: str
) -> None:
    """Whichever came first."""
    device = cloud_device(plant)
    asked: list[Webhook] = [wrote(device, text), preference(device, "stop")]
    for webhook in asked if first == "word" else reversed(asked):
        process(plant, webhook)
    process(plant, preference(device, "resume", 1772413300))
    assert suppressed(plant) == [(PHONE, "all" if text == "STOP" else "marketing", "reply")]


def test_an_applications_opt_out_outlives_it_too(clock: Clock, plant: Plant) -> None:
    device = cloud_device(plant)
    process(plant, preference(device, "stop"))
    row = plant.row("select outcome from drip.opt_out(%s, 'asked by phone', 'marketing')", PHONE)
    assert row["outcome"] == "already_suppressed"
    process(plant, preference(device, "resume", 1772413300))
    assert suppressed(plant) == [(PHONE, "marketing", "application")]
    assert plant.value("select reason from drip.suppressions") == "asked by phone"


def test_what_the_error_131050_stopped_is_resumed_there(clock: Clock, plant: Plant) -> None:
    device, lead = cloud_device(plant), plant.lead(PHONE)
    open_window(plant, lead)
    send(plant, plant.message(device, lead), "wamid.1")
    process(plant, status(device, "wamid.1", "failed", code=131050))
    assert suppressed(plant) == [(PHONE, "marketing", "provider")]
    process(plant, preference(device, "resume"))
    assert suppressed(plant) == []


def test_a_preference_is_no_reply(clock: Clock, plant: Plant) -> None:
    """It ends no journey that is no marketing, opens no window, answers no message."""
    device, lead = cloud_device(plant), plant.lead(PHONE)
    open_window(plant, lead)
    enrollment = plant.enroll(plant.sequence({}, {}, category="utility"), lead)
    message = plant.journey(enrollment)[0]["id"]
    send(plant, message)
    before = clock.now
    clock.advance(hours=1)
    process(plant, preference(device, "stop"))
    assert plant.enrollment(enrollment)["completed_at"] is None
    assert plant.message_row(message)["replied_at"] is None
    assert plant.value("select last_inbound_at from drip.leads") == before


@pytest.mark.parametrize("category", ["utility", None, 5])
def test_another_preference_is_none_of_ours(clock: Clock, plant: Plant, category: Any) -> None:
    device = cloud_device(plant)
    _, body = preference(device, "stop")
    replaced = {"utility": '"utility"', None: "null", 5: "5"}[category]
    process(plant, (device, body.replace('"marketing_messages"', replaced)))
    assert suppressed(plant) == []


# -- the confirmation -------------------------------------------------------------------------

CONFIRMATION = "You get nothing more from us, {name|friend}."
CONFIRMED = "You get nothing more from us, friend."


def test_there_is_none_by_default(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    plant.message(device, plant.lead(PHONE))
    process(plant, said(device, "STOP"))
    assert claimed(plant) == []
    plant.tenant(opt_out_confirmation="  ")
    process(plant, said(device, "STOP", "R2", phone=NEW))
    assert claimed(plant) == []


def test_it_is_the_only_thing_that_leaves(clock: Clock, plant: Plant) -> None:
    plant.tenant(opt_out_confirmation=CONFIRMATION)
    device, lead = plant.device(burst=9), plant.lead(PHONE)
    plant.message(device, lead)
    process(plant, said(device, "STOP"))
    plant.message(device, lead)
    assert claimed(plant) == [CONFIRMED]
    clock.advance(days=1)
    plant.tick()
    assert claimed(plant) == []


@pytest.mark.parametrize("together", [True, False])
def test_who_says_it_twice_is_told_once(clock: Clock, plant: Plant, together: bool) -> None:
    """The second STOP cancels what is pending, and not the answer to the first."""
    plant.tenant(opt_out_confirmation=CONFIRMATION)
    device = plant.device(burst=9)
    plant.lead(PHONE)
    stops = [said(device, "STOP", "R1"), said(device, "Stop!!", "R2")]
    if together:
        process(plant, *stops)
    else:
        for stop in stops:
            process(plant, stop)
            clock.advance(seconds=1)
    assert claimed(plant) == [CONFIRMED]
    process(plant, said(device, "STOP", "R3"))
    assert claimed(plant) == []


def test_a_redelivered_stop_is_not_confirmed_again(clock: Clock, plant: Plant) -> None:
    plant.tenant(opt_out_confirmation=CONFIRMATION)
    device = plant.device(burst=9)
    plant.lead(PHONE)
    stop = said(device, "STOP")
    process(plant, stop)
    assert claimed(plant) == [CONFIRMED]
    plant.row("select * from drip.opt_in(%s)", PHONE)
    process(plant, stop)
    assert claimed(plant) == []


def test_it_goes_by_the_device_that_heard_the_word(clock: Clock, plant: Plant) -> None:
    """Through the Cloud API as well: whoever has just written may be answered."""
    plant.tenant(opt_out_confirmation=CONFIRMATION)
    plant.device()
    device = cloud_device(plant)
    plant.lead(PHONE)
    process(plant, wrote(device, "STOP"))
    plant.wake()
    [row] = plant.claim()
    assert (row["device_id"], row["content"]) == (device, CONFIRMED)


@pytest.mark.parametrize("how", ["provider", "application", "error"])
def test_it_answers_a_reply_alone(clock: Clock, plant: Plant, how: str) -> None:
    plant.tenant(opt_out_confirmation=CONFIRMATION)
    device, lead = cloud_device(plant), plant.lead(PHONE)
    open_window(plant, lead)
    if how == "provider":
        process(plant, preference(device, "stop"))
    elif how == "application":
        plant.row("select * from drip.opt_out(%s)", PHONE)
        process(plant, wrote(device, "STOP"))
    else:
        send(plant, plant.message(device, lead), "wamid.1")
        process(plant, status(device, "wamid.1", "failed", code=131050))
    assert claimed(plant) == []


def test_it_comes_although_the_stop_had_to_wait(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    """An application held the journey: the opt-out was noted first, the rest followed."""
    plant.tenant(opt_out_confirmation=CONFIRMATION)
    device = plant.device(burst=9)
    plant.enroll(plant.sequence({}), plant.lead(PHONE))
    holder = connect(autocommit=False)
    holder.execute(HOLD)
    process(plant, said(device, "STOP"))
    assert suppressed(plant) == [(PHONE, "all", "reply")]
    assert plant.value("select count(*) from drip.inbound_messages") == 0
    holder.rollback()
    plant.conn.execute("update pgmq.q_drip_inbound set vt = clock_timestamp()")
    process(plant)
    assert claimed(plant) == [CONFIRMED]


# -- numbers ----------------------------------------------------------------------------------


def test_a_changed_number_takes_everything_along(clock: Clock, plant: Plant) -> None:
    device, lead = cloud_device(plant), plant.lead(PHONE)
    open_window(plant, lead)
    send(plant, plant.message(device, lead), "wamid.1")
    waiting = plant.message(device, lead)
    plant.suppress(PHONE, "marketing")
    process(plant, changed_number(device, NEW))
    assert plant.value("select phone from drip.leads") == NEW
    assert plant.message_row(waiting)["recipient_phone"] == NEW
    assert (NEW, "marketing", "application") in suppressed(plant)
    # what still comes under the old number is the same person
    process(plant, status(device, "wamid.1", "delivered"), wrote(device, "hello"))
    assert plant.value("select lead_id from drip.inbound_messages where kind = 'text'") == lead
    process(plant, changed_number(device, NEW))
    assert plant.value("select phone from drip.leads") == NEW


def test_a_changed_number_that_is_a_lead_already_keeps_both(clock: Clock, plant: Plant) -> None:
    """Merging two leads is somebody's decision; an opt-out is the person's."""
    device, old, new = cloud_device(plant), plant.lead(PHONE), plant.lead(NEW)
    open_window(plant, new)
    waiting = plant.message(device, new)
    process(plant, wrote(device, "STOP"))
    process(plant, changed_number(device, NEW))
    assert [row["phone"] for row in plant.rows("select phone from drip.leads order by id")] == [
        PHONE,
        NEW,
    ]
    assert old != new
    assert suppressed(plant) == [(PHONE, "all", "reply"), (NEW, "all", "reply")]
    assert plant.message_row(waiting)["status"] == "cancelled"


def test_an_opt_out_moves_with_a_number_that_is_no_lead(clock: Clock, plant: Plant) -> None:
    device = cloud_device(plant)
    plant.suppress(PHONE)
    process(plant, changed_number(device, NEW))
    assert (NEW, "all", "application") in suppressed(plant)


@pytest.mark.parametrize("new", ["", "abc", "1", PHONE, "0" * 12, "9" * 40])
def test_a_number_that_is_none_changes_nothing(clock: Clock, plant: Plant, new: str) -> None:
    device = cloud_device(plant)
    plant.lead(PHONE)
    plant.suppress(PHONE)
    assert process(plant, changed_number(device, new))["dead"] == 0
    assert plant.value("select phone from drip.leads") == PHONE
    assert suppressed(plant) == [(PHONE, "all", "application")]


def test_a_stop_under_an_id_without_a_phone(clock: Clock, plant: Plant) -> None:
    """GOWA's lid: learned from a message that has both, it leads to the lead afterwards."""
    device, lead = plant.device(), plant.lead(PHONE)
    process(plant, said(device, "hi", "R1", from_lid="998877@lid"))
    fields = {"chat_id": "998877@lid", "from": "998877@lid"}
    process(plant, said(device, "STOP", "R2", **fields))
    assert suppressed(plant) == [(PHONE, "all", "reply")]
    rows = plant.rows("select lead_id, sender from drip.inbound_messages")
    assert rows == [{"lead_id": lead, "sender": PHONE}] * 2


def test_a_lid_in_a_chat_that_is_a_phone(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    process(plant, said(device, "STOP", **{"from": "998877:3@lid"}))
    assert suppressed(plant) == [(PHONE, "all", "reply")]


def test_a_stop_of_somebody_without_a_phone_whom_nobody_knows_is_kept(
    clock: Clock, plant: Plant
) -> None:
    device = cloud_device(plant)
    row = process(plant, wrote(device, "STOP", phone=None, from_user_id="US.1234"))
    assert (row["applied"], row["dead"]) == (1, 0)
    assert suppressed(plant) == []
    assert plant.row("select sender, sender_alias, body from drip.inbound_messages") == {
        "sender": "US.1234",
        "sender_alias": "US.1234",
        "body": "STOP",
    }


@pytest.mark.lesson(49)
def test_a_username_that_we_have_met_is_the_lead(clock: Clock, plant: Plant) -> None:
    """Meta leaves the phone out for users with a username; user_id is there."""
    device, lead = cloud_device(plant), plant.lead(PHONE)
    contact = {"wa_id": PHONE[1:], "user_id": "US.1234", "profile": {"name": "Ali"}}
    process(plant, wrote(device, "hi", "wamid.1", contact=contact))
    process(plant, wrote(device, "STOP", "wamid.2", phone=None, from_user_id="US.1234"))
    assert suppressed(plant) == [(PHONE, "all", "reply")]
    assert plant.value("select lead_id from drip.lead_aliases") == lead
    assert plant.value(
        "select distinct sender_name from drip.inbound_messages where body = 'hi'"
    ) == ("Ali")


def test_an_alias_of_another_tenant_is_nobody(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    plant.lead(PHONE)
    process(plant, said(device, "hi", "R1", from_lid="998877@lid"))
    stranger = plant.device(user=plant.other_tenant())
    fields = {"chat_id": "998877@lid", "from": "998877@lid"}
    process(plant, said(stranger, "STOP", "R2", **fields))
    assert suppressed(plant) == []


def test_the_opt_out_of_a_shared_account_is_the_numbers_tenant(clock: Clock, plant: Plant) -> None:
    """Another tenant has a device with the same number id."""
    device = cloud_device(plant)
    stranger = plant.device("cloud", user=plant.other_tenant(), platform="cloud_api")
    plant.update("user_devices", stranger, instance=NUMBER_ID)
    process(plant, wrote(device, "STOP"))
    assert plant.rows("select user_id from drip.suppressions") == [{"user_id": plant.user}]


def test_receipts_opt_nobody_out(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    process(plant, ack(device, "STOP", kind="read"))
    assert suppressed(plant) == []
