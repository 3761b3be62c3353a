"""list_devices_to_check(): whose sender the worker asks."""

from __future__ import annotations

from typing import Any

from factory import Plant


def test_devices_that_may_send_some_day(plant: Plant, connect: Any) -> None:
    online = plant.device("a")
    offline = plant.device("b", status="offline")
    plant.device("c", status="disabled")
    sleeping = plant.other_tenant()
    plant.device("d", user=sleeping)
    plant.update("users", sleeping, is_active=False)

    worker = connect(role="drip_worker")
    listed = worker.execute("select * from drip.list_devices_to_check()").fetchall()

    assert [row["device_id"] for row in listed] == [online, offline]
    assert listed[0] == {
        "device_id": online,
        "platform": "gowa",
        "endpoint": "http://127.0.0.1:9",
        "instance": "one",
        "secret_name": None,
    }
