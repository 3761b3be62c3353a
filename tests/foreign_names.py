"""Names of a stranger's in front of ours: types, relations, functions and operators that tell.

A login may put whatever it likes into `pg_temp` and into a schema of its own, and its search_path
decides what a bare name means. Everything planted here does what it stands for and reports two
things, in a sequence that no rollback takes back: that it ran as somebody whom the login is not a
member of, and that it was shown a phone which the login must not see.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import DictRow

Connection = psycopg.Connection[DictRow]

SCHEMA = "planted"
PHONES = "^\\+60127[0-9]{6}$"  # those of the tenant, whole

# Bare names of types in function bodies; keywords such as boolean mean pg_catalog by grammar, and
# are planted all the same.
TYPES = (
    *("text", "bigint", "jsonb", "timestamptz", "boolean", "integer", "numeric", "interval"),
    *("name", "date", "smallint", "int2", "int4", "int8", "bool", "time", "timestamp", "uuid"),
    *("json", "bytea", "oid", "regclass", "regtype", "regrole", "float8", "varchar"),
)
OPERAND_TYPES = (
    *("text", "int8", "int4", "int2", "bool", "jsonb", "timestamptz", "timestamp", "date"),
    *("interval", "numeric", "name", "oid", "float8", "time"),
)
# Functions of any number of arguments, which PL/pgSQL cannot take: some lists of arguments each.
VARIADIC = {
    "format": ("text", "text, text", "text, text, text", "text, bigint", "text, name"),
    "concat": ("text", "text, text"),
    "jsonb_build_object": ("text, text", "text, bigint", "text, jsonb"),
    "greatest": ("bigint, bigint", "integer, integer"),
    "to_jsonb": ("text", "bigint", "timestamptz", "boolean"),
}
BRIEF = {"int8": "bigint", "int4": "integer", "bool": "boolean"}

# `seen` counts what must not be; `used` shows that what is planted works at all.
SPY = f"""
create schema {SCHEMA};
create sequence {SCHEMA}.seen;
create sequence {SCHEMA}.used;
create function {SCHEMA}.tell(p_what pg_catalog.text, p_shown pg_catalog.text)
returns pg_catalog.bool
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  perform nextval('{SCHEMA}.used');
  if not pg_has_role(session_user, current_user, 'member') then
    perform nextval('{SCHEMA}.seen');
    raise warning 'PLANTED % ran as %', p_what, current_user;
  elsif p_shown ~ '{PHONES}' and not pg_has_role(session_user, 'drip_pii', 'member') then
    perform nextval('{SCHEMA}.seen');
    raise warning 'PLANTED % was shown a phone', p_what;
  end if;
  return true;
end
$$;
create type {SCHEMA}.mine as enum ('main', '1');
"""

# What a login that has nothing but its own session puts into pg_temp.
BAIT = f"""
create temp table bait (n pg_catalog.int4);
create function pg_temp.spring() returns trigger language plpgsql as
  'begin perform {SCHEMA}.tell(''a trigger that waits for the end'', null); return null; end';
create constraint trigger bait after insert on pg_temp.bait deferrable initially deferred
  for each row execute function pg_temp.spring();
create function pg_temp.lower(pg_catalog.text) returns pg_catalog.text language plpgsql as
  'begin perform {SCHEMA}.tell(''pg_temp.lower'', $1); return $1; end';
create function pg_temp.same(pg_catalog.text, pg_catalog.text) returns pg_catalog.bool
  language plpgsql as 'begin return {SCHEMA}.tell(''pg_temp.='', $1); end';
create operator pg_temp.= (
  function = pg_temp.same, leftarg = pg_catalog.text, rightarg = pg_catalog.text);
"""


@dataclass
class Names:
    """What stands in our catalog that somebody may name."""

    temp: str
    """Statements of one session: types and relations in pg_temp."""
    lasting: str
    """Statements of the superuser: functions and operators in a schema of the stranger's."""
    functions: int = 0
    operators: int = 0
    relations: int = 0


