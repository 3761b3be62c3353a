"""preview_campaign(): who gets it, who not and why, when each device is through."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from factory import Clock, Connect, Plant, Row
from psycopg.types.json import Jsonb
from refusals import refusal

HOUR = timedelta(hours=1)
PREVIEW = "select * from drip.preview_campaign(%s)"
BUCKETS = ("excluded", "done", "drops", "waits", "expires", "left", "leaves")


def campaign(plant: Plant, title: str = "Raya", **definition: Any) -> None:
    definition = {"title": title, "message": "m", "everyone": True} | definition
    plant.row("select * from drip.create_campaign(%s)", Jsonb(definition))


def shown(plant: Plant, title: str = "Raya") -> list[Row]:
    rows = plant.rows(PREVIEW, title)
    assert [row["place"] for row in rows] == sorted(row["place"] for row in rows)
    assert rows[0]["messages"] == sum(row["messages"] for row in rows if row["kind"] in BUCKETS)
    return rows


def buckets(rows: list[Row]) -> dict[tuple[str, str | None], int]:
    return {(row["kind"], row["reason"]): row["messages"] for row in rows if row["kind"] in BUCKETS}


def warned(rows: list[Row]) -> list[str]:
    return [row["reason"] for row in rows if row["kind"] == "warning"]


def devices(rows: list[Row]) -> dict[str, Row]:
    return {row["subject"]: row for row in rows if row["kind"] == "device"}


def days(rows: list[Row]) -> dict[str, int]:
    return {row["subject"]: row["messages"] for row in rows if row["kind"] == "day"}


@pytest.fixture
def kl(clock: Clock, plant: Plant) -> None:
    plant.tenant(time_zone="Asia/Kuala_Lumpur")


def test_pace_decides_the_end(clock: Clock, plant: Plant, kl: None) -> None:
    plant.device("one", min_delay_seconds=10, max_delay_seconds=20)
    for _ in range(5):
        plant.lead()
    campaign(plant, min_delay_seconds=20, max_delay_seconds=20)
    rows = shown(plant)
    assert buckets(rows) == {("leaves", None): 5}
    one = devices(rows)["one"]
    assert (one["first_at"], one["ends_at"]) == (clock.now, clock.now + timedelta(seconds=80))
    assert one["ends_local"] == datetime(2026, 3, 2, 9, 1, 20)
    assert (one["evidence"]["min_seconds"], one["evidence"]["max_seconds"]) == (20, 20)
    assert warned(rows) == []


def test_of_many_the_mean_delay_counts(clock: Clock, plant: Plant, kl: None) -> None:
    """More than a thousand: within a hundredth of what the arithmetic says."""
    plant.device("one", min_delay_seconds=10, max_delay_seconds=30)
    plant.conn.execute(
        "insert into drip.leads (user_id, phone, created_at, updated_at)"
        " select %s, '+6013' || to_char(n, 'FM0000000'), drip.now(), drip.now()"
        " from generate_series(1, 4000) n",
        [plant.user],
    )
    campaign(plant, send_from="09:00", send_to="18:00")
    rows = shown(plant)
    # nine hours are 1,620 at 20 seconds
    assert days(rows) == {"2026-03-02": 1620, "2026-03-03": 1620, "2026-03-04": 760}
    end = rows[0]["ends_local"]
    assert abs(end - datetime(2026, 3, 4, 13, 13, 0)) < timedelta(seconds=21)


def test_everybody_it_leaves_out_has_a_reason(clock: Clock, plant: Plant, kl: None) -> None:
    plant.device("one", min_delay_seconds=600, max_delay_seconds=600)
    plant.device("off", status="disabled", status_reason="x")
    leads = [
        plant.lead(device_id=plant.value("select min(id) from drip.user_devices")) for _ in range(9)
    ]
    off = plant.lead(device_id=plant.value("select max(id) from drip.user_devices"))
    phones = {row["id"]: row["phone"] for row in plant.rows("select id, phone from drip.leads")}
    plant.suppress(phones[leads[0]])
    plant.row("select * from drip.pause_lead(%s, 'infinity')", phones[leads[1]])
    campaign(plant, per_device_limit=6, valid_for="25 minutes")
    rows = shown(plant)
    assert buckets(rows) == {
        ("excluded", "suppressed"): 1,
        ("excluded", "campaign_device_limit"): 2,
        ("waits", "lead_paused"): 1,
        ("waits", "device_disabled"): 1,
        ("expires", "expired"): 2,
        ("leaves", None): 3,
    }
    assert warned(rows) == ["campaign_device_limit", "expired"]
    held = devices(rows)["off"]
    assert (held["reason"], held["ends_at"], held["messages"]) == ("device_disabled", None, 1)
    assert held["evidence"]["ends_if_mended"] is not None
    assert off


def test_windows_over_a_weekend(clock: Clock, plant: Plant, kl: None) -> None:
    clock.set("2026-03-06 17:00+08")
    plant.device("one", min_delay_seconds=1800, max_delay_seconds=1800)
    for _ in range(4):
        plant.lead()
    campaign(plant, send_from="09:00", send_to="18:00", send_days=[1, 2, 3, 4, 5])
    rows = shown(plant)
    assert days(rows) == {"2026-03-06": 2, "2026-03-09": 2}
    assert rows[0]["ends_local"] == datetime(2026, 3, 9, 9, 30)


def test_the_clocks_change(clock: Clock, plant: Plant) -> None:
    """From 01:00 to 05:00 the night has three hours."""
    plant.tenant(time_zone="Europe/Berlin")
    clock.set("2026-03-28 23:00+01")
    plant.device("one", min_delay_seconds=3600, max_delay_seconds=3600)
    for _ in range(5):
        plant.lead()
    campaign(plant, send_from="01:00", send_to="05:00")
    rows = shown(plant)
    assert days(rows) == {"2026-03-29": 3, "2026-03-30": 2}
    assert rows[0]["ends_local"] == datetime(2026, 3, 30, 2, 0)


def test_ramp_and_cap(clock: Clock, plant: Plant, kl: None) -> None:
    plant.device("one", ramp=[2, 3], ramp_started_on="2026-03-02", daily_cap=5)
    for _ in range(13):
        plant.lead()
    campaign(plant)
    rows = shown(plant)
    assert days(rows) == {"2026-03-02": 2, "2026-03-03": 3, "2026-03-04": 5, "2026-03-05": 3}
    assert rows[0]["ends_local"] == datetime(2026, 3, 5)


def test_what_waits_already_goes_first(clock: Clock, plant: Plant, kl: None) -> None:
    one = plant.device("one", min_delay_seconds=60, max_delay_seconds=60)
    for _ in range(3):
        plant.message(one)
    plant.enroll(plant.sequence({}))
    campaign(plant, "First")
    plant.row("select * from drip.schedule_campaign('First')")
    leads = plant.value("select count(*) from drip.leads")
    campaign(plant)
    # one is planned, the other is not; both stand before it
    for _ in range(2):
        rows = shown(plant)
        assert devices(rows)["one"]["evidence"]["before_it"] == {
            "single": 3,
            "drip": 1,
            "campaign": leads,
        }
        assert rows[0]["first_at"] == clock.now + timedelta(minutes=4 + leads)
        plant.tick()


def test_devices_named(clock: Clock, plant: Plant, kl: None) -> None:
    plant.device("one")
    plant.device("two")
    for _ in range(4):
        plant.lead()
    campaign(plant, devices=["two"])
    assert {name: row["messages"] for name, row in devices(shown(plant)).items()} == {"two": 4}


def test_each_leads_own_clock(clock: Clock, plant: Plant, kl: None) -> None:
    plant.device("one")
    plant.lead()
    plant.lead(time_zone="Asia/Jakarta")
    campaign(plant, local_time_per_lead=True, scheduled_at="2026-03-05 10:00")
    rows = shown(plant)
    assert rows[0]["first_local"] == datetime(2026, 3, 5, 10)
    assert rows[0]["ends_local"] == datetime(2026, 3, 5, 11)


def test_what_expires_is_not_the_first_to_leave(clock: Clock, plant: Plant, kl: None) -> None:
    plant.device("one", active_from="10:15", active_to="20:00")
    plant.lead()
    plant.lead(time_zone="Asia/Tokyo")
    campaign(
        plant, local_time_per_lead=True, scheduled_at="2026-03-05 10:00", valid_for="30 minutes"
    )
    rows = shown(plant)
    assert buckets(rows) == {("expires", "expired"): 1, ("leaves", None): 1}
    assert devices(rows)["one"]["first_at"] == rows[0]["first_at"] == rows[0]["ends_at"]


def test_nobody(clock: Clock, plant: Plant, kl: None) -> None:
    plant.device()
    campaign(plant)
    rows = shown(plant)
    assert (rows[0]["messages"], rows[0]["ends_at"], warned(rows)) == (0, None, ["audience_empty"])


def test_all_suppressed(clock: Clock, plant: Plant, kl: None) -> None:
    plant.device()
    plant.lead("+60123456789")
    plant.suppress("+60123456789", "marketing")
    campaign(plant)
    rows = shown(plant)
    assert buckets(rows) == {("excluded", "suppressed"): 1}
    assert warned(rows) == ["all_excluded"]


def test_no_device(clock: Clock, plant: Plant, kl: None) -> None:
    plant.lead()
    campaign(plant)
    rows = shown(plant)
    assert buckets(rows) == {("waits", "no_device"): 1}
    assert warned(rows) == ["no_device"]


def test_days_that_never_come(clock: Clock, plant: Plant, kl: None) -> None:
    """Days of the week that the hours of the device never meet: told, not looped over."""
    plant.device("one", active_from="09:00", active_to="10:00")
    plant.lead()
    campaign(plant, send_from="11:00", send_to="12:00")
    rows = shown(plant)
    assert buckets(rows) == {("left", None): 1}
    assert warned(rows) == ["too_late"]


def test_a_template_is_needed(clock: Clock, plant: Plant, kl: None) -> None:
    plant.device("meta", platform="cloud_api")
    plant.lead(last_inbound_at=clock.now - 20 * HOUR)
    plant.lead(last_inbound_at=clock.now - 30 * HOUR)
    campaign(plant)
    assert buckets(shown(plant)) == {("waits", "service_window_closed"): 1, ("leaves", None): 1}


def test_while_it_runs_and_while_it_is_paused(clock: Clock, plant: Plant, kl: None) -> None:
    plant.device("one", min_delay_seconds=60, max_delay_seconds=60)
    for _ in range(4):
        plant.lead()
    campaign(plant)
    plant.row("select * from drip.schedule_campaign('Raya')")
    plant.tick()
    for claimed in plant.claim():
        plant.answer(claimed)
    clock.advance(seconds=10)
    rows = shown(plant)
    assert buckets(rows) == {("done", "sent"): 1, ("leaves", None): 3}
    assert rows[0]["ends_at"] == clock.now + timedelta(seconds=50 + 120)

    plant.row("select * from drip.pause_campaign('Raya')")
    clock.advance(hours=1)
    rows = shown(plant)
    assert buckets(rows) == {("done", "sent"): 1, ("leaves", None): 3}
    assert warned(rows) == ["campaign_paused"]
    assert "by shift" in next(row["sentence"] for row in rows if row["kind"] == "warning")
    assert rows[0]["ends_at"] == clock.now + timedelta(seconds=120)


@pytest.mark.parametrize("is_local", [False, True])
@pytest.mark.parametrize("is_planned", [False, True])
def test_what_a_resume_would_do(
    clock: Clock, plant: Plant, kl: None, is_local: bool, is_planned: bool
) -> None:
    """The policy's times, and whom it skips: what the resume and the play then say."""
    plant.device("one", min_delay_seconds=60, max_delay_seconds=60)
    for zone in (None, "Asia/Tokyo", "America/New_York"):
        plant.lead(time_zone=zone)
    at = clock.now + HOUR
    campaign(plant, scheduled_at=at.isoformat(), local_time_per_lead=is_local, valid_for="3 hours")
    plant.row("select * from drip.schedule_campaign('Raya')")
    if is_planned:
        clock.set(at - HOUR if is_local else at)
        plant.tick()
        for claimed in plant.claim():
            plant.answer(claimed)
    plant.row("select * from drip.pause_campaign('Raya')")
    clock.advance(hours=5)
    for policy in ("shift", "catch_up", "skip"):
        found = plant.rows("select * from drip.preview_campaign('Raya', %s)", policy)
        if policy == "shift":
            assert shown(plant) == found
        with plant.rolled_back():
            plant.row("select * from drip.resume_campaign('Raya', %s)", policy)
            rows = plant.rows("select * from drip.simulate(p_until => %s)", clock.now + 72 * HOUR)
            plant.tick()
            skipped = plant.value(
                "select count(*) from drip.broadcast_messages"
                " where status_reason = 'skipped_by_resume'"
            )
        times = [row["at"] for row in rows if row["kind"] == "message"] or [None]
        assert (found[0]["first_at"], found[0]["ends_at"]) == (times[0], times[-1]), policy
        assert buckets(found).get(("leaves", None), 0) == rows[-1]["messages"]
        assert buckets(found).get(("excluded", "skipped_by_resume"), 0) == skipped


