{{ config(schema='staging') }}
-- depends_on: {{ ref('input_traffic_crash') }}, {{ ref('feed') }}, {{ source('lake_build', 'datasets') }}
{%- set held = carried('core', 'fct_traffic_crash') %}
with changed as (select changed.table_name, changed.ds from {{ source('lake_build', 'changed') }} as changed)

{% if held -%}
    select distinct input.crash_key
    from {{ ref('input_traffic_crash') }} as input
    inner join changed on input.source_table = changed.table_name and input.delivered_on = changed.ds
    union
    -- A crash that a re-delivery no longer holds has no row in the changed partition any more.
    select crash.crash_key
    from {{ held }} as crash
    inner join
        changed
        on crash.source_table = changed.table_name
        and (crash.occurred_on = changed.ds or crash.delivered_on = changed.ds)
    union
    -- New boundaries move every crash.
    select crash.crash_key
    from {{ held }} as crash
    where
        exists (
            select 1
            from changed
            inner join {{ source('lake_build', 'datasets') }} as dataset on changed.table_name = dataset.table_name
            inner join {{ ref('feed') }} as feed on dataset.dataset = feed.dataset
            where feed.subject = 'boundary'
        )
{%- else -%}
    -- Nothing is carried on: the build makes every row, nobody asks which ones.
    select cast(null as varchar) as crash_key where false
{%- endif %}
