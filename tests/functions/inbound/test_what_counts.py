"""What counts as a reply: what a person says, on every platform, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from factory import Clock, Plant
from inbound import (
    PHONE,
    Webhook,
    cloud_device,
    gowa,
    jid,
    open_window,
    process,
    said,
    send,
    wrote,
)

pytestmark = pytest.mark.rolled_back

AWAY = "Thank you for your message. We are closed and will answer tomorrow."


class Scene:
    """A journey of two steps, whose first message has gone out on Meta or on GOWA."""

    def __init__(self, plant: Plant, clock: Clock, platform: str) -> None:
        self.plant, self.clock = plant, clock
        self.lead = plant.lead(PHONE)
        if platform == "gowa":
            self.device = plant.device(burst=5)
        else:
            self.device = cloud_device(plant)
            open_window(plant, self.lead, at=clock.now - timedelta(hours=23, minutes=30))
        self.enrollment = plant.enroll(plant.sequence({}, {}), self.lead)
        self.message = plant.journey(self.enrollment)[0]["id"]
        send(plant, self.message, "out-1")
        clock.advance(minutes=5)

    def tell(self, webhook: Webhook) -> None:
        """Process it; nothing of it may be a dead letter."""
        row = process(self.plant, webhook)
        assert row["dead"] == 0

    @property
    def has_ended(self) -> bool:
        return self.plant.enrollment(self.enrollment)["completed_at"] is not None

    @property
    def is_replied(self) -> bool:
        return self.plant.message_row(self.message)["replied_at"] is not None

    @property
    def window(self) -> Any:
        return self.plant.values(
            "select max(last_inbound_at) from drip.service_windows where lead_id = %s", self.lead
        )[0]


GOWA_CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "reaction": ("message.reaction", {"reaction": "👍", "reacted_message_id": "out-1"}),
    "reaction taken back": ("message.reaction", {"reaction": "", "reacted_message_id": "out-1"}),
    "edit": ("message.edited", {"body": "what I meant", "original_message_id": "R1"}),
    "revoke": ("message.revoked", {"revoked_message_id": "R1"}),
}


@pytest.mark.parametrize("name", GOWA_CHANGES)
def test_on_gowa_a_change_is_no_reply(clock: Clock, plant: Plant, name: str) -> None:
    scene = Scene(plant, clock, "gowa")
    event, fields = GOWA_CHANGES[name]
    scene.tell(gowa(scene.device, event, **{"from": jid(PHONE), "chat_id": jid(PHONE)}, **fields))
    assert not scene.has_ended
    assert not scene.is_replied
    assert scene.window is None
    assert plant.values("select kind from drip.inbound_messages") == [name.split()[0]]
    assert plant.values("select inbound_id from drip.replies") == []


META_CHANGES: dict[str, dict[str, Any]] = {
    "reaction": {"type": "reaction", "reaction": {"message_id": "out-1", "emoji": "👍"}},
    "reaction taken back": {"type": "reaction", "reaction": {"message_id": "out-1"}},
    "unsupported": {
        "type": "unsupported",
        "errors": [{"code": 131051}],
        "unsupported": {"type": "poll"},
    },
    "request_welcome": {"type": "request_welcome"},
    "revoke": {"type": "revoke", "revoke": {"original_message_id": "wamid.in0"}},
    "edit": {
        "type": "edit",
        "edit": {
            "original_message_id": "wamid.in0",
            "message": {"type": "text", "text": {"body": "what I meant"}},
        },
    },
    "system": {"type": "system", "system": {"type": "customer_identity_changed", "body": "x"}},
    "call_permission": {
        "type": "interactive",
        "interactive": {"type": "call_permission_reply", "call_permission_reply": {}},
    },
    "a type of times to come": {"type": "hologram", "hologram": {"id": "1"}},
}


@pytest.mark.parametrize("name", META_CHANGES)
def test_on_meta_a_change_or_a_notice_is_no_reply(clock: Clock, plant: Plant, name: str) -> None:
    scene = Scene(plant, clock, "cloud_api")
    before = scene.window
    scene.tell(wrote(scene.device, None, **META_CHANGES[name]))
    assert not scene.has_ended
    assert not scene.is_replied
    assert scene.window == before
    assert plant.value("select is_reply from drip.inbound_messages") is False
    assert plant.values("select inbound_id from drip.replies") == []


META_SAYS: dict[str, dict[str, Any]] = {
    "button": {"type": "button", "button": {"text": "More", "payload": "more"}},
    "list": {
        "type": "interactive",
        "interactive": {"type": "list_reply", "list_reply": {"id": "1", "title": "Red"}},
    },
    "flow": {
        "type": "interactive",
        "interactive": {
            "type": "nfm_reply",
            "nfm_reply": {"name": "flow", "body": "Sent", "response_json": '{"size": "L"}'},
        },
    },
    "voice": {"type": "audio", "audio": {"id": "m1", "mime_type": "audio/ogg", "voice": True}},
    "sticker": {"type": "sticker", "sticker": {"id": "m2", "mime_type": "image/webp"}},
    "location": {"type": "location", "location": {"latitude": 3.1, "longitude": 101.7}},
    "contacts": {"type": "contacts", "contacts": [{"name": {"formatted_name": "Siti"}}]},
    "order": {"type": "order", "order": {"catalog_id": "1", "text": "two", "product_items": []}},
}


@pytest.mark.parametrize("name", META_SAYS)
def test_on_meta_what_is_said_is_a_reply(clock: Clock, plant: Plant, name: str) -> None:
    scene = Scene(plant, clock, "cloud_api")
    scene.tell(wrote(scene.device, None, **META_SAYS[name]))
    assert scene.has_ended
    assert scene.is_replied
    assert scene.window == clock.now
    assert len(plant.rows("select * from drip.replies")) == 1


def test_the_answers_of_a_flow_and_media_are_kept(clock: Clock, plant: Plant) -> None:
    scene = Scene(plant, clock, "cloud_api")
    scene.tell(wrote(scene.device, None, "wamid.a", **META_SAYS["flow"]))
    scene.tell(wrote(scene.device, None, "wamid.b", **META_SAYS["voice"]))
    flow, voice = plant.rows("select * from drip.replies order by inbound_id")
    assert (flow["text"], flow["payload"]) == ("Sent", '{"size": "L"}')
    assert (voice["kind"], voice["media_id"], voice["media_type"]) == ("audio", "m1", "audio/ogg")


@pytest.mark.parametrize(
    ("field", "value", "media"),
    [
        ("image", {"path": "statics/a.jpg", "mime_type": "image/jpeg"}, "statics/a.jpg"),
        ("video_note", "statics/v.mp4", "statics/v.mp4"),
        ("live_location", {"latitude": 1}, None),
        ("contacts_array", [{"name": "Siti"}], None),
        ("list", {"title": "Menu"}, None),
        ("order", {"id": "1"}, None),
        ("document", {"url": "http://gate/x.pdf"}, "http://gate/x.pdf"),
    ],
)
def test_gowa_has_more_types_than_text(
    clock: Clock, plant: Plant, field: str, value: Any, media: str | None
) -> None:
    scene = Scene(plant, clock, "gowa")
    scene.tell(said(scene.device, None, **{field: value}))
    row = plant.row("select kind, media_id from drip.replies")
    assert row == {"kind": field, "media_id": media}
    assert scene.has_ended


# -- edited to a stop word ---------------------------------------------------------------------


def test_an_edit_to_a_stop_word_stops_on_gowa(clock: Clock, plant: Plant) -> None:
    scene = Scene(plant, clock, "gowa")
    edit = {"body": "STOP", "original_message_id": "R1", "from": jid(PHONE), "chat_id": jid(PHONE)}
    # some versions give the edit the id of the message that it changes
    scene.tell(said(scene.device, "Stp", "R1"))
    scene.tell(gowa(scene.device, "message.edited", id="R1", **edit))
    assert plant.values("select category from drip.suppressions") == ["all"]
    assert plant.values("select followed_by from drip.replies where kind = 'edit'") == [
        "Opted out of everything."
    ]


def test_an_edit_to_a_stop_word_stops_on_meta(clock: Clock, plant: Plant) -> None:
    scene = Scene(plant, clock, "cloud_api")
    edit = {"original_message_id": "wamid.0", "message": {"type": "text", "text": {"body": "STOP"}}}
    scene.tell(wrote(scene.device, None, type="edit", edit=edit))
    assert plant.values("select category from drip.suppressions") == ["all"]
    assert plant.enrollment(scene.enrollment)["exit_reason"] == "opted_out"


def test_our_own_edits_and_those_of_a_group_say_nothing(clock: Clock, plant: Plant) -> None:
    scene = Scene(plant, clock, "gowa")
    edit = {"body": "STOP", "original_message_id": "R1", "from": jid(PHONE)}
    scene.tell(gowa(scene.device, "message.edited", is_from_me=True, chat_id=jid(PHONE), **edit))
    scene.tell(gowa(scene.device, "message.edited", chat_id="120363@g.us", **edit))
    assert plant.values("select category from drip.suppressions") == []
    assert plant.value("select count(*) from drip.inbound_messages") == 0


def test_a_reaction_with_a_word_stops_nothing(clock: Clock, plant: Plant) -> None:
    scene = Scene(plant, clock, "gowa")
    fields = {"reaction": "stop", "reacted_message_id": "out-1", "from": jid(PHONE)}
    scene.tell(gowa(scene.device, "message.reaction", chat_id=jid(PHONE), **fields))
    assert plant.values("select category from drip.suppressions") == []


# -- automatic answers -------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0, 3, 10])
def test_a_text_within_seconds_is_automatic(clock: Clock, plant: Plant, seconds: int) -> None:
    scene = Scene(plant, clock, "gowa")
    at = plant.message_row(scene.message)["sent_at"] + timedelta(seconds=seconds)
    scene.tell(said(scene.device, AWAY, timestamp=at.isoformat()))
    assert not scene.has_ended
    assert not scene.is_replied
    assert plant.row("select is_auto, text from drip.replies") == {"is_auto": True, "text": AWAY}


def test_an_answer_that_overtakes_the_result_is_automatic(clock: Clock, plant: Plant) -> None:
    """The message is still with its worker; what was said long before it left is a person's."""
    device, lead = plant.device(burst=5), plant.lead(PHONE)
    plant.message(device, lead)
    [claimed] = plant.claim()
    assert claimed["attempt"] == 1
    process(plant, said(device, AWAY, "R1", timestamp=clock.now.isoformat()))
    before = clock.now - timedelta(minutes=5)
    process(plant, said(device, AWAY + "!", "R2", timestamp=before.isoformat()))
    assert plant.values("select is_auto from drip.replies order by inbound_id") == [True, False]


