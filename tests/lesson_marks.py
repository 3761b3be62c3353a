"""Which test proves which lesson: the markers as the files say them, and the patches that must
break them.

`@pytest.mark.lesson(21, "windows")` says that the test proves that rule of lesson 21, and that a
patch of lessons/mutants*.toml which removes the rule makes it fail. `lesson(5)` has no such patch
yet; `story=True` says that the test tells the lesson in the large, where no single rule's removal
need show.

    python tests/lesson_marks.py     writes the third column of lessons/README.md
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent
LIST = TESTS / "lessons" / "README.md"
MUTANTS = sorted((TESTS / "lessons").glob("mutants*.toml"))

Rule = tuple[int, str]


@dataclass(frozen=True)
class Mark:
    """One marker on one test function, or on one case of it."""

    file: str
    test: str
    lesson: int
    rule: str
    is_story: bool


@dataclass(frozen=True)
class Edit:
    """A piece of a file and what stands there instead; blanks and line ends count alike."""

    file: str
    old: str
    new: str

    def changed(self, root: Path) -> str:
        """The file's new text; the old piece must be there exactly once."""
        text = (root / self.file).read_text("utf-8")
        pattern = r"\s+".join(re.escape(word) for word in self.old.split())
        found = list(re.finditer(pattern, text))
        if len(found) != 1:
            raise LookupError(f"{self.file} holds this {len(found)} times, not once:\n{self.old}")
        [place] = found
        return text[: place.start()] + self.new.strip() + text[place.end() :]


@dataclass(frozen=True)
class Mutant:
    """The project without a rule."""

    rules: frozenset[Rule]
    edits: tuple[Edit, ...]

    @property
    def name(self) -> str:
        """Such as `21 windows, 48 claim`."""
        return ", ".join(f"{lesson} {rule}".strip() for lesson, rule in sorted(self.rules))

    @property
    def changes_tables(self) -> bool:
        """True where a revision is patched, so that a migrated database is of no use."""
        return any(edit.file.startswith("db/migrations/") for edit in self.edits)

    def apply(self, root: Path) -> None:
        """Remove the rule from the copy of the project below ``root``."""
        for edit in self.edits:
            (root / edit.file).write_text(edit.changed(root), "utf-8")


def mutants() -> list[Mutant]:
    """All patches."""
    return [
        Mutant(
            frozenset(_rule(text) for text in entry["breaks"]),
            tuple(Edit(**edit) for edit in entry["edit"]),
        )
        for file in MUTANTS
        for entry in tomllib.loads(file.read_text("utf-8"))["mutant"]
    ]


def _rule(text: str) -> Rule:
    number, _, rule = text.partition(" ")
    return int(number), rule


@cache
def marks() -> list[Mark]:
    """All markers of all tests, in the order of files and lines."""
    return [
        mark
        for path in sorted(TESTS.rglob("test_*.py"))
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
        for mark in _marks_of(path.relative_to(TESTS).as_posix(), node)
    ]


def _marks_of(file: str, function: ast.FunctionDef) -> Iterator[Mark]:
    for decorator in function.decorator_list:
        for node in ast.walk(decorator):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.lesson":
                values: list[Any] = [ast.literal_eval(argument) for argument in node.args]
                options = {word.arg: ast.literal_eval(word.value) for word in node.keywords}
                yield Mark(
                    file,
                    function.name,
                    values[0],
                    values[1] if len(values) > 1 else "",
                    options.get("story", False),
                )


def table(text: str) -> str:
    """The README with the tests of the markers in its tables."""
    proofs: dict[int, dict[str, None]] = {}
    for mark in marks():
        proofs.setdefault(mark.lesson, {})[f"`{mark.file}::{mark.test}`"] = None

    def line(found: re.Match[str]) -> str:
        tests = proofs.get(int(found[1]))
        return f"| {found[1]} | {found[2]} | {'<br>'.join(tests) if tests else NO_TEST} |"

    return re.sub(r"^\| (\d+) \| ([^|]*) \|.*\|$", line, text, flags=re.M)


NO_TEST = "not in this version"

if __name__ == "__main__":
    LIST.write_text(table(LIST.read_text("utf-8")), "utf-8")
