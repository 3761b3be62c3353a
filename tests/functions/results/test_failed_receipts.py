"""A provider that takes its acceptance back: what the table of error codes says, happens."""

from __future__ import annotations

from typing import Any

import pytest
from factory import Clock, Plant
from inbound import PHONE, cloud_device, open_window, process, send, status

pytestmark = pytest.mark.rolled_back


def sent(plant: Plant, device: int | None = None, **columns: Any) -> tuple[int, int]:
    """A device of the Cloud API, and a message that Meta has accepted as wamid.1."""
    device = device or cloud_device(plant)
    lead = plant.lead(PHONE)
    open_window(plant, lead)
    message = plant.message(device, lead, **columns)
    send(plant, message, "wamid.1")
    return device, message


def fail(
    plant: Plant, device: int, code: int | None, provider_id: str = "wamid.1", **more: Any
) -> Any:
    """The status `failed` with that code."""
    return process(plant, status(device, provider_id, "failed", code=code, **more))


def rule(plant: Plant, scope: str, action: str, **columns: Any) -> int:
    """A row of error_codes for the code 999."""
    values = {"wait": None, "auto_resume": False} | columns
    plant.conn.execute(
        "insert into drip.error_codes (platform, code, scope, action, wait, auto_resume, meaning)"
        " values ('cloud_api', '999', %s, %s, %s::interval, %s, 'a test')",
        [scope, action, values["wait"], values["auto_resume"]],
    )
    return 999


def test_no_phone_comes_in_with_an_error(clock: Clock, plant: Plant) -> None:
    """Error texts are shown to people who may not see phones."""
    device, message = sent(plant)
    fail(plant, device, 131026, details="60123456789 is not reachable")
    assert plant.message_row(message)["error_message"] == "601*****789 is not reachable"


# -- the actions ------------------------------------------------------------------------------


def test_retry_waits_and_goes_again(clock: Clock, plant: Plant) -> None:
    """131049, the cap of the user: the first attempt keeps the word, a second one goes later."""
    device, message = sent(plant)
    clock.advance(minutes=1)
    assert fail(plant, device, 131049)["applied"] == 1
    row = plant.message_row(message)
    assert (row["status"], row["status_reason"], row["failures"]) == ("pending", "will_retry", 1)
    assert (row["error_code"], row["error_message"]) == ("131049", "why")
    assert row["sent_at"] is None
    assert row["not_before"] >= clock.advance(hours=24)
    plant.wake()
    assert plant.claim() == []
    clock.set(row["not_before"])
    open_window(plant, row["lead_id"])
    plant.wake()
    [claimed] = plant.claim()
    assert claimed["attempt"] == 2
    plant.answer(claimed, provider_message_id="wamid.2")
    outcomes = plant.rows("select attempt, outcome from drip.message_attempts order by attempt")
    assert [row["outcome"] for row in outcomes] == ["permanent", "accepted"]
    assert plant.message_row(message)["status"] == "sent"


def test_it_is_tried_no_more_often_than_the_table_says(clock: Clock, plant: Plant) -> None:
    plant.tenant(breaker_sample=1000)
    device, message = sent(plant)
    for attempt in (1, 2, 3):
        fail(plant, device, 131049, f"wamid.{attempt}")
        row = plant.message_row(message)
        if row["status"] != "pending":
            break
        clock.set(row["not_before"])
        open_window(plant, row["lead_id"])
        send(plant, message, f"wamid.{attempt + 1}")
    assert (attempt, row["status"], row["status_reason"]) == (3, "failed", "undelivered")


def test_fail_is_final_and_says_so(clock: Clock, plant: Plant) -> None:
    device, message = sent(plant)
    at = clock.advance(minutes=1)
    fail(plant, device, 131026)
    row = plant.message_row(message)
    assert (row["status"], row["status_reason"]) == ("failed", "undelivered")
    assert (row["error_code"], row["sent_at"], row["finished_at"]) == ("131026", None, at)
    told = plant.explain(message)
    assert told["sentence"] == "The sender accepted it, and WhatsApp did not deliver it."
    assert told["last_error"] == "131026: why"


@pytest.mark.parametrize("code", [None, 4711])
def test_a_code_that_nobody_knows_fails_the_message(
    clock: Clock, plant: Plant, code: int | None
) -> None:
    device, message = sent(plant)
    fail(plant, device, code)
    row = plant.message_row(message)
    assert (row["status"], row["error_code"]) == ("failed", str(code) if code else "FAILED")


