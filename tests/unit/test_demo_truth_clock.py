"""What is true on the day the clock stands at, and what no delivery tells: events written by hand, one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from demo_city.columns import Columns
from demo_city.days import Days
from demo_city.departments import sources
from demo_city.truth import indicators
from demo_city.truth.events import LOOKS_BACK, ORIGINS, UNTOLD, spoiled_ids, untold_ids
from demo_city.truth.indicators.frame import Frame
from demo_city.truth.schema import TABLES
from demo_city.world import World

JUNE = Days(date(2026, 6, 1), date(2026, 6, 30))
EARLY, LATE = "2026-06-03", "2026-07-02"
"""Within the delivered days, and after the last."""


@pytest.fixture(scope="module")
def world() -> World:
    return World(2, 0.003)


def _days(*texts: str | None) -> Any:
    return np.array([text or "NaT" for text in texts], "datetime64[D]")


def _at(*texts: str | None) -> Any:
    return np.array([text or "NaT" for text in texts], "datetime64[s]")


def _dirty(*keys: str) -> Callable[[str, str, Columns], Any]:
    """Of these events the last row does not tell any column that is asked for."""
    ids = {"dust_hour": "site_no", "equipment": "equip_code", "hazard": "hazard_no", "lead": "lead_no"}
    return lambda table, column, of: np.isin(of[ids.get(table, "no")].astype(str), keys)


def _table(world: World, **columns: Any) -> pa.Table:
    township = int(np.flatnonzero(world.city.township["is_active"])[0])
    n = len(next(iter(columns.values())))
    return pa.table(
        {"township_i": np.full(n, township), **{name: pa.array(values) for name, values in columns.items()}}
    )


def _month(
    world: World, tables: dict[str, pa.Table], id: str, untold: Any = None, kind: str = "month"
) -> dict[str, tuple[Any, ...]]:
    """Numerator, denominator, and whether it can be known, of the city's first window, by part and variant."""
    frame = Frame(world, JUNE, tables, untold=untold)
    indicators.compute(frame, (id,))
    made = pa.concat_tables(frame.made).to_pylist()
    first = min(row["first_on"] for row in made if row["window_kind"] == kind)
    return {
        f"{row['part']}:{row['variant']}".rstrip(":"): (row["numerator"], row["denominator"], row["is_recoverable"])
        for row in made
        if row["window_kind"] == kind and row["scope"] == "city" and row["first_on"] == first
    }


def test_a_hazard_that_will_be_closed_is_open(world: World) -> None:
    hazards = _table(
        world,
        hazard_no=["A", "B", "C", "D", "E"],
        found_on=_days(EARLY, EARLY, EARLY, EARLY, "2026-05-20"),
        due_on=_days("2026-06-10", "2026-06-10", "2026-06-10", "2026-06-10", "2026-06-05"),
        closed_on=_days("2026-06-05", LATE, "2026-06-08", None, "2026-05-25"),
        overdue_at=_at(None, "2026-06-11T00:10", None, "2026-06-11T00:10", None),
        is_major=[False] * 5,
        delivered_on=_days(EARLY, EARLY, EARLY, EARLY, "2026-05-20"),
    )
    told = _month(world, {"hazard": hazards}, "I07")
    assert told["closed_rate"][:2] == (2, 4)
    # E was told of before the first day alone: a reader counts four.
    assert told["on_time_rate"] == (3, 5, False)
    whole = {"hazard": hazards.slice(0, 4)}
    assert _month(world, whole, "I07")["on_time_rate"] == (2, 4, True)
    # Closed before anybody called it overdue, nothing tells C's term; D still stands there as overdue.
    assert _month(world, whole, "I07", _dirty("C"))["on_time_rate"][2] is False
    assert _month(world, whole, "I07", _dirty("D"))["on_time_rate"][2] is True


def test_a_device_is_in_use_to_the_day_before_its_next_inspection_and_until_it_is_signed_off(world: World) -> None:
    devices = _table(
        world,
        equip_code=["A", "A", "B", "C"],
        valid_from=_days("2025-07-01", "2026-06-08", "2025-07-01", "2025-06-20"),
        valid_until=_days("2026-06-07", "2027-06-10", "2027-01-01", "2026-06-20"),
        next_due_on=_days("2026-06-01", "2027-06-01", "2026-06-01", "2026-06-01"),
        is_in_use=[True] * 4,
        cycle_days=[365] * 4,
        signed_off_on=_days(None, None, "2026-06-05", None),
    )
    users = _table(world, user_no=["1"], checked_on=_days(EARLY), is_entered=[True])
    dust = _table(world, site_no=["1"], at=_at(EARLY), pm10=[1.0], is_reported=[True])
    tables = {"equipment": devices, "gas_check": users, "dust_hour": dust}
    told = _month(world, tables, "I17", kind="week")
    # The week ends on 7 June: A on the last day of its round, B signed off two days before, C.
    assert told["equipment_overdue_rate"] == (2, 2, True)
    # Counted from its last inspection C is due on 20 June; by its term it was on the 1st.
    assert _month(world, tables, "I17", _dirty("C"), kind="week")["equipment_overdue_rate"] == (2, 2, False)
    assert _month(world, tables, "I17", _dirty("B"), kind="week")["equipment_overdue_rate"] == (2, 2, True)


