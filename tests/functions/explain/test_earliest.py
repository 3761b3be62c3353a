"""explain_message().earliest: the first time at which all rules let it go, not one rule's own.

Each case is lived: a second before that time no claim gives the message, at that time one does.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from factory import Clock, Plant

KL = "Asia/Kuala_Lumpur"
Case = Callable[[Plant, Clock], tuple[int, str]]
CASES: dict[str, Case] = {}


def case(name: str) -> Callable[[Case], Case]:
    """Register a case: it plants a message and says when it may go."""

    def register(function: Case) -> Case:
        CASES[name] = function
        return function

    return register


def marketing(plant: Plant, clock: Clock, **columns: object) -> int:
    """A marketing message to a contact that got one an hour ago."""
    device, lead = plant.device(), plant.lead()
    at = clock.now - timedelta(hours=1)
    plant.message(
        device, lead, category="marketing", status="sent", sent_at=at, finished_at=at, attempts=1
    )
    return plant.message(device, lead, category="marketing", **columns)


@case("due after the hours of its day: the next morning")
def _(plant: Plant, clock: Clock) -> tuple[int, str]:
    campaign = plant.campaign(send_from="08:00", send_to="18:00")
    at = clock.read("2026-03-02 20:00+08")
    return (
        plant.message(plant.device(), campaign_id=campaign, priority=3, scheduled_at=at),
        "2026-03-03 08:00+08",
    )


@case("a gap that ends at night: the morning")
def _(plant: Plant, clock: Clock) -> tuple[int, str]:
    plant.tenant(contact_gap=timedelta(hours=12), send_from="08:00", send_to="18:00")
    return marketing(plant, clock), "2026-03-03 08:00+08"


@case("a gap within a cap, then a weekend")
def _(plant: Plant, clock: Clock) -> tuple[int, str]:
    plant.tenant(
        contact_gap=timedelta(hours=2),
        contact_cap=1,
        contact_cap_period=timedelta(days=5),
        send_days=[1, 2, 3, 4, 5],
        send_from="10:00",
        send_to="11:00",
    )
    # the cap ends on Saturday at 08:00
    return marketing(plant, clock), "2026-03-09 10:00+08"


@case("the day's cap, then the device's hours")
def _(plant: Plant, clock: Clock) -> tuple[int, str]:
    device = plant.device(daily_cap=1, active_from="09:30", active_to="17:00")
    clock.set("2026-03-02 10:00+08")
    plant.update("device_pacing", device, sent_today=1, local_day="2026-03-02")
    return plant.message(device), "2026-03-03 09:30+08"


@case("a ramp, then the contact's hours in another zone")
def _(plant: Plant, clock: Clock) -> tuple[int, str]:
    device = plant.device(ramp=[1, 5], ramp_started_on="2026-03-02")
    plant.update(
        "device_pacing",
        device,
        sent_today=1,
        local_day="2026-03-02",
        last_sent_at=clock.now - timedelta(minutes=1),
    )
    campaign = plant.campaign(send_from="09:00", send_to="10:00")
    lead = plant.lead(time_zone="Europe/Berlin")
    return (
        plant.message(device, lead, campaign_id=campaign, priority=3),
        "2026-03-03 09:00+01",
    )


@case("a pause of the contact that ends on a Saturday")
def _(plant: Plant, clock: Clock) -> tuple[int, str]:
    plant.device()
    sequence = plant.sequence(skip_weekends=True)
    lead = plant.lead(paused_until=clock.read("2026-03-07 12:00+08"))
    return plant.journey(plant.enroll(sequence, lead))[0]["id"], "2026-03-09 00:00+08"


@case("an open breaker until after the device's hours")
def _(plant: Plant, clock: Clock) -> tuple[int, str]:
    device = plant.device(active_from="08:00", active_to="09:10")
    plant.update("device_pacing", device, breaker_open_until=clock.now + timedelta(minutes=15))
    return plant.message(device), "2026-03-03 08:00+08"


@case("put off, and then paced")
def _(plant: Plant, clock: Clock) -> tuple[int, str]:
    device = plant.device()
    plant.update("device_pacing", device, next_send_at=clock.now + timedelta(minutes=3))
    return (
        plant.message(device, not_before=clock.now + timedelta(minutes=2)),
        "2026-03-02 09:03+08",
    )


@case("the hours across midnight, on its days")
def _(plant: Plant, clock: Clock) -> tuple[int, str]:
    campaign = plant.campaign(send_from="22:00", send_to="02:00", send_days=[3])
    at = clock.read("2026-03-05 01:30+08")
    return (
        plant.message(plant.device(), campaign_id=campaign, priority=3, scheduled_at=at),
        "2026-03-05 01:30+08",
    )


def a_journey(plant: Plant, step: int, **definition: object) -> int:
    plant.device()
    sequence = plant.sequence(
        {}, {"trigger_delay_hours": 10}, {"trigger_delay_hours": 3}, **definition
    )
    return int(plant.journey(plant.enroll(sequence))[step - 1]["id"])


@case("a step whose predecessor has not been sent")
def _(plant: Plant, clock: Clock) -> tuple[int, str]:
    # 10:00, 20:00 is too late
    return (
        a_journey(plant, 2, send_from="10:00", send_to="18:00"),
        "2026-03-03 10:00+08",
    )


@case("a step behind two others")
def _(plant: Plant, clock: Clock) -> tuple[int, str]:
    return a_journey(plant, 3, send_from="10:00", send_to="18:00"), "2026-03-03 13:00+08"


@case("a step at a time of day behind one that is late")
def _(plant: Plant, clock: Clock) -> tuple[int, str]:
    plant.device()
    sequence = plant.sequence(
        {},
        {"trigger_delay_hours": 24, "send_time": "08:30"},
        send_from="08:00",
        send_to="18:00",
    )
    enrollment = plant.enroll(sequence)
    lead = plant.enrollment(enrollment)["lead_id"]
    plant.update("leads", lead, paused_until=clock.now + timedelta(hours=2))
    return plant.journey(enrollment)[1]["id"], "2026-03-04 08:30+08"


@case("a step whose predecessor will expire")
def _(plant: Plant, clock: Clock) -> tuple[int, str]:
    plant.device()
    sequence = plant.sequence(
        {"valid_for": "30 minutes"},
        {"trigger_delay_hours": 3},
        send_from="10:00",
        send_to="18:00",
    )
    return plant.journey(plant.enroll(sequence))[1]["id"], "2026-03-02 12:00+08"


@case("a step at a time of day behind one that will be late by most of a day")
def _(plant: Plant, clock: Clock) -> tuple[int, str]:
    plant.device()
    sequence = plant.sequence({}, {"trigger_delay_hours": 24, "send_time": "10:00"})
    lead = plant.lead(paused_until=clock.now + timedelta(hours=20))
    return plant.journey(plant.enroll(sequence, lead))[1]["id"], "2026-03-04 10:00+08"


@case("steps that move with their validity behind a late one")
def _(plant: Plant, clock: Clock) -> tuple[int, str]:
    plant.device()
    sequence = plant.sequence(
        {},
        {"trigger_delay_hours": 3, "valid_for": "30 minutes"},
        {"trigger_delay_hours": 1, "valid_for": "30 minutes"},
    )
    lead = plant.lead(paused_until=clock.now + timedelta(hours=2))
    return plant.journey(plant.enroll(sequence, lead))[2]["id"], "2026-03-02 15:00+08"


@case("a step whose predecessor will expire behind another")
def _(plant: Plant, clock: Clock) -> tuple[int, str]:
    """The second expires while the contact is paused; the third keeps 3 + 4 hours to the first."""
    plant.device()
    sequence = plant.sequence(
        {},
        {"trigger_delay_hours": 3, "valid_for": "30 minutes"},
        {"trigger_delay_hours": 4},
        send_from="16:00",
        send_to="11:00",
    )
    return plant.journey(plant.enroll(sequence))[2]["id"], "2026-03-02 16:00+08"


@case("a step behind one that goes late and one that will expire")
def _(plant: Plant, clock: Clock) -> tuple[int, str]:
    plant.device()
    sequence = plant.sequence(
        {},
        {"trigger_delay_hours": 3, "valid_for": "30 minutes"},
        {"trigger_delay_hours": 4},
    )
    lead = plant.lead(paused_until=clock.now + timedelta(hours=5))
    return plant.journey(plant.enroll(sequence, lead))[2]["id"], "2026-03-02 21:00+08"


@case("steps of a device with a pace and no wait between them")
def _(plant: Plant, clock: Clock) -> tuple[int, str]:
    plant.device(min_delay_seconds=90, max_delay_seconds=90)
    sequence = plant.sequence({}, {"trigger_delay_hours": 0})
    return plant.journey(plant.enroll(sequence))[1]["id"], "2026-03-02 09:01:30+08"


@case("steps of a device with a cap of one")
def _(plant: Plant, clock: Clock) -> tuple[int, str]:
    plant.device(daily_cap=1)
    sequence = plant.sequence({}, {"trigger_delay_hours": 1})
    return plant.journey(plant.enroll(sequence))[1]["id"], "2026-03-03 00:00+08"


@case("steps closer than the contact's gap")
def _(plant: Plant, clock: Clock) -> tuple[int, str]:
    plant.tenant(contact_gap=timedelta(hours=20))
    return a_journey(plant, 2), "2026-03-03 05:00+08"


@case("an account that has reached its contacts, and hours")
def _(plant: Plant, clock: Clock) -> tuple[int, str]:
    portfolio = plant.insert(
        "sender_accounts",
        user_id=plant.user,
        name="portfolio",
        platform="gowa",
        created_at=clock.now,
        reach_cap=1,
    )
    device = plant.device(account_id=portfolio)
    plant.conn.execute(
        "insert into drip.account_reach values (%s, %s, %s)",
        [portfolio, plant.lead(), clock.now - timedelta(hours=4)],
    )
    plant.tenant(send_from="08:00", send_to="20:00")
    # 05:00 is too early
    return plant.message(device, category="marketing"), "2026-03-03 08:00+08"


@pytest.mark.parametrize("name", CASES)
def test_it_goes_then_and_not_a_second_before(clock: Clock, plant: Plant, name: str) -> None:
    plant.tenant(time_zone=KL)
    message, at = CASES[name](plant, clock)
    earliest = plant.explain(message)["earliest"]
    assert earliest == clock.read(at)
    second = timedelta(seconds=1)
    plant.live(clock, earliest - second)
    assert plant.message_row(message)["status"] == "pending"
    assert plant.explain(message)["earliest"] == earliest
    clock.set(earliest)
    plant.tick()
    plant.wake()
    assert message in [row["message_id"] for row in plant.claim()]


def test_what_will_expire_before_it_may_go_has_no_time(clock: Clock, plant: Plant) -> None:
    plant.tenant(time_zone=KL)
    campaign = plant.campaign(send_from="12:00", send_to="18:00")
    message = plant.message(
        plant.device(),
        campaign_id=campaign,
        priority=3,
        expires_at=clock.now + timedelta(hours=1),
    )
    row = plant.explain(message)
    assert (row["verdict"], row["reason"], row["earliest"]) == ("wait", "outside_window", None)


def test_behind_what_only_a_person_can_lift_there_is_no_time(clock: Clock, plant: Plant) -> None:
    """And the remedy is the person's, though the first reason is a time."""
    device = plant.device(status="disabled")
    message = plant.message(device, scheduled_at=clock.now + timedelta(hours=1))
    row = plant.explain(message)
    assert (row["reason"], row["earliest"]) == ("not_due", None)
    assert "set_device_status" in row["remedy"]
    outlook = plant.row("select * from drip.message_outlook")
    assert outlook["earliest"] == clock.now + timedelta(hours=1)


