"""Record linkage: which records without a usable credit code could be of which enterprise, and how likely."""


def model(dbt, session):  # type: ignore[no-untyped-def]
    """Pairs in order of their ids; see `lake.methods.linkage`."""
    dbt.config(materialized="table")
    from lake.methods import linkage

    records = dbt.ref("entity_to_match").order("unique_id").to_arrow_table()
    levels = dbt.ref("link_comparison").to_arrow_table().to_pylist()
    number = {row["parameter"]: float(row["value"]) for row in dbt.ref("link_parameter").to_arrow_table().to_pylist()}
    known_n = records.column("known_n")[0].as_py() if records.num_rows else 0
    given = linkage.parameters(
        levels,
        prior=number["link_partner_share"] / max(known_n, 1),
        name_similarity=number["link_name_similarity"],
    )
    return linkage.score(records.drop_columns(["known_n"]), given)
