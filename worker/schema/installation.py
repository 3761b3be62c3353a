"""Is the database one to work on? Asked once by each command that opens it."""

from __future__ import annotations

from functools import cache

from ..errors import PgdripError
from .sql_files import db_dir

QUERY = "select c.revision, c.problem from drip.check_installation() c"


def refuse_broken(revision: object, problem: object) -> None:
    """Raise :class:`PgdripError` (DR023) unless what :data:`QUERY` answered says that all is well.

    A newer database is fine: `pgdrip migrate` goes first, the processes follow.
    """
    if problem is None and str(revision or "") < _newest_revision():
        problem = "its tables are of an earlier version"
    if problem is not None:
        raise PgdripError(
            f"This database is not ready: {problem}.", hint="Run `pgdrip migrate`.", code="DR023"
        )


@cache
def _newest_revision() -> str:
    versions = db_dir() / "migrations" / "versions"
    return max(path.name.partition("_")[0] for path in versions.glob("[0-9]*.py"))
