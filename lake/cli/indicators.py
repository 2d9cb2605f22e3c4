"""`citybrain indicator`: the catalogue of indicators, and what a change of a definition changes."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from lake.cli.console import JsonFlag, out, print_json, print_table, settings

app = typer.Typer(no_args_is_help=True, help="Indicators: the catalogue, and one version against another.")


@app.command("list")
def list_command(as_json: JsonFlag = False) -> None:
    """Every indicator of the published catalogue and its versions.

    Example: citybrain indicator list
    """
    from lake.marts import indicators

    rows = indicators.catalogue(settings())
    if as_json:
        print_json([dict(zip(rows.columns, row, strict=True)) for row in rows.rows])
    else:
        print_table("Indicators", rows.columns, rows.rows)


@app.command("diff")
def diff_command(
    indicator: Annotated[str, typer.Argument(help="id, such as I04")],
    *,
    old: Annotated[int | None, typer.Option(help="version; default: the one before the newest")] = None,
    new: Annotated[int | None, typer.Option(help="version; default: the newest")] = None,
    window: Annotated[str, typer.Option(help="day, week, month, quarter or year")] = "month",
    scope: Annotated[str, typer.Option(help="city, county or township")] = "city",
    as_json: JsonFlag = False,
) -> None:
    """Compute two versions of an indicator over all published windows and print the difference.

    Example: citybrain indicator diff I04 --window week
    """
    from lake.marts import indicators

    both = indicators.backcast(settings(), indicator, old=old, new=new, window_kind=window, scope=scope)
    if as_json:
        print_json([{**dataclasses.asdict(one), "difference": one.difference} for one in both.windows])
        return
    for name, version in (("old", both.old), ("new", both.new)):
        until = f" to {version.valid_to}" if version.valid_to else ""
        out.print(
            f"{name}: version {version.version}, {version.std_no}, from {version.valid_from}{until}: {version.formula}"
        )
    if both.new.change_zh:
        out.print(f"change: {both.new.change_zh}")
    print_table(
        f"{indicator} {both.new.name_zh}",
        ["from", "to", "division", "old", "new", "difference"],
        [
            (one.first_on, one.last_on, one.division_code, *(_shown(x) for x in (one.old, one.new, one.difference)))
            for one in both.windows
        ],
    )
    moved = [one for one in both.windows if one.difference]
    out.print(f"{len(moved)} of {len(both.windows)} windows differ")


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
