"""The Python of docs/howto/applications.md runs as it stands, by a login of an application."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from factory import Clock, Plant
from psycopg.conninfo import conninfo_to_dict, make_conninfo

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "applications.md"
ORDER, SQLALCHEMY, TENANT, ERROR, EVENTS = re.findall(
    r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)

# Makes a table and a login of its own, which a database of the pool would keep.
pytestmark = pytest.mark.fresh_database

Run = Callable[[str], dict[str, Any]]


@pytest.fixture
def run(dsn: str, plant: Plant, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs a block of the page as an application of the tenant; its names."""
    login = f"{conninfo_to_dict(dsn)['dbname']}_shop"
    plant.device(burst=9)
    plant.sequence({"content": "Thank you for {attributes.order|it}."}, name="Order")
    plant.conn.execute(
        f"""
        create schema shop;
        create table shop.orders (id text primary key, phone text);
        create role {login} login password 'x' in role drip_app;
        grant usage on schema shop to {login};
        grant insert on shop.orders to {login};
        """.encode()
    )
    plant.assign(login)
    parts = conninfo_to_dict(dsn) | {"user": login, "password": "x"}
    host = parts.pop("host", "localhost")
    url = f"postgresql://{login}:x@/{parts['dbname']}?host={host}&port={parts.get('port', 5432)}"
    assert conninfo_to_dict(make_conninfo(url))["user"] == login
    monkeypatch.setenv("DATABASE_URL", url)

    def execute(block: str) -> dict[str, Any]:
        names: dict[str, Any] = {}
        exec(compile(block, str(PAGE), "exec"), names)
        return names

    yield execute
    plant.conn.execute(f"drop owned by {login}; drop role {login}".encode())


def test_an_order_and_its_journey(
    run: Run, plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    names = run(ORDER)
    assert capsys.readouterr().out == "enrolled\n"
    assert plant.value("select count(*) from shop.orders") == 1
    assert plant.value("select attributes ->> 'order' from drip.sequence_contacts") == "A-17"
    with psycopg.connect(names["os"].environ["DATABASE_URL"]) as conn:
        with pytest.raises(psycopg.errors.UniqueViolation):
            names["place_order"](conn, "A-17", "+60123456781", "Siti")
        assert names["place_order"](conn, "A-19", "12-34", "Nobody") == "invalid_phone"
    assert plant.rows("select id from shop.orders order by id") == [{"id": "A-17"}, {"id": "A-19"}]
    assert plant.value("select count(*) from drip.sequence_contacts") == 1


def test_with_sqlalchemy(run: Run, plant: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    run(SQLALCHEMY)["engine"].dispose()
    assert capsys.readouterr().out == "enrolled\n"
    assert plant.value("select key from drip.sequence_contacts") == "A-18"


def test_one_of_several_tenants(run: Run, plant: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    plant.message(None)
    other = plant.other_tenant()
    plant.message(None, user=other)
    plant.message(None, user=other)
    plant.assign(str(conninfo_to_dict(os.environ["DATABASE_URL"])["user"]), other)
    run(TENANT)
    assert capsys.readouterr().out == "1\n"


def test_an_error_is_told(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run(ERROR)
    told = capsys.readouterr().out
    assert told.startswith("DR012 there is no sequence 'Ordre'")
    assert "'Order'" in told


def test_events_are_handled_once(
    run: Run, plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    names = run(EVENTS)
    url = names["os"].environ["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True, row_factory=names["dict_row"]) as conn:
        conn.execute("select drip.subscribe('crm', 'message.*')")
        assert names["handle_some"](conn) == 0
        lead = plant.lead()
        plant.message(plant.device(), lead)
        [row] = plant.claim()
        plant.answer(row)
        assert names["handle_some"](conn) == 1
        assert capsys.readouterr().out == f"message.sent {lead}\n"
        assert names["handle_some"](conn) == 0
