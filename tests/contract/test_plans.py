"""What hot calls read stays small, whatever the planner believes about the tables.

Stale: the statistics are those of empty tables. Kept: the session's plans are too, and a tick has
run since. Fresh: the tables were analyzed when they were full. A call is judged by what it read
(pg_stat_xact_*), a view by EXPLAIN.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from factory import Connection, Plant
from psycopg.rows import dict_row

LARGE = ("broadcast_messages", "leads", "sequence_contacts", "message_attempts")
LEADS = 20_000
DEVICES = 100
BATCH = 100

Counts = dict[str, tuple[int, int]]

# Half of the leads are on a journey of three steps: one sent, one due, one to come. Of the other
# half each has got two messages of campaigns. All finished messages lie a day back.
FILL = """
insert into drip.leads (user_id, phone, enroll_check, created_at, updated_at)
select u.id, '+601' || (20000000 + g), false, now(), now()
from drip.users u, generate_series(1, {leads}) g;

insert into drip.sequence_contacts (
  user_id, sequence_id, lead_id, contact_phone, current_step, sequence_stepid, next_trigger_time,
  assigned_device_id, status, enrolled_at)
select s.user_id, s.id, l.id, l.phone, 1, st.id, now(), d.id, 'sent', now() - interval '2 days'
from drip.sequences s
join drip.sequence_steps st on st.sequence_id = s.id and st.day_number = 1
join drip.leads l on l.id % 2 = 0
join drip.user_devices d on d.name = 'device-' || (1 + l.id / 2 % {devices});

insert into drip.broadcast_messages (
  user_id, device_id, lead_id, sequence_id, sequence_stepid, sequence_contact_id, recipient_phone,
  category, message_type, priority, scheduled_at, planned_at, status, attempts, worker_id,
  provider_message_id, sent_at, finished_at, created_at)
select
  e.user_id, e.assigned_device_id, e.lead_id, e.sequence_id, st.id, e.id, e.contact_phone,
  'marketing', 'text', 2, p.at, p.at,
  case when st.day_number = 1 then 'sent' else 'pending' end,
  case when st.day_number = 1 then 1 else 0 end,
  case when st.day_number = 1 then 'w' end,
  case when st.day_number = 1 then 's' || e.id end,
  case when st.day_number = 1 then p.at end,
  case when st.day_number = 1 then p.at end, p.at - interval '1 day'
from drip.sequence_contacts e
join drip.sequence_steps st on st.sequence_id = e.sequence_id
cross join lateral (
  select now() - interval '25 hours' + (st.day_number - 1) * interval '24 hours' as at
) p;

insert into drip.broadcast_messages (
  user_id, device_id, lead_id, campaign_id, recipient_phone, category, message_type, priority,
  scheduled_at, planned_at, status, attempts, worker_id, provider_message_id, sent_at,
  finished_at, created_at)
select
  c.user_id, d.id, l.id, c.id, l.phone, 'marketing', 'text', 3, now() - interval '1 day',
  now() - interval '1 day', 'sent', 1, 'w', 'c' || c.id || '-' || l.id, now() - interval '1 day',
  now() - interval '1 day', now() - interval '2 days'
from drip.campaigns c
join drip.leads l on l.id % 2 = 1
join drip.user_devices d on d.name = 'device-' || (1 + l.id / 2 % {devices});

insert into drip.message_attempts (
  message_id, attempt, user_id, device_id, worker_id, claimed_at, delay_seconds, finished_at,
  outcome, provider_message_id)
select
  m.id, 1, m.user_id, m.device_id, 'w', m.sent_at, 0, m.sent_at, 'accepted', m.provider_message_id
from drip.broadcast_messages m
where m.status = 'sent';
"""

# Counts that are not flushed yet go over the end of a transaction, so a call is the difference.
READ = """
select
  t.relname,
  t.seq_scan,
  t.seq_tup_read + coalesce(t.idx_tup_fetch, 0)
    + coalesce(
      (select sum(pg_stat_get_xact_tuples_returned(i.indexrelid))
       from pg_index i
       where i.indrelid = t.relid), 0)::bigint as read
