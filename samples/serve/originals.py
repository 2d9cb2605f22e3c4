"""The originals in ``samples/queens`` and how they are read: as text, with fixed options, nothing sniffed."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb

from lake.engine import quote_literal

FOLDER = Path(__file__).resolve().parents[1] / "queens"
"""Where the originals lie."""

FIRST_DAY = date(2020, 1, 1)
"""First day of 311, SCOUT and collisions, and the first day that anything is delivered for."""

ZONE = "America/New_York"
"""Zone of the local times in 311 and SCOUT, and of the departments' working day."""

LOCAL_TIME = "%m/%d/%Y %I:%M:%S %p"
"""How 311 and SCOUT write a moment: ``04/03/2023 09:03:10 PM``, without a zone."""

# What the departments write into `Resolution Description` of a request that is still open, taken from open requests of
# the originals. A request of another agency has none.
OPEN_RESOLUTION = {
    "HPD": "The following complaint conditions are still open. HPD may attempt to contact you to verify the correction "
    "of the condition or may conduct an inspection.",
    "DOT": "The Department of Transportation referred this complaint to the appropriate Maintenance Unit for repair.",
    "DOB": "Your Service Request has been submitted to the Department of Buildings.  Please check back later for "
    "status.",
}


def digest() -> str:
    """Name what the originals hold: sha256 (hex) over the names and contents of all of them."""
    total = hashlib.sha256()
    for path in sorted(FOLDER.glob("*.*z*")):
        total.update(path.name.encode())
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


def unpack(archive: str, member: str, into: Path) -> Path:
    """Write one member of one of the zipped originals into a folder and give its path."""
    with zipfile.ZipFile(FOLDER / archive) as opened, opened.open(member) as source:
        path = into / member
        with path.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
    return path


def open_duckdb() -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB, small enough to live beside the lake's on the same machine."""
    return duckdb.connect(
        config={
            "memory_limit": "1GB",
            "threads": 2,
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
    )


def csv_relation(path: Path, columns: list[str]) -> str:
    """SQL that reads an original CSV: every cell as text, an empty cell as NULL."""
    declared = ", ".join(f"{quote_literal(name)}: 'VARCHAR'" for name in columns)
    return (
        f"read_csv({quote_literal(str(path))}, header = true, delim = ',', quote = '\"', escape = '\"', nullstr = '', "
        f"auto_detect = false, columns = {{{declared}}})"
    )


def header_of(path: Path) -> list[str]:
    """Names in the first line of an unpacked original (no original quotes a name)."""
    with path.open(encoding="utf-8") as file:
        return file.readline().rstrip("\n").split(",")


def each_day(first: date, last: date) -> Iterator[date]:
    """Every civil day from `first` to `last`, both included."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def each_month(first: date, last: date) -> Iterator[date]:
    """The first day of every month whose first day is not after `last`, from `first`'s month on."""
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = (month + timedelta(days=32)).replace(day=1)


def last_day_of(month: date) -> date:
    """The last civil day of the month that `month` lies in."""
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
