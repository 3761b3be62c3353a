"""What a verb says when it refuses: the code, a sentence and a hint."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from factory import Connection


def refusal(conn: Connection, query: str, *arguments: Any) -> tuple[str, str, str]:
    """Code, sentence and hint of the error that the query must raise."""
    with pytest.raises(psycopg.Error) as caught:
        conn.execute(query.encode(), arguments)
    diag = caught.value.diag
    assert diag.sqlstate is not None
    assert diag.sqlstate.startswith("DR"), (diag.sqlstate, diag.message_primary)
    assert diag.message_primary
    assert diag.message_hint
    return diag.sqlstate, diag.message_primary, diag.message_hint
