"""The demonstration: a shop with three numbers, three sequences, a campaign and 1,000 leads.

Nothing in it is staged: the real worker sends over HTTP to the gateway simulator, whose contacts
answer by signed webhooks to the real receiver, on the real clock, in a fresh database of the
embedded server. Everything goes through public functions.
"""

from __future__ import annotations

import secrets
import shutil
import signal
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb
from rich.console import Console

from ..errors import PgdripError
from ..files.importer import import_file, write_problems
from ..schema import migrate
from ..schema.embedded import embedded_server
from ..schema.target import create_database, set_current_database
from ..settings import Settings, secret_variable
from ..tables import make_console
from .check import print_check
from .children import Children, Gateway, free_port, running_children, short_path
from .display import Display, Snapshot, WhatCame, print_report
from .faults import faults

DATABASE = "pgdrip_demo"
TENANT = "Demo Kedai"
LONGEST = 80.0  # seconds of sending after which the demo pauses what is still open,
CLOSING = 20.0  # and seconds for the receipts of what had left
QUIET = 3.0  # seconds in which nothing happened and nothing is due: all is done
HORIZON = 35.0  # seconds ahead for which the demo still waits

Connection = psycopg.Connection[DictRow]

# Two phones on a GOWA gateway for the sequences, and a number of Meta's Cloud API for the campaign:
# to strangers it may send templates only. Name, platform, instance at the gateway.
DEVICES = (
    ("Kedai Utama", "gowa", "kedai-1"),
    ("Kedai Dua", "gowa", "kedai-2"),
    ("Kedai Rasmi", "cloud_api", "106540352242922"),
)
LOGGED_OUT = DEVICES[1]  # for a while
LOG_OUT_AT, LOG_IN_AT = 4.0, 10.0  # seconds after the import
CALM_AT = 9.0  # seconds after which the gateway makes no more errors of its own
CAMPAIGN_AT = 10  # seconds after the import
HIDDEN_AT = 14.0  # seconds after which a contact says stop whose phone the webhook does not tell
WEBHOOK_SECRET = "demo webhooks"  # noqa: S105 - the name of a secret
TOKEN_SECRET = "demo token"  # noqa: S105 - likewise
# What the contacts do: soon, or the demo would last for days.
CONTACTS: dict[str, Any] = {
    "delivered_rate": 0.97,
    "delivered_after": [0.1, 1.5],
    "read_rate": 0.6,
    "read_after": [0.5, 4],
    "reply_rate": 0.03,
    "reply_after": [0.5, 3],
    "reply_texts": {
        "Yes please!": 4,
        "How much is it?": 3,
        "Terima kasih 🙏": 2,
        "STOP": 2,
        "Berhenti": 1,
    },
    "preference_rate": 0.01,
    "failed_receipts": {"131026": 0.02},
    "duplicate_rate": 0.1,
    "disorder_rate": 0.1,
    "noise_rate": 0.02,
}

SECONDS = 1 / 3600  # hours

SEQUENCES: tuple[dict[str, Any], ...] = (
    {
        "name": "COLD Sequence",
        "description": "For people who know nothing of the shop yet.",
        "trigger": "cold_start",
        "start_delay": "1 second",
        "greeting": True,
        "steps": [
            {
                "name": "hello",
                "content": "[[thanks for your interest|good to hear from you]]! "
                "We are Demo Kedai in {attributes.city|Malaysia}.\n"
                "Tell us any time, and we are quiet.",
            },
            {
                "name": "menu",
                "message_type": "image",
                "media_url": "https://example.com/kedai/menu.jpg",
                "caption": "this week's offers for you 🌸",
                "trigger_delay_hours": 3 * SECONDS,
            },
            {
                "name": "question",
                "content": "[[shall we keep a place for you|may we keep you posted]]? "
                "https://example.com/book?from=cold",
                "trigger_delay_hours": 2 * SECONDS,
                "next_trigger": "warm_start",
            },
        ],
    },
    {
        "name": "WARM Sequence",
        "description": "For people who have read the first messages.",
        "trigger": "warm_start",
        "start_delay": "1 second",
        "steps": [
            {
                "name": "stories",
                "content": "What others say, {name|friend}: https://example.com/stories",
                "trigger_delay_hours": 2 * SECONDS,
            },
            {
                "name": "invitation",
                "content": "[[Come and see us|Visit us]] this week, {name|friend} – the first "
                "class is free.",
                "trigger_delay_hours": 3 * SECONDS,
                "next_trigger": "hot_start",
            },
        ],
    },
    {
        "name": "HOT Sequence",
        "description": "For people who are about to buy.",
        "trigger": "hot_start",
        "start_delay": "1 second",
        "steps": [
            {
                "name": "offer",
                "content": "Only for you, {name|friend}: 20% off until Sunday with the code KEDAI.",
                "trigger_delay_hours": 3 * SECONDS,
            },
            {
                "name": "last call",
                "content": "{name|Hi}, the code KEDAI ends [[today|tonight]].",
                "trigger_delay_hours": 3 * SECONDS,
            },
        ],
    },
)

