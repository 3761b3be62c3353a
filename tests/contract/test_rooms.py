"""Rooms build on each other in one direction, and a helper is found by its name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pgdrip.schema.sql_files import ROOMS, SqlFile

# (function, what it calls in a room above its own): why.
UPWARD = {
    ("_definition_value", "_find_device"): "definitions name a device as people do",
    ("_definition_value", "_read_variants"): "variants are texts inside a definition",
    ("_opt_out", "_exit_enrollments"): "an opt-out ends the contact's journeys at once",
    ("erase_lead", "_exit_enrollments"): "a lead that is erased leaves its journeys first",
    ("schedule_campaign", "_preview_campaign"): "scheduling returns the bill of the preview",
}

MOST_LINES = 200

# A call stands neither in a comment nor in a quoted sentence, such as a hint or a remedy.
_NO_CALL = re.compile(r"--[^\n]*|'(?:[^']|'')*'")
_CALL = re.compile(r"\bdrip\.(\w+)")


@dataclass(frozen=True)
class Function:
    """A function, its file, and what its statement names."""

    name: str
    path: str
    text: str
    returns_trigger: bool

    @property
    def room(self) -> str:
        return Path(self.path).parent.name

    @property
    def calls(self) -> set[str]:
        """Names that it may call."""
        return set(_CALL.findall(_NO_CALL.sub("", self.text))) - {self.name}


def read(files: list[SqlFile]) -> Iterator[Function]:
    for file in files:
        for _, text, declared in file.pieces():
            if declared is not None and declared.kind == "function":
                name = declared.name.removeprefix("drip.")
                yield Function(name, file.path, text, declared.returns_trigger)


@pytest.fixture(scope="module")
def functions(sql_files: list[SqlFile]) -> dict[str, Function]:
    """Every function by its name."""
    return {function.name: function for function in read(sql_files)}


def upward(functions: dict[str, Function]) -> set[tuple[str, str]]:
    """Calls from a room into one above it; a trigger's function may follow the consequences."""
    return {
        (caller.name, called)
        for caller in functions.values()
        if not caller.returns_trigger
        for called in caller.calls & functions.keys()
        if ROOMS.index(functions[called].room) > ROOMS.index(caller.room)
    }


def test_every_room_has_its_place(functions: dict[str, Function]) -> None:
    assert {f.room for f in functions.values()} == set(ROOMS)


def test_rooms_call_downwards(functions: dict[str, Function]) -> None:
    assert upward(functions) == UPWARD.keys()


def test_a_call_upwards_is_found(functions: dict[str, Function]) -> None:
    added = Function("_new", "functions/core/_new.sql", "select drip.tick()", False)
    assert upward({**functions, "_new": added}) - UPWARD.keys() == {("_new", "tick")}


def strays(functions: dict[str, Function], texts: dict[str, str]) -> set[str]:
    """Functions that a second file names, in a file of another name."""
    return {
        function.name
        for function in functions.values()
        if Path(function.path).stem != function.name
        for path, text in texts.items()
        if path != function.path
        and re.search(rf"\bdrip\.{function.name}\b", re.sub(r"--[^\n]*", "", text))
    }


def test_a_helper_of_two_files_has_its_own(
    functions: dict[str, Function], sql_files: list[SqlFile]
) -> None:
    texts = {file.path: file.text for file in sql_files}
    assert strays(functions, texts) == set()
    local = next(f for f in functions.values() if Path(f.path).stem != f.name)
    assert strays(functions, {**texts, "views/v.sql": f"drip.{local.name}()"}) == {local.name}


LONGEST_STEP = 150


def test_claim_guards_and_results_are_made_of_short_steps(functions: dict[str, Function]) -> None:
    """Lines from `create function` to the end of the body."""
    lengths = {
        f.name: f.text[f.text.index("create function") :].strip().count("\n") + 1
        for f in functions.values()
        if f.room in {"claim", "guards", "results"}
    }
    assert lengths["_judge_heads"] > 100, "lines are counted"
    assert {name: n for name, n in lengths.items() if n > LONGEST_STEP} == {}


def test_no_function_is_too_long(functions: dict[str, Function]) -> None:
    lines = {name: function.text.count("\n") + 1 for name, function in functions.items()}
    assert lines["_forecast_journey"] > 100, "lines are counted"
    assert {name: n for name, n in lines.items() if n > MOST_LINES} == {}
