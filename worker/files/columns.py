"""Which column of a list is what: by its heading, and by whether its values are phones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..errors import PgdripError
from .cells import clean, is_nothing, looks_like_phone, split_phones
from .headings import ALIASES, FIELDS, attribute_of, field_of, is_known, phone_rank, plain
from .lines import Line

_HEADER_WITHIN = 15  # lines that may stand above the headings
_SAMPLE = 200  # rows whose values are looked at
_ENOUGH = 0.3  # of a column with a heading of phones; of other columns:
_NEARLY_ALL = 0.7

# Phones and their countries in, their kinds out: mobile, fixed, other, or None for no phone.
KindsOf = Callable[[list[str], list[str | None]], list[str | None]]


class MappingError(PgdripError):
    """A --map that names no field or no column of the file."""


@dataclass(slots=True)
class Column:
    """A column of the file. field is a field of the lead, attribute or ignore."""

    number: int
    title: str
    field: str
    attribute: str
    note: str = ""


@dataclass(slots=True)
class Layout:
    """What the columns of a file are, and where its rows begin."""

    columns: list[Column]
    phones: list[int]
    header: Line | None
    above: list[Line] = field(default_factory=list)

    @property
    def titles(self) -> list[str]:
        """A heading for each column, from which an import finds the columns again."""
        if self.header is not None:
            return [column.title for column in self.columns]
        return [c.attribute if c.field == "attribute" else c.field for c in self.columns]

    def of(self, field_name: str) -> int | None:
        """The place of the column that holds a field."""
        return next((c.number - 1 for c in self.columns if c.field == field_name), None)


def find_header(lines: Sequence[Line]) -> int | None:
    """The place of the headings among the first lines; None where the file has none."""
    scores = []
    for line in lines[:_HEADER_WITHIN]:
        cells = [clean(cell) for cell in line.cells]
        if any(looks_like_phone(cell) for cell in cells):
            scores.append((0, 0))
            break
        has_phone = any(phone_rank(cell) > 0 for cell in cells)
        scores.append((int(has_phone), sum(is_known(cell) for cell in cells if cell)))
    best = max(scores, default=(0, 0))
    if best[0] or best[1] > 1:
        return scores.index(best)
    first = [clean(cell) for cell in lines[0].cells] if lines else []
    return None if any(looks_like_phone(cell) for cell in first) else 0


def find_columns(
    lines: Sequence[Line], kinds_of: KindsOf, mapping: Sequence[tuple[str, str]] = ()
) -> Layout:
    """Say what each column is; lines are the first ones of the file.

    Raises PgdripError for a file without a column of phones, and MappingError.
    """
    at = find_header(lines)
    header = None if at is None else lines[at]
    rows = [line for line in lines[0 if at is None else at + 1 :] if line.problem is None]
    rows = rows[:_SAMPLE]
    if header is None:
        width = max((len(line.cells) for line in rows), default=0)
        titles = [""] * width
    else:
        titles = [clean(cell) for cell in header.cells]
        while titles and not titles[-1]:
            titles.pop()
    columns = [Column(n, title, "attribute", "") for n, title in enumerate(titles, 1)]
    above = [line for line in lines[: at or 0] if any(map(clean, line.cells))]
    layout = Layout(columns, [], header, above)
    mapped = _apply_mapping(layout, mapping)
    _name_fields(columns, mapped)
    values = _Values(rows, kinds_of, layout.of("country"))
    layout.phones = [c.number - 1 for c in columns if c.field == "phone"]
    if not layout.phones:
        layout.phones = _find_phones(columns, mapped, values)
    if not layout.phones:
        raise _no_phones(layout)
    _name_rest(layout, mapped, rows)
    return layout


def read_mapping(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of field and heading, from FIELD=Heading as it is written on the command line."""
    pairs = []
    for text in texts:
        name, sign, title = text.partition("=")
        name = ALIASES.get(name.strip().lower(), name.strip().lower())
        if not sign or not title.strip():
            raise MappingError(f"--map {text} is not FIELD=Heading.", hint="--map phone='Tel 1'")
        if name not in (*FIELDS, "attribute", "ignore"):
            raise MappingError(
                f"A lead has no field {name}.",
                hint=f"Fields: {', '.join(FIELDS)}, attribute, ignore.",
            )
        pairs.append((name, title.strip()))
    return pairs


def _apply_mapping(layout: Layout, mapping: Sequence[tuple[str, str]]) -> set[int]:
    mapped: set[int] = set()
    for name, title in mapping:
        found = [c for c in layout.columns if c.title == title]
        found = found or [c for c in layout.columns if plain(c.title) == plain(title) != ""]
        if not found and title.removeprefix("#").isdigit():
            found = [c for c in layout.columns if c.number == int(title.removeprefix("#"))]
        if not found:
            named = ", ".join(c.title or f"#{c.number}" for c in layout.columns)
            raise MappingError(f"The file has no column {title!r}.", hint=f"It has: {named}.")
        for column in found:
            if name not in ("phone", "attribute", "ignore"):
                for other in layout.columns:
                    if other.field == name:
                        other.field = "attribute"
            column.field, column.note = name, "as --map says"
            mapped.add(column.number)
    return mapped


