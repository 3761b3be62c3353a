"""Every type of event: once for its change, in its transaction, with the documented body."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from factory import Clock, Connect, Plant
from followed import Followed
from inbound import meta, process
from psycopg.types.json import Jsonb

from pgdrip.events import EVENT_TYPES, example

PHONE = "+60123456789"
# what providers tell, which is no status of ours
TOLD = {"account.notice", "device.quality_changed"}

pytestmark = pytest.mark.usefixtures("clock")


def plain_lead(plant: Plant) -> int:
    return plant.lead(PHONE, name="Aminah", external_id="C-1")


def a_message(type_: str) -> Callable[[Plant], Any]:
    """Messages tell nothing by themselves: whoever changes them does."""

    def change(plant: Plant) -> None:
        message = plant.message(plant.device("main"), plain_lead(plant))
        plant.conn.execute("select drip._emit_messages(%s, %s)", [type_, [message, message]])

    return change


def reply(plant: Plant) -> None:
    inbound = plant.insert(
        "inbound_messages",
        user_id=plant.user,
        device_id=plant.device("main"),
        lead_id=plain_lead(plant),
        sender=PHONE,
        body="Yes",
        received_at=plant.now(),
    )
    plant.conn.execute("select drip._emit_replies(%s)", [[inbound]])


def opt_in(plant: Plant) -> None:
    plant.suppress(PHONE)
    plant.row("select * from drip.opt_in(%s)", PHONE)


def last_step(plant: Plant, outcome: str, **definition: Any) -> None:
    plant.device("main")
    plant.enroll(plant.sequence({}, name="S", **definition), plain_lead(plant))
    [claimed] = plant.claim()
    plant.answer(claimed, outcome)


def exit_lead(plant: Plant) -> None:
    plant.device("main")
    sequence = plant.sequence({}, name="S")
    plant.enroll(sequence, plain_lead(plant))
    plant.row("select * from drip.exit_lead('S', %s, 'bought')", PHONE)


def reopen(plant: Plant) -> None:
    exit_lead(plant)
    plant.conn.execute(
        "update drip.sequence_contacts set status = 'active', exit_reason = null,"
        " completed_at = null"
    )


def campaign(status: str) -> Callable[[Plant], Any]:
    """In psql as by a verb."""
    return lambda plant: plant.update("campaigns", plant.campaign(title="C"), status=status)


def device(status: str, before: str = "online") -> Callable[[Plant], Any]:
    def change(plant: Plant) -> None:
        plant.row(
            "select * from drip.set_device_status(%s, %s, 'a reason')",
            str(plant.device("main", status=before)),
            status,
        )

    return change


def account(status: str, before: str) -> Callable[[Plant], Any]:
    def change(plant: Plant) -> None:
        plant.update(
            "sender_accounts",
            plant.insert(
                "sender_accounts",
                user_id=plant.user,
                name="Portfolio",
                platform="cloud_api",
                status=before,
                created_at=plant.now(),
            ),
            status=status,
        )

    return change


def notice(field: str, **value: Any) -> Callable[[Plant], Any]:
    """Meta announces something at the address of an account."""

    def change(plant: Plant) -> None:
        account = plant.value("select account_id from drip.upsert_account('P', 'cloud_api')")
        process(plant, meta(account, {"field": field, "value": value}), kind="account")

    return change


def rating(plant: Plant) -> None:
    report = "select * from drip.report_device(%s, 'online', null, 'RED')"
    plant.row(report, str(plant.device("main")))


CHANGES: dict[str, Callable[[Plant], Any]] = {
    "message.sent": a_message("message.sent"),
    "message.failed": a_message("message.failed"),
    "message.unknown": a_message("message.unknown"),
    "message.delivered": a_message("message.delivered"),
    "message.read": a_message("message.read"),
    "lead.replied": reply,
    "lead.opted_out": lambda plant: plant.row("select * from drip.opt_out(%s, 'asked')", PHONE),
    "lead.opted_in": opt_in,
    "lead.enrolled": lambda plant: plant.enroll(plant.sequence({}, name="S"), plain_lead(plant)),
    "sequence.completed": lambda plant: last_step(plant, "accepted"),
    "sequence.failed": lambda plant: last_step(plant, "permanent", on_step_failure="stop"),
    "sequence.exited": exit_lead,
    "sequence.reopened": reopen,
    "sequence.paused": lambda plant: plant.row(
        "select * from drip.pause_sequence(%s)", str(plant.sequence({}, name="S"))
    ),
    "campaign.completed": campaign("completed"),
    "campaign.failed": campaign("failed"),
    "campaign.paused": campaign("paused"),
    "campaign.cancelled": campaign("cancelled"),
    "device.online": device("online", before="offline"),
    "device.offline": device("offline"),
    "device.needs_attention": device("needs_attention"),
    "device.disabled": device("disabled"),
    "account.online": account("online", before="needs_attention"),
    "account.needs_attention": account("needs_attention", before="online"),
    "account.notice": notice("account_alerts", alert_info={"alert_type": "X"}),
    "device.quality_changed": rating,
    "template.status_changed": notice(
        "message_template_status_update", event="PAUSED", message_template_name="promo"
    ),
    "template.quality_changed": notice(
        "message_template_quality_update", new_quality_score="RED", message_template_name="promo"
    ),
}


def test_python_and_the_database_know_the_same_types(plant: Plant) -> None:
    types = plant.rows("select * from drip._event_types()")
    known = [{"type": event.name, "version": event.version} for event in EVENT_TYPES.values()]
    assert sorted(types, key=str) == sorted(known, key=str)
    assert CHANGES.keys() == EVENT_TYPES.keys()


@pytest.mark.parametrize("type_", CHANGES)
def test_it_is_told_once_for_its_change(plant: Plant, clock: Clock, type_: str) -> None:
    followed = Followed(plant.conn)
    CHANGES[type_](plant)
    [event] = [event for event in followed.take() if event.type == type_]
    assert event.user_id == plant.user
    assert event.occurred_at == clock.now
    status = type_.partition(".")[2]
    if type_.startswith(("campaign", "device", "account")) and type_ not in TOLD:
        assert event.data["status"] == status
    if "phone" in event.data and not type_.startswith("device."):
        assert event.data["phone"] == PHONE


@pytest.mark.parametrize("type_", CHANGES)
def test_it_is_not_told_by_what_touches_the_same_row_later(plant: Plant, type_: str) -> None:
    followed = Followed(plant.conn, type_)
    CHANGES[type_](plant)
    assert followed.types() == [type_]
    for table, column in {
        "sequence_contacts": "contact_name",
        "campaigns": "last_error",
        "sequences": "description",
        "user_devices": "status_reason",
        "sender_accounts": "status_reason",
        "suppressions": "reason",
    }.items():
        plant.conn.execute(f"update drip.{table} set {column} = 'other'".encode())
    plant.conn.execute("update drip.user_devices set status = status")
    plant.conn.execute("update drip.campaigns set status = status")
    assert followed.types() == []


@pytest.mark.parametrize("type_", CHANGES)
def test_what_is_rolled_back_was_not_told(plant: Plant, type_: str) -> None:
    followed = Followed(plant.conn)
    with plant.rolled_back():
        CHANGES[type_](plant)
        assert plant.value("select waiting from drip.event_queues") > 0
    assert followed.take() == []


@pytest.mark.parametrize("type_", CHANGES)
def test_without_a_subscription_nothing_is_written(plant: Plant, type_: str) -> None:
    others = plant.other_tenant()
    with plant.acting_for(others):
        Followed(plant.conn)
    with plant.acting_for(plant.user):
        Followed(plant.conn, "message.read" if type_ != "message.read" else "message.sent")
        before = plant.row("select last_value, is_called from drip.event_ids")
        CHANGES[type_](plant)
    assert plant.value("select count(*) from drip.waiting_events") == 0
    assert plant.row("select last_value, is_called from drip.event_ids") == before


@pytest.mark.parametrize("type_", EVENT_TYPES)
def test_the_example_of_the_page_fits_its_model(type_: str) -> None:
    event = example(EVENT_TYPES[type_])
    assert set(event.data) == set(EVENT_TYPES[type_].data.model_fields)
    assert all(info.description for info in EVENT_TYPES[type_].data.model_fields.values())
    if type_.startswith(("campaign", "device", "account")) and type_ not in TOLD:
        assert event.data["status"] == type_.partition(".")[2]


def test_a_message_says_what_it_belongs_to(plant: Plant) -> None:
    followed = Followed(plant.conn, "message.*")
    main = plant.device("main")
    lead = plain_lead(plant)
    of_sequence = plant.journey(plant.enroll(plant.sequence({}, {}, name="S"), lead))[1]["id"]
    of_campaign = plant.message(main, lead, campaign_id=plant.campaign(title="C"))
    single = plant.message(main, lead, idempotency_key="A-17 shipped")
    ids = [single, of_campaign, of_sequence]
    plant.conn.execute("select drip._emit_messages('message.sent', %s)", [ids])
    found = {event.data["message_id"]: event.data for event in followed.take()}
    assert {
        message: (data["source_kind"], data["source_name"], data["step"])
        for message, data in found.items()
    } == {
        of_sequence: ("sequence", "S", 2),
        of_campaign: ("campaign", "C", None),
        single: ("single", None, None),
    }
    assert found[single]["idempotency_key"] == "A-17 shipped"
    assert {data["external_id"] for data in found.values()} == {"C-1"}
    assert {data["device_name"] for data in found.values()} == {"main"}


def test_messages_of_several_tenants_go_to_their_own(plant: Plant) -> None:
    other = plant.other_tenant()
    with plant.acting_for(other):
        theirs = Followed(plant.conn, "message.*")
    with plant.acting_for(plant.user):
        mine = Followed(plant.conn, "message.*")
        my_device = plant.device("main")
    messages = [
        plant.message(my_device),
        plant.message(plant.device("main", user=other), user=other),
    ]
    plant.conn.execute("select drip._emit_messages('message.sent', %s)", [messages])
    for user, followed, message in zip((plant.user, other), (mine, theirs), messages, strict=True):
        with plant.acting_for(user):
            assert [event.data["message_id"] for event in followed.take()] == [message]


@pytest.mark.parametrize("ids", [None, [], [-1], [None]])
def test_no_message_is_no_event(plant: Plant, ids: list[int | None] | None) -> None:
    followed = Followed(plant.conn)
    plant.conn.execute("select drip._emit_messages('message.sent', %s::bigint[])", [ids])
    plant.conn.execute("select drip._emit_replies(%s::bigint[])", [ids])
    assert followed.take() == []


def test_a_lapsed_lease_is_an_unknown_message(plant: Plant, clock: Clock) -> None:
    followed = Followed(plant.conn, "message.*")
    message = plant.message(plant.device())
    plant.claim()
    clock.advance(minutes=2)
    plant.tick()
    data = followed.one("message.unknown")
    assert (data["message_id"], data["status_reason"]) == (message, "lease_expired")


def test_leads_that_enroll_together_are_told_each(plant: Plant) -> None:
    followed = Followed(plant.conn, "lead.*")
    plant.device()
    sequence = plant.sequence({})
    phones = [f"+6012345{number:04d}" for number in range(300)]
    query = "select * from drip.enroll_leads(%s, %s)"
    plant.rows(query, str(sequence), phones)
    plant.rows(query, str(sequence), phones)
    events = followed.take()
    assert sorted(event.data["phone"] for event in events) == phones
    assert len({event.id for event in events}) == 300
    assert all(event.data["next_at"] for event in events)


def test_an_enrollment_tells_its_key(plant: Plant) -> None:
    followed = Followed(plant.conn, "lead.enrolled")
    plant.device()
    plant.sequence({}, name="S")
    row = plant.row("select * from drip.enroll_lead('S', %s, p_key => 'A-17')", PHONE)
    data = followed.one("lead.enrolled")
    assert (data["key"], data["enrollment_id"], data["sequence_name"]) == (
        "A-17",
        row["enrollment_id"],
        "S",
    )


def test_an_opt_out_ends_journeys_and_says_so(plant: Plant) -> None:
    followed = Followed(plant.conn)
    plant.device()
    plant.enroll(plant.sequence({}), plain_lead(plant))
    followed.take()
    plant.row("select * from drip.opt_out(%s)", PHONE)
    told = {event.type: event.data for event in followed.take()}
    assert told.keys() == {"lead.opted_out", "sequence.exited"}
    assert told["sequence.exited"]["exit_reason"] == "opted_out"


def test_a_repeated_opt_out_is_none(plant: Plant) -> None:
    followed = Followed(plant.conn)
    for _ in range(2):
        plant.row("select * from drip.opt_out(%s)", PHONE)
    assert followed.types() == ["lead.opted_out"]


def test_a_campaign_that_is_done_says_so_by_itself(plant: Plant) -> None:
    followed = Followed(plant.conn, "campaign.*")
    plant.device()
    plain_lead(plant)
    plant.conn.execute(
        "select drip.create_campaign(%s)",
        [Jsonb({"title": "C", "message": "Hi", "everyone": True})],
    )
    plant.row("select campaign_id from drip.schedule_campaign('C')")
    plant.tick()
    [claimed] = plant.claim()
    plant.answer(claimed)
    assert followed.types() == []
    plant.tick()
    data = followed.one("campaign.completed")
    assert (data["title"], data["audience_count"]) == ("C", 1)


def test_a_paused_campaign_tells_the_reason_it_was_given(plant: Plant) -> None:
    followed = Followed(plant.conn, "campaign.*")
    plant.campaign(title="C")
    plant.row("select outcome from drip.pause_campaign('C', 'wrong price')")
    assert followed.one("campaign.paused")["status_reason"] == "wrong price"
    plant.row("select outcome from drip.pause_campaign('C', 'wrong price')")
    assert followed.types() == []


def test_a_new_device_is_no_change_of_status(plant: Plant) -> None:
    followed = Followed(plant.conn)
    plant.device()
    assert followed.types() == []


def test_an_event_of_an_open_transaction_is_not_there_yet(plant: Plant, connect: Connect) -> None:
    followed = Followed(plant.conn)
    app = connect(autocommit=False)
    app.execute("select * from drip.opt_out(%s)", [PHONE])
    assert followed.types() == []
    app.commit()
    assert followed.types() == ["lead.opted_out"]


def test_an_erased_person_is_in_no_waiting_event(plant: Plant) -> None:
    followed = Followed(plant.conn)
    plant.device("main")
    lead = plant.lead(PHONE, name="Aminah", external_id="Aminah-1")
    plant.enroll(plant.sequence({}), lead)
    inbound = plant.insert(
        "inbound_messages",
        user_id=plant.user,
        lead_id=lead,
        sender=PHONE,
        sender_name="Aminah",
        body="Aminah here",
        received_at=plant.now(),
    )
    plant.conn.execute("select drip._emit_replies(%s)", [[inbound]])
    plant.enroll(plant.sequence({}), plant.lead("+60123456780", external_id="other"))
    plant.row("select * from drip.erase_lead(%s)", PHONE)

    events = followed.take()
    assert [event.type for event in events] == [
        "lead.enrolled",
        "lead.replied",
        "lead.enrolled",
        "sequence.exited",
    ]
    assert not any("Aminah" in str(event) or PHONE in str(event) for event in events)
    assert [event.data["lead_id"] for event in events].count(lead) == 3
    assert events[2].data["phone"] == "+60123456780"
    assert events[2].data["external_id"] == "other"
