"""Weeks with more cases than their past explains, see `lake.methods.disease_steps.signals`."""


def model(dbt, session):  # noqa: D103
    from lake.methods import disease_steps, steps

    given = steps.parameters(dbt.ref("threshold"), dbt.source("lake_build", "parameters"), "disease_signal")
    weeks = steps.rows(dbt.ref("disease_count"), "disease_key, division_code, week_on")
    return disease_steps.signals(weeks, given)
