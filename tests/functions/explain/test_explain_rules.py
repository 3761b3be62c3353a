"""explain_rules(): every rule of the verdict, by the judge's own word, with what it went by."""

from __future__ import annotations

import re
from datetime import timedelta

import psycopg
import pytest
from factory import Clock, Connect, Plant, Row
from functions.rules.test_verdict import SITUATIONS
from sql_text import text_of


def codes() -> list[str]:
    """All that the verdict can give, in its order; read from its own text."""
    body = text_of("_verdict")
    rules = body[body.index("from (") :]
    return list(dict.fromkeys(re.findall(r"then '([a-z_]+)'", rules)))


def rules(plant: Plant, message: int) -> dict[str, Row]:
    rows = plant.rows("select * from drip.explain_rules(%s)", message)
    assert [row["place"] for row in rows] == list(range(1, len(rows) + 1))
    return {row["rule"]: row for row in rows}


def test_all_rules_in_the_order_of_the_verdict(clock: Clock, plant: Plant) -> None:
    assert list(rules(plant, plant.message(plant.device()))) == codes()


def test_the_judge_gets_every_fact(plant: Plant) -> None:
    """All facts have a default, so that a forecast names its own; _judge() must leave none out."""
    arguments = plant.value(
        "select proargnames[1:pronargs] from pg_proc"
        " where proname = '_verdict' and pronamespace = 'drip'::regnamespace"
    )
    assert re.findall(r"(p_\w+) =>", text_of("_judge")) == arguments
    assert len(arguments) > 25


def test_every_reason_can_be_lifted(clock: Clock, plant: Plant) -> None:
    """A reason that _lift_rule() does not know would hide all that come after it."""
    message = plant.message(plant.device())
    for code in codes():
        lifted = plant.value(
            "select drip._lift_rule(to_jsonb(f), %s) from drip._message_evidence f"
            " where f.message_id = %s",
            code,
            message,
        )
        assert lifted is not None, code
    assert (
        plant.value("select drip._lift_rule(to_jsonb(f), 'odd') from drip._message_evidence f")
        is None
    )


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_reason_is_among_the_rules_and_lifting_it_frees_the_message(
    clock: Clock, plant: Plant, name: str
) -> None:
    reason = name.partition(":")[0]
    planted = SITUATIONS[name](plant, clock)
    if name != "guard_error":
        plant.update("broadcast_messages", planted.message, not_before=None, deferred_reason=None)
    if name == "not_due:put off":
        plant.update("broadcast_messages", planted.message, not_before=planted.until)
    explained = plant.explain(planted.message)
    found = rules(plant, planted.message)
    row = found[reason]
    assert (row["verdict"], row["until"]) == (planted.verdict, planted.until)
    assert row["sentence"] == explained["sentence"]
    assert row["evidence"]
    others = {key for key, row in found.items() if row["verdict"] in ("wait", "drop")} - {reason}
    # that one has both caps at once
    assert others == ({"device_cap"} if name == "ramp" else set())
    assert [rule["rule"] for rule in explained["rules"]] == [
        row["rule"] for row in found.values() if row["verdict"] != "off"
    ]
    lifted = plant.row(
        "select j.* from drip._message_evidence f"
        " cross join drip._judge_facts(drip._lift_rule(to_jsonb(f), %s)) j"
        " where f.message_id = %s",
        reason,
        planted.message,
    )
    assert (lifted["verdict"], lifted["reason"]) == (
        ("wait", "device_cap") if others else ("go", None)
    )


