"""The numbers a brief is judged by: one dated file, read by name and day (``briefs/thresholds.yaml``)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from lake.errors import ContractError

FILE = Path("briefs") / "thresholds.yaml"


@dataclass(frozen=True)
class Threshold:
    """One threshold in force.

    Attributes:
        id: what a suggestion cites, such as ``T03``.
        name: what code and definitions ask for.
        value: the number, exact.
        text: how it is printed.
    """

    id: str
    name: str
    value: Decimal
    text: str


class Thresholds:
    """The thresholds in force on a day."""

    def __init__(self, rows: dict[str, Threshold], source: str) -> None:
        self._rows, self._source = rows, source

    def __getitem__(self, name: str) -> Threshold:
        try:
            return self._rows[name]
        except KeyError:
            raise ContractError(f"no threshold {name!r} in force", remedy=f"add it to {self._source}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._rows

    def all(self) -> list[Threshold]:
        """Every threshold in force, by id."""
        return sorted(self._rows.values(), key=lambda row: row.id)

    def value(self, name: str) -> Decimal:
        """The threshold's number."""
        return self[name].value

    def whole(self, name: str) -> int:
        """The threshold's number, where it counts something."""
        return int(self[name].value)


def read_thresholds(root: Path, day: date) -> Thresholds:
    """Thresholds in force on `day`: of each name the row with the latest ``valid_from`` not after it.

    Raises:
        ContractError: the file is missing or a row is incomplete.
    """
    import yaml

    path = root / FILE
    try:
        rows: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))["thresholds"]
    except (OSError, KeyError, TypeError, yaml.YAMLError) as error:
        raise ContractError(f"{FILE} cannot be read: {type(error).__name__}", remedy="restore the file") from error
    in_force: dict[str, Threshold] = {}
    since: dict[str, date] = {}
    for row in rows:
        if set(row) != {"id", "name", "value", "text", "valid_from", "basis"}:
            raise ContractError(
                f"{FILE}: row {row.get('id')} needs id, name, value, text, valid_from, basis",
                remedy="complete the row",
            )
        name, valid_from = row["name"], row["valid_from"]
        if valid_from <= day and since.get(name, date.min) <= valid_from:
            since[name] = valid_from
            in_force[name] = Threshold(row["id"], name, Decimal(row["value"]), row["text"])
    return Thresholds(in_force, str(FILE))
