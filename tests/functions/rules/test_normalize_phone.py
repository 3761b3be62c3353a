"""_normalize_phone() and _phone_problem(): phones as people write them."""

from __future__ import annotations

import random
from typing import Any

import phonenumbers
import pytest
from factory import Connection, Plant
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from phone_samples import (
    COUNTRIES,
    domestic_spellings,
    e164,
    international_spellings,
    numbers,
)
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType
from phonenumbers import national_significant_number as national

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
        ("012-3456789 / 013-3456789", "MY", "several numbers"),
        ("012-3456789; 013-3456789", "MY", "several numbers"),
        ("012-3456789 or 013-3456789", "MY", "several numbers"),
        ("012-3456789 ::: 013-3456789", "MY", "several numbers"),
        ("012-345 6789, 013-345 6789", "MY", "several numbers"),
        ("+6.0123456789E10", "MY", "scientific"),
        ("251556368777322@lid", "MY", "address without a number"),
        ("120363025246125486@g.us", "MY", "address without a number"),
        ("O12-3456789", "MY", "letters"),
        ("10234567", "MY", "digits that no number in MY has"),
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
        ("012345678߉", "MY", ""),
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


@pytest.mark.parametrize(
    ("text", "region", "phone"),
    [
        # The digit dialled at home, after a country code that has lost its +.
        ("60-012-3456710", "MY", "+60123456710"),
        ("62 0812-3456-7890", "ID", "+6281234567890"),
        ("49 0171 2345678", "DE", "+491712345678"),
        ("43 0664 1234567", "AT", "+436641234567"),
        ("49 171 2345678", "DE", "+491712345678"),
        ("+60(0)123456706", "MY", "+60123456706"),
        ("60(0)123456706", "MY", "+60123456706"),
        # Italy's zero is part of the number.
        ("+39 06 698 12345", "MY", "+390669812345"),
        ("39 06 698 12345", "MY", "+390669812345"),
        ("+39 (0)6 698 12345", "DE", "+390669812345"),
        ("0039 06 698 12345", "MY", "+390669812345"),
        # Leading digits decide.
        ("6591234567", "MY", "+6591234567"),
        ("85251234567", "MY", "+85251234567"),
        ("+65 9123 4567", "MY", "+6591234567"),
        ("8 (495) 186-52-61", "RU", "+74951865261"),
        ("(515) 212-0170", "US", "+15152120170"),
        # Both spellings that WhatsApp uses stay what they are.
        ("+52 1 55 1234 5678", "MY", "+5215512345678"),
        ("5215512345678", "MX", "+5215512345678"),
        ("+225 07 01 23 45 67", "MY", "+2250701234567"),
        ("+225 01 23 45 67", "MY", "+22501234567"),
        ("+229 01 95 12 34 56", "MY", "+2290195123456"),
        ("+229 95 12 34 56", "MY", "+22995123456"),
        ("525512345678", "MX", "+525512345678"),
        ("5511912345678", "BR", "+5511912345678"),
        ("551181234567", "BR", "+551181234567"),
        ("+54 9 11 2345-6789", "MY", "+5491123456789"),
        ("+54 11 2345-6789", "MY", "+541123456789"),
        ("+54 11 15 2345-6789", "MY", "+5491123456789"),
        ("011 15 2345-6789", "AR", "+5491123456789"),
        ("0 15 11 91234-5678", "BR", "+5511912345678"),
        # Other ways to dial abroad.
        ("011 60 12 345 6789", "US", "+60123456789"),
        ("0011 60 12 345 6789", "AU", "+60123456789"),
        ("010 60 12 345 6789", "JP", "+60123456789"),
        ("810 60 12 345 6789", "RU", "+60123456789"),
        ("001 60 12 345 6789", "SG", "+60123456789"),
        ("+0060123456789", "MY", "+60123456789"),
        # What systems put around a number.
        ("p:+60123456789", "US", "+60123456789"),
        ("whatsapp:+60123456789", "US", "+60123456789"),
        ("Tel: 012-345 6789", "MY", "+60123456789"),
        ("HP 0123456789", "MY", "+60123456789"),
        ("H/P: 0123456789", "MY", "+60123456789"),
        ("Mobile: 0123456789", "MY", "+60123456789"),
        ("wa.me/60123456789", "US", "+60123456789"),
        ("https://wa.me/60123456789", "US", "+60123456789"),
        ("https://wa.me/60123456789?text=Hi%20there", "US", "+60123456789"),
        ("https://api.whatsapp.com/send?phone=60123456789", "US", "+60123456789"),
        ("https://api.whatsapp.com/send/?phone=%2B60123456789&text=Hi", "US", "+60123456789"),
        ("whatsapp://send?phone=60123456789", "US", "+60123456789"),
        ("60123456789@c.us", "US", "+60123456789"),
        ("60123456789@s.whatsapp.net", "US", "+60123456789"),
        ("60123456789:12@s.whatsapp.net", "US", "+60123456789"),
        ("6591234567@c.us", "US", "+6591234567"),
        ("0123456789 (WA)", "MY", "+60123456789"),
        ("012-345 6789 (wife)", "MY", "+60123456789"),
        ("No: 012-345 6789", "MY", "+60123456789"),
        ("+49 (0)6221/1234567", "MY", "+4962211234567"),
        ("012/3456789", "MY", "+60123456789"),
        ("`0123456789", "MY", "+60123456789"),
        ("=+60123456789", "MY", "+60123456789"),
        ('="+60123456789"', "MY", "+60123456789"),
        ('="0123456789"', "MY", "+60123456789"),
        ("0123456789,", "MY", "+60123456789"),
        ("0123456789.", "MY", "+60123456789"),
        ("٠١٢٣٤٥٦٧٨٩", "MY", "+60123456789"),
        ("+۹۸ ۹۱۲ ۳۴۵ ۶۷۸۹", "MY", "+989123456789"),
        ("+९१ ९८७६५ ४३२१०", "MY", "+919876543210"),
    ],
)
def test_what_people_and_systems_write(plant: Plant, text: str, region: str, phone: str) -> None:
    assert plant.row(READ, text, region)["phone"] == phone


