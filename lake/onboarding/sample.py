"""A bounded sample of a source, brought and read by the very connector and reader that will load it.

A contract that says as little as possible stands in for the one to be written: every column a text, no key. The
sample lands in a folder of the vault and goes when the draft is made.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from lake.admission.reading import read
from lake.connectors import FetchedFile, check_arguments
from lake.connectors.protocol import SourceColumn
from lake.contracts.model import Cadence, Contract, Mode, Source, Window, Withdrawal
from lake.engine import quote_identifier
from lake.errors import ContractError
from lake.landing import Landed
from lake.onboarding.names import Named
from lake.onboarding.series import Series
from lake.onboarding.text import TextForm

Say = Callable[[str], None]

SAMPLE_BYTES = 256 << 20
"""Bytes of files that are looked at; of a larger source the oldest, the newest and some between."""
SAMPLE_RECORDS = 1_000_000
"""Rows of a table that are looked at; of a larger one the newest."""


@dataclass(frozen=True)
class Asked:
    """What the person who drafts has said.

    Attributes:
        dataset: id of the dataset to be.
        source: connection id, file or folder.
        connection: connection id the contract is to name; '' = made from the department's.
        connector: file under `lake/connectors/`; '' = by the end of the files' names or the connection's scheme.
        arguments: connector's arguments that are known: table, pattern, items_path …
        zone: IANA zone; '' = the city's.
        first, last: days to take from a source that cannot say which it has.
        encoding, has_header: of text files, where the sample would mislead.
        keep: lake names of columns a person has decided to tell nothing about people.
        key: lake names of the columns a person has decided to name a record.
    """

    dataset: str
    source: str
    connection: str = ""
    connector: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    zone: str = ""
    first: date | None = None
    last: date | None = None
    encoding: str = ""
    has_header: bool | None = None
    keep: tuple[str, ...] = ()
    key: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shape:
    """Files of a drop folder that are written alike, from a day on.

    Attributes:
        first: their first day.
        header: column names; None where the files name none.
        files: how many of the sample.
    """

    first: date | None
    header: tuple[str, ...] | None
    files: int


@dataclass(frozen=True)
class Sample:
    """What was brought and read.

    Attributes:
        contract: the stand-in, with names of columns; of the newest shape.
        names: the columns.
        source_columns: what the source says about them.
        records: records of the sample by the connector's own count.
        is_whole: everything the source has is in the sample.
        files: number of files in the source; 0 for what has none.
        files_read: number in the sample.
        form: of text files.
        shapes: oldest first; one where all files are alike.
        series: the files by their names; None where there are none or they cannot be listed.
        others: other series in the folder.
        first_day, last_day: days of the files.
        missing_days: days or months between them without a file.
        unlike: files whose encoding or width is not that of the others.
        folder: where the files lie; '' for what is no folder of this machine.
        notes: what the source says about itself.
    """

    contract: Contract
    names: tuple[Named, ...]
    source_columns: tuple[SourceColumn, ...]
    records: int
    is_whole: bool
    files: int = 0
    files_read: int = 0
    form: TextForm | None = None
    shapes: tuple[Shape, ...] = ()
    series: Series | None = None
    others: tuple[Series, ...] = ()
    first_day: date | None = None
    last_day: date | None = None
    missing_days: tuple[date, ...] = ()
    unlike: tuple[str, ...] = ()
    folder: str = ""
    notes: tuple[str, ...] = ()


def into_seen(
    duck: duckdb.DuckDBPyConnection, contract: Contract, files: Sequence[FetchedFile], room: Path, names: Sequence[str]
) -> None:
    """Read landed files by admission's reader and add them to the table ``seen``, columns by their places."""
    landed = Landed(
        contract=contract,
        window=Window(contract.valid_from, contract.valid_from),
        delivery="draft",
        folder=room,
        files=tuple(files),
        delivered=sum(file.records for file in files),
        missing_days=(),
        is_new=True,
        landed_at=datetime(2000, 1, 1, tzinfo=UTC),
    )
    scratch = Path(tempfile.mkdtemp(prefix="scratch-", dir=room))
    read(duck, landed, scratch)
    own = [column.name for column in contract.columns]
    pairs = ", ".join(
        f"{quote_identifier(mine)} AS {quote_identifier(name)}" for mine, name in zip(own, names, strict=False)
    )
    select = f"SELECT _file, _record, _day, _problem, {pairs} FROM raw"
    exists = duck.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'seen'").fetchone()
    duck.execute(f"INSERT INTO seen BY NAME {select}" if exists else f"CREATE TABLE seen AS {select}")
    # The reader makes its tables anew for each reading.
    for kind, name in duck.execute(
        "SELECT 'VIEW', view_name FROM duckdb_views() WHERE NOT internal UNION ALL "
        "SELECT 'TABLE', table_name FROM duckdb_tables() WHERE table_name <> 'seen'"
    ).fetchall():
        duck.execute(f"DROP {kind} IF EXISTS {quote_identifier(name)}")
    shutil.rmtree(scratch, ignore_errors=True)


def stand_in(asked: Asked, connector: str, connection: str, arguments: dict[str, Any], cadence: Cadence) -> Contract:
    """A contract that says what is known of a source and no more.

    Raises:
        ContractError: the connector needs or refuses an argument.
    """
    contract = Contract(
        dataset=asked.dataset,
        version="1.0.0",
        valid_from=date(1900, 1, 1),
        title_zh="",
        title_en="",
        owner="",
        mode=Mode.SNAPSHOT,
        cadence=cadence,
        zone=asked.zone,
        source=Source(connector, connection, arguments),
        columns=(),
        withdrawal=Withdrawal.ABSENCE,
    )
    if problems := check_arguments(contract):
        raise ContractError("; ".join(problems), remedy="say it with --set name=value", dataset=asked.dataset)
    return contract


def count_seen(duck: duckdb.DuckDBPyConnection) -> int:
    """Records of the sample."""
    row: Any = duck.execute("SELECT count(*) FROM seen").fetchone()
    return int(row[0])
