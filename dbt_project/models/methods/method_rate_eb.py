"""Rates of small divisions, see `lake.methods.place_steps.drawn_rates`."""


def model(dbt, session):  # noqa: D103
    from lake.methods import place_steps, steps

    given = steps.parameters(dbt.ref("threshold"), dbt.source("lake_build", "parameters"), "rate_eb")
    counts = steps.rows(dbt.ref("event_division"), "kind, division_code")
    return place_steps.drawn_rates(counts, given)
