"""How leads enter and what an edit does to them, each rule by the smallest case that shows it.

`make mutants` removes them one by one and expects these tests, and no others, to fail.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from factory import Clock, Connect, Plant
from psycopg.types.json import Jsonb

PHONE = "+60123456789"
ENROLL = "select * from drip.enroll_lead('Warm', %s)"
IMPORT = "select * from drip.import_leads(%s)"
REPLACE = "select * from drip.replace_steps('Warm', %s, %s)"


def warm(plant: Plant, *steps: dict[str, Any], **definition: Any) -> int:
    """A sequence that enrolls by the trigger warm."""
    return plant.sequence(
        *steps, **({"name": "Warm", "auto_enroll": "trigger", "trigger": "warm"} | definition)
    )


def sweep(plant: Plant) -> dict[str, Any]:
    return plant.row("select * from drip.enroll_matching_leads()")


def trigger(plant: Plant, lead: int) -> str | None:
    found: str | None = plant.value("select trigger from drip.leads where id = %s", lead)
    return found


def counts(plant: Plant) -> list[int]:
    """Leads, journeys and messages."""
    return [
        plant.value(f"select count(*) from drip.{table}")
        for table in ("leads", "sequence_contacts", "broadcast_messages")
    ]


# -- 24 and 25: triggers ----------------------------------------------------------------------


@pytest.mark.lesson(24, "told")
def test_who_waits_for_nothing_is_listed(clock: Clock, plant: Plant) -> None:
    warm(plant)
    stopped = plant.lead(trigger="warm")
    strange = plant.lead(trigger="wram")
    plant.row("select * from drip.pause_sequence('Warm')")
    sweep(plant)
    found = plant.rows("select lead_id, token, reason from drip.enrollment_gaps order by lead_id")
    assert [tuple(row.values()) for row in found] == [
        (stopped, "warm", "sequence_paused"),
        (strange, "wram", "no_sequence"),
    ]


@pytest.mark.lesson(25, "an empty one is in no list")
@pytest.mark.parametrize("tokens", ["a,,b", ",", " , "])
def test_an_empty_token_is_in_no_list(plant: Plant, tokens: str) -> None:
    assert plant.value("select drip._has_token(%s, '')", tokens) is False


# -- 27: what is consumed ---------------------------------------------------------------------


@pytest.mark.lesson(27, "only that lead's")
def test_who_does_not_enter_keeps_the_token(clock: Clock, plant: Plant) -> None:
    warm(plant, niche="gym")
    enters, waits = plant.lead(trigger="warm", niche="gym"), plant.lead(trigger="warm")
    assert sweep(plant)["enrolled"] == 1
    assert [trigger(plant, lead) for lead in (enters, waits)] == [None, "warm"]


# -- 29: whole or not at all ------------------------------------------------------------------


def refuse_messages_for(plant: Plant, phone: str) -> None:
    """Planning a message to this phone fails, the first as well as the last."""
    plant.conn.execute(
        "create function public.refuse() returns trigger language plpgsql as $$"
        " begin raise exception 'the disk is full'; end $$"
    )
    plant.conn.execute(
        "create trigger refuse before insert on drip.broadcast_messages for each row"
        f" when (new.recipient_phone = '{phone}') execute function public.refuse()".encode()
    )


@pytest.mark.lesson(29, "an error undoes all")
def test_an_error_leaves_no_half_of_an_enrollment(clock: Clock, plant: Plant) -> None:
    """Neither the lead, which was new, nor the journey, whose messages could not be planned."""
    plant.sequence({}, {}, name="Warm")
    refuse_messages_for(plant, PHONE)
    with pytest.raises(psycopg.errors.RaiseException, match="the disk is full"):
        plant.rows(ENROLL, PHONE)
    assert counts(plant) == [0, 0, 0]


@pytest.mark.lesson(29, "a sweep's error too")
@pytest.mark.lesson(27, "only that lead's")
def test_an_error_of_the_sweep_takes_no_token(clock: Clock, plant: Plant) -> None:
    """It costs that lead alone, which keeps what it would have entered by."""
    warm(plant, {}, {})
    broken, other = plant.lead(PHONE, trigger="warm"), plant.lead(trigger="warm")
    refuse_messages_for(plant, PHONE)
    assert sweep(plant)["enrolled"] == 1
    assert counts(plant) == [2, 1, 2]
    assert [trigger(plant, lead) for lead in (broken, other)] == ["warm", None]


# -- 31: one lead a phone ---------------------------------------------------------------------


@pytest.mark.lesson(31, "one writing")
def test_one_phone_in_three_writings_is_one_lead(clock: Clock, plant: Plant) -> None:
    writings = [PHONE, "+60 (0)12-345 6789", "+60 012 345 6789"]
    for phone in writings:
        plant.row("select * from drip.upsert_lead(%s)", phone)
    assert plant.value("select array_agg(phone) from drip.leads") == [PHONE]


# -- 32: what was done ------------------------------------------------------------------------


@pytest.mark.lesson(32, "imports")
def test_what_an_import_did_not_do_is_not_counted(clock: Clock, plant: Plant) -> None:
    leads = [{"phone": PHONE, "name": "Ali"}, {"phone": "+60123456788"}, {"phone": "no phone"}]
    first = plant.rows(IMPORT, Jsonb(leads))
    leads[0]["name"] = "Aminah"
    second = plant.rows(IMPORT, Jsonb([*leads, leads[0]]))
    assert [row["outcome"] for row in first] == ["created", "created", "invalid"]
    assert [row["outcome"] for row in second] == ["updated", "unchanged", "invalid", "duplicate"]


@pytest.mark.lesson(32, "enrollments")
def test_what_a_batch_did_not_do_is_not_counted(clock: Clock, plant: Plant) -> None:
    plant.sequence(name="Warm")
    rows = plant.rows("select * from drip.enroll_leads('Warm', %s)", [PHONE, PHONE, "no phone"])
    assert [row["outcome"] for row in rows] == ["enrolled", "already_enrolled", "invalid_phone"]


# -- 33: edits of what runs -------------------------------------------------------------------


@pytest.fixture
def edited(clock: Clock, plant: Plant) -> list[dict[str, Any]]:
    """A live journey of two steps, and what they shall become: another wait, and a third."""
    plant.device()
    sequence = plant.sequence(
        {"name": "one"}, {"name": "two", "trigger_delay_hours": 24}, name="Warm"
    )
    plant.enroll(sequence)
    return [
        {"name": "one", "content": "Step"},
        {"name": "two", "content": "Step", "trigger_delay_hours": 48},
        {"name": "three", "content": "Step"},
    ]


def plan(plant: Plant) -> list[tuple[str, str, Any]]:
    """Each step that is in use or has messages: its name, its wait, its message's time."""
    return [
        tuple(row.values())
        for row in plant.rows(
            "select st.name, st.trigger_delay_hours::text, m.scheduled_at"
            " from drip.sequence_steps st"
            " left join drip.broadcast_messages m on m.sequence_stepid = st.id"
            " order by st.day_number"
        )
    ]


