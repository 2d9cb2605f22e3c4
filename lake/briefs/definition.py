"""What a brief is made of, read from ``briefs/<id>_<name>/definition.yaml``; and what a city has to fill it with.

Code interprets; which figures, which SQL, which sections and which words stand in the files. Unknown keys are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lake.briefs.template import Slot, parse, walk
from lake.errors import ContractError

Scope = Literal["all", "city", "division"]
Clauses = list[str]
Model = TypeVar("Model", bound=BaseModel)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FigureDefinition(_Part):
    """One number of a brief.

    Attributes:
        id: what sentences and `trace` call it.
        indicator: indicator of the catalogue, such as ``I01``.
        title: template of its Chinese name.
        role: the source it needs; see `CityBriefs.roles`.
        kind: ``count``, ``measure`` or ``rate`` (per cent).
        window: ``period``, ``latest`` (last day the source has) or ``year_to_date``.
        headline: must appear in every format, is restated when it moves, and has a `check`.
        sql: one value for ``$scope, $first, $last, $previous, $weeks`` out of the marts; `$previous` is where the
            window before begins.
        band: mean and standard deviation of the windows like it.
        denominator: of a rate.
        compare: bases to compare with.
        run: look for windows in a row that moved the same way.
        breaks: days on which the indicator's meaning changed; numbers across one are not compared.
        check: the same value without the marts: ``role.<role>`` are the source's records over the pinned files.
    """

    id: str = Field(pattern="^[a-z][a-z0-9_]*$")
    indicator: str
    title: str
    role: str
    unit: str
    kind: Literal["count", "measure", "rate"] = "count"
    decimals: int = 0
    window: Literal["period", "latest", "year_to_date"] = "period"
    headline: bool = False
    sql: str
    band: str | None = None
    denominator: str | None = None
    compare: list[Literal["previous", "last_year"]] = []
    run: bool = False
    breaks: list[date] = []
    check: str | None = None


class SeriesDefinition(_Part):
    """Numbers over time for a chart: ``day_on, value, low_or_last_year, high`` by ``$scope, $first, $last``.

    Attributes:
        shape: ``band`` (value, expected, sigma a day) or ``ghost`` (value and last year's a week).
        legend: templates of what the lines are called.
        reach: threshold that says how many windows back.
    """

    id: str = Field(pattern="^[a-z][a-z0-9_]*$")
    title: str
    role: str
    unit: str
    shape: Literal["band", "ghost"]
    reach: str
    legend: list[str]
    sql: str


class RankingDefinition(_Part):
    """Names with numbers, largest first: ``key, name, value, previous [, area_km2]``, asked like a figure.

    Attributes:
        total: figure the shares are shares of.
        groups: SQL that counts what the total is divided into; for saying that something is concentrated.
        reach: threshold that says how many days back from the period's last day; None = the period.
        spans: True = all divisions, not cut to the top.
    """

    id: str = Field(pattern="^[a-z][a-z0-9_]*$")
    title: str
    role: str
    unit: str
    sql: str
    total: str | None = None
    groups: str | None = None
    reach: str | None = None
    spans: bool = False
    scope: Scope = "all"


class ChartDefinition(_Part):
    """A chart: ``trend`` and ``weeks`` of a series, ``bars`` and ``map`` of a ranking."""

    id: str = Field(pattern="^[a-z][a-z0-9_]*$")
    kind: Literal["trend", "weeks", "bars", "map"]
    of: str
    note: str | None = None
    scope: Scope = "all"


class PointDefinition(_Part):
    """A candidate for 要点: written when all of `when` hold; most serious `rank` first, then the one furthest out."""

    rank: Literal["deaths", "red_lead", "overdue", "weather", "trend", "state"]
    figure: str
    when: list[str] = []
    clauses: Clauses


class ActionDefinition(_Part):
    """A suggestion. It names who, until when and on what ground, and is written only when its trigger holds."""

    threshold: str
    owner: str
    when: list[str] = Field(min_length=1)
    clauses: Clauses


class TableDefinition(_Part):
    """A table of a ranking: headings and the entry's fields below them."""

    ranking: str
    headings: list[str]
    fields: list[Literal["rank", "name", "value", "share", "change", "density"]]


class SectionDefinition(_Part):
    """A section of the brief; it is left out when a role of `needs` has no source in the city or nothing is in it."""

    id: str
    title: str
    needs: list[str] = []
    scope: Scope = "all"
    points: list[PointDefinition] = []
    paragraphs: list[Clauses] = []
    chart: list[str] = []
    table: TableDefinition | None = None
    actions: list[ActionDefinition] = []


class AwaitedDefinition(_Part):
    """What the catalogue's layout has and a city without the role's source cannot have; said once in the data note."""

    role: str
    title: str


class _Document(_Part):
    id: str = Field(pattern="^B[0-9]{2}$")
    title: str
    template_version: str
    cadence: Literal["daily", "weekly"]
    pages_max: int
    window_word: str
    figures: list[FigureDefinition]
    series: list[SeriesDefinition] = []
    rankings: list[RankingDefinition] = []
    charts: list[ChartDefinition] = []
    sections: list[SectionDefinition]
    awaited: list[AwaitedDefinition] = []
    notes: list[Clauses] = []


class Definition(_Document):
    """A brief's definition and the file it was read from."""

    path: Path

    def thresholds(self) -> set[str]:
        """Names of the thresholds that its texts print or its conditions ask for."""
        names: set[str] = {action.threshold for section in self.sections for action in section.actions}
        nodes = [node for _, text in self.templates() for node in walk(parse(text))]
        names |= {node.arguments[0] for node in nodes if isinstance(node, Slot) and node.name == "t"}
        return names

    def figure(self, figure_id: str) -> FigureDefinition:
        """A figure by its id."""
        return next(figure for figure in self.figures if figure.id == figure_id)

    def names(self) -> dict[str, set[str]]:
        """Ids that a slot's argument may name, by kind."""
        return {
            "figure": {figure.id for figure in self.figures},
            "ranking": {ranking.id for ranking in self.rankings},
            "series": {series.id for series in self.series},
        }

    def templates(self) -> Iterator[tuple[str, str]]:
        """Every text of the definition that is printed, with its place in the file."""
        yield "title", self.title
        yield "window_word", self.window_word
        for kind in ("figures", "series", "rankings", "awaited"):
            for item in getattr(self, kind):
                name = getattr(item, "id", None) or item.role
                yield f"{kind}.{name}.title", item.title
                if kind != "awaited":
                    yield f"{kind}.{name}.unit", item.unit
        for series in self.series:
            for number, legend in enumerate(series.legend):
                yield f"series.{series.id}.legend.{number}", legend
        for chart in self.charts:
            yield f"charts.{chart.id}.note", chart.note or ""
        for number, note in enumerate(self.notes):
            yield from _numbered(f"notes.{number}", note)
        for section in self.sections:
            where = f"sections.{section.id}"
            yield f"{where}.title", section.title
            for number, point in enumerate(section.points):
                yield from _numbered(f"{where}.points.{number}", point.clauses)
            for number, paragraph in enumerate(section.paragraphs):
                yield from _numbered(f"{where}.paragraphs.{number}", paragraph)
            for number, action in enumerate(section.actions):
                yield from _numbered(f"{where}.actions.{number}", action.clauses)
            for number, heading in enumerate(section.table.headings if section.table else []):
                yield f"{where}.table.{number}", heading


class Role(_Part):
    """A source of the city in the part it plays in briefs.

    Attributes:
        dataset: dataset id.
        table: accepted table, as in the build's pins.
        name: how the brief calls it.
        owner: who is asked to act.
        records: SQL over ``lake.<table>`` that gives the role's records without the marts, for `check`. A record with
            an ``area_code`` is where that says when its coordinates lie in no division.
    """

    dataset: str
    table: str
    name: str
    owner: str
    records: str | None = None


class CityBriefs(_Part):
    """What a city has for its briefs: ``briefs/cities/<city>.yaml``.

    Attributes:
        editor: who puts the brief out.
        divisions: SQL over the accepted tables: ``division_code`` and ``geometry`` (GeoJSON), for checks of a part;
            with ``code`` beside them (any code that stands for the division, or that those of places within it begin
            with) where records name their ``area_code``.
        editions_to_level: level of the smallest divisions that get an edition unasked; None = all.
        words: the city's own words for some of the definitions'.
    """

    city: str
    editor: str
    divisions: str | None = None
    editions_to_level: int | None = None
    words: dict[str, str] = {}
    roles: dict[str, Role]


def definitions(briefs: Path) -> list[Definition]:
    """Every definition under a ``briefs/`` folder, by id.

    Raises:
        ContractError: one cannot be read; the cause names file and key.
    """
    found = [_definition(path) for path in sorted(briefs.glob("B*/definition.yaml"))]
    return sorted(found, key=lambda definition: definition.id)


def definition_of(briefs: Path, brief_id: str, words: Mapping[str, str] | None = None) -> Definition:
    """The definition of one brief.

    Args:
        briefs: the folder ``briefs/``.
        brief_id: its id.
        words: a city's own words for some that its texts have; the longest counts first.

    Raises:
        ContractError: there is none, or it cannot be read.
    """
    folders = sorted(briefs.glob(f"{brief_id}_*/definition.yaml"))
    if len(folders) != 1:
        raise ContractError(
            f"no brief {brief_id!r}", remedy="see `ls briefs/`; a brief is a folder <id>_<name> with a definition.yaml"
        )
    return _definition(folders[0], words or {})


def city_briefs(briefs: Path, city: str) -> CityBriefs:
    """What the city has for its briefs.

    Raises:
        ContractError: the file is missing or wrong.
    """
    path = briefs / "cities" / f"{city}.yaml"
    return _validated(path, CityBriefs, _read(path))


def _definition(path: Path, words: Mapping[str, str] | None = None) -> Definition:
    content = _in_words(_read(path), words or {})
    return _validated(path, Definition, {**content, "path": path})


def _in_words(content: Any, words: Mapping[str, str]) -> Any:
    """Texts with some words changed; SQL has none of them."""
    if isinstance(content, dict):
        return {key: _in_words(value, words) for key, value in content.items()}
    if isinstance(content, list):
        return [_in_words(value, words) for value in content]
    if not isinstance(content, str) or not words:
        return content
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return re.sub("|".join(map(re.escape, longest_first)), lambda found: words[found[0]], content)


def _read(path: Path) -> dict[str, Any]:
    import yaml

    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except (OSError, yaml.YAMLError) as error:
        raise ContractError(f"{path.name} of {path.parent.name} cannot be read: {error}", remedy="mend it") from error
    return content if isinstance(content, dict) else {}


def _validated(path: Path, model: type[Model], content: dict[str, Any]) -> Model:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ContractError(f"{path.parent.name}/{path.name}: {where}: {first['msg']}", remedy="mend it") from error


def _numbered(where: str, texts: list[str]) -> Iterator[tuple[str, str]]:
    for number, text in enumerate(texts):
        yield f"{where}.{number}", text
