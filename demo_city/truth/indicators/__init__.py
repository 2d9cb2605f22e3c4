"""The headline indicators I01 … I26 of the city, computed from its events with numpy; one module per family."""

from __future__ import annotations

import inspect

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

__all__ = ["INDICATORS", "RULES", "Frame", "MissingEvents", "Part", "compute", "definitions", "parts"]

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
- **Final**: as it is at the end of the last delivered day, where the city's clock stands: with everything that was
  delivered or corrected later than the window, and with what never was delivered. What happens after that day has not
  happened, neither here nor in any department: a hazard that will be closed is open, an order that will be opened again
  has its first closing, a death that will be restated is not.
- **Recoverable**: false when an event that counts was never delivered, or its last row is held back or wrong in a way
  nothing delivered tells, or visibly wrong in the cell that counts while no other cell says what stood there; a reader
  of the deliveries cannot come to the final value but by luck. The last row is taken, for who reads a table late finds
  that one only.
- Quantiles are linear between the two nearest values. Shares are quotients, not percentages. Nothing is rounded.
"""


def definitions() -> list[tuple[str, str]]:
    """Id and definition of every indicator, as its function says it."""
    return [(id, inspect.cleandoc(INDICATORS[id].compute.__doc__ or "")) for id in sorted(INDICATORS)]


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
