"""Roles of applications, each with a tenant of its own."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from factory import Connect, Connection, Plant

AddApp = Callable[..., Connection]

_numbers = itertools.count(1)


@pytest.fixture
def add_app(plant: Plant, connect: Connect, admin: psycopg.Connection[Any]) -> Iterator[AddApp]:
    """Opens the session of a new role: `add_app("Alpha")` may act for that tenant, which it makes.

    Further groups, such as drip_pii, are named after the tenant.
    """
    roles: list[str] = []

    def add(tenant: str, *groups: str, **options: Any) -> Connection:
        role = f"pgdrip_test_{os.getpid()}_events_{next(_numbers)}"
        admin.execute(f"create role {role}".encode())
        roles.append(role)
        for group in ("drip_app", *groups):
            admin.execute(f"grant {group} to {role}".encode())
        if not plant.rows("select from drip.users where name = %s", tenant):
            plant.other_tenant(tenant)
        plant.row("select outcome from drip.assign_role(%s, %s)", role, tenant)
        return connect(role=role, **options)

    yield add
    plant.conn.execute(
        "select pg_terminate_backend(a.pid) from pg_stat_activity a"
        " where a.datname = current_database() and a.pid <> pg_backend_pid()"
    )
    for role in roles:
        admin.execute(f"drop role {role}".encode())
