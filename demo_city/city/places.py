"""Schools, hospitals, care homes, building sites and all that has a place of its own; enterprises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from demo_city.chance import Integers, repeated
from demo_city.city import codes, names
from demo_city.city.buildings import spread
from demo_city.city.divisions import TOWNSHIP_KEY
from demo_city.columns import Columns
from demo_city.text import zfill

if TYPE_CHECKING:
    from demo_city.city.registers import City

NONE = np.datetime64("NaT", "D")
VENUES = (
    ("临澜体育会展中心", "体育场馆", 32_000), ("浣滨风景区", "景区", 45_000), ("观潮广场", "广场", 26_000),
    ("临澜大剧院", "剧院", 1_600), ("澜中步行街", "商圈", 38_000), ("狼嘴山风景区", "景区", 24_000),
    ("临澜站", "枢纽", 30_000), ("临澜西站", "枢纽", 22_000), ("临澜国际机场", "枢纽", 18_000),
    ("望洲汇城广场", "商圈", 26_000), ("望洲家纺城", "市场", 16_000), ("望洲文化中心", "场馆", 3_000),
    ("海湾汽车站", "枢纽", 8_000), ("海湾渔人码头", "景区", 15_000), ("层石湖公园", "公园", 12_000),
    ("启澜白沙滩", "景区", 20_000), ("灯嘴角风景区", "景区", 14_000), ("启澜广场", "商圈", 12_000),
    ("如川花溪公园", "景区", 12_000), ("如川花木大世界", "市场", 9_000), ("如川体育中心", "体育场馆", 15_000),
    ("安澜月牙湖", "景区", 10_000), ("安澜悦汇广场", "商圈", 14_000), ("安澜体育馆", "体育场馆", 6_000),
    ("洋坝港旅游度假区", "景区", 16_000), ("如海温泉小镇", "景区", 8_000), ("如海文体中心", "场馆", 5_000),
    ("锦达商务区", "商圈", 18_000), ("映湖街区", "商圈", 20_000), ("开发区体育公园", "公园", 9_000),
)  # fmt: skip
"""The city's 30 crowded places, in the counties' order, how many people they hold."""
_VENUE_COUNTY = (0,) * 9 + (1,) * 3 + (2,) * 3 + (3,) * 3 + (4,) * 3 + (5,) * 3 + (6,) * 3 + (7,) * 3
_LEVELS = ("幼儿园", "小学", "初级中学", "高级中学", "职业学校")
_PUPILS = np.array([220, 950, 1100, 1900, 2400])


def schools_of(city: City) -> Columns:
    """About one for 4,800 people; a kindergarten and a primary school in every township."""
    made = _in_grids(city, "school", 1 / 4_800, 2)
    key = made["key"]
    level = city.chance.choose([48, 30, 14, 5, 3], "school.level", key)
    number = key % TOWNSHIP_KEY
    level = np.where(number < 2, number, level)
    base = city.township["name_zh"][made["township_i"]].astype("U16")
    base = np.char.rstrip(np.char.rstrip(np.char.rstrip(base, "道"), "街"), "镇").astype(object)
    own = np.where(number < 2, "中心", "第" + (number // 2 + 1).astype("U3").astype(object)).astype(object)
    pupils = np.rint(_PUPILS[level] * np.exp(0.4 * city.chance.normal("school.pupils", key))).astype(np.int64)
    return Columns(
        school_no=_numbers("X", city, made),
        name_zh=base + own + names.word(_LEVELS, level),
        level=names.word(_LEVELS, level),
        pupils_n=pupils,
        classes_n=np.maximum(pupils // 42, 3),
        **made,
    )


def hospitals_of(city: City) -> Columns:
    """About one for 25,000 people, one in every township at least."""
    made = _in_grids(city, "hospital", 1 / 25_000, 1)
    key, number = made["key"], made["key"] % TOWNSHIP_KEY
    urban = city.township["is_urban"][made["township_i"]]
    level = city.chance.choose([0.16, 0.34, 0.5], "hospital.level", key)
    level = np.where((number == 0) | ~urban & (level == 0), 2, level)
    kind = names.word(("人民医院", "医院", "卫生院"), level)
    kind = np.where((level == 2) & urban, "社区卫生服务中心", kind).astype(object)
    base = names.word(names.VILLAGES, key // TOWNSHIP_KEY * 11 + number * 7)
    base = np.where(number == 0, city.township["name_zh"][made["township_i"]], base).astype(object)
    beds = np.rint(np.array([900, 220, 40])[level] * np.exp(0.3 * city.chance.normal("hospital.beds", key)))
    return Columns(
        hospital_no=_numbers("H", city, made),
        name_zh=base + kind,
        level=names.word(("三级", "二级", "一级"), level),
        beds_n=beds.astype(np.int64),
        **made,
    )


def care_homes_of(city: City) -> Columns:
    """Homes for the aged: about one for 24,000 people."""
    made = _in_grids(city, "care_home", 1 / 24_000, 1)
    key = made["key"]
    word = names.word(("颐养", "夕阳红", "康乐", "福寿", "安泰", "松鹤", "敬老"), key // TOWNSHIP_KEY + key)
    base = names.word(names.VILLAGES, key // TOWNSHIP_KEY * 17 + key * 7)
    return Columns(
        care_home_no=_numbers("Y", city, made),
        name_zh=base + word + "养老院",
        beds_n=np.rint(90 * np.exp(0.5 * city.chance.normal("care_home.beds", key))).astype(np.int64),
        **made,
    )


def sites_of(city: City) -> Columns:
    """Building sites of 2024 to 2027, some 2,400 open on a day at scale 1."""
    weight = np.where(city.township["is_urban"][city.active], 2.2, 1.0)
    weight = np.where(city.township["is_industrial"][city.active], 4.0, weight)
    made = _in_grids(city, "site", weight / 1_900, 2)
    key, chance = made["key"], city.chance
    from_on = np.datetime64("2023-03-01") + chance.integers(0, 1_500, "site.from", key)
    days = np.clip(chance.lognormal(460, 0.5, "site.days", key), 60, 1_400).astype(np.int64)
    is_large = chance.happens(0.3, "site.large", key)
    what = names.word(
        ("住宅项目", "厂房项目", "安置房项目", "道路改造工程", "商业综合体", "学校扩建工程", "管网改造工程", "研发楼"),
        key * 5,
    )
    return Columns(
        site_no=_numbers("G", city, made),
        name_zh=names.word(names.FIRMS, chance.integers(0, len(names.FIRMS), "site.firm", key)) + what,
        from_on=from_on,
        to_on=from_on + days,
        is_large=is_large,
        has_dust_device=chance.happens(np.where(is_large, 0.95, 0.25), "site.device", key),
        area_m2=np.rint(chance.lognormal(np.where(is_large, 52_000, 6_500), 0.6, "site.area", key)).astype(np.int64),
        builder_zh=names.word(names.FIRMS, chance.integers(0, len(names.FIRMS), "site.builder", key))
        + "建设集团有限公司",
        **made,
    )


def flood_points_of(city: City) -> Columns:
    """Places that go under water in heavy rain: low streets of old towns, and the coast."""
    townships = city.township
    rate = np.select(
        [townships["is_coastal"][city.active], townships["is_urban"][city.active]], [1 / 13_000, 1 / 21_000], 1 / 60_000
    )
    least = np.where(townships["is_coastal"][city.active], 4, np.where(townships["is_urban"][city.active], 3, 1))
    made = _in_grids(city, "flood_point", rate, least)
    key = made["key"]
    spot = names.word(("下穿立交", "路口低洼处", "老街段", "桥洞", "小区东门", "河滨段"), key * 5)
    return Columns(
        flood_point_no=_numbers("F", city, made),
        name_zh=city.road["name_zh"][city.road_of_grid[made["grid_i"]]] + spot,
        depth_trait=(0.2 + 0.8 * city.chance.uniform("flood_point.depth", key)).round(3),
        **made,
    )


def bridges_of(city: City) -> Columns:
    """Bridges and culverts: about one road in four has one; grade 1 (good) to 5 (closed)."""
    chance, roads = city.chance, city.road
    road_i = np.flatnonzero(chance.happens(np.where(roads["kind"] == "主干路", 0.8, 0.25), "bridge.is", roads["key"]))
    key = roads["key"][road_i]
    return Columns(
        bridge_no=("B" + roads["code"][road_i]).astype(object),
        name_zh=roads["name_zh"][road_i] + "桥",
        road_i=road_i,
        township_i=roads["township_i"][road_i],
        key=key,
        grade=1 + chance.choose([36, 44, 16, 3.4, 0.6], "bridge.grade", key),
        built_year=1975 + chance.integers(0, 48, "bridge.built", key),
        length_m=np.rint(chance.lognormal(38, 0.8, "bridge.length", key)).astype(np.int64),
        lng=roads["lng"][road_i],
        lat=roads["lat"][road_i],
    )


def venues_of(city: City) -> Columns:
    """The crowded places that lie in active townships. A county's first is in its sample township."""
    townships = city.township
    township_i, number = np.empty(len(VENUES), np.int64), np.empty(len(VENUES), np.int64)
    for county_i in range(city.county.rows_n):
        own = np.flatnonzero(np.array(_VENUE_COUNTY) == county_i)
        of_county = np.flatnonzero(townships["county_i"] == county_i)
        sample = of_county[townships["is_sample"][of_county]]
        by_people = of_county[np.argsort(-townships["population"][of_county], kind="stable")]
        township_i[own] = np.resize(np.concatenate([sample, by_people[: len(own)]]), len(own))
        number[own] = np.arange(len(own))
    here = np.flatnonzero(townships["is_active"][township_i])
    here = here[np.argsort(township_i[here], kind="stable")]
    made = _at_grids(city, "venue", township_i[here], number[here])
    return Columns(
        venue_no=np.array([f"V{n + 1:02d}" for n in here], dtype=object),
        name_zh=np.array([VENUES[n][0] for n in here], dtype=object),
        kind=np.array([VENUES[n][1] for n in here], dtype=object),
        capacity=np.array([VENUES[n][2] for n in here], dtype=np.int64),
        **made,
    )


