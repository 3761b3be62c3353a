"""_check_texts(): what nobody fills or closes is refused where it is written, with its path."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from factory import Connection, Plant, Row
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb
from refusals import refusal

CREATE = "select * from drip.create_sequence(%s)"
CAMPAIGN = "select * from drip.create_campaign(%s)"
SEND = "select * from drip.send_message('+60123456789', %s)"


def sequence(*texts: str, **more: Any) -> Jsonb:
    return Jsonb(
        {"name": "S", "auto_enroll": "manual", "steps": [{"content": text} for text in texts]}
        | more
    )


def campaign(message: str | None, **more: Any) -> Jsonb:
    return Jsonb({"title": "C", "everyone": True, "message": message} | more)


def names_of(plant: Plant) -> tuple[list[Row], list[Row]]:
    """What is stored of programs: nothing, after a refusal."""
    return plant.rows("select id from drip.sequences"), plant.rows("select id from drip.campaigns")


# -- what a placeholder is --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, []),
        ("", []),
        ("Hi {name}, {phone}", [("{name}", "name", None, True), ("{phone}", "phone", None, True)]),
        ("{name|dear friend}", [("{name|dear friend}", "name", "dear friend", True)]),
        ("{attributes.a|}", [("{attributes.a|}", "attributes.a", "", True)]),
        ("{attributes.a_1}", [("{attributes.a_1}", "attributes.a_1", None, True)]),
        ("{nmae}", [("{nmae}", "nmae", None, False)]),
        ("{Name}", [("{Name}", "Name", None, False)]),
        ("{ name }", [("{ name }", " name ", None, False)]),
        ("{lead.city|x}", [("{lead.city|x}", "lead.city", "x", False)]),
        ("{attributes.a.b}", [("{attributes.a.b}", "attributes.a.b", None, False)]),
        ("{attributes.a-b}", [("{attributes.a-b}", "attributes.a-b", None, False)]),
        ("{{name}}", [("{name}", "name", None, True)]),
        ("a } b {name}", [("{name}", "name", None, True)]),
        ("{a {name}", [("{name}", "name", None, True)]),
        ("{name", []),
        ('{"a": 1, "b": {"c": [2]}}', []),
        ("{ } {} {{1}} {1} {{}} {😀} {a, b} {Hi there|Hello} {e.g.} {:}", []),
    ],
)
def test_what_a_placeholder_is(
    plant: Plant, text: str | None, found: list[tuple[str, str, str | None, bool]]
) -> None:
    rows = plant.rows("select * from drip._placeholders(%s) order by place", text)
    assert [
        (row["placeholder"], row["path"], row["fallback"], row["is_known"]) for row in rows
    ] == found
    assert not any(row["is_nested"] for row in rows)


SIGNS = ["[[", "]]", "|", "{", "}", "{name}", "{name|", "{phone}", "{x}", "{ name }", " "]
WORDS = ["{attributes.x}", "{attributes.x|", "attributes.x", "name", "x"]
MARKS = st.sampled_from(SIGNS + WORDS)
ODD_TEXT = st.lists(MARKS, max_size=9).map("".join)
quick = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def is_refused(conn: Connection, user: int, text: str) -> bool:
    try:
        conn.execute("select drip._check_texts(%s, '{t}', array[%s], false)", [user, text])
    except psycopg.Error as exc:
        return exc.sqlstate == "DR017"
    return False


@quick
@example(text="{attributes.x|{{attributes.x}}")
@example(text="{attributes.x{name}}")
@given(text=ODD_TEXT)
def test_what_passes_leaves_no_placeholder_in_what_is_sent(
    conn: Connection, plant: Plant, text: str
) -> None:
    """Whatever is written: filled and chosen to the last sign, or refused.

    A brace before a placeholder is a brace; what is filled in behind it may look like one again.
    """
    if "{{attributes.x}" in text or is_refused(conn, plant.user, text):
        return
    for attributes in ({"x": "*"}, {}):
        row = plant.row(
            "select t.text, array(select p.placeholder from drip._placeholders(t.text) p) as left"
            " from drip._render(%s, '*', '*', %s, '{}', 1) as t (text)",
            text,
            Jsonb(attributes),
        )
        assert row["left"] == [], row
        assert "[[" not in row["text"]


# -- where it is refused ----------------------------------------------------------------------


def test_a_step_is_named_with_its_path(plant: Plant) -> None:
    plant.lead(attributes=Jsonb({"city": "Ipoh"}))
    assert refusal(plant.conn, CREATE, sequence("Hi {name}", "In {atributes.city}?")) == (
        "DR017",
        "steps[2].content: there is no placeholder {atributes.city}",
        "The nearest known one is {attributes.city}.",
    )
    assert names_of(plant) == ([], [])


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("{nmae}", "{name}"),
        ("{Name|friend}", "{name}"),
        ("{ name }", "{name}"),
        ("{lead.name}", "{name}"),
        ("{fone}", "{phone}"),
        ("{city}", "{attributes.city}"),
        ("{lead.City}", "{attributes.city}"),
        ("{attribute.citi}", "{attributes.city}"),
        ("{attributes.city-name}", "{attributes.city}"),
        ("{contact_phone}", "{phone}"),
    ],
)
def test_the_hint_names_the_nearest(plant: Plant, text: str, hint: str) -> None:
    plant.lead(attributes=Jsonb({"city": "Ipoh", "birth date": "x"}))
    _, _, said = refusal(plant.conn, SEND, f"Hi {text}")
    assert said.startswith(f"The nearest known one is {hint}.")


def test_single_braces_around_variants_say_how_they_are_written(plant: Plant) -> None:
    _, sentence, hint = refusal(plant.conn, SEND, "{Hi|Hello} {name}")
    assert sentence == "p_content: there is no placeholder {Hi|Hello}"
    assert "Variants are written [[Hi|Hello]]." in hint


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[Hi|Hello", "the variant that opens with [[ does not close"),
        ("[[Hi]] [[Hello", "the variant that opens with [[ does not close"),
        ("]] [[", "the variant that opens with [[ does not close"),
        ("[Hi|Hello]]", "the variant that closes with ]] opens with one ["),
        ("[[[a|b]]]", "it is not clear which two of [[[ open a variant"),
        ("[[a|[[b|c]]]]", "a variant stands inside another"),
        ("[[a|[[b|c]]|d]]", "a variant stands inside another"),
        (
            "{name|[[a|b]]}",
            "the fallback of {name} contains a placeholder or a variant",
        ),
        (
            "{attributes.a|{attributes.b}}",
            "the fallback of {attributes.a} contains a placeholder or a variant",
        ),
        (
            "{attributes.a|to {name|you}}",
            "the fallback of {attributes.a} contains a placeholder or a variant",
        ),
    ],
)
def test_brackets_pair_and_fallbacks_are_plain(plant: Plant, text: str, problem: str) -> None:
    code, sentence, _ = refusal(plant.conn, SEND, text)
    assert (code, sentence) == ("DR017", f"p_content: {problem}")


@pytest.mark.parametrize(
    "text",
    [
        "{name|}{phone}{attributes.any|}",
        "{attributes.any|{name}} {attributes.any|call {phone}}",
        "[[Hi {name|you}|Hello]]\nhttps://example.com/?q=[1]&r={}",
        '{"json": {"a": [1, [2]]}} { } {{}} 😀{😀}',
        "if (a[b[0]]) { return b; }",
        "[one|two]",
    ],
)
def test_what_is_no_placeholder_passes(plant: Plant, text: str) -> None:
    plant.lead()
    assert plant.row(SEND, text)["outcome"] == "planned"


TEMPLATE = {
    "name": "promo_{x}",
    "language": "ms",
    "components": [
        {"type": "body", "parameters": [{"type": "text", "text": "{name|friend}"}]},
        {"type": "body", "parameters": [{"type": "text"}, {"type": "text", "text": "{nam}"}]},
    ],
}
PATH = "template.components[2].parameters[2].text: there is no placeholder {nam}"
TEMPLATE_STEP = {"message_type": "template", "template": TEMPLATE}


def test_the_texts_of_a_template_are_read_as_well(plant: Plant) -> None:
    """Its own name is Meta's."""
    steps = {"steps": [{"content": "Hi"}, TEMPLATE_STEP]}
    assert refusal(plant.conn, CREATE, sequence(**steps))[1] == f"steps[2].{PATH}"
    assert refusal(plant.conn, CAMPAIGN, campaign(None, **TEMPLATE_STEP))[1] == PATH
    query = "select * from drip.send_message('+60123456789', p_message_type => 'template',"
    _, sentence, _ = refusal(plant.conn, query + " p_template => %s)", Jsonb(TEMPLATE))
    assert sentence == f"p_{PATH}"


