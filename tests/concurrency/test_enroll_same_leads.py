"""Planned exactly once, whoever plans, side by side and in any order."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from factory import Clock, Connect, Connection, Plant
from psycopg.types.json import Jsonb
from waiting import wait_until_blocked

PHONE = "+60123456789"
ENROLL = "select * from drip.enroll_lead('Warm', %s)"
ENROLL_MANY = "select * from drip.enroll_leads('Warm', %s)"


def side_by_side(*works: Callable[[], None], seconds: float = 120) -> None:
    """Run all at the same time; the first error of any is raised."""
    with ThreadPoolExecutor(len(works)) as pool:
        for future in [pool.submit(work) for work in works]:
            future.result(timeout=seconds)


@pytest.mark.lesson(34, story=True)
def test_eight_sessions_and_the_sweep(clock: Clock, plant: Plant, connect: Connect) -> None:
    """The same 2,000 phones, a different order each; half of the leads carry the token too."""
    plant.device()
    plant.sequence({}, {}, name="Warm", auto_enroll="trigger", trigger="warm")
    phones = [f"+6011{n:08d}" for n in range(2000)]
    plant.conn.execute(
        "insert into drip.leads (user_id, phone, trigger, created_at, updated_at)"
        " select %s, unnest(%s::text[]), 'warm', drip.now(), drip.now()",
        [plant.user, phones[::2]],
    )
    sessions = [clock.join(connect()) for _ in range(8)]
    sweeper = clock.join(connect())
    start = threading.Barrier(9)
    outcomes: Counter[str] = Counter()
    done = threading.Event()

    def enroll(number: int) -> None:
        mixed = phones[:]
        random.Random(number).shuffle(mixed)
        start.wait(timeout=30)
        for at in range(0, len(mixed), 500):
            rows = sessions[number].execute(ENROLL_MANY, [mixed[at : at + 500]]).fetchall()
            assert [row["phone"] for row in rows] == mixed[at : at + 500]
            outcomes.update(row["outcome"] for row in rows)

    def sweep() -> None:
        start.wait(timeout=30)
        while True:
            last = done.is_set()
            row = sweeper.execute("select * from drip.enroll_matching_leads(300)").fetchone()
            assert row is not None
            outcomes["enrolled"] += row["enrolled"]
            if last and row["looked_at"] == 0:
                return

    def all_enroll() -> None:
        try:
            side_by_side(*[lambda n=n: enroll(n) for n in range(8)])  # type: ignore[misc]
        finally:
            done.set()

    side_by_side(all_enroll, sweep)

    assert set(outcomes) == {"enrolled", "already_enrolled"}
    assert outcomes["enrolled"] == 2000
    assert plant.value("select count(*) from drip.leads") == 2000
    assert plant.value("select count(distinct lead_id) from drip.sequence_contacts") == 2000
    assert plant.value("select count(*) from drip.sequence_contacts") == 2000
    assert plant.value("select count(*) from drip.broadcast_messages") == 4000
    assert plant.value("select count(*) from drip.leads where trigger is not null") == 0


@pytest.mark.parametrize("commits", [True, False])
def test_the_same_phone_waits_for_the_first(
    clock: Clock, plant: Plant, connect: Connect, commits: bool
) -> None:
    plant.sequence(name="Warm")
    first, second = clock.join(connect(autocommit=False)), clock.join(connect())
    held = first.execute(ENROLL, [PHONE]).fetchone()
    answers: list[Any] = []

    def enroll() -> None:
        answers.append(second.execute(ENROLL, [PHONE]).fetchone())

    thread = threading.Thread(target=enroll)
    thread.start()
    wait_until_blocked(plant.conn, second, by=first)
    if commits:
        first.commit()
    else:
        first.rollback()
    thread.join(timeout=30)

    [answer] = answers
    assert held is not None
    assert answer["outcome"] == ("already_enrolled" if commits else "enrolled")
    assert (answer["enrollment_id"] == held["enrollment_id"]) is commits
    assert plant.value("select count(*) from drip.sequence_contacts") == 1


@pytest.mark.lesson(28, "judged")
def test_a_group_is_kept_across_sessions(clock: Clock, plant: Plant, connect: Connect) -> None:
    """Two sequences of one group, the same lead, at the same time."""
    plant.sequence(name="Warm", exclusive_group="funnel")
    plant.sequence(name="Cold", exclusive_group="funnel")
    plant.lead(PHONE)
    first, second = clock.join(connect(autocommit=False)), clock.join(connect())
    first.execute(ENROLL, [PHONE])
    answers: list[Any] = []

    def enroll() -> None:
        answers.append(
            second.execute("select * from drip.enroll_lead('Cold', %s)", [PHONE]).fetchone()
        )

    thread = threading.Thread(target=enroll)
    thread.start()
    wait_until_blocked(plant.conn, second, by=first)
    first.commit()
    thread.join(timeout=30)
    assert answers[0]["outcome"] == "exclusive"


def test_the_sweep_leaves_a_held_lead(clock: Clock, plant: Plant, connect: Connect) -> None:
    plant.sequence(name="Warm", auto_enroll="trigger", trigger="warm")
    plant.lead(PHONE, trigger="warm")
    plant.lead(trigger="warm")
    holder = clock.join(connect(autocommit=False))
    holder.execute(ENROLL, [PHONE])
    sweeper = clock.join(connect())
    sweeper.execute("set statement_timeout = '10s'")
    row = sweeper.execute("select * from drip.enroll_matching_leads()").fetchone()
    assert row == {"enrolled": 1, "consumed": 1, "looked_at": 1, "remaining": 0}
    holder.commit()
    row = sweeper.execute("select * from drip.enroll_matching_leads()").fetchone()
    assert row == {"enrolled": 0, "consumed": 1, "looked_at": 1, "remaining": 0}
    assert plant.value("select count(*) from drip.sequence_contacts") == 2


@pytest.mark.lesson(35, story=True)
def test_several_expanders_plan_each_lead_once(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    plant.device()
    plant.conn.execute(
        "insert into drip.leads (user_id, phone, created_at, updated_at)"
        " select %s, '+6011' || to_char(n, 'FM00000000'), drip.now(), drip.now()"
        " from generate_series(1, 2000) n",
        [plant.user],
    )
    for title in ("One", "Two"):
        plant.row(
            "select * from drip.create_campaign(%s)",
            Jsonb({"title": title, "message": "m", "everyone": True}),
        )
        plant.row("select * from drip.schedule_campaign(%s)", title)
    sessions = [clock.join(connect()) for _ in range(4)]
    start = threading.Barrier(len(sessions))

    def expand(session: Connection) -> None:
        start.wait(timeout=30)
        while session.execute("select * from drip.expand_campaigns(150)").fetchall():
            pass

    side_by_side(*[lambda s=s: expand(s) for s in sessions])  # type: ignore[misc]
    # Who finds the other's campaign held goes home; the rest is the next sweep's.
    expand_rest = clock.join(connect())
    while expand_rest.execute("select * from drip.expand_campaigns(1000)").fetchall():
        pass

    rows = plant.rows(
        "select campaign_id, count(*)::int as n, count(distinct lead_id)::int as leads"
        " from drip.broadcast_messages group by 1 order by 1"
    )
    assert [(row["n"], row["leads"]) for row in rows] == [(2000, 2000)] * 2
    assert plant.value("select array_agg(distinct audience_count) from drip.campaigns") == [2000]


def test_the_same_definition_at_once_makes_one(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    definition = Jsonb({"name": "Warm", "steps": [{"content": "a"}]})
    create = "select * from drip.create_sequence(%s)"
    first, second = clock.join(connect(autocommit=False)), clock.join(connect())
    made = first.execute(create, [definition]).fetchone()
    answers: list[Any] = []

    def repeat() -> None:
        answers.append(second.execute(create, [definition]).fetchone())

    thread = threading.Thread(target=repeat)
    thread.start()
    wait_until_blocked(plant.conn, second, by=first)
    first.commit()
    thread.join(timeout=30)
    assert made is not None
    assert answers[0]["outcome"] == "existing"
    assert answers[0]["sequence_id"] == made["sequence_id"]
    assert plant.value("select count(*) from drip.sequence_steps") == 1


def test_a_pause_waits_for_who_is_changing_a_message_and_holds_the_rest(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    """An application takes one lead out while the operator pauses: both hold afterwards."""
    plant.device()
    sequence = plant.sequence({}, {}, name="Warm")
    leaving, staying = plant.enroll(sequence, plant.lead(PHONE)), plant.enroll(sequence)
    application, operator = clock.join(connect(autocommit=False)), clock.join(connect())
    application.execute("select * from drip.exit_lead('Warm', %s)", [PHONE])
    thread = threading.Thread(
        target=lambda: operator.execute("select * from drip.pause_sequence('Warm')")
    )
    thread.start()
    wait_until_blocked(plant.conn, operator, by=application)
    application.commit()
    thread.join(timeout=30)

    assert {m["status"] for m in plant.journey(leaving)} == {"cancelled"}
    assert plant.enrollment(leaving)["status"] == "exited"
    assert plant.enrollment(staying)["status"] == "paused"
    plant.wake()
    assert plant.claim() == []
