"""The field's methods against published worked examples and reference implementations, named at each test."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from lake.methods import (  # fmt: skip
    baseline,
    case_steps,
    composite,
    disease_steps,
    forecast,
    hotspots,
    outbreak,
    place_steps,
    rates,
    roads,
    steps,
)

# --- control charts -------------------------------------------------------------------------------------------------

NIST_EWMA = [52.0, 47.0, 53.0, 49.3, 50.1, 47.0, 51.0, 50.1, 51.2, 50.5, 49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4,
             53.6, 52.1]  # fmt: skip
NIST_EWMA_FOUND = [50.60, 49.52, 50.56, 50.18, 50.16, 49.21, 49.75, 49.85, 50.26, 50.33, 50.11, 49.36, 49.52, 50.05,
                   49.38, 49.92, 50.73, 51.23, 51.94, 51.99]  # fmt: skip
NIST_CUSUM = [324.925, 324.675, 324.725, 324.350, 325.350, 325.225, 324.125, 324.525, 325.225, 324.600, 324.625,
              325.150, 328.325, 327.250, 327.825, 328.500, 326.675, 327.775, 326.875, 328.350]  # fmt: skip
NIST_CUSUM_HIGH = [0, 0, 0, 0, 0.03, 0, 0, 0, 0, 0, 0, 0, 3.01, 4.94, 7.45, 10.63, 11.99, 14.44, 16.00, 19.04]
NIST_CUSUM_LOW = [0, 0.01, 0, 0.33, 0, 0, 0.56, 0.72, 0.17, 0.25, 0.31, 0, 0, 0, 0, 0, 0, 0, 0, 0]


def test_ewma_equals_the_handbook() -> None:
    """NIST/SEMATECH e-Handbook 6.3.2.4: mean 50, s 2.0539, lambda 0.3; limits 47.4115 and 52.5884 once steady."""
    averages, halves = baseline.ewma(np.array(NIST_EWMA), mean=50, sd=2.0539, weight=0.3, width=3)
    assert averages == pytest.approx(NIST_EWMA_FOUND, abs=0.006)
    assert (50 - halves[-1], 50 + halves[-1]) == pytest.approx((47.4115, 52.5884), abs=0.001)
    assert halves[0] == pytest.approx(3 * 2.0539 * 0.3), "the first limit is that of one value"


def test_cusum_equals_the_handbook() -> None:
    """NIST/SEMATECH e-Handbook 6.3.2.3: mean 325, k 0.3175, h 4.1959; out of control from the 14th group on."""
    up, down = baseline.cusum(np.array(NIST_CUSUM), mean=325, sd=1, allowance=0.3175)
    assert up == pytest.approx(NIST_CUSUM_HIGH, abs=0.0101)
    assert down == pytest.approx(NIST_CUSUM_LOW, abs=0.0101)
    assert int(np.argmax(up > 4.1959)) + 1 == 14
    with pytest.raises(ValueError, match="without scatter"):
        baseline.cusum(np.ones(5), mean=1, sd=0)


def test_a_missing_day_leaves_the_charts_as_they_were() -> None:
    averages, halves = baseline.ewma(np.array([1.0, np.nan, 1.0]), mean=0, sd=1)
    assert averages[0] == averages[1] and halves[0] == halves[1] < halves[2]
    up, _ = baseline.cusum(np.array([3.0, np.nan]), mean=0, sd=1)
    assert up.tolist() == [2.5, 2.5]


# --- baselines ------------------------------------------------------------------------------------------------------


def week_series(weeks: int, seed: int = 1) -> tuple[Any, Any, Any]:
    random = np.random.default_rng(seed)
    values = np.tile([100.0, 105, 102, 98, 96, 60, 50], weeks) + random.normal(0, 3, 7 * weeks)
    none = np.zeros(7 * weeks, dtype=bool)
    return values, none, none


def test_stl_is_that_of_statsmodels_where_nothing_is_special() -> None:
    """Reference: statsmodels' STL, itself tested against the authors' Fortran."""
    from statsmodels.tsa.seasonal import STL

    values, holiday, makeup = week_series(20)
    fit = STL(values, period=7, seasonal=35, robust=True).fit(outer_iter=5)
    found = baseline.seasonal_residuals(values, holiday, makeup)
    assert found.expected == pytest.approx(fit.trend + fit.seasonal)
    assert found.level == fit.trend[-1] and found.week == pytest.approx(fit.seasonal[-7:])
    assert np.abs(found.z).max() < 5 and found.scatter == pytest.approx(3, rel=0.3)


def test_a_holiday_is_no_anomaly_and_a_spike_is() -> None:
    values, holiday, makeup = week_series(20)
    holiday = holiday.copy()
    holiday[[30, 31, 72, 73, 100]] = True
    values[holiday] *= 0.4
    values[60] += 60
    found = baseline.seasonal_residuals(values, holiday, makeup)
    assert found.holiday == pytest.approx(0.4, abs=0.06) and found.makeup == 1
    assert found.expected[30] < 50 and int(np.nanargmax(found.z)) == 60 and found.z[60] > 10
    spoilt = values.copy()
    spoilt[40] = np.nan
    assert np.isnan(baseline.seasonal_residuals(spoilt, holiday, makeup).z[40])
    with pytest.raises(ValueError, match="needs 14 days"):
        baseline.seasonal_residuals(values[:13], holiday[:13], makeup[:13])


def test_robust_z_by_hand() -> None:
    """Iglewicz & Hoaglin (1993): 0.6745 (x - median) / MAD; median 3, MAD 1."""
    assert baseline.robust_z(np.array([1.0, 3, 9]), np.array([1.0, 2, 3, 4, 5])).tolist() == pytest.approx(
        [-1.349, 0, 4.047]
    )
    assert np.isnan(baseline.robust_z(np.array([1.0]), np.array([2.0, 2, 2]))).all()


def test_poisson_tail_equals_scipy() -> None:
    from scipy.stats import poisson

    counts, means = np.array([0.0, 1, 5, 12, 40]), np.array([2.0, 0.01, 2, 4, 30])
    assert baseline.poisson_tail(counts, means) == pytest.approx(poisson.sf(counts - 1, means))
    assert baseline.poisson_tail(np.array([1.0, np.nan]), np.array([0.0, 1]))[0] == 0


# --- outbreaks ------------------------------------------------------------------------------------------------------


def test_farrington_bound_and_weights_equal_r_surveillance() -> None:
    """R package surveillance, tests/testthat/test-farringtonFlexible.R: mean 5, error 0.2, phi 1, alpha 0.05 gives the
    upper bound 9.1154825 and 8 cases the score 0.7289546; five residuals of 0 and five of 2 the weights 1.6 and 0.4."""
    upper = outbreak.upper_bound(5, 0.2, 1, 1.6448536269514722)
    assert upper == pytest.approx(9.1154825, abs=1e-6)
    assert (8 - 5) / (upper - 5) == pytest.approx(0.7289546, abs=1e-6)
    assert outbreak.anscombe_weights(np.array([0.0] * 5 + [2.0] * 5), 0) == pytest.approx([1.6] * 5 + [0.4] * 5)


def test_the_season_has_ten_levels_of_nearly_equal_length() -> None:
    """As in surveillance: windows of 2w + 1 weeks share one level, the weeks between them nine blocks of a year."""
    reference = [300 - round(i * 365.25 / 7) for i in range(6)]
    level = outbreak.season(reference, 3, 10, 301)
    assert set(level.tolist()) == set(range(-1, 10))
    assert (level == 0).sum() == 4 + 5 * 7
    sizes = [int((level == block).sum()) for block in range(1, 10)]
    assert max(sizes) - min(sizes) <= 5
    assert sum(sizes) == reference[0] - reference[-1] - 5 * 7


def test_farrington_fits_what_iteratively_reweighted_least_squares_fits() -> None:
    """Reference: McCullagh & Nelder's algorithm written out, without trend, season or reweighting."""
    random = np.random.default_rng(7)
    counts = random.poisson(12, 320).astype(float)
    found = outbreak.farrington(counts, periods=2, residual_limit=1e9)
    assert found is not None
    now, reference = 319, [319 - round(i * 365.25 / 7) for i in range(6)]
    level = outbreak.season(reference, 3, 2, 320)
    level[now - 26 :] = -1
    used = np.flatnonzero(level >= 0)
    design = np.column_stack([np.ones(len(used)), level[used] == 1, used - used[0]]).astype(float)
    beta = np.array([np.log(counts[used].mean()), 0, 0])
    for _ in range(50):
        mu = np.exp(design @ beta)
        beta = np.linalg.solve(design.T @ (design * mu[:, None]), design.T @ (mu * (design @ beta) + counts[used] - mu))
    mu = np.exp(design @ beta)
    phi = float(((counts[used] - mu) ** 2 / mu).sum() / (len(used) - 3))
    at = np.array([1.0, 0, now - used[0]])
    mean = float(np.exp(at @ beta))
    error = mean * float(np.sqrt(phi * at @ np.linalg.inv(design.T @ (design * mu[:, None])) @ at))
    assert found.has_trend and found.expected == pytest.approx(mean, rel=1e-6)
    assert found.upper == pytest.approx(outbreak.upper_bound(mean, error, max(phi, 1), 2.5758293), rel=1e-6)


