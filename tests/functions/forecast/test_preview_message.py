"""preview_message(): what the claim will give, what was sent, and what is left empty."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from factory import Clock, Connect, Plant, Row
from psycopg.types.json import Jsonb
from refusals import refusal

SHOWN = ("message_type", "content", "caption", "media_url", "template")
TEMPLATE = {
    "name": "promo",
    "language": "ms",
    "components": [
        {"type": "body", "parameters": [{"type": "text", "text": "{name|kawan} [[a|b|c|d]]"}]}
    ],
}
# what a step says, by message type
PARTS: list[Row] = [
    {"content": "[[Hi|Hello|Salam|Hey]] {name},\nhttps://x.test/?a=[1]&b={}\n{attributes.city}"},
    {"message_type": "image", "media_url": "https://x.test/a.png", "caption": "For {name} [[1|2]]"},
    {"message_type": "video", "media_url": "https://x.test/a.mp4", "content": "{phone} [[1|2]]"},
    {"message_type": "document", "media_url": "https://x.test/a.pdf"},
    {"message_type": "audio", "media_url": "https://x.test/a.ogg", "content": None},
    {"message_type": "template", "content": None, "template": TEMPLATE},
]


def preview(plant: Plant, **arguments: Any) -> Row:
    named = ", ".join(f"p_{name} => %s" for name in arguments)
    return plant.row(f"select * from drip.preview_message({named})", *arguments.values())


def shown(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in SHOWN)


@pytest.mark.parametrize("language", ["ms", "en", "id", None])
@pytest.mark.parametrize(
    "at", ["2026-03-02 05:10+08", "2026-03-02 12:30+08", "2026-03-02 21:00+08"]
)
def test_it_is_the_text_of_the_claim(
    clock: Clock, plant: Plant, language: str | None, at: str
) -> None:
    """For every type of message, from a sequence and from a campaign, at any hour."""
    clock.set(at)
    plant.tenant(time_zone="Asia/Kuala_Lumpur", language="ms")
    plant.device(burst=20)
    plant.lead()  # so that no message has the id of its lead
    for number, part in enumerate(PARTS):
        lead = plant.lead(
            f"+60123450{number:03}",
            name="Ali [[a|b]]",
            language=language,
            attributes=Jsonb({"city": "Ipoh"}),
        )
        plant.enroll(plant.sequence(part, greeting=True), lead)
        columns = {"message": part.get("content", "Campaign"), "message_type": "text", **part}
        columns.pop("content", None)
        if "template" in columns:
            columns["template"] = Jsonb(TEMPLATE)
        campaign = plant.campaign(greeting=True, **columns)
        plant.message(
            plant.value("select id from drip.user_devices"),
            plant.lead(name="Siti", language=language, time_zone="Europe/London"),
            campaign_id=campaign,
            category="marketing",
            message_type=columns["message_type"],
        )
    planned = {
        row["id"]: preview(plant, message=row["id"])
        for row in plant.rows("select id from drip.broadcast_messages")
    }
    assert len(planned) == 2 * len(PARTS)
    claimed = plant.claim()
    assert {row["message_id"]: shown(row) for row in claimed} == {
        message: shown(row) for message, row in planned.items()
    }
    assert {row["as_of"] for row in planned.values()} == {clock.now}


def test_the_greeting_is_of_the_hour_it_leaves(clock: Clock, plant: Plant) -> None:
    """A step of tomorrow evening does not say good morning."""
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    plant.device()
    enrollment = plant.enroll(
        plant.sequence({"content": "Hi"}, {"content": "Hi", "send_time": "20:00"}, greeting=True)
    )
    first, second = plant.journey(enrollment)
    row = preview(plant, message=second["id"])
    assert row["content"] == "Good evening,\n\nHi"
    assert row["as_of"] == clock.read("2026-03-03 20:00+08")
    assert preview(plant, message=first["id"])["content"] == "Good morning,\n\nHi"
    handed = plant.live(clock, clock.now + timedelta(days=2))
    assert [text for _, _, text in handed] == ["Good morning,\n\nHi", "Good evening,\n\nHi"]


def test_behind_a_window_it_greets_by_the_opening(clock: Clock, plant: Plant) -> None:
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    plant.device()
    enrollment = plant.enroll(plant.sequence(greeting=True, send_from="19:00", send_to="21:00"))
    [message] = plant.journey(enrollment)
    assert preview(plant, message=message["id"])["content"] == "Good evening,\n\nStep"


def test_all_rules_together_say_the_hour(clock: Clock, plant: Plant) -> None:
    """A step of tomorrow morning whose window opens in the evening, on a device with hours."""
    plant.tenant(time_zone="Asia/Kuala_Lumpur", send_from="13:00", send_to="21:00")
    plant.device(active_from="19:00", active_to="23:00")
    enrollment = plant.enroll(plant.sequence({}, {"send_time": "08:00"}, greeting=True))
    planned = [preview(plant, message=row["id"]) for row in plant.journey(enrollment)]
    assert [row["content"] for row in planned] == ["Good evening,\n\nStep"] * 2
    handed = plant.live(clock, clock.now + timedelta(days=3))
    assert handed == [
        (row["as_of"], plant.value("select phone from drip.leads"), row["content"])
        for row in planned
    ]


def test_a_held_message_is_read_now(clock: Clock, plant: Plant) -> None:
    plant.device()
    sequence = plant.sequence(greeting=True)
    [message] = plant.journey(plant.enroll(sequence))
    plant.row("select * from drip.pause_sequence(%s)", str(sequence))
    assert preview(plant, message=message["id"])["as_of"] == clock.now


def test_what_was_sent_is_shown_as_it_was(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    lead = plant.lead(name="Ali")
    message = plant.message(device, lead, source=Jsonb({"content": "Hi {name} [[a|b]]"}))
    [claimed] = plant.claim()
    plant.answer(claimed)
    plant.update("leads", lead, name="Siti")
    clock.advance(days=1)
    row = preview(plant, message=message)
    assert shown(row) == shown(claimed)
    assert (row["unfilled"], row["as_of"]) == (None, clock.now - timedelta(days=1))


def test_a_message_that_will_be_tried_again_is_rendered_again(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    lead = plant.lead(name="Ali")
    message = plant.message(device, lead)
    [claimed] = plant.claim()
    plant.answer(claimed, "retry", scope="recipient")
    plant.update("leads", lead, name="Siti")
    assert preview(plant, message=message)["content"] == "Hello Siti"


def test_what_was_cancelled_shows_what_it_would_have_said(clock: Clock, plant: Plant) -> None:
    message = plant.message(
        plant.device(), status="cancelled", status_reason="x", finished_at=clock.now
    )
    assert preview(plant, message=message)["content"] == "Hello "


# -- a program, before anything is planned ------------------------------------------------------


def test_a_step_for_a_phone(clock: Clock, plant: Plant) -> None:
    sequence = plant.sequence(
        {"name": "one", "content": "{name} of {attributes.city} [[a|b|c]]"}, name="S", greeting=True
    )
    step = plant.value("select id from drip.sequence_steps")
    plant.lead("+60123456789", name="Ali", attributes=Jsonb({"city": "Ipoh"}), language="ms")
    rows = [
        preview(plant, phone="+60123456789", sequence=named, step=said)
        for named, said in (("S", "one"), (str(sequence), str(step)))
        for _ in range(3)
    ]
    assert all(row == rows[0] for row in rows)
    assert rows[0]["content"][:-1] == "Selamat pagi Ali,\n\nAli of Ipoh "
    assert (rows[0]["message_id"], rows[0]["message_type"]) == (None, "text")
    assert rows[0]["lead_id"] == plant.value("select id from drip.leads")


def test_once_it_is_planned_the_draw_is_the_messages(clock: Clock, plant: Plant) -> None:
    """And the attributes are those of its journey."""
    plant.device()
    plant.lead()  # so that no message has the id of its lead
    plant.sequence({"name": "one", "content": "[[a|b|c|d|e|f|g|h]] {attributes.plan|}"}, name="S")
    for number in range(8):
        phone = f"+6012345678{number}"
        plant.row(
            "select * from drip.enroll_lead('S', %s, p_attributes => %s)",
            phone,
            Jsonb({"plan": "gold"}),
        )
        row = preview(plant, phone=phone, sequence="S", step="one")
        assert row["content"].endswith(" gold")
        assert row["content"] == preview(plant, message=row["message_id"])["content"]


def test_a_campaign_for_a_phone(clock: Clock, plant: Plant) -> None:
    plant.campaign(title="C", message="News for {name|you}", status="draft")
    plant.lead("+60123456789")
    row = preview(plant, phone="+60123456789", campaign="C")
    assert (row["content"], row["unfilled"]) == ("News for you", [])


def test_what_comes_out_empty_is_listed(clock: Clock, plant: Plant) -> None:
    """Blank counts as empty; what another placeholder's fallback covers does not."""
    lead = plant.lead(name=" ", attributes=Jsonb({"city": " ", "plan": "gold"}))
    text = "{name} {name} {name|you} {attributes.city} {attributes.x|} {attributes.plan} {phone}"
    message = plant.message(plant.device(), lead, source=Jsonb({"content": text}))
    assert preview(plant, message=message)["unfilled"] == [
        "{attributes.city}",
        "{attributes.x|}",
        "{name}",
    ]
    template = {
        "components": [{"parameters": [{"text": "{attributes.city}"}, {"text": "{phone}"}]}]
    }
    message = plant.message(
        None, lead, message_type="template", source=Jsonb({"template": template, "content": text})
    )
    assert preview(plant, message=message)["unfilled"] == ["{attributes.city}"]


