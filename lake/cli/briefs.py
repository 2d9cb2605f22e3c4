"""`citybrain brief`: issue, list, and trace a number back to the files it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lake.cli.console import JsonFlag, out, parse_day, print_json, print_table, say, settings

app = typer.Typer(no_args_is_help=True, help="Briefs: issue, verify, trace a number.")


@app.command("issue")
def issue_command(
    brief: Annotated[str, typer.Argument(help="brief id, such as B01")],
    day: Annotated[str, typer.Option(help="business day, YYYY-MM-DD")],
    scope: Annotated[list[str] | None, typer.Option(help="division code; default: all")] = None,
) -> None:
    """Issue a brief from the published marts, for the city and each division. Issuing twice changes nothing.

    Example: citybrain brief issue B01 --day 2023-04-03
    """
    from lake import briefs

    issued = briefs.issue(brief, parse_day(day), settings(), scopes=scope, progress=say)
    print_table(
        f"{sum(item.is_new for item in issued)} new issues",
        ["brief", "period", "scope", "issue", "new", "folder"],
        [(i.brief, i.period, i.scope, i.issue_no, "yes" if i.is_new else "no", str(i.folder)) for i in issued],
    )


@app.command("trace")
def trace_command(
    issue: Annotated[Path, typer.Argument(help="issue folder")],
    figure: Annotated[str, typer.Argument(help="figure id, as in figures.json")],
    as_json: JsonFlag = False,
) -> None:
    """Where a number comes from: query, build, tables and pinned files.

    Example: citybrain brief trace var/queens/issues/B01/2023-04-03/4/issue-1 appeals
    """
    from lake import briefs

    trace = briefs.trace(settings(), issue, figure)
    if as_json:
        print_json(trace.as_dict())
        return
    for name, value in trace.as_dict().items():
        out.print(f"[bold]{name}[/bold]: {value}", highlight=False)


@app.command("verify")
def verify_command(issue: Annotated[Path, typer.Argument(help="issue folder")]) -> None:
    """Compute the headline figures again from the pinned files, without the marts. Exit status 11 on a difference.

    Example: citybrain brief verify var/queens/issues/B01/2023-04-03/4/issue-1
    """
    from lake import briefs

    differences = briefs.verify(settings(), issue)
    if differences:
        print_table(
            "Differences", ["figure", "issued", "recomputed"], [(d.figure, d.issued, d.recomputed) for d in differences]
        )
        raise typer.Exit(11)
    out.print("every headline figure is the same when computed from the pinned files")
