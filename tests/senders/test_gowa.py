"""The GOWA sender: what each answer of a gateway, and each silence, is taken for."""

from __future__ import annotations

import asyncio
import json
import socket
from datetime import UTC, datetime, timedelta
from email.message import Message as MailMessage
from email.parser import BytesParser
from email.utils import format_datetime
from typing import Any

import pytest
from gateways import Reply, cut, http_reply, raw_gateway, say_nothing

from pgdrip.senders import (
    DeviceHealth,
    DeviceStatus,
    Message,
    Outcome,
    Scope,
    Verdict,
    create_sender,
    open_session,
)
from pgdrip.senders.gowa import GowaSender
from pgdrip.settings import Settings
from pgdrip.simulator import Simulator

PHONE = "+60123456789"
DEVICE = "kl-sales"
DAY = 24 * 60 * 60


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GowaSender, "ask_again_after", 0)


def make_message(endpoint: str, **changes: Any) -> Message:
    fields: dict[str, Any] = {
        "message_id": 7,
        "attempt": 2,
        "user_id": 1,
        "device_id": 3,
        "platform": "gowa",
        "endpoint": endpoint,
        "instance": DEVICE,
        "recipient_phone": PHONE,
        "message_type": "text",
        "content": "Hi Ali",
    }
    return Message.model_validate({**fields, **changes})


async def send(endpoint: str, *, answer_within: float = 60.0, **changes: Any) -> Outcome:
    settings = Settings.model_construct(http_timeout=answer_within)
    async with open_session() as session:
        sender = create_sender("gowa", session, settings)
        try:
            return await sender.send(make_message(endpoint, **changes))
        finally:
            await sender.close()


async def health(endpoint: str | None, instance: str | None = DEVICE) -> DeviceHealth:
    async with open_session() as session:
        return await create_sender("gowa", session, Settings()).health(endpoint, instance, None)


def outcome_of_reply(reply: Reply, **changes: Any) -> Outcome:
    async def story() -> Outcome:
        async with raw_gateway(reply) as gateway:
            return await send(gateway.url, **changes)

    return asyncio.run(story())


def outcome_of_fault(fault: str, **changes: Any) -> Outcome:
    async def story() -> Outcome:
        async with Simulator() as gateway:
            gateway.configure(phones={fault: [PHONE]}, gateway_timeout=0)
            return await send(gateway.url, **changes)

    return asyncio.run(story())


def decided(outcome: Outcome) -> tuple[Verdict, Scope | None, str | None]:
    return outcome.outcome, outcome.scope, outcome.error_code


# -- what is handed over


def test_text_is_accepted_with_the_gateways_id() -> None:
    async def story() -> None:
        async with Simulator() as gateway:
            outcome = await send(
                gateway.url, content="Hi Ali,\n\n*welcome* 👋 https://x.test/?a=1&b=2"
            )
            (received,) = gateway.messages
        assert outcome == Outcome.accepted(received.message_id or "")
        assert received.content == "Hi Ali,\n\n*welcome* 👋 https://x.test/?a=1&b=2"
        assert (received.device, received.phone, received.type) == (DEVICE, PHONE, "text")

    asyncio.run(story())


def test_text_request_is_json_to_a_whatsapp_address() -> None:
    async def story() -> None:
        async with raw_gateway(http_reply(200, {})) as gateway:
            await send(f"{gateway.url}/base/")
            ((first, headers, body),) = gateway.requests
        assert first == "POST /base/send/message HTTP/1.1"
        assert headers["content-type"] == "application/json"
        assert headers["x-device-id"] == DEVICE
        assert "authorization" not in headers
        assert json.loads(body) == {"phone": "60123456789@s.whatsapp.net", "message": "Hi Ali"}

    asyncio.run(story())


def form_fields(headers: dict[str, str], body: bytes) -> dict[str, str]:
    """The fields of a multipart form; each must stand there once."""
    kind = f"Content-Type: {headers['content-type']}\r\n\r\n".encode()
    parts = BytesParser().parsebytes(kind + body).get_payload()
    fields = [
        (part.get_param("name", header="content-disposition"), part.get_payload(decode=True))
        for part in parts
        if isinstance(part, MailMessage)
    ]
    assert len(fields) == len(dict(fields))
    return {str(name): bytes(value).decode() for name, value in fields}


