"""record_results(): what an answer of a sender means for the message and its device."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from factory import Clock, Connect, Connection, Plant
from psycopg.types.json import Jsonb

pytestmark = pytest.mark.rolled_back


def attempts(plant: Plant, message: int) -> list[str | None]:
    """Outcomes of the attempts in order."""
    return [
        row["outcome"]
        for row in plant.rows(
            "select outcome from drip.message_attempts where message_id = %s order by attempt",
            message,
        )
    ]


def claim_again(plant: Plant) -> dict[str, Any]:
    """The one message that goes now."""
    plant.wake()
    [row] = plant.claim()
    return row


# -- accepted ---------------------------------------------------------------------------------


def test_accepted_is_sent(clock: Clock, plant: Plant) -> None:
    message = plant.message(plant.device())
    [claimed] = plant.claim()
    clock.advance(seconds=2)

    result = plant.answer(claimed, provider_message_id="wamid-7")

    assert result == {"message_id": message, "status": "sent", "applied": True, "reason": None}
    row = plant.message_row(message)
    assert (row["status"], row["status_reason"], row["error_code"]) == ("sent", None, None)
    assert row["sent_at"] == row["finished_at"] == clock.now
    assert row["provider_message_id"] == "wamid-7"
    assert row["lease_expires_at"] is None
    attempt = plant.row("select * from drip.message_attempts")
    assert (attempt["outcome"], attempt["finished_at"]) == ("accepted", clock.now)
    assert attempt["provider_message_id"] == "wamid-7"


def test_what_no_index_takes_is_no_id_and_holds_no_neighbour(clock: Clock, plant: Plant) -> None:
    device = plant.device(burst=3)
    messages = [plant.message(device) for _ in range(3)]
    claims = plant.claim(3)
    huge = "".join(f"{number:x}" for number in range(20_000))
    results = [
        {"message_id": claim["message_id"], "attempt": 1, "outcome": outcome, "scope": "recipient",
         "provider_message_id": sent_id, "error_code": code, "error_message": code}
        for claim, (outcome, sent_id, code) in zip(
            claims,
            [("accepted", huge, None), ("accepted", "wamid-7", None), ("permanent", huge, huge)],
            strict=True,
        )
    ]  # fmt: skip
    plant.rows("select * from drip.record_results('w', %s)", Jsonb(results))
    rows = [plant.message_row(message) for message in messages]
    assert [row["status"] for row in rows] == ["unknown", "sent", "failed"]
    assert [row["provider_message_id"] for row in rows] == [None, "wamid-7", None]
    assert rows[0]["error_code"] == "BAD_ANSWER"
    assert (len(rows[2]["error_code"]), len(rows[2]["error_message"])) == (100, 500)


@pytest.mark.lesson(9)
def test_a_sent_message_keeps_no_error(clock: Clock, plant: Plant) -> None:
    """Not even of the attempt before; the attempts keep theirs."""
    message = plant.message(plant.device())
    plant.answer(plant.claim()[0], "retry", error_code="ODD_500", error_message="no")
    assert plant.message_row(message)["error_code"] == "ODD_500"
    clock.advance(hours=1)
    plant.answer(claim_again(plant))
    row = plant.message_row(message)
    assert (row["status"], row["error_code"], row["error_message"]) == ("sent", None, None)
    assert attempts(plant, message) == ["retry", "accepted"]


def test_a_batch_is_recorded_row_by_row(clock: Clock, plant: Plant) -> None:
    device = plant.device(burst=10)
    messages = [plant.message(device) for _ in range(4)]
    claimed = plant.claim()
    outcomes = ["accepted", "permanent", "unknown", "retry"]
    results = plant.record(
        *(
            {"message_id": row["message_id"], "attempt": 1, "outcome": outcome}
            for row, outcome in zip(claimed, outcomes, strict=True)
        ),
        {"message_id": 999_999, "attempt": 1, "outcome": "accepted"},
    )
    assert [(row["message_id"], row["status"], row["applied"]) for row in results] == [
        *zip(messages, ["sent", "failed", "unknown", "pending"], [True] * 4, strict=True),
        (999_999, None, False),
    ]


def test_an_empty_batch_is_fine(plant: Plant) -> None:
    assert plant.record() == []


# -- fence ------------------------------------------------------------------------------------


def test_the_same_result_twice_changes_nothing(clock: Clock, plant: Plant) -> None:
    message = plant.message(plant.device())
    [claimed] = plant.claim()
    plant.answer(claimed)
    before = plant.message_row(message)
    clock.advance(minutes=1)
    assert plant.answer(claimed)["applied"] is True
    assert plant.message_row(message) == before
    assert plant.value("select sent_today from drip.device_pacing") == 1


def test_unknown_twice_counts_once(clock: Clock, plant: Plant) -> None:
    """A batch that is recorded again, because its answer was lost, neither holds longer."""
    message = plant.message(plant.device())
    [claimed] = plant.claim()
    plant.answer(claimed, "unknown")
    before = plant.message_row(message)
    clock.advance(hours=1)
    assert plant.answer(claimed, "unknown")["applied"] is True
    assert plant.message_row(message) == before
    booked = plant.row("select sent_today, window_results from drip.device_pacing")
    assert booked == {"sent_today": 1, "window_results": 1}


@pytest.mark.parametrize(("first", "second"), [("accepted", "permanent"), ("permanent", "retry")])
def test_a_second_answer_to_one_attempt_is_not_applied(
    clock: Clock, plant: Plant, first: str, second: str
) -> None:
    message = plant.message(plant.device())
    [claimed] = plant.claim()
    plant.answer(claimed, first)
    before = plant.message_row(message)
    assert plant.answer(claimed, second)["applied"] is False
    assert plant.message_row(message) == before
    assert attempts(plant, message) == [first]


def test_both_answers_in_one_batch_count_as_accepted(clock: Clock, plant: Plant) -> None:
    message = plant.message(plant.device())
    plant.claim()
    result = {"message_id": message, "attempt": 1}
    plant.record(result | {"outcome": "permanent"}, result | {"outcome": "accepted"})
    assert plant.message_row(message)["status"] == "sent"


@pytest.mark.parametrize("outcome", ["accepted", "retry", "permanent"])
def test_an_older_attempt_does_not_move_a_claimed_message(
    clock: Clock, plant: Plant, outcome: str
) -> None:
    device = plant.device()
    plant.update("user_devices", device, unknown_policy="retry")
    message = plant.message(device)
    [first] = plant.claim()
    clock.advance(seconds=91)
    plant.rows("select * from drip.expire_leases()")
    clock.advance(seconds=31)
    second = claim_again(plant)
    before = plant.message_row(message)

    assert plant.answer(first, outcome)["applied"] is False

    assert plant.message_row(message) == before
    assert attempts(plant, message) == [outcome, None]
    assert plant.answer(second)["applied"] is True


def test_a_released_attempt_has_no_result(clock: Clock, plant: Plant) -> None:
    message = plant.message(plant.device())
    [claimed] = plant.claim()
    plant.rows(
        "select * from drip.release_messages('w', %s)",
        Jsonb([{"message_id": message, "attempt": 1}]),
    )
    assert plant.answer(claimed, "permanent")["applied"] is False
    assert plant.message_row(message)["status"] == "pending"
    assert attempts(plant, message) == ["released"]


# -- late -------------------------------------------------------------------------------------


@pytest.mark.lesson(4)
def test_a_late_accepted_settles_a_lapsed_lease(clock: Clock, plant: Plant) -> None:
    message = plant.message(plant.device())
    [claimed] = plant.claim()
    clock.advance(seconds=91)
    plant.rows("select * from drip.expire_leases()")
    assert plant.message_row(message)["status"] == "unknown"
    assert plant.answer(claimed)["applied"] is True
    assert plant.message_row(message)["status"] == "sent"
    assert attempts(plant, message) == ["accepted"]


@pytest.mark.parametrize(
    ("outcome", "status"), [("accepted", "sent"), ("permanent", "failed"), ("retry", "pending")]
)
def test_a_late_answer_settles_an_unknown(
    clock: Clock, plant: Plant, outcome: str, status: str
) -> None:
    message = plant.message(plant.device())
    [claimed] = plant.claim()
    plant.answer(claimed, "unknown", error_code="TIMEOUT")
    clock.advance(minutes=10)
    assert plant.answer(claimed, outcome)["applied"] is True
    assert plant.message_row(message)["status"] == status


def test_a_late_accepted_stops_the_planned_repeat(clock: Clock, plant: Plant) -> None:
    device = plant.device(unknown_policy="retry")
    message = plant.message(device)
    [claimed] = plant.claim()
    plant.answer(claimed, "unknown")
    assert plant.message_row(message)["status"] == "pending"
    assert plant.answer(claimed)["applied"] is True
    row = plant.message_row(message)
    assert (row["status"], row["not_before"], row["deferred_reason"]) == ("sent", None, None)
    clock.advance(days=1)
    plant.wake()
    assert plant.claim() == []


@pytest.mark.lesson(4)
@pytest.mark.parametrize("status", ["cancelled", "skipped", "expired", "failed"])
def test_a_late_accepted_is_recorded_whatever_became_of_the_message(
    clock: Clock, plant: Plant, status: str
) -> None:
    """The contact has got it, so the row says so."""
    message = plant.message(plant.device(unknown_policy="retry"))
    [claimed] = plant.claim()
    plant.answer(claimed, "unknown")
    plant.update(
        "broadcast_messages",
        message,
        status=status,
        status_reason="suppressed",
        finished_at=clock.now,
    )
    assert plant.answer(claimed)["applied"] is True
    row = plant.message_row(message)
    assert (row["status"], row["status_reason"], row["sent_at"]) == ("sent", None, clock.now)


def test_an_older_accepted_settles_a_newer_unknown(clock: Clock, plant: Plant) -> None:
    device = plant.device(unknown_policy="retry")
    message = plant.message(device)
    [first] = plant.claim()
    plant.answer(first, "unknown")
    clock.advance(hours=1)
    second = claim_again(plant)
    plant.update("user_devices", device, unknown_policy="hold")
    plant.answer(second, "unknown")
    assert plant.message_row(message)["status"] == "unknown"
    assert plant.answer(first)["applied"] is True
    assert plant.message_row(message)["status"] == "sent"


# -- retry, permanent, unknown ----------------------------------------------------------------


@pytest.mark.lesson(12)
def test_a_retry_backs_off_and_ends_with_the_failures(clock: Clock, plant: Plant) -> None:
    message = plant.message(plant.device(), max_failures=5)
    plant.tenant(breaker_sample=1000)
    waits = []
    for _ in range(5):
        plant.answer(claim_again(plant), "retry", error_code="ODD_500", error_message="down")
        row = plant.message_row(message)
        if row["status"] == "pending":
            waits.append((row["not_before"] - clock.now).total_seconds())
            assert (row["status_reason"], row["deferred_reason"]) == ("will_retry", "not_due")
            clock.set(row["not_before"])
    for least, wait in zip([30, 120, 480, 1920], waits, strict=True):
        assert least <= wait <= least * 1.2
    assert len({round(wait / least, 3) for least, wait in zip([30, 120], waits, strict=False)}) == 2
    row = plant.message_row(message)
    assert (row["status"], row["status_reason"]) == ("failed", "max_failures")
    assert (row["failures"], row["attempts"]) == (5, 5)
    assert (row["error_code"], row["error_message"]) == ("ODD_500", "down")


def test_a_senders_own_wait_goes_before_ours(clock: Clock, plant: Plant) -> None:
    message = plant.message(plant.device())
    plant.answer(plant.claim()[0], "retry", retry_after_seconds=777)
    assert plant.message_row(message)["not_before"] == clock.now + timedelta(seconds=777)


def test_permanent_fails_the_message_alone(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    message, other = plant.message(device), plant.message(device)
    plant.answer(plant.claim()[0], "permanent", error_message="x" * 900)
    row = plant.message_row(message)
    assert (row["status"], row["status_reason"]) == ("failed", "refused")
    assert len(row["error_message"]) == 500
    assert claim_again(plant)["message_id"] == other


def test_unknown_is_held_and_never_sent_again_by_itself(clock: Clock, plant: Plant) -> None:
    message = plant.message(plant.device())
    plant.answer(plant.claim()[0], "unknown", error_code="TIMEOUT")
    row = plant.message_row(message)
    assert (row["status"], row["status_reason"]) == ("unknown", "no_answer")
    for _ in range(10):
        clock.advance(days=1)
        plant.tick()
        plant.wake()
        assert plant.claim() == []
    assert plant.message_row(message)["status"] == "unknown"


def test_unknown_is_sent_again_where_the_device_says_so(clock: Clock, plant: Plant) -> None:
    message = plant.message(plant.device(unknown_policy="retry"), max_failures=2)
    plant.answer(plant.claim()[0], "unknown")
    row = plant.message_row(message)
    assert (row["status"], row["failures"]) == ("pending", 1)
    clock.set(row["not_before"])
    plant.answer(claim_again(plant), "unknown")
    assert plant.message_row(message)["status"] == "unknown"


# -- device and account -----------------------------------------------------------------------


@pytest.mark.lesson(8)
def test_a_device_error_never_fails_the_message(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    plant.tenant(breaker_sample=1000)
    message = plant.message(device, max_failures=2)
    for _ in range(20):
        plant.answer(claim_again(plant), "retry", scope="device", error_code="HTTP_503")
        clock.advance(hours=1)
    row = plant.message_row(message)
    assert (row["status"], row["failures"], row["attempts"]) == ("pending", 0, 20)
    assert row["status_reason"] == "device_error"
    plant.answer(claim_again(plant))
    assert plant.message_row(message)["status"] == "sent"


def test_a_device_error_rests_the_device(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    plant.message(device)
    plant.message(device)
    plant.answer(plant.claim()[0], "retry", scope="device", retry_after_seconds=90)
    clock.advance(seconds=89)
    plant.wake()
    assert plant.claim() == []
    clock.advance(seconds=1)
    plant.wake()
    assert len(plant.claim()) == 1


def test_a_permanent_device_error_waits_for_a_person(clock: Clock, plant: Plant) -> None:
    device, other = plant.device(), plant.device()
    messages = [plant.message(device) for _ in range(3)]
    plant.answer(plant.claim()[0], "permanent", scope="device", error_code="AUTHENTICATION_ERROR")
    row = plant.row("select * from drip.user_devices where id = %s", device)
    assert row["status"] == "needs_attention"
    assert row["status_reason"] == "logged out or disconnected"
    assert row["status_since"] == clock.now
    assert {plant.message_row(message)["status"] for message in messages} == {"pending"}
    assert plant.explain(messages[0])["reason"] == "device_attention"
    assert plant.value("select status from drip.user_devices where id = %s", other) == "online"


def test_a_result_does_not_lift_what_a_person_disabled(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    plant.message(device)
    [claimed] = plant.claim()
    plant.row("select * from drip.set_device_status(%s, 'disabled')", str(device))
    plant.answer(claimed, "permanent", scope="device")
    assert plant.value("select status from drip.user_devices") == "disabled"


def account(plant: Plant, clock: Clock, **columns: Any) -> int:
    return plant.insert(
        "sender_accounts",
        user_id=plant.user,
        name="portfolio",
        platform="gowa",
        created_at=clock.now,
        **columns,
    )


def test_an_account_error_blocks_all_its_devices(clock: Clock, plant: Plant) -> None:
    portfolio = account(plant, clock)
    one, two, stranger = (
        plant.device(account_id=portfolio),
        plant.device(account_id=portfolio),
        plant.device(),
    )
    plant.message(one)
    [claimed] = plant.claim()
    plant.answer(claimed, "retry", scope="account", retry_after_seconds=300)
    waiting = plant.message(two)
    free = plant.message(stranger)

    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [free]
    explained = plant.explain(waiting)
    assert explained["reason"] == "account_blocked"
    assert explained["earliest"] == clock.now + timedelta(seconds=300)
    assert plant.message_row(claimed["message_id"])["failures"] == 0

    clock.advance(seconds=300)
    plant.wake()
    assert len(plant.claim()) == 2


def test_a_permanent_account_error_waits_for_a_person(clock: Clock, plant: Plant) -> None:
    device = plant.device(account_id=account(plant, clock))
    message = plant.message(device)
    plant.answer(plant.claim()[0], "permanent", scope="account", error_message="restricted")
    assert plant.row("select status, status_reason from drip.sender_accounts") == {
        "status": "needs_attention",
        "status_reason": "restricted",
    }
    clock.advance(days=3)
    plant.wake()
    assert plant.claim() == []
    assert plant.explain(message)["reason"] == "account_blocked"


def test_a_stop_of_the_account_stops_a_device_without_one(clock: Clock, plant: Plant) -> None:
    """Else it would try again at every turn."""
    message = plant.message(plant.device())
    plant.answer(plant.claim()[0], "permanent", scope="account", error_message="restricted")
    assert plant.row("select status, status_reason from drip.user_devices") == {
        "status": "needs_attention",
        "status_reason": "restricted",
    }
    assert plant.message_row(message)["status"] == "pending"
    clock.advance(days=3)
    plant.wake()
    assert plant.claim() == []


@pytest.mark.fresh_database
def test_a_capped_account_counts_whom_it_reached(clock: Clock, plant: Plant) -> None:
    device = plant.device(account_id=account(plant, clock, reach_cap=2))
    known = plant.lead()
    for lead in (known, known, plant.lead(), plant.lead()):
        plant.message(device, lead)
    sent = []
    for _ in range(4):
        plant.wake()
        for row in plant.claim():
            sent.append(row["message_id"])
            plant.answer(row)
    assert sent == [1, 2, 3]


def test_a_capped_account_counts_what_is_in_flight(clock: Clock, plant: Plant) -> None:
    """Also over several devices in one claim."""
    portfolio = account(plant, clock, reach_cap=2)
    for _ in range(4):
        plant.message(plant.device(account_id=portfolio))
    count = 0
    for _ in range(4):
        plant.wake()
        count += len(plant.claim())
    assert count == 2


@pytest.mark.parametrize("how", ["no answer", "lapsed lease"])
@pytest.mark.parametrize("policy", ["hold", "retry"])
def test_what_may_have_arrived_has_reached_its_contact(
    clock: Clock, plant: Plant, how: str, policy: str
) -> None:
    """Also while it waits for its second try, nobody takes its place under the cap."""
    device = plant.device(account_id=account(plant, clock, reach_cap=1), unknown_policy=policy)
    first, other = plant.message(device), plant.message(device)
    [claimed] = plant.claim()
    assert claimed["message_id"] == first
    if how == "no answer":
        plant.answer(claimed, "unknown")
    else:
        clock.advance(seconds=90)
        plant.tick()
    told = plant.explain(other)
    assert (told["reason"], told["earliest"]) == ("account_cap", clock.now + timedelta(hours=24))
    plant.wake()
    assert plant.claim() == []


def test_an_answer_that_comes_late_reaches_nobody_again(clock: Clock, plant: Plant) -> None:
    """The 24 hours run from the send, not from the day on which a person settles it."""
    device = plant.device(account_id=account(plant, clock, reach_cap=1))
    plant.message(device)
    [claimed] = plant.claim()
    plant.answer(claimed, "unknown")
    clock.advance(hours=23)
    plant.answer(claimed)
    message = plant.message(device)
    assert plant.explain(message)["earliest"] == clock.now + timedelta(hours=1)


def test_a_capped_account_is_kept_by_two_claims_at_once(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    portfolio = account(plant, clock, reach_cap=1)
    for _ in range(2):
        plant.message(plant.device(account_id=portfolio))
    one, two = clock.join(connect(autocommit=False)), clock.join(connect())
    assert len(plant.claim(limit=1, session=one)) == 1
    assert plant.claim(session=two) == []
    one.commit()
    plant.wake()
    assert plant.claim(session=two) == []


# -- error_codes ------------------------------------------------------------------------------


def set_code(plant: Plant, code: str, scope: str, action: str, wait: str | None = None) -> None:
    plant.conn.execute(
        "insert into drip.error_codes (platform, code, scope, action, wait, auto_resume, meaning)"
        " values ('gowa', %s, %s, %s, %s::interval, false, 'as the operator says')",
        [code, scope, action, wait],
    )


def test_the_table_overrides_scope_and_action(clock: Clock, plant: Plant) -> None:
    set_code(plant, "ODD", "device", "stop")
    message = plant.message(plant.device())
    plant.answer(plant.claim()[0], "permanent", scope="recipient", error_code="ODD")
    assert plant.message_row(message)["status"] == "pending"
    assert plant.row("select status, status_reason from drip.user_devices") == {
        "status": "needs_attention",
        "status_reason": "as the operator says",
    }


@pytest.mark.lesson(12)
def test_the_table_says_how_long_to_wait(clock: Clock, plant: Plant) -> None:
    set_code(plant, "ODD", "recipient", "retry", "4 hours")
    message = plant.message(plant.device())
    plant.answer(plant.claim()[0], "permanent", error_code="ODD")
    row = plant.message_row(message)
    assert row["status"] == "pending"
    least = timedelta(hours=4)
    assert least <= row["not_before"] - clock.now <= least * 1.2


def test_the_table_may_fail_what_the_sender_would_repeat(clock: Clock, plant: Plant) -> None:
    set_code(plant, "ODD", "recipient", "fail")
    message = plant.message(plant.device())
    plant.answer(plant.claim()[0], "retry", error_code="ODD")
    assert plant.message_row(message)["status"] == "failed"


@pytest.mark.parametrize("action", ["retry", "fail", "stop", "opt_out"])
def test_the_table_never_turns_unknown_into_something_else(
    clock: Clock, plant: Plant, action: str
) -> None:
    set_code(plant, "ODD", "recipient", action, "1 second")
    message = plant.message(plant.device())
    plant.answer(plant.claim()[0], "unknown", error_code="ODD")
    assert plant.message_row(message)["status"] == "unknown"


def test_the_table_may_call_an_answer_unknown(clock: Clock, plant: Plant) -> None:
    """And then the device's policy holds it."""
    set_code(plant, "ODD", "recipient", "unknown")
    message = plant.message(plant.device())
    plant.answer(plant.claim()[0], "retry", error_code="ODD")
    assert plant.message_row(message)["status"] == "unknown"


