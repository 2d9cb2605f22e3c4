"""What the dbt project says of its models: the subject a table belongs to, what it is for, who answers for it.

A mart's YAML says it under ``config: meta:``; Chinese names stand in ``dbt_project/names_zh/*.csv``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CORE, MARTS = "core", "marts"
CONFORMED = ("dim_", "fct_", "bridge_")
"""Tables of core that readers see; the others are steps between tables."""


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
        columns: name to meaning.
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

    @property
    def is_published(self) -> bool:
        """Whether readers of the marts see it: marts and conformed tables do not have to ask for it."""
        said = self.meta.get("published", self.room == MARTS or self.name.startswith(CONFORMED))
        return bool(said) and self.room in (CORE, MARTS)


def models(manifest: Any) -> list[Model]:
    """Every model of a parsed project, by schema and name."""
    found = []
    for node in manifest.nodes.values():
        if node.resource_type != "model":
            continue
        grain, _, rest = node.description.strip().partition("\n")
        found.append(
            Model(
                id=node.unique_id,
                room=node.fqn[1],
                schema=node.schema,
                name=node.name,
                grain=grain,
                description=" ".join(rest.split()),
                columns={column.name: " ".join(column.description.split()) for column in node.columns.values()},
                meta=dict(node.config.meta),
            )
        )
    return sorted(found, key=lambda model: (model.schema, model.name))


def published(manifest: Any) -> list[Model]:
    """Those that a published file shows."""
    return [model for model in models(manifest) if model.is_published]


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
