"""Sender for GOWA, go-whatsapp-web-multidevice v9 (its own documentation and sources)."""

from __future__ import annotations

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
    bad_message,
    device_secret,
    http_error,
    misconfigured,
    recipient_digits,
    text_of,
)
from .cleaning import safe_text

# Kind of message -> the form field that takes a URL; the path is the field without "_url".
_MEDIA_FIELDS = {
    "image": "image_url",
    "video": "video_url",
    "document": "file_url",
    "audio": "audio_url",
}
# What WhatsApp may hold although GOWA calls it an error: it stopped waiting for the answer.
_AMBIGUOUS = re.compile(r"timed? ?out|deadline exceeded|disconnected before|context canceled", re.I)


class GowaSender(Sender):
    """Hands messages to a GOWA gateway. The secret, where a device names one, is user:password."""

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
        answer = await self._ask(f"{base}/devices/{quote(instance or '', safe='')}/status", headers)
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
    headers = {"X-Device-Id": instance, "Accept": "application/json"}
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
    said = safe_text(text_of(answer.body.get("message")))
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

    if code == "DEVICE_NOT_FOUND" or (status == 400 and code == "DEVICE_ID_REQUIRED"):
        return Outcome.permanent(Scope.DEVICE, code, text)
    if status == 401:
        # A wrong Basic password is a 401 too, without GOWA's code.
        if code == "AUTHENTICATION_ERROR":
            return Outcome.permanent(Scope.DEVICE, code, "logged out")
        return Outcome.permanent(Scope.DEVICE, error, "gateway credentials refused")
    if status == 429 and code == "WA_REACHOUT_TIMELOCK":
        # No new chats for hours to days, while existing ones may go on: this contact waits.
        return Outcome.retry(Scope.RECIPIENT, code, text, answer.retry_after or DAY_SECONDS)
    if status == 500 and code == "UPLOAD_MEDIA_ERROR":
        return Outcome.retry(Scope.RECIPIENT, code, text)
    if status == 500 and code == "INTERNAL_SERVER_ERROR" and not _AMBIGUOUS.search(said):
        return Outcome.retry(Scope.RECIPIENT, code, text)
    return http_error(status, error, text, answer.retry_after)


def _classify_health(answer: Answer) -> DeviceHealth:
    code = text_of(answer.body.get("code"))
    if answer.status == 401:
        if code == "AUTHENTICATION_ERROR":
            return DeviceHealth.needs_attention("logged out")
        return DeviceHealth.needs_attention("gateway credentials refused")
    if answer.status == 404 or code in ("DEVICE_NOT_FOUND", "DEVICE_ID_REQUIRED"):
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
