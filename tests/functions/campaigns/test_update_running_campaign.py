"""update_campaign() while messages wait, and the same by a plain UPDATE."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from factory import Clock, Plant, Row
from psycopg.types.json import Jsonb
from refusals import refusal

UPDATE = "select * from drip.update_campaign('Raya', %s)"
REHEARSE = "select * from drip.update_campaign('Raya', %s, true)"
LEADS = 6

Edit = Callable[[Plant, str, Any], None]


def start(plant: Plant, **more: Any) -> None:
    definition = {"title": "Raya", "message": "Old", "everyone": True} | more
    plant.row("select * from drip.create_campaign(%s)", Jsonb(definition))
    plant.row("select * from drip.schedule_campaign('Raya')")
    while plant.rows("select * from drip.expand_campaigns()"):
        pass


@pytest.fixture
def phones(clock: Clock, plant: Plant) -> list[int]:
    """Two devices of the pool and six leads."""
    devices = [plant.device(name) for name in ("one", "two")]
    for _ in range(LEADS):
        plant.lead()
    return devices


def messages(plant: Plant) -> list[Row]:
    return plant.rows("select * from drip.broadcast_messages order by lead_id")


def difference(before: list[Row], after: list[Row]) -> list[tuple[Any, ...]]:
    """What became of messages: outcome, message, lead, time and device before and after, why."""
    found: list[tuple[Any, ...]] = []
    for old, new in zip(before, after, strict=True):
        was, now = ((m["scheduled_at"], m["device_id"]) for m in (old, new))
        ids = new["id"], new["lead_id"]
        match old["status"], new["status"]:
            case "pending", "pending" if was != now:
                found.append(("moves", *ids, *was, *now, None))
            case "skipped", "pending":
                found.append(("gains", *ids, None, None, *now, None))
            case "pending", "skipped":
                found.append(("loses", *ids, *was, None, None, new["status_reason"]))
    return found


def listed(rows: list[Row]) -> list[tuple[Any, ...]]:
    names = ("outcome", "message_id", "lead_id", "at_before", "device_before", "at_after")
    return [tuple(row[n] for n in (*names, "device_after", "reason")) for row in rows]


def update(plant: Plant, **changes: Any) -> Row:
    """The edit's first row. Each edit lists what becomes of the messages, as its rehearsal did."""
    before = messages(plant)
    rehearsed = plant.rows(REHEARSE, Jsonb(changes))
    assert messages(plant) == before
    done = plant.rows(UPDATE, Jsonb(changes))
    assert listed(done[1:]) == listed(rehearsed[1:]) == difference(before, messages(plant))
    assert {row["applied"] for row in rehearsed} == {False}
    assert {row["applied"] for row in done} == {True}
    outcomes = [row["outcome"] for row in done[1:]]
    assert counts(done[0]) == tuple(outcomes.count(o) for o in ("moves", "gains", "loses"))
    return done[0]


def counts(row: Row) -> tuple[int, int, int]:
    return row["moved"], row["gained"], row["lost"]


def reasons(plant: Plant) -> list[str | None]:
    return [m["status_reason"] for m in messages(plant)]


def test_a_text_counts_from_the_next_claim(clock: Clock, plant: Plant, phones: list[int]) -> None:
    start(plant)
    first = plant.claim()
    assert {row["content"] for row in first} == {"Old"}
    row = update(plant, message="New {name|friend}")
    assert (row["outcome"], row["changed"], counts(row)) == ("updated", ["message"], (0, 0, 0))
    for claimed in first:
        plant.answer(claimed)
    plant.wake()
    assert {row["content"] for row in plant.claim()} == {"New friend"}


def test_another_type_goes_with_its_media(clock: Clock, plant: Plant, phones: list[int]) -> None:
    start(plant)
    assert refusal(plant.conn, UPDATE, Jsonb({"message_type": "image"}))[0].startswith("DR")
    assert {m["message_type"] for m in messages(plant)} == {"text"}
    update(plant, message_type="image", media_url="https://x.test/a.png", caption="Look")
    [one, _] = plant.claim()
    assert (one["message_type"], one["media_url"], one["caption"]) == (
        "image",
        "https://x.test/a.png",
        "Look",
    )


