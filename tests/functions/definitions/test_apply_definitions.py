"""apply_definitions(): a file is the whole of each object; the rehearsal is what then happens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from factory import Clock, Connect, Plant
from psycopg.types.json import Jsonb

APPLY = "select * from drip.apply_definitions(%s, %s)"
WHOM = {"matches", "audience", "waiting", "moves", "gains", "loses"}

Row = dict[str, Any]


def warm(*steps: Row, **more: Any) -> Row:
    return (
        {"name": "Warm", "auto_enroll": "manual", "start_delay": "0 seconds"}
        | more
        | {"steps": list(steps) or [{"content": "A"}, {"content": "B"}, {"content": "C"}]}
    )


def apply(plant: Plant, *objects: Row, dry_run: bool = False) -> list[Row]:
    """What differs and whom it concerns; the rehearsal says the same as what then happens."""
    definitions = Jsonb(
        {
            "sequences": [each for each in objects if "name" in each],
            "campaigns": [each for each in objects if "title" in each],
        }
    )
    rehearsed = plant.rows(APPLY, definitions, True)
    assert not any(row["applied"] for row in rehearsed)
    if dry_run:
        return rehearsed
    done = plant.rows(APPLY, definitions, False)
    assert all(row["applied"] for row in done)
    assert [row | {"applied": None} for row in done] == [
        row | {"applied": None} for row in rehearsed
    ]
    again = plant.rows(APPLY, definitions, False)
    assert {row["change"] for row in again} <= {"unchanged"}
    return done


def told(rows: list[Row]) -> list[tuple[Any, ...]]:
    """The difference alone."""
    return [
        (row["change"], row["step"], row["key"], row["value_before"], row["value_after"])
        for row in rows
        if row["change"] not in WHOM
    ]


def whom(rows: list[Row]) -> dict[tuple[str, int | None], tuple[Any, ...]]:
    return {
        (row["change"], row["step"]): (
            row["messages"],
            row["leads"],
            row["at_before"],
            row["at_after"],
        )
        for row in rows
        if row["change"] in WHOM
    }


def refused(plant: Plant, definitions: Any, dry_run: bool = False) -> psycopg.errors.Diagnostic:
    """What the error says."""
    with pytest.raises(psycopg.Error) as caught:
        plant.rows(APPLY, definitions, dry_run)
    diag = caught.value.diag
    assert (diag.sqlstate or "").startswith("DR"), diag.message_primary
    assert diag.message_hint
    return diag


def texts(plant: Plant) -> list[str]:
    steps: list[Row] = plant.value("select drip.get_sequence('Warm')")["steps"]
    return [step["content"] for step in steps]


def test_new_objects_are_drafts(plant: Plant) -> None:
    plant.lead(trigger="warm")
    plant.lead(niche="gym")
    plant.lead(niche="gym")
    rows = apply(
        plant,
        {"name": "Warm", "trigger": "warm", "steps": [{"content": "A"}]},
        {"title": "Raya", "niche": "gym", "message": "Hi"},
    )
    assert [(row["kind"], row["name"], row["change"], row["leads"]) for row in rows] == [
        ("sequence", "Warm", "created", None),
        ("sequence", "Warm", "matches", 1),
        ("campaign", "Raya", "created", None),
        ("campaign", "Raya", "audience", 2),
    ]
    assert plant.value("select drip.get_sequence('Warm')")["status"] == "draft"
    assert plant.value("select drip.get_campaign('Raya')")["status"] == "draft"


def test_what_the_file_leaves_out_has_its_default(plant: Plant) -> None:
    apply(plant, warm(send_from="09:00", send_to="17:00", greeting=True, description="x"))
    rows = apply(plant, warm(send_from="10:00", send_to="17:00"))
    assert told(rows) == [
        ("changed", None, "description", "x", None),
        ("changed", None, "greeting", True, False),
        ("changed", None, "send_from", "09:00:00", "10:00:00"),
    ]
    assert plant.value("select drip.get_sequence('Warm')")["greeting"] is False


def test_others_stay(plant: Plant) -> None:
    other = plant.sequence({}, name="Cold")
    before = plant.value("select drip.get_sequence(%s)", str(other))
    apply(plant, warm())
    assert plant.value("select drip.get_sequence(%s)", str(other)) == before


def test_whom_an_edit_of_a_live_sequence_concerns(clock: Clock, plant: Plant) -> None:
    plant.device()
    start = clock.now
    apply(plant, warm(*({"name": name, "content": name} for name in "abc")))
    plant.row("select * from drip.start_sequence('Warm')")
    sequence = plant.value("select id from drip.sequences")
    for _ in range(2):
        plant.enroll(sequence)
    plant.live(clock, start)
    late = plant.enroll(sequence)
    rows = apply(
        plant,
        warm(
            {"name": "a", "content": "a"},
            {"name": "new", "content": "new", "trigger_delay_hours": 6},
            {"name": "b", "content": "b", "trigger_delay_hours": 48},
        ),
    )
    day = timedelta(days=1)
    assert told(rows) == [
        ("step_added", 2, None, None, None),
        ("step_changed", 3, "trigger_delay_hours", 24, 48),
        ("step_shifted", 3, "day_number", 2, 3),
        ("step_removed", 3, None, None, None),
    ]
    assert whom(rows) == {
        ("gains", 2): (3, 3, None, start + timedelta(hours=6)),
        ("moves", 3): (3, 3, start + day, start + timedelta(hours=54)),
        ("loses", 3): (3, 3, start + 2 * day, None),
        ("waiting", None): (7, 3, None, start),
    }
    assert [row["status"] for row in plant.journey(late)] == ["pending"] * 3 + ["cancelled"]


def test_new_hours_say_whom_they_move(clock: Clock, plant: Plant) -> None:
    """From when a message may leave, as update_sequence lists it; a paused one has its plan."""
    plant.device()
    step = {"name": "a", "content": "a"}
    apply(plant, warm(step))
    plant.row("select * from drip.start_sequence('Warm')")
    sequence = plant.value("select id from drip.sequences")
    for phone in ("+60123456781", "+60123456782", "+60123456783"):
        plant.enroll(sequence, plant.lead(phone))
    plant.row("select * from drip.pause_lead('+60123456783')")
    in_the_evening = {"send_from": "18:00", "send_to": "20:00"}
    rows = apply(plant, warm(step, **in_the_evening), dry_run=True)
    evening = clock.now.replace(hour=18)
    assert whom(rows) == {
        ("moves", 1): (2, 2, clock.now, evening),
        ("waiting", None): (3, 3, None, clock.now),
    }
    listed = plant.rows(
        "select * from drip.update_sequence('Warm', %s, true)", Jsonb(in_the_evening)
    )
    assert [row["at_after"] for row in listed if row["outcome"] == "moves"] == [evening] * 2


def test_a_text_takes_effect_at_the_next_claim(clock: Clock, plant: Plant) -> None:
    plant.device()
    apply(plant, warm({"name": "a", "content": "A"}))
    plant.row("select * from drip.start_sequence('Warm')")
    plant.enroll(plant.value("select id from drip.sequences"))
    rows = apply(plant, warm({"name": "a", "content": "Another"}))
    assert told(rows) == [("step_changed", 1, "content", "A", "Another")]
    assert (rows[0]["messages"], rows[0]["leads"]) == (1, 1)
    assert [text for _, _, text in plant.live(clock, clock.now)] == ["Another"]


@pytest.mark.parametrize(
    ("before", "after", "difference"),
    [
        # by name, in another order
        ("a:A b:B", "b:B a:A", {("step_shifted", 1), ("step_shifted", 2)}),
        # no names: by what they say, then by their order
        (":A :B :C", ":A :X :C", {("step_changed", 2)}),
        (":A :B", ":A :X :B", {("step_added", 2), ("step_shifted", 3)}),
        (":A :A :B", ":A :B", {("step_removed", 2), ("step_shifted", 2)}),
        # a name given to it later, or another one
        (":A :B", ":A b:B", {("step_changed", 2)}),
        ("a:A b:B", "a:A c:B", {("step_changed", 2)}),
        # neither the name nor the text is the old one
        ("a:A b:B", "a:A c:C", {("step_added", 2), ("step_removed", 2)}),
    ],
)
def test_which_step_is_which(
    plant: Plant, before: str, after: str, difference: set[tuple[str, int]]
) -> None:
    def steps(words: str) -> list[Row]:
        pairs = [word.split(":") for word in words.split()]
        return [{"name": name or None, "content": text} for name, text in pairs]

    apply(plant, warm(*steps(before)))
    rows = apply(plant, warm(*steps(after)))
    assert {(row[0], row[1]) for row in told(rows)} == difference
    assert texts(plant) == [step["content"] for step in steps(after)]


def test_values_as_a_file_may_write_them(plant: Plant) -> None:
    apply(
        plant,
        warm(
            {"content": "A", "trigger_delay_hours": "1.5", "min_delay_seconds": "5"},
            greeting="yes",
            stop_on_reply="off",
            max_delay_seconds="60",
            min_delay_seconds="9",
            priority="1",
        ),
    )
    found = plant.value("select drip.get_sequence('Warm')")
    assert (found["greeting"], found["stop_on_reply"], found["priority"]) == (True, False, 1)
    assert found["steps"][0]["trigger_delay_hours"] == 1.5


@pytest.mark.parametrize(
    ("wrong", "code", "sentence", "path"),
    [
        ({"triger": "x"}, "DR003", "sequence 'Warm': unknown key 'triger'", "sequences[1]"),
        ({"start_delay": "30"}, "DR004", "sequence 'Warm': start_delay is not an", "sequences[1]"),
        ({"greeting": "maybe"}, "DR004", "sequence 'Warm': greeting is not true", "sequences[1]"),
        ({"status": "active"}, "DR004", "sequence 'Warm': 'status' is not changed", "sequences[1]"),
        ({"steps": "A"}, "DR004", "sequence 'Warm': steps is not a list", "sequences[1]"),
        ({"steps": ["A"]}, "DR004", "sequence 'Warm': steps[1] must be an", "sequences[1]"),
        (
            {"steps": [{"content": "A"}, {"content": "B", "id": 7}]},
            "DR004",
            "sequence 'Warm': 'steps[2].id' is not changed",
            "sequences[1]",
        ),
        (
            {"steps": [{"content": "A", "send_time": "25:00"}]},
            "DR004",
            "sequence 'Warm': steps[1].send_time is not a local time",
            "sequences[1]",
        ),
        ({"exit_if": "nobody"}, "DR012", "sequence 'Warm': exit_if: there is", "sequences[1]"),
    ],
)
@pytest.mark.parametrize("is_new", [True, False])
def test_a_wrong_object_refuses_all(
    plant: Plant, wrong: Row, code: str, sentence: str, path: str, is_new: bool
) -> None:
    if not is_new:
        apply(plant, warm())
    before = plant.rows("select s.*, st.* from drip.sequences s, drip.sequence_steps st")
    for dry_run in (True, False):
        found = refused(
            plant, Jsonb({"sequences": [warm() | wrong, warm() | {"name": "Cold"}]}), dry_run
        )
        assert found.sqlstate == code
        assert (found.message_primary or "").startswith(sentence)
        assert found.message_detail == path
    assert plant.rows("select s.*, st.* from drip.sequences s, drip.sequence_steps st") == before


@pytest.mark.parametrize(
    ("definitions", "code", "path"),
    [
        (None, "DR001", None),
        ([], "DR001", None),
        ({"sequence": []}, "DR003", None),
        ({"sequences": {}}, "DR004", "sequences"),
        ({"sequences": [None]}, "DR001", "sequences[1]"),
        ({"sequences": ["Warm"]}, "DR004", "sequences[1]"),
        ({"sequences": [{}]}, "DR001", "sequences[1]"),
        ({"sequences": [{"name": 7}]}, "DR004", "sequences[1]"),
        ({"sequences": [{"name": "7"}]}, "DR004", "sequences[1]"),
        ({"campaigns": [{"message": "Hi", "everyone": True}]}, "DR001", "campaigns[1]"),
        ({"campaigns": [{"title": "Raya", "message": "Hi"}]}, "DR009", "campaigns[1]"),
        ({"sequences": [{"name": "A"}, {"name": "B"}, {"name": " A"}]}, "DR013", "sequences[3]"),
    ],
)
def test_rubbish(plant: Plant, definitions: Any, code: str, path: str | None) -> None:
    given = None if definitions is None else Jsonb(definitions)
    found = refused(plant, given)
    assert (found.sqlstate, found.message_detail) == (code, path)
    # what has no name is told by its place
    assert not (found.message_primary or "").startswith(("sequence :", "campaign :"))
    assert plant.value("select count(*) from drip.sequences") == 0


def test_nothing_and_nobody(plant: Plant) -> None:
    assert plant.rows(APPLY, Jsonb({}), False) == []
    assert plant.rows(APPLY, Jsonb({"sequences": None, "campaigns": []}), None) == []
    plant.rows(APPLY, Jsonb({"sequences": [warm()]}), None)  # null only rehearses
    assert plant.value("select count(*) from drip.sequences") == 0


def test_a_campaign_keeps_its_time_unless_the_file_names_one(clock: Clock, plant: Plant) -> None:
    raya = {"title": "Raya", "message": "Hi", "everyone": True}
    plant.lead()
    apply(plant, raya)
    plant.row("select * from drip.schedule_campaign('Raya', p_local => '2026-03-09 10:00')")
    assert told(apply(plant, raya)) == [("unchanged", None, None, None, None)]
    rows = apply(plant, raya | {"scheduled_at": "2026-03-10 10:00", "message": "Ho"})
    assert [row[2] for row in told(rows)] == ["message", "scheduled_at"]
    assert whom(rows) == {("audience", None): (None, 1, None, None)}


def test_whom_an_edit_of_a_running_campaign_concerns(clock: Clock, plant: Plant) -> None:
    plant.device()
    for _ in range(3):
        plant.lead()
    raya = {"title": "Raya", "message": "Hi", "everyone": True, "per_device_limit": 2}
    apply(plant, raya)
    plant.row("select * from drip.schedule_campaign('Raya')")
    plant.rows("select * from drip.expand_campaigns()")
    later = clock.now + timedelta(hours=2)
    rows = apply(plant, raya | {"scheduled_at": later.isoformat(), "per_device_limit": 1})
    assert whom(rows) == {
        ("moves", None): (1, 1, clock.now, later),
        ("loses", None): (1, 1, clock.now, None),
        ("waiting", None): (1, 1, None, later),
    }


def test_a_finished_campaign_is_left_alone(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.lead()
    raya = {"title": "Raya", "message": "Hi", "everyone": True}
    apply(plant, raya)
    plant.row("select * from drip.schedule_campaign('Raya')")
    plant.live(clock, clock.now + timedelta(hours=2))
    assert plant.value("select drip.get_campaign('Raya')")["status"] == "completed"
    apply(plant, raya)
    assert refused(plant, Jsonb({"campaigns": [raya | {"message": "Ho"}]})).sqlstate == "DR005"


def test_another_tenants_objects_are_not_seen(plant: Plant) -> None:
    other = plant.other_tenant()
    with plant.acting_for(other):
        apply(plant, warm())
        before = plant.value("select drip.get_sequence('Warm')")
    assert refused(plant, Jsonb({"sequences": [warm()]})).sqlstate == "DR010"
    with plant.acting_for(plant.user):
        rows = apply(plant, warm({"content": "Mine"}))
    assert rows[0]["change"] == "created"
    with plant.acting_for(other):
        assert plant.value("select drip.get_sequence('Warm')") == before


def test_an_application_may(plant: Plant, connect: Connect) -> None:
    plant.assign("drip_app")
    app = connect(role="drip_app")
    rows = app.execute(APPLY, [Jsonb({"sequences": [warm()]}), False]).fetchall()
    assert rows[0]["change"] == "created"


def test_an_edit_leaves_a_line_in_the_audit_log(plant: Plant) -> None:
    apply(plant, warm())
    plant.conn.execute("delete from drip.audit_log")
    apply(plant, warm({"content": "X"}, description="y"))
    actions = plant.rows("select action from drip.audit_log order by id")
    assert [row["action"] for row in actions] == ["update_sequence", "replace_steps"]
