"""Cell suppression in tables of counts with totals: primary, secondary, and the attack that both must stand.

A count of fewer than ``k`` people or events points at somebody and is withheld (primary). Its row's total less the rest
of the row gives it back, so that others are withheld too (secondary), until an outsider who knows every published cell,
every sum and that no count is negative can say of a withheld small count no more than that it lies between zero and at
least ``k``.

Which others is a linear program per small cell: move it up to ``k`` and down to zero by changes that keep every sum and
cost as little published information as can be; what has to move is withheld (Kelly, Golden and Assad 1992, Networks 22;
Fischetti and Salazar González 2001, Management Science 47). No library in Python does this; R has sdcTable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Cell = str
_ENOUGH = 1e-6
"""A solver's zero."""


@dataclass(frozen=True)
class Table:
    """Counts, and what adds up to what.

    Attributes:
        counts: value of every cell, totals included; whole numbers, none negative.
        sums: total cell to its parts. A cell may be a part of several totals.
        dominance: of cells that have one, the share of the largest contributor, 0 to 1.
    """

    counts: Mapping[Cell, int]
    sums: Mapping[Cell, Sequence[Cell]]
    dominance: Mapping[Cell, float] | None = None

    def check(self) -> None:
        """Refuse a table that does not add up: its suppression would protect nothing.

        Raises:
            ValueError: a negative count, or a total that is not the sum of its parts.
        """
        if any(value < 0 for value in self.counts.values()):
            raise ValueError("a count is negative")
        for total, parts in self.sums.items():
            if self.counts[total] != sum(self.counts[part] for part in parts):
                raise ValueError(f"the parts of {total} do not add up to it")


def small_cells(table: Table, k: int, dominant: float | None = None) -> set[Cell]:
    """Cells that may not be shown: counts from 1 to k - 1, and those of which one contributor has more than his share.

    Zero is shown: it says that nobody is there.
    """
    found = {cell for cell, value in table.counts.items() if 0 < value < k}
    if dominant is not None:
        found |= {
            cell for cell, share in (table.dominance or {}).items() if share > dominant and table.counts[cell] > 0
        }
    return found


def suppress(table: Table, k: int, dominant: float | None = None) -> set[Cell]:
    """Every cell to withhold, primary and secondary alike: nobody is told which is which.

    Args:
        table: counts and sums.
        k: the smallest count that may be shown, other than zero.
        dominant: share of one contributor above which a cell is withheld whatever its count; None = not looked at.
    """
    table.check()
    primary = small_cells(table, k, dominant)
    withheld = set(primary)
    if not primary:
        return withheld
    program = _Program(table)
    # The hardest first: what protects the largest small count mostly protects the others.
    for cell in sorted(primary, key=lambda one: (-table.counts[one], one)):
        down = table.counts[cell]
        for shift in (max(k - down, down), -down):
            withheld |= program.cells_to_move(cell, shift, withheld)
    return withheld


def attack(
    shown: Mapping[Cell, int | None], sums: Mapping[Cell, Sequence[Cell]], cells: Sequence[Cell] | None = None
) -> dict[Cell, tuple[float, float]]:
    """What an outsider can say of each withheld cell: the least and the most it can be, by what is shown and the sums.

    Args:
        shown: published value of every cell; None where it is withheld.
        sums: total cell to its parts.
        cells: which withheld cells to ask for; None = all.

    Raises:
        ValueError: what is shown contradicts itself.
    """
    import numpy as np
    from scipy.optimize import linprog
    from scipy.sparse import csr_matrix

    hidden = [cell for cell, value in shown.items() if value is None]
    at = {cell: i for i, cell in enumerate(hidden)}
    rows, columns, signs, right = [], [], [], []
    for number, (total, parts) in enumerate(sums.items()):
        known = 0
        for cell, sign in ((total, -1), *((part, 1) for part in parts)):
            value = shown[cell]
            if value is None:
                rows.append(number)
                columns.append(at[cell])
                signs.append(sign)
            else:
                known += sign * value
        right.append(-known)
    if not hidden:
        return {}
    matrix = csr_matrix((signs, (rows, columns)), shape=(len(right), len(hidden)))
    found = {}
    for cell in cells if cells is not None else hidden:
        aim = np.zeros(len(hidden))
        aim[at[cell]] = 1.0
        least = linprog(aim, A_eq=matrix, b_eq=right, bounds=(0, None), method="highs")
        most = linprog(-aim, A_eq=matrix, b_eq=right, bounds=(0, None), method="highs")
        if least.status not in (0, 3) or most.status not in (0, 3):
            raise ValueError("what is shown does not add up")
        found[cell] = (float(least.fun), float("inf") if most.status == 3 else -float(most.fun))
    return found


class _Program:
    """The linear program of one table; solved once per small cell and direction."""

    def __init__(self, table: Table) -> None:
        import numpy as np
        from scipy.sparse import csr_matrix, hstack

        self._cells = list(table.counts)
        self._at = {cell: i for i, cell in enumerate(self._cells)}
        self._values = np.array([table.counts[cell] for cell in self._cells], dtype=float)
        rows, columns, signs = [], [], []
        for number, (total, parts) in enumerate(table.sums.items()):
            for cell, sign in ((total, -1.0), *((part, 1.0) for part in parts)):
                rows.append(number)
                columns.append(self._at[cell])
                signs.append(sign)
        matrix = csr_matrix((signs, (rows, columns)), shape=(len(table.sums), len(self._cells)))
        # Every cell moves up by one variable and down by another.
        self._matrix = hstack([matrix, -matrix]).tocsr()
        # A large count is dear to lose, and a zero dearer than a small count: a zero withheld tells most readers less.
        self._prices = 1.0 + np.log1p(self._values) + np.where(self._values == 0, 3.0, 0.0)

    def cells_to_move(self, cell: Cell, shift: int, withheld: set[Cell]) -> set[Cell]:
        """The cheapest set of cells that can move, sums kept, while `cell` moves by `shift`; `withheld` cost nothing.

        Raises:
            ValueError: no set can: the cell is what the sums of published constants say it is.
        """
        import numpy as np
        from scipy.optimize import linprog

        n = len(self._cells)
        free = np.array([one in withheld for one in self._cells])
        prices = np.where(free, 0.0, self._prices)
        upper = np.concatenate([np.full(n, np.inf), self._values])
        lower = np.zeros(2 * n)
        at = self._at[cell]
        # The cell itself moves by exactly this much, in this direction.
        lower[at] = upper[at] = float(max(shift, 0))
        lower[n + at] = upper[n + at] = float(max(-shift, 0))
        solved = linprog(
            np.concatenate([prices, prices]),
            A_eq=self._matrix,
            b_eq=np.zeros(self._matrix.shape[0]),
            bounds=np.column_stack([lower, upper]),
            method="highs",
        )
        if solved.status != 0:
            raise ValueError("the table cannot be protected: a withheld cell has nothing to be confused with")
        moved: Any = np.abs(solved.x[:n] - solved.x[n:]) > _ENOUGH
        return {one for one, moves in zip(self._cells, moved, strict=True) if moves}
