"""What Meta announces of templates, numbers and accounts counts before a send fails for it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from factory import Clock, Plant
from followed import Followed
from inbound import PHONE, Row, Webhook, dead_letters, process, status
from psycopg.types.json import Jsonb

pytestmark = pytest.mark.rolled_back

WABA = "102290129340398"
PROMO = {"name": "promo", "language": {"code": "ms"}}


class Meta:
    """An account with two numbers; its webhooks come to the account's address."""

    def __init__(self, plant: Plant, clock: Clock) -> None:
        self.plant, self.clock = plant, clock
        self.account = int(
            plant.value("select account_id from drip.upsert_account('Portfolio', 'cloud_api')")
        )
        self.device = plant.device("one", platform="cloud_api", account_id=self.account)
        plant.update("user_devices", self.device, phone="+60300000000")

    def notice(self, field: str, waba: str = WABA, at: Any = None, **value: Any) -> Webhook:
        time = int(self.clock.now.timestamp()) if at is None else at
        change = {"field": field, "value": value}
        entry = {"id": waba, "time": time, "changes": [change]}
        return self.account, json.dumps({"object": "x", "entry": [entry]})

    def template(self, event: str, name: str = "promo", language: str = "ms", **more: Any) -> Row:
        fields = {"message_template_name": name, "message_template_language": language}
        at = more.pop("at", None)
        return self.say(
            self.notice("message_template_status_update", at=at, event=event, **(fields | more))
        )

    def update(self, event: str, **value: Any) -> Row:
        return self.say(self.notice("account_update", event=event, **value))

    def say(self, *webhooks: Webhook) -> Row:
        row = process(self.plant, *webhooks, kind="account")
        assert (row["dead"], dead_letters(self.plant)) == (0, [])
        return row

    def message(self, phone: str | None = None) -> int:
        """A message that is due, to a contact who has just written."""
        lead = self.plant.lead(phone, last_inbound_at=self.clock.now)
        return self.plant.message(self.device, lead)

    def account_row(self) -> Row:
        return self.plant.row("select * from drip.account_overview")

    def campaign(self, template: Row = PROMO, **columns: Any) -> int:
        return self.plant.campaign(
            message=None, message_type="template", template=Jsonb(template), **columns
        )

    def sequence(self, template: Row = PROMO) -> int:
        step = {"content": None, "message_type": "template", "template": template}
        return self.plant.sequence(step)

    def state(self, campaign: int) -> tuple[str, str | None]:
        row = self.plant.row("select * from drip.campaigns where id = %s", campaign)
        return row["status"], row["status_reason"]


@pytest.fixture
def meta(clock: Clock, plant: Plant) -> Meta:
    return Meta(plant, clock)


@pytest.fixture
def events(plant: Plant) -> Followed:
    return Followed(plant.conn)


# -- templates


@pytest.mark.parametrize("event", ["PAUSED", "DISABLED", "REJECTED", "DELETED"])
def test_programs_of_a_template_that_cannot_be_sent_are_paused(
    plant: Plant, meta: Meta, event: str
) -> None:
    campaign, sequence = meta.campaign(), meta.sequence()
    meta.template(event, reason="LOW_QUALITY")
    reason = f"Meta: the template promo (ms) is {event}: LOW_QUALITY"
    assert meta.state(campaign) == ("paused", reason)
    row = plant.row("select status, status_reason from drip.sequences where id = %s", sequence)
    assert (row["status"], row["status_reason"]) == ("paused", reason)
    notice = plant.row("select * from drip.provider_notices")
    assert (notice["kind"], notice["event"], notice["words"]) == ("template_status", event, reason)
    assert notice["account_name"] == "Portfolio"
    assert (notice["paused_campaigns"], notice["paused_sequences"]) == ([campaign], [sequence])


@pytest.mark.parametrize(
    "given",
    [
        {"name": "promo", "language": "ms"},
        {"name": "promo", "language": {"code": "MS"}},
    ],
)
def test_a_language_may_be_written_either_way(meta: Meta, given: Row) -> None:
    campaign = meta.campaign(given)
    meta.template("PAUSED")
    assert meta.state(campaign)[0] == "paused"


@pytest.mark.parametrize(
    "given",
    [{"name": "promo", "language": "en"}, {"name": "promo2", "language": "ms"}],
)
def test_another_name_or_language_goes_on(meta: Meta, given: Row) -> None:
    campaign = meta.campaign(given)
    meta.template("PAUSED")
    assert meta.state(campaign) == ("triggered", None)


