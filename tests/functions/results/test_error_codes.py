"""Each of Meta's errors, from the HTTP answer through sender and record_results to what it means.

The table of errors is drip.error_codes; here stands what each row does to message, device, account
and campaign. The server is a real one, the database too; time is set.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from factory import END_OF_TIME, Clock, Connect, Plant, Row
from gateways import meta_error, meta_server
from psycopg.types.json import Jsonb

from pgdrip.senders import Message, create_sender, open_session
from pgdrip.settings import Settings

pytestmark = [pytest.mark.exhaustive, pytest.mark.rolled_back]

TEMPLATE = {"name": "promo", "language": "ms"}
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True)
class Fate:
    """What an error does; unless said, nothing beyond the message."""

    status: str
    reason: str
    wait: timedelta | None = None  # of the message, up to a fifth longer
    failures: int = 0
    device: str = "online"
    rest: timedelta = timedelta(0)  # of the device
    account: str = "online"
    block: timedelta | None = None  # of the account
    campaign: str = "triggered"
    suppressed: str | None = None


def waits(wait: timedelta) -> Fate:
    """The message alone waits and counts a failure."""
    return Fate("pending", "will_retry", wait=wait, failures=1)


def rests(rest: timedelta) -> Fate:
    """The device rests and goes on by itself."""
    return Fate("pending", "device_error", rest=rest)


FAILED = Fate("failed", "refused", failures=1)
DEVICE_STOPS = Fate("pending", "device_error", device="needs_attention")
ACCOUNT_RESTS = Fate("pending", "device_error", rest=5 * MINUTE, block=5 * MINUTE)
ACCOUNT_STOPS = Fate("pending", "device_error", account="needs_attention", block=timedelta(0))
PROGRAM_STOPS = Fate("pending", "program_error", campaign="paused")
NOBODY_KNOWS = Fate("unknown", "no_answer")

FATES = {
    "130429": rests(10 * SECOND),
    "131056": waits(4 * SECOND),
    "4": ACCOUNT_RESTS,
    "80007": ACCOUNT_RESTS,
    "131048": rests(6 * HOUR),
    "368": ACCOUNT_STOPS,
    "131031": ACCOUNT_STOPS,
    "131064": DEVICE_STOPS,
    "131042": ACCOUNT_STOPS,
    "131045": DEVICE_STOPS,
    "133010": DEVICE_STOPS,
    "33": DEVICE_STOPS,
    "131037": DEVICE_STOPS,
    "190": DEVICE_STOPS,
    "0": DEVICE_STOPS,
    "10": DEVICE_STOPS,
    "200": DEVICE_STOPS,
    "131005": DEVICE_STOPS,
    "3": DEVICE_STOPS,
    "131049": waits(24 * HOUR),
    "131050": Fate("failed", "opted_out", failures=1, suppressed="marketing"),
    "131026": FAILED,
    "130472": FAILED,
    "131047": FAILED,
    "131021": FAILED,
    "131030": FAILED,
    "130497": FAILED,
    "131051": FAILED,
    "100": FAILED,
    "131008": FAILED,
    "131009": FAILED,
    "135000": FAILED,
    "131052": waits(MINUTE),
    "131053": waits(MINUTE),
    "132000": PROGRAM_STOPS,
    "132001": PROGRAM_STOPS,
    "132005": PROGRAM_STOPS,
    "132007": PROGRAM_STOPS,
    "132012": PROGRAM_STOPS,
    "132015": PROGRAM_STOPS,
    "132016": PROGRAM_STOPS,
    "131062": FAILED,
    "131063": PROGRAM_STOPS,
    "132008": PROGRAM_STOPS,
    "132018": FAILED,
    "132068": PROGRAM_STOPS,
    "132069": waits(10 * MINUTE),
    "133016": DEVICE_STOPS,
    "137000": FAILED,
    "2": waits(30 * SECOND),
    "133004": waits(30 * SECOND),
    "131016": waits(30 * SECOND),
    "131057": rests(2 * MINUTE),
    "2494100": rests(2 * MINUTE),
    "131000": NOBODY_KNOWS,
    "1": NOBODY_KNOWS,
}


class Meta:
    """A campaign on a device of an account at Meta, and a worker that sends it."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.account = int(
            plant.value("select account_id from drip.upsert_account('Portfolio', 'cloud_api')")
        )
        self.device = plant.device(
            platform="cloud_api", account_id=self.account, burst=10, max_delay_seconds=0
        )
        plant.update("user_devices", self.device, secret_name="meta")
        self.campaign = plant.campaign(
            message=None, message_type="template", template=Jsonb(TEMPLATE)
        )

    def message(self, lead: int | None = None, **columns: Any) -> int:
        """One more template message that is due, of the campaign unless columns say otherwise."""
        defaults: Row = {"message_type": "template", "category": "marketing"}
        if "source" not in columns:
            defaults["campaign_id"] = self.campaign
        return self.plant.message(self.device, lead, **(defaults | columns))

    def answer(self, code: int | str, status: int = 400, **error: Any) -> Row:
        """Let the worker send the next message, which Meta answers so; how it is then."""
        self.plant.wake()
        # A claim of one message takes one device, which need not be one that has a message.
        [claimed] = next(rows for _ in range(10) if (rows := self.plant.claim(1)))

        async def send() -> Row:
            settings = Settings.model_construct(http_timeout=60.0)
            async with (
                meta_server(status, meta_error(int(code), **error)) as server,
                open_session() as session,
            ):
                sender = create_sender("cloud_api", session, settings)
                message = Message.model_validate(claimed | {"endpoint": server.url})
                outcome = await sender.send(message)
                assert len(server.requests) == 1
            return outcome.as_result(message)

        [recorded] = self.plant.record(asyncio.run(send()))
        assert recorded["applied"]
        return self.plant.message_row(int(claimed["message_id"]))


