"""Every view tells the same numbers: buckets sum to totals, and totals to the rows."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from factory import Clock, Connect, Plant
from inbound import Webhook, ack, process, said
from psycopg.types.json import Jsonb

ENROLLMENTS = [
    "pending",
    "active",
    "sent",
    "failed",
    "paused",
    "completed",
    "sequence_failed",
    "exited",
]
MESSAGES = [
    "pending",
    "processing",
    "sent",
    "failed",
    "unknown",
    "cancelled",
    "skipped",
    "expired",
]


@pytest.fixture
def busy(clock: Clock, plant: Plant) -> Plant:
    """A few days of two sequences, a campaign and single messages, with all that goes wrong."""
    chance = random.Random(7)
    plant.tenant(breaker_sample=1000)
    devices = [plant.device(burst=10, unknown_policy="hold") for _ in range(3)]
    down = plant.device(status="offline", in_pool=False)
    plain = plant.sequence({}, {"trigger_delay_hours": 5, "valid_for": "2 hours"}, {})
    strict = plant.sequence({}, {}, on_step_failure="stop")
    paused = plant.sequence({}, {})
    phones = [f"+6012345{number:04d}" for number in range(40)]
    for sequence, part in ((plain, phones), (strict, phones[:20]), (paused, phones[20:])):
        plant.conn.execute("select * from drip.enroll_leads(%s, %s)", [str(sequence), list(part)])
    plant.conn.execute(
        "select * from drip.create_campaign(%s)",
        [Jsonb({"title": "Raya", "message": "Hi {name}", "everyone": True})],
    )
    plant.conn.execute("select * from drip.schedule_campaign('Raya')")
    plant.message(down)
    plant.message(None)
    for hour in range(40):
        plant.tick()
        plant.wake()
        webhooks: list[Webhook] = []
        for row in plant.claim():
            if chance.random() < 0.1:
                continue  # the worker was lost
            plant.answer(row, chance.choice(["accepted"] * 6 + ["permanent", "unknown", "retry"]))
            # the third device reports nothing
            if row["device_id"] != devices[2]:
                webhooks += come_back(row, chance)
        chance.shuffle(webhooks)
        process(plant, *webhooks)
        if hour == 3:
            plant.conn.execute("select * from drip.pause_sequence(%s)", [str(paused)])
            plant.conn.execute("select * from drip.opt_out(%s)", [phones[0]])
            plant.conn.execute("select * from drip.exit_lead(%s, %s)", [str(plain), phones[1]])
            plant.conn.execute("select * from drip.pause_lead(%s)", [phones[2]])
        clock.advance(hours=1)
    # so many failed that it may have paused itself
    plant.row("select * from drip.resume_sequence(%s)", str(plain))
    plant.enroll(plain)
    plant.wake()
    assert plant.claim() != []  # some are on their way
    return plant


def come_back(row: dict[str, Any], chance: random.Random) -> list[Webhook]:
    """What a contact's phone and the contact say to a message; nothing to every fifth."""
    phone, number = row["recipient_phone"], f"id-{row['message_id']}"
    said_so = [kind for kind in ("delivered", "read") if chance.random() < 0.6]
    words = chance.choice([None] * 30 + ["Thanks", "STOP"])
    return [
        *(ack(row["device_id"], number, kind=kind, phone=phone) for kind in said_so),
        *([said(row["device_id"], words, f"in-{number}", phone=phone)] if words else []),
    ]


def count(rows: list[dict[str, Any]], column: str) -> dict[Any, int]:
    """How many rows have each value."""
    counts: dict[Any, int] = {}
    for row in rows:
        counts[row[column]] = counts.get(row[column], 0) + 1
    return counts


