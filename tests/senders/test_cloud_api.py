"""The Cloud API sender: the exact requests, and what each of Meta's answers is taken for."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from factory import Plant
from gateways import (
    MetaRequest,
    Reply,
    cut,
    http_reply,
    meta_accepts,
    meta_error,
    meta_server,
    raw_gateway,
    say_nothing,
)
from structlog.testing import capture_logs

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
from pgdrip.senders.cloud_api import DEFAULT_ENDPOINT, ERROR_CODES
from pgdrip.settings import Settings

PHONE = "+60123456789"
TOKEN = "EAAG0token-of-the-test"
NUMBER_ID = "106540352242922"

# code; verdict; scope: the table of errors, row by row
ERROR_TABLE = [
    ("130429", Verdict.RETRY, Scope.DEVICE),
    ("131056", Verdict.RETRY, Scope.RECIPIENT),
    ("4", Verdict.RETRY, Scope.ACCOUNT),
    ("80007", Verdict.RETRY, Scope.ACCOUNT),
    ("131048", Verdict.PERMANENT, Scope.DEVICE),
    ("368", Verdict.PERMANENT, Scope.ACCOUNT),
    ("131031", Verdict.PERMANENT, Scope.ACCOUNT),
    ("131064", Verdict.PERMANENT, Scope.DEVICE),
    ("131042", Verdict.PERMANENT, Scope.ACCOUNT),
    ("131045", Verdict.PERMANENT, Scope.DEVICE),
    ("133010", Verdict.PERMANENT, Scope.DEVICE),
    ("33", Verdict.PERMANENT, Scope.DEVICE),
    ("131037", Verdict.PERMANENT, Scope.DEVICE),
    ("190", Verdict.PERMANENT, Scope.DEVICE),
    ("0", Verdict.PERMANENT, Scope.DEVICE),
    ("10", Verdict.PERMANENT, Scope.DEVICE),
    ("200", Verdict.PERMANENT, Scope.DEVICE),
    ("131005", Verdict.PERMANENT, Scope.DEVICE),
    ("3", Verdict.PERMANENT, Scope.DEVICE),
    ("131049", Verdict.RETRY, Scope.RECIPIENT),
    ("131050", Verdict.PERMANENT, Scope.RECIPIENT),
    ("131026", Verdict.PERMANENT, Scope.RECIPIENT),
    ("130472", Verdict.PERMANENT, Scope.RECIPIENT),
    ("131047", Verdict.PERMANENT, Scope.RECIPIENT),
    ("131021", Verdict.PERMANENT, Scope.RECIPIENT),
    ("131030", Verdict.PERMANENT, Scope.RECIPIENT),
    ("130497", Verdict.PERMANENT, Scope.RECIPIENT),
    ("131051", Verdict.PERMANENT, Scope.RECIPIENT),
    ("100", Verdict.PERMANENT, Scope.RECIPIENT),
    ("131008", Verdict.PERMANENT, Scope.RECIPIENT),
    ("131009", Verdict.PERMANENT, Scope.RECIPIENT),
    ("135000", Verdict.PERMANENT, Scope.RECIPIENT),
    ("131052", Verdict.RETRY, Scope.RECIPIENT),
    ("131053", Verdict.RETRY, Scope.RECIPIENT),
    ("132000", Verdict.PERMANENT, Scope.RECIPIENT),
    ("132001", Verdict.PERMANENT, Scope.RECIPIENT),
    ("132005", Verdict.PERMANENT, Scope.RECIPIENT),
    ("132007", Verdict.PERMANENT, Scope.RECIPIENT),
    ("132012", Verdict.PERMANENT, Scope.RECIPIENT),
    ("132015", Verdict.PERMANENT, Scope.RECIPIENT),
    ("132016", Verdict.PERMANENT, Scope.RECIPIENT),
    ("131062", Verdict.PERMANENT, Scope.RECIPIENT),
    ("131063", Verdict.PERMANENT, Scope.RECIPIENT),
    ("132008", Verdict.PERMANENT, Scope.RECIPIENT),
    ("132018", Verdict.PERMANENT, Scope.RECIPIENT),
    ("132068", Verdict.PERMANENT, Scope.RECIPIENT),
    ("132069", Verdict.RETRY, Scope.RECIPIENT),
    ("133016", Verdict.PERMANENT, Scope.DEVICE),
    ("137000", Verdict.PERMANENT, Scope.RECIPIENT),
    ("2", Verdict.RETRY, Scope.RECIPIENT),
    ("133004", Verdict.RETRY, Scope.RECIPIENT),
    ("131016", Verdict.RETRY, Scope.RECIPIENT),
    ("131057", Verdict.RETRY, Scope.DEVICE),
    ("2494100", Verdict.RETRY, Scope.DEVICE),
    ("131000", Verdict.UNKNOWN, Scope.RECIPIENT),
    ("1", Verdict.UNKNOWN, Scope.RECIPIENT),
]


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGDRIP_SECRET_META_MAIN", TOKEN)


def make_message(endpoint: str | None, **changes: Any) -> Message:
    fields: dict[str, Any] = {
        "message_id": 7,
        "attempt": 2,
        "user_id": 1,
        "device_id": 3,
        "platform": "cloud_api",
        "endpoint": endpoint,
        "instance": NUMBER_ID,
        "secret_name": "meta-main",
        "recipient_phone": PHONE,
        "message_type": "text",
        "content": "Hi Ali",
    }
    return Message.model_validate({**fields, **changes})


async def send(endpoint: str | None, *, answer_within: float = 60.0, **changes: Any) -> Outcome:
    settings = Settings.model_construct(http_timeout=answer_within)
    async with open_session() as session:
        sender = create_sender("cloud_api", session, settings)
        return await sender.send(make_message(endpoint, **changes))


def sent(**changes: Any) -> MetaRequest:
    """The one request that a message becomes."""

    async def story() -> MetaRequest:
        async with meta_server() as meta:
            outcome = await send(meta.url, **changes)
            assert outcome == Outcome.accepted("wamid.HBgM")
            (request,) = meta.requests
        return request

    return asyncio.run(story())


def refused(**changes: Any) -> Outcome:
    """The outcome of a message for which no request is made."""

    async def story() -> Outcome:
        async with meta_server() as meta:
            outcome = await send(**{"endpoint": meta.url, **changes})
            assert meta.requests == []
        return outcome

    return asyncio.run(story())


def outcome_of(status: int, body: Any, **changes: Any) -> Outcome:
    async def story() -> Outcome:
        async with meta_server(status, body) as meta:
            return await send(meta.url, **changes)

    return asyncio.run(story())


def outcome_of_reply(reply: Reply, **changes: Any) -> Outcome:
    async def story() -> Outcome:
        async with raw_gateway(reply) as gateway:
            return await send(gateway.url, **changes)

    return asyncio.run(story())


def decided(outcome: Outcome) -> tuple[Verdict, Scope | None, str | None]:
    return outcome.outcome, outcome.scope, outcome.error_code


def health_of(status: int, body: Any, **device: Any) -> DeviceHealth:
    async def story() -> DeviceHealth:
        async with meta_server(status, body) as meta:
            return await ask(**{"endpoint": meta.url, **device})

    return asyncio.run(story())


async def ask(
    endpoint: str | None, instance: str | None = NUMBER_ID, secret_name: str | None = "meta-main"
) -> DeviceHealth:
    async with open_session() as session:
        sender = create_sender("cloud_api", session, Settings())
        return await sender.health(endpoint, instance, secret_name)


# -- what is handed over


LINK = "https://media.test/files/price%20list.pdf?v=1"
TEMPLATE = {
    "name": "promo",
    "language": "ms",
    "components": [
        {"type": "header", "parameters": [{"type": "image", "image": {"link": LINK}}]},
        {"type": "body", "parameters": [{"type": "text", "text": "Ali"}]},
        {
            "type": "button",
            "sub_type": "quick_reply",
            "index": "0",
            "parameters": [{"type": "payload", "payload": "STOP"}],
        },
    ],
}


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        (
            {"content": "Hi Ali,\n\n*welcome* 👋 https://x.test/?a=1&b=2"},
            {"body": "Hi Ali,\n\n*welcome* 👋 https://x.test/?a=1&b=2", "preview_url": False},
        ),
        (
            {"message_type": "image", "media_url": LINK, "caption": "look", "content": None},
            {"link": LINK, "caption": "look"},
        ),
        (
            {"message_type": "image", "media_url": LINK, "content": None},
            {"link": LINK},
        ),
        (
            {"message_type": "video", "media_url": LINK, "content": "the text is the caption"},
            {"link": LINK, "caption": "the text is the caption"},
        ),
        (
            {"message_type": "document", "media_url": LINK, "caption": "look", "content": None},
            {"link": LINK, "caption": "look", "filename": "price list.pdf"},
        ),
        (
            {"message_type": "audio", "media_url": LINK, "caption": "unheard", "content": "too"},
            {"link": LINK},
        ),
        (
            {"message_type": "template", "template": TEMPLATE, "content": None},
            {**TEMPLATE, "language": {"code": "ms", "policy": "deterministic"}},
        ),
        (
            {
                "message_type": "template",
                "template": {"name": "hello", "language": {"code": "en_US"}, "components": []},
                "content": None,
            },
            {"name": "hello", "language": {"code": "en_US"}},
        ),
    ],
    ids=["text", "image", "bare image", "video", "document", "audio", "template", "bare template"],
)
def test_request_of_each_type(changes: dict[str, Any], part: dict[str, Any]) -> None:
    request = sent(**changes)
    kind = changes.get("message_type", "text")
    assert request.method == "POST"
    assert request.path == f"/v25.0/{NUMBER_ID}/messages"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["content-type"] == "application/json"
    assert request.body == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "60123456789",
        "type": kind,
        kind: part,
        "biz_opaque_callback_data": "7:2",
    }


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://x.test/a/b/menu.pdf", "menu.pdf"),
        ("https://x.test/menu.pdf/", "menu.pdf"),
        ("https://x.test/caf%C3%A9%0Amenu.pdf#page=2", "cafémenu.pdf"),
        ("https://x.test", "document"),
        ("https://x.test/%0A", "document"),
        ("https://x.test/" + "a" * 500 + ".pdf", "a" * 236 + ".pdf"),
    ],
)
def test_a_document_is_named_after_its_address(url: str, name: str) -> None:
    request = sent(message_type="document", media_url=url, content=None)
    assert request.body["document"] == {"link": url, "filename": name}


def test_without_an_endpoint_it_is_metas(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Session:
        def post(self, url: str, **_: Any) -> Any:
            asked.append(url)
            raise OSError("nothing leaves this test")

    async def story() -> None:
        sender = create_sender("cloud_api", Session(), Settings())  # type: ignore[arg-type]
        await sender.send(make_message(None))

    asyncio.run(story())
    assert asked == [f"{DEFAULT_ENDPOINT}/{NUMBER_ID}/messages"]
    assert DEFAULT_ENDPOINT == "https://graph.facebook.com/v25.0"


@pytest.mark.parametrize("state", ["held_for_quality_assessment", "paused"])
def test_a_message_that_is_held_back_is_accepted_and_told(state: str) -> None:
    with capture_logs() as logs:
        outcome = outcome_of(200, meta_accepts("wamid.1", message_status=state))
    assert outcome == Outcome.accepted("wamid.1")
    (line,) = logs
    assert (line["message_id"], line["message_status"]) == (7, state)
    assert "60123456789" not in repr(line)


def test_a_message_that_goes_at_once_needs_no_line() -> None:
    with capture_logs() as logs:
        outcome_of(200, meta_accepts("wamid.1", message_status="accepted"))
    assert logs == []


# -- what cannot be sent at all


@pytest.mark.parametrize(
    ("changes", "scope", "code"),
    [
        ({"instance": None}, Scope.DEVICE, "INSTANCE_MISSING"),
        ({"secret_name": None}, Scope.DEVICE, "SECRET_MISSING"),
        ({"secret_name": "nowhere"}, Scope.DEVICE, "SECRET_MISSING"),
        ({"secret_name": "odd"}, Scope.DEVICE, "SECRET_INVALID"),
        ({"endpoint": "gopher://x"}, Scope.DEVICE, "ENDPOINT_INVALID"),
        ({"endpoint": "not an address"}, Scope.DEVICE, "ENDPOINT_INVALID"),
        ({"recipient_phone": ""}, Scope.RECIPIENT, "VALIDATION_ERROR"),
        ({"content": None}, Scope.RECIPIENT, "VALIDATION_ERROR"),
        ({"content": "x" * 4097}, Scope.RECIPIENT, "VALIDATION_ERROR"),
        ({"message_type": "image"}, Scope.RECIPIENT, "VALIDATION_ERROR"),
        (
            {"message_type": "image", "media_url": LINK, "caption": "x" * 1025},
            Scope.RECIPIENT,
            "VALIDATION_ERROR",
        ),
        ({"message_type": "template"}, Scope.RECIPIENT, "VALIDATION_ERROR"),
        (
            {"message_type": "template", "template": {"name": "promo"}},
            Scope.RECIPIENT,
            "VALIDATION_ERROR",
        ),
        (
            {"message_type": "template", "template": {"name": "promo", "language": {"code": 1}}},
            Scope.RECIPIENT,
            "VALIDATION_ERROR",
        ),
        (
            {
                "message_type": "template",
                "template": {"name": "promo", "language": "ms", "components": {}},
            },
            Scope.RECIPIENT,
            "VALIDATION_ERROR",
        ),
    ],
)
def test_what_cannot_be_sent_is_permanent_and_never_leaves(
    changes: dict[str, Any], scope: Scope, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGDRIP_SECRET_ODD", "two\nlines")
    outcome = refused(**changes)
    assert decided(outcome) == (Verdict.PERMANENT, scope, code)
    assert "two" not in (outcome.error_message or "")


def test_what_just_fits_is_sent() -> None:
    assert len(sent(content="x" * 4096).body["text"]["body"]) == 4096
    request = sent(message_type="video", media_url=LINK, caption="x" * 1024)
    assert len(request.body["video"]["caption"]) == 1024


# -- what Meta answers


@pytest.mark.parametrize(("code", "verdict", "scope"), ERROR_TABLE, ids=lambda part: str(part))
@pytest.mark.parametrize("status", [400, 500])
def test_row_of_the_error_table(code: str, verdict: Verdict, scope: Scope, status: int) -> None:
    """The code decides and not the HTTP status."""
    outcome = outcome_of(status, meta_error(int(code), "It did not work", "for a reason"))
    assert decided(outcome) == (verdict, scope, code)
    assert outcome.error_message == "It did not work: for a reason"
    assert outcome.retry_after_seconds is None


def test_the_error_table_is_all_the_sender_knows() -> None:
    assert {code: (verdict, scope) for code, verdict, scope in ERROR_TABLE} == ERROR_CODES


def test_the_sender_agrees_with_the_table_in_the_database(plant: Plant) -> None:
    """So a row that is deleted by mistake changes little."""
    meant = {
        ("retry", "device"): (Verdict.RETRY, Scope.DEVICE),
        ("retry", "account"): (Verdict.RETRY, Scope.ACCOUNT),
        ("retry", "recipient"): (Verdict.RETRY, Scope.RECIPIENT),
        ("stop", "device"): (Verdict.PERMANENT, Scope.DEVICE),
        ("stop", "account"): (Verdict.PERMANENT, Scope.ACCOUNT),
        # a sender knows no programs
        ("stop", "program"): (Verdict.PERMANENT, Scope.RECIPIENT),
        ("fail", "recipient"): (Verdict.PERMANENT, Scope.RECIPIENT),
        ("opt_out", "recipient"): (Verdict.PERMANENT, Scope.RECIPIENT),
        ("unknown", "recipient"): (Verdict.UNKNOWN, Scope.RECIPIENT),
    }
    rows = plant.rows(
        "select code, action, scope from drip.error_codes"
        " where platform = 'cloud_api' and code ~ '^[0-9]+$'"
    )
    assert {row["code"]: meant[row["action"], row["scope"]] for row in rows} == ERROR_CODES


@pytest.mark.parametrize("code", [201, 230, 299])
def test_permission_errors_are_one_code_and_tell_the_real_one(code: int) -> None:
    outcome = outcome_of(403, meta_error(code, "Permissions error"))
    assert decided(outcome) == (Verdict.PERMANENT, Scope.DEVICE, "200")
    assert outcome.error_message == f"code {code}: Permissions error"


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(400, Verdict.PERMANENT), (429, Verdict.PERMANENT), (500, Verdict.UNKNOWN)],
)
def test_a_code_that_nobody_knows(status: int, verdict: Verdict) -> None:
    outcome = outcome_of(status, meta_error(987654))
    assert decided(outcome) == (verdict, Scope.RECIPIENT, "987654")


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {"messages": []}, (Verdict.UNKNOWN, Scope.RECIPIENT, "NO_MESSAGE_ID")),
        (200, {"messages": [{"id": 5}]}, (Verdict.UNKNOWN, Scope.RECIPIENT, "NO_MESSAGE_ID")),
        (200, {"messages": ["x"]}, (Verdict.UNKNOWN, Scope.RECIPIENT, "NO_MESSAGE_ID")),
        (200, {}, (Verdict.UNKNOWN, Scope.RECIPIENT, "BAD_ANSWER")),
        (200, b"not json", (Verdict.UNKNOWN, Scope.RECIPIENT, "BAD_ANSWER")),
        (200, [1], (Verdict.UNKNOWN, Scope.RECIPIENT, "BAD_ANSWER")),
        (200, meta_error(131026), (Verdict.PERMANENT, Scope.RECIPIENT, "131026")),
        (400, meta_error("131026"), (Verdict.PERMANENT, Scope.RECIPIENT, "131026")),
        (400, meta_error(None, "odd"), (Verdict.PERMANENT, Scope.RECIPIENT, "HTTP_400")),
        (400, meta_error(True, "odd"), (Verdict.PERMANENT, Scope.RECIPIENT, "HTTP_400")),
        (400, {"error": "odd"}, (Verdict.PERMANENT, Scope.RECIPIENT, "HTTP_400")),
        (401, b"no", (Verdict.PERMANENT, Scope.DEVICE, "HTTP_401")),
        (403, b"no", (Verdict.PERMANENT, Scope.DEVICE, "HTTP_403")),
        (404, b"no", (Verdict.PERMANENT, Scope.DEVICE, "HTTP_404")),
        (429, b"slow down", (Verdict.RETRY, Scope.DEVICE, "HTTP_429")),
        (500, b"<html>", (Verdict.UNKNOWN, Scope.RECIPIENT, "HTTP_500")),
        (502, b"<html>", (Verdict.UNKNOWN, Scope.RECIPIENT, "HTTP_502")),
        (503, b"<html>", (Verdict.RETRY, Scope.DEVICE, "HTTP_503")),
        (504, b"<html>", (Verdict.UNKNOWN, Scope.RECIPIENT, "HTTP_504")),
        (302, b"", (Verdict.PERMANENT, Scope.DEVICE, "HTTP_302")),
    ],
)
def test_odd_answers_are_classified(status: int, body: object, expected: tuple[Any, ...]) -> None:
    assert decided(outcome_of_reply(http_reply(status, body))) == expected


def test_retry_after_is_obeyed() -> None:
    outcome = outcome_of_reply(http_reply(429, b"", "Retry-After: 45\r\n"))
    assert outcome.retry_after_seconds == 45


# -- what the network does


def test_refused_connection_is_safe_to_repeat() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can take the port
        outcome = asyncio.run(send(f"http://127.0.0.1:{closed.getsockname()[1]}"))
    assert decided(outcome) == (Verdict.RETRY, Scope.DEVICE, "CONNECTION_REFUSED")


def test_unknown_host_is_safe_to_repeat() -> None:
    outcome = asyncio.run(send("http://graph.invalid/v25.0"))
    assert decided(outcome) == (Verdict.RETRY, Scope.DEVICE, "DNS")


def test_silence_is_unknown() -> None:
    outcome = outcome_of_reply(say_nothing, answer_within=0.2)
    assert decided(outcome) == (Verdict.UNKNOWN, Scope.RECIPIENT, "TIMEOUT")


def test_reset_after_the_body_is_unknown() -> None:
    assert decided(outcome_of_reply(cut)) == (Verdict.UNKNOWN, Scope.RECIPIENT, "CONNECTION_RESET")


# -- what is told


def test_error_text_shows_neither_token_nor_number() -> None:
    said = f"Malformed access token {TOKEN}"
    outcome = outcome_of(401, meta_error(190, said, "for +60 12-345 6789"))
    assert outcome.error_message == "Malformed access token [secret]: for [number]"
    outcome = outcome_of(500, {"error": {"message": said}})
    assert outcome.error_message == "Malformed access token [secret]"


def test_the_same_words_are_told_once() -> None:
    outcome = outcome_of(400, meta_error(100, "Invalid parameter", "Invalid parameter"))
    assert outcome.error_message == "Invalid parameter"


# -- health


def test_health_request() -> None:
    async def story() -> None:
        async with meta_server(200, {"id": NUMBER_ID, "status": "CONNECTED"}) as meta:
            assert await ask(meta.url) == DeviceHealth.online()
            (request,) = meta.requests
        assert request.method == "GET"
        assert request.path == (
            f"/v25.0/{NUMBER_ID}?fields=id,display_phone_number,quality_rating,status"
        )
        assert request.headers["authorization"] == f"Bearer {TOKEN}"

    asyncio.run(story())


@pytest.mark.parametrize("state", [None, "CONNECTED", "FLAGGED", "RESTRICTED", "connected"])
def test_health_of_a_number_that_sends(state: str | None) -> None:
    body = {"id": NUMBER_ID, "display_phone_number": "+60 12-345 6789", "quality_rating": "GREEN"}
    health = health_of(200, body if state is None else body | {"status": state})
    assert health == DeviceHealth(DeviceStatus.ONLINE, quality="GREEN")


@pytest.mark.parametrize("rating", [None, 5, {}, "", "   "])
def test_health_without_a_rating(rating: Any) -> None:
    body = {"id": NUMBER_ID, "quality_rating": rating}
    assert health_of(200, body) == DeviceHealth.online()


@pytest.mark.parametrize("state", ["BANNED", "DELETED", "PENDING", "DISCONNECTED"])
def test_health_of_a_number_that_does_not(state: str) -> None:
    assert health_of(200, {"id": NUMBER_ID, "status": state}) == DeviceHealth(
        DeviceStatus.NEEDS_ATTENTION, f"Meta says the number is {state}"
    )


@pytest.mark.parametrize(
    ("code", "status"),
    [
        *[(code, "needs_attention") for code in (190, 10, 0, 3, 131005, 200, 230, 299)],
        *[(code, "needs_attention") for code in (100, 33, 133010, 368, 131031)],
        *[(code, "online") for code in (4, 80007, 130429)],
        *[(code, "offline") for code in (1, 2, 131000, 131057, 987654)],
    ],
)
def test_health_that_meta_does_not_tell(code: int, status: str) -> None:
    health = health_of(400, meta_error(code, f"said with {TOKEN}"))
    assert health.status == status
    assert (
        health.reason
        == {
            "online": None,
            "offline": "said with [secret]",
            "needs_attention": (
                "said with [secret]" if not 200 < code < 300 else f"code {code}: said with [secret]"
            ),
        }[status]
    )


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {}, "offline"),
        (200, ["x"], "offline"),
        (401, {}, "needs_attention"),
        (403, {}, "needs_attention"),
        (404, {}, "needs_attention"),
        (429, {}, "online"),
        (400, {}, "offline"),
        (503, {}, "offline"),
    ],
)
def test_health_of_odd_answers(status: int, body: Any, expected: str) -> None:
    assert health_of(status, body).status == expected


def test_health_without_a_gateway_is_offline() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        found = asyncio.run(ask(f"http://127.0.0.1:{closed.getsockname()[1]}"))
    assert found == DeviceHealth(DeviceStatus.OFFLINE, "gateway unreachable")


@pytest.mark.parametrize(
    "device",
    [
        {"instance": None},
        {"secret_name": None},
        {"secret_name": "nowhere"},
        {"endpoint": "not an address"},
    ],
)
def test_health_of_a_device_that_is_not_set_up(device: dict[str, Any]) -> None:
    assert health_of(200, {"id": NUMBER_ID}, **device).status == "needs_attention"
