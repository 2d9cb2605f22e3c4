"""Round numbers for an axis. They are printed, so they belong to the figure set and are made before the chart."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

_STEPS = (Decimal(1), Decimal(2), Decimal(5), Decimal(10))


def ticks(highest: Decimal, wanted: int = 4) -> list[Decimal]:
    """0 and up to `wanted` round steps that reach `highest`; whole numbers only, for counts."""
    if highest <= 0:
        return [Decimal(0), Decimal(1)]
    scale = Decimal(1)
    while True:
        for step in (step * scale for step in _STEPS):
            if step * wanted >= highest:
                count = int((highest / step).to_integral_value(rounding=ROUND_CEILING))
                return [step * number for number in range(count + 1)]
        scale *= 10
