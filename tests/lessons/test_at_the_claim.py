"""The rules that are judged when a message would leave, each by the smallest case that shows it.

`make mutants` removes them one by one and expects these tests, and no others, to fail. So a test
here looks at one rule alone: a window is read from the evidence where the verdict is another's
business, and what a verb holds is freed by hand where the claim's own look is the point.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from factory import Clock, Plant
from psycopg.types.json import Jsonb

HOUR = timedelta(hours=1)
SERVER_ZONES = ["UTC", "Asia/Kuala_Lumpur", "America/New_York"]


def ids(claimed: list[dict[str, Any]]) -> list[int]:
    return [row["message_id"] for row in claimed]


def evidence(plant: Plant, message: int) -> dict[str, Any]:
    return plant.row("select * from drip._message_evidence where message_id = %s", message)


# -- 15: a head that waits --------------------------------------------------------------------


def waiting_heads(clock: Clock, plant: Plant, device: int, count: int) -> list[int]:
    """Offers to contacts that had one just now; they may go in three hours."""
    plant.tenant(contact_gap=3 * HOUR)
    heads = []
    for _ in range(count):
        lead = plant.lead()
        sent = {"status": "sent", "sent_at": clock.now, "finished_at": clock.now, "attempts": 1}
        plant.message(device, lead, category="marketing", **sent)
        heads.append(plant.message(device, lead, category="marketing"))
    return heads


@pytest.mark.lesson(15, "second look")
@pytest.mark.lesson(15, "put off")
def test_the_next_one_goes_and_the_head_says_why_and_when(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    [head] = waiting_heads(clock, plant, device, 1)
    behind = plant.message(device)
    assert ids(plant.claim()) == [behind]
    row = plant.message_row(head)
    assert (row["deferred_reason"], row["not_before"]) == ("contact_gap", clock.now + 3 * HOUR)


@pytest.mark.lesson(15, "second look")
@pytest.mark.lesson(15, "put off")
def test_thirty_waiting_heads_cost_four_claims_at_most(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    waiting_heads(clock, plant, device, 30)
    behind = plant.message(device)
    assert ids(plant.claim() or plant.claim() or plant.claim() or plant.claim()) == [behind]


@pytest.mark.lesson(15, "second look")
@pytest.mark.lesson(15, "each class")
def test_a_class_full_of_waiting_heads_hides_no_other(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    waiting_heads(clock, plant, device, 30)
    behind = plant.message(device, priority=3)
    assert ids(plant.claim()) == [behind]


# -- 16: due times and sweeps of our own ------------------------------------------------------


@pytest.mark.lesson(16, "bounded parking")
def test_a_message_that_nobody_announced_leaves_within_seconds(clock: Clock, plant: Plant) -> None:
    """No job and no notification tells the worker of it."""
    device = plant.device()
    assert plant.claim() == []
    message = plant.message(device)
    clock.advance(seconds=15)
    assert ids(plant.claim()) == [message]


@pytest.mark.lesson(16, "own sweep")
def test_what_a_dead_worker_held_is_ended_by_our_own_sweep(clock: Clock, plant: Plant) -> None:
    message = plant.message(plant.device())
    assert ids(plant.claim(worker="dead")) == [message]
    clock.advance(minutes=2)
    plant.tick()
    assert plant.message_row(message)["status"] == "unknown"


# -- 17: zones --------------------------------------------------------------------------------


@contextmanager
def server_zones(plant: Plant) -> Iterator[list[str]]:
    """The zones to set one after the other; the session's own comes back."""
    before = plant.value("select current_setting('TimeZone')")
    try:
        yield SERVER_ZONES
    finally:
        plant.conn.execute("select set_config('TimeZone', %s, false)", [before])


def use_zone(plant: Plant, zone: str) -> None:
    plant.conn.execute("select set_config('TimeZone', %s, false)", [zone])


