"""Reads `db/functions`, `db/policies` (none yet), `db/views`: what each file defines, and where.

A file is the unit of code: it is executed as a whole. What it defines is read from its text, with
comments, strings and bodies blanked out: the engine knows the names before it runs anything.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import PgdripError

SCHEMA = "drip"

# Rooms in the order in which they build on each other; a room that is not named comes after them.
ROOMS = (
    "core",
    "events",
    "rules",
    "texts",
    "accounts",
    "leads",
    "guards",
    "sequences",
    "campaigns",
    "claim",
    "results",
    "inbound",
    "forecast",
    "explain",
    "definitions",
    "ops",
)

_OPAQUE = re.compile(
    r"""
      --[^\n]*
    | /\*.*?\*/
    | (?<!\w)[eE]'(?:\\.|''|[^'\\])*'
    | '(?:''|[^'])*'
    | (?<![\w$])(?P<tag>\$(?:[A-Za-z_]\w*)?\$).*?(?P=tag)
    """,
    re.DOTALL | re.VERBOSE,
)
_REPLACE = r"create\s+(?P<replace>or\s+replace\s+)?"
_FUNCTION = re.compile(_REPLACE + r"(?:function|procedure)\s+(?P<name>[\w.\"]+)\s*\(", re.I)
_VIEW = re.compile(_REPLACE + r"view\s+(?P<name>[\w.\"]+)", re.I)
_TRIGGER = re.compile(
    _REPLACE + r"(?:constraint\s+)?trigger\s+(?P<name>[\w\"]+)\s.*?\son\s+(?P<table>[\w.\"]+)",
    re.I | re.DOTALL,
)
_POLICY = re.compile(r"create\s+policy\s+(?P<name>[\w\"]+)\s+on\s+(?P<table>[\w.\"]+)", re.I)
_COMPANION = re.compile(
    r"comment\s+on\s+(?:function|procedure|view|column|trigger|policy)\b"
    r"|grant\b|revoke\b|alter\s+(?:view|function|procedure)\b",
    re.I,
)
_GRANT_TO_PUBLIC = re.compile(r"grant\b[^;]*\bto\b[^;]*\bpublic\b", re.I)


@dataclass(frozen=True)
class Declared:
    """One object that a file defines. `name` is `drip.x`, or `x on drip.table`."""

    kind: str
    name: str
    replaces: bool
    returns_trigger: bool

    @property
    def key(self) -> tuple[str, str]:
        """What finds the object whatever its arguments are: names are never overloaded."""
        return (self.kind, self.name)

    @property
    def table(self) -> str | None:
        """The table of a trigger or a policy."""
        return self.name.rsplit(" ", 1)[-1] if self.kind in ("trigger", "policy") else None

    @property
    def stays(self) -> bool:
        """True where `create or replace` does it: a table's triggers must not be away meanwhile."""
        return self.replaces and (self.returns_trigger or self.kind == "trigger")


@dataclass(frozen=True)
class Statement:
    """A statement of a file, by its offsets in the text."""

    start: int
    end: int


@dataclass(frozen=True)
class SqlFile:
    """A file of SQL code. `path` is relative to `db/`, with slashes."""

    path: str
    text: str
    checksum: str
    declared: tuple[Declared, ...]
    statements: tuple[Statement, ...]

    def pieces(self, replaced: Collection[str] = ()) -> Iterator[tuple[int, str, Declared | None]]:
        """Its statements: offset, text, and what each declares.

        The functions `replaced` are created with `or replace`.
        """
        masked = _blank(self.text)
        for statement in self.statements:
            text = self.text[statement.start : statement.end]
            found = _declaration(masked[statement.start : statement.end])
            if found and found.kind == "function" and found.name in replaced and not found.replaces:
                text = f"create or replace{text[len('create') :]}"
            yield statement.start, text, found

    def line_at(self, offset: int) -> int:
        """The line, from 1, of a character offset, from 0."""
        return self.text.count("\n", 0, offset) + 1

    def line_in_body(self, name: str, line: int) -> int:
        """The file's line of a line, from 1, in the quoted body of the function `name`."""
        bare = re.escape(name.rsplit(".", 1)[-1])
        head = re.search(rf"(?:function|procedure)\s+[\w.]*\b{bare}\s*\(", self.text, re.I)
        if head is None:
            return 1
        for quoted in _OPAQUE.finditer(self.text, head.start()):
            if quoted["tag"]:
                return self.line_at(quoted.start()) + line - 1
        return self.line_at(head.start())


