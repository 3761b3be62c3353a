"""_render(): placeholders first, variants second; whatever a contact is called.

The properties hold for any text that a person types into a name; control characters are no text.
"""

from __future__ import annotations

from typing import Any

import pytest
from factory import Connection, Plant
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

RENDER = "select drip._render(%s, %s, '+60123456789', %s, %s, %s) as text"

# All of Unicode but control characters and lone surrogates, with the marks of the syntax often.
MARKS = st.sampled_from(
    ["[[", "]]", "|", "{", "}", "[", "]", "{name}", "{phone}", "[[a|b]]", "\\1"]
)
CHARACTERS = st.characters(exclude_categories=("Cc", "Cs"))
ODD_TEXT = st.lists(st.one_of(MARKS, st.text(CHARACTERS, max_size=5)), max_size=8).map("".join)
SEEDS = st.integers(1, 2**62)

quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def render(conn: Connection) -> Any:
    def call(
        text: str | None,
        name: str | None = None,
        lead: dict[str, Any] | None = None,
        enrollment: dict[str, Any] | None = None,
        seed: int = 1,
    ) -> str | None:
        row = conn.execute(
            RENDER, [text, name, Jsonb(lead or {}), Jsonb(enrollment or {}), seed]
        ).fetchone()
        assert row is not None
        rendered = row["text"]
        assert rendered is None or isinstance(rendered, str)
        return rendered

    return call


@pytest.mark.lesson(44, story=True)
@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        (None, None),
        ("", ""),
        ("Plain", "Plain"),
        ("Hi {name}", "Hi Aminah"),
        ("{name}{name}", "AminahAminah"),
        ("Call {phone}", "Call +60123456789"),
        ("{name|friend}", "Aminah"),
        ("From {attributes.city}", "From Ipoh"),
        ("{attributes.plan}", "gold"),
        ("{attributes.city|here} and {attributes.none|there}", "Ipoh and there"),
        ("{attributes.none}", ""),
        ("{attributes.none|}", ""),
        ("{attributes.number} {attributes.flag}", "7 true"),
        ("{attributes.empty|none}", "none"),
        ("{unknown} {Name} { name }", "{unknown} {Name} { name }"),
        ("{", "{"),
        ("{name", "{name"),
        ("a } b {name}", "a } b Aminah"),
        ("{{name}}", "{Aminah}"),
        ("[[one]]", "one"),
        ("[[]]", "[[]]"),
        ("[[a|b", "[[a|b"),
        ("a]] b", "a]] b"),
        ("[not|a|variant]", "[not|a|variant]"),
        ("line one\n\n  line two\r\n{name}\t.", "line one\n\n  line two\r\nAminah\t."),
    ],
)
def test_what_is_filled_and_what_stays(render: Any, text: str | None, rendered: str | None) -> None:
    lead = {"city": "Ipoh", "number": 7, "flag": True, "empty": "  "}
    assert render(text, "Aminah", lead, {"plan": "gold", "city": "Klang"}) == rendered


@pytest.mark.parametrize("name", [None, "", "   "])
def test_without_a_name_the_fallback_stands(render: Any, name: str | None) -> None:
    assert render("Hi {name|friend}, {name}!", name) == "Hi friend, !"


def test_a_placeholder_inside_a_variant_has_its_fallback(render: Any) -> None:
    texts = {
        render("[[Hi {name|friend}|Hello {name|there}|Salam]]!", None, seed=seed)
        for seed in range(60)
    }
    assert texts == {"Hi friend!", "Hello there!", "Salam!"}


def test_variants_are_all_drawn_about_as_often(render: Any) -> None:
    texts = [render("[[a|b|c]]", seed=seed) for seed in range(300)]
    assert all(60 < texts.count(variant) < 140 for variant in "abc")


def test_two_variants_of_one_text_are_drawn_apart(render: Any) -> None:
    assert len({render("[[a|b]][[c|d]]", seed=seed) for seed in range(60)}) == 4


@pytest.mark.lesson(44, story=True)
def test_links_stay_as_they_are(render: Any) -> None:
    link = "https://example.com/a_b/[x]?q=1|2&r={code}&s=%7Bname%7D#frag"
    assert render(f"Hi {{name}}\n{link} [[x|x]]", "Ali") == f"Hi Ali\n{link} x"
    assert render(f"[[See {link.replace('|', '.')}]]") == f"See {link.replace('|', '.')}"


