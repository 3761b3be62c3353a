"""Brings a database to this version, and knows everything about its schema.

The public names load what they need at first use: workers and receivers do without alembic.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .comparison import Drift
    from .migration import drift, migrate
    from .report import MigrationReport
    from .revisions import raw_connection, run_script, shared_connection
    from .roles import ensure_roles
    from .sql_files import SCHEMA, db_dir

__all__ = [
    "SCHEMA",
    "Drift",
    "MigrationReport",
    "db_dir",
    "drift",
    "ensure_roles",
    "migrate",
    "raw_connection",
    "run_script",
    "shared_connection",
]

_HOMES = {
    "SCHEMA": "sql_files",
    "Drift": "comparison",
    "MigrationReport": "report",
    "db_dir": "sql_files",
    "drift": "migration",
    "ensure_roles": "roles",
    "migrate": "migration",
    "raw_connection": "revisions",
    "run_script": "revisions",
    "shared_connection": "revisions",
}

if not TYPE_CHECKING:  # a checker believes the imports above, and finds names that do not exist

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(import_module(f".{_HOMES[name]}", __name__), name)
        globals()[name] = found
        return found
