"""The statements that operators had before run here as they are, with search_path = drip.

Of the monitoring view only the name is another one; the fragment of a query that ended in "the
rest of the query" got its joins.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from factory import Clock, Connect, Connection, Plant

LIST_TRIGGERS = "SELECT id, name, trigger FROM sequences"

SET_TRIGGERS = [
    "UPDATE sequences SET trigger = 'warm_start' WHERE name = 'WARM Sequence'",
    "UPDATE sequences SET trigger = 'cold_start' WHERE name = 'COLD Sequence'",
    "UPDATE sequences SET trigger = 'hot_start' WHERE name = 'HOT Seqeunce'",
]

SET_PACE = "UPDATE user_devices SET min_delay_seconds = 10, max_delay_seconds = 30 WHERE id = {}"

MATCHING_LEADS = """
SELECT DISTINCT
    l.id, l.phone, l.name, l.device_id, l.user_id,
    s.id as sequence_id, s.trigger as entry_trigger
FROM leads l
JOIN sequences s ON s.is_active = true
WHERE l.trigger IS NOT NULL
    AND l.trigger != ''
    AND s.trigger IS NOT NULL
    AND s.trigger != ''
    AND position(s.trigger in l.trigger) > 0
    AND NOT EXISTS (
        SELECT 1 FROM sequence_contacts sc
        WHERE sc.sequence_id = s.id
        AND sc.contact_phone = l.phone
    )
"""

CONTACTS = """
SELECT
    sc.id, sc.sequence_id, sc.contact_phone, sc.contact_name,
    sc.current_trigger, sc.current_step,
    ss.content, ss.message_type, ss.media_url,
    ss.next_trigger, ss.trigger_delay_hours,
    COALESCE(sc.assigned_device_id, l.device_id) as preferred_device_id,
    COALESCE(ss.min_delay_seconds, 5) as min_delay_seconds,
    COALESCE(ss.max_delay_seconds, 15) as max_delay_seconds,
    l.user_id,
    sc.next_trigger_time,
    sc.sequence_stepid
FROM sequence_contacts sc
JOIN sequence_steps ss ON ss.id = sc.sequence_stepid
JOIN leads l ON l.id = sc.lead_id
"""

MONITOR = """
CREATE OR REPLACE VIEW public.my_progress_monitor AS
SELECT
    s.name as sequence_name,
    sc.contact_phone,
    sc.current_step,
    sc.status as step_status,
    bm.status as message_status,
    sc.next_trigger_time,
    sc.completed_at,
    bm.sent_at,
    bm.error_message,
    CASE
        WHEN sc.status = 'completed' THEN 'Step completed'
        WHEN sc.status = 'sent' THEN 'Message sent'
        WHEN sc.status = 'failed' THEN 'Message failed'
        WHEN sc.status = 'active' AND sc.next_trigger_time <= NOW() THEN 'Ready to send'
        WHEN sc.status = 'active' AND sc.next_trigger_time > NOW() THEN 'Scheduled'
        WHEN sc.status = 'pending' THEN 'Waiting'
        ELSE sc.status
    END as current_state
FROM sequence_contacts sc
JOIN sequences s ON s.id = sc.sequence_id
LEFT JOIN broadcast_messages bm ON
    bm.sequence_id = sc.sequence_id
    AND bm.recipient_phone = sc.contact_phone
    AND bm.sequence_stepid = sc.sequence_stepid
ORDER BY s.name, sc.contact_phone, sc.current_step
"""


@pytest.fixture
def operator(clock: Clock, plant: Plant, connect: Connect) -> Connection:
    """An operator in psql, after the three sequences were made by hand."""
    plant.device()
    for name in ("COLD Sequence", "WARM Sequence", "HOT Seqeunce"):
        plant.sequence({}, {"trigger_delay_hours": 1}, name=name)
    session = clock.join(connect(role="drip_operator"))
    session.execute("set search_path = drip")
    return session


def test_the_empty_triggers_are_found_and_mended(operator: Connection, plant: Plant) -> None:
    assert {row["trigger"] for row in operator.execute(LIST_TRIGGERS).fetchall()} == {None}
    for statement in SET_TRIGGERS:
        assert operator.execute(statement.encode()).rowcount == 1
    assert {row["trigger"] for row in operator.execute(LIST_TRIGGERS).fetchall()} == {
        "warm_start",
        "cold_start",
        "hot_start",
    }


def test_an_update_by_hand_acts_like_the_verb(
    clock: Clock, operator: Connection, plant: Plant
) -> None:
    """A sequence that got its trigger by UPDATE enrolls who has it."""
    operator.execute(
        "UPDATE sequences SET auto_enroll = 'trigger', trigger = 'warm_start'"
        " WHERE name = 'WARM Sequence'"
    )
    lead = plant.lead(trigger="warm_start")
    assert [row["id"] for row in operator.execute(MATCHING_LEADS).fetchall()] == [lead]
    clock.advance(minutes=6)
    plant.tick()
    assert operator.execute(MATCHING_LEADS).fetchall() == []
    [contact] = operator.execute(CONTACTS).fetchall()
    assert (contact["current_step"], contact["content"]) == (1, "Step")
    assert contact["preferred_device_id"] is not None


def test_the_pace_of_a_device_by_hand(operator: Connection, plant: Plant) -> None:
    device = plant.value("select id from drip.user_devices")
    operator.execute(SET_PACE.format(device).encode())
    plant.message(device)
    plant.claim()
    assert 10 <= plant.value("select delay_seconds from drip.message_attempts") <= 30


def test_their_monitor_agrees_with_ours(
    clock: Clock, operator: Connection, plant: Plant, connect: Connect
) -> None:
    owner = connect()
    owner.execute("set search_path = drip")
    owner.execute(MONITOR.encode())
    for row in plant.rows("select id from drip.sequences order by id"):
        plant.enroll(row["id"])
    outcomes = iter(["accepted", "permanent", "accepted", "accepted"])
    for _ in range(4):
        compared = (
            "sequence_name, contact_phone, current_step, step_status, message_status,"
            " next_trigger_time, completed_at, sent_at, error_message"
        )
        theirs = owner.execute(f"select {compared} from public.my_progress_monitor".encode())
        ours = owner.execute(
            f"select {compared} from drip.sequence_progress_monitor"
            " where current_step = enrollment_step".encode()
        )
        assert theirs.fetchall() == ours.fetchall() != []
        plant.wake()
        for row in plant.claim():
            plant.answer(row, next(outcomes))
        clock.advance(minutes=20)
    assert clock.now > plant.value("select min(sent_at) from drip.message_log") + timedelta(
        minutes=30
    )