def names_of(root: Connection) -> Names:
    """All that the bodies and views of this database could mean, as statements that plant it."""
    found = Names("", "")
    temp = [BAIT]
    temp += [
        f"create domain pg_temp.{quoted(name)} as pg_catalog.{quoted(BASES.get(name, name))}"
        f" check ({SCHEMA}.tell('type {name}', value::pg_catalog.text));"
        for name in TYPES
    ]
    relations = root.execute(RELATIONS.encode()).fetchall()
    temp += [relation(row) for row in relations]
    functions = [*root.execute(FUNCTIONS.encode()).fetchall(), *variadic()]
    operators = root.execute(OPERATORS.encode(), [list(OPERAND_TYPES)] * 3).fetchall()
    casts = [
        f"create function {SCHEMA}.turned_{number}({SCHEMA}.mine) returns {kind} language plpgsql"
        f" as 'begin perform {SCHEMA}.tell(''a cast to {kind}'', null); return null; end';"
        f" create cast ({SCHEMA}.mine as {kind}) with function"
        f" {SCHEMA}.turned_{number}({SCHEMA}.mine) as implicit;"
        for number, kind in enumerate(("text", "bigint", "integer", "jsonb", "json", "boolean"))
    ]
    found.temp = "\n".join(temp)
    found.lasting = "\n".join(
        [SPY, *casts, *map(function, functions), *map(operator, operators, itertools.count()), OPEN]
    )
    found.functions, found.operators = len(functions), len(operators)
    found.relations = len(relations)
    return found


BASES = {
    **{"bigint": "int8", "integer": "int4", "smallint": "int2", "boolean": "bool"},
    "float8": "float8",
}
OPEN = f"""
grant usage on schema {SCHEMA} to public;
grant execute on all functions in schema {SCHEMA} to public;
grant usage on all sequences in schema {SCHEMA} to public;
"""

# Relations of ours and of our libraries, and those of pg_catalog that a body of ours names.
RELATIONS = """
select
  c.relname::text as name,
  array_agg(quote_ident(a.attname) order by a.attnum) as columns,
  array_agg(format_type(a.atttypid, null) order by a.attnum) as types
from pg_class as c
join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
-- a stranger may not name types of our libraries
join pg_type as y on y.oid = a.atttypid and y.typnamespace = 'pg_catalog'::regnamespace
where c.relkind in ('r', 'v', 'p')
  and (
    c.relnamespace in (
      'drip'::regnamespace, 'pgmq'::regnamespace, 'procrastinate'::regnamespace)
    or (
      c.relnamespace = 'pg_catalog'::regnamespace
      and exists (
        select
        from pg_proc as p
        where p.pronamespace in ('drip'::regnamespace, 'pgmq'::regnamespace)
          and coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) ~ ('\\m' || c.relname || '\\M'))))
  -- a composite type of that name cannot hold pseudo types
  and not exists (
    select
    from pg_attribute as b
    where b.attrelid = c.oid and b.attnum > 0 and not b.attisdropped
      and b.atttypid in ('anyarray'::regtype, 'pg_node_tree'::regtype))
group by c.oid, c.relname
order by c.relname
"""

# Functions of pg_catalog whose names stand before a parenthesis in a body or a view of ours. An
# ordinary function of the same arguments is found before an aggregate, too.
FUNCTIONS = """
with texts as (
  select coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) as text
  from pg_proc as p
  where p.pronamespace = 'drip'::regnamespace
  union all
  select pg_get_viewdef(c.oid)
  from pg_class as c
  where c.relnamespace = 'drip'::regnamespace and c.relkind = 'v'
),
called as (
  select distinct lower(w.word[1]) as name
  from texts as x
  cross join regexp_matches(x.text, '\\m([a-z_0-9]+)\\s*\\(', 'gi') as w (word)
  union
  values ('now'), ('lower'), ('left'), ('right'), ('length'), ('replace'), ('date_part'),
    ('timezone'), ('overlay'), ('position'), ('substring'), ('like'), ('array_cat')
)
select
  p.proname::text as name,
  array(select format_type(t.type, null) from unnest(p.proargtypes) with ordinality
    as t (type, place) order by t.place) as types,
  format_type(p.prorettype, null) as result,
  p.proretset as is_set
from pg_proc as p
join called as k on k.name = p.proname
where p.pronamespace = 'pg_catalog'::regnamespace
  and p.provariadic = 0
  -- polymorphic ones can be written, other pseudo types cannot
  and not exists (
    select
    from pg_type as t
    where t.oid = any (p.proargtypes::oid[] || p.prorettype)
      and t.typtype = 'p'
      and t.typname !~ '^any.'
      and t.typname <> 'void')
  and p.proallargtypes is null
order by p.proname, p.oid
"""

