"""The dispatch loop: claim what there is a free slot for, send it, record what became of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import psycopg
import structlog
from pydantic import ValidationError

from .database import Database, is_of_server
from .logs import MOST, Seldom
from .recorder import COMPLAIN, Recorder
from .senders import SENDERS, create_sender
from .senders.base import Message, Outcome, Scope, Sender
from .senders.cleaning import safe_text
from .settings import Settings
from .turns import Turns

log = structlog.get_logger("pgdrip.dispatch")

LONGEST_SLEEP = 1.0  # seconds between two looks when nothing wakes the loop
SHORTEST_SLEEP = 0.01  # seconds after an empty claim, whatever next_wakeup() says
GATHER = 0.005  # seconds in which freed slots, or woken devices, gather for one claim
MAX_CLAIM = 500

SenderFactory = Callable[[str, aiohttp.ClientSession, Settings], Sender]


class Dispatcher:
    """Claims, sends and records until it is stopped; then drains.

    One instance lives as long as the worker: :meth:`run` may raise when the database is lost and
    is simply run again, while open requests go on and their results wait in the recorder.
    """

    def __init__(
        self,
        database: Database,
        recorder: Recorder,
        session: aiohttp.ClientSession,
        settings: Settings,
        look: asyncio.Event,
        *,
        sender_factory: SenderFactory = create_sender,
    ) -> None:
        self._database = database
        self._turns = Turns(database)
        self._recorder = recorder
        self._session = session
        self._settings = settings
        self._look = look
        self._create_sender = sender_factory
        self._senders: dict[str, Sender] = {}
        self._sending: dict[asyncio.Task[None], Message] = {}
        self._freed = asyncio.Event()
        self._unsent: list[dict[str, int]] = []
        self._refused = Seldom(COMPLAIN)
        self._invalid = Seldom(most=MOST)
        self._raised = Seldom(most=MOST)
        self._late = False
        self._empty_claims = 0
        self.stopping = False
        self.handed_over = 0

    @property
    def in_flight(self) -> int:
        """Messages that hold a send slot."""
        return len(self._sending)

    def stop(self) -> None:
        """Claim nothing more; what is not handed over yet is given back."""
        self.stopping = True
        self._look.set()
        self._freed.set()

    async def run(self) -> None:
        """Claim and send until stopped. Raises what the database raises."""
        while not self.stopping:
            await self._give_back()
            free = await self._free_slots()
            if self.stopping:
                return
            if self._look.is_set():
                self._look.clear()
                self._empty_claims = 0
            asked_at = time.monotonic()
            rows = await self._turns.claim(self._settings.worker_name, free)
            for row in rows:
                self._start(row, asked_at)
            # The new tasks reach their first check, and may hold messages back.
            await asyncio.sleep(0)
            if self._late:
                # Leases too short for a send, or a machine that stood still: do not race on.
                self._late = False
                log.warning("leases end before an answer could come; giving messages back")
                await self._give_back()
                await self._sleep(LONGEST_SLEEP)
            elif len(rows) < free and not self._turns.is_amid_round:
                # All that was due is taken: the next look is when something happens.
                self._empty_claims = 0 if rows else self._empty_claims + 1
                await self._sleep(await self._idle_seconds())

    async def _free_slots(self) -> int:
        """Wait for a free slot, gather a few more, and count them."""
        concurrency = self._settings.concurrency
        while not self.stopping:
            self._freed.clear()
            free = concurrency - len(self._sending)
            if self._recorder.failing or self._recorder.backlog > concurrency + MAX_CLAIM:
                # What cannot be recorded must not be sent.
                await asyncio.sleep(0.1)
                continue
            if free >= max(1, concurrency // 8):
                return min(free, MAX_CLAIM)
            if free:
                # A claim costs milliseconds whatever it returns: take a few slots at once.
                try:
                    async with asyncio.timeout(GATHER):
                        await self._freed.wait()
                except TimeoutError:
                    return min(concurrency - len(self._sending), MAX_CLAIM)
            else:
                await self._freed.wait()
        return 0

    async def _idle_seconds(self) -> float:
        seconds = await self._database.next_wakeup()
        if seconds is None:
            return LONGEST_SLEEP
        # A device that is always ready and never lets a message go must not make this loop spin.
        least = SHORTEST_SLEEP * float(1 << min(self._empty_claims, 6))
        return min(max(seconds, least), LONGEST_SLEEP)

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._look.wait()
        except TimeoutError:
            pass

    def _start(self, row: dict[str, Any], asked_at: float) -> None:
        lease_seconds: float | None = row.pop("lease_seconds", None)
        try:
            message = Message.model_validate(row)
        except ValidationError as exc:
            fields = sorted({str(error["loc"][0]) for error in exc.errors() if error["loc"]})
            if self._invalid.passes():
                log.error(
                    "a claimed row is not valid",
                    message_id=row["message_id"],
                    fields=fields,
                    others=self._invalid.take(),
                )
            self._recorder.put(
                {
                    "message_id": row["message_id"],
                    "attempt": row["attempt"],
                    "outcome": "permanent",
                    "scope": "recipient",
                    "error_code": "INVALID_ROW",
                    "error_message": f"This worker cannot read {', '.join(fields)} of the row.",
                }
            )
            return
        # The lease began when the database answered, so counting from the question errs on the
        # safe side.
        deadline = asked_at + lease_seconds if lease_seconds is not None else float("inf")
        task = asyncio.create_task(self._send(message, deadline))
        self._sending[task] = message
        task.add_done_callback(self._sent)

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending.pop(task, None)
        self._freed.set()
        error = None if task.cancelled() else task.exception()
        if error is not None and self._raised.passes():
            log.error(
                "sending failed in this worker",
                error=safe_text(repr(error)),
                others=self._raised.take(),
            )

    async def _send(self, message: Message, deadline: float) -> None:
        if self.stopping:
            self._hold_back(message)
            return
        if time.monotonic() + self._settings.http_timeout > deadline:
            # An answer could come after the lease has expired: another try is safer.
            self._late = True
            self._hold_back(message)
            return
        sender = self._sender(message.platform)
        if sender is None:
            outcome = Outcome.permanent(
                Scope.DEVICE,
                "UNKNOWN_PLATFORM",
                f"This worker has no sender for platform {message.platform}.",
            )
        else:
            self.handed_over += 1
            try:
                outcome = await sender.send(message)
            except asyncio.CancelledError:
                outcome = Outcome.unknown(
                    "WORKER_STOPPED", "The worker stopped before the gateway answered."
                )
            except Exception as exc:
                if self._raised.passes():
                    log.error(
                        "a sender raised",
                        message_id=message.message_id,
                        device_id=message.device_id,
                        attempt=message.attempt,
                        error=type(exc).__name__,
                        others=self._raised.take(),
                    )
                outcome = Outcome.unknown("SENDER_ERROR", "The sender failed in this worker.")
        self._recorder.put(outcome.as_result(message))
        log.debug(
            "sent",
            message_id=message.message_id,
            device_id=message.device_id,
            attempt=message.attempt,
            outcome=outcome.outcome.value,
            code=outcome.error_code,
        )

    def _sender(self, platform: str) -> Sender | None:
        sender = self._senders.get(platform)
        if sender is None and platform in SENDERS:
            sender = self._create_sender(platform, self._session, self._settings)
            self._senders[platform] = sender
        return sender

    def _hold_back(self, message: Message) -> None:
        self._unsent.append({"message_id": message.message_id, "attempt": message.attempt})
        self._look.set()

    async def _give_back(self) -> None:
        """Release what was claimed and never handed over."""
        while self._unsent:
            batch = self._unsent
            self._unsent = []
            try:
                await self._release(batch)
            except BaseException:
                self._unsent = batch + self._unsent
                raise
            log.info("gave messages back", messages=len(batch))

    async def _release(self, batch: list[dict[str, int]]) -> None:
        """Release a batch; one that the database refuses is halved, and holds no other."""
        try:
            await self._database.release_messages(self._settings.worker_name, batch)
        except psycopg.Error as exc:
            if is_of_server(exc):
                raise
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._release(batch[:middle])
                await self._release(batch[middle:])
            elif self._refused.passes():
                log.error(
                    "a message could not be given back, its lease will expire",
                    message_id=batch[0]["message_id"],
                    code=exc.sqlstate,
                    others=self._refused.take(),
                )

    async def drain(self) -> None:
        """After :meth:`stop`: give back, wait for open requests, cancel what stays open.

        A request that is still open after ``drain_timeout`` seconds is recorded as unknown.
        """
        self.stop()
        await asyncio.sleep(0)
        until = time.monotonic() + self._settings.drain_timeout
        await self._give_back_for_sure(until)
        if self._sending:
            log.info("waiting for open requests", requests=len(self._sending))
            await asyncio.wait(self._sending, timeout=max(0.0, until - time.monotonic()))
        still_open = list(self._sending)
        if still_open:
            log.warning("requests without an answer are recorded as unknown", n=len(still_open))
            for task in still_open:
                task.cancel()
            await asyncio.wait(still_open, timeout=5.0)
        await self._give_back_for_sure(until)
        for sender in self._senders.values():
            await sender.close()

    async def _give_back_for_sure(self, until: float) -> None:
        while True:
            try:
                await self._give_back()
                return
            except psycopg.Error as exc:
                if time.monotonic() > until:
                    log.error(
                        "could not give messages back; their leases will expire",
                        messages=len(self._unsent),
                        error=str(exc).strip(),
                    )
                    return
                await asyncio.sleep(0.5)
