"""The command line `pgdrip`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import psycopg
import typer
from psycopg import conninfo
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from . import __version__
from .errors import PgdripError, from_database
from .installation import QUERY, refuse_broken
from .server_log import KEEP_OUT
from .session import PLAIN_SESSION
from .settings import Settings, load_settings
from .tables import make_console, print_table

if TYPE_CHECKING:  # the commands load what they need, so that --help is quick
    from .importer import ImportReport

app = typer.Typer(
    name="pgdrip",
    help="WhatsApp drip sequences and broadcast campaigns that live in Postgres.\n\n"
    "Without DATABASE_URL every command works on an embedded PostgreSQL in .pgdrip below the"
    " current folder (PGDRIP_HOME). Start with: pgdrip demo",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
events = typer.Typer(help="What happens, as it happens.", no_args_is_help=True)
app.add_typer(events, name="events")
out = make_console()
err = make_console(stderr=True)

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        help="Connection string; without it DATABASE_URL, else the embedded server.",
        show_default=False,
    ),
]


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)
    ] = False,
) -> None:
    if version:
        out.print(f"pgdrip {__version__}")
        raise typer.Exit


@app.command()
def demo(
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Leave the gateway's page open at the end.")
    ] = False,
) -> None:
    """Show everything in under two minutes: 1,000 leads, three devices, a gateway of our own.

    Works in a fresh database of the embedded server in .pgdrip, whatever DATABASE_URL says.
    """
    from .demo import run_demo

    run_demo(_settings(None, embedded=True), keep_going=keep_going)


@app.command()
def migrate(database_url: DatabaseUrl = None) -> None:
    """Bring the database to this version: tables, functions, views, roles."""
    from .schema import migrate as migrate_database
    from .target import open_target

    with open_target(_settings(database_url)) as target:
        out.print(migrate_database(target.url).summary())


@app.command()
def drift(database_url: DatabaseUrl = None) -> None:
    """Say what differs between the database and this version; exit code 1 when something does.

    patched: changed by hand. missing: not there. stray: nothing of this version makes it.
    outdated: this version brings another one, pgdrip migrate puts it right. Nothing is changed;
    nothing in use is locked.
    """
    from .schema import drift as find_drift
    from .target import open_target

    with open_target(_settings(database_url)) as target:
        found = find_drift(target.url)
    if not found:
        out.print("No drift: tables, functions, views and policies are those of this version.")
        return
    print_table(
        out,
        f"{len(found)} differences",
        [asdict(item) for item in found],
        {"kind": "kind", "identity": "name", "problem": "problem", "detail": "detail"},
    )
    raise typer.Exit(1)


@app.command()
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
    from .logs import configure_logs
    from .runner import run_worker
    from .target import open_target

    settings = _settings(database_url)
    changes: dict[str, Any] = {}
    if concurrency is not None:
        changes["concurrency"] = concurrency
    if name is not None:
        changes["worker_name"] = name
    settings = settings.model_copy(update=changes)
    configure_logs(settings)
    with open_target(settings) as target:
        asyncio.run(run_worker(target.url, settings))


@app.command()
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
    from .logs import configure_logs
    from .receiver import run_receiver
    from .target import open_target

    settings = _settings(database_url)
    changes: dict[str, Any] = {}
    if host is not None:
        changes["receiver_host"] = host
    if port is not None:
        changes["receiver_port"] = port
    settings = settings.model_copy(update=changes)
    configure_logs(settings)
    with open_target(settings) as target:
        asyncio.run(run_receiver(target.url, settings))


@app.command("import")
def import_leads(
    file: Annotated[Path, typer.Argument(help="CSV file; its first line names the columns.")],
    user: Annotated[
        str | None, typer.Option(help="Tenant, by name or id.", show_default=False)
    ] = None,
    problems: Annotated[
        Path | None,
        typer.Option(help="Write the rows that were not imported to this CSV file."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would happen; change nothing.")
    ] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Import leads from a CSV file.

    Columns are found by their usual names (Phone Number, Mobile, WhatsApp, Full Name, Niche,
    Target Status, Trigger …); the others become attributes of the lead, for placeholders such as
    {attributes.city}. A second import of the same file changes nothing.
    """
    from .importer import count_lines, find_encoding, import_file, write_problems
    from .target import open_target

    find_encoding(file)  # a file that cannot be read is said before a server is started
    with (
        open_target(_settings(database_url)) as target,
        _connect(target.url) as connection,
        Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=err,
            disable=not err.is_terminal,
            transient=True,
        ) as bar,
    ):
        task = bar.add_task(f"Importing {escape(file.name)}", total=count_lines(file))
        report = import_file(
            connection,
            file,
            user=user,
            dry_run=dry_run,
            progress=lambda line: bar.update(task, completed=line),
        )
    print_import(out, report, title=f"{file.name}{' (dry run)' if dry_run else ''}")
    if problems is not None:
        write_problems(problems, report.problems)
        out.print(f"{len(report.problems)} problems written to {escape(str(problems))}.")
    elif report.problems:
        out.print("With --problems FILE every row that was not imported is written to a file.")


