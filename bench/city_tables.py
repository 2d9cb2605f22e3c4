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
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute

from demo_city.days import BEGINS_ON, Days
from demo_city.departments import Dataset, datasets
from demo_city.departments.protocol import Files
from demo_city.departments.protocol import Table as SourceTable
from demo_city.systems.deliveries import end_of, fates_of
from demo_city.systems.tables import newest
from demo_city.world import World
from lake.admission import row_rules
from lake.admission.reading.relation import control_character
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
WORLD_DAYS = 10
"""A world keeps what it has made; after so many days another one of the same seed takes its place."""
NAMES = uuid.UUID("9a3f6d0e-4c1b-4f0a-8a53-2f1f6f0b7a10")


@dataclass(frozen=True)
class Part:
    """What one delivery brought into one partition; `path` is empty where nothing was accepted.

    Attributes:
        key: the day, or first day of the week, month or quarter, that the delivery speaks for.
        last: the last day it speaks for.
    """

    dataset: str
    key: str
    last: str
    day: str
    path: str
    delivered: int
    accepted: int
    quarantined: int
    unchanged: int


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
        self._rules = {name: read_suite(contract, settings).expectations for name, contract in self.contracts.items()}

    @property
    def done(self) -> dict[date, list[Part]]:
        """What came on each day that is finished."""
        file = self.settings.home / DONE
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        found = (json.loads(line) for line in lines)
        return {date.fromisoformat(line["day"]): [Part(**part) for part in line["parts"]] for line in found}

    def fill(self, first: date, last: date) -> Iterator[dict[str, Any]]:
        """Make what comes on these days and is not there yet; tells of each day when it is done."""
        self.settings.make_home()
        purposes = {c.purpose for contract in self.contracts.values() for c in contract.columns if c.purpose}
        ensure_keys(self.settings, [DIGEST, *sorted(purposes)])
        done = self.done
        for number, day in enumerate(day for day in Days(first, last) if day not in done):
            if number and number % WORLD_DAYS == 0:
                self._world = World(self.seed, self.scale)
            clock, processors = time.perf_counter(), time.process_time()
            parts = [
                part
                for dataset in datasets()
                for key, rows in self._coming(dataset, day, first)
                for part in self._admit(dataset, key, day, rows, done)
            ]
            with (self.settings.home / DONE).open("a", encoding="utf-8") as file:
                file.write(json.dumps({"day": str(day), "parts": [asdict(part) for part in parts]}) + "\n")
            done[day] = parts
            yield {
                "day": str(day),
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

    def _coming(self, dataset: Dataset, day: date, first: date) -> Iterator[tuple[date, pa.Table]]:
        """What a dataset delivers at the end of a day: the day it speaks for, and its rows."""
        system = dataset.system
        if isinstance(system, Files):
            fates = fates_of(self._world.chance, dataset, Days(max(first, BEGINS_ON), day))
            for fate in fates:
                if fate.delivered_on == day:
                    rows = dataset.rows(self._world, Days(fate.day, fate.day)).table
                    on = pa.compute.equal(rows["_day"], pa.scalar(fate.day, pa.date32()))
                    yield fate.day, rows.filter(on)
            return
        contract = self.contracts[dataset.dataset]
        if isinstance(system, SourceTable) and contract.mode is Mode.SNAPSHOT:
            yield day, self._register(dataset, system, day)
            return
        rows = dataset.rows(self._world, Days(day, day)).table
        shown = newest(rows, getattr(system, "key", ()))
        yield day, shown.filter(pa.compute.invert(shown["_gone"].cast(pa.bool_()))).drop(["_gone"])

    def _register(self, dataset: Dataset, system: SourceTable, day: date) -> pa.Table:
        """A table that is written over, as it stands at the end of a day."""
        held = self._registers.get(dataset.dataset)
        days = Days(day, day) if held is not None else Days(day, day).since(REGISTER_DAYS)
        rows = dataset.rows(self._world, days).table
        if held is not None:
            rows = pa.concat_tables([held, rows.select(held.column_names)])
        last = newest(rows, system.key)
        stands = last.filter(pa.compute.invert(last["_gone"].cast(pa.bool_()))).drop(["_gone"])
        self._registers[dataset.dataset] = stands
        return stands

    def _admit(
        self, dataset: Dataset, key: date, day: date, rows: pa.Table, done: dict[date, list[Part]]
    ) -> list[Part]:
        """Type, treat and judge the rows of one delivery, and write what is accepted."""
        contract = self.contracts[dataset.dataset]
        is_file = isinstance(dataset.system, Files)
        last = end_of(dataset.system.every, key) if isinstance(dataset.system, Files) else day
        name = f"{contract.name}_{key:%Y%m%d}"
        landed = Landed(
            contract=contract,
            window=Window(key, last),
            delivery=f"{key}-{uuid.uuid5(NAMES, f'{contract.table}{key}').hex[:16]}",
            folder=self.settings.landing / contract.department / contract.name / str(key),
            files=(FetchedFile(name, key if is_file else None, "", 0, rows.num_rows),),
            delivered=rows.num_rows,
            missing_days=(),
            is_new=True,
            landed_at=landed_at(day),
        )
        empty = Part(contract.dataset, str(key), str(last), str(key), "", 0, 0, 0, 0)
        if not rows.num_rows:
            return [empty]
        with connect(self.settings, zone="UTC") as duck:
            set_keys(duck, self.settings, [DIGEST, *sorted({c.purpose for c in contract.columns if c.purpose})])
            duck.register("delivered", rows)
            duck.execute(_raw(contract, rows, name, key if is_file else None))
            duck.unregister("delivered")
            type_and_treat(duck, landed)
            compare(duck, landed, HeldContent(files=self._held(contract, landed.window, done)))
            _apply_row_rules(duck, contract, self._rules[contract.dataset])
            return self._write(duck, landed) or [empty]

    def _held(self, contract: Contract, window: Window, done: dict[date, list[Part]]) -> tuple[str, ...]:
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

    def _write(self, duck: Any, landed: Landed) -> list[Part]:
        """One Parquet file for each day that was accepted of, under the contract's field ids."""
        contract = landed.contract
        provenance = {
            "ds": "_day",
            "_delivery": quote_literal(landed.delivery),
            "_file": "_file",
            "_record": "_record",
            "_digest": "_digest",
            "_landed_at": f"TIMESTAMPTZ '{landed.landed_at.isoformat()}'",
            "_is_withdrawn": "_withdrawn",
        }
        own = [
            f"CAST({quote_identifier(c.name)} AS {c.lake_type}) AS {quote_identifier(c.name)}" for c in contract.kept
        ]
        own += [
            f"CAST({provenance[name]} AS {kind}) AS {quote_identifier(name)}" for name, kind, _ in PROVENANCE_COLUMNS
        ]
        order = ", ".join([*(quote_identifier(column.name) for column in contract.key), "_file", "_record"])
        counted = duck.execute(
            "SELECT _day, count(*), count(*) FILTER (WHERE _reasons IS NULL AND NOT _unchanged), "
            "count(*) FILTER (WHERE _reasons IS NOT NULL AND NOT _unchanged), count(*) FILTER (WHERE _unchanged) "
            "FROM typed GROUP BY _day ORDER BY _day"
        ).fetchall()
        parts = []
        for day, delivered, accepted, quarantined, unchanged in counted:
            path = ""
            if accepted:
                file_name = uuid.uuid5(NAMES, f"{contract.table}{landed.delivery}{day}")
                path = f"accepted/{contract.table}/data/ds={day}/{file_name}.parquet"
                target = self.settings.tables / path
                target.parent.mkdir(parents=True, exist_ok=True)
                duck.execute(
                    f"COPY (SELECT {', '.join(own)} FROM typed WHERE _reasons IS NULL AND NOT _unchanged "
                    f"AND _day = DATE '{day}' ORDER BY {order}) TO {quote_literal(str(target))} "
                    f"(FORMAT parquet, COMPRESSION zstd, {field_ids_sql(table_columns(contract))})"
                )
            window = landed.window
            parts.append(
                Part(
                    contract.dataset, str(window.first), str(window.last), str(day), path,
                    delivered, accepted, quarantined, unchanged,
                )
            )  # fmt: skip
        return parts


def landed_at(day: date) -> datetime:
    """When a day's deliveries are taken in: early on the morning after."""
    return datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=22)


def _raw(contract: Contract, rows: pa.Table, name: str, day: date | None) -> str:
    """SQL of the relation ``raw`` (see `lake.admission.reading`) out of a system's rows: every cell as text."""
    cells = [
        f"nullif(CAST({quote_identifier(c.source_name)} AS VARCHAR), '') AS {quote_identifier(c.name)}"
        if c.source_name in rows.column_names
        else f"NULL::VARCHAR AS {quote_identifier(c.name)}"
        for c in contract.columns
    ]
    names = ", ".join(quote_identifier(column.name) for column in contract.columns)
    file_day = f"DATE '{day}'" if day else "NULL::DATE"
    return (
        f"CREATE TABLE raw AS SELECT {quote_literal(name)} AS _file, row_number() OVER () AS _record, "
        f"{file_day} AS _day, CASE {control_character(f'concat_ws(chr(9), {names})')} END AS _problem, "
        f"NULL::VARCHAR AS _text, {names} FROM (SELECT {', '.join(cells)} FROM delivered)"
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