@pytest.mark.parametrize(
    ("message_type", "path", "field", "has_caption"),
    [
        ("image", "/send/image", "image_url", True),
        ("video", "/send/video", "video_url", True),
        ("document", "/send/file", "file_url", True),
        ("audio", "/send/audio", "audio_url", False),
    ],
)
def test_media_request_is_multipart_with_the_url(
    message_type: str, path: str, field: str, has_caption: bool
) -> None:
    async def story() -> None:
        async with raw_gateway(http_reply(200, {})) as gateway:
            await send(
                gateway.url,
                message_type=message_type,
                media_url="https://media.test/a.bin?x=1&y=2",
                caption="look, *Ali* 👋",
                content=None,
            )
            ((first, headers, body),) = gateway.requests
        assert first == f"POST {path} HTTP/1.1"
        assert headers["content-type"].startswith("multipart/form-data; boundary=")
        assert headers["x-device-id"] == DEVICE
        expected = {
            "phone": "60123456789@s.whatsapp.net",
            field: "https://media.test/a.bin?x=1&y=2",
        }
        if has_caption:
            expected["caption"] = "look, *Ali* 👋"
        assert form_fields(headers, body) == expected

    asyncio.run(story())


@pytest.mark.parametrize("message_type", ["image", "video", "document", "audio"])
def test_media_is_accepted(message_type: str) -> None:
    async def story() -> None:
        async with Simulator() as gateway:
            outcome = await send(
                gateway.url,
                message_type=message_type,
                media_url="https://media.test/a.bin",
                content="the caption where there is no other",
            )
            (received,) = gateway.messages
        assert outcome.outcome == Verdict.ACCEPTED
        assert (received.type, received.media_url) == (message_type, "https://media.test/a.bin")
        expected = None if message_type == "audio" else "the caption where there is no other"
        assert received.caption == expected

    asyncio.run(story())


def test_secret_becomes_basic_authentication(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGDRIP_SECRET_GOWA_MAIN", "bob:pässword:with:colons")

    async def story() -> Outcome:
        async with Simulator(credentials="bob:pässword:with:colons") as gateway:
            return await send(gateway.url, secret_name="gowa-main")

    assert asyncio.run(story()).outcome == Verdict.ACCEPTED


# -- what GOWA answers


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("not_on_whatsapp", (Verdict.PERMANENT, Scope.RECIPIENT, "INVALID_JID")),
        ("logged_out", (Verdict.RETRY, Scope.DEVICE, "NOT_LOGGED_IN")),
        ("timelock", (Verdict.RETRY, Scope.RECIPIENT, "WA_REACHOUT_TIMELOCK")),
        ("rate_limited", (Verdict.RETRY, Scope.DEVICE, "RATE_LIMITED")),
        ("upload_error", (Verdict.RETRY, Scope.RECIPIENT, "UPLOAD_MEDIA_ERROR")),
        ("error_500", (Verdict.RETRY, Scope.RECIPIENT, "INTERNAL_SERVER_ERROR")),
        ("error_502", (Verdict.UNKNOWN, Scope.RECIPIENT, "BAD_GATEWAY")),
        ("error_503", (Verdict.RETRY, Scope.DEVICE, "SERVICE_UNAVAILABLE")),
        ("timeout_504", (Verdict.UNKNOWN, Scope.RECIPIENT, "GATEWAY_TIMEOUT")),
        ("odd_answer", (Verdict.UNKNOWN, Scope.RECIPIENT, "NO_MESSAGE_ID")),
        ("reset_before", (Verdict.UNKNOWN, Scope.RECIPIENT, "CONNECTION_RESET")),
        ("reset_after", (Verdict.UNKNOWN, Scope.RECIPIENT, "CONNECTION_RESET")),
    ],
)
def test_answer_of_the_gateway_is_classified(fault: str, expected: tuple[Any, ...]) -> None:
    assert decided(outcome_of_fault(fault)) == expected


@pytest.mark.lesson(12)
def test_timelock_makes_the_contact_wait_a_day() -> None:
    assert outcome_of_fault("timelock").retry_after_seconds == DAY


def test_rate_limit_waits_as_the_gateway_says() -> None:
    assert outcome_of_fault("rate_limited").retry_after_seconds == 30


