"""Rules for the text of the code files and revisions: names, layout, letter case."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pglast import parser

from pgdrip.schema.sql_files import SqlFile

LONGEST_LINE = 100
BODY = re.compile(r"(?<![\w$])(\$(?:[A-Za-z_]\w*)?\$)(.*?)\1", re.DOTALL)


def public_names(file: SqlFile) -> list[str]:
    """Functions and views of the file that do not start with an underscore, without schema."""
    names = [d.name.removeprefix("drip.") for d in file.declared if d.kind in ("function", "view")]
    return [name for name in names if not name.startswith("_")]


def shouted(text: str) -> Iterator[str]:
    """Keywords that are not in lower case, also inside quoted bodies."""
    for body in BODY.finditer(text):
        yield from shouted(body[2])
    for token in parser.scan(BODY.sub(lambda m: " " * len(m[0].encode()), text)):
        word = text.encode()[token.start : token.end + 1].decode(errors="replace")
        if token.kind != "NO_KEYWORD" and word != word.lower():
            yield word


def test_a_file_holds_one_public_function_or_view_and_is_named_after_it(
    sql_files: list[SqlFile],
) -> None:
    wrong = []
    for file in sql_files:
        stem = Path(file.path).stem
        names = public_names(file)
        if names != [stem] and not (names == [] and stem.startswith("_")):
            wrong.append(f"{file.path}: {', '.join(names) or 'nothing public'}")
    assert wrong == []


def test_a_file_begins_with_the_reason_for_it(sql_files: list[SqlFile]) -> None:
    assert [f.path for f in sql_files if not f.text.startswith("-- ")] == []


def test_files_are_named_in_lower_case_with_underscores(sql_files: list[SqlFile]) -> None:
    names = [Path(f.path).name for f in sql_files]
    assert [n for n in names if not re.fullmatch(r"[a-z_][a-z0-9_]*\.sql", n)] == []


LITERAL = re.compile(
    r"--[^\n]*|/\*.*?\*/|(?<!\w)[eE]'(?:\\.|''|[^'\\])*'|(?P<plain>'(?:''|[^'])*')",
    re.DOTALL,
)


def test_no_literal_depends_on_the_callers_session(sql_files: list[SqlFile]) -> None:
    """A body is parsed in the caller's session, where standard_conforming_strings may be off: then
    a backslash escapes in a plain literal, so those with one are written e''."""
    wrong = [
        f"{file.path}: {literal['plain']}"
        for file in sql_files
        for literal in LITERAL.finditer(file.text)
        if "\\" in (literal["plain"] or "")
    ]
    assert wrong == []


def test_lines_are_short_and_clean(sql_files: list[SqlFile], db_folder: Path) -> None:
    texts = {f.path: f.text for f in sql_files}
    revisions = (db_folder / "migrations" / "versions").glob("*.py")
    texts |= {p.relative_to(db_folder).as_posix(): p.read_text("utf-8") for p in revisions}
    wrong = [
        f"{path}:{number}"
        for path, text in texts.items()
        for number, line in enumerate(text.split("\n"), 1)
        if len(line) > LONGEST_LINE or "\t" in line or line != line.rstrip()
    ]
    assert wrong == []


def test_files_are_short_enough_to_be_checked(sql_files: list[SqlFile]) -> None:
    """sqlfluff skips longer ones, with a warning and without an error."""
    assert [f.path for f in sql_files if len(f.text.encode()) > 20_000] == []


def test_keywords_are_in_lower_case_inside_bodies_too(sql_files: list[SqlFile]) -> None:
    assert {f.path: words for f in sql_files if (words := list(shouted(f.text)))} == {}


@pytest.mark.parametrize("text", ["SELECT 1", "do $$begin RETURN; end$$", "select NULL"])
def test_the_scan_finds_shouting(text: str) -> None:
    assert list(shouted(text)) != []


@pytest.mark.parametrize("text", ["select 'NULL'", "-- SELECT", 'select "Select" from x'])
def test_the_scan_leaves_strings_and_comments_alone(text: str) -> None:
    assert list(shouted(text)) == []


def test_functions_say_their_search_path_before_the_body(sql_files: list[SqlFile]) -> None:
    """A pinned path lasts: `alter function … set` in another file would be lost at a rebuild."""
    assert [f.path for f in sql_files if re.search(r"alter\s+function.*\bset\b", f.text)] == []


def test_revisions_commit_as_one(db_folder: Path) -> None:
    revisions = sorted((db_folder / "migrations" / "versions").glob("*.py"))
    assert len(revisions) >= 4
    assert [r.name for r in revisions if "autocommit_block" in r.read_text("utf-8")] == []


def test_revisions_call_no_function_of_ours(db_folder: Path, sql_files: list[SqlFile]) -> None:
    """Functions are created after the revisions, and may be others by then."""
    ours = {d.name for f in sql_files for d in f.declared if d.kind == "function"}
    revisions = sorted((db_folder / "migrations" / "versions").glob("*.py"))
    assert [
        f"{revision.name}: {name}"
        for revision in revisions
        for name in re.findall(r"drip\.\w+(?=\s*\()", revision.read_text("utf-8"))
        if name in ours
    ] == []
