"""A tenant's random history, action by action, against a small model of what may leave.

The model is Python's own: it knows what was asked (pauses, exits, opt-outs, edits) and what was
handed over, and reads of the rows only what they say. It holds every claim and every state of the
tables against that.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
from factory import END_OF_TIME, Clock, Plant
from psycopg.types.json import Jsonb

Row = dict[str, Any]

HOUR = timedelta(hours=1)
LIVE = ("pending", "active", "sent", "failed", "paused")
FINISHED = ("completed", "sequence_failed", "exited")
ENDED = ("cancelled", "expired", "skipped")
LEFT = ("sent", "failed", "unknown")
BURST = 3
LEASE = timedelta(seconds=90)
UNKNOWN_HOLD = timedelta(hours=24)
POLICIES = ("shift", "catch_up", "skip")

MESSAGES = """
select
  m.id, m.lead_id, m.campaign_id, m.sequence_id, m.sequence_stepid as step,
  m.sequence_contact_id as enrollment, m.category, m.scheduled_at, m.planned_at, m.not_before,
  m.deferred_reason, m.expires_at, m.status, m.status_reason, m.attempts, m.sent_at,
  m.finished_at, m.hold_ended_at, m.failures, m.worker_id, m.lease_expires_at, m.created_at,
  st.day_number as place, st.trigger_delay_hours as delay, st.send_time, st.retired_at
from drip.broadcast_messages m
left join drip.sequence_steps st on st.id = m.sequence_stepid
order by m.id
"""
ENROLLMENTS = """
select e.*, s.on_step_failure
from drip.sequence_contacts e
join drip.sequences s on s.id = e.sequence_id
order by e.id
"""
VERDICTS = "select message_id, verdict, reason from drip._message_facts"
PROGRESS = """
select
  m.enrollment_id, count(*) as rows, max(m.steps_total) as total,
  max(m.steps_finished) as finished