def test_retry_after_may_be_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    outcome = outcome_of_reply(http_reply(429, {}, f"Retry-After: {later}\r\n"))
    assert decided(outcome) == (Verdict.RETRY, Scope.DEVICE, "HTTP_429")
    assert 500 < (outcome.retry_after_seconds or 0) <= 601


@pytest.mark.parametrize("value", ["soon", "-5", "", "9" * 400])
def test_odd_retry_after_is_no_obstacle(value: str) -> None:
    outcome = outcome_of_reply(http_reply(429, {}, f"Retry-After: {value}\r\n"))
    assert outcome.retry_after_seconds in (None, DAY)


def test_invalid_number_is_permanent() -> None:
    async def story() -> Outcome:
        async with Simulator() as gateway:
            return await send(gateway.url, recipient_phone="+0123456789")

    expected = (Verdict.PERMANENT, Scope.RECIPIENT, "VALIDATION_ERROR")
    assert decided(asyncio.run(story())) == expected


def test_unknown_device_stops_the_device() -> None:
    async def story() -> Outcome:
        async with Simulator(devices=["another"]) as gateway:
            return await send(gateway.url)

    assert decided(asyncio.run(story())) == (Verdict.PERMANENT, Scope.DEVICE, "DEVICE_NOT_FOUND")


MEDIA = "failed to download image from URL https://media.test/a.jpg"
BEFORE_THE_SEND = [
    # the words of what may be unknown stand in all of these, and say nothing
    (f"{MEDIA}: context deadline exceeded", Verdict.RETRY, "MEDIA_DOWNLOAD_FAILED"),
    (
        "failed to download video from URL https://m.test/timed%20out: context canceled",
        Verdict.RETRY,
        "MEDIA_DOWNLOAD_FAILED",
    ),
    (
        'failed to download file from URL https://m.test/a: Get "https://m.test/status:404":'
        " timed out waiting for message send response",
        Verdict.RETRY,
        "MEDIA_DOWNLOAD_FAILED",
    ),
    (f"{MEDIA}: HTTP request failed with status: 503", Verdict.RETRY, "MEDIA_DOWNLOAD_FAILED"),
    (f"{MEDIA}: HTTP request failed with status: 429", Verdict.RETRY, "MEDIA_DOWNLOAD_FAILED"),
    (f"{MEDIA}: HTTP request failed with status: 404", Verdict.PERMANENT, "MEDIA_REFUSED"),
    (f"{MEDIA}{'?x' * 1500}: HTTP status: 404", Verdict.RETRY, "MEDIA_DOWNLOAD_FAILED"),
    (f"{MEDIA}{'?x' * 500}: status code 410", Verdict.PERMANENT, "MEDIA_REFUSED"),
    (f"{MEDIA}: invalid content type: text/html", Verdict.PERMANENT, "MEDIA_REFUSED"),
    (f"{MEDIA}: size 3 exceeds maximum allowed size 2", Verdict.PERMANENT, "MEDIA_REFUSED"),
    ("ffmpeg not installed", Verdict.PERMANENT, "FFMPEG_MISSING"),
    ("failed to create thumbnail signal: killed", Verdict.RETRY, "MEDIA_PROCESSING_FAILED"),
    ("failed to decode WebP", Verdict.RETRY, "MEDIA_PROCESSING_FAILED"),
    ("failed to upload file: context deadline exceeded", Verdict.RETRY, "MEDIA_UPLOAD_FAILED"),
    ("failed to refresh media connections: EOF", Verdict.RETRY, "MEDIA_UPLOAD_FAILED"),
    ("upload failed with status code 500", Verdict.RETRY, "MEDIA_UPLOAD_FAILED"),
    ("failed to get device list: info query timed out", Verdict.RETRY, "LOOKUP_FAILED"),
    ("failed to get user info: context deadline exceeded", Verdict.RETRY, "LOOKUP_FAILED"),
    ("failed to get LID for it: timed out", Verdict.RETRY, "LOOKUP_FAILED"),
    ("failed to fetch LID mappings: x", Verdict.RETRY, "LOOKUP_FAILED"),
    ("failed to prefetch sessions: x", Verdict.RETRY, "LOOKUP_FAILED"),
    ("info query timed out", Verdict.RETRY, "LOOKUP_FAILED"),
    ("no LID found for 60123456789@s.whatsapp.net", Verdict.RETRY, "NO_LID"),
    ("server returned error 479", Verdict.RETRY, "WA_SERVER_ERROR"),
    ("server returned error 463", Verdict.RETRY, "WA_REACHOUT_TIMELOCK"),
    ("server returned error 4631", Verdict.RETRY, "WA_SERVER_ERROR"),
    ("it says: context deadline exceeded, and more", Verdict.RETRY, "INTERNAL_SERVER_ERROR"),
    ("the deadline exceeded by far", Verdict.RETRY, "INTERNAL_SERVER_ERROR"),
    ("", Verdict.RETRY, "INTERNAL_SERVER_ERROR"),
]