@pytest.mark.lesson(17, "the lead's zone")
def test_a_window_is_of_the_leads_zone(clock: Clock, plant: Plant) -> None:
    """Nine in Kuala Lumpur is eight in the evening in New York."""
    plant.tenant(time_zone="Asia/Kuala_Lumpur", send_from="09:00", send_to="18:00")
    device = plant.device()
    here, there = (
        plant.message(device, plant.lead(time_zone=zone), category="marketing")
        for zone in (None, "America/New_York")
    )
    with server_zones(plant) as zones:
        for zone in zones:
            use_zone(plant, zone)
            opens = [evidence(plant, message)["window_opens_at"] for message in (here, there)]
            assert opens == [clock.now, clock.read("2026-03-02 09:00-05")], zone


@pytest.mark.lesson(17, "time of day")
def test_a_time_of_day_is_of_the_users_zone(clock: Clock, plant: Plant) -> None:
    """Also where it is another day at the server."""
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    plant.device()
    clock.set("2026-03-02 20:00Z")  # four in the morning of the third
    due = []
    with server_zones(plant) as zones:
        for zone in zones:
            use_zone(plant, zone)
            [first] = plant.journey(plant.enroll(plant.sequence({"send_time": "03:00"})))
            due.append(first["scheduled_at"])
    assert due == [clock.read("2026-03-04 03:00+08")] * 3


@pytest.mark.lesson(17, "wall clock of a campaign")
def test_a_campaign_by_each_leads_clock(clock: Clock, plant: Plant) -> None:
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    plant.device()
    plant.lead("+60123456789")
    plant.lead("+12025550123", time_zone="America/New_York")
    with server_zones(plant) as zones:
        for zone in zones:
            use_zone(plant, zone)
            definition = {
                "title": f"from {zone}",
                "message": "Hi",
                "everyone": True,
                "scheduled_at": "2026-03-02 14:00",
                "local_time_per_lead": True,
            }
            plant.row("select * from drip.create_campaign(%s)", Jsonb(definition))
            plant.row("select * from drip.schedule_campaign(%s)", definition["title"])
            plant.rows("select * from drip.expand_campaigns()")
            planned = plant.rows(
                "select m.scheduled_at from drip.broadcast_messages m"
                " join drip.campaigns c on c.id = m.campaign_id where c.title = %s order by 1",
                definition["title"],
            )
            assert [row["scheduled_at"] for row in planned] == [
                clock.read("2026-03-02 14:00+08"),
                clock.read("2026-03-02 14:00-05"),
            ], zone


# -- 19: order and distance -------------------------------------------------------------------


@pytest.mark.lesson(19, "order")
def test_a_step_waits_for_the_one_before_it(clock: Clock, plant: Plant) -> None:
    """Both are due, the first is with a worker still."""
    plant.device(burst=5)
    enrollment = plant.enroll(plant.sequence({}, {"trigger_delay_hours": 0}))
    first, second = (row["id"] for row in plant.journey(enrollment))
    assert ids(plant.claim()) == [first]
    plant.wake()
    assert plant.claim() == []
    plant.answer({"message_id": first, "attempt": 1})
    assert ids(plant.claim()) == [second]


@pytest.mark.lesson(19, "exact distance")
@pytest.mark.lesson(19, "distance")
def test_the_distance_runs_from_the_real_send(clock: Clock, plant: Plant) -> None:
    """Twenty seconds late move no row, and still the next one keeps its whole hour."""
    plant.device()
    enrollment = plant.enroll(plant.sequence({}, {"trigger_delay_hours": 1}))
    second = plant.journey(enrollment)[1]
    clock.advance(seconds=20)
    [claimed] = plant.claim()
    plant.answer(claimed)
    clock.set(second["scheduled_at"])
    plant.wake()
    assert plant.claim() == []
    clock.advance(seconds=20)
    plant.wake()
    assert ids(plant.claim()) == [second["id"]]
    assert plant.message_row(second["id"])["scheduled_at"] == second["scheduled_at"]


