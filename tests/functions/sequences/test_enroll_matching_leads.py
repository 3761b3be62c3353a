"""enroll_matching_leads(): who enters by token or niche, and what becomes of the token."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from factory import Clock, Connect, Plant, Row


def sweep(plant: Plant, limit: int = 1000) -> Row:
    """One sweep."""
    return plant.row("select * from drip.enroll_matching_leads(%s)", limit)


def warm(plant: Plant, **definition: object) -> int:
    """A sequence that enrolls by the trigger warm."""
    return plant.sequence(
        **({"name": "Warm", "auto_enroll": "trigger", "trigger": "warm"} | definition)
    )


def triggers(plant: Plant) -> list[str | None]:
    return [row["trigger"] for row in plant.rows("select trigger from drip.leads order by id")]


def enrolled(plant: Plant, sequence: int) -> list[int]:
    return [
        row["lead_id"]
        for row in plant.rows(
            "select lead_id from drip.sequence_contacts where sequence_id = %s order by lead_id",
            sequence,
        )
    ]


def test_a_token_enters_and_is_consumed(clock: Clock, plant: Plant) -> None:
    sequence = warm(plant)
    lead = plant.lead(trigger="WARM")

    assert sweep(plant) == {"enrolled": 1, "consumed": 1, "looked_at": 1, "remaining": 0}

    assert enrolled(plant, sequence) == [lead]
    assert triggers(plant) == [None]
    assert sweep(plant)["looked_at"] == 0


@pytest.mark.lesson(27, "only that token")
def test_only_the_consumed_token_goes(clock: Clock, plant: Plant) -> None:
    """LESSONS 27."""
    warm(plant)
    plant.lead(trigger="vip, warm ,later")
    plant.lead(trigger="vip")
    sweep(plant)
    assert triggers(plant) == ["vip,later", "vip"]


@pytest.mark.lesson(25, "compared whole")
@pytest.mark.parametrize("trigger", ["warmup", "COLDwarm", "warm start", "warm;hot"])
def test_tokens_are_compared_whole(clock: Clock, plant: Plant, trigger: str) -> None:
    warm(plant)
    plant.lead(trigger=trigger)
    assert sweep(plant)["enrolled"] == 0


def test_several_tokens_enter_several_sequences_in_one_go(clock: Clock, plant: Plant) -> None:
    one, two = warm(plant), warm(plant, name="Hot", trigger="hot")
    lead = plant.lead(trigger="hot,warm")
    assert sweep(plant)["enrolled"] == 2
    assert enrolled(plant, one) == enrolled(plant, two) == [lead]
    assert triggers(plant) == [None]


def test_the_entry_steps_trigger_counts_where_the_sequence_has_none(
    clock: Clock, plant: Plant
) -> None:
    sequence = plant.sequence(
        {"trigger": "entry"}, {"trigger": "second"}, auto_enroll="trigger", name="Step"
    )
    lead = plant.lead(trigger="entry")
    plant.lead(trigger="second")
    sweep(plant)
    assert enrolled(plant, sequence) == [lead]
    assert triggers(plant) == [None, "second"]


def test_niche_and_status_must_match_where_they_are_named(clock: Clock, plant: Plant) -> None:
    sequence = warm(plant, niche="skincare", target_status="customer")
    good = plant.lead(trigger="warm", niche="vip, SkinCare", target_status="customer")
    plant.lead(trigger="warm", niche="skincare2", target_status="customer")
    plant.lead(trigger="warm", target_status="customer")
    plant.lead(trigger="warm", niche="skincare", target_status="prospect")
    sweep(plant)
    assert enrolled(plant, sequence) == [good]
    assert triggers(plant) == [None, "warm", "warm", "warm"]


def test_all_means_all(clock: Clock, plant: Plant) -> None:
    """LESSONS 35."""
    warm(plant, target_status="all")
    plant.lead(trigger="warm", target_status="customer")
    plant.lead(trigger="warm", target_status="prospect")
    assert sweep(plant)["enrolled"] == 2


@pytest.mark.lesson(26, "the sweep")
@pytest.mark.lesson(27, "only that lead's")
def test_no_other_tenants_leads(clock: Clock, plant: Plant) -> None:
    """LESSONS 26."""
    sequence = warm(plant)
    other = plant.other_tenant()
    plant.lead(user=other, trigger="warm")
    mine = plant.lead(trigger="warm")
    sweep(plant)
    assert enrolled(plant, sequence) == [mine]
    assert triggers(plant) == ["warm", None]


def test_who_is_in_already_loses_the_token(clock: Clock, plant: Plant) -> None:
    sequence = warm(plant)
    lead = plant.lead()
    plant.enroll(sequence, lead)
    plant.conn.execute("update drip.leads set trigger = 'warm'")
    assert sweep(plant) == {"enrolled": 0, "consumed": 1, "looked_at": 1, "remaining": 0}
    assert triggers(plant) == [None]


def test_behind_a_pause_the_token_stays(clock: Clock, plant: Plant) -> None:
    sequence = warm(plant)
    plant.row("select * from drip.pause_sequence('Warm')")
    lead = plant.lead(trigger="warm")
    assert sweep(plant)["consumed"] == 0
    assert triggers(plant) == ["warm"]

    plant.row("select * from drip.resume_sequence('Warm')")
    assert sweep(plant)["enrolled"] == 1
    assert enrolled(plant, sequence) == [lead]


def test_behind_a_group_the_token_stays_until_the_journey_ends(clock: Clock, plant: Plant) -> None:
    cold = plant.sequence(name="Cold", exclusive_group="funnel")
    hot = warm(plant, exclusive_group="funnel")
    lead = plant.lead()
    plant.enroll(cold, lead)
    plant.conn.execute("update drip.leads set trigger = 'warm'")
    assert sweep(plant)["consumed"] == 0
    assert triggers(plant) == ["warm"]
    assert sweep(plant)["looked_at"] == 0

    phone = plant.value("select phone from drip.leads")
    plant.row("select * from drip.exit_lead('Cold', %s)", phone)

    assert sweep(plant)["enrolled"] == 1
    assert enrolled(plant, hot) == [lead]


def test_two_sequences_of_a_group_take_turns(clock: Clock, plant: Plant) -> None:
    """LESSONS 28: in one sweep, the first enters and the other's token stays."""
    warm(plant, exclusive_group="funnel")
    warm(plant, name="Hot", trigger="hot", exclusive_group="funnel")
    plant.lead(trigger="hot,warm")
    assert sweep(plant)["enrolled"] == 1
    assert triggers(plant) == ["hot"]


