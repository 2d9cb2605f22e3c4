with
    collision as (
        select
            collision.*,
            -- Padded names on both sides of a slash, spelled apart only by blanks, are one street.
            nullif(regexp_replace(upper(trim(collision.on_street_name)), '\s+', ' ', 'g'), '') as street_a,
            nullif(regexp_replace(upper(trim(collision.cross_street_name)), '\s+', ' ', 'g'), '') as street_b,
            try_strptime(collision.crash_on || ' ' || collision.crash_time, '%Y-%m-%d %H:%M') as local_at
        from {{ source('lake', 'nypd__collision') }} as collision
    )

select
    cast(collision.collision_id as varchar) as crash_no,
    collision.crash_on as occurred_on,
    {{ instant_of('coalesce(collision.local_at, cast(collision.crash_on as timestamp))') }} as occurred_at,
    collision.local_at is not null as is_time_known,
    case
        when collision.street_a <> collision.street_b
        then least(collision.street_a, collision.street_b) || ' / ' || greatest(collision.street_a, collision.street_b)
    end as site_name,
    {{ known_coordinate('collision.latitude') }} as latitude,
    {{ known_coordinate('collision.longitude') }} as longitude,
    collision.ds as delivered_on,
    collision._landed_at as landed_at,
    collision._file as file_name,
    collision._record as record_no
from collision
