"""The next days of daily cases, see `lake.methods.case_steps.ahead`."""


def model(dbt, session):  # noqa: D103
    from lake.methods import case_steps, steps

    given = steps.parameters(dbt.ref("threshold"), dbt.source("lake_build", "parameters"), "forecast")
    days = steps.rows(dbt.ref("case_day"), "source_system, division_code, topic_zh, day_on")
    calendar = steps.rows(dbt.ref("dim_date").project("date_on, is_holiday, is_makeup_workday"), "date_on")
    return case_steps.ahead(days, calendar, given)
