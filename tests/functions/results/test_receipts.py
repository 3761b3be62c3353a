"""process_inbound(): what receipts do to the messages they speak of."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from factory import Clock, Plant
from inbound import (
    NUMBER_ID,
    PHONE,
    ack,
    change,
    cloud_device,
    drain,
    gowa,
    meta,
    open_window,
    process,
    send,
    status,
    store,
    wrote,
)


def parked(plant: Plant) -> list[dict[str, Any]]:
    """The receipts that wait for their message."""
    return plant.rows("select * from drip.receipts order by id")


def state(plant: Plant, message: int) -> tuple[str, datetime | None, datetime | None]:
    """Status, delivered_at, read_at."""
    row = plant.message_row(message)
    return row["status"], row["delivered_at"], row["read_at"]


def sent_by_gowa(plant: Plant, provider_id: str = "3EB01", **columns: Any) -> tuple[int, int]:
    """A device and a message that its gateway has accepted."""
    device = plant.device(burst=50)
    message = plant.message(device, plant.lead(PHONE), **columns)
    send(plant, message, provider_id)
    return device, message


def sent_by_meta(plant: Plant, provider_id: str = "wamid.1") -> tuple[int, int]:
    """A device of the Cloud API and a message that Meta has accepted."""
    device = cloud_device(plant)
    lead = plant.lead(PHONE)
    open_window(plant, lead)
    message = plant.message(device, lead)
    send(plant, message, provider_id)
    return device, message


def unix(at: datetime) -> int:
    """Seconds since 1970."""
    return int(at.timestamp())


# -- what each says ---------------------------------------------------------------------------


def test_delivered(clock: Clock, plant: Plant) -> None:
    device, message = sent_by_gowa(plant)
    at = clock.advance(minutes=3)
    assert process(plant, ack(device, "3EB01")) == {
        "read": 1, "applied": 1, "parked": 0, "dead": 0, "remaining": 0,
    }  # fmt: skip
    assert state(plant, message) == ("sent", at, None)


@pytest.mark.parametrize("kind", ["read", "played"])
def test_read_is_delivered_as_well(clock: Clock, plant: Plant, kind: str) -> None:
    """Providers leave `delivered` out when the message is read at once."""
    device, message = sent_by_gowa(plant)
    at = clock.advance(minutes=3)
    process(plant, ack(device, "3EB01", kind=kind))
    assert state(plant, message) == ("sent", at, at)


def test_the_first_time_counts(clock: Clock, plant: Plant) -> None:
    """Each phone of a contact sends a receipt of its own."""
    device, message = sent_by_gowa(plant)
    first = clock.advance(minutes=3)
    process(plant, ack(device, "3EB01", kind="read"))
    clock.advance(minutes=3)
    assert process(plant, ack(device, "3EB01", kind="read"))["parked"] == 0
    assert state(plant, message) == ("sent", first, first)


def test_the_providers_time_counts(clock: Clock, plant: Plant) -> None:
    device, message = sent_by_gowa(plant)
    sent = clock.now
    clock.advance(hours=2)
    delivered = (sent + timedelta(minutes=1)).isoformat()
    process(plant, ack(device, "3EB01", timestamp=delivered))
    assert state(plant, message)[1] == sent + timedelta(minutes=1)


def test_one_ack_of_gowa_names_several_messages(clock: Clock, plant: Plant) -> None:
    device = plant.device(burst=50)
    messages = [plant.message(device) for _ in range(3)]
    for number, claimed in enumerate(plant.claim()):
        plant.answer(claimed, provider_message_id=f"3EB{number}")
    row = process(plant, ack(device, "3EB0", "3EB1", "3EB2", "3EB9", kind="read"))
    assert (row["applied"], row["parked"]) == (3, 1)
    assert [state(plant, message)[2] for message in messages] == [clock.now] * 3


def test_an_id_that_is_none_does_not_cost_the_others(clock: Clock, plant: Plant) -> None:
    device, message = sent_by_gowa(plant)
    webhook = gowa(device, "message.ack", ids=[None, "", "3EB01"], receipt_type="read")
    row = process(plant, webhook)
    assert (row["applied"], row["parked"], row["dead"]) == (1, 0, 0)
    assert state(plant, message)[2] == clock.now


def test_several_statuses_of_meta_in_one_body(clock: Clock, plant: Plant) -> None:
    device, message = sent_by_meta(plant)
    rows = [{"id": "wamid.1", "status": kind} for kind in ("read", "sent", "delivered")]
    assert process(plant, meta(device, change(statuses=rows)))["applied"] == 1
    assert state(plant, message) == ("sent", clock.now, clock.now)


@pytest.mark.parametrize("kind", ["sender", "retry", "server-error", "", None, "read-self"])
def test_an_ack_of_another_kind_says_nothing(clock: Clock, plant: Plant, kind: Any) -> None:
    device, message = sent_by_gowa(plant)
    row = process(plant, ack(device, "3EB01", kind=kind))
    assert (row["applied"], row["parked"], row["dead"]) == (0, 0, 0)
    assert state(plant, message) == ("sent", None, None)


def test_an_account_hears_for_its_devices(clock: Clock, plant: Plant) -> None:
    device, message = sent_by_meta(plant)
    account = plant.insert(
        "sender_accounts", user_id=plant.user, name="meta", platform="cloud_api",
        created_at=clock.now,
    )  # fmt: skip
    plant.update("user_devices", device, account_id=account)
    _, body = status(device, "wamid.1", "read")
    process(plant, (account, body), kind="account")
    assert state(plant, message)[2] == clock.now


# -- unknown ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sent", "delivered", "read"])
def test_the_echo_of_our_id_settles_an_unknown_one(clock: Clock, plant: Plant, kind: str) -> None:
    """Meta was asked, and nobody heard its answer: there is no id of the provider to match."""
    device = cloud_device(plant)
    lead = plant.lead(PHONE)
    open_window(plant, lead)
    message = plant.message(device, lead)
    row = send(plant, message, outcome="unknown")
    assert (row["status"], row["provider_message_id"]) == ("unknown", None)
    process(plant, status(device, "wamid.7", kind, ref=f"{message}:1"))
    row = plant.message_row(message)
    assert (row["status"], row["status_reason"], row["error_code"]) == ("sent", None, None)
    assert row["provider_message_id"] == "wamid.7"
    assert (row["delivered_at"] is None) == (kind == "sent")
    assert plant.value("select outcome from drip.message_attempts") == "accepted"
    assert plant.value("select sent_today from drip.device_pacing") == 1


def test_an_echo_of_another_tenants_id_settles_nothing(clock: Clock, plant: Plant) -> None:
    _, message = sent_by_meta(plant)
    plant.update("broadcast_messages", message, provider_message_id=None)
    other = plant.other_tenant()
    stranger = plant.device("cloud", user=other, platform="cloud_api")
    plant.update("user_devices", stranger, instance=NUMBER_ID)
    row = process(plant, status(stranger, "wamid.7", "read", ref=f"{message}:1"))
    assert (row["applied"], row["parked"]) == (0, 1)
    assert state(plant, message) == ("sent", None, None)


@pytest.mark.parametrize(
    "ref", ["", ":", "x", "1:", "-1:1", "99999999999999999999:1", "1:1:1", "0:0"]
)
def test_an_echo_that_is_none_of_ours_is_passed_over(clock: Clock, plant: Plant, ref: str) -> None:
    device, message = sent_by_meta(plant)
    process(plant, status(device, "wamid.1", "delivered", ref=ref))
    assert state(plant, message)[1] == clock.now


def test_a_receipt_stops_the_repeat_of_an_unknown_one(clock: Clock, plant: Plant) -> None:
    """The device's policy sends it again; the receipt comes before."""
    device = plant.device(unknown_policy="retry")
    message = plant.message(device, plant.lead(PHONE))
    plant.answer(plant.claim()[0], "unknown", provider_message_id="3EB01")
    assert plant.message_row(message)["status"] == "pending"
    process(plant, ack(device, "3EB01"))
    assert plant.message_row(message)["status"] == "sent"
    clock.advance(hours=1)
    plant.wake()
    assert plant.claim() == []