def test_opt_out_suppresses_marketing_and_cancels_it(clock: Clock, plant: Plant) -> None:
    """131050: the user has stopped marketing. What is no marketing still goes."""
    device, message = sent(plant)
    lead = plant.message_row(message)["lead_id"]
    marketing = plant.message(device, lead, category="marketing")
    utility = plant.message(device, lead)
    fail(plant, device, 131050)
    row = plant.message_row(message)
    assert (row["status"], row["status_reason"]) == ("failed", "opted_out")
    assert plant.row("select phone, category, source, reason from drip.suppressions") == {
        "phone": PHONE,
        "category": "marketing",
        "source": "provider",
        "reason": "the user stopped marketing",
    }
    row = plant.message_row(marketing)
    assert (row["status"], row["status_reason"]) == ("cancelled", "suppressed")
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [utility]


def test_permission_codes_are_one(clock: Clock, plant: Plant) -> None:
    """200 to 299 stand in the table as 200."""
    device, message = sent(plant)
    fail(plant, device, 294)
    assert plant.value("select status from drip.user_devices") == "needs_attention"
    row = plant.message_row(message)
    assert (row["status"], row["error_code"]) == ("pending", "200")


def test_a_stopped_device_waits_for_a_person_and_the_message_with_it(
    clock: Clock, plant: Plant
) -> None:
    device, message = sent(plant)
    fail(plant, device, 133010)
    row = plant.row("select status, status_reason from drip.user_devices")
    assert row == {"status": "needs_attention", "status_reason": "number not registered"}
    row = plant.message_row(message)
    assert (row["status"], row["status_reason"], row["failures"]) == ("pending", "device_error", 0)
    assert plant.explain(message)["reason"] == "device_attention"
    plant.row("select * from drip.set_device_status('cloud', 'online', 'registered again')")
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [message]


def test_a_device_that_resumes_by_itself_keeps_its_pause(clock: Clock, plant: Plant) -> None:
    """131048, the spam limit of the number: hours, and no person needed."""
    device, message = sent(plant)
    fail(plant, device, 131048)
    assert plant.value("select status from drip.user_devices") == "online"
    clock.advance(hours=5, minutes=59)
    plant.wake()
    assert plant.claim() == []
    assert plant.explain(message)["reason"] == "breaker_open"
    clock.advance(minutes=2)
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [message]


def test_a_stopped_account_stops_all_its_devices(clock: Clock, plant: Plant) -> None:
    account = plant.insert(
        "sender_accounts", user_id=plant.user, name="meta", platform="cloud_api",
        created_at=clock.now,
    )  # fmt: skip
    device, message = sent(plant, cloud_device(plant, account_id=account))
    second = plant.device(platform="cloud_api", account_id=account)
    lead = plant.lead()
    open_window(plant, lead)
    waiting = plant.message(second, lead)
    fail(plant, device, 131042)
    assert plant.row("select status, status_reason from drip.sender_accounts") == {
        "status": "needs_attention",
        "status_reason": "payment problem",
    }
    plant.wake()
    assert plant.claim() == []
    for held in (message, waiting):
        assert plant.explain(held)["reason"] == "account_blocked"


def test_a_stopped_campaign_waits_for_a_person(clock: Clock, plant: Plant) -> None:
    """132015, a paused template: it fails every contact alike."""
    campaign = plant.campaign()
    device, message = sent(plant, campaign_id=campaign)
    fail(plant, device, 132015)
    row = plant.row("select status, status_reason from drip.campaigns")
    assert row == {"status": "paused", "status_reason": "template paused"}
    row = plant.message_row(message)
    assert (row["status"], row["status_reason"], row["failures"]) == ("pending", "program_error", 0)
    assert plant.explain(message)["reason"] == "campaign_paused"
    plant.row("select * from drip.resume_campaign(%s)", str(campaign))
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [message]


def test_a_stopped_sequence_waits_for_a_person(clock: Clock, plant: Plant) -> None:
    device, lead, sequence = cloud_device(plant), plant.lead(PHONE), plant.sequence({}, {})
    open_window(plant, lead)
    enrollment = plant.enroll(sequence, lead)
    message = plant.journey(enrollment)[0]["id"]
    send(plant, message, "wamid.1")
    fail(plant, device, 132001)
    assert plant.row("select status, status_reason from drip.sequences") == {
        "status": "paused",
        "status_reason": "template does not exist",
    }
    assert plant.enrollment(enrollment)["status"] == "paused"
    assert plant.explain(message)["reason"] == "sequence_paused"
    plant.row("select * from drip.resume_sequence(%s)", str(sequence))
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [message]


