"""Opens a list of leads, whatever kind of file it is, as rows of cells."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from ..errors import PgdripError
from .encodings import find_encoding, kind_of, mojibake
from .lines import DelimitedLines, Line, unreadable

_VCARD_TITLES = ["Name", "First Name", "Last Name", "Phone", "Email", "Organization", "Labels"]
_LONGEST_CARD = 2_000_000  # characters: cards hold photos


@dataclass(slots=True)
class Source:
    """An open file: its rows, and how they were read."""

    lines: Iterable[Line]
    kind: str
    encoding: str = ""
    delimiter: str = ""
    warnings: list[str] = field(default_factory=list)


@contextmanager
def open_source(
    path: Path, *, encoding: str | None = None, sheet: str | None = None
) -> Iterator[Source]:
    """The rows of a CSV file, a spreadsheet (.xlsx, .xls, .ods) or a vCard file.

    Raises PgdripError for a file that is none of these, or that is not in the encoding.
    """
    kind = kind_of(path)
    if kind == "spreadsheet":
        yield _open_spreadsheet(path, sheet)
        return
    encoding = find_encoding(path, encoding)
    with path.open(encoding=encoding, newline="") as file:
        if kind == "vcard":
            yield Source(_cards(file), "vCard", encoding)
            return
        lines = DelimitedLines(file)
        source = Source(lines, "CSV", encoding, lines.delimiter)
        if odd := mojibake(lines.sample, encoding):
            source.warnings.append(_looks_wrong(odd, encoding))
        yield source


def _looks_wrong(words: str, encoding: str) -> str:
    if encoding.startswith("utf"):
        return (
            f"The text was broken before it was saved: {words!r}. Export it anew, as UTF-8, if"
            " that matters."
        )
    return (
        f"The text looks wrong in encoding {encoding}: {words!r}. Another one is named with"
        " --encoding, such as cp1251, cp1256, cp850, mac_roman."
    )


def _open_spreadsheet(path: Path, sheet: str | None) -> Source:
    import python_calamine as calamine

    try:
        book = calamine.CalamineWorkbook.from_path(str(path))
        names = book.sheet_names
        if sheet is not None and sheet not in names:
            raise PgdripError(
                f"The file has no sheet {sheet!r}.", hint=f"It has: {', '.join(names)}."
            )
        tables = {
            name: book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            for name in ([sheet] if sheet is not None else names)
        }
    except (calamine.CalamineError, calamine.WorksheetNotFound, OSError) as exc:
        raise PgdripError(
            f"{path.name} cannot be read as a spreadsheet: {exc}.",
            hint="Save it anew as .xlsx or CSV (UTF-8).",
        ) from None
    filled = {name: rows for name, rows in tables.items() if any(map(any, rows))}
    name = next(iter(filled), sheet or (names[0] if names else ""))
    source = Source(_spreadsheet_lines(filled.get(name, [])), "spreadsheet", f"sheet {name}")
    if len(filled) > 1:
        others = ", ".join(other for other in filled if other != name)
        source.warnings.append(
            f"Only the sheet {name!r} is read; --sheet names another one ({others})."
        )
    return source


def _spreadsheet_lines(rows: list[list[Any]]) -> Iterator[Line]:
    for number, row in enumerate(rows, 1):
        cells = [_cell_text(cell) for cell in row]
        if any(cells):
            yield Line(number, cells)


def _cell_text(value: Any) -> str:
    """A cell as it is shown: numbers without a fraction have none."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e16 else repr(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return "" if value is None else str(value)


def _cards(file: Iterable[str]) -> Iterator[Line]:
    """A row for each card; its number is that of the line with BEGIN:VCARD."""
    yield Line(0, _VCARD_TITLES)
    card: list[str] = []
    start = size = 0
    number = 0
    try:
        for number, text in enumerate(file, 1):
            word = text.strip().lower()
            if word == "begin:vcard":
                if card:
                    yield Line(start, [], "the card has no END:VCARD")
                card, start, size = [], number, 0
            if not start:
                if word:
                    yield Line(number, [text.strip()], "the line is in no card")
                continue
            size += len(text)
            if size <= _LONGEST_CARD:
                card.append(text)
            if word == "end:vcard":
                yield _card_line(start, "".join(card), size)
                card, start = [], 0
    except UnicodeDecodeError as exc:
        raise unreadable(exc) from None
    if card:
        yield Line(start, [], "the card has no END:VCARD")


def _card_line(number: int, text: str, size: int) -> Line:
    import vobject

    if size > _LONGEST_CARD:
        return Line(number, [], f"the card is longer than {_LONGEST_CARD:,} characters")
    logging.getLogger("vobject.base").disabled = True  # it tells of lines that it passes over
    # Photos are most of a card, and nothing of a lead.
    text = re.sub(
        r"(?mi)^(?:item\d+\.)?(?:PHOTO|LOGO|KEY|SOUND)\b.*(?:\r?\n[ \t].*)*\r?\n", "", text
    )
    try:
        card = vobject.readOne(text, ignoreUnreadable=True)
    except Exception as exc:  # the library lets many kinds of errors through
        return Line(number, [], f"the card cannot be read: {str(exc)[:200] or type(exc).__name__}")
    contents = card.contents if card is not None else {}
    whole = _first(contents, "fn")
    given = family = ""
    if (name := contents.get("n")) and hasattr(name[0].value, "given"):
        given, family = (_joined(getattr(name[0].value, part)) for part in ("given", "family"))
    phones = sorted(contents.get("tel", []), key=_is_landline)
    return Line(
        number,
        [
            whole,
            given,
            family,
            "; ".join(_joined(phone.value) for phone in phones),
            _first(contents, "email"),
            _first(contents, "org"),
            _first(contents, "categories"),
        ],
    )


def _is_landline(phone: Any) -> bool:
    kinds = {kind.upper() for kind in phone.params.get("TYPE", [])} | set(phone.params)
    return not kinds & {"CELL", "MOBILE", "IPHONE", "WHATSAPP"}


def _first(contents: Any, name: str) -> str:
    found = contents.get(name)
    return _joined(found[0].value) if found else ""


def _joined(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
