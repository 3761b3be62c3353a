"""Two tenants in one database: nothing of the one is seen or changed by a role of the other.

Views and functions come from the catalog, so a new one is covered without being named here.
Everything that tenant B has carries a mark. B's *known* names and ids are handed to the functions
as arguments, so an error may repeat them; its *secret* mark is never handed out by a test.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb

Connection = psycopg.Connection[DictRow]
Row = dict[str, Any]

SECRET = "Xq7secret"
_roles = itertools.count(1)


@dataclass
class Tenant:
    """What one tenant has; `phones` start with a prefix of its own."""

    name: str
    mark: str
    prefix: str
    user: int = 0
    ids: dict[str, int] = field(default_factory=dict)

    @property
    def phone(self) -> str:
        return f"{self.prefix}001"

    @property
    def queue(self) -> str:
        return f"events_{self.name.lower()}"

    def known(self, kind: str) -> str:
        return f"{kind} of {self.name}"


@dataclass
class Scene:
    """The database, its superuser session, the two tenants and the login roles."""

    url: str
    root: Connection
    a: Tenant
    b: Tenant
    roles: dict[str, str]
    open_session: Callable[[str], Connection]

    def login(self, role: str) -> Connection:
        """A session of a real login."""
        return self.open_session(self.roles[role])


def plant(root: Connection, tenant: Tenant) -> None:
    """Rows in every table that has a tenant, most of them by the public verbs."""
    row = root.execute(
        "select user_id from drip.create_user(%s, %s, 'Asia/Kuala_Lumpur', 'MY')",
        (tenant.name, f"{tenant.mark}@example.com"),
    ).fetchone()
    assert row
    tenant.user = row["user_id"]
    root.execute("select set_config('drip.user', %s, false)", (str(tenant.user),))

    def one(query: str, *arguments: Any) -> Any:
        found = root.execute(query.encode(), arguments).fetchone()
        assert found, query
        return next(iter(found.values()))

    for kind in (tenant.known("device"), f"device {tenant.mark}"):
        tenant.ids["device"] = one(
            "select device_id from drip.upsert_device(%s, 'gowa', %s, 'http://127.0.0.1:9', %s, %s,"
            " %s)",
            kind,
            f"{tenant.prefix}900",
            f"instance {tenant.mark}",
            f"secret_{tenant.mark}",
            Jsonb({"min_delay_seconds": 0, "max_delay_seconds": 0, "burst": 50}),
        )
    for number in range(1, 6):
        one(
            "select lead_id from drip.upsert_lead(%s, %s, %s, p_external_id => %s,"
            " p_attributes => %s)",
            f"{tenant.prefix}{number:03d}",
            f"Lead {number} {tenant.mark}",
            "tea",
            f"{number} {tenant.mark}",
            Jsonb({"city": tenant.mark}),
        )
    tenant.ids["lead"] = one(
        "select l.id from drip.leads l where l.user_id = %s and l.phone = %s",
        tenant.user,
        tenant.phone,
    )
    for name in (f"sequence {tenant.mark}", tenant.known("sequence")):
        tenant.ids["sequence"] = one(
            "select sequence_id from drip.create_sequence(%s)",
            Jsonb(
                {
                    "name": name,
                    "description": tenant.mark,
                    "trigger": "start",
                    "start_delay": "0 seconds",
                    "steps": [
                        {
                            "name": "first",
                            "content": f"Hi {{name}} at {{phone}} {tenant.mark}",
                            "trigger_delay_hours": 0,
                        },
                        {"name": "second", "content": tenant.mark},
                    ],
                }
            ),
        )
        one("select sequence_id from drip.start_sequence(%s)", str(tenant.ids["sequence"]))
        for number, key in ((1, tenant.mark), (2, tenant.mark), (1, "")):
            tenant.ids["enrollment"] = one(
                "select enrollment_id from drip.enroll_lead(%s, %s, p_key => %s)",
                str(tenant.ids["sequence"]),
                f"{tenant.prefix}{number:03d}",
                key,
            )
    tenant.ids["step"] = one(
        "select max(st.id) from drip.sequence_steps st where st.user_id = %s", tenant.user
    )
    for title in (f"campaign {tenant.mark}", tenant.known("campaign")):
        tenant.ids["campaign"] = one(
            "select campaign_id from drip.create_campaign(%s)",
            Jsonb({"title": title, "niche": "tea", "message": f"Tea {tenant.mark}"}),
        )
        one("select campaign_id from drip.schedule_campaign(%s)", str(tenant.ids["campaign"]))
        while one("select coalesce(max(remaining), 0) from drip.expand_campaigns()"):
            pass
    one(
        "select message_id from drip.send_message(%s, %s, p_idempotency_key => %s)",
        f"{tenant.prefix}003",
        f"Receipt {tenant.mark}",
        f"order of {tenant.name}",
    )
    for table, values in {
        "suppressions": {"phone": f"{tenant.prefix}777", "reason": tenant.mark},
        "stop_words": {"word": tenant.mark.lower()},
        "greetings": {"language": "en", "from_hour": 0, "to_hour": 9, "text": tenant.mark},
        "sender_accounts": {"name": f"account {tenant.mark}", "platform": "gowa"},
        "receipts": {
            "platform": "gowa",
            "provider_message_id": tenant.mark,
            "kind": "read",
        },
        "inbound_messages": {"sender": tenant.phone, "body": tenant.mark},
        "dead_letters": {
            "kind": "device",
            "subject_id": tenant.ids["device"],
            "body": tenant.mark,
            "error": tenant.mark,
            "tries": 5,
        },
        "device_receipts": {"device_id": tenant.ids["device"]},
        "notices": {
            "kind": "alert",
            "event": "X",
            "subject": "1",
            "words": tenant.mark,
            "occurred_at": "2026-03-02 09:00+08",
            "digest": tenant.mark,
        },
        "service_windows": {
            "device_id": tenant.ids["device"],
            "lead_id": tenant.ids["lead"],
            "last_inbound_at": "2026-03-02 09:00+08",
        },
        "lead_aliases": {
            "platform": "gowa",
            "provider_id": tenant.mark,
            "lead_id": tenant.ids["lead"],
        },
    }.items():
        names = ("created_at", "received_at", "died_at", "last_receipt_at")
        times = [name for name in names if has_column(root, table, name)]
        columns = {"user_id": tenant.user, **values} | dict.fromkeys(times, "now")
        root.execute(
            sql.SQL("insert into drip.{} ({}) values ({})").format(
                sql.Identifier(table),
                sql.SQL(", ").join(map(sql.Identifier, columns)),
                sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
            ),
            list(columns.values()),
        )
    for queue in (f"events_{tenant.mark}", tenant.queue):
        one("select outcome from drip.subscribe(%s, 'lead.*')", queue)
    one("select outcome from drip.opt_out(%s, %s)", f"{tenant.prefix}778", tenant.mark)
    root.execute("select set_config('drip.user', '', false)")


def has_column(root: Connection, table: str, column: str) -> bool:
    return (
        root.execute(
            "select from pg_attribute as a where a.attrelid = %s::regclass and a.attname = %s",
            (f"drip.{table}", column),
        ).fetchone()
        is not None
    )


def send_some(root: Connection, tenants: tuple[Tenant, ...]) -> None:
    """Lets some messages of each be sent, one fail, one stay in flight."""
    results = []
    for tenant in tenants:
        claimed = root.execute(
            "select * from drip._claim_messages('worker', 10, %s)", (tenant.user,)
        ).fetchall()
        assert len(claimed) >= 3
        for position, message in enumerate(claimed[:-1]):
            result = {
                "message_id": message["message_id"],
                "attempt": message["attempt"],
                "outcome": "accepted" if position else "permanent",
                "scope": "recipient",
                "provider_message_id": f"{tenant.mark}{position}",
            }
            if not position:
                result |= {"error_code": "INVALID_JID", "error_message": tenant.mark}
            results.append(result)
    root.execute("select * from drip.record_results('worker', %s)", (Jsonb(results),))


@pytest.fixture(scope="module")
def scene(
    template: str,
    server_url: str,
    admin: psycopg.Connection[Any],
    create_database: Callable[..., tuple[str, Callable[[], None]]],
) -> Iterator[Scene]:
    url, drop = create_database(template)
    roles: dict[str, str] = {}
    sessions: list[Connection] = []
    for role, groups in {
        "app_a": "drip_app",
        "app_b": "drip_app",
        "app_both": "drip_app",
        "app_nobody": "drip_app",
        "reader_a": "drip_reader",
        "pii_a": "drip_reader, drip_pii",
        "operator": "drip_operator",
    }.items():
        name = f"pgdrip_test_{os.getpid()}_{next(_roles)}_{role}"
        admin.execute(f"create role {name} login password 'x'; grant {groups} to {name}".encode())
        roles[role] = name

    def open_session(role: str) -> Connection:
        session: Connection = psycopg.connect(
            make_conninfo(url, user=role, password="x"), autocommit=True, row_factory=dict_row
        )
        sessions.append(session)
        return session

    root: Connection = psycopg.connect(url, autocommit=True, row_factory=dict_row)
    sessions.append(root)
    a = Tenant("Alpha", "Alphamark", "+60131110")
    b = Tenant("Beta", SECRET, "+60129870")
    try:
        for tenant in (a, b):
            plant(root, tenant)
        send_some(root, (a, b))
        # the verbs of the application see the tenants of its role only
        for role, tenant in (
            ("app_a", a),
            ("reader_a", a),
            ("pii_a", a),
            ("app_b", b),
            ("app_both", a),
            ("app_both", b),
        ):
            root.execute("select * from drip.assign_role(%s, %s)", (roles[role], tenant.name))
        b.ids["message"] = root.execute(
            "select min(m.id) as id from drip.broadcast_messages m"
            " where m.user_id = %s and m.status = 'pending'",
            (b.user,),
        ).fetchone()["id"]  # type: ignore[index]
        yield Scene(url, root, a, b, roles, open_session)
    finally:
        for session in sessions:
            session.close()
        drop()
        for name in roles.values():
            admin.execute(f"drop role {name}".encode())


@pytest.fixture(scope="module")
def views(scene: Scene) -> list[str]:
    found = scene.root.execute(
        "select c.oid::regclass::text as name from pg_class as c"
        " where c.relnamespace = 'drip'::regnamespace and c.relkind = 'v' and c.relname !~ '^_'"
        " order by 1"
    ).fetchall()
    return [row["name"] for row in found]


def rows_of(session: Connection, view: str) -> list[Row]:
    return session.execute(
        f"select v.user_id, to_jsonb(v)::text as text from {view} as v".encode()
    ).fetchall()


# -- views ------------------------------------------------------------------------------------


def test_both_tenants_have_rows_for_the_views_to_show(scene: Scene, views: list[str]) -> None:
    """Else the tests below would see nothing and find nothing."""
    operator = scene.login("operator")
    shown = {view: {row["user_id"] for row in rows_of(operator, view)} for view in views}
    filled = {view for view, users in shown.items() if {scene.a.user, scene.b.user} <= users}
    assert filled >= {
        "drip.sequence_progress_monitor",
        "drip.sequence_overview",
        "drip.sequence_funnel",
        "drip.campaign_overview",
        "drip.device_overview",
        "drip.message_log",
        "drip.message_outlook",
        "drip.queue_overview",
        "drip.event_queues",
        "drip.replies",
        "drip.suppression_list",
        "drip.webhook_dead_letters",
        "drip.account_overview",
        "drip.provider_notices",
    }


def test_both_tenants_have_rows_in_every_table_that_has_a_tenant(scene: Scene) -> None:
    without_rows = {
        "audiences",
        "audit_log",
        "account_reach",
        "program_results",
        "campaign_audience",
        "guards",
    }
    for table in tenant_tables(scene):
        for tenant in (scene.a, scene.b):
            if table not in without_rows and not rows_in(scene, table, tenant):
                raise AssertionError(f"{table} has no row of {tenant.name}")


def rows_in(scene: Scene, table: str, tenant: Tenant) -> int:
    row = scene.root.execute(
        f"select count(*) as n from drip.{table} as t where t.user_id = %s".encode(), (tenant.user,)
    ).fetchone()
    assert row
    return int(row["n"])


def tenant_tables(scene: Scene) -> list[str]:
    rows = scene.root.execute(
        "select c.relname::text as name from pg_class as c"
        " join pg_attribute as a on a.attrelid = c.oid and a.attname = 'user_id'"
        " where c.relnamespace = 'drip'::regnamespace and c.relkind = 'r' order by 1"
    ).fetchall()
    return [row["name"] for row in rows]


@pytest.mark.lesson(52)
@pytest.mark.parametrize("role", ["app_a", "reader_a", "pii_a"])
def test_no_view_shows_another_tenant(scene: Scene, views: list[str], role: str) -> None:
    session = scene.login(role)
    for view in views:
        for row in rows_of(session, view):
            assert row["user_id"] == scene.a.user, view
            assert SECRET.lower() not in row["text"].lower(), view
            assert scene.b.name not in row["text"], view
            assert scene.b.prefix[1:] not in row["text"], view


def test_a_function_in_a_filter_sees_no_row_of_another_tenant(
    scene: Scene, views: list[str]
) -> None:
    """A cheap function would run before the tenant's filter, were the views no barriers."""
    session = scene.login("app_a")
    heard: list[str] = []
    session.add_notice_handler(lambda notice: heard.append(notice.message_primary or ""))
    session.execute(
        "create function pg_temp.tell(p_text text) returns boolean language plpgsql immutable"
        " cost 0.0000001 as $$ begin raise notice '%', p_text; return true; end $$"
    )
    for view in views:
        columns = session.execute(f"select * from {view} limit 0".encode()).description or []
        for column in columns:
            session.execute(
                f'select from {view} as v where pg_temp.tell(v."{column.name}"::text)'.encode()
            )
    assert any(scene.a.mark in text for text in heard)
    assert [text for text in heard if SECRET.lower() in text.lower()] == []


