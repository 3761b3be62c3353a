"""set_account_status(): a person's word on what several devices share."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factory import Clock, Connect, Connection, Plant
from refusals import refusal

SET = "select * from drip.set_account_status(%s, %s, %s)"


@pytest.fixture
def portfolio(plant: Plant) -> int:
    """An account whose payment has failed, of two devices with something to send."""
    account = int(
        plant.value("select account_id from drip.upsert_account('Meta main', 'cloud_api')")
    )
    plant.update(
        "sender_accounts", account, status="needs_attention", status_reason="payment problem"
    )
    for _ in range(2):
        plant.message(plant.device(account_id=account))
    return account


def test_only_a_person_lifts_a_stop(
    clock: Clock, plant: Plant, portfolio: int, connect: Connect
) -> None:
    clock.advance(days=9)
    plant.wake()
    assert plant.claim() == []
    operator = clock.join(connect(role="drip_operator"))
    row = operator.execute(SET, ["Meta main", "online", "paid"]).fetchone()
    assert row == {"account_id": portfolio, "status": "online", "outcome": "changed"}
    assert len(plant.claim()) == 2
    entry = plant.row("select * from drip.audit_log where action = 'set_account_status'")
    assert (entry["subject_id"], entry["reason"]) == (portfolio, "paid")
    assert entry["details"]["changes"]["status"] == {"from": "needs_attention", "to": "online"}


def test_online_ends_a_pause_too(clock: Clock, plant: Plant, portfolio: int) -> None:
    plant.update("sender_accounts", portfolio, blocked_until=clock.now + timedelta(hours=1))
    assert plant.row(SET, str(portfolio), "online", None)["outcome"] == "changed"
    assert len(plant.claim()) == 2
    assert plant.row(SET, str(portfolio), "online", None)["outcome"] == "unchanged"


def test_the_explanation_names_the_way_out(plant: Plant, portfolio: int) -> None:
    message = plant.value("select min(id) from drip.broadcast_messages")
    explained = plant.explain(message)
    assert explained["reason"] == "account_blocked"
    trouble, _, statement = explained["remedy"].partition(", then:\n")
    assert "payment problem" in trouble
    plant.row(statement)
    plant.wake()
    assert len(plant.claim()) == 2


@pytest.mark.parametrize(
    ("account", "status", "code"),
    [
        ("Meta main", "asleep", "DR001"),
        ("Meta main", None, "DR001"),
        ("Meta mian", "online", "DR012"),
        ("999", "online", "DR012"),
        ("", "online", "DR001"),
        (None, "online", "DR001"),
    ],
)
def test_what_cannot_be_is_refused(
    conn: Connection, portfolio: int, account: str | None, status: str | None, code: str
) -> None:
    got, _, hint = refusal(conn, SET, account, status, None)
    assert got == code
    if account == "Meta mian":
        assert "Meta main" in str(hint)


def test_a_name_that_two_tenants_have_needs_the_tenant(plant: Plant, portfolio: int) -> None:
    other = plant.other_tenant()
    with plant.acting_for(other):
        plant.row("select * from drip.upsert_account('Meta main', 'cloud_api')")
    assert refusal(plant.conn, SET, "Meta main", "online", None)[0] == "DR011"
    with plant.acting_for(plant.user):
        assert plant.row(SET, "Meta main", "online", None)["account_id"] == portfolio
