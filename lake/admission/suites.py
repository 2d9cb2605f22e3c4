"""Expectation suites: read strictly from ``expectations/<city>/<department>/<dataset>.yaml``.

A suite is a list; each entry is one Great Expectations expectation in our words::

    - id: coordinates_in_queens
      type: expect_column_values_to_be_between
      kwargs: {column: latitude, min_value: 40.4, max_value: 41.0}
      severity: warning
      owner: NYC 311
      reason: A point outside Queens cannot be drawn on the map.
      reason_zh: 坐标不在皇后区范围内，无法落图。

Severity ``critical`` holds the whole batch, ``error`` quarantines the rows that fail (row-level types only),
``warning`` travels to the brief's data note.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lake.contracts import versions_of
from lake.contracts.model import Contract
from lake.errors import ContractError
from lake.settings import Settings


class Severity(StrEnum):
    """What a failed expectation leads to."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Expectation:
    """One entry of a suite.

    Attributes:
        id: name unique in the suite; part of the quarantine reason ``rule:<id>``.
        type: Great Expectations type.
        kwargs: its arguments.
        severity: what a failure leads to.
        owner: who acts on it.
        reason, reason_zh: why it must hold, in words; the Chinese one goes into the brief's data note.
        line: line in the suite's file.
    """

    id: str
    type: str
    kwargs: Mapping[str, Any]
    severity: Severity
    owner: str
    reason: str
    reason_zh: str = ""
    line: int = 0

    @property
    def column(self) -> str | None:
        """Column it is about; the first of several; None for the table."""
        names = columns_of(self.kwargs)
        return names[0] if names else None

    @property
    def is_row_level(self) -> bool:
        """Whether it can say which rows fail."""
        return self.type in ROW_LEVEL


@dataclass(frozen=True)
class Suite:
    """The expectations of one dataset, in the order of their file."""

    path: Path
    expectations: tuple[Expectation, ...] = field(default=())


_COLUMN = {"column": str}
_BOUNDS = {"min_value": object, "max_value": object, "strict_min": bool, "strict_max": bool}
_LENGTHS = {"min_value": int, "max_value": int, "strict_min": bool, "strict_max": bool}
_PAIR = {"column_A": str, "column_B": str, "ignore_row_if": str}
_MANY = {"column_list": list, "ignore_row_if": str}

ROW_LEVEL: Mapping[str, Mapping[str, type]] = MappingProxyType(
    {
        "expect_column_values_to_not_be_null": _COLUMN,
        "expect_column_values_to_be_null": _COLUMN,
        "expect_column_values_to_be_in_set": _COLUMN | {"value_set": list},
        "expect_column_values_to_not_be_in_set": _COLUMN | {"value_set": list},
        "expect_column_values_to_be_between": _COLUMN | _BOUNDS,
        "expect_column_values_to_match_regex": _COLUMN | {"regex": str},
        "expect_column_values_to_not_match_regex": _COLUMN | {"regex": str},
        "expect_column_values_to_match_like_pattern": _COLUMN | {"like_pattern": str},
        "expect_column_values_to_not_match_like_pattern": _COLUMN | {"like_pattern": str},
        "expect_column_value_lengths_to_be_between": _COLUMN | _LENGTHS,
        "expect_column_value_lengths_to_equal": _COLUMN | {"value": int},
        "expect_column_values_to_be_unique": _COLUMN,
        "expect_column_pair_values_a_to_be_greater_than_b": _PAIR | {"or_equal": bool},
        "expect_column_pair_values_to_be_equal": _PAIR,
        "expect_compound_columns_to_be_unique": _MANY,
        "expect_select_column_values_to_be_unique_within_record": _MANY,
        "expect_multicolumn_sum_to_equal": _MANY | {"sum_total": object},
    }
)
"""Types that say which rows fail, with their arguments: compiled by `row_rules`, run by Great Expectations too."""

TABLE_LEVEL: Mapping[str, Mapping[str, type]] = MappingProxyType(
    {
        "expect_table_row_count_to_be_between": _LENGTHS,
        "expect_table_row_count_to_equal": {"value": int},
        "expect_table_column_count_to_equal": {"value": int},
        "expect_table_columns_to_match_set": {"column_set": list, "exact_match": bool},
        "expect_column_to_exist": _COLUMN,
        "expect_column_proportion_of_unique_values_to_be_between": _COLUMN | _BOUNDS,
        "expect_column_proportion_of_non_null_values_to_be_between": _COLUMN | _BOUNDS,
        "expect_column_unique_value_count_to_be_between": _COLUMN | _LENGTHS,
        "expect_column_distinct_values_to_be_in_set": _COLUMN | {"value_set": list},
        "expect_column_distinct_values_to_contain_set": _COLUMN | {"value_set": list},
        "expect_column_min_to_be_between": _COLUMN | _BOUNDS,
        "expect_column_max_to_be_between": _COLUMN | _BOUNDS,
        "expect_column_mean_to_be_between": _COLUMN | _BOUNDS,
        "expect_column_sum_to_be_between": _COLUMN | _BOUNDS,
    }
)
"""Types about a whole batch: run by Great Expectations only."""

