"""_normalize_phone() and _phone_problem(): phones as people write them."""

from __future__ import annotations

import phonenumbers
import pytest
from factory import Connection, Plant
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

READ = "select r.phone, r.problem from drip._read_phone(%s, %s) as r"

# Argentina dials 15 inside its mobile numbers at home; that one form is refused, not guessed.
NATIONAL_FORM_REFUSED = {"AR"}


@pytest.mark.lesson(31, story=True)
@pytest.mark.parametrize(
    "text",
    [
        "+60123456789",
        "60123456789",
        "0123456789",
        "123456789",
        "012-345 6789",
        "(012) 345-6789",
        "012.345.6789",
        "012/3456789",
        "+60 12-345 6789",
        "+60 (0)12 345 6789",
        "+60 012 345 6789",
        "+600123456789",
        "0060123456789",
        "00 60 12 345 6789",
        "00 60 (0) 12 345 6789",
        "tel:+60-12-345-6789",
        "TEL: 012-345 6789",
        "'0123456789",
        "’0123456789",
        "60123456789.0",
        "+60123456789.0",
        "\u00a0+60\u00a012\u2011345\u20136789\u200b",
        "\u202a+60 12-345 6789\u202c",
        "012\u2212345\uff0d6789",
        "\ufeff0123456789",
        "０１２３４５６７８９",
        "\t012 345 6789\r\n",
    ],
)
def test_one_phone_in_many_writings(plant: Plant, text: str) -> None:
    assert plant.row(READ, text, "MY") == {"phone": "+60123456789", "problem": None}


@pytest.mark.lesson(47, story=True)
@pytest.mark.parametrize(
    ("text", "region", "phone"),
    [
        ("+44 (0)20 7946 0018", None, "+442079460018"),
        ("0011 60 12 345 6789", "AU", "+60123456789"),
        ("011 44 20 7946 0018", "US", "+442079460018"),
        ("(212) 555-2368", "US", "+12125552368"),
        ("1 212 555 2368", "US", "+12125552368"),
        ("8 (912) 345-67-89", "RU", "+79123456789"),
        ("06 20 123 4567", "HU", "+36201234567"),
        ("081234567890", "ID", "+6281234567890"),
        ("6281234567890", "ID", "+6281234567890"),
        ("9123456789", "IN", "+919123456789"),
        ("919123456789", "IN", "+919123456789"),
        # No trunk prefix is dialled in Italy, and mobiles begin with the country's own code.
        ("393 123 4567", "IT", "+393931234567"),
        ("39 312 345 6789", "IT", "+393123456789"),
        ("06 698 12345", "IT", "+390669812345"),
        ("91234567", "SG", "+6591234567"),
        ("6591234567", "SG", "+6591234567"),
        ("55 99123 4567", "BR", "+5555991234567"),
        ("6041234567", "MY", "+6041234567"),
    ],
)
def test_each_region_has_its_ways(plant: Plant, text: str, region: str | None, phone: str) -> None:
    assert plant.row(READ, text, region) == {"phone": phone, "problem": None}


@pytest.mark.parametrize(
    ("text", "region", "problem"),
    [
        (None, "MY", "empty"),
        ("", "MY", "empty"),
        (" \u00a0\u200b", "MY", "empty"),
        ("-", "MY", "no digits"),
        ("+", "MY", "no digits"),
        ("0123456789", None, "no default region"),
        ("60123456789", None, "no default region"),
        ("0123456789", "QQ", "region QQ is not known"),
        ("0123abc789", "MY", "letters"),
        ("nobody", "MY", "letters"),
        ("1-800-FLOWERS", "US", "letters"),
        ("6.01E+10", "MY", "scientific"),
        ("6.0123456789e10", "MY", "scientific"),
        ("6E10", "MY", "scientific"),
        ("6,01E+10", "MY", "scientific"),
        ("012-345 6789 ext. 5", "MY", "extension"),
        ("012-3456789 x5", "MY", "extension"),
        ("+60123456789;ext=5", "MY", "extension"),
        ("012-3456789#5", "MY", "extension"),
        ("012", "MY", "too short for MY"),
        ("0123456", "MY", "too short for MY"),
        ("012345678901234", "MY", "too long for MY"),
        ("012-3456789 / 013-3456789", "MY", "too long"),
        ("+6012", "MY", "too short for country code +60"),
        ("+6012345678901", "MY", "too long for country code +60"),
        ("+999123456789", "MY", "no known country code"),
        ("+0123456789", "MY", "no known country code"),
        ("012,3456789", "MY", "','"),
        ("++60123456789", "MY", "'+'"),
        ("60+123456789", "MY", "'+'"),
        ("=0123456789", "MY", "'='"),
        ("0" * 101, "MY", "too long"),
        ("'; drop table drip.leads; --", "MY", "letters"),
        ("012345678९", "MY", ""),
    ],
)
def test_what_is_no_phone_is_refused_with_a_sentence(
    plant: Plant, text: str | None, region: str | None, problem: str
) -> None:
    read = plant.row(READ, text, region)
    assert read["phone"] is None
    assert problem in read["problem"]
    assert read["problem"].startswith("the phone")
    if text and len(text) > 8:
        assert text not in read["problem"]


