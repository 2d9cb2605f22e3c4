{{ config(enabled=fed_by('water_sample')) }}
with
    means as (
        select
            sample.section_key,
            cast(date_trunc('month', sample.sampled_on) as date) as month_on,
            sample.indicator,
            min(sample.section_name) as section_name,
            min(sample.river) as river,
            min(sample.division_code) as division_code,
            min(sample.target_class_no) as target_class_no,
            sum(sample.value) as sum_value,
            count(sample.value) as samples_n
        from {{ ref('fct_water_quality') }} as sample
        where sample.is_valid and sample.value is not null
        group by all
    ),

    -- The limits of a river in force in the month; an item without limits there (total nitrogen, pH) is not evaluated.
    classed as (
        select
            means.section_key,
            means.month_on,
            means.indicator,
            means.section_name,
            means.river,
            means.division_code,
            means.target_class_no,
            means.samples_n,
            1 + count(*) filter (
                where
                    case
                        when std.is_minimum
                        then means.sum_value < std.limit_value * means.samples_n
                        else means.sum_value > std.limit_value * means.samples_n
                    end
            ) as class_no
        from means
        inner join
            {{ ref('std_water_class') }} as std
            on means.indicator = std.indicator
            and std.is_river
            and std.valid_from <= means.month_on
            and (std.valid_to is null or means.month_on < std.valid_to)
        group by all
    )

-- Single factor: the worst item makes the section's class.
select
    classed.section_key,
    classed.month_on,
    min(classed.section_name) as section_name,
    min(classed.river) as river,
    min(classed.division_code) as division_code,
    min(classed.target_class_no) as target_class_no,
    cast(max(classed.class_no) as integer) as class_no,
    max(classed.class_no) <= {{ threshold('water_class_good') }} as is_good,
    max(classed.class_no) <= min(classed.target_class_no) as is_on_target,
    string_agg(classed.indicator, ' ' order by classed.indicator) filter (
        where classed.class_no > classed.target_class_no
    ) as items_over,
    cast(sum(classed.samples_n) as integer) as samples_n
from classed
group by classed.section_key, classed.month_on
