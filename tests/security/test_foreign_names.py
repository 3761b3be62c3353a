"""No login runs code of its own as somebody else, whatever it names like a thing of ours.

Functions, views and columns come from the catalog, so that a new one is covered unasked.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from factory import Clock, Connection, Plant
from foreign_names import ROUTINES, SCHEMA, VIEWS, WRITABLE, Names, Stranger, names_of
from inbound import ack, said, store
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from pgdrip.schema import migrate
from pgdrip.schema.roles import DEPLOYER_ROLES

CreateDatabase = Callable[..., tuple[str, Callable[[], None]]]

LOGINS = {
    "reader": "drip_reader",
    "pii": "drip_reader, drip_pii",
    "app": "drip_app",
    "worker": "drip_worker",
    "operator": "drip_operator",
}
OWNERS = ("superuser", "plain owner")
PHONE = "+60127000001"
_numbers = itertools.count(1)


@dataclass
class Ground:
    """A database with something of everything, a stranger's schema, and logins of each kind."""

    url: str
    root: Connection
    names: Names
    logins: dict[str, str]
    values: dict[str, Any]
    sessions: ExitStack = field(default_factory=ExitStack)

    def stranger(self, kind: str) -> Stranger:
        """A fresh session of a login."""
        login = self.logins[kind]
        session: Connection = self.sessions.enter_context(
            psycopg.connect(
                make_conninfo(self.url, user=login, password="x"),
                autocommit=True,
                row_factory=dict_row,
            )
        )
        session.execute("set statement_timeout = '30s'")
        return Stranger(session, login, self.values)

    def catalog(self, query: str, kind: str) -> list[dict[str, Any]]:
        """Rows of the catalog about what that login may do."""
        return self.root.execute(query.encode(), {"role": self.logins[kind]}).fetchall()

    @contextmanager
    def opened(self, statements: str) -> Iterator[None]:
        """Functions are changed by these statements, and put right again."""
        before = self._definitions()
        self.root.execute(statements.encode())
        try:
            yield
        finally:
            for signature, text in self._definitions().items():
                if signature not in before:
                    self.root.execute(f"drop function {signature}".encode())
                elif text != before[signature]:
                    self.root.execute(before[signature].encode())

    def _definitions(self) -> dict[str, str]:
        rows = self.root.execute(
            "select p.oid::regprocedure::text as signature, pg_get_functiondef(p.oid) as text"
            " from pg_proc as p where p.pronamespace = 'drip'::regnamespace"
        ).fetchall()
        return {row["signature"]: row["text"] for row in rows}

    def count(self, name: str) -> int:
        """How often a sequence of the spy was moved."""
        row = self.root.execute(
            f"select is_called::integer * last_value as n from {SCHEMA}.{name}".encode()
        ).fetchone()
        assert row is not None
        return int(row["n"])


