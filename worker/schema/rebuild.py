"""Functions, views, policies and triggers: dropped where they changed, created from their files.

A file is the unit. It is executed again when its text differs from what was recorded, when one of
its objects in the catalog does (patched or dropped by hand), or when something that it rests on is
made anew. What is unchanged is not touched.

A function whose arguments and result stay the same is replaced and not dropped: a session that has
just looked it up finds it still, and what rests on it stays. (Dropped and made anew, one of some
ten thousand concurrent calls ended in `cache lookup failed for function`.)
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import takewhile

import psycopg
from psycopg import sql

from ..errors import PgdripError
from . import catalog
from .catalog import CatalogObject, Connection, Snapshot
from .locks import run_locking
from .rights import give_to_owner
from .roles import is_superuser
from .sql_files import SCHEMA, SqlFile

FILE_KINDS = frozenset({"function", "view", "policy", "trigger"})

# Waits that ran out, and races: the whole migration is tried again.
BUSY = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)
# What a file may meet because another file comes later.
_NOT_YET = (
    psycopg.errors.UndefinedFunction,
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedObject,
)

# Seconds in which tables and views in use must have come free.
LOCK_PATIENCE = 30.0

# Owners of code that are not the deploying role; without superuser rights, handing an object over
# needs a new owner who may create in the schema.
_OWNERS = "drip_view, drip_guard"

Key = tuple[str, str]


@dataclass(frozen=True)
class Recorded:
    """A row of drip.code_objects: what the last migration left behind."""

    file: str
    checksum: str
    catalog_hash: str


def read_recorded(conn: Connection) -> dict[Key, Recorded]:
    """What the last migration recorded; empty in a new database."""
    there = conn.execute("select to_regclass('drip.code_objects')").fetchone()
    if there is None or there[0] is None:
        return {}
    # Earlier versions recorded what revisions make as well.
    rows = conn.execute(
        "select o.kind, o.identity, o.file, o.checksum, o.catalog_hash from drip.code_objects as o"
        " where o.file <> '(revision)'"
    )
    return {
        (str(kind), str(identity)): Recorded(str(file), str(checksum), str(digest))
        for kind, identity, file, checksum, digest in rows
    }


class Rebuild:
    """The code part of one migration, inside its transaction; the search_path must be empty."""

    def __init__(
        self, conn: Connection, files: list[SqlFile], patience: float = LOCK_PATIENCE
    ) -> None:
        self._conn = conn
        self._files = files
        self._patience = patience
        self._by_path = {file.path: file for file in files}
        self.by_name = {item.key: file for file in files for item in file.declared}
        self._stays = {item.key for file in files for item in file.declared if item.stays}
        self.recorded = read_recorded(conn)
        self.before = catalog.snapshot(conn)
        self._untouched = True
        self._replaces = True
        self._replaceable: dict[Key, bool] = {}
        self.dirty: set[str] = set()
        """Paths of the files that this run executes or, where they are gone, takes back."""

    def is_made(self, item: CatalogObject) -> bool:
        """Whether this run executed the file that defines the object."""
        file = self.by_name.get(item.declared_key)
        return file is not None and file.path in self.dirty

    # -- dropping ----------------------------------------------------------------------------

    def drop_changed(self, lock_tables: Collection[str] = ()) -> None:
        """Drop what changed, and ours that rests on it; holds all locks that this run needs.

        `lock_tables` are locked as well, for revisions that follow. Raises PgdripError, listing
        them, when objects of others rest on it.
        """
        present = self.before if self._untouched else catalog.snapshot(self._conn)
        self._untouched = False
        self.dirty |= self._changed(present)
        self._drop(present, lock_tables)

    def drop_all(self) -> None:
        """Drop all that files define."""
        self.dirty |= self._by_path.keys()
        self.dirty |= {row.file for row in self.recorded.values()}
        self._stays = set()
        self._replaces = False
        self._drop(catalog.snapshot(self._conn))

    def _changed(self, present: Snapshot) -> set[str]:
        changed: set[str] = set()
        up_to_date: set[Key] = set()
        for key, row in self.recorded.items():
            file, item = self._by_path.get(row.file), present.get(key)
            if (
                file is None
                or item is None
                or file.checksum != row.checksum
                or item.hash != row.catalog_hash
                or self.by_name.get(item.declared_key) is not file
            ):
                changed.add(row.file)
            else:
                up_to_date.add(item.declared_key)
        changed |= {file.path for name, file in self.by_name.items() if name not in up_to_date}
        for item in present.values():
            # An overload made by hand, or an object that a revision made and a file now defines.
            if item.key not in self.recorded and item.declared_key in self.by_name:
                changed.add(self.by_name[item.declared_key].path)
        return changed

    def file_of(self, item: CatalogObject) -> str | None:
        """The path of the file that makes the object, or made it in an earlier version."""
        if item.kind not in FILE_KINDS:
            return None
        row = self.recorded.get(item.key)
        if row is not None:
            return row.file
        file = self.by_name.get(item.declared_key)
        return file.path if file else None

    def _is_replaced_in_place(self, item: CatalogObject) -> bool:
        if item.declared_key in self._stays and (item.kind == "trigger" or item.returns_trigger):
            return True
        if item.kind != "function" or not self._replaces:
            return False
        if item.key not in self._replaceable:
            self._replaceable[item.key] = self._can_be_replaced(item)
        return self._replaceable[item.key]

    def _can_be_replaced(self, item: CatalogObject) -> bool:
        """Whether the function's file makes the same function, as far as callers see."""
        file = self.by_name.get(item.declared_key)
        if file is None:
            return False
        statement = next(
            text
            for _, text, made in file.pieces({item.name})
            if made and made.key == item.declared_key
        )
        try:
            with self._conn.transaction(force_rollback=True):
                self._conn.execute("set local check_function_bodies = off")
                self._conn.execute(statement.encode())
                found = self._conn.execute(
                    """
                    select f.oid::bigint
                    from pg_proc as f
                    where format('%%I.%%I', f.pronamespace::regnamespace, f.proname) = %s
                    """,
                    (item.name,),
                ).fetchall()
        except BUSY:
            raise
        except psycopg.Error:
            return False
        return found == [(item.address[1],)]

    def _drop(self, present: Snapshot, lock_tables: Collection[str] = ()) -> None:
        by_address = {item.address: item for item in present.values()}
        self._replaceable.clear()
        while True:
            going = {
                item.address: item
                for item in present.values()
                if self.file_of(item) in self.dirty and not self._is_replaced_in_place(item)
            }
            resting = catalog.dependents(self._conn, going.keys())
            ours = {
                address: by_address[address]
                for address in resting
                if address in by_address and self.file_of(by_address[address]) is not None
            }
            more = {str(self.file_of(item)) for item in ours.values()} - self.dirty
            if not more:
                break
            self.dirty |= more
        foreign = sorted(text for address, text in resting.items() if address not in ours)
        if foreign:
            raise PgdripError(
                f"Objects of others rest on what this upgrade must change: {', '.join(foreign)}.",
                hint="Drop them, run it again, and create them anew. Nothing was changed.",
            )
        dropping = catalog.outermost_first(self._conn, [*going.values(), *ours.values()])
        # Functions read private views amid their work, with tables in hand: those are no gates.
        gates = list(takewhile(lambda item: item.is_public_view, dropping))
        run_locking(
            self._conn,
            self._table_locks(present, dropping, lock_tables),
            [(item.name, item.drop_statement) for item in gates],
            [item.drop_statement for item in dropping[len(gates) :]],
            self._patience,
        )
        for item in present.values():
            if self.file_of(item) in self.dirty and item.address not in (going | ours):
                self._strip(item)

    def _table_locks(
        self, present: Snapshot, dropping: list[CatalogObject], lock_tables: Collection[str]
    ) -> dict[str, str]:
        """The tables whose triggers and policies this run drops or makes, with the lock's mode."""
        tables = {identity for kind, identity in present if kind == "table"}
        # Making a trigger shuts out writers only.
        modes = {
            item.table: "access exclusive" if item.kind == "policy" else "share row exclusive"
            for path in sorted(self.dirty & self._by_path.keys())
            for item in sorted(self._by_path[path].declared, key=lambda d: d.kind, reverse=True)
            if item.table in tables
        }
        for item in dropping:
            if item.kind in ("policy", "trigger"):
                modes[item.name.rsplit(" ", 1)[-1]] = "access exclusive"
        return modes | dict.fromkeys(tables.intersection(lock_tables), "access exclusive")

    def _strip(self, item: CatalogObject) -> None:
        """Take off what `create or replace` would leave on: owner, rights, comment."""
        if item.kind != "function":
            return
        conn = self._conn
        function = sql.SQL(item.identity)  # as regprocedure prints it
        me = conn.execute("select current_user").fetchone()
        if me is not None and item.owner != me[0]:
            conn.execute(sql.SQL("alter function {} owner to current_user").format(function))
        grantees = conn.execute(
            """
            select distinct case a.grantee when 0 then 'public' else r.rolname::text end
            from pg_proc as f
            cross join aclexplode(f.proacl) as a
            left join pg_roles as r on r.oid = a.grantee
            where f.oid = %s and a.grantee <> f.proowner
            """,
            (item.address[1],),
        ).fetchall()
        for (grantee,) in grantees:
            role = sql.SQL("public") if grantee == "public" else sql.Identifier(str(grantee))
            conn.execute(sql.SQL("revoke all on function {} from {}").format(function, role))
        conn.execute(sql.SQL("comment on function {} is null").format(function))

    # -- creating ----------------------------------------------------------------------------

    def create(self) -> None:
        """Execute the files that are due; a file that needs a later one is tried again.

        Raises PgdripError with file and line.
        """
        left = [file for file in self._files if file.path in self.dirty]
        if not left:
            return
        replaced = {
            item.name for item in self.before.values() if self._replaceable.get(item.key, False)
        }
        hand_over = not is_superuser(self._conn)
        if hand_over:
            self._conn.execute(f"grant create on schema {SCHEMA} to {_OWNERS}".encode())
        self._conn.execute("set local check_function_bodies = off")
        while left:
            failed: list[tuple[SqlFile, psycopg.Error]] = []
            for file in left:
                try:
                    with self._conn.transaction():
                        self._conn.execute(_text_of(file, replaced).encode())
                except _NOT_YET as exc:
                    failed.append((file, exc))
                except BUSY:
                    raise
                except psycopg.Error as exc:
                    raise self._failed(file, exc, replaced) from exc
            if len(failed) == len(left):
                file, cause = _root_of(failed)
                raise self._failed(file, cause, replaced) from cause
            left = [file for file, _ in failed]
        self._conn.execute("set local check_function_bodies = on")
        if hand_over:
            self._conn.execute(f"revoke create on schema {SCHEMA} from {_OWNERS}".encode())
        give_to_owner(self._conn)

    def _failed(self, file: SqlFile, exc: psycopg.Error, replaced: set[str]) -> PgdripError:
        line = self._failing_line(file, replaced)
        return PgdripError(
            f"{file.path}, line {line}: {exc.diag.message_primary}.",
            hint=exc.diag.message_hint,
            code=exc.sqlstate,
        )

    def _failing_line(self, file: SqlFile, replaced: set[str]) -> int:
        """The line of what fails; of its statement, where Postgres does not say."""
        with self._conn.transaction(force_rollback=True):
            for offset, text, _ in file.pieces(replaced):
                try:
                    with self._conn.transaction():
                        self._conn.execute(text.encode())
                except psycopg.Error as exc:
                    position = int(exc.diag.statement_position or 1)
                    return file.line_at(offset) + text.count("\n", 0, position - 1)
        return 1

    # -- checking ----------------------------------------------------------------------------

    def validate(self) -> None:
        """Let Postgres check the body of every function of ours: string bodies bind late.

        Unchanged ones too: what they call may have changed. Raises PgdripError with file and line.
        """
        names = [name for kind, name in self.by_name if kind == "function"]
        validators = self._conn.execute(
            """
            select
              f.oid::bigint,
              format('%%I.%%I', n.nspname, f.proname),
              v.oid::regproc::text
            from pg_proc as f
            join pg_namespace as n on n.oid = f.pronamespace
            join pg_language as l on l.oid = f.prolang
            join pg_proc as v on v.oid = l.lanvalidator
            where n.nspname = %s and format('%%I.%%I', n.nspname, f.proname) = any(%s)
            order by f.oid
            """,
            (SCHEMA, names),
        ).fetchall()
        calls = [f"{validator}({oid}::oid)" for oid, _, validator in validators]
        try:
            with self._conn.transaction():
                for start in range(0, len(calls), 100):
                    self._conn.execute(f"select {', '.join(calls[start : start + 100])}".encode())
        except BUSY:
            raise
        except psycopg.Error:
            for call, (_, name, _) in zip(calls, validators, strict=True):
                self._validate_one(str(name), call)
            raise

    def _validate_one(self, name: str, call: str) -> None:
        try:
            with self._conn.transaction():
                self._conn.execute(f"select {call}".encode())
        except psycopg.Error as exc:
            file = self.by_name[("function", name)]
            line = 1
            if exc.diag.internal_position and exc.diag.internal_query:
                line += exc.diag.internal_query.count("\n", 0, int(exc.diag.internal_position) - 1)
            elif found := re.search(r"\bline (\d+)", exc.diag.context or ""):
                line = int(found[1])
            raise PgdripError(
                f"{file.path}, line {file.line_in_body(name, line)}: {name}:"
                f" {exc.diag.message_primary}.",
                hint=exc.diag.message_hint,
                code=exc.sqlstate,
            ) from exc

    def check(self, after: Snapshot) -> None:
        """Each declared name exists once, public may execute nothing, views are safe."""
        found: dict[Key, list[CatalogObject]] = {}
        for item in after.values():
            found.setdefault(item.declared_key, []).append(item)
        for key, file in self.by_name.items():
            items = found.get(key, [])
            if not items:
                raise PgdripError(f"{file.path}: {key[1]} was not created.")
            if len(items) > 1:
                raise PgdripError(
                    f"{file.path}: {key[1]} exists with several argument lists:"
                    f" {', '.join(item.identity for item in items)}.",
                    hint="Functions are not overloaded: drop the other one.",
                )
            _check_rights(items[0], file)

    # -- recording ---------------------------------------------------------------------------

    def record(self, after: Snapshot) -> None:
        """Write down what the files have made; writes nothing when nothing changed."""
        recorded = read_recorded(self._conn)
        wanted: dict[Key, Recorded] = {}
        for key, item in after.items():
            file = self.by_name.get(item.declared_key)
            if file is not None:
                wanted[key] = Recorded(file.path, file.checksum, item.hash)
        gone = [key for key in recorded if recorded[key] != wanted.get(key)]
        new = [(*key, row) for key, row in wanted.items() if recorded.get(key) != row]
        with self._conn.cursor() as cursor:
            if gone:
                cursor.executemany(
                    "delete from drip.code_objects as o where o.kind = %s and o.identity = %s",
                    gone,
                )
            if new:
                cursor.executemany(
                    "insert into drip.code_objects (kind, identity, file, checksum, catalog_hash)"
                    " values (%s, %s, %s, %s, %s)",
                    [(k, i, r.file, r.checksum, r.catalog_hash) for k, i, r in new],
                )