@pytest.mark.parametrize("role", ["app_a", "reader_a"])
def test_phones_are_masked_in_every_text_of_every_view(
    scene: Scene, views: list[str], role: str
) -> None:
    session = scene.login(role)
    for view in views:
        for row in rows_of(session, view):
            assert scene.a.prefix[1:] not in row["text"], view


def test_a_member_of_drip_pii_sees_phones(scene: Scene, views: list[str]) -> None:
    text = "".join(row["text"] for view in views for row in rows_of(scene.login("pii_a"), view))
    assert scene.a.phone in text


def test_operators_see_every_tenant_and_drip_user_narrows(scene: Scene, views: list[str]) -> None:
    operator = scene.login("operator")
    for name in (scene.b.name, str(scene.b.user)):
        operator.execute("select set_config('drip.user', %s, false)", (name,))
        for view in views:
            assert {row["user_id"] for row in rows_of(operator, view)} <= {scene.b.user}, view
        assert rows_of(operator, "drip.message_log")


def test_drip_user_shows_no_tenant_that_is_not_mapped(scene: Scene, views: list[str]) -> None:
    session = scene.login("app_a")
    for name in (scene.b.name, str(scene.b.user), "nobody", "' or true --"):
        session.execute("select set_config('drip.user', %s, false)", (name,))
        assert [row for view in views for row in rows_of(session, view)] == []


