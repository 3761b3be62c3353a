"""What one tenant leaves waiting for ever keeps no sweep from the rows of another."""

from __future__ import annotations

from factory import Clock, Connect, Plant

# A tick takes 1,000 rows of each kind.
CHUNK = 1_000


def plant_many(plant: Plant, lead: int, *, device: int | None) -> None:
    """A chunk of due messages to a lead."""
    plant.conn.execute(
        "insert into drip.broadcast_messages (user_id, lead_id, device_id, recipient_phone,"
        " scheduled_at, planned_at, created_at, category, message_type, priority, source)"
        " select l.user_id, l.id, %s, l.phone, drip.now(), drip.now(), drip.now(), 'utility',"
        """ 'text', 1, '{"content": "Hello"}'"""
        " from drip.leads l, generate_series(1, %s) where l.id = %s",
        [device, CHUNK, lead],
    )


def test_messages_of_a_tenant_without_a_device_hide_no_other_tenants(
    clock: Clock, plant: Plant
) -> None:
    other = plant.other_tenant("Beta")
    plant_many(plant, plant.lead(), device=None)
    loose = plant.message(None, user=other)
    device = plant.device(user=other)
    for _ in range(3):
        clock.advance(minutes=1)
        plant.tick()
    assert plant.message_row(loose)["device_id"] == device


def test_messages_that_can_move_to_no_device_hide_no_other_tenants(
    clock: Clock, plant: Plant
) -> None:
    other = plant.other_tenant("Beta")
    stuck = plant.device(failover_policy="failover", status="offline")
    plant_many(plant, plant.lead(), device=stuck)
    gone = plant.device(user=other, failover_policy="failover", status="offline")
    spare = plant.device(user=other)
    message = plant.message(gone, user=other)
    for _ in range(3):
        clock.advance(minutes=1)
        plant.tick()
    assert plant.message_row(message)["device_id"] == spare


def test_contacts_whose_messages_somebody_keeps_locked_hide_no_other_tenants(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    other = plant.other_tenant("Beta")
    plant.conn.execute(
        "insert into drip.leads (user_id, phone, created_at, updated_at, paused_at, paused_until)"
        " select %s, '+6012' || (1000000 + g), drip.now(), drip.now(), drip.now(),"
        " drip.now() + interval '1 minute' from generate_series(1, %s) g",
        [plant.user, CHUNK],
    )
    plant.conn.execute(
        "insert into drip.broadcast_messages (user_id, lead_id, recipient_phone, scheduled_at,"
        " planned_at, created_at, category, message_type, priority, source)"
        " select l.user_id, l.id, l.phone, drip.now(), drip.now(), drip.now(), 'utility', 'text',"
        """ 1, '{"content": "Hello"}' from drip.leads l"""
    )
    paused = plant.lead(user=other, paused_at=clock.now, paused_until=clock.now)
    application = connect(autocommit=False)
    application.execute("select from drip.broadcast_messages for no key update")
    until = "select paused_until from drip.leads where id = %s"
    for _ in range(50):
        clock.advance(minutes=2)
        plant.tick()
        if plant.value(until, paused) is None:
            return
    raise AssertionError("no tick has ended the pause")


def test_a_campaign_whose_message_somebody_keeps_locked_hides_no_other_tenants(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    other = plant.other_tenant("Beta")
    free = (
        '[{"kind": "free", "policy": "shift", "from": "2026-03-02 01:00+00",'
        ' "to": "2026-03-02 01:00+00"}]'
    )
    for user in (plant.user, other):
        campaign = plant.campaign(user=user, sweeps=free, freed_to_lead_id=0)
        message = plant.message(
            plant.device(user=user), user=user, campaign_id=campaign, category="marketing"
        )
        if user == plant.user:
            application = connect(autocommit=False)
            application.execute(
                "select from drip.broadcast_messages where id = %s for no key update", [message]
            )
    left = "select user_id from drip.campaigns where sweeps is not null order by user_id"
    for _ in range(2):
        plant.rows("select * from drip.sweep_campaigns()")
    assert plant.rows(left) == [{"user_id": plant.user}]
    application.rollback()
    plant.rows("select * from drip.sweep_campaigns()")
    assert plant.rows(left) == []