def test_an_opt_out_at_the_provider_is_ours_too(clock: Clock, plant: Plant) -> None:
    set_code(plant, "BLOCKED", "recipient", "opt_out")
    device, lead = plant.device(), plant.lead("+60111111111")
    message = plant.message(device, lead, category="marketing")
    plant.answer(plant.claim()[0], "permanent", error_code="BLOCKED")
    row = plant.message_row(message)
    assert (row["status"], row["status_reason"]) == ("failed", "opted_out")
    assert plant.row("select phone, category, source from drip.suppressions") == {
        "phone": "+60111111111",
        "category": "marketing",
        "source": "provider",
    }
    plant.message(device, lead, category="marketing")
    plant.wake()
    assert plant.claim() == []


def test_a_stop_that_resumes_by_itself_needs_nobody(clock: Clock, plant: Plant) -> None:
    """auto_resume: the device's breaker opens for the wait; it stays online."""
    set_code(plant, "LIMIT", "device", "stop", "6 hours")
    plant.conn.execute("update drip.error_codes set auto_resume = true where code = 'LIMIT'")
    device = plant.device()
    message = plant.message(device)
    plant.answer(plant.claim()[0], "permanent", error_code="LIMIT")
    assert plant.value("select status from drip.user_devices") == "online"
    explained = plant.explain(message)
    assert explained["reason"] == "breaker_open"
    assert explained["earliest"] == clock.now + timedelta(hours=6)
    clock.advance(hours=6)
    assert claim_again(plant)["message_id"] == message