def test_a_role_without_a_tenant_sees_nothing_and_no_error(scene: Scene, views: list[str]) -> None:
    session = scene.login("app_nobody")
    assert [row for view in views for row in rows_of(session, view)] == []


def test_a_role_of_two_tenants_sees_both(scene: Scene) -> None:
    session = scene.login("app_both")
    assert {row["user_id"] for row in rows_of(session, "drip.message_log")} == {
        scene.a.user,
        scene.b.user,
    }


def test_set_role_shows_what_the_new_role_may_see(scene: Scene, views: list[str]) -> None:
    """The groups are mapped to nobody."""
    session = scene.login("app_a")
    session.execute("set role drip_app")
    assert [row for view in views for row in rows_of(session, view)] == []


# -- functions --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Function:
    """A function of the catalog with the names and types of its arguments."""

    name: str
    arguments: tuple[tuple[str, str], ...]


def functions_of(scene: Scene, role: str) -> list[Function]:
    rows = scene.root.execute(
        """
        select p.oid::regproc::text as name, p.proargnames[1:p.pronargs] as names,
          array(select format_type(t.oid, null) from unnest(p.proargtypes) as t(oid)) as types
        from pg_proc as p
        where p.pronamespace = 'drip'::regnamespace
          and p.prorettype <> 'trigger'::regtype
          and has_function_privilege(%s, p.oid, 'EXECUTE')
        order by 1
        """,
        (scene.roles[role],),
    ).fetchall()
    return [
        Function(row["name"], tuple(zip(row["names"] or [], row["types"], strict=True)))
        for row in rows
    ]


