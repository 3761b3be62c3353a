"""500,000 leads: expanded, paused, resumed and cancelled while four claimers run."""

from __future__ import annotations

import json
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .data import Connection, add_campaign, add_devices, add_leads, add_sequence
from .place import Place

DATABASE = "bench_campaign"
LEADS = 500_000
OTHERS = 20_000
DEVICES = 50
CLAIMERS = 4


@dataclass
class Traffic:
    """What the claimers saw: phase, seconds at the start, milliseconds, message ids of a claim."""

    place: Place
    phase: str = "warm up"
    claims: list[tuple[str, float, float, list[int]]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def claimer(self, name: str) -> None:
        """Claims and records until it is told to stop."""
        with self.place.connect(DATABASE) as connection:
            while not self.stop.is_set():
                phase, started = self.phase, time.perf_counter()
                rows = connection.execute(
                    "select c.message_id, c.attempt from drip.claim_messages(%s, 10) c", [name]
                ).fetchall()
                took = (time.perf_counter() - started) * 1000
                self.claims.append((phase, started, took, [row[0] for row in rows]))
                if rows:
                    _record(connection, name, rows)
                time.sleep(0.005)

    def singles(self) -> None:
        """Twenty single messages a second."""
        with self.place.connect(DATABASE) as connection:
            number = 0
            while not self.stop.is_set():
                number += 1
                connection.execute(
                    "select 1 from drip.send_message(%s, 'ping')",
                    [f"+601{10_000_000 + LEADS + number % OTHERS}"],
                )
                time.sleep(0.05)


def _record(connection: Connection, name: str, rows: list[tuple[int, int]]) -> None:
    results = [
        {
            "message_id": message,
            "attempt": attempt,
            "outcome": "accepted",
            "provider_message_id": f"3EB0{message}",
        }
        for message, attempt in rows
    ]
    connection.execute(
        "select count(*) from drip.record_results(%s, %s::jsonb)", [name, json.dumps(results)]
    )


@contextmanager
def _running(traffic: Traffic) -> Iterator[None]:
    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            traffic.errors.append(repr(error))

    threads = [
        threading.Thread(target=guarded, args=[lambda n=n: traffic.claimer(f"claimer {n}")])
        for n in range(CLAIMERS)
    ]
    threads.append(threading.Thread(target=guarded, args=[traffic.singles]))
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        traffic.stop.set()
        for thread in threads:
            thread.join()


def _others(connection: Connection) -> None:
    """Drip steps and another campaign on the same devices."""
    add_sequence(connection, "steps", 1)
    connection.execute("select 1 from drip.update_sequence('steps', '{\"start_delay\": \"0\"}')")
    connection.execute(
        "select count(*) from drip.enroll_leads('steps', (select array_agg(q.phone)"
        " from (select l.phone from drip.leads l where l.niche = 'few' order by l.id"
        "       limit %s) q))",
        [OTHERS // 4],
    )
    add_campaign(connection, "other", "few")
    _through(connection, "expand_campaigns(5000)")


def _through(connection: Connection, function: str) -> float:
    """Calls until nothing remains, a transaction a chunk; seconds."""
    started = time.perf_counter()
    while True:
        row = connection.execute(f"select max(x.remaining) from drip.{function} x").fetchone()  # type: ignore[call-overload]
        if not row or not row[0]:
            return time.perf_counter() - started


def _verb(connection: Connection, call: str) -> float:
    started = time.perf_counter()
    connection.execute(f"select 1 from drip.{call}")  # type: ignore[call-overload]
    return time.perf_counter() - started


def campaign(place: Place) -> None:
    """Each phase's claims against those without the large campaign."""
    place.database(DATABASE)
    with place.connect(DATABASE) as connection:
        add_devices(connection, DEVICES, min_delay_seconds=0, max_delay_seconds=1)
        add_leads(connection, LEADS, "many")
        add_leads(connection, OTHERS, "few", LEADS)
        _others(connection)
        connection.execute("vacuum analyze")
        traffic = Traffic(place)
        took: dict[str, str] = {}
        with _running(traffic):
            time.sleep(5)
            traffic.phase = "without"
            time.sleep(2 * place.seconds)
            traffic.phase = "expanded"
            add_campaign(connection, "large", "many")
            planning = _through(connection, "expand_campaigns(5000)")
            took["expanded"] = f"{planning:.1f} s"
            traffic.phase = "planned"
            time.sleep(place.seconds)
            for verb, phase in (
                ("pause_campaign", "paused"),
                ("resume_campaign", "resumed"),
                ("pause_campaign", "paused again"),
                ("cancel_campaign", "cancelled"),
            ):
                seconds = _verb(connection, f"{verb}('large')")
                # claims that begin from here on come after its commit
                traffic.phase = phase
                rows = 0.0 if phase == "paused again" else _through(connection, "sweep_campaigns()")
                took[phase] = f"verb {seconds:.2f} s, rows {rows:.1f} s"
                time.sleep(place.seconds)
        _check(connection, traffic)
        _keep(place, traffic, took)


def _check(connection: Connection, traffic: Traffic) -> None:
    """Nobody lost or written to twice; nothing left after a pause or a cancel had committed."""
    assert not traffic.errors, traffic.errors
    rows = connection.execute(
        "select m.id, m.attempts from drip.broadcast_messages m"
        " join drip.campaigns c on c.id = m.campaign_id where c.title = 'large'"
    ).fetchall()
    large = {row[0] for row in rows}
    claimed = [message for claim in traffic.claims for message in claim[3] if message in large]
    assert len(rows) == LEADS
    assert len(claimed) == len(set(claimed))
    assert sum(row[1] for row in rows) == len(claimed)
    for phase, _, _, messages in traffic.claims:
        assert phase not in ("paused", "paused again", "cancelled") or not large & set(messages)
    left = connection.execute(
        "select count(*) from drip.campaign_overview o"
        " where o.title = 'large' and o.messages_sent + o.messages_cancelled <> %s",
        [LEADS],
    ).fetchone()
    assert left == (0,)


def _keep(place: Place, traffic: Traffic, took: dict[str, str]) -> None:
    # on two cores whatever else runs counts; five busy sessions are the bench's own
    load = f"load {os.getloadavg()[1]:.1f} on {os.cpu_count()} cores"

    def times(phase: str) -> list[float]:
        return sorted(c[2] for c in traffic.claims if c[0] == phase and c[3])

    without = times("without")
    usually = statistics.median(without)
    for phase in ("without", "expanded", "planned", "paused", "resumed", "cancelled"):
        found = times(phase)
        median, p99 = statistics.median(found), found[int(len(found) * 0.99)]
        slow = sum(t > 2 * usually for t in found) / len(found)
        place.keep(
            f"claim beside a campaign of {LEADS:,}: {phase}",
            unit="ms a claim that gives",
            usually=usually,
            claim=median,
            times=median / usually,
            p99=p99,
            aim="≤ 2 × without",
            note=f"{took[phase] + '; ' if phase in took else ''}{slow:.1%} above twice the usual"
            f" median, slowest {found[-1]:.0f} ms; {load}",
        )