def test_captions_are_read_as_well(plant: Plant) -> None:
    picture = {"message_type": "image", "media_url": "https://x.test/a.png", "caption": "{nam}"}
    assert refusal(plant.conn, CREATE, sequence(steps=[picture]))[1].startswith("steps[1].caption:")
    assert refusal(plant.conn, CAMPAIGN, campaign(None, **picture))[1].startswith("caption:")


def test_changes_are_read_whoever_makes_them(plant: Plant) -> None:
    plant.lead()
    plant.row(CREATE, sequence("Hi"))
    plant.row(CAMPAIGN, campaign("Hi"))
    for query in (
        """select * from drip.update_sequence('S', '{"steps": [{"content": "{nam}"}]}')""",
        """select * from drip.update_sequence('S', '{"steps": [{"content": "{attributes.a}"}]}')""",
        "update drip.sequence_steps set content = '{nam}'",
        "update drip.sequence_steps set content = '{attributes.a}'",
    ):
        code, sentence, _ = refusal(plant.conn, query)
        assert (code, sentence.split(":")[0]) == ("DR017", "steps[1].content")
    for query in (
        """select * from drip.update_campaign('C', '{"message": "[[a"}')""",
        """select * from drip.update_campaign('C', '{"message": "{attributes.a}"}')""",
        "update drip.campaigns set message = '{nam}'",
        "update drip.users set opt_out_confirmation = 'Bye {nam}'",
    ):
        assert refusal(plant.conn, query)[0] == "DR017"
    assert plant.value("select content from drip.sequence_steps") == "Hi"


