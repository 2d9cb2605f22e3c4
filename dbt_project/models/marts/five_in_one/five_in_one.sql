{{ config(enabled=fed_by('grid', 'case', 'economic_figure', 'water_sample', 'grid_party', 'emission_hour', 'module_probe_day')) }}
with
    months as (
        select
            speaks.pillar,
            speaks.pillar_zh,
            speaks.order_no,
            indicator.indicator_id,
            indicator.part,
            indicator.version,
            indicator.first_on as month_on,
            indicator.scope,
            indicator.division_code,
            cast(indicator.value as decimal(24, 6)) as value,
            indicator.numerator,
            indicator.denominator,
            indicator.is_complete
        from {{ ref('indicator_value') }} as indicator
        inner join
            {{ ref('five_in_one_part') }} as speaks
            on indicator.indicator_id = speaks.indicator_id
            and indicator.part = speaks.part
        inner join {{ ref('mart_window') }} as form on indicator.window_kind = form.window_kind and form.is_monthly
        where length(indicator.variant) = 0
    )

select
    months.pillar,
    months.pillar_zh,
    months.indicator_id,
    months.part,
    named.title_zh,
    named.unit,
    named.direction,
    months.month_on,
    months.scope,
    months.division_code,
    months.value,
    months.numerator,
    months.denominator,
    months.is_complete,
    month_before.value as value_month_before,
    year_before.value as value_year_before,
    cast(
        (months.value - year_before.value) * 100.0 / nullif(abs(year_before.value), 0) as decimal(12, 2)
    ) as change_year_pct,
    months.order_no
from months
inner join
    {{ ref('indicator_part') }} as named
    on months.indicator_id = named.indicator_id
    and months.part = named.part
    and months.version = named.version
    and coalesce(length(named.variant), 0) = 0
left join
    months as month_before
    on months.indicator_id = month_before.indicator_id
    and months.part = month_before.part
    and months.division_code = month_before.division_code
    and month_before.month_on = cast(months.month_on - interval 1 month as date)
left join
    months as year_before
    on months.indicator_id = year_before.indicator_id
    and months.part = year_before.part
    and months.division_code = year_before.division_code
    and year_before.month_on = cast(months.month_on - interval 1 year as date)
