"""An edit of a running campaign beside a claim: nobody is lost, nobody is written to twice."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from factory import Clock, Connect, Plant, Row
from psycopg.types.json import Jsonb
from waiting import wait_until_blocked

EDIT = "select * from drip.update_campaign('Raya', %s)"
LEADS = 4
CLAIMED = 2


@pytest.fixture
def campaign(clock: Clock, plant: Plant) -> None:
    """A campaign to four leads, planned, on two devices."""
    for _ in range(CLAIMED):
        plant.device()
    for _ in range(LEADS):
        plant.lead()
    plant.row(
        "select * from drip.create_campaign(%s)",
        Jsonb({"title": "Raya", "message": "Hi", "everyone": True}),
    )
    plant.row("select * from drip.schedule_campaign('Raya')")
    plant.rows("select * from drip.expand_campaigns()")


def finish(clock: Clock, plant: Plant, claimed: list[Row], until: timedelta) -> None:
    """All is sent from here on; each message has left once."""
    for row in claimed:
        plant.answer(row)
    plant.live(clock, clock.now + until)
    rows = plant.rows("select status, attempts from drip.broadcast_messages")
    assert [(row["status"], row["attempts"]) for row in rows] == [("sent", 1)] * LEADS
    assert plant.value("select status from drip.campaigns") == "completed"


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_an_edit_waits_for_a_claim_under_way(
    clock: Clock, plant: Plant, connect: Connect, end: str
) -> None:
    """It lists and moves what the claim has left, all of it where the claim did not happen."""
    later = clock.now + timedelta(hours=1)
    claimer, editor = clock.join(connect(autocommit=False)), clock.join(connect())
    claimed = plant.claim(session=claimer)
    assert len(claimed) == CLAIMED
    listed: list[Row] = []
    edit = Jsonb({"scheduled_at": later.isoformat()})
    thread = threading.Thread(target=lambda: listed.extend(editor.execute(EDIT, [edit])))
    thread.start()
    wait_until_blocked(plant.conn, editor, by=claimer)
    getattr(claimer, end)()
    thread.join(timeout=30)
    assert not thread.is_alive()

    left = set() if end == "rollback" else {row["message_id"] for row in claimed}
    rows = plant.rows("select id, status, scheduled_at from drip.broadcast_messages")
    moved = {row["id"] for row in rows if row["scheduled_at"] == later}
    assert {row["message_id"] for row in listed[1:]} == moved
    assert moved == {row["id"] for row in rows} - left
    plant.wake()
    assert plant.claim() == []
    finish(clock, plant, claimed if left else [], timedelta(hours=2))


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_claim_passes_by_an_edit_that_is_not_committed(
    clock: Clock, plant: Plant, connect: Connect, end: str
) -> None:
    later = clock.now + timedelta(hours=1)
    editor = clock.join(connect(autocommit=False))
    editor.execute(EDIT, [Jsonb({"scheduled_at": later.isoformat()})])
    plant.conn.execute("set statement_timeout = '10s'")
    assert plant.claim() == []
    getattr(editor, end)()
    plant.wake()
    claimed = plant.claim()
    assert len(claimed) == (0 if end == "commit" else CLAIMED)
    finish(clock, plant, claimed, timedelta(hours=2))
