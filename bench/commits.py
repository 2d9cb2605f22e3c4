"""Commit and plan time of an accepted table as its history grows: day 1, 400 and 3,650, one commit a day.

A commit must cost the new day, not the history. Each day is one file of the given number of records; upkeep (expiry
and purge) runs every 30 days as in production. Compared in the same run with writing and fsyncing the bare file.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

from lake.contracts.model import Cadence, Column, Contract, Mode, Source, Withdrawal
from lake.engine import connect
from lake.settings import Settings
from lake.tables import Tables, table_columns

CONTRACT = Contract(
    "bench.city.daily", "1.0.0", date(2016, 1, 1), "", "", "", Mode.DAY, Cadence.DAILY, "Asia/Shanghai",
    Source("csv_files", "none"), (Column("id", "ID", "BIGINT", 1, key_position=1), Column("v", "V", "DECIMAL(18,4)", 2)),
    Withdrawal.UNSEEN,
)  # fmt: skip


def main() -> None:
    """Run and print one JSON object a checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=3650)
    parser.add_argument("--records", type=int, default=200)
    parser.add_argument("--window", type=int, default=20, help="commits averaged at a checkpoint")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.from_environment({"CITYBRAIN_HOME": folder})
        settings.make_home()
        tables = Tables(settings)
        ids = ", ".join(f'"{name}": {number}' for name, _, number in table_columns(CONTRACT))
        commits: list[float] = []
        bare: list[float] = []
        with connect(settings) as duck:
            for number in range(arguments.days):
                day = date(2016, 1, 1) + timedelta(days=number)
                staged = settings.staging / "bench" / f"ds={day}" / "part.parquet"
                staged.parent.mkdir(parents=True, exist_ok=True)
                duck.execute(
                    f"COPY (SELECT i::BIGINT AS id, (i * 1.5)::DECIMAL(18,4) AS v, DATE '{day}' AS ds, 'd' AS _delivery, "
                    "'f' AS _file, i::BIGINT AS _record, md5(i::VARCHAR) AS _digest, TIMESTAMPTZ '2026-01-01' AS _landed_at "
                    f"FROM range({arguments.records}) r(i)) TO '{staged}' (FORMAT parquet, FIELD_IDS {{{ids}}})"
                )
                bare.append(_write_bare(staged))
                started = time.perf_counter()
                tables.commit(
                    CONTRACT, [staged], delivery=str(day), replace_days=[day],
                    expected_snapshot=tables.snapshot_id(CONTRACT),
                )  # fmt: skip
                commits.append(time.perf_counter() - started)
                if number % 30 == 29:
                    tables.expire(CONTRACT)
                    tables.purge(CONTRACT, pinned=(), older_than=timedelta(0))
                if number + 1 in (arguments.window, 400, arguments.days):
                    _report(tables, number + 1, commits[-arguments.window :], bare[-arguments.window :])


def _write_bare(staged: Path) -> float:
    content = staged.read_bytes()
    started = time.perf_counter()
    with (staged.parent / "bare").open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    elapsed = time.perf_counter() - started
    (staged.parent / "bare").unlink()
    return elapsed


def _report(tables: Tables, days: int, commits: list[float], bare: list[float]) -> None:
    started = time.perf_counter()
    pin = tables.pin(CONTRACT)
    plan = time.perf_counter() - started
    size = sum(path.stat().st_size for path in (Path(tables.location(CONTRACT)) / "metadata").iterdir())
    print(
        json.dumps(
            {
                "days": days,
                "commit_s": round(statistics.median(commits), 4),
                "plan_s": round(plan, 4),
                "files": len(pin.files),
                "metadata_bytes": size,
                "bare_write_s": round(statistics.median(bare), 5),
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()
