"""What others may follow: lineage by OpenLineage, metrics by StatsD and OpenTelemetry, all projected from the ledger.

Nothing in a load, a build or a brief sends anything. A look at the ledger, now and then, passes on what is new since
the last one; each receiver has a cursor of its own, and one that is away is sent the same again next time.

``OPENLINEAGE_URL`` (``OPENLINEAGE_API_KEY``), ``CITYBRAIN_OPENLINEAGE_FILE``: lineage, by HTTP or to a file.
``CITYBRAIN_STATSD=host:port``: metrics by UDP. ``OTEL_EXPORTER_OTLP_ENDPOINT``: metrics by OTLP over HTTP.
None is set by default.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lake.contracts import load_contracts
from lake.ledger import COMMITTED, HELD, ISSUED, PUBLISHED, Event, Ledger
from lake.settings import Settings
from lake.watch import lineage, metrics
from lake.watch.freshness import freshness

EMITTED = (COMMITTED, HELD, PUBLISHED, ISSUED)
LATECOMERS = timedelta(days=7)
"""An event may get into the ledger after later ones: a killed load is brought to its end by the next. So long the ids
of what was sent are kept, and what is not among them is sent."""


@dataclass
class Emitted:
    """What was passed on.

    Attributes:
        events: ledger events, over all receivers.
        failed: receivers that were away, with the kind of error. Nothing else suffers from that.
    """

    events: int = 0
    failed: list[str] = field(default_factory=list)


def emit(settings: Settings, *, since: datetime | None = None, now: datetime | None = None) -> Emitted:
    """Pass on what is new, to every receiver that is configured.

    Args:
        settings: the home; its environment names the receivers.
        since: send lineage from this instant on again; ids are derived from the events, so a receiver knows them.
            Counts are not sent again, for they would count twice.
        now: the clock's when left out.
    """
    done, at = Emitted(), now or datetime.now(UTC)
    receivers: list[tuple[str, Callable[[Sequence[Event]], None], bool]] = [
        *((name, send, True) for name, send in lineage.receivers(settings)),
        *((name, send, False) for name, send in metrics.receivers(settings, lambda: _gauges(settings, at))),
    ]
    if not receivers:
        return done
    ledger = Ledger(settings)
    events = [event for event in ledger.events() if event.kind in EMITTED]
    for name, send, is_repeatable in receivers:
        cursor = _Cursor.read(settings, name)
        if cursor is None and not is_repeatable:
            new: list[Event] = []  # metrics begin now: a year's loads did not happen this minute
        elif since is not None and is_repeatable:
            # What never went out goes with them, for afterwards all of it counts as sent.
            new = [
                event
                for event in events
                if datetime.fromisoformat(event.at) >= since or (cursor is not None and cursor.is_new(event))
            ]
        else:
            new = [event for event in events if cursor is None or cursor.is_new(event)]
        try:
            send(new)
        except Exception as error:  # whoever follows may be away; the lake goes on
            done.failed.append(f"{name}: {type(error).__name__}")
            continue
        _Cursor.write(settings, name, events)
        done.events += len(new)
    return done


@dataclass(frozen=True)
class _Cursor:
    """What one receiver has: everything up to an instant, and of the days before it what is listed."""

    floor: str
    ids: frozenset[str]

    def is_new(self, event: Event) -> bool:
        return event.at >= self.floor and event.id not in self.ids

    @classmethod
    def read(cls, settings: Settings, name: str) -> _Cursor | None:
        try:
            kept = json.loads(_path(settings, name).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return cls(kept["floor"], frozenset(kept["ids"]))

    @classmethod
    def write(cls, settings: Settings, name: str, events: Sequence[Event]) -> None:
        newest = max((event.at for event in events), default=datetime.now(UTC).isoformat())
        floor = (datetime.fromisoformat(newest) - LATECOMERS).isoformat()
        path = _path(settings, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(f".{os.getpid()}.new")
        half.write_text(json.dumps({"floor": floor, "ids": sorted(e.id for e in events if e.at >= floor)}))
        half.replace(path)


def _path(settings: Settings, name: str) -> Path:
    return settings.home / "watch" / f"cursor-{name}.json"


def _gauges(settings: Settings, at: datetime) -> list[metrics.Gauge]:
    """How things stand, dataset by dataset."""
    states = Ledger(settings).partitions()
    found = []
    for each in freshness(load_contracts(settings), states, at):
        found.append(metrics.Gauge("late_hours", each.late_hours, each.dataset))
        found.append(metrics.Gauge("held_days", len(each.held_days), each.dataset))
        found.append(metrics.Gauge("missing_days", len(each.missing), each.dataset))
        if each.at:
            age = (at - datetime.fromisoformat(each.at)) / timedelta(hours=1)
            found.append(metrics.Gauge("last_success_age_hours", round(age, 2), each.dataset))
    return found