def test_farrington_forgets_an_old_outbreak_and_sees_a_new_one() -> None:
    random = np.random.default_rng(3)
    season = 10 + 6 * np.sin(np.arange(320) * 2 * np.pi / 52.18)
    counts = random.poisson(season).astype(float)
    calm = outbreak.farrington(counts)
    old = counts.copy()
    old[105:110] += 60
    once = outbreak.farrington(old)
    assert calm is not None and once is not None and not calm.is_alarm
    assert once.upper < 2 * calm.upper, "reweighting"
    new = counts.copy()
    new[-1] = 3 * calm.upper
    loud = outbreak.farrington(new)
    assert loud is not None and loud.is_alarm and loud.expected == calm.expected, "the week is not its own baseline"
    few = np.zeros(320)
    few[::40] = 1
    few[-1] = 4
    assert (signal := outbreak.farrington(few)) is None or not signal.is_alarm, "fewer than five cases in four weeks"
    assert outbreak.farrington(counts[-200:]) is None and outbreak.farrington(np.zeros(320)) is None


def test_ears_by_hand() -> None:
    """Hutwagner et al. (2003): baseline 1..7 has mean 4 and sd 2.1602; lag 2 for C2; C3 sums what is above 1."""
    counts = np.array([1.0, 2, 3, 4, 5, 6, 7, 4, 4, 15, 4, 15])
    c1, c2, c3 = outbreak.ears(counts)
    assert np.isnan(c1[:7]).all() and np.isnan(c2[:9]).all() and np.isnan(c3[:11]).all()
    assert c1[7] == 0 and c2[9] == pytest.approx((15 - 4) / 2.160247)
    assert c3[11] == pytest.approx(sum(max(0, c2[i] - 1) for i in (9, 10, 11)))
    assert outbreak.ears(np.array([2.0] * 7 + [4]))[0][7] == 4, "equal counts are no certainty: sd at least 0.5"


