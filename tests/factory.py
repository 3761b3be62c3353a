"""Rows for tests: a clock that a test sets, and a plant that grows devices, leads and messages.

Programs come about through the public verbs; single messages and odd states are planted by plain
inserts, so that a test of the delivery room speaks of the delivery room alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import DictRow
from psycopg.types.datetime import TimestamptzLoader
from psycopg.types.json import Jsonb

Connection = psycopg.Connection[DictRow]
Connect = Callable[..., Connection]
Row = dict[str, Any]

# A Monday, far from any change of the clocks, at nine in the morning in Kuala Lumpur.
MONDAY = "2026-03-02 09:00+08"


# Rows of a held message or a lead paused for good say infinity, which Python has no word for.
END_OF_TIME = datetime.max.replace(tzinfo=UTC)


class _EndlessTimestamps(TimestamptzLoader):
    """Reads infinity as END_OF_TIME, in the plant's own session."""

    def load(self, data: Any) -> datetime:
        return END_OF_TIME if bytes(data) == b"infinity" else super().load(data)


class Clock:
    """The set clock of a test database, followed by every session that joins it."""

    def __init__(self, conn: Connection) -> None:
        self._sessions = [conn]
        conn.execute("insert into drip.private_settings values ('test_database', 'yes')")
        self.set(MONDAY)

    def join(self, session: Connection) -> Connection:
        """Let one more session live by this clock; returns it."""
        self._sessions.append(session)
        self._tell(session)
        return session

    def read(self, at: str | datetime) -> datetime:
        """An instant as written; text without an offset is UTC."""
        if isinstance(at, str):
            row = (
                self._sessions[0]
                .execute(
                    "select (%s::timestamp at time zone 'UTC') as naive, %s::timestamptz as exact,"
                    " %s ~ '(Z|[+-]\\d\\d(:?\\d\\d)?)$' as has_offset",
                    [at, at, at],
                )
                .fetchone()
            )
            assert row is not None
            at = row["exact"] if row["has_offset"] else row["naive"]
        assert isinstance(at, datetime)
        return at

    def set(self, at: str | datetime) -> datetime:
        """Set the time; text without an offset is UTC."""
        self.now = self.read(at)
        for session in self._sessions:
            self._tell(session)
        return self.now

    def advance(self, **duration: float) -> datetime:
        """Move on, such as by hours=2; returns the new time."""
        return self.set(self.now + timedelta(**duration))

    def _tell(self, session: Connection) -> None:
        session.execute("select set_config('drip.fake_now', %s, false)", [self.now.isoformat()])


