"""create_campaign(), get_campaign() and update_campaign()."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from factory import Clock, Plant, Row
from psycopg.types.json import Jsonb
from refusals import refusal

CREATE = "select * from drip.create_campaign(%s)"
UPDATE = "select * from drip.update_campaign(%s, %s)"

RAYA: Row = {"title": "Raya", "message": "Selamat, {name}", "niche": "skincare"}


def test_a_definition_becomes_a_draft_once(clock: Clock, plant: Plant) -> None:
    first = plant.row(CREATE, Jsonb(RAYA))
    assert (first["title"], first["status"], first["outcome"]) == ("Raya", "draft", "created")
    again = plant.row(CREATE, Jsonb(RAYA | {"target_status": "all"}))
    assert (again["campaign_id"], again["outcome"]) == (first["campaign_id"], "existing")
    code, _, _ = refusal(plant.conn, CREATE, Jsonb(RAYA | {"message": "Else"}))
    assert code == "DR013"
    assert plant.value("select count(*) from drip.campaigns") == 1


def test_a_scheduled_one_is_the_same(clock: Clock, plant: Plant) -> None:
    """Only a time that the definition names is compared."""
    first = plant.row(CREATE, Jsonb(RAYA))
    plant.row("select * from drip.schedule_campaign('Raya', '2026-04-01 09:00+08')")
    again = plant.row(CREATE, Jsonb(RAYA))
    assert (again["campaign_id"], again["status"], again["outcome"]) == (
        first["campaign_id"],
        "pending",
        "existing",
    )
    for at, code in (("2026-04-01T01:00:00Z", None), ("2026-04-01T02:00:00Z", "DR013")):
        definition = Jsonb(RAYA | {"scheduled_at": at})
        if code is None:
            assert plant.row(CREATE, definition)["outcome"] == "existing"
        else:
            assert refusal(plant.conn, CREATE, definition)[0] == code


def test_times_without_an_offset_are_the_tenants(clock: Clock, plant: Plant) -> None:
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    plant.conn.execute("set time zone 'America/New_York'")
    for title, text in (("a", "2026-04-01 09:00"), ("b", "2026-04-01T01:00:00Z")):
        plant.row(CREATE, Jsonb(RAYA | {"title": title, "scheduled_at": text}))
        got = plant.value("select drip.get_campaign(%s)", title)
        assert got["scheduled_local"] == "2026-04-01T09:00:00"
        assert datetime.fromisoformat(got["scheduled_at"]) == datetime.fromisoformat(
            "2026-04-01T01:00:00+00:00"
        )


def test_devices_are_names_or_ids(clock: Clock, plant: Plant) -> None:
    one, two = plant.device("one"), plant.device("two")
    plant.row(CREATE, Jsonb(RAYA | {"devices": ["one", two]}))
    assert plant.value("select devices from drip.campaigns") == [one, two]
    assert plant.value("select drip.get_campaign('Raya')")["devices"] == ["one", "two"]


def test_what_get_campaign_returns_is_accepted(clock: Clock, plant: Plant) -> None:
    plant.device("one")
    plant.row(
        CREATE,
        Jsonb(RAYA | {"devices": ["one"], "scheduled_at": "2026-04-01 09:00", "valid_for": "1 h"}),
    )
    got = plant.value("select drip.get_campaign('Raya')")
    assert plant.row(CREATE, Jsonb(got))["outcome"] == "existing"
    assert plant.row(CREATE, Jsonb(got | {"title": "Copy"}))["outcome"] == "created"


@pytest.mark.parametrize(
    ("definition", "code", "told"),
    [
        ({"title": "x", "message": "m"}, "DR009", "does not say who"),
        ({"title": "x", "message": "m", "niche": " "}, "DR009", "does not say who"),
        ({"titel": "x"}, "DR003", "titel"),
        ({"message": "m", "everyone": True}, "DR001", "title"),
        ({"title": "x", "everyone": True}, "DR008", "message"),
        (RAYA | {"media_url": "https://x/y"}, "DR008", "media_url"),
        (RAYA | {"message_type": "video"}, "DR008", "media_url"),
        (RAYA | {"target_status": "vip"}, "DR015", "vip"),
        (RAYA | {"target_status": None}, "DR004", "target_status"),
        (RAYA | {"devices": []}, "DR004", "devices"),
        (RAYA | {"devices": ["nobody"]}, "DR012", "nobody"),
        (RAYA | {"audience": "nobody"}, "DR012", "nobody"),
        (RAYA | {"scheduled_at": "tomorrow"}, "DR004", "scheduled_at"),
        (RAYA | {"scheduled_at": "2026-02-30 09:00"}, "DR004", "scheduled_at"),
        (RAYA | {"min_delay_seconds": 5, "max_delay_seconds": 1}, "DR014", "min_delay_seconds"),
        (RAYA | {"per_device_limit": 0}, "DR004", "per_device_limit"),
        (RAYA | {"valid_for": "0 seconds"}, "DR004", "valid_for"),
        (None, "DR001", "definition"),
    ],
)
def test_what_is_wrong_is_told(
    clock: Clock, plant: Plant, definition: Any, code: str, told: str
) -> None:
    argument = None if definition is None else Jsonb(definition)
    found, sentence, _ = refusal(plant.conn, CREATE, argument)
    assert (found, told in sentence) == (code, True), sentence
    assert plant.value("select count(*) from drip.campaigns") == 0


@pytest.mark.lesson(37, "campaigns")
def test_a_patch_leaves_the_rest_alone(clock: Clock, plant: Plant) -> None:
    """LESSONS 37."""
    plant.row(CREATE, Jsonb(RAYA | {"scheduled_at": "2026-04-01 09:00"}))
    before = plant.value("select drip.get_campaign('Raya')")
    clock.advance(minutes=1)
    row = plant.row(UPDATE, "Raya", Jsonb({"message": "New"}))
    assert (row["changed"], row["outcome"]) == (["message"], "updated")
    after = plant.value("select drip.get_campaign('Raya')")
    assert after["message"] == "New"
    for moving in ("message", "updated_at"):
        del before[moving], after[moving]
    assert after == before
    assert plant.row(UPDATE, "Raya", Jsonb({"message": "New"}))["outcome"] == "unchanged"
    assert refusal(plant.conn, UPDATE, "Raya", Jsonb({"niche": None}))[0] == "DR009"
    assert refusal(plant.conn, UPDATE, "Raya", Jsonb({"status": "pending"}))[0] == "DR004"


def test_what_has_ended_is_not_changed(clock: Clock, plant: Plant) -> None:
    plant.campaign(title="Raya", status="completed")
    assert refusal(plant.conn, UPDATE, "Raya", Jsonb({"message": "New"}))[0] == "DR005"


def test_titles_are_found_or_the_error_helps(clock: Clock, plant: Plant) -> None:
    plant.row(CREATE, Jsonb(RAYA))
    code, _, hint = refusal(plant.conn, "select drip.get_campaign('Raja')")
    assert code == "DR012"
    assert "'Raya'" in hint
