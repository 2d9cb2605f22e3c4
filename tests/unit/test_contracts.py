"""Contracts: what is promised can be read, what is wrong is explained where it stands, and versions hold by day."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from lake.contracts import Mistake, check, contract_for, examine, line_of, load_contracts, versions_of
from lake.contracts.city import load_city
from lake.contracts.draft import duration
from lake.contracts.model import Mode, Treatment
from lake.errors import ContractError
from lake.settings import PROJECT_ROOT, Settings

HOTLINE, SCOUT, CRASH = "nyc311/service_request.yaml", "dot/street_defect.yaml", "nypd/collision.yaml"
WEATHER, DISTRICT = "weather/hourly_weather.yaml", "dcp/community_district.yaml"


COLUMNS_NEEDED = {
    HOTLINE: {"unique_key", "closed_at", "updated_at"},
    SCOUT: {
        *("unique_key", "created_at", "agency", "agency_name", "incident_address", "street_name", "x_coordinate_ft"),
        "latitude",
    },
    CRASH: {"collision_id", "crash_on"},
    WEATHER: {"observed_at"},
    DISTRICT: {"boro_cd", "name"},
}


@pytest.fixture
def copied(settings: Settings, tmp_path: Path) -> Settings:
    """A project of the test's own that holds the city's contracts, with few columns: most of the time is YAML."""
    root = tmp_path / "root"
    shutil.copytree(PROJECT_ROOT / "contracts", root / "contracts")
    for file, needed in COLUMNS_NEEDED.items():
        path = root / "contracts" / "queens" / file
        head, *columns = path.read_text(encoding="utf-8").split("      - name: ")
        kept = [f"      - name: {column}" for column in columns if column.partition("\n")[0] in needed]
        path.write_text("".join([head, *kept]), encoding="utf-8")
    return replace(settings, root=root)


def edit(settings: Settings, file: str, old: str, new: str) -> int:
    """Change the first place that reads `old`; gives the line the change begins at."""
    path = settings.root / "contracts" / settings.city / file
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{file} does not hold {old!r}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text.count("\n", 0, text.index(old)) + 1


def told(settings: Settings, file: str) -> list[tuple[int, str]]:
    """Line and message of each mistake of one file."""
    mistakes = check(settings, [settings.root / "contracts" / settings.city / file])
    assert all(mistake.remedy and mistake.file == f"contracts/queens/{file}" for mistake in mistakes)
    return [(mistake.line, mistake.message) for mistake in mistakes]


# What is promised --------------------------------------------------------------------------------------------------


def test_the_city_has_its_five_datasets(settings: Settings) -> None:
    assert check(settings) == []
    by_id = {contract.dataset: contract for contract in load_contracts(settings)}
    assert {name: (c.mode, c.source.connector, c.table) for name, c in by_id.items()} == {
        "queens.dcp.community_district": (Mode.SNAPSHOT, "geojson_files", "dcp__community_district"),
        "queens.dot.street_defect": (Mode.CHANGES, "csv_files", "dot__street_defect"),
        "queens.nyc311.service_request": (Mode.CHANGES, "postgres", "nyc311__service_request"),
        "queens.nypd.collision": (Mode.DAY, "http_json", "nypd__collision"),
        "queens.weather.hourly_weather": (Mode.DAY, "excel_files", "weather__hourly_weather"),
    }
    hotline = by_id["queens.nyc311.service_request"]
    assert (hotline.cursor, hotline.overlap, hotline.due_at) == ("updated_at", timedelta(days=2), time(6, 30))
    assert [column.name for column in hotline.key] == ["unique_key"]
    assert hotline.purposes == ("address", "place")
    assert hotline.column("incident_address").lake_type == "VARCHAR"
    dropped = {column.name for column in hotline.columns if column.treatment is Treatment.DROP}
    assert dropped == {"street_name", "resolution_description", "location"}


def test_they_are_written_in_the_published_standard(settings: Settings) -> None:
    """Other tools read them: the JSON schema that the standard's package ships is the judge, not our reader."""
    from open_data_contract_standard.model import OpenDataContractStandard

    validator = jsonschema.validators.validator_for(schema := json.loads(OpenDataContractStandard.json_schema()))(
        schema
    )
    for contract in load_contracts(settings):
        document = YAML(typ="safe").load(Path(contract.path))
        assert [error.message for error in validator.iter_errors(document)] == []


