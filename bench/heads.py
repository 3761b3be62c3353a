"""What waiting messages at the head of a device's queue cost a claim, against an empty head."""

from __future__ import annotations

import json
import statistics
import time

from .data import Connection, add_devices, add_leads, expand_all
from .place import Place

WAITING = 100_000
BEHIND = 2_000
CLAIMS = 150

LOOK_AT = """
update drip.device_pacing p
set next_look_at = case when p.device_id = %(device)s then '-infinity' else 'infinity' end
  ::timestamptz
where p.device_id = any (%(devices)s)
"""


def heads(place: Place) -> None:
    """Paused and windowed campaigns, and paused leads, before messages that may go."""
    place.database("bench_heads")
    with place.connect("bench_heads") as connection:
        add_leads(connection, WAITING, "many")
        add_leads(connection, WAITING, "paused", WAITING)
        add_leads(connection, BEHIND, "few", 2 * WAITING)
        shut = _shut(connection)
        cases = {
            "nothing": None,
            "a paused campaign": {},
            "a campaign outside its window, a step behind it": shut,
            "messages outside their window, in the same class": shut,
            "paused leads": {},
        }
        devices = dict(zip(cases, add_devices(connection, len(cases)), strict=True))
        for number, (case, settings) in enumerate(cases.items()):
            device = f"device {number + 1}"
            if settings is not None:
                niche = "paused" if case == "paused leads" else "many"
                _campaign(connection, f"before {number}", niche, device, settings)
            if case.endswith("a step behind it"):
                _journeys(connection, device)
            else:
                _campaign(connection, f"behind {number}", "few", device, {})
        connection.execute("update drip.leads set paused_until = 'infinity' where niche = 'paused'")
        connection.execute("vacuum analyze")
        # what a pause leaves behind is there as well
        connection.execute("select 1 from drip.pause_campaign('before 1')")
        usual = devices.pop("nothing")
        for case, device in devices.items():
            _compare(place, connection, case, usual, device)


def _shut(connection: Connection) -> dict[str, str]:
    row = connection.execute(
        "select to_char(now() at time zone 'UTC' + interval '2 hours', 'HH24:MI'),"
        " to_char(now() at time zone 'UTC' + interval '3 hours', 'HH24:MI')"
    ).fetchone()
    assert row is not None
    return {"send_from": row[0], "send_to": row[1]}


def _campaign(
    connection: Connection, title: str, niche: str, device: str, settings: dict[str, str]
) -> None:
    definition = {
        "title": title,
        "message": "Hi {name}",
        "niche": niche,
        "target_status": "all",
        "devices": [device],
        **settings,
    }
    connection.execute("select 1 from drip.create_campaign(%s::jsonb)", [json.dumps(definition)])
    connection.execute("select 1 from drip.schedule_campaign(%s)", [title])
    expand_all(connection)


def _journeys(connection: Connection, device: str) -> None:
    definition = {
        "name": "steps",
        "auto_enroll": "manual",
        "start_delay": "0 seconds",
        "device_id": device,
        "steps": [{"content": "Hi {name}"}],
    }
    connection.execute("select 1 from drip.create_sequence(%s::jsonb)", [json.dumps(definition)])
    connection.execute("select 1 from drip.start_sequence('steps')")
    connection.execute(
        "select count(*) from drip.enroll_leads('steps', (select array_agg(l.phone)"
        " from drip.leads l where l.niche = 'few'))"
    )


def _compare(place: Place, connection: Connection, case: str, usual: int, device: int) -> None:
    without: list[float] = []
    with_heads: list[float] = []
    handed_over = 0
    for _ in range(CLAIMS):
        without.append(_claim(connection, usual, [usual, device])[0])
        seconds, messages = _claim(connection, device, [usual, device])
        with_heads.append(seconds)
        handed_over += messages
    usually, now = statistics.median(without), statistics.median(with_heads)
    place.keep(
        f"claim behind {WAITING:,} waiting: {case}",
        unit="ms a claim",
        usually=usually,
        claim=now,
        times=now / usually,
        handed_over=handed_over / CLAIMS,
        aim="≤ 2 × an empty head",
    )


def _claim(connection: Connection, device: int, devices: list[int]) -> tuple[float, int]:
    """Milliseconds of a claim that looks at this device alone, and the messages it gave."""
    connection.execute(LOOK_AT, {"device": device, "devices": devices})
    started = time.perf_counter()
    rows = connection.execute(
        "select c.message_id, c.attempt from drip.claim_messages('bench', 1) c"
    ).fetchall()
    milliseconds = (time.perf_counter() - started) * 1000
    results = [
        {
            "message_id": message,
            "attempt": attempt,
            "outcome": "accepted",
            "provider_message_id": f"3EB0{message}",
        }
        for message, attempt in rows
    ]
    if results:
        connection.execute(
            "select count(*) from drip.record_results('bench', %s::jsonb)", [json.dumps(results)]
        )
    return milliseconds, len(rows)
