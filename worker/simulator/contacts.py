"""The people behind the phones: they receive, read and answer, each in its time.

What a contact does with a message is drawn from the seed, the device, the phone and the number of
the message in that chat: it does not depend on what happens elsewhere at the same time.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .bodies import (
    gowa_ack,
    gowa_noise,
    gowa_reply,
    meta_noise,
    meta_notice,
    meta_reply,
    meta_status,
)
from .gowa import new_message_id
from .settings import SimulatorSettings
from .state import Interface, ReceivedMessage, Reply, State
from .webhooks import Webhooks

_KEPT_CHATS = 200_000
# Whoever takes one of these for a reply is wrong.
_NOISE_TEXTS = ("STOP", "Who comes on Saturday?", "Selamat pagi semua", "stop")


class ReplyRequest(BaseModel):
    """The body of POST /simulator/reply: a contact writes, or does one of the other things.

    ``answers``: the gateway's id of the message that is quoted. ``button``: what the tapped button
    carries, ``text`` is what it says. ``preference``: stops or resumes marketing in WhatsApp.
    ``new_phone``: the contact has changed its number. The last three are Meta's. ``edits``: id of
    an earlier message of the contact, which now reads ``text``. ``revokes``: one that it deletes.
    ``reacts_to``: a message that gets the emoji ``reaction`` (empty: the reaction is taken back).
    ``hidden``: the webhook names the contact by WhatsApp's other id alone. ``group``: it is said in
    a group.
    """

    model_config = ConfigDict(extra="forbid")

    device: Annotated[str, Field(min_length=1, max_length=200)]
    phone: Annotated[str, Field(max_length=30)]
    text: Annotated[str | None, Field(max_length=4096)] = None
    answers: Annotated[str | None, Field(max_length=200)] = None
    button: Annotated[str | None, Field(max_length=256)] = None
    preference: Literal["stop", "resume"] | None = None
    new_phone: Annotated[str | None, Field(max_length=30)] = None
    edits: Annotated[str | None, Field(max_length=200)] = None
    revokes: Annotated[str | None, Field(max_length=200)] = None
    reacts_to: Annotated[str | None, Field(max_length=200)] = None
    reaction: Annotated[str, Field(max_length=20)] = ""
    hidden: bool = False
    group: bool = False

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        given = [
            name
            for name, value in (
                ("text", self.text),
                ("preference", self.preference),
                ("new_phone", self.new_phone),
                ("revokes", self.revokes),
                ("reacts_to", self.reacts_to),
            )
            if value
        ]
        if len(given) != 1:
            raise ValueError("give one of text, preference, new_phone, revokes, reacts_to")
        if self.edits and not self.text:
            raise ValueError("an edit has a text")
        for phone in (self.phone, self.new_phone or self.phone):
            if not 7 <= len(_digits(phone)) <= 15:
                raise ValueError("a phone has 7 to 15 digits")
        return self


class NoticeRequest(BaseModel):
    """The body of POST /simulator/notice: Meta says something of an account, number or template.

    ``value`` is what Meta documents for the field; it goes out as it stands.
    """

    model_config = ConfigDict(extra="forbid")

    device: Annotated[str, Field(min_length=1, max_length=200)]
    field: Literal[
        "message_template_status_update",
        "message_template_quality_update",
        "phone_number_quality_update",
        "business_capability_update",
        "account_update",
        "account_alerts",
    ]
    value: dict[str, Any]


class Contacts:
    """Reacts to accepted messages where the device's webhooks have somewhere to go."""

    def __init__(self, state: State, webhooks: Webhooks) -> None:
        self._state = state
        self._webhooks = webhooks
        self._chats: dict[tuple[str, str], _Chat] = {}

    def forget(self) -> None:
        """Start anew."""
        self._chats.clear()

    def take(self, message: ReceivedMessage) -> None:
        """A message is on its way to its contact: plan what becomes of it."""
        settings = self._state.settings
        if settings.webhook_url(message.device) is None:
            return
        chat = self._chat(message)
        draw = random.Random(  # noqa: S311 - repeatable on purpose
            f"{settings.seed}|{message.device}|{message.phone}|{chat.count}"
        )
        plan = _Plan.drawn(settings, draw)
        is_meta = message.interface == "cloud_api"
        if is_meta:
            self._post(message.device, meta_status([message], "sent", _now()), draw)
        later = self._webhooks.later
        if plan.noise:
            later(plan.delivered_in, lambda: self._disturb(message, draw))
        if is_meta and plan.failed_code is not None:
            code = plan.failed_code
            later(plan.delivered_in, lambda: self._fail(message, code, draw))
            return
        if not plan.delivered:
            return
        first, second = plan.delivered_in, plan.delivered_in + plan.read_in
        if plan.read and plan.disorder:
            later(first, lambda: self._read(chat, message, draw))
            later(second, lambda: self._deliver(chat, message, draw, is_read=False))
        else:
            later(first, lambda: self._deliver(chat, message, draw, is_read=plan.read))
            if plan.read:
                later(second, lambda: self._read(chat, message, draw))
        if plan.auto_reply:
            text = settings.auto_reply_text
            later(first + settings.auto_reply_after, lambda: self._say(message, "text", text, draw))
        if plan.reaction:
            later(
                second if plan.read else first,
                lambda: self._say(message, "reaction", "👍", draw, changes=message.message_id),
            )
        reply_in = (second if plan.read else first) + plan.reply_in
        if is_meta and plan.preference:
            later(reply_in, lambda: self._say(message, "preference", "stop", draw))
        elif plan.reply:
            later(reply_in, lambda: self._answer(message, draw))

    def write(self, request: ReplyRequest) -> Reply | None:
        """Let a contact do something now; None where it would reach nobody."""
        device = self._state.device(request.device)
        if device is None or self._state.settings.webhook_url(request.device) is None:
            return None
        kind, text = "text", request.text or ""
        if request.button is not None:
            kind = "button"
        elif request.preference is not None:
            kind, text = "preference", request.preference
        elif request.new_phone is not None:
            kind, text = "new_number", f"+{_digits(request.new_phone)}"
        elif request.edits is not None:
            kind = "edit"
        elif request.revokes is not None:
            kind = "revoke"
        elif request.reacts_to is not None:
            kind, text = "reaction", request.reaction
        if kind in ("button", "preference", "new_number") and device.interface != "cloud_api":
            raise ValueError(f"{kind} is known to Meta's interface only")
        reply = self._note(
            device.name, device.interface, f"+{_digits(request.phone)}", kind, text, request.answers
        )
        reply.changes = request.edits or request.revokes or request.reacts_to
        reply.hidden = request.hidden
        self._send(reply, device.interface, request.button, copies=1, group=request.group)
        self._state.changed()
        return reply

    def tell(self, request: NoticeRequest) -> bool:
        """Let Meta send a notice to the device's address; False where that goes nowhere."""
        if self._state.settings.webhook_url(request.device) is None:
            return False
        self._webhooks.post(request.device, meta_notice(request.field, request.value))
        self._state.changed()
        return True

    # -- what a contact does

    def _deliver(
        self, chat: _Chat, message: ReceivedMessage, draw: random.Random, *, is_read: bool
    ) -> None:
        at = _now()
        message.delivered_at = at
        self._count(message.device, "delivered")
        if is_read and message.read_at is None:
            chat.unread.append(message)
        self._receipt([message], "delivered", at, draw)

    def _read(self, chat: _Chat, message: ReceivedMessage, draw: random.Random) -> None:
        """Opening a chat reads all that has arrived in it."""
        if message.read_at is not None:
            return
        at = _now()
        seen = [*(other for other in chat.unread if other is not message), message]
        chat.unread.clear()
        for other in seen:
            other.read_at = at
            self._count(other.device, "read")
        self._receipt(seen, "read", at, draw)

    def _fail(self, message: ReceivedMessage, code: str, draw: random.Random) -> None:
        message.failed_code = code
        self._count(message.device, "failed")
        self._post(message.device, meta_status([message], "failed", _now()), draw)

    def _answer(self, message: ReceivedMessage, draw: random.Random) -> None:
        settings = self._state.settings
        texts = list(settings.reply_texts)
        (text,) = draw.choices(texts, weights=list(settings.reply_texts.values()))
        is_quoted = draw.random() < settings.quote_rate
        is_hidden = draw.random() < settings.hidden_rate
        buttons = _buttons(message.template)
        if buttons and draw.random() < 0.5:
            payload = draw.choice(buttons)
            self._say(
                message, "button", payload, draw, payload=payload, is_quoted=True, hidden=is_hidden
            )
        else:
            self._say(message, "text", text, draw, is_quoted=is_quoted, hidden=is_hidden)

    def _say(
        self,
        message: ReceivedMessage,
        kind: str,
        text: str,
        draw: random.Random,
        *,
        payload: str | None = None,
        is_quoted: bool = False,
        hidden: bool = False,
        changes: str | None = None,
    ) -> None:
        answers = message.message_id if is_quoted else None
        reply = self._note(message.device, message.interface, message.phone, kind, text, answers)
        reply.hidden = hidden
        reply.changes = changes
        self._send(reply, message.interface, payload, copies=self._copies(draw))

    def _disturb(self, message: ReceivedMessage, draw: random.Random) -> None:
        """Something happens on the same phone that is no reply."""
        self._state.noise += 1
        text = draw.choice(_NOISE_TEXTS)
        if message.interface == "gowa":
            kind = draw.choice(("own", "group", "status"))
            body = gowa_noise(kind, message.device, message.phone, new_message_id(), text, _now())
        else:
            kind = draw.choice(("own", "other"))
            body = meta_noise(
                kind, message.device, message.phone, f"wamid.{new_message_id()}", text, _now()
            )
        self._post(message.device, body, draw)

    # -- how it is told

    def _note(
        self,
        device: str,
        interface: Interface,
        phone: str,
        kind: str,
        text: str,
        answers: str | None,
    ) -> Reply:
        prefix = "" if interface == "gowa" else "wamid."
        state = self._state
        self._count(device, "replies")
        reply = Reply(
            seq=state.counts.replies,
            sent_at=_now(),
            device=device,
            phone=phone,
            kind=kind,
            text=text,
            message_id=f"{prefix}{new_message_id()}",
            answers=answers,
        )
        state.replies.append(reply)
        return reply

    def _send(
        self,
        reply: Reply,
        interface: Interface,
        payload: str | None,
        *,
        copies: int,
        group: bool = False,
    ) -> None:
        body = (
            gowa_reply(reply, group=group)
            if interface == "gowa"
            else meta_reply(reply, payload, group=group)
        )
        self._webhooks.post(reply.device, body, copies=copies)

    def _receipt(
        self, messages: list[ReceivedMessage], kind: str, at: datetime, draw: random.Random
    ) -> None:
        make = gowa_ack if messages[0].interface == "gowa" else meta_status
        self._post(messages[0].device, make(messages, kind, at), draw)

    def _post(self, device: str, body: dict[str, Any], draw: random.Random) -> None:
        self._webhooks.post(device, body, copies=self._copies(draw))

    def _copies(self, draw: random.Random) -> int:
        return 2 if draw.random() < self._state.settings.duplicate_rate else 1

    def _count(self, device: str, what: str) -> None:
        found = self._state.devices.get(device)
        for counts in (self._state.counts, found.counts if found else None):
            if counts is not None:
                setattr(counts, what, getattr(counts, what) + 1)

    def _chat(self, message: ReceivedMessage) -> _Chat:
        key = (message.device, message.phone)
        chat = self._chats.get(key)
        if chat is None:
            if len(self._chats) >= _KEPT_CHATS:
                del self._chats[next(iter(self._chats))]
            chat = self._chats[key] = _Chat()
        chat.count += 1
        return chat


