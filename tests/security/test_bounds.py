"""Whatever takes a list or a JSON value takes so much of it and no more.

Read from the catalog: each public function with an array or a jsonb argument refuses one element,
or one character, more than its bound, at once, and nothing is half done.
"""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from costs import processor_seconds, row_counts
from factory import Plant
from psycopg.types.json import Jsonb

# Of a refusal. Reading four million characters of JSON takes about a tenth of it.
MOST_SECONDS = 0.5

CLAIMED = {"message_id": 1, "attempt": 1}
RESULT = {**CLAIMED, "outcome": "accepted"}

# What is bounded by how many elements it has: the limit, and one element.
LISTS: dict[tuple[str, str], tuple[str, Any]] = {
    ("ack_events", "p_ids"): ("messages", 1),
    ("apply_definitions", "p_definitions"): ("definitions", {"name": "A"}),
    ("cancel_messages", "p_messages"): ("messages", 1),
    ("enroll_leads", "p_phones"): ("rows", "+60123456789"),
    ("export_definitions", "p_names"): ("definitions", "S"),
    ("import_leads", "p_leads"): ("rows", {"phone": "+60123456789"}),
    ("list_devices_to_check", "p_platforms"): ("platforms", "gowa"),
    ("read_phones", "p_phones"): ("rows", "+60123456789"),
    ("read_phones", "p_countries"): ("rows", "MY"),
    ("reassign_messages", "p_messages"): ("messages", 1),
    ("record_results", "p_results"): ("messages", RESULT),
    ("release_messages", "p_messages"): ("messages", CLAIMED),
    ("replace_steps", "p_steps"): ("steps", {"content": "Hi"}),
    ("replay_dead_letters", "p_ids"): ("messages", 1),
    ("retry_messages", "p_messages"): ("messages", 1),
    ("settle_unknown", "p_messages"): ("messages", 1),
    ("store_webhooks", "p_kinds"): ("messages", "device"),
    ("store_webhooks", "p_ids"): ("messages", 1),
    ("store_webhooks", "p_bodies"): ("messages", "{}"),
    ("wake_devices", "p_devices"): ("rows", 1),
}
# What is bounded by its length as JSON.
LENGTHS: dict[tuple[str, str], str] = {
    ("apply_definitions", "p_definitions"): "definition",
    ("create_campaign", "p_definition"): "definition",
    ("create_sequence", "p_definition"): "definition",
    ("create_user", "p_settings"): "settings",
    ("enroll_lead", "p_attributes"): "attributes",
    ("import_leads", "p_keep_unknown"): "settings",
    ("replace_steps", "p_steps"): "definition",
    ("send_message", "p_template"): "template",
    ("update_campaign", "p_changes"): "definition",
    ("update_sequence", "p_changes"): "definition",
    ("update_step", "p_changes"): "definition",
    ("upsert_account", "p_settings"): "settings",
    ("upsert_device", "p_settings"): "settings",
    ("upsert_lead", "p_attributes"): "attributes",
}
# What strangers say comes in here: beyond its length nobody is refused, and all are woken.
UNREFUSED = {("wake_devices", "p_sealed")}

# The other arguments, so that nothing else is wrong with the call.
OTHERS: dict[str, dict[str, Any]] = {
    "ack_events": {"p_queue": "crm"},
    "create_user": {"p_name": "somebody"},
    "enroll_lead": {"p_sequence": "S", "p_phone": "+60123456789"},
    "enroll_leads": {"p_sequence": "S"},
    "import_leads": {"p_leads": Jsonb([])},
    "read_phones": {"p_phones": []},
    "reassign_messages": {"p_to": "main"},
    "record_results": {"p_worker": "w"},
    "release_messages": {"p_worker": "w"},
    "replace_steps": {"p_sequence": "S", "p_dry_run": False},
    "send_message": {"p_phone": "+60123456789", "p_message_type": "template"},
    "settle_unknown": {"p_outcome": "sent"},
    "update_campaign": {"p_campaign": "C"},
    "update_sequence": {"p_sequence": "S"},
    "update_step": {"p_sequence": "S", "p_step": "1"},
    "upsert_account": {"p_name": "A", "p_platform": "cloud_api"},
    "upsert_device": {"p_name": "new", "p_platform": "gowa"},
    "upsert_lead": {"p_phone": "+60123456789"},
}
DOES_IT = {
    name: {"p_dry_run": False}
    for name in (
        "apply_definitions",
        "cancel_messages",
        "reassign_messages",
        "retry_messages",
        "settle_unknown",
    )
}


