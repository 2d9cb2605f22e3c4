"""How well forecasts of cases have worked, see `lake.methods.case_steps.tested`."""


def model(dbt, session):  # noqa: D103
    from lake.methods import case_steps, steps

    given = steps.parameters(dbt.ref("threshold"), dbt.source("lake_build", "parameters"), "forecast")
    days = steps.rows(dbt.ref("case_day"), "source_system, division_code, topic_zh, day_on")
    return case_steps.tested(days, given)
