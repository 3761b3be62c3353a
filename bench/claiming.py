"""Claim and record: messages per second with 3,000 devices and a million pending."""

from __future__ import annotations

from .data import add_campaign, add_devices, add_leads, expand_all
from .place import Place

DEVICES = 3_000
LEADS = 100_000
CAMPAIGNS = 10

ROUND_TRIP = """
select coalesce(jsonb_agg(jsonb_build_object(
  'message_id', c.message_id, 'attempt', c.attempt, 'outcome', 'accepted',
  'provider_message_id', '3EB0' || c.message_id)), '[]') as results
from drip.claim_messages('bench', 100) c \\gset
select count(*) from drip.record_results('bench', $r$:results$r$);
"""
BATCH = 100


def _prepare(place: Place, database: str) -> None:
    place.database(database)
    with place.connect(database) as connection:
        add_devices(connection, DEVICES)
        add_leads(connection, LEADS)
        for number in range(CAMPAIGNS):
            add_campaign(connection, f"campaign {number}")
        expand_all(connection)
        connection.execute("vacuum analyze")


def _handed_over(place: Place, database: str) -> int:
    with place.connect(database) as connection:
        row = connection.execute("select sum(messages_sent) from drip.campaign_overview").fetchone()
    assert row is not None
    return int(row[0] or 0)


def _measure(place: Place, database: str, clients: int) -> float:
    place.pgbench(database, ROUND_TRIP, clients, 2)
    before = _handed_over(place, database)
    place.pgbench(database, ROUND_TRIP, clients, place.seconds)
    return (_handed_over(place, database) - before) / place.seconds


def claim(place: Place) -> None:
    """Claim and record with 1 and 4 claimers."""
    database = "bench_claim"
    _prepare(place, database)
    for clients in (1, 4):
        place.compare(
            f"claim + record, {clients} claimer{'s' if clients > 1 else ''}",
            lambda _, clients=clients: _measure(place, database, clients),  # type: ignore[misc]
            unit="messages/s",
            aim=0.10 if clients == 4 else None,
            note="3,000 devices, 1 M planned, policies, attempts and rendering on",
        )


def history(place: Place, rows: int) -> None:
    """The same claim with millions of finished messages beside it."""
    database = "bench_claim"
    if "claim + record, 4 claimers" not in place.results:
        claim(place)
    with place.connect(database) as connection:
        # History is copied from finished rows: sending ten million would take an hour.
        copied = 0
        while copied < rows:
            copied += connection.execute(COPY_HISTORY, [min(1_000_000, rows - copied)]).rowcount
        connection.execute("vacuum analyze drip.broadcast_messages")
    place.compare(
        f"claim + record, 4 claimers, {rows // 1_000_000} M rows of history",
        lambda _: _measure(place, database, 4),
        unit="messages/s",
        note="aim: at most 1.2 × the cost without",
    )
    without = place.results["claim + record, 4 claimers"]["ratio"]
    with_history = place.results[
        f"claim + record, 4 claimers, {rows // 1_000_000} M rows of history"
    ]
    with_history["times the cost without"] = without / with_history["ratio"]


COPY_HISTORY = """
insert into drip.broadcast_messages (
  user_id, device_id, lead_id, recipient_phone, recipient_name, category, message_type, source,
  content, priority, scheduled_at, planned_at, status, attempts, worker_id, provider_message_id,
  sent_at, finished_at, created_at)
select
  m.user_id, m.device_id, m.lead_id, m.recipient_phone, m.recipient_name, m.category,
  m.message_type, '{"content": "old"}', m.content, m.priority, m.scheduled_at - interval '30 days',
  m.planned_at - interval '30 days', 'sent', 1, m.worker_id, m.provider_message_id,
  m.sent_at - interval '30 days', m.finished_at - interval '30 days',
  m.created_at - interval '30 days'
from (
  select * from drip.broadcast_messages s where s.status = 'sent' order by s.id limit 100000
) m
cross join generate_series(1, 10)
limit %s
"""
