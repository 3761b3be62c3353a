"""Every rule that a lesson asks for has tests that fail without it, and no others do."""

from __future__ import annotations

from pathlib import Path

import pytest
from lesson_marks import TESTS, Edit, Mutant, marks, mutants
from mutants import Run, check, complaints

# Time, enrollment, campaigns, identity and reports, and what of the queue comes with them.
PATCHED = set(range(15, 49))


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
    assert lessons >= PATCHED


@pytest.mark.parametrize("old", ["no such words", "a rule"])
def test_a_patch_that_does_not_fit_once_is_refused(tmp_path: Path, old: str) -> None:
    (tmp_path / "file").write_text("a rule, and\n  a\n  rule")
    with pytest.raises(LookupError):
        Edit("file", old, "").changed(tmp_path)


def test_a_patch_fits_over_line_ends(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("where one\n    and two;")
    assert Edit("file", "one and two", "true").changed(tmp_path) == "where true;"


def test_what_is_wrong_with_an_end() -> None:
    mutant = Mutant(frozenset({(1, "a")}), ())
    rules = {"x": [(1, "a")], "y": [(1, "a"), (2, "b")], "z": [(2, "b")]}

    def told(**ends: str) -> list[str]:
        return complaints(mutant, Run("one", rules=rules, ends=ends))

    assert told(x="failed", y="failed", z="passed") == []
    assert told(x="failed", y="passed", z="passed") == ["passes without its rule: y"]
    assert told(x="failed", y="failed", z="failed") == ["fails by another's rule: z"]
    # a patch that breaks the whole project proves nothing
    assert told(x="error", y="error", z="error")[0].startswith("the tests did not run")
    assert told()[0].startswith("the tests did not run")


@pytest.mark.mutants
def test_without_a_rule_exactly_its_tests_fail() -> None:
    """Minutes: `make mutants`."""
    assert check() == []
