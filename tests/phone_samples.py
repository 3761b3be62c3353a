"""Random numbers that are valid in a country, and the spellings in which people write them."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

# The parser of regular expressions: a pattern is walked to write a text that matches it.
from re import _parser as patterns  # type: ignore[attr-defined]
from typing import Any

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumber, PhoneNumberFormat

COUNTRIES = (
    *("MY", "SG", "ID", "TH", "PH", "VN", "IN", "PK", "BD", "LK", "CN", "HK", "TW", "JP", "KR"),
    *("AU", "NZ", "GB", "IE", "DE", "AT", "CH", "FR", "IT", "ES", "PT", "NL", "BE", "PL", "SE"),
    *("RU", "TR", "SA", "AE", "EG", "NG", "KE", "ZA", "US", "MX", "BR", "AR", "CO"),
)


def numbers(region: str, count: int, seed: int) -> list[PhoneNumber]:
    """Valid numbers of the region, four mobiles for each other one."""
    chance = random.Random(f"{seed} {region}")
    data = PhoneMetadata.metadata_for_region(region)
    found: dict[str, PhoneNumber] = {}
    while len(found) < count:
        kind = data.mobile if chance.random() < 0.8 else data.fixed_line
        text = f"+{data.country_code}" + _written(
            patterns.parse(kind.national_number_pattern), chance
        )
        number = phonenumbers.parse(text)
        is_own = phonenumbers.is_valid_number_for_region(number, region)
        # E.164 has 7 to 15 digits
        if is_own and 8 <= len(text) <= 16 and e164(number) == text:
            found[text] = number
    return list(found.values())


def e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def international_spellings(region: str, number: PhoneNumber) -> Iterator[str]:
    """What names the country, with or without a +."""
    digits = e164(number)[1:]
    code = str(number.country_code)
    national = digits[len(code) :]
    spaced = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    yield from (f"+{digits}", spaced, f"00{digits}", f"00 {spaced[1:]}", digits, spaced[1:])
    yield from (f"+{code}-{national}", f"(+{code}) {national}", f"tel:+{digits}")
    if PhoneMetadata.metadata_for_region(region).national_prefix == "0":
        yield from (f"+{code} (0) {national}", f"+{code} 0{national}", f"{code}0{national}")
        yield from (f"{code}-0{national[:2]}-{national[2:]}", f"00{code} (0){national}")


def domestic_spellings(region: str, number: PhoneNumber) -> Iterator[str]:
    """What is dialled at home."""
    text = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    yield from (text, re.sub(r"\D", "", text), text.replace(" ", "."), text.replace(" ", "-"))


def _written(parsed: Any, chance: random.Random) -> str:
    text = ""
    for kind, value in parsed:
        match str(kind):
            case "LITERAL":
                text += chr(value)
            case "IN":
                text += chance.choice([digit for item in value for digit in _digits(item)])
            case "BRANCH":
                text += _written(chance.choice(value[1]), chance)
            case "SUBPATTERN":
                text += _written(value[3], chance)
            case "MAX_REPEAT":
                least, most, part = value
                for _ in range(chance.randint(least, most)):
                    text += _written(part, chance)
            case other:
                raise AssertionError(f"the patterns of numbers have no {other}")
    return text


def _digits(item: Any) -> str:
    match str(item[0]):
        case "LITERAL":
            return chr(item[1])
        case "RANGE":
            return "".join(chr(code) for code in range(item[1][0], item[1][1] + 1))
    return "0123456789"
