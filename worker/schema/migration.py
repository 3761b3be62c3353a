"""Tables migrate, code is rebuilt: the one transaction that brings a database to this version.

`migrate` locks the table of revisions, drops those of our functions and views whose file or catalog
entry changed (and ours that rest on them, outermost first, never `cascade`), runs pending
revisions, creates what is missing from the files, validates every body, and commits. Functions that
look the same to callers, and trigger functions, are not dropped: `create or replace` does it. What
is unchanged is not touched, so that foreign views on top of ours stop only the upgrades that
concern them.
"""

from __future__ import annotations

import io
import random
import re
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RangeNotAncestorError
from alembic.util.exc import CommandError

from ..errors import PgdripError, from_database
from . import catalog
from .catalog import Connection
from .comparison import Comparison, Drift
from .policies import put_policies
from .rebuild import BUSY, FILE_KINDS, LOCK_PATIENCE, Rebuild
from .replication import ensure_identities
from .report import MigrationReport
from .revisions import psycopg_of, shared_connection
from .rights import give_to_owner, put_rights
from .roles import ensure_roles, take_temporary
from .sql_files import SCHEMA, SqlFile, db_dir, load_files

# Seconds. Another migration is waited for; a table in use is not: the whole is tried again.
MIGRATION_WAIT = 300
ATTEMPTS = 4
HOLDERS_WAIT = 5  # seconds for the question who holds what an upgrade needs

MINIMUM_SERVER = 150000

# Alembic keeps the running environment in module globals: one at a time in a process.
_ALEMBIC = threading.Lock()

RunRevisions = Callable[[sqlalchemy.Connection], None]

# Another first installation has just made the schema or the table.
_RACES = (
    psycopg.errors.UniqueViolation,
    psycopg.errors.DuplicateSchema,
    psycopg.errors.DuplicateTable,
)

# As alembic makes it.
_VERSION_TABLE = f"""
create table {SCHEMA}.alembic_version (
  version_num varchar(32) not null,
  constraint alembic_version_pkc primary key (version_num)
);
"""

# Who has a lock that a migration may wait for: on a table or view of ours, or the advisory lock
# that pgmq takes on a queue's name, which any login may hold.
_HOLDERS = """
select distinct a.pid, coalesce(a.usename, a.backend_type)
from pg_catalog.pg_locks l
join pg_catalog.pg_stat_activity a on a.pid = l.pid
where l.granted
  and a.pid <> pg_catalog.pg_backend_pid()
  and l.database = (
    select d.oid from pg_catalog.pg_database d where d.datname = current_database())
  and (l.locktype = 'advisory'
       or l.relation in (
         select c.oid
         from pg_catalog.pg_class c
         where c.relnamespace in (
           select n.oid
           from pg_catalog.pg_namespace n
           where n.nspname in ('drip', 'pgmq', 'procrastinate'))))
order by a.pid
limit 5
"""

# What a revision meets when a view or a trigger of ours rests on the column that it changes.
_IN_THE_WAY = (psycopg.errors.DependentObjectsStillExist, psycopg.errors.FeatureNotSupported)


