"""Issue a brief: figure set → document → PDF, Word, HTML in one folder that appears at once or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from lake.boundary import boundary
from lake.briefs.charts import MAP_SIZE, draw
from lake.briefs.compose import check_numbers, compose
from lake.briefs.definition import Definition, city_briefs, definition_of, definitions
from lake.briefs.figures import FigureSet, FigureSetMaker, canonical, check_schema, content_digest
from lake.briefs.geometry import Shape, shapes_of
from lake.briefs.html import HtmlPress
from lake.briefs.pdf import PdfPress
from lake.briefs.published import Division, Published
from lake.briefs.thresholds import Thresholds, read_thresholds
from lake.briefs.windows import Period, period_for
from lake.briefs.word import print_word
from lake.errors import BriefRefused, Busy, told_when_full
from lake.ledger import Ledger, issued_event
from lake.settings import Settings

FIGURES, MANIFEST = "figures.json", "manifest.json"
LOCK_PATIENCE_S = 120.0
_SVG_TEXT = "<text[^>]*>([^<]*)</text>"


@dataclass(frozen=True)
class Issued:
    """An issue of a brief.

    Attributes:
        brief: such as ``B01``.
        period: folder name of the period, ``2023-04-03`` or ``2023-W13``.
        scope: division code.
        issue_no: 期号, counted per brief and scope.
        is_new: False when an issue of the same period already says the same; then nothing was written.
        folder: with figures.json, brief.pdf, brief.docx, brief.html, manifest.json.
    """

    brief: str
    period: str
    scope: str
    issue_no: int
    is_new: bool
    folder: Path


def brief_ids(settings: Settings) -> list[str]:
    """Ids of the briefs that have a definition."""
    return [definition.id for definition in definitions(settings.root / "briefs")]


def issue(
    brief_id: str,
    day: date,
    settings: Settings,
    *,
    scopes: Sequence[str] | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[Issued]:
    """Issue a brief for business day `day` from the published marts, for each scope.

    Args:
        brief_id: such as ``B01``.
        day: business day; a weekly brief is about the last week that ended on or before it.
        settings: where the published marts and the issues are.
        scopes: division codes; None = the city and each of its divisions.
        progress: called with a line of text before each scope.

    Raises:
        BriefRefused: the published build does not reach the day, a scope is unknown, a figure is missing, or a format
            has a number that no figure has.
        Busy: another process is issuing the same brief.
    """
    from filelock import FileLock, Timeout

    definition = definition_of(
        settings.root / "briefs", brief_id, city_briefs(settings.root / "briefs", settings.city).words
    )
    settings.issues.mkdir(parents=True, exist_ok=True)
    try:
        with told_when_full(day=day), FileLock(settings.issues / f".{brief_id}.lock", timeout=LOCK_PATIENCE_S):
            published = Published.open(settings)
            try:
                return _issue_all(definition, day, settings, published, scopes, say=progress or (lambda text: None))
            finally:
                published.close()
    except Timeout as error:
        raise Busy(f"{brief_id} is being issued by another process", remedy="wait for it", day=day) from error


def _issue_all(
    definition: Definition,
    day: date,
    settings: Settings,
    published: Published,
    scopes: Sequence[str] | None,
    *,
    say: Callable[[str], None],
) -> list[Issued]:
    if published.as_of < day:
        raise BriefRefused(
            f"the published build {published.build_id} is as of {published.as_of}, before the day asked for",
            day=day,
            remedy=f"run `citybrain marts build --as-of {day}` first",
        )
    unknown = [code for code in scopes or () if code not in published.divisions]
    if unknown:
        raise BriefRefused(f"no division {unknown[0]!r}", remedy="see core.dim_admin_division for the codes", day=day)
    period = period_for(definition.cadence, day)
    thresholds = read_thresholds(settings.root, period.last)
    city = city_briefs(settings.root / "briefs", settings.city)
    maker = FigureSetMaker(definition, city, thresholds, published, period)
    house = _House(definition, settings, thresholds, published)
    issued = []
    level = city.editions_to_level
    unasked = [code for code, each in published.divisions.items() if level is None or each.level_no <= level]
    for code in scopes or unasked:
        scope = published.divisions[code]
        say(f"{definition.id} {period.key} {scope.short_name_zh}")
        issued.append(house.issue(maker, scope, period))
        Ledger(settings).record([issued_event(issued[-1].folder, settings)])
    return issued


class _House:
    """The presses and the shelf of one brief's issues."""

    def __init__(
        self, definition: Definition, settings: Settings, thresholds: Thresholds, published: Published
    ) -> None:
        self.definition, self.settings, self.thresholds, self.published = definition, settings, thresholds, published
        self._shelf = settings.issues / definition.id
        self._presses: tuple[PdfPress, HtmlPress] | None = None
        self._shapes: dict[str, Shape] | None = None
        _sweep(settings.issues / ".incoming" / definition.id)

    def issue(self, maker: FigureSetMaker, scope: Division, period: Period) -> Issued:
        earlier = self._latest(scope)
        issue_no = 1 if earlier is None else int(earlier[1]["issue_no"]) + 1
        changed = [] if earlier is None else maker.restated(_figures_of(earlier[0]), scope)
        figure_set = maker.make(scope, issue_no, changed)
        check_schema(figure_set)
        same = self._same(scope, period, content_digest(figure_set))
        if same is not None:
            return Issued(self.definition.id, period.key, scope.code, int(same[1]["issue_no"]), False, same[0])
        files = self._print(figure_set, period)
        folder = self._put(figure_set, files, scope, period)
        return Issued(self.definition.id, period.key, scope.code, issue_no, True, folder)

    def _print(self, figure_set: FigureSet, period: Period) -> dict[str, bytes]:
        if self._presses is None:
            self._presses = PdfPress(self.settings.root), HtmlPress(self.settings.root)
        pdf, html = self._presses
        is_city = figure_set["scope"]["is_city"]
        charts = draw(figure_set, self.definition, self._map_shapes() if is_city else {})
        document = compose(figure_set, self.definition, self.thresholds, set(charts))
        for svg in charts.values():
            check_numbers(_texts_of(svg), figure_set)
        # The day of the files is the brief's own: an issue's bytes depend on nothing else.
        stamp = datetime.combine(period.last, time(), UTC)
        pictures = {name: pdf.picture(svg) for name, svg in charts.items()}
        return {
            FIGURES: canonical(figure_set),
            "brief.pdf": pdf.print(document, charts, stamp, self.definition.pages_max),
            "brief.docx": print_word(document, pictures, stamp),
            "brief.html": html.print(document, charts),
        }

    def _put(self, figure_set: FigureSet, files: dict[str, bytes], scope: Division, period: Period) -> Path:
        """Write beside, then rename: a reader sees a whole issue or none."""
        incoming = self.settings.issues / ".incoming" / self.definition.id / uuid.uuid4().hex
        incoming.mkdir(parents=True)
        manifest = {
            "brief": self.definition.id,
            "period": figure_set["period"],
            "scope": scope.code,
            "issue_no": figure_set["issue_no"],
            "build_id": self.published.build_id,
            "as_of": self.published.as_of.isoformat(),
            "template_version": self.definition.template_version,
            "figure_set_sha256": hashlib.sha256(files[FIGURES]).hexdigest(),
            "content_sha256": content_digest(figure_set),
            "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
            "issued_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        for name, content in [*files.items(), (MANIFEST, canonical(manifest))]:
            _write(incoming / name, content)
        boundary("issue.rendered")
        target = self._shelf / period.key / scope.code / f"issue-{figure_set['issue_no']}"
        target.parent.mkdir(parents=True, exist_ok=True)
        incoming.rename(target)
        _sync(target.parent)
        boundary("issue.renamed")
        return target

    def _latest(self, scope: Division) -> tuple[Path, dict[str, Any]] | None:
        """The issue of this brief and scope with the highest number, over all periods."""
        found = self._manifests(f"*/{scope.code}/issue-*/{MANIFEST}")
        return max(found, key=lambda each: int(each[1]["issue_no"]), default=None)

    def _same(self, scope: Division, period: Period, digest: str) -> tuple[Path, dict[str, Any]] | None:
        """The period's last issue, if it says the same."""
        found = self._manifests(f"{period.key}/{scope.code}/issue-*/{MANIFEST}")
        last = max(found, key=lambda each: int(each[1]["issue_no"]), default=None)
        return last if last and last[1]["content_sha256"] == digest else None

    def _manifests(self, pattern: str) -> list[tuple[Path, dict[str, Any]]]:
        return [
            (path.parent, json.loads(path.read_text(encoding="utf-8"))) for path in sorted(self._shelf.glob(pattern))
        ]

    def _map_shapes(self) -> dict[str, Shape]:
        if self._shapes is None:
            rows = self.published.rows(
                "SELECT division_code, geometry_geojson FROM core.dim_admin_division"
                " WHERE geometry_geojson IS NOT NULL AND parent_code IS NOT NULL ORDER BY division_code",
                {},
            )
            self._shapes = shapes_of(dict(rows), *MAP_SIZE)
        return self._shapes


def _figures_of(folder: Path) -> FigureSet:
    figures: FigureSet = json.loads((folder / FIGURES).read_text(encoding="utf-8"))
    return figures


def _texts_of(svg: str) -> list[str]:
    import re
    from html import unescape

    return [unescape(text) for text in re.findall(_SVG_TEXT, svg)]


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(incoming: Path) -> None:
    """What a killed process left half-written; the lock says nobody else is writing."""
    for left in incoming.glob("*"):
        shutil.rmtree(left)
