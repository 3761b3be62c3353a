"""list_devices_to_check(): whose sender the worker asks, and when."""

from __future__ import annotations

from typing import Any

from factory import Clock, Connection, Plant

LIST = "select * from drip.list_devices_to_check(%s, %s)"


def listed(session: Connection, parts: int = 1, *platforms: str) -> list[int]:
    """Devices that a worker is to ask now."""
    rows = session.execute(LIST, [list(platforms or ("gowa",)), parts]).fetchall()
    return [row["device_id"] for row in rows]


def test_devices_that_may_send_some_day(plant: Plant, connect: Any) -> None:
    online = plant.device("a")
    offline = plant.device("b", status="offline")
    plant.device("c", status="disabled")
    sleeping = plant.other_tenant()
    plant.device("d", user=sleeping)
    plant.update("users", sleeping, is_active=False)

    worker = connect(role="drip_worker")
    rows = worker.execute(LIST, [["gowa"], 1]).fetchall()

    assert [row["device_id"] for row in rows] == [online, offline]
    assert rows[0] == {
        "device_id": online,
        "platform": "gowa",
        "endpoint": "http://127.0.0.1:9",
        "instance": "one",
        "secret_name": None,
    }


def test_a_device_is_asked_twice_a_minute(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    assert listed(plant.conn) == [device]
    clock.advance(seconds=27)
    assert listed(plant.conn) == []
    clock.advance(seconds=3)
    assert listed(plant.conn) == [device]


def test_a_clock_that_was_ahead_stops_no_check(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    clock.advance(days=1)
    assert listed(plant.conn) == [device]
    clock.advance(days=-1)
    assert listed(plant.conn) == [device]


def test_parts_reach_every_device_in_half_a_minute(clock: Clock, plant: Plant) -> None:
    devices = {plant.device() for _ in range(15)}
    rounds = []
    for _ in range(2):
        runs = []
        for _ in range(6):
            runs.append(listed(plant.conn, 6))
            clock.advance(seconds=5)
        rounds.append(runs)
        assert {device for run in runs for device in run} == devices
        assert sum(map(len, runs)) == 15
        assert max(map(len, runs)) == 3
    assert rounds[0] == rounds[1]


def test_the_longest_unasked_comes_first(clock: Clock, plant: Plant) -> None:
    first, second = plant.device(), plant.device()
    assert listed(plant.conn, 2) == [first]
    third = plant.device()
    clock.advance(seconds=1)
    assert listed(plant.conn) == [second, third]
    clock.advance(seconds=60)
    assert listed(plant.conn, 10) == [first]


def test_only_platforms_that_the_worker_knows(plant: Plant) -> None:
    """The others are left to a worker that knows them."""
    gowa, meta = plant.device(), plant.device(platform="cloud_api")
    assert listed(plant.conn, 1, "gowa", "waha") == [gowa]
    assert listed(plant.conn, 1, "gowa", "cloud_api") == [meta]


def test_two_workers_share_the_devices(plant: Plant, connect: Any) -> None:
    """Even before the first has committed."""
    devices = {plant.device() for _ in range(6)}
    one, two = (connect(role="drip_worker", autocommit=False) for _ in range(2))
    taken = listed(one, 2)
    others = listed(two)
    one.commit()
    two.commit()
    assert (len(taken), len(others)) == (3, 3)
    assert {*taken, *others} == devices
    assert listed(two) == []


def test_a_device_that_somebody_holds_waits_for_the_next_look(plant: Plant, connect: Any) -> None:
    held, free = plant.device(), plant.device()
    person = connect(autocommit=False)
    person.execute("update drip.user_devices set burst = 2 where id = %s", [held])
    assert listed(plant.conn) == [free]
    person.rollback()
    assert listed(plant.conn) == [held]
