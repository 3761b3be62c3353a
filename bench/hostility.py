"""A healthy tenant's pace beside a tenant whose gateway says what does harm, and slow strangers."""

from __future__ import annotations

import asyncio
import resource
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from .data import Connection, add_campaign, add_devices, add_leads, expand_all
from .place import Place
from .receiving import PORT, SECRET, _healthy, _request
from .working import GATEWAY, _gateway, _process, _stats, _until

DEVICES = 100  # of each tenant
LEADS = {"healthy": 60_000, "hostile": 10_000}
SLOW = 2_300  # connections, more than a receiver holds
WEBHOOKS = 20

# One after the other. All are unknown outcomes, so that no device is stopped by its first answer.
_ANSWERS = [
    b'{"code":"SUCCESS","results":{"message_id":"%s"}}' % (b"0123456789abcdef" * 3_000),
    b'{"code":"SUCCESS","results":{"message_id":"\\u0000\\ud800"}}',
    b'{"code":"%s","message":"%s"}' % (b"C" * 20_000, b"7 " * 20_000),
    b'{"a":' * 10_000,
    b"x" * 5_000_000,
]


@contextmanager
def _hostile_gateway() -> Iterator[str]:
    loop = asyncio.new_event_loop()
    served = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        try:
            await reader.readuntil(b"\r\n\r\n")
            body = _ANSWERS[served % len(_ANSWERS)]
            served += 1
            head = f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


@contextmanager
def _slow_senders(device: int) -> Iterator[None]:
    """Connections that promise a body and send one byte of it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * SLOW if hard == resource.RLIM_INFINITY else min(2 * SLOW, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    head = (
        f"POST /webhooks/device/{device} HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n"
        f"X-Hub-Signature-256: sha256={'0' * 64}\r\n\r\n{{"
    ).encode()
    try:
        with ExitStack() as stack:
            for _ in range(SLOW):
                slow = stack.enter_context(socket.create_connection(("127.0.0.1", PORT), 30))
                slow.sendall(head)
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def hostile(place: Place) -> None:
    """Messages a second of a healthy tenant, alone and beside hostile gateways and strangers."""
    url = place.database("bench_hostile")
    with (
        place.connect("bench_hostile") as connection,
        _hostile_gateway() as address,
        _gateway(0.02),
        _process("receiver", "--port", str(PORT), DATABASE_URL=url, PGDRIP_SECRET_BENCH=SECRET),
    ):
        devices = _tenant(connection, "healthy", GATEWAY)
        _tenant(connection, "hostile", address)
        _plan(connection, "healthy")
        _until(_healthy, 30)
        with _process("worker", DATABASE_URL=url, PGDRIP_LOG_LEVEL="critical"):
            _until(lambda: _accepted() > 200, 60)
            alone = _pace(place.seconds)
            alone_ms, _ = _webhook_ms(devices[0])
            _plan(connection, "hostile")
            with _slow_senders(devices[0]):
                # first, since 2,300 connections at once cost the receiver seconds
                beside_ms, refused = _webhook_ms(devices[0])
                beside = _pace(place.seconds)
        row = connection.execute(
            "select count(*) from drip.message_log m join drip.users u on u.id = m.user_id"
            " where u.name = 'hostile' and m.error_code is not null"
        ).fetchone()
    assert row is not None
    place.keep(
        "beside a hostile tenant",
        unit="ratio",
        times=beside / alone,
        rate=beside,
        aim="≥ 0.5 of the pace alone",
        note=f"{alone:.0f} messages/s alone; {row[0]} hostile answers; the slowest of {WEBHOOKS}"
        f" webhooks took {alone_ms:.0f} ms alone and {beside_ms:.0f} ms beside {SLOW} connections"
        f" that had just come and dawdle; {refused} were answered 503",
    )


def _tenant(connection: Connection, name: str, endpoint: str) -> list[int]:
    connection.execute("select 1 from drip.create_user(%s)", [name])
    connection.execute("select set_config('drip.user', %s, false)", [name])
    devices = add_devices(connection, DEVICES, endpoint=endpoint, webhook_secret_name="bench")
    add_leads(connection, LEADS[name])
    return devices


def _plan(connection: Connection, name: str) -> None:
    connection.execute("select set_config('drip.user', %s, false)", [name])
    add_campaign(connection, f"campaign of {name}")
    expand_all(connection)


def _accepted() -> int:
    return int(_stats().get("accepted", 0))


def _pace(seconds: float) -> float:
    before, started = _accepted(), time.perf_counter()
    time.sleep(seconds)
    return (_accepted() - before) / (time.perf_counter() - started)


def _webhook_ms(device: int) -> tuple[float, int]:
    """The slowest of some webhooks on connections of their own, and how many were refused."""
    slowest, refused = 0.0, 0
    for number in range(WEBHOOKS):
        head, _, body = _request(device, number).partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        request = urllib.request.Request(
            f"http://127.0.0.1:{PORT}/webhooks/device/{device}", body, headers
        )
        started = time.perf_counter()
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                assert answer.status == 200
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise
            refused += 1
        slowest = max(slowest, time.perf_counter() - started)
    return slowest * 1000, refused