# -- 20: what a resume makes of a pause -------------------------------------------------------


@pytest.mark.lesson(20, "the default shifts")
@pytest.mark.lesson(20, "shift")
def test_a_resume_without_a_policy_does_not_flood(clock: Clock, plant: Plant) -> None:
    plant.device()
    sequence = plant.sequence({}, {}, start_delay="1 hour")
    enrollment = plant.enroll(sequence)
    before = [row["scheduled_at"] for row in plant.journey(enrollment)]
    plant.row("select * from drip.pause_sequence(%s)", str(sequence))
    clock.advance(days=3)
    plant.row("select * from drip.resume_sequence(%s)", str(sequence))
    after = [row["scheduled_at"] for row in plant.journey(enrollment)]
    assert after == [at + timedelta(days=3) for at in before]


@pytest.mark.parametrize(
    ("policy", "statuses"),
    [
        pytest.param("catch_up", ["pending"] * 2, marks=pytest.mark.lesson(20, "catch_up")),
        pytest.param("skip", ["skipped", "pending"], marks=pytest.mark.lesson(20, "skip")),
    ],
)
def test_a_resume_that_keeps_the_times(
    clock: Clock, plant: Plant, policy: str, statuses: list[str]
) -> None:
    plant.device()
    sequence = plant.sequence({}, {"trigger_delay_hours": 96})
    enrollment = plant.enroll(sequence)
    before = [row["scheduled_at"] for row in plant.journey(enrollment)]
    plant.row("select * from drip.pause_sequence(%s)", str(sequence))
    clock.advance(days=3)
    plant.row("select * from drip.resume_sequence(%s, %s)", str(sequence), policy)
    after = plant.journey(enrollment)
    assert [row["scheduled_at"] for row in after] == before
    assert [row["status"] for row in after] == statuses


@pytest.mark.lesson(20, "validity")
@pytest.mark.lesson(20, "shift")
def test_a_shift_moves_the_validity_along(clock: Clock, plant: Plant) -> None:
    plant.device()
    sequence = plant.sequence({"valid_for": "1 hour"}, start_delay="1 hour")
    enrollment = plant.enroll(sequence)
    plant.row("select * from drip.pause_sequence(%s)", str(sequence))
    clock.advance(days=3)
    plant.row("select * from drip.resume_sequence(%s, 'shift')", str(sequence))
    [step] = plant.journey(enrollment)
    assert step["expires_at"] == clock.now + 2 * HOUR


# -- 21 and 48: judged when it would leave ----------------------------------------------------


