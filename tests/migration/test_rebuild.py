"""Code is rebuilt from files: what changes, what stays, and what stops an upgrade."""

from __future__ import annotations

import pytest
from code_tree import Tree, function, view

from pgdrip.errors import PgdripError

TABLE = 'run_script("create table drip.things (id bigint primary key, n int not null default 0)")'

TRIGGER = """
create or replace function drip._stamp()
returns trigger
language plpgsql
as $$
begin
  new.n := {n};
  return new;
end
$$;
create or replace trigger stamp before insert on drip.things
  for each row execute function drip._stamp();
"""


def test_changed_return_type(tree: Tree) -> None:
    tree.write("functions/core/f.sql", function("f"))
    tree.migrate()
    tree.write("functions/core/f.sql", function("f", "select 'x'", "text"))
    report = tree.migrate()
    assert report.rebuilt == ("drip.f()",)
    assert tree.value("select drip.f()") == "x"


def test_added_default_argument_makes_no_overload(tree: Tree) -> None:
    tree.write("functions/core/f.sql", function("f", "select 1"))
    tree.migrate()
    tree.write("functions/core/f.sql", function("f", "select p", args="p int default 2"))
    report = tree.migrate()
    assert (report.created, report.dropped) == (("drip.f(integer)",), ("drip.f()",))
    assert list(tree.oids()) == ["drip.f(integer)"]
    assert tree.value("select drip.f()") == 2


def test_second_run_writes_nothing(tree: Tree) -> None:
    tree.revision(2, TABLE)
    tree.write("functions/core/f.sql", function("f"))
    tree.write("functions/core/_stamp.sql", TRIGGER.format(n=1))
    tree.write("views/v.sql", view("v", "select drip.f() as one"))
    first = tree.migrate()
    assert first.changed
    assert first.revisions == ("0002",)
    assert len(first.created) == 4
    before = tree.state()
    second = tree.migrate()
    assert not second.changed
    assert second.unchanged == 4
    assert tree.state() == before


def test_only_the_changed_file_is_touched(tree: Tree) -> None:
    tree.write("functions/core/f.sql", function("f"))
    tree.write("functions/core/g.sql", function("g"))
    tree.migrate()
    before = tree.oids()
    tree.write("functions/core/g.sql", function("g", "select 2"))
    report = tree.migrate()
    assert (report.rebuilt, report.unchanged) == (("drip.g()",), 1)
    assert tree.value("select drip.g()") == 2
    assert tree.oids() == before


@pytest.mark.parametrize(
    ("returns", "args", "stays"),
    [
        ("int", "p int", True),
        ("int", "p int default 1", True),
        ("bigint", "p int", False),
        ("int", "q int", False),
        ("int", "p bigint", False),
        ("int", "p int, q int default 2", False),
        ("int", "", False),
        ("setof int", "p int", False),
    ],
)
def test_only_another_signature_drops_a_function(
    tree: Tree, returns: str, args: str, stays: bool
) -> None:
    tree.write(
        "functions/core/f.sql",
        function("f", "select 1", args="p int")
        + "comment on function drip.f(int) is 'old';\n"
        + "grant execute on function drip.f(int) to drip_reader, drip_app;\n",
    )
    tree.migrate()
    (before,) = tree.oids().values()
    types = ", ".join(arg.split()[1] for arg in args.split(",") if arg)
    tree.write(
        "functions/core/f.sql",
        function("f", "select 2", returns, args)
        + f"grant execute on function drip.f({types}) to drip_app;\n",
    )
    assert tree.migrate().changed
    (after,) = tree.oids().values()
    assert (after == before) is stays
    assert tree.rows(
        "select obj_description(oid, 'pg_proc'),"
        " has_function_privilege('drip_app', oid, 'execute'),"
        " has_function_privilege('drip_reader', oid, 'execute')"
        " from pg_proc where pronamespace = 'drip'::regnamespace"
    ) == [(None, True, False)]
    assert not tree.migrate().changed


def test_what_rests_on_a_changed_function_goes_and_comes_back(tree: Tree) -> None:
    tree.write("functions/core/f.sql", function("f"))
    tree.write("views/a_outer.sql", view("a_outer", "select i.n from drip.inner_one as i"))
    tree.write("views/inner_one.sql", view("inner_one", "select drip.f() as n"))
    tree.write("views/other.sql", view("other", "select 1 as n"))
    tree.write(
        "functions/core/rows.sql",
        function("rows", "select i.n from drip.inner_one as i", "setof drip.inner_one"),
    )
    tree.migrate()
    before = tree.oids()
    tree.write("functions/core/f.sql", function("f", "select 2", "bigint"))
    report = tree.migrate()
    assert report.rebuilt == ("drip.a_outer", "drip.f()", "drip.inner_one", "drip.rows()")
    assert tree.value("select n from drip.a_outer") == 2
    assert tree.value("select n from drip.rows()") == 2
    assert tree.oids()["drip.other"] == before["drip.other"]


