"""pgdrip events: the list of types, and following them as they happen."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from factory import Connection, Plant

from pgdrip.events import EVENT_TYPES

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Wait = Callable[..., Any]


@contextmanager
def following(folder: Path, url: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`pgdrip events follow …` as a process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pgdrip", "events", "follow", *arguments, "--database-url", url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=os.environ | {"COLUMNS": "200"},
    )
    try:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Following")
        yield process
    finally:
        process.kill()
        process.wait()


def read_event(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.endswith("}\n")
    event = json.loads(line)
    assert isinstance(event, dict)
    return event


def subscriptions(conn: Connection) -> int:
    row = conn.execute("select count(*) as n from drip.subscriptions").fetchone()
    assert row
    return int(row["n"])


def test_the_types_are_listed_with_a_sentence(pgdrip: Run) -> None:
    done = pgdrip("events", "list", COLUMNS="150")
    assert done.returncode == 0
    for event in EVENT_TYPES.values():
        assert event.name in done.stdout
        assert event.sentence in done.stdout


@pytest.mark.parametrize("command", ["list", "follow"])
def test_each_explains_itself(pgdrip: Run, command: str) -> None:
    assert f"Usage: pgdrip events {command}" in pgdrip("events", command, "--help").stdout


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_events_come_a_json_object_a_line_until_it_is_stopped(
    dsn: str, plant: Plant, tmp_path: Path, stop: signal.Signals
) -> None:
    plant.suppress("+60123456780")
    with following(tmp_path, dsn, "lead.*") as process:
        plant.device()  # another type
        plant.suppress("+60123456781")
        first = read_event(process)
        plant.conn.execute("select * from drip.opt_in('+60123456781')")
        second = read_event(process)
        assert [first["type"], second["type"]] == ["lead.opted_out", "lead.opted_in"]
        assert first["data"]["phone"] == "+60123456781"
        assert subscriptions(plant.conn) == 1
        process.send_signal(stop)
        output, complaint = process.communicate(timeout=30)
        assert (output, complaint, process.returncode) == ("", "", 0)
    assert subscriptions(plant.conn) == 0
    assert plant.tick()["drop_event_queues"]["rows"] == 1


def test_only_the_tenant_that_is_named(dsn: str, plant: Plant, tmp_path: Path) -> None:
    other = plant.other_tenant("Beta")
    with following(tmp_path, dsn, "#", "--user", "Beta") as process:
        plant.suppress("+60123456781")
        with plant.acting_for(other):
            plant.conn.execute("select * from drip.opt_out('+60123456782')")
        assert read_event(process)["data"]["phone"] == "+60123456782"


def test_a_reader_that_leaves_early_ends_it(dsn: str, plant: Plant, tmp_path: Path) -> None:
    with following(tmp_path, dsn) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        plant.suppress("+60123456781")
        process.wait(timeout=30)
        assert process.stderr.read() == ""
    assert subscriptions(plant.conn) == 0


def test_a_pattern_that_matches_nothing_is_an_error(pgdrip: Run, dsn: str) -> None:
    done = pgdrip("events", "follow", "mesage.*", url=dsn)
    assert done.returncode == 1
    assert "matches no type of event" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_tenant_must_be_named_where_there_are_several(
    pgdrip: Run, dsn: str, plant: Plant
) -> None:
    plant.other_tenant()
    done = pgdrip("events", "follow", url=dsn)
    assert (done.returncode, "DR010" in done.stderr) == (1, True)
    assert pgdrip("events", "follow", "--user", "nobody", url=dsn).returncode == 1
