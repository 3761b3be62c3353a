"""failure_reasons: why messages fail, and which codes nobody has described yet."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from factory import Clock, Connect, Plant

import pgdrip.senders

VIEW = "select * from drip.failure_reasons order by user_id, platform, error_code, status"


def fail(plant: Plant, device: int, code: str, outcome: str = "permanent", **more: str) -> int:
    """One message on the device that meets this code."""
    message = plant.message(device)
    plant.wake()
    [claimed] = plant.claim()
    plant.answer(claimed, outcome, error_code=code, **more)
    return message


def test_messages_by_platform_code_and_status(clock: Clock, plant: Plant) -> None:
    gowa, meta = plant.device(), plant.device(platform="cloud_api")
    start = clock.now
    fail(plant, gowa, "INVALID_JID")
    clock.advance(minutes=1)
    fail(plant, gowa, "INVALID_JID")
    fail(plant, gowa, "UPLOAD_MEDIA_ERROR", "retry", error_message="too large")
    fail(plant, gowa, "TIMEOUT", "unknown")
    plant.message(gowa)
    plant.answer(plant.claim()[0])  # what went well has no part in it
    plant.message(meta, message_type="template")
    plant.wake()
    [row] = plant.claim()
    plant.answer(row, "permanent", error_code="131049")

    rows = plant.rows(VIEW)

    assert [(r["platform"], r["error_code"], r["status"], r["messages"]) for r in rows] == [
        ("cloud_api", "131049", "pending", 1),
        ("gowa", "INVALID_JID", "failed", 2),
        ("gowa", "TIMEOUT", "unknown", 1),
        ("gowa", "UPLOAD_MEDIA_ERROR", "pending", 1),
    ]
    assert {row["is_known"] for row in rows} == {True}
    assert {row["remedy"] for row in rows} == {None}
    cap, numbers, _, upload = rows
    assert (cap["scope"], cap["action"], cap["wait"]) == ("recipient", "retry", timedelta(days=1))
    assert cap["next_try_at"] >= clock.now + timedelta(days=1)
    assert (numbers["first_at"], numbers["last_at"]) == (start, clock.now)
    assert (numbers["contacts"], numbers["next_try_at"]) == (2, None)
    assert numbers["meaning"] == "the number is not on WhatsApp"
    assert upload["last_error"] == "too large"


def test_a_message_counts_by_its_last_error_and_no_longer_once_sent(
    clock: Clock, plant: Plant
) -> None:
    device = plant.device()
    fail(plant, device, "UPLOAD_MEDIA_ERROR", "retry")
    clock.advance(hours=1)
    plant.wake()
    plant.answer(plant.claim()[0], "retry", error_code="INTERNAL_SERVER_ERROR")
    assert plant.row(VIEW)["error_code"] == "INTERNAL_SERVER_ERROR"
    clock.advance(hours=1)
    plant.wake()
    plant.answer(plant.claim()[0])
    assert plant.rows(VIEW) == []


@pytest.mark.parametrize(
    ("outcome", "scope", "row"),
    [
        ("permanent", "recipient", ("recipient", "fail", True)),
        ("retry", "recipient", ("recipient", "retry", True)),
        ("retry", "device", ("device", "retry", True)),
        ("permanent", "device", ("device", "stop", False)),
        ("unknown", "recipient", ("recipient", "unknown", True)),
    ],
)
def test_a_code_that_nobody_knows_is_shown_with_the_row_it_wants(
    plant: Plant, connect: Connect, outcome: str, scope: str, row: tuple[str, str, bool]
) -> None:
    device = plant.device()
    said = "it's new: 100 %"
    fail(plant, device, "ODD'1", outcome, scope=scope, error_message=said)
    unknown = plant.row(VIEW)
    assert (unknown["is_known"], unknown["scope"], unknown["action"]) == (False, None, None)
    assert unknown["meaning"] == said

    operator = connect(role="drip_operator")
    operator.execute(unknown["remedy"])

    added = plant.row("select * from drip.error_codes where code = 'ODD''1'")
    assert (added["scope"], added["action"], added["auto_resume"]) == row
    known = plant.row(VIEW)
    assert (known["is_known"], known["remedy"], known["meaning"]) == (True, None, said)


def test_an_application_sees_its_own_tenants_failures(plant: Plant, connect: Connect) -> None:
    other = plant.other_tenant()
    fail(plant, plant.device(), "INVALID_JID")
    plant.message(plant.device(user=other), user=other)
    plant.answer(plant.claim()[0], "permanent", error_code="INVALID_JID")
    assert len(plant.rows(VIEW)) == 2
    plant.conn.execute("create role failure_reader login in role drip_reader")
    try:
        plant.row("select * from drip.assign_role('failure_reader', 'other')")
        reader = connect(role="failure_reader")
        assert [row["user_id"] for row in reader.execute(VIEW.encode()).fetchall()] == [other]
    finally:
        plant.conn.execute("delete from drip.user_roles where role_name = 'failure_reader'")
        plant.conn.execute("drop role failure_reader")


@pytest.mark.parametrize("platform", ["gowa", "cloud_api"])
def test_every_code_that_a_sender_makes_itself_is_known(plant: Plant, platform: str) -> None:
    folder = Path(pgdrip.senders.__file__).parent
    text = (folder / "base.py").read_text() + (folder / f"{platform}.py").read_text()
    made = set(re.findall(r'(?:Scope\.\w+,|unknown\(|misconfigured\()\s*"([A-Z_]+)"', text))
    assert {"DNS", "TIMEOUT", "SECRET_MISSING", "VALIDATION_ERROR", "NO_MESSAGE_ID"} <= made
    rows = plant.rows("select code from drip.error_codes where platform = %s", platform)
    assert made <= {row["code"] for row in rows}
