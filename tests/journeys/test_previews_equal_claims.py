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
from worlds import Answer, World, worlds

pytestmark = pytest.mark.exhaustive

PIECES = 4
FEW = 16
SOON = timedelta(days=12)

Row = dict[str, Any]
Left = tuple[datetime, int, str, int | None]


def calm(world: World) -> World:
    """The same world without what nobody can foresee: interventions, replies and failures."""
    devices = tuple(
        replace(device, retries_unknown=False, platform="gowa") for device in world.devices
    )
    return replace(world, events=(), answers=(Answer(),), devices=devices)


def lives(plant: Plant, clock: Clock, world: World, until: datetime) -> list[Left]:
    """Claims until then, by a worker that is never late: when, to whom, of what, which step.

    The clock stops wherever anything may change: a message is due or expires, a device is free
    again, its hours open, or a day begins.
    """
    left: list[Left] = []
    times = {time(0), *(device.hours.start for device in world.devices if device.hours.start)}
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
            " union all"
            " select expires_at from drip.broadcast_messages where status = 'pending'"
            " union all select next_send_at from drip.device_pacing"
            " union all select drip._expands_at(c) from drip.campaigns c"
            " where c.status in ('pending', 'triggered') and c.expanded_at is null"
            ") a where at > drip.now()"
        )
        if upcoming is None:
            waits = plant.value(
                "select count(*) from drip.broadcast_messages where status = 'pending'"
            )
            if not waits:
                return left
        later = clock.now + timedelta(milliseconds=1)
        at = min(upcoming or END_OF_TIME, *(next_local_time(later, world.zone, t) for t in times))
        if at > until:
            return left
        clock.set(at)


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


def each_world(piece: int, play: Any) -> None:
    is_thorough = settings.get_current_profile_name() == "thorough"
    examples = settings().max_examples if is_thorough else FEW
    seed(piece)(
        settings(
            max_examples=examples // PIECES,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
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
    assert seen["messages"] > seen["worlds"]