def test_who_opted_out_keeps_the_token_and_is_not_looked_at_for_ever(
    clock: Clock, plant: Plant
) -> None:
    warm(plant)
    plant.lead("+60123456789", trigger="warm")
    plant.suppress("+60123456789")
    assert sweep(plant)["enrolled"] == 0
    assert triggers(plant) == ["warm"]
    clock.advance(minutes=6)
    assert sweep(plant)["looked_at"] == 0
    plant.conn.execute("delete from drip.suppressions")
    clock.advance(minutes=6)
    assert sweep(plant)["enrolled"] == 1


def test_what_no_notification_told_is_found_within_five_minutes(clock: Clock, plant: Plant) -> None:
    warm(plant)
    sweep(plant)
    plant.lead(trigger="warm")
    plant.conn.execute("update drip.leads set enroll_check = false")  # as if a look was lost
    assert sweep(plant)["looked_at"] == 0
    clock.advance(minutes=5)
    assert sweep(plant)["enrolled"] == 1


def test_the_seeds_update_of_a_trigger_finds_waiting_leads(clock: Clock, plant: Plant) -> None:
    """LESSONS 24: leads waited, and the trigger came later."""
    warm(plant, trigger="nobody")
    plant.lead(trigger="warm_start")
    assert sweep(plant)["enrolled"] == 0
    plant.conn.execute("listen drip_enroll")
    plant.conn.execute("set search_path = drip")
    plant.conn.execute("UPDATE sequences SET trigger = 'warm_start' WHERE name = 'Warm'")
    assert len(list(plant.conn.notifies(timeout=5, stop_after=1))) == 1
    assert sweep(plant)["enrolled"] == 1


def test_by_niche_new_and_changed_leads_enter(clock: Clock, plant: Plant) -> None:
    plant.lead("+60120000001", niche="skincare")
    changed = plant.lead("+60120000002", niche="food")
    sweep(plant)
    clock.advance(minutes=1)
    sequence = plant.sequence(name="Niche", auto_enroll="niche", niche="skincare")
    assert sweep(plant)["enrolled"] == 0

    clock.advance(minutes=1)
    new = plant.lead("+60120000003", niche="Skincare, other")
    plant.conn.execute("update drip.leads set niche = 'skincare' where id = %s", [changed])
    assert sweep(plant)["enrolled"] == 2
    assert enrolled(plant, sequence) == [changed, new]
    clock.advance(minutes=6)
    assert sweep(plant) == {"enrolled": 0, "consumed": 0, "looked_at": 0, "remaining": 0}


def test_by_niche_existing_leads_enter_where_asked(clock: Clock, plant: Plant) -> None:
    old = plant.lead(niche="skincare")
    plant.lead(niche="food")
    sweep(plant)
    clock.advance(minutes=1)
    sequence = plant.sequence(name="Niche", auto_enroll="niche", niche="skincare", start=False)
    row = plant.row("select * from drip.start_sequence('Niche', p_include_existing => true)")
    assert row["matching"] == 1
    assert sweep(plant)["enrolled"] == 1
    assert enrolled(plant, sequence) == [old]


