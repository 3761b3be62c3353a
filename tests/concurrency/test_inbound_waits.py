"""process_inbound() beside an application that holds many leads' journeys for long."""

from __future__ import annotations

import json

from factory import Clock, Connect, Plant

HELD = 12


def test_many_held_leads_do_not_use_up_the_callers_patience(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    """Waiting two seconds for each would meet the worker's time-out, and start over for ever."""
    device = plant.device(burst=100)
    sequence = plant.sequence({}, {})
    phones = [f"+6012345{number:04d}" for number in range(HELD)]
    leads = [plant.lead(phone) for phone in phones]
    for lead in leads:
        plant.enroll(sequence, lead)
    free = plant.lead("+60129999999")
    plant.wake()
    for row in plant.claim():
        plant.answer(row)

    application = connect(autocommit=False)
    application.execute("update drip.sequence_contacts set attributes = '{\"held\": true}'")
    bodies = [
        json.dumps(
            {
                "event": "message",
                "payload": {
                    "id": f"R{phone}", "chat_id": f"{phone[1:]}@s.whatsapp.net",
                    "from": f"{phone[1:]}@s.whatsapp.net", "is_from_me": False, "body": text,
                },
            }
        )
        for phone, text in [*((phone, "yes?") for phone in phones), ("+60129999999", "STOP")]
    ]  # fmt: skip
    plant.row(
        "select drip.store_webhooks(array_fill('device'::text, array[%s]),"
        " array_fill(%s::bigint, array[%s]), %s)",
        len(bodies), device, len(bodies), bodies,
    )  # fmt: skip
    worker = clock.join(connect())
    worker.execute("set statement_timeout = '18s'")
    worker.execute("select * from drip.process_inbound()")
    # the last of the batch was not reached, yet what it forbids is forbidden
    assert plant.value("select phone from drip.suppressions") == "+60129999999"
    application.rollback()
    plant.conn.execute("select pgmq.set_vt('drip_inbound', q.msg_id, 0) from pgmq.q_drip_inbound q")
    worker.execute("select * from drip.process_inbound()")
    assert plant.value("select count(*) from drip.inbound_messages") == HELD + 1
    assert (
        plant.value("select count(*) from drip.sequence_contacts where status = 'exited'") == HELD
    )
    assert plant.value("select last_inbound_at is not null from drip.leads where id = %s", free)