def agree(plant: Plant) -> None:
    """Compare every view with message_log and with each other."""
    log = plant.rows("select * from drip.message_log")
    assert len(log) == plant.value("select count(*) from drip.broadcast_messages")
    by_status = count(log, "status")

    overview = plant.rows("select * from drip.sequence_overview")
    funnel = plant.rows("select * from drip.sequence_funnel")
    monitor = plant.rows("select * from drip.sequence_progress_monitor")
    campaigns = plant.rows("select * from drip.campaign_overview")
    devices = plant.rows("select * from drip.device_overview")
    queue = plant.rows("select * from drip.queue_overview")
    outlook = plant.rows("select * from drip.message_outlook")

    for row in overview:
        assert sum(row[bucket] for bucket in ENROLLMENTS) == row["enrolled"]
        assert sum(row[f"messages_{bucket}"] for bucket in MESSAGES) == row["messages"]
        steps = [step for step in funnel if step["sequence_id"] == row["sequence_id"]]
        assert len(steps) == row["steps"]
        for bucket in ("messages", *(f"messages_{status}" for status in MESSAGES)):
            assert sum(step[bucket] for step in steps) == row[bucket], bucket
        mine = [line for line in monitor if line["sequence_id"] == row["sequence_id"]]
        assert len(mine) == row["messages"]
        journeys = {line["enrollment_id"]: line["step_status"] for line in mine}
        assert len(journeys) == row["enrolled"]
        for bucket in ENROLLMENTS:
            assert list(journeys.values()).count(bucket) == row[bucket], bucket
    for row in funnel + campaigns:
        assert sum(row[f"messages_{status}"] for status in MESSAGES) == row["messages"]
    for row in campaigns:
        assert row["messages"] == row["audience_count"]

    leads = plant.rows("select * from drip.leads_overview")
    assert len(leads) == plant.value("select count(*) from drip.leads where not is_tester")
    for row in leads:
        assert sum(row[f"messages_{status}"] for status in MESSAGES) == row["messages"]
        mine = [line for line in log if line["lead_id"] == row["lead_id"]]
        found = count(mine, "status")
        assert {
            status: row[f"messages_{status}"] for status in MESSAGES if status in found
        } == found
        assert row["enrollments"] == sum(
            row[f"enrollments_{state}"] for state in ("live", "completed", "failed", "exited")
        )
        sent = [line["sent_at"] for line in mine if line["sent_at"]]
        assert (row["first_sent_at"], row["last_sent_at"]) == (
            min(sent, default=None),
            max(sent, default=None),
        )
    for status in MESSAGES:
        assert sum(row[f"messages_{status}"] for row in leads) == by_status.get(status, 0)
    for state, bucket in (
        ("completed", "completed"),
        ("failed", "sequence_failed"),
        ("exited", "exited"),
    ):
        assert sum(row[f"enrollments_{state}"] for row in leads) == sum(
            row[bucket] for row in overview
        )
    assert sum(row["enrollments"] for row in leads) == sum(row["enrolled"] for row in overview)

    singles = count([line for line in log if line["source_kind"] == "single"], "status")
    for status in MESSAGES:
        total = by_status.get(status, 0)
        assert total == sum(line["messages"] for line in queue if line["status"] == status)
        assert total == singles.get(status, 0) + sum(
            row[f"messages_{status}"] for row in overview + campaigns
        )
    assert len(outlook) == by_status.get("pending", 0)
    for row in devices:
        mine = [line for line in log if line["device_id"] == row["device_id"]]
        assert row["pending"] == count(mine, "status").get("pending", 0)
        assert row["processing"] == count(mine, "status").get("processing", 0)
    assert {line["message_id"]: line["message_status"] for line in monitor} == {
        line["message_id"]: line["status"] for line in log if line["source_kind"] == "sequence"
    }


def came_back(plant: Plant) -> None:
    """Compare what the overviews say of receipts and replies with the log and the replies."""
    log = plant.rows("select * from drip.message_log")
    stopped = {
        row["reply_to_message_id"]
        for row in plant.rows("select * from drip.replies where opt_out_category is not null")
    }
    reporting = {
        row["device_id"]
        for row in plant.rows("select * from drip.device_overview where unconfirmed is not null")
    }
    late = plant.now() - timedelta(hours=1)

    def expected(lines: list[dict[str, Any]]) -> dict[str, int]:
        sent = [line for line in lines if line["status"] == "sent"]
        return {
            "sent": len(sent),
            "delivered": sum(bool(line["delivered_at"] or line["read_at"]) for line in sent),
            "read": sum(line["read_at"] is not None for line in sent),
            "replied": sum(line["replied_at"] is not None for line in sent),
            "opted_out": sum(line["message_id"] in stopped for line in sent),
            "unconfirmed": sum(
                line["device_id"] in reporting
                and line["sent_at"] < late
                and not (line["delivered_at"] or line["read_at"] or line["replied_at"])
                for line in sent
            ),
        }

    for view, key, column in (
        ("sequence_overview", "sequence_id", "sequence_id"),
        ("sequence_funnel", "sequence_stepid", "sequence_stepid"),
        ("campaign_overview", "campaign_id", "campaign_id"),
        ("device_overview", "device_id", "device_id"),
    ):
        for row in plant.rows(f"select * from drip.{view}"):
            mine = [line for line in log if line[column] == row[key]]
            found = {"sent": row["messages_sent"]} | {
                name: row[name] or 0
                for name in ("delivered", "read", "replied", "opted_out", "unconfirmed")
            }
            assert found == expected(mine), (view, row[key])
            for name in ("delivered", "read", "replied", "opted_out"):
                percent = row[f"{name}_percent"]
                assert (percent is None) == (row["messages_sent"] == 0)
                assert percent is None or 0 <= percent <= 100
    for row in plant.rows("select * from drip.leads_overview"):
        mine = [line for line in log if line["lead_id"] == row["lead_id"]]
        for name in ("delivered", "read", "replied"):
            assert row[name] == expected(mine)[name], (name, row["lead_id"])
    everything = expected(log)
    assert min(everything.values()) > 0, everything
    assert 0 < len(reporting) < plant.value("select count(*) from drip.user_devices")