def test_what_rests_on_a_function_with_another_body_stays(tree: Tree) -> None:
    tree.write("functions/core/f.sql", function("f"))
    tree.write("views/v.sql", view("v", "select drip.f() as n"))
    tree.migrate()
    before = tree.oids()
    tree.run("create schema reports", "create view reports.mine as select n from drip.v")
    tree.write("functions/core/f.sql", function("f", "select 2"))
    assert tree.migrate().rebuilt == ("drip.f()",)
    assert tree.value("select n from reports.mine") == 2
    assert tree.oids() == before


def test_file_is_the_unit(tree: Tree) -> None:
    tree.write("functions/core/f.sql", function("_help") + function("f", "select drip._help()"))
    tree.migrate()
    tree.write("functions/core/f.sql", function("f", "select 5"))
    report = tree.migrate()
    assert (report.rebuilt, report.dropped) == (("drip.f()",), ("drip._help()",))


def test_vanished_file(tree: Tree) -> None:
    tree.revision(2, TABLE)
    tree.write("functions/core/f.sql", function("f"))
    tree.write("functions/core/_stamp.sql", TRIGGER.format(n=1))
    tree.write("views/v.sql", view("v", "select drip.f() as one"))
    tree.migrate()
    for path in ("functions/core/f.sql", "functions/core/_stamp.sql", "views/v.sql"):
        tree.remove(path)
    report = tree.migrate()
    assert report.dropped == ("drip._stamp()", "drip.f()", "drip.v", "stamp on drip.things")
    assert tree.oids() == {}


def test_moved_file_is_not_an_overload(tree: Tree) -> None:
    tree.write("functions/core/f.sql", function("f"))
    tree.migrate()
    tree.remove("functions/core/f.sql")
    tree.write("functions/ops/f.sql", function("f"))
    assert tree.migrate().rebuilt == ("drip.f()",)
    assert tree.value("select file from drip.code_objects where identity = 'drip.f()'") == (
        "functions/ops/f.sql"
    )


def test_trigger_function_is_replaced_and_never_away(tree: Tree) -> None:
    tree.revision(2, TABLE)
    tree.write("functions/core/_stamp.sql", TRIGGER.format(n=1))
    tree.migrate()
    before = tree.oids()
    trigger = "select oid from pg_trigger where tgname = 'stamp'"
    trigger_before = tree.value(trigger)
    tree.write("functions/core/_stamp.sql", TRIGGER.format(n=2))
    tree.migrate()
    assert tree.oids() == before
    assert tree.value(trigger) == trigger_before
    tree.run("insert into drip.things (id) values (1)")
    assert tree.value("select n from drip.things") == 2


def test_trigger_moves_to_another_function(tree: Tree) -> None:
    tree.revision(2, TABLE)
    tree.write("functions/core/_stamp.sql", TRIGGER.format(n=1))
    tree.migrate()
    tree.write(
        "functions/core/_stamp.sql", TRIGGER.format(n=7).replace("drip._stamp", "drip._mark")
    )
    report = tree.migrate()
    assert report.dropped == ("drip._stamp()",)
    tree.run("insert into drip.things (id) values (1)")
    assert tree.value("select n from drip.things") == 7


def test_policy_is_code(tree: Tree) -> None:
    tree.revision(2, TABLE + '\nrun_script("alter table drip.things enable row level security")')
    tree.write("functions/core/is_mine.sql", function("is_mine", "select true", "boolean"))
    tree.write("policies/things.sql", "create policy mine on drip.things using (drip.is_mine());\n")
    tree.migrate()
    tree.write("functions/core/is_mine.sql", function("is_mine", "select 1", "int"))
    tree.write(
        "policies/things.sql", "create policy mine on drip.things using (drip.is_mine() = 1);\n"
    )
    assert tree.migrate().rebuilt == ("drip.is_mine()", "mine on drip.things")
    assert not tree.migrate().changed


@pytest.mark.parametrize(
    ("patch", "identity"),
    [
        (
            "create or replace function drip.f() returns int language sql as $$ select 9 $$",
            "drip.f()",
        ),
        ("grant execute on function drip.f() to public", "drip.f()"),
        ("comment on function drip.f() is 'patched'", "drip.f()"),
        ("alter function drip.f() owner to drip_guard", "drip.f()"),
        ("drop view drip.v", "drip.v"),
        ("alter view drip.v reset (security_barrier)", "drip.v"),
        ("alter view drip.v owner to drip_guard", "drip.v"),
        ("comment on column drip.v.one is 'patched'", "drip.v"),
        ("grant execute on function drip._stamp() to drip_app", "drip._stamp()"),
        ("comment on function drip._stamp() is 'patched'", "drip._stamp()"),
        ("alter function drip._stamp() owner to drip_guard", "drip._stamp()"),
        ("alter table drip.things disable trigger stamp", "stamp on drip.things"),
        ("drop trigger stamp on drip.things", "stamp on drip.things"),
    ],
)
def test_patched_by_hand_is_restored(tree: Tree, patch: str, identity: str) -> None:
    tree.revision(2, TABLE)
    tree.write("functions/core/f.sql", function("f"))
    tree.write("functions/core/_stamp.sql", TRIGGER.format(n=1))
    tree.write("views/v.sql", view("v", "select 1 as one"))
    tree.migrate()
    recorded = f"select catalog_hash from drip.code_objects where identity = '{identity}'"
    before = tree.value(recorded)
    tree.run(patch)
    report = tree.migrate()
    assert identity in report.rebuilt + report.created
    assert tree.value(recorded) == before
    assert not tree.migrate().changed


