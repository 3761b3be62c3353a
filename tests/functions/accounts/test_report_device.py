"""report_device(): what a sender says of its device."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from factory import Clock, Connection, Plant
from followed import Followed
from refusals import refusal

REPORT = "select * from drip.report_device(%s::text, %s, %s)"


@pytest.mark.parametrize(
    ("before", "said", "after", "outcome"),
    [
        ("online", "online", "online", "unchanged"),
        ("online", "offline", "offline", "changed"),
        ("online", "needs_attention", "needs_attention", "changed"),
        ("offline", "online", "online", "changed"),
        ("offline", "needs_attention", "needs_attention", "changed"),
        ("needs_attention", "online", "online", "changed"),
        ("needs_attention", "offline", "needs_attention", "unchanged"),
        ("disabled", "online", "disabled", "disabled"),
        ("disabled", "needs_attention", "disabled", "disabled"),
    ],
)
def test_what_becomes_of_a_status(
    clock: Clock, plant: Plant, before: str, said: str, after: str, outcome: str
) -> None:
    device = plant.device(status=before)
    started = clock.now
    clock.advance(minutes=5)
    assert plant.row(REPORT, device, said, None) == {
        "device_id": device,
        "status": after,
        "outcome": outcome,
    }
    row = plant.row("select * from drip.user_devices where id = %s", device)
    assert row["status"] == after
    assert row["status_since"] == (clock.now if outcome == "changed" else started)
    assert row["last_seen"] == (None if before == "disabled" else clock.now)


def test_the_reason_comes_and_goes_with_the_status(plant: Plant) -> None:
    device = plant.device()
    reason = "select status_reason from drip.user_devices"
    plant.row(REPORT, device, "needs_attention", "logged out")
    assert plant.value(reason) == "logged out"
    plant.row(REPORT, device, "offline", "gateway unreachable")
    assert plant.value(reason) == "logged out"
    plant.row(REPORT, device, "online", None)
    assert plant.value(reason) is None


def test_a_device_that_is_back_sends_again(clock: Clock, plant: Plant, conn: Connection) -> None:
    device = plant.device(status="offline")
    plant.message(device)
    assert plant.claim() == []
    conn.execute("listen drip_wake")
    plant.row(REPORT, device, "online", None)
    heard = next(conn.notifies(timeout=30, stop_after=1))
    assert plant.woken(heard.payload) == [device]
    assert len(plant.claim()) == 1


def test_a_device_that_is_back_keeps_its_pace(clock: Clock, plant: Plant) -> None:
    """However much has become due meanwhile, and however often it goes and comes."""
    device = plant.device(min_delay_seconds=60, max_delay_seconds=60)
    for _ in range(5):
        plant.message(device)
    [first] = plant.claim()
    plant.answer(first)
    clock.advance(seconds=20)
    for _ in range(3):
        plant.row(REPORT, device, "offline", "gateway unreachable")
        plant.row(REPORT, device, "online", None)
        plant.wake()
        assert plant.claim() == []
    clock.advance(seconds=40)
    plant.wake()
    assert len(plant.claim()) == 1

    plant.row(REPORT, device, "offline", "gateway unreachable")
    clock.advance(hours=3)
    plant.row(REPORT, device, "online", None)
    plant.wake()
    # the one in flight still holds the only slot
    assert plant.claim() == []
    plant.tick()
    plant.wake()
    assert len(plant.claim()) == 1
    plant.wake()
    assert plant.claim() == []


def stopped_by(plant: Plant, code: str, **columns: Any) -> int:
    """A device that Meta refuses with this code."""
    device = plant.device(platform="cloud_api", **columns)
    plant.message(device, message_type="template")
    plant.answer(plant.claim()[0], "permanent", scope="device", error_code=code)
    assert plant.value("select status from drip.user_devices") == "needs_attention"
    return device


def test_what_the_check_sees_it_also_ends(plant: Plant) -> None:
    """An expired token: the check fails too, until there is another."""
    device = stopped_by(plant, "190")
    assert plant.row(REPORT, device, "online", None)["outcome"] == "changed"


def test_what_no_check_sees_waits_for_a_person(clock: Clock, plant: Plant) -> None:
    """A name that is not approved: the number is well, and nothing can be sent."""
    device = stopped_by(plant, "131037")
    clock.advance(seconds=30)
    assert plant.row(REPORT, device, "online", None) == {
        "device_id": device,
        "status": "needs_attention",
        "outcome": "held",
    }
    row = plant.row("select * from drip.user_devices")
    assert (row["status_reason"], row["last_seen"]) == ("display name not approved", clock.now)
    plant.wake()
    assert plant.claim() == []

    plant.row("select * from drip.set_device_status(%s, 'online', 'approved')", str(device))
    plant.wake()
    assert len(plant.claim()) == 1
    plant.row(REPORT, device, "needs_attention", "token expired")
    assert plant.row(REPORT, device, "online", None)["outcome"] == "changed"


def test_an_update_by_hand_ends_it_for_good(clock: Clock, plant: Plant) -> None:
    device = stopped_by(plant, "131037")
    plant.update("user_devices", device, status="online")
    plant.row(REPORT, device, "needs_attention", "token expired")
    assert plant.row(REPORT, device, "online", None)["outcome"] == "changed"


def test_the_operator_decides_what_a_check_may_end(plant: Plant, connect: Any) -> None:
    operator = connect(role="drip_operator")
    operator.execute("update drip.error_codes set check_ends_stop = true where code = '131037'")
    device = stopped_by(plant, "131037")
    assert plant.row(REPORT, device, "online", None)["outcome"] == "changed"


def test_a_device_that_is_back_rests_as_long_as_its_breaker(clock: Clock, plant: Plant) -> None:
    device = plant.device(status="offline")
    plant.message(device)
    plant.update("device_pacing", device, breaker_open_until=clock.now + timedelta(minutes=15))
    plant.row(REPORT, device, "online", None)
    plant.wake()
    assert plant.claim() == []
    clock.advance(minutes=15)
    plant.wake()
    assert len(plant.claim()) == 1


def test_a_device_is_an_id_or_a_name(plant: Plant) -> None:
    device = plant.device(name="main")
    for named in (str(device), "main"):
        plant.row("select * from drip.set_device_status('main', 'offline')")
        row = plant.row(REPORT, named, "online", None)
        assert (row["device_id"], row["outcome"]) == (device, "changed")


def test_a_row_that_a_person_holds_is_left_to_the_next_report(plant: Plant, connect: Any) -> None:
    device = plant.device()
    person = connect(autocommit=False)
    person.execute("update drip.user_devices set burst = 2 where id = %s", [device])
    assert plant.row(REPORT, device, "offline", None)["outcome"] == "busy"
    person.commit()
    assert plant.row(REPORT, device, "offline", None)["outcome"] == "changed"


@pytest.mark.parametrize(
    ("device", "status", "code"),
    [(999, "online", "DR012"), (None, "online", "DR001"), (None, "dead", "DR001")],
)
def test_what_cannot_be_is_refused(
    conn: Connection, device: int | None, status: str, code: str
) -> None:
    assert refusal(conn, REPORT, device, status, None)[0] == code


def test_a_sender_disables_nothing(conn: Connection, plant: Plant) -> None:
    assert refusal(conn, REPORT, plant.device(), "disabled", None)[0] == "DR001"


def test_a_rating_is_shown_and_its_change_is_told(clock: Clock, plant: Plant) -> None:
    followed = Followed(plant.conn, "device.#")
    device = plant.device("one", platform="cloud_api")

    def rated(rating: str | None) -> list[tuple[str | None, str | None]]:
        report = "select * from drip.report_device(%s, 'online', null, %s)"
        plant.row(report, str(device), rating)
        return [
            (event.data["previous_quality_rating"], event.data["quality_rating"])
            for event in followed.take()
            if event.type == "device.quality_changed"
        ]

    assert rated("GREEN") == []
    first = clock.now
    clock.advance(hours=1)
    assert rated("GREEN") == rated(None) == rated("UNKNOWN") == []
    row = plant.row("select * from drip.device_overview")
    assert (row["quality_rating"], row["quality_since"]) == ("GREEN", first)
    assert rated("yellow") == [("GREEN", "YELLOW")]
    row = plant.row("select * from drip.device_overview")
    assert (row["quality_rating"], row["quality_since"]) == ("YELLOW", clock.now)


def test_a_first_rating_that_is_bad_is_told(plant: Plant) -> None:
    followed = Followed(plant.conn, "device.#")
    device = plant.device("one", platform="cloud_api")
    plant.row("select * from drip.report_device(%s, 'online', null, 'RED')", str(device))
    assert followed.one("device.quality_changed")["quality_rating"] == "RED"
