"""What a revision does to tables that are full and in use, judged by squawk.

The revisions of the first release make empty tables; those after it are judged strictly. A rule
that one statement breaks for a reason is put off there: `-- squawk-ignore <rule>`, and why.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgdrip.schema import db_dir, migrate

LAST_OF_FIRST_RELEASE = "0004"

# Rules that do not apply, and why.
EXCLUDED = {
    "ban-concurrent-index-creation-in-transaction": "would fail anyway, and says so",
    "require-concurrent-index-creation": "all is one transaction, which holds the tables anyway",
    "require-concurrent-index-deletion": "the same",
    "require-timeout-settings": "pgdrip.schema sets them",
    "prefer-robust-stmts": "all is one transaction: nothing is left half done",
}

SQUAWK = Path(sys.executable).with_name("squawk")


def render(dsn: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The SQL that each revision after the first release runs, by file name."""
    versions = folder / "migrations" / "versions"
    found: dict[str, list[str]] = defaultdict(list)
    execute = psycopg.Cursor.execute

    def record(self: psycopg.Cursor[Any], query: Any, *args: Any, **options: Any) -> Any:
        frame = sys._getframe(1)
        while frame is not None:
            path = Path(frame.f_code.co_filename)
            if path.parent == versions and path.stem[:4] > LAST_OF_FIRST_RELEASE:
                text = query if isinstance(query, str) else query.decode()
                found[path.name].append(f"{text.strip().rstrip(';')};")
                break
            frame = frame.f_back
        return execute(self, query, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", record)
        migrate(dsn, folder=folder)
    return {name: "\n".join(statements) for name, statements in found.items()}


def complaints(name: str, text: str) -> list[str]:
    """What squawk finds, a line each."""
    done = subprocess.run(
        [
            str(SQUAWK), "--pg-version=15.0", "--assume-in-transaction", "--reporter=gcc",
            f"--exclude={','.join(EXCLUDED)}", f"--stdin-filepath={name}",
        ],
        input=text, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    found = [line for line in done.stdout.splitlines() if line.startswith(name)]
    assert bool(found) == bool(done.returncode), done.stdout + done.stderr
    return found


def test_revisions_are_gentle(empty_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = render(empty_dsn, db_dir(), monkeypatch)
    revisions = (db_dir() / "migrations" / "versions").glob("0*.py")
    assert texts.keys() == {r.name for r in revisions if r.stem[:4] > LAST_OF_FIRST_RELEASE}
    assert [line for name, text in texts.items() for line in complaints(name, text)] == []


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("alter table drip.leads add column size int not null", "adding-required-field"),
        ("alter table drip.leads alter column name type varchar(9)", "changing-column-type"),
        ("alter table drip.leads drop column language", "ban-drop-column"),
        ("alter table drip.leads rename column niche to topic", "renaming-column"),
        (
            "alter table drip.leads add constraint leads_size check (name <> 'x')",
            "constraint-missing-not-valid",
        ),
    ],
)
def test_a_rough_one_is_told(
    empty_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str, rule: str
) -> None:
    """It need not even come to its end: what it tried is on record."""
    folder = shutil.copytree(db_dir(), tmp_path / "db")
    head = max(path.stem[:4] for path in (folder / "migrations" / "versions").glob("0*.py"))
    (folder / "migrations" / "versions" / "9999_rough.py").write_text(
        "from pgdrip.schema import run_script\n"
        f'revision = "9999"\ndown_revision = "{head}"\n'
        f'def upgrade() -> None:\n    run_script("{statement}")\n'
        f'    run_script("comment on table drip.leads is null")\n'
    )
    for part in ("functions", "views"):  # what rests on the tables is not in question here
        shutil.rmtree(folder / part)
        (folder / part).mkdir()
    texts = render(empty_dsn, folder, monkeypatch)
    assert any(rule in line for line in complaints("9999_rough.py", texts["9999_rough.py"]))