def failure_500(said: str) -> Outcome:
    return outcome_of_reply(http_reply(500, {"code": "INTERNAL_SERVER_ERROR", "message": said}))


@pytest.mark.parametrize(("said", "verdict", "code"), BEFORE_THE_SEND)
def test_what_fails_before_the_send_is_no_unknown_outcome(
    said: str, verdict: Verdict, code: str
) -> None:
    assert decided(failure_500(said)) == (verdict, Scope.RECIPIENT, code)


@pytest.mark.parametrize(
    ("said", "verdict", "code"),
    [
        ("websocket not connected", Verdict.RETRY, "NOT_CONNECTED"),
        ("failed to send message node: websocket not connected", Verdict.RETRY, "NOT_CONNECTED"),
        ("the store doesn't contain a device JID", Verdict.PERMANENT, "NOT_PAIRED"),
        (
            "failed to get device list: info query returned status 429: rate-overlimit",
            Verdict.RETRY,
            "LOOKUP_LIMITED",
        ),
        ("info query returned status 429", Verdict.RETRY, "LOOKUP_LIMITED"),
    ],
)
def test_failures_of_the_device_before_the_send(said: str, verdict: Verdict, code: str) -> None:
    assert decided(failure_500(said)) == (verdict, Scope.DEVICE, code)


@pytest.mark.parametrize(
    "said",
    [
        "timed out waiting for message send response",
        "websocket disconnected before message send returned response",
        "failed to send message node: write: broken pipe",
        "context deadline exceeded",
        "Context canceled",
    ],
)
def test_what_fails_after_the_send_is_unknown(said: str) -> None:
    expected = (Verdict.UNKNOWN, Scope.RECIPIENT, "NO_SEND_RESPONSE")
    assert decided(failure_500(said)) == expected


@pytest.mark.parametrize(
    ("status", "code", "said", "verdict", "known_as"),
    [
        (500, "INVALID_WA_CLI", "your WhatsApp CLI is invalid", Verdict.PERMANENT, None),
        (
            401,
            "AUTHENTICATION_ERROR",
            "you are not connect to services server, please reconnect",
            Verdict.RETRY,
            "NOT_CONNECTED",
        ),
        (401, "AUTHENTICATION_ERROR", "you are not logged in", Verdict.RETRY, "NOT_LOGGED_IN"),
        (401, "AUTHENTICATION_ERROR", "go away", Verdict.PERMANENT, None),
        (503, "DEVICE_MANAGER_UNAVAILABLE", "starting", Verdict.RETRY, None),
        (404, "DEVICE_NOT_FOUND", "no such device", Verdict.PERMANENT, None),
    ],
)
def test_answers_about_the_session(
    status: int, code: str, said: str, verdict: Verdict, known_as: str | None
) -> None:
    outcome = outcome_of_reply(http_reply(status, {"code": code, "message": said}))
    assert decided(outcome) == (verdict, Scope.DEVICE, known_as or code)