@pytest.mark.parametrize(
    ("text", "region", "readings"),
    [
        # A US number without its 1, or a Singaporean one without its +.
        ("6592234567", "US", ["US (+1 and 10 digits)", "SG (+65 and 8 digits)"]),
        ("85291234567", "ID", ["ID (+62 and 11 digits)", "HK (+852 and 8 digits)"]),
        ("16106915461", "CN", ["CN (+86 and 11 digits)", "US (+1 and 10 digits)"]),
        ("51969218832", "BR", ["BR (+55 and 11 digits)", "PE (+51 and 9 digits)"]),
        ("3906730587", "IT", ["IT (+39 and 10 digits)", "IT (+39 and 8 digits)"]),
    ],
)
def test_a_number_of_two_countries_is_refused_with_both_named(
    plant: Plant, text: str, region: str, readings: list[str]
) -> None:
    read = plant.row(READ, text, region)
    assert read["phone"] is None
    assert all(reading in read["problem"] for reading in readings), read["problem"]


@pytest.mark.parametrize(
    ("text", "country", "phone"),
    [
        ("91234567", "65", "+6591234567"),
        ("91234567", "+65", "+6591234567"),
        ("91234567", "(+65)", "+6591234567"),
        ("91234567", "0065", "+6591234567"),
        ("91234567", "SG", "+6591234567"),
        ("91234567", "sg", "+6591234567"),
        ("91234567", "Singapore", "+6591234567"),
        ("6591234567", "Singapore", "+6591234567"),
        ("+6591234567", "Malaysia", "+6591234567"),
        ("6591234567", "Malaysia", "+6591234567"),
        ("6592234567", "US", "+16592234567"),
        ("6592234567", "SG", "+6592234567"),
        ("0812-3456-7890", "Indonesia", "+6281234567890"),
        ("(415) 555-0132", "United States", "+14155550132"),
        ("14155550132", "USA", "+14155550132"),
        ("14155550132", "1", "+14155550132"),
        ("0171 2345678", "Deutschland", "+491712345678"),
        ("0171 2345678", "Alemania", "+491712345678"),
        ("012-345 6789", "马来西亚", "+60123456789"),
        ("07400 123456", "U.K.", "+447400123456"),
        ("91234567", "Singapore (+65)", "+6591234567"),
        ("91234567", "SG - Singapore", "+6591234567"),
        ("91234567", "Tampines, Singapore", "+6591234567"),
        ("91234567", "Singapore/Malaysia", None),
        ("(21) 98765-4321", "Rio de Janeiro, Brazil", "+5521987654321"),
        ("012-345 6789", "", "+60123456789"),
        ("012-345 6789", None, "+60123456789"),
        ("012-345 6789", "Atlantis", None),
        ("+60 12-345 6789", "Atlantis", "+60123456789"),
    ],
)
def test_the_country_of_the_row_comes_before_the_region(
    plant: Plant, text: str, country: str, phone: str | None
) -> None:
    read = plant.row(
        "select r.phone, r.problem from drip._read_phone(%s, 'MY', %s) as r", text, country
    )
    assert read["phone"] == phone
    if phone is None:
        assert "is not known" in read["problem"]