def migrate(
    dsn: str,
    revision: str = "head",
    *,
    folder: Path | None = None,
    lock_timeout: float = LOCK_PATIENCE,
    run_revisions: RunRevisions | None = None,
) -> MigrationReport:
    """Bring the database to this version of pgdrip: roles, tables, functions, views.

    `dsn` is any connection string of libpq. With another `revision` than the newest only tables
    move: the files belong to the newest. `folder` stands in for the installed `db/`.
    Locks on tables and views in use are got in short tries, so that no application waits long or
    ends in a deadlock; after `lock_timeout` seconds of trying the whole is done again, four times
    in all. Everything happens in one transaction, roles excepted.
    `run_revisions` is for alembic's own command line, whose environment is already running.

    Raises PgdripError and changes nothing when a file or a revision fails (the message names file
    and line), when objects of others rest on what must change, or when the database is too busy.
    """
    started = time.monotonic()
    folder = folder or db_dir()
    files = load_files(folder)
    with _in_one_sentence():
        with psycopg.connect(
            dsn, autocommit=True, prepare_threshold=None, application_name="pgdrip migrate"
        ) as conn:
            _check_server(conn)
            _check_owner(conn)
            ensure_roles(conn)
        for attempts_left in reversed(range(ATTEMPTS)):
            try:
                with shared_connection(dsn) as connection:
                    run = _Migration(connection, folder, files, lock_timeout, installs=True)
                    return run.upgrade(revision, started, run_revisions)
            except BUSY as exc:
                if not attempts_left:
                    raise PgdripError(
                        f"The database was too busy to upgrade: {exc.diag.message_primary}.",
                        hint=f"Sessions hold what it needs{_holders(dsn)}; end them (`select"
                        " pg_terminate_backend(pid)`) and run it again. Nothing was changed.",
                        code=exc.sqlstate,
                    ) from exc
                time.sleep(random.uniform(0.05, 0.2))  # noqa: S311
    raise AssertionError("the last attempt returns or raises")


def drift(dsn: str, *, folder: Path | None = None) -> list[Drift]:
    """What differs between the database and this version: patched, missing, stray, outdated.

    Another installation is made beside it, from the same revisions and files, and compared; all of
    it is rolled back. So what is compared was written by the same server, and neither a dump and
    restore nor another version of Postgres makes a difference. Nothing that is in use is locked.
    """
    folder = folder or db_dir()
    files = load_files(folder)
    with _in_one_sentence(), shared_connection(dsn) as connection:
        _check_owner(psycopg_of(connection))
        run = _Migration(connection, folder, files, LOCK_PATIENCE)
        found = run.differences()
        connection.rollback()
        return found


