"""Where a number of an issue comes from, and whether it can be had again without the marts (invariant 9)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from lake.briefs.definition import CityBriefs, Definition, FigureDefinition, Role, city_briefs, definition_of
from lake.briefs.figures import FigureSet
from lake.briefs.issuing import FIGURES, MANIFEST
from lake.briefs.published import with_literals
from lake.engine import connect, open_bucket, quote_identifier
from lake.errors import BriefRefused
from lake.settings import Settings


@dataclass(frozen=True)
class PinnedFile:
    """A Parquet file behind a number."""

    path: str
    day: date
    records: int


@dataclass(frozen=True)
class Trace:
    """Where a number comes from.

    Attributes:
        figure, title_zh: which number.
        value: as issued; None = it was late.
        text: as printed, with unit.
        sql: query on the published marts that gives it.
        check_sql: the same without the marts, over the pinned files; empty when the figure has no check.
        build_id: the build it was issued from.
        tables: accepted tables of its source.
        files: their pinned files.
    """

    figure: str
    title_zh: str
    value: float | None
    text: str
    sql: str
    check_sql: str
    build_id: str
    tables: tuple[str, ...]
    files: tuple[PinnedFile, ...]

    def as_dict(self) -> dict[str, Any]:
        """For printing and JSON."""
        return {
            **asdict(self),
            "tables": list(self.tables),
            "files": [{**asdict(file), "day": file.day.isoformat()} for file in self.files],
        }


@dataclass(frozen=True)
class Difference:
    """A headline figure that comes out differently from the pinned files."""

    figure: str
    issued: float | None
    recomputed: float | None


@dataclass(frozen=True)
class _Issue:
    folder: Path
    figure_set: FigureSet
    definition: Definition
    city: CityBriefs

    @property
    def build_id(self) -> str:
        return str(self.figure_set["build_id"])

    def role_of(self, figure: FigureDefinition) -> Role:
        return self.city.roles[figure.role]


def trace(settings: Settings, issue: Path | str, figure: str) -> Trace:
    """Where a figure of an issue comes from.

    Args:
        settings: home of the issue and its build.
        issue: issue folder, or its path below ``issues/`` such as ``B01/2023-04-03/4/issue-1``.
        figure: figure id, as in figures.json.

    Raises:
        BriefRefused: no such issue or figure, or the build's pins are gone.
    """
    opened = _open(settings, issue)
    record = next((each for each in opened.figure_set["figures"] if each["id"] == figure), None)
    if record is None:
        known = ", ".join(each["id"] for each in opened.figure_set["figures"])
        raise BriefRefused(f"the issue has no figure {figure!r}", remedy=f"it has: {known}")
    definition = opened.definition.figure(figure)
    role = opened.role_of(definition)
    pinned = _pins(settings, opened.build_id).tables[role.table]
    return Trace(
        figure=figure,
        title_zh=record["title_zh"],
        value=record["value"],
        text=record["text"] if record["value"] is None else f"{record['text']}{record['unit']}",
        sql=record["sql"],
        check_sql=_check_sql(definition, record) if definition.check else "",
        build_id=opened.build_id,
        tables=(role.table,),
        files=tuple(PinnedFile(file.path, file.day, file.records) for file in pinned.files),
    )


def verify(settings: Settings, issue: Path | str) -> list[Difference]:
    """Compute the issue's headline figures again from the files its build pinned; the marts are not read.

    Args:
        settings: home of the issue and its build.
        issue: as for `trace`.

    Raises:
        BriefRefused: no such issue, or the build's pins are gone.
    """
    opened = _open(settings, issue)
    checked = [
        (opened.definition.figure(record["id"]), record)
        for record in opened.figure_set["figures"]
        if opened.definition.figure(record["id"]).check and record["value"] is not None
    ]
    connection = connect(settings, extensions=("spatial",))
    try:
        _make_views(connection, settings, opened, {definition.role for definition, _ in checked})
        differences = []
        for definition, record in checked:
            found = connection.execute(_check_sql(definition, record)).fetchone()
            again = None if found is None or found[0] is None else Decimal(str(found[0]))
            if again is None or again != Decimal(str(record["value"])):
                recomputed = None if again is None else float(again)
                differences.append(Difference(record["id"], record["value"], recomputed))
        return differences
    finally:
        connection.close()


def _make_views(connection: Any, settings: Settings, opened: _Issue, roles: set[str]) -> None:
    """``lake.<table>`` over the pinned files, and ``role.<role>``: its records, and whether each is in scope."""
    from lake.marts.build import readable_files, view_sql

    connection.execute("CREATE SCHEMA lake")
    connection.execute("CREATE SCHEMA role")
    pins = _pins(settings, opened.build_id)
    open_bucket(connection, settings)
    for name, files in readable_files(settings, pins).items():
        if files:
            view = view_sql(pins.tables[name], files)
            connection.execute(f"CREATE VIEW lake.{quote_identifier(name)} AS {view}")
    scope = opened.figure_set["scope"]
    if not scope["is_city"]:
        if opened.city.divisions is None:
            raise BriefRefused(
                "the city does not say where its divisions are",
                remedy="give `divisions` in briefs/cities/, or verify the city's own edition",
            )
        connection.execute(
            "CREATE TABLE shapes AS SELECT * EXCLUDE (geometry), ST_GeomFromGeoJSON(geometry) AS shape"
            f" FROM ({opened.city.divisions})"
        )
        connection.execute("CREATE TABLE scope_shape AS SELECT * FROM shapes WHERE division_code = ?", [scope["code"]])
    for name in sorted(roles):
        records = opened.city.roles[name].records
        if records is None:
            raise BriefRefused(
                f"the city does not say what the records of {name} are",
                remedy="give the role's `records` in briefs/cities/",
            )
        in_scope = "true" if scope["is_city"] else _in_scope(connection, records)
        connection.execute(
            f"CREATE VIEW role.{quote_identifier(name)} AS SELECT *, {in_scope} AS in_scope FROM ({records}) AS record"
        )


def _in_scope(connection: Any, records: str) -> str:
    """SQL: a record lies in the scope; by its area code where its coordinates lie in no division."""
    point = "ST_Point(CAST(longitude AS DOUBLE), CAST(latitude AS DOUBLE))"
    within = f"coalesce((SELECT bool_or(ST_Contains(shape, {point})) FROM scope_shape), false)"
    columns = [row[0] for row in connection.execute(f"DESCRIBE {records}").fetchall()]
    if "area_code" not in columns:
        return within
    placed = f"coalesce((SELECT bool_or(ST_Contains(shape, {point})) FROM shapes), false)"
    named = "coalesce((SELECT bool_or(starts_with(record.area_code, code)) FROM scope_shape), false)"
    return f"{within} OR (NOT {placed} AND {named})"


def _check_sql(definition: FigureDefinition, record: dict[str, Any]) -> str:
    window = record["window"]
    return with_literals(
        definition.check or "",
        {
            "scope": record["scope"],
            "first": date.fromisoformat(window["first"]),
            "last": date.fromisoformat(window["last"]),
        },
    )


def _pins(settings: Settings, build_id: str) -> Any:
    from lake.marts import pins

    found = pins.read(settings.builds / build_id)
    if found is None:
        raise BriefRefused(
            f"the pins of build {build_id} are gone", remedy="upkeep keeps builds of issued briefs; restore the folder"
        )
    return found


def _open(settings: Settings, issue: Path | str) -> _Issue:
    folder = Path(issue)
    if not (folder / MANIFEST).is_file():
        folder = settings.issues / issue
    if not (folder / MANIFEST).is_file():
        raise BriefRefused(
            f"no issue at {issue}", remedy="give an issue folder: issues/<brief>/<period>/<scope>/issue-<n>"
        )
    figure_set: FigureSet = json.loads((folder / FIGURES).read_text(encoding="utf-8"))
    briefs = settings.root / "briefs"
    return _Issue(folder, figure_set, definition_of(briefs, figure_set["brief"]), city_briefs(briefs, settings.city))
