"""Four years of hourly weather over a city on the East China coast, and the warnings issued for it.

Daily means follow the season and wander for a week or two; rain comes on days that hang together, falls within a few
hours and brings wind. Scenarios lie over it: a typhoon, rainstorms, heat waves. The climate's numbers are rounded
normals of the lower Yangtze, good enough to drive a city, and claim nothing about a real place. Times are civil times
of the city.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from demo_city.chance import Chance
from demo_city.columns import Columns
from demo_city.days import BEGINS_ON, ENDS_ON

MEAN_C = (3.5, 5.5, 10.0, 15.5, 20.5, 24.5, 28.5, 28.0, 24.0, 18.5, 12.5, 6.0)
WET_SHARE = (0.27, 0.30, 0.37, 0.37, 0.37, 0.47, 0.42, 0.42, 0.32, 0.25, 0.25, 0.23)
RAIN_MM = (5.0, 6.0, 7.0, 8.0, 10.0, 16.0, 15.0, 15.0, 10.0, 7.0, 6.0, 4.0)
"""Of a wet day, by month."""
WANDER_DAYS = 14
RAINSTORM = ((3, 100.0, "红"), (3, 50.0, "橙"), (6, 50.0, "黄"), (12, 50.0, "蓝"))
"""Hours, millimetres, colour (order 16 of the CMA, 2007)."""


def hourly_weather(chance: Chance, storms: Columns) -> Columns:
    """Every hour from the city's first to its last day.

    Args:
        chance: of the seed.
        storms: scenarios ``kind from_on to_on strength`` that lie over the climate.

    Returns:
        ``hour`` (datetime64[h]), ``temp_c``, ``rh_pct``, ``rain_mm``, ``wind_ms`` (mean of the hour), ``gust_ms``,
        ``vis_m``, ``pressure_hpa``.
    """
    day = np.arange(np.datetime64(BEGINS_ON, "D"), np.datetime64(ENDS_ON, "D") + 1)
    month = day.astype("datetime64[M]").astype(np.int64) % 12
    of_year = (day - day.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)
    # Between the middles of the months the normals run smoothly.
    middles = np.arange(-1, 13) * 30.4 + 15
    mean = np.interp(of_year, middles, (MEAN_C[-1], *MEAN_C, MEAN_C[0])) + 2.8 * _wander(chance, "weather.temp", day)
    from scipy.special import ndtri

    is_wet = _wander(chance, "weather.wet", day, 3) < ndtri(np.array(WET_SHARE)[month])
    amount = np.where(is_wet, -np.log(1 - chance.uniform("weather.rain", day)) * np.array(RAIN_MM)[month], 0.0)
    wind = chance.lognormal(3.2, 0.35, "weather.wind", day) * np.where(is_wet, 1.25, 1.0)
    over = _over(day, storms)
    mean = mean + over["warmth_c"]
    is_dry = over["is_dry"]
    amount = np.where(is_dry, 0.0, amount)
    is_wet &= ~is_dry

    hour = np.arange(24)
    swing = np.where(is_wet, 2.2, 4.6) * (0.8 + 0.4 * chance.uniform("weather.swing", day))
    temp = mean[:, None] + swing[:, None] * np.cos((hour - 14.5) / 24 * 2 * np.pi) - 0.6 * is_wet[:, None]
    begins = chance.uniform("weather.begins", day)[:, None] * 24
    spread = 1.5 + 4.5 * chance.uniform("weather.spread", day)[:, None]
    shape = np.exp(-(((hour - begins + 12) % 24 - 12) ** 2) / (2 * spread**2))
    rain = amount[:, None] * shape / shape.sum(axis=1, keepdims=True) + over["rain_mm"]
    rain = np.where(rain < 0.05, 0.0, rain)
    wind_h = wind[:, None] * (0.75 + 0.4 * np.exp(-((hour - 14) ** 2) / 40)) + over["wind_ms"]
    humid = np.clip(88 - 2.1 * (temp - mean[:, None]) - 12 * (~is_wet[:, None]) + 6 * (rain > 0.5), 25, 100)
    is_fog = (
        (~is_wet)
        & np.isin(month, [10, 11, 0, 1, 2, 3])
        & chance.happens(0.08, "weather.fog", day)
    )  # fmt: skip
    fog = is_fog[:, None] & (hour >= 3) & (hour <= 9)
    vis = np.where(fog, 60 + 500 * chance.uniform("weather.vis", day)[:, None], 14000 - 350 * np.minimum(rain, 30) ** 1)
    pressure = 1016 - 9 * np.cos((of_year - 15) / 365 * 2 * np.pi + np.pi)[:, None] - over["wind_ms"] * 0.8 + 0 * hour
    return Columns(
        hour=(day.astype("datetime64[h]")[:, None] + hour).ravel(),
        temp_c=np.round(temp, 1).ravel(),
        rh_pct=np.round(np.where(fog, 99, humid)).ravel(),
        rain_mm=np.round(rain, 1).ravel(),
        wind_ms=np.round(wind_h, 1).ravel(),
        gust_ms=np.round(wind_h * 1.6, 1).ravel(),
        vis_m=np.round(np.maximum(vis, 30)).ravel(),
        pressure_hpa=np.round(pressure, 1).ravel(),
    )


def daily_weather(hourly: Columns) -> Columns:
    """``day rain_mm temp_max_c temp_min_c temp_mean_c wind_max_ms gust_max_ms rain_max_3h_mm is_fog is_ice``."""
    by_day = {name: values.reshape(-1, 24) for name, values in hourly.items()}
    low = by_day["temp_c"].min(axis=1)
    rain = by_day["rain_mm"].sum(axis=1)
    return Columns(
        day=by_day["hour"][:, 0].astype("datetime64[D]"),
        rain_mm=np.round(rain, 1),
        temp_max_c=by_day["temp_c"].max(axis=1),
        temp_min_c=low,
        temp_mean_c=np.round(by_day["temp_c"].mean(axis=1), 2),
        wind_max_ms=by_day["wind_ms"].max(axis=1),
        gust_max_ms=by_day["gust_ms"].max(axis=1),
        rain_max_3h_mm=_within(hourly["rain_mm"], 3).reshape(-1, 24).max(axis=1),
        is_fog=(by_day["vis_m"] < 500).any(axis=1),
        is_ice=(low <= 0.5) & (np.concatenate([[0.0], rain[:-1]]) + rain > 0.5),
    )


def warnings_of(hourly: Columns, storms: Columns) -> Columns:
    """The signals the weather bureau issued: ``warning_no kind colour issued_at cancelled_at county_i`` (-1: the city).

    Rainstorm by amounts within hours, heat by days, wind and typhoon by force, fog, road icing. A signal is issued some
    hours before its condition holds and cancelled when it has ended.
    """
    parts = [
        *(
            _signals("暴雨", colour, hourly, _within(hourly["rain_mm"], hours) >= limit, 1, 3)
            for hours, limit, colour in RAINSTORM
        ),
        *_of_heat(hourly),
        _signals("大雾", "黄", hourly, hourly["vis_m"] < 500, 2, 2),
        _signals("大雾", "橙", hourly, hourly["vis_m"] < 200, 2, 2),
        _signals("大风", "蓝", hourly, (hourly["wind_ms"] >= 10.8), 3, 6),
        _signals("大风", "黄", hourly, (hourly["wind_ms"] >= 17.2), 3, 6),
        *_of_typhoons(storms),
        _signals("道路结冰", "黄", hourly, _icy(hourly), 6, 4),
    ]
    made = Columns.together(part for part in parts if part.rows_n)
    made = made.where(np.lexsort((made["kind"].astype(str), made["issued_at"])))
    return made.with_columns(warning_no=np.arange(made.rows_n) + 1, county_i=np.full(made.rows_n, -1))


def _wander(chance: Chance, stream: str, day: Any, memory: int = WANDER_DAYS) -> Any:
    """Standard normal numbers that resemble those of the days before: a weighted mean of so many days' numbers."""
    weights = np.exp(-np.arange(memory) / (memory / 3.5))
    weights /= np.sqrt((weights**2).sum())
    early = np.arange(day[0] - memory + 1, day[-1] + 1)
    return np.convolve(chance.normal(stream, early), weights, mode="valid")


