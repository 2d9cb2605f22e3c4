"""The headline indicators I01 … I26 of the city, computed from its events with numpy; one module per family."""

from __future__ import annotations

from demo_city.truth.indicators import (  # noqa: F401  each registers what it computes
    appeals,
    checkup,
    command,
    data,
    environment,
    governance,
    hazards,
    health,
    readiness,
    safety,
)
from demo_city.truth.indicators.frame import Frame, MissingEvents, Part
from demo_city.truth.indicators.registry import INDICATORS

__all__ = ["INDICATORS", "RULES", "Frame", "MissingEvents", "Part", "compute", "parts"]

RULES = """
General rules; a definition says where it differs.

- **Windows** are whole ones within the delivered days, in civil time: days; weeks from Monday to Sunday; calendar
  months and quarters; years of twelve months up to a month's end.
- **Scopes**: the city and each county is the sum of its townships *that are delivered*; so are its residents. What has
  no known township counts for its county, or the city, alone.
- **Real events only**: test rows and second copies of the same report do not count; withdrawn cases do, unless said
  otherwise.
- **Known at the cut-off**: the morning after the window's last day. An event is known when a delivery of that day or an
  earlier one had arrived by then; a fact that follows it (dispatched, closed, verified) from the day on which it
  happened; a corrected number with its first value until the day of correction.
- **Final**: with everything that was delivered or corrected later, and with what never was delivered.
- **Recoverable**: false when an event that counts was never delivered, or its last row is held back or wrong in a way
  nothing delivered tells; a reader of the deliveries cannot come to the final value but by luck.
- Quantiles are linear between the two nearest values. Shares are quotients, not percentages. Nothing is rounded.
"""


def parts() -> list[Part]:
    """Every part of every indicator, in their order."""
    return [part for id in sorted(INDICATORS) for part in INDICATORS[id].parts]


def compute(frame: Frame, ids: tuple[str, ...] | None = None) -> None:
    """Write the indicators into the frame.

    Args:
        frame: windows, divisions, events.
        ids: which; None = all.

    Raises:
        MissingEvents: an indicator's source gives no events, or not the column it needs.
    """
    for id in sorted(INDICATORS) if ids is None else ids:
        try:
            INDICATORS[id].write(frame)
        except MissingEvents as error:
            raise MissingEvents(f"{id} cannot be computed: {error}") from None
