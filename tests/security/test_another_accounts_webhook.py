"""A webhook proves that somebody knows one secret: it speaks of that secret's devices alone."""

from __future__ import annotations

from typing import Any

import pytest
from factory import Connect, Plant
from inbound import (
    PHONE,
    ack,
    change,
    changed_number,
    dead_letters,
    gowa,
    hurry,
    jid,
    meta,
    open_window,
    preference,
    process,
    said,
    send,
    status,
    wrote,
)
from psycopg.types.json import Jsonb

pytestmark = pytest.mark.usefixtures("clock")

OURS, THEIRS = "106540352242922", "106540352242999"


class Two:
    """Two accounts of one tenant, each with a device, and a message that the first has sent."""

    def __init__(self, plant: Plant, platform: str) -> None:
        self.plant = plant
        self.accounts = [self.account(name, platform) for name in ("first", "second")]
        self.mine, self.other = (
            self.device(f"{name} device", platform, instance, name)
            for name, instance in (("first", OURS), ("second", THEIRS))
        )
        self.lead = plant.lead(PHONE)
        open_window(plant, self.lead)
        self.message = plant.message(self.mine, self.lead)
        send(plant, self.message, "sent.1")

    def account(self, name: str, platform: str) -> int:
        return int(
            self.plant.value(
                "select account_id from drip.upsert_account(%s, %s, %s)",
                name, platform, Jsonb({"webhook_secret_name": f"{name} secret"}),
            )
        )  # fmt: skip

    def device(self, name: str, platform: str, instance: str, account: str | None) -> int:
        device = self.plant.device(name, platform=platform, account=account, burst=50)
        self.plant.update("user_devices", device, instance=instance)
        return device

    def state(self) -> Any:
        row = self.plant.message_row(self.message)
        return row["status"], row["delivered_at"], row["read_at"], row["error_code"]

    def addresses(self, place: int) -> list[tuple[str, int]]:
        """Where webhooks of the first (0) or the second account (1) arrive."""
        return [("account", self.accounts[place]), ("device", (self.mine, self.other)[place])]


@pytest.fixture
def on_meta(plant: Plant) -> Two:
    return Two(plant, "cloud_api")


@pytest.fixture
def on_gowa(plant: Plant) -> Two:
    return Two(plant, "gowa")


def nothing_happened(plant: Plant) -> bool:
    return (
        plant.rows("select from drip.suppressions") == []
        and plant.rows("select from drip.inbound_messages") == []
        and plant.rows("select from drip.lead_aliases") == []
    )


# -- receipts ---------------------------------------------------------------------------------


@pytest.mark.parametrize("number_id", [OURS, THEIRS, "unknown"])
@pytest.mark.parametrize("place", [0, 1])
def test_a_receipt_of_another_account_changes_nothing(
    plant: Plant, on_meta: Two, number_id: str, place: int
) -> None:
    """By the provider's id and by what it echoes; whichever number the body names."""
    before = on_meta.state()
    kind, target = on_meta.addresses(1)[place]
    row = process(
        plant,
        status(target, "sent.1", "read", number_id=number_id),
        status(target, "forged", "failed", code=131026, number_id=number_id,
               ref=f"{on_meta.message}:1"),
        kind=kind,
    )  # fmt: skip
    assert on_meta.state() == before
    assert row["applied"] == 0
    # what names a number of somebody else is laid aside, where operators see it
    assert row["dead"] == (2 if number_id == OURS else 0)
    assert nothing_happened(plant)


@pytest.mark.parametrize("place", [0, 1])
def test_a_receipt_of_its_own_account_counts(plant: Plant, on_meta: Two, place: int) -> None:
    kind, target = on_meta.addresses(0)[place]
    assert process(plant, status(target, "sent.1", "read", number_id=OURS), kind=kind)["dead"] == 0
    assert on_meta.state()[2] is not None


