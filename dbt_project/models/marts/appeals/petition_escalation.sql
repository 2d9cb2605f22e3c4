{{ config(enabled=fed_by('petition')) }}
with
    own as (
        select
            petition.*,
            cast(date_trunc('month', petition.received_on) as date) as month_on,
            level.level_no < county.level_no as is_above_county,
            level.level_no <= province.level_no as is_province_or_above,
            scope.scope_code
        from {{ ref('fct_petition') }} as petition
        inner join {{ ref('bridge_division_scope') }} as scope on petition.division_code = scope.division_code
        inner join {{ ref('petition_level') }} as level on petition.level_no = level.level_no
        cross join (select max(known.level_no) as level_no from {{ ref('petition_level') }} as known) as county
        cross join
            (
                select min(known.level_no) as level_no
                from {{ ref('petition_level') }} as known
                where known.level_no > 0
            ) as province
    )

select
    own.month_on,
    own.scope_code as division_code,
    own.topic_zh,
    any_value(own.category_zh) as category_zh,
    count(*) as petitions_n,
    cast(sum(own.persons_n) as bigint) as persons_n,
    max(own.persons_n) as persons_most_n,
    count(*) filter (where own.is_visit) as visits_n,
    count(*) filter (where not own.is_first) as repeated_n,
    count(*) filter (where own.is_above_county) as above_county_n,
    count(*) filter (where own.is_province_or_above) as province_or_above_n,
    cast(100.0 * count(*) filter (where not own.is_first) / count(*) as decimal(6, 2)) as repeated_pct,
    cast(100.0 * count(*) filter (where own.is_above_county) / count(*) as decimal(6, 2)) as above_county_pct
from own
group by own.month_on, own.scope_code, own.topic_zh