OPERATORS = """
select o.oprname::text as name,
  case when o.oprleft <> 0 then format_type(o.oprleft, null) end as left,
  format_type(o.oprright, null) as right,
  format_type(o.oprresult, null) as result
from pg_operator as o
where o.oprnamespace = 'pg_catalog'::regnamespace
  and (o.oprleft = 0 or o.oprleft::regtype::text = any (
    select x::regtype::text from unnest(%s::text[]) as x))
  and o.oprright::regtype::text = any (select x::regtype::text from unnest(%s::text[]) as x)
  and o.oprresult::regtype::text = any (select x::regtype::text from unnest(%s::text[]) as x)
order by o.oid
"""


def quoted(name: str) -> str:
    """An identifier, always in quotes: `boolean` alone is a keyword."""
    return f'"{name}"'


def relation(row: DictRow) -> str:
    """A view in pg_temp with those columns, which tells when it is read."""
    columns = ", ".join(
        f"null::{kind} as {name}" for name, kind in zip(row["columns"], row["types"], strict=True)
    )
    return (
        f"create view pg_temp.{quoted(row['name'])} as select {columns}"
        f" where {SCHEMA}.tell('relation {row['name']}', null);"
    )


def variadic() -> Iterator[dict[str, Any]]:
    """Stand-ins for functions that take any number of arguments."""
    for name, lists in VARIADIC.items():
        for types in lists:
            result = "text" if name in ("format", "concat") else "bigint"
            result = "jsonb" if "json" in name else result
            yield {"name": name, "types": types.split(", "), "result": result, "is_set": False}


def function(row: dict[str, Any]) -> str:
    """A function of that name and those arguments, which tells when it is called."""
    shown = next(
        (f"${place}" for place, kind in enumerate(row["types"], 1) if kind == "text"), "null"
    )
    returns = f"{'setof ' if row['is_set'] else ''}{row['result']}"
    end = "return;" if row["is_set"] or row["result"] == "void" else "return null;"
    return (
        f"create or replace function {SCHEMA}.{quoted(row['name'])}({', '.join(row['types'])})"
        f" returns {returns} language plpgsql set search_path = pg_catalog as"
        f" 'begin perform {SCHEMA}.tell(''function {row['name']}'', {shown}); {end} end';"
    )


def operator(row: dict[str, Any], number: int) -> str:
    """An operator of that name and those operands, which tells when it is used."""
    name = f"{SCHEMA}.operator_{number}"
    left, right = row["left"], row["right"]
    shown = "$1" if (left or right) == "text" else "$2" if left and right == "text" else "null"
    arguments = f"{left}, {right}" if left else right
    sides = f"leftarg = {left}, rightarg = {right}" if left else f"rightarg = {right}"
    return (
        f"create function {name}({arguments}) returns {row['result']} language plpgsql"
        f" set search_path = pg_catalog as"
        f" 'begin perform {SCHEMA}.tell(''operator {row['name']}'', {shown});"
        f" return null; end';"
        f" create operator {SCHEMA}.{row['name']} (function = {name}, {sides});"
    )


# -- calling ------------------------------------------------------------------------------------

ROUTINES = """
select
  format('%%I.%%I', n.nspname, p.proname) as name,
  coalesce(p.proargnames[1:p.pronargs], '{}') as names,
  array(
    select format_type(t.oid, null)
    from unnest(p.proargtypes) with ordinality as t (oid, place)
    order by t.place) as types,
  p.pronargs - p.pronargdefaults as required,
  p.prokind = 'p' as is_procedure
from pg_proc as p
join pg_namespace as n on n.oid = p.pronamespace
where n.nspname in ('drip', 'pgmq', 'procrastinate')
  and p.prokind in ('f', 'p')
  and p.prorettype <> 'trigger'::regtype
  and has_schema_privilege(%(role)s, n.oid, 'USAGE')
  and has_function_privilege(%(role)s, p.oid, 'EXECUTE')
order by 1
"""

VIEWS = """
select c.oid::regclass::text as name
from pg_class as c
where c.relnamespace = 'drip'::regnamespace
  and c.relkind in ('v', 'r')
  and has_table_privilege(%(role)s, c.oid, 'SELECT')
order by 1
"""

WRITABLE = """
select c.oid::regclass::text as name, quote_ident(a.attname) as column
from pg_class as c
join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'drip'::regnamespace
  and c.relkind = 'r'
  and a.attidentity = ''
  and a.attgenerated = ''
  and has_column_privilege(%(role)s, c.oid, a.attnum, 'UPDATE')
order by 1, a.attnum
"""


