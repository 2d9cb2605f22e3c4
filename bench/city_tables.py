"""The accepted tables of the demo city, made without its systems, deliveries and files: for measuring builds at scale 1.

Every day's rows are typed, treated and judged by the lake's own SQL (`lake.admission`: typing, versions, row rules) and
written as the lake writes them, a Parquet file for each table and day. What is left out: landing, the readers of file
formats, the checks of a whole batch, the catalog. A file that never comes is missing, a late one is there from its day
on; layouts do not drift. One line of ``city_tables.jsonl`` for each day that is done, so that who is stopped goes on
where he was, and any number of days can be built from.

    python bench/city_tables.py --home DIR --scale 1 --days 90
"""

from __future__ import annotations

import argparse
import json
import resource
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute

from demo_city.days import BEGINS_ON, Days
from demo_city.departments import Dataset, datasets
from demo_city.departments.protocol import Api, Files
from demo_city.departments.protocol import Table as SourceTable
from demo_city.systems.deliveries import end_of, fates_of
from demo_city.systems.tables import newest
from demo_city.world import World
from lake.admission import row_rules
from lake.admission.state import HeldContent
from lake.admission.suites import Expectation, read_suite
from lake.admission.typing import type_and_treat
from lake.admission.versions import compare
from lake.connectors import FetchedFile
from lake.contracts import load_contracts
from lake.contracts.model import Contract, Mode, Window
from lake.engine import connect, quote_identifier, quote_literal
from lake.landing import Landed
from lake.ledger import COMMITTED, Landing, PartitionState
from lake.marts.pins import Pins, pin_tables
from lake.privacy import DIGEST, ensure_keys, set_keys
from lake.settings import Settings
from lake.tables import PROVENANCE_COLUMNS, Pin, PinnedFile, field_ids_sql, table_columns

DONE = "city_tables.jsonl"
REGISTER_DAYS = 13
"""So many days before the first one a register in a database is made up from: it is written whole once a week."""
AT_ONCE_DAYS = 5
"""So many days are made together, which costs less than one by one …"""
AT_ONCE_ROWS = 600_000
"""… as long as there are no more rows of them."""
NAMES = uuid.UUID("9a3f6d0e-4c1b-4f0a-8a53-2f1f6f0b7a10")


@dataclass(frozen=True)
class Part:
    """What one delivery brought into one partition; `path` is empty where nothing was accepted.

    Attributes:
        key: the day, or first day of the week, month or quarter, that the delivery speaks for.
        last: the last day it speaks for.
        came: the day at whose end it was there.
        day: the partition.
    """

    dataset: str
    key: str
    last: str
    came: str
    day: str
    path: str
    delivered: int
    accepted: int
    quarantined: int
    unchanged: int


@dataclass(frozen=True)
class Coming:
    """A piece of what a dataset delivers.

    Attributes:
        came: by the day (first day of a week, month or quarter) that a delivery speaks for, when it was there.
        rows: of all of them; ``_day`` says of which.
    """

    came: dict[date, date]
    rows: pa.Table


