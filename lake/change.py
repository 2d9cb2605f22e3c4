"""What a source changed about its columns, as a delivery was held for it or as the source describes itself now."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from lake.contracts import contract_for, drift, versions_of
from lake.contracts.drift import Change
from lake.contracts.evolve import Evolved
from lake.contracts.model import Contract
from lake.errors import ColumnsChanged, ContractError
from lake.landing import Landed, deliveries
from lake.load import find_landed
from lake.settings import Settings

BY_PLACE = ("csv_files", "excel_files")
"""Connectors whose columns are found by their place."""


@dataclass(frozen=True)
class Seen:
    """A source's columns against its contract's.

    Attributes:
        contract: the version that holds on the day.
        delivery: the delivery that was held; None where the source was asked.
        day: first day of these columns as far as is known: of the file, else of the delivery, else today.
        changed: the difference; None when there is none.
    """

    contract: Contract
    delivery: str | None
    day: date
    changed: ColumnsChanged | None

    @property
    def changes(self) -> list[Change]:
        """Column by column, each with its weight, heaviest first."""
        return drift.weigh(self.contract, self.changed) if self.changed is not None else []

    @property
    def version(self) -> str | None:
        """The version to write; None where nothing changed or nothing can be proposed."""
        return drift.next_version(self.contract, self.changes) if self.changes else None


def look(dataset: str, settings: Settings, delivery: str | None = None) -> Seen:
    """How the columns of a dataset differ from its contract.

    Args:
        dataset: dataset id.
        settings: the city's home.
        delivery: a held delivery; None = the newest that is held for its columns, else the source itself.

    Raises:
        ContractError: there is no such delivery, or it is not held for its columns.
        SourceUnavailable, SourceLate, SourceRefused: no delivery is held, and the source cannot be asked.
    """
    if delivery is not None:
        seen = _of_delivery(find_landed(dataset, delivery, settings), settings)
        if seen is None:
            raise ContractError(
                f"delivery {delivery} is not held for its columns",
                remedy="see `citybrain quarantine show` for what is held, and why",
                dataset=dataset,
            )
        return seen
    versions_of(dataset, settings)  # says so when there is no such dataset
    for landed in reversed(deliveries(settings, dataset)):
        if (seen := _of_delivery(landed, settings)) is not None:
            return seen
    return _of_source(versions_of(dataset, settings)[-1], settings)


def evolve(dataset: str, settings: Settings, delivery: str | None = None, valid_from: date | None = None) -> Evolved:
    """Write the contract's next version for what `look` sees; see `lake.contracts.evolve`.

    Args:
        dataset, settings, delivery: as for `look`.
        valid_from: first day of the new columns, where it is another than the one seen.

    Raises:
        ContractError: nothing changed, or a person has to write the version.
    """
    from lake.contracts.evolve import evolve as write

    seen = look(dataset, settings, delivery)
    if seen.changed is None:
        raise ContractError(
            f"{seen.delivery or 'the source'} has the columns of version {seen.contract.version}",
            remedy="replay the delivery if it is still held",
            dataset=dataset,
            day=seen.day,
        )
    newest = versions_of(dataset, settings)[-1]
    if newest.version != seen.contract.version:
        raise ContractError(
            f"version {newest.version} exists already, and the day is one of version {seen.contract.version}",
            remedy="correct the dates of the versions, or ask the department for the day in its own layout",
            dataset=dataset,
            day=seen.day,
        )
    return write(newest, seen.changed, valid_from or seen.day, settings)


def _of_delivery(landed: Landed, settings: Settings) -> Seen | None:
    path = landed.folder / "held.json"
    held = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if "drift" not in held:
        return None
    changed = ColumnsChanged.from_dict(held["drift"])
    file = (changed.file or "").partition("!")[0]
    day = next((each.day for each in landed.files if each.name == file and each.day), landed.window.first)
    contract = contract_for(landed.contract.dataset, day, settings)
    return Seen(contract, landed.delivery, day, _by_now(contract, changed))


def _by_now(contract: Contract, changed: ColumnsChanged) -> ColumnsChanged | None:
    """The difference to today's version: the delivery may have been held by the one before."""
    if changed.found:
        ordered = contract.source.connector in BY_PLACE
        return drift.compare(contract, changed.found, ordered=ordered, file=changed.file)
    types = {column.source_name: column.type for column in contract.columns}
    retyped = tuple(each for each in changed.retyped if types.get(each[0]) == each[1] != each[2])
    return replace(changed, retyped=retyped) if retyped or not changed.retyped else None


def _of_source(contract: Contract, settings: Settings) -> Seen:
    from lake.connectors import open_connector

    described = open_connector(contract, settings).describe(contract)
    found = [(column.name, column.type) for column in described.columns]
    changed = drift.compare(contract, found, ordered=contract.source.connector in BY_PLACE) if found else None
    today = datetime.now(ZoneInfo(contract.zone)).date()
    day = described.last_day if contract.is_by_file and described.last_day else today
    return Seen(contract, None, day, drift.with_types(contract, found, changed))
