"""explain_lead(): what a person is in, is not in and why, and what is to come."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from factory import Clock, Connect, Plant, Row
from psycopg.types.json import Jsonb

PHONE = "+60123456789"


def explain(plant: Plant, sequence: str | None = None, phone: str = PHONE) -> list[Row]:
    rows = plant.rows("select * from drip.explain_lead(%s, %s)", phone, sequence)
    assert [row for row in rows if not row["sentence"] or row["sentence"] == row["reason"]] == []
    return rows


def about(plant: Plant, name: str, **arguments: str) -> Row:
    """The row with that name."""
    rows = [row for row in explain(plant, **arguments) if row["name"] == name]
    assert len(rows) == 1, rows
    return rows[0]


def warm(plant: Plant, name: str = "WARM", **more: object) -> int:
    return plant.sequence(name=name, **({"trigger": "warm_start", "auto_enroll": "trigger"} | more))


def run(plant: Plant, remedy: str) -> None:
    plant.conn.execute(remedy.encode())
    plant.tick()


@pytest.fixture(autouse=True)
def region(plant: Plant, clock: Clock) -> None:
    plant.tenant(default_region="MY", time_zone="Asia/Kuala_Lumpur")
    plant.device()


def test_a_phone_that_is_no_lead(plant: Plant) -> None:
    warm(plant)
    contact, sequence = explain(plant, phone="012-345 6789")
    assert (contact["status"], contact["reason"], contact["id"]) == ("unknown", "no_lead", None)
    assert (sequence["subject"], sequence["reason"]) == ("sequence", "no_lead")
    run(plant, contact["remedy"])
    assert about(plant, "WARM")["reason"] == "trigger_differs"
    run(plant, sequence["remedy"])
    assert about(plant, "WARM")["status"] != "active"


def test_a_lead_never_enrolled_and_what_it_lacks(plant: Plant) -> None:
    lead = plant.lead(PHONE, trigger="warmup", niche="food")
    warm(plant)
    warm(plant, "NICHE", niche="fitness", trigger="warmup")
    warm(plant, "CUSTOMERS", target_status="customer", trigger="warmup")
    warm(plant, "MANUAL", auto_enroll="manual")
    warm(plant, "DRAFT", trigger="warmup", start=False)
    warm(plant, "OTHER DRAFT", start=False)
    rows = explain(plant)
    assert [(row["subject"], row["name"], row["reason"]) for row in rows] == [
        ("contact", None, None),
        ("sequence", "WARM", "trigger_differs"),
        ("sequence", "NICHE", "niche_differs"),
        ("sequence", "CUSTOMERS", "target_status_differs"),
        ("sequence", "MANUAL", "enrolls_by_hand"),
        ("sequence", "DRAFT", "sequence_not_started"),
    ]
    assert rows[0]["id"] == lead
    assert "'warmup'" in rows[1]["sentence"]
    assert "'warm_start'" in rows[1]["sentence"]
    assert "'food'" in rows[2]["sentence"]
    assert "'fitness'" in rows[2]["sentence"]
    assert "prospect" in rows[3]["sentence"]
    for row in rows[1:]:
        run(plant, row["remedy"])
    assert {row["verdict"] for row in explain(plant) if row["subject"] == "sequence"} == {"go"}


def test_one_that_waits_for_the_sweep(plant: Plant) -> None:
    warm(plant)
    plant.lead(PHONE, trigger="warm_start")
    row = about(plant, "WARM")
    assert (row["verdict"], row["reason"]) == ("go", "waits_for_sweep")
    plant.tick()
    row = about(plant, "WARM")
    assert (row["status"], row["verdict"], row["reason"]) == ("pending", "go", None)


def test_one_that_is_in_hears_of_its_next_step(clock: Clock, plant: Plant) -> None:
    sequence = warm(plant, steps=[{"content": "a"}, {"content": "b", "trigger_delay_hours": 5}])
    plant.enroll(sequence, plant.lead(PHONE))
    plant.answer(plant.claim()[0])
    clock.advance(hours=1)
    row = about(plant, "WARM")
    assert row["sentence"] == "Step 2 is next: It is not due yet."
    assert (row["reason"], row["earliest"]) == ("not_due", clock.now + timedelta(hours=4))
    plant.row("select * from drip.pause_sequence(%s)", str(sequence))
    row = about(plant, "WARM")
    assert (row["reason"], row["earliest"]) == ("sequence_paused", None)
    run(plant, row["remedy"])
    assert about(plant, "WARM")["reason"] == "not_due"


def test_one_that_has_been_through(clock: Clock, plant: Plant) -> None:
    once, again = warm(plant), warm(plant, "AGAIN", reenroll_after="2 days", trigger="again")
    lead = plant.lead(PHONE)
    plant.enroll(once, lead)
    plant.enroll(again, lead)
    plant.live(clock, clock.now + timedelta(hours=1))
    plant.update("leads", lead, trigger="warm_start,again")
    row = about(plant, "WARM")
    assert (row["status"], row["verdict"], row["reason"]) == ("active", "drop", "already_enrolled")
    assert "2026-03-02 09:00:00" in row["sentence"]
    later = about(plant, "AGAIN")
    assert (later["verdict"], later["reason"]) == ("wait", "reenroll_later")
    assert later["earliest"] == clock.now + timedelta(days=2) - timedelta(hours=1)
    clock.set(later["earliest"] - timedelta(seconds=1))
    assert about(plant, "AGAIN")["verdict"] == "wait"
    clock.set(later["earliest"])
    assert about(plant, "AGAIN")["reason"] == "waits_for_sweep"


def test_behind_a_group_a_pause_and_an_opt_out(clock: Clock, plant: Plant) -> None:
    first = warm(plant, "FIRST", exclusive_group="funnel", trigger="first")
    warm(plant, "SECOND", exclusive_group="funnel", trigger="second")
    paused = warm(plant, "PAUSED", trigger="third")
    plant.row("select * from drip.pause_sequence(%s)", str(paused))
    lead = plant.lead(PHONE, trigger="second,third")
    plant.enroll(first, lead)
    row = about(plant, "SECOND")
    assert (row["verdict"], row["reason"]) == ("wait", "exclusive")
    assert "'FIRST'" in row["sentence"]
    assert about(plant, "PAUSED")["reason"] == "sequence_paused"
    run(plant, row["remedy"])
    clock.advance(minutes=5)
    plant.tick()
    assert about(plant, "SECOND")["status"] == "pending"

    plant.row("select * from drip.opt_out(%s)", PHONE)
    contact = explain(plant)[0]
    assert (contact["status"], contact["verdict"]) == ("opted out of all", "drop")
    plant.update("leads", lead, trigger="first")
    assert about(plant, "FIRST")["reason"] == "suppressed"
    run(plant, contact["remedy"])
    assert explain(plant)[0]["reason"] is None


def test_a_paused_contact(clock: Clock, plant: Plant) -> None:
    plant.lead(PHONE)
    until = clock.now + timedelta(days=1)
    plant.row("select * from drip.pause_lead(%s, %s)", PHONE, until)
    contact = explain(plant)[0]
    assert (contact["status"], contact["verdict"], contact["reason"], contact["earliest"]) == (
        "paused",
        "wait",
        "lead_paused",
        until,
    )
    run(plant, contact["remedy"])
    assert explain(plant)[0]["verdict"] == "go"


def test_a_newer_lead_alone_enters_by_niche(clock: Clock, plant: Plant) -> None:
    plant.lead(PHONE, niche="fitness")
    clock.advance(hours=1)
    plant.sequence(name="NICHE", auto_enroll="niche", niche="fitness")
    row = about(plant, "NICHE")
    assert row["reason"] == "older_than_start"
    assert "2026-03-02 10:00:00" in row["sentence"]
    run(plant, row["remedy"])
    plant.tick()
    assert about(plant, "NICHE")["status"] == "pending"


def test_the_sequence_that_is_asked_about_alone(plant: Plant) -> None:
    warm(plant)
    warm(plant, "DRAFT", start=False)
    plant.lead(PHONE)
    rows = explain(plant, sequence="DRAFT")
    assert [row["name"] for row in rows] == [None, "DRAFT"]
    assert rows[1]["reason"] == "sequence_not_started"


def campaign(plant: Plant, title: str, **more: object) -> str:
    definition = {"title": title, "message": "Hi", "everyone": True} | more
    plant.row("select * from drip.create_campaign(%s)", Jsonb(definition))
    return title


def test_what_is_to_come_by_messages_and_campaigns(clock: Clock, plant: Plant) -> None:
    lead = plant.lead(PHONE, niche="fitness", time_zone="Asia/Tokyo")
    device = plant.value("select id from drip.user_devices")
    single = plant.message(device, lead, scheduled_at=clock.now + timedelta(hours=2))
    plant.row("select * from drip.schedule_campaign(%s)", campaign(plant, "Planned"))
    plant.tick()
    campaign(plant, "Draft")
    for title, more in {
        "Local": {"local_time_per_lead": True},
        "Food": {"everyone": False, "niche": "food"},
        "Paused": {},
    }.items():
        campaign(plant, title, **more)
        plant.row("select * from drip.schedule_campaign(%s, p_local => '2026-03-05 10:00')", title)
    plant.row("select * from drip.pause_campaign('Paused')")
    rows = explain(plant)
    found = {
        row["name"]: (row["subject"], row["verdict"], row["reason"], row["earliest"])
        for row in rows[1:]
    }
    assert found == {
        "campaign Planned": ("message", "go", None, clock.now),
        "single message": ("message", "wait", "not_due", clock.now + timedelta(hours=2)),
        "Draft": ("campaign", "wait", "campaign_not_scheduled", None),
        # ten in Tokyo is nine here
        "Local": ("campaign", "wait", "in_audience", clock.read("2026-03-05 09:00+08")),
        "Food": ("campaign", "drop", "not_in_audience", None),
        "Paused": ("campaign", "wait", "campaign_paused", None),
    }
    assert [row["id"] for row in rows if row["name"] == "single message"] == [single]
    run(plant, about(plant, "Paused")["remedy"])
    assert about(plant, "Paused")["reason"] == "in_audience"
    plant.suppress(PHONE, "marketing")
    assert about(plant, "Local")["reason"] == "suppressed"


def test_an_audience_that_is_gone_does_not_stop_the_answer(clock: Clock, plant: Plant) -> None:
    plant.lead(PHONE)
    campaign(plant, "Gone")
    plant.conn.execute("alter table drip.campaigns disable trigger user")
    plant.conn.execute(
        "insert into drip.audiences (name, key_column, created_at)"
        " values ('gone', 'phone', drip.now())"
    )
    plant.conn.execute("update drip.campaigns set audience = 'gone', everyone = false")
    row = about(plant, "Gone")
    assert (row["verdict"], row["reason"]) == ("wait", "audience_unreadable")


def test_it_agrees_with_enrolling_by_hand(clock: Clock, plant: Plant) -> None:
    """Refusals of enroll_lead are those that are told before."""
    first = warm(plant, "FIRST", exclusive_group="g", trigger="a")
    second = warm(plant, "SECOND", exclusive_group="g", trigger="b")
    third = warm(plant, "THIRD", trigger="c", category="marketing")
    lead = plant.lead(PHONE, trigger="a,b,c")
    plant.suppress(PHONE, "marketing")
    plant.update("sequences", first, category="utility")
    plant.update("sequences", second, category="utility")
    plant.enroll(first, lead)
    for sequence, name in ((second, "SECOND"), (third, "THIRD")):
        told = about(plant, name)["reason"]
        assert told == plant.value(
            "select outcome from drip.enroll_lead(%s, %s)", str(sequence), PHONE
        )


@pytest.mark.parametrize("phone", [None, "", "12", "abc"])
def test_what_is_no_phone(plant: Plant, phone: str | None) -> None:
    with pytest.raises(psycopg.Error) as caught:
        plant.rows("select * from drip.explain_lead(%s)", phone)
    assert caught.value.sqlstate == "DR002"


def test_what_is_no_sequence(plant: Plant) -> None:
    with pytest.raises(psycopg.Error) as caught:
        explain(plant, sequence="nowhere")
    assert caught.value.sqlstate == "DR012"


def test_tenants_see_their_own_and_operators_all(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    other = plant.other_tenant()
    plant.update("users", other, default_region="MY")
    mine, theirs = plant.lead(PHONE), plant.lead(PHONE, user=other, paused_until="infinity")
    rows = explain(plant)
    assert [(row["user_id"], row["id"]) for row in rows] == [(plant.user, mine), (other, theirs)]
    # several tenants: the remedy says whose
    run(plant, rows[1]["remedy"])
    assert explain(plant)[1]["verdict"] == "go"
    plant.assign("drip_app")
    session = clock.join(connect(role="drip_app"))
    seen = session.execute("select * from drip.explain_lead(%s)", [PHONE]).fetchall()
    assert [row["id"] for row in seen] == [mine]


def test_it_writes_nothing(plant: Plant, connect: Connect) -> None:
    warm(plant)
    plant.enroll(plant.sequence(name="IN"), plant.lead(PHONE))
    session = connect()
    session.execute("set default_transaction_read_only = on")
    assert len(session.execute("select * from drip.explain_lead(%s)", [PHONE]).fetchall()) == 3
