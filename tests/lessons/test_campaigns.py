"""Campaigns and edits that change what they name, each rule by the smallest case that shows it.

`make mutants` removes them one by one and expects these tests, and no others, to fail.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from factory import Clock, Plant
from psycopg.types.json import Jsonb
from refusals import refusal

CREATE = "select * from drip.create_campaign(%s)"
EXPAND = "select * from drip.expand_campaigns(%s)"
URL = "https://example.com/a.png"


def scheduled(plant: Plant, **definition: Any) -> int:
    """A campaign to everyone that is due now."""
    definition = {"title": "Raya", "message": "Hi", "everyone": True} | definition
    campaign = int(plant.row(CREATE, Jsonb(definition))["campaign_id"])
    plant.row("select * from drip.schedule_campaign(%s)", str(campaign))
    return campaign


def expand(plant: Plant, limit: int = 1000) -> None:
    """Call until nothing remains, as a worker does."""
    for _ in range(20):
        if all(row["remaining"] == 0 for row in plant.rows(EXPAND, limit)):
            return
    raise AssertionError("it expands again and again")


def planned(plant: Plant, campaign: int) -> list[int]:
    """The leads of a campaign's messages."""
    return [
        row["lead_id"]
        for row in plant.rows(
            "select lead_id from drip.broadcast_messages where campaign_id = %s order by 1",
            campaign,
        )
    ]


def stored(plant: Plant) -> dict[str, Any]:
    return plant.row("select * from drip.campaigns")


# -- 33: edits of one that runs ---------------------------------------------------------------


