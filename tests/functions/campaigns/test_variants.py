"""Variants of a campaign: drawn by weight from the message's id, recorded by the claim."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from factory import Clock, Plant, Row
from psycopg.types.json import Jsonb
from refusals import refusal

CREATE = "select * from drip.create_campaign(%s)"
A = {"name": "A", "weight": 3, "message": "First {name}"}
B = {"name": "B", "weight": 1, "message": "Second [[x|y]] {name|friend}"}


def make(plant: Plant, **definition: Any) -> int:
    """A campaign that is due, its messages planned."""
    definition = {"title": "C", "everyone": True, "variants": [A, B]} | definition
    row = plant.row(CREATE, Jsonb(definition))
    plant.row("select * from drip.schedule_campaign(%s)", definition["title"])
    while plant.rows("select * from drip.expand_campaigns()"):
        pass
    return int(row["campaign_id"])


def claim(plant: Plant) -> dict[int, Row]:
    claimed: dict[int, Row] = {}
    plant.wake()
    while rows := plant.claim(1000):
        claimed |= {row["message_id"]: row for row in rows}
        plant.wake()
    return claimed


def variants(plant: Plant) -> dict[int, str | None]:
    return {
        row["message_id"]: row["variant"]
        for row in plant.rows("select message_id, variant from drip.message_log order by 1")
    }


def test_drawn_by_weight_and_recorded(clock: Clock, plant: Plant) -> None:
    plant.device(burst=1000)
    for _ in range(400):
        plant.lead()
    make(plant)
    assert set(variants(plant).values()) == {None}
    claimed = claim(plant)
    recorded = variants(plant)
    for message, row in claimed.items():
        assert row["content"].startswith({"A": "First", "B": "Second"}[recorded[message] or ""])
    counts = Counter(recorded.values())
    assert sum(counts.values()) == 400
    # three quarters of 400, four standard deviations
    assert 265 <= counts["A"] <= 335


def test_a_preview_shows_the_one_that_leaves(clock: Clock, plant: Plant) -> None:
    plant.device(burst=50)
    for number in range(30):
        plant.lead(name=f"N{number}")
    make(plant)
    before = {
        message: plant.row("select * from drip.preview_message(%s)", message)["content"]
        for message in variants(plant)
    }
    by_phone = {
        row["recipient_phone"]: plant.row(
            "select * from drip.preview_message(p_phone => %s, p_campaign => 'C')",
            row["recipient_phone"],
        )["content"]
        for row in plant.rows("select recipient_phone from drip.message_log")
    }
    claimed = claim(plant)
    assert {message: row["content"] for message, row in claimed.items()} == before
    assert {row["recipient_phone"]: row["content"] for row in claimed.values()} == by_phone
    assert len({text.split()[0] for text in before.values()}) == 2


def test_the_next_attempt_says_the_same(clock: Clock, plant: Plant) -> None:
    """Also when the weights have changed: the first attempt may have arrived."""
    plant.device(burst=50)
    for _ in range(20):
        plant.lead()
    make(plant)
    first = claim(plant)
    drawn = variants(plant)
    for row in first.values():
        plant.answer(row, "retry", scope="recipient", error_code="x")
    plant.row(
        "select * from drip.update_campaign('C', %s)",
        Jsonb({"variants": [A | {"weight": 0}, B, {"name": "N", "message": "New"}]}),
    )
    clock.advance(hours=1)
    assert claim(plant).keys() == first.keys()
    assert variants(plant) == drawn


def test_a_weight_of_nothing_is_never_drawn(clock: Clock, plant: Plant) -> None:
    plant.device(burst=100)
    for _ in range(60):
        plant.lead()
    make(plant, variants=[A | {"weight": 0}, B, {"name": "Z", "weight": 0, "message": "z"}])
    claim(plant)
    assert set(variants(plant).values()) == {"B"}


def test_what_a_variant_leaves_out_is_the_campaigns(clock: Clock, plant: Plant) -> None:
    plant.device(burst=100)
    for _ in range(40):
        plant.lead()
    make(
        plant, message_type="image", media_url="https://x.test/a.png", message="Ours",
        variants=[
            {"name": "plain"},
            {"name": "worded", "caption": "Theirs"},
            {"name": "other", "media_url": "https://x.test/b.png"},
        ],
    )  # fmt: skip
    recorded = {}
    claimed = claim(plant)
    for message, variant in variants(plant).items():
        recorded[variant] = (claimed[message]["caption"], claimed[message]["media_url"])
    assert recorded == {
        "plain": ("Ours", "https://x.test/a.png"),
        "worded": ("Theirs", "https://x.test/a.png"),
        "other": ("Ours", "https://x.test/b.png"),
    }


def test_templates_too(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.lead(name="Siti")
    parts = [{"type": "body", "parameters": [{"type": "text", "text": "{name}"}]}]
    make(
        plant, message_type="template",
        variants=[{"name": "T", "template": {"name": "x", "language": "en", "components": parts}}],
    )  # fmt: skip
    [row] = claim(plant).values()
    assert row["template"]["components"][0]["parameters"][0]["text"] == "Siti"


def test_the_view_sums_to_the_overview(clock: Clock, plant: Plant) -> None:
    plant.device(burst=100)
    for _ in range(30):
        plant.lead()
    plant.suppress(plant.value("select min(phone) from drip.leads"))
    campaign = make(plant)
    make(plant, title="Without", variants=None, message="m")
    claimed = list(claim(plant).values())
    mine = {
        row["message_id"]
        for row in plant.rows(
            "select message_id from drip.message_log where campaign_id = %s", campaign
        )
    }
    for place, row in enumerate(claimed):
        if place % 5 != 4:
            plant.answer(row, ("accepted", "permanent", "accepted", "unknown")[place % 4],
                         scope="recipient")  # fmt: skip
    plant.conn.execute(
        "update drip.broadcast_messages set delivered_at = sent_at, read_at = sent_at,"
        " replied_at = case when id % 3 = 0 then sent_at end where status = 'sent' and id % 2 = 0"
    )
    assert mine
    lines = plant.rows("select * from drip.campaign_variants order by variant")
    assert [(row["variant"], row["weight"], row["title"]) for row in lines] == [
        ("A", 3, "C"), ("B", 1, "C"), (None, None, "C"),
    ]  # fmt: skip
    overview = plant.row("select * from drip.campaign_overview where title = 'C'")
    for column in ("messages", "messages_sent", "messages_failed", "messages_unknown",
                   "delivered", "read", "replied"):  # fmt: skip
        assert sum(row[column] for row in lines) == overview[column] > 0, column
    for row in lines:
        states = ("sent", "failed", "unknown", "others")
        assert row["messages"] == sum(row[f"messages_{state}"] for state in states)
    assert lines[2]["messages"] == lines[2]["messages_others"] == 1

    plant.row("select * from drip.update_campaign('C', %s)",
              Jsonb({"variants": [A | {"name": "A2"}, B]}))  # fmt: skip
    after = plant.rows("select * from drip.campaign_variants order by variant")
    assert [(row["variant"], row["weight"]) for row in after] == [
        ("A", None), ("A2", 3), ("B", 1), (None, None),
    ]  # fmt: skip
    assert sum(row["messages"] for row in after) == overview["messages"]


def test_there_and_back(plant: Plant) -> None:
    plant.row(CREATE, Jsonb({"title": "C", "everyone": True, "variants": [
        {"name": " A ", "message": "x"}, B | {"caption": None}]}))  # fmt: skip
    shown = plant.value("select drip.get_campaign('C')")
    assert shown["variants"] == [{"name": "A", "weight": 1, "message": "x"}, B]
    assert plant.row(CREATE, Jsonb(shown))["outcome"] == "existing"
    assert plant.row(CREATE, Jsonb(shown | {"title": "D"}))["outcome"] == "created"
    plant.row("select * from drip.update_campaign('D', %s)",
              Jsonb({"variants": None, "message": "m"}))  # fmt: skip
    assert plant.value("select variants from drip.campaigns where title = 'D'") is None


@pytest.mark.parametrize(
    ("bad", "code", "words"),
    [
        ([], "DR004", "variants is not a list of 1 to 26"),
        ({}, "DR004", "not a list"),
        ("A", "DR004", "not a list"),
        ([A] * 27, "DR004", "1 to 26"),
        ([A, 1], "DR004", "variants[2] must be an object"),
        ([A, A], "DR004", "variants[2].name is given twice: 'A'"),
        ([{"message": "m"}], "DR004", "variants[1].name is empty"),
        ([{"name": " ", "message": "m"}], "DR004", "name is empty"),
        ([{"name": 7, "message": "m"}], "DR004", "variants[1].name is not text"),
        ([A | {"name": "x" * 61}], "DR004", "longer than 60"),
        ([A | {"weight": -1}], "DR004", "variants[1].weight"),
        ([A | {"weight": 1.5}], "DR004", "weight"),
        ([A | {"weight": 10**400}], "DR004", "weight"),
        ([A | {"weight": "3"}], "DR004", "weight"),
        ([A | {"weight": 0}], "DR004", "all weights are 0"),
        ([A | {"messge": "m"}], "DR003", "variants[1].messge"),
        ([A | {"message": 1}], "DR004", "message is not text"),
        ([A | {"template": "t"}], "DR004", "template is not an object"),
        ([{"name": "A"}], "DR008", "variants[1].message is empty"),
        ([A | {"media_url": "https://x.test/a.png"}], "DR008", "variants[1].media_url"),
        ([A, B | {"message": "Hi {nmae}"}], "DR017", "variants[2].message"),
        ([A | {"message": "[[a|b"}], "DR017", "variants[1].message"),
    ],
)
def test_bad_ones(plant: Plant, bad: Any, code: str, words: str) -> None:
    found, sentence, _ = refusal(
        plant.conn, CREATE, Jsonb({"title": "C", "everyone": True, "variants": bad})
    )
    assert (found, words in sentence) == (code, True), sentence
    assert plant.rows("select 1 from drip.campaigns") == []
    # the same by hand
    plant.row(CREATE, Jsonb({"title": "C", "everyone": True, "variants": [A, B]}))
    found, sentence, _ = refusal(plant.conn, "update drip.campaigns set variants = %s", Jsonb(bad))
    assert (found, words in sentence) == (code, True), sentence


def test_media_of_a_variant_must_be_an_address(plant: Plant) -> None:
    definition = {"title": "C", "everyone": True, "message_type": "image"}
    code, sentence, _ = refusal(
        plant.conn,
        CREATE,
        Jsonb(definition | {"variants": [{"name": "A", "media_url": "ftp://x"}]}),
    )
    assert (code, "variants[1].media_url is not an http(s) address" in sentence) == ("DR008", True)
