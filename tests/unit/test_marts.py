"""The marts without dbt: pins and what they say has changed, reading by field id, questions, seeds and contracts."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest
import yaml

from lake.contracts import load_contracts
from lake.contracts.city import load_city
from lake.ledger import Landing, PartitionState
from lake.marts import pins as pinning
from lake.marts.build import view_sql
from lake.marts.pins import PinnedColumn, PinnedDayFile, PinnedTable, Pins, pin_tables
from lake.marts.query import QuestionRefused, guard
from lake.settings import PROJECT_ROOT, Settings
from lake.tables import Pin, PinnedFile

PROJECT = PROJECT_ROOT / "dbt_project"
TABLE = "nypd__collision"


def pins(settings: Settings, as_of: date, *files: PinnedFile, snapshot: int = 1, states: tuple = ()) -> Pins:
    contracts = load_contracts(settings)
    pinned = [(c, Pin(c.table, snapshot, files if c.table == TABLE else ())) for c in contracts]
    return pin_tables(settings, as_of, pinned, states)


def file(day: int, name: str) -> PinnedFile:
    return PinnedFile(f"/lake/{name}.parquet", date(2023, 3, day), 7)


# --- pins -----------------------------------------------------------------------------------------------------------


def test_a_build_is_named_by_what_it_reads_and_nothing_else(settings: Settings) -> None:
    base = pins(settings, date(2023, 3, 2), file(1, "a"), file(2, "b"))
    same = pins(settings, date(2023, 3, 2), file(1, "a"), file(2, "b"), file(3, "later"), snapshot=2)
    assert base.build_id == same.build_id and base.build_id.startswith("2023-03-02-")
    state = PartitionState("queens.nypd.collision", date(2023, 3, 2), "committed", 9, 7, 2, 0, "d", "at")
    others = [
        pins(settings, date(2023, 3, 3), file(1, "a"), file(2, "b")),
        pins(settings, date(2023, 3, 2), file(1, "a"), file(2, "c")),
        pins(settings, date(2023, 3, 2), file(1, "a"), file(2, "b"), states=(state,)),
        replace(base, seeds_hash="another"),
        replace(base, code_hash="another"),
    ]
    assert len({base.build_id, *(other.build_id for other in others)}) == 6


def test_pins_come_back_from_their_file_as_they_were(settings: Settings) -> None:
    state = PartitionState(
        "queens.nypd.collision", date(2023, 3, 2), "held", 9, 0, 0, 0, "d", "at", ({"id": "x", "failed_n": 2},)
    )
    written = pins(settings, date(2023, 3, 2), file(1, "a"), states=(state,))
    read = Pins.from_json(json.loads(json.dumps(written.to_json(), ensure_ascii=False)))
    assert read == written and read.build_id == written.build_id


def test_what_changed_is_what_differs_between_pins_gone_days_included(settings: Settings) -> None:
    before = pins(settings, date(2023, 3, 9), file(1, "a"), file(2, "b"), file(3, "c"))
    after = pins(settings, date(2023, 3, 9), file(1, "a"), file(2, "b2"), file(4, "d"))
    assert after.changed_since(before) == [(TABLE, date(2023, 3, day)) for day in (2, 3, 4)]
    assert before.changed_since(before) == []
    assert len(before.changed_since(None)) == 3
    earlier = pins(settings, date(2023, 3, 2), file(1, "a"), file(2, "b"), file(3, "c"))
    assert earlier.changed_since(before) == [(TABLE, date(2023, 3, 3))], "going back forgets the later day"


def test_a_pinned_day_the_ledger_does_not_know_counts_as_committed(settings: Settings) -> None:
    (row,) = pins(settings, date(2023, 3, 9), file(1, "a"), file(1, "b"), file(30, "later")).partitions
    assert (row.day, row.state, row.delivered, row.accepted) == (date(2023, 3, 1), "committed", 14, 14)


def test_a_renamed_column_is_found_and_a_re_added_one_brings_nothing_back(tmp_path: Path) -> None:
    path = tmp_path / "old.parquet"
    with duckdb.connect() as duck:
        duck.execute(
            f"COPY (SELECT 7::BIGINT AS old_name, 'raw number' AS phone) TO '{path}' "
            "(FORMAT parquet, FIELD_IDS {old_name: 1, phone: 2})"
        )
        columns = (
            PinnedColumn("new_name", "BIGINT", 1),
            PinnedColumn("phone", "VARCHAR", 9),
            PinnedColumn("seen_at", "TIMESTAMPTZ", 10),
        )
        table = PinnedTable(
            "c.d.n", "d", "", False, date(2023, 3, 1), 1, columns, (PinnedDayFile(str(path), date(2023, 3, 1), 1),), {}
        )
        assert duck.execute(f"SELECT new_name, phone, seen_at FROM ({view_sql(table)})").fetchall() == [(7, None, None)]
        empty = replace(table, files=())
        described = duck.execute(f"DESCRIBE {view_sql(empty)}").fetchall()
    assert [row[1] for row in described] == ["BIGINT", "VARCHAR", "TIMESTAMP WITH TIME ZONE"]


# --- questions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    ["SELECT 1", "FROM t", "WITH a AS (SELECT 1) SELECT * FROM a", "SELECT 1 UNION ALL SELECT 2", "DESCRIBE t",
     "SUMMARIZE t", "SHOW TABLES", "SELECT 1;"],
)  # fmt: skip
def test_what_reads_may_be_asked(sql: str) -> None:
    guard(sql)


@pytest.mark.parametrize(
    "sql",
    ["", "SELECT 1; SELECT 2", "DROP TABLE t", "CREATE TABLE t AS SELECT 1", "COPY t TO 'f'", "ATTACH 'f'", "SET x = 1",
     "PRAGMA database_list", "INSTALL httpfs", "LOAD spatial", "INSERT INTO t VALUES (1)", "UPDATE t SET a = 1",
     "DELETE FROM t", "EXPORT DATABASE 'd'", "CALL f()", "SELECT 1; DROP TABLE t", "VACUUM", "USE other", "SELEC 1"],
)  # fmt: skip
def test_what_does_more_than_read_is_refused(sql: str) -> None:
    with pytest.raises(QuestionRefused):
        guard(sql)


# --- contracts of columns, seeds, exposures -------------------------------------------------------------------------

CORE_TABLES = [
    "dim_date", "dim_reporting_window", "dim_time_slot", "dim_admin_division", "dim_grid", "dim_department",
    "dim_event_category", "dim_risk_category", "dim_entity", "dim_address", "dim_hazard", "dim_plan",
    "dim_resource", "dim_shelter", "dim_source_system", "dim_warning_model", "dim_indicator", "dim_center",
    "dim_risk_field", "dim_response_guide", "dim_response_module", "dim_rule_document", "dim_hotline_line",
    "dim_data_class", "dim_component_type", "dim_scheme", "fct_case", "fct_case_step", "fct_police_incident",
    "fct_traffic_crash", "fct_fire_incident", "fct_inspection", "fct_hazard_item", "fct_accident", "fct_petition",
    "fct_dispute", "fct_warning_lead", "fct_lead_disposition", "fct_instruction", "fct_instruction_step",
    "fct_weather_daily", "fct_weather_warning", "fct_air_daily", "fct_water_quality", "fct_emission_daily",
    "fct_hydro_daily", "fct_flood_point_event", "fct_disease_week", "fct_ems_call", "fct_utility_daily",
    "fct_delivery_daily", "fct_tenancy_snapshot", "fct_equipment_due_snapshot", "fct_component_snapshot",
    "fct_device_status_daily", "fct_stock_snapshot", "fct_drill", "fct_plan_version", "fct_risk_register_daily",
    "fct_econ_month", "fct_fin_clue", "fct_opinion_daily", "fct_service_item", "fct_survey_response",
    "fct_health_check_value", "fct_extract_run", "fct_dq_result", "fct_brief_issue", "fct_access_log",
]  # fmt: skip
TYPES = re.compile(r"varchar|integer|bigint|boolean|date|timestamp with time zone|decimal\(\d+,\d+\)")


def column_contracts() -> dict[str, dict]:
    return {
        path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in (PROJECT / "column_contracts").glob("*.yml")
    }


def test_every_core_table_of_the_reference_model_has_a_column_contract() -> None:
    contracts = column_contracts()
    assert set(CORE_TABLES) <= set(contracts)
    assert {name for name, contract in contracts.items() if contract["built"]} == set(contracts) & set(models())
    for name, contract in contracts.items():
        assert contract["table"] == name and contract["grain"].startswith("one row")
        names = [column["name"] for column in contract["columns"]]
        assert len(names) == len(set(names)) and set(contract["key"]) <= set(names), name
        for column in contract["columns"]:
            assert TYPES.fullmatch(column["type"]) and column["meaning"].strip(), (name, column["name"])


def models() -> dict[str, dict]:
    found = {}
    for path in (PROJECT / "models").rglob("*.yml"):
        for model in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("models", []):
            found[model["name"]] = model
    return found


def test_a_model_is_one_file_with_one_yaml_beside_it() -> None:
    described = models()
    files = [*(PROJECT / "models").rglob("*.sql"), *(PROJECT / "models" / "methods").glob("*.py")]
    for path in files:
        # What each city gives to core is one model in as many folders, told once.
        is_shared = path.stem.startswith("input_")
        beside = PROJECT / "models" / "staging" / f"{path.stem}.yml" if is_shared else path.with_suffix(".yml")
        assert beside.exists(), path
        model = described[path.stem]
        assert model["description"].startswith("one row"), path.stem
        assert all(column["data_type"] and column["description"].strip() for column in model["columns"]), path.stem
    assert set(described) == {path.stem for path in files}


def test_built_tables_and_their_column_contracts_say_the_same() -> None:
    described = models()
    for name, contract in column_contracts().items():
        if contract["built"]:
            columns = [(c["name"], c["data_type"], c["description"].strip()) for c in described[name]["columns"]]
            assert columns == [(c["name"], c["type"], c["meaning"].strip()) for c in contract["columns"]], name


def seed(name: str) -> list[dict[str, str]]:
    with (PROJECT / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


CITIES = pytest.mark.parametrize("name", ["queens", "linlan"])


@CITIES
def test_the_divisions_are_those_of_the_city_file(settings: Settings, name: str) -> None:
    city = load_city(replace(settings, city=name))
    expected = [(city.code, "", city)] + [(division.code, city.code, division) for division in city.divisions]
    assert [
        (
            row["division_code"],
            row["parent_code"],
            row["name_zh"],
            row["short_name_zh"],
            row["name_en"],
            row["order_no"],
        )
        for row in seed(f"{name}/division")[: len(expected)]
    ] == [(code, up, d.name_zh, d.short_name_zh, d.name_en, str(n)) for n, (code, up, d) in enumerate(expected)]
    known = {code for code, *_ in expected}
    assert all(row["parent_code"] in known for row in seed(f"{name}/division")[len(expected) :])


def test_every_earlier_code_leads_to_one_division() -> None:
    rows = seed("linlan/division")
    earlier = [code for row in rows for code in row["predecessor_code"].split()]
    assert len(earlier) == len(set(earlier)) > 40
    assert {"990102", "990111", "990184", "990121"} <= set(earlier)
    assert not set(earlier) & {row["division_code"] for row in rows}


@CITIES
def test_every_crosswalk_leads_to_a_row_that_exists(name: str) -> None:
    categories = {row["category_key"]: row for row in seed(f"{name}/category")}
    events = {row["event_code"] for row in seed("std/std_event_category")}
    assert all(categories[row["category_key"]]["source_system"] == row["source_system"]
               for row in seed(f"{name}/category_crosswalk"))  # fmt: skip
    assert {row["event_code"] for row in categories.values()} - {""} <= events
    assert {row["department_key"] for row in seed(f"{name}/department_alias")} <= {
        row["department_key"] for row in seed(f"{name}/department")
    }
    assert {row["status"] for row in seed(f"{name}/status_map")} <= {row["status"] for row in seed("std/case_status")}
    systems = {row["source_system"] for row in seed(f"{name}/case_source")}
    for file, group in ((f"{name}/category", "source_system"), (f"{name}/department", None), ("std/case_status", None)):
        defaults = [row[group] if group else "" for row in seed(file) if row["is_default"] == "true"]
        assert len(defaults) == len(set(defaults)) and set(defaults) == (systems if group else {""}), file
    assert systems | {"crash", "weather", "boundary"} == {row["subject"] for row in seed(f"{name}/feed")}


@pytest.mark.parametrize(("name", "years"), [("queens", range(2019, 2025)), ("linlan", range(2024, 2027))])
def test_holidays_count_their_days_block_by_block(name: str, years: range) -> None:
    blocks: dict[str, list[tuple[str, int]]] = {}
    for row in seed(f"{name}/holiday"):
        assert row["source"] and row["source_detail"] and row["name_zh"]
        blocks.setdefault(row["holiday_block_id"], []).append((row["date_on"], int(row["holiday_day_no"])))
    for block, days in blocks.items():
        assert [number for _, number in sorted(days)] == list(range(1, len(days) + 1)), block
    assert {row["date_on"][:4] for row in seed(f"{name}/holiday")} == {str(year) for year in years}


def test_thresholds_of_one_id_never_hold_at_once_and_one_black_spot_rule_is_applied() -> None:
    spans: dict[str, list[tuple[str, str]]] = {}
    for row in seed("std/threshold"):
        assert row["unit"] and row["owner"] and row["source"]
        spans.setdefault(row["threshold_id"], []).append((row["valid_from"], row["valid_to"] or "9999-12-31"))
    for threshold, held in spans.items():
        ordered = sorted(held)
        assert all(end <= start for (_, end), (start, _) in pairwise(ordered)), threshold
    applied = [row for row in seed("std/std_blackspot_rule") if row["is_applied"] == "true"]
    # Without casualties one clause can be served; with them none but those by severity along the road.
    assert [row["rule_id"] for row in applied if row["needs_casualties_feed"] == "false"] == ["county_any_5"]
    assert {row["government"] for row in applied if row["needs_casualties_feed"] == "true"} == {"city", "county"}
    assert all((row["window_m"] != "") == (row["needs_casualties_feed"] == "true") for row in applied)


def test_the_exposures_name_what_the_briefs_ask() -> None:
    everywhere = {"dim_admin_division", "dim_date"}  # names of places and holidays, in every brief
    content = yaml.safe_load((PROJECT / "models" / "exposures.yml").read_text(encoding="utf-8"))
    exposed = {
        exposure["name"]: {re.fullmatch(r"ref\('(\w+)'\)", ref)[1] for ref in exposure["depends_on"]}
        for exposure in content["exposures"]
    }
    for folder in sorted((PROJECT_ROOT / "briefs").glob("B*_*")):
        asked = set(
            re.findall(r"\b(?:FROM|JOIN) (?!role\b)\w+\.(\w+)", (folder / "definition.yaml").read_text("utf-8"))
        )
        assert asked and asked | everywhere == exposed[f"brief_{folder.name.lower()}"], folder.name


# --- when deliveries came -------------------------------------------------------------------------------------------


def test_arrivals_are_told_by_the_lakes_own_clock() -> None:
    settings = Settings.from_environment({"CITYBRAIN_ROOT": str(PROJECT_ROOT), "CITYBRAIN_CITY": "linlan"})
    files, table, weekly = "linlan.petition.petition", "linlan.hotline.work_order", "linlan.housing.community"
    of = {c.dataset: c for c in load_contracts(settings) if c.dataset in (files, table, weekly)}

    def landed(dataset: str, first: int, last: int, *missing: int) -> Landing:
        on = date(2026, 6, 1) - timedelta(days=1)
        gone = frozenset(on + timedelta(days=day) for day in missing)
        return Landing(dataset, "", on + timedelta(days=first), on + timedelta(days=last), gone)

    landings = [
        landed(table, 1, 7), landed(files, 1, 7, 3, 7), landed(weekly, 1, 7),  # a history, loaded at once
        landed(table, 8, 8), landed(files, 8, 8),
        landed(table, 9, 9), landed(files, 7, 7),  # the seventh came two days late
        landed(files, 10, 10), landed(files, 9, 9),  # the ninth a day late; nobody asked for the table's tenth
    ]  # fmt: skip
    made = pinning.arrivals_of(list(of.values()), landings, date(2026, 6, 10))
    told = {
        name: {day.day: (a.came_on.day if a.came_on else None, a.is_observed) for day, a in sorted(made[name].items())}
        for name in of
    }
    # The history is the one week of the third dataset: its last day was asked for in time, by that.
    assert told[weekly] == {1: (7, True)}
    assert told[files] == {
        **dict.fromkeys((1, 2, 4, 5, 6), (7, False)), 3: (None, False), 7: (9, True), 8: (8, True), 9: (10, True),
        10: (10, True),
    }  # fmt: skip
    assert told[table] == {
        **dict.fromkeys(range(1, 7), (7, False)), 7: (7, True), 8: (8, True), 9: (9, True), 10: (None, True),
    }  # fmt: skip
    assert pinning.arrivals_of(list(of.values()), [], date(2026, 6, 10)) == {name: {} for name in of}