def test_gowa_at_the_address_of_another_account(plant: Plant, on_gowa: Two) -> None:
    before = on_gowa.state()
    for kind, target in on_gowa.addresses(1):
        for instance in (OURS, THEIRS, None):
            _, body = ack(target, "sent.1", kind="read")
            body = body.replace('"one"', f'"{instance}"' if instance else "null")
            process(plant, (target, body), kind=kind)
    assert on_gowa.state() == before
    _, body = ack(on_gowa.mine, "sent.1", kind="read")
    process(plant, (on_gowa.mine, body.replace('"one"', f'"{OURS}"')))
    assert on_gowa.state()[2] is not None


def test_a_secret_of_meta_does_not_reach_a_message_of_gowa(plant: Plant, on_gowa: Two) -> None:
    before = on_gowa.state()
    account = on_gowa.account("portfolio", "cloud_api")
    device = on_gowa.device("cloud", "cloud_api", "77", "portfolio")
    for kind, target in (("account", account), ("device", device)):
        process(
            plant,
            status(target, "x", "failed", code=131026, ref=f"{on_gowa.message}:1", number_id="77"),
            status(target, "sent.1", "read", number_id="77"),
            kind=kind,
        )
    assert on_gowa.state() == before


def test_a_forged_receipt_that_comes_first_takes_no_place(plant: Plant, on_meta: Two) -> None:
    """It waits, as the sender's own would: for a message that its sender sent."""
    message = plant.message(on_meta.mine, on_meta.lead)
    plant.wake()
    [claimed] = plant.claim()
    for device, number_id in ((on_meta.other, THEIRS), (on_meta.mine, OURS)):
        forged = status(device, "sent.2", "delivered", number_id=number_id)
        assert process(plant, forged)["parked"] == 1
    plant.answer(claimed, provider_message_id="sent.2")
    assert plant.message_row(message)["delivered_at"] is not None
    assert plant.rows("select device_id from drip.receipts") == [{"device_id": on_meta.other}]
    plant.tick()
    assert plant.value("select count(*) from drip.receipts") == 1


def test_a_forged_receipt_waits_and_then_does_nothing(plant: Plant, on_meta: Two) -> None:
    message = plant.message(on_meta.mine, on_meta.lead)
    plant.wake()
    [claimed] = plant.claim()
    for state in ("failed", "read"):
        process(plant, status(on_meta.other, "sent.2", state, number_id=THEIRS,
                              code=131026 if state == "failed" else None))  # fmt: skip
    plant.answer(claimed, provider_message_id="sent.2")
    plant.tick()
    row = plant.message_row(message)
    assert (row["status"], row["read_at"]) == ("sent", None)


def test_receipts_of_another_account_take_no_turn_of_others(plant: Plant, on_meta: Two) -> None:
    """A tick takes up a thousand receipts, those that may change something."""
    forged = [
        status(on_meta.other, "sent.1", state, number_id=THEIRS, ref=ref)
        for state, ref in (("read", None), ("delivered", f"{on_meta.message}:1"))
    ]
    assert process(plant, *forged)["parked"] == 2
    task = plant.row("select * from drip.tick() where task = 'match_receipts'")
    assert (task["rows"], task["error"]) == (0, None)
    assert plant.value("select count(*) from drip.receipts") == 2


# -- what people write ------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 1])
def test_nobody_is_heard_through_a_number_of_another_account(
    plant: Plant, on_meta: Two, place: int
) -> None:
    kind, target = on_meta.addresses(1)[place]
    webhooks = [
        wrote(target, "STOP", "in.1", number_id=OURS),
        changed_number(target, "+60129999999", "in.2"),
        preference(target, "stop"),
        wrote(target, "Yes, please", "in.3", number_id=OURS),
    ]
    assert process(plant, *webhooks, kind=kind)["dead"] == 4
    assert nothing_happened(plant)
    errors = {letter["error"] for letter in dead_letters(plant)}
    assert errors == {
        f"webhooks of the {kind} {target} may not report on the device of instance {OURS}"
    }
    assert {letter["user_id"] for letter in dead_letters(plant)} == {plant.user}


def test_nobody_is_heard_through_an_instance_of_another_gateway(plant: Plant, on_gowa: Two) -> None:
    for kind, target in on_gowa.addresses(1):
        _, body = said(target, "STOP", f"in.{kind}")
        forged = (target, body.replace('"one"', f'"{OURS}"'))
        assert process(plant, forged, kind=kind)["dead"] == 1
    assert nothing_happened(plant)


