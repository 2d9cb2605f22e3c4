# ruff: noqa: E501 - SQL and shapes read better in their own lines
"""A small published city for tests of briefs: the tables of `marts.duckdb` with numbers made by arithmetic.

Fourteen square districts, cases every day since 2022, crashes three days late, weather that stopped in October.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from lake.settings import Settings

AS_OF = date(2023, 4, 3)
HOTLINE, PATROL = "queens.nyc311.service_request", "queens.dot.street_defect"
CRASH, WEATHER = "queens.nypd.collision", "queens.weather.hourly_weather"

_TABLES = """
CREATE SCHEMA core; CREATE SCHEMA about; CREATE SCHEMA overview; CREATE SCHEMA appeals;

CREATE TABLE core.dim_admin_division AS
  SELECT '4' AS division_code, 3 AS level_no, CAST(NULL AS VARCHAR) AS parent_code, '皇后区' AS name_zh,
    'Queens' AS name_en, '皇后区' AS short_name_zh, 0 AS order_no, CAST(56 AS DECIMAL(12,3)) AS area_km2,
    CAST(NULL AS VARCHAR) AS geometry_geojson, DATE '2020-01-01' AS valid_from_on, CAST(NULL AS DATE) AS valid_to_on
  UNION ALL
  SELECT CAST(400 + n AS VARCHAR), 4, '4', '第' || n || '社区区（' || chr(CAST(19968 + 7 * n AS INTEGER)) || '庄）', 'CD ' || n,
    chr(CAST(19968 + 7 * n AS INTEGER)) || '庄', n, CAST(2 + n AS DECIMAL(12,3)),
    format('{{"type":"Polygon","coordinates":[[[{0},{1}],[{2},{1}],[{2},{3}],[{0},{3}],[{0},{1}]]]}}',
      -73.9 + 0.05 * (n % 4), 40.6 + 0.04 * (n // 4), -73.85 + 0.05 * (n % 4), 40.64 + 0.04 * (n // 4)),
    DATE '2020-01-01', NULL
  FROM range(1, 15) AS series(n);

CREATE TABLE core.dim_date AS
  SELECT CAST(d AS DATE) AS date_on,
    (month(d) = 12 AND day(d) = 25) OR (month(d) = 7 AND day(d) = 4) AS is_holiday,
    CASE WHEN month(d) = 12 AND day(d) = 25 THEN '圣诞节' WHEN month(d) = 7 AND day(d) = 4 THEN '独立日' END AS holiday_name_zh,
    CASE WHEN (month(d) = 12 AND day(d) = 25) OR (month(d) = 7 AND day(d) = 4) THEN 1 END AS holiday_day_no
  FROM generate_series(TIMESTAMP '2021-01-01', TIMESTAMP '2023-12-31', INTERVAL 1 DAY) AS series(d);

CREATE TABLE days AS
  SELECT date_on AS day_on, CAST(date_on - DATE '2022-01-01' AS INTEGER) AS i FROM core.dim_date
  WHERE date_on BETWEEN DATE '2021-06-07' AND $as_of;

CREATE TABLE per_district AS
  SELECT division_code, day_on,
    CAST(3 + (i * 7 + order_no * 13) % 5 - CASE WHEN isodow(day_on) > 5 THEN 2 ELSE 0 END AS BIGINT) AS appeals_n,
    CAST(4 + (i * 11 + order_no * 5) % 6 AS BIGINT) AS defects_n,
    CAST(2 + (i * 3 + order_no * 17) % 7 AS BIGINT) AS crashes_n
  FROM days, core.dim_admin_division WHERE parent_code IS NOT NULL;

CREATE TABLE counted AS
  SELECT * FROM per_district
  UNION ALL
  SELECT '4', day_on, CAST(sum(appeals_n) + 1 AS BIGINT), CAST(sum(defects_n) + 2 AS BIGINT), CAST(sum(crashes_n) AS BIGINT)
  FROM per_district GROUP BY day_on;

CREATE TABLE overview.city_daily AS
  WITH earlier AS (
    SELECT division_code, day_on, CASE WHEN count(*) OVER w = 8 THEN avg(appeals_n) OVER w END AS am,
      stddev_samp(appeals_n) OVER w AS asd, avg(defects_n) OVER w AS dm, stddev_samp(defects_n) OVER w AS dsd,
      avg(crashes_n) OVER w AS cm, stddev_samp(crashes_n) OVER w AS csd
    FROM counted
    WINDOW w AS (PARTITION BY division_code, isodow(day_on) ORDER BY day_on ROWS BETWEEN 8 PRECEDING AND 1 PRECEDING))
  SELECT counted.division_code, counted.day_on, appeals_n, defects_n,
    appeals_n + defects_n - 1 AS cases_closed_n, 100 + appeals_n * 3 AS cases_open_n,
    CASE WHEN counted.day_on <= $as_of - 3 THEN crashes_n END AS crashes_n,
    CASE WHEN counted.day_on <= DATE '2022-10-19' THEN CAST(day(counted.day_on) % 4 AS DECIMAL(6,1)) END AS precipitation_mm,
    CASE WHEN counted.day_on <= DATE '2022-10-19' THEN CAST(20.5 AS DECIMAL(5,1)) END AS temperature_max_c,
    CASE WHEN counted.day_on <= DATE '2022-10-19' THEN CAST(11.2 AS DECIMAL(5,1)) END AS temperature_min_c,
    CASE WHEN counted.day_on <= DATE '2022-10-19' THEN CAST(18.3 AS DECIMAL(5,1)) END AS windspeed_max_kmh,
    CAST(am AS DECIMAL(12,2)) AS appeals_expected_n, CAST(asd AS DECIMAL(12,2)) AS appeals_sigma,
    CAST(dm AS DECIMAL(12,2)) AS defects_expected_n, CAST(dsd AS DECIMAL(12,2)) AS defects_sigma,
    CAST(cm AS DECIMAL(12,2)) AS crashes_expected_n, CAST(csd AS DECIMAL(12,2)) AS crashes_sigma
  FROM counted LEFT JOIN earlier USING (division_code, day_on);

CREATE TABLE appeals.hotline_performance AS
  SELECT 'week_mon_sun:' || week_on AS window_id, division_code, source_system, 'week_mon_sun' AS window_kind,
    week_on AS starts_on, week_on + 6 AS ends_on, CAST(n AS BIGINT) AS accepted_n, CAST(n - 3 AS BIGINT) AS closed_n,
    CAST(n * 6 // 10 AS BIGINT) AS closed_of_accepted_n, CAST(200 + n AS BIGINT) AS open_end_n,
    CAST(n // 2 AS BIGINT) AS open_over_30d_n, CAST(n // 9 AS BIGINT) AS open_over_365d_n,
    CAST(20.4 AS DECIMAL(12,1)) AS median_close_hours, CAST(190.6 AS DECIMAL(12,1)) AS p90_close_hours,
    CAST(0 AS BIGINT) AS invalid_time_n, CAST(0 AS BIGINT) AS days_missing_n
  FROM (SELECT division_code, CAST(date_trunc('week', day_on) AS DATE) AS week_on, 'hotline' AS source_system,
          sum(appeals_n) AS n FROM counted GROUP BY ALL
        UNION ALL
        SELECT division_code, CAST(date_trunc('week', day_on) AS DATE), 'patrol', sum(defects_n) FROM counted GROUP BY ALL)
  WHERE week_on + 6 <= $as_of;

CREATE TABLE core.dim_event_category AS
  SELECT 'c' || n AS category_key, list_extract(['给水漏水', '排水堵塞', '夜间噪声', '街道坑洼', '供暖不足', '违法建设', '路灯故障',
    '消火栓损坏', '电梯故障', '水质异味', '施工扰民', '树木倒伏'], n) AS name_zh FROM range(1, 13) AS series(n);

CREATE TABLE appeals.hotline_topic_week AS
  SELECT this.window_id, this.division_code, category_key, this.starts_on, this.ends_on, this.source_system,
    category.name_zh AS category_name_zh, CAST(this.accepted_n * (15 - n) // 126 AS BIGINT) AS cases_n,
    CAST(coalesce(before.accepted_n, 0) * (15 - n) // 126 AS BIGINT) AS previous_n,
    n AS rank_no
  FROM appeals.hotline_performance AS this
  JOIN (SELECT *, CAST(substr(category_key, 2) AS INTEGER) AS n FROM core.dim_event_category) AS category ON true
  LEFT JOIN appeals.hotline_performance AS before ON before.division_code = this.division_code
    AND before.source_system = this.source_system AND before.ends_on = this.starts_on - 1
  WHERE this.ends_on > $as_of - 30;

CREATE TABLE core.fct_case AS
  SELECT division_code, day_on AS created_on, 'hotline' AS source_system,
    'c' || (1 + (k * k + order_no) % 12) AS category_key
  FROM per_district JOIN core.dim_admin_division USING (division_code), range(0, 12) AS series(k)
  WHERE day_on > $as_of - 10 AND k < appeals_n
  UNION ALL SELECT NULL, day_on, 'hotline', 'c1' FROM days WHERE day_on > $as_of - 10;

CREATE TABLE about.build AS SELECT $as_of || '-synthetic' AS build_id, CAST($as_of AS DATE) AS as_of;
CREATE TABLE about.freshness AS SELECT * FROM (VALUES
  ('queens.nyc311.service_request', '市民热线工单', 'nyc311', $as_of, $as_of, 'on_time'),
  ('queens.dot.street_defect', '道路病害', 'dot', $as_of, $as_of, 'on_time'),
  ('queens.nypd.collision', '道路交通事故', 'nypd', $as_of - 3, $as_of - 3, 'on_time'),
  ('queens.weather.hourly_weather', '逐小时气象', 'weather', DATE '2022-10-19', DATE '2023-03-31', 'late'))
  AS t(dataset, title_zh, department, last_day_on, due_day_on, state);
CREATE TABLE about.warnings(dataset VARCHAR, day DATE, check_id VARCHAR, column_name VARCHAR, failed_n BIGINT, reason VARCHAR);
DROP TABLE days; DROP TABLE per_district; DROP TABLE counted;
"""


def publish(settings: Settings, *, as_of: date = AS_OF, tweak: str = "", name: str | None = None) -> Path:
    """Write a published build and point `current` at it.

    Args:
        as_of: the build's day.
        tweak: SQL run on the finished tables: what the test wants to be different.
        name: build id; default from `as_of`.
    """
    build_id = name or f"{as_of}-synthetic"
    folder = settings.published / build_id
    folder.mkdir(parents=True)
    day = f"DATE '{as_of}'"
    with duckdb.connect(str(folder / "marts.duckdb")) as connection:
        connection.execute(_TABLES.replace("$as_of", day))
        connection.execute(f"UPDATE about.build SET build_id = '{build_id}'")
        if tweak:
            connection.execute(tweak)
    link = settings.published / "current"
    link.unlink(missing_ok=True)
    link.symlink_to(build_id)
    return folder / "marts.duckdb"
