{{ config(enabled=fed_by('grid_party', 'grid')) }}
with
    listed as (
        select
            input.grid_id,
            input.month_on,
            min(input.division_code) as division_code,
            -- Neither yes nor no: then the day of foundation tells.
            bool_or(
                coalesce(input.says_party, input.is_named and input.founded_on < input.month_on + interval 1 month)
            ) as has_party,
            bool_or(input.says_party is null) as is_unsaid,
            max(input.members_n) as members_n,
            min(input.founded_on) as founded_on
        from {{ ref('input_grid_party') }} as input
        group by input.grid_id, input.month_on
    ),

    months as (select distinct listed.month_on from listed),

    -- Every grid in force counts in every month's list; one that the list does not hold, or that it contradicts itself
    -- about, is as the register of grids says.
    expected as (
        select
            months.month_on,
            grid.grid_id,
            arg_max(grid.division_code, grid.valid_from_on) as division_code,
            arg_max(grid.has_party_organisation, grid.valid_from_on) as has_party_organisation
        from months
        inner join {{ ref('dim_grid') }} as grid on grid.is_current
        group by months.month_on, grid.grid_id
    )

select
    coalesce(listed.grid_id, expected.grid_id) as grid_id,
    coalesce(listed.month_on, expected.month_on) as month_on,
    coalesce(expected.division_code, listed.division_code) as division_code,
    coalesce(listed.has_party, expected.has_party_organisation) as has_party,
    listed.grid_id is not null as is_listed,
    coalesce(listed.is_unsaid, false) as is_unsaid,
    cast(listed.members_n as integer) as members_n,
    listed.founded_on
from listed
full outer join expected on listed.grid_id = expected.grid_id and listed.month_on = expected.month_on
