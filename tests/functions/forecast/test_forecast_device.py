"""forecast_device(): what leaves a device on which day, and what goes over into the next."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from factory import Clock, Connect, Plant, Row
from psycopg.types.json import Jsonb
from refusals import refusal

FORECAST = "select * from drip.forecast_device(%s)"
HOUR = timedelta(hours=1)
MONDAY, TUESDAY, WEDNESDAY = (date(2026, 3, day) for day in (2, 3, 4))


def shown(plant: Plant, device: str = "one") -> list[Row]:
    rows = plant.rows(FORECAST, device)
    assert rows[0]["messages"] == sum(
        row["messages"] for row in rows if row["kind"] not in ("device", "source")
    )
    for day in (row for row in rows if row["kind"] == "day"):
        sources = [
            row for row in rows if row["kind"] == "source" and row["local_day"] == day["local_day"]
        ]
        for column in ("messages", "due"):
            assert day[column] == sum(row[column] for row in sources)
    return rows


def days(rows: list[Row], *columns: str) -> dict[date, tuple[Any, ...]]:
    return {
        row["local_day"]: tuple(row[column] for column in columns)
        for row in rows
        if row["kind"] == "day"
    }


@pytest.fixture
def kl(clock: Clock, plant: Plant) -> None:
    plant.tenant(time_zone="Asia/Kuala_Lumpur")


def test_a_day_is_full_and_goes_over(clock: Clock, plant: Plant, kl: None) -> None:
    one = plant.device("one", daily_cap=3, active_from="08:00", active_to="20:00")
    for _ in range(5):
        plant.message(one)
    for _ in range(2):
        plant.message(one, scheduled_at=clock.now + 24 * HOUR)
    rows = shown(plant)
    assert (rows[0]["kind"], rows[0]["messages"], rows[0]["reason"]) == ("device", 7, None)
    assert days(rows, "messages", "due", "left_over", "cap", "open_seconds") == {
        MONDAY: (3, 5, 2, 3, 11 * 3600),
        TUESDAY: (3, 2, 1, 3, 12 * 3600),
        WEDNESDAY: (1, 0, 0, 3, 12 * 3600),
    }
    assert rows[0]["last_at"] == clock.now + 47 * HOUR


def test_the_cap_of_each_day_of_the_ramp(clock: Clock, plant: Plant, kl: None) -> None:
    one = plant.device("one", ramp=[1, 2], ramp_started_on="2026-03-02")
    for _ in range(5):
        plant.message(one)
    assert days(shown(plant), "messages", "cap") == {
        MONDAY: (1, 1),
        TUESDAY: (2, 2),
        WEDNESDAY: (2, None),
    }


def test_by_class_and_program(clock: Clock, plant: Plant, kl: None) -> None:
    one = plant.device("one", min_delay_seconds=60, max_delay_seconds=60)
    plant.enroll(plant.sequence({}, {"trigger_delay_hours": 24}, name="COLD"))
    plant.message(one)
    plant.row(
        "select * from drip.create_campaign(%s)",
        Jsonb({"title": "Raya", "message": "m", "everyone": True}),
    )
    plant.row("select * from drip.schedule_campaign('Raya')")
    # neither the plan of the campaign nor its being there makes a difference
    for _ in range(2):
        sources = [
            (row["local_day"], row["class"], row["source"], row["messages"], row["last_at"])
            for row in shown(plant)
            if row["kind"] == "source"
        ]
        minute = timedelta(minutes=1)
        assert sources == [
            (MONDAY, "campaign", "campaign Raya", 2, clock.now + 3 * minute),
            (MONDAY, "drip", "sequence COLD", 1, clock.now + minute),
            (MONDAY, "single", "single message", 1, clock.now),
            (TUESDAY, "drip", "sequence COLD", 1, clock.now + 24 * HOUR),
        ]
        plant.tick()


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("offline", "device_offline"),
        ("needs_attention", "device_attention"),
        ("disabled", "device_disabled"),
    ],
)
def test_what_holds_it_is_said_first(
    clock: Clock, plant: Plant, kl: None, status: str, reason: str
) -> None:
    one = plant.device("one", status=status, status_reason="x")
    plant.message(one)
    rows = shown(plant)
    assert rows[0]["reason"] == reason
    assert "as if" in rows[0]["sentence"]
    assert days(rows, "messages") == {MONDAY: (1,)}


def test_an_open_breaker_is_waited_for(clock: Clock, plant: Plant, kl: None) -> None:
    one = plant.device("one")
    plant.message(one)
    plant.update("device_pacing", one, breaker_open_until=clock.now + HOUR)
    rows = shown(plant)
    assert (rows[0]["reason"], rows[0]["first_at"]) == ("breaker_open", clock.now + HOUR)


def test_what_a_person_holds_and_what_expires(clock: Clock, plant: Plant, kl: None) -> None:
    one = plant.device("one", min_delay_seconds=60, max_delay_seconds=60)
    sequence = plant.sequence({}, {}, name="COLD")
    plant.enroll(sequence)
    plant.row("select * from drip.pause_sequence('COLD')")
    plant.message(one)
    plant.message(one, expires_at=clock.now + timedelta(seconds=30))
    held = {
        (row["kind"], row["source"], row["reason"]): row["messages"]
        for row in shown(plant)
        if row["kind"] in ("waits", "expires", "drops", "left")
    }
    assert held == {
        ("waits", "sequence COLD", "sequence_paused"): 2,
        ("expires", "single message", "expired"): 1,
    }


def test_a_test_message_waits_for_no_hours(clock: Clock, plant: Plant, kl: None) -> None:
    plant.tenant(send_from="20:00", send_to="22:00")
    message = plant.message(plant.device("one"), category="marketing", is_test=True)
    assert plant.explain(message)["verdict"] == "go"
    assert shown(plant)[0]["first_at"] == clock.now


def test_nothing_waits(clock: Clock, plant: Plant, kl: None) -> None:
    plant.device("one")
    [row] = shown(plant)
    assert (row["messages"], row["first_at"], row["last_at"]) == (0, None, None)


def test_many(clock: Clock, plant: Plant, kl: None) -> None:
    """Beyond what is told one by one: the sum stays, the days are those of the mean delay."""
    one = plant.device("one", min_delay_seconds=10, max_delay_seconds=30)
    lead = plant.lead()
    plant.conn.execute(
        "insert into drip.broadcast_messages (user_id, device_id, lead_id, recipient_phone,"
        " category, message_type, source, priority, scheduled_at, planned_at, created_at)"
        " select l.user_id, %s, l.id, l.phone, 'utility', 'text', '{}', 1, drip.now(),"
        " drip.now(), drip.now() from drip.leads l, generate_series(1, 6000) where l.id = %s",
        [one, lead],
    )
    delays = plant.value(
        "select sum(drip._delay_seconds(m.id, 10, 30, null, null)) from drip.broadcast_messages m"
    )
    rows = shown(plant)
    assert rows[0]["messages"] == 6000
    assert abs(rows[0]["last_at"] - clock.now - timedelta(seconds=float(delays))) < timedelta(
        seconds=60
    )


@pytest.mark.parametrize("device", [None, "", "nobody"])
def test_rubbish(clock: Clock, plant: Plant, device: str | None) -> None:
    assert refusal(plant.conn, FORECAST, device)[0] in ("DR001", "DR012")


def test_it_is_for_operators(clock: Clock, plant: Plant, connect: Connect) -> None:
    one = plant.device("one")
    plant.message(one)
    app, operator = connect(role="drip_app"), connect(role="drip_operator")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(FORECAST, ["one"])
    assert operator.execute(FORECAST, ["one"]).fetchall() != []


def test_after_a_pause_a_message_stands_where_it_stood(
    clock: Clock, plant: Plant, kl: None
) -> None:
    """By its due time, before what became due in the meantime."""
    one = plant.device("one", min_delay_seconds=600, max_delay_seconds=600)
    lead = plant.lead()
    phone = plant.value("select phone from drip.leads where id = %s", lead)
    minute = timedelta(minutes=1)
    plant.message(one)
    plant.message(one, lead, expires_at=clock.now + 15 * minute)
    plant.message(one, scheduled_at=clock.now + 5 * minute)
    plant.row("select * from drip.pause_lead(%s, %s)", phone, clock.now + 10 * minute)
    [device, _, single] = shown(plant)
    assert (single["messages"], single["last_at"]) == (3, clock.now + 20 * minute)
    assert device["messages"] == 3


def test_a_pause_moves_a_journey(clock: Clock, plant: Plant, kl: None) -> None:
    plant.device("one")
    sequence = plant.sequence({}, {"trigger_delay_hours": 3}, start_delay="1 hour")
    lead = plant.lead()
    phone = plant.value("select phone from drip.leads where id = %s", lead)
    plant.enroll(sequence, lead)
    clock.advance(minutes=30)
    plant.row("select * from drip.pause_lead(%s, %s)", phone, clock.now + 2 * HOUR)
    rows = plant.rows("select * from drip.simulate(p_until => %s)", clock.now + 9 * HOUR)
    played = [row["at"] for row in rows if row["kind"] == "message"]
    [device, *_] = shown(plant)
    assert [device["first_at"], device["last_at"]] == played