CAMPAIGN: dict[str, Any] = {
    "title": "Fitness weekend",
    "niche": "fitness",
    "target_status": "all",
    "devices": [DEVICES[2][0]],
    "message_type": "template",
    "template": {
        "name": "free_trial_day",
        "language": "en",
        "components": [
            {
                "type": "body",
                "parameters": [
                    {"type": "text", "text": "{name|friend}"},
                    {"type": "text", "text": "this Saturday"},
                ],
            },
            {
                "type": "button",
                "sub_type": "quick_reply",
                "index": "0",
                "parameters": [{"type": "payload", "payload": "STOP PROMO"}],
            },
        ],
    },
}


def run_demo(settings: Settings, *, keep_going: bool = False) -> None:
    """Run the demonstration and print what happened; raises :class:`PgdripError` if it is wrong.

    ``keep_going`` leaves gateway and worker running at the end, until Ctrl-C.
    """
    console = make_console()
    with ExitStack() as stack:
        stack.enter_context(_stopped_by_sigterm())
        console.print("[bold]pgdrip demo[/] – starting an embedded PostgreSQL …")
        server = stack.enter_context(embedded_server(settings.home))
        create_database(server.url, DATABASE, fresh=True)
        set_current_database(settings.home, DATABASE)
        url = psycopg.conninfo.make_conninfo(server.url, dbname=DATABASE)
        console.print(f"{migrate(url).summary()}")

        connection = stack.enter_context(
            psycopg.connect(url, autocommit=True, row_factory=dict_row, application_name="demo")
        )
        children = stack.enter_context(running_children())
        gateway = _start_all(connection, url, children, settings.home)
        console.print(
            f"The gateway: [cyan]{gateway.url}[/] – open it to see what arrives, and to answer."
        )
        leads = _example_leads()
        gateway.configure(faults(leads))

        report = import_file(connection, leads, user=TENANT)
        problems = settings.home / "demo_problems.csv"
        write_problems(problems, report.problems, report.titles)
        outcomes = ", ".join(
            f"{count:,} {name.replace('_', ' ')}" for name, count in sorted(report.outcomes.items())
        )
        console.print(
            f"{report.rows:,} rows of {leads.name}: {outcomes}, {len(report.problems)} not "
            f"imported (why: {short_path(problems)})."
        )
        came = WhatCame(connection)
        hidden = _watch(connection, gateway, children, came, console)
        if not keep_going:
            children.stop("worker")
        print_report(connection, came, console)
        ok = print_check(
            connection, gateway.messages(), gateway.stats(), came.stopped, hidden, console
        )
        console.print(_farewell(settings))
        if not ok:
            raise PgdripError(
                "The totals do not agree; see above.",
                hint=f"The logs are in {short_path(settings.home)}.",
            )
        if keep_going:
            console.print(f"The gateway's page stays open on {gateway.url}; Ctrl-C ends it.")
            while True:
                time.sleep(1)
                children.check()


