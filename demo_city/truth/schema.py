"""Tables of the truth store: what one row is, and what every column means.

The page docs/explanation/demo-city-truth.md is made from this file; the writer makes nothing that is not said here.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

_ARROW = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "INTEGER": pa.int32(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("s"),
}


@dataclass(frozen=True)
class Column:
    """A column: name, DuckDB type, meaning."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True)
class Table:
    """A table: name, what one row is, its columns."""

    name: str
    grain: str
    columns: tuple[Column, ...]

    @property
    def arrow(self) -> pa.Schema:
        """Names and types as Arrow has them."""
        return pa.schema([(column.name, _ARROW[column.type]) for column in self.columns])


TABLES: dict[str, Table] = {
    name: Table(name, grain, tuple(Column(*column) for column in columns))
    for name, grain, columns in (
        (
            "city",
            "one row: the city this is the truth of",
            (
                ("city", "VARCHAR", "City id, `linlan`."),
                ("seed", "BIGINT", "Seed of every number."),
                ("scale", "DOUBLE", "Share of the city's people that is delivered, by whole townships."),
                ("county", "VARCHAR", "Code of the only county-level unit; NULL = all."),
                ("first_on", "DATE", "First day that is delivered."),
                ("last_on", "DATE", "Last day that is delivered."),
            ),
        ),
        (
            "dataset",
            "one row per dataset of a department",
            (
                ("source", "VARCHAR", "S01 … S35."),
                ("dataset", "VARCHAR", "Id of its contract."),
                ("title_zh", "VARCHAR", "Chinese title."),
                ("system", "VARCHAR", "table, api or files."),
                (
                    "is_overwritten",
                    "BOOLEAN",
                    "A later version of a key takes the place of the earlier one, so that whoever reads late sees the "
                    "last version only (tables with a key, APIs by update).",
                ),
                ("every", "VARCHAR", "day, week, month or quarter: what one delivery speaks for."),
                ("rows_n", "BIGINT", "Rows over all days, every version counted."),
            ),
        ),
        (
            "written",
            "one row per dataset, day and day of replacement",
            (
                ("dataset", "VARCHAR", "Dataset."),
                ("day", "DATE", "Day with whose delivery, or at whose end, the rows are there."),
                (
                    "replaced_on",
                    "DATE",
                    "Day whose version takes their place or takes them away; NULL = they stay, or all versions are "
                    "delivered. A reader at the end of day T sees rows with day ≤ T and replaced_on > T.",
                ),
                ("rows_n", "BIGINT", "Rows."),
            ),
        ),
        (
            "pattern",
            "one row per dataset and way of being dirty, those of whole deliveries included",
            (
                ("source", "VARCHAR", "S01 … S35."),
                ("dataset", "VARCHAR", "Dataset."),
                ("pattern", "VARCHAR", "Name, unique in the dataset."),
                ("meaning", "VARCHAR", "What is wrong, in a sentence."),
                ("rate", "DOUBLE", "Declared share of the rows, or of the deliveries."),
                (
                    "caught_by",
                    "VARCHAR",
                    "quarantine, warning, held, unchanged, late, missing, corrected; core: only the conformed core can "
                    "see it; never: nothing that was delivered tells it.",
                ),
                ("rule", "VARCHAR", "Expectation that catches it; `typing` for a cell that is not of its type."),
                ("column_name", "VARCHAR", "The lake's name of the column that is wrong; NULL = the whole row."),
                ("level", "VARCHAR", "row or delivery."),
            ),
        ),
        (
            "dirt",
            "one row per dirty row and pattern",
            (
                ("source", "VARCHAR", "S01 … S35."),
                ("dataset", "VARCHAR", "Dataset."),
                ("pattern", "VARCHAR", "How it is dirty."),
                ("day", "DATE", "Day of the row, as in `written`."),
                ("row_no", "BIGINT", "Place among the rows of its dataset and day, from 1: the record of its file."),
                ("key", "VARCHAR", "Primary key as the lake writes it, parts joined by |."),
                ("replaced_on", "DATE", "As in `written`: of this version."),
                ("caught_by", "VARCHAR", "As in `pattern`."),
                ("rule", "VARCHAR", "As in `pattern`."),
                ("column_name", "VARCHAR", "As in `pattern`."),
            ),
        ),
        (
            "delivery_dirt",
            "one row per delivery that is not as promised",
            (
                ("source", "VARCHAR", "S01 … S35."),
                ("dataset", "VARCHAR", "Dataset."),
                ("day", "DATE", "Day (first day of week, month, quarter) the delivery speaks for."),
                ("pattern", "VARCHAR", "late, missing, double, drift_added, drift_renamed or drift_dropped."),
                ("arrives_on", "DATE", "Day after whose end it is there; for `double` the repetition; NULL = never."),
                ("detail", "VARCHAR", "Of a drift: the columns."),
                ("caught_by", "VARCHAR", "As in `pattern`."),
            ),
        ),
        (
            "scenario",
            "one row per planted scenario",
            (
                ("scenario_no", "BIGINT", "Number."),
                (
                    "kind",
                    "VARCHAR",
                    "typhoon, rainstorm, heat_wave, gas_main, flu, … and the four couplings.",
                ),
                ("title_zh", "VARCHAR", "Chinese title."),
                ("from_on", "DATE", "First day."),
                ("to_on", "DATE", "Last day."),
                ("township_code", "VARCHAR", "Where, 9 digits; NULL = the whole city."),
                ("grid_id", "VARCHAR", "Where, 15 digits; NULL = wider than a grid."),
                ("topic_zh", "VARCHAR", "What people talk about; empty = nothing in particular."),
                ("strength", "DOUBLE", "How strong, 1 = usual for its kind."),
            ),
        ),
        (
            "chain",
            "one row per event that had precursors",
            (
                ("chain_no", "BIGINT", "Number."),
                ("kind", "VARCHAR", "fire, gas_explosion, industrial_accident, subsidence, food, petition and others."),
                ("event_at", "TIMESTAMP", "When it happened, civil time +08."),
                ("township_code", "VARCHAR", "Where, 9 digits."),
                ("grid_id", "VARCHAR", "Where, 15 digits; NULL = not known."),
                ("building_no", "VARCHAR", "Building; NULL = none in particular."),
                ("flat_no", "VARCHAR", "Flat; NULL = none."),
                ("enterprise_uscc", "VARCHAR", "Social credit code of the enterprise; NULL = none."),
                ("school_no", "VARCHAR", "School; NULL = none."),
                ("severity", "INTEGER", "1 minor … 4 extraordinary."),
                ("is_within", "BOOLEAN", "The event lies in the delivered days."),
            ),
        ),
        (
            "precursor",
            "one row per sign that came before a chain's event",
            (
                ("chain_no", "BIGINT", "The event it came before."),
                ("step_no", "BIGINT", "Number in the chain."),
                ("source", "VARCHAR", "Who saw it: S01 … S35."),
                ("what", "VARCHAR", "What it is, as in `demo_city.life.chains`."),
                ("at", "TIMESTAMP", "When, civil time +08."),
                ("lead_days", "DOUBLE", "Days from the sign to the event."),
                ("is_within", "BOOLEAN", "The sign lies in the delivered days."),
            ),
        ),
        (
            "lead",
            "one row per warning that is true",
            (
                ("model_id", "VARCHAR", "Warning model, G01 … W130."),
                (
                    "subject_kind",
                    "VARCHAR",
                    "building, flat, enterprise, school, grid, equipment, user, site, hazard and others.",
                ),
                ("subject", "VARCHAR", "What it is about: the number under which the departments know it."),
                ("township_code", "VARCHAR", "Where, 9 digits."),
                ("true_from_on", "DATE", "First day on which it is so."),
                (
                    "detectable_from_on",
                    "DATE",
                    "First delivered day by which the model's rule could see it; NULL = not while it is so.",
                ),
                ("true_until_on", "DATE", "Last day on which it is so; NULL = beyond the delivered days."),
                ("event_at", "TIMESTAMP", "The event it would have warned of; NULL = none."),
                ("chain_no", "BIGINT", "The event's chain; NULL = none."),
                ("evidence", "VARCHAR", "What it is true by: table of events or kinds of precursors."),
            ),
        ),
        (
            "lead_model",
            "one row per warning model of the library",
            (
                ("model_id", "VARCHAR", "G01 … W130."),
                ("has_answer", "BOOLEAN", "The simulated world says definitely which of its leads are true."),
                ("rule", "VARCHAR", "By what a lead of it is true here, or why the world has no answer."),
                ("leads_n", "BIGINT", "True leads in the delivered days."),
            ),
        ),
        (
            "indicator_part",
            "one row per indicator, part and variant",
            (
                ("indicator_id", "VARCHAR", "I01 … I26."),
                ("part", "VARCHAR", "Name of the part."),
                ("variant", "VARCHAR", "Named variant of the definition; empty = the only one."),
                ("title_zh", "VARCHAR", "Chinese name."),
                ("unit", "VARCHAR", "Unit of the value."),
                ("windows", "VARCHAR", "Kinds of window, separated by spaces."),
                ("scopes", "VARCHAR", "Kinds of division, separated by spaces."),
                ("definition", "VARCHAR", "Formula, window, scope and cut-off rule."),
            ),
        ),
        (
            "indicator",
            "one row per indicator, part, variant, window and division",
            (
                ("indicator_id", "VARCHAR", "I01 … I26."),
                ("part", "VARCHAR", "Part of the indicator, see `indicator_part`."),
                ("variant", "VARCHAR", "As in `indicator_part`."),
                ("window_kind", "VARCHAR", "day, week (Monday to Sunday), month, quarter, year (twelve months)."),
                ("first_on", "DATE", "First day of the window."),
                ("last_on", "DATE", "Last day of the window."),
                ("scope", "VARCHAR", "city, county or township."),
                ("division_code", "VARCHAR", "Code of the division, 6 or 9 digits."),
                (
                    "value_known",
                    "DOUBLE",
                    "As known at the cut-off, the morning after the window's last day: by the deliveries that had "
                    "arrived and nothing corrected since. NULL = nothing to divide by.",
                ),
                ("value_final", "DOUBLE", "With everything that came and was corrected later. NULL likewise."),
                ("numerator", "DOUBLE", "Of the final value; the value itself where it is a count."),
                ("denominator", "DOUBLE", "Of the final value; NULL where it is no ratio."),
                ("is_recoverable", "BOOLEAN", "What was delivered tells the final value."),
                ("reason", "VARCHAR", "Why it does not; NULL when it does."),
            ),
        ),
    )
}
"""Every table of the store, in the order of the page."""
