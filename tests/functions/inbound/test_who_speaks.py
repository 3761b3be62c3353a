"""Who speaks: ids without a phone, quoted messages, sessions of one gateway, changed ids."""

from __future__ import annotations

import json
from typing import Any

import pytest
from factory import Clock, Plant
from inbound import (
    PHONE,
    ack,
    change,
    changed_number,
    cloud_device,
    dead_letters,
    gowa,
    meta,
    open_window,
    preference,
    process,
    said,
    send,
    status,
    wrote,
)

LID = "251556368777322"
USER_ID = "MY.601234567890123"
HIDDEN = {"chat_id": f"{LID}@lid", "from": f"{LID}@lid"}


def opted_out(plant: Plant) -> list[tuple[str, str]]:
    """Phones and categories of the opt-outs."""
    rows = plant.rows("select phone, category from drip.suppressions order by id")
    return [(row["phone"], row["category"]) for row in rows]


def unmatched(plant: Plant) -> list[str]:
    """What the list of replies says of opt-outs that match nobody."""
    rows = plant.rows("select followed_by from drip.replies where is_unmatched order by inbound_id")
    return [row["followed_by"] for row in rows]


def unknown_writer(device: int, text: str | None, number: str = "wamid.in1", **more: Any) -> Any:
    """Meta: somebody whose number is hidden writes."""
    return wrote(device, text, number, phone=None, from_user_id=USER_ID, **more)


# -- quoted messages --------------------------------------------------------------------------


def test_the_quoted_message_names_the_lead(clock: Clock, plant: Plant) -> None:
    device, lead = plant.device(burst=5), plant.lead(PHONE)
    send(plant, plant.message(device, lead), "3EB01")
    waiting = plant.message(device, lead)
    process(plant, said(device, "STOP", replied_to_id="3EB01", **HIDDEN))
    assert opted_out(plant) == [(PHONE, "all")]
    assert plant.message_row(waiting)["status_reason"] == "suppressed"
    assert plant.value("select lead_id from drip.replies") == lead
    # and teaches the id: the next text needs no quote
    clock.advance(hours=1)
    process(plant, said(device, "I mean it", "R2", **HIDDEN))
    assert plant.values("select lead_id from drip.replies") == [lead, lead]


def test_a_tap_on_our_button_names_the_lead(clock: Clock, plant: Plant) -> None:
    device, lead = cloud_device(plant), plant.lead(PHONE)
    open_window(plant, lead)
    send(plant, plant.message(device, lead), "wamid.1")
    tapped = {"type": "button", "button": {"text": "Stop promotions", "payload": "x"}}
    process(plant, unknown_writer(device, None, context={"id": "wamid.1"}, **tapped))
    assert opted_out(plant) == [(PHONE, "marketing")]


def test_a_reply_that_quotes_ends_the_journey(clock: Clock, plant: Plant) -> None:
    device, lead = plant.device(burst=5), plant.lead(PHONE, device_id=None)
    enrollment = plant.enroll(plant.sequence({}, {}), lead)
    send(plant, plant.journey(enrollment)[0]["id"], "3EB01")
    clock.advance(minutes=5)
    process(plant, said(device, "Tell me more", replied_to_id="3EB01", **HIDDEN))
    assert plant.enrollment(enrollment)["exit_reason"] == "lead_replied"


def test_both_numbers_of_who_quotes_are_left_alone(clock: Clock, plant: Plant) -> None:
    device, lead = plant.device(burst=5), plant.lead(PHONE)
    send(plant, plant.message(device, lead), "3EB01")
    process(plant, said(device, "STOP", phone="+60198765432", replied_to_id="3EB01"))
    assert sorted(opted_out(plant)) == [(PHONE, "all"), ("+60198765432", "all")]


def test_the_quoted_message_of_another_tenant_names_nobody(clock: Clock, plant: Plant) -> None:
    other = plant.other_tenant()
    theirs = plant.device(user=other)
    lead = plant.lead(PHONE, user=other)
    message = plant.message(theirs, lead, user=other)
    send(plant, message, "3EB01")
    process(plant, said(plant.device(), "STOP", replied_to_id="3EB01", **HIDDEN))
    assert opted_out(plant) == []


# -- an opt-out that matches nobody waits ------------------------------------------------------


