"""Lines of a delimited text: one that cannot be read costs only itself, and none is lost.

Python's own reader takes everything up to the next quote as one cell: a stray quote swallows the
rows behind it, silently. Here a cell may have several lines, but where its quote is never closed,
or rows lie within it, its first line is told as a problem, and reading goes on with the next.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOBase

from ..errors import PgdripError

DELIMITERS = (",", ";", "\t", "|")
LONGEST_CELL = 131_072  # characters
_MOST_LINES = 200  # of one row
_SAMPLE_LINES = 40
_PHONE_CELL = re.compile(r"[+(]?\d[\d\s().-]{5,}\d")


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the file: the number of its first line, its cells, and why it cannot be read."""

    number: int
    cells: list[str]
    problem: str | None = None


class DelimitedLines:
    """The rows of a text file, in order; blank ones are left out."""

    def __init__(self, file: TextIOBase) -> None:
        self._file = file
        self._waiting: deque[str] = deque()
        self._number = 0
        sample = self._look_ahead(_SAMPLE_LINES)
        self.delimiter, self._width = find_delimiter(sample)
        if sample and (named := re.fullmatch(r"\ufeff?\"?sep=(.)\"?\s*", sample[0], re.I)):
            self.delimiter = named[1]
            self._next_line()
            _, self._width = find_delimiter(sample[1:], (self.delimiter,))

    @property
    def sample(self) -> str:
        """The lines that wait, for whoever wants to look at their characters."""
        return "".join(self._waiting)

    def __iter__(self) -> Iterator[Line]:
        while (text := self._next_line()) is not None:
            number = self._number
            if len(text) > LONGEST_CELL:
                yield Line(
                    number, [text[:1000]], f"the line is longer than {LONGEST_CELL:,} characters"
                )
            elif '"' not in text:
                if text.strip():
                    yield Line(number, text.rstrip("\r\n").split(self.delimiter))
            else:
                yield self._quoted(number, text)

    def _quoted(self, number: int, text: str) -> Line:
        cells, state = split_line(text, self.delimiter)
        taken: list[str] = []
        whole = text
        while state == "open" and len(taken) < _MOST_LINES and len(whole) < LONGEST_CELL:
            following = self._next_line()
            if following is None:
                break
            taken.append(following)
            whole += following
            cells, state = split_line(whole, self.delimiter)
        if not taken and state != "open":
            return Line(number, cells)
        fits = sum(map(bool, cells[self._width :])) == 0
        if state == "closed" and fits and not any(map(self._holds_rows, cells)):
            return Line(number, cells)
        self._waiting.extendleft(reversed(taken))
        self._number -= len(taken)
        cells, _ = split_line(text.rstrip("\r\n"), self.delimiter)
        return Line(number, cells, "a quote is opened and not closed in its line")

    def _holds_rows(self, cell: str) -> bool:
        """Whether a cell of several lines has swallowed rows: parts that look like phones."""
        if "\n" not in cell and "\r" not in cell:
            return False
        return any(
            self.delimiter in line
            and any(
                _PHONE_CELL.fullmatch(part.strip(" '\"")) for part in line.split(self.delimiter)
            )
            for line in re.split(r"\r\n|\n|\r", cell)
        )

    def _next_line(self) -> str | None:
        text = self._waiting.popleft() if self._waiting else self._read()
        if text is not None:
            self._number += 1
        return text

    def _read(self) -> str | None:
        try:
            text = self._file.readline(LONGEST_CELL + 2)
            if not text:
                return None
            if len(text) > LONGEST_CELL and text[-1] not in "\r\n":
                while (rest := self._file.readline(LONGEST_CELL)) and rest[-1] not in "\r\n":
                    pass
        except UnicodeDecodeError as exc:
            raise unreadable(exc) from None
        return text

    def _look_ahead(self, count: int) -> list[str]:
        while len(self._waiting) < count and (text := self._read()) is not None:
            self._waiting.append(text)
        return list(self._waiting)


def split_line(text: str, delimiter: str) -> tuple[list[str], str]:
    """The cells of a line, and whether its quotes are closed, open, or followed by text (odd)."""
    text = text.rstrip("\r\n") if text.count('"') % 2 == 0 else text
    cells: list[str] = []
    state = "closed"
    at, end = 0, len(text)
    while True:
        start = at
        while start < end and text[start] == " " != delimiter:
            start += 1
        if start < end and text[start] == '"':
            cell, at, is_closed = _quoted_cell(text, start + 1)
            if not is_closed:
                cells.append(cell)
                return cells, "open"
            following = text.find(delimiter, at)
            rest = text[at : end if following < 0 else following]
            if rest.strip():
                state = "odd"
            cells.append(cell + rest.rstrip())
        else:
            following = text.find(delimiter, at)
            cells.append(text[at : end if following < 0 else following])
        if following < 0:
            if cells:
                cells[-1] = cells[-1].rstrip("\r\n")
            return cells, state
        at = following + 1


def _quoted_cell(text: str, start: int) -> tuple[str, int, bool]:
    """The cell behind an opening quote, where it ends, and whether it is closed."""
    at = start
    while (close := text.find('"', at)) >= 0:
        if text[close + 1 : close + 2] != '"':
            return text[start:close].replace('""', '"'), close + 1, True
        at = close + 2
    return text[start:].replace('""', '"'), len(text), False


def find_delimiter(sample: list[str], candidates: tuple[str, ...] = DELIMITERS) -> tuple[str, int]:
    """The delimiter that divides most lines, the first among them, alike; and in how many cells."""
    best, found = (0, 0, 0), (candidates[0], 1)
    lines = [line for line in sample if line.strip()]
    for candidate in candidates:
        counts = []
        for line in lines:
            cells, state = split_line(line, candidate)
            counts.append(0 if state == "odd" else len(cells))
        many = [count for count in counts if count > 1]
        if not many:
            continue
        usual = max(set(many), key=many.count)
        # In a table without quirks the first line has as many cells as the others.
        score = (int(counts[0] > 1), many.count(usual), usual)
        if score > best:
            best, found = score, (candidate, max(counts[0], usual))
    return found


def unreadable(exc: UnicodeDecodeError) -> PgdripError:
    return PgdripError(
        f"The file is not readable as text ({exc.encoding}).",
        hint="Save it as CSV (UTF-8), or name its encoding with --encoding.",
    )
