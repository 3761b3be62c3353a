"""A wheel carries all that an installation needs, and works from any directory."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked."""
    site = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


@pytest.mark.parametrize(
    ("here", "there", "pattern"),
    [
        ("worker", "", "*.py"),
        ("worker", "", "*.html"),
        ("db", "db", "*.*"),
        ("examples",) * 2 + ("*.*",),
    ],
)
def test_every_file_travels(installed: Path, here: str, there: str, pattern: str) -> None:
    wanted = {
        path.relative_to(ROOT / here)
        for path in (ROOT / here).rglob(pattern)
        if "__pycache__" not in path.parts
    }
    base = installed / "pgdrip" / there
    found = {path.relative_to(base) for path in base.rglob(pattern)}
    assert wanted <= found


def test_works_from_any_directory(installed: Path, empty_dsn: str, tmp_path: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import pgdrip.schema as s;"
        "assert s.__file__.startswith(sys.argv[1]), s.__file__;"
        "assert str(s.db_dir()).startswith(sys.argv[1]), s.db_dir();"
        "print(s.migrate(sys.argv[2]).summary())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(installed), empty_dsn],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Revisions applied: 0001, ")


def test_script_and_licence(installed: Path) -> None:
    (info,) = installed.glob("pgdrip-*.dist-info")
    assert "pgdrip = pgdrip.cli:main" in (info / "entry_points.txt").read_text(encoding="utf-8")
    assert "License-Expression: Apache-2.0" in (info / "METADATA").read_text(encoding="utf-8")
    assert (info / "licenses" / "LICENSE").is_file()


def test_lock_file_names_no_place() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text
    assert " @ " not in text
    packages = [line for line in text.splitlines() if line[:1].isalnum()]
    assert all("==" in line for line in packages)
    assert text.count("--hash=sha256:") >= len(packages)
