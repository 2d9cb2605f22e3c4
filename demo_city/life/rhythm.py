"""How volumes lie over days and hours: weekdays, holidays, seasons, rush hours, weather.

A rhythm is an array of days × hours; over an average day its hours sum to 1, so the expected number of events of an
hour is the daily mean times the rhythm. The profiles are assumptions of the demo city in the shape such series usually
have.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from demo_city.columns import Columns


@dataclass(frozen=True)
class Profile:
    """The rhythm of one kind of event.

    Attributes:
        hours: weight of each hour on workdays.
        free_hours: on weekends and holidays; as on workdays when left out.
        weekend, holiday: factor of the day's volume.
        months: factor by month, January first.
        rain: how much more for 10 mm of rain in the hour before.
        heat, cold: how much more for each degree of the day's high above 33, of its low below 2.
        wind: how much more for each m/s of the hour's wind above 10.
        fog, ice: how much more in fog, on icy days.
    """

    hours: tuple[float, ...]
    free_hours: tuple[float, ...] = ()
    weekend: float = 1.0
    holiday: float = 1.0
    months: tuple[float, ...] = field(default=(1.0,) * 12)
    rain: float = 0.0
    heat: float = 0.0
    cold: float = 0.0
    wind: float = 0.0
    fog: float = 0.0
    ice: float = 0.0


OFFICE = (1, 1, 1, 1, 1, 2, 4, 8, 16, 18, 16, 12, 9, 11, 15, 15, 14, 12, 9, 8, 8, 6, 4, 2)
ROAD = (3, 2, 2, 1, 1, 3, 7, 18, 17, 11, 9, 9, 9, 9, 9, 10, 13, 19, 15, 10, 8, 7, 5, 4)
LEISURE = (3, 2, 1, 1, 1, 2, 4, 7, 9, 11, 12, 12, 11, 11, 11, 11, 12, 12, 11, 10, 9, 8, 6, 4)
NIGHT = (6, 5, 4, 3, 2, 2, 3, 5, 6, 7, 7, 8, 8, 7, 7, 7, 8, 9, 10, 11, 11, 10, 9, 8)
WORK = (0, 0, 0, 0, 0, 0, 1, 6, 16, 18, 16, 9, 4, 8, 16, 17, 14, 6, 2, 1, 0, 0, 0, 0)
PARCEL = (0, 0, 0, 0, 0, 0, 1, 3, 8, 12, 13, 11, 7, 7, 10, 11, 10, 8, 6, 4, 2, 1, 0, 0)
POWER = (7, 6, 6, 5, 5, 6, 7, 8, 9, 9, 10, 10, 10, 10, 10, 10, 10, 11, 12, 13, 13, 12, 10, 8)

PROFILES: dict[str, Profile] = {
    "appeal": Profile(
        OFFICE, LEISURE, weekend=0.72, holiday=0.48, rain=0.25, heat=0.02, cold=0.03, wind=0.03,
        months=(0.95, 0.85, 1.0, 1.0, 1.02, 1.06, 1.12, 1.1, 1.0, 0.98, 0.97, 0.97),
    ),
    "crash": Profile(
        ROAD, LEISURE, weekend=0.95, holiday=1.1, rain=0.55, fog=0.8, ice=1.2,
        months=(0.95, 0.9, 0.97, 1.0, 1.0, 1.02, 1.03, 1.03, 1.05, 1.05, 1.04, 1.0),
    ),
    "fire": Profile(
        NIGHT, weekend=1.02, holiday=1.15, heat=0.03, cold=0.05,
        months=(1.3, 1.4, 1.15, 1.05, 0.9, 0.8, 0.9, 0.95, 0.85, 0.85, 0.9, 1.1),
    ),
    "ems": Profile(
        (4, 3, 3, 3, 3, 4, 6, 9, 11, 10, 9, 8, 7, 7, 8, 8, 8, 8, 9, 9, 8, 7, 6, 5), weekend=1.0, holiday=1.03,
        rain=0.1, heat=0.06, cold=0.05, ice=0.3,
        months=(1.1, 1.05, 1.0, 0.96, 0.95, 0.97, 1.03, 1.03, 0.97, 0.96, 1.0, 1.06),
    ),
    "police": Profile(
        NIGHT, weekend=1.08, holiday=1.05, rain=-0.1,
        months=(0.9, 0.85, 0.97, 1.0, 1.03, 1.06, 1.1, 1.08, 1.04, 1.02, 1.0, 0.97),
    ),
    "grid": Profile(WORK, weekend=0.45, holiday=0.25, rain=0.1),
    "traffic": Profile(ROAD, LEISURE, weekend=0.9, holiday=1.05, rain=-0.08),
    "parcel": Profile(
        PARCEL, weekend=0.93, holiday=0.6,
        months=(0.95, 0.7, 1.0, 1.0, 1.0, 1.1, 0.97, 0.97, 1.0, 1.05, 1.3, 1.1),
    ),
    "power": Profile(POWER, weekend=1.04, holiday=1.05, heat=0.05, cold=0.04),
}  # fmt: skip


def rhythm_of(kind: str, calendar: Columns, hourly: Columns, daily: Columns) -> Any:
    """The rhythm of `kind`, days × hours, for the days of `calendar`; the weather tables cover the same days."""
    profile = PROFILES[kind]
    work = np.array(profile.hours, dtype=np.float64) / sum(profile.hours)
    free_hours = profile.free_hours or profile.hours
    free = np.array(free_hours, dtype=np.float64) / sum(free_hours)
    is_free = ~calendar["is_workday"]
    shape = np.where(is_free[:, None], free, work)
    volume = np.where(calendar["is_holiday"], profile.holiday, np.where(is_free, profile.weekend, 1.0))
    volume = volume / ((5 + 2 * profile.weekend) / 7)
    month = calendar["day"].astype("datetime64[M]").astype(np.int64) % 12
    volume = volume * np.array(profile.months)[month]
    volume *= 1 + profile.heat * np.maximum(daily["temp_max_c"] - 33, 0)
    volume *= 1 + profile.cold * np.maximum(2 - daily["temp_min_c"], 0)
    volume *= 1 + profile.ice * daily["is_ice"]
    rain = hourly["rain_mm"].reshape(-1, 24)
    before = np.concatenate([[0.0], rain.ravel()[:-1]]).reshape(-1, 24)
    shape = shape * np.maximum(1 + profile.rain * np.minimum((rain + before) / 2, 40) / 10, 0.2)
    shape = shape * (1 + profile.wind * np.maximum(hourly["wind_ms"].reshape(-1, 24) - 10, 0))
    shape = shape * (1 + profile.fog * (hourly["vis_m"].reshape(-1, 24) < 500))
    return shape * volume[:, None]
