{{ config(schema='staging') }}
-- depends_on: {{ ref('input_case') }}, {{ ref('feed') }}, {{ source('lake_build', 'datasets') }}
{%- set held = carried('core', 'fct_case_state') %}
with changed as (select changed.table_name, changed.ds from {{ source('lake_build', 'changed') }} as changed)

{% if held -%}
    select distinct input.case_key
    from {{ ref('input_case') }} as input
    inner join changed on input.source_table = changed.table_name and input.delivered_on = changed.ds
    union
    -- A case whose version was taken away has no row in the changed partition any more.
    select state.case_key
    from {{ held }} as state
    inner join changed on state.source_table = changed.table_name and state.known_from_on = changed.ds
    union
    -- New boundaries move every case.
    select state.case_key
    from {{ held }} as state
    where
        exists (
            select 1
            from changed
            inner join {{ source('lake_build', 'datasets') }} as dataset on changed.table_name = dataset.table_name
            inner join {{ ref('feed') }} as feed on dataset.dataset = feed.dataset
            where feed.subject = 'boundary'
        )
    {% if fed_by('grid') -%}
        union
        -- A register of grids that says something else moves the cases it places.
        select input.case_key
        from
            (
                select
                    version.case_key,
                    min({{ case_place_digest('version') }}) as least,
                    max({{ case_place_digest('version') }}) as most
                from {{ ref('input_case') }} as version
                group by version.case_key
            ) as input
        inner join
            (
                select state.case_key, min(state.place_digest) as least, max(state.place_digest) as most
                from {{ held }} as state
                group by state.case_key
            ) as before
            on input.case_key = before.case_key
        where (input.least, input.most) <> (before.least, before.most)
    {%- endif %}
{%- else -%}
    -- Nothing is carried on: the build makes every row, nobody asks which ones.
    select cast(null as varchar) as case_key where false
{%- endif %}