def argument(name: str, type_: str, b: Tenant, by_id: bool) -> Any:
    """A value of B's for an argument of that name, by id or by name; null where none is known."""
    ids = b.ids
    message = ids["message"]
    named: dict[str, Any] = {
        "p_sequence": str(ids["sequence"]) if by_id else b.known("sequence"),
        "p_campaign": str(ids["campaign"]) if by_id else b.known("campaign"),
        "p_device": str(ids["device"]) if by_id else b.known("device"),
        "p_to": str(ids["device"]) if by_id else b.known("device"),
        "p_step": str(ids["step"]) if by_id else "first",
        "p_user": str(b.user) if by_id else b.name,
        "p_phone": b.phone,
        "p_new_phone": f"{b.prefix}002",
        "p_phones": [b.phone, f"{b.prefix}002"],
        "p_idempotency_key": f"order of {b.name}",
        "p_content": "Hi {name}",
        "p_reason": "a test",
        "p_worker": "worker",
        "p_limit": 100,
        "p_dry_run": False,
        "p_leads": [
            {"phone": b.phone, "name": "Mallory", "device": b.known("device")},
            {"phone": f"{b.prefix}002", "name": "Mallory"},
        ],
        "p_changes": {"device": b.known("device")} if by_id else {"description": "mine"},
        "p_definition": {
            "name": "theirs" if by_id else b.known("sequence"),
            "device": str(ids["device"]),
            "steps": [{"content": "Hi"}],
        },
        "p_results": [{"message_id": message, "attempt": 1, "outcome": "accepted"}],
        "p_settings": {"daily_cap": 1},
        "p_status": "disabled",
        "p_outcome": "sent",
        "p_key": "",
        "p_queue": b.queue,
        "p_pattern": "lead.*",
        "p_seconds": 30,
    }
    if type_ == "bigint[]":
        return [ids.get(name.removeprefix("p_").rstrip("s"), message)]
    if type_ == "bigint":
        return ids.get(name.removeprefix("p_"), message)
    if name == "p_messages":
        return Jsonb([{"message_id": message, "attempt": 1}])
    value = named.get(name)
    if type_ in ("json", "jsonb"):
        return Jsonb(value) if isinstance(value, dict | list) else None
    fits = {"text": str, "text[]": list, "integer": int, "boolean": bool}.get(type_)
    return value if fits and isinstance(value, fits) else None


