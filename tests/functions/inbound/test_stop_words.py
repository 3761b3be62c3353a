"""What counts as a stop word, and in whose language."""

from __future__ import annotations

from typing import Any

import pytest
from factory import Clock, Plant
from inbound import PHONE, cloud_device, process, said, wrote

pytestmark = pytest.mark.rolled_back


def heard(plant: Plant) -> list[tuple[str, str]]:
    """The opt-outs: phone and category."""
    return [
        (row["phone"], row["category"])
        for row in plant.rows("select phone, category from drip.suppressions order by id")
    ]


def word(plant: Plant, text: str, category: str = "all", **columns: Any) -> None:
    """A word of the tenant's own, unless columns say otherwise."""
    plant.insert("stop_words", word=text, category=category, **({"user_id": plant.user} | columns))


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "stop",
        "Stop.",
        "  sToP  ",
        "STOP!!!",
        "*STOP*",
        "_stop_",
        "«Stop»",
        "“STOP”",
        "¡Stop!",
        "STOP。",
        "（stop）",
        "stop\n",
        "\u00a0stop\u00a0",
        "\u200bstop\ufeff",
        "🛑 STOP 🛑",
        "stop 🙏🏽",
        "STOP✋️",
        "1️⃣"[1:] + "stop",
        "Unsubscribe",
        "BERHENTI",
        "batal!",
        "henti",
        "opt out",
        "Opt\u00a0Out",
        "opt   out",
        "OPTOUT",
        "stop%",
    ],
)
def test_it_stops(clock: Clock, plant: Plant, text: str) -> None:
    process(plant, said(plant.device(), text))
    assert heard(plant) == [(PHONE, "all")]
    assert plant.value("select opt_out_category from drip.inbound_messages") == "all"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        " ",
        "!!!",
        "🛑",
        "please do not stop",
        "don't stop",
        "nonstop",
        "s t o p",
        "stop" + " " * 200 + "x",
        "stop" * 30,
        "STOP\u0001x",
        "when does the bus stop?",
        "%",
        ".*",
        "\\",
    ],
)
def test_it_does_not_stop(clock: Clock, plant: Plant, text: str | None) -> None:
    """Only the whole text is a stop word; signs inside it, or other words, make it another."""
    process(plant, said(plant.device(), text))
    assert heard(plant) == []
    assert plant.value("select count(*) from drip.inbound_messages") == 1


@pytest.mark.parametrize("text", ["Stop Promo", "no promo", "STOP PROMOSI!"])
def test_some_words_stop_marketing_alone(clock: Clock, plant: Plant, text: str) -> None:
    device, lead = plant.device(burst=9), plant.lead(PHONE)
    marketing = plant.message(device, lead, category="marketing")
    utility = plant.message(device, lead)
    process(plant, said(device, text))
    assert heard(plant) == [(PHONE, "marketing")]
    assert plant.message_row(marketing)["status"] == "cancelled"
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [utility]


def test_a_tenants_own_word(clock: Clock, plant: Plant) -> None:
    word(plant, "tak nak")
    process(plant, said(plant.device(), "Tak nak!!"))
    assert heard(plant) == [(PHONE, "all")]


def test_another_tenants_word_is_none(clock: Clock, plant: Plant) -> None:
    word(plant, "tak nak", user_id=plant.other_tenant())
    process(plant, said(plant.device(), "tak nak"))
    assert heard(plant) == []


def test_a_tenants_own_row_goes_before_the_common_one(clock: Clock, plant: Plant) -> None:
    """With this tenant STOP ends marketing and no more; with the others it ends all."""
    word(plant, "stop", "marketing")
    other = plant.other_tenant()
    process(plant, said(plant.device(), "stop"), said(plant.device(user=other), "stop"))
    assert plant.rows("select user_id, category from drip.suppressions order by user_id") == [
        {"user_id": plant.user, "category": "marketing"},
        {"user_id": other, "category": "all"},
    ]


@pytest.mark.parametrize(
    ("lead_language", "tenant_language", "stops"),
    [("fr", "en", True), (None, "fr", True), ("en", "fr", True), (None, "en", False)],
)
def test_a_word_of_a_language_counts_in_that_one(
    clock: Clock, plant: Plant, lead_language: str | None, tenant_language: str, stops: bool
) -> None:
    """The lead's language, and the tenant's. `but` is a goal in French and nothing in English."""
    plant.tenant(language=tenant_language)
    word(plant, "but", language="fr")
    plant.lead(PHONE, language=lead_language)
    process(plant, said(plant.device(), "But"))
    assert (heard(plant) != []) == stops


@pytest.mark.parametrize("text", ["СТОП", "Стоп!", "ΣΤΟΠ", "DURDURÜN"])
def test_other_scripts(clock: Clock, plant: Plant, text: str) -> None:
    for own in ("стоп", "στοπ", "durdurün"):
        word(plant, own)
    process(plant, said(plant.device(), text))
    assert heard(plant) == [(PHONE, "all")]


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "button", "button": {"payload": "STOP", "text": "No more, please"}},
        {"type": "button", "button": {"payload": "x-1", "text": "Stop"}},
        {
            "type": "interactive",
            "interactive": {
                "type": "button_reply",
                "button_reply": {"id": "stop", "title": "Enough"},
            },
        },
        {
            "type": "interactive",
            "interactive": {"type": "list_reply", "list_reply": {"id": "row-3", "title": "STOP"}},
        },
    ],
)
def test_a_tapped_button(clock: Clock, plant: Plant, fields: dict[str, Any]) -> None:
    """Its payload and its text count alike."""
    process(plant, wrote(cloud_device(plant), None, **fields))
    assert heard(plant) == [(PHONE, "all")]


@pytest.mark.parametrize("text", ["stop", "no more of this"])
def test_a_caption_counts_like_a_text(clock: Clock, plant: Plant, text: str) -> None:
    device = cloud_device(plant)
    process(plant, wrote(device, None, type="image", image={"id": "1", "caption": text}))
    assert (heard(plant) != []) == (text == "stop")
    assert plant.row("select kind, body from drip.inbound_messages") == {
        "kind": "image",
        "body": text,
    }


def test_an_edited_row_rules_the_next_message(clock: Clock, plant: Plant, connect: Any) -> None:
    operator = connect(role="drip_operator")
    operator.execute("delete from drip.stop_words where word = 'batal'")
    device = plant.device()
    process(plant, said(device, "batal"))
    assert heard(plant) == []
    operator.execute("insert into drip.stop_words (word) values ('batal')")
    process(plant, said(device, "batal", "R2"))
    assert heard(plant) == [(PHONE, "all")]