def test_a_stop_without_a_phone_waits_and_is_shown(clock: Clock, plant: Plant) -> None:
    device, lead = plant.device(burst=5), plant.lead(PHONE)
    process(plant, said(device, "STOP", **HIDDEN))
    assert opted_out(plant) == []
    [sentence] = unmatched(plant)
    assert "not known" in sentence
    # a message with both ids links them
    process(plant, said(device, "hello there", "R2", chat_lid=f"{LID}@lid"))
    assert opted_out(plant) == [(PHONE, "all")]
    assert unmatched(plant) == []
    assert plant.values("select lead_id from drip.replies") == [lead, lead]


@pytest.mark.parametrize(
    "ids",
    [
        {"chat_id": f"{LID}@lid", "from_lid": f"{LID}@lid"},
        {"from_lid": LID},
        {"chat_id": f"{LID}:4@lid"},
    ],
)
def test_a_receipt_of_ours_teaches_the_id(clock: Clock, plant: Plant, ids: dict[str, str]) -> None:
    device, lead = plant.device(burst=5), plant.lead(PHONE)
    send(plant, plant.message(device, lead), "3EB01")
    waiting = plant.message(device, lead)
    process(plant, said(device, "STOP", **HIDDEN))
    assert opted_out(plant) == []
    process(plant, ack(device, "3EB01", **ids))
    assert opted_out(plant) == [(PHONE, "all")]
    assert plant.message_row(waiting)["status_reason"] == "suppressed"


def test_a_receipt_that_comes_before_its_record_teaches_it_too(clock: Clock, plant: Plant) -> None:
    device, lead = plant.device(burst=5), plant.lead(PHONE)
    plant.message(device, lead)
    [claimed] = plant.claim()
    process(plant, said(device, "STOP", **HIDDEN))
    process(plant, ack(device, "3EB01", from_lid=f"{LID}@lid"))
    plant.answer(claimed, provider_message_id="3EB01")
    assert opted_out(plant) == [(PHONE, "all")]


@pytest.mark.parametrize(
    "more",
    [
        {"recipient_user_id": USER_ID},
        {"contacts": [{"wa_id": PHONE[1:], "user_id": USER_ID}]},
    ],
)
def test_a_status_of_meta_teaches_the_id(clock: Clock, plant: Plant, more: Any) -> None:
    device, lead = cloud_device(plant), plant.lead(PHONE)
    open_window(plant, lead)
    send(plant, plant.message(device, lead), "wamid.1")
    process(plant, unknown_writer(device, "STOP"))
    assert opted_out(plant) == []
    row = {"id": "wamid.1", "status": "delivered", "recipient_id": PHONE[1:]}
    contacts = more.pop("contacts", [])
    process(plant, meta(device, change(statuses=[row | more], contacts=contacts)))
    assert opted_out(plant) == [(PHONE, "all")]


def test_a_preference_by_id_alone_waits_and_can_be_taken_back(clock: Clock, plant: Plant) -> None:
    device = cloud_device(plant)
    plant.lead(PHONE)

    def by_id(value: str, at: int) -> Any:
        row = {
            "user_id": USER_ID,
            "category": "marketing_messages",
            "value": value,
            "timestamp": str(at),
        }
        return meta(device, change("user_preferences", user_preferences=[row]))

    at = int(clock.now.timestamp()) - 100
    process(plant, by_id("stop", at))
    assert len(unmatched(plant)) == 1
    both = {"contact": {"wa_id": PHONE[1:], "user_id": USER_ID}}
    process(plant, wrote(device, "hello", "wamid.in2", **both))
    assert opted_out(plant) == [(PHONE, "marketing")]
    plant.row("select * from drip.opt_in(%s)", PHONE)
    process(plant, by_id("stop", at + 10))
    process(plant, by_id("resume", at + 20))
    assert opted_out(plant) == []


def test_a_preference_that_was_taken_back_does_not_hold_later(clock: Clock, plant: Plant) -> None:
    device = cloud_device(plant)
    plant.lead(PHONE)
    for number, value in enumerate(("stop", "resume")):
        row = {
            "user_id": USER_ID,
            "category": "marketing_messages",
            "value": value,
            "timestamp": str(int(clock.now.timestamp()) - 100 + number),
        }
        process(plant, meta(device, change("user_preferences", user_preferences=[row])))
    both = {"contact": {"wa_id": PHONE[1:], "user_id": USER_ID}}
    process(plant, wrote(device, "hello", "wamid.in2", **both))
    assert opted_out(plant) == []


