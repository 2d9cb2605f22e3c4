{{ config(enabled=fed_by('module_probe_day')) }}
with
    modules as (
        select
            input.module_no,
            input.date_on,
            min(input.system_zh) as system_zh,
            min(input.module_zh) as module_zh,
            count(*) as probes_n,
            -- A probe that made no check says 100 by default.
            count(*) filter (where input.checked_n > 0) as probes_checked_n,
            sum(input.checked_n) as checks_n,
            sum(input.availability_pct * input.checked_n) as answered,
            min(input.availability_pct) filter (where input.checked_n > 0) as availability_min_pct,
            sum(cast(input.response_ms as bigint) * input.checked_n) filter (
                where input.response_ms is not null
            ) as response,
            sum(input.checked_n) filter (where input.response_ms is not null) as responses_n
        from {{ ref('input_module_probe_day') }} as input
        group by input.module_no, input.date_on
    )

select
    modules.module_no,
    modules.date_on,
    modules.system_zh,
    modules.module_zh,
    cast(modules.probes_n as integer) as probes_n,
    cast(modules.probes_checked_n as integer) as probes_checked_n,
    cast(modules.checks_n as bigint) as checks_n,
    cast(modules.answered / nullif(modules.checks_n, 0) as decimal(6, 2)) as availability_pct,
    modules.availability_min_pct,
    modules.answered >= modules.checks_n * {{ threshold('module_up_pct') }} as is_up,
    cast(modules.response / nullif(modules.responses_n, 0) as integer) as response_ms
from modules
