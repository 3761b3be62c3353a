"""assign_role(): which role may act for which tenant."""

from __future__ import annotations

from typing import Any

import pytest
from factory import Connection, Plant
from refusals import refusal


def test_a_role_is_assigned_once(plant: Plant) -> None:
    assert plant.row("select * from drip.assign_role('drip_app', 'default')") == {
        "role_name": "drip_app",
        "user_id": plant.user,
        "outcome": "assigned",
    }
    again = plant.row("select * from drip.assign_role('drip_app', %s)", str(plant.user))
    assert again["outcome"] == "already_assigned"
    assert plant.value("select count(*) from drip.user_roles") == 1
    assert plant.value("select count(*) from drip.audit_log where action = 'assign_role'") == 1


def test_the_role_may_then_act_for_that_tenant_alone(plant: Plant, connect: Any) -> None:
    other = plant.other_tenant()
    app = connect(role="drip_app")
    assert refusal(app, "select * from drip.upsert_lead('+60123456789')")[0] == "DR010"

    plant.row("select * from drip.assign_role('drip_app', %s)", str(other))

    assert app.execute("select outcome from drip.upsert_lead('+60123456789')").fetchone() == {
        "outcome": "created"
    }
    assert plant.value("select user_id from drip.leads") == other


@pytest.mark.parametrize(
    ("role", "user", "code"),
    [
        (None, "default", "DR001"),
        ("drip_ap", "default", "DR012"),
        ("drip_app", "defualt", "DR012"),
        ("drip_app", "999", "DR012"),
        ("drip_app", None, "DR001"),
    ],
)
def test_what_does_not_exist_is_refused(
    conn: Connection, role: str | None, user: str | None, code: str
) -> None:
    assert refusal(conn, "select * from drip.assign_role(%s, %s)", role, user)[0] == code


def test_the_nearest_role_and_user_are_named(conn: Connection) -> None:
    assert "'drip_app'" in refusal(conn, "select * from drip.assign_role('drip_ap', 'default')")[2]
    assert "'default'" in refusal(conn, "select * from drip.assign_role('drip_app', 'defalt')")[2]