class Plant:
    """Grows rows in a test's database, for the tenant that every installation has."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        conn.adapters.register_loader("timestamptz", _EndlessTimestamps)
        self._numbers = itertools.count(1)
        self.user = self.value("select id from drip.users where name = 'default'")

    # -- reading ------------------------------------------------------------------------------

    def rows(self, query: str, *arguments: Any) -> list[Row]:
        """All rows of a query."""
        return self.conn.execute(query.encode(), arguments).fetchall()

    def row(self, query: str, *arguments: Any) -> Row:
        """The only row of a query."""
        rows = self.rows(query, *arguments)
        assert len(rows) == 1, rows
        return rows[0]

    def values(self, query: str, *params: Any) -> list[Any]:
        """The only column of a query."""
        return [next(iter(row.values())) for row in self.rows(query, *params)]

    def value(self, query: str, *arguments: Any) -> Any:
        """The only value of the only row."""
        return next(iter(self.row(query, *arguments).values()))

    def message_row(self, message: int) -> Row:
        """A message as it is stored."""
        return self.row("select * from drip.broadcast_messages where id = %s", message)

    def journey(self, enrollment: int) -> list[Row]:
        """The messages of an enrollment in the order of their steps."""
        return self.rows(
            "select m.*, st.day_number from drip.broadcast_messages m"
            " join drip.sequence_steps st on st.id = m.sequence_stepid"
            " where m.sequence_contact_id = %s order by st.day_number",
            enrollment,
        )

    def enrollment(self, enrollment: int) -> Row:
        """An enrollment as it is stored."""
        return self.row("select * from drip.sequence_contacts where id = %s", enrollment)

    # -- planting -----------------------------------------------------------------------------

    def insert(self, table: str, **columns: Any) -> int:
        """Insert a row; returns its id."""
        return int(
            self._one(
                sql.SQL("insert into drip.{} ({}) values ({}) returning id").format(
                    sql.Identifier(table),
                    sql.SQL(", ").join(map(sql.Identifier, columns)),
                    sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
                ),
                list(columns.values()),
            )
        )

    def update(self, table: str, row: int, **columns: Any) -> None:
        """Set columns of the row with that id (a pacing row is named by its device)."""
        key = "device_id" if table == "device_pacing" else "id"
        self.conn.execute(
            sql.SQL("update drip.{} set {} where {} = %s").format(
                sql.Identifier(table),
                sql.SQL(", ").join(
                    sql.SQL("{} = %s").format(sql.Identifier(name)) for name in columns
                ),
                sql.Identifier(key),
            ),
            [*columns.values(), row],
        )

    def tenant(self, **columns: Any) -> None:
        """Change the tenant's settings."""
        self.update("users", self.user, **columns)

    def other_tenant(self, name: str = "other") -> int:
        """One more tenant; verbs then need drip.user."""
        return int(self.value("select user_id from drip.create_user(%s)", name))

    def assign(self, role: str, user: str | int = "default") -> None:
        """Let a role act for a tenant; one of pgdrip's own too, which assign_role refuses."""
        self.conn.execute(
            "insert into drip.user_roles (role_name, user_id, created_at)"
            " select %s, u.id, drip.now() from drip.users u where %s in (u.name, u.id::text)",
            [role, str(user)],
        )

    def device(self, name: str | None = None, *, user: int | None = None, **columns: Any) -> int:
        """A device that may send at once; without pacing unless settings say otherwise."""
        states = {
            key: columns.pop(key)
            for key in ("status", "status_reason", "account_id")
            if key in columns
        }
        with self.acting_for(user or self.user):
            device = int(
                self.value(
                    "select device_id from drip.upsert_device(p_name => %s, p_platform => %s,"
                    " p_endpoint => 'http://127.0.0.1:9', p_instance => 'one',"
                    " p_settings => %s)",
                    name or f"device-{next(self._numbers)}",
                    columns.pop("platform", "gowa"),
                    Jsonb({"min_delay_seconds": 0, "max_delay_seconds": 0} | columns),
                )
            )
        if states:
            self.update("user_devices", device, **states)
        return device

    def lead(self, phone: str | None = None, *, user: int | None = None, **columns: Any) -> int:
        """A lead with a phone of its own; one that wrote did so to all devices there are."""
        lead = self.insert(
            "leads",
            user_id=user or self.user,
            phone=phone or f"+6012{next(self._numbers):07d}",
            created_at=self.now(),
            updated_at=self.now(),
            **columns,
        )
        if columns.get("last_inbound_at") is not None:
            self.conn.execute(
                "insert into drip.service_windows (lead_id, device_id, user_id, last_inbound_at)"
                " select l.id, d.id, l.user_id, l.last_inbound_at"
                " from drip.leads l join drip.user_devices d using (user_id) where l.id = %s",
                [lead],
            )
        return lead

    def message(
        self,
        device: int | None,
        lead: int | None = None,
        *,
        user: int | None = None,
        **columns: Any,
    ) -> int:
        """A single utility message that is due, unless columns say otherwise."""
        lead = lead or self.lead(user=user)
        at = columns.pop("scheduled_at", self.now())
        defaults: Row = {
            "category": "utility",
            "message_type": "text",
            "priority": 1,
            "planned_at": at,
            "created_at": self.now(),
        }
        if "campaign_id" not in columns:
            defaults["source"] = Jsonb({"content": "Hello {name}"})
        phone = self.value("select phone from drip.leads where id = %s", lead)
        return self.insert(
            "broadcast_messages",
            user_id=user or self.user,
            device_id=device,
            lead_id=lead,
            recipient_phone=phone,
            scheduled_at=at,
            **(defaults | columns),
        )

    def campaign(self, *, user: int | None = None, **columns: Any) -> int:
        """A campaign that runs, without messages."""
        defaults: Row = {
            "title": f"campaign-{next(self._numbers)}",
            "message": "News for {name}",
            "everyone": True,
            "status": "triggered",
            "scheduled_at": self.now(),
            "created_at": self.now(),
            "updated_at": self.now(),
        }
        return self.insert("campaigns", user_id=user or self.user, **(defaults | columns))

    def sequence(
        self, *steps: Row, name: str | None = None, start: bool = True, **definition: Any
    ) -> int:
        """A sequence by its verbs: steps as definitions; it sends at once and is started."""
        definition = {
            "name": name or f"sequence-{next(self._numbers)}",
            "auto_enroll": "manual",
            "start_delay": "0 seconds",
            "steps": [{"content": "Step"} | step for step in (steps or ({},))],
        } | definition
        sequence = int(
            self.value("select sequence_id from drip.create_sequence(%s)", Jsonb(definition))
        )
        if start:
            self.row("select * from drip.start_sequence(%s)", str(sequence))
        return sequence

    def enroll(self, sequence: int, lead: int | None = None) -> int:
        """Enroll a lead by the verb; returns the enrollment."""
        lead = lead or self.lead()
        phone = self.value("select phone from drip.leads where id = %s", lead)
        row = self.row("select * from drip.enroll_lead(%s, %s)", str(sequence), phone)
        assert row["outcome"] == "enrolled", row
        return int(row["enrollment_id"])

    def guard(self, name: str, body: str, *, register: bool = True, **options: str) -> str:
        """A guard in schema shop whose PL/pgSQL body is this, without `end`; returns its name."""
        self.conn.execute(
            f"""
            create schema if not exists shop;
            grant usage on schema shop to drip_guard;
            create or replace function shop.{name}(p_lead_id bigint, p_enrollment_id bigint)
            returns boolean
            language plpgsql {options.get("volatility", "stable")}
            as $guard$ {options.get("declare", "")} begin {body} end $guard$
            """.encode()
        )
        if register:
            self.row("select * from drip.register_guard(%s, %s)", name, f"shop.{name}")
        return name

    @contextmanager
    def acting_for(self, user: int) -> Iterator[None]:
        """Verbs inside are for this tenant."""
        before = self.value("select coalesce(current_setting('drip.user', true), '')")
        self.conn.execute("select set_config('drip.user', %s, false)", [str(user)])
        try:
            yield
        finally:
            self.conn.execute("select set_config('drip.user', %s, false)", [before])

    def suppress(self, phone: str, category: str = "all") -> None:
        """A bare row of the opt-out list, without what the verb does besides."""
        self.insert(
            "suppressions",
            user_id=self.user,
            phone=phone,
            category=category,
            created_at=self.now(),
        )

    # -- the worker's calls -------------------------------------------------------------------

    def claim(
        self, limit: int = 100, worker: str = "w", session: Connection | None = None
    ) -> list[Row]:
        """What a worker gets now."""
        return (
            (session or self.conn)
            .execute("select * from drip.claim_messages(%s, %s)", [worker, limit])
            .fetchall()
        )

    def woken(self, payload: str) -> list[int] | None:
        """The devices that a notification of drip_wake names; none of ours: null; all: empty."""
        devices: list[int] | None = self.value("select drip._open_devices(%s)", payload)
        return devices

    def wake(self) -> None:
        """Have the next claim look at every device."""
        self.conn.execute("select drip.wake_devices('{}')")

    def record(self, *results: Row, worker: str = "w") -> list[Row]:
        """Record results as a worker does."""
        return self.rows("select * from drip.record_results(%s, %s)", worker, Jsonb(list(results)))

    def answer(self, claimed: Row, outcome: str = "accepted", **more: Any) -> Row:
        """Record one outcome of a claimed message."""
        return self.record(
            {"message_id": claimed["message_id"], "attempt": claimed["attempt"], "outcome": outcome}
            | (
                {"provider_message_id": f"id-{claimed['message_id']}"}
                if outcome == "accepted"
                else {}
            )
            | more
        )[0]

    def explain(self, message: int) -> Row:
        """explain_message of a message."""
        return self.row("select * from drip.explain_message(%s)", message)

    def live(
        self, clock: Clock, until: str | datetime, answer: Callable[[Row], str] | None = None
    ) -> list[tuple[datetime, str, str]]:
        """Simulated time as a worker lives it: time, phone and text of what was handed over.

        The clock jumps from one due time to the next; answer says the outcome of a claimed
        message, accepted unless given.
        """
        end = clock.read(until)
        handed: list[tuple[datetime, str, str]] = []
        while True:
            self.tick()
            self.wake()
            looks = 0
            while (claimed := self.claim()) or self.value(
                # an empty look may only have deferred the first heads: a worker looks again
                "select exists (select from drip.device_pacing where next_look_at <= drip.now()"
                " and next_send_at <= drip.now())"
            ):
                looks += 1
                assert looks < 20_000, "the claim looks again and again"
                for row in claimed:
                    text = row["content"] or row["caption"] or ""
                    handed.append((clock.now, row["recipient_phone"], text))
                    self.answer(row, answer(row) if answer else "accepted")
                if claimed:
                    self.tick()
                    self.wake()
            upcoming = self.value(
                "select min(at) from (select due_at as at from drip.broadcast_messages"
                " where status = 'pending' union all"
                " select next_send_at from drip.device_pacing) a where at > drip.now()"
            )
            # an hour at most: sweeps have times of their own
            at = min(upcoming or END_OF_TIME, clock.now + timedelta(hours=1))
            if at > end:
                clock.set(end)
                return handed
            clock.set(at)

    def tick(self) -> dict[str, Row]:
        """One tick; no sweep may fail. Its rows by task."""
        rows = self.rows("select * from drip.tick()")
        assert [row for row in rows if row["error"]] == []
        return {row["task"]: row for row in rows}

    def now(self) -> datetime:
        """The database's clock."""
        now = self._one(sql.SQL("select drip.now()"), [])
        assert isinstance(now, datetime)
        return now

    @contextmanager
    def rolled_back(self) -> Iterator[None]:
        """What happens inside has not happened afterwards."""
        with self.conn.transaction(force_rollback=True):
            yield

    def _one(self, query: sql.Composable, arguments: list[Any]) -> Any:
        row = self.conn.execute(query, arguments).fetchone()
        assert row is not None
        return next(iter(row.values()))
