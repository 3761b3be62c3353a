"""Meta's WhatsApp Cloud API, as far as pgdrip uses it: messages, and the state of a number."""

from __future__ import annotations

import base64
import hmac
import json
import re
import secrets
from typing import Any

from aiohttp import web

from .exchange import counted, hand_over
from .state import Device, Interface, ReceivedMessage, State

# A request of Meta's interface is told by its version.
PATH = re.compile(r"^/v\d+(\.\d+)?/")

_TEXT_LIMIT = 4096
_CAPTION_LIMIT = 1024
_CALLBACK_LIMIT = 512
_MEDIA = ("image", "video", "document", "audio")
_TYPES = ("text", *_MEDIA, "template")
_COMMON = {
    "messaging_product",
    "recipient_type",
    "to",
    "type",
    "biz_opaque_callback_data",
    "context",
}
_COMPONENTS = ("header", "body", "button")

# Code -> HTTP status and title; an error that is not here is a 400 without a name.
_ERRORS: dict[int, tuple[int, str]] = {
    0: (401, "AuthException"),
    1: (500, "API Unknown"),
    2: (503, "API Service"),
    3: (403, "API Method"),
    4: (400, "Application request limit reached"),
    10: (403, "Permission Denied"),
    33: (400, "Unsupported request: the object does not exist"),
    100: (400, "Invalid parameter"),
    190: (401, "Invalid OAuth access token"),
    368: (403, "Temporarily blocked for policies violations"),
    80007: (400, "Rate limit issues"),
    130429: (400, "Rate limit hit"),
    130472: (400, "User's number is part of an experiment"),
    130497: (403, "Business account is restricted from messaging users in this country"),
    131000: (500, "Something went wrong"),
    131005: (403, "Access denied"),
    131008: (400, "Required parameter is missing"),
    131009: (400, "Parameter value is not valid"),
    131016: (503, "Service unavailable"),
    131021: (400, "Recipient cannot be sender"),
    131026: (400, "Message undeliverable"),
    131030: (400, "Recipient phone number not in allowed list"),
    131031: (403, "Account has been locked"),
    131037: (400, "Display name approval is needed"),
    131042: (400, "Business eligibility payment issue"),
    131045: (500, "Incorrect certificate"),
    131047: (400, "Re-engagement message"),
    131048: (400, "Spam rate limit hit"),
    131049: (400, "Not delivered to maintain healthy ecosystem engagement"),
    131050: (400, "User has stopped marketing messages"),
    131051: (400, "Unsupported message type"),
    131052: (400, "Media download error"),
    131053: (400, "Media upload error"),
    131056: (400, "Pair rate limit hit"),
    131057: (500, "Account in maintenance mode"),
    131064: (400, "Messaging limit reached"),
    132000: (400, "Template param count mismatch"),
    132001: (404, "Template does not exist"),
    132005: (400, "Template hydrated text too long"),
    132007: (400, "Template format character policy violated"),
    132012: (400, "Template parameter format mismatch"),
    132015: (400, "Template is paused"),
    132016: (400, "Template is disabled"),
    133004: (503, "Server temporarily unavailable"),
    133010: (400, "Phone number not registered"),
    135000: (400, "Generic user error"),
    2494100: (500, "Maintenance"),
}

# The simulator's faults in Meta's words; the others have no JSON at all.
_FAULTS = {
    "not_on_whatsapp": 131026,
    "logged_out": 190,
    "timelock": 131048,
    "rate_limited": 130429,
    "upload_error": 131053,
    "error_503": 131016,
}
_BARE = {"error_500": 500, "error_502": 502, "timeout_504": 504}


class _BadRequest(Exception):
    """A request that Meta refuses: the code and what is wrong."""

    def __init__(self, code: int, details: str) -> None:
        super().__init__(details)
        self.code = code


