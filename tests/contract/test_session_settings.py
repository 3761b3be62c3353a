"""What a login may set for itself, or an administrator for a database, changes no result.

One small journey is lived under each setting: sequence, campaign, claim, result, receipt, reply,
opt-out, previews, explanations, definitions, events and every view. Values are fetched in binary,
so that what is compared is what was computed, not how this session writes times and intervals.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import psycopg.conninfo
import pytest
from inbound import ack, said
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from pgdrip.errors import PgdripError
from pgdrip.schema import drift, migrate

CreateDatabase = Callable[..., tuple[str, Callable[[], None]]]
Told = list[tuple[str, Any]]

LOGIN = f"pgdrip_test_{os.getpid()}_settings"
ROLES = ("drip_app", "drip_operator", "drip_reader", "drip_pii", "drip_worker")
NOW = "2026-03-02 08:30:00.123456Z"
PHONES = ("+60123456701", "+60123456702", "+60123456703")

SAME = [
    ("standard_conforming_strings", "off"),
    ("backslash_quote", "on"),
    ("bytea_output", "escape"),
    ("DateStyle", "SQL, DMY"),
    ("DateStyle", "German"),
    ("IntervalStyle", "iso_8601"),
    ("IntervalStyle", "sql_standard"),
    ("IntervalStyle", "postgres_verbose"),
    ("TimeZone", "Asia/Kathmandu"),
    ("TimeZone", "<-1330>+13:30"),
    ("timezone_abbreviations", "India"),
    ("extra_float_digits", "-15"),
    ("lc_monetary", "POSIX"),
    ("lc_numeric", "POSIX"),
    ("lc_time", "POSIX"),
    ("array_nulls", "off"),
    ("xmlbinary", "hex"),
    ("search_path", "pg_temp, nowhere"),
    ("transform_null_equals", "on"),
    ("quote_all_identifiers", "on"),
    ("check_function_bodies", "off"),
    ("default_transaction_isolation", "repeatable read"),
    ("default_transaction_isolation", "serializable"),
    ("default_transaction_deferrable", "on"),
]
IDS = [f"{name}={value}" for name, value in SAME]

SEQUENCE = {
    "name": "it's a \\ 'test'",
    "trigger": "go",
    "start_delay": "90 minutes",
    "reenroll_after": "30 days",
    "send_from": "08:00",
    "send_to": "20:00",
    "skip_weekends": True,
    "steps": [
        {
            "name": "first",
            "content": 'Hi {name}, it\'s \\n {attributes.day} {attributes.price} {phone} \\ "now"',
            "valid_for": "1 day",
        },
        {"name": "next", "content": "été?", "trigger_delay_hours": 20.25, "send_time": "09:30"},
        {"name": "last", "content": "Bye", "trigger_delay_hours": 48, "valid_for": "90 minutes"},
    ],
}
CAMPAIGN = {
    "title": "news",
    "message": "News for {name}",
    "everyone": True,
    "valid_for": "36 hours",
    "scheduled_at": "2026-03-02 11:00:00Z",
}
# What is drawn at random, or told by the server's own clock.
DRAWN = ("queue_name", "oldest_at")


class Life:
    """A login's session, and all that it is told."""

    def __init__(self, url: str, settings: list[tuple[str, str]]) -> None:
        self.conn = psycopg.connect(
            make_conninfo(url, user=LOGIN), autocommit=True, row_factory=dict_row
        )
        for name, value in settings:
            self.conn.execute("select set_config(%s, %s, false)", [name, value])
        self.told: Told = []

    def call(self, query: str, *arguments: Any) -> list[dict[str, Any]]:
        cursor = self.conn.cursor(binary=True)
        rows = cursor.execute(query.encode(), arguments).fetchall()
        self.told.append(
            (
                query,
                [
                    {name: plain(value) for name, value in row.items() if name not in DRAWN}
                    for row in rows
                ],
            )
        )
        return rows

    def at(self, instant: str) -> None:
        self.conn.execute("select set_config('drip.fake_now', %s, false)", [instant])

    def send(self) -> list[dict[str, Any]]:
        """What a worker does with all that may leave."""
        claimed = self.call("select * from drip.claim_messages('w', 10)")
        answers = [
            {
                "message_id": row["message_id"],
                "attempt": row["attempt"],
                "outcome": "accepted",
                "provider_message_id": f"id-{row['message_id']}",
            }
            for row in claimed
        ]
        self.call("select * from drip.record_results('w', %s)", Jsonb(answers))
        return claimed

    def live(self) -> Told:
        self.at(NOW)
        device = self.call(
            "select * from drip.upsert_device('one', 'gowa', '+60123456700',"
            " 'http://127.0.0.1:9', 'one', null, %s)",
            Jsonb({"min_delay_seconds": 0, "max_delay_seconds": 0, "burst": 5}),
        )[0]["device_id"]
        for number, phone in enumerate(PHONES):
            self.call(
                "select * from drip.upsert_lead(%s, %s, p_trigger => %s, p_attributes => %s)",
                phone,
                f"Jo 'the \\ {number}'",
                "go" if number == 0 else None,
                Jsonb({"day": "2026-03-04", "price": 1.10, "odd": "a\\b'c\"d"}),
            )
        self.call("select * from drip.subscribe('crm', '#')")
        self.call("select * from drip.create_sequence(%s)", Jsonb(SEQUENCE))
        name = SEQUENCE["name"]
        self.call("select * from drip.preview_enrollment(%s)", name)
        self.call("select * from drip.preview_timeline(%s)", name)
        self.call("select * from drip.start_sequence(%s)", name)
        self.call("select * from drip.enroll_lead(%s, %s)", name, PHONES[1])
        self.call("select * from drip.enroll_matching_leads(100)")
        self.call("select * from drip.create_campaign(%s)", Jsonb(CAMPAIGN))
        self.call("select * from drip.preview_campaign('news')")
        self.call("select * from drip.schedule_campaign('news')")
        self.call("select * from drip.simulate()")
        messages = [
            row["message_id"]
            for row in self.call("select * from drip.message_outlook order by message_id")
        ]
        for message in messages:
            self.call("select * from drip.explain_message(%s)", message)
            self.call("select * from drip.preview_message(%s)", message)
        self.call("select * from drip.explain_lead(%s)", PHONES[0])
        self.call("select * from drip.explain_device('one')")
        self.call("select * from drip.forecast_device('one')")
        sent: list[dict[str, Any]] = []
        for instant in ("2026-03-02 10:05Z", "2026-03-02 12:00Z", "2026-03-03 10:00Z"):
            self.at(instant)
            self.call("select task, rows, error from drip.tick() order by task")
            sent += self.send()
        assert len(sent) > len(PHONES)
        self.heard(device, sent)
        self.call(
            "select * from drip.update_step(%s, 'last', %s)",
            name,
            Jsonb({"trigger_delay_hours": 30.5, "valid_for": "2 days 03:04:05"}),
        )
        self.call("select * from drip.update_sequence(%s, %s)", name, Jsonb({"send_to": "21:15"}))
        self.call("select * from drip.get_sequence(%s)", name)
        exported: dict[str, list[Any]] = {"sequences": [], "campaigns": []}
        for row in self.call("select * from drip.export_definitions()"):
            exported[f"{row['kind']}s"].append(row["definition"])
        self.call("select * from drip.apply_definitions(%s, true)", Jsonb(exported))
        self.call("select * from drip.opt_out(%s)", PHONES[2])
        self.call("select * from drip.erase_lead(%s)", PHONES[2])
        self.call("select body from drip.read_events('crm', 100)")
        for row in self.conn.execute(
            "select c.relname from pg_catalog.pg_class c"
            " where c.relnamespace = 'drip'::regnamespace and c.relkind = 'v'"
            " and c.relname !~ '^_' order by c.relname"
        ).fetchall():
            self.call(f"select * from drip.{row['relname']}")
        return self.told

    def heard(self, device: int, sent: list[dict[str, Any]]) -> None:
        """A receipt, a reply and an opt-out come in as webhooks."""
        webhooks = [
            ack(device, f"id-{sent[0]['message_id']}", kind="read", phone=PHONES[0]),
            said(device, "yes, it's \\ fine", phone=PHONES[0]),
            said(device, "stop", "R2", phone=PHONES[1]),
        ]
        self.call(
            "select drip.store_webhooks(%s, %s, %s)",
            ["device"] * len(webhooks),
            [target for target, _ in webhooks],
            [body for _, body in webhooks],
        )
        self.call("select * from drip.process_inbound(100)")