def test_a_single_message_has_no_program_to_stop(clock: Clock, plant: Plant) -> None:
    device, message = sent(plant)
    fail(plant, device, 132001)
    assert plant.message_row(message)["status"] == "failed"


def test_unknown_leaves_it_to_a_person(clock: Clock, plant: Plant) -> None:
    """131000, something went wrong: Meta does not know either."""
    device, message = sent(plant)
    fail(plant, device, 131000)
    row = plant.message_row(message)
    assert (row["status"], row["status_reason"]) == ("unknown", "no_answer")
    clock.advance(hours=1)
    plant.wake()
    assert plant.claim() == []


def test_an_edited_row_rules_the_next_receipt(clock: Clock, plant: Plant) -> None:
    device, message = sent(plant)
    fail(plant, device, rule(plant, "recipient", "retry", wait="3 hours"))
    row = plant.message_row(message)
    assert row["status"] == "pending"
    assert 3 <= (row["not_before"] - clock.now).total_seconds() / 3600 <= 3.6
    clock.set(row["not_before"])
    open_window(plant, row["lead_id"])
    send(plant, message, "wamid.2")
    plant.conn.execute("update drip.error_codes set action = 'fail' where code = '999'")
    fail(plant, device, 999, "wamid.2")
    assert plant.message_row(message)["status"] == "failed"


# -- when it is too late ----------------------------------------------------------------------


@pytest.mark.parametrize("arrival", ["delivered", "read"])
def test_what_has_arrived_has_not_failed(clock: Clock, plant: Plant, arrival: str) -> None:
    device, message = sent(plant)
    process(plant, status(device, "wamid.1", arrival))
    fail(plant, device, 131049)
    row = plant.message_row(message)
    assert (row["status"], row["error_code"], row["failures"]) == ("sent", None, 0)


def test_a_step_that_another_has_followed_is_not_tried_again(clock: Clock, plant: Plant) -> None:
    """A second try would overtake what followed it."""
    device, lead = cloud_device(plant), plant.lead(PHONE)
    open_window(plant, lead)
    enrollment = plant.enroll(plant.sequence({}, {"trigger_delay_hours": 1}, {}), lead)
    first, second, third = (row["id"] for row in plant.journey(enrollment))
    send(plant, first, "wamid.1")
    clock.advance(hours=1)
    send(plant, second, "wamid.2")
    fail(plant, device, 131049)
    row = plant.message_row(first)
    assert (row["status"], row["status_reason"]) == ("failed", "undelivered")
    assert [plant.message_row(step)["status"] for step in (second, third)] == ["sent", "pending"]


def test_a_step_that_none_has_followed_is_tried_again_and_shifts_the_rest(
    clock: Clock, plant: Plant
) -> None:
    device, lead = cloud_device(plant), plant.lead(PHONE)
    open_window(plant, lead)
    enrollment = plant.enroll(plant.sequence({}, {"trigger_delay_hours": 1}), lead)
    first, second = (row["id"] for row in plant.journey(enrollment))
    send(plant, first, "wamid.1")
    assert plant.enrollment(enrollment)["status"] == "sent"
    fail(plant, device, 131049)
    assert plant.message_row(first)["status"] == "pending"
    clock.advance(hours=2)
    plant.wake()
    assert plant.claim() == []
    assert plant.explain(second)["reason"] == "predecessor_pending"
    clock.set(plant.message_row(first)["not_before"])
    open_window(plant, lead)
    send(plant, first, "wamid.2")
    plant.wake()
    assert plant.claim() == []
    clock.advance(hours=1)
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [second]


def test_a_message_of_a_campaign_that_is_over_is_not_tried_again(
    clock: Clock, plant: Plant
) -> None:
    campaign = plant.campaign(expanded_at=clock.now)
    device, message = sent(plant, campaign_id=campaign)
    plant.tick()
    assert plant.value("select status from drip.campaigns") == "completed"
    fail(plant, device, 131049)
    row = plant.message_row(message)
    assert (row["status"], row["status_reason"]) == ("failed", "undelivered")
    assert plant.row(
        "select messages, messages_sent, messages_failed, delivered from drip.campaign_overview"
    ) == {"messages": 1, "messages_sent": 0, "messages_failed": 1, "delivered": 0}