def test_a_variant_with_the_template_counts(plant: Plant, meta: Meta) -> None:
    variants = [{"name": "a", "weight": 1}, {"name": "b", "weight": 1, "template": PROMO}]
    campaign = meta.campaign({"name": "other", "language": "ms"}, variants=Jsonb(variants))
    meta.template("PAUSED")
    assert meta.state(campaign)[0] == "paused"


def test_a_program_on_devices_of_another_account_goes_on(plant: Plant, meta: Meta) -> None:
    other = plant.device("other", platform="cloud_api")
    elsewhere, here = meta.campaign(devices=[other]), meta.campaign(devices=[meta.device])
    meta.template("PAUSED")
    assert (meta.state(elsewhere)[0], meta.state(here)[0]) == ("triggered", "paused")


def test_another_tenants_programs_go_on(plant: Plant, meta: Meta) -> None:
    campaign = meta.campaign(user=plant.other_tenant())
    meta.template("PAUSED")
    assert meta.state(campaign) == ("triggered", None)


def test_an_approved_template_resumes_nothing_and_shows(
    clock: Clock, plant: Plant, meta: Meta
) -> None:
    campaign, by_hand = meta.campaign(), meta.campaign()
    plant.conn.execute("select drip.pause_campaign(%s, 'holidays')", [str(by_hand)])
    meta.template("PAUSED")
    clock.advance(hours=3)
    meta.template("APPROVED")
    reason = "Meta: the template promo (ms) is APPROVED again; it was not resumed"
    assert meta.state(campaign) == ("paused", reason)
    assert meta.state(by_hand) == ("paused", "holidays")
    notice = plant.row("select * from drip.provider_notices where event = 'APPROVED'")
    assert notice["paused_campaigns"] == [campaign]
    # once it is resumed, the same notice may pause it again
    plant.conn.execute("select drip.resume_campaign(%s)", [str(campaign)])
    clock.advance(hours=1)
    meta.template("PAUSED")
    assert meta.state(campaign)[0] == "paused"


def test_a_notice_counts_once(plant: Plant, meta: Meta) -> None:
    campaign = meta.campaign()
    again = meta.notice(
        "message_template_status_update",
        event="PAUSED",
        message_template_name="promo",
        message_template_language="ms",
    )
    meta.say(again, again)
    plant.conn.execute("select drip.resume_campaign(%s)", [str(campaign)])
    meta.say(again)
    assert meta.state(campaign)[0] == "pending"
    assert plant.value("select count(*) from drip.provider_notices") == 1


def test_an_older_notice_changes_nothing(clock: Clock, plant: Plant, meta: Meta) -> None:
    campaign = meta.campaign()
    before = int(clock.now.timestamp()) - 3600
    meta.template("APPROVED")
    meta.template("PAUSED", at=before)
    assert meta.state(campaign) == ("triggered", None)
    assert plant.value("select count(*) from drip.provider_notices") == 2


def test_a_paused_template_is_an_event(plant: Plant, meta: Meta, events: Followed) -> None:
    campaign = meta.campaign()
    meta.template("PAUSED")
    meta.say(
        meta.notice(
            "message_template_quality_update",
            message_template_name="promo",
            message_template_language="ms",
            previous_quality_score="GREEN",
            new_quality_score="RED",
        )
    )
    told = {event.type: event.data for event in events.take()}
    assert "campaign.paused" in told
    data = told["template.status_changed"]
    assert (data["template_name"], data["language"], data["status"]) == ("promo", "ms", "PAUSED")
    assert (data["campaigns"], data["sequences"]) == ([campaign], [])
    assert told["template.quality_changed"]["status"] == "RED"


# -- accounts


def due(plant: Plant, meta: Meta) -> list[Row]:
    plant.wake()
    return plant.claim()


@pytest.mark.parametrize(
    ("event", "value"),
    [
        ("DISABLED_UPDATE", {"ban_info": {"waba_ban_state": "DISABLE", "waba_ban_date": "x"}}),
        ("ACCOUNT_VIOLATION", {"violation_info": {"violation_type": "SPAM"}}),
        ("ACCOUNT_DELETED", {}),
        ("ACCOUNT_OFFBOARDED", {}),
        ("ACCOUNT_RESTRICTION", {}),
    ],
)
def test_an_account_that_cannot_send_stops(
    plant: Plant, meta: Meta, events: Followed, event: str, value: Row
) -> None:
    meta.message()
    meta.update(event, **value)
    row = meta.account_row()
    assert row["status"] == "needs_attention"
    assert row["status_reason"].startswith(f"Meta: {event}")
    assert due(plant, meta) == []
    told = {event.type: event.data for event in events.take()}
    assert told["account.needs_attention"]["status_reason"] == row["status_reason"]
    assert told["account.notice"]["notice"] == event
    plant.conn.execute("select drip.set_account_status('Portfolio', 'online')")
    assert len(due(plant, meta)) == 1


