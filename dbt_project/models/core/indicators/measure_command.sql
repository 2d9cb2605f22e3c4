{{ config(enabled=fed_by('command_lead', 'instruction', 'instruction_step', 'grid')) }}
with
    windows as ({{ indicator_windows() }}),

    places as ({{ indicator_places() }}),

    stages as (
        {%- for variant, begins, ends in [
        ('draft', 'begun_at', 'drafted_at'),
        ('review', 'drafted_at', 'reviewed_at'),
        ('issue', 'reviewed_at', 'issued_at'),
        ('execute', 'issued_at', 'executed_at'),
        ('assess', 'executed_at', 'assessed_at'),
        ('finish', 'assessed_at', 'finished_at'),
    ] %}
            select
                '{{ variant }}' as variant,
                fact.division_code,
                {{ civil_date('fact.' ~ ends) }} as day_on,
                {{ seconds_between('fact.' ~ begins, 'fact.' ~ ends) }} as seconds
            from {{ ref('fct_instruction') }} as fact
            where
                fact.{{ begins }} is not null and fact.{{ ends }} is not null {{- '\n    union all' if not loop.last }}
        {%- endfor %}
    ),

    -- Only windows in which something ended: a quantile of nothing is NULL.
    spread as (
        select
            stages.variant,
            windows.window_kind,
            windows.first_on,
            scope.scope_code as division_code,
            quantile_cont(stages.seconds, 0.5) / 3600.0 as stage_p50,
            quantile_cont(stages.seconds, 0.9) / 3600.0 as stage_p90
        from stages
        inner join windows on stages.day_on >= windows.first_on and stages.day_on <= windows.last_on
        inner join {{ ref('bridge_division_scope') }} as scope on stages.division_code = scope.division_code
        group by stages.variant, windows.window_kind, windows.first_on, scope.scope_code
    ),

    quantiles as (unpivot spread on stage_p50, stage_p90 into name part value hours),

    parts as (
        select
            part.indicator_id,
            part.part,
            part.variant,
            windows.window_kind,
            windows.first_on,
            windows.last_on,
            places.scope,
            places.division_code
        from {{ ref('indicator_part') }} as part
        inner join windows on list_contains(string_split(part.windows, ' '), windows.window_kind)
        inner join places on list_contains(string_split(part.scopes, ' '), places.scope)
        inner join
            (select distinct 'I11' as indicator_id, quantiles.part from quantiles) as told
            on part.indicator_id = told.indicator_id
            and part.part = told.part
    ),

    -- Leads of flats let to groups that were open at a window's end.
    open_leads as (
        select windows.window_kind, windows.first_on, scope.scope_code as division_code, count(*) as open_n
        from windows
        inner join
            {{ ref('fct_command_lead') }} as fact
            on fact.pushed_on <= windows.last_on
            and (fact.closed_on is null or fact.closed_on > windows.last_on)
        inner join {{ ref('group_rental_model') }} as rental on fact.model_id = rental.model_id
        inner join {{ ref('bridge_division_scope') }} as scope on fact.division_code = scope.division_code
        where not fact.is_copy
        group by windows.window_kind, windows.first_on, scope.scope_code
    )

select
    parts.indicator_id,
    parts.part,
    parts.variant,
    parts.window_kind,
    parts.first_on,
    parts.last_on,
    parts.scope,
    parts.division_code,
    quantiles.hours as value,
    cast(null as decimal(24, 6)) as numerator,
    cast(null as decimal(24, 6)) as denominator
from parts
left join
    quantiles
    on parts.part = quantiles.part
    and parts.variant = quantiles.variant
    and parts.window_kind = quantiles.window_kind
    and parts.first_on = quantiles.first_on
    and parts.division_code = quantiles.division_code
union all
select
    part.indicator_id,
    part.part,
    '' as variant,
    windows.window_kind,
    windows.first_on,
    windows.last_on,
    places.scope,
    places.division_code,
    cast(coalesce(open_leads.open_n, 0) as double) as value,
    cast(coalesce(open_leads.open_n, 0) as decimal(24, 6)) as numerator,
    cast(null as decimal(24, 6)) as denominator
from {{ ref('indicator_part') }} as part
inner join windows on list_contains(string_split(part.windows, ' '), windows.window_kind)
inner join places on list_contains(string_split(part.scopes, ' '), places.scope)
left join
    open_leads
    on windows.window_kind = open_leads.window_kind
    and windows.first_on = open_leads.first_on
    and places.division_code = open_leads.division_code
inner join
    (select 'I18' as indicator_id, 'open_leads' as part) as told
    on part.indicator_id = told.indicator_id
    and part.part = told.part
