"""COLD → WARM → HOT: a lead goes from one sequence to the next by the triggers of their ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from factory import Clock, Plant

DAY = timedelta(days=1)
LEAD = "+60123456789"


@pytest.fixture
def chain(clock: Clock, plant: Plant) -> dict[str, int]:
    """Three sequences of which each hands over to the next; nobody is in two at once."""
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    plant.device()
    sequences = {}
    for name, following, first_wait in (
        ("COLD", "warm_start", 24),
        ("WARM", "hot_start", 24),
        ("HOT", None, 48),
    ):
        sequences[name] = plant.sequence(
            {"content": f"{name} 1", "trigger_delay_hours": first_wait},
            {"content": f"{name} 2"},
            {"content": f"{name} 3", "next_trigger": following},
            name=name,
            trigger=f"{name.lower()}_start",
            auto_enroll="trigger",
            start_delay="5 minutes",
            exclusive_group="funnel",
        )
    return sequences


def texts(handed: list[tuple[datetime, str, str]]) -> list[tuple[datetime, str]]:
    return [(at, text) for at, _, text in handed]


def test_nine_messages_over_ten_days(clock: Clock, plant: Plant, chain: Any) -> None:
    """The first waits start_delay; a chained first step waits its own delay since the last send."""
    lead = plant.lead(LEAD, trigger="cold_start")
    start = clock.now + timedelta(minutes=5)

    handed = plant.live(clock, clock.now + 14 * DAY)

    assert texts(handed) == [
        (start, "COLD 1"),
        (start + 1 * DAY, "COLD 2"),
        (start + 2 * DAY, "COLD 3"),
        (start + 3 * DAY, "WARM 1"),
        (start + 4 * DAY, "WARM 2"),
        (start + 5 * DAY, "WARM 3"),
        (start + 7 * DAY, "HOT 1"),
        (start + 8 * DAY, "HOT 2"),
        (start + 9 * DAY, "HOT 3"),
    ]
    row = plant.row("select trigger, chained from drip.leads where id = %s", lead)
    assert (row["trigger"], row["chained"]) == (None, {})
    journeys = plant.rows("select * from drip.sequence_contacts order by id")
    assert [row["status"] for row in journeys] == ["completed"] * 3
    assert [row["completed_at"] for row in journeys] == [start + day * DAY for day in (2, 5, 9)]


@pytest.mark.lesson(28, story=True)
def test_nobody_is_in_two_at_once(clock: Clock, plant: Plant, chain: Any) -> None:
    """All three tokens at once: the group lets them in one after the other, and none is lost."""
    plant.lead(LEAD, trigger="cold_start,warm_start,hot_start")
    handed = plant.live(clock, clock.now + 30 * DAY)
    order = [text.split()[0] for _, text in texts(handed)]
    assert sorted(order) == sorted(["COLD", "WARM", "HOT"] * 3)
    assert [name for index, name in enumerate(order) if index % 3 == 0] == [
        name for index, name in enumerate(order) if index % 3 == 2
    ]
    assert plant.value("select trigger from drip.leads") is None


def test_a_failed_last_step_still_hands_over(clock: Clock, plant: Plant, chain: Any) -> None:
    plant.lead(LEAD, trigger="cold_start")
    handed = plant.live(
        clock,
        clock.now + 6 * DAY,
        lambda row: "permanent" if row["content"] == "COLD 3" else "accepted",
    )
    assert [text for _, text in texts(handed)][3:5] == ["WARM 1", "WARM 2"]
    # the wait counts from the last real send
    assert handed[3][0] - handed[1][0] == DAY


def test_a_lead_that_leaves_is_not_handed_over(clock: Clock, plant: Plant, chain: Any) -> None:
    plant.lead(LEAD, trigger="cold_start")
    plant.live(clock, clock.now + 1.5 * DAY)
    plant.row("select * from drip.exit_lead('COLD', %s, 'bought')", LEAD)
    assert plant.live(clock, clock.now + 10 * DAY) == []
    assert plant.value("select trigger from drip.leads") is None


@pytest.mark.lesson(27, story=True)
def test_a_token_of_its_own_survives_the_journey(clock: Clock, plant: Plant, chain: Any) -> None:
    """Only the consumed token goes, and a handed-over one stands beside the rest."""
    lead = plant.lead(LEAD, trigger="vip, Cold_Start")
    plant.live(clock, clock.now + timedelta(hours=1))
    assert plant.value("select trigger from drip.leads where id = %s", lead) == "vip"
    plant.live(clock, clock.now + 2.5 * DAY)
    plant.row("select * from drip.pause_sequence('WARM')")
    assert plant.value("select count(*) from drip.sequence_contacts") == 2
    assert plant.value("select trigger from drip.leads where id = %s", lead) == "vip"


def test_a_token_waits_behind_a_pause(clock: Clock, plant: Plant, chain: Any) -> None:
    plant.row("select * from drip.pause_sequence('WARM')")
    plant.lead(LEAD, trigger="cold_start")
    handed = plant.live(clock, clock.now + 6 * DAY)
    assert [text for _, text in texts(handed)] == ["COLD 1", "COLD 2", "COLD 3"]
    assert plant.value("select trigger from drip.leads") == "warm_start"
    plant.row("select * from drip.resume_sequence('WARM')")
    handed = plant.live(clock, clock.now + DAY)
    assert next(text for _, text in texts(handed)) == "WARM 1"


def test_many_leads_are_kept_apart(clock: Clock, plant: Plant, chain: Any) -> None:
    """Each has its nine messages in order, once."""
    phones = [f"+601234567{number:02d}" for number in range(12)]
    for number, phone in enumerate(phones):
        plant.lead(phone, trigger="cold_start" if number % 2 else "warm_start")
    handed = plant.live(clock, clock.now + 14 * DAY)
    for number, phone in enumerate(phones):
        got = [text for _, to, text in handed if to == phone]
        names = ["COLD", "WARM", "HOT"] if number % 2 else ["WARM", "HOT"]
        assert got == [f"{name} {step}" for name in names for step in (1, 2, 3)]