# --- forecasts ------------------------------------------------------------------------------------------------------


def test_errors_of_forecasts_by_hand() -> None:
    """Hyndman & Koehler (2006): mean absolute error over the seasonal naive's; Makridakis (1993), 0/0 counts as 0."""
    learned = np.array([1.0, 2, 3, 4, 5, 6, 7, 3, 4, 5, 6, 7, 8, 9])
    assert forecast.mase(np.array([5.0, np.nan, 9]), np.array([4.0, 0, 6]), learned) == 1.0
    assert np.isnan(forecast.mase(np.array([1.0]), np.array([1.0]), np.ones(14)))
    assert forecast.smape(np.array([100.0, 0]), np.array([110.0, 0])) == pytest.approx(20 / 210 / 2)


def test_seasonal_naive_says_last_week() -> None:
    values = np.array([1.0, 2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6, 7, np.nan])
    said = forecast.seasonal_naive(values, 9)
    assert said.mean.tolist() == [2, 3, 4, 5, 6, 7, 7, 2, 3]
    assert said.upper[0] - said.mean[0] == pytest.approx(1.2815515655) and said.upper[8] > said.upper[1]


def test_smoothing_equals_statsmodels() -> None:
    """Reference: statsmodels' SimpleExpSmoothing with the same constant and beginning."""
    from statsmodels.tsa.holtwinters import SimpleExpSmoothing

    values = np.cumsum(np.random.default_rng(9).normal(size=120)) + 50
    constant, ahead, errors = forecast.smoothed(values)
    fit = SimpleExpSmoothing(values, initialization_method="known", initial_level=values[:28].mean())
    same = fit.fit(smoothing_level=constant, optimized=False)
    assert ahead == pytest.approx(float(same.forecast(1)[0])) and errors == pytest.approx(values - same.fittedvalues)
    assert constant > 0.8, "a random walk forgets at once"


def test_stl_ets_beats_the_naive_and_its_interval_holds_what_it_says() -> None:
    random = np.random.default_rng(5)
    n = 7 * 60
    values = random.poisson(np.tile([40.0, 42, 41, 39, 38, 20, 15], 60)).astype(float)
    holiday, none = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    holiday[[100, 101, 250, 330, 415, 416]] = True
    values[holiday] = random.poisson(8, 6)
    tested = forecast.back_test(values, holiday, none, forecast.stl_ets, horizon=7, origins=20, least=56)
    assert tested is not None and tested.n == 140
    assert tested.mase < 0.85 * tested.naive_mase and 0.7 < tested.covered < 0.9 and 0 < tested.smape < 0.4
    ahead = np.zeros(7, dtype=bool)
    ahead[0] = True
    said = forecast.stl_ets(values, holiday, none, ahead, np.zeros(7, dtype=bool))
    assert said.mean[0] < 15 < said.mean[1] and (said.lower >= 0).all()
    short = values[:50], holiday[:50], none[:50]
    assert forecast.back_test(*short, forecast.stl_ets, horizon=7, origins=2, least=56) is None


# --- rates ----------------------------------------------------------------------------------------------------------


