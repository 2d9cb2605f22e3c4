"""The figure set: every number of an issue, with its query, its comparisons and its words, before anything is laid out.

The set is plain JSON (``figure_set.schema.json``). Formats read nothing else, so a number cannot differ between them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from lake.briefs import prose
from lake.briefs.definition import (
    CityBriefs,
    Definition,
    FigureDefinition,
    RankingDefinition,
    Role,
    SectionDefinition,
    SeriesDefinition,
)
from lake.briefs.numbers import day_text, grouped, quantity, rate, rounded, share
from lake.briefs.published import Division, Freshness, Parameters, Published, decimals_of, with_literals
from lake.briefs.slots import phrase
from lake.briefs.thresholds import Thresholds
from lake.briefs.ticks import ticks
from lake.briefs.windows import DAY, WEEK_KIND, Period, last_year, previous, year_to_date
from lake.errors import BriefRefused

FigureSet = dict[str, Any]
MARKS = "①②③④⑤⑥⑦⑧⑨⑩"
NO_NUMBER = "未更新"
_NOT_CONTENT = ("issue_no", "build_id", "as_of", "cutoff_zh", "changed")
"""What may differ between two issues that say the same."""


class FigureSetMaker:
    """Makes figure sets of one brief out of one published build.

    Args:
        definition: of the brief.
        city: roles and names.
        thresholds: in force on the period's last day.
        published: the build.
        period: what the brief is about.
    """

    def __init__(
        self, definition: Definition, city: CityBriefs, thresholds: Thresholds, published: Published, period: Period
    ) -> None:
        self.definition, self.city, self.thresholds = definition, city, thresholds
        self.published, self.period = published, period
        self.roles = {name: role for name, role in city.roles.items() if role.dataset in published.freshness}
        used = dict.fromkeys(figure.role for figure in definition.figures if figure.role in self.roles)
        self._named = definition.thresholds()
        self.marks = {role: MARKS[number] for number, role in enumerate(used)}

    def make(self, scope: Division, issue_no: int, changed: Sequence[dict[str, Any]]) -> FigureSet:
        """The figure set of one scope.

        Raises:
            BriefRefused: a figure has no row, or nothing says why it has no number.
        """
        figures = [self.figure(each, scope) for each in self.definition.figures if each.role in self.roles]
        by_id = {figure["id"]: figure for figure in figures}
        sections = [section for section in self.definition.sections if self._is_here(section, scope)]
        charts = [
            chart
            for chart in self.definition.charts
            if _fits(chart.scope, scope) and any(chart.id in section.chart for section in sections)
        ]
        rankings = [
            self._ranking(each, scope, by_id)
            for each in self.definition.rankings
            if each.role in self.roles and _fits(each.scope, scope)
        ]
        drawn = {chart.of for chart in charts}
        return {
            "brief": self.definition.id,
            "title_zh": self._phrase(self.definition.title),
            "issue_no": issue_no,
            "period": _window(self.period, None) | {"long_label": self.period.long_label, "key": self.period.key},
            "scope": {
                "code": scope.code,
                "name_zh": scope.name_zh,
                "short_name_zh": scope.short_name_zh,
                "is_city": scope.is_city,
            },
            "city_zh": next(each.name_zh for each in self.published.divisions.values() if each.is_city),
            "editor_zh": self.city.editor,
            "build_id": self.published.build_id,
            "as_of": self.published.as_of.isoformat(),
            "cutoff_zh": f"{day_text(self.published.as_of)}24时",
            "due_zh": day_text(_workdays_after(self.period.last, self.thresholds.whole("action_days"))),
            "template_version": self.definition.template_version,
            "figures": figures,
            "series": [
                self._series(each, scope)
                for each in self.definition.series
                if each.role in self.roles and each.id in drawn
            ],
            "rankings": rankings,
            "thresholds": [
                {"id": each.id, "name": each.name, "value": _number(each.value), "text": each.text}
                for each in self.thresholds.all()
                if each.name in self._named
            ],
            "roles": {
                name: {"name_zh": role.name, "owner_zh": role.owner, "mark": self.marks.get(name, "")}
                for name, role in self.roles.items()
            },
            "notes": self._notes(figures),
            "changed": list(changed),
        }

    def figure(self, wanted: FigureDefinition, scope: Division) -> dict[str, Any]:
        """One figure with its comparisons and words."""
        window = self._window_of(wanted)
        late = self._late_text(self.roles[wanted.role], window)
        value = None if late else self._value(wanted, scope, window)
        record: dict[str, Any] = {
            "id": wanted.id,
            "indicator": wanted.indicator,
            "title_zh": self._phrase(wanted.title),
            "role": wanted.role,
            "mark": self.marks[wanted.role],
            "headline": wanted.headline,
            "kind": wanted.kind,
            "unit": wanted.unit,
            "decimals": wanted.decimals,
            "window": _window(window, self.period.last),
            "scope": scope.code,
            "value": _number(value),
            "text": late or f"{NO_NUMBER}（本期数据不全）",
            "band": None,
            "comparison": [],
            "judgement": "",
            "level": "",
            "run": "",
            "holiday": "",
            "sql": with_literals(wanted.sql, self._parameters(scope, window)),
        }
        if value is None:
            return record
        denominator = self._denominator(wanted, scope, window)
        band = self._band(wanted, scope, window)
        compared = self._comparisons(wanted, scope, window, value, band=band, denominator=denominator)
        return record | {
            **self._written(wanted, value, denominator),
            "band": band and {"expected": _number(band.expected), "sigma": _number(band.sigma)},
            "comparison": compared,
            "judgement": prose.judge(value, band, self.thresholds),
            "level": self._level(wanted, value, band, compared),
            "run": self._run(wanted, scope, window) if wanted.run else "",
            "holiday": self._holiday(window) if "previous" in wanted.compare else "",
        }

    def restated(self, earlier: FigureSet, scope: Division) -> list[dict[str, Any]]:
        """What the build now says about the period of an earlier issue, where it moved by more than `restated_pct`.

        A number that was late then and is there now is said too.
        """
        then = Period(
            earlier["period"]["kind"],
            date.fromisoformat(earlier["period"]["first"]),
            date.fromisoformat(earlier["period"]["last"]),
        )
        again = FigureSetMaker(self.definition, self.city, self.thresholds, self.published, then)
        issued = {figure["id"]: figure for figure in earlier["figures"] if figure["headline"]}
        changes: list[dict[str, Any]] = []
        for wanted in self.definition.figures:
            was = issued.get(wanted.id)
            if was is None or wanted.role not in again.roles:
                continue
            now = again.figure(wanted, scope)
            if now["value"] is not None and now["window"] == was["window"] and self._moved(was, now):
                changes.append(self._change(was, now))
        return changes

    def _change(self, was: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
        window = date.fromisoformat(now["window"]["first"]), date.fromisoformat(now["window"]["last"])
        label = Period(DAY, *window).label(self.period.last)
        before = was["text"] if was["value"] is None else f"{was['text']}{was['unit']}"
        return {
            "figure": now["id"],
            "title_zh": now["title_zh"],
            "period_label": label,
            "was": was["value"],
            "now": now["value"],
            "text": f"上期修订：{label}{now['title_zh']}由{before}改为{now['text']}{now['unit']}",
        }

    def _moved(self, was: dict[str, Any], now: dict[str, Any]) -> bool:
        if was["value"] is None:
            return True
        before, after = Decimal(str(was["value"])), Decimal(str(now["value"]))
        return abs(after - before) * 100 > self.thresholds.value("restated_pct") * abs(before)

    def _window_of(self, wanted: FigureDefinition) -> Period:
        if wanted.window == "year_to_date":
            return year_to_date(self._last_day_of(wanted.role))
        if wanted.window == "latest":
            last = self._last_day_of(wanted.role)
            return Period("latest", last, last)
        return self.period

    def _last_day_of(self, role: str) -> date:
        """Last day of the source, not after the period's."""
        last = self.published.freshness[self.roles[role].dataset].last_day_on
        return self.period.last if last is None else min(last, self.period.last)

    def _value(self, wanted: FigureDefinition, scope: Division, window: Period) -> Decimal | None:
        is_there, value = self.published.value(wanted.sql, self._parameters(scope, window))
        if not is_there:
            raise BriefRefused(
                f"{self.definition.id}: figure {wanted.id} of scope {scope.code} has no row in the published marts",
                day=window.last,
                dataset=self.roles[wanted.role].dataset,
                remedy="build and publish the marts for that day, or mend the figure's SQL in the definition",
            )
        return value

    def _written(self, wanted: FigureDefinition, value: Decimal, denominator: Decimal | None) -> dict[str, str]:
        """Text and unit; a rate of fewer than `small_denominator` is printed as the counts it is made of."""
        if wanted.kind != "rate":
            return {"text": quantity(value, wanted.decimals, self.thresholds), "unit": wanted.unit}
        if denominator is not None and denominator < self.thresholds.value("small_denominator"):
            part = rounded(value * denominator / 100, 0)
            return {"text": f"{grouped(denominator, 0)}件中{grouped(part, 0)}件", "unit": ""}
        return {"text": rate(value, wanted.decimals, self.thresholds), "unit": wanted.unit}

    def _denominator(self, wanted: FigureDefinition, scope: Division, window: Period) -> Decimal | None:
        if wanted.denominator is None:
            return None
        return self.published.value(wanted.denominator, self._parameters(scope, window))[1] or Decimal(0)

    def _band(self, wanted: FigureDefinition, scope: Division, window: Period) -> prose.Band | None:
        if wanted.band is None:
            return None
        rows = self.published.rows(wanted.band, self._parameters(scope, window))
        expected, sigma = decimals_of(rows[0][:2]) if rows else (None, None)
        # Of fewer than `small_count` a standard deviation says nothing: no verdict on a handful of cases.
        if expected is None or sigma is None or expected < self.thresholds.value("small_count"):
            return None
        return prose.Band(expected, sigma)

    def _comparisons(
        self,
        wanted: FigureDefinition,
        scope: Division,
        window: Period,
        value: Decimal,
        *,
        band: prose.Band | None,
        denominator: Decimal | None,
    ) -> list[dict[str, Any]]:
        compared = []
        for name in wanted.compare:
            basis = {"previous": prose.PREVIOUS, "last_year": prose.LAST_YEAR}[name]
            base_window = (
                previous(window)
                if name == "previous"
                else last_year(window, self.published.holiday_of, self.published.find_holiday)
            )
            if base_window is None:
                continue
            if any(base_window.last < day <= window.last for day in wanted.breaks):
                compared.append(_not_comparable(basis, base_window, self.period.last))
                continue
            base = self.published.value(wanted.sql, self._parameters(scope, base_window))[1]
            if base is None:
                continue
            base_denominator = self._denominator(wanted, scope, base_window)
            comparison = prose.compare(
                value,
                base,
                basis=basis,
                unit=wanted.unit,
                thresholds=self.thresholds,
                kind=wanted.kind,
                decimals=wanted.decimals,
                # The band says what is usual now; it qualifies the step from the window before, not from last year.
                band=band if name == "previous" else None,
                denominators=None
                if denominator is None or base_denominator is None
                else (denominator, base_denominator),
            )
            compared.append(
                {
                    "basis": basis,
                    "value": _number(base),
                    "base_text": quantity(base, wanted.decimals, self.thresholds),
                    "delta": _number(comparison.delta),
                    "delta_kind": comparison.delta_kind,
                    "verb": comparison.verb,
                    "amount": comparison.amount,
                    "text": comparison.text,
                    "window": _window(base_window, self.period.last),
                }
            )
        return compared

    def _level(
        self, wanted: FigureDefinition, value: Decimal, band: prose.Band | None, compared: list[dict[str, Any]]
    ) -> str:
        """``明显高于近8周同星期均值35.1件`` outside the band; inside it only where a large step wants explaining."""
        if band is None or (distance := band.distance(value)) is None:
            return ""
        like = f"近{self.thresholds['band_weeks'].text}{'同星期' if self.period.kind == DAY else '周'}"
        if abs(distance) <= self.thresholds.value("marked_sigma"):
            steps = [
                each["delta"]
                for each in compared
                if each["basis"] == prose.PREVIOUS and each["delta_kind"] == "pct" and each["verb"] != prose.FLAT
            ]
            notable = any(abs(Decimal(str(step))) >= self.thresholds.value("notable_pct") for step in steps)
            return f"属{like}正常范围" if notable else ""
        adverb = "大幅" if abs(distance) > self.thresholds.value("strong_sigma") else "明显"
        side = "高于" if distance > 0 else "低于"
        return f"{adverb}{side}{like}均值{grouped(band.expected, 1)}{wanted.unit}"

    def _run(self, wanted: FigureDefinition, scope: Division, window: Period) -> str:
        values: list[Decimal | None] = []
        for _ in range(self.thresholds.whole("trend_weeks")):
            values.append(self.published.value(wanted.sql, self._parameters(scope, window))[1])
            window = previous(window)
        return prose.run_text(
            prose.run_of(values, self.thresholds), self._phrase(self.definition.window_word), self.thresholds
        )

    def _holiday(self, window: Period) -> str:
        before = previous(window)
        names = self.published.holidays_in(before.first, window.last)
        return "、".join(names)

    def _series(self, wanted: SeriesDefinition, scope: Division) -> dict[str, Any]:
        reach = self.thresholds.whole(wanted.reach)
        first = (
            self.period.last - timedelta(days=reach - 1)
            if wanted.shape == "band"
            else self.period.first - timedelta(weeks=reach - 1)
        )
        parameters = self._parameters(scope, Period(self.period.kind, first, self.period.last))
        until = self._last_day_of(wanted.role)
        sigmas = self.thresholds.value("marked_sigma")
        points = []
        for day_on, *cells in self.published.rows(wanted.sql, parameters):
            value, second, third = (*decimals_of(cells), None)[:3]
            is_in = value is not None and day_on <= until
            points.append(
                {
                    "on": day_on.isoformat(),
                    "label": day_text(day_on),
                    "value": _number(value) if is_in else None,
                    "text": quantity(value, 0, self.thresholds) if is_in and value is not None else NO_NUMBER,
                    **(
                        _band_edges(second, third, sigmas) if wanted.shape == "band" else {"last_year": _number(second)}
                    ),
                }
            )
        highest = [
            Decimal(str(point[key]))
            for point in points
            for key in ("value", "high", "last_year")
            if point.get(key) is not None
        ]
        return {
            "id": wanted.id,
            "title_zh": self._phrase(wanted.title),
            "shape": wanted.shape,
            "unit": wanted.unit,
            "legend": [self._phrase(text) for text in wanted.legend],
            "points": points,
            "ticks": [
                {"value": _number(tick), "text": quantity(tick, 0, self.thresholds)}
                for tick in ticks(max(highest, default=Decimal(0)))
            ],
            "note": "" if until == self.period.last else f"{NO_NUMBER}（上次{day_text(until, self.period.last)}）",
            "sql": with_literals(wanted.sql, parameters),
        }

    def _ranking(self, wanted: RankingDefinition, scope: Division, figures: dict[str, Any]) -> dict[str, Any]:
        window = self.period
        if wanted.reach is not None:
            days = self.thresholds.whole(wanted.reach)
            window = Period(DAY, self.period.last - timedelta(days=days - 1), self.period.last)
        parameters = self._parameters(scope, window)
        late = self._late_text(self.roles[wanted.role], window)
        rows = [] if late else self.published.rows(wanted.sql, parameters)
        summed = sum((Decimal(str(row[2])) for row in rows), Decimal(0))
        given = figures[wanted.total]["value"] if wanted.total else None
        total = summed if given is None else Decimal(str(given))
        shown = rows if wanted.spans else rows[: self.thresholds.whole("top_max")]
        groups = len(rows)
        if wanted.groups and not late:
            groups = int(self.published.value(wanted.groups, parameters)[1] or 0)
        entries = [self._entry(number, row, wanted, total) for number, row in enumerate(shown, 1)]
        named = prose.concentration([(row[1], Decimal(str(row[2]))) for row in rows], total, groups, self.thresholds)
        return {
            "id": wanted.id,
            "title_zh": self._phrase(wanted.title, k=str(len(entries))),
            "unit": wanted.unit,
            "window": _window(window, self.period.last),
            "total": _number(total),
            "total_text": quantity(total, 0, self.thresholds),
            "late": late,
            "entries": entries,
            "focus": "" if named is None else f"主要集中在{'、'.join(named[0])}（合计占{grouped(named[1], 1)}%）",
            "map_min_text": self.thresholds["map_min_count"].text,
            "classes": _classes(entries, self.thresholds) if wanted.spans else [],
            "sql": with_literals(wanted.sql, parameters),
        }

    def _entry(self, number: int, row: tuple[Any, ...], wanted: RankingDefinition, total: Decimal) -> dict[str, Any]:
        key, name, *cells = row
        value, before, area = (*decimals_of(cells), None, None)[:3]
        value = value or Decimal(0)
        part = None if total < self.thresholds.value("small_denominator") else share(value, total)
        density = None if not area else rounded(value / area, 2)
        return {
            "key": str(key),
            "rank": str(number),
            "name": name,
            "value": _number(value),
            "text": quantity(value, 0, self.thresholds),
            "share": "" if part is None else f"{grouped(part, 2)}%",
            "previous": _number(before),
            "change": "" if before is None else short_change(value, before, wanted.unit, self.thresholds),
            "density": _number(density),
            "is_coloured": value >= self.thresholds.value("map_min_count"),
            "density_text": "" if density is None else grouped(density, 2),
        }

    def _notes(self, figures: list[dict[str, Any]]) -> dict[str, Any]:
        used = {figure["role"] for figure in figures}
        sources = []
        for name in self.marks:
            fresh = self.published.freshness[self.roles[name].dataset]
            sources.append(
                {
                    "mark": self.marks[name],
                    "dataset": fresh.dataset,
                    "title_zh": self.roles[name].name,
                    "last_day": fresh.last_day_on and min(fresh.last_day_on, self.period.last).isoformat(),
                }
            )
        absent = [self._phrase(each.title) for each in self.definition.awaited if each.role not in self.roles]
        holidays = dict.fromkeys(figure["holiday"] for figure in figures if figure["holiday"])
        return {
            "cutoff": f"数据截至{day_text(self.published.as_of)}24时",
            "sources": sources,
            "late": [self._late_note(name) for name in self.marks if name in used and self._is_short(name)],
            "held": [
                {"dataset": fresh.dataset, "title_zh": fresh.title_zh}
                for fresh in self.published.freshness.values()
                if fresh.state == "held"
            ],
            "warnings": self._warnings(),
            "absent": list(dict.fromkeys(absent)),
            "holidays": list(holidays),
            "sections": self._method(),
        }

    def _method(self) -> list[str]:
        texts = []
        for note in self.definition.notes:
            written = [self._phrase(clause) for clause in note]
            texts.append("，".join(written) + "。")
        return texts

    def _is_short(self, role: str) -> bool:
        fresh = self.published.freshness[self.roles[role].dataset]
        return fresh.is_late or fresh.last_day_on is None or fresh.last_day_on < self.period.last

    def _late_note(self, role: str) -> dict[str, Any]:
        fresh = self.published.freshness[self.roles[role].dataset]
        return {
            "dataset": fresh.dataset,
            "title_zh": self.roles[role].name,
            "overdue": fresh.is_late,
            "text": _late(fresh, self.period.last),
        }

    def _late_text(self, role: Role, window: Period) -> str:
        fresh = self.published.freshness[role.dataset]
        if fresh.last_day_on is not None and fresh.last_day_on >= window.last:
            return ""
        return _late(fresh, self.period.last)

    def _warnings(self) -> list[dict[str, Any]]:
        datasets = {role.dataset: role.name for name, role in self.roles.items() if name in self.marks}
        rows = self.published.rows(
            "SELECT dataset, check_id, any_value(reason), sum(failed_n) FROM about.warnings"
            " WHERE day BETWEEN $first AND $last GROUP BY dataset, check_id ORDER BY dataset, check_id",
            {"first": self.period.first, "last": self.period.last},
        )
        found = []
        for dataset, check_id, reason, count in rows:
            if dataset not in datasets:
                continue
            said = reason or check_id
            number = quantity(Decimal(str(count)), 0, self.thresholds)
            found.append(
                {
                    "dataset": dataset,
                    "title_zh": datasets[dataset],
                    "check_id": check_id,
                    "reason": said,
                    "count": int(count),
                    "text": f"{datasets[dataset]}“{said}”{number}条",
                }
            )
        return found

    def _is_here(self, section: SectionDefinition, scope: Division) -> bool:
        return _fits(section.scope, scope) and all(role in self.roles for role in section.needs)

    def _phrase(self, template: str, k: str = "") -> str:
        return phrase(template, self.thresholds, {name: role.name for name, role in self.roles.items()}, k)

    def _parameters(self, scope: Division, window: Period) -> Parameters:
        return {
            "scope": scope.code,
            "first": window.first,
            "last": window.last,
            "previous": previous(window).first,
            "top": self.thresholds.whole("top_max"),
            "weeks": self.thresholds.whole("band_weeks"),
        }


