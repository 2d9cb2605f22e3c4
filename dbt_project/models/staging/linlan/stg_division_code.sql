-- A table: every measured row of a network looks its township up here.
{{ config(materialized='table') }}
select known.code, min(known.division_code) as division_code
from
    (
        select division.division_code as code, division.division_code
        from {{ ref('division') }} as division
        union all
        select unnest(string_split(division.predecessor_code, ' ')) as code, division.division_code
        from {{ ref('division') }} as division
        where division.predecessor_code is not null
    ) as known
group by known.code
