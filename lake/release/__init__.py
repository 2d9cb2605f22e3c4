"""Open data: what leaves the house. Small cells are withheld, and so many others that no sum gives them away.

`suppress` chooses the cells, `attack` tries to get them back as an outsider would, `release` writes the files.
"""

from lake.release.open_data import OpenTable, Released, ReleaseRefused, audit, open_tables, release
from lake.release.suppression import Table, attack, suppress

__all__ = [
    "OpenTable", "ReleaseRefused", "Released", "Table", "attack", "audit", "open_tables", "release", "suppress",
]  # fmt: skip