@pytest.fixture
def grown(plant: Plant) -> Plant:
    """One of each, and a role for whatever is called."""
    plant.tenant(default_region="MY")
    plant.device(name="main")
    plant.sequence({}, name="S")
    plant.lead("+60123456789")
    plant.row(
        "select * from drip.create_campaign(%s)",
        Jsonb({"title": "C", "message": "Hi", "everyone": True}),
    )
    plant.row("select * from drip.subscribe('crm', '#')")
    return plant


def arguments(plant: Plant) -> dict[tuple[str, str], str]:
    """Every array and every jsonb that a public function takes, with its type."""
    return {
        (row["function"], row["argument"]): row["type"]
        for row in plant.rows(
            """
            select p.proname as function, p.proargnames[t.place] as argument,
              format_type(t.oid, null) as type
            from pg_proc p
            cross join lateral unnest(p.proargtypes) with ordinality as t (oid, place)
            where p.pronamespace = 'drip'::regnamespace and p.proname not like '\\_%%'
              and (t.oid = 'jsonb'::regtype or format_type(t.oid, null) like '%%[]')
            """
        )
    }


def limit(plant: Plant, name: str) -> int:
    value = plant.value("select drip._limit(%s)", name)
    assert value is not None, name
    return int(value)


def refused(plant: Plant, function: str, argument: str, value: Any, kind: str) -> str | None:
    """Why the call is wrong; None where it is refused as it should be."""
    pid = plant.value("select pg_backend_pid()")
    given = {**OTHERS.get(function, {}), **DOES_IT.get(function, {}), argument: value}
    if function == "store_webhooks":
        given = {"p_kinds": [], "p_ids": [], "p_bodies": [], argument: value}
    casts = {argument: f"::{kind}"}
    if function == "store_webhooks":
        casts = {"p_kinds": "::text[]", "p_ids": "::bigint[]", "p_bodies": "::text[]"}
    shown = ", ".join(f"{name} => %({name})s{casts.get(name, '')}" for name in given)
    used = processor_seconds(pid)
    try:
        plant.conn.execute(f"select from drip.{function}({shown})".encode(), given)
    except psycopg.Error as exc:
        if exc.sqlstate != "DR021":
            return f"{function}({argument}): {exc.sqlstate} {str(exc)[:100]}"
    else:
        return f"{function}({argument}) took it"
    used = processor_seconds(pid) - used
    return f"{function}({argument}) took {used} s" if used > MOST_SECONDS else None


def test_every_list_and_every_json_value_has_a_bound(grown: Plant) -> None:
    assert set(arguments(grown)) == set(LISTS) | set(LENGTHS) | UNREFUSED


def test_one_element_more_is_refused_at_once_and_nothing_is_half_done(grown: Plant) -> None:
    types = arguments(grown)
    before = row_counts(grown.conn)
    wrong = []
    for (function, argument), (name, element) in LISTS.items():
        elements = [element] * (limit(grown, name) + 1)
        value: Any = elements
        if function == "apply_definitions":
            value = json.dumps({"sequences": elements})
        elif types[function, argument] == "jsonb":
            value = json.dumps(elements)
        wrong.append(refused(grown, function, argument, value, types[function, argument]))
    assert [sentence for sentence in wrong if sentence] == []
    assert row_counts(grown.conn) == before


def test_one_character_more_is_refused_at_once_and_nothing_is_half_done(grown: Plant) -> None:
    types = arguments(grown)
    before = row_counts(grown.conn)
    wrong = []
    for (function, argument), name in LENGTHS.items():
        key = "sequences" if function == "apply_definitions" else "k"
        frame = len(json.dumps({key: ""}))
        value = json.dumps({key: "x" * (limit(grown, name) + 1 - frame)})
        wrong.append(refused(grown, function, argument, value, types[function, argument]))
    assert [sentence for sentence in wrong if sentence] == []
    assert row_counts(grown.conn) == before


def test_what_strangers_say_wakes_all_beyond_its_length(grown: Plant) -> None:
    grown.conn.execute("update drip.device_pacing set next_look_at = now() + interval '1 hour'")
    pid = grown.value("select pg_backend_pid()")
    used = processor_seconds(pid)
    assert grown.value("select drip.wake_devices(p_sealed => %s)", [""] * 500_000) == 1
    assert processor_seconds(pid) - used < MOST_SECONDS


def test_as_many_as_the_bound_are_done(grown: Plant) -> None:
    message = grown.message(grown.device())
    messages = [message, *range(10_000_000, 10_000_000 + limit(grown, "messages") - 1)]
    done = grown.rows("select * from drip.cancel_messages(%s, p_dry_run => false)", messages)
    assert [row["message_id"] for row in done if row["applied"]] == [message]
    assert len(done) == len(messages)
