"""Prints the numbering facts of a revision from the metadata of the installed libphonenumber.

A revision never changes once it is released, so that its facts stand in it as text. When a later
library knows more, run this, and put its output into a new revision:

    python tests/migration/make_numbers.py > facts.txt
"""

from __future__ import annotations

import unicodedata

import phonenumbers
from phonenumbers import PhoneMetadata
from phonenumbers.geodata.locale import LOCALE_DATA

LANGUAGES = tuple("en es pt fr de it nl in ms ar zh th vi tr ru".split())  # noqa: SIM905

# What people also write; codes of three letters where lists are likely to have them.
ALSO = """
AE uae are emirates|AF afg|AR arg|AT aut|AU aus oz|BD bgd|BE bel|BH bhr|BN brn brunei
BR bra brasil|CA can|CH che|CI civ ivorycoast cotedivoire|CL chl|CN chn prc mainlandchina|CO col
CZ cze czechrepublic|DE deu|DK dnk|EG egy|ES esp|ET eth|FI fin|FR fra
GB gbr uk greatbritain england scotland wales northernireland|GH gha|GR grc|HK hkg hongkong
HU hun|ID idn|IE irl|IL isr|IN ind bharat|IR irn iran|IQ irq|IT ita|JO jor|JP jpn|KE ken|KH khm
KR kor korea southkorea republicofkorea|KW kwt|KZ kaz|LA lao laos|LB lbn|LK lka|MA mar
MM mmr burma|MO mac macau|MV mdv|MX mex|MY mys msia malaysian|NG nga|NL nld holland|NO nor
NP npl|NZ nzl|OM omn|PE per|PH phl philippine|PK pak|PL pol|PS pse palestine|PT prt|QA qat
RO rou|RU rus russia|SA sau ksa|SE swe|SG sgp spore singaporean|SY syria|TH tha|TR tur turkiye
TW twn|TZ tza tanzania|UA ukr|UG uga
US usa unitedstates unitedstatesofamerica america|VE ven venezuela|VN vnm vietnam|ZA zaf rsa
BO bol bolivia|MD mda moldova|LY libya|CD drc
"""


def digits(pattern: str | None) -> str:
    return (pattern or "").replace(r"\d", "[0-9]")


def known(*descriptions: phonenumbers.PhoneNumberDesc | None) -> list[str]:
    patterns = [d.national_number_pattern for d in descriptions if d is not None]
    return [digits(p) for p in dict.fromkeys(patterns) if p and p != "NA"]


def plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum() or unicodedata.category(c)[0] == "M")


def bare(name: str) -> str:
    """Without accents of Latin letters."""
    parts = unicodedata.normalize("NFD", name)
    kept = "".join(c for c in parts if not "\u0300" <= c <= "\u036f")
    return unicodedata.normalize("NFC", kept)


def localized(region: str, language: str) -> str:
    names = LOCALE_DATA.get(region, {})
    name: str = names.get(language, "")
    return names.get(name[1:], "").lstrip("*") if name.startswith("*") else name


def code_lines() -> list[str]:
    lines = []
    for code in sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE):
        regions = phonenumbers.region_codes_for_country_code(code)
        if regions == ("001",):
            continue  # global services: satellites and freephones are nobody's mobile
        mobile: list[str] = []
        fixed: list[str] = []
        for region in regions:
            data = PhoneMetadata.metadata_for_region(region)
            mobile += known(data.mobile)
            fixed += known(data.fixed_line, data.voip, data.personal_number)
        if code == 52:  # WhatsApp writes mobiles of Mexico with a 1 that nobody dials any more
            mobile = [f"1?(?:{'|'.join(mobile)})"]
        elif code == 55:  # and mobiles of Brazil without the ninth digit
            mobile.append("[1-9][1-9][6-9][0-9]{7}")
        both = ["|".join(dict.fromkeys(p)) or "-" for p in (mobile, fixed)]
        lines.append(f"{code} {regions[0]} {both[0]} {both[1]}")
    return lines


def region_lines() -> list[str]:
    also = {}
    for entry in ALSO.replace("\n", "|").split("|"):
        if entry:
            region, *names = entry.split()
            also[region] = names
    named: dict[str, set[str]] = {}
    names_of: dict[str, list[str]] = {}
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        found = [plain(localized(region, language)) for language in LANGUAGES]
        found += [bare(name) for name in found]
        found = [n for n in found if len(n) > 2 or not n.isascii()]
        names_of[region] = list(dict.fromkeys(found + also.get(region, [])))
        for name in names_of[region]:
            named.setdefault(name, set()).add(region)
    lines = []
    for region, names in names_of.items():
        data = PhoneMetadata.metadata_for_region(region)
        own = [n for n in names if len(named[n]) == 1 or n in also.get(region, [])]
        trunk = digits(data.national_prefix_for_parsing).replace(" ", "") or "-"
        rule = (data.national_prefix_transform_rule or "-").replace(" ", "")
        dial_out = digits(data.international_prefix) or "-"
        lines.append(f"{region} {dial_out} {trunk} {rule} {','.join(own) or '-'}")
    return lines


def width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def folded(line: str) -> str:
    """In lines of at most 96 columns; one that continues another begins with a blank."""
    parts = []
    while width(line) > 96:
        cut = len(line)
        while width(line[:cut]) > 96 or line[cut - 1] == " " or line[cut] == " ":
            cut -= 1
        parts.append(line[:cut])
        line = line[cut:]
    return "\n ".join([*parts, line])


if __name__ == "__main__":
    print(f"# phonenumbers {phonenumbers.__version__}")
    for title, lines in (("CODES", code_lines()), ("REGIONS", region_lines())):
        print(f'{title} = r"""')
        for line in lines:
            print(folded(line))
        print('"""')
