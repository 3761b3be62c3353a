"""set_device_status(): a person's word on a device."""

from __future__ import annotations

import pytest
from factory import Clock, Connection, Plant
from refusals import refusal


def test_it_sets_status_reason_and_since(clock: Clock, plant: Plant) -> None:
    device = plant.device("front")
    clock.advance(hours=1)
    changed = plant.row("select * from drip.set_device_status('front', 'disabled', 'holiday')")
    assert changed == {"device_id": device, "status": "disabled", "outcome": "changed"}
    row = plant.row("select * from drip.user_devices where id = %s", device)
    assert (row["status"], row["status_reason"]) == ("disabled", "holiday")
    assert row["status_since"] == clock.now
    entry = plant.row("select * from drip.audit_log where action = 'set_device_status'")
    assert (entry["subject_id"], entry["reason"]) == (device, "holiday")
    assert entry["details"]["changes"]["status"] == {"from": "online", "to": "disabled"}


def test_a_repeat_changes_nothing_and_keeps_the_reason(plant: Plant) -> None:
    device = plant.device("front")
    query = "select outcome from drip.set_device_status(%s, 'offline', %s)"
    assert plant.value(query, "front", "power cut") == "changed"
    assert plant.value(query, str(device), "power cut") == "unchanged"
    assert plant.value(query, "front", None) == "unchanged"
    assert plant.value("select status_reason from drip.user_devices") == "power cut"


def test_it_stops_and_starts_the_claim(clock: Clock, plant: Plant) -> None:
    device = plant.device("front")
    plant.message(device)
    plant.row("select * from drip.set_device_status('front', 'disabled')")
    assert plant.claim() == []
    plant.row("select * from drip.set_device_status('front', 'online')")
    clock.advance(minutes=2)
    plant.wake()
    assert len(plant.claim()) == 1


@pytest.mark.parametrize(
    ("device", "status", "code"),
    [
        ("front", "asleep", "DR001"),
        ("front", None, "DR001"),
        ("frontt", "online", "DR012"),
        ("999", "online", "DR012"),
        ("", "online", "DR001"),
        (None, "online", "DR001"),
    ],
)
def test_what_cannot_be_is_refused(
    conn: Connection, plant: Plant, device: str | None, status: str | None, code: str
) -> None:
    plant.device("front")
    got, _, hint = refusal(conn, "select * from drip.set_device_status(%s, %s)", device, status)
    assert got == code
    if device == "frontt":
        assert "'front'" in hint


def test_a_name_that_two_tenants_have_is_not_guessed(conn: Connection, plant: Plant) -> None:
    plant.device("front")
    other = plant.other_tenant("Kedai B")
    theirs = plant.device("front", user=other)
    code, sentence, hint = refusal(conn, "select * from drip.set_device_status('front', 'offline')")
    assert code == "DR011"
    assert "'default'" in sentence
    assert "'Kedai B'" in sentence
    # The hint is SQL that runs: user is a reserved word.
    assert 'set local drip."user"' in hint
    with plant.acting_for(other):
        assert (
            plant.value("select device_id from drip.set_device_status('front', 'offline')")
            == theirs
        )