def test_a_restriction_blocks_until_it_ends(clock: Clock, plant: Plant, meta: Meta) -> None:
    meta.message()
    ends = clock.now + timedelta(hours=2)
    kind = {"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING"}
    meta.update(
        "ACCOUNT_RESTRICTION",
        restriction_info=[
            kind | {"expiration": int(ends.timestamp())},
            kind | {"expiration": str(int(clock.now.timestamp()) + 60)},
        ],
    )
    row = meta.account_row()
    assert (row["status"], row["blocked_until"]) == ("online", ends.replace(microsecond=0))
    assert due(plant, meta) == []
    clock.set(ends + timedelta(seconds=1))
    assert len(due(plant, meta)) == 1


@pytest.mark.parametrize(
    ("event", "value"),
    [
        ("VERIFIED_ACCOUNT", {}),
        ("DISABLED_UPDATE", {"ban_info": {"waba_ban_state": "REINSTATE"}}),
        ("DISABLED_UPDATE", {"ban_info": {"waba_ban_state": "SCHEDULE_FOR_DISABLE"}}),
        (
            "ACCOUNT_RESTRICTION",
            {"restriction_info": [{"restriction_type": "RESTRICTED_ADD_PHONE_NUMBER_ACTION"}]},
        ),
        (
            "ACCOUNT_RESTRICTION",
            {"restriction_info": [{"restriction_type": "X", "expiration": 1600000000}]},
        ),
    ],
)
def test_what_hinders_no_message_is_only_told(
    plant: Plant, meta: Meta, events: Followed, event: str, value: Row
) -> None:
    meta.message()
    meta.update(event, **value)
    assert meta.account_row()["status"] == "online"
    assert events.one("account.notice")["notice"] == event
    assert len(due(plant, meta)) == 1


def test_the_account_is_found_by_its_waba(plant: Plant, meta: Meta) -> None:
    for name, waba in (("Portfolio", "1"), ("Second", WABA), ("Third", "3")):
        settings = {"waba_ids": [waba], "webhook_secret_name": "app"}
        plant.conn.execute(
            "select drip.upsert_account(%s, 'cloud_api', %s)", [name, Jsonb(settings)]
        )
    meta.update("ACCOUNT_DELETED")
    rows = plant.rows("select account_name, status from drip.account_overview order by account_id")
    assert [row["status"] for row in rows] == ["online", "needs_attention", "online"]


def test_an_address_stops_no_account_of_another_secret(plant: Plant, meta: Meta) -> None:
    settings = {"waba_ids": [WABA], "webhook_secret_name": "another"}
    plant.conn.execute("select drip.upsert_account('Second', 'cloud_api', %s)", [Jsonb(settings)])
    plant.conn.execute(
        "select drip.upsert_account('Portfolio', p_settings => %s)", [Jsonb({"waba_ids": ["1"]})]
    )
    meta.update("ACCOUNT_DELETED")
    rows = plant.rows("select status from drip.account_overview")
    assert [row["status"] for row in rows] == ["online", "online"]


def test_a_device_without_an_account_is_stopped_itself(plant: Plant, meta: Meta) -> None:
    device = plant.device("alone", platform="cloud_api")
    _, body = meta.notice("account_update", event="ACCOUNT_DELETED")
    assert process(plant, (device, body))["dead"] == 0
    row = plant.row("select * from drip.user_devices where id = %s", device)
    assert (row["status"], row["status_reason"]) == ("needs_attention", "Meta: ACCOUNT_DELETED")
    # a check of the number says nothing about this
    plant.row("select * from drip.report_device(%s, 'online')", str(device))
    status = plant.value("select status from drip.user_devices where id = %s", device)
    assert status == "needs_attention"


# -- numbers and limits


def test_a_limit_is_proposed_and_not_applied(plant: Plant, meta: Meta, events: Followed) -> None:
    plant.conn.execute(
        "select drip.upsert_account('Portfolio', p_settings => '{\"reach_cap\": 1000}')"
    )
    meta.say(meta.notice("business_capability_update", max_daily_conversation_per_phone=2000))
    row = meta.account_row()
    assert (row["reach_cap"], row["proposed_reach_cap"]) == (1000, 2000)
    data = events.one("account.notice")
    assert (data["kind"], data["reach_cap"], data["proposed_reach_cap"]) == ("reach", 1000, 2000)
    plant.conn.execute(
        "select drip.upsert_account('Portfolio', p_settings => '{\"reach_cap\": 2000}')"
    )
    assert meta.account_row()["proposed_reach_cap"] is None


