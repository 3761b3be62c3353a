"""create_sequence(): a definition becomes a draft; what is wrong is told by its path."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from factory import Clock, Plant, Row
from psycopg.types.json import Jsonb
from refusals import refusal

CREATE = "select * from drip.create_sequence(%s)"

WARM: Row = {
    "name": "WARM Sequence",
    "trigger": "warm_start",
    "steps": [
        {"message_type": "text", "content": "Hi {name}"},
        {"content": "Again", "trigger_delay_hours": 0.5, "next_trigger": "three"},
        {"content": "Last", "trigger": "three", "next_trigger": "hot_start"},
    ],
}


def test_a_definition_becomes_a_draft_with_its_steps(clock: Clock, plant: Plant) -> None:
    row = plant.row(CREATE, Jsonb(WARM))

    assert (row["name"], row["status"], row["steps"], row["outcome"]) == (
        "WARM Sequence",
        "draft",
        3,
        "created",
    )
    steps = plant.rows(
        "select day_number, trigger, next_trigger, is_entry_point, trigger_delay_hours"
        " from drip.sequence_steps where sequence_id = %s order by day_number",
        row["sequence_id"],
    )
    assert [step["day_number"] for step in steps] == [1, 2, 3]
    assert [step["trigger"] for step in steps] == ["warm_start", None, "three"]
    assert [step["next_trigger"] for step in steps] == [None, "three", "hot_start"]
    assert [step["is_entry_point"] for step in steps] == [True, False, False]
    assert [float(step["trigger_delay_hours"]) for step in steps] == [24, 0.5, 24]


def test_a_repeat_finds_what_it_made(clock: Clock, plant: Plant) -> None:
    first = plant.row(CREATE, Jsonb(WARM))

    again = plant.row(CREATE, Jsonb(WARM | {"start_delay": "5 minutes", "description": None}))

    assert again["outcome"] == "existing"
    assert again["sequence_id"] == first["sequence_id"]
    assert plant.value("select count(*) from drip.sequences") == 1
    assert plant.value("select count(*) from drip.sequence_steps") == 3


@pytest.mark.parametrize(
    "change",
    [
        {"trigger": "other"},
        {"steps": []},
        {"steps": [*WARM["steps"][:2], WARM["steps"][2] | {"content": "Else"}]},
        {"niche": "skincare"},
    ],
)
def test_a_taken_name_with_other_content_is_refused(
    clock: Clock, plant: Plant, change: Row
) -> None:
    plant.row(CREATE, Jsonb(WARM))

    code, sentence, _ = refusal(plant.conn, CREATE, Jsonb(WARM | change))

    assert code == "DR013"
    assert "WARM Sequence" in sentence
    assert plant.value("select trigger from drip.sequences") == "warm_start"
    assert plant.value("select count(*) from drip.sequence_steps") == 3


def test_what_get_sequence_returns_is_accepted(clock: Clock, plant: Plant) -> None:
    plant.device("main")
    plant.row(
        CREATE,
        Jsonb(
            WARM
            | {
                "device": "main",
                "send_from": "09:00",
                "send_to": "18:00",
                "send_days": [1, 2],
                "reenroll_after": "30 days",
            }
        ),
    )
    got = plant.value("select drip.get_sequence('WARM Sequence')")

    assert plant.row(CREATE, Jsonb(got))["outcome"] == "existing"
    copy = plant.row(CREATE, Jsonb(got | {"name": "Copy"}))

    assert copy["outcome"] == "created"
    copied = plant.value("select drip.get_sequence('Copy')")
    volatile = ("id", "name", "steps", "created_at", "updated_at")
    assert {k: v for k, v in copied.items() if k not in volatile} == {
        k: v for k, v in got.items() if k not in volatile
    }
    assert [{k: v for k, v in step.items() if k != "id"} for step in copied["steps"]] == [
        {k: v for k, v in step.items() if k != "id"} for step in got["steps"]
    ]
    assert got["device"] == "main"


def test_values_are_read_as_people_write_them(clock: Clock, plant: Plant) -> None:
    row = plant.row(
        CREATE,
        Jsonb(
            {
                "name": "  Spaced  ",
                "trigger": "  ",
                "start_delay": "5 minutes",
                "send_days": ["mon", "Friday", 3, "WED"],
                "send_from": "9:30 am",
                "send_to": "18:00",
                "target_status": "Customer",
                "category": "utility",
                "steps": [{"content": "x", "trigger_delay_hours": 0.25, "valid_for": "2 hours"}],
            }
        ),
    )
    stored = plant.row("select * from drip.sequences where id = %s", row["sequence_id"])

    assert stored["name"] == "Spaced"
    assert stored["trigger"] is None
    assert stored["start_delay"] == timedelta(minutes=5)
    assert stored["send_days"] == [1, 3, 5]
    assert str(stored["send_from"]) == "09:30:00"
    assert stored["target_status"] == "customer"
    assert stored["priority"] == 1  # utility goes first unless the definition says otherwise
    assert plant.value("select valid_for from drip.sequence_steps") == timedelta(hours=2)


def test_a_draft_may_have_no_steps_and_no_trigger(clock: Clock, plant: Plant) -> None:
    row = plant.row(CREATE, Jsonb({"name": "Later"}))
    assert (row["status"], row["steps"]) == ("draft", 0)


def one(step: Row, **more: Any) -> Row:
    return {"name": "x", "steps": [{"content": "a"}, step]} | more


@pytest.mark.parametrize(
    ("definition", "code", "told"),
    [
        ({"nam": "x"}, "DR003", "nam"),
        (one({"content": "a", "trigger_delay_hour": 1}), "DR003", "steps[2].trigger_delay_hour"),
        ({"steps": []}, "DR001", "name"),
        ({"name": "17"}, "DR004", "name"),
        ({"name": ""}, "DR004", "name"),
        ({"name": 5}, "DR004", "name"),
        ([], "DR004", "object"),
        ({"name": "x", "steps": {}}, "DR004", "steps"),
        ({"name": "x", "steps": ["a"]}, "DR004", "steps[1]"),
        (one({"content": "a", "trigger_delay_hours": "soon"}), "DR004", "steps[2].trigger_delay"),
        (one({"content": "a", "trigger_delay_hours": -1}), "DR004", "trigger_delay_hours"),
        (one({"content": "a", "send_time": "25:00"}), "DR004", "steps[2].send_time"),
        (one({"content": "a", "send_time": "now"}), "DR004", "steps[2].send_time"),
        (one({"content": "a", "valid_for": "1 parsec"}), "DR004", "steps[2].valid_for"),
        (one({"content": "a", "message_type": "sticker"}), "DR004", "steps[2].message_type"),
        (one({"content": "a", "day_number": 7}), "DR004", "steps[2].day_number"),
        (one({"content": "a", "is_entry_point": True}), "DR004", "steps[2].is_entry_point"),
        (one({"content": "a", "min_delay_seconds": 1.5}), "DR004", "steps[2].min_delay_seconds"),
        (one({"content": "a", "max_delay_seconds": 10**12}), "DR004", "steps[2].max_delay"),
        ({"name": "x", "start_delay": "soonish"}, "DR004", "start_delay"),
        ({"name": "x", "start_delay": None}, "DR004", "start_delay"),
        ({"name": "x", "start_delay": "-5 minutes"}, "DR004", "start_delay"),
        ({"name": "x", "stop_on_reply": "maybe"}, "DR004", "stop_on_reply"),
        ({"name": "x", "send_days": [0]}, "DR004", "send_days"),
        ({"name": "x", "send_days": []}, "DR004", "send_days"),
        ({"name": "x", "send_days": ["someday"]}, "DR004", "send_days"),
        ({"name": "x", "send_days": "mon"}, "DR004", "send_days"),
        ({"name": "x", "send_from": "09:00"}, "DR004", "send_from"),
        ({"name": "x", "trigger": "a,b"}, "DR004", "trigger"),
        ({"name": "x", "niche": "a, b"}, "DR004", "niche"),
        ({"name": "x", "auto_enroll": "always"}, "DR004", "auto_enroll"),
        ({"name": "x", "priority": 9}, "DR004", "priority"),
        ({"name": "x", "device": "nobody"}, "DR012", "nobody"),
        ({"name": "x", "exit_if": "nobody"}, "DR012", "nobody"),
        ({"name": "x", "target_status": "vip"}, "DR015", "target_status"),
        (one({"message_type": "image"}), "DR008", "steps[2].media_url"),
        (one({"message_type": "image", "media_url": "ftp://x/y"}), "DR008", "steps[2].media_url"),
        (one({"content": "a", "media_url": "https://x/y"}), "DR008", "steps[2].media_url"),
        (one({"content": "  "}), "DR008", "steps[2].content"),
        (one({"message_type": "template"}), "DR008", "steps[2].template"),
        ({"name": "x", "min_delay_seconds": 9, "max_delay_seconds": 3}, "DR014", "min_delay"),
        (
            one({"content": "a", "min_delay_seconds": 9, "max_delay_seconds": 3}),
            "DR014",
            "steps[2]",
        ),
        (one({"content": "a", "max_delay_seconds": 3}, min_delay_seconds=9), "DR014", "steps[2]"),
        ({"name": "x", "min_delay_seconds": -1}, "DR014", "min_delay"),
    ],
)
def test_what_is_wrong_is_told(
    clock: Clock, plant: Plant, definition: object, code: str, told: str
) -> None:
    found, sentence, _ = refusal(plant.conn, CREATE, Jsonb(definition))

    assert (found, told in sentence) == (code, True), sentence
    assert plant.value("select count(*) from drip.sequences") == 0


def test_an_unknown_key_names_the_nearest(clock: Clock, plant: Plant) -> None:
    _, _, hint = refusal(plant.conn, CREATE, Jsonb({"name": "x", "triger": "y"}))
    assert "'trigger'" in hint


def test_an_inner_next_trigger_is_the_next_steps_trigger(clock: Clock, plant: Plant) -> None:
    steps = [{"content": "a", "next_trigger": "two"}, {"content": "b", "trigger": "three"}]

    code, sentence, _ = refusal(plant.conn, CREATE, Jsonb({"name": "x", "steps": steps}))

    assert code == "DR004"
    assert "steps[1].next_trigger" in sentence
    del steps[1]["trigger"]
    plant.row(CREATE, Jsonb({"name": "x", "steps": steps}))
    assert plant.value("select trigger from drip.sequence_steps where day_number = 2") == "two"


def test_no_definition_is_told(clock: Clock, plant: Plant) -> None:
    assert refusal(plant.conn, CREATE, None)[0] == "DR001"


def test_a_misspelt_steps_is_told(clock: Clock, plant: Plant) -> None:
    code, _, hint = refusal(plant.conn, CREATE, Jsonb({"name": "x", "stepz": []}))
    assert (code, "'steps'" in hint) == ("DR003", True)
