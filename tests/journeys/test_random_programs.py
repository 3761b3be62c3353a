"""Random programs, leads, zones and clocks: no rule is broken, and each reason is the true one.

The same worlds each time. A thousand of them:
make test ARGS='--hypothesis-profile=thorough tests/journeys/test_random_programs.py'
"""

from __future__ import annotations

from collections import Counter

import pytest
from factory import Clock, Plant
from hypothesis import HealthCheck, Phase, given, seed, settings
from playing import LOOK, Play
from worlds import World, worlds

pytestmark = pytest.mark.exhaustive

PIECES = 4
FEW = 40

# A quarter of a thousand worlds in which one of these held nothing would prove little.
REASONS = {
    "account_cap",
    "contact_cap",
    "contact_gap",
    "device_attention",
    "device_cap",
    "device_closed_hours",
    "device_offline",
    "device_pacing",
    "lead_paused",
    "not_due",
    "outside_window",
    "predecessor_pending",
    "predecessor_unknown",
    "ramp",
    "sequence_paused",
    "service_window_closed",
    "user_inactive",
    "weekend",
}


@pytest.mark.parametrize("piece", range(PIECES))
def test_random_programs(plant: Plant, clock: Clock, piece: int) -> None:
    is_thorough = settings.get_current_profile_name() == "thorough"
    examples = settings().max_examples if is_thorough else FEW
    seen: Counter[str] = Counter()
    plant.conn.execute(LOOK)

    @seed(piece)
    @settings(
        max_examples=examples // PIECES,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(worlds())
    def play(world: World) -> None:
        seen["worlds"] += 1
        if seen["worlds"] % 100 == 0:
            plant.conn.execute("vacuum")
        with plant.rolled_back():
            game = Play(plant, clock, world)
            game.run()
        seen.update(game.seen)

    play()
    assert seen["go"] > 0
    if is_thorough:
        assert set(seen) >= REASONS