class MetaRoutes:
    """The paths of a phone number id, and the words of the answers.

    ``token``: the bearer token that requests must carry; None: any, or none.
    """

    interface: Interface = "cloud_api"

    def __init__(self, state: State, token: str | None) -> None:
        self._state = state
        self._authorization = None if token is None else f"Bearer {token}".encode()

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Register the paths."""
        number = r"/{version:v\d+(?:\.\d+)?}/{number:[^/]+}"
        router.add_get(number, self._get_number)
        router.add_post(f"{number}/messages", counted(self._state, self._receive))

    # -- the words

    def new_id(self, phone: str) -> str:
        digits = phone.removeprefix("+").encode("ascii", "replace")
        raw = b"\x1c\x18" + bytes([len(digits)]) + digits + b"\x15\x02\x00\x11\x18\x12"
        raw += secrets.token_hex(9).upper().encode() + b"\x00"
        return f"wamid.{base64.b64encode(raw).decode()}"

    def accept(self, message: ReceivedMessage) -> web.Response:
        sent: dict[str, Any] = {"id": message.message_id}
        if message.type == "template":
            sent["message_status"] = "accepted"
        return _accepted(message, [sent])

    def refuse(self, fault: str) -> web.Response:
        if fault.isdigit():
            return error(int(fault), "as the simulator was told")
        if fault == "odd_answer":
            return web.json_response({"messaging_product": "whatsapp"})
        if fault in _BARE:
            status = _BARE[fault]
            return web.Response(status=status, text=f"<html>{status}</html>")
        return error(_FAULTS[fault], fault.replace("_", " "))

    # -- the paths

    def _number(self, request: web.Request) -> Device | web.Response:
        """The number of a request, or the answer that refuses it."""
        if self._authorization is not None:
            given = request.headers.get("Authorization", "").encode("utf-8", "replace")
            if not hmac.compare_digest(given, self._authorization):
                return error(190, "the access token could not be decrypted")
        name = request.match_info["number"]
        return self._state.device(name, "cloud_api") or error(33, f"no object with id {name[:64]}")

    async def _get_number(self, request: web.Request) -> web.Response:
        device = self._number(request)
        if isinstance(device, web.Response):
            return device
        if not device.is_logged_in:
            return self.refuse("logged_out")
        known = {
            "id": device.name,
            "display_phone_number": own_phone(device.name),
            "verified_name": device.name,
            "quality_rating": "GREEN",
            "status": "CONNECTED" if device.is_connected else "DISCONNECTED",
        }
        wanted = [name for name in request.query.get("fields", "").split(",") if name]
        for name in wanted:
            if name not in known:
                return error(100, f"tried accessing nonexisting field ({name[:64]})")
        return web.json_response(
            {name: known[name] for name in dict.fromkeys([*wanted, "id"])} if wanted else known
        )

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        device = self._number(request)
        if isinstance(device, web.Response):
            return device
        refusal = None
        fields: dict[str, Any] = {}
        try:
            fields = await _read_object(request)
            _check(fields)
        except _BadRequest as bad:
            refusal = error(bad.code, str(bad))
        message = self._state.note(device, **_noted(fields))
        return await hand_over(self._state, self, request, device, message, refusal)


def error(code: int, details: str) -> web.Response:
    """An error in Meta's words."""
    status, title = _ERRORS.get(code, (400, "Error"))
    return web.json_response(
        {
            "error": {
                "message": f"(#{code}) {title}",
                "type": "OAuthException",
                "code": code,
                "error_data": {"messaging_product": "whatsapp", "details": details},
                "fbtrace_id": secrets.token_urlsafe(17),
            }
        },
        status=status,
    )


def title_of(code: str) -> str:
    """The title of an error code, as statuses carry it."""
    return _ERRORS.get(int(code), (400, "Error"))[1]


def own_phone(number: str) -> str:
    """A number as its owner would write it; the same one for the same phone_number_id."""
    digits = sum(ord(letter) * 31**place for place, letter in enumerate(number[:32])) % 10**7
    return f"+60 12-{digits // 10_000:03d} {digits % 10_000:04d}"


def _accepted(message: ReceivedMessage, messages: list[dict[str, Any]]) -> web.Response:
    digits = message.phone[1:]
    return web.json_response(
        {
            "messaging_product": "whatsapp",
            "contacts": [{"input": digits, "wa_id": digits}],
            "messages": messages,
        }
    )


async def _read_object(request: web.Request) -> dict[str, Any]:
    try:
        fields = json.loads(await request.text())
    except (ValueError, RecursionError, web.HTTPException):
        raise _BadRequest(100, "the body is no JSON") from None
    if not isinstance(fields, dict):
        raise _BadRequest(100, "the body is no JSON object")
    return fields


