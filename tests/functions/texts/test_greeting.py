"""_greeting(): one line by the lead's local hour and language; the words are data."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factory import Clock, Plant
from psycopg.types.json import Jsonb

WORDS = {
    "ms": {
        "Selamat pagi": range(12),
        "Selamat tengah hari": range(12, 14),
        "Selamat petang": range(14, 19),
        "Selamat malam": range(19, 24),
    },
    "id": {
        "Selamat pagi": range(11),
        "Selamat siang": range(11, 15),
        "Selamat sore": range(15, 18),
        "Selamat malam": range(18, 24),
    },
    "en": {
        "Good morning": range(12),
        "Good afternoon": range(12, 18),
        "Good evening": range(18, 24),
    },
}


def greeting(plant: Plant, language: str | None, hour: int, name: str | None = None) -> str | None:
    """The line at that hour in Kuala Lumpur, without the empty line that ends it."""
    text = plant.value(
        "select drip._greeting(%s, %s, 'Asia/Kuala_Lumpur',"
        " timestamptz '2026-03-02 00:00+08' + %s, %s)",
        plant.user,
        language,
        timedelta(hours=hour, minutes=59),
        name,
    )
    if text is None:
        return None
    assert text.endswith(",\n\n")
    return str(text.removesuffix(",\n\n"))


@pytest.mark.parametrize("language", WORDS)
def test_each_hour_has_one_greeting(plant: Plant, language: str) -> None:
    said = {hour: greeting(plant, language, hour) for hour in range(24)}
    assert said == {hour: word for word, hours in WORDS[language].items() for hour in hours}
    rows = plant.rows(
        "select h.hour, count(g.id) as greetings from generate_series(0, 23) as h (hour)"
        " left join drip.greetings g on g.user_id is null and g.language = %s"
        " and h.hour >= g.from_hour and h.hour < g.to_hour group by h.hour",
        language,
    )
    assert {row["greetings"] for row in rows} == {1}


@pytest.mark.parametrize(
    ("language", "word"),
    [
        *[
            (said, "Selamat petang")
            for said in ("ms", "MS", "ms-MY", "ms_MY", "ms-Latn-MY", " ms ")
        ],
        *[(said, "Selamat sore") for said in ("id", "id-ID", "ID_id")],
        *[(said, "Good afternoon") for said in ("en", "en-GB", "en_US", "fr", "zh-Hans", "", None)],
    ],
)
def test_a_language_as_people_write_it(plant: Plant, language: str | None, word: str) -> None:
    assert greeting(plant, language, 15) == word


def own(plant: Plant, language: str, hours: tuple[int, int], text: str, user: int = 0) -> None:
    plant.insert(
        "greetings",
        user_id=user or plant.user,
        language=language,
        from_hour=hours[0],
        to_hour=hours[1],
        text=text,
    )


def test_a_tenants_own_words_win_in_their_hours(plant: Plant) -> None:
    own(plant, "ms", (9, 12), "Salam sejahtera")
    own(plant, "ms", (9, 10), "Salam", user=plant.other_tenant())
    assert [greeting(plant, "ms-MY", hour) for hour in (8, 9, 11, 12)] == [
        "Selamat pagi",
        "Salam sejahtera",
        "Salam sejahtera",
        "Selamat tengah hari",
    ]
    assert greeting(plant, "en", 9) == "Good morning"


@pytest.mark.parametrize("written", ["ms-my", "ms-MY", "ms_MY"])
def test_a_region_has_words_of_its_own(plant: Plant, written: str) -> None:
    own(plant, written, (0, 24), "Apa khabar")
    assert greeting(plant, "ms-MY", 9) == "Apa khabar"
    assert greeting(plant, "ms-SG", 9) == "Selamat pagi"
    assert greeting(plant, "ms", 9) == "Selamat pagi"


def test_a_new_language_is_a_few_rows(plant: Plant) -> None:
    own(plant, "fr", (0, 18), "Bonjour")
    assert [greeting(plant, "fr-CA", hour) for hour in (17, 18)] == ["Bonjour", "Good evening"]


def test_of_two_own_ones_the_later_start_is_meant(plant: Plant) -> None:
    own(plant, "en", (0, 24), "Hello")
    own(plant, "en", (9, 10), "Rise and shine")
    assert [greeting(plant, "en", hour) for hour in (8, 9, 10)] == [
        "Hello",
        "Rise and shine",
        "Hello",
    ]


def test_the_name_follows_where_there_is_one(plant: Plant) -> None:
    assert [greeting(plant, "en", 9, name) for name in (None, " ", "Ali", " [[a|b]] {name} ")] == [
        "Good morning",
        "Good morning",
        "Good morning Ali",
        "Good morning [[a|b]] {name}",
    ]


def test_links_and_line_breaks_stay_below_it(clock: Clock, plant: Plant) -> None:
    """The lead's language and zone go before the tenant's."""
    plant.tenant(time_zone="Europe/London", language="en")
    plant.device()
    lead = plant.lead(
        name="Siti", language="ms-MY", time_zone="Asia/Kuala_Lumpur", attributes=Jsonb({})
    )
    text = "\nLook:\r\n\r\nhttps://x.test/a_b/[1]?q=1|2&r={}#frag\n\n  – bye\t"
    plant.enroll(plant.sequence({"content": text}, greeting=True), lead)
    assert plant.claim()[0]["content"] == f"Selamat pagi Siti,\n\n{text}"


def test_audio_and_pictures_without_a_caption_have_none(clock: Clock, plant: Plant) -> None:
    plant.device(burst=9)
    for kind in ("audio", "image"):
        step = {"message_type": kind, "media_url": "https://x.test/a", "content": None}
        plant.enroll(plant.sequence(step, greeting=True))
    assert [(row["content"], row["caption"]) for row in plant.claim()] == [(None, None)] * 2
