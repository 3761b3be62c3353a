"""explain_campaign(): its state, its audience, and its messages by what holds them."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from factory import Clock, Connect, Plant, Row
from psycopg.types.json import Jsonb


def make(plant: Plant, title: str = "Raya", **more: object) -> str:
    definition = {"title": title, "message": "Hi", "everyone": True} | more
    plant.row("select * from drip.create_campaign(%s)", Jsonb(definition))
    return title


def explain(plant: Plant, title: str = "Raya") -> list[Row]:
    rows = plant.rows("select * from drip.explain_campaign(%s)", title)
    assert [row["subject"] for row in rows[:4]] == ["campaign", "schedule", "audience", "planning"]
    assert {row["subject"] for row in rows[4:]} <= {"messages"}
    assert [row for row in rows if not row["sentence"] or row["sentence"] == row["reason"]] == []
    total = rows[2]["messages"]
    if total is not None:
        assert sum(row["messages"] for row in rows[4:]) == total
    return rows


def short(rows: list[Row]) -> list[tuple[str, str | None, int]]:
    return [(row["status"], row["reason"], row["messages"]) for row in rows[4:]]


@pytest.fixture(autouse=True)
def people(clock: Clock, plant: Plant) -> list[int]:
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    plant.device("one", burst=5)
    return [plant.lead() for _ in range(4)]


def test_from_draft_to_the_end(clock: Clock, plant: Plant) -> None:
    make(plant)
    rows = explain(plant)
    assert (rows[0]["status"], rows[0]["verdict"], rows[0]["reason"]) == (
        "draft",
        "wait",
        "campaign_not_scheduled",
    )
    assert rows[1]["sentence"] == "It has no scheduled time."
    assert short(rows) == [("not planned", "campaign_not_scheduled", 4)]

    plant.row("select * from drip.schedule_campaign('Raya', p_local => '2026-03-02 10:00')")
    at = clock.read("2026-03-02 10:00+08")
    rows = explain(plant)
    assert [(row["verdict"], row["earliest"]) for row in rows[:2]] == [("wait", at), ("wait", at)]
    assert rows[1]["sentence"] == "It is for 2026-03-02 10:00:00 (Asia/Kuala_Lumpur)."
    assert rows[1]["evidence"]["scheduled_local"] == "2026-03-02 10:00:00"

    clock.set(at)
    plant.tick()
    rows = explain(plant)
    assert (rows[0]["sentence"], rows[3]["status"]) == ("It is running.", "done")
    assert short(rows) == [("pending", None, 4)]

    plant.live(clock, at + timedelta(minutes=1))
    rows = explain(plant)
    assert (rows[0]["verdict"], rows[0]["sentence"]) == ("final", "It is complete.")
    assert short(rows) == [("sent", None, 4)]


def test_what_waits_goes_by_the_claims_reasons(
    clock: Clock, plant: Plant, people: list[int]
) -> None:
    make(plant, per_device_limit=3)
    plant.row("select * from drip.schedule_campaign('Raya')")
    plant.tick()
    until = clock.now + timedelta(hours=2)
    plant.update("leads", people[0], paused_until=until)
    found = explain(plant)
    assert sorted(short(found), key=str) == [
        ("pending", "lead_paused", 1),
        ("pending", None, 2),
        ("skipped", "campaign_device_limit", 1),
    ]
    paused = next(row for row in found if row["reason"] == "lead_paused")
    assert (paused["verdict"], paused["earliest"]) == ("wait", until)
    plant.conn.execute(paused["remedy"].encode())
    assert ("pending", None, 3) in short(explain(plant))
    plant.row("select * from drip.pause_campaign('Raya')")
    rows = explain(plant)
    assert rows[0]["reason"] == "campaign_paused"
    assert ("pending", "campaign_paused", 3) in short(rows)
    plant.conn.execute(rows[0]["remedy"].encode())
    assert ("pending", None, 3) in short(explain(plant))


def test_planning_that_fails_says_why(clock: Clock, plant: Plant) -> None:
    make(plant)
    plant.conn.execute("alter table drip.campaigns disable trigger user")
    plant.conn.execute(
        "insert into drip.audiences (name, key_column, created_at)"
        " values ('gone', 'phone', drip.now())"
    )
    plant.conn.execute(
        "update drip.campaigns set audience = 'gone', everyone = false, status = 'pending',"
        " scheduled_at = drip.now()"
    )
    plant.rows("select * from drip.tick()")
    rows = explain(plant)
    assert (rows[2]["reason"], rows[2]["messages"]) == ("audience_unreadable", None)
    assert rows[3]["status"] == "failing"
    assert "gone" in rows[3]["sentence"]
    assert rows[3]["earliest"] == clock.now + timedelta(seconds=30)
    for _ in range(5):
        clock.advance(minutes=5)
        plant.rows("select * from drip.tick()")
    rows = explain(plant)
    assert (rows[0]["reason"], rows[3]["status"]) == ("campaign_failed", "failed")
    plant.conn.execute("update drip.campaigns set audience = null, everyone = true")
    plant.conn.execute(rows[0]["remedy"].encode())
    plant.tick()
    assert short(explain(plant)) == [("pending", None, 4)]


def test_half_planned_the_rest_is_counted_too(clock: Clock, plant: Plant) -> None:
    make(plant)
    plant.row("select * from drip.schedule_campaign('Raya')")
    plant.row("select * from drip.expand_campaigns(3)")
    rows = explain(plant)
    assert rows[3]["status"] == "under way"
    assert short(rows) == [("pending", None, 3), ("not planned", "in_audience", 1)]


def test_an_empty_audience(clock: Clock, plant: Plant) -> None:
    make(plant, everyone=False, niche="nobody")
    assert explain(plant)[2]["sentence"] == "The audience is empty."


def test_a_cancelled_one(clock: Clock, plant: Plant) -> None:
    make(plant)
    plant.row("select * from drip.schedule_campaign('Raya')")
    plant.tick()
    plant.row("select * from drip.cancel_campaign('Raya')")
    rows = explain(plant)
    assert (rows[0]["verdict"], rows[0]["reason"]) == ("final", "campaign_cancelled")
    assert short(rows) == [("cancelled", "campaign_cancelled", 4)]


@pytest.mark.parametrize(("name", "code"), [("Raja", "DR012"), ("", "DR001"), (None, "DR001")])
def test_no_such_campaign(plant: Plant, name: str | None, code: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        plant.rows("select * from drip.explain_campaign(%s)", name)
    assert caught.value.sqlstate == code


def test_another_tenants_is_none(clock: Clock, plant: Plant, connect: Connect) -> None:
    make(plant)
    other = plant.other_tenant()
    plant.assign("drip_app", "other")
    session = clock.join(connect(role="drip_app"))
    session.execute("set default_transaction_read_only = on")
    with pytest.raises(psycopg.Error) as caught:
        session.execute("select * from drip.explain_campaign('Raya')")
    assert caught.value.sqlstate == "DR012"
    assert other
