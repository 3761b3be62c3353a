"""The members of a registered audience: read once, when planning begins."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest
from factory import Clock, Connect, Plant, Row
from psycopg.types.json import Jsonb
from refusals import refusal
from waiting import wait_until_blocked


@pytest.fixture(autouse=True)
def shop(plant: Plant) -> None:
    """A table of leads, and a view of it that counts how often it is read."""
    plant.conn.execute(
        "create schema shop; grant usage on schema shop to drip_guard;"
        "create table shop.chosen (lead_id bigint); create table shop.barred (lead_id bigint);"
        "create function shop.count_read() returns bigint language plpgsql volatile"
        " as $$ begin raise notice 'read'; return 1; end $$;"
        "grant execute on function shop.count_read to drip_guard;"
        "create view shop.counted as"
        " select c.lead_id from shop.chosen c where (select shop.count_read()) > 0"
    )


@pytest.fixture
def reads(plant: Plant) -> list[str | None]:
    """What the view says when it is read."""
    said: list[str | None] = []
    plant.conn.add_notice_handler(lambda notice: said.append(notice.message_primary))
    return said


@pytest.fixture
def leads(plant: Plant) -> list[int]:
    """Seven leads that are all chosen."""
    leads = [plant.lead() for _ in range(7)]
    plant.conn.execute("insert into shop.chosen select id from drip.leads")
    return leads


@pytest.fixture
def campaign(clock: Clock, plant: Plant, leads: list[int], reads: list[str | None]) -> int:
    for view in ("counted", "barred"):
        plant.row("select * from drip.register_audience(%s, 100)", f"shop.{view}")
    reads.clear()
    return scheduled(plant, audience="shop.counted", exclude="shop.barred")


def scheduled(plant: Plant, title: str = "Raya", **definition: Any) -> int:
    plant.row(
        "select * from drip.create_campaign(%s)",
        Jsonb({"title": title, "message": "m"} | definition),
    )
    return int(
        plant.value(
            "update drip.campaigns set status = 'pending', scheduled_at = drip.now()"
            " where title = %s returning id",
            title,
        )
    )


def step(plant: Plant, limit: int = 2) -> Row | None:
    rows = plant.rows("select * from drip.expand_campaigns(%s)", limit)
    return rows[0] if rows else None


def expand(plant: Plant, limit: int = 2) -> None:
    while row := step(plant, limit):
        if not row["remaining"]:
            return


def stored(plant: Plant, campaign: int) -> Row:
    return plant.row("select * from drip.campaigns where id = %s", campaign)


def reached(plant: Plant, campaign: int) -> list[tuple[int, str | None]]:
    return [
        (row["lead_id"], row["status_reason"])
        for row in plant.rows(
            "select * from drip.broadcast_messages where campaign_id = %s order by lead_id",
            campaign,
        )
    ]


def test_read_once_whatever_changes_afterwards(
    plant: Plant, campaign: int, leads: list[int], reads: list[str | None]
) -> None:
    plant.conn.execute("insert into shop.barred values (%s)", [leads[1]])
    first = step(plant)
    assert first is not None
    assert (first["inserted"], first["audience"], first["remaining"]) == (0, 7, 7)
    assert (first["status"], reached(plant, campaign)) == ("pending", [])
    step(plant)
    plant.conn.execute("delete from shop.chosen; insert into shop.barred select id from drip.leads")
    plant.lead()
    expand(plant)
    assert reached(plant, campaign) == [
        (lead, "excluded" if lead == leads[1] else None) for lead in leads
    ]
    assert reads == ["read"]
    row = plant.row("select * from drip.campaign_overview")
    assert (row["audience_count"], row["messages"], row["messages_skipped"]) == (7, 7, 1)


def test_a_small_one_is_planned_in_the_same_call(
    plant: Plant, campaign: int, leads: list[int]
) -> None:
    row = step(plant, 7)
    assert row is not None
    assert (row["inserted"], row["audience"], row["remaining"]) == (7, 7, 1)
    assert step(plant, 7) == row | {"inserted": 0, "remaining": 0}
    assert [lead for lead, _ in reached(plant, campaign)] == leads


def test_count_and_definition_are_stored(clock: Clock, plant: Plant, campaign: int) -> None:
    began = clock.now
    step(plant)
    plant.conn.execute("update drip.campaigns set message = 'changed'")
    clock.advance(seconds=5)
    expand(plant)
    row = stored(plant, campaign)
    assert row["audience_count"] == 7
    assert row["began_at"] == row["audience_taken_at"] == began
    assert row["began_definition"]["message"] == "m"
    assert row["began_definition"]["audience"] == "shop.counted"
    shown = plant.value("select drip.get_campaign('Raya')")
    assert shown["began_definition"]["message"] == "m"
    assert (shown["message"], shown["audience_count"]) == ("changed", 7)
    copied = plant.row(
        "select * from drip.create_campaign(%s)", Jsonb(shown | {"title": "Once more"})
    )
    assert copied["outcome"] == "created"
    assert plant.value("select began_definition from drip.campaigns where title = 'Once more'") is (
        None
    )


def test_without_a_view_the_definition_is_stored_too(
    clock: Clock, plant: Plant, leads: list[int]
) -> None:
    campaign = scheduled(plant, everyone=True)
    expand(plant)
    row = stored(plant, campaign)
    assert (row["began_at"], row["began_definition"]["everyone"]) == (clock.now, True)
    assert row["audience_taken_at"] is None


def test_emptied_once_it_is_planned_or_cancelled(plant: Plant, campaign: int) -> None:
    count = "select count(*) from drip.campaign_audience"
    step(plant)
    step(plant)
    assert plant.value("select drip._prune_audiences(100)") == 0
    assert plant.value(count) == 7
    expand(plant)
    scheduled(plant, "Other", audience="shop.counted")
    step(plant)
    assert plant.value(count) == 14
    plant.row("select * from drip.cancel_campaign('Other')")
    assert plant.value("select drip._prune_audiences(10)") == 10
    plant.tick()
    assert plant.value(count) == 0
    assert len(reached(plant, campaign)) == 7


def test_a_pause_in_between_loses_and_repeats_nobody(
    plant: Plant, campaign: int, leads: list[int], reads: list[str | None]
) -> None:
    for _ in range(3):
        step(plant)
        plant.row("select * from drip.pause_campaign('Raya')")
        assert step(plant) is None
        plant.row("select * from drip.resume_campaign('Raya')")
        plant.conn.execute("delete from shop.chosen")
    expand(plant)
    assert [lead for lead, _ in reached(plant, campaign)] == leads
    assert reads == ["read"]


def test_a_chunk_that_is_undone_comes_again(plant: Plant, campaign: int, leads: list[int]) -> None:
    for _ in range(3):
        with plant.rolled_back():
            step(plant)
        step(plant)
    expand(plant)
    assert [lead for lead, _ in reached(plant, campaign)] == leads


@pytest.mark.parametrize(
    "change",
    [
        {"niche": "vip"},
        {"audience": "shop.barred"},
        {"exclude": None},
        {"scheduled_at": "2026-03-02 09:00:01+08"},
    ],
)
def test_a_change_before_the_first_message_reads_it_again(
    clock: Clock, plant: Plant, campaign: int, leads: list[int], change: Row
) -> None:
    plant.conn.execute("update drip.leads set niche = 'vip' where id = %s", [leads[0]])
    plant.conn.execute("insert into shop.barred values (%s)", [leads[1]])
    step(plant)
    plant.row("select * from drip.update_campaign('Raya', %s)", Jsonb(change))
    clock.advance(seconds=1)
    expand(plant)
    assert [lead for lead, why in reached(plant, campaign) if why is None] == {
        "niche": leads[:1],
        "audience": [],
        "exclude": leads,
        "scheduled_at": leads[:1] + leads[2:],
    }[next(iter(change))]
    definition = stored(plant, campaign)["began_definition"]
    if "scheduled_at" not in change:
        assert definition | change == definition


def test_who_opted_out_is_told_as_that(plant: Plant, campaign: int, leads: list[int]) -> None:
    plant.conn.execute("insert into shop.barred values (%s)", [leads[0]])
    plant.suppress(plant.value("select phone from drip.leads where id = %s", leads[0]))
    expand(plant)
    assert reached(plant, campaign)[0] == (leads[0], "suppressed")


def test_the_excluded_take_no_place_of_a_device(
    clock: Clock, plant: Plant, leads: list[int]
) -> None:
    plant.device()
    plant.row("select * from drip.register_audience('shop.barred', 100)")
    plant.conn.execute("insert into shop.barred select id from drip.leads order by id limit 4")
    campaign = scheduled(plant, everyone=True, exclude="shop.barred", per_device_limit=2)
    expand(plant, 3)
    reasons = ["excluded"] * 4 + [None] * 2 + ["campaign_device_limit"]
    assert [why for _, why in reached(plant, campaign)] == reasons


def test_who_was_erased_meanwhile_gets_nothing(
    plant: Plant, campaign: int, leads: list[int]
) -> None:
    step(plant)
    phone = plant.value("select phone from drip.leads where id = %s", leads[3])
    plant.row("select * from drip.erase_lead(%s)", phone)
    expand(plant)
    assert [lead for lead, _ in reached(plant, campaign)] == leads[:3] + leads[4:]
    everyone = scheduled(plant, "All", everyone=True)
    expand(plant)
    assert leads[3] not in [lead for lead, _ in reached(plant, everyone)]
    row = plant.row("select * from drip.campaign_overview where title = 'Raya'")
    assert row["messages"] == row["audience_count"] == 6


@pytest.mark.parametrize("verb", ["pause", "cancel", "update"])
def test_a_slow_view_makes_no_verb_wait(
    clock: Clock, plant: Plant, connect: Connect, campaign: int, leads: list[int], verb: str
) -> None:
    """What was decided while it was read holds."""
    plant.conn.execute(
        "create table shop.gate (); create or replace function shop.count_read() returns bigint"
        " language plpgsql volatile as"
        " $$ begin perform 1 from shop.gate; return 1; end $$;"
        "grant select on shop.gate to drip_guard"
    )
    holder, expander = connect(autocommit=False), clock.join(connect())
    holder.execute("lock table shop.gate in access exclusive mode")
    thread = threading.Thread(
        target=lambda: expander.execute("select * from drip.expand_campaigns(2)").fetchall()
    )
    thread.start()
    try:
        wait_until_blocked(plant.conn, expander, by=holder)
        assert step(plant) is None  # nobody else reads it meanwhile
        plant.conn.execute("set statement_timeout = '5s'")
        if verb == "update":
            plant.row("""select * from drip.update_campaign('Raya', '{"target_status": "all",
                "exclude": null}')""")
        else:
            plant.row(f"select * from drip.{verb}_campaign('Raya')")
    finally:
        holder.rollback()
        thread.join(timeout=30)
    row = stored(plant, campaign)
    assert row["audience_taken_at"] is None
    assert row["began_definition"] is None
    assert plant.value("select count(*) from drip.campaign_audience") == 0
    if verb == "pause":
        plant.row("select * from drip.resume_campaign('Raya')")
    expand(plant)
    assert len(reached(plant, campaign)) == (0 if verb == "cancel" else 7)


