"""Keep what we pass out of the server's log: phones and texts are parameters of our statements.

A server that logs statements (log_min_duration_statement, log_statement) writes their parameters
beside them, unless the session says otherwise. Only who has SET on the parameter may say so; a
migration by a superuser grants it to drip_worker and drip_app.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

PARAMETER = "log_parameter_max_length"
ROLES = ("drip_worker", "drip_app")

# One statement without parameters; where it may not, the server's own setting stays.
KEEP_OUT = """
select set_config('log_parameter_max_length_on_error', '0', false), (
  select set_config('log_parameter_max_length', '0', false)
  where has_parameter_privilege('log_parameter_max_length', 'set'))
"""


def grant_to_roles(conn: psycopg.Connection[tuple[object, ...]]) -> None:
    """Let our logins keep parameters out of the log; the connected role must be a superuser."""
    for role in ROLES:
        row = conn.execute(
            "select has_parameter_privilege(%s, %s, 'set')", (role, PARAMETER)
        ).fetchone()
        if row is None or not row[0]:
            conn.execute(
                sql.SQL("grant set on parameter {} to {}").format(
                    sql.Identifier(PARAMETER), sql.Identifier(role)
                )
            )
