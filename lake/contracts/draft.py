"""From the tree of a contract file to a `Contract`: every property read once, in one place, with its type.

What has the wrong shape is noted on the page and replaced by a stand-in, so that one look finds all mistakes;
`Draft.doubtful` names what was replaced, and the rules leave it alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from lake.contracts.documents import Location, Page, nearest
from lake.contracts.model import (
    AdditionalColumns,
    Cadence,
    Column,
    Contract,
    KeyComparison,
    Mode,
    Source,
    Tombstone,
    Treatment,
    Withdrawal,
)

Parse = Callable[[Any], Any]
"""Takes what the YAML holds and gives the value, or raises ValueError saying what is expected."""

DATASET_ID = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_DURATION = re.compile(r"P(?=.)(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_CLASSIFICATIONS = ("L1", "L2", "L3", "L4")


@dataclass
class Draft:
    """A contract as far as it could be read.

    Attributes:
        contract: with stand-ins for what was wrong.
        places: where things that are written out stand: ``mode``, ``column:city``, ``column:city.purpose``.
        doubtful: properties with a stand-in; ``columns`` when a column has no name, ``types`` when one has no type.
        logical_types: column → the standard's own type of it, for other tools.
    """

    contract: Contract
    places: dict[str, Location]
    doubtful: set[str] = field(default_factory=set)
    logical_types: dict[str, str] = field(default_factory=dict)

    def place(self, name: str) -> Location:
        """Location of a thing, or of what holds it."""
        while name not in self.places and "." in name:
            name = name.rpartition(".")[0]
        return self.places.get(name, ())


def version_number(version: str) -> tuple[int, int, int]:
    """``1.10.0`` as (1, 10, 0), so that it comes after 1.9.0; (0, 0, 0) for what is no version."""
    found = VERSION.fullmatch(version)
    return (int(found[1]), int(found[2]), int(found[3])) if found else (0, 0, 0)


def duration(value: Any) -> timedelta:
    """ISO 8601 duration of weeks, days, hours, minutes and seconds (months and years have no fixed length)."""
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise ValueError("an ISO 8601 duration such as P2D or PT36H")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text")
    return str(value)


def _optional_text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a text")
    return str(value)


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("a list of texts, in quotes where YAML reads them otherwise")
    return tuple(str(item) for item in value)


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("a whole number, 0 or more")
    return int(value)


def _positive(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("a whole number, 1 or more")
    return int(value)


def _day(value: Any) -> date:
    try:
        return value if type(value) is date else date.fromisoformat(_text(value))
    except ValueError:
        raise ValueError("a date such as '2020-01-01'") from None


def _clock(value: Any) -> time:
    try:
        return time.fromisoformat(_text(value))
    except ValueError:
        raise ValueError("a time of day in quotes such as '06:30'") from None


def _arguments(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("a mapping of the connector's arguments")
    return {str(key): item for key, item in value.items()}


def _tombstone(value: Any) -> Tombstone:
    if not isinstance(value, Mapping) or set(value) != {"column", "values"}:
        raise ValueError("a mapping of `column` and `values`")
    values = _texts(value["values"])
    if not values:
        raise ValueError("at least one of `values`")
    return Tombstone(_text(value["column"]), values)


def _key_comparison(value: Any) -> KeyComparison:
    if isinstance(value, str):
        value = {"every": value}
    if not isinstance(value, Mapping) or not set(value) <= {"every", "arguments", "mostWithdrawn"}:
        raise ValueError("daily, weekly or monthly, or a mapping of `every`, `arguments`, `mostWithdrawn`")
    if value.get("every") not in ("daily", "weekly", "monthly"):
        raise ValueError("daily, weekly or monthly")
    most = value.get("mostWithdrawn", 0.1)
    if isinstance(most, bool) or not isinstance(most, int | float) or not 0 <= most <= 1:
        raise ValueError("a share from 0 to 1 for `mostWithdrawn`")
    return KeyComparison(str(value["every"]), _arguments(value.get("arguments", {})), float(most))


def _one_of(choices: type[StrEnum]) -> Parse:
    def parse(value: Any) -> StrEnum:
        try:
            return choices(_text(value))
        except ValueError:
            raise ValueError(f"one of {', '.join(choices)}") from None

    return parse


_DATASET: dict[str, tuple[Parse, Any]] = {
    # property: how it is read, and what stands for it where nothing is said; `...` = it must be said
    "mode": (_one_of(Mode), ...),
    "cadence": (_one_of(Cadence), ...),
    "withdrawal": (_one_of(Withdrawal), ...),
    "validFrom": (_day, ...),
    "zone": (_text, ...),
    "connector": (_text, ...),
    "connection": (_text, ...),
    "arguments": (_arguments, {}),
    "cursor": (_text, None),
    "partitionColumn": (_text, None),
    "overlap": (duration, timedelta(0)),
    "recaptureDays": (_count, 0),
    "publicationLagDays": (_count, 0),
    "encoding": (_text, "utf-8"),
    "delimiter": (_optional_text, ","),  # a tab is one too
    "quote": (_optional_text, '"'),
    "nullMarkers": (_texts, ()),
    "dueAt": (_clock, time(6, 30)),
    "retentionDays": (_positive, 400),
    "tombstone": (_tombstone, None),
    "keyComparison": (_key_comparison, None),
    "additionalColumns": (_one_of(AdditionalColumns), AdditionalColumns.HOLD),
}
_COLUMN: dict[str, tuple[Parse, Any]] = {
    "fieldId": (_positive, ...),
    "lakeType": (_text, ...),
    "format": (_text, None),
    "unit": (_text, None),
    "treatment": (_one_of(Treatment), Treatment.KEEP),
    "purpose": (_text, None),
}
_UNITS = {
    **dict.fromkeys(("h", "hour", "hours"), timedelta(hours=1)),
    **dict.fromkeys(("d", "day", "days"), timedelta(days=1)),
    **dict.fromkeys(("w", "week", "weeks"), timedelta(weeks=1)),
}
_STAND_INS: dict[str, Any] = {
    "mode": Mode.SNAPSHOT,
    "cadence": Cadence.DAILY,
    "withdrawal": Withdrawal.UNSEEN,
    "validFrom": date.min,
    "zone": "UTC",
    "connector": "",
    "connection": "",
    "fieldId": 0,
    "lakeType": "VARCHAR",
}


def draft(page: Page, path: Path) -> Draft:
    """Read a contract; what is missing or of the wrong shape is noted on the page."""
    return _Reading(page, path).draft()


class _Reading:
    def __init__(self, page: Page, path: Path) -> None:
        self.page, self.path = page, path
        self.places: dict[str, Location] = {str(key): (key,) for key in page.document}
        self.doubtful: set[str] = set()
        self.logical_types: dict[str, str] = {}

    def draft(self) -> Draft:
        top = self.page.document
        self._kind(top)
        schema, at = self._schema(top)
        given = self._properties(top, (), _DATASET, "")
        version = self._say(top, (), "version", "a version such as 1.0.0")
        if version and not VERSION.fullmatch(version):
            self._wrong((), "version", f"version {version!r} is not <major>.<minor>.<patch>", "write 1.0.0")
            self.doubtful.add("version")
        contract = Contract(
            dataset=self._dataset(top),
            version=version,
            valid_from=given["validFrom"],
            title_zh=self._say(schema, at, "businessName", "the Chinese title of the dataset"),
            title_en=self._say(top, (), "name", "the English title of the dataset"),
            owner=self._owner(top),
            mode=given["mode"],
            cadence=given["cadence"],
            zone=given["zone"],
            source=Source(given["connector"], given["connection"], given["arguments"]),
            columns=self._columns(schema, at),
            withdrawal=given["withdrawal"],
            cursor=given["cursor"],
            partition_column=given["partitionColumn"],
            overlap=given["overlap"],
            recapture_days=given["recaptureDays"],
            publication_lag_days=given["publicationLagDays"],
            encoding=given["encoding"],
            delimiter=given["delimiter"],
            quote=given["quote"],
            null_markers=given["nullMarkers"],
            due_at=given["dueAt"],
            retention_days=given["retentionDays"],
            latency=self._service_level(top, "latency"),
            frequency=self._service_level(top, "frequency"),
            path=str(self.path),
            tombstone=given["tombstone"],
            key_comparison=given["keyComparison"],
            additional_columns=given["additionalColumns"],
        )
        return Draft(contract, self.places, self.doubtful, self.logical_types)

    def _service_level(self, top: Mapping[str, Any], name: str) -> timedelta | None:
        """A duration out of the standard's ``slaProperties``; its other properties are for people."""
        written = top.get("slaProperties")
        for position, entry in enumerate(written if isinstance(written, list) else ()):
            if not isinstance(entry, Mapping) or entry.get("property") != name:
                continue
            self.places[name] = at = ("slaProperties", position)
            value, unit = entry.get("value"), entry.get("unit")
            number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
            if number > 0 and unit in _UNITS:
                asked: timedelta = _UNITS[str(unit)] * number
                if name != "frequency" or asked % timedelta(days=1) == timedelta(0):
                    return asked
            self._wrong(
                at, "value", f"{name} {value!r} {unit!r} is no service level",
                f"write a number above 0 with unit {', '.join(_UNITS)}" + "; whole days" * (name == "frequency"),
            )  # fmt: skip
        return None

    def _kind(self, top: Mapping[str, Any]) -> None:
        if self._say(top, (), "kind", "`kind: DataContract`") not in ("", "DataContract"):
            self._wrong((), "kind", "kind is not DataContract", "write `kind: DataContract`")
        standard = self._say(top, (), "apiVersion", "the version of the standard, `apiVersion: v3.1.0`")
        if standard and not standard.startswith("v3."):
            self._wrong((), "apiVersion", f"standard {standard} is not v3", "write `apiVersion: v3.1.0`")

    def _dataset(self, top: Mapping[str, Any]) -> str:
        dataset = self._say(top, (), "id", "the dataset id <city>.<department>.<dataset>")
        folder = self.path.parent
        expected = f"{folder.parent.name}.{folder.name}.{self.path.stem.partition('@')[0]}"
        if dataset and dataset != expected:
            self._wrong(
                (), "id", f"id {dataset!r} does not fit the path of the file", f"write {expected!r} or move the file"
            )
        for candidate in (dataset, expected):
            if DATASET_ID.fullmatch(candidate):
                return candidate
        self._wrong(
            (), "id", "folders and file names are not snake_case", "name the file <city>/<department>/<dataset>.yaml"
        )
        return "unknown.unknown.unknown"

    def _owner(self, top: Mapping[str, Any]) -> str:
        team = top.get("team")
        if isinstance(team, Mapping):
            return self._say(team, ("team",), "name", "the owner under `team`")
        self._wrong((), "team", "the owner is missing", "write `team:` with `name: <department>`")
        return ""

    def _schema(self, top: Mapping[str, Any]) -> tuple[Mapping[str, Any], Location]:
        schema = top.get("schema")
        if not isinstance(schema, list) or len(schema) != 1 or not isinstance(schema[0], Mapping):
            self._wrong((), "schema", "schema does not describe one table", "describe exactly one table under `schema`")
            self.doubtful.update(("columns", "types", "schema"))
            return {}, ("schema",)
        at: Location = ("schema", 0)
        name = self._say(schema[0], at, "name", "the name of the table")
        if name and name != self.path.stem.partition("@")[0]:
            self._wrong(at, "name", f"table {name!r} is not named as the file", "use the last part of the dataset id")
        grain = self._say(schema[0], at, "dataGranularityDescription", "the grain, `one row per …`")
        if grain and not grain.startswith("one row per "):
            self._wrong(at, "dataGranularityDescription", "the grain is not said", "begin with `one row per`")
        return schema[0], at

    def _columns(self, schema: Mapping[str, Any], at: Location) -> tuple[Column, ...]:
        written = schema.get("properties")
        self.places["columns"] = (*at, "properties")
        if not isinstance(written, list) or not written:
            if "schema" not in self.doubtful:
                self._wrong(at, "properties", "the table has no columns", "list its columns under `properties`")
            self.doubtful.update(("columns", "types"))
            return ()
        return tuple(
            column
            for position, node in enumerate(written)
            if isinstance(node, Mapping) and (column := self._column(node, (*at, "properties", position)))
        )

    def _column(self, node: Mapping[str, Any], at: Location) -> Column | None:
        name = self._say(node, at, "name", "the column's name in the lake")
        given = self._properties(node, at, _COLUMN, f"column:{name}.")
        if not name:
            self.doubtful.add("columns")
            return None
        self.places[f"column:{name}"] = at
        for key in ("physicalName", "logicalType", "classification", "primaryKey", "primaryKeyPosition", "required"):
            if key in node:
                self.places[f"column:{name}.{key}"] = (*at, key)
        if isinstance(node.get("logicalType"), str):
            self.logical_types[name] = node["logicalType"]
        classification = self._say(node, at, "classification", f"the class of column {name!r}, L1 to L4")
        if classification and classification not in _CLASSIFICATIONS:
            self._wrong(
                at, "classification", f"class {classification!r} is unknown", nearest(classification, _CLASSIFICATIONS)
            )
        in_key = node.get("primaryKey") is True
        position = node.get("primaryKeyPosition")
        return Column(
            name=name,
            source_name=self._say(node, at, "physicalName", f"the source's name of column {name!r}"),
            type=given["lakeType"],
            field_id=given["fieldId"],
            format=given["format"],
            required=node.get("required", False) is not False,
            key_position=(position if isinstance(position, int) and position > 0 else 1) if in_key else None,
            unit=given["unit"],
            title_zh=self._say(node, at, "businessName", f"the Chinese label of column {name!r}"),
            description=self._say(node, at, "description", f"the meaning of column {name!r}"),
            classification=classification,
            treatment=given["treatment"],
            purpose=given["purpose"],
        )

    def _properties(
        self, node: Mapping[str, Any], at: Location, known: dict[str, tuple[Parse, Any]], prefix: str
    ) -> dict[str, Any]:
        """Own properties of a dataset or a column, read by the table of the known ones."""
        found: dict[str, Any] = {}
        written = node.get("customProperties")
        for position, entry in enumerate(written if isinstance(written, list) else ()):
            place = (*at, "customProperties", position)
            name = entry.get("property") if isinstance(entry, Mapping) else None
            if not isinstance(name, str) or name not in known:
                self.page.wrong(self.page.line(place), f"unknown property {name!r}", nearest(str(name), known))
                continue
            if name in found:
                self.page.wrong(self.page.line(place), f"property {name!r} is said twice", "keep one")
                continue
            self.places[prefix + name] = (*place, "value") if "value" in entry else place
            try:
                found[name] = known[name][0](entry.get("value"))
            except ValueError as expected:
                self.page.wrong(self.page.line(place), f"{name!r} has the wrong type or value", f"write {expected}")
                found[name] = self._doubt(name, known)
        for name, (_, default) in known.items():
            if name not in found and default is ...:
                self.page.wrong(
                    self.page.line(at),
                    f"property {name!r} is missing{f' on column {prefix[7:-1]!r}' if prefix else ''}",
                    f"add `{{property: {name}, value: …}}` to its `customProperties`",
                )
                found[name] = self._doubt(name, known)
        return {name: found.get(name, default) for name, (_, default) in known.items()}

    def _doubt(self, name: str, known: dict[str, tuple[Parse, Any]]) -> Any:
        self.doubtful.add("types" if name == "lakeType" else name)
        return _STAND_INS[name] if name in _STAND_INS else known[name][1]

    def _say(self, node: Mapping[str, Any], at: Location, key: str, what: str) -> str:
        """Text of a mandatory standard property. A value of another type was noted against the published model."""
        value = node.get(key)
        if isinstance(value, str) and value.strip():
            return str(value)
        if value is None or value == "":
            self._wrong(at, key, f"{key!r} is missing", f"say {what}")
        self.doubtful.add(key)
        return ""

    def _wrong(self, at: Location, key: str, message: str, remedy: str) -> None:
        self.page.wrong(self.page.line((*at, key)), message, remedy)
