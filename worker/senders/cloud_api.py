"""Sender for Meta's WhatsApp Cloud API (Meta's documentation of messages and error codes)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import structlog

from ..logs import MOST, Seldom
from .base import (
    Answer,
    DeviceHealth,
    DeviceStatus,
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

log = structlog.get_logger("pgdrip.senders.cloud_api")

# The version is part of a device's endpoint; this one expires in July 2028.
DEFAULT_ENDPOINT = "https://graph.facebook.com/v25.0"

_TEXT_LIMIT = 4096  # characters
_CAPTION_LIMIT = 1024
_FILENAME_LIMIT = 240
_HEALTH_FIELDS = "id,display_phone_number,quality_rating,status"

# What Meta's error codes mean, as the table of codes in the database has them from the start: a row
# there may be edited, and overrides this. Permission errors, 200 to 299, count as 200.
ERROR_CODES: dict[str, tuple[Verdict, Scope]] = {
    code: (verdict, scope)
    for verdict, scope, codes in (
        # throughput of the number; maintenance
        (Verdict.RETRY, Scope.DEVICE, "130429 131057 2494100"),
        # pair rate, marketing cap of the user; media; temporary; a flow used too often
        (Verdict.RETRY, Scope.RECIPIENT, "131056 131049 131052 131053 2 133004 131016 132069"),
        # rates of application and account
        (Verdict.RETRY, Scope.ACCOUNT, "4 80007"),
        # spam rate, cut limit; certificate, registration, number, display name; token, permission
        (
            Verdict.PERMANENT,
            Scope.DEVICE,
            "131048 131064 131045 133010 133016 33 131037 190 0 10 200 131005 3",
        ),
        # restricted, locked, unpaid
        (Verdict.PERMANENT, Scope.ACCOUNT, "368 131031 131042"),
        # the contact; the request; the template, its flow, marketing as such
        (
            Verdict.PERMANENT,
            Scope.RECIPIENT,
            "131050 131026 130472 131047 131021 131030 130497 131062 137000"
            " 131051 100 131008 131009 135000"
            " 132000 132001 132005 132007 132008 132012 132015 132016 132018 132068 131063",
        ),
        (Verdict.UNKNOWN, Scope.RECIPIENT, "131000 1"),
    )
    for code in codes.split()
}

# Errors of a question that say nothing against the device: only too many were asked.
_RATE_LIMITED = {"4", "80007", "130429"}
# States of a number that sends, if less than it could.
_SENDING_STATES = {"", "CONNECTED", "FLAGGED", "RESTRICTED", "RATE_LIMITED", "UNKNOWN"}


_held = Seldom(most=MOST)


class CloudApiSender(Sender):
    """Hands messages to Meta. A device's instance is its phone number id, its secret the token."""

    async def _send(self, message: Message) -> Outcome:
        try:
            url, headers, token = _address(message.endpoint, message.instance, message.secret_name)
            answer = await self._post(f"{url}/messages", headers, json=_request_body(message))
        except Refused as refused:
            return refused.outcome
        outcome, held = _classify(answer, token)
        if held and _held.passes():
            log.info(
                "Meta took the message and holds it back",
                message_id=message.message_id,
                device_id=message.device_id,
                attempt=message.attempt,
                message_status=safe_text(held),
                others=_held.take(),
            )
        return outcome

    async def _health(
        self, endpoint: str | None, instance: str | None, secret_name: str | None
    ) -> DeviceHealth:
        try:
            url, headers, token = _address(endpoint, instance, secret_name)
        except Refused as refused:
            return DeviceHealth.needs_attention(refused.outcome.error_message or "not set up")
        answer = await self._ask(f"{url}?fields={_HEALTH_FIELDS}", headers)
        return answer if isinstance(answer, DeviceHealth) else _classify_health(answer, token)


def _address(
    endpoint: str | None, instance: str | None, secret_name: str | None
) -> tuple[str, dict[str, str], str]:
    """Address of a device's number, headers, and the token in them."""
    if not instance:
        raise misconfigured("INSTANCE_MISSING", "the device has no instance (phone number id)")
    if not secret_name:
        raise misconfigured("SECRET_MISSING", "the device names no secret (access token)")
    token = device_secret(secret_name)
    if not re.fullmatch(r"[!-~]+", token):
        raise misconfigured("SECRET_INVALID", f"secret {secret_name} is no access token")
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    base = (endpoint or DEFAULT_ENDPOINT).rstrip("/")
    return f"{base}/{quote(instance, safe='')}", headers, token


def _request_body(message: Message) -> dict[str, Any]:
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": recipient_digits(message),
        "type": message.message_type,
        message.message_type: _payload(message),
        # Echoed in receipts: settles an unknown outcome.
        "biz_opaque_callback_data": f"{message.message_id}:{message.attempt}",
    }


