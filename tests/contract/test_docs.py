"""The generated pages are those of this version, and the written ones name what exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pglast import split
from psycopg import Connection, Error, errors

from pgdrip.cli.docs import pages
from pgdrip.schema.sql_files import SqlFile

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "bench/*.md", "tests/lessons/*.md", ".github/**/*.md")
    for path in ROOT.glob(pattern)
)


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


# Written by `make docs` from names in the catalog.
GENERATED = {"docs/sql-api.md", "docs/views.md"}


@pytest.mark.parametrize("name", sorted(set(PAGES) - GENERATED))
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
    named = set(re.findall(r"\bdrip\.(_?[a-z][a-z_]*)", text)) - {"sql"}
    settings = {"fake_now", "clock_token", "resume_policy"}
    assert named - known - settings == set()


# Functions of PostgreSQL and of Python that pages name in the same way.
OTHERS = {"pg_terminate_backend", "run_script", "autocommit_block", "now", "quote_ident"}


@pytest.mark.parametrize("name", sorted(set(PAGES) - GENERATED))
def test_written_pages_name_our_functions_as_they_are(
    catalog: Connection[dict[str, Any]], name: str
) -> None:
    """`claim_messages()` in backticks is a function of schema drip."""
    rows = catalog.execute(
        "select p.proname::text as name from pg_proc as p"
        " where p.pronamespace = 'drip'::regnamespace"
    ).fetchall()
    text = (ROOT / name).read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_][a-z0-9_]*)\(\)`", text))
    assert named - {row["name"] for row in rows} - OTHERS == set()


def statements(page: str) -> list[str]:
    """The queries and edits of a page; what a reader fills in is left out."""
    blocks = re.findall(r"^```sql\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    blocks += [s for s in re.findall(r"`(select\s[^`]+)`", prose(page)) if "…" not in s]
    sql = [re.sub(r"^\\.*$", "", block, flags=re.MULTILINE) for block in blocks]
    found = [s.strip() for block in sql if ", …" not in block for s in split(block)]
    plain = [re.sub(r"^--.*\n", "", s, flags=re.MULTILINE) for s in found]
    return [s for s in plain if re.match(r"(select|insert|update|delete)\b", s)]


def unplannable(conn: Connection[dict[str, Any]], page: str) -> list[str]:
    """Statements of a page that name a column or an argument of ours which does not exist.

    Tables and functions of the reader's own are not there either, and no fault of the page.
    """
    wrong = []
    for statement in statements(page):
        try:
            with conn.transaction(force_rollback=True):
                conn.execute("set local search_path = public, drip")
                conn.execute(f"explain {statement}".encode())
        except errors.UndefinedTable as exc:
            if "drip." in str(exc):
                wrong.append(statement)
        except errors.InvalidSchemaName:
            continue
        except Error:
            wrong.append(statement)
    return wrong


@pytest.mark.parametrize("name", sorted(set(PAGES) - GENERATED))
def test_statements_of_pages_can_be_planned(catalog: Connection[dict[str, Any]], name: str) -> None:
    assert unplannable(catalog, (ROOT / name).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "statement",
    [
        "select nonsense from drip.leads_overview",
        "select * from drip.no_such_view",
        "select * from drip.pause_sequence(17)",
        "select * from drip.pause_sequence('x', p_nonsense => 'y')",
    ],
)
@pytest.mark.parametrize("page", ["```sql\n{};\n```\n", "Ask `{}` first.\n"])
def test_the_check_of_statements_finds_wrong_ones(
    catalog: Connection[dict[str, Any]], statement: str, page: str
) -> None:
    assert unplannable(catalog, page.format(statement)) == [statement]


def prose(text: str) -> str:
    """A page without its blocks of code, which hold no headings and no links."""
    return re.sub(r"^( *)```.*?^\1```", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """The anchors that a repository host gives to the headings of a page."""
    found: dict[str, int] = {}
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", prose(text), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        found[slug] = found.get(slug, -1) + 1
    return {f"{s}-{n}" if n else s for s, most in found.items() for n in range(most + 1)}


def broken_links(page: Path) -> list[str]:
    """Relative links of a page that lead to no file, or to no heading of it."""
    text = prose(page.read_text(encoding="utf-8"))
    links = re.findall(r"\]\((?!https?://|mailto:)([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", text))
    broken = []
    for link in links:
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (
            anchor and anchor not in anchors(target.read_text(encoding="utf-8"))
        ):
            broken.append(link)
    return broken


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_to_a_file_and_a_heading(name: str) -> None:
    assert broken_links(ROOT / name) == []


@pytest.mark.parametrize(
    ("link", "is_broken"),
    [
        ("other.md", False),
        ("other.md#whats-new", False),
        ("other.md#again-1", False),
        ("#here", False),
        ("gone.md", True),
        ("other.md#gone", True),
        ("other.md#not-a-heading", True),
        ("#there", True),
    ],
)
def test_the_check_of_links_finds_broken_ones(tmp_path: Path, link: str, is_broken: bool) -> None:
    (tmp_path / "other.md").write_text(
        "# What's new?\n\n## Again\n\n## Again\n\n```sh\n# not a heading\n```\n"
    )
    page = tmp_path / "page.md"
    page.write_text(f"# Here\n\n[link]({link})\n")
    assert broken_links(page) == ([link] if is_broken else [])


def test_code_names_pages_that_exist() -> None:
    """Hints and comments send people to a page."""
    sources = [
        p for d in ("db", "worker") for e in ("py", "sql") for p in (ROOT / d).rglob(f"*.{e}")
    ]
    named = {
        (path.relative_to(ROOT).as_posix(), page)
        for path in sources
        for page in re.findall(r"(?<![\w./])docs/[\w/-]+\.md", path.read_text(encoding="utf-8"))
    }
    assert named
    assert [n for n in sorted(named) if not (ROOT / n[1]).exists()] == []


PATHS = re.compile(r"(?<![\w/.])(?:worker|tests|db|bench|docs|examples)/[\w./-]*\w/?")


def test_pages_name_files_and_folders_that_exist() -> None:
    """The changelog tells of earlier versions, the lessons name tests from their own folder."""
    named = {
        (page, path)
        for page in set(PAGES) - {"CHANGELOG.md", "tests/lessons/README.md"}
        for quoted in re.findall(r"`([^`]+)`", prose((ROOT / page).read_text(encoding="utf-8")))
        for path in PATHS.findall(quoted)
        if not re.search(r"NNNN|<|\*", quoted)
    }
    assert len(named) > 50
    assert [n for n in sorted(named) if not (ROOT / n[1]).exists()] == []


def test_every_page_is_in_an_index() -> None:
    """A page that no index names is found by nobody."""
    for folder, index in ((DOCS / "howto", DOCS), (DOCS / "decisions", DOCS / "decisions")):
        text = (index / "README.md").read_text(encoding="utf-8")
        pages_of_it = [p for p in folder.glob("*.md") if p.name != "README.md"]
        assert pages_of_it
        missing = [
            p.name for p in pages_of_it if f"]({p.relative_to(index).as_posix()})" not in text
        ]
        assert missing == []
