"""Writes the generated pages of `docs`.

`sql-api.md` and `views.md` come from the comments and grants of a migrated database, `events.md`
from the models of the events. `python -m pgdrip.cli.docs [FOLDER]` migrates a scratch database
of its own and writes all three.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from ..events import EVENT_TYPES, Event, EventData, example
from ..schema import migrate
from ..schema.embedded import embedded_server
from ..schema.sql_files import ROOMS

Connection = psycopg.Connection[tuple[object, ...]]
Row = dict[str, Any]

# Who calls a function, by the role it is granted to; the first that fits names it.
CALLERS = {
    "drip_app": "applications",
    "drip_operator": "operators",
    "drip_worker": "the worker",
    "drip_reader": "readers",
}

ROOM_WORDS = {
    "core": "What every other room uses.",
    "events": "What happened, for applications that follow it; the bodies are in"
    " [events.md](events.md).",
    "rules": "The judge, and the times and predicates that several rooms need.",
    "texts": "Placeholders, rendering, and checks of what is to be sent.",
    "accounts": "Tenants, database roles, devices, sender accounts, workers.",
    "leads": "Contacts and opt-outs.",
    "guards": "Code of applications that is asked: guards and audiences.",
    "sequences": "Drip sequences, their steps, enrollment.",
    "campaigns": "Broadcast campaigns, their expansion, and single messages.",
    "claim": "The way out: what may leave now.",
    "results": "What became of it: results, receipts, leases.",
    "inbound": "What contacts and providers send.",
    "forecast": "Previews and forecasts, by playing what would happen.",
    "explain": "Why a message has not gone, and when it will.",
    "definitions": "Sequences and campaigns as files.",
    "ops": "Verbs of operators on messages, and housekeeping.",
}

SETTINGS_TABLES = {
    "users": "`create_user(p_settings)`, or `update drip.users` by an operator",
    "user_devices": "`upsert_device(p_settings)`",
    "leads": "`upsert_lead`, `import_leads`",
    "sequences": "`create_sequence`, `update_sequence`",
    "sequence_steps": "each element of `steps` of a sequence",
    "campaigns": "`create_campaign`, `update_campaign`",
}

_FUNCTIONS = """
select
  p.proname::text as name,
  split_part(o.file, '/', 2) as room,
  pg_get_function_arguments(p.oid) as arguments,
  pg_get_function_result(p.oid) as result,
  obj_description(p.oid, 'pg_proc') as comment,
  array(
    select a.grantee::regrole::text
    from aclexplode(p.proacl) as a
    where a.grantee <> p.proowner and a.privilege_type = 'EXECUTE'
    order by 1
  ) as roles
from pg_proc as p
join drip.code_objects as o
  on o.kind = 'function' and o.identity = p.oid::regprocedure::text
where p.pronamespace = 'drip'::regnamespace
  and p.proname !~ '^_'
  and p.prorettype <> 'trigger'::regtype
order by p.proname
"""

_COLUMNS = """
select
  c.relname::text as relation,
  obj_description(c.oid, 'pg_class') as comment,
  a.attname::text as name,
  format_type(a.atttypid, a.atttypmod) as type,
  pg_get_expr(d.adbin, d.adrelid) as default,
  col_description(c.oid, a.attnum) as column_comment
from pg_class as c
join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef as d on d.adrelid = c.oid and d.adnum = a.attnum
where c.relnamespace = 'drip'::regnamespace
  and c.relkind::text = %s
order by c.relname, a.attnum
"""

_SHORT_TYPES = (
    ("timestamp with time zone", "timestamptz"),
    ("timestamp without time zone", "timestamp"),
    ("time without time zone", "time"),
    ("double precision", "float8"),
)

_HEAD = "<!-- Written by `make docs` from the comments in the database; edit those instead. -->\n\n"

_SQL_API = """# SQL API

Every function that a role may call, by room. Arguments are named: `p_phone => '…'`; those with a
default may be left out. Each function returns rows that say what it did; `outcome` is one of the
words its comment lists. Errors carry a code, [DR001 and so on](errors.md), and a hint.

