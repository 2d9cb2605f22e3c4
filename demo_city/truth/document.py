"""The schema of the truth store as a page of the documentation: ``python -m demo_city.truth.document`` writes it."""

from __future__ import annotations

from pathlib import Path

from demo_city.truth import indicators, leads
from demo_city.truth.schema import TABLES

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "demo-city-truth.md"
_INTRODUCTION = """\
# The truth of the demo city

<!-- Made by `python -m demo_city.truth.document`; a test holds that it is current. -->

Linlan is simulated, so what is so in it is known. The truth store says it: which rows and deliveries are dirty, which
warnings are true and from when they could have been seen, what every headline indicator really is. It lies in the demo
city's own home (`<home>/truth/`), where no pipeline looks; nothing in `lake/`, `dbt_project/`, `dags/` or `briefs/` may
read it, and tests hold them to that. `citybrain demo grade` compares a finished lake with it.

The store is one Parquet file per table and `truth.duckdb`, in which every table is a view with its columns' comments.
Times are civil times of the city (+08). Values come from the simulated events, computed with numpy; no SQL of the lake
is used, so that an error of the lake cannot be an error of its truth.
"""


def page() -> str:
    """The page as it should stand in the documentation."""
    lines = [_INTRODUCTION, "## Tables\n"]
    for table in TABLES.values():
        lines += [f"### {table.name}\n", f"{table.grain[0].upper()}{table.grain[1:]}.\n", "| column | type | meaning |"]
        lines += ["| --- | --- | --- |"]
        lines += [f"| `{column.name}` | {column.type} | {_cell(column.meaning)} |" for column in table.columns]
        lines.append("")
    lines += [
        "## Indicators\n",
        _cell_text(indicators.RULES),
        "",
        "| part | Chinese | unit | windows | scopes | definition |",
    ]
    lines += ["| --- | --- | --- | --- | --- | --- |"]
    lines += [
        f"| {part.indicator} `{part.name}`{f' ({part.variant})' if part.variant else ''} | {part.title_zh} "
        f"| {part.unit} | {' '.join(part.windows)} | {' '.join(part.scopes)} | {_cell(part.definition)} |"
        for part in indicators.parts()
    ]
    lines += ["", "What counts, when it is known, and what no delivery tells:", ""]
    lines += [f"- **{id}**: {_cell(text.removeprefix(f'{id}: '))}" for id, text in indicators.definitions()]
    lines += [
        "",
        "## Leads\n",
        _cell_text(leads.RULES),
        "",
        "| model | true in this city when, or why there is no answer |",
    ]
    lines += ["| --- | --- |"]
    lines += [
        f"| {model} | {_cell(('' if known else 'No answer: ') + rule)} |" for model, known, rule in leads.models()
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _cell_text(text: str) -> str:
    return text.strip()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