def test_what_was_saved_before_is_left_alone(plant: Plant) -> None:
    """Nor does another change of the row ask again."""
    plant.row(CREATE, sequence("Hi"))
    plant.conn.execute("alter table drip.sequence_steps disable trigger user")
    plant.conn.execute("update drip.sequence_steps set content = '{nam}'")
    plant.conn.execute("alter table drip.sequence_steps enable trigger user")
    plant.conn.execute("update drip.sequence_steps set trigger_delay_hours = 2")
    assert refusal(plant.conn, "select * from drip.start_sequence('S')")[0] == "DR017"


# -- attributes -------------------------------------------------------------------------------


def test_an_attribute_that_no_lead_has_needs_a_fallback(plant: Plant) -> None:
    plant.lead(attributes=Jsonb({"city": "Ipoh"}))
    code, sentence, hint = refusal(plant.conn, CREATE, sequence("Hi", "At {attributes.cty}"))
    assert (code, sentence) == ("DR017", "steps[2].content: no lead has the attribute 'cty'")
    assert hint == (
        "The nearest known placeholder is {attributes.city};"
        " or give it a fallback: {attributes.cty|friend}."
    )
    assert refusal(plant.conn, CAMPAIGN, campaign("{attributes.cty}"))[0] == "DR017"
    assert refusal(plant.conn, SEND, "{attributes.cty}")[0] == "DR017"
    assert names_of(plant) == ([], [])
    plant.row(CREATE, sequence("{attributes.city} {attributes.cty|} {attributes.x|there}"))
    plant.row(CAMPAIGN, campaign("{attributes.city} {attributes.cty|}"))


def test_an_attribute_of_a_journey_counts(plant: Plant) -> None:
    plant.device()
    first = plant.sequence()
    plant.row(
        "select * from drip.enroll_lead(%s, '+60123456789', p_attributes => %s)",
        str(first),
        Jsonb({"order_no": 7}),
    )
    plant.row(CREATE, sequence("Order {attributes.order_no}"))
    assert refusal(plant.conn, CAMPAIGN, campaign("{attributes.order}"))[2].startswith(
        "The nearest known placeholder is {attributes.order_no};"
    )


def test_the_leads_of_others_do_not_count(plant: Plant) -> None:
    plant.lead(user=plant.other_tenant(), attributes=Jsonb({"city": "Ipoh"}))
    plant.lead()
    with plant.acting_for(plant.user):
        _, _, hint = refusal(plant.conn, CREATE, sequence("{attributes.city}"))
    assert "attributes.city}" not in hint.split(";")[0]


