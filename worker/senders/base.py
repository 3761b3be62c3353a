"""What every sender takes and gives back."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

import aiohttp
from pydantic import BaseModel, ConfigDict, Field

from ..settings import Settings

MESSAGE_TYPES = ("text", "image", "video", "document", "audio", "template")

_ERROR_MESSAGE_LIMIT = 500
# seven digits or more, with the separators people write into phone numbers
_PHONE = re.compile(r"\+?\d(?:[\s().-]{0,2}\d){6,}")


class Message(BaseModel):
    """One claimed message, as ``claim_messages`` returns it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    message_id: int
    attempt: int
    user_id: int
    device_id: int
    platform: str
    endpoint: str | None = None
    instance: str | None = None
    secret_name: str | None = None
    recipient_phone: str = Field(repr=False)
    message_type: Literal["text", "image", "video", "document", "audio", "template"]
    content: str | None = Field(default=None, repr=False)
    media_url: str | None = Field(default=None, repr=False)
    caption: str | None = Field(default=None, repr=False)
    template: dict[str, Any] | None = Field(default=None, repr=False)
    lease_expires_at: datetime | None = None


class Verdict(StrEnum):
    """The four outcomes of a hand-over."""

    ACCEPTED = "accepted"
    RETRY = "retry"
    PERMANENT = "permanent"
    UNKNOWN = "unknown"


class Scope(StrEnum):
    """What a failure is about: this recipient, the whole device, or the account above it."""

    RECIPIENT = "recipient"
    DEVICE = "device"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one hand-over. Made by the four constructors.

    ``unknown`` means that WhatsApp may hold the message: it is never sent again by itself.
    """

    outcome: Verdict
    scope: Scope | None = None
    provider_message_id: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    retry_after_seconds: int | None = None

    @classmethod
    def accepted(cls, provider_message_id: str) -> Outcome:
        """The gateway took the message and named it."""
        return cls(Verdict.ACCEPTED, provider_message_id=provider_message_id)

    @classmethod
    def retry(
        cls,
        scope: Scope,
        error_code: str,
        error_message: str,
        retry_after_seconds: int | None = None,
    ) -> Outcome:
        """Not sent, for a reason that passes; the database picks the wait where none is given."""
        return cls(
            Verdict.RETRY,
            scope=scope,
            error_code=error_code,
            error_message=safe_text(error_message),
            retry_after_seconds=retry_after_seconds,
        )

    @classmethod
    def permanent(cls, scope: Scope, error_code: str, error_message: str) -> Outcome:
        """Not sent, and it will not be without a change."""
        return cls(
            Verdict.PERMANENT,
            scope=scope,
            error_code=error_code,
            error_message=safe_text(error_message),
        )

    @classmethod
    def unknown(
        cls, error_code: str, error_message: str, provider_message_id: str | None = None
    ) -> Outcome:
        """The request may have reached WhatsApp, and there is no answer that settles it."""
        return cls(
            Verdict.UNKNOWN,
            scope=Scope.RECIPIENT,
            provider_message_id=provider_message_id,
            error_code=error_code,
            error_message=safe_text(error_message),
        )

    def as_result(self, message: Message) -> dict[str, Any]:
        """One element of what ``record_results`` takes."""
        return {
            "message_id": message.message_id,
            "attempt": message.attempt,
            "outcome": self.outcome.value,
            "scope": None if self.scope is None else self.scope.value,
            "provider_message_id": self.provider_message_id,
            "error_code": self.error_code,
            "error_message": self.error_message,
            "retry_after_seconds": self.retry_after_seconds,
        }


class DeviceStatus(StrEnum):
    """What a sender can say about a device."""

    ONLINE = "online"
    OFFLINE = "offline"
    NEEDS_ATTENTION = "needs_attention"


@dataclass(frozen=True, slots=True)
class DeviceHealth:
    """A device's status and, unless it is online, the reason in a few words."""

    status: DeviceStatus
    reason: str | None = None

    @classmethod
    def online(cls) -> DeviceHealth:
        """Sending works."""
        return cls(DeviceStatus.ONLINE)

    @classmethod
    def offline(cls, reason: str) -> DeviceHealth:
        """Sending does not work now and may come back by itself."""
        return cls(DeviceStatus.OFFLINE, safe_text(reason))

    @classmethod
    def needs_attention(cls, reason: str) -> DeviceHealth:
        """Sending does not work until a person does something."""
        return cls(DeviceStatus.NEEDS_ATTENTION, safe_text(reason))


class Sender(ABC):
    """One platform's way of handing a message over. Shared by all devices of that platform.

    Neither ``send`` nor ``health`` raises for what a gateway or the network does: the answer is
    an :class:`Outcome` or a :class:`DeviceHealth`. Cancellation passes through.
    """

    def __init__(self, session: aiohttp.ClientSession, settings: Settings) -> None:
        self._session = session
        self._settings = settings

    @abstractmethod
    async def send(self, message: Message) -> Outcome:
        """Hand one message over, once."""

    @abstractmethod
    async def health(
        self, endpoint: str | None, instance: str | None, secret_name: str | None
    ) -> DeviceHealth:
        """Ask the gateway about one device."""

    async def close(self) -> None:  # noqa: B027 - most senders hold nothing
        """Give back what the sender itself opened; the session belongs to its maker."""


def open_session() -> aiohttp.ClientSession:
    """The HTTP session that senders share; the caller closes it.

    No limit on connections: the worker's send slots are the limit. A connection idle for more
    than a second is not used again, because a gateway that closes it at that very moment would
    leave an unknown outcome. No proxy from the environment, no cookies.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=1.0, ttl_dns_cache=60),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


def safe_text(text: str, *secrets: str) -> str:
    """``text`` fit for a row or a log: no phone number, no secret, at most 500 characters."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[secret]")
    text = _PHONE.sub("[number]", text.replace("\x00", ""))
    text = " ".join(text.split())
    return text if len(text) <= _ERROR_MESSAGE_LIMIT else text[: _ERROR_MESSAGE_LIMIT - 1] + "…"