@pytest.mark.lesson(33, "text at the claim")
def test_a_campaigns_text_counts_from_the_next_claim(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.lead()
    scheduled(plant)
    expand(plant)
    plant.row("select * from drip.update_campaign('Raya', %s)", Jsonb({"message": "New"}))
    assert plant.claim()[0]["content"] == "New"


@pytest.mark.parametrize(
    "is_rehearsal",
    [
        pytest.param(True, marks=pytest.mark.lesson(33, "rehearsed")),
        pytest.param(False, marks=pytest.mark.lesson(33, "the plan follows")),
    ],
)
def test_a_campaigns_time_moves_what_waits(clock: Clock, plant: Plant, is_rehearsal: bool) -> None:
    plant.device()
    plant.lead()
    campaign = scheduled(plant)
    expand(plant)
    later = clock.now + timedelta(hours=2)
    plant.rows(
        "select * from drip.update_campaign('Raya', %s, %s)",
        Jsonb({"scheduled_at": later.isoformat()}),
        is_rehearsal,
    )
    at = plant.value(
        "select scheduled_at from drip.broadcast_messages where campaign_id = %s", campaign
    )
    assert at == (clock.now if is_rehearsal else later)


# -- 35: who is in it -------------------------------------------------------------------------


@pytest.mark.lesson(35, "all means all")
@pytest.mark.parametrize("program", ["campaign", "sequence"])
def test_all_leaves_nobody_out(clock: Clock, plant: Plant, program: str) -> None:
    plant.device()
    leads = [plant.lead(target_status=status, trigger="x") for status in ("prospect", "customer")]
    if program == "campaign":
        campaign = scheduled(plant, target_status="all")
        expand(plant)
        assert planned(plant, campaign) == leads
    else:
        plant.sequence(auto_enroll="trigger", trigger="x", target_status="all")
        assert plant.row("select * from drip.enroll_matching_leads()")["enrolled"] == 2


@pytest.mark.lesson(35, "nothing is capped")
def test_a_chunk_is_no_limit(clock: Clock, plant: Plant) -> None:
    plant.device()
    leads = [plant.lead() for _ in range(5)]
    campaign = scheduled(plant)
    expand(plant, 2)
    assert planned(plant, campaign) == leads


@pytest.mark.lesson(35, "counted")
def test_the_audience_is_counted_and_kept(clock: Clock, plant: Plant) -> None:
    plant.device()
    for _ in range(3):
        plant.lead()
    scheduled(plant)
    expand(plant)
    assert stored(plant)["audience_count"] == 3


@pytest.mark.lesson(35, "without a device")
def test_without_a_device_all_are_planned_and_say_so(clock: Clock, plant: Plant) -> None:
    leads = [plant.lead() for _ in range(3)]
    campaign = scheduled(plant)
    expand(plant)
    assert planned(plant, campaign) == leads
    reasons = plant.rows("select reason from drip.message_outlook")
    assert [row["reason"] for row in reasons] == ["no_device"] * 3


# -- 36: an expansion that fails --------------------------------------------------------------


@pytest.fixture
def broken(clock: Clock, plant: Plant) -> int:
    """A campaign that is due, and whose messages cannot be planned."""
    plant.device()
    plant.lead()
    plant.conn.execute(
        "create function public.refuse() returns trigger language plpgsql as $$"
        " begin raise exception 'the disk is full'; end $$"
    )
    plant.conn.execute(
        "create trigger refuse before insert on drip.broadcast_messages for each row"
        " execute function public.refuse()"
    )
    return scheduled(plant)


@pytest.mark.lesson(36, "the error is kept")
def test_the_error_of_an_expansion_is_kept(clock: Clock, plant: Plant, broken: int) -> None:
    plant.rows(EXPAND, 10)
    row = stored(plant)
    assert "the disk is full" in row["last_error"]
    assert row["last_run_at"] == clock.now


@pytest.mark.lesson(36, "shown")
@pytest.mark.lesson(36, "the error is kept")
def test_the_error_of_an_expansion_is_shown(clock: Clock, plant: Plant, broken: int) -> None:
    plant.rows(EXPAND, 10)
    row = plant.row("select last_error, last_run_at from drip.campaign_overview")
    assert "the disk is full" in row["last_error"]
    assert row["last_run_at"] == clock.now


@pytest.mark.lesson(36, "not at once again")
def test_a_failed_expansion_is_no_loop(clock: Clock, plant: Plant, broken: int) -> None:
    assert len(plant.rows(EXPAND, 10)) == 1
    assert plant.rows(EXPAND, 10) == []
    clock.advance(minutes=5)
    assert len(plant.rows(EXPAND, 10)) == 1


@pytest.mark.lesson(36, "it ends")
def test_an_expansion_is_tried_a_few_times(clock: Clock, plant: Plant, broken: int) -> None:
    for _ in range(20):
        plant.rows(EXPAND, 10)
        clock.advance(minutes=20)
    row = stored(plant)
    assert (row["status"], row["expand_attempts"]) == ("failed", 5)
    assert "the disk is full" in row["status_reason"]


# -- 37: patches ------------------------------------------------------------------------------


@pytest.mark.lesson(37, "campaigns")
def test_a_patch_of_a_campaign(clock: Clock, plant: Plant) -> None:
    definition = {"title": "Raya", "message": "Hi", "niche": "gym", "valid_for": "2 hours"}
    plant.row(CREATE, Jsonb(definition))
    plant.row("select * from drip.update_campaign('Raya', %s)", Jsonb({"message": "New"}))
    row = stored(plant)
    assert (row["message"], row["niche"], row["valid_for"]) == ("New", "gym", timedelta(hours=2))


@pytest.mark.lesson(37, "sequences")
def test_a_patch_of_a_sequence(clock: Clock, plant: Plant) -> None:
    plant.sequence(name="Warm", niche="gym", description="old")
    plant.row("select * from drip.update_sequence('Warm', %s)", Jsonb({"description": "new"}))
    row = plant.row("select description, niche, auto_enroll from drip.sequences")
    assert row == {"description": "new", "niche": "gym", "auto_enroll": "manual"}


@pytest.mark.lesson(37, "steps")
def test_a_patch_of_a_step(clock: Clock, plant: Plant) -> None:
    plant.sequence({"name": "one", "trigger_delay_hours": 5, "valid_for": "2 hours"}, name="Warm")
    plant.rows("select * from drip.update_step('Warm', 'one', %s)", Jsonb({"content": "New"}))
    row = plant.row("select content, trigger_delay_hours::text, valid_for from drip.sequence_steps")
    assert tuple(row.values()) == ("New", "5", timedelta(hours=2))


# -- 38: finished -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "still",
    [
        pytest.param({}, marks=pytest.mark.lesson(38, "nothing waits")),
        pytest.param(
            {"status": "processing", "worker_id": "w"},
            marks=pytest.mark.lesson(38, "nothing is on its way"),
        ),
        pytest.param(
            {"status": "unknown", "status_reason": "no answer"},
            marks=pytest.mark.lesson(38, "nothing is in doubt"),
        ),
    ],
)
def test_a_campaign_runs_while_a_message_moves(
    clock: Clock, plant: Plant, still: dict[str, Any]
) -> None:
    campaign = plant.campaign(expanded_at=clock.now)
    status = still.get("status")
    plant.message(
        plant.device(),
        campaign_id=campaign,
        priority=3,
        lease_expires_at=clock.now if status == "processing" else None,
        finished_at=clock.now if status == "unknown" else None,
        **still,
    )
    plant.rows("select drip._complete_campaigns(10)")
    assert stored(plant)["status"] == "triggered"