def test_a_step_behind_a_stopped_one_has_no_time(clock: Clock, plant: Plant) -> None:
    away = plant.device(status="offline")
    message = a_journey(plant, 2)
    plant.conn.execute(
        "update drip.broadcast_messages set device_id = %s where id <> %s", [away, message]
    )
    row = plant.explain(message)
    assert (row["reason"], row["earliest"]) == ("predecessor_pending", None)


def test_what_is_in_flight_counts_as_sent_now(clock: Clock, plant: Plant) -> None:
    plant.tenant(time_zone=KL, contact_gap=timedelta(hours=2))
    device, lead = plant.device(daily_cap=2, burst=5), plant.lead()
    plant.message(device, lead, category="marketing")
    assert len(plant.claim()) == 1
    message = plant.message(device, lead, category="marketing")
    assert plant.explain(message)["earliest"] == clock.now + timedelta(hours=2)
    plant.update("user_devices", device, daily_cap=1)
    assert plant.explain(message)["earliest"] == clock.read("2026-03-03 00:00+08")


def test_a_step_behind_one_in_flight(clock: Clock, plant: Plant) -> None:
    message = a_journey(plant, 2)
    assert len(plant.claim()) == 1
    assert plant.explain(message)["earliest"] == clock.now + timedelta(hours=10)


