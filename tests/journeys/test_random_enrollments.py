"""Random leads and sequences: preview_enrollment() lists exactly who then enters, and when.

The same worlds each time. A thousand of them:
make test ARGS='--hypothesis-profile=thorough tests/journeys/test_random_enrollments.py'
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from factory import Clock, Plant
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from worlds import EDGES, HOUR, TIMES, ZONES, sometimes

pytestmark = pytest.mark.exhaustive

FEW = 25
Row = dict[str, Any]

tokens = st.sampled_from(["warm", "WARM", " warm ", "cold", "cold", "warmup"])
niches = st.sampled_from(["skin", "Skin", "hair", "skin care"])
lists = st.lists(tokens, min_size=1, max_size=3).map(",".join)

leads = st.fixed_dictionaries(
    {
        "trigger": lists,
        "niche": sometimes(st.lists(niches, min_size=1, max_size=2).map(",".join), often=True),
        "target_status": st.sampled_from(["prospect", "customer"]),
        "time_zone": sometimes(st.sampled_from(ZONES), often=True),
    }
)
steps = st.fixed_dictionaries(
    {
        "trigger_delay_hours": st.sampled_from([0, 1, 12.5, 24, 48]),
        "send_time": sometimes(st.sampled_from(TIMES)).map(lambda at: at and at.isoformat()),
    }
)
sequences = st.fixed_dictionaries(
    {
        "steps": st.lists(steps, min_size=1, max_size=3),
        "auto_enroll": st.sampled_from(["trigger", "trigger", "niche"]),
        "trigger": tokens.map(str.strip),
        "niche": niches,
        "has_niche": st.sampled_from([False, False, True]),
        "target_status": sometimes(st.sampled_from(["prospect", "customer", "all"])),
        "exclusive_group": sometimes(st.sampled_from(["g", "h"]), often=True),
        "reenroll_after": sometimes(st.sampled_from(["0 seconds", "1 hour", "2 days"])),
        "category": st.sampled_from(["marketing", "utility"]),
        "start_delay": st.sampled_from(["0 seconds", "5 minutes", "10 hours"]),
    }
)
# what happens to a lead before the next look
changes = st.lists(
    st.tuples(
        st.integers(0, 9),
        st.sampled_from(["token", "token", "niche", "opt_out", "no_marketing", "pause", "exit"]),
        tokens,
    ),
    max_size=6,
)


def make(plant: Plant, number: int, one: Row) -> str:
    name = f"sequence {number}"
    plant.sequence(
        *({key: value for key, value in s.items() if value is not None} for s in one["steps"]),
        name=name,
        start=False,
        **{
            key: value
            for key, value in one.items()
            if key not in ("steps", "has_niche", "niche") and value is not None
        },
        **({"niche": one["niche"]} if one["has_niche"] or one["auto_enroll"] == "niche" else {}),
    )
    return name


def change(plant: Plant, lead: int, kind: str, token: str) -> None:
    phone = plant.value("select phone from drip.leads where id = %s", lead)
    if kind == "token":
        plant.row("select * from drip.upsert_lead(%s, p_trigger => %s)", phone, token)
    elif kind == "niche":
        plant.row("select * from drip.upsert_lead(%s, p_niche => 'skin')", phone)
    elif kind == "pause":
        plant.row("select * from drip.pause_lead(%s)", phone)
    elif kind == "exit":
        for row in plant.rows(
            "select s.name from drip.sequence_contacts e"
            " join drip.sequences s on s.id = e.sequence_id"
            " where e.lead_id = %s and e.completed_at is null",
            lead,
        ):
            plant.row("select * from drip.exit_lead(%s, %s)", row["name"], phone)
    else:
        category = "all" if kind == "opt_out" else "marketing"
        plant.row("select * from drip.opt_out(%s, p_category => %s)", phone, category)


def enrolled(plant: Plant, name: str, since: int) -> list[tuple[Any, ...]]:
    """Who has entered since, with the first and the last of the planned times."""
    return [
        (row["lead_id"], row["first_at"], row["last_at"])
        for row in plant.rows(
            "select e.lead_id, min(m.planned_at) as first_at, max(m.planned_at) as last_at"
            " from drip.sequence_contacts e"
            " join drip.sequences s on s.id = e.sequence_id"
            " join drip.broadcast_messages m on m.sequence_contact_id = e.id"
            " where s.name = %s and e.id > %s group by e.id order by e.lead_id",
            name,
            since,
        )
    ]


def look(plant: Plant, name: str, *, is_draft: bool, seen: Counter[str]) -> None:
    """Ask, let the sweep look, and compare."""
    told = plant.rows("select * from drip.preview_enrollment(%s)", name)
    since = plant.value("select coalesce(max(id), 0) from drip.sequence_contacts")
    if is_draft:
        plant.row("select * from drip.start_sequence(%s)", name)
    while plant.row("select * from drip.enroll_matching_leads()")["remaining"]:
        pass
    entered = [(row["lead_id"], row["first_at"], row["last_at"]) for row in told if row["enters"]]
    assert entered == enrolled(plant, name, since), name
    seen["looks"] += 1
    seen["entered"] += len(entered)
    seen.update(row["reason"] for row in told if not row["enters"])


def test_who_is_told_to_enter_enters(plant: Plant, clock: Clock) -> None:
    is_thorough = settings.get_current_profile_name() == "thorough"
    seen: Counter[str] = Counter()

    @seed(2)
    @settings(
        max_examples=settings().max_examples if is_thorough else FEW,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.sampled_from(EDGES),
        st.sampled_from(ZONES),
        st.lists(leads, min_size=1, max_size=6),
        st.lists(sequences, min_size=1, max_size=3),
        st.lists(changes, min_size=3, max_size=3),
    )
    def play(start: Any, zone: str, people: Any, programs: Any, meanwhile: Any) -> None:
        seen["worlds"] += 1
        with plant.rolled_back():
            clock.set(start - 5 * HOUR)
            plant.tenant(time_zone=zone)
            plant.device()
            known = [plant.lead(**person) for person in people]
            for number, one in enumerate(programs):
                name = make(plant, number, one)
                look(plant, name, is_draft=True, seen=seen)
                clock.advance(hours=3)
                for lead, kind, token in meanwhile[number]:
                    change(plant, known[lead % len(known)], kind, token)
                look(plant, name, is_draft=False, seen=seen)
                clock.advance(hours=20)

    play()
    print(dict(seen))
    assert seen["entered"] > seen["worlds"]
