"""What a source's columns do against the contract's: told apart, weighed, and said in words. Names and types only.

Three weights. *compatible*: every value the lake holds keeps its meaning, the next version only has to be written
down. *needs decision*: a person has to say what the department meant. *breaking*: key, cursor or type are touched,
and models that read the table have to be looked at.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from lake.contracts.draft import version_number
from lake.contracts.model import AdditionalColumns, Column, Contract, Treatment
from lake.contracts.rules import widens
from lake.errors import ColumnsChanged, SchemaDrift

SHOWN = 60
"""Characters of an unknown name that are shown: a record may stand where the header should."""
UNKNOWN_FIELD = 0
"""Field id of a column that no contract knows: the lake never holds it."""
_LIKE_A_CELL = re.compile(
    r"[@\t\r\n;|]|,.*,|\d{6}|\d[-/.年]\d{1,2}[-/.月]\d|\d:\d\d|^[-+]?\d+([.,]\d+)*([eE][-+]?\d+)?$"
)
"""An address of mail, several fields, a long number, a date, a time, a number."""
_YEAR = re.compile(r"(19|20)\d\d")
_FORMATTED = re.compile(r"(?P<type>\S+) with (?P<format>.+)")


_SOURCE_TYPES = (
    (r"(small|medium|tiny)?int(eger)?[24]?(\(\d+\))?( unsigned)?|(small)?serial", "INTEGER"),
    (r"bigint.*|int8|bigserial", "BIGINT"),
    (r"bool(ean)?", "BOOLEAN"),
    (r"(numeric|decimal|dec|number)\((?P<p>\d+),\s*(?P<s>\d+)\)", "DECIMAL"),
    (r"double.*|float\d*|real", "DOUBLE"),
    (r"date", "DATE"),
    (r"timestamp.*with time zone.*|timestamptz.*", "TIMESTAMPTZ"),
)
"""What a source calls a type, and the type of the lake that holds every value of it; anything else is text."""
_LONGEST_DECIMAL = 38
_NUMBERS = ("INTEGER", "BIGINT", "DECIMAL", "DOUBLE")


class Kind(StrEnum):
    """What happened to a column."""

    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    RETYPED = "retyped"
    REORDERED = "reordered"


class Weight(StrEnum):
    """What it asks of people."""

    COMPATIBLE = "compatible"
    NEEDS_DECISION = "needs decision"
    BREAKING = "breaking"


@dataclass(frozen=True)
class Change:
    """One line of a diff.

    Attributes:
        kind, weight: see the enums.
        column: lake name; None for a column the contract does not know.
        before, after: name and type by the contract, and at the source; empty where there is none.
        then: what the next version says.
    """

    kind: Kind
    weight: Weight
    column: str | None
    before: str
    after: str
    then: str


def compare(
    contract: Contract, found: Sequence[tuple[str, str]], *, ordered: bool, file: str | None = None
) -> ColumnsChanged | None:
    """How found columns differ from the contract's; None when they do not.

    Args:
        contract: what was promised.
        found: name and the source's word for the type of each column, in the source's order.
        ordered: whether columns are found by their place.
        file: the file they were seen in.
    """
    expected = [column.source_name for column in contract.columns]
    names = [name for name, _ in found]
    if names == expected or (not ordered and sorted(names) == sorted(expected)):
        return None
    if sorted(names) == sorted(expected):
        return ColumnsChanged(found=tuple(found), reordered=True, file=file)
    removed, added = [n for n in expected if n not in names], [n for n in names if n not in expected]
    if len(removed) * 2 > len(expected) or any(map(_is_like_a_cell, added)):
        return ColumnsChanged(file=file)
    renamed = []
    for old in list(removed):
        close = difflib.get_close_matches(old, added, n=1, cutoff=0.5)
        same_place = names[expected.index(old)] if ordered and len(names) == len(expected) else None
        new = close[0] if close else same_place
        if new in added:
            renamed.append((old, new))
            removed.remove(old)
            added.remove(new)
    kept = [name for name in expected if name in names]
    return ColumnsChanged(
        found=tuple(found),
        added=tuple(added),
        removed=tuple(removed),
        renamed=tuple(renamed),
        reordered=ordered and kept != [name for name in names if name in expected],
        file=file,
    )


def with_types(
    contract: Contract, found: Sequence[tuple[str, str]], changed: ColumnsChanged | None
) -> ColumnsChanged | None:
    """The same, and numbers that the source now allows and the contract's type does not hold."""
    types = dict(found)
    retyped = tuple(
        (column.source_name, column.type, now)
        for column in contract.columns
        if (now := lake_type_of(types.get(column.source_name, ""))) and not _holds(column.type, now)
    )
    if not retyped:
        return changed
    return replace(changed or ColumnsChanged(found=tuple(found)), retyped=retyped)