# What is wrong -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        # shape
        (SCOUT, "status: active", "statsu: active", "unknown key 'statsu'"),
        (SCOUT, "- name: unique_key", "- name: unique_key\n        requierd: true", "unknown key 'requierd'"),
        (SCOUT, "  limitations:", "  limits:", "unknown key 'limits' in 'description'"),
        (SCOUT, "  name: NYC DOT", "  nmae: x\n  name: NYC DOT", "unknown key 'nmae' in 'team'"),
        (SCOUT, "{property: zone,", "{property: zone, valeu: 1,", "unknown key 'valeu' in 'customProperties'"),
        (SCOUT, "property: retentionDays", "property: retention", "unknown property 'retention'"),
        (SCOUT, "property: unit", "property: units", "unknown property 'units'"),
        (SCOUT, "{property: dueAt, value: '06:30'}", "{property: zone, value: UTC}", "property 'zone' is said twice"),
        (SCOUT, "required: true", "required: 'yes'", "'required' has the wrong type"),
        (SCOUT, "version: 1.0.0", "version: 1.0", "'version' has the wrong type"),
        (SCOUT, "version: 1.0.0", "version: v1", "version 'v1' is not"),
        (SCOUT, "retentionDays, value: 400", "retentionDays, value: '400'", "'retentionDays' has the wrong type"),
        (SCOUT, "retentionDays, value: 400", "retentionDays, value: true", "'retentionDays' has the wrong type"),
        (SCOUT, "mode, value: changes", "mode, value: append", "'mode' has the wrong type or value"),
        (HOTLINE, "overlap, value: P2D", "overlap, value: 2 days", "'overlap' has the wrong type or value"),
        (SCOUT, "dueAt, value: '06:30'", "dueAt, value: 25 o'clock", "'dueAt' has the wrong type or value"),
        (SCOUT, "id: queens.dot.street_defect", "id: queens.dot.defect", "does not fit the path"),
        (SCOUT, "one row per", "each", "the grain is not said"),
        (SCOUT, "kind: DataContract", "kind: DataProduct", "kind is not DataContract"),
        (SCOUT, "apiVersion: v3.1.0", "apiVersion: v2.2.2", "standard v2.2.2 is not v3"),
        (SCOUT, "  - name: street_defect", "  - name: defect", "table 'defect' is not named as the file"),
        # columns
        (HOTLINE, "cursor, value: updated_at", "cursor, value: updated", "cursor 'updated' is not among the columns"),
        (HOTLINE, "cursor, value: updated_at", "cursor, value: closed_at", "cursor 'closed_at' may be missing"),
        (HOTLINE, "cursor, value: updated_at", "cursor, value: unique_key", "cursor 'unique_key' is BIGINT"),
        (CRASH, "Column, value: crash_on", "Column, value: crash_date", "'crash_date' is not among the columns"),
        (SCOUT, "fieldId, value: 2}", "fieldId, value: 1}", "field id 1 is also column 'unique_key'"),
        (SCOUT, "fieldId, value: 2}", "fieldId, value: 1001}", "field id 1001 belongs to technical columns"),
        (SCOUT, "lakeType, value: BIGINT", "lakeType, value: INT8", "type 'INT8' of column 'unique_key' is unknown"),
        (SCOUT, "'DECIMAL(9,6)'", "'DECIMAL(6,9)'", "type 'DECIMAL(6,9)' of column 'latitude' is unknown"),
        (SCOUT, "logicalType: integer", "logicalType: string", "'unique_key' does not fit BIGINT"),
        (SCOUT, "%I:%M:%S %p", "%I:%M:%S", "format of column 'created_at' has only one of %I and %p"),
        (SCOUT, "physicalName: Agency Name", "physicalName: Agency", "physicalName 'Agency' stands at 2 columns"),
        (SCOUT, "purpose, value: address", "purpose, value: digest", "purpose 'digest' cannot be used"),
        (SCOUT, "- name: agency_name", "- name: AgencyName", "column name 'AgencyName' cannot be used"),
        (SCOUT, "classification: L1", "classification: L5", "class 'L5' is unknown"),
        (SCOUT, "primaryKeyPosition: 1", "primaryKeyPosition: 2", "the positions in the key are not 1, 2"),
        (SCOUT, "'%m/%d/%Y %I:%M:%S %p'", "ISO", "format of column 'created_at' is no strptime format"),
        (SCOUT, "unit, value: ft", "format, value: '%Y'", "column 'x_coordinate_ft' is INTEGER and has a format"),
        (SCOUT, "unit, value: deg", "purpose, value: place", "column 'latitude' has a purpose but is not hashed"),
        # text and zone
        (SCOUT, "zone, value: America/New_York", "zone, value: EST5/Queens", "zone 'EST5/Queens' is unknown"),
        (SCOUT, "encoding, value: utf-8", "encoding, value: gbk", "encoding 'gbk' is unknown"),
        (SCOUT, "delimiter, value: ','", "delimiter, value: '||'", "the delimiter is not one character"),
        (SCOUT, "quote, value: '\"'", "quote, value: ','", "the quote is not one character of its own"),
        (SCOUT, "quote, value: '\"'", "quote, value: '\"\"'", "the quote is not one character of its own"),
        # modes
        (SCOUT, "withdrawal, value: unseen", "withdrawal, value: absence", "cannot see a withdrawal by absence"),
        (SCOUT, "{property: dueAt, value: '06:30'}", "{property: overlap, value: P1D}", "an overlap without a cursor"),
        (CRASH, "{property: dueAt, value: '06:30'}", "{property: overlap, value: P1D}", "mode day has no overlap"),
        (DISTRICT, "{property: dueAt, value: '06:30'}", "{property: recaptureDays, value: 1}", "recaptures no days"),
        (DISTRICT, "{property: dueAt, value: '06:30'}", "{property: cursor, value: name}", "snapshot has no cursor"),
        (DISTRICT, "{property: dueAt, value: '06:30'}", "{property: partitionColumn, value: name}", "not partitioned"),
        # YAML itself
        (SCOUT, "kind: DataContract", "kind: [DataContract", "not YAML"),
        (SCOUT, "kind: DataContract", "id: queens.dot.street_defect", "not YAML"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_where_it_stands(copied: Settings, file: str, old: str, new: str, message: str) -> None:
    line = edit(copied, file, old, new)
    [(told_line, told_message)] = told(copied, file)
    assert message in told_message
    assert told_line in (line, line + 1)


@pytest.mark.parametrize(
    ("file", "lines", "message"),
    [
        (SCOUT, "  - {property: zone, value: America/New_York}\n", "property 'zone' is missing"),
        (SCOUT, "          - {property: fieldId, value: 2}\n", "property 'fieldId' is missing on column 'created_at'"),
        (SCOUT, "          - {property: lakeType, value: BIGINT}\n", "property 'lakeType' is missing"),
        (SCOUT, "        businessName: 工单编号\n", "'businessName' is missing"),
        (SCOUT, "        classification: L3\n", "'classification' is missing"),
        (SCOUT, "name: Queens street defects seen by city scouts\n", "'name' is missing"),
        (SCOUT, "        primaryKey: true\n        primaryKeyPosition: 1\n", "the table has no key"),
        (SCOUT, "          - {property: purpose, value: address}\n", "'incident_address' is hashed without a purpose"),
        (SCOUT, "          - {property: treatment, value: drop}\n", "'street_name' is L3 and would be kept as it is"),
        (HOTLINE, "  - {property: cursor, value: updated_at}\n  - {property: overlap, value: P2D}\n", "need a cursor"),
        (CRASH, "  - {property: partitionColumn, value: crash_on}\n", "mode day does not say which column"),
        (SCOUT, "        required: true\n", "key column 'unique_key' may be missing"),
        (SCOUT, "        primaryKey: true\n", "'unique_key' has a place in the key but is not in it"),
    ],
)  # fmt: skip
def test_what_is_missing_is_told(copied: Settings, file: str, lines: str, message: str) -> None:
    edit(copied, file, lines, "")
    assert [message in each for _, each in told(copied, file)].count(True) == 1


@pytest.mark.parametrize(
    ("file", "lake_type", "message"),
    [
        (SCOUT, "BIGINT", "key column 'unique_key' is dropped"),
        (CRASH, "DATE", "partitionColumn 'crash_on' is not kept as it is"),
    ],
)
def test_what_the_lake_needs_is_not_dropped(copied: Settings, file: str, lake_type: str, message: str) -> None:
    lines = f"{lake_type}}}\n          - {{property: treatment, value: "
    edit(copied, file, f"{lines}keep", f"{lines}drop")
    assert [each for _, each in told(copied, file)] == [message]


@pytest.mark.parametrize(
    ("name", "source", "title"),
    [
        ("contact_phone", "x", "x"),
        ("x", "callerName", "x"),
        ("id_card", "x", "x"),
        ("x", "x", "身份证号"),
        ("x", "联系地址", "x"),
    ],
)
def test_what_looks_personal_needs_its_treatment_said(copied: Settings, name: str, source: str, title: str) -> None:
    column = (
        f"      - {{name: {name}, physicalName: {source}, businessName: {title}, description: x, "
        "logicalType: string, classification: L1, customProperties: [{property: fieldId, value: 99}, "
        "{property: lakeType, value: VARCHAR}]}\n"
    )
    line = edit(copied, SCOUT, "      - name: unique_key\n", column + "      - name: unique_key\n")
    assert told(copied, SCOUT) == [(line, f"column '{name}' has the name of something personal")]


def test_all_mistakes_of_a_file_are_told_at_once(copied: Settings) -> None:
    lines = [
        edit(copied, SCOUT, "zone, value: America/New_York", "zone, value: Mars/Base"),
        edit(copied, SCOUT, "withdrawal, value: unseen", "withdrawal, value: absence"),
        edit(copied, SCOUT, "fieldId, value: 5}", "fieldId, value: 4}"),
        edit(copied, SCOUT, "logicalType: timestamp", "logicaltype: timestamp"),
        edit(copied, SCOUT, "        required: true", "        required: 1"),
        edit(copied, SCOUT, "treatment, value: hmac", "treatment, value: hash"),
    ]
    found = {line for line, _ in told(copied, SCOUT)}
    assert set(lines) <= found


def test_what_is_wrong_is_not_loaded(copied: Settings) -> None:
    line = edit(copied, SCOUT, "withdrawal, value: unseen", "withdrawal, value: absence")
    with pytest.raises(ContractError, match=rf"contracts/queens/dot/street_defect\.yaml:{line}: .*cannot see"):
        load_contracts(copied)


def test_a_file_in_the_wrong_place_is_told(copied: Settings) -> None:
    folder = copied.root / "contracts" / "queens"
    shutil.copy(folder / SCOUT, folder / "street_defect.yaml")
    (folder / SCOUT).rename(folder / "dot" / "street_defect.yml")
    assert {(m.file, m.line) for m in check(copied) if "not where contracts are looked for" in m.message} == {
        ("contracts/queens/street_defect.yaml", 1),
        ("contracts/queens/dot/street_defect.yml", 1),
    }


def test_one_wrong_contract_spares_the_others(copied: Settings) -> None:
    edit(copied, SCOUT, "status: active", "statsu: active")
    assert sorted(examine(copied).versions) == [
        "queens.dcp.community_district",
        "queens.nyc311.service_request",
        "queens.nypd.collision",
        "queens.weather.hourly_weather",
    ]
    assert check(copied, [copied.root / "contracts" / "queens" / CRASH]) == []
    assert len(check(copied, [copied.root / "contracts" / "queens" / SCOUT])) == 1


def test_the_line_of_the_arguments_is_known(copied: Settings) -> None:
    contract = versions_of("queens.dot.street_defect", copied)[-1]
    lines = Path(contract.path).read_text(encoding="utf-8").splitlines()
    assert "value:" in lines[line_of(contract, "arguments") - 1]
    assert "pattern" in lines[line_of(contract, "arguments")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("P2D", timedelta(days=2)), ("P1W", timedelta(days=7)), ("P1DT12H30M", timedelta(days=1, hours=12, minutes=30))],
)
def test_durations(text: str, expected: timedelta) -> None:
    assert duration(text) == expected


