"""What a brief may say about a number: comparison rules and narrative rules as code, verbs from statistics.

Nothing here knows an indicator or a city. Directions come out of `compare` and `judge` only, so that a template can be
proved to hold none (see `lake.briefs.lint`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from lake.briefs.numbers import grouped, quantity, share
from lake.briefs.thresholds import Thresholds

FLAT = "基本持平"
PREVIOUS, LAST_YEAR = "环比", "同比"


@dataclass(frozen=True)
class Band:
    """What a value is expected to be: mean and standard deviation of the windows like it."""

    expected: Decimal
    sigma: Decimal

    def distance(self, value: Decimal) -> Decimal | None:
        """How many standard deviations above (+) or below (−) the mean; None when all windows were the same."""
        return (value - self.expected) / self.sigma if self.sigma else None


@dataclass(frozen=True)
class Comparison:
    """A number against its base.

    Attributes:
        basis: 环比 or 同比.
        value: the base's value; None = the base has no number.
        delta: difference, in per cent of the base (`pct`), percentage points (`pp`) or the unit itself (`count`).
        delta_kind: ``pct``, ``pp``, ``count``; ``none`` where no difference may be printed.
        verb: 基本持平, 略升, 明显下降 …; empty where counts are given instead.
        text: the whole phrase, such as ``环比略升3.2%``.
    """

    basis: str
    value: Decimal | None
    delta: Decimal | None
    delta_kind: str
    verb: str
    text: str

    @property
    def amount(self) -> str:
        """The printed size of the change without direction (``3.2%``, ``1.5个百分点``); empty beside 基本持平."""
        if self.delta is None or self.verb in ("", FLAT):
            return ""
        return (
            f"{grouped(abs(self.delta), 1)}%" if self.delta_kind == "pct" else f"{grouped(abs(self.delta), 2)}个百分点"
        )


def compare(
    value: Decimal,
    base: Decimal,
    *,
    basis: str,
    unit: str,
    thresholds: Thresholds,
    kind: str = "count",
    decimals: int = 0,
    band: Band | None = None,
    denominators: tuple[Decimal, Decimal] | None = None,
) -> Comparison:
    """Compare a value with its base, and choose the words.

    Args:
        value, base: the two numbers; rates in per cent.
        basis: 环比 or 同比.
        unit: of the count, such as 件.
        thresholds: in force.
        kind: ``count``, ``measure`` (hours, millimetres) or ``rate`` (differences in percentage points, never in %).
        decimals: of value and base, where they are printed themselves.
        band: expectation of the value; without one the verb carries no adverb.
        denominators: of a rate, now and then.
    """
    word = {PREVIOUS: "上期", LAST_YEAR: "上年同期"}[basis]

    def written(number: Decimal) -> str:
        return f"{quantity(number, decimals, thresholds)}{unit}"

    if kind == "rate":
        if denominators and min(denominators) < thresholds.value("small_denominator"):
            return Comparison(basis, base, None, "none", "", "")
        delta = value - base
        verb = change_verb(value, base, band, thresholds)
        text = f"{basis}{verb}" if verb == FLAT else f"{basis}{verb}{grouped(abs(delta), 2)}个百分点"
        return Comparison(basis, base, delta, "pp", verb, text)
    if kind == "count" and base == 0:
        return Comparison(basis, base, value, "count", "", f"{word}{'也' if value == 0 else ''}为0")
    if base == 0 or (kind == "count" and base < thresholds.value("small_count")):
        if value == base:
            return Comparison(basis, base, Decimal(0), "count", "", f"与{word}相同")
        joint = "增至" if value > base else "减至"
        text = f"{basis}由{written(base)}{joint}{written(value)}"
        return Comparison(basis, base, value - base, "count", "", text)
    delta = (value - base) * 100 / base
    verb = change_verb(value, base, band, thresholds)
    text = f"{basis}{verb}" if verb == FLAT else f"{basis}{verb}{grouped(abs(delta), 1)}%"
    return Comparison(basis, base, delta, "pct", verb, text)


def change_verb(value: Decimal, base: Decimal, band: Band | None, thresholds: Thresholds) -> str:
    """The verb of a change: its size against the base, its weight against the band.

    Below 2 % of the base is 基本持平. A change that left the band on the side it moved to is 大幅 outside 3σ and
    明显 outside 2σ. Inside, a change of up to 1σ (the control band: such steps come by themselves) is 基本持平, a
    larger one 略升/略降. A change of `notable_pct` and more inside the band (a Monday after a quiet Sunday, say)
    would make 基本持平 untrue and 略升152% a joke: it is 上升, and the figure's level says that it is ordinary.
    Without a band the verb stands alone.
    """
    step, up = abs(value - base), value > base
    if base and step * 100 < thresholds.value("flat_pct") * abs(base):
        return FLAT
    direction = "上升" if up else "下降"
    if band is None or (distance := band.distance(value)) is None:
        return direction
    outside = distance if up else -distance
    if outside > thresholds.value("marked_sigma"):
        return f"{'大幅' if outside > thresholds.value('strong_sigma') else '明显'}{direction}"
    if step * 100 >= thresholds.value("notable_pct") * abs(base):
        return direction
    if step <= thresholds.value("control_sigma") * band.sigma:
        return FLAT
    return "略升" if up else "略降"


def judge(value: Decimal, band: Band | None, thresholds: Thresholds) -> str:
    """Where a value stands against its band, in one word; empty without a band."""
    if band is None or (distance := band.distance(value)) is None:
        return ""
    if abs(distance) <= thresholds.value("marked_sigma"):
        return "总体平稳"
    adverb = "大幅" if abs(distance) > thresholds.value("strong_sigma") else "明显"
    return f"{adverb}{'偏高' if distance > 0 else '偏低'}"


def run_of(values: Sequence[Decimal | None], thresholds: Thresholds) -> int:
    """How many windows in a row the numbers moved the same way, newest first: +3 up three times, −2 down twice.

    A move below 2 % ends the row, and so does a window without a number.
    """
    length = 0
    for newer, older in pairwise(values):
        if newer is None or older is None or newer == older:
            break
        if abs(newer - older) * 100 < thresholds.value("flat_pct") * abs(older):
            break
        step = 1 if newer > older else -1
        if length * step < 0:
            break
        length += step
    return length


def run_text(length: int, window_word: str, thresholds: Thresholds) -> str:
    """``连续3周上升``, only from `run_min` windows on."""
    if abs(length) < thresholds.value("run_min"):
        return ""
    return f"连续{abs(length)}{window_word}{'上升' if length > 0 else '下降'}"


def concentration(
    parts: Sequence[tuple[str, Decimal]], total: Decimal, groups: int, thresholds: Thresholds
) -> tuple[tuple[str, ...], Decimal] | None:
    """The few names a total is concentrated in, and their share in per cent; None when it is not.

    Args:
        parts: names and values, largest first.
        total: what the values are part of.
        groups: into how many groups the total is divided.
        thresholds: at most `top_named` names; together `share_top_pct`, or `share_base_ratio` times an even share.
    """
    named = [part for part in parts[: thresholds.whole("top_named")] if part[1] > 0]
    if not named or groups <= len(named) or total < thresholds.value("small_denominator"):
        return None
    together = share(sum((value for _, value in named), Decimal(0)), total) or Decimal(0)
    even = Decimal(100 * len(named)) / groups
    if together >= thresholds.value("share_top_pct") or together >= thresholds.value("share_base_ratio") * even:
        return tuple(name for name, _ in named), together
    return None


def wilson(rate_pct: Decimal, n: Decimal, confidence_pct: Decimal) -> tuple[Decimal, Decimal]:
    """Wilson interval of a rate, in per cent; the normal quantile comes from the confidence."""
    from statistics import NormalDist

    z = Decimal(repr(NormalDist().inv_cdf(float((1 + confidence_pct / 100) / 2))))
    p = rate_pct / 100
    middle = p + z * z / (2 * n)
    half = z * ((p * (1 - p) + z * z / (4 * n)) / n).sqrt()
    scale = 1 + z * z / n
    return (middle - half) / scale * 100, (middle + half) / scale * 100


_WORDS = re.compile(r"[A-Za-z0-9][A-Za-z0-9,.%]*|[㐀-鿿]")


def length_of(text: str) -> int:
    """Characters as an editor counts them: each Chinese character, each number or Latin word; no punctuation."""
    return len(_WORDS.findall(text))


def sentences(clauses: Iterable[str | None], thresholds: Thresholds) -> str:
    """Join clauses into sentences of at most `sentence_max` characters; clauses without text fall out."""
    limit, done, current = thresholds.whole("sentence_max"), "", ""
    for clause in clauses:
        if not clause:
            continue
        joined = f"{current}，{clause}" if current else clause
        if current and length_of(joined) > limit:
            done, joined = f"{done}{current}。", clause
        current = joined
    return f"{done}{current}。" if current else done
