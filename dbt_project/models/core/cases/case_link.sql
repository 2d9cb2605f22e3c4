{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{% if is_incremental() %}delete from {{ this }} where (created_on, topic_key) in (select (link_day.day_on, link_day.topic_key) from {{ ref('case_link_day') }} as link_day){% endif %}"
) }}
-- depends_on: {{ ref('case_link_day') }}
with
    newest as (
        select
            state.case_key,
            state.source_system,
            state.category_key,
            state.caller_key,
            state.created_at,
            {{ civil_date('state.created_at') }} as created_on,
            coalesce(state.certain_division_code, state.stated_division_code) as division_code,
            coalesce(topic.topic_key, state.category_key) as topic_key,
            topic.topic_key is not null as has_topic,
            st_point(cast(state.latitude as double), cast(state.longitude as double)) as place,
            {{ case_link_digest('state') }} as link_digest
        from {{ ref('fct_case_state') }} as state
        left join {{ ref('happening_topic') }} as topic on state.category_key = topic.category_key
        where
            state.known_to_on is null and not state.is_withdrawn
            {% if is_incremental() -%}
                and exists (
                    select 1
                    from {{ ref('case_link_day') }} as link_day
                    where
                        link_day.topic_key = coalesce(topic.topic_key, state.category_key)
                        and {{ civil_date('state.created_at') }} <= link_day.day_on
                        and link_day.day_on <= {{ civil_date('state.created_at') }} + {{ case_link_reach() }}
                )
            {%- endif %}
    ),

    -- One call typed in twice: the same caller about the same thing within minutes.
    doubles as (
        select copy.case_key, arg_min(original.case_key, (original.created_at, original.case_key)) as original_key
        from newest as copy
        inner join
            newest as original
            on copy.source_system = original.source_system
            and copy.caller_key = original.caller_key
            and copy.category_key = original.category_key
            and (original.created_at, original.case_key) < (copy.created_at, copy.case_key)
            and copy.created_at
            <= original.created_at + to_minutes(cast({{ threshold('double_entry_minutes') }} as bigint))
        group by copy.case_key
    ),

    placed as (
        select
            newest.case_key,
            newest.created_at,
            newest.division_code,
            newest.topic_key,
            newest.place,
            time_bucket(to_hours(cast({{ threshold('happening_hours') }} as bigint)), newest.created_at) as spell_at
        from newest
        where
            newest.has_topic
            and newest.place is not null
            and newest.case_key not in (select doubles.case_key from doubles)
    ),

    -- Spells as long as a happening: what is near in time lies in the same one or in the next, so that pairs are not
    -- looked for in all of history.
    pairs as (
        select later.case_key, earlier.case_key as earlier_key, earlier.created_at as earlier_at
        from placed as later
        inner join
            (
                select
                    placed.*,
                    placed.spell_at + to_hours(cast({{ threshold('happening_hours') }} as bigint) * next.step) as met_at
                from placed
                cross join (values (0), (1)) as next(step)
            ) as earlier
            on later.topic_key = earlier.topic_key
            and later.division_code = earlier.division_code
            and later.spell_at = earlier.met_at
            and (earlier.created_at, earlier.case_key) < (later.created_at, later.case_key)
            and later.created_at <= earlier.created_at + to_hours(cast({{ threshold('happening_hours') }} as bigint))
        where st_distance_sphere(later.place, earlier.place) <= {{ threshold('happening_m') }}
    ),

    -- A happening is known by its first report; a report is of the first happening it fits, and begins one where it
    -- only fits such as are reports themselves.
    followers as (
        select pairs.case_key, arg_min(pairs.earlier_key, (pairs.earlier_at, pairs.earlier_key)) as happening_key
        from pairs
        where pairs.earlier_key not in (select later.case_key from pairs as later)
        group by pairs.case_key
    )

select
    newest.case_key,
    newest.created_on,
    newest.topic_key,
    doubles.original_key as duplicate_of_case_key,
    coalesce(own.happening_key, of_original.happening_key, doubles.original_key, newest.case_key) as happening_key,
    newest.link_digest
from newest
left join doubles on newest.case_key = doubles.case_key
left join followers as own on newest.case_key = own.case_key
left join followers as of_original on doubles.original_key = of_original.case_key
{% if is_incremental() -%}
    where
        (newest.created_on, newest.topic_key)
        in (select (link_day.day_on, link_day.topic_key) from {{ ref('case_link_day') }} as link_day)
{%- endif %}
