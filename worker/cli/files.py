"""Commands for files: import, apply, export."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from ..errors import PgdripError
from ..tables import print_table
from .common import DatabaseUrl, connect_to, err, out, settings_for

if TYPE_CHECKING:
    from ..files.importer import ImportReport, Preview


REFUSED = 3  # exit code where rows of a file were not imported


def import_leads(
    file: Annotated[
        Path, typer.Argument(help="CSV, .xlsx, .xls, .ods or vCard file with a list of leads.")
    ],
    user: Annotated[
        str | None, typer.Option(help="Tenant, by name or id.", show_default=False)
    ] = None,
    problems: Annotated[
        Path | None,
        typer.Option(help="Write the rows that were not imported to this CSV file."),
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="FIELD=HEADING",
            help="Which column is what, such as phone='Tel 1' (or phone=2, the second column);"
            " repeatable. Also attribute=… and ignore=….",
            show_default=False,
        ),
    ] = None,
    country: Annotated[
        str | None,
        typer.Option(
            help="Country of phones without +, where no column says it; else the user's region.",
            show_default=False,
        ),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(help="Encoding of a text file, such as cp1251.", show_default=False),
    ] = None,
    sheet: Annotated[
        str | None, typer.Option(help="Sheet of a spreadsheet.", show_default=False)
    ] = None,
    restart: Annotated[
        bool,
        typer.Option(
            "--restart", help="Triggers also count for leads that their sequence has had already."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would happen; change nothing.")
    ] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Import leads from a file: CSV, spreadsheet or vCard.

    Shows first how the file is read. Columns are found by their usual names in many languages
    (Phone Number, WhatsApp, No. Tel, Full Name, Country, Trigger …) and by their values; the
    others become attributes of the lead, for placeholders such as {attributes.city}. A second
    import of the same file changes nothing: a trigger counts once a lead, unless --restart.

    Exit code: 0 every row was imported, 1 nothing was read, 2 wrong use, 3 rows were not imported.
    """
    from ..files.columns import MappingError
    from ..files.encodings import kind_of
    from ..files.importer import count_lines, import_file, write_problems
    from ..schema.target import open_target

    kind_of(file)  # a file that cannot be read is said before a server is started
    with (
        open_target(settings_for(database_url)) as target,
        connect_to(target.url) as connection,
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
        try:
            report = import_file(
                connection,
                file,
                user=user,
                dry_run=dry_run,
                mapping=mapping or (),
                encoding=encoding,
                sheet=sheet,
                country=country,
                restart=restart,
                preview=lambda preview: print_preview(out, preview, title=file.name),
                progress=lambda line: bar.update(task, completed=line),
            )
        except MappingError as exc:
            raise typer.BadParameter(f"{exc.message} {exc.hint or ''}") from None
    print_import(out, report, title=f"{file.name}{' (dry run)' if dry_run else ''}")
    if dry_run:
        out.print("Nothing was changed.")
    if problems is not None:
        write_problems(problems, report.problems, report.titles)
        out.print(f"{len(report.problems)} problems written to {escape(str(problems))}.")
    elif report.problems:
        out.print("With --problems FILE every row that was not imported is written to a file.")
    if report.problems:
        raise typer.Exit(REFUSED)


def print_preview(console: Console, preview: Preview, *, title: str) -> None:
    """Show how a file is read: which column is what, with its values in the first rows."""
    source, layout = preview.source, preview.layout
    how = [source.kind, source.encoding.removesuffix("-sig")]
    if source.delimiter:
        how.append(f"delimiter {_DELIMITERS.get(source.delimiter, source.delimiter)}")
    how.append("no headings" if layout.header is None else "")
    rows: list[dict[str, object]] = []
    for column in layout.columns:
        place = column.number - 1
        values = [row[place].strip() if place < len(row) else "" for row in preview.samples]
        if column.field == "attribute" and not any(values):
            continue
        meaning = column.field.replace("_", " ")
        if column.field == "attribute":
            meaning = f"attribute {column.attribute}"
        elif column.field == "phone" and len(layout.phones) > 1:
            meaning = f"phone ({layout.phones.index(place) + 1}.)"
        rows.append(
            {
                "heading": column.title or f"column {column.number}",
                "meaning": f"{meaning}, {column.note}" if column.note else meaning,
                "values": " · ".join(" ".join(value.split())[:24] for value in values),
            }
        )
    headings = {"heading": "column", "meaning": "read as", "values": "first rows"}
    print_table(console, escape(f"{title}: {', '.join(filter(None, how))}"), rows, headings)
    if layout.above:
        count = len(layout.above)
        console.print(f"{count} {'line' if count == 1 else 'lines'} above the headings: not read.")


_DELIMITERS = {"\t": "tab"}


def print_import(console: Console, report: ImportReport, *, title: str) -> None:
    """Show what an import did: a table of outcomes, warnings, and the first problems."""
    rows: list[dict[str, object]] = [
        {"outcome": outcome.replace("_", " "), "rows": count}
        for outcome, count in sorted(report.outcomes.items())
    ]
    if report.problems:
        rows.append({"outcome": "not imported", "rows": len(report.problems)})
    rows.append({"outcome": "rows in the file", "rows": report.rows})
    print_table(console, escape(title), rows, {"outcome": "outcome", "rows": "rows"})
    for warning in report.warnings:
        console.print(f"[yellow]Warning:[/] {escape(warning)}", soft_wrap=True)
    for problem in report.problems[:5]:
        console.print(
            f"  line {problem.line}: {escape(problem.phone or '(empty)')} – "
            f"{escape(problem.problem)}"
        )
    if len(report.problems) > 5:
        console.print(f"  … and {len(report.problems) - 5} more")
    if any("no default region" in problem.problem for problem in report.problems):
        console.print(
            "[dim]Hint:[/] to read phones without + as those of one country, name it with "
            "--country MY, or give the user its region:\n"
            "  pgdrip psql -c \"update users set default_region = 'MY' where name = 'default'\"",
            soft_wrap=True,
        )
    elif any("can be read as a number of" in problem.problem for problem in report.problems):
        console.print(
            "[dim]Hint:[/] where all phones without + are of one country, name it: --country MY",
            soft_wrap=True,
        )


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
    from ..files.applying import apply_definitions, differences, print_differences
    from ..files.definitions import read_files
    from ..schema.target import open_target

    definitions = read_files(files)
    with open_target(settings_for(database_url)) as target, connect_to(target.url) as connection:
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
    from ..files.applying import export_definitions
    from ..schema.target import open_target

    with open_target(settings_for(database_url)) as target, connect_to(target.url) as connection:
        if user is not None:
            connection.execute("select set_config('drip.user', %s, false)", [user])
        print(export_definitions(connection, names or []), end="", flush=True)
