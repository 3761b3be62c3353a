"""What webhooks say, in the shapes of GOWA and of Meta."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from .meta import own_phone, title_of
from .state import ReceivedMessage, Reply

Body = dict[str, Any]

# The WhatsApp Business account of all simulated numbers.
WABA = "102290129340398"

_DESCRIPTIONS = {
    "delivered": "means the message was delivered to the device (but the user might not have "
    "noticed).",
    "read": "the user opened the chat and saw the message.",
}


# -- GOWA


def gowa_ack(messages: Sequence[ReceivedMessage], kind: str, at: datetime) -> Body:
    """A receipt of one chat, which may speak of several messages."""
    first = messages[0]
    contact = _jid(first.phone)
    payload = {
        "ids": [message.message_id for message in messages],
        "chat_id": contact,
        "from": contact,
        "from_lid": lid(first.phone),
        "receipt_type": kind,
        "receipt_type_description": _DESCRIPTIONS[kind],
    }
    return {**_gowa("message.ack", first.device, payload), "timestamp": _rfc3339(at)}


GROUP = "120363025246125486@g.us"
_GOWA_CHANGES = {
    "edit": ("message.edited", "original_message_id"),
    "reaction": ("message.reaction", "reacted_message_id"),
    "revoke": ("message.revoked", "revoked_message_id"),
}


def gowa_reply(reply: Reply, *, group: bool = False) -> Body:
    """A message of a contact, or what it does to one."""
    sender = lid(reply.phone) if reply.hidden else _jid(reply.phone)
    payload: Body = {
        "id": reply.message_id,
        "chat_id": GROUP if group else sender,
        "from": sender,
        "from_name": contact_name(reply.phone),
        "is_from_me": False,
        "timestamp": _rfc3339(reply.sent_at),
    }
    if not reply.hidden:
        payload["from_lid"] = lid(reply.phone)
    if reply.kind in _GOWA_CHANGES:
        event, field = _GOWA_CHANGES[reply.kind]
        payload[field] = reply.changes
        if reply.kind != "revoke":
            payload["body" if reply.kind == "edit" else "reaction"] = reply.text
        return _gowa(event, reply.device, payload)
    payload["body"] = reply.text
    if reply.answers is not None:
        payload["replied_to_id"] = reply.answers
    return _gowa("message", reply.device, payload)


def gowa_noise(
    kind: str, device: str, phone: str, message_id: str, text: str, at: datetime
) -> Body:
    """A message that is no reply: ``own``, written on our phone; ``group``; ``status``."""
    chat = {"own": _jid(phone), "group": GROUP, "status": "status@broadcast"}
    payload = {
        "id": message_id,
        "chat_id": chat[kind],
        "from": _own_jid(device) if kind == "own" else _jid(phone),
        "is_from_me": kind == "own",
        "body": text,
        "timestamp": _rfc3339(at),
    }
    if kind != "own":
        payload |= {"from_lid": lid(phone), "from_name": contact_name(phone)}
    return _gowa("message", device, payload)


def _gowa(event: str, device: str, payload: Body) -> Body:
    return {
        "event": event,
        "device_id": _own_jid(device),
        "session_id": device,
        "payload": payload,
    }


# -- Meta


def meta_status(messages: Sequence[ReceivedMessage], kind: str, at: datetime) -> Body:
    """The status of messages: sent, delivered, read or failed."""
    statuses = []
    for message in messages:
        status: Body = {
            "id": message.message_id,
            "status": kind,
            "timestamp": _epoch(at),
            "recipient_id": message.phone[1:],
            "recipient_user_id": user_id(message.phone),
        }
        if message.callback_data is not None:
            status["biz_opaque_callback_data"] = message.callback_data
        if kind == "failed" and message.failed_code is not None:
            title = title_of(message.failed_code)
            status["errors"] = [
                {
                    "code": int(message.failed_code),
                    "title": title,
                    "message": title,
                    "error_data": {"details": "as the simulator was told"},
                }
            ]
        statuses.append(status)
    people = [
        {"wa_id": phone[1:], "user_id": user_id(phone)}
        for phone in dict.fromkeys(message.phone for message in messages)
    ]
    return _meta(messages[0].device, "messages", {"contacts": people, "statuses": statuses})


def meta_reply(reply: Reply, payload: str | None, *, group: bool = False) -> Body:
    """What a contact wrote or did; ``payload``: what the button carries that was tapped."""
    digits = reply.phone[1:]
    contact = _contact(reply.phone)
    if reply.hidden:
        del contact["wa_id"]
    if reply.kind == "preference":
        preference = {
            "wa_id": digits,
            "user_id": user_id(reply.phone),
            "category": "marketing_messages",
            "value": reply.text,
            "detail": f"User requested to {reply.text} marketing messages",
            "timestamp": int(reply.sent_at.timestamp()),
        }
        if reply.hidden:
            del preference["wa_id"]
        value: Body = {"contacts": [contact], "user_preferences": [preference]}
        return _meta(reply.device, "user_preferences", value)
    message: Body = {
        "from": digits,
        "from_user_id": user_id(reply.phone),
        "id": reply.message_id,
        "timestamp": _epoch(reply.sent_at),
    }
    if reply.hidden:
        del message["from"]
    if group:
        message["group_id"] = GROUP
    if reply.kind == "new_number":
        new = reply.text.removeprefix("+")
        message |= {
            "type": "system",
            "system": {
                "body": f"User changed from {digits} to {new}",
                "wa_id": new,
                "type": "user_changed_number",
            },
        }
        return _meta(reply.device, "messages", {"messages": [message]})
    if reply.kind == "edit":
        edited = {"type": "text", "text": {"body": reply.text}}
        message |= {
            "type": "edit",
            "edit": {"original_message_id": reply.changes, "message": edited},
        }
    elif reply.kind == "revoke":
        message |= {"type": "revoke", "revoke": {"original_message_id": reply.changes}}
    elif reply.kind == "reaction":
        reaction = {"message_id": reply.changes}
        if reply.text:
            reaction["emoji"] = reply.text
        message |= {"type": "reaction", "reaction": reaction}
    elif reply.kind == "button":
        message |= {"type": "button", "button": {"payload": payload, "text": reply.text}}
    else:
        message |= {"type": "text", "text": {"body": reply.text}}
    if reply.answers is not None:
        sender = "".join(letter for letter in own_phone(reply.device) if letter.isdigit())
        message["context"] = {"from": sender, "id": reply.answers}
    return _meta(reply.device, "messages", {"contacts": [contact], "messages": [message]})


def meta_noise(
    kind: str, device: str, phone: str, message_id: str, text: str, at: datetime
) -> Body:
    """An event that is no reply: ``own``, written in the business app; ``other``."""
    if kind == "own":
        echo = {
            "from": "".join(letter for letter in own_phone(device) if letter.isdigit()),
            "to": phone[1:],
            "id": message_id,
            "timestamp": _epoch(at),
            "type": "text",
            "text": {"body": text},
        }
        return _meta(device, "smb_message_echoes", {"message_echoes": [echo]})
    return _meta(
        device,
        "phone_number_quality_update",
        {"event": "ONBOARDING", "current_limit": "TIER_10K"},
    )


def meta_notice(field: str, value: Body) -> Body:
    """What Meta tells of an account, a number or a template: it names no phone_number_id."""
    entry = {"id": WABA, "changes": [{"field": field, "value": value}]}
    return {"object": "whatsapp_business_account", "entry": [entry]}


def _meta(device: str, field: str, value: Body) -> Body:
    shared = {
        "messaging_product": "whatsapp",
        "metadata": {
            "display_phone_number": "".join(c for c in own_phone(device) if c.isdigit()),
            "phone_number_id": device,
        },
    }
    change = {"field": field, "value": {**shared, **value}}
    entry = {"id": WABA, "changes": [change]}
    return {"object": "whatsapp_business_account", "entry": [entry]}


def _contact(phone: str) -> Body:
    return {
        "profile": {"name": contact_name(phone)},
        "wa_id": phone[1:],
        "user_id": user_id(phone),
    }


# -- people


def contact_name(phone: str) -> str:
    """The name a contact gave itself."""
    return f"Contact {phone[-4:]}"


def user_id(phone: str) -> str:
    """Meta's id of a contact for one business."""
    return f"MY.{500_000_000_000_000 + zlib.crc32(phone.encode())}"


def lid(phone: str) -> str:
    """WhatsApp's other id of a contact."""
    return f"{100_000_000_000_000 + zlib.crc32(phone.encode())}@lid"


def _own_jid(device: str) -> str:
    return f"{''.join(letter for letter in own_phone(device) if letter.isdigit())}@s.whatsapp.net"


def _jid(phone: str) -> str:
    return f"{phone.removeprefix('+')}@s.whatsapp.net"


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _epoch(at: datetime) -> str:
    return str(int(at.timestamp()))