@pytest.mark.lesson(33, "rehearsed")
def test_a_rehearsed_edit_changes_nothing(
    clock: Clock, plant: Plant, edited: list[dict[str, Any]]
) -> None:
    before = plan(plant)
    rows = plant.rows(REPLACE, Jsonb(edited), True)
    assert {row["applied"] for row in rows} == {False}
    assert plan(plant) == before


@pytest.mark.lesson(33, "who it concerns")
@pytest.mark.lesson(33, "the plan follows")
def test_an_edit_tells_who_moves_and_gains_and_does_it(
    clock: Clock, plant: Plant, edited: list[dict[str, Any]]
) -> None:
    rows = [
        (row["change"], row["step_name"], row["at_after"])
        for row in plant.rows(REPLACE, Jsonb(edited), False)
        if row["enrollment_id"] is not None
    ]
    days = [clock.now + timedelta(days=days) for days in (0, 2, 3)]
    assert rows == [("moves", "two", days[1]), ("gains", "three", days[2])]
    assert plan(plant) == [
        ("one", "24", days[0]),
        ("two", "48", days[1]),
        ("three", "24", days[2]),
    ]


# -- 34: entered once -------------------------------------------------------------------------


@pytest.mark.lesson(34, "the insert decides")
def test_who_is_named_twice_enters_once(clock: Clock, plant: Plant) -> None:
    """What was read before the insert says that both may enter; the insert's own rows count."""
    sequence, lead = plant.sequence({}, {}), plant.lead()
    rows = plant.rows("select * from drip._enroll(%s, %s, null, '{}', '')", sequence, [lead, lead])
    assert [row["outcome"] for row in rows] == ["enrolled"]
    assert counts(plant) == [1, 1, 2]


@pytest.mark.lesson(34, "nothing hot")
def test_enrolling_writes_no_row_that_others_need(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    """No counter on the sequence: two applications enroll side by side."""
    plant.sequence(name="Warm")
    first, second = clock.join(connect(autocommit=False)), clock.join(connect())
    second.execute("set lock_timeout = '1s'")
    first.execute(ENROLL, [PHONE])
    row = second.execute(ENROLL, ["+60123456788"]).fetchone()
    assert row is not None
    assert row["outcome"] == "enrolled"
