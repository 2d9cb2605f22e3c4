"""S24: the statistics bureau's monthly workbook: some 330 figures of economy and finance for city and counties.

The month's figures are preliminary and come again, final, two months later. Some counties write the year's total so far
into the month's column, telling it or not; footnote marks stand in cells; old county codes arrive.

Truth: ``econ_month`` (period, area_code, item, item_zh, value_final, value_prelim).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.city.people import person_name
from demo_city.columns import Columns
from demo_city.departments.panels import (
    Panel,
    arrow,
    events_table,
    month_firsts,
    put,
    rounded,
    stamped,
    taken,
    texts_of,
)
from demo_city.departments.protocol import Dataset, Files, Pattern, Rows, Source
from demo_city.systems import writers

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

TRADES = (
    "农副食品加工业", "食品制造业", "酒饮料和精制茶制造业", "纺织业", "纺织服装服饰业", "皮革制品和制鞋业",
    "木材加工业", "家具制造业", "造纸和纸制品业", "印刷业", "文教体育用品制造业", "石油煤炭加工业",
    "化学原料和化学制品制造业", "医药制造业", "化学纤维制造业", "橡胶和塑料制品业", "非金属矿物制品业",
    "黑色金属冶炼业", "有色金属冶炼业", "金属制品业", "通用设备制造业", "专用设备制造业", "汽车制造业",
    "铁路船舶航空航天设备制造业", "电气机械和器材制造业", "计算机通信电子设备制造业", "仪器仪表制造业",
    "废弃资源综合利用业", "电力热力生产和供应业", "燃气生产和供应业", "水的生产和供应业",
)  # fmt: skip
TAXES = (
    "增值税", "企业所得税", "个人所得税", "城市维护建设税", "房产税", "印花税", "城镇土地使用税", "土地增值税",
    "契税", "耕地占用税", "环境保护税", "车船税", "资源税",
)  # fmt: skip
SPENDING = (
    "一般公共服务", "公共安全", "教育", "科学技术", "文化旅游体育与传媒", "社会保障和就业", "卫生健康",
    "节能环保", "城乡社区", "农林水", "交通运输", "资源勘探工业信息", "商业服务业", "自然资源海洋气象",
    "住房保障", "粮油物资储备", "灾害防治及应急管理", "债务付息",
)  # fmt: skip
GOODS = (
    "粮油食品类", "饮料类", "烟酒类", "服装鞋帽针纺织品类", "化妆品类", "金银珠宝类", "日用品类",
    "体育娱乐用品类", "书报杂志类", "家用电器和音像器材类", "中西药品类", "文化办公用品类", "家具类",
    "通讯器材类", "石油及制品类", "建筑及装潢材料类", "汽车类",
)  # fmt: skip
SINGLE: tuple[tuple[str, str, str, float], ...] = (
    ("A001", "地区生产总值", "亿元", 990.0),
    ("A002", "第一产业增加值", "亿元", 41.0),
    ("A003", "第二产业增加值", "亿元", 480.0),
    ("A004", "第三产业增加值", "亿元", 469.0),
    ("A005", "R&D经费支出", "亿元", 27.5),
    ("B001", "规模以上工业增加值", "亿元", 330.0),
    ("B002", "规模以上工业总产值", "亿元", 1330.0),
    ("B003", "规模以上工业利润总额", "亿元", 83.0),
    ("B004", "高新技术产业产值", "亿元", 620.0),
    ("C001", "固定资产投资", "亿元", 405.0),
    ("C002", "工业投资", "亿元", 210.0),
    ("C003", "房地产开发投资", "亿元", 78.0),
    ("C004", "商品房销售面积", "万平方米", 86.0),
    ("D001", "社会消费品零售总额", "亿元", 360.0),
    ("E001", "进出口总额", "亿元", 305.0),
    ("E002", "出口总额", "亿元", 200.0),
    ("E003", "实际使用外资", "万美元", 17500.0),
    ("F001", "一般公共预算收入", "亿元", 57.0),
    ("F002", "税收收入", "亿元", 45.0),
    ("F003", "一般公共预算支出", "亿元", 98.0),
    ("G001", "全社会用电量", "亿千瓦时", 51.0),
    ("G002", "工业用电量", "亿千瓦时", 34.0),
    ("H001", "接待游客人次", "万人次", 480.0),
    ("H002", "旅游总收入", "亿元", 62.0),
    ("K001", "城镇新增就业", "人", 9200.0),
    ("K002", "专利授权量", "件", 3600.0),
    ("K003", "发明专利授权量", "件", 620.0),
    ("L001", "快递业务量", "万件", 9800.0),
    ("L002", "港口货物吞吐量", "万吨", 2700.0),
)
"""Code, name, unit, size of the city's month; flows, which add up over the year."""
STANDING: tuple[tuple[str, str, str, float], ...] = (
    ("M001", "金融机构本外币存款余额", "亿元", 21500.0),
    ("M002", "金融机构本外币贷款余额", "亿元", 18800.0),
    ("M003", "居民消费价格指数", "上年同月=100", 100.6),
    ("M004", "工业生产者出厂价格指数", "上年同月=100", 98.9),
    ("M005", "城镇调查失业率", "%", 4.4),
    ("M006", "高新技术企业数", "家", 4100.0),
    ("M007", "规模以上工业企业数", "家", 6900.0),
    ("M008", "建成区绿化覆盖率", "%", 43.8),
    ("M009", "国家科技型中小企业数", "家", 9200.0),
    ("M010", "市场主体户数", "户", 1250000.0),
)
"""Stocks, rates and indices: the month's value is the year's."""
GROUPS = (
    ("B1", "规上工业增加值", TRADES, "亿元", 330.0),
    ("B2", "规上工业产值", TRADES, "亿元", 1330.0),
    ("B3", "规上工业利润", TRADES, "亿元", 83.0),
    ("B4", "规上工业用工人数", TRADES, "万人", 92.0),
    ("B5", "规上工业营业收入", TRADES, "亿元", 1290.0),
    ("C1", "固定资产投资", TRADES, "亿元", 210.0),
    ("F1", "税收收入", TAXES, "亿元", 45.0),
    ("F2", "一般公共预算支出", SPENDING, "亿元", 98.0),
    ("D1", "限额以上零售额", GOODS, "亿元", 120.0),
    ("G1", "工业用电量", TRADES, "亿千瓦时", 34.0),
)
FOOTNOTE, CUMULATED, CUMULATED_UNTOLD, OLD, MISSING = 0.003, 0.012, 0.006, 0.02, 0.004
REVISED = 0.5
OLD_CODES = {"990113": ("990102", "990111"), "990114": ("990184", "990184"), "990185": ("990121", "990121")}
MONTHS_LATER = 2


