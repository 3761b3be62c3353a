"""Guards and audiences that end or keep the sessions they run in, beside a worker as a process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from factory import Connection, Plant
from psycopg.types.json import Jsonb

from pgdrip.simulator import SimulatorThread

Start = Callable[..., Any]
Wait = Callable[..., None]

NOT_AT_THE_TRIAL = "if p_lead_id = 0 then return true; end if; "
DIES = {
    "transaction_timeout": (
        "perform set_config('transaction_timeout', '1ms', true); perform pg_sleep(1);"
    ),
    "exit_on_error": (
        "perform set_config('exit_on_error', 'on', true);"
        " raise exception using errcode = 'DR001', message = 'as if it were ours';"
    ),
    "swallows cancels": (
        "loop begin perform pg_sleep(60); exception when query_canceled then null; end; end loop;"
    ),
}


@pytest.fixture
def tenants(plant: Plant, add_device: Callable[..., int]) -> tuple[int, int]:
    """A hostile tenant and a healthy one, each with a device at the gateway."""
    other = plant.other_tenant("healthy")
    for user, name in ((plant.user, "hostile"), (other, "healthy")):
        with plant.acting_for(user):
            add_device(name)
    return plant.user, other


def send_for(plant: Plant, user: int, start: int, count: int) -> None:
    with plant.acting_for(user):
        plant.rows(
            "select drip.send_message('+6012' || g, 'Hello')"
            " from generate_series(%s::integer, %s::integer) g",
            start, start + count - 1,
        )  # fmt: skip


@pytest.mark.parametrize("way", DIES)
def test_a_guard_that_ends_or_keeps_the_claim_stops_its_own_messages_alone(
    way: str, gateway: SimulatorThread, tenants: tuple[int, int], start_worker: Start, wait: Wait,
    conn: Connection, plant: Plant,
) -> None:  # fmt: skip
    if way == "transaction_timeout" and conn.info.server_version < 170000:
        pytest.skip("there is no such setting")
    hostile, healthy = tenants

    def sent(user: int) -> int:
        return int(
            plant.value(
                "select count(*) from drip.broadcast_messages m"
                " where m.user_id = %s and m.status = 'sent'", user,
            )
        )  # fmt: skip

    def state(guard: str) -> str:
        return str(plant.value("select state from drip.list_guards() where name = %s", guard))

    plant.guard("bad", NOT_AT_THE_TRIAL + DIES[way] + " return true;", register=False)
    with plant.acting_for(hostile):
        plant.row(
            "select * from drip.register_guard('bad', 'shop.bad', p_user => %s)", str(hostile)
        )
        enrollment = plant.enroll(plant.sequence({"only_if": "bad"}))
    plant.guard("good", "return true;")
    with plant.acting_for(healthy):
        asking = plant.sequence({"only_if": "good"})
        plant.enroll(asking, lead=plant.lead(user=healthy))
    send_for(plant, hostile, 1000001, 3)
    send_for(plant, healthy, 2000001, 3)

    worker = start_worker()

    # what no guard concerns goes for both, what a good one is asked about for the healthy one
    wait(lambda: sent(healthy) == 4 and sent(hostile) == 3)
    wait(lambda: state("bad") == "resting")
    assert state("good") == "ready"
    wait(lambda: plant.journey(enrollment)[0]["deferred_reason"] == "guard_error")
    [message] = plant.journey(enrollment)
    assert plant.explain(message["id"])["reason"] == "guard_error"
    assert "it ended its session" in plant.value(
        "select last_error from drip.list_guards() where name = 'bad'"
    )
    with plant.acting_for(healthy):
        plant.enroll(asking, lead=plant.lead(user=healthy))
    wait(lambda: sent(healthy) == 5)
    assert len(gateway.messages) == 8
    worker.process.terminate()
    assert worker.ended() == 0


@pytest.mark.parametrize("way", DIES)
def test_an_audience_that_ends_or_keeps_the_planning_fails_its_own_campaign_alone(
    way: str, gateway: SimulatorThread, tenants: tuple[int, int], start_worker: Start, wait: Wait,
    conn: Connection, plant: Plant,
) -> None:  # fmt: skip
    """The campaign fails after five tries, for which the test moves its time."""
    if way == "transaction_timeout" and conn.info.server_version < 170000:
        pytest.skip("there is no such setting")
    hostile, healthy = tenants
    if way == "swallows cancels":
        # the worker's usual patience, in short
        body = plant.value("select pg_get_functiondef('drip.planning_time()'::regprocedure)")
        conn.execute(body.replace("30 seconds", "1 second").encode())
    conn.execute(
        "create schema shop; grant usage on schema shop to drip_guard;"
        "create function shop.code() returns boolean language plpgsql as $$ begin return true;"
        " end $$;"
        "create view shop.them as select l.id as lead_id from drip.leads l where shop.code();"
        "grant select on shop.them to drip_guard"
    )
    send_for(plant, hostile, 1000001, 1)
    send_for(plant, healthy, 2000001, 2)
    with plant.acting_for(hostile):
        plant.row(
            "select * from drip.register_audience('shop.them', 100, '1 second', p_user => %s)",
            str(hostile),
        )
        plant.row(
            "select * from drip.create_campaign(%s)",
            Jsonb({"title": "Bad", "message": "m", "audience": "shop.them"}),
        )
        plant.row("select * from drip.schedule_campaign('Bad')")
    conn.execute(
        "create or replace function shop.code() returns boolean language plpgsql as $$ begin"
        f" {DIES[way]} return true; end $$".encode()
    )

    def status(title: str) -> str:
        return str(plant.value("select status from drip.campaigns where title = %s", title))

    def ticks() -> Any:
        return plant.value(
            "select count(*) from drip.task_runs where name = 'drop_event_queues'"
            " and last_run_at > (select max(created_at) from drip.campaigns)"
        )

    start_worker()
    wait(lambda: plant.value("select expand_attempts from drip.campaigns where title = 'Bad'") == 1)
    assert "the session that planned it ended" in plant.value(
        "select last_error from drip.campaigns where title = 'Bad'"
    )
    with plant.acting_for(healthy):
        plant.row(
            "select * from drip.create_campaign(%s)",
            Jsonb({"title": "Good", "message": "m", "everyone": True}),
        )
        plant.row("select * from drip.schedule_campaign('Good')")
    wait(lambda: len(gateway.messages) == 5)
    # ticks go on, whatever is due
    wait(ticks)
    assert status("Bad") == "pending"
    for tries in range(2, 6):
        conn.execute(
            "update drip.campaigns set last_run_at = last_run_at - interval '1 hour'"
            " where title = 'Bad'"
        )
        wait(
            lambda tries=tries: (
                plant.value("select expand_attempts from drip.campaigns where title = 'Bad'")
                == tries
            )
        )
    assert status("Bad") == "failed"
    assert len(gateway.messages) == 5
