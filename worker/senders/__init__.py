"""WhatsApp senders: one file with one class each, found here by the device's platform."""

from __future__ import annotations

import aiohttp

from ..errors import PgdripError
from ..settings import Settings
from .base import (
    DeviceHealth,
    DeviceStatus,
    Message,
    Outcome,
    Scope,
    Sender,
    Verdict,
    open_session,
)
from .cloud_api import CloudApiSender
from .gowa import GowaSender

__all__ = [
    "SENDERS",
    "DeviceHealth",
    "DeviceStatus",
    "Message",
    "Outcome",
    "Scope",
    "Sender",
    "Verdict",
    "create_sender",
    "open_session",
]

SENDERS: dict[str, type[Sender]] = {
    "cloud_api": CloudApiSender,
    "gowa": GowaSender,
}


def create_sender(platform: str, session: aiohttp.ClientSession, settings: Settings) -> Sender:
    """A sender for ``platform``; :class:`PgdripError` where this version has none."""
    sender = SENDERS.get(platform)
    if sender is None:
        raise PgdripError(
            f"This version has no sender for the platform {platform}.",
            hint=f"Known platforms: {', '.join(sorted(SENDERS))}.",
        )
    return sender(session, settings)