@pytest.mark.parametrize(
    ("name", "verdict", "scope", "code"),
    [
        ("download_timeout", Verdict.RETRY, Scope.RECIPIENT, "MEDIA_DOWNLOAD_FAILED"),
        ("download_404", Verdict.PERMANENT, Scope.RECIPIENT, "MEDIA_REFUSED"),
        ("upload_failed", Verdict.RETRY, Scope.RECIPIENT, "MEDIA_UPLOAD_FAILED"),
        ("lookup_timeout", Verdict.RETRY, Scope.RECIPIENT, "LOOKUP_FAILED"),
        ("lookup_limited", Verdict.RETRY, Scope.DEVICE, "LOOKUP_LIMITED"),
        ("no_lid", Verdict.RETRY, Scope.RECIPIENT, "NO_LID"),
        ("ffmpeg_missing", Verdict.PERMANENT, Scope.RECIPIENT, "FFMPEG_MISSING"),
        ("websocket_down", Verdict.RETRY, Scope.DEVICE, "NOT_CONNECTED"),
        ("not_paired", Verdict.PERMANENT, Scope.DEVICE, "NOT_PAIRED"),
        ("server_error", Verdict.RETRY, Scope.RECIPIENT, "WA_SERVER_ERROR"),
        ("server_error_463", Verdict.RETRY, Scope.RECIPIENT, "WA_REACHOUT_TIMELOCK"),
        ("session_gone", Verdict.PERMANENT, Scope.DEVICE, "INVALID_WA_CLI"),
        ("disconnected", Verdict.RETRY, Scope.DEVICE, "NOT_CONNECTED"),
        ("not_logged_in", Verdict.RETRY, Scope.DEVICE, "NOT_LOGGED_IN"),
        ("manager_unavailable", Verdict.RETRY, Scope.DEVICE, "DEVICE_MANAGER_UNAVAILABLE"),
        ("no_send_response", Verdict.UNKNOWN, Scope.RECIPIENT, "NO_SEND_RESPONSE"),
        ("disconnected_after", Verdict.UNKNOWN, Scope.RECIPIENT, "NO_SEND_RESPONSE"),
        ("bare_deadline", Verdict.UNKNOWN, Scope.RECIPIENT, "NO_SEND_RESPONSE"),
    ],
)
def test_failures_of_the_simulator_are_classified(
    name: str, verdict: Verdict, scope: Scope, code: str
) -> None:
    async def story() -> None:
        async with Simulator() as gateway:
            gateway.configure(gowa_errors={name: [PHONE]})
            assert decided(await send(gateway.url)) == (verdict, scope, code)
            (message,) = gateway.messages
            # an unknown outcome may have arrived, and here it has
            assert message.accepted is (verdict is Verdict.UNKNOWN)

    asyncio.run(story())


@pytest.mark.parametrize(
    "name", ["60123456789@s.whatsapp.net", "a+b", "kl sales/1", "50%", "%41", "ä"]
)
def test_a_device_is_named_so_that_the_gateway_reads_it_back(name: str) -> None:
    async def story() -> None:
        async with Simulator(devices=[name]) as gateway:
            outcome = await send(gateway.url, instance=name)
            assert outcome.outcome is Verdict.ACCEPTED
            assert gateway.messages[0].device == name
            assert await health(gateway.url, name) == DeviceHealth.online()

    asyncio.run(story())


def test_a_device_that_seems_logged_out_is_asked_once_more() -> None:
    states = [False, True]

    async def reply(writer: asyncio.StreamWriter) -> None:
        state = {"is_logged_in": states.pop(0), "is_connected": True}
        await http_reply(200, {"results": state}, "Connection: close\r\n")(writer)

    async def story() -> DeviceHealth:
        async with raw_gateway(reply) as gateway:
            return await health(gateway.url)

    assert asyncio.run(story()) == DeviceHealth.online()
    assert states == []


def test_health_of_a_device_that_the_gateway_does_not_know() -> None:
    said = {"code": "INTERNAL_SERVER_ERROR", "message": f"device {DEVICE} not found"}

    async def story() -> DeviceHealth:
        async with raw_gateway(http_reply(500, said)) as gateway:
            return await health(gateway.url)

    expected = DeviceHealth.needs_attention("the gateway does not know the device")
    assert asyncio.run(story()) == expected


