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
        held = table_columns(CONTRACT)
        ids = ", ".join(f'"{name}": {number}' for name, _, number in held)
        commits: list[float] = []
        plans: list[float] = []
        bare: list[float] = []
        with connect(settings) as duck:
            for number in range(arguments.days):
                day = date(2016, 1, 1) + timedelta(days=number)
                staged = settings.staging / "bench" / f"ds={day}" / "part.parquet"
                staged.parent.mkdir(parents=True, exist_ok=True)
                given = {"id": "i", "v": "i * 1.5", "ds": f"'{day}'", "_delivery": "'d'", "_file": "'f'", "_record": "i",
                         "_digest": "md5(i::VARCHAR)", "_landed_at": "'2026-01-01'"}  # fmt: skip
                cells = ", ".join(f"({given.get(name, 'NULL')})::{kind} AS {name}" for name, kind, _ in held)
                duck.execute(
                    f"COPY (SELECT {cells} FROM range({arguments.records}) r(i)) "
                    f"TO '{staged}' (FORMAT parquet, FIELD_IDS {{{ids}}})"
                )
                bare.append(_write_bare(staged))
                started = time.perf_counter()
                tables.commit(
                    CONTRACT, [staged], delivery=str(day), replace_days=[day],
                    expected_snapshot=tables.snapshot_id(CONTRACT),
                )  # fmt: skip
                commits.append(time.perf_counter() - started)
                started = time.perf_counter()
                tables.pin(CONTRACT)
                plans.append(time.perf_counter() - started)
                if number % 30 == 29:
                    tables.expire(CONTRACT)
                    tables.purge(CONTRACT, pinned=(), older_than=timedelta(0))
                if number + 1 in (arguments.window, 400, arguments.days):
                    _report(tables, number + 1, commits[-arguments.window :], bare[-arguments.window :])
        if arguments.days >= 200:
            _report_growth(commits, plans)


def _report_growth(commits: list[float], plans: list[float]) -> None:
    """Last fifty against first fifty, the very first left out: it makes the table."""
    ratios = {
        f"{what}_last50_to_first50": round(statistics.median(times[-50:]) / statistics.median(times[1:51]), 2)
        for what, times in (("commit", commits), ("plan", plans))
    }
    print(json.dumps(ratios), flush=True)


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
