"""export_definitions(): what differs from defaults; apply_definitions finds no difference."""

from __future__ import annotations

import json
from typing import Any

import pytest
from factory import Clock, Connect, Plant
from psycopg.types.json import Jsonb
from refusals import refusal

EXPORT = "select * from drip.export_definitions(%s)"

Row = dict[str, Any]


def export(plant: Plant, *names: str) -> dict[str, list[Row]]:
    rows = plant.rows(EXPORT, list(names) or None)
    return {
        f"{kind}s": [row["definition"] for row in rows if row["kind"] == kind]
        for kind in ("sequence", "campaign")
    }


def changes(plant: Plant, definitions: Row) -> set[str]:
    rows = plant.rows("select * from drip.apply_definitions(%s, true)", Jsonb(definitions))
    return {row["change"] for row in rows}


FULL: Row = {
    "name": "Everything",
    "description": "Two\nlines",
    "trigger": "Start",
    "niche": "gym",
    "target_status": "prospect",
    "auto_enroll": "niche",
    "device": "Sales 1",
    "start_delay": "3 days 04:00:00",
    "send_from": "09:00",
    "send_to": "17:30:15",
    "send_days": [1, 3],
    "skip_weekends": True,
    "min_delay_seconds": 20,
    "max_delay_seconds": 40,
    "category": "utility",
    "greeting": True,
    "stop_on_reply": False,
    "exclusive_group": "one",
    "reenroll_after": "30 days",
    "on_step_failure": "stop",
    "priority": 3,
    "steps": [
        {"name": "a", "next_trigger": "second", "trigger_delay_hours": 1.25, "content": "A"},
        {"send_time": "10:00", "content": "B", "min_delay_seconds": 25, "valid_for": "12:00:00"},
        {
            "trigger": "third",
            "next_trigger": "hot",
            "message_type": "image",
            "media_url": "https://example.com/a.jpg",
            "caption": "C",
        },
    ],
}
RAYA: Row = {
    "title": "Raya",
    "category": "utility",
    "greeting": True,
    "message_type": "template",
    "template": {"name": "offer", "language": "ms"},
    "niche": "gym",
    "target_status": "customer",
    "devices": ["Sales 1"],
    "scheduled_at": "2026-03-09 10:00",
    "local_time_per_lead": True,
    "send_from": "09:00",
    "send_to": "17:00",
    "send_days": [5],
    "valid_for": "2 days",
    "min_delay_seconds": 20,
    "max_delay_seconds": 40,
    "per_device_limit": 100,
    "priority": 2,
}


def test_every_key_comes_back_and_no_default(plant: Plant) -> None:
    plant.device("Sales 1")
    definitions = {
        "sequences": [FULL, {"name": "Plain", "trigger": "p", "steps": [{"content": "Hi"}]}],
        "campaigns": [RAYA, {"title": "Short", "message": "Hi", "everyone": True}],
    }
    plant.rows("select * from drip.apply_definitions(%s, false)", Jsonb(definitions))
    assert export(plant) == definitions
    assert changes(plant, export(plant)) == {"unchanged"}
    # settings of other parts may be written by none of these
    known = plant.value("select drip._sequence_keys() || drip._step_keys()")
    written = FULL.keys() | {key for step in FULL["steps"] for key in step}
    missing = {key for key, kind in known.items() if kind != "read"} - written
    assert missing == {
        "device_id",
        "day_number",
        "is_entry_point",
        "exit_if",
        "only_if",
        "template",
    }


def test_keys_stand_in_the_order_of_the_columns(plant: Plant) -> None:
    plant.device("Sales 1")
    plant.rows(
        "select * from drip.apply_definitions(%s, false)",
        Jsonb({"sequences": [FULL], "campaigns": [RAYA]}),
    )
    for row in plant.rows(EXPORT, None):
        given = FULL if row["kind"] == "sequence" else RAYA
        keys = list(row["definition"])
        assert keys[0] in ("name", "title")
        assert [key for key in keys if key in given] == [key for key in given if key in keys]
    assert keys == list(RAYA)


