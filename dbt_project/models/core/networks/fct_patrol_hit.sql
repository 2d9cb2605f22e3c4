{{ config(enabled=fed_by('patrol_hit')) }}
with
    newest as (
        select input.*, row_number() over (partition by input.hit_no order by {{ newest_first('input') }}) as newest_no
        from {{ ref('input_patrol_hit') }} as input
    )

select
    md5('patrol_hit|' || newest.hit_no) as hit_key,
    newest.hit_no,
    newest.found_on,
    newest.division_code,
    newest.hit_kind,
    newest.means,
    newest.is_automatic,
    newest.area_m2,
    newest.is_outline_valid,
    newest.latitude,
    newest.longitude,
    newest.is_checked,
    newest.is_confirmed,
    newest.is_rectified,
    newest.checked_on
from newest
where newest.newest_no = 1