# -- input ------------------------------------------------------------------------------------


@pytest.mark.parametrize("results", [None, {}, "x", 1])
def test_refuses_what_is_no_array(conn: Connection, results: Any) -> None:
    with pytest.raises(psycopg.Error) as caught:
        conn.execute(
            "select * from drip.record_results('w', %s)",
            [None if results is None else Jsonb(results)],
        )
    assert caught.value.sqlstate == "DR001"


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": "sent"},
        {"outcome": None},
        {"scope": "galaxy"},
        {"message_id": "x"},
        {"message_id": None},
        {"attempt": -1},
        {"attempt": 1.5},
        {"retry_after_seconds": "soon"},
        {"retry_after_seconds": -1},
    ],
)
def test_refuses_a_result_that_cannot_be_read(conn: Connection, change: dict[str, Any]) -> None:
    result = {"message_id": 1, "attempt": 1, "outcome": "accepted"} | change
    with pytest.raises(psycopg.Error) as caught:
        conn.execute("select * from drip.record_results('w', %s)", [Jsonb([result])])
    assert caught.value.sqlstate == "DR004"
    assert caught.value.diag.message_hint


@pytest.mark.parametrize("element", [1, "x", None, []])
def test_refuses_elements_that_are_no_objects(conn: Connection, element: Any) -> None:
    with pytest.raises(psycopg.Error) as caught:
        conn.execute("select * from drip.record_results('w', %s)", [Jsonb([element])])
    assert caught.value.sqlstate == "DR004"


@pytest.mark.lesson(6)
def test_the_worker_may_not_delete(connect: Connect, plant: Plant) -> None:
    worker = connect(role="drip_worker")
    for table in ("broadcast_messages", "message_attempts", "leads"):
        for statement in (f"delete from drip.{table}", f"select * from drip.{table}"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                worker.execute(statement.encode())
