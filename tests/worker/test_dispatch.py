"""The dispatch loop against a real database and a real gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg.rows import DictRow

from pgdrip.database import Database
from pgdrip.dispatch import Dispatcher
from pgdrip.recorder import Recorder
from pgdrip.senders.base import DeviceHealth, Message, Outcome, Sender, open_session
from pgdrip.settings import Settings
from pgdrip.simulator import SimulatorThread

Connection = psycopg.Connection[DictRow]
States = Callable[[], dict[str, int]]


@asynccontextmanager
async def dispatching(settings: Settings, **options: Any) -> AsyncIterator[Dispatcher]:
    """A dispatcher and its recorder at work; drained and recorded at the end."""
    look = asyncio.Event()
    assert settings.database_url is not None
    async with Database(settings.database_url) as database, open_session() as session:
        recorder = Recorder(database, settings.worker_name, look)
        dispatcher = Dispatcher(database, recorder, session, settings, look, **options)
        tasks = [asyncio.create_task(recorder.run()), asyncio.create_task(dispatcher.run())]
        try:
            yield dispatcher
        finally:
            dispatcher.stop()
            await tasks[1]
            await dispatcher.drain()
            recorder.close()
            await tasks[0]


async def until(condition: Callable[[], Any], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the state is in the database
            await asyncio.sleep(0.02)


def run(work: Awaitable[None]) -> None:
    async def main() -> None:
        await work

    asyncio.run(main())


def test_everything_due_is_sent_once(
    settings: Settings,
    gateway: SimulatorThread,
    add_device: Callable[..., int],
    send: Callable[[int], None],
    states: States,
) -> None:
    add_device("one")
    add_device("two")
    send(300)

    async def scenario() -> None:
        async with dispatching(settings):
            await until(lambda: states() == {"sent": 300})

    run(scenario())
    phones = [message.phone for message in gateway.messages]
    assert len(phones) == len(set(phones)) == 300


def test_no_more_is_claimed_than_there_are_free_slots(
    settings: Settings,
    gateway: SimulatorThread,
    add_device: Callable[..., int],
    send: Callable[[int], None],
    states: States,
) -> None:
    gateway.configure(latency_min=0.05)
    add_device()
    send(12)
    three_slots = settings.model_copy(update={"concurrency": 3})

    async def scenario() -> None:
        async with dispatching(three_slots):
            await until(lambda: states() == {"sent": 12})

    run(scenario())
    assert gateway.stats()["max_in_flight"] == 3


def test_what_is_claimed_while_stopping_is_given_back(
    settings: Settings,
    gateway: SimulatorThread,
    add_device: Callable[..., int],
    send: Callable[[int], None],
    states: States,
) -> None:
    add_device()
    send(5)

    class StoppedByThen(Database):
        async def claim_messages(self, worker: str, limit: int) -> list[DictRow]:
            rows = await super().claim_messages(worker, limit)
            dispatcher.stop()
            assert len(rows) == 5
            return rows

    async def scenario() -> None:
        nonlocal dispatcher
        look = asyncio.Event()
        assert settings.database_url is not None
        async with StoppedByThen(settings.database_url) as database, open_session() as session:
            recorder = Recorder(database, settings.worker_name, look)
            dispatcher = Dispatcher(database, recorder, session, settings, look)
            await dispatcher.run()
            await dispatcher.drain()

    dispatcher: Dispatcher
    run(scenario())
    assert states() == {"pending": 5}
    assert gateway.messages == []


def test_a_platform_without_a_sender_stops_its_device_and_not_the_message(
    settings: Settings,
    conn: Connection,
    add_device: Callable[..., int],
    send: Callable[[int], None],
    states: States,
) -> None:
    device = add_device(platform="whacenter")
    send(1)

    def status() -> DictRow | None:
        return conn.execute(
            "select d.status, d.status_reason from drip.device_overview d where d.device_id = %s",
            [device],
        ).fetchone()

    async def scenario() -> None:
        async with dispatching(settings):
            await until(lambda: (status() or {})["status"] == "needs_attention")

    run(scenario())
    assert "whacenter" in str((status() or {})["status_reason"])
    assert states() == {"pending": 1}


def test_a_lease_that_could_end_before_the_answer_is_given_back_unsent(
    settings: Settings,
    conn: Connection,
    gateway: SimulatorThread,
    add_device: Callable[..., int],
    send: Callable[[int], None],
    states: States,
) -> None:
    add_device()
    send(2)
    patient = settings.model_copy(update={"http_timeout": 600.0})

    def released() -> int:
        row = conn.execute(
            "select count(*) as n from drip.message_attempts a where a.outcome = 'released'"
        ).fetchone()
        assert row is not None
        return int(row["n"])

    async def scenario() -> None:
        async with dispatching(patient) as dispatcher:
            await until(lambda: released() >= 2)
            assert dispatcher.handed_over == 0

    run(scenario())
    assert gateway.messages == []
    assert states() == {"pending": 2}


class Broken(Sender):
    """A sender with a bug."""

    async def _send(self, message: Message) -> Outcome:
        raise KeyError("bug")

    async def _health(
        self, endpoint: str | None, instance: str | None, secret_name: str | None
    ) -> DeviceHealth:
        return DeviceHealth.online()


def test_a_sender_that_raises_leaves_an_unknown_outcome(
    settings: Settings,
    add_device: Callable[..., int],
    send: Callable[[int], None],
    states: States,
) -> None:
    add_device()
    send(1)

    def broken(platform: str, session: Any, settings: Settings) -> Sender:
        return Broken(session, settings)

    async def scenario() -> None:
        async with dispatching(settings, sender_factory=broken):
            await until(lambda: states() == {"unknown": 1})

    run(scenario())


def test_a_request_that_outlasts_the_drain_is_recorded_as_unknown(
    settings: Settings,
    conn: Connection,
    gateway: SimulatorThread,
    add_device: Callable[..., int],
    send: Callable[[int], None],
    states: States,
) -> None:
    gateway.configure(rates={"hang": 1.0})
    add_device()
    send(1)
    hasty = settings.model_copy(update={"drain_timeout": 0.2})

    async def scenario() -> None:
        async with dispatching(hasty):
            await until(lambda: len(gateway.messages) == 1)

    run(scenario())
    assert states() == {"unknown": 1}
    row = conn.execute("select m.error_code from drip.message_log m").fetchone()
    assert row == {"error_code": "WORKER_STOPPED"}


def test_claims_wait_while_nothing_is_due(
    settings: Settings, add_device: Callable[..., int]
) -> None:
    add_device()
    claims = 0

    class Counting(Database):
        async def claim_messages(self, worker: str, limit: int) -> list[DictRow]:
            nonlocal claims
            claims += 1
            return await super().claim_messages(worker, limit)

    async def scenario() -> None:
        look = asyncio.Event()
        assert settings.database_url is not None
        async with Counting(settings.database_url) as database, open_session() as session:
            recorder = Recorder(database, "test worker", look)
            dispatcher = Dispatcher(database, recorder, session, settings, look)
            task = asyncio.create_task(dispatcher.run())
            try:
                async with asyncio.timeout(2.0):
                    await task
            except TimeoutError:
                pass

    run(scenario())
    assert 1 <= claims <= 12