def test_an_account_whose_reach_is_in_flight_ends_the_search(clock: Clock, plant: Plant) -> None:
    portfolio = plant.insert(
        "sender_accounts",
        user_id=plant.user,
        name="portfolio",
        platform="gowa",
        created_at=clock.now,
        reach_cap=1,
    )
    device = plant.device(account_id=portfolio, burst=5)
    plant.message(device)
    assert len(plant.claim()) == 1
    message = plant.message(device)
    row = plant.explain(message)
    assert row["reason"] == "account_cap"
    assert row["earliest"] == clock.now + timedelta(minutes=1)


def test_it_ends_where_nothing_ever_opens(clock: Clock, plant: Plant) -> None:
    """Days that are no weekdays, weekends skipped: there is no such time."""
    plant.tenant(time_zone=KL, send_days=[6])
    plant.device()
    message = plant.journey(plant.enroll(plant.sequence(skip_weekends=True)))[0]["id"]
    plant.update("broadcast_messages", message, not_before=None)
    row = plant.explain(message)
    assert (row["verdict"], row["earliest"]) == ("wait", None)
    plant.wake()
    assert plant.claim() == []


def test_hours_that_never_meet_have_no_time(clock: Clock, plant: Plant) -> None:
    """The device is open in the morning and the campaign in the evening."""
    device = plant.device(active_from="06:00", active_to="09:00")
    campaign = plant.campaign(send_from="18:00", send_to="20:00")
    message = plant.message(device, campaign_id=campaign, priority=3)
    told = plant.explain(message)
    assert (told["reason"], told["earliest"]) == ("outside_window", None)


