"""What the rules of the catalog look for in the text of a function or a view."""

from __future__ import annotations

import re

from pgdrip.schema import db_dir
from pgdrip.schema.sql_files import load_files

CLOCKS = re.compile(
    r"(?<!drip\.)(?<![\w.])(?:pg_catalog\.)?"
    r"(?:(?:now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\("
    r"|(?:current_timestamp|current_date|current_time|localtimestamp|localtime)(?![\w(]))",
    re.IGNORECASE,
)
CLOCK_LITERALS = re.compile(
    r"'(?:now|today|tomorrow|yesterday)'\s*::|(?:timestamptz|timestamp|date|time)\s+'(?:now|today)",
    re.IGNORECASE,
)
NOT_CODE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:''|[^'])*'", re.DOTALL)


def code_of(body: str) -> str:
    """The body without comments and strings."""
    return NOT_CODE.sub(" ", body)


def reads_clock(body: str) -> bool:
    """Whether the body reads the time from anything but drip.now()."""
    without_comments = re.sub(r"--[^\n]*", "", body)
    return bool(CLOCKS.search(code_of(body)) or CLOCK_LITERALS.search(without_comments))


def text_of(name: str) -> str:
    """The statement that makes the function drip.`name`, as it is written in its file."""
    return next(
        text
        for file in load_files(db_dir())
        for _, text, made in file.pieces()
        if made is not None and made.key == ("function", f"drip.{name}")
    )