def lake_type_of(said: str) -> str:
    """The type of the lake that holds every value of a source's type; text for what is not known."""
    for pattern, type_ in _SOURCE_TYPES:
        if found := re.fullmatch(pattern, said.strip().lower()):
            if type_ != "DECIMAL":
                return type_
            if int(found["p"]) <= _LONGEST_DECIMAL:
                return f"DECIMAL({found['p']},{found['s']})"
    return "VARCHAR"


def _is_like_a_cell(name: str) -> bool:
    """Whether an unknown name may be a cell: a header whose line end is lost runs on into the first record."""
    return len(name) > SHOWN or not name.strip() or (not _YEAR.fullmatch(name) and bool(_LIKE_A_CELL.search(name)))


def _holds(type_: str, now: str) -> bool:
    old, new = type_.partition("(")[0], now.partition("(")[0]
    if old not in _NUMBERS or new not in _NUMBERS or widens(now, type_):
        return True  # text, times and truth are cast value by value: the source's word for them says nothing
    if old in ("DECIMAL", "DOUBLE") and new in ("INTEGER", "BIGINT"):
        return True
    if old == new == "DECIMAL":
        (old_p, old_s), (new_p, new_s) = ([int(n) for n in re.findall(r"\d+", each)] for each in (type_, now))
        return old_s >= new_s and old_p - old_s >= new_p - new_s
    return old == "DOUBLE"


def refusal(contract: Contract, changed: ColumnsChanged, found: Sequence[str], day: date) -> SchemaDrift:
    """The error that holds a delivery with other columns."""
    place = f"{changed.file}: " if changed.file else ""
    asked = "ask the department whether this stays; if so" if changed.found else "have it delivered again; if meant"
    return SchemaDrift(
        f"{place}columns are not the contract's: {in_words(contract, changed, found)}",
        remedy=f"{asked}, `citybrain contract evolve` writes the next version of the contract; then replay the "
        "delivery, which is kept as landed",
        dataset=contract.dataset,
        day=day,
    ).with_changes(changed)


def in_words(contract: Contract, changed: ColumnsChanged, found: Sequence[str]) -> str:
    """What changed, in words. Where hardly a name is known, it may be a record that stands there: none is shown."""
    expected = [column.source_name for column in contract.columns]
    if not changed.found:
        known = sum(name in found for name in expected)
        return (
            f"only {known} of {len(expected)} names are there among {len(found)}, and a record may stand among them; "
            "the header is missing or broken, the delimiter another, or nearly all was renamed"
        )
    parts = [
        f"{word} {', '.join(names)}"
        for word, names in (
            ("renamed", [f"{old!r} to {new[:SHOWN]!r}" for old, new in changed.renamed]),
            ("removed", [repr(name) for name in changed.removed]),
            ("added", [repr(name[:SHOWN]) for name in changed.added]),
        )
        if names
    ]
    if not parts and changed.reordered:
        return "the order of the columns changed"
    return "; ".join(parts) or "a column is there twice"


def is_kept_in_landing(contract: Contract, changed: ColumnsChanged) -> bool:
    """Whether the contract lets such a delivery in without the columns it does not know."""
    return contract.additional_columns is AdditionalColumns.KEEP_IN_LANDING and bool(changed.added) and not (
        changed.removed or changed.renamed or changed.retyped or changed.reordered
    )  # fmt: skip


