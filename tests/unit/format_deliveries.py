"""Files of every format a department may drop, landed by the real connectors and read by the real readers."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from admission_deliveries import DAY, contract, deliver

from lake.admission.reading import read
from lake.contracts.model import Cadence, Column, Contract, Mode, Window
from lake.engine import connect
from lake.landing import Landed
from lake.settings import Settings


def made(connector: str, names: Sequence[str], arguments: Mapping[str, Any] | None = None, **changes: Any) -> Contract:
    """A contract with text columns of these source names, `c1`, `c2` … in the lake; the first is the key."""
    columns = changes.pop("columns", None) or tuple(
        Column(f"c{number}", name, "VARCHAR", number, key_position=1 if number == 1 else None)
        for number, name in enumerate(names, start=1)
    )
    given = {"pattern": "drop_{day:%Y%m%d}.dat", **(arguments or {})}
    return contract(connector, columns=columns, arguments=given, mode=Mode.CHANGES, cadence=Cadence.DAILY, **changes)


def landed(settings: Settings, of: Contract, content: bytes | Mapping[date, bytes]) -> Landed:
    files = content if isinstance(content, Mapping) else {DAY: content}
    return deliver(settings, of, files, Window(min(files), max(files)))


def raw(settings: Settings, delivery: Landed) -> dict[tuple[str, int], tuple[Any, ...]]:
    """Address (what stands behind ``!`` for a member) to (problem or None, cells …), as admission's reader has them."""
    settings.staging.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=settings.staging))
    with connect(settings, extensions=("excel",)) as connection:
        read(connection, delivery, scratch)
        names = ", ".join(column.name for column in delivery.contract.columns)
        found = connection.execute(f"SELECT _file, _record, _problem, {names} FROM raw ORDER BY ALL").fetchall()
    shutil.rmtree(scratch)
    return {(row[0].partition("!")[2] or row[0], row[1]): row[2:] for row in found}


def cells(settings: Settings, of: Contract, content: bytes) -> list[tuple[Any, ...]]:
    """(problem or None, cells …) of the records of one file in order; the second count agrees."""
    delivery = landed(settings, of, content)
    found = raw(settings, delivery)
    assert delivery.files[0].problem is None
    assert delivery.delivered == len(found)
    return [found[address] for address in sorted(found, key=lambda at: (at[0], at[1]))]


def problem(settings: Settings, of: Contract, content: bytes) -> str:
    """What the second count says keeps the file from being read."""
    told = landed(settings, of, content).files[0].problem
    assert told is not None
    return told


def with_arguments(of: Contract, **arguments: Any) -> Contract:
    source = dataclasses.replace(of.source, arguments=of.source.arguments | arguments)
    return dataclasses.replace(of, source=source)
