"""Help that reads well."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from pgdrip import __version__

Run = Callable[..., "subprocess.CompletedProcess[str]"]

COMMANDS = (
    "demo",
    "migrate",
    "drift",
    "worker",
    "receiver",
    "import",
    "apply",
    "export",
    "events",
    "status",
    "psql",
    "simulator",
)


def test_help_names_every_command(pgdrip: Run) -> None:
    done = pgdrip("--help")
    assert done.returncode == 0
    assert "Usage: pgdrip [OPTIONS] COMMAND" in done.stdout
    for command in COMMANDS:
        assert f" {command} " in done.stdout


@pytest.mark.parametrize("command", [c for c in COMMANDS if c != "psql"])
def test_every_command_explains_itself(pgdrip: Run, command: str) -> None:
    done = pgdrip(command, "--help")
    assert done.returncode == 0
    assert f"Usage: pgdrip {command}" in done.stdout


def test_without_a_command_the_help_is_shown(pgdrip: Run) -> None:
    assert "Commands" in pgdrip().stdout


def test_version(pgdrip: Run) -> None:
    assert pgdrip("--version").stdout.strip() == f"pgdrip {__version__}"