def _series(world: World) -> Columns:
    """Every figure of every division, city first: the things of the panel."""
    return world.once("s24.series", lambda: _made(world))


def _made(world: World) -> Columns:
    chance, county = world.chance, world.city.county
    listed = [(code, name, unit, size, True) for code, name, unit, size in SINGLE]
    listed += [(code, name, unit, size, False) for code, name, unit, size in STANDING]
    for group, title, names, unit, size in GROUPS:
        weights = chance.lognormal(1.0, 0.9, f"s24.{group}", np.arange(len(names)))
        parts = weights / weights.sum() * size
        listed += [
            (f"{group}{number:02d}", f"{title}_{name}", unit, float(part), group != "B4")
            for number, (name, part) in enumerate(zip(names, parts, strict=True), 1)
        ]
    people = np.asarray(county["population"], dtype=np.float64)
    people = np.concatenate([[people.sum()], people])
    area = np.concatenate([["990100"], np.asarray(county["code"])]).astype(object)
    title = np.concatenate([["临澜市"], np.asarray(county["name_zh"])]).astype(object)
    items_n, areas_n = len(listed), len(area)
    area_i, item = np.repeat(np.arange(areas_n), items_n), np.tile(np.arange(items_n), areas_n)
    code, name, unit, size, is_flow = (np.array(column, dtype=object) for column in zip(*listed, strict=True))
    number = area[area_i].astype(np.int64) * 1000 + item
    is_flow = is_flow.astype(bool)[item]
    spread = chance.lognormal(1.0, 0.18, "s24.area", number)
    share = np.where(area_i == 0, 1.0, people[area_i] / people[0] * spread)
    is_rate = np.isin(unit[item], ["%", "上年同月=100"])
    size = np.where(is_rate, size.astype(float)[item] * (1 + 0.02 * (spread - 1)), size.astype(float)[item] * share)
    old = np.array([OLD_CODES.get(str(one), ("", ""))[int(n) % 2] for one, n in zip(area[area_i], item, strict=True)])
    return Columns(
        number=number,
        area_i=area_i,
        item=item,
        size=size,
        is_flow=is_flow,
        is_rate=is_rate,
        has_old=old != "",
        growth=chance.normal("s24.growth", number) * 4 + 5,
        area_code=arrow(area[area_i]),
        area_zh=arrow(title[area_i]),
        code=arrow(code[item]),
        name=arrow(name[item]),
        unit=arrow(unit[item]),
        old_code=arrow(old.astype(object)),
        clerk=arrow(person_name(chance, "s24.clerk", area_i)),
    )


