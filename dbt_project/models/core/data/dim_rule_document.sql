{{ config(enabled=fed_by('grid')) }}
select
    document.rule_document_key,
    document.title_zh,
    document.topic,
    document.level_no,
    document.valid_from as valid_from_on,
    document.valid_to as valid_to_on
from {{ std('std_rule_document', ['rule_document_key']) }} as document
