"""reassign, cancel, retry and settle: an operator's verbs on any choice of messages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from factory import Clock, Connect, Plant, Row
from psycopg.types.json import Jsonb
from refusals import refusal

REASSIGN = "select * from drip.reassign_messages(%s, %s, 'moved', p_dry_run => %s)"
CANCEL = "select * from drip.cancel_messages(%s, 'mistake', %s)"
RETRY = "select * from drip.retry_messages(%s, 'mended', %s)"
SETTLE = "select * from drip.settle_unknown(%s, %s, 'seen on the phone', false)"


def said(rows: list[Row]) -> dict[int, Any]:
    """Per message: True where applied, else the reason."""
    return {row["message_id"]: row["applied"] or row["reason"] for row in rows}


def send(plant: Plant, outcome: str) -> Row:
    plant.wake()
    [claimed] = plant.claim()
    plant.answer(claimed, outcome)
    return claimed


def audit(plant: Plant, action: str) -> Row:
    return plant.row("select * from drip.audit_log where action = %s", action)


def test_a_dry_run_changes_nothing(clock: Clock, plant: Plant) -> None:
    """It is the default."""
    message = plant.message(plant.device("one"))
    plant.device("two")
    before = plant.message_row(message)
    calls = {
        "reassign_messages": "select * from drip.reassign_messages(%s, 'two', 'x')",
        "cancel_messages": "select * from drip.cancel_messages(%s, 'x')",
    }
    for call in calls.values():
        assert said(plant.rows(call, [message])) == {message: "dry_run"}
    assert plant.message_row(message) == before
    assert plant.rows("select from drip.audit_log where action = any(%s)", list(calls)) == []


# -- reassign ---------------------------------------------------------------------------------


def test_reassign_takes_the_later_steps_along(clock: Clock, plant: Plant) -> None:
    one = plant.device("one")
    enrollment = plant.enroll(plant.sequence({}, {}, {}, category="utility"))
    two = plant.device("two")
    sent = send(plant, "accepted")["message_id"]
    steps = [row["id"] for row in plant.journey(enrollment)]
    assert sent == steps[0]
    rows = plant.rows(REASSIGN, [steps[1], sent, 999_999], "two", False)
    assert said(rows) == {sent: "sent", steps[1]: True, steps[2]: True, 999_999: "not_found"}
    assert {(row["from_device"], row["to_device"]) for row in rows} == {(one, two), (None, two)}
    assert [row["device_id"] for row in plant.journey(enrollment)] == [one, two, two]
    assert plant.enrollment(enrollment)["assigned_device_id"] == two
    assert plant.value("select device_id from drip.leads") is None
    assert audit(plant, "reassign_messages")["reason"] == "moved"
    assert said(plant.rows(REASSIGN, [steps[2]], "two", False)) == {steps[2]: "already_there"}


def test_reassign_rebinds_the_lead_when_asked(clock: Clock, plant: Plant) -> None:
    one, two = plant.device("one"), plant.device("two")
    lead = plant.lead(device_id=one)
    message = plant.message(one, lead)
    plant.rows(
        "select * from drip.reassign_messages("
        "%s, 'two', 'x', p_rebind => true, p_dry_run => false)",
        [message],
    )
    assert plant.value("select device_id from drip.leads") == two
    plant.wake()
    assert [row["device_id"] for row in plant.claim()] == [two]


def test_reassign_leaves_what_somebody_holds(clock: Clock, plant: Plant, connect: Connect) -> None:
    one = plant.device("one")
    plant.device("two")
    held, free = plant.message(one), plant.message(one)
    holder = connect(autocommit=False)
    holder.execute("select from drip.broadcast_messages where id = %s for update", [held])
    plant.conn.execute("set lock_timeout = '5s'")
    assert said(plant.rows(REASSIGN, [held, free], "two", False)) == {held: "held", free: True}


def test_reassign_knows_its_bounds(clock: Clock, plant: Plant) -> None:
    message = plant.message(plant.device("one"))
    other = plant.other_tenant()
    plant.device("theirs", user=other)
    plant.device("off", user=plant.user, status="disabled")
    plant.conn.execute("select set_config('drip.user', '', false)")
    assert said(plant.rows(REASSIGN, [message], "theirs", False)) == {message: "not_found"}
    assert refusal(plant.conn, REASSIGN, [message], "off", False)[0] == "DR005"
    plant.claim()
    with plant.acting_for(plant.user):
        plant.device("three")
        assert said(plant.rows(REASSIGN, [message], "three", False)) == {message: "processing"}


# -- cancel -----------------------------------------------------------------------------------


def test_cancel(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    out = plant.message(device)
    plant.claim()
    waiting = plant.message(device)
    rows = plant.rows(CANCEL, [waiting, out, 999_999], False)
    assert said(rows) == {waiting: True, out: "processing", 999_999: "not_found"}
    row = plant.message_row(waiting)
    assert (row["status"], row["status_reason"]) == ("cancelled", "cancelled_by_operator")
    assert "operator" in plant.explain(waiting)["sentence"]
    assert audit(plant, "cancel_messages")["details"] == {"messages": 1, "ids": [waiting]}


def test_cancelled_steps_are_stepped_over(clock: Clock, plant: Plant) -> None:
    plant.device()
    enrollment = plant.enroll(plant.sequence({}, {}, category="utility"))
    first, second = (row["id"] for row in plant.journey(enrollment))
    plant.rows(CANCEL, [first], False)
    clock.advance(days=1)
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [second]
    plant.rows(CANCEL, [second], False)
    assert plant.enrollment(enrollment)["completed_at"] is None


# -- retry ------------------------------------------------------------------------------------


@pytest.mark.lesson(5)
def test_retry_resets_what_the_claim_looks_at(clock: Clock, plant: Plant) -> None:
    plant.device()
    message = plant.message(
        plant.value("select id from drip.user_devices"), max_failures=1,
        expires_at=clock.now + timedelta(hours=1),
    )  # fmt: skip
    send(plant, "retry")
    assert plant.message_row(message)["status"] == "failed"
    clock.advance(hours=2)
    assert said(plant.rows(RETRY, [message], True)) == {message: "dry_run"}
    assert said(plant.rows(RETRY, [message], False)) == {message: True}
    row = plant.message_row(message)
    assert row["expires_at"] == clock.now + timedelta(hours=1)
    assert row["failures"] == 0
    for column in ("error_code", "not_before", "finished_at", "status_reason"):
        assert row[column] is None
    assert send(plant, "accepted")["attempt"] == 2
    assert plant.message_row(message)["status"] == "sent"
    assert audit(plant, "retry_messages")["reason"] == "mended"


@pytest.mark.parametrize("status", ["expired", "cancelled"])
def test_retry_of_what_never_left(clock: Clock, plant: Plant, status: str) -> None:
    device = plant.device()
    message = plant.message(device, expires_at=clock.now + timedelta(minutes=1))
    if status == "expired":
        clock.advance(minutes=1)
        plant.tick()
    else:
        plant.rows(CANCEL, [message], False)
    assert plant.message_row(message)["status"] == status
    assert said(plant.rows(RETRY, [message], False)) == {message: True}
    assert send(plant, "accepted")["message_id"] == message


def test_retry_refuses_what_may_have_arrived(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    unknown = plant.message(device)
    send(plant, "unknown")
    sent = plant.message(device)
    send(plant, "accepted")
    waiting = plant.message(device)
    assert said(plant.rows(RETRY, [unknown, sent, waiting, 999_999], False)) == {
        unknown: "unknown",
        sent: "sent",
        waiting: "pending",
        999_999: "not_found",
    }


def test_retry_refuses_what_must_not_go(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    failed = plant.message(device)
    send(plant, "permanent")
    plant.suppress(plant.message_row(failed)["recipient_phone"])
    enrollment = plant.enroll(plant.sequence({}, {}, {}, category="utility"))
    step = send(plant, "permanent")["message_id"]
    assert step == plant.journey(enrollment)[0]["id"]
    clock.advance(days=1)
    send(plant, "accepted")
    assert said(plant.rows(RETRY, [failed, step], False)) == {
        failed: "suppressed",
        step: "later_step_tried",
    }


def test_a_campaign_that_had_ended_runs_for_its_retries(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    campaign = plant.campaign(expanded_at=clock.now)
    message = plant.message(device, campaign_id=campaign, priority=3)
    send(plant, "permanent")
    plant.tick()
    status = "select status from drip.campaigns"
    assert plant.value(status) == "completed"
    assert said(plant.rows(RETRY, [message], False)) == {message: True}
    assert plant.value(status) == "triggered"
    send(plant, "accepted")
    plant.tick()
    assert plant.value(status) == "completed"


def test_any_select_of_a_finished_campaign(clock: Clock, plant: Plant) -> None:
    """Of 4 messages one fails, one expires, and two are over the limit."""
    plant.device()
    for _ in range(4):
        plant.lead()
    plant.row(
        "select * from drip.create_campaign(%s)",
        Jsonb(
            {
                "title": "Raya",
                "message": "Hi",
                "everyone": True,
                "per_device_limit": 2,
                "valid_for": "1 hour",
            }
        ),
    )
    plant.row("select * from drip.schedule_campaign('Raya')")
    plant.row("select * from drip.expand_campaigns()")
    send(plant, "permanent")
    clock.advance(hours=1)
    plant.tick()
    states = "select status, count(*)::int as n from drip.message_log group by 1 order by 1"
    assert plant.rows(states) == [
        {"status": "expired", "n": 1},
        {"status": "failed", "n": 1},
        {"status": "skipped", "n": 2},
    ]
    assert plant.value("select status from drip.campaigns") == "completed"
    for where in ("status_reason = 'campaign_device_limit'", "status <> 'sent'"):
        query = (
            "select * from drip.retry_messages(array(select message_id from drip.message_log"
            f" where source_name = 'Raya' and {where}), 'again', %s)"
        )
        rehearsed = plant.rows(query, True)
        assert {row["reason"] for row in rehearsed} == {"dry_run"}
        assert [row["applied"] for row in plant.rows(query, False)] == [True, True]
        assert plant.value("select status from drip.campaigns") == "triggered"
        for _ in range(2):
            send(plant, "accepted")
        plant.tick()
        assert plant.value("select status from drip.campaigns") == "completed"
    assert plant.rows(states) == [{"status": "sent", "n": 4}]


def test_who_is_excluded_is_not_written_to_by_a_retry(clock: Clock, plant: Plant) -> None:
    message = plant.message(
        plant.device(),
        campaign_id=plant.campaign(),
        priority=3,
        status="skipped",
        status_reason="excluded",
        finished_at=clock.now,
    )
    assert said(plant.rows(RETRY, [message], False)) == {message: "excluded"}


def test_a_retry_of_a_cancelled_campaign_is_refused(clock: Clock, plant: Plant) -> None:
    plant.device()
    campaign = plant.campaign(title="Raya", expanded_at=clock.now)
    message = plant.message(None, campaign_id=campaign, priority=3)
    plant.row("select * from drip.cancel_campaign('Raya')")
    assert said(plant.rows(RETRY, [message], False)) == {message: "campaign_cancelled"}


# -- settle -----------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["sent", "failed"])
def test_settle_goes_the_way_of_a_result(clock: Clock, plant: Plant, outcome: str) -> None:
    """The journey goes on, and the day's count is right."""
    plant.device(daily_cap=5)
    enrollment = plant.enroll(plant.sequence({}, {}, category="utility"))
    message = send(plant, "unknown")["message_id"]
    clock.advance(hours=1)
    assert said(plant.rows("select * from drip.settle_unknown(%s, %s)", [message], outcome)) == {
        message: "dry_run"
    }
    assert plant.message_row(message)["status"] == "unknown"
    assert said(plant.rows(SETTLE, [message, 999_999], outcome)) == {
        message: True,
        999_999: "not_found",
    }
    assert plant.message_row(message)["status"] == outcome
    assert plant.enrollment(enrollment)["status"] == outcome
    assert plant.value("select sent_today from drip.device_pacing") == (outcome == "sent")
    assert said(plant.rows(SETTLE, [message], outcome)) == {message: outcome}
    assert audit(plant, "settle_unknown")["reason"] == "seen on the phone"


def test_settle_knows_two_outcomes(clock: Clock, plant: Plant) -> None:
    assert refusal(plant.conn, SETTLE, [1], "delivered")[0] == "DR001"


def test_a_step_that_is_gone_is_not_tried_again(clock: Clock, plant: Plant) -> None:
    """The journey would stand still: it and what is left would wait for each other."""
    plant.device()
    sequence = plant.sequence({"name": "a"}, {"name": "b"}, {"name": "c"})
    enrollment = plant.enroll(sequence)
    gone = plant.journey(enrollment)[1]["id"]
    plant.row(
        "select count(*) from drip.replace_steps(%s, %s, false)",
        str(sequence),
        Jsonb([{"name": "a", "content": "Step"}, {"name": "c", "content": "Step"}]),
    )
    assert said(plant.rows(RETRY, [gone], False)) == {gone: "step_removed"}
