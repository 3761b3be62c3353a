"""Commands that run until they are stopped: worker and receiver."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from .common import DatabaseUrl, settings_for


def worker(
    database_url: DatabaseUrl = None,
    concurrency: Annotated[
        int | None,
        typer.Option(min=1, max=10_000, help="Messages in flight at once.", show_default="100"),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of this worker.", show_default="host:pid")
    ] = None,
) -> None:
    """Send what is due, until stopped; several workers share the load.

    SIGTERM or Ctrl-C drains: nothing more is claimed, open requests are waited for, results are
    recorded. A second one leaves at once.
    """
    from ..logs import configure_logs
    from ..runner import run_worker
    from ..schema.target import open_target

    settings = settings_for(database_url)
    changes: dict[str, Any] = {}
    if concurrency is not None:
        changes["concurrency"] = concurrency
    if name is not None:
        changes["worker_name"] = name
    settings = settings.model_copy(update=changes)
    configure_logs(settings)
    with open_target(settings) as target:
        asyncio.run(run_worker(target.url, settings))


def receiver(
    database_url: DatabaseUrl = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port; 0 picks a free one.", show_default="8080"),
    ] = None,
) -> None:
    """Receive the webhooks of senders, until stopped: receipts and replies.

    Addresses: /webhooks/device/ID and /webhooks/account/ID, behind a proxy that speaks TLS.
    SIGTERM or Ctrl-C stores what was accepted, then leaves. /health says whether the database is
    there.
    """
    from ..logs import configure_logs
    from ..receiver.server import run_receiver
    from ..schema.target import open_target

    settings = settings_for(database_url)
    changes: dict[str, Any] = {}
    if host is not None:
        changes["receiver_host"] = host
    if port is not None:
        changes["receiver_port"] = port
    settings = settings.model_copy(update=changes)
    configure_logs(settings)
    with open_target(settings) as target:
        asyncio.run(run_receiver(target.url, settings))
