"""Whether one crash brings the next, see `lake.methods.place_steps.near_repeats`."""


def model(dbt, session):  # noqa: D103
    from lake.methods import place_steps, steps

    given = steps.parameters(dbt.ref("threshold"), dbt.source("lake_build", "parameters"), "near_repeat")
    points = steps.rows(dbt.ref("event_point"), "kind, event_key")
    return place_steps.near_repeats(points, given)
