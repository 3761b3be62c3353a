"""A row that cannot be judged or rendered stops nobody but itself.

Each poison is put past the checks, as a superuser without triggers and constraints could, or an
older release; beside it stand a message of the same tenant and one of another.
"""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from factory import Clock, Plant
from psycopg.types.json import Jsonb

DEEP = "[" * 3000 + "]" * 3000
Poison = Callable[[Plant, int], int]


def past_the_checks(plant: Plant, query: str, *arguments: object) -> None:
    """Run a statement without our triggers and without the checks of its table."""
    table = query.split()[1]
    plant.conn.execute("set session_replication_role = replica")
    for row in plant.rows(
        "select conname from pg_constraint where conrelid = %s::regclass and contype = 'c'", table
    ):
        plant.conn.execute(f"alter table {table} drop constraint {row['conname']}".encode())
    plant.conn.execute(query.encode(), arguments)
    plant.conn.execute("reset session_replication_role")


def deep_template(plant: Plant, device: int) -> int:
    message = plant.message(
        device, message_type="template", source=Jsonb({"template": {"name": "hello"}})
    )
    past_the_checks(
        plant,
        "update drip.broadcast_messages set source ="
        " jsonb_set(source, '{template,components}', %s::jsonb) where id = %s",
        DEEP,
        message,
    )
    return message


def endless_text(plant: Plant, device: int) -> int:
    return plant.message(device, source=Jsonb({"content": "{}" * 200_000}))


def swelling_text(plant: Plant, device: int) -> int:
    lead = plant.lead()
    past_the_checks(plant, "update drip.leads set name = repeat('x', 100000) where id = %s", lead)
    return plant.message(device, lead, source=Jsonb({"content": "{name}" * 1000}))


def unknown_zone(plant: Plant, device: int) -> int:
    lead = plant.lead()
    plant.tenant(send_from="00:00", send_to="23:59")
    past_the_checks(plant, "update drip.leads set time_zone = 'No/Where' where id = %s", lead)
    return plant.message(device, lead, category="marketing")


def variants_without_weights(plant: Plant, device: int) -> int:
    campaign = plant.campaign()
    message: int = plant.message(device, campaign_id=campaign, priority=3)
    past_the_checks(
        plant,
        """update drip.campaigns set variants = '[{"name": "A", "weight": "heavy"}]'
           where id = %s""",
        campaign,
    )
    return message


def gap_beyond_the_calendar(plant: Plant, device: int) -> int:
    lead = plant.lead()
    plant.message(
        device,
        lead,
        category="marketing",
        status="sent",
        sent_at=plant.now(),
        finished_at=plant.now(),
    )
    message = plant.message(device, lead, category="marketing")
    past_the_checks(
        plant,
        "update drip.users set contact_gap = interval '293000 years' where id = %s",
        plant.value("select user_id from drip.leads where id = %s", lead),
    )
    return message


def wait_beyond_the_calendar(plant: Plant, device: int) -> int:
    sequence = plant.sequence({}, {})
    enrollment = plant.enroll(sequence)
    first, second = plant.journey(enrollment)
    plant.update(
        "broadcast_messages",
        first["id"],
        status="sent",
        sent_at=plant.now(),
        finished_at=plant.now(),
        device_id=device,
    )
    plant.update("broadcast_messages", second["id"], scheduled_at=plant.now(), device_id=device)
    past_the_checks(
        plant,
        "update drip.sequence_steps set trigger_delay_hours = 1e15 where id = %s",
        second["sequence_stepid"],
    )
    return int(second["id"])


POISONS: list[Poison] = [
    deep_template,
    endless_text,
    swelling_text,
    unknown_zone,
    variants_without_weights,
    gap_beyond_the_calendar,
    wait_beyond_the_calendar,
]


@pytest.mark.parametrize("poison", POISONS)
def test_a_poisoned_message_fails_alone(clock: Clock, plant: Plant, poison: Poison) -> None:
    device = plant.device(burst=10)
    other = plant.other_tenant()
    healthy_other = plant.message(plant.device(user=other), user=other)
    with plant.acting_for(plant.user):
        poisoned = poison(plant, device)
        healthy = plant.message(device)
    claimed = {row["message_id"] for row in plant.claim()}
    assert claimed == {healthy, healthy_other}
    row = plant.row(
        "select status, status_reason, error_code, error_message"
        " from drip.broadcast_messages where id = %s",
        poisoned,
    )
    assert (row["status"], row["status_reason"]) == ("failed", "unrenderable")
    assert row["error_code"] == "UNRENDERABLE"
    assert row["error_message"]


