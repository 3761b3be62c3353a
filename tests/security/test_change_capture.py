"""A publication of everything stops nothing: change capture on a server with wal_level = logical.

PostgreSQL refuses to update or delete rows of a published table without a replica identity, so that
one keyless table would halt all that writes into it. A subscriber reads along to the end.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from conftest import EMBEDDED
from debian_server import debian_server
from factory import Clock, Plant
from inbound import PHONE, ack, drain, said, store
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from scratch import server_folder

from pgdrip.schema import migrate
from pgdrip.schema.embedded import embedded_server

Row = dict[str, Any]

# Tables whose rows an UPDATE or a DELETE could not name, were they published.
WITHOUT_IDENTITY = """
select c.oid::regclass::text as name
from pg_class c
where c.relnamespace = any (array['drip', 'procrastinate', 'pgmq']::regnamespace[])
  and c.relkind in ('r', 'p')
  and c.relpersistence = 'p'
  and case c.relreplident
    when 'f' then false
    when 'i' then not exists (
      select from pg_index i where i.indrelid = c.oid and i.indisreplident and i.indisvalid)
    else c.relreplident = 'n' or not exists (
      select from pg_index i where i.indrelid = c.oid and i.indisprimary and i.indisvalid)
  end
order by 1
"""


@contextmanager
def logical_server(version: int, home: Path) -> Iterator[str]:
    """A server with wal_level = logical: a superuser's connection string."""
    if version != EMBEDDED:
        with debian_server(version, home, wal_level="logical") as url:
            yield url
        return
    with embedded_server(home) as server, psycopg.connect(server.url, autocommit=True) as admin:
        # Nobody misses these data after a power cut.
        for setting in ("wal_level = logical", "fsync = off", "autovacuum = off"):
            admin.execute(f"alter system set {setting}".encode())
    with embedded_server(home) as server:
        yield server.url


@pytest.fixture(scope="module")
def logical_url(server_url: str, pytestconfig: pytest.Config) -> Iterator[str]:
    """One for all tests of the file; ``server_url`` says that the server's version matters."""
    with (
        server_folder() as home,
        logical_server(pytestconfig.getoption("postgres"), home) as url,
    ):
        yield url


@pytest.fixture
def databases(logical_url: str) -> Iterator[tuple[str, str]]:
    """The database that is captured, and one with the same rows that may subscribe to it."""
    with psycopg.connect(logical_url, autocommit=True) as admin:
        admin.execute("create database shop")
        migrate(make_conninfo(logical_url, dbname="shop"))
        admin.execute("create database warehouse template shop")
        yield (
            make_conninfo(logical_url, dbname="shop"),
            make_conninfo(logical_url, dbname="warehouse"),
        )
        admin.execute("drop database warehouse with (force)")
        admin.execute("drop database shop with (force)")


@pytest.mark.parametrize("queue", ["crm", "a_second_queue"])
def test_every_table_and_queue_can_be_published(plant: Plant, queue: str) -> None:
    plant.row("select * from drip.subscribe(%s, '#')", queue)
    assert plant.rows(WITHOUT_IDENTITY) == []


def test_a_migration_gives_an_extensions_tables_back_what_a_dump_forgets(
    dsn: str, plant: Plant
) -> None:
    for table in ("meta", "topic_bindings"):
        plant.conn.execute(f"alter table pgmq.{table} replica identity default".encode())
    assert [row["name"] for row in plant.rows(WITHOUT_IDENTITY)] == [
        "pgmq.meta",
        "pgmq.topic_bindings",
    ]
    migrate(dsn)
    assert plant.rows(WITHOUT_IDENTITY) == []


def test_the_list_of_the_documentation_holds_keyed_tables(plant: Plant) -> None:
    page = Path(__file__).parents[2] / "docs" / "howto" / "change-capture.md"
    documentation = page.read_text("utf-8")
    statement = documentation[documentation.index("create publication drip_changes") :]
    plant.conn.execute(statement[: statement.index(";")].encode())
    published = plant.rows("select tablename from pg_publication_tables")
    assert len(published) > 10
    assert "private_settings" not in {row["tablename"] for row in published}


