{{ config(enabled=fed_by('bridge')) }}
with
    newest as (
        select
            input.*,
            row_number() over (partition by input.bridge_key order by {{ newest_first('input') }}) as newest_no,
            max(input.grade_no) over (partition by input.bridge_key) as any_grade_no
        from {{ ref('input_bridge') }} as input
    )

select
    newest.bridge_key,
    newest.bridge_no,
    newest.bridge_name,
    newest.road_code,
    newest.division_code,
    newest.latitude,
    newest.longitude,
    newest.built_year,
    newest.length_m,
    -- A grade that one day's register leaves out is that of the days beside it.
    coalesce(newest.grade_no, newest.any_grade_no) as grade_no,
    newest.inspected_on,
    newest.next_due_on,
    newest.next_due_on < {{ as_of() }} as is_inspection_overdue,
    newest.is_restricted,
    newest.is_closed,
    newest.delivered_on
from newest
where newest.newest_no = 1
