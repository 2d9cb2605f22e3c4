"""S34: whether each grid has a party organisation of its own, a workbook a month.

Grids that were cut anew stand twice and say different things; codes from before the mergers arrive; some cells say
neither yes nor no. Truth: ``grid_party`` (month, grid_i, has_party).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.city.people import person_name, phone
from demo_city.columns import Columns
from demo_city.departments.panels import (
    Panel,
    arrow,
    events_table,
    month_firsts,
    put,
    rows_of,
    taken,
    twice_pattern,
)
from demo_city.departments.protocol import Dataset, Files, Pattern, Rows, Source
from demo_city.systems import writers

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

CUT_ANEW, UNSAID, OLD_RATE, TWICE_RATE = 0.005, 0.004, 0.02, 0.002


def _grids(world: World) -> Columns:
    return world.once("s34.grids", lambda: _made(world))


def _made(world: World) -> Columns:
    chance, city = world.chance, world.city
    grid, township = city.grid, city.township
    number, township_i = np.asarray(grid["key"]), np.asarray(grid["township_i"])
    founded = np.datetime64("2018-07-01") + chance.integers(0, 2000, "s34.founded", number)
    # What has none yet gets one at some time: about one grid in a hundred a month.
    later = np.datetime64("2024-02-01") + np.floor(-np.log(1 - chance.uniform("s34.later", number)) * 3000).astype(
        "timedelta64[D]"
    )
    founded = np.where(grid["has_party"], founded, later)
    old = np.asarray(grid["old_grid_id"], dtype=object)
    had = np.asarray(township["old_code"]) != ""
    people = np.asarray(township["population"], dtype=np.float64)
    rate = OLD_RATE / (people[had].sum() / people.sum())
    is_old = had[township_i] & (old != "") & (old != grid["grid_id"]) & chance.happens(rate, "s34.old", number)
    code = np.where(is_old, np.asarray(township["old_code"], dtype=object)[township_i], township["code"][township_i])
    name = np.asarray(grid["name_zh"], dtype=object)
    return Columns(
        number=number,
        founded_on=founded,
        members=8 + chance.poisson(np.asarray(grid["population"]) * 0.035, "s34.members", number),
        is_old=is_old,
        grid_id=arrow(np.where(is_old, old, grid["grid_id"])),
        name=arrow(name),
        code=arrow(code),
        party=arrow(name + "党支部"),
        secretary=arrow(person_name(chance, "s34.secretary", number)),
        tel=arrow(phone(chance, "s34.secretary.tel", number)),
    )


def _has(world: World, firsts: Any) -> Any:
    """Months × grids: founded by the month's end."""
    ends = (firsts.astype("datetime64[M]") + 1).astype("datetime64[D]")
    return _grids(world)["founded_on"][None, :] < ends[:, None]


def party_rows(world: World, days: Days) -> Rows:
    """The list of each month."""
    grids, firsts = _grids(world), month_firsts(days)
    # The second slot is the line of a grid that was cut anew and stands there twice.
    panel = Panel(grids["number"], firsts, world.chance, "s34", slots=2)
    anew = world.chance.happens(CUT_ANEW, "s34.anew", grids["number"][panel.who])
    twice = world.chance.happens(TWICE_RATE, "s34.twice", grids["number"][panel.who], panel.day) & ~anew
    rows = np.flatnonzero((panel.slot == 0) | anew | twice)
    who, at, slot, day = panel.who[rows], panel.at[rows], panel.slot[rows], panel.day[rows]
    anew, again = anew[rows], twice[rows] & (slot == 1)
    has = _has(world, firsts)[at, who]
    unsaid = world.chance.happens(UNSAID, "s34.unsaid", grids["number"][who], day)
    own = taken(
        grids,
        who,
        {
            "网格编码": "grid_id",
            "网格名称": "name",
            "乡镇代码": "code",
            "党组织名称": "party",
            "书记姓名": "secretary",
            "联系电话": "tel",
        },
    )
    n = len(rows)
    nothing = pa.nulls(n, pa.string())
    members = grids["members"][who] - np.where(anew & (slot == 1), grids["members"][who] // 2 + 1, 0)
    said = put(put(pa.repeat(pa.scalar("否"), n), has, "是"), unsaid, "筹建")
    columns = {
        "网格编码": own["网格编码"],
        "网格名称": own["网格名称"],
        "乡镇代码": own["乡镇代码"],
        "是否建立党组织": said,
        "党组织名称": put(nothing, has, own["党组织名称"]),
        "党员数": members,
        "成立日期": np.where(has, grids["founded_on"][who], np.datetime64("NaT", "D")),
        "书记姓名": put(nothing, has, own["书记姓名"]),
        "联系电话": put(nothing, has, own["联系电话"]),
    }
    flags = {"cut_anew": anew, "unsaid": unsaid, "old_grid_id": grids["is_old"][who]}
    return rows_of(columns, flags, ("网格编码",), day, again)


def events(world: World, days: Days) -> Mapping[str, pa.Table]:
    """See the module."""
    firsts = month_firsts(days)
    has = _has(world, firsts)
    at, who = np.divmod(np.arange(has.size), max(has.shape[1], 1))
    return {"grid_party": events_table({"month": firsts[at], "grid_i": who, "has_party": has.ravel()})}


SOURCE = Source(
    "S34",
    "组织部 网格党建",
    (
        Dataset(
            "S34",
            "linlan.party.grid_party",
            "网格党组织覆盖",
            Files(
                "DJ_{day:%Y%m}.xlsx",
                writers.excel(
                    title="临澜市网格党组织覆盖情况（{day:%Y年%m月}，演示数据）",
                    merged=("乡镇代码",),
                    footer=("合计：{n} 个网格", "填表单位：市委组织部"),
                ),
                every="month",
                late=0.03,
            ),
            party_rows,
            (
                Pattern(
                    "cut_anew",
                    "The grid stands there twice and says different things: nobody can tell which holds.",
                    CUT_ANEW * 2,
                    "quarantine",
                    "conflicting_versions",
                    "grid_id",
                ),
                Pattern("unsaid", "Neither yes nor no.", UNSAID, "warning", "has_party_said", "has_party"),
                Pattern(
                    "old_grid_id",
                    "The grid's number is one from before the mergers.",
                    OLD_RATE,
                    "warning",
                    "grid_id_current",
                    "grid_id",
                ),
                twice_pattern(TWICE_RATE),
            ),
        ),
    ),
    events,
)