def _over(day: Any, storms: Columns) -> Columns:
    """What the scenarios add: warmth by day; rain and wind by day and hour."""
    warmth, is_dry = np.zeros(len(day)), np.zeros(len(day), bool)
    rain, wind = np.zeros((len(day), 24)), np.zeros((len(day), 24))
    hours = np.arange(len(day) * 24)
    for kind, first, last, strength in zip(
        storms["kind"], storms["from_on"], storms["to_on"], storms["strength"], strict=True
    ):
        within = (day >= first) & (day <= last)
        middle = ((first - day[0]).astype(int) + (last - day[0]).astype(int) + 1) * 12
        if kind == "heat_wave":
            summer = 4.5 * strength
            warmth += np.where(within, summer, 0.0)
            is_dry |= within
        elif kind == "typhoon":
            near = np.exp(-((hours - middle) ** 2) / (2 * 9.0**2)).reshape(-1, 24)
            rain += 13.0 * strength * near
            wind += 24.0 * strength * near
        elif kind == "rainstorm":
            rain += 34.0 * strength * np.exp(-((hours - middle + 4) ** 2) / (2 * 1.3**2)).reshape(-1, 24)
    return Columns(warmth_c=warmth, is_dry=is_dry, rain_mm=rain, wind_ms=wind)


