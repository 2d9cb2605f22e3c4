"""Small deliveries for the tests of admission: contracts by hand, files landed by the real landing."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from lake.admission import Admitted, HeldContent, Suite, admit
from lake.connectors import FetchedFile
from lake.contracts.model import Cadence, Column, Contract, Mode, Source, Treatment, Window, Withdrawal
from lake.landing import Landed, land
from lake.settings import Settings

HEADER = "Id,Opened,Title,Cost,Caller,Note"
COLUMNS = (
    Column("id", "Id", "BIGINT", 1, required=True, key_position=1),
    Column("opened_at", "Opened", "TIMESTAMPTZ", 2, format="%m/%d/%Y %I:%M:%S %p", required=True),
    Column("title", "Title", "VARCHAR", 3),
    Column("cost", "Cost", "DECIMAL(9,2)", 4),
    Column("caller", "Caller", "VARCHAR", 5, treatment=Treatment.HMAC, purpose="caller"),
    Column("note", "Note", "VARCHAR", 6, treatment=Treatment.DROP),
)
NO_SUITE = Suite(Path("none.yaml"))
DAY = date(2023, 3, 1)


def contract(connector: str = "csv_files", mode: Mode = Mode.CHANGES, **changes: Any) -> Contract:
    """A contract of the department `dep`; by default of daily CSV drops without a cursor."""
    arguments = {
        "csv_files": {"pattern": "drop_{day:%Y%m%d}.csv"},
        "http_json": {"path": "/x"},
        "excel_files": {"pattern": "book_{day:%Y-%m}.xlsx"},
        "geojson_files": {"pattern": "map_{day:%Y-%m}.geojson"},
        "postgres": {"table": "public.thing"},
    }.get(connector, {"pattern": "drop_{day:%Y%m%d}.dat"})
    given: dict[str, Any] = {
        "dataset": "queens.dep.thing",
        "version": "1.0.0",
        "valid_from": date(2020, 1, 1),
        "title_zh": "事",
        "title_en": "thing",
        "owner": "Dep",
        "mode": mode,
        "cadence": Cadence.DAILY,
        "zone": "America/New_York",
        "source": Source(connector, "drop", changes.pop("arguments", arguments)),
        "columns": COLUMNS,
        "withdrawal": Withdrawal.UNSEEN,
    }
    return Contract(**given | changes)


def deliver(settings: Settings, made: Contract, files: Mapping[date, bytes], window: Window | None = None) -> Landed:
    """Drop files and land them."""
    folder = settings.home.parent / "drop"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for day, content in files.items():
        (folder / made.source.arguments["pattern"].format(day=day)).write_bytes(content)
    with_drop = dataclasses.replace(settings, environment={"CITYBRAIN_CONN_DROP": f"file://{folder}"})
    return land(made, window or Window(min(files), max(files)), with_drop)


def csv(*lines: str, header: str = HEADER) -> bytes:
    return ("\n".join([header, *lines]) + "\n").encode()


def line(number: int, *, cost: str = "1.50", title: str = "t", opened: str = "03/01/2023 09:00:00 AM") -> str:
    return f"{number},{opened},{title},{cost},555-0100,n"


def pages(settings: Settings, made: Contract, window: Window, *items: Iterable[Mapping[str, Any]]) -> Landed:
    """Pages of an API as they are landed."""
    texts = [json.dumps({"items": list(page), "total": 0}) for page in items]
    return by_hand(
        settings,
        made,
        window,
        {f"page-{n:05}.json": (t.encode(), len(list(p))) for n, (t, p) in enumerate(zip(texts, items, strict=True), 1)},
    )


def by_hand(settings: Settings, made: Contract, window: Window, files: Mapping[str, tuple[bytes, int]]) -> Landed:
    """A delivery as landing leaves it, second counts given."""
    digest = f"{abs(hash(tuple(files.values()))):016x}"[:16]
    folder = settings.landing / made.department / made.name / f"{window.first}-{digest}"
    (folder / "files").mkdir(parents=True, exist_ok=True)
    fetched = []
    for name, (content, records) in files.items():
        (folder / "files" / name).write_bytes(content)
        fetched.append(FetchedFile(name, None, "", len(content), records))
    return Landed(
        made, window, folder.name, folder, tuple(fetched), sum(f.records for f in fetched), (), True, datetime.now(UTC)
    )


def run(landed: Landed, settings: Settings, held: HeldContent | None = None, **options: Any) -> Admitted:
    """Admit without a suite."""
    return admit(landed, held or HeldContent(), settings, suite=options.pop("suite", NO_SUITE), **options)


def rows(paths: Iterable[Path], columns: str = "*") -> list[tuple[Any, ...]]:
    """Rows of Parquet files, by address."""
    names = [str(path) for path in paths]
    if not names:
        return []
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(
            f"SELECT {columns} FROM read_parquet(?, hive_partitioning = false) ORDER BY _file, _record", [names]
        ).fetchall()


def quarantine_file(settings: Settings, admitted: Admitted) -> Path:
    made = admitted.landed.contract
    return settings.quarantine / made.department / made.name / f"{admitted.landed.delivery}.parquet"


def quarantined(settings: Settings, admitted: Admitted) -> dict[tuple[str, int], list[str]]:
    """Address to reasons."""
    path = quarantine_file(settings, admitted)
    found = rows([path], "_file, _record, reasons") if path.exists() else []
    return {(file, record): reasons for file, record, reasons in found}


def unchanged(settings: Settings, admitted: Admitted) -> list[tuple[str, int]]:
    path = quarantine_file(settings, admitted)
    path = path.with_name(f"{admitted.landed.delivery}.unchanged.parquet")
    return rows([path], "_file, _record") if path.exists() else []


def totals(admitted: Admitted) -> tuple[int, int, int, int]:
    """Delivered, accepted, quarantined, unchanged."""
    return tuple(  # type: ignore[return-value]
        sum(getattr(day, name) for day in admitted.days)
        for name in ("delivered", "accepted", "quarantined", "unchanged")
    )


def commit(admitted: Admitted, settings: Settings, held: HeldContent | None = None) -> HeldContent:
    """What the lake holds once this delivery is committed: its files moved away, its quarantine listed."""
    before = held or HeldContent()
    table = settings.tables / admitted.landed.delivery
    table.mkdir(parents=True, exist_ok=True)
    kept = []
    for path in admitted.staged:
        kept.append(table / f"{path.parent.name}-{path.name}")
        path.rename(kept[-1])
    (admitted.landed.folder / "commit.json").write_text("{}")
    mine = quarantine_file(settings, admitted)
    return HeldContent(
        files=(*before.files, *map(str, kept)),
        quarantine_files=tuple(sorted({*before.quarantine_files, *([mine] if mine.exists() else [])})),
        live_digests={**before.live_digests, **{day.day: day.digest for day in admitted.days}},
    )
