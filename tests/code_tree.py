"""A small `db/` of a test's own: the real foundation, and whatever the test writes into it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from pgdrip.schema import MigrationReport, db_dir, migrate


@dataclass
class Tree:
    """A `db/` folder and the database that it is for."""

    folder: Path
    dsn: str

    def write(self, path: str, text: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def remove(self, path: str) -> None:
        (self.folder / path).unlink()

    def revision(self, number: int, body: str) -> None:
        """A revision `000n`; `body` are the lines of its upgrade()."""
        lines = "\n".join(f"    {line}" for line in body.splitlines())
        self.write(
            f"migrations/versions/{number:04}_test.py",
            '"""A revision of a test."""\n'
            "from alembic import op\n"
            "from pgdrip.schema import run_script\n"
            f'revision = "{number:04}"\n'
            f'down_revision = "{number - 1:04}"\n'
            "def upgrade() -> None:\n"
            f"{lines}\n",
        )

    def migrate(self, revision: str = "head", **options: Any) -> MigrationReport:
        return migrate(self.dsn, revision, folder=self.folder, **options)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn, autocommit=True) as conn:
            return conn.execute(query.encode()).fetchall()

    def run(self, *statements: str) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as conn:
            for statement in statements:
                conn.execute(statement.encode())

    def value(self, query: str) -> Any:
        return self.rows(query)[0][0]

    def oids(self) -> dict[str, int]:
        """The oid of every function and view in drip, by name."""
        return dict(
            self.rows(
                """
                select p.oid::regprocedure::text, p.oid::bigint
                from pg_proc p where p.pronamespace = 'drip'::regnamespace
                union all
                select c.oid::regclass::text, c.oid::bigint
                from pg_class c
                where c.relnamespace = 'drip'::regnamespace and c.relkind = 'v'
                """
            )
        )

    def state(self) -> list[tuple[Any, ...]]:
        """All that a migration may leave behind, with the transactions that wrote it."""
        return self.rows(
            """
            select 'function', oid::bigint, xmin::text, proname::text
            from pg_proc where pronamespace = 'drip'::regnamespace
            union all
            select 'relation', oid::bigint, xmin::text, relname::text
            from pg_class where relnamespace = 'drip'::regnamespace
            union all
            select 'record', 0, xmin::text, identity from drip.code_objects
            union all
            select 'revision', 0, xmin::text, version_num from drip.alembic_version
            union all
            select 'schema', oid::bigint, xmin::text, nspacl::text
            from pg_namespace where nspname = 'drip'
            order by 1, 2, 4
            """
        )


def function(name: str, body: str = "select 1", returns: str = "int", args: str = "") -> str:
    return (
        f"create function drip.{name}({args})\nreturns {returns}\nlanguage sql\nas $$ {body} $$;\n"
    )


def view(name: str, query: str) -> str:
    return (
        f"create view drip.{name} with (security_barrier) as\n{query};\n"
        f"alter view drip.{name} owner to drip_view;\n"
    )


def foundation_folder(path: Path) -> Path:
    """Make a `db/` at `path` that has the foundation only."""
    real = db_dir() / "migrations"
    (path / "migrations" / "versions").mkdir(parents=True)
    for name in ("env.py", "script.py.mako", "versions/0001_foundation.py"):
        shutil.copy(real / name, path / "migrations" / name)
    return path
