{{ config(enabled=fed_by('business')) }}
select
    business.business_key,
    business.subject_no,
    business.uscc,
    business.subject_type_zh,
    business.trade_zh,
    business.industry_code,
    business.address_key,
    business.founded_on,
    business.cancelled_on,
    business.licence_until_on,
    business.is_active,
    business.division_code,
    business.delivered_on
from
    (
        select
            input.*,
            row_number() over (
                partition by input.business_key
                order by
                    input.updated_at desc,
                    input.delivered_on desc,
                    input.landed_at desc,
                    input.file_name desc,
                    input.record_no desc
            ) as newest_no
        from {{ ref('input_business') }} as input
    ) as business
where business.newest_no = 1