def test_the_two_faces_agree(plant: Plant) -> None:
    query = "select drip._normalize_phone(%s, 'MY') as phone, drip._phone_problem(%s, 'MY') as why"
    assert plant.row(query, "0123456789", "0123456789") == {"phone": "+60123456789", "why": None}
    bad = plant.row(query, "0123", "0123")
    assert bad["phone"] is None
    assert bad["why"]


def _writings(region: str, number: phonenumbers.PhoneNumber) -> list[tuple[str, str | None]]:
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    writings: list[tuple[str, str | None]] = [
        (e164, None),
        (phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL), None),
        (phonenumbers.format_number(number, PhoneNumberFormat.RFC3966), None),
        ("00" + e164[1:], region),
        (e164[1:], region),
        (phonenumbers.national_significant_number(number), region),
    ]
    if region not in NATIONAL_FORM_REFUSED:
        writings.append((phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL), region))
    return writings


def test_it_agrees_with_libphonenumber_on_the_examples_of_every_region(plant: Plant) -> None:
    asked: list[tuple[str, str | None]] = []
    expected = []
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE):
            number = phonenumbers.example_number_for_type(region, kind)
            if number is None:
                continue
            writings = _writings(region, number)
            asked += writings
            e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
            expected += [e164] * len(writings)
    assert len(asked) > 3000
    rows = plant.rows(
        "select r.phone from unnest(%s::text[], %s::text[]) with ordinality as i (t, g, n)"
        " cross join lateral drip._read_phone(i.t, i.g) as r order by i.n",
        [text for text, _ in asked],
        [region for _, region in asked],
    )
    wrong = [
        (text, region, row["phone"], phone)
        for (text, region), row, phone in zip(asked, rows, expected, strict=True)
        if row["phone"] != phone
    ]
    assert wrong == []


MOBILES = [
    region
    for region in (
        "MY",
        "SG",
        "ID",
        "TH",
        "PH",
        "VN",
        "IN",
        "AU",
        "GB",
        "DE",
        "FR",
        "ES",
        "US",
        "BR",
    )
    if phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
]


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    region=st.sampled_from(MOBILES),
    tail=st.text("0123456789", min_size=7, max_size=7),
    spacing=st.lists(st.sampled_from(["", "", " ", "-", "\u00a0"]), min_size=16, max_size=16),
)
def test_any_valid_mobile_is_read_as_libphonenumber_reads_it(
    conn: Connection, region: str, tail: str, spacing: list[str]
) -> None:
    example = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    digits = phonenumbers.national_significant_number(example)
    number = phonenumbers.parse(f"+{example.country_code}{digits[:-7]}{tail}")
    if not phonenumbers.is_valid_number_for_region(number, region):
        return
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    for text, home in _writings(region, number):
        spaced = "".join(
            mark + (between if mark.isdigit() else "")
            for mark, between in zip(text, spacing + [""] * 40, strict=False)
        )
        row = conn.execute(READ.encode(), [spaced, home]).fetchone()
        assert row == {"phone": e164, "problem": None}, (text, home)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    text=st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=40)
)
def test_any_text_is_either_a_phone_or_a_problem(conn: Connection, text: str) -> None:
    row = conn.execute(READ.encode(), [text, "MY"]).fetchone()
    assert row is not None
    assert (row["phone"] is None) != (row["problem"] is None)
    if row["phone"]:
        assert phonenumbers.is_possible_number(phonenumbers.parse(row["phone"]))