def shelters_of(city: City) -> Columns:
    """Shelters: about one for 8,500 people; class 紧急, 短期 or 长期."""
    made = _in_grids(city, "shelter", 1 / 8_500, 1)
    key, chance = made["key"], city.chance
    level = chance.choose([70, 24, 6], "shelter.class", key)
    area = np.rint(chance.lognormal(np.array([2_400, 9_000, 42_000])[level], 0.4, "shelter.area", key))
    place = names.word(("小学操场", "社区广场", "体育公园", "文化中心", "村委会", "中学操场"), key * 5)
    return Columns(
        shelter_no=_numbers("S", city, made),
        name_zh=city.village["name_zh"][city.grid["village_i"][made["grid_i"]]] + place,
        **{"class": names.word(("紧急", "短期", "长期"), level)},
        area_m2=area.astype(np.int64),
        capacity=np.rint(area / np.array([1.2, 2.0, 3.0])[level]).astype(np.int64),
        is_indoor=chance.happens(0.35, "shelter.indoor", key),
        **made,
    )


def fire_stations_of(city: City) -> Columns:
    """A station in every township, two in large ones."""
    made = _in_grids(city, "fire_station", 1 / 90_000, 1)
    number = made["key"] % TOWNSHIP_KEY
    base = city.township["name_zh"][made["township_i"]]
    kind = np.where(number == 0, "消防救援站", "小型消防站").astype(object)
    return Columns(fire_station_no=_numbers("Z", city, made), name_zh=base + kind, **made)


