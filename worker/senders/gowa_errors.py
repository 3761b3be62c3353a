"""What a refusal of GOWA means, by its code and its text (its sources, v9).

GOWA says INTERNAL_SERVER_ERROR for whatever fails between a download and WhatsApp's answer. Only
the text tells what was done by then: most steps come before the message is written, and may be
repeated; a few come after it, and then nobody knows. Each kind gets a code of its own, so that
``error_codes`` can say what follows.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .base import Scope, Verdict

# An address may hold any word, and is not what GOWA says.
_ADDRESS = re.compile(r"https?://[^\s\"]*", re.I)
_READ = 2000  # characters of a text that are looked at


class Meaning(NamedTuple):
    """What a refusal means, and the code under which ``error_codes`` knows it."""

    verdict: Verdict
    scope: Scope
    code: str


_RETRY, _PERMANENT, _UNKNOWN = Verdict.RETRY, Verdict.PERMANENT, Verdict.UNKNOWN
_MESSAGE, _DEVICE = Scope.RECIPIENT, Scope.DEVICE

# What a text begins with, in the order in which it is compared: these come before the send.
_BEFORE: tuple[tuple[str, Meaning], ...] = (
    # 404 and its like, a wrong type or size: the same address fails again
    (
        r"failed to download .*("
        r"\bstatus( code)?:? *4(?!08|25|29)\d\d\b|content[- ]type|file type|unsupported|extension"
        r"|exceeds\b|too large|not an? (image|video|audio))",
        Meaning(_PERMANENT, _MESSAGE, "MEDIA_REFUSED"),
    ),
    (r"failed to download\b", Meaning(_RETRY, _MESSAGE, "MEDIA_DOWNLOAD_FAILED")),
    (r"ffmpeg (is )?not installed", Meaning(_PERMANENT, _MESSAGE, "FFMPEG_MISSING")),
    (
        r"failed to (decode|create thumbnail|open|save|compress|convert|process|resize|encode)\b"
        r"|failed to (read|get) (image|video|audio|file)\b",
        Meaning(_RETRY, _MESSAGE, "MEDIA_PROCESSING_FAILED"),
    ),
    (
        r"failed to upload\b|failed to refresh media connections\b|upload failed with status code",
        Meaning(_RETRY, _MESSAGE, "MEDIA_UPLOAD_FAILED"),
    ),
    (
        r"(failed to (get device list|get user info|get lid|fetch lid mappings|prefetch sessions)\b"
        r".*)?\binfo query returned status 429",
        Meaning(_RETRY, _DEVICE, "LOOKUP_LIMITED"),
    ),
    (r"no lid found for\b", Meaning(_RETRY, _MESSAGE, "NO_LID")),
    (
        r"failed to (get device list|get user info|get lid|fetch lid mappings|prefetch sessions)\b",
        Meaning(_RETRY, _MESSAGE, "LOOKUP_FAILED"),
    ),
    (r"info query (timed out|returned status)", Meaning(_RETRY, _MESSAGE, "LOOKUP_FAILED")),
    (
        r"(the )?store doesn'?t contain a device jid",
        Meaning(_PERMANENT, _DEVICE, "NOT_PAIRED"),
    ),
    (
        r"(failed to send message node: )?websocket not connected",
        Meaning(_RETRY, _DEVICE, "NOT_CONNECTED"),
    ),
    (r"server returned error 463\b", Meaning(_RETRY, _MESSAGE, "WA_REACHOUT_TIMELOCK")),
    (r"server returned error \d+", Meaning(_RETRY, _MESSAGE, "WA_SERVER_ERROR")),
)
_PREFIXES = tuple((re.compile(pattern, re.I | re.S), meaning) for pattern, meaning in _BEFORE)
# After the message was written, and nothing else: what stands in a text is no proof of it.
_AFTER = re.compile(
    r"timed out waiting for (message )?send response"
    r"|websocket disconnected before message send\b.*"
    r"|failed to send message node\b.*"
    r"|context (deadline exceeded|canceled)",
    re.I | re.S,
)
_DISCONNECTED = re.compile(r"not connect(ed)? to (the )?services? server", re.I)
_LOGGED_OUT = re.compile(r"not (logged|login)( in)?\b", re.I)

_CODES = {
    "DEVICE_NOT_FOUND": Meaning(_PERMANENT, _DEVICE, "DEVICE_NOT_FOUND"),
    # the usual answer after a logout on the phone: the slot is kept without a session
    "INVALID_WA_CLI": Meaning(_PERMANENT, _DEVICE, "INVALID_WA_CLI"),
    "DEVICE_MANAGER_UNAVAILABLE": Meaning(_RETRY, _DEVICE, "DEVICE_MANAGER_UNAVAILABLE"),
    "UPLOAD_MEDIA_ERROR": Meaning(_RETRY, _MESSAGE, "UPLOAD_MEDIA_ERROR"),
}


def meaning_of(status: int, code: str, said: str) -> Meaning | None:
    """What the answer means; None where its HTTP status alone says it."""
    if code == "DEVICE_ID_REQUIRED" and status == 400:
        return Meaning(_PERMANENT, _DEVICE, code)
    if code == "AUTHENTICATION_ERROR" and status == 401:
        return _of_session(said)
    if code == "WA_REACHOUT_TIMELOCK" and status == 429:
        return Meaning(_RETRY, _MESSAGE, code)
    if code == "INTERNAL_SERVER_ERROR" and status == 500:
        return _of_failure(said)
    return _CODES.get(code)


def _of_session(said: str) -> Meaning:
    """No session, or none at this moment: whatsmeow reconnects by itself."""
    if _DISCONNECTED.search(said):
        return Meaning(_RETRY, _DEVICE, "NOT_CONNECTED")
    if _LOGGED_OUT.search(said):
        # also for seconds while it reconnects: the check of devices tells these apart
        return Meaning(_RETRY, _DEVICE, "NOT_LOGGED_IN")
    return Meaning(_PERMANENT, _DEVICE, "AUTHENTICATION_ERROR")


def _of_failure(said: str) -> Meaning:
    text = _ADDRESS.sub("[address]", said[:_READ]).strip()
    for pattern, meaning in _PREFIXES:
        if pattern.match(text):
            return meaning
    if _AFTER.fullmatch(text):
        return Meaning(_UNKNOWN, _MESSAGE, "NO_SEND_RESPONSE")
    return Meaning(_RETRY, _MESSAGE, "INTERNAL_SERVER_ERROR")