def test_the_number_alone_is_enough(clock: Clock, plant: Plant) -> None:
    """The sender is no lead yet: its number is opted out as soon as it is told."""
    device = plant.device(burst=5)
    process(plant, said(device, "STOP", **HIDDEN))
    process(plant, said(device, "it is me", "R2", chat_lid=f"{LID}@lid"))
    assert opted_out(plant) == [(PHONE, "all")]
    message = plant.message(device, plant.lead(PHONE))
    plant.wake()
    assert plant.claim() == []
    assert plant.message_row(message)["status_reason"] == "suppressed"


def test_an_id_that_once_had_a_number_is_known(clock: Clock, plant: Plant) -> None:
    device = plant.device(burst=5)
    process(plant, said(device, "good morning", chat_lid=f"{LID}@lid"))
    plant.lead(PHONE)
    process(plant, said(device, "STOP", "R2", **HIDDEN))
    assert opted_out(plant) == [(PHONE, "all")]


def test_an_operator_can_tell_who_it_is(clock: Clock, plant: Plant) -> None:
    device, lead = plant.device(burst=5), plant.lead(PHONE)
    waiting = plant.message(device, lead)
    process(plant, said(device, "STOP", **HIDDEN))
    row = plant.row("select * from drip.add_lead_alias(%s, %s)", LID, PHONE)
    assert (row["lead_id"], row["outcome"], row["matched"]) == (lead, "added", 1)
    assert opted_out(plant) == [(PHONE, "all")]
    assert plant.message_row(waiting)["status_reason"] == "suppressed"
    row = plant.row("select * from drip.add_lead_alias(%s, %s)", LID, PHONE)
    assert (row["outcome"], row["matched"]) == ("unchanged", 0)


def test_a_late_match_ends_the_journey_that_was_answered(clock: Clock, plant: Plant) -> None:
    device, lead = plant.device(burst=5), plant.lead(PHONE)
    enrollment = plant.enroll(plant.sequence({}, {}), lead)
    first = plant.journey(enrollment)[0]["id"]
    send(plant, first, "3EB01")
    clock.advance(minutes=5)
    process(plant, said(device, "How much is it?", **HIDDEN))
    assert plant.enrollment(enrollment)["completed_at"] is None
    process(plant, ack(device, "3EB01", from_lid=f"{LID}@lid"))
    assert plant.enrollment(enrollment)["exit_reason"] == "lead_replied"
    assert plant.message_row(first)["replied_at"] is not None


def test_a_locked_journey_holds_up_no_result(clock: Clock, plant: Plant, connect: Any) -> None:
    """An id that is learned from a receipt waits for no application."""
    device, lead = plant.device(burst=5), plant.lead(PHONE)
    plant.message(device, lead)
    [claimed] = plant.claim()
    waiting = plant.message(device, lead)
    process(plant, said(device, "STOP", **HIDDEN), ack(device, "3EB01", from_lid=f"{LID}@lid"))
    other = connect(autocommit=False)
    other.execute("select from drip.broadcast_messages where id = %s for update", [waiting])
    plant.conn.execute("set lock_timeout = '1s'")
    plant.answer(claimed, provider_message_id="3EB01")
    assert opted_out(plant) == [(PHONE, "all")]
    other.rollback()
    plant.wake()
    assert plant.claim() == []
    assert plant.message_row(waiting)["status_reason"] == "suppressed"


# -- changed ids and numbers ------------------------------------------------------------------


def system(device: int, kind: str, number: str = "wamid.sys1", **fields: Any) -> Any:
    """Meta: the contact's number or id has changed."""
    return wrote(
        device,
        None,
        number,
        phone=fields.pop("from_", None),
        type="system",
        system={"type": kind, "body": "changed"} | fields,
    )


def test_a_changed_id_is_followed(clock: Clock, plant: Plant) -> None:
    device = cloud_device(plant)
    plant.lead(PHONE)
    process(plant, wrote(device, "hi", contact={"wa_id": PHONE[1:], "user_id": USER_ID}))
    changed = {"previous_user_id": USER_ID, "user_id": "MY.999"}
    process(plant, system(device, "user_changed_user_id", **changed))
    process(plant, wrote(device, "STOP", "wamid.in2", phone=None, from_user_id="MY.999"))
    assert opted_out(plant) == [(PHONE, "all")]