from pg_stat_xact_all_tables t
where t.schemaname = 'drip' and t.relname = any (%s)
"""


class Reading:
    """What a call has read of the large tables."""

    def __init__(self, before: Counts, after: Counts) -> None:
        self.sequential = {name for name in after if after[name][0] > before[name][0]}
        self.rows = {name: after[name][1] - before[name][1] for name in after}
        self.total = sum(self.rows.values())


def counts(conn: Connection, tables: Sequence[str] = LARGE) -> Counts:
    """Sequential scans and rows read, by table."""
    rows = conn.execute(READ, [list(tables)]).fetchall()
    return {row["relname"]: (row["seq_scan"], row["read"]) for row in rows}


def measured(conn: Connection, query: str, *arguments: Any) -> tuple[list[dict[str, Any]], Reading]:
    """Run a call in a transaction of its own; its rows, and what it read."""
    with conn.transaction():
        before = counts(conn)
        rows = conn.execute(query.encode(), arguments).fetchall()
        return rows, Reading(before, counts(conn))


STATISTICS = ["stale", "kept", "fresh"]
Databases = Callable[..., tuple[str, Callable[[], None]]]


@contextmanager
def filled(create_database: Databases, template: str, statistics: str) -> Iterator[Plant]:
    """A database that was empty when it was analyzed and the calls were planned, and is full."""
    url, drop = create_database(template)
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as conn:
        plant = Plant(conn)
        for number in range(1, DEVICES + 1):
            # one gateway with one secret: its webhooks speak of all its devices
            plant.device(f"device-{number}", webhook_secret_name="gate")
        plant.sequence({}, {}, {}, name="journey", stop_on_reply=False)
        for _ in range(2):
            plant.campaign(status="completed", completed_at=plant.now())
        conn.execute("analyze")
        for _ in range(7):  # more than the calls after which a generic plan may be kept
            conn.execute("select * from drip.claim_messages('w', %s)", [BATCH])
            conn.execute("select * from drip.record_results('w', '[]')")
            conn.execute("select * from drip.tick()")
        conn.execute(FILL.format(leads=LEADS, devices=DEVICES).encode())
        if statistics == "fresh":
            conn.execute("analyze")
        elif statistics == "stale":
            conn.execute("discard plans")
        else:
            conn.execute("select pg_stat_force_next_flush()")
            conn.execute("select * from drip.tick()")
        plant.wake()
        yield plant
    drop()


@pytest.fixture(scope="module", params=STATISTICS)
def shared(
    request: pytest.FixtureRequest, create_database: Databases, template: str
) -> Iterator[tuple[Plant, str]]:
    """Filling takes seconds, so that most tests have the same database."""
    with filled(create_database, template, request.param) as plant:
        yield plant, request.param


@pytest.fixture
def full(shared: tuple[Plant, str]) -> Iterator[Plant]:
    """A full database for a test that leaves no row behind."""
    plant, statistics = shared
    if statistics == "stale":
        plant.conn.execute("discard plans")
    with plant.rolled_back():
        yield plant


@pytest.fixture(params=STATISTICS)
def untouched(
    request: pytest.FixtureRequest, create_database: Databases, template: str
) -> Iterator[Plant]:
    """A full database for one test: dead rows of others would be read as well."""
    with filled(create_database, template, request.param) as plant:
        yield plant


def test_claim_and_record_read_what_they_move(full: Plant) -> None:
    claimed, reading = measured(full.conn, "select * from drip.claim_messages('w', %s)", BATCH)
    assert len(claimed) == BATCH
    assert reading.sequential == set()
    assert reading.total <= BATCH * 60, reading.rows
    results = [
        {
            "message_id": row["message_id"],
            "attempt": row["attempt"],
            "outcome": "accepted",
            "provider_message_id": f"new{row['message_id']}",
        }
        for row in claimed
    ]
    recorded, reading = measured(
        full.conn, "select * from drip.record_results('w', %s::jsonb)", json.dumps(results)
    )
    assert [row["status"] for row in recorded] == ["sent"] * BATCH
    assert reading.sequential == set()
    assert reading.total <= BATCH * 100, reading.rows


def test_receipts_read_what_they_move(full: Plant) -> None:
    device = full.value("select id from drip.user_devices where name = 'device-1'")
    ids = [f"s{number}" for number in range(1, BATCH + 1)]
    body = {"event": "message.ack", "payload": {"ids": ids, "receipt_type": "delivered"}}
    full.row(
        "select drip.store_webhooks(array['device'], array[%s]::bigint[], array[%s])",
        device,
        json.dumps(body),
    )
    rows, reading = measured(full.conn, "select * from drip.process_inbound()")
    assert rows[0]["applied"] == BATCH
    assert reading.sequential == set()
    assert reading.total <= BATCH * 30, reading.rows


def test_sweeps_read_what_they_move(full: Plant) -> None:
    """With nothing to do but to look."""
    rows, reading = measured(full.conn, "select * from drip.tick()")
    assert [row["error"] for row in rows if row["error"]] == []
    assert reading.sequential == set()
    assert reading.total <= 1_000, reading.rows


def test_expiry_reads_what_it_moves(untouched: Plant) -> None:
    untouched.conn.execute(
        "update drip.broadcast_messages set expires_at = now() - interval '1 minute'"
        " where id in (select id from drip.broadcast_messages where status = 'pending'"
        "   order by id limit 50)"
    )
    rows, reading = measured(untouched.conn, "select drip._expire_messages(1000) as rows")
    assert rows[0]["rows"] == 50
    assert reading.sequential == set()
    assert reading.total <= 50 * 60, reading.rows


def scans(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All nodes of a plan."""
    yield node
    for child in node.get("Plans", []):
        yield from scans(child)


