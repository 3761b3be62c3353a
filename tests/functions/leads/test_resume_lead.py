"""resume_lead(): a pause ended before its time."""

from __future__ import annotations

from factory import Clock, Connection, Plant
from refusals import refusal

PHONE = "+60123456789"
RESUME = "select * from drip.resume_lead(%s)"


def test_what_was_held_goes(clock: Clock, plant: Plant, conn: Connection) -> None:
    device = plant.device()
    lead = plant.lead(PHONE, trigger="cold")
    message = plant.message(device, lead)
    plant.row("select * from drip.pause_lead(%s, p_reason => 'asked')", PHONE)
    plant.update("leads", lead, enroll_check=False)
    assert plant.claim() == []
    conn.execute("listen drip_wake")

    assert plant.row(RESUME, PHONE) == {
        "lead_id": lead,
        "phone": PHONE,
        "freed": 1,
        "outcome": "resumed",
    }

    assert next(conn.notifies(timeout=30, stop_after=1)).payload == str(device)
    row = plant.row("select paused_until, pause_reason, enroll_check from drip.leads")
    assert row == {"paused_until": None, "pause_reason": None, "enroll_check": True}
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [message]


def test_a_lead_that_is_not_paused(clock: Clock, plant: Plant) -> None:
    lead = plant.lead(PHONE)
    plant.message(plant.device(), lead)
    assert plant.row(RESUME, PHONE) == {
        "lead_id": lead,
        "phone": PHONE,
        "freed": 0,
        "outcome": "not_paused",
    }


def test_other_reasons_to_wait_stay(clock: Clock, plant: Plant) -> None:
    lead = plant.lead(PHONE)
    message = plant.message(
        plant.device(), lead, not_before="infinity", deferred_reason="sequence_paused"
    )
    plant.row("select * from drip.pause_lead(%s)", PHONE)
    plant.row(RESUME, PHONE)
    assert plant.value(
        "select not_before = 'infinity' and deferred_reason = 'sequence_paused'"
        " from drip.broadcast_messages where id = %s",
        message,
    )


def test_an_unknown_lead_is_refused(conn: Connection) -> None:
    assert refusal(conn, RESUME, PHONE)[0] == "DR012"