@pytest.mark.parametrize("text", ["", "P", "PT", "P1DT", "2D", "P1M", "P1Y", "P-1D", 2])
def test_no_durations(text: object) -> None:
    with pytest.raises(ValueError, match="ISO 8601"):
        duration(text)


# Versions ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def two_versions(copied: Settings) -> Settings:
    """SCOUT as of old, and from 2022 on in version 1.1.0."""
    folder = copied.root / "contracts" / "queens" / "dot"
    shutil.copy(folder / "street_defect.yaml", folder / "street_defect@1.0.0.yaml")
    edit(copied, SCOUT, "version: 1.0.0", "version: 1.1.0")
    edit(copied, SCOUT, "validFrom, value: '2020-01-01'", "validFrom, value: '2022-01-01'")
    return copied


def test_the_version_that_holds_on_the_day_is_picked(two_versions: Settings) -> None:
    assert check(two_versions) == []
    picked = [
        contract_for("queens.dot.street_defect", day, two_versions).version
        for day in (date(2020, 1, 1), date(2021, 12, 31), date(2022, 1, 1), date(2023, 4, 3))
    ]
    assert picked == ["1.0.0", "1.0.0", "1.1.0", "1.1.0"]
    newest = {contract.dataset: contract.version for contract in load_contracts(two_versions)}
    assert newest["queens.dot.street_defect"] == "1.1.0"
    with pytest.raises(ContractError, match="first version is valid from 2020-01-01"):
        contract_for("queens.dot.street_defect", date(2019, 12, 31), two_versions)
    with pytest.raises(ContractError, match=r"no dataset .* Remedy: write 'queens.dot.street_defect'"):
        contract_for("queens.dot.street_defects", date(2022, 1, 1), two_versions)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("'2022-01-01'", "'2020-01-01'", "valid from 2020-01-01, but version 1.0.0 from 2020-01-01"),
        ("version: 1.1.0", "version: 1.0.0", "version 1.0.0 does not come after 1.0.0"),
        ("- name: agency_name", "- name: office_name", "field id 5 was column 'agency_name' in an earlier version"),
        ("value: INTEGER", "value: VARCHAR", "column 'x_coordinate_ft' changed from INTEGER to VARCHAR"),
        ("{property: treatment, value: keep}", "{property: treatment, value: hmac}", "changed its treatment"),
    ],
)  # fmt: skip
def test_a_later_version_follows_the_earlier(two_versions: Settings, old: str, new: str, message: str) -> None:
    edit(two_versions, SCOUT, old, new)
    assert any(message in each for _, each in told(two_versions, SCOUT))


