"""update_sequence(): a patch; what is not named stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from factory import Clock, Connect, Plant, Row
from psycopg.types.json import Jsonb
from refusals import refusal

UPDATE = "select * from drip.update_sequence(%s, %s)"
UPDATE_DRY = "select * from drip.update_sequence(%s, %s, %s)"


def test_only_named_settings_change(clock: Clock, plant: Plant) -> None:
    sequence = plant.sequence(name="Warm", niche="skincare", send_days=[1, 2])
    before = plant.value("select drip.get_sequence('Warm')")
    clock.advance(minutes=1)

    row = plant.row(UPDATE, "Warm", Jsonb({"start_delay": "1 hour", "niche": "skincare"}))

    assert (row["sequence_id"], row["changed"], row["outcome"]) == (
        sequence,
        ["start_delay"],
        "updated",
    )
    after = plant.value("select drip.get_sequence('Warm')")
    assert after["start_delay"] == "01:00:00"
    for moving in ("start_delay", "updated_at"):
        assert before.pop(moving) != after.pop(moving)
    assert after == before


def test_a_repeat_changes_nothing(clock: Clock, plant: Plant) -> None:
    plant.sequence(name="Warm")
    plant.row(UPDATE, "Warm", Jsonb({"description": "d"}))

    row = plant.row(UPDATE, "Warm", Jsonb({"description": "d"}))

    assert (row["changed"], row["outcome"]) == ([], "unchanged")


def test_status_is_not_set_this_way(clock: Clock, plant: Plant) -> None:
    plant.sequence(name="Warm", start=False)
    assert refusal(plant.conn, UPDATE, "Warm", Jsonb({"status": "active"}))[0] == "DR004"
    assert refusal(plant.conn, UPDATE, "Warm", Jsonb({"statu": "active"}))[0] == "DR003"


@pytest.mark.lesson(33, story=True)
def test_steps_are_replaced_while_nobody_entered(clock: Clock, plant: Plant) -> None:
    sequence = plant.sequence({}, {}, name="Warm")

    row = plant.row(UPDATE, "Warm", Jsonb({"steps": [{"content": "only"}]}))

    assert row["changed"] == ["steps"]
    assert plant.value("select content from drip.sequence_steps") == "only"
    plant.enroll(sequence)
    code, _, _ = refusal(plant.conn, UPDATE, "Warm", Jsonb({"steps": [{"content": "new"}]}))
    assert code == "DR005"
    assert plant.value("select content from drip.sequence_steps") == "only"


def test_an_active_sequence_keeps_steps_and_trigger(clock: Clock, plant: Plant) -> None:
    plant.sequence(name="Warm", auto_enroll="trigger", trigger="warm")

    assert refusal(plant.conn, UPDATE, "Warm", Jsonb({"steps": []}))[0] == "DR007"
    # The entry step's trigger would do, but this one has its sequence's.
    plant.conn.execute("update drip.sequence_steps set trigger = null")
    assert refusal(plant.conn, UPDATE, "Warm", Jsonb({"trigger": ""}))[0] == "DR006"
    assert plant.value("select trigger from drip.sequences") == "warm"


def test_a_plain_update_is_held_to_the_same(clock: Clock, plant: Plant) -> None:
    plant.sequence(name="Warm", auto_enroll="trigger", trigger="warm")
    plant.conn.execute("update drip.sequence_steps set trigger = null")

    code, _, _ = refusal(plant.conn, "update drip.sequences set trigger = '  '")

    assert code == "DR006"
    plant.conn.execute("update drip.sequences set trigger = ' x ' where name = 'Warm'")
    assert plant.value("select trigger from drip.sequences") == "x"


def test_bounds_of_sequence_and_step_are_compared(clock: Clock, plant: Plant) -> None:
    plant.sequence({"max_delay_seconds": 20}, name="Warm")
    code, sentence, _ = refusal(plant.conn, UPDATE, "Warm", Jsonb({"min_delay_seconds": 30}))
    assert code == "DR014"
    assert "steps[1]" in sentence


def test_a_taken_name_is_refused(clock: Clock, plant: Plant) -> None:
    plant.sequence(name="Warm")
    plant.sequence(name="Cold")
    assert refusal(plant.conn, UPDATE, "Cold", Jsonb({"name": "Warm"}))[0] == "DR013"


def test_no_changes_are_told(clock: Clock, plant: Plant) -> None:
    plant.sequence(name="Warm")
    assert refusal(plant.conn, UPDATE, "Warm", None)[0] == "DR001"


def test_an_operators_update_in_psql_works_like_the_verb(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    plant.sequence(name="Warm", auto_enroll="trigger", trigger="warm")
    plant.lead(trigger="hot")
    plant.row("select * from drip.enroll_matching_leads()")
    operator = clock.join(connect(role="drip_operator"))

    operator.execute("update drip.sequences set trigger = ' hot ' where name = 'Warm'")

    assert plant.row("select * from drip.enroll_matching_leads()")["enrolled"] == 1
    operator.execute("update drip.sequence_steps set trigger = null")
    assert refusal(operator, "update drip.sequences set trigger = ''")[0] == "DR006"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        operator.execute("update drip.sequences set include_existing = true")


def test_an_entry_steps_trigger_in_psql_is_held_to_the_same(clock: Clock, plant: Plant) -> None:
    plant.sequence({"trigger": "first"}, {}, auto_enroll="trigger")
    plant.lead(trigger="second")
    plant.row("select * from drip.enroll_matching_leads()")
    change = "update drip.sequence_steps set trigger = %s where is_entry_point"

    assert refusal(plant.conn, change, " ")[0] == "DR006"
    plant.conn.execute(change, [" second "])

    assert plant.row("select * from drip.enroll_matching_leads()")["enrolled"] == 1


def test_the_entry_step_follows_the_trigger_it_was_given(clock: Clock, plant: Plant) -> None:
    definition = {"name": "Warm", "trigger": "warm", "steps": [{"content": "a"}, {"content": "b"}]}
    plant.conn.execute("select drip.create_sequence(%s)", [Jsonb(definition)])
    triggers = "select array_agg(trigger order by day_number) from drip.sequence_steps"

    plant.row(UPDATE, "Warm", Jsonb({"trigger": "hot"}))
    assert plant.value(triggers) == ["hot", None]
    plant.row(UPDATE, "Warm", Jsonb({"trigger": ""}))
    assert plant.value(triggers) == [None, None]
    start = "select drip.start_sequence('Warm')"
    assert refusal(plant.conn, start)[0] == "DR006"

    plant.conn.execute("update drip.sequences set trigger = 'warm_start'")
    assert plant.value(triggers) == ["warm_start", None]
    plant.conn.execute(start.encode())
    for nothing in ("''", "null"):
        change = f"update drip.sequences set trigger = {nothing}"
        assert refusal(plant.conn, change)[0] == "DR006"
    assert plant.value(triggers) == ["warm_start", None]


def test_an_entry_step_with_a_trigger_of_its_own_keeps_it(clock: Clock, plant: Plant) -> None:
    definition = {"name": "Warm", "trigger": "warm", "steps": [{"content": "a", "trigger": "own"}]}
    plant.conn.execute("select drip.create_sequence(%s)", [Jsonb(definition)])
    plant.row(UPDATE, "Warm", Jsonb({"trigger": ""}))
    assert plant.value("select trigger from drip.sequence_steps") == "own"


@pytest.mark.parametrize("changes", [1, "x", None, []])
def test_changes_are_an_object(clock: Clock, plant: Plant, changes: object) -> None:
    plant.sequence(name="Warm")
    assert refusal(plant.conn, UPDATE, "Warm", Jsonb(changes))[0] == "DR004"


@pytest.mark.parametrize(
    "change",
    [
        "update drip.sequences set start_delay = '170000000 years'",
        "update drip.sequences set reenroll_after = '170000000 years'",
        "update drip.sequence_steps set valid_for = '170000000 years'",
        "update drip.users set unknown_hold = '170000000 years'",
        "update drip.users set contact_gap = '170000000 years'",
    ],
)
def test_no_interval_takes_a_sweep_out_of_the_calendar(
    clock: Clock, plant: Plant, change: str
) -> None:
    """One tenant's would stop the sweeps of all."""
    plant.sequence(name="Warm")
    assert refusal(plant.conn, change)[0] == "DR004"


