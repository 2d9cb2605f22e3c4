{{ config(enabled=fed_by('market_complaint')) }}
select
    complaint.complaint_key,
    complaint.complaint_no,
    complaint.complaint_kind,
    complaint.is_lift_rescue,
    complaint.category_zh,
    complaint.uscc,
    complaint.address_key,
    complaint.amount_cny,
    complaint.received_at,
    complaint.received_on,
    complaint.accepted_at,
    complaint.closed_at,
    complaint.result_zh,
    complaint.division_code,
    complaint.delivered_on
from
    (
        select
            input.*,
            row_number() over (
                partition by input.complaint_key
                order by
                    input.version_at desc,
                    input.delivered_on desc,
                    input.landed_at desc,
                    input.file_name desc,
                    input.record_no desc
            ) as newest_no
        from {{ ref('input_market_complaint') }} as input
    ) as complaint
where complaint.newest_no = 1
