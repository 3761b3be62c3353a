"""start_sequence(): only what can enroll and send is started, and it says who matches."""

from __future__ import annotations

import pytest
from factory import Clock, Plant
from refusals import refusal

START = "select * from drip.start_sequence(%s)"


def test_it_starts_once_and_counts_who_matches(clock: Clock, plant: Plant) -> None:
    plant.sequence(name="Warm", auto_enroll="trigger", trigger="warm_start", start=False)
    plant.lead(trigger="x, Warm_Start")
    plant.lead(trigger="warm_starter")
    plant.lead()

    row = plant.row(START, "Warm")

    assert (row["status"], row["matching"], row["outcome"]) == ("active", 1, "started")
    stored = plant.row("select * from drip.sequences")
    assert stored["is_active"]
    assert stored["started_at"] == clock.now
    assert plant.row(START, "Warm")["outcome"] == "already_active"


def test_without_steps(clock: Clock, plant: Plant) -> None:
    plant.conn.execute('select drip.create_sequence(\'{"name": "Empty", "trigger": "x"}\')')
    assert refusal(plant.conn, START, "Empty")[0] == "DR007"
    assert refusal(plant.conn, "update drip.sequences set status = 'active'")[0] == "DR007"


@pytest.mark.lesson(24, "something that enrolls")
def test_an_empty_trigger_is_refused_unless_manual(clock: Clock, plant: Plant) -> None:
    plant.sequence(name="Warm", auto_enroll="trigger", start=False)
    plant.sequence(name="Niche", auto_enroll="niche", start=False)
    plant.sequence({"trigger": "x"}, name="Step", auto_enroll="trigger", start=False)
    plant.sequence(name="Manual", auto_enroll="manual", start=False)

    assert refusal(plant.conn, START, "Warm")[0] == "DR006"
    assert refusal(plant.conn, START, "Niche")[0] == "DR006"
    assert plant.row(START, "Step")["outcome"] == "started"
    assert plant.row(START, "Manual")["outcome"] == "started"


def test_a_paused_one_is_resumed_instead(clock: Clock, plant: Plant) -> None:
    plant.sequence(name="Warm")
    plant.row("select * from drip.pause_sequence('Warm')")
    code, _, hint = refusal(plant.conn, START, "Warm")
    assert code == "DR005"
    assert "resume_sequence" in hint


def test_the_workers_are_told(clock: Clock, plant: Plant) -> None:
    plant.sequence(name="Warm", auto_enroll="trigger", trigger="x", start=False)
    plant.conn.execute("listen drip_enroll")
    plant.row(START, "Warm")
    [notice] = list(plant.conn.notifies(timeout=5, stop_after=1))
    assert notice.channel == "drip_enroll"
