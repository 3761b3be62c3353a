"""The triggers on leads: whoever writes, tokens are clean and enrollment looks."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from factory import Clock, Connection, Plant
from refusals import refusal


def is_marked(plant: Plant, lead: int) -> bool:
    return bool(plant.value("select enroll_check from drip.leads where id = %s", lead))


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("cold", "cold"),
        (" cold , warm ", "cold,warm"),
        ("cold,,warm,", "cold,warm"),
        ("Cold,cold,COLD", "Cold"),
        ("two words, x", "two words,x"),
        ("\tcold\r\n", "cold"),
        ("", None),
        (" , ", None),
        (None, None),
    ],
)
def test_token_lists_are_stored_clean(plant: Plant, written: Any, stored: Any) -> None:
    inserted = plant.lead(trigger=written, niche=written)
    updated = plant.lead(trigger="x", niche="x")
    plant.update("leads", updated, trigger=written, niche=written)
    for lead in (inserted, updated):
        row = plant.row("select trigger, niche from drip.leads where id = %s", lead)
        assert row == {"trigger": stored, "niche": stored}


def test_a_new_lead_is_looked_at_when_it_has_a_token(plant: Plant) -> None:
    assert is_marked(plant, plant.lead(trigger="cold"))
    assert is_marked(plant, plant.lead(niche="gym"))
    assert not is_marked(plant, plant.lead())


@pytest.mark.parametrize(
    "change",
    [
        {"trigger": "hot"},
        {"niche": "spa"},
        {"target_status": "customer"},
        {"trigger": None},
    ],
)
def test_a_change_that_matters_is_looked_at(plant: Plant, change: dict[str, Any]) -> None:
    lead = plant.lead(trigger="cold", niche="gym")
    plant.update("leads", lead, enroll_check=False)
    plant.update("leads", lead, **change)
    assert is_marked(plant, lead)


def test_another_device_is_looked_at(plant: Plant) -> None:
    lead = plant.lead(trigger="cold")
    plant.update("leads", lead, enroll_check=False)
    plant.update("leads", lead, device_id=plant.device())
    assert is_marked(plant, lead)


def test_other_changes_are_not(plant: Plant) -> None:
    lead = plant.lead(trigger="cold")
    plant.update("leads", lead, enroll_check=False)
    plant.update("leads", lead, name="Aminah", language="ms", trigger="cold")
    assert not is_marked(plant, lead)


def test_a_sweep_that_consumes_a_token_has_looked(plant: Plant) -> None:
    lead = plant.lead(trigger="cold,hot")
    plant.update("leads", lead, trigger="hot", enroll_check=False)
    assert not is_marked(plant, lead)


def test_the_change_is_dated(clock: Clock, plant: Plant) -> None:
    lead = plant.lead(trigger="cold")
    later = clock.advance(hours=1)
    updated = "select updated_at from drip.leads where id = %s"
    plant.update("leads", lead, enroll_check=False)
    assert plant.value(updated, lead) < later
    plant.update("leads", lead, name="Aminah")
    assert plant.value(updated, lead) == later


def test_an_operator_may_write_in_psql(plant: Plant, connect: Any) -> None:
    lead = plant.lead()
    operator = connect(role="drip_operator")
    operator.execute(
        "update drip.leads set trigger = ' cold, ', niche = '', name = 'Ali' where id = %s", [lead]
    )
    row = plant.row("select trigger, niche, name, enroll_check from drip.leads")
    assert row == {"trigger": "cold", "niche": None, "name": "Ali", "enroll_check": True}


def test_a_zone_that_does_not_exist_is_refused(conn: Connection, plant: Plant) -> None:
    lead = plant.lead()
    query = "update drip.leads set time_zone = %s where id = %s"
    assert refusal(conn, query, "foo+8", lead)[0] == "DR001"
    conn.execute(query.encode(), ["Etc/GMT-8", lead])


def test_one_notification_a_statement(conn: Connection, plant: Plant) -> None:
    conn.execute("listen drip_enroll")
    conn.execute("listen done")
    heard = []
    for statement, expected in (
        (
            "insert into drip.leads (user_id, phone, trigger, created_at, updated_at)"
            " select 1, '+6012000000' || n, 'cold', now(), now() from generate_series(1, 9) n",
            1,
        ),
        ("update drip.leads set trigger = 'hot'", 1),
        ("update drip.leads set enroll_check = false", 0),
        ("update drip.leads set name = 'x'", 0),
        ("update drip.leads set trigger = null, enroll_check = false", 0),
        (
            "insert into drip.leads (user_id, phone, created_at, updated_at)"
            " values (1, '+60130000000', now(), now())",
            0,
        ),
    ):
        conn.execute(statement.encode())
        conn.execute("select pg_notify('done', '')")
        heard = []
        for notification in conn.notifies(timeout=30):
            if notification.channel == "done":
                break
            heard.append(notification.channel)
        assert heard == ["drip_enroll"] * expected, statement


# Few bytes as they are stored, and far more as they are written: numbers of 131,000 digits,
# characters that JSON writes as six, and lists in lists that compress well.
SWELLING = {
    "numbers": "jsonb_build_object('a', 1e131000, 'b', 1e131000)",
    "characters": "jsonb_build_object('a', repeat(chr(1), 20000))",
    "levels": "('{\"a\":' || repeat('[', 60) || repeat(']', 60) || '}')::jsonb",
}


@pytest.mark.parametrize("value", SWELLING)
def test_attributes_are_measured_as_they_are_written(plant: Plant, value: str) -> None:
    """Also where they come from a table, compressed."""
    lead = plant.lead()
    plant.conn.execute(
        "create table public.kept (a jsonb);"
        # so that it is compressed whatever its size
        "alter table public.kept set (toast_tuple_target = 128);"
        "alter table public.kept add column filler text default repeat(md5('x'), 60);"
        f"insert into public.kept (a) values ({SWELLING[value]})".encode()
    )
    assert plant.value("select pg_column_size(a) from public.kept") <= 256
    for statement in (
        "update drip.leads set attributes = k.a from public.kept k where leads.id = %s",
        "insert into drip.leads (user_id, phone, attributes)"
        " select l.user_id, '+60111111111', k.a from drip.leads l, public.kept k where l.id = %s",
    ):
        with pytest.raises(psycopg.Error) as caught:
            plant.conn.execute(statement.encode(), [lead])
        assert caught.value.sqlstate == "DR021"