def test_logged_out_and_wrong_password_are_told_apart() -> None:
    async def story() -> Outcome:
        async with Simulator(credentials="bob:secret") as gateway:
            return await send(gateway.url)

    refused, logged_out = asyncio.run(story()), outcome_of_fault("logged_out")
    assert decided(refused) == (Verdict.PERMANENT, Scope.DEVICE, "HTTP_401")
    assert refused.error_message == "gateway credentials refused"
    assert decided(logged_out) == (Verdict.RETRY, Scope.DEVICE, "NOT_LOGGED_IN")


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (
            400,
            {"code": "DEVICE_ID_REQUIRED"},
            (Verdict.PERMANENT, Scope.DEVICE, "DEVICE_ID_REQUIRED"),
        ),
        (400, {}, (Verdict.PERMANENT, Scope.RECIPIENT, "HTTP_400")),
        (413, b"too large", (Verdict.PERMANENT, Scope.RECIPIENT, "HTTP_413")),
        (403, b"no", (Verdict.PERMANENT, Scope.DEVICE, "HTTP_403")),
        (404, b"no such path", (Verdict.PERMANENT, Scope.DEVICE, "HTTP_404")),
        (401, {"code": "UNAUTHORIZED"}, (Verdict.PERMANENT, Scope.DEVICE, "UNAUTHORIZED")),
        (429, b"slow down", (Verdict.RETRY, Scope.DEVICE, "HTTP_429")),
        (502, b"<html>", (Verdict.UNKNOWN, Scope.RECIPIENT, "HTTP_502")),
        (503, b"<html>", (Verdict.RETRY, Scope.DEVICE, "HTTP_503")),
        (504, b"<html>", (Verdict.UNKNOWN, Scope.RECIPIENT, "HTTP_504")),
        (500, b"panic", (Verdict.UNKNOWN, Scope.RECIPIENT, "HTTP_500")),
        (
            500,
            {"code": "INTERNAL_SERVER_ERROR", "message": "timed out waiting for send response"},
            (Verdict.UNKNOWN, Scope.RECIPIENT, "NO_SEND_RESPONSE"),
        ),
        (524, b"a proxy gave up", (Verdict.UNKNOWN, Scope.RECIPIENT, "HTTP_524")),
        (204, b"", (Verdict.UNKNOWN, Scope.RECIPIENT, "HTTP_204")),
        (200, b"not json", (Verdict.UNKNOWN, Scope.RECIPIENT, "BAD_ANSWER")),
        (200, b"\xff\xfe", (Verdict.UNKNOWN, Scope.RECIPIENT, "BAD_ANSWER")),
        (200, [1, 2], (Verdict.UNKNOWN, Scope.RECIPIENT, "BAD_ANSWER")),
        (200, b"[" * 60_000, (Verdict.UNKNOWN, Scope.RECIPIENT, "BAD_ANSWER")),
        (
            200,
            {"code": "SUCCESS", "results": {"message_id": "3EB0", "padding": " " * 100_000}},
            (Verdict.UNKNOWN, Scope.RECIPIENT, "BAD_ANSWER"),
        ),
        (200, {"code": "SUCCESS"}, (Verdict.UNKNOWN, Scope.RECIPIENT, "NO_MESSAGE_ID")),
        (
            200,
            {"code": "SUCCESS", "results": {"message_id": 5}},
            (Verdict.UNKNOWN, Scope.RECIPIENT, "NO_MESSAGE_ID"),
        ),
        (
            200,
            {"code": "QUEUED", "results": {"message_id": "3EB0"}},
            (Verdict.UNKNOWN, Scope.RECIPIENT, "QUEUED"),
        ),
    ],
)
def test_odd_answers_are_classified(status: int, body: object, expected: tuple[Any, ...]) -> None:
    assert decided(outcome_of_reply(http_reply(status, body))) == expected


def test_redirects_are_not_followed() -> None:
    async def story() -> None:
        async with Simulator() as other:
            reply = http_reply(307, b"", f"Location: {other.url}/send/message\r\n")
            async with raw_gateway(reply) as gateway:
                outcome = await send(gateway.url)
            assert decided(outcome) == (Verdict.PERMANENT, Scope.DEVICE, "HTTP_307")
            assert other.messages == []

    asyncio.run(story())


# -- what the network does


def test_refused_connection_is_safe_to_repeat() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can take the port
        outcome = asyncio.run(send(f"http://127.0.0.1:{closed.getsockname()[1]}"))
    assert decided(outcome) == (Verdict.RETRY, Scope.DEVICE, "CONNECTION_REFUSED")


def test_unknown_host_is_safe_to_repeat() -> None:
    outcome = asyncio.run(send("http://gateway.invalid:3000"))
    assert decided(outcome) == (Verdict.RETRY, Scope.DEVICE, "DNS")


def test_tls_failure_is_safe_to_repeat() -> None:
    async def story() -> Outcome:
        async with Simulator() as gateway:
            return await send(gateway.url.replace("http://", "https://"))

    assert decided(asyncio.run(story())) == (Verdict.RETRY, Scope.DEVICE, "TLS")


