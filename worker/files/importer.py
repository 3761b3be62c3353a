"""Reads leads from a CSV file as people have it, and hands them to ``import_leads`` in chunks."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from io import TextIOBase
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from ..errors import PgdripError, from_database

CHUNK = 500  # rows in one call and one transaction
_SAMPLE = 64 * 1024  # characters from which the delimiter is guessed
_DELIMITERS = (",", ";", "\t", "|")

# What people call our columns, in the spelling of _plain().
_SYNONYMS: dict[str, tuple[str, ...]] = {
    "phone": (
        "phone", "phonenumber", "phoneno", "mobile", "mobilenumber", "mobileno", "mobilephone",
        "mobilephonenumber", "cell", "cellphone", "cellphonenumber", "whatsapp", "whatsappnumber",
        "whatsappno", "wa", "wanumber", "tel", "telno", "telephone", "telephonenumber", "contact",
        "contactnumber", "contactno", "contactphone", "number", "hp", "nohp", "handphone",
        "notelefon", "nomortelepon", "nomor", "msisdn",
    ),
    "name": ("name", "fullname", "contactname", "leadname", "customername", "customer", "nama",
             "namapenuh"),
    "niche": ("niche", "niches", "interest", "interests", "segment", "segments", "industry"),
    "target_status": ("targetstatus", "status", "leadstatus"),
    "trigger": ("trigger", "triggers", "sequencetrigger", "tag", "tags"),
    "device": ("device", "devicename", "sender", "senderdevice"),
    "time_zone": ("timezone", "tz"),
    "language": ("language", "lang", "locale", "bahasa"),
    "external_id": ("externalid", "crmid", "leadid", "customerid", "contactid", "recordid"),
}  # fmt: skip
_COLUMN_OF = {word: column for column, words in _SYNONYMS.items() for word in words}

# Marks that nobody sees, at the ends of a field only: inside they hold emoji and scripts together.
_ENDS = " \t\r\n\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff"


# What begins a formula in a spreadsheet; some skip the white space before it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", " ", "＝", "＋", "－", "＠")


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that was not imported: its line in the file, its phone as it stands there, why."""

    line: int
    phone: str
    problem: str


@dataclass(slots=True)
class ImportReport:
    """What became of a file: rows by outcome, and the rows that were not imported."""

    rows: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    encoding: str = ""
    delimiter: str = ""
    attributes: list[str] = field(default_factory=list)

    @property
    def imported(self) -> int:
        """Rows that became or changed a lead."""
        return self.rows - len(self.problems)


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    phone: str
    lead: dict[str, Any]


def import_file(
    connection: psycopg.Connection[Any],
    path: Path,
    *,
    user: str | None = None,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda lines: None,
) -> ImportReport:
    """Import the leads of a CSV file, 500 rows a transaction.

    The encoding is UTF-8 (with or without mark), UTF-16 with mark, else Windows-1252; the
    delimiter a comma, semicolon, tab or bar. Columns that are not ours become attributes. A bad
    row is a :class:`Problem` and costs nothing else. ``user`` names the tenant; ``dry_run`` rolls
    every chunk back. ``progress`` hears the number of the last line of each chunk.

    Raises :class:`PgdripError` for a file that cannot be read or has no column of phones, and for
    what the database refuses; chunks before that stay imported, and a second run repeats them
    without harm.
    """
    report = ImportReport(encoding=find_encoding(path))
    seen: set[str] = set()
    with path.open(encoding=report.encoding, newline="") as file:
        report.delimiter = _find_delimiter(file)
        reader = csv.reader(file, delimiter=report.delimiter)
        for chunk in _chunks(_rows(reader, report)):
            _import_chunk(connection, chunk, report, user, seen if dry_run else None)
            progress(chunk[-1].line)
    report.problems.sort(key=lambda problem: problem.line)
    return report


def count_lines(path: Path) -> int:
    """Lines of the file, about, for a progress bar."""
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b"")) + 1


def write_problems(path: Path, problems: list[Problem]) -> None:
    """Write the rows that were not imported as CSV: line, phone, problem.

    What a spreadsheet would take for a formula gets an apostrophe in front, except a plain phone.
    An import reads past that apostrophe.
    """
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["line", "phone", "problem"])
            writer.writerows(
                [p.line, _no_formula(p.phone), _no_formula(p.problem)] for p in problems
            )
    except OSError as exc:
        raise PgdripError(f"The problems file cannot be written: {exc.strerror}.") from None


