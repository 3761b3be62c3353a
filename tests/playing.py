"""Plays a random world through the real functions and holds every step against the model."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from typing import Any

from factory import END_OF_TIME, Clock, Plant
from rule_model import Attempt, Model, timeline
from worlds import HOUR, Answer, Event, Row, Window, World

SECOND = timedelta(seconds=1)
LEASE = timedelta(seconds=90)

# A function keeps its plan, which takes ten times as long to make as to run. The third step from
# now waits for the one before it and for nothing else: nobody asks for its verdict.
LOOK = """
create schema play;
create function play.look(p_leads bigint[]) returns table (
  id bigint, status text, device_id bigint, lead_id bigint, sequence_id bigint, campaign_id bigint,
  enrollment bigint, day integer, category text, scheduled_at timestamptz, planned_at timestamptz,
  not_before timestamptz, deferred_reason text, expires_at timestamptz,
  lease_expires_at timestamptz, finished_at timestamptz, hold_ended_at timestamptz,
  device_status text, breaker_until timestamptz, verdict text, reason text, until timestamptz)
language plpgsql
set plan_cache_mode = 'force_generic_plan'
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
set jit = off
as $$
begin
  return query
    select
      m.id, m.status, m.device_id, m.lead_id, m.sequence_id, m.campaign_id,
      m.sequence_contact_id, m.day_number, m.category, m.scheduled_at, m.planned_at,
      m.not_before, m.deferred_reason, m.expires_at, m.lease_expires_at, m.finished_at,
      m.hold_ended_at, d.status, p.breaker_open_until, f.verdict, f.reason, f.until
    from (
      select b.*, st.day_number, row_number() over (
        partition by coalesce(b.sequence_contact_id, -b.id), b.status order by st.day_number) as nth
      from drip.broadcast_messages b
      left join drip.sequence_steps st on st.id = b.sequence_stepid
      where b.lead_id = any (p_leads)
      offset 0
    ) m
    left join drip.user_devices d on d.id = m.device_id
    left join drip.device_pacing p on p.device_id = m.device_id
    left join lateral drip._judge_messages(
      case when m.status = 'pending' and m.nth < 3 then array[m.id] end) f on true
    order by m.id;
end
$$
"""


def hours(window: Window, start: str = "send_from", end: str = "send_to") -> Row:
    """A window's hours as columns."""

    def text(at: time | None) -> str | None:
        return None if at is None else at.isoformat()

    return {start: text(window.start), end: text(window.end)}


def seconds(pair: tuple[int, int] | None) -> Row:
    return {} if pair is None else {"min_delay_seconds": pair[0], "max_delay_seconds": pair[1]}


def given(row: Row) -> Row:
    """What is set of it."""
    return {key: value for key, value in row.items() if value is not None}


def plain(row: Row) -> str:
    """A row for people."""
    texts = []
    for key, value in row.items():
        if value is None or isinstance(value, list):
            continue
        if isinstance(value, datetime):
            value = f"{value.astimezone(UTC):%d %H:%M:%S.%f}"
        texts.append(f"{key}={value}")
    return ", ".join(texts)


def length(of: timedelta | None) -> str | None:
    return None if of is None else f"{of.total_seconds():.0f} seconds"


