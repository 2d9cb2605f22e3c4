"""What every mart's YAML must say, and the dictionary of Chinese names: one name, one meaning."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlglot
import yaml

from lake.marts.models import FRESHNESS, NOT_OBSERVED, WARNINGS, named, names_zh
from lake.marts.people import personal_names
from lake.settings import PROJECT_ROOT, Settings

PROJECT = PROJECT_ROOT / "dbt_project"
MARTS = PROJECT / "models" / "marts"


@cache
def marts() -> dict[str, dict[str, Any]]:
    """Description of every mart by ``subject.table``."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = {}
    for path in sorted(MARTS.glob("*/*.yml")):
        for model in yaml.load(path.read_text(encoding="utf-8"), Loader=loader).get("models") or ():
            found[f"{path.parent.name}.{model['name']}"] = model
    return found


def mistakes(name: str, model: dict[str, Any]) -> list[str]:
    """What a mart's YAML lacks or says wrongly."""
    meta = (model.get("config") or {}).get("meta") or {}
    columns = {column["name"] for column in model["columns"]}
    zh = names_zh(PROJECT)
    found = []
    if not model["description"].startswith("one row per "):
        found.append("its description does not begin with `one row per`")
    found += [f"no {what}" for what in ("name_zh", "owner", "freshness", "graded_by", "example") if not meta.get(what)]
    if meta.get("name_zh") != zh.get(model["name"]):
        found.append(f"name_zh is not the dictionary's {zh.get(model['name'])}")
    found += [f"column {column} has no Chinese name" for column in sorted(columns - set(zh))]
    shown = Counter(zh[column] for column in columns if column in zh)
    found += [f"two columns are called {name_zh}" for name_zh, n in shown.items() if n > 1]
    if meta.get("freshness") not in FRESHNESS:
        found.append(f"freshness is none of {', '.join(FRESHNESS)}")
    warnings = meta.get("warnings") or []
    found += [f"unknown warning {word}" for word in warnings if word not in WARNINGS]
    if (NOT_OBSERVED in warnings) != bool(meta.get(NOT_OBSERVED)):
        found.append("the warning not_observed and the list of its columns go together")
    found += [f"not_observed names {one}, no column" for one in meta.get(NOT_OBSERVED) or () if one not in columns]
    found += [f"open_data releases {one}, no column" for one in _open(meta) if one not in columns]
    if example := meta.get("example"):
        found += example_mistakes(name, example)
    return found


def _open(meta: dict[str, Any]) -> list[str]:
    return list((meta.get("open_data") or {"measures": []})["measures"])


def example_mistakes(name: str, example: dict[str, str]) -> list[str]:
    """Whether the example asks in Chinese and reads its mart in one SELECT."""
    found = [] if any("一" <= letter <= "鿿" for letter in example["question_zh"]) else ["the question is not Chinese"]
    (statement,) = sqlglot.parse(example["sql"], read="duckdb")
    read = {f"{table.db}.{table.name}" for table in statement.find_all(sqlglot.exp.Table)}
    if not isinstance(statement, sqlglot.exp.Query) or name not in read:
        found.append("the example does not read its mart")
    return found


@pytest.mark.parametrize("name", sorted(marts()))
def test_a_mart_says_what_an_analyst_needs(name: str) -> None:
    assert mistakes(name, marts()[name]) == []


def test_mistakes_are_seen() -> None:
    model = {
        "name": "city_daily",
        "description": "Rows of days",
        "columns": [{"name": "day_on"}, {"name": "not_a_word_of_ours"}],
        "config": {
            "meta": {
                "warnings": ["beware", "not_observed"],
                "freshness": "hourly",
                "example": {"question_zh": "how many?", "sql": "SELECT 1 FROM core.dim_date"},
            }
        },
    }
    assert len(mistakes("overview.city_daily", model)) == 11


def test_no_mart_has_a_column_of_persons_but_for_an_audience(tmp_path: Path) -> None:
    home = {"CITYBRAIN_HOME": str(tmp_path), "CITYBRAIN_ROOT": str(PROJECT_ROOT)}
    names = set().union(
        *(personal_names(Settings.from_environment({**home, "CITYBRAIN_CITY": city})) for city in ("linlan", "queens"))
    )
    assert {"person_key", "caller_key", "plate_key"} <= names
    found = {
        f"{name}.{column['name']}"
        for name, model in marts().items()
        for column in model["columns"]
        if column["name"] in names and not (model.get("config") or {}).get("meta", {}).get("audience")
    }
    assert found == set()


def test_one_name_has_one_meaning() -> None:
    meanings: dict[str, dict[str, str]] = {}
    for file, name, zh in named(PROJECT):
        assert zh.strip() == zh and name.strip() == name and zh and name, (file, name)
        meanings.setdefault(name, {})[zh] = file
    assert {name: found for name, found in meanings.items() if len(found) > 1} == {}
    tables = Counter((model.get("config") or {}).get("meta", {}).get("name_zh") for model in marts().values())
    assert {name: n for name, n in tables.items() if name and n > 1} == {}


def test_every_schema_of_a_mart_is_a_subject_of_the_project() -> None:
    said = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["models"]["citybrain"]["marts"]
    subjects = {name: of["+schema"] for name, of in said.items() if not name.startswith("+")}
    assert all(name == schema for name, schema in subjects.items())
    assert {path.name for path in MARTS.iterdir()} <= set(subjects)
    assert {"marts", "main", "core", "about", "lake", "seeds", "staging"} & set(subjects) == set()