def hash_of(root: Connection, tenant: Tenant, tables: list[str]) -> list[Row]:
    """One hash per table over the tenant's rows, or over all rows where there is no tenant."""
    parts = []
    for table in tables:
        column = KEYS.get(table, "user_id")
        where = f"where {column} = {tenant.user}" if table in TENANT_KEYS else ""
        parts.append(
            f"select '{table}' as name, md5(coalesce(string_agg(t::text, e'\\n'"
            f" order by t::text), '')) as hash from drip.{table} as t {where}"
        )
    return root.execute(" union all ".join(parts).encode()).fetchall()


# Where the tenant of a row stands under another name.
KEYS = {"users": "id", "waiting_events": "(t.message ->> 'user_id')::bigint"}
TENANT_KEYS: set[str] = set()


@pytest.fixture(scope="module")
def all_tables(scene: Scene) -> list[str]:
    TENANT_KEYS.update({*tenant_tables(scene), *KEYS})
    rows = scene.root.execute(
        "select c.relname::text as name from pg_class as c"
        " where c.relnamespace = 'drip'::regnamespace and c.relkind = 'r' order by 1"
    ).fetchall()
    return [row["name"] for row in rows]


def call_as(scene: Scene, role: str, function: Function, values: list[Any]) -> str:
    """What the function answers to the role, as text; the transaction is the caller's."""
    root = scene.root
    arguments = sql.SQL(", ").join(
        sql.SQL("{} => %s::{}").format(sql.Identifier(name), sql.SQL(type_))
        for name, type_ in function.arguments
    )
    root.execute(
        sql.SQL("set local session authorization {}").format(sql.Identifier(scene.roles[role]))
    )
    query = sql.SQL("select to_jsonb(x)::text as text from {}({}) as x").format(
        sql.SQL(function.name), arguments
    )
    answer = "\n".join(row["text"] or "" for row in root.execute(query, values))
    root.execute("reset session authorization")
    return answer


