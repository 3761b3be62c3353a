"""Which device writes to a lead: its own, else the last one that did, else the least busy one."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from factory import Clock, Connect, Plant

PLACE = "select unnest(drip._place_leads(%s, %s, %s, %s)) as device_id"


def place(
    plant: Plant, leads: list[int], messages: int = 1, devices: list[int] | None = None
) -> list[Any]:
    return [row["device_id"] for row in plant.rows(PLACE, plant.user, devices, leads, messages)]


def busy(plant: Plant, device: int, count: int, lead: int | None = None) -> None:
    """That many pending messages, of another lead."""
    lead = lead or plant.lead(device_id=device)
    plant.conn.execute(
        "insert into drip.broadcast_messages (user_id, device_id, lead_id, recipient_phone,"
        " category, message_type, source, priority, scheduled_at, planned_at, status, created_at)"
        " select l.user_id, %s, l.id, l.phone, 'utility', 'text', '{}', 1, drip.now(),"
        " drip.now(), 'pending', drip.now()"
        " from drip.leads l cross join generate_series(1, %s) where l.id = %s",
        [device, count, lead],
    )


def leads(plant: Plant, count: int) -> list[int]:
    return [plant.lead() for _ in range(count)]


def test_its_own_device_goes_first(clock: Clock, plant: Plant) -> None:
    """Whatever it has to do, in the pool or not, online or not."""
    own = plant.device(in_pool=False, status="offline")
    plant.device()
    busy(plant, own, 50)
    assert place(plant, [plant.lead(device_id=own)]) == [own]


def test_the_least_busy_one(clock: Clock, plant: Plant) -> None:
    devices = [plant.device() for _ in range(3)]
    for device, count in zip(devices, (20, 3, 4), strict=True):
        busy(plant, device, count)
    for lead in leads(plant, 20):
        assert place(plant, [lead]) == [devices[1]]


def test_what_has_left_is_no_backlog(clock: Clock, plant: Plant) -> None:
    one, two = plant.device(), plant.device()
    busy(plant, one, 9)
    busy(plant, two, 5)
    plant.conn.execute(
        "update drip.broadcast_messages set status = 'cancelled', status_reason = 'test',"
        " finished_at = drip.now() where device_id = %s",
        [one],
    )
    assert place(plant, leads(plant, 1)) == [one]


def test_among_equals_the_lead_decides(clock: Clock, plant: Plant) -> None:
    """Not always the same device, and for a lead always the same."""
    devices = [plant.device() for _ in range(4)]
    some = leads(plant, 80)
    first = [place(plant, [lead])[0] for lead in some]
    assert first == [place(plant, [lead])[0] for lead in some]
    assert min(Counter(first)[device] for device in devices) >= 8


def test_who_wrote_last_goes_on(clock: Clock, plant: Plant) -> None:
    """However much it has to do, and though it is offline: a contact knows one number."""
    one, two = plant.device(), plant.device()
    lead = plant.lead()
    plant.message(two, lead)
    plant.message(one, lead)
    busy(plant, one, 30)
    plant.update("user_devices", one, status="offline")
    assert place(plant, [lead]) == [one]


@pytest.mark.parametrize("change", [{"in_pool": False}, {"status": "disabled"}])
def test_who_has_left_the_pool_does_not(clock: Clock, plant: Plant, change: Any) -> None:
    one, two, three = (plant.device() for _ in range(3))
    lead = plant.lead()
    plant.message(two, lead)
    plant.message(one, lead)
    plant.update("user_devices", one, **change)
    busy(plant, two, 9)
    # the one before it knows the contact
    assert place(plant, [lead]) == [two]
    assert place(plant, leads(plant, 1)) == [three]


@pytest.mark.parametrize("status", ["offline", "needs_attention"])
def test_new_leads_go_to_devices_that_are_online(clock: Clock, plant: Plant, status: str) -> None:
    one, two = plant.device(), plant.device(status=status)
    busy(plant, one, 9)
    assert set(place(plant, leads(plant, 6))) == {one}
    plant.update("user_devices", one, status=status)
    assert place(plant, leads(plant, 1)) == [two]


def test_without_a_pool_there_is_none(clock: Clock, plant: Plant) -> None:
    plant.device(in_pool=False)
    plant.device(status="disabled")
    assert place(plant, leads(plant, 2)) == [None, None]


def test_other_tenants_devices_are_not_of_the_pool(clock: Clock, plant: Plant) -> None:
    plant.device(user=plant.other_tenant())
    assert place(plant, leads(plant, 1)) == [None]


@pytest.mark.parametrize(
    ("backlogs", "count", "messages", "after"),
    [
        ([0, 0, 0], 30, 1, [10, 10, 10]),
        ([0, 0, 0], 31, 1, [10, 10, 11]),
        ([10, 0, 4], 1, 1, [10, 1, 4]),
        ([10, 0, 4], 4, 1, [10, 4, 4]),
        ([10, 0, 4], 6, 1, [10, 5, 5]),
        ([10, 0, 4], 16, 1, [10, 10, 10]),
        ([10, 0, 4], 46, 1, [20, 20, 20]),
        ([10, 0, 5], 5, 5, [10, 15, 15]),
        ([600, 100, 300], 200, 1, [600, 300, 300]),
        ([7], 5, 1, [12]),
    ],
)
def test_a_batch_evens_out_the_queues(
    clock: Clock, plant: Plant, backlogs: list[int], count: int, messages: int, after: list[int]
) -> None:
    devices = [plant.device() for _ in backlogs]
    for device, backlog in zip(devices, backlogs, strict=True):
        busy(plant, device, backlog)
    given = Counter(place(plant, leads(plant, count), messages))
    levels = [b + given[d] * messages for d, b in zip(devices, backlogs, strict=True)]
    # who among equals gets the odd one is the hash's affair
    assert sorted(levels) == sorted(after)
    assert sum(given.values()) == count


def test_any_part_of_a_batch_is_even(clock: Clock, plant: Plant) -> None:
    """The half that had opted out does not leave one device without work."""
    for _ in range(4):
        plant.device()
    placed = place(plant, leads(plant, 400))
    for half in (placed[:200], placed[200:]):
        assert min(Counter(half).values()) >= 30


def test_a_pool_of_300_is_counted_within_bounds(clock: Clock, plant: Plant) -> None:
    devices = [plant.device() for _ in range(300)]
    for device in devices[1:]:
        busy(plant, device, 2)
    assert place(plant, leads(plant, 1)) == [devices[0]]
    assert len(set(place(plant, leads(plant, 600)))) == 300


# -- where it holds ---------------------------------------------------------------------------


def test_an_enrollment_goes_to_the_least_busy(clock: Clock, plant: Plant) -> None:
    one, two = plant.device(), plant.device()
    busy(plant, one, 5)
    sequence = plant.sequence({}, {})
    for _ in range(2):
        assert plant.enrollment(plant.enroll(sequence))["assigned_device_id"] == two
    # 5 and 4 by now: one more journey of two for the second, then it is the first one's turn
    assert plant.enrollment(plant.enroll(sequence))["assigned_device_id"] == two
    assert plant.enrollment(plant.enroll(sequence))["assigned_device_id"] == one


def test_a_bulk_enrollment_evens_out(clock: Clock, plant: Plant) -> None:
    one, two = plant.device(), plant.device()
    busy(plant, one, 60)
    sequence = plant.sequence({}, {})
    phones = [f"+6013{n:07d}" for n in range(70)]
    plant.rows("select * from drip.enroll_leads(%s, %s)", str(sequence), phones)
    counts = {
        row["device_id"]: row["messages"]
        for row in plant.rows(
            "select device_id, count(*) as messages from drip.broadcast_messages"
            " where status = 'pending' group by device_id"
        )
    }
    assert counts == {one: 100, two: 100}
    # and a journey is on one device
    assert {
        row["devices"]
        for row in plant.rows(
            "select count(distinct device_id) as devices from drip.broadcast_messages"
            " where sequence_contact_id is not null group by sequence_contact_id"
        )
    } == {1}


def test_a_later_journey_is_on_the_same_device(clock: Clock, plant: Plant) -> None:
    one, two = plant.device(), plant.device()
    lead = plant.lead()
    first = plant.enrollment(plant.enroll(plant.sequence(), lead))["assigned_device_id"]
    busy(plant, first, 40)
    assert {first} <= {one, two}
    assert plant.enrollment(plant.enroll(plant.sequence(), lead))["assigned_device_id"] == first


def campaign(plant: Plant, devices: list[str] | None = None) -> list[int]:
    """Expand a campaign to everyone; the device of each message in the order of leads."""
    plant.row(
        "select * from drip.create_campaign(jsonb_build_object('title', 'News', 'message', 'Hi',"
        " 'everyone', true, 'devices', %s::jsonb))",
        None if devices is None else str(devices).replace("'", '"'),
    )
    plant.row("select * from drip.schedule_campaign('News', drip.now())")
    while plant.rows("select * from drip.expand_campaigns(7)"):
        pass
    return [
        row["device_id"]
        for row in plant.rows(
            "select device_id from drip.broadcast_messages where campaign_id is not null"
            " order by lead_id"
        )
    ]


def test_a_campaign_evens_out_over_its_chunks(clock: Clock, plant: Plant) -> None:
    one, two = plant.device(), plant.device()
    own = plant.device(in_pool=False)
    busy(plant, one, 20)
    leads(plant, 39)
    campaign(plant)
    levels = {
        row["device_id"]: row["n"]
        for row in plant.rows(
            "select device_id, count(*) as n from drip.broadcast_messages group by device_id"
        )
    }
    assert abs(levels[one] - levels[two]) <= 1
    assert own not in levels


def test_named_devices_share_by_backlog(clock: Clock, plant: Plant) -> None:
    plant.device("pool")
    one, two = (plant.device(name, in_pool=False) for name in ("one", "two"))
    plant.device("away", in_pool=False, status="offline")
    own = plant.lead(device_id=two)
    busy(plant, two, 10, own)
    leads(plant, 20)
    given = Counter(campaign(plant, ["one", "two", "away"]))
    assert given == {one: 15, two: 6}


def test_loose_messages_are_bound_by_backlog(clock: Clock, plant: Plant) -> None:
    """A journey stays together, also when a sweep sees only a part of it."""
    sequence = plant.sequence({}, {}, {})
    for _ in range(8):
        plant.enroll(sequence)
    one, two = plant.device(), plant.device()
    busy(plant, one, 12)
    while plant.value("select drip._bind_devices(5)"):
        pass
    counts = Counter(
        row["device_id"]
        for row in plant.rows(
            "select device_id from drip.broadcast_messages where status = 'pending'"
        )
    )
    assert counts == {one: 18, two: 18}
    assert (
        plant.value(
            "select count(distinct (sequence_contact_id, device_id)) from drip.broadcast_messages"
            " where sequence_contact_id is not null"
        )
        == 8
    )


def test_nothing_shared_is_touched(clock: Clock, plant: Plant, connect: Connect) -> None:
    """Two applications enroll at once, neither waits, and a claim goes on."""
    device = plant.device()
    plant.device()
    sequence = plant.sequence()
    waiting = plant.message(device)
    sessions = [clock.join(connect(autocommit=False)) for _ in range(2)]
    for n, session in enumerate(sessions):
        session.execute("set lock_timeout = '5s'")
        session.execute(
            "select * from drip.enroll_lead(%s, %s)", [str(sequence), f"+6012000000{n}"]
        )
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [waiting]
    for session in sessions:
        session.commit()
