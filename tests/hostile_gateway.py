"""A gateway on loopback that says whatever can do harm: a device's instance names the trick."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import unquote

HUGE = 50_000
NESTED = '{"a":' * 10_000 + "1" + "}" * 10_000
BOMB = gzip.compress(b'{"code":"' + b"A" * 20_000_000 + b'"}')


def accepted(message_id: str) -> bytes:
    """GOWA's acceptance; `message_id` is written as it is, escapes included."""
    return f'{{"code":"SUCCESS","results":{{"message_id":"{message_id}"}}}}'.encode()


def refused(code: str, message: str) -> bytes:
    return f'{{"code":"{code}","message":"{message}"}}'.encode()


class Asked:
    """What the gateway got."""

    def __init__(self, path: str, headers: dict[str, str]) -> None:
        self.path = path
        self.headers = headers
        self.authorization = headers.get("authorization", "")


Trick = Callable[[Asked], tuple[int, dict[str, str], bytes]]


def says(status: int, body: bytes, **headers: str) -> Trick:
    return lambda request: (status, headers, body)


def echo(status: int) -> Trick:
    """The request's credentials in each field that an adapter reads."""

    def answer(request: Asked) -> tuple[int, dict[str, str], bytes]:
        basic = request.authorization.removeprefix("Basic ").removeprefix("Bearer ")
        try:
            plain = base64.b64decode(basic).decode()
        except ValueError:
            plain = basic
        said = json.dumps(
            {
                "code": plain.partition(":")[2] or plain,
                "message": f"{'x' * 470} {request.authorization} {plain} {basic}",
                "results": {"message_id": basic},
                "error": {"code": 100, "message": f"{request.authorization} {plain}"},
            }
        )
        return status, {}, said.encode()

    return answer


# Each of these is one message's answer. What becomes of it: unknown, failed or tried again.
TRICKS: dict[str, Trick] = {
    "huge id": says(200, accepted("3EB0" + "0123456789abcdef" * (HUGE // 16))),
    "id of just an index entry": says(200, accepted("".join(map(str, range(900))))),
    "NUL in the id": says(200, accepted("3EB0\\u0000")),
    "lone surrogate in the id": says(200, accepted("3EB0\\ud800")),
    "line break in the id": says(200, accepted("3EB0\\n3EB1")),
    "no id": says(200, accepted("")),
    "number as the id": says(200, b'{"code":"SUCCESS","results":{"message_id":17}}'),
    "NUL in code and text": says(400, refused("BAD\\u0000CODE", "no\\u0000way")),
    "lone surrogates in code and text": says(400, refused("BAD\\udfff", "no \\ud800 way")),
    "huge code": says(400, refused("C" * 60_000, "no")),
    "huge text": says(400, refused("VALIDATION_ERROR", "no " * 20_000)),
    "megabytes": says(400, refused("VALIDATION_ERROR", "n" * 5_000_000)),
    "nested": says(400, NESTED.encode()),
    "nested inside the answer": says(
        200, b'{"code":"SUCCESS","results":{"message_id":' + b"[" * 30_000 + b"]" * 30_000 + b"}}"
    ),
    "a number without end": says(200, b'{"code":' + b"9" * 60_000 + b"}"),
    "gzip bomb": says(200, BOMB, **{"Content-Encoding": "gzip"}),
    "no gzip at all": says(200, b"nothing", **{"Content-Encoding": "gzip"}),
    "echo of the credentials": echo(200),
    "echo of the credentials in an error": echo(422),
    "redirect to itself": lambda request: (307, {"Location": request.path}, b""),
    "retry after an age": says(
        429, refused("WA_REACHOUT_TIMELOCK", "wait"), **{"Retry-After": "9" * 4000}
    ),
    "invalid UTF-8": says(400, b'{"code":"\xff\xfe","message":"\xc0\x80"}'),
    "huge header": says(200, accepted("3EB0"), **{"X-Much": "h" * 200_000}),
}
# These do not end by themselves; the sender does.
ENDLESS = {"endless body", "endless chunks", "endless header"}


class HostileGateway:
    """Answers each request, health checks as well, by the trick that its device is named after."""

    def __init__(self) -> None:
        self.url = ""
        self.port = 0
        self.played: Counter[str] = Counter()
        self._writers: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.strip().split("\r\n")
                headers = {
                    name.lower(): value.strip()
                    for name, _, value in (line.partition(":") for line in lines)
                }
                await reader.readexactly(int(headers.get("content-length", 0)))
                await self._answer(Asked(first.split(" ")[1], headers), writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer(self, request: Asked, writer: asyncio.StreamWriter) -> None:
        trick = unquote(request.headers["x-device-id"])
        self.played[trick] += 1
        if trick in ENDLESS:
            writer.write(
                {
                    "endless body": b"HTTP/1.1 200 OK\r\n\r\n{",
                    "endless chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                    "endless header": b"HTTP/1.1 200 OK\r\nX-Much: ",
                }[trick]
            )
            piece = b" " * 16_384
            if trick == "endless chunks":
                piece = b"4000\r\n" + piece + b"\r\n"
            while True:
                writer.write(piece)
                await writer.drain()
        status, fields, body = TRICKS[trick](request)
        fields = {"Content-Length": str(len(body)), **fields}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        writer.write(f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode() + body)
        await writer.drain()


@contextmanager
def hostile_gateway() -> Iterator[HostileGateway]:
    """The gateway in a thread of its own."""
    gateway = HostileGateway()
    loop = asyncio.new_event_loop()

    async def start() -> None:
        server = await asyncio.start_server(gateway.serve, "127.0.0.1", 0)
        gateway.port = server.sockets[0].getsockname()[1]
        gateway.url = f"http://127.0.0.1:{gateway.port}"

    loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield gateway
    finally:
        for task in asyncio.all_tasks(loop):
            loop.call_soon_threadsafe(task.cancel)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
