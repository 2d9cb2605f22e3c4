"""GeoJSON feature collections as a department drops them, plain or packed."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from lake.connectors.files import FileArguments, FileSource
from lake.connectors.json_files import ItemArguments, columns_of, count_items, first_items
from lake.connectors.protocol import SourceColumn
from lake.contracts.model import Contract
from lake.errors import DeliveryDamaged


class GeoJsonArguments(ItemArguments):
    """Arguments of feature collections.

    A column's ``source_name`` is the name of a property; ``geometry`` is the geometry as GeoJSON text, in WGS 84 as
    RFC 7946 has it, whatever the file says.
    """


class Source(FileSource):
    """Feature collections. A record is a feature."""

    Arguments: ClassVar[type[FileArguments]] = GeoJsonArguments
    arguments: GeoJsonArguments

    def count_records(self, path: Path) -> tuple[int, str | None]:
        """Features by ijson's streaming parser (yajl)."""
        return count_items(path, self.arguments.member, "features", "utf-8")

    def columns(self, path: Path, contract: Contract) -> tuple[SourceColumn, ...]:
        """Properties of the first 2000 features in the order they are met, then the geometry."""
        features = first_items(path, self.arguments.member, "features", "utf-8", contract.dataset)
        if not all(isinstance(feature, dict) for feature in features):
            raise DeliveryDamaged(
                "the file holds no feature collection",
                remedy="ask the department to deliver it again",
                dataset=contract.dataset,
            )
        return (*columns_of(feature.get("properties") for feature in features), SourceColumn("geometry", "geometry"))