@quick
@given(name=ODD_TEXT, seed=SEEDS)
def test_a_name_is_printed_as_it_is(render: Any, name: str, seed: int) -> None:
    """Whatever signs it holds, it opens no variant and fills no placeholder."""
    shown = name.strip(" ") or "friend"
    assert render("Hi {name|friend}!", name, seed=seed) == f"Hi {shown}!"
    assert render("{attributes.x|friend}", None, {"x": name}, seed=seed) == shown
    assert render("Hi {name}!", name, seed=seed) == f"Hi {name.strip(' ')}!"


@quick
@given(name=ODD_TEXT, seed=SEEDS)
def test_a_name_inside_a_variant_breaks_no_variant(render: Any, name: str, seed: int) -> None:
    shown = name.strip(" ") or "friend"
    text = render("[[Hi {name|friend}|Hello {name|friend}]] bye", name, seed=seed)
    assert text in (f"Hi {shown} bye", f"Hello {shown} bye")


@pytest.mark.lesson(51)
@quick
@given(text=ODD_TEXT, name=ODD_TEXT, seed=SEEDS)
def test_the_same_seed_gives_the_same_text(render: Any, text: str, name: str, seed: int) -> None:
    assert render(text, name, seed=seed) == render(text, name, seed=seed)


@quick
@given(text=st.text(CHARACTERS).filter(lambda text: "{" not in text and "[[" not in text))
def test_a_text_without_syntax_is_untouched(render: Any, text: str) -> None:
    assert render(text, "Ali") == text


def test_the_stored_text_is_what_was_sent(plant: Plant) -> None:
    """Rendered once, at the claim, and kept."""
    device = plant.device()
    lead = plant.lead(name="[[x|y]] {phone}", attributes=Jsonb({"city": "Ipoh"}))
    message = plant.message(
        device, lead, source=Jsonb({"content": "{name} of {attributes.city}, [[hi|hello]]"})
    )
    [claimed] = plant.claim()
    assert claimed["content"] == plant.message_row(message)["content"]
    assert claimed["content"].startswith("[[x|y]] {phone} of Ipoh, h")


# -- templates --------------------------------------------------------------------------------

TEMPLATE = {
    "name": "promo_{name}",
    "language": "ms",
    "components": [
        {
            "type": "header",
            "parameters": [
                {"type": "image", "image": {"link": "https://x.test/{attributes.city|any}.png"}}
            ],
        },
        {
            "type": "body",
            "parameters": [
                {"type": "text", "text": "{name|friend}"},
                {"type": "text", "text": "of {attributes.city} {attributes.plan}"},
                {"type": "currency", "currency": {"code": "MYR", "amount_1000": 9990}},
            ],
        },
        {
            "type": "button",
            "sub_type": "quick_reply",
            "index": "0",
            "parameters": [{"type": "payload", "payload": "STOP"}],
        },
    ],
}


def filled(name: str, city: str, plan: str) -> dict[str, Any]:
    """The template as it is handed over: its own name is not ours to fill."""
    header, body, button = TEMPLATE["components"]
    return TEMPLATE | {
        "components": [
            header
            | {
                "parameters": [
                    {"type": "image", "image": {"link": f"https://x.test/{city or 'any'}.png"}}
                ]
            },
            body
            | {
                "parameters": [
                    {"type": "text", "text": name},
                    {"type": "text", "text": f"of {city} {plan}"},
                    {"type": "currency", "currency": {"code": "MYR", "amount_1000": 9990}},
                ]
            },
            button,
        ]
    }


def test_the_parameters_of_a_template_are_filled_at_the_claim(plant: Plant) -> None:
    device = plant.device(platform="cloud_api", burst=9)
    lead = plant.lead(name='Ali "[[a|b]]"', attributes=Jsonb({"city": "Ipoh"}))
    single = plant.message(
        device, lead, message_type="template", source=Jsonb({"template": TEMPLATE})
    )
    [claimed] = plant.claim()
    assert claimed["template"] == filled('Ali "[[a|b]]"', "Ipoh", "")
    assert claimed["template"] == plant.message_row(single)["template"]
    assert (claimed["content"], claimed["caption"]) == (None, None)