# -- who may look at what -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "p_phone => '+60123456789'",
        "p_phone => '+60123456789', p_sequence => 'S'",
        "p_sequence => 'S', p_step => 'one'",
        "p_phone => '+60123456789', p_step => 'one'",
        "p_phone => '+60123456789', p_sequence => 'S', p_step => 'one', p_campaign => 'C'",
        "1, '+60123456789'",
    ],
)
def test_it_must_be_clear_what_to_show(plant: Plant, arguments: str) -> None:
    code, _, _ = refusal(plant.conn, f"select * from drip.preview_message({arguments})")
    assert code == "DR001"


def test_an_unknown_step_is_answered_with_those_there_are(plant: Plant) -> None:
    plant.sequence({"name": "one"}, {}, name="S")
    plant.lead("+60123456789")
    second = plant.value("select max(id) from drip.sequence_steps")
    code, sentence, hint = refusal(
        plant.conn, "select * from drip.preview_message(null, '+60123456789', 'S', '0')"
    )
    assert (code, sentence) == ("DR012", "the sequence 'S' has no step '0'")
    assert hint == f"Its steps are #1 (id {second - 1}, 'one'), #2 (id {second})."


def test_another_tenants_message_is_none(plant: Plant, connect: Connect) -> None:
    other = plant.other_tenant()
    message = plant.message(None, user=other)
    mine = plant.message(None, plant.lead("+60123456789"), source=Jsonb({"content": "To {phone}"}))
    plant.assign("drip_app")
    session = connect(role="drip_app")
    query = "select * from drip.preview_message(%s)"
    assert refusal(session, query, message)[:2] == ("DR012", f"there is no message {message}")
    row = session.execute(query, [mine]).fetchone()
    assert row is not None
    # without drip_pii a phone is masked wherever it stands
    assert row["content"] == "To " + plant.value("select drip.mask_phone('+60123456789')")
