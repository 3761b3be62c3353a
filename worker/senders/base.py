"""What every sender takes and gives back."""

from __future__ import annotations

import asyncio
import email.utils
import errno
import json
import re
import time
import traceback
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

import aiohttp
import structlog
from pydantic import BaseModel, ConfigDict, Field

from ..errors import PgdripError
from ..logs import MOST, Seldom
from ..settings import Settings, resolve_secret
from .cleaning import hiding, is_usable_id, safe_code, safe_text
from .filled import unfilled

log = structlog.get_logger("pgdrip.senders")

MessageType = Literal["text", "image", "video", "document", "audio", "template"]
DAY_SECONDS = 24 * 60 * 60

_CONNECT_SECONDS = 10
_HEALTH_SECONDS = 10
_ANSWER_LIMIT = 64 * 1024


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
    message_type: MessageType
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

    Whatever a sender puts into one is cleaned here, so that no gateway can say what the database
    refuses: texts and codes are bounded and printable, and show no phone and no secret of the
    device. An accepted message whose id cannot be used is ``unknown``, with the code BAD_ANSWER.
    """

    outcome: Verdict
    scope: Scope | None = None
    provider_message_id: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    retry_after_seconds: int | None = None

    def __post_init__(self) -> None:
        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        if self.provider_message_id is not None and not is_usable_id(self.provider_message_id):
            put("provider_message_id", None)
            if self.outcome is Verdict.ACCEPTED:
                put("outcome", Verdict.UNKNOWN)
                put("scope", Scope.RECIPIENT)
                put("error_code", "BAD_ANSWER")
                put("error_message", "the gateway took the message and gave no usable id")
        if self.error_code is not None:
            put("error_code", safe_code(self.error_code))
        if self.error_message is not None:
            put("error_message", safe_text(self.error_message))
        if self.retry_after_seconds is not None:
            put("retry_after_seconds", max(0, min(self.retry_after_seconds, DAY_SECONDS)))

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
            error_message=error_message,
            retry_after_seconds=retry_after_seconds,
        )

    @classmethod
    def permanent(cls, scope: Scope, error_code: str, error_message: str) -> Outcome:
        """Not sent, and it will not be without a change."""
        return cls(
            Verdict.PERMANENT,
            scope=scope,
            error_code=error_code,
            error_message=error_message,
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
            error_message=error_message,
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
    """A device's status and, unless it is online, the reason in a few words.

    ``quality``: the provider's rating of the number, such as GREEN, where it gives one.
    """

    status: DeviceStatus
    reason: str | None = None
    quality: str | None = None

    def __post_init__(self) -> None:
        if self.reason is not None:
            object.__setattr__(self, "reason", safe_text(self.reason))
        if self.quality is not None:
            object.__setattr__(self, "quality", safe_code(self.quality))

    @classmethod
    def online(cls) -> DeviceHealth:
        """Sending works."""
        return cls(DeviceStatus.ONLINE)

    @classmethod
    def offline(cls, reason: str) -> DeviceHealth:
        """Sending does not work now and may come back by itself."""
        return cls(DeviceStatus.OFFLINE, reason)

    @classmethod
    def needs_attention(cls, reason: str) -> DeviceHealth:
        """Sending does not work until a person does something."""
        return cls(DeviceStatus.NEEDS_ATTENTION, reason)


class Refused(Exception):
    """A hand-over that got no answer, or was not even tried, with the outcome that says why."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: its status, and its JSON object, empty where it is something else.

    ``retry_after``: seconds of the header of that name, at most a day.
    """

    status: int
    body: dict[str, Any] = field(default_factory=dict, repr=False)
    retry_after: int | None = None


class Sender(ABC):
    """One platform's way of handing a message over. Shared by all devices of that platform.

    A sender writes :meth:`_send` and :meth:`_health`; the world calls :meth:`send` and
    :meth:`health`, which see to it that nothing a gateway says does harm, and that nothing shows
    the device's secret. Neither raises for what a gateway or the network does: the answer is an
    :class:`Outcome` or a :class:`DeviceHealth`. Cancellation passes through.
    """

    def __init__(self, session: aiohttp.ClientSession, settings: Settings) -> None:
        self._session = session
        self._settings = settings

    async def send(self, message: Message) -> Outcome:
        """Hand one message over, once."""
        with hiding(_secret_or_none(message.secret_name)):
            empty = unfilled(message)
            if empty is not None:
                return bad_message(empty).outcome
            try:
                return await self._send(message)
            except Exception as exc:
                _tell(
                    exc,
                    message_id=message.message_id,
                    device_id=message.device_id,
                    attempt=message.attempt,
                )
                return Outcome.unknown("SENDER_ERROR", f"The sender failed: {exc!r}")

    async def health(
        self,
        endpoint: str | None,
        instance: str | None,
        secret_name: str | None,
        *,
        device_id: int | None = None,
    ) -> DeviceHealth:
        """Ask the gateway about one device; ``device_id`` is for the log."""
        with hiding(_secret_or_none(secret_name)):
            try:
                return await self._health(endpoint, instance, secret_name)
            except Exception as exc:
                _tell(exc, device_id=device_id)
                return DeviceHealth.offline(f"The check failed: {exc!r}")

    @abstractmethod
    async def _send(self, message: Message) -> Outcome:
        """Hand one message over, once."""

    @abstractmethod
    async def _health(
        self, endpoint: str | None, instance: str | None, secret_name: str | None
    ) -> DeviceHealth:
        """Ask the gateway about one device."""

    async def _post(self, url: str, headers: dict[str, str], **body: Any) -> Answer:
        """POST ``body``, as aiohttp names its kinds; :class:`Refused` where no status came."""
        try:
            async with self._session.post(
                url,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=self._settings.http_timeout,
                    connect=_CONNECT_SECONDS,
                    sock_connect=_CONNECT_SECONDS,
                ),
                **body,
            ) as response:
                try:
                    answer = await _read_answer(response)
                except (aiohttp.ClientError, OSError):
                    # The status came and the rest did not: an error is still an error.
                    answer = {}
                return Answer(response.status, answer, _retry_after(response))
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            raise Refused(_failed_request(exc)) from None

    async def _ask(self, url: str, headers: dict[str, str]) -> Answer | DeviceHealth:
        """GET an answer about a device, or what it means that there is none."""
        try:
            async with self._session.get(
                url,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=_HEALTH_SECONDS),
            ) as response:
                return Answer(response.status, await _read_answer(response))
        except aiohttp.InvalidURL:
            return DeviceHealth.needs_attention("endpoint is not a valid address")
        except (aiohttp.ClientError, OSError, ValueError):
            return DeviceHealth.offline("gateway unreachable")

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


def misconfigured(code: str, reason: str) -> Refused:
    """The device cannot send until somebody changes its settings."""
    return Refused(Outcome.permanent(Scope.DEVICE, code, reason))


def bad_message(reason: str) -> Refused:
    """The message cannot be sent by this platform."""
    return Refused(Outcome.permanent(Scope.RECIPIENT, "VALIDATION_ERROR", reason))


def device_secret(name: str) -> str:
    """The secret that a device names; :class:`Refused` where there is none."""
    try:
        secret = resolve_secret(name)
    except PgdripError as exc:
        raise misconfigured("SECRET_MISSING", exc.message) from None
    if secret is None:
        raise misconfigured("SECRET_MISSING", f"secret {name} is not set")
    return secret


def _secret_or_none(name: str | None) -> str | None:
    try:
        return resolve_secret(name) if name else None
    except PgdripError:
        return None


_raised = Seldom(most=MOST)


def _tell(exc: Exception, **whose: object) -> None:
    """Log what a sender raised. No traceback: its last line is the exception's text."""
    if not _raised.passes():
        return
    frame = traceback.extract_tb(exc.__traceback__)[-1]
    log.error(
        "a sender raised",
        error=safe_text(repr(exc)),
        place=f"{frame.filename.rpartition('/')[2]}:{frame.lineno}",
        **whose,
        others=_raised.take(),
    )


