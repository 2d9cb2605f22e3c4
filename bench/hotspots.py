"""Where next year's crashes will be and how many appeals next week brings, on the real Queens data, beside naive peers.

    python bench/hotspots.py

Collisions: each score is fitted on two years, then asked for the 5 % of the cells in which it expects most of the year after.
The peer is what a city does without a method: the cells that had most crashes last year. Appeals: forecasts of the
next seven days from weekly origins over the last two years, the peer is the same weekday of the week before.
"""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
SAMPLES = Path(__file__).resolve().parents[1] / "samples" / "queens"
SHARE, METRES_PER_DEGREE, LATITUDE = 0.05, 111_320.0, 41
EVENTS = ("fit: two years", "last year alone")


def originals(archive: str, columns: str) -> Any:
    """Rows of a sample's CSV as numpy columns."""
    import duckdb

    with zipfile.ZipFile(SAMPLES / archive) as packed:
        (member,) = [m for m in packed.namelist() if m.endswith(".csv") and not m.startswith("__MACOSX")]
        path = Path("/dev/shm" if Path("/dev/shm").is_dir() else ".") / f"bench-{archive}.csv"
        path.write_bytes(io.BytesIO(packed.read(member)).getvalue())
    try:
        duck = duckdb.connect()
        return duck.sql(f"SELECT {columns} FROM read_csv('{path}', all_varchar = true)").fetchnumpy()
    finally:
        path.unlink()


def collisions(cell_m: float) -> tuple[Any, Any, Any, Any]:
    """Crashes per cell (with any in the years of fitting) and year: columns and rows of the cells, counts, all by year."""
    table = originals(
        "Motor_Vehicle_Collisions_-_Crashes.csv.zip",
        'year(strptime("CRASH DATE", \'%m/%d/%Y\')) AS year_no, try_cast("LATITUDE" AS DOUBLE) AS latitude, '
        'try_cast("LONGITUDE" AS DOUBLE) AS longitude',
    )
    year, latitude, longitude = (
        np.ma.filled(table[n].astype(float), np.nan) for n in ("year_no", "latitude", "longitude")
    )
    placed = (latitude > 40) & (latitude < 41.5) & (longitude < -73)
    x = np.floor(longitude[placed] * METRES_PER_DEGREE * np.cos(np.radians(LATITUDE)) / cell_m).astype(int)
    y = np.floor(latitude[placed] * METRES_PER_DEGREE / cell_m).astype(int)
    cells, at = np.unique(np.column_stack([x, y]), axis=0, return_inverse=True)
    counts = np.zeros((len(cells), 3))
    for i, number in enumerate((2020, 2021, 2022)):
        counts[:, i] = np.bincount(at.ravel()[year[placed] == number], minlength=len(cells))
    known = counts[:, :2].sum(axis=1) > 0
    return cells[known, 0], cells[known, 1], counts[known], counts.sum(axis=0)


def hit_rates(cell_m: float) -> list[tuple[str, float, float]]:
    from lake.methods import hotspots, roads

    x, y, counts, whole = collisions(cell_m)
    neighbours = hotspots.cell_neighbours(x, y)
    two, last, came = counts[:, :2].sum(axis=1), counts[:, 1], counts[:, 2]
    around = np.array(
        [two[neighbours.neighbors[i]].mean() if neighbours.neighbors[i] else two.mean() for i in range(len(two))]
    )
    expected, _ = roads.expected_crashes(
        two, np.maximum(around, 0.5) / 2, years=2, overdispersion=roads.overdispersion_of(two) / 2
    )
    metres_x, metres_y = (x + 0.5) * cell_m, (y + 0.5) * cell_m
    density = hotspots.kernel_density(
        np.repeat(metres_x, two.astype(int)), np.repeat(metres_y, two.astype(int)), metres_x, metres_y, bandwidth_m=500
    )
    scores = {
        "naive peer: most last year": last,
        "most in two years": two,
        "empirical Bayes, drawn to the cells around": expected,
        "Gi*": hotspots.getis_ord(two, neighbours).z,
        "kernel density, 500 m": density,
    }
    rows = []
    for name, score in scores.items():
        found = hotspots.prediction_accuracy(score, came, top_share=SHARE)
        # Crashes in cells that never had one are misses of every method.
        hit = found.hit_rate * came.sum() / whole[2]
        rows.append((name, hit, hit / found.area_share))
    return rows


def forecasts() -> list[tuple[str, Any]]:
    import datetime

    from lake.methods import forecast

    rows = []
    for archive, name in (("311.csv.zip", "requests to 311"), ("SCOUT.csv.zip", "street defects")):
        table = originals(archive, "CAST(strptime(\"Created Date\", '%m/%d/%Y %I:%M:%S %p') AS DATE) AS day_on")
        days = table["day_on"].astype("datetime64[D]").astype(int)
        first = int(np.datetime64("2020-01-01").astype(int))
        values = np.bincount(days - first, minlength=int(days.max()) - first + 1).astype(float)
        is_holiday = holidays_of(first, len(values), datetime)
        none = np.zeros(len(values), dtype=bool)
        window = 392
        tested = []
        for step in range(1, 105):
            end = len(values) - (step - 1) * 7
            part = slice(max(0, end - window), end)
            found = forecast.back_test(
                values[part], is_holiday[part], none[part], forecast.stl_ets, horizon=7, origins=1, least=56
            )
            if found is not None:
                tested.append((found.mase, found.naive_mase, found.smape, found.covered))
        rows.append((name, np.array(tested)))
    return rows


def holidays_of(first: int, n: int, datetime: Any) -> Any:
    import csv

    seed = Path(__file__).resolve().parents[1] / "dbt_project" / "seeds" / "queens" / "holiday.csv"
    with seed.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    column = next(name for name in rows[0] if name.endswith("_on") or name == "date")
    flags = np.zeros(n, dtype=bool)
    for row in rows:
        at = int(np.datetime64(row[column]).astype(int)) - first
        if 0 <= at < n and row.get("is_makeup_workday", "false").lower() != "true":
            flags[at] = True
    return flags


def main() -> None:
    for cell_m in (500.0, 250.0):
        print(f"\n## Collisions of Queens 2022 in the {SHARE:.0%} of {cell_m:.0f} m cells chosen from 2020 and 2021\n")
        print("| score | hit rate | PAI | to the naive peer |\n|---|---|---|---|")
        rows = hit_rates(cell_m)
        for name, hit, pai in rows:
            print(f"| {name} | {hit:.1%} | {pai:.2f} | {pai / rows[0][2]:.3f} |")
    print("\n## Seven days ahead, 104 weekly origins to 2023-04, learning from 56 weeks\n")
    print("| series | MASE | seasonal naive | ratio | sMAPE | inside the 80 % interval |\n|---|---|---|---|---|---|")
    for name, table in forecasts():
        mase, naive, smape, covered = np.nanmean(table, axis=0)
        print(f"| {name} | {mase:.3f} | {naive:.3f} | {mase / naive:.3f} | {smape:.1%} | {covered:.1%} |")


if __name__ == "__main__":
    main()