class _Migration:
    """One attempt, in one transaction."""

    def __init__(
        self,
        connection: sqlalchemy.Connection,
        folder: Path,
        files: list[SqlFile],
        lock_timeout: float,
        *,
        installs: bool = False,
    ) -> None:
        self._connection = connection
        self._conn = psycopg_of(connection)
        self._config = Config(stdout=io.StringIO())
        self._config.set_main_option("script_location", str(folder / "migrations"))
        self._config.attributes["connection"] = connection
        self._versions = folder / "migrations" / "versions"
        self._folder = folder
        self._set("statement_timeout", "0")
        self._set("client_min_messages", "warning")
        self._set("search_path", "")
        self._set("lock_timeout", f"{MIGRATION_WAIT}s")
        self._exclude_others(installs)
        self._set("lock_timeout", f"{int(lock_timeout * 1000)}ms")
        # Only now: what another migration committed while we waited is in sight.
        self._files = files
        self._rebuild = Rebuild(self._conn, files, lock_timeout)

    def _set(self, name: str, value: str) -> None:
        self._conn.execute("select set_config(%s, %s, true)", (name, value))

    def _exclude_others(self, installs: bool) -> None:
        """One migration at a time in a database, for which no other login can hold a lock.

        Who locks the table of revisions needs rights on it; who makes it, or the schema, needs the
        right to, and whoever comes second waits for the first to commit.
        """
        while True:
            try:
                with self._conn.transaction():
                    has_schema, has_table = self._conn.execute(
                        "select to_regnamespace(%s) is not null, to_regclass(%s) is not null",
                        (SCHEMA, f"{SCHEMA}.alembic_version"),
                    ).fetchone() or (False, False)
                    if has_table:
                        self._conn.execute(
                            f"lock table {SCHEMA}.alembic_version"
                            " in share row exclusive mode".encode()
                        )
                    elif installs:
                        if not has_schema:
                            self._conn.execute(f"create schema {SCHEMA}".encode())
                        self._conn.execute(_VERSION_TABLE.encode())
                return
            except (*_RACES, psycopg.errors.UndefinedTable):
                continue

    def upgrade(
        self, revision: str, started: float, run_revisions: RunRevisions | None
    ) -> MigrationReport:
        """Drop what changed, run revisions, create what is missing, check, record."""
        pending, newest = self._pending(revision)
        rebuild = self._rebuild
        if newest:
            rebuild.drop_changed(self._tables_named_in(pending))
        if pending:
            run = run_revisions or (lambda _: command.upgrade(self._config, revision))
            self._run_revisions(run, newest)
            give_to_owner(self._conn)
        if pending and newest:
            # A revision that renames a column changes the views that read it.
            rebuild.drop_changed()
        ensure_identities(self._conn)
        if newest:
            rebuild.create()
        rights = put_rights(self._conn)
        if newest:
            rights += put_policies(self._conn)
            rebuild.validate()
        after = catalog.snapshot(self._conn)
        if newest:
            rebuild.check(after)
            rebuild.record(after)
        self._notes = take_temporary(self._conn)
        return self._report(pending, after, rights, time.monotonic() - started)

    def _report(
        self, pending: list[str], after: catalog.Snapshot, rights: int, seconds: float
    ) -> MigrationReport:
        before = self._rebuild.before
        there = {key for key in after if key[0] in FILE_KINDS}
        made = {key for key in there if self._rebuild.is_made(after[key])}
        gone = {key for key in before if key[0] in FILE_KINDS} - there
        return MigrationReport(
            revisions=tuple(pending),
            created=tuple(sorted(identity for _, identity in made - before.keys())),
            rebuilt=tuple(sorted(identity for _, identity in made & before.keys())),
            dropped=tuple(sorted(identity for _, identity in gone)),
            unchanged=len(there - made),
            rights=rights,
            seconds=seconds,
            notes=self._notes,
        )

    def differences(self) -> list[Drift]:
        """Compare; the caller rolls back."""
        pending, _ = self._pending("head")
        if pending:
            detail = "not applied to this database yet"
            return [Drift("revision", name, "outdated", detail) for name in pending]
        compare = Comparison(self._conn, self._rebuild)
        with compare.beside():
            self._run_revisions(lambda _: command.upgrade(self._config, "head"), newest=False)
            reference = Rebuild(self._conn, self._files)
            reference.drop_changed()
            reference.create()
            put_rights(self._conn)
            return list(compare.differences())

    # -- revisions ---------------------------------------------------------------------------

    def _pending(self, revision: str) -> tuple[list[str], bool]:
        """The revisions to run, in order, and whether they end at the newest one."""
        with _told_by_alembic():
            script = ScriptDirectory.from_config(self._config)
            context = MigrationContext.configure(
                self._connection, opts={"version_table_schema": SCHEMA}
            )
            current = context.get_current_heads()
            for name in current:
                script.get_revision(name)
            path = [r.revision for r in script.iterate_revisions(revision, current or "base")]
            head = script.get_current_head()
            target = script.get_revision(revision)
        return path[::-1], target is None or target.revision == head

    def _tables_named_in(self, revisions: list[str]) -> set[str]:
        """What revisions are about to lock, as far as their text tells."""
        script = ScriptDirectory.from_config(self._config)
        paths = [Path(script.get_revision(name).path) for name in revisions]
        return {
            name
            for path in paths
            for name in re.findall(rf"\b{SCHEMA}\.\w+", path.read_text("utf-8"))
        }

    def _run_revisions(self, run: RunRevisions, newest: bool) -> None:
        there = self._conn.execute("select to_regnamespace(%s)", (SCHEMA,)).fetchone()
        if there is None or there[0] is None:
            self._conn.execute(f"create schema {SCHEMA}".encode())
        cause = self._try_revisions(run)
        if newest and isinstance(cause, _IN_THE_WAY):
            # A column's type changes below views whose text stays the same: all of ours go first.
            self._rebuild.drop_all()
            cause = self._try_revisions(run)
        if cause is not None:
            raise self._failed_revision(cause) from cause

    def _try_revisions(self, run: RunRevisions) -> Exception | None:
        """None, or what failed; then nothing of the revisions is left."""
        try:
            with _ALEMBIC, self._conn.transaction(), _told_by_alembic():
                run(self._connection)
        except BUSY:
            raise
        except sqlalchemy.exc.DBAPIError as exc:
            if isinstance(exc.orig, BUSY):
                raise exc.orig from exc
            cause = exc.orig if isinstance(exc.orig, psycopg.Error) else exc
            return cause.with_traceback(exc.__traceback__)
        except Exception as exc:
            return exc
        return None

    def _failed_revision(self, cause: Exception) -> Exception:
        if isinstance(cause, PgdripError):
            return cause
        where = "a revision"
        for frame in traceback.extract_tb(cause.__traceback__):
            if Path(frame.filename).parent == self._versions:
                name = Path(frame.filename).relative_to(self._folder).as_posix()
                where = f"{name}, line {frame.lineno}"
        if isinstance(cause, psycopg.Error):
            text = cause.diag.message_primary or str(cause)
            notes = getattr(cause, "__notes__", [])
            near = f" (near: {notes[0]})" if notes else ""
            return PgdripError(
                f"{where}: {text}{near}.", hint=cause.diag.message_hint, code=cause.sqlstate
            )
        return PgdripError(f"{where}: {type(cause).__name__}: {cause}.")


