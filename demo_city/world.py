"""One city of one seed and scale: what the departments' modules are given."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar

from demo_city.chance import Chance

if TYPE_CHECKING:
    import duckdb

    from demo_city.city import City
    from demo_city.life import Life

T = TypeVar("T")


class World:
    """City, life and chance.

    Args:
        seed: another seed is another city.
        scale: share of the city that is delivered, 0 to 1, cut by area: whole townships, at full density.
        county: code of one county-level unit; only townships of it are delivered, of `scale` of its people.
    """

    def __init__(self, seed: int = 1, scale: float = 0.01, county: str | None = None) -> None:
        self.seed, self.scale, self.county_code = seed, scale, county
        self.chance = Chance(seed)
        self._kept: dict[Hashable, Any] = {}

    @property
    def city(self) -> City:
        """What stands still; made when first asked for."""
        from demo_city.city import City

        return self.once("city", lambda: City(self.chance, self.scale, self.county_code))

    @property
    def life(self) -> Life:
        """Calendar, weather, scenarios, precursors; made when first asked for."""
        from demo_city.life import Life

        return self.once("life", lambda: Life(self))

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made once in this process: events that several datasets or sources share."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def connect(self, threads: int = 1) -> duckdb.DuckDBPyConnection:
        """A DuckDB with every register of the city as a view; rows are numbered by ``<register>_i``."""
        return self.city.connect(threads)
