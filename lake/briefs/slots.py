"""What the slots of a brief's sentences return. All of it is looked up in the figure set; nothing is computed here.

A slot gives None when it has nothing to say, and the clause around it is then not written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lake.briefs.template import Entry, SlotFunction, Text, call, parse, render
from lake.briefs.thresholds import Thresholds

SLOT_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "n": ("figure",),
    "bare": ("figure",),
    "title": ("figure",),
    "change": ("figure",),
    "year": ("figure",),
    "verb": ("figure",),
    "pct": ("figure",),
    "pp": ("figure",),
    "judge": ("figure",),
    "level": ("figure",),
    "run": ("figure",),
    "ci": ("figure",),
    "on": ("figure",),
    "known": ("figure",),
    "late": ("figure",),
    "outside": ("figure",),
    "above": ("figure",),
    "some": ("figure",),
    "reaches": ("figure", "threshold"),
    "with": ("figure", "figure", "threshold"),
    "focus": ("ranking",),
    "top": ("ranking",),
    "t": ("threshold",),
    "role": ("role",),
    "src": ("role",),
    "owner": ("role",),
    "period": (),
    "place": (),
    "city": (),
    "cutoff": (),
    "due": (),
    "asked": (),
    "basis": (),
    "missing": (),
    "missing_src": (),
}
"""Slots and the kinds of their arguments; the lint holds templates against it."""

_OUTSIDE = ("明显", "大幅")


def phrase(template: str, thresholds: Thresholds, roles: Mapping[str, str], k: str = "") -> str:
    """A title or a note: only thresholds, roles and the length of a ranking can stand in it."""
    slots: dict[str, SlotFunction] = {
        "t": lambda name: thresholds[name].text,
        "role": lambda name: roles.get(name, ""),
        "k": lambda *_: k,
    }
    return render(parse(template), slots, lambda _: ()) or ""


class Slots:
    """Slots over one figure set.

    Args:
        figure_set: as in ``figures.json``.
        thresholds: in force.
        extra: slots of the moment, such as a suggestion's owner and due day.
    """

    def __init__(
        self, figure_set: Mapping[str, Any], thresholds: Thresholds, extra: Mapping[str, SlotFunction] | None = None
    ) -> None:
        self._set = figure_set
        self._figures = {figure["id"]: figure for figure in figure_set["figures"]}
        self._rankings = {ranking["id"]: ranking for ranking in figure_set["rankings"]}
        self._thresholds = thresholds
        self.functions: dict[str, SlotFunction] = {
            name: getattr(self, f"_{name}") for name in SLOT_ARGUMENTS if hasattr(self, f"_{name}")
        }
        self.functions.update(extra or {})

    def fill(self, template: str) -> Text:
        """A template's text, or None when one of its slots has nothing to say."""
        return render(parse(template), self.functions, self.entries)

    def holds(self, condition: str) -> bool:
        """Whether a condition, written like a slot, has something to say; a leading ``not `` turns it round."""
        if condition.startswith("not "):
            return not call(condition.removeprefix("not "), self.functions)
        return bool(call(condition, self.functions))

    def entries(self, ranking: str) -> Sequence[Entry]:
        """Entries of a ranking as texts."""
        found = self._rankings.get(ranking)
        if found is None:
            return ()
        return [
            {
                "rank": entry["rank"],
                "name": entry["name"],
                "value": f"{entry['text']}{found['unit']}",
                "share": entry["share"] or "—",
                "change": entry["change"],
                "density": entry["density_text"],
            }
            for entry in found["entries"]
        ]

    def figure(self, figure_id: str) -> Mapping[str, Any] | None:
        """A figure, if the city has its source."""
        return self._figures.get(figure_id)

    def _n(self, figure: str) -> Text:
        found = self.figure(figure)
        if found is None:
            return None
        return f"{found['text']}{found['unit']}" if found["value"] is not None else str(found["text"])

    def _bare(self, figure: str) -> Text:
        found = self.figure(figure)
        return str(found["text"]) if found and found["value"] is not None else None

    def _title(self, figure: str) -> Text:
        found = self.figure(figure)
        return str(found["title_zh"]) if found else None

    def _change(self, figure: str) -> Text:
        """环比; beside a holiday it would mislead, so the holiday is named and 同比 stands in."""
        found = self.figure(figure)
        if found is None or found["value"] is None:
            return None
        if found["holiday"] and self._compared(figure, "环比"):
            year = self._compared(figure, "同比")
            note = f"受{found['holiday']}假期影响，环比不列"
            return f"{note}，{year['text']}" if year and year["text"] else note
        comparison = self._compared(figure, "环比")
        return (comparison["text"] or None) if comparison else None

    def _year(self, figure: str) -> Text:
        found = self.figure(figure)
        if found and found["holiday"] and self._compared(figure, "环比"):
            return None  # already said in place of 环比
        comparison = self._compared(figure, "同比")
        return (comparison["text"] or None) if comparison else None

    def _verb(self, figure: str) -> Text:
        comparison = self._compared(figure, "环比")
        return f"环比{comparison['verb']}" if comparison and comparison["verb"] else self._change(figure)

    def _pct(self, figure: str) -> Text:
        comparison = self._compared(figure, "环比")
        return comparison["amount"] if comparison else ""

    def _pp(self, figure: str) -> Text:
        return self._change(figure)

    def _judge(self, figure: str) -> Text:
        found = self.figure(figure)
        return (found["judgement"] or None) if found else None

    def _level(self, figure: str) -> Text:
        found = self.figure(figure)
        return (found["level"] or None) if found else None

    def _run(self, figure: str) -> Text:
        found = self.figure(figure)
        return (found["run"] or None) if found else None

    def _ci(self, figure: str) -> Text:
        found = self.figure(figure)
        interval = found.get("interval") if found else None
        return f"{interval['confidence']}区间{interval['text']}" if interval else None

    def _on(self, figure: str) -> Text:
        found = self.figure(figure)
        return str(found["window"]["label"]) if found else None

    def _known(self, figure: str) -> Text:
        found = self.figure(figure)
        return "known" if found and found["value"] is not None else None

    def _late(self, figure: str) -> Text:
        found = self.figure(figure)
        return str(found["text"]) if found and found["value"] is None else None

    def _outside(self, figure: str) -> Text:
        found = self.figure(figure)
        return "outside" if found and found["judgement"].startswith(_OUTSIDE) else None

    def _above(self, figure: str) -> Text:
        found = self.figure(figure)
        return "above" if self._outside(figure) and found and found["value"] > found["band"]["expected"] else None

    def _some(self, figure: str) -> Text:
        found = self.figure(figure)
        return "some" if found and found["value"] else None

    def _reaches(self, figure: str, threshold: str) -> Text:
        found = self.figure(figure)
        if found is None or found["value"] is None:
            return None
        return "reaches" if found["value"] >= self._thresholds.value(threshold) else None

    def _with(self, figure: str, other: str, threshold: str) -> Text:
        """``与降水量（31.2毫米）同期出现``: an association, said only when both are out of the ordinary."""
        found = self.figure(other)
        if found is None or not self._outside(figure) or not self._reaches(other, threshold):
            return None
        return f"与{found['title_zh']}（{found['text']}{found['unit']}）同期出现"

    def _focus(self, ranking: str) -> Text:
        found = self._rankings.get(ranking)
        return (found["focus"] or None) if found else None

    def _top(self, ranking: str) -> Text:
        """The first names with their numbers, joined."""
        named = [
            f"{entry['name']}{entry['text']}{self._rankings[ranking]['unit']}"
            for entry in (self._rankings.get(ranking) or {"entries": []})["entries"]
            if entry["value"]
        ]
        return "、".join(named[: self._thresholds.whole("top_named")]) or None

    def _t(self, threshold: str) -> Text:
        return self._thresholds[threshold].text

    def _role(self, role: str) -> Text:
        found = self._set["roles"].get(role)
        return str(found["name_zh"]) if found else None

    def _src(self, role: str) -> Text:
        found = self._set["roles"].get(role)
        return str(found["mark"]) if found else None

    def _owner(self, role: str) -> Text:
        found = self._set["roles"].get(role)
        return str(found["owner_zh"]) if found else None

    def _period(self) -> Text:
        return str(self._set["period"]["label"])

    def _place(self) -> Text:
        return str(self._set["scope"]["short_name_zh"])

    def _city(self) -> Text:
        return str(self._set["city_zh"])

    def _cutoff(self) -> Text:
        return str(self._set["cutoff_zh"])

    def _missing(self) -> Text:
        return "missing" if self._set["notes"]["late"] else None

    def _missing_src(self) -> Text:
        return "、".join(note["title_zh"] for note in self._set["notes"]["late"]) or None

    def _compared(self, figure: str, basis: str) -> Mapping[str, Any] | None:
        found = self.figure(figure)
        if found is None or found["value"] is None:
            return None
        return next((each for each in found["comparison"] if each["basis"] == basis), None)
