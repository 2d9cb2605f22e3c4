{{ config(enabled=fed_by('grid', 'case')) }}
select scorecard.* exclude (score), scorecard.score as county_score
from ({{ division_scorecard('is_county') }}) as scorecard
