"""leads_overview: each lead once, what it is, where it is, what it got."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from factory import Clock, Connect, Plant
from inbound import ack, process, said

PHONE = "+60123456789"
DAY = timedelta(days=1)


def overview(plant: Plant, lead: int) -> dict[str, Any]:
    return plant.row("select * from drip.leads_overview where lead_id = %s", lead)


def test_a_lead_that_has_got_nothing_yet(clock: Clock, plant: Plant) -> None:
    plant.tenant(time_zone="Asia/Kuala_Lumpur", language="ms")
    device = plant.device("Sales 1")
    lead = plant.lead(
        PHONE,
        name="Ali",
        niche="gym",
        trigger="warm",
        external_id="A-1",
        device_id=device,
        attributes='{"city": "Ipoh"}',
    )
    row = overview(plant, lead)
    told = {key: row[key] for key in row if row[key] not in (None, 0)}
    assert told == {
        "user_id": plant.user,
        "user_name": "default",
        "lead_id": lead,
        "external_id": "A-1",
        "phone": PHONE,
        "lead_name": "Ali",
        "niche": "gym",
        "trigger": "warm",
        "target_status": "prospect",
        "attributes": {"city": "Ipoh"},
        "device_id": device,
        "device_name": "Sales 1",
        "time_zone": "Asia/Kuala_Lumpur",
        "language": "ms",
        "created_at": plant.now(),
        "updated_at": plant.now(),
    }
    plant.update("leads", lead, time_zone="Asia/Tokyo", language="ja")
    row = overview(plant, lead)
    assert (row["time_zone"], row["language"]) == ("Asia/Tokyo", "ja")


def test_where_it_is_and_what_came_back(clock: Clock, plant: Plant) -> None:
    start = clock.now
    device = plant.device()
    lead = plant.lead(PHONE)
    short = plant.sequence({}, name="Short")
    slow = plant.sequence({}, {}, {}, name="Slow", stop_on_reply=False)
    late = plant.sequence({}, {}, name="Late", start_delay="9 days")
    for sequence in (short, slow, late):
        plant.enroll(sequence, lead)
    plant.live(clock, start + timedelta(hours=1))
    row = overview(plant, lead)
    assert (row["enrollments"], row["enrollments_live"], row["enrollments_completed"]) == (3, 2, 1)
    assert row["live_sequences"] == "Late, Slow"
    assert (row["sequence_name"], row["current_step"], row["steps"]) == ("Slow", 1, 3)
    assert (row["messages"], row["messages_sent"], row["messages_pending"]) == (6, 2, 4)
    assert row["next_message_at"] == start + DAY

    newest = plant.value("select max(id) from drip.broadcast_messages where status = 'sent'")
    process(plant, ack(device, f"id-{newest}", kind="read", phone=PHONE))
    clock.advance(minutes=1)
    process(plant, said(device, "Thanks", "in-1", phone=PHONE))
    row = overview(plant, lead)
    assert (row["delivered"], row["read"], row["replied"]) == (1, 1, 1)
    assert (row["first_sent_at"], row["last_sent_at"]) == (start, start)
    assert row["last_reply_at"] is not None
    assert row["last_reply_at"] == row["last_inbound_at"]
    plant.row("select * from drip.exit_lead('Late', %s)", PHONE)
    row = overview(plant, lead)
    assert (row["enrollments_exited"], row["live_sequences"]) == (1, "Slow")


@pytest.mark.parametrize("until", [None, "2026-03-09 10:00+00"])
def test_a_pause(clock: Clock, plant: Plant, until: str | None) -> None:
    lead = plant.lead(PHONE)
    plant.row("select * from drip.pause_lead(%s, %s, %s)", PHONE, until, f"asked by {PHONE}")
    row = overview(plant, lead)
    assert row["is_paused"] is True
    assert row["paused_until"] == (None if until is None else clock.read(until))
    assert row["pause_reason"] == f"asked by {PHONE}"
    plant.row("select * from drip.resume_lead(%s)", PHONE)
    row = overview(plant, lead)
    assert (row["is_paused"], row["paused_until"], row["pause_reason"]) == (False, None, None)


def test_a_pause_that_is_over(clock: Clock, plant: Plant) -> None:
    lead = plant.lead(PHONE)
    plant.row("select * from drip.pause_lead(%s, %s)", PHONE, clock.now + DAY)
    clock.advance(days=2)
    row = overview(plant, lead)
    assert (row["is_paused"], row["paused_until"]) == (False, None)


def test_opt_outs(plant: Plant) -> None:
    lead = plant.lead(PHONE)
    plant.row("select * from drip.opt_out(%s, p_category => 'marketing')", PHONE)
    assert overview(plant, lead)["suppressed"] == "marketing"
    plant.row("select * from drip.opt_out(%s)", PHONE)
    assert overview(plant, lead)["suppressed"] == "all"
    plant.row("select * from drip.opt_in(%s)", PHONE)
    assert overview(plant, lead)["suppressed"] is None


def test_who_sees_what(plant: Plant, connect: Connect) -> None:
    lead = plant.lead(PHONE)
    plant.row("select * from drip.pause_lead(%s, null, %s)", PHONE, f"asked by {PHONE}")
    other = plant.other_tenant()
    foreign = plant.lead(PHONE, user=other)
    assert len(plant.rows("select * from drip.leads_overview")) == 2
    plant.assign("drip_reader")
    reader = connect(role="drip_reader")
    rows = reader.execute("select * from drip.leads_overview").fetchall()
    assert [row["lead_id"] for row in rows] == [lead]
    assert PHONE not in str(rows)
    assert (
        reader.execute("select * from drip.leads_overview where lead_id = %s", [foreign]).fetchall()
        == []
    )


def test_testers_are_nobodys_leads(plant: Plant) -> None:
    plant.lead(is_tester=True)
    assert plant.rows("select * from drip.leads_overview") == []


def test_one_lead_is_read_by_its_indexes_and_a_count_reads_leads_alone(plant: Plant) -> None:
    plant.conn.execute("set enable_seqscan = off")

    def plan(query: str) -> str:
        return "\n".join(next(iter(row.values())) for row in plant.rows(f"explain {query}"))

    one = plan("select * from drip.leads_overview where lead_id = 7")
    for index in ("leads_tenant", "leads_pkey"):
        if f"using {index} on leads" in one:
            break
    else:
        raise AssertionError(one)
    assert "broadcast_messages_lead_idx" in one
    assert "sequence_contacts_lead_idx" in one
    counted = plan("select count(*) from drip.leads_overview")
    assert "broadcast_messages" not in counted
    assert "sequence_contacts" not in counted