from drip.sequence_progress_monitor m
group by m.enrollment_id
"""
# What is read after every action; planning it costs four times what running it does.
LOOKS = {
    "messages": MESSAGES,
    "enrollments": ENROLLMENTS,
    "verdicts": VERDICTS,
    "sequences": "select * from drip.sequence_overview",
    "campaigns": "select * from drip.campaign_overview",
    "progress": PROGRESS,
}

# What a person has asked for: said before any other reason.
ASKED = (
    "campaign_cancelled", "enrollment_finished", "suppressed", "sequence_paused",
    "campaign_paused", "enrollment_paused", "lead_paused",
)  # fmt: skip


def stand(row: Row) -> tuple[bool, int]:
    """The place of a message in its journey: what is left of steps that are gone comes first."""
    return row["retired_at"] is None, row["place"]


@dataclass
class Flight:
    """A message that a worker has, or had: what became of it."""

    message: int
    attempt: int
    worker: str
    claimed_at: datetime
    outcome: str | None = None  # the answer that counts so far, released or lapsed

    @property
    def is_over(self) -> bool:
        return self.outcome is not None

    def still_hears(self, outcome: str) -> bool:
        """Whether such an answer is news; the worker repeats itself, or comes late."""
        return self.outcome is None or (
            self.outcome in ("lapsed", "unknown") and outcome != "unknown"
        )


@dataclass
class Pause:
    """From when, and until when where that is known."""

    since: datetime
    until: datetime = END_OF_TIME


@dataclass
class History:
    """One tenant with two programs that lead into each other, a campaign and a few leads."""

    plant: Plant
    clock: Clock
    seen: Counter[str] = field(default_factory=Counter)
    pace: tuple[int, int] = (0, 0)  # seconds
    unknown_policy: str = "hold"

    def __post_init__(self) -> None:
        self.numbers = itertools.count(1)
        self.flights: list[Flight] = []
        # when each message was first claimed, as the number of its flight
        self.firsts: dict[int, int] = {}
        self.suppressed: set[int] = set()
        self.lead_pauses: dict[int, Pause] = {}
        self.sequence_pauses: dict[int, Pause] = {}
        self.own_pauses: dict[int, Pause] = {}
        self.exited: set[int] = set()
        self.campaign_status = "draft"
        # journeys of which no time was moved but by pauses that do not count
        self.spans: dict[int, timedelta] = {}
        self.untouched: set[int] = set()
        # journeys that are over, as far as they were looked at
        self.finished: set[int] = set()
        # the rows that the views were last held against
        self.viewed: tuple[dict[int, Row], dict[int, Row]] = ({}, {})
        # what a resume must have made of the messages: time, and whether it was skipped
        self.expected: dict[int, tuple[datetime, bool]] = {}
        # what another pause still holds
        self.still_held: set[int] = set()
        # sequences that had a time of day once: its wall clock is no matter of this model
        self.by_wall_clock: set[int] = set()

    # -- building -----------------------------------------------------------------------------

    def build(self) -> None:
        plant = self.plant
        self.prepare()
        self.start = self.clock.set("2026-03-04 09:00+08")
        self.device_free_at = self.start
        self.device = plant.device(
            burst=BURST,
            min_delay_seconds=self.pace[0],
            max_delay_seconds=self.pace[1],
            unknown_policy=self.unknown_policy,
        )
        plant.tenant(breaker_sample=1000)
        self.sequences = [
            plant.sequence(
                {"name": "one", "content": "A1"},
                {"name": "two", "content": "A2", "trigger_delay_hours": 6, "valid_for": "3 days"},
                {"name": "three", "content": "A3", "next_trigger": "warm"},
                name="cold",
                trigger="cold",
                auto_enroll="trigger",
                exclusive_group="funnel",
                start_delay="30 minutes",
            ),
            plant.sequence(
                {"name": "one", "content": "B1", "send_time": "10:00"},
                {"name": "two", "content": "B2", "trigger_delay_hours": 48},
                name="warm",
                trigger="warm",
                auto_enroll="trigger",
                exclusive_group="funnel",
                skip_weekends=True,
                on_step_failure="stop",
                category="utility",
                priority=2,
                reenroll_after="3 days",
            ),
            plant.sequence(
                {"name": "one", "content": "C1", "trigger_delay_hours": 1},
                {"name": "two", "content": "C2", "trigger_delay_hours": 1},
                {"name": "three", "content": "C3", "trigger_delay_hours": 1},
                name="hand",
                on_step_failure="stop",
            ),
        ]
        self.by_wall_clock.add(self.sequences[1])
        self.phones = [f"+6012000000{number}" for number in range(3)]
        self.leads = [plant.lead(phone) for phone in self.phones]
        plant.row(
            "select * from drip.create_campaign(%s)",
            Jsonb({"title": "news", "message": "News", "everyone": True, "valid_for": "2 days"}),
        )
        self.read()

    # -- reading ------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Plan once a session what is looked at again and again."""
        # the driver's own would be forgotten with every rollback, and these with them
        self.plant.conn.prepare_threshold = None
        found = self.plant.rows("select name from pg_prepared_statements where name = 'progress'")
        for name, query in LOOKS.items() if not found else ():
            self.plant.conn.execute(f"prepare {name} as {query}".encode())

    def look(self, name: str) -> list[Row]:
        return self.plant.rows(f"execute {name}")

    def read(self) -> None:
        """The rows as they are now."""
        self.messages = {row["id"]: row for row in self.look("messages")}
        self.enrollments = {row["id"]: row for row in self.look("enrollments")}
        self.journeys: dict[int, list[Row]] = {number: [] for number in self.enrollments}
        for row in self.messages.values():
            if row["enrollment"] is not None:
                self.journeys[row["enrollment"]].append(row)

    def pauses_of(self, enrollment: Row) -> list[Pause]:
        """What holds a journey."""
        held = [
            self.sequence_pauses.get(enrollment["sequence_id"]),
            self.lead_pauses.get(enrollment["lead_id"]),
            self.own_pauses.get(enrollment["id"]),
        ]
        return [pause for pause in held if pause is not None]

    def live_of(self, sequence: int | None = None, lead: int | None = None) -> list[Row]:
        return [
            row
            for row in self.enrollments.values()
            if row["completed_at"] is None
            and (sequence is None or row["sequence_id"] == sequence)
            and (lead is None or row["lead_id"] == lead)
        ]

    # -- acting -------------------------------------------------------------------------------

    @contextmanager
    def acting(self, what: str) -> Iterator[None]:
        """An action; afterwards everything must hold."""
        self.seen[what] += 1
        yield
        self.read()
        self.check()

    def refused(self, query: str, *arguments: Any) -> str | None:
        """The code of a refusal, and nothing has changed; None when it was done."""
        try:
            with self.plant.conn.transaction():
                self.plant.rows(query, *arguments)
        except psycopg.Error as error:
            if not (error.sqlstate or "").startswith("DR"):
                raise
            return error.sqlstate
        return None

    def enroll(self, sequence: int, lead: int, key: str = "") -> None:
        with self.acting("enroll"):
            number = self.sequences[sequence]
            mine = [
                row
                for row in self.enrollments.values()
                if (row["sequence_id"], row["lead_id"], row["key"])
                == (number, self.leads[lead], key)
            ]
            last = max(mine, key=lambda row: (row["completed_at"] is None, row["id"]), default=None)
            in_group = [
                row
                for row in self.live_of(lead=self.leads[lead])
                if row["exclusive_group"] is not None and sequence < 2
            ]
            if number in self.sequence_pauses:
                expected = "sequence_not_active"
            elif last is not None and last["completed_at"] is None:
                expected = "already_enrolled"
            elif lead in self.suppressed:
                expected = "suppressed"
            elif last is not None and (
                sequence != 1 or last["completed_at"] + 72 * HOUR > self.clock.now
            ):
                expected = "already_enrolled"
            elif in_group:
                expected = "exclusive"
            else:
                expected = "enrolled"
            got = self.plant.row(
                "select * from drip.enroll_lead(%s, %s, p_key => %s)",
                str(number),
                self.phones[lead],
                key,
            )
            assert got["outcome"] == expected, (got, expected)
            self.seen[expected] += 1

    def tag(self, lead: int, token: str) -> None:
        with self.acting("tag"):
            self.plant.rows(
                "select * from drip.upsert_lead(%s, p_trigger => %s)", self.phones[lead], token
            )

    def exit(self, sequence: int, lead: int, key: str = "") -> None:
        with self.acting("exit"):
            number = self.sequences[sequence]
            mine = [
                row["id"] for row in self.live_of(number, self.leads[lead]) if row["key"] == key
            ]
            got = self.plant.row(
                "select * from drip.exit_lead(%s, %s, 'asked', %s)",
                str(number),
                self.phones[lead],
                key,
            )
            assert got["outcome"] == ("exited" if mine else "not_enrolled")
            self.exited.update(mine)
            for one in mine:
                self.own_pauses.pop(one, None)
                self.ended(enrollment=one)

    def opt_out(self, lead: int) -> None:
        with self.acting("opt_out"):
            self.plant.rows("select * from drip.opt_out(%s)", self.phones[lead])
            self.suppressed.add(lead)
            for row in self.live_of(lead=self.leads[lead]):
                self.exited.add(row["id"])
                self.own_pauses.pop(row["id"], None)
            self.ended(lead_id=self.leads[lead])

    def opt_in(self, lead: int) -> None:
        with self.acting("opt_in"):
            self.plant.rows("select * from drip.opt_in(%s)", self.phones[lead])
            self.suppressed.discard(lead)

    def ended(self, **of: int) -> None:
        """Nothing of it waits; and what was planned beside the verb would be dropped, not sent."""
        before = self.messages
        self.read()
        mine = [row for row in self.messages.values() if all(row[key] == of[key] for key in of)]
        assert [row for row in mine if row["status"] == "pending"] == [], ("it waits", of)
        taken = [row["id"] for row in mine if before[row["id"]]["status"] == "pending"]
        if not taken:
            return
        with self.plant.rolled_back():
            self.plant.conn.execute(
                "update drip.broadcast_messages m"
                " set status = 'pending', status_reason = null, finished_at = null,"
                " scheduled_at = least(m.scheduled_at, %s)"
                " where m.id = any (%s)",
                [self.clock.now, taken],
            )
            judged = {row["message_id"]: row for row in self.look("verdicts")}
            for number in taken:
                asked = self.asked(self.messages[number])
                found = (judged[number]["verdict"], judged[number]["reason"])
                assert found == ("drop", asked), (found, asked, self.messages[number])
                self.seen[f"would be dropped: {asked}"] += 1
            self.plant.wake()
            claimed = {one["message_id"] for one in self.plant.claim(10, "beside")}
            assert not claimed & set(taken), "it left after its end"

    # -- pausing ------------------------------------------------------------------------------

    def pause_sequence(self, sequence: int) -> None:
        with self.acting("pause_sequence"):
            number = self.sequences[sequence]
            self.plant.row("select * from drip.pause_sequence(%s)", str(number))
            if number not in self.sequence_pauses:
                self.sequence_pauses[number] = Pause(self.clock.now)
                self.held("sequence_paused", sequence_id=number)

    def resume_sequence(self, sequence: int, policy: str) -> None:
        with self.acting(f"resume_sequence {policy}"):
            number = self.sequences[sequence]
            held = self.live_of(number)
            self.plant.row("select * from drip.resume_sequence(%s, %s)", str(number), policy)
            if pause := self.sequence_pauses.pop(number, None):
                self.resumed(held, pause, policy)

    def pause_lead(self, lead: int, hours: float | None) -> None:
        with self.acting("pause_lead"):
            until = None if hours is None else self.clock.now + hours * HOUR
            self.plant.row("select * from drip.pause_lead(%s, %s)", self.phones[lead], until)
            number = self.leads[lead]
            since = self.lead_pauses.get(number, Pause(self.clock.now)).since
            self.lead_pauses[number] = Pause(since, until or END_OF_TIME)
            self.held("lead_paused", until or END_OF_TIME, lead_id=number)

    def resume_lead(self, lead: int, policy: str) -> None:
        with self.acting(f"resume_lead {policy}"):
            number = self.leads[lead]
            held = self.live_of(lead=number)
            self.plant.row("select * from drip.resume_lead(%s, %s)", self.phones[lead], policy)
            if pause := self.lead_pauses.pop(number, None):
                self.resumed(held, pause, policy)

    def pause_own(self, sequence: int, lead: int, key: str, by_hand: bool) -> None:
        with self.acting("pause_enrollment"):
            number = self.sequences[sequence]
            mine = [row for row in self.live_of(number, self.leads[lead]) if row["key"] == key]
            if by_hand and mine and not self.pauses_of(mine[0]):
                self.plant.conn.execute(
                    "update drip.sequence_contacts set status = 'paused' where id = %s",
                    [mine[0]["id"]],
                )
            else:
                got = self.plant.row(
                    "select * from drip.pause_enrollment(%s, %s, 'asked', %s)",
                    str(number),
                    self.phones[lead],
                    key,
                )
                if not mine:
                    assert got["outcome"] == "not_enrolled"
                    return
                is_held = mine[0]["id"] in self.own_pauses
                assert got["outcome"] == ("already_paused" if is_held else "paused")
            if mine and mine[0]["id"] not in self.own_pauses:
                self.own_pauses[mine[0]["id"]] = Pause(self.clock.now)
                self.held("enrollment_paused", enrollment=mine[0]["id"])

    def resume_own(self, sequence: int, lead: int, key: str, policy: str) -> None:
        with self.acting(f"resume_enrollment {policy}"):
            number = self.sequences[sequence]
            mine = [row for row in self.live_of(number, self.leads[lead]) if row["key"] == key]
            got = self.plant.row(
                "select * from drip.resume_enrollment(%s, %s, %s, %s)",
                str(number),
                self.phones[lead],
                policy,
                key,
            )
            pause = self.own_pauses.pop(mine[0]["id"], None) if mine else None
            assert got["outcome"] == (
                "resumed" if pause else "not_paused" if mine else "not_enrolled"
            )
            if pause:
                self.resumed(mine, pause, policy)

    def held(self, reason: str, until: datetime = END_OF_TIME, **of: int) -> None:
        """A pause is written on what waits as well: no claim need look at it."""
        self.read()
        for row in self.messages.values():
            if row["status"] != "pending" or any(row[key] != of[key] for key in of):
                continue
            if row["failures"] > 0:  # it has a rest of its own
                continue
            assert row["not_before"] is not None, ("waits, and is not held", reason, row)
            assert row["not_before"] >= until, (reason, row)
            # what another pause holds for longer than the lead's keeps its reason
            if reason != "lead_paused":
                assert row["deferred_reason"] == reason, row

    def resumed(self, journeys: list[Row], pause: Pause, policy: str) -> None:
        """The part of a pause that no other one covers does not count."""
        end = min(self.clock.now, pause.until)
        for row in journeys:
            if policy != "shift":
                self.untouched.discard(row["id"])
            others = [other.since for other in self.pauses_of(row)]
            self.seen["pause under another"] += bool(others)
            since = max(pause.since, row["enrolled_at"])
            until = min([end, *others])
            length = max(until - since, timedelta())
            if others:
                self.still_held.update(message["id"] for message in self.journeys[row["id"]])
            self.spans[row["id"]] = self.spans.get(row["id"], timedelta()) + length
            if row["sequence_id"] in self.by_wall_clock:
                continue
            for message in self.journeys[row["id"]]:
                if message["status"] == "pending":
                    at = message["scheduled_at"]
                    self.expected[message["id"]] = (
                        at + length if policy == "shift" else at,
                        policy == "skip" and since <= until and at <= until,
                    )

    def check_resumed(self) -> None:
        """Later by the pause, as it was, or skipped: by the policy that was asked for."""
        for number, (at, is_skipped) in self.expected.items():
            row = self.messages[number]
            assert row["scheduled_at"] == at, ("not by the policy", at, row)
            assert (row["status"] == "skipped") == is_skipped, ("not by the policy", row)
        for number in self.still_held:
            row = self.messages[number]
            assert row["status"] != "pending" or row["not_before"], ("no longer held", row)
        self.expected.clear()
        self.still_held.clear()

    def campaign(self, verb: str) -> None:
        with self.acting(f"{verb} campaign"):
            by_verb = {
                "schedule": (("draft", "pending"), None),
                "pause": (("pending", "triggered"), "paused"),
                "resume": (("paused",), None),
                "cancel": (("draft", "pending", "triggered", "paused"), "cancelled"),
            }
            before = self.campaign_status
            code = self.refused(f"select * from drip.{verb}_campaign('news')")
            allowed, after = by_verb[verb]
            if self.campaign_status in allowed:
                assert code is None, (verb, self.campaign_status, code)
            if code is None and after is not None:
                assert self.status_of_campaign() == after
            self.campaign_status = self.status_of_campaign()
            campaign = self.plant.value("select id from drip.campaigns")
            if code is None and verb == "pause" and before != "paused":
                self.held("campaign_paused", campaign_id=campaign)
            if code is None and verb == "cancel":
                self.ended(campaign_id=campaign)

    def status_of_campaign(self) -> str:
        return str(self.plant.value("select status from drip.campaigns"))

    # -- edits --------------------------------------------------------------------------------

    def edit(self, query: str, *arguments: Any) -> None:
        """An edit moves, adds and cancels what it lists, and nothing else."""
        before = self.messages
        rows = self.plant.rows(query, *arguments)
        self.read()
        listed = {
            (row["change"], row["message_id"]): (row["at_before"], row["at_after"])
            for row in rows
            if row["message_id"] is not None
        }
        found: dict[tuple[str, int], tuple[datetime | None, datetime | None]] = {}
        for number, row in self.messages.items():
            old = before.get(number)
            if old is None:
                found["gains", number] = (None, row["scheduled_at"])
            elif old["status"] == "pending" and row["status"] == "cancelled":
                found["loses", number] = (old["scheduled_at"], None)
            elif old["scheduled_at"] != row["scheduled_at"]:
                found["moves", number] = (old["scheduled_at"], row["scheduled_at"])
        assert listed == found, (listed, found)
        self.seen.update(f"edit {change}" for change, _ in found)
        self.check_plans()
        self.check_waits()

    def check_plans(self) -> None:
        """Each step behind the last one that a journey has had is planned, and none else.

        What ended before its turn (skipped, expired) is not made up, and takes nothing along.
        """
        places: dict[int, dict[int, int]] = {number: {} for number in self.sequences}
        for step in self.plant.rows(
            "select st.id, st.sequence_id, st.day_number from drip.sequence_steps st"
            " where st.retired_at is null"
        ):
            places[step["sequence_id"]][step["id"]] = step["day_number"]
        for row in self.live_of():
            journey, mine = self.journeys[row["id"]], places[row["sequence_id"]]
            planned = {m["step"] for m in journey if m["status"] == "pending"}
            ended = {m["step"] for m in journey if m["status"] in ENDED}
            turn = min((mine[step] for step in planned & mine.keys()), default=len(mine) + 1)
            had = [
                mine.get(m["step"], 0)
                for m in journey
                if m["step"] not in planned
                and (m["step"] not in ended or mine.get(m["step"], 0) < turn)
            ]
            wanted = {number for number, place in mine.items() if place > max(had, default=0)}
            wanted -= ended
            assert planned - wanted <= {m["step"] for m in journey if m["attempts"]}, journey
            assert wanted <= planned, (wanted, journey)

    def check_waits(self) -> None:
        """No step is planned closer to the one before it than its wait."""
        for number, journey in self.journeys.items():
            if self.enrollments[number]["sequence_id"] in self.by_wall_clock:
                continue
            waiting = [row for row in journey if row["status"] == "pending"]
            waiting.sort(key=lambda row: int(row["place"]))
            for earlier, later in itertools.pairwise(waiting):
                wait = float(later["delay"]) * HOUR
                assert later["scheduled_at"] - earlier["scheduled_at"] >= wait, (earlier, later)

    def rehearsed(self, query: str, sequence: str, steps: Any) -> None:
        """What a rehearsal lists is what the edit then does; ids that it makes apart."""

        def told(rows: list[Row]) -> list[str]:
            ids = ("sequence_stepid", "message_id", "applied")
            return sorted(str({k: v for k, v in row.items() if k not in ids}) for row in rows)

        dry = self.plant.rows(query, sequence, Jsonb(steps), True)
        with self.plant.rolled_back():
            wet = self.plant.rows(query, sequence, Jsonb(steps), False)
        assert told(dry) == told(wet)

    def touched(self, sequence: int) -> None:
        for row in self.live_of(self.sequences[sequence]):
            self.untouched.discard(row["id"])

    def update_step(self, sequence: int, step: int, changes: Row) -> None:
        with self.acting("update_step"):
            self.touched(sequence)
            if changes.get("send_time"):
                self.by_wall_clock.add(self.sequences[sequence])
            number = str(self.sequences[sequence])
            count = len(self.steps_of(sequence))
            self.edit(
                "select * from drip.update_step(%s, %s, %s)",
                number,
                f"#{step % count + 1}",
                Jsonb(changes),
            )

    def steps_of(self, sequence: int) -> list[Row]:
        """The steps as get_sequence gives them."""
        got = self.plant.value("select drip.get_sequence(%s)", str(self.sequences[sequence]))
        steps: list[Row] = got["steps"]
        return steps

    def replace_steps(self, sequence: int, kind: str, step: int) -> None:
        with self.acting(f"replace_steps {kind}"):
            self.touched(sequence)
            steps = self.steps_of(sequence)
            last = steps[-1].pop("next_trigger", None)
            for one in steps:
                one.pop("day_number", None)
                one.pop("is_entry_point", None)
                one.pop("trigger", None)
            step %= len(steps)
            if kind == "add":
                name = f"step {next(self.numbers)}"
                steps.insert(step + 1, {"name": name, "content": name, "trigger_delay_hours": 5})
            elif kind == "remove" and len(steps) > 1:
                steps.pop(step)
            elif kind == "reorder":
                steps.append(steps.pop(step))
            if last:
                steps[-1]["next_trigger"] = last
            query = "select * from drip.replace_steps(%s, %s, %s)"
            number = str(self.sequences[sequence])
            self.rehearsed(query, number, steps)
            self.edit(query, number, Jsonb(steps), False)

    def update_sequence(self, sequence: int, changes: Row) -> None:
        with self.acting("update_sequence"):
            self.touched(sequence)
            number = str(self.sequences[sequence])
            before = self.plant.value("select drip.get_sequence(%s)", number)
            planned = {one: row["scheduled_at"] for one, row in self.messages.items()}
            self.plant.rows("select * from drip.update_sequence(%s, %s)", number, Jsonb(changes))
            after = self.plant.value("select drip.get_sequence(%s)", number)
            changed = {key for key in before | after if before.get(key) != after.get(key)}
            assert changed <= {*changes, "updated_at"}, (before, after)
            self.read()
            assert {one: row["scheduled_at"] for one, row in self.messages.items()} == planned

    # -- sending ------------------------------------------------------------------------------

    def asked(self, row: Row) -> str | None:
        """What a person has asked for that keeps the message, in the words of the verdict."""
        is_suppressed = self.leads.index(row["lead_id"]) in self.suppressed
        pause = self.lead_pauses.get(row["lead_id"])
        if row["campaign_id"] is not None:
            if self.campaign_status == "cancelled":
                return "campaign_cancelled"
            if is_suppressed:
                return "suppressed"
            if self.campaign_status == "paused":
                return "campaign_paused"
            is_over = row["expires_at"] is not None and row["expires_at"] <= self.clock.now
            is_paused = pause is not None and pause.until > self.clock.now
            return "lead_paused" if is_paused and not is_over else None
        if row["enrollment"] in self.exited:
            return "enrollment_finished"
        if is_suppressed:
            return "suppressed"
        if row["sequence_id"] in self.sequence_pauses:
            return "sequence_paused"
        if row["enrollment"] in self.own_pauses:
            return "enrollment_paused"
        # until the tick that ends it
        return "lead_paused" if pause is not None else None

    def why_not(self, row: Row, is_claim: bool = False) -> list[str]:
        """Every rule that forbids the message to leave now.

        A claim that finds an earlier one expired goes on to the next.
        """
        now = self.clock.now
        found = []
        if row["status"] != "pending":
            found.append(f"it is {row['status']}")
        if row["scheduled_at"] > now:
            found.append("it is not due")
        if row["expires_at"] is not None and row["expires_at"] <= now:
            found.append("it has expired")
        if self.device_free_at > now:
            found.append("the device keeps its pace")
        if (asked := self.asked(row)) is not None:
            found.append(asked)
        if row["campaign_id"] is not None:
            if self.campaign_status == "draft":
                found.append("the campaign is a draft")
            return found
        # what was on its way when an edit took its step out comes back before all that is left
        is_back = row["retired_at"] is not None and row["attempts"] > 0
        if row["retired_at"] is not None and not is_back:
            found.append("its step was taken out")
        journey = self.journeys[row["enrollment"]]
        for other in journey:
            if other["id"] == row["id"]:
                continue
            if other["status"] == "processing":
                found.append("another one of the journey is on its way")
            if (
                other["status"] == "pending"
                and stand(other) < stand(row)
                and not (is_claim and other["expires_at"] and other["expires_at"] <= now)
            ):
                found.append("an earlier one waits")
            if (
                other["status"] == "unknown"
                and other["hold_ended_at"] is None
                and other["finished_at"] + UNKNOWN_HOLD > now
            ):
                found.append("what became of another one is not known")
            if (
                other["status"] in LEFT
                and (other["retired_at"] is not None or not is_back)
                and row["send_time"] is None
                and other["finished_at"] + self.wait_between(other, row) > now
            ):
                found.append("it comes too soon after another one")
            if (
                # what was given back, or failed for now, has not gone
                other["attempts"] > 0
                and other["status"] != "pending"
                and other["retired_at"] is None
                and other["place"] > row["place"]
                # what was on its way when an edit put it before that one may come back
                and self.firsts[other["id"]] > self.firsts.get(row["id"], -1)
            ):
                found.append("a later one has gone")
        return found

    def wait_between(self, earlier: Row, later: Row) -> timedelta:
        """The waits of all steps that the journey has between two of its messages."""
        if earlier["retired_at"] is not None:
            return float(later["delay"]) * HOUR
        return sum(
            (
                float(row["delay"]) * HOUR
                for row in self.journeys[later["enrollment"]]
                if row["retired_at"] is None and earlier["place"] < row["place"] <= later["place"]
            ),
            timedelta(),
        )

    def check_verdicts(self) -> None:
        """The verdict on all that waits, and not only on what a claim happens to look at."""
        found = self.look("verdicts")
        pending = {row["id"] for row in self.messages.values() if row["status"] == "pending"}
        assert {row["message_id"] for row in found} == pending
        for verdict in found:
            row = self.messages[verdict["message_id"]]
            asked = self.asked(row)
            told = verdict["reason"] if verdict["reason"] in ASKED else None
            assert told == asked, (verdict, asked, row)
            self.seen[f"verdict {verdict['reason']}"] += 1
            why_not = self.why_not(row)
            assert (verdict["verdict"] != "go") or not why_not, (why_not, row)
            if verdict["verdict"] == "go" or why_not:
                continue
            # nothing that the model knows: hours, a rest after a failure, a second look in a minute
            is_resting = row["not_before"] is not None and (
                row["failures"] > 0 or row["not_before"] <= self.clock.now + timedelta(minutes=1)
            )
            assert (
                verdict["reason"] in ("outside_window", "weekend")
                or row["deferred_reason"] in ("outside_window", "weekend")
                or row["send_time"] is not None
                or is_resting
            ), ("nothing holds it, and it waits", verdict, row)

    def claim(self, worker: str, limit: int, crashes: bool = False) -> None:
        with self.acting("claim that crashes" if crashes else "claim"):
            before = self.messages
            self.plant.wake()
            if crashes:
                with self.plant.rolled_back():
                    self.plant.claim(limit, worker)
                self.read()
                assert self.messages == before
                return
            claimed = self.plant.claim(limit, worker)
            for one in claimed:
                self.seen["claimed"] += 1
                row = before[one["message_id"]]
                why_not = self.why_not(row, is_claim=True)
                assert why_not == [], (why_not, row)
                for flight in self.flights:
                    assert flight.is_over or flight.message != row["id"], "it is on its way"
                assert one["attempt"] == row["attempts"] + 1
                self.firsts.setdefault(row["id"], len(self.flights))
                self.flights.append(Flight(row["id"], one["attempt"], worker, self.clock.now))
            if claimed and self.pace[0]:
                [one] = claimed
                delay = self.plant.value(
                    "select delay_seconds from drip.message_attempts"
                    " where message_id = %s and attempt = %s",
                    one["message_id"],
                    one["attempt"],
                )
                assert self.pace[0] <= delay <= self.pace[1]
                self.device_free_at = self.clock.now + timedelta(seconds=float(delay))

    def answer(self, pick: int, outcome: str, **more: Any) -> None:
        """A result, also one that comes late or for the second time."""
        with self.acting(f"answer {outcome}"):
            if not self.flights:
                return
            flight = self.flights[pick % len(self.flights)]
            before = self.messages[flight.message]
            is_current = flight.attempt == before["attempts"]
            self.seen["late answer"] += flight.is_over
            self.seen["answer to an older attempt"] += not is_current
            [got] = self.plant.record(
                {
                    "message_id": flight.message,
                    "attempt": flight.attempt,
                    "outcome": outcome,
                    **(
                        {"provider_message_id": f"id-{flight.message}"}
                        if outcome == "accepted"
                        else {"error_code": "X"}
                    ),
                    **more,
                },
                worker=flight.worker,
            ) or [{}]
            if got.get("applied") and outcome == "accepted":
                assert got["status"] == "sent"
            self.read()
            after = self.messages[flight.message]
            if not flight.still_hears(outcome):
                # a step that a sender had refused may still be moved
                assert after == before, ("an answer that is no news", flight, after)
                return
            flight.outcome = outcome
            self.check_shifted(after)
            if outcome == "accepted" and before["status"] != "processing":
                assert after["status"] == "sent", (flight, before, after)
            elif not is_current or before["status"] not in ("processing", "unknown"):
                assert after == before, ("another attempt's answer", flight, before, after)
            elif outcome == "retry" or (outcome == "unknown" and self.unknown_policy == "retry"):
                assert after["status"] in ("pending", "failed", "cancelled", "unknown"), after
            else:
                expected = {"accepted": "sent", "permanent": "failed", "unknown": "unknown"}
                assert after["status"] == expected[outcome], (flight, before, after)

    def check_shifted(self, sent: Row) -> None:
        """A late one has moved what follows; a lateness of up to a minute moves nothing."""
        journey = self.journeys.get(sent["enrollment"], [])
        waiting = [row for row in journey if row["status"] == "pending"]
        if sent["status"] not in LEFT or not waiting:
            return
        first = min(waiting, key=lambda row: int(row["place"]))
        if first["send_time"] is not None or (
            sent["place"] > first["place"] and sent["retired_at"] is None
        ):
            return
        free_at = sent["finished_at"] + self.wait_between(sent, first)
        assert first["scheduled_at"] + timedelta(minutes=1) >= free_at, (sent, first)

    def release(self, pick: int, by_holder: bool = True) -> None:
        """Only the worker that holds a message may give it back."""
        with self.acting("release"):
            if not self.flights:
                return
            flight = self.flights[pick % len(self.flights)]
            is_held = by_holder and not flight.is_over
            before = self.messages[flight.message]
            got = self.plant.row(
                "select * from drip.release_messages(%s, %s)",
                flight.worker if by_holder else "another",
                Jsonb([{"message_id": flight.message, "attempt": flight.attempt}]),
            )
            assert got["outcome"] == ("released" if is_held else "not_held"), (flight, before)
            self.read()
            if is_held:
                flight.outcome = "released"
                assert self.messages[flight.message]["status"] in ("pending", "cancelled")
            else:
                assert self.messages[flight.message] == before, (flight, before)

    def advance(self, hours: float) -> None:
        with self.acting("advance"):
            self.clock.advance(hours=hours)

    def wait_for_next(self) -> None:
        """To the very moment that the next message is due."""
        times = [
            row["scheduled_at"] for row in self.messages.values() if row["status"] == "pending"
        ]
        with self.acting("advance"):
            self.clock.set(min((at for at in times if at > self.clock.now), default=self.clock.now))

    def tick(self) -> None:
        with self.acting("tick"):
            over = {
                number: pause
                for number, pause in self.lead_pauses.items()
                if pause.until <= self.clock.now
            }
            held = {number: self.live_of(lead=number) for number in over}
            self.plant.tick()
            self.campaign_status = self.status_of_campaign()
            for number, pause in over.items():
                del self.lead_pauses[number]
                self.resumed(held[number], pause, "shift")
            self.read()
            for number in list(self.expected):
                journey = self.journeys[self.messages[number]["enrollment"]]
                if any(row["hold_ended_at"] for row in journey) or (
                    self.messages[number]["status"] == "expired"
                ):
                    del self.expected[number]
            for flight in self.flights:
                if not flight.is_over and flight.claimed_at + LEASE <= self.clock.now:
                    self.seen["lease lapsed"] += 1
                    flight.outcome = "lapsed"
                    row = self.messages[flight.message]
                    # it may have been handed over
                    if self.unknown_policy == "hold":
                        assert row["status"] == "unknown", ("a lapsed lease", row)

    # -- what always holds --------------------------------------------------------------------

    def check(self) -> None:
        now = self.clock.now
        handed = Counter(flight.message for flight in self.flights)
        pairs = Counter(
            (row["enrollment"], row["step"])
            if row["campaign_id"] is None
            else (-row["campaign_id"], row["lead_id"])
            for row in self.messages.values()
        )
        assert max(pairs.values(), default=1) == 1, "planned twice"
        states = Counter(row["status"] for row in self.messages.values())
        assert states["processing"] <= BURST, "more is on its way than the device takes"
        grouped = [row["lead_id"] for row in self.live_of() if row["exclusive_group"] is not None]
        assert len(grouped) == len(set(grouped)), "two at once of an exclusive group"
        for row in self.messages.values():
            assert row["attempts"] == handed[row["id"]], ("handed over by nobody", row)
            if row["campaign_id"] is not None and self.campaign_status == "cancelled":
                assert row["status"] != "pending", ("waits, and its campaign is cancelled", row)
            if row["status"] in ("pending", "processing"):
                assert row["finished_at"] is None
            else:
                assert row["finished_at"] <= now, row
                assert (row["not_before"], row["deferred_reason"]) == (None, None), row
            assert row["sent_at"] is None or row["sent_at"] <= now, row
        self.check_resumed()
        for enrollment in self.enrollments.values():
            self.check_journey(enrollment)
        self.check_verdicts()
        if self.viewed != (self.messages, self.enrollments):
            self.check_views()
            self.viewed = (self.messages, self.enrollments)

    def check_journey(self, enrollment: Row) -> None:
        number = enrollment["id"]
        journey = self.journeys[number]
        if number not in self.spans:
            self.spans[number] = timedelta()
            self.untouched.add(number)
        open_ones = [row for row in journey if row["status"] in ("pending", "processing")]
        if enrollment["completed_at"] is not None:
            assert enrollment["next_trigger_time"] is None
            assert enrollment["completed_at"] <= self.clock.now
            pending = [row for row in journey if row["status"] == "pending"]
            assert pending == [], ("finished, and messages wait", enrollment, pending)
            assert enrollment["status"] in FINISHED, enrollment
            assert (enrollment["status"] == "exited") == (number in self.exited), enrollment
            if number not in self.finished and number not in self.exited:
                is_stopped = self.is_stopped(enrollment)
                expected = "sequence_failed" if is_stopped else "completed"
                assert enrollment["status"] == expected, (enrollment, journey)
                assert is_stopped or open_ones == [], (enrollment, journey)
            self.finished.add(number)
            return
        assert number not in self.exited, enrollment
        assert open_ones or any(
            row["status"] == "unknown" and row["hold_ended_at"] is None for row in journey
        ), ("live, and nothing is to come", enrollment, journey)
        is_paused = bool(self.pauses_of(enrollment))
        assert (enrollment["status"] == "paused") == is_paused, (enrollment, journey)
        assert not self.is_stopped(enrollment), (enrollment, journey)
        if not is_paused:
            # steps that were taken out keep the place they had, which another may have too
            finished = [row for row in journey if row["finished_at"] is not None]
            place = max((row["place"] for row in finished), default=None)
            states = {row["status"] for row in finished if row["place"] == place} or {"pending"}
            states = {s if s in ("pending", "sent", "failed") else "active" for s in states}
            assert enrollment["status"] in states, (enrollment, journey)
        if open_ones:
            # steps that were taken out keep the place they had
            soonest = [row["scheduled_at"] for row in open_ones]
            assert enrollment["next_trigger_time"] in soonest, (enrollment, open_ones)
        in_use = [row for row in open_ones if row["retired_at"] is None]
        in_use.sort(key=lambda row: int(row["place"]))
        times = [row["scheduled_at"] for row in in_use if row["status"] == "pending"]
        assert times == sorted(times), ("later steps are due earlier", in_use)
        tried = [row for row in journey if row["attempts"] > 0]
        # the claim leaves the enrollment to the result
        if tried and all(row["finished_at"] is not None for row in tried):
            last = max(tried, key=lambda row: int(row["place"]))
            assert enrollment["current_step"] == last["place"], (enrollment, tried)
        if number in self.untouched and not tried:
            for row in journey:
                if row["send_time"] is None and row["status"] == "pending":
                    expected = row["planned_at"] + self.spans[number]
                    if enrollment["sequence_id"] != self.sequences[1]:
                        assert row["scheduled_at"] == expected, (row, self.spans[number])

    def is_stopped(self, enrollment: Row) -> bool:
        return enrollment["on_step_failure"] == "stop" and any(
            row["status"] == "failed" for row in self.journeys[enrollment["id"]]
        )

    def check_views(self) -> None:
        for row in self.look("sequences"):
            mine = [e for e in self.enrollments.values() if e["sequence_id"] == row["sequence_id"]]
            buckets = (*LIVE, "completed", "sequence_failed", "exited")
            assert row["enrolled"] == len(mine)
            states = Counter(e["status"] for e in mine)
            assert {name: row[name] for name in buckets if row[name]} == states, (row, states)
            self.seen.update(f"enrollment {state}" for state in states)
            sent = [m for e in mine for m in self.journeys[e["id"]]]
            self.check_buckets(row, sent)
        [row] = self.look("campaigns")
        self.check_buckets(row, [m for m in self.messages.values() if m["campaign_id"]])
        shown = self.look("progress")
        assert {row["enrollment_id"] for row in shown} == set(self.enrollments)
        for row in shown:
            journey = self.journeys[row["enrollment_id"]]
            assert row["rows"] == row["total"] == len(journey)
            assert row["finished"] == sum(m["finished_at"] is not None for m in journey)

    def check_buckets(self, row: Row, messages: list[Row]) -> None:
        states = Counter(message["status"] for message in messages)
        shown = {
            name.removeprefix("messages_"): count
            for name, count in row.items()
            if name.startswith("messages_") and count
        }
        assert shown == dict(states), (row, states)
        self.seen.update(f"message {state}" for state in states)
        assert row["messages"] == len(messages)
