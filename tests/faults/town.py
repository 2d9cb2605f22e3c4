"""A town of three tiny datasets, one per load mode, and the state of its home: what two homes are compared by."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from lake.admission import quarantine
from lake.contracts import load_contracts
from lake.contracts.model import Window
from lake.ledger import Ledger
from lake.reconcile import reconcile
from lake.settings import PROJECT_ROOT, Settings
from lake.tables import Tables
from lake.warehouse import open_warehouse

DEFECT, CRASH, AREA = "town.road.defect", "town.road.crash", "town.plan.area"
MONDAY, TUESDAY = date(2023, 3, 6), date(2023, 3, 7)
WINDOW = Window(MONDAY, TUESDAY)
MONTH = Window(date(2023, 3, 1), date(2023, 3, 31))

# Name, name at the source, type, what is done with it.
COLUMNS: dict[str, list[tuple[str, str, str, str]]] = {
    DEFECT: [
        ("id", "Id", "BIGINT", "keep"),
        ("title", "Title", "VARCHAR", "keep"),
        ("cost", "Cost", "DECIMAL(9,2)", "keep"),
        ("caller", "Caller", "VARCHAR", "hmac"),
        ("note", "Note", "VARCHAR", "drop"),
    ],
    CRASH: [("id", "Id", "BIGINT", "keep"), ("crash_on", "Day", "DATE", "keep"), ("place", "Place", "VARCHAR", "keep")],
    AREA: [
        ("code", "code", "INTEGER", "keep"),
        ("name", "name", "VARCHAR", "keep"),
        ("geometry", "geometry", "VARCHAR", "keep"),
    ],
}
SETTINGS = {
    DEFECT: {"mode": "changes", "withdrawal": "unseen", "cadence": "daily", "connector": "csv_files",
             "arguments": {"pattern": "defect_{day:%Y%m%d}.csv"}},
    CRASH: {"mode": "day", "partitionColumn": "crash_on", "withdrawal": "absence", "cadence": "daily",
            "connector": "csv_files", "arguments": {"pattern": "crash_{day:%Y%m%d}.csv"}},
    AREA: {"mode": "snapshot", "withdrawal": "absence", "cadence": "monthly", "connector": "geojson_files",
           "arguments": {"pattern": "area_{day:%Y-%m}.geojson"}},
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Town:
    """A root with contracts and empty suites, a drop folder, and a home that can be put back to how it was."""

    base: Path

    @property
    def drop(self) -> Path:
        return self.base / "drop"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "CITYBRAIN_CITY": "town",
            "CITYBRAIN_ROOT": str(self.base / "root"),
            "CITYBRAIN_HOME": str(self.base / "home"),
            "CITYBRAIN_CONN_DROP": f"file://{self.drop}",
            "CITYBRAIN_THREADS": "1",
            "CITYBRAIN_LOCK_PATIENCE_S": "30",
        }

    @property
    def settings(self) -> Settings:
        return Settings.from_environment(self.environment)

    def found(self) -> Town:
        """Write contracts and suites, and make the home."""
        from lake.upkeep import make_ready

        self.drop.mkdir(parents=True)
        for dataset in COLUMNS:
            self.write_contract(dataset)
            self.write_suite(dataset)
        city = (PROJECT_ROOT / "contracts/queens/city.yaml").read_text(encoding="utf-8")
        (self.base / "root/contracts/town/city.yaml").write_text(city.replace("city: queens", "city: town"))
        make_ready(self.settings)
        return self

    def write_contract(
        self,
        dataset: str,
        columns: Iterable[tuple[str, str, str, str]] | None = None,
        *,
        version: str = "1.0.0",
        valid_from: str = "2020-01-01",
        field_ids: Mapping[str, int] | None = None,
        arguments: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """Write a contract; a newer version puts the present one beside itself."""
        path = self._file("contracts", dataset)
        if path.exists() and version != "1.0.0":
            shutil.copy(path, path.with_name(f"{path.stem}@1.0.0.yaml"))
        listed = list(COLUMNS[dataset] if columns is None else columns)
        path.parent.mkdir(parents=True, exist_ok=True)
        numbers = {name: number for number, (name, *_) in enumerate(listed, start=1)} | dict(field_ids or {})
        given = SETTINGS[dataset] | {"connection": "drop", "zone": "America/New_York", "validFrom": valid_from}
        given |= {"arguments": arguments} if arguments else {}
        given = {name: value for name, value in (given | dict(settings or {})).items() if value is not None}
        document = {
            "apiVersion": "v3.1.0",
            "kind": "DataContract",
            "id": dataset,
            "name": dataset,
            "version": version,
            "status": "active",
            "description": {"purpose": "tests"},
            "team": {"name": "Roads"},
            "customProperties": [{"property": name, "value": value} for name, value in given.items()],
            "schema": [
                {
                    "name": dataset.rpartition(".")[2],
                    "physicalName": dataset,
                    "businessName": "事",
                    "dataGranularityDescription": "one row per record",
                    "properties": [
                        _property(numbers[column[0]], column, is_key=column is listed[0]) for column in listed
                    ],
                }
            ],
        }
        path.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")

    def write_suite(self, dataset: str, *expectations: Mapping[str, Any]) -> None:
        path = self._file("expectations", dataset)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(expectations), encoding="utf-8")

    def deliver(self, name: str, content: bytes | str) -> None:
        """Put a file into the drop folder, or put another in its place."""
        (self.drop / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    def remember(self) -> None:
        """Keep home and drop folder as they are now. They come back under the same paths: tables name absolute ones."""
        for room in ("home", "drop"):
            shutil.rmtree(self.base / f"{room}.kept", ignore_errors=True)
            shutil.copytree(self.base / room, self.base / f"{room}.kept", symlinks=True)

    def restore(self) -> None:
        """Home and drop folder as they were kept."""
        for room in ("home", "drop"):
            shutil.rmtree(self.base / room)
            shutil.copytree(self.base / f"{room}.kept", self.base / room, symlinks=True)

    def _file(self, kind: str, dataset: str) -> Path:
        return self.base / "root" / kind / Path(*dataset.split(".")).with_suffix(".yaml")


def _property(number: int, column: tuple[str, str, str, str], *, is_key: bool) -> dict[str, Any]:
    name, source_name, type_, treatment = column
    logical = {
        "BIGINT": "integer", "INTEGER": "integer", "DATE": "date", "VARCHAR": "string", "TIMESTAMPTZ": "timestamp",
    }.get(type_, "number")  # fmt: skip
    own = {"fieldId": number, "lakeType": type_, "treatment": treatment}
    if treatment == "hmac":
        own["purpose"] = name
    return {
        "name": name,
        "physicalName": source_name,
        "businessName": name,
        "description": name,
        "logicalType": logical,
        "classification": "L1" if treatment == "keep" else "L3",
        "required": is_key or type_ in ("DATE", "TIMESTAMPTZ"),
        "customProperties": [{"property": key, "value": value} for key, value in own.items()],
    } | ({"primaryKey": True, "primaryKeyPosition": 1} if is_key else {})


def defects(*records: tuple[int, str]) -> str:
    """A file of defects: number and title."""
    return "Id,Title,Cost,Caller,Note\n" + "".join(f"{number},{title},1.50,555-0100,n\n" for number, title in records)


def crashes(day: date, *records: tuple[int, str]) -> str:
    """A file of crashes of a day: number and place."""
    return "Id,Day,Place\n" + "".join(f"{number},{day},{place}\n" for number, place in records)


def areas(*records: tuple[int, str]) -> str:
    """A file of areas: code and name."""
    features = [
        {"type": "Feature", "properties": {"code": code, "name": name}, "geometry": None} for code, name in records
    ]
    return json.dumps({"type": "FeatureCollection", "features": features})


# ---- the state of a home ---------------------------------------------------------------------------------------------

_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
_NUMBER = re.compile(r"\d{6,}")


def rows(settings: Settings, dataset: str) -> list[tuple[Any, ...]]:
    """Everything an accepted table holds but the times of landing, in an order of its own."""
    contract = next(c for c in load_contracts(settings) if c.dataset == dataset)
    files = open_warehouse(settings).readable(file.path for file in Tables(settings).pin(contract).files)
    if not files:
        return []
    with duckdb.connect() as connection:
        return connection.execute(
            "SELECT ds, * EXCLUDE (ds, _landed_at) "
            "FROM read_parquet(?, hive_partitioning = false, union_by_name = true) ORDER BY ALL",
            [files],
        ).fetchall()


def told(settings: Settings) -> list[tuple[Any, ...]]:
    """Events without what a clock or a random number decides."""
    found = []
    for event in Ledger(settings).events():
        payload = {
            key: value for key, value in event.payload.items() if not key.endswith("at") and key != "snapshot_id"
        }
        found.append((event.kind, event.subject, json.dumps(payload, sort_keys=True)))
    return sorted(found)


def is_rebuilt_alike(settings: Settings) -> bool:
    """Whether the ledger made again from the files equals the kept one, times and ids included."""
    kept = Ledger(settings).events()
    Ledger(settings).rebuild()
    return Ledger(settings).events() == kept


def inventory(home: Path) -> Counter[str]:
    """Every file's path, what is random in it left out."""
    return Counter(
        _NUMBER.sub("#", _UUID.sub("#", str(path.relative_to(home))))
        for path in home.rglob("*")
        if path.is_file() or path.is_symlink()
    )


def state(settings: Settings) -> dict[str, Any]:
    """All that must be the same after any kill, upkeep done."""
    from lake.upkeep import upkeep

    found: dict[str, Any] = {"events": told(settings), "rebuilt alike": is_rebuilt_alike(settings)}
    for contract in load_contracts(settings):
        found[contract.dataset] = rows(settings, contract.dataset)
        found[f"quarantine of {contract.dataset}"] = [
            record.as_dict() for record in quarantine.show(settings, contract.dataset)
        ]
    accounts = reconcile(settings)
    found["reconciled"] = [account.as_dict() for account in accounts]
    found["unaccounted"] = [account for account in accounts if account.unaccounted]
    upkeep(settings, date(2023, 4, 1), older_than=timedelta(0))
    found["files"] = inventory(settings.home)
    return found