@pytest.mark.lesson(52)
@pytest.mark.parametrize("by_id", [True, False], ids=["by id", "by name"])
def test_no_function_reads_or_changes_another_tenant(
    scene: Scene, all_tables: list[str], by_id: bool
) -> None:
    functions = functions_of(scene, "app_a")
    assert len(functions) > 20
    before = hash_of(scene.root, scene.b, all_tables)
    answered = 0
    refused: dict[str, str] = {}
    for function in functions:
        values = [argument(name, type_, scene.b, by_id) for name, type_ in function.arguments]
        text = ""
        with scene.root.transaction(force_rollback=True):
            try:
                with scene.root.transaction():
                    text = call_as(scene, "app_a", function, values)
                    answered += 1
            except psycopg.Error as exc:
                text = f"{exc.sqlstate} {exc} {exc.diag.message_detail} {exc.diag.message_hint}"
                refused[function.name] = text
            assert SECRET.lower() not in text.lower(), f"{function.name}: {text}"
            after = hash_of(scene.root, scene.b, all_tables)
            changed = [n["name"] for n, o in zip(after, before, strict=True) if n != o]
            # what has no tenant is not B's, but application verbs do not touch it either
            assert changed == [], f"{function.name} changed {changed}"
    assert answered > 5
    # errors of ours, never those of a constraint or a cast
    assert {name: text for name, text in refused.items() if not text.startswith("DR")} == {}


def test_the_same_calls_by_its_own_role_do_change_the_tenant(
    scene: Scene, all_tables: list[str]
) -> None:
    """Else the arguments above would name nothing."""
    before = hash_of(scene.root, scene.b, all_tables)
    changing = set()
    for function in functions_of(scene, "app_b"):
        values = [argument(name, type_, scene.b, False) for name, type_ in function.arguments]
        with scene.root.transaction(force_rollback=True):
            try:
                with scene.root.transaction():
                    call_as(scene, "app_b", function, values)
            except psycopg.Error:
                continue
            if hash_of(scene.root, scene.b, all_tables) != before:
                changing.add(function.name.removeprefix("drip."))
    assert changing >= {
        "pause_sequence",
        "archive_sequence",
        "update_sequence",
        "pause_campaign",
        "cancel_campaign",
        "enroll_leads",
        "exit_lead",
        "import_leads",
    }


