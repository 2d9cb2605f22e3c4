{{ config(schema='staging') }}
-- depends_on: {{ ref('case_touched') }}, {{ ref('fct_case_state') }}, {{ ref('happening_topic') }}, {{ ref('threshold') }}, {{ ref('threshold_override') }}
{%- set held = carried('core', 'case_link') %}
{% if held -%}
    with
        now_linked as (
            select
                state.case_key,
                {{ civil_date('state.created_at') }} as created_on,
                coalesce(topic.topic_key, state.category_key) as topic_key,
                {{ case_link_digest('state') }} as link_digest
            from {{ ref('fct_case_state') }} as state
            left join {{ ref('happening_topic') }} as topic on state.category_key = topic.category_key
            where
                state.known_to_on is null
                and not state.is_withdrawn
                and state.case_key in (select touched.case_key from {{ ref('case_touched') }} as touched)
        ),

        before_linked as (
            select held.case_key, held.created_on, held.topic_key, held.link_digest
            from {{ held }} as held
            where held.case_key in (select touched.case_key from {{ ref('case_touched') }} as touched)
        ),

        differing as (
            select
                unnest(
                    [
                        {'day_on':now_linked.created_on, 'topic_key':now_linked.topic_key},
                        {'day_on':before_linked.created_on, 'topic_key':before_linked.topic_key}
                    ],
                    recursive := true
                )
            from now_linked
            full outer join before_linked on now_linked.case_key = before_linked.case_key
            where now_linked.link_digest is distinct from before_linked.link_digest
        )

    -- What a case is linked to depends on those of its topic before it,
    -- and what they are linked to on those before them.
    select distinct cast(series.day_at as date) as day_on, changed.topic_key
    from
        (
            select distinct differing.day_on, differing.topic_key from differing where differing.day_on is not null
        ) as changed,
        unnest(
            generate_series(
                cast(changed.day_on as timestamp),
                cast(changed.day_on as timestamp) + {{ case_link_reach() }},
                interval 1 day
            )
        ) as series(day_at)
{%- else -%}
    -- Nothing is carried on: the build links every case, nobody asks which days.
    select cast(null as date) as day_on, cast(null as varchar) as topic_key where false
{%- endif %}