def test_a_wider_type_may_keep_its_field(two_versions: Settings) -> None:
    edit(two_versions, SCOUT, "value: INTEGER", "value: BIGINT")
    edit(two_versions, SCOUT, "'DECIMAL(9,6)'", "'DECIMAL(12,6)'")
    assert check(two_versions) == []


def test_a_raised_version_keeps_its_predecessor(copied: Settings) -> None:
    line = edit(copied, SCOUT, "version: 1.0.0", "version: 1.1.0")
    assert told(copied, SCOUT) == [(line, "version 1.1.0 has no predecessor beside it")]


def test_earlier_versions_have_the_newest_beside_them(two_versions: Settings) -> None:
    (two_versions.root / "contracts" / "queens" / SCOUT).unlink()
    assert [mistake.message for mistake in check(two_versions)] == ["earlier versions without the newest beside them"]


def test_the_version_in_the_name_is_the_one_in_the_file(two_versions: Settings) -> None:
    folder = two_versions.root / "contracts" / "queens" / "dot"
    (folder / "street_defect@1.0.0.yaml").rename(folder / "street_defect@1.0.1.yaml")
    assert ["version is not the one in the file's name" in m.message for m in check(two_versions)] == [True]
    assert check(two_versions, [folder / "street_defect.yaml"]) == []


