"""A claimer that is held in the middle, while somebody stops what it is about to take.

The claim is three looks: devices, their head messages, the verdict. A table lock on what only the
next look reads holds the claimer exactly between two of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from factory import Clock, Connect, Connection, Plant
from waiting import wait_until_blocked

# What the look for head messages reads first, and what the verdict reads first.
BEFORE_THE_HEADS = "user_devices"
BEFORE_THE_VERDICT = "sender_accounts"


@contextmanager
def claimer_held(
    clock: Clock, plant: Plant, connect: Connect, table: str
) -> Iterator[list[dict[str, Any]]]:
    """While inside, a claim stands before its look at that table; afterwards the list is filled."""
    holder, claimer = connect(autocommit=False), clock.join(connect())
    holder.execute(f"lock table drip.{table} in access exclusive mode".encode())
    claimed: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: claimed.extend(plant.claim(session=claimer)))
    thread.start()
    try:
        wait_until_blocked(plant.conn, claimer, by=holder)
        yield claimed
    finally:
        holder.rollback()
        thread.join(timeout=30)
    assert not thread.is_alive()


Stop = Callable[[Plant, Connection, int], None]


def opt_out(plant: Plant, session: Connection, message: int) -> None:
    phone = plant.message_row(message)["recipient_phone"]
    session.execute("select * from drip.opt_out(%s)", [phone])


def pause_sequence(plant: Plant, session: Connection, message: int) -> None:
    sequence = plant.message_row(message)["sequence_id"]
    session.execute("select * from drip.pause_sequence(%s)", [str(sequence)])


def update_sequence(plant: Plant, session: Connection, message: int) -> None:
    session.execute("update drip.sequences set status = 'paused'")


def archive_sequence(plant: Plant, session: Connection, message: int) -> None:
    sequence = plant.message_row(message)["sequence_id"]
    session.execute("select * from drip.archive_sequence(%s)", [str(sequence)])


def exit_lead(plant: Plant, session: Connection, message: int) -> None:
    row = plant.message_row(message)
    session.execute(
        "select * from drip.exit_lead(%s, %s)", [str(row["sequence_id"]), row["recipient_phone"]]
    )


def cancel_campaign(plant: Plant, session: Connection, message: int) -> None:
    campaign = plant.message_row(message)["campaign_id"]
    session.execute("select * from drip.cancel_campaign(%s)", [str(campaign)])


def pause_campaign(plant: Plant, session: Connection, message: int) -> None:
    campaign = plant.message_row(message)["campaign_id"]
    session.execute("select * from drip.pause_campaign(%s)", [str(campaign)])


def pause_lead(plant: Plant, session: Connection, message: int) -> None:
    phone = plant.message_row(message)["recipient_phone"]
    session.execute("select * from drip.pause_lead(%s)", [phone])


OF_SEQUENCES = [opt_out, pause_sequence, update_sequence, archive_sequence, exit_lead, pause_lead]
OF_CAMPAIGNS = [opt_out, cancel_campaign, pause_campaign, pause_lead]


def planted(plant: Plant, of: str) -> int:
    """A due message of a sequence or a campaign."""
    device = plant.device()
    if of == "sequence":
        return int(plant.journey(plant.enroll(plant.sequence()))[0]["id"])
    return plant.message(device, campaign_id=plant.campaign(), priority=3, category="marketing")


@pytest.mark.lesson(30, story=True)
@pytest.mark.parametrize(
    ("of", "stop"),
    [("sequence", stop) for stop in OF_SEQUENCES] + [("campaign", stop) for stop in OF_CAMPAIGNS],
)
def test_what_was_stopped_before_the_heads_are_locked_does_not_leave(
    clock: Clock, plant: Plant, connect: Connect, of: str, stop: Stop
) -> None:
    message = planted(plant, of)
    application = clock.join(connect())
    application.execute("set statement_timeout = '10s'")
    with claimer_held(clock, plant, connect, BEFORE_THE_HEADS) as claimed:
        stop(plant, application, message)
    assert claimed == []
    assert plant.message_row(message)["status"] in ("pending", "cancelled")
    plant.wake()
    assert plant.claim() == []


@pytest.mark.lesson(30, story=True)
@pytest.mark.parametrize(
    "change",
    [
        "insert into drip.suppressions (user_id, phone, created_at)"
        " select user_id, phone, drip.now() from drip.leads",
        "update drip.leads set paused_until = 'infinity'",
        "update drip.users set is_active = false",
        "update drip.user_devices set status = 'disabled'",
        "update drip.user_devices set status = 'offline'",
    ],
)
def test_what_was_stopped_before_the_verdict_does_not_leave(
    clock: Clock, plant: Plant, connect: Connect, change: str
) -> None:
    """The rows are locked already; the verdict still looks at the world as it is then."""
    message = planted(plant, "sequence")
    application = clock.join(connect())
    application.execute("set statement_timeout = '10s'")
    with claimer_held(clock, plant, connect, BEFORE_THE_VERDICT) as claimed:
        application.execute(change.encode())
    assert claimed == []
    assert plant.message_row(message)["status"] in ("pending", "cancelled")


@pytest.mark.parametrize("stop", [pause_sequence, archive_sequence, exit_lead, update_sequence])
def test_a_stop_waits_for_the_claim_that_holds_the_message(
    clock: Clock, plant: Plant, connect: Connect, stop: Stop
) -> None:
    """So what leaves has left before the stop commits, and nothing after it."""
    message = planted(plant, "sequence")
    worker, application = clock.join(connect(autocommit=False)), clock.join(connect())
    assert len(plant.claim(session=worker)) == 1
    thread = threading.Thread(target=lambda: stop(plant, application, message))
    thread.start()
    wait_until_blocked(plant.conn, application, by=worker)
    worker.commit()
    thread.join(timeout=30)
    assert plant.message_row(message)["status"] == "processing"


@pytest.mark.parametrize("stop", [cancel_campaign, pause_campaign])
def test_the_same_for_campaigns(clock: Clock, plant: Plant, connect: Connect, stop: Stop) -> None:
    message = planted(plant, "campaign")
    worker, application = clock.join(connect(autocommit=False)), clock.join(connect())
    assert len(plant.claim(session=worker)) == 1
    thread = threading.Thread(target=lambda: stop(plant, application, message))
    thread.start()
    wait_until_blocked(plant.conn, application, by=worker)
    worker.commit()
    thread.join(timeout=30)
    assert plant.message_row(message)["status"] == "processing"


@pytest.mark.parametrize("stop", [opt_out, pause_sequence, exit_lead])
def test_a_claim_does_not_wait_for_an_open_stop(
    clock: Clock, plant: Plant, connect: Connect, stop: Stop
) -> None:
    """It passes over the rows that an application holds, and serves the device's next."""
    message = planted(plant, "sequence")
    device = plant.message_row(message)["device_id"]
    free = plant.message(device, priority=2)  # behind it in the queue
    application = clock.join(connect(autocommit=False))
    stop(plant, application, message)
    plant.conn.execute("set statement_timeout = '10s'")
    assert [row["message_id"] for row in plant.claim()] == [free]
    application.rollback()
    plant.answer({"message_id": free, "attempt": 1})
    assert [row["message_id"] for row in plant.claim()] == [message]
