"""pgdrip apply and pgdrip export, as a person or a pipeline runs them."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from factory import Plant
from psycopg.rows import DictRow

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Connection = psycopg.Connection[DictRow]

PROGRAMS = """\
sequences:
  - name: no
    trigger: on
    send_from: 9:00
    send_to: 17:30
    greeting: yes
    steps:
      - name: hello
        content: |
          Hi {name},
          how are you?
      - name: offer
        trigger_delay_hours: 1.5
        send_time: 10:00
        content: "An offer: buy"
campaigns:
  - title: Raya
    everyone: yes
    message: We are closed.
    scheduled_at: 2026-03-09 10:00
    send_days: [mon, 2]
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    path = tmp_path / "programs.yaml"
    path.write_text(PROGRAMS)
    return path


def names(conn: Connection) -> list[Any]:
    return [
        row["name"]
        for row in conn.execute(
            "select name from drip.sequences union all select title from drip.campaigns"
        )
    ]


def test_shows_applies_and_then_has_nothing_to_do(
    pgdrip: Run, dsn: str, conn: Connection, programs: Path
) -> None:
    shown = pgdrip("apply", str(programs), "--dry-run", url=dsn)
    assert shown.returncode == 2, shown.stderr
    assert "sequence no\n  + new, a draft\n" in shown.stdout
    assert names(conn) == []

    done = pgdrip("apply", str(programs), "--yes", url=dsn)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(shown.stdout)
    assert "start_sequence" in done.stdout
    assert names(conn) == ["no", "Raya"]

    for options in (["--dry-run"], ["--yes"], []):
        again = pgdrip("apply", str(programs), *options, url=dsn)
        assert (again.returncode, again.stdout) == (0, "Nothing to change.\n")


def test_an_edit_is_told_line_by_line(pgdrip: Run, dsn: str, plant: Plant, programs: Path) -> None:
    assert pgdrip("apply", str(programs), "--yes", url=dsn).returncode == 0
    plant.device()
    plant.row("select * from drip.start_sequence('no')")
    plant.row("select * from drip.enroll_lead('no', '+60123456789')")
    later = PROGRAMS.replace("trigger_delay_hours: 1.5", "trigger_delay_hours: 30")
    programs.write_text(later)
    done = pgdrip("apply", str(programs), "--yes", url=dsn)
    assert done.returncode == 0, done.stderr
    assert "  ~ step 2 offer: trigger_delay_hours: 1.5 → 30" in done.stdout
    assert "  step 2 offer moves: 1 message to 1 contact, the first from " in done.stdout

    programs.write_text(
        later.replace("how are you?", "how do you do?")
        .replace("send_to: 17:30", "send_to: 18:00")
        .replace("closed", "open [today]")
    )
    done = pgdrip("apply", str(programs), "--yes", url=dsn)
    assert done.returncode == 0, done.stderr
    for line in (
        "  ~ send_to: 17:30:00 → 18:00:00",
        "  ~ step 1 hello: content:\n      - how are you?\n      + how do you do?\n",
        "  waiting: 2 messages to 1 contact, the first at ",
        "  ~ message: We are closed. → We are open [today].",
        "  audience now: 1 contact",
    ):
        assert line in done.stdout, done.stdout