def test_a_resume_shifts_what_is_still_to_come(clock: Clock, plant: Plant, kl: None) -> None:
    plant.device("one")
    plant.lead()
    campaign(plant)
    plant.row("select * from drip.schedule_campaign('Raya')")
    plant.tick()
    at = clock.now + 10 * HOUR
    later = Jsonb({"scheduled_at": at.isoformat()})
    plant.rows("select * from drip.update_campaign('Raya', %s)", later)
    plant.row("select * from drip.pause_campaign('Raya')")
    clock.advance(hours=5)
    assert shown(plant)[0]["first_at"] == at + 5 * HOUR
    kept = plant.rows("select * from drip.preview_campaign('Raya', 'catch_up')")
    assert kept[0]["first_at"] == at


def test_a_policy_is_one_of_three(clock: Clock, plant: Plant, kl: None) -> None:
    campaign(plant)
    query = "select * from drip.preview_campaign('Raya', 'later')"
    assert refusal(plant.conn, query)[0] == "DR001"


@pytest.mark.parametrize("status", ["completed", "cancelled"])
def test_what_is_over_is_refused(clock: Clock, plant: Plant, kl: None, status: str) -> None:
    campaign(plant)
    plant.conn.execute("alter table drip.campaigns disable trigger user")
    plant.conn.execute(
        "update drip.campaigns set status = %s, scheduled_at = drip.now(),"
        " completed_at = drip.now(), expanded_at = drip.now()",
        [status],
    )
    assert refusal(plant.conn, PREVIEW, "Raya")[0] == "DR005"