@pytest.fixture
def meta(clock: Clock, plant: Plant, monkeypatch: pytest.MonkeyPatch) -> Meta:
    monkeypatch.setenv("PGDRIP_SECRET_META", "EAAG-token")
    return Meta(plant)


def test_every_row_of_the_table_has_its_test(plant: Plant) -> None:
    rows = plant.rows(
        "select code from drip.error_codes where platform = 'cloud_api' and code ~ '^[0-9]+$'"
    )
    assert {row["code"] for row in rows} == set(FATES)


@pytest.mark.parametrize("code", FATES)
def test_what_an_error_does(clock: Clock, plant: Plant, meta: Meta, code: str) -> None:
    meta.message()
    fate = FATES[code]
    meaning = plant.value(
        "select meaning from drip.error_codes where platform = 'cloud_api' and code = %s", code
    )

    row = meta.answer(code, message="No luck", details="today")

    assert (row["status"], row["status_reason"]) == (fate.status, fate.reason)
    assert row["failures"] == fate.failures
    assert (row["error_code"], row["error_message"]) == (code, "No luck: today")
    if fate.wait is None:
        # whatever a paused program has pending waits until it goes on
        assert row["not_before"] == (END_OF_TIME if fate.campaign == "paused" else None)
    else:
        assert fate.wait <= row["not_before"] - clock.now <= fate.wait * 1.2

    device = plant.row("select * from drip.user_devices")
    assert device["status"] == fate.device
    assert device["status_reason"] == (meaning if fate.device != "online" else None)
    assert plant.value("select next_send_at from drip.device_pacing") == clock.now + fate.rest

    account = plant.row("select * from drip.sender_accounts")
    assert account["status"] == fate.account
    block = None if fate.block is None else clock.now + fate.block
    assert account["blocked_until"] == block
    assert account["status_reason"] == (meaning if block else None)

    campaign = plant.row("select * from drip.campaigns")
    assert campaign["status"] == fate.campaign
    assert campaign["status_reason"] == (meaning if fate.campaign == "paused" else None)

    suppressed = plant.rows("select category from drip.suppressions")
    assert [row["category"] for row in suppressed] == ([fate.suppressed] if fate.suppressed else [])


