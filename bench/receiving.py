"""The real receiver: webhooks a second that are verified and committed, and how long one takes."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import socket
import statistics
import time
import urllib.request

from .data import add_devices
from .place import Place
from .working import _process, _until

PORT = 39_412
CLIENTS = 64
DEVICES = 20
BODIES = 2_000
SECRET = "a secret of the benchmark"


def receiver(place: Place) -> None:
    """One receiver process, keep-alive clients beside it, signed bodies as a gateway sends them."""
    url = place.database("bench_receiver")
    with place.connect("bench_receiver") as connection:
        devices = add_devices(connection, DEVICES, webhook_secret_name="bench")
    requests = [_request(devices[number % DEVICES], number) for number in range(BODIES)]
    with _process("receiver", "--port", str(PORT), DATABASE_URL=url, PGDRIP_SECRET_BENCH=SECRET):
        _until(_healthy, 30)
        asyncio.run(_send(requests, 2))
        accepted, seconds, took = asyncio.run(_send(requests, place.seconds))
    with place.connect("bench_receiver") as connection:
        row = connection.execute("select count(*) from pgmq.q_drip_inbound").fetchone()
        assert row is not None
        assert row[0] >= accepted  # each was committed before its answer
    took.sort()
    place.keep(
        "receiver, one process",
        rate=accepted / seconds,
        unit="webhooks/s",
        p50=statistics.median(took) * 1000,
        p99=took[int(len(took) * 0.99)] * 1000,
        aim=1_000,
        note=f"{CLIENTS} keep-alive clients on the same machine; times in ms",
    )


def _request(device: int, number: int) -> bytes:
    body = json.dumps(
        {
            "event": "message.ack",
            "device_id": "60123456789@s.whatsapp.net",
            "session_id": f"session {device}",
            "payload": {
                "ids": [f"3EB0{number:016X}"],
                "chat_id": f"601{number:08d}@s.whatsapp.net",
                "from": f"601{number:08d}@s.whatsapp.net",
                "receipt_type": "delivered",
                "timestamp": "2026-03-02T09:00:00Z",
            },
        }
    ).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return (
        f"POST /webhooks/device/{device} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"X-Hub-Signature-256: sha256={signature}\r\n\r\n"
    ).encode() + body


class _Client(asyncio.Protocol):
    """Sends the next request as soon as the last one is answered."""

    def __init__(self, requests: list[bytes], start: int, until: float) -> None:
        self._requests = requests
        self._next = start
        self._until = until
        self._sent = 0.0
        self._answer = b""
        self.took: list[float] = []
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._next = (self._next + 1) % len(self._requests)
        self._transport.write(self._requests[self._next])

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not self._answer.endswith(b"\r\n\r\n"):
            return
        if not self._answer.startswith(b"HTTP/1.1 200"):
            self.done.set_exception(RuntimeError(self._answer[:80].decode()))
            self._transport.close()
            return
        self._answer = b""
        now = time.perf_counter()
        self.took.append(now - self._sent)
        if now < self._until:
            self._send()
        else:
            self.done.set_result(None)
            self._transport.close()


async def _send(requests: list[bytes], seconds: float) -> tuple[int, float, list[float]]:
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    clients = []
    for number in range(CLIENTS):
        start = number * len(requests) // CLIENTS
        _, client = await loop.create_connection(
            lambda start=start: _Client(requests, start, started + seconds),  # type: ignore[misc]
            "127.0.0.1",
            PORT,
            family=socket.AF_INET,
        )
        clients.append(client)
    await asyncio.gather(*(client.done for client in clients))
    took = [value for client in clients for value in client.took]
    return len(took), time.perf_counter() - started, took


def _healthy() -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