def _holders(dsn: str) -> str:
    """Who holds what it needs, as far as the server says so: the error is that it is too busy."""
    try:
        with psycopg.connect(
            dsn,
            autocommit=True,
            application_name="pgdrip migrate",
            connect_timeout=HOLDERS_WAIT,
        ) as conn:
            conn.execute(f"set statement_timeout = '{HOLDERS_WAIT}s'".encode())
            found = conn.execute(_HOLDERS.encode()).fetchall()
    except psycopg.Error:
        return ""
    told = ", ".join(f"{pid} ({login})" for pid, login in found)
    return f": {told}" if told else ""


def _check_server(conn: Connection) -> None:
    if conn.info.server_version < MINIMUM_SERVER:
        raise PgdripError(
            f"The server is PostgreSQL {conn.info.server_version // 10000}.",
            hint="pgdrip needs PostgreSQL 15 or newer.",
        )


# Who owns an installation that the connected role may not change.
_ANOTHERS = """
select pg_get_userbyid(o.owner)::text, quote_ident(pg_get_userbyid(o.owner)), current_user::text
from (
  select n.nspowner from pg_catalog.pg_namespace n where n.nspname = 'drip'
  union all
  select c.relowner
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'drip' and c.relname = 'alembic_version'
) as o (owner)
where not pg_has_role(o.owner, 'usage')
limit 1
"""


def _check_owner(conn: Connection) -> None:
    """Refuse what only the owner of an installation may do, before anything says less about it."""
    row = conn.execute(_ANOTHERS.encode()).fetchone()
    if row is not None:
        owner, role, user = map(str, row)
        raise PgdripError(
            f'This installation belongs to "{owner}"; "{user}" may not change it.',
            hint=f'Connect as "{owner}" or as a superuser, and run it again. A superuser makes'
            f' "{user}" a member by `grant {role} to "{user}"`, unless "{owner}" is a superuser.',
            code="42501",
        )


@contextmanager
def _told_by_alembic() -> Iterator[None]:
    try:
        yield
    except CommandError as exc:
        message = str(exc)
        if "locate revision" in message:
            raise PgdripError(
                f"The database and this pgdrip do not know the same revisions: {message}.",
                hint="Is the database from a newer pgdrip? Upgrade pgdrip, then run it again.",
            ) from exc
        raise PgdripError(f"The revisions cannot be applied: {message}.") from exc
    except RangeNotAncestorError as exc:
        raise PgdripError(
            "The database is past that revision.",
            hint="Revisions only go forward; restore a backup to go back.",
        ) from exc


@contextmanager
def _in_one_sentence() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as exc:
        raise from_database(exc) from exc
    except sqlalchemy.exc.DBAPIError as exc:
        if isinstance(exc.orig, psycopg.Error):
            raise from_database(exc.orig) from exc
        raise
