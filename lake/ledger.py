"""The ledger: what happened, one row an event, append-only. A projection, never the truth.

Every event is derived from a file that some room wrote for its own needs: the landing folder's manifest, admission,
commit, held and decision files, a build's publication record, an issue's manifest, what the watch told. `rebuild`
derives them all again; a test holds that the rebuilt ledger equals the kept one. Event ids come from content, so
recording twice is nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lake import database
from lake.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine, Table

LANDED, COMMITTED, HELD, DECIDED, PURGED = "landed", "committed", "held", "decided", "purged"
COMPARED = "compared"
PUBLISHED, ISSUED = "published", "issued"
TOLD, RECOVERED, SILENCED = "told", "recovered", "silenced"

_LISTS = (("holds.json", "holds", HELD, "at"), ("decision.json", "decisions", DECIDED, "at"),
          ("commit.json", "commits", COMMITTED, "committed_at"))  # fmt: skip
"""Files of a landing folder that only grow: name, key of the list, kind of event, key of its time."""


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    Attributes:
        kind: landed, committed, held, decided, purged, published, issued, told, recovered or silenced.
        subject: what it happened to: dataset and delivery, build id, or issue folder.
        at: ISO 8601 time as the file that tells of it has it.
        dataset: dataset id; None for builds and issues.
        payload: the file's content.
    """

    kind: str
    subject: str
    at: str
    dataset: str | None
    payload: dict[str, Any] = field(compare=True)

    @property
    def id(self) -> str:
        """Digest of kind, subject and time."""
        return hashlib.sha256(f"{self.kind}|{self.subject}|{self.at}".encode()).hexdigest()[:32]


@dataclass(frozen=True)
class PartitionState:
    """What the lake knows of one day of one dataset, all live deliveries together.

    Attributes:
        dataset: dataset id.
        day: partition.
        state: ``committed`` or ``held``.
        delivered, accepted, quarantined, unchanged: records; the first is the sum of the others once committed.
        delivery: the newest delivery.
        at: when it was committed or held, ISO 8601.
        warnings: checks of severity warning that failed: dicts of id, column, failed_n, reason, reason_zh.
    """

    dataset: str
    day: date
    state: str
    delivered: int
    accepted: int
    quarantined: int
    unchanged: int
    delivery: str
    at: str
    warnings: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Landing:
    """A delivery as it landed: which days it was asked for, and which of them were not there.

    Attributes:
        dataset: dataset id.
        at: when it landed, ISO 8601.
        first, last: days it was asked for.
        missing: those of which there was no file.
    """

    dataset: str
    at: str
    first: date
    last: date
    missing: frozenset[date] = frozenset()


