{{ config(enabled=fed_by('enterprise', 'major_hazard_day')) }}
with recursive
    sources as (
        select
            day.hazard_source_key,
            max_by(day.source_no, (day.day_on, day.delivered_on, day.landed_at, day.record_no)) as source_no,
            max_by(day.enterprise_key, (day.day_on, day.delivered_on, day.landed_at, day.record_no)) as enterprise_key,
            max_by(day.chemical, (day.day_on, day.delivered_on, day.landed_at, day.record_no)) as chemical,
            max_by(day.cas_no, (day.day_on, day.delivered_on, day.landed_at, day.record_no)) as cas_no,
            max_by(day.limit_t, (day.day_on, day.delivered_on, day.landed_at, day.record_no)) as stated_limit_t,
            max_by(day.design_t, (day.day_on, day.delivered_on, day.landed_at, day.record_no)) as design_t,
            max_by(day.division_code, (day.day_on, day.delivered_on, day.landed_at, day.record_no)) as division_code,
            min(day.day_on) as first_on,
            max(day.day_on) as last_on
        from {{ ref('input_major_hazard_day') }} as day
        group by day.hazard_source_key
    ),

    register as (
        select
            input.enterprise_key,
            max_by(input.registered_r, (input.delivered_on, input.landed_at, input.record_no)) as registered_r
        from {{ ref('input_enterprise') }} as input
        group by input.enterprise_key
    ),

    ordered as (
        select
            sources.*,
            register.registered_r,
            coalesce(standard.limit_t, sources.stated_limit_t) as limit_t,
            standard.beta,
            -- R of the source at the registered filling with a correction α of one.
            cast(
                standard.beta
                * {{ threshold('registered_r_filling') }}
                * sources.design_t
                / coalesce(standard.limit_t, sources.stated_limit_t) as decimal(18, 6)
            ) as unit_r,
            row_number() over (partition by sources.enterprise_key order by sources.hazard_source_key) as source_place,
            count(*) over (partition by sources.enterprise_key) as sources_n
        from sources
        left join register on sources.enterprise_key = register.enterprise_key
        left join
            {{ ref('std_major_hazard_chemical') }} as standard
            on sources.cas_no = standard.cas_no
            and standard.valid_from <= {{ as_of() }}
            and (standard.valid_to is null or {{ as_of() }} < standard.valid_to)
    ),

    alphas as (
        select standard.alpha
        from {{ ref('std_major_hazard_alpha') }} as standard
        where standard.valid_from <= {{ as_of() }} and (standard.valid_to is null or {{ as_of() }} < standard.valid_to)
    ),

    -- Nobody delivers α of a source, but its enterprise's registered R is the sum over its sources: of all combinations
    -- of the classes of exposed people the one counts whose sum comes nearest to it.
    tried as (
        select
            ordered.enterprise_key,
            ordered.registered_r,
            ordered.sources_n,
            ordered.source_place,
            [alphas.alpha] as alpha_list,
            cast(alphas.alpha * ordered.unit_r as decimal(24, 8)) as sum_r
        from ordered
        cross join alphas
        where
            ordered.source_place = 1
            and ordered.sources_n <= {{ threshold('alpha_sources_most') }}
            and ordered.registered_r is not null
            and ordered.unit_r is not null
        union all
        select
            tried.enterprise_key,
            tried.registered_r,
            tried.sources_n,
            ordered.source_place,
            list_append(tried.alpha_list, alphas.alpha) as alpha_list,
            cast(tried.sum_r + alphas.alpha * ordered.unit_r as decimal(24, 8)) as sum_r
        from tried
        inner join
            ordered
            on tried.enterprise_key = ordered.enterprise_key
            and ordered.source_place = tried.source_place + 1
            and ordered.unit_r is not null
        cross join alphas
    ),

    chosen as (
        select
            tried.enterprise_key,
            min_by(tried.alpha_list, (abs(tried.registered_r - tried.sum_r), tried.alpha_list)) as alpha_list
        from tried
        where tried.source_place = tried.sources_n
        group by tried.enterprise_key
    )

select
    ordered.hazard_source_key,
    ordered.source_no,
    ordered.enterprise_key,
    ordered.chemical,
    ordered.cas_no,
    ordered.limit_t,
    ordered.beta,
    -- Without a registered R the highest class of exposed people stands, not the lowest.
    coalesce(list_extract(chosen.alpha_list, ordered.source_place), (select max(alphas.alpha) from alphas)) as alpha,
    chosen.enterprise_key is not null as is_alpha_derived,
    cast(ordered.design_t as decimal(14, 1)) as design_t,
    ordered.division_code,
    ordered.first_on,
    ordered.last_on
from ordered
left join chosen on ordered.enterprise_key = chosen.enterprise_key
