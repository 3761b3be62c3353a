"""Writes `states/<version>.sql`: a database of this version with rows in every table.

Run at each release, and never again for a released version:

    python tests/migration/make_state.py

The state is made on PostgreSQL 15, the oldest server that pgdrip works on (Debian's package
postgresql-15), so that every newer one can read it. It is plain SQL without psql's commands.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb

HERE = Path(__file__).parent
STATES = HERE / "states"
OLDEST = 15

Connection = psycopg.Connection[DictRow]

SEQUENCES: tuple[dict[str, Any], ...] = (
    {
        "name": "COLD Sequence",
        "trigger": "cold_start",
        "start_delay": "0 seconds",
        "exclusive_group": "funnel",
        "steps": [
            {"name": "hello", "content": "Hi {name|there}, [[welcome|good to see you]]"},
            {
                "name": "menu",
                "message_type": "image",
                "media_url": "https://example.com/menu.jpg",
                "caption": "For {attributes.city|you}",
                "trigger_delay_hours": 24,
            },
            {"name": "last", "content": "Bye {name}", "next_trigger": "warm_start"},
        ],
    },
    {
        "name": "WARM Sequence",
        "trigger": "warm_start",
        "steps": [{"content": "Stories"}, {"content": "Invitation"}],
    },
)

LEADS = [
    {"phone": f"012-345 67{n:02}", "name": f"Lead {n}", "niche": "fitness", "trigger": trigger}
    | {"attributes": {"city": "Ipoh"}}
    for n, trigger in enumerate(["cold_start"] * 6 + ["warm_start"] * 2 + ["other"] * 4)
]

# Tables that no function of this version fills.
BY_HAND = (
    "insert into drip.sender_accounts (user_id, name, platform, reach_cap, created_at)"
    " select u.id, 'portfolio', 'gowa', 250, drip.now() from drip.users as u where u.name = 'shop'",
    "insert into drip.lead_aliases (user_id, platform, provider_id, lead_id, created_at)"
    " select l.user_id, 'gowa', 'lid-' || l.id, l.id, drip.now() from drip.leads as l limit 2",
    "insert into drip.guards (name, created_at) values ('has_paid', drip.now())",
    "insert into drip.audiences (name, key_column, created_at)"
    " values ('regulars', 'phone', drip.now())",
    "insert into drip.account_reach (account_id, lead_id, last_sent_at)"
    " select a.id, l.id, drip.now() from drip.sender_accounts as a, drip.leads as l limit 2",
    "insert into drip.sync_backlog (enrollment_id, noted_at)"
    " select e.id, drip.now() from drip.sequence_contacts as e limit 1",
    "insert into drip.receipts (user_id, device_id, platform, provider_message_id, kind,"
    " received_at, message_id)"
    " select m.user_id, m.device_id, 'gowa', m.provider_message_id, 'delivered', drip.now(), m.id"
    " from drip.broadcast_messages as m where m.status = 'sent' limit 1",
    "insert into drip.inbound_messages (user_id, device_id, lead_id, provider_message_id, sender,"
    " body, received_at)"
    " select m.user_id, m.device_id, m.lead_id, 'in-1', m.recipient_phone, 'Thanks', drip.now()"
    " from drip.broadcast_messages as m where m.status = 'sent' limit 1",
    "insert into drip.campaign_audience (user_id, campaign_id, lead_id, is_excluded)"
    " select c.user_id, c.id, l.id, false from drip.campaigns as c, drip.leads as l limit 1",
    "insert into drip.dead_letters (user_id, kind, subject_id, received_at, body, error, tries,"
    " died_at)"
    " select d.user_id, 'device', d.id, drip.now(), '{}', 'an error', 5, drip.now()"
    " from drip.user_devices as d limit 1",
    "insert into drip.device_receipts (device_id, user_id, last_receipt_at)"
    " select d.id, d.user_id, drip.now() from drip.user_devices as d limit 1",
    "insert into drip.stop_words (user_id, language, word)"
    " select u.id, 'ms', 'berhenti' from drip.users as u where u.name = 'shop'",
    "insert into drip.greetings (user_id, language, from_hour, to_hour, text)"
    " select u.id, 'ms', 0, 12, 'Selamat pagi' from drip.users as u where u.name = 'shop'",
)

OUTCOMES: tuple[dict[str, Any], ...] = (
    {"outcome": "accepted", "provider_message_id": "first"},
    {"outcome": "accepted", "provider_message_id": "second"},
    {"outcome": "unknown", "error_code": "504"},
    {"outcome": "retry", "scope": "recipient", "error_code": "500", "error_message": "oops"},
    {"outcome": "permanent", "scope": "recipient", "error_code": "400", "error_message": "no"},
)


def fill(conn: Connection) -> None:
    """Put rows into every table, by the public functions where there are some."""
    conn.execute("insert into drip.private_settings values ('test_database', 'yes')")

    def at(time: str) -> None:
        conn.execute("select set_config('drip.fake_now', %s, false)", [time])

    def call(function: str, *arguments: Any) -> list[DictRow]:
        places = ", ".join(["%s"] * len(arguments))
        statement = f"select * from drip.{function}({places})"
        return conn.execute(statement.encode(), arguments).fetchall()

    at("2026-03-02 09:00+08")
    call("create_user", "shop", "shop@example.com", "Asia/Kuala_Lumpur", "MY")
    conn.execute("select set_config('drip.user', 'shop', false)")
    # a login that need not exist: tests of upgrades act as drip_app
    conn.execute(
        "insert into drip.user_roles (role_name, user_id, created_at)"
        " select 'shop_app', u.id, drip.now() from drip.users u where u.name = 'shop'"
    )
    pace = {"min_delay_seconds": 0, "max_delay_seconds": 0, "burst": 20}
    for name in ("Counter", "Branch"):
        call("upsert_device", name, "gowa", None, "http://127.0.0.1:9", name, None, Jsonb(pace))
    call("report_worker", "first worker", "0.1.0", 20)
    call("subscribe", "crm", "message.*")
    for definition in SEQUENCES:
        call("create_sequence", Jsonb(definition))
        call("start_sequence", definition["name"])
    outcomes = [row["outcome"] for row in call("import_leads", Jsonb(LEADS))]
    assert outcomes == ["created"] * len(LEADS), outcomes
    call("enroll_matching_leads")
    call("enroll_leads", "WARM Sequence", ["+60129999991", "+60129999992"])
    call("create_campaign", Jsonb({"title": "Weekend", "niche": "fitness", "message": "Hi {name}"}))
    call("schedule_campaign", "Weekend")
    call("expand_campaigns")
    call("opt_out", "012-345 6711", "asked on the phone")
    call("pause_lead", "012-345 6710")
    call("tick")
    call("send_message", "+60128888888", "Your order is ready")

    at("2026-03-02 09:30+08")
    claimed = call("claim_messages", "first worker", len(OUTCOMES) + 1)
    assert len(claimed) == len(OUTCOMES) + 1
    # The last one stays with a worker that is gone by the time of the upgrade.
    results = [
        {"message_id": row["message_id"], "attempt": row["attempt"]} | outcome
        for row, outcome in zip(claimed, OUTCOMES, strict=False)
    ]
    assert all(row["applied"] for row in call("record_results", "first worker", Jsonb(results)))
    for statement in BY_HAND:
        assert conn.execute(statement.encode()).rowcount > 0, statement
    conn.execute("delete from drip.private_settings where name = 'test_database'")


def dump(url: str, program: Path) -> str:
    """The database as SQL that any client can run."""
    done = subprocess.run(
        [str(program), "--column-inserts", "--rows-per-insert=100", "--dbname", url],
        check=True,
        capture_output=True,
        text=True,
    )
    psql_only = ("\\restrict ", "\\unrestrict ", "-- Dumped ")
    return "".join(
        line for line in done.stdout.splitlines(keepends=True) if not line.startswith(psql_only)
    )


def main() -> None:
    """Make a server, a database, rows; write the state."""
    sys.path.insert(0, str(HERE.parent))
    from debian_server import PACKAGES, debian_server
    from scratch import server_folder

    from pgdrip import __version__
    from pgdrip.schema import migrate

    with server_folder() as home, debian_server(OLDEST, home) as server:
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute("create database state template template0")
        url = make_conninfo(server, dbname="state")
        migrate(url)
        with psycopg.connect(url, autocommit=True, row_factory=dict_row) as conn:
            fill(conn)
        text = dump(url, PACKAGES / str(OLDEST) / "bin" / "pg_dump")
    target = STATES / f"{__version__}.sql"
    target.write_text(text, encoding="utf-8")
    print(f"{target}: {len(text) // 1024} kB")


if __name__ == "__main__":
    main()
