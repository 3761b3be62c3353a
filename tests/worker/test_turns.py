"""Whose claim is next after one died, and who is blamed: with a database made of answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, cast

import psycopg
import pytest
from psycopg_pool import PoolTimeout

from pgdrip.database import Database, GuardedUser
from pgdrip.turns import FIRST_SPAN, LONGEST_SPAN, Turns

LOST = psycopg.OperationalError("the connection is closed")
HANGS = psycopg.errors.QueryCanceled("canceling statement due to statement timeout")


class Answers:
    """A database with tenants 1 and 2; `dies` says whether a claim for these is lost."""

    def __init__(self) -> None:
        self.now = 0.0
        self.started = datetime(2026, 1, 1, tzinfo=UTC)
        self.users = {1: True, 2: True}
        self.claims: list[str] = []
        self.rested: list[tuple[int, bool]] = []
        self.dies: Callable[[str], Exception | None] = lambda claim: None

    async def claim_messages(
        self, worker: str, limit: int, *, user: int | None = None, guards: bool = True
    ) -> list[dict[str, Any]]:
        claim = f"of {user}" if user else "all" if guards else "unguarded"
        self.claims.append(claim)
        error = self.dies(claim)
        if error is not None:
            raise error
        return [{"claim": claim}]

    async def list_guarded_users(self) -> tuple[list[GuardedUser], datetime]:
        return [GuardedUser(*user) for user in self.users.items()], self.started

    async def server_started(self) -> datetime:
        return self.started

    async def rest_guards(self, user: GuardedUser, error: str) -> list[str]:
        self.rested.append((user.user_id, user.has_own_guards))
        return ["a guard"]

    def turns(self) -> Turns:
        return Turns(cast(Database, self), clock=lambda: self.now)


def run(work: Awaitable[Any]) -> Any:
    async def scenario() -> Any:
        return await work

    return asyncio.run(scenario())


async def several(turns: Turns, count: int) -> list[dict[str, Any]]:
    rows = []
    for _ in range(count):
        rows += await turns.claim("w", 10)
    return rows


@pytest.mark.parametrize("error", [LOST, HANGS])
def test_after_a_loss_each_tenant_has_a_claim_of_its_own(error: Exception) -> None:
    it = Answers()
    it.dies = lambda claim: error if len(it.claims) == 2 else None
    rows = run(several(it.turns(), 7))
    assert it.claims == ["all", "all", "unguarded", "of 1", "of 2", "all"]
    assert [row["claim"] for row in rows] == ["all", "unguarded", "of 1", "of 2", "all"]
    assert it.rested == []


def test_a_tenant_whose_own_claims_die_has_its_guards_rest() -> None:
    it = Answers()
    it.dies = lambda claim: LOST if claim in ("all", "of 1") and not it.rested else None
    rows = run(several(it.turns(), 16))
    assert it.rested == [(1, True)]
    lost = [claim for claim in it.claims if claim == "of 1"]
    assert len(lost) == 3  # twice lost, and once with its guards at rest
    assert it.claims[-1] == "all"
    # between two losses those go whom no guard concerns, and nobody else is left out
    assert it.claims[1:8] == [
        "unguarded", "of 1", "unguarded", "of 2", "unguarded", "of 1", "unguarded",
    ]  # fmt: skip
    assert {"of 2", "unguarded"} <= {row["claim"] for row in rows}


def test_one_that_behaves_every_other_time_is_found_all_the_same() -> None:
    it = Answers()
    tries: list[str] = []

    def dies(claim: str) -> Exception | None:
        if claim == "all" and not it.rested:
            return LOST
        if claim == "of 1":
            tries.append(claim)
            return LOST if len(tries) % 2 else None
        return None

    it.dies = dies
    run(several(it.turns(), 60))
    assert (1, True) in it.rested
    assert {user for user, _ in it.rested} == {1}


def test_one_that_only_ends_the_claims_of_all_does_so_ever_more_rarely() -> None:
    it = Answers()
    it.dies = lambda claim: LOST if claim == "all" else None
    turns = it.turns()
    at: list[float] = []
    while it.now < 4 * LONGEST_SPAN:
        before = it.claims.count("all")
        run(turns.claim("w", 10))
        if it.claims.count("all") > before:
            at.append(it.now)
        it.now += 1
    pauses = [later - earlier for earlier, later in pairwise(at)]
    assert pauses[0] < FIRST_SPAN
    assert pauses[-1] >= LONGEST_SPAN
    assert len(at) <= 12


def test_guards_for_all_are_blamed_where_a_tenant_has_none_of_its_own_awake() -> None:
    it = Answers()

    def dies(claim: str) -> Exception | None:
        it.users[1] = (1, True) not in it.rested
        return LOST if claim in ("all", "of 1") and (1, False) not in it.rested else None

    it.dies = dies
    run(several(it.turns(), 40))
    assert it.rested == [(1, True), (1, False)]


def test_a_restart_of_the_server_is_nobodys_fault() -> None:
    """Even one that comes each time within the claims of the same tenant."""
    it = Answers()

    def dies(claim: str) -> Exception | None:
        if claim != "of 1":
            return None if len(it.claims) > 1 else LOST
        it.started = it.started.replace(year=it.started.year + 1)
        return LOST

    it.dies = dies
    run(several(it.turns(), 40))
    assert it.claims.count("of 1") > 3
    assert it.rested == []


def test_a_server_that_does_not_answer_is_nobodys_fault() -> None:
    it = Answers()
    it.dies = lambda claim: LOST if len(it.claims) % 2 == 0 or claim == "all" else None
    turns = it.turns()
    raised = 0
    for _ in range(40):
        try:
            run(turns.claim("w", 10))
        except psycopg.OperationalError:
            raised += 1
    assert raised > 3
    assert it.rested == []


@pytest.mark.parametrize(
    "error", [PoolTimeout("no connection"), psycopg.errors.UndefinedFunction("gone")]
)
def test_what_is_no_loss_is_raised_and_changes_nothing(error: Exception) -> None:
    it = Answers()
    it.dies = lambda claim: error if len(it.claims) == 1 else None
    turns = it.turns()
    with pytest.raises(type(error)):
        run(turns.claim("w", 10))
    run(turns.claim("w", 10))
    assert it.claims == ["all", "all"]