def test_an_application_cannot_call_what_is_not_granted(scene: Scene) -> None:
    session = scene.login("app_a")
    for call in (
        "drip.claim_messages('w', 1)",
        "drip.record_results('w', '[]')",
        "drip.tick()",
        "drip.create_user('mine')",
        "drip.assign_role(session_user, 'Beta')",
        "drip.upsert_device('mine', 'gowa')",
        "drip.set_device_status('1', 'online')",
        "drip._mapped_users()",
        "drip._claim_messages('w', 1, null)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(f"select * from {call}".encode())


@pytest.mark.parametrize("role", ["app_a", "reader_a", "pii_a"])
def test_tables_and_libraries_are_out_of_reach(scene: Scene, role: str) -> None:
    session = scene.login(role)
    rows = scene.root.execute(
        "select c.oid::regclass::text as name from pg_class as c"
        " where c.relnamespace::regnamespace::text in ('drip', 'pgmq', 'procrastinate')"
        " and c.relkind in ('r', 'p')"
    ).fetchall()
    assert len(rows) > 30
    for row in rows:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(f"select from {row['name']}".encode())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute("select from drip._message_facts")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute("select * from pgmq.list_queues()")


def test_nobody_moves_the_clock_of_a_real_database(scene: Scene) -> None:
    for role in ("app_a", "operator"):
        session = scene.login(role)
        session.execute("select set_config('drip.fake_now', '2001-01-01', false)")
        row = session.execute("select drip.now() = now() as is_real").fetchone()
        assert row == {"is_real": True}


# -- which tenant a call is for ---------------------------------------------------------------


def choose(session: Connection, tenant: Tenant) -> None:
    """Names the tenant for the rest of the transaction, or of the session outside of one."""
    in_transaction = session.info.transaction_status != psycopg.pq.TransactionStatus.IDLE
    scope = "local" if in_transaction else "session"
    session.execute(f"set {scope} drip.\"user\" = '{tenant.name}'".encode())


def code_of(session: Connection, query: str) -> tuple[str | None, str]:
    with pytest.raises(psycopg.Error) as caught:
        session.execute(query.encode())
    return caught.value.sqlstate, str(caught.value)


def test_a_role_without_a_tenant_is_told_so(scene: Scene) -> None:
    session = scene.login("app_nobody")
    code, text = code_of(session, "select * from drip.upsert_lead('+60121234567')")
    assert code == "DR010"
    assert "assign_role" in text


def test_a_role_of_two_tenants_must_name_one(scene: Scene) -> None:
    session = scene.login("app_both")
    assert code_of(session, "select * from drip.upsert_lead('+60121234567')")[0] == "DR010"
    with session.transaction(force_rollback=True):
        choose(session, scene.b)
        row = session.execute("select outcome from drip.upsert_lead('+60121234567')").fetchone()
        assert row == {"outcome": "created"}


def test_a_tenant_that_is_not_mapped_cannot_be_named(scene: Scene) -> None:
    session = scene.login("app_a")
    choose(session, scene.b)
    assert code_of(session, "select * from drip.upsert_lead('+60121234567')")[0] == "DR010"


def test_a_name_that_two_tenants_have_is_ambiguous(scene: Scene) -> None:
    twin = Jsonb({"name": "twin", "steps": [{"content": "Hi"}]})
    for tenant in (scene.a, scene.b):
        with scene.root.transaction():
            choose(scene.root, tenant)
            scene.root.execute("select * from drip.create_sequence(%s)", (twin,))
    for role in ("app_both", "operator"):
        session = scene.login(role)
        code, text = code_of(session, "select drip.get_sequence('twin')")
        assert code == "DR011"
        assert scene.a.name in text
        assert scene.b.name in text
        choose(session, scene.a)
        row = session.execute("select drip.get_sequence('twin') ->> 'name' as name").fetchone()
        assert row == {"name": "twin"}
    row = scene.login("app_a").execute("select drip.get_sequence('twin') as found").fetchone()
    assert row


def test_an_unknown_name_is_not_found_whoever_has_it(scene: Scene) -> None:
    """The answer must not tell whether another tenant has the name."""
    session = scene.login("app_a")
    theirs = code_of(session, f"select drip.get_sequence('{scene.b.known('sequence')}')")
    nobodys = code_of(session, "select drip.get_sequence('sequence of Gamma')")
    assert theirs[0] == nobodys[0] == "DR012"
    assert theirs[1].replace("Beta", "x") == nobodys[1].replace("Gamma", "x")
