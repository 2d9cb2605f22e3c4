{{ config(enabled=fed_by('grid', 'case', 'grid_patrol')) }}
select
    scorecard.* exclude (score),
    scorecard.score as township_score,
    load.tasks_n,
    load.tasks_per_full_time_week,
    load.tasks_per_1k_residents,
    load.rank_no as load_rank_no
from ({{ division_scorecard('is_township') }}) as scorecard
left join
    {{ ref('township_load') }} as load
    on scorecard.window_kind = load.window_kind
    and scorecard.starts_on = load.starts_on
    and scorecard.division_code = load.division_code
