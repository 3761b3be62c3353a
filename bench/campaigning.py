"""500,000 leads: expanded, paused, resumed and cancelled while four claimers run."""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from pgdrip.sweeps import CHUNK, RESTS

from .data import Connection, add_campaign, add_devices, add_leads, add_sequence
from .place import Place

DATABASE = "bench_campaign"
LEADS = 500_000
# enough for the claimers' whole time, or their claims give nothing in the end
OTHERS = 60_000
DEVICES = 50
CLAIMERS = 4
# claims of each a second: three thousand devices with a message every ten seconds take 30 of ten
RATE = 20


@dataclass
class Claim:
    """One call: its phase, milliseconds, the messages it gave."""

    phase: int
    took: float
    messages: list[int]


class Traffic:
    """Claimers and an application, each a process of its own, and the phase they work in."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.phases = ["warm up"]
        self.claims: list[Claim] = []
        self._phase = multiprocessing.Value("i", 0)
        self._stop = multiprocessing.Event()
        self._found: multiprocessing.Queue[list[Claim]] = multiprocessing.Queue()
        self._processes = [
            *(multiprocessing.Process(target=self._claim, args=(n,)) for n in range(CLAIMERS)),
            multiprocessing.Process(target=self._send_singles),
        ]

    def begin(self, phase: str) -> None:
        """Claims that begin from here on belong to this phase."""
        self.phases.append(phase)
        self._phase.value = len(self.phases) - 1

    def of(self, phase: str) -> list[Claim]:
        """The claims of a phase."""
        return [claim for claim in self.claims if self.phases[claim.phase] == phase]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Claims and singles go on inside; their calls are known afterwards."""
        for process in self._processes:
            process.start()
        try:
            yield
        finally:
            self._stop.set()
            for _ in range(CLAIMERS):
                self.claims += self._found.get(timeout=60)
            for process in self._processes:
                process.join()
        assert all(process.exitcode == 0 for process in self._processes)

    def _claim(self, number: int) -> None:
        """Claims and records, so many times a second, until it is told to stop."""
        name, claims = f"claimer {number}", list[Claim]()
        try:
            with psycopg.connect(self.url, autocommit=True) as connection:
                while not self._stop.wait(1 / RATE):
                    phase, started = self._phase.value, time.perf_counter()
                    rows = connection.execute(
                        "select c.message_id, c.attempt from drip.claim_messages(%s, 10) c", [name]
                    ).fetchall()
                    took = (time.perf_counter() - started) * 1000
                    claims.append(Claim(phase, took, [row[0] for row in rows]))
                    if rows:
                        _record(connection, name, rows)
        finally:
            self._found.put(claims)

    def _send_singles(self) -> None:
        """Twenty single messages a second."""
        number = 0
        with psycopg.connect(self.url, autocommit=True) as connection:
            while not self._stop.wait(0.05):
                number += 1
                connection.execute(
                    "select 1 from drip.send_message(%s, 'ping')",
                    [f"+601{10_000_000 + LEADS + number % OTHERS}"],
                )


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
    _through(connection, "expand_campaigns", rest=False)


def _through(connection: Connection, function: str, rest: bool = True) -> float:
    """Calls until nothing remains, with the worker's chunks and rests; seconds."""
    begun = time.perf_counter()
    while True:
        started = time.perf_counter()
        row = connection.execute(
            f"select max(x.remaining) from drip.{function}(%s) x",  # type: ignore[arg-type]
            [CHUNK],
        ).fetchone()
        if not row or not row[0]:
            return time.perf_counter() - begun
        if rest:
            time.sleep(RESTS * (time.perf_counter() - started))


def _verb(connection: Connection, call: str) -> float:
    started = time.perf_counter()
    connection.execute(f"select 1 from drip.{call}")  # type: ignore[call-overload]
    return time.perf_counter() - started


def campaign(place: Place) -> None:
    """Each phase's claims against those without the large campaign."""
    url = place.database(DATABASE)
    with place.connect(DATABASE) as connection:
        add_devices(connection, DEVICES, min_delay_seconds=0, max_delay_seconds=1)
        add_leads(connection, LEADS, "many")
        add_leads(connection, OTHERS, "few", LEADS)
        _others(connection)
        connection.execute("vacuum analyze")
        traffic = Traffic(url)
        took: dict[str, str] = {}
        with traffic.running():
            time.sleep(5)
            traffic.begin("without")
            time.sleep(2 * place.seconds)
            traffic.begin("expanded")
            add_campaign(connection, "large", "many")
            planning = _through(connection, "expand_campaigns")
            took["expanded"] = f"{planning:.1f} s"
            traffic.begin("planned")
            time.sleep(place.seconds)
            for verb, phase in (
                ("pause_campaign", "paused"),
                ("resume_campaign", "resumed"),
                ("pause_campaign", "paused again"),
                ("cancel_campaign", "cancelled"),
            ):
                seconds = _verb(connection, f"{verb}('large')")
                # claims that begin from here on come after its commit
                traffic.begin(phase)
                if phase != "paused again":
                    rows = _through(connection, "sweep_campaigns")
                    took[phase] = f"verb {seconds:.2f} s, rows {rows:.1f} s"
                time.sleep(1)
        _check(connection, traffic)
        _keep(place, traffic, took)


def _check(connection: Connection, traffic: Traffic) -> None:
    """Nobody lost or written to twice; nothing left after a pause or a cancel had committed."""
    rows = connection.execute(
        "select m.id, m.attempts from drip.broadcast_messages m"
        " join drip.campaigns c on c.id = m.campaign_id where c.title = 'large'"
    ).fetchall()
    large = {row[0] for row in rows}
    claimed = [m for claim in traffic.claims for m in claim.messages if m in large]
    assert len(rows) == LEADS
    assert len(claimed) == len(set(claimed))
    assert sum(row[1] for row in rows) == len(claimed)
    for phase in ("paused", "paused again", "cancelled"):
        for claim in traffic.of(phase):
            assert not large.intersection(claim.messages)
    left = connection.execute(
        "select count(*) from drip.campaign_overview o"
        " where o.title = 'large' and o.messages_sent + o.messages_cancelled <> %s",
        [LEADS],
    ).fetchone()
    assert left == (0,)


def _keep(place: Place, traffic: Traffic, took: dict[str, str]) -> None:
    # on two cores whatever else runs counts
    load = f"load {os.getloadavg()[1]:.1f} on {os.cpu_count()} cores"

    def times(phase: str) -> list[float]:
        return sorted(claim.took for claim in traffic.of(phase) if claim.messages)

    usually = statistics.median(times("without"))
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
            slow=slow,
            aim="≤ 2 × without",
            note=f"{took[phase] + '; ' if phase in took else ''}{slow:.1%} of {len(found):,} above"
            f" twice the usual median, slowest {found[-1]:.0f} ms; {CLAIMERS} claimers, {RATE} a"
            f" second each; {load}",
        )
