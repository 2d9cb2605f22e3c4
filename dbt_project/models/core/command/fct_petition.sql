{{ config(enabled=fed_by('petition')) }}
with newest as ({{ newest_versions('petition_key', ref('input_petition')) }})

select
    newest.petition_key,
    newest.petition_no,
    newest.form,
    newest.is_visit,
    newest.persons_n,
    newest.category_zh,
    newest.topic_zh,
    newest.is_first,
    newest.level_no,
    newest.received_on,
    newest.division_code,
    newest.delivered_on
from newest