def test_empirical_bayes_equals_esda_on_its_published_example() -> None:
    """esda's Empirical_Bayes on libpysal's St. Louis homicides; the first values stand in esda's documentation."""
    import libpysal
    from esda.smoothing import Empirical_Bayes

    table = libpysal.io.open(libpysal.examples.get_path("stl_hom.csv"), "r")
    events, population = np.array(table[:, 10], float), np.array(table[:, 13], float)
    table.close()
    found = rates.empirical_bayes(events, population)
    assert found == pytest.approx(Empirical_Bayes(events, population).r.ravel())
    assert found[:4] == pytest.approx([2.36718950e-05, 4.54539167e-05, 4.78114019e-05, 2.76907146e-05])
    assert np.isnan(rates.empirical_bayes(np.array([1.0]), np.array([0.0]))).all()
    assert rates.empirical_bayes(np.array([1.0, 1]), np.array([10.0, 10])).tolist() == [0.1, 0.1], "chance only"


def test_wilson_equals_newcombe() -> None:
    """Newcombe (1998), Statistics in Medicine 17:857-872, table I: 81/263, 15/148, 0/20, 1/29."""
    low, high = rates.wilson(np.array([81.0, 15, 0, 1, 0]), np.array([263.0, 148, 20, 29, 0]))
    assert low[:4] == pytest.approx([0.2553, 0.0624, 0, 0.0061], abs=5e-5)
    assert high[:4] == pytest.approx([0.3662, 0.1605, 0.1611, 0.1718], abs=5e-5)
    assert np.isnan(low[4]) and np.isnan(high[4])


# --- composite indices ----------------------------------------------------------------------------------------------


def test_entropy_weights_of_the_worked_matrix() -> None:
    matrix = np.array([[0.2, 0.9, 0.5], [0.8, 0.1, 0.5], [0.5, 0.4, 0.6], [0.9, 0.3, 0.4]])
    assert composite.entropy_weights(matrix) == pytest.approx([0.3245, 0.6479, 0.0276], abs=5e-5)
    assert composite.entropy_weights(np.array([[1.0, 0, 2], [1, 3, 0]]))[0] == 0, "an equal column tells nothing apart"
    with pytest.raises(ValueError, match="tells the units apart"):
        composite.entropy_weights(np.ones((3, 2)))
    with pytest.raises(ValueError, match="two units"):
        composite.entropy_weights(-np.ones((3, 2)))


def test_ahp_of_the_worked_matrix() -> None:
    judgements = np.array([[1, 3, 5], [1 / 3, 1, 2], [1 / 5, 1 / 2, 1]])
    weights, ratio = composite.ahp_weights(judgements)
    assert weights == pytest.approx([0.648, 0.230, 0.122], abs=5e-4) and ratio == pytest.approx(0.0032, abs=5e-5)
    _, wrong = composite.ahp_weights(np.array([[1, 9, 1 / 9], [1 / 9, 1, 9], [9, 1 / 9, 1]]))
    assert wrong > 1, "contradicts itself"
    with pytest.raises(ValueError, match="reciprocal"):
        composite.ahp_weights(np.array([[1.0, 2], [2, 1]]))


def test_topsis_equals_hwang_and_yoon() -> None:
    """Hwang & Yoon (1981): four fighter aircraft, closeness 0.643, 0.268, 0.613, 0.312."""
    matrix = np.array(
        [[2.0, 1500, 20000, 5.5, 5, 9], [2.5, 2700, 18000, 6.5, 3, 5],
         [1.8, 2000, 21000, 4.5, 7, 7], [2.2, 1800, 20000, 5.0, 5, 5]]
    )  # fmt: skip
    is_good = np.array([True, True, True, False, True, True])
    found = composite.topsis(matrix, np.array([0.2, 0.1, 0.1, 0.1, 0.2, 0.3]), is_good)
    assert found == pytest.approx([0.643, 0.268, 0.613, 0.312], abs=6e-4)


def test_an_index_adds_within_a_pillar_and_multiplies_across() -> None:
    """OECD/JRC handbook, step 6: an even unit beats one that is great in one pillar and poor in the other."""
    units = np.array([[0.5, 0.5, 0.5], [0.9, 0.9, 0.1], [0.2, 0.8, 0.5]])
    pillars = np.array([0, 0, 1])
    found = composite.aggregate(units, np.array([1.0, 1, 1]), pillars, np.array([1.0, 1]))
    assert found == pytest.approx([0.5, 0.3, 0.5])
    assert composite.ranks(found).tolist() == [1, 3, 1]
    assert composite.min_max(np.array([0.0, 5, 10]), tail=0).tolist() == [0, 0.5, 1]
    assert composite.min_max(np.array([0.0, 5, 10]), is_good=False, tail=0).tolist() == [1, 0.5, 0]
    assert composite.min_max(np.array([3.0, 3, np.nan]))[:2].tolist() == [0.5, 0.5]
    ends = composite.min_max(np.r_[np.arange(100.0), 1e6])
    assert ends[50] > 0.4, "one odd unit does not press the others together"