def grow(root: Connection) -> dict[str, Any]:
    """One of everything, so that functions come to what they are for; values that name it."""
    plant = Plant(root)
    Clock(root)
    plant.tenant(default_region="MY")
    device = plant.device(name="main", burst=50)
    plant.device(name="other")
    for number in range(1, 6):
        plant.lead(f"+6012700000{number}", name="Ali", niche="tea", attributes=Jsonb({"a": "b"}))
    sequence = plant.sequence({"name": "one"}, {"name": "two"}, name="S", trigger="start")
    plant.sequence(name="D", start=False)
    for number in (1, 2):
        plant.enroll(
            sequence,
            plant.value("select id from drip.leads where phone = %s", f"+6012700000{number}"),
        )
    for title in ("C", "draft"):
        plant.row(
            "select * from drip.create_campaign(%s)",
            Jsonb({"title": title, "niche": "tea", "message": f"Call {PHONE}"}),
        )
    plant.row("select * from drip.schedule_campaign('C')")
    plant.rows("select * from drip.expand_campaigns()")
    plant.row("select * from drip.subscribe('crm', '#')")
    plant.row("select * from drip.upsert_account('A', 'gowa')")
    plant.wake()
    claimed = plant.claim(3)
    assert len(claimed) == 3
    plant.answer(claimed[0])
    plant.answer(claimed[1], "permanent", scope="recipient", error_code="INVALID_JID")
    heard = claimed[0]["recipient_phone"]
    store(
        root,
        [
            ack(device, f"id-{claimed[0]['message_id']}", phone=heard),
            said(device, "yes", phone=heard),
        ],
    )
    plant.rows("select * from drip.process_inbound()")
    plant.row("select * from drip.opt_out(%s)", "+60127000005")
    store(root, [said(device, f"call {PHONE}", "R2", phone=heard)])
    pending = plant.value("select min(id) from drip.broadcast_messages where status = 'pending'")
    result = {
        "message_id": claimed[2]["message_id"],
        "attempt": claimed[2]["attempt"],
        "outcome": "accepted",
        "provider_message_id": "id-x",
    }
    return {
        "p_sequence": "S",
        "p_campaign": "C",
        "p_phone": PHONE,
        "p_new_phone": "+60127000009",
        "p_phones": [PHONE, "+60127000008"],
        "p_device": "main",
        "p_to": "other",
        "p_step": "one",
        "p_role": "drip_app",
        "p_user": "default",
        "p_worker": "w",
        "p_limit": 5,
        "p_platform": "gowa",
        "p_platforms": ["gowa"],
        "p_status": "online",
        "p_content": "Hi {name}",
        "p_message": pending,
        "p_messages": [pending],
        "p_ids": [1],
        "p_kinds": ["device"],
        "p_bodies": ["{}"],
        "p_queue": "crm",
        "p_pattern": "message.*",
        "p_outcome": "sent",
        "p_results": Jsonb([result]),
        "p_leads": Jsonb([{"phone": PHONE}, {"phone": "012-7000 007"}]),
        "p_changes": Jsonb({"niche": "tea"}),
        "p_steps": Jsonb([{"name": "one", "content": "Hi"}]),
        "p_definitions": Jsonb(
            {"sequences": [{"name": "S", "trigger": "start", "steps": [{"content": "Hi"}]}]}
        ),
        "p_settings": Jsonb({}),
        "p_dry_run": False,
        "p_at": "2026-03-02 09:00+08",
        "p_until": "2026-03-03 09:00+08",
        "p_time_zone": "Asia/Kuala_Lumpur",
    } | {
        "drip.create_campaign": {
            "p_definition": Jsonb({"title": "N", "message": "Hi", "everyone": True})
        },
        "drip.create_sequence": {
            "p_definition": Jsonb({"name": "N", "trigger": "n", "steps": [{"content": "Hi"}]})
        },
        "drip.delete_sequence": {"p_sequence": "D"},
        "drip.start_sequence": {"p_sequence": "D"},
        "drip.pause_lead": {"p_until": None},
        "drip.preview_message": {"p_message": pending},
        "drip.release_messages": {
            "p_messages": Jsonb([{"message_id": claimed[2]["message_id"], "attempt": 1}])
        },
        "drip.schedule_campaign": {"p_campaign": "draft", "p_at": None},
        "drip.send_message": {"p_content": "Hi {name}", "p_at": None},
        "drip.set_account_status": {"p_account": "A"},
        "drip.simulate": {"p_until": datetime.now(UTC) + timedelta(days=1)},
        "drip.update_step": {"p_changes": Jsonb({"content": "Hello {name}"})},
        "drip.upsert_account": {"p_name": "A"},
        "drip.upsert_device": {"p_name": "main"},
        "drip._matches_sequence": {"p_lead": None, "p_sequence": None},
        "drip._window_opens_at": {"p_from": "09:00", "p_to": "20:00", "p_days": [1]},
    }


@pytest.fixture(scope="module", params=OWNERS)
def ground(
    request: pytest.FixtureRequest,
    template: str,
    admin: psycopg.Connection[Any],
    create_database: CreateDatabase,
) -> Iterator[Ground]:
    made: list[str] = []

    def role(name: str, groups: str) -> str:
        role = f"pgdrip_test_{os.getpid()}_{next(_numbers)}_{name}"
        admin.execute(f"create role {role} login password 'x'".encode())
        made.append(role)
        admin.execute(f"grant {groups} to {role}".encode())
        return role

    if request.param == "superuser":
        url, drop = create_database(template)
    else:
        url, drop = create_database()
        owner = role("owner", ", ".join(DEPLOYER_ROLES))
        database = sql.Identifier(str(psycopg.conninfo.conninfo_to_dict(url)["dbname"]))
        admin.execute(
            sql.SQL("alter database {} owner to {}").format(database, sql.Identifier(owner))
        )
        migrate(make_conninfo(url, user=owner, password="x"))
    with ExitStack() as sessions:
        sessions.callback(lambda: [admin.execute(f"drop role {n}".encode()) for n in made])
        sessions.callback(drop)
        root: Connection = sessions.enter_context(
            psycopg.connect(url, autocommit=True, row_factory=dict_row)
        )
        values = grow(root)
        names = names_of(root)
        root.execute("set check_function_bodies = off")
        root.execute(names.lasting.encode())
        logins = {name: role(name, groups) for name, groups in LOGINS.items()}
        ground = Ground(url, root, names, logins, values, sessions)
        for name in ("reader", "pii", "app"):
            root.execute("select * from drip.assign_role(%s, 'default')", [logins[name]])
        for login in logins.values():
            # the second line of defence: a login that may have temporary tables
            root.execute(
                sql.SQL("grant temporary on database {} to {}").format(
                    sql.Identifier(root.info.dbname), sql.Identifier(login)
                )
            )
        yield ground