def test_silence_is_unknown() -> None:
    outcome = outcome_of_reply(say_nothing, answer_within=0.2)
    assert decided(outcome) == (Verdict.UNKNOWN, Scope.RECIPIENT, "TIMEOUT")


def test_silence_after_the_status_is_unknown() -> None:
    async def half(writer: asyncio.StreamWriter) -> None:
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"code":"SUCC')
        await writer.drain()

    outcome = outcome_of_reply(half, answer_within=0.2)
    assert decided(outcome) == (Verdict.UNKNOWN, Scope.RECIPIENT, "BAD_ANSWER")


def test_reset_after_the_body_is_unknown() -> None:
    assert decided(outcome_of_reply(cut)) == (Verdict.UNKNOWN, Scope.RECIPIENT, "CONNECTION_RESET")


def test_orderly_close_without_an_answer_is_unknown() -> None:
    async def close(writer: asyncio.StreamWriter) -> None:
        writer.close()

    assert decided(outcome_of_reply(close)) == (
        Verdict.UNKNOWN,
        Scope.RECIPIENT,
        "CONNECTION_RESET",
    )


def test_answer_that_is_no_http_is_unknown() -> None:
    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await writer.drain()

    assert decided(outcome_of_reply(reply)) == (Verdict.UNKNOWN, Scope.RECIPIENT, "BAD_ANSWER")


def test_cut_answer_of_an_error_is_still_an_error() -> None:
    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(b'HTTP/1.1 503 Busy\r\nContent-Length: 500\r\n\r\n{"co')
        await writer.drain()
        writer.close()

    assert decided(outcome_of_reply(reply)) == (Verdict.RETRY, Scope.DEVICE, "HTTP_503")


