"""A pytest plugin (`-p lesson_report`): runs the tests of some lessons' rules and says in a file
how each ended.

PGDRIP_LESSON_RULES: a JSON list of [lesson, rule]; PGDRIP_LESSON_REPORT: the file to write, JSON:
{"rules": {test: [[lesson, rule], …]}, "ends": {test: "passed" | "failed" | "error"}}.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

_WANTED = {tuple(rule) for rule in json.loads(os.environ["PGDRIP_LESSON_RULES"])}
_REPORT = Path(os.environ["PGDRIP_LESSON_REPORT"])

_rules: dict[str, list[tuple[int, str]]] = {}
_ends: dict[str, str] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests that prove one of the rules."""
    kept, others = [], []
    for item in items:
        rules = [
            (mark.args[0], mark.args[1] if len(mark.args) > 1 else "")
            for mark in item.iter_markers("lesson")
            if not mark.kwargs.get("story")
        ]
        if _WANTED.intersection(rules):
            kept.append(item)
            _rules[item.nodeid] = rules
        else:
            others.append(item)
    config.hook.pytest_deselected(items=others)
    items[:] = kept


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """An error before or after the test itself is no failure of the test."""
    if report.when != "call" and report.failed:
        _ends[report.nodeid] = "error"
    elif report.when == "call":
        _ends[report.nodeid] = report.outcome


def pytest_sessionfinish() -> None:
    """Write what was found."""
    _REPORT.write_text(json.dumps({"rules": _rules, "ends": _ends}))
