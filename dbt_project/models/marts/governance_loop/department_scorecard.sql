{{ config(enabled=fed_by('case', 'grid', 'command_lead', 'instruction', 'instruction_step')) }}
-- What a department was given to do. Finds of the grid name no department; a case that nobody could give to one is
-- nobody's.
with
    tasks as (
        select
            counted.department_key,
            counted.source_system as task_kind,
            {{ civil_date('coalesce(counted.dispatched_at, counted.accepted_at, counted.reported_at)') }}
            as received_on,
            counted.due_on,
            counted.settled_at <= counted.deadline_at as is_on_time,
            counted.settled_on,
            {{ seconds_between('counted.dispatched_at', 'counted.settled_at') }} as settle_s,
            counted.rework_n > 0 as is_reopened,
            counted.bounced_n,
            counted.visited_on,
            counted.is_solved
        from {{ ref('case_counted') }} as counted
        inner join {{ ref('case_source') }} as source on counted.source_system = source.source_system
        where counted.is_to_settle and not source.is_grid
        union all by name
        select
            instruction.department_key,
            'instruction' as task_kind,
            {{ civil_date('instruction.issued_at') }} as received_on,
            {{ civil_date('instruction.due_at') }} as due_on,
            instruction.finished_at <= instruction.due_at as is_on_time,
            {{ civil_date('instruction.finished_at') }} as settled_on,
            {{ seconds_between('instruction.issued_at', 'instruction.finished_at') }} as settle_s,
            not instruction.is_passed as is_reopened
        from {{ ref('fct_instruction') }} as instruction
        union all by name
        select
            lead.department_key,
            'lead' as task_kind,
            lead.pushed_on as received_on,
            {{ civil_date('lead.due_at') }} as due_on,
            lead.closed_at <= lead.due_at as is_on_time,
            lead.closed_on as settled_on,
            {{ seconds_between('lead.pushed_at', 'lead.closed_at') }} as settle_s
        from {{ ref('fct_command_lead') }} as lead
        where not lead.is_copy
    ),

    given as (
        select tasks.*
        from tasks
        inner join {{ ref('department') }} as department on tasks.department_key = department.department_key
        where not department.is_default
    ),

    days as (
        select given.department_key, given.task_kind, given.received_on as day_on, count(*) as received_n
        from given
        group by given.department_key, given.task_kind, given.received_on
        union all by name
        select
            given.department_key,
            given.task_kind,
            given.due_on as day_on,
            count(*) as due_n,
            count(*) filter (where given.is_on_time) as on_time_n
        from given
        group by given.department_key, given.task_kind, given.due_on
        union all by name
        select
            given.department_key,
            given.task_kind,
            given.settled_on as day_on,
            count(*) as settled_n,
            count(*) filter (where given.is_reopened) as reopened_n,
            sum(given.bounced_n) as bounces_n
        from given
        group by given.department_key, given.task_kind, given.settled_on
        union all by name
        select
            given.department_key,
            given.task_kind,
            given.visited_on as day_on,
            count(*) as visited_n,
            count(*) filter (where given.is_solved) as content_n
        from given
        where given.is_solved is not null
        group by given.department_key, given.task_kind, given.visited_on
    ),

    -- A day's figures are no ground to judge a department on.
    windows as (select spans.* from ({{ indicator_windows() }}) as spans where spans.first_on < spans.last_on),

    summed as (
        select
            windows.window_kind,
            windows.first_on,
            windows.last_on,
            days.department_key,
            days.task_kind,
            {% for measure in [
            'received_n', 'due_n', 'on_time_n', 'settled_n', 'reopened_n', 'bounces_n', 'visited_n', 'content_n'
        ] -%}
                cast(coalesce(sum(days.{{ measure }}), 0) as bigint) as {{ measure }}{{ ',' if not loop.last }}
            {% endfor %}
        from windows
        inner join days on days.day_on >= windows.first_on and days.day_on <= windows.last_on
        group by windows.window_kind, windows.first_on, windows.last_on, days.department_key, days.task_kind
    ),

    settled as (
        select
            windows.window_kind,
            windows.first_on,
            given.department_key,
            given.task_kind,
            quantile_cont(given.settle_s, 0.5) as settle_p50_s
        from windows
        inner join given on given.settled_on >= windows.first_on and given.settled_on <= windows.last_on
        where given.settle_s is not null
        group by windows.window_kind, windows.first_on, given.department_key, given.task_kind
    ),

    -- Whom it works for: a county's government for its county, a bureau of the city for the city.
    served as (
        select alias.department_key, any_value(area.division_code order by area.division_code) as division_code
        from {{ ref('department_alias') }} as alias
        inner join {{ ref('dim_admin_division') }} as area on alias.agency_name = area.name_zh
        inner join {{ ref('division_level') }} as level on area.level_no = level.level_no and level.is_county
        group by alias.department_key
    ),

    stood as (
        select
            summed.*,
            served.division_code is not null as is_county_government,
            residents.resident_population_n as residents_n,
            settled.settle_p50_s,
            cast(summed.on_time_n as double) / nullif(summed.due_n, 0) as share
        from summed
        inner join {{ ref('dim_admin_division') }} as city on city.parent_code is null
        left join served on summed.department_key = served.department_key
        left join
            {{ ref('division_residents') }} as residents
            on coalesce(served.division_code, city.division_code) = residents.division_code
        left join
            settled
            on summed.window_kind = settled.window_kind
            and summed.first_on = settled.first_on
            and summed.department_key = settled.department_key
            and summed.task_kind = settled.task_kind
    ),

    -- Bureaus stand beside bureaus and counties beside counties, each with tasks of one kind:
    -- those of city management are due within hours and those of the hotline within days, so that who has more of the
    -- former would look worse for it.
    peers as (
        select
            stood.window_kind,
            stood.first_on,
            stood.task_kind,
            stood.is_county_government,
            cast(sum(stood.received_n) as bigint) as received_n,
            cast(sum(stood.due_n) as double) as due_n,
            cast(sum(stood.on_time_n) as double) / nullif(cast(sum(stood.due_n) as double), 0) as mean_share,
            cast(sum(cast(stood.on_time_n * stood.share as decimal(24, 8))) as double) as squares,
            count(stood.share) as units_n
        from stood
        group by stood.window_kind, stood.first_on, stood.task_kind, stood.is_county_government
    ),

    bounded as (
        select
            stood.*,
            peers.mean_share,
            peers.received_n as peers_received_n,
            {{ variance_between_shares('peers.squares', 'peers.due_n', 'peers.mean_share', 'peers.units_n') }}
            as variance,
            {{ wilson_low('stood.on_time_n', 'stood.due_n') }} as low_share,
            {{ wilson_high('stood.on_time_n', 'stood.due_n') }} as high_share
        from stood
        inner join
            peers
            on stood.window_kind = peers.window_kind
            and stood.first_on = peers.first_on
            and stood.task_kind = peers.task_kind
            and stood.is_county_government = peers.is_county_government
    ),

    drawn as (
        select
            bounded.*,
            case
                when bounded.due_n > 0
                then
                    {{ drawn_share('bounded.share', 'bounded.due_n', 'bounded.mean_share', 'bounded.variance') | indent(16) }}
            end as eb_share
        from bounded
    ),

    -- Those with enough tasks due to stand in an order at all.
    candidates as (
        select
            drawn.window_kind,
            drawn.first_on,
            drawn.task_kind,
            drawn.is_county_government,
            drawn.department_key as unit_key,
            drawn.low_share,
            drawn.high_share,
            cast(drawn.eb_share as decimal(18, 8)) as merit
        from drawn
        where drawn.due_n >= {{ threshold('rank_least_n') }}
    ),

    rankable as (
        {{ rankable_groups(
        'candidates', 'low_share', 'high_share', ['window_kind', 'first_on', 'task_kind', 'is_county_government']
    ) | indent(4) }}
    ),

    placed as (
        select
            candidates.window_kind,
            candidates.first_on,
            candidates.task_kind,
            candidates.unit_key,
            rank() over (
                partition by
                    candidates.window_kind, candidates.first_on, candidates.task_kind, candidates.is_county_government
                order by candidates.merit desc
            ) as on_time_rank_no
        from candidates
        inner join
            rankable
            on candidates.window_kind = rankable.window_kind
            and candidates.first_on = rankable.first_on
            and candidates.task_kind = rankable.task_kind
            and candidates.is_county_government = rankable.is_county_government
            and rankable.is_rankable
    )