def test_our_own_words_through_another_gateway_settle_nothing(plant: Plant, on_gowa: Two) -> None:
    message = plant.message(on_gowa.mine, on_gowa.lead, source=Jsonb({"content": "Hello"}))
    send(plant, message, outcome="unknown")
    for kind, target in on_gowa.addresses(1):
        for instance in (OURS, THEIRS):
            _, body = gowa(target, "message", id=f"own.{kind}.{instance}", chat_id=jid(PHONE),
                           is_from_me=True, body="Hello", **{"from": jid(PHONE)})  # fmt: skip
            process(plant, (target, body.replace('"one"', f'"{instance}"')), kind=kind)
    assert plant.message_row(message)["status"] == "unknown"


def test_a_stop_over_any_device_of_the_tenant_counts_for_the_tenant(
    plant: Plant, on_meta: Two
) -> None:
    """The lead is the tenant's contact: it was the first account that wrote to it."""
    waiting = plant.message(on_meta.mine, on_meta.lead)
    process(plant, wrote(on_meta.other, "STOP", number_id=THEIRS))
    assert plant.message_row(waiting)["status_reason"] == "suppressed"
    assert plant.value("select phone from drip.suppressions") == PHONE


def test_a_stop_that_has_to_wait_for_a_lock_is_noted_only_from_its_own_device(
    plant: Plant, on_meta: Two, connect: Connect
) -> None:
    holder = connect(autocommit=False)
    holder.execute("select from drip.leads where id = %s for update", [on_meta.lead])
    forged = wrote(on_meta.other, "STOP", "in.1", number_id=OURS)
    genuine = wrote(on_meta.mine, "STOP", "in.2", number_id=OURS)
    process(plant, forged)
    assert plant.rows("select from drip.suppressions") == []
    process(plant, genuine, wrote(on_meta.mine, "STOP", "in.1", number_id=OURS))
    assert plant.value("select phone from drip.suppressions") == PHONE
    holder.rollback()
    hurry(plant.conn)
    process(plant)


# -- who shares a secret ----------------------------------------------------------------------


def test_devices_of_one_account_speak_for_each_other(plant: Plant, on_meta: Two) -> None:
    """Meta sends what all numbers of an app hear to one address."""
    second = on_meta.device("third", "cloud_api", "88", "first")
    process(plant, status(second, "sent.1", "read", number_id=OURS))
    assert on_meta.state()[2] is not None


def test_devices_without_an_account_speak_for_each_other_where_they_share_a_secret(
    plant: Plant, on_meta: Two
) -> None:
    devices = [on_meta.device(f"n{name}", "cloud_api", name, None) for name in ("71", "72", "73")]
    for device, secret in zip(devices, ("app", "app", "another"), strict=True):
        plant.update("user_devices", device, webhook_secret_name=secret)
    results = [
        process(plant, wrote(device, "Hello", f"in.{device}", number_id="71"))["dead"]
        for device in devices
    ]
    assert results == [0, 0, 1]


def test_no_secret_is_no_shared_secret(plant: Plant, on_meta: Two) -> None:
    first, second = (on_meta.device(f"n{name}", "cloud_api", name, None) for name in ("71", "72"))
    assert process(plant, wrote(second, "Hello", number_id="71"))["dead"] == 1
    assert process(plant, wrote(first, "Hello", number_id="71"))["dead"] == 0


def test_one_body_of_many_numbers_is_judged_number_by_number(plant: Plant, on_meta: Two) -> None:
    """What is its own counts, and the body is laid aside for the rest."""
    body = meta(
        on_meta.mine,
        change(number_id=OURS, statuses=[{"id": "sent.1", "status": "read"}]),
        change(number_id=THEIRS, messages=[
            {"id": "in.9", "type": "text", "text": {"body": "STOP"}, "from": PHONE.lstrip("+")}]),
    )  # fmt: skip
    assert process(plant, body)["dead"] == 1
    assert on_meta.state()[2] is not None
    assert nothing_happened(plant)
