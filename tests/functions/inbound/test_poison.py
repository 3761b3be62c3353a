"""process_inbound(): bodies that are nonsense stop nobody, and nothing is thrown away unseen."""

from __future__ import annotations

import json
from typing import Any

import pytest
from factory import Clock, Plant
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inbound import (
    PHONE,
    ack,
    change,
    cloud_device,
    dead_letters,
    gowa,
    hurry,
    meta,
    open_window,
    preference,
    process,
    said,
    send,
    status,
    wrote,
)

pytestmark = [pytest.mark.exhaustive, pytest.mark.rolled_back]

MISSHAPEN = '{"event": "message", "payload": {"id": "1", "is_from_me": fal'


def queued(plant: Plant) -> int:
    """Webhooks that wait."""
    return int(plant.value("select count(*) from pgmq.q_drip_inbound"))


# -- dead letters -----------------------------------------------------------------------------


def test_after_five_tries_it_is_laid_aside_with_its_error(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    for attempt in range(1, 6):
        row = process(plant, *([(device, MISSHAPEN)] if attempt == 1 else []))
        assert (row["read"], row["dead"], row["remaining"]) == (1, int(attempt == 5), 0)
        if attempt < 5:
            # it waits longer each time: nothing spins
            assert process(plant)["read"] == 0
            assert dead_letters(plant) == []
            hurry(plant.conn)
    [letter] = dead_letters(plant)
    assert letter["error"].startswith("22P02: ")
    assert (letter["kind"], letter["subject_id"], letter["user_id"]) == (
        "device",
        device,
        plant.user,
    )
    assert (letter["body"], letter["tries"]) == (MISSHAPEN, 5)
    assert (letter["received_at"], letter["died_at"]) == (clock.now, clock.now)
    assert queued(plant) == 0


def test_its_neighbours_are_processed_at_once(clock: Clock, plant: Plant) -> None:
    device, lead = plant.device(), plant.lead(PHONE)
    message = plant.message(device, lead)
    send(plant, message, "3EB01")
    row = process(
        plant, ack(device, "3EB01"), (device, MISSHAPEN), (device, "no json"), said(device, "STOP")
    )
    assert (row["read"], row["applied"], row["dead"]) == (4, 2, 0)
    assert plant.message_row(message)["delivered_at"] == clock.now
    assert plant.value("select count(*) from drip.suppressions") == 1
    assert queued(plant) == 2


@pytest.mark.parametrize(
    "make",
    [
        lambda device: wrote(device, "STOP", number_id="404"),
        lambda device: preference(device, "stop"),
        lambda device: meta(
            device, change(number_id="404", messages=[{"id": "1", "from": "6012"}])
        ),
    ],
)
def test_a_number_id_that_is_no_device_dies_at_once(clock: Clock, plant: Plant, make: Any) -> None:
    """No later try would find it: a person must add the device, and replay."""
    device = cloud_device(plant)
    target, body = make(device)
    assert process(plant, (target, body.replace("106540352242922", "404")))["dead"] == 1
    [letter] = dead_letters(plant)
    assert letter["error"] == "no device of the tenant has the instance 404"
    assert letter["tries"] == 1
    assert queued(plant) == 0


def test_what_else_is_in_that_body_counts(clock: Clock, plant: Plant) -> None:
    device, lead = cloud_device(plant), plant.lead(PHONE)
    open_window(plant, lead)
    message = plant.message(device, lead)
    send(plant, message, "wamid.1")
    row = {"id": "wamid.in", "from": PHONE[1:], "type": "text", "text": {"body": "hi"}}
    body = meta(
        device,
        change(statuses=[{"id": "wamid.1", "status": "read"}]),
        change(number_id="404", messages=[row]),
        change(messages=[row]),
    )
    result = process(plant, body)
    assert (result["applied"], result["dead"]) == (2, 1)
    assert plant.message_row(message)["read_at"] == clock.now


@pytest.mark.parametrize("kind", ["device", "account"])
def test_a_target_that_is_gone(clock: Clock, plant: Plant, kind: str) -> None:
    assert process(plant, (4711, "{}"), kind=kind)["dead"] == 1
    [letter] = dead_letters(plant)
    assert (letter["error"], letter["user_id"]) == (f"there is no {kind} 4711", None)


def test_dead_letters_go_after_90_days(clock: Clock, plant: Plant) -> None:
    process(plant, (4711, "{}"))
    clock.advance(days=89)
    plant.tick()
    assert len(dead_letters(plant)) == 1
    clock.advance(days=2)
    plant.tick()
    assert dead_letters(plant) == []


def test_an_application_does_not_see_another_tenants(
    clock: Clock, plant: Plant, connect: Any
) -> None:
    stranger = cloud_device(plant)
    process(plant, wrote(stranger, "x", number_id="404"))
    with pytest.raises(Exception, match="permission denied"):
        connect(role="drip_app").execute("select * from drip.dead_letters")
    operator = connect(role="drip_operator")
    assert len(operator.execute("select * from drip.dead_letters").fetchall()) == 1


# -- nonsense ---------------------------------------------------------------------------------

NESTED = "[" * 20_000 + "]" * 20_000
# more than an index takes, and nothing that compresses
HUGE = "".join(f"{number:x}" for number in range(20_000))
BODIES = [
    "",
    " ",
    "null",
    "true",
    "0",
    '"STOP"',
    "[]",
    "[{}]",
    "[[[]]]",
    "{}",
    "{",
    "no json",
    '{"event": "message", "payload": {"id": "1", "body": "\\u0000"}}',
    '{"a": "\\ud800"}',
    '{"event": 5, "payload": 5}',
    '{"event": "nonsense", "payload": {"id": "1"}}',
    '{"event": "message"}',
    '{"event": "message", "payload": "message"}',
    '{"event": "message", "payload": [1, 2]}',
    '{"event": "message", "payload": {"id": {}, "from": [], "body": 1, "timestamp": {}}}',
    '{"event": "message.ack", "payload": {"ids": {"a": 1}, "receipt_type": "read"}}',
    '{"event": "message.ack", "payload": {"ids": [1, [], {}, null, true], "receipt_type": "read"}}',
    '{"event": "message.ack", "payload": {"ids": "3EB0", "receipt_type": "read"}}',
    '{"event": "message", "payload": {"id": "1", "timestamp": "2026-13-45T99:99:99Z"}}',
    '{"entry": 1}',
    '{"entry": [1, null, "x", [], {"changes": 7}]}',
    '{"entry": [{"changes": [1, null, "x", [], {"field": 7, "value": 7}]}]}',
    '{"entry": [{"changes": [{"field": "messages", "value": "messages"}]}]}',
    '{"entry": [{"changes": [{"field": "messages", "value": {"messages": {"id": 1}}}]}]}',
    '{"entry": [{"changes": [{"field": "messages", "value": {"statuses": [1, {}, {"id": 1}]}}]}]}',
    NESTED,
    '{"event": ' + NESTED + "}",
    '{"event": "message", "payload": {"id": 1e400000, "timestamp": 1e400000}}',
    '{"event": "message", "payload": {"id": "HUGE", "from": "60123456789", "body": "x"}}',
    '{"event": "message.ack", "payload": {"ids": ["HUGE"], "receipt_type": "read"}}',
    '{"entry": [{"changes": [{"field": "messages", "value": {"statuses":'
    ' [{"id": "HUGE", "status": "read", "recipient_id": "HUGE"}]}}]}]}',
    '{"entry": [{"changes": [{"field": "user_preferences", "value": {"user_preferences": [{'
    '"category": "marketing_messages", "value": "stop", "wa_id": "HUGE"}]}}]}]}',
]
BODIES = [body.replace("HUGE", HUGE) for body in BODIES]


@pytest.mark.parametrize("number", range(len(BODIES)))
@pytest.mark.parametrize("platform", ["gowa", "cloud_api"])
def test_nonsense_neither_raises_nor_hurts(
    clock: Clock, plant: Plant, platform: str, number: int
) -> None:
    """It is passed over, or tried five times and laid aside; what came with it is done."""
    gateway = plant.device()
    device = cloud_device(plant) if platform == "cloud_api" else plant.device()
    process(plant, (device, BODIES[number]), said(gateway, "STOP"))
    assert plant.value("select phone from drip.suppressions") == PHONE
    for _ in range(4):
        hurry(plant.conn)
        process(plant)
    assert queued(plant) == 0
    assert plant.value("select count(*) from pgmq.a_drip_inbound") == 2
    for letter in dead_letters(plant):
        assert letter["body"] == BODIES[number]
        assert letter["error"]


@pytest.mark.parametrize(
    "time",
    ["2026-13-45T99:99:99Z", "2026-02-30T10:00:00Z", "0000-01-01T00:00:00Z", "9" * 11,
     "2026-03-02T09:00:00+99:99", "2026-03-02T24:00:00Z", "1e400", "99999999999." + "9" * 500],
)  # fmt: skip
def test_a_stop_counts_whatever_its_time(clock: Clock, plant: Plant, time: str) -> None:
    row = process(plant, said(plant.device(), "STOP", timestamp=time))
    assert (row["applied"], row["dead"]) == (1, 0)
    assert plant.value("select phone from drip.suppressions") == PHONE


@pytest.mark.parametrize(
    "value",
    [
        5,
        1.5,
        True,
        None,
        [],
        {},
        "",
        "x" * 5000,
        "💥",
        "\u0000",
        [{"id": 1}],
        {"body": {}},
        -1,
        1e300,
    ],
)
def test_every_field_of_every_type(clock: Clock, plant: Plant, value: Any) -> None:
    """One field of a sound body replaced at a time."""
    gateway, cloud = plant.device(), cloud_device(plant)
    contact = {"wa_id": PHONE[1:], "user_id": "US.1", "profile": {"name": "Ali"}}
    bodies = []
    for device, body in (
        said(gateway, "hi", from_lid="1@lid", replied_to_id="3EB0", timestamp="1772413200"),
        ack(gateway, "3EB0", timestamp="1772413200"),
        status(cloud, "wamid.1", "failed", at=1772413200, code=131049, ref="1:1"),
        wrote(cloud, "hi", contact=contact, context={"id": "wamid.1"}, timestamp="1772413200"),
        wrote(cloud, None, type="system", system={"type": "user_changed_number", "wa_id": "60199"}),
        wrote(cloud, None, type="button", button={"payload": "STOP", "text": "Stop"}),
        preference(cloud, "stop"),
    ):
        bodies += [(device, json.dumps(other)) for other in replaced(json.loads(body), value)]
    total = process(plant, *bodies)
    for _ in range(4):
        hurry(plant.conn)
        for name, count in process(plant).items():
            total[name] += count
    assert queued(plant) == 0
    assert total["dead"] == len(dead_letters(plant))
    assert plant.value("select count(*) from pgmq.a_drip_inbound") == len(bodies)
    process(plant, said(gateway, "STOP", "R9", phone="+60199999999"))
    assert plant.value(
        "select count(*) from drip.suppressions where phone = '+60199999999'"
    ) == 1  # fmt: skip


def replaced(body: Any, value: Any) -> list[Any]:
    """The body with the value in place of each of its parts in turn."""
    found = [value]
    if isinstance(body, dict):
        for key in body:
            found += [body | {key: other} for other in replaced(body[key], value)]
    elif isinstance(body, list):
        for place in range(len(body)):
            for other in replaced(body[place], value):
                found.append([*body[:place], other, *body[place + 1 :]])
    return found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["event", "payload", "entry", "changes", "field", "value", "id", "ids", "messages",
             "statuses", "status", "type", "from", "text", "body", "timestamp", "errors", "code"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(body=JSON)
def test_any_json(both: tuple[Plant, list[int]], body: Any) -> None:
    plant, devices = both
    with plant.conn.transaction(force_rollback=True):
        assert process(plant, *((device, json.dumps(body)) for device in devices))["read"] == 2


@pytest.fixture
def both(clock: Clock, plant: Plant) -> tuple[Plant, list[int]]:
    """A device of each platform."""
    return plant, [plant.device(), cloud_device(plant)]


def test_events_that_nobody_knows_are_passed_over(clock: Clock, plant: Plant) -> None:
    gateway, cloud = plant.device(), cloud_device(plant)
    row = process(
        plant,
        gowa(gateway, "message.reaction", id="1"),
        gowa(gateway, "group.participants", chat_id="1@g.us"),
        meta(cloud, change("account_update", event="X"), change("message_template_status_update")),
    )
    assert row == {"read": 3, "applied": 0, "parked": 0, "dead": 0, "remaining": 0}


def test_a_device_of_a_platform_without_a_reader(clock: Clock, plant: Plant) -> None:
    row = process(plant, (plant.device(platform="waha"), '{"event": "message"}'))
    assert (row["read"], row["applied"]) == (1, 0)


@pytest.mark.parametrize("body", [MISSHAPEN, "no json", '{"payload": "\\u0000"}', NESTED])
def test_it_does_not_stop_who_looks_ahead_for_stops(clock: Clock, plant: Plant, body: str) -> None:
    """Behind many that wait for locks, bodies are looked at for stop words alone."""
    plant.row(
        "select drip._note_stops(jsonb_build_object('kind', 'device', 'id', %s::bigint, 'body',"
        " %s::text))",
        plant.device(),
        body,
    )
    assert plant.rows("select * from drip.suppressions") == []
