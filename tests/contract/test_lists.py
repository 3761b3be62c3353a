"""Lists that stand in SQL, in constraints and in Python name the same things."""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest
from psycopg import Connection

from pgdrip.events import Category
from pgdrip.senders.base import MessageType

Catalog = Connection[dict[str, Any]]


def allowed(catalog: Catalog, ending: str) -> dict[str, set[str]]:
    """The words that each constraint of that name admits."""
    rows = catalog.execute(
        "select conname, pg_get_constraintdef(oid) as rule from pg_constraint"
        " where connamespace = 'drip'::regnamespace and contype = 'c' and conname ~ %s",
        [f"_{ending}$"],
    )
    return {row["conname"]: set(re.findall(r"'(\w+)'", row["rule"])) for row in rows}


def listed(catalog: Catalog, function: str) -> list[str]:
    row = catalog.execute(f"select drip.{function}() as list".encode()).fetchone()
    assert row is not None
    words: list[str] = row["list"]
    return words


def test_types_of_messages(catalog: Catalog) -> None:
    types = listed(catalog, "_message_types")
    assert tuple(types) == get_args(MessageType)
    rules = allowed(catalog, "type_known")
    assert len(rules) == 3
    assert all(words == set(types) for words in rules.values()), rules


@pytest.mark.parametrize("table", ["suppressions", "stop_words"])
def test_categories_of_opt_outs(catalog: Catalog, table: str) -> None:
    categories = listed(catalog, "_stop_categories")
    assert tuple(categories) == get_args(Category)
    assert allowed(catalog, "category_known")[f"{table}_category_known"] == set(categories)