def attack(ground: Ground, kind: str, only: str = "drip.") -> Stranger:
    """Whatever a login may call, read and write, in a fresh session with all names shadowed."""
    stranger = ground.stranger(kind)
    routines, relations, columns = (
        [row for row in ground.catalog(query, kind) if row["name"].startswith(only)]
        for query in (ROUTINES, VIEWS, WRITABLE)
    )
    stranger.plant(ground.names)
    stranger.call_all(routines)
    stranger.call_with_own_type([row for row in routines if "any" in str(row["types"])])
    stranger.read_all(relations)
    stranger.write_all(columns)
    return stranger


def test_what_is_planted_works(ground: Ground) -> None:
    """Else nothing below could ever be found."""
    assert ground.names.functions > 200
    assert ground.names.operators > 200
    assert ground.names.relations > 40
    stranger = ground.stranger("reader")
    stranger.plant(ground.names)
    for text in (
        "select lower('A'::pg_catalog.text)",
        "select 'a'::pg_catalog.text || 'b'::pg_catalog.text",
        "select from leads",
        "select from pg_roles",
        "select 'x'::text",
        f"select '1'::{SCHEMA}.mine::pg_catalog.text",
    ):
        before = ground.count("used")
        stranger.session.execute(text.encode())
        assert ground.count("used") > before, text


def test_no_name_of_a_stranger_is_taken_for_ours(ground: Ground) -> None:
    for kind in LOGINS:
        stranger = attack(ground, kind)
        assert stranger.told == [], kind
        assert ground.count("seen") == 0, kind
        # most of it does what it is for, else the attack would end before it began
        assert len(stranger.refused) * 5 < len(stranger.answered), stranger.refused


def test_nor_in_a_session_that_began_without_them(ground: Ground) -> None:
    """Bodies are compiled and plans made; then the names come, and everything is called again."""
    stranger = ground.stranger("operator")
    routines = ground.catalog(ROUTINES, "operator")
    stranger.session.execute("create temp table bait (n integer)")
    stranger.call_all(routines)
    stranger.session.execute("drop table pg_temp.bait")
    assert len(stranger.answered) > 80
    stranger.plant(ground.names)
    stranger.call_all(routines)
    assert stranger.told == []
    assert ground.count("seen") == 0


def test_a_cast_of_a_strangers_type_runs_as_the_stranger(ground: Ground) -> None:
    stranger = ground.stranger("operator")
    stranger.plant(ground.names)
    stranger.call_with_own_type(ground.catalog(ROUTINES, "operator"))
    assert stranger.told == []
    assert ground.count("seen") == 0
    assert len(stranger.answered) > 20


# What opens a hole, who falls into it, and by calling or reading what.
HOLES = {
    "a function without its path": (
        "alter function drip.find_lead reset search_path",
        ("reader", "drip.find_lead"),
    ),
    "an empty path": (
        "alter function drip.record_results set search_path = ''",
        ("worker", "drip.record_results"),
    ),
    "pg_temp first": (
        "alter function drip.send_message set search_path = pg_temp, pg_catalog",
        ("app", "drip.send_message"),
    ),
    "a private function without its path": (
        "alter function drip._find_sequence set search_path = ''",
        ("app", "drip.pause_sequence"),
    ),
    "a trigger function without its path": (
        "alter function drip._prepare_lead set search_path = ''",
        ("operator", "drip.leads"),
    ),
    "a body that is read when it runs": (
        "create or replace function drip.mask_phone(p_phone text) returns text"
        " language sql immutable parallel safe as $$ select left(p_phone, 4)"
        " || repeat('*', greatest(length(p_phone) - 7, 0)) || right(p_phone, 3) $$",
        ("reader", "drip.leads_overview"),
    ),
    "a definer of any type": (
        "create function drip.any_device(p_device anycompatible) returns text"
        " language plpgsql security definer set search_path = pg_catalog, pg_temp"
        " as $$ begin return p_device::text; end $$;"
        " grant execute on function drip.any_device to drip_worker",
        ("worker", "drip.any_device"),
    ),
    # from PostgreSQL 18 on such a trigger runs as who has queued it
    "constraints made immediate": (
        "create function drip.hurry() returns integer language plpgsql security definer"
        " set search_path = pg_catalog, pg_temp"
        " as $$ begin set constraints all immediate; return 1; end $$;"
        " grant execute on function drip.hurry to drip_app",
        ("app", "drip.hurry"),
    ),
}


@pytest.mark.parametrize("ground", ["plain owner"], indirect=True)
def test_a_hole_is_found(ground: Ground) -> None:
    missed = []
    for hole, (opening, (kind, name)) in HOLES.items():
        if "immediate" in hole and ground.root.info.server_version >= 180000:
            continue
        with ground.opened(opening):
            stranger = attack(ground, kind, name)
        if not stranger.told:
            missed.append((hole, stranger.refused))
        ground.root.execute(f"alter sequence {SCHEMA}.seen restart".encode())
    assert missed == []
    assert attack(ground, "reader").told == []