def test_cancelled_send_is_cancelled() -> None:
    async def story() -> None:
        async with Simulator() as gateway:
            gateway.configure(phones={"hang": [PHONE]})
            task = asyncio.create_task(send(gateway.url))
            await gateway.wait_for(1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(story())


# -- what cannot be sent at all


@pytest.mark.parametrize(
    ("changes", "scope", "code"),
    [
        ({"endpoint": None}, Scope.DEVICE, "ENDPOINT_MISSING"),
        ({"endpoint": "gopher://x"}, Scope.DEVICE, "ENDPOINT_INVALID"),
        ({"endpoint": "not an address"}, Scope.DEVICE, "ENDPOINT_INVALID"),
        ({"endpoint": "http://127.0.0.1:99999"}, Scope.DEVICE, "ENDPOINT_INVALID"),
        ({"instance": None}, Scope.DEVICE, "DEVICE_ID_REQUIRED"),
        ({"instance": "a\r\nX-Other: b"}, Scope.DEVICE, "DEVICE_ID_REQUIRED"),
        ({"secret_name": "nowhere"}, Scope.DEVICE, "SECRET_MISSING"),
        ({"secret_name": "odd"}, Scope.DEVICE, "SECRET_INVALID"),
        ({"secret_name": "lost"}, Scope.DEVICE, "SECRET_MISSING"),
        ({"content": None}, Scope.RECIPIENT, "VALIDATION_ERROR"),
        ({"recipient_phone": ""}, Scope.RECIPIENT, "VALIDATION_ERROR"),
        ({"message_type": "image"}, Scope.RECIPIENT, "VALIDATION_ERROR"),
        ({"message_type": "template"}, Scope.RECIPIENT, "VALIDATION_ERROR"),
    ],
)
def test_what_cannot_be_sent_is_permanent_and_never_leaves(
    changes: dict[str, Any], scope: Scope, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGDRIP_SECRET_ODD", "no-colon-in-it")
    monkeypatch.setenv("PGDRIP_SECRET_LOST_FILE", "/nonexistent/secret")

    async def story() -> None:
        async with Simulator() as gateway:
            outcome = await send(**{"endpoint": gateway.url, **changes})
            assert decided(outcome) == (Verdict.PERMANENT, scope, code)
            assert gateway.messages == []
        assert "no-colon-in-it" not in (outcome.error_message or "")

    asyncio.run(story())


# -- what is told


def test_error_text_is_bounded_and_names_no_number() -> None:
    said = "cannot reach +60 12-345 6789 alias 60123456789@s.whatsapp.net " + "very " * 300 + "sad"
    outcome = outcome_of_reply(http_reply(500, {"code": "INTERNAL_SERVER_ERROR", "message": said}))
    text = outcome.error_message or ""
    assert text.startswith("cannot reach [number] alias [number]@s.whatsapp.net very")
    assert len(text) == 500


def test_result_has_the_keys_of_record_results() -> None:
    message = make_message("http://gateway.test")
    assert Outcome.accepted("3EB0").as_result(message) == {
        "message_id": 7,
        "attempt": 2,
        "outcome": "accepted",
        "scope": None,
        "provider_message_id": "3EB0",
        "error_code": None,
        "error_message": None,
        "retry_after_seconds": None,
    }
    result = Outcome.retry(Scope.DEVICE, "DNS", "unknown host", 30).as_result(message)
    assert json.loads(json.dumps(result)) == {
        "message_id": 7,
        "attempt": 2,
        "outcome": "retry",
        "scope": "device",
        "provider_message_id": None,
        "error_code": "DNS",
        "error_message": "unknown host",
        "retry_after_seconds": 30,
    }


def test_message_shows_no_person_when_printed() -> None:
    shown = repr(make_message("http://gateway.test", caption="Hi Ali"))
    assert "60123456789" not in shown
    assert "Ali" not in shown


# -- health


def test_health_of_a_connected_device() -> None:
    async def story() -> DeviceHealth:
        async with Simulator() as gateway:
            return await health(gateway.url)

    assert asyncio.run(story()) == DeviceHealth.online()


def test_health_request_names_the_device() -> None:
    async def story() -> None:
        reply = http_reply(200, {"results": {"is_logged_in": True, "is_connected": True}})
        async with raw_gateway(reply) as gateway:
            assert await health(f"{gateway.url}/base/", "kl sales/1") == DeviceHealth.online()
            ((first, headers, body),) = gateway.requests
        assert first == "GET /base/devices/kl%20sales%2F1/status HTTP/1.1"
        assert (headers["x-device-id"], body) == ("kl%20sales%2F1", b"")

    asyncio.run(story())


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (
            {"is_logged_in": False, "is_connected": False},
            DeviceHealth(DeviceStatus.NEEDS_ATTENTION, "logged out"),
        ),
        (
            {"is_connected": False},
            DeviceHealth(DeviceStatus.OFFLINE, "disconnected from WhatsApp"),
        ),
    ],
)
def test_health_tells_why_a_device_is_down(state: dict[str, bool], expected: DeviceHealth) -> None:
    async def story() -> DeviceHealth:
        async with Simulator() as gateway:
            gateway.set_device("kl sales/1", **state)
            return await health(gateway.url, "kl sales/1")

    assert asyncio.run(story()) == expected


def test_health_of_a_device_the_gateway_does_not_know() -> None:
    async def story() -> DeviceHealth:
        async with Simulator(devices=["another"]) as gateway:
            return await health(gateway.url)

    assert asyncio.run(story()).status == DeviceStatus.NEEDS_ATTENTION


def test_health_with_wrong_credentials_needs_attention() -> None:
    async def story() -> DeviceHealth:
        async with Simulator(credentials="bob:secret") as gateway:
            return await health(gateway.url)

    expected = DeviceHealth(DeviceStatus.NEEDS_ATTENTION, "gateway credentials refused")
    assert asyncio.run(story()) == expected


def test_health_without_a_gateway_is_offline() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        found = asyncio.run(health(f"http://127.0.0.1:{closed.getsockname()[1]}"))
    assert found == DeviceHealth(DeviceStatus.OFFLINE, "gateway unreachable")


@pytest.mark.parametrize(
    ("status", "body"),
    [(503, b"busy"), (200, b"what"), (200, {"results": {}}), (200, {"results": "yes"})],
)
def test_health_that_cannot_be_read_is_offline(status: int, body: object) -> None:
    async def story() -> DeviceHealth:
        async with raw_gateway(http_reply(status, body)) as gateway:
            return await health(gateway.url)

    assert asyncio.run(story()).status == DeviceStatus.OFFLINE


@pytest.mark.parametrize("endpoint", [None, "not an address"])
def test_health_without_a_usable_endpoint_needs_attention(endpoint: str | None) -> None:
    assert asyncio.run(health(endpoint)).status == DeviceStatus.NEEDS_ATTENTION
