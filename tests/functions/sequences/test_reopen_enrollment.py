"""reopen_enrollment(): the exit of a journey is taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from factory import Clock, Connect, Plant
from inbound import PHONE, process, said, send
from psycopg.types.json import Jsonb

REOPEN = "select * from drip.reopen_enrollment(%s, %s)"


def ended(plant: Plant, *steps: dict[str, Any], **definition: Any) -> tuple[int, int]:
    """A sequence and an enrollment that a reply has ended after its first step."""
    plant.tenant(auto_reply_seconds=None)
    device = plant.device(burst=9)
    sequence = plant.sequence(*(steps or ({}, {}, {})), **definition)
    enrollment = plant.enroll(sequence, plant.lead(PHONE))
    send(plant, plant.journey(enrollment)[0]["id"])
    process(plant, said(device, "I am on holiday until Monday"))
    assert plant.enrollment(enrollment)["exit_reason"] == "lead_replied"
    return sequence, enrollment


def reopen(plant: Plant, sequence: int, phone: str = PHONE) -> dict[str, Any]:
    """The row of the verb."""
    return plant.row(REOPEN, str(sequence), phone)


def test_what_the_reply_cancelled_goes_later_by_the_time_between(
    clock: Clock, plant: Plant
) -> None:
    sequence, enrollment = ended(plant)
    planned = [row["scheduled_at"] for row in plant.journey(enrollment)]
    between = clock.advance(hours=30) - clock.read("2026-03-02 09:00+08")
    row = reopen(plant, sequence)
    assert row == {
        "enrollment_id": enrollment,
        "outcome": "reopened",
        "messages": 2,
        "next_at": planned[1] + between,
    }
    steps = plant.journey(enrollment)
    assert [step["status"] for step in steps] == ["sent", "pending", "pending"]
    assert [step["scheduled_at"] for step in steps] == [planned[0]] + [
        at + between for at in planned[1:]
    ]
    assert {step["status_reason"] for step in steps} == {None}
    live = plant.enrollment(enrollment)
    assert (live["status"], live["exit_reason"], live["completed_at"]) == ("sent", None, None)
    assert live["next_trigger_time"] == planned[1] + between


def test_the_journey_goes_on_to_its_end(clock: Clock, plant: Plant) -> None:
    sequence, enrollment = ended(plant, {}, {"next_trigger": "hot"})
    clock.advance(days=5)
    reopen(plant, sequence)
    handed = plant.live(clock, clock.now.replace(day=20))
    assert [phone for _, phone, _ in handed] == [PHONE]
    assert plant.enrollment(enrollment)["status"] == "completed"
    assert plant.value("select trigger from drip.leads") == "hot"


def test_the_next_reply_ends_it_again(clock: Clock, plant: Plant) -> None:
    sequence, enrollment = ended(plant)
    reopen(plant, sequence)
    process(plant, said(plant.value("select min(id) from drip.user_devices"), "no thanks", "R2"))
    assert plant.enrollment(enrollment)["exit_reason"] == "lead_replied"
    assert reopen(plant, sequence)["outcome"] == "reopened"


def test_expiry_moves_along(clock: Clock, plant: Plant) -> None:
    sequence, enrollment = ended(plant, {}, {"valid_for": "2 hours"})
    clock.advance(days=5)
    reopen(plant, sequence)
    step = plant.journey(enrollment)[1]
    assert (step["expires_at"] - step["scheduled_at"]).total_seconds() == 7200


def test_the_time_of_day_is_kept(clock: Clock, plant: Plant) -> None:
    sequence, enrollment = ended(plant, {}, {"send_time": "10:00"})
    before = plant.journey(enrollment)[1]["scheduled_at"]
    clock.advance(hours=50)
    reopen(plant, sequence)
    after = plant.journey(enrollment)[1]["scheduled_at"]
    assert (after.hour, after.minute) == (before.hour, before.minute)
    assert after > clock.now


@pytest.mark.parametrize("verb", ["exit_lead"])
def test_an_exit_by_a_person_is_taken_back_as_well(clock: Clock, plant: Plant, verb: str) -> None:
    plant.device()
    sequence = plant.sequence({}, {})
    enrollment = plant.enroll(sequence, plant.lead(PHONE))
    plant.row(f"select * from drip.{verb}(%s, %s, 'by mistake')", str(sequence), PHONE)
    assert reopen(plant, sequence)["messages"] == 2
    assert plant.enrollment(enrollment)["status"] == "pending"


def test_what_was_cancelled_for_another_reason_stays_so(clock: Clock, plant: Plant) -> None:
    plant.device()
    sequence = plant.sequence({}, {}, {})
    enrollment = plant.enroll(sequence, plant.lead(PHONE))
    first = plant.journey(enrollment)[0]["id"]
    plant.row("select * from drip.cancel_messages(%s, 'not this one', false)", [first])
    plant.row("select * from drip.exit_lead(%s, %s)", str(sequence), PHONE)
    assert reopen(plant, sequence)["messages"] == 2
    assert [row["status"] for row in plant.journey(enrollment)] == [
        "cancelled", "pending", "pending",
    ]  # fmt: skip


# -- outcomes ---------------------------------------------------------------------------------


def test_a_live_journey_is_left_alone(clock: Clock, plant: Plant) -> None:
    plant.device()
    sequence = plant.sequence({}, {})
    enrollment = plant.enroll(sequence, plant.lead(PHONE))
    row = reopen(plant, sequence)
    assert (row["outcome"], row["messages"]) == ("already_live", 0)
    assert row["next_at"] == plant.journey(enrollment)[0]["scheduled_at"]
    assert plant.rows("select * from drip.audit_log where action = 'reopen_enrollment'") == []


def test_a_second_call_finds_it_live(clock: Clock, plant: Plant) -> None:
    sequence, _ = ended(plant)
    clock.advance(hours=1)
    first = reopen(plant, sequence)
    clock.advance(hours=1)
    again = reopen(plant, sequence)
    assert (again["outcome"], again["next_at"]) == ("already_live", first["next_at"])


def test_nothing_is_left_of_a_last_step(clock: Clock, plant: Plant) -> None:
    sequence, enrollment = ended(plant)
    plant.conn.execute(
        "update drip.broadcast_messages set status_reason = 'erased' where status = 'cancelled'"
    )
    assert reopen(plant, sequence)["outcome"] == "nothing_left"
    assert plant.enrollment(enrollment)["exit_reason"] == "lead_replied"


@pytest.mark.parametrize(
    ("category", "of_sequence", "outcome"),
    [
        ("all", "marketing", "suppressed"),
        ("marketing", "marketing", "suppressed"),
        ("all", "utility", "suppressed"),
        ("marketing", "utility", "reopened"),
    ],
)
def test_who_has_opted_out_stays_out(
    clock: Clock, plant: Plant, category: str, of_sequence: str, outcome: str
) -> None:
    sequence, enrollment = ended(plant, category=of_sequence)
    plant.row("select * from drip.opt_out(%s, null, %s)", PHONE, category)
    assert reopen(plant, sequence)["outcome"] == outcome
    assert (plant.enrollment(enrollment)["status"] == "exited") == (outcome == "suppressed")


def test_after_an_opt_in_the_opt_out_can_be_taken_back(clock: Clock, plant: Plant) -> None:
    plant.device()
    sequence = plant.sequence({}, {})
    enrollment = plant.enroll(sequence, plant.lead(PHONE))
    device = plant.value("select id from drip.user_devices")
    process(plant, said(device, "STOP"))
    plant.row("select * from drip.opt_in(%s)", PHONE)
    row = reopen(plant, sequence)
    assert (row["outcome"], row["messages"]) == ("reopened", 2)
    assert plant.enrollment(enrollment)["status"] == "pending"
    plant.wake()
    assert len(plant.claim()) == 1


def test_another_journey_of_the_group_goes_before(clock: Clock, plant: Plant) -> None:
    sequence, enrollment = ended(plant, exclusive_group="funnel")
    other = plant.sequence({}, exclusive_group="funnel")
    plant.enroll(other, plant.value("select id from drip.leads"))
    assert reopen(plant, sequence)["outcome"] == "exclusive"
    assert plant.enrollment(enrollment)["status"] == "exited"


def test_a_completed_journey_is_over(clock: Clock, plant: Plant) -> None:
    plant.device()
    sequence = plant.sequence({})
    enrollment = plant.enroll(sequence, plant.lead(PHONE))
    send(plant, plant.journey(enrollment)[0]["id"])
    with pytest.raises(psycopg.Error, match="the journey has ended as completed") as caught:
        reopen(plant, sequence)
    assert caught.value.sqlstate == "DR005"


def test_an_archived_sequence_is_over(clock: Clock, plant: Plant) -> None:
    sequence, _ = ended(plant)
    plant.row("select * from drip.archive_sequence(%s)", str(sequence))
    with pytest.raises(psycopg.Error, match="archived") as caught:
        reopen(plant, sequence)
    assert caught.value.sqlstate == "DR005"


def test_who_never_was_in_it(clock: Clock, plant: Plant) -> None:
    plant.device()
    sequence = plant.sequence({})
    plant.lead(PHONE)
    for phone in (PHONE, "+60199999999"):
        with pytest.raises(psycopg.Error) as caught:
            reopen(plant, sequence, phone)
        assert caught.value.sqlstate == "DR012"


def test_a_paused_sequence_keeps_it_waiting(clock: Clock, plant: Plant) -> None:
    sequence, enrollment = ended(plant)
    plant.row("select * from drip.pause_sequence(%s)", str(sequence))
    reopen(plant, sequence)
    clock.advance(days=3)
    plant.wake()
    assert plant.claim() == []
    assert plant.explain(plant.journey(enrollment)[1]["id"])["reason"] == "sequence_paused"


def test_the_newest_of_several_with_the_key(clock: Clock, plant: Plant) -> None:
    plant.device()
    sequence = plant.sequence({}, {}, reenroll_after="1 minute")
    plant.lead(PHONE)
    ids = []
    for key in ("a", "b", "a"):
        row = plant.row(
            "select * from drip.enroll_lead(%s, %s, p_key => %s)", str(sequence), PHONE, key
        )
        ids.append(row["enrollment_id"])
        clock.advance(minutes=2)
        plant.row("select * from drip.exit_lead(%s, %s, p_key => %s)", str(sequence), PHONE, key)
    row = plant.row("select * from drip.reopen_enrollment(%s, %s, 'a')", str(sequence), PHONE)
    assert (row["enrollment_id"], row["outcome"]) == (ids[2], "reopened")
    assert plant.enrollment(ids[0])["status"] == "exited"
    with pytest.raises(psycopg.Error, match="never enrolled"):
        reopen(plant, sequence)


def test_it_is_audited(clock: Clock, plant: Plant) -> None:
    sequence, enrollment = ended(plant)
    plant.row(
        "select * from drip.reopen_enrollment(%s, %s, p_reason => 'an auto-reply')",
        str(sequence),
        PHONE,
    )
    row = plant.row("select * from drip.audit_log where action = 'reopen_enrollment'")
    assert (row["subject_kind"], row["subject_id"]) == ("enrollment", enrollment)
    assert row["reason"] == "an auto-reply"


def test_it_is_the_tenants_own(clock: Clock, plant: Plant, connect: Connect) -> None:
    sequence, enrollment = ended(plant)
    plant.conn.execute("create role reopener login")
    try:
        other = plant.other_tenant()
        plant.conn.execute("grant drip_app to reopener")
        plant.row("select * from drip.assign_role('reopener', %s)", str(other))
        with pytest.raises(psycopg.Error) as caught:
            connect(role="reopener").execute(REOPEN, [str(sequence), PHONE])
        assert caught.value.sqlstate == "DR012"
        assert plant.enrollment(enrollment)["status"] == "exited"
    finally:
        plant.conn.execute("drop owned by reopener")
        plant.conn.execute("drop role reopener")


def test_a_journey_that_comes_back_follows_the_steps_of_now(clock: Clock, plant: Plant) -> None:
    sequence, enrollment = ended(
        plant,
        {"name": "a", "content": "A", "trigger_delay_hours": 0},
        {"name": "b", "content": "B"},
        {"name": "c", "content": "C"},
    )
    plant.row(
        "select count(*) from drip.replace_steps(%s, %s, false)",
        str(sequence),
        Jsonb([{"name": n, "content": n.upper(), "trigger_delay_hours": 24} for n in "acd"]),
    )
    row = reopen(plant, sequence)
    assert (row["outcome"], row["messages"]) == ("reopened", 2)
    handed = plant.live(clock, clock.now + timedelta(days=5))
    assert [text for _, _, text in handed] == ["C", "D"]
    assert plant.enrollment(enrollment)["status"] == "completed"


def test_nothing_comes_back_of_steps_that_are_gone(clock: Clock, plant: Plant) -> None:
    sequence, enrollment = ended(plant, {"name": "a"}, {"name": "b"})
    plant.row(
        "select count(*) from drip.replace_steps(%s, %s, false)",
        str(sequence),
        Jsonb([{"name": "a", "content": "A"}]),
    )
    before = plant.enrollment(enrollment)
    assert reopen(plant, sequence)["outcome"] == "nothing_left"
    assert plant.enrollment(enrollment) == before
