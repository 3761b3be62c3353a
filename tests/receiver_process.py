"""`pgdrip receiver` as a process on loopback, spoken to over real HTTP."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from worker_process import Wait

SECRET = "kJ8-2f5b-long-and-random"
TOKEN = "verify-9d41"
# In every body of these tests, and never in a log.
PHONE = "60123456789"
WORDS = "Selamat-pagi-Siti"


def gowa_body(number: int = 1) -> bytes:
    """A message as a GOWA gateway reports it."""
    return json.dumps(
        {
            "event": "message",
            "device_id": f"{PHONE}@s.whatsapp.net",
            "payload": {"id": f"3EB0{number:08d}", "from": f"{PHONE}@s.whatsapp.net",
                        "is_from_me": False, "body": WORDS},
        }
    ).encode()  # fmt: skip


def sign(body: bytes, secret: str = SECRET) -> str:
    """The value of X-Hub-Signature-256."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: dict[str, str]


class Receiver:
    """The process; `log` is what it has said so far."""

    def __init__(self, url: str, log_file: Path, **environment: str) -> None:
        self.url = url
        self._log_file = log_file
        with log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pgdrip", "receiver", "--port", "0"],
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    "DATABASE_URL": url,
                    "PGDRIP_LOG_FORMAT": "json",
                    "PGDRIP_LOG_LEVEL": "debug",
                    "PGDRIP_SECRET_HOOK": SECRET,
                    "PGDRIP_SECRET_TOKEN": TOKEN,
                    **environment,
                },
            )

    @property
    def log(self) -> str:
        return self._log_file.read_text()

    @property
    def port(self) -> int:
        found = re.search(r'"port": (\d+)', self.log)
        assert found, self.log
        return int(found[1])

    def ended(self, seconds: float = 30.0) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(seconds)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request on a connection of its own; an iterator is sent in chunks."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(
                method, path, body, headers or {}, encode_chunked=isinstance(body, Iterator)
            )
            answer = connection.getresponse()
            fields = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, answer.read(), fields)
        finally:
            connection.close()

    def post(self, path: str, body: bytes, *, secret: str = SECRET) -> Answer:
        """A signed webhook."""
        return self.request("POST", path, body, {"X-Hub-Signature-256": sign(body, secret)})

    def raw(self, data: bytes, *, end: bool = False) -> bytes:
        """What comes back for these bytes until the connection closes; `end` closes our side."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(data)
            if end:
                connection.shutdown(socket.SHUT_WR)
            answer = b""
            while piece := connection.recv(65_536):
                answer += piece
            return answer


@pytest.fixture
def start_receiver(dsn: str, tmp_path: Path, wait: Wait) -> Iterator[Callable[..., Receiver]]:
    """Starts receivers, waits until they listen, and kills what is left of them at the end."""
    receivers: list[Receiver] = []

    def start(url: str = dsn, **environment: str) -> Receiver:
        receiver = Receiver(url, tmp_path / f"receiver{len(receivers)}.log", **environment)
        receivers.append(receiver)
        wait(lambda: '"port"' in receiver.log or receiver.process.poll() is not None)
        return receiver

    yield start
    for receiver in receivers:
        if receiver.process.poll() is None:
            receiver.process.kill()
            receiver.process.wait()