def junctions_of(city: City) -> Columns:
    """Crossings: of every road of a grid in streets, of one in three elsewhere; a few are dangerous by nature."""
    chance, roads = city.chance, city.road
    urban = city.township["is_urban"][roads["township_i"]]
    road_i = np.flatnonzero(chance.happens(np.where(urban, 0.95, 0.4), "junction.is", roads["key"]))
    key = roads["key"][road_i]
    starts = np.searchsorted(roads["township_i"], roads["township_i"][road_i])
    other = starts + chance.integers(0, np.maximum(road_i - starts, 1), "junction.other", key)
    other = np.where(other == road_i, starts + 1, other)
    return Columns(
        junction_no=("J" + roads["code"][road_i]).astype(object),
        name_zh=roads["name_zh"][road_i] + roads["name_zh"][other] + "路口",
        road_i=road_i,
        township_i=roads["township_i"][road_i],
        key=key,
        lng=roads["lng"][road_i],
        lat=roads["lat"][road_i],
        danger=np.clip(chance.lognormal(0.12, 1.0, "junction.danger", key), 0.01, 1).round(3),
        has_signal=chance.happens(np.where(urban[road_i], 0.7, 0.25), "junction.signal", key),
    )


_TRADES: tuple[tuple[str, str, str, float, float, float], ...] = (
    ("危化", "C26", "化工有限公司", 0.00004, 0.0014, 85),
    ("工业", "C33", "金属制品有限公司", 0.0028, 0.048, 32),
    ("餐饮", "H62", "餐饮店", 0.0050, 0.0060, 6),
    ("商铺", "F52", "商行", 0.0135, 0.0180, 3),
    ("仓储", "G59", "仓储有限公司", 0.00025, 0.0090, 18),
    ("建筑", "E47", "建筑工程有限公司", 0.0008, 0.0050, 24),
    ("物流", "G54", "物流有限公司", 0.0007, 0.0080, 15),
    ("养老", "Q85", "养老服务有限公司", 0.00004, 0.00002, 22),
    ("其他", "L72", "科技服务有限公司", 0.0090, 0.0200, 7),
)
"""Kind, industry, how its name ends, firms per person outside and inside industrial areas, staff (median)."""
_INDUSTRIES: dict[str, tuple[tuple[str, str], ...]] = {
    "工业": (
        ("C17", "纺织有限公司"),
        ("C33", "金属制品有限公司"),
        ("C34", "机械有限公司"),
        ("C38", "电气有限公司"),
        ("C29", "橡塑制品有限公司"),
        ("C21", "家具有限公司"),
        ("C37", "船舶配套有限公司"),
        ("C13", "食品加工有限公司"),
    ),
    "其他": (
        ("L72", "商务服务有限公司"),
        ("M74", "科技有限公司"),
        ("O80", "家政服务部"),
        ("P83", "教育培训中心"),
        ("R90", "文化传媒有限公司"),
        ("K70", "房产经纪有限公司"),
        ("A01", "农业专业合作社"),
        ("L72", "人力资源有限公司"),
    ),
    "餐饮": (
        ("H62", "饭店"),
        ("H62", "小吃店"),
        ("H62", "面馆"),
        ("H62", "酒楼"),
        ("H62", "火锅店"),
        ("H62", "早餐店"),
    ),
    "商铺": (
        ("F52", "超市"),
        ("F52", "便利店"),
        ("F52", "五金店"),
        ("F52", "服装店"),
        ("F52", "药房"),
        ("F52", "建材经营部"),
    ),
}


