"""S33 city health check by three parties, and the survey of safety and satisfaction.

Sixty-one indicators for the city, its counties and townships, once a quarter: what the unit says of itself, what a
third
party measured, what people think. Units see themselves in a good light, some of them more than others. The survey
asks a
sample of every township, with design weights.

Tables of events: ``health_check`` (what is so, and what each party says), ``survey``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.chance import repeated
from demo_city.city.people import person_name, phone
from demo_city.columns import Columns
from demo_city.departments.production import area_codes, firsts_of_months, latest, of_rank, ordinal, through, written
from demo_city.departments.protocol import Dataset, Files, Pattern, Rows, Source
from demo_city.departments.s08_readiness import divisions
from demo_city.departments.safety import active_townships
from demo_city.systems import writers
from demo_city.text import zfill

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

SAMPLE = 0.6e-3
"""Share of the people who are asked in a quarter, 40 of a township at least."""
LEAST_ASKED = 40
INDICATORS: tuple[tuple[str, str, str, str, float], ...] = (
    ("住房", "存在结构安全隐患的住宅数量", "栋", "↓", 6), ("住房", "存在燃气安全隐患的住宅数量", "栋", "↓", 9),
    ("住房", "存在楼道安全隐患的住宅数量", "栋", "↓", 14), ("住房", "存在围护安全隐患的住宅数量", "栋", "↓", 8),
    ("住房", "非成套住宅数量", "套", "↓", 20), ("住房", "存在管线管道破损的住宅数量", "栋", "↓", 12),
    ("住房", "需要进行适老化改造的住宅数量", "栋", "↓", 25), ("住房", "入户水质(水压)不达标的住宅数量", "栋", "↓", 5),
    ("住房", "需要进行节能改造的住宅数量", "栋", "↓", 30), ("住房", "需要进行数字化改造的住宅数量", "栋", "↓", 28),
    ("小区", "未达标配建的养老服务设施数量", "个", "↓", 3), ("小区", "未达标配建的婴幼儿照护服务设施数量", "个", "↓",
        3),
    ("小区", "未达标配建的幼儿园数量", "个", "↓", 1.2), ("小区", "小学学位缺口数", "个", "↓", 60),
    ("小区", "停车泊位缺口数", "个", "↓", 300), ("小区", "新能源汽车充电桩缺口数", "个", "↓", 80),
    ("小区", "未配建电动自行车充电设施的小区数量", "个", "↓", 4), ("小区", "未达标配建的公共活动场地数量", "个", "↓",
        4),
    ("小区", "不达标的步行道长度", "km", "↓", 3.5), ("小区", "未实施生活垃圾分类的小区数量", "个", "↓", 3),
    ("小区", "未实施好物业管理的小区数量", "个", "↓", 5), ("小区", "需要进行智慧化改造的小区数量", "个", "↓", 9),
    ("街区", "中学服务半径覆盖率", "%", "↑", 86), ("街区", "未达标配建的多功能运动场地数量", "个", "↓", 3),
    ("街区", "未达标配建的文化活动中心数量", "个", "↓", 2), ("街区", "公园绿化活动场地服务半径覆盖率", "%", "↑", 84),
    ("街区", "存在乱拉空中线路问题的道路数量", "条", "↓", 6), ("街区", "存在车辆乱停乱放问题的道路数量", "条", "↓", 9),
    ("街区", "窨井盖缺失、移位、损坏的数量", "个", "↓", 11), ("街区", "需要更新改造的老旧商业街区数量", "个", "↓", 1.2),
    ("街区", "需要更新改造的老旧厂区数量", "个", "↓", 1.5), ("街区", "需要更新改造的老旧街区数量", "个", "↓", 1.5),
    ("城区", "城市生活污水集中收集率", "%", "↑", 79), ("城区", "城市水体返黑返臭事件数", "起", "↓", 0.8),
    ("城区", "绿道服务半径覆盖率", "%", "↑", 74), ("城区", "人均体育场地面积", "m²", "↑", 3.1),
    ("城区", "人均公共文化设施面积", "m²", "↑", 0.25), ("城区", "未达标配建的妇幼保健机构数量", "个", "↓", 0.5),
    ("城区", "城市道路网密度", "km/km²", "↑", 6.9), ("城区", "新建建筑中绿色建筑占比", "%", "↑", 91),
    ("城区", "历史文化街区、历史建筑挂牌建档率", "%", "↑", 94), ("城区", "历史建筑空置率", "%", "↓", 13),
    ("城区", "历史文化资源遭受破坏的负面事件数", "起", "↓", 0.3), ("城区", "擅自拆除历史文化街区内建筑物的数量", "栋",
        "↓", 0.3),
    ("城区", "当年新增历史文化保护对象数量", "个", "↑", 2.0), ("城区", "新市民、青年人保障性租赁住房覆盖率", "%", "↑",
        21),
    ("城区", "城市高峰期机动车平均速度", "km/h", "↑", 24), ("城区", "轨道站点周边覆盖通勤比例", "%", "↑", 15),
    ("城区", "房屋市政工程生产安全事故数", "起", "↓", 0.4), ("城区", "消除严重易涝积水点数量比例", "%", "↑", 88),
    ("城区", "城市排水防涝应急抢险能力", "m³/h", "↑", 900), ("城区", "应急供水保障率", "%", "↑", 87),
    ("城区", "老旧燃气管网改造完成率", "%", "↑", 82), ("城区", "城市地下综合管廊道路占比", "%", "↑", 2.4),
    ("城区", "城市消防站服务半径覆盖率", "%", "↑", 76), ("城区", "安全距离不达标的加油加气加氢站数量", "个", "↓", 0.7),
    ("城区", "人均避难场所有效避难面积", "m²", "↑", 1.3), ("城区", "市政管网管线智能化监测管理率", "%", "↑", 46),
    ("城区", "建筑施工危险性较大的分部分项工程安全监测覆盖率", "%", "↑", 71),
    ("城区", "高层建筑智能化火灾监测预警覆盖率", "%", "↑", 58), ("城区", "城市运行管理服务平台覆盖率", "%", "↑", 83),
)  # fmt: skip
"""Dimension, name, unit, direction, usual value (of ten thousand people where it is a number of things)."""
COUNTED = ("栋", "套", "个", "条", "起", "km", "m³/h")
AGES = ("18-30岁", "31-45岁", "46-60岁", "60岁以上")
WORRIES = ("停车难", "噪声扰民", "交通拥堵", "物业服务差", "路面积水", "电动车乱停", "看病等候久", "没有意见")

CHECK = (
    Pattern("unit_in_cell", "The unit written into the cell, such as 12栋.", 0.012, "quarantine", "typing",
        "self_value"),
    Pattern("third_missing", "The third party has no value.", 0.02, "warning", "third_present", "third_value"),
    Pattern("percent_as_fraction", "A share of 1 where per cent are asked.", 0.012, "core", None, "self_value"),
    Pattern("public_out_of_range", "A public score above 100.", 0.006, "warning", "public_in_range", "public_score"),
    Pattern("repeated", "The same row twice in one sheet.", 0.008, "unchanged", None, None),
    Pattern("old_area_code", "Area code from before a merger.", 0.01, "warning", "area_code_valid", "area_code"),
)  # fmt: skip
SURVEY = (
    Pattern("score_out_of_range", "A score that the scale does not have.", 0.006, "quarantine", "safety_in_range",
            "safety_score"),
    Pattern("weight_missing", "No design weight.", 0.01, "warning", "weight_present", "weight"),
    Pattern("all_fives", "Full marks for everything: nobody was asked.", 0.03, "core", None, "safety_score"),
    Pattern("old_area_code", "Area code from before a merger.", 0.012, "warning", "area_code_valid", "area_code"),
)  # fmt: skip


def values(world: World, quarters: Any) -> Columns:
    """Every indicator of every division and quarter: ``division_i indicator quarter truth self third public``."""
    chance, place = world.chance, divisions(world)
    q, d, i = np.meshgrid(
        np.arange(len(quarters)), np.arange(place.rows_n), np.arange(len(INDICATORS)), indexing="ij", sparse=False
    )
    quarter, division_i, indicator = np.asarray(quarters)[q.ravel()], d.ravel(), i.ravel()
    key, number = place["key"][division_i], ordinal(quarter) // 91
    unit = np.array([unit for _, _, unit, _, _ in INDICATORS], dtype=object)[indicator]
    falls = np.array([way == "↓" for *_, way, _ in INDICATORS])[indicator]
    usual = np.array([usual for *_, usual in INDICATORS])[indicator]
    counted = np.isin(unit, COUNTED)
    size = np.where(counted, place["people"][division_i] / 10_000, 1.0)
    years = (ordinal(quarter) - 19_723) / 365.25
    trend = np.where(falls, np.exp(-0.05 * years), np.exp(0.02 * years))
    level = usual * size * chance.lognormal(1.0, 0.28, "s33.level", key, indicator) * trend
    level = level * chance.lognormal(1.0, 0.04, "s33.quarter", key, indicator, number)
    level = np.where(unit == "%", np.minimum(level, 99.5), level)
    whole = counted & np.isin(unit, ["栋", "套", "个", "条", "起"])
    truth = np.where(whole, np.rint(level), np.round(level, 2))
    # A unit's own figure leans to the good side; how far is the unit's habit.
    lean = 0.03 + 0.18 * chance.uniform("s33.lean", key) ** 2
    own = (
        truth
        * np.where(falls, 1 - lean, 1 + 0.5 * lean)
        * chance.lognormal(1.0, 0.015, "s33.self", key, indicator, number)
    )
    third = truth * chance.lognormal(1.0, 0.02, "s33.third", key, indicator, number)
    cap = np.where(unit == "%", 100.0, np.inf)
    worse = (level / np.maximum(usual * size, 1e-9)) ** np.where(falls, -1, 1)
    public = 72 + 9 * np.log(np.maximum(worse, 0.05)) + 4 * chance.normal("s33.public", key, indicator, number)

    def shown(value: Any) -> Any:
        return np.where(whole, np.rint(value), np.round(np.minimum(value, cap), 2))

    return Columns(
        division_i=division_i, indicator=indicator, quarter=quarter, truth=truth, own=shown(own), third=shown(third),
        public=np.clip(np.round(public, 1), 20, 99), is_percent=unit == "%",
        target=np.round(usual * size * np.where(falls, 0.9, 1.0), 2),
    )  # fmt: skip


def _check_rows(world: World, days: Days) -> Rows:
    chance, place = world.chance, divisions(world)
    made = values(world, firsts_of_months(days, 3))
    key = (place["key"][made["division_i"]], made["indicator"], made["quarter"])
    twice = np.flatnonzero(chance.happens(0.008, "s33.twice", *key))
    order = np.argsort(np.concatenate([np.arange(made.rows_n), twice]), kind="stable")
    repeated_ = np.concatenate([np.zeros(made.rows_n, bool), np.ones(len(twice), bool)])[order]
    made = made.where(np.concatenate([np.arange(made.rows_n), twice])[order])
    key = (place["key"][made["division_i"]], made["indicator"], made["quarter"])
    township = place["township_i"][made["division_i"]]
    own = township >= 0
    code, old = area_codes(world, "s33.area", 0.011, township[own], np.maximum(township, 0), *key)
    lot = chance.uniform("s33.dirt", *key)
    base = Columns(
        quarter=made["quarter"], name=place["name_zh"][made["division_i"]],
        area=np.where(own, code, place["code"][made["division_i"]]).astype(object), old_area_code=own & old,
        dimension=of_rank(tuple(row[0] for row in INDICATORS), made["indicator"]), number=made["indicator"] + 1,
        indicator=of_rank(tuple(row[1] for row in INDICATORS), made["indicator"]),
        unit=of_rank(tuple(row[2] for row in INDICATORS), made["indicator"]),
        way=of_rank(tuple(row[3] for row in INDICATORS), made["indicator"]), target=made["target"], own=made["own"],
        third=made["third"], public=made["public"], repeated=repeated_, unit_in_cell=lot < 0.012,
        third_missing=(lot >= 0.02) & (lot < 0.04),
        percent_as_fraction=made["is_percent"] & (lot > 0.5) & (lot < 0.536),
        public_out_of_range=(lot >= 0.6) & (lot < 0.606),
        person=person_name(chance, "s33.filler", place["key"][made["division_i"]]),
    )  # fmt: skip
    return written(
        """
        SELECT strftime(b.quarter, '%Y') || 'Q' || quarter(b.quarter) AS "周期", b.name AS "区划名称",
        b.area AS "区划代码",
               b.dimension AS "维度", b.number AS "指标序号", b.indicator AS "指标名称", b.unit AS "计量单位",
               b.way AS "方向", b.target AS "目标值",
               regexp_replace(CASE WHEN b.percent_as_fraction THEN round(b.own / 100, 4) ELSE b.own END::VARCHAR,
                   '\\.0$', '')
                   || CASE WHEN b.unit_in_cell THEN b.unit ELSE '' END AS "评价结果/自评价",
               CASE WHEN NOT b.third_missing THEN b.third END AS "评价结果/第三方评价",
               CASE WHEN b.public_out_of_range THEN b.public * 10 ELSE b.public END AS "评价结果/公众评价",
               b.person AS "填报人", b.quarter AS _day,
               strftime(b.quarter, '%Y') || 'Q' || quarter(b.quarter) || '|' || b.area || '|' || b.number AS _key,
               b.unit_in_cell AS "!unit_in_cell", b.third_missing AS "!third_missing",
               b.percent_as_fraction AS "!percent_as_fraction", b.public_out_of_range AS "!public_out_of_range",
               b.repeated AS "!repeated", b.old_area_code AS "!old_area_code"
        FROM b
        """,
        b=base,
    )


def answers(world: World, days: Days) -> Columns:
    """Interviews of these days, clean: ``no township_i on n safety satisfaction weight``."""
    return latest(world, "s33.answers", days, lambda: _answers(world, days))


def _answers(world: World, days: Days) -> Columns:
    chance, city = world.chance, world.city
    quarters = np.unique(days.array.astype("datetime64[M]").astype(np.int64) // 3)
    township = active_townships(world)
    people = city.township["population"][township]
    asked = np.maximum(np.rint(people * SAMPLE), LEAST_ASKED).astype(np.int64)
    which, n = repeated(np.tile(asked, len(quarters)))
    quarter, at = quarters[which // len(township)], which % len(township)
    township_i = township[at]
    first = (quarter * 3).astype("datetime64[M]").astype("datetime64[D]")
    key = (township_i, quarter, n)
    on = first + chance.integers(14, 84, "s33.on", *key)
    mood = 0.25 * chance.normal("s33.mood", township_i) + 0.1 * chance.normal("s33.mood.quarter", township_i, quarter)
    safety = np.clip(np.rint(4.15 + mood + 0.85 * chance.normal("s33.safety", *key)), 1, 5).astype(np.int64)
    content = np.clip(np.rint(3.85 + 1.2 * mood + 0.95 * chance.normal("s33.content", *key)), 1, 5).astype(np.int64)
    weight = people[at] / asked[at] * chance.lognormal(1.0, 0.12, "s33.weight", *key)
    made = Columns(
        no=("WJ" + (1970 + quarter // 4).astype("U4").astype(object) + "Q"
            + (quarter % 4 + 1).astype("U1").astype(object)
            + city.township["code"][township_i] + zfill(n.astype("U4"), 4).astype(object)).astype(object),
        township_i=township_i, quarter=quarter, first=first, on=on, n=n, safety=safety, satisfaction=content,
        weight=np.round(weight, 4),
    )  # fmt: skip
    return made.where(days.holds(on))


def _survey_rows(world: World, days: Days) -> Rows:
    chance = world.chance
    quarters = firsts_of_months(days, 3)
    made = answers(world, through(days, 92))
    made = made.where(np.isin(made["first"], quarters))
    made = made.where(np.lexsort((made["n"], made["township_i"], made["on"], made["first"])))
    key = (made["township_i"], made["quarter"], made["n"])
    area, old = area_codes(world, "s33.survey.area", 0.012, active_townships(world), made["township_i"], *key)
    lot = chance.uniform("s33.survey.dirt", *key)
    base = Columns(
        number=made["no"], first=made["first"], on=made["on"], area=area, old_area_code=old,
        person=person_name(chance, "s33.person", *key), tel=phone(chance, "s33.person", *key),
        age=of_rank(AGES, chance.choose([0.22, 0.3, 0.28, 0.2], "s33.age", *key)),
        sex=of_rank(("男", "女"), chance.integers(0, 2, "s33.sex", *key)), safety=made["safety"],
        satisfaction=made["satisfaction"], score_out_of_range=lot < 0.006, weight_missing=(lot >= 0.01) & (lot < 0.02),
        all_fives=(lot >= 0.1) & (lot < 0.13), weight=made["weight"],
        worry=of_rank(WORRIES, chance.integers(0, len(WORRIES), "s33.worry", *key)),
        way=of_rank(("电话", "入户", "网络"), chance.choose([0.5, 0.3, 0.2], "s33.way", *key)),
    )  # fmt: skip
    return written(
        """
        SELECT b.number AS "问卷编号", strftime(b.first, '%Y') || 'Q' || quarter(b.first) AS "周期",
        b.area AS "区划代码",
               b.person AS "受访人", b.tel AS "联系电话", b.age AS "年龄段", b.sex AS "性别",
               (CASE
                   WHEN b.score_out_of_range THEN 9 WHEN b.all_fives THEN 5 ELSE b.safety END)::VARCHAR AS "安全感评分",
               (CASE WHEN b.all_fives THEN 5 ELSE b.satisfaction END)::VARCHAR AS "满意度评分",
               CASE WHEN b.weight_missing THEN NULL ELSE printf('%.4f', b.weight) END AS "权重",
               CASE WHEN b.all_fives THEN NULL ELSE b.worry || '，可联系' || b.person || b.tel END AS "意见建议",
               b.way AS "访问方式", strftime(b."on", '%Y-%m-%d') AS "访问日期", b.first AS _day, b.number AS _key,
               b.score_out_of_range AS "!score_out_of_range", b.weight_missing AS "!weight_missing",
               b.all_fives AS "!all_fives", b.old_area_code AS "!old_area_code"
        FROM b
        """,
        b=base,
    )


def _events(world: World, days: Days) -> Mapping[str, pa.Table]:
    place = divisions(world)
    made, heard = values(world, firsts_of_months(days, 3)), answers(world, days)
    period = np.array([f"{day[:4]}Q{(int(day[5:7]) + 2) // 3}" for day in made["quarter"].astype("U10")], dtype=object)
    return {
        "health_check": Columns(
            indicator=made["indicator"] + 1, scope=place["code"][made["division_i"]], period=period,
            value=made["truth"],
            self=made["own"], third=made["third"], public=made["public"], target=made["target"],
            is_lower_better=np.array([way == "↓" for *_, way, _ in INDICATORS])[made["indicator"]],
        ).to_arrow(),
        "survey": Columns(
            no=heard["no"], at=heard["on"], score=heard["safety"], satisfaction=heard["satisfaction"],
            weight=heard["weight"], township_i=heard["township_i"],
        ).to_arrow(),
    }  # fmt: skip


_HEADER = (
    ("周期", "区划名称", "区划代码", "维度", "指标序号", "指标名称", "计量单位", "方向", "目标值", "评价结果",
        "评价结果", "评价结果",
     "填报人"),
    (None, None, None, None, None, None, None, None, None, "自评价", "第三方评价", "公众评价", None),
)  # fmt: skip

SOURCE = Source(
    "S33",
    "城市体检与第三方评估",
    (
        Dataset(
            "S33", "linlan.assessment.health_check", "城市体检三方评价",
            Files(
                "health_check_{day:%Y%m}.xlsx",
                writers.excel(title="临澜市城市体检三方评价表（演示数据）{day:%Y年}", header_rows=_HEADER,
                              merged=("周期", "区划名称"), footer=("填表人：", "合计：{n} 行")),
                every="quarter",
            ),
            _check_rows, CHECK,
        ),
        Dataset(
            "S33", "linlan.assessment.survey", "安全感满意度调查",
            Files("survey_{day:%Y%m}.csv", writers.csv(encoding="utf-8-sig", quoting="all"), every="quarter"),
            _survey_rows, SURVEY,
        ),
    ),
    _events,
)  # fmt: skip
