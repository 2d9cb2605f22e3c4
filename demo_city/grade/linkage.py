"""Records of two registers that the lake took for one enterprise, against those that are: precision and recall.

The bureau of emergency management numbers the enterprises it supervises, the market regulation bureau numbers all
businesses; both write the credit code, some wrongly or not at all. The simulated city knows which numbers are one firm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from demo_city.text import zfill
from demo_city.world import World
from lake.engine import connect
from lake.errors import BuildFailed
from lake.settings import Settings

TABLE = "core.entity_link"
REGISTERS = ("emergency.enterprise", "market.subject")

_PAIRED = """
SELECT CASE WHEN l.is_by_likeness OR r.is_by_likeness THEN 'likeness'
            WHEN l.is_uscc_corrected OR r.is_uscc_corrected THEN 'corrected code' ELSE 'code' END AS method,
       count(*) AS found_n,
       count(*) FILTER (WHERE pair.left_no IS NOT NULL) AS right_n
FROM told AS l
JOIN told AS r ON l.entity_key = r.entity_key AND l.source_dataset = $1 AND r.source_dataset = $2
LEFT JOIN pair ON l.source_key = pair.left_no AND r.source_key = pair.right_no
GROUP BY ALL ORDER BY ALL
"""
_THERE = """
SELECT count(*) FROM pair
JOIN told AS l ON l.source_dataset = $1 AND l.source_key = pair.left_no
JOIN told AS r ON r.source_dataset = $2 AND r.source_key = pair.right_no
"""


@dataclass(frozen=True)
class Linkage:
    """What became of the pairs of two registers.

    Attributes:
        true_n: pairs of records in the lake that are one enterprise.
        found: by method (code, corrected code, likeness): pairs found, and those of them that are true.
    """

    true_n: int
    found: dict[str, tuple[int, int]]

    @property
    def found_n(self) -> int:
        """Pairs found."""
        return sum(found for found, _ in self.found.values())

    @property
    def right_n(self) -> int:
        """Pairs found that are true."""
        return sum(right for _, right in self.found.values())

    @property
    def precision(self) -> float | None:
        """Share of the pairs found that are true; None without any."""
        return self.right_n / self.found_n if self.found_n else None

    @property
    def recall(self) -> float | None:
        """Share of the true pairs that were found; None without any."""
        return self.right_n / self.true_n if self.true_n else None


def grade_linkage(world: World, settings: Settings) -> Linkage:
    """Compare the links of the two registers in the published build with the city's own.

    They are read from the build's own file: numbers of registers beside each other are not published.

    Raises:
        BuildFailed: nothing is published, or it has no links.
    """
    current = settings.published / "current"
    if not current.exists():
        raise BuildFailed("nothing is published", remedy="run `citybrain marts build` and `citybrain marts publish`")
    path = settings.builds / current.resolve().name / "build.duckdb"
    if not path.exists():
        raise BuildFailed("the published build's own file is gone", remedy="build and publish the marts again")
    with connect(settings, path, read_only=True) as build:
        try:
            told = build.execute(
                f"SELECT source_dataset, source_key, entity_key, is_uscc_corrected, is_by_likeness FROM {TABLE} "
                "WHERE list_contains($1, source_dataset)",
                [list(REGISTERS)],
            ).to_arrow_table()
        except duckdb.CatalogException as error:
            raise BuildFailed(
                f"the published build has no {TABLE}", remedy="build and publish the marts of this version"
            ) from error
    return compare(true_pairs(world), told)


def true_pairs(world: World) -> pa.Table:
    """``left_no right_no``: the numbers under which the two registers know the same enterprise."""
    from demo_city.departments.s07_emergency import firms
    from demo_city.departments.s20_market import subjects

    firm, subject, city = firms(world), subjects(world), world.city
    own = np.flatnonzero(subject["enterprise_i"] >= 0)
    county = city.county["code"][city.township["county_i"][subject["township_i"][own]]]
    number = county + zfill(subject["key"][own].astype("U9"), 9).astype(object)
    by_enterprise = dict(zip(subject["enterprise_i"][own].tolist(), number.tolist(), strict=True))
    known = [(no, by_enterprise.get(i)) for no, i in zip(firm["ent_id"], firm["enterprise_i"].tolist(), strict=True)]
    kept = [(left, right) for left, right in known if right is not None]
    return pa.table(
        {
            "left_no": pa.array([left for left, _ in kept], pa.string()),
            "right_no": pa.array([right for _, right in kept], pa.string()),
        }
    )


def compare(pairs: pa.Table, told: pa.Table) -> Linkage:
    """Found against true pairs.

    Args:
        pairs: of `true_pairs`.
        told: rows of ``core.entity_link``.
    """
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("pair", pairs)
        connection.register("told", told)
        found: list[tuple[Any, ...]] = connection.execute(_PAIRED, list(REGISTERS)).fetchall()
        (true_n,) = connection.execute(_THERE, list(REGISTERS)).fetchone() or (0,)
    return Linkage(true_n, {method: (found_n, right_n) for method, found_n, right_n in found})