def short_change(value: Decimal, base: Decimal, unit: str, thresholds: Thresholds) -> str:
    """A change for a table's cell or a bar's end: ``+12.3%``, ``−8.0%``, ``由3增至5``, ``上期为0``."""
    if base == 0:
        return "—" if value == 0 else "上期为0"
    if base < thresholds.value("small_count"):
        if value == base:
            return "相同"
        written = [quantity(number, 0, thresholds) for number in (base, value)]
        return f"由{written[0]}{'增' if value > base else '减'}至{written[1]}"
    delta = rounded((value - base) * 100 / base, 1)
    if delta == 0:
        return "持平"
    return f"{'+' if delta > 0 else '−'}{grouped(abs(delta), 1)}%"


def content_digest(figure_set: FigureSet) -> str:
    """SHA-256 of what an issue says: number, build and cut-off do not count, nor what changed since the last."""
    content = {key: value for key, value in figure_set.items() if key not in _NOT_CONTENT}
    content["notes"] = {key: value for key, value in figure_set["notes"].items() if key != "cutoff"}
    return hashlib.sha256(canonical(content)).hexdigest()


def canonical(content: Any) -> bytes:
    """JSON of one form: keys sorted, Chinese as it is, a newline at the end."""
    return (json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()


def check_schema(figure_set: FigureSet) -> None:
    """Hold a figure set against its schema.

    Raises:
        BriefRefused: it does not fit; the cause names the place.
    """
    errors = sorted(_validator().iter_errors(figure_set), key=lambda error: list(map(str, error.path)))
    if errors:
        where = ".".join(str(part) for part in errors[0].path)
        raise BriefRefused(
            f"the figure set does not fit its schema at {where or 'its root'} ({errors[0].validator})",
            remedy="mend lake.briefs.figures or figure_set.schema.json",
        )


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    schema = json.loads(Path(__file__).with_name("figure_set.schema.json").read_text(encoding="utf-8"))
    return Draft202012Validator(schema)


def _fits(wanted: str, scope: Division) -> bool:
    return wanted == "all" or (wanted == "city") == scope.is_city


def _window(window: Period, seen_from: date | None) -> dict[str, str]:
    return {
        "kind": window.kind,
        "first": window.first.isoformat(),
        "last": window.last.isoformat(),
        "label": window.label(seen_from),
    }


def _late(fresh: Freshness, seen_from: date) -> str:
    if fresh.last_day_on is None:
        return f"{NO_NUMBER}（从未报送）"
    return f"{NO_NUMBER}（上次{day_text(fresh.last_day_on, seen_from)}）"


def _workdays_after(day: date, count: int) -> date:
    """Monday to Friday; holidays of the coming days may not be published yet."""
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day


def _number(value: Decimal | None) -> int | float | None:
    """A number for JSON: whole ones as such, others to four decimals."""
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(rounded(value, 4))


def _band_edges(expected: Decimal | None, sigma: Decimal | None, sigmas: Decimal) -> dict[str, Any]:
    if expected is None or sigma is None:
        return {"expected": None, "low": None, "high": None}
    return {
        "expected": _number(expected),
        "low": _number(max(Decimal(0), expected - sigmas * sigma)),
        "high": _number(expected + sigmas * sigma),
    }


def _not_comparable(basis: str, window: Period, seen_from: date) -> dict[str, Any]:
    return {
        "basis": basis,
        "value": None,
        "base_text": "",
        "delta": None,
        "delta_kind": "none",
        "verb": "",
        "amount": "",
        "text": f"{basis}口径调整，不可比",
        "window": _window(window, seen_from),
    }


def _classes(entries: list[dict[str, Any]], thresholds: Thresholds) -> list[dict[str, Any]]:
    """Classes of a map's colour: densities of the coloured places in up to four groups of like size."""
    least = thresholds.value("map_min_count")
    densities = sorted(
        Decimal(str(entry["density"])) for entry in entries if entry["density"] is not None and entry["value"] >= least
    )
    if not densities:
        return []
    groups = min(4, len(set(densities)))
    bounds = [densities[len(densities) * number // groups] for number in range(groups)] + [densities[-1]]
    return [
        {"from": _number(low), "to": _number(high), "text": f"{grouped(low, 2)}—{grouped(high, 2)}"}
        for low, high in pairwise(bounds)
    ]


__all__ = ["DAY", "WEEK_KIND", "FigureSet", "FigureSetMaker", "canonical", "check_schema", "content_digest"]
