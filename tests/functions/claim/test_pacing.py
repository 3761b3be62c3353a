"""Pacing, burst and priority: what holds for the device, whatever sends on it."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any

import pytest
from factory import Clock, Connect, Plant


def paced(plant: Plant, device: int) -> list[dict[str, Any]]:
    """The device's attempts in order."""
    return plant.rows(
        "select * from drip.message_attempts where device_id = %s order by claimed_at, message_id",
        device,
    )


def next_wakeup(plant: Plant) -> Any:
    return plant.value("select drip.next_wakeup()")


@pytest.mark.parametrize(
    ("of_device", "of_program", "low", "high"),
    [
        ((10, 30), (None, None), 10, 30),
        ((10, 30), (5, 15), 10, 30),
        ((10, 30), (20, 25), 20, 30),
        ((10, 30), (20, 60), 20, 60),
        ((10, 30), (40, 60), 40, 60),
        ((10, 30), (40, None), 40, 40),
        ((10, 30), (None, 90), 10, 90),
        ((0, 0), (None, None), 0, 0),
        ((0, 0), (7, 7), 7, 7),
    ],
)
def test_the_device_is_the_floor_bound_by_bound(
    plant: Plant,
    of_device: tuple[int, int],
    of_program: tuple[int | None, int | None],
    low: int,
    high: int,
) -> None:
    drawn = [
        row["delay"]
        for row in plant.rows(
            "select drip._delay_seconds(n, %s, %s, %s, %s) as delay from generate_series(1, 300) n",
            *of_device,
            *of_program,
        )
    ]
    assert low <= min(drawn) <= max(drawn) <= high
    if high > low:
        # drawn over the whole range, not at its ends
        assert min(drawn) < low + (high - low) * 0.1
        assert max(drawn) > high - (high - low) * 0.1
        assert len(set(drawn)) > 250


@pytest.mark.parametrize(
    ("step", "sequence", "seconds"),
    [((None, None), (None, None), 10), ((None, None), (50, 50), 50), ((70, 70), (50, 50), 70)],
)
def test_a_step_goes_before_its_sequence(
    clock: Clock,
    plant: Plant,
    step: tuple[int | None, int | None],
    sequence: tuple[int | None, int | None],
    seconds: int,
) -> None:
    device = plant.device(min_delay_seconds=10, max_delay_seconds=10)
    definition = {"min_delay_seconds": step[0], "max_delay_seconds": step[1]}
    plant.enroll(
        plant.sequence(
            {key: value for key, value in definition.items() if value is not None},
            min_delay_seconds=sequence[0],
            max_delay_seconds=sequence[1],
        )
    )
    plant.claim()
    [attempt] = paced(plant, device)
    assert attempt["delay_seconds"] == seconds


def test_a_campaign_has_its_own_delay(clock: Clock, plant: Plant) -> None:
    device = plant.device(min_delay_seconds=10, max_delay_seconds=10)
    campaign = plant.campaign(min_delay_seconds=33, max_delay_seconds=33)
    plant.message(device, campaign_id=campaign, priority=3)
    plant.claim()
    assert paced(plant, device)[0]["delay_seconds"] == 33


@pytest.mark.lesson(51)
def test_the_draw_is_the_same_at_every_look(clock: Clock, plant: Plant) -> None:
    """So that a preview agrees with what happens."""
    device = plant.device(min_delay_seconds=10, max_delay_seconds=30)
    message = plant.message(device)
    preview = plant.value("select drip._delay_seconds(%s, 10, 30, null, null)", message)
    plant.claim()
    assert paced(plant, device)[0]["delay_seconds"] == preview


def test_the_next_claim_waits_for_the_drawn_delay(clock: Clock, plant: Plant) -> None:
    device = plant.device(min_delay_seconds=10, max_delay_seconds=30, burst=5)
    plant.message(device)
    plant.message(device)
    [first] = plant.claim()
    plant.answer(first)
    delay = float(paced(plant, device)[0]["delay_seconds"])
    started = clock.now
    clock.set(started + timedelta(seconds=delay - 0.001))
    plant.wake()
    assert plant.claim() == []
    clock.set(started + timedelta(seconds=delay))
    plant.wake()
    assert len(plant.claim()) == 1


