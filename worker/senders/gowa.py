"""Sender for GOWA, go-whatsapp-web-multidevice v9 (its own documentation and sources)."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from urllib.parse import quote

import aiohttp

from .base import (
    DAY_SECONDS,
    Answer,
    DeviceHealth,
    Message,
    Outcome,
    Refused,
    Scope,
    Sender,
    Verdict,
    bad_message,
    device_secret,
    http_error,
    misconfigured,
    recipient_digits,
    text_of,
)
from .cleaning import safe_text
from .gowa_errors import meaning_of

# Kind of message -> the form field that takes a URL; the path is the field without "_url".
_MEDIA_FIELDS = {
    "image": "image_url",
    "video": "video_url",
    "document": "file_url",
    "audio": "audio_url",
}


class GowaSender(Sender):
    """Hands messages to a GOWA gateway. The secret, where a device names one, is user:password.

    ``ask_again_after``: seconds after which a device that seems logged out is asked once more.
    """

    ask_again_after = 3.0

    async def _send(self, message: Message) -> Outcome:
        try:
            endpoint, headers = _address(message.endpoint, message.instance, message.secret_name)
            path, body = _request_body(message)
            answer = await self._post(endpoint + path, headers, **body)
        except Refused as refused:
            return refused.outcome
        return _classify(answer)

    async def _health(
        self, endpoint: str | None, instance: str | None, secret_name: str | None
    ) -> DeviceHealth:
        try:
            base, headers = _address(endpoint, instance, secret_name)
        except Refused as refused:
            return DeviceHealth.needs_attention(refused.outcome.error_message or "not set up")
        address = f"{base}/devices/{quote(instance or '', safe='')}/status"
        answer = await self._ask(address, headers)
        if isinstance(answer, Answer) and _says_logged_out(answer):
            # So it says for seconds whenever it reconnects.
            await asyncio.sleep(self.ask_again_after)
            answer = await self._ask(address, headers)
        return answer if isinstance(answer, DeviceHealth) else _classify_health(answer)


def _address(
    endpoint: str | None, instance: str | None, secret_name: str | None
) -> tuple[str, dict[str, str]]:
    """Base address and headers for a device."""
    if not endpoint:
        raise misconfigured("ENDPOINT_MISSING", "the device has no endpoint")
    if not instance:
        raise misconfigured("DEVICE_ID_REQUIRED", "the device has no instance")
    if "\r" in instance or "\n" in instance:
        raise misconfigured("DEVICE_ID_REQUIRED", "the instance holds a line break")
    # GOWA decodes the header as a part of a URL: a plus would become a space
    headers = {"X-Device-Id": quote(instance, safe=""), "Accept": "application/json"}
    if secret_name:
        user, separator, password = device_secret(secret_name).partition(":")
        if not separator:
            raise misconfigured("SECRET_INVALID", f"secret {secret_name} is not user:password")
        headers["Authorization"] = aiohttp.encode_basic_auth(user, password)
    return endpoint.rstrip("/"), headers


def _request_body(message: Message) -> tuple[str, dict[str, Any]]:
    """Path and body of the request for a message."""
    phone = f"{recipient_digits(message)}@s.whatsapp.net"
    if message.message_type == "text":
        if not message.content:
            raise bad_message("a text message has no content")
        return "/send/message", {"json": {"phone": phone, "message": message.content}}
    field = _MEDIA_FIELDS.get(message.message_type)
    if field is None:
        raise bad_message(f"GOWA sends no message of type {message.message_type}")
    if not message.media_url:
        raise bad_message(f"a message of type {message.message_type} has no media URL")
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("phone", phone)
    caption = message.caption or message.content
    if caption and message.message_type != "audio":
        form.add_field("caption", caption)
    form.add_field(field, message.media_url)
    return f"/send/{field.removesuffix('_url')}", {"data": form}


def _classify(answer: Answer) -> Outcome:
    """The outcome that GOWA's answer means."""
    status = answer.status
    code = text_of(answer.body.get("code"))
    words = text_of(answer.body.get("message"))
    said = safe_text(words)
    error = code or f"HTTP_{status}"
    text = said or f"HTTP status {status}"

    if status == 200:
        results = answer.body.get("results")
        sent_id = text_of(results.get("message_id")) if isinstance(results, dict) else ""
        if code == "SUCCESS" and sent_id:
            return Outcome.accepted(sent_id)
        if code == "SUCCESS":
            return Outcome.unknown("NO_MESSAGE_ID", "success without a message id")
        return Outcome.unknown(error if code else "BAD_ANSWER", said or "unreadable answer")

    if status == 401 and code != "AUTHENTICATION_ERROR":
        # a wrong Basic password has none of GOWA's codes
        return Outcome.permanent(Scope.DEVICE, error, "gateway credentials refused")
    meaning = meaning_of(status, code, words)
    if meaning is None:
        return http_error(status, error, text, answer.retry_after)
    verdict, scope, code = meaning
    if verdict is Verdict.UNKNOWN:
        return Outcome.unknown(code, text)
    if verdict is Verdict.PERMANENT:
        return Outcome.permanent(scope, code, text)
    wait = answer.retry_after
    if code == "WA_REACHOUT_TIMELOCK":
        # No new chats for hours to days, while existing ones may go on: this contact waits.
        wait = wait or DAY_SECONDS
    return Outcome.retry(scope, code, text, wait)


def _says_logged_out(answer: Answer) -> bool:
    results = answer.body.get("results")
    return (
        answer.status == 200 and isinstance(results, dict) and results.get("is_logged_in") is False
    )


def _classify_health(answer: Answer) -> DeviceHealth:
    code = text_of(answer.body.get("code"))
    said = text_of(answer.body.get("message"))
    if answer.status == 401:
        if code == "AUTHENTICATION_ERROR":
            return DeviceHealth.needs_attention("logged out")
        return DeviceHealth.needs_attention("gateway credentials refused")
    # An unknown id is a 500 with the general code: the path is not one of a device's own.
    unknown = answer.status == 500 and re.match(r"device .*not found$", said, re.I | re.S)
    if unknown or answer.status == 404 or code in ("DEVICE_NOT_FOUND", "DEVICE_ID_REQUIRED"):
        return DeviceHealth.needs_attention("the gateway does not know the device")
    if answer.status != 200:
        return DeviceHealth.offline(f"gateway answered HTTP {answer.status}")
    results = answer.body.get("results")
    if not isinstance(results, dict):
        return DeviceHealth.offline("gateway gave an unreadable answer")
    if results.get("is_logged_in") is False:
        return DeviceHealth.needs_attention("logged out")
    if results.get("is_connected") is False:
        return DeviceHealth.offline("disconnected from WhatsApp")
    if results.get("is_logged_in") is True and results.get("is_connected") is True:
        return DeviceHealth.online()
    return DeviceHealth.offline("gateway gave an unreadable answer")
