{{ config(enabled=fed_by('warning_recipient')) }}
select
    warning_model.model_id,
    warning_model.version_no,
    warning_model.kind,
    warning_model.domain,
    warning_model.parameters,
    warning_model.severity,
    recipient.department_key as recipient_department_key,
    warning_model.cooldown_days,
    warning_model.daily_cap_n,
    warning_model.status,
    warning_model.valid_from as valid_from_on,
    warning_model.valid_to as valid_to_on,
    warning_model.name_zh,
    warning_model.name_en,
    warning_model.inputs,
    warning_model.rule_text,
    warning_model.severity_mild,
    warning_model.recipients_zh
from {{ std('std_warning_model', ['model_id', 'version_no']) }} as warning_model
left join
    {{ ref('input_warning_recipient') }} as recipient
    on string_split(warning_model.recipients_zh, ',')[1] = recipient.recipient_zh