def test_rank_intervals_are_the_same_each_time_and_hold_the_rank() -> None:
    random = np.random.default_rng(2)
    units, weights, pillars = random.uniform(0.1, 1, (8, 6)), np.ones(6), np.array([0, 0, 1, 1, 2, 2])
    given = units, weights, pillars, np.ones(3)
    best, worst = composite.rank_intervals(*given, draws=300)
    again = composite.rank_intervals(*given, draws=300)
    assert (best == again[0]).all() and (worst == again[1]).all()
    rank = composite.ranks(composite.aggregate(*given))
    assert (best <= rank).all() and (rank <= worst).all() and (worst > best).any()
    same = composite.rank_intervals(*given, spread=0, draws=3)
    assert (same[0] == rank).all() and (same[1] == rank).all()


# --- roads ----------------------------------------------------------------------------------------------------------


def test_expected_crashes_equal_hauers_tutorial() -> None:
    """Hauer et al. (2002), TRR 1784: 1.8 km, 2.41 crashes per km and year by the SPF, phi 2.05 per km. One year with 12
    crashes: 8.48 +- 2.14 (4.71 +- 1.19 per km); three years with 12, 7 and 8: 7.97 +- 1.44 per year."""
    like, phi = np.array([2.41 * 1.8]), 2.05 * 1.8
    (one,), (one_sd,) = roads.expected_crashes(np.array([12.0]), like, years=1, overdispersion=phi)
    assert (one, one_sd) == pytest.approx((8.48, 2.14), abs=0.005)
    assert (one / 1.8, one_sd / 1.8) == pytest.approx((4.71, 1.19), abs=0.005)
    (three,), (three_sd,) = roads.expected_crashes(np.array([27.0]), like, years=3, overdispersion=phi)
    assert (three, three_sd) == pytest.approx((7.97, 1.44), abs=0.005)
    assert roads.overdispersion_of(np.array([2.0, 2, 2])) == float("inf")
    assert roads.overdispersion_of(np.array([0.0, 4, 8])) == pytest.approx(16 / (16 - 4))


def test_epdo_weighs_by_the_worst_outcome() -> None:
    one = np.array([1.0])
    assert roads.epdo(one, 17 * one, 12 * one, fatal_weight=542, injury_weight=11).tolist() == [741]
    assert roads.epdo(one, 2 * one, 3 * one).tolist() == [19.5]


def test_windows_begin_at_crashes_and_do_not_overlap() -> None:
    stakes = np.array([0.0, 400, 450, 500, 900, 3000])
    weights = np.array([1.0, 1, 9.5, 1, 1, 3.5])
    found = roads.moving_window(stakes, weights, length_m=500)
    assert [(w.starts_m, w.ends_m, w.crashes_n, w.weight) for w in found] == [
        (0, 500, 4, 12.5), (3000, 3000, 1, 3.5), (900, 900, 1, 1.0)]  # fmt: skip
    assert roads.moving_window(np.array([]), np.array([])) == []


# --- hot spots ------------------------------------------------------------------------------------------------------


def test_getis_ord_equals_the_published_example() -> None:
    """esda's documentation of G_Local: six points, distance band 15, G* z values; and the formula of Ord & Getis."""
    from libpysal.weights import DistanceBand

    points = [(10, 10), (20, 10), (40, 10), (15, 20), (30, 20), (30, 30)]
    values = np.array([2, 3, 3.2, 5, 8, 7])
    near = DistanceBand(points, threshold=15)
    found = hotspots.getis_ord(values, near)
    assert found.z == pytest.approx(
        [-1.39727626, -0.28917762, 0.65064964, -0.28917762, 1.23452088, 2.02424331], abs=1e-7
    )
    for i in range(6):
        own = np.array([1.0 if j == i or j in near.neighbors[i] else 0.0 for j in range(6)])
        s, n = values.std(), 6
        by_hand = (own @ values - values.mean() * own.sum()) / (
            s * np.sqrt((n * (own**2).sum() - own.sum() ** 2) / (n - 1))
        )
        assert found.z[i] == pytest.approx(by_hand)