@pytest.mark.lesson(21, "device caps")
def test_a_cap_set_after_planning_holds(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    for _ in range(4):
        plant.message(device)
    plant.update("user_devices", device, daily_cap=2)
    assert len(plant.live(clock, clock.now + HOUR)) == 2


@pytest.mark.lesson(21, "windows")
def test_a_window_set_after_planning_holds(clock: Clock, plant: Plant) -> None:
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    message = of_a_step(plant)
    plant.tenant(send_from="14:00", send_to="15:00")
    clock.set("2026-03-02 13:59:59+08")
    plant.wake()
    assert plant.claim() == []
    clock.set("2026-03-02 14:00+08")
    plant.wake()
    assert ids(plant.claim()) == [message]


@pytest.mark.lesson(21, "contact caps")
def test_a_contacts_cap_set_after_planning_holds(clock: Clock, plant: Plant) -> None:
    device, lead = plant.device(), plant.lead()
    for _ in range(3):
        plant.message(device, lead, category="marketing")
    plant.tenant(contact_cap=1, contact_cap_period=timedelta(days=1))
    [first] = plant.claim()
    plant.answer(first)
    assert plant.claim() == []


@pytest.mark.lesson(21, "opt-outs")
@pytest.mark.lesson(48, "at the claim")
@pytest.mark.parametrize("category", ["all", "marketing"])
def test_an_opt_out_that_cancelled_nothing_holds(clock: Clock, plant: Plant, category: str) -> None:
    """What an application was planning while the opt-out came."""
    message = plant.message(plant.device(), plant.lead("+60123456789"), category="marketing")
    plant.suppress("+60123456789", category)
    assert plant.claim() == []
    row = plant.message_row(message)
    assert (row["status"], row["status_reason"]) == ("cancelled", "suppressed")


@pytest.mark.lesson(48, "at once")
def test_an_opt_out_cancels_before_any_claim(clock: Clock, plant: Plant) -> None:
    lead = plant.lead("+60123456789")
    message = plant.message(plant.device(), lead, scheduled_at=clock.now + timedelta(days=2))
    plant.row("select * from drip.opt_out('+60123456789')")
    row = plant.message_row(message)
    assert (row["status"], row["status_reason"]) == ("cancelled", "suppressed")


# -- 22: changes of the clocks ----------------------------------------------------------------


def planned_in_new_york(clock: Clock, plant: Plant, start: str, send_time: str) -> datetime:
    """When a step with that time of day is due, for who enters then."""
    clock.set(start)
    plant.tenant(time_zone="America/New_York")
    plant.device()
    [step] = plant.journey(plant.enroll(plant.sequence({"send_time": send_time})))
    at: datetime = step["scheduled_at"].astimezone(UTC)
    return at


@pytest.mark.lesson(22, "skipped times")
def test_a_time_of_day_that_is_skipped_moves_forward(clock: Clock, plant: Plant) -> None:
    """On 8 March New York goes from two to three."""
    at = planned_in_new_york(clock, plant, "2026-03-07 12:00-05", "02:30")
    assert at == clock.read("2026-03-08 03:30-04")


@pytest.mark.lesson(22, "repeated times")
def test_a_time_of_day_that_comes_twice_is_taken_once(clock: Clock, plant: Plant) -> None:
    """On 1 November it goes from two back to one; the second of both counts."""
    at = planned_in_new_york(clock, plant, "2026-10-31 12:00-04", "01:30")
    assert at == clock.read("2026-11-01 01:30-05")
    assert len(plant.live(clock, "2026-11-03 00:00Z")) == 1


@pytest.mark.lesson(22, "windows")
def test_a_window_that_opens_at_a_skipped_time_opens_after_it(plant: Plant) -> None:
    opens = plant.value(
        "select drip._window_opens_at('2026-03-08 01:00-05', 'America/New_York', '02:30', '05:00',"
        " null, false)"
    )
    assert opens.astimezone(UTC) == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)


# -- 23: what fills the day's cap -------------------------------------------------------------


@pytest.mark.lesson(23, "real sends")
def test_refused_and_repeated_sends_do_not_fill_the_day(clock: Clock, plant: Plant) -> None:
    plant.tenant(breaker_sample=1000)
    device = plant.device(daily_cap=9)
    for outcome in ("permanent", "retry", "accepted"):
        plant.message(device)
        plant.wake()
        plant.answer(plant.claim()[0], outcome)
    assert plant.value("select sent_today from drip.device_pacing") == 1


@pytest.mark.lesson(23, "the local day")
def test_the_day_of_a_cap_is_the_devices_own(clock: Clock, plant: Plant) -> None:
    """One in the morning of the third in Kuala Lumpur is the second in Greenwich."""
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    clock.set("2026-03-03 01:00+08")
    device = plant.device(daily_cap=9)
    plant.message(device)
    plant.answer(plant.claim()[0])
    waiting = plant.message(device, scheduled_at=clock.now + timedelta(days=9))
    assert evidence(plant, waiting)["used_today"] == 1
    assert evidence(plant, waiting)["next_day_at"] == clock.read("2026-03-04 00:00+08")
    clock.set("2026-03-04 00:00+08")
    assert evidence(plant, waiting)["used_today"] == 0


