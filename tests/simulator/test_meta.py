"""The gateway simulator as Meta's Cloud API: what it takes, what it refuses, what it answers."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import aiohttp
import pytest
from gateway_client import NUMBER, meta_text, running

from pgdrip.senders import DeviceHealth, Message, Verdict, create_sender, open_session
from pgdrip.settings import Settings

TEMPLATE = {
    "name": "promo",
    "language": {"code": "ms", "policy": "deterministic"},
    "components": [
        {
            "type": "header",
            "parameters": [{"type": "image", "image": {"link": "https://x.test/a.jpg"}}],
        },
        {"type": "body", "parameters": [{"type": "text", "text": "Ali"}]},
        {
            "type": "button",
            "sub_type": "quick_reply",
            "index": "0",
            "parameters": [{"type": "payload", "payload": "STOP"}],
        },
    ],
}


def message(kind: str, part: object, **more: Any) -> dict[str, Any]:
    body = {**meta_text(), "type": kind, kind: part, **more}
    if kind != "text":
        del body["text"]
    return body


def without(*names: str) -> dict[str, Any]:
    return {key: value for key, value in meta_text().items() if key not in names}


def test_text_is_taken_and_listed() -> None:
    async def story() -> None:
        async with running() as (gateway, client):
            status, body = await client.meta(meta_text(biz_opaque_callback_data="17:2"))
            assert status == 200
            (kept,) = gateway.messages
            assert body == {
                "messaging_product": "whatsapp",
                "contacts": [{"input": "60123456789", "wa_id": "60123456789"}],
                "messages": [{"id": kept.message_id}],
            }
        assert kept.message_id is not None
        assert kept.message_id.startswith("wamid.")
        assert b"60123456789" in base64.b64decode(kept.message_id.removeprefix("wamid."))
        assert (kept.interface, kept.device, kept.phone, kept.type, kept.content) == (
            "cloud_api",
            NUMBER,
            "+60123456789",
            "text",
            "Hi",
        )
        assert (kept.callback_data, kept.outcome) == ("17:2", "accepted")

    asyncio.run(story())


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("image", {"link": "https://x.test/a.jpg", "caption": "look"}),
        ("video", {"link": "https://x.test/a.mp4", "caption": "look"}),
        ("document", {"link": "https://x.test/a.pdf", "caption": "look", "filename": "a.pdf"}),
        ("audio", {"link": "https://x.test/a.ogg"}),
        ("image", {"id": "4711"}),
    ],
)
def test_media_is_taken(kind: str, part: dict[str, str]) -> None:
    async def story() -> None:
        async with running() as (gateway, client):
            assert (await client.meta(message(kind, part)))[0] == 200
            (kept,) = gateway.messages
        assert (kept.type, kept.media_url) == (kind, part.get("link", part.get("id")))
        assert kept.caption == part.get("caption")

    asyncio.run(story())


def test_template_is_taken_and_says_its_status() -> None:
    async def story() -> None:
        async with running() as (gateway, client):
            status, body = await client.meta(message("template", TEMPLATE))
            assert (status, body["messages"][0]["message_status"]) == (200, "accepted")
            (kept,) = gateway.messages
        assert (kept.type, kept.template) == ("template", TEMPLATE)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("nonsense", 100),
        ([], 100),
        (without("messaging_product"), 100),
        (meta_text(messaging_product="telegram"), 100),
        (without("to"), 100),
        (without("type"), 131008),
        (without("text"), 131008),
        (meta_text(to="0123456789"), 131009),
        (meta_text(to="60123456789@c.us"), 131009),
        (meta_text(to=60123456789), 131009),
        (meta_text(type="sticker", sticker={"id": "1"}), 100),
        (meta_text(type=["text"]), 100),
        (meta_text(recipient_type="group"), 100),
        (meta_text(colour="red"), 100),
        (meta_text(text={"body": " "}), 131008),
        (meta_text(text={"body": "x" * 4097}), 100),
        (meta_text(text={"body": "x", "bold": True}), 100),
        (meta_text(biz_opaque_callback_data="x" * 513), 100),
        (message("image", {"caption": "no picture"}), 131008),
        (message("image", {"link": "ftp://x.test/a"}), 131009),
        (message("image", {"link": "https://x.test/a", "caption": "x" * 1025}), 100),
        (message("image", {"link": "https://x.test/a", "filename": "a"}), 100),
        (message("audio", {"link": "https://x.test/a", "caption": "no"}), 100),
        (message("template", {"language": {"code": "ms"}}), 131008),
        (message("template", {"name": "promo", "language": "ms"}), 131008),
        (message("template", {**TEMPLATE, "components": [{"type": "footer"}]}), 131009),
        (message("template", {**TEMPLATE, "components": [{"type": "button"}]}), 131008),
        (
            message(
                "template",
                {
                    **TEMPLATE,
                    "components": [{"type": "body", "parameters": [{"type": "text"}]}],
                },
            ),
            132012,
        ),
    ],
)
def test_request_that_meta_refuses_is_refused(body: object, code: int) -> None:
    async def story() -> None:
        async with running() as (gateway, client):
            path = f"/v25.0/{NUMBER}/messages"
            status, answer = await client.post(path, body)
            assert (status, answer["error"]["code"]) == (400, code)
            assert answer["error"]["message"].startswith(f"(#{code}) ")
            assert answer["error"]["error_data"]["details"]
            (kept,) = gateway.messages
        assert (kept.outcome, kept.accepted, kept.answered) == ("invalid", False, True)

    asyncio.run(story())


def test_token_is_checked_where_one_is_set() -> None:
    async def story() -> None:
        async with running(token="EAAG", credentials="bob:secret") as (gateway, client):
            for given, status in (("EAAG", 200), ("EAAH", 401), (None, 401)):
                headers = {} if given is None else {"Authorization": f"Bearer {given}"}
                found, body = await client.meta(headers=headers)
                assert found == status
                assert status == 200 or body["error"]["code"] == 190
                assert (await client.get(f"/v25.0/{NUMBER}", headers=headers))[0] == status
            assert gateway.stats()["received"] == 1

    asyncio.run(story())


def test_number_that_does_not_exist() -> None:
    async def story() -> None:
        async with running(devices=["1"]) as (_, client):
            status, body = await client.meta(number="2")
            assert (status, body["error"]["code"]) == (400, 33)
            assert (await client.get("/v25.0/2"))[1]["error"]["code"] == 33
            assert (await client.meta(number="1"))[0] == 200

    asyncio.run(story())


def test_state_of_a_number() -> None:
    async def story() -> None:
        async with running() as (gateway, client):
            path = f"/v25.0/{NUMBER}"
            _, body = await client.get(path)
            assert (body["id"], body["status"], body["quality_rating"]) == (
                NUMBER,
                "CONNECTED",
                "GREEN",
            )
            _, body = await client.get(f"{path}?fields=id,quality_rating")
            assert body == {"id": NUMBER, "quality_rating": "GREEN"}
            assert (await client.get(f"{path}?fields=colour"))[1]["error"]["code"] == 100
            gateway.set_device(NUMBER, is_connected=False)
            assert (await client.get(path))[1]["status"] == "DISCONNECTED"
            gateway.set_device(NUMBER, is_logged_in=False)
            status, body = await client.get(path)
            assert (status, body["error"]["code"]) == (401, 190)
            assert (await client.meta())[1]["error"]["code"] == 190

    asyncio.run(story())


@pytest.mark.parametrize(
    ("fault", "status", "code", "accepted"),
    [
        ("not_on_whatsapp", 400, 131026, False),
        ("logged_out", 401, 190, False),
        ("timelock", 400, 131048, False),
        ("rate_limited", 400, 130429, False),
        ("upload_error", 400, 131053, False),
        ("error_500", 500, None, False),
        ("error_502", 502, None, False),
        ("error_503", 503, 131016, False),
        ("timeout_504", 504, None, True),
        ("odd_answer", 200, None, True),
    ],
)
def test_fault_for_a_phone(fault: str, status: int, code: int | None, accepted: bool) -> None:
    async def story() -> None:
        async with running() as (gateway, client):
            gateway.configure(phones={fault: ["60123456789"]}, gateway_timeout=0)
            assert (await client.meta(meta_text(to="60999999999")))[0] == 200
            path = f"/v25.0/{NUMBER}/messages"
            async with client.session.post(path, json=meta_text()) as response:
                assert response.status == status
                if code is not None:
                    assert (await response.json())["error"]["code"] == code
                else:
                    assert "wamid" not in await response.text()
            kept = gateway.messages[-1]
            assert (kept.outcome, kept.accepted, kept.answered) == (fault, accepted, True)

    asyncio.run(story())


@pytest.mark.parametrize(("fault", "accepted"), [("reset_before", False), ("reset_after", True)])
def test_reset_cuts_the_connection(fault: str, accepted: bool) -> None:
    async def story() -> None:
        async with running() as (gateway, client):
            gateway.configure(phones={fault: ["60123456789"]})
            with pytest.raises(aiohttp.ClientConnectionError):
                await client.meta()
            (kept,) = gateway.messages
            assert (kept.accepted, kept.answered, kept.message_id is not None) == (
                accepted,
                False,
                accepted,
            )

    asyncio.run(story())


def test_held_request_is_answered_when_released() -> None:
    async def story() -> None:
        async with running() as (gateway, client):
            gateway.configure(phones={"hang": ["60123456789"]})
            sending = asyncio.create_task(client.meta())
            await gateway.wait_for(lambda found: found.stats()["held"] == 1)
            gateway.release()
            assert (await sending)[0] == 200

    asyncio.run(story())


@pytest.mark.parametrize(
    ("code", "status"), [("131049", 400), ("190", 401), ("131000", 500), ("987654", 400)]
)
def test_error_code_for_a_phone(code: str, status: int) -> None:
    async def story() -> None:
        async with running() as (gateway, client):
            gateway.configure(meta_errors={code: ["+60 12-345 6789"]})
            found, body = await client.meta()
            assert (found, body["error"]["code"]) == (status, int(code))
            assert body["error"]["type"] == "OAuthException"
            assert body["error"]["fbtrace_id"]
            assert (await client.meta(meta_text(to="60999999999")))[0] == 200
            assert (await client.text())[0] == 200  # GOWA's interface knows no such code
            assert gateway.stats()["outcomes"] == {"accepted": 2, code: 1}

    asyncio.run(story())


def test_error_codes_come_at_a_rate() -> None:
    async def outcomes(seed: int) -> list[str]:
        async with running() as (gateway, client):
            gateway.configure(
                meta_errors={"131049": 0.2, "130429": 0.2}, rates={"error_500": 0.1}, seed=seed
            )
            for _ in range(200):
                async with client.session.post(
                    f"/v25.0/{NUMBER}/messages", json=meta_text()
                ) as response:
                    await response.read()
            return [found.outcome for found in gateway.messages]

    first, again = (asyncio.run(outcomes(3)) for _ in range(2))
    assert first == again
    assert 20 <= first.count("131049") <= 60
    assert 20 <= first.count("130429") <= 60
    assert 5 <= first.count("error_500") <= 40


@pytest.mark.parametrize(
    "wrong", [{"abc": 0.1}, {"131049": 1.5}, {"131049": 0.6, "4": 0.6}, {"131049": "many"}]
)
def test_wrong_error_codes_are_refused(wrong: dict[str, Any]) -> None:
    async def story() -> None:
        async with running() as (gateway, client):
            status, _ = await client.post("/simulator/settings", {"meta_errors": wrong})
            assert status == 400
            assert gateway.settings.meta_errors == {}

    asyncio.run(story())


@pytest.mark.parametrize(
    "changes",
    [
        {"content": "Hi Ali"},
        {"message_type": "image", "media_url": "https://x.test/a.jpg", "caption": "look"},
        {"message_type": "document", "media_url": "https://x.test/a.pdf"},
        {"message_type": "audio", "media_url": "https://x.test/a.ogg", "caption": "unheard"},
        {"message_type": "template", "template": {**TEMPLATE, "language": "ms"}},
    ],
    ids=["text", "image", "document", "audio", "template"],
)
def test_our_own_sender_is_understood(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    monkeypatch.setenv("PGDRIP_SECRET_META", "EAAG")

    async def story() -> None:
        async with running(token="EAAG") as (gateway, _), open_session() as session:
            sender = create_sender("cloud_api", session, Settings())
            fields: dict[str, Any] = {
                "message_id": 7,
                "attempt": 2,
                "user_id": 1,
                "device_id": 3,
                "platform": "cloud_api",
                "endpoint": f"{gateway.url}/v25.0",
                "instance": NUMBER,
                "secret_name": "meta",
                "recipient_phone": "+60123456789",
                "message_type": "text",
            }
            outcome = await sender.send(Message.model_validate({**fields, **changes}))
            (kept,) = gateway.messages
            assert (outcome.outcome, outcome.provider_message_id) == (
                Verdict.ACCEPTED,
                kept.message_id,
            )
            assert (kept.phone, kept.callback_data) == ("+60123456789", "7:2")
            health = await sender.health(fields["endpoint"], NUMBER, "meta")
            assert (health.status, health.quality) == (DeviceHealth.online().status, "GREEN")

    asyncio.run(story())
