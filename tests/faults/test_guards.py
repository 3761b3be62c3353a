"""A guard that sleeps, fails, is dropped, or writes: the claim goes on without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from factory import Connection, Plant

from pgdrip.simulator import SimulatorThread

Start = Callable[..., Any]
Wait = Callable[..., None]
States = Callable[[], dict[str, int]]

NOT_AT_THE_TRIAL = "if p_lead_id = 0 then return true; end if; "
BODIES = {
    "sleeps": NOT_AT_THE_TRIAL + "perform pg_sleep(600); return true;",
    "fails": "return 1 / (p_lead_id - p_lead_id) = 1;",
    "is dropped": "return true;",
    "writes": NOT_AT_THE_TRIAL + "perform shop.writes(); return true;",
}


@pytest.mark.parametrize("kind", BODIES)
def test_the_worker_goes_on_without_a_guard_that(
    kind: str, gateway: SimulatorThread, add_device: Callable[..., int],
    send: Callable[[int], None], states: States, start_worker: Start, wait: Wait,
    conn: Connection, plant: Plant,
) -> None:  # fmt: skip
    add_device("one", burst=5)
    conn.execute(
        "create schema shop; create table shop.notes (a integer);"
        "create function shop.writes() returns void language sql volatile security definer"
        " as 'insert into shop.notes values (1)';"
        "grant execute on function shop.writes to drip_guard"
    )
    plant.guard("g", BODIES[kind])
    plant.guard("paid", "return true;")
    guarded = plant.sequence({"only_if": "g"})
    asked = plant.sequence({"only_if": "paid"})
    journeys = [plant.enroll(guarded) for _ in range(2)]
    for _ in range(3):
        plant.enroll(asked)
    if kind == "is dropped":
        conn.execute("drop function shop.g(bigint, bigint)")
    send(10)

    worker = start_worker()

    wait(lambda: states() == {"sent": 13, "pending": 2})
    wait(
        lambda: all(
            message["deferred_reason"] == "guard_error"
            for enrollment in journeys
            for message in plant.journey(enrollment)
        )
    )
    assert len(gateway.messages) == 13
    assert plant.rows("select from shop.notes") == []
    row = plant.row("select * from drip.list_guards() where name = 'g'")
    assert row["state"] != "ready"
    assert row["last_error"]
    for enrollment in journeys:
        [message] = plant.journey(enrollment)
        explained = plant.explain(message["id"])
        assert (explained["verdict"], explained["reason"]) == ("wait", "guard_error")
        assert explained["earliest"] == message["not_before"]
    # what is sent meanwhile goes as ever
    send(5)
    wait(lambda: states() == {"sent": 18, "pending": 2})
    worker.process.terminate()
    assert worker.ended() == 0