def test_a_cancel_by_a_person_is_no_failure(
    clock: Clock, plant: Plant, connect: Connect, campaign: int
) -> None:
    plant.conn.execute(
        "create or replace function shop.count_read() returns bigint language plpgsql volatile as"
        " $$ begin perform pg_sleep(60); return 1; end $$"
    )
    expander = clock.join(connect())
    pid = expander.info.backend_pid
    expander.execute("set statement_timeout = '50s'")
    seen: list[psycopg.Error] = []

    def run() -> None:
        try:
            expander.execute("select * from drip.expand_campaigns(2)")
        except psycopg.Error as exc:
            seen.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    while plant.value(
        "select wait_event is distinct from 'PgSleep' from pg_stat_activity where pid = %s", pid
    ):
        assert thread.is_alive()
    plant.conn.execute("select pg_cancel_backend(%s)", [pid])
    thread.join(timeout=30)
    assert [exc.sqlstate for exc in seen] == ["57014"]
    row = stored(plant, campaign)
    assert (row["expand_attempts"], row["last_error"]) == (0, None)


def test_what_is_asked_meanwhile_reads_the_same(
    clock: Clock, plant: Plant, campaign: int, leads: list[int], reads: list[str | None]
) -> None:
    """Explanations during planning speak of the members that were taken."""
    step(plant)
    plant.conn.execute("delete from shop.chosen")
    plant.row("select * from drip.pause_campaign('Raya')")
    row = plant.row("select * from drip.explain_campaign('Raya') where subject = 'audience'")
    assert row["messages"] == 7
    phone = plant.value("select phone from drip.leads where id = %s", leads[6])
    row = plant.row("select * from drip.explain_lead(%s) where subject = 'campaign'", phone)
    assert row["reason"] == "campaign_paused"
    assert reads == ["read"]


def test_a_name_that_is_none_has_a_nearest_one(plant: Plant, campaign: int) -> None:
    """A definition names only audiences that are registered."""
    code, _, hint = refusal(
        plant.conn, "select * from drip.update_campaign('Raya', '{\"exclude\": \"shop.bared\"}')"
    )
    assert (code, "'shop.barred'" in hint) == ("DR012", True)


@pytest.mark.parametrize("is_broken", [False, True])
def test_an_application_that_holds_the_campaign_makes_planning_wait_for_nothing(
    plant: Plant, connect: Connect, campaign: int, leads: list[int], is_broken: bool
) -> None:
    if is_broken:
        plant.conn.execute("drop view shop.counted")
    application = connect(autocommit=False)
    application.execute("select drip.update_campaign('Raya', '{\"valid_for\": \"3 days\"}')")
    plant.conn.execute("set lock_timeout = '1s'")

    assert step(plant, 9) is not None

    assert plant.value("select count(*) from drip.campaign_audience") == 0
    application.rollback()
    step(plant, 9)
    planned = plant.value("select count(*) from drip.broadcast_messages")
    assert planned == (0 if is_broken else len(leads))
    assert bool(stored(plant, campaign)["last_error"]) == is_broken
