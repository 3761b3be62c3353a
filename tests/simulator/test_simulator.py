"""The gateway simulator: GOWA's interface, failures on demand, and what it tells about itself."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from datetime import datetime
from typing import Any

import aiohttp
import pytest
from gateway_client import PHONE, Client, running

from pgdrip.errors import PgdripError
from pgdrip.simulator import Simulator, SimulatorSettings, SimulatorThread

# -- GOWA's interface


def test_text_is_taken_and_listed() -> None:
    async def story() -> None:
        async with running() as (gateway, client):
            status, body = await client.text(text="Hi Ali")
            assert (status, body["code"]) == (200, "SUCCESS")
            (listed,) = (await client.get("/simulator/messages"))[1]
            (kept,) = gateway.messages
        assert listed["message_id"] == body["results"]["message_id"] == kept.message_id
        assert datetime.fromisoformat(listed.pop("received_at")).tzinfo is not None
        assert listed.pop("monotonic_ms") > 0
        assert listed == {
            "seq": 1,
            "device": "a",
            "phone": "+60123456789",
            "type": "text",
            "content": "Hi Ali",
            "caption": None,
            "media_url": None,
            "outcome": "accepted",
            "accepted": True,
            "answered": True,
            "message_id": kept.message_id,
            "interface": "gowa",
            "template": None,
            "callback_data": None,
            "delivered_at": None,
            "read_at": None,
            "failed_code": None,
        }

    asyncio.run(story())


@pytest.mark.parametrize(
    ("path", "field", "kind"),
    [
        ("image", "image_url", "image"),
        ("video", "video_url", "video"),
        ("file", "file_url", "document"),
        ("audio", "audio_url", "audio"),
    ],
)
def test_media_is_taken_by_url(path: str, field: str, kind: str) -> None:
    async def story() -> None:
        async with running() as (gateway, client):
            status, _ = await client.media(path, {"phone": PHONE, field: "https://x.test/a"})
            assert status == 200
            (kept,) = gateway.messages
        assert (kept.type, kept.media_url) == (kind, "https://x.test/a")

    asyncio.run(story())


def test_media_is_taken_as_an_upload_with_a_caption() -> None:
    async def story() -> None:
        async with running() as (gateway, client):
            fields: dict[str, str | bytes] = {
                "phone": PHONE,
                "caption": "look",
                "image": b"\x89PNG",
            }
            status, _ = await client.media("image", fields)
            assert status == 200
            (kept,) = gateway.messages
        assert (kept.caption, kept.media_url) == ("look", None)

    asyncio.run(story())


@pytest.mark.parametrize(
    "phone",
    [
        "",
        "   ",
        "0123456789",
        "0123456789@s.whatsapp.net",
        "120363025246125486@g.us",
        "1203630252461254",
        "+60123456789",
        "sixty",
        "60123@lid",
    ],
)
def test_number_that_gowa_refuses_is_refused(phone: str) -> None:
    async def story() -> None:
        async with running() as (gateway, client):
            status, body = await client.text(phone=phone)
            assert (status, body["code"]) == (400, "VALIDATION_ERROR")
            (kept,) = gateway.messages
        assert (kept.outcome, kept.accepted, kept.answered) == ("invalid", False, True)

    asyncio.run(story())


@pytest.mark.parametrize("phone", ["60123456789", "123456789012345", PHONE])
def test_number_that_gowa_takes_is_taken(phone: str) -> None:
    async def story() -> None:
        async with running() as (_, client):
            assert (await client.text(phone=phone))[0] == 200

    asyncio.run(story())


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("image", {"phone": PHONE}),
        ("image", {"phone": PHONE, "image_url": "ftp://x.test/a"}),
        ("image", {"phone": PHONE, "video_url": "https://x.test/a"}),
        ("audio", {"phone": PHONE, "audio_url": "https://x.test/a", "caption": "no"}),
        ("video", {"video_url": "https://x.test/a"}),
    ],
)
def test_media_request_that_lacks_something_is_refused(path: str, fields: dict[str, Any]) -> None:
    async def story() -> None:
        async with running() as (_, client):
            status, body = await client.media(path, fields)
            assert (status, body["code"]) == (400, "VALIDATION_ERROR")

    asyncio.run(story())


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"phone": 5, "message": "x"}'])
def test_body_that_cannot_be_read_is_refused(body: bytes) -> None:
    async def story() -> None:
        async with running() as (_, client):
            headers = {"X-Device-Id": "a", "Content-Type": "application/json"}
            async with client.session.post("/send/message", data=body, headers=headers) as response:
                assert response.status == 400

    asyncio.run(story())


def test_device_is_required_and_known() -> None:
    async def story() -> None:
        async with running(devices=["a"]) as (gateway, client):
            status, body = await client.post("/send/message", {"phone": PHONE, "message": "x"})
            assert (status, body["code"]) == (400, "DEVICE_ID_REQUIRED")
            status, body = await client.text(device="b")
            assert (status, body["code"]) == (404, "DEVICE_NOT_FOUND")
            assert (await client.get("/devices/b/status"))[0] == 404
            assert (await client.text(device="a"))[0] == 200
            assert [message.device for message in gateway.messages] == ["a"]

    asyncio.run(story())


def test_device_appears_at_its_first_use() -> None:
    async def story() -> None:
        async with running() as (_, client):
            assert (await client.get("/devices"))[1]["results"] == []
            await client.text(device="kl/1")
            expected = {"id": "kl/1", "is_connected": True, "is_logged_in": True}
            assert (await client.get("/devices"))[1]["results"] == [expected]
            assert (await client.get("/devices/kl%2F1/status"))[1]["results"] == expected

    asyncio.run(story())


def test_logged_out_device_refuses_until_it_logs_in() -> None:
    async def story() -> None:
        async with running() as (_, client):
            for act, status in (("logout", 401), ("reconnect", 401), ("login", 200)):
                assert (await client.get(f"/devices/a/{act}"))[0] == 200
                found, body = await client.text()
                assert found == status
                assert body["code"] == ("SUCCESS" if status == 200 else "AUTHENTICATION_ERROR")

    asyncio.run(story())


def test_disconnected_device_reconnects() -> None:
    async def story() -> None:
        async with running() as (_, client):
            state = {"is_connected": False}
            assert (await client.post("/simulator/devices/a", state))[1]["is_connected"] is False
            assert (await client.text())[0] == 401
            await client.get("/devices/a/reconnect")
            assert (await client.text())[0] == 200
            assert (await client.post("/simulator/devices/a", {"is_happy": True}))[0] == 400

    asyncio.run(story())


def test_credentials_guard_everything_but_health() -> None:
    async def story() -> None:
        async with running(credentials="bob:secret") as (_, client):
            assert (await client.get("/health"))[0] == 200
            for path in ("/", "/devices", "/simulator/messages", "/user/check?phone=60123"):
                async with client.session.get(path) as response:
                    assert response.status == 401
                    assert "code" not in await response.text()
            headers = {"Authorization": aiohttp.encode_basic_auth("bob", "secret")}
            assert (await client.get("/devices", headers=headers))[0] == 200

    asyncio.run(story())


def test_user_check_knows_who_is_on_whatsapp() -> None:
    async def story() -> None:
        async with running() as (gateway, client):
            gateway.configure(phones={"not_on_whatsapp": ["+60 11-1111 111"]})
            for phone, expected in (("60111111111", False), ("60122222222", True)):
                _, body = await client.get(
                    "/user/check", params={"phone": phone}, headers={"X-Device-Id": "a"}
                )
                assert body["results"] == {"is_on_whatsapp": expected}

    asyncio.run(story())


def test_presence_is_counted_and_checked() -> None:
    async def story() -> None:
        async with running() as (gateway, client):
            headers = {"X-Device-Id": "a"}
            for action, status in (("start", 200), ("stop", 200), ("dance", 400)):
                body = {"phone": PHONE, "action": action}
                found, _ = await client.post("/send/chat-presence", body, headers=headers)
                assert found == status
            assert gateway.stats()["presences"] == 2
            assert gateway.messages == []

    asyncio.run(story())


# -- failures on demand


@pytest.mark.parametrize(
    ("fault", "status", "code", "accepted"),
    [
        ("not_on_whatsapp", 400, "INVALID_JID", False),
        ("logged_out", 401, "AUTHENTICATION_ERROR", False),
        ("timelock", 429, "WA_REACHOUT_TIMELOCK", False),
        ("rate_limited", 429, "RATE_LIMITED", False),
        ("upload_error", 500, "UPLOAD_MEDIA_ERROR", False),
        ("error_500", 500, "INTERNAL_SERVER_ERROR", False),
        ("error_502", 502, "BAD_GATEWAY", False),
        ("error_503", 503, "SERVICE_UNAVAILABLE", False),
        ("timeout_504", 504, "GATEWAY_TIMEOUT", True),
        ("odd_answer", 200, "SUCCESS", True),
    ],
)
def test_fault_for_a_phone(fault: str, status: int, code: str, accepted: bool) -> None:
    async def story() -> None:
        async with running() as (gateway, client):
            settings = {"phones": {fault: ["+60123456789"]}, "gateway_timeout": 0}
            assert (await client.post("/simulator/settings", settings))[0] == 200
            assert (await client.text(phone="60999999999"))[0] == 200
            found, body = await client.text()
            assert (found, body["code"]) == (status, code)
            kept = gateway.messages[-1]
            assert (kept.outcome, kept.accepted, kept.answered) == (fault, accepted, True)
            assert gateway.stats()["outcomes"] == {"accepted": 1, fault: 1}

    asyncio.run(story())


def test_logged_out_fault_lasts_for_the_device() -> None:
    async def story() -> None:
        async with running() as (gateway, client):
            gateway.configure(phones={"logged_out": ["60123456789"]})
            assert (await client.text())[0] == 401
            assert (await client.text(phone="60999999999"))[0] == 401
            assert (await client.text(phone="60999999999", device="b"))[0] == 200

    asyncio.run(story())


@pytest.mark.parametrize(("fault", "accepted"), [("reset_before", False), ("reset_after", True)])
def test_reset_cuts_the_connection(fault: str, accepted: bool) -> None:
    async def story() -> None:
        async with running() as (gateway, client):
            gateway.configure(phones={fault: ["60123456789"]})
            with pytest.raises(aiohttp.ClientConnectionError):
                await client.text()
            (kept,) = gateway.messages
            assert (kept.outcome, kept.accepted, kept.answered) == (fault, accepted, False)

    asyncio.run(story())


def test_held_request_is_listed_at_once_and_answered_when_released() -> None:
    async def story() -> None:
        async with running() as (gateway, client):
            gateway.configure(phones={"hang": ["60123456789"]})
            sending = asyncio.create_task(client.text())
            await gateway.wait_for(lambda found: found.stats()["held"] == 1)
            (listed,) = (await client.get("/simulator/messages"))[1]
            assert (listed["answered"], listed["accepted"], listed["outcome"]) == (
                False,
                False,
                "hang",
            )
            assert not sending.done()
            assert (await client.post("/simulator/release"))[1] == {"released": 1}
            assert (await sending)[0] == 200
            (kept,) = gateway.messages
            assert (kept.answered, kept.accepted, kept.outcome) == (True, True, "accepted")
            stats = gateway.stats()
            assert (stats["held"], stats["outcomes"]) == (0, {"accepted": 1})

    asyncio.run(story())


def test_held_request_may_end_by_itself() -> None:
    async def story() -> None:
        async with running() as (gateway, client):
            gateway.configure(phones={"hang": ["60123456789"]}, hang_seconds=0.05)
            assert (await client.text())[0] == 200

    asyncio.run(story())


def test_message_that_waits_for_its_latency_is_listed_unanswered() -> None:
    async def story() -> None:
        async with running() as (gateway, client):
            gateway.configure(latency_min=600)
            sending = asyncio.create_task(client.text())
            await gateway.wait_for(1)
            (kept,) = gateway.messages
            assert (kept.outcome, kept.answered) == ("waiting", False)
            assert gateway.stats()["waiting"] == gateway.stats()["in_flight"] == 1
            sending.cancel()

    asyncio.run(story())


def test_client_that_leaves_is_not_answered_and_the_message_stays() -> None:
    async def story() -> None:
        async with running() as (gateway, client):
            gateway.configure(latency_min=0.2)
            sending = asyncio.create_task(client.text())
            await gateway.wait_for(1)
            sending.cancel()
            await gateway.wait_for(lambda found: found.stats()["waiting"] == 0)
            (kept,) = gateway.messages
            assert (kept.outcome, kept.accepted, kept.answered) == ("accepted", True, False)

    asyncio.run(story())


def test_rates_are_drawn_by_seed() -> None:
    async def outcomes(seed: int) -> list[str]:
        async with running() as (gateway, client):
            gateway.configure(rates={"timelock": 0.2, "error_500": 0.3}, seed=seed)
            for _ in range(200):
                await client.text()
            return [message.outcome for message in gateway.messages]

    first, again, other = (asyncio.run(outcomes(seed)) for seed in (7, 7, 8))
    assert first == again
    assert first != other
    assert 20 <= first.count("timelock") <= 60
    assert 35 <= first.count("error_500") <= 85


@pytest.mark.parametrize(
    "wrong",
    [
        {"latency": 1},
        {"latency_min": -1},
        {"rates": {"timelock": 1.5}},
        {"rates": {"timelock": 0.6, "hang": 0.6}},
        {"rates": {"flood": 0.1}},
        {"phones": {"timelock": 5}},
        [],
        "fast",
    ],
)
def test_wrong_settings_are_refused_and_change_nothing(wrong: object) -> None:
    async def story() -> None:
        async with running() as (gateway, client):
            status, body = await client.post("/simulator/settings", wrong)
            assert (status, body["code"]) == (400, "VALIDATION_ERROR")
            assert gateway.settings == SimulatorSettings()

    asyncio.run(story())


def test_settings_are_changed_by_name() -> None:
    async def story() -> None:
        async with running(settings=SimulatorSettings(seed=9)) as (gateway, client):
            await client.post("/simulator/settings", {"latency_max": 0.5})
            _, body = await client.get("/simulator/settings")
            assert (body["seed"], body["latency_max"]) == (9, 0.5)
            gateway.settings.latency_max = 0
            with pytest.raises(ValueError, match="greater than or equal"):
                gateway.settings.latency_max = -1
            assert gateway.settings.latency_max == 0

    asyncio.run(story())


# -- what it tells


def test_list_is_narrowed_by_seq_device_and_limit() -> None:
    async def story() -> None:
        async with running() as (_, client):
            for number in range(6):
                await client.text(text=str(number), device="ab"[number % 2])

            async def listed(query: str) -> list[str]:
                return [found["content"] for found in (await client.get(query))[1]]

            path = "/simulator/messages"
            assert await listed(path) == ["0", "1", "2", "3", "4", "5"]
            assert await listed(f"{path}?since=4") == ["4", "5"]
            assert await listed(f"{path}?device=a") == ["0", "2", "4"]
            assert await listed(f"{path}?device=b&limit=2") == ["3", "5"]
            assert await listed(f"{path}?since=1&device=b&limit=9") == ["1", "3", "5"]
            assert await listed(f"{path}?phone=%2B60123456789&limit=1") == ["5"]
            assert await listed(f"{path}?phone=%2B60123456780") == []
            assert (await client.get(f"{path}?since=soon"))[0] == 400

    asyncio.run(story())


def test_memory_is_bounded_and_counters_are_exact() -> None:
    async def story() -> None:
        async with running(keep=10) as (gateway, client):
            for number in range(25):
                await client.text(text=str(number))
            assert [message.content for message in gateway.messages] == [
                str(number) for number in range(15, 25)
            ]
            stats = (await client.get("/simulator/stats"))[1]
        assert (stats["received"], stats["accepted"], stats["answered"]) == (25, 25, 25)
        assert (stats["listed"], stats["types"]) == (10, {"text": 25})
        assert sum(stats["per_second"]) == 25
        (device,) = stats["devices"]
        assert (device["received"], device["outcomes"]) == (25, {"accepted": 25})
        assert device["shortest_gap_ms"] >= 0

    asyncio.run(story())


def test_reset_forgets_and_keeps_the_settings() -> None:
    async def story() -> None:
        async with running() as (gateway, client):
            gateway.configure(phones={"hang": ["60123456789"]})
            await client.text(phone="60999999999")
            sending = asyncio.create_task(client.text())
            await gateway.wait_for(lambda found: found.stats()["held"] == 1)
            assert (await client.post("/simulator/reset"))[0] == 200
            await sending
            stats = gateway.stats()
            assert (stats["received"], stats["held"], stats["outcomes"]) == (0, 0, {})
            assert (gateway.messages, stats["devices"]) == ([], [])
            assert gateway.settings.phones == {"hang": frozenset({"60123456789"})}
            await client.text(phone="60999999999")
            assert gateway.messages[0].seq == 1

    asyncio.run(story())


def test_page_is_self_contained_and_forbids_foreign_content() -> None:
    async def story() -> None:
        async with running() as (_, client), client.session.get("/") as response:
            text = await response.text()
            assert response.status == 200
            assert response.content_type == "text/html"
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        # one namespace name is no address that is fetched
        assert text.replace("http://www.w3.org/2000/svg", "").count("http") == 0
        for risky in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write"):
            assert risky not in text

    asyncio.run(story())


def test_wait_that_is_not_met_says_what_came() -> None:
    async def story() -> None:
        async with running() as (gateway, client):
            await client.text()
            with pytest.raises(TimeoutError, match="received 1"):
                await gateway.wait_for(2, within=0.01)

    asyncio.run(story())


# -- how it runs


def test_it_listens_on_loopback_only() -> None:
    async def story() -> None:
        async with Simulator() as gateway:
            assert gateway.url == f"http://127.0.0.1:{gateway.port}"

    asyncio.run(story())


def test_port_in_use_is_explained() -> None:
    async def story() -> None:
        async with Simulator() as gateway:
            with pytest.raises(PgdripError, match="cannot listen"):
                async with Simulator(port=gateway.port):
                    pass

    asyncio.run(story())


def test_leaving_cuts_held_requests() -> None:
    async def story() -> None:
        async with Simulator() as gateway, aiohttp.ClientSession(gateway.url) as session:
            gateway.configure(phones={"hang": ["60123456789"]})
            sending = asyncio.create_task(Client(session).text())
            await gateway.wait_for(lambda found: found.stats()["held"] == 1)
            await gateway.__aexit__(None, None, None)
            with pytest.raises(aiohttp.ClientConnectionError):
                await sending

    asyncio.run(story())


def post_text(url: str) -> int:
    """A blocking client."""
    host, port = url.removeprefix("http://").split(":")
    body = json.dumps({"phone": PHONE, "message": "Hi"})
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            f"POST /send/message HTTP/1.1\r\nHost: x\r\nX-Device-Id: a\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        return int(connection.makefile("rb").readline().split()[1])


def test_thread_serves_synchronous_code() -> None:
    with SimulatorThread(devices=["a"]) as gateway:
        assert post_text(gateway.url) == 200
        gateway.wait_for(1)
        gateway.configure(phones={"timelock": ["60123456789"]})
        assert post_text(gateway.url) == 429
        assert [message.outcome for message in gateway.messages] == ["accepted", "timelock"]
        gateway.set_device("a", is_logged_in=False)
        assert post_text(gateway.url) == 401
        assert gateway.stats()["received"] == 3
        gateway.settings.phones = {}
        assert gateway.release() == 0
        gateway.reset()
        assert post_text(gateway.url) == 200
    with pytest.raises(ConnectionRefusedError):
        post_text(gateway.url)


def test_thread_tells_that_it_cannot_listen() -> None:
    with (
        SimulatorThread() as gateway,
        pytest.raises(PgdripError),
        SimulatorThread(port=int(gateway.url.rpartition(":")[2])),
    ):
        pass


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_run_simulator_ends_at_a_signal(signum: signal.Signals) -> None:
    script = (
        "from pgdrip.simulator import run_simulator\n"
        "run_simulator(port=0, on_ready=lambda url: print(url, flush=True))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert post_text(process.stdout.readline().strip()) == 200
        process.send_signal(signum)
        assert process.wait(timeout=30) == 0