class Play:
    """One world from its start to its end, or to so many claims and looks."""

    def __init__(
        self, plant: Plant, clock: Clock, world: World, *, claims: int = 60, looks: int = 60
    ) -> None:
        self.plant, self.clock, self.world = plant, clock, world
        self.model = Model(world)
        self.claims_left, self.looks_left = claims, looks
        self.seen: Counter[str] = Counter()
        self._order = itertools.count()
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []
        self._answers = itertools.cycle(world.answers)
        self._picks = itertools.cycle(world.picks)

    # -- building -----------------------------------------------------------------------------

    def build(self) -> None:
        """The world's rows, through the verbs where there are any."""
        plant, world = self.plant, self.world
        self.clock.set(world.start)
        plant.tenant(
            time_zone=world.zone,
            **hours(world.window),
            send_days=None if world.window.days is None else list(world.window.days),
            # a breaker that opens would hold the ramp's day
            breaker_sample=100 if any(device.ramp for device in world.devices) else 20,
            contact_gap=world.contact_gap,
            contact_cap=world.contact_cap,
            contact_cap_period=world.contact_cap_period,
            unknown_hold=world.unknown_hold,
        )
        today = self.model.today(world.start)
        self.devices = [
            plant.device(
                platform=device.platform,
                burst=device.burst,
                unknown_policy="retry" if device.retries_unknown else "hold",
                **seconds(device.delays),
                **given(
                    {
                        "daily_cap": device.daily_cap,
                        "ramp": device.ramp and list(device.ramp),
                        "ramp_started_on": device.ramp
                        and (today + timedelta(days=device.ramp_starts)).isoformat(),
                        **hours(device.hours, "active_from", "active_to"),
                    }
                ),
            )
            for device in world.devices
        ]
        self.account = plant.insert(
            "sender_accounts",
            user_id=plant.user,
            name="account",
            platform="gowa",
            reach_cap=world.reach_cap,
            created_at=world.start,
        )
        for device, settings in zip(self.devices, world.devices, strict=True):
            if settings.in_account:
                plant.update("user_devices", device, account_id=self.account)
        self.leads = [
            plant.lead(
                time_zone=lead.zone,
                device_id=None
                if lead.device is None
                else self.devices[lead.device % len(self.devices)],
                last_inbound_at=None if lead.wrote is None else world.start - lead.wrote,
            )
            for lead in world.leads
        ]
        self.phones = [
            plant.value("select phone from drip.leads where id = %s", lead) for lead in self.leads
        ]
        self._build_programs()
        for event in world.events:
            self._at(world.start + event.after, self._event(event))
        for lead, after, category in world.singles:
            plant.row(
                "select * from drip.send_message(%s, 'Hello', %s, p_at => %s)",
                self.phones[lead],
                category,
                world.start + after,
            )
        self._check_plan()

    def _build_programs(self) -> None:
        plant, world = self.plant, self.world
        self.sequences = []
        for sequence in world.sequences:
            steps = [
                given(
                    {
                        "trigger_delay_hours": step.delay_hours,
                        "send_time": step.send_time and step.send_time.isoformat(),
                        "valid_for": length(step.valid_for),
                        **seconds(step.delays),
                    }
                )
                for step in sequence.steps
            ]
            window = sequence.window
            self.sequences.append(
                plant.sequence(
                    *steps,
                    start_delay=length(sequence.start_delay),
                    category=sequence.category,
                    priority=sequence.priority,
                    on_step_failure="stop" if sequence.stops_on_failure else "continue",
                    skip_weekends=window.skip_weekends,
                    **seconds(sequence.delays),
                    **given(
                        {
                            **hours(window),
                            "send_days": window.days and list(window.days),
                            "device_id": None
                            if sequence.device is None
                            else self.devices[sequence.device],
                        }
                    ),
                )
            )
        for number, sequence in zip(self.sequences, world.sequences, strict=True):
            plant.rows(
                "select * from drip.enroll_leads(%s, %s)",
                str(number),
                [self.phones[lead] for lead in sequence.leads],
            )
        self.campaign = None
        if world.campaign is not None:
            campaign = world.campaign
            self.campaign = plant.campaign(
                scheduled_at=world.start + campaign.after,
                status="pending",
                category=campaign.category,
                valid_for=campaign.valid_for,
                local_time_per_lead=campaign.local_time,
                **hours(campaign.window),
                send_days=campaign.window.days and list(campaign.window.days),
                **seconds(campaign.delays),
            )

    def _check_plan(self) -> None:
        """Every journey is planned as the model plans it."""
        for journey in self._journeys(self._read()).values():
            first = journey[0]
            sequence = self.world.sequences[first["sequence"]]
            zone = self.model.zone_of(first["lead"])
            start = self.world.start + sequence.start_delay
            planned = timeline(sequence, start, zone)
            if sequence.steps[0].send_time is None:
                assert planned[0] == start
            found = [row["planned_at"].astimezone(UTC) for row in journey]
            assert found == planned, (sequence, zone, found, planned)

    # -- reading ------------------------------------------------------------------------------

    def _read(self) -> list[Row]:
        """All messages with their verdicts; devices, leads and sequences by number."""
        rows = self.plant.rows("select * from play.look(%s::bigint[])", self.leads)
        for row in rows:
            row["lead"] = self.leads.index(row["lead_id"])
            row["sequence"] = (
                None if row["sequence_id"] is None else self.sequences.index(row["sequence_id"])
            )
            row["device"] = None
            if row["device_id"] is not None:
                row["device"] = device = self.devices.index(row["device_id"])
                assert row["device_status"] == self.model.device_status.get(device, "online")
                if row["breaker_until"] is not None:
                    self.model.breaker_until[device] = row["breaker_until"]
        return rows

    @staticmethod
    def _journeys(rows: list[Row]) -> dict[int, list[Row]]:
        journeys: dict[int, list[Row]] = {}
        for row in rows:
            if row["enrollment"] is not None:
                journeys.setdefault(row["enrollment"], []).append(row)
        return {
            number: sorted(journey, key=lambda row: int(row["day"]))
            for number, journey in journeys.items()
        }

    def _judged(self) -> list[Row]:
        """Pending messages, each with the rules that the model holds against it."""
        rows = self._read()
        journeys = self._journeys(rows)
        pending = [row for row in rows if row["verdict"] is not None]
        for row in pending:
            journey = journeys.get(row["enrollment"], [])
            row["rules"] = self.model.rules_against(row, journey, self.clock.now)
        self._rows = rows
        return pending

    # -- playing ------------------------------------------------------------------------------

    def run(self) -> None:
        """Play until nothing is left to happen."""
        self.build()
        while self.looks_left > 0 and self.claims_left > 0:
            self.looks_left -= 1
            self._happen()
            self.plant.tick()
            pending = self.compare()
            self.explain(pending)
            self._claim_all(pending)
            upcoming = self._next()
            if upcoming is None:
                break
            self.clock.set(upcoming)

    def _at(self, at: datetime, action: Callable[[], None]) -> None:
        heapq.heappush(self._due, (at, next(self._order), action))

    def _happen(self) -> None:
        """All that is due by now."""
        while self._due and self._due[0][0] <= self.clock.now:
            heapq.heappop(self._due)[2]()

    def _next(self) -> datetime | None:
        """The next instant at which anything may change; sometimes one between."""
        now = self.clock.now
        rows = [row for row in self._rows if row["status"] in ("pending", "processing")]
        if not rows and not self._due:
            return None
        times = [at for at, _, _ in self._due]
        for row in rows:
            times += [row["scheduled_at"], row["not_before"], row["expires_at"], row["until"]]
            times += [row["lease_expires_at"]]
        for row in self._rows:
            if row["status"] == "unknown" and row["hold_ended_at"] is None:
                times.append(row["finished_at"] + self.world.unknown_hold)
        times += self.model.paused_leads.values()
        later = [at for at in times if at is not None and now < at < END_OF_TIME]
        if not later:
            return None
        upcoming = min(later)
        pick = next(self._picks)
        if pick % 4 == 3 and upcoming - now > HOUR:
            return now + (upcoming - now) * (pick / 100)
        return upcoming

    # -- comparing ----------------------------------------------------------------------------

    def compare(self) -> list[Row]:
        """The verdict on every pending message is the model's."""
        pending = self._judged()
        for row in pending:
            rules: set[str] = row["rules"]
            self.seen[row["reason"] or "go"] += 1
            if row["verdict"] == "go":
                assert not rules, self._told("it may go, says the verdict", row)
            elif row["reason"] == "not_due" and not rules:
                # deferred by a look that could not know when its rule ends
                if row["deferred_reason"] in ("contact_gap", "contact_cap", "account_cap") and any(
                    a.counted and a.fate == "failed" for a in self.model.attempts
                ):
                    continue
                assert row["not_before"] - self.clock.now <= timedelta(minutes=1), self._told(
                    "nothing holds it", row
                )
            else:
                assert row["reason"] in rules, self._told("another rule holds it", row)
        return pending

    def _told(self, what: str, row: Row) -> str:
        close = [
            str(a)
            for a in self.model.attempts
            if not row or a.lead == row["lead"] or a.device == row["device"] or a.fate is None
        ]
        return "\n  ".join([f"{what} at {self.clock.now}", str(plain(row)), *map(str, close)])

    # -- claiming -----------------------------------------------------------------------------

    def _claim(self) -> list[Row]:
        """A look at every device; one that cannot send may stand before others of its account."""
        self.plant.wake()
        for _ in range(20):
            if claimed := self.plant.claim():
                return claimed
            at = self.plant.value("select drip.next_wakeup()")
            if at is None or at > self.clock.now:
                return []
        raise AssertionError(self._told("the worker looks and looks", {}))

    def _claim_all(self, pending: list[Row]) -> None:
        """Claim until nothing comes; then nothing is left that may go."""
        while claimed := self._claim():
            self._take(claimed)
            if self.claims_left <= 0:
                return
            self._happen()
            pending = self.compare()
        for row in pending:
            if row["verdict"] == "go" and row["device"] is not None:
                device = self.world.devices[row["device"]]
                assert self.model.in_flight(row["device"]) >= device.burst, self._told(
                    "left behind", row
                )

    def _take(self, claimed: list[Row]) -> None:
        """Judge what was claimed, one after the other, and have it answered."""
        now = self.clock.now
        rows = {row["id"]: row for row in self._rows}
        journeys = self._journeys(self._rows)
        drawn = {
            (row["message_id"], row["attempt"]): timedelta(seconds=float(row["delay_seconds"]))
            for row in self.plant.rows(
                "select * from drip.message_attempts where claimed_at = %s and user_id = %s",
                now,
                self.plant.user,
            )
        }
        # of one device's burst the one with a pause is the last
        for got in sorted(claimed, key=lambda got: drawn[got["message_id"], got["attempt"]]):
            row = rows[got["message_id"]]
            self.claims_left -= 1
            rules = self.model.rules_against(row, journeys.get(row["enrollment"], []), now)
            assert not rules, self._told(f"claimed against {rules}", row)
            assert now >= row["scheduled_at"]
            device = row["device"]
            assert self.model.in_flight(device) < self.world.devices[device].burst, row
            for a in self.model.attempts:
                if a.message == row["id"]:
                    assert a.fate in ("back", "maybe"), self._told("sent twice", row)
            low, high = self.model.delay_bounds(row)
            delay = drawn[got["message_id"], got["attempt"]]
            assert low <= delay.total_seconds() <= high, (row, delay, low, high)
            attempt = Attempt(
                row["id"],
                got["attempt"],
                device,
                row["lead"],
                row["category"],
                row["enrollment"],
                row["day"],
                row["scheduled_at"],
                now,
                delay,
            )
            self._check_distance(attempt)
            self.model.attempts.append(attempt)
            answer = next(self._answers)
            self.seen[f"{answer.scope} {answer.outcome}"] += 1
            if answer.outcome == "silence":
                self._at(now + LEASE, lambda a=attempt: self._lapse(a))
            else:
                self._at(
                    now + timedelta(seconds=answer.latency),
                    lambda a=attempt, said=answer: self._record(a, said),
                )

    def _check_distance(self, attempt: Attempt) -> None:
        """No two steps closer than the plan spaced them; a minute's lateness is pacing."""
        if attempt.enrollment is None or attempt.day is None:
            return
        number = next(
            row["sequence"] for row in self._rows if row["enrollment"] == attempt.enrollment
        )
        steps = self.world.sequences[number].steps
        for other in self.model.attempts:
            if other.enrollment != attempt.enrollment or other.fate not in ("sent", "unknown"):
                continue
            assert other.day is not None
            assert other.day < attempt.day, (other, attempt)
            between = steps[other.day : attempt.day]
            if any(step.send_time is not None for step in between):
                continue
            planned = sum(step.delay_hours for step in between) * HOUR
            slack = timedelta(minutes=1) * (len(between) - 1)
            assert attempt.claimed_at - other.claimed_at >= planned - slack, (other, attempt)

    # -- answers ------------------------------------------------------------------------------

    def _record(self, a: Attempt, answer: Answer) -> None:
        """What the sender says."""
        if a.fate is not None:
            return
        now = self.clock.now
        more: Row = {}
        if answer.outcome != "accepted":
            more = {"scope": answer.scope, "error_message": "no"}
            if answer.outcome != "permanent":
                more["retry_after_seconds"] = answer.retry_after
        status = self._say(a, answer.outcome, **more)
        wait = timedelta(seconds=answer.retry_after or 0)
        a.at = now
        a.counted = answer.outcome in ("accepted", "unknown")
        if status in ("sent", "unknown", "failed"):
            a.fate, a.ended_at = status, now
        else:
            assert status == "pending", status
            a.fate = "maybe" if answer.outcome == "unknown" else "back"
            if answer.scope == "recipient":
                self.model.retry_at[a.message] = now + wait
        if answer.scope == "device":
            if answer.outcome == "permanent":
                self.model.device_status[a.device] = "needs_attention"
                self._at(now + 2 * HOUR, lambda: self._set_device(a.device, "online"))
            else:
                self.model.device_pause[a.device] = now + wait
        if status == "unknown" and answer.later is not None:
            outcome = answer.later
            self._at(now + answer.settles, lambda: self._settle(a, outcome))

    def _say(self, a: Attempt, outcome: str, **more: Any) -> str:
        row = self.plant.answer({"message_id": a.message, "attempt": a.number}, outcome, **more)
        return str(row["status"])

    def _settle(self, a: Attempt, outcome: str) -> None:
        """An unknown outcome becomes known."""
        status = self._say(a, outcome)
        if outcome == "accepted":
            assert status == "sent", status
            a.fate = "sent"
        else:
            assert status == "failed", status
            a.fate = "failed"
        a.ended_at = self.clock.now
        self.seen[f"settled {outcome}"] += 1

    def _lapse(self, a: Attempt) -> None:
        """The lease is over: the next tick calls it unknown."""
        self.plant.tick()
        row = self.plant.message_row(a.message)
        now = self.clock.now
        a.at = now
        a.counted = True
        if row["status"] == "pending":
            a.fate = "maybe"
            self.model.retry_at[a.message] = now + timedelta(seconds=30)
        else:
            assert row["status"] == "unknown", row
            a.fate, a.ended_at = "unknown", now

    # -- events -------------------------------------------------------------------------------

    def _event(self, event: Event) -> Callable[[], None]:
        def happen() -> None:
            self.seen[f"event {event.kind}"] += 1
            getattr(self, f"_do_{event.kind}")(event)

        return happen

    def _do_pause_sequence(self, event: Event) -> None:
        number = event.which % len(self.sequences)
        if number in self.model.paused_sequences:
            return
        self.plant.row("select * from drip.pause_sequence(%s)", str(self.sequences[number]))
        self.model.paused_sequences.add(number)

        def resume() -> None:
            self.plant.row(
                "select * from drip.resume_sequence(%s, %s)",
                str(self.sequences[number]),
                event.policy,
            )
            self.model.paused_sequences.discard(number)

        self._at(self.clock.now + event.length, resume)

    def _do_pause_campaign(self, event: Event) -> None:
        if self.campaign is None or self.model.campaign_paused:
            return
        campaign = str(self.campaign)
        status = self.plant.value("select status from drip.campaigns where id = %s", self.campaign)
        if status not in ("pending", "triggered"):
            return
        self.plant.row("select * from drip.pause_campaign(%s)", campaign)
        self.model.campaign_paused = True

        def resume() -> None:
            self.plant.row("select * from drip.resume_campaign(%s)", campaign)
            self.model.campaign_paused = False

        self._at(self.clock.now + event.length, resume)

    def _do_pause_lead(self, event: Event) -> None:
        lead = event.which % len(self.leads)
        until = None if event.policy == "skip" else self.clock.now + event.length
        self.plant.row("select * from drip.pause_lead(%s, %s)", self.phones[lead], until)
        self.model.paused_leads[lead] = until or END_OF_TIME

        def resume() -> None:
            self.plant.row("select * from drip.resume_lead(%s)", self.phones[lead])
            self.model.paused_leads.pop(lead, None)

        if event.policy != "catch_up":
            self._at(self.clock.now + event.length * 0.5, resume)

    def _do_opt_out(self, event: Event, category: str = "all") -> None:
        lead = event.which % len(self.leads)
        self.plant.row(
            "select * from drip.opt_out(%s, p_category => %s)", self.phones[lead], category
        )
        self.model.suppressed.add((lead, category))

    def _do_opt_out_of_marketing(self, event: Event) -> None:
        self._do_opt_out(event, "marketing")

    def _do_outage(self, event: Event) -> None:
        """Neither worker nor sweeps for so long; answers come when it is over."""
        self.clock.set(self.clock.now + event.length)

    def _do_offline(self, event: Event) -> None:
        device = event.which % len(self.devices)
        if self.model.device_status.get(device, "online") != "online":
            return
        self.plant.row("select * from drip.report_device(%s, 'offline')", str(self.devices[device]))
        self.model.device_status[device] = "offline"
        self._at(self.clock.now + event.length, lambda: self._set_device(device, "online"))

    def _do_attention(self, event: Event) -> None:
        device = event.which % len(self.devices)
        self._set_device(device, "needs_attention")
        self._at(self.clock.now + event.length, lambda: self._set_device(device, "online"))

    def _set_device(self, device: int, status: str) -> None:
        self.plant.row(
            "select * from drip.set_device_status(%s, %s)", str(self.devices[device]), status
        )
        self.model.device_status[device] = status

    def _do_tenant_off(self, event: Event) -> None:
        self.plant.tenant(is_active=False)
        self.model.tenant_on = False

        def on() -> None:
            self.plant.tenant(is_active=True)
            self.model.tenant_on = True

        self._at(self.clock.now + event.length, on)

    def _do_exit(self, event: Event) -> None:
        sequence = event.which % len(self.sequences)
        lead = self.world.sequences[sequence].leads[0]
        self.plant.row(
            "select * from drip.exit_lead(%s, %s)",
            str(self.sequences[sequence]),
            self.phones[lead],
        )

    # -- explaining ---------------------------------------------------------------------------

    def explain(self, pending: list[Row]) -> None:
        """Pick a message and ask why it waits, and until when."""
        if not pending or next(self._picks) % 3 == 2:
            return
        row = pending[next(self._picks) % len(pending)]
        told = self.plant.explain(row["id"])
        assert (told["verdict"], told["reason"]) == (row["verdict"], row["reason"]), (told, row)
        with self._as_it_was():
            self._check_lifting(row)
        with self._as_it_was():
            self._check_earliest(row)

    @contextmanager
    def _as_it_was(self) -> Iterator[None]:
        """What happens inside has not happened afterwards, and the clock stands as before."""
        now = self.clock.now
        with self.plant.rolled_back():
            yield
        self.clock.now = now

    def _check_lifting(self, row: Row) -> None:
        """Nothing takes what waits; without its rule, the reason is gone."""
        if row["verdict"] == "go":
            return
        if self._lift(row):
            told = self.plant.explain(row["id"])
            assert told["reason"] != row["reason"], self._told("the rule was lifted", row)

    def _lift(self, row: Row) -> bool:
        """Take away the one rule; False where the play has no such way."""
        plant, reason, device = self.plant, row["reason"], row["device_id"]
        of_device: dict[str, Row] = {
            "device_offline": {"status": "online"},
            "device_attention": {"status": "online"},
            "ramp": {"ramp": None},
            "device_cap": {"daily_cap": None},
            "device_closed_hours": {"active_from": None, "active_to": None},
        }
        of_tenant: dict[str, Row] = {
            "contact_gap": {"contact_gap": None},
            "contact_cap": {"contact_cap": None},
            "user_inactive": {"is_active": True},
            "predecessor_unknown": {"unknown_hold": timedelta(0)},
        }
        if reason in of_device:
            plant.update("user_devices", device, **of_device[reason])
        elif reason in of_tenant:
            plant.tenant(**of_tenant[reason])
        elif reason in ("outside_window", "weekend"):
            none = {"send_from": None, "send_to": None, "send_days": None}
            plant.tenant(**none)
            if row["sequence_id"] is not None:
                plant.update("sequences", row["sequence_id"], **none, skip_weekends=False)
            if self.campaign is not None:
                plant.update("campaigns", self.campaign, **none)
        elif reason == "device_pacing":
            plant.update("device_pacing", device, next_send_at=self.clock.now)
        elif reason == "breaker_open":
            plant.update("device_pacing", device, breaker_open_until=None)
        elif reason == "account_cap":
            plant.update("sender_accounts", self.account, reach_cap=None)
        elif reason == "lead_paused":
            plant.row("select * from drip.resume_lead(%s)", self.phones[row["lead"]])
        elif reason == "suppressed":
            plant.conn.execute("delete from drip.suppressions")
        elif reason == "sequence_paused":
            plant.row("select * from drip.resume_sequence(%s)", str(row["sequence_id"]))
        elif reason == "campaign_paused":
            plant.row("select * from drip.resume_campaign(%s)", str(self.campaign))
        elif reason == "expired":
            plant.update("broadcast_messages", row["id"], expires_at=None)
        elif reason == "predecessor_pending":
            plant.conn.execute(
                "update drip.broadcast_messages m set status = 'skipped', status_reason = 'lifted',"
                " finished_at = drip.now(), lease_expires_at = null"
                " where m.sequence_contact_id = %s and m.status in ('pending', 'processing')"
                " and m.id <> %s",
                [row["enrollment"], row["id"]],
            )
        else:
            return False
        return True

    def _check_earliest(self, row: Row) -> None:
        """At the earliest time it goes, and not a second before."""
        message = row["id"]
        for a in self.model.attempts:
            if a.fate is None:
                self._say(a, "accepted")
        self.plant.conn.execute(
            "update drip.broadcast_messages m set not_before = 'infinity'"
            " where m.status = 'pending' and m.user_id = %s and m.id <> %s",
            [self.plant.user, message],
        )
        told = self.plant.explain(message)
        if told["status"] != "pending" or told["reason"] == "predecessor_pending":
            return
        if told["verdict"] == "go":
            assert self._takes(message), self._told("it may go, and is not taken", row)
            return
        assert not self._takes(message), self._told("it waits, and is taken", row)
        earliest = told["earliest"]
        if told["verdict"] == "drop" or earliest is None:
            return
        self.seen[f"earliest {told['reason']}"] += 1
        assert earliest > self.clock.now, told
        if earliest - SECOND > self.clock.now:
            with self._as_it_was():
                self.clock.set(earliest - SECOND)
                self.plant.wake()
                assert not self._takes(message), self._told(f"before {earliest}", row)
        self.clock.set(earliest)
        assert self._takes(message), self._told(
            f"not at the time of {plain(told)} but {plain(self.plant.explain(message))}", row
        )

    def _takes(self, message: int) -> bool:
        """True when the claim of a worker takes the message."""
        return message in [got["message_id"] for got in self.plant.claim()]
