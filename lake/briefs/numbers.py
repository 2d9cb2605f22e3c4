"""How numbers and days are written in a brief: rounding, 万 and 亿, percentages, civil dates. Decimal throughout."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from lake.briefs.thresholds import Thresholds

_TEN_THOUSAND, _HUNDRED_MILLION = Decimal(10_000), Decimal(100_000_000)
WEEKDAYS = ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日")


def rounded(value: Decimal, decimals: int) -> Decimal:
    """Half away from zero, as people round by hand."""
    return value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def grouped(value: Decimal, decimals: int) -> str:
    """``59,674`` or ``1.51``."""
    return f"{rounded(value, decimals):,}"


def quantity(value: Decimal, decimals: int, thresholds: Thresholds) -> str:
    """A count or a measure without its unit; from `wan_from` and `yi_from` on in 万 and 亿 with two decimals."""
    if abs(value) >= thresholds.value("yi_from"):
        return f"{grouped(value / _HUNDRED_MILLION, 2)}亿"
    if abs(value) >= thresholds.value("wan_from"):
        return f"{grouped(value / _TEN_THOUSAND, 2)}万"
    return grouped(value, decimals)


def rate(value: Decimal, decimals: int, thresholds: Thresholds) -> str:
    """A rate in percent, without the sign: two decimals near the top, where one would print 100.0."""
    return grouped(value, max(decimals, 2) if value >= thresholds.value("precise_rate_from") else decimals)


def share(part: Decimal, whole: Decimal) -> Decimal | None:
    """Share in percent, two decimals; None of an empty whole."""
    return rounded(part * 100 / whole, 2) if whole else None


def day_text(day: date, seen_from: date | None = None) -> str:
    """``4月3日``; with the year where it is not the reader's."""
    text = f"{day.month}月{day.day}日"
    return text if seen_from is None or day.year == seen_from.year else f"{day.year}年{text}"


def span_text(first: date, last: date, seen_from: date | None = None) -> str:
    """``4月3日``, ``3月27日至4月2日``."""
    if first == last:
        return day_text(first, seen_from)
    return f"{day_text(first, seen_from)}至{day_text(last, seen_from or first)}"