SPELLED = (
    "select r.phone, r.problem from unnest(%s::text[], %s::text[]) with ordinality as i (t, g, n)"
    " cross join lateral drip._read_phone(i.t, i.g) as r order by i.n"
)


def _misread(plant: Plant, asked: list[tuple[str, str, PhoneNumber]]) -> list[Any]:
    """What is not read as the number it is, and not refused because of a second reading either."""
    rows = plant.rows(SPELLED, [text for text, _, _ in asked], [home for _, home, _ in asked])
    wrong = []
    for (text, home, number), row in zip(asked, rows, strict=True):
        own = f"(+{number.country_code} and {len(national(number))} digits)"
        is_ambiguous = own in (row["problem"] or "") and " and of " in row["problem"]
        if row["phone"] != e164(number) and not is_ambiguous:
            wrong.append((text, home, e164(number), row))
    refused = sum(row["phone"] is None for row in rows)
    assert refused < len(rows) / 15, f"{refused} of {len(rows)} are refused as ambiguous"
    return wrong


def _asked(count: int, seed: int) -> list[tuple[str, str, PhoneNumber]]:
    """Numbers of each country, each as it is written at home, there and elsewhere."""
    chance = random.Random(seed)
    asked = []
    for region in COUNTRIES:
        elsewhere = [country for country in COUNTRIES if country != region]
        for number in numbers(region, count, seed):
            abroad = list(international_spellings(region, number))
            asked += [
                (chance.choice(list(domestic_spellings(region, number))), region, number),
                (chance.choice(abroad), region, number),
                (chance.choice(abroad), chance.choice(elsewhere), number),
            ]
    return sorted(asked, key=lambda one: one[1])


def test_no_number_is_read_as_another_ones(plant: Plant) -> None:
    assert _misread(plant, _asked(25, seed=1)) == []


@pytest.mark.exhaustive
@pytest.mark.slow
def test_no_number_of_thousands_is_read_as_another_ones(plant: Plant) -> None:
    assert _misread(plant, _asked(1000, seed=2)) == []


def test_every_kind_is_the_one_that_libphonenumber_says(plant: Plant) -> None:
    for region in COUNTRIES:
        sample = numbers(region, 20, seed=3)
        told = plant.rows(
            "select drip._phone_kind(i.p) as kind from unnest(%s::text[]) with ordinality i (p, n)"
            " order by i.n",
            [e164(number) for number in sample],
        )
        for number, row in zip(sample, told, strict=True):
            is_mobile = phonenumbers.number_type(number) in (
                PhoneNumberType.MOBILE,
                PhoneNumberType.FIXED_LINE_OR_MOBILE,
            )
            expected = "mobile" if is_mobile else "fixed"
            # Brazil's mobiles of eight digits look like some of its old landlines.
            assert row["kind"] == expected or region == "BR", (e164(number), row)


def _writings(region: str, number: phonenumbers.PhoneNumber) -> list[tuple[str, str | None]]:
    whole = e164(number)
    writings: list[tuple[str, str | None]] = [
        (whole, None),
        (phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL), None),
        (phonenumbers.format_number(number, PhoneNumberFormat.RFC3966), None),
        ("00" + whole[1:], region),
        (whole[1:], region),
        (phonenumbers.national_significant_number(number), region),
    ]
    if region not in NATIONAL_FORM_REFUSED:
        writings.append((phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL), region))
    return writings


def _names_two(problem: str | None) -> bool:
    return " can be read as a number of " in (problem or "")


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
            expected += [e164(number)] * len(writings)
    assert len(asked) > 3000
    rows = plant.rows(
        SPELLED,
        [text for text, _ in asked],
        [region for _, region in asked],
    )
    wrong = [
        (text, region, row["phone"], phone)
        for (text, region), row, phone in zip(asked, rows, expected, strict=True)
        if row["phone"] != phone and not _names_two(row["problem"])
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
    for text, home in _writings(region, number):
        spaced = "".join(
            mark + (between if mark.isdigit() else "")
            for mark, between in zip(text, spacing + [""] * 40, strict=False)
        )
        row = conn.execute(READ.encode(), [spaced, home]).fetchone()
        assert row is not None
        is_ambiguous = home is not None and "+" not in text and _names_two(row["problem"])
        assert row["phone"] == e164(number) or is_ambiguous, (text, home, row)


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