def _months(world: World, series: Columns, months: Any) -> tuple[Any, Any]:
    """Months × series: the final figure of the month, and of the year so far."""
    years = np.unique(np.asarray(months).astype("datetime64[Y]"))
    whole = (years.astype("datetime64[M]")[:, None] + np.arange(12)).ravel()
    number = whole.astype(np.int64)
    of_year = number % 12
    season = np.array([0.92, 0.80, 1.08, 1.0, 1.01, 1.09, 0.98, 0.98, 1.04, 1.0, 1.02, 1.08])[of_year]
    trend = (1 + series["growth"] / 100)[None, :] ** ((number[:, None] - 648) / 12)
    noise = world.chance.normal("s24.month", series["number"][None, :], whole.astype("datetime64[D]")[:, None])
    moved = series["size"] * season[:, None] * trend * np.exp(0.05 * noise)
    steady = series["size"] * np.where(series["is_rate"], 1 + 0.004 * noise, trend * (1 + 0.003 * noise))
    month = rounded(np.where(series["is_flow"], moved, steady), 2)
    month = np.maximum(month, 0.01)
    total = month.reshape(len(years), 12, series.rows_n).cumsum(axis=1).reshape(month.shape)
    total = rounded(np.where(series["is_flow"], total, month), 2)
    at = np.searchsorted(whole, np.asarray(months).astype("datetime64[M]"))
    return month[at], total[at]


def indicator_rows(world: World, days: Days) -> Rows:
    """The workbook of each month: its own figures, preliminary, and the final ones of two months before."""
    series, firsts = _series(world), month_firsts(days)
    panel = Panel(series["number"], firsts, world.chance, "s24", slots=2)
    who, at, is_final = panel.who, panel.at, panel.slot == 1
    month = firsts.astype("datetime64[M]")
    now, before = _months(world, series, month), _months(world, series, month - MONTHS_LATER)
    value = np.where(is_final, before[0][at, who], now[0][at, who])
    total = np.where(is_final, before[1][at, who], now[1][at, who])
    off = 1 + 0.012 * panel.normal("preliminary")
    value = np.where(is_final, value, rounded(np.maximum(value * off, 0.01), 2))
    total = np.where(is_final, total, np.maximum(rounded(total * (1 + (off - 1) / 3), 2), value))
    total = np.where(series["is_flow"][who], total, value)
    period = month[at] - np.where(is_final, MONTHS_LATER, 0)
    is_january = period.astype(np.int64) % 12 == 0
    fault = panel.uniform("fault")
    edges = np.cumsum([FOOTNOTE, CUMULATED, CUMULATED_UNTOLD, MISSING])
    can_cumulate = series["is_flow"][who] & ~is_january
    footnote = fault < edges[0]
    told = (fault >= edges[0]) & (fault < edges[1]) & can_cumulate
    untold = (fault >= edges[1]) & (fault < edges[2]) & can_cumulate
    missing = (fault >= edges[2]) & (fault < edges[3])
    value = np.where(told | untold, total, value)
    is_old = series["has_old"][who] & panel.happens(OLD * 9 / 3, "old")
    text = texts_of(value, 2)
    text = np.where(footnote, text + np.array(["①", "②", "*"], dtype=object)[panel.at % 3], text)
    own = taken(
        series,
        who,
        {"区划": "area_code", "名称": "area_zh", "代码": "code", "指标": "name", "单位": "unit", "旧": "old_code"},
    )
    n = panel.rows_n
    columns = {
        "报告期": stamped(period, "%Y%m"),
        "行政区划/代码": put(own["区划"], is_old, own["旧"]),
        "行政区划/名称": own["名称"],
        "指标/代码": own["代码"],
        "指标/名称": own["指标"],
        "计量单位": own["单位"],
        "数值/本月": np.where(missing, None, text),
        "数值/本年累计": total,
        "数值/同比增长": rounded(series["growth"][who] + 1.2 * panel.normal("growth"), 2),
        "口径": put(pa.repeat(pa.scalar("当月"), n), told, "累计"),
        "数据版本": put(pa.repeat(pa.scalar("初步"), n), is_final, "最终"),
        "填表人": taken(series, who, {"人": "clerk"})["人"],
    }
    flags = {
        "footnote": footnote,
        "cumulative": told,
        "cumulative_untold": untold,
        "missing_value": missing,
        "old_area_code": is_old,
        "revised": is_final & ~is_old & ~footnote,
    }
    # Preliminary figures first, by division; then the final ones: a workbook's order.
    order = np.lexsort((np.arange(n), panel.slot, panel.at))
    columns = {name: arrow(values).take(pa.array(order)) for name, values in columns.items()}
    panel.again = panel.again[order]
    flags = {name: which[order] for name, which in flags.items()}
    return panel.rows(columns, flags, ("报告期", "行政区划/代码", "指标/代码"), day=panel.day[order])


