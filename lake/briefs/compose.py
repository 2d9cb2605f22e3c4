"""Figure set and definition → the document all formats lay out: blocks of finished text, tables and charts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from lake.briefs.definition import ActionDefinition, Definition, PointDefinition, SectionDefinition
from lake.briefs.figures import FigureSet
from lake.briefs.prose import sentences
from lake.briefs.slots import Slots
from lake.briefs.thresholds import Thresholds
from lake.errors import BriefRefused

_RANKS = ("deaths", "red_lead", "overdue", "weather", "trend", "state")
_ORDINALS = "一二三四五六七八九十"
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
"""A number as it is printed; commas group thousands."""


@dataclass(frozen=True)
class Table:
    """A table: headings, rows, and which columns hold numbers."""

    title: str
    headings: list[str]
    rows: list[list[str]]
    numeric: list[bool]


@dataclass(frozen=True)
class Block:
    """A piece of a section: ``points`` and ``paragraph`` of text, ``table``, or ``chart`` by its id."""

    kind: str
    texts: list[str] = field(default_factory=list)
    table: Table | None = None
    chart: str = ""
    title: str = ""


@dataclass(frozen=True)
class Section:
    """A numbered section."""

    heading: str
    blocks: list[Block]


@dataclass(frozen=True)
class Document:
    """What every format prints, and nothing else.

    Attributes:
        title: ``皇后区城市运行日报``.
        subtitle: the part of the city an edition is for; empty for the city's own.
        issue: ``第3期``.
        period, cutoff, editor: line under the title.
    """

    title: str
    subtitle: str
    issue: str
    period: str
    cutoff: str
    editor: str
    sections: list[Section]
    notes: list[str]

    def texts(self) -> Iterator[str]:
        """Every text of the document."""
        yield from (self.title, self.subtitle, self.issue, self.period, self.cutoff, self.editor)
        for section in self.sections:
            yield section.heading
            for block in section.blocks:
                yield block.title
                yield from block.texts
                if block.table:
                    yield block.table.title
                    yield from block.table.headings
                    for row in block.table.rows:
                        yield from row
        yield from self.notes


def compose(figure_set: FigureSet, definition: Definition, thresholds: Thresholds, drawn: set[str]) -> Document:
    """Fill the definition's templates from a figure set; `drawn` are the charts there are.

    Raises:
        BriefRefused: a number of the text does not stand in the figure set.
    """
    slots = Slots(figure_set, thresholds)
    roles = figure_set["roles"]
    sections: list[Section] = []
    for section in definition.sections:
        wanted = "city" if figure_set["scope"]["is_city"] else "division"
        if section.scope not in ("all", wanted) or any(role not in roles for role in section.needs):
            continue
        blocks = list(_blocks(section, figure_set, definition, thresholds, slots=slots, drawn=drawn))
        if blocks:
            sections.append(Section(f"{_ORDINALS[len(sections)]}、{slots.fill(section.title)}", blocks))
    document = Document(
        title=f"{figure_set['city_zh']}{figure_set['title_zh']}",
        subtitle="" if figure_set["scope"]["is_city"] else figure_set["scope"]["name_zh"],
        issue=f"第{figure_set['issue_no']}期",
        period=figure_set["period"]["long_label"],
        cutoff=f"数据截至{figure_set['cutoff_zh']}",
        editor=figure_set["editor_zh"],
        sections=sections,
        notes=_notes(figure_set),
    )
    check_numbers(document.texts(), figure_set)
    return document


def check_numbers(texts: Iterator[str] | list[str], figure_set: FigureSet) -> None:
    """Hold every number of some texts against the figure set.

    Raises:
        BriefRefused: one is not in it.
    """
    allowed = numbers_of(figure_set)
    for text in texts:
        for number in numbers_in(text):
            if number not in allowed:
                raise BriefRefused(
                    f"{figure_set['brief']}: the number {number} in {text[:40]!r} stands in no figure",
                    day=figure_set["period"]["last"],
                    remedy="let a slot produce it",
                )


def numbers_in(text: str) -> list[str]:
    """Printed numbers without their commas."""
    return [match.group().replace(",", "") for match in NUMBER.finditer(text)]


def numbers_of(figure_set: FigureSet) -> set[str]:
    """Every number a figure set has as text; raw values, queries and ids do not count."""
    found: set[str] = set()

    def look(node: Any) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                if key not in (
                    "sql",
                    "build_id",
                    "as_of",
                    "check_id",
                    "dataset",
                    "on",
                    "first",
                    "last",
                    "key",
                    "last_day",
                ):
                    look(value)
        elif isinstance(node, list):
            for value in node:
                look(value)
        elif isinstance(node, str):
            found.update(numbers_in(node))

    look(figure_set)
    found.add(str(figure_set["issue_no"]))
    found.update(numbers_in(figure_set["period"]["long_label"]))
    return found


def _blocks(
    section: SectionDefinition,
    figure_set: FigureSet,
    definition: Definition,
    thresholds: Thresholds,
    *,
    slots: Slots,
    drawn: set[str],
) -> Iterator[Block]:
    points = _points(section.points, figure_set, thresholds, slots)
    if points:
        yield Block("points", texts=points)
    paragraphs = [text for clauses in section.paragraphs if (text := _text(clauses, slots, thresholds))]
    if paragraphs:
        yield Block("paragraph", texts=paragraphs)
    rankings = {ranking["id"]: ranking for ranking in figure_set["rankings"]}
    series = {each["id"]: each for each in figure_set["series"]}
    for chart in definition.charts:
        source = rankings.get(chart.of) or series.get(chart.of)
        if source and chart.id in section.chart and chart.id in drawn:
            yield Block("chart", chart=chart.id, title=source["title_zh"])
    if section.table and (ranking := rankings.get(section.table.ranking)) and ranking["entries"]:
        entries = slots.entries(ranking["id"])
        fields = section.table.fields
        yield Block(
            "table",
            table=Table(
                title=f"{ranking['title_zh']}",
                headings=[slots.fill(heading) or "" for heading in section.table.headings],
                rows=[[entry[name] for name in fields] for entry in entries],
                numeric=[name not in ("name", "rank") for name in fields],
            ),
        )
    actions = [text for action in section.actions if (text := _action(action, figure_set, thresholds))]
    if actions:
        yield Block("paragraph", texts=actions)


def _points(
    candidates: list[PointDefinition], figure_set: FigureSet, thresholds: Thresholds, slots: Slots
) -> list[str]:
    """At most `points_max` points, most serious first; within a rank the figure furthest out of its band."""
    found: list[tuple[int, Decimal, int, str]] = []
    for order, point in enumerate(candidates):
        if not all(slots.holds(condition) for condition in point.when):
            continue
        if text := _text(point.clauses, slots, thresholds):
            found.append((_RANKS.index(point.rank), -_distance(slots.figure(point.figure)), order, text))
    return [text for *_, text in sorted(found)[: thresholds.whole("points_max")]]


def _distance(figure: Any) -> Decimal:
    band = figure and figure["band"]
    if not band or not band["sigma"]:
        return Decimal(0)
    value, expected, sigma = (Decimal(str(number)) for number in (figure["value"], band["expected"], band["sigma"]))
    return abs(value - expected) / sigma


def _text(clauses: list[str], slots: Slots, thresholds: Thresholds) -> str:
    """Clauses as sentences. Without its first clause a text has no subject, so then it is not written."""
    written = [slots.fill(clause) for clause in clauses]
    return sentences(written, thresholds) if written and written[0] else ""


def _action(action: ActionDefinition, figure_set: FigureSet, thresholds: Thresholds) -> str:
    threshold = thresholds[action.threshold]
    owner = figure_set["roles"].get(action.owner)
    slots = Slots(
        figure_set,
        thresholds,
        {
            "asked": lambda *_: owner and owner["owner_zh"],
            "due": lambda *_: figure_set["due_zh"],
            "basis": lambda *_: f"{threshold.id}（{threshold.text}）",
        },
    )
    if not all(slots.holds(condition) for condition in action.when):
        return ""
    return _text(action.clauses, slots, thresholds)


def _notes(figure_set: FigureSet) -> list[str]:
    """The data note: cut-off, sources, what is late, held, warned of, absent, restated."""
    notes = figure_set["notes"]
    lines = ["；".join([notes["cutoff"], f"来源：{_listed(notes['sources'])}"]) + "。"]
    if notes["late"]:
        lines.append("；".join(f"{note['title_zh']}{note['text']}" for note in notes["late"]) + "。")
    if notes["held"]:
        lines.append(f"暂扣待核：{'、'.join(note['title_zh'] for note in notes['held'])}。")
    if notes["warnings"]:
        lines.append(f"数据提醒：{'；'.join(note['text'] for note in notes['warnings'])}。")
    if notes["holidays"]:
        lines.append(f"受{'、'.join(notes['holidays'])}假期影响的环比以同比代替。")
    if notes["absent"]:
        lines.append(f"尚未接入本报：{'、'.join(notes['absent'])}。")
    lines += [f"{change['text']}。" for change in figure_set["changed"]]
    return lines + list(notes["sections"])


def _listed(sources: list[dict[str, Any]]) -> str:
    return "".join(f"{source['mark']}{source['title_zh']}" for source in sources)