def test_without_leads_it_is_asked_at_the_start(plant: Plant) -> None:
    plant.row(CREATE, sequence("{attributes.city}"))
    plant.row(CAMPAIGN, campaign("{attributes.city}"))
    lead = plant.lead(attributes=Jsonb({"town": "Ipoh"}))
    for verb in ("start_sequence('S')", "schedule_campaign('C')"):
        code, _, hint = refusal(plant.conn, f"select * from drip.{verb}")
        assert code == "DR017"
        assert "{attributes.town}" in hint
    assert plant.value("select status from drip.sequences") == "draft"
    assert plant.row(CREATE, sequence("{attributes.city}"))["outcome"] == "existing"
    plant.update("leads", lead, attributes=Jsonb({"city": "Ipoh"}))
    plant.row("select * from drip.start_sequence('S')")
    plant.row("select * from drip.schedule_campaign('C')")


def test_without_leads_a_program_starts(plant: Plant) -> None:
    """There is nothing to compare with."""
    plant.row(CREATE, sequence("{attributes.city}"))
    assert plant.row("select * from drip.start_sequence('S')")["outcome"] == "started"
    assert plant.row(SEND, "{attributes.city}")["outcome"] == "planned"


def test_a_repeated_message_is_not_asked_again(plant: Plant) -> None:
    lead = plant.lead("+60123456789", attributes=Jsonb({"city": "Ipoh"}))
    plant.lead()
    query = (
        "select * from drip.send_message('+60123456789', '{attributes.city}',"
        " p_idempotency_key => 'one')"
    )
    assert plant.row(query)["outcome"] == "planned"
    plant.update("leads", lead, attributes=Jsonb({}))
    assert plant.row(query)["outcome"] == "already_sent"


# -- forms of other systems -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "token", "hint"),
    [
        ("Hi {{1}}", "{{1}}", "Placeholders have names: write {name}, {phone} or"),
        ("Hi {{ first_name }}!", "{{ first_name }}", "The nearest known one is {name}."),
        ("Hi {{name}}", "{{name}}", "The nearest known one is {name}."),
        ("Hi {{name|friend}}", "{{name|friend}}", "The nearest known one is {name}."),
        ("In {{attributes.town}}", "{{attributes.town}}", "The nearest known one is {attribut"),
        ("Hi {{name}", "{{name}", "The nearest known one is {name}."),
        ("{{#if name}}Hi{{/if}}", "{{#if name}}", "The nearest known one is"),
        ("Hi {first name}", "{first name}", "The nearest known one is {name}."),
        ("Hi {First Name}", "{First Name}", "The nearest known one is {name}."),
        ("In { city }", "{ city }", "The nearest known one is {attributes.city}."),
        ("Hi {Name }", "{Name }", "The nearest known one is {name}."),
        ("Hi ${name}", "${name}", "The nearest known one is {name}."),
        ("Hi %name%", "%name%", "The nearest known one is {name}."),
        ("Hi %FIRST_NAME%", "%FIRST_NAME%", "The nearest known one is {name}."),
        ("Hi *|FNAME|*", "*|FNAME|*", "The nearest known one is {name}."),
        ("{Hi there|Hello} all", "{Hi there|Hello}", "Variants are written [[Hi there|Hello]]."),
    ],
)
def test_placeholders_of_other_systems_are_refused(
    plant: Plant, text: str, token: str, hint: str
) -> None:
    plant.lead(attributes=Jsonb({"city": "Ipoh"}))
    code, sentence, said = refusal(plant.conn, CREATE, sequence("Hi", text))
    assert (code, sentence) == (
        "DR017",
        f"steps[2].content: there is no placeholder {token}",
    )
    assert said.startswith(hint)
    for query, definition in ((CAMPAIGN, campaign(text)), (SEND, text)):
        assert refusal(plant.conn, query, definition)[0] == "DR017"
    assert names_of(plant) == ([], [])


@pytest.mark.parametrize(
    "text",
    [
        "Answer with [name] [address], or <name>",
        "It costs ${attributes.price|20} {name|dear friend}",
        "50%off% %20name%20 100% name %",
        '{"a": {"b": "{name}"}, "c": [{"d": 1}, {}]}',
        "{a, b} {e.g.} {:} {😀} { } {{}} {1} {this is a whole sentence of words}",
        "{attributes.any|{name}}",
        "x = {a: 1, b: {c: 2}}",
    ],
)
def test_what_other_systems_do_not_fill_passes(plant: Plant, text: str) -> None:
    plant.lead(attributes=Jsonb({"price": "20"}))
    assert plant.row(SEND, text)["outcome"] == "planned"


