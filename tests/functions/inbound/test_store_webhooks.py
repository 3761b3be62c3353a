"""store_webhooks(): raw bodies go into the queue in one transaction, and the workers hear of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg
import pytest
from factory import Clock, Connect, Connection, Plant
from refusals import refusal

STORE = "select drip.store_webhooks(%s::text[], %s::bigint[], %s::text[]) as stored"


def queued(plant: Plant) -> list[dict[str, Any]]:
    return [
        row["message"]
        for row in plant.rows("select q.message from pgmq.q_drip_inbound q order by q.msg_id")
    ]


def test_bodies_are_kept_to_the_character_and_in_order(clock: Clock, plant: Plant) -> None:
    bodies = ['{"b" : 1, "a":"é😀\\u00e9"}', '{"a": "\\"\\\\u0000\\n"}', "{}\n"]
    assert plant.value(STORE, ["device", "account", "device"], [7, 8, 7], bodies) == 3
    found = queued(plant)
    assert [(row["kind"], row["id"], row["body"]) for row in found] == [
        ("device", 7, bodies[0]),
        ("account", 8, bodies[1]),
        ("device", 7, bodies[2]),
    ]
    received = {datetime.fromisoformat(row["received_at"]) for row in found}
    assert received == {clock.now}
    assert next(iter(received)).tzinfo is not None


def test_a_worker_may_store_and_the_workers_are_told_once(
    connect: Connect, conn: Connection, plant: Plant
) -> None:
    conn.execute("listen drip_inbound")
    worker = connect(role="drip_worker", autocommit=False)
    worker.execute(STORE, [["device"] * 3, [1, 2, 3], ["{}"] * 3])
    assert queued(plant) == []
    worker.commit()
    assert len(queued(plant)) == 3
    assert [note.payload for note in conn.notifies(timeout=5, stop_after=1)] == [""]
    conn.execute("select pg_notify('drip_inbound', 'last')")
    assert next(conn.notifies(timeout=5, stop_after=1)).payload == "last"


@pytest.mark.parametrize(
    ("kinds", "ids", "bodies"),
    [
        (["device"], [1, 2], ["{}", "{}"]),
        (["device"], [1], []),
        (["device"], [1], None),
        (["gadget"], [1], ["{}"]),
        ([None], [1], ["{}"]),
        (["device"], [None], ["{}"]),
        (["device"], [1], [None]),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    conn: Connection, plant: Plant, kinds: Any, ids: Any, bodies: Any
) -> None:
    assert refusal(conn, STORE, kinds, ids, bodies)[0] == "DR001"
    assert queued(plant) == []


def test_nothing_is_nothing(conn: Connection, plant: Plant) -> None:
    conn.execute("listen drip_inbound")
    assert plant.value(STORE, [], [], []) == 0
    assert plant.value(STORE, None, None, None) == 0
    conn.execute("select pg_notify('drip_inbound', 'last')")
    assert next(conn.notifies(timeout=5, stop_after=1)).payload == "last"


def test_an_application_may_not_store(conn: Connection) -> None:
    conn.execute("set role drip_app")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(STORE, [["device"], [1], ["{}"]])