def test_a_changed_id_of_an_unknown_sender_is_followed(clock: Clock, plant: Plant) -> None:
    device = cloud_device(plant)
    plant.lead(PHONE)
    process(plant, unknown_writer(device, "STOP"))
    changed = {"previous_user_id": USER_ID, "user_id": "MY.999"}
    process(plant, system(device, "user_changed_user_id", **changed))
    known = {"wa_id": PHONE[1:], "user_id": "MY.999"}
    process(plant, wrote(device, "hello", "wamid.in2", contact=known))
    assert opted_out(plant) == [(PHONE, "all")]


def test_an_id_that_a_partner_says_has_changed(clock: Clock, plant: Plant) -> None:
    device = cloud_device(plant)
    plant.lead(PHONE)
    process(plant, wrote(device, "hi", contact={"wa_id": PHONE[1:], "user_id": USER_ID}))
    changed = [{"user_id": {"previous": USER_ID, "current": "MY.999"}}]
    process(plant, meta(device, change("user_id_update", user_id_update=changed)))
    process(plant, wrote(device, "STOP", "wamid.in2", phone=None, from_user_id="MY.999"))
    assert opted_out(plant) == [(PHONE, "all")]
    odd = [{"user_id": "MY.1"}, {"user_id": {"current": ""}}, "nothing", 7, None]
    assert process(plant, meta(device, change("user_id_update", user_id_update=odd)))["dead"] == 0


def test_a_new_number_brings_a_new_id(clock: Clock, plant: Plant) -> None:
    device = cloud_device(plant)
    lead = plant.lead(PHONE)
    changed = {"wa_id": "60198765432", "previous_user_id": USER_ID, "user_id": "MY.999"}
    process(plant, system(device, "user_changed_number", from_=PHONE, **changed))
    assert plant.value("select phone from drip.leads where id = %s", lead) == "+60198765432"
    for number, user_id in enumerate((USER_ID, "MY.999")):
        stop = wrote(device, "hello", f"wamid.in{number}", phone=None, from_user_id=user_id)
        process(plant, stop)
    assert plant.values("select lead_id from drip.replies") == [lead, lead]


def test_an_opt_out_follows_a_hidden_number(clock: Clock, plant: Plant) -> None:
    device = cloud_device(plant)
    process(plant, unknown_writer(device, "STOP"))
    changed = {"wa_id": PHONE[1:], "previous_user_id": USER_ID}
    process(plant, system(device, "user_changed_number", **changed))
    assert opted_out(plant) == [(PHONE, "all")]


def test_the_number_that_changed_before_still_works(clock: Clock, plant: Plant) -> None:
    device = cloud_device(plant)
    plant.lead(PHONE)
    process(plant, changed_number(device, "+60198765432"), preference(device, "stop"))
    assert sorted(opted_out(plant)) == [(PHONE, "marketing"), ("+60198765432", "marketing")]


# -- what is no phone -------------------------------------------------------------------------


@pytest.mark.parametrize("user_id", ["MY.601234567890123", "US.ENT.60123456789", "60-12", "ali"])
def test_an_id_is_never_made_a_phone(clock: Clock, plant: Plant, user_id: str) -> None:
    device = cloud_device(plant)
    process(plant, wrote(device, "STOP", phone=user_id))
    assert opted_out(plant) == []
    assert len(unmatched(plant)) == 1
    row = plant.row("select sender, sender_alias from drip.inbound_messages")
    assert row == {"sender": user_id, "sender_alias": user_id}


def test_a_receipt_to_an_id_teaches_no_phone(clock: Clock, plant: Plant) -> None:
    device, lead = cloud_device(plant), plant.lead(PHONE)
    open_window(plant, lead)
    send(plant, plant.message(device, lead), "wamid.1")
    process(plant, status(device, "wamid.1", "read", phone=USER_ID))
    ids = plant.values("select provider_id from drip.lead_aliases")
    assert ids == [USER_ID]


def test_said_in_a_group_it_opts_nobody_out(clock: Clock, plant: Plant) -> None:
    device = cloud_device(plant)
    plant.lead(PHONE)
    row = process(plant, wrote(device, "STOP", group_id="120363@g.us"))
    assert (row["applied"], row["dead"]) == (0, 0)
    assert opted_out(plant) == []
    assert plant.value("select count(*) from drip.inbound_messages") == 0