@pytest.fixture(scope="module")
def login(admin: psycopg.Connection[Any], template: str) -> Iterator[str]:
    """A login with our roles and no right beside."""
    admin.execute(sql.SQL("create role {} login").format(sql.Identifier(LOGIN)))
    for role in ROLES:
        admin.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), sql.Identifier(LOGIN)))
    yield LOGIN
    admin.execute(sql.SQL("drop role {}").format(sql.Identifier(LOGIN)))


@pytest.fixture(scope="module")
def fresh(
    template: str, create_database: CreateDatabase, login: str
) -> Iterator[Callable[[], str]]:
    """Makes databases whose numbers begin anew."""
    made: list[Callable[[], None]] = []

    def make() -> str:
        url, drop = create_database(template)
        made.append(drop)
        prepare(url)
        return url

    yield make
    for drop in made:
        drop()


def prepare(url: str) -> None:
    """The clock of a test, and a tenant for the login."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("insert into drip.private_settings values ('test_database', 'yes')")
        conn.execute("select set_config('drip.fake_now', %s, false)", [NOW])
        conn.execute("select * from drip.assign_role(%s, 'default')", [LOGIN])


@pytest.fixture(scope="module")
def usual(fresh: Callable[[], str]) -> Told:
    """What is told without any setting."""
    return Life(fresh(), []).live()


INSTANT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d(?::\d\d)?)")


def plain(value: Any) -> Any:
    """Instants as such, also within JSON, where they carry the offset of the session's zone."""
    match value:
        case dict():
            return {key: plain(part) for key, part in value.items()}
        case list():
            return [plain(part) for part in value]
        case str() if INSTANT.fullmatch(value):
            return datetime.fromisoformat(value)
    return value


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A view has no order of its own."""

    def written(value: Any) -> str:
        return str(value.astimezone(UTC) if isinstance(value, datetime) else value)

    return sorted(rows, key=lambda row: [written(value) for value in row.values()])


def differences(usual: Told, told: Told) -> list[str]:
    """The calls that told something else, and what."""
    assert [call for call, _ in told] == [call for call, _ in usual]
    return [
        f"{call}: {name} was {before.get(name)!r}, is {after.get(name)!r}"
        for (call, rows), (_, others) in zip(usual, told, strict=True)
        for before, after in zip(in_order(rows), in_order(others), strict=True)
        for name in before
        if before[name] != after[name]
    ]


def test_it_is_the_same_each_time(usual: Told, fresh: Callable[[], str]) -> None:
    assert differences(usual, Life(fresh(), []).live()) == []


@pytest.mark.parametrize(("name", "value"), SAME, ids=IDS)
def test_a_setting_changes_no_result(
    usual: Told, fresh: Callable[[], str], name: str, value: str
) -> None:
    assert differences(usual, Life(fresh(), [(name, value)]).live()) == []


def test_a_read_only_session_is_told_so(fresh: Callable[[], str]) -> None:
    """Postgres' own refusal names the cause; what only reads works."""
    life = Life(fresh(), [("default_transaction_read_only", "on")])
    life.at(NOW)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction, match="read-only transaction"):
        life.call("select * from drip.upsert_lead(%s)", PHONES[0])
    assert life.call("select * from drip.sequence_overview") == []


