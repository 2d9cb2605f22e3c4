"""Which function computes which indicator, with the parts it writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from demo_city.truth.indicators.frame import Frame, Part

Compute = Callable[[Frame, Mapping[str, Part]], None]


@dataclass(frozen=True)
class Indicator:
    """One of I01 … I26: its parts, and what writes them. The function's docstring is its definition."""

    id: str
    parts: tuple[Part, ...]
    compute: Compute

    def write(self, frame: Frame) -> None:
        """Compute all parts; `MissingEvents` when a source does not give what is needed."""
        self.compute(frame, {f"{part.name}:{part.variant}" if part.variant else part.name: part for part in self.parts})


INDICATORS: dict[str, Indicator] = {}


def indicator(id: str, *parts: tuple[object, ...] | Part) -> Callable[[Compute], Compute]:
    """Register a function as what computes an indicator.

    Args:
        id: ``I01`` … ``I26``.
        parts: of the indicator.
    """

    def register(compute: Compute) -> Compute:
        if not compute.__doc__:
            raise TypeError(f"{id} has no definition")
        INDICATORS[id] = Indicator(id, tuple(parts), compute)  # type: ignore[arg-type]
        return compute

    return register