@pytest.mark.lesson(38, "planned to the end")
@pytest.mark.lesson(35, "nothing is capped")
def test_a_campaign_runs_while_somebody_is_not_planned(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.lead()
    plant.lead()
    scheduled(plant)
    plant.rows(EXPAND, 1)
    plant.answer(plant.claim()[0])
    plant.rows("select drip._complete_campaigns(10)")
    assert stored(plant)["status"] == "triggered"


@pytest.mark.lesson(38, "journeys")
def test_a_journey_runs_while_its_last_message_is_on_its_way(clock: Clock, plant: Plant) -> None:
    plant.device()
    enrollment = plant.enroll(plant.sequence())
    assert len(plant.claim()) == 1
    plant.rows("select * from drip._sync_enrollments(%s)", [enrollment])
    assert plant.enrollment(enrollment)["status"] == "pending"


# -- 39: media --------------------------------------------------------------------------------


@pytest.mark.lesson(39, "told when it is saved")
@pytest.mark.parametrize(
    ("message", "told"),
    [
        ({"message_type": "image"}, "media_url is missing"),
        ({"media_url": URL}, "media_url does not fit message_type text"),
    ],
)
def test_what_does_not_fit_is_told_by_its_path(
    clock: Clock, plant: Plant, message: dict[str, Any], told: str
) -> None:
    definition = {"title": "Raya", "everyone": True, "message": "Hi"} | message
    steps = [{"content": "Hi"}, {"content": "Hi"} | message]
    code, sentence, _ = refusal(plant.conn, CREATE, Jsonb(definition))
    assert (code, sentence) == ("DR008", told)
    code, sentence, _ = refusal(
        plant.conn,
        "select * from drip.create_sequence(%s)",
        Jsonb({"name": "Warm", "steps": steps}),
    )
    assert (code, sentence) == ("DR008", f"steps[2].{told}")


@pytest.mark.lesson(39, "known types")
def test_a_type_that_no_sender_has_is_refused(clock: Clock, plant: Plant) -> None:
    definition = {"title": "Raya", "everyone": True, "message": "Hi", "media_url": URL}
    code, _, _ = refusal(plant.conn, CREATE, Jsonb(definition | {"message_type": "sticker"}))
    assert code == "DR004"


# -- 40: one row a recipient ------------------------------------------------------------------


@pytest.mark.lesson(40, "a repeat is harmless")
def test_planning_again_plans_nobody_twice(clock: Clock, plant: Plant) -> None:
    plant.device()
    leads = [plant.lead() for _ in range(3)]
    campaign = scheduled(plant)
    expand(plant)
    plant.update("campaigns", campaign, expanded_to_lead_id=0, expanded_at=None)
    expand(plant)
    assert planned(plant, campaign) == leads
    assert stored(plant)["last_error"] is None


@pytest.mark.lesson(40, "a resume frees what was held")
@pytest.mark.lesson(35, "nothing is capped")
def test_a_pause_in_the_midst_loses_and_repeats_nobody(clock: Clock, plant: Plant) -> None:
    plant.device()
    phones = [f"+6012345678{number}" for number in range(6)]
    for phone in phones:
        plant.lead(phone)
    scheduled(plant)
    plant.rows(EXPAND, 4)
    [first] = plant.claim()
    plant.answer(first)
    plant.row("select * from drip.pause_campaign('Raya')")
    assert plant.live(clock, clock.now + timedelta(hours=1)) == []
    plant.row("select * from drip.resume_campaign('Raya')")
    handed = plant.live(clock, clock.now + timedelta(hours=1))
    reached = [first["recipient_phone"], *(phone for _, phone, _ in handed)]
    assert Counter(reached) == Counter(phones)
