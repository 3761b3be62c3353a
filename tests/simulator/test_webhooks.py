"""What the simulated contacts do comes back as webhooks: signed, repeated, disordered, retried."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from typing import Any

import aiohttp
import pytest
from gateway_client import NUMBER, SECRET, Receiver, meta_text, posting

from pgdrip.simulator import Simulator

TEMPLATE = {
    **meta_text(type="template"),
    "template": {
        "name": "promo",
        "language": {"code": "en"},
        "components": [
            {
                "type": "button",
                "sub_type": "quick_reply",
                "index": "0",
                "parameters": [{"type": "payload", "payload": "NO_PROMO"}],
            }
        ],
    },
}
del TEMPLATE["text"]


def quiet(gateway: Simulator) -> bool:
    """Nothing is still to come, and nothing is on its way."""
    webhooks = gateway.stats()["webhooks"]
    return not webhooks["planned"] and not webhooks["waiting"]


def value(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["entry"][0]["changes"][0]["value"]
    return found


# -- receipts


def test_gowa_receipts_are_signed_and_go_to_the_devices_path() -> None:
    async def story() -> None:
        async with posting(read_rate=1) as (gateway, client, receiver):
            _, answer = await client.text()
            await receiver.wait(2)
            assert all(found.is_signed for found in receiver.got)
            assert {found.path for found in receiver.got} == {"/webhooks/device/1"}
            first = receiver.find("delivered").body
            assert (first["event"], first["session_id"]) == ("message.ack", "a")
            assert first["device_id"].endswith("@s.whatsapp.net")
            payload = first["payload"]
            assert payload["ids"] == [answer["results"]["message_id"]]
            assert payload["chat_id"] == payload["from"] == "60123456789@s.whatsapp.net"
            assert receiver.events() == ["delivered", "read"]
            await gateway.wait_for(quiet)
            (kept,) = gateway.messages
            assert kept.delivered_at is not None
            assert kept.read_at is not None
            stats = gateway.stats()
            assert (stats["delivered"], stats["read"], stats["webhooks"]["taken"]) == (1, 1, 2)
            (device,) = stats["devices"]
            assert (device["delivered"], device["read"]) == (1, 1)

    asyncio.run(story())


def test_metas_statuses_echo_the_callback_data() -> None:
    async def story() -> None:
        async with posting(read_rate=1) as (_, client, receiver):
            _, answer = await client.meta(meta_text(biz_opaque_callback_data="17:1"))
            await receiver.wait(3)
            assert receiver.events() == ["delivered", "read", "sent"]
            for found in receiver.got:
                assert (found.path, found.is_signed) == ("/webhooks/device/2", True)
                assert found.body["object"] == "whatsapp_business_account"
                assert value(found.body)["metadata"]["phone_number_id"] == NUMBER
                (status,) = value(found.body)["statuses"]
                assert status["id"] == answer["messages"][0]["id"]
                assert status["recipient_id"] == "60123456789"
                assert status["biz_opaque_callback_data"] == "17:1"
                assert status["timestamp"].isdigit()

    asyncio.run(story())


def test_failed_receipt_names_the_code_and_nothing_follows() -> None:
    async def story() -> None:
        async with posting(failed_receipts={"131049": 1}, read_rate=1, reply_rate=1) as (
            gateway,
            client,
            receiver,
        ):
            await client.meta()
            await gateway.wait_for(quiet)
            assert receiver.events() == ["failed", "sent"]
            (status,) = value(receiver.find("failed").body)["statuses"]
            assert status["errors"][0]["code"] == 131049
            assert gateway.messages[0].failed_code == "131049"
            assert gateway.stats()["failed"] == 1
            await client.text()  # GOWA has no event for failures
            await gateway.wait_for(quiet)
            assert "delivered" in receiver.events()

    asyncio.run(story())


def test_receipt_may_come_although_the_answer_was_lost() -> None:
    async def story() -> None:
        async with posting(phones={"odd_answer": ["60123456789"]}) as (gateway, client, receiver):
            await client.meta(meta_text(biz_opaque_callback_data="9:1"))
            await client.text()
            await receiver.wait(3)
            (sent, _) = (found for found in receiver.got if found.path.endswith("2"))
            assert value(sent.body)["statuses"][0]["biz_opaque_callback_data"] == "9:1"
            assert gateway.messages[1].message_id is not None

    asyncio.run(story())


def test_refused_message_has_no_receipt() -> None:
    async def story() -> None:
        async with posting(phones={"error_500": ["60123456789"]}) as (gateway, client, receiver):
            await client.text()
            await gateway.wait_for(quiet)
            assert receiver.got == []

    asyncio.run(story())


def test_opening_a_chat_reads_all_that_has_arrived() -> None:
    async def story() -> None:
        async with posting(read_rate=1, read_after=0.3) as (gateway, client, receiver):
            ids = [(await client.text(text=text))[1]["results"]["message_id"] for text in "ab"]
            await client.text(phone="60999999999")
            await gateway.wait_for(quiet)
            reads = [
                found.body["payload"]["ids"]
                for found in receiver.got
                if found.body["payload"]["receipt_type"] == "read"
            ]
            assert sorted(len(each) for each in reads) == [1, 2]
            assert sorted(max(reads, key=len)) == sorted(ids)
            assert gateway.stats()["read"] == 3

    asyncio.run(story())


def test_shares_and_spans_are_drawn_by_seed() -> None:
    async def fates(seed: int) -> list[tuple[bool, bool, str | None]]:
        settings: dict[str, Any] = {"delivered_rate": 0.8, "read_rate": 0.5, "seed": seed}
        async with posting(**settings, failed_receipts={"131026": 0.1}) as (gateway, client, _):
            for number in range(150):
                phone = f"60123{number:06d}"
                await (client.text(phone) if number % 2 else client.meta(meta_text(to=phone)))
            await gateway.wait_for(quiet)
            return [
                (kept.delivered_at is not None, kept.read_at is not None, kept.failed_code)
                for kept in gateway.messages
            ]

    first, again, other = (asyncio.run(fates(seed)) for seed in (4, 4, 5))
    assert first == again
    assert first != other
    delivered = sum(found[0] for found in first)
    assert 95 <= delivered <= 130
    assert 0.3 <= sum(found[1] for found in first) / delivered <= 0.7
    assert 1 <= sum(found[2] is not None for found in first) <= 18
    assert not any(found[0] and found[2] for found in first)


def test_read_may_come_before_delivered() -> None:
    async def story() -> None:
        async with posting(read_rate=1, read_after=0.05, disorder_rate=1) as (
            gateway,
            client,
            receiver,
        ):
            await client.text()
            await gateway.wait_for(quiet)
            assert receiver.events() == ["delivered", "read"]
            (kept,) = gateway.messages
            assert kept.read_at is not None
            assert kept.delivered_at is not None
            assert kept.read_at < kept.delivered_at

    asyncio.run(story())


def test_webhook_may_come_twice_the_same_to_the_byte() -> None:
    async def story() -> None:
        async with posting(duplicate_rate=1) as (gateway, client, receiver):
            await client.text()
            await gateway.wait_for(quiet)
            first, second = receiver.got
            assert first == second
            assert gateway.stats()["webhooks"]["duplicates"] == 1
            assert gateway.stats()["delivered"] == 1

    asyncio.run(story())


# -- replies


def test_contact_answers_on_gowa() -> None:
    async def story() -> None:
        async with posting(reply_rate=1, quote_rate=1, reply_texts={"STOP": 1}) as (
            gateway,
            client,
            receiver,
        ):
            _, answer = await client.text()
            await receiver.wait(2)
            body = receiver.find("STOP").body
            payload = body["payload"]
            assert body["event"] == "message"
            assert (payload["body"], payload["is_from_me"]) == ("STOP", False)
            assert payload["from"] == payload["chat_id"] == "60123456789@s.whatsapp.net"
            assert payload["replied_to_id"] == answer["results"]["message_id"]
            (reply,) = (await client.get("/simulator/replies"))[1]
            assert (reply["text"], reply["phone"], reply["device"]) == (
                "STOP",
                "+60123456789",
                "a",
            )
            assert reply["message_id"] == payload["id"]
            assert gateway.stats()["replies"] == 1

    asyncio.run(story())


def test_contact_answers_on_metas_interface() -> None:
    async def story() -> None:
        async with posting(reply_rate=1, quote_rate=1, reply_texts={"Yes": 1}) as (
            _,
            client,
            receiver,
        ):
            _, answer = await client.meta()
            await receiver.wait(3)
            found = value(receiver.find("text").body)
            (message,) = found["messages"]
            assert (message["from"], message["type"]) == ("60123456789", "text")
            assert message["text"] == {"body": "Yes"}
            assert message["context"]["id"] == answer["messages"][0]["id"]
            assert found["contacts"][0]["wa_id"] == "60123456789"

    asyncio.run(story())


def test_texts_are_drawn_by_weight() -> None:
    async def story() -> None:
        async with posting(reply_rate=1, reply_texts={"yes": 9, "no": 1}) as (gateway, client, _):
            for number in range(100):
                await client.text(phone=f"60123{number:06d}")
            await gateway.wait_for(quiet)
            said = Counter(reply.text for reply in gateway.replies)
            assert said.total() == 100
            assert 2 <= said["no"] <= 25

    asyncio.run(story())


def test_button_of_a_template_is_tapped() -> None:
    async def story() -> None:
        async with posting(reply_rate=1) as (gateway, client, receiver):
            for number in range(20):
                await client.meta({**TEMPLATE, "to": f"60123{number:06d}"})
            await gateway.wait_for(quiet)
            tapped = [
                message
                for found in receiver.got
                for message in value(found.body).get("messages", [])
                if message["type"] == "button"
            ]
            assert 3 <= len(tapped) <= 17
            ids = {kept.message_id for kept in gateway.messages}
            for message in tapped:
                assert message["button"] == {"payload": "NO_PROMO", "text": "NO_PROMO"}
                assert message["context"]["id"] in ids

    asyncio.run(story())


def test_contact_stops_marketing_in_whatsapp() -> None:
    async def story() -> None:
        async with posting(preference_rate=1, reply_rate=1) as (gateway, client, receiver):
            await client.meta()
            await gateway.wait_for(quiet)
            assert receiver.events() == ["delivered", "prefers stop", "sent"]
            body = receiver.find("prefers stop").body
            assert body["entry"][0]["changes"][0]["field"] == "user_preferences"
            (preference,) = value(body)["user_preferences"]
            assert preference["wa_id"] == "60123456789"
            assert preference["category"] == "marketing_messages"

    asyncio.run(story())


@pytest.mark.parametrize(
    ("more", "event", "field"),
    [
        ({"text": "new", "edits": "M1"}, "message.edited", "original_message_id"),
        ({"reacts_to": "M1", "reaction": "👍"}, "message.reaction", "reacted_message_id"),
        ({"revokes": "M1"}, "message.revoked", "revoked_message_id"),
    ],
)
def test_contact_changes_a_message(more: dict[str, Any], event: str, field: str) -> None:
    async def story() -> None:
        async with posting(delivered_rate=0) as (gateway, client, receiver):
            await client.meta(meta_text())
            gateway.reply("a", "+60123456789", **more)
            gateway.reply(NUMBER, "+60123456789", **more)
            await receiver.wait(3)
            bodies = [found.body for found in receiver.got if "sent" not in str(found.body)]
            gowa, meta = sorted(bodies, key=lambda body: "entry" in body)
            assert (gowa["event"], gowa["payload"][field]) == (event, "M1")
            (message,) = value(meta)["messages"]
            assert message["type"] in ("edit", "reaction", "revoke")
            assert "M1" in message[message["type"]].values()

    asyncio.run(story())


def test_meta_tells_of_a_template() -> None:
    async def story() -> None:
        async with posting() as (gateway, client, receiver):
            told = {"event": "PAUSED", "message_template_name": "promo"}
            gateway.notice(NUMBER, "message_template_status_update", told)
            await receiver.wait(1)
            (found,) = receiver.got
            assert found.is_signed
            (change,) = found.body["entry"][0]["changes"]
            assert (change["field"], change["value"]) == ("message_template_status_update", told)
            asked = {"device": NUMBER, "field": "weather", "value": {}}
            answer = await client.post("/simulator/notice", asked)
            assert answer[0] == 400

    asyncio.run(story())


def test_contact_hides_its_phone() -> None:
    async def story() -> None:
        async with posting(delivered_rate=0) as (gateway, client, receiver):
            await client.meta(meta_text())
            gateway.reply("a", "+60123456789", "hello", hidden=True)
            gateway.reply(NUMBER, "+60123456789", "hello", hidden=True)
            await receiver.wait(3)
            bodies = [json.dumps(found.body) for found in receiver.got]
            assert sorted("60123456789" in body for body in bodies) == [False, False, True]

    asyncio.run(story())


def test_phone_of_a_contact_answers_by_itself() -> None:
    async def story() -> None:
        async with posting(auto_reply_rate=1, auto_reply_after=0, reaction_rate=1, read_rate=0) as (
            gateway,
            client,
            receiver,
        ):
            await client.text()
            await gateway.wait_for(quiet)
            answer = gateway.settings.auto_reply_text
            assert sorted(receiver.events()) == sorted(["delivered", answer, "message.reaction"])

    asyncio.run(story())


def test_noise_is_no_reply() -> None:
    async def story() -> None:
        async with posting(noise_rate=1) as (gateway, client, receiver):
            for number in range(40):
                await client.text(phone=f"60123{number:06d}")
                await client.meta(meta_text(to=f"60123{number:06d}"))
            await gateway.wait_for(quiet)
            assert gateway.stats()["noise"] == 80
            assert gateway.stats()["replies"] == 0
            kinds: Counter[str] = Counter()
            for found in receiver.got:
                body = found.body
                if body.get("event") == "message":
                    payload = body["payload"]
                    chat = payload["chat_id"].split("@")[1]
                    kinds["own" if payload["is_from_me"] else chat] += 1
                elif "entry" in body:
                    kinds[body["entry"][0]["changes"][0]["field"]] += 1
            assert kinds["own"] + kinds["g.us"] + kinds["broadcast"] == 40
            assert min(kinds["own"], kinds["g.us"], kinds["broadcast"]) > 3
            assert kinds["smb_message_echoes"] + kinds["phone_number_quality_update"] == 40

    asyncio.run(story())


# -- by hand


def test_person_writes_by_hand() -> None:
    async def story() -> None:
        async with posting() as (_, client, receiver):
            status, reply = await client.post(
                "/simulator/reply", {"device": "a", "phone": "+60 12-345 6789", "text": "Hello"}
            )
            await receiver.wait(1)
            assert (status, reply["kind"], reply["phone"]) == (200, "text", "+60123456789")
            payload = receiver.got[0].body["payload"]
            assert (payload["id"], payload["body"]) == (reply["message_id"], "Hello")
            assert "replied_to_id" not in payload
            assert receiver.got[0].is_signed

    asyncio.run(story())


@pytest.mark.parametrize(
    ("more", "event"),
    [
        ({"text": "Hi", "answers": "wamid.X"}, "text"),
        ({"text": "Stop promotions", "button": "STOP"}, "button"),
        ({"preference": "resume"}, "prefers resume"),
        ({"new_phone": "+60199999999"}, "system"),
    ],
)
def test_person_does_other_things_by_hand(more: dict[str, str], event: str) -> None:
    async def story() -> None:
        async with posting() as (gateway, client, receiver):
            await client.get(f"/v25.0/{NUMBER}")  # by this the gateway knows it as Meta's
            gateway.reply(NUMBER, "60123456789", **more)
            await receiver.wait(1)
            assert receiver.events() == [event]
            if event == "system":
                (message,) = value(receiver.got[0].body)["messages"]
                assert message["from"] == "60123456789"
                assert message["system"]["type"] == "user_changed_number"
                assert message["system"]["wa_id"] == "60199999999"
            if event == "button":
                (message,) = value(receiver.got[0].body)["messages"]
                assert message["button"] == {"payload": "STOP", "text": "Stop promotions"}

    asyncio.run(story())


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"device": "a", "phone": "60123456789"}, 400),
        ({"device": "a", "phone": "12", "text": "Hi"}, 400),
        ({"device": "", "phone": "60123456789", "text": "Hi"}, 400),
        ({"device": "a", "phone": "60123456789", "text": "Hi", "colour": "red"}, 400),
        ({"device": "a", "phone": "60123456789", "text": "Hi", "preference": "stop"}, 400),
        ({"device": "a", "phone": "60123456789", "preference": "stop"}, 400),
        ({"device": "b", "phone": "60123456789", "text": "Hi"}, 409),
        ([], 400),
    ],
)
def test_reply_that_cannot_be_sent_is_refused(body: object, status: int) -> None:
    async def story() -> None:
        async with posting() as (gateway, client, receiver):
            assert (await client.post("/simulator/reply", body))[0] == status
            assert (gateway.replies, receiver.got) == ([], [])

    asyncio.run(story())


# -- a receiver that makes trouble


def test_refused_webhook_comes_again_after_growing_pauses() -> None:
    async def story() -> None:
        async with posting(webhook_pause=0.05) as (gateway, client, receiver):
            receiver.answers = [503, 401, 0]
            await client.text()
            await receiver.wait(4)
            await gateway.wait_for(quiet)
            assert len(set(receiver.got)) == 1
            gaps = [b - a for a, b in zip(receiver.times, receiver.times[1:], strict=False)]
            assert all(
                gap >= 0.95 * least for gap, least in zip(gaps, (0.05, 0.1, 0.2), strict=True)
            )
            webhooks = gateway.stats()["webhooks"]
            assert (webhooks["taken"], webhooks["retries"], webhooks["given_up"]) == (1, 3, 0)
            assert webhooks["answers"] == {"503": 1, "401": 1, "away": 1, "200": 1}

    asyncio.run(story())


def test_webhook_is_given_up_after_five_attempts() -> None:
    async def story() -> None:
        async with posting() as (gateway, client, receiver):
            receiver.answers = [500] * 5
            await client.text()
            await gateway.wait_for(lambda found: found.stats()["webhooks"]["given_up"] == 1)
            assert len(receiver.got) == 5
            assert quiet(gateway)

    asyncio.run(story())


def test_receiver_that_is_away_gets_it_when_it_is_back() -> None:
    async def story() -> None:
        async with posting(webhook_pause=0.05, webhook_attempts=100) as (gateway, client, receiver):
            await receiver.__aexit__()
            await client.text()
            await gateway.wait_for(lambda found: found.stats()["webhooks"]["retries"] >= 2)
            back = Receiver()
            back.port = receiver.port
            async with back:
                await gateway.wait_for(lambda found: found.stats()["webhooks"]["taken"] == 1)
            assert back.events() == ["delivered"]

    asyncio.run(story())


def test_receiver_that_never_answers_is_left() -> None:
    async def story() -> None:
        async with posting(webhook_timeout=0.05, webhook_attempts=1) as (gateway, client, receiver):
            receiver.gate.clear()
            await client.text()
            await gateway.wait_for(lambda found: found.stats()["webhooks"]["given_up"] == 1)
            assert gateway.stats()["webhooks"]["answers"] == {"timeout": 1}

    asyncio.run(story())


def test_few_connections_carry_many_webhooks() -> None:
    async def story() -> None:
        async with posting() as (gateway, client, receiver):
            receiver.gate.clear()
            for number in range(60):
                await client.text(phone=f"60123{number:06d}")
            await gateway.wait_for(lambda found: found.stats()["webhooks"]["waiting"] == 60)
            receiver.gate.set()
            await gateway.wait_for(quiet)
            assert len(receiver.got) == 60
            assert 10 <= receiver.most_open <= 20

    asyncio.run(story())


def test_nothing_goes_out_without_a_target() -> None:
    async def story() -> None:
        async with posting() as (gateway, client, receiver):
            await client.text(device="b")
            assert quiet(gateway)
            gateway.configure(webhook_targets={"*": "account/9"})
            await client.text(device="b")
            await receiver.wait(1)
            assert receiver.got[0].path == "/webhooks/account/9"
            gateway.configure(webhook_base=None)
            await client.text(device="b")
            await gateway.wait_for(quiet)
            assert len(receiver.got) == 1

    asyncio.run(story())


def test_webhook_without_a_secret_is_not_signed() -> None:
    async def story() -> None:
        async with posting(webhook_secret=None) as (_, client, receiver):
            await client.text()
            await receiver.wait(1)
            assert receiver.got[0].signature is None

    asyncio.run(story())


def test_secret_is_not_shown() -> None:
    async def story() -> None:
        async with posting(seed=5) as (gateway, client, receiver):
            assert "s3cr3t" not in json.dumps((await client.get("/simulator/settings"))[1])
            await client.post("/simulator/settings", {"seed": 6})
            await client.text()
            await receiver.wait(1)
            assert receiver.got[0].is_signed
            assert gateway.settings.seed == 6

    asyncio.run(story())


def test_reset_forgets_what_is_still_to_come() -> None:
    async def story() -> None:
        async with posting(delivered_after=0.2) as (gateway, client, receiver):
            await client.text()
            await gateway.wait_for(lambda found: found.stats()["webhooks"]["planned"] == 1)
            gateway.reset()
            assert quiet(gateway)
            gateway.configure(delivered_after=0.4)
            await client.text()
            await receiver.wait(1)
            assert receiver.got[0].body["payload"]["ids"] == [gateway.messages[0].message_id]
            await gateway.wait_for(quiet)
            assert len(receiver.got) == 1

    asyncio.run(story())


@pytest.mark.parametrize(
    "wrong",
    [
        {"webhook_base": "ftp://x"},
        {"webhook_targets": {"a": "http://elsewhere/"}},
        {"webhook_targets": {"a": ""}},
        {"delivered_rate": 1.1},
        {"read_after": [5, 1]},
        {"read_after": -1},
        {"reply_texts": {}},
        {"reply_texts": {"STOP": 0}},
        {"failed_receipts": {"many": 0.1}},
        {"failed_receipts": {"1": 0.6, "2": 0.6}},
        {"webhook_attempts": 0},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    async def story() -> None:
        async with posting() as (gateway, client, _):
            before = gateway.settings.model_copy()
            status, body = await client.post("/simulator/settings", wrong)
            assert (status, body["code"]) == (400, "VALIDATION_ERROR")
            assert gateway.settings == before

    asyncio.run(story())


def test_program_takes_address_targets_and_secret() -> None:
    async def story() -> None:
        async with Receiver() as receiver:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "pgdrip", "simulator", "--port", "0", "--latency", "0"),
                *("--webhook-base", receiver.url, "--target", f"{NUMBER}=account/7"),
                *("--delivered", "0", "--reply", "0"),
                stdout=asyncio.subprocess.PIPE,
                env={
                    **os.environ,
                    "COLUMNS": "100",
                    "PGDRIP_SIMULATOR_WEBHOOK_SECRET": SECRET,
                    "PGDRIP_SIMULATOR_TOKEN": "EAAG",
                },
            )
            try:
                assert process.stdout is not None
                line = (await process.stdout.readline()).decode()
                url = next(word for word in line.split() if word.startswith("http"))
                async with aiohttp.ClientSession(url) as session:
                    path = f"/v25.0/{NUMBER}/messages"
                    headers = {"Authorization": "Bearer EAAG"}
                    async with session.post(path, json=meta_text()) as response:
                        assert response.status == 401
                    async with session.post(path, json=meta_text(), headers=headers) as response:
                        assert response.status == 200
                await receiver.wait(1)
                (sent,) = receiver.got
                assert (sent.path, sent.is_signed) == ("/webhooks/account/7", True)
                assert receiver.events() == ["sent"]
            finally:
                process.terminate()
                await process.wait()

    asyncio.run(story())