# Read once ---------------------------------------------------------------------------------------------------------


def test_a_second_process_reads_neither_yaml_nor_models(copied: Settings) -> None:
    """Airflow's parser starts a process per DAG file."""
    fresh = load_contracts(copied)
    program = (
        "import sys; from pathlib import Path; from lake.contracts import load_contracts; "
        "from lake.settings import Settings; "
        f"found = load_contracts(Settings('queens', Path({str(copied.home)!r}), Path({str(copied.root)!r}))); "
        "print(sorted({'ruamel', 'pydantic', 'open_data_contract_standard'} & set(sys.modules))); print(found)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=PROJECT_ROOT)
    assert run.stdout == f"[]\n{fresh}\n"


def test_a_changed_file_is_read_anew(copied: Settings) -> None:
    load_contracts(copied)
    edit(copied, SCOUT, "retentionDays, value: 400", "retentionDays, value: 300")
    assert versions_of("queens.dot.street_defect", copied)[-1].retention_days == 300


# The city ----------------------------------------------------------------------------------------------------------


def test_the_city_and_its_districts(settings: Settings) -> None:
    city = load_city(settings)
    assert (city.code, city.name_zh, city.zone, city.brief_due_at) == ("4", "皇后区", "America/New_York", time(7, 30))
    assert [division.code for division in city.divisions] == [str(code) for code in range(401, 415)]
    assert len({division.short_name_zh for division in city.divisions}) == 14
    assert load_city(settings) == city  # the second time from the cache


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("zone: America/New_York", "zone: America/Queens", "not an IANA zone"),
        ("week_start: monday", "week_start: mondays", "'week_start' has the wrong type"),
        ("level_no: 3", "levelno: 3", "unknown key 'levelno'"),
        ("code: '402'", "code: 402", "'code' has the wrong type"),
        ("code: '402'", "code: '401'", "code 401 is given twice"),
        ("west: -73.98", "west: -73.0", "west must be less than east"),
        ("city: queens", "city: bronx", "the city is not the name of its folder"),
    ],
)  # fmt: skip
def test_mistakes_of_the_city_file_are_told(copied: Settings, old: str, new: str, message: str) -> None:
    edit(copied, "city.yaml", old, new)
    assert any(message in each for _, each in told(copied, "city.yaml"))
    with pytest.raises(ContractError, match=r"city\.yaml:\d+:"):
        load_city(copied)


def test_a_mistake_prints_file_line_and_remedy() -> None:
    assert str(Mistake("a.yaml", 3, "unknown key 'x'", "remove it")) == "a.yaml:3: unknown key 'x'. Remedy: remove it."