class CityTables:
    """Accepted tables of one home.

    Args:
        settings: of the home.
        seed, scale: of the city.
    """

    def __init__(self, settings: Settings, seed: int = 1, scale: float = 1.0) -> None:
        self.settings, self.seed, self.scale = settings, seed, scale
        self.contracts = {contract.dataset: contract for contract in load_contracts(settings)}
        self._world = World(seed, scale)
        self._registers: dict[str, pa.Table] = {}
        self._length: dict[str, int] = {}
        self._rules = {name: read_suite(contract, settings).expectations for name, contract in self.contracts.items()}

    @property
    def done(self) -> dict[date, list[Part]]:
        """What came on each day that is finished."""
        file = self.settings.home / DONE
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        found = (json.loads(line) for line in lines)
        return {date.fromisoformat(line["day"]): [Part(**part) for part in line["parts"]] for line in found}

    def fill(self, first: date, last: date) -> Iterator[dict[str, Any]]:
        """Make what comes on these days and is not there yet; tells of each stretch of days when it is done."""
        self.settings.make_home()
        purposes = {c.purpose for contract in self.contracts.values() for c in contract.columns if c.purpose}
        ensure_keys(self.settings, [DIGEST, *sorted(purposes)])
        done = self.done
        missing = [day for day in Days(first, last) if day not in done]
        while missing:
            days = Days(missing[0], min(missing[0] + timedelta(days=AT_ONCE_DAYS - 1), missing[-1]))
            missing = missing[days.length :]
            clock, processors = time.perf_counter(), time.process_time()
            parts: list[Part] = []
            for dataset in datasets():
                for coming in self._coming(dataset, days, first):
                    parts += self._admit(dataset, coming, done)
            lines = {day: [part for part in parts if part.came == str(day)] for day in days}
            with (self.settings.home / DONE).open("a", encoding="utf-8") as file:
                for day, own in lines.items():
                    file.write(json.dumps({"day": str(day), "parts": [asdict(part) for part in own]}) + "\n")
            done |= lines
            self._world = World(self.seed, self.scale)  # it keeps what it has made
            yield {
                "through": str(days.last),
                "days": days.length,
                "rows": sum(part.accepted for part in parts),
                "clock_s": round(time.perf_counter() - clock, 1),
                "cpu_s": round(time.process_time() - processors, 1),
                "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 1),
            }

    def pins(self, as_of: date) -> Pins:
        """Pins of what had come by the end of a day."""
        done = {day: parts for day, parts in sorted(self.done.items()) if day <= as_of}
        files: dict[str, list[PinnedFile]] = {name: [] for name in self.contracts}
        states: dict[tuple[str, date], PartitionState] = {}
        landings: list[Landing] = []
        for day, parts in done.items():
            at = landed_at(day).isoformat()
            came: dict[str, set[tuple[date, date]]] = {}
            for part in parts:
                on = date.fromisoformat(part.day)
                if part.path:
                    files[part.dataset].append(PinnedFile(str(self.settings.tables / part.path), on, part.accepted))
                if part.delivered:
                    states[part.dataset, on] = _added(states.get((part.dataset, on)), part, on, at)
                came.setdefault(part.dataset, set()).add((date.fromisoformat(part.key), date.fromisoformat(part.last)))
            for name, contract in self.contracts.items():
                # First the answer to what was asked of the day itself, then what came late.
                own = sorted(came.get(name, ()), key=lambda window: window[1] != day)
                if not any(last == day for _, last in own):
                    landings.append(
                        Landing(name, at, day, day, frozenset([day]) if contract.is_by_file else frozenset())
                    )
                landings += [Landing(name, at, key, last) for key, last in own]
        pinned = [
            (
                contract,
                Pin(
                    contract.table,
                    len(files[name]) or None,
                    tuple(sorted(files[name], key=lambda file: (file.day, file.path))),
                ),
            )
            for name, contract in self.contracts.items()
        ]
        return pin_tables(self.settings, as_of, pinned, list(states.values()), landings)

    def _coming(self, dataset: Dataset, days: Days, first: date) -> Iterator[Coming]:
        """What a dataset delivers on these days, in pieces that fit into memory."""
        system = dataset.system
        if isinstance(system, Files):
            fates = fates_of(self._world.chance, dataset, Days(max(first, BEGINS_ON), days.last))
            came = {fate.day: fate.delivered_on for fate in fates if fate.delivered_on}
            keys = sorted(key for key, on in came.items() if days.first <= on <= days.last)
        else:
            keys = list(days)
            came = {day: day for day in keys}
        while keys:
            length = self._length.get(dataset.dataset, 1) if getattr(system, "every", "day") == "day" else 1
            asked = [key for key in keys[:length] if key < keys[0] + timedelta(days=length)]
            keys = keys[len(asked) :]
            if self.contracts[dataset.dataset].mode is Mode.SNAPSHOT and isinstance(system, SourceTable):
                rows = self._register(dataset, system, asked)
            else:
                rows = dataset.rows(self._world, Days(asked[0], asked[-1])).table
                rows = rows.filter(pa.compute.is_in(rows["_day"], pa.array(asked, pa.date32())))
            self._length[dataset.dataset] = max(1, min(AT_ONCE_DAYS, AT_ONCE_ROWS * len(asked) // (rows.num_rows + 1)))
            yield Coming({key: came[key] for key in asked}, rows)

    def _register(self, dataset: Dataset, system: SourceTable, days: Sequence[date]) -> pa.Table:
        """A table that is written over, as it stands at the end of each of these days."""
        stands = []
        for day in days:
            held = self._registers.get(dataset.dataset)
            asked = Days(day, day) if held is not None else Days(day, day).since(REGISTER_DAYS)
            rows = dataset.rows(self._world, asked).table
            if held is not None:
                rows = pa.concat_tables([held.select(rows.column_names), rows])
            last = newest(rows, system.key)
            last = last.filter(pa.compute.invert(last["_gone"].cast(pa.bool_()))).drop(["_gone"])
            last = last.append_column("_day", pa.array([day] * last.num_rows, pa.date32()))
            self._registers[dataset.dataset] = last
            stands.append(last)
        return pa.concat_tables(stands)

    def _admit(self, dataset: Dataset, coming: Coming, done: Mapping[date, list[Part]]) -> list[Part]:
        """Type, treat and judge what comes, and write what is accepted."""
        contract, system = self.contracts[dataset.dataset], dataset.system
        first = min(coming.came)
        ends = {key: end_of(system.every, key) if isinstance(system, Files) else key for key in coming.came}
        dated = isinstance(system, Files) or contract.mode is Mode.SNAPSHOT
        names = {key: f"{contract.name}_{key:%Y%m%d}" for key in coming.came}
        landed = Landed(
            contract=contract,
            window=Window(first, max(ends.values())),
            delivery=f"{first}-{uuid.uuid5(NAMES, f'{contract.table}{first}').hex[:16]}",
            folder=self.settings.landing / contract.department / contract.name / str(first),
            files=tuple(FetchedFile(name, key if dated else None, "", 0, 0) for key, name in names.items()),
            delivered=coming.rows.num_rows,
            missing_days=(),
            is_new=True,
            landed_at=landed_at(max(coming.came.values())),
        )
        found: dict[date, list[Part]] = {}
        if coming.rows.num_rows:
            key = system.key if isinstance(system, SourceTable | Api) and contract.mode is Mode.CHANGES else ()
            with connect(self.settings, zone="UTC") as duck:
                set_keys(duck, self.settings, [DIGEST, *sorted({c.purpose for c in contract.columns if c.purpose})])
                duck.register("delivered", coming.rows)
                duck.execute(_raw(contract, coming.rows, key, dated=dated))
                type_and_treat(duck, landed)
                compare(duck, landed, HeldContent(files=self._held(contract, landed.window, done)))
                _apply_row_rules(duck, contract, self._rules[contract.dataset])
                for part in self._write(duck, landed, ends, coming):
                    found.setdefault(date.fromisoformat(part.key), []).append(part)
        return [
            part
            for key, on in coming.came.items()
            for part in found.get(
                key, [Part(contract.dataset, str(key), str(ends[key]), str(on), str(key), "", 0, 0, 0, 0)]
            )
        ]

    def _held(self, contract: Contract, window: Window, done: Mapping[date, list[Part]]) -> tuple[str, ...]:
        """Files whose versions a delivery of changes may repeat."""
        if contract.mode is not Mode.CHANGES:
            return ()
        first = date.min if contract.cursor is None else window.first - contract.overlap
        return tuple(
            str(self.settings.tables / part.path)
            for parts in done.values()
            for part in parts
            if part.dataset == contract.dataset and part.path and first <= date.fromisoformat(part.day) <= window.last
        )

    def _write(self, duck: Any, landed: Landed, ends: Mapping[date, date], coming: Coming) -> Iterator[Part]:
        """A Parquet file for each delivery and each day it was accepted of, under the contract's field ids."""
        contract = landed.contract
        own = [
            f"CAST({quote_identifier(c.name)} AS {c.lake_type}) AS {quote_identifier(c.name)}" for c in contract.kept
        ]
        order = ", ".join([*(quote_identifier(column.name) for column in contract.key), "_file", "_record"])
        counted = duck.execute(
            "SELECT _file, _day, count(*), count(*) FILTER (WHERE _reasons IS NULL AND NOT _unchanged), "
            "count(*) FILTER (WHERE _reasons IS NOT NULL AND NOT _unchanged), count(*) FILTER (WHERE _unchanged) "
            "FROM typed GROUP BY _file, _day ORDER BY _file, _day"
        ).fetchall()
        for file, day, delivered, accepted, quarantined, unchanged in counted:
            key = datetime.strptime(file[-8:], "%Y%m%d").replace(tzinfo=UTC).date()
            path = ""
            if accepted:
                path = f"accepted/{contract.table}/data/ds={day}/{uuid.uuid5(NAMES, f'{contract.table}{file}{day}')}.parquet"
                target = self.settings.tables / path
                target.parent.mkdir(parents=True, exist_ok=True)
                provenance = {
                    "ds": "_day",
                    "_delivery": quote_literal(f"{key}-{uuid.uuid5(NAMES, file).hex[:16]}"),
                    "_file": "_file",
                    "_record": "_record",
                    "_digest": "_digest",
                    "_landed_at": f"TIMESTAMPTZ '{landed_at(coming.came[key]).isoformat()}'",
                    "_is_withdrawn": "_withdrawn",
                }
                more = [
                    f"CAST({provenance[n]} AS {kind}) AS {quote_identifier(n)}" for n, kind, _ in PROVENANCE_COLUMNS
                ]
                duck.execute(
                    f"COPY (SELECT {', '.join([*own, *more])} FROM typed WHERE _reasons IS NULL AND NOT _unchanged "
                    f"AND _file = {quote_literal(file)} AND _day = DATE '{day}' ORDER BY {order}) "
                    f"TO {quote_literal(str(target))} "
                    f"(FORMAT parquet, COMPRESSION zstd, {field_ids_sql(table_columns(contract))})"
                )
            counts = (delivered, accepted, quarantined, unchanged)
            yield Part(contract.dataset, str(key), str(ends[key]), str(coming.came[key]), str(day), path, *counts)


def landed_at(day: date) -> datetime:
    """When a day's deliveries are taken in: early on the morning after."""
    return datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=22)


def _raw(contract: Contract, rows: pa.Table, key: Sequence[str], *, dated: bool) -> str:
    """SQL of the relation ``raw`` (see `lake.admission.reading`) out of a system's rows: every cell as text.

    Of a table that is written over a day's delivery shows the newest version of each key only.
    """
    cells = [
        f"nullif(CAST({quote_identifier(c.source_name)} AS VARCHAR), '') AS {quote_identifier(c.name)}"
        if c.source_name in rows.column_names
        else f"NULL::VARCHAR AS {quote_identifier(c.name)}"
        for c in contract.columns
    ]
    newest_only = ""
    if key:
        by = ", ".join(map(quote_identifier, key))
        newest_only = f"QUALIFY row_number() OVER (PARTITION BY {by}, _day ORDER BY n DESC) = 1"
    return (
        f"CREATE VIEW raw AS SELECT {quote_literal(contract.name + '_')} || strftime(_day, '%Y%m%d') AS _file, "
        f"n AS _record, {'_day' if dated else 'NULL::DATE'} AS _day, NULL::VARCHAR AS _problem, "
        f"NULL::VARCHAR AS _text, {', '.join(cells)} "
        f"FROM (SELECT row_number() OVER () AS n, * FROM delivered) {newest_only}"
    )


def _apply_row_rules(duck: Any, contract: Contract, rules: Sequence[Expectation]) -> None:
    """Rows that fail an expectation of severity error are no accepted ones."""
    columns = ", ".join(quote_identifier(column.name) for column in contract.kept)
    fine = "_reasons IS NULL AND NOT _unchanged AND NOT _withdrawn"
    duck.execute(f"CREATE VIEW batch AS SELECT {columns}, _day AS ds FROM typed WHERE {fine}")
    source = f"(SELECT *, rowid AS _row, _day AS ds FROM typed WHERE {fine})"
    failing = row_rules.failing_sql(rules, source, "batch")
    if failing is not None:
        duck.execute(f"CREATE TEMP TABLE judged AS {failing}")
        duck.execute("UPDATE typed SET _reasons = judged.reasons FROM judged WHERE typed.rowid = judged._row")


def _added(known: PartitionState | None, part: Part, day: date, at: str) -> PartitionState:
    """The ledger's account of a day with one more delivery."""
    counts = ("delivered", "accepted", "quarantined", "unchanged")
    numbers = {name: getattr(part, name) + (getattr(known, name) if known else 0) for name in counts}
    return PartitionState(part.dataset, day, COMMITTED, **numbers, delivery=part.key, at=at)


def period(last: date, days: int) -> tuple[date, date]:
    """First and last of so many days."""
    return last - timedelta(days=days - 1), last


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the tables and say how far they are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", required=True)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--last", default="2026-07-01", help="the last of these days")
    given = parser.parse_args(arguments)
    settings = Settings.from_environment({"CITYBRAIN_CITY": "linlan", "CITYBRAIN_HOME": given.home})
    tables = CityTables(settings, given.seed, given.scale)
    for told in tables.fill(*period(date.fromisoformat(given.last), given.days)):
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
