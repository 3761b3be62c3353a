"""_verdict(): each reason, planted, and read from explanation, outlook and claim.

The three are asked about the same row; they must agree on the verdict, the reason and the time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from factory import Clock, Plant
from psycopg.types.json import Jsonb
from sql_text import text_of

pytestmark = pytest.mark.rolled_back


@dataclass
class Situation:
    """A planted message and what must be said of it."""

    message: int
    verdict: str
    until: datetime | None = None


SITUATIONS: dict[str, Callable[[Plant, Clock], Situation]] = {}
Planter = Callable[[Plant, Clock], Situation]


def situation(reason: str) -> Callable[[Planter], Planter]:
    """Register a planter under the reason that must be given, a variant after a colon."""

    def register(planter: Planter) -> Planter:
        SITUATIONS[reason] = planter
        return planter

    return register


def second_step(plant: Plant) -> tuple[int, int]:
    """A journey of two steps that are both due: enrollment and the second message."""
    enrollment = plant.enroll(plant.sequence({}, {"trigger_delay_hours": 0}))
    return enrollment, plant.journey(enrollment)[1]["id"]


def marketing_to(plant: Plant, clock: Clock, hours: float) -> int:
    """A marketing message to a contact that got another one some hours ago."""
    device, lead = plant.device(), plant.lead()
    at = clock.now - timedelta(hours=hours)
    plant.message(
        device, lead, category="marketing", status="sent", sent_at=at, finished_at=at, attempts=1
    )
    return plant.message(device, lead, category="marketing")


@situation("not_due")
def _(plant: Plant, clock: Clock) -> Situation:
    at = clock.now + timedelta(hours=1)
    return Situation(plant.message(plant.device(), scheduled_at=at), "wait", at)


@situation("not_due:put off")
def _(plant: Plant, clock: Clock) -> Situation:
    at = clock.now + timedelta(hours=1)
    return Situation(plant.message(plant.device(), not_before=at), "wait", at)


@situation("not_due:spacing from the real send")
def _(plant: Plant, clock: Clock) -> Situation:
    plant.device()
    enrollment = plant.enroll(plant.sequence({}, {"trigger_delay_hours": 2}))
    first, second = plant.journey(enrollment)
    late = clock.now - timedelta(minutes=30)
    plant.update(
        "broadcast_messages", first["id"], status="sent", sent_at=late, finished_at=late, attempts=1
    )
    plant.update("broadcast_messages", second["id"], scheduled_at=clock.now)
    return Situation(second["id"], "wait", late + timedelta(hours=2))


@situation("sequence_paused")
def _(plant: Plant, clock: Clock) -> Situation:
    plant.device()
    sequence = plant.sequence()
    message = plant.journey(plant.enroll(sequence))[0]["id"]
    plant.row("select * from drip.pause_sequence(%s)", str(sequence))
    return Situation(message, "wait")


@situation("campaign_paused")
def _(plant: Plant, clock: Clock) -> Situation:
    campaign = plant.campaign(status="paused")
    return Situation(plant.message(plant.device(), campaign_id=campaign, priority=3), "wait")


@situation("campaign_cancelled")
def _(plant: Plant, clock: Clock) -> Situation:
    campaign = plant.campaign(status="cancelled")
    return Situation(plant.message(plant.device(), campaign_id=campaign, priority=3), "drop")


@situation("enrollment_finished")
def _(plant: Plant, clock: Clock) -> Situation:
    plant.device()
    enrollment = plant.enroll(plant.sequence())
    message = plant.journey(enrollment)[0]["id"]
    plant.update(
        "sequence_contacts",
        enrollment,
        status="exited",
        exit_reason="asked",
        completed_at=clock.now,
        next_trigger_time=None,
    )
    return Situation(message, "drop")


@situation("enrollment_finished:archived")
def _(plant: Plant, clock: Clock) -> Situation:
    """A message that was planned while the archiving ran."""
    plant.device()
    sequence = plant.sequence()
    message = plant.journey(plant.enroll(sequence))[0]["id"]
    plant.conn.execute("alter table drip.sequences disable trigger user")
    plant.update("sequences", sequence, status="archived")
    return Situation(message, "drop")


@situation("lead_paused")
def _(plant: Plant, clock: Clock) -> Situation:
    until = clock.now + timedelta(days=2)
    return Situation(plant.message(plant.device(), plant.lead(paused_until=until)), "wait", until)


@situation("enrollment_paused")
def _(plant: Plant, clock: Clock) -> Situation:
    plant.device()
    enrollment = plant.enroll(plant.sequence())
    plant.update("sequence_contacts", enrollment, paused_at=clock.now)
    return Situation(plant.journey(enrollment)[0]["id"], "wait")


@situation("lead_paused:for good")
def _(plant: Plant, clock: Clock) -> Situation:
    lead = plant.lead(paused_until="infinity")
    return Situation(plant.message(plant.device(), lead), "wait")


@situation("predecessor_pending")
def _(plant: Plant, clock: Clock) -> Situation:
    plant.device()
    enrollment, second = second_step(plant)
    at = clock.now + timedelta(hours=5)
    plant.update("broadcast_messages", plant.journey(enrollment)[0]["id"], scheduled_at=at)
    return Situation(second, "wait", at)


@situation("predecessor_pending:overdue itself")
def _(plant: Plant, clock: Clock) -> Situation:
    """Nobody can say when: its device has been away for hours."""
    plant.device()
    enrollment, second = second_step(plant)
    away = plant.device(status="offline")
    plant.update("broadcast_messages", plant.journey(enrollment)[0]["id"], device_id=away)
    clock.advance(hours=3)
    return Situation(second, "wait")


@situation("predecessor_unknown")
def _(plant: Plant, clock: Clock) -> Situation:
    plant.device()
    enrollment, second = second_step(plant)
    plant.update(
        "broadcast_messages",
        plant.journey(enrollment)[0]["id"],
        status="unknown",
        status_reason="no_answer",
        finished_at=clock.now - timedelta(hours=1),
        attempts=1,
    )
    return Situation(second, "wait", clock.now + timedelta(hours=23))


@situation("suppressed")
def _(plant: Plant, clock: Clock) -> Situation:
    message = plant.message(plant.device(), plant.lead("+60111111111"))
    plant.suppress("+60111111111")
    return Situation(message, "drop")


@situation("suppressed:marketing")
def _(plant: Plant, clock: Clock) -> Situation:
    lead = plant.lead("+60111111111")
    message = plant.message(plant.device(), lead, category="marketing")
    plant.suppress("+60111111111", "marketing")
    return Situation(message, "drop")


@situation("expired")
def _(plant: Plant, clock: Clock) -> Situation:
    return Situation(plant.message(plant.device(), expires_at=clock.now), "drop")


@situation("user_inactive")
def _(plant: Plant, clock: Clock) -> Situation:
    plant.tenant(is_active=False)
    return Situation(plant.message(plant.device()), "wait")


@situation("outside_window")
def _(plant: Plant, clock: Clock) -> Situation:
    """Nine in the morning in Kuala Lumpur; the campaign starts at ten, there."""
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    campaign = plant.campaign(send_from="10:00", send_to="18:00")
    message = plant.message(plant.device(), campaign_id=campaign, priority=3)
    return Situation(message, "wait", clock.now + timedelta(hours=1))


@situation("outside_window:the tenant's, at the contact's place")
def _(plant: Plant, clock: Clock) -> Situation:
    """It is ten in Tokyo: the window from eight to ten is over until tomorrow."""
    plant.tenant(time_zone="Asia/Kuala_Lumpur", send_from="08:00", send_to="10:00")
    lead = plant.lead(time_zone="Asia/Tokyo")
    message = plant.message(plant.device(), lead, category="marketing")
    return Situation(message, "wait", clock.now + timedelta(hours=22))


@situation("outside_window:days")
def _(plant: Plant, clock: Clock) -> Situation:
    """A Monday; Wednesdays only."""
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    campaign = plant.campaign(send_days=[3])
    message = plant.message(plant.device(), campaign_id=campaign, priority=3)
    return Situation(message, "wait", clock.now + timedelta(days=1, hours=15))


@situation("weekend")
def _(plant: Plant, clock: Clock) -> Situation:
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    plant.device()
    message = plant.journey(plant.enroll(plant.sequence(skip_weekends=True)))[0]["id"]
    clock.set("2026-03-07 12:00+08")
    return Situation(message, "wait", clock.now + timedelta(days=1, hours=12))


@situation("contact_gap")
def _(plant: Plant, clock: Clock) -> Situation:
    plant.tenant(contact_gap=timedelta(hours=6))
    return Situation(marketing_to(plant, clock, 2), "wait", clock.now + timedelta(hours=4))


@situation("contact_cap")
def _(plant: Plant, clock: Clock) -> Situation:
    plant.tenant(contact_cap=1, contact_cap_period=timedelta(days=1))
    return Situation(marketing_to(plant, clock, 2), "wait", clock.now + timedelta(hours=22))


@situation("service_window_closed")
def _(plant: Plant, clock: Clock) -> Situation:
    device = plant.device(platform="cloud_api")
    lead = plant.lead(last_inbound_at=clock.now - timedelta(hours=25))
    return Situation(plant.message(device, lead), "wait")


@situation("no_device")
def _(plant: Plant, clock: Clock) -> Situation:
    return Situation(plant.message(None), "wait")


@situation("device_offline")
def _(plant: Plant, clock: Clock) -> Situation:
    return Situation(plant.message(plant.device(status="offline")), "wait")


@situation("device_attention")
def _(plant: Plant, clock: Clock) -> Situation:
    return Situation(plant.message(plant.device(status="needs_attention")), "wait")


@situation("device_disabled")
def _(plant: Plant, clock: Clock) -> Situation:
    return Situation(plant.message(plant.device(status="disabled")), "wait")


@situation("guard_error")
def _(plant: Plant, clock: Clock) -> Situation:
    plant.device()
    at = clock.now + timedelta(minutes=1)
    plant.guard("fails", f"return case when drip.now() >= '{at}' then true end;")
    enrollment = plant.enroll(plant.sequence({"only_if": "fails"}))
    plant.claim()
    return Situation(plant.journey(enrollment)[0]["id"], "wait", at)


@situation("device_pacing")
def _(plant: Plant, clock: Clock) -> Situation:
    device = plant.device(min_delay_seconds=20, max_delay_seconds=20, burst=5)
    plant.message(device)
    message = plant.message(device)
    plant.claim()
    return Situation(message, "wait", clock.now + timedelta(seconds=20))


@situation("device_cap")
def _(plant: Plant, clock: Clock) -> Situation:
    """Until the tenant's next day begins."""
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    device = plant.device(daily_cap=1)
    plant.message(device)
    message = plant.message(device)
    plant.answer(plant.claim()[0])
    return Situation(message, "wait", clock.now + timedelta(hours=15))


