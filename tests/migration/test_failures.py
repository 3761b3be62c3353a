"""A failing file or revision leaves everything as it was, and the error names file and line."""

from __future__ import annotations

import threading

import psycopg
import pytest
from code_tree import Tree, function, view

from pgdrip.errors import PgdripError
from pgdrip.schema import db_dir, migrate, migration


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        pytest.param(
            "-- why\n\ncreate function drip.g( returns int;\n", 3, "syntax error", id="syntax"
        ),
        pytest.param(
            function("g") + "comment on function drip.nope() is 'x';\n",
            5,
            "function drip.nope() does not exist",
            id="unknown name, no position",
        ),
        pytest.param(
            function("g") + "grant execute on function drip.g() to nobody_at_all;\n",
            5,
            'role "nobody_at_all" does not exist',
            id="unknown role",
        ),
        pytest.param(
            "create function drip.g()\nreturns int\nlanguage plpgsql\nas $$\nbegin\n  retrun 1;\n"
            "end\n$$;\n",
            6,
            "syntax error",
            id="plpgsql body",
        ),
        pytest.param(
            "-- why\ncreate function drip.g()\nreturns bigint\nlanguage sql\nas $$\n"
            "  select count(*)\n  from drip.nowhere\n$$;\n",
            7,
            'relation "drip.nowhere" does not exist',
            id="sql body",
        ),
        pytest.param(
            "create function drip.g()\nreturns int\nlanguage sql\nas $$ select 'x'::text $$;\n",
            4,
            "return type mismatch",
            id="sql body of the wrong type",
        ),
    ],
)
def test_failing_file(tree: Tree, text: str, line: int, words: str) -> None:
    tree.write("functions/core/f.sql", function("f"))
    tree.migrate()
    before = tree.state()
    tree.write("functions/core/f.sql", function("f", "select 2"))
    tree.write("functions/core/g.sql", text)
    tree.revision(2, 'run_script("create table drip.things (id bigint)")')
    with pytest.raises(PgdripError) as caught:
        tree.migrate()
    assert caught.value.message.startswith(f"functions/core/g.sql, line {line}: ")
    assert words in caught.value.message
    assert tree.state() == before


def test_unchanged_body_that_no_longer_fits(tree: Tree) -> None:
    tree.write("functions/core/f.sql", function("f"))
    tree.write("functions/core/g.sql", function("g", "select drip.f()"))
    tree.migrate()
    tree.write("functions/core/f.sql", function("f", "select 1", args="p int"))
    with pytest.raises(PgdripError, match=r"functions/core/g\.sql, line 4: .*drip\.f\(\)"):
        tree.migrate()


def test_the_cause_is_named_not_what_waits_for_it(tree: Tree) -> None:
    tree.write("views/a.sql", view("a", "select b.n from drip.b as b"))
    tree.write("views/b.sql", view("b", "select n from drip.nowhere"))
    with pytest.raises(PgdripError, match=r"views/b\.sql, line 2: .*drip\.nowhere"):
        tree.migrate()


def test_failing_revision(tree: Tree) -> None:
    tree.write("functions/core/f.sql", function("f"))
    tree.migrate()
    before = tree.state()
    tree.write("functions/core/f.sql", function("f", "select 2"))
    tree.revision(2, 'run_script("create table drip.things (id bigint)")')
    tree.revision(
        3, 'op.execute("select 1")\nrun_script("""\n      alter table drip.nope add x int\n""")'
    )
    with pytest.raises(PgdripError) as caught:
        tree.migrate()
    assert caught.value.message.startswith("migrations/versions/0003_test.py, line 8: ")
    assert 'relation "drip.nope" does not exist' in caught.value.message
    assert caught.value.code == "42P01"
    assert tree.state() == before


def test_failing_python_in_a_revision(tree: Tree) -> None:
    tree.revision(2, "raise ValueError('nothing to add')")
    with pytest.raises(PgdripError, match=r"0002_test\.py, line 7: ValueError: nothing to add"):
        tree.migrate()


def test_column_type_changes_below_an_unchanged_view(tree: Tree) -> None:
    tree.revision(2, 'run_script("create table drip.things (id int)")')
    tree.write("views/v.sql", view("v", "select t.id from drip.things as t"))
    tree.migrate()
    tree.run("grant select on drip.things to drip_view")
    tree.revision(3, 'run_script("alter table drip.things alter id type bigint")')
    report = tree.migrate()
    assert (report.revisions, report.rebuilt) == (("0003",), ("drip.v",))
    assert tree.value("select pg_typeof(max(id))::text from drip.v") == "bigint"


def test_column_type_changes_below_a_foreign_view(tree: Tree) -> None:
    tree.revision(2, 'run_script("create table drip.things (id int)")')
    tree.migrate()
    tree.run("create schema reports", "create view reports.mine as select id from drip.things")
    before = tree.state()
    tree.revision(3, 'run_script("alter table drip.things alter id type bigint")')
    with pytest.raises(PgdripError, match=r"0003_test\.py, line 7: cannot alter type of a column"):
        tree.migrate()
    assert tree.state() == before


