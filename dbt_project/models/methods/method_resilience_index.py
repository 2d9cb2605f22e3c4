"""The 4R resilience index of townships, see `lake.methods.resilience_steps.index`."""


def model(dbt, session):  # noqa: D103
    from lake.methods import resilience_steps, steps

    given = steps.parameters(dbt.ref("threshold"), dbt.source("lake_build", "parameters"), "resilience_index")
    amounts = steps.rows(dbt.ref("resilience_amount"), "item_key, division_code")
    judgements = steps.rows(dbt.ref("resilience_judgement"), "pillar, other_pillar")
    return resilience_steps.index(amounts, judgements, given)
