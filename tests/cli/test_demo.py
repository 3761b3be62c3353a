"""The demonstration ends cleanly, also when it is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pgdrip.demo.run import own_command
from pgdrip.schema.embedded import stop
from pgdrip.schema.target import current_database


def children_of(pid: int) -> list[int]:
    """The processes that this one has started and that still live."""
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in tasks.read_text().split()]


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_the_demo_stops_its_gateway_receiver_and_worker(
    tmp_path: Path, number: signal.Signals
) -> None:
    output = tmp_path / "output"
    with output.open("wb") as file:
        demo = subprocess.Popen(
            [sys.executable, "-m", "pgdrip", "demo"],
            stdout=file,
            stderr=file,
            cwd=tmp_path,
            env={key: value for key, value in os.environ.items() if key != "PGDRIP_HOME"},
            # a shell's background job ignores it, and so would all that it starts
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    try:
        wait(lambda: " rows of leads.csv" in output.read_text() or demo.poll() is not None)
        children = children_of(demo.pid)
        assert len(children) >= 3, output.read_text()
        demo.send_signal(number)
        assert demo.wait(60) == 130
        wait(lambda: not any(is_alive(child) for child in children), 10)
        assert "Traceback" not in output.read_text()
        assert current_database(tmp_path / ".pgdrip") == "pgdrip_demo"
    finally:
        demo.kill()
        stop(tmp_path / ".pgdrip")


@pytest.mark.parametrize("is_on_path", [True, False])
def test_farewell_names_the_command_that_works_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_on_path: bool
) -> None:
    script = tmp_path / ".venv" / "bin" / "pgdrip"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(script.parent))
    monkeypatch.setenv("PATH", str(script.parent) if is_on_path else "/usr/bin")
    assert own_command() == ("pgdrip" if is_on_path else ".venv/bin/pgdrip")
    script.unlink()
    assert own_command().endswith(" -m pgdrip")