@situation("ramp")
def _(plant: Plant, clock: Clock) -> Situation:
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    device = plant.device(ramp=[1, 2], ramp_started_on="2026-03-02", daily_cap=1)
    plant.message(device)
    message = plant.message(device)
    plant.answer(plant.claim()[0])
    return Situation(message, "wait", clock.now + timedelta(hours=15))


@situation("device_closed_hours")
def _(plant: Plant, clock: Clock) -> Situation:
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    device = plant.device(active_from="11:30", active_to="20:00")
    return Situation(plant.message(device), "wait", clock.now + timedelta(hours=2.5))


def account(plant: Plant, clock: Clock, **columns: object) -> int:
    """An account with the given state."""
    return plant.insert(
        "sender_accounts",
        user_id=plant.user,
        name="portfolio",
        platform="gowa",
        created_at=clock.now,
        **columns,
    )


@situation("account_cap")
def _(plant: Plant, clock: Clock) -> Situation:
    portfolio = account(plant, clock, reach_cap=1)
    device = plant.device(account_id=portfolio)
    plant.conn.execute(
        "insert into drip.account_reach values (%s, %s, %s)",
        [portfolio, plant.lead(), clock.now - timedelta(hours=20)],
    )
    return Situation(plant.message(device), "wait", clock.now + timedelta(hours=4))