def test_an_order_counts_as_it_stands_on_the_last_day(world: World) -> None:
    visits: dict[str, Sequence[str | None]] = {
        # opened again after the last day; asked again after it; asked again in vain; withdrawn after it
        "accepted_at": [EARLY] * 4,
        "dispatched_at": [EARLY] * 4,
        "first_deadline_at": ["2026-06-10"] * 4,
        "deadline_at": ["2026-07-10", "2026-06-28", "2026-06-28", "2026-06-10"],
        "first_closed_at": ["2026-06-08", "2026-06-08", "2026-06-08", None],
        "closed_at": ["2026-07-08", "2026-06-27", "2026-06-27", None],
        "reopened_at": [LATE, "2026-06-12", "2026-06-12", None],
        "first_visited_at": ["2026-06-09", "2026-06-09", "2026-06-09", None],
        "visited_at": ["2026-07-09", LATE, "2026-06-09", None],
        "revisited_at": ["2026-07-09", LATE, "2026-06-28", None],
        "withdrawn_at": [None, None, None, LATE],
    }
    cases = _table(
        world,
        **{name: _at(*texts) for name, texts in visits.items()},
        first_satisfaction=pa.array([1, 1, 1, None], pa.int32()),
        satisfaction=pa.array([5, 5, 1, None], pa.int32()),
        first_is_solved=[False, False, False, None],
        is_solved=[True, True, False, None],
        is_withdrawn=[False, False, False, True],
        is_direct=[False] * 4,
        delivered_on=_days(*[EARLY] * 4),
    )
    told = _month(world, {"hotline_case": cases}, "I03")
    assert told["on_time_rate"] == (3, 4, True)  # the fourth is due and not closed, for it is not withdrawn yet
    told = _month(world, {"hotline_case": cases}, "I04")
    assert told["satisfaction_rate:plain"] == (0, 3, False)  # when the third was asked first, its row has lost
    told = _month(world, {"hotline_case": cases.take([0, 1, 3])}, "I04")
    assert told["satisfaction_rate:plain"] == (0, 2, True)
    assert told["solved_rate"] == (0, 2, True)
    assert told["visited_rate"][:2] == (2, 2)


def test_deaths_and_losses_that_will_be_known_are_not(world: World) -> None:
    crashes = _table(
        world, at=_at(EARLY, EARLY), deaths_first=[0, 0], deaths_final=[1, 1], corrected_on=_days("2026-06-20", LATE),
        injuries=[1, 1], road_i=[0, 0], km=[0.0, 1.0], delivered_on=_days(EARLY, EARLY),
    )  # fmt: skip
    fires = _table(
        world, at=_at(EARLY, EARLY), is_fire=[True, True], deaths=[0, 0], injuries=[0, 0], loss_wan=[2.0, 5.0],
        settled_on=_days("2026-06-20", LATE), delivered_on=_days(EARLY, EARLY),
    )  # fmt: skip
    accidents = _table(
        world, at=_at(EARLY), deaths=[2], deaths_first=[1], corrected_on=_days(LATE), injuries=[0], loss_wan=[0.0],
        delivered_on=_days(EARLY),
    )  # fmt: skip
    tables = {"crash": crashes, "fire_alarm": fires, "accident": accidents}
    told = _month(world, tables, "I05")
    assert (told["deaths:12H"][0], told["deaths:12F"][0]) == (1, 1)
    assert _month(world, tables, "I14")["loss_wan"][0] == 2


def test_a_call_whose_arrival_nobody_wrote_down_makes_the_quantile_unknowable(world: World) -> None:
    calls = _table(
        world, no=["A", "B"], at=_at(EARLY, EARLY), arrived_at=_at(f"{EARLY}T00:10", f"{EARLY}T00:20"),
        delivered_on=_days(EARLY, EARLY),
    )  # fmt: skip
    none = calls.slice(0, 0)
    tables = {"ems_call": calls, "fire_alarm": none, "police_incident": none}
    untold = _dirty("B")
    others = {"fire_alarm": "no", "police_incident": "no"}

    def of(table: str, column: str, rows: Columns) -> Any:
        return np.zeros(rows.rows_n, bool) if table in others else untold(table, column, rows)

    assert _month(world, tables, "I12")["response_p50:ems"] == (15, None, True)
    assert _month(world, tables, "I12", of)["response_p50:ems"] == (15, None, False)


