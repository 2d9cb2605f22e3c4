"""What is planted in the city's four years: disasters, crowds, and the four couplings of the founding documents.

The days are fixed, moved by the seed by up to three; places are drawn among the townships that are delivered. Those
that weather and rhythm carry (typhoon, heat, flu, crowds) work through `demo_city.life.Life`; the others write steps,
as chains do: records that departments must hold.

The couplings: *resonance*: a wave outside the city (S26) is followed by the same thing inside (S04); *transmission*:
one topic goes from opinion to appeals to petitions to a gathering; *superposition*: risks of different classes at one
place within 72 hours; *snowball*: appeals of one topic grow by half each week and reach township after township.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from demo_city.chance import repeated
from demo_city.columns import Columns

if TYPE_CHECKING:
    from demo_city.world import World

PLANNED: tuple[tuple[str, str, str, str, str, float], ...] = (
    ("typhoon", "台风“海棠”", "2024-08-20", "2024-08-21", "", 0.9),
    ("typhoon", "台风“白鹭”", "2025-07-29", "2025-07-30", "", 1.0),
    ("typhoon", "台风“银杏”", "2025-09-16", "2025-09-17", "", 0.7),
    ("typhoon", "台风“木槿”", "2026-06-24", "2026-06-25", "", 0.8),
    ("typhoon", "台风“远帆”", "2026-08-28", "2026-08-29", "", 1.0),
    ("rainstorm", "梅雨期强降雨", "2024-06-28", "2024-06-28", "", 0.9),
    ("rainstorm", "短时强降雨", "2025-06-21", "2025-06-21", "", 1.0),
    ("rainstorm", "短时强降雨", "2025-08-09", "2025-08-09", "", 1.3),
    ("rainstorm", "短时强降雨", "2026-05-24", "2026-05-24", "", 0.8),
    ("rainstorm", "梅雨期强降雨", "2026-06-10", "2026-06-10", "", 1.2),
    ("heat_wave", "持续高温", "2024-07-28", "2024-08-08", "", 1.0),
    ("heat_wave", "持续高温", "2025-07-06", "2025-07-18", "", 1.0),
    ("heat_wave", "持续高温", "2025-08-14", "2025-08-22", "", 0.9),
    ("heat_wave", "早发高温", "2026-06-14", "2026-06-19", "", 1.1),
    ("flu", "流感高发季", "2024-12-05", "2025-02-10", "流行性感冒", 7.0),
    ("flu", "流感高发季", "2025-11-20", "2026-01-25", "流行性感冒", 10.0),
    ("flu", "春季流感小高峰", "2026-04-25", "2026-05-25", "流行性感冒", 3.0),
    ("flu", "流感高发季", "2026-12-01", "2027-02-05", "流行性感冒", 8.0),
    ("holiday_crowd", "国庆假期客流高峰", "2024-10-01", "2024-10-05", "", 3.5),
    ("holiday_crowd", "劳动节假期客流高峰", "2025-05-01", "2025-05-04", "", 3.0),
    ("holiday_crowd", "国庆中秋假期客流高峰", "2025-10-01", "2025-10-06", "", 4.0),
    ("holiday_crowd", "春节灯会客流高峰", "2026-02-17", "2026-02-21", "", 3.0),
    ("holiday_crowd", "劳动节假期客流高峰", "2026-05-01", "2026-05-04", "", 3.5),
    ("holiday_crowd", "端午龙舟赛客流高峰", "2026-06-19", "2026-06-21", "", 2.5),
    ("gas_main", "燃气主管道第三方施工挖断", "2025-10-14", "2025-10-16", "燃气管道破损", 1.0),
    ("gas_main", "燃气主管道第三方施工挖断", "2026-06-05", "2026-06-07", "燃气管道破损", 1.0),
    ("mass_risk", "“鑫澜财富”兑付逾期", "2025-08-01", "2025-10-25", "鑫澜财富", 1.0),
    ("mass_risk", "“远洋优选”兑付逾期", "2026-04-10", "2026-06-28", "远洋优选", 1.2),
    ("resonance", "外地冒充客服诈骗高发波及本市", "2025-11-03", "2025-11-28", "冒充客服诈骗", 1.0),
    ("resonance", "外地虚假投资诈骗高发波及本市", "2026-05-11", "2026-06-08", "虚假投资诈骗", 1.2),
    ("transmission", "楼盘延期交付由网络发酵到现场聚集", "2025-09-05", "2025-09-30", "楼盘延期交付", 1.0),
    ("transmission", "学区调整由网络发酵到现场聚集", "2026-05-15", "2026-06-12", "学区调整", 1.0),
    ("superposition", "施工事故叠加停水与欠薪诉求", "2025-12-08", "2025-12-11", "重点工程", 1.0),
    ("superposition", "强降雨叠加停电与化工异味", "2026-06-10", "2026-06-13", "化工园区", 1.0),
    ("snowball", "垃圾转运站选址诉求滚雪球", "2025-10-20", "2025-11-30", "垃圾转运站选址", 1.0),
    ("snowball", "停车收费诉求滚雪球", "2026-05-08", "2026-06-20", "停车收费", 1.1),
)
"""Kind, title, first day, last day, topic, strength."""
FIXED = ("holiday_crowd", "superposition")
"""Kinds that hold to their days."""
PLACED = ("gas_main", "mass_risk", "transmission", "superposition", "snowball")
"""Kinds that have a township and a grid."""
FIRST_NO = 900_000_000
"""Scenario numbers lie above all chain numbers."""


def scenarios_of(world: World) -> Columns:
    """``scenario_no kind title_zh from_on to_on topic_zh strength township_i grid_i``; -1: the whole city."""
    number = np.arange(len(PLANNED))
    kind, title, first, last, topic, strength = (np.array(column) for column in zip(*PLANNED, strict=True))
    shift = np.where(np.isin(kind, FIXED), 0, world.chance.integers(-3, 4, "scenarios.shift", number))
    made = Columns(
        scenario_no=FIRST_NO + number,
        kind=kind.astype(object),
        title_zh=title.astype(object),
        from_on=first.astype("datetime64[D]") + shift,
        to_on=last.astype("datetime64[D]") + shift,
        topic_zh=topic.astype(object),
        strength=strength.astype(np.float64),
    )
    return made


def places_of(world: World, scenarios: Columns) -> Columns:
    """The scenarios with ``township_i`` and ``grid_i``: the delivered township and grid with the lowest lot."""
    chance, grid = world.chance, world.city.grid
    township_i, grid_i = np.full(scenarios.rows_n, -1), np.full(scenarios.rows_n, -1)
    for at in np.flatnonzero(np.isin(scenarios["kind"], PLACED)):
        lot = chance.uniform("scenarios.place", scenarios["scenario_no"][at], grid["key"])
        grid_i[at] = int(np.argmin(lot))
        township_i[at] = int(grid["township_i"][grid_i[at]])
    return scenarios.with_columns(township_i=township_i, grid_i=grid_i)


def scenario_steps(world: World, scenarios: Columns) -> Columns:
    """What departments record because of the scenarios: rows like the steps of `chains_of`, with ``topic``."""
    parts = [
        _steps(world, scenarios, at, source, what, counts, offset)
        for at in range(scenarios.rows_n)
        for source, what, counts, offset in _written(str(scenarios["kind"][at]), scenarios.where([at]))
    ]
    return Columns.together(part for part in parts if part.rows_n)


def _written(kind: str, one: Columns) -> Iterator[tuple[str, str, Any, float]]:
    """Source, what, expected records per day of the scenario, and by how many days the source lags behind."""
    days = int((one["to_on"][0] - one["from_on"][0]).astype(int)) + 1
    ramp, flat = np.linspace(0.2, 1.8, days), np.ones(days)
    strength = float(one["strength"][0])
    if kind == "gas_main":
        yield "S12", "dig_unprotected", np.eye(1, days)[0], -2.0
        yield "S13", "main_damage", np.eye(1, days)[0], 0.0
        yield "S13", "leak_alarm", np.array([14, 5, 2][:days]), 0.0
        yield "S01", "gas_smell", np.array([25, 8, 2][:days]), 0.02
        yield "S04", "gas_evacuation", np.eye(1, days)[0], 0.05
        yield "S06", "gas_rescue", np.eye(1, days)[0], 0.05
    elif kind == "mass_risk":
        yield "S25", "clue", 0.08 * flat, -30.0
        yield "S26", "topic_heat", 0.5 * ramp, 0.0
        yield "S01", "investor_loss", 1.6 * strength * ramp**2, 2.0
        yield "S09", "petition", 0.10 * ramp**2, 12.0
        yield "S04", "gathering", 0.02 * ramp**2, 20.0
    elif kind == "resonance":
        hump = np.exp(-((np.arange(days) - days / 2) ** 2) / (2 * (days / 5) ** 2))
        yield "S26", "outside_wave", 4.0 * hump, 0.0
        yield "S04", "fraud", 3.0 * strength * hump, 6.0
        yield "S01", "fraud_consult", 1.5 * hump, 4.0
    elif kind == "transmission":
        hump = np.exp(-((np.arange(days) - days / 3) ** 2) / (2 * (days / 6) ** 2))
        yield "S26", "topic_heat", 3.0 * hump, 0.0
        yield "S01", "petition_topic", 6.0 * hump, 4.0
        yield "S09", "petition", 0.5 * hump, 10.0
        yield "S04", "gathering", 0.12 * hump, 16.0
    elif kind == "superposition":
        yield "S01", "petition_topic", 3.0 * flat, 0.0
        yield "S01", "odour", 3.0 * flat, 0.5
        yield "S07", "overdue_hazard", np.eye(1, days)[0], 0.2
        yield "S26", "topic_heat", flat, 0.5
        yield "S04", "dispute_call", 0.8 * flat, 1.0
    elif kind == "snowball":
        growth = 1.55 ** (np.arange(days) / 7)
        yield "S01", "petition_topic", 1.2 * strength * growth, 0.0
        yield "S26", "topic_heat", 0.3 * growth, 1.0


def _steps(world: World, scenarios: Columns, at: int, source: str, what: str, mean: Any, lag: float) -> Columns:
    chance, grid = world.chance, world.city.grid
    one = scenarios.where([at])
    stream = f"scenarios.{source}.{what}"
    day = np.arange(len(mean))
    sure = np.isin(mean, [0.0, 1.0]) & (np.sum(mean) == 1.0)
    counts = np.where(sure, np.asarray(mean, dtype=np.int64), chance.poisson(mean, stream, one["scenario_no"], day))
    which, running = repeated(counts)
    keys = (one["scenario_no"][0], which, running)
    minute = (which + lag) * 1440 + chance.integers(8 * 60, 21 * 60, f"{stream}.minute", *keys)
    grid_i = _grids(world, one, which, keys, stream)
    none = np.full(len(which), -1)
    return Columns(
        chain_no=np.full(len(which), one["scenario_no"][0]),
        step_no=np.arange(len(which)) + hash_of(source, what),
        source=np.full(len(which), source, dtype=object),
        kind=np.full(len(which), one["kind"][0], dtype=object),
        what=np.full(len(which), what, dtype=object),
        at=one["from_on"][0].astype("datetime64[m]") + minute.astype("timedelta64[m]"),
        township_i=np.asarray(grid["township_i"])[grid_i],
        grid_i=grid_i,
        building_i=none,
        flat_i=none,
        enterprise_i=none,
        school_i=none,
        topic=np.full(len(which), one["topic_zh"][0], dtype=object),
    )


def _grids(world: World, one: Columns, which: Any, keys: Any, stream: str) -> Any:
    """Where each record is: the scenario's grid; anywhere in its township; for a snowball ever further away."""
    chance, grid = world.chance, world.city.grid
    kind, own = one["kind"][0], int(one["grid_i"][0])
    anywhere = np.asarray(chance.integers(0, grid.rows_n, f"{stream}.grid", *keys))
    if own < 0:
        return anywhere
    fellows = np.flatnonzero(grid["township_i"] == one["township_i"][0])
    near = fellows[chance.integers(0, len(fellows), f"{stream}.near", *keys)]
    if kind == "snowball":  # one township more every week and a half
        return np.where(chance.happens(np.minimum(which / 10 * 0.22, 0.8), f"{stream}.far", *keys), anywhere, near)
    if kind in ("gas_main", "superposition"):
        return np.full(len(which), own)
    return near


def hash_of(source: str, what: str) -> int:
    """First number of the steps of one source and kind of record, so that no two are alike."""
    return (int(source[1:]) * 100 + sum(what.encode()) % 97) * 10_000
