{{ config(enabled=fed_by('tenancy', 'power_meter_day', 'water_meter_day', 'delivery_day', 'smart_alarm', 'ebike', 'case', 'address', 'address_use', 'command_lead')) }}
with
    told as (
        unpivot (
            select measured.* exclude (building_no, division_code, area_m2)
            from {{ ref('group_rental_measure') }} as measured
        )
        on columns(* exclude (address_no))
        into name measure value measured
    ),

    rules as (
        select
            rule.model_id,
            rule.category_no,
            rule.measure,
            weight.weight,
            weight.is_grave,
            coalesce(
                cast(json_extract_string(model.parameters, '$.' || rule.parameter) as decimal(18, 4)), rule.at_least
            ) as at_least
        from {{ std_in_force('group_rental_rule', ['model_id', 'measure', 'valid_from']) }} as rule
        inner join
            {{ ref('dim_warning_model') }} as model
            on rule.model_id = model.model_id
            and model.valid_from_on <= {{ as_of() }}
            and (model.valid_to_on is null or {{ as_of() }} < model.valid_to_on)
        inner join
            {{ std_in_force('lead_severity_weight', ['severity', 'valid_from']) }} as weight
            on model.severity = weight.severity
    )

select
    told.address_no,
    rules.model_id,
    min(rules.category_no) as category_no,
    min(rules.weight) as weight,
    bool_or(rules.is_grave) as is_grave
from told
inner join rules on told.measure = rules.measure and told.measured >= rules.at_least
group by told.address_no, rules.model_id
