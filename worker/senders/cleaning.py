"""Makes what a gateway says fit for rows and logs: bounded, printable, without phones and secrets.

A gateway belongs to one tenant and may say anything; the worker and its database serve all of them.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from urllib.parse import quote, quote_plus

TEXT_LIMIT = 500  # characters of a text that reaches a row
CODE_LIMIT = 64
# Ids of WhatsApp have 20 to 100 characters. An index entry of Postgres takes 2,704 bytes, and a
# character up to four.
ID_LIMIT = 256
_READ = 4096  # characters of a text that are looked at

# seven digits or more, with the separators people write into phone numbers
_PHONE = re.compile(r"\+?\d(?:[\s().-]{0,2}\d){6,}")
# error codes have digits as well, and Meta's have up to seven
_PHONE_IN_CODE = re.compile(r"\+?\d{9,}")
_OF_NUMBER = re.compile(r"[\d\s().+-]")
# below this a secret is hidden where it stands alone: "a" is in every text
_SHORT = 4

_hidden: ContextVar[tuple[str, ...]] = ContextVar("hidden", default=())


@contextmanager
def hiding(secret: str | None) -> Iterator[None]:
    """Within it, nothing that is cleaned here shows ``secret``, nor what a request makes of it."""
    token = _hidden.set((*_hidden.get(), secret) if secret else _hidden.get())
    try:
        yield
    finally:
        _hidden.reset(token)


def safe_text(text: str, *secrets: str) -> str:
    """``text`` fit for a row or a log: no phone number, no secret, at most 500 characters."""
    text = _mask(text, secrets)  # before anything is cut: half a secret is recognized by nobody
    if len(text) > _READ:
        text = _cut(text)
    text = _mask(_printable(text), secrets)
    return _within(_PHONE.sub("[number]", text), TEXT_LIMIT)


def safe_code(code: str) -> str:
    """``code`` fit for a row: one printable line of at most 64 characters, as ``safe_text``."""
    text = _printable(_mask(code)[:_READ])
    return _within(_PHONE_IN_CODE.sub("[number]", _mask(text)), CODE_LIMIT)


def is_usable_id(text: str) -> bool:
    """Whether ``text`` can be a message's id: 1 to 256 printable characters, and no secret."""
    return 0 < len(text) <= ID_LIMIT and text.isprintable() and _mask(text) == text


def _printable(text: str) -> str:
    """``text`` in one line; a NUL, a lone surrogate, a line break become a space."""
    if not text.isprintable():
        text = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(text.split())


def _cut(text: str) -> str:
    """The part that is looked at, without a number that the cut goes through."""
    end = _READ
    while end and _OF_NUMBER.match(text, end - 1):  # a search for the end would be quadratic
        end -= 1
    return text[:end]


def _within(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _mask(text: str, secrets: tuple[str, ...] = ()) -> str:
    for secret in (*_hidden.get(), *secrets):
        for form in _forms(secret):
            if len(form) >= _SHORT:
                text = text.replace(form, "[secret]")
            else:
                text = re.sub(rf"(?<!\w){re.escape(form)}(?!\w)", "[secret]", text)
    return text


@lru_cache(maxsize=1024)
def _forms(secret: str) -> tuple[str, ...]:
    """The ways in which a request, or what somebody says of it, may hold a secret.

    A secret with a colon is user:password: the password alone is one too, the user is not.
    """
    password = secret.partition(":")[2]
    forms: set[str] = set()
    for text in {secret, password} - {""}:
        raw = text.encode("utf-8", "surrogatepass")
        encoded = base64.b64encode(raw).decode()
        dumped = json.dumps(text)[1:-1]
        escaped = {quote(text, safe="", errors="replace"), quote(text, errors="replace"),
                   quote_plus(text, errors="replace")}  # fmt: skip
        forms |= {
            text,
            encoded.rstrip("="),
            base64.urlsafe_b64encode(raw).decode().rstrip("="),
            quote(encoded.rstrip("="), safe=""),
            dumped,
            dumped.replace("/", "\\/"),
            json.dumps(text, ensure_ascii=False)[1:-1],
            html.escape(text),
            repr(text)[1:-1],
            " ".join(text.split()),
        }
        forms |= escaped
        forms |= {re.sub(r"%..", lambda found: found[0].lower(), form) for form in escaped}
    # the longest first, since one may be part of another
    return tuple(sorted(forms - {""}, key=len, reverse=True))
