"""The figures of the page ``docs/explanation/demo-city.md``: written by the city, not by hand.

``python -m demo_city.page`` writes the page's marked parts anew; with ``--volumes`` also the table of volumes, which
takes some minutes, for it makes every delivery at scale 1 once.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from demo_city.days import Days
from demo_city.departments.protocol import Api, Dataset, Files, Table
from demo_city.world import World

PAGE = Path("docs/explanation/demo-city.md")
LAST = date(2026, 6, 30)
"""Last day of the history that is served by default."""
HISTORY = Days(date(2025, 5, 27), LAST)
"""400 days."""
ONE_OF = {
    "day": LAST,
    "week": date(2026, 6, 29),
    "month": date(2026, 6, 1),
    "quarter": date(2026, 4, 1),
}
"""A day on which files of each rhythm are delivered, near the end of the history."""
_SERVERS = {"postgres": "PostgreSQL", "mariadb": "MariaDB"}
_RHYTHMS = {"day": "day", "week": "week", "month": "month", "quarter": "quarter"}


def counties(world: World) -> str:
    """The county-level units."""
    city = world.city
    rows = []
    for county_i in range(city.county.rows_n):
        own = city.township.where(city.township["county_i"] == county_i)
        sample = own.where(own["is_sample"])
        rows.append((
            city.county["code"][county_i],
            city.county["name_zh"][county_i],
            f"{city.county['population'][county_i] / 10_000:,.1f}",
            f"{city.county['area_km2'][county_i]:,.0f}",
            *(int((own["kind"] == kind).sum()) for kind in ("街道", "镇", "特殊区域")),
            f"{sample['name_zh'][0]} ({sample['population'][0]:,})",
        ))  # fmt: skip
    head = ("code", "unit", "people (10,000)", "km²", "街道", "镇", "special", "there at 0.01 (people)")
    return _table(head, rows, right=(2, 3, 4, 5, 6))


def volumes(small: World, large: World) -> str:
    """What each dataset delivers: rows a delivery at scale 0.01 (mean of 400 days) and at scale 1 (one delivery)."""
    from demo_city.departments import datasets

    rows, sums = [], np.zeros(2)
    for dataset in datasets():
        every = dataset.system.every if isinstance(dataset.system, Files) else "day"
        deliveries_n = len(np.unique(_periods(every)))
        day = ONE_OF[every]
        at_once = _rows_n(dataset, large, Days(day, day))
        mean = _rows_n(dataset, small, HISTORY) / deliveries_n
        sums += np.array([mean, at_once]) * (every == "day")
        rows.append((
            dataset.source,
            f"`{dataset.dataset}`",
            dataset.title,
            _system(dataset),
            _RHYTHMS[every],
            f"{mean:,.1f}" if mean < 10 else f"{mean:,.0f}",
            f"{at_once:,}",
            len(dataset.patterns),
        ))  # fmt: skip
    rows.append(("", "all that come daily", "", "", "day", f"{sums[0]:,.0f}", f"{sums[1]:,.0f}", ""))
    head = ("", "dataset", "", "as", "every", "rows, scale 0.01", "rows, scale 1", "kinds of dirt")
    return _table(head, rows, right=(5, 6, 7))


def scenarios() -> str:
    """The planned scenarios."""
    from demo_city.life.scenarios import PLANNED

    rows = [
        (kind, title, first if first == last else f"{first} – {last}", topic)
        for kind, title, first, last, topic, _ in sorted(PLANNED, key=lambda row: (row[2], row[0]))
    ]
    return _table(("kind", "", "days (±3)", "topic"), rows)


def chains(world: World) -> str:
    """The kinds of event that have precursors, and what leads to each."""
    from demo_city.life.chains import KINDS

    numbers = dict(zip(*np.unique(world.life.chains["kind"], return_counts=True), strict=True))
    rows = []
    for kind in KINDS:
        before: dict[str, list[str]] = {}
        for step in kind.steps:
            before.setdefault(step.source, []).append(f"{step.what} ({step.days[0]:g}–{step.days[1]:g} d)")
        led = "; ".join(f"{source} {', '.join(whats)}" for source, whats in sorted(before.items()))
        rows.append((kind.title_zh, kind.name, kind.recorder, f"{kind.per_100k:g}", numbers.get(kind.name, 0), led))
    head = ("event", "", "in", "a year per 100,000", "at 0.01, four years", "before it, at the same place")
    return _table(head, rows, right=(3, 4))


def write(parts: dict[str, str], page: Path = PAGE) -> None:
    """Put each part between its marks in the page.

    Raises:
        ValueError: the page has no such marks.
    """
    text = page.read_text(encoding="utf-8")
    for name, part in parts.items():
        marked = re.compile(rf"(<!-- {name}: [^>]*-->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        if not marked.search(text):
            raise ValueError(f"{page} has no place for {name!r}")
        text = marked.sub(lambda found, part=part: f"{found[1]}{part}\n{found[2]}", text)
    page.write_text(text, encoding="utf-8")


def _rows_n(dataset: Dataset, world: World, days: Days) -> int:
    return dataset.rows(world, days).table.num_rows


def _periods(every: str) -> Any:
    """For each day of the history the delivery it belongs to, as far as whole deliveries fall into it."""
    days = HISTORY.array
    if every == "week":
        return days[(days.astype(np.int64) + 3) % 7 == 0]
    if every == "day":
        return days
    first = days[days == days.astype("datetime64[M]").astype("datetime64[D]")]
    months = first.astype("datetime64[M]").astype(np.int64) % 12
    return first if every == "month" else first[months % 3 == 0]


def _system(dataset: Dataset) -> str:
    system = dataset.system
    if isinstance(system, Table):
        stands_for = f", for {system.stands_for}" if system.stands_for else ""
        return f"table in {_SERVERS[system.server]}{stands_for}"
    if isinstance(system, Api):
        return f"JSON API, by {system.dialect}"
    kind = system.pattern.rpartition("/")[2].partition(".")[2]
    return f"{kind} by {system.way}"


def _table(head: Iterable[Any], rows: Iterable[Iterable[Any]], right: tuple[int, ...] = ()) -> str:
    head = list(head)
    rule = ["---:" if number in right else "---" for number in range(len(head))]
    return "\n".join("| " + " | ".join(str(cell) for cell in row) + " |" for row in [head, rule, *rows])


def main() -> None:
    """Write the page's marked parts."""
    parser = argparse.ArgumentParser(description="Write the marked parts of docs/explanation/demo-city.md.")
    parser.add_argument("--volumes", action="store_true", help="also the volumes: some minutes")
    small = World()
    parts = {"counties": counties(small), "scenarios": scenarios(), "chains": chains(small)}
    if parser.parse_args().volumes:
        parts["volumes"] = volumes(small, World(scale=1.0))
    write(parts)


if __name__ == "__main__":
    main()
