"""Every rule that a lesson asks for has tests that fail without it, and no others do."""

from __future__ import annotations

import pytest
from lesson_marks import TESTS, Mutant, marks, mutants
from mutants import check


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_a_patch_still_fits(mutant: Mutant) -> None:
    """Whoever changes a rule's lines changes the patch that removes them."""
    for edit in mutant.edits:
        assert edit.old.split() != edit.new.split()
        edit.changed(TESTS.parent)


def test_each_rule_has_a_patch_and_each_patch_tests() -> None:
    patched = {rule for mutant in mutants() for rule in mutant.rules}
    lessons = {lesson for lesson, _ in patched}
    marked = {
        (mark.lesson, mark.rule) for mark in marks() if mark.lesson in lessons and not mark.is_story
    }
    assert marked == patched


@pytest.mark.mutants
def test_without_a_rule_exactly_its_tests_fail() -> None:
    """Minutes: `make mutants`."""
    assert check() == []
