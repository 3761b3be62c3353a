"""Nobody but _verdict() judges: with another one in its place, every answer changes.

The replacement happens in a transaction that is rolled back; arguments and result come from the
catalog, so that the test need not know them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from factory import Clock, Plant

DEFINITION = """
select pg_get_function_arguments(p.oid) as arguments, pg_get_function_result(p.oid) as result
from pg_catalog.pg_proc p
where p.pronamespace = 'drip'::regnamespace and p.proname = '_verdict'
"""


@contextmanager
def judge_says(plant: Plant, verdict: str, reason: str | None, until: str) -> Iterator[None]:
    """Inside, the verdict on everything is this one."""
    found = plant.row(DEFINITION)
    with plant.rolled_back():
        plant.conn.execute(
            f"create or replace function drip._verdict({found['arguments']})"
            f" returns {found['result']} language sql stable parallel safe"
            f" as $$ select {verdict!r}, {reason!r}, {until!r}::timestamptz $$".replace(
                "None", "null::text"
            ).encode()
        )
        yield


@pytest.fixture
def message(clock: Clock, plant: Plant) -> int:
    """A message that may go."""
    return plant.message(plant.device())


def test_one_that_always_waits_holds_everything(clock: Clock, plant: Plant, message: int) -> None:
    with judge_says(plant, "wait", "lead_paused", "2031-05-06 07:08Z"):
        explained = plant.explain(message)
        outlook = plant.row("select * from drip.message_outlook")
        for answer in (explained, outlook):
            assert (answer["verdict"], answer["reason"]) == ("wait", "lead_paused")
            assert answer["earliest"].isoformat().startswith("2031-05-06T07:08")
        assert plant.claim() == []
        row = plant.message_row(message)
        assert (row["status"], row["deferred_reason"]) == ("pending", "lead_paused")
        assert row["not_before"] == explained["earliest"]
    assert [row["message_id"] for row in plant.claim()] == [message]


def test_one_that_always_drops_drops_everything(clock: Clock, plant: Plant, message: int) -> None:
    with judge_says(plant, "drop", "suppressed", "2031-05-06 07:08Z"):
        assert plant.explain(message)["verdict"] == "drop"
        assert plant.value("select verdict from drip.message_outlook") == "drop"
        assert plant.claim() == []
        assert plant.message_row(message)["status"] == "cancelled"
    assert plant.message_row(message)["status"] == "pending"


def test_one_that_lets_all_go_lets_all_go(clock: Clock, plant: Plant) -> None:
    """No other place holds anything back: not the claim, not the explanations."""
    device = plant.device()
    plant.update("user_devices", device, burst=10)
    campaign = plant.campaign(status="paused")
    messages = [
        plant.message(device, plant.lead(paused_until="infinity")),
        plant.message(device, expires_at=clock.now),
        plant.message(device, campaign_id=campaign, priority=3),
    ]
    plant.tenant(is_active=False, send_from="01:00", send_to="02:00")
    plant.update("user_devices", device, status="offline")
    with judge_says(plant, "go", None, "2031-05-06 07:08Z"):
        assert {plant.explain(message)["verdict"] for message in messages} == {"go"}
        assert {row["verdict"] for row in plant.rows("select * from drip.message_outlook")} == {
            "go"
        }
        assert sorted(row["message_id"] for row in plant.claim()) == messages
    plant.wake()
    assert plant.claim() == []
