"""``citybrain demo``: serve the demo city, let its time pass, write a single day of it.

The lake's command line adds `app` by the entry point ``citybrain.commands`` and knows nothing else of it.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import date
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from demo_city.grade.command import grade_command, truth_command

app = typer.Typer(
    name="demo",
    no_args_is_help=True,
    help="The demo city Linlan (invented): its departments as real systems, with known right answers.",
)

app.command("truth")(truth_command)
app.command("grade")(grade_command)

Seed = Annotated[int, typer.Option(help="another seed is another city")]
Only = Annotated[str | None, typer.Option(help="ids of sources with commas between, such as S01,S17; default: all")]
County = Annotated[str | None, typer.Option(help="code of one county-level unit, such as 990113; default: all")]


@app.command("serve")
def serve_command(
    scale: Annotated[float, typer.Option(help="share of the city's people, cut by whole townships")] = 0.01,
    days: Annotated[int, typer.Option(help="days of history that end on --until")] = 60,
    until: Annotated[str, typer.Option(help="last day that is over")] = "2026-06-30",
    seed: Seed = 1,
    county: County = None,
    home: Annotated[Path, typer.Option(help="folder for the servers' data, kept from start to start")] = Path(
        "var/departments/linlan"
    ),
    only: Only = None,
) -> None:
    """Serve every department's system until Ctrl-C: PostgreSQL, MariaDB, HTTP, SFTP, S3, drop folders.

    Writes HOME/connections.json (for its owner only) with the address of each connection.

    Example: citybrain demo serve --scale 0.01 --days 400 --seed 7
    """
    from demo_city.systems import DemoCity

    finished = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: finished.set())
    began = time.monotonic()
    last = _day(until)
    typer.echo(f"Linlan 临澜市, demonstration data (演示数据): seed {seed}, scale {scale}, {days} days until {last}")
    try:
        city = DemoCity(
            home,
            seed=seed,
            scale=scale,
            county=county,
            until=last,
            days=days,
            only=_sources(only),
            say=lambda line: typer.echo(f"  {time.monotonic() - began:6.1f} s  {line}"),
        )
    except (RuntimeError, ValueError) as error:
        _fail(str(error))
    with city:
        path = city.home / "connections.json"
        typer.echo(f"{len(city.connections)} connections of {len(city.datasets)} datasets in {path}")
        typer.echo(f"ready after {time.monotonic() - began:.1f} s; the clock stands at the end of {city.through}\n")
        typer.echo("Load in another terminal:")
        typer.echo("  export CITYBRAIN_CITY=linlan")
        typer.echo(f'  eval "$(citybrain demo connections --home {home})"')
        typer.echo(f"  citybrain load linlan.hotline.work_order --from {city.first} --to {city.through}")
        typer.echo(f"Let time pass:  citybrain demo advance DAY --home {home}")
        typer.echo("Ctrl-C stops.")
        sys.stdout.flush()
        finished.wait()
    typer.echo("stopped")


@app.command("connections")
def connections_command(
    home: Annotated[Path, typer.Option(help="home of a city that is served")] = Path("var/departments/linlan"),
) -> None:
    """The connections of a served city as `export` lines for a shell; they hold secrets.

    Example: eval "$(citybrain demo connections)"
    """
    import shlex

    path = home / "connections.json"
    if not path.exists():
        _fail(f"nothing serves {home}; start `citybrain demo serve --home {home}` first")
    for name, uri in json.loads(path.read_text()).items():
        typer.echo(f"export CITYBRAIN_CONN_{name.upper()}={shlex.quote(uri)}")


@app.command("advance")
def advance_command(
    day: Annotated[str, typer.Argument(help="the day whose end the clock is set to, such as 2026-07-01")],
    home: Annotated[Path, typer.Option(help="home of a city that is served")] = Path("var/departments/linlan"),
) -> None:
    """Let time pass in a served city: the next days' rows, files and answers.

    Example: citybrain demo advance 2026-07-01
    """
    _day(day)
    try:
        state = json.loads((home / "state.json").read_text())
        request = urllib.request.Request(
            f"http://127.0.0.1:{state['ports']['http']}/demo/clock?through={urllib.parse.quote(day)}",
            method="POST",
            headers={"Authorization": f"Bearer {state['control_token']}"},
        )
        with urllib.request.urlopen(request, timeout=600) as answer:
            typer.echo(f"the clock stands at the end of {json.load(answer)['through']}")
    except urllib.error.HTTPError as error:
        _fail(json.load(error).get("error", str(error)))
    except (OSError, KeyError):
        _fail(f"nothing serves {home}; start `citybrain demo serve --home {home}` first")


@app.command("day")
def day_command(
    day: Annotated[str, typer.Argument(help="the day, such as 2026-06-30")],
    into: Annotated[Path, typer.Option(help="folder that gets a sub folder for each department")],
    scale: Annotated[float, typer.Option(help="share of the city's people")] = 1.0,
    seed: Seed = 1,
    county: County = None,
    tables: Annotated[str, typer.Option(help="csv or parquet: how tables and APIs are written")] = "parquet",
    processes: Annotated[int, typer.Option(help="how many make it")] = 2,
    only: Only = None,
) -> None:
    """Write one day's deliveries of every source as files: files as they come, tables and APIs as CSV or Parquet.

    Example: citybrain demo day 2026-06-30 --scale 1 --into /tmp/day
    """
    from demo_city.systems.one_day import write_day

    if tables not in ("csv", "parquet"):
        _fail("--tables is csv or parquet")
    began = time.monotonic()
    total = 0
    for made in write_day(_day(day), into, seed=seed, scale=scale, county=county, tables=tables, processes=processes):
        total += made.rows_n
        rate = made.rows_n / max(made.seconds, 1e-9)
        typer.echo(
            f"{made.source}  {made.rows_n:>11,} rows  {made.seconds:>6.2f} s  {rate:>11,.0f} rows/s  {made.title}"
        )
    seconds = time.monotonic() - began
    typer.echo(f"all  {total:>11,} rows  {seconds:>6.2f} s  {total / seconds:>11,.0f} rows/s  in {into}")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        _fail(f"a day is written YYYY-MM-DD, not {text!r}")


def _sources(only: str | None) -> tuple[str, ...] | None:
    if only is None:
        return None
    from demo_city.departments import sources

    known, asked = {source.id for source in sources()}, tuple(only.split(","))
    if unknown := set(asked) - known:
        _fail(f"no source {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    return asked


def _fail(told: str) -> NoReturn:
    typer.echo(told, err=True)
    raise typer.Exit(2)