class Ledger:
    """The table ``ops_events`` beside the Iceberg catalog."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def record(self, events: Iterable[Event]) -> int:
        """Append events that are not there yet; gives how many were new."""
        from sqlalchemy import select
        from sqlalchemy.exc import IntegrityError

        new = 0
        with self._engine.begin() as connection:
            for event in events:
                known = connection.execute(select(self._events.c.id).where(self._events.c.id == event.id)).first()
                if known is not None:
                    continue
                try:
                    with connection.begin_nested():
                        connection.execute(self._events.insert().values(_row(event)))
                    new += 1
                except IntegrityError:  # another process recorded the same event meanwhile
                    continue
        return new

    def events(self, *, dataset: str | None = None, kind: str | None = None) -> list[Event]:
        """Events in order of time."""
        from sqlalchemy import select

        query = select(self._events).order_by(self._events.c.at, self._events.c.id)
        if dataset is not None:
            query = query.where(self._events.c.dataset == dataset)
        if kind is not None:
            query = query.where(self._events.c.kind == kind)
        with self._engine.connect() as connection:
            return [
                Event(row.kind, row.subject, row.at, row.dataset, json.loads(row.payload))
                for row in connection.execute(query)
            ]

    def rebuild(self) -> int:
        """Forget everything and derive it again from the files; gives the number of events."""
        from sqlalchemy import delete

        events = list(project(self._settings))
        with self._engine.begin() as connection:
            connection.execute(delete(self._events))
            if events:
                connection.execute(self._events.insert(), [_row(event) for event in events])
        return len(events)

    def partitions(self, dataset: str | None = None) -> list[PartitionState]:
        """State of every day that was ever delivered, newest deliveries taken into account.

        Where a delivery replaced a day, the deliveries it replaced no longer count. A held day shows as held only
        when nothing newer of that day was committed.
        """
        live: dict[tuple[str, date], dict[str, PartitionState]] = {}
        held: dict[tuple[str, date], PartitionState] = {}
        events = self.events(dataset=dataset)
        commits = [event for event in events if event.kind == COMMITTED]
        committed = {event.subject for event in commits}
        committed_days = {(event.subject, day["day"]) for event in commits for day in event.payload["days"]}
        for event in events:
            if event.kind == COMMITTED:
                for state in _committed_days(event):
                    key = (state.dataset, state.day)
                    of_day = {} if str(state.day) in event.payload["replaced_days"] else live.get(key, {})
                    # A delivery that was replayed is the same delivery: its newest account is the one that holds.
                    others = {name: known for name, known in of_day.items() if name != state.delivery}
                    live[key] = others | {state.delivery: state}
            elif event.kind == HELD and (event.subject not in committed or event.payload.get("files")):
                for state in _held_days(event):
                    # Of a delivery whose other days are in, a held day is so until it is in too.
                    if (event.subject, str(state.day)) not in committed_days:
                        held[state.dataset, state.day] = state
        states = held | {key: _together(list(of_day.values())) for key, of_day in live.items()}
        return [states[key] for key in sorted(states)]

    def landings(self) -> list[Landing]:
        """Every delivery that landed, in order of time."""
        return [
            Landing(
                dataset=str(event.dataset),
                at=event.at,
                first=date.fromisoformat(event.payload["window"][0]),
                last=date.fromisoformat(event.payload["window"][1]),
                missing=frozenset(map(date.fromisoformat, event.payload.get("missing_days") or ())),
            )
            for event in self.events(kind=LANDED)
        ]

    @cached_property
    def _engine(self) -> Engine:
        uri = self._settings.catalog_uri
        if uri.startswith("sqlite:"):
            self._settings.home.mkdir(parents=True, exist_ok=True)
        engine = database.engine_of(uri)
        database.made_by_two(lambda: self._events.metadata.create_all(engine, checkfirst=True))
        return engine

    @cached_property
    def _events(self) -> Table:
        from sqlalchemy import Column, MetaData, String, Table, Text

        return Table(
            "ops_events",
            MetaData(),
            Column("id", String(32), primary_key=True),
            Column("kind", String(20), nullable=False, index=True),
            Column("dataset", String(200), index=True),
            Column("subject", String(500), nullable=False),
            Column("at", String(40), nullable=False),
            Column("payload", Text, nullable=False),
        )


def project(settings: Settings) -> Iterator[Event]:
    """Every event that the files of a home tell of."""
    for manifest in sorted(settings.landing.glob("*/*/*/manifest.json")):
        yield from landing_events(manifest.parent)
    for comparisons in sorted(settings.landing.glob("*/*/comparisons.json")):
        yield from compared_events(comparisons)
    for record in sorted(settings.builds.glob("*/published.json")):
        yield published_event(record.parent)
    for manifest in sorted(settings.issues.glob("*/*/*/issue-*/manifest.json")):
        yield issued_event(manifest.parent, settings)
    yield from alert_events(settings)


def alert_events(settings: Settings) -> Iterator[Event]:
    """Events of what somebody was told, from the watch's files, one line each; a killed process's half line is none."""
    for path in sorted((settings.home / "watch").glob("alerts-*.jsonl")):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                said = json.loads(line)
            except ValueError:
                continue
            yield Event(said["kind"], said["subject"], said["at"], said["dataset"], said)


def landing_events(folder: Path) -> Iterator[Event]:
    """Events of one delivery, from the files of its landing folder."""
    manifest = _read(folder / "manifest.json")
    dataset, purged_at = manifest["dataset"], manifest.pop("purged_at", None)
    subject = f"{dataset}/{folder.name}"
    yield Event(LANDED, subject, manifest["landed_at"], dataset, manifest)
    if purged_at:
        yield Event(PURGED, subject, purged_at, dataset, {"purged_at": purged_at})
    for name, key, kind, time_field in _LISTS:
        if (folder / name).exists():
            for content in _read(folder / name)[key]:
                yield Event(kind, subject, content[time_field], dataset, content)


def compared_events(path: Path) -> Iterator[Event]:
    """Comparisons of a dataset's keys with its source's, from the list beside its deliveries."""
    for content in _read(path)["comparisons"]:
        yield Event(COMPARED, f"{content['dataset']}/{content['day']}", content["at"], content["dataset"], content)


def published_event(folder: Path) -> Event:
    """Event of a build that was published, from its record."""
    content = _read(folder / "published.json")
    return Event(PUBLISHED, folder.name, content["published_at"], None, content)


def issued_event(folder: Path, settings: Settings) -> Event:
    """Event of an issued brief, from its manifest."""
    content = _read(folder / "manifest.json")
    return Event(ISSUED, folder.relative_to(settings.issues).as_posix(), content["issued_at"], None, content)


def _committed_days(event: Event) -> Iterator[PartitionState]:
    days = event.payload["days"]
    # A warning about the delivery as a whole is told once, on its last day.
    warnings: dict[str, list[dict[str, Any]]] = {}
    for warning in event.payload["warnings"]:
        warnings.setdefault(warning.get("day") or (days[-1]["day"] if days else ""), []).append(warning)
    for day in days:
        yield PartitionState(
            dataset=str(event.dataset),
            day=date.fromisoformat(day["day"]),
            state=COMMITTED,
            delivered=day["delivered"],
            accepted=day["accepted"],
            quarantined=day["quarantined"],
            unchanged=day["unchanged"],
            delivery=event.payload["delivery"],
            at=event.at,
            warnings=tuple(warnings.get(day["day"], ())),
        )


def _held_days(event: Event) -> Iterator[PartitionState]:
    for day in event.payload["days"]:
        yield PartitionState(
            str(event.dataset), date.fromisoformat(day["day"]), HELD, day["delivered"], 0, 0, 0,
            event.payload["delivery"], event.at,
        )  # fmt: skip


def _together(states: list[PartitionState]) -> PartitionState:
    """One day's account over its live deliveries, oldest first; warnings of the newest that brought something."""
    newest = states[-1]
    brought = [state for state in states if state.accepted or state.quarantined]
    return PartitionState(
        newest.dataset, newest.day, COMMITTED,
        sum(state.delivered for state in states), sum(state.accepted for state in states),
        sum(state.quarantined for state in states), sum(state.unchanged for state in states),
        newest.delivery, newest.at, (brought or states)[-1].warnings,
    )  # fmt: skip


def _row(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "kind": event.kind,
        "dataset": event.dataset,
        "subject": event.subject,
        "at": event.at,
        "payload": json.dumps(event.payload, sort_keys=True, ensure_ascii=False),
    }


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
