"""The list of lessons is what the markers of the tests say."""

from __future__ import annotations

import re

from lesson_marks import LIST, NO_TEST, marks, table


def test_the_list_is_that_of_the_markers() -> None:
    """If not: python tests/lesson_marks.py"""
    text = LIST.read_text()
    assert table(text) == text
    assert len(marks()) > 100


def test_every_lesson_has_its_line_and_tests() -> None:
    lines = dict(re.findall(r"^\| (\d+) \|[^|]*\|(.*)\|$", LIST.read_text(), re.M))
    assert list(map(int, lines)) == list(range(1, 53))
    assert {mark.lesson for mark in marks()} <= set(map(int, lines))
    assert [number for number, tests in lines.items() if NO_TEST in tests] == []
