"""replay_dead_letters(): what died goes back into the queue once its cause is mended."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from factory import Clock, Connect, Plant
from inbound import PHONE, cloud_device, dead_letters, process, wrote

REPLAY = "select * from drip.replay_dead_letters(%s, %s)"


@pytest.fixture
def letter(clock: Clock, plant: Plant) -> int:
    """A STOP to a number whose device nobody had added."""
    process(plant, wrote(cloud_device(plant), "STOP", number_id="404"))
    return int(dead_letters(plant)[0]["id"])


def outcomes(plant: Plant, *ids: int) -> list[tuple[int, str, bool]]:
    """What replaying these says."""
    rows = plant.rows(REPLAY, list(ids), "device added")
    return [(row["dead_letter_id"], row["outcome"], row["applied"]) for row in rows]


def test_it_is_processed_like_a_new_one(clock: Clock, plant: Plant, letter: int) -> None:
    plant.conn.execute("update drip.user_devices set instance = '404'")
    died = clock.now
    clock.advance(days=1)
    assert outcomes(plant, letter) == [(letter, "replayed", True)]
    assert process(plant)["applied"] == 1
    assert plant.value("select phone from drip.suppressions") == PHONE
    assert plant.value("select received_at from drip.inbound_messages") == died
    assert plant.value("select replayed_at from drip.dead_letters") == clock.now


def test_it_is_replayed_once(clock: Clock, plant: Plant, letter: int) -> None:
    assert outcomes(plant, letter, 4711, letter) == [
        (letter, "replayed", True),
        (4711, "not_found", False),
        (letter, "replayed", True),
    ]
    assert plant.value("select count(*) from pgmq.q_drip_inbound") == 1
    assert outcomes(plant, letter) == [(letter, "already_replayed", False)]
    assert outcomes(plant) == []
    assert plant.value("select count(*) from pgmq.q_drip_inbound") == 1


def test_it_dies_again_while_the_cause_is_there(clock: Clock, plant: Plant, letter: int) -> None:
    outcomes(plant, letter)
    assert process(plant)["dead"] == 1
    assert [row["error"] for row in dead_letters(plant)] == [
        "no device of the tenant has the instance 404"
    ] * 2


def test_it_is_audited_with_the_reason(clock: Clock, plant: Plant, letter: int) -> None:
    outcomes(plant, letter)
    row = plant.row(
        "select subject_kind, subject_id, reason from drip.audit_log"
        " where action = 'replay_dead_letters'"
    )
    assert row == {
        "subject_kind": "dead_letter",
        "subject_id": letter,
        "reason": "device added",
    }


@pytest.mark.parametrize("role", ["drip_app", "drip_worker", "drip_reader"])
def test_operators_alone_may(
    clock: Clock, plant: Plant, letter: int, connect: Connect, role: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connect(role=role).execute(REPLAY, [[letter], None])
    row: Any = connect(role="drip_operator").execute(REPLAY, [[letter], None]).fetchone()
    assert row["outcome"] == "replayed"


def test_the_workers_are_told(clock: Clock, plant: Plant, letter: int, connect: Connect) -> None:
    listener = connect()
    listener.execute("listen drip_inbound")
    outcomes(plant, letter)
    assert [note.channel for note in listener.notifies(timeout=10, stop_after=1)] == [
        "drip_inbound"
    ]
