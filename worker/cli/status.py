"""The overview that `pgdrip status` prints: a few views, shortly."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row
from rich.console import Console
from rich.markup import escape

from ..tables import print_table

_QUEUE = """
select q.user_name, q.status, q.reason, q.messages, q.due, q.oldest_due_at
from drip.queue_overview q
order by q.user_name, q.messages desc
"""
_DEVICES = """
select d.device_name, d.platform, d.status, d.sent_today, d.due, d.pending, d.last_seen, d.state
from drip.device_overview d
order by d.status = 'online', d.due desc, d.device_id
limit 40
"""
_CAME_BACK = """
select
  d.device_name, d.messages_sent, d.delivered, d.read, d.replied, d.opted_out, d.unconfirmed,
  d.last_receipt_at
from drip.device_overview d
where d.messages_sent > 0
order by d.unconfirmed desc nulls last, d.device_id
limit 40
"""
_LATELY = """
select
  (select count(*) from drip.replies r where r.received_at > drip.now() - interval '24 hours')
    as replies,
  (select count(*)
   from drip.suppression_list s
   where s.created_at > drip.now() - interval '24 hours') as opt_outs,
  (select count(*) from drip.suppression_list s) as suppressed,
  (select count(*) from drip.webhook_dead_letters w) as dead_letters
"""
_SEQUENCES = """
select
  s.sequence_name, s.status, s.trigger, s.enrolled, s.completed, s.messages_sent,
  s.messages_failed, s.messages_pending, s.next_trigger_time
from drip.sequence_overview s
where s.status <> 'archived'
order by s.sequence_id
limit 40
"""
_CAMPAIGNS = """
select
  c.title, c.status, c.scheduled_at, c.audience_count, c.messages_sent, c.messages_failed,
  c.messages_pending
from drip.campaign_overview c
order by c.campaign_id desc
limit 20
"""
_WRONG = """
select
  format('Device %s is %s: %s', d.device_name, replace(d.status, '_', ' '),
         coalesce(d.status_reason, d.state)) as problem,
  d.due as messages,
  d.status_since as since
from drip.device_overview d
where d.status <> 'online'
union all
select
  format('The circuit breaker of %s rests it until %s', d.device_name,
         to_char(d.breaker_open_until, 'HH24:MI:SS')),
  d.due,
  null
from drip.device_overview d
where d.breaker_open_until is not null
union all
select
  format('%s: %s', initcap(q.status), coalesce(drip.reason_sentence(q.reason), q.reason)),
  sum(q.messages)::bigint,
  null
from drip.queue_overview q
where q.status in ('failed', 'unknown', 'expired')
group by q.status, q.reason
union all
select
  'Opt-outs of contacts whose number is not known: select * from drip.replies where is_unmatched',
  count(*),
  min(r.received_at)
from drip.replies r
where r.is_unmatched
having count(*) > 0
union all
select
  'Webhooks could not be processed: select * from drip.webhook_dead_letters',
  count(*),
  min(w.received_at)
from drip.webhook_dead_letters w
having count(*) > 0
union all
select
  'Messages are due for more than a minute: does a worker run, do the devices keep up?',
  sum(q.due)::bigint,
  min(q.oldest_due_at)
from drip.queue_overview q
where q.oldest_due_at < drip.now() - interval '1 minute' and q.due > 0
having sum(q.due) > 0
"""
_SECTIONS: tuple[tuple[str, str, dict[str, str]], ...] = (
    (
        "Devices",
        _DEVICES,
        {
            "device_name": "device",
            "platform": "platform",
            "status": "status",
            "sent_today": "sent today",
            "due": "due",
            "pending": "pending",
            "last_seen": "last seen",
            "state": "state",
        },
    ),
    (
        "What came back",
        _CAME_BACK,
        {
            "device_name": "device",
            "messages_sent": "sent",
            "delivered": "delivered",
            "read": "read",
            "replied": "replied",
            "opted_out": "opted out",
            "unconfirmed": "unconfirmed",
            "last_receipt_at": "last receipt",
        },
    ),
    (
        "In the last 24 hours",
        _LATELY,
        {
            "replies": "replies",
            "opt_outs": "opt-outs",
            "suppressed": "suppressed in all",
            "dead_letters": "dead letters waiting",
        },
    ),
    (
        "Queue",
        _QUEUE,
        {
            "user_name": "user",
            "status": "status",
            "reason": "reason",
            "messages": "messages",
            "due": "due",
            "oldest_due_at": "oldest due",
        },
    ),
    (
        "Sequences",
        _SEQUENCES,
        {
            "sequence_name": "sequence",
            "status": "status",
            "trigger": "trigger",
            "enrolled": "enrolled",
            "completed": "completed",
            "messages_sent": "sent",
            "messages_failed": "failed",
            "messages_pending": "pending",
            "next_trigger_time": "next",
        },
    ),
    (
        "Campaigns",
        _CAMPAIGNS,
        {
            "title": "campaign",
            "status": "status",
            "scheduled_at": "scheduled",
            "audience_count": "audience",
            "messages_sent": "sent",
            "messages_failed": "failed",
            "messages_pending": "pending",
        },
    ),
    (
        "What is wrong",
        _WRONG,
        {"problem": "problem", "messages": "messages", "since": "since"},
    ),
)


def print_status(connection: psycopg.Connection[Any], console: Console, database: str) -> None:
    """Print devices, queue and programs of the tenants that the connection may see.

    All of it is of one moment, and nothing is printed when the database raises.
    """
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute("set transaction isolation level repeatable read, read only")
        found = [
            (title, cursor.execute(query.encode()).fetchall(), columns)
            for title, query, columns in _SECTIONS
        ]
    console.print(f"Database [bold]{escape(database)}[/]")
    for title, rows, columns in found:
        print_table(console, title, rows, columns)