def events(world: World, days: Days) -> Mapping[str, pa.Table]:
    """See the module."""
    series, firsts = _series(world), month_firsts(days)
    month = firsts.astype("datetime64[M]")
    panel = Panel(series["number"], firsts, world.chance, "s24", slots=2)
    off = (1 + 0.012 * panel.normal("preliminary"))[panel.slot == 0].reshape(len(firsts), series.rows_n)
    final, total = _months(world, series, month)
    at, who = np.divmod(np.arange(final.size), series.rows_n)
    own = taken(series, who, {"area_code": "area_code", "item": "code", "item_zh": "name"})
    return {
        "econ_month": events_table(
            {
                "period": stamped(month, "%Y%m")[at],
                **own,
                "value_final": final.ravel(),
                "value_prelim": rounded(np.maximum(final * off, 0.01), 2).ravel(),
                "cumulative_final": total.ravel(),
            }
        )
    }


SOURCE = Source(
    "S24",
    "统计局 财政局 税务局 科技局 月报",
    (
        Dataset(
            "S24",
            "linlan.statistics.indicator_month",
            "经济财政月度指标",
            Files(
                "YB_{day:%Y%m}.xlsx",
                writers.excel(
                    title="临澜市经济财政月度指标（{day:%Y年%m月}，演示数据）",
                    header_rows=(
                        (
                            "报告期",
                            "行政区划",
                            "行政区划",
                            "指标",
                            "指标",
                            "计量单位",
                            "数值",
                            "数值",
                            "数值",
                            "口径",
                            "数据版本",
                            "填表人",
                        ),
                        (None, "代码", "名称", "代码", "名称", None, "本月", "本年累计", "同比增长", None, None, None),
                    ),
                    merged=("报告期", "行政区划/代码", "行政区划/名称"),
                    footer=("注：①为统计口径调整，②为部门预计数。", "填报单位：临澜市统计局"),
                ),
                every="month",
                late=0.03,
            ),
            indicator_rows,
            (
                Pattern("footnote", "A footnote mark stands in the cell.", FOOTNOTE, "quarantine", "typing", "value"),
                Pattern(
                    "cumulative",
                    "The month's column holds the year's total so far, and says so.",
                    CUMULATED * 0.87,
                    "warning",
                    "single_month",
                    "cumulative_flag",
                ),
                Pattern(
                    "cumulative_untold",
                    "The month's column holds the year's total so far and calls it the month's.",
                    CUMULATED_UNTOLD * 0.87,
                    "core",
                    None,
                    "value",
                ),
                Pattern("missing_value", "The month's cell is empty.", MISSING, "warning", "value_present", "value"),
                Pattern(
                    "old_area_code",
                    "The county's code is one from before the mergers.",
                    OLD,
                    "warning",
                    "area_code_current",
                    "area_code",
                ),
                Pattern(
                    "revised",
                    "The final figure takes the preliminary one's place.",
                    REVISED,
                    "corrected",
                    None,
                    "value",
                ),
            ),
        ),
    ),
    events,
)
