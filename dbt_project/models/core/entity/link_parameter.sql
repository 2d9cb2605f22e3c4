{{ config(enabled=fed_by('entity_record', 'division'), schema='staging') }}
select 'link_partner_share' as parameter, {{ threshold('link_partner_share') }} as value
union all
select 'link_name_similarity' as parameter, {{ threshold('link_name_similarity') }} as value
