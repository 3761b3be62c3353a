"""What is stored and what is refused; nothing that is refused leaves a trace of its content."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from factory import Plant
from receiver_process import PHONE, SECRET, WORDS, Receiver, gowa_body, sign
from worker_process import Wait

Start = Callable[..., Receiver]
Queued = Callable[[], list[dict[str, Any]]]

LIMIT = 4096


@pytest.fixture
def receiver(start_receiver: Start) -> Iterator[Receiver]:
    """A receiver with a small limit, whose log is looked through at the end."""
    receiver = start_receiver(PGDRIP_WEBHOOK_BODY_LIMIT=str(LIMIT), PGDRIP_WEBHOOK_TIMEOUT="0.5")
    yield receiver
    log = receiver.log
    assert "Traceback" not in log
    for secret in (PHONE, WORDS, SECRET, "3EB0"):
        assert secret not in log


def padded(size: int) -> bytes:
    """A signed body of that many bytes."""
    empty = len(json.dumps({"body": WORDS, "rest": ""}))
    return json.dumps({"body": WORDS, "rest": "x" * (size - empty)}).encode()


def test_a_signed_body_is_stored_as_it_came(
    receiver: Receiver, device: str, queued: Queued
) -> None:
    body = (
        b'{"event" : "message",\n "payload": {"body": "Salam \xc3\xa9 \xf0\x9f\x98\x80 \\u00e9"}}'
    )
    answer = receiver.post(device, body)
    assert (answer.status, answer.body) == (200, b"")
    [row] = queued()
    assert (row["kind"], row["id"]) == ("device", int(device.rpartition("/")[2]))
    assert row["body"] == body.decode()
    assert row["received_at"][:2] == "20"


def test_the_longest_body_that_meta_sends_is_taken(
    start_receiver: Start, account: str, queued: Queued
) -> None:
    body = padded(3 * 1024 * 1024)
    receiver = start_receiver()
    assert receiver.post(account, body).status == 200
    assert queued()[0]["body"] == body.decode()
    assert receiver.post(account, padded(4 * 1024 * 1024 + 1)).status == 413


def test_an_account_has_an_address_of_its_own(
    receiver: Receiver, account: str, queued: Queued
) -> None:
    assert receiver.post(account, b'{"object": "whatsapp_business_account"}').status == 200
    assert queued()[0]["kind"] == "account"


def test_a_redelivery_is_taken_again(receiver: Receiver, device: str, queued: Queued) -> None:
    first, again = (receiver.post(device, gowa_body()) for _ in range(2))
    assert (first.status, again.status) == (200, 200)
    # the same to the byte: what makes it count once is its processing
    assert len({row["body"] for row in queued()}) == 1


def test_chunks_without_a_length_are_taken(receiver: Receiver, device: str, queued: Queued) -> None:
    body = gowa_body()
    chunks = iter([body[:10], body[10:11], body[11:]])
    answer = receiver.request("POST", device, chunks, {"X-Hub-Signature-256": sign(body)})
    assert answer.status == 200
    assert [row["body"] for row in queued()] == [body.decode()]


def test_a_connection_is_kept_for_many_webhooks(
    receiver: Receiver, device: str, queued: Queued
) -> None:
    body = gowa_body()
    head = f"POST {device} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n"
    signed = (head + f"X-Hub-Signature-256: {sign(body)}\r\n").encode()
    forged = (head + f"X-Hub-Signature-256: {sign(b'')}\r\n").encode()
    answer = receiver.raw(
        signed + b"\r\n" + body + forged + b"\r\n" + body + head.encode() + b"\r\n" + body
        + signed + b"Connection: close\r\n\r\n" + body
    )  # fmt: skip
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"401", b"401", b"200"]
    assert len(queued()) == 2


FORGED = [
    None,
    "",
    sign(gowa_body(), "another"),
    sign(gowa_body() + b" "),
    sign(gowa_body()).removeprefix("sha256="),
    sign(gowa_body()).replace("sha256", "sha1"),
    sign(gowa_body())[:-1],
    sign(gowa_body()) + "0",
    "sha256=" + "z" * 64,
    "sha256=" + "é" * 64,
    "sha256=",
]


def test_a_forged_body_is_refused(
    receiver: Receiver, device: str, queued: Queued, wait: Wait
) -> None:
    for signature in FORGED:
        headers = {}
        if signature is not None:
            headers["X-Hub-Signature-256"] = signature.encode().decode("latin-1")
        assert receiver.request("POST", device, gowa_body(), headers).status == 401, signature
    assert queued() == []
    wait(lambda: receiver.log.count('"status": 401') == len(FORGED))


def test_two_signatures_are_none(receiver: Receiver, device: str, queued: Queued) -> None:
    body = gowa_body()
    line = f"X-Hub-Signature-256: {sign(body)}\r\n"
    answer = receiver.raw(
        f"POST {device} HTTP/1.1\r\nHost: h\r\n{line}{line}Connection: close\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    assert answer.startswith(b"HTTP/1.1 401")
    assert queued() == []


def test_the_secret_of_one_device_opens_no_other(
    start_receiver: Start, plant: Plant, queued: Queued
) -> None:
    one = plant.device(webhook_secret_name="one")
    two = plant.device(webhook_secret_name="two")
    receiver = start_receiver(PGDRIP_SECRET_ONE="first", PGDRIP_SECRET_TWO="second")
    assert receiver.post(f"/webhooks/device/{two}", gowa_body(), secret="first").status == 401
    assert queued() == []
    assert receiver.post(f"/webhooks/device/{one}", gowa_body(), secret="first").status == 200


def test_a_device_that_is_not_there_or_disabled_is_not_found(
    receiver: Receiver, plant: Plant, queued: Queued
) -> None:
    disabled = plant.device(webhook_secret_name="hook", status="disabled")
    waha = plant.device(webhook_secret_name="hook", platform="waha")
    for path in (
        f"/webhooks/device/{disabled}",
        f"/webhooks/device/{waha}",
        "/webhooks/device/999",
        "/webhooks/account/1",
        "/webhooks/device/0",
        "/webhooks/device/-1",
        "/webhooks/device/one",
        "/webhooks/device/²",
        "/webhooks/device/" + "9" * 19,
        "/webhooks/device/" + "9" * 5000,
        "/webhooks/gadget/1",
        f"/webhooks/device/{disabled}/",
        "/webhooks/device",
        "/",
    ):
        assert receiver.post(path.replace("²", "%C2%B2"), gowa_body()).status == 404, path
    assert b"waha" in receiver.post(f"/webhooks/device/{waha}", gowa_body()).body
    assert queued() == []


def test_without_a_secret_nothing_is_taken(
    start_receiver: Start, plant: Plant, queued: Queued, wait: Wait
) -> None:
    unnamed = plant.device()
    unset = plant.device(webhook_secret_name="sales hook")
    receiver = start_receiver()
    assert receiver.post(f"/webhooks/device/{unnamed}", gowa_body()).status == 403
    # it will be sent again, and is taken once the secret is set
    answer = receiver.post(f"/webhooks/device/{unset}", gowa_body())
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    wait(lambda: "PGDRIP_SECRET_SALES_HOOK is not set" in receiver.log)
    assert receiver.log.count("cannot be verified") == 2
    receiver.post(f"/webhooks/device/{unset}", gowa_body())
    assert receiver.log.count("cannot be verified") == 2
    assert queued() == []


def test_a_body_that_is_too_long_is_refused_before_it_comes(
    receiver: Receiver, device: str, queued: Queued
) -> None:
    for length in (LIMIT + 1, 10**12, 10**18):
        answer = receiver.raw(
            f"POST {device} HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n"
            f"X-Hub-Signature-256: {sign(b'')}\r\n\r\n".encode()
        )
        assert answer.startswith(b"HTTP/1.1 413")
    assert queued() == []


def test_a_body_that_is_too_long_is_refused_while_it_comes(
    receiver: Receiver, device: str, queued: Queued
) -> None:
    # a client that sends all of it first still reads the answer
    body = padded(1_000_000)
    assert receiver.post(device, body).status == 413
    chunks = (body[start : start + 1000] for start in range(0, len(body), 1000))
    answer = receiver.request("POST", device, chunks, {"X-Hub-Signature-256": sign(body)})
    assert answer.status == 413
    assert queued() == []


def test_a_body_of_just_the_limit_is_taken(receiver: Receiver, device: str, queued: Queued) -> None:
    assert receiver.post(device, padded(LIMIT)).status == 200
    assert receiver.post(device, padded(LIMIT + 1)).status == 413
    assert [len(row["body"]) for row in queued()] == [LIMIT]


def test_a_length_that_lies(receiver: Receiver, device: str, queued: Queued) -> None:
    body = gowa_body()
    head = f"POST {device} HTTP/1.1\r\nHost: h\r\nX-Hub-Signature-256: {sign(body)}\r\n"
    # less than it says, and gone
    receiver.raw(f"{head}Content-Length: {len(body) + 1}\r\n\r\n".encode() + body, end=True)
    # more than it says: the rest is no request
    answer = receiver.raw(
        f"{head}Content-Length: {len(body) - 1}\r\n\r\n".encode() + body + b"\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 401")
    # a negative one, and one besides chunks
    for lie in ("-5", "5, 6", "x"):
        answer = receiver.raw(f"{head}Content-Length: {lie}\r\n\r\n".encode() + body)
        assert answer.startswith(b"HTTP/1.1 400")
    assert queued() == []


def test_a_body_that_dawdles_is_given_up(receiver: Receiver, device: str, queued: Queued) -> None:
    body = gowa_body()
    answer = receiver.raw(
        f"POST {device} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n"
        f"X-Hub-Signature-256: {sign(body)}\r\n\r\n".encode()
        + body[:-1]
    )
    assert answer.startswith(b"HTTP/1.1 408")
    assert queued() == []


NO_OBJECT = [
    b"",
    b"{",
    gowa_body()[:-1],
    gowa_body() + b"}",
    b"[]",
    b'"text"',
    b"null",
    b"5",
    b"\xef\xbb\xbf" + gowa_body(),
    gowa_body().decode().encode("utf-16"),
    b'{"a": NaN}',
    b'{"a": -Infinity}',
    b'{"a": "\xff"}',
    b'{"a": "\xed\xa0\x80"}',
    b'{"a": "\x00"}',
    b'{"a": "\\u0000"}',
    b'{"a": {"b\\u0000": [1]}}',
    b'{"a":' + b"[" * 4000,
    b'{"a":' * 800,
    b"event=message&body=x",
]


def test_what_is_no_json_object_is_refused(receiver: Receiver, device: str, queued: Queued) -> None:
    for body in NO_OBJECT:
        assert receiver.post(device, body).status == 400, body[:40]
    assert queued() == []


def test_depth_is_no_way_to_bring_it_down(
    start_receiver: Start, device: str, queued: Queued
) -> None:
    receiver = start_receiver()
    for body in (
        b'{"a":' + b"[" * 500_000 + b"]" * 500_000 + b"}",
        b'{"a":' * 150_000 + b"1" + b"}" * 150_000,
        b'{"a": ' + b"9" * 5_000 + b"}",
    ):
        assert receiver.post(device, body).status == 400
    assert receiver.post(device, gowa_body()).status == 200
    assert len(queued()) == 1
    assert "Traceback" not in receiver.log


def test_an_escaped_backslash_before_u0000_is_no_nul(
    receiver: Receiver, device: str, queued: Queued
) -> None:
    assert receiver.post(device, b'{"a": "\\\\u0000"}').status == 200
    assert len(queued()) == 1


def test_other_methods_are_not_allowed(receiver: Receiver, device: str, queued: Queued) -> None:
    body = gowa_body()
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = receiver.request(method, device, body, {"X-Hub-Signature-256": sign(body)})
        assert answer.status == 405
    assert queued() == []


def test_what_is_no_http_is_refused(receiver: Receiver) -> None:
    assert receiver.raw(b"\x16\x03\x01\x02\x00\x01\r\n\r\n").startswith(b"HTTP/1.1 400")
    assert receiver.raw(b"GET / HTTP/1.1\r\nA: " + b"x" * 100_000).startswith(b"HTTP/1.1 400")


def test_an_answer_says_nothing_of_the_server(receiver: Receiver, device: str) -> None:
    answer = receiver.request("POST", device, gowa_body())
    assert "server" not in answer.headers
    assert answer.headers["content-type"].startswith("text/plain")


def test_the_log_says_who_status_and_size(receiver: Receiver, device: str, wait: Wait) -> None:
    number = int(device.rpartition("/")[2])
    receiver.post(device, gowa_body())
    receiver.post(device, b"[1]")
    wait(lambda: '"status": 400' in receiver.log)
    lines = [json.loads(line) for line in receiver.log.splitlines()]
    stored = next(line for line in lines if line["event"] == "webhook stored")
    assert (stored["kind"], stored["id"], stored["bytes"]) == ("device", number, len(gowa_body()))
    refused = next(line for line in lines if line["event"] == "webhook refused")
    assert (refused["id"], refused["status"], refused["bytes"]) == (number, 400, 3)