# -- 30: who stopped it since -----------------------------------------------------------------


def of_a_step(plant: Plant) -> int:
    plant.device()
    return int(plant.journey(plant.enroll(plant.sequence()))[0]["id"])


def of_a_campaign(plant: Plant) -> int:
    return plant.message(plant.device(), campaign_id=plant.campaign(), priority=3)


@pytest.mark.parametrize(
    ("source", "change", "reason"),
    [
        pytest.param(
            of_a_step,
            "update drip.sequences set status = 'paused'",
            "sequence_paused",
            marks=pytest.mark.lesson(30, "sequences"),
        ),
        pytest.param(
            of_a_step,
            "update drip.sequences set status = 'archived'",
            "enrollment_finished",
            marks=pytest.mark.lesson(30, "journeys"),
        ),
        pytest.param(
            of_a_step,
            "select drip.exit_lead(sequence_id::text, recipient_phone)"
            " from drip.broadcast_messages",
            "enrollment_finished",
            marks=pytest.mark.lesson(30, "journeys"),
        ),
        pytest.param(
            of_a_campaign,
            "update drip.campaigns set status = 'paused'",
            "campaign_paused",
            marks=pytest.mark.lesson(30, "campaigns"),
        ),
        pytest.param(
            of_a_campaign,
            "update drip.campaigns set status = 'cancelled'",
            "campaign_cancelled",
            marks=pytest.mark.lesson(30, "cancelled campaigns"),
        ),
        pytest.param(
            of_a_step,
            "update drip.leads set paused_until = 'infinity'",
            "lead_paused",
            marks=pytest.mark.lesson(30, "leads"),
        ),
        pytest.param(
            of_a_campaign,
            "update drip.leads set paused_until = 'infinity'",
            "lead_paused",
            marks=pytest.mark.lesson(30, "leads"),
        ),
        pytest.param(
            of_a_step,
            "update drip.user_devices set status = 'disabled'",
            "device_disabled",
            marks=pytest.mark.lesson(30, "devices"),
        ),
        pytest.param(
            of_a_campaign,
            "update drip.user_devices set status = 'needs_attention'",
            "device_attention",
            marks=pytest.mark.lesson(30, "devices"),
        ),
        pytest.param(
            of_a_campaign,
            "update drip.user_devices set status = 'offline'",
            "device_offline",
            marks=pytest.mark.lesson(30, "devices"),
        ),
        pytest.param(
            of_a_step,
            "update drip.users set is_active = false",
            "user_inactive",
            marks=pytest.mark.lesson(30, "tenants"),
        ),
    ],
)
def test_what_was_stopped_does_not_leave(
    clock: Clock, plant: Plant, source: Any, change: str, reason: str
) -> None:
    """Also a message that the stop itself did not reach, because it was being planned."""
    message = source(plant)
    plant.conn.execute(change.encode())
    plant.conn.execute(
        "update drip.broadcast_messages set status = 'pending', status_reason = null,"
        " finished_at = null, not_before = null, deferred_reason = null"
    )
    assert plant.explain(message)["reason"] == reason
    plant.wake()
    assert plant.claim() == []
    assert plant.message_row(message)["status"] in ("pending", "cancelled")


@pytest.mark.lesson(30, "held at once")
@pytest.mark.parametrize("kind", ["sequence", "campaign"])
def test_a_pause_holds_what_is_pending(clock: Clock, plant: Plant, kind: str) -> None:
    """It does not wait for a claim to find out."""
    message = of_a_step(plant) if kind == "sequence" else of_a_campaign(plant)
    plant.row(f"select * from drip.pause_{kind}(%s)", str(plant.message_row(message)[f"{kind}_id"]))
    row = plant.message_row(message)
    assert row["deferred_reason"] == f"{kind}_paused"
    assert row["due_at"].year == 9999
