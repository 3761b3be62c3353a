"""preview_enrollment(): who would enter, and who matches and would not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factory import Clock, Plant
from psycopg.types.json import Jsonb
from refusals import refusal

PREVIEW = "select * from drip.preview_enrollment(%s)"


@pytest.mark.parametrize("start", [True, False], ids=["active", "draft"])
def test_it_is_what_the_sweep_then_does(clock: Clock, plant: Plant, start: bool) -> None:
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    plant.device()
    plant.enroll(plant.sequence(name="Other", exclusive_group="g"), busy := plant.lead())
    plant.sequence(
        {"send_time": "10:00"},
        {},
        name="Warm",
        auto_enroll="trigger",
        trigger="warm",
        niche="skin",
        exclusive_group="g",
        start=start,
    )
    plant.conn.execute("update drip.leads set trigger = 'warm', niche = 'skin'")
    enters = [
        plant.lead(trigger="WARM, other", niche="skin", time_zone="Asia/Tokyo"),
        plant.lead(trigger="warm", niche="hair,Skin", name="Ali"),
    ]
    stopped = plant.lead("+60123456789", trigger="warm", niche="skin")
    plant.suppress("+60123456789")
    plant.lead(trigger="warmup", niche="skin")
    plant.lead(trigger="warm", niche="hair")

    rows = plant.rows(PREVIEW, "Warm")

    assert [(row["lead_id"], row["enters"], row["reason"]) for row in rows] == [
        *((lead, True, "waits_for_sweep") for lead in enters),
        (busy, False, "exclusive"),
        (stopped, False, "suppressed"),
    ]
    assert rows[1]["lead_name"] == "Ali"
    assert plant.value("select status from drip.sequences where name = 'Warm'") == (
        "active" if start else "draft"
    )
    if not start:
        plant.row("select * from drip.start_sequence('Warm')")
    assert plant.row("select * from drip.enroll_matching_leads()")["enrolled"] == 2
    planned = plant.rows(
        "select m.lead_id, min(m.planned_at) as first_at, max(m.planned_at) as last_at"
        " from drip.broadcast_messages m join drip.sequences s on s.id = m.sequence_id"
        " where s.name = 'Warm' group by 1 order by 1"
    )
    assert [(row["first_at"], row["last_at"]) for row in rows if row["enters"]] == [
        (row["first_at"], row["last_at"]) for row in planned
    ]


def test_one_of_a_group_comes_first(clock: Clock, plant: Plant) -> None:
    """Two sequences of an exclusive group wait for the same lead: the older one gets it."""
    for name in ("One", "Two"):
        plant.sequence(name=name, auto_enroll="trigger", trigger="warm", exclusive_group="g")
    plant.lead(trigger="warm")
    told = [plant.row(PREVIEW, name) for name in ("One", "Two")]
    assert [(row["enters"], row["reason"]) for row in told] == [
        (True, "waits_for_sweep"),
        (False, "exclusive"),
    ]
    assert told[1]["first_at"] is None
    assert plant.row("select * from drip.enroll_matching_leads()")["enrolled"] == 1
    assert plant.value("select sequence_name from drip.sequence_progress_monitor") == "One"


@pytest.mark.parametrize("is_paused", [True, False])
def test_who_changes_enters_by_niche(clock: Clock, plant: Plant, is_paused: bool) -> None:
    """A lead of before the start whose name changes; a pause is no change."""
    phone = "+60123456789"
    lead = plant.lead(phone, niche="skin")
    clock.advance(hours=1)
    plant.sequence(name="Warm", auto_enroll="niche", niche="skin")
    plant.row("select * from drip.enroll_matching_leads()")
    clock.advance(hours=1)
    if is_paused:
        plant.row("select * from drip.pause_lead(%s)", phone)
    else:
        plant.row("select * from drip.upsert_lead(%s, 'Ali')", phone)
    entering = [row["lead_id"] for row in plant.rows(PREVIEW, "Warm") if row["enters"]]
    enrolled = plant.row("select * from drip.enroll_matching_leads()")["enrolled"]
    assert (entering, enrolled) == (([], 0) if is_paused else ([lead], 1))


def test_by_hand_nobody_enters(clock: Clock, plant: Plant) -> None:
    plant.sequence(name="Warm")
    plant.lead(trigger="warm")
    assert plant.rows(PREVIEW, "Warm") == []


def test_an_archived_one_is_refused(clock: Clock, plant: Plant) -> None:
    plant.sequence(name="Warm")
    clock.advance(hours=1)
    plant.row("select * from drip.archive_sequence('Warm')")
    assert refusal(plant.conn, PREVIEW, "Warm")[0] == "DR005"
    assert refusal(plant.conn, PREVIEW, "")[0] == "DR001"


def test_a_draft_that_cannot_start_says_why(clock: Clock, plant: Plant) -> None:
    plant.conn.execute('select drip.create_sequence(\'{"name": "Warm"}\')')
    assert refusal(plant.conn, PREVIEW, "Warm")[0] == "DR007"


@pytest.mark.exhaustive
def test_many_leads(clock: Clock, plant: Plant) -> None:
    """Each is judged by its keys, not with everybody else."""
    plant.sequence(name="Warm", auto_enroll="trigger", trigger="warm")
    plant.conn.execute(
        "insert into drip.leads (user_id, phone, trigger, created_at, updated_at)"
        " select %s, '+6013' || to_char(n, 'FM0000000'), 'warm', drip.now(), drip.now()"
        " from generate_series(1, 20000) n",
        [plant.user],
    )
    rows = plant.rows(PREVIEW, "Warm")
    assert len(rows) == 20000
    assert {row["first_at"] for row in rows} == {clock.now}
    assert rows[0]["last_at"] - rows[0]["first_at"] == timedelta(0)


@pytest.mark.parametrize("start", [True, False], ids=["active", "draft"])
def test_empty_placeholders_are_listed(clock: Clock, plant: Plant, start: bool) -> None:
    """Those of all steps; an empty fallback says that it is meant."""
    plant.device()
    for name in ("Ali", None):
        plant.lead(name=name, trigger="warm", attributes=Jsonb({"city": "Ipoh"} if name else {}))
    plant.sequence(
        {"content": "Hi {name}, {name|you}"},
        {"content": "{attributes.city} {phone} {attributes.town|}"},
        name="Warm",
        auto_enroll="trigger",
        trigger="warm",
        start=start,
    )
    rows = plant.rows(PREVIEW, "Warm")
    assert [(row["lead_name"], row["unfilled"]) for row in rows] == [
        ("Ali", []),
        (None, ["{attributes.city}", "{name}"]),
    ]
