select city.recipient_zh, city.department_key from {{ ref('warning_recipient') }} as city
