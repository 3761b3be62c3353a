"""assign_role(): which role may act for which tenant."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from factory import Connection, Plant
from refusals import refusal

from pgdrip.schema.roles import ROLES

ASSIGN = "select * from drip.assign_role(%s, %s)"


@pytest.fixture
def shop(conn: Connection, admin: psycopg.Connection[Any]) -> Iterator[str]:
    """A role of an application."""
    role = f"pgdrip_test_{os.getpid()}_shop"
    admin.execute(f"create role {role} in role drip_app".encode())
    yield role
    conn.execute(
        "select pg_terminate_backend(a.pid) from pg_stat_activity a"
        " where a.datname = current_database() and a.pid <> pg_backend_pid()"
    )
    admin.execute(f"drop role {role}".encode())


def test_a_role_is_assigned_once(plant: Plant, shop: str) -> None:
    assert plant.row(ASSIGN, shop, "default") == {
        "role_name": shop,
        "user_id": plant.user,
        "outcome": "assigned",
    }
    assert plant.row(ASSIGN, shop, str(plant.user))["outcome"] == "already_assigned"
    assert plant.value("select count(*) from drip.user_roles") == 1
    assert plant.value("select count(*) from drip.audit_log where action = 'assign_role'") == 1


def test_the_role_may_then_act_for_that_tenant_alone(plant: Plant, connect: Any, shop: str) -> None:
    other = plant.other_tenant()
    app = connect(role=shop)
    assert refusal(app, "select * from drip.upsert_lead('+60123456789')")[0] == "DR010"

    plant.row(ASSIGN, shop, str(other))

    assert app.execute("select outcome from drip.upsert_lead('+60123456789')").fetchone() == {
        "outcome": "created"
    }
    assert plant.value("select user_id from drip.leads") == other


@pytest.mark.parametrize("role", [*ROLES, "pg_monitor"])
def test_a_role_that_many_share_gets_no_tenant(conn: Connection, role: str) -> None:
    code, message, hint = refusal(conn, ASSIGN, role, "default")
    assert (code, role in message, "shop" in hint) == ("DR001", True, True)
    assert conn.execute("select from drip.user_roles").fetchall() == []


@pytest.mark.parametrize(
    ("role", "user", "code"),
    [
        (None, "default", "DR001"),
        ("postgre", "default", "DR012"),
        ("postgres", "defualt", "DR012"),
        ("postgres", "999", "DR012"),
        ("postgres", None, "DR001"),
    ],
)
def test_what_does_not_exist_is_refused(
    conn: Connection, role: str | None, user: str | None, code: str
) -> None:
    assert refusal(conn, ASSIGN, role, user)[0] == code


def test_the_nearest_role_and_user_are_named(conn: Connection) -> None:
    assert "'drip_app'" in refusal(conn, "select * from drip.assign_role('drip_ap', 'default')")[2]
    assert "'default'" in refusal(conn, "select * from drip.assign_role('postgres', 'defalt')")[2]
