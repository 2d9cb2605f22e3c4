{# Before new rows of touched keys go in, the old ones go out, those that have no new row included. #}
{% macro forget_touched(key, touched) -%}
    {% if is_incremental() %}
        delete from {{ this }} where {{ key }} in (select touched.{{ key }} from {{ touched }} as touched)
    {% endif %}
{%- endmacro %}

{# A relation as the build before left it, or None in a build from scratch. Not a `ref`: it is read before it is made. #}
{% macro carried(schema, identifier) -%}
    {% if execute %}
        {{ return(adapter.get_relation(database=target.database, schema=schema, identifier=identifier)) }}
    {% endif %}
    {{ return(none) }}
{%- endmacro %}

{# The pair for facts out of tables in mode `day` or `snapshot`, where a row depends on its own partition and on seeds only:
   the hook lets go of the partitions that changed, the query makes them anew. `column` holds the partition (ds). A fact that
   says in which grid something was is `placed`: all its days are made anew when the register moves a grid's number.
   `config(pre_hook="{{ forget_days('delivered_on', 'power__meter_day') }}")` and `where {{ changed_days('meter.ds', 'power__meter_day') }}`. #}
{% macro forget_days(column) -%}
    {% if is_incremental() %}
        delete from {{ this }} where {{ column }} in ({{ days_changed_of(varargs, kwargs.get('placed')) }})
    {% endif %}
{%- endmacro %}

{% macro changed_days(column) -%}
    {%- if kwargs.get('placed') -%} {%- set moved = ref('grid_number_moved') -%} {%- endif -%}
    {% if is_incremental() -%} {{ column }} in ({{ days_changed_of(varargs, kwargs.get('placed')) }})
    {%- else -%} true
    {%- endif %}
{%- endmacro %}

{% macro days_changed_of(tables, placed=false) -%}
    select changed.ds
    from {{ source('lake_build', 'changed') }} as changed
    where changed.table_name in ('{{ tables | join("', '") }}')
    {% if placed -%}
        union
        select partition.day
        from {{ source('lake_build', 'partitions') }} as partition
        inner join {{ source('lake_build', 'datasets') }} as dataset on partition.dataset = dataset.dataset
        where
            dataset.table_name in ('{{ tables | join("', '") }}')
            and exists (select 1 from {{ ref('grid_number_moved') }})
    {%- endif %}
{%- endmacro %}

{# The pair for facts out of tables in mode `changes`, one row per key out of its versions: the hook notes the keys of the
   partitions that changed, those that a partition no longer holds included, and lets go of them; the query makes them anew.
   The input has the key, delivered_on, landed_at, file_name and record_no; the fact keeps the key and delivered_on. #}
{% macro forget_versions(key, input) -%}
    {% if is_incremental() %}
        create or replace table staging.touched__{{ this.name }} as
        select input.{{ key }} from {{ input }} as input
        where input.delivered_on in ({{ days_changed_of(varargs, kwargs.get('placed')) }})
        union
        select held.{{ key }} from {{ this }} as held
        where held.delivered_on in ({{ days_changed_of(varargs, kwargs.get('placed')) }});
        delete from {{ this }}
        where {{ key }} in (select touched.{{ key }} from staging.touched__{{ this.name }} as touched)
    {% endif %}
{%- endmacro %}

{% macro newest_versions(key, input) -%}
    select versions.* exclude (newest_no)
    from
        (
            select
                input.*,
                row_number() over (partition by input.{{ key }} order by {{ newest_first('input') }}) as newest_no
            from {{ input }} as input
            {% if is_incremental() -%}
                where input.{{ key }} in (select touched.{{ key }} from staging.touched__{{ this.name }} as touched)
            {%- endif %}
        ) as versions
    where versions.newest_no = 1
{%- endmacro %}

{# The same pair by whole months, for facts that add a day's partition to its month. `column` holds the month's first day. #}
{% macro forget_months(column) -%}
    {% if is_incremental() %}
        delete from {{ this }} where {{ column }} in ({{ months_changed_of(varargs, kwargs.get('placed')) }})
    {% endif %}
{%- endmacro %}

{% macro changed_months(column) -%}
    {%- if kwargs.get('placed') -%} {%- set moved = ref('grid_number_moved') -%} {%- endif -%}
    {% if is_incremental() -%}
        date_trunc('month', {{ column }}) in ({{ months_changed_of(varargs, kwargs.get('placed')) }})
    {%- else -%} true
    {%- endif %}
{%- endmacro %}

{% macro months_changed_of(tables, placed=false) -%}
    select cast(date_trunc('month', days.ds) as date) from ({{ days_changed_of(tables, placed) }}) as days
{%- endmacro %}
