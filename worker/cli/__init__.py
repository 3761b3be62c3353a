"""The command line `pgdrip`: its commands, and how a failure is told.

Commands load what they need when they run, so that --help is quick.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import psycopg
import typer
from rich.markup import escape

from .. import __version__
from ..errors import PgdripError, from_database
from . import database, files, processes, trying, watching
from .common import err, out

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


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)
    ] = False,
) -> None:
    if version:
        out.print(f"pgdrip {__version__}")
        raise typer.Exit


# In the order in which the help shows them.
app.command()(trying.demo)
app.command()(database.migrate)
app.command()(database.drift)
app.command()(processes.worker)
app.command()(processes.receiver)
app.command("import")(files.import_leads)
app.command()(files.apply)
app.command()(files.export)
app.command()(watching.status)
events.command("list")(watching.list_events)
events.command("follow")(watching.follow_events)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(
    database.psql
)
app.command()(trying.simulator)
app.add_typer(events, name="events")


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
            problem.hint = "Name one: --user 'tenant name'."
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
