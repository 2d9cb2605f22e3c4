{#- Every Python step of the city with the table it read: (step, input). -#}
{%- set steps = [] -%}
{%- if fed_by('case', 'division', 'grid') -%}
    {%- do steps.extend([
        ('method_case_baseline', 'case_day'),
        ('method_case_forecast', 'case_day'),
        ('method_forecast_backtest', 'case_day'),
    ]) -%}
{%- endif -%}
{%- if fed_by('case', 'traffic_crash', 'division', 'grid') -%}
    {%- do steps.extend([('method_hotspot_grid', 'event_cell'), ('method_rate_eb', 'event_division')]) -%}
{%- endif -%}
{%- if fed_by('traffic_crash', 'division', 'grid') -%}
    {%- do steps.append(('method_near_repeat', 'event_point')) -%}
{%- endif -%}
{%- if fed_by('disease_week', 'division', 'grid') -%}
    {%- do steps.append(('method_disease_signal', 'disease_count')) -%}
{%- endif -%}
{{ config(enabled=fed_by('case', 'division', 'grid') or fed_by('traffic_crash', 'division', 'grid') or fed_by('disease_week', 'division', 'grid')) }}
-- The digest is the same whatever order rows lie in.
{% for step, input in steps -%}
    {% if not loop.first %}
        union all
    {% endif %}
    select
        '{{ step }}' as step,
        '{{ input }}' as input,
        given.rows_n as input_rows_n,
        given.digest as input_digest,
        found.rows_n as output_rows_n,
        found.digest as output_digest,
        found.parameters
    from
        (
            select
                count(*) as rows_n, cast(coalesce(bit_xor(md5_number(cast(read as varchar))), 0) as varchar) as digest
            from {{ ref(input) }} as read
        ) as given
    cross join
        (
            select
                count(*) as rows_n,
                cast(coalesce(bit_xor(md5_number(cast(made as varchar))), 0) as varchar) as digest,
                max(made.parameters) as parameters
            from {{ ref(step) }} as made
        ) as found
{% endfor %}
