select form.indicator_kind as window_kind, reporting_window.starts_on as first_on, reporting_window.ends_on as last_on
from {{ ref('dim_reporting_window') }} as reporting_window
inner join {{ ref('reporting_window_kind') }} as form on reporting_window.kind = form.kind
where
    form.indicator_kind is not null
    -- Whole windows of what was delivered: half a month would look like a month.
    and reporting_window.starts_on >= (select min(feed.day_on) from {{ ref('feed_day') }} as feed)
