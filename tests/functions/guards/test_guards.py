"""only_if and exit_if: what a guard's answer does, and that nothing else of it stays."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from factory import Clock, Connect, Plant

MINUTE = timedelta(minutes=1)
ANSWER = "(select a.answer from shop.answers a where a.lead_id = p_lead_id)"
BAD = "return 1 / (p_lead_id - p_lead_id) = 1;"
# register_guard tries a guard with lead 0
NOT_AT_THE_TRIAL = "if p_lead_id = 0 then return true; end if; "


def ids(claimed: list[dict[str, Any]]) -> list[int]:
    return [row["message_id"] for row in claimed]


def journey_of(plant: Plant, *steps: dict[str, Any], **definition: Any) -> tuple[int, list[int]]:
    """An enrollment whose first step is due, and its messages."""
    enrollment = plant.enroll(plant.sequence(*steps, **definition))
    return enrollment, [row["id"] for row in plant.journey(enrollment)]


def guard_row(plant: Plant, name: str) -> dict[str, Any]:
    return plant.row("select * from drip.guards where name = %s", name)


def answers_table(plant: Plant) -> None:
    """A table that the guard of ANSWERS answers from."""
    plant.conn.execute(
        "create schema if not exists shop; grant usage on schema shop to drip_guard;"
        "create table shop.answers (lead_id bigint primary key, answer boolean);"
        "grant select on shop.answers to drip_guard"
    )


def answer(plant: Plant, message: int, said: bool | None) -> None:
    plant.conn.execute(
        "insert into shop.answers select m.lead_id, %s from drip.broadcast_messages m"
        " where m.id = %s on conflict (lead_id) do update set answer = excluded.answer",
        [said, message],
    )


# -- what an answer does ----------------------------------------------------------------------


def test_only_if_true_sends(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.guard("yes", "return true;")
    _, messages = journey_of(plant, {"only_if": "yes"})
    assert ids(plant.claim()) == messages


def test_only_if_false_skips_the_step_and_the_next_counts_on(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.guard("no", "return false;")
    enrollment, messages = journey_of(plant, {"only_if": "no"}, {"trigger_delay_hours": 2})
    assert plant.claim() == []
    first, second = plant.journey(enrollment)
    assert (first["status"], first["status_reason"]) == ("skipped", "guard_false")
    assert first["finished_at"] == clock.now
    assert second["scheduled_at"] == clock.now + timedelta(hours=2)
    assert plant.enrollment(enrollment)["status"] == "active"
    clock.advance(hours=2)
    plant.wake()
    assert ids(plant.claim()) == [messages[1]]


def test_a_skipped_step_frees_one_that_waits_for_it(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.guard("no", "return false;")
    _, messages = journey_of(plant, {"only_if": "no"}, {"trigger_delay_hours": 0})
    plant.update(
        "broadcast_messages",
        messages[1],
        not_before=clock.now + timedelta(hours=1),
        deferred_reason="predecessor_pending",
    )
    assert ids(plant.claim()) == [messages[1]]


def test_a_skipped_last_step_completes_the_journey(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.guard("no", "return false;")
    enrollment, _ = journey_of(plant, {"only_if": "no"})
    plant.claim()
    assert plant.enrollment(enrollment)["status"] == "completed"


def test_exit_if_true_ends_the_journey(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.guard("yes", "return true;")
    plant.conn.execute("select drip.subscribe('q', 'sequence.*')")
    enrollment, _ = journey_of(plant, {}, {}, exit_if="yes")
    assert plant.claim() == []
    row = plant.enrollment(enrollment)
    assert (row["status"], row["exit_reason"]) == ("exited", "exit_if")
    assert row["completed_at"] == clock.now
    assert {(m["status"], m["status_reason"]) for m in plant.journey(enrollment)} == {
        ("cancelled", "exit_if")
    }
    events = plant.rows("select * from drip.read_events('q', 10)")
    assert [event["type"] for event in events] == ["sequence.exited"]


def test_exit_if_is_asked_before_every_step(clock: Clock, plant: Plant) -> None:
    plant.device()
    answers_table(plant)
    plant.guard("left", f"return coalesce({ANSWER}, false);")
    enrollment, messages = journey_of(plant, {}, {}, exit_if="left")
    plant.answer(plant.claim()[0])
    answer(plant, messages[1], True)
    clock.advance(hours=24)
    plant.wake()
    assert plant.claim() == []
    assert plant.enrollment(enrollment)["exit_reason"] == "exit_if"


def test_exit_if_is_asked_before_only_if(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.guard("yes", "return true;")
    plant.guard("bad", BAD)
    enrollment, _ = journey_of(plant, {"only_if": "bad"}, exit_if="yes")
    plant.claim()
    assert plant.enrollment(enrollment)["status"] == "exited"
    assert guard_row(plant, "bad")["errors"] == 0


def test_a_guard_gets_the_lead_and_the_enrollment(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.guard("shows", "raise exception 'lead % enrollment %', p_lead_id, p_enrollment_id;")
    enrollment, messages = journey_of(plant, {"only_if": "shows"})
    plant.claim()
    lead = plant.message_row(messages[0])["lead_id"]
    assert guard_row(plant, "shows")["last_error"] == f"lead {lead} enrollment {enrollment}"


def test_a_guard_is_asked_last(clock: Clock, plant: Plant) -> None:
    """Of messages that something else holds, none is asked about."""
    plant.device(status="offline")
    plant.guard("bad", BAD)
    journey_of(plant, {"only_if": "bad"})
    plant.claim()
    assert guard_row(plant, "bad")["errors"] == 0


def test_one_that_is_held_back_lets_the_next_go(clock: Clock, plant: Plant) -> None:
    """Of one device: skipped, ended and failing ones at the head do not park the rest."""
    device = plant.device()
    plant.guard("no", "return false;")
    plant.guard("yes", "return true;")
    plant.guard("bad", BAD)
    for steps, definition in (
        ({"only_if": "no"}, {}),
        ({}, {"exit_if": "yes"}),
        ({"only_if": "bad"}, {}),
    ):
        journey_of(plant, steps, **definition)
    last = plant.message(device, priority=3, campaign_id=plant.campaign())
    assert ids(plant.claim()) == [last]


def test_the_first_look_asks_about_what_fits_alone(clock: Clock, plant: Plant) -> None:
    plant.device(min_delay_seconds=5, max_delay_seconds=5)
    plant.guard("yes", "return true;")
    sequence = plant.sequence({"only_if": "yes"})
    for _ in range(5):
        plant.enroll(sequence)
    assert len(plant.claim()) == 1
    assert plant.value("select count(*) from drip.broadcast_messages where status = 'pending'") == 4


# -- a guard that fails -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (BAD, "division by zero"),
        ("return null;", "it returned null"),
        ("assert false; return true;", "assertion failed"),
        ("raise exception using errcode = 'DR001', message = 'mine';", "mine"),
        ("return (select shop.nobody());", "function shop.nobody() does not exist"),
        ("perform shop.writes(); return true;", "cannot execute INSERT in a read-only transaction"),
        ("perform nextval('shop.numbers'); return true;",
         "cannot execute nextval() in a read-only transaction"),
        ("perform set_config('transaction_read_only', 'off', true); return true;",
         "cannot set transaction read-write mode inside a read-only transaction"),
    ],
)  # fmt: skip
def test_a_guard_that_fails_holds_its_message(
    clock: Clock, plant: Plant, body: str, error: str
) -> None:
    device = plant.device(burst=5)
    plant.conn.execute(
        "create schema shop; create table shop.notes (a integer); create sequence shop.numbers;"
        "create function shop.writes() returns void language sql volatile security definer"
        " as 'insert into shop.notes values (1)';"
        "grant execute on function shop.writes to drip_guard;"
        "grant usage on sequence shop.numbers to drip_guard"
    )
    plant.guard("bad", NOT_AT_THE_TRIAL + body)
    _, [message] = journey_of(plant, {"only_if": "bad"})
    free = plant.message(device)

    assert ids(plant.claim()) == [free]

    row = plant.message_row(message)
    assert (row["status"], row["deferred_reason"]) == ("pending", "guard_error")
    assert row["not_before"] == clock.now + MINUTE
    guard = guard_row(plant, "bad")
    assert guard["errors"] == 1
    assert guard["last_error"].startswith(error)
    assert guard["last_error_at"] == clock.now
    assert plant.rows("select from shop.notes") == []
    explained = plant.explain(message)
    assert (explained["verdict"], explained["reason"]) == ("wait", "guard_error")
    assert explained["earliest"] == clock.now + MINUTE
    outlook = plant.row("select * from drip.message_outlook where message_id = %s", message)
    assert (outlook["reason"], outlook["earliest"]) == ("guard_error", clock.now + MINUTE)


def test_a_guard_that_recovers_lets_its_message_go(clock: Clock, plant: Plant) -> None:
    """At the time that the explanation named, and not a second before."""
    plant.device()
    answers_table(plant)
    plant.guard("asks", f"return {ANSWER};")
    _, [message] = journey_of(plant, {"only_if": "asks"})
    plant.claim()
    answer(plant, message, True)
    clock.advance(seconds=59)
    plant.wake()
    assert plant.claim() == []
    clock.advance(seconds=1)
    plant.wake()
    assert ids(plant.claim()) == [message]
    guard = guard_row(plant, "asks")
    assert (guard["errors"], guard["suspended_until"]) == (0, None)
    assert guard["last_error"] == "it returned null"


def test_the_wait_grows_to_a_quarter_of_an_hour(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.guard("bad", BAD)
    _, [message] = journey_of(plant, {"only_if": "bad"})
    waits = []
    for _ in range(7):
        plant.wake()
        assert plant.claim() == []
        until = plant.message_row(message)["not_before"]
        waits.append(round((until - clock.now).total_seconds() / 60))
        clock.set(until)
    assert waits == [1, 2, 4, 8, 15, 15, 15]


def test_a_guard_that_fails_on_end_rests_and_is_not_called(clock: Clock, plant: Plant) -> None:
    """Three failures in one claim are enough; the others wait without being asked."""
    device = plant.device(burst=20)
    answers_table(plant)
    plant.guard("bad", BAD)
    sequence = plant.sequence({"only_if": "bad"})
    messages = [plant.journey(plant.enroll(sequence))[0]["id"] for _ in range(6)]
    free = plant.message(device)
    assert ids(plant.claim()) == [free]
    guard = guard_row(plant, "bad")
    assert (guard["errors"], guard["suspended_until"]) == (1, clock.now + MINUTE)
    waits = [plant.message_row(message)["not_before"] - clock.now for message in messages]
    # what was not asked comes before what failed
    assert sorted(waits) == [MINUTE] * 3 + [MINUTE + timedelta(seconds=5)] * 3
    assert {plant.message_row(message)["deferred_reason"] for message in messages} == {
        "guard_error"
    }

    # one that comes meanwhile waits as long, although the guard would answer by now
    plant.guard("bad", "return true;", register=False)
    plant.conn.execute(
        "alter function shop.bad owner to drip_guard; alter function shop.bad security definer"
    )
    _, [late] = journey_of(plant, {"only_if": "bad"})
    plant.wake()
    assert plant.claim() == []
    assert plant.message_row(late)["not_before"] == clock.now + MINUTE
    clock.advance(minutes=1)
    plant.wake()
    assert len(plant.claim()) == 4
    assert guard_row(plant, "bad")["suspended_until"] is None


def test_a_few_leads_that_a_guard_cannot_judge_do_not_hold_the_others(
    clock: Clock, plant: Plant
) -> None:
    """Four poisonous ones at the head make it rest; a minute later the others are asked first."""
    plant.device(burst=20)
    answers_table(plant)
    plant.guard("asks", f"return {ANSWER};")
    sequence = plant.sequence({"only_if": "asks"})
    messages = [plant.journey(plant.enroll(sequence))[0]["id"] for _ in range(10)]
    for message in messages[4:]:
        answer(plant, message, True)
    assert plant.claim() == []
    clock.advance(minutes=1)
    plant.wake()
    sent = ids(plant.claim())
    assert set(sent) >= set(messages[4:])
    assert guard_row(plant, "asks")["errors"] == 0


def test_one_bad_answer_among_good_ones_holds_that_message_alone(
    clock: Clock, plant: Plant
) -> None:
    plant.device(burst=20)
    answers_table(plant)
    plant.guard("asks", f"return {ANSWER};")
    sequence = plant.sequence({"only_if": "asks"})
    messages = [plant.journey(plant.enroll(sequence))[0]["id"] for _ in range(5)]
    for message in messages[1:]:
        answer(plant, message, True)
    assert ids(plant.claim()) == messages[1:]
    assert guard_row(plant, "asks")["suspended_until"] is None
    assert plant.message_row(messages[0])["not_before"] == clock.now + MINUTE


CHANGES = {
    "dropped": ("drop function shop.g(bigint, bigint)", "there is no function shop.g any more"),
    "made anew": (
        "drop function shop.g(bigint, bigint); create function shop.g(bigint, bigint)"
        " returns boolean language sql stable return true",
        "made anew",
    ),
    "no longer a definer": ("alter function shop.g(bigint, bigint) security invoker", "made anew"),
    "volatile": ("alter function shop.g(bigint, bigint) volatile", "is volatile"),
    "of another result": (
        "drop function shop.g(bigint, bigint); create function shop.g(bigint, bigint)"
        " returns integer language sql stable security definer return 1;"
        "alter function shop.g(bigint, bigint) owner to drip_guard",
        "returns no boolean",
    ),
    "never registered": ("update drip.guards set function_name = null", "never registered"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_guard_that_is_no_longer_what_was_registered(
    clock: Clock, plant: Plant, change: str
) -> None:
    device = plant.device(burst=5)
    plant.guard("g", "return true;")
    _, [message] = journey_of(plant, {"only_if": "g"})
    free = plant.message(device)
    statement, problem = CHANGES[change]
    plant.conn.execute(statement.encode())
    assert ids(plant.claim()) == [free]
    assert plant.message_row(message)["deferred_reason"] == "guard_error"
    assert problem in guard_row(plant, "g")["last_error"]


def test_registered_again_it_is_asked_at_once(clock: Clock, plant: Plant) -> None:
    plant.device(burst=5)
    plant.guard("g", "return true;")
    plant.guard("other", BAD)
    _, [message] = journey_of(plant, {"only_if": "g"})
    _, [other] = journey_of(plant, {"only_if": "other"})
    plant.conn.execute("drop function shop.g(bigint, bigint)")
    plant.claim()
    remedy = plant.explain(message)["remedy"]
    plant.guard("g", "return true;", register=False)
    plant.conn.execute(remedy.encode())
    plant.wake()
    assert ids(plant.claim()) == [message]
    assert plant.message_row(other)["deferred_reason"] == "guard_error"


# -- nothing of a guard stays -----------------------------------------------------------------


def test_what_a_guard_does_is_undone(plant: Plant, connect: Connect) -> None:
    """Settings, notifications and locks; the claim's own writes stay."""
    plant.device()
    listener = connect()
    listener.execute("listen gossip")
    plant.guard(
        "busy",
        "perform set_config('drip.user', 'nobody', false), set_config('work_mem', '7MB', false),"
        " pg_notify('gossip', 'x'), pg_advisory_xact_lock(42); return true;",
    )
    _, [message] = journey_of(plant, {"only_if": "busy"})
    with plant.conn.transaction():
        assert ids(plant.claim()) == [message]
        assert plant.value("select count(*) from pg_locks where locktype = 'advisory'") == 0
        assert plant.value("select coalesce(current_setting('drip.user', true), '')") == ""
        assert plant.value("select current_setting('work_mem')") != "7MB"
        assert plant.value("select current_setting('transaction_read_only')") == "off"
        assert plant.value("select current_setting('lock_timeout')") == "0"
    assert plant.message_row(message)["status"] == "processing"
    assert list(listener.notifies(timeout=0, stop_after=1)) == []


