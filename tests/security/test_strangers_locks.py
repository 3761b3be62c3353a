"""A login without any right holds every lock that it can: nobody waits for it, nothing is skipped.

Every login of a cluster may take advisory locks, and reads in pg_locks which keys others use.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from factory import Clock, Connect, Connection, Plant
from psycopg import sql
from psycopg.types.json import Jsonb

from pgdrip.errors import PgdripError
from pgdrip.schema import migrate
from pgdrip.schema.roles import ROLES
from pgdrip.simulator import SimulatorThread

# Keys that earlier versions locked, and that of pgmq for a queue of ours: spaces of contacts,
# accounts, slots of results, campaigns, their planning and chains; then what names of queues give.
SPACES = (7305, 7306, 7307, 7308, 7309, 7311)
HIGHEST = 70
MIGRATION_KEY = 0x706764726970


@pytest.fixture
def login(admin: psycopg.Connection[Any]) -> Iterator[str]:
    """A role without any right of ours."""
    name = f"pgdrip_test_{os.getpid()}_stranger"
    admin.execute(sql.SQL("create role {} login").format(sql.Identifier(name)))
    yield name
    admin.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


@pytest.fixture
def stranger(connect: Connect, login: str) -> Connection:
    """The session of that role."""
    return connect(role=login)


def hold_known_keys(stranger: Connection, conn: Connection) -> None:
    """Hold all that was ever locked; names that only the owner sees are told to the stranger."""
    stranger.execute(
        "select pg_advisory_lock(s, n) from unnest(%s::integer[]) s, generate_series(0, %s) n",
        [list(SPACES), HIGHEST],
    )
    stranger.execute("select pg_advisory_lock(%s)", [MIGRATION_KEY])
    for row in conn.execute(
        "select queue_name as name from pgmq.meta union select queue_name from drip.subscriptions"
        " union select 'drip_u1_crm' union select 'drip_u1_ops'"
    ).fetchall():
        stranger.execute(
            "select pg_advisory_lock(hashtextextended(%(n)s, 0)),"
            " pg_advisory_lock(hashtext(%(n)s)),"
            " pg_advisory_lock(hashtext('pgmq.queue_' || %(n)s))",
            {"n": row["name"]},
        )


def go_the_whole_way(plant: Plant) -> None:
    """Verbs, planning, claims, results, sweeps: every place where one of ours may have to wait."""
    plant.conn.execute("set statement_timeout = '20s'")
    plant.tenant(contact_gap="1 minute", contact_cap=5)
    account = int(plant.value("select account_id from drip.upsert_account('portfolio', 'gowa')"))
    plant.update("sender_accounts", account, reach_cap=1)
    plant.row("select * from drip.subscribe('crm', '#')")
    capped = plant.device(account_id=account, in_pool=False)
    open_device = plant.device(burst=50)
    leads = [plant.lead() for _ in range(4)]
    for device, lead in ((capped, leads[0]), (open_device, leads[1])):
        plant.message(device, lead, category="marketing")

    campaign = plant.row(
        "select * from drip.create_campaign(%s)",
        Jsonb(
            {
                "title": "news",
                "message": "News",
                "everyone": True,
                "scheduled_at": "2026-01-05 09:00",
            }
        ),
    )["campaign_id"]
    title = str(campaign)
    plant.row("select * from drip.schedule_campaign(%s)", title)
    assert plant.value("select sum(inserted) from drip.expand_campaigns()") == len(leads)
    plant.row("select * from drip.pause_campaign(%s)", title)
    plant.row("select * from drip.resume_campaign(%s)", title)

    # what follows a lock that was not got is a message that does not go
    claimed = plant.claim()
    taken = {row["message_id"] for row in claimed}
    assert {row["device_id"] for row in claimed} == {capped, open_device}
    assert plant.rows(
        "select from drip.broadcast_messages where campaign_id = %s and id = any (%s)",
        campaign,
        list(taken),
    )
    results = [plant.answer(row) for row in claimed]
    assert {row["status"] for row in results} == {"sent"}

    plant.row("select * from drip.cancel_campaign(%s)", title)
    sequence = plant.sequence(
        {"trigger": "cold", "next_trigger": "warm"}, auto_enroll="trigger", trigger="cold"
    )
    plant.row("select * from drip.pause_sequence(%s)", str(sequence))
    plant.row("select * from drip.resume_sequence(%s)", str(sequence))
    phone = plant.value("select phone from drip.leads where id = %s", leads[3])
    plant.row("select * from drip.opt_out(%s)", phone)
    assert plant.rows("select * from drip.read_events('crm')") != []
    plant.rows("select * from drip.unsubscribe('crm')")
    assert plant.tick()["drop_event_queues"]["rows"] == 1


def advisory_locks(plant: Plant, pid: int) -> list[Any]:
    return plant.rows(
        "select l.classid, l.objid, l.objsubid from pg_locks l"
        " where l.locktype = 'advisory' and l.pid = %s"
        " and l.database = (select oid from pg_database where datname = current_database())",
        pid,
    )


def test_the_whole_way_beside_a_stranger_that_holds_every_known_key(
    plant: Plant, clock: Clock, stranger: Connection
) -> None:
    hold_known_keys(stranger, plant.conn)
    go_the_whole_way(plant)
    assert len(advisory_locks(plant, stranger.info.backend_pid)) > 400


def test_what_is_locked_on_the_way_cannot_be_held_by_others(plant: Plant, clock: Clock) -> None:
    """Locks of a transaction stay in pg_locks until it ends: one of pgmq's, for a random name."""
    with plant.rolled_back():
        go_the_whole_way(plant)
        found = advisory_locks(plant, plant.conn.info.backend_pid)
    assert len(found) == 1


