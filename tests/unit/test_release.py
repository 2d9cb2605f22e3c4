"""Open data: no withheld count can be computed from what is shown, and a month leaves once."""

from __future__ import annotations

import csv
import json
import random
from datetime import date
from itertools import product
from pathlib import Path

import briefs_city
import duckdb
import pytest

from lake.release import ReleaseRefused, Table, attack, audit, open_tables, release, suppress
from lake.release.open_data import Rule, rule_of
from lake.release.suppression import small_cells
from lake.settings import PROJECT_ROOT, Settings

K = 5


def town(counts: dict[str, list[int]]) -> Table:
    """Townships within counties within a city."""
    cells = {f"{county}{i}": n for county, parts in counts.items() for i, n in enumerate(parts)}
    sums = {county: [f"{county}{i}" for i in range(len(parts))] for county, parts in counts.items()}
    cells |= {county: sum(parts) for county, parts in counts.items()}
    cells["city"] = sum(cells[county] for county in counts)
    return Table(cells, {**sums, "city": list(counts)})


def grid(rows: int, columns: int, dice: random.Random) -> Table:
    """A table of two dimensions with both margins and the grand total."""
    inner = {(i, j): int(dice.paretovariate(0.7)) - 1 for i, j in product(range(rows), range(columns))}
    cells = {f"{i},{j}": n for (i, j), n in inner.items()}
    cells |= {f"{i},*": sum(inner[i, j] for j in range(columns)) for i in range(rows)}
    cells |= {f"*,{j}": sum(inner[i, j] for i in range(rows)) for j in range(columns)}
    cells["*,*"] = sum(inner.values())
    sums = {f"{i},*": [f"{i},{j}" for j in range(columns)] for i in range(rows)}
    sums |= {f"*,{j}": [f"{i},{j}" for i in range(rows)] for j in range(columns)}
    sums["*,*"] = [f"{i},*" for i in range(rows)]
    return Table(cells, sums)


def attacked(table: Table, withheld: set[str]) -> dict[str, tuple[float, float]]:
    shown = {cell: None if cell in withheld else value for cell, value in table.counts.items()}
    return attack(shown, table.sums, sorted(small_cells(table, K)))


def test_the_difference_of_totals_gives_a_lone_small_count_away() -> None:
    table = town({"a": [40, 3, 25], "b": [12, 9, 30]})
    assert small_cells(table, K) == {"a1"}
    assert attacked(table, {"a1"}) == {"a1": (3, 3)}
    withheld = suppress(table, K)
    assert {"a1"} < withheld
    least, most = attacked(table, withheld)["a1"]
    assert least == pytest.approx(0) and most >= K
    assert "a" not in withheld and "city" not in withheld, "the cheapest neighbour is enough"


def test_two_small_counts_beside_each_other_still_need_a_third() -> None:
    table = town({"a": [40, 1, 1], "b": [12, 9, 30]})
    assert attacked(table, {"a1", "a2"})["a1"][1] == 2, "both lie between 0 and 2: too narrow"
    assert attacked(table, suppress(table, K))["a1"][1] >= K


def test_a_small_total_is_withheld_with_its_parts() -> None:
    table = town({"a": [0, 2, 0], "b": [60, 70, 80]})
    withheld = suppress(table, K)
    assert {"a", "a1"} <= withheld
    assert all(least == pytest.approx(0) and most >= K for least, most in attacked(table, withheld).values())


@pytest.mark.parametrize("seed", range(6))
def test_no_outsider_narrows_a_small_count_in_random_tables(seed: int) -> None:
    dice = random.Random(seed)
    nested = {chr(97 + i): [int(dice.paretovariate(0.8)) - 1 for _ in range(9)] for i in range(5)}
    for table in (town(nested), grid(6, 5, dice)):
        withheld = suppress(table, K)
        small = small_cells(table, K)
        assert small <= withheld
        for cell, (least, most) in attacked(table, withheld).items():
            assert least == pytest.approx(0, abs=1e-6) and most >= K - 1e-6, (cell, least, most)


def test_one_contributor_who_is_most_of_a_cell_is_withheld_whatever_the_count() -> None:
    table = town({"a": [40, 30, 25], "b": [12, 9, 30]})
    told = Table(table.counts, table.sums, dominance={"a0": 0.95, "a1": 0.2})
    withheld = suppress(told, K, dominant=0.85)
    assert "a0" in withheld
    shown = {cell: None if cell in withheld else value for cell, value in table.counts.items()}
    least, most = attack(shown, table.sums, ["a0"])["a0"]
    assert (least, most >= 80) == (pytest.approx(0), True)


def test_tables_that_do_not_add_up_are_refused() -> None:
    table = town({"a": [4, 5], "b": [6, 7]})
    with pytest.raises(ValueError, match="add up"):
        suppress(Table({**table.counts, "city": 99}, table.sums), K)
    with pytest.raises(ValueError, match="negative"):
        suppress(Table({**table.counts, "a0": -4}, table.sums), K)


# --- files ------------------------------------------------------------------------------------------------------------

_ABOUT = """
CREATE TABLE about.open_data AS SELECT 'overview' AS schema, 'city_daily' AS name, '月度数' AS title_zh,
  'appeals_n, crashes_n' AS measures;
CREATE TABLE about.models AS SELECT 'overview' AS schema, 'city_daily' AS name, 'one row per day' AS grain,
  'command centre' AS owner;
ALTER TABLE about.build ADD COLUMN city VARCHAR; UPDATE about.build SET city = 'queens';
UPDATE overview.city_daily SET crashes_n = 0 WHERE division_code IN ('401', '402', '405');
UPDATE overview.city_daily SET crashes_n = 1 WHERE division_code IN ('401', '402') AND day(day_on) = 7;
UPDATE overview.city_daily AS city SET crashes_n = (SELECT sum(part.crashes_n) FROM overview.city_daily AS part
  WHERE part.day_on = city.day_on AND part.division_code <> '4') WHERE division_code = '4';
DELETE FROM overview.city_daily WHERE day_on < DATE '2023-01-15';
"""


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Settings:
    settings = Settings.from_environment({"CITYBRAIN_HOME": str(tmp_path), "CITYBRAIN_ROOT": str(PROJECT_ROOT)})
    settings.make_home()
    briefs_city.publish(settings, tweak=_ABOUT)
    return settings


