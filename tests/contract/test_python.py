"""Rules for the Python of the product: the database decides, modules do not tangle."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

import pgdrip
from pgdrip.sql_files import SqlFile

PACKAGE = Path(pgdrip.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "db" not in path.parts)

# The record of the migrations themselves.
OWN_TABLES = {"code_objects", "installed_parts"}
# Definitions of row-level policies, which stand on tables.
DEFINITIONS = {"policies.py"}

# Called per message or per lead: a block with a handler is a subtransaction each time.
# claim_messages and record_results have one around their inner form, once a call.
HOT = (
    "_claim_messages",
    "_record_results",
    "release_messages",
    "enroll_lead",
    "_enroll",
    "_verdict",
)


def imports(tree: ast.AST) -> list[tuple[int, str]]:
    """Level (dots) and module of each import."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found.append((node.level, node.module or ""))
        elif isinstance(node, ast.Import):
            found += [(0, alias.name) for alias in node.names]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_says_what_it_is_for_and_imports_its_siblings_relatively(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    assert [name for level, name in imports(tree) if not level and name.startswith("pgdrip")] == []


def test_python_names_no_table(catalog: Connection[dict[str, Any]]) -> None:
    tables = {
        row["name"]
        for row in catalog.execute(
            "select c.relname::text as name from pg_class as c"
            " where c.relnamespace = 'drip'::regnamespace and c.relkind = 'r'"
        )
    }
    assert [
        f"{path.name}: {name}"
        for path in MODULES
        if path.name != "docs.py"  # it writes pages for people, who may name them
        for name in re.findall(r"\bdrip\.([a-z_]+)", path.read_text(encoding="utf-8"))
        if name in tables - OWN_TABLES and path.name not in DEFINITIONS
    ] == []


def test_no_module_knows_all_others() -> None:
    """Only the command line may, and it does so inside its commands."""
    names = {path.stem for path in MODULES}
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        wanted = {name.split(".")[0] for level, name in imports(tree) if level} & names
        assert len(wanted) <= 12 or path.stem == "cli", f"{path.name}: {sorted(wanted)}"


def test_hot_functions_handle_no_exceptions(sql_files: list[SqlFile]) -> None:
    texts = {
        made.name.removeprefix("drip."): text
        for file in sql_files
        for _, text, made in file.pieces()
        if made is not None
    }
    assert [
        name for name in HOT if re.search(r"^\s*exception\s*$|exception\s+when", texts[name], re.M)
    ] == []
