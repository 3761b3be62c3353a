"""The simulator's own interface: its page, what came in, its settings, its contacts' replies."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web
from pydantic import ValidationError

from .contacts import NoticeRequest, ReplyRequest
from .gowa import answer
from .settings import SimulatorSettings
from .state import ReceivedMessage, Reply


class Gateway(Protocol):
    """What the paths below need of a simulator."""

    @property
    def settings(self) -> SimulatorSettings: ...

    @property
    def messages(self) -> list[ReceivedMessage]: ...

    @property
    def replies(self) -> list[Reply]: ...

    def configure(self, **changes: Any) -> SimulatorSettings: ...

    def set_device(
        self, device: str, *, is_connected: bool | None = None, is_logged_in: bool | None = None
    ) -> None: ...

    def release(self) -> int: ...

    def reset(self) -> None: ...

    def reply(self, device: str, phone: str, text: str | None = None, **more: Any) -> Reply: ...

    def notice(self, device: str, field: str, value: dict[str, Any]) -> None: ...

    def stats(self, devices: int | None = None) -> dict[str, Any]: ...


class OwnRoutes:
    """The paths ``/`` and ``/simulator/…``."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Register the paths."""
        router.add_get("/", self._get_page)
        router.add_get("/simulator/messages", self._get_messages)
        router.add_get("/simulator/replies", self._get_replies)
        router.add_get("/simulator/stats", self._get_stats)
        router.add_get("/simulator/settings", self._get_settings)
        router.add_post("/simulator/settings", self._post_settings)
        router.add_post("/simulator/reply", self._post_reply)
        router.add_post("/simulator/notice", self._post_notice)
        router.add_post("/simulator/devices/{device}", self._post_device)
        router.add_post("/simulator/release", self._post_release)
        router.add_post("/simulator/reset", self._post_reset)

    async def _get_page(self, _: web.Request) -> web.Response:
        return web.Response(
            text=_page(),
            content_type="text/html",
            headers={
                "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
                "script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; "
                "form-action 'none'; frame-ancestors 'none'",
                "Cache-Control": "no-store",
            },
        )

    async def _get_messages(self, request: web.Request) -> web.Response:
        return _listed(request, self._gateway.messages)

    async def _get_replies(self, request: web.Request) -> web.Response:
        return _listed(request, self._gateway.replies)

    async def _get_stats(self, request: web.Request) -> web.Response:
        limit = request.query.get("devices", "")
        return web.json_response(self._gateway.stats(int(limit) if limit.isdecimal() else None))

    async def _get_settings(self, _: web.Request) -> web.Response:
        return web.json_response(self._gateway.settings.model_dump(mode="json"))

    async def _post_settings(self, request: web.Request) -> web.Response:
        try:
            self._gateway.configure(**await _read_object(request))
        except ValueError as exc:
            return _refused(exc)
        return await self._get_settings(request)

    async def _post_reply(self, request: web.Request) -> web.Response:
        try:
            wanted = ReplyRequest.model_validate(await _read_object(request))
            reply = self._gateway.reply(**wanted.model_dump())
        except LookupError as exc:
            return answer(409, "NO_WEBHOOK", str(exc.args[0]))
        except ValueError as exc:
            return _refused(exc)
        return web.json_response(reply.as_json())

    async def _post_notice(self, request: web.Request) -> web.Response:
        try:
            wanted = NoticeRequest.model_validate(await _read_object(request))
            self._gateway.notice(**wanted.model_dump())
        except LookupError as exc:
            return answer(409, "NO_WEBHOOK", str(exc.args[0]))
        except ValueError as exc:
            return _refused(exc)
        return web.json_response({"told": wanted.field})

    async def _post_device(self, request: web.Request) -> web.Response:
        name = request.match_info["device"]
        try:
            state = await _read_object(request)
            if not all(
                key in ("is_connected", "is_logged_in") and isinstance(value, bool)
                for key, value in state.items()
            ):
                raise ValueError("is_connected and is_logged_in are true or false")
            self._gateway.set_device(name, **state)
        except KeyError:
            return answer(404, "DEVICE_NOT_FOUND", "device not found")
        except ValueError as exc:
            return _refused(exc)
        return web.json_response({"id": name, **state})

    async def _post_release(self, _: web.Request) -> web.Response:
        return web.json_response({"released": self._gateway.release()})

    async def _post_reset(self, _: web.Request) -> web.Response:
        self._gateway.reset()
        return web.json_response({"reset": True})


async def _read_object(request: web.Request) -> dict[str, Any]:
    fields = json.loads(await request.text())
    if not isinstance(fields, dict):
        raise ValueError("the body is a JSON object")
    return fields


def _refused(exc: ValueError) -> web.Response:
    if not isinstance(exc, ValidationError):
        return answer(400, "VALIDATION_ERROR", str(exc))
    problems = (
        f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}"
        for error in exc.errors(include_url=False, include_input=False)
    )
    return answer(400, "VALIDATION_ERROR", "; ".join(problems))


def _listed(request: web.Request, rows: Sequence[ReceivedMessage | Reply]) -> web.Response:
    """The rows after ``since``, of ``device`` and ``phone``; the newest ``limit``, oldest first."""
    try:
        since = int(request.query.get("since") or 0)
        limit = int(request.query.get("limit") or len(rows))
    except ValueError:
        return answer(400, "VALIDATION_ERROR", "since and limit are whole numbers")
    device, phone = request.query.get("device"), request.query.get("phone")
    found: list[dict[str, Any]] = []
    for row in reversed(rows):
        if row.seq <= since or len(found) >= limit:
            break
        if device in (None, "", row.device) and phone in (None, "", row.phone):
            found.append(row.as_json())
    found.reverse()
    return web.json_response(found)


@cache
def _page() -> str:
    return Path(__file__).with_name("page.html").read_text(encoding="utf-8")