def test_overload_made_by_hand_is_removed(tree: Tree) -> None:
    tree.write("functions/core/f.sql", function("f"))
    tree.migrate()
    tree.run("create function drip.f(p text) returns int language sql as $$ select 2 $$")
    assert tree.migrate().dropped == ("drip.f(text)",)
    assert list(tree.oids()) == ["drip.f()"]


def test_foreign_view_on_an_unchanged_one_survives(tree: Tree) -> None:
    tree.write("views/v.sql", view("v", "select 1 as one"))
    tree.write("views/w.sql", view("w", "select 1 as one"))
    tree.migrate()
    tree.run("create schema reports", "create view reports.mine as select one from drip.v")
    tree.write("views/w.sql", view("w", "select 2 as one"))
    assert tree.migrate().rebuilt == ("drip.w",)
    assert tree.value("select one from reports.mine") == 1


def test_foreign_dependents_of_a_changed_view_stop_the_upgrade(tree: Tree) -> None:
    tree.write("functions/core/f.sql", function("f"))
    tree.write("views/v.sql", view("v", "select drip.f() as one"))
    tree.migrate()
    tree.run(
        "create schema reports",
        "create view reports.mine as select one from drip.v",
        "create materialized view reports.stored as select one from reports.mine",
        "create table reports.numbers (n int default drip.f())",
        "create function reports.g(drip.v) returns int language sql as $$ select 1 $$",
    )
    before = tree.state()
    tree.write("functions/core/f.sql", function("f", "select 2", "bigint"))
    tree.revision(2, TABLE)
    with pytest.raises(PgdripError) as caught:
        tree.migrate()
    assert "function reports.g(drip.v)" in caught.value.message
    assert "materialized view reports.stored" in caught.value.message
    assert "table reports.numbers" in caught.value.message
    assert "view reports.mine" in caught.value.message
    assert "drip.v," not in caught.value.message.replace("(drip.v),", "")
    assert "create them anew" in str(caught.value.hint)
    assert tree.state() == before
    tree.run("drop schema reports cascade")
    assert tree.migrate().rebuilt == ("drip.f()", "drip.v")


def test_files_need_no_order(tree: Tree) -> None:
    tree.write("views/a.sql", view("a", "select b.n from drip.b as b"))
    tree.write("views/b.sql", view("b", "select c.n from drip.c as c"))
    tree.write("views/c.sql", view("c", "select drip.z() as n"))
    tree.write("functions/core/a_rows.sql", function("a_rows", "table drip.a", "setof drip.a"))
    tree.write(
        "functions/core/b_atomic.sql",
        "create function drip.b_atomic() returns int\nbegin atomic\n  select drip.z();\nend;\n"
        "comment on function drip.b_atomic() is 'A body that is bound early.';\n",
    )
    tree.write("functions/ops/z.sql", function("z"))
    assert len(tree.migrate().created) == 6
    assert tree.value("select n from drip.a_rows()") == 1
    tree.write("functions/ops/z.sql", function("z", "select 2::int2", "int2"))
    assert len(tree.migrate().rebuilt) == 6
    assert tree.value("select drip.b_atomic()") == 2


def test_new_functions_are_not_for_public(tree: Tree) -> None:
    tree.write("functions/core/f.sql", function("f"))
    tree.migrate()
    assert not tree.value("select has_function_privilege('public', 'drip.f()', 'execute')")
    tree.write(
        "functions/core/f.sql", function("f") + "grant execute on function drip.f() to public;\n"
    )
    with pytest.raises(PgdripError, match=r"functions/core/f.sql, line 5: every role may do that"):
        tree.migrate()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("create view drip.v with (security_barrier) as select 1 as n;", "belongs to postgres"),
        (
            "create view drip.v as select 1 as n; alter view drip.v owner to drip_view;",
            "is no security barrier",
        ),
    ],
)
def test_view_that_escapes_the_policies(tree: Tree, text: str, message: str) -> None:
    tree.write("views/v.sql", text)
    with pytest.raises(PgdripError, match=message):
        tree.migrate()


def test_private_view_needs_no_barrier(tree: Tree) -> None:
    tree.write("views/_facts.sql", "create view drip._facts as select 1 as n;")
    assert tree.migrate().created == ("drip._facts",)


def test_file_runs_without_parameters(tree: Tree) -> None:
    tree.write(
        "functions/core/f.sql",
        function("f", "select format('%s :x %%', 1)", "text")
        + "comment on function drip.f() is 'Prints 100 %, :name and %(name)s.';\n",
    )
    tree.migrate()
    assert tree.value("select drip.f()") == "1 :x %"
