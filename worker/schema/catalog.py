"""What Postgres' catalog says about schema drip: definitions, owners, rights and dependents."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import psycopg

Connection = psycopg.Connection[tuple[object, ...]]

# (classid, oid), as in pg_depend.
Address = tuple[int, int]


@dataclass(frozen=True)
class CatalogObject:
    """One function, view, policy, trigger or table as the catalog holds it."""

    kind: str
    identity: str
    name: str
    address: Address
    owner: str
    returns_trigger: bool
    public_may_execute: bool
    security_barrier: bool
    drop_statement: str
    definition: str
    rights: str
    comment: str

    @property
    def is_public_view(self) -> bool:
        """Whether it is a view that people read; a private one is read by functions, too."""
        return self.kind == "view" and "._" not in self.name

    @property
    def key(self) -> tuple[str, str]:
        """Kind and identity: what `drip.code_objects` is keyed by."""
        return (self.kind, self.identity)

    @property
    def declared_key(self) -> tuple[str, str]:
        """Kind and name, without arguments."""
        return (self.kind, self.name)

    @property
    def hash(self) -> str:
        """MD5 over all that a file or a revision decides about the object."""
        parts = "\x1f".join((self.definition, self.owner, self.rights, self.comment))
        return hashlib.md5(parts.encode(), usedforsecurity=False).hexdigest()


# By kind and identity.
Snapshot = dict[tuple[str, str], CatalogObject]

# Rights are written with role names and sorted, and without the owner's own, which a newer Postgres
# adds to.
_SNAPSHOT = """
with extension_members as (
  select d.classid, d.objid
  from pg_depend as d
  where d.deptype = 'e'
)
select
  'function' as kind,
  f.oid::regprocedure::text as identity,
  format('%I.%I', n.nspname, f.proname) as name,
  'pg_proc'::regclass::oid::bigint as classid,
  f.oid::bigint as oid,
  pg_get_userbyid(f.proowner)::text as owner,
  f.prorettype = 'trigger'::regtype as returns_trigger,
  exists (
    select from aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) as a
    where a.grantee = 0
  ) as public_may_execute,
  false as security_barrier,
  format('drop routine if exists %s', f.oid::regprocedure) as drop_statement,
  pg_get_functiondef(f.oid) as definition,
  (
    select string_agg(
      format('%s=%s%s', coalesce(r.rolname, 'public'), a.privilege_type,
             case when a.is_grantable then '*' end),
      ',' order by r.rolname, a.privilege_type
    )
    from aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) as a
    left join pg_roles as r on r.oid = a.grantee
    where a.grantee <> f.proowner
  ) as rights,
  obj_description(f.oid, 'pg_proc') as comment
from pg_proc as f
join pg_namespace as n on n.oid = f.pronamespace
where n.nspname = 'drip'
  and f.prokind <> 'a'
  and not exists (
    select from extension_members as e where e.classid = 'pg_proc'::regclass and e.objid = f.oid
  )