@pytest.mark.parametrize("code", [code for code, fate in FATES.items() if fate.status == "pending"])
def test_what_waits_goes_when_its_time_or_a_person_has_come(
    clock: Clock, plant: Plant, meta: Meta, code: str
) -> None:
    message = meta.message()
    fate = FATES[code]
    meta.answer(code)
    plant.wake()
    assert plant.claim() == []

    if fate.device == "needs_attention":
        plant.row("select * from drip.set_device_status(%s, 'online')", str(meta.device))
    elif fate.account == "needs_attention":
        plant.row("select * from drip.set_account_status('Portfolio', 'online')")
    elif fate.campaign == "paused":
        plant.row("select * from drip.resume_campaign(%s)", str(meta.campaign))
    else:
        clock.advance(seconds=1.2 * max(fate.wait or fate.rest, fate.rest).total_seconds())
    plant.wake()
    [claimed] = plant.claim()
    assert claimed["message_id"] == message
    plant.answer(claimed)
    assert plant.message_row(message)["status"] == "sent"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("131056", [4, 16, 64, 256, 1024]),
        ("131049", [24 * 3600, 24 * 3600]),
        ("131052", [60]),
        ("2", [30, 60, 120, 240]),
    ],
)
def test_repeats_are_bounded_and_wait_longer(
    clock: Clock, plant: Plant, meta: Meta, code: str, expected: list[int]
) -> None:
    """Each wait is up to a fifth longer than the table says."""
    message = meta.message()
    for seconds in expected:
        row = meta.answer(code)
        assert row["status"] == "pending"
        wait = (row["not_before"] - clock.now).total_seconds()
        assert seconds <= wait <= seconds * 1.2
        clock.set(row["not_before"])
    row = meta.answer(code)
    assert (row["status"], row["status_reason"]) == ("failed", "max_failures")
    assert row["failures"] == len(expected) + 1 == row["attempts"]
    clock.advance(days=30)
    plant.wake()
    assert plant.claim() == []
    assert plant.message_row(message)["status"] == "failed"


def test_what_failed_together_does_not_come_back_together(plant: Plant, meta: Meta) -> None:
    for _ in range(8):
        meta.message()
    assert len({meta.answer("131016")["not_before"] for _ in range(8)}) == 8


def test_the_pair_limit_stops_nobody_else(clock: Clock, plant: Plant, meta: Meta) -> None:
    meta.message()
    other = meta.message()
    meta.answer("131056")
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [other]


@pytest.mark.parametrize("code", ["4", "131042"])
def test_an_account_waits_with_all_its_devices(
    clock: Clock, plant: Plant, meta: Meta, code: str
) -> None:
    meta.message()
    second = plant.device(platform="cloud_api", account_id=meta.account)
    elsewhere = plant.device(platform="cloud_api")
    meta.answer(code)
    waits_too = plant.message(second, message_type="template")
    goes = plant.message(elsewhere, message_type="template")
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [goes]
    assert plant.explain(waits_too)["reason"] == "account_blocked"


def test_an_opt_out_cancels_what_is_pending(plant: Plant, meta: Meta) -> None:
    lead = plant.lead()
    meta.message(lead, priority=1)
    later = meta.message(lead, source=Jsonb({"template": TEMPLATE}), priority=2)
    order = meta.message(lead, source=Jsonb({"template": TEMPLATE}), priority=2, category="utility")
    meta.answer("131050")
    row = plant.message_row(later)
    assert (row["status"], row["status_reason"]) == ("cancelled", "suppressed")
    assert plant.message_row(order)["status"] == "pending"


def test_who_cannot_be_reached_three_times_gets_nothing_more(
    clock: Clock, plant: Plant, meta: Meta
) -> None:
    lead = plant.lead()
    for number in range(3):
        assert plant.rows("select * from drip.suppressions") == []
        meta.message(lead, source=Jsonb({"template": TEMPLATE}))
        assert meta.answer("131026")["status"] == "failed"
        clock.advance(hours=number + 1)
    suppressed = plant.row("select category, source from drip.suppressions")
    assert suppressed == {"category": "all", "source": "provider"}
    meta.message(lead, source=Jsonb({"template": TEMPLATE}))
    plant.wake()
    assert plant.claim() == []


