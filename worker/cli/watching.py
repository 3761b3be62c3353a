"""Commands that show what happens: status and events."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape

from ..tables import print_table
from .common import DatabaseUrl, connect_to, err, out, settings_for


def status(
    user: Annotated[
        str | None, typer.Option(help="Only this tenant, by name or id.", show_default=False)
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Show devices, queue, sequences and campaigns, and what is wrong."""
    from ..schema.target import open_target
    from .status import print_status

    with open_target(settings_for(database_url)) as target, connect_to(target.url) as connection:
        if user is not None:
            connection.execute("select set_config('drip.user', %s, false)", [user])
            # A view shows nothing of a tenant that does not exist; a function says so.
            connection.execute("select from drip.find_lead(%s)", ["+60000000000"])
        print_status(connection, out, target.name)


def list_events() -> None:
    """List the types of events; docs/events.md describes their bodies."""
    from ..events import EVENT_TYPES

    rows = [asdict(event) for event in EVENT_TYPES.values()]
    print_table(out, "Events", rows, {"name": "type", "sentence": "what happened"})


def follow_events(
    pattern: Annotated[
        str, typer.Argument(help="Types to follow: * is one word, # is all of them.")
    ] = "#",
    user: Annotated[
        str | None, typer.Option(help="Tenant, by name or id.", show_default=False)
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Print events as they happen, a JSON object a line, until stopped.

    pgdrip events follow 'message.*' | jq .data.phone
    """
    from ..schema.target import open_target
    from .follow import follow, stopped_by_signals, subscription

    def show(body: dict[str, Any]) -> None:
        print(json.dumps(body, ensure_ascii=False), flush=True)

    with open_target(settings_for(database_url)) as target, connect_to(target.url) as connection:
        if user is not None:
            connection.execute("select set_config('drip.user', %s, false)", [user])
        with stopped_by_signals() as stopped, subscription(connection, pattern) as queue:
            err.print(f"Following {escape(pattern)}; Ctrl-C ends it.")
            follow(connection, queue, show, stopped)