def go_the_whole_way(plant: Plant, clock: Clock) -> None:
    """Everything that the product does with rows, erasure and pruning included."""
    plant.tenant(default_region="MY", contact_cap=50)
    plant.row("select * from drip.subscribe('crm', '#')")
    device = plant.device("one", burst=50, account="shop")
    other = plant.device("two", burst=50, failover_policy="failover")
    plant.rows(
        "select * from drip.import_leads(%s)",
        Jsonb([{"phone": f"+6012345670{n}", "trigger": "warm"} for n in range(6)]),
    )
    lead = plant.lead(PHONE, name="Aminah", niche="shoes")
    definition = {
        "name": "Warm",
        "trigger": "warm",
        "start_delay": "0 seconds",
        "steps": [{"content": "Hello {name}"}, {"content": "Bye", "trigger_delay_hours": 24}],
    }
    apply = "select * from drip.apply_definitions(%s, false)"
    plant.rows(apply, Jsonb({"sequences": [definition]}))
    plant.row("select * from drip.start_sequence('Warm')")
    plant.enroll(plant.sequence({}, {"trigger_delay_hours": 5}), lead)
    plant.tick()
    plant.rows(
        "select * from drip.create_campaign(%s)",
        Jsonb({"title": "Sale", "message": "Sale", "everyone": True}),
    )
    plant.row("select * from drip.schedule_campaign('Sale', %s)", clock.now)
    plant.tick()
    plant.row("select * from drip.pause_campaign('Sale', 'wait')")
    plant.row("select * from drip.resume_campaign('Sale')")
    plant.row("select * from drip.pause_sequence('Warm', 'wait')")
    plant.row("select * from drip.resume_sequence('Warm')")
    outcomes = iter(["retry", "permanent", "unknown", *["accepted"] * 1000])
    sent = plant.live(clock, clock.now.replace(hour=12), lambda _: next(outcomes))
    assert len(sent) > 8
    provider = plant.value(
        "select provider_message_id from drip.broadcast_messages"
        " where recipient_phone = %s and status = 'sent' limit 1",
        PHONE,
    )
    store(
        plant.conn,
        [
            ack(device, provider),
            ack(device, provider, kind="read"),
            ack(device, "not-ours"),
            said(device, "How much?"),
            (device, "no JSON"),
        ],
    )
    assert drain(plant)["read"] == 5
    plant.rows("select * from drip.report_device('two', 'needs_attention', 'logged out')")
    plant.message(other)
    plant.tick()
    waiting = plant.rows("select * from drip.read_events('crm')")
    assert len(waiting) > 10
    ids = [row["event_id"] for row in waiting]
    assert plant.rows("select * from drip.ack_events('crm', %s)", ids)
    plant.message(device, lead)
    plant.rows("select * from drip.opt_out('+60123456700', p_reason => 'asked')")
    plant.rows("select * from drip.change_phone('+60123456701', '+60123456799')")
    plant.rows(apply, Jsonb({"sequences": [definition | {"steps": [{"content": "Other"}]}]}))
    plant.row("select * from drip.erase_lead(%s, 'asked')", PHONE)
    plant.rows("select * from drip.unsubscribe('crm')")
    # long enough for all that is kept for a while
    clock.advance(days=400)
    for _ in range(3):
        plant.tick()
    assert plant.rows("select from pgmq.meta where queue_name ~ '^drip_u'") == []