union all
select
  case c.relkind when 'v' then 'view' else 'table' end,
  format('%I.%I', n.nspname, c.relname),
  format('%I.%I', n.nspname, c.relname),
  'pg_class'::regclass::oid::bigint,
  c.oid::bigint,
  pg_get_userbyid(c.relowner)::text,
  false,
  false,
  coalesce('security_barrier=true' = any(c.reloptions), false),
  format('drop view if exists %I.%I', n.nspname, c.relname),
  case c.relkind
    when 'v' then concat_ws(
      e'\\n', pg_get_viewdef(c.oid), array_to_string(c.reloptions, ',')
    )
    else concat_ws(
      e'\\n',
      format('rls=%s force=%s', c.relrowsecurity, c.relforcerowsecurity),
      (
        select string_agg(
          format(
            '%I %s %s %s %s', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
            a.attidentity, pg_get_expr(d.adbin, d.adrelid)
          ), e'\\n' order by a.attname
        )
        from pg_attribute as a
        left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      ),
      (
        select string_agg(
          k.conname || ' ' || pg_get_constraintdef(k.oid), e'\\n'
          order by k.conname
        )
        from pg_constraint as k
        where k.conrelid = c.oid and k.contype <> 'n'
      ),
      (
        select string_agg(x.definition, e'\\n' order by x.definition)
        from pg_index as i
        cross join lateral (
          select pg_get_indexdef(i.indexrelid)
        ) as x(definition)
        where i.indrelid = c.oid
      )
    )
  end,
  concat_ws(
    e'\\n',
    (
      select string_agg(
        format('%s=%s%s', coalesce(r.rolname, 'public'), a.privilege_type,
               case when a.is_grantable then '*' end),
        ',' order by r.rolname, a.privilege_type
      )
      from aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) as a
      left join pg_roles as r on r.oid = a.grantee
      where a.grantee <> c.relowner
    ),
    (
      select string_agg(
        format('%s: %s=%s%s', a.attname, coalesce(r.rolname, 'public'), x.privilege_type,
               case when x.is_grantable then '*' end),
        ',' order by a.attname, r.rolname, x.privilege_type
      )
      from pg_attribute as a
      cross join aclexplode(a.attacl) as x
      left join pg_roles as r on r.oid = x.grantee
      where a.attrelid = c.oid and a.attacl is not null and not a.attisdropped
    )
  ),
  concat_ws(
    e'\\n',
    obj_description(c.oid, 'pg_class'),
    (
      select string_agg(a.attname || ': ' || d.description, e'\\n' order by a.attname)
      from pg_description as d
      join pg_attribute as a on a.attrelid = d.objoid and a.attnum = d.objsubid
      where d.classoid = 'pg_class'::regclass and d.objoid = c.oid and d.objsubid > 0
    )
  )
from pg_class as c
join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = 'drip'
  and c.relkind in ('v', 'r', 'p')
  and not exists (
    select from extension_members as e where e.classid = 'pg_class'::regclass and e.objid = c.oid
  )

union all
select
  'policy',
  format('%I on %I.%I', p.polname, n.nspname, c.relname),
  format('%I on %I.%I', p.polname, n.nspname, c.relname),
  'pg_policy'::regclass::oid::bigint,
  p.oid::bigint,
  pg_get_userbyid(c.relowner)::text,
  false,
  false,
  false,
  format('drop policy if exists %I on %I.%I', p.polname, n.nspname, c.relname),
  format(
    '%s %s using %s check %s', p.polpermissive, p.polcmd,
    pg_get_expr(p.polqual, p.polrelid),
    pg_get_expr(p.polwithcheck, p.polrelid)
  ),
  (
    select string_agg(coalesce(r.rolname, 'public'), ',' order by r.rolname)
    from unnest(p.polroles) as g(oid)
    left join pg_roles as r on r.oid = g.oid
  ),
  obj_description(p.oid, 'pg_policy')
from pg_policy as p
join pg_class as c on c.oid = p.polrelid
join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = 'drip'

union all
select
  'trigger',
  format('%I on %I.%I', t.tgname, n.nspname, c.relname),
  format('%I on %I.%I', t.tgname, n.nspname, c.relname),
  'pg_trigger'::regclass::oid::bigint,
  t.oid::bigint,
  pg_get_userbyid(c.relowner)::text,
  false,
  false,
  false,
  format('drop trigger if exists %I on %I.%I', t.tgname, n.nspname, c.relname),
  format('%s enabled=%s', pg_get_triggerdef(t.oid), t.tgenabled),
  '',
  obj_description(t.oid, 'pg_trigger')
from pg_trigger as t
join pg_class as c on c.oid = t.tgrelid
join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = 'drip'
  and not t.tgisinternal
