"""enrollment_gaps: each lead that matches and is not in, with the reason (lesson 24)."""

from __future__ import annotations

import random
from time import perf_counter

import pytest
from factory import Clock, Connect, Plant, Row


def gaps(plant: Plant, **where: object) -> list[tuple[int, str | None, str]]:
    """Lead, name of the sequence and reason of each row."""
    rows = plant.rows("select * from drip.enrollment_gaps order by lead_id, sequence_name, token")
    assert [row for row in rows if row["sentence"] in (None, row["reason"])] == []
    return [
        (row["lead_id"], row["sequence_name"], row["reason"])
        for row in rows
        if all(row[name] == value for name, value in where.items())
    ]


def warm(plant: Plant, name: str = "WARM", start: bool = True, **more: object) -> int:
    return plant.sequence(
        name=name, start=start, **({"trigger": "warm_start", "auto_enroll": "trigger"} | more)
    )


def test_nobody_is_missing_where_all_are_in(clock: Clock, plant: Plant) -> None:
    plant.device()
    warm(plant)
    plant.lead(trigger="warm_start")
    plant.lead(niche="fitness")
    assert [reason for _, _, reason in gaps(plant)] == ["waits_for_sweep"]
    plant.tick()
    assert gaps(plant) == []


@pytest.mark.parametrize("trigger", ["warm", "warm_start_2", "xwarm_start"])
def test_a_trigger_that_no_sequence_has(clock: Clock, plant: Plant, trigger: str) -> None:
    warm(plant)
    lead = plant.lead(trigger=f"{trigger}, WARM_START")
    assert gaps(plant, token=trigger) == [(lead, None, "no_sequence")]
    plant.tick()
    assert gaps(plant) == [(lead, None, "no_sequence")]


def test_a_niche_that_matches_and_no_trigger_at_all(clock: Clock, plant: Plant) -> None:
    """1,742 leads were there, matched, and had an empty trigger."""
    warm(plant, niche="fitness", target_status="customer")
    lead = plant.lead(niche="Fitness, food", target_status="customer")
    plant.lead(niche="Fitness", target_status="prospect")
    plant.lead(niche="fit", target_status="customer")
    plant.tick()
    assert gaps(plant) == [(lead, "WARM", "no_trigger")]
    row = plant.row("select * from drip.enrollment_gaps")
    plant.conn.execute(row["remedy"].encode())
    assert gaps(plant) == []


def test_the_next_one_of_a_chain_misses_nobody(clock: Clock, plant: Plant) -> None:
    """Who is in COLD has no trigger for WARM yet; nor has who will be in COLD."""
    plant.device()
    plant.sequence(
        {"next_trigger": "warm_start"},
        name="COLD",
        trigger="cold_start",
        auto_enroll="trigger",
        niche="fitness",
    )
    warm(plant, niche="fitness")
    plant.lead(niche="fitness", trigger="cold_start")
    plant.tick()
    assert gaps(plant) == []
    lead = plant.lead(niche="fitness")
    assert gaps(plant) == [(lead, "COLD", "no_trigger")]


@pytest.mark.parametrize(
    ("lead", "sequence", "reason"),
    [
        ({}, {"niche": "fitness"}, "niche_differs"),
        ({"niche": "food"}, {"niche": "fitness"}, "niche_differs"),
        ({}, {"target_status": "customer"}, "target_status_differs"),
        ({}, {"auto_enroll": "manual"}, "enrolls_by_hand"),
        ({}, {"start": False}, "sequence_not_started"),
    ],
)
def test_the_trigger_matches_and_something_else_does_not(
    clock: Clock, plant: Plant, lead: Row, sequence: Row, reason: str
) -> None:
    plant.device()
    warm(plant, **sequence)
    one = plant.lead(trigger="Warm_Start ,other", **lead)
    plant.tick()
    assert gaps(plant, token="warm_start") == [(one, "WARM", reason)]
    remedy = plant.value("select remedy from drip.enrollment_gaps where token = 'warm_start'")
    plant.conn.execute(remedy.encode())
    plant.tick()
    clock.advance(minutes=5)
    plant.tick()
    assert gaps(plant, token="warm_start") == []


