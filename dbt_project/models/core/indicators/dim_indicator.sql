{{ config(enabled=fed_by('grid')) }}
with
    own as (
        select
            indicator.indicator_id,
            indicator.name_zh,
            indicator.formula,
            indicator.numerator,
            indicator.denominator,
            indicator.unit,
            indicator.direction,
            indicator.threshold_id,
            indicator.std_no || '-' || indicator.std_year as std_no,
            indicator.audience,
            indicator.valid_from,
            indicator.valid_to,
            indicator.version,
            indicator.name_en,
            indicator.part,
            coalesce(indicator.variant, '') as variant,
            indicator.owner,
            indicator.change_zh,
            indicator.verified
        from {{ std('indicator', ['indicator_id', 'version']) }} as indicator
        union all by name
        -- Indicators of standards, under the names the standards give them.
        select
            concat_ws('.', hotline.code, hotline.variant) as indicator_id,
            hotline.name_zh,
            hotline.formula_zh as formula,
            hotline.direction,
            hotline.std_no || '-' || hotline.std_year as std_no,
            hotline.valid_from,
            hotline.valid_to,
            1 as version,
            hotline.verified
        from {{ std('std_hotline_indicator', ['code', 'variant']) }} as hotline
        union all by name
        select
            concat_ws('.', citymgmt.code, citymgmt.variant) as indicator_id,
            citymgmt.name_zh,
            citymgmt.formula_zh as formula,
            citymgmt.direction,
            citymgmt.std_no || '-' || citymgmt.std_year as std_no,
            citymgmt.valid_from,
            citymgmt.valid_to,
            1 as version,
            citymgmt.verified
        from {{ std('std_citymgmt_indicator', ['code', 'variant']) }} as citymgmt
        union all by name
        select
            'HC' || lpad(
                cast(checkup.indicator_no as varchar), cast({{ threshold('health_check_no_digits') }} as integer), '0'
            ) as indicator_id,
            checkup.name_zh,
            checkup.dimension_zh || '：' || checkup.aspect_zh as formula,
            checkup.unit,
            checkup.direction,
            checkup.std_no || '-' || checkup.std_year as std_no,
            checkup.valid_from,
            checkup.valid_to,
            1 as version,
            checkup.verified
        from {{ std('std_health_check_indicator', ['name_zh']) }} as checkup
        where checkup.is_counted
    )

select
    own.indicator_id,
    own.name_zh,
    own.formula,
    own.numerator,
    own.denominator,
    own.unit,
    own.direction,
    own.threshold_id,
    own.std_no,
    own.audience,
    own.valid_from as valid_from_on,
    own.valid_to as valid_to_on,
    own.version,
    own.name_en,
    own.part,
    own.variant,
    own.owner,
    own.change_zh,
    own.valid_from <= {{ as_of() }} and (own.valid_to is null or {{ as_of() }} < own.valid_to) as is_current,
    own.verified as is_verified
from own
