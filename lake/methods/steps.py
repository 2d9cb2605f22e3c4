"""Between a table of the build and a method: rows in a fixed order in, typed rows out.

A Python step of a build is a function of its input rows and its dated parameters, so that a build from scratch gives
the same cells as one that was carried on: rows are sorted, one thread computes, numbers are rounded by the types of the
model's YAML when they are written, and the parameters stand beside every row they made.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from importlib.metadata import version
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Columns: TypeAlias = dict[str, npt.NDArray[Any]]
"""A table as numpy arrays of one length, by column name."""


def rows(relation: Any, order: str) -> Columns:
    """Rows of a small table in a fixed order; decimals as floats, NULL of a number as NaN, of a text as None.

    Args:
        relation: what `dbt.ref` or `dbt.source` gives.
        order: columns that make the order total, or sums of floats would differ from run to run.
    """
    table = relation.order(order).to_arrow_table()
    return {name: _array(table.column(name)) for name in table.column_names}


def _array(column: Any) -> npt.NDArray[Any]:
    import pyarrow as pa

    kind = column.type
    if pa.types.is_decimal(kind) or (pa.types.is_integer(kind) and column.null_count):
        column = column.cast(pa.float64())
    array: npt.NDArray[Any] = column.combine_chunks().to_numpy(zero_copy_only=False)
    return array.astype("datetime64[D]") if pa.types.is_date(kind) else array


def parameters(relation: Any, build: Any, method: str) -> dict[str, float]:
    """Values of a method's parameters in force on the day of the build.

    Args:
        relation: the seed `threshold`; a parameter's id is the method, a dot and its name.
        build: `lake.parameters`, one row with `as_of`.
        method: the part of the ids before the dot.

    Raises:
        ValueError: no row of the method is in force.
    """
    as_of = day_of(build)
    found = {
        str(name).removeprefix(f"{method}."): float(value)
        for name, value, first, last in relation.project("threshold_id, value, valid_from, valid_to")
        .order("threshold_id, valid_from")
        .fetchall()
        if name.startswith(f"{method}.") and first <= as_of and (last is None or as_of < last)
    }
    if not found:
        raise ValueError(f"the seed threshold has no parameter of {method} on {as_of}")
    return found


def day_of(build: Any) -> date:
    """The day the build speaks for."""
    day: date = build.project("as_of").fetchone()[0]
    return day


def recorded(method: str, given: Mapping[str, float], *libraries: str) -> str:
    """The column `parameters`: method, values, and the libraries that computed, as JSON text."""
    return json.dumps(
        {"method": method, **dict(given), "libraries": {name: version(name) for name in libraries}},
        sort_keys=True,
        ensure_ascii=False,
    )


def groups(columns: Columns, by: Sequence[str]) -> Iterator[tuple[tuple[Any, ...], slice]]:
    """Runs of equal values of `by` in rows sorted by them: the values, and where their rows stand."""
    n = len(columns[by[0]])
    if not n:
        return
    is_new = np.zeros(n, dtype=bool)
    is_new[0] = True
    for name in by:
        is_new[1:] |= columns[name][1:] != columns[name][:-1]
    starts = np.flatnonzero(is_new)
    for start, end in zip(starts, [*starts[1:], n], strict=True):
        yield tuple(columns[name][start] for name in by), slice(int(start), int(end))


class Gathered:
    """Rows found block by block, then one table."""

    def __init__(self, *names: str) -> None:
        self._blocks: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in names}

    def add(self, n: int, **columns: Any) -> None:
        """Add n rows: every column as an array of n values, or as one value that all rows have."""
        for name, value in columns.items():
            is_array = isinstance(value, np.ndarray)
            self._blocks[name].append(value if is_array else np.full(n, value, dtype=object))

    def table(self, **constants: str) -> dict[str, Any]:
        """The columns, and those that are the same in every row."""
        made: dict[str, Any] = {name: np.concatenate(blocks) if blocks else [] for name, blocks in self._blocks.items()}
        n = len(next(iter(made.values())))
        return {**made, **{name: [value] * n for name, value in constants.items()}}


def write(found: Any, connection: Any, relation: str, columns: Mapping[str, str]) -> None:
    """Make the model's table with the types of its YAML; called by the macro `py_write_table`, never by a model.

    NaN becomes NULL, and a DECIMAL of the YAML is what rounds.

    Args:
        found: what the model returned: an Arrow table, or arrays and lists of one length by column name.
        connection: dbt's.
        relation: table to make.
        columns: name and type of every column the YAML promises.

    Raises:
        ValueError: columns returned and columns promised differ.
    """
    import pyarrow as pa

    names = set(found.column_names if isinstance(found, pa.Table) else found)
    if names != set(columns):
        missing, extra = sorted(set(columns) - names), sorted(names - set(columns))
        raise ValueError(f"columns promised and not returned: {missing}; returned and not promised: {extra}")
    made = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    connection.execute(f"create or replace table {relation} ({made})")
    table = found if isinstance(found, pa.Table) else pa.table({name: _arrow(found[name]) for name in columns})
    if not table.num_rows:
        return
    connection.register("step_rows", table)
    picked = ", ".join(f'cast("{name}" as {kind})' for name, kind in columns.items())
    connection.execute(f"insert into {relation} select {picked} from step_rows")
    connection.unregister("step_rows")


def _arrow(values: Any) -> Any:
    import pyarrow as pa

    array = pa.array(values, from_pandas=True)
    return array.cast(pa.string()) if pa.types.is_null(array.type) else array


@contextmanager
def single_thread() -> Iterator[None]:
    """While it lasts linear algebra runs in one thread: with more, sums are taken in another order and last digits
    differ."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        yield