def test_behind_a_pause_a_group_and_an_opt_out(clock: Clock, plant: Plant) -> None:
    plant.device()
    paused = warm(plant, "PAUSED", trigger="paused")
    first = warm(plant, "FIRST", trigger="first", exclusive_group="funnel")
    warm(plant, "SECOND", trigger="second", exclusive_group="funnel")
    plant.row("select * from drip.pause_sequence(%s)", str(paused))
    waiting = plant.lead(trigger="paused")
    both = plant.lead(trigger="second")
    plant.enroll(first, both)
    out = plant.lead("+60111111111", trigger="second")
    plant.suppress("+60111111111", "marketing")
    plant.tick()
    assert gaps(plant) == [
        (waiting, "PAUSED", "sequence_paused"),
        (both, "SECOND", "exclusive"),
        (out, "SECOND", "suppressed"),
    ]
    for row in plant.rows("select remedy from drip.enrollment_gaps where remedy is not null"):
        plant.conn.execute(row["remedy"].encode())
    clock.advance(minutes=5)
    plant.tick()
    assert gaps(plant) == [(out, "SECOND", "suppressed")]


def test_by_niche_only_the_newer_ones(clock: Clock, plant: Plant) -> None:
    plant.device()
    old = plant.lead(niche="fitness")
    clock.advance(hours=1)
    plant.sequence(name="NICHE", auto_enroll="niche", niche="fitness")
    new = plant.lead(niche="fitness,food")
    plant.lead(niche="food")
    assert gaps(plant) == [
        (old, "NICHE", "older_than_start"),
        (new, "NICHE", "waits_for_sweep"),
    ]
    plant.tick()
    assert gaps(plant) == [(old, "NICHE", "older_than_start")]
    remedy = plant.value("select remedy from drip.enrollment_gaps")
    plant.conn.execute(remedy.encode())
    plant.tick()
    plant.tick()
    assert gaps(plant) == []