def lived(plant: Plant, clock: Clock, enrollment: int) -> None:
    """The earliest of each step, told at the beginning, is when it then leaves."""
    told = [plant.explain(row["id"])["earliest"] for row in plant.journey(enrollment)]
    plant.live(clock, clock.now + timedelta(days=40))
    assert told == [row["sent_at"] for row in plant.journey(enrollment)]


def test_a_step_that_moves_twice_takes_its_validity_along(clock: Clock, plant: Plant) -> None:
    """The last step's time is over before the step before it leaves, if it did not move too."""
    clock.set("2026-04-04 14:20Z")
    plant.tenant(time_zone="Asia/Kathmandu")
    plant.device()
    sequence = plant.sequence(
        {"send_time": "23:30"},
        {"trigger_delay_hours": 3},
        {"trigger_delay_hours": 0},
        {"trigger_delay_hours": 12.5},
        {"trigger_delay_hours": 25, "valid_for": "30 minutes"},
        send_from="17:45",
        send_to="02:00",
    )
    lived(plant, clock, plant.enroll(sequence))


def test_the_steps_before_it_count_into_the_contacts_cap(clock: Clock, plant: Plant) -> None:
    plant.tenant(contact_cap=3, contact_cap_period=timedelta(days=7))
    device, lead = plant.device(), plant.lead()
    at = clock.now - timedelta(days=3)
    plant.message(
        device, lead, category="marketing", status="sent", sent_at=at, finished_at=at, attempts=1
    )
    sequence = plant.sequence({}, *({"trigger_delay_hours": 20},) * 5, category="marketing")
    lived(plant, clock, plant.enroll(sequence, lead))


def test_what_expires_meanwhile_lets_the_next_step_go(clock: Clock, plant: Plant) -> None:
    """It waits for no hours any more; the step behind it has no gap to keep from it."""
    plant.tenant(contact_gap=timedelta(hours=10))
    plant.device()
    sequence = plant.sequence(
        {},
        {"trigger_delay_hours": 1, "valid_for": "30 minutes"},
        {"trigger_delay_hours": 8.75},
        category="marketing",
    )
    enrollment = plant.enroll(sequence)
    told = [plant.explain(row["id"])["earliest"] for row in plant.journey(enrollment)]
    assert told == [clock.now, None, clock.now + timedelta(hours=10)]
    plant.live(clock, clock.now + timedelta(days=2))
    assert told == [row["sent_at"] for row in plant.journey(enrollment)]
