"""The drift report: what differs between a database and the files, by name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from code_tree import Tree, function, view

from pgdrip.schema import Drift, db_dir, drift, migrate

TABLE = (
    'run_script("create table drip.things (id bigint primary key, n int)")\n'
    'run_script("create policy own on drip.things using (true)")'
)
TRIGGER = """
create or replace function drip._stamp()
returns trigger
language plpgsql
as $$ begin return new; end $$;
create or replace trigger stamp before insert on drip.things
  for each row execute function drip._stamp();
"""


def short(found: list[Drift]) -> list[tuple[str, str, str]]:
    return sorted((item.problem, item.kind, item.identity) for item in found)


@pytest.fixture
def ready(tree: Tree) -> Tree:
    tree.revision(2, TABLE)
    tree.write("functions/core/f.sql", function("f"))
    tree.write("functions/core/_stamp.sql", TRIGGER)
    tree.write("policies/things.sql", "create policy mine on drip.things using (true);\n")
    tree.write("views/v.sql", view("v", "select drip.f() as one"))
    tree.migrate()
    assert drift(tree.dsn, folder=tree.folder) == []
    return tree


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "create or replace function drip.f() returns int language sql as $$ select 9 $$",
            ("patched", "function", "drip.f()"),
        ),
        ("grant execute on function drip.f() to drip_app", ("patched", "function", "drip.f()")),
        ("drop view drip.v", ("missing", "view", "drip.v")),
        ("grant select on drip.v to drip_app", ("patched", "view", "drip.v")),
        ("drop trigger stamp on drip.things", ("missing", "trigger", "stamp on drip.things")),
        ("drop policy mine on drip.things", ("missing", "policy", "mine on drip.things")),
        (
            "alter policy mine on drip.things using (false)",
            ("patched", "policy", "mine on drip.things"),
        ),
        (
            "create function drip.mine() returns int language sql as $$ select 1 $$",
            ("stray", "function", "drip.mine()"),
        ),
        (
            "create function drip.f(p int) returns int language sql as $$ select 1 $$",
            ("stray", "function", "drip.f(integer)"),
        ),
        ("create view drip.mine as select 1", ("stray", "view", "drip.mine")),
        ("create table drip.mine (id int)", ("stray", "table", "drip.mine")),
        (
            "create policy more on drip.things using (true)",
            ("stray", "policy", "more on drip.things"),
        ),
        (
            "alter policy own on drip.things using (false)",
            ("patched", "policy", "own on drip.things"),
        ),
        ("drop policy own on drip.things", ("missing", "policy", "own on drip.things")),
        ("grant select on drip.things to drip_app", ("patched", "table", "drip.things")),
        ("alter table drip.things add column more int", ("patched", "table", "drip.things")),
    ],
)
def test_one_difference(ready: Tree, statement: str, expected: tuple[str, str, str]) -> None:
    ready.run(statement)
    before = ready.state()
    assert short(drift(ready.dsn, folder=ready.folder)) == [expected]
    assert ready.state() == before


def test_what_differs_is_said(ready: Tree) -> None:
    ready.run("grant execute on function drip.f() to drip_app")
    (found,) = drift(ready.dsn, folder=ready.folder)
    assert found.detail == "differs from the file in rights"
    assert found.file == "functions/core/f.sql"


def test_newer_files_are_no_patch(ready: Tree) -> None:
    ready.write("functions/core/f.sql", function("f", "select 2"))
    ready.write("functions/core/g.sql", function("g"))
    ready.remove("views/v.sql")
    assert short(drift(ready.dsn, folder=ready.folder)) == [
        ("outdated", "function", "drip.f()"),
        ("outdated", "function", "drip.g()"),
        ("outdated", "view", "drip.v"),
    ]


def test_pending_revision(ready: Tree) -> None:
    ready.revision(3, 'run_script("create table drip.others (id int)")')
    assert short(drift(ready.dsn, folder=ready.folder)) == [("outdated", "revision", "0003")]


def test_views_of_others_do_not_hinder_it(ready: Tree) -> None:
    ready.run("create schema reports", "create view reports.mine as select one from drip.v")
    assert drift(ready.dsn, folder=ready.folder) == []
    assert ready.value("select one from reports.mine") == 1


def test_patched_table_stays_reported_after_a_migration(ready: Tree) -> None:
    ready.run("alter table drip.things add column more int")
    ready.write("functions/core/f.sql", function("f", "select 2"))
    ready.migrate()
    assert short(drift(ready.dsn, folder=ready.folder)) == [("patched", "table", "drip.things")]


def test_fresh_install_has_none(empty_dsn: str, tmp_path: Path) -> None:
    folder = shutil.copytree(db_dir(), tmp_path / "db")
    migrate(empty_dsn, folder=folder)
    assert drift(empty_dsn, folder=folder) == []