@pytest.mark.parametrize(
    "text",
    [
        "[[1,2],[3,4]]",
        '{"m": [[1,2],[3,4]], "n": [["a"], ["b"]]}',
        "[[1,2]]",
        "[[]]",
        "[[[1,2]]]",
        "[[1,2],[[3]]]",
        "[[[1],[2]],[[3]]]",
        "[[1,[2,3]],[4]]",
        '[[{"a": 1}]]',
        "[[ -1.5, 2 ], [ 3 ]]",
    ],
)
def test_lists_of_lists_are_text(plant: Plant, text: str) -> None:
    plant.lead()
    assert plant.row(SEND, text)["outcome"] == "planned"
    mixed = f"{text} [[Hi|Hello]] {text}"
    plant.row("select * from drip.send_message('+60123456780', %s)", mixed)
    for seed in range(8):
        query = "select drip._render(%s, 'Ali', '+60', '{}', '{}', %s)"
        assert plant.value(query, text, seed) == text
        assert plant.value(query, mixed, seed) in (f"{text} Hi {text}", f"{text} Hello {text}")


# -- what a message of its type does not carry ------------------------------------------------

SOUND = {"message_type": "audio", "media_url": "https://x.test/a.ogg"}


@pytest.mark.parametrize("text", [" \n ", "\t\r\n", "\u00a0", "\u200b\ufeff", "\u3164"])
def test_a_text_of_blanks_is_refused(plant: Plant, text: str) -> None:
    assert refusal(plant.conn, CREATE, sequence(text))[:2] == (
        "DR008",
        "steps[1].content is empty",
    )
    assert refusal(plant.conn, CAMPAIGN, campaign(text))[:2] == ("DR008", "message is empty")
    variants = [{"name": "A", "message": "Hi"}, {"name": "B", "message": text}]
    assert refusal(plant.conn, CAMPAIGN, campaign(None, variants=variants))[:2] == (
        "DR008",
        "variants[2].message is empty",
    )
    assert refusal(plant.conn, SEND, text)[:2] == ("DR008", "p_content is empty")
    plant.row(CREATE, sequence("Hi"))
    plant.row(CAMPAIGN, campaign("Hi"))
    for query in (
        "select * from drip.update_campaign('C', %s)",
        "select * from drip.update_step('S', '1', %s)",
    ):
        key = "message" if "campaign" in query else "content"
        assert refusal(plant.conn, query, Jsonb({key: text}))[0] == "DR008"
    for table, column in (("campaigns", "message"), ("sequence_steps", "content")):
        assert refusal(plant.conn, f"update drip.{table} set {column} = %s", text)[0] == "DR008"
    apply = "select * from drip.apply_definitions(%s)"
    definition = Jsonb({"campaigns": [{"title": "D", "everyone": True, "message": text}]})
    assert refusal(plant.conn, apply, definition)[0] == "DR008"


@pytest.mark.parametrize("key", ["content", "caption"])
def test_audio_has_no_text(plant: Plant, key: str) -> None:
    said = f"{key} does not fit message_type audio"
    step = SOUND | {key: "Listen"}
    assert refusal(plant.conn, CREATE, sequence(steps=[step]))[:2] == ("DR008", f"steps[1].{said}")
    _, sentence, _ = refusal(
        plant.conn,
        f"select * from drip.send_message('+60123456789', p_message_type => 'audio',"
        f" p_media_url => 'https://x.test/a', p_{key} => 'Listen')",
    )
    assert sentence == f"p_{said}"
    key = key.replace("content", "message")
    said = said.replace("content", "message")
    audio = Jsonb({"title": "C", "everyone": True} | SOUND | {key: "Listen"})
    assert refusal(plant.conn, CAMPAIGN, audio)[:2] == ("DR008", said)
    plant.row(CAMPAIGN, campaign(None, **SOUND))
    for query, argument in (
        ("select * from drip.update_campaign('C', %s)", Jsonb({key: "Listen"})),
        (f"update drip.campaigns set {key} = %s", "Listen"),
    ):
        assert refusal(plant.conn, query, argument)[:2] == ("DR008", said)
    plant.row("select * from drip.update_campaign('C', %s)", Jsonb({key: " "}))


def test_a_text_has_no_caption(plant: Plant) -> None:
    assert refusal(plant.conn, CAMPAIGN, campaign("Hi", caption="Look"))[:2] == (
        "DR008",
        "caption does not fit message_type text",
    )


