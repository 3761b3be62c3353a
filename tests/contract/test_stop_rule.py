"""What an opt-out stops is said in _stops() alone; everybody else asks it."""

from __future__ import annotations

import re

from pgdrip.schema.sql_files import SqlFile

# (function or view): why it compares the category of an opt-out itself.
OWN = {
    "_explain_contact": "says whether the contact gets anything at all",
    "_opt_out": "another word for the very same opt-out",
    "_apply_request": "takes back the one that the provider knows",
    "_confirm_opt_out": "finds the opt-out that this reply made",
    "replies": "says it in words",
}

_TABLE = re.compile(r"\bdrip\.suppressions\s+(?:as\s+)?(?!where\b|on\b|\()(\w+)")
_ALL = re.compile(r"categor\w*\s*(?:=|<>|in\b)\s*\(?\s*'all'|case\s+\S*categor\w*\s+when\s+'all'")


def compares(text: str) -> bool:
    """Whether a statement judges the category of an opt-out by itself."""
    code = re.sub(r"--[^\n]*", "", text)
    aliases = "|".join({"suppressions", *_TABLE.findall(code)})
    column = rf"\b(?:{aliases})\.category\b"
    return bool(
        _ALL.search(code)
        or re.search(rf"{column}\s*(?:[=<>!~]|(?:not\s+)?(?:in|like)\b|is\b)", code)
        or re.search(rf"(?:=|<>|any\s*\()\s*{column}", code)
        or re.search(rf"(?:min|max)\s*\(\s*{column}", code)
    )


def statements(sql_files: list[SqlFile]) -> dict[str, str]:
    return {
        made.name.removeprefix("drip."): text
        for file in sql_files
        for _, text, made in file.pieces()
        if made is not None and made.kind in ("function", "view")
    }


def test_one_place_says_what_an_opt_out_stops(sql_files: list[SqlFile]) -> None:
    assert {name for name, text in statements(sql_files).items() if compares(text)} == OWN.keys()


def test_each_dialect_is_found() -> None:
    for condition in (
        "s.category in ('all', m.category)",
        "(s.category = 'all' or m.category = 'marketing')",
        "m.category = s.category",
        "s.category <> 'marketing'",
        "(p_category = 'all' or m.category = p_category)",
        "s.category = (select min(s.category))",
    ):
        assert compares(f"select from drip.suppressions s where {condition}"), condition
    assert not compares("select from drip.suppressions s where drip._stops(s.category, 'x')")


def test_it_is_asked_where_many_are_judged(sql_files: list[SqlFile]) -> None:
    asking = {
        name for name, text in statements(sql_files).items() if re.search(r"drip\._stops\(", text)
    }
    judging = {"_own_evidence", "_enrollment_verdicts", "_judge_enrollments", "_is_stopped"}
    assert judging <= asking
