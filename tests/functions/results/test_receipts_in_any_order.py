"""Receipts come in any order, twice, and before the record of the send: the end is the same."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from factory import MONDAY, Clock, Plant
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inbound import (
    PHONE,
    Webhook,
    cloud_device,
    drain,
    open_window,
    process,
    send,
    status,
    store,
)
from psycopg.types.json import Jsonb

pytestmark = pytest.mark.exhaustive

STATES = ("sent", "delivered", "read", "failed")
# When each happened, in seconds after the send.
AFTER = {"sent": 0, "delivered": 5, "read": 9, "failed": 7}
ORDERS = [
    order for size in (1, 2, 3, 4) for order in itertools.permutations(STATES, size)
]  # 4 + 12 + 24 + 24


@contextmanager
def undone(plant: Plant) -> Iterator[None]:
    """Play it, and have nothing changed afterwards."""
    with plant.conn.transaction(force_rollback=True):
        yield


def end(plant: Plant, message: int) -> dict[str, Any]:
    """What is left of a message in the end, and on its device."""
    row = plant.message_row(message)
    names = ("status", "sent_at", "delivered_at", "read_at", "error_code", "provider_message_id")
    return {name: row[name] for name in names} | {
        "sent_today": plant.value("select sent_today from drip.device_pacing"),
        "parked": plant.value("select count(*) from drip.receipts"),
    }


def expected(kinds: set[str]) -> tuple[str, bool, bool]:
    """Status, delivered, read: sent < failed < delivered < read."""
    read = "read" in kinds
    delivered = read or "delivered" in kinds
    return ("failed" if "failed" in kinds and not delivered else "sent"), delivered, read


@pytest.fixture
def undone_plant(shared_plant: Plant, shared_clock: Clock) -> Iterator[tuple[Plant, Clock]]:
    """A plant and its clock, on a Monday; nothing of the test stays."""
    with undone(shared_plant):
        shared_clock.set(MONDAY)
        yield shared_plant, shared_clock


@pytest.fixture
def sent(undone_plant: tuple[Plant, Clock]) -> tuple[Plant, Clock, int, int]:
    """A device and a message accepted as wamid.1; the clock is past all receipts."""
    plant, clock = undone_plant
    device, lead = cloud_device(plant), plant.lead(PHONE)
    open_window(plant, lead)
    message = plant.message(device, lead)
    send(plant, message, "wamid.1")
    clock.advance(minutes=1)
    return plant, clock, device, message


def told(clock: Clock, device: int, kinds: Sequence[str], provider_id: str) -> list[Webhook]:
    """The webhooks of these states."""
    start = int(clock.now.timestamp()) - 60
    return [
        status(
            device,
            provider_id,
            kind,
            at=start + AFTER[kind],
            code=131026 if kind == "failed" else None,
        )
        for kind in kinds
    ]


@pytest.mark.lesson(14)
@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_every_order_ends_the_same(
    sent: tuple[Plant, Clock, int, int], order: tuple[str, ...]
) -> None:
    """One by one, all at once, each twice, and all again afterwards."""
    plant, clock, device, message = sent
    sorted_kinds = [kind for kind in STATES if kind in order]
    ends = []
    for given_order, batches in itertools.product((order, sorted_kinds), (1, 0)):
        for times in (1, 2):
            webhooks = told(
                clock, device, [k for k in given_order for _ in range(times)], "wamid.1"
            )
            with undone(plant):
                if batches:
                    for webhook in webhooks:
                        process(plant, webhook)
                else:
                    process(plant, *webhooks)
                ends.append(end(plant, message))
                process(plant, *webhooks)
                ends.append(end(plant, message))
    assert all(found == ends[0] for found in ends), ends
    found = ends[0]
    assert (
        found["status"],
        found["delivered_at"] is not None,
        found["read_at"] is not None,
    ) == expected(set(order))
    assert found["parked"] == 0
    assert found["sent_today"] == (found["status"] == "sent")


@pytest.mark.lesson(13)
@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_every_order_before_the_record_ends_the_same(
    undone_plant: tuple[Plant, Clock], order: tuple[str, ...]
) -> None:
    plant, clock = undone_plant
    device, lead = cloud_device(plant), plant.lead(PHONE)
    open_window(plant, lead)
    message = plant.message(device, lead)
    [claimed] = plant.claim()
    clock.advance(seconds=20)
    for webhook in told(clock, device, order, "wamid.1"):
        process(plant, webhook)
    plant.answer(claimed, provider_message_id="wamid.1")
    found = end(plant, message)
    assert (
        found["status"],
        found["delivered_at"] is not None,
        found["read_at"] is not None,
    ) == expected(set(order))
    assert found["parked"] == 0


# -- in numbers -------------------------------------------------------------------------------

EVENTS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from((*STATES, "answer"))), max_size=14)


@settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(events=EVENTS, chunk=st.integers(1, 4))
def test_any_story_of_three_messages(
    three: tuple[Plant, Clock, int, list[Any]], events: list[tuple[int, str]], chunk: int
) -> None:
    """Receipts of three messages, mixed with the answers of their sender, in chunks of any size."""
    plant, clock, device, claimed = three
    with undone(plant):
        answered: set[int] = set()
        seen: list[set[str]] = [set(), set(), set()]
        waiting: list[Webhook] = []
        # whatever was left out is answered in the end
        for number, kind in [*events, *((number, "answer") for number in range(3))]:
            if kind != "answer":
                seen[number].add(kind)
                waiting += told(clock, device, [kind], f"wamid.{number}")
                if len(waiting) < chunk:
                    continue
            process(plant, *waiting)
            waiting = []
            if kind == "answer" and number not in answered:
                answered.add(number)
                plant.answer(claimed[number], provider_message_id=f"wamid.{number}")
        plant.tick()
        ends = [plant.message_row(row["message_id"]) for row in claimed]
        assert [
            (row["status"], row["delivered_at"] is not None, row["read_at"] is not None)
            for row in ends
        ] == [expected(kinds) for kinds in seen]
        assert plant.value("select count(*) from drip.receipts") == 0
        assert plant.value("select sent_today from drip.device_pacing") == sum(
            row["status"] == "sent" for row in ends
        )
        assert all(
            row["sent_at"] <= row["delivered_at"] <= (row["read_at"] or row["delivered_at"])
            for row in ends
            if row["delivered_at"]
        )


@pytest.fixture
def three(clock: Clock, plant: Plant) -> tuple[Plant, Clock, int, list[Any]]:
    """Three messages in flight."""
    device = cloud_device(plant)
    leads = [plant.lead() for _ in range(3)]
    open_window(plant, *leads)
    for lead in leads:
        plant.message(device, lead)
    claimed = plant.claim()
    assert len(claimed) == 3
    clock.advance(seconds=60)
    return plant, clock, device, claimed


def test_a_thousand_messages(clock: Clock, plant: Plant) -> None:
    """Shuffled, each receipt three times, a tenth before its message is recorded: every message
    ends in its highest state, and the reports count each once."""
    chance = random.Random(4)
    plant.tenant(breaker_sample=100_000)
    devices = [
        cloud_device(plant, f"cloud-{number}", webhook_secret_name="app") for number in range(20)
    ]
    plant.conn.execute(
        "insert into drip.leads"
        "  (user_id, phone, device_id, last_inbound_at, created_at, updated_at)"
        " select %s, '+6012' || (1000000 + g), (%s::bigint[])[1 + g %% 20], drip.now(), drip.now(),"
        "  drip.now()"
        " from generate_series(1, 1000) g",
        [plant.user, devices],
    )
    leads = plant.rows("select id, phone from drip.leads order by id")
    open_window(plant, *[lead["id"] for lead in leads])
    sequence = plant.sequence({})
    plant.rows(
        "select * from drip.enroll_leads(%s, %s)",
        str(sequence),
        [lead["phone"] for lead in leads[:170]],
    )
    plant.conn.execute("update drip.leads set niche = 'rest' where id > %s", [leads[169]["id"]])
    campaign = {"title": "Raya", "message": "Hi", "niche": "rest", "target_status": "all"}
    plant.row("select * from drip.create_campaign(%s)", Jsonb(campaign))
    plant.row("select * from drip.schedule_campaign('Raya')")
    plant.rows("select * from drip.expand_campaigns(10000)")
    plant.conn.execute("analyze")

    source = dict.fromkeys(("sequence_funnel", "campaign_overview"), frozenset[int]())
    for view, column in (("sequence_funnel", "sequence_id"), ("campaign_overview", "campaign_id")):
        source[view] = frozenset(
            row["id"]
            for row in plant.rows(
                f"select id from drip.broadcast_messages where {column} is not null"
            )
        )
    assert [len(messages) for messages in source.values()] == [170, 830]
    wishes: dict[int, str] = {
        message: chance.choice(["none", "delivered", "read", "failed"])
        for messages in source.values()
        for message in sorted(messages)
    }
    early = set(chance.sample(sorted(wishes), 100))

    def record(messages: list[int]) -> None:
        plant.record(
            *(
                {
                    "message_id": message,
                    "attempt": 1,
                    "outcome": "accepted",
                    "provider_message_id": f"wamid.{message}",
                }
                for message in messages
            )
        )

    claimed: list[int] = []
    plant.wake()
    while rows := plant.claim(1000):
        claimed += [row["message_id"] for row in rows]
        record([row["message_id"] for row in rows if row["message_id"] not in early])
        plant.wake()
    assert len(claimed) == len(set(claimed)) == 1000
    clock.advance(minutes=1)

    states = {
        "none": ("sent",),
        "delivered": ("sent", "delivered"),
        "read": ("sent", "delivered", "read"),
        "failed": ("sent", "failed"),
    }
    webhooks = [
        webhook
        for message, wish in wishes.items()
        for webhook in told(clock, devices[0], states[wish], f"wamid.{message}")
        for _ in range(3)
    ]
    chance.shuffle(webhooks)
    for start in range(0, len(webhooks) // 2, 700):
        store(plant.conn, webhooks[start : min(start + 700, len(webhooks) // 2)])
    drain(plant, limit=350)
    assert plant.value("select count(*) from drip.receipts") > 0
    record(sorted(early))
    for start in range(len(webhooks) // 2, len(webhooks), 700):
        store(plant.conn, webhooks[start : start + 700])
    drain(plant, limit=350)

    found = {
        row["id"]: (row["status"], row["is_delivered"], row["is_read"])
        for row in plant.rows(
            "select id, status, delivered_at is not null as is_delivered,"
            " read_at is not null as is_read from drip.broadcast_messages"
        )
    }
    assert found == {message: expected(set(states[wish])) for message, wish in wishes.items()}
    assert plant.value("select count(*) from drip.receipts") == 0
    assert dead_or_waiting(plant) == 0
    for view, messages in source.items():
        mine = [wishes[message] for message in messages]
        assert plant.row(
            f"select messages, messages_sent, messages_failed, delivered, read from drip.{view}"
        ) == {
            "messages": len(mine),
            "messages_sent": len(mine) - mine.count("failed"),
            "messages_failed": mine.count("failed"),
            "delivered": mine.count("delivered") + mine.count("read"),
            "read": mine.count("read"),
        }
    everything = list(wishes.values())
    assert plant.value("select sum(sent_today) from drip.device_pacing") == (
        1000 - everything.count("failed")
    )


def dead_or_waiting(plant: Plant) -> int:
    """Webhooks that were not processed."""
    return int(
        plant.value(
            "select (select count(*) from drip.dead_letters)"
            " + (select count(*) from pgmq.q_drip_inbound)"
        )
    )