- A sequence, campaign, step, device or tenant argument is text: a name, or an id written as text,
  `'17'`. A bare number is refused by Postgres itself: `function … (integer) does not exist`
  ([errors.md](errors.md#an-id-is-text)).
- A role that serves several tenants names one: `set local drip."user" = 'name or id'`.
- `timestamptz` is an instant; `p_local timestamp` is wall clock in the tenant's zone. A time
  inside a definition that has no offset is the tenant's wall clock.
- *Applications* are members of `drip_app`, *operators* of `drip_operator` (they may call
  everything), *the worker* is a member of `drip_worker`, *readers* are members of `drip_reader`.
"""

_VIEWS = """# Views

For BI tools, psql and applications: `grant drip_reader to …`, or be a member of `drip_app` or
`drip_operator`. A view shows the tenants of the caller's role, narrowed by
`set drip."user" = 'name or id'`, and never raises an error because of it. Phones are masked unless
the role is a member of `drip_pii`. Times are instants (`timestamptz`).
"""

_EVENTS = """# Events

What happens, for applications that follow it. A subscription puts the events of a pattern into a
queue of the tenant; `*` is one word of a type, `#` any number of them:

```sql
select * from drip.subscribe('crm', 'message.*');
select * from drip.subscribe('crm', 'lead.replied');
select ack_id, body from drip.read_events('crm');       -- up to 100, this reader's for 30 seconds
select * from drip.ack_events('crm', array[1, 2, 3]);   -- ack_ids that were dealt with
select * from drip.unsubscribe('crm');                  -- the queue goes as well
```

- An event is part of the transaction of its change: it comes with the commit, or not at all.
  Before the first subscription nothing is kept.
- **At least once**: an event without an ack comes again, its `reads` one higher. `id` says whether
  it is the same. Readers that share a queue get different events; to get all of them twice,
  subscribe two queues.
- Events of one transaction come in order. Those of transactions that ran side by side come in
  any: `data` holds the state at the change, the views the state now.
- Phones are masked unless the reader's role is a member of `drip_pii`.
- A queue is never emptied for you: the view [event_queues](views.md#event_queues) shows what waits
  in it, and since when.
- `version` rises when a field of `data` goes or changes its meaning. A new field may come without
  that: ignore what you do not know. Every field named here is always there, null where there is
  nothing to say. Times are ISO 8601 in UTC.

`pgdrip events follow 'message.*'` prints events as they happen, a JSON object a line.
"""


def sql_api(conn: Connection) -> str:
    """The page of all functions that are granted to a role, and of all settings."""
    functions = _rows(conn, _FUNCTIONS)
    rooms = [*ROOMS, *sorted({f["room"] for f in functions} - set(ROOMS))]
    parts = [_HEAD, _SQL_API]
    for room in rooms:
        of_room = [f for f in functions if f["room"] == room]
        if of_room:
            parts.append(f"\n## {room}\n\n{ROOM_WORDS.get(room, '')}\n")
            parts.extend(_function(f) for f in of_room)
    parts.append(
        "\n## Settings\n\nKeys of definitions, and columns that an operator may update in psql."
        " Other keys of a definition are the plain columns: names, texts, media.\n"
    )
    columns = _rows(conn, _COLUMNS, "r")
    for table, verbs in SETTINGS_TABLES.items():
        settings = [
            c
            for c in columns
            if c["relation"] == table and (c["column_comment"] or "").startswith("[setting] ")
        ]
        parts.append(f"\n### {table}\n\nSet by {verbs}.\n\n")
        parts.extend(
            _table(
                ("setting", "type", "default", "meaning"),
                (
                    (
                        f"`{c['name']}`",
                        _short(c["type"]),
                        _code(_short(c["default"] or "")),
                        _line(c["column_comment"].removeprefix("[setting] ")),
                    )
                    for c in settings
                ),
            )
        )
    return "".join(parts)


def views_page(conn: Connection) -> str:
    """The page of all public views with their grain and columns."""
    columns = [c for c in _rows(conn, _COLUMNS, "v") if not c["relation"].startswith("_")]
    parts = [_HEAD, _VIEWS, "\n"]
    by_view: Callable[[Row], str] = lambda c: c["relation"]  # noqa: E731
    views = [(name, list(of_view)) for name, of_view in groupby(columns, by_view)]
    parts.extend(
        _table(
            ("view", "one row per", "what"),
            (
                (f"[`{name}`](#{name})", *_grain(str(of_view[0]["comment"])))
                for name, of_view in views
            ),
        )
    )
    for name, of_view in views:
        grain, what = _grain(str(of_view[0]["comment"]))
        parts.append(f"\n## {name}\n\nOne row per {grain}. {what}\n\n")
        parts.extend(
            _table(
                ("column", "type", "meaning"),
                (
                    (f"`{c['name']}`", _short(c["type"]), _line(c["column_comment"] or ""))
                    for c in of_view
                ),
            )
        )
    return "".join(parts)


def events_page() -> str:
    """The page of all types of events: what they tell, the schema of their data, an example."""
    parts = [_HEAD.replace("comments in the database", "models in worker/events.py"), _EVENTS]
    parts.append("\n## The body\n\n")
    parts.extend(_schema(Event))
    models = dict.fromkeys(event.data for event in EVENT_TYPES.values())
    for model in models:
        events = [event for event in EVENT_TYPES.values() if event.data is model]
        parts.append(f"\n## {', '.join(event.name for event in events)}\n\n")
        parts.append(f"{_line(model.__doc__ or '')}\n\n")
        parts.extend(
            _table(
                ("type", "version", "what happened"),
                ((f"`{e.name}`", str(e.version), e.sentence) for e in events),
            )
        )
        parts.append("\n")
        parts.extend(_schema(model))
        text = json.dumps(example(events[0]).model_dump(mode="json"), indent=2, ensure_ascii=False)
        parts.append(f"\n```json\n{text}\n```\n")
    return "".join(parts)


def _schema(model: type[Event] | type[EventData]) -> Iterator[str]:
    """The JSON schema of a model, a property a line."""
    schema = model.model_json_schema()
    yield "```json\n{\n"
    yield f'  "type": "object",\n  "required": {json.dumps(schema["required"])},\n'
    lines = (
        f"    {json.dumps(name)}: {json.dumps(_property(rule), ensure_ascii=False)}"
        for name, rule in schema["properties"].items()
    )
    yield '  "properties": {\n' + ",\n".join(lines) + "\n  }\n}\n```\n"


def _property(rule: Row) -> Row:
    """A rule without title and examples; `anyOf` a type and null is a list of the two."""
    rule = {key: value for key, value in rule.items() if key not in ("title", "examples")}
    choices = rule.pop("anyOf", [])
    for choice in choices:
        merged = [*rule.get("type", []), choice["type"]]
        rule = {**choice, **rule, "type": merged}
        if "enum" in rule and choice["type"] == "null":
            rule["enum"] = [*rule["enum"], None]
    first = {key: rule[key] for key in ("type", "format", "enum", "const") if key in rule}
    return first | rule


def pages(conn: Connection) -> dict[str, str]:
    """The text of every generated page, by its file name."""
    return {
        "sql-api.md": sql_api(conn),
        "views.md": views_page(conn),
        "events.md": events_page(),
    }


def write(folder: Path) -> list[Path]:
    """Write the pages of this version into `folder`; the paths that changed."""
    changed = []
    # Not below a private folder: the embedded server's user must be able to get there.
    with tempfile.TemporaryDirectory(prefix="pgdrip-docs-") as home:
        Path(home).chmod(0o755)
        with embedded_server(Path(home)) as server:
            migrate(server.url)
            with psycopg.connect(server.url) as conn:
                found = pages(conn)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in found.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def _rows(conn: Connection, query: str, *arguments: object) -> list[Row]:
    with conn.transaction(), conn.cursor(row_factory=dict_row) as cursor:
        # Types and names are printed relative to the path.
        cursor.execute("set local search_path = ''")
        return cursor.execute(query.encode(), arguments or None).fetchall()


def _function(function: Row) -> str:
    arguments = _split(_short(function["arguments"]))
    call = f"drip.{function['name']}("
    if len(call) + len(", ".join(arguments)) <= 90:
        call += ", ".join(arguments) + ")"
    else:
        call += "\n  " + ",\n  ".join(arguments) + ")"
    result = _short(function["result"])
    if result.startswith("TABLE("):
        columns = ", ".join(_split(result[6:-1]))
        result = "table (" + columns + ")"
    callers = [word for role, word in CALLERS.items() if role in function["roles"]]
    return (
        f"\n### {function['name']}\n\n{_line(function['comment'] or '')}\n\n"
        f"```sql\n{call}\nreturns {_wrapped(result)}\n```\n\nFor {', '.join(callers)}.\n"
    )


def _wrapped(result: str) -> str:
    """The columns of a result over several lines, none longer than 90 characters."""
    if len(result) <= 80:
        return result
    lines, line = [], "  "
    for word in result.removeprefix("table (").removesuffix(")").split(", "):
        if len(line) + len(word) > 88:
            lines.append(line.rstrip())
            line = "  "
        line += f"{word}, "
    return "table (\n" + "\n".join([*lines, line.rstrip(", ")]) + ")"


def _split(arguments: str) -> list[str]:
    """The arguments at their commas; a default may hold none outside quotes or parentheses."""
    parts = re.findall(r"(?:'(?:''|[^'])*'|\([^)]*\)|[^,'(])+", arguments)
    return [part.strip() for part in parts if part.strip()]


def _short(text: str) -> str:
    """Types and defaults as people write them."""
    for long, short in _SHORT_TYPES:
        text = text.replace(long, short)
    text = re.sub(r"(NULL|'(?:''|[^'])*')::[\w.\[\]]+(?: [a-z]+)*(?=[,)]|$)", r"\1", text)
    return text.replace("NULL", "null").replace(" DEFAULT ", " default ")


def _grain(comment: str) -> tuple[str, str]:
    """`Grain: device (device_id). Its state.` as `device (key device_id)` and `Its state.`"""
    found = re.fullmatch(r"Grain: (.+?) \(([^)]*)\)\. (.*)", _line(comment))
    if found is None:
        return "", _line(comment)
    keys = ", ".join(f"`{key.strip()}`" for key in found[2].split(","))
    return f"{found[1]} ({keys})", found[3]


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |\n"
    yield "|" + "---|" * len(head) + "\n"
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n"


if __name__ == "__main__":
    for written in write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs")):
        print(written)
