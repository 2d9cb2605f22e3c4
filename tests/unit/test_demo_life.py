"""The demo city's chance and life: the same in any piece, driven by what should drive it."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from demo_city.chance import Chance, repeated
from demo_city.days import Days
from demo_city.life.chains import EVENT, KINDS
from demo_city.world import World

YEAR = Days(date(2025, 7, 1), date(2026, 6, 30))


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=5, scale=0.01)


def test_a_number_is_the_same_alone_and_among_others() -> None:
    chance = Chance(7)
    days, places = np.arange(50)[:, None], np.arange(2000)
    together = chance.poisson(np.linspace(0.1, 90, 2000), "s.n", days, places)
    assert (chance.poisson(np.linspace(0.1, 90, 2000), "s.n", 31, places) == together[31]).all()
    assert abs(together.mean() / np.linspace(0.1, 90, 2000).mean() - 1) < 0.01
    assert (together[:, 500] != Chance(8).poisson(np.linspace(0.1, 90, 2000), "s.n", days, places)[:, 500]).any()
    assert abs(np.corrcoef(chance.uniform("a", places), chance.uniform("b", places))[0, 1]) < 0.07


def test_choices_follow_their_weights_one_list_or_many() -> None:
    chance, things = Chance(1), np.arange(20_000)
    shares = np.bincount(chance.choose([1, 2, 7], "c", things)) / len(things)
    assert np.allclose(shares, [0.1, 0.2, 0.7], atol=0.01)
    rows = np.where((things % 2 == 0)[:, None], [1.0, 0.0], [0.0, 1.0])
    assert (chance.choose(rows, "c", things) == things % 2).all()
    assert [part.tolist() for part in repeated(np.array([2, 0, 1]))] == [[0, 0, 2], [0, 1, 0]]


def test_the_calendar_knows_holidays_make_up_days_and_terms(world: World) -> None:
    calendar = world.life.calendar(Days(date(2026, 2, 13), date(2026, 3, 2)))
    by_day = dict(zip(calendar["day"].astype(str), range(calendar.rows_n), strict=True))
    spring = [day for day, at in by_day.items() if calendar["block_id"][at] == "2026春节"]
    assert (spring[0], spring[-1], len(spring)) == ("2026-02-15", "2026-02-23", 9)
    saturday = by_day["2026-02-28"]
    assert calendar["is_makeup"][saturday] and calendar["is_workday"][saturday] and calendar["weekday"][saturday] == 5
    assert not calendar["is_school_term"][saturday] and calendar["is_school_term"][by_day["2026-03-02"]]


def test_warnings_come_before_what_they_warn_of(world: World) -> None:
    life = world.life
    typhoons = life.scenarios.where(life.scenarios["kind"] == "typhoon")
    warnings = life.warnings(YEAR)
    daily = life.weather_daily(YEAR)
    within = [first for first in typhoons["from_on"] if YEAR.holds(np.array([first]))[0]]
    assert within
    for first in within:
        of_storm = (warnings["kind"] == "台风") & (
            abs(warnings["issued_at"].astype("datetime64[D]") - first).astype(int) <= 2
        )
        gusts = daily["gust_max_ms"][abs((daily["day"] - first).astype(int)) <= 1].max()
        assert of_storm.sum() == 3 and gusts > 24
        assert (warnings["issued_at"][of_storm] < first.astype("datetime64[m]") + np.timedelta64(24 * 60, "m")).all()


def test_rain_and_holidays_move_the_volumes_and_the_queues(world: World) -> None:
    life = world.life
    daily, calendar = life.weather_daily(YEAR), life.calendar(YEAR)
    crashes = life.rhythm("crash", YEAR).sum(axis=1)
    assert crashes[daily["rain_mm"] > 30].mean() > 1.25 * crashes[daily["rain_mm"] == 0].mean()
    appeals = life.rhythm("appeal", YEAR).sum(axis=1)
    assert appeals[calendar["is_holiday"]].mean() < 0.6 * appeals[calendar["is_workday"]].mean()
    load = life.load("township", YEAR)
    after_october = np.flatnonzero(calendar["day"] == np.datetime64("2025-10-08"))[0]
    assert load[after_october] > 1.2 and load.min() == 1.0
    seconds = life.hours("crash", np.repeat(YEAR.array, 200), "test", np.arange(200 * YEAR.length))
    by_hour = np.bincount(seconds // 3600, minlength=24)
    assert by_hour[7:9].sum() > 3 * by_hour[2:4].sum()


def test_every_precursor_lies_before_its_event_at_the_same_place(world: World) -> None:
    chains, steps = world.life.chains, world.life.steps
    of_chains = steps.where(steps["chain_no"] < 900_000_000)
    order = np.argsort(chains["chain_no"])
    at = order[np.searchsorted(chains["chain_no"][order], of_chains["chain_no"])]
    is_event = of_chains["what"] == EVENT
    assert (of_chains["at"][is_event] == chains["event_at"][at][is_event]).all()
    lead = (chains["event_at"][at] - of_chains["at"])[~is_event].astype(int)
    assert (lead > 0).all() and lead.max() <= 180 * 1440
    for place in ("grid_i", "building_i", "flat_i", "enterprise_i", "school_i"):
        assert (of_chains[place] == chains[place][at]).all()
    assert {kind.name for kind in KINDS} == set(chains["kind"])


def test_a_snowball_grows_and_spreads(world: World) -> None:
    life = world.life
    snowball = life.scenarios.where((life.scenarios["kind"] == "snowball") & YEAR.holds(life.scenarios["from_on"]))
    for number, first in zip(snowball["scenario_no"], snowball["from_on"], strict=True):
        appeals = life.precursors("S01")
        own = appeals.where(appeals["chain_no"] == number)
        week = (own["at"].astype("datetime64[D]") - first).astype(int) // 7
        counts = np.bincount(week)
        assert (counts[3:5] > 1.5 * counts[0:2]).all()
        assert len(set(own["township_i"][week >= 4])) >= 3
