"""_judge_again(): a changed setting takes effect on what waits for it already."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from factory import Clock, Plant

EVENING = {"send_from": "18:00", "send_to": "20:00"}
NO_HOURS = {"send_from": None, "send_to": None}
Change = Callable[[], object]


def first_step(plant: Plant, sequence: int, lead: int | None = None) -> int:
    return int(plant.journey(plant.enroll(sequence, lead))[0]["id"])


def hours_of_the_sequence(plant: Plant) -> tuple[int, str, Change]:
    sequence = plant.sequence(**EVENING)
    return (
        first_step(plant, sequence),
        "outside_window",
        lambda: plant.rows(
            'select * from drip.update_sequence(%s, \'{"send_from": null, "send_to": null}\')',
            str(sequence),
        ),
    )


def weekends(plant: Plant) -> tuple[int, str, Change]:
    sequence = plant.sequence(skip_weekends=True)
    return (
        first_step(plant, sequence),
        "weekend",
        lambda: plant.update("sequences", sequence, skip_weekends=False),
    )


def hours_of_the_campaign(plant: Plant) -> tuple[int, str, Change]:
    campaign = plant.campaign(**EVENING)
    message = plant.message(plant.device(), campaign_id=campaign, priority=3)
    return message, "outside_window", lambda: plant.update("campaigns", campaign, **NO_HOURS)


def hours_of_the_tenant(plant: Plant) -> tuple[int, str, Change]:
    plant.tenant(**EVENING)
    message = first_step(plant, plant.sequence())
    return message, "outside_window", lambda: plant.tenant(**NO_HOURS)


def place_of_the_contact(plant: Plant) -> tuple[int, str, Change]:
    lead = plant.lead()
    phone = plant.value("select phone from drip.leads where id = %s", lead)
    return (
        first_step(plant, plant.sequence(**EVENING), lead),
        "outside_window",
        lambda: plant.row(
            "select * from drip.upsert_lead(%s, p_time_zone => 'Pacific/Honolulu')", phone
        ),
    )


def gap(plant: Plant) -> tuple[int, str, Change]:
    plant.tenant(contact_gap=timedelta(hours=5))
    device, lead = plant.device(), plant.lead()
    plant.message(device, lead, category="marketing")
    plant.answer(plant.claim()[0])
    message = plant.message(device, lead, category="marketing")
    return message, "contact_gap", lambda: plant.tenant(contact_gap=None)


def reach(plant: Plant) -> tuple[int, str, Change]:
    account = plant.insert(
        "sender_accounts",
        user_id=plant.user,
        name="portfolio",
        platform="gowa",
        reach_cap=1,
        created_at=plant.now(),
    )
    device = plant.device(account_id=account)
    plant.message(device)
    plant.answer(plant.claim()[0])
    message = plant.message(device)
    return (
        message,
        "account_cap",
        lambda: plant.row(
            "select * from drip.upsert_account('portfolio', 'gowa', '{\"reach_cap\": 2}')"
        ),
    )


def hold(plant: Plant) -> tuple[int, str, Change]:
    steps = plant.sequence({}, {"trigger_delay_hours": 0})
    enrollment = plant.enroll(steps)
    plant.answer(plant.claim()[0], "unknown")
    message = plant.journey(enrollment)[1]["id"]
    return message, "predecessor_unknown", lambda: plant.tenant(unknown_hold=timedelta(0))


@pytest.mark.parametrize(
    "situation",
    [
        hours_of_the_sequence,
        weekends,
        hours_of_the_campaign,
        hours_of_the_tenant,
        place_of_the_contact,
        gap,
        reach,
        hold,
    ],
)
def test_what_waits_goes_when_its_setting_lets_it(
    clock: Clock, plant: Plant, situation: Callable[[Plant], tuple[int, str, Change]]
) -> None:
    """Half past four on a Saturday morning; in Honolulu it is Friday evening."""
    clock.set("2026-03-07 04:30Z")
    plant.device()
    message, reason, change = situation(plant)
    plant.wake()
    assert plant.claim() == []
    row = plant.message_row(message)
    assert row["deferred_reason"] == reason
    assert row["not_before"] > clock.now
    change()
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [message]


def test_retries_and_pauses_keep_their_times(clock: Clock, plant: Plant) -> None:
    device, lead = plant.device(), plant.lead()
    retried = plant.message(device, category="marketing")
    plant.answer(plant.claim()[0], "retry", retry_after_seconds=7200)
    paused = plant.message(device, lead)
    phone = plant.value("select phone from drip.leads where id = %s", lead)
    plant.row("select * from drip.pause_lead(%s)", phone)
    plant.tenant(contact_gap=timedelta(hours=1), **EVENING)
    assert plant.message_row(retried)["not_before"] == clock.now + timedelta(hours=2)
    assert plant.message_row(paused)["deferred_reason"] == "lead_paused"
    plant.wake()
    assert plant.claim() == []