@situation("account_blocked")
def _(plant: Plant, clock: Clock) -> Situation:
    until = clock.now + timedelta(minutes=5)
    device = plant.device(account_id=account(plant, clock, blocked_until=until))
    return Situation(plant.message(device), "wait", until)


@situation("account_blocked:by a person")
def _(plant: Plant, clock: Clock) -> Situation:
    device = plant.device(account_id=account(plant, clock, status="disabled"))
    return Situation(plant.message(device), "wait")


@situation("breaker_open")
def _(plant: Plant, clock: Clock) -> Situation:
    until = clock.now + timedelta(minutes=15)
    device = plant.device()
    plant.update("device_pacing", device, breaker_open_until=until)
    return Situation(plant.message(device), "wait", until)


# What blocks the device, not the message: the row stays as it is.
OF_DEVICES = {
    "device_disabled",
    "device_attention",
    "device_offline",
    "breaker_open",
    "device_closed_hours",
    "ramp",
    "device_cap",
    "device_pacing",
    "account_blocked",
    "user_inactive",
}
# No claim ever gets to see these.
UNSEEN = {"not_due", "not_due:put off", "no_device", "device_pacing", "guard_error"}


@pytest.mark.parametrize("name", SITUATIONS)
def test_claim_explanation_and_outlook_agree(clock: Clock, plant: Plant, name: str) -> None:
    reason = name.partition(":")[0]
    planted = SITUATIONS[name](plant, clock)
    if name not in ("not_due:put off", "guard_error"):
        # what a verb held is judged afresh, as if it had been planned at the same moment
        plant.update("broadcast_messages", planted.message, not_before=None, deferred_reason=None)

    explained = plant.explain(planted.message)
    assert (explained["verdict"], explained["reason"]) == (planted.verdict, reason)
    assert explained["earliest"] == planted.until
    assert explained["sentence"] not in (None, reason)
    outlook = plant.row("select * from drip.message_outlook where message_id = %s", planted.message)
    for column in ("user_id", "verdict", "reason", "sentence", "earliest", "scheduled_at"):
        assert outlook[column] == explained[column], column

    before = plant.message_row(planted.message)
    plant.wake()
    claimed = plant.claim()

    assert planted.message not in [row["message_id"] for row in claimed]
    after = plant.message_row(planted.message)
    if planted.verdict == "drop":
        assert after["status"] == ("expired" if reason == "expired" else "cancelled")
        assert after["status_reason"] == reason
        final = plant.explain(planted.message)
        assert (final["verdict"], final["reason"]) == ("final", reason)
        assert final["sentence"] == explained["sentence"]
    elif name in UNSEEN or reason in OF_DEVICES:
        assert after == before
    else:
        assert (after["status"], after["deferred_reason"]) == ("pending", reason)
        assert after["not_before"] == planted.until or (
            planted.until is None and after["not_before"] == clock.now + timedelta(minutes=1)
        )