def test_without_a_terminal_nothing_is_done(
    pgdrip: Run, dsn: str, conn: Connection, programs: Path
) -> None:
    done = pgdrip("apply", str(programs), url=dsn)
    assert done.returncode == 1
    assert "nobody to ask" in done.stderr
    assert names(conn) == []


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_on_a_terminal_it_asks(
    dsn: str, conn: Connection, programs: Path, answer: str, code: int
) -> None:
    ours, theirs = pty.openpty()
    try:
        os.write(ours, answer.encode())
        done = subprocess.run(
            [sys.executable, "-m", "pgdrip", "apply", str(programs), "--database-url", dsn],
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == code, done.stderr
    assert (names(conn) != []) == (code == 0)


@pytest.mark.parametrize(
    ("old", "new", "place", "sentence", "hint"),
    [
        ("greeting", "greting", "line 6", "unknown key 'greting'", "'greeting'"),
        ("10:00\n        content", "25:00\n        content", "line 14", "steps[2].send_time", ""),
        ("1.5", "soon", "line 13", "steps[2].trigger_delay_hours is not a number", ""),
        ("everyone: yes", "niche:", "line 17", "does not say who gets it", "everyone"),
        ("{name}", "{nmae}", "line 9", "steps[1].content", "{name}"),
        ("name: hello", "name: offer", "line 7", "same name", "unique"),
    ],
)
def test_a_mistake_is_told_with_its_line(
    pgdrip: Run,
    dsn: str,
    conn: Connection,
    programs: Path,
    old: str,
    new: str,
    place: str,
    sentence: str,
    hint: str,
) -> None:
    assert old in PROGRAMS
    programs.write_text(PROGRAMS.replace(old, new, 1))
    done = pgdrip("apply", str(programs), "--yes", url=dsn)
    assert done.returncode == 1
    assert f"programs.yaml, {place}: " in done.stderr
    assert sentence in done.stderr
    assert hint in done.stderr
    assert "(DR0" in done.stderr
    assert "Traceback" not in done.stderr
    assert names(conn) == []


def test_the_tenant(pgdrip: Run, dsn: str, conn: Connection, programs: Path) -> None:
    conn.execute("select drip.create_user('Shop')")
    without = pgdrip("apply", str(programs), "--yes", url=dsn)
    assert without.returncode == 1
    assert "DR010" in without.stderr
    assert "Hint: Name one: --user 'tenant name'." in without.stderr
    assert pgdrip("apply", str(programs), "--yes", "--user", "Shop", url=dsn).returncode == 0
    mine = pgdrip("export", "--user", "Shop", url=dsn)
    assert "name: 'no'" in mine.stdout
    assert pgdrip("export", "--user", "default", url=dsn).stdout == "{}\n"
    assert "DR010" in pgdrip("export", "--user", "Nobody", url=dsn).stderr


def test_export_is_read_back(
    pgdrip: Run, dsn: str, conn: Connection, programs: Path, tmp_path: Path
) -> None:
    """In another tenant, which has nothing yet, it makes the same again."""
    assert pgdrip("apply", str(programs), "--yes", url=dsn).returncode == 0
    first = pgdrip("export", url=dsn)
    assert first.returncode == 0, first.stderr
    assert "          Hi {name},\n          how are you?\n" in first.stdout
    (tmp_path / "git").mkdir()
    (tmp_path / "git" / "all.yaml").write_text(first.stdout)
    same = pgdrip("apply", "git", "--dry-run", url=dsn)
    assert (same.returncode, same.stdout) == (0, "Nothing to change.\n")
    conn.execute("select drip.create_user('Shop')")
    assert pgdrip("apply", "git", "--yes", "--user", "Shop", url=dsn).returncode == 0
    assert pgdrip("export", "--user", "Shop", url=dsn).stdout == first.stdout
    only = pgdrip("export", "Raya", "--user", "Shop", url=dsn)
    assert only.stdout.startswith("campaigns:\n  - title: Raya\n")


def test_the_example_is_one(pgdrip: Run, dsn: str) -> None:
    example = Path(__file__).parents[2] / "examples" / "programs.yaml"
    done = pgdrip("apply", str(example), "--yes", url=dsn)
    assert done.returncode == 0, done.stderr
    assert pgdrip("apply", str(example), "--dry-run", url=dsn).returncode == 0


def test_a_file_that_is_not_there(pgdrip: Run, dsn: str) -> None:
    done = pgdrip("apply", "nowhere.yaml", url=dsn)
    assert done.returncode == 1
    assert done.stderr == "Error: nowhere.yaml: No such file or directory.\n"
