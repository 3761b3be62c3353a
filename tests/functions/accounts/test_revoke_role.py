"""revoke_role(): a role acts for a tenant no longer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from factory import Connect, Connection, Plant
from refusals import refusal

REVOKE = "select * from drip.revoke_role(%s, %s)"


@pytest.fixture
def shop(plant: Plant, admin: psycopg.Connection[Any]) -> Iterator[str]:
    """A role of an application with a tenant of its own."""
    role = f"pgdrip_test_{os.getpid()}_shop"
    admin.execute(f"create role {role} in role drip_app".encode())
    plant.row("select * from drip.assign_role(%s, 'default')", role)
    yield role
    plant.conn.execute(
        "select pg_terminate_backend(a.pid) from pg_stat_activity a"
        " where a.datname = current_database() and a.pid <> pg_backend_pid()"
    )
    admin.execute(f"drop role if exists {role}".encode())


def test_rights_are_gone_at_once_in_open_sessions(
    plant: Plant, connect: Connect, shop: str
) -> None:
    plant.lead()
    open_session = connect(role=shop)
    leads = "select lead_id from drip.leads_overview"
    assert len(open_session.execute(leads).fetchall()) == 1
    with connect(role=shop, autocommit=False) as in_transaction:
        assert len(in_transaction.execute(leads).fetchall()) == 1
        assert plant.row(REVOKE, shop, "default") == {
            "role_name": shop,
            "user_id": plant.user,
            "outcome": "revoked",
        }
        assert in_transaction.execute(leads).fetchall() == []
    assert open_session.execute(leads).fetchall() == []
    assert refusal(open_session, "select * from drip.upsert_lead('+60123456789')")[0] == "DR010"


def test_a_repeat_changes_nothing_and_both_ways_are_audited(plant: Plant, shop: str) -> None:
    assert plant.row(REVOKE, shop, str(plant.user))["outcome"] == "revoked"
    assert plant.row(REVOKE, shop, "default")["outcome"] == "not_assigned"
    assert plant.rows(
        "select action, user_id, details from drip.audit_log where action ~ '_role$' order by id"
    ) == [
        {"action": action, "user_id": plant.user, "details": {"role": shop}}
        for action in ("assign_role", "revoke_role")
    ]


def test_other_tenants_of_the_role_stay(plant: Plant, shop: str) -> None:
    other = plant.other_tenant()
    plant.row("select * from drip.assign_role(%s, 'other')", shop)
    plant.row(REVOKE, shop, "default")
    assert plant.rows("select role_name, user_id from drip.user_roles") == [
        {"role_name": shop, "user_id": other}
    ]


def test_a_role_that_was_dropped_can_be_taken_off(
    plant: Plant, admin: psycopg.Connection[Any], shop: str
) -> None:
    """Its row would go to the next role of that name."""
    admin.execute(f"drop role {shop}".encode())
    assert plant.row(REVOKE, shop, "default")["outcome"] == "revoked"


@pytest.mark.parametrize(
    ("role", "user", "code"),
    [
        (None, "default", "DR001"),
        ("nobody_at_all", "default", "DR012"),
        ("drip_app", "defualt", "DR012"),
        ("drip_app", None, "DR001"),
    ],
)
def test_what_does_not_exist_is_refused(
    conn: Connection, role: str | None, user: str | None, code: str
) -> None:
    assert refusal(conn, REVOKE, role, user)[0] == code


def test_only_operators_may(connect: Connect) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connect(role="drip_app").execute("select * from drip.revoke_role('a', 'b')")
