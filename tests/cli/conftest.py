"""Runs the command line as a person does: as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def pgdrip(tmp_path: Path) -> Run:
    """Runs `pgdrip …` in an empty folder; `url` is DATABASE_URL, the rest its environment."""

    def run(
        *arguments: str, url: str | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        inherited = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
        given = {} if url is None else {"DATABASE_URL": url}
        return subprocess.run(
            [sys.executable, "-m", "pgdrip", *arguments],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=120,
            check=False,
            env={**inherited, "COLUMNS": "100", **given, **environment},
        )

    return run