def test_the_template_of_a_step_and_of_a_campaign(plant: Plant) -> None:
    device = plant.device(platform="cloud_api", burst=9)
    sequence = plant.sequence({"message_type": "template", "content": None, "template": TEMPLATE})
    row = plant.row(
        "select * from drip.enroll_lead(%s, '+60123456789', p_name => 'Ali',"
        """ p_attributes => '{"plan": "gold"}')""",
        str(sequence),
    )
    campaign = plant.campaign(message=None, message_type="template", template=Jsonb(TEMPLATE))
    plant.message(
        device,
        plant.lead(),
        campaign_id=campaign,
        message_type="template",
        category="marketing",
        source=None,
    )
    plant.wake()
    claimed = plant.claim()
    assert {row["outcome"]} == {"enrolled"}
    assert [row["template"] for row in claimed] == [
        filled("Ali", "", "gold"),
        filled("friend", "", ""),
    ]


PLAIN = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="{["), max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | PLAIN,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(PLAIN, part, max_size=3),
    max_leaves=8,
)


@quick
@given(part=JSON)
def test_a_template_without_syntax_is_untouched(conn: Connection, part: Any) -> None:
    row = conn.execute(
        "select drip._render_template(%s, 'Ali', '+60123456789', '{}', null, 1) as part",
        [Jsonb(part)],
    ).fetchone()
    assert row is not None
    assert row["part"] == part


# -- templates and addresses ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("12 Jalan Satu\n  Ipoh\r\n\r\nPerak", "12 Jalan Satu Ipoh Perak"),
        ("a\tb     c    d", "a b c    d"),
        ("\u2028a\n", "a"),
        ("plain", "plain"),
    ],
)
def test_a_parameter_of_a_template_is_one_line(plant: Plant, value: str, shown: str) -> None:
    device = plant.device()
    lead = plant.lead(attributes=Jsonb({"x": value}))
    parameter = {"type": "text", "text": "{attributes.x}"}
    button = {"type": "payload", "payload": "{attributes.x}"}
    template = {
        "name": "t",
        "language": "en",
        "components": [{"type": "body", "parameters": [parameter, button]}],
    }
    message = plant.message(
        device, lead, message_type="template", source=Jsonb({"template": template})
    )
    preview = plant.row("select template from drip.preview_message(%s)", message)
    [row] = plant.claim()
    assert row["template"] == preview["template"]
    said = row["template"]["components"][0]["parameters"]
    assert (said[0]["text"], said[1]["payload"]) == (shown, value)


@pytest.mark.parametrize(
    ("url", "value", "filled"),
    [
        ("https://x.test/{attributes.x}.pdf", "a b", "https://x.test/a%20b.pdf"),
        ("https://x.test/{attributes.x}", "../é?&#/%", "https://x.test/..%2F%C3%A9%3F%26%23%2F%25"),
        ("https://x.test/{attributes.x}", "..", "https://x.test/{attributes.x}"),
        ("https://x.test/{attributes.x|}/a", ".", "https://x.test//a"),
        ("https://x.test/{attributes.x|no/file.png}", " ", "https://x.test/no/file.png"),
        ("https://x.test/{attributes.x}?n={name}&p={phone}", "1", "https://x.test/1?n=Al%20i&p="),
        ("https://x.test/{attributes.x}", None, "https://x.test/{attributes.x}"),
        ("https://x.test/{name}/{name}", None, "https://x.test/Al%20i/Al%20i"),
        ("https://x.test/?r={}&q={city}", "a", "https://x.test/?r={}&q={city}"),
    ],
)
def test_an_address_is_filled_by_encoded_values(
    plant: Plant, url: str, value: str | None, filled: str
) -> None:
    lead = plant.lead("+60123456789", name="Al i", attributes=Jsonb({"x": value}))
    message = plant.message(
        plant.device(), lead, message_type="image", source=Jsonb({"media_url": url})
    )
    preview = plant.row("select media_url, unfilled from drip.preview_message(%s)", message)
    [row] = plant.claim()
    if "{phone}" in url:
        filled += "%2B60123456789"
    assert row["media_url"] == preview["media_url"] == filled
    is_unfilled = value is None and "{attributes.x}" in url
    assert preview["unfilled"] == (["{attributes.x}"] if is_unfilled else [])


def test_an_address_too_long_fails_alone(plant: Plant) -> None:
    device = plant.device()
    source = Jsonb({"media_url": "https://x.test/{attributes.x}"})
    lead = plant.lead(attributes=Jsonb({"x": "é" * 500}))
    message = plant.message(device, lead, message_type="image", source=source)
    assert plant.claim() == []
    row = plant.message_row(message)
    assert (row["status"], row["status_reason"]) == ("failed", "unrenderable")
    assert "the media URL, filled in, has more than 2048 characters" in row["error_message"]