@dataclass(slots=True)
class _Chat:
    """What came from one device to one phone; ``unread``: arrived, and going to be read."""

    count: int = 0
    unread: list[ReceivedMessage] = field(default_factory=list)


@dataclass(slots=True)
class _Plan:
    """What becomes of one message; times in seconds."""

    delivered: bool
    read: bool
    reply: bool
    disorder: bool
    noise: bool
    preference: bool
    auto_reply: bool
    reaction: bool
    delivered_in: float
    read_in: float
    reply_in: float
    failed_code: str | None = None

    @classmethod
    def drawn(cls, settings: SimulatorSettings, draw: random.Random) -> _Plan:
        """Always the same number of draws, so that one setting changes one thing."""
        plan = cls(
            delivered=draw.random() < settings.delivered_rate,
            read=draw.random() < settings.read_rate,
            reply=draw.random() < settings.reply_rate,
            disorder=draw.random() < settings.disorder_rate,
            noise=draw.random() < settings.noise_rate,
            preference=draw.random() < settings.preference_rate,
            delivered_in=draw.uniform(*settings.delivered_after),
            read_in=draw.uniform(*settings.read_after),
            reply_in=draw.uniform(*settings.reply_after),
            # drawn last, so that older seeds keep their days
            auto_reply=False,
            reaction=False,
        )
        left = draw.random()
        for code, share in settings.failed_receipts.items():
            left -= share
            if left < 0:
                plan.failed_code = code
                break
        plan.auto_reply = draw.random() < settings.auto_reply_rate
        plan.reaction = draw.random() < settings.reaction_rate
        return plan


def _buttons(template: dict[str, Any] | None) -> list[str]:
    """The payloads of a template's quick replies."""
    return [
        str(parameter.get("payload"))
        for component in (template or {}).get("components") or []
        if str(component.get("type")).lower() == "button"
        and str(component.get("sub_type")).lower() == "quick_reply"
        for parameter in component.get("parameters") or []
        if parameter.get("type") == "payload"
    ]


def _digits(phone: str) -> str:
    return re.sub(r"\D", "", phone)


def _now() -> datetime:
    return datetime.now(UTC)
