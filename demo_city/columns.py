"""A table as numpy arrays of one length: registers of the city, events of its life."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa


class Columns(dict[str, npt.NDArray[Any]]):
    """Columns by name; all have the same length. Foreign keys are positions in another table, named ``…_i``."""

    @property
    def rows_n(self) -> int:
        """Number of rows."""
        return len(next(iter(self.values()))) if self else 0

    def where(self, which: Any) -> Columns:
        """The rows of a mask or of positions, in that order."""
        return Columns({name: values[which] for name, values in self.items()})

    def with_columns(self, **columns: Any) -> Self:
        """The same rows with more columns, or others in their place."""
        return type(self)({**self, **columns})

    def to_arrow(self) -> pa.Table:
        """As an Arrow table, without a copy where the type allows it."""
        return pa.table({name: pa.array(values) for name, values in self.items()})

    @classmethod
    def together(cls, parts: Iterable[Mapping[str, npt.NDArray[Any]]]) -> Self:
        """The rows of all parts, one after the other."""
        parts = list(parts)
        return cls({name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {})
