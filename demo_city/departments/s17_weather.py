"""S17 weather bureau: hourly observations of automatic stations, and warning signals as CAP messages.

Stations follow the city's weather with an offset of their own: warmer in town, windier at sea, showers that hit one
and miss the next. Further tables of events: ``weather_day`` (by station) and ``weather_warning`` (the signals).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from demo_city.chance import repeated
from demo_city.columns import Columns
from demo_city.departments.protocol import Api, Dataset, Files, Pattern, Rows, Source
from demo_city.departments.safety import active_townships, after, statement, written
from demo_city.systems import writers

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

SECOND_STATION = 64 / 136
"""Share of townships with two stations: 200 in the whole city."""
UTC_STATIONS = 0.05
"""Stations whose logger sends UTC, and says so: no dirt, but a trap for who reads over it."""
MISSING = "999999"
LOCAL_ISSUE = 0.6
"""Share of the city's signals that a county's own bureau issues too."""
LONGEST_SIGNAL = 60
"""Days a signal may hold."""
SIGNALS = ("暴雨", "高温", "大雾", "大风", "台风", "道路结冰", "寒潮", "雷电", "暴雪")
COLOURS = ("蓝", "黄", "橙", "红")
SEVERITY = ("Minor", "Moderate", "Severe", "Extreme")

OBSERVED = (
    Pattern(
        "missing_temperature", "No temperature: 999999 stands for it.", 0.004, "warning", "temperature_there",
        "temperature_c",
    ),
    Pattern("missing_rain", "No rain gauge reading: 999999.", 0.006, "warning", "rain_there", "rain_mm"),
    Pattern("missing_visibility", "No visibility: 999999.", 0.015, "warning", "visibility_there", "visibility_m"),
    Pattern(
        "rain_spike", "The gauge was rinsed or tipped: more rain in an hour than has ever fallen.", 0.0004,
        "quarantine", "rain_possible", "rain_mm",
    ),
    Pattern(
        "temperature_tenths", "A logger sends tenths of a degree.", 0.0005, "quarantine", "temperature_possible",
        "temperature_c",
    ),
    Pattern(
        "received_utc", "The time of reception is UTC and says +8: eight hours before the observation.", 0.012,
        "warning", "received_after_observed", "received_at",
    ),
)  # fmt: skip
WARNED = (
    Pattern(
        "cancel_without_issue", "The message that is cancelled was never delivered.", 0.025, "core", None,
        "references",
    ),
    Pattern(
        "effective_utc", "The time of effect is UTC and says +8: eight hours before the message was sent.", 0.03,
        "warning", "effective_after_sent", "effective_at",
    ),
    Pattern("test_alert", "A test of the channel, sent like a warning.", 0.012, "quarantine", "is_actual", "status"),
)  # fmt: skip


def stations(world: World) -> Columns:
    """``code name_zh township_i lng lat warmer_c wetter windier`` of the delivered townships."""
    return world.once("s17.stations", lambda: _stations(world))


def _stations(world: World) -> Columns:
    chance, register = world.chance, world.city.township
    township = active_townships(world)
    position, n = repeated(1 + chance.happens(SECOND_STATION, "s17.more", township))
    township = township[position]
    lng = np.asarray(register["lng"])[township] + 0.02 * chance.normal("s17.lng", township, n)
    lat = np.asarray(register["lat"])[township] + 0.02 * chance.normal("s17.lat", township, n)
    name = np.asarray(register["name_zh"])[township]
    urban = np.asarray(register["is_urban"])[township]
    return Columns(
        code=np.char.add("M", (1000 + township * 4 + n).astype(str)).astype(object),
        name_zh=name + np.where(n == 0, "气象站", "自动站").astype(object),
        township_i=township,
        n=n,
        lng=np.round(lng, 4),
        lat=np.round(lat, 4),
        warmer_c=0.6 * urban + 0.5 * chance.normal("s17.warmer", township, n),
        wetter=np.exp(0.12 * chance.normal("s17.wetter", township, n)),
        windier=np.exp(0.2 * chance.normal("s17.windier", township, n) + 0.25 * np.clip(lng - 122.9, -0.5, 0.8)),
        is_utc=chance.happens(UTC_STATIONS, "s17.utc", township, n),
    )


def _observed(world: World, days: Days) -> Columns:
    """Every hour at every station, true values."""
    chance, at, city = world.chance, stations(world), world.life.weather(days)
    hour = np.repeat(np.arange(city.rows_n), at.rows_n)
    station = np.tile(np.arange(at.rows_n), city.rows_n)
    stamp = city["hour"].astype(np.int64)[hour]
    key = (stamp, at["township_i"][station], at["n"][station])
    sky = {name: values[hour] for name, values in city.items() if name != "hour"}
    month = city["hour"].astype("datetime64[M]").astype(np.int64)[hour] % 12 + 1
    shower = (
        (month >= 6) & (month <= 9) & (stamp % 24 >= 13) & (stamp % 24 <= 19)
        & chance.happens(0.003, "s17.shower", *key)
    )  # fmt: skip
    rain = sky["rain_mm"] * at["wetter"][station] * chance.lognormal(0.85, 0.55, "s17.rain", *key)
    rain = np.where(shower, rain + chance.lognormal(6.0, 0.7, "s17.showers", *key), rain)
    fog = np.where(sky["vis_m"] < 1000, 0.45, 0.12)
    return Columns(
        station_i=station,
        hour=city["hour"].astype("datetime64[s]")[hour],
        temperature_c=np.round(sky["temp_c"] + at["warmer_c"][station] + 0.35 * chance.normal("s17.temp", *key), 1),
        rain_mm=np.minimum(np.round(rain, 1), 145.0),
        wind_ms=np.round(sky["wind_ms"] * at["windier"][station] * chance.lognormal(1.0, 0.15, "s17.wind", *key), 1),
        visibility_m=np.clip(np.rint(sky["vis_m"] * np.exp(fog * chance.normal("s17.vis", *key))), 30, 35000),
        humidity_pct=np.clip(np.rint(sky["rh_pct"] + 3 * chance.normal("s17.rh", *key)), 10, 100),
        pressure_hpa=np.round(sky["pressure_hpa"] + 0.3 * chance.normal("s17.pressure", *key), 1),
        stamp=stamp,
        township_i=at["township_i"][station],
        n=at["n"][station],
    )


def _observation_rows(world: World, days: Days) -> Rows:
    chance, seen = world.chance, _observed(world, days)
    key = (seen["stamp"], seen["township_i"], seen["n"])
    day = seen["hour"].astype("datetime64[D]")
    lot = chance.uniform("s17.dirt", *key)
    return written(
        f"""
        SELECT s.code || '-' || strftime(o.hour, '%Y%m%d%H') AS "RECORD_ID", s.code AS "Station_Id_C",
               s.name_zh AS "Station_Name",
               CASE WHEN s.is_utc THEN strftime(o.hour - INTERVAL 8 HOUR, '%Y-%m-%dT%H:%M:%SZ')
                    ELSE strftime(o.hour, '%Y-%m-%d %H:%M:%S') END AS "Datetime",
               printf('%.4f', s.lng) AS "Lon", printf('%.4f', s.lat) AS "Lat",
               CASE WHEN o.lot < 0.004 THEN '{MISSING}' WHEN o.tenths THEN printf('%.0f', o.temperature_c * 10)
                    ELSE printf('%.1f', o.temperature_c) END AS "TEM",
               CASE WHEN o.lot BETWEEN 0.1 AND 0.106 THEN '{MISSING}' WHEN o.spike THEN printf('%.1f', 200 + o.rain_mm)
                    ELSE printf('%.1f', o.rain_mm) END AS "PRE_1h",
               printf('%.1f', o.wind_ms) AS "WIN_S_Avg_10mi",
               CASE WHEN o.lot BETWEEN 0.2 AND 0.215 THEN '{MISSING}' ELSE printf('%.0f', o.visibility_m) END AS "VIS",
               printf('%.0f', o.humidity_pct) AS "RHU", printf('%.1f', o.pressure_hpa) AS "PRS",
               strftime(o.hour::TIMESTAMP + to_seconds(o.lag) - CASE WHEN o.utc THEN INTERVAL 8 HOUR
                        ELSE INTERVAL 0 HOUR END, '%Y-%m-%d %H:%M:%S') AS "IYMDHM",
               o.hour::DATE AS _day, s.code || '-' || strftime(o.hour, '%Y%m%d%H') AS _key,
               o.lot < 0.004 AS "!missing_temperature", o.lot BETWEEN 0.1 AND 0.106 AS "!missing_rain",
               o.lot BETWEEN 0.2 AND 0.215 AS "!missing_visibility",
               o.spike AND o.lot NOT BETWEEN 0.1 AND 0.106 AS "!rain_spike",
               o.tenths AND o.lot >= 0.004 AS "!temperature_tenths", o.utc AS "!received_utc"
        FROM observed AS o JOIN stations AS s ON s.station_i = o.station_i ORDER BY o.hour, s.code
        """,
        observed=seen.with_columns(
            lot=lot,
            lag=chance.integers(130, 900, "s17.lag", *key),
            spike=chance.happens(0.0004, "s17.spike", *key),
            # A reading of 5.1 degrees or more in tenths is beyond anything a thermometer has shown.
            tenths=chance.happens(0.0006, "s17.tenths", *key) & (np.abs(seen["temperature_c"]) > 5.1),
            utc=chance.happens(0.012, "s17.clock", day, seen["township_i"], seen["n"]),
        ),
        stations=stations(world).with_columns(station_i=np.arange(stations(world).rows_n)),
    )


def _signals(world: World, days: Days) -> Columns:
    """Signals of the city's bureau and of the counties' that act at the same time, issued or cancelled lately."""
    chance, register = world.chance, world.city
    made = world.life.warnings(days.since(LONGEST_SIGNAL))
    county = np.unique(np.asarray(register.township["county_i"])[active_townships(world)])
    at = np.repeat(np.arange(made.rows_n), len(county) + 1)
    sender = np.tile(np.concatenate([[-1], county]), made.rows_n)
    key = (made["warning_no"][at], sender)
    is_issued = (sender < 0) | chance.happens(LOCAL_ISSUE, "s17.local", *key)
    at, sender = at[is_issued], sender[is_issued]
    key = (made["warning_no"][at], sender)
    lag = np.where(sender < 0, 0, chance.integers(2, 25, "s17.local_lag", *key))
    issued = after(made["issued_at"][at], lag)
    kind = np.array([SIGNALS.index(one) for one in made["kind"]], dtype=np.int64)[at]
    colour = np.array([COLOURS.index(one) for one in made["colour"]], dtype=np.int64)[at]
    return Columns(
        warning_no=made["warning_no"][at],
        sender=sender,
        kind=kind,
        colour=colour,
        issued_at=issued,
        cancelled_at=np.maximum(after(made["cancelled_at"][at], lag + 1), after(issued, 30)),
        is_lost=chance.happens(0.05, "s17.lost", *key),
    )


def _messages(world: World, days: Days) -> Columns:
    """The messages of the days: issues, cancellations, tests."""
    chance = world.chance
    of = _signals(world, days)
    issue = of.where(~of["is_lost"])
    issue = issue.with_columns(is_cancel=np.zeros(issue.rows_n, bool), sent_at=issue["issued_at"])
    cancel = of.with_columns(is_cancel=np.ones(of.rows_n, bool), sent_at=of["cancelled_at"])
    county = np.concatenate([[-1], np.unique(np.asarray(world.city.township["county_i"])[active_townships(world)])])
    day = np.repeat(days.array, len(county))
    sender = np.tile(county, days.length)
    tested = chance.happens(0.004, "s17.test", day, sender)
    day, sender = day[tested], sender[tested]
    at = after(day, chance.integers(540, 660, "s17.test_at", day, sender))
    test = Columns(
        warning_no=-day.astype(np.int64),
        sender=sender,
        kind=np.zeros(len(day), np.int64),
        colour=np.zeros(len(day), np.int64),
        issued_at=at,
        cancelled_at=after(at, 60),
        is_lost=np.zeros(len(day), bool),
        is_cancel=np.zeros(len(day), bool),
        sent_at=at,
    )
    made = Columns.together([issue, cancel, test])
    return made.where(days.holds(made["sent_at"]))


def _warning_rows(world: World, days: Days) -> Rows:
    chance, sent = world.chance, _messages(world, days)
    key = (sent["warning_no"], sent["sender"], sent["is_cancel"].astype(np.int64))
    county = world.city.county
    signals = "[" + ", ".join(f"'{signal}'" for signal in SIGNALS) + "]"
    return written(
        f"""
        WITH senders AS (SELECT -1 AS sender, '990100' AS code, '临澜市' AS name_zh
                         UNION ALL SELECT county_i, code, name_zh FROM county),
             named AS (
                 SELECT m.*, s.code AS sender_code, s.name_zh AS area,
                        {signals}[m.kind + 1] AS signal,
                        ['蓝', '黄', '橙', '红'][m.colour + 1] AS colour_zh,
                        s.code || '41600000_' || strftime(m.issued_at, '%Y%m%d%H%M%S') || '_' || m.kind || m.colour
                            AS issue_id,
                        s.code || '-weather@linlan.example' AS sender_name, m.warning_no < 0 AS is_test
                 FROM messages AS m JOIN senders AS s ON s.sender = m.sender),
             told AS (
                 SELECT *, issue_id || CASE WHEN is_cancel THEN '_C' ELSE '' END AS id,
                        CASE WHEN is_z THEN strftime(sent_at - INTERVAL 8 HOUR, '%Y-%m-%dT%H:%M:%S+00:00')
                             ELSE strftime(sent_at, '%Y-%m-%dT%H:%M:%S+08:00') END AS sent
                 FROM named)
        SELECT id AS identifier, sender_name AS sender, sent,
               CASE WHEN is_test THEN 'Test' ELSE 'Actual' END AS status,
               CASE WHEN is_cancel THEN 'Cancel' ELSE 'Alert' END AS "msgType", 'Public' AS scope,
               CASE WHEN is_cancel THEN sender_name || ',' || issue_id || ','
                    || strftime(issued_at, '%Y-%m-%dT%H:%M:%S+08:00') END AS "references",
               'zh-CN' AS "info/language", 'Met' AS "info/category",
               CASE WHEN is_test THEN '测试' ELSE signal END AS "info/event",
               CASE WHEN is_cancel THEN 'Past' ELSE 'Immediate' END AS "info/urgency",
               ['Minor', 'Moderate', 'Severe', 'Extreme'][colour + 1] AS "info/severity", 'Likely' AS "info/certainty",
               strftime(sent_at - CASE WHEN utc AND NOT is_test THEN INTERVAL 8 HOUR ELSE INTERVAL 0 HOUR END,
                        '%Y-%m-%dT%H:%M:%S+08:00') AS "info/effective",
               strftime(greatest(cancelled_at, sent_at) + INTERVAL 30 MINUTE, '%Y-%m-%dT%H:%M:%S+08:00')
                   AS "info/expires",
               CASE WHEN is_test THEN '【测试】预警信道测试，请忽略'
                    ELSE area || '气象台' || CASE WHEN is_cancel THEN '解除' ELSE '发布' END || signal || colour_zh
                         || '色预警信号' END AS "info/headline",
               area AS "info/area/areaDesc", sender_code AS "info/area/geocode/value",
               sent_at::DATE AS _day, id AS _key,
               is_cancel AND is_lost AS "!cancel_without_issue", utc AND NOT is_test AS "!effective_utc",
               is_test AS "!test_alert"
        FROM told ORDER BY sent_at, sender_code, kind, colour, is_cancel
        """,
        messages=sent.with_columns(
            utc=chance.happens(0.031, "s17.effective", *key), is_z=chance.happens(0.1, "s17.zulu", *key)
        ),
        county=Columns(county_i=np.arange(len(county["code"])), code=county["code"], name_zh=county["name_zh"]),
    )


def _events(world: World, days: Days) -> Mapping[str, pa.Table]:
    at = stations(world)
    signals = world.life.warnings(days)
    return {
        "weather_day": statement(
            """
            SELECT o.hour::DATE AS day, s.code AS station, o.township_i::INTEGER AS township_i,
                   round(sum(o.rain_mm), 1) AS rain_mm, max(o.temperature_c) AS temp_max_c,
                   min(o.temperature_c) AS temp_min_c, max(o.wind_ms) AS wind_max_ms, min(o.visibility_m) AS vis_min_m
            FROM observed AS o JOIN stations AS s ON s.station_i = o.station_i GROUP BY ALL ORDER BY day, station
            """,
            observed=_observed(world, days),
            stations=Columns(station_i=np.arange(at.rows_n), code=at["code"]),
        ),
        "weather_warning": pa.table(
            {
                "warning_no": pa.array(signals["warning_no"]),
                "kind": pa.array(signals["kind"], pa.string()),
                "colour": pa.array(signals["colour"], pa.string()),
                "issued_at": pa.array(signals["issued_at"].astype("datetime64[s]")),
                "cancelled_at": pa.array(signals["cancelled_at"].astype("datetime64[s]")),
            }
        ),
    }


SOURCE = Source(
    "S17",
    "气象局 气象观测与预警",
    (
        Dataset(
            "S17",
            "linlan.weather.observation_hour",
            "逐小时气象观测",
            Api("/api/v1/observations", "page"),
            _observation_rows,
            OBSERVED,
        ),
        Dataset(
            "S17",
            "linlan.weather.warning",
            "气象预警信号",
            Files("warning_{day:%Y%m%d}.xml", writers.cap_xml(), way="folder"),
            _warning_rows,
            WARNED,
        ),
    ),
    _events,
)
