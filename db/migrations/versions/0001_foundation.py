"""Schema drip, the two libraries that live in the database, and the record of code objects.

procrastinate (jobs) comes through its own schema manager, in schema `procrastinate`. pgmq (queues)
comes as the server's extension where that one knows topics, else as the SQL that the PyPI package
`pgmq` carries. `drip.installed_parts` says what was installed how.

Revision ID: 0001
Revises:
"""

from importlib.metadata import version

import psycopg
from pgmq.install import get_embedded_install_sql, get_embedded_sql_version
from procrastinate.schema import SchemaManager

from pgdrip.errors import PgdripError
from pgdrip.schema import raw_connection, run_script

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the schema, install procrastinate and pgmq, and note what was installed how."""
    run_script(
        """
        create schema if not exists drip;
        comment on schema drip is
          'pgdrip: drip sequences and campaigns. Call its functions, read its views.';
        grant usage on schema drip
          to drip_app, drip_worker, drip_operator, drip_reader, drip_guard, drip_view;

        comment on table drip.alembic_version is 'The newest revision of the tables.';

        create table drip.installed_parts (
          name text primary key,
          version text not null,
          how text not null
            constraint installed_parts_how check (how in ('library', 'extension', 'present')),
          installed_at timestamptz not null default pg_catalog.now()
        );
        comment on table drip.installed_parts is
          'What this database got from elsewhere; one row per part.';
        comment on column drip.installed_parts.name is 'The part: procrastinate or pgmq.';
        comment on column drip.installed_parts.version is 'Its version when it was installed.';
        comment on column drip.installed_parts.how is
          'library: SQL of the Python package; extension: create extension; present: was there.';
        comment on column drip.installed_parts.installed_at is 'When that was.';

        create table drip.code_objects (
          kind text not null
            constraint code_objects_kind
            check (kind in ('function', 'view', 'policy', 'trigger', 'table')),
          identity text not null,
          file text not null,
          checksum text not null,
          catalog_hash text not null,
          primary key (kind, identity)
        );
        comment on table drip.code_objects is
          'What the last migration left in schema drip; one row per object.';
        comment on column drip.code_objects.kind is 'function, view, policy, trigger or table.';
        comment on column drip.code_objects.identity is 'The object''s full name.';
        comment on column drip.code_objects.file is
          'The file below db/ that defines it; (revision) when a revision made it.';
        comment on column drip.code_objects.checksum is 'SHA-256 of the file, else empty.';
        comment on column drip.code_objects.catalog_hash is
          'MD5 of the definition, owner, rights and comments the catalog held afterwards.';
        """
    )
    _install_procrastinate()
    _install_pgmq()


def _note(name: str, part_version: str, how: str) -> None:
    raw_connection().execute(
        "insert into drip.installed_parts (name, version, how) values (%s, %s, %s)",
        (name, part_version, how),
    )


def _install_procrastinate() -> None:
    """Its functions find their tables by search_path; its connections carry that setting."""
    conn = raw_connection()
    row = conn.execute("select to_regclass('procrastinate.procrastinate_jobs')").fetchone()
    if row is not None and row[0] is not None:
        _note("procrastinate", version("procrastinate"), "present")
        return
    run_script("create schema if not exists procrastinate")
    run_script("set local search_path = procrastinate")
    run_script(SchemaManager.get_schema())
    run_script("set local search_path = pg_catalog")
    _note("procrastinate", version("procrastinate"), "library")


def _knows_topics(conn: psycopg.Connection[tuple[object, ...]]) -> bool:
    row = conn.execute(
        """
        select count(distinct f.proname) = 3
        from pg_catalog.pg_proc as f
        where f.pronamespace = to_regnamespace('pgmq')
          and f.proname in ('send_topic', 'bind_topic', 'unbind_topic')
        """
    ).fetchone()
    return row is not None and bool(row[0])


def _install_pgmq() -> None:
    conn = raw_connection()
    there = conn.execute("select to_regnamespace('pgmq') is not null").fetchone()
    if there is not None and there[0]:
        if not _knows_topics(conn):
            raise PgdripError(
                "This database has a pgmq without topics, which pgdrip's events need.",
                hint="Update it (`alter extension pgmq update`), then run `pgdrip migrate` again.",
            )
        found = conn.execute(
            "select e.extversion from pg_catalog.pg_extension as e where e.extname = 'pgmq'"
        ).fetchone()
        _note("pgmq", str(found[0]) if found else "unknown", "present")
        return
    offered = conn.execute(
        "select a.default_version from pg_catalog.pg_available_extensions as a"
        " where a.name = 'pgmq'"
    ).fetchone()
    if offered is not None and _create_extension(conn):
        _note("pgmq", str(offered[0]), "extension")
        return
    run_script(get_embedded_install_sql())
    _note("pgmq", get_embedded_sql_version(), "library")


def _create_extension(conn: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Try the server's own pgmq; False when it may not be created, or knows no topics."""
    try:
        with conn.transaction():
            conn.execute("create extension pgmq")
            if not _knows_topics(conn):
                raise psycopg.Rollback
            return True
    except psycopg.errors.InsufficientPrivilege:
        return False
    return False
