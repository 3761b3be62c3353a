"""Whose messages the next claim is for: everybody's or, after a session died, one tenant's.

A guard can end the session that asks it (by transaction_timeout, which any login may set), or
keep it busy beyond its time-out. That claim is lost for all tenants. Nothing that the session said
can be believed, so the blame goes by what the worker asked for: a claim for one tenant alone.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from datetime import datetime
from typing import Any

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from .database import Database, GuardedUser, has_ended_session

log = structlog.get_logger("pgdrip.claims")

# Losses of a tenant's own claims after which its guards rest. They need not be in a row: a guard
# may behave every other time.
TOLERATED = 2
# Seconds for which claims stay apart after the second loss within the last of them, doubled with
# each further one: a guard that ends shared claims alone would do so for ever.
FIRST_SPAN = 60.0
LONGEST_SPAN = 3600.0


class Turns:
    """The claims of a worker, one a call.

    At first each claim is for all tenants. After one that ended its session or its time, claims go
    in rounds: one in which no guard is asked, then one for each tenant that has guarded messages.
    What a claim returned is never lost by a later one.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._is_apart = False
        self._is_round_over = False
        self._lost_at = -LONGEST_SPAN
        self._span = 0.0
        self._losses: Counter[GuardedUser] = Counter()
        self._start_round()

    def _start_round(self) -> None:
        self._is_calm = True
        self._is_unguarded_next = True
        self._users: deque[GuardedUser] | None = None
        self._started: datetime | None = None
        self._suspect: tuple[GuardedUser, str] | None = None

    @property
    def is_amid_round(self) -> bool:
        """Whether the next claim is for others than the last one: no reason to wait before it."""
        return self._is_apart and not self._is_round_over

    async def claim(self, worker: str, limit: int) -> list[dict[str, Any]]:
        """Claim up to ``limit`` messages; raises what lies with the server."""
        self._is_round_over = False
        if not self._is_apart:
            try:
                return await self._database.claim_messages(worker, limit)
            except psycopg.Error as exc:
                if not _is_fatal(exc):
                    raise
                self._go_apart()
                log.warning("a claim was lost, claiming tenant by tenant", error=_text(exc))
                return []
        if self._is_unguarded_next:
            return await self._claim_unguarded(worker, limit)
        await self._blame()
        if self._users is None:
            users, self._started = await self._database.list_guarded_users()
            self._users = deque(users)
        if not self._users:
            self._end_round()
            return []
        user = self._users.popleft()
        try:
            return await self._database.claim_messages(worker, limit, user=user.user_id)
        except psycopg.Error as exc:
            if not _is_fatal(exc):
                raise
            # Whether it was the tenant or the server, the next claim shows.
            self._suspect = (user, _text(exc))
            self._is_calm = False
            self._is_unguarded_next = True
            return []

    def _go_apart(self) -> None:
        now = self._clock()
        is_again = now - self._lost_at < max(LONGEST_SPAN, 2 * self._span)
        self._span = min(max(FIRST_SPAN, 2 * self._span), LONGEST_SPAN) if is_again else 0.0
        if not is_again:
            self._losses.clear()
        self._lost_at = now
        self._is_apart = True
        self._start_round()

    async def _claim_unguarded(self, worker: str, limit: int) -> list[dict[str, Any]]:
        try:
            rows = await self._database.claim_messages(worker, limit, guards=False)
        except psycopg.Error as exc:
            if _is_fatal(exc) or isinstance(exc, PoolTimeout):
                # The server, not a guard: nobody was asked.
                self._losses.clear()
                self._start_round()
            raise
        self._is_unguarded_next = False
        return rows

    async def _blame(self) -> None:
        if self._suspect is None:
            return
        user, error = self._suspect
        if await self._database.server_started() == self._started:
            self._losses[user] += 1
            log.warning("a claim for one tenant was lost", tenant=user.user_id, error=error)
            if self._losses[user] >= TOLERATED:
                names = await self._database.rest_guards(user, f"it ended its session: {error}")
                # After the rest one more loss is enough.
                self._losses[user] = TOLERATED - 1
                log.error("guards end the sessions that ask them", guards=names)
        self._suspect = None

    def _end_round(self) -> None:
        if self._is_calm and self._clock() - self._lost_at >= self._span:
            self._is_apart = False
            log.info("claiming for all tenants at once again")
        self._start_round()
        self._is_round_over = True


def _is_fatal(exc: psycopg.Error) -> bool:
    """Whether a claim may have died of a guard: its session is gone, or its time was used up."""
    return has_ended_session(exc) or isinstance(exc, psycopg.errors.QueryCanceled)


def _text(exc: psycopg.Error) -> str:
    lines = str(exc).strip().splitlines() or [type(exc).__name__]
    return f"{exc.sqlstate}: {lines[0]}" if exc.sqlstate else lines[0]