def test_hot_cells_of_a_map_are_found_and_chance_is_not() -> None:
    x, y = (side.ravel() for side in np.meshgrid(np.arange(12), np.arange(12)))
    values = np.random.default_rng(11).poisson(3, 144).astype(float)
    near = hotspots.cell_neighbours(x, y)
    assert len(near.neighbors[0]) == 3 and len(near.neighbors[13]) == 8
    assert not hotspots.false_discovery(hotspots.getis_ord(values, near).p).any()
    block = (x >= 4) & (x <= 6) & (y >= 4) & (y <= 6)
    values[block] += 12
    hot = hotspots.getis_ord(values, near)
    assert hotspots.false_discovery(hot.p)[block].all()
    moran = hotspots.local_moran(values, near)
    assert (moran.quadrant[block] == hotspots.HIGH_HIGH).all() and hotspots.false_discovery(moran.p)[block].all()
    assert (hotspots.getis_ord(np.ones(144), near).z == 0).all()


def test_local_moran_adds_up_to_the_global_one() -> None:
    """Anselin (1995): the local values sum to the global Moran's I, here times n - 1, as esda scales them."""
    import libpysal
    from esda.moran import Moran, Moran_Local

    x, y = (side.ravel() for side in np.meshgrid(np.arange(8), np.arange(8)))
    values = np.random.default_rng(4).normal(size=64)
    near = hotspots.cell_neighbours(x, y)
    local = Moran_Local(values, near, permutations=0)
    assert local.Is.sum() / (64 - 1) == pytest.approx(Moran(values, near, permutations=0).I)
    lonely = libpysal.weights.W({0: [1], 1: [0], 2: []}, silence_warnings=True)
    assert hotspots.local_moran(np.array([1.0, 2, 3]), lonely).z[2] == 0


def test_false_discovery_equals_benjamini_and_hochberg() -> None:
    """Benjamini & Hochberg (1995), the fifteen p values of their example: four are significant at 0.05."""
    p = np.array([0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719,
                  0.6528, 0.7590, 1.0])  # fmt: skip
    assert hotspots.false_discovery(p).sum() == 4
    assert not hotspots.false_discovery(np.array([])).any()


def test_knox_equals_the_published_example() -> None:
    """PySAL's documentation of Knox on Burkitt's lymphoma (libpysal): 20 km and 5 days, statistic 13, p about 0.17."""
    import libpysal

    table = libpysal.io.open(libpysal.examples.get_path("burkitt.dbf"))
    x, y, t = (np.array(table.by_col(name), float) for name in ("X", "Y", "T"))
    table.close()
    found = hotspots.knox(x, y, t, metres=20, within_days=5, permutations=199)
    assert found.near_pairs == 13 and found.p == pytest.approx(0.17, abs=0.06)
    assert found == hotspots.knox(x, y, t, metres=20, within_days=5, permutations=199), "seeded"
    assert hotspots.knox(x[:1], y[:1], t[:1], metres=20, within_days=5).p == 1


def test_pai_by_hand() -> None:
    """Chainey, Tompson & Uhlig (2008): 25 % of the crimes in 10 % of the area is 2.5."""
    scores, came = np.arange(10.0)[::-1], np.array([25.0] + [75 / 9] * 9)
    found = hotspots.prediction_accuracy(scores, came, top_share=0.1)
    assert (found.hit_rate, found.area_share, found.pai) == pytest.approx((0.25, 0.1, 2.5))


def test_kernel_density_integrates_to_the_number_of_events() -> None:
    """Silverman (1986): the kernel is a density."""
    at_x, at_y = (side.ravel() for side in np.meshgrid(np.arange(-600, 601, 20.0), np.arange(-600, 601, 20.0)))
    found = hotspots.kernel_density(np.array([0.0, 50]), np.zeros(2), at_x, at_y, bandwidth_m=500)
    assert found.sum() * 0.02 * 0.02 == pytest.approx(2, rel=0.01)


# --- steps ----------------------------------------------------------------------------------------------------------


def test_a_step_writes_what_its_yaml_promises_and_nothing_else() -> None:
    duck = duckdb.connect()
    promised = {"key": "varchar", "z": "decimal(9,3)", "is_out": "boolean", "day_on": "date"}
    days = np.array(["2026-05-01", "2026-05-02"], dtype="datetime64[D]")
    found = {"day_on": days, "key": ["a", None], "z": np.array([1.23456, np.nan]), "is_out": np.array([True, False])}
    steps.write(found, duck, "made", promised)
    assert duck.execute("SELECT key, z::VARCHAR, is_out, day_on::VARCHAR FROM made").fetchall() == [
        ("a", "1.235", True, "2026-05-01"), (None, None, False, "2026-05-02")]  # fmt: skip
    steps.write({name: [] for name in promised}, duck, "nothing", promised)
    assert [row[1] for row in duck.execute("DESCRIBE nothing").fetchall()] == [
        "VARCHAR", "DECIMAL(9,3)", "BOOLEAN", "DATE"]  # fmt: skip
    steps.write(pa.table({"n": [1]}), duck, "arrow", {"n": "bigint"})
    with pytest.raises(ValueError, match=r"not returned: \['n'\]; returned and not promised: \['m'\]"):
        steps.write({"m": [1]}, duck, "wrong", {"n": "bigint"})


