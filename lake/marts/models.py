"""What the dbt project says of its models: the subject a table belongs to, what it is for, who answers for it.

A mart's YAML says it under ``config: meta:``; Chinese names stand in ``dbt_project/names_zh/*.csv``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from lake.engine import quote_identifier

CORE, MARTS = "core", "marts"
CONFORMED = ("dim_", "fct_", "bridge_")
"""Tables of core that readers see; the others are steps between tables."""
NOT_OBSERVED = "not_observed"
WARNINGS = {
    "late_facts": ("restated when late or corrected rows come", "数据迟到会重算"),
    "demonstration": ("values are drawn to show the form; they claim nothing", "示例数值，不作依据"),
    "sampled": ("a partial or k-anonymous source", "来源为抽样或已匿名"),
    "proxy": ("stands for what is not measured", "以替代指标代表未测量的量"),
    NOT_OBSERVED: (
        "some columns are constant or empty in this city's data; they are named",
        "部分列在本市数据中无变化或为空",
    ),
    "small_numbers": ("rates of small numbers are unstable; look at the interval", "小样本，看区间"),
    "unverified_standard": ("a standard it applies was not verified against its text", "所依标准条款未经核对"),
    "no_history": ("today only: earlier days cannot be asked", "仅有当前，无历史"),
    "model_estimate": ("an estimate of a model, not a count", "模型估计值"),
}
"""What a mart's YAML may warn of: meaning in English and in Chinese."""
FRESHNESS = {"daily": "每日", "weekly": "每周", "monthly": "每月", "quarterly": "每季"}


@dataclass(frozen=True)
class Recent:
    """Rows of a table that `marts.duckdb` holds: those of the last days; all of them are in its history.

    Attributes:
        days: how many.
        by: SQL of the date or moment that says whether a row is of these days; NULL: it is.
        month_of: column by whose month the history is filed; None: the same.
    """

    days: int
    by: str
    month_of: str | None = None

    def after(self, as_of: date) -> date:
        """The last day whose rows are in the history alone."""
        return as_of - timedelta(days=self.days)


@dataclass(frozen=True)
class Model:
    """One model of the project.

    Attributes:
        id: dbt's.
        room: ``staging``, ``core``, ``methods`` or ``marts``.
        schema: where it lies, in the build's file and in the published one; a mart's is its subject.
        name: of the table.
        grain: what one row is.
        description: the rest of what to know.
        columns: name to meaning, of those that are shown.
        withheld: columns that stay in the build's file: their YAML says ``published: false``.
        meta: what its YAML says under ``meta``.
    """

    id: str
    room: str
    schema: str
    name: str
    grain: str
    description: str
    columns: Mapping[str, str]
    meta: Mapping[str, Any]
    withheld: tuple[str, ...] = ()

    @property
    def at(self) -> str:
        """The table as SQL names it."""
        return f"{quote_identifier(self.schema)}.{quote_identifier(self.name)}"

    @property
    def shown(self) -> str:
        """What SQL selects of it for readers."""
        withheld = ", ".join(quote_identifier(column) for column in self.withheld)
        return f"* EXCLUDE ({withheld})" if withheld else "*"

    @property
    def recent(self) -> Recent | None:
        """Part of it that `marts.duckdb` holds; None: all of it."""
        said = self.meta.get("recent")
        return Recent(**said) if said and not self.audience else None

    @property
    def audience(self) -> str | None:
        """Who alone may see it; None for every reader of the marts."""
        said = self.meta.get("audience")
        return str(said) if said else None

    @property
    def example(self) -> tuple[str, str] | None:
        """A question in Chinese, and the SQL that answers it."""
        said = self.meta.get("example")
        return (" ".join(said["question_zh"].split()), " ".join(said["sql"].split())) if said else None

    def said(self, what: str) -> tuple[str, ...]:
        """A list of its YAML: ``warnings``, ``not_observed``, ``graded_by``."""
        return tuple(str(one) for one in self.meta.get(what) or ())

    @property
    def is_published(self) -> bool:
        """Whether a published file shows it: marts and conformed tables do not have to ask for it."""
        said = self.meta.get("published", self.room == MARTS or self.name.startswith(CONFORMED))
        return bool(said) and self.room in (CORE, MARTS)


def models(manifest: Any) -> list[Model]:
    """Every model of a parsed project, by schema and name."""
    found = []
    for node in manifest.nodes.values():
        if node.resource_type != "model":
            continue
        grain, _, rest = node.description.strip().partition("\n")
        withheld = tuple(column.name for column in node.columns.values() if not _is_shown(column))
        found.append(
            Model(
                id=node.unique_id,
                room=node.fqn[1],
                schema=node.schema,
                name=node.name,
                grain=grain,
                description=" ".join(rest.split()),
                columns={
                    column.name: " ".join(column.description.split())
                    for column in node.columns.values()
                    if column.name not in withheld
                },
                meta=dict(node.config.meta),
                withheld=withheld,
            )
        )
    return sorted(found, key=lambda model: (model.schema, model.name))


def _is_shown(column: Any) -> bool:
    said: Mapping[str, Any] = column.config.meta
    return bool(said.get("published", True))


def published(manifest: Any, audience: str | None = None) -> list[Model]:
    """Those that the published file shows, or the file of an audience."""
    return [model for model in models(manifest) if model.is_published and model.audience == audience]


def audiences(manifest: Any) -> list[str]:
    """Audiences that have a file of their own."""
    return sorted({model.audience for model in models(manifest) if model.is_published and model.audience})


def marts(manifest: Any) -> list[Model]:
    """Those of the published ones that are marts."""
    return [model for model in published(manifest) if model.room == MARTS]


def names_zh(project: Path) -> dict[str, str]:
    """Chinese name of every table and column that has one."""
    return {name: zh for _, name, zh in named(project)}


def named(project: Path) -> Iterator[tuple[str, str, str]]:
    """File, name and Chinese name of every line of the dictionary."""
    for path in sorted((project / "names_zh").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield path.name, row["name"], row["zh"]