@pytest.mark.lesson(10)
def test_sequences_campaigns_and_single_messages_share_one_pace(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    """Two workers, three sources, a worker that starts anew: every gap is the drawn one."""
    device = plant.device(min_delay_seconds=10, max_delay_seconds=30, burst=3)
    campaign = plant.campaign()
    sequence = plant.sequence(device_id=device)
    for _ in range(8):
        plant.message(device, campaign_id=campaign, priority=3)
        plant.enroll(sequence)
        plant.message(device)
    other = clock.join(connect())

    handed_over = 0
    for turn in range(200):
        if handed_over == 24:
            break
        clock.set(max(next_wakeup(plant), clock.now))
        session = other if turn % 2 else None
        for row in plant.claim(worker=f"w-{turn}", session=session):
            handed_over += 1
            plant.answer(row)

    attempts = paced(plant, device)
    assert len(attempts) == 24
    for before, after in itertools.pairwise(attempts):
        gap = (after["claimed_at"] - before["claimed_at"]).total_seconds()
        assert gap == pytest.approx(float(before["delay_seconds"]), abs=0.001)


def test_the_pace_does_not_wait_for_answers_below_the_burst(clock: Clock, plant: Plant) -> None:
    device = plant.device(min_delay_seconds=10, max_delay_seconds=10, burst=2)
    for _ in range(4):
        plant.message(device)
    assert len(plant.claim()) == 1
    clock.advance(seconds=10)
    assert len(plant.claim()) == 1
    clock.advance(seconds=10)
    plant.wake()
    assert plant.claim() == []


def campaign_on(plant: Plant, device: int, size: int) -> None:
    """A campaign of that many messages, all due now on this device."""
    campaign = plant.campaign()
    plant.conn.execute(
        "insert into drip.leads (user_id, phone, created_at, updated_at)"
        " select %s, '+6019' || 1000000 + n, drip.now(), drip.now() from generate_series(1, %s) n",
        [plant.user, size],
    )
    plant.conn.execute(
        "insert into drip.broadcast_messages (user_id, device_id, lead_id, campaign_id,"
        " recipient_phone, category, message_type, priority, scheduled_at, planned_at, created_at)"
        " select user_id, %s, id, %s, phone, 'marketing', 'text', 3, drip.now(), drip.now(),"
        " drip.now() from drip.leads",
        [device, campaign],
    )


def claims_until(clock: Clock, plant: Plant, wanted: int, latest: datetime) -> list[int]:
    """Work until that message is claimed; the messages in order. It must be by the latest time."""
    sent: list[int] = []
    while wanted not in sent:
        for row in plant.claim():
            sent.append(row["message_id"])
            plant.answer(row)
        if wanted not in sent:
            clock.set(max(next_wakeup(plant), clock.now + timedelta(milliseconds=1)))
        assert clock.now <= latest
    return sent


@pytest.mark.lesson(41, "classes")
@pytest.mark.parametrize("source", ["drip step", "single message"])
def test_a_campaign_of_thousands_delays_others_by_one_delay(
    clock: Clock, plant: Plant, source: str
) -> None:
    """The bound: one drawn delay of the device, here at most 30 s, whatever the campaign's size."""
    device = plant.device(min_delay_seconds=10, max_delay_seconds=30)
    campaign_on(plant, device, 2_000)
    due = clock.now + timedelta(seconds=95)
    if source == "single message":
        wanted = plant.message(device, scheduled_at=due)
    else:
        sequence = plant.sequence(start_delay="95 seconds", device_id=device)
        wanted = plant.journey(plant.enroll(sequence))[0]["id"]
    sent = claims_until(clock, plant, wanted, due + timedelta(seconds=30))
    assert due <= clock.now
    assert len(sent) > 3  # the campaign went on meanwhile


@pytest.mark.exhaustive
@pytest.mark.lesson(41, story=True)
def test_a_step_waits_behind_one_message_of_a_hundred_thousand(clock: Clock, plant: Plant) -> None:
    """The one whose delay is running when the step comes due; ten steps, at odd times."""
    device = plant.device(min_delay_seconds=10, max_delay_seconds=30)
    campaign_on(plant, device, 100_000)
    plant.conn.execute("analyze drip.broadcast_messages")
    for number in range(1, 11):
        due = clock.now + timedelta(seconds=13.7 * number)
        sequence = plant.sequence(
            start_delay=f"{(due - clock.now).total_seconds()} seconds", device_id=device
        )
        step = plant.journey(plant.enroll(sequence))[0]["id"]
        claims_until(clock, plant, step, due + timedelta(seconds=30))
        # what was claimed before it since it was due: nothing; and one delay at most was running
        behind = plant.rows(
            "select a.message_id from drip.message_attempts a where a.message_id <> %s"
            " and a.claimed_at + a.delay_seconds * interval '1 second' > %s",
            step,
            due,
        )
        assert len(behind) <= 1
        assert clock.now >= due


@pytest.mark.lesson(41, "classes")
def test_classes_go_in_their_order(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    campaign = plant.message(
        device,
        campaign_id=plant.campaign(),
        priority=3,
        scheduled_at=clock.now - timedelta(hours=3),
    )
    step = plant.journey(plant.enroll(plant.sequence()))[0]["id"]
    single = plant.message(device)
    order = []
    for _ in range(3):
        [row] = plant.claim()
        order.append(row["message_id"])
        plant.answer(row)
    assert order == [single, step, campaign]