def test_nothing_is_written(clock: Clock, plant: Plant, kl: None) -> None:
    plant.device(min_delay_seconds=5, max_delay_seconds=9)
    for _ in range(6):
        plant.lead()
    campaign(plant)
    with plant.conn.transaction():
        plant.conn.execute("set transaction read only")
        shown(plant)


def test_an_application_sees_its_own(
    clock: Clock, plant: Plant, kl: None, connect: Connect
) -> None:
    other = plant.other_tenant()
    with plant.acting_for(other):
        campaign(plant, "Theirs")
    with plant.acting_for(plant.user):
        campaign(plant, "Ours")
    plant.lead()
    plant.lead(user=other)
    plant.device(user=plant.user)
    plant.assign("drip_app")
    app = connect(role="drip_app")
    row = app.execute(PREVIEW, ["Ours"]).fetchone()
    assert row is not None
    assert row["messages"] == 1
    assert refusal(app, PREVIEW, "Theirs")[0] == "DR012"


def test_whom_exclude_names(clock: Clock, plant: Plant, kl: None) -> None:
    plant.device()
    for _ in range(4):
        plant.lead()
    plant.conn.execute(
        "create view customers as select l.phone from drip.leads l where l.id % 2 = 0;"
        " grant usage on schema public to drip_guard; grant select on customers to drip_guard"
    )
    plant.row("select * from drip.register_audience('customers', 100)")
    campaign(plant, exclude="customers")
    rows = shown(plant)
    assert buckets(rows) == {("excluded", "excluded"): 2, ("leaves", None): 2}
    plant.row("select * from drip.schedule_campaign('Raya')")
    plant.tick()
    assert buckets(shown(plant)) == buckets(rows)


