"""Commands to try it out: the demo and the simulated gateway."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from ..errors import PgdripError
from .common import out, settings_for


def demo(
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Leave the gateway's page open at the end.")
    ] = False,
) -> None:
    """Show everything in under two minutes: 1,000 leads, three devices, a gateway of our own.

    Works in a fresh database of the embedded server in .pgdrip, whatever DATABASE_URL says.
    """
    from ..demo.run import run_demo

    run_demo(settings_for(None, embedded=True), keep_going=keep_going)


def simulator(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 picks a free one.")] = 3000,
    latency: Annotated[
        float, typer.Option(min=0, max=600, help="Least seconds before an answer.")
    ] = 0.05,
    latency_max: Annotated[
        float | None,
        typer.Option(min=0, max=600, help="Most seconds before an answer.", show_default="latency"),
    ] = None,
    rate: Annotated[
        list[str] | None,
        typer.Option(
            help="Share of messages that meet a fault, as error_500=0.01; may be repeated.",
            show_default=False,
        ),
    ] = None,
    device: Annotated[
        list[str] | None,
        typer.Option(
            help="A device it knows; may be repeated. Without one, any appears at its first use.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of latencies, faults and contacts.")] = 1,
    webhook_base: Annotated[
        str | None,
        typer.Option(
            help="Where receipts and replies go, as http://127.0.0.1:8080/webhooks.",
            show_default=False,
        ),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            help="Path of a device's webhooks below that, as sales1=device/3; * is any other "
            "device; may be repeated.",
            show_default=False,
        ),
    ] = None,
    delivered: Annotated[
        float, typer.Option(min=0, max=1, help="Share of messages that arrive.")
    ] = 0.97,
    read: Annotated[float, typer.Option(min=0, max=1, help="Share of those that are read.")] = 0.6,
    reply: Annotated[
        float, typer.Option(min=0, max=1, help="Share of those that are answered.")
    ] = 0.05,
) -> None:
    """Run a gateway that speaks GOWA's and Meta's interfaces and sends nothing to WhatsApp.

    Its page shows what it received, and lets you answer. Meta's interface is below /v25.0. With
    --webhook-base and --target the contacts' receipts and replies go out as webhooks, signed with
    PGDRIP_SIMULATOR_WEBHOOK_SECRET. PGDRIP_SIMULATOR_CREDENTIALS=user:password makes it ask for
    Basic authentication, PGDRIP_SIMULATOR_TOKEN for that bearer token on Meta's paths.
    """
    from pydantic import ValidationError

    from ..simulator import SimulatorSettings, run_simulator

    rates: dict[str, float] = {}
    for text in rate or []:
        fault, _, share = text.partition("=")
        try:
            rates[fault] = float(share)
        except ValueError:
            raise PgdripError(
                f"--rate {text} is not a fault and a share.", hint="Write it as error_500=0.01."
            ) from None
    targets: dict[str, str] = {}
    for text in target or []:
        name, _, path = text.rpartition("=")
        if not name:
            raise PgdripError(
                f"--target {text} is not a device and a path.", hint="Write it as sales1=device/3."
            )
        targets[name] = path
    if targets and webhook_base is None:
        raise PgdripError(
            "--target needs --webhook-base.",
            hint="For a receiver on this machine: --webhook-base http://127.0.0.1:8080/webhooks",
        )
    try:
        settings = SimulatorSettings.model_validate(
            {
                "latency_min": latency,
                "latency_max": latency if latency_max is None else latency_max,
                "seed": seed,
                "rates": rates,
                "webhook_base": webhook_base,
                "webhook_targets": targets,
                "webhook_secret": os.environ.get("PGDRIP_SIMULATOR_WEBHOOK_SECRET") or None,
                "delivered_rate": delivered,
                "read_rate": read,
                "reply_rate": reply,
            }
        )
    except ValidationError as exc:
        error = exc.errors(include_url=False)[0]
        option, hint = {
            "rates": ("--rate", "Write it as error_500=0.01; a share is between 0 and 1."),
            "webhook_base": ("--webhook-base", "It begins with http:// or https://."),
            "webhook_targets": ("--target", "Write it as sales1=device/3."),
        }[str(error["loc"][0])]
        raise PgdripError(f"{option}: {error['msg']}.", hint=hint) from None
    run_simulator(
        host,
        port,
        settings=settings,
        devices=device,
        credentials=os.environ.get("PGDRIP_SIMULATOR_CREDENTIALS"),
        token=os.environ.get("PGDRIP_SIMULATOR_TOKEN") or None,
        on_ready=lambda url: out.print(f"Gateway simulator on {url} – open it in a browser."),
    )
