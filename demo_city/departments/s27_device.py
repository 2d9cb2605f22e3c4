"""S27: the register of cameras and sensors with each device's state, and what the cameras' algorithms saw.

Scrapped devices stay on the list as in use, clocks run ahead or began anew in 1970, coordinates are swapped or zero.
Truth: ``device_day`` (day, township_i, kind, devices_n, online_n: without scrapped and test devices) and ``ai_event``
(event_no, at, kind, is_real, township_i, grid_i).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.chance import repeated
from demo_city.city.people import person_name, phone, plate
from demo_city.columns import Columns
from demo_city.departments.panels import (
    Panel,
    area_codes,
    arrow,
    events_table,
    exclusive,
    moments,
    old_code_pattern,
    outages,
    put,
    rounded,
    rows_of,
    scattered,
    stamped,
    taken,
    twice_pattern,
)
from demo_city.departments.protocol import Api, Dataset, Pattern, Rows, Source
from demo_city.text import zfill

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

KINDS = (
    # kind, devices of the whole city, departments that own them, proneness to outages in a fortnight
    ("视频-治安", 92_000, ("公安局", "市公安局", "公安"), 0.03),
    ("视频-交通", 24_000, ("公安局交警支队", "交警支队"), 0.03),
    ("视频-社会单位", 98_000, ("政法委", "综治中心"), 0.08),
    ("视频-工地", 9_000, ("住房和城乡建设局", "住建局"), 0.10),
    ("视频-水域", 9_000, ("水利局", "农业农村局"), 0.06),
    ("视频-城管", 8_000, ("城市管理局", "市城管局"), 0.05),
    ("烟感", 9_500, ("消防救援支队", "消防"), 0.05),
    ("液位", 3_000, ("水务集团", "住建局"), 0.07),
    ("燃气探测", 5_000, ("住建局", "燃气办"), 0.05),
    ("井盖", 4_500, ("城市管理局", "城管局"), 0.09),
    ("扬尘", 2_400, ("住房和城乡建设局", "生态环境局"), 0.12),
    ("消防水压", 3_600, ("消防救援支队", "消防"), 0.08),
    ("梯控", 2_000, ("住房和城乡建设局", "住建局"), 0.06),
)
"""Together 240,000 cameras and 30,000 sensors at scale 1."""
VENDORS = ("海澜视讯", "临科物联", "东川智能", "启航电子", "云桥科技")
TEST = "测试"
TRAITS = {"scrapped": 0.012, "clock_ahead": 0.006, "clock_1970": 0.002, "off_map": 0.004, "test_device": 0.001}
OLD_RATE, TWICE_RATE = 0.02, 0.0005
GRIDS_N = 8470
AI_KINDS = (
    # kind, weight, kind of camera, share confirmed when somebody looks
    ("占道经营", 26, "视频-城管", 0.86),
    ("垃圾暴露", 20, "视频-城管", 0.88),
    ("机动车违停", 22, "视频-交通", 0.92),
    ("未戴头盔", 14, "视频-交通", 0.93),
    ("渣土未覆盖", 4, "视频-交通", 0.8),
    ("人员聚集", 5, "视频-治安", 0.4),
    ("烟火", 3, "视频-治安", 0.25),
    ("未戴安全帽", 6, "视频-工地", 0.85),
    ("河道漂浮物", 4, "视频-水域", 0.8),
    ("非法捕捞", 2, "视频-水域", 0.6),
    ("非法采砂", 0.6, "视频-水域", 0.5),
)
AI_PER_DAY = 8000.0


def _devices(world: World) -> Columns:
    """Every device on the list, in the order of its grid: arrays, and Arrow arrays for what is delivered as it is."""
    return world.once("s27.devices", lambda: _made(world))


def _made(world: World) -> Columns:
    chance, grid = world.chance, world.city.grid
    mean = np.array([number for _, number, _, _ in KINDS]) / GRIDS_N
    weight = 0.4 + 0.6 * np.asarray(grid["population"], dtype=np.float64) / 909.0
    kind_no = np.arange(len(KINDS))
    counts = chance.poisson(mean[None, :] * weight[:, None], "s27.devices", grid["key"][:, None], kind_no[None, :])
    position, running = repeated(counts)
    grid_i, kind = position // len(KINDS), position % len(KINDS)
    number = grid["key"][grid_i] * 100_000 + kind * 5_000 + running
    trait = exclusive(chance, "s27.trait", number, TRAITS)
    township_i = np.asarray(grid["township_i"])[grid_i]
    code, is_old = area_codes(world, township_i, number, "s27", OLD_RATE)
    lng, lat = scattered(chance, grid, grid_i, number, "s27")
    swapped = trait["off_map"] & chance.happens(0.5, "s27.swapped", number)
    zero = trait["off_map"] & ~swapped
    lng, lat = np.where(swapped, lat, np.where(zero, 0.0, lng)), np.where(swapped, lng, np.where(zero, 0.0, lat))
    installed = np.datetime64("2016-01-01") + chance.integers(0, 2900, "s27.installed", number)
    scrapped = np.datetime64("2022-01-01") + chance.integers(0, 700, "s27.scrapped", number)
    scrapped = np.where(trait["scrapped"], np.maximum(scrapped, installed + 100), np.datetime64("NaT", "D"))
    owners = np.array([name for _, _, names, _ in KINDS for name in names[:2]], dtype=object)
    prefix = np.where(kind < 6, "SP", "WL").astype(object)
    text = prefix + np.asarray(grid["grid_id"])[grid_i].astype("U15").astype(object) + np.char.add(
        zfill(kind.astype("U2"), 2), zfill(running.astype("U4"), 4)
    ).astype(object)  # fmt: skip
    # A firm's technicians look after thousands of devices.
    keeper = number % 911
    remark = np.where(
        chance.happens(0.05, "s27.remark", number),
        "联系" + person_name(chance, "s27.remark.name", keeper) + "，电话" + phone(chance, "s27.remark.tel", keeper),
        None,
    )
    return Columns(
        number=number,
        grid_i=grid_i,
        township_i=township_i,
        kind=kind,
        trouble=np.array([trouble for *_, trouble in KINDS])[kind]
        * chance.lognormal(0.7, 0.8, "s27.trouble", number).clip(0, 6),
        scrapped_on=scrapped,
        is_old=is_old,
        **{f"is_{name}": which for name, which in trait.items()},
        lng_true=lng,
        lat_true=lat,
        text=arrow(text),
        kind_zh=arrow(np.where(trait["test_device"], TEST, np.array([k for k, *_ in KINDS], dtype=object)[kind])),
        owner=arrow(owners[kind * 2 + chance.integers(0, 2, "s27.owner", number)]),
        vendor=arrow(np.array(VENDORS, dtype=object)[chance.integers(0, len(VENDORS), "s27.vendor", number)]),
        code=arrow(code),
        grid_id=arrow(np.asarray(grid["grid_id"])[grid_i]),
        lng=arrow(lng),
        lat=arrow(lat),
        installed=arrow(installed),
        scrapped=arrow(scrapped),
        keeper=arrow(person_name(chance, "s27.keeper", keeper)),
        tel=arrow(phone(chance, "s27.keeper.tel", keeper)),
        remark=arrow(remark),
    )


def _offline(world: World, devices: Columns, days: Any) -> Any:
    """Days × devices: first day of the outage each device is in, NaT when it answers. Storms cut the power of more."""
    since = outages(world.chance, "s27.outage", devices["number"], days, devices["trouble"], 3.0)
    scrapped = devices["scrapped_on"]
    return np.where(~np.isnat(scrapped)[None, :], scrapped[None, :], since)


def _storm(world: World, days: Days) -> Any:
    """By day: the chance that wind or water takes a device off the net for the day."""
    weather = world.life.weather_daily(days)
    return np.clip((weather["gust_max_ms"] - 16) / 90, 0, 0.2) + np.clip((weather["rain_mm"] - 60) / 900, 0, 0.1)


def status_rows(world: World, days: Days) -> Rows:
    """The list of devices of each day."""
    devices = _devices(world)
    panel = Panel(devices["number"], days.array, world.chance, "s27.status", twice=TWICE_RATE)
    who, at, day = panel.who, panel.at, panel.day
    since = _offline(world, devices, days.array)[at, who]
    storm = panel.happens(_storm(world, days)[at], "storm")
    online = np.isnat(since) & ~storm
    second = 23 * 3600 + 55 * 60
    reported = moments(day, np.full(panel.rows_n, second))
    noise = panel.uniform("seen")
    seen = reported - (5 + 900 * noise).astype("timedelta64[s]")
    seen = np.where(storm, moments(day, 3600 * 16 + 14_000 * noise), seen)
    seen = np.where(np.isnat(since), seen, moments(since, 80_000 * noise))
    of_month = (day - day.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64)
    ahead = online & devices["is_clock_ahead"][who]
    seen = np.where(ahead, reported + ((20 + 3 * of_month) * 60).astype("timedelta64[s]"), seen)
    reset = online & devices["is_clock_1970"][who]
    seen = np.where(reset, np.datetime64("1970-01-01T08:00:00") + (noise * 5000).astype("timedelta64[s]"), seen)
    hours = np.where(online, np.where(noise < 0.93, 24.0, rounded(12 + 12 * noise, 1)), np.where(storm, 16.0, 0.0))
    repaired = ~online & ~devices["is_scrapped"][who] & (day - np.where(np.isnat(since), day, since) > 5)
    own = taken(
        devices,
        who,
        {
            "deviceId": "text",
            "deviceType": "kind_zh",
            "ownerDept": "owner",
            "vendor": "vendor",
            "townshipCode": "code",
            "gridId": "grid_id",
            "lng": "lng",
            "lat": "lat",
            "installDate": "installed",
            "scrapDate": "scrapped",
            "keeperName": "keeper",
            "keeperTel": "tel",
            "remark": "remark",
        },
    )
    columns = {
        "deviceId": own["deviceId"],
        "statusDate": day,
        **{name: own[name] for name in ("deviceType", "ownerDept", "vendor", "townshipCode", "gridId", "lng", "lat")},
        "online": online,
        "onlineHours": hours,
        "lastSeen": seen,
        "reportTime": reported,
        "state": put(pa.repeat(pa.scalar("在用"), panel.rows_n), repaired, "维修"),
        **{name: own[name] for name in ("installDate", "scrapDate", "keeperName", "keeperTel", "remark")},
    }
    flags = {
        "decommissioned_counted": devices["is_scrapped"][who],
        "clock_ahead": ahead,
        "clock_1970": reset,
        "off_map": devices["is_off_map"][who],
        "test_device": devices["is_test_device"][who],
        "old_area_code": devices["is_old"][who],
    }
    return panel.rows(columns, flags, ("deviceId", "statusDate"))


def _ai_events(world: World, days: Days) -> Columns:
    """What the algorithms reported, by time within each day."""
    chance, grid, devices = world.chance, world.city.grid, _devices(world)
    people = np.asarray(grid["population"], dtype=np.float64)
    factor = world.life.rhythm("grid", days).sum(axis=1)
    mean = AI_PER_DAY / GRIDS_N * (0.4 + 0.6 * people / 909.0)
    day = days.array
    counts = chance.poisson(factor[:, None] * mean[None, :], "s27.ai", day[:, None], grid["key"][None, :])
    position, running = repeated(counts)
    grid_i, on = position % grid.rows_n, day[position // grid.rows_n]
    keys = (grid["key"][grid_i], on, running)
    kind = chance.choose([weight for _, weight, _, _ in AI_KINDS], "s27.ai.kind", *keys)
    # A camera of the kind that sees such things, of its own grid; where there is none, any camera of the grid.
    camera = np.array([[k for k, *_ in KINDS].index(kind_zh) for _, _, kind_zh, _ in AI_KINDS])[kind]
    slot = devices["grid_i"] * len(KINDS) + devices["kind"]
    first, last = (np.searchsorted(slot, grid_i * len(KINDS) + camera, side) for side in ("left", "right"))
    own_first, own_last = (np.searchsorted(devices["grid_i"], grid_i, side) for side in ("left", "right"))
    none = first == last
    first, last = np.where(none, own_first, first), np.where(none, own_last, last)
    uniform = chance.uniform("s27.ai.device", *keys)
    device = first + np.floor(uniform * np.maximum(last - first, 1)).astype(np.int64)
    device = np.where(last > first, device, -1)
    second = world.life.hours("grid", on, "s27.ai.at", grid["key"][grid_i], running)
    made = Columns(
        number=keys[0] * 1000 + running, grid_i=grid_i, on=on, running=running, kind=kind, device=device, second=second
    )
    made = made.where(device >= 0)
    return made.where(np.lexsort((made["running"], made["grid_i"], made["second"], made["on"])))


def ai_rows(world: World, days: Days) -> Rows:
    """Events of each day, by time."""
    chance, devices, made = world.chance, _devices(world), _ai_events(world, days)
    keys = (made["number"], made["on"])
    twice = chance.happens(0.003, "s27.ai.twice", *keys)
    at = np.repeat(np.arange(made.rows_n), 1 + twice)
    again = np.concatenate([np.zeros(min(len(at), 1), bool), at[1:] == at[:-1]])
    made, keys = made.where(at), tuple(key[at] for key in keys)
    who, kind = made["device"], made["kind"]
    is_test = chance.happens(0.003, "s27.ai.test", *keys)
    sure = rounded(55 + 44 * chance.uniform("s27.ai.sure", *keys) ** 0.6, 1)
    fraction = chance.happens(0.01, "s27.ai.fraction", *keys)
    looked = chance.happens(0.35, "s27.ai.looked", *keys)
    right = chance.happens(np.array([share for *_, share in AI_KINDS])[kind], "s27.ai.right", *keys)
    plates = plate(chance, "s27.ai.plate", *keys)
    has_plate = np.isin(kind, [2, 3, 4])
    on = stamped(made["on"], "%Y%m%d")
    number = "AI" + on + taken({"id": devices["grid_id"]}, who, ("id",))["id"].to_numpy(zero_copy_only=False)
    number = number + zfill(made["running"].astype("U3"), 3).astype(object)
    own = taken(
        devices,
        who,
        {"deviceId": "text", "townshipCode": "code", "gridId": "grid_id", "lng": "lng", "lat": "lat"},
    )
    columns = {
        "eventId": number,
        "eventTime": moments(made["on"], made["second"]),
        "deviceId": own["deviceId"],
        "eventType": np.where(is_test, TEST, np.array([k for k, *_ in AI_KINDS], dtype=object)[kind]),
        "confidence": np.where(fraction, rounded(sure / 100, 3), sure),
        "confirmed": np.ma.MaskedArray(right, ~looked),
        "townshipCode": own["townshipCode"],
        "gridId": own["gridId"],
        "lng": own["lng"],
        "lat": own["lat"],
        "plateNo": np.where(has_plate, plates, None),
        "pictureUrl": "http://video.linlan.example/p/" + number + ".jpg",
    }
    flags = {
        "test_event": is_test,
        "confidence_fraction": fraction,
        "off_map": devices["is_off_map"][who],
        "old_area_code": devices["is_old"][who],
    }
    return rows_of(columns, flags, ("eventId",), made["on"], again)


def events(world: World, days: Days) -> Mapping[str, pa.Table]:
    """See the module."""
    devices, day = _devices(world), days.array
    real = ~devices["is_test_device"] & ~devices["is_scrapped"]
    # The same draw as in the rows; a device written twice is still one.
    panel = Panel(
        devices["number"], day, world.chance, "s27.status", there=np.broadcast_to(real, (len(day), len(real))).T
    )
    since = _offline(world, devices, day)[panel.at, panel.who]
    online = np.isnat(since) & ~panel.happens(_storm(world, days)[panel.at], "storm")
    townships_n, kinds_n = world.city.township.rows_n, len(KINDS)
    of = devices["township_i"] * kinds_n + devices["kind"]
    slot = panel.at * (townships_n * kinds_n) + of[panel.who]
    total = np.bincount(slot, minlength=len(day) * townships_n * kinds_n)
    there = np.bincount(slot[online], minlength=len(total))
    found = np.flatnonzero(total)
    kinds = np.array([kind for kind, *_ in KINDS], dtype=object)
    made = _ai_events(world, days)
    keys = (made["number"], made["on"])
    is_test = world.chance.happens(0.003, "s27.ai.test", *keys)
    right = world.chance.happens(np.array([share for *_, share in AI_KINDS])[made["kind"]], "s27.ai.right", *keys)
    return {
        "device_day": events_table(
            {
                "day": day[found // (townships_n * kinds_n)],
                "township_i": found // kinds_n % townships_n,
                "kind": kinds[found % kinds_n],
                "devices_n": total[found],
                "online_n": there[found],
            }
        ),
        "ai_event": events_table(
            {
                "at": moments(made["on"], made["second"]),
                "kind": np.array([kind for kind, *_ in AI_KINDS], dtype=object)[made["kind"]],
                "is_real": right & ~is_test,
                "township_i": devices["township_i"][made["device"]],
                "grid_i": made["grid_i"],
            }
        ),
    }


_OFF_MAP = Pattern(
    "off_map",
    "Longitude and latitude are swapped or zero.",
    TRAITS["off_map"],
    "warning",
    "longitude_in_city",
    "lng",
)
SOURCE = Source(
    "S27",
    "数据局 视频与物联设备",
    (
        Dataset(
            "S27",
            "linlan.device.status_day",
            "视频与物联设备日状态",
            Api("/api/v1/devices/status", "page"),
            status_rows,
            (
                Pattern(
                    "decommissioned_counted",
                    "A device that was written off is still on the list as in use.",
                    TRAITS["scrapped"],
                    "warning",
                    "not_after_scrapping",
                    "scrapped_on",
                ),
                Pattern(
                    "clock_ahead",
                    "The device's clock runs ahead of the platform's, further every day.",
                    TRAITS["clock_ahead"] * 0.93,
                    "warning",
                    "seen_before_the_report",
                    "last_seen_at",
                ),
                Pattern(
                    "clock_1970",
                    "The device's clock began anew in 1970.",
                    TRAITS["clock_1970"] * 0.93,
                    "warning",
                    "seen_in_our_time",
                    "last_seen_at",
                ),
                _OFF_MAP,
                Pattern(
                    "test_device",
                    "A test device that stands nowhere.",
                    TRAITS["test_device"],
                    "quarantine",
                    "not_a_test_device",
                    "kind",
                ),
                old_code_pattern(OLD_RATE),
                twice_pattern(TWICE_RATE),
            ),
        ),
        Dataset(
            "S27",
            "linlan.device.ai_event",
            "视频智能识别事件",
            Api("/api/v1/ai-events", "page"),
            ai_rows,
            (
                Pattern("test_event", "A test of the platform.", 0.003, "quarantine", "not_a_test_event", "kind"),
                Pattern(
                    "confidence_fraction",
                    "The confidence is a fraction where percent are meant.",
                    0.01,
                    "warning",
                    "confidence_in_percent",
                    "confidence_pct",
                ),
                _OFF_MAP,
                old_code_pattern(OLD_RATE),
                twice_pattern(0.003),
            ),
        ),
    ),
    events,
)
