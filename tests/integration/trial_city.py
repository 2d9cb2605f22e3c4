"""A city with one department and one dataset, its dirt known row by row; its contract, its suite, its lake."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from demo_city.days import Days
from demo_city.departments.protocol import Dataset, Drift, Files, Pattern, Rows, Source
from demo_city.systems import writers
from demo_city.systems.drops import Drops
from demo_city.world import World
from lake.engine import connect
from lake.marts import about, pins
from lake.settings import PROJECT_ROOT, Settings

DATASET = "linlan.trial.reading"
DAYS = Days(date(2026, 6, 1), date(2026, 6, 20))
ROWS_A_DAY = 150
DRIFTS_ON = date(2026, 6, 9)
PATTERNS = (
    Pattern("test_row", "A row somebody entered to try the form.", 0.02, "quarantine", "is_no_test", "reading_no"),
    Pattern("word_for_number", "A word where a number belongs.", 0.01, "quarantine", "typing", "value"),
    Pattern("negative", "A value below zero.", 0.05, "warning", "not_negative", "value"),
    Pattern("too_high", "A value above all measure.", 0.02, "warning", "not_too_high", "value"),
    Pattern("sent_twice", "The row stands there a second time.", 0.02, "unchanged"),
    Pattern("wrong_place", "A place that is not its own.", 0.03, "core", None, "place"),
)
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: linlan.trial.reading
name: Readings
version: 1.0.0
status: active
description: {purpose: Readings of a trial., limitations: None.}
team: {name: Trial office}
customProperties:
  - {property: mode, value: day}
  - {property: partitionColumn, value: read_on}
  - {property: withdrawal, value: absence}
  - {property: cadence, value: daily}
  - {property: validFrom, value: '2025-01-01'}
  - {property: zone, value: Asia/Shanghai}
  - {property: connector, value: csv_files}
  - {property: connection, value: trial_drop}
  - property: arguments
    value: {pattern: 'reading_{day:%Y%m%d}*.csv'}
schema:
  - name: reading
    physicalName: READING
    businessName: 读数
    dataGranularityDescription: one row per reading
    properties:
"""
COLUMNS = (
    ("reading_no", "NO", "string", "VARCHAR", 1),
    ("read_on", "DAY", "date", "DATE", None),
    ("value", "VALUE", "number", "DECIMAL(10,2)", None),
    ("place", "PLACE", "string", "VARCHAR", None),
)
RULES = (
    ("is_no_test", "expect_column_values_to_not_match_regex", "{column: reading_no, regex: '^TEST'}", "error"),
    ("not_negative", "expect_column_values_to_be_between", "{column: value, min_value: 0}", "warning"),
    ("not_too_high", "expect_column_values_to_be_between", "{column: value, max_value: 1000}", "warning"),
)


def rows(world: World, days: Days) -> Rows:
    """Readings of some days; which are dirty follows from their number."""
    day = np.repeat(days.array, ROWS_A_DAY)
    number = np.tile(np.arange(ROWS_A_DAY), days.length)
    lot = world.chance.uniform("trial", day, number)
    kinds = {name: (lot >= low) & (lot < high) for name, low, high in (
        ("test_row", 0.0, 0.02), ("word_for_number", 0.02, 0.03), ("negative", 0.03, 0.08), ("too_high", 0.08, 0.10),
        ("wrong_place", 0.12, 0.15),
    )}  # fmt: skip
    serial = np.char.add(np.datetime_as_string(day), np.char.add("-", number.astype(str)))
    serial = np.where(kinds["test_row"], np.char.add("TEST-", serial), serial).astype(object)
    value = np.round(100 * world.chance.uniform("trial.value", day, number), 2)
    value = np.where(kinds["negative"], -value - 1, np.where(kinds["too_high"], value + 2000, value)).astype(str)
    value = np.where(kinds["word_for_number"], "约三", value).astype(object)
    twice = np.repeat(np.arange(len(day)), 1 + (lot > 0.98))
    again = np.r_[False, twice[1:] == twice[:-1]]
    table = pa.table({"NO": serial[twice], "DAY": np.datetime_as_string(day)[twice].astype(object),
                      "VALUE": value[twice], "PLACE": np.where(kinds["wrong_place"], "B", "A").astype(object)[twice],
                      "_day": day[twice]})  # fmt: skip
    flags = {name: flag[twice] for name, flag in kinds.items()} | {"sent_twice": again}
    at = [np.flatnonzero(flag) for flag in flags.values()]
    names = np.repeat(np.array(list(flags), dtype=object), [len(one) for one in at])
    row = np.concatenate(at)
    return Rows(table, pa.table({"row": row, "pattern": names, "key": serial[twice][row]}))


SOURCE = Source("S01", "试验处", (
    Dataset("S01", DATASET, "试验读数", Files(
        "reading_{day:%Y%m%d}*.csv", writers.csv(), way="folder", late=0.1, missing=0.1, double=0.15,
        drifts=(Drift(DRIFTS_ON, renamed={"VALUE": "VALUE_NEW"}),),
    ), rows, PATTERNS),
))  # fmt: skip


def project(root: Path) -> Path:
    """A project with this one contract and suite."""
    root.mkdir(parents=True)
    for room in ("dbt_project", "briefs"):
        (root / room).symlink_to(PROJECT_ROOT / room)
    (root / "contracts" / "linlan" / "trial").mkdir(parents=True)
    (root / "expectations" / "linlan" / "trial").mkdir(parents=True)
    (root / "contracts" / "linlan" / "city.yaml").symlink_to(PROJECT_ROOT / "contracts" / "linlan" / "city.yaml")
    fields = "".join(
        f"""      - name: {name}
        physicalName: {physical}
        businessName: {name}
        description: {name}
        logicalType: {logical}
{"        primaryKey: true" if key else ""}
{"        primaryKeyPosition: 1" if key else ""}
{"        required: true" if logical != "number" and physical != "PLACE" else ""}
        classification: L1
        customProperties:
          - {{property: fieldId, value: {number}}}
          - {{property: lakeType, value: '{kind}'}}
          - {{property: treatment, value: keep}}
"""
        for number, (name, physical, logical, kind, key) in enumerate(COLUMNS, 1)
    )
    (root / "contracts" / "linlan" / "trial" / "reading.yaml").write_text(CONTRACT + fields, encoding="utf-8")
    suite = "".join(
        f"- {{id: {id}, type: {kind}, kwargs: {kwargs}, severity: {severity}, owner: Trial office, reason: It must.}}\n"
        for id, kind, kwargs, severity in RULES
    )
    (root / "expectations" / "linlan" / "trial" / "reading.yaml").write_text(suite, encoding="utf-8")
    return root


def laid(home: Path, world: World) -> Path:
    """The department's drop with everything that came."""
    drops = Drops(home / "files")
    drops.lay(world, SOURCE.datasets[0], DAYS, DAYS.first)
    return drops.of("folder", "trial")


def publish(settings: Settings, as_of: date) -> Path:
    """The published file of a lake whose marts are not the matter: the schema ``about`` alone; gives the file."""
    collected = pins.collect(settings, as_of)
    folder = settings.published / collected.build_id
    folder.mkdir(parents=True)
    with connect(settings) as duck:
        duck.execute(f"ATTACH '{folder / 'marts.duckdb'}' AS fresh")
        about.write(duck, "fresh", collected, [], {})
    (settings.published / "current").unlink(missing_ok=True)
    (settings.published / "current").symlink_to(folder.name)
    return folder / "marts.duckdb"
