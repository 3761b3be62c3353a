"""_nearest(): the word that was probably meant."""

from __future__ import annotations

import pytest
from factory import Plant

WORDS = ["name", "niche", "target_status", "trigger", "device", "time_zone"]


@pytest.mark.parametrize(
    ("word", "nearest"),
    [
        ("nam", "name"),
        ("NAME", "name"),
        ("triger", "trigger"),
        ("timezone", "time_zone"),
        ("targetstatus", "target_status"),
        ("devcie", "device"),
    ],
)
def test_a_slip_finds_its_word(plant: Plant, word: str, nearest: str) -> None:
    assert plant.value("select drip._nearest(%s, %s)", word, WORDS) == nearest


def test_an_empty_list_has_none(plant: Plant) -> None:
    assert plant.value("select drip._nearest('name', array[]::text[])") is None


def test_rubbish_still_gets_an_answer(plant: Plant) -> None:
    assert plant.value("select drip._nearest(%s, %s)", "x" * 5000, WORDS) in WORDS
    assert plant.value("select drip._nearest(null, %s)", WORDS) in WORDS


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [("", "", 0), ("abc", "abc", 0), ("abc", "", 3), ("kitten", "sitting", 3), ("ab", "ba", 2)],
)
def test_distances(plant: Plant, one: str, other: str, distance: int) -> None:
    assert plant.value("select drip._edit_distance(%s, %s)", one, other) == distance
    assert plant.value("select drip._edit_distance(%s, %s)", other, one) == distance
