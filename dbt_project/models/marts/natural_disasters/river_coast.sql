{{ config(enabled=fed_by('patrol_hit', 'ai_event', 'river_patrol')) }}
-- What was found in the days before as_of and nobody refuted, by patrols, satellites and cameras.
with recursive
    hits as (
        select
            patrol.hit_key as key,
            patrol.found_on,
            patrol.division_code,
            patrol.hit_kind as kind,
            false as is_ai_event,
            patrol.area_m2,
            patrol.is_checked,
            patrol.is_confirmed,
            coalesce(patrol.is_rectified, false) as is_rectified,
            patrol.latitude,
            patrol.longitude
        from {{ ref('fct_patrol_hit') }} as patrol
        union all
        select
            event.event_key,
            event.date_on,
            event.division_code,
            event.ai_event_kind,
            true as is_ai_event,
            cast(null as decimal(18, 1)) as area_m2,
            event.is_confirmed is not null as is_checked,
            event.is_confirmed,
            false as is_rectified,
            event.latitude,
            event.longitude
        from {{ ref('fct_waterside_ai_event') }} as event
    ),

    recent as (
        select
            hits.*,
            st_point(hits.latitude, hits.longitude) as place,
            cast(
                floor(
                    cast(hits.latitude as double)
                    * {{ threshold('metres_of_a_degree') }}
                    / {{ threshold('waterside_near_m') }}
                ) as bigint
            ) as row_no,
            cast(
                floor(
                    cast(hits.longitude as double)
                    * {{ threshold('metres_of_a_degree') }}
                    / {{ threshold('waterside_near_m') }}
                ) as bigint
            ) as column_no
        from hits
        where
            hits.latitude is not null
            and hits.is_confirmed is distinct from false
            and hits.found_on > {{ as_of() }} - cast({{ threshold('waterside_days') }} as integer)
            and hits.found_on <= {{ as_of() }}
    ),

    -- Squares as wide as the distance at the equator are narrower here: near ones to the east and west may lie two
    -- away. Laid out first, so that row and column are both asked at once.
    around as materialized(
        select recent.key, recent.place, recent.row_no + up.step as row_no, recent.column_no + across.step as column_no
        from recent
        cross join (values (-1), (0), (1)) as up(step)
        cross join (values (-1 - 1), (-1), (0), (1), (1 + 1)) as across(step)
    ),

    near as materialized(
        select around.key, other.key as other_key
        from around
        inner join recent as other on around.row_no = other.row_no and around.column_no = other.column_no
        where st_distance_sphere(around.place, other.place) <= {{ threshold('waterside_near_m') }}
    ),

    -- A place is what hangs together by near ones; it is called after the smallest key in it, which each hands on to
    -- those near it until nobody knows of a smaller one.
    -- fmt: off
    reached using key (key) as (
    -- fmt: on
        select near.key, min(near.other_key) as place_key
        from near
        group by near.key
        union
        select near.key, min(reached.place_key) as place_key
        from reached
        inner join near on reached.key = near.other_key
        inner join recurring.reached as known on near.key = known.key
        where reached.place_key < known.place_key
        group by near.key
    ),

    places as (
        select
            reached.place_key,
            arg_min(recent.division_code, (recent.found_on, recent.key)) as division_code,
            quantile_disc(recent.latitude, 0.5) as latitude,
            quantile_disc(recent.longitude, 0.5) as longitude,
            count(*) as hits_n,
            count(*) filter (where recent.is_ai_event) as ai_hits_n,
            count(*) filter (where recent.is_confirmed) as confirmed_n,
            count(*) filter (where not recent.is_checked) as unchecked_n,
            count(*) filter (where recent.is_rectified) as rectified_n,
            min(recent.found_on) filter (where not recent.is_checked) as oldest_unchecked_on,
            min(recent.found_on) as first_found_on,
            max(recent.found_on) as last_found_on,
            count(distinct recent.found_on) as found_days_n,
            string_agg(distinct recent.kind, ' ' order by recent.kind) as kinds,
            mode(recent.kind order by recent.kind) as main_kind,
            sum(recent.area_m2) as area_m2
        from reached
        inner join recent on reached.key = recent.key
        group by reached.place_key
    ),

    patrols as (
        select
            patrol.division_code,
            count(*) filter (where not patrol.is_at_desk) as patrols_n,
            sum(patrol.findings_n) as findings_n
        from {{ ref('fct_river_patrol') }} as patrol
        where
            patrol.date_on > {{ as_of() }} - cast({{ threshold('waterside_days') }} as integer)
            and patrol.date_on <= {{ as_of() }}
        group by patrol.division_code
    )

select
    {{ as_of() }} as as_of_on,
    md5('waterside|' || places.place_key) as place_key,
    places.division_code,
    places.latitude,
    places.longitude,
    places.hits_n >= {{ threshold('waterside_repeat_n') }} as is_repeated,
    places.hits_n,
    places.ai_hits_n,
    places.confirmed_n,
    places.unchecked_n,
    places.rectified_n,
    {{ as_of() }} - places.oldest_unchecked_on as unchecked_days_n,
    places.first_found_on,
    places.last_found_on,
    places.found_days_n,
    places.main_kind,
    places.kinds,
    cast(places.area_m2 as decimal(18, 1)) as area_m2,
    coalesce(patrols.patrols_n, 0) as township_patrols_n,
    cast(coalesce(patrols.findings_n, 0) as bigint) as township_patrol_findings_n,
    row_number() over (order by places.hits_n desc, places.confirmed_n desc, places.place_key) as rank_no
from places
left join patrols on places.division_code = patrols.division_code
