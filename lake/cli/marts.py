"""`citybrain marts`: build from pins, publish, roll back, ask, copy, count."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from lake.cli.console import JsonFlag, out, parse_day, print_json, print_table, say, settings

app = typer.Typer(no_args_is_help=True, help="Marts: build, publish, roll back, query.")


@app.command("build")
def build_command(
    as_of: Annotated[str, typer.Option("--as-of", help="business day, YYYY-MM-DD")],
    publish: Annotated[bool, typer.Option(help="publish when all tests pass")] = True,
) -> None:
    """Build the marts as of a day from what the lake holds now, test them, publish them.

    Example: citybrain marts build --as-of 2023-04-03
    """
    from lake import marts
    from lake.errors import BuildFailed

    home, day = settings(), parse_day(as_of)
    newest = marts.newest_day(home, day)
    if newest is None:
        raise BuildFailed(
            "the lake holds nothing of that day or before; what is published stays as it was",
            remedy="`citybrain dataset list` shows which days are in: name one, or load it first",
            day=day,
        )
    if newest < day:
        say(f"beware: nothing of {day} is in, the newest day is {newest}")
    say("pinning the tables, building")
    build = marts.build(home, day)
    out.print(f"build {build.build_id}: {'built and tested' if build.is_new else 'nothing changed since it was built'}")
    if publish:
        marts.publish(build, home)
        out.print(f"published: {home.published / 'current' / 'marts.duckdb'}")


@app.command("publish")
def publish_command(build_id: Annotated[str, typer.Argument(help="build id, as `marts build` printed it")]) -> None:
    """Publish a build made with --no-publish.

    Example: citybrain marts publish 2023-04-03-0123456789ab
    """
    from lake import marts

    home = settings()
    marts.publish(marts.find_build(home, build_id), home)
    out.print(f"published: {home.published / 'current' / 'marts.duckdb'}")


@app.command("rollback")
def rollback_command(
    to: Annotated[str | None, typer.Option(help="build id; default: the one before the current")] = None,
) -> None:
    """Let `published/current` point at an earlier build again. Open readers keep what they have.

    Example: citybrain marts rollback
    """
    from lake import marts

    out.print(f"published/current is now {marts.rollback(settings(), to)}")


@app.command("query")
def query_command(
    sql: Annotated[str, typer.Argument(help="one SELECT")],
    as_json: JsonFlag = False,
) -> None:
    """Ask the published marts: read-only, no other file and no network within reach.

    A table of which `marts.duckdb` holds the last days alone is whole as history.SCHEMA.TABLE.

    Example: citybrain marts query "SELECT * FROM about.freshness"
    """
    from lake import marts

    result = marts.query(settings(), sql)
    if as_json:
        print_json([dict(zip(result.columns, row, strict=True)) for row in result.rows])
    else:
        print_table("", result.columns, result.rows)


@app.command("export")
def export_command(
    sql: Annotated[str, typer.Argument(help="one SELECT")],
    file: Annotated[Path, typer.Argument(help="where to: .csv, .xlsx or .parquet")],
    force: Annotated[bool, typer.Option("--force", help="replace a file that is there")] = False,
) -> None:
    """Write an answer of the published marts to a file; texts that a spreadsheet would run are made harmless.

    Example: citybrain marts export "SELECT * FROM overview.city_daily" city_daily.xlsx
    """
    from lake import marts

    rows = marts.export(settings(), sql, file, overwrite=force)
    out.print(f"{rows} rows in {file}")


@app.command("parquet")
def parquet_command() -> None:
    """Copy every table of the published build to Parquet, a folder per schema, beside `marts.duckdb`.

    Tables of which that file holds the last days alone are Parquet already, in `history/`.

    Example: citybrain marts parquet
    """
    from lake import marts

    out.print(f"copied to {marts.write_parquet(settings())}")


@app.command("examples")
def examples_command(
    cookbook: Annotated[bool, typer.Option("--cookbook", help="the questions of docs/cookbook instead")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Ask the example question of every published mart. Exit status 1 when one is missing, fails or answers nothing.

    With --cookbook a question about tables that the city does not have is not asked, and that is no failure.

    Example: citybrain marts examples --cookbook
    """
    from lake import marts

    asked = marts.ask_cookbook(settings()) if cookbook else marts.ask_examples(settings())
    if as_json:
        print_json([dataclasses.asdict(one) for one in asked])
    else:
        print_table(
            "Cookbook" if cookbook else "Examples",
            ["question of" if cookbook else "mart", "question", "rows", "failure"],
            [(one.mart, one.question_zh, one.row_n, one.failure or one.not_asked or "") for one in asked],
        )
    if any(one.failure for one in asked):
        raise typer.Exit(1)


@app.command("count")
def count_command(as_json: JsonFlag = False) -> None:
    """Which published marts count: graded by something, with rows, no column constant or empty but those named.

    Example: citybrain marts count
    """
    from lake import marts

    verdicts = marts.count_marts(settings())
    if as_json:
        print_json([{**dataclasses.asdict(one), "counts": one.counts} for one in verdicts])
        return
    print_table(
        "Marts",
        ["mart", "rows", "counts", "why not", "graded by"],
        [(v.mart, v.row_n, "yes" if v.counts else "no", "; ".join(v.why_not), v.graded_by) for v in verdicts],
    )
    out.print(f"{sum(v.counts for v in verdicts)} of {len(verdicts)} marts count")


@app.command("changes")
def changes_command(
    brief: Annotated[str | None, typer.Option(help="one brief, such as B01; default: all")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Issued figures that the published build would say otherwise, and the deliveries since that are behind it.

    Example: citybrain marts changes --brief B01
    """
    from lake import marts
    from lake.engine import quote_literal

    result = marts.query(
        settings(),
        "SELECT brief, period, scope, figure, before, after, string_agg(DISTINCT dataset || ' ' || day || ' ' || why, "
        "'; ' ORDER BY dataset || ' ' || day || ' ' || why) AS because FROM about.changed_figures "
        + (f"WHERE brief = {quote_literal(brief)} " if brief else "")
        + "GROUP BY ALL ORDER BY ALL",
    )
    if as_json:
        print_json([dict(zip(result.columns, row, strict=True)) for row in result.rows])
    elif result.rows:
        print_table("Issued figures that changed", result.columns, result.rows)
    else:
        out.print("no issued figure has changed")
