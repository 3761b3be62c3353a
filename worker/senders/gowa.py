"""Sender for GOWA, go-whatsapp-web-multidevice v9 (its own documentation and sources)."""

from __future__ import annotations

import asyncio
import email.utils
import errno
import json
import re
import time
from typing import Any
from urllib.parse import quote

import aiohttp

from ..errors import PgdripError
from ..settings import resolve_secret
from .base import DeviceHealth, Message, Outcome, Scope, Sender, safe_text

# Kind of message -> the form field that takes a URL; the path is the field without "_url".
_MEDIA_FIELDS = {
    "image": "image_url",
    "video": "video_url",
    "document": "file_url",
    "audio": "audio_url",
}
_CONNECT_SECONDS = 10
_HEALTH_SECONDS = 10
_ANSWER_LIMIT = 64 * 1024
_DAY_SECONDS = 24 * 60 * 60
# What WhatsApp may hold although GOWA calls it an error: it stopped waiting for the answer.
_AMBIGUOUS = re.compile(r"timed? ?out|deadline exceeded|disconnected before|context canceled", re.I)


class _Refused(Exception):
    """A request that cannot be built, with the outcome that says why."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


class GowaSender(Sender):
    """Hands messages to a GOWA gateway. The secret, where a device names one, is user:password."""

    async def send(self, message: Message) -> Outcome:
        try:
            endpoint, headers = _address(message.endpoint, message.instance, message.secret_name)
            path, body = _request_body(message)
        except _Refused as refused:
            return refused.outcome
        try:
            async with self._session.post(
                endpoint + path,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=self._settings.http_timeout,
                    connect=_CONNECT_SECONDS,
                    sock_connect=_CONNECT_SECONDS,
                ),
                **body,
            ) as response:
                status, retry_after = response.status, _retry_after(response)
                try:
                    answer = await _read_answer(response)
                except (aiohttp.ClientError, OSError):
                    # The status came and the rest did not: an error is still an error.
                    answer = {}
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            return _failed_request(exc)
        return _classify(status, answer, retry_after)

    async def health(
        self, endpoint: str | None, instance: str | None, secret_name: str | None
    ) -> DeviceHealth:
        try:
            base, headers = _address(endpoint, instance, secret_name)
        except _Refused as refused:
            return DeviceHealth.needs_attention(refused.outcome.error_message or "not set up")
        try:
            async with self._session.get(
                f"{base}/devices/{quote(instance or '', safe='')}/status",
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=_HEALTH_SECONDS),
            ) as response:
                status, answer = response.status, await _read_answer(response)
        except aiohttp.InvalidURL:
            return DeviceHealth.needs_attention("endpoint is not a valid address")
        except (aiohttp.ClientError, OSError, ValueError):
            return DeviceHealth.offline("gateway unreachable")
        return _classify_health(status, answer)


def _address(
    endpoint: str | None, instance: str | None, secret_name: str | None
) -> tuple[str, dict[str, str]]:
    """Base address and headers for a device."""
    if not endpoint:
        raise _Refused(_misconfigured("ENDPOINT_MISSING", "the device has no endpoint"))
    if not instance:
        raise _Refused(_misconfigured("DEVICE_ID_REQUIRED", "the device has no instance"))
    if "\r" in instance or "\n" in instance:
        raise _Refused(_misconfigured("DEVICE_ID_REQUIRED", "the instance holds a line break"))
    headers = {"X-Device-Id": instance, "Accept": "application/json"}
    if secret_name:
        try:
            secret = resolve_secret(secret_name)
        except PgdripError as exc:
            raise _Refused(_misconfigured("SECRET_MISSING", exc.message)) from None
        if secret is None:
            raise _Refused(_misconfigured("SECRET_MISSING", f"secret {secret_name} is not set"))
        user, separator, password = secret.partition(":")
        if not separator:
            raise _Refused(
                _misconfigured("SECRET_INVALID", f"secret {secret_name} is not user:password")
            )
        headers["Authorization"] = aiohttp.encode_basic_auth(user, password)
    return endpoint.rstrip("/"), headers


def _misconfigured(code: str, reason: str) -> Outcome:
    return Outcome.permanent(Scope.DEVICE, code, reason)


def _request_body(message: Message) -> tuple[str, dict[str, Any]]:
    """Path and body of the request for a message."""
    digits = re.sub(r"\D", "", message.recipient_phone)
    if not digits:
        raise _Refused(_bad_message("the phone number is empty"))
    phone = f"{digits}@s.whatsapp.net"
    if message.message_type == "text":
        if not message.content:
            raise _Refused(_bad_message("a text message has no content"))
        return "/send/message", {"json": {"phone": phone, "message": message.content}}
    field = _MEDIA_FIELDS.get(message.message_type)
    if field is None:
        raise _Refused(_bad_message(f"GOWA sends no message of type {message.message_type}"))
    if not message.media_url:
        raise _Refused(_bad_message(f"a message of type {message.message_type} has no media URL"))
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("phone", phone)
    caption = message.caption or message.content
    if caption and message.message_type != "audio":
        form.add_field("caption", caption)
    form.add_field(field, message.media_url)
    return f"/send/{field.removesuffix('_url')}", {"data": form}


def _bad_message(reason: str) -> Outcome:
    return Outcome.permanent(Scope.RECIPIENT, "VALIDATION_ERROR", reason)


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
        return _misconfigured("ENDPOINT_INVALID", "the endpoint is not a valid address")
    if isinstance(exc, ValueError):
        return _bad_message("the message cannot be written into a request")
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
        return min(int(value[:9]), _DAY_SECONDS)
    try:
        seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return max(0, min(int(seconds) + 1, _DAY_SECONDS))


def _classify(status: int, answer: dict[str, Any], retry_after: int | None) -> Outcome:
    """The outcome that GOWA's answer means."""
    code = _text(answer.get("code"))
    said = safe_text(_text(answer.get("message")))
    error = code or f"HTTP_{status}"
    text = said or f"HTTP status {status}"

    if status == 200:
        results = answer.get("results")
        sent_id = _text(results.get("message_id")) if isinstance(results, dict) else ""
        if code == "SUCCESS" and sent_id:
            return Outcome.accepted(sent_id)
        if code == "SUCCESS":
            return Outcome.unknown("NO_MESSAGE_ID", "success without a message id")
        return Outcome.unknown(error if code else "BAD_ANSWER", said or "unreadable answer")

    if code == "DEVICE_NOT_FOUND" or (status == 400 and code == "DEVICE_ID_REQUIRED"):
        return Outcome.permanent(Scope.DEVICE, code, text)
    if status in (400, 413, 422):
        return Outcome.permanent(Scope.RECIPIENT, error, text)
    if status == 401:
        # A wrong Basic password is a 401 too, without GOWA's code.
        if code == "AUTHENTICATION_ERROR":
            return Outcome.permanent(Scope.DEVICE, code, "logged out")
        return Outcome.permanent(Scope.DEVICE, error, "gateway credentials refused")
    if status == 429:
        if code == "WA_REACHOUT_TIMELOCK":
            # No new chats for hours to days, while existing ones may go on: this contact waits.
            return Outcome.retry(Scope.RECIPIENT, code, text, retry_after or _DAY_SECONDS)
        return Outcome.retry(Scope.DEVICE, error, text, retry_after)
    if status == 500:
        if code == "UPLOAD_MEDIA_ERROR":
            return Outcome.retry(Scope.RECIPIENT, code, text)
        if code == "INTERNAL_SERVER_ERROR" and not _AMBIGUOUS.search(said):
            return Outcome.retry(Scope.RECIPIENT, code, text)
        return Outcome.unknown(error, text)
    if status == 503:
        return Outcome.retry(Scope.DEVICE, error, text, retry_after)
    if status == 408:
        return Outcome.retry(Scope.DEVICE, error, text)
    if 300 <= status < 400:
        return Outcome.permanent(Scope.DEVICE, error, "the gateway redirects; not followed")
    if 400 <= status < 500:
        return Outcome.permanent(Scope.DEVICE, error, text)
    # 504 after GOWA's 45 s, a proxy that lost the gateway in the middle (502 and its own codes),
    # and success of another kind than documented
    return Outcome.unknown(error, text)


def _classify_health(status: int, answer: dict[str, Any]) -> DeviceHealth:
    code = _text(answer.get("code"))
    if status == 401:
        if code == "AUTHENTICATION_ERROR":
            return DeviceHealth.needs_attention("logged out")
        return DeviceHealth.needs_attention("gateway credentials refused")
    if status == 404 or code in ("DEVICE_NOT_FOUND", "DEVICE_ID_REQUIRED"):
        return DeviceHealth.needs_attention("the gateway does not know the device")
    if status != 200:
        return DeviceHealth.offline(f"gateway answered HTTP {status}")
    results = answer.get("results")
    if not isinstance(results, dict):
        return DeviceHealth.offline("gateway gave an unreadable answer")
    if results.get("is_logged_in") is False:
        return DeviceHealth.needs_attention("logged out")
    if results.get("is_connected") is False:
        return DeviceHealth.offline("disconnected from WhatsApp")
    if results.get("is_logged_in") is True and results.get("is_connected") is True:
        return DeviceHealth.online()
    return DeviceHealth.offline("gateway gave an unreadable answer")


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