def recipient_digits(message: Message) -> str:
    """The recipient's phone without its plus; :class:`Refused` where it is empty."""
    digits = re.sub(r"\D", "", message.recipient_phone)
    if not digits:
        raise bad_message("the phone number is empty")
    return digits


def text_of(value: object) -> str:
    """``value`` without spaces around it where it is a text, else an empty text."""
    return value.strip() if isinstance(value, str) else ""


def http_error(status: int, error: str, text: str, retry_after: int | None = None) -> Outcome:
    """What an HTTP status means that comes without a word of the platform's own."""
    if status in (408, 429, 503):
        return Outcome.retry(Scope.DEVICE, error, text, retry_after if status != 408 else None)
    if status in (400, 413, 422):
        return Outcome.permanent(Scope.RECIPIENT, error, text)
    if 300 <= status < 400:
        return Outcome.permanent(Scope.DEVICE, error, "the gateway redirects; not followed")
    if 400 <= status < 500:
        return Outcome.permanent(Scope.DEVICE, error, text)
    # 504 of a gateway that stopped waiting, a proxy that lost it in the middle (502 and its own
    # codes), and success of another kind than documented
    return Outcome.unknown(error, text)


def _failed_request(exc: Exception) -> Outcome:
    """The outcome of a request that got no status line."""
    # Before the connection stood nothing was written: safe to try again.
    if isinstance(exc, aiohttp.ClientConnectorDNSError):
        return Outcome.retry(Scope.DEVICE, "DNS", "the gateway's host name is unknown")
    if isinstance(exc, aiohttp.ClientSSLError):
        return Outcome.retry(Scope.DEVICE, "TLS", "no TLS connection to the gateway")
    if isinstance(exc, aiohttp.ClientConnectorError):
        if exc.os_error.errno == errno.ECONNREFUSED:
            return Outcome.retry(
                Scope.DEVICE, "CONNECTION_REFUSED", "the gateway refused the connection"
            )
        return Outcome.retry(Scope.DEVICE, "CONNECTION_FAILED", "no connection to the gateway")
    if isinstance(exc, aiohttp.ConnectionTimeoutError):
        return Outcome.retry(Scope.DEVICE, "CONNECTION_FAILED", "the gateway did not pick up")
    if isinstance(exc, (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError)):
        return misconfigured("ENDPOINT_INVALID", "the endpoint is not a valid address").outcome
    if isinstance(exc, ValueError):
        return bad_message("the message cannot be written into a request").outcome
    # From here on the request may have been read.
    if isinstance(exc, asyncio.TimeoutError):
        return Outcome.unknown("TIMEOUT", "the gateway did not answer in time")
    if isinstance(exc, (aiohttp.ServerDisconnectedError, OSError)):
        return Outcome.unknown("CONNECTION_RESET", "the gateway closed the connection unanswered")
    return Outcome.unknown("BAD_ANSWER", f"the gateway's answer is no HTTP: {type(exc).__name__}")


async def _read_answer(response: aiohttp.ClientResponse) -> dict[str, Any]:
    """The JSON object of an answer; empty where it is something else or too long."""
    raw = bytearray()
    async for chunk in response.content.iter_chunked(16 * 1024):
        raw += chunk
        if len(raw) > _ANSWER_LIMIT:
            response.close()
            return {}
    try:
        answer = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _retry_after(response: aiohttp.ClientResponse) -> int | None:
    """Seconds of the header Retry-After, which is a number or a date; at most a day."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return min(int(value[:9]), DAY_SECONDS)
    try:
        seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return max(0, min(int(seconds) + 1, DAY_SECONDS))