def test_a_sequence_stops_at_a_template_that_is_gone(plant: Plant, meta: Meta) -> None:
    sequence = plant.sequence(
        {"message_type": "template", "content": None, "template": TEMPLATE},
        {"message_type": "template", "content": None, "template": TEMPLATE},
    )
    enrollments = [plant.enroll(sequence) for _ in range(2)]
    row = meta.answer("132001")
    assert (row["status"], row["status_reason"]) == ("pending", "program_error")
    stopped = plant.row("select status, status_reason from drip.sequences")
    assert stopped == {"status": "paused", "status_reason": "template does not exist"}
    plant.wake()
    assert plant.claim() == []
    plant.row("select * from drip.resume_sequence(%s)", str(sequence))
    plant.wake()
    assert len(plant.claim()) == len(enrollments)


def test_a_single_message_with_a_template_that_is_gone_fails(plant: Plant, meta: Meta) -> None:
    meta.message(source=Jsonb({"template": TEMPLATE}))
    row = meta.answer("132001")
    assert (row["status"], row["status_reason"]) == ("failed", "refused")


def test_unknown_is_repeated_only_by_policy_and_a_few_times(
    clock: Clock, plant: Plant, meta: Meta
) -> None:
    plant.update("user_devices", meta.device, unknown_policy="retry")
    meta.message()
    for _ in range(4):
        row = meta.answer("131000")
        assert row["status"] == "pending"
        clock.set(row["not_before"])
    assert meta.answer("131000")["status"] == "unknown"


@pytest.mark.parametrize(("status", "fate"), [(400, "failed"), (500, "unknown")])
def test_a_code_that_nobody_knows(meta: Meta, status: int, fate: str) -> None:
    meta.message()
    assert meta.answer("987654", status)["status"] == fate


def test_a_permission_error_of_any_number_is_the_one_row(plant: Plant, meta: Meta) -> None:
    meta.message()
    row = meta.answer("230", 403, message="Permissions error")
    assert (row["error_code"], row["error_message"]) == ("200", "code 230: Permissions error")
    assert plant.value("select status from drip.user_devices") == "needs_attention"


# -- the table is data -------------------------------------------------------------------------


def test_an_edited_row_rules_the_next_result(
    clock: Clock, plant: Plant, meta: Meta, connect: Connect
) -> None:
    operator = connect(role="drip_operator")
    meta.message()
    assert meta.answer("131026")["status"] == "failed"
    operator.execute(
        "update drip.error_codes set action = 'retry', wait = '3 hours', max_failures = 2"
        " where platform = 'cloud_api' and code = '131026'"
    )
    meta.message()
    row = meta.answer("131026")
    assert row["status"] == "pending"
    assert 3 * HOUR <= row["not_before"] - clock.now <= 3 * HOUR * 1.2
    clock.set(row["not_before"])
    assert meta.answer("131026")["status_reason"] == "max_failures"


def test_a_new_row_rules_a_code_that_nobody_knew(
    plant: Plant, meta: Meta, connect: Connect
) -> None:
    operator = connect(role="drip_operator")
    operator.execute(
        "insert into drip.error_codes (platform, code, scope, action, auto_resume, meaning)"
        " values ('cloud_api', '987654', 'device', 'stop', false, 'a new kind of block')"
    )
    meta.message()
    assert meta.answer("987654")["status"] == "pending"
    assert plant.row("select status, status_reason from drip.user_devices") == {
        "status": "needs_attention",
        "status_reason": "a new kind of block",
    }


def test_no_row_makes_unknown_a_second_send(meta: Meta, connect: Connect) -> None:
    operator = connect(role="drip_operator")
    operator.execute("update drip.error_codes set action = 'retry' where code = '131000'")
    meta.message()
    assert meta.answer("131000")["status"] == "unknown"


def test_a_row_that_is_gone_leaves_the_senders_word(
    plant: Plant, meta: Meta, connect: Connect
) -> None:
    operator = connect(role="drip_operator")
    operator.execute("delete from drip.error_codes where code = '190'")
    meta.message()
    assert meta.answer("190", 401)["status"] == "pending"
    assert plant.value("select status from drip.user_devices") == "needs_attention"
