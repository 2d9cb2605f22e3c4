"""GeoJSON feature collections as a department drops them."""

from __future__ import annotations

import json
from pathlib import Path

from lake.connectors.files import FileSource
from lake.connectors.protocol import SourceColumn
from lake.contracts.model import Contract
from lake.errors import DeliveryDamaged


class Source(FileSource):
    """Feature collections. A record is a feature. A file is read into memory whole: boundaries, not events."""

    def count_records(self, path: Path) -> tuple[int, str | None]:
        """Features by Python's JSON reader."""
        try:
            with path.open("rb") as file:
                collection = json.load(file)
        except (ValueError, RecursionError) as error:
            return 0, f"the file is not JSON ({type(error).__name__})"
        features = collection.get("features") if isinstance(collection, dict) else None
        if not isinstance(features, list):
            return 0, "the file holds no feature collection"
        return len(features), None

    def columns(self, path: Path, contract: Contract) -> tuple[SourceColumn, ...]:
        """Properties of all features in the order they are met, then the geometry."""
        _, problem = self.count_records(path)
        if problem:
            raise DeliveryDamaged(problem, remedy="ask the department to deliver it again", dataset=contract.dataset)
        with path.open("rb") as file:
            features = json.load(file)["features"]
        names = dict.fromkeys(name for feature in features for name in feature.get("properties") or {})
        return (*(SourceColumn(name) for name in names), SourceColumn("geometry", "geometry"))