def print_import(console: Console, report: ImportReport, *, title: str) -> None:
    """Show what an import did: a table of outcomes, and the first problems."""
    rows: list[dict[str, object]] = [
        {"outcome": outcome.replace("_", " "), "rows": count}
        for outcome, count in sorted(report.outcomes.items())
    ]
    if report.problems:
        rows.append({"outcome": "not imported", "rows": len(report.problems)})
    rows.append({"outcome": "rows in the file", "rows": report.rows})
    print_table(console, escape(title), rows, {"outcome": "outcome", "rows": "rows"})
    if report.attributes:
        console.print(f"Kept as attributes: {escape(', '.join(report.attributes))}.")
    for problem in report.problems[:5]:
        console.print(
            f"  line {problem.line}: {escape(problem.phone or '(empty)')} – "
            f"{escape(problem.problem)}"
        )
    if len(report.problems) > 5:
        console.print(f"  … and {len(report.problems) - 5} more")
    if any("no default region" in problem.problem for problem in report.problems):
        console.print(
            "[dim]Hint:[/] to read phones without + as those of one country, give the user its "
            "region:\n  pgdrip psql -c \"update users set default_region = 'MY' where name = "
            "'default'\"",
            soft_wrap=True,
        )


@app.command()
def apply(
    files: Annotated[
        list[Path], typer.Argument(help="YAML files, or folders of them; - is standard input.")
    ],
    user: Annotated[
        str | None, typer.Option(help="Tenant, by name or id.", show_default=False)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Apply without asking.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show; exit code 2 when something differs.")
    ] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Bring sequences and campaigns to what files say: shows what differs, asks, does it at once.

    A file has lists sequences and campaigns; keys are those of create_sequence and
    create_campaign, and what is left out has its default. Steps are recognised by their names.
    Objects that no file names stay; nothing is started or scheduled. pgdrip export writes files.
    """
    from .applying import apply_definitions, differences, print_differences
    from .definitions import read_files
    from .target import open_target

    definitions = read_files(files)
    with open_target(_settings(database_url)) as target, _connect(target.url) as connection:
        if user is not None:
            connection.execute("select set_config('drip.user', %s, false)", [user])
        rows = apply_definitions(connection, definitions, dry_run=dry_run or not yes)
        shown = differences(rows)
        print_differences(out, rows)
        if not shown:
            out.print("Nothing to change.")
            return
        if dry_run:
            raise typer.Exit(2)
        if not yes:
            if not sys.stdin.isatty():
                raise PgdripError(
                    "There is nobody to ask, and nothing was changed.",
                    hint="--yes applies without asking, --dry-run only shows.",
                )
            if not typer.confirm("Apply this?"):
                out.print("Nothing was changed.")
                raise typer.Exit(1)
            with connection.transaction():
                rows = apply_definitions(connection, definitions, dry_run=False)
                if differences(rows) != shown:
                    raise PgdripError(
                        "The database has changed since this was shown; nothing was done.",
                        hint="The same command again shows the difference as it is now.",
                    )
        out.print("Applied.")
        drafts = [row["name"] for row in rows if (row["kind"], row["change"]) == _NEW_DRAFT]
        if drafts:
            named = ", ".join(drafts)
            out.print(f"Started by hand: start_sequence for {escape(named)}.", soft_wrap=True)


_NEW_DRAFT = ("sequence", "created")


@app.command()
def export(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Sequences and campaigns by name; without any all but archived and cancelled ones."
        ),
    ] = None,
    user: Annotated[
        str | None, typer.Option(help="Tenant, by name or id.", show_default=False)
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Write sequences and campaigns as YAML that pgdrip apply accepts: what differs from defaults.

    pgdrip export --user 'Kedai Siti' > programs.yaml
    """
    from .applying import export_definitions
    from .target import open_target

    with open_target(_settings(database_url)) as target, _connect(target.url) as connection:
        if user is not None:
            connection.execute("select set_config('drip.user', %s, false)", [user])
        print(export_definitions(connection, names or []), end="", flush=True)


@app.command()
def status(
    user: Annotated[
        str | None, typer.Option(help="Only this tenant, by name or id.", show_default=False)
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Show devices, queue, sequences and campaigns, and what is wrong."""
    from .status import print_status
    from .target import open_target

    with open_target(_settings(database_url)) as target, _connect(target.url) as connection:
        if user is not None:
            connection.execute("select set_config('drip.user', %s, false)", [user])
            # A view shows nothing of a tenant that does not exist; a function says so.
            connection.execute("select from drip.find_lead(%s)", ["+60000000000"])
        print_status(connection, out, target.name)


@events.command("list")
def list_events() -> None:
    """List the types of events; docs/events.md describes their bodies."""
    from .events import EVENT_TYPES

    rows = [asdict(event) for event in EVENT_TYPES.values()]
    print_table(out, "Events", rows, {"name": "type", "sentence": "what happened"})


@events.command("follow")
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
    from .follow import follow, stopped_by_signals, subscription
    from .target import open_target

    def show(body: dict[str, Any]) -> None:
        print(json.dumps(body, ensure_ascii=False), flush=True)

    with open_target(_settings(database_url)) as target, _connect(target.url) as connection:
        if user is not None:
            connection.execute("select set_config('drip.user', %s, false)", [user])
        with stopped_by_signals() as stopped, subscription(connection, pattern) as queue:
            err.print(f"Following {escape(pattern)}; Ctrl-C ends it.")
            follow(connection, queue, show, stopped)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context, database_url: DatabaseUrl = None) -> None:
    """Open psql on the database, with drip at the end of the search path.

    Further arguments go to psql: pgdrip psql -c "select * from queue_overview"
    """
    from .target import open_target

    with open_target(_settings(database_url)) as target:
        # At the end: what somebody creates without a schema is theirs, not ours.
        path = '-c search_path="$user",public,drip'
        options = f"{os.environ.get('PGOPTIONS', '')} {path}".strip()
        environment = {**os.environ, "PGOPTIONS": options, "PGAPPNAME": "pgdrip psql"}
        arguments = list(context.args)
        connection = _psql_connection(target.url, environment)
        code = _run_psql([target.psql, "--dbname", connection, *arguments], environment)
    raise typer.Exit(code)


def _psql_connection(url: str, environment: dict[str, str]) -> str:
    # A list of processes shows arguments to everybody: the password goes by the environment.
    parts = conninfo.conninfo_to_dict(url)
    password = parts.pop("password", None)
    if password is not None:
        environment["PGPASSWORD"] = str(password)
    options = parts.pop("options", None)
    if options:
        environment["PGOPTIONS"] = f"{options} {environment['PGOPTIONS']}"
    return conninfo.make_conninfo("", **{name: str(part) for name, part in parts.items()})


def _run_psql(command: list[str], environment: dict[str, str]) -> int:
    # Ctrl-C cancels a query in psql; it must not end us, who keep the server running. A handler
    # and not SIG_IGN, which psql would inherit.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return subprocess.Popen(command, env=environment).wait()
    except OSError as exc:
        raise PgdripError(f"psql cannot be started: {exc.strerror}.") from None
    finally:
        signal.signal(signal.SIGINT, before)


@app.command()
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

    from .simulator import SimulatorSettings, run_simulator

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


def _settings(database_url: str | None, *, embedded: bool = False) -> Settings:
    settings = load_settings()
    if embedded:
        return settings.model_copy(update={"database_url": None})
    if database_url is not None:
        return settings.model_copy(update={"database_url": database_url})
    return settings


@contextmanager
def _connect(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(
        url, autocommit=True, application_name="pgdrip", connect_timeout=10
    ) as connection:
        connection.execute(KEEP_OUT)
        connection.execute(PLAIN_SESSION)
        row = connection.execute(QUERY).fetchone()
        refuse_broken(*(row or (None, None)))
        yield connection


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; a failure is one sentence and a hint, never a traceback."""
    try:
        code = app(arguments, standalone_mode=False, prog_name="pgdrip")
        sys.stdout.flush()
    except PgdripError as exc:
        code = _complain(exc)
    except psycopg.Error as exc:
        problem = from_database(exc)
        if problem.code == "DR010" and 'drip."user"' in (problem.hint or ""):
            # SQL's way to name the tenant; here it is an option
            problem.hint = "Name one: --user 'user name'."
        code = _complain(problem)
    except (typer.Abort, KeyboardInterrupt):
        err.print("Stopped.")
        code = 130
    except BrokenPipeError:
        # Whoever read our output has left; Python must not complain at the end either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    except OSError as exc:
        code = _complain(PgdripError(f"{exc.filename or 'The system'}: {exc.strerror or exc}."))
    except Exception as exc:
        if hasattr(exc, "show") and hasattr(exc, "exit_code"):  # a wrong use of the command line
            exc.show()
            code = exc.exit_code
        elif os.environ.get("PGDRIP_LOG_LEVEL", "").lower() == "debug":
            raise
        else:
            code = _complain(
                PgdripError(
                    f"Something unexpected happened: {exc!r}.",
                    hint="With PGDRIP_LOG_LEVEL=debug the same command shows where.",
                )
            )
    sys.exit(code if isinstance(code, int) else 0)


def _complain(problem: PgdripError) -> int:
    code = f" [dim]({problem.code})[/]" if problem.code else ""
    err.print(f"[bold red]Error:[/] {escape(problem.message)}{code}", soft_wrap=True)
    if problem.hint:
        err.print(f"[dim]Hint:[/] {escape(problem.hint)}", soft_wrap=True)
    return 1