@pytest.mark.parametrize("name", SITUATIONS)
def test_it_goes_when_the_reason_says_so(clock: Clock, plant: Plant, name: str) -> None:
    """Not a second before the time that was told, and at that time."""
    planted = SITUATIONS[name](plant, clock)
    if planted.until is None:
        return
    if "predecessor" in name:  # the one before it would go first
        plant.conn.execute(
            "update drip.broadcast_messages set status = 'cancelled', status_reason = 'asked',"
            " finished_at = %s where id <> %s",
            [clock.now, planted.message],
        )
        clock.advance(seconds=1)
        plant.wake()
        assert [row["message_id"] for row in plant.claim()] == [planted.message]
        return
    plant.claim()
    clock.set(planted.until - timedelta(seconds=1))
    plant.wake()
    assert planted.message not in [row["message_id"] for row in plant.claim()]
    clock.set(planted.until)
    plant.wake()
    explained = plant.explain(planted.message)
    assert (explained["verdict"], explained["earliest"]) == ("go", clock.now)
    assert planted.message in [row["message_id"] for row in plant.claim()]


def test_every_reason_is_planted_here() -> None:
    """All codes of the verdict's own text, so that a new one is not forgotten."""
    known = set(re.findall(r"then '([a-z_]+)'", text_of("_verdict"))) - {"go", "drop", "wait"}
    assert len(known) > 25
    assert known - {name.partition(":")[0] for name in SITUATIONS} == set()


def test_every_reason_has_a_sentence(plant: Plant) -> None:
    for name in SITUATIONS:
        reason = name.partition(":")[0]
        assert plant.value("select drip.reason_sentence(%s)", reason) != reason


def test_a_plain_message_may_go(clock: Clock, plant: Plant) -> None:
    message = plant.message(plant.device())
    explained = plant.explain(message)
    assert (explained["verdict"], explained["reason"]) == ("go", None)
    assert explained["earliest"] == clock.now
    assert [row["message_id"] for row in plant.claim()] == [message]


def test_a_utility_message_knows_no_window_and_no_marketing_opt_out(
    clock: Clock, plant: Plant
) -> None:
    """Nor caps: a receipt for an order goes at night."""
    plant.tenant(send_from="10:00", send_to="11:00", contact_cap=1, contact_gap=timedelta(hours=6))
    lead = plant.lead("+60111111111")
    device = plant.device()
    plant.suppress("+60111111111", "marketing")
    plant.message(
        device,
        lead,
        category="marketing",
        status="sent",
        sent_at=clock.now,
        finished_at=clock.now,
        source=Jsonb({"content": "news"}),
    )
    message = plant.message(device, lead)
    assert [row["message_id"] for row in plant.claim()] == [message]


def test_a_template_goes_outside_the_service_window(clock: Clock, plant: Plant) -> None:
    device = plant.device(platform="cloud_api")
    message = plant.message(device, message_type="template", source=Jsonb({"template": {"a": 1}}))
    assert [row["message_id"] for row in plant.claim()] == [message]


def test_a_contact_already_reached_is_free_under_the_accounts_cap(
    clock: Clock, plant: Plant
) -> None:
    portfolio = account(plant, clock, reach_cap=1)
    device, lead = plant.device(account_id=portfolio), plant.lead()
    plant.conn.execute(
        "insert into drip.account_reach values (%s, %s, %s)",
        [portfolio, lead, clock.now - timedelta(hours=20)],
    )
    message = plant.message(device, lead)
    assert [row["message_id"] for row in plant.claim()] == [message]


def test_the_verdict_reads_no_table() -> None:
    body = text_of("_verdict").partition("begin atomic")[2]
    assert "from (" in body
    assert "drip." not in body