def test_rows_come_in_order_and_parameters_as_they_were_in_force() -> None:
    duck = duckdb.connect()
    given = duck.sql(
        "FROM (VALUES ('m.a', 1.5::DECIMAL(9, 2), DATE '2020-01-01', DATE '2026-01-01'), "
        "('m.a', 2.5, DATE '2026-01-01', NULL), ('m.b', 3, DATE '2030-01-01', NULL), "
        "('n.a', 4, DATE '2020-01-01', NULL)) "
        "AS t (threshold_id, value, valid_from, valid_to)"
    )
    build = duck.sql("SELECT DATE '2026-01-01' AS as_of")
    assert steps.parameters(given, build, "m") == {"a": 2.5}
    with pytest.raises(ValueError, match="no parameter of nobody"):
        steps.parameters(given, build, "nobody")
    read = steps.rows(duck.sql("FROM (VALUES (2, 'b', NULL), (1, 'a', 0.5), (1, 'b', 7)) AS t (n, key, x)"), "n, key")
    assert read["n"].tolist() == [1, 1, 2] and read["x"][0] == 0.5 and np.isnan(read["x"][2])
    assert [(key, rows) for key, rows in steps.groups(read, ["n"])] == [((1,), slice(0, 2)), ((2,), slice(2, 3))]


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    names = (
        "baseline, case_steps, composite, disease_steps, forecast, hotspots, outbreak, place_steps, rates, roads, steps"
    )
    code = (
        f"import sys; from lake.methods import {names}; "
        "print([m for m in ('pandas', 'scipy', 'statsmodels', 'esda', 'libpysal', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


CASE_BASELINE = {"reported_days": 14, "least_days": 56, "least_per_day": 1, "stl_season_weeks": 35,
                 "stl_outer_iterations": 5, "z_limit": 3.5, "least_n": 20, "poisson_alpha": 0.01, "ewma_lambda": 0.2,
                 "ewma_l": 3, "cusum_k": 0.5, "cusum_h": 5}  # fmt: skip


def case_days(series: dict[str, Any]) -> steps.Columns:
    """Rows of case_day for one source and division, one topic per series, sorted as the step wants them."""
    n = len(next(iter(series.values())))
    on = np.datetime64("2026-01-01") + np.arange(n)
    return {
        "source_system": np.full(n * len(series), "hotline", dtype=object),
        "topic_zh": np.repeat(np.array(list(series), dtype=object), n),
        "division_code": np.full(n * len(series), "1", dtype=object),
        "day_on": np.tile(on, len(series)),
        "is_holiday": np.zeros(n * len(series), dtype=bool),
        "is_makeup_workday": np.zeros(n * len(series), dtype=bool),
        "cases_n": np.concatenate([np.asarray(values, dtype=float) for values in series.values()]),
    }


def test_a_busy_topic_a_rare_one_and_a_day_that_is_not_in() -> None:
    random = np.random.default_rng(8)
    week = np.tile([40.0, 42, 41, 39, 38, 20, 15], 20)
    busy, rare, shifted = random.poisson(week).astype(float), np.zeros(140), random.poisson(week).astype(float)
    busy[-1] += 60
    busy[-3] = np.nan
    rare[[3, 40, 90]] = 1
    rare[-2] = 3
    shifted[-14:] += 12
    days = case_days({"busy": busy, "rare": rare, "shifted": shifted})
    found = case_steps.baseline(days, CASE_BASELINE)
    assert all(len(column) == 3 * 14 for column in found.values())
    row = {topic: slice(14 * i, 14 * i + 14) for i, topic in enumerate(("busy", "rare", "shifted"))}
    assert found["is_spike"][row["busy"]].tolist() == [False] * 13 + [True]
    assert np.isnan(found["cases_n"][row["busy"]][11]) and not found["is_rare"][row["busy"]][11]
    assert found["is_rare"][row["rare"]].tolist() == [False] * 12 + [True, False]
    assert np.isnan(found["residual_z"][row["rare"]]).all() and not found["is_cusum_out"][row["rare"]].any()
    assert found["is_cusum_out"][row["shifted"]][-1] and found["is_ewma_out"][row["shifted"]][-1]
    assert not found["is_cusum_out"][row["busy"]][:13].any()
    assert '"method": "case_baseline"' in found["parameters"][0] and '"statsmodels": "' in found["parameters"][0]
    assert len(case_steps.baseline(case_days({"short": busy[:50]}), CASE_BASELINE)["day_on"]) == 0


def test_forecasts_are_of_all_topics_together_and_begin_after_the_last_day_that_is_in() -> None:
    random = np.random.default_rng(8)
    a, b = (random.poisson(np.tile([20.0, 20, 20, 20, 20, 5, 5], 20)).astype(float) for _ in range(2))
    a[-2:], b[-2:] = np.nan, np.nan
    given = {"horizon_days": 7, "origins": 4, "least_days": 28, "coverage": 0.8, "stl_season_weeks": 35,
             "stl_outer_iterations": 5}  # fmt: skip
    last = np.datetime64("2026-01-01") + 137
    calendar = {"date_on": np.array([last + 1]), "is_holiday": np.array([True]), "is_makeup_workday": np.array([False])}
    said = case_steps.ahead(case_days({"a": a, "b": b}), calendar, given)
    assert said["day_on"].tolist() == [(last + i).item() for i in range(1, 8)]
    assert said["is_holiday"].tolist() == [True] + [False] * 6
    assert said["expected_n"][2] == pytest.approx(40, abs=8), "the two topics together, on a Monday"
    tested = case_steps.tested(case_days({"a": a, "b": b}), given)
    assert tested["days_n"].tolist() == [28] and tested["mase"][0] < 1.2


def test_signals_say_which_method_judged() -> None:
    given = {"years": 5, "least_years": 3, "half_window": 3, "periods": 10, "excluded": 26, "residual_limit": 2.58,
             "z": 2.5758293, "ears_limit": 3, "least_cases": 5, "least_weeks": 4, "reported_weeks": 2}  # fmt: skip
    for n, method in ((9, "none"), (20, "ears"), (52 * 4, "farrington")):
        counts = np.random.default_rng(1).poisson(6, n).astype(float)
        counts[-1] = 40
        weeks = {"disease_key": np.full(n, "flu", dtype=object), "division_code": np.full(n, "1", dtype=object),
                 "week_on": np.datetime64("2020-01-06") + 7 * np.arange(n), "cases_n": counts}  # fmt: skip
        found = disease_steps.signals(weeks, given)
        assert found["method"].tolist() == [method, method], n
        assert found["is_signal"].tolist() == [False, method != "none"]


def test_steps_over_places_say_nothing_of_nothing() -> None:
    empty: steps.Columns = {
        name: np.array([]) for name in ("kind", "cell_x", "cell_y", "events_n", "x_m", "division_code")
    }
    assert len(place_steps.hot_cells(empty, {"alpha": 0.05, "least_cells": 30})["kind"]) == 0
    assert len(place_steps.near_repeats(empty, {})["kind"]) == 0
    counts = {"kind": np.array(["a"] * 3, dtype=object), "division_code": np.array(["1", "2", "3"], dtype=object),
              "events_n": np.array([30, 1, 0]), "residents_n": np.array([1000, 10, 1000])}  # fmt: skip
    found = place_steps.drawn_rates(counts, {"window_days": 90})
    assert found["rate_1k"].tolist() == [30, 100, 0] and found["rank_no"].tolist()[0] == 1, "one event in ten is luck"
    on = np.array(["2026-01-01", "2026-01-02", "2026-03-01", "2026-03-02"], dtype="datetime64[D]")
    points = {"kind": np.array(["crash"] * 4, dtype=object), "event_key": np.array(list("abcd"), dtype=object),
              "x_m": np.array([0.0, 1, 5000, 5001]), "y_m": np.zeros(4), "day_on": on}  # fmt: skip
    given = {"metres": 200, "within_days": 14, "permutations": 99, "seed": 1, "alpha": 0.5, "least_ratio": 1.2}
    near = place_steps.near_repeats(points, given)
    assert near["near_pairs_n"].tolist() == [2] and near["is_near_repeat"].tolist() == [True]


def test_a_map_of_cells_keeps_what_happened_and_what_is_hot() -> None:
    x, y = (side.ravel() for side in np.meshgrid(np.arange(10), np.arange(10)))
    events = np.where((x < 3) & (y < 3), 9, np.where((x + y) % 4 == 0, 1, 0))
    events[11] = 0
    cells = {"kind": np.full(100, "crash", dtype=object), "cell_x": x, "cell_y": y, "events_n": events,
             "division_code": np.full(100, "1", dtype=object), "latitude": y / 100, "longitude": x / 100}  # fmt: skip
    found = place_steps.hot_cells(cells, {"alpha": 0.05, "least_cells": 30})
    at = {(int(a), int(b)): i for i, (a, b) in enumerate(zip(found["cell_x"], found["cell_y"], strict=True))}
    assert found["is_hot"][at[1, 1]] and found["events_n"][at[1, 1]] == 0, "an empty cell amid hot ones"
    assert set(at) == {(int(a), int(b)) for a, b, n in zip(x, y, events, strict=True) if n > 0} | {(1, 1)}
    assert len(place_steps.hot_cells(cells, {"alpha": 0.05, "least_cells": 101})["kind"]) == 0
