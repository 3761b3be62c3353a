"""Removes one rule after the other from a copy of the project: exactly its tests must fail.

    python tests/mutants.py                 all rules, each against the tests of all of them
    python tests/mutants.py --quick         each rule against its own tests
    python tests/mutants.py 21 48           the rules of these lessons
    python tests/mutants.py --jobs 1        one after the other; 2 is usual

Rules and patches stand in lessons/mutants*.toml, the tests carry `pytest.mark.lesson`. First the
project as it is must pass (the quick form leaves that to the other tests). One server serves all;
each copy gets a template database of its own.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

sys.path.insert(0, str(Path(__file__).parent))

from lesson_marks import TESTS, Mutant, Rule, marks, mutants
from scratch import server_folder

from pgdrip.schema import migrate
from pgdrip.schema.embedded import embedded_server

ROOT = TESTS.parent
# worker/ finds db/ beside itself, so both are copied; the rest is looked at in its place.
COPIED = ("db", "worker")
LINKED = ("tests", "examples", "docs", "pyproject.toml", "README.md")
# A migrated database: of each copy only what its patch changed is rebuilt. Revisions are not run
# again, so a patch of one of them begins with an empty database.
BASE = "pgdrip_mutants_base"
# A rule that is gone may let a test wait for ever.
PATIENCE = 180  # seconds
# Processes that start with the libraries imported: half of a short run would be that.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    [
        "pytest",
        "pytest_postgresql",
        "hypothesis",
        "psycopg",
        "sqlalchemy",
        "alembic.command",
        "procrastinate",
        "pydantic",
        "aiohttp",
        "starlette",
        "structlog",
        "typer",
        "phonenumbers",
    ]
)


@dataclass
class Run:
    """How the tests ended on one copy of the project."""

    name: str
    seconds: float = 0
    rules: dict[str, list[Rule]] = field(default_factory=dict)
    ends: dict[str, str] = field(default_factory=dict)
    output: str = ""

    def of(self, end: str) -> set[str]:
        """The tests that ended so."""
        return {test for test, how in self.ends.items() if how == end}

    def that_prove(self, rules: Iterable[Rule]) -> set[str]:
        """The tests that prove one of these rules."""
        wanted = set(rules)
        return {test for test, proved in self.rules.items() if wanted & set(proved)}


def test_files(rules: set[Rule]) -> list[str]:
    """The files of the tests that prove one of these rules."""
    return sorted({m.file for m in marks() if (m.lesson, m.rule) in rules and not m.is_story})


def run_tests(mutant: Mutant | None, rules: Iterable[Rule], server: str, base: str) -> Run:
    """Run the tests of these rules on a copy of the project, changed by the mutant."""
    run = Run(mutant.name if mutant else "as it is")
    wanted = set(rules)
    with tempfile.TemporaryDirectory(prefix="pgdrip-mutant-") as folder:
        copy, report, output = Path(folder, "project"), Path(folder, "report"), Path(folder, "out")
        for name in COPIED:
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in LINKED:
            (copy / name).symlink_to(ROOT / name)
        (copy / "pgdrip").symlink_to(copy / "worker")
        if mutant:
            mutant.apply(copy)
        environment = {
            "PGDRIP_TEST_URL": server,
            "PGDRIP_LESSON_RULES": json.dumps(sorted(wanted)),
            "PGDRIP_LESSON_REPORT": str(report),
        }
        if not (mutant and mutant.changes_tables):
            environment["PGDRIP_TEST_BASE"] = base
        started = time.monotonic()
        process = _PROCESSES.Process(
            target=_test, args=(copy, test_files(wanted), environment, output)
        )
        process.start()
        process.join(PATIENCE)
        if process.is_alive():
            process.kill()
            process.join()
        run.seconds = time.monotonic() - started
        run.output = output.read_text("utf-8", "replace") if output.exists() else ""
        if report.exists():
            found = json.loads(report.read_text())
            run.rules = {
                test: [(number, rule) for number, rule in proved]
                for test, proved in found["rules"].items()
            }
            run.ends = found["ends"]
        else:
            run.output = f"{run.output[-3000:]}\nno report after {run.seconds:.0f} s"
    return run


def _test(copy: Path, files: list[str], environment: dict[str, str], output: Path) -> None:
    """In a process of its own: pytest over the copy, which comes before the installed project."""
    with output.open("w") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
        os.chdir(copy)
        os.environ.update(environment)
        sys.dont_write_bytecode = True
        # what the caller has imported of the project is not the copy's
        ours = [
            name
            for name, module in sys.modules.items()
            if (file := getattr(module, "__file__", None))
            and name not in ("__main__", "__mp_main__", __name__)
            and any(Path(file).resolve().is_relative_to(at) for at in (ROOT / "worker", TESTS))
        ]
        for name in ours:
            del sys.modules[name]
        others = [path for path in sys.path if Path(path).resolve() not in (ROOT, TESTS)]
        sys.path[:] = [str(copy), str(copy / "tests"), *others]
        options = ["-q", "-p", "lesson_report", "-p", "no:cacheprovider", "--no-header"]
        sys.exit(pytest.main([*options, "--tb=short", *(f"tests/{file}" for file in files)]))


def complaints(mutant: Mutant, run: Run) -> list[str]:
    """What is wrong with this end; empty when exactly the mutant's tests failed."""
    meant = run.that_prove(mutant.rules)
    if not meant or run.ends.keys() != run.rules.keys() or run.of("error"):
        return [f"the tests did not run: {run.output[-4000:]}"]
    survived = [f"passes without its rule: {test}" for test in sorted(meant - run.of("failed"))]
    hurt = [f"fails by another's rule: {test}" for test in sorted(run.of("failed") - meant)]
    return survived + hurt


