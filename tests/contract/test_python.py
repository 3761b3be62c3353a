"""Rules for the Python of the product: the database decides, modules do not tangle."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

import pgdrip
from pgdrip import schema
from pgdrip.schema.sql_files import SqlFile

PACKAGE = Path(pgdrip.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "db" not in path.parts)

# The record of the migrations themselves.
OWN_TABLES = {"code_objects", "installed_parts"}
# Definitions of row-level policies, which stand on tables.
DEFINITIONS = {"policies.py"}

# What builds on what: a group imports from rows above its own, and from nothing else. Names are
# modules of the package and packages in it.
ROWS: tuple[tuple[set[str], ...], ...] = (
    (
        {"__init__", "errors", "events", "settings", "logs"}
        | {"server_log", "session", "watchdog", "tables", "database"},
    ),
    ({"schema"},),
    ({"lifecycle"}, {"files"}, {"senders"}),
    (
        {"receiver"},
        {"app", "devices", "dispatch", "listener", "recorder", "runner", "sweeps", "turns"},
    ),
    ({"simulator"},),
    ({"demo"},),
    ({"cli", "__main__"},),
)
LONGEST = 500  # lines of a module

# Called per message or per lead: a block with a handler is a subtransaction each time.
# claim_messages and record_results have one around their inner form, once a call.
HOT = (
    "_claim_messages",
    "_lock_heads",
    "_keep_unrivalled",
    "_ask_about_heads",
    "_judge_heads",
    "_start_attempts",
    "_lease_messages",
    "_park_idle",
    "_record_results",
    "_close_attempts",
    "_decide_fates",
    "_move_messages",
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


def imported(path: Path) -> set[str]:
    """The modules of ours that a module imports, as `schema.roles`; also those it loads later."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            home = path.parents[node.level - 1]
            home = home.joinpath(*(node.module.split(".") if node.module else ()))
            for place in [home / alias.name for alias in node.names]:
                is_module = place.is_dir() or place.with_suffix(".py").is_file()
                wanted = (place if is_module else home).relative_to(PACKAGE)
                found.add(".".join(wanted.parts) or "__init__")
    return found


def group_of(module: str) -> tuple[int, set[str]]:
    """The row of a module, and its group in there."""
    top = module.split(".")[0]
    found = [(at, group) for at, row in enumerate(ROWS) for group in row if top in group]
    assert len(found) == 1, f"{top} has no place in ROWS"
    return found[0]


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
    for path in MODULES:
        wanted = imported(path)
        assert len(wanted) <= 12, f"{path.relative_to(PACKAGE)}: {sorted(wanted)}"


def test_packages_import_in_one_direction() -> None:
    wrong = []
    seen = set()
    for path in MODULES:
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        row, group = group_of(name)
        for other in imported(path):
            there, group_there = group_of(other)
            if there >= row and group_there != group:
                wrong.append(f"{name} imports {other}")
            seen.add(other)
    assert wrong == []
    # it did look: these are imported by a name, from outside and inside a function
    assert {"schema.roles", "runner", "__init__"} <= seen


def test_every_module_has_its_place_in_the_order() -> None:
    tops = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in MODULES}
    assert tops == {name for row in ROWS for group in row for name in group}


def test_no_module_is_long() -> None:
    lengths = {
        str(path.relative_to(PACKAGE)): path.read_text(encoding="utf-8").count("\n")
        for path in MODULES
    }
    assert {path: lines for path, lines in lengths.items() if lines > LONGEST} == {}


def test_the_names_of_the_schema_are_found_at_their_first_use() -> None:
    for name in schema.__all__:
        assert getattr(schema, name)
    with pytest.raises(ImportError):
        exec("from pgdrip.schema import no_such_name")
    # a module that is imported takes the place of what has its name
    assert set(schema.__all__) & {path.stem for path in MODULES} == set()


def test_what_sends_and_receives_loads_no_migrations() -> None:
    """They take half a second of each start."""
    program = (
        "import sys; import pgdrip.cli, pgdrip.runner, pgdrip.receiver.server;"
        "print(*{'alembic', 'sqlalchemy', 'psycopg'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["psycopg"]


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