@pytest.mark.parametrize("view", ["sequence_progress_monitor", "message_log", "message_outlook"])
def test_a_view_of_one_lead_goes_by_the_key(full: Plant, view: str) -> None:
    """find_lead() gives the id: a masked column cannot use an index."""
    lead = full.row("select lead_id, phone from drip.find_lead('+60120000002')")
    full.conn.execute("set role drip_operator")
    try:
        [row] = full.rows(
            f"explain (analyze, format json) select * from drip.{view}"
            f" where lead_id = {lead['lead_id']}"
        )
    finally:
        full.conn.execute("reset role")
    nodes = list(scans(row["QUERY PLAN"][0]["Plan"]))
    of_large = [node for node in nodes if node.get("Relation Name") in LARGE]
    assert of_large
    for node in of_large:
        assert node["Node Type"] != "Seq Scan", node
        assert node["Actual Rows"] * node["Actual Loops"] <= 20, node
    assert nodes[0]["Actual Rows"] > 0


def test_a_change_of_status_does_not_read_the_history_of_the_device(plant: Plant) -> None:
    device = plant.device("flapping")
    plant.conn.execute(
        "insert into drip.audit_log (at, session_user_name, action, subject_kind, subject_id)"
        " select now() - g * interval '1 minute', 'system', 'report_device', 'device', %s"
        " from generate_series(1, 20000) g",
        [device],
    )
    plant.conn.execute("analyze drip.audit_log")
    for verb in ("report_device", "set_device_status"):
        for status in ("offline", "online"):
            with plant.conn.transaction():
                before = counts(plant.conn, ("audit_log",))
                plant.row(f"select * from drip.{verb}('flapping', %s)", status)
                reading = Reading(before, counts(plant.conn, ("audit_log",)))
            assert not reading.sequential, verb
            assert reading.total < 100, verb


LONG_JOURNEY = (40, 160)
CALLS = {
    "preview_timeline": "select * from drip.preview_timeline('long')",
    "explain_message": "select * from drip.explain_message({last})",
    "preview_message": "select * from drip.preview_message({last})",
    "claim_messages": "select * from drip.claim_messages('w', 1)",
    "record_results": "select * from drip.record_results('w', '{answer}')",
}


def read_of_a_journey(plant: Plant, name: str, steps: int) -> int:
    """What a call reads of messages and steps on a journey that is two hours late."""
    with plant.rolled_back():
        plant.device()
        sequence = plant.sequence({}, *({"trigger_delay_hours": 1},) * (steps - 1), name="long")
        enrollment = plant.enroll(sequence)
        plant.conn.execute(
            "update drip.broadcast_messages set scheduled_at = scheduled_at - interval '2 hours'"
        )
        plant.conn.execute("analyze")
        given: dict[str, Any] = {"last": plant.journey(enrollment)[-1]["id"], "answer": "[]"}
        if name == "record_results":
            [claimed] = plant.claim(1)
            answer = {"message_id": claimed["message_id"], "attempt": 1, "outcome": "accepted"}
            given["answer"] = json.dumps([answer])
        with plant.conn.transaction():
            before = counts(plant.conn, ("broadcast_messages", "sequence_steps"))
            assert plant.rows(CALLS[name].format(**given))
            after = counts(plant.conn, ("broadcast_messages", "sequence_steps"))
        if name == "record_results":
            late = plant.journey(enrollment)[-1]
            assert late["scheduled_at"] == late["planned_at"], "it has moved all steps to come"
    return Reading(before, after).total


@pytest.mark.parametrize("name", CALLS)
def test_a_call_on_a_long_journey_reads_each_step_a_few_times(plant: Plant, name: str) -> None:
    """Four times the steps: what is read grows about as much, where a square would be sixteen."""
    short, long = (read_of_a_journey(plant, name, steps) for steps in LONG_JOURNEY)
    assert short > 0
    assert long < short * 6, (short, long)