def rows_of(file: Path) -> dict[tuple[str, str], dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as read:
        return {(row["division_code"], row["part"]): row for row in csv.DictReader(read)}


def test_whole_and_old_months_leave_with_their_small_counts_withheld(home: Settings) -> None:
    (february,) = release(home, "overview.city_daily")
    # January is not whole; March ended three days ago.
    assert (february.month, february.is_new, february.cells) == (date(2023, 2, 1), True, 32)
    rows = rows_of(february.file)
    assert len(rows) == 16 and rows["405", "whole"]["crashes_n"] == "0", "nobody is there: that may be said"
    withheld = {code for (code, _), row in rows.items() if row["crashes_n_is_withheld"] == "true"}
    assert {"401", "402"} < withheld and "4" not in {code for code in withheld if rows[code, "whole"]["crashes_n"]}
    assert all(rows[code, "whole"]["crashes_n"] == "" for code in ("401", "402"))
    assert {row["appeals_n_is_withheld"] for (_, part), row in rows.items() if part == "whole"} == {"false"}
    assert audit(february.file) == {}
    with duckdb.connect() as duck:
        parquet = str(february.file.with_suffix(".parquet"))
        assert duck.execute(f"SELECT count(*) FROM '{parquet}' WHERE crashes_n IS NULL").fetchone() == (
            february.withheld,
        )
    catalog = json.loads((home.home / "open" / "catalog.jsonld").read_text(encoding="utf-8"))
    (dataset,) = catalog["dcat:dataset"]
    for distribution in dataset["dcat:distribution"]:
        assert (home.home / "open" / distribution["dcat:downloadURL"]["@id"]).stat().st_size == distribution[
            "dcat:byteSize"
        ]


def test_the_attack_finds_what_a_careless_release_shows(home: Settings) -> None:
    (february,) = release(home, "overview.city_daily")
    text = february.file.read_text(encoding="utf-8-sig").splitlines()
    rows = rows_of(february.file)
    second = next(line for line in text if ",402," in line)
    others = [code for (code, part), row in rows.items() if part == "whole" and row["crashes_n_is_withheld"] == "true"]
    # Every withheld count but one is told: the sums give that one away.
    with duckdb.connect(str(home.published / "current" / "marts.duckdb"), read_only=True) as duck:
        known = dict(
            duck.execute(
                "SELECT division_code, CAST(sum(crashes_n) AS BIGINT) FROM overview.city_daily "
                "WHERE date_trunc('month', day_on) = DATE '2023-02-01' GROUP BY 1"
            ).fetchall()
        )
    told = [
        line.replace(",,true", f",{known[code]},false")
        if (code := line.split(",")[1]) in others and line != second and ",whole," in line
        else line.replace(",,true", ",0,false") if ",elsewhere," in line else line
        for line in text
    ]  # fmt: skip
    february.file.write_text("\n".join(told), encoding="utf-8-sig")
    assert audit(february.file) == {"crashes_n": [("402/whole", 1.0, 1.0)]}


def test_a_month_leaves_once_whatever_is_corrected_later(home: Settings) -> None:
    (first,) = release(home, "overview.city_daily")
    before = first.file.read_bytes()
    briefs_city.publish(
        home, name="later", tweak=_ABOUT + "UPDATE overview.city_daily SET appeals_n = 0 WHERE division_code <> '4';"
    )
    (again,) = release(home, "overview.city_daily")
    assert not again.is_new and again.file.read_bytes() == before


def test_a_city_holds_back_more_by_a_row_of_its_own(tmp_path: Path) -> None:
    seeds = tmp_path / "dbt_project" / "seeds"
    head = "threshold_id,value,unit,owner,source,valid_from,valid_to,note\n"
    for folder, rows in {
        "std": "release_least_n,5,,,,2000-01-01,,\nrelease_lag_days,30,,,,2000-01-01,,\n",
        "queens": "release_least_n,11.000000,,,,2023-01-01,2023-07-01,\n",
    }.items():
        (seeds / folder).mkdir(parents=True)
        name = "threshold.csv" if folder == "std" else "threshold_override.csv"
        (seeds / folder / name).write_text(head + rows, encoding="utf-8")
    settings = Settings.from_environment({"CITYBRAIN_HOME": str(tmp_path), "CITYBRAIN_ROOT": str(tmp_path)})
    assert rule_of(settings, "queens", date(2023, 6, 30)) == Rule(k=11, lag_days=30)
    assert (
        rule_of(settings, "queens", date(2023, 7, 1)) == rule_of(settings, "linlan", date(2023, 6, 30)) == Rule(5, 30)
    )
    (seeds / "queens" / "threshold_override.csv").write_text(head + "release_least_n,4.5,,,,2023-01-01,,\n")
    with pytest.raises(ReleaseRefused, match=r"release_least_n is 4\.5"):
        rule_of(settings, "queens", date(2023, 7, 1))


def test_only_open_marts_leave(home: Settings) -> None:
    assert [table.mart for table in open_tables(home)] == ["overview.city_daily"]
    with pytest.raises(ReleaseRefused, match=r"not open.*overview\.city_daily"):
        release(home, "appeals.hotline_performance")