def check(lessons: Iterable[int] = (), *, is_quick: bool = False, jobs: int = 2) -> list[str]:
    """Try all mutants, or those of some lessons; what is wrong, in sentences."""
    chosen = set(lessons)
    tried = [m for m in mutants() if not chosen or chosen & {lesson for lesson, _ in m.rules}]
    every_rule = {rule for mutant in mutants() for rule in mutant.rules}
    wrong: list[str] = []
    marks()  # read here, not in two threads at once
    with server_folder() as home, embedded_server(home) as server:
        with psycopg.connect(server.url, autocommit=True) as admin:
            # Nobody misses these data after a power cut.
            for setting in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"):
                admin.execute(f"alter system set {setting} = off".encode())
            admin.execute("select pg_reload_conf()")
            admin.execute(sql.SQL("create database {}").format(sql.Identifier(BASE)))
        migrate(make_conninfo(server.url, dbname=BASE))
        if not is_quick:
            whole = run_tests(None, every_rule, server.url, BASE)
            _tell(whole, [])
            if not whole.ends or whole.of("passed") != whole.rules.keys():
                return [f"as it is, not every test passes: {whole.output[-6000:]}"]

        def attempt(mutant: Mutant) -> list[str]:
            run = run_tests(mutant, mutant.rules if is_quick else every_rule, server.url, BASE)
            found = complaints(mutant, run)
            _tell(run, found)
            return [f"{mutant.name}: {text}" for text in found]

        with ThreadPoolExecutor(jobs) as pool:
            for found in pool.map(attempt, tried):
                wrong += found
    return wrong


def _tell(run: Run, wrong: list[str]) -> None:
    print(
        f"{'WRONG ' if wrong else ''}{run.name}: {len(run.of('failed'))} fail,"
        f" {len(run.of('passed'))} pass, {run.seconds:.1f} s",
        *wrong,
        sep="\n  ",
        flush=True,
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lessons", nargs="*", type=int, metavar="LESSON")
    parser.add_argument("--quick", action="store_true", help="each rule against its own tests")
    parser.add_argument("--jobs", type=int, default=2, help="mutants at once")
    given = parser.parse_args()
    started = time.monotonic()
    wrong = check(given.lessons, is_quick=given.quick, jobs=given.jobs)
    print(f"{len(wrong)} complaints, {time.monotonic() - started:.0f} s")
    if wrong:
        print(*wrong, sep="\n", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
