"""Reads leads from a file as people have it, and hands them to ``import_leads`` in chunks."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from ..errors import PgdripError, from_database
from .cells import clean, is_nothing, split_phones
from .columns import Layout, find_columns, read_mapping
from .headings import field_of, language_of
from .lines import Line
from .problems import LINE, PROBLEM, Problem, write_problems
from .sources import Source, open_source

__all__ = [
    "ImportReport", "Layout", "Preview", "Problem", "count_lines", "import_file", "write_problems",
]  # fmt: skip

CHUNK = 1000  # rows in one call and one transaction
_LOOKED_AT = 400  # lines from which the columns are found
_KEPT = ("target_status", "device", "time_zone", "language")
_ALLOWED = {
    "target_status": "prospect or customer",
    "device": "the name of a device",
    "time_zone": "an IANA name, such as Asia/Kuala_Lumpur",
    "language": "a code, such as en or zh-CN",
}


@dataclass(slots=True)
class ImportReport:
    """What became of a file: rows by outcome, warnings, and the rows that were not imported."""

    rows: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    encoding: str = ""
    delimiter: str = ""
    attributes: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)

    @property
    def imported(self) -> int:
        """Rows that became or changed a lead, or whose lead was the same already."""
        return self.rows - len(self.problems)


@dataclass(frozen=True, slots=True)
class Preview:
    """How a file will be read: told before its first row is imported."""

    source: Source
    layout: Layout
    samples: list[list[str]]
    """The first five rows."""


@dataclass(frozen=True, slots=True)
class _Row:
    line: Line
    phone: str
    lead: dict[str, Any]


@dataclass(slots=True)
class _Notes:
    """What is told once for a whole file, with its count."""

    kept: dict[str, Counter[str]] = field(default_factory=dict)
    unused: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    several: int = 0


def import_file(
    connection: psycopg.Connection[Any],
    path: Path,
    *,
    user: str | None = None,
    dry_run: bool = False,
    mapping: Sequence[str] = (),
    encoding: str | None = None,
    sheet: str | None = None,
    country: str | None = None,
    restart: bool = False,
    preview: Callable[[Preview], None] = lambda preview: None,
    progress: Callable[[int], None] = lambda lines: None,
) -> ImportReport:
    """Import the leads of a CSV file, a spreadsheet or a vCard file, 1,000 rows a transaction.

    ``mapping`` has texts FIELD=Heading, for columns that are not found by themselves. ``country``
    is where phones without + are read, instead of the tenant's region; a column of countries
    comes before it. Columns that are not ours become attributes. A bad row is a
    :class:`Problem` and costs nothing else; rows read and problems are all rows of the file. With
    ``restart`` a trigger also counts for leads that its sequence has had. ``user`` names the
    tenant; ``dry_run`` rolls every chunk back. ``preview`` hears how the file is read, before
    anything is written; ``progress`` the number of the last line of each chunk.

    Raises :class:`PgdripError` for a file that cannot be read or has no column of phones, and for
    what the database refuses; chunks before that stay imported, and a second run repeats them
    without harm.
    """
    pairs = read_mapping(mapping)
    with open_source(path, encoding=encoding, sheet=sheet) as source:
        report = ImportReport(encoding=source.encoding, delimiter=source.delimiter)
        lines = iter(source.lines)
        first = list(itertools.islice(lines, _LOOKED_AT))
        if not any(any(map(clean, line.cells)) for line in first):
            raise PgdripError(
                "The file is empty.",
                hint="Its first line is to name the columns, one of them phone.",
            )

        def kinds_of(phones: list[str], countries: list[str | None]) -> list[str | None]:
            return _kinds(connection, user, phones, [c or country for c in countries])

        layout = find_columns(first, kinds_of, pairs)
        begin = 0 if layout.header is None else first.index(layout.header) + 1
        own = [c for c in layout.columns if plain_title(c.title) in (LINE, PROBLEM)]
        for column in own:
            column.field = "ignore"
        report.titles = [
            t for c, t in zip(layout.columns, layout.titles, strict=True) if c not in own
        ]
        report.attributes = [c.attribute for c in layout.columns if c.field == "attribute"]
        report.warnings = source.warnings
        samples = [list(line.cells) for line in first[begin : begin + 5]]
        preview(Preview(source, layout, samples))
        notes = _Notes()
        seen: set[str] | None = set() if dry_run else None
        builder = _Builder(layout, country, notes, frozenset(c.number - 1 for c in own))
        rows = _rows(itertools.chain(first[begin:], lines), builder, report)
        for chunk in _chunks(rows):
            _import_chunk(connection, chunk, report, notes, builder, user, seen, restart)
            progress(chunk[-1].line.number)
        report.warnings += _warnings(notes, layout, restart)
    report.problems.sort(key=lambda problem: problem.line)
    return report


def plain_title(title: str) -> str:
    """A heading as problems files have it."""
    return title.strip().lower()


def count_lines(path: Path) -> int:
    """Lines of the file, about, for a progress bar."""
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b"")) + 1


class _Builder:
    """Makes leads of rows, by the layout of the file."""

    def __init__(
        self, layout: Layout, country: str | None, notes: _Notes, own: frozenset[int]
    ) -> None:
        self.layout = layout
        self._country = country
        self._notes = notes
        self._own = own
        self._width = len(layout.columns)
        self._plain = [
            (c.number - 1, c.field)
            for c in layout.columns
            if c.field
            not in ("phone", "attribute", "ignore", "first_name", "last_name", "country", "name")
        ]
        self._attributes = [
            (c.number - 1, c.attribute)
            for c in layout.columns
            if c.field in ("attribute", "first_name", "last_name", "country")
        ]
        others = [c.number - 1 for c in layout.columns if field_of(c.title) == "name"]
        whole = layout.of("name")
        self._whole_names = [] if whole is None else [whole, *others]
        self._names = [layout.of(name) for name in ("first_name", "last_name")]
        self._place_of_country = layout.of("country")
        self._phone_attributes = {place: layout.columns[place].attribute for place in layout.phones}
        self.keep = {c.field: c.attribute for c in layout.columns if c.field in _KEPT}

    def row(self, line: Line) -> _Row | Problem | None:
        """The lead of a row; None where all of its cells are empty."""
        cells = [clean(cell) for cell in line.cells]
        if line.problem is None and not any(
            cell for place, cell in enumerate(cells) if place not in self._own
        ):
            return None
        phones = self._phones(cells)
        phone = "; ".join(text for _, text in phones)
        if line.problem is not None:
            return self.problem(line, phone, line.problem)
        if any(cells[self._width :]):
            return self.problem(
                line, phone, f"the line has {len(cells)} fields, the header has {self._width}"
            )
        lead: dict[str, Any] = {}
        for place, name in self._plain:
            if place < len(cells) and not is_nothing(cells[place]):
                lead[name] = _value(name, cells[place])
        if name := self._name(cells):
            lead["name"] = name
        attributes = {
            name: cells[place]
            for place, name in self._attributes
            if place < len(cells) and cells[place]
        }
        texts = [part for _, text in phones for part in split_phones(text)]
        if len(texts) > 1:
            self._notes.several += len(texts) > len(phones)
            attributes |= {self._phone_attributes[place]: text for place, text in phones}
        lead["phone"] = texts if len(texts) > 1 else "".join(texts)
        if country := self._country_of(cells):
            lead["country"] = country
        if attributes:
            lead["attributes"] = attributes
        return _Row(line, phone, lead)

    def problem(self, line: Line, phone: str, problem: str) -> Problem:
        """A row that is not imported, with its cells as they stand in the file."""
        cells = [cell for place, cell in enumerate(line.cells) if place not in self._own]
        return Problem(line.number, phone, problem, cells)

    def _phones(self, cells: list[str]) -> list[tuple[int, str]]:
        return [
            (place, cells[place])
            for place in self.layout.phones
            if place < len(cells) and not is_nothing(cells[place])
        ]

    def _name(self, cells: list[str]) -> str:
        for place in self._whole_names:
            if place < len(cells) and (name := cells[place].lstrip("~ ")):
                return name
        first, last = (
            cells[place] if place is not None and place < len(cells) else ""
            for place in self._names
        )
        return f"{first} {last}".strip()

    def _country_of(self, cells: list[str]) -> str | None:
        place = self._place_of_country
        if place is not None and place < len(cells) and not is_nothing(cells[place]):
            return cells[place]
        return self._country


def _value(name: str, text: str) -> str:
    if name == "time_zone":
        return text.replace(" ", "_")
    if name == "language":
        return language_of(text)
    if name == "trigger":
        return text.replace('"', "")
    return text


def _rows(lines: Iterable[Line], builder: _Builder, report: ImportReport) -> Iterator[_Row]:
    for line in lines:
        row = builder.row(line)
        if row is None:
            continue
        report.rows += 1
        if isinstance(row, Problem):
            report.problems.append(row)
        else:
            yield row


def _chunks(rows: Iterator[_Row]) -> Iterator[list[_Row]]:
    while chunk := list(itertools.islice(rows, CHUNK)):
        yield chunk


def _kinds(
    connection: psycopg.Connection[Any],
    user: str | None,
    phones: list[str],
    countries: list[str | None],
) -> list[str | None]:
    with connection.transaction():
        _act_for(connection, user)
        cursor = connection.execute(
            "select case when r.phone is not null then coalesce(r.kind, 'other') end as kind"
            " from drip.read_phones(%s, %s) r order by r.position",
            [phones, countries],
        )
        return [_values(record)[0] for record in cursor]


def _import_chunk(
    connection: psycopg.Connection[Any],
    chunk: list[_Row],
    report: ImportReport,
    notes: _Notes,
    builder: _Builder,
    user: str | None,
    seen: set[str] | None,
    restart: bool,
) -> None:
    names = ("row", "phone", "outcome", "problem", "kept", "skipped", "unused")
    try:
        with connection.transaction(force_rollback=seen is not None):
            _act_for(connection, user)
            cursor = connection.execute(
                "select r.row, r.phone, r.outcome, r.problem, r.kept, r.skipped, r.unused"
                " from drip.import_leads(%s, %s, %s) r order by r.row",
                [Jsonb([row.lead for row in chunk]), Jsonb(builder.keep), restart],
            )
            results: list[Mapping[str, Any]] = [
                dict(zip(names, _values(record), strict=True)) for record in cursor
            ]
    except psycopg.Error as exc:
        problem = from_database(exc)
        raise PgdripError(
            f"The import stopped at line {chunk[0].line.number}: {problem.message}",
            hint=problem.hint or "Run it again: what is imported already is not doubled.",
            code=problem.code,
        ) from None
    for result in results:
        row = chunk[result["row"] - 1]
        outcome = result["outcome"]
        if outcome.startswith("invalid"):
            report.problems.append(
                builder.problem(row.line, row.phone, result["problem"] or outcome)
            )
            continue
        if seen is not None:
            # Rolled back, so that the database does not know the file's earlier chunks.
            if result["phone"] in seen and outcome == "created":
                outcome = "updated"
            seen.add(result["phone"])
        report.outcomes[outcome] += 1
        for name in result["kept"] or ():
            notes.kept.setdefault(name, Counter())[str(row.lead[name])] += 1
        notes.skipped.update((result["skipped"] or "").split(",") if result["skipped"] else ())
        notes.unused.update((result["unused"] or "").split(",") if result["unused"] else ())


def _warnings(notes: _Notes, layout: Layout, restart: bool) -> list[str]:
    told = []
    for column in layout.columns:
        if values := notes.kept.get(column.field):
            shown = ", ".join(repr(value[:40]) for value, _ in values.most_common(3))
            count = values.total()
            told.append(
                f"{column.title or column.field}:"
                f" {count:,} {'value is' if count == 1 else 'values are'}"
                f" not {_ALLOWED[column.field]} ({shown}{' …' if len(values) > 3 else ''});"
                f" kept as attribute {column.attribute}."
            )
    if notes.several:
        told.append(
            f"Rows whose phone cell holds several: {notes.several:,}. The first mobile is the"
            " lead's; the cell is kept as an attribute."
        )
    for token, count in notes.unused.most_common(5):
        told.append(
            f"Trigger {token[:60]!r} ({count:,} rows): no sequence has it. The leads keep it until"
            " one does."
        )
    for token, count in notes.skipped.most_common(5):
        told.append(
            f"Trigger {token[:60]!r}: {count:,} leads have been in its sequence, and do not begin"
            " it again. --restart gives it to them, too."
        )
    return told


def _act_for(connection: psycopg.Connection[Any], user: str | None) -> None:
    if user is not None:
        connection.execute("select set_config('drip.user', %s, true)", [user])


def _values(record: Any) -> tuple[Any, ...]:
    return tuple(record.values()) if isinstance(record, dict) else tuple(record)