def _noted(fields: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a request, also of one that is refused."""
    kind = _text_of(fields.get("type"))
    if kind not in _TYPES:
        kind = "text"
    part = fields.get(kind)
    part = part if isinstance(part, dict) else {}
    phone = _text_of(fields.get("to")).removeprefix("+")[:64]
    return {
        "kind": kind,
        "phone": phone,
        "content": _text_of(part.get("body")) or None,
        "caption": _text_of(part.get("caption")) or None,
        "media_url": _text_of(part.get("link")) or _text_of(part.get("id")) or None,
        "template": part if kind == "template" else None,
        "callback_data": _text_of(fields.get("biz_opaque_callback_data")) or None,
    }


def _check(fields: dict[str, Any]) -> None:
    """Validate a message as Meta does."""
    if fields.get("messaging_product") != "whatsapp":
        raise _BadRequest(100, "messaging_product is required, and is whatsapp")
    if not fields.get("to"):
        raise _BadRequest(100, "the parameter to is required")
    if not fields.get("type"):
        raise _BadRequest(131008, "the parameter type is required")
    if not re.fullmatch(r"\+?[1-9][0-9]{6,14}", _text_of(fields["to"])):
        raise _BadRequest(131009, "to is no phone number")
    kind = fields["type"]
    if kind not in _TYPES:
        raise _BadRequest(100, f"type is one of {', '.join(_TYPES)} here")
    for name in fields:
        if name not in _COMMON | {kind}:
            raise _BadRequest(100, f"unexpected key {name[:64]}")
    if fields.get("recipient_type", "individual") != "individual":
        raise _BadRequest(100, "recipient_type is individual here")
    callback = fields.get("biz_opaque_callback_data", "")
    if not isinstance(callback, str) or len(callback) > _CALLBACK_LIMIT:
        raise _BadRequest(100, f"biz_opaque_callback_data has at most {_CALLBACK_LIMIT} characters")
    part = fields.get(kind)
    if not isinstance(part, dict):
        raise _BadRequest(131008, f"the parameter {kind} is required")
    if kind == "text":
        _check_text(part)
    elif kind == "template":
        _check_template(part)
    else:
        _check_media(kind, part)


def _check_text(part: dict[str, Any]) -> None:
    _only(part, "text", {"body", "preview_url"})
    body = part.get("body")
    if not isinstance(body, str) or not body.strip():
        raise _BadRequest(131008, "the parameter text.body is required")
    if len(body) > _TEXT_LIMIT:
        raise _BadRequest(100, f"text.body has at most {_TEXT_LIMIT} characters")


def _check_media(kind: str, part: dict[str, Any]) -> None:
    allowed = {"link", "id", "caption", "filename"}
    if kind == "audio":
        allowed -= {"caption"}
    if kind != "document":
        allowed -= {"filename"}
    _only(part, kind, allowed)
    if ("link" in part) == ("id" in part):
        raise _BadRequest(131008, f"{kind} has either link or id")
    link = part.get("link", "https://id")
    if not re.match(r"https?://[^\s/]+", _text_of(link), re.IGNORECASE):
        raise _BadRequest(131009, f"{kind}.link is no address")
    caption = part.get("caption", "")
    if not isinstance(caption, str) or len(caption) > _CAPTION_LIMIT:
        raise _BadRequest(100, f"{kind}.caption has at most {_CAPTION_LIMIT} characters")


def _check_template(part: dict[str, Any]) -> None:
    _only(part, "template", {"name", "language", "components"})
    if not _text_of(part.get("name")):
        raise _BadRequest(131008, "the parameter template.name is required")
    language = part.get("language")
    if not isinstance(language, dict) or not _text_of(language.get("code")):
        raise _BadRequest(131008, "the parameter template.language.code is required")
    components = part.get("components", [])
    if not isinstance(components, list):
        raise _BadRequest(131009, "template.components is a list")
    for component in components:
        kind = component.get("type") if isinstance(component, dict) else None
        if not isinstance(kind, str) or kind.lower() not in _COMPONENTS:
            raise _BadRequest(131009, f"a component's type is {', '.join(_COMPONENTS)}")
        if kind.lower() == "button" and not {"sub_type", "index"} <= component.keys():
            raise _BadRequest(131008, "a button has sub_type and index")
        for parameter in component.get("parameters") or []:
            of = parameter.get("type") if isinstance(parameter, dict) else None
            if not isinstance(of, str) or of not in parameter:
                raise _BadRequest(132012, "a parameter has a type, and a value of that name")
            if of == "text" and not _text_of(parameter["text"]).strip():
                raise _BadRequest(131008, "a parameter of type text has a text")


def _only(part: dict[str, Any], name: str, allowed: set[str]) -> None:
    for key in part:
        if key not in allowed:
            raise _BadRequest(100, f"unexpected key {name}.{key[:64]}")


def _text_of(value: object) -> str:
    return value if isinstance(value, str) else ""