@pytest.mark.parametrize("policy", ["hold", "retry"])
def test_an_unknown_one_that_another_has_followed_is_not_tried_again(
    clock: Clock, plant: Plant, policy: str
) -> None:
    """It counted as finished after its hold; the journey went on, and must not go back."""
    device, lead = cloud_device(plant), plant.lead(PHONE)
    open_window(plant, lead)
    enrollment = plant.enroll(plant.sequence({}, {"trigger_delay_hours": 1}, {}), lead)
    first, second, _ = (row["id"] for row in plant.journey(enrollment))
    send(plant, first, outcome="unknown")
    clock.advance(hours=26)
    plant.tick()
    open_window(plant, lead)
    send(plant, second, "wamid.2")
    plant.update("user_devices", device, unknown_policy=policy)
    fail(plant, device, 131049, "wamid.1", ref=f"{first}:1")
    row = plant.message_row(first)
    assert (row["status"], row["status_reason"]) == ("failed", "undelivered")


def test_a_doubtful_one_is_not_repeated_behind_its_followers_either(
    clock: Clock, plant: Plant
) -> None:
    """131000 on a device that repeats unknown ones, after the next step has gone."""
    device, lead = cloud_device(plant, unknown_policy="retry"), plant.lead(PHONE)
    open_window(plant, lead)
    enrollment = plant.enroll(plant.sequence({}, {"trigger_delay_hours": 1}), lead)
    first, second = (row["id"] for row in plant.journey(enrollment))
    send(plant, first, "wamid.1")
    clock.advance(hours=1)
    send(plant, second, "wamid.2")
    fail(plant, device, 131000)
    assert plant.message_row(first)["status"] == "unknown"


def test_a_failure_of_the_attempt_before_says_nothing_of_this_one(
    clock: Clock, plant: Plant
) -> None:
    """Meta repeats a webhook for days; meanwhile the second attempt was accepted."""
    device, message = sent(plant)
    fail(plant, device, 131049, ref=f"{message}:1")
    row = plant.message_row(message)
    clock.set(row["not_before"])
    open_window(plant, row["lead_id"])
    send(plant, message, "wamid.2")
    fail(plant, device, 131049, ref=f"{message}:1")
    assert plant.message_row(message)["status"] == "sent"
    process(
        plant,
        status(device, "wamid.1", "failed", code=131049, ref=f"{message}:1"),
        status(device, "wamid.2", "sent", ref=f"{message}:2"),
    )
    row = plant.message_row(message)
    assert (row["status"], row["provider_message_id"]) == ("sent", "wamid.2")


def test_a_failure_of_the_attempt_before_does_not_settle_an_unknown_one(
    clock: Clock, plant: Plant
) -> None:
    """Even without the echo of our id: the attempt has the provider's."""
    device, message = sent(plant)
    fail(plant, device, 131049)
    row = plant.message_row(message)
    clock.set(row["not_before"])
    open_window(plant, row["lead_id"])
    send(plant, message, outcome="unknown")
    fail(plant, device, 131049)
    assert plant.message_row(message)["status"] == "unknown"


def test_a_delivery_of_the_attempt_before_stops_the_second(clock: Clock, plant: Plant) -> None:
    device, message = sent(plant)
    fail(plant, device, 131049)
    process(plant, status(device, "wamid.1", "delivered"))
    row = plant.message_row(message)
    assert (row["status"], row["error_code"], row["not_before"]) == ("sent", None, None)
    clock.advance(days=2)
    plant.wake()
    assert plant.claim() == []


# -- the books --------------------------------------------------------------------------------


def booked(plant: Plant) -> dict[str, Any]:
    """What stands on the device."""
    return plant.row("select sent_today, window_results, window_failures from drip.device_pacing")


def test_the_day_and_the_breaker_are_told(clock: Clock, plant: Plant) -> None:
    device, _ = sent(plant)
    assert booked(plant) == {"sent_today": 1, "window_results": 1, "window_failures": 0}
    fail(plant, device, 131026)
    assert booked(plant) == {"sent_today": 0, "window_results": 1, "window_failures": 1}
    fail(plant, device, 131026)
    assert booked(plant) == {"sent_today": 0, "window_results": 1, "window_failures": 1}


def test_one_that_has_arrived_after_all_counts_again(clock: Clock, plant: Plant) -> None:
    device, _ = sent(plant)
    fail(plant, device, 131026)
    process(plant, status(device, "wamid.1", "delivered"))
    process(plant, status(device, "wamid.1", "read"))
    assert booked(plant)["sent_today"] == 1


def test_a_settled_unknown_counts_once(clock: Clock, plant: Plant) -> None:
    device, lead = cloud_device(plant), plant.lead(PHONE)
    open_window(plant, lead)
    message = plant.message(device, lead)
    send(plant, message, outcome="unknown")
    assert booked(plant)["sent_today"] == 1
    process(plant, status(device, "wamid.1", "sent", ref=f"{message}:1"))
    assert booked(plant)["sent_today"] == 1
    fail(plant, device, 131026)
    assert booked(plant)["sent_today"] == 0


