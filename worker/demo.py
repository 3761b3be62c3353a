"""The demonstration: a shop with three numbers, three sequences, a campaign and 1,000 leads.

Nothing in it is staged: the real worker sends over HTTP to the gateway simulator, on the real
clock, in a fresh database of the embedded server. Everything goes through public functions.
"""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb
from rich.console import Console

from .demo_display import Display, Snapshot, print_report
from .embedded import embedded_server
from .errors import PgdripError
from .importer import import_file, write_problems
from .schema import migrate
from .settings import Settings
from .tables import make_console
from .target import create_database, set_current_database

DATABASE = "pgdrip_demo"
TENANT = "Demo Kedai"
LONGEST = 90.0  # seconds of sending after which the demo ends, whatever is still open
QUIET = 3.0  # seconds in which nothing happened and nothing is due: all is done
HORIZON = 35.0  # seconds ahead for which the demo still waits

Connection = psycopg.Connection[DictRow]

DEVICES = ("Kedai Utama", "Kedai Dua", "Kedai Tiga")
LOGGED_OUT = 1  # index of the device that is logged out for a while
LOG_OUT_AT, LOG_IN_AT = 4.0, 10.0  # seconds after the import
CALM_AT = 15.0  # seconds after which the gateway makes no more errors of its own

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
                "content": "{name|there}, [[thanks for your interest|good to hear from you]]! "
                "We are Demo Kedai in {attributes.city|Malaysia}.\n"
                "Tell us any time, and we are quiet.",
            },
            {
                "name": "menu",
                "message_type": "image",
                "media_url": "https://example.com/kedai/menu.jpg",
                "caption": "This week's offers for you, {name|friend} 🌸",
                "trigger_delay_hours": 3 * SECONDS,
            },
            {
                "name": "question",
                "content": "{name|Hi}, [[shall we keep a place for you|may we keep you posted]]? "
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
    "greeting": True,
    "message": "{name|friend}, [[open doors|a free trial day]] this Saturday at Demo Kedai!",
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
        children = stack.enter_context(_children())
        gateway = Gateway(children, settings.home / "gateway.log")
        console.print(f"The gateway: [cyan]{gateway.url}[/] – open it to see what arrives.")
        _set_up(connection, gateway.url)
        leads = _example_leads()
        gateway.configure(_faults(leads))
        children.start("worker", _worker_command(url), settings.home / "worker.log")
        children.wait_for("worker", "worker started")

        report = import_file(connection, leads, user=TENANT)
        problems = settings.home / "demo_problems.csv"
        write_problems(problems, report.problems)
        outcomes = ", ".join(
            f"{count:,} {name.replace('_', ' ')}" for name, count in sorted(report.outcomes.items())
        )
        console.print(
            f"{report.rows:,} rows of {leads.name}: {outcomes}, {len(report.problems)} not "
            f"imported (why: {_short(problems)})."
        )
        _watch(connection, gateway, children, console)
        if not keep_going:
            children.stop("worker")
        ok = print_report(connection, gateway.messages(), console)
        console.print(_farewell(settings))
        if not ok:
            raise PgdripError(
                "The totals do not agree; see above.",
                hint=f"The logs are in {_short(settings.home)}.",
            )
        if keep_going:
            console.print(f"The gateway's page stays open on {gateway.url}; Ctrl-C ends it.")
            while True:
                time.sleep(1)
                children.check()


class _Children:
    """The processes of the demo; none outlives it."""

    def __init__(self) -> None:
        self._running: dict[str, tuple[subprocess.Popen[bytes], Path]] = {}

    def start(self, name: str, command: list[str], log_file: Path) -> None:
        environment = {
            key: value
            for key, value in os.environ.items()
            if key not in ("DATABASE_URL", "PGDRIP_CONCURRENCY", "PGOPTIONS")
        }
        with log_file.open("wb") as log:
            # A session of its own, so that Ctrl-C reaches it only through us.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        self._running[name] = (process, log_file)

    def check(self) -> None:
        """Raise when one of them has ended."""
        for name, (process, log_file) in self._running.items():
            if process.poll() is not None:
                lines = log_file.read_text(errors="replace").strip().splitlines()
                raise PgdripError(
                    f"The {name} ended: {lines[-1] if lines else 'it said nothing'}",
                    hint=f"Its log is {_short(log_file)}.",
                )

    def wait_for(self, name: str, words: str, seconds: float = 30.0) -> None:
        """Wait until the process has logged these words."""
        _, log_file = self._running[name]
        deadline = time.monotonic() + seconds
        while words not in log_file.read_text(errors="replace"):
            self.check()
            if time.monotonic() > deadline:
                raise PgdripError(
                    f"The {name} did not start in {seconds:.0f} seconds.",
                    hint=f"Its log is {_short(log_file)}.",
                )
            time.sleep(0.05)

    def stop(self, name: str, seconds: float = 20.0) -> None:
        process, _ = self._running.pop(name)
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def stop_all(self) -> None:
        # The last one first: the worker still gets the gateway's answers, and so leaves no unknown.
        for name in reversed(list(self._running)):
            self.stop(name, 5.0)


@contextmanager
def _children() -> Iterator[_Children]:
    children = _Children()
    try:
        yield children
    finally:
        children.stop_all()


class Gateway:
    """The gateway simulator as a process of its own, and what it is told."""

    def __init__(self, children: _Children, log_file: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", __package__ or "pgdrip", "simulator", "--port", str(port)]
        children.start(
            "gateway", [*command, "--latency", "0.08", "--latency-max", "0.24"], log_file
        )
        deadline = time.monotonic() + 20
        while True:
            try:
                self._ask("/health")
                return
            except OSError:
                children.check()
                if time.monotonic() > deadline:
                    raise PgdripError(
                        "The gateway simulator does not answer.",
                        hint=f"Its log is {_short(log_file)}.",
                    ) from None
                time.sleep(0.05)

    def _ask(self, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - a loopback address of our own
            self.url + path, data=data, headers={"Content-Type": "application/json"}
        )
        # No proxy of the environment for loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            return json.load(answer)

    def configure(self, changes: dict[str, Any]) -> None:
        """Change what the gateway does to messages."""
        self._ask("/simulator/settings", changes)

    def log_in(self, instance: str, logged_in: bool) -> None:
        """Log a device in or out, as on its phone."""
        self._ask(f"/devices/{instance}/{'login' if logged_in else 'logout'}")

    def messages(self) -> list[dict[str, Any]]:
        """All it received, oldest first."""
        found: list[dict[str, Any]] = self._ask("/simulator/messages")
        return found


def _instance(number: int) -> str:
    return f"kedai-{number + 1}"


def _set_up(connection: Connection, endpoint: str) -> None:
    connection.execute(
        "select drip.create_user(%s, p_time_zone => 'Asia/Kuala_Lumpur', p_default_region => 'MY')",
        [TENANT],
    )
    connection.execute("select set_config('drip.user', %s, false)", [TENANT])
    for number, name in enumerate(DEVICES):
        connection.execute(
            "select drip.upsert_device(p_name => %s, p_platform => 'gowa', p_phone => %s,"
            " p_endpoint => %s, p_instance => %s, p_settings => %s)",
            [
                name,
                f"+6012300000{number + 1}",
                endpoint,
                _instance(number),
                # A real number would wait 10 to 30 seconds between two messages.
                Jsonb({"min_delay_seconds": 0, "max_delay_seconds": 0, "burst": 8}),
            ],
        )
    for definition in SEQUENCES:
        connection.execute("select drip.create_sequence(%s)", [Jsonb(definition)])
        connection.execute("select drip.start_sequence(%s)", [definition["name"]])
    connection.execute("select drip.create_campaign(%s)", [Jsonb(CAMPAIGN)])


def _example_leads() -> Path:
    here = Path(__file__).resolve().parent
    for folder in (here / "examples", here.parent / "examples"):
        if (folder / "leads.csv").is_file():
            return folder / "leads.csv"
    raise PgdripError("The example leads are not installed.", hint="Install pgdrip again.")


def _faults(leads: Path) -> dict[str, Any]:
    """What goes wrong: a few numbers are not on WhatsApp, one answer is lost, some errors."""
    with leads.open(encoding="utf-8-sig", newline="") as file:
        cold = [
            row["Phone Number"]
            for row in csv.DictReader(file)
            if row["Trigger"] == "cold_start"
            and row["Phone Number"].startswith("+60")
            and row["Target Status"] != "lead"
            and "fitness" not in row["Niche"].lower()
        ]
    return {
        "phones": {"not_on_whatsapp": cold[:6], "timeout_504": cold[6:7]},
        "rates": {"error_500": 0.012},
        "gateway_timeout": 3.0,
    }


def _worker_command(url: str) -> list[str]:
    return [
        sys.executable, "-m", __package__ or "pgdrip", "worker",
        "--database-url", url, "--concurrency", "60", "--name", "demo worker",
    ]  # fmt: skip


def _watch(connection: Connection, gateway: Gateway, children: _Children, console: Console) -> None:
    """Let it run, make its troubles, show its progress; returns when all is done."""
    started = time.monotonic()
    connection.execute(
        "select drip.schedule_campaign(%s, p_at => now() + interval '5 seconds')",
        [CAMPAIGN["title"]],
    )
    instance = _instance(LOGGED_OUT)
    device = DEVICES[LOGGED_OUT]
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
        (LOG_IN_AT, f"{device} is logged in again", lambda: gateway.log_in(instance, True)),
    ]
    events.sort(key=lambda event: event[0])
    last_change = started
    last_done = -1
    with Display(console, gateway.url) as display:
        while True:
            elapsed = time.monotonic() - started
            while events and elapsed >= events[0][0]:
                _, sentence, act = events.pop(0)
                act()
                display.tell(elapsed, sentence)
            snapshot = Snapshot.take(connection, HORIZON)
            display.show(elapsed, snapshot)
            children.check()
            if snapshot.finished != last_done or snapshot.coming:
                last_done = snapshot.finished
                last_change = time.monotonic()
            if not events and time.monotonic() - last_change > QUIET:
                return
            if elapsed > LONGEST:
                display.tell(elapsed, "time is up; the rest stays pending in the database")
                return
            time.sleep(0.4)


def _farewell(settings: Settings) -> str:
    command = (
        "pgdrip"
        if settings.home == Path.cwd() / ".pgdrip"
        else (f"PGDRIP_HOME={_short(settings.home)} pgdrip")
    )
    logs = ", ".join(_short(settings.home / name) for name in ("worker.log", "gateway.log"))
    return "\n".join(
        (
            "\nLook around in the same database:",
            f"  [bold]{command} psql[/]      then for example:",
            "      select * from sequence_progress_monitor limit 20;",
            "      select * from message_log where status <> 'sent';",
            f"  [bold]{command} status[/]    devices, queue, programs, and what is wrong",
            f"Logs: {logs}",
        )
    )


def _short(path: Path) -> str:
    with suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)


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
