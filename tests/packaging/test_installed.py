"""The wheel installed in an environment of its own, used from an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from pgdrip.schema.embedded import stop


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel; it borrows our packages, so that nothing is fetched.

    An added folder's own .pth files are not read: the checkout, installed there to be edited, stays
    out of sight.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install = [
        sys.executable, "-m", "pip", "--disable-pip-version-check", "--python",
        str(folder / "bin" / "python"), "install", "--quiet", "--no-deps", "--no-index",
        "--ignore-installed", str(wheel),
    ]  # fmt: skip
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def run(
    environment: Path, folder: Path, *arguments: str, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run an installed program in a folder, without settings of ours."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "PYTHONPATH") and not name.startswith("PGDRIP_")
    }
    return subprocess.run(
        [str(environment / "bin" / arguments[0]), *arguments[1:]],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=kept | more,
    )


def test_the_checkout_is_out_of_sight(environment: Path, tmp_path: Path) -> None:
    done = run(environment, tmp_path, "python", "-c", "import pgdrip; print(pgdrip.__file__)")
    assert done.stdout.startswith(str(environment)), done.stdout + done.stderr


def test_the_program_brings_a_database_to_its_version(
    environment: Path, tmp_path: Path, empty_dsn: str
) -> None:
    assert conninfo_to_dict(empty_dsn)["dbname"]
    for words in ("Revisions applied: 0001, ", "Nothing to do: "):
        done = run(environment, tmp_path, "pgdrip", "migrate", DATABASE_URL=empty_dsn)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(words)
    assert run(environment, tmp_path, "pgdrip", "drift", DATABASE_URL=empty_dsn).returncode == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_demo_runs_from_an_empty_folder(environment: Path, tmp_path: Path) -> None:
    """Two minutes: `make wheel-demo`."""
    try:
        done = run(environment, tmp_path, "pgdrip", "demo")
        print(done.stdout)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        status = run(environment, tmp_path, "pgdrip", "psql", "-Atc", "table device_overview")
        assert "Kedai Utama" in status.stdout
        assert [path.name for path in tmp_path.iterdir()] == [".pgdrip"]
    finally:
        stop(tmp_path / ".pgdrip")