def _text_of(file: SqlFile, replaced: set[str]) -> str:
    return ";\n".join(text for _, text, _ in file.pieces(replaced))


def _root_of(failed: Iterable[tuple[SqlFile, psycopg.Error]]) -> tuple[SqlFile, psycopg.Error]:
    """The failure that does not merely wait for another failing file."""
    pairs = list(failed)
    names = {item.name for file, _ in pairs for item in file.declared}
    for file, exc in pairs:
        text = str(exc)
        if not any(re.search(rf"{re.escape(name)}\b", text) for name in names):
            return file, exc
    return pairs[0]


def _check_rights(item: CatalogObject, file: SqlFile) -> None:
    if item.public_may_execute:
        raise PgdripError(
            f"{file.path}: every role may execute {item.identity}.",
            hint="Grant it to pgdrip's roles, not to public.",
        )
    # A private view (_x) is read by our functions only, and must not keep the planner out.
    if item.kind != "view" or item.name.startswith(f"{SCHEMA}._"):
        return
    if item.owner != "drip_view":
        raise PgdripError(
            f"{file.path}: the view {item.name} belongs to {item.owner}.",
            hint=f"Add `alter view {item.name} owner to drip_view;`: the row-level policies do not"
            " hold for its present owner.",
        )
    if not item.security_barrier:
        raise PgdripError(
            f"{file.path}: the view {item.name} is no security barrier.",
            hint="Write `create view … with (security_barrier) as …`.",
        )