def test_many_poisoned_messages_fail_in_one_call(clock: Clock, plant: Plant) -> None:
    device = plant.device(burst=100)
    poisoned = [plant.message(device, source=Jsonb({"content": "x" * 70_000})) for _ in range(20)]
    healthy = [plant.message(device) for _ in range(5)]
    assert {row["message_id"] for row in plant.claim()} == set(healthy)
    assert {plant.message_row(message)["status"] for message in poisoned} == {"failed"}


def test_the_search_takes_a_few_devices_at_a_time(clock: Clock, plant: Plant) -> None:
    """All devices of a large tenant at once would outlast the worker's time-out every time."""
    other = plant.other_tenant()
    healthy_other = plant.message(plant.device(user=other), user=other)
    healthy = [plant.message(plant.device()) for _ in range(25)]
    poisoned = plant.message(plant.device(), source=Jsonb({"content": "x" * 70_000}))
    first = {row["message_id"] for row in plant.claim()}
    assert healthy_other in first
    assert 0 < len(first - {healthy_other}) <= 20
    second = {row["message_id"] for row in plant.claim()}
    assert first | second == {healthy_other, *healthy}
    assert plant.message_row(poisoned)["status"] == "failed"


def test_the_search_ends_before_the_workers_time_out(clock: Clock, plant: Plant) -> None:
    """What it has found by then has failed, and the others are served meanwhile."""
    device = plant.device(burst=100)
    other = plant.other_tenant()
    healthy_other = plant.message(plant.device(user=other), user=other)
    poisoned = [plant.message(device, source=Jsonb({"content": "x" * 70_000})) for _ in range(20)]
    healthy = plant.message(device)
    plant.conn.execute(
        "create sequence public.slow_looks;"
        "create or replace function drip._wall_clock() returns timestamptz language sql volatile"
        " as $$select pg_catalog.clock_timestamp()"
        " + pg_catalog.nextval('public.slow_looks') * interval '300 milliseconds'$$"
    )

    def failed() -> int:
        return sum(plant.message_row(message)["status"] == "failed" for message in poisoned)

    assert [row["message_id"] for row in plant.claim()] == [healthy_other]
    assert 0 < failed() < 20
    claimed: list[int] = []
    for _ in range(20):
        plant.wake()
        claimed += [row["message_id"] for row in plant.claim()]
    assert claimed == [healthy]
    assert failed() == 20


def test_the_journey_goes_on_behind_a_step_that_cannot_be_rendered(
    clock: Clock, plant: Plant
) -> None:
    plant.device()
    sequence = plant.sequence({}, {"trigger_delay_hours": 1})
    enrollment = plant.enroll(sequence)
    past_the_checks(
        plant,
        "update drip.sequence_steps set content = repeat('x', 70000)"
        " where sequence_id = %s and day_number = 1",
        sequence,
    )
    assert plant.claim() == []
    assert plant.enrollment(enrollment)["status"] == "failed"
    clock.advance(hours=2)
    plant.wake()
    assert [row["content"] for row in plant.claim()] == ["Step"]


