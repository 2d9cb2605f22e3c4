"""Record linkage: which records without a usable credit code are of an enterprise that has one (Splink on DuckDB).

Fellegi and Sunter's model with given m and u probabilities: nothing is trained and nothing is drawn, so that the same
records give the same pairs. A pair's match weight is log2(λ / (1 - λ)) plus log2(m / u) of every comparison; where two
values agree exactly and their frequency is known, that frequency stands for u (a common name tells less).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

ATTRIBUTES = ("name", "legal_rep", "address", "industry", "division")
BLOCKED_ON = (("name",), ("legal_rep", "industry"), ("address",))
"""A pair is looked at when it shares one of these: a representative alone has too many namesakes."""

PAIRS = pa.schema(
    [
        ("open_id", pa.string()),
        ("other_id", pa.string()),
        ("is_other_known", pa.bool_()),
        ("match_weight", pa.float64()),
        ("match_probability", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Level:
    """One level of agreement of a comparison: how often pairs of one enterprise are at it (m), and of two (u)."""

    level_no: int
    m: float
    u: float


@dataclass(frozen=True)
class Parameters:
    """What a linkage depends on beside the records.

    Attributes:
        levels: of every comparison in `ATTRIBUTES`, the best first.
        prior: probability that any two records are of one enterprise (λ).
        name_similarity: from which two names are close: the share of all pairs of neighbouring characters in either
            that are in both.
    """

    levels: Mapping[str, Sequence[Level]]
    prior: float
    name_similarity: float


def parameters(rows: Sequence[Mapping[str, Any]], *, prior: float, name_similarity: float) -> Parameters:
    """Parameters out of the rows of the seed ``link_comparison``."""
    levels = {
        attribute: sorted(
            (
                Level(int(row["level_no"]), float(row["m_probability"]), float(row["u_probability"]))
                for row in rows
                if row["comparison"] == attribute
            ),
            key=lambda level: -level.level_no,
        )
        for attribute in ATTRIBUTES
    }
    if missing := [attribute for attribute, own in levels.items() if not own]:
        raise ValueError(f"no levels for the comparisons {', '.join(missing)}")
    return Parameters(levels, prior, name_similarity)


def score(records: pa.Table, given: Parameters) -> pa.Table:
    """Pairs of an open record and any other record, with match weight and probability, in order of their ids.

    Args:
        records: ``unique_id is_known source_datasets`` (names of datasets, a blank between them), `ATTRIBUTES`,
            ``county``, and ``tf_<attribute>``: share of all records that have this value.
        given: weights and prior.

    Returns:
        As `PAIRS`. Two known records make no pair, nor do two of one dataset, for a register has a thing once.
    """
    import duckdb
    from splink import DuckDBAPI, Linker, SettingsCreator

    is_known = records.column("is_known").to_pylist()
    if all(is_known) or len(is_known) < 2:
        return PAIRS.empty_table()
    logging.getLogger("splink").setLevel(logging.ERROR)
    connection = duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": "false"})
    try:
        connection.register("given_records", records)
        # Pairs of neighbouring characters: DuckDB's own measures of likeness compare bytes, of which a Chinese
        # character has three.
        connection.execute(
            "CREATE TABLE record AS SELECT *, list_distinct([substr(name, i, 2) FOR i IN range(1, length(name))]) "
            "AS name_pairs FROM given_records ORDER BY unique_id"
        )
        connection.unregister("given_records")
        api = DuckDBAPI(connection=connection)
        settings = SettingsCreator(
            link_type="dedupe_only",
            comparisons=[_comparison(attribute, given) for attribute in ATTRIBUTES],
            blocking_rules_to_generate_predictions=[
                {
                    "blocking_rule": " AND ".join(f"l.{attribute} = r.{attribute}" for attribute in shared)
                    + " AND NOT (l.is_known AND r.is_known) "
                    "AND NOT list_has_any(string_split(l.source_datasets, ' '), string_split(r.source_datasets, ' '))",
                    "sql_dialect": "duckdb",
                }
                for shared in BLOCKED_ON
            ],
            probability_two_random_records_match=given.prior,
            retain_matching_columns=False,
            additional_columns_to_retain=["is_known"],
        )
        linker = Linker(api.register("record"), settings, log_level=logging.ERROR)
        scored = linker.inference.predict(warning_mode="never").physical_name
        return (
            connection.execute(
                f"""
                SELECT CASE WHEN is_known_l THEN unique_id_r ELSE unique_id_l END AS open_id,
                       CASE WHEN is_known_l THEN unique_id_l ELSE unique_id_r END AS other_id,
                       is_known_l OR is_known_r AS is_other_known,
                       round(match_weight, 9) AS match_weight,
                       round(match_probability, 9) AS match_probability
                FROM {scored} ORDER BY 1, 2
                """
            )
            .to_arrow_table()
            .cast(PAIRS)
        )
    finally:
        connection.close()


def _comparison(attribute: str, given: Parameters) -> dict[str, Any]:
    left, right = f"{attribute}_l", f"{attribute}_r"
    conditions = _conditions(attribute, given)
    levels: list[dict[str, Any]] = [
        {"sql_condition": f"{left} IS NULL OR {right} IS NULL", "label_for_charts": "missing", "is_null_level": True}
    ]
    for own in given.levels[attribute]:
        level = {
            "sql_condition": conditions[own.level_no],
            "label_for_charts": f"{attribute} {own.level_no}",
            "m_probability": own.m,
            "u_probability": own.u,
        }
        if conditions[own.level_no] == f"{left} = {right}":
            level |= {"tf_adjustment_column": attribute, "tf_adjustment_weight": 1.0}
        levels.append(level)
    return {"output_column_name": attribute, "comparison_levels": levels}


def _conditions(attribute: str, given: Parameters) -> dict[int, str]:
    left, right = f"{attribute}_l", f"{attribute}_r"
    same = f"{left} = {right}"
    if attribute == "name":
        both = "len(list_intersect(name_pairs_l, name_pairs_r))"
        either = "len(list_distinct(list_concat(name_pairs_l, name_pairs_r)))"
        return {2: same, 1: f"{both} >= {given.name_similarity} * {either}", 0: "ELSE"}
    if attribute == "division":
        return {2: same, 1: "county_l = county_r", 0: "ELSE"}
    return {1: same, 0: "ELSE"}