_OPTIONAL = {
    "strict_min", "strict_max", "min_value", "max_value", "ignore_row_if", "or_equal", "exact_match", "mostly",
}  # fmt: skip
_IGNORE = {
    "column_A": ("both_values_are_missing", "either_value_is_missing", "neither"),
    "column_list": ("all_values_are_missing", "any_value_is_missing", "never"),
}
_FIELDS = {"id", "type", "kwargs", "severity", "owner", "reason", "reason_zh"}
_COMPARES = re.compile(r"^expect_column_(values|min|max|mean|sum)_to_be_between$")
_ID = re.compile(r"^[a-z][a-z0-9_]*$")


def suite_path(contract: Contract, settings: Settings) -> Path:
    """Where the suite of a dataset lies."""
    return settings.root / "expectations" / contract.city / contract.department / f"{contract.name}.yaml"


def read_suite(contract: Contract, settings: Settings) -> Suite:
    """Read the suite of a dataset.

    Raises:
        ContractError: there is none, or it has mistakes; all of them are named with file and line.
    """
    path = suite_path(contract, settings)
    if not path.exists():
        raise ContractError(
            f"there is no suite {path.relative_to(settings.root)}",
            remedy="write one; an empty list is a suite too, but somebody must have said so",
            dataset=contract.dataset,
        )
    suite, mistakes = _parse(path, contract, _of_later_versions(contract, settings))
    if mistakes:
        raise ContractError(
            "; ".join(mistakes),
            remedy="correct the suite; expectations/README.md lists types",
            dataset=contract.dataset,
        )
    return suite


def _of_later_versions(contract: Contract, settings: Settings) -> frozenset[str]:
    """Columns that only later versions have: the suite is about the newest, and older days go without these checks."""
    try:
        versions = versions_of(contract.dataset, settings)
    except ContractError:
        return frozenset()
    later = [version for version in versions if version.valid_from > contract.valid_from]
    return frozenset(c.name for version in later for c in version.kept) - {c.name for c in contract.kept}


def check_suite(contract: Contract, settings: Settings) -> list[str]:
    """Mistakes of a dataset's suite, one sentence each with file and line; empty when there are none."""
    try:
        read_suite(contract, settings)
    except ContractError as error:
        return error.cause.split("; ")
    return []


def columns_of(kwargs: Mapping[str, Any]) -> list[str]:
    """Columns that an expectation's arguments name."""
    names = [str(kwargs[name]) for name in ("column", "column_A", "column_B") if name in kwargs]
    return names + [str(name) for name in kwargs.get("column_list", ())]


def _parse(path: Path, contract: Contract, later: frozenset[str]) -> tuple[Suite, list[str]]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        entries: Any = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return Suite(path), [f"{path.name}:{line}: not YAML ({error.problem})"]
    except (YAMLError, UnicodeDecodeError) as error:
        return Suite(path), [f"{path.name}:1: not YAML in UTF-8 ({type(error).__name__})"]
    if not isinstance(entries, list):
        return Suite(path), [f"{path.name}:1: a suite is a list of expectations, `[]` when there are none"]
    expectations: list[Expectation] = []
    mistakes: list[str] = []
    seen: dict[str, int] = {}
    places: Any = entries  # ruamel's list knows where its items stand
    for number, entry in enumerate(entries):
        line = places.lc.item(number)[0] + 1
        if later and _is_about(entry, later):
            continue
        found = _mistakes(entry, contract)
        name = entry.get("id") if isinstance(entry, dict) else None
        if name in seen:
            found.append((None, f"id {name!r} is used in line {seen[name]} too; give it another"))
        elif name is not None:
            seen[name] = line
        for key, text in found:
            at = entry.lc.key(key)[0] + 1 if key is not None and key in entry.lc.data else line
            mistakes.append(f"{path.name}:{at}: {text}")
        if not found:
            expectations.append(_expectation(entry, line))
    return Suite(path, tuple(expectations)), mistakes


def _is_about(entry: Any, columns: frozenset[str]) -> bool:
    kwargs = entry.get("kwargs") if isinstance(entry, dict) else None
    return isinstance(kwargs, dict) and not columns.isdisjoint(columns_of(kwargs))


def _expectation(entry: Mapping[str, Any], line: int) -> Expectation:
    return Expectation(
        id=str(entry["id"]),
        type=str(entry["type"]),
        kwargs=MappingProxyType({str(name): _plain(value) for name, value in entry["kwargs"].items()}),
        severity=Severity(entry["severity"]),
        owner=str(entry["owner"]),
        reason=str(entry["reason"]),
        reason_zh=str(entry.get("reason_zh", "")),
        line=line,
    )