def with_unknown(contract: Contract, changed: ColumnsChanged) -> Contract | None:
    """The contract as a file with more columns is read by it: those it does not know in their places, and dropped.

    None where the file has another difference, or the contract does not allow for more columns.
    """
    known = replace(contract, columns=tuple(column for column in contract.columns if not is_unknown(column)))
    again = compare(known, changed.found, ordered=True) if changed.found else changed
    if again is None:
        return known
    if not is_kept_in_landing(known, again):
        return None
    of_name = {column.source_name: column for column in known.columns}
    columns = [
        of_name.get(name) or Column(f"_unknown_{number}", name, "VARCHAR", UNKNOWN_FIELD, treatment=Treatment.DROP)
        for number, (name, _) in enumerate(changed.found, start=1)
    ]
    return replace(known, columns=tuple(columns))


def is_unknown(column: Column) -> bool:
    """Whether the column is one that `with_unknown` put in."""
    return column.field_id == UNKNOWN_FIELD


def weigh(contract: Contract, changed: ColumnsChanged) -> list[Change]:
    """Every change with its weight, heaviest first."""
    of_name = {column.source_name: column for column in contract.columns}
    types = dict(changed.found)
    changes = [
        Change(
            Kind.RENAMED,
            _at_least_a_decision(contract, of_name[old]),
            of_name[old].name,
            _said(old, of_name[old].type),
            _said(new, types.get(new, "")),
            f"the same column under the same field id, physicalName {new[:SHOWN]!r}; if it is another thing, drop "
            "the old one and give the new one an id of its own",
        )
        for old, new in changed.renamed
    ]
    changes += [
        Change(
            Kind.REMOVED,
            _at_least_a_decision(contract, of_name[name]),
            of_name[name].name,
            _said(name, of_name[name].type),
            "",
            "left out from that day on; its field id is never used again",
        )
        for name in changed.removed
    ]
    changes += [_retyped(contract, of_name[name], new) for name, _, new in changed.retyped if name in of_name]
    changes += [
        Change(
            Kind.ADDED, Weight.COMPATIBLE, None, "", _said(name[:SHOWN], types.get(name, "")),
            "a new column under a new field id, as text where the source has no types",
        )
        for name in changed.added
    ]  # fmt: skip
    if changed.reordered:
        changes.append(
            Change(Kind.REORDERED, Weight.COMPATIBLE, None, "", "", "the same columns in the order they have now")
        )
    order = [Weight.BREAKING, Weight.NEEDS_DECISION, Weight.COMPATIBLE]
    return sorted(changes, key=lambda change: order.index(change.weight))


def next_version(contract: Contract, changes: Sequence[Change]) -> str:
    """The version to write: another order is a patch, new or renamed columns a minor version, the rest a major one."""
    major, minor, patch = version_number(contract.version)
    if any(change.weight is Weight.BREAKING for change in changes):
        return f"{major + 1}.0.0"
    if all(change.kind is Kind.REORDERED for change in changes):
        return f"{major}.{minor}.{patch + 1}"
    return f"{major}.{minor + 1}.0"


def bearing(contract: Contract) -> set[str]:
    """Lake names of the columns a load cannot do without: key, cursor, partition, mark of a withdrawal."""
    named = {contract.cursor, contract.partition_column, contract.tombstone.column if contract.tombstone else None}
    return {column.name for column in contract.key} | {name for name in named if name}


def type_and_format(said: str) -> tuple[str, str | None]:
    """Type and strptime format of what `ColumnsChanged.retyped` says: ``DATE with %d/%m/%Y``."""
    found = _FORMATTED.fullmatch(said)
    return (found["type"], found["format"]) if found else (said, None)


def _retyped(contract: Contract, column: Column, new: str) -> Change:
    type_, format_ = type_and_format(new)
    if format_ is not None and type_ == column.type:
        weight, then = Weight.NEEDS_DECISION, f"the same column under the same field id, format {format_!r}"
    elif widens(column.type, type_):
        weight, then = Weight.COMPATIBLE, f"the same column under the same field id, type {type_}"
    else:
        weight, then = Weight.BREAKING, f"a column of type {type_} under a new field id; old values stay under the old"
    if column.name in bearing(contract):
        weight = Weight.BREAKING
    return Change(
        Kind.RETYPED, weight, column.name, _said(column.source_name, column.type), _said(column.source_name, new), then
    )


def _at_least_a_decision(contract: Contract, column: Column) -> Weight:
    return Weight.BREAKING if column.name in bearing(contract) else Weight.NEEDS_DECISION


def _said(name: str, type_: str) -> str:
    return f"{name} {type_}".strip()
