"""GOWA's interface, v9, as far as pgdrip uses it."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from aiohttp import web

from .exchange import Handler, counted, hand_over
from .state import Device, Interface, ReceivedMessage, State

_TEXT_LIMIT = 65_536


@dataclass(frozen=True, slots=True)
class _Refusal:
    """How a fault is answered."""

    status: int
    code: str
    text: str
    retry_after: int | None = None


_REFUSALS: dict[str, _Refusal] = {
    "not_on_whatsapp": _Refusal(400, "INVALID_JID", "the number is not on WhatsApp"),
    "logged_out": _Refusal(401, "AUTHENTICATION_ERROR", "the device is not logged in"),
    "timelock": _Refusal(429, "WA_REACHOUT_TIMELOCK", "no new chats for now (463)"),
    "rate_limited": _Refusal(429, "RATE_LIMITED", "too many requests", retry_after=30),
    "upload_error": _Refusal(500, "UPLOAD_MEDIA_ERROR", "the media could not be uploaded"),
    "error_500": _Refusal(500, "INTERNAL_SERVER_ERROR", "something went wrong"),
    "error_502": _Refusal(502, "BAD_GATEWAY", "bad gateway"),
    "error_503": _Refusal(503, "SERVICE_UNAVAILABLE", "service unavailable"),
    "timeout_504": _Refusal(504, "GATEWAY_TIMEOUT", "no answer from WhatsApp in time"),
    "odd_answer": _Refusal(200, "SUCCESS", "sent, without a message id"),
    # the settings' gowa_errors
    "session_gone": _Refusal(500, "INVALID_WA_CLI", "the session of the device is gone"),
    "disconnected": _Refusal(
        401, "AUTHENTICATION_ERROR", "you are not connect to services server, please reconnect"
    ),
    "not_logged_in": _Refusal(401, "AUTHENTICATION_ERROR", "you are not logged in"),
    "manager_unavailable": _Refusal(503, "DEVICE_MANAGER_UNAVAILABLE", "still starting"),
    **{
        name: _Refusal(500, "INTERNAL_SERVER_ERROR", text)
        for name, text in {
            "download_timeout": "failed to download image from URL https://media.test/a.jpg:"
            " context deadline exceeded",
            "download_404": "failed to download image from URL https://media.test/a.jpg:"
            " HTTP request failed with status: 404 Not Found",
            "upload_failed": "failed to upload file: context deadline exceeded",
            "lookup_timeout": "failed to get device list: info query timed out",
            "lookup_limited": "failed to get device list: info query returned status 429:"
            " rate-overlimit",
            "no_lid": "no LID found for 60123456789@s.whatsapp.net from server",
            "ffmpeg_missing": "ffmpeg not installed",
            "websocket_down": "websocket not connected",
            "not_paired": "the store doesn't contain a device JID",
            "server_error": "server returned error 479",
            "server_error_463": "server returned error 463",
            "no_send_response": "timed out waiting for message send response",
            "disconnected_after": "websocket disconnected before message send returned response",
            "bare_deadline": "context deadline exceeded",
        }.items()
    },
}


class _BadRequest(Exception):
    """A request that GOWA refuses by validation."""


@dataclass(frozen=True, slots=True)
class _Form:
    """The fields of a send, as far as they could be read."""

    phone: str
    content: str | None = None
    caption: str | None = None
    media_url: str | None = None
    problem: str | None = None


def new_message_id() -> str:
    """An id such as WhatsApp Web gives."""
    return f"3EB0{secrets.token_hex(9).upper()}"


class GowaRoutes:
    """The paths of GOWA, and the words of its answers."""

    interface: Interface = "gowa"

    def __init__(self, state: State) -> None:
        self._state = state

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Register the paths."""
        router.add_get("/health", self._get_health)
        router.add_get("/devices", self._get_devices)
        router.add_get("/devices/{device}/status", self._get_device_status)
        router.add_get("/user/check", self._check_user)
        router.add_post("/send/chat-presence", self._send_presence)
        for path, kind in (
            ("message", "text"),
            ("image", "image"),
            ("video", "video"),
            ("file", "document"),
            ("audio", "audio"),
        ):
            router.add_post(f"/send/{path}", counted(self._state, self._receiver(kind)))
        for act in ("login", "logout", "reconnect"):
            for method in ("GET", "POST"):
                router.add_route(method, f"/devices/{{device}}/{act}", self._device_act(act))

    # -- the words

    def new_id(self, phone: str) -> str:
        return new_message_id()

    def accept(self, message: ReceivedMessage) -> web.Response:
        results = {"message_id": message.message_id, "status": f"sent to {message.phone[1:]}"}
        return answer(200, "SUCCESS", "message sent", results)

    def refuse(self, fault: str) -> web.Response:
        refusal = _REFUSALS[fault]
        response = answer(refusal.status, refusal.code, refusal.text)
        if refusal.retry_after is not None:
            response.headers["Retry-After"] = str(refusal.retry_after)
        return response

    # -- the paths

    def _named_device(self, request: web.Request) -> Device | web.Response:
        """The device of a request, or the answer that refuses it."""
        # GOWA decodes the header as a part of a URL
        name = (
            unquote_plus(request.headers.get("X-Device-Id", ""))
            or request.query.get("device_id")
            or ""
        )
        if not name:
            return answer(400, "DEVICE_ID_REQUIRED", "device id is required")
        return self._state.device(name, "gowa") or _unknown_device()

    async def _get_health(self, _: web.Request) -> web.Response:
        return answer(200, "SUCCESS", "ok", {"status": "ok"})

    async def _get_devices(self, _: web.Request) -> web.Response:
        devices = [device.state() for device in self._state.devices.values()]
        return answer(200, "SUCCESS", "devices", devices)

    async def _get_device_status(self, request: web.Request) -> web.Response:
        device = self._state.device(request.match_info["device"])
        if device is None:
            return _unknown_device()
        return answer(200, "SUCCESS", "device status", device.state())

    def _device_act(self, act: str) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            device = self._state.device(request.match_info["device"])
            if device is None:
                return _unknown_device()
            if act == "logout":
                device.is_logged_in = device.is_connected = False
            elif act == "login":
                device.is_logged_in = device.is_connected = True
            else:
                device.is_connected = device.is_logged_in
            return answer(200, "SUCCESS", act, device.state())

        return handle

    async def _check_user(self, request: web.Request) -> web.Response:
        device = self._named_device(request)
        if isinstance(device, web.Response):
            return device
        try:
            phone = _parse_phone(request.query.get("phone"))
        except _BadRequest as bad:
            return answer(400, "VALIDATION_ERROR", str(bad))
        known = phone not in self._state.settings.phones.get("not_on_whatsapp", ())
        return answer(200, "SUCCESS", "user checked", {"is_on_whatsapp": known})

    async def _send_presence(self, request: web.Request) -> web.Response:
        device = self._named_device(request)
        if isinstance(device, web.Response):
            return device
        try:
            fields = await _read_fields(request)
            _parse_phone(fields.get("phone"))
            if fields.get("action") not in ("start", "stop"):
                raise _BadRequest("action: must be start or stop")
        except _BadRequest as bad:
            return answer(400, "VALIDATION_ERROR", str(bad))
        if not device.is_usable:
            return self.refuse("logged_out")
        self._state.presences += 1
        return answer(200, "SUCCESS", "chat presence sent", {"status": "ok"})

    def _receiver(self, kind: str) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            device = self._named_device(request)
            if isinstance(device, web.Response):
                return device
            form = await _read_form(request, kind)
            message = self._state.note(
                device,
                kind,
                form.phone,
                content=form.content,
                caption=form.caption,
                media_url=form.media_url,
            )
            refusal = None
            if form.problem is not None:
                refusal = answer(400, "VALIDATION_ERROR", form.problem)
            return await hand_over(self._state, self, request, device, message, refusal)

        return handle


