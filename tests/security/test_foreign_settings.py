"""Settings of the session that a guard changes: whatever it sets, the claims of others go on.

Any login may set what pg_settings calls a user's, so this goes over all of them, with values at
both ends, as a server of this version has them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from factory import Plant
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgdrip.database import Database
from pgdrip.turns import Turns

SETTINGS = """
select s.name, v.value
from pg_settings s
cross join lateral (
  select distinct x.value
  from unnest(case
    when s.vartype = 'bool' then array['on', 'off']
    when s.vartype = 'enum' then s.enumvals
    when s.vartype = 'string' then array['', 'x', 'UTC', 'pg_catalog']
    else array[s.min_val, s.max_val, '1']
  end) as x (value)
) v
where s.context = 'user'
order by s.name, v.value
"""
# Claims until what is due must have gone: the one that is lost, one that asks nobody, one for each
# of the two tenants, and once more for whose session dies.
MOST = 6


@pytest.fixture
def worker_dsn(plant: Plant, dsn: str) -> Iterator[str]:
    """A worker's login without any right besides."""
    login = f"worker_{plant.conn.info.dbname}"
    name = sql.Identifier(login)
    plant.conn.execute(sql.SQL("create role {} login in role drip_worker").format(name))
    yield make_conninfo(dsn, user=login)
    plant.conn.execute(sql.SQL("drop owned by {} cascade").format(name))
    plant.conn.execute(sql.SQL("drop role {}").format(name))


class TwoTenants:
    """One whose guard changes a setting and sleeps a little, and a healthy one."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.other = plant.other_tenant("healthy")
        with plant.acting_for(plant.user):
            plant.device(burst=50)
            plant.conn.execute(
                "create schema shop; create table shop.changes (name text, value text);"
                "grant select on shop.changes to drip_guard"
            )
            plant.guard(
                "changes",
                "if p_lead_id = 0 then return true; end if;"
                " perform set_config(c.name, c.value, false) from shop.changes c;"
                " perform pg_sleep(0.02); return true;",
                register=False,
            )
            plant.row("select * from drip.register_guard('changes', 'shop.changes', p_user => '1')")
            self.changing = plant.sequence({"only_if": "changes"})
        with plant.acting_for(self.other):
            plant.guard("yes", "return true;")
            self.device = plant.device(user=self.other, burst=50)
            self.asking = plant.sequence({"only_if": "yes"})

    def change(self, name: str, value: str) -> set[int]:
        """Something due for both; the healthy tenant's messages."""
        plant = self.plant
        plant.conn.execute("truncate shop.changes")
        plant.conn.execute("insert into shop.changes values (%s, %s)", [name, value])
        plant.conn.execute("update drip.guards set errors = 0, suspended_until = null")
        with plant.acting_for(plant.user):
            plant.enroll(self.changing)
        with plant.acting_for(self.other):
            lead = plant.lead(user=self.other)
            guarded = plant.journey(plant.enroll(self.asking, lead=lead))[0]["id"]
        free = plant.message(self.device, user=self.other)
        plant.wake()
        return {guarded, free}


def test_whatever_a_guard_sets_others_are_served(plant: Plant, worker_dsn: str) -> None:
    tenants = TwoTenants(plant)
    settings = plant.rows(SETTINGS)
    assert len(settings) > 200
    held_up: dict[str, Any] = {}
    lost: set[str] = set()

    async def scenario() -> None:
        async with Database(worker_dsn, size=2) as database:
            for setting in settings:
                turns = Turns(database)
                due = tenants.change(setting["name"], setting["value"])
                for _ in range(MOST):
                    rows = await turns.claim("w", 50)
                    if turns.is_amid_round:
                        lost.add(setting["name"])
                    if rows:
                        await database.record_results(
                            "w",
                            [
                                {
                                    "message_id": row["message_id"],
                                    "attempt": row["attempt"],
                                    "outcome": "accepted",
                                }
                                for row in rows
                            ],
                        )
                    due -= {row["message_id"] for row in rows}
                    if not due:
                        break
                if due:
                    held_up[f"{setting['name']} = {setting['value']}"] = due

    asyncio.run(scenario())
    assert held_up == {}
    expected = {"exit_on_error"}
    if plant.conn.info.server_version >= 170000:
        expected.add("transaction_timeout")
    # else this would test nothing
    assert lost == expected


def test_a_lost_session_is_its_tenants_fault_alone(plant: Plant, worker_dsn: str) -> None:
    """After two of them its guards rest and say why, and claims are for all at once again."""
    tenants = TwoTenants(plant)
    tenants.change("exit_on_error", "on")

    async def scenario() -> None:
        async with Database(worker_dsn, size=2) as database:
            turns = Turns(database)
            for _ in range(20):
                await turns.claim("w", 50)
                if not turns._is_apart:
                    break
            assert not turns._is_apart

    asyncio.run(scenario())
    guards = {row["name"]: row for row in plant.rows("select * from drip.list_guards()")}
    assert (guards["changes"]["state"], guards["yes"]["state"]) == ("resting", "ready")
    assert guards["changes"]["last_error"].startswith("it ended its session: ")
    states = plant.rows("select status, count(*) from drip.broadcast_messages group by 1")
    assert {row["status"]: row["count"] for row in states} == {"processing": 2, "pending": 1}
    message = plant.value("select id from drip.broadcast_messages where status = 'pending'")
    assert plant.explain(message)["reason"] == "guard_error"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        plant.conn.execute("set role drip_app; select * from drip.rest_guards(1, 'x')")
