"""ack_events(): what was dealt with does not come again."""

from __future__ import annotations

import pytest
from factory import Connect, Plant
from followed import Followed

ACK = "select * from drip.ack_events('crm', %s)"
PEEK = "select * from drip.read_events('crm', p_seconds => 0)"

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def ids(plant: Plant) -> list[int]:
    """The ack_ids of three events that wait in the queue crm."""
    Followed(plant.conn, "lead.*", "crm")
    for number in range(3):
        plant.suppress(f"+6012345678{number}")
    return [row["ack_id"] for row in plant.rows(PEEK)]


def test_an_acked_event_is_gone_and_the_rest_stays(plant: Plant, ids: list[int]) -> None:
    assert plant.rows(ACK, ids[:2]) == [{"ack_id": i, "outcome": "acked"} for i in ids[:2]]
    assert [row["ack_id"] for row in plant.rows(PEEK)] == ids[2:]


def test_a_repeat_and_what_was_never_there_do_nothing(plant: Plant, ids: list[int]) -> None:
    plant.rows(ACK, ids[:1])
    rows = plant.rows(ACK, [ids[0], 999_999, -1, ids[0], None])
    assert {row["ack_id"]: row["outcome"] for row in rows} == dict.fromkeys(
        (ids[0], 999_999, -1), "not_waiting"
    )
    assert len(rows) == 3
    assert len(plant.rows(PEEK)) == 2
    assert plant.rows(ACK, []) == plant.rows(ACK, None) == []


def test_an_ack_that_is_rolled_back_was_none(
    plant: Plant, connect: Connect, ids: list[int]
) -> None:
    reader = connect(autocommit=False)
    reader.execute(ACK, [ids])
    reader.rollback()
    assert len(plant.rows(PEEK)) == 3


def test_an_ack_of_one_queue_leaves_the_other(plant: Plant, ids: list[int]) -> None:
    other = Followed(plant.conn, "lead.*", "other")
    plant.suppress("+60123456788")
    plant.rows(ACK, [1, 2, 3, 4])
    assert other.types() == ["lead.opted_out"]
