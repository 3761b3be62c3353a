"""explain_device(): why it does not send, when it will, and what waits for it."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from factory import Clock, Connect, Plant, Row
from functions.rules.test_verdict import OF_DEVICES, SITUATIONS
from functions.rules.test_verdict_is_the_judge import judge_says

SUBJECTS = [
    "tenant",
    "account",
    "status",
    "account cap",
    "breaker",
    "active hours",
    "ramp",
    "daily cap",
    "pacing",
    "in flight",
]


def explain(plant: Plant, device: int | str) -> list[Row]:
    rows = plant.rows("select * from drip.explain_device(%s)", str(device))
    assert [row["subject"] for row in rows[:10]] == SUBJECTS
    assert rows[-1]["subject"] == "next send"
    assert [row for row in rows if not row["sentence"] or row["sentence"] == row["reason"]] == []
    waiting = plant.value(
        "select count(*) from drip.broadcast_messages where status = 'pending' and device_id = %s",
        rows
        and plant.value(
            "select id from drip.user_devices where id::text = %s or name = %s",
            str(device),
            str(device),
        ),
    )
    assert sum(row["messages"] for row in rows if row["subject"] == "backlog") == waiting
    assert rows[-1]["messages"] == waiting
    return rows


def subject(plant: Plant, device: int, name: str) -> Row:
    return next(row for row in explain(plant, device) if row["subject"] == name)


def test_an_idle_device(clock: Clock, plant: Plant) -> None:
    plant.device("desk")
    rows = explain(plant, "desk")
    assert {row["subject"]: row["verdict"] for row in rows[:10]} == dict.fromkeys(
        SUBJECTS, "go"
    ) | dict.fromkeys(("account", "account cap", "active hours", "ramp", "daily cap"), "off")
    assert len(rows) == 11
    assert rows[-1]["sentence"] == "It has no pending messages."


@pytest.mark.parametrize(
    "name", [name for name in SITUATIONS if name.partition(":")[0] in OF_DEVICES | {"account_cap"}]
)
def test_each_reason_of_a_device_stands_in_its_row(clock: Clock, plant: Plant, name: str) -> None:
    planted = SITUATIONS[name](plant, clock)
    device = plant.message_row(planted.message)["device_id"]
    reason = name.partition(":")[0]
    rows = [row for row in explain(plant, device) if row["reason"] == reason and row["place"] < 20]
    assert [(row["verdict"], row["earliest"]) for row in rows] == [("wait", planted.until)]
    explained = plant.explain(planted.message)
    assert rows[0]["sentence"] == explained["sentence"]
    last = explain(plant, device)[-1]
    assert (last["reason"], last["earliest"]) == (reason, planted.until)
    # with nothing to send the answer is the same
    plant.conn.execute(
        "update drip.broadcast_messages set status = 'cancelled', status_reason = 'x',"
        " finished_at = drip.now() where status = 'pending'"
    )
    rows = [row for row in explain(plant, device) if row["reason"] == reason and row["place"] < 20]
    assert [(row["verdict"], row["earliest"]) for row in rows] == [("wait", planted.until)]


@pytest.mark.parametrize(
    "name", ["no_rule", *[n for n in SITUATIONS if n.partition(":")[0] in OF_DEVICES]]
)
def test_its_facts_are_those_of_its_messages(clock: Clock, plant: Plant, name: str) -> None:
    """_device_verdicts speaks where there is no message; it must not say anything else."""
    if name == "no_rule":
        message = plant.message(plant.device())
    else:
        message = SITUATIONS[name](plant, clock).message
    facts = plant.value(
        "select v.facts from drip._device_verdicts v"
        " join drip.broadcast_messages m using (device_id) where m.id = %s",
        message,
    )
    evidence = plant.value(
        "select to_jsonb(f) from drip._message_evidence f where f.message_id = %s", message
    )
    assert facts == {key: evidence[key] for key in facts}


def test_a_reason_that_no_row_names_has_a_row_of_its_own(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    with judge_says(plant, "wait", "expired", "2031-05-06 07:08Z"):
        rows = [row for row in explain(plant, device) if row["subject"] == "expired"]
    assert [(row["place"], row["verdict"], row["reason"]) for row in rows] == [
        (11, "wait", "expired")
    ]


def test_the_first_of_each_class_and_the_backlog(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    later = plant.message(device, scheduled_at=clock.now + timedelta(hours=3))
    paused = plant.campaign(status="paused", title="Raya")
    plant.sequence()
    for _ in range(3):
        plant.message(device, campaign_id=paused, priority=3)
    due = plant.journey(plant.enroll(plant.sequence(name="WARM")))[0]["id"]
    rows = explain(plant, device)
    heads = [row for row in rows if row["subject"].startswith("head")]
    assert [(row["evidence"]["message_id"], row["verdict"], row["reason"]) for row in heads] == [
        (later, "wait", "not_due"),
        (due, "go", None),
        (heads[2]["evidence"]["message_id"], "wait", "campaign_paused"),
    ]
    assert "sequence WARM, step 1" in heads[1]["sentence"]
    backlog = [row for row in rows if row["subject"] == "backlog"]
    assert [(row["reason"], row["messages"], row["earliest"]) for row in backlog] == [
        ("campaign_paused", 3, None),
        ("not_due", 1, clock.now + timedelta(hours=3)),
        (None, 1, clock.now),
    ]
    assert "resume_campaign" in backlog[0]["remedy"]
    assert (rows[-1]["verdict"], rows[-1]["earliest"]) == ("go", clock.now)


def test_breaker_ramp_and_flight_say_how_far(clock: Clock, plant: Plant) -> None:
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    device = plant.device(ramp=[2, 5], ramp_started_on="2026-03-01", burst=1)
    plant.update("device_pacing", device, breaker_level=1)
    plant.message(device)
    assert len(plant.claim()) == 1
    assert subject(plant, device, "in flight")["status"] == "full"
    assert subject(plant, device, "breaker")["status"] == "half-open"
    until = clock.now + timedelta(minutes=10)
    plant.update("device_pacing", device, breaker_open_until=until)
    row = subject(plant, device, "breaker")
    assert (row["status"], row["earliest"]) == ("open", until)
    assert row["evidence"]["open_until_local"] == "2026-03-02 09:10:00"
    ramp = subject(plant, device, "ramp")
    assert ramp["evidence"]["cap_today"] == 5
    assert ramp["evidence"]["used_today"] == 1


def test_the_remedies_mend_it(clock: Clock, plant: Plant) -> None:
    portfolio = plant.insert(
        "sender_accounts",
        user_id=plant.user,
        name="portfolio",
        platform="gowa",
        created_at=clock.now,
        status="needs_attention",
        reach_cap=1,
    )
    device = plant.device(
        account_id=portfolio,
        status="disabled",
        daily_cap=1,
        ramp=[1],
        ramp_started_on="2026-03-02",
        active_from="01:00",
        active_to="01:30",
    )
    plant.tenant(is_active=False, time_zone="Asia/Kuala_Lumpur")
    plant.update("device_pacing", device, local_day="2026-03-02", sent_today=1)
    plant.conn.execute(
        "insert into drip.account_reach values (%s, %s, %s)",
        [portfolio, plant.lead(), clock.now - timedelta(hours=20)],
    )
    plant.message(device)
    seen = []
    while (last := explain(plant, device)[-1])["verdict"] == "wait":
        seen.append(last["reason"])
        plant.conn.execute(last["remedy"].encode())
    assert seen == [
        "user_inactive",
        "account_blocked",
        "device_disabled",
        "account_cap",
        "device_closed_hours",
        "ramp",
        "device_cap",
    ]
    assert len(plant.claim()) == 1


def test_an_unknown_device(plant: Plant) -> None:
    plant.device("desk")
    with pytest.raises(psycopg.Error) as caught:
        plant.rows("select * from drip.explain_device('dask')")
    assert caught.value.sqlstate == "DR012"
    assert "desk" in (caught.value.diag.message_hint or "")


def test_tenants_and_a_session_that_only_reads(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    other = plant.other_tenant()
    theirs = plant.device(user=other)
    device = plant.device()
    plant.message(device)
    plant.assign("drip_app")
    session = clock.join(connect(role="drip_app"))
    session.execute("set default_transaction_read_only = on")
    assert session.execute("select * from drip.explain_device(%s)", [str(device)]).fetchall()
    with pytest.raises(psycopg.Error) as caught:
        session.execute("select * from drip.explain_device(%s)", [str(theirs)])
    assert caught.value.sqlstate == "DR012"
