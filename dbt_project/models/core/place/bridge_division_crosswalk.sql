with
    before as (
        select
            division.division_code,
            division.level_no,
            unnest(string_split(division.predecessor_code, ' ')) as stated_code
        from {{ ref('division') }} as division
        where division.predecessor_code is not null
    ),

    -- What happened to a county happened to its townships, whose codes begin with the county's.
    changed as (
        select
            before.stated_code,
            before.division_code,
            before.level_no,
            arg_max(change.changed_on, length(change.code_before)) as changed_on,
            arg_max(change.change_kind, length(change.code_before)) as change_kind,
            max(case when change.code_before = before.stated_code then change.name_zh_before end) as name_zh_before
        from before
        left join {{ ref('division_change') }} as change on starts_with(before.stated_code, change.code_before)
        group by before.stated_code, before.division_code, before.level_no
    )

select
    changed.stated_code,
    coalesce(changed.name_zh_before, division.name_zh) as name_zh,
    changed.level_no,
    cast(null as date) as valid_from_on,
    changed.changed_on as valid_to_on,
    changed.division_code,
    changed.change_kind,
    false as is_today
from changed
inner join {{ ref('division') }} as division on changed.division_code = division.division_code
union all
select
    division.division_code as stated_code,
    division.name_zh,
    division.level_no,
    min(changed.changed_on) as valid_from_on,
    cast(null as date) as valid_to_on,
    division.division_code,
    min(changed.change_kind) as change_kind,
    true as is_today
from {{ ref('division') }} as division
left join changed on division.division_code = changed.division_code
group by division.division_code, division.name_zh, division.level_no