def test_undelivered_messages_open_the_breaker(clock: Clock, plant: Plant) -> None:
    """A number that accepts everything and delivers nothing is no better than one that refuses."""
    plant.tenant(breaker_sample=10)
    device = cloud_device(plant)
    leads = [plant.lead() for _ in range(11)]
    open_window(plant, *leads)
    for lead in leads:
        plant.message(device, lead)
    for claimed in plant.claim(10):
        plant.answer(claimed, provider_message_id=f"wamid.{claimed['message_id']}")
    for row in plant.rows(
        "select provider_message_id from drip.broadcast_messages where sent_at is not null"
    ):
        fail(plant, device, 131026, row["provider_message_id"])
    plant.wake()
    assert plant.claim() == []
    assert plant.value("select breaker_open_until from drip.device_pacing") > clock.now


def test_so_many_in_a_row_and_the_number_gets_nothing_more(clock: Clock, plant: Plant) -> None:
    """131026 counts to three over receipts as over answers; one that arrives starts anew."""
    plant.tenant(breaker_sample=1000)
    device, lead = cloud_device(plant), plant.lead(PHONE)
    open_window(plant, lead)

    def undelivered(number: int) -> None:
        send(plant, plant.message(device, lead), f"wamid.{number}")
        clock.advance(seconds=1)
        fail(plant, device, 131026, f"wamid.{number}")
        clock.advance(seconds=1)

    undelivered(1)
    undelivered(2)
    send(plant, plant.message(device, lead), "wamid.3")
    clock.advance(seconds=1)
    undelivered(4)
    undelivered(5)
    assert plant.rows("select * from drip.suppressions") == []
    undelivered(6)
    row = plant.row("select phone, category, source, reason from drip.suppressions")
    assert row == {
        "phone": PHONE, "category": "all", "source": "provider", "reason": "undeliverable",
    }  # fmt: skip


def test_the_journey_goes_on_after_a_step_that_failed_late(clock: Clock, plant: Plant) -> None:
    device, lead = cloud_device(plant), plant.lead(PHONE)
    open_window(plant, lead)
    enrollment = plant.enroll(plant.sequence({}, {"trigger_delay_hours": 1}), lead)
    first, second = (row["id"] for row in plant.journey(enrollment))
    send(plant, first, "wamid.1")
    fail(plant, device, 131026)
    assert plant.enrollment(enrollment)["status"] == "failed"
    clock.advance(hours=1)
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [second]


def test_the_journey_ends_after_it_where_the_sequence_says_so(clock: Clock, plant: Plant) -> None:
    device, lead = cloud_device(plant), plant.lead(PHONE)
    open_window(plant, lead)
    enrollment = plant.enroll(plant.sequence({}, {}, on_step_failure="stop"), lead)
    send(plant, plant.journey(enrollment)[0]["id"], "wamid.1")
    fail(plant, device, 131026)
    assert plant.enrollment(enrollment)["status"] == "sequence_failed"
    assert [row["status"] for row in plant.journey(enrollment)] == ["failed", "cancelled"]


def test_the_campaigns_numbers_follow(clock: Clock, plant: Plant) -> None:
    campaign = plant.campaign()
    device, message = sent(plant, campaign_id=campaign)
    numbers = "select messages_pending, messages_sent, messages_failed from drip.campaign_overview"
    assert list(plant.row(numbers).values()) == [0, 1, 0]
    fail(plant, device, 131049)
    assert list(plant.row(numbers).values()) == [1, 0, 0]
    plant.row("select * from drip.cancel_campaign(%s)", str(campaign))
    assert plant.message_row(message)["status"] == "cancelled"
    process(plant, status(device, "wamid.1", "delivered"))
    assert list(plant.row(numbers).values()) == [0, 1, 0]


def test_nothing_is_tried_again_after_a_cancelled_campaign(clock: Clock, plant: Plant) -> None:
    campaign = plant.campaign()
    device, message = sent(plant, campaign_id=campaign)
    plant.row("select * from drip.cancel_campaign(%s)", str(campaign))
    fail(plant, device, 131049)
    assert plant.message_row(message)["status_reason"] == "undelivered"


def test_a_rubbish_code_is_kept_as_it_is(clock: Clock, plant: Plant) -> None:
    device, message = sent(plant)
    body = status(device, "wamid.1", "failed", code=1)[1].replace('"code": 1', '"code": {"a": 1}')
    process(plant, (device, body))
    row = plant.message_row(message)
    assert (row["status"], row["error_code"]) == ("failed", '{"a": 1}')
