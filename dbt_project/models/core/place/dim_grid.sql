{{ config(enabled=fed_by('grid')) }}
with
    snapshots as (
        select
            delivered.delivered_on,
            row_number() over (order by delivered.delivered_on) as snapshot_no,
            lead(delivered.delivered_on) over (order by delivered.delivered_on) as next_on
        from (select distinct grid.delivered_on from {{ ref('input_grid') }} as grid) as delivered
    ),

    known as (
        select
            grid.* exclude (residents_n),
            -- After a new count the number may be missing for weeks:
            -- the one before holds till then, else the one after.
            coalesce(
                last_value(grid.residents_n ignore nulls) over (
                    partition by grid.grid_id
                    order by grid.delivered_on
                    rows between unbounded preceding and current row
                ),
                first_value(grid.residents_n ignore nulls) over (
                    partition by grid.grid_id
                    order by grid.delivered_on
                    rows between current row and unbounded following
                )
            ) as residents_n
        from {{ ref('input_grid') }} as grid
    ),

    marked as (
        select
            known.*,
            snapshots.snapshot_no,
            snapshots.next_on,
            md5(
                concat_ws(
                    '|',
                    known.name_zh,
                    known.grid_type,
                    known.division_code,
                    known.village_code,
                    known.area_km2,
                    coalesce(known.households_n, -1),
                    coalesce(known.residents_n, -1),
                    coalesce(known.floating_n, -1),
                    coalesce(known.elderly80_n, -1),
                    coalesce(known.leader_key, ''),
                    coalesce(known.full_time_n, -1),
                    coalesce(known.volunteers_n, -1),
                    known.has_party_organisation,
                    coalesce(known.latitude, -1),
                    coalesce(known.longitude, -1)
                )
            ) as digest
        from known
        inner join snapshots on known.delivered_on = snapshots.delivered_on
    ),

    -- A version begins where something changes, and where a grid comes back after it was missing.
    begun as (
        select
            marked.*,
            count(*) filter (where marked.is_new) over (
                partition by marked.grid_id order by marked.snapshot_no rows between unbounded preceding and current row
            ) as version_no
        from
            (
                select
                    marked.*,
                    coalesce(
                        lag(marked.digest) over own <> marked.digest
                        or lag(marked.snapshot_no) over own + 1 <> marked.snapshot_no,
                        true
                    ) as is_new
                from marked
                window own as (partition by marked.grid_id order by marked.snapshot_no)
            ) as marked
    )

select
    begun.grid_id,
    min(begun.name_zh) as name_zh,
    min(begun.grid_type) as grid_type,
    min(begun.division_code) as division_code,
    min(begun.village_code) as village_code,
    min(begun.area_km2) as area_km2,
    min(begun.households_n) as households_n,
    min(begun.residents_n) as residents_n,
    min(begun.floating_n) as floating_n,
    min(begun.elderly80_n) as elderly80_n,
    min(begun.leader_key) as leader_key,
    min(begun.full_time_n) as full_time_n,
    min(begun.volunteers_n) as volunteers_n,
    bool_or(begun.has_party_organisation) as has_party_organisation,
    min(begun.latitude) as latitude,
    min(begun.longitude) as longitude,
    min(begun.delivered_on) as valid_from_on,
    case when not bool_or(begun.next_on is null) then max(begun.next_on) end as valid_to_on,
    bool_or(begun.next_on is null) as is_current
from begun
group by begun.grid_id, begun.version_no
