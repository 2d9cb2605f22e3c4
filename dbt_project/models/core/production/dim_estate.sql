{{ config(enabled=fed_by('estate')) }}
select
    estate.estate_key,
    estate.estate_no,
    estate.estate_name,
    estate.built_year,
    estate.buildings_n,
    estate.households_n,
    estate.is_managed,
    estate.property_firm,
    estate.division_code,
    estate.delivered_on
from
    (
        select
            input.*, row_number() over (partition by input.estate_key order by {{ newest_first('input') }}) as newest_no
        from {{ ref('input_estate') }} as input
    ) as estate
where estate.newest_no = 1