def db_dir() -> Path:
    """The folder `db/`: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "db", package.parent / "db"):
        if (folder / "migrations" / "env.py").is_file():
            return folder
    raise PgdripError(
        "The folder db with the migrations is not installed.", hint="Install pgdrip again."
    )


def load_files(folder: Path) -> list[SqlFile]:
    """Every code file below `folder` (a `db/`), in the order in which they are tried.

    Raises PgdripError when a file holds something else than code, or two define the same name.
    """
    files = [_read(folder, path) for path in _paths(folder)]
    seen: dict[tuple[str, str], str] = {}
    for file in files:
        for declared in file.declared:
            other = seen.setdefault(declared.key, file.path)
            if other != file.path:
                raise PgdripError(
                    f"{file.path} and {other} both define the {declared.kind} {declared.name}.",
                    hint="A name has one file, and functions are not overloaded.",
                )
    return files


def _paths(folder: Path) -> Iterator[Path]:
    functions = folder / "functions"
    rooms = sorted(p.name for p in functions.iterdir() if p.is_dir()) if functions.is_dir() else []
    yield from sorted(functions.glob("*.sql"))
    for room in [*(r for r in ROOMS if r in rooms), *(r for r in rooms if r not in ROOMS)]:
        yield from sorted((functions / room).glob("*.sql"))
    yield from sorted((folder / "policies").glob("*.sql"))
    yield from sorted((folder / "views").glob("*.sql"))


def _blank(text: str) -> str:
    return _OPAQUE.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def _statements(masked: str) -> Iterator[Statement]:
    """Split at semicolons; the body of `begin atomic … end` belongs to its function."""
    start = 0
    opened: int | None = None
    for end in [*(m.start() for m in re.finditer(";", masked)), len(masked)]:
        piece = masked[start:end]
        if opened is None and re.search(r"\bbegin\s+atomic\b", piece, re.I):
            opened = start + len(piece) - len(piece.lstrip())
        if opened is not None:
            if piece.strip().lower() == "end":
                yield Statement(opened, end)
                opened = None
        elif piece.strip():
            yield Statement(start + len(piece) - len(piece.lstrip()), end)
        start = end + 1
    if opened is not None:
        yield Statement(opened, len(masked))


def _read(folder: Path, path: Path) -> SqlFile:
    text = path.read_text(encoding="utf-8")
    relative = path.relative_to(folder).as_posix()
    masked = _blank(text)
    statements = tuple(_statements(masked))
    declared: list[Declared] = []
    for statement in statements:
        found = _declaration(masked[statement.start : statement.end])
        where = f"{relative}, line {text.count(chr(10), 0, statement.start) + 1}"
        if found is not None:
            _check_declaration(found, where)
            if found in declared:
                raise PgdripError(f"{where}: {found.name} is defined twice.")
            declared.append(found)
        elif not _COMPANION.match(masked, statement.start, statement.end):
            first_words = " ".join(masked[statement.start : statement.end].split()[:3])
            raise PgdripError(
                f"{where}: `{first_words} …` does not belong in a code file.",
                hint="Code files define functions, views, policies and triggers with their comments"
                " and grants; tables, types and seed rows belong in a revision.",
            )
        elif _GRANT_TO_PUBLIC.match(masked, statement.start, statement.end):
            raise PgdripError(
                f"{where}: every role may do that.",
                hint="Grant it to pgdrip's roles, not to public.",
            )
    if not declared:
        raise PgdripError(
            f"{relative} defines nothing.", hint="Delete it, or define a function or a view in it."
        )
    checksum = hashlib.sha256(text.encode()).hexdigest()
    return SqlFile(relative, text, checksum, tuple(declared), statements)


def _declaration(sql: str) -> Declared | None:
    if found := _FUNCTION.match(sql):
        returns_trigger = re.search(r"\breturns\s+trigger\b", sql, re.I) is not None
        return Declared("function", found["name"], bool(found["replace"]), returns_trigger)
    if found := _VIEW.match(sql):
        return Declared("view", found["name"], bool(found["replace"]), False)
    if found := _TRIGGER.match(sql):
        name = f"{found['name']} on {found['table']}"
        return Declared("trigger", name, bool(found["replace"]), False)
    if found := _POLICY.match(sql):
        return Declared("policy", f"{found['name']} on {found['table']}", False, False)
    return None


def _check_declaration(declared: Declared, where: str) -> None:
    qualified = declared.name.rsplit(" ", 1)[-1]
    if not re.fullmatch(rf"{SCHEMA}\.[a-z_][a-z0-9_]*", qualified):
        raise PgdripError(
            f"{where}: {qualified} is not written as {SCHEMA}.name.",
            hint="Write the schema, and the name in lower case without quotes.",
        )
    if declared.returns_trigger and not declared.replaces:
        raise PgdripError(
            f"{where}: the trigger function {declared.name} is not `create or replace`.",
            hint="Trigger functions are never dropped while their table is in use.",
        )
