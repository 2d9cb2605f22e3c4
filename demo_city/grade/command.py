"""``citybrain demo grade`` and ``citybrain demo truth``."""

from __future__ import annotations

import json
import time
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

HOME = Path("var/departments/linlan")

Home = Annotated[Path, typer.Option(help="home of the departments, as `demo serve` was told")]
Processes = Annotated[int, typer.Option(help="how many make the truth")]


def truth_command(home: Home = HOME, processes: Processes = 2) -> None:
    """Write what is true of a served city, up to the day its clock stands at, into HOME/truth.

    Example: citybrain demo truth
    """
    folder = _written(home, processes, anew=True)
    typer.echo(f"the truth is in {folder}")


def grade_command(
    home: Home = HOME,
    city: Annotated[str, typer.Option(help="id of the city whose lake is graded")] = "linlan",
    report: Annotated[Path | None, typer.Option("--json", help="file for the JSON; default: HOME/grade.json")] = None,
    processes: Processes = 2,
) -> None:
    """Compare a lake's published build and its quarantine with the truth: dirt planted, caught, missed, wrongly caught;
    indicators right, rightly marked incomplete, wrong; records of two registers linked to one enterprise.

    The truth is written first where it is not there, or is of another day. Exit status 1: something that could be
    caught was missed, an account does not fit, or more than 0.1 % of the good rows were caught.

    Example: citybrain demo grade
    """
    import os

    from demo_city.grade import report as reports
    from demo_city.grade.dirt import grade_dirt
    from demo_city.grade.indicators import grade_indicators
    from demo_city.grade.linkage import grade_linkage
    from demo_city.grade.product import read_product
    from demo_city.truth import read_truth
    from demo_city.world import World
    from lake.settings import Settings

    folder = _written(home, processes)
    settings = Settings.from_environment({**os.environ, "CITYBRAIN_CITY": city})
    with read_truth(folder) as truth:
        grade = grade_dirt(truth, read_product(settings, truth))
        (is_whole,) = truth.execute("SELECT count(*) > 0 FROM indicator").fetchone() or (False,)
        indicators = grade_indicators(truth, settings) if is_whole else []
        known = truth.execute("SELECT seed, scale, county FROM city").fetchone()
    linkage = grade_linkage(World(*known), settings) if is_whole and known else None
    reports.show(grade)
    reports.show_indicators(indicators)
    reports.show_linkage(linkage)
    path = report or home / "grade.json"
    reports.write_json(grade, indicators, path, linkage)
    typer.echo(f"all of it in {path}")
    if not reports.is_well(grade):
        raise typer.Exit(1)


def _written(home: Path, processes: int, *, anew: bool = False) -> Path:
    """The folder of the truth, written when it is not there or not of the day the departments' clock stands at."""
    from demo_city.days import Days
    from demo_city.departments import sources
    from demo_city.truth import read_truth, write_truth
    from demo_city.world import World

    state = _state(home)
    if not anew:
        try:
            with read_truth(home) as truth:
                known = truth.execute("SELECT seed, scale, county, first_on, last_on FROM city").fetchone()
        except FileNotFoundError:
            known = None
        if state is None and known is not None:
            return home
        if state is not None and known == state:
            return home
    if state is None:
        typer.echo(f"no city was ever served from {home}; start `citybrain demo serve --home {home}` first", err=True)
        raise typer.Exit(2)
    began = time.monotonic()
    seed, scale, county, first, last = state
    world, days, served = World(seed, scale, county), Days(first, last), _served(home)
    if served is None:
        folder = write_truth(world, days, home, processes=processes)
    else:
        # Indicators and leads are computed across sources; with some of them there is the dirt alone.
        own = [source for source in sources() if source.id in served]
        folder = write_truth(world, days, home, sources=own, indicators=(), leads=(), processes=processes)
    typer.echo(f"wrote the truth of {first} to {last} in {time.monotonic() - began:.1f} s")
    return folder


def _served(home: Path) -> list[str] | None:
    """Ids of the sources a home serves; None: all."""
    served: list[str] | None = json.loads((home / "state.json").read_text(encoding="utf-8"))["city"].get("only")
    return served


def _state(home: Path) -> tuple[int, float, str | None, date, date] | None:
    """Seed, scale, county, first and last day of a home; None where no city was served."""
    path = home / "state.json"
    if not path.exists():
        return None
    known = json.loads(path.read_text(encoding="utf-8"))
    city = known.get("city", known)
    return (
        city["seed"],
        city["scale"],
        city["county"],
        date.fromisoformat(city["first"]),
        date.fromisoformat(known["through"] or city["first"]),
    )
