"""Where events gather, see `lake.methods.place_steps.hot_cells`."""


def model(dbt, session):  # noqa: D103
    from lake.methods import place_steps, steps

    given = steps.parameters(dbt.ref("threshold"), dbt.source("lake_build", "parameters"), "hotspot")
    cells = steps.rows(dbt.ref("event_cell"), "kind, cell_x, cell_y")
    return place_steps.hot_cells(cells, given)
