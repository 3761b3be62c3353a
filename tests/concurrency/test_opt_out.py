"""opt_out() beside a claim, beside enrollments, beside itself."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from factory import Clock, Plant
from waiting import is_blocked_by, wait_until_blocked

PHONE = "+60123456789"
OPT_OUT = "select * from drip.opt_out(%s)"


@pytest.mark.lesson(48, story=True)
def test_it_waits_for_a_claim_of_the_same_phone(clock: Clock, plant: Plant, connect: Any) -> None:
    """Once the opt-out has committed, nothing unclaimed leaves."""
    device = plant.device(burst=10)
    lead = plant.lead(PHONE)
    plant.message(device, lead)
    later = plant.message(device, lead)
    worker = clock.join(connect(autocommit=False))
    app = clock.join(connect())
    [claimed] = plant.claim(session=worker)
    done: list[Any] = []
    thread = threading.Thread(target=lambda: done.append(app.execute(OPT_OUT, [PHONE]).fetchone()))
    thread.start()
    wait_until_blocked(plant.conn, app, by=worker)
    worker.commit()
    thread.join(timeout=30)
    assert done[0]["cancelled"] == 1
    assert plant.message_row(claimed["message_id"])["status"] == "processing"
    assert plant.message_row(later)["status"] == "cancelled"
    plant.wake()
    assert plant.claim() == []


def test_it_does_not_wait_for_other_phones_nor_for_an_enrollment(
    clock: Clock, plant: Plant, connect: Any
) -> None:
    """An application that holds an enrollment of this very lead open delays no opt-out."""
    device = plant.device()
    lead, other = plant.lead(PHONE), plant.lead("+60199999999")
    plant.message(device, lead)
    plant.message(device, other)
    sequence = plant.sequence()
    held = clock.join(connect(autocommit=False))
    held.execute("select * from drip.enroll_lead(%s, %s)", [str(sequence), PHONE])
    held.execute("select * from drip.opt_out('+60199999999')")
    app = clock.join(connect())
    app.execute("set lock_timeout = '20s'")
    assert app.execute(OPT_OUT, [PHONE]).fetchone() == {
        "lead_id": lead,
        "phone": PHONE,
        "outcome": "suppressed",
        "cancelled": 1,
    }
    held.commit()
    # What was planned meanwhile is dropped by the claim.
    clock.advance(hours=1)
    plant.wake()
    assert plant.claim() == []
    reasons = plant.rows(
        "select distinct status_reason from drip.broadcast_messages where lead_id = %s", lead
    )
    assert reasons == [{"status_reason": "suppressed"}]


def test_two_at_once_are_one(clock: Clock, plant: Plant, connect: Any) -> None:
    plant.message(plant.device(), plant.lead(PHONE))
    first = clock.join(connect(autocommit=False))
    second = clock.join(connect())
    assert first.execute(OPT_OUT, [PHONE]).fetchone()["outcome"] == "suppressed"
    done: list[Any] = []
    thread = threading.Thread(
        target=lambda: done.append(second.execute(OPT_OUT, [PHONE]).fetchone())
    )
    thread.start()
    wait_until_blocked(plant.conn, second, by=first)
    first.commit()
    thread.join(timeout=30)
    assert (done[0]["outcome"], done[0]["cancelled"]) == ("already_suppressed", 0)


def test_a_row_that_nobody_holds_blocks_nobody(plant: Plant, connect: Any) -> None:
    """The helper that the tests above rest on can say no."""
    idle, busy = connect(autocommit=False), connect()
    idle.execute("select 1")
    assert not is_blocked_by(plant.conn, busy, idle)
    with pytest.raises(TimeoutError):
        wait_until_blocked(plant.conn, busy, by=idle, seconds=0.2)
