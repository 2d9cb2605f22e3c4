{{ config(enabled=fed_by('grid', 'case')) }}
select judged.pillar, judged.other_pillar, judged.times
from {{ std_in_force('std_resilience_judgement', ['pillar', 'other_pillar', 'valid_from']) }} as judged