def test_a_mended_message_is_tried_again_by_its_remedy(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    lead = plant.lead()
    plant.tenant(send_from="00:00", send_to="23:59")
    past_the_checks(plant, "update drip.leads set time_zone = 'No/Where' where id = %s", lead)
    message = plant.message(device, lead, category="marketing")
    assert plant.claim() == []
    past_the_checks(plant, "update drip.leads set time_zone = null where id = %s", lead)
    explained = plant.row("select * from drip.explain_message(%s)", message)
    assert "error_message says why" in explained["sentence"]
    plant.conn.execute(explained["remedy"].encode())
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [message]


def test_an_error_that_is_nobodys_row_fails_no_message(clock: Clock, plant: Plant) -> None:
    """Code that is missing, as in the middle of a broken upgrade, is the caller's to see."""
    message = plant.message(plant.device())
    plant.conn.execute("alter function drip._render_message rename to _render_nothing")
    with pytest.raises(psycopg.errors.UndefinedFunction):
        plant.claim()
    assert plant.message_row(message)["status"] == "pending"


def test_a_row_that_breaks_a_rule_of_its_table_rests_its_tenants_devices_alone(
    clock: Clock, plant: Plant
) -> None:
    """Where the message cannot even be failed, the others are served all the same."""
    device = plant.device()
    other = plant.other_tenant()
    plant.message(device, source=Jsonb({"content": "x" * 70_000}))
    plant.conn.execute(
        "alter table drip.broadcast_messages add check (length(source ->> 'content') < 70000)"
        " not valid"
    )
    healthy_other = plant.message(plant.device(user=other), user=other)
    assert [row["message_id"] for row in plant.claim()] == [healthy_other]
    error = plant.value("select last_error from drip.task_runs where name = 'claim_messages'")
    assert str(error).startswith(f"tenant {plant.user}: DR021")


# -- sweeps ---------------------------------------------------------------------------------------


def sweep_errors(plant: Plant) -> dict[str, str]:
    """The errors of one tick, by sweep."""
    return {row["task"]: row["error"] for row in plant.rows("select * from drip.tick()")}


def test_a_bad_hold_of_one_tenant_ends_no_hold_of_another_late(clock: Clock, plant: Plant) -> None:
    other = plant.other_tenant()
    ours = plant.message(
        plant.device(), status="unknown", status_reason="no_answer", finished_at=plant.now()
    )
    theirs = plant.message(
        plant.device(user=other),
        user=other,
        status="unknown",
        status_reason="no_answer",
        finished_at=plant.now(),
    )
    past_the_checks(
        plant,
        "update drip.users set unknown_hold = interval '293000 years' where id = %s",
        plant.user,
    )
    clock.advance(days=30)
    assert str(sweep_errors(plant)["end_unknown_holds"]).startswith(f"tenant {plant.user}: 22008")
    assert plant.message_row(theirs)["hold_ended_at"] is not None
    assert plant.message_row(ours)["hold_ended_at"] is None


def test_a_bad_lease_of_one_tenant_expires_no_lease_of_another_late(
    clock: Clock, plant: Plant
) -> None:
    other = plant.other_tenant()
    plant.message(plant.device())
    theirs = plant.message(plant.device(user=other), user=other)
    assert len(plant.claim()) == 2
    past_the_checks(plant, "update drip.users set time_zone = 'No/Where' where id = %s", plant.user)
    clock.advance(hours=1)
    assert plant.row("select * from drip.expire_leases()")["expired"] == 1
    assert plant.message_row(theirs)["status"] == "unknown"


def test_a_bad_program_of_one_tenant_enrolls_no_lead_of_another_late(
    clock: Clock, plant: Plant
) -> None:
    other = plant.other_tenant()
    for user in (plant.user, other):
        with plant.acting_for(user):
            plant.device(user=user)
            plant.sequence(auto_enroll="trigger", trigger="cold", name=f"of {user}")
    ours = plant.lead(trigger="cold")
    theirs = plant.lead(user=other, trigger="cold")
    past_the_checks(
        plant,
        """update drip.leads set chained = '{"cold": "tomorrow or so"}' where id = %s""",
        ours,
    )
    assert plant.row("select * from drip.enroll_matching_leads()")["enrolled"] == 1
    assert plant.value("select lead_id from drip.sequence_contacts") == theirs


def test_a_bad_campaign_of_one_tenant_plans_none_of_another_late(
    clock: Clock, plant: Plant
) -> None:
    other = plant.other_tenant()
    plant.lead()
    theirs = plant.lead(user=other)
    bad = plant.campaign(status="pending", scheduled_at=plant.now())
    plant.campaign(user=other, status="pending", scheduled_at=plant.now())
    past_the_checks(
        plant,
        "update drip.campaigns set expand_attempts = 2147483647, last_run_at = '294000-01-01'"
        " where id = %s",
        bad,
    )
    assert plant.row("select inserted from drip.expand_campaigns()")["inserted"] == 1
    assert plant.value("select lead_id from drip.broadcast_messages") == theirs