def test_all_that_hold_a_message_are_told_at_once(clock: Clock, plant: Plant) -> None:
    plant.tenant(
        time_zone="Asia/Kuala_Lumpur",
        is_active=False,
        contact_gap=timedelta(hours=6),
        contact_cap=2,
        contact_cap_period=timedelta(days=2),
    )
    device = plant.device(status="offline", daily_cap=20, active_from="12:00", active_to="18:00")
    plant.update("device_pacing", device, sent_today=20, local_day="2026-03-02")
    lead = plant.lead(paused_until=clock.now + timedelta(days=1), time_zone="Asia/Tokyo")
    at = clock.now - timedelta(hours=1)
    for _ in range(2):
        plant.message(
            device,
            lead,
            category="marketing",
            status="sent",
            sent_at=at,
            finished_at=at,
            attempts=1,
        )
    campaign = plant.campaign(status="paused", send_from="11:00", send_to="17:00")
    message = plant.message(
        device,
        lead,
        campaign_id=campaign,
        category="marketing",
        priority=3,
        scheduled_at=clock.now + timedelta(minutes=5),
    )
    found = rules(plant, message)
    assert [name for name, row in found.items() if row["verdict"] == "wait"] == [
        "campaign_paused",
        "lead_paused",
        "user_inactive",
        "not_due",
        "device_offline",
        "outside_window",
        "contact_gap",
        "contact_cap",
        "device_closed_hours",
        "device_cap",
    ]
    assert {name for name, row in found.items() if row["verdict"] == "off"} == {
        "enrollment_finished",
        "sequence_paused",
        "expired",
        "enrollment_paused",
        "predecessor_pending",
        "predecessor_unknown",
        "account_blocked",
        "service_window_closed",
        "weekend",
        "account_cap",
        "ramp",
        "device_pacing",
        "guard_error",
    }
    window = found["outside_window"]
    # ten in the morning in Tokyo
    assert window["until"] == clock.now + timedelta(hours=1)
    assert window["evidence"] == {
        "send_from": "11:00:00",
        "send_to": "17:00:00",
        "zone": "Asia/Tokyo",
        "local_now": "2026-03-02 10:00:00",
        "opens_local": "2026-03-02 11:00:00",
    }
    gap = found["contact_gap"]["evidence"]
    assert gap["last_message_local"] == "2026-03-02 09:00:00"
    assert found["contact_cap"]["evidence"]["messages_in_period"] == 2
    cap = found["device_cap"]["evidence"]
    assert (cap["used_today"], cap["daily_cap"]) == (20, 20)
    assert cap["next_day_local"] == "2026-03-03 00:00:00"
    assert found["device_closed_hours"]["evidence"]["zone"] == "Asia/Kuala_Lumpur"


def test_a_test_message_counts_for_no_contact_rule(clock: Clock, plant: Plant) -> None:
    """Neither as one that was sent nor as one that waits, as the judge has it."""
    plant.tenant(
        contact_gap=timedelta(hours=6), contact_cap=2, contact_cap_period=timedelta(days=2)
    )
    device, lead = plant.device(), plant.lead()
    for is_test, hours in ((False, 3), (True, 1)):
        at = clock.now - timedelta(hours=hours)
        plant.message(
            device,
            lead,
            category="marketing",
            is_test=is_test,
            status="sent",
            sent_at=at,
            finished_at=at,
            attempts=1,
        )
    found = rules(plant, plant.message(device, lead, category="marketing"))
    assert found["contact_gap"]["until"] == clock.now + timedelta(hours=3)
    gap = found["contact_gap"]["evidence"]
    assert gap["last_message_at"] == (clock.now - timedelta(hours=3)).isoformat()
    cap = found["contact_cap"]
    assert (cap["verdict"], cap["evidence"]["messages_in_period"]) == ("go", 1)
    tested = rules(plant, plant.message(device, lead, category="marketing", is_test=True))
    assert [tested[rule]["verdict"] for rule in ("contact_gap", "contact_cap")] == ["off", "off"]


def test_a_weekend_hides_no_closed_hours(clock: Clock, plant: Plant) -> None:
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    plant.device()
    sequence = plant.sequence(skip_weekends=True, send_from="09:00", send_to="12:00")
    message = plant.journey(plant.enroll(sequence))[0]["id"]
    plant.update("broadcast_messages", message, not_before=None)
    clock.set("2026-03-07 10:00+08")
    found = rules(plant, message)
    assert (found["weekend"]["verdict"], found["outside_window"]["verdict"]) == ("wait", "go")
    clock.set("2026-03-07 13:00+08")
    found = rules(plant, message)
    assert found["weekend"]["until"] == clock.read("2026-03-09 09:00+08")
    assert found["outside_window"]["until"] == clock.read("2026-03-08 09:00+08")


def test_what_is_over_has_no_rules(clock: Clock, plant: Plant) -> None:
    message = plant.message(plant.device())
    plant.answer(plant.claim()[0])
    assert rules(plant, message) == {}
    assert plant.explain(message)["rules"] == []


@pytest.mark.parametrize("message", [None, 999])
def test_an_unknown_message_is_an_error_with_a_hint(plant: Plant, message: int | None) -> None:
    with pytest.raises(psycopg.Error) as caught:
        plant.rows("select * from drip.explain_rules(%s)", message)
    assert caught.value.sqlstate == "DR012"


def test_another_tenants_message_is_unknown(clock: Clock, plant: Plant, connect: Connect) -> None:
    other = plant.other_tenant()
    message = plant.message(plant.device(user=other), user=other)
    plant.assign("drip_app")
    session = clock.join(connect(role="drip_app"))
    for function in ("explain_rules", "explain_message"):
        with pytest.raises(psycopg.Error) as caught:
            session.execute(f"select * from drip.{function}(%s)".encode(), [message])
        assert caught.value.sqlstate == "DR012"