def test_our_own_id_is_nobodys(clock: Clock, plant: Plant) -> None:
    """An own message carries the LID of our own phone."""
    device, lead = plant.device(burst=5), plant.lead(PHONE)
    send(plant, plant.message(device, lead), "3EB01")
    own = {"is_from_me": True, "from": "60300000000@s.whatsapp.net", "from_lid": "77777777@lid"}
    process(plant, said(device, "Hello", "3EB02", **own))
    body = json.dumps(
        {
            "event": "message.ack",
            "session_id": "one",
            "device_id": "60300000000@s.whatsapp.net",
            "payload": {
                "ids": ["3EB01"],
                "chat_id": "60300000000@s.whatsapp.net",
                "from": "60300000000@s.whatsapp.net",
                "receipt_type": "read",
            },
        }
    )
    process(plant, (device, body))
    assert plant.values("select provider_id from drip.lead_aliases") == []


# -- sessions ---------------------------------------------------------------------------------


def told(session: str | None, jid: str | None, number: str, text: str = "STOP") -> str:
    """A webhook of a gateway with several sessions."""
    chat = f"{PHONE[1:]}@s.whatsapp.net"
    body: dict[str, Any] = {
        "event": "message",
        "payload": {"id": number, "chat_id": chat, "from": chat, "body": text},
    }
    if session:
        body["session_id"] = session
    if jid:
        body["device_id"] = jid
    return json.dumps(body)


def sessions(plant: Plant) -> tuple[int, int]:
    """Two devices that are sessions of one gateway."""
    first = plant.device("sales", webhook_secret_name="gate")
    second = plant.device("service", webhook_secret_name="gate")
    plant.update("user_devices", first, instance="slot-1")
    plant.update("user_devices", second, instance="slot-2")
    return first, second


def test_the_session_names_the_device(clock: Clock, plant: Plant) -> None:
    first, second = sessions(plant)
    jid = "60300000002@s.whatsapp.net"
    row = process(plant, (first, told("slot-2", jid, "R1")))
    assert (row["applied"], dead_letters(plant)) == (1, [])
    assert plant.value("select device_id from drip.replies") == second
    assert opted_out(plant) == [(PHONE, "all")]
    # from then on the phone's id alone names it
    process(plant, (first, told(None, jid, "R2", "hello")))
    assert plant.values("select device_id from drip.replies") == [second, second]


def test_the_phone_of_a_device_names_it(clock: Clock, plant: Plant) -> None:
    first, second = sessions(plant)
    plant.update("user_devices", second, phone="+60300000002")
    process(plant, (first, told(None, "60300000002:7@s.whatsapp.net", "R1")))
    assert plant.value("select device_id from drip.replies") == second


def test_an_unknown_session_is_the_device_of_the_address(clock: Clock, plant: Plant) -> None:
    first, _ = sessions(plant)
    row = process(plant, (first, told("renamed", "60399999999@s.whatsapp.net", "R1")))
    assert (row["applied"], dead_letters(plant)) == (1, [])
    assert plant.value("select device_id from drip.replies") == first
    assert plant.value("select count(jid) from drip.user_devices") == 0


def test_a_session_of_another_sender_is_refused(clock: Clock, plant: Plant) -> None:
    first, second = sessions(plant)
    plant.update("user_devices", second, webhook_secret_name="another")
    process(plant, (first, told("slot-2", None, "R1")))
    [letter] = dead_letters(plant)
    assert "may not report" in letter["error"]


# -- times that cannot be read -----------------------------------------------------------------


@pytest.mark.parametrize(
    "time",
    ["soon", "", "2026-13-45T99:00:00Z", "99999999999999999999", -5, 1e300, None, [], {}, True],
)
def test_a_stop_counts_whatever_its_time(clock: Clock, plant: Plant, time: Any) -> None:
    device = plant.device()
    row = process(plant, said(device, "STOP", timestamp=time))
    assert (row["applied"], row["dead"], dead_letters(plant)) == (1, 0, [])
    assert opted_out(plant) == [(PHONE, "all")]


@pytest.mark.parametrize("time", ["soon", "", 1e300, [], {"seconds": 1}])
def test_a_stop_to_meta_counts_whatever_its_time(clock: Clock, plant: Plant, time: Any) -> None:
    device = cloud_device(plant)
    row = process(plant, wrote(device, "STOP", timestamp=time))
    assert (row["applied"], row["dead"]) == (1, 0)
    assert opted_out(plant) == [(PHONE, "all")]


def test_an_odd_payload_is_no_dead_letter(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    for payload in ([], "text", None, 7):
        body = json.dumps({"event": "message", "device_id": "one", "payload": payload})
        row = process(plant, (device, body))
        assert row["dead"] == 0
    assert process(plant, gowa(device, "message", id="R1", is_from_me="perhaps"))["dead"] == 0