def test_what_it_does_not_foresee_is_said(clock: Clock, plant: Plant, kl: None) -> None:
    """The settings by name, and how many messages they may delay at most."""
    one = plant.device("one", min_delay_seconds=60, max_delay_seconds=60)
    account = plant.insert(
        "sender_accounts",
        user_id=plant.user,
        name="Meta",
        platform="gowa",
        reach_cap=2,
        created_at=clock.now,
    )
    other = plant.device("other")
    leads = [plant.lead(device_id=device) for device in (one, one, other)]
    plant.suppress(plant.value("select phone from drip.leads where id = %s", leads[0]))
    campaign(plant)
    assert warned(shown(plant)) == []
    plant.tenant(contact_gap=timedelta(hours=2))
    plant.update("user_devices", other, account_id=account)

    [rules, cap] = [row for row in shown(plant) if row["kind"] == "warning"]

    assert (rules["reason"], rules["messages"]) == ("contact_rules", 2)
    assert rules["sentence"].startswith("contact_gap (02:00:00) may delay up to 2 of")
    assert (cap["reason"], cap["messages"]) == ("account_cap", 1)
    assert cap["sentence"].startswith("the reach_cap (2) of 'Meta' may delay up to 1 of")
    plant.tenant(contact_gap=None, contact_cap=3, contact_cap_period=timedelta(days=7))
    [scheduled] = plant.rows("select * from drip.schedule_campaign('Raya')")
    assert scheduled["warnings"][0].startswith("contact_cap (3 in 7 days) may delay up to 2 of")
    plant.row("select * from drip.update_campaign('Raya', %s)", Jsonb({"category": "utility"}))
    assert warned(shown(plant)) == ["account_cap"]


