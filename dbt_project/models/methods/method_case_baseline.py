"""Daily cases against what they should have been, see `lake.methods.case_steps.baseline`."""


def model(dbt, session):  # noqa: D103
    from lake.methods import case_steps, steps

    build = dbt.source("lake_build", "parameters")
    given = steps.parameters(dbt.ref("threshold"), build, "case_baseline")
    days = steps.rows(dbt.ref("case_day"), "source_system, topic_zh, division_code, day_on")
    return case_steps.baseline(days, given)