def test_what_comes_back_after_an_edit_goes_as_the_new_type(
    clock: Clock, plant: Plant, phones: list[int]
) -> None:
    start(plant)
    first = plant.claim()
    update(plant, message_type="image", media_url="https://x.test/a.png", caption="Look")
    for row in first:
        plant.answer(row, "retry", scope="recipient", retry_after_seconds=1)
    clock.advance(seconds=1)
    again = []
    for _ in range(LEADS // 2):
        plant.wake()
        for row in plant.claim():
            again.append(row)
            plant.answer(row)
    assert {row["message_id"] for row in first} <= {row["message_id"] for row in again}
    assert {(row["message_type"], row["media_url"], row["content"]) for row in again} == {
        ("image", "https://x.test/a.png", None)
    }
    assert {row["message_type"] for row in messages(plant)} == {"image"}


@pytest.mark.parametrize("how", ["verb", "update"])
def test_a_new_time_moves_what_waits(
    clock: Clock, plant: Plant, phones: list[int], how: str
) -> None:
    start(plant, valid_for="1 hour")
    claimed = plant.claim()
    at = clock.now + timedelta(hours=3)

    if how == "verb":
        row = update(plant, scheduled_at=at.isoformat())
        assert counts(row) == (LEADS - 2, 0, 0)
    else:
        plant.conn.execute("update drip.campaigns set scheduled_at = %s", [at])

    for row in messages(plant):
        if row["status"] == "pending":
            assert (row["scheduled_at"], row["expires_at"]) == (at, at + timedelta(hours=1))
        else:
            assert row["scheduled_at"] == clock.now
    for row in claimed:
        plant.answer(row)
    plant.wake()
    assert plant.claim() == []
    clock.set(at)
    plant.wake()
    assert len(plant.claim()) == 2


def test_each_leads_own_clock(clock: Clock, plant: Plant, phones: list[int]) -> None:
    plant.lead(time_zone="Asia/Tokyo")
    start(plant)
    row = update(plant, local_time_per_lead=True, scheduled_at="2026-03-03 10:00")
    assert counts(row) == (LEADS + 1, 0, 0)
    local = plant.rows(
        "select distinct m.scheduled_at at time zone coalesce(l.time_zone, 'UTC') as at"
        " from drip.broadcast_messages m join drip.leads l on l.id = m.lead_id"
    )
    assert [row["at"].isoformat() for row in local] == ["2026-03-03T10:00:00"]


def test_validity_priority_and_category(clock: Clock, plant: Plant, phones: list[int]) -> None:
    start(plant, valid_for="1 hour")
    row = update(plant, valid_for="3 hours", priority=2, category="utility")
    assert row["changed"] == ["category", "priority", "valid_for"]
    found = {(m["expires_at"], m["priority"], m["category"]) for m in messages(plant)}
    assert found == {(clock.now + timedelta(hours=3), 2, "utility")}
    update(plant, valid_for=None)
    assert {m["expires_at"] for m in messages(plant)} == {None}


def test_who_opted_out_of_marketing(clock: Clock, plant: Plant, phones: list[int]) -> None:
    for category in ("marketing", "all"):
        lead = plant.lead()
        plant.suppress(plant.value("select phone from drip.leads where id = %s", lead), category)
    start(plant)
    assert reasons(plant)[LEADS:] == ["suppressed", "suppressed"]
    assert counts(update(plant, category="utility")) == (0, 1, 0)
    assert reasons(plant)[LEADS:] == [None, "suppressed"]
    assert counts(update(plant, category="marketing")) == (0, 0, 1)
    assert reasons(plant)[LEADS:] == ["suppressed", "suppressed"]


def test_the_limit_per_device(clock: Clock, plant: Plant, phones: list[int]) -> None:
    start(plant, per_device_limit=2)

    def states() -> list[int]:
        found = messages(plant)
        return [sum(m["status"] == s for m in found) for s in ("sent", "pending", "skipped")]

    assert states() == [0, 4, 2]
    for row in plant.claim():
        plant.answer(row)
    assert states() == [2, 2, 2]
    assert counts(update(plant, per_device_limit=1)) == (0, 0, 2)
    assert states() == [2, 0, 4]
    assert counts(update(plant, per_device_limit=3)) == (0, 4, 0)
    assert states() == [2, 4, 0]
    plant.rows(UPDATE, Jsonb({"per_device_limit": 2}))
    assert counts(update(plant, per_device_limit=None)) == (0, 2, 0)
    assert states() == [2, 4, 0]
    # what has been gained goes, and the campaign ends
    for _ in range(3):
        plant.wake()
        for row in plant.claim():
            plant.answer(row)
    plant.tick()
    assert plant.value("select status from drip.campaigns") == "completed"


def test_other_devices(clock: Clock, plant: Plant, phones: list[int]) -> None:
    start(plant)
    first = plant.claim()
    row = update(plant, devices=["two"])
    assert counts(row) == (2, 0, 0)
    waiting = {m["device_id"] for m in messages(plant) if m["status"] == "pending"}
    assert waiting == {phones[1]}
    # what is under way keeps its device
    assert {m["device_id"] for m in messages(plant) if m["status"] == "processing"} == set(phones)
    for claimed in first:
        plant.answer(claimed)
    own = plant.value(
        "select lead_id from drip.broadcast_messages where status = 'pending' limit 1"
    )
    plant.update("leads", own, device_id=phones[0])
    assert counts(update(plant, devices=None)) == (1, 0, 0)
    device = plant.value("select device_id from drip.broadcast_messages where lead_id = %s", own)
    assert device == phones[0]


def test_a_dry_run_tells_and_changes_nothing(clock: Clock, plant: Plant, phones: list[int]) -> None:
    start(plant)
    before = messages(plant), plant.row("select * from drip.campaigns")
    changes = Jsonb({"per_device_limit": 2, "priority": 1, "title": "Other"})
    rehearsed = plant.rows(REHEARSE, changes)
    assert (messages(plant), plant.row("select * from drip.campaigns")) == before
    assert plant.value("select count(*) from drip.audit_log where action = 'update_campaign'") == 0
    assert rehearsed[0]["outcome"] == "dry_run"
    done = plant.rows(UPDATE, changes)
    rehearsed[0]["outcome"] = "updated"
    assert done == [row | {"applied": True} for row in rehearsed]
    assert counts(done[0]) == (0, 0, 2)
    assert [row["reason"] for row in done] == [None, *["campaign_device_limit"] * 2]
    again = plant.row("select * from drip.update_campaign('Other', %s)", changes)
    assert (again["outcome"], again["changed"], counts(again)) == ("unchanged", [], (0, 0, 0))


def test_an_edit_of_several_settings_at_once(clock: Clock, plant: Plant, phones: list[int]) -> None:
    """Whatever rules speak, a message is listed once."""
    plant.suppress(plant.value("select phone from drip.leads order by id limit 1"), "marketing")
    start(plant, per_device_limit=2)
    later = (clock.now + timedelta(hours=1)).isoformat()
    row = update(plant, category="utility", devices=["one"], scheduled_at=later)
    assert counts(row) == (1, 1, 3)


HOURS: dict[str, dict[str, Any]] = {
    "through midnight": {"send_from": "22:00", "send_to": "02:00"},
    "days": {"send_days": [3, 6]},
    "with a time": {"send_from": "06:00", "send_to": "07:30", "scheduled_at": "2026-03-03 07:00"},
}


@pytest.mark.parametrize("changes", HOURS.values(), ids=HOURS)
def test_what_new_hours_move_is_listed_and_then_done(
    clock: Clock, plant: Plant, changes: dict[str, Any]
) -> None:
    """In each lead's zone; what a person has paused is apart."""
    plant.device(burst=9)
    zones = ("Asia/Kuala_Lumpur", "America/New_York", "Europe/Berlin", "Asia/Tokyo")
    leads = [plant.lead(time_zone=zone) for zone in zones]
    paused = plant.lead("+60199999999")
    plant.row("select * from drip.pause_lead('+60199999999', '2026-03-20')")
    start(plant, send_from="08:00", send_to="20:00")
    # one of them has failed once, and rests
    [first] = plant.claim(limit=1)
    plant.answer(first, "retry", scope="recipient", retry_after_seconds=7 * 3600)

    def lived(**duration: float) -> dict[int, Any]:
        """When each message leaves if nothing more is changed."""
        with plant.rolled_back():
            now = clock.now
            plant.live(clock, now + timedelta(**duration))
            clock.set(now)
            rows = plant.rows("select lead_id, sent_at from drip.broadcast_messages")
        clock.set(now)
        return {row["lead_id"]: row["sent_at"] for row in rows}

    before = lived(hours=14)
    rehearsed = plant.rows(REHEARSE, Jsonb(changes))
    done = plant.rows(UPDATE, Jsonb(changes))
    after = lived(hours=62)
    assert all(before[lead] and after[lead] for lead in leads)
    assert listed(done[1:]) == listed(rehearsed[1:])
    moves = {row["lead_id"]: (row["at_before"], row["at_after"]) for row in done[1:]}
    assert counts(done[0]) == (len(moves), 0, 0)
    assert len(moves) >= 3
    assert (paused in moves) == ("scheduled_at" in changes)  # its planned time moves all the same
    moves.pop(paused, None)
    assert moves == {
        lead: (before[lead], after[lead]) for lead in leads if before[lead] != after[lead]
    }


def test_hours_that_never_come_and_hours_of_a_paused_one(
    clock: Clock, plant: Plant, phones: list[int]
) -> None:
    start(plant)
    rows = plant.rows(UPDATE, Jsonb({"send_days": [1]}))  # a Monday it is
    assert counts(rows[0]) == (0, 0, 0)
    rows = plant.rows(UPDATE, Jsonb({"send_from": "00:00", "send_to": "00:01"}))
    monday = clock.now.replace(hour=0, minute=0) + timedelta(days=7)
    assert {(row["at_before"], row["at_after"]) for row in rows[1:]} == {(clock.now, monday)}
    assert len(rows) == 1 + LEADS
    plant.row("select * from drip.pause_campaign('Raya')")
    rows = plant.rows(UPDATE, Jsonb({"send_from": None, "send_to": None}))
    assert counts(rows[0]) == (0, 0, 0)


def test_a_paused_one_follows_and_stays_held(clock: Clock, plant: Plant, phones: list[int]) -> None:
    start(plant)
    plant.row("select * from drip.pause_campaign('Raya')")
    clock.advance(hours=1)
    at = clock.now + timedelta(hours=5)
    assert counts(update(plant, scheduled_at=at.isoformat(), message="New")) == (LEADS, 0, 0)
    plant.wake()
    assert plant.claim() == []
    clock.advance(hours=2)
    # the new time was given in the pause: only what came after counts
    plant.row("select * from drip.resume_campaign('Raya')")
    assert {m["scheduled_at"] for m in messages(plant)} == {at + timedelta(hours=2)}
    clock.set(at + timedelta(hours=2))
    plant.wake()
    assert {row["content"] for row in plant.claim()} == {"New"}


def test_half_planned(clock: Clock, plant: Plant, phones: list[int]) -> None:
    """Leads that are planned later get what the edit says."""
    plant.row(
        "select * from drip.create_campaign(%s)",
        Jsonb({"title": "Raya", "message": "Old", "everyone": True}),
    )
    plant.row("select * from drip.schedule_campaign('Raya')")
    plant.row("select * from drip.expand_campaigns(3)")
    update(plant, priority=2, valid_for="1 day", per_device_limit=2)
    while plant.rows("select * from drip.expand_campaigns(3)"):
        pass
    found = messages(plant)
    assert len(found) == LEADS
    assert {(m["priority"], m["expires_at"]) for m in found} == {(2, clock.now + timedelta(days=1))}
    assert sum(m["status"] == "pending" for m in found) == 4


@pytest.mark.parametrize("how", ["verb", "update"])
@pytest.mark.parametrize(
    ("column", "value"),
    [("niche", "food"), ("target_status", "customer"), ("everyone", False)],
)
def test_the_audience_is_settled(
    clock: Clock, plant: Plant, phones: list[int], how: str, column: str, value: Any
) -> None:
    start(plant, niche="")
    changes = {"niche": "skincare"} if column == "everyone" else {}
    before = plant.row("select * from drip.campaigns")
    if how == "verb":
        code, _, hint = refusal(plant.conn, UPDATE, Jsonb(changes | {column: value}))
    else:
        code, _, hint = refusal(
            plant.conn,
            f"update drip.campaigns set niche = 'food', {column} = %s"
            if column != "niche"
            else "update drip.campaigns set niche = %s",
            value,
        )
    assert code == "DR005"
    assert "create_campaign" in hint
    assert plant.row("select * from drip.campaigns") == before


def test_finished_ones_are_refused(clock: Clock, plant: Plant, phones: list[int]) -> None:
    start(plant)
    plant.row("select * from drip.cancel_campaign('Raya')")
    assert refusal(plant.conn, UPDATE, Jsonb({"message": "New"}))[0] == "DR005"
    plant.campaign(title="done", status="completed")
    query = "select * from drip.update_campaign('done', '{\"message\": \"New\"}')"
    assert refusal(plant.conn, query)[0] == "DR005"


def test_what_waits_after_a_failure_keeps_its_rest(
    clock: Clock, plant: Plant, phones: list[int]
) -> None:
    start(plant)
    for row in plant.claim():
        plant.answer(row, "retry", scope="recipient", retry_after_seconds=600)
    resting = [(m["id"], m["not_before"]) for m in messages(plant) if m["failures"]]
    assert len(resting) == 2
    update(plant, priority=2, scheduled_at=(clock.now - timedelta(hours=1)).isoformat())
    assert [(m["id"], m["not_before"]) for m in messages(plant) if m["failures"]] == resting
