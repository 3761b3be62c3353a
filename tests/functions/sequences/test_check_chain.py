"""A chain of sequences that leads back to where it began is refused, unless it is a wanted loop."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from factory import Clock, Connect, Connection, Plant
from refusals import refusal
from waiting import wait_until_blocked

START = "select * from drip.start_sequence(%s)"


def link(plant: Plant, name: str, after: str | None, *, start: bool = True, **more: Any) -> int:
    """A sequence of two steps that enters by its name and leads to another."""
    return plant.sequence(
        {},
        {"next_trigger": after},
        name=name,
        trigger=name.lower(),
        auto_enroll=more.pop("auto_enroll", "trigger"),
        start=start,
        **more,
    )


def test_the_ring_is_named_and_stays_open(clock: Clock, plant: Plant, conn: Connection) -> None:
    link(plant, "WARM", "Hot")
    link(plant, "HOT", "cold")
    link(plant, "COLD", "WARM", start=False)
    assert refusal(conn, START, "COLD")[:2] == (
        "DR020",
        "the chain leads back to its start: COLD → WARM → HOT → COLD",
    )
    assert plant.value("select status from drip.sequences where name = 'COLD'") == "draft"


def test_a_chain_that_ends_is_none(clock: Clock, plant: Plant) -> None:
    link(plant, "HOT", None)
    link(plant, "WARM", "hot")
    link(plant, "COLD", "warm")
    # it leads into a ring of which it is no part
    link(plant, "ODD", "cold")


def test_one_that_leads_to_itself(clock: Clock, plant: Plant, conn: Connection) -> None:
    link(plant, "COLD", "cold", start=False)
    code, message = refusal(conn, START, "COLD")[:2]
    assert (code, message[-11:]) == ("DR020", "COLD → COLD")


@pytest.mark.parametrize("whose", ["COLD", "WARM"])
def test_reenroll_after_makes_it_a_loop(clock: Clock, plant: Plant, whose: str) -> None:
    for name, after in (("WARM", "cold"), ("COLD", "warm")):
        link(plant, name, after, **({"reenroll_after": "30 days"} if name == whose else {}))


def test_a_loop_goes_round(clock: Clock, plant: Plant) -> None:
    """With reenroll_after on both a contact comes round again when so long has passed."""
    start = clock.now
    plant.device()
    for name, after in (("WARM", "cold"), ("COLD", "warm")):
        link(plant, name, after, reenroll_after="2 days")
    plant.lead("+60123456789", trigger="cold")
    plant.live(clock, clock.now + timedelta(days=9))
    entered = plant.rows(
        "select s.name, e.enrolled_at from drip.sequence_contacts e"
        " join drip.sequences s on s.id = e.sequence_id order by e.id"
    )
    assert [row["name"] for row in entered[:3]] == ["COLD", "WARM", "COLD"]
    assert entered[2]["enrolled_at"] - start > timedelta(days=2)


@pytest.mark.parametrize("other", ["manual", "niche", "draft", "paused", "archived", "tenant"])
def test_only_what_enrolls_by_trigger_now_is_part_of_it(
    clock: Clock, plant: Plant, other: str
) -> None:
    if other == "tenant":
        with plant.acting_for(plant.other_tenant()):
            link(plant, "WARM", "cold")
        with plant.acting_for(plant.user):
            link(plant, "COLD", "warm")
        return
    more = {"auto_enroll": other, "niche": "a"} if other in ("manual", "niche") else {}
    link(plant, "WARM", "cold", start=other != "draft", **more)
    if verb := {"paused": "pause", "archived": "archive"}.get(other):
        plant.row(f"select * from drip.{verb}_sequence('WARM')")
    cold = link(plant, "COLD", "warm")
    assert plant.value("select status from drip.sequences where id = %s", cold) == "active"


EDITS: dict[str, str] = {
    "a step's next_trigger": """select * from drip.update_step('COLD', '#2',
      '{"next_trigger": "warm"}')""",
    "the steps": """select * from drip.replace_steps('COLD',
      '[{"content": "a"}, {"content": "b", "next_trigger": "warm"}]', false)""",
    "the trigger": """select * from drip.update_sequence('LAST', '{"trigger": "hot"}')""",
    "reenroll_after": """select * from drip.update_sequence('LOOP', '{"reenroll_after": null}')""",
    "auto_enroll": """select * from drip.update_sequence('HAND', '{"auto_enroll": "trigger"}')""",
    "resume": "select * from drip.resume_sequence('REST')",
    "an UPDATE of a step": """update drip.sequence_steps st set next_trigger = 'warm'
      where st.day_number = 2
        and st.sequence_id = (select s.id from drip.sequences s where s.name = 'COLD')""",
    "an UPDATE of a sequence": """update drip.sequences set reenroll_after = null
      where name = 'LOOP'""",
}


@pytest.mark.parametrize("edit", EDITS)
def test_every_edit_that_closes_a_ring_is_refused(
    clock: Clock, plant: Plant, conn: Connection, edit: str
) -> None:
    link(plant, "WARM", "cold")
    link(plant, "COLD", None)
    link(plant, "HOTTER", "hot")
    link(plant, "LAST", "hotter")
    link(plant, "LOOP", "loop", reenroll_after="9 days")
    link(plant, "HAND", "hand", auto_enroll="manual")
    link(plant, "REST", "rest 2")
    plant.row("select * from drip.pause_sequence('REST')")
    link(plant, "REST 2", "rest")
    before = plant.rows("select to_jsonb(s) as s from drip.sequences s order by s.id")
    steps = plant.rows("select to_jsonb(s) as s from drip.sequence_steps s order by s.id")
    assert refusal(conn, EDITS[edit])[0] == "DR020"
    assert plant.rows("select to_jsonb(s) as s from drip.sequences s order by s.id") == before
    assert plant.rows("select to_jsonb(s) as s from drip.sequence_steps s order by s.id") == steps


def test_two_that_start_at_once_close_no_ring(
    clock: Clock, plant: Plant, conn: Connection, connect: Connect
) -> None:
    link(plant, "WARM", "cold", start=False)
    link(plant, "COLD", "warm", start=False)
    first, second = clock.join(connect(autocommit=False)), clock.join(connect())
    first.execute(START.encode(), ["WARM"])
    refused: list[str] = []
    thread = threading.Thread(target=lambda: refused.append(refusal(second, START, "COLD")[0]))
    thread.start()
    wait_until_blocked(conn, second, by=first)
    first.commit()
    thread.join(timeout=30)
    assert refused == ["DR020"]
