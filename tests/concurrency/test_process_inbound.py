"""process_inbound() beside claims, beside results, beside applications, beside itself."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from factory import Clock, Connect, Connection, Plant
from inbound import PHONE, ack, hurry, process, said, send, send_all, store
from psycopg.types.json import Jsonb
from waiting import wait_until_blocked

PROCESS = "select * from drip.process_inbound()"
RECORD = "select * from drip.record_results('w', %s)"


def accepted(message: int, provider_id: str) -> Jsonb:
    """The result of a first attempt."""
    return Jsonb(
        [
            {
                "message_id": message,
                "attempt": 1,
                "outcome": "accepted",
                "provider_message_id": provider_id,
            }
        ]
    )


# -- stop while a campaign runs ---------------------------------------------------------------


class Claimer(threading.Thread):
    """Claims, records as accepted, claims again, until it is told to end."""

    def __init__(self, session: Connection, name: str) -> None:
        super().__init__()
        self.session = session
        self.name = name
        self.warm = threading.Event()
        self.end = threading.Event()
        # when the claim began, tenant, phone
        self.claimed: list[tuple[float, int, str]] = []
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self._run()
        except Exception as error:
            self.error = error
            self.warm.set()

    def _run(self) -> None:
        rounds = 0
        while not self.end.is_set():
            self.session.execute("select drip.wake_devices('{}')")
            began = time.monotonic()
            rows = self.session.execute(
                "select * from drip.claim_messages(%s, 3)", [self.name]
            ).fetchall()
            self.claimed += [(began, row["user_id"], row["recipient_phone"]) for row in rows]
            results = [
                {
                    "message_id": row["message_id"],
                    "attempt": row["attempt"],
                    "outcome": "accepted",
                    "provider_message_id": f"id-{row['message_id']}",
                }
                for row in rows
            ]
            self.session.execute(
                "select * from drip.record_results(%s, %s)", [self.name, Jsonb(results)]
            )
            rounds += 1
            if rounds == 3:
                self.warm.set()


def test_after_a_stop_nothing_more_is_claimed_for_that_number(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    """On no device of the tenant, with four claimers at work; with another tenant it goes on."""
    other = plant.other_tenant()
    devices = [plant.device(burst=5) for _ in range(4)]
    theirs = plant.device(user=other, burst=5)
    lead, stranger = plant.lead(PHONE), plant.lead(PHONE, user=other)
    campaigns = [plant.campaign() for _ in range(150)]
    crowd = [plant.lead() for _ in range(50)]
    for number, campaign in enumerate(campaigns):
        device = devices[number % 4]
        fields: dict[str, Any] = {"category": "marketing", "priority": 3}
        plant.message(device, lead, campaign_id=campaign, **fields)
        plant.message(device, crowd[number % 50], campaign_id=campaign, **fields)
        plant.message(theirs, stranger, user=other)
    claimers = [Claimer(clock.join(connect()), f"claimer-{number}") for number in range(4)]
    inbound = clock.join(connect())
    store(plant.conn, [said(devices[0], "STOP")])
    for claimer in claimers:
        claimer.start()
    for claimer in claimers:
        assert claimer.warm.wait(30)
    row = inbound.execute(PROCESS).fetchone()
    committed = time.monotonic()
    assert row is not None
    assert (row["read"], row["applied"]) == (1, 1)
    deadline = time.monotonic() + 60
    open_ones = "select count(*) from drip.broadcast_messages where finished_at is null"
    while plant.value(open_ones) and time.monotonic() < deadline:
        time.sleep(0.01)
    for claimer in claimers:
        claimer.end.set()
    for claimer in claimers:
        claimer.join(60)
        assert claimer.error is None
    claimed = [row for claimer in claimers for row in claimer.claimed]
    late = [
        (tenant, phone) for began, tenant, phone in claimed if began > committed and phone == PHONE
    ]
    assert (plant.user, PHONE) not in late
    assert (other, PHONE) in late
    counts = plant.rows(
        "select m.lead_id, m.status, count(*) as messages from drip.broadcast_messages m"
        " where m.recipient_phone = %s group by 1, 2",
        PHONE,
    )
    found = {(row["lead_id"], row["status"]): row["messages"] for row in counts}
    assert found[(stranger, "sent")] == 150
    assert found[(lead, "cancelled")] > 0
    assert sum(count for (of, _), count in found.items() if of == lead) == 150
    assert set(found) <= {(stranger, "sent"), (lead, "cancelled"), (lead, "sent")}


def test_it_waits_for_the_claim_that_is_under_way(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    """What a claim has locked it may hand over; what comes after sees the stop."""
    device, lead = plant.device(burst=9), plant.lead(PHONE)
    plant.message(device, lead)
    later = plant.message(device, lead)
    worker = clock.join(connect(autocommit=False))
    inbound = clock.join(connect())
    [claimed] = plant.claim(session=worker)
    store(plant.conn, [said(device, "STOP")])
    done: list[Any] = []
    thread = threading.Thread(target=lambda: done.append(inbound.execute(PROCESS).fetchone()))
    thread.start()
    wait_until_blocked(plant.conn, inbound, by=worker)
    worker.commit()
    thread.join(30)
    assert done[0]["applied"] == 1
    assert plant.message_row(claimed["message_id"])["status"] == "processing"
    assert plant.message_row(later)["status"] == "cancelled"


# -- applications -----------------------------------------------------------------------------

HELD = {
    "enrollment": "select from drip.sequence_contacts where lead_id = %s for update",
    "message": "select from drip.broadcast_messages where lead_id = %s for update",
    "lead": "select from drip.leads where id = %s for update",
}


@pytest.mark.parametrize("held", HELD)
def test_who_is_held_by_an_application_is_stopped_all_the_same(
    clock: Clock, plant: Plant, connect: Connect, held: str
) -> None:
    """Within the lock's time-out the suppression stands, and the others' webhooks are done."""
    device, lead, other = plant.device(burst=9), plant.lead(PHONE), plant.lead("+60199999999")
    sent = plant.message(device, plant.lead())
    send(plant, sent, "3EB01")
    enrollment = plant.enroll(plant.sequence({}, {}), lead)
    waiting = plant.message(device, other)
    holder = connect(autocommit=False)
    holder.execute(HELD[held].encode(), [lead])
    began = time.monotonic()
    row = process(
        plant,
        said(device, "STOP", "R1"),
        said(device, "STOP", "R2", phone="+60199999999"),
        ack(device, "3EB01"),
    )
    assert time.monotonic() - began < 8
    assert (row["read"], row["dead"]) == (3, 0)
    assert {row["phone"] for row in plant.rows("select phone from drip.suppressions")} == {
        PHONE,
        "+60199999999",
    }
    assert plant.message_row(waiting)["status"] == "cancelled"
    assert plant.message_row(sent)["delivered_at"] == clock.now
    # what the application holds cannot be claimed; once it lets go, the claim sees the stop
    plant.wake()
    assert plant.claim() == []
    holder.rollback()
    plant.wake()
    assert plant.claim() == []
    hurry(plant.conn)
    process(plant)
    plant.tick()
    row = plant.enrollment(enrollment)
    assert (row["status"], row["exit_reason"]) == ("exited", "opted_out")
    assert plant.value("select count(*) from pgmq.q_drip_inbound") == 0
    assert plant.value("select count(*) from drip.inbound_messages") == 2


def test_many_that_have_to_wait_wait_once(clock: Clock, plant: Plant, connect: Connect) -> None:
    """An application that holds hundreds of journeys costs the queue seconds, not minutes."""
    device = plant.device(burst=100)
    sequence = plant.sequence({}, {})
    phones = [f"+60123{number:06d}" for number in range(30)]
    for phone in phones:
        plant.enroll(sequence, plant.lead(phone))
    send_all(plant)
    holder = connect(autocommit=False)
    holder.execute("select from drip.sequence_contacts for update")
    replies = [
        said(device, "STOP" if number % 2 else "yes", f"R{number}", phone=phone)
        for number, phone in enumerate(phones)
    ]
    began = time.monotonic()
    free = said(device, "yes", "free", phone="+60199999999")
    assert process(plant, *replies, free)["applied"] == 1
    assert time.monotonic() - began < 15
    assert plant.value("select count(*) from drip.suppressions") == 15
    holder.rollback()
    hurry(plant.conn)
    assert process(plant)["applied"] == 30
    assert plant.value("select count(*) from drip.sequence_contacts where status = 'exited'") == 30


def test_an_application_that_opts_the_same_phone_out_is_not_waited_for(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    device = plant.device()
    plant.message(device, plant.lead(PHONE))
    app = clock.join(connect(autocommit=False))
    app.execute("select * from drip.opt_out(%s)", [PHONE])
    row = process(plant, said(device, "STOP"), said(device, "yes", "R2", phone="+60199999999"))
    assert (row["read"], row["applied"], row["dead"]) == (2, 1, 0)
    app.commit()
    hurry(plant.conn)
    assert process(plant)["applied"] == 1
    assert plant.value("select source from drip.suppressions") == "application"


# -- beside the record ------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["receipt", "record"])
def test_neither_sees_the_other_and_the_next_tick_matches(
    clock: Clock, plant: Plant, connect: Connect, first: str
) -> None:
    device = plant.device()
    message = plant.message(device, plant.lead(PHONE))
    plant.claim()
    recorder = clock.join(connect(autocommit=False))
    inbound = clock.join(connect(autocommit=False))
    store(plant.conn, [ack(device, "3EB01", kind="read")])
    recorder.execute("set statement_timeout = '10s'")
    inbound.execute("set statement_timeout = '10s'")
    sessions = {
        "record": lambda: recorder.execute(RECORD, [accepted(message, "3EB01")]),
        "receipt": lambda: inbound.execute(PROCESS),
    }
    sessions[first]()
    sessions["record" if first == "receipt" else "receipt"]()
    at = clock.now
    recorder.commit()
    inbound.commit()
    row = plant.message_row(message)
    assert (row["status"], row["read_at"]) == ("sent", None)
    assert plant.value("select count(*) from drip.receipts") == 1
    clock.advance(seconds=10)
    plant.tick()
    assert plant.message_row(message)["read_at"] == at
    assert plant.value("select count(*) from drip.receipts") == 0


# -- beside itself ----------------------------------------------------------------------------


def test_two_share_the_queue_without_loss(clock: Clock, plant: Plant, connect: Connect) -> None:
    """Receipts and replies of the same messages in both hands."""
    device = plant.device(burst=100)
    leads = [plant.lead() for _ in range(60)]
    phones = [row["phone"] for row in plant.rows("select phone from drip.leads order by id")]
    for lead in leads:
        plant.message(device, lead)
    send_all(plant)
    messages = plant.rows("select id, provider_message_id from drip.broadcast_messages order by id")
    webhooks = []
    for kind in ("read", "delivered", "read", "reply", "delivered", "stop"):
        for row, phone in zip(messages, phones, strict=True):
            name = row["provider_message_id"]
            if kind in ("reply", "stop"):
                text = "STOP" if kind == "stop" else "yes"
                webhooks.append(said(device, text, f"{kind}-{name}", phone=phone))
            else:
                webhooks.append(ack(device, name, kind=kind, phone=phone))
    store(plant.conn, webhooks)
    sums: list[dict[str, int]] = []
    errors: list[Exception] = []

    def work(session: Connection) -> None:
        try:
            while True:
                row: Any = session.execute("select * from drip.process_inbound(7)").fetchone()
                sums.append(row)
                if row["read"] == 0:
                    return
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=[clock.join(connect())]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    for _ in range(3):
        hurry(plant.conn)
        sums.append(process(plant))
    plant.tick()
    assert plant.value("select count(*) from pgmq.q_drip_inbound") == 0
    assert plant.value("select count(*) from pgmq.a_drip_inbound") == len(webhooks)
    assert sum(row["dead"] for row in sums) == 0
    assert plant.row(
        "select count(*) filter (where status = 'sent') as sent, count(delivered_at) as delivered,"
        " count(read_at) as read, count(replied_at) as replied from drip.broadcast_messages"
    ) == {"sent": 60, "delivered": 60, "read": 60, "replied": 60}
    assert plant.value("select count(*) from drip.receipts") == 0
    assert plant.value("select count(*) from drip.inbound_messages") == 120
    assert plant.value("select count(*) from drip.suppressions") == 60