def enterprises_of(city: City) -> Columns:
    """Enterprises and shops: about 4 for 100 people, more industry and chemicals in industrial areas."""
    chance, townships, grids = city.chance, city.township, city.grid
    active = city.active
    people = townships["population"][active].astype(np.float64)
    parts = []
    for number, (kind, _, _, outside, inside, _) in enumerate(_TRADES):
        rate = np.where(townships["is_industrial"][active], inside, outside)
        least = 6 if kind in ("餐饮", "商铺") else 2 if kind in ("工业", "仓储", "建筑") else 0
        least = np.where(townships["is_industrial"][active] & (kind == "危化"), 5, least)
        counts = np.maximum(chance.poisson(people * rate, f"enterprise.{kind}.n", active), least)
        at, _ = repeated(counts)
        parts.append(Columns(township_i=active[at], trade=np.full(len(at), number)))
    made = Columns.together(parts)
    made = made.where(np.argsort(made["township_i"], kind="stable"))
    township_i, trade = made["township_i"], made["trade"]
    key = township_i * TOWNSHIP_KEY + np.arange(len(trade)) - np.searchsorted(township_i, township_i)
    kind = np.array([t[0] for t in _TRADES], dtype=object)[trade]
    building_i = _premises(city, township_i, trade, key)
    housed = building_i >= 0
    grid_i = _grids_for(city, "enterprise", township_i, key)
    grid_i = np.where(housed, city.building["grid_i"][building_i], grid_i)
    lng, lat = spread(city, grid_i, "enterprise", key)
    lng = np.where(housed, city.building["lng"][building_i], lng)
    lat = np.where(housed, city.building["lat"][building_i], lat)
    industry = np.array([t[1] for t in _TRADES], dtype=object)[trade]
    ending = np.array([t[2] for t in _TRADES], dtype=object)[trade]
    for name, choices in _INDUSTRIES.items():
        own = np.flatnonzero(kind == name)
        pick = chance.integers(0, len(choices), f"enterprise.industry.{name}", key[own])
        industry[own] = np.array([c[0] for c in choices], dtype=object)[pick]
        ending[own] = np.array([c[1] for c in choices], dtype=object)[pick]
    county = city.county["short_zh"][townships["county_i"][township_i]]
    word = names.word(names.FIRMS, chance.integers(0, len(names.FIRMS), "enterprise.word", key))
    second = names.word(names.VILLAGES, chance.integers(0, len(names.VILLAGES), "enterprise.second", key))
    is_shop = np.isin(kind, ["餐饮", "商铺"])
    name = np.where(is_shop, second + word + ending, "临澜" + county + word + second + ending).astype(object)
    founded = np.datetime64("2001-01-01") + (9_000 * chance.uniform("enterprise.founded", key) ** 0.7).astype(np.int64)
    gone = chance.happens(0.045, "enterprise.gone", key)
    gone_on = np.datetime64("2024-02-01") + chance.integers(0, 1_350, "enterprise.gone_on", key)
    gone_on = np.maximum(gone_on, founded + 200)
    chemical = names.word(names.CHEMICALS, chance.integers(0, len(names.CHEMICALS), "enterprise.chemical", key))
    median = np.array([t[5] for t in _TRADES])[trade]
    staff = np.clip(chance.lognormal(median, 0.8, "enterprise.staff", key), 1, 9_000).astype(np.int64)
    risk = chance.uniform("enterprise.risk", key) ** np.where(np.isin(kind, ["危化", "工业", "仓储"]), 2.0, 3.5)
    licence = np.datetime64("2024-09-01") + chance.integers(0, 1_900, "enterprise.licence", key)
    return Columns(
        uscc=codes.uscc(
            chance,
            "enterprise.uscc",
            key,
            region=city.county["code"][townships["county_i"][township_i]],
            is_household=is_shop & (staff < 8),
        ),
        name_zh=name,
        industry=industry,
        kind=kind,
        building_i=building_i,
        grid_i=grid_i,
        township_i=township_i,
        key=key,
        lng=lng,
        lat=lat,
        staff_n=staff,
        founded_on=founded,
        cancelled_on=np.where(gone, gone_on, NONE),
        licence_until=licence,
        risk=risk.round(4),
        chem_zh=np.where(kind == "危化", chemical, "").astype(object),
        is_key_fire_unit=chance.happens(
            np.where(kind == "危化", 0.9, np.where(staff > 150, 0.45, 0.004)), "enterprise.key_unit", key
        ),
        address_zh=np.where(
            housed,
            city.building["address_zh"][building_i],
            "临澜市" + county + townships["name_zh"][township_i] + city.village["name_zh"][grids["village_i"][grid_i]],
        ).astype(object),
    )