def test_a_text_after_that_is_a_reply(clock: Clock, plant: Plant) -> None:
    scene = Scene(plant, clock, "gowa")
    at = plant.message_row(scene.message)["sent_at"] + timedelta(seconds=13)
    scene.tell(said(scene.device, AWAY, timestamp=at.isoformat()))
    assert scene.has_ended
    assert plant.value("select is_auto from drip.replies") is False


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("yes", {}),
        (AWAY, {"replied_to_id": "out-1"}),
    ],
)
def test_a_quick_word_or_a_quote_is_a_persons(
    clock: Clock, plant: Plant, text: str, more: dict[str, Any]
) -> None:
    scene = Scene(plant, clock, "gowa")
    at = plant.message_row(scene.message)["sent_at"] + timedelta(seconds=3)
    scene.tell(said(scene.device, text, timestamp=at.isoformat(), **more))
    assert scene.has_ended


def test_a_stop_within_seconds_is_a_stop(clock: Clock, plant: Plant) -> None:
    scene = Scene(plant, clock, "gowa")
    at = plant.message_row(scene.message)["sent_at"] + timedelta(seconds=2)
    scene.tell(said(scene.device, "Please stop promotions", timestamp=at.isoformat()))
    assert plant.values("select category from drip.suppressions") == ["marketing"]