@pytest.mark.parametrize(
    ("limit", "cap"),
    [("TIER_250", 250), ("TIER_10K", 10_000), ("TIER_UNLIMITED", None), ("TIER_NOT_SET", None)],
)
def test_the_words_of_a_limit(plant: Plant, meta: Meta, limit: str, cap: int | None) -> None:
    meta.say(meta.notice("business_capability_update", max_daily_conversations_per_business=limit))
    row = meta.account_row()
    assert (row["messaging_limit"], row["proposed_reach_cap"]) == (limit, cap)


def test_a_numbers_quality_is_shown_and_told(plant: Plant, meta: Meta, events: Followed) -> None:
    meta.say(
        meta.notice(
            "phone_number_quality_update",
            display_phone_number="60 300000000",
            event="FLAGGED",
            current_limit="TIER_1K",
        )
    )
    row = plant.row("select * from drip.device_overview where device_name = 'one'")
    assert (row["quality_rating"], row["messaging_limit"]) == ("RED", "TIER_1K")
    assert row["quality_since"] == meta.clock.now
    assert meta.account_row()["worst_quality_rating"] == "RED"
    data = events.one("device.quality_changed")
    assert (data["device_name"], data["quality_rating"]) == ("one", "RED")


def test_an_alert_is_kept_and_told(plant: Plant, meta: Meta, events: Followed) -> None:
    alert = {"alert_severity": "CRITICAL", "alert_type": "OBA_REJECTED", "alert_description": "no"}
    meta.say(meta.notice("account_alerts", entity_type="WABA", alert_info=alert))
    notice = plant.row("select * from drip.provider_notices")
    assert (notice["event"], notice["words"]) == (
        "OBA_REJECTED",
        "Meta: OBA_REJECTED: CRITICAL: no",
    )
    assert events.one("account.notice")["kind"] == "alert"


# -- whatever comes


@pytest.mark.parametrize(
    "field",
    [
        "message_template_status_update",
        "message_template_quality_update",
        "phone_number_quality_update",
        "business_capability_update",
        "account_update",
        "account_alerts",
    ],
)
@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        "text",
        [],
        {},
        {"event": None},
        {"event": 7, "message_template_name": {"a": 1}},
        {"event": "PAUSED"},
        {"event": "PAUSED", "message_template_name": "x" * 5000},
        {"event": "ACCOUNT_RESTRICTION", "restriction_info": "x"},
        {"event": "ACCOUNT_RESTRICTION", "restriction_info": [1, None, {"expiration": "soon"}]},
        {"event": "ACCOUNT_RESTRICTION", "restriction_info": [{"expiration": "9" * 30}]},
        {"event": "DISABLED_UPDATE", "ban_info": []},
        {"event": "FLAGGED", "display_phone_number": [], "current_limit": "TIER_9999999999999K"},
        {"max_daily_conversations_per_business": 1e30},
        {"alert_info": "x"},
    ],
    ids=lambda value: json.dumps(value)[:40],
)
@pytest.mark.exhaustive
def test_odd_notices_are_no_dead_letters(plant: Plant, meta: Meta, field: str, value: Any) -> None:
    entry = {"id": WABA, "time": "never", "changes": [{"field": field, "value": value}]}
    body = json.dumps({"entry": [entry, 7, {"changes": 3}]})
    meta.say((meta.account, body))
    assert process(plant, (meta.device, body))["dead"] == 0


def test_receipts_beside_a_notice_count(plant: Plant, meta: Meta) -> None:
    plant.update("user_devices", meta.device, instance="106540352242922")
    meta.message(PHONE)
    plant.wake()
    plant.answer(plant.claim()[0], "accepted", provider_message_id="wamid.1")
    _, receipt = status(meta.device, "wamid.1", "delivered")
    _, notice = meta.notice("account_update", event="ACCOUNT_DELETED")
    both = {"entry": json.loads(receipt)["entry"] + json.loads(notice)["entry"]}
    assert meta.say((meta.account, json.dumps(both)))["applied"] == 1
    assert meta.account_row()["status"] == "needs_attention"


def test_of_a_flood_as_many_count_as_facts_of_a_webhook(plant: Plant, meta: Meta) -> None:
    value = {"event": "PAUSED", "message_template_language": "ms"}
    changes = [
        {
            "field": "message_template_status_update",
            "value": value | {"message_template_name": f"t{number % 9}", "reason": str(number)},
        }
        for number in range(6000)
    ]
    body = json.dumps({"entry": [{"id": WABA, "changes": changes}]})
    assert process(plant, (meta.account, body), kind="account")["dead"] == 1
    assert plant.value("select count(*) from drip.provider_notices") == 5000