def _start_all(connection: Connection, url: str, children: Children, home: Path) -> Gateway:
    """Gateway, devices, receiver and worker; they share secrets that nobody else knows."""
    webhook_secret, token = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    gateway = Gateway(
        children,
        home / "gateway.log",
        {
            "PGDRIP_SIMULATOR_WEBHOOK_SECRET": webhook_secret,
            "PGDRIP_SIMULATOR_TOKEN": token,
        },
    )
    targets = _set_up(connection, gateway.url)
    known = {
        secret_variable(WEBHOOK_SECRET): webhook_secret,
        secret_variable(TOKEN_SECRET): token,
    }
    port = free_port()
    database = ["--database-url", url]
    children.start(
        "receiver", ["receiver", *database, "--port", str(port)], home / "receiver.log", known
    )
    children.start(
        "worker",
        ["worker", *database, "--concurrency", "60", "--name", "demo worker"],
        home / "worker.log",
        known,
    )
    gateway.configure(
        {
            **CONTACTS,
            "webhook_base": f"http://127.0.0.1:{port}/webhooks",
            "webhook_targets": targets,
        }
    )
    children.wait_for("receiver", "receiver started")
    children.wait_for("worker", "worker started")
    return gateway


def _set_up(connection: Connection, endpoint: str) -> dict[str, str]:
    """Tenant, devices, programs; returns the path of each device's webhooks by its instance."""
    connection.execute(
        "select drip.create_user(%s, p_time_zone => 'Asia/Kuala_Lumpur', p_default_region => 'MY',"
        " p_settings => %s)",
        # These contacts answer within seconds, which only phones do elsewhere.
        [TENANT, Jsonb({"auto_reply_seconds": None, "auto_reply_repeats": False})],
    )
    connection.execute("select set_config('drip.user', %s, false)", [TENANT])
    targets = {}
    for number, (name, platform, instance) in enumerate(DEVICES, start=1):
        is_meta = platform == "cloud_api"
        row = connection.execute(
            "select d.device_id from drip.upsert_device(p_name => %s, p_platform => %s,"
            " p_phone => %s, p_endpoint => %s, p_instance => %s, p_secret_name => %s,"
            " p_settings => %s) d",
            [
                name,
                platform,
                f"+6012300000{number}",
                f"{endpoint}/v25.0" if is_meta else endpoint,
                instance,
                TOKEN_SECRET if is_meta else None,
                # A real phone would wait 10 to 30 seconds between two messages.
                Jsonb(
                    {
                        "min_delay_seconds": 0,
                        "max_delay_seconds": 0,
                        "burst": 12,
                        "in_pool": not is_meta,
                        "webhook_secret_name": WEBHOOK_SECRET,
                    }
                ),
            ],
        ).fetchone()
        assert row is not None  # noqa: S101 - the verb returns its row
        targets[instance] = f"device/{row['device_id']}"
    for definition in SEQUENCES:
        connection.execute("select drip.create_sequence(%s)", [Jsonb(definition)])
        connection.execute("select drip.start_sequence(%s)", [definition["name"]])
    connection.execute("select drip.create_campaign(%s)", [Jsonb(CAMPAIGN)])
    return targets


def _example_leads() -> Path:
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "examples", package.parent / "examples"):
        if (folder / "leads.csv").is_file():
            return folder / "leads.csv"
    raise PgdripError("The example leads are not installed.", hint="Install pgdrip again.")