def test_the_same_text_to_two_messages_is_automatic(clock: Clock, plant: Plant) -> None:
    plant.tenant(unknown_hold=timedelta(0))
    scene = Scene(plant, clock, "gowa")
    scene.tell(said(scene.device, AWAY))
    assert scene.has_ended
    again = plant.enroll(plant.sequence({}, {}), scene.lead)
    send(plant, plant.journey(again)[0]["id"], "out-2")
    clock.advance(minutes=5)
    scene.tell(said(scene.device, AWAY, "R2"))
    assert plant.enrollment(again)["completed_at"] is None
    assert plant.values("select is_auto from drip.replies order by inbound_id") == [False, True]


def test_the_tenant_sets_what_is_automatic(clock: Clock, plant: Plant) -> None:
    plant.tenant(auto_reply_seconds=None, auto_reply_repeats=False)
    scene = Scene(plant, clock, "gowa")
    at = plant.message_row(scene.message)["sent_at"] + timedelta(seconds=1)
    scene.tell(said(scene.device, AWAY, timestamp=at.isoformat()))
    assert scene.has_ended


# -- the service window ------------------------------------------------------------------------


def test_the_window_is_of_a_contact_and_a_number(clock: Clock, plant: Plant) -> None:
    """Who wrote to a phone at GOWA has opened no window of the number at Meta."""
    phone, number = plant.device("phone", burst=5), cloud_device(plant)
    lead = plant.lead(PHONE)
    process(plant, said(phone, "hello, is anybody there?"))
    message = plant.message(number, lead)
    plant.wake()
    assert plant.claim() == []
    row = plant.row("select reason from drip.message_outlook where message_id = %s", message)
    assert row["reason"] == "service_window_closed"
    process(plant, wrote(number, "hello, is anybody there?"))
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [message]


def test_another_number_at_meta_has_another_window(clock: Clock, plant: Plant) -> None:
    first = cloud_device(plant)
    second = plant.device("second", platform="cloud_api", burst=5)
    plant.update("user_devices", second, instance="999")
    lead = plant.lead(PHONE)
    process(plant, wrote(first, "hello, is anybody there?"))
    closed, opened = plant.message(second, lead), plant.message(first, lead)
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [opened]
    assert plant.message_row(closed)["status"] == "pending"
