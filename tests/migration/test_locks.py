"""Locks that an upgrade gets where applications leave no gap."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from code_tree import Tree, view

from pgdrip.schema.locks import run_locking

SESSIONS = 8
LASTS = 2.0  # seconds of a transaction: longer than the wait in which no circle can close
MODE = "share row exclusive"


@pytest.fixture
def without_a_gap(tree: Tree) -> Iterator[list[psycopg.Error]]:
    """Eight sessions that write in long transactions, one after the other; what failed in them."""
    tree.run("create table drip.busy (n int)", "create table drip.calm (n int)")
    done = threading.Event()
    failures: list[psycopg.Error] = []
    running = threading.Barrier(SESSIONS + 1)

    def write(number: int) -> None:
        with psycopg.connect(tree.dsn) as conn:
            done.wait(number * LASTS / SESSIONS)
            began = False
            while not done.is_set():
                try:
                    conn.execute("lock table drip.busy in row exclusive mode")
                    if not began:
                        began = True
                        running.wait()
                    done.wait(LASTS)
                    conn.commit()
                except psycopg.Error as exc:
                    failures.append(exc)
                    conn.rollback()

    threads = [threading.Thread(target=write, args=(n,)) for n in range(SESSIONS)]
    for thread in threads:
        thread.start()
    running.wait()
    yield failures
    done.set()
    for thread in threads:
        thread.join()


def test_a_lock_is_got_where_transactions_leave_no_gap(
    tree: Tree, without_a_gap: list[psycopg.Error]
) -> None:
    with psycopg.connect(tree.dsn) as conn:
        run_locking(conn, {"drip.busy": MODE, "drip.calm": MODE}, [], [], patience=40)
        found = conn.execute(
            "select l.relation::regclass::text from pg_locks as l"
            " where l.pid = pg_backend_pid() and l.mode = 'ShareRowExclusiveLock' order by 1"
        ).fetchall()
    assert found == [("drip.busy",), ("drip.calm",)]
    assert without_a_gap == []


def test_a_circle_is_left_at_once(tree: Tree) -> None:
    """Whoever wants what we hold and holds what we want gets it, though Postgres looks for none."""
    tree.run("create table drip.a (n int)", "create table drip.b (n int)")
    with psycopg.connect(tree.dsn) as other, psycopg.connect(tree.dsn) as conn:
        for session in (other, conn):
            session.execute("set deadlock_timeout = '10min'")
            session.commit()
        other.execute("lock table drip.b in row exclusive mode")
        locking = threading.Thread(
            target=run_locking, args=(conn, {"drip.a": MODE, "drip.b": MODE}, [], [], 60)
        )
        locking.start()
        while not tree.rows(
            "select from pg_locks where relation = 'drip.b'::regclass and not granted"
        ):
            assert locking.is_alive()
        time.sleep(0.3)  # Postgres looks for a circle once, and has
        other.execute("set local lock_timeout = '30s'")
        other.execute("lock table drip.a in row exclusive mode")
        other.commit()
        locking.join()
        row = conn.execute(
            "select count(*) from pg_locks"
            " where pid = pg_backend_pid() and mode = 'ShareRowExclusiveLock'"
        ).fetchone()
        assert row == (2,)


def test_a_cancel_by_somebody_else_is_passed_on(tree: Tree) -> None:
    tree.run("create table drip.a (n int)")
    waits = "select pid from pg_locks where relation = 'drip.a'::regclass and not granted"
    with (
        psycopg.connect(tree.dsn) as other,
        psycopg.connect(tree.dsn) as conn,
        ThreadPoolExecutor(1) as pool,
    ):
        other.execute("lock table drip.a in row exclusive mode")
        locking = pool.submit(run_locking, conn, {"drip.a": MODE}, [], [], 60)
        while not (found := tree.rows(waits)):
            assert not locking.done()
        tree.rows(f"select pg_cancel_backend({found[0][0]})")
        with pytest.raises(psycopg.errors.QueryCanceled):
            locking.result()


def test_slow_reads_that_never_end_are_gated(tree: Tree) -> None:
    """Readers take a view, then its tables; each read lasts longer than the next one's begin."""
    tree.run(
        "create table drip.a (n int)",
        "create table drip.b (n int)",
        "grant select on drip.a, drip.b to drip_view",
    )
    reading = "select pg_sleep(1.5)::text as slept, count(*) from drip.b, drip.a"
    tree.write("views/v.sql", view("v", f"select s.* from ({reading}) as s"))
    tree.migrate()
    done = threading.Event()
    failures: list[str] = []

    def read() -> None:
        with psycopg.connect(tree.dsn, autocommit=True) as conn:
            while not done.is_set():
                try:
                    conn.execute("select * from drip.v")
                except psycopg.Error as exc:
                    failures.append(str(exc))
                    return

    readers = [threading.Thread(target=read) for _ in range(3)]
    for number, reader in enumerate(readers):
        reader.start()
        done.wait(0.5 * number)
    tree.write("views/v.sql", view("v", f"select s.*, 1 as one from ({reading}) as s"))
    tree.revision(2, 'run_script("alter table drip.a add m int; alter table drip.b add m int")')
    try:
        assert tree.migrate(lock_timeout=25).rebuilt == ("drip.v",)
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert failures == []


def test_only_what_people_read_is_gated_before_tables_are_free(tree: Tree) -> None:
    """Functions read private views amid their work: one that has the table must get through."""
    text = "select a.n, {} as one from drip.a as a"
    tree.run("create table drip.a (n int)", "grant select on drip.a to drip_view")

    def write(one: int) -> None:
        for name in ("v", "_facts"):
            tree.write(f"views/{name}.sql", view(name, text.format(one)))

    write(1)
    tree.migrate()
    write(2)
    tree.revision(2, 'run_script("alter table drip.a add m int")')
    waits = "select pid from pg_locks where relation = 'drip.a'::regclass and not granted"
    held = (
        "select l.relation::regclass::text from pg_locks as l where l.pid = {} and l.granted"
        " and l.mode = 'AccessExclusiveLock' and l.relation in (select c.oid from pg_class as c"
        " where c.relkind = 'v' and c.relnamespace = 'drip'::regnamespace) order by 1"
    )
    with psycopg.connect(tree.dsn) as other, ThreadPoolExecutor(1) as pool:
        other.execute("lock table drip.a in row exclusive mode")
        migrating = pool.submit(tree.migrate, lock_timeout=25)
        gates: list[tuple[str]] = []
        while not gates:
            assert not migrating.done()
            for (pid,) in tree.rows(waits):
                gates = tree.rows(held.format(pid))
        other.commit()
        assert migrating.result().rebuilt == ("drip._facts", "drip.v")
    assert gates == [("drip.v",)]