"""

# A view is reached through its rule and its row type, a table through a default; what rests on a
# table does not rest on us.
_DEPENDENTS = """
with recursive reached (classid, objid) as (
  select s.classid::oid, s.objid::oid
  from unnest(%s::bigint[], %s::bigint[]) as s(classid, objid)
  union
  select
    case
      when d.classid in ('pg_rewrite'::regclass, 'pg_attrdef'::regclass) then 'pg_class'::regclass
      else d.classid
    end,
    coalesce(r.ev_class, a.adrelid, d.objid)
  from reached as q
  join pg_depend as d on d.refclassid = q.classid and d.refobjid = q.objid
  left join pg_rewrite as r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
  left join pg_attrdef as a on d.classid = 'pg_attrdef'::regclass and a.oid = d.objid
  left join pg_class as c on q.classid = 'pg_class'::regclass and c.oid = q.objid
  where d.deptype in ('n', 'a', 'i')
    and coalesce(c.relkind, 'v') in ('v', 'm')
)
select q.classid::bigint, q.objid::bigint, pg_describe_object(q.classid, q.objid, 0)
from reached as q
where q.classid <> 'pg_type'::regclass
order by q.objid
"""

# Edges between the given objects only: who needs whom.
_EDGES = """
with recursive given (classid, objid) as (
  select s.classid::oid, s.objid::oid
  from unnest(%s::bigint[], %s::bigint[]) as s(classid, objid)
), reached (classid, objid, needed_class, needed) as (
  select g.classid, g.objid, g.classid, g.objid
  from given as g
  union
  select
    case when d.classid = 'pg_rewrite'::regclass then 'pg_class'::regclass else d.classid end,
    coalesce(r.ev_class, d.objid),
    q.needed_class,
    q.needed
  from reached as q
  join pg_depend as d on d.refclassid = q.classid and d.refobjid = q.objid
  left join pg_rewrite as r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
  where d.deptype in ('n', 'a', 'i')
    and (q.objid = q.needed or q.classid = 'pg_type'::regclass)
)
select q.classid::bigint, q.objid::bigint, q.needed_class::bigint, q.needed::bigint
from reached as q
join given as g on g.classid = q.classid and g.objid = q.objid
where q.objid <> q.needed
"""


def snapshot(conn: Connection) -> Snapshot:
    """All functions, views, policies, triggers and tables of schema drip, by kind and identity.

    The connection's search_path must be empty: definitions are printed relative to it.
    """
    found: Snapshot = {}
    for row in conn.execute(_SNAPSHOT):
        (kind, identity, name, classid, oid, owner, is_trigger, public, barrier, drop) = row[:10]
        definition, rights, comment = (str(part or "") for part in row[10:])
        item = CatalogObject(
            kind=str(kind),
            identity=str(identity),
            name=str(name),
            address=(int(str(classid)), int(str(oid))),
            owner=str(owner),
            returns_trigger=bool(is_trigger),
            public_may_execute=bool(public),
            security_barrier=bool(barrier),
            drop_statement=str(drop),
            definition=definition,
            rights=rights,
            comment=comment,
        )
        found[item.key] = item
    return found


def _columns(addresses: Iterable[Address]) -> tuple[list[int], list[int]]:
    pairs = list(addresses)
    return [a[0] for a in pairs], [a[1] for a in pairs]


def dependents(conn: Connection, addresses: Collection[Address]) -> dict[Address, str]:
    """All that rests on the given objects, directly or not, without themselves.

    The text describes the object as Postgres does: `view reports.mine`.
    """
    if not addresses:
        return {}
    given = set(addresses)
    found: dict[Address, str] = {}
    for classid, objid, description in conn.execute(_DEPENDENTS, _columns(given)):
        address = (int(str(classid)), int(str(objid)))
        if address not in given:
            found[address] = str(description)
    return found


def outermost_first(conn: Connection, objects: Collection[CatalogObject]) -> list[CatalogObject]:
    """The order in which objects can be dropped without cascade.

    Among equals public views come first, what belongs to a table last, and the newest first.
    """
    left = {item.address: item for item in objects}
    needed_by: dict[Address, set[Address]] = {address: set() for address in left}
    for row in conn.execute(_EDGES, _columns(left)) if left else ():
        classid, objid, needed_class, needed = (int(str(value)) for value in row)
        needed_by[(needed_class, needed)].add((classid, objid))
    ordered: list[CatalogObject] = []
    while left:
        free = [a for a in left if not needed_by[a] & left.keys()]
        # Two functions may name each other's row types; then only Postgres can tell.
        address = max(free or left, key=lambda a: (left[a].kind not in ("policy", "trigger"), a[1]))
        ordered.append(left.pop(address))
    return ordered
