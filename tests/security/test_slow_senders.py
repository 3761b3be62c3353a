"""Strangers who open connections and dawdle keep no genuine webhook out."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from factory import Plant
from receiver_process import Receiver, gowa_body, sign
from worker_process import Wait

from pgdrip.receiver.connections import Memory, Reading, TooMuch, peer_of

Start = Callable[..., Receiver]

HEAD = (
    "POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n"
    "X-Hub-Signature-256: sha256={zeros}\r\n\r\n"
)


@pytest.fixture
def device(plant: Plant) -> str:
    """The path of a GOWA device whose webhooks are signed with SECRET."""
    return f"/webhooks/device/{plant.device(webhook_secret_name='hook')}"


@pytest.fixture
def many_files() -> Iterator[None]:
    """This process may open a file for each of the connections that it makes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(6_000, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def crowd(port: int, count: int, said: bytes, source: str) -> Iterator[list[socket.socket]]:
    """So many connections from one address that say this much and no more."""
    with ExitStack() as stack:
        found = []
        for _ in range(count):
            connection = stack.enter_context(
                socket.create_connection(("127.0.0.1", port), 60, (source, 0))
            )
            connection.sendall(said)
            found.append(connection)
        yield found


# Behind a proxy, everybody has one address.
@pytest.mark.parametrize("source", ["127.0.0.66", "127.0.0.1"])
@pytest.mark.parametrize("kind", ["body", "head", "silence", "rest"])
def test_more_slow_connections_than_fit_keep_nobody_out(
    start_receiver: Start, device: str, many_files: None, wait: Wait, source: str, kind: str
) -> None:
    receiver = start_receiver(PGDRIP_WEBHOOK_TIMEOUT="60", PGDRIP_LOG_LEVEL="info")
    head = HEAD.format(path=device, zeros="0" * 64).encode()
    said = {
        "body": head + b"{",
        "head": head[:20],
        "silence": b"",
        "rest": b"GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n",
    }[kind]
    with crowd(receiver.port, 2_300, said, source):
        # The database of a busy machine may take its time; the crowd must not be the reason.
        def is_taken() -> bool:
            answer = receiver.post(device, gowa_body())
            assert answer.status == 200 or answer.body == b"Nothing can be stored now."
            return answer.status == 200

        for _ in range(3):
            wait(is_taken)
    assert "Traceback" not in receiver.log
    assert "resource" not in receiver.log


def test_a_body_that_comes_slowly_is_let_to_its_end_while_there_is_room(
    start_receiver: Start, device: str, wait: Wait
) -> None:
    receiver = start_receiver()
    body = gowa_body()
    head = (
        f"POST {device} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n"
        f"X-Hub-Signature-256: {sign(body)}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", receiver.port), 60) as slow:
        slow.sendall(head + body[:10])
        with crowd(receiver.port, 200, head[:20], "127.0.0.66"):
            slow.sendall(body[10:])
            assert slow.recv(100).startswith(b"HTTP/1.1 200")


def test_the_oldest_body_of_the_peer_with_most_bytes_makes_room() -> None:
    async def scenario() -> None:
        async with asyncio.timeout(60) as limit:
            memory = Memory(100)
            mine = Reading("me", limit)
            memory.begin(mine)
            memory.add(mine, 10)
            theirs = []
            async with asyncio.timeout(60) as other:  # noqa: ASYNC100 - only rescheduled
                for _ in range(9):
                    reading = Reading("them", other)
                    memory.begin(reading)
                    memory.add(reading, 10)
                    theirs.append(reading)
                memory.add(mine, 10)
                assert [reading.is_dropped for reading in theirs] == [True] + [False] * 8
                other.reschedule(None)
            with pytest.raises(TooMuch):
                memory.add(theirs[0], 1)
            memory.finish(mine)
            for reading in theirs:
                memory.release(reading)
            # what has come in whole is not taken away
            late = Reading("me", limit)
            memory.begin(late)
            with pytest.raises(TooMuch):
                memory.add(late, 81)
            memory.release(late)
            memory.release(mine)
            memory.begin(late)
            memory.add(late, 100)

    asyncio.run(scenario())


def test_a_body_whose_time_is_up_already_makes_room_as_well() -> None:
    async def dawdle(memory: Memory, began: asyncio.Event) -> None:
        async with asyncio.timeout(60) as limit:
            reading = Reading("them", limit)
            memory.begin(reading)
            memory.add(reading, 90)
            limit.reschedule(0)
            began.set()
            await asyncio.Event().wait()

    async def scenario() -> None:
        memory, began = Memory(100), asyncio.Event()
        slow = asyncio.create_task(dawdle(memory, began))
        await began.wait()
        async with asyncio.timeout(60) as limit:
            mine = Reading("me", limit)
            memory.begin(mine)
            # the time-out has struck, and the task that it ends has not run since
            memory.add(mine, 20)
            with pytest.raises(TimeoutError):
                await slow
        assert mine.size == 20

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("address", "peer"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
    ],
)
def test_a_peer_is_an_address_or_a_customers_network(address: str, peer: str) -> None:
    assert peer_of((address, 1)) == peer


@pytest.mark.parametrize(
    "lines",
    [
        "Content-Length: {length}\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: {length}",
        "Content-Length: {length}\r\nContent-Length: 3",
        "Content-Length: {length}, 3",
        "Content-Length: +{length}",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked",
        "Content-Length : {length}",
    ],
)
def test_a_length_that_can_be_read_in_two_ways_is_refused(
    start_receiver: Start, device: str, lines: str
) -> None:
    receiver = start_receiver()
    body = gowa_body()
    for path in (device, "/health"):
        answer = receiver.raw(
            (
                f"POST {path} HTTP/1.1\r\nHost: h\r\nX-Hub-Signature-256: {sign(body)}\r\n"
                f"{lines.format(length=len(body))}\r\n\r\n"
            ).encode()
            + body
        )
        assert answer[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 501"), answer[:100]
        assert answer.count(b"HTTP/1.1") == 1
