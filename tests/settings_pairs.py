"""What each setting does: a scene for every column whose comment begins with [setting].

A scene is a generator of a world and one value of its column. It builds the world with that value
and yields; then it acts and yields what came of it, in words that hold no ids: texts, times,
phones, reasons, names. The runner builds it with either value, and all other settings must be the
same in both worlds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from factory import Clock, Plant, Row
from inbound import meta, process, said, send
from psycopg.types.json import Jsonb
from refusals import refusal

PHONE = "+60123456789"
OTHER = "+60123456780"
PICTURE = {"message_type": "image", "media_url": "https://x.test/a.png"}


class World:
    """A plant in Kuala Lumpur on a Monday at nine, and short words for what scenes need."""

    def __init__(self, plant: Plant, clock: Clock) -> None:
        self.plant, self.clock = plant, clock
        plant.tenant(time_zone="Asia/Kuala_Lumpur")

    def lead(self, phone: str = PHONE, **columns: Any) -> int:
        return self.plant.lead(phone, **columns)

    def message(self, device: int | None, lead: int | None = None, **columns: Any) -> int:
        """A due marketing message of its own."""
        return self.plant.message(device, lead, **({"category": "marketing"} | columns))

    def campaign(self, **definition: Any) -> None:
        """A campaign by its verbs, at once."""
        definition = {"title": "C", "message": "News", "everyone": True} | definition
        self.plant.row("select * from drip.create_campaign(%s)", Jsonb(definition))
        self.plant.row("select * from drip.schedule_campaign(%s)", definition["title"])

    def device(self, name: str | None = None, **columns: Any) -> int:
        return self.plant.device(name, **columns)

    def journey(self, *steps: Row, lead: int | None = None, **definition: Any) -> int:
        """A lead that enters a sequence of its own."""
        return self.plant.enroll(self.plant.sequence(*steps, **definition), lead or self.lead())

    def handed(
        self, answer: Callable[[Row], str] | None = None, **length: float
    ) -> list[tuple[str, str, str]]:
        """What leaves within a time (twelve hours), and when, from now."""
        start = self.clock.now
        return [
            (str(at - start), phone, text)
            for at, phone, text in self.plant.live(
                self.clock, start + timedelta(**(length or {"hours": 12})), answer
            )
        ]

    def first_time(self) -> str:
        """When the first message leaves, from now."""
        start = self.clock.now
        while not self.claim():
            self.clock.set(
                self.plant.value(
                    "select min(greatest(due_at, drip.now() + interval '10 minutes'))"
                    " from drip.broadcast_messages where status = 'pending'"
                )
            )
        return str(self.clock.now - start)

    def texts(self, **length: float) -> list[str]:
        return [text for _, _, text in self.handed(**length)]

    def why(self, message: int) -> tuple[str, str]:
        """The verdict on a message now."""
        row = self.plant.explain(message)
        return row["verdict"], row["reason"]

    def claim(self) -> list[Row]:
        self.plant.wake()
        return self.plant.claim()

    def delay(self) -> float:
        """Seconds that the device waits after the next message."""
        [claimed] = self.claim()
        return float(
            self.plant.value(
                "select delay_seconds from drip.message_attempts where message_id = %s",
                claimed["message_id"],
            )
        )

    def reached(self) -> list[str]:
        """Phones for which something is planned, after the sweeps."""
        self.plant.tick()
        return [
            row["recipient_phone"]
            for row in self.plant.rows(
                "select distinct recipient_phone from drip.broadcast_messages"
                " where status in ('pending', 'sent') order by 1"
            )
        ]

    def fail(self, message: int, code: str = "131016") -> tuple[Any, ...]:
        """The next claim fails with a code: what became of message and device, waits in hours."""
        claimed = next(row for row in self.claim() if row["message_id"] == message)
        self.plant.answer(claimed, "retry", scope="recipient", error_code=code)
        self.plant.tick()
        row = self.plant.message_row(message)
        device = self.plant.row(
            "select status, next_send_at - drip.now() as rest from drip.user_devices d"
            " join drip.device_pacing p on p.device_id = d.id where d.id = %s",
            row["device_id"],
        )
        wait = timedelta(0) if row["not_before"] is None else row["not_before"] - self.clock.now
        # without the jitter
        hours = [length // timedelta(hours=1) for length in (wait, device["rest"])]
        return row["status"], row["status_reason"], device["status"], *hours

    def device_of(self, message: int) -> str | None:
        """Name of the device that a message is bound to."""
        return next(
            (
                row["name"]
                for row in self.plant.rows(
                    "select d.name from drip.user_devices d join drip.broadcast_messages m"
                    " on m.device_id = d.id where m.id = %s",
                    message,
                )
            ),
            None,
        )


Scene = Callable[[World, Any], Iterator[Any]]


@dataclass(frozen=True)
class Pair:
    """Two values of a column, and the scene in which they differ."""

    values: tuple[Any, Any]
    scene: Scene


PAIRS: dict[str, Pair] = {}


def pair(one: Any, other: Any, *columns: str) -> Callable[[Scene], Scene]:
    """Registers a scene for these columns with two values."""

    def register(scene: Scene) -> Scene:
        for column in columns:
            assert column not in PAIRS, column
            PAIRS[column] = Pair((one, other), scene)
        return scene

    return register


# -- windows and delays: the same on three levels -------------------------------------------------


def program_scene(column: str, values: tuple[Any, Any], act: Callable[[World], Any]) -> None:
    """The same setting of a sequence and of a campaign."""

    def sequence(world: World, value: Any) -> Iterator[Any]:
        world.device()
        rest = {"send_from": "10:00", "send_to": "12:00"} if column in WINDOW else {}
        world.journey(**(rest | {column: value}))
        yield
        yield act(world)

    def campaign(world: World, value: Any) -> Iterator[Any]:
        world.device()
        world.lead()
        rest = {"send_from": "10:00", "send_to": "12:00"} if column in WINDOW else {}
        world.campaign(**(rest | {column: value}))
        world.plant.tick()
        yield
        yield act(world)

    pair(*values, f"sequences.{column}")(sequence)
    pair(*values, f"campaigns.{column}")(campaign)


WINDOW = ("send_from", "send_to")


def late(world: World) -> str:
    """The device is away until half past eleven."""
    world.plant.conn.execute("update drip.user_devices set status = 'offline'")
    world.clock.advance(hours=2, minutes=30)
    world.plant.tick()
    world.plant.conn.execute("update drip.user_devices set status = 'online'")
    return world.first_time()


program_scene("send_from", ("10:00", "11:00"), World.first_time)
program_scene("send_to", ("11:00", "12:00"), late)
program_scene("send_days", (["mon"], ["wed"]), World.first_time)
program_scene("greeting", (True, False), lambda world: world.texts())


@pair([1], [3], "users.send_days")
def _(world: World, value: Any) -> Iterator[Any]:
    world.plant.tenant(send_days=value)
    world.device()
    world.journey()
    yield
    yield world.first_time()


@pair("10:00", "11:00", "users.send_from")
def _(world: World, value: Any) -> Iterator[Any]:
    world.plant.tenant(send_from=value, send_to="12:00")
    world.device()
    world.journey()
    yield
    yield world.first_time()


@pair("11:00", "12:00", "users.send_to")
def _(world: World, value: Any) -> Iterator[Any]:
    world.plant.tenant(send_from="10:00", send_to=value)
    world.device()
    world.journey()
    yield
    yield late(world)


@pair(True, False, "sequences.skip_weekends")
def _(world: World, value: Any) -> Iterator[Any]:
    world.clock.advance(days=5)
    world.device()
    world.journey(skip_weekends=value)
    yield
    yield world.first_time()


# A draw lies between two bounds, by the message's id; at its bound it lies when they are equal.
def delays(table: str) -> None:
    low, high = f"{table}.min_delay_seconds", f"{table}.max_delay_seconds"

    def build(world: World, bounds: Row) -> None:
        if table == "user_devices":
            world.message(world.device(**bounds))
            return
        world.device(max_delay_seconds=0)
        if table == "sequence_steps":
            world.journey(bounds)
        elif table == "sequences":
            world.journey(**bounds)
        else:
            world.lead()
            world.campaign(**bounds)
            world.plant.tick()

    def shortest(world: World, value: Any) -> Iterator[Any]:
        build(world, {"min_delay_seconds": value, "max_delay_seconds": 100})
        yield
        yield world.delay() == 100

    def longest(world: World, value: Any) -> Iterator[Any]:
        build(world, {"min_delay_seconds": 10, "max_delay_seconds": value})
        yield
        yield world.delay() == 10

    pair(10, 100, low)(shortest)
    pair(10, 100, high)(longest)


for table in ("user_devices", "sequences", "sequence_steps", "campaigns"):
    delays(table)


# -- tenants ------------------------------------------------------------------------------------


@pair("Asia/Kuala_Lumpur", "UTC", "users.time_zone")
def _(world: World, value: Any) -> Iterator[Any]:
    world.plant.tenant(time_zone=value, send_from="09:00", send_to="17:00")
    world.device()
    world.journey()
    yield
    yield world.handed()


@pair("MY", "ID", "users.default_region")
def _(world: World, value: Any) -> Iterator[Any]:
    world.plant.tenant(default_region=value)
    yield
    world.plant.row("select * from drip.send_message('0812345678', 'Hi')")
    yield world.reached()


@pair("ms", "en", "users.language")
def _(world: World, value: Any) -> Iterator[Any]:
    world.plant.tenant(language=value)
    world.device()
    world.journey(greeting=True)
    yield
    yield world.texts()


@pair(1, 2, "users.contact_cap")
def _(world: World, value: Any) -> Iterator[Any]:
    world.plant.tenant(contact_cap=value)
    device, lead = world.device(), world.lead()
    for _ in range(2):
        world.message(device, lead)
    yield
    yield world.handed()


@pair("3 hours", "6 hours", "users.contact_cap_period")
def _(world: World, value: Any) -> Iterator[Any]:
    world.plant.tenant(contact_cap=1, contact_cap_period=value)
    device, lead = world.device(), world.lead()
    for _ in range(2):
        world.message(device, lead)
    yield
    yield world.handed()


@pair("1 hour", "5 hours", "users.contact_gap")
def _(world: World, value: Any) -> Iterator[Any]:
    world.plant.tenant(contact_gap=value)
    device, lead = world.device(), world.lead()
    for _ in range(2):
        world.message(device, lead)
    yield
    yield world.handed()


@pair("1 hour", "5 hours", "users.unknown_hold")
def _(world: World, value: Any) -> Iterator[Any]:
    world.plant.tenant(unknown_hold=value)
    world.device()
    world.journey({"content": "one"}, {"content": "two", "trigger_delay_hours": 0})
    yield
    yield world.handed(lambda row: "unknown" if row["content"] == "one" else "accepted")


def failing(world: World, count: int, failures: int) -> Any:
    """Results come in, the first of them failures; whether the device rests."""
    device = world.device(burst=100)
    for _ in range(count):
        world.message(device)
    yield
    for number, row in enumerate(world.claim()):
        world.plant.answer(row, "permanent" if number < failures else "accepted")
    yield world.why(world.message(device))


@pair(0.3, 0.9, "users.breaker_rate")
def _(world: World, value: Any) -> Iterator[Any]:
    world.plant.tenant(breaker_rate=value, breaker_sample=10)
    yield from failing(world, 10, 5)


@pair(5, 50, "users.breaker_sample")
def _(world: World, value: Any) -> Iterator[Any]:
    world.plant.tenant(breaker_sample=value)
    yield from failing(world, 10, 10)


@pair(True, False, "users.is_active")
def _(world: World, value: Any) -> Iterator[Any]:
    message = world.message(world.device())
    world.plant.tenant(is_active=value)
    yield
    yield world.why(message), len(world.claim())


@pair(None, "You will hear no more of us", "users.opt_out_confirmation")
def _(world: World, value: Any) -> Iterator[Any]:
    world.plant.tenant(opt_out_confirmation=value)
    device = world.device()
    world.lead()
    yield
    process(world.plant, said(device, "STOP"))
    yield world.texts()


def answers(world: World, texts: Sequence[str], seconds: int) -> Iterator[Any]:
    """A lead answers the first messages of journeys, seconds after each; how these end."""
    device, lead = world.device(), world.lead()
    yield
    ends = []
    for number, text in enumerate(texts):
        journey = world.journey({}, {}, lead=lead)
        send(world.plant, world.plant.journey(journey)[0]["id"])
        world.clock.advance(seconds=seconds)
        process(world.plant, said(device, text, f"A{number}"))
        ends.append(world.plant.enrollment(journey)["exit_reason"])
        world.clock.advance(hours=1)
    yield ends


@pair(10, None, "users.auto_reply_seconds")
def _(world: World, value: Any) -> Iterator[Any]:
    world.plant.tenant(auto_reply_seconds=value)
    yield from answers(world, ["We will answer you tomorrow."], 5)


@pair(12, 40, "users.auto_reply_length")
def _(world: World, value: Any) -> Iterator[Any]:
    world.plant.tenant(auto_reply_length=value)
    yield from answers(world, ["We will answer you tomorrow."], 5)


@pair(True, False, "users.auto_reply_repeats")
def _(world: World, value: Any) -> Iterator[Any]:
    world.plant.tenant(auto_reply_repeats=value)
    yield from answers(world, ["We will answer you tomorrow."] * 2, 60)


@pair(1, None, "sender_accounts.reach_cap")
def _(world: World, value: Any) -> Iterator[Any]:
    account = world.plant.value("select account_id from drip.upsert_account('A', 'gowa')")
    world.plant.update("sender_accounts", account, reach_cap=value)
    for _ in range(2):
        world.message(world.device(account_id=account))
    yield
    yield [at for at, _, _ in world.handed(hours=2)]


@pair(["1"], ["2"], "sender_accounts.waba_ids")
def _(world: World, value: Any) -> Iterator[Any]:
    account = world.plant.value("select account_id from drip.upsert_account('A', 'cloud_api')")
    world.plant.update("sender_accounts", account, waba_ids=value)
    change = {"field": "account_update", "value": {"event": "ACCOUNT_DELETED"}}
    yield
    process(world.plant, meta(account, change), kind="account")
    yield world.plant.value("select status from drip.sender_accounts")


# -- devices ------------------------------------------------------------------------------------


@pair(1, 2, "user_devices.burst")
def _(world: World, value: Any) -> Iterator[Any]:
    device = world.device(burst=value)
    for _ in range(3):
        world.message(device)
    yield
    yield len(world.claim())


@pair(True, False, "user_devices.in_pool")
def _(world: World, value: Any) -> Iterator[Any]:
    world.device(in_pool=value)
    world.journey()
    yield
    yield world.handed()


@pair(1, 2, "user_devices.daily_cap")
def _(world: World, value: Any) -> Iterator[Any]:
    device = world.device(daily_cap=value)
    for _ in range(2):
        world.message(device)
    yield
    yield [at for at, _, _ in world.handed(hours=2)]


@pair([1], [2], "user_devices.ramp")
def _(world: World, value: Any) -> Iterator[Any]:
    device = world.device(ramp=value, ramp_started_on="2026-03-02")
    for _ in range(2):
        world.message(device)
    yield
    yield [at for at, _, _ in world.handed(hours=2)]


@pair("2026-03-02", "2026-03-01", "user_devices.ramp_started_on")
def _(world: World, value: Any) -> Iterator[Any]:
    device = world.device(ramp=[1, 2], ramp_started_on=value)
    for _ in range(2):
        world.message(device)
    yield
    yield [at for at, _, _ in world.handed(hours=2)]


@pair("10:00", "11:00", "user_devices.active_from")
def _(world: World, value: Any) -> Iterator[Any]:
    world.message(world.device(active_from=value, active_to="18:00"))
    yield
    yield world.first_time()


@pair("11:00", "18:00", "user_devices.active_to")
def _(world: World, value: Any) -> Iterator[Any]:
    world.message(world.device(active_from="10:00", active_to=value))
    yield
    yield late(world)


@pair("hold", "retry", "user_devices.unknown_policy")
def _(world: World, value: Any) -> Iterator[Any]:
    message = world.message(world.device(unknown_policy=value))
    yield
    [claimed] = world.claim()
    world.plant.answer(claimed, "unknown")
    yield world.plant.message_row(message)["status"]


@pair("wait", "failover", "user_devices.failover_policy")
def _(world: World, value: Any) -> Iterator[Any]:
    device = world.device("first", failover_policy=value)
    world.device("second")
    message = world.message(device)
    yield
    world.plant.update("user_devices", device, status="offline")
    world.plant.tick()
    yield world.device_of(message), len(world.claim())


# -- leads --------------------------------------------------------------------------------------


@pair("Ali", "Siti", "leads.name")
def _(world: World, value: Any) -> Iterator[Any]:
    world.device()
    world.journey({"content": "Hi {name}"}, lead=world.lead(name=value))
    yield
    yield world.texts()


@pair({"city": "Ipoh"}, {"city": "Klang"}, "leads.attributes")
def _(world: World, value: Any) -> Iterator[Any]:
    world.device()
    lead = world.lead(attributes=Jsonb(value))
    world.journey({"content": "{attributes.city}"}, lead=lead)
    yield
    yield world.texts()


@pair("ms", "en", "leads.language")
def _(world: World, value: Any) -> Iterator[Any]:
    world.device()
    world.journey(greeting=True, lead=world.lead(language=value))
    yield
    yield world.texts()


@pair("Asia/Kuala_Lumpur", "Asia/Tokyo", "leads.time_zone")
def _(world: World, value: Any) -> Iterator[Any]:
    world.device()
    world.journey({"send_time": "12:00"}, lead=world.lead(time_zone=value))
    yield
    yield world.handed()


@pair("first", "second", "leads.device_id")
def _(world: World, value: Any) -> Iterator[Any]:
    devices = {name: world.device(name) for name in ("first", "second")}
    enrollment = world.journey(lead=world.lead(device_id=devices[value]))
    yield
    yield world.device_of(world.plant.journey(enrollment)[0]["id"])


@pair("a, cold", "coldest", "leads.trigger")
def _(world: World, value: Any) -> Iterator[Any]:
    world.plant.sequence(auto_enroll="trigger", trigger="cold")
    world.lead(trigger=value)
    yield
    yield world.reached()


@pair("a, cold", "coldest", "leads.niche")
def _(world: World, value: Any) -> Iterator[Any]:
    world.plant.sequence(auto_enroll="niche", niche="cold")
    world.lead(niche=value)
    yield
    yield world.reached()


@pair("prospect", "customer", "leads.target_status")
def _(world: World, value: Any) -> Iterator[Any]:
    world.plant.sequence(auto_enroll="trigger", trigger="cold", target_status="customer")
    world.lead(trigger="cold", target_status=value)
    yield
    yield world.reached()


# -- sequences ----------------------------------------------------------------------------------


def matching(column: str, one: Any, other: Any, **definition: Any) -> None:
    """Who is enrolled by itself, by a setting of the sequence."""

    @pair(one, other, f"sequences.{column}")
    def _(world: World, value: Any) -> Iterator[Any]:
        rest = {"auto_enroll": "trigger", "trigger": "cold"} | definition
        steps = {"trigger": "cold"} if column == "trigger" else {}
        # the entry step keeps its own trigger
        world.plant.sequence(steps, **(rest | {column: value}))
        world.lead(trigger="cold", niche="shoes")
        world.lead(OTHER, trigger="warm", niche="hats", target_status="customer")
        yield
        yield world.reached()


matching("trigger", "cold", "warm")
matching("niche", "shoes", "hats")
matching("target_status", "prospect", "customer")
matching("auto_enroll", "trigger", "manual")


@pair("first", "second", "sequences.device_id")
def _(world: World, value: Any) -> Iterator[Any]:
    for name in ("first", "second"):
        world.device(name)
    enrollment = world.journey(device=value)
    yield
    yield world.device_of(world.plant.journey(enrollment)[0]["id"])


@pair("1 hour", "2 hours", "sequences.start_delay")
def _(world: World, value: Any) -> Iterator[Any]:
    world.device()
    world.journey(start_delay=value)
    yield
    yield world.handed()


def stopped_marketing(world: World) -> list[str]:
    world.plant.row("select * from drip.opt_out(%s, p_category => 'marketing')", PHONE)
    return world.texts()


@pair("marketing", "utility", "sequences.category")
def _(world: World, value: Any) -> Iterator[Any]:
    world.device()
    world.journey(category=value, priority=2)
    yield
    yield stopped_marketing(world)


@pair(True, False, "sequences.stop_on_reply")
def _(world: World, value: Any) -> Iterator[Any]:
    device = world.device()
    world.journey({}, {"content": "two"}, stop_on_reply=value)
    yield
    world.handed(hours=1)
    process(world.plant, said(device, "yes"))
    yield world.texts(days=2)


@pair("funnel", "other", "sequences.exclusive_group")
def _(world: World, value: Any) -> Iterator[Any]:
    # the lead is in one of the group already; this is the only sequence with the setting's value
    lead = world.lead()
    world.plant.enroll(world.plant.sequence(exclusive_group="funnel"), lead)
    second = world.plant.sequence(exclusive_group=value)
    yield
    yield world.plant.row("select outcome from drip.enroll_lead(%s, %s)", str(second), PHONE)


@pair(None, "1 hour", "sequences.reenroll_after")
def _(world: World, value: Any) -> Iterator[Any]:
    world.device()
    world.journey(name="S", reenroll_after=value)
    yield
    world.handed(hours=2)
    yield world.plant.row("select outcome from drip.enroll_lead('S', %s)", PHONE)


@pair("continue", "stop", "sequences.on_step_failure")
def _(world: World, value: Any) -> Iterator[Any]:
    world.device()
    world.journey({"content": "one"}, {"content": "two"}, on_step_failure=value)
    yield
    yield world.handed(lambda row: "permanent" if row["content"] == "one" else "accepted", days=2)


@pair(1, 3, "sequences.priority")
def _(world: World, value: Any) -> Iterator[Any]:
    device = world.device(min_delay_seconds=60, max_delay_seconds=60)
    world.journey(priority=value)
    world.plant.message(device, priority=2, source=Jsonb({"content": "Other"}))
    yield
    yield world.texts()


# -- steps --------------------------------------------------------------------------------------


def step_scene(column: str, one: Any, other: Any, **step: Any) -> None:
    """What leaves, by a setting of the only step."""

    @pair(one, other, f"sequence_steps.{column}")
    def _(world: World, value: Any) -> Iterator[Any]:
        world.device()
        world.journey(step | {column: value})
        yield
        yield [(row["content"], row["caption"], row["media_url"]) for row in world.claim()]


step_scene("content", "[[One]]", "Two")
step_scene("media_url", "https://x.test/a.png", "https://x.test/b.png", message_type="image")
step_scene("caption", "One", None, content="Two", **PICTURE)


@pair("cold", "warm", "sequence_steps.trigger")
def _(world: World, value: Any) -> Iterator[Any]:
    world.plant.sequence({"trigger": value}, auto_enroll="trigger")
    world.lead(trigger="cold")
    yield
    yield world.reached()


@pair("warm", "hot", "sequence_steps.next_trigger")
def _(world: World, value: Any) -> Iterator[Any]:
    world.device()
    world.journey({"next_trigger": value})
    yield
    world.handed(hours=1)
    yield world.plant.value("select trigger from drip.leads")


@pair(1, 2.5, "sequence_steps.trigger_delay_hours")
def _(world: World, value: Any) -> Iterator[Any]:
    world.device()
    world.journey({}, {"trigger_delay_hours": value})
    yield
    yield world.handed()


@pair("12:00", "13:30", "sequence_steps.send_time")
def _(world: World, value: Any) -> Iterator[Any]:
    world.device()
    world.journey({"send_time": value})
    yield
    yield world.handed()


@pair(None, "1 hour", "sequence_steps.valid_for")
def _(world: World, value: Any) -> Iterator[Any]:
    world.device()
    world.journey({"valid_for": value})
    yield
    yield expired(world)


def expired(world: World) -> str:
    world.clock.advance(hours=2, minutes=30)
    world.plant.tick()
    return str(world.plant.value("select status from drip.broadcast_messages"))


def guarded(world: World, step: Row, **definition: Any) -> Iterator[Any]:
    """What a guard that says yes does, and one that says no."""
    world.plant.guard("yes", "return true;")
    world.plant.guard("no", "return false;")
    world.device()
    enrollment = world.journey(step, **definition)
    yield
    texts = world.texts()
    yield texts, [row["status"] for row in world.plant.journey(enrollment)]


@pair("yes", "no", "sequence_steps.only_if")
def _(world: World, value: Any) -> Iterator[Any]:
    yield from guarded(world, {"only_if": value})


@pair("yes", "no", "sequences.exit_if")
def _(world: World, value: Any) -> Iterator[Any]:
    yield from guarded(world, {}, exit_if=value)


# -- campaigns ----------------------------------------------------------------------------------


def campaign_scene(column: str, one: Any, other: Any, **definition: Any) -> None:
    """What leaves, by a setting of the campaign."""

    @pair(one, other, f"campaigns.{column}")
    def _(world: World, value: Any) -> Iterator[Any]:
        world.device()
        world.lead()
        world.campaign(**(definition | {column: value}))
        yield
        world.plant.tick()
        yield [(row["content"], row["caption"], row["media_url"]) for row in world.claim()]


campaign_scene("message", "[[One]]", "Two")
campaign_scene("variants", [{"name": "A", "message": "One"}], [{"name": "A", "message": "Two"}])
campaign_scene("media_url", "https://x.test/a.png", "https://x.test/b.png", message_type="image")
campaign_scene("caption", "One", None, message="Two", **PICTURE)


@pair("marketing", "utility", "campaigns.category")
def _(world: World, value: Any) -> Iterator[Any]:
    world.device()
    world.lead()
    world.campaign(category=value)
    yield
    yield stopped_marketing(world)


def audience_scene(column: str, one: Any, other: Any, **definition: Any) -> None:
    """Who gets it, by a setting of the campaign."""

    @pair(one, other, f"campaigns.{column}")
    def _(world: World, value: Any) -> Iterator[Any]:
        world.lead(niche="shoes", external_id="a")
        world.lead(OTHER, niche="hats", external_id="b", target_status="customer")
        for name in ("a", "b"):
            world.plant.conn.execute(f"create view public.{name} as select '{name}' as external_id")
            world.plant.row("select * from drip.register_audience(%s, 10)", name)
        world.campaign(**(definition | {column: value}))
        yield
        yield world.reached()


audience_scene("niche", "shoes", "hats", everyone=False)
audience_scene("target_status", "all", "customer")
audience_scene("audience", "a", "b", everyone=False)
audience_scene("exclude", "a", "b")


@pair(True, False, "campaigns.everyone")
def _(world: World, value: Any) -> Iterator[Any]:
    """Without a niche or an audience it must be said."""
    world.lead()
    yield
    if value:
        world.campaign(everyone=value)
        yield world.reached()
    else:
        query = "select * from drip.create_campaign(%s)"
        definition = Jsonb({"title": "C", "message": "News", "everyone": value})
        yield refusal(world.plant.conn, query, definition)[0]


@pair(["first"], ["second"], "campaigns.devices")
def _(world: World, value: Any) -> Iterator[Any]:
    for name in ("first", "second"):
        world.device(name)
    world.lead()
    world.campaign(devices=value)
    yield
    world.plant.tick()
    yield world.device_of(world.plant.value("select id from drip.broadcast_messages"))


@pair(True, False, "campaigns.local_time_per_lead")
def _(world: World, value: Any) -> Iterator[Any]:
    world.device()
    world.lead(time_zone="Asia/Karachi")
    world.campaign(local_time_per_lead=value, scheduled_at="2026-03-02 12:00")
    yield
    yield world.handed()


@pair("1 hour", "5 hours", "campaigns.valid_for")
def _(world: World, value: Any) -> Iterator[Any]:
    world.device()
    world.lead()
    world.campaign(valid_for=value)
    yield
    world.plant.tick()
    yield expired(world)


@pair(1, 2, "campaigns.per_device_limit")
def _(world: World, value: Any) -> Iterator[Any]:
    world.device()
    world.lead()
    world.lead(OTHER)
    world.campaign(per_device_limit=value)
    yield
    yield world.reached()


@pair(1, 3, "campaigns.priority")
def _(world: World, value: Any) -> Iterator[Any]:
    device = world.device(min_delay_seconds=60, max_delay_seconds=60)
    world.lead()
    world.campaign(priority=value)
    world.plant.message(device, priority=2, source=Jsonb({"content": "Other"}))
    yield
    yield world.texts()


# -- error codes --------------------------------------------------------------------------------


def code_scene(column: str, one: Any, other: Any, **columns: Any) -> None:
    """What an error means, by its row: twice in a row, then a look at the device's health."""

    @pair(one, other, f"error_codes.{column}")
    def _(world: World, value: Any) -> Iterator[Any]:
        rest = {"scope": "recipient", "action": "retry", "wait": "1 hour"} | columns
        names = ", ".join(f"{name} = %s" for name in (*rest, column) if name != column)
        world.plant.conn.execute(
            f"update drip.error_codes set {names}, {column} = %s"
            " where (platform, code) = ('gowa', 'INTERNAL_SERVER_ERROR')".encode(),
            [*(rest[name] for name in rest if name != column), value],
        )
        device, lead = world.device(burst=1), world.lead()
        message = world.message(device, lead)
        yield
        first = world.fail(message, "INTERNAL_SERVER_ERROR")
        world.plant.row("select * from drip.report_device(%s, 'online')", str(device))
        world.clock.advance(hours=3)
        state = world.plant.row("select status from drip.user_devices")
        if world.plant.message_row(message)["status"] == "pending" and state["status"] == "online":
            first += world.fail(message, "INTERNAL_SERVER_ERROR")
        suppressed = world.plant.rows("select phone, category from drip.suppressions")
        yield first, state, suppressed


code_scene("scope", "recipient", "device")
code_scene("action", "retry", "fail")
code_scene("wait", "1 hour", "2 hours")
code_scene("auto_resume", True, False, scope="device", action="stop")
code_scene("check_ends_stop", True, False, scope="device", action="stop", auto_resume=False)
code_scene("backoff", None, 3)
code_scene("max_failures", None, 2)
code_scene("suppress_after", None, 1, action="fail")


@pair("1 hour", "1 day", "error_codes.suppress_gap")
def _(world: World, value: Any) -> Iterator[Any]:
    world.plant.conn.execute(
        "update drip.error_codes set action = 'fail', suppress_after = 2, suppress_gap = %s"
        " where (platform, code) = ('gowa', 'INTERNAL_SERVER_ERROR')",
        [value],
    )
    device, lead = world.device(), world.lead()
    world.fail(world.message(device, lead), "INTERNAL_SERVER_ERROR")
    world.clock.advance(hours=3)
    message = world.message(device, lead)
    yield
    yield (
        world.fail(message, "INTERNAL_SERVER_ERROR"),
        world.plant.rows("select phone, category from drip.suppressions"),
    )