def test_column_is_renamed_below_a_view_that_does_not_know(tree: Tree) -> None:
    tree.revision(2, 'run_script("create table drip.things (id int)")')
    tree.write("views/v.sql", view("v", "select t.id from drip.things as t"))
    tree.migrate()
    tree.revision(3, 'run_script("alter table drip.things rename id to thing_id")')
    with pytest.raises(PgdripError, match=r"views/v\.sql, line 2: column t\.id does not exist"):
        tree.migrate()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("create table drip.t (id int);", "line 1: `create table drip.t …` does not belong"),
        ("\n\ndo $$ begin end $$;", "line 3: `do …` does not belong"),
        ("-- nothing", "defines nothing"),
        ("create function f() returns int language sql as 'select 1';", "is not written as drip"),
        ("create view drip.V as select 1;", "is not written as drip"),
        (function("f") + function("f"), "line 5: drip.f is defined twice"),
        (
            "create function drip._t() returns trigger language plpgsql as $$ begin end $$;",
            "trigger function drip._t is not `create or replace`",
        ),
    ],
)
def test_file_that_is_no_code_file(tree: Tree, text: str, message: str) -> None:
    tree.write("functions/core/f.sql", text)
    with pytest.raises(PgdripError) as caught:
        tree.migrate()
    assert message in caught.value.message
    assert "functions/core/f.sql" in caught.value.message


def test_overload_in_two_files(tree: Tree) -> None:
    tree.write("functions/core/f.sql", function("f"))
    tree.write("functions/ops/f.sql", function("f", args="p int"))
    with pytest.raises(PgdripError, match=r"both define the function drip\.f"):
        tree.migrate()


def test_busy_view_is_tried_again_then_told(tree: Tree) -> None:
    tree.write("views/v.sql", view("v", "select 1 as n"))
    tree.migrate()
    before = tree.state()
    tree.write("views/v.sql", view("v", "select 2 as n"))
    with psycopg.connect(tree.dsn) as reader:
        reader.execute("select * from drip.v")
        with pytest.raises(PgdripError, match="too busy to upgrade"):
            tree.migrate(lock_timeout=0.02)
        reader.rollback()
    assert tree.state() == before
    assert tree.migrate().rebuilt == ("drip.v",)


@pytest.mark.parametrize("failure", ["no connection", "the query"])
def test_who_holds_it_may_be_unknown(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    """A server that is too busy may have no connection left to say who keeps it so."""
    tree.write("views/v.sql", view("v", "select 1 as n"))
    tree.migrate()
    tree.write("views/v.sql", view("v", "select 2 as n"))
    if failure == "the query":
        monkeypatch.setattr("pgdrip.schema.migration._HOLDERS", "select 1 / 0, ''")
    else:
        holders = migration._holders
        monkeypatch.setattr(
            "pgdrip.schema.migration._holders",
            lambda dsn: holders("host=127.0.0.1 port=1 user=nobody"),
        )
    with psycopg.connect(tree.dsn) as reader:
        reader.execute("select * from drip.v")
        with pytest.raises(PgdripError, match="too busy to upgrade") as caught:
            tree.migrate(lock_timeout=0.02)
        reader.rollback()
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("Sessions hold what it needs; end them")


def test_busy_view_is_waited_for(tree: Tree) -> None:
    tree.write("views/v.sql", view("v", "select 1 as n"))
    tree.migrate()
    tree.write("views/v.sql", view("v", "select 2 as n"))
    with psycopg.connect(tree.dsn) as reader:
        reader.execute("select * from drip.v")
        upgrade = threading.Thread(target=tree.migrate)
        upgrade.start()
        while not tree.rows("select from pg_locks where not granted"):
            assert upgrade.is_alive()
        reader.rollback()
    upgrade.join()
    assert tree.value("select n from drip.v") == 2


def test_older_revision_moves_tables_only(tree: Tree) -> None:
    tree.revision(2, 'run_script("create table drip.things (id int)")')
    tree.revision(3, 'run_script("create table drip.others (id int)")')
    tree.write("views/v.sql", view("v", "select o.id from drip.others as o"))
    report = tree.migrate("0002")
    assert (report.revisions, report.created) == (("0002",), ())
    report = tree.migrate()
    assert (report.revisions, report.created) == (("0003",), ("drip.v",))


def test_database_of_a_newer_version(tree: Tree) -> None:
    tree.revision(2, 'run_script("create table drip.things (id int)")')
    tree.migrate()
    tree.remove("migrations/versions/0002_test.py")
    with pytest.raises(PgdripError) as caught:
        tree.migrate()
    assert "do not know the same revisions" in caught.value.message
    assert "Upgrade pgdrip" in str(caught.value.hint)


def test_revisions_only_go_forward(tree: Tree) -> None:
    tree.revision(2, 'run_script("create table drip.things (id int)")')
    tree.migrate()
    with pytest.raises(PgdripError, match="past that revision"):
        tree.migrate("0001")


def test_no_server() -> None:
    with pytest.raises(PgdripError) as caught:
        migrate("host=127.0.0.1 port=1 dbname=postgres user=postgres")
    assert caught.value.hint


def test_revisions_stay_in_one_transaction() -> None:
    for path in (db_dir() / "migrations").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "autocommit_block" not in text, path
        assert "commit()" not in text, path
