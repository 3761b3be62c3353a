"""send_test_campaign() and send_test_step(): the real text to one phone, and nothing else of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from factory import Clock, Connect, Plant, Row
from inbound import process, said
from psycopg.types.json import Jsonb
from refusals import refusal

PHONE = "+60123456789"
STEP = "select * from drip.send_test_step(%s, %s, %s)"
CAMPAIGN = "select * from drip.send_test_campaign(%s, %s)"
Send = Callable[[Plant, str], Row]


def campaign(plant: Plant, **definition: Any) -> None:
    definition = {"title": "C", "everyone": True, "message": "News for {name|you}"} | definition
    plant.row("select * from drip.create_campaign(%s)", Jsonb(definition))


def by_campaign(plant: Plant, phone: str = PHONE) -> Row:
    campaign(plant)
    return plant.row(CAMPAIGN, "C", phone)


def by_step(plant: Plant, phone: str = PHONE) -> Row:
    plant.sequence({"content": "Hi"}, {"content": "Day two, {name|you}"}, name="S", start=False,
                   category="marketing")  # fmt: skip
    return plant.row(STEP, "S", "2", phone)


both = pytest.mark.parametrize("send", [by_campaign, by_step])


def expand(plant: Plant) -> None:
    while rows := plant.rows("select * from drip.expand_campaigns()"):
        if not rows[0]["remaining"]:
            return


@both
def test_the_text_that_leaves(clock: Clock, plant: Plant, send: Send) -> None:
    device = plant.device("one")
    lead = plant.lead(PHONE, name="Siti")
    plant.tenant(default_region="MY")
    row = send(plant, "012-345 6789")
    assert (row["outcome"], row["lead_id"], row["device_id"], row["device_name"]) == (
        "planned", lead, device, "one",
    )  # fmt: skip
    [claimed] = plant.claim()
    assert claimed["message_id"] == row["message_id"]
    assert claimed["content"] == row["content"]
    assert claimed["content"] in ("News for Siti", "Day two, Siti")
    assert plant.answer(claimed)["status"] == "sent"
    log = plant.row("select * from drip.message_log")
    assert (log["source_kind"], log["source_name"] in ("C", "S")) == ("test", True)
    assert (log["campaign_id"], log["sequence_id"]) == (None, None)


def test_greeting_attributes_and_variants(clock: Clock, plant: Plant) -> None:
    plant.device(burst=5)
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    plant.lead(PHONE, name="Siti", attributes=Jsonb({"city": "Ipoh"}))
    campaign(
        plant, greeting=True, message="from {attributes.city}: [[a|b|c|d|e|f]]",
        variants=[
            {"name": "A"}, {"name": "B", "message": "other"}, {"name": "off", "weight": 0},
        ],
    )  # fmt: skip
    rows = plant.rows(CAMPAIGN, "C", PHONE)
    assert [row["variant"] for row in rows] == ["A", "B"]
    assert "Siti" in rows[0]["content"]
    assert "from Ipoh" in rows[0]["content"]
    sent: dict[int, str] = {}
    while claimed := plant.claim():
        for row in claimed:
            sent[row["message_id"]] = row["content"]
            plant.answer(row)
        plant.wake()
    assert sent == {row["message_id"]: row["content"] for row in rows}
    only = plant.rows("select * from drip.send_test_campaign('C', %s, 'off')", PHONE)
    assert [row["variant"] for row in only] == ["off"]
    code, _, hint = refusal(
        plant.conn, "select * from drip.send_test_campaign('C', %s, 'Z')", PHONE
    )
    assert (code, "nearest" in hint) == ("DR012", True)
    plant.wake()
    assert plant.claim()[0]["message_id"] == only[0]["message_id"]
    assert plant.value("select variant from drip.message_log order by message_id desc limit 1") == (
        "off"
    )
    assert plant.rows("select 1 from drip.campaign_variants where messages > 0") == []


def test_a_step_has_the_attributes_of_the_journey(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.sequence({"content": "Order {attributes.order|none}"}, name="S")
    plant.row(
        "select * from drip.enroll_lead('S', %s, p_attributes => '{\"order\": \"17\"}')", PHONE
    )
    assert plant.row(STEP, "S", "1", PHONE)["content"] == "Order 17"


@both
def test_ahead_of_everything(clock: Clock, plant: Plant, send: Send) -> None:
    device = plant.device()
    others = [
        plant.message(device, scheduled_at=clock.now - timedelta(hours=hours)) for hours in (1, 30)
    ]
    first, second = (
        send(plant, PHONE)["message_id"],
        plant.row(
            "select message_id from drip.send_test_campaign('C', %s)"
            if send is by_campaign
            else "select message_id from drip.send_test_step('S', '1', %s)",
            PHONE,
        )["message_id"],
    )
    order = []
    for _ in range(4):
        [row] = plant.claim()
        order.append(row["message_id"])
        plant.answer(row)
        plant.wake()
    assert order == [first, second, others[1], others[0]]


@both
def test_no_window_cap_or_pause_holds_it(clock: Clock, plant: Plant, send: Send) -> None:
    """And it uses up no contact cap."""
    device = plant.device()
    plant.tenant(send_from="03:00", send_to="03:01", contact_cap=1, contact_gap="1 day")
    lead = plant.lead(PHONE, paused_until="infinity")
    plant.message(device, lead, category="marketing", status="sent", sent_at=clock.now,
                  finished_at=clock.now)  # fmt: skip
    [claimed] = plant.claim() if send(plant, PHONE) else []
    plant.answer(claimed)
    other = plant.lead("+60123456780")
    plant.conn.execute("update drip.users set send_from = null, send_to = null")
    plant.rows(CAMPAIGN if send is by_campaign else STEP,
               *(("C",) if send is by_campaign else ("S", "1")), "+60123456780")  # fmt: skip
    plant.wake()
    plant.answer(plant.claim()[0])
    real = plant.message(device, other, category="marketing")
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [real]


@both
def test_who_opted_out_is_refused(clock: Clock, plant: Plant, send: Send) -> None:
    plant.device()
    plant.suppress(PHONE, "marketing")
    row = send(plant, PHONE)
    assert (row["outcome"], row["message_id"]) == ("suppressed", None)
    assert row["reason"]
    assert plant.rows("select 1 from drip.broadcast_messages") == []


@both
def test_without_a_device(clock: Clock, plant: Plant, send: Send) -> None:
    row = send(plant, PHONE)
    assert (row["outcome"], row["message_id"]) == ("no_device", None)


@both
def test_what_cannot_leave_within_the_hour_expires(clock: Clock, plant: Plant, send: Send) -> None:
    plant.device(status="offline")
    message = send(plant, PHONE)["message_id"]
    clock.advance(minutes=61)
    plant.tick()
    assert plant.message_row(message)["status"] == "expired"


@both
def test_an_unknown_phone_is_in_no_audience(clock: Clock, plant: Plant, send: Send) -> None:
    plant.device()
    tester = send(plant, PHONE)["lead_id"]
    known = plant.lead()
    campaign(plant, title="All")
    plant.row("select * from drip.schedule_campaign('All')")
    expand(plant)
    reached = "select lead_id from drip.message_log where source_name = 'All'"
    assert plant.value(reached) == known
    plant.row("select * from drip.upsert_lead(%s)", PHONE)
    assert plant.value("select is_tester from drip.leads where id = %s", tester) is False


def test_a_tester_that_is_enrolled_is_a_lead(clock: Clock, plant: Plant) -> None:
    plant.device()
    tester = by_step(plant)["lead_id"]
    assert plant.value("select is_tester from drip.leads where id = %s", tester)
    plant.row("select * from drip.start_sequence('S')")
    plant.row("select * from drip.enroll_lead('S', %s)", PHONE)
    assert not plant.value("select is_tester from drip.leads where id = %s", tester)


def test_everybody_is_reached_after_a_test_too(clock: Clock, plant: Plant) -> None:
    plant.device(burst=9)
    lead = plant.lead(PHONE)
    by_campaign(plant)
    plant.answer(plant.claim()[0])
    plant.row("select * from drip.schedule_campaign('C')")
    expand(plant)
    row = plant.row("select * from drip.campaign_overview")
    assert (row["audience_count"], row["messages"], row["messages_sent"]) == (1, 1, 0)
    plant.wake()
    assert [r["recipient_phone"] for r in plant.claim()] == [PHONE]
    assert plant.value("select lead_id from drip.broadcast_messages where campaign_id > 0") == lead


def test_no_report_knows_it(clock: Clock, plant: Plant) -> None:
    plant.device()
    by_campaign(plant)
    by_step(plant)
    while claimed := plant.claim():
        plant.answer(claimed[0], "permanent", scope="recipient", error_code="131026")
        plant.wake()
    assert plant.value("select sum(messages_failed) from drip.campaign_overview") == 0
    assert plant.rows("select 1 from drip.sequence_funnel where messages > 0") == []
    assert plant.rows("select 1 from drip.failure_reasons") == []
    assert plant.value("select count(*) from drip.message_log where status = 'failed'") == 2


def test_a_reply_is_not_for_a_test(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    lead = plant.lead(PHONE)
    real = plant.message(device, lead, status="sent", sent_at=clock.now, finished_at=clock.now)
    clock.advance(minutes=1)
    test = by_campaign(plant)["message_id"]
    [claimed] = plant.claim()
    plant.answer(claimed, provider_message_id="wamid.test")
    clock.advance(minutes=1)
    process(plant, said(device, "hello", phone=PHONE))
    assert plant.message_row(test)["replied_at"] is None
    assert plant.message_row(real)["replied_at"] is not None


def test_the_device_of_a_test_is_not_the_leads(clock: Clock, plant: Plant) -> None:
    one = plant.device("one")
    two = plant.device("two")
    lead = plant.lead(PHONE)
    campaign(plant, devices=["two"])
    assert plant.row(CAMPAIGN, "C", PHONE)["device_id"] == two
    for _ in range(4):
        plant.message(two)
    assert plant.value("select drip._pool_device(%s, %s)", plant.user, lead) == one


@pytest.mark.parametrize("phone", ["", "rubbish", None, "12"])
@both
def test_no_phone(plant: Plant, send: Send, phone: Any) -> None:
    plant.device()
    if send is by_campaign:
        campaign(plant)
        code = refusal(plant.conn, CAMPAIGN, "C", phone)[0]
    else:
        plant.sequence(name="S", start=False)
        code = refusal(plant.conn, STEP, "S", "1", phone)[0]
    assert code == "DR002"
    assert plant.rows("select 1 from drip.leads") == []


def test_only_the_own_tenants(clock: Clock, plant: Plant, connect: Connect) -> None:
    plant.device()
    campaign(plant)
    other = plant.other_tenant()
    with plant.acting_for(other):
        assert refusal(plant.conn, CAMPAIGN, "C", PHONE)[0] == "DR012"