def _plain(value: Any) -> Any:
    """YAML's own number, text and list classes as Python's."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    for plain in (bool, int, float, str):
        if isinstance(value, plain):
            return plain(value)
    return value


def _mistakes(entry: Any, contract: Contract) -> list[tuple[str | None, str]]:
    """(key the mistake stands at, or None; what is wrong and what to do)."""
    if not isinstance(entry, dict):
        return [(None, "an expectation is a mapping with id, type, kwargs, severity, owner, reason")]
    found: list[tuple[str | None, str]] = [
        (key, f"unknown key {key!r}; there are {', '.join(sorted(_FIELDS))}") for key in entry if key not in _FIELDS
    ]
    found += [
        (None, f"{key} is missing; every expectation says it")
        for key in ("id", "type", "kwargs", "severity", "owner", "reason")
        if entry.get(key) in (None, "")
    ]
    if found:
        return found
    if not isinstance(entry["id"], str) or not _ID.match(entry["id"]):
        found.append(("id", "an id is snake_case"))
    if entry["severity"] not in {severity.value for severity in Severity}:
        found.append(("severity", f"severity is one of {', '.join(severity.value for severity in Severity)}"))
    found += [
        (key, f"{key} is text") for key in ("owner", "reason", "reason_zh") if not isinstance(entry.get(key, ""), str)
    ]
    if entry["type"] not in ROW_LEVEL and entry["type"] not in TABLE_LEVEL:
        found.append(("type", f"unknown type {entry['type']!r}; there are {', '.join([*ROW_LEVEL, *TABLE_LEVEL])}"))
        return found
    if not isinstance(entry["kwargs"], dict):
        found.append(("kwargs", "kwargs is a mapping"))
        return found
    if entry["severity"] == Severity.ERROR and entry["type"] not in ROW_LEVEL:
        found.append(("severity", f"{entry['type']} cannot say which rows fail; use critical or warning"))
    return found + [("kwargs", text) for text in _kwargs_mistakes(entry, contract)]


def _kwargs_mistakes(entry: Mapping[str, Any], contract: Contract) -> list[str]:
    kwargs = entry["kwargs"]
    known: dict[str, type] = {**(ROW_LEVEL.get(entry["type"]) or TABLE_LEVEL[entry["type"]])}
    if entry["type"] in ROW_LEVEL:
        known["mostly"] = float
    found = [f"{entry['type']} takes no {name!r}; it takes {', '.join(known)}" for name in kwargs if name not in known]
    found += [f"{entry['type']} needs {name!r}" for name in known if name not in kwargs and name not in _OPTIONAL]
    for name, value in kwargs.items():
        wanted = known.get(name, object)
        fits = isinstance(value, (int, float)) if wanted is float else isinstance(value, wanted)
        if not fits or (wanted is int and isinstance(value, bool)):
            found.append(f"{name} must be {wanted.__name__}")
    if "mostly" in kwargs and entry["severity"] == Severity.ERROR:
        found.append("mostly has no meaning with severity error, which quarantines each failing row")
    if {"min_value", "max_value"} <= known.keys() and not {"min_value", "max_value"} & kwargs.keys():
        found.append("give min_value, max_value or both")
    for group, allowed in _IGNORE.items():
        if group in known and kwargs.get("ignore_row_if", allowed[0]) not in allowed:
            found.append(f"ignore_row_if is one of {', '.join(allowed)}")
    types = {column.name: column.lake_type for column in contract.kept} | {"ds": "DATE"}
    for name in columns_of(kwargs):
        if name not in types:
            found.append(f"column {name!r} is not one the lake keeps of {contract.dataset}")
        elif _COMPARES.match(entry["type"]) and types[name] in ("VARCHAR", "BOOLEAN"):
            found.append(f"{entry['type']} needs a number or a time, {name!r} is {types[name]}")
    found += [
        f"{entry['type']} is of two columns or more; of one ask expect_column_values_to_be_unique"
        for names in (kwargs.get("column_list"),)
        if isinstance(names, list) and len(names) < 2
    ]
    if any(value is None for value in kwargs.get("value_set", None) or ()):
        found.append(
            "value_set holds an empty entry; a missing value is a matter of expect_column_values_to_not_be_null"
        )
    if "regex" in kwargs and isinstance(kwargs["regex"], str) and not _is_regex(kwargs["regex"]):
        found.append("regex is not one RE2 takes (no look-around, no back-references)")
    return found


def _is_regex(pattern: str) -> bool:
    import duckdb

    try:
        duckdb.connect(":memory:").execute("SELECT regexp_matches('', ?)", [pattern]).fetchall()
    except duckdb.Error:
        return False
    return True
