"""Test files that a change touches, for `make check`: one path a line.

    python tests/changed.py [REVISION]

What differs from REVISION (else from `main`'s remote, else the last commit) is read from git, new
files included. A function or a view concerns the tests that name it or a public function or view
that reaches it; a Python module those that import it, and the folder of its name; a test itself.
Rules of the house are always among them.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from pgdrip.schema import db_dir
from pgdrip.schema.sql_files import SqlFile, load_files

ROOT = Path(__file__).resolve().parents[1]
ALWAYS = (
    "tests/contract/test_files.py",
    "tests/contract/test_functions.py",
    "tests/contract/test_python.py",
    "tests/contract/test_rooms.py",
)
# Reached by half of all functions: their own tests say what they do.
MOST_REACHING = 25
# What every test stands on; then the whole suite is the answer.
GROUND = ("tests/conftest.py", "tests/factory.py", "tests/pool.py", "db/migrations/")


def differing(revision: str | None) -> list[str]:
    """Paths that differ from a revision, and new ones."""

    def git(*arguments: str) -> list[str]:
        done = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
        return done.stdout.splitlines() if done.returncode == 0 else []

    base = revision or next(iter(git("rev-parse", "--verify", "--quiet", "@{upstream}")), "HEAD")
    return sorted(
        {*git("diff", "--name-only", base), *git("ls-files", "--others", "--exclude-standard")}
    )


def reaching(files: list[SqlFile]) -> dict[str, set[str]]:
    """For each function or view the public ones that name it, directly or through others."""
    named: dict[str, set[str]] = {}
    for file in files:
        for _, text, declared in file.pieces():
            if declared is not None and declared.kind in ("function", "view"):
                found = set(re.findall(r"\bdrip\.(\w+)", re.sub(r"--[^\n]*", "", text)))
                named[declared.name.removeprefix("drip.")] = found
    callers: dict[str, set[str]] = defaultdict(set)
    for caller, found in named.items():
        for name in found - {caller}:
            callers[name].add(caller)

    def above(name: str) -> set[str]:
        seen: set[str] = set()
        new = {name}
        while new:
            seen |= new
            new = {c for n in new for c in callers[n]} - seen
        return {n for n in seen if not n.startswith("_")} | {name}

    return {name: above(name) for name in named}


def concerned(paths: Iterable[str]) -> set[str]:
    """The test files, relative to the project."""
    paths = list(paths)
    if any(path.startswith(GROUND) for path in paths):
        return {"tests"}
    files = load_files(db_dir())
    public = reaching(files)
    tests = {
        path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
        for path in (ROOT / "tests").rglob("test_*.py")
    }
    chosen = {path for path in ALWAYS if path in tests}
    words: set[str] = set()
    for path in paths:
        if path.startswith(("db/functions/", "db/views/")):
            own = [d for f in files if f"db/{f.path}" == path for d in f.declared]
            names = {d.name.removeprefix("drip.") for d in own if d.kind in ("function", "view")}
            for name in names or {Path(path).stem}:
                found = public.get(name, {name})
                words |= found if len(found) <= MOST_REACHING else {name}
            chosen.add("tests/contract/test_views.py" if "/views/" in path else ALWAYS[0])
        elif path.startswith("worker/"):
            module = Path(path).with_suffix("").relative_to("worker").as_posix().replace("/", ".")
            module = module.removesuffix(".__init__")
            for test, text in tests.items():
                folder = Path(test).parts[1]
                if re.search(rf"pgdrip\.{re.escape(module)}\b", text) or folder in module.split(
                    "."
                ):
                    chosen.add(test)
        elif path in tests:
            chosen.add(path)
        elif path.startswith("tests/") and path.endswith(".py"):
            helper = Path(path).stem
            chosen |= {t for t, text in tests.items() if re.search(rf"\b{helper}\b", text)}
        elif path.endswith(".md"):
            chosen |= {t for t in tests if "test_docs" in t}
    if words:
        pattern = re.compile(r"\b(" + "|".join(map(re.escape, sorted(words))) + r")\b")
        stems = {f"test_{word.lstrip('_')}.py" for word in words}
        chosen |= {t for t, text in tests.items() if Path(t).name in stems or pattern.search(text)}
    return chosen


if __name__ == "__main__":
    print("\n".join(sorted(concerned(differing(*sys.argv[1:2])))))
