"""The wheel, built from a copy, so that the checkout stays clean."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("worker", "db", "examples", "pyproject.toml", "MANIFEST.in", "LICENSE", "README.md")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    source = tmp_path_factory.mktemp("source")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(
                ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__")
            )
        elif (ROOT / part).is_file():
            shutil.copy(ROOT / part, source / part)
    target = tmp_path_factory.mktemp("wheel")
    pip(
        Path(sys.executable), "wheel", "--no-deps", "--no-build-isolation", "--no-index",
        "--wheel-dir", str(target), str(source),
    )  # fmt: skip
    (found,) = target.glob("pgdrip-*.whl")
    return found


def pip(python: Path, *arguments: str) -> None:
    """Run pip of an interpreter; says what it said when it fails."""
    done = subprocess.run(
        [str(python), "-m", "pip", "--disable-pip-version-check", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
