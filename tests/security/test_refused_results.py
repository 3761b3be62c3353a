"""A result that cannot be recorded refuses no other, whoever calls record_results.

A trigger of somebody else's stands for whatever may be wrong with one row.
"""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from factory import Clock, Plant, Row

TRIGGER = """
    create function public.refuse() returns trigger language plpgsql as $$
    begin
      if new.id = {message} and ({also}) then
        raise exception 'not this one' using errcode = '{state}';
      end if;
      return new;
    end
    $$;
    create trigger refuse before update on drip.broadcast_messages
      for each row execute function public.refuse();
"""
NOT_AS_UNKNOWN = "new.status <> 'unknown'"


def claimed(plant: Plant, messages: int) -> list[Row]:
    device = plant.device(burst=100)
    for _ in range(messages):
        plant.message(device)
    rows = plant.claim(messages)
    assert len(rows) == messages
    return rows


def plant_trigger(plant: Plant, message: int, state: str, also: str = NOT_AS_UNKNOWN) -> None:
    plant.conn.execute(TRIGGER.format(message=message, state=state, also=also).encode())


def accepted(row: Row) -> dict[str, Any]:
    return {"message_id": row["message_id"], "attempt": row["attempt"], "outcome": "accepted"}


@pytest.mark.parametrize("state", ["22008", "23514", "54001", "P0001", "DR021"])
def test_one_that_is_refused_becomes_unknown_and_the_others_are_recorded(
    clock: Clock, plant: Plant, state: str
) -> None:
    rows = claimed(plant, 9)
    bad = rows[4]["message_id"]
    plant_trigger(plant, bad, state)

    results = plant.record(*(accepted(row) for row in reversed(rows)))

    assert [row["message_id"] for row in results] == [row["message_id"] for row in rows]
    by_id = {row.pop("message_id"): row for row in results}
    assert by_id.pop(bad) == {"status": "unknown", "applied": False, "reason": f"refused: {state}"}
    assert all(row == {"status": "sent", "applied": True, "reason": None} for row in by_id.values())
    row = plant.message_row(bad)
    assert (row["status"], row["error_code"]) == ("unknown", "RESULT_REFUSED")
    assert state in row["error_message"]
    told = plant.value("select last_error from drip.task_runs where name = 'record_results'")
    assert (str(bad) in told, state in told) == (True, True)


@pytest.mark.parametrize(("state", "also"), [("22008", "true"), ("XX000", NOT_AS_UNKNOWN)])
def test_what_is_refused_even_as_unknown_stays_and_the_others_are_recorded(
    clock: Clock, plant: Plant, state: str, also: str
) -> None:
    """A fault of the server's own may pass: nothing is known to be wrong with the result."""
    rows = claimed(plant, 5)
    bad = rows[0]["message_id"]
    plant_trigger(plant, bad, state, also)
    results = plant.record(*(accepted(row) for row in rows))
    assert results[0] == {
        "message_id": bad,
        "status": "processing",
        "applied": False,
        "reason": f"refused: {state}",
    }
    assert [row["status"] for row in results[1:]] == ["sent"] * 4
    plant.conn.execute("drop trigger refuse on drip.broadcast_messages")
    assert plant.answer(rows[0])["status"] == "sent"


@pytest.mark.parametrize("state", ["55P03", "40P01", "57014", "53100", "42501"])
def test_what_another_session_or_the_server_does_is_no_results_fault(
    clock: Clock, plant: Plant, state: str
) -> None:
    rows = claimed(plant, 3)
    plant_trigger(plant, rows[1]["message_id"], state)
    with pytest.raises(psycopg.Error) as caught:
        plant.record(*(accepted(row) for row in rows))
    assert caught.value.sqlstate == state
    assert {plant.message_row(row["message_id"])["status"] for row in rows} == {"processing"}


def test_many_that_are_refused_are_looked_for_so_long_and_the_rest_is_handed_over_again(
    clock: Clock, plant: Plant
) -> None:
    rows = claimed(plant, 40)
    plant.conn.execute(
        "create sequence public.slow_looks;"
        "create or replace function drip._wall_clock() returns timestamptz language sql volatile"
        " as $$select pg_catalog.clock_timestamp()"
        " + pg_catalog.nextval('public.slow_looks') * interval '300 milliseconds'$$"
    )
    plant.conn.execute(
        TRIGGER.format(message="new.id", state="22008", also=NOT_AS_UNKNOWN).encode()
    )
    waiting = rows
    calls = 0
    while waiting:
        results = plant.record(*(accepted(row) for row in waiting))
        assert [row["message_id"] for row in results] == [row["message_id"] for row in waiting]
        left = {row["message_id"] for row in results if row["reason"] == "not_reached"}
        assert len(left) < len(waiting)
        waiting = [row for row in waiting if row["message_id"] in left]
        calls += 1
    assert calls > 1
    assert {plant.message_row(row["message_id"])["status"] for row in rows} == {"unknown"}


# What the database refuses of an answer: its record as sent; then as unknown too; anything at all.
NOT_AS_SENT = "new.status = 'sent'"
NOT_AS_ENDED = "new.status in ('sent', 'unknown') and old.lease_expires_at > drip.now()"


@pytest.mark.parametrize("also", [NOT_AS_SENT, NOT_AS_ENDED])
@pytest.mark.parametrize("state", ["22008", "P0001", "XX000"])
def test_an_accepted_message_is_never_sent_again_whatever_the_device_says_of_unknown_ones(
    clock: Clock, plant: Plant, state: str, also: str
) -> None:
    """`unknown_policy` speaks of messages of which nothing was heard; this one has arrived."""
    device = plant.device(unknown_policy="retry")
    plant.message(device, max_failures=5)
    [row] = plant.claim()
    plant_trigger(plant, row["message_id"], state, also)
    plant.answer(row, provider_message_id=None)
    for _ in range(4):
        clock.advance(minutes=10)
        plant.tick()
        plant.wake()
        assert plant.claim() == []
    plant.conn.execute("drop trigger refuse on drip.broadcast_messages")
    assert plant.message_row(row["message_id"])["status"] == "unknown"
    assert plant.answer(row)["status"] == "sent"
