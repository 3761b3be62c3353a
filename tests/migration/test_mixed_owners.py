"""Who deploys may change: a superuser upgrades what a plain owner has installed, and back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgdrip.errors import PgdripError
from pgdrip.schema import db_dir, drift, migrate

CreateDatabase = Callable[..., tuple[str, Callable[[], None]]]

OWNER = "mixed_owner"
OLDER = "0010"

# Everything in the schemas of an installation that can have an owner.
OWNERS = """
select distinct pg_get_userbyid(o.owner)::text
from pg_namespace n
cross join lateral (
  select n.nspowner
  union all select c.relowner from pg_class c where c.relnamespace = n.oid
  union all select p.proowner from pg_proc p where p.pronamespace = n.oid
  union all select t.typowner from pg_type t where t.typnamespace = n.oid
) as o (owner)
where n.nspname in ('drip', 'pgmq', 'procrastinate')
"""
# Views belong to a role without rights, and what guards and audiences call to another.
OURS = {OWNER, "drip_view", "drip_guard"}


@pytest.fixture
def database(
    template: str, create_database: CreateDatabase, admin: psycopg.Connection[Any]
) -> Iterator[str]:
    """A superuser's address of an empty database of the owner's."""
    admin.execute(f"create role {OWNER} login createrole".encode())
    admin.execute(f"grant drip_operator, drip_view, drip_guard to {OWNER}".encode())
    url, drop = create_database()
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(
            sql.SQL("alter database {} owner to {}").format(
                sql.Identifier(conn.info.dbname), sql.Identifier(OWNER)
            )
        )
    yield url
    drop()
    admin.execute(f"drop role {OWNER}".encode())


def owners(url: str) -> set[str]:
    with psycopg.connect(url, autocommit=True) as conn:
        return {str(name) for (name,) in conn.execute(OWNERS.encode())}


def is_sound(url: str) -> None:
    """All is the owner's, for both nothing differs, and what a login calls works."""
    assert owners(url) <= OURS
    for user in (None, OWNER):
        assert drift(make_conninfo(url, **({"user": user} if user else {}))) == []
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("select * from drip.tick()")
        conn.execute("select * from drip.claim_messages('w', 1)")


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """This version with one function that says something else."""
    folder = tmp_path / "db"
    shutil.copytree(db_dir(), folder)
    file = folder / "functions" / "core" / "_limit.sql"
    file.write_text(file.read_text().replace("when 'rows' then 100000", "when 'rows' then 99999"))
    return folder


@pytest.mark.parametrize("revision", ["head", OLDER])
def test_a_superuser_upgrades_what_a_plain_owner_has_installed(
    database: str, changed: Path, revision: str
) -> None:
    theirs = make_conninfo(database, user=OWNER)
    migrate(theirs, revision)
    migrate(database)
    is_sound(database)
    migrate(database, folder=changed)
    assert owners(database) <= OURS
    report = migrate(theirs)
    assert "drip._limit(text)" in report.rebuilt
    is_sound(database)
    assert not migrate(theirs).rebuilt
    assert not migrate(database).rebuilt


@pytest.mark.parametrize("is_member", [True, False])
@pytest.mark.parametrize("command", [migrate, drift])
def test_what_a_superuser_has_installed_is_no_plain_owners(
    database: str,
    admin: psycopg.Connection[Any],
    is_member: bool,
    command: Callable[[str], object],
) -> None:
    """Whatever was granted to the owner, the error names the role to connect as."""
    migrate(database)
    if not is_member:
        admin.execute(f"revoke drip_operator, drip_view, drip_guard from {OWNER}".encode())
    before = owners(database)
    [installer] = before - {"drip_view", "drip_guard"}
    with pytest.raises(PgdripError) as caught:
        command(make_conninfo(database, user=OWNER))
    assert caught.value.code == "42501"
    assert (OWNER in caught.value.message, installer in caught.value.message) == (True, True)
    assert f'Connect as "{installer}"' in str(caught.value.hint)
    assert owners(database) == before
    assert drift(database) == []