def test_a_guard_sees_the_contact_and_the_applications_table(plant: Plant) -> None:
    """With the rights that it has from the start, and one grant; as a worker calls it."""
    plant.device()
    plant.conn.execute(
        "create schema shop; grant usage on schema shop to drip_guard;"
        "create table shop.orders (phone text, customer text, paid boolean);"
        "insert into shop.orders values ('+60121111111', 'c-1', true);"
        "grant select on shop.orders to drip_guard"
    )
    plant.guard(
        "has_paid",
        "return exists (select from drip.leads l join orders o"
        " on o.phone = l.phone or o.customer = l.external_id"
        " where l.id = p_lead_id and o.paid);",
    )
    sequence = plant.sequence({"only_if": "has_paid"})
    paid = plant.enroll(sequence, plant.lead("+60121111111"))
    plant.enroll(sequence, plant.lead("+60122222222"))
    by_id = plant.enroll(sequence, plant.lead("+60123333333", external_id="c-1"))
    plant.conn.execute("set role drip_worker")
    claimed: list[int] = []
    for _ in range(3):
        claimed += ids(plant.claim())
        plant.wake()
        for message in claimed:
            plant.record({"message_id": message, "attempt": 1, "outcome": "accepted"})
    plant.conn.execute("reset role")
    assert sorted(claimed) == [plant.journey(paid)[0]["id"], plant.journey(by_id)[0]["id"]]


