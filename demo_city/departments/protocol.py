"""What a department's module says: its datasets, its dirt, and what really happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World


@dataclass(frozen=True)
class Pattern:
    """A way in which a dataset is dirty.

    Attributes:
        name: such as ``close_before_create``; unique within the dataset.
        meaning: one English sentence.
        rate: share of the rows (or of the deliveries) that are so.
        caught_by: where a lake that does its work shows it: ``quarantine`` (the row, by `rule`), ``warning`` (counted
            by `rule`), ``held`` (the delivery), ``unchanged`` (a repetition that adds nothing), ``late`` and
            ``missing`` (the ledger's state of the day), ``corrected`` (the newest version is the accepted one),
            ``core`` (only the conformed core can see it), ``never`` (nothing that was delivered tells it).
        rule: id of the expectation that catches it (or ``typing`` for a cell that is not of its type).
        column: the lake's name of the column that is wrong.
    """

    name: str
    meaning: str
    rate: float
    caught_by: str
    rule: str | None = None
    column: str | None = None


@dataclass(frozen=True)
class Rows:
    """What a department's system wrote on some days.

    Attributes:
        table: one row per version, in the order of the system: the columns as the department delivers them (names and
            order of its system), and ``_day`` (date32): the day with whose delivery, or at whose end, it is there.
            With ``_is_deleted`` (bool) the row of that key is taken away.
        dirt: ``row`` (int64, position in `table`), ``pattern``, and ``key`` (the primary key as the lake will write
            it, parts joined by ``|``).
    """

    table: pa.Table
    dirt: pa.Table


@dataclass(frozen=True)
class Table:
    """A table in a database; keyed rows are written over, so that it shows the present only.

    Attributes:
        name: of the table, as in the contract's `table`, without schema.
        key: physical names of its key; empty for a log that only grows.
        types: physical column → SQL type understood by PostgreSQL and MariaDB alike (``varchar(64)``,
            ``timestamp(0)``, …); the columns left out are ``text``. MariaDB writes ``timestamp`` as ``datetime``.
        stands_for: the system it is in reality, such as ``Oracle 12c``.
        server: ``postgres`` or ``mariadb``. Where no MariaDB is installed the same rows lie in the PostgreSQL.
    """

    name: str
    key: tuple[str, ...]
    types: Mapping[str, str] = field(default_factory=dict)
    stands_for: str = ""
    server: str = "postgres"


@dataclass(frozen=True)
class Api:
    """A JSON API of its own dialect.

    Attributes:
        path: such as ``/api/v1/devices``.
        dialect: ``page`` (page number and total) or ``cursor``.
        by: ``day`` (records of the days asked for) or ``update`` (records changed in them: newest version only).
        key: physical names of the key, for ``update``.
    """

    path: str
    dialect: str
    by: str = "day"
    key: tuple[str, ...] = ()


@dataclass(frozen=True)
class Drift:
    """The layout of one day's file differs (an accident of the department's; the next day it is as before).

    Attributes:
        on: the day.
        added: a column that is suddenly there, with this text in every row; or
        renamed: old physical name → new one; or
        dropped: a column that is not there.
    """

    on: date
    added: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Files:
    """Files laid into a drop, one (or more) for each day of delivery.

    Attributes:
        pattern: path below the department's folder, with ``{day:%Y%m%d}``, as in the contract.
        write: gives the bytes of one day's file: the day's rows without ``_day``, and the day. One of
            `demo_city.systems.writers`, with its options bound.
        way: ``folder``, ``sftp`` or ``s3``.
        every: ``day``, ``week`` (delivered for the week's Monday), ``month`` (its first day) or ``quarter``. Rows carry
            that day in ``_day``.
        late: share of deliveries that come one to three days late.
        missing: share that never come.
        double: share that come again the next day, unchanged, under ``again`` (a second pattern of the same day).
        drifts: days on which the layout differs.
    """

    pattern: str
    write: Callable[[pa.Table, date], bytes]
    way: str = "sftp"
    every: str = "day"
    late: float = 0.0
    missing: float = 0.0
    double: float = 0.0
    drifts: tuple[Drift, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """One dataset of a department.

    Attributes:
        source: ``S01`` … ``S35``.
        dataset: id of its contract, ``linlan.<department>.<name>``.
        title: Chinese name.
        system: where it lies.
        rows: what the system wrote on given days. Asked for other stretches of days it gives the same rows: a
            stretch's rows are those of its days, one after the other.
        patterns: how it is dirty.
    """

    source: str
    dataset: str
    title: str
    system: Table | Api | Files
    rows: Callable[[World, Days], Rows]
    patterns: tuple[Pattern, ...] = ()

    @property
    def department(self) -> str:
        """Name of the department's folder and account."""
        return self.dataset.split(".")[1]


@dataclass(frozen=True)
class Source:
    """A source of the city: its datasets and the truth behind them.

    Attributes:
        id: ``S01`` … ``S35``.
        title: Chinese name of department and system.
        datasets: what it delivers.
        events: what really happened on the given days, clean, by name of the table of events (see
            `demo_city.truth.events`); nothing for sources that only repeat registers.
    """

    id: str
    title: str
    datasets: tuple[Dataset, ...]
    events: Callable[[World, Days], Mapping[str, pa.Table]] | None = None


def no_dirt() -> pa.Table:
    """Dirt of rows that are all clean."""
    return pa.table(
        {"row": pa.array([], pa.int64()), "pattern": pa.array([], pa.string()), "key": pa.array([], pa.string())}
    )