def test_a_lapsed_lease_is_settled_by_its_receipt(clock: Clock, plant: Plant) -> None:
    device = cloud_device(plant)
    lead = plant.lead(PHONE)
    open_window(plant, lead)
    message = plant.message(device, lead)
    plant.wake()
    [claimed] = plant.claim()
    clock.advance(minutes=3)
    plant.tick()
    assert plant.message_row(message)["status_reason"] == "lease_expired"
    process(plant, status(device, "wamid.1", "delivered", ref=f"{message}:{claimed['attempt']}"))
    assert plant.message_row(message)["status"] == "sent"


def test_an_arrival_settles_even_a_refused_one(clock: Clock, plant: Plant) -> None:
    """Whatever the sender said, the contact has it; and the device has sent one more today."""
    device = cloud_device(plant)
    lead = plant.lead(PHONE)
    open_window(plant, lead)
    message = plant.message(device, lead)
    send(plant, message, outcome="permanent")
    assert plant.message_row(message)["status"] == "failed"
    assert plant.value("select sent_today from drip.device_pacing") == 0
    process(plant, status(device, "wamid.1", "delivered", ref=f"{message}:1"))
    row = plant.message_row(message)
    assert (row["status"], row["delivered_at"], row["error_code"]) == ("sent", clock.now, None)
    assert plant.value("select sent_today from drip.device_pacing") == 1