def test_a_guard_may_not_read_what_was_not_granted(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.guard("nosy", NOT_AT_THE_TRIAL + "return exists (select from drip.suppressions);")
    journey_of(plant, {"only_if": "nosy"})
    assert plant.claim() == []
    assert guard_row(plant, "nosy")["last_error"] == "permission denied for table suppressions"


def test_a_guard_cannot_move_the_clock(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.guard(
        "jumps", "perform set_config('drip.fake_now', '2031-01-01 00:00Z', false); return true;"
    )
    _, [message] = journey_of(plant, {"only_if": "jumps"})
    plant.claim()
    attempt = plant.row("select * from drip.message_attempts where message_id = %s", message)
    assert attempt["claimed_at"] == clock.now
    assert plant.now() == clock.now


# -- locks that somebody else holds -----------------------------------------------------------


@pytest.mark.parametrize(
    "held",
    [
        "select from drip.sequence_contacts for no key update",
        "select from drip.broadcast_messages m join drip.sequence_steps st"
        " on st.id = m.sequence_stepid where st.day_number = 2 for no key update of m",
    ],
    ids=["enrollment", "later message"],
)
def test_ending_a_journey_waits_for_nobody(
    clock: Clock, plant: Plant, connect: Connect, held: str
) -> None:
    device = plant.device(burst=5)
    plant.guard("yes", "return true;")
    enrollment, messages = journey_of(plant, {}, {}, exit_if="yes")
    free = plant.message(device)
    holder = connect(autocommit=False)
    holder.execute(held.encode())
    plant.conn.execute("set lock_timeout = '2s'")
    assert ids(plant.claim()) == [free]
    assert plant.enrollment(enrollment)["status"] == "pending"
    assert plant.message_row(messages[0])["not_before"] == clock.now + timedelta(seconds=5)
    holder.rollback()
    clock.advance(seconds=5)
    plant.wake()
    assert plant.claim() == []
    assert plant.enrollment(enrollment)["exit_reason"] == "exit_if"


def test_the_guards_row_is_waited_for_by_nobody(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    plant.device()
    plant.guard("bad", BAD)
    _, [message] = journey_of(plant, {"only_if": "bad"})
    holder = connect(autocommit=False)
    holder.execute("select from drip.guards for update")
    plant.conn.execute("set lock_timeout = '2s'")
    assert plant.claim() == []
    assert plant.message_row(message)["deferred_reason"] == "guard_error"
    holder.rollback()
    assert guard_row(plant, "bad")["errors"] == 0


def test_a_guard_that_waits_for_a_lock_fails_soon(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    plant.device()
    answers_table(plant)
    plant.guard("asks", f"return coalesce({ANSWER}, true);")
    _, [message] = journey_of(plant, {"only_if": "asks"})
    holder = connect(autocommit=False)
    holder.execute("lock table shop.answers")
    plant.conn.execute("set statement_timeout = '20s'")
    assert plant.claim() == []
    assert "lock timeout" in guard_row(plant, "asks")["last_error"]
    assert plant.message_row(message)["deferred_reason"] == "guard_error"
    holder.rollback()


# -- time -------------------------------------------------------------------------------------

SLEEPS = NOT_AT_THE_TRIAL + "perform pg_sleep(60); return true;"
CATCHES = (
    NOT_AT_THE_TRIAL
    + "begin perform pg_sleep(60); exception when query_canceled then null; end; return true;"
)


@pytest.mark.parametrize("body", [SLEEPS, CATCHES], ids=["sleeps", "catches the cancellation"])
def test_a_guard_that_hangs_is_cut_off_and_the_rest_goes(
    clock: Clock, plant: Plant, body: str
) -> None:
    """The second guarded message is left for the next claim: a time-out fires once."""
    device = plant.device(burst=5)
    other = plant.device(burst=5)
    plant.guard("slow", body)
    plant.guard("yes", "return true;")
    _, [culprit] = journey_of(plant, {"only_if": "slow"})
    _, [guarded] = journey_of(plant, {"only_if": "yes"})
    free = [plant.message(device), plant.message(other)]
    plant.conn.execute("set statement_timeout = '600ms'")
    assert ids(plant.claim()) == free
    row = plant.message_row(culprit)
    assert (row["status"], row["deferred_reason"]) == ("pending", "guard_error")
    guard = guard_row(plant, "slow")
    assert guard["last_error"].startswith("it took longer than")
    assert guard["suspended_until"] == clock.now + MINUTE
    untouched = plant.message_row(guarded)
    assert (untouched["status"], untouched["not_before"]) == ("pending", None)
    plant.wake()
    assert ids(plant.claim()) == [guarded]


@pytest.mark.parametrize("timeout", ["0", "30s"])
def test_a_cancel_from_outside_stops_the_claim(
    clock: Clock, plant: Plant, connect: Connect, timeout: str
) -> None:
    plant.device()
    plant.guard("slow", SLEEPS)
    _, [message] = journey_of(plant, {"only_if": "slow"})
    claimer = clock.join(connect())
    claimer.execute(f"set statement_timeout = '{timeout}'".encode())
    caught: list[BaseException] = []

    def claim() -> None:
        try:
            plant.claim(session=claimer)
        except psycopg.Error as exc:
            caught.append(exc)

    thread = threading.Thread(target=claim)
    thread.start()
    # by then the guard has had its own share of the time; only the time-out's is not used up
    sleeping = (
        "select from pg_stat_activity where pid = %s and wait_event = 'PgSleep'"
        " and clock_timestamp() - query_start > interval '1.2 seconds'"
    )
    while not plant.rows(sleeping, claimer.info.backend_pid):
        assert thread.is_alive()
    plant.conn.execute("select pg_cancel_backend(%s)", [claimer.info.backend_pid])
    thread.join(10)
    assert [type(exc) for exc in caught] == [psycopg.errors.QueryCanceled]
    row = plant.message_row(message)
    assert (row["status"], row["not_before"]) == ("pending", None)
    assert guard_row(plant, "slow")["errors"] == 0


def test_guards_of_one_claim_take_a_second_in_all(clock: Clock, plant: Plant) -> None:
    """What is not asked in it is left as it is, for the next claim."""
    plant.device(burst=10)
    plant.guard("slow", NOT_AT_THE_TRIAL + "perform pg_sleep(0.4); return true;")
    sequence = plant.sequence({"only_if": "slow"})
    messages = [plant.journey(plant.enroll(sequence))[0]["id"] for _ in range(5)]
    first = ids(plant.claim())
    assert first == messages[:3]
    left = [plant.message_row(message) for message in messages[3:]]
    assert [(row["status"], row["not_before"]) for row in left] == [("pending", None)] * 2
    # slow as it is, it rests for ten times as long
    clock.advance(seconds=11)
    plant.wake()
    assert ids(plant.claim()) == []
    clock.advance(minutes=1)
    plant.wake()
    assert ids(plant.claim()) == messages[3:]


# -- what explanations say --------------------------------------------------------------------


def test_the_outlook_does_not_ask_and_says_so(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.guard("yes", "return true;")
    plant.guard("bad", BAD)
    _, [message] = journey_of(plant, {"only_if": "bad"}, exit_if="yes")
    row = plant.row("select * from drip.message_outlook where message_id = %s", message)
    assert (row["verdict"], row["reason"]) == ("go", None)
    assert row["sentence"] == "It may go now if its guard agrees: exit_if yes, only_if bad."


ASKED: dict[str, tuple[str, str, str | None]] = {
    "true": ("return true;", "go", None),
    "false": ("return false;", "guard_false", None),
    "null": ("return null;", "guard_error", "it returned null"),
    "error": (BAD, "guard_error", "division by zero"),
}


@pytest.mark.parametrize("body", ASKED)
def test_guards_can_be_asked_without_a_claim(clock: Clock, plant: Plant, body: str) -> None:
    """In a read-only transaction, too; nothing is written down."""
    text, said, error = ASKED[body]
    plant.device()
    plant.guard("g", text)
    _, [message] = journey_of(plant, {"only_if": "g"})
    with plant.conn.transaction():
        plant.conn.execute("set transaction read only")
        row = plant.row("select * from drip._ask_guards(array[%s]::bigint[])", message)
    assert (row["message_id"], row["guard"], row["answer"], row["error"]) == (
        message, "g", said, error,
    )  # fmt: skip
    assert guard_row(plant, "g")["errors"] == 0


EXPLAINED: dict[str, tuple[str, str | None, str | None]] = {
    "true": ("go", None, None),
    "false": ("drop", "guard_false", None),
    "null": ("wait", "guard_error", "it returned null"),
    "error": ("wait", "guard_error", "division by zero"),
}


@pytest.mark.parametrize("body", EXPLAINED)
def test_an_explanation_asks_the_guard(clock: Clock, plant: Plant, body: str) -> None:
    verdict, reason, error = EXPLAINED[body]
    plant.device()
    plant.guard("g", ASKED[body][0])
    _, [message] = journey_of(plant, {"only_if": "g"})
    explained = plant.explain(message)
    assert (explained["verdict"], explained["reason"]) == (verdict, reason)
    assert explained["earliest"] == (clock.now if verdict == "go" else None)
    assert explained["sentence"]
    rules = {row["rule"]: row for row in explained["rules"]}
    assert list(rules)[-2:] == ["guard_error", "guard_false"]
    assert rules["guard_error"]["evidence"].get("error") == error
    assert rules["guard_false"]["evidence"] == {"guard": "g"}
    # nothing was written, and the claim does what was said
    assert guard_row(plant, "g")["errors"] == 0
    plant.claim()
    row = plant.message_row(message)
    done = row["deferred_reason"] or row["status_reason"]
    assert done == reason
    assert (row["status"] == "processing") == (verdict == "go")


def test_an_explanation_of_one_that_ends_the_journey(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.guard("yes", "return true;")
    plant.guard("bad", BAD)
    _, [message] = journey_of(plant, {"only_if": "bad"}, exit_if="yes")
    explained = plant.explain(message)
    assert (explained["verdict"], explained["reason"]) == ("drop", "exit_if")
    assert explained["earliest"] is None
    assert "ends the journey" in explained["sentence"]


def test_an_explanation_asks_last(clock: Clock, plant: Plant) -> None:
    plant.device(status="offline")
    plant.guard("bad", BAD)
    _, [message] = journey_of(plant, {"only_if": "bad"})
    explained = plant.explain(message)
    assert explained["reason"] == "device_offline"
    rule = next(row for row in explained["rules"] if row["rule"] == "guard_false")
    assert rule["sentence"] == "Its guard is asked when no other rule stops the message."


def test_an_explanation_while_the_guard_rests(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.guard("g", "return true;")
    until = clock.now + timedelta(minutes=3)
    plant.conn.execute("update drip.guards set suspended_until = %s", [until])
    _, [message] = journey_of(plant, {"only_if": "g"})
    explained = plant.explain(message)
    assert (explained["reason"], explained["earliest"]) == ("guard_error", until)
    plant.claim()
    assert plant.message_row(message)["not_before"] == until
    assert plant.explain(message)["earliest"] == until


def test_nobody_is_asked_about_what_has_no_guard(clock: Clock, plant: Plant) -> None:
    message = plant.message(plant.device())
    assert plant.rows("select * from drip._ask_guards(array[%s]::bigint[])", message) == []


# -- whose guards are asked first -------------------------------------------------------------

SLOW = NOT_AT_THE_TRIAL + "perform pg_sleep(0.9); return true;"


def two_tenants(plant: Plant, body: str, shared: bool = False) -> tuple[list[int], int]:
    """Messages of a tenant with that guard, all of which come first, and one of another's."""
    plant.guard("slow", body, register=False)
    user = None if shared else str(plant.user)
    plant.row("select * from drip.register_guard('slow', 'shop.slow', p_user => %s)", user)
    plant.guard("yes", "return true;")
    other = plant.other_tenant()
    with plant.acting_for(plant.user):
        sequence = plant.sequence({"only_if": "slow"}, priority=1)
        theirs = []
        for _ in range(4):
            plant.device()
            theirs.append(plant.journey(plant.enroll(sequence))[0]["id"])
    with plant.acting_for(other):
        plant.device(user=other)
        enrollment = plant.enroll(plant.sequence({"only_if": "yes"}), lead=plant.lead(user=other))
        mine = plant.journey(enrollment)[0]["id"]
    return theirs, mine


def test_slow_guards_of_one_tenant_keep_no_other_from_being_asked(
    clock: Clock, plant: Plant
) -> None:
    """Though all that it waits for comes first, and takes more than the time of a claim."""
    theirs, mine = two_tenants(plant, SLOW)
    claimed = ids(plant.claim())
    assert mine in claimed
    # the others' are asked for as long as there is time
    assert set(claimed) < {mine, *theirs}
    assert len(claimed) >= 2


def test_slow_guards_rest_for_ten_times_as_long(clock: Clock, plant: Plant) -> None:
    theirs, _ = two_tenants(plant, SLOW)
    plant.claim()
    guard = guard_row(plant, "slow")
    assert guard["errors"] == 0
    assert guard["last_error"].startswith("it took ")
    assert timedelta(seconds=9) <= guard["suspended_until"] - clock.now < timedelta(minutes=2)
    assert plant.rows("select state from drip.list_guards() where name = 'slow'") == [
        {"state": "resting"}
    ]
    plant.wake()
    assert plant.claim() == []
    rows = [plant.message_row(message) for message in theirs]
    waiting = [row for row in rows if row["status"] == "pending"]
    assert len(waiting) >= 2
    assert {(row["deferred_reason"], row["not_before"]) for row in waiting} == {
        ("guard_error", guard["suspended_until"])
    }
    explained = plant.explain(waiting[0]["id"])
    assert (explained["reason"], explained["earliest"]) == ("guard_error", guard["suspended_until"])
    # and then it is asked again
    clock.set(guard["suspended_until"])
    plant.wake()
    assert set(ids(plant.claim())) <= {row["id"] for row in waiting} != set()


def test_three_tenants_with_slow_guards_hold_nobody_for_long(clock: Clock, plant: Plant) -> None:
    """Two of them fill the time of a claim; by the second one they rest."""
    for name in ("second", "third"):
        user = plant.other_tenant(name)
        plant.guard(name, SLOW, register=False)
        plant.row("select * from drip.register_guard(%s, %s, p_user => %s)",
                  name, f"shop.{name}", str(user))  # fmt: skip
        with plant.acting_for(user):
            plant.device(user=user)
            plant.enroll(plant.sequence({"only_if": name}), lead=plant.lead(user=user))
    _, mine = two_tenants(plant, SLOW)
    claimed = ids(plant.claim())
    plant.wake()
    claimed += ids(plant.claim())
    assert mine in claimed


def test_the_more_owners_of_slow_guards_rest_the_longer_each_does(
    clock: Clock, plant: Plant
) -> None:
    """Else many of them would take all the time by turns."""
    plant.guard("others", "return true;")
    plant.conn.execute(
        "update drip.guards set suspended_until = drip.now() + interval '1 minute'"
        " where name = 'others'"
    )
    two_tenants(plant, SLOW)
    plant.claim()
    rest = guard_row(plant, "slow")["suspended_until"] - clock.now
    assert timedelta(seconds=18) <= rest < timedelta(minutes=4)


def test_a_slow_guard_for_all_rests_as_well(clock: Clock, plant: Plant) -> None:
    _, mine = two_tenants(plant, SLOW, shared=True)
    assert mine in ids(plant.claim())
    assert guard_row(plant, "slow")["suspended_until"] > clock.now
    assert guard_row(plant, "yes")["suspended_until"] is None


def test_quick_guards_are_written_down_nowhere(clock: Clock, plant: Plant) -> None:
    theirs, mine = two_tenants(plant, "return true;")
    before = plant.rows("select g.*, g.xmin from drip.guards g order by g.name")
    assert set(ids(plant.claim())) == {mine, *theirs}
    assert plant.rows("select g.*, g.xmin from drip.guards g order by g.name") == before