def test_a_stuck_instrument_has_no_day_and_a_part_above_the_whole_no_hour(world: World) -> None:
    hours = np.arange("2026-06-01T00", "2026-06-03T00", dtype="datetime64[h]").astype("datetime64[s]")
    n = len(hours)
    county = int(world.city.township["county_i"][np.flatnonzero(world.city.township["is_active"])[0]])
    air = pa.table(
        {
            "station": ["A1"] * n, "item": ["PM2.5"] * n, "at": hours, "value": [10.0] * (n - 1) + [90.0],
            "is_valid": [True] * n, "county_i": np.full(n, county),
        }
    )  # fmt: skip
    sections = _table(
        world, month=_days("2026-06-01"), section=["1"], **{"class": [1.0]}
    )  # fmt: skip
    dirt = pa.Table.from_pylist(
        [
            {"dataset": "linlan.environment.air_hour", "pattern": pattern, "key": key, "caught_by": "core"}
            for pattern, key in (("stuck", "A1|PM2.5|2026-06-01|05:00"), ("pm_inverted", "A1|PM2.5|2026-06-02|23:00"))
        ],
        TABLES["dirt"].arrow,
    )
    frame = Frame(
        world, JUNE, {"air_hour": air, "water_section_month": sections}, None,
        lambda table, columns: spoiled_ids(table, dirt)(columns), None, None, None,
        lambda table, column, columns: untold_ids(table, column, dirt)(columns),
    )  # fmt: skip
    indicators.compute(frame, ("I15",))
    made = {
        row["first_on"].day: row["value_final"]
        for row in pa.concat_tables(frame.made).to_pylist()
        if row["part"] == "pm25" and row["window_kind"] == "day" and row["scope"] == "city"
    }
    assert made[1] is None
    assert made[2] == 10


def test_cases_of_a_disease_are_counted_by_county_and_not_knowable_while_some_are_not_reported(world: World) -> None:
    weeks = _table(
        world, disease=["flu", "flu"], week_on=_days("2026-06-01", "2026-06-22"), n_final=[3, 3], n_week0=[2, 2],
        n_week1=[3, 3],
    )  # fmt: skip
    frame = Frame(world, JUNE, {"disease_week": weeks})
    indicators.compute(frame, ("I16",))
    rows = [row for row in pa.concat_tables(frame.made).to_pylist() if row["part"] == "cases"]
    assert {row["scope"] for row in rows} == {"city", "county"}
    known = {row["first_on"].day: row["is_recoverable"] for row in rows if row["scope"] == "city"}
    assert (known[1], known[22]) == (True, False)


def test_a_result_that_was_written_over_is_not_knowable(world: World) -> None:
    moments = {name: _at(EARLY, EARLY) for name in ("at", "pushed_at", "verified_at", "closed_at")}
    leads = _table(
        world, lead_no=["A", "B"], model_id=["G01", "G01"], result=["属实", "属实"], chain_no=[0, 0], **moments,
        delivered_on=_days(EARLY, EARLY),
    )  # fmt: skip
    assert _month(world, {"lead": leads}, "I09")["confirmed"] == (2, None, True)

    def of(table: str, column: str, rows: Columns) -> Any:
        return _dirty("B")(table, column, rows) & (column == "result")

    told = _month(world, {"lead": leads}, "I09", of)
    assert (told["confirmed"], told["verified"]) == ((2, None, False), (2, None, True))


@pytest.mark.parametrize("table", sorted({table for table, _ in UNTOLD}))
def test_what_is_dirty_is_found_among_the_events_by_its_key(world: World, table: str) -> None:
    """A key that fits no event would make every value recoverable, and nobody would notice."""
    rare = ("ems_call", "fire_alarm", "health_check", "instruction", "lead", "survey")
    days = Days(date(2026, 1, 1), date(2026, 6, 30)) if table in rare else JUNE
    source = next(one for one in sources() for dataset in one.datasets if dataset.dataset == ORIGINS[table].dataset)
    (dataset,) = (one for one in source.datasets if one.dataset == ORIGINS[table].dataset)
    rows = dataset.rows(world, days)
    others = pa.array(["old_area_code", "pushed_twice", "test_alarm", "test_lead", "test_row"])
    dirty = rows.dirt.filter(pc.invert(pc.is_in(rows.dirt["pattern"], others)))
    keys = pa.array(sorted(set(dirty["key"].to_pylist())), pa.string())
    assert len(keys) and source.events is not None
    made = source.events(world, days.since(LOOKS_BACK.get(source.id, 0)))[table]
    columns = Columns({name: made[name].to_numpy(zero_copy_only=False) for name in made.column_names})
    dirt = pa.table(
        {
            "dataset": pa.array([dataset.dataset] * len(keys)),
            "pattern": pa.array([UNTOLD[next(key for key in UNTOLD if key[0] == table)][0]] * len(keys)),
            "key": keys,
            "replaced_on": pa.nulls(len(keys), pa.date32()),
        }
    )
    column = next(column for of, column in UNTOLD if of == table)
    found = untold_ids(table, column, dirt)(columns)
    assert found.sum() >= 0.9 * len(keys), keys[:3]