def _premises(city: City, township_i: Integers, trade: Integers, key: Any) -> Integers:
    """A building of the fitting kind in the same township for each firm, or -1 where there is none."""
    buildings = city.building
    fits = np.array(["厂房", "厂房", "商业", "商业", "厂房", "办公", "厂房", "商业", "办公"], dtype=object)
    found = np.full(len(trade), -1)
    for kind in ("厂房", "商业", "办公"):
        there = np.flatnonzero(buildings["kind"] == kind)
        of = buildings["township_i"][there]
        own = np.flatnonzero(fits[trade] == kind)
        first = np.searchsorted(of, township_i[own], "left")
        number = np.searchsorted(of, township_i[own], "right") - first
        pick = first + city.chance.integers(0, np.maximum(number, 1), "enterprise.building", key[own])
        if len(there):
            found[own] = np.where(number > 0, there[np.minimum(pick, len(there) - 1)], -1)
    homeless = city.chance.happens(0.06, "enterprise.homeless", key)
    return np.where(homeless, -1, found)


def _in_grids(city: City, name: str, rate: Any, least: Any) -> Columns:
    """So many things per person in each active township, `least` of them at least, each somewhere in a grid."""
    mean = city.township["population"][city.active] * rate
    counts = np.maximum(city.chance.poisson(mean, f"{name}.n", city.active), least)
    at, number = repeated(counts)
    return _at_grids(city, name, city.active[at], number)


def _at_grids(city: City, name: str, township_i: Integers, number: Integers) -> Columns:
    key = township_i * TOWNSHIP_KEY + number
    grid_i = _grids_for(city, name, township_i, key)
    lng, lat = spread(city, grid_i, name, key)
    return Columns(grid_i=grid_i, township_i=township_i, key=key, lng=lng, lat=lat)


def _grids_for(city: City, name: str, township_i: Integers, key: Any) -> Integers:
    """A grid of the township for each thing."""
    starts = np.searchsorted(city.grid["township_i"], np.arange(city.township.rows_n + 1))
    first, last = starts[township_i], starts[township_i + 1]
    return first + city.chance.integers(0, last - first, f"{name}.grid", key)


def _numbers(letter: str, city: City, made: Columns) -> Any:
    """Such as ``X9901130010003``: a letter, the township's code, the running number."""
    tail = zfill((made["key"] % TOWNSHIP_KEY + 1).astype("U4"), 4)
    code = city.township["code"].astype("U9")[made["township_i"]]
    return np.char.add(np.char.add(letter, code), tail).astype(object)
