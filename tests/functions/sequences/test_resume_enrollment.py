"""resume_enrollment(): a journey goes on, by a policy; pauses over each other count once."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest
from factory import Clock, Connection, Plant
from refusals import refusal

PHONE = "+60123456789"
RESUME = "select * from drip.resume_enrollment(%s, %s, %s)"
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def begun(clock: Clock, plant: Plant) -> int:
    """A journey of four steps a day apart whose first has gone; an hour later."""
    plant.device()
    steps = ({"content": str(n)} for n in range(1, 5))
    enrollment = plant.enroll(plant.sequence(*steps, name="Warm"), plant.lead(PHONE))
    plant.live(clock, clock.now + HOUR)
    return enrollment


@pytest.mark.parametrize(
    ("policy", "expected", "moved", "skipped"),
    [
        ("shift", {"2": 3.25, "3": 4.25, "4": 5.25}, 3, 0),
        (" SHIFT ", {"2": 3.25, "3": 4.25, "4": 5.25}, 3, 0),
        (None, {"2": 3.25, "3": 4.25, "4": 5.25}, 3, 0),
        ("catch_up", {"2": 2.25 + 1 / 24, "3": 3.25 + 1 / 24, "4": 4.25 + 1 / 24}, 0, 0),
        ("skip", {"4": 3}, 0, 2),
    ],
)
def test_each_policy_as_for_a_sequence(
    clock: Clock,
    plant: Plant,
    policy: str | None,
    expected: dict[str, float],
    moved: int,
    skipped: int,
) -> None:
    start = clock.now
    enrollment = begun(clock, plant)
    plant.row("select * from drip.pause_enrollment('Warm', %s)", PHONE)
    plant.live(clock, clock.now + 2.25 * DAY)

    resumed = plant.row(RESUME, "Warm", PHONE, policy)

    assert resumed == {
        "enrollment_id": enrollment,
        "lead_id": plant.value("select id from drip.leads"),
        "moved": moved,
        "skipped": skipped,
        "next_at": plant.enrollment(enrollment)["next_trigger_time"],
        "outcome": "resumed",
    }
    handed = plant.live(clock, start + 10 * DAY)
    assert {text: (at - start) / DAY for at, _, text in handed} == pytest.approx(expected)
    assert plant.enrollment(enrollment)["status"] == "completed"


def test_who_is_not_paused(clock: Clock, plant: Plant) -> None:
    begun(clock, plant)
    assert plant.row(RESUME, "Warm", PHONE, "skip")["outcome"] == "not_paused"
    assert plant.row(RESUME, "Warm", "+60129999999", "skip")["outcome"] == "not_enrolled"


def test_a_policy_that_does_not_exist(clock: Clock, plant: Plant, conn: Connection) -> None:
    enrollment = begun(clock, plant)
    plant.row("select * from drip.pause_enrollment('Warm', %s)", PHONE)
    assert refusal(conn, RESUME, "Warm", PHONE, "soon")[0] == "DR001"
    assert refusal(conn, "select * from drip.resume_lead(%s, %s)", PHONE, "soon")[0] == "DR001"
    assert plant.enrollment(enrollment)["status"] == "paused"


PAUSES = {
    "sequence": (
        "select * from drip.pause_sequence('Warm')",
        "select * from drip.resume_sequence('Warm')",
    ),
    "lead": (
        f"select * from drip.pause_lead('{PHONE}')",
        f"select * from drip.resume_lead('{PHONE}')",
    ),
    "enrollment": (
        f"select * from drip.pause_enrollment('Warm', '{PHONE}')",
        f"select * from drip.resume_enrollment('Warm', '{PHONE}')",
    ),
}


def reasons(plant: Plant) -> set[str]:
    return {str(row["reason"]) for row in plant.rows("select reason from drip.message_outlook")}


@pytest.mark.parametrize("pair", list(itertools.permutations(PAUSES, 2)), ids="-".join)
@pytest.mark.parametrize("nested", [True, False], ids=["inside", "overlapping"])
def test_two_pauses_hold_as_long_as_one_does_and_count_once(
    clock: Clock, plant: Plant, pair: tuple[str, str], nested: bool
) -> None:
    """From day 1 to day 4, in two pauses that lie over each other: three days, not four or five."""
    start = clock.now
    enrollment = begun(clock, plant)
    planned = [row["scheduled_at"] for row in plant.journey(enrollment)]
    first, second = pair
    clock.set(start + 1.5 * HOUR)

    def run(statement: str) -> Callable[[], object]:
        return lambda: plant.row(statement)

    ends = [(3, first), (2, second)] if nested else [(2, first), (3, second)]
    plan = [(0.0, run(PAUSES[first][0])), (1.0, run(PAUSES[second][0]))]
    plan += [(float(day), run(PAUSES[which][1])) for day, which in ends]
    for day, action in sorted(plan, key=lambda one: one[0]):
        at = start + 1.5 * HOUR + day * DAY
        if day > 1:
            # one of the two still holds it
            assert plant.live(clock, at) == []
        clock.set(at)
        action()
        if day < 3:
            assert plant.enrollment(enrollment)["status"] == "paused"

    assert plant.enrollment(enrollment)["status"] == "sent"
    assert [row["scheduled_at"] for row in plant.journey(enrollment)[1:]] == [
        at + 3 * DAY for at in planned[1:]
    ]
    handed = plant.live(clock, start + 20 * DAY)
    assert [at - start for at, _, _ in handed] == [4 * DAY, 5 * DAY, 6 * DAY]


def test_what_still_holds_it_is_named(clock: Clock, plant: Plant) -> None:
    begun(clock, plant)
    for pause, _ in PAUSES.values():
        plant.row(pause)
    clock.advance(days=2)
    told = []
    for name in ("sequence", "enrollment", "lead"):
        told.append(reasons(plant) & {"sequence_paused", "enrollment_paused", "lead_paused"})
        plant.row(PAUSES[name][1])
    assert told == [{"sequence_paused"}, {"enrollment_paused"}, {"lead_paused"}]
    assert "lead_paused" not in reasons(plant)


def test_an_edit_in_a_pause_plans_as_if_there_were_none(clock: Clock, plant: Plant) -> None:
    """The step that comes in on day 3 of the pause is due a day after the one before it."""
    start = clock.now
    enrollment = begun(clock, plant)
    plant.row(PAUSES["sequence"][0])
    clock.advance(days=3)
    plant.rows(
        "select * from drip.replace_steps('Warm', (drip.get_sequence('Warm') -> 'steps') || %s,"
        " p_dry_run => false)",
        '[{"name": "more", "content": "more"}]',
    )
    clock.advance(days=2)
    plant.row(PAUSES["sequence"][1])
    times = [row["scheduled_at"] - start for row in plant.journey(enrollment)]
    assert times == [timedelta(), 6 * DAY, 7 * DAY, 8 * DAY, 9 * DAY]
