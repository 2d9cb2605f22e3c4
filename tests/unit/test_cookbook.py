"""The cookbook: pages as they should be, on tables and columns that are published, and failures that are seen."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
import yaml
from sqlglot.optimizer.qualify import qualify

from lake.errors import BuildFailed
from lake.marts import about, ask_cookbook, cookbook_failures
from lake.marts.cookbook import FOLDER, Question, questions
from lake.marts.models import CONFORMED, NOT_OBSERVED, WARNINGS
from lake.marts.query import guard
from lake.settings import PROJECT_ROOT, Settings

MODELS = PROJECT_ROOT / "dbt_project" / "models"
QUESTIONS = {f"{question.page} {question.number}": question for question in questions(PROJECT_ROOT)}


@cache
def published() -> dict[str, dict[str, Any]]:
    """Description of every table that readers see, by ``schema.table``; their file is the common one."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = {}
    for path in sorted([*MODELS.glob("marts/*/*.yml"), *MODELS.glob("core/**/*.yml")]):
        room, subject = path.relative_to(MODELS).parts[0], path.parent.name
        for model in yaml.load(path.read_text(encoding="utf-8"), Loader=loader).get("models") or ():
            said = meta(model)
            if said.get("audience") or not said.get(
                "published", room == "marts" or model["name"].startswith(CONFORMED)
            ):
                continue
            found[f"{subject if room == 'marts' else 'core'}.{model['name']}"] = model
    return found


def meta(model: dict[str, Any]) -> dict[str, Any]:
    return dict((model.get("config") or {}).get("meta") or {})


@cache
def columns() -> dict[str, dict[str, dict[str, str]]]:
    """Column to type, by schema and table."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for name, model in published().items():
        schema, table = name.split(".")
        found.setdefault(schema, {})[table] = {
            column["name"]: column.get("data_type", "varchar") for column in model["columns"]
        }
    tables = {table: {name: kind for name, (kind, _) in said.items()} for table, (_, said) in about.TABLES.items()}
    return {**found, "about": {**tables, "columns": {name: kind for name, (kind, _) in about.COLUMNS[1].items()}}}


def subjects() -> set[str]:
    return {path.name for path in (MODELS / "marts").iterdir() if path.is_dir()}


def test_there_are_forty_questions_and_one_of_every_subject() -> None:
    assert len(QUESTIONS) >= 40
    assert [question.number for question in QUESTIONS.values()] == list(range(1, len(QUESTIONS) + 1))
    assert {question.page for question in QUESTIONS.values()} == {*subjects(), "core"}
    asked = {table.split(".")[0] for question in QUESTIONS.values() for table in question.tables}
    assert subjects() <= asked


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_is_told_in_full(name: str) -> None:
    question = QUESTIONS[name]
    assert any("一" <= letter <= "鿿" for letter in question.question_zh)
    assert question.question.endswith("?") and question.question.isascii()
    assert question.reading.count(". ") >= 1, "two sentences: what the answer says, and the trap"
    assert question.beware


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_asks_what_is_published(name: str) -> None:
    question = QUESTIONS[name]
    guard(question.sql)
    assert question.tables
    assert {table for table in question.tables if not table.startswith("about.")} <= set(published())
    qualify(sqlglot.parse_one(question.sql, read="duckdb"), schema=columns(), dialect="duckdb")


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_says_what_the_warnings_of_its_marts_mean_for_it(name: str) -> None:
    question = QUESTIONS[name]
    needed = set()
    for table in question.tables & set(published()):
        said = meta(published()[table])
        # Which columns do not vary depends on the data that are held; `about.models` names them, build by build.
        needed |= set(said.get("warnings") or ()) - {NOT_OBSERVED}
    assert {word for word in needed if f"`{word}`" not in question.beware} == set()
    assert needed <= set(WARNINGS)


PAGE = """# Water

## 1. 用了多少水？

**How much water?** It says so. Not more.

```sql
SELECT sum(used_n) FROM lifelines.water
```

`late_facts`: it grows.

## 2. 哪天没用水？

**On which day was none used?** The day. There may be none.

```sql may-be-empty
SELECT day_on FROM lifelines.water WHERE used_n = 0
```

Nothing.
"""


def page_of(question: Question) -> str:
    fence = "sql may-be-empty" if question.may_be_empty else "sql"
    return (
        f"\n## {question.number}. {question.question_zh}\n\n**{question.question}** {question.reading}\n\n"
        f"```{fence}\n{question.sql}\n```\n\n{question.beware}\n"
    )


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Settings:
    settings = Settings.from_environment(
        {"CITYBRAIN_HOME": str(tmp_path / "home"), "CITYBRAIN_ROOT": str(tmp_path), "CITYBRAIN_CITY": "linlan"}
    )
    (settings.published / "b").mkdir(parents=True)
    (settings.published / "current").symlink_to("b")
    with duckdb.connect(str(settings.published / "b" / "marts.duckdb")) as duck:
        duck.execute(
            "CREATE SCHEMA lifelines; CREATE TABLE lifelines.water AS SELECT DATE '2026-06-01' day_on, 7 used_n"
        )
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / "water.md").write_text(PAGE, encoding="utf-8")
    return settings


def test_an_answer_is_counted_and_none_is_one_where_the_page_says_so(home: Settings) -> None:
    assert [(one.mart, one.row_n, one.failure) for one in ask_cookbook(home)] == [
        ("water 1", 1, None), ("water 2", 0, None)]  # fmt: skip
    assert cookbook_failures(home) == []


@pytest.mark.parametrize(
    ("sql", "failure"),
    [
        ("SELECT day_on FROM lifelines.water WHERE used_n = 0", "answers nothing"),
        (
            "SELECT lost_n FROM lifelines.water",
            'Binder Error: Referenced column "lost_n" not found in FROM clause '
            '(Candidate bindings: "used_n", "day_on")',
        ),
        ("SELECT used_n FROM lifelines.gas", "there is no lifelines.gas"),
    ],
)
def test_what_is_wrong_with_a_question_is_told(home: Settings, sql: str, failure: str) -> None:
    wrong = Question("water", 3, "问？", "What?", "This. That.", sql, "Nothing.", may_be_empty=False)
    (home.root / FOLDER / "more.md").write_text(page_of(wrong), encoding="utf-8")
    assert cookbook_failures(home) == [f"more 3: {failure}"]


def test_a_page_that_is_written_otherwise_is_refused(home: Settings) -> None:
    page = home.root / FOLDER / "water.md"
    page.write_text(PAGE.replace("**On which day was none used?**", "On which day?"), encoding="utf-8")
    with pytest.raises(BuildFailed, match=r"question \[2\]"):
        questions(home.root)
    page.unlink()
    with pytest.raises(BuildFailed, match="no question"):
        questions(home.root)
