"""expand_campaigns(): one row per lead, planned exactly once, nobody left out silently."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from factory import Clock, Connect, Plant, Row
from psycopg.types.json import Jsonb

EXPAND = "select * from drip.expand_campaigns(%s)"


def scheduled(plant: Plant, at: Any = None, **definition: Any) -> int:
    """A campaign with a time; to everyone unless the definition says otherwise."""
    definition = {"title": "Raya", "message": "m"} | definition
    if not definition.keys() & {"niche", "audience"}:
        definition["everyone"] = True
    row = plant.row("select * from drip.create_campaign(%s)", Jsonb(definition))
    plant.row("select * from drip.schedule_campaign(%s, %s)", definition["title"], at)
    return int(row["campaign_id"])


def expand(plant: Plant, limit: int = 1000) -> list[Row]:
    """Call until nothing remains, as a worker does; all its rows."""
    seen: list[Row] = []
    while rows := plant.rows(EXPAND, limit):
        seen += rows
        assert len(seen) < 50
        if rows[0]["remaining"] == 0:
            break
    return seen


def messages(plant: Plant, campaign: int) -> list[Row]:
    return plant.rows(
        "select * from drip.broadcast_messages where campaign_id = %s order by lead_id", campaign
    )


def reached(plant: Plant, campaign: int) -> dict[int, str | None]:
    """The leads of a campaign and why they are skipped, if they are."""
    return {m["lead_id"]: m["status_reason"] for m in messages(plant, campaign)}


def stored(plant: Plant, campaign: int) -> Row:
    return plant.row("select * from drip.campaigns where id = %s", campaign)


def test_every_lead_gets_one_message(clock: Clock, plant: Plant) -> None:
    plant.device()
    leads = [plant.lead() for _ in range(5)]
    campaign = scheduled(plant, valid_for="2 hours", category="utility", priority=2)

    rows = expand(plant, 2)

    assert [row["inserted"] for row in rows] == [2, 2, 1]
    assert {row["audience"] for row in rows} == {5}
    assert [row["remaining"] for row in rows] == [3, 1, 0]
    planned = messages(plant, campaign)
    assert [m["lead_id"] for m in planned] == leads
    for message in planned:
        assert message["status"] == "pending"
        assert message["scheduled_at"] == message["planned_at"] == clock.now
        assert message["expires_at"] == clock.now + timedelta(hours=2)
        assert (message["category"], message["priority"]) == ("utility", 2)
        assert message["content"] is None
    campaign_row = stored(plant, campaign)
    assert campaign_row["status"] == "triggered"
    assert campaign_row["audience_count"] == 5
    assert campaign_row["expanded_at"] == clock.now
    assert plant.rows(EXPAND, 2) == []
    assert len(messages(plant, campaign)) == 5


def test_nothing_before_its_time(clock: Clock, plant: Plant) -> None:
    plant.lead()
    campaign = scheduled(plant, clock.now + timedelta(hours=1))
    assert expand(plant) == []
    clock.advance(hours=1)
    assert [row["campaign_id"] for row in expand(plant)] == [campaign]


def test_the_oldest_goes_first_and_others_remain(clock: Clock, plant: Plant) -> None:
    plant.lead()
    late = scheduled(plant, clock.now + timedelta(minutes=2), title="late")
    early = scheduled(plant, clock.now + timedelta(minutes=1), title="early")
    clock.advance(minutes=3)
    rows = expand(plant)
    assert [(row["campaign_id"], row["remaining"]) for row in rows] == [(early, 1), (late, 0)]


def test_niche_and_status_choose(clock: Clock, plant: Plant) -> None:
    plant.lead(niche="skincare2", target_status="customer")
    plant.lead(niche="skincare", target_status="prospect")
    good = plant.lead(niche="vip, SKINCARE", target_status="customer")
    campaign = scheduled(plant, niche="skincare", target_status="customer")
    expand(plant)
    assert [m["lead_id"] for m in messages(plant, campaign)] == [good]


@pytest.mark.lesson(35, story=True)
def test_all_reaches_everybody_of_the_tenant(clock: Clock, plant: Plant) -> None:
    """LESSONS 35 and 26."""
    leads = [plant.lead(target_status=status) for status in ("prospect", "customer")]
    plant.lead(user=plant.other_tenant())
    with plant.acting_for(plant.user):
        campaign = scheduled(plant, target_status="all")
    expand(plant)
    assert [m["lead_id"] for m in messages(plant, campaign)] == leads


def test_a_registered_view_chooses_and_excludes(clock: Clock, plant: Plant) -> None:
    one, two, three = (plant.lead(external_id=f"x{n}") for n in range(3))
    plant.conn.execute("create view public.buyers as select 'x0' as external_id union select 'x1'")
    plant.conn.execute(f"create view public.angry as select {two}::bigint as lead_id")
    for view in ("buyers", "angry"):
        plant.row("select * from drip.register_audience(%s, 10)", view)
    campaign = scheduled(plant, audience="buyers", exclude="angry")
    other = scheduled(plant, title="others", exclude="buyers")
    expand(plant)
    assert reached(plant, campaign) == {one: None, two: "excluded"}
    assert reached(plant, other) == {one: "excluded", two: "excluded", three: None}


def test_who_opted_out_gets_a_row_that_says_so(clock: Clock, plant: Plant) -> None:
    plant.lead("+60123456781")
    plant.lead("+60123456782")
    plant.suppress("+60123456782", "marketing")
    campaign = scheduled(plant)
    expand(plant)
    sent, left = messages(plant, campaign)
    assert (sent["status"], left["status"], left["status_reason"]) == (
        "pending",
        "skipped",
        "suppressed",
    )
    assert left["finished_at"] == clock.now
    assert stored(plant, campaign)["audience_count"] == 2


def test_the_limit_per_device_holds_over_chunks(clock: Clock, plant: Plant) -> None:
    one, two = plant.device("one"), plant.device("two")
    for n in range(9):
        plant.lead(device_id=one if n < 6 else two)
    plant.suppress(plant.value("select phone from drip.leads order by id limit 1"))
    campaign = scheduled(plant, per_device_limit=4)
    expand(plant, 2)
    rows = plant.rows(
        "select device_id, status, status_reason, count(*)::int as n from drip.broadcast_messages"
        " where campaign_id = %s group by 1, 2, 3 order by 1, 2, 3",
        campaign,
    )
    assert [tuple(row.values()) for row in rows] == [
        (one, "pending", None, 4),
        (one, "skipped", "campaign_device_limit", 1),
        (one, "skipped", "suppressed", 1),
        (two, "pending", None, 3),
    ]


def test_named_devices_share_the_leads(clock: Clock, plant: Plant) -> None:
    plant.device("unused")
    one, two = plant.device("one"), plant.device("two", in_pool=False)
    plant.device("off", status="disabled")
    own = plant.lead(device_id=two)
    for _ in range(30):
        plant.lead()
    campaign = scheduled(plant, devices=["one", "two", "off"])
    expand(plant)
    planned = messages(plant, campaign)
    assert {m["device_id"] for m in planned} == {one, two}
    assert next(m for m in planned if m["lead_id"] == own)["device_id"] == two


def test_the_same_wall_clock_for_every_lead(clock: Clock, plant: Plant) -> None:
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    zones = ["Pacific/Kiritimati", None, "America/New_York"]
    for zone in zones:
        plant.lead(time_zone=zone)
    at = datetime.fromisoformat("2026-03-05T10:00:00+08:00")
    campaign = scheduled(plant, at, local_time_per_lead=True)
    clock.set(at - timedelta(hours=27))
    assert expand(plant) == []
    clock.set(at - timedelta(hours=26))
    expand(plant)
    assert [m["scheduled_at"] for m in messages(plant, campaign)] == [
        datetime.fromisoformat("2026-03-05T10:00:00+14:00"),
        at,
        datetime.fromisoformat("2026-03-05T10:00:00-05:00"),
    ]


def test_an_empty_audience_completes_and_says_so(clock: Clock, plant: Plant) -> None:
    campaign = scheduled(plant)
    [row] = expand(plant)
    assert (row["inserted"], row["audience"], row["status"]) == (0, 0, "completed")
    campaign_row = stored(plant, campaign)
    assert campaign_row["status_reason"] == "audience is empty"
    assert campaign_row["completed_at"] == clock.now


@pytest.mark.lesson(40, story=True)
def test_a_pause_between_chunks_loses_and_repeats_nobody(clock: Clock, plant: Plant) -> None:
    """LESSONS 40."""
    plant.device()
    leads = [plant.lead() for _ in range(6)]
    campaign = scheduled(plant)
    plant.rows(EXPAND, 2)
    row = plant.row("select * from drip.pause_campaign('Raya')")
    assert (row["status"], row["pending"], row["outcome"]) == ("paused", 2, "paused")
    assert plant.rows(EXPAND, 2) == []
    plant.wake()
    assert plant.claim() == []
    row = plant.row("select * from drip.resume_campaign('Raya')")
    assert (row["status"], row["pending"], row["outcome"]) == ("triggered", 2, "resumed")
    expand(plant, 2)
    assert [m["lead_id"] for m in messages(plant, campaign)] == leads


@pytest.mark.lesson(36, story=True)
def test_an_error_is_kept_retried_and_in_the_end_fails(clock: Clock, plant: Plant) -> None:
    """LESSONS 36."""
    plant.lead()
    plant.conn.execute("create view public.broken as select '' as phone where false")
    plant.row("select * from drip.register_audience('broken', 10)")
    plant.conn.execute("create or replace view public.broken as select 1 / 0 || '' as phone")
    plant.row(
        "select * from drip.create_campaign(%s)",
        Jsonb({"title": "Raya", "message": "m", "audience": "broken"}),
    )
    plant.conn.execute("update drip.campaigns set status = 'pending', scheduled_at = drip.now()")
    for attempt in range(1, 6):
        [row] = plant.rows(EXPAND, 10)
        assert (row["inserted"], row["remaining"]) == (0, 0)
        campaign_row = plant.row("select * from drip.campaigns")
        assert "division by zero" in campaign_row["last_error"]
        assert campaign_row["expand_attempts"] == attempt
        assert campaign_row["last_run_at"] == clock.now
        # Not at once again: that would be a loop.
        assert plant.rows(EXPAND, 10) == []
        clock.advance(minutes=5)
    assert campaign_row["status"] == "failed"
    assert "division by zero" in campaign_row["status_reason"]
    assert plant.rows(EXPAND, 10) == []

    plant.conn.execute(
        "create or replace view public.broken as select '+60120000001'::text as phone"
    )
    plant.row("select * from drip.schedule_campaign('Raya', drip.now())")
    assert sum(row["inserted"] for row in expand(plant)) == 1
    assert plant.value("select last_error from drip.campaigns") is None


def test_an_open_application_blocks_no_expansion(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    plant.lead()
    plant.lead()
    held = scheduled(plant, title="held")
    free = scheduled(plant, title="free")
    holder = clock.join(connect())
    plant.conn.execute("set statement_timeout = '5s'")
    with holder.transaction():
        holder.execute("update drip.campaigns set message = 'x' where id = %s", [held])
        holder.execute("update drip.leads set name = 'x'")
        assert [row["campaign_id"] for row in plant.rows(EXPAND, 10)] == [free]
    assert len(messages(plant, free)) == 2


def test_the_devices_wake(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    plant.lead()
    scheduled(plant)
    plant.conn.execute("listen drip_wake")
    expand(plant)
    [notice] = list(plant.conn.notifies(timeout=5, stop_after=1))
    assert plant.woken(notice.payload) == [device]


def audience_of(plant: Plant, source: str) -> int:
    """A campaign whose audience is read from shop.members by way of this."""
    plant.lead()
    plant.conn.execute(
        "create schema shop; grant usage on schema shop to drip_guard;"
        "create table shop.members as select l.id as lead_id from drip.leads l;"
        "grant select on shop.members to drip_guard;"
        "create view shop.them as select m.lead_id from shop.members m;"
        "grant select on shop.them to drip_guard;"
        "select drip.register_audience('shop.them', 10);"
    )
    plant.conn.execute(source.encode())
    with_audience = plant.row(
        "select * from drip.create_campaign(%s)",
        Jsonb({"title": "Locked", "message": "m", "audience": "shop.them"}),
    )
    plant.conn.execute("update drip.campaigns set status = 'pending', scheduled_at = drip.now()")
    return int(with_audience["campaign_id"])


def test_a_lock_is_no_failure_of_the_campaign_and_holds_no_other(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    locked = audience_of(plant, "")
    other = scheduled(plant, title="Other")
    holder = connect(autocommit=False)
    holder.execute("lock table shop.members")
    plant.conn.execute("set lock_timeout = '20ms'")
    for _ in range(7):
        while plant.rows(EXPAND, 10):
            pass
        row = plant.row("select * from drip.campaigns where id = %s", locked)
        assert (row["status"], row["expand_attempts"]) == ("pending", 1)
        assert row["last_error"].startswith("55P03: ")
        clock.advance(seconds=30)
    assert messages(plant, other) != []
    holder.rollback()
    expand(plant)
    assert len(messages(plant, locked)) == 1


def test_what_a_view_raises_is_its_failure_whatever_it_calls_it(clock: Clock, plant: Plant) -> None:
    campaign = audience_of(
        plant,
        "create function shop.feigns() returns boolean language plpgsql as $$ begin"
        " raise exception using errcode = 'lock_not_available', message = 'a lock, it says';"
        " end $$;"
        "create or replace view shop.them as"
        " select m.lead_id from shop.members m where shop.feigns()",
    )
    for attempt in range(1, 6):
        plant.rows(EXPAND, 10)
        row = plant.row("select * from drip.campaigns where id = %s", campaign)
        assert row["expand_attempts"] == attempt
        assert row["last_error"].startswith("DR018: ")
        clock.advance(minutes=5)
    assert row["status"] == "failed"


def test_a_campaign_can_be_planned_by_its_id(clock: Clock, plant: Plant) -> None:
    """As a worker does, which then knows whose audience ended its session."""
    plant.lead()
    first = scheduled(plant, title="First")
    second = scheduled(plant, title="Second")
    due = [row["campaign_id"] for row in plant.rows("select * from drip.list_due_campaigns()")]
    assert due == [first, second]
    [row] = plant.rows("select * from drip.expand_campaigns(10, %s)", second)
    assert (row["campaign_id"], row["inserted"], row["remaining"]) == (second, 1, 1)
    assert messages(plant, first) == []
    assert plant.rows("select * from drip.expand_campaigns(10, %s)", second) == []
    due = [row["campaign_id"] for row in plant.rows("select * from drip.list_due_campaigns()")]
    assert due == [first]


def test_a_lost_session_counts_as_an_error_of_its_campaign(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    plant.lead()
    campaign = scheduled(plant, title="Raya")
    note = "select * from drip.note_lost_planning(%s, 'terminating connection')"
    assert plant.value(note, campaign) is True
    row = plant.row("select * from drip.campaigns")
    assert (row["status"], row["expand_attempts"]) == ("pending", 1)
    assert row["last_error"].endswith("the session that planned it ended: terminating connection")
    assert plant.rows("select * from drip.list_due_campaigns()") == []
    clock.advance(seconds=30)
    assert len(plant.rows("select * from drip.list_due_campaigns()")) == 1
    holder = connect(autocommit=False)
    holder.execute("select from drip.campaigns for update")
    assert plant.value(note, campaign) is False
    holder.rollback()
    for _ in range(4):
        assert plant.value(note, campaign) is True
    assert plant.value("select status from drip.campaigns") == "failed"
    assert plant.value(note, campaign) is False


def test_tenants_take_turns_where_each_is_served_alone(plant: Plant) -> None:
    users = sorted([plant.user, plant.other_tenant("b"), plant.other_tenant("c")])
    seen = set()
    # each of the three is first in one of three calls: a million to one that one is never
    for _ in range(40):
        order = [row["user_id"] for row in plant.rows("select * from drip._users_in_turn()")]
        first = users.index(order[0])
        assert order == users[first:] + users[:first]
        seen.add(order[0])
    assert seen == set(users)
