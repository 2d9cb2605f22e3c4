"""`citybrain contract`: is what we wrote down about the departments' data well written?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lake.cli.console import JsonFlag, out, print_json, print_table, settings

app = typer.Typer(no_args_is_help=True, help="Contracts: check what is written about a dataset.")


@app.command("check")
def check_command(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="contract files; all of the city when none is given")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Explain every mistake of contracts and suites with file, line and remedy. Exit status 2 when there is one.

    Connector arguments are checked against the connector they go to; no source is touched.

    Example: citybrain contract check
    """
    from lake.admission.suites import check_suite, suite_path
    from lake.connectors import check_arguments
    from lake.contracts import examine, line_of

    home = settings()
    examined = examine(home, paths)
    mistakes = [m.__dict__ | {"file": str(m.file)} for m in examined.mistakes]
    for contract in (version for versions in examined.versions.values() for version in versions):
        mistakes += [
            {
                "file": contract.path,
                "line": line_of(contract, "arguments"),
                "message": text,
                "remedy": "correct the contract's arguments",
            }
            for text in check_arguments(contract)
        ]
        mistakes += [
            {"file": str(suite_path(contract, home)), "line": None, "message": text, "remedy": "correct the suite"}
            for text in check_suite(contract, home)
        ]
    if as_json:
        print_json(mistakes)
    elif mistakes:
        print_table(
            f"{len(mistakes)} mistakes",
            ["file", "line", "mistake", "remedy"],
            [(m["file"], m["line"], m["message"], m["remedy"]) for m in mistakes],
        )
    else:
        out.print("all contracts and suites are well written")
    if mistakes:
        raise typer.Exit(2)
