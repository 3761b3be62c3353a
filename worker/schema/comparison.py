"""What differs between an installation and this version of pgdrip."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import psycopg
from psycopg import sql

from . import catalog
from .catalog import CatalogObject, Connection
from .rebuild import Rebuild
from .sql_files import SCHEMA

# The name of the installation while another one stands in its place, in a transaction that is
# rolled back: no other session sees it.
_ASIDE = "drip_aside"

_OWNERS = """
select pg_get_userbyid(n.nspowner), current_user
from pg_namespace as n
where n.nspname = %s
"""


@dataclass(frozen=True)
class Drift:
    """One difference between a database and this version of pgdrip.

    `problem` is `patched` (changed by hand), `missing`, `stray` (nothing of ours makes it) or
    `outdated` (this version brings another one, or a revision is pending).
    """

    kind: str
    identity: str
    problem: str
    detail: str
    file: str | None = None


class Comparison:
    """The installation that is there against a fresh one beside it; the search_path is empty."""

    def __init__(self, conn: Connection, installed: Rebuild) -> None:
        self._conn = conn
        self._installed = installed
        row = conn.execute(_OWNERS, (SCHEMA,)).fetchone()
        self._owner, self._me = (str(row[0]), str(row[1])) if row else ("", "")

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Room for a fresh installation; at the end everything is as it was."""
        with self._conn.transaction(force_rollback=True):
            rename = sql.SQL("alter schema {} rename to {}")
            self._conn.execute(rename.format(sql.Identifier(SCHEMA), sql.Identifier(_ASIDE)))
            yield

    def differences(self) -> Iterator[Drift]:
        """Compare with the fresh installation that now is there; it is changed on the way."""
        conn, installed = self._conn, self._installed
        before, recorded = installed.before, installed.recorded
        fresh = self._fresh()
        restored: set[tuple[str, str]] = set()
        for key, item in fresh.items():
            was = before.get(key)
            if was is not None and was.definition != item.definition:
                restored.add(key)
        if restored:
            # A restored object was read from what Postgres had written of it, which may be another
            # tree of the same meaning: brackets, casts. So ours goes the same way.
            for key in sorted(restored):
                write_and_read(conn, fresh[key])
            fresh = self._fresh()
        for key, item in fresh.items():
            file = installed.by_name.get(item.declared_key)
            row, was = recorded.get(key), before.get(key)
            is_outdated = file is not None and (
                row is None or (row.file, row.checksum) != (file.path, file.checksum)
            )
            if was is None:
                problem, detail = "missing", "not in the database"
                if is_outdated:
                    problem, detail = "outdated", "new in this version"
            elif parts := _differing(was, item):
                problem = "outdated" if is_outdated else "patched"
                source = "file" if file is not None else "revisions"
                detail = f"differs from the {source} in {parts}"
            else:
                continue
            yield Drift(item.kind, item.identity, problem, detail, file.path if file else None)
        for key, item in before.items():
            if key in fresh:
                continue
            path = installed.file_of(item)
            if key in recorded:
                detail = "no longer part of this version"
                yield Drift(item.kind, item.identity, "outdated", detail, path)
            elif path is not None:
                yield Drift(item.kind, item.identity, "stray", "an overload that no file makes")
            else:
                yield Drift(*key, "stray", "no file and no revision makes it")

    def _fresh(self) -> catalog.Snapshot:
        """The fresh installation, as if the owner of the other one had made it."""
        return {
            key: replace(item, owner=self._owner) if item.owner == self._me else item
            for key, item in catalog.snapshot(self._conn).items()
        }


def _differing(was: CatalogObject, now: CatalogObject) -> str:
    names = ("definition", "owner", "rights", "comment")
    return ", ".join(name for name in names if getattr(was, name) != getattr(now, name))


_EXPRESSIONS = """
select format('alter table %1$s drop constraint %2$I, add constraint %2$I %3$s',
              k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid))
from pg_constraint as k
where k.conrelid = {oid} and k.contype = 'c'
union all
select format('alter table %s alter column %I set default %s',
              d.adrelid::regclass, a.attname, pg_get_expr(d.adbin, d.adrelid))
from pg_attrdef as d
join pg_attribute as a on a.attrelid = d.adrelid and a.attnum = d.adnum
where d.adrelid = {oid} and a.attgenerated = '' and a.attidentity = ''
union all
select format('drop index %s; %s', i.indexrelid::regclass, pg_get_indexdef(i.indexrelid))
from pg_index as i
where i.indrelid = {oid}
  and (i.indexprs is not null or i.indpred is not null)
  and not exists (select from pg_constraint as k where k.conindid = i.indexrelid)
"""

_POLICY = """
select concat_ws(' ',
  format('alter policy %I on %s', p.polname, p.polrelid::regclass),
  'using (' || pg_get_expr(p.polqual, p.polrelid) || ')',
  'with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
from pg_policy as p
where p.oid = {oid}
"""


def write_and_read(conn: Connection, item: CatalogObject) -> None:
    """Make an object anew from the text that Postgres prints of it, as a restore does."""
    oid = item.address[1]
    if item.kind == "function":
        statements = [item.definition]
    elif item.kind == "view":
        (query,) = _column(conn, f"select pg_get_viewdef({oid})")
        barrier = " with (security_barrier)" if item.security_barrier else ""
        statements = [f"create or replace view {item.name}{barrier} as {query}"]
    elif item.kind == "trigger":
        (definition,) = _column(conn, f"select pg_get_triggerdef({oid})")
        statements = [re.sub("^CREATE TRIGGER", "CREATE OR REPLACE TRIGGER", definition)]
    elif item.kind == "policy":
        statements = _column(conn, _POLICY.replace("{oid}", str(oid)))
    else:
        statements = _column(conn, _EXPRESSIONS.replace("{oid}", str(oid)))
    # What cannot be read back (a constraint trigger) is compared as it stands.
    with suppress(psycopg.Error), conn.transaction():
        for statement in statements:
            conn.execute(statement.encode())


def _column(conn: Connection, query: str) -> list[str]:
    return [str(row[0]) for row in conn.execute(query.encode())]