select
    drawn.window_kind,
    drawn.first_on as starts_on,
    drawn.last_on as ends_on,
    drawn.department_key,
    drawn.task_kind,
    drawn.is_county_government,
    drawn.received_n as tasks_received_n,
    {{ percent_of('drawn.received_n', 'drawn.peers_received_n') }} as load_share_pct,
    drawn.residents_n,
    cast(
        drawn.received_n * 10000 / cast(nullif(drawn.residents_n, 0) as decimal(18, 4)) as decimal(12, 2)
    ) as load_per_10k,
    rank() over (
        partition by drawn.window_kind, drawn.first_on, drawn.task_kind, drawn.is_county_government
        order by drawn.received_n desc
    ) as load_rank_no,
    drawn.due_n as tasks_due_n,
    drawn.on_time_n,
    {{ percent_of('drawn.on_time_n', 'drawn.due_n') }} as on_time_pct,
    cast(100 * greatest(drawn.low_share, 0) as decimal(6, 2)) as on_time_low_pct,
    cast(100 * drawn.high_share as decimal(6, 2)) as on_time_high_pct,
    cast(100 * drawn.mean_share as decimal(6, 2)) as peers_on_time_pct,
    cast(100 * drawn.eb_share as decimal(6, 2)) as on_time_eb_pct,
    -- Funnel plot (Spiegelhalter 2005): how far from the peers,
    -- in standard deviations that its own number of tasks allows.
    case
        when drawn.due_n >= {{ threshold('rank_least_n') }}
        then
            cast(
                (drawn.share - drawn.mean_share)
                / nullif(sqrt(drawn.mean_share * (1 - drawn.mean_share) / drawn.due_n), 0) as decimal(8, 2)
            )
    end as funnel_sigmas,
    placed.unit_key is not null as is_rankable,
    placed.on_time_rank_no,
    drawn.settled_n as tasks_settled_n,
    {{ hours_of('drawn.settle_p50_s') }} as settle_p50_hours,
    drawn.reopened_n,
    {{ percent_of('drawn.reopened_n', 'drawn.settled_n') }} as reopened_pct,
    drawn.bounces_n as receiver_bounces_n,
    drawn.visited_n,
    {{ percent_of('drawn.content_n', 'drawn.visited_n') }} as caller_solved_pct
from drawn
left join
    placed
    on drawn.window_kind = placed.window_kind
    and drawn.first_on = placed.first_on
    and drawn.task_kind = placed.task_kind
    and drawn.department_key = placed.unit_key