def _payload(message: Message) -> dict[str, Any]:
    """The part of the request that its type names."""
    kind = message.message_type
    if kind == "text":
        if not message.content:
            raise bad_message("a text message has no content")
        return {"body": _within(message.content, _TEXT_LIMIT, "text"), "preview_url": False}
    if kind == "template":
        return _template(message.template or {})
    if not message.media_url:
        raise bad_message(f"a message of type {kind} has no media URL")
    payload: dict[str, Any] = {"link": message.media_url}
    caption = message.caption or message.content
    if caption and kind != "audio":
        payload["caption"] = _within(caption, _CAPTION_LIMIT, "caption")
    if kind == "document":
        payload["filename"] = _filename(message.media_url)
    return payload


def _within(text: str, limit: int, name: str) -> str:
    if len(text) > limit:
        raise bad_message(f"the {name} has {len(text)} characters; Meta takes {limit}")
    return text


def _template(template: dict[str, Any]) -> dict[str, Any]:
    """A stored template {name, language, components} as Meta takes it."""
    name = text_of(template.get("name"))
    if not name:
        raise bad_message("the template has no name")
    language = template.get("language")
    if isinstance(language, str):
        language = {"code": language.strip(), "policy": "deterministic"}
    if not isinstance(language, dict) or not text_of(language.get("code")):
        raise bad_message('the template has no language such as "en" or {"code": "en"}')
    payload: dict[str, Any] = {"name": name, "language": language}
    components = template.get("components")
    if components is not None and not isinstance(components, list):
        raise bad_message("the components of the template are no list")
    if components:
        payload["components"] = components
    return payload


def _filename(url: str) -> str:
    """What the contact sees of a document: the last part of its address."""
    try:
        last = unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2]
    except ValueError:
        last = ""
    printable = "".join(sign for sign in last if sign.isprintable()).strip()
    return printable[-_FILENAME_LIMIT:] or "document"


def _error(answer: Answer, token: str) -> tuple[str, str]:
    """Code and text of Meta's error; an empty code where the answer holds none."""
    error = answer.body.get("error")
    if not isinstance(error, dict):
        return "", ""
    code = error.get("code")
    if isinstance(code, bool) or not re.fullmatch(r"\d{1,9}", str(code)):
        return "", safe_text(text_of(error.get("message")), token)
    said = [text_of(error.get("message"))]
    data = error.get("error_data")
    if isinstance(data, dict):
        said.append(text_of(data.get("details")))
    number = int(str(code))
    if 200 < number <= 299:
        said.insert(0, f"code {number}")
        number = 200
    return str(number), safe_text(": ".join(filter(None, dict.fromkeys(said))), token)


def _classify(answer: Answer, token: str) -> tuple[Outcome, str]:
    """The outcome that Meta's answer means, and why an accepted message is held, if it is."""
    status = answer.status
    messages = answer.body.get("messages")
    first = messages[0] if isinstance(messages, list) and messages else None
    if status == 200 and isinstance(first, dict) and (sent_id := text_of(first.get("id"))):
        state = text_of(first.get("message_status"))
        return Outcome.accepted(sent_id), state if state not in ("", "accepted") else ""

    code, said = _error(answer, token)
    if code in ERROR_CODES:
        verdict, scope = ERROR_CODES[code]
        text = said or f"error {code}"
        if verdict is Verdict.RETRY:
            return Outcome.retry(scope, code, text), ""
        if verdict is Verdict.PERMANENT:
            return Outcome.permanent(scope, code, text), ""
        return Outcome.unknown(code, text), ""
    if code:
        text = said or f"error {code}"
        if 400 <= status < 500:
            return Outcome.permanent(Scope.RECIPIENT, code, text), ""
        return Outcome.unknown(code, text), ""
    if status == 200:
        if answer.body:
            return Outcome.unknown("NO_MESSAGE_ID", said or "success without a message id"), ""
        return Outcome.unknown("BAD_ANSWER", "unreadable answer"), ""
    text = said or f"HTTP status {status}"
    return http_error(status, f"HTTP_{status}", text, answer.retry_after), ""


def _classify_health(answer: Answer, token: str) -> DeviceHealth:
    code, said = _error(answer, token)
    if code in _RATE_LIMITED or (not code and answer.status == 429):
        return DeviceHealth.online()
    verdict, scope = ERROR_CODES.get(code, (None, None))
    # 100: there is no such number, or the token may not see it
    if code == "100" or (verdict is Verdict.PERMANENT and scope is not Scope.RECIPIENT):
        return DeviceHealth.needs_attention(said or f"error {code}")
    if not code and answer.status in (401, 403, 404):
        return DeviceHealth.needs_attention(f"gateway answered HTTP {answer.status}")
    if code or answer.status != 200:
        return DeviceHealth.offline(said or f"gateway answered HTTP {answer.status}")
    if not text_of(answer.body.get("id")):
        return DeviceHealth.offline("gateway gave an unreadable answer")
    quality = text_of(answer.body.get("quality_rating")).upper() or None
    state = text_of(answer.body.get("status")).upper()
    if state not in _SENDING_STATES:
        reason = f"Meta says the number is {state}"
        return DeviceHealth(DeviceStatus.NEEDS_ATTENTION, reason, quality)
    return DeviceHealth(DeviceStatus.ONLINE, quality=quality)
