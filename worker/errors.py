"""Failures that a person is told about: one sentence, a hint, a code."""

from __future__ import annotations

import re

import psycopg


class PgdripError(Exception):
    """A failure worth one sentence to the user; the command line prints it without a traceback.

    ``message`` is that sentence, ``hint`` says what to do about it, ``code`` is the SQLSTATE
    (``DRnnn`` for our own, see docs/errors.md) where the database raised it.
    """

    def __init__(self, message: str, *, hint: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code

    def __str__(self) -> str:
        return self.message


_MIGRATE = "Run `pgdrip migrate`, then try again."

# SQLSTATE -> sentence, hint. None as the sentence: the database's own words are clear enough.
_BY_STATE: dict[str, tuple[str | None, str]] = {
    "3D000": ("The database does not exist.", "Create it, or correct DATABASE_URL."),
    "28000": (
        "The database refused the login.",
        "Check user and password in DATABASE_URL, and the server's pg_hba.conf.",
    ),
    "28P01": (
        "The database refused the user name or password.",
        "Check user and password in DATABASE_URL.",
    ),
    "42501": (
        None,
        "Connect as a role that is a member of drip_app, drip_worker, drip_operator or "
        "drip_reader, as the call needs; after a restore, run `pgdrip migrate` first.",
    ),
    "53300": (
        "The database has no free connection.",
        "Raise max_connections, or lower PGDRIP_POOL_SIZE.",
    ),
    "57P03": ("The database is starting up or shutting down.", "Wait a moment and try again."),
    "57P01": ("The database ended the connection.", "Check that the server is up, and try again."),
    "57014": ("The database cancelled the statement.", "Look for a statement_timeout."),
    "55P03": (
        "A lock was not granted in time.",
        "Another session holds it; `select * from pg_stat_activity` shows which. Try again.",
    ),
    "40P01": ("Two transactions waited for each other (deadlock).", "Try again."),
    "40001": ("A concurrent transaction changed the same rows.", "Try again."),
    "25006": ("The database is read-only.", "Connect to the primary server."),
    "53100": ("The database server's disk is full.", "Free disk space on the server."),
}

# A failed connect carries no SQLSTATE, only the text of libpq or of the server.
_BY_TEXT: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r'database "[^"]*" does not exist'), "3D000"),
    (re.compile(r"password authentication failed|no password supplied"), "28P01"),
    (
        re.compile(r'role "[^"]*" does not exist|no pg_hba\.conf entry|authentication failed'),
        "28000",
    ),
    (re.compile(r"is not permitted to log in"), "28000"),
    (re.compile(r"too many clients|too many connections|remaining connection slots"), "53300"),
    (re.compile(r"the database system is (starting up|shutting down|in recovery)"), "57P03"),
)
_UNREACHABLE = (
    (
        re.compile(r"Connection refused|socket .* failed: No such file|is the server running"),
        "Nothing accepts connections at the database's address.",
        "Start the server, or correct host and port in DATABASE_URL.",
    ),
    (
        re.compile(r"could not translate host name|resolve host|Name or service not known"),
        "The database's host name is unknown.",
        "Correct the host in DATABASE_URL.",
    ),
    (
        re.compile(r"timeout expired|timed out|No route to host|Network is unreachable"),
        "The database's host does not answer.",
        "Check the network, and host and port in DATABASE_URL.",
    ),
    (
        re.compile(r"server closed the connection|connection is closed|connection is lost"),
        "The connection to the database was lost.",
        "Check that the server is up, and try again.",
    ),
    (
        re.compile(r'invalid (connection option|URI query|port|integer)|missing "="'),
        "DATABASE_URL is not a valid connection string.",
        "Write it as postgresql://user:password@host:5432/database.",
    ),
)
# undefined schema, function, table, type; undefined column
_UNDEFINED = {"3F000", "42883", "42P01", "42704"}


def from_database(exc: psycopg.Error) -> PgdripError:
    """The :class:`PgdripError` that tells what a database error means.

    Our own errors (SQLSTATE ``DRnnn``) keep their sentence, detail and hint; common connection
    failures get a sentence and a hint; of anything else the database's first line is kept.
    The text never holds the connection string.
    """
    diag = exc.diag
    code = exc.sqlstate or diag.sqlstate
    text = str(exc).strip()
    primary = (diag.message_primary or _first_line(text) or type(exc).__name__).strip()

    if code is not None and code.startswith("DR"):
        detail = (diag.message_detail or "").strip()
        message = f"{primary} ({detail})" if detail and detail not in primary else primary
        return PgdripError(message, hint=diag.message_hint, code=code)

    if code in _UNDEFINED and re.search(r'schema "drip"|\bdrip\.', primary):
        if code == "3F000" or 'schema "drip"' in primary:
            message = "The database has no schema drip."
        else:
            message = f"The database is not at this version of pgdrip: {primary}."
        return PgdripError(message, hint=_MIGRATE, code=code)

    if code is None:
        code = next((state for pattern, state in _BY_TEXT if pattern.search(text)), None)
    if code is not None and code in _BY_STATE:
        sentence, hint = _BY_STATE[code]
        return PgdripError(sentence or f"{primary[:1].upper()}{primary[1:]}.", hint=hint, code=code)

    if code is None:
        for pattern, sentence, hint in _UNREACHABLE:
            if pattern.search(text):
                return PgdripError(sentence, hint=hint)
    return PgdripError(primary, hint=diag.message_hint, code=code)


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else ""
