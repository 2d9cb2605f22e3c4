{# Rows of a relation with `z`: by how many standard deviations `value` lies above the median of its peers, both told by the
   median absolute deviation (Rousseeuw and Croux 1993), so that a few odd ones do not hide themselves; NULL where the peers
   do not differ. #}
{% macro among_peers(relation, value, peers) -%}
    select
        spread.* exclude (middle, deviation),
        (spread.{{ value }} - spread.middle) / nullif(
            {{ threshold('mad_scale') }}
            * quantile_cont(spread.deviation, 0.5) over (partition by {{ peers | join(', ') }}),
            0
        ) as z
    from
        (
            select centred.*, abs(centred.{{ value }} - centred.middle) as deviation
            from
                (
                    select
                        source.*,
                        quantile_cont(source.{{ value }}, 0.5) over (partition by {{ peers | join(', ') }}) as middle
                    from {{ relation }} as source
                ) as centred
        ) as spread
{%- endmacro %}
