"""The list of lessons names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

LIST = Path(__file__).with_name("README.md")
TESTS = Path(__file__).parents[1]


def test_every_test_on_the_list_exists() -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", LIST.read_text())
    assert len(named) > 60
    for file, test in named:
        assert re.search(rf"^def {test}\(", (TESTS / file).read_text(), re.M), (file, test)


def test_every_lesson_has_its_line() -> None:
    numbers = [int(number) for number in re.findall(r"^\| (\d+) \|", LIST.read_text(), re.M)]
    assert numbers == list(range(1, 53))