@dataclass
class Stranger:
    """A session of a login that owns nothing, and what it did."""

    session: Connection
    login: str
    values: dict[str, Any]
    told: list[str] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.session.add_notice_handler(self._hear)

    def _hear(self, notice: psycopg.errors.Diagnostic) -> None:
        text = notice.message_primary or ""
        if text.startswith("PLANTED"):
            self.told.append(text)

    def plant(self, names: Names) -> None:
        """Shadow everything, from now on, in this session."""
        # Our own path first goes through the types that are to be shadowed.
        self.session.execute("set search_path = pg_catalog")
        self.session.execute(names.temp.encode())
        self.session.execute(f"set search_path = {SCHEMA}, drip, procrastinate, pg_catalog")

    def attempt(self, what: str, query: str, *arguments: Any) -> None:
        """Run a statement that is taken back, with a trigger of ours waiting for its end."""
        before = len(self.told)
        with self.session.transaction(force_rollback=True):
            try:
                with self.session.transaction():
                    self.session.execute("insert into pg_temp.bait values (1)")
                    self.session.execute(query.encode(), arguments).fetchall()
                self.answered.add(what)
            except psycopg.ProgrammingError as exc:
                if exc.sqlstate is not None:
                    self.refused[what] = f"{exc.sqlstate} {exc.diag.message_primary}"
            except psycopg.Error as exc:
                self.refused[what] = f"{exc.sqlstate} {exc.diag.message_primary}"
        self.told[before:] = [f"{what}: {text}" for text in self.told[before:]]

    def call_all(self, routines: list[DictRow]) -> None:
        """Call every function with arguments that make sense."""
        for routine in routines:
            _, typed, values = self._arguments(routine)
            call = f"{routine['name']}({', '.join(typed)})"
            query = f"call {call}" if routine["is_procedure"] else READ.format(call)
            self.attempt(routine["name"], query, *values)

    def call_with_own_type(self, routines: list[DictRow]) -> None:
        """Call every function with a type of the stranger's for one argument after the other.

        Its casts run here, before the call, but for a polymorphic argument that a body casts.
        """
        for routine in routines:
            given, typed, values = self._arguments(routine)
            for place, odd in enumerate(given):
                mixed = [*typed[:place], f"{odd} => '1'::{SCHEMA}.mine", *typed[place + 1 :]]
                self.attempt(
                    f"{routine['name']} with a foreign {odd}",
                    READ.format(f"{routine['name']}({', '.join(mixed)})"),
                    *values[:place],
                    *values[place + 1 :],
                )

    def _arguments(self, routine: DictRow) -> tuple[list[str], list[str], list[Any]]:
        """Names of the arguments to give, how they are written, and their values."""
        kinds = dict(zip(routine["names"], routine["types"], strict=True))
        own = self.values.get(routine["name"], {})
        required = routine["names"][: routine["required"]]
        given = [n for n in kinds if n in own or n in required or n in OPTIONAL]
        typed = [f"{sql.Identifier(n).as_string()} => %s::{cast(kinds[n])}" for n in given]
        known = self.values | own
        return given, typed, [known.get(n, BY_TYPE.get(kinds[n])) for n in given]

    def read_all(self, relations: list[DictRow]) -> None:
        """Read every column of all relations."""
        for row in relations:
            self.attempt(row["name"], f"select pg_catalog.to_jsonb(x) from {row['name']} as x")

    def write_all(self, columns: list[DictRow]) -> None:
        """Set every column that may be set to what it is: triggers, checks and policies run."""
        for row in columns:
            name = f"{row['name']}.{row['column']}"
            self.attempt(
                name, f"update {row['name']} set {row['column']} = {row['column']} returning 1"
            )


READ = "select pg_catalog.to_jsonb(x) from {} as x"
# What is given although it may be left out.
OPTIONAL = {"p_dry_run", "p_at", "p_until", "p_changes", "p_time_zone"}
BY_TYPE: dict[str, Any] = {
    "text": "x",
    "bigint": 1,
    "integer": 1,
    "smallint": 1,
    "numeric": 1,
    "jsonb": "[]",
    "boolean": True,
    "bigint[]": [1],
    "text[]": ["+60127000001"],
    "timestamp with time zone": "2026-03-02 09:00+08",
    "interval": "1 hour",
}


def cast(kind: str) -> str:
    """The type of an argument, by its own name and not by one of the stranger's."""
    bare = kind.removesuffix("[]")
    brackets = kind[len(bare) :]
    if re.search(r"[. ]", bare):
        return kind
    return f"pg_catalog.{quoted(BASES.get(bare, bare))}{brackets}"