def _within(rain: Any, hours: int) -> Any:
    """Sum of each hour and the hours before it."""
    total = np.cumsum(np.concatenate([np.zeros(hours), rain]))
    return total[hours:] - total[:-hours]


def _signals(kind: str, colour: str, hourly: Columns, holds: Any, ahead_h: int, after_h: int) -> Columns:
    """One signal for each stretch of hours in which a condition holds."""
    # Stretches a few hours apart are one.
    padded = np.convolve(holds.astype(float), np.ones(7), mode="same") > 0
    edge = np.diff(np.concatenate([[0], padded.astype(np.int8), [0]]))
    first, last = np.flatnonzero(edge == 1), np.flatnonzero(edge == -1) - 1
    start = hourly["hour"][0]
    return Columns(
        kind=np.full(len(first), kind, dtype=object),
        colour=np.full(len(first), colour, dtype=object),
        issued_at=(start + (first + 3 - ahead_h)).astype("datetime64[m]"),
        cancelled_at=(start + (last - 3 + after_h)).astype("datetime64[m]"),
    )


def _of_heat(hourly: Columns) -> list[Columns]:
    high = hourly["temp_c"].reshape(-1, 24).max(axis=1)
    three = high >= 35
    three = three & np.concatenate([[False], three[:-1]]) & np.concatenate([[False, False], three[:-2]])
    return [
        _signals("高温", colour, hourly, np.repeat(holds, 24), 16, 1)
        for colour, holds in (("黄", three), ("橙", high >= 37), ("红", high >= 40))
    ]


def _of_typhoons(storms: Columns) -> list[Columns]:
    own = storms.where(storms["kind"] == "typhoon")
    middle = own["from_on"].astype("datetime64[m]") + (own["to_on"] - own["from_on"] + 1).astype("timedelta64[m]") // 2
    after = middle + np.timedelta64(14 * 60, "m")
    ladder = (("蓝", 30 * 60), ("黄", 20 * 60), ("橙", 11 * 60))
    return [
        Columns(
            kind=np.full(own.rows_n, "台风", dtype=object),
            colour=np.full(own.rows_n, colour, dtype=object),
            issued_at=middle - np.timedelta64(ahead, "m"),
            cancelled_at=after,
        )
        for colour, ahead in ladder
    ]


def _icy(hourly: Columns) -> Any:
    rain = _within(hourly["rain_mm"], 24)
    return (hourly["temp_c"] <= 0.5) & (rain > 0.5)
