"""simulate(): the play is what then happens, and nothing of it stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from factory import Clock, Connection, Plant
from psycopg.types.json import Jsonb
from refusals import refusal

DAY = timedelta(days=1)
SIMULATE = "select * from drip.simulate(p_until => %s)"

Row = dict[str, Any]


def contents(conn: Connection) -> dict[str, str]:
    """A checksum of every table of ours, of the queues and of the job library."""
    tables = conn.execute(
        "select c.oid::regclass::text as name from pg_class c"
        " where c.relnamespace::regnamespace::text in ('drip', 'pgmq', 'procrastinate')"
        " and c.relkind in ('r', 'p') order by 1"
    ).fetchall()
    sums = {}
    for table in tables:
        name = table["name"]
        row = conn.execute(
            f"select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as sum"
            f" from {name} as t".encode()
        ).fetchone()
        assert row is not None
        sums[name] = row["sum"]
    return sums


def played(rows: list[Row]) -> list[tuple[Any, int, str]]:
    return [(row["at"], row["lead_id"], row["content"]) for row in rows if row["kind"] == "message"]


@pytest.fixture
def busy(clock: Clock, plant: Plant) -> None:
    """Two devices with a pace, a chain of sequences, a campaign to come, a paused lead."""
    plant.tenant(time_zone="Asia/Kuala_Lumpur", send_from="09:00", send_to="18:00")
    plant.device("one", min_delay_seconds=20, max_delay_seconds=50)
    plant.device("two", min_delay_seconds=5, max_delay_seconds=500, daily_cap=6)
    for name, trigger, follows in (("COLD", "cold", "warm"), ("WARM", "warm", None)):
        plant.sequence(
            {"content": f"{name} 1 {{name|friend}} [[a|b|c]]"},
            {"content": f"{name} 2", "send_time": "10:30", "next_trigger": follows},
            name=name,
            auto_enroll="trigger",
            trigger=trigger,
            start_delay="5 minutes",
        )
    for number in range(8):
        plant.lead(trigger="cold" if number % 2 else "warm", name=f"Lead {number}")
    plant.row(
        "select * from drip.create_campaign(%s)",
        Jsonb({"title": "Raya", "message": "Selamat, {name|kawan}", "everyone": True}),
    )
    plant.row(
        "select * from drip.schedule_campaign('Raya', %s)", clock.now + timedelta(days=1, hours=3)
    )
    phone = plant.value("select phone from drip.leads order by id limit 1")
    plant.row("select * from drip.pause_lead(%s, %s)", phone, clock.now + timedelta(hours=30))


def test_what_it_plays_is_what_happens(clock: Clock, plant: Plant, busy: None) -> None:
    until = clock.now + 5 * DAY
    before = contents(plant.conn)

    rows = plant.rows(SIMULATE, until)

    assert contents(plant.conn) == before
    end = rows[-1]
    assert (end["kind"], end["note"]) == ("end", "p_until")
    handed: list[tuple[Any, int, str]] = []
    leads = {row["phone"]: row["id"] for row in plant.rows("select id, phone from drip.leads")}
    for at, phone, text in plant.live(clock, until):
        handed.append((at, leads[phone], text))
    assert len(handed) == end["messages"] == 8 * 2 + 4 * 2 + 8
    # what is planned later gets other ids: its variants are drawn anew
    assert sorted((lead, text.split()[:2]) for _, lead, text in handed) == sorted(
        (lead, text.split()[:2]) for _, lead, text in played(rows)
    )
    known = {row["message_id"] for row in rows if row["message_id"]}
    assert known == set()
    assert plant.value("select coalesce(current_setting('drip.clock_token', true), '')") == ""


def test_planned_messages_leave_at_the_second_it_says(clock: Clock, plant: Plant) -> None:
    device = plant.device(min_delay_seconds=7, max_delay_seconds=90)
    sequence = plant.sequence(
        *({"content": f"{step} [[x|y|z]]", "trigger_delay_hours": 3} for step in range(4)),
        device=str(device),
        send_from="08:00",
        send_to="20:00",
    )
    for _ in range(20):
        plant.enroll(sequence)
    until = clock.now + 3 * DAY
    rows = plant.rows(SIMULATE, until)
    leads = {row["phone"]: row["id"] for row in plant.rows("select id, phone from drip.leads")}
    handed = [(at, leads[phone], text) for at, phone, text in plant.live(clock, until)]
    assert len(handed) == 80
    assert played(rows) == handed


@pytest.mark.parametrize(
    ("outcome", "status"), [("accepted", "sent"), ("permanent", "failed"), ("unknown", "unknown")]
)
def test_each_outcome(clock: Clock, plant: Plant, outcome: str, status: str) -> None:
    plant.device()
    plant.enroll(plant.sequence({}, {}))
    before = contents(plant.conn)
    rows = plant.rows(
        "select * from drip.simulate(p_until => %s, p_outcome => %s)", clock.now + 4 * DAY, outcome
    )
    assert [row["status"] for row in rows if row["kind"] == "message"] == [status] * 2
    assert contents(plant.conn) == before


def test_it_says_what_does_not_leave_and_why(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    plant.message(device)
    plant.row("select * from drip.set_device_status(%s, 'offline')", str(device))
    plant.row("select * from drip.pause_sequence(%s)", str(sequence := plant.sequence(name="S")))
    assert sequence
    [left, end] = plant.rows(SIMULATE, clock.now + DAY)
    assert (left["kind"], left["reason"], left["messages"], left["source"]) == (
        "left",
        "device_offline",
        1,
        "single message",
    )
    assert left["note"] == "The device is offline."
    assert (end["kind"], end["messages"]) == ("end", 0)


LOOKS = (
    "select coalesce(sum(calls), 0)::integer from pg_stat_xact_user_functions"
    " where schemaname = 'drip' and funcname = '_claim_messages'"
)


def looks_of(plant: Plant, query: str, *arguments: Any) -> tuple[int, list[Row]]:
    """How many looks for messages a query takes, and its rows."""
    with plant.rolled_back():
        plant.conn.execute("set local track_functions = 'pl'")
        before = plant.value(LOOKS)  # those of a moment ago count until the server has sent them
        rows = plant.rows(query, *arguments)
        return plant.value(LOOKS) - before, rows


def test_a_window_that_never_opens_is_not_asked_each_minute(clock: Clock, plant: Plant) -> None:
    """Days and weekends leave no day: one look, and one a midnight, not 1,440 a day."""
    plant.tenant(send_days=[6, 7])
    plant.device()
    sequence = plant.sequence({"valid_for": "2 days"}, {}, skip_weekends=True)
    plant.enroll(sequence)

    looks, rows = looks_of(plant, SIMULATE, clock.now + 10 * DAY)

    assert [(row["kind"], row["reason"], row["messages"]) for row in rows] == [
        ("left", "outside_window", 1),
        ("end", None, 0),
    ]
    assert rows[-1]["note"] == "p_until"
    assert looks < 50
    # the first step has expired behind it, and set the second free
    assert rows[0]["at"] == clock.now + 10 * DAY
    assert looks_of(plant, "select * from drip.preview_timeline(%s)", str(sequence))[0] < 1000


@pytest.mark.parametrize("kind", ["window", "lead", "enrollment", "sequence", "service_window"])
def test_who_waits_for_a_person_is_looked_at_once(clock: Clock, plant: Plant, kind: str) -> None:
    plant.device(platform="cloud_api" if kind == "service_window" else "gowa")
    lead = plant.lead()
    phone = plant.value("select phone from drip.leads where id = %s", lead)
    sequence = plant.sequence({}, {}, skip_weekends=kind == "window")
    plant.enroll(sequence, lead)
    if kind == "window":
        plant.tenant(send_days=[7])
    elif kind == "lead":
        plant.row("select * from drip.pause_lead(%s)", phone)
    elif kind == "enrollment":
        plant.row("select * from drip.pause_enrollment(%s, %s)", str(sequence), phone)
    elif kind == "sequence":
        plant.row("select * from drip.pause_sequence(%s)", str(sequence))

    looks, rows = looks_of(plant, SIMULATE, clock.now + DAY / 4)

    assert (rows[-1]["messages"], rows[-1]["note"]) == (0, "p_until")
    assert looks < 5


def test_a_window_that_opens_in_a_minute(clock: Clock, plant: Plant) -> None:
    """The same wait as a look after a minute, and yet it ends."""
    plant.device()
    plant.tenant(time_zone="UTC", send_from="01:01", send_to="03:00")
    plant.enroll(plant.sequence({}))
    rows = plant.rows(SIMULATE, clock.now + DAY)
    assert [row["at"] - clock.now for row in rows if row["kind"] == "message"] == [
        timedelta(minutes=1)
    ]


def test_hours_that_end_while_a_device_waits(clock: Clock, plant: Plant) -> None:
    """A worker looks all the while, so what opens next goes by its id and not its due time."""
    plant.tenant(time_zone="UTC", send_from="09:00", send_to="12:00")
    clock.set("2026-03-02 10:00")
    device = plant.device(daily_cap=1)
    plant.message(device, scheduled_at=clock.now - DAY)
    marketing: dict[str, Any] = {"category": "marketing", "scheduled_at": clock.now - DAY / 4}
    plant.message(device, **marketing | {"scheduled_at": clock.now - DAY / 2})
    east = [plant.lead(time_zone="Pacific/Noumea") for _ in range(2)]
    first = plant.message(device, east[0], **marketing)
    plant.message(device, east[1], **marketing | {"scheduled_at": clock.now - DAY / 3})
    until = clock.now + 4 * DAY
    rows = plant.rows(SIMULATE, until)
    messages = [row["message_id"] for row in rows if row["kind"] == "message"]
    assert messages[1] == first
    leads = {row["phone"]: row["id"] for row in plant.rows("select id, phone from drip.leads")}
    handed = [(at, leads[phone], text) for at, phone, text in plant.live(clock, until)]
    assert played(rows) == handed


def test_it_stops_when_it_takes_too_long(clock: Clock, plant: Plant) -> None:
    device = plant.device(min_delay_seconds=60, max_delay_seconds=60)
    for _ in range(3):
        plant.message(device)
    with plant.rolled_back():
        [user, until] = [plant.user, clock.now + DAY]
        [left, end] = plant.value(
            "select drip._simulate(%s, %s, 'accepted', 1000, interval '0')", user, until
        )
    assert (left["kind"], left["messages"]) == ("left", 3)
    assert (end["kind"], end["messages"], end["note"]) == ("end", 0, "too long for one simulation")


@pytest.mark.exhaustive
def test_it_stops_at_a_thousand(clock: Clock, plant: Plant) -> None:
    device = plant.device(burst=1000)
    lead = plant.lead()
    plant.conn.execute(
        "insert into drip.leads (user_id, phone, created_at, updated_at)"
        " select user_id, '+6013' || to_char(n, 'FM0000000'), created_at, updated_at"
        " from drip.leads, generate_series(1, 1300) n where id = %s",
        [lead],
    )
    plant.conn.execute(
        "insert into drip.broadcast_messages (user_id, device_id, lead_id, recipient_phone,"
        " category, message_type, source, priority, scheduled_at, planned_at, created_at)"
        " select l.user_id, %s, l.id, l.phone, 'utility', 'text', '{\"content\": \"x\"}', 1,"
        " l.created_at, l.created_at, l.created_at from drip.leads l",
        [device],
    )
    rows = plant.rows(SIMULATE, clock.now + DAY)
    assert 1000 <= rows[-1]["messages"] < 1100
    assert rows[-1]["note"] == "the message limit of one simulation"
    assert plant.value("select count(*) from drip.broadcast_messages where status = 'sent'") == 0


def test_other_tenants_are_not_touched(clock: Clock, plant: Plant) -> None:
    """Nor seen: their messages neither leave in the play nor wait for it."""
    other = plant.other_tenant()
    mine, theirs = plant.device(), plant.device(user=other)
    plant.message(mine)
    plant.message(theirs, plant.lead(user=other), user=other)
    plant.conn.execute("select set_config('drip.user', %s, false)", [str(plant.user)])
    rows = plant.rows(SIMULATE, clock.now + DAY)
    assert [row["kind"] for row in rows] == ["message", "end"]
    named = plant.rows("select * from drip.simulate(p_user => 'default')")
    assert [row["message_id"] for row in named] == [row["message_id"] for row in rows]


@pytest.mark.parametrize(
    "arguments",
    [
        "p_until => '2020-01-01'",
        "p_until => 'infinity'",
        "p_until => '2999-01-01'",
        "p_outcome => 'sent'",
        "p_outcome => null",
    ],
)
def test_rubbish(clock: Clock, plant: Plant, arguments: str) -> None:
    assert refusal(plant.conn, f"select * from drip.simulate({arguments})")[0] == "DR001"


def test_an_unknown_user(clock: Clock, plant: Plant) -> None:
    assert refusal(plant.conn, "select * from drip.simulate('nobody')")[0] == "DR012"


def test_nobody_moves_the_clock_afterwards(clock: Clock, plant: Plant) -> None:
    """The token of the play ends with it, also when the play is all that a session does."""
    plant.conn.execute("delete from drip.private_settings where name = 'test_database'")
    plant.conn.execute("reset drip.fake_now")
    plant.device()
    rows = plant.rows("select * from drip.simulate()")
    assert [row["kind"] for row in rows] == ["end"]
    row = plant.row("select drip.now() = now() as is_real, (select count(*) from drip.leads) as n")
    assert row["is_real"] is True
    assert rows[0]["at"] > plant.now()
