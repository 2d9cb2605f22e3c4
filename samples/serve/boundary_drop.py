"""Boundaries: the community districts of the city as one GeoJSON file a month, the same content every time."""

from __future__ import annotations

import gzip
import re
from datetime import date
from pathlib import Path

from samples.serve import originals
from samples.serve.drop_folder import DropFolder

ORIGINAL = "community_district.geojson.gz"


class BoundaryDrop:
    """The folder the planning department drops ``community_district_YYYY-MM.geojson`` into on the first of a month."""

    def __init__(self, folder: Path) -> None:
        self.drop = DropFolder(folder)

    def set_clock(self, through: date) -> None:
        """Have the file of every month that has begun by `through`, and no later one."""
        wanted = {name_of(month) for month in originals.each_month(originals.FIRST_DAY, through)}
        held = {name for name in self.drop.names() if re.fullmatch(r"community_district_\d{4}-\d\d\.geojson", name)}
        self.drop.withdraw(held - wanted)
        missing = sorted(wanted - held)
        if not missing:
            return
        # One file of 2.6 MB on the disk under many names: hard links to a first one that is written anew.
        first = missing[0]
        self.drop.deliver(first, gzip.decompress((originals.FOLDER / ORIGINAL).read_bytes()))
        for name in missing[1:]:
            self.drop.deliver_link(name, self.drop.path / first)


def name_of(month: date) -> str:
    """Name of a month's file."""
    return f"community_district_{month:%Y-%m}.geojson"
