"""Random programs, leads, zones and clocks: what a preview says is what the claim then does.

The same worlds each time. A thousand of them:
make test ARGS='--hypothesis-profile=thorough tests/journeys/test_previews_equal_claims.py'
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from factory import END_OF_TIME, Clock, Plant
from hypothesis import HealthCheck, Phase, given, seed, settings
from playing import LOOK, Play
from rule_model import next_local_time
from worlds import Answer, Device, World, worlds

pytestmark = pytest.mark.exhaustive

PIECES = 4
FEW = 16
SOON = timedelta(days=12)

TIMES = (
    "select m.planned_at as at from drip.broadcast_messages m"
    " where m.sequence_contact_id = %s order by m.planned_at, m.id"
)

# What waits for no time is asked each minute by a worker. Over a long time in which nothing leaves
# only the last of them counts.
LONG = timedelta(minutes=10)
ASKED_AGAIN = (
    "select min(due_at) from drip.broadcast_messages"
    " where status = 'pending' and due_at > drip.now()"
    " and (sequence_id = any (%s) or deferred_reason = 'predecessor_pending')"
)
MEANWHILE = (
    "update drip.broadcast_messages m set not_before = m.not_before"
    " + ceil(extract(epoch from drip.now() - m.not_before) / 60) * interval '1 minute'"
    " where m.status = 'pending' and m.not_before < drip.now()"
    " and (m.sequence_id = any (%s) or m.deferred_reason = 'predecessor_pending')"
)

Row = dict[str, Any]
Left = tuple[datetime, int, str, int | None]


def calm(world: World) -> World:
    """The same world without what nobody can foresee: interventions, replies and failures."""
    devices = tuple(
        replace(device, retries_unknown=False, platform="gowa") for device in world.devices
    )
    return replace(world, events=(), answers=(Answer(),), devices=devices)


def shut(plant: Plant, world: World) -> list[int]:
    """The sequences whose days leave none: their messages never leave, they only expire."""
    ids = [row["id"] for row in plant.rows("select id from drip.sequences order by id")]
    return [
        number
        for number, program in zip(ids, world.sequences, strict=True)
        if program.window.skip_weekends
        and not set(program.window.days or world.window.days or (1,)) & {1, 2, 3, 4, 5}
    ]


def lives(
    plant: Plant,
    clock: Clock,
    world: World,
    until: datetime,
    times: dict[int, datetime] | None = None,
) -> list[Left]:
    """Claims until then, by a worker that is never late: when, to whom, of what, which step.
    And times, by message.

    The clock stops wherever anything may change: a message is due or expires, a device is free
    again, its hours open, the hours of its next message end, or a day begins.
    """
    left: list[Left] = []
    endless = shut(plant, world)
    hours = {time(0), *(device.hours.start for device in world.devices if device.hours.start)}
    while True:
        plant.tick()
        plant.wake()
        looks = 0
        while (claimed := plant.claim()) or plant.value(
            "select exists (select from drip.device_pacing where next_look_at <= drip.now()"
            " and next_send_at <= drip.now())"
        ):
            looks += 1
            assert looks < 500, "the claim looks again and again"
            for row in claimed:
                plant.answer(row)
                if times is not None:
                    times[row["message_id"]] = clock.now
            left += [
                (clock.now, row["lead_id"], row["source"], row["step"])
                for row in plant.rows(
                    "select m.lead_id, t.source, t.step from drip.broadcast_messages m"
                    " cross join lateral drip._source_of(m) t where m.id = any (%s)",
                    [row["message_id"] for row in claimed],
                )
            ]
            if claimed:
                plant.tick()
                plant.wake()
        upcoming = plant.value(
            "select min(at) from ("
            " select due_at as at from drip.broadcast_messages where status = 'pending'"
            # asked again every minute; what it waits for lets it go
            " and (deferred_reason is distinct from 'predecessor_pending' or not_before is null)"
            " and (sequence_id = any (%s)) is not true"
            " union all"
            " select expires_at from drip.broadcast_messages where status = 'pending'"
            " union all select next_send_at from drip.device_pacing"
            " union all select drip._heads_close_at(%s, drip.now())"
            " union all select drip._expands_at(c) from drip.campaigns c"
            " where c.status in ('pending', 'triggered') and c.expanded_at is null"
            ") a where at > drip.now()",
            endless,
            plant.user,
        )
        if upcoming is None:
            waits = plant.value(
                "select count(*) from drip.broadcast_messages where status = 'pending'"
            )
            if not waits:
                return left
        later = clock.now + timedelta(milliseconds=1)
        at = min(upcoming or END_OF_TIME, *(next_local_time(later, world.zone, t) for t in hours))
        if at > until:
            return left
        if at - clock.now > LONG:
            clock.set(at)
            plant.conn.execute(MEANWHILE, [endless])
        else:
            clock.set(min(at, plant.value(ASKED_AGAIN, endless) or at))


def foreseen(plant: Plant, until: datetime) -> list[Left]:
    rows = plant.rows("select * from drip.simulate(p_until => %s)", until)
    assert rows[-1]["kind"] == "end"
    assert rows[-1]["note"] == "p_until", rows[-1]
    return [
        (row["at"], row["lead_id"], row["source"], row["step"])
        for row in rows
        if row["kind"] == "message"
    ]


def in_order(left: list[Left]) -> list[Left]:
    return sorted(left, key=lambda one: (one[0], one[1], one[2], one[3] or 0))


def each_world(piece: int, play: Any, few: int = FEW) -> None:
    is_thorough = settings.get_current_profile_name() == "thorough"
    examples = settings().max_examples if is_thorough else few
    seed(piece)(
        settings(
            max_examples=examples // PIECES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )(given(worlds().map(calm))(play))
    )()


@pytest.mark.parametrize("piece", range(PIECES))
def test_simulate_names_each_second(plant: Plant, clock: Clock, piece: int) -> None:
    seen: Counter[str] = Counter()
    plant.conn.execute(LOOK)

    def play(world: World) -> None:
        seen["worlds"] += 1
        if seen["worlds"] % 100 == 0:
            plant.conn.execute("vacuum")
        with plant.rolled_back():
            Play(plant, clock, world).build()
            until = clock.now + SOON
            told = foreseen(plant, until)
            done = lives(plant, clock, world, until)
            assert in_order(told) == in_order(done)
            seen["messages"] += len(done)
            seen["campaigns"] += any(one[2].startswith("campaign") for one in done)

    each_world(piece, play)
    print(dict(seen))
    assert seen["messages"] > seen["worlds"]


def alone(world: World) -> World:
    """Its first lead and program, a device without caps, delays that leave nothing to chance."""

    def fixed(pair: tuple[int, int] | None) -> tuple[int, int] | None:
        return None if pair is None else (pair[1], pair[1])

    program = world.sequences[0]
    steps = tuple(replace(step, delays=fixed(step.delays)) for step in program.steps)
    device = world.devices[0]
    return replace(
        calm(world),
        devices=(Device(delays=(device.delays[1],) * 2, hours=device.hours),),
        leads=(replace(world.leads[0], device=None),),
        sequences=(
            replace(program, steps=steps, delays=fixed(program.delays), device=None, leads=()),
        ),
        campaign=None,
        singles=(),
    )


@pytest.mark.parametrize("piece", range(PIECES))
def test_preview_timeline_names_each_second(plant: Plant, clock: Clock, piece: int) -> None:
    seen: Counter[str] = Counter()
    plant.conn.execute(LOOK)

    def play(whole: World) -> None:
        world = alone(whole)
        seen["worlds"] += 1
        with plant.rolled_back():
            game = Play(plant, clock, world)
            game.build()
            [sequence], [lead] = game.sequences, game.leads
            told = plant.rows(
                "select * from drip.preview_timeline(%s, null, %s)",
                str(sequence),
                world.leads[0].zone,
            )
            planned = [row["at"] for row in plant.rows(TIMES, plant.enroll(sequence, lead))]
            lives(plant, clock, world, clock.now + 2 * SOON)
            done = plant.journey(plant.value("select max(id) from drip.sequence_contacts"))
            assert [row["planned_at"] for row in told] == planned
            for row, message in zip(told, done, strict=True):
                if message["status"] == "pending":
                    assert row["leaves_at"] is None or row["leaves_at"] > clock.now
                else:
                    assert (row["leaves_at"], row["outcome"], row["reason"]) == (
                        message["sent_at"],
                        message["status"],
                        message["status_reason"],
                    )
                    seen[message["status"]] += 1

    each_world(piece, play)
    print(dict(seen))
    assert seen["sent"] > 0


# Of how many messages of a world explain_message is asked.
ASKED = 5

WAITING = (
    "select o.*, m.sequence_contact_id as enrollment, m.expires_at"
    " from drip.message_outlook o join drip.broadcast_messages m on m.id = o.message_id"
    " order by o.message_id"
)


def unramped(world: World) -> World:
    """The same without ramps: a send starts one, and explain_message supposes none of those."""
    return replace(world, devices=tuple(replace(one, ramp=None) for one in world.devices))


def single_file(world: World) -> World:
    """Its first lead and program and nothing else, its first device with its settings."""
    return replace(
        world,
        devices=(world.devices[0],),
        leads=(replace(world.leads[0], device=None),),
        sequences=(replace(world.sequences[0], device=None, leads=(0,)),),
        campaign=None,
        singles=(),
    )


@pytest.mark.parametrize("piece", range(PIECES))
def test_earliest_of_who_waits_alone_is_the_claim(plant: Plant, clock: Clock, piece: int) -> None:
    """A journey that has its device for itself: each step leaves at its earliest."""
    seen: Counter[str] = Counter()
    plant.conn.execute(LOOK)

    def play(whole: World) -> None:
        world = single_file(unramped(whole))
        seen["worlds"] += 1
        with plant.rolled_back():
            Play(plant, clock, world).build()
            told = [(row, plant.explain(row["message_id"])) for row in plant.rows(WAITING)]
            done: dict[int, datetime] = {}
            lives(plant, clock, world, clock.now + 2 * SOON, done)
            for row, why in told:
                left = done.get(row["message_id"])
                if left is None:
                    assert why["earliest"] is None or why["earliest"] > clock.now, why
                    seen["none"] += 1
                    continue
                assert why["earliest"] == left, why
                if row["earliest"] is None:
                    assert row["reason"] == "predecessor_pending", row
                else:
                    assert row["earliest"] <= left, row
                seen["equal"] += 1

    each_world(piece, play, few=8)
    print(dict(seen))
    assert seen["equal"] > 0


@pytest.mark.parametrize("piece", range(PIECES))
def test_nothing_leaves_before_its_earliest(plant: Plant, clock: Clock, piece: int) -> None:
    """What others do in the meantime delays a message, if no step before it expires of it."""
    seen: Counter[str] = Counter()
    plant.conn.execute(LOOK)

    def play(whole: World) -> None:
        world = unramped(whole)
        seen["worlds"] += 1
        with plant.rolled_back():
            Play(plant, clock, world).build()
            waiting = plant.rows(WAITING)
            fleeting = {row["enrollment"] for row in waiting if row["expires_at"] is not None}
            whys = {row["message_id"]: plant.explain(row["message_id"]) for row in waiting[:ASKED]}
            done: dict[int, datetime] = {}
            lives(plant, clock, world, clock.now + SOON, done)
            for row in waiting:
                left = done.get(row["message_id"])
                if left is None:
                    continue
                if row["earliest"] is None:
                    assert row["reason"] == "predecessor_pending", row
                else:
                    assert row["earliest"] <= left, row
                    seen["outlook"] += 1
                why = whys.get(row["message_id"])
                if why is None or row["enrollment"] in fleeting - {None}:
                    continue
                assert why["earliest"] is not None, why
                assert why["earliest"] <= left, why
                seen["equal" if why["earliest"] == left else "later"] += 1

    each_world(piece, play, few=8)
    print(dict(seen))
    assert seen["equal"] > 0
