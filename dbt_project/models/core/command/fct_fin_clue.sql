{{ config(enabled=fed_by('fin_clue')) }}
select
    clue.clue_key,
    clue.week_on,
    clue.clue_no,
    clue.kind_zh,
    max(clue.project_no) as project_no,
    max(clue.uscc) as uscc,
    max(clue.claims_n) as claims_n,
    max(clue.people_n) as people_n,
    max(clue.amount_wan_yuan) as amount_wan_yuan,
    max(clue.delay_days) as delay_days,
    bool_or(clue.is_stopped) as is_stopped,
    max(clue.status) as status,
    bool_or(clue.is_open) as is_open,
    max(clue.division_code) as division_code
from {{ ref('input_fin_clue') }} as clue
group by clue.clue_key, clue.week_on, clue.clue_no, clue.kind_zh