def test_a_blank_in_an_address_is_named(plant: Plant) -> None:
    query = (
        "select * from drip.send_message('+60123456789', p_message_type => 'image',"
        " p_media_url => %s)"
    )
    for address in ("https://x.test/a b.png", " https://x.test/a.png", "https://x.test/a.png\n"):
        assert refusal(plant.conn, query, address) == (
            "DR008",
            "p_media_url is an address with a blank in it",
            "Write a blank within an address as %20, and none before or behind it.",
        )


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_an_empty_parameter_of_a_template_is_refused(plant: Plant, text: str) -> None:
    parameters = [{"type": "text", "text": "Ali"}, {"type": "text", "text": text}]
    template = {"name": "t", "language": "en"}
    template |= {"components": [{"type": "body", "parameters": parameters}]}  # type: ignore[dict-item]
    part = {"message_type": "template", "template": template}
    said = "template.components[1].parameters[2].text is empty"
    assert refusal(plant.conn, CREATE, sequence(steps=[part]))[:2] == ("DR008", f"steps[1].{said}")
    assert refusal(plant.conn, CAMPAIGN, campaign(None, **part))[:2] == ("DR008", said)


def test_placeholders_of_an_address_are_read_as_well(plant: Plant) -> None:
    plant.lead(attributes=Jsonb({"file": "a"}))
    picture = {"message_type": "image", "media_url": "https://x.test/{attributes.fil}"}
    for query, definition in (
        (CREATE, sequence(steps=[picture])),
        (CAMPAIGN, campaign(None, **picture)),
    ):
        code, sentence, hint = refusal(plant.conn, query, definition)
        assert (code, sentence.split(": ")[0].split(".")[-1]) == ("DR017", "media_url")
        assert "{attributes.file}" in hint
    picture["media_url"] = "https://{attributes.file}/x"
    assert refusal(plant.conn, CAMPAIGN, campaign(None, **picture))[:2] == (
        "DR008",
        "media_url has a placeholder in its host",
    )
    picture["media_url"] = "https://x.test/{attributes.file}"
    plant.row(CAMPAIGN, campaign(None, **picture))


# -- what a platform takes --------------------------------------------------------------------

PICTURE = {"message_type": "image", "media_url": "https://x.test/a.png"}


def test_what_no_device_takes_is_refused(plant: Plant) -> None:
    plant.device(platform="cloud_api")
    plant.lead()
    said = "has at least 4097 characters; cloud_api takes 4096"
    text = "x" * 4097 + "{name}[[a|b]]"
    hint = "Shorten it: none of the devices concerned could send it."
    assert refusal(plant.conn, CREATE, sequence("Hi", text)) == (
        "DR021",
        f"steps[2].content {said}",
        hint,
    )
    assert refusal(plant.conn, CAMPAIGN, campaign(text))[:2] == ("DR021", f"message {said}")
    assert refusal(plant.conn, SEND, text)[:2] == ("DR021", f"p_content {said}")
    picture = PICTURE | {"caption": "x" * 1025}
    assert refusal(plant.conn, CAMPAIGN, campaign(None, **picture))[1] == (
        "caption has at least 1025 characters; cloud_api takes 1024"
    )
    plant.row(CAMPAIGN, campaign("x" * 4096 + "{name}"))
    for query in (
        "select * from drip.update_campaign('C', %s)",
        "update drip.campaigns set message = %s::jsonb ->> 'message'",
    ):
        assert refusal(plant.conn, query, Jsonb({"message": text}))[0] == "DR021"


def test_what_some_devices_take_is_a_warning(plant: Plant) -> None:
    meta = plant.device("meta", platform="cloud_api")
    plant.device("own")
    plant.lead()
    text = "x" * 5000
    plant.row(CREATE, sequence(text))
    plant.row(CAMPAIGN, campaign(text))
    told = plant.row("select * from drip.schedule_campaign('C')")["warnings"]
    assert told[-1] == (
        "message has at least 5000 characters; cloud_api takes 4096: it fails on these devices"
    )
    query = "select * from drip.send_message('+60123456789', %s, p_device => %s)"
    assert refusal(plant.conn, query, text, str(meta))[0] == "DR021"
    plant.row(query, text, "own")
    refused = campaign(text, title="D", devices=["meta"])
    assert refusal(plant.conn, CAMPAIGN, refused)[0] == "DR021"
