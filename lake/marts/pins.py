"""Pins: which files of which tables a build reads, and what the ledger said of them. Written before dbt starts.

A build is a function of its pins: what is not in `pins.json` cannot change a figure (invariant 5).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from lake.contracts.model import Cadence, Contract, Mode, Treatment, Window, last_due, periods_in, window_of
from lake.ledger import COMMITTED, Landing, Ledger, PartitionState
from lake.settings import Settings
from lake.tables import Pin, Tables, table_columns


@dataclass(frozen=True)
class PinnedColumn:
    """A column of an accepted table: name, DuckDB type, Iceberg field id by which the files are read."""

    name: str
    type: str
    field_id: int


@dataclass(frozen=True)
class PinnedDayFile:
    """One Parquet file: path, the one day it holds, its number of records."""

    path: str
    day: date
    records: int


@dataclass(frozen=True)
class Arrival:
    """When the delivery of a day, week, month or quarter came.

    Attributes:
        ends_on: last day it speaks for.
        came_on: newest day of which anything had been asked for when it came; None: it never did.
        is_observed: whether the lake asked in time, so that `came_on` tells if it was late. What a load of a long
            range brought may have been there for months.
    """

    ends_on: date
    came_on: date | None
    is_observed: bool


@dataclass(frozen=True)
class PinnedTable:
    """An accepted table as the build reads it: only days up to `as_of`.

    Attributes:
        dataset, department, title_zh: of the contract.
        is_gapless: read by cursor, so that a day without records is a day in which nothing changed.
        due_on: last day of data that is due on `as_of`.
        snapshot_id: Iceberg snapshot; None when the table is empty or was never loaded.
        columns: in the contract's order, then the technical ones.
        files: in order of day and path.
        fingerprints: per day a digest of its files; equal means unchanged.
        overdue_on: last day of data that was due a day before `as_of` already; None in pins of older builds.
        promise: what the contract says of the dataset as a whole, and of its columns, those the lake drops included.
        arrivals: for the first day of every day, week, month or quarter that is due, when it came; see `arrivals_of`.
    """

    dataset: str
    department: str
    title_zh: str
    is_gapless: bool
    due_on: date
    snapshot_id: int | None
    columns: tuple[PinnedColumn, ...]
    files: tuple[PinnedDayFile, ...]
    fingerprints: Mapping[date, str]
    overdue_on: date | None = None
    promise: Mapping[str, Any] = field(default_factory=dict)
    arrivals: Mapping[date, Arrival] = field(default_factory=dict)


@dataclass(frozen=True)
class PinnedPartition:
    """What the ledger said of one day of one dataset; see `lake.ledger.PartitionState`."""

    dataset: str
    day: date
    state: str
    delivered: int
    accepted: int
    quarantined: int
    unchanged: int
    warnings: tuple[dict[str, Any], ...]
    delivery: str = ""


@dataclass(frozen=True)
class Pins:
    """Everything a build depends on.

    Attributes:
        as_of: the day the build speaks for.
        city, zone: of the city file.
        tables: by table name.
        partitions: ledger rows up to `as_of`, by dataset and day.
        seeds_hash, code_hash: of the dbt project's seeds, and of everything else that makes a build.
    """

    as_of: date
    city: str
    zone: str
    tables: Mapping[str, PinnedTable]
    partitions: tuple[PinnedPartition, ...]
    seeds_hash: str
    code_hash: str

    @cached_property
    def build_id(self) -> str:
        """``<as_of>-<12 hex>``: same content, same id. Snapshot ids and paths are left out, for a file's name is
        never used twice and a snapshot that brought nothing changes nothing."""
        content = self.to_json()
        for table in content["tables"].values():
            del table["snapshot_id"], table["files"]
        text = json.dumps(content, sort_keys=True, ensure_ascii=False)
        return f"{self.as_of}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def changed_since(self, earlier: Pins | None) -> list[tuple[str, date]]:
        """Table and day of every partition whose content differs from an earlier build's, gone ones included."""
        changed: list[tuple[str, date]] = []
        for name, table in sorted(self.tables.items()):
            before = {} if earlier is None or name not in earlier.tables else earlier.tables[name].fingerprints
            days = set(before) | set(table.fingerprints)
            changed += [(name, day) for day in sorted(days) if before.get(day) != table.fingerprints.get(day)]
        return changed

    def to_json(self) -> dict[str, Any]:
        """As it stands in ``pins.json``."""
        return {
            "as_of": str(self.as_of),
            "city": self.city,
            "zone": self.zone,
            "tables": {
                name: {
                    **{key: value for key, value in _shallow(table).items() if key != "overdue_on"},
                    "due_on": str(table.due_on),
                    **({"overdue_on": str(table.overdue_on)} if table.overdue_on else {}),
                    "columns": [_shallow(column) for column in table.columns],
                    "files": [{"path": f.path, "day": str(f.day), "records": f.records} for f in table.files],
                    "fingerprints": {str(day): mark for day, mark in sorted(table.fingerprints.items())},
                    "promise": dict(table.promise),
                    "arrivals": {
                        str(day): [str(came.ends_on), str(came.came_on) if came.came_on else None, came.is_observed]
                        for day, came in sorted(table.arrivals.items())
                    },
                }
                for name, table in sorted(self.tables.items())
            },
            "partitions": [
                {**_shallow(partition), "day": str(partition.day), "warnings": list(partition.warnings)}
                for partition in self.partitions
            ],
            "seeds_hash": self.seeds_hash,
            "code_hash": self.code_hash,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Pins:
        """Read back what `to_json` gave."""
        return cls(
            as_of=date.fromisoformat(content["as_of"]),
            city=content["city"],
            zone=content["zone"],
            tables={
                name: PinnedTable(
                    **{
                        **table,
                        "due_on": date.fromisoformat(table["due_on"]),
                        "overdue_on": date.fromisoformat(table["overdue_on"]) if table.get("overdue_on") else None,
                        "columns": tuple(PinnedColumn(**column) for column in table["columns"]),
                        "files": tuple(
                            PinnedDayFile(file["path"], date.fromisoformat(file["day"]), file["records"])
                            for file in table["files"]
                        ),
                        "fingerprints": {date.fromisoformat(day): m for day, m in table["fingerprints"].items()},
                        "arrivals": {
                            date.fromisoformat(day): Arrival(
                                date.fromisoformat(ends), date.fromisoformat(came) if came else None, is_observed
                            )
                            for day, (ends, came, is_observed) in table.get("arrivals", {}).items()
                        },
                    }
                )
                for name, table in content["tables"].items()
            },
            partitions=tuple(
                PinnedPartition(**{**row, "day": date.fromisoformat(row["day"]), "warnings": tuple(row["warnings"])})
                for row in content["partitions"]
            ),
            seeds_hash=content["seeds_hash"],
            code_hash=content["code_hash"],
        )


def collect(settings: Settings, as_of: date) -> Pins:
    """Pin every table of the city as it is now."""
    from lake.contracts import load_contracts

    contracts = load_contracts(settings)
    tables, ledger = Tables(settings), Ledger(settings)
    pinned = [(contract, tables.pin(contract)) for contract in contracts]
    return pin_tables(settings, as_of, pinned, ledger.partitions(), ledger.landings())


def newest_day(settings: Settings, as_of: date) -> date | None:
    """Newest day up to `as_of` that anything is held of; None where nothing is."""
    days = (state.day for state in Ledger(settings).partitions() if state.state == COMMITTED)
    return max((day for day in days if day <= as_of), default=None)


def pin_tables(
    settings: Settings,
    as_of: date,
    pinned: Sequence[tuple[Contract, Pin]],
    states: Sequence[PartitionState] = (),
    landings: Sequence[Landing] = (),
) -> Pins:
    """Put pins together from what the catalog and the ledger say.

    Args:
        settings: city and root of the project.
        as_of: later days of every table are left out.
        pinned: every contract of the city with its table's pin, empty when it was never loaded.
        states: the ledger's rows; a pinned day the ledger does not know counts as committed.
        landings: what landed when, in order of time.
    """
    from lake.contracts.city import load_city

    arrivals = arrivals_of([contract for contract, _ in pinned], landings, as_of)
    return Pins(
        as_of=as_of,
        city=settings.city,
        zone=load_city(settings).zone,
        tables={
            contract.table: _pinned_table(contract, pin, as_of, arrivals[contract.dataset]) for contract, pin in pinned
        },
        partitions=tuple(_partitions(pinned, states, as_of)),
        seeds_hash=_hash_of(sorted((settings.root / "dbt_project" / "seeds").rglob("*.csv"))),
        code_hash=_hash_of(_code(settings)),
    )


def read(folder: Path) -> Pins | None:
    """Pins of the build in a folder; None when there are none, or of an older form."""
    try:
        return Pins.from_json(json.loads((folder / "pins.json").read_text(encoding="utf-8")))
    except (FileNotFoundError, KeyError, TypeError, ValueError):
        return None


def _shallow(row: PinnedTable | PinnedColumn | PinnedPartition) -> dict[str, Any]:
    """Fields of one record. `dataclasses.asdict` copies deeply, which takes seconds over thousands of partitions."""
    return {field.name: getattr(row, field.name) for field in fields(row)}


def arrivals_of(
    contracts: Sequence[Contract], landings: Sequence[Landing], as_of: date
) -> dict[str, dict[date, Arrival]]:
    """By dataset and first day: the day, week, month or quarter that is due up to `as_of`, and when its delivery came.

    The lake's clock is the newest day anything was asked for: in a city loaded day by day it is the day before the
    load, however fast or slow the loads follow each other. A day is *watched* when some load asked for it alone, and
    not with many others, before any later day was asked for. A source that answers queries is there whenever it is
    asked; of a watched day it was not asked for in time, it was not.
    """
    of = {contract.dataset: contract for contract in contracts}
    own = [landing for landing in landings if landing.dataset in of and landing.first <= as_of]
    if not own:
        return {dataset: {} for dataset in of}
    daily = [x.first for x in own if of[x.dataset].cadence is Cadence.DAILY and not of[x.dataset].recapture_days]
    began = min(daily or [landing.first for landing in own])
    clock, watched = date.min, set()
    came: dict[str, dict[date, date]] = {dataset: {} for dataset in of}
    for landing in own:
        contract = of[landing.dataset]
        periods = periods_in(contract.cadence, Window(landing.first, landing.last))
        is_alone = len(periods) <= 1 + contract.recapture_days
        clock = max(clock, landing.last)
        if is_alone and clock == landing.last:
            watched.add(landing.last)
        for period in periods:
            if period.last <= landing.last and period.first not in landing.missing:
                came[landing.dataset].setdefault(period.first, clock)
    made: dict[str, dict[date, Arrival]] = {}
    for dataset, contract in of.items():
        dues: dict[date, Arrival] = {}
        for period in periods_in(contract.cadence, Window(began, as_of)):
            if began <= period.last <= as_of:
                is_watched = period.last in watched
                when = came[dataset].get(period.first)
                if when is None and not contract.is_by_file and not is_watched:
                    when = period.last
                dues[period.first] = Arrival(period.last, when, is_watched)
        made[dataset] = dues
    return made


def _promise(contract: Contract) -> dict[str, Any]:
    """What a contract says that a build shows: whose it is, how it comes, how long it stays, what is personal in it."""
    return {
        "owner": contract.owner,
        "title_en": contract.title_en,
        "version": contract.version,
        "mode": str(contract.mode),
        "cadence": str(contract.cadence),
        "connector": contract.source.connector,
        "valid_from": str(contract.valid_from),
        "due_at": contract.due_at.isoformat(),
        "retention_days": contract.retention_days,
        "columns": [
            {
                "name": column.name,
                "title_zh": column.title_zh,
                "type": column.type,
                "classification": column.classification,
                "treatment": str(column.treatment),
                "purpose": column.purpose,
                "is_key": column.key_position is not None,
                "is_kept": column.treatment is not Treatment.DROP,
            }
            for column in contract.columns
        ],
    }


def _pinned_table(contract: Contract, pin: Pin, as_of: date, arrivals: Mapping[date, Arrival]) -> PinnedTable:
    due, before = (window_of(contract, last_due(contract, day)) for day in (as_of, as_of - timedelta(days=1)))
    is_snapshot = contract.mode is Mode.SNAPSHOT
    return PinnedTable(
        dataset=contract.dataset,
        department=contract.department,
        title_zh=contract.title_zh,
        is_gapless=contract.mode is Mode.CHANGES and contract.cursor is not None,
        due_on=due.first if is_snapshot else due.last,
        overdue_on=before.first if is_snapshot else before.last,
        snapshot_id=pin.snapshot_id,
        columns=tuple(PinnedColumn(*column) for column in table_columns(contract)),
        files=tuple(PinnedDayFile(file.path, file.day, file.records) for file in pin.files if file.day <= as_of),
        fingerprints={day: mark for day, mark in sorted(pin.fingerprints.items()) if day <= as_of},
        promise=_promise(contract),
        arrivals=arrivals,
    )


def _partitions(
    pinned: Sequence[tuple[Contract, Pin]], states: Sequence[PartitionState], as_of: date
) -> list[PinnedPartition]:
    ours = {contract.dataset for contract, _ in pinned}
    rows = {
        (state.dataset, state.day): PinnedPartition(
            state.dataset, state.day, state.state,
            state.delivered, state.accepted, state.quarantined, state.unchanged, tuple(state.warnings), state.delivery,
        )
        for state in states
        if state.dataset in ours and state.day <= as_of
    }  # fmt: skip
    for contract, pin in pinned:
        records: dict[date, int] = {}
        for file in pin.files:
            records[file.day] = records.get(file.day, 0) + file.records
        for day, n in records.items():
            if day <= as_of:
                rows.setdefault(
                    (contract.dataset, day), PinnedPartition(contract.dataset, day, COMMITTED, n, n, 0, 0, ())
                )
    return [rows[key] for key in sorted(rows)]


def _code(settings: Settings) -> list[Path]:
    """What makes a build, beside the data and the seeds: the dbt project, this room, and the methods of its steps."""
    project = settings.root / "dbt_project"
    models = [path for room in ("models", "macros", "tests") for path in (project / room).rglob("*") if path.is_file()]
    tops = [project / "dbt_project.yml", *(project / "seeds").rglob("*.yml"), *(project / "names_zh").glob("*.csv")]
    rooms = [*Path(__file__).parent.glob("*.py"), *Path(__file__).parents[1].glob("methods/*.py")]
    return sorted([*models, *tops, *rooms])


def _hash_of(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.parent.name}/{path.name}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Whole or not at all."""
    beside = path.with_suffix(".tmp")
    with beside.open("w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1, sort_keys=True, default=str)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
