"""Every setting does something: two values of it alone lead to two outcomes.

The columns are those whose comment begins with [setting], read from the catalog; a new one without
a scene in settings_pairs.py fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from factory import MONDAY, Clock, Connection, Plant
from settings_pairs import PAIRS, World

# A scene for each of nearly a hundred columns: on the other server the rooms' own tests will do.
pytestmark = pytest.mark.exhaustive

SETTINGS = """
select c.relname || '.' || a.attname as name, c.relname::text as table_name,
  a.attname::text as column_name
from pg_attribute a
join pg_class c on c.oid = a.attrelid
where c.relnamespace = 'drip'::regnamespace
  and col_description(c.oid, a.attnum) like '[setting]%'
order by c.oid, a.attnum
"""


def settings_of(conn: Connection) -> dict[str, tuple[str, str]]:
    """Table and column of each setting."""
    return {
        row["name"]: (row["table_name"], row["column_name"])
        for row in conn.execute(SETTINGS.encode()).fetchall()
    }


@pytest.fixture
def plant(shared_plant: Plant) -> Plant:
    """Each scene is rolled back, so that all of them share one database."""
    return shared_plant


@pytest.fixture
def clock(shared_clock: Clock) -> Clock:
    return shared_clock


@pytest.mark.lesson(18, story=True)
def test_every_setting_has_a_scene_and_every_scene_a_setting(plant: Plant) -> None:
    settings = settings_of(plant.conn)
    assert len(settings) > 85
    assert set(settings) == PAIRS.keys()


def stored(plant: Plant) -> dict[str, list[Any]]:
    """All settings as they stand, devices by their names."""
    names = {row["id"]: row["name"] for row in plant.rows("select id, name from drip.user_devices")}
    settings = settings_of(plant.conn)
    tables = {
        table: [
            row["value"]
            for row in plant.rows(f"select to_jsonb(t) as value from drip.{table} t order by t")
        ]
        for table in {table for table, _ in settings.values()}
    }
    found: dict[str, list[Any]] = {}
    for name, (table, column) in settings.items():
        values = [row[column] for row in tables[table]]
        if column == "device_id":
            values = [names.get(value) for value in values]
        elif column == "devices":
            values = [[names[one] for one in value] if value else value for value in values]
        found[name] = sorted(values, key=str)
    return found


def play(plant: Plant, clock: Clock, name: str, value: Any) -> tuple[dict[str, list[Any]], Any]:
    """The settings that the scene has built, and what came of them; nothing stays."""
    with plant.rolled_back():
        clock.set(MONDAY)
        scene: Iterator[Any] = PAIRS[name].scene(World(plant, clock), value)
        next(scene)
        settings = stored(plant)
        return settings, next(scene)


# Its other value is refused, so there is no row to compare.
BY_REFUSAL = {"campaigns.everyone"}


def compare(plant: Plant, clock: Clock, name: str) -> None:
    """Two values of this setting, and of no other, must lead to two outcomes."""
    one, other = PAIRS[name].values
    before, came = play(plant, clock, name, one)
    # nothing but the value makes the difference
    assert play(plant, clock, name, one) == (before, came)
    changed, came_instead = play(plant, clock, name, other)
    assert came_instead != came
    differing = {setting for setting in before if before[setting] != changed[setting]}
    assert differing == (set() if name in BY_REFUSAL else {name})


@pytest.mark.lesson(18, story=True)
@pytest.mark.parametrize("name", PAIRS)
def test_two_values_two_outcomes(plant: Plant, clock: Clock, name: str) -> None:
    compare(plant, clock, name)


@pytest.mark.lesson(18, "settings are used")
def test_a_setting_that_is_not_used_is_found(plant: Plant, clock: Clock) -> None:
    """The same comparison: without the rule this setting is stored and does nothing."""
    compare(plant, clock, "campaigns.per_device_limit")
