"""The generated pages are those of this version, and the written ones name what exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from pgdrip.docs import pages
from pgdrip.sql_files import SqlFile

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.mark.parametrize("name", ["sql-api.md", "views.md", "events.md"])
def test_generated_pages_are_current(catalog: Connection[Any], name: str) -> None:
    """`make docs` writes them anew."""
    assert (DOCS / name).read_text(encoding="utf-8") == pages(catalog)[name]


def documented_codes() -> list[str]:
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    return re.findall(r"^## (DR\d{3})", text, re.MULTILINE)


def test_every_error_code_is_documented_once_and_raised_somewhere(
    sql_files: list[SqlFile],
) -> None:
    raised = {code for f in sql_files for code in re.findall(r"'(DR\d{3})'", f.text)}
    caught = {code for f in sql_files for code in re.findall(r"when sqlstate '(DR\d{3})'", f.text)}
    assert sorted(documented_codes()) == sorted(raised - caught)


def test_every_limit_is_asked_for_and_every_one_asked_for_exists(sql_files: list[SqlFile]) -> None:
    """A limit that does not exist is null, and nothing is above it."""
    [home] = [f for f in sql_files if f.path.endswith("/_limit.sql")]
    limits = re.findall(r"^    when '(\w+)' then \d+$", home.text, re.MULTILINE)
    calls = [
        words[0]
        for f in sql_files
        for call in re.findall(
            r"(?:perform|select) drip\._check_(?:length|count|json)\((.*?)\);", f.text, re.S
        )
        if (words := re.findall(r"'(\w+)'", call))
    ]
    asked = [name for f in sql_files for name in re.findall(r"drip\._limit\('(\w+)'\)", f.text)]
    assert sorted({*calls, *asked}) == sorted(limits)


def test_codes_are_in_order() -> None:
    codes = documented_codes()
    assert codes == sorted(set(codes))


@pytest.mark.parametrize(
    "name", ["README.md", "docs/operations.md", "docs/errors.md", "docs/events.md"]
)
def test_written_pages_name_functions_and_views_that_exist(
    catalog: Connection[dict[str, Any]], name: str
) -> None:
    found = catalog.execute(
        "select p.proname::text as name from pg_proc as p"
        " where p.pronamespace = 'drip'::regnamespace"
        " union select c.relname::text from pg_class as c"
        " where c.relnamespace = 'drip'::regnamespace and c.relkind in ('r', 'v')"
    ).fetchall()
    known = {row["name"] for row in found} | {"user"}
    text = (ROOT / name).read_text(encoding="utf-8")
    named = set(re.findall(r"\bdrip\.([a-z_]+)", text)) - {"sql"}
    settings = {"fake_now", "resume_policy"}
    assert named - known - settings == set()


@pytest.mark.parametrize("name", ["README.md", "docs/operations.md", "docs/events.md"])
def test_links_to_files_lead_somewhere(name: str) -> None:
    page = ROOT / name
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    assert links
    assert [link for link in links if not (page.parent / link).exists()] == []
