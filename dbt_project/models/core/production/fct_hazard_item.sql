{{ config(enabled=fed_by('hazard')) }}
with
    versions as (
        select
            input.*,
            row_number() over (
                partition by input.hazard_item_key
                order by
                    input.version_at desc,
                    input.delivered_on desc,
                    input.landed_at desc,
                    input.file_name desc,
                    input.record_no desc
            ) as newest_no
        from {{ ref('input_hazard') }} as input
    ),

    -- What the versions on the way tell: when it was first seen overdue, when it was first seen put right.
    life as (
        select
            versions.hazard_item_key,
            min(versions.version_on) filter (where versions.is_overdue) as overdue_on,
            min(versions.version_on) as first_version_on,
            min(versions.version_on) filter (where versions.is_closed) as put_right_on,
            max(versions.stated_closed_on) as stated_closed_on,
            max(versions.accepted_on) as accepted_on,
            bool_or(versions.is_closed) as is_closed,
            bool_or(versions.is_closed and coalesce(versions.photos_after_n, 0) = 0) as is_closed_without_photo,
            min(versions.delivered_on) as first_delivered_on,
            min(versions.version_at) as first_version_at,
            cast(count(*) as integer) as versions_n
        from versions
        group by versions.hazard_item_key
    ),

    -- One text pasted into hidden dangers of many enterprises in a month.
    texts as (
        select
            newest.description_key,
            date_trunc('month', newest.found_on) as month_on,
            cast(count(distinct newest.enterprise_key) as integer) as enterprises_n,
            count(*) as hazards_n
        from versions as newest
        where newest.newest_no = 1 and newest.description_key is not null
        group by newest.description_key, date_trunc('month', newest.found_on)
    ),

    months as (select texts.month_on, sum(texts.hazards_n) as hazards_n from texts group by texts.month_on)

select
    newest.hazard_item_key,
    newest.hazard_item_key as hazard_key,
    newest.hazard_no,
    newest.enterprise_key,
    newest.department_key,
    newest.channel,
    newest.gate_key,
    gate.gate,
    newest.is_major,
    severity.severity_zh as severity,
    newest.category_zh,
    newest.description_key,
    cast(newest.l_value * newest.e_value * newest.c_value as decimal(18, 2)) as lec_score,
    -- Rounding makes less of a difference.
    coalesce(abs(newest.l_value * newest.e_value * newest.c_value - newest.stated_d) >= 1, false) as is_lec_wrong,
    newest.found_at,
    newest.found_on,
    -- Due on the day it was found is a form left as it was. The day after it was due it was seen overdue; if it never
    -- was, or was so when it was entered, the usual limit stands for it.
    case
        when newest.stated_due_on > newest.found_on
        then newest.stated_due_on
        when life.overdue_on > life.first_version_on and life.overdue_on - 1 > newest.found_on
        then cast(life.overdue_on - 1 as date)
        when newest.is_major
        then cast(newest.found_on + cast({{ threshold('hazard_major_limit_days') }} as integer) as date)
        else cast(newest.found_on + cast({{ threshold('hazard_limit_days') }} as integer) as date)
    end as due_on,
    coalesce(newest.stated_due_on <= newest.found_on, true) as is_due_derived,
    coalesce(newest.stated_due_on <= newest.found_on, true)
    and not coalesce(
        life.overdue_on > life.first_version_on and life.overdue_on - 1 > newest.found_on, false
    ) as is_due_unknown,
    -- Closed before it was found: the day on which it was first seen put right.
    case
        when not life.is_closed
        then null
        when life.stated_closed_on >= newest.found_on
        then life.stated_closed_on
        else life.put_right_on
    end as closed_on,
    life.is_closed and coalesce(life.stated_closed_on < newest.found_on, true) as is_closed_on_derived,
    life.is_closed,
    life.accepted_on,
    life.is_closed_without_photo,
    coalesce(texts.enterprises_n, 0) as text_enterprises_n,
    coalesce(
        texts.enterprises_n >= {{ threshold('text_copied_enterprises_n') }}
        and texts.hazards_n >= {{ threshold('text_copied_share') }} * months.hazards_n,
        false
    ) as is_text_copied,
    newest.photos_before_n,
    life.first_version_at as entered_at,
    life.first_delivered_on,
    life.versions_n,
    newest.division_code,
    newest.delivered_on
from versions as newest
inner join life on newest.hazard_item_key = life.hazard_item_key
left join {{ ref('risk_gate') }} as gate on newest.gate_key = gate.gate_key
left join {{ ref('hazard_severity_name') }} as severity on newest.is_major = severity.is_major
left join
    texts on newest.description_key = texts.description_key and date_trunc('month', newest.found_on) = texts.month_on
left join months on texts.month_on = months.month_on
where newest.newest_no = 1