def test_a_read_only_database_is_no_place_to_migrate(
    create_database: CreateDatabase, admin: psycopg.Connection[Any]
) -> None:
    url, drop = create_database()
    name = sql.Identifier(str(psycopg.conninfo.conninfo_to_dict(url)["dbname"]))
    admin.execute(sql.SQL("alter database {} set default_transaction_read_only to on").format(name))
    with pytest.raises(PgdripError, match="read-only"):
        migrate(url)
    drop()


def test_a_session_without_policies_sees_nothing(fresh: Callable[[], str]) -> None:
    """row_security=off asks for an error where a policy would hide a row: it opens no view."""
    life = Life(fresh(), [("row_security", "off")])
    life.at(NOW)
    life.call("select * from drip.upsert_lead(%s)", PHONES[0])
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        life.call("select * from drip.leads_overview")


# What an administrator may set for a database, beside what a login may.
FOR_DATABASES = [
    *SAME,
    ("row_security", "off"),
    ("session_replication_role", "replica"),
]


@pytest.fixture
def set_database(create_database: CreateDatabase, admin: psycopg.Connection[Any]) -> Iterator[str]:
    """An empty database with every setting of which one value is enough."""
    url, drop = create_database()
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    for setting, value in dict(FOR_DATABASES).items():
        admin.execute(
            sql.SQL("alter database {} set {} to {}").format(
                sql.Identifier(str(name)),
                sql.Identifier(setting),
                sql.SQL("pg_temp, nowhere") if setting == "search_path" else sql.Literal(value),
            )
        )
    yield url
    drop()


def test_migrate_makes_the_same_database(
    set_database: str, usual: Told, login: str, admin: psycopg.Connection[Any]
) -> None:
    migrate(set_database)
    assert drift(set_database) == []
    migrate(set_database)
    name = sql.Identifier(str(psycopg.conninfo.conninfo_to_dict(set_database)["dbname"]))
    admin.execute(sql.SQL("alter database {} reset all").format(name))
    assert drift(set_database) == []
    prepare(set_database)
    assert differences(usual, Life(set_database, []).live()) == []