def _name_fields(columns: list[Column], mapped: set[int]) -> None:
    taken = {c.field for c in columns if c.number in mapped}
    # A country's code tells more about a phone than its name.
    by_code = sorted(columns, key=lambda c: "code" not in c.title.lower())
    for column in by_code:
        name = field_of(column.title)
        if column.number in mapped or name is None or name in taken:
            continue
        taken.add(name)
        column.field = name


class _Values:
    """The values of the first rows, and what share of a column's are phones."""

    def __init__(self, rows: Sequence[Line], kinds_of: KindsOf, country: int | None) -> None:
        self._rows = rows
        self._kinds_of = kinds_of
        self._country = country

    def shares(self, column: Column) -> tuple[float, float, int]:
        """Share of phones and of mobiles among the column's values, and how many values it has."""
        place = column.number - 1
        phones, countries = [], []
        for row in self._rows:
            cell = clean(row.cells[place]) if place < len(row.cells) else ""
            if is_nothing(cell):
                continue
            phones.append(split_phones(cell)[0])
            has_country = self._country is not None and self._country < len(row.cells)
            countries.append(clean(row.cells[self._country or 0]) if has_country else None)
        if not phones:
            return 0.0, 0.0, 0
        kinds = self._kinds_of(phones, countries)
        count = len(phones)
        return sum(k is not None for k in kinds) / count, kinds.count("mobile") / count, count


def _find_phones(columns: list[Column], mapped: set[int], values: _Values) -> list[int]:
    """Places of the columns of phones, the one to be asked first at the front."""
    titled = [c for c in columns if c.number not in mapped and phone_rank(c.title) > 0]
    ranked = []
    for column in titled:
        phones, mobiles, count = values.shares(column)
        if phones >= _ENOUGH:
            ranked.append((-phone_rank(column.title), -round(mobiles, 1), column.number))
        elif not count:
            ranked.append((1.0, 0.0, column.number))  # empty so far
        else:
            column.note = "its values are no phones"
    filled = [rank for rank in ranked if rank[0] < 0]
    if filled and min(filled)[0] <= -1.5:
        ranked = [rank for rank in ranked if rank[0] <= -1.5 or rank[0] > 0]  # no member numbers
    # A column that is named for phones, and empty so far, is no reason to take another one.
    is_empty = any(rank[0] > 0 and _is_sure(columns[rank[2] - 1].title) for rank in ranked)
    if not filled and not is_empty:
        others = [c for c in columns if c.field == "attribute" and c.number not in mapped]
        shares = [(values.shares(c), c) for c in others if c not in titled]
        found = [(-m, c.number) for (p, m, _), c in shares if p >= _NEARLY_ALL]
        if len(found) == 1 or len([f for f in found if f[0] <= -_NEARLY_ALL]) == 1:
            best = min(found)[1]
            columns[best - 1].note = "by its values"
            ranked.insert(0, (-1.0, 0.0, best))
        elif not ranked:
            # The values may all be wrong: then each row says so.
            ranked = [(-phone_rank(c.title), 0.0, c.number) for c in titled if _is_sure(c.title)]
    places = [number - 1 for _, _, number in sorted(ranked)]
    for place in places:
        columns[place].field = "phone"
        columns[place].note = columns[place].note.replace("its values are no phones", "")
    return places


def _is_sure(title: str) -> bool:
    return phone_rank(title) >= 1.5


def _name_rest(layout: Layout, mapped: set[int], rows: Sequence[Line]) -> None:
    """Columns that hold names where no heading says so; names of attributes."""
    columns = layout.columns
    fields = {c.field for c in columns}
    if not fields & {"name", "first_name", "last_name"}:
        person = [c for c in columns if plain(c.title) in ("contact", "contacts", "client")]
        if layout.header is None:
            person = [c for c in columns if c.field == "attribute" and _are_names(c, rows)]
        if len(person) == 1 and person[0].field == "attribute" and person[0].number not in mapped:
            person[0].field, person[0].note = "name", "by its values"
    taken: set[str] = set()
    for column in sorted(columns, key=lambda c: c.field == "attribute"):
        name = attribute_of(column.title, column.number)
        # What a lead has no field for of its own may be the name of an attribute.
        free = {"country", "first_name", "last_name"}
        reserved = set(FIELDS) - free if column.field == "attribute" else set()
        while name in taken or name in reserved:
            name += "_2"
        taken.add(name)
        column.attribute = name


def _are_names(column: Column, rows: Sequence[Line]) -> bool:
    place = column.number - 1
    cells = [clean(row.cells[place]) for row in rows if place < len(row.cells)]
    filled = [cell for cell in cells if cell]
    return bool(filled) and all(
        len(cell) < 60 and not any(c.isdigit() or c in "@/" for c in cell) for cell in filled
    )


def _no_phones(layout: Layout) -> PgdripError:
    # A file that is no list of leads may hold anything: its first line is shown only where one of
    # our own titles is among what looks like titles.
    named = [c.title for c in layout.columns[:12] if c.title]
    plausible = all(len(t) < 40 and not any(x in t for x in ":$\\") for t in named)
    is_ours = plausible and any(is_known(title) for title in named)
    titles = ", ".join(named) if is_ours else "none that looks like a title"
    return PgdripError(
        f"The file has no column of phone numbers (columns: {titles}).",
        hint="Name it: --map phone=Heading, or --map phone=2 for the second column.",
    )
