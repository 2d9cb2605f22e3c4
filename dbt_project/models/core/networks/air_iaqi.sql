{{ config(enabled=fed_by('air_hour')) }}
select
    judged.place_key,
    judged.station_key,
    judged.division_code,
    judged.date_on,
    judged.index_std,
    judged.item,
    judged.period,
    judged.rounded_concentration,
    judged.iaqi,
    judged.is_in_force
from ({{ iaqi_of(ref('air_day')) }}) as judged
where judged.is_daily