def _watch(
    connection: Connection,
    gateway: Gateway,
    children: Children,
    came: WhatCame,
    console: Console,
) -> str | None:
    """Let it run, make its troubles, show its progress; returns when all is done: the phone that
    said stop without being told."""
    started = time.monotonic()
    connection.execute(
        "select drip.schedule_campaign(%s, p_at => now() + %s * interval '1 second')",
        [CAMPAIGN["title"], CAMPAIGN_AT],
    )
    device, _, instance = LOGGED_OUT

    def log_in() -> None:
        gateway.log_in(instance, True)
        # The worker would find out by itself within half a minute.
        connection.execute(
            "select drip.set_device_status(%s, 'online', 'logged in again')", [device]
        )

    hidden: list[str] = []

    def say_stop_unseen() -> None:
        phone = _who_got_one(gateway, DEVICES[0][2], came)
        if phone is not None:
            gateway.reply(DEVICES[0][2], phone, text="Stop. Thank you", hidden=True)
            hidden.append(phone)

    events: list[tuple[float, str, Callable[[], None]]] = [
        (
            LOG_OUT_AT,
            f"{device} is logged out on its phone",
            lambda: gateway.log_in(instance, False),
        ),
        (
            CALM_AT,
            "the gateway has calmed down: no more errors 500",
            lambda: gateway.configure({"rates": {}}),
        ),
        (LOG_IN_AT, f"{device} is logged in again, and said to be online", log_in),
        (
            HIDDEN_AT,
            "a contact says STOP, and the webhook hides its phone",
            say_stop_unseen,
        ),
    ]
    events.sort(key=lambda event: event[0])
    last_change = started
    is_over = False
    last_seen: tuple[int, ...] = ()
    with Display(console, gateway.url) as display:
        while True:
            elapsed = time.monotonic() - started
            while events and elapsed >= events[0][0]:
                _, sentence, act = events.pop(0)
                act()
                display.tell(elapsed, sentence)
            snapshot = Snapshot.take(connection, HORIZON)
            came.read(datetime.now(UTC))
            display.show(elapsed, snapshot, came)
            children.check()
            webhooks = gateway.stats()["webhooks"]
            on_the_way = webhooks["planned"] + webhooks["waiting"] + snapshot.unread
            seen = (snapshot.finished, snapshot.total("read"), came.count)
            if seen != last_seen or on_the_way or (snapshot.coming and not is_over):
                last_seen = seen
                last_change = time.monotonic()
            if not events and time.monotonic() - last_change > QUIET:
                return next(iter(hidden), None)
            if elapsed > LONGEST and not is_over:
                is_over = True
                _pause_all(connection, snapshot)
                display.tell(elapsed, "time is up: all is paused, the rest stays pending")
            if elapsed > LONGEST + CLOSING:
                return next(iter(hidden), None)
            time.sleep(0.4)


def _who_got_one(gateway: Gateway, instance: str, came: WhatCame) -> str | None:
    """A contact of the device who has got a message and not opted out."""
    return next(
        (
            message["phone"]
            for message in reversed(gateway.messages())
            if message["device"] == instance
            and message["delivered_at"]
            and message["phone"] not in came.stopped
        ),
        None,
    )


def _pause_all(connection: Connection, snapshot: Snapshot) -> None:
    for row in snapshot.programs:
        verb = "campaign" if row["name"] == CAMPAIGN["title"] else "sequence"
        if row["status"] in ("active", "pending", "triggered"):
            connection.execute(
                f"select drip.pause_{verb}(%s, 'the demo is over')",
                [row["name"]],
            )


def _farewell(settings: Settings) -> str:
    command = own_command()
    if settings.home != Path.cwd() / ".pgdrip":
        command = f"PGDRIP_HOME={short_path(settings.home)} {command}"
    logs = ", ".join(
        short_path(settings.home / name) for name in ("worker.log", "receiver.log", "gateway.log")
    )
    return "\n".join(
        (
            "\nLook around in the same database:",
            f"  [bold]{command} psql[/]      then for example:",
            "      select * from sequence_progress_monitor limit 20;",
            "      select * from message_log where replied_at is not null;",
            f"  [bold]{command} status[/]    devices, queue, programs, and what is wrong",
            f"Logs: {logs}",
        )
    )


def own_command() -> str:
    """How this very program is called from here: by its name only where that finds it."""
    script = Path(sysconfig.get_path("scripts")) / "pgdrip"
    if not script.is_file():
        return f"{short_path(Path(sys.executable))} -m pgdrip"
    found = shutil.which("pgdrip")
    if found is not None and Path(found).samefile(script):
        return "pgdrip"
    return short_path(script)


@contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl-C does, so that its children end too."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