def test_category_and_priority_reach_what_is_planned(clock: Clock, plant: Plant) -> None:
    """A sequence that becomes utility is no longer held by a marketing opt-out."""
    plant.device()
    sequence = plant.sequence({}, {"trigger_delay_hours": 1}, name="Warm")
    lead = plant.lead("+60123456789")
    plant.enroll(sequence, lead)
    plant.suppress("+60123456789", "marketing")

    plant.row(UPDATE, "Warm", Jsonb({"category": "utility", "priority": 1}))

    rows = plant.rows("select category, priority from drip.broadcast_messages")
    assert [(row["category"], row["priority"]) for row in rows] == [("utility", 1)] * 2
    assert len(plant.live(clock, clock.now)) == 1


HOURS: dict[str, dict[str, Any]] = {
    "later": {"send_from": "13:00", "send_to": "17:00"},
    "through midnight": {"send_from": "22:00", "send_to": "02:00"},
    "days": {"send_days": [3, 6]},
    "weekends": {"skip_weekends": True},
    "no hours": {"send_from": None, "send_to": None},
}


@pytest.mark.parametrize("changes", HOURS.values(), ids=HOURS)
def test_what_new_hours_move_is_listed_and_then_done(
    clock: Clock, plant: Plant, changes: dict[str, Any]
) -> None:
    plant.device(burst=9)
    sequence = plant.sequence(
        {"content": "1"},
        {"content": "2", "send_time": "10:30"},
        {"content": "3", "trigger_delay_hours": 2},
        {"content": "4", "trigger_delay_hours": 60},
        name="Warm",
        start_delay="3 hours",
        send_from="08:00",
        send_to="20:00",
    )
    for zone in ("Asia/Kuala_Lumpur", "America/New_York"):
        plant.enroll(sequence, plant.lead(time_zone=zone))
    paused = plant.lead("+60199999999")
    held = plant.enroll(sequence, paused)
    plant.row("select * from drip.pause_lead('+60199999999')")
    clock.advance(hours=5)

    def told(rows: list[Row]) -> list[Row]:
        return [{k: v for k, v in row.items() if k != "applied"} for row in rows]

    def lived() -> dict[int, Any]:
        """When each message leaves if nothing more is changed."""
        with plant.rolled_back():
            now = clock.now
            plant.live(clock, now + timedelta(days=13))
            clock.set(now)
            rows = plant.rows("select id, sent_at from drip.broadcast_messages order by id")
        clock.set(now)
        return {row["id"]: row["sent_at"] for row in rows}

    before = lived()
    state = plant.rows("select to_jsonb(s) as s from drip.sequences s")
    dry = plant.rows(UPDATE_DRY, "Warm", Jsonb(changes), True)
    assert plant.rows("select to_jsonb(s) as s from drip.sequences s") == state
    assert plant.rows("select * from drip.audit_log where action = 'update_sequence'") == []
    assert {row["applied"] for row in dry} == {False}
    done = plant.rows(UPDATE_DRY, "Warm", Jsonb(changes), False)
    assert told(done) == told(dry)
    assert (done[0]["outcome"], done[0]["changed"]) == ("updated", sorted(changes))
    moves = {row["message_id"]: (row["at_before"], row["at_after"]) for row in done[1:]}
    after = lived()
    assert moves
    assert moves == {
        number: (before[number], after[number])
        for number in after
        if before[number] != after[number]
    }
    assert {row["enrollment_id"] for row in done} & {held} == set()


def test_other_settings_move_nothing(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.enroll(plant.sequence({}, {}, name="Warm", send_from="08:00", send_to="20:00"))
    for changes in ({"start_delay": "9 hours"}, {"send_from": "08:00"}, {"description": "new"}):
        row = plant.row(UPDATE, "Warm", Jsonb(changes))
        assert (row["message_id"], row["at_before"], row["applied"]) == (None, None, True)
