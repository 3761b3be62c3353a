"""unsubscribe(): nothing more comes; the queue goes when nobody uses it."""

from __future__ import annotations

import pytest
from factory import Connect, Plant
from followed import Followed
from refusals import refusal

UNSUBSCRIBE = "select * from drip.unsubscribe(%s, %s)"
QUEUES = "select queue_name from pgmq.list_queues() where queue_name ~ '^drip_q_'"

pytestmark = pytest.mark.usefixtures("clock")


def test_one_pattern_of_several(plant: Plant) -> None:
    crm = Followed(plant.conn, "lead.*", "crm")
    plant.row("select * from drip.subscribe('crm', 'device.*')")
    device = plant.device()
    plant.suppress("+60123456789")
    assert plant.rows(UNSUBSCRIBE, "crm", "Lead.*") == [
        {"queue": "crm", "pattern": "lead.*", "outcome": "unsubscribed", "dropped": 0}
    ]
    plant.suppress("+60123456780")
    plant.update("user_devices", device, status="offline")
    assert crm.types() == ["lead.opted_out", "device.offline"]


def test_all_of_a_queue_says_what_goes_with_it(plant: Plant) -> None:
    Followed(plant.conn, "lead.*", "crm")
    plant.row("select * from drip.subscribe('crm', 'device.*')")
    plant.suppress("+60123456789")
    rows = plant.rows(UNSUBSCRIBE, "crm", None)
    assert [(row["pattern"], row["outcome"], row["dropped"]) for row in rows] == [
        ("device.*", "unsubscribed", 1),
        ("lead.*", "unsubscribed", 1),
    ]
    assert refusal(plant.conn, "select * from drip.read_events('crm')")[0] == "DR012"
    assert plant.tick()["drop_event_queues"]["rows"] == 1
    assert plant.rows(QUEUES) == []
    assert plant.tick()["drop_event_queues"]["rows"] == 0


def test_what_is_not_subscribed_is_no_error(plant: Plant) -> None:
    Followed(plant.conn, "lead.*", "crm")
    for queue, pattern in (("crm", "device.*"), ("other", None), ("other", "rubbish %")):
        row = plant.row(UNSUBSCRIBE, queue, pattern)
        assert (row["pattern"], row["outcome"], row["dropped"]) == (pattern, "not_subscribed", 0)
    assert plant.value("select count(*) from drip.subscriptions") == 1


def test_other_queues_stay(plant: Plant) -> None:
    Followed(plant.conn, "#", "other")
    Followed(plant.conn, "#", "crm")
    plant.row(UNSUBSCRIBE, "crm", None)
    plant.tick()
    assert plant.rows(QUEUES) == plant.rows(
        "select queue_name from drip.subscriptions where queue = 'other'"
    )
    plant.suppress("+60123456789")
    assert plant.value("select waiting from drip.event_queues") == 1


def test_nobody_waits_for_an_open_transaction(plant: Plant, connect: Connect) -> None:
    """An application holds an emitting transaction open: unsubscribe and tick go on at once."""
    sequence = plant.sequence({})
    lead = plant.lead()
    Followed(plant.conn, "lead.*", "crm")
    app = connect(autocommit=False)
    phone = plant.value("select phone from drip.leads where id = %s", lead)
    app.execute("select * from drip.enroll_lead(%s, %s)", [str(sequence), phone])

    plant.conn.execute("set statement_timeout = '10s'")
    assert plant.row(UNSUBSCRIBE, "crm", None)["outcome"] == "unsubscribed"
    assert plant.tick()["drop_event_queues"]["rows"] == 0
    app.commit()
    assert plant.tick()["drop_event_queues"]["rows"] == 1
    assert plant.value("select count(*) from drip.sequence_contacts") == 1


def test_a_queue_that_is_being_read_is_dropped_later(plant: Plant, connect: Connect) -> None:
    Followed(plant.conn, "lead.*", "crm")
    plant.suppress("+60123456789")
    reader = connect(autocommit=False)
    assert len(reader.execute("select * from drip.read_events('crm')").fetchall()) == 1
    plant.conn.execute("set statement_timeout = '10s'")
    plant.row(UNSUBSCRIBE, "crm", None)
    assert plant.tick()["drop_event_queues"]["rows"] == 0
    reader.rollback()
    assert plant.tick()["drop_event_queues"]["rows"] == 1


def test_a_queue_that_somebody_is_about_to_write_into_is_dropped_later(
    plant: Plant, connect: Connect
) -> None:
    """It has read the subscription, and not yet touched the table."""
    Followed(plant.conn, "lead.*", "crm")
    writer = connect(autocommit=False)
    name = plant.value("select queue_name from drip.subscriptions")
    assert writer.execute("select drip._lock_event_queue(%s) as held", [name]).fetchone() == {
        "held": True
    }
    plant.row(UNSUBSCRIBE, "crm", None)
    assert plant.tick()["drop_event_queues"]["rows"] == 0
    writer.rollback()
    assert plant.tick()["drop_event_queues"]["rows"] == 1


def test_a_table_lock_of_a_report_does_not_hold_up_the_tick(plant: Plant, connect: Connect) -> None:
    Followed(plant.conn, "lead.*", "crm")
    report = connect(autocommit=False)
    report.execute("select * from drip.event_queues").fetchall()
    plant.conn.execute("set statement_timeout = '10s'")
    plant.row(UNSUBSCRIBE, "crm", None)
    assert plant.tick()["drop_event_queues"]["rows"] == 0
    report.commit()
    assert plant.tick()["drop_event_queues"]["rows"] == 1


def test_an_old_snapshot_meets_no_queue_that_is_gone(plant: Plant, connect: Connect) -> None:
    """It still sees the subscription; its own work must not fail for that."""
    Followed(plant.conn, "lead.*", "crm")
    app = connect(autocommit=False)
    app.execute("set transaction isolation level repeatable read")
    assert app.execute("select count(*) as n from drip.subscriptions").fetchone() == {"n": 1}
    plant.row(UNSUBSCRIBE, "crm", None)
    assert plant.tick()["drop_event_queues"]["rows"] == 1
    app.execute("select * from drip.opt_out('+60123456789')")
    app.commit()
    assert plant.value("select count(*) from drip.suppressions") == 1
