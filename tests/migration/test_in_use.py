"""Applications go on calling functions and reading views while these are rebuilt."""

from __future__ import annotations

import threading

import psycopg
from code_tree import Tree, function, view

REBUILDS = 15


def test_calls_during_rebuilds(tree: Tree) -> None:
    done = threading.Event()
    calls: list[int] = []
    failures: list[psycopg.Error] = []

    def write(n: int) -> None:
        tree.write("functions/core/base.sql", function("base", f"select {n}"))
        tree.write(
            "functions/core/verb.sql",
            "create function drip.verb() returns int language plpgsql\n"
            "set search_path = pg_catalog, pg_temp\n"
            f"as $$ begin return {n} + (select o.n from drip.outer_one o) - drip.base(); end $$;\n",
        )
        tree.write("views/inner_one.sql", view("inner_one", f"select drip.base() as n, {n} as m"))
        tree.write("views/outer_one.sql", view("outer_one", "select i.n from drip.inner_one as i"))

    def call() -> None:
        count = 0
        with psycopg.connect(tree.dsn, autocommit=True) as conn:
            while not done.is_set():
                try:
                    conn.execute("select o.n, drip.verb() from drip.outer_one as o")
                    count += 1
                except psycopg.Error as exc:
                    failures.append(exc)
        calls.append(count)

    write(0)
    tree.migrate()
    callers = [threading.Thread(target=call) for _ in range(3)]
    for caller in callers:
        caller.start()
    try:
        for n in range(1, REBUILDS + 1):
            write(n)
            assert len(tree.migrate().rebuilt) == 4
    finally:
        done.set()
        for caller in callers:
            caller.join()
    assert failures == []
    assert min(calls) > 0
    assert tree.value("select n from drip.outer_one") == REBUILDS
