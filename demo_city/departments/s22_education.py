"""S22 education: who is absent, school by school and day by day of the term; numbers only.

A school that has not reported has a row without a number; some systems write a zero there, which is another thing.
Absences for symptoms follow the season and the flu; outbreaks begin in a school some days before anybody outside knows.

Table of events: ``school_absence`` (``school_i day pupils_n absent_n symptom_n is_reported is_cluster chain_no``).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.columns import Columns
from demo_city.days import BEGINS_ON, Days
from demo_city.departments.protocol import Dataset, Pattern, Rows, Source, Table
from demo_city.departments.safety import after, chained, old_codes, severity_of, statement, written

if TYPE_CHECKING:
    from demo_city.world import World

ABSENT, SYMPTOMS = 0.009, 0.0035
"""Mean share of pupils absent for other reasons, and with symptoms outside of any season."""
NOT_REPORTED = 0.035
ZERO_FILLED = 0.25
"""Of the schools that do not report, those whose system writes zeros by itself."""
SYMPTOM_KINDS = ("发热咳嗽", "呕吐腹泻", "皮疹", "其他")

DIRT = (
    Pattern(
        "not_reported", "Not reported: no number, which is not zero.", 0.0265, "warning", "absent_there", "absent_n"
    ),
    Pattern(
        "zero_not_reported", "Zeros of a school that has not reported: no time of report.", 0.0087, "core", None,
        "absent_n",
    ),
    Pattern(
        "more_than_pupils", "More absent than pupils: the whole number of pupils was typed twice.", 0.0012,
        "quarantine", "absent_within_pupils", "absent_n",
    ),
    Pattern("old_area_code", "Area code from before a merger.", 0.012, "warning", "area_code_current", "area_code"),
    Pattern(
        "symptoms_above_absent", "More with symptoms than absent.", 0.004, "warning", "symptoms_within_absent",
        "symptom_n",
    ),
)  # fmt: skip


def absences(world: World, days: Days) -> Columns:
    """Every school on every day on which school is kept."""
    return world.once(("s22.absences", days), lambda: _absences(world, days))


def _absences(world: World, days: Days) -> Columns:
    chance, school = world.chance, world.city.school
    calendar = world.life.calendar(days)
    day = calendar["day"][calendar["is_school_term"]]
    flu = np.asarray(world.life.strength("flu", days))[calendar["is_school_term"]]
    row, position = np.repeat(np.arange(len(day)), school.rows_n), np.tile(np.arange(school.rows_n), len(day))
    key = (day[row], school["key"][position])
    pupils = school["pupils_n"][position]
    month = day.astype("datetime64[M]").astype(np.int64) % 12
    season = np.array([1.7, 1.5, 1.3, 1.2, 1.1, 1.0, 0.8, 0.8, 1.0, 1.1, 1.3, 1.7])[month] * (1 + 0.35 * (flu - 1))
    small = np.where(np.asarray(school["level"])[position] == "幼儿园", 1.7, 1.0)
    ill = chance.poisson(pupils * SYMPTOMS * season[row] * small, "s22.ill", *key)
    other = chance.poisson(pupils * ABSENT * 0.6, "s22.other", *key)
    extra, chain = _clusters(world, day, school.rows_n)
    ill = np.minimum(ill + extra.ravel(), pupils // 2)
    lot = chance.uniform("s22.reported", *key)
    is_reported = (lot >= NOT_REPORTED) | (chain.ravel() >= 0)
    return Columns(
        school_i=position, day=day[row], key=key[1], township_i=school["township_i"][position], pupils_n=pupils,
        absent_n=np.minimum(ill + other, pupils), symptom_n=ill, is_reported=is_reported,
        zero_filled=~is_reported & (lot < NOT_REPORTED * ZERO_FILLED), chain_no=chain.ravel(),
    )  # fmt: skip


def _clusters(world: World, day: Any, schools_n: int) -> tuple[Any, Any]:
    """More pupils with symptoms, and the chain they belong to (days × schools): the signs of the outbreaks.

    A sign holds on its day, or on the next day school is kept; the day after the last sign is the event's.
    """
    extra, chain = np.zeros((len(day), schools_n), np.int64), np.full((len(day), schools_n), -1)
    if not len(day):
        return extra, chain
    first = max(day[0].astype(object) - timedelta(days=70), BEGINS_ON)
    steps = chained(world, Days(first, day[-1].astype(object)), "S22", ("absence",))
    on = world.life.next_school_day(steps["at"])
    at = np.searchsorted(day, on)
    there = (at < len(day)) & (day[np.minimum(at, len(day) - 1)] == on) & (steps["school_i"] >= 0)
    steps, at = steps.where(there), at[there]
    pupils = world.city.school["pupils_n"][steps["school_i"]]
    share = 0.03 + 0.04 * world.chance.uniform("s22.cluster", steps["chain_no"], steps["step_no"])
    size = np.maximum(np.rint(pupils * share * severity_of(world, steps["chain_no"])), 11).astype(np.int64)
    np.maximum.at(extra, (at, steps["school_i"]), size)
    chain[at, steps["school_i"]] = steps["chain_no"]
    return extra, chain


def _rows(world: World, days: Days) -> Rows:
    chance, school = world.chance, world.city.school
    made = absences(world, days)
    key = (made["day"], made["key"])
    code, is_old = old_codes(world, "s22.old_code", 0.012, made["township_i"], *key)
    lot = chance.uniform("s22.dirt", *key)
    wild = made["is_reported"] & (lot < 0.00124)
    crossed = made["is_reported"] & ~wild & (lot >= 0.5) & (lot < 0.50415)
    return written(
        """
        SELECT school_no, school_name, level AS school_level, area_code, day AS absent_on, pupils_n,
               CASE WHEN zero_filled THEN 0 WHEN NOT is_reported THEN NULL WHEN wild THEN pupils_n * 2 + absent_n
                    ELSE absent_n END AS absent_n,
               CASE WHEN zero_filled THEN 0 WHEN NOT is_reported THEN NULL WHEN crossed THEN absent_n + 1 + symptom_n
                    ELSE symptom_n END AS symptom_n,
               CASE WHEN is_reported AND symptom_n > 0 THEN kind END AS symptom_kind,
               CASE WHEN is_reported THEN reported_at END AS reported_at,
               day AS _day, school_no || '|' || strftime(day, '%Y-%m-%d') AS _key,
               NOT is_reported AND NOT zero_filled AS "!not_reported", zero_filled AS "!zero_not_reported",
               wild AS "!more_than_pupils", is_old AS "!old_area_code", crossed AS "!symptoms_above_absent"
        FROM absence ORDER BY day, school_no
        """,
        absence=made.with_columns(
            school_no=np.asarray(school["school_no"])[made["school_i"]],
            school_name=np.asarray(school["name_zh"])[made["school_i"]],
            level=np.asarray(school["level"])[made["school_i"]],
            area_code=code,
            is_old=is_old,
            wild=wild,
            crossed=crossed,
            kind=np.array(SYMPTOM_KINDS, dtype=object)[chance.choose([60, 26, 6, 8], "s22.kind", *key)],
            reported_at=after(made["day"], 9 * 60 + chance.lognormal(35.0, 0.5, "s22.reported_at", *key)),
        ),
    )


def _events(world: World, days: Days) -> Mapping[str, pa.Table]:
    return {
        "school_absence": statement(
            """
            SELECT school_i::INTEGER AS school_i, day, township_i::INTEGER AS township_i, pupils_n, absent_n, symptom_n,
                   is_reported, chain_no >= 0 AS is_cluster, chain_no
            FROM absence ORDER BY day, school_i
            """,
            absence=absences(world, days),
        )
    }


SOURCE = Source(
    "S22",
    "教育局 因病缺勤监测",
    (
        Dataset(
            "S22",
            "linlan.education.absence_day",
            "学校缺勤日报",
            Table(
                "absence_day", (),
                {"school_no": "varchar(40)", "absent_on": "date", "pupils_n": "integer", "absent_n": "integer",
                 "symptom_n": "integer", "reported_at": "timestamp(0)"},
                "MySQL 5.7", "mariadb",
            ),
            _rows,
            DIRT,
        ),
    ),
    _events,
)  # fmt: skip
