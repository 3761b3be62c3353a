"""Webhooks for tests, as GOWA and Meta's Cloud API send them, and the calls that process them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from factory import Connection, Plant

Row = dict[str, Any]
# The device or account it is addressed to, and the body.
Webhook = tuple[int, str]

PHONE = "+60123456789"
NUMBER_ID = "106540352242922"


def jid(phone: str) -> str:
    """A phone as GOWA names a chat."""
    return phone if "@" in phone else f"{phone.lstrip('+')}@s.whatsapp.net"


# -- GOWA -------------------------------------------------------------------------------------


def gowa(device: int, event: str, **payload: Any) -> Webhook:
    """An event of GOWA for a device."""
    return device, json.dumps({"event": event, "device_id": "one", "payload": payload})


def ack(
    device: int, *ids: str, kind: str = "delivered", phone: str = PHONE, **more: Any
) -> Webhook:
    """message.ack of GOWA: these messages were delivered or read."""
    fields = {"ids": list(ids), "chat_id": jid(phone), "from": jid(phone), "receipt_type": kind}
    return gowa(device, "message.ack", **(fields | more))


def said(
    device: int, text: str | None, number: str = "R1", *, phone: str = PHONE, **more: Any
) -> Webhook:
    """message of GOWA: somebody writes to a device."""
    fields = {
        "id": number,
        "chat_id": jid(phone),
        "from": jid(phone),
        "is_from_me": False,
        "body": text,
    }
    return gowa(device, "message", **(fields | more))


# -- Meta -------------------------------------------------------------------------------------


def meta(device: int, *changes: Row) -> Webhook:
    """A body of Meta with these changes, each {field, value}."""
    entry = {"id": "1", "changes": list(changes)}
    return device, json.dumps({"object": "whatsapp_business_account", "entry": [entry]})


def change(field: str = "messages", *, number_id: str = NUMBER_ID, **value: Any) -> Row:
    """A change of Meta for one number."""
    metadata = {"display_phone_number": "60300000000", "phone_number_id": number_id}
    return {
        "field": field,
        "value": {"messaging_product": "whatsapp", "metadata": metadata} | value,
    }


def status(
    device: int,
    provider_id: str,
    state: str,
    *,
    at: Any = None,
    code: int | None = None,
    ref: str | None = None,
    phone: str = PHONE,
    number_id: str = NUMBER_ID,
    details: str = "why",
) -> Webhook:
    """A status of Meta: at is seconds since 1970, ref what biz_opaque_callback_data echoes."""
    row: Row = {"id": provider_id, "status": state, "recipient_id": phone.lstrip("+")}
    if at is not None:
        row["timestamp"] = str(at)
    if ref is not None:
        row["biz_opaque_callback_data"] = ref
    if code is not None:
        row["errors"] = [{"code": code, "title": "refused", "error_data": {"details": details}}]
    return meta(device, change(statuses=[row], number_id=number_id))


def wrote(
    device: int,
    text: str | None,
    number: str = "wamid.in1",
    *,
    phone: str | None = PHONE,
    number_id: str = NUMBER_ID,
    contact: Row | None = None,
    **more: Any,
) -> Webhook:
    """A message of Meta: somebody writes to a number; more replaces or adds its fields."""
    row: Row = {"id": number, "type": "text", "text": {"body": text}}
    if phone is not None:
        row["from"] = phone.lstrip("+")
    value: Row = {"messages": [row | more]}
    if contact is not None:
        value["contacts"] = [contact]
    return meta(device, change(number_id=number_id, **value))


def preference(device: int, value: str, at: int = 1772413200, phone: str = PHONE) -> Webhook:
    """user_preferences of Meta: the user stops marketing there, or lets it come again."""
    row = {
        "wa_id": phone.lstrip("+"),
        "category": "marketing_messages",
        "value": value,
        "timestamp": str(at),
    }
    return meta(device, change("user_preferences", user_preferences=[row]))


def changed_number(
    device: int, new: str, number: str = "wamid.sys1", phone: str = PHONE
) -> Webhook:
    """system message of Meta: the user has another number."""
    system = {"type": "user_changed_number", "wa_id": new.lstrip("+"), "body": "changed"}
    return wrote(device, None, number, phone=phone, type="system", system=system)


# -- processing -------------------------------------------------------------------------------


def store(conn: Connection, webhooks: Iterable[Webhook], kind: str = "device") -> None:
    """Put webhooks into the queue as the receiver does."""
    rows = list(webhooks)
    conn.execute(
        "select drip.store_webhooks(%s, %s, %s)",
        [[kind] * len(rows), [target for target, _ in rows], [body for _, body in rows]],
    )


def process(plant: Plant, *webhooks: Webhook, kind: str = "device", limit: int = 500) -> Row:
    """Store webhooks and process one chunk of the queue; what it returned."""
    if webhooks:
        store(plant.conn, webhooks, kind)
    return plant.row("select * from drip.process_inbound(%s)", limit)


def drain(plant: Plant, limit: int = 500) -> Row:
    """Process until nothing is ready; the sums of what the calls returned."""
    total: Row = {"read": 0, "applied": 0, "parked": 0, "dead": 0}
    while True:
        row = process(plant, limit=limit)
        for name in total:
            total[name] += row[name]
        if row["remaining"] == 0:
            return total


def hurry(conn: Connection) -> None:
    """Let what waits in the queue be read again at once."""
    conn.execute("update pgmq.q_drip_inbound set vt = clock_timestamp() - interval '1 second'")


def dead_letters(plant: Plant) -> list[Row]:
    """The dead letters, oldest first."""
    return plant.rows("select * from drip.dead_letters order by id")


# -- messages ---------------------------------------------------------------------------------


def cloud_device(plant: Plant, name: str = "cloud", **columns: Any) -> int:
    """A device of the Cloud API with NUMBER_ID."""
    device = plant.device(name, platform="cloud_api", burst=50, **columns)
    plant.update("user_devices", device, instance=NUMBER_ID)
    return device


def open_window(plant: Plant, *leads: int, at: datetime | None = None) -> None:
    """Let free text go to these leads through all devices of the Cloud API: they wrote then."""
    plant.conn.execute(
        "insert into drip.service_windows (lead_id, device_id, user_id, last_inbound_at)"
        " select l, d.id, d.user_id, coalesce(%s, drip.now())"
        " from unnest(%s::bigint[]) l, drip.user_devices d where d.platform = 'cloud_api'"
        " on conflict (lead_id, device_id) do update"
        " set last_inbound_at = excluded.last_inbound_at",
        [at, list(leads)],
    )
    plant.conn.execute(
        "update drip.leads set last_inbound_at = coalesce(%s, drip.now()) where id = any (%s)",
        [at, list(leads)],
    )


def send(
    plant: Plant, message: int, provider_id: str | None = None, outcome: str = "accepted"
) -> Row:
    """Claim and record that message; returns its row."""
    plant.wake()
    claimed = {row["message_id"]: row for row in plant.claim()}
    more = {"provider_message_id": provider_id} if provider_id else {}
    plant.answer(claimed[message], outcome, **more)
    return plant.message_row(message)


def send_all(plant: Plant) -> None:
    """Claim and accept everything that may go now."""
    plant.wake()
    while claimed := plant.claim():
        for row in claimed:
            plant.answer(row)
        plant.wake()
