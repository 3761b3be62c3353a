"""explain_message(): why it has not gone, when it may, and what mends it."""

from __future__ import annotations

import psycopg
import pytest
from factory import Clock, Connect, Plant
from functions.rules.test_verdict import SITUATIONS

# The reasons themselves are in tests/functions/rules/test_verdict.py.


def test_says_what_a_person_wants_to_know(clock: Clock, plant: Plant) -> None:
    plant.device("desk")
    sequence = plant.sequence({}, {}, name="WARM")
    message = plant.journey(plant.enroll(sequence))[1]["id"]
    row = plant.explain(message)
    assert row["message_id"] == message
    assert row["user_id"] == plant.user
    assert (row["status"], row["verdict"]) == ("pending", "wait")
    assert row["device"] == "desk"
    assert row["source"] == "sequence WARM, step 2"
    assert (row["attempts"], row["failures"], row["last_error"]) == (0, 0, None)


def test_names_the_source(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    single = plant.message(device)
    campaign = plant.campaign(title="Raya")
    assert plant.explain(single)["source"] == "single message"
    of_campaign = plant.message(device, campaign_id=campaign, priority=3)
    assert plant.explain(of_campaign)["source"] == "campaign Raya"


def test_what_may_go_says_so(clock: Clock, plant: Plant) -> None:
    row = plant.explain(plant.message(plant.device()))
    assert (row["verdict"], row["reason"], row["earliest"]) == ("go", None, clock.now)
    assert row["sentence"].startswith("It may go now")


def test_what_is_being_sent_names_worker_and_lease(clock: Clock, plant: Plant) -> None:
    message = plant.message(plant.device())
    plant.claim(worker="w-7")
    row = plant.explain(message)
    assert (row["status"], row["verdict"]) == ("processing", "final")
    assert "w-7" in row["sentence"]
    assert row["earliest"] is None


@pytest.mark.parametrize(
    ("outcome", "status", "words"),
    [
        ("accepted", "sent", "It was sent at"),
        ("permanent", "failed", "refused"),
        ("unknown", "unknown", "no clear answer"),
    ],
)
def test_what_is_over_says_how(
    clock: Clock, plant: Plant, outcome: str, status: str, words: str
) -> None:
    message = plant.message(plant.device())
    plant.answer(plant.claim()[0], outcome, error_code="ODD_500", error_message="no luck")
    row = plant.explain(message)
    assert (row["status"], row["verdict"]) == (status, "final")
    assert words in row["sentence"]
    assert row["last_error"] == (None if status == "sent" else "ODD_500: no luck")


def test_a_repeat_tells_the_last_error(clock: Clock, plant: Plant) -> None:
    message = plant.message(plant.device())
    plant.answer(plant.claim()[0], "retry", error_code="ODD_500", error_message="no luck")
    row = plant.explain(message)
    assert (row["verdict"], row["reason"], row["failures"]) == ("wait", "not_due", 1)
    assert row["last_error"] == "ODD_500: no luck"


def test_the_remedy_mends_it(clock: Clock, plant: Plant) -> None:
    """Each remedy is SQL that runs as it is; afterwards the message may go."""
    sequence = plant.sequence()
    device = plant.device()
    message = plant.journey(plant.enroll(sequence))[0]["id"]
    plant.row("select * from drip.pause_sequence(%s)", str(sequence))
    plant.row("select * from drip.set_device_status(%s, 'disabled')", str(device))
    plant.tenant(is_active=False)
    seen = []
    while (row := plant.explain(message))["verdict"] == "wait":
        seen.append(row["reason"])
        assert row["remedy"], row
        plant.conn.execute(row["remedy"].encode())
    assert seen == ["sequence_paused", "user_inactive", "device_disabled"]
    assert row["verdict"] == "go"


def test_a_logged_out_device_says_where_to_log_in(clock: Clock, plant: Plant) -> None:
    device = plant.device(status="needs_attention", status_reason="logged out")
    message = plant.message(device)
    remedy = plant.explain(message)["remedy"]
    assert "logged out" in remedy
    assert remedy.startswith("--")


@pytest.mark.parametrize("message", [None, 999])
def test_an_unknown_message_is_an_error_with_a_hint(plant: Plant, message: int | None) -> None:
    with pytest.raises(psycopg.Error) as caught:
        plant.explain(message)  # type: ignore[arg-type]
    assert caught.value.sqlstate == "DR012"
    assert "message_log" in (caught.value.diag.message_hint or "")


# What a person can do about a reason; the others end by time alone, or cannot be mended.
WITH_A_REMEDY = {
    "sequence_paused", "campaign_paused", "enrollment_paused", "lead_paused", "suppressed",
    "predecessor_unknown", "user_inactive", "account_blocked", "account_cap", "device_disabled",
    "device_attention", "device_offline", "outside_window", "weekend", "contact_gap",
    "contact_cap", "device_closed_hours", "ramp", "device_cap",
}  # fmt: skip
# These name a statement that needs a person's own words, or tell where to look.
WITH_A_HINT = {"no_device", "service_window_closed", "predecessor_pending", "guard_error"}


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_remedy_of_each_reason_ends_it(clock: Clock, plant: Plant, name: str) -> None:
    """It runs as it stands, and the reason is gone."""
    reason = name.partition(":")[0]
    planted = SITUATIONS[name](plant, clock)
    row = plant.explain(planted.message)
    assert row["reason"] == reason
    if reason in WITH_A_HINT:
        return
    assert (row["remedy"] is not None) == (reason in WITH_A_REMEDY), row["remedy"]
    if row["remedy"] is None:
        return
    plant.conn.execute(row["remedy"].encode())
    after = plant.explain(planted.message)
    assert after["reason"] != reason
    assert reason not in {
        rule["rule"] for rule in after["rules"] if rule["verdict"] in ("wait", "drop")
    }


def test_behind_a_waiting_step_the_remedy_asks_about_that_one(clock: Clock, plant: Plant) -> None:
    plant.device()
    first, second = plant.journey(plant.enroll(plant.sequence({}, {"trigger_delay_hours": 0})))
    remedy = plant.explain(second["id"])["remedy"]
    assert plant.row(remedy)["message_id"] == first["id"]


def test_of_several_tenants_the_remedy_names_the_one(clock: Clock, plant: Plant) -> None:
    other = plant.other_tenant()
    lead = plant.lead(user=other, paused_until="infinity")
    message = plant.message(plant.device(user=other), lead, user=other)
    plant.conn.execute(plant.explain(message)["remedy"].encode())
    assert plant.explain(message)["verdict"] == "go"


def test_who_may_see_no_phones_sees_none_in_a_remedy(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    message = plant.message(plant.device(), plant.lead("+60111111111", paused_until="infinity"))
    plant.assign("drip_app")
    session = clock.join(connect(role="drip_app"))
    row = session.execute("select * from drip.explain_message(%s)", [message]).fetchone()
    assert row is not None
    assert row["remedy"] is None
    assert "111111" not in str(row)