def find_encoding(path: Path) -> str:
    """The encoding of a text file; reads all of it, a block at a time."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
            if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                return "utf-16"
            if start.startswith(b"PK\x03\x04"):
                raise PgdripError(
                    f"{path.name} is a spreadsheet file, not CSV.",
                    hint="Save it as CSV (UTF-8) first.",
                )
            decoder = codecs.getincrementaldecoder("utf-8")()
            file.seek(0)
            for block in iter(lambda: file.read(1 << 20), b""):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except OSError as exc:
        raise PgdripError(
            f"{path} cannot be read: {exc.strerror}.", hint="Name an existing CSV file."
        ) from None
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _find_delimiter(file: TextIOBase) -> str:
    # The header decides: the rest may hold any of them inside names and lists.
    try:
        header = file.read(_SAMPLE).lstrip("\r\n").split("\n", 1)[0]
    except UnicodeDecodeError as exc:
        raise _unreadable(exc) from None
    file.seek(0)
    return max(_DELIMITERS, key=header.count)


def _unreadable(exc: UnicodeDecodeError) -> PgdripError:
    return PgdripError(
        f"The file is not readable as text ({exc.encoding}).", hint="Save it as CSV (UTF-8)."
    )


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _columns(header: list[str], report: ImportReport) -> list[str | tuple[str]]:
    """Per field: the name of our column, or (attribute,)."""
    columns: list[str | tuple[str]] = []
    taken: set[str] = set()
    for number, title in enumerate(header, 1):
        column = _COLUMN_OF.get(_plain(title))
        if column is not None and column not in taken:
            taken.add(column)
            columns.append(column)
            continue
        attribute = re.sub(r"\W+", "_", _clean(title).lower()).strip("_") or f"column_{number}"
        while attribute in taken or attribute in _SYNONYMS:
            attribute += "_2"
        taken.add(attribute)
        columns.append((attribute,))
        report.attributes.append(attribute)
    if "phone" not in taken:
        # A file that is no list of leads may hold anything: its first line is shown only where one
        # of our own titles is among what looks like titles.
        named = [title.strip() for title in header[:8] if title.strip()]
        is_header = all(re.fullmatch(r"[^\W\d_][\w .()/#-]{0,30}", title) for title in named)
        is_ours = is_header and any(_plain(title) in _COLUMN_OF for title in named)
        titles = ", ".join(named) if is_ours else "none that looks like a title"
        raise PgdripError(
            f"The file has no column of phone numbers (columns: {titles}).",
            hint="Name a column phone, mobile or WhatsApp in the first line.",
        )
    return columns


def _rows(reader: Any, report: ImportReport) -> Iterator[_Row]:
    columns: list[str | tuple[str]] | None = None
    while True:
        line = reader.line_num + 1
        try:
            fields: list[str] = next(reader)
        except StopIteration:
            break
        except UnicodeDecodeError as exc:
            raise _unreadable(exc) from None
        except csv.Error as exc:
            report.rows += 1
            report.problems.append(Problem(line, "", f"the line cannot be read: {exc}"))
            continue
        if not any(text.strip() for text in fields):
            continue
        if columns is None:
            columns = _columns(fields, report)
            continue
        report.rows += 1
        row = _row(line, fields, columns)
        if isinstance(row, Problem):
            report.problems.append(row)
        else:
            yield row
    if columns is None:
        raise PgdripError(
            "The file is empty.", hint="Its first line is to name the columns, one of them phone."
        )


def _row(line: int, fields: list[str], columns: list[str | tuple[str]]) -> _Row | Problem:
    lead: dict[str, Any] = {}
    attributes: dict[str, str] = {}
    for column, text in zip(columns, fields, strict=False):
        value = _clean(text)
        if not value:
            continue
        if isinstance(column, tuple):
            attributes[column[0]] = value
        else:
            lead[column] = value
    # How a phone may be written is the database's to judge.
    phone = lead.get("phone", "")
    if any(text.strip() for text in fields[len(columns) :]):
        problem = f"the line has {len(fields)} fields, the header has {len(columns)}"
        return Problem(line, phone, problem)
    if "target_status" in lead:
        lead["target_status"] = lead["target_status"].lower()
    if attributes:
        lead["attributes"] = attributes
    return _Row(line, phone, lead)


def _no_formula(text: str) -> str:
    is_phone = re.fullmatch(r"\+\d[\d ]*", text) is not None
    return f"'{text}" if text.startswith(_FORMULA) and not is_phone else text


def _clean(text: str) -> str:
    if text.startswith("'") and text[1:].startswith(_FORMULA):
        text = text[1:]  # the mark of a text in spreadsheets
    return text.replace("\x00", "").replace("\u00a0", " ").strip(_ENDS).strip()


def _chunks(rows: Iterator[_Row]) -> Iterator[list[_Row]]:
    chunk: list[_Row] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _import_chunk(
    connection: psycopg.Connection[Any],
    chunk: list[_Row],
    report: ImportReport,
    user: str | None,
    seen: set[str] | None,
) -> None:
    try:
        with connection.transaction(force_rollback=seen is not None):
            if user is not None:
                connection.execute("select set_config('drip.user', %s, true)", [user])
            cursor = connection.execute(
                "select r.row, r.phone, r.outcome, r.problem"
                " from drip.import_leads(%s) r order by r.row",
                [Jsonb([row.lead for row in chunk])],
            )
            results: list[Mapping[str, Any]] = [
                dict(zip(("row", "phone", "outcome", "problem"), _values(record), strict=True))
                for record in cursor
            ]
    except psycopg.Error as exc:
        problem = from_database(exc)
        raise PgdripError(
            f"The import stopped at line {chunk[0].line}: {problem.message}",
            hint=problem.hint or "Run it again: what is imported already is not doubled.",
            code=problem.code,
        ) from None
    for result in results:
        row = chunk[result["row"] - 1]
        outcome = result["outcome"]
        if outcome.startswith("invalid"):
            report.problems.append(Problem(row.line, row.phone, result["problem"] or outcome))
            continue
        if seen is not None:
            # Rolled back, so that the database does not know the file's earlier chunks.
            if result["phone"] in seen and outcome == "created":
                outcome = "updated"
            seen.add(result["phone"])
        report.outcomes[outcome] += 1


def _values(record: Any) -> tuple[Any, ...]:
    return tuple(record.values()) if isinstance(record, dict) else tuple(record)