@pytest.mark.parametrize("zone", ["Asia/Kuala_Lumpur", "America/New_York"])
@pytest.mark.parametrize(
    "at",
    [
        "2026-03-09 10:00+08",
        "2026-11-01 01:30-04",
        "2026-11-01 01:30-05",  # this hour of New York comes twice
        "2026-03-09 10:00:07+00",
        "2026-03-09 10:00:00.000007+00",
    ],
)
def test_times_are_the_tenants_wall_clock(plant: Plant, zone: str, at: str) -> None:
    plant.tenant(time_zone=zone)
    plant.conn.execute("set time zone 'Asia/Kathmandu'")
    plant.campaign(title="Raya", status="draft", scheduled_at=at)
    assert changes(plant, export(plant)) == {"unchanged"}
    local = export(plant)["campaigns"][0]["scheduled_at"]
    plant.tenant(time_zone="Europe/Berlin")
    assert (export(plant)["campaigns"][0]["scheduled_at"] != local) or "+" in local


def test_what_is_over_is_left_out_unless_named(plant: Plant) -> None:
    for name in ("Old", "New"):
        plant.sequence({}, name=name)
    plant.row("select * from drip.archive_sequence('Old')")
    for title in ("Off", "On"):
        plant.campaign(title=title, status="draft")
    plant.row("select * from drip.cancel_campaign('Off')")
    found = export(plant)
    assert [each["name"] for each in found["sequences"]] == ["New"]
    assert [each["title"] for each in found["campaigns"]] == ["On"]
    named = export(plant, "Old", " Off ")
    assert [each["name"] for each in named["sequences"]] == ["Old"]
    assert [each["title"] for each in named["campaigns"]] == ["Off"]


def test_a_name_that_nothing_has(plant: Plant) -> None:
    plant.sequence({}, name="Warm")
    code, sentence, hint = refusal(plant.conn, EXPORT, ["Wram"])
    assert code == "DR012"
    assert "'Wram'" in sentence
    assert "'Warm'" in hint
    assert refusal(plant.conn, EXPORT, [None])[0] == "DR012"


def test_a_running_sequence_says_what_its_file_said(clock: Clock, plant: Plant) -> None:
    plant.device()
    definition = {"name": "Warm", "trigger": "warm", "steps": [{"content": "A"}, {"content": "B"}]}
    plant.rows(
        "select * from drip.apply_definitions(%s, false)", Jsonb({"sequences": [definition]})
    )
    plant.row("select * from drip.start_sequence('Warm')")
    plant.enroll(plant.value("select id from drip.sequences"))
    plant.live(clock, clock.now)
    assert export(plant)["sequences"] == [definition]
    plant.conn.execute("update drip.sequences set trigger = 'other'")
    assert export(plant)["sequences"] == [definition | {"trigger": "other"}]
    assert changes(plant, export(plant)) == {"unchanged"}


def test_the_sessions_settings_change_nothing(plant: Plant, connect: Connect) -> None:
    plant.device("Sales 1")
    plant.rows(
        "select * from drip.apply_definitions(%s, false)",
        Jsonb({"sequences": [FULL], "campaigns": [RAYA]}),
    )
    before = json.dumps(export(plant))
    plant.conn.execute("set intervalstyle = 'iso_8601'")
    plant.conn.execute("set datestyle = 'German'")
    plant.conn.execute("set time zone 'America/New_York'")
    assert json.dumps(export(plant)) == before
    assert changes(plant, export(plant)) == {"unchanged"}


def test_only_the_tenants_own(plant: Plant, connect: Connect) -> None:
    plant.sequence({}, name="Mine")
    other = plant.other_tenant()
    with plant.acting_for(other):
        plant.sequence({}, name="Theirs")
    plant.assign("drip_app")
    app = connect(role="drip_app")
    rows = app.execute(EXPORT, [None]).fetchall()
    assert [row["name"] for row in rows] == ["Mine"]
    assert refusal(app, EXPORT, ["Theirs"])[0] == "DR012"
    assert "Theirs" not in refusal(app, EXPORT, ["Their"])[2]