def test_by_niche_nobody_enters_twice(clock: Clock, plant: Plant) -> None:
    sequence = plant.sequence(
        name="Niche", auto_enroll="niche", niche="skincare", reenroll_after="0 days"
    )
    plant.lead("+60123456789", niche="skincare")
    sweep(plant)
    plant.row("select * from drip.exit_lead('Niche', '+60123456789')")
    clock.advance(days=1)
    plant.conn.execute("update drip.leads set niche = 'x,skincare'")
    assert sweep(plant)["enrolled"] == 0
    assert len(enrolled(plant, sequence)) == 1


def test_manual_sequences_take_nobody(clock: Clock, plant: Plant) -> None:
    warm(plant, auto_enroll="manual")
    plant.lead(trigger="warm")
    assert sweep(plant)["enrolled"] == 0
    assert triggers(plant) == ["warm"]


def test_chunks_say_what_remains(clock: Clock, plant: Plant) -> None:
    warm(plant)
    for _ in range(5):
        plant.lead(trigger="warm")
    seen = [sweep(plant, 2) for _ in range(3)]
    assert [row["enrolled"] for row in seen] == [2, 2, 1]
    assert seen[0]["remaining"] > 0
    assert seen[-1]["remaining"] == 0


def test_marking_goes_in_pieces_and_ends(clock: Clock, plant: Plant) -> None:
    for _ in range(7):
        plant.lead(trigger="warm")
    while sweep(plant, 3)["remaining"]:
        pass
    clock.advance(minutes=1)
    sequence = warm(plant)
    calls = 0
    while True:
        calls += 1
        assert calls < 10
        if sweep(plant, 3)["remaining"] == 0:
            break
    assert len(enrolled(plant, sequence)) == 7
    assert plant.row("select swept_at, swept_to_lead_id from drip.sequences") == {
        "swept_at": clock.now,
        "swept_to_lead_id": 0,
    }


def test_a_lead_that_somebody_holds_is_left_for_later(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    warm(plant)
    held, free = plant.lead(trigger="warm"), plant.lead(trigger="warm")
    holder = clock.join(connect())
    with holder.transaction():
        holder.execute("update drip.leads set name = 'x' where id = %s", [held])
        plant.conn.execute("set statement_timeout = '5s'")
        # It must not ask for another call at once either: the row stays held.
        assert sweep(plant) == {"enrolled": 1, "consumed": 1, "looked_at": 1, "remaining": 0}
    assert triggers(plant) == ["warm", None]
    assert sweep(plant)["enrolled"] == 1
    assert free


def test_one_lead_that_cannot_be_enrolled_stops_nobody(clock: Clock, plant: Plant) -> None:
    sequence = plant.sequence(
        {"send_time": "10:00"}, name="Warm", auto_enroll="trigger", trigger="warm"
    )
    good = [plant.lead(trigger="warm")]
    bad = plant.lead(trigger="warm")
    good.append(plant.lead(trigger="warm"))
    plant.conn.execute("alter table drip.leads disable trigger user")
    plant.conn.execute("update drip.leads set time_zone = 'Mars/Olympus' where id = %s", [bad])
    plant.conn.execute("alter table drip.leads enable trigger user")

    assert sweep(plant)["enrolled"] == 2

    assert enrolled(plant, sequence) == good
    error = plant.value("select last_error from drip.task_runs")
    assert "Mars/Olympus" in error
    assert f"lead {bad}" in error


def test_a_chain_starts_from_the_last_send(clock: Clock, plant: Plant) -> None:
    """COLD → WARM: the first step waits its own delay since the last send, not start_delay."""
    plant.device()
    cold = plant.sequence({}, {"next_trigger": "warm"}, name="Cold")
    hot = warm(plant, start_delay="5 minutes")
    plant.conn.execute(
        "update drip.sequence_steps set trigger_delay_hours = 6 where sequence_id = %s", [hot]
    )
    lead = plant.lead()
    plant.enroll(cold, lead)
    sent: list[datetime] = []
    for _ in range(2):
        plant.wake()
        [claimed] = plant.claim()
        plant.answer(claimed)
        sent.append(clock.now)
        clock.advance(hours=24)
    assert triggers(plant) == ["warm"]
    clock.set(sent[-1] + timedelta(minutes=3))

    sweep(plant)

    assert triggers(plant) == [None]
    assert plant.value("select chained from drip.leads") == {}
    [enrollment] = plant.rows("select * from drip.sequence_contacts where sequence_id = %s", hot)
    assert enrollment["next_trigger_time"] == sent[-1] + timedelta(hours=6)


def test_a_late_chain_starts_at_once_not_in_the_past(clock: Clock, plant: Plant) -> None:
    hot = warm(plant)
    last = clock.now - timedelta(days=3)
    plant.lead(trigger="warm")
    plant.conn.execute(
        "update drip.leads set chained = jsonb_build_object('warm', %s::text)", [last.isoformat()]
    )
    sweep(plant)
    [enrollment] = plant.rows("select * from drip.sequence_contacts where sequence_id = %s", hot)
    assert enrollment["next_trigger_time"] == clock.now
