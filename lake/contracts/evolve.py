"""Writes the next version of a contract after its source's columns changed; the old one stays beside it."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from lake.contracts import drift, reader, rules
from lake.contracts.drift import Change, Kind
from lake.contracts.model import Column, Contract
from lake.errors import ColumnsChanged, ContractError
from lake.settings import Settings

TO_SAY = "Not described yet: ask the department."


@dataclass(frozen=True)
class Evolved:
    """A version that was written.

    Attributes:
        path: the contract's file, which now has the new version.
        kept: where the version before lies.
        version, valid_from: of the new one.
        changes: what it takes up.
        uncertain: what a person should read before it is committed to git.
    """

    path: Path
    kept: Path
    version: str
    valid_from: date
    changes: tuple[Change, ...]
    uncertain: tuple[str, ...]


def evolve(contract: Contract, changed: ColumnsChanged, valid_from: date, settings: Settings) -> Evolved:
    """Write ``<dataset>.yaml`` anew for the columns as they are now, and keep what it was as ``<dataset>@<version>``.

    Both are written or neither: what does not pass `contract check` is taken back.

    Args:
        contract: the newest version.
        changed: what a delivery was held for, or how the source describes itself now.
        valid_from: first day of the new columns.
        settings: the city's contracts.

    Raises:
        ContractError: the change is one a person has to write (the key is gone, hardly a name is known), the version
            before would hold on no day, or the result does not pass the check.
    """
    changes = drift.weigh(contract, changed)
    if not changes:
        raise ContractError(
            "hardly a column is known: nothing can be proposed",
            remedy="look at the delivery; when it is meant, write the version by hand",
            dataset=contract.dataset,
            day=valid_from,
        )
    gone = [c.column for c in changes if c.kind is Kind.REMOVED and c.column in drift.bearing(contract)]
    if gone:
        raise ContractError(
            "key, cursor, partition or the mark of a withdrawal is gone: what takes its place is a person's choice",
            remedy=f"copy the contract to {contract.name}@{contract.version}.yaml and write the next version by hand",
            dataset=contract.dataset,
            day=valid_from,
            column=gone[0],
        )
    if valid_from <= contract.valid_from:
        raise ContractError(
            f"version {contract.version} is itself valid from {contract.valid_from} on",
            remedy="correct it in place: no version holds before it for this day",
            dataset=contract.dataset,
            day=valid_from,
        )
    version = drift.next_version(contract, changes)
    path = Path(contract.path)
    kept = path.with_name(f"{contract.name}@{contract.version}.yaml")
    before = path.read_bytes()
    document, yaml = _parsed(before)
    document["version"] = version
    _set(document, "validFrom", valid_from.isoformat())
    uncertain = list(_rewrite(document["schema"][0], contract, changed, _unused(contract, settings)))
    text = io.StringIO()
    yaml.dump(document, text)
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text.getvalue(), encoding="utf-8")
    kept.write_bytes(before)
    fresh.replace(path)  # whole, for loads read it while it is written
    mistakes = reader.check(settings, [path, kept])
    if mistakes:
        path.write_bytes(before)
        kept.unlink()
        raise ContractError(
            "the proposed version would not pass the check: " + "; ".join(str(mistake) for mistake in mistakes),
            remedy=f"copy the contract to {kept.name} and write the next version by hand",
            dataset=contract.dataset,
            day=valid_from,
        )
    return Evolved(path, kept, version, valid_from, tuple(changes), tuple(uncertain))


def _parsed(data: bytes) -> tuple[Any, Any]:
    """The document with comments and order, and what writes it again."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml.load(data.decode()), yaml


def _rewrite(schema: Any, contract: Contract, changed: ColumnsChanged, number: int) -> Iterator[str]:
    """Change the columns in place; gives what is uncertain about them, a sentence each."""
    nodes = {node["physicalName"]: node for node in schema["properties"]}
    of_name = {column.source_name: column for column in contract.columns}
    for name in changed.removed:
        nodes.pop(name)
        yield f"{of_name[name].name} is left out: is it gone for good? An expectation or a model may still name it"
    for old, new in changed.renamed:
        node = nodes.pop(old)
        node["physicalName"] = new
        nodes[new] = node
        yield f"{of_name[old].name} is delivered as {new[: drift.SHOWN]!r} now: is it the same thing?"
    for name, _, said in changed.retyped:
        type_, format_ = drift.type_and_format(said)
        node = nodes[name]
        if not rules.widens(of_name[name].lake_type, type_):
            _set(node, "fieldId", number)
            number += 1
            yield f"{of_name[name].name} is {type_} under a new field id: models that read it have to fit"
        _set(node, "lakeType", type_)
        _set(node, "format", format_)
        node["logicalType"] = rules.logical_type(type_)
        if format_:
            yield f"{of_name[name].name} is written as {format_!r} now: are day and month the right way round?"
    taken = {node["name"] for node in nodes.values()}
    types = dict(changed.found)
    for name in changed.added:
        nodes[name] = _new_column(name, types.get(name, ""), number, taken)
        number += 1
        own = nodes[name]
        taken.add(own["name"])
        yield f"{own['name']} is new: say title, meaning and class; it is taken as {_get(own, 'lakeType')}" + (
            ", and dropped at admission for it may be personal" if _get(own, "treatment") == "drop" else ""
        )
    order = [name for name, _ in changed.found if name in nodes] if changed.found else list(nodes)
    # In place: comments hang on the list and its items.
    schema["properties"][:] = [nodes[name] for name in [*order, *(name for name in nodes if name not in order)]]


def _new_column(name: str, source_type: str, number: int, taken: set[str]) -> dict[str, Any]:
    type_ = drift.lake_type_of(source_type)
    lake_name = _lake_name(name, number, taken)
    personal = rules.looks_personal(Column(lake_name, name, type_, number))
    own: list[dict[str, Any]] = [
        {"property": "fieldId", "value": number},
        {"property": "lakeType", "value": type_},
        {"property": "treatment", "value": "drop" if personal else "keep"},
    ]
    return {
        "name": lake_name,
        "physicalName": name,
        "businessName": name,
        "description": TO_SAY,
        "logicalType": rules.logical_type(type_),
        "classification": "L3" if personal else "L2",
        "customProperties": own,
    }


def _lake_name(name: str, number: int, taken: set[str]) -> str:
    plain = unicodedata.normalize("NFKD", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).encode("ascii", "ignore")
    snake = re.sub(r"[^a-z0-9]+", "_", plain.decode().lower()).strip("_")
    if not snake or not snake[0].isalpha() or snake in taken | {"ds"}:
        snake = f"{snake}_{number}" if snake and snake[0].isalpha() else f"column_{number}"
    return snake


def _unused(contract: Contract, settings: Settings) -> int:
    """The first field id no version has used."""
    versions = reader.versions_of(contract.dataset, settings)
    return max(column.field_id for version in versions for column in version.columns) + 1


def _own(node: Any) -> list[Any]:
    found: list[Any] = node.setdefault("customProperties", [])
    return found


def _get(node: Any, name: str) -> Any:
    return next((entry["value"] for entry in _own(node) if entry["property"] == name), None)


def _set(node: Any, name: str, value: Any) -> None:
    """Set an own property; None removes it."""
    entries = _own(node)
    for position, entry in enumerate(entries):
        if entry["property"] == name:
            if value is None:
                del entries[position]
            else:
                entry["value"] = value
            return
    if value is not None:
        entries.append({"property": name, "value": value})
