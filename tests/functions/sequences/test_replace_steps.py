"""replace_steps() and update_step(): who moves, gains or loses a step, and then exactly that."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from factory import Clock, Connect, Plant
from psycopg.types.json import Jsonb
from refusals import refusal
from waiting import wait_until_blocked

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
REPLACE = "select * from drip.replace_steps(%s, %s, %s)"
UPDATE = "select * from drip.update_step(%s, %s, %s)"

Row = dict[str, Any]


def steps_of(plant: Plant, name: str = "Warm") -> list[Row]:
    """The steps as get_sequence lists them."""
    steps: list[Row] = plant.value("select drip.get_sequence(%s)", name)["steps"]
    return steps


def replace(plant: Plant, steps: list[Row], *, dry_run: bool = False) -> list[Row]:
    return plant.rows(REPLACE, "Warm", Jsonb(steps), dry_run)


def of_messages(rows: list[Row]) -> list[tuple[str, str, Any, Any]]:
    """What happens to messages: change, name of the step, time before and after."""
    return [
        (row["change"], row["step_name"], row["at_before"], row["at_after"])
        for row in rows
        if row["enrollment_id"] is not None
    ]


def of_steps(rows: list[Row]) -> list[tuple[str, str, int, list[str]]]:
    return [
        (row["change"], row["step_name"], row["step"], row["changed"])
        for row in rows
        if row["enrollment_id"] is None
    ]


def pending(plant: Plant, enrollment: int) -> list[tuple[str, Any]]:
    """Names and times of the steps that are still to come."""
    return [
        (row["name"], row["scheduled_at"])
        for row in plant.rows(
            "select st.name, m.scheduled_at from drip.broadcast_messages m"
            " join drip.sequence_steps st on st.id = m.sequence_stepid"
            " where m.sequence_contact_id = %s and m.status = 'pending' order by m.scheduled_at",
            enrollment,
        )
    ]


@pytest.fixture
def warm(clock: Clock, plant: Plant) -> int:
    """Three daily steps a, b and c; a device."""
    plant.device()
    return plant.sequence(
        {"name": "a", "content": "A"},
        {"name": "b", "content": "B"},
        {"name": "c", "content": "C"},
        name="Warm",
    )


def test_a_step_in_between_moves_what_follows(clock: Clock, plant: Plant, warm: int) -> None:
    start = clock.now
    begun = plant.enroll(warm)
    plant.live(clock, start)
    clock.set(start + HOUR)
    new = plant.enroll(warm)
    a, b, c = steps_of(plant)
    wanted = [a, {"name": "x", "content": "X", "trigger_delay_hours": 2}, b, c]

    rehearsed = replace(plant, wanted, dry_run=True)
    assert pending(plant, begun) == [("b", start + DAY), ("c", start + 2 * DAY)]
    assert len(steps_of(plant)) == 3
    done = replace(plant, wanted)

    assert of_steps(done) == [
        ("step_added", "x", 2, []),
        ("step_shifted", "b", 3, ["day_number"]),
        ("step_shifted", "c", 4, ["day_number"]),
    ]
    for enrollment, first in ((begun, start), (new, start + HOUR)):
        mine = [row for row in done if row["enrollment_id"] == enrollment]
        assert of_messages(mine) == [
            ("gains", "x", None, first + 2 * HOUR),
            ("moves", "b", first + DAY, first + 2 * HOUR + DAY),
            ("moves", "c", first + 2 * DAY, first + 2 * HOUR + 2 * DAY),
        ]
        assert pending(plant, enrollment)[-3:] == [
            ("x", first + 2 * HOUR),
            ("b", first + 2 * HOUR + DAY),
            ("c", first + 2 * HOUR + 2 * DAY),
        ]
    assert {row["applied"] for row in rehearsed} == {False}
    assert {row["applied"] for row in done} == {True}
    assert of_messages(rehearsed) == of_messages(done)
    assert of_steps(rehearsed) == of_steps(done)
    texts = [text for _, _, text in plant.live(clock, start + 5 * DAY)]
    assert texts == ["A", "X", "X", "B", "B", "C", "C"]


def test_a_removed_step_is_lost_where_it_was_to_come(clock: Clock, plant: Plant, warm: int) -> None:
    start = clock.now
    begun, new = plant.enroll(warm), 0
    plant.live(clock, start + DAY)
    new = plant.enroll(warm)
    a, _, c = steps_of(plant)

    rows = replace(plant, [a, c])

    assert of_steps(rows) == [
        ("step_shifted", "c", 2, ["day_number"]),
        ("step_removed", "b", 2, []),
    ]
    assert of_messages([row for row in rows if row["enrollment_id"] == begun]) == []
    assert of_messages([row for row in rows if row["enrollment_id"] == new]) == [
        ("moves", "c", start + 3 * DAY, start + 2 * DAY),
        ("loses", "b", start + 2 * DAY, None),
    ]
    plant.live(clock, start + 9 * DAY)
    assert [row["status"] for row in plant.journey(begun)] == ["sent", "sent", "sent"]
    assert sorted(row["status"] for row in plant.journey(new)) == ["cancelled", "sent", "sent"]
    lost = plant.row("select * from drip.broadcast_messages where status = 'cancelled'")
    assert lost["status_reason"] == "step_removed"
    assert {plant.enrollment(e)["status"] for e in (begun, new)} == {"completed"}
    funnel = plant.rows("select step_name, messages, messages_sent from drip.sequence_funnel")
    assert sum(row["messages"] for row in funnel) == 6
    assert {row["step_name"] for row in funnel} == {"a", "b", "c"}


def test_what_was_sent_of_a_removed_step_keeps_the_distance(
    clock: Clock, plant: Plant, warm: int
) -> None:
    start = clock.now
    enrollment = plant.enroll(warm)
    plant.live(clock, start)
    clock.set(start + DAY + HOUR)
    plant.live(clock, clock.now)
    a, _, c = steps_of(plant)

    replace(plant, [a, c | {"trigger_delay_hours": 2}])

    assert pending(plant, enrollment) == [("c", start + DAY + 3 * HOUR)]
    [(at, _, text)] = plant.live(clock, start + 9 * DAY)
    assert (at, text) == (start + DAY + 3 * HOUR, "C")


def test_a_new_first_step_is_only_for_those_who_have_had_nothing(
    clock: Clock, plant: Plant, warm: int
) -> None:
    start = clock.now
    begun = plant.enroll(warm)
    plant.live(clock, start)
    new = plant.enroll(warm, plant.lead())
    rows = replace(plant, [{"name": "x", "content": "X"}, *steps_of(plant)])
    assert of_messages([row for row in rows if row["enrollment_id"] == begun]) == []
    assert [row[:2] for row in of_messages([r for r in rows if r["enrollment_id"] == new])] == [
        ("gains", "x"),
        ("moves", "a"),
        ("moves", "b"),
        ("moves", "c"),
    ]
    assert steps_of(plant)[0]["is_entry_point"] is True
    assert [step["is_entry_point"] for step in steps_of(plant)] == [True, False, False, False]


def test_an_order_turned_round_sends_nobody_back(clock: Clock, plant: Plant, warm: int) -> None:
    """b was sent; a journey that is past it does not get what now stands before it."""
    start = clock.now
    enrollment = plant.enroll(warm)
    plant.live(clock, start + DAY)
    a, b, c = steps_of(plant)
    replace(plant, [c, b, a])
    assert pending(plant, enrollment) == []
    plant.tick()
    assert plant.enrollment(enrollment)["status"] == "completed"


def test_a_change_of_text_moves_nobody(clock: Clock, plant: Plant, warm: int) -> None:
    enrollment = plant.enroll(warm)
    before = plant.journey(enrollment)
    rows = plant.rows(UPDATE, "Warm", "b", Jsonb({"content": "B, now better"}))
    assert of_steps(rows) == [("step_changed", "b", 2, ["content"])]
    assert of_messages(rows) == []
    assert plant.journey(enrollment) == before
    assert plant.rows(UPDATE, "Warm", "#2", Jsonb({"content": "B, now better"})) == []
    texts = [text for _, _, text in plant.live(clock, clock.now + 3 * DAY)]
    assert texts == ["A", "B, now better", "C"]


def test_a_longer_wait_moves_that_step_and_the_later_ones(
    clock: Clock, plant: Plant, warm: int
) -> None:
    start = clock.now
    enrollment = plant.enroll(warm)
    step = steps_of(plant)[1]["id"]
    rows = plant.rows(UPDATE, "Warm", str(step), Jsonb({"trigger_delay_hours": 30}))
    assert of_messages(rows) == [
        ("moves", "b", start + DAY, start + 30 * HOUR),
        ("moves", "c", start + 2 * DAY, start + 30 * HOUR + DAY),
    ]
    assert plant.journey(enrollment)[0]["scheduled_at"] == start
    assert plant.row("select count(*) from drip.audit_log where action = 'update_step'")


def test_a_shorter_wait_that_is_over_is_due_now(clock: Clock, plant: Plant, warm: int) -> None:
    start = clock.now
    plant.enroll(warm)
    plant.live(clock, start)
    clock.set(start + 5 * HOUR)
    rows = plant.rows(UPDATE, "Warm", "b", Jsonb({"trigger_delay_hours": 1}))
    assert of_messages(rows)[0] == ("moves", "b", start + DAY, start + 5 * HOUR)
    assert [text for _, _, text in plant.live(clock, clock.now)] == ["B"]


def test_a_time_of_day_moves_a_journey_that_has_not_begun(clock: Clock, plant: Plant) -> None:
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    plant.device()
    sequence = plant.sequence({"name": "a"}, name="Warm", start_delay="1 hour")
    enrollment = plant.enroll(sequence)
    plant.rows(UPDATE, "Warm", "a", Jsonb({"send_time": "20:15"}))
    assert pending(plant, enrollment) == [("a", clock.read("2026-03-02 20:15+08"))]
    plant.rows(UPDATE, "Warm", "a", Jsonb({"send_time": None}))
    assert pending(plant, enrollment) == [("a", clock.read("2026-03-02 10:00+08"))]


def test_validity_and_type_reach_what_is_planned(clock: Clock, plant: Plant, warm: int) -> None:
    start = clock.now
    enrollment = plant.enroll(warm)
    change = {
        "valid_for": "2 hours",
        "message_type": "image",
        "media_url": "https://example.com/b.png",
    }
    rows = plant.rows(UPDATE, "Warm", "b", Jsonb(change))
    assert of_messages(rows) == []
    row = plant.journey(enrollment)[1]
    assert (row["message_type"], row["expires_at"]) == ("image", start + DAY + 2 * HOUR)
    plant.live(clock, start + DAY)
    row = plant.journey(enrollment)[1]
    assert (row["status"], row["media_url"]) == ("sent", change["media_url"])


def test_an_update_in_psql_does_the_same(
    clock: Clock, plant: Plant, warm: int, connect: Connect
) -> None:
    start = clock.now
    enrollment = plant.enroll(warm)
    operator = clock.join(connect(role="drip_operator"))
    operator.execute("update drip.sequence_steps set trigger_delay_hours = 30 where name = 'b'")
    assert pending(plant, enrollment) == [
        ("a", start),
        ("b", start + 30 * HOUR),
        ("c", start + 30 * HOUR + DAY),
    ]


def test_a_paused_journey_stays_paused(clock: Clock, plant: Plant, warm: int) -> None:
    enrollment = plant.enroll(warm)
    plant.row("select * from drip.pause_sequence('Warm')")
    replace(plant, [*steps_of(plant), {"name": "d", "content": "D"}])
    assert plant.live(clock, clock.now + 9 * DAY) == []
    plant.row("select * from drip.resume_sequence('Warm')")
    texts = [text for _, _, text in plant.live(clock, clock.now + 9 * DAY)]
    assert texts == ["A", "B", "C", "D"]
    assert plant.enrollment(enrollment)["status"] == "completed"


def test_finished_journeys_gain_nothing(clock: Clock, plant: Plant, warm: int) -> None:
    enrollment = plant.enroll(warm)
    plant.live(clock, clock.now + 9 * DAY)
    rows = replace(plant, [*steps_of(plant), {"name": "d", "content": "D"}])
    assert of_messages(rows) == []
    assert plant.enrollment(enrollment)["status"] == "completed"


def test_the_same_steps_change_nothing(clock: Clock, plant: Plant, warm: int) -> None:
    plant.enroll(warm)
    before = plant.value("select drip.get_sequence('Warm')")
    clock.advance(hours=1)
    assert replace(plant, steps_of(plant)) == []
    after = plant.value("select drip.get_sequence('Warm')")
    for moving in ("updated_at",):
        before.pop(moving), after.pop(moving)
    assert after == before


def test_a_name_that_was_taken_out_may_come_again(clock: Clock, plant: Plant, warm: int) -> None:
    plant.enroll(warm)
    a, _, c = steps_of(plant)
    replace(plant, [a, c])
    replace(plant, [a, {"name": "b", "content": "new B"}, c])
    texts = [text for _, _, text in plant.live(clock, clock.now + 9 * DAY)]
    assert texts == ["A", "new B", "C"]


@pytest.mark.parametrize(
    ("steps", "code", "words"),
    [
        (None, "DR001", "no steps"),
        ({}, "DR004", "not a list"),
        ([], "DR007", "no steps"),
        ([{"name": "a"}], "DR008", "steps[1].content"),
        ([{"id": 999999, "content": "x"}], "DR012", "steps[1].id"),
        ([{"name": "a", "content": "x"}, {"name": "a", "content": "x"}], "DR004", "same step"),
        ([{"contnt": "x"}], "DR003", "contnt"),
        ([1], "DR004", "steps[1]"),
    ],
)
def test_rubbish_is_refused_and_changes_nothing(
    clock: Clock, plant: Plant, warm: int, steps: object, code: str, words: str
) -> None:
    plant.enroll(warm)
    before = plant.rows("select * from drip.sequence_steps order by id")
    found, sentence, _ = refusal(plant.conn, REPLACE, "Warm", Jsonb(steps), False)
    if steps is None:
        found, sentence, _ = refusal(plant.conn, REPLACE, "Warm", None, False)
    assert found == code
    assert words in sentence
    assert plant.rows("select * from drip.sequence_steps order by id") == before


def test_a_step_that_is_not_there(clock: Clock, plant: Plant, warm: int) -> None:
    assert refusal(plant.conn, UPDATE, "Warm", "z", Jsonb({}))[0] == "DR012"
    assert refusal(plant.conn, UPDATE, "Warm", "", Jsonb({}))[0] == "DR001"
    assert refusal(plant.conn, UPDATE, "Warm", "a", None)[0] == "DR001"
    assert refusal(plant.conn, UPDATE, "Warm", "a", Jsonb({"day_number": 3}))[0] == "DR004"
    assert refusal(plant.conn, UPDATE, "Warm", "a", Jsonb({"content": ""}))[0] == "DR008"


def test_an_edit_waits_for_a_claim_and_takes_the_rest(
    clock: Clock, plant: Plant, warm: int, connect: Connect
) -> None:
    """The claim has the message first: it goes as it was, and the journey goes on behind it."""
    enrollment = plant.enroll(warm)
    claimer = clock.join(connect(autocommit=False))
    editor = clock.join(connect())
    claimed = plant.claim(session=claimer)
    assert [row["content"] for row in claimed] == ["A"]
    _, b, c = steps_of(plant)
    with ThreadPoolExecutor(1) as pool:
        edit = pool.submit(editor.execute, REPLACE, ["Warm", Jsonb([b, c]), False])
        wait_until_blocked(plant.conn, editor, by=claimer)
        claimer.commit()
        rows = edit.result(30).fetchall()
    assert "loses" not in {row["change"] for row in rows}
    plant.answer(claimed[0])
    texts = [text for _, _, text in plant.live(clock, clock.now + 9 * DAY)]
    assert texts == ["B", "C"]
    assert [row["status"] for row in plant.journey(enrollment)] == ["sent", "sent", "sent"]


def test_whoever_enrolls_during_an_edit_gets_the_new_steps(
    clock: Clock, plant: Plant, warm: int, connect: Connect
) -> None:
    editor = clock.join(connect(autocommit=False))
    application = clock.join(connect())
    editor.execute(REPLACE, ["Warm", Jsonb([steps_of(plant)[2]]), False])
    enroll = "select * from drip.enroll_lead(%s, %s)"
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(application.execute, enroll, ["Warm", "+60123456789"])
        wait_until_blocked(plant.conn, application, by=editor)
        editor.commit()
        [row] = call.result(30).fetchall()
    assert row["outcome"] == "enrolled"
    texts = [text for _, _, text in plant.live(clock, clock.now + 9 * DAY)]
    assert texts == ["C"]


def test_the_sweep_does_not_wait_for_an_edit(clock: Clock, plant: Plant, connect: Connect) -> None:
    plant.device()
    plant.sequence({"name": "a"}, name="Warm", auto_enroll="trigger", trigger="warm")
    plant.lead(trigger="warm")
    editor = clock.join(connect(autocommit=False))
    editor.execute(REPLACE, ["Warm", Jsonb([{"name": "a", "content": "other"}]), False])
    sweep = "select * from drip.enroll_matching_leads()"
    assert plant.row(sweep)["enrolled"] == 0
    editor.commit()
    assert plant.row(sweep)["enrolled"] == 1


def test_a_step_that_is_gone_enrolls_nobody_and_hands_nobody_on(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.sequence(
        {"name": "a", "trigger": "start"},
        {"name": "b", "next_trigger": "hot"},
        name="Warm",
        auto_enroll="trigger",
    )
    lead = plant.lead(trigger="start")
    plant.live(clock, clock.now)
    replace(plant, [{"name": "c", "content": "C", "trigger": "other"}])
    plant.live(clock, clock.now + 5 * DAY)
    assert plant.value("select status from drip.sequence_contacts") == "completed"
    assert plant.value("select trigger from drip.leads where id = %s", lead) is None
    waiting = plant.lead(trigger="start")
    plant.live(clock, clock.now)
    assert plant.value("select count(*) from drip.sequence_contacts") == 1
    [gap] = plant.rows("select * from drip.enrollment_gaps where lead_id = %s", waiting)
    assert gap["reason"] == "no_sequence"


def test_behind_an_expired_step_the_whole_distance_counts(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    start = clock.now
    plant.enroll(
        plant.sequence(
            {"name": "a"}, {"name": "b", "valid_for": "1 hour"}, {"name": "c"}, name="Warm"
        )
    )
    plant.live(clock, start)
    plant.row("select * from drip.set_device_status(%s, 'offline')", str(device))
    plant.live(clock, start + DAY + 2 * HOUR)
    plant.row("select * from drip.set_device_status(%s, 'online')", str(device))
    rows = plant.rows(UPDATE, "Warm", "c", Jsonb({"trigger_delay_hours": 30}))
    assert of_messages(rows) == [("moves", "c", start + 2 * DAY, start + DAY + 30 * HOUR)]
    [(at, _, _)] = plant.live(clock, start + 9 * DAY)
    assert at == start + DAY + 30 * HOUR


def test_what_was_on_its_way_in_the_edit_keeps_its_distance_to_the_second(
    clock: Clock, plant: Plant
) -> None:
    """Its step is gone and stood behind the new one; forty seconds late move no row."""
    plant.device()
    enrollment = plant.enroll(plant.sequence({"name": "a"}, {"name": "b"}, name="Warm"))
    plant.live(clock, clock.now + DAY - HOUR)
    clock.advance(hours=1)
    plant.wake()
    [claimed] = plant.claim()
    rows = replace(plant, [{"name": "c", "content": "C"}])
    assert of_messages(rows) == [("gains", "c", None, clock.now + DAY)]
    clock.advance(seconds=40)
    answered = clock.now
    plant.answer(claimed)
    later = plant.value("select max(id) from drip.broadcast_messages")
    assert plant.message_row(later)["scheduled_at"] == answered + DAY - timedelta(seconds=40)
    clock.set(answered + DAY - timedelta(seconds=1))
    plant.wake()
    assert plant.claim() == []
    explained = plant.explain(later)
    assert (explained["reason"], explained["earliest"]) == ("not_due", answered + DAY)
    clock.set(answered + DAY)
    plant.wake()
    [last] = plant.claim()
    plant.answer(last)
    assert plant.enrollment(enrollment)["status"] == "completed"


@pytest.mark.parametrize("ended", ["cancelled", "expired", "skipped"])
def test_what_ended_before_its_turn_takes_nothing_along(
    clock: Clock, plant: Plant, warm: int, ended: str
) -> None:
    """An edit does not take a later step that has ended for the last one that was had."""
    start = clock.now
    enrollment = plant.enroll(warm)
    message = plant.journey(enrollment)[1]["id"]
    plant.update("broadcast_messages", message, status=ended, status_reason="x", finished_at=start)

    rows = plant.rows(UPDATE, "Warm", "a", Jsonb({"content": "New"}))
    assert of_messages(rows) == []
    rows = plant.rows(UPDATE, "Warm", "a", Jsonb({"trigger_delay_hours": 1}))
    rows += plant.rows(UPDATE, "Warm", "c", Jsonb({"trigger_delay_hours": 25}))

    assert of_messages(rows) == [("moves", "c", start + 2 * DAY, start + 2 * DAY + HOUR)]
    texts = [text for _, _, text in plant.live(clock, start + 5 * DAY)]
    assert texts == ["New", "C"]


def test_what_was_on_its_way_when_its_step_went_may_be_tried_again(
    clock: Clock, plant: Plant, warm: int
) -> None:
    """It stands before all that is left, and waits for none of it."""
    start = clock.now
    plant.enroll(warm)
    plant.live(clock, start)
    clock.set(start + DAY)
    plant.wake()
    [claimed] = plant.claim()
    a, _, c = steps_of(plant)
    replace(plant, [a, c])
    plant.answer(claimed, "retry", error_code="X")

    handed = plant.live(clock, start + 5 * DAY)

    assert [text for _, _, text in handed] == ["B", "C"]
    assert handed[1][0] - handed[0][0] == DAY


def test_what_came_back_of_a_step_that_is_gone_keeps_its_time_in_a_resume(
    clock: Clock, plant: Plant, warm: int
) -> None:
    """What is left has moved up to its place, and is due a day later."""
    enrollment = plant.enroll(warm)
    plant.wake()
    [claimed] = plant.claim()
    _, b, c = steps_of(plant)
    replace(plant, [b, c])
    plant.answer(claimed, "retry", error_code="X")
    before = [row["scheduled_at"] for row in plant.journey(enrollment)]
    plant.row("select * from drip.pause_sequence('Warm')")
    plant.row("select * from drip.resume_sequence('Warm', 'shift')")
    assert [row["scheduled_at"] for row in plant.journey(enrollment)] == before