@contextmanager
def reading_changes(url: str) -> Iterator[Counter[str]]:
    """A replication client on a slot of its own: how often which kind of change came."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("select pg_create_logical_replication_slot('capture', 'pgoutput')")
        seen: Counter[str] = Counter()
        ended = threading.Event()

        def read() -> None:
            while True:
                is_last = ended.is_set()
                for (data,) in conn.execute(
                    "select data from pg_logical_slot_get_binary_changes('capture', null, null,"
                    " 'proto_version', '1', 'publication_names', 'everything')"
                ):
                    seen[bytes(data)[:1].decode()] += 1
                if is_last:
                    return
                ended.wait(0.1)

        reader = threading.Thread(target=read)
        reader.start()
        try:
            yield seen
        finally:
            ended.set()
            reader.join()
            conn.execute("select pg_drop_replication_slot('capture')")


def test_a_publication_of_all_tables_stops_nothing(databases: tuple[str, str]) -> None:
    shop, _ = databases
    with psycopg.connect(shop, autocommit=True, row_factory=dict_row) as conn:
        conn.execute("create publication everything for all tables")
        with reading_changes(shop) as seen:
            go_the_whole_way(Plant(conn), Clock(conn))
            conn.execute("drop function drip.mask_phone(text) cascade")
            migrate(shop)
    assert min(seen[kind] for kind in "IUD") > 10, seen
    assert seen["B"] == seen["C"] > 50


# What another database cannot have: its own record of code, and the time of a set clock.
NOT_COPIED = {"code_objects", "private_settings"}


def contents(conn: psycopg.Connection[Row]) -> dict[str, Row]:
    """Of each table of schema drip: how many rows, and a sum of all that is in them."""
    tables = conn.execute(
        "select c.relname from pg_class c"
        " where c.relnamespace = 'drip'::regnamespace and c.relkind = 'r'"
    ).fetchall()
    found: dict[str, Row] = {}
    for name in sorted({row["relname"] for row in tables} - NOT_COPIED):
        row = conn.execute(
            f"select count(*) as rows, md5(string_agg(t::text, ' ' order by t::text)) as sum"
            f" from drip.{name} t".encode()
        ).fetchone()
        assert row is not None
        found[name] = row
    return found


def test_a_subscriber_has_every_row_in_the_end(
    databases: tuple[str, str], wait: Callable[..., None]
) -> None:
    shop, warehouse = databases
    with (
        psycopg.connect(shop, autocommit=True, row_factory=dict_row) as conn,
        psycopg.connect(warehouse, autocommit=True, row_factory=dict_row) as copy,
    ):
        conn.execute("create publication ours for tables in schema drip, procrastinate")
        conn.execute("select pg_create_logical_replication_slot('warehouse', 'pgoutput')")
        copy.execute(
            f"create subscription shop connection '{shop}' publication ours with"
            " (create_slot = false, slot_name = 'warehouse', copy_data = false)".encode()
        )
        try:
            go_the_whole_way(Plant(conn), Clock(conn))
            end = conn.execute("select pg_current_wal_lsn() as lsn").fetchone()
            assert end is not None
            wait(
                lambda: conn.execute(
                    "select from pg_replication_slots"
                    " where slot_name = 'warehouse' and confirmed_flush_lsn >= %s::pg_lsn",
                    [end["lsn"]],
                ).fetchall()
            )
            ours = contents(conn)
            assert contents(copy) == ours
            assert {name for name, of in ours.items() if of["rows"]} >= {
                "audit_log",
                "broadcast_messages",
                "inbound_messages",
                "leads",
                "message_attempts",
                "sequence_contacts",
                "suppressions",
            }
        finally:
            copy.execute("alter subscription shop disable")
            copy.execute("alter subscription shop set (slot_name = none)")
            copy.execute("drop subscription shop")
            conn.execute(
                "select pg_terminate_backend(active_pid) from pg_replication_slots"
                " where slot_name = 'warehouse' and active_pid is not null"
            )
            wait(
                lambda: (
                    not conn.execute(
                        "select from pg_replication_slots where slot_name = 'warehouse' and active"
                    ).fetchall()
                )
            )
            conn.execute("select pg_drop_replication_slot('warehouse')")
