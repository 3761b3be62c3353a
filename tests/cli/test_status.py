"""pgdrip status: what came back, and what did not."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable

from factory import Plant
from inbound import PHONE, ack, cloud_device, process, said, wrote

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_what_came_back_is_told(pgdrip: Run, dsn: str, plant: Plant) -> None:
    device, cloud = plant.device("Sales"), cloud_device(plant, "Cloud")
    message = plant.message(device, plant.lead(PHONE))
    for row in plant.claim():
        plant.answer(row)
    process(
        plant,
        ack(device, f"id-{message}", kind="read"),
        said(device, "STOP"),
        wrote(cloud, "hello", number_id="4711"),
    )
    done = pgdrip("status", url=dsn)
    assert done.returncode == 0, done.stderr
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    # sent, delivered, read, replied, opted out, unconfirmed
    assert any(re.match(r"Sales 1 1 1 1 1 0 \d\d:\d\d", line) for line in lines), done.stdout
    # replies, opt-outs, suppressed, dead letters
    assert "1 1 1 1" in lines
    assert any("webhook_dead_letters" in line for line in lines)
    assert PHONE not in done.stdout


def test_an_opt_out_that_matches_nobody_is_told(pgdrip: Run, dsn: str, plant: Plant) -> None:
    device = plant.device("Sales")
    hidden = {"chat_id": "251556368777322@lid", "from": "251556368777322@lid"}
    process(plant, said(device, "STOP", **hidden))
    done = pgdrip("status", url=dsn)
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    assert "Opt-outs of contacts whose number is not known" in text
    assert "251556368777322" not in text
