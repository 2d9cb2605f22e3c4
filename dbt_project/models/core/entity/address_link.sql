{{ config(enabled=fed_by('address', 'address_use', 'division', 'grid')) }}
with
    spelled as (
        select
            said.address_hash,
            count(distinct coalesce(said.flat_no, said.building_no)) as addresses_n,
            min(coalesce(said.flat_no, said.building_no)) as address_no,
            count(distinct said.building_no) as buildings_n,
            min(said.building_no) as building_no
        from {{ ref('input_address') }} as said
        where said.address_hash is not null
        group by said.address_hash
    )

select
    used.source_dataset,
    used.address_hash,
    md5(
        case
            when spelled.addresses_n = 1
            then spelled.address_no
            -- Several flats under one spelling: the building is sure, the flat is not.
            when spelled.buildings_n = 1
            then spelled.building_no
        end
    ) as address_key,
    used.records_n,
    coalesce(spelled.addresses_n = 1 or spelled.buildings_n = 1, false) as is_linked
from {{ ref('input_address_use') }} as used
left join spelled on used.address_hash = spelled.address_hash
