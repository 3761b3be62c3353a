"""The processes of the demonstration, and the gateway among them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..errors import PgdripError

# What a person has set for other processes would change the play; nor is PGDRIP_… inherited.
_NOT_INHERITED = ("DATABASE_URL", "PGOPTIONS")


class Children:
    """The processes of the demo; none outlives it."""

    def __init__(self) -> None:
        self._running: dict[str, tuple[subprocess.Popen[bytes], Path]] = {}

    def start(
        self, name: str, arguments: list[str], log_file: Path, secrets: Mapping[str, str]
    ) -> None:
        """Run ``pgdrip`` with these arguments; secrets go by its environment."""
        environment = {
            key: value
            for key, value in os.environ.items()
            if key not in _NOT_INHERITED and not key.startswith("PGDRIP_")
        }
        with log_file.open("wb") as log:
            # A session of its own, so that Ctrl-C reaches it only through us.
            process = subprocess.Popen(
                [sys.executable, "-m", "pgdrip", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**environment, **secrets},
                start_new_session=True,
            )
        self._running[name] = (process, log_file)

    def check(self) -> None:
        """Raise when one of them has ended."""
        for name, (process, log_file) in self._running.items():
            if process.poll() is not None:
                lines = log_file.read_text(errors="replace").strip().splitlines()
                raise PgdripError(
                    f"The {name} ended: {lines[-1] if lines else 'it said nothing'}",
                    hint=f"Its log is {short_path(log_file)}.",
                )

    def wait_for(self, name: str, words: str, seconds: float = 30.0) -> None:
        """Wait until the process has logged these words."""
        _, log_file = self._running[name]
        deadline = time.monotonic() + seconds
        while words not in log_file.read_text(errors="replace"):
            self.check()
            if time.monotonic() > deadline:
                raise PgdripError(
                    f"The {name} did not start in {seconds:.0f} seconds.",
                    hint=f"Its log is {short_path(log_file)}.",
                )
            time.sleep(0.05)

    def stop(self, name: str, seconds: float = 20.0) -> None:
        """End one of them, by force when it takes too long."""
        process, _ = self._running.pop(name)
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def stop_all(self) -> None:
        """End them all."""
        # The last one first: the worker still gets the gateway's answers, and so leaves no unknown.
        for name in reversed(list(self._running)):
            self.stop(name, 5.0)


@contextmanager
def running_children() -> Iterator[Children]:
    """Children that end with the block."""
    children = Children()
    try:
        yield children
    finally:
        children.stop_all()


class Gateway:
    """The gateway simulator as a process of its own, and what it is told."""

    def __init__(self, children: Children, log_file: Path, secrets: Mapping[str, str]) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        children.start(
            "gateway",
            ["simulator", "--port", str(port), "--latency", "0.08", "--latency-max", "0.24"],
            log_file,
            secrets,
        )
        children.wait_for("gateway", "Gateway simulator on ")

    def _ask(self, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - a loopback address of our own
            self.url + path, data=data, headers={"Content-Type": "application/json"}
        )
        # No proxy of the environment for loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            return json.load(answer)

    def configure(self, changes: dict[str, Any]) -> None:
        """Change what the gateway and the contacts do to messages."""
        self._ask("/simulator/settings", changes)

    def log_in(self, instance: str, logged_in: bool) -> None:
        """Log a device in or out, as on its phone."""
        self._ask(f"/devices/{instance}/{'login' if logged_in else 'logout'}")

    def reply(self, instance: str, phone: str, **what: Any) -> None:
        """Let a contact write to a device; see the simulator's POST /simulator/reply."""
        self._ask("/simulator/reply", {"device": instance, "phone": phone, **what})

    def messages(self) -> list[dict[str, Any]]:
        """All it received, oldest first."""
        found: list[dict[str, Any]] = self._ask("/simulator/messages")
        return found

    def replies(self) -> list[dict[str, Any]]:
        """All that contacts wrote and did, oldest first."""
        found: list[dict[str, Any]] = self._ask("/simulator/replies")
        return found

    def stats(self) -> dict[str, Any]:
        """Its totals."""
        found: dict[str, Any] = self._ask("/simulator/stats?devices=0")
        return found


def free_port() -> int:
    """A port of loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def short_path(path: Path) -> str:
    """A path as one would type it here."""
    with suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)