def test_the_word_sent_does_not_settle_a_refused_one(clock: Clock, plant: Plant) -> None:
    device, message = sent_by_meta(plant)
    process(plant, status(device, "wamid.1", "failed", code=131026))
    process(plant, status(device, "wamid.1", "sent"))
    assert plant.message_row(message)["status"] == "failed"


# -- parked -----------------------------------------------------------------------------------


@pytest.mark.lesson(13)
def test_one_that_comes_before_the_record_is_parked(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    message = plant.message(device, plant.lead(PHONE))
    [claimed] = plant.claim()
    at = clock.advance(seconds=1)
    for kind in ("delivered", "read"):
        assert process(plant, ack(device, "3EB01", kind=kind))["parked"] == 1
    assert process(plant, ack(device, "3EB01", kind="read"))["parked"] == 0
    clock.advance(seconds=1)
    plant.answer(claimed, provider_message_id="3EB01")
    assert state(plant, message) == ("sent", at, at)
    assert parked(plant) == []


def test_one_for_a_message_in_flight_waits_though_it_names_it(clock: Clock, plant: Plant) -> None:
    """The worker holds it, and its answer is on the way."""
    device = cloud_device(plant)
    lead = plant.lead(PHONE)
    open_window(plant, lead)
    message = plant.message(device, lead)
    [claimed] = plant.claim()
    row = process(plant, status(device, "wamid.1", "delivered", ref=f"{message}:1"))
    assert (row["applied"], row["parked"]) == (0, 1)
    assert plant.message_row(message)["status"] == "processing"
    plant.answer(claimed, "unknown")
    assert state(plant, message) == ("sent", clock.now, None)
    assert parked(plant) == []


def test_one_that_nobody_matched_is_tried_again_by_the_next_tick(
    clock: Clock, plant: Plant
) -> None:
    """As when the record was written beside it: here its message comes about afterwards."""
    device = plant.device()
    process(plant, ack(device, "3EB01", kind="read"))
    message = plant.message(
        device, plant.lead(PHONE), status="sent", sent_at=clock.now, finished_at=clock.now,
        attempts=1, provider_message_id="3EB01",
    )  # fmt: skip
    assert plant.tick()["match_receipts"]["rows"] == 1
    assert state(plant, message)[2] == clock.now
    assert parked(plant) == []


def test_a_pause_of_the_ticks_loses_none(clock: Clock, plant: Plant) -> None:
    """The worker stops right after it has parked one, and comes back much later."""
    plant.tick()
    device = plant.device()
    process(plant, ack(device, "3EB01", kind="read"))
    at = clock.now
    message = plant.message(
        device, plant.lead(PHONE), status="sent", sent_at=clock.now, finished_at=clock.now,
        attempts=1, provider_message_id="3EB01",
    )  # fmt: skip
    clock.advance(hours=5)
    plant.tick()
    assert state(plant, message)[2] == at


def test_one_that_belongs_to_nobody_is_forgotten_after_14_days(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    process(plant, ack(device, "3EB0STRANGE"))
    clock.advance(days=13, hours=23)
    plant.tick()
    assert len(parked(plant)) == 1
    clock.advance(hours=2)
    plant.tick()
    assert parked(plant) == []


def test_a_message_that_an_application_holds_parks_its_receipt(
    clock: Clock, plant: Plant, connect: Any
) -> None:
    device, message = sent_by_gowa(plant)
    at = clock.advance(minutes=1)
    holder = connect(autocommit=False)
    holder.execute("select from drip.broadcast_messages where id = %s for update", [message])
    plant.conn.execute("set statement_timeout = '1s'")
    row = process(plant, ack(device, "3EB01"))
    assert (row["applied"], row["parked"]) == (0, 1)
    clock.advance(minutes=9)
    plant.tick()
    holder.rollback()
    clock.advance(minutes=9)
    plant.tick()
    assert state(plant, message) == ("sent", at, None)
    assert parked(plant) == []


# -- whose ------------------------------------------------------------------------------------


def test_another_tenants_message_with_the_same_id_stays_untouched(
    clock: Clock, plant: Plant
) -> None:
    device, message = sent_by_gowa(plant)
    other = plant.other_tenant()
    stranger = plant.device(user=other)
    theirs = plant.message(
        stranger, user=other, status="sent", sent_at=clock.now, finished_at=clock.now,
        attempts=1, provider_message_id="3EB01",
    )  # fmt: skip
    process(plant, ack(stranger, "3EB01", kind="read"))
    assert state(plant, message) == ("sent", None, None)
    assert state(plant, theirs)[2] == clock.now
    process(plant, ack(device, "3EB01"))
    assert state(plant, message)[1] == clock.now


def test_a_parked_receipt_waits_for_its_own_tenants_message(clock: Clock, plant: Plant) -> None:
    other = plant.other_tenant()
    stranger = plant.device(user=other)
    process(plant, ack(stranger, "3EB01", kind="read"))
    _, message = sent_by_gowa(plant)
    plant.tick()
    assert state(plant, message) == ("sent", None, None)
    assert len(parked(plant)) == 1


@pytest.mark.lesson(49)
def test_a_recipient_that_the_provider_writes_otherwise_is_the_same_lead(
    clock: Clock, plant: Plant
) -> None:
    """Brazil's ninth digit, Mexico's one: the provider's form comes with the receipt."""
    device = cloud_device(plant)
    lead = plant.lead("+5511987654321")
    open_window(plant, lead)
    send(plant, plant.message(device, lead), "wamid.1")
    process(plant, status(device, "wamid.1", "delivered", phone="+551187654321"))
    process(plant, wrote(device, "STOP", phone="+551187654321"))
    assert plant.value("select lead_id from drip.inbound_messages") == lead
    assert plant.value("select phone from drip.suppressions") == "+5511987654321"


def test_a_receipt_after_the_person_was_erased_brings_nothing_back(
    clock: Clock, plant: Plant
) -> None:
    device, message = sent_by_meta(plant)
    plant.row("select * from drip.erase_lead(%s)", PHONE)
    process(plant, status(device, "wamid.1", "delivered"))
    assert state(plant, message)[1] == clock.now
    assert plant.rows("select * from drip.lead_aliases") == []


# -- clocks -----------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [1, 100_000_001, 4_070_908_800, 99_999_999_999])
def test_a_wrong_clock_of_the_provider_breaks_nothing(clock: Clock, plant: Plant, at: int) -> None:
    """1970, 1973, 2099, 5138: the times stay between the claim and now."""
    device = cloud_device(plant)
    lead = plant.lead(PHONE)
    open_window(plant, lead)
    message = plant.message(device, lead)
    clock.advance(days=2)  # the message was planned long before it went
    open_window(plant, lead)
    plant.wake()
    [claimed] = plant.claim()
    claimed_at = clock.now
    sent_at = clock.advance(seconds=2)
    plant.answer(claimed, provider_message_id="wamid.1")
    clock.advance(minutes=5)
    process(plant, status(device, "wamid.1", "delivered", at=at))
    process(plant, status(device, "wamid.1", "read", at=at))
    row = plant.message_row(message)
    assert claimed_at <= row["sent_at"] <= sent_at
    assert row["sent_at"] <= row["delivered_at"] <= row["read_at"] <= clock.now


def test_nothing_arrives_before_its_claim(clock: Clock, plant: Plant) -> None:
    """A clock that is hours slow carries no message into another day."""
    device, lead = plant.device(), plant.lead(PHONE)
    message = plant.message(device, lead)
    clock.advance(days=2)
    plant.wake()
    [claimed] = plant.claim()
    claimed_at = clock.now
    clock.advance(seconds=2)
    plant.answer(claimed, provider_message_id="3EB01")
    slow = (clock.now - timedelta(hours=11)).isoformat()
    for kind in ("read", "delivered"):
        process(plant, ack(device, "3EB01", kind=kind, timestamp=slow))
    row = plant.message_row(message)
    assert [row["sent_at"], row["delivered_at"], row["read_at"]] == [claimed_at] * 3


def test_a_reply_with_a_wrong_clock_is_one(clock: Clock, plant: Plant) -> None:
    device, message = sent_by_meta(plant)
    clock.advance(hours=1)
    process(plant, wrote(device, "yes please", timestamp="100000001"))
    assert plant.message_row(message)["replied_at"] == clock.now
    assert plant.value("select last_inbound_at from drip.leads") == clock.now


def test_a_receipt_delayed_by_days_keeps_its_time(clock: Clock, plant: Plant) -> None:
    """Meta delivers a webhook for up to seven days."""
    device, message = sent_by_meta(plant)
    at = clock.advance(minutes=1)
    clock.advance(days=7)
    process(plant, status(device, "wamid.1", "delivered", at=unix(at)))
    assert state(plant, message)[1] == at


def test_a_receipt_a_little_before_our_record_of_the_send_moves_the_send(
    clock: Clock, plant: Plant
) -> None:
    """No report may say that something was delivered before it was sent."""
    device = plant.device()
    message = plant.message(device, plant.lead(PHONE))
    [claimed] = plant.claim()
    clock.advance(seconds=5)
    at = clock.now
    clock.advance(seconds=5)
    plant.answer(claimed, provider_message_id="3EB01")
    process(plant, ack(device, "3EB01", timestamp=at.isoformat()))
    row = plant.message_row(message)
    assert row["sent_at"] == row["delivered_at"] == at


# -- the queue --------------------------------------------------------------------------------


def test_it_takes_a_chunk_and_says_what_remains(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    store(plant.conn, [ack(device, f"3EB{number}") for number in range(5)])
    row = plant.row("select * from drip.process_inbound(2)")
    assert (row["read"], row["parked"], row["remaining"]) == (2, 2, 3)
    assert drain(plant)["read"] == 3
    assert plant.value("select count(*) from pgmq.q_drip_inbound") == 0
    assert plant.value("select count(*) from pgmq.a_drip_inbound") == 5


@pytest.mark.parametrize("limit", [None, 0, -5, 2_000_000])
def test_any_limit_is_one(clock: Clock, plant: Plant, limit: int | None) -> None:
    device = plant.device()
    store(plant.conn, [ack(device, "3EB1")])
    assert plant.row("select * from drip.process_inbound(%s)", limit)["read"] == 1


def test_what_was_processed_stays_for_a_week(clock: Clock, plant: Plant) -> None:
    plant.conn.execute("delete from drip.private_settings")  # the queue lives by the real clock
    process(plant, ack(plant.device(), "3EB1"))
    plant.conn.execute(
        "update pgmq.a_drip_inbound set archived_at = archived_at - interval '6 days'"
    )
    plant.tick()
    assert plant.value("select count(*) from pgmq.a_drip_inbound") == 1
    plant.conn.execute(
        "update pgmq.a_drip_inbound set archived_at = archived_at - interval '2 days'"
    )
    assert plant.tick()["prune_inbound"]["rows"] == 1
    assert plant.value("select count(*) from pgmq.a_drip_inbound") == 0
