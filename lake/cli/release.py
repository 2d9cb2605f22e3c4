"""`citybrain release`: open data, with small cells withheld."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lake.cli.console import JsonFlag, out, print_json, print_table, settings

app = typer.Typer(no_args_is_help=True, help="Open data: list, make, attack.")


@app.command("list")
def list_command(as_json: JsonFlag = False) -> None:
    """Marts that are open, as their YAML says under `open_data`.

    Example: citybrain release list
    """
    from lake.release import open_tables

    tables = open_tables(settings())
    if as_json:
        print_json([{"mart": table.mart, "title_zh": table.title_zh, "measures": table.measures} for table in tables])
        return
    print_table(
        "Open marts",
        ["mart", "title", "measures"],
        [(table.mart, table.title_zh, ", ".join(table.measures)) for table in tables],
    )


@app.command("make")
def make_command(mart: Annotated[str, typer.Argument(help="schema.table of an open mart")]) -> None:
    """Write the months of an open mart that may leave: CSV, Parquet and a DCAT catalogue in the home's `open/`.

    A month leaves once. Counts below the seed's `release_least_n` are withheld, and others so that no sum gives them
    away.

    Example: citybrain release make overview.city_daily
    """
    from lake.release import release

    made = release(settings(), mart)
    for month in made:
        state = "new" if month.is_new else "out already"
        out.print(f"{month.month:%Y-%m}: {month.cells} counts, {month.withheld} withheld, {state}")
    if not made:
        out.print("no month is whole and old enough")


@app.command("attack")
def attack_command(file: Annotated[Path, typer.Argument(help="a released CSV", exists=True)]) -> None:
    """Try to compute the withheld counts of a released file from what it shows. Exit status 1 when one can be.

    Example: citybrain release attack var/queens/open/overview.city_daily/2023-02.csv
    """
    from lake.release import audit

    found = audit(file)
    for measure, cells in found.items():
        for cell, least, _ in cells:
            out.print(f"{measure} {cell} can only be {least:g}")
    if found:
        raise typer.Exit(1)
    out.print("no withheld count can be computed")