def test_one_whose_enrollment_fails(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.sequence({"send_time": "09:00"}, name="WARM", trigger="warm_start", auto_enroll="trigger")
    lead = plant.lead(trigger="warm_start")
    plant.conn.execute("alter table drip.leads disable trigger user")
    plant.update("leads", lead, time_zone="Mars/Base", enroll_check=True)
    plant.conn.execute("alter table drip.leads enable trigger user")
    plant.rows("select * from drip.tick()")
    assert gaps(plant) == [(lead, "WARM", "enrollment_failed")]


def test_who_has_been_through_is_no_gap(clock: Clock, plant: Plant) -> None:
    plant.device()
    sequence = warm(plant, reenroll_after="7 days")
    lead = plant.lead()
    enrollment = plant.enroll(sequence, lead)
    plant.update("leads", lead, trigger="warm_start")
    assert gaps(plant) == []
    plant.update(
        "sequence_contacts",
        enrollment,
        status="exited",
        exit_reason="asked",
        completed_at=clock.now,
        next_trigger_time=None,
    )
    assert gaps(plant) == []
    clock.advance(days=8)
    assert gaps(plant) == [(lead, "WARM", "waits_for_sweep")]


def test_tenants_see_their_own(clock: Clock, plant: Plant, connect: Connect) -> None:
    """And the trigger of one tenant is no trigger of another's sequence."""
    warm(plant)
    other = plant.other_tenant()
    lead = plant.lead(user=other, trigger="warm_start")
    mine = plant.lead(trigger="nowhere")
    assert gaps(plant) == [(lead, None, "no_sequence"), (mine, None, "no_sequence")]
    plant.assign("drip_reader")
    session = clock.join(connect(role="drip_reader"))
    rows = session.execute("select * from drip.enrollment_gaps").fetchall()
    assert [(row["lead_id"], row["remedy"]) for row in rows] == [(mine, None)]
    assert "*" in rows[0]["phone"]


def test_the_match_and_the_sweep_agree_over_random_rows(clock: Clock, plant: Plant) -> None:
    """What the view says goes is what the next look enrolls; what it does not, stays out."""
    plant.device()
    pick = random.Random(20260302)
    tokens = ["a", "b", "ab", "A", " b "]
    sequences = []
    for number in range(40):
        definition: Row = {
            "auto_enroll": pick.choice(["trigger", "trigger", "niche", "manual"]),
            "trigger": pick.choice(["a", "b", "AB"]),
            "niche": pick.choice([None, "x", "y"]),
            "target_status": pick.choice([None, "prospect", "customer", "all"]),
            "exclusive_group": pick.choice([None, "g", "h"]),
            "reenroll_after": pick.choice([None, "1 hour", "10 days"]),
            "category": pick.choice(["marketing", "utility"]),
        }
        if definition["auto_enroll"] == "niche":
            definition["niche"] = definition["niche"] or "x"
        sequence = plant.sequence(name=f"S{number}", start=False, **definition)
        sequences.append(sequence)
    leads = []

    def more_leads() -> None:
        for _ in range(60):
            phone = f"+6017{len(leads):07d}"
            leads.append(
                plant.lead(
                    phone,
                    trigger=pick.choice([None, pick.choice(tokens), "a,b", "ab,zz", "b, AB"]),
                    niche=pick.choice([None, "x", "y", "X,y", "xy"]),
                    target_status=pick.choice(["prospect", "customer"]),
                )
            )
            if pick.random() < 0.15:
                plant.suppress(phone, pick.choice(["all", "marketing"]))

    more_leads()
    clock.advance(hours=1)
    for sequence in sequences:
        if pick.random() < 0.85:
            plant.row("select * from drip.start_sequence(%s)", str(sequence))
        if pick.random() < 0.15:
            plant.conn.execute(
                "update drip.sequences set status = 'paused' where id = %s and status = 'active'",
                [sequence],
            )
    for _ in range(150):
        plant.rows(
            "select * from drip.enroll_lead(%s, (select phone from drip.leads where id = %s))",
            str(pick.choice(sequences)),
            pick.choice(leads),
        )
    plant.conn.execute(
        "update drip.sequence_contacts set status = 'exited', exit_reason = 'x',"
        " completed_at = drip.now(), next_trigger_time = null where id % 2 = 0"
    )
    clock.advance(hours=2)
    more_leads()

    verdicts = plant.rows("select * from drip._enrollment_verdicts")
    groups = {
        row["id"]: row["exclusive_group"]
        for row in plant.rows("select id, exclusive_group from drip.sequences")
    }
    seen = {row["reason"] for row in verdicts}
    assert seen >= {
        "already_enrolled", "enrolls_by_hand", "exclusive", "niche_differs", "older_than_start",
        "reenroll_later", "sequence_not_started", "sequence_paused", "suppressed",
        "target_status_differs", "trigger_differs", "waits_for_sweep",
    }  # fmt: skip
    before = plant.value("select max(id) from drip.sequence_contacts")
    plant.rows("select * from drip.enroll_matching_leads(100000)")
    entered = {
        (row["lead_id"], row["sequence_id"])
        for row in plant.rows("select * from drip.sequence_contacts where id > %s", before)
    }
    expected = {(row["lead_id"], row["sequence_id"]) for row in verdicts if row["verdict"] == "go"}
    assert {row["reason"] for row in verdicts if row["verdict"] == "go"} == {"waits_for_sweep"}
    assert entered <= expected
    # of several of one group at once only one can be
    for lead, sequence in expected - entered:
        assert groups[sequence] is not None
        assert any(
            other == lead and groups[enrolled] == groups[sequence] for other, enrolled in entered
        )
    assert len(entered) > 50
    assert gaps(plant, reason="waits_for_sweep") == []


@pytest.mark.exhaustive
def test_a_hundred_thousand_leads(clock: Clock, plant: Plant) -> None:
    """All of one tenant, and one lead of it; the second by the index, in no time."""
    plant.device()
    for number in range(20):
        warm(plant, f"S{number}", trigger=f"t{number}", niche="fitness" if number < 3 else None)
    plant.conn.execute(
        "insert into drip.leads (user_id, phone, niche, trigger, created_at, updated_at)"
        " select %s, '+6013' || (1000000 + g), case when g %% 2 = 0 then 'food' else 'fitness' end,"
        "  case g %% 3 when 0 then 't' || g %% 30 end, drip.now(), drip.now()"
        " from generate_series(1, 100000) g",
        [plant.user],
    )
    plant.conn.execute("analyze drip.leads")
    started = perf_counter()
    found = plant.rows("select reason, count(*) from drip.enrollment_gaps group by 1")
    whole = perf_counter() - started
    assert {row["reason"] for row in found} == {
        "niche_differs", "waits_for_sweep", "no_sequence", "no_trigger"
    }  # fmt: skip
    lead = plant.value("select max(id) from drip.leads")
    started = perf_counter()
    for _ in range(5):
        plant.rows("select * from drip.enrollment_gaps where lead_id = %s", lead)
    single = (perf_counter() - started) / 5
    print(f"all {whole:.1f} s, one {1000 * single:.0f} ms")
    assert whole < 20
    assert single < 0.1