def test_empty_placeholders_are_counted(clock: Clock, plant: Plant, kl: None) -> None:
    """Before it is too late; an empty fallback says that it is meant."""
    plant.device()
    plant.lead(name="Ali", attributes=Jsonb({"city": "Ipoh"}))
    for name in (None, "  "):
        plant.lead(name=name, attributes=Jsonb({"city": "Ipoh"}))
    plant.lead(name="Siti")
    campaign(plant, message="Hi {name}, {attributes.city}? {name|there} {attributes.x|}")
    [told] = [row for row in shown(plant) if row["kind"] == "warning"]
    assert (told["reason"], told["messages"]) == ("unfilled", 3)
    assert told["sentence"] == (
        "{attributes.city} and {name} stay empty for 3 of the audience: give it a fallback such"
        " as {name|friend}"
    )
    scheduled = plant.row("select * from drip.schedule_campaign('Raya')")
    assert scheduled["warnings"] == [told["sentence"]]
    plant.row("select * from drip.expand_campaigns()")
    for _ in range(2):
        [message] = plant.claim()
        plant.answer(message)
    [left] = [row for row in shown(plant) if row["kind"] == "warning"]
    assert left["messages"] == 2
    plant.row("select * from drip.update_campaign('Raya', %s)", Jsonb({"message": "Hi {name|you}"}))
    assert warned(shown(plant)) == []