@pytest.mark.lesson(45, story=True)
def test_after_busy_days(busy: Plant) -> None:
    statuses = count(busy.rows("select * from drip.message_log"), "status")
    # all of them came about but skipped, which resume and per_device_limit make
    assert set(statuses) == set(MESSAGES) - {"skipped"}
    agree(busy)
    came_back(busy)


@pytest.mark.lesson(45, story=True)
def test_while_an_application_holds_rows(clock: Clock, busy: Plant, connect: Connect) -> None:
    """Results come that could not be stored on lead and enrollment; the views derive them."""
    holder = connect(autocommit=False)
    holder.execute("select * from drip.leads for update")
    holder.execute("select * from drip.sequence_contacts for update")
    clock.advance(days=4)
    for _ in range(3):
        busy.wake()
        for row in busy.claim():
            busy.answer(row)
    assert busy.value("select count(*) from drip.sync_backlog") > 0
    agree(busy)
    came_back(busy)
    holder.rollback()
    busy.tick()
    assert busy.value("select count(*) from drip.sync_backlog") == 0
    agree(busy)


@pytest.mark.lesson(38, story=True)
def test_the_stored_state_is_the_derived_one(busy: Plant) -> None:
    assert (
        busy.rows(
            "select e.id, e.status, f.status as derived from drip.sequence_contacts e"
            " join drip._enrollment_facts f on f.enrollment_id = e.id"
            " where e.status <> f.status and e.status <> 'exited'"
        )
        == []
    )


def test_percentages_stay_below_a_hundred(busy: Plant) -> None:
    for view, column in (
        ("sequence_overview", "sent_percent"),
        ("sequence_funnel", "sent_percent"),
        ("campaign_overview", "finished_percent"),
    ):
        for row in busy.rows(f"select {column} as percent from drip.{view}"):
            assert row["percent"] is None or 0 <= row["percent"] <= 100


def test_no_view_shows_the_end_of_time(busy: Plant, connect: Connect) -> None:
    """What is held or paused for good has no time; clients stumble over infinity."""
    assert (
        busy.value("select count(*) from drip.broadcast_messages where not_before = 'infinity'") > 0
    )
    reader = connect()
    views = busy.rows(
        "select viewname from pg_views where schemaname = 'drip' and viewname not like '\\_%%'"
    )
    assert len(views) >= 8
    for row in views:
        for line in reader.execute(
            f"select to_jsonb(v) as line from drip.{row['viewname']} v".encode()
        ).fetchall():
            endless = [key for key, value in line["line"].items() if value == "infinity"]
            assert endless == [], (row["viewname"], endless)


def test_earliest_is_never_in_the_past(clock: Clock, busy: Plant) -> None:
    """What waits, waits for a time to come or for a person."""
    for row in busy.rows("select * from drip.message_outlook where verdict = 'wait'"):
        assert row["earliest"] is None or row["earliest"] > clock.now, row


def test_nobody_waits_longer_than_a_device_looks_back(clock: Clock, busy: Plant) -> None:
    """No message that may go is left behind: three looks later nothing says go any more."""
    clock.advance(minutes=1)
    for _ in range(40):
        busy.wake()
        for row in busy.claim():
            busy.answer(row)
        clock.advance(milliseconds=10)
    rows = busy.rows("select * from drip.message_outlook where verdict = 'go'")
    assert rows == []
    assert (
        busy.value(
            "select count(*) from drip.message_outlook where earliest < %s",
            clock.now - timedelta(seconds=1),
        )
        == 0
    )