def answer(status: int, code: str, text: str, results: object = None) -> web.Response:
    """An answer in GOWA's words."""
    body: dict[str, Any] = {"status": status, "code": code, "message": text}
    if results is not None:
        body["results"] = results
    return web.json_response(body, status=status)


def _unknown_device() -> web.Response:
    return answer(404, "DEVICE_NOT_FOUND", "device not found")


async def _read_fields(request: web.Request) -> dict[str, Any]:
    """The fields of a JSON object or of a form; an uploaded file is its size in bytes."""
    try:
        if request.content_type == "application/json":
            fields = json.loads(await request.text())
            if not isinstance(fields, dict):
                raise _BadRequest("the body is not a JSON object")
            return fields
        form = await request.post()
    except (ValueError, AssertionError, web.HTTPException) as exc:
        raise _BadRequest(f"the body cannot be read: {type(exc).__name__}") from None
    return {
        name: len(value.file.read()) if isinstance(value, web.FileField) else value
        for name, value in form.items()
    }


async def _read_form(request: web.Request, kind: str) -> _Form:
    """A send request, checked as GOWA checks it."""
    try:
        fields = await _read_fields(request)
    except _BadRequest as bad:
        return _Form(phone="", problem=str(bad))
    given = _text_of(fields.get("phone"))
    try:
        phone = _parse_phone(fields.get("phone"))
    except _BadRequest as bad:
        return _Form(phone=given[:64], problem=str(bad))
    if kind == "text":
        content = _text_of(fields.get("message"))
        problem = None
        if not content.strip():
            problem = "message: cannot be blank."
        elif len(content) > _TEXT_LIMIT:
            problem = "message: is too long."
        return _Form(phone, content=content[:_TEXT_LIMIT], problem=problem)
    part = "file" if kind == "document" else kind
    url = _text_of(fields.get(f"{part}_url"))
    upload = fields.get(part)
    caption = _text_of(fields.get("caption"))[:_TEXT_LIMIT] or None
    problem = None
    if kind == "audio" and caption:
        problem = "caption: audio has none."
    elif not url and not upload:
        problem = f"{part}: a file or {part}_url is required."
    elif url and not re.match(r"https?://[^\s/]+", url, re.IGNORECASE):
        problem = f"{part}_url: must be a valid URL."
    return _Form(phone, caption=caption, media_url=url or None, problem=problem)


def _text_of(value: object) -> str:
    return value if isinstance(value, str) else ""


def _parse_phone(value: object) -> str:
    """The digits of a recipient; a leading zero, groups and other ids are refused."""
    text = _text_of(value).strip()
    digits, _, server = text.partition("@")
    if not text:
        raise _BadRequest("phone: cannot be blank.")
    if server not in ("", "s.whatsapp.net"):
        raise _BadRequest("phone: only single recipients are simulated.")
    if not (digits.isascii() and digits.isdigit()):
        raise _BadRequest("phone: must be digits.")
    if digits.startswith("0"):
        raise _BadRequest("phone: must be in international format, without a leading 0.")
    if len(digits) > 15:
        raise _BadRequest("phone: more than 15 digits are a group.")
    return digits