def test_a_queue_that_a_stranger_has_seen_is_still_dropped(
    plant: Plant, clock: Clock, stranger: Connection
) -> None:
    """The name of a queue that is there stands in pg_class."""
    plant.row("select * from drip.subscribe('crm', '#')")
    hold_known_keys(stranger, plant.conn)
    plant.conn.execute("set statement_timeout = '20s'")
    plant.row("select * from drip.subscribe('crm', 'lead.*')")
    plant.rows("select * from drip.unsubscribe('crm')")
    assert plant.tick()["drop_event_queues"]["rows"] == 1
    assert plant.rows("select from pgmq.meta where queue_name like 'drip_q%%'") == []


@pytest.mark.parametrize("role", [None, *ROLES])
def test_nobody_but_the_owner_can_lock_the_rows(
    plant: Plant, connect: Connect, login: str, role: str | None
) -> None:
    assert plant.value("select count(*) from drip.lock_rows") > 0
    session = connect(role=role or login)
    for statement in (
        "select from drip.lock_rows",
        "select from drip.lock_rows for key share",
        "select from drip.lock_rows for update",
        "update drip.lock_rows set slot = slot",
        "delete from drip.lock_rows",
        "insert into drip.lock_rows values ('account', 1, 1)",
        "lock table drip.lock_rows in access share mode",
        "lock table drip.lock_rows in access exclusive mode",
        "lock table drip.alembic_version in share row exclusive mode",
        "lock table drip.alembic_version in row exclusive mode",
        "select drip._lock_all('results', 0)",
        "select drip._try_lock('results', 0, 0)",
        "select drip._try_lock_any('results', 0)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), session.transaction():
            session.execute(statement.encode())


def test_a_real_worker_goes_on(
    conn: Connection, gateway: SimulatorThread, stranger: Connection,
    add_device: Callable[..., int], send: Callable[[int], None],
    states: Callable[[], dict[str, int]], start_worker: Callable[..., Any],
    wait: Callable[..., None],
) -> None:  # fmt: skip
    plant = Plant(conn)
    plant.tenant(contact_gap="1 second", contact_cap=5)
    add_device()
    hold_known_keys(stranger, conn)
    start_worker()
    send(5)
    campaign = plant.row(
        "select * from drip.create_campaign(%s)",
        Jsonb(
            {
                "title": "news",
                "message": "News",
                "everyone": True,
                "scheduled_at": "2026-01-05 09:00",
            }
        ),
    )["campaign_id"]
    plant.row("select * from drip.schedule_campaign(%s)", str(campaign))
    wait(lambda: states() == {"sent": 10}, 40)
    assert len(gateway.messages) == 10


def test_an_upgrade_goes_on(dsn: str, conn: Connection, stranger: Connection) -> None:
    hold_known_keys(stranger, conn)
    conn.execute("comment on function drip.now() is 'patched'")
    assert "drip.now()" in migrate(dsn, lock_timeout=1).rebuilt


def test_a_first_installation_names_who_is_in_its_way(empty_dsn: str, login: str) -> None:
    """pgmq makes the queue of webhooks under an advisory lock of its own, on a name all know."""
    with psycopg.connect(empty_dsn, autocommit=True) as session:
        session.execute(sql.SQL("set role {}").format(sql.Identifier(login)))
        session.execute("select pg_advisory_lock(hashtext('pgmq.queue_drip_inbound'))")
        with pytest.raises(PgdripError) as refused:
            migrate(empty_dsn, lock_timeout=0.05)
        assert f"{session.info.backend_pid} (" in str(refused.value.hint)
        session.execute("select pg_advisory_unlock_all()")
    assert migrate(empty_dsn).changed
