"""create_user(): a tenant with checked settings, once per name."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest
from factory import Connection, Plant
from psycopg.types.json import Jsonb
from refusals import refusal


def test_a_user_has_what_it_was_given(plant: Plant) -> None:
    made = plant.row(
        "select * from drip.create_user(%s, %s, %s, %s, %s)",
        " Kedai Ali ",
        "ali@example.com",
        "Asia/Kuala_Lumpur",
        "my",
        Jsonb(
            {
                "language": "ms",
                "send_from": "09:00",
                "send_to": "18:00",
                "send_days": [1, 2, 3],
                "contact_cap": 4,
                "contact_gap": "2 hours",
            }
        ),
    )
    assert (made["name"], made["outcome"]) == ("Kedai Ali", "created")
    user = plant.row("select * from drip.users where id = %s", made["user_id"])
    assert user["email"] == "ali@example.com"
    assert (user["time_zone"], user["default_region"]) == ("Asia/Kuala_Lumpur", "MY")
    assert (user["send_from"], user["send_to"]) == (time(9), time(18))
    assert (user["send_days"], user["contact_cap"]) == ([1, 2, 3], 4)
    assert user["contact_gap"] == timedelta(hours=2)
    assert user["language"] == "ms"
    # What was not named is as the table has it.
    default = plant.row("select * from drip.users where name = 'default'")
    for column in ("unknown_hold", "contact_cap_period", "breaker_rate", "breaker_sample"):
        assert user[column] == default[column], column
    assert user["is_active"] is True


def test_a_repeat_finds_the_first_and_changes_nothing(plant: Plant) -> None:
    first = plant.row("select * from drip.create_user('Kedai', p_time_zone => 'Asia/Tokyo')")
    again = plant.row("select * from drip.create_user('Kedai', p_time_zone => 'Europe/Rome')")
    assert again == first | {"outcome": "existing"}
    assert (
        plant.value("select time_zone from drip.users where id = %s", first["user_id"])
        == "Asia/Tokyo"
    )


@pytest.mark.parametrize(
    ("name", "zone", "region", "settings", "code", "word"),
    [
        (None, "UTC", None, {}, "DR001", "name"),
        ("  ", "UTC", None, {}, "DR001", "name"),
        ("123", "UTC", None, {}, "DR004", "digits"),
        ("K", "Asia/Kuala_Lumpu", None, {}, "DR001", "Asia/Kuala_Lumpu"),
        ("K", "MYT", None, {}, "DR001", "MYT"),
        ("K", "UTC", "XX", {}, "DR001", "XX"),
        ("K", "UTC", "Malaysia", {}, "DR001", "region"),
        ("K", "UTC", None, {"contact_capp": 1}, "DR003", "contact_capp"),
        ("K", "UTC", None, {"id": 7}, "DR003", "id"),
        ("K", "UTC", None, {"contact_cap": "many"}, "DR004", "contact_cap"),
        ("K", "UTC", None, {"contact_cap": 10**12}, "DR004", "contact_cap"),
        ("K", "UTC", None, {"contact_cap": 0}, "DR004", "contact_cap"),
        ("K", "UTC", None, {"send_from": "25:00"}, "DR004", "send_from"),
        ("K", "UTC", None, {"send_from": "09:00"}, "DR004", "send_from"),
        ("K", "UTC", None, {"send_days": [0]}, "DR004", "send_days"),
        ("K", "UTC", None, {"send_days": "mon"}, "DR004", "send_days"),
        ("K", "UTC", None, {"contact_gap": "soon"}, "DR004", "contact_gap"),
        ("K", "UTC", None, {"language": None}, "DR004", "language"),
        ("K", "UTC", None, {"time_zone": "Mars/Base"}, "DR001", "Mars/Base"),
        ("K", "UTC", None, ["language"], "DR001", "object"),
        ("K", "UTC", None, "language", "DR001", "object"),
    ],
)
def test_rubbish_is_refused_in_a_sentence(
    conn: Connection, name: Any, zone: str, region: Any, settings: Any, code: str, word: str
) -> None:
    got, sentence, _ = refusal(
        conn,
        "select * from drip.create_user(%s, null, %s, %s, %s)",
        name,
        zone,
        region,
        Jsonb(settings),
    )
    assert got == code
    assert word in sentence


def test_an_unknown_setting_names_the_nearest(conn: Connection) -> None:
    _, _, hint = refusal(
        conn, "select * from drip.create_user('K', p_settings => '{\"contact_capp\": 1}')"
    )
    assert "contact_cap" in hint


def test_it_is_written_down(plant: Plant) -> None:
    user = plant.value("select user_id from drip.create_user('Kedai')")
    entry = plant.row("select * from drip.audit_log where action = 'create_user'")
    assert (entry["user_id"], entry["subject_kind"], entry["subject_id"]) == (user, "user", user)
    assert entry["session_user_name"] == plant.value("select session_user::text")


def test_an_update_in_psql_is_checked_as_well(plant: Plant, conn: Connection) -> None:
    assert refusal(conn, "update drip.users set time_zone = 'foo+8'")[0] == "DR001"
    assert refusal(conn, "update drip.users set default_region = 'QQ'")[0] == "DR001"


def test_applications_make_no_users(conn: Connection, connect: Any) -> None:
    app = connect(role="drip_app")
    assert app.execute(
        "select has_function_privilege("
        " 'drip.create_user(text, text, text, text, jsonb)', 'execute') as may"
    ).fetchone() == {"may": False}
