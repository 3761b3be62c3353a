"""send_message(): one message of an application through the shared queue."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from factory import Clock, Connect, Connection, Plant
from psycopg.types.json import Jsonb
from waiting import wait_until_blocked


def send(plant: Plant, phone: str = "+60123456789", **arguments: Any) -> dict[str, Any]:
    arguments = {"content": "Hello {name}"} | arguments
    named = ", ".join(f"p_{name} => %s" for name in arguments)
    return plant.row(f"select * from drip.send_message(%s, {named})", phone, *arguments.values())


def refused(plant: Plant, code: str, *arguments: Any, **named: Any) -> str:
    """The hint of the error with that code."""
    with pytest.raises(psycopg.Error) as caught:
        send(plant, *arguments, **named)
    assert caught.value.sqlstate == code, caught.value
    hint = caught.value.diag.message_hint
    assert hint
    return hint


def test_plans_a_utility_message_that_goes_now(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    planned = send(plant, name="Aminah")
    assert planned["outcome"] == "planned"
    assert planned["scheduled_at"] == clock.now
    [claimed] = plant.claim()
    assert claimed["message_id"] == planned["message_id"]
    assert (claimed["device_id"], claimed["content"]) == (device, "Hello Aminah")
    row = plant.message_row(planned["message_id"])
    assert (row["category"], row["priority"], row["created_at"]) == ("utility", 1, clock.now)
    assert row["lead_id"] == planned["lead_id"]


def test_the_key_makes_a_repeat_harmless(clock: Clock, plant: Plant) -> None:
    plant.device()
    first = send(plant, idempotency_key="order-1")
    again = send(plant, idempotency_key="order-1")
    assert again["outcome"] == "already_sent"
    assert again["message_id"] == first["message_id"]
    assert plant.value("select count(*) from drip.broadcast_messages") == 1
    plant.answer(plant.claim()[0])
    assert send(plant, idempotency_key="order-1")["outcome"] == "already_sent"


def test_keys_are_of_the_tenant(clock: Clock, plant: Plant) -> None:
    other = plant.other_tenant()
    for user in (plant.user, other):
        with plant.acting_for(user):
            assert send(plant, idempotency_key="order-1")["outcome"] == "planned"


def test_without_a_key_two_are_two(clock: Clock, plant: Plant) -> None:
    assert send(plant)["message_id"] != send(plant)["message_id"]


def test_goes_at_its_time_and_expires(clock: Clock, plant: Plant) -> None:
    plant.device()
    at = clock.now + timedelta(hours=1)
    planned = send(plant, at=at, valid_for=timedelta(minutes=10))
    row = plant.message_row(planned["message_id"])
    assert (row["scheduled_at"], row["planned_at"]) == (at, at)
    assert row["expires_at"] == at + timedelta(minutes=10)
    assert plant.claim() == []
    clock.set(at)
    plant.wake()
    assert len(plant.claim()) == 1


def test_the_device_named_goes_before_the_leads_and_the_pool(clock: Clock, plant: Plant) -> None:
    pool, own = plant.device(), plant.device(in_pool=False)
    named = plant.device(name="desk", in_pool=False)
    plant.lead("+60123456789", device_id=own)

    def device_of(planned: dict[str, Any]) -> int:
        return int(plant.message_row(planned["message_id"])["device_id"])

    assert device_of(send(plant, device="desk")) == named
    assert device_of(send(plant)) == own
    assert device_of(send(plant, "+60123456780")) == pool


def test_without_any_device_it_waits_and_is_bound_later(clock: Clock, plant: Plant) -> None:
    planned = send(plant)
    assert plant.explain(planned["message_id"])["reason"] == "no_device"
    device = plant.device()
    plant.tick()
    plant.wake()
    assert [row["device_id"] for row in plant.claim()] == [device]


def test_an_opted_out_contact_gets_nothing(clock: Clock, plant: Plant) -> None:
    plant.suppress("+60123456789")
    row = send(plant)
    assert (row["outcome"], row["message_id"]) == ("suppressed", None)
    assert row["reason"]
    assert plant.value("select count(*) from drip.broadcast_messages") == 0


def test_a_marketing_opt_out_lets_utility_through(clock: Clock, plant: Plant) -> None:
    plant.suppress("+60123456789", "marketing")
    assert send(plant, category="marketing")["outcome"] == "suppressed"
    assert send(plant)["outcome"] == "planned"


@pytest.mark.lesson(47, story=True)
def test_a_national_number_is_read_by_the_tenants_region(clock: Clock, plant: Plant) -> None:
    plant.tenant(default_region="MY")
    send(plant, "012-345 6789")
    assert plant.value("select phone from drip.leads") == "+60123456789"


@pytest.mark.parametrize("phone", [None, "", "abc", "12", "+999123456789"])
def test_refuses_what_is_no_phone(plant: Plant, phone: str | None) -> None:
    refused(plant, "DR002", phone)
    assert plant.value("select count(*) from drip.leads") == 0


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("DR001", {"category": "news"}),
        ("DR001", {"category": None}),
        ("DR001", {"valid_for": timedelta(0)}),
        ("DR008", {"content": None}),
        ("DR008", {"content": "  "}),
        ("DR008", {"message_type": "fax"}),
        ("DR008", {"message_type": None}),
        ("DR008", {"media_url": "https://example.com/a.png"}),
        ("DR008", {"message_type": "image"}),
        ("DR008", {"message_type": "image", "media_url": "file:///etc/passwd"}),
        ("DR008", {"message_type": "image", "media_url": "https://a b"}),
        ("DR008", {"message_type": "template"}),
        ("DR012", {"device": "nobody"}),
    ],
)
def test_refuses_what_cannot_be_sent(plant: Plant, code: str, arguments: dict[str, Any]) -> None:
    refused(plant, code, **arguments)
    assert plant.value("select count(*) from drip.broadcast_messages") == 0


@pytest.mark.parametrize("at", ["infinity", "-infinity"])
def test_refuses_a_time_that_never_comes(plant: Plant, at: str) -> None:
    refused(plant, "DR001", at=at)


def test_media_and_templates_are_kept_as_given(clock: Clock, plant: Plant) -> None:
    plant.device(burst=5)
    url = "https://example.com/a.png?x=[[1|2]]&y={}"
    send(plant, content=None, message_type="image", media_url=url, caption="See {name}")
    send(plant, "+60123456780", content=None, message_type="template", template=Jsonb({"n": 1}))
    image, template = plant.claim()
    assert (image["media_url"], image["caption"]) == (url, "See ")
    assert template["template"] == {"n": 1}


def test_the_given_source_is_never_overwritten(clock: Clock, plant: Plant) -> None:
    plant.device()
    message = send(plant, name="Ali")["message_id"]
    plant.claim()
    row = plant.message_row(message)
    assert row["source"] == {"content": "Hello {name}"}
    assert row["content"] == "Hello Ali"


def test_wakes_the_device_without_touching_its_row(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    """The notification comes with the commit; another session may claim meanwhile."""
    device = plant.device()
    listener = connect()
    listener.execute("listen drip_wake")
    app = clock.join(connect(role="drip_operator"))
    app.autocommit = False
    app.execute("select * from drip.send_message('+60123456789', 'Hello')")
    other = plant.message(device)
    assert [row["message_id"] for row in plant.claim()] == [other]
    assert list(listener.notifies(timeout=0)) == []
    app.commit()
    [wake] = listener.notifies(timeout=5, stop_after=1)
    assert plant.woken(wake.payload) == [device]


def test_a_later_message_wakes_nobody(clock: Clock, plant: Plant, connect: Connect) -> None:
    plant.device()
    listener = connect()
    listener.execute("listen drip_wake")
    send(plant, at=clock.now + timedelta(minutes=1))
    plant.conn.execute("notify drip_wake, 'end'")
    [wake] = listener.notifies(timeout=5, stop_after=1)
    assert wake.payload == "end"


def test_two_tenants_must_be_told_apart(conn: Connection, plant: Plant) -> None:
    plant.other_tenant()
    refused(plant, "DR010")


@pytest.mark.parametrize("commits", [True, False])
def test_the_same_key_at_once_waits_for_the_first(
    clock: Clock, plant: Plant, connect: Connect, commits: bool
) -> None:
    """Whoever comes second learns what became of the first."""
    first, second = clock.join(connect(autocommit=False)), clock.join(connect())
    statement = (
        "select * from drip.send_message('+60123456789', 'Hello', p_idempotency_key => 'order-1')"
    )
    plant.lead("+60123456789")
    one = first.execute(statement.encode()).fetchone()
    done: list[Any] = []
    thread = threading.Thread(
        target=lambda: done.append(second.execute(statement.encode()).fetchone())
    )
    thread.start()
    wait_until_blocked(plant.conn, second, by=first)
    if commits:
        first.commit()
    else:
        first.rollback()
    thread.join(timeout=30)
    assert one is not None
    assert done[0]["outcome"] == ("already_sent" if commits else "planned")
    assert (done[0]["message_id"] == one["message_id"]) is commits
    assert plant.value("select count(*) from drip.broadcast_messages") == 1


def test_a_key_stands_for_one_request(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.tenant(default_region="MY")
    first = send(plant, content="Hello {name}", idempotency_key="k")
    for phone in ("+60123456789", "012-345 6789"):
        again = send(plant, phone, content="Hello {name}", idempotency_key="k", at=clock.now)
        assert (again["message_id"], again["outcome"]) == (first["message_id"], "already_sent")
    # what is compared is what was given: the name, and so what is rendered, may change meanwhile
    plant.row("select * from drip.upsert_lead('+60123456789', 'Aminah')")
    plant.claim()
    assert send(plant, idempotency_key="k")["outcome"] == "already_sent"
    before = plant.value("select count(*) from drip.leads")
    refused(plant, "DR022", "+60129999999", idempotency_key="k")
    refused(plant, "DR022", content="Good bye", idempotency_key="k")
    refused(plant, "DR022", category="marketing", idempotency_key="k")
    refused(plant, "DR022", content="More", idempotency_key="k")
    refused(plant, "DR022", "no phone", idempotency_key="k")
    assert plant.value("select count(*) from drip.leads") == before
    assert plant.value("select count(*) from drip.broadcast_messages") == 1


def test_a_key_follows_the_phone_of_its_lead(clock: Clock, plant: Plant) -> None:
    plant.device()
    send(plant, idempotency_key="k")
    plant.row("select * from drip.change_phone('+60123456789', '+60128888888')")
    assert send(plant, "+60128888888", idempotency_key="k")["outcome"] == "already_sent"
