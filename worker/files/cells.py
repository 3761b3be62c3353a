"""Cells as people write them: what is invisible or a spreadsheet's, and several phones in one."""

from __future__ import annotations

import re

# Marks that nobody sees, at the ends of a cell only: inside they hold emoji and scripts together.
_ENDS = " \t\r\n\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff"
# What begins a formula in a spreadsheet; some skip the white space before it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", " ", "＝", "＋", "－", "＠")
_NOTHING = frozenset({"", "-", "--", "—", "n/a", "na", "n.a.", "nil", "null", "none", "#n/a", "?"})

# Between two numbers: signs, words, a line break; a blank only between whole numbers.
_BETWEEN = re.compile(
    r"\s*(?:[;,|&\r\n]|:::|(?<=\d)\s+(?:or|and|dan|atau|o|y|e|ou|et|und|oder)\s+(?=[+(\d])"
    r"|(?<=\d{9})\s+(?=\+?\d{9,}))\s*"
)


def clean(text: str) -> str:
    """A cell without what is invisible, and without the apostrophe that marks a text."""
    if text.startswith("'") and text[1:].startswith(_FORMULA):
        text = text[1:]
    if "\x00" in text:
        text = text.replace("\x00", "")
    return text.replace("\u00a0", " ").strip(_ENDS).strip()


def no_formula(text: str) -> str:
    """A cell that no spreadsheet takes for a formula; clean() reads it back."""
    is_phone = re.fullmatch(r"\+\d[\d ]*", text) is not None
    return f"'{text}" if text.startswith(_FORMULA) and not is_phone else text


def is_nothing(text: str) -> bool:
    """Whether a cell says that there is no value."""
    return text.lower() in _NOTHING


def split_phones(text: str) -> list[str]:
    """The phones in a cell; a cell that holds one comes back as it is."""
    if len(text) < 15:
        return [text] if text else []
    parts = [part for part in _BETWEEN.split(text) if part]
    if sum(_digits(part) >= 6 for part in parts) < 2:
        parts = [text]
    return [number for part in parts for number in _split_at_slash(part)]


def _split_at_slash(text: str) -> list[str]:
    """012-3456701 / 013-3456702 are two; +49 (0)6221/1234567 and 012/3456789 are one."""
    if "://" in text:
        text = text.replace("://", ":\x01\x01")
    parts = [part.strip() for part in text.replace("wa.me/", "wa.me\x01").split("/")]
    counts = [_digits(part) for part in parts]
    if len(parts) < 2 or counts[0] < 8 or min(counts[1:]) < 7:
        parts = ["/".join(parts)] if len(parts) > 1 else parts
    return [part.replace("\x01", "/") for part in parts]


def _digits(text: str) -> int:
    return sum(c.isdigit() for c in text)


def looks_like_phone(text: str) -> bool:
    """Whether a cell can be no heading: it is digits, as phones have them."""
    return _digits(text) >= 7 and _digits(text) * 2 > len(text)
