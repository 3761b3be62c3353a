"""Posts webhooks to a receiver: signed, a few at once, tried again as GOWA does."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from .state import State

CONNECTIONS = 20
# Beyond so many, new ones are dropped: a receiver that is away for long must not fill the memory.
LONGEST_QUEUE = 100_000


@dataclass(slots=True)
class _Post:
    url: str
    body: bytes
    headers: dict[str, str]
    generation: int
    attempts: int = 0


class Webhooks:
    """The way out. Exact counters; ``waiting``: neither taken by the receiver nor given up."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._queue: asyncio.Queue[_Post] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None
        self._generation = 0
        self.forget()

    def forget(self) -> None:
        """Drop what waits, and count anew."""
        self._generation += 1
        self.planned = 0
        self.waiting = 0
        self._taken = 0
        self._duplicates = 0
        self._retries = 0
        self._given_up = 0
        self._dropped = 0
        self._answers: Counter[str] = Counter()

    def as_json(self) -> dict[str, Any]:
        """The counters as /simulator/stats lists them.

        ``planned``: what contacts are still going to do; ``answers``: by HTTP status or cause.
        """
        return {
            "planned": self.planned,
            "waiting": self.waiting,
            "taken": self._taken,
            "duplicates": self._duplicates,
            "retries": self._retries,
            "given_up": self._given_up,
            "dropped": self._dropped,
            "answers": dict(self._answers),
        }

    async def start(self) -> None:
        """Open the connections, lazily."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS), trust_env=False
        )
        self._tasks = [asyncio.create_task(self._work()) for _ in range(CONNECTIONS)]

    async def stop(self) -> None:
        """Leave; what still waits is lost."""
        self.forget()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something after so many seconds, unless everything is forgotten by then."""
        generation = self._generation
        self.planned += 1

        def run() -> None:
            if generation == self._generation:
                self.planned -= 1
                act()
                self._state.changed()

        asyncio.get_running_loop().call_later(seconds, run)

    def post(self, device: str, body: dict[str, Any], *, copies: int = 1) -> None:
        """Send a webhook of a device, ``copies`` times the same bytes."""
        settings = self._state.settings
        url = settings.webhook_url(device)
        if url is None:
            return
        raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "pgdrip-simulator"}
        if settings.webhook_secret is not None:
            key = settings.webhook_secret.get_secret_value().encode()
            digest = hmac.new(key, raw, hashlib.sha256).hexdigest()
            headers["X-Hub-Signature-256"] = f"sha256={digest}"
        self._duplicates += copies - 1
        for _ in range(copies):
            if self.waiting >= LONGEST_QUEUE:
                self._dropped += 1
                continue
            self.waiting += 1
            self._queue.put_nowait(_Post(url, raw, headers, self._generation))

    async def _work(self) -> None:
        while True:
            post = await self._queue.get()
            if post.generation != self._generation:
                continue
            answer = await self._attempt(post)
            if post.generation == self._generation:
                self._settle(post, answer)
                self._state.changed()

    async def _attempt(self, post: _Post) -> str:
        """The receiver's answer: an HTTP status, or why there is none."""
        assert self._session is not None  # noqa: S101 - set before the tasks start
        try:
            async with self._session.post(
                post.url,
                data=post.body,
                headers=post.headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=self._state.settings.webhook_timeout),
            ) as response:
                return str(response.status)
        except TimeoutError:
            return "timeout"
        except (aiohttp.ClientError, OSError, ValueError):
            return "away"

    def _settle(self, post: _Post, answer: str) -> None:
        settings = self._state.settings
        self._answers[answer] += 1
        post.attempts += 1
        if answer == "200":
            self._taken += 1
        elif post.attempts >= settings.webhook_attempts:
            self._given_up += 1
        else:
            self._retries += 1
            pause = settings.webhook_pause * 2 ** (post.attempts - 1)
            asyncio.get_running_loop().call_later(pause, self._queue.put_nowait, post)
            return
        self.waiting -= 1
