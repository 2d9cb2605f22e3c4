{{ config(enabled=fed_by('tenancy', 'power_meter_day', 'water_meter_day', 'delivery_day', 'smart_alarm', 'ebike', 'case', 'address', 'address_use', 'command_lead')) }}
{%- set kinds = ['time_space', 'address', 'tenancy', 'utility', 'delivery', 'ebike', 'complaint', 'works', 'operator'] %}
with
    scored as (
        select
            sign.address_no,
            string_agg(sign.model_id, ' ' order by sign.model_id) as model_ids,
            count(*) as models_n,
            count(distinct sign.category_no) as categories_n,
            bool_or(sign.is_grave) as has_grave,
            {% for kind in kinds -%}
                cast(
                    coalesce(sum(sign.weight) filter (where category.is_{{ kind }}), 0) as integer
                ) as {{ kind }}_score,
            {% endfor -%}
            cast(sum(sign.weight) as integer) as evidence_score
        from {{ ref('group_rental_sign') }} as sign
        inner join {{ ref('group_rental_category') }} as category on sign.category_no = category.category_no
        group by sign.address_no
    ),

    levelled as (
        select
            scored.*,
            (
                select min(level.level_no)
                from {{ std_in_force('group_rental_level', ['level_no', 'valid_from']) }} as level
                where
                    scored.evidence_score >= level.score_from
                    and scored.categories_n >= level.categories_from
                    and (scored.has_grave or not level.needs_grave)
            ) as level_no
        from scored
    )

select
    {{ as_of() }} as as_of_on,
    levelled.address_no,
    flat.building_no,
    flat.division_code,
    levelled.level_no,
    level.is_lead,
    levelled.evidence_score,
    levelled.categories_n,
    levelled.models_n,
    levelled.model_ids,
    {% for kind in kinds -%} levelled.{{ kind }}_score, {% endfor -%}
    cast(flat.persons_n as integer) as registered_persons_n,
    cast(flat.households_n as integer) as registered_households_n,
    flat.area_m2,
    cast(flat.area_m2 / nullif(flat.persons_n, 0) as decimal(10, 2)) as area_m2_per_person,
    cast(flat.check_ins_90d_n as integer) as check_ins_90d_n,
    cast(flat.landlord_flats_n as integer) as landlord_flats_n,
    cast(flat.kwh_per_m2_day as decimal(10, 3)) as kwh_per_m2_day,
    cast(flat.water_m3 as decimal(10, 2)) as water_month_max_m3,
    cast(flat.ebikes_n as integer) as ebikes_n
from levelled
inner join {{ ref('group_rental_measure') }} as flat on levelled.address_no = flat.address_no
inner join
    {{ std_in_force('group_rental_level', ['level_no', 'valid_from']) }} as level on levelled.level_no = level.level_no
