"""simulate() beside others: they go on, and it ends when nobody waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg
import pytest
from factory import Clock, Connect, Connection, Plant

WORKING = (
    "select count(*) from pg_stat_activity where pid = %s and state = 'active'"
    " and query like '%%drip.simulate%%'"
)
# it has begun to write: rows of the tenant are its own by now
WRITING = (
    "select count(*) from pg_locks where pid = %s and mode = 'RowExclusiveLock' and granted"
    " and relation = 'drip.broadcast_messages'::regclass"
)


def wait_for(seconds: float, holds: Callable[[], bool], what: str) -> float:
    """How long it takes until it holds."""
    start = time.monotonic()
    while not holds():
        if time.monotonic() - start > seconds:
            pytest.fail(f"{what}: not within {seconds} s")
        time.sleep(0.02)
    return time.monotonic() - start


@pytest.fixture
def endless(clock: Clock, plant: Plant) -> None:
    """Thousands due behind a closed window: each look defers a few, for half a minute and more."""
    plant.tenant(time_zone="UTC", send_from="20:00", send_to="21:00")
    device = plant.device("mine")
    plant.conn.execute(
        "with l as (insert into drip.leads (user_id, phone, created_at, updated_at)"
        " select %s, '+6013' || to_char(n, 'FM0000000'), drip.now(), drip.now()"
        " from generate_series(1, 8000) n returning id, phone)"
        " insert into drip.broadcast_messages (user_id, device_id, lead_id, recipient_phone,"
        " category, message_type, source, priority, scheduled_at, planned_at, created_at)"
        " select %s, %s, l.id, l.phone, 'marketing', 'text', '{\"content\": \"x\"}', 1,"
        " drip.now(), drip.now(), drip.now() from l",
        [plant.user, plant.user, device],
    )


def play(clock: Clock, plant: Plant, session: Connection) -> Callable[[], bool]:
    """Starts a play in a session; says whether it is under way."""
    pid = session.info.backend_pid
    session.pgconn.send_query(b"select * from drip.simulate('default')")

    def is_working() -> bool:
        return plant.value(WORKING, pid) == 1

    wait_for(10, lambda: plant.value(WRITING, pid) == 1, "the play begins")
    return is_working


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_it_ends_with_its_client(
    clock: Clock, plant: Plant, connect: Connect, endless: None, dsn: str, is_cancelled: bool
) -> None:
    """Its socket is closed, or a cancel comes: the work ends, and others find the tenant free."""
    session = clock.join(psycopg.connect(dsn, autocommit=True))
    is_working = play(clock, plant, session)
    assert is_working(), "the play is over before it could be left"
    if is_cancelled:
        session.cancel_safe()
    else:
        session.pgconn.finish()
    took = wait_for(5, lambda: not is_working(), "the play ends")
    print(f"{took:.2f} s")


def test_claims_of_others_go_on(
    clock: Clock, plant: Plant, connect: Connect, endless: None, dsn: str
) -> None:
    other = plant.other_tenant()
    theirs = plant.device(user=other)
    for _ in range(3):
        plant.message(theirs, plant.lead(user=other), user=other)
    session = clock.join(psycopg.connect(dsn, autocommit=True))
    is_working = play(clock, plant, session)
    claimed = []
    for _ in range(3):
        plant.wake()
        claimed += plant.claim()
        plant.answer(claimed[-1])
        assert is_working()
    assert {row["device_id"] for row in claimed} == {theirs}
    assert len(claimed) == 3
    session.cancel_safe()
    session.close()
