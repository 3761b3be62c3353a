"""Rows that were not imported, as a file that can be mended and imported again."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import PgdripError
from .cells import no_formula

LINE, PROBLEM = "pgdrip line", "pgdrip problem"


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that was not imported: its line in the file, its phone as it stands there, why."""

    line: int
    phone: str
    problem: str
    cells: Sequence[str] = field(default=(), compare=False)


def write_problems(path: Path, problems: Iterable[Problem], titles: Sequence[str] = ()) -> None:
    """Write the rows that were not imported as CSV: line, problem, and the whole row.

    An import passes over the first two columns. What a spreadsheet would take for a formula gets an
    apostrophe in front, except a plain phone; an import reads past that apostrophe.
    """
    titles = titles or ["phone"]
    try:
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([LINE, PROBLEM, *map(no_formula, titles)])
            for problem in problems:
                cells = problem.cells or [problem.phone]
                writer.writerow(
                    [problem.line, no_formula(problem.problem), *map(no_formula, cells)]
                )
    except OSError as exc:
        raise PgdripError(f"The problems file cannot be written: {exc.strerror}.") from None
