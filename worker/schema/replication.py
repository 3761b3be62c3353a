"""Replica identities of pgmq's tables, so that change capture of all tables stops nothing.

PostgreSQL refuses to update or delete rows of a published table that has none. The tables of schema
drip and of procrastinate have primary keys; pgmq's own lists of queues and topics have unique
indexes only. A migration says it each time, because a dump keeps no such mark on an extension's
table.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

# Tables whose rows cannot be told apart by a key, and the index that could be one.
_WITHOUT_IDENTITY = """
select c.relname::text, (
  select x.relname::text
  from pg_catalog.pg_index as i
  join pg_catalog.pg_class as x on x.oid = i.indexrelid
  where i.indrelid = c.oid and i.indisunique and i.indimmediate and i.indisvalid
    and i.indpred is null and i.indexprs is null
    and not exists (
      select
      from unnest(i.indkey) as k (number)
      join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum = k.number
      where not a.attnotnull)
  order by x.relname
  limit 1)
from pg_catalog.pg_class as c
where c.relnamespace = to_regnamespace('pgmq')
  and c.relkind in ('r', 'p')
  and c.relpersistence = 'p'
  -- queues of ours have a primary key; one without is an application's own
  and c.relname !~ '^[qa]_'
  and (c.relreplident = 'n' or c.relreplident = 'd' and not exists (
    select from pg_catalog.pg_index as i where i.indrelid = c.oid and i.indisprimary))
  and pg_catalog.pg_has_role(c.relowner, 'usage')
order by c.relname
"""


def ensure_identities(conn: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    """Give pgmq's keyless tables a replica identity, those that the role owns; their names."""
    done: list[str] = []
    for table, index in conn.execute(_WITHOUT_IDENTITY).fetchall():
        identity = (
            sql.SQL("full")
            if index is None
            else sql.SQL("using index {}").format(sql.Identifier(str(index)))
        )
        conn.execute(
            sql.SQL("alter table pgmq.{} replica identity {}").format(
                sql.Identifier(str(table)), identity
            )
        )
        done.append(str(table))
    return done
