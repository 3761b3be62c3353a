"""Queues of one tenant's events stop no other tenant, however they are made, left open or ended."""

from __future__ import annotations

import pytest
from factory import Connect, Plant
from followed import Followed

SUBSCRIBE = "select * from drip.subscribe(%s, '#')"
# What a server with max_connections = 100 has room for is 6,400 locks; a queue's drop takes 33.
LEFT = 80
CHILDREN = """
select count(*) from pg_inherits where inhparent = 'drip.waiting_events'::regclass
"""

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def other(plant: Plant) -> int:
    return plant.other_tenant("Beta")


def test_a_subscription_left_open_holds_up_no_other_tenants(
    plant: Plant, other: int, connect: Connect
) -> None:
    left_open = connect(autocommit=False)
    left_open.execute("select set_config('drip.user', %s, true)", [str(plant.user)])
    left_open.execute(SUBSCRIBE, ["crm"])

    with plant.acting_for(other):
        plant.conn.execute("set statement_timeout = '10s'")
        assert plant.row(SUBSCRIBE, "crm")["outcome"] == "subscribed"
        plant.tick()
        plant.lead("+60123456789", user=other)
        plant.row("select * from drip.opt_out('+60123456789')")
        plant.row("select * from drip.erase_lead('+60123456789')")
        [event] = plant.rows("select * from drip.read_events('crm') e")
        assert "60123456789" not in str(event)
    left_open.commit()
    plant.tick()
    assert plant.value(CHILDREN) == 2
    assert plant.rows("select user_id from drip.event_queues where waiting = 1") == [
        {"user_id": other}
    ]


def test_many_queues_that_are_left_are_dropped_in_runs(plant: Plant) -> None:
    """All in one transaction would fill the table of locks, which all sessions share, for ever."""
    for number in range(LEFT):
        plant.row(SUBSCRIBE, f"q{number}")
        plant.row("select * from drip.unsubscribe(%s)", f"q{number}")
    dropped = []
    while plant.value(CHILDREN):
        with plant.conn.transaction():
            dropped.append(plant.tick()["drop_event_queues"]["rows"])
            locks = plant.value("select count(*) from pg_locks where pid = pg_backend_pid()")
            assert locks < 6_400 / 2
    assert (sum(dropped), len(dropped)) == (LEFT, 2)


def test_a_person_is_erased_from_a_queue_whose_subscription_has_ended(plant: Plant) -> None:
    """It is dropped by the next tick, unless somebody reads it."""
    Followed(plant.conn, "lead.*", "crm")
    plant.lead("+60123456789")
    plant.row("select * from drip.opt_out('+60123456789')")
    name = plant.value("select queue_name from drip.subscriptions")
    plant.row("select * from drip.unsubscribe('crm')")
    plant.row("select * from drip.erase_lead('+60123456789')")
    texts = plant.rows(f"select message::text as text from pgmq.q_{name}")
    assert texts
    assert [row for row in texts if "60123456789" in row["text"]] == []
