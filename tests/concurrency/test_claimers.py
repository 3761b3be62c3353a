"""Several workers and everybody else at once: no message twice, no deadlock, nothing lost."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from factory import Clock, Connect, Connection, Plant
from psycopg.types.json import Jsonb

Work = Callable[[Connection, random.Random], None]


def side_by_side(sessions: list[Connection], work: list[Work]) -> None:
    """Run each piece of work in a thread and a session of its own; the first error is raised."""
    errors: list[BaseException] = []

    def run(session: Connection, piece: Work, seed: int) -> None:
        try:
            piece(session, random.Random(seed))
        except BaseException as error:
            errors.append(error)

    threads = [
        threading.Thread(target=run, args=(session, piece, seed))
        for seed, (session, piece) in enumerate(zip(sessions, work, strict=True))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert not any(thread.is_alive() for thread in threads)
    for error in errors:
        raise error


def queue(plant: Plant, devices: int, messages: int, **columns: Any) -> None:
    """Devices of the pool, each with that many due messages."""
    for _ in range(devices):
        device = plant.device(**columns)
        plant.conn.execute(
            "with l as (insert into drip.leads (user_id, phone, created_at, updated_at)"
            " select %s, '+6018' || lpad((%s * 1000 + n)::text, 8, '0'), drip.now(), drip.now()"
            " from generate_series(1, %s) n returning id, user_id, phone)"
            " insert into drip.broadcast_messages (user_id, device_id, lead_id, recipient_phone,"
            " category, message_type, source, priority, scheduled_at, planned_at, created_at)"
            " select user_id, %s, id, phone, 'utility', 'text', '{\"content\": \"x\"}', 1,"
            " drip.now(), drip.now(), drip.now() from l",
            [plant.user, device, messages, device],
        )


def test_two_open_claims_never_overlap(clock: Clock, plant: Plant, connect: Connect) -> None:
    queue(plant, 6, 5, burst=2)
    one, two = (clock.join(connect(autocommit=False)) for _ in range(2))
    first = {row["message_id"] for row in plant.claim(limit=5, session=one)}
    second = {row["message_id"] for row in plant.claim(limit=5, session=two)}
    assert len(first) == 5
    assert len(second) > 0
    assert first & second == set()
    one.commit()
    two.commit()
    assert plant.value(
        "select count(*) from drip.broadcast_messages where status = 'processing'"
    ) == len(first | second)


def test_a_claim_that_is_rolled_back_gives_all_back(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    queue(plant, 1, 1)
    worker = clock.join(connect(autocommit=False))
    [claimed] = plant.claim(session=worker)
    worker.rollback()
    assert plant.claim() == [claimed]


@pytest.mark.lesson(2)
def test_many_workers_hand_each_message_over_once(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    queue(plant, 20, 20, burst=3)
    handed: list[tuple[int, int]] = []

    def work(session: Connection, chance: random.Random) -> None:
        idle = 0
        while idle < 20:
            claimed = plant.claim(limit=chance.randint(1, 30), session=session)
            idle = 0 if claimed else idle + 1
            handed.extend((row["message_id"], row["attempt"]) for row in claimed)
            if claimed:
                session.execute(
                    "select * from drip.record_results('w', %s)",
                    [
                        Jsonb(
                            [
                                {
                                    "message_id": row["message_id"],
                                    "attempt": row["attempt"],
                                    "outcome": "accepted",
                                }
                                for row in claimed
                            ]
                        )
                    ],
                )
            else:
                session.execute("select drip.wake_devices('{}')")

    side_by_side([clock.join(connect()) for _ in range(4)], [work] * 4)
    assert Counter(message for message, _ in handed).most_common(1)[0][1] == 1
    assert len(handed) == 400
    assert plant.rows("select distinct status from drip.broadcast_messages") == [{"status": "sent"}]
    assert plant.value("select sum(sent_today) from drip.device_pacing") == 400


def test_everybody_at_once_without_a_deadlock(clock: Clock, plant: Plant, connect: Connect) -> None:
    """Workers, the tick, opt-outs, pauses, enrollments and failing devices, over and over."""
    plant.tenant(breaker_sample=100_000)
    queue(plant, 4, 15, burst=5, unknown_policy="retry")
    sequence = plant.sequence({}, {"trigger_delay_hours": 0}, {"trigger_delay_hours": 0})
    campaign = plant.campaign()
    phones = [f"+60177{number:06d}" for number in range(40)]
    for phone in phones[:20]:
        plant.enroll(sequence, plant.lead(phone))
    for lead in plant.rows("select id from drip.leads order by id limit 20"):
        plant.message(1, lead["id"], campaign_id=campaign, priority=3)
    # one that is not due, so that the campaign is never completed and can always be paused
    plant.message(
        1, plant.lead(), campaign_id=campaign, priority=3, scheduled_at=clock.now.replace(year=2100)
    )
    accepted: Counter[int] = Counter()

    def worker(session: Connection, chance: random.Random) -> None:
        for _ in range(40):
            claimed = plant.claim(limit=20, session=session)
            results = []
            for row in claimed:
                outcome = chance.choice(["accepted"] * 5 + ["retry", "permanent", "unknown"])
                scope = chance.choice(["recipient", "recipient", "device"])
                if outcome == "accepted":
                    accepted[row["message_id"]] += 1
                results.append(
                    {
                        "message_id": row["message_id"],
                        "attempt": row["attempt"],
                        "outcome": outcome,
                        "scope": scope if outcome == "retry" else "recipient",
                        "retry_after_seconds": 0,
                    }
                )
            chance.shuffle(results)
            if chance.random() < 0.1 and claimed:
                session.execute(
                    "select * from drip.release_messages('w', %s)",
                    [
                        Jsonb(
                            [
                                {"message_id": row["message_id"], "attempt": row["attempt"]}
                                for row in claimed
                                if row["message_id"] not in accepted
                            ]
                        )
                    ],
                )
            session.execute("select * from drip.record_results('w', %s)", [Jsonb(results)])
            session.execute("select drip.wake_devices('{}')")

    def sweeper(session: Connection, chance: random.Random) -> None:
        for _ in range(25):
            rows = session.execute("select * from drip.tick()").fetchall()
            assert [row for row in rows if row["error"]] == []
            session.execute(
                "update drip.broadcast_messages set lease_expires_at = drip.now()"
                " where id in (select id from drip.broadcast_messages"
                " where status = 'processing' and id % 7 = 0"
                " for update skip locked)"
            )

    def application(session: Connection, chance: random.Random) -> None:
        for _ in range(25):
            session.execute("select * from drip.opt_out(%s)", [chance.choice(phones[:10])])
            batch = chance.sample(phones, 10)
            session.execute("select * from drip.enroll_leads(%s, %s)", [str(sequence), batch])
            session.execute("select * from drip.send_message(%s, 'hello')", [chance.choice(phones)])

    def operator(session: Connection, chance: random.Random) -> None:
        for turn in range(20):
            session.execute("select * from drip.pause_sequence(%s)", [str(sequence)])
            session.execute(
                "select * from drip.resume_sequence(%s, %s)",
                [str(sequence), ["shift", "catch_up"][turn % 2]],
            )
            session.execute("select * from drip.pause_campaign(%s)", [str(campaign)])
            session.execute("select * from drip.resume_campaign(%s)", [str(campaign)])
            session.execute(
                "select * from drip.exit_lead(%s, %s)", [str(sequence), chance.choice(phones)]
            )

    work = [worker, worker, worker, sweeper, application, operator]
    sessions = [clock.join(connect()) for _ in work]
    for session in sessions:
        session.execute("set statement_timeout = '60s'")
    side_by_side(sessions, work)

    assert (
        plant.rows(
            "select m.id, m.attempts, count(a.*) from drip.broadcast_messages m"
            " left join drip.message_attempts a on a.message_id = m.id"
            " group by m.id having count(a.*) <> m.attempts"
        )
        == []
    )
    stored = {
        row["id"]
        for row in plant.rows("select id from drip.broadcast_messages where status = 'sent'")
    }
    assert stored == set(accepted)
    assert len(stored) > 30
    plant.tick()
    assert (
        plant.rows(
            "select e.enrollment_id from drip._enrollment_facts f join drip._enrollments e"
            " using (enrollment_id) where e.status <> f.status and e.status <> 'exited'"
        )
        == []
    )


def test_batches_in_opposite_order_do_not_deadlock(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    queue(plant, 10, 10, burst=10)
    claimed = plant.claim(limit=100)
    assert len(claimed) == 100
    results = [
        {"message_id": row["message_id"], "attempt": 1, "outcome": "accepted"} for row in claimed
    ]

    def record(order: list[dict[str, Any]]) -> Work:
        def work(session: Connection, chance: random.Random) -> None:
            for start in range(0, 100, 20):
                session.execute(
                    "select * from drip.record_results('w', %s)", [Jsonb(order[start : start + 60])]
                )

        return work

    side_by_side(
        [clock.join(connect()) for _ in range(2)], [record(results), record(results[::-1])]
    )
    assert plant.value("select sum(sent_today) from drip.device_pacing") == 100


@pytest.mark.parametrize("role", ["drip_worker", "drip_operator"])
def test_the_claim_works_for_the_roles_that_may(
    clock: Clock, plant: Plant, connect: Connect, role: str
) -> None:
    queue(plant, 1, 1)
    assert len(plant.claim(session=clock.join(connect(role=role)))) == 1


def test_a_statement_timeout_leaves_nothing_half_done(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    """A worker's connection carries one; the rows are as before and go at the next claim."""
    queue(plant, 1, 1)
    holder = connect(autocommit=False)
    holder.execute("lock table drip.user_devices in access exclusive mode")
    worker = clock.join(connect())
    worker.execute("set statement_timeout = '100ms'")
    with pytest.raises(psycopg.errors.QueryCanceled):
        plant.claim(session=worker)
    holder.rollback()
    worker.execute("set statement_timeout = 0")
    assert len(plant.claim(session=worker)) == 1
