"""The truth store: dirt and versions, windows and cut-off, the standards' own test numbers, the page."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from demo_city.columns import Columns
from demo_city.days import Days
from demo_city.departments.protocol import Dataset, Pattern, Rows, Source, Table
from demo_city.truth import document, indicators, leads, read_truth, write_truth
from demo_city.truth.dirt import dirt_of
from demo_city.truth.indicators.environment import aqi, iaqi
from demo_city.truth.indicators.frame import Frame, MissingEvents, wilson
from demo_city.truth.indicators.governance import gini
from demo_city.truth.indicators.health import ears_c2, farrington
from demo_city.truth.indicators.safety import level
from demo_city.truth.windows import windows_of
from demo_city.world import World
from lake.settings import PROJECT_ROOT

DAYS = Days(date(2026, 6, 1), date(2026, 6, 30))


@pytest.fixture(scope="module")
def world() -> World:
    return World(2, 0.01)


def _table(**columns: object) -> pa.Table:
    return pa.table({name: pa.array(values) for name, values in columns.items()})


def _versions(world: World, days: Days) -> Rows:
    """Case n is written on June n and n + 3, and goes on June 20; its second version is dirty."""
    day = days.array
    n = (day - np.datetime64("2026-06-01")).astype(int) + 1
    rows = [(on, f"C{case}", state) for on, number in zip(day, n, strict=True)
            for case, state in ((number, "new"), (number - 3, "done")) if case >= 1]  # fmt: skip
    rows += [(day[n == 20][0], f"C{case}", "gone") for case in range(1, 6)] if (n == 20).any() else []
    rows.sort(key=lambda row: row[0])
    dirty = [at for at, row in enumerate(rows) if row[2] == "done"]
    return Rows(
        pa.table({"NO": [row[1] for row in rows], "_day": np.array([row[0] for row in rows]),
                  "_is_deleted": [row[2] == "gone" for row in rows]}),
        pa.table({"row": pa.array(dirty, pa.int64()), "pattern": ["odd"] * len(dirty),
                  "key": [rows[at][1] for at in dirty]}),
    )  # fmt: skip


CASES = Dataset("S01", "linlan.trial.case", "试验", Table("case", ("NO",)), _versions,
                (Pattern("odd", "It is odd.", 0.5, "warning", "not_odd", "no"),))  # fmt: skip


def test_versions_of_a_table_that_is_written_over(world: World) -> None:
    """Whatever the pieces: who reads at the end of a day sees the versions of then, and the dirt among them."""
    whole, in_pieces = dirt_of(world, CASES, DAYS, 30), dirt_of(world, CASES, DAYS, 4)
    assert whole.written == in_pieces.written
    assert whole.dirt == in_pieces.dirt
    written, dirt = whole.written.to_pylist(), whole.dirt.to_pylist()
    for looked_on in (date(2026, 6, 2), date(2026, 6, 19), date(2026, 6, 25)):
        seen = [row for row in written if row["day"] <= looked_on < (row["replaced_on"] or date.max)]
        cases = looked_on.day - (5 if looked_on.day >= 20 else 0)
        assert sum(row["rows_n"] for row in seen) == cases
        odd = {row["key"] for row in dirt if row["day"] <= looked_on < (row["replaced_on"] or date.max)}
        assert odd == {f"C{case}" for case in range(1, looked_on.day - 2) if looked_on.day < 20 or case > 5}
    assert [row["row_no"] for row in dirt[:3]] == [2, 2, 2]


def test_dirt_that_is_not_declared_is_refused(world: World) -> None:
    bare = Dataset("S01", "linlan.trial.case", "试验", Table("case", ("NO",)), _versions)
    with pytest.raises(ValueError, match="not declared: odd"):
        dirt_of(world, bare, DAYS, 30)


def _cases(world: World, days: Days) -> dict[str, pa.Table]:
    """One case a day in the first active township; every fifth is known a week late, one never."""
    township = np.flatnonzero(world.city.township["is_active"])[0]
    at = days.array.astype("datetime64[s]") + np.timedelta64(9, "h")
    delivered = days.array + np.where(np.arange(len(at)) % 5 == 0, 7, 0)
    delivered[at == np.datetime64("2026-06-09T09:00:00")] = np.datetime64("NaT")
    return {"hotline_case": _table(accepted_at=at, township_i=np.full(len(at), township), delivered_on=delivered,
                                   case_no=np.arange(len(at)).astype(str), is_real=at != at[-1])}  # fmt: skip


def test_known_at_the_cut_off_final_and_recoverable(world: World, tmp_path: Path) -> None:
    source = Source("S01", "试验", (CASES,), _cases)
    write_truth(world, DAYS, tmp_path, sources=[source], indicators=["I01"], leads=[])
    with read_truth(tmp_path) as truth:
        weeks = truth.execute(
            "SELECT first_on, value_known, value_final, is_recoverable FROM indicator WHERE part = 'accepted' "
            "AND window_kind = 'week' AND scope = 'city' ORDER BY first_on"
        ).fetchall()
        # Mondays 1, 8, 15, 22 June; late: 1, 6, 11, 16, 21, 26, the last one after the last day; never: 9.
        assert [(day.day, known, final, is_so) for day, known, final, is_so in weeks] == [
            (1, 5, 7, True), (8, 5, 7, False), (15, 5, 7, True), (22, 6, 7, False)
        ]  # fmt: skip
        month = truth.execute(
            "SELECT scope, count(*), sum(value_final), max(value_known) FROM indicator WHERE part = 'accepted' "
            "AND window_kind = 'month' GROUP BY scope ORDER BY scope"
        ).fetchall()
        counties, townships = len(set(world.city.township["county_i"])), int(world.city.township["is_active"].sum())
        # The last day's is no real case; of the 29 the ones of 9 and 26 June are not known by the end of the month.
        assert month == [("city", 1, 29, 27), ("county", counties, 29, 27), ("township", townships, 29, 27)]
        assert truth.execute("SELECT count(*) FROM lead_model").fetchone() == (130,)


def test_an_indicator_without_its_source_is_an_error(world: World, tmp_path: Path) -> None:
    source = Source("S01", "试验", (CASES,), _cases)
    with pytest.raises(MissingEvents, match="I05 cannot be computed: no source gives the events 'crash'"):
        write_truth(world, DAYS, tmp_path, sources=[source], indicators=["I05"], leads=[])
    frame = Frame(world, DAYS, _cases(world, DAYS))
    with pytest.raises(MissingEvents, match="no column dispatched_at, closed_at, is_direct"):
        indicators.compute(frame, ("I02",))


def test_windows() -> None:
    days = Days(date(2025, 5, 27), date(2026, 6, 30))
    first = {kind: str(windows_of(kind, days).first[0]) for kind in ("day", "week", "month", "quarter", "year")}
    assert first == {"day": "2025-05-27", "week": "2025-06-02", "month": "2025-06-01", "quarter": "2025-07-01",
                     "year": "2025-06-01"}  # fmt: skip
    assert [windows_of(kind, days).n for kind in first] == [400, 56, 13, 4, 2]
    weeks = windows_of("week", DAYS)
    on = np.array(["2026-05-31", "2026-06-07T23:59", "2026-06-29", "NaT"], "datetime64[s]")
    assert weeks.holding(on).tolist() == [-1, 0, -1, -1]


@pytest.mark.parametrize(
    ("standard", "concentration", "expected"),
    [("HJ 633-2026", 35, 50), ("HJ 633-2026", 36, 52), ("HJ 633-2026", 60, 100), ("HJ 633-2026", 61, 101),
     ("HJ 633-2026", 115, 150), ("HJ 633-2012", 75, 100), ("HJ 633-2012", 60, 82)],
)  # fmt: skip
def test_iaqi_of_the_standards(standard: str, concentration: float, expected: int) -> None:
    assert iaqi(np.array([float(concentration)]), "PM2.5", standard)[0] == expected


def test_aqi_of_one_day_by_both_standards() -> None:
    day = {"PM2.5": 68.0, "PM10": 110.0, "SO2": 9.0, "NO2": 38.0, "CO": 0.8, "O3": 142.0, "O3_1h": 142.0}
    values = {item: np.array([value]) for item, value in day.items()}
    assert [aqi(values, standard)[0][0] for standard in ("HJ 633-2012", "HJ 633-2026")] == [92, 108]
    assert iaqi(np.array([900.0]), "O3", "HJ 633-2026")[0] == 300
    assert np.isnan(iaqi(np.array([900.0]), "O3", "HJ 633-2012")[0])


def test_farrington_and_ears(monkeypatch: pytest.MonkeyPatch) -> None:
    """A steady series: the bound by hand. φ = 1, Var(μ) = φ μ / n, and no trend."""
    counts = np.full(300, 16)
    mu, bound = farrington(counts, 299)
    n = 5 * 7
    tau = 1 + 16 / n / 16
    assert mu == pytest.approx(16)
    assert bound == pytest.approx(16 * (1 + 2 / 3 * 2.58 * (tau / 16) ** 0.5) ** 1.5)
    outbreak = counts.copy()
    outbreak[299 - 52] = 400
    weighted = farrington(outbreak, 299)
    monkeypatch.setattr("demo_city.truth.indicators.health.REWEIGHT", np.inf)
    plain = farrington(outbreak, 299)
    assert weighted[0] < 18 < 26 < plain[0]  # a week of an old outbreak hardly counts
    assert weighted[1] < 0.8 * plain[1]
    assert np.isnan(farrington(counts, 100)[0])
    week = np.array([4, 6, 5, 5, 4, 6, 5, 9, 9, 12])
    baseline = np.array([4, 6, 5, 5, 4, 6, 5])
    assert ears_c2(week, 9) == pytest.approx((12 - baseline.mean()) / baseline.std(ddof=1))


def test_small_formulas() -> None:
    low, high = wilson(7.0, 12.0)
    assert (round(low, 2), round(high, 2)) == (0.32, 0.81)
    assert gini([1, 1, 1, 1]) == 0
    assert gini([0, 0, 0, 8]) == 0.75
    graded = level(np.array([0, 3, 10, 30, 0, 0]), np.array([9, 0, 0, 0, 50, 0]), np.array([0, 0, 0, 0, 0, 10000]))
    assert graded.tolist() == [4, 3, 2, 1, 2, 1]


def test_true_leads_follow_from_the_chains(world: World) -> None:
    """Every row of W118 again, by hand: three calls about one building within sixty days, before its event."""
    days = Days(date(2024, 6, 1), date(2027, 6, 30))
    found = leads.true_leads(world, days, Frame(world, days, {}), []).to_pylist()
    of = [row for row in found if row["model_id"] == "W118"]
    steps = world.life.steps
    expected = {}
    for chain in np.unique(steps["chain_no"][steps["kind"] == "dispute"]):
        own = steps.where((steps["chain_no"] == chain) & (steps["what"] == "dispute_call"))
        at = np.sort(own["at"])
        met = [at[n] for n in range(2, len(at)) if at[n] - at[n - 2] <= np.timedelta64(60, "D")]
        if met:
            expected[int(chain)] = met[0].astype("datetime64[D]").item()
    within = {number: on for number, on in expected.items() if date(2024, 6, 1) <= on <= date(2027, 6, 30)}
    assert len(within) > 3
    assert {row["chain_no"]: row["true_from_on"] for row in of} | within == {
        row["chain_no"]: row["true_from_on"] for row in of
    }
    assert all(row["event_at"].date() == row["true_until_on"] for row in of)
    assert len(leads.models()) == 130


def test_the_page_is_current() -> None:
    """Run `python -m demo_city.truth.document` when it is not."""
    assert document.PAGE == PROJECT_ROOT / "docs" / "explanation" / "demo-city-truth.md"
    assert document.PAGE.read_text(encoding="utf-8") == document.page()


def test_columns_of_every_table_are_said() -> None:
    from demo_city.truth.schema import TABLES

    assert all(column.meaning.endswith(".") for table in TABLES.values() for column in table.columns)
    assert Columns().rows_n == 0
