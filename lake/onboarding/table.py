"""A sample of a database's table: what its server says of it, and so many rows as are allowed, the newest first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import duckdb

from lake.connectors import open_connector
from lake.connectors.database import ENGINES
from lake.connectors.protocol import SourceColumn
from lake.contracts.model import Cadence, Column, Contract, Mode, Window, Withdrawal
from lake.errors import ContractError
from lake.landing.manifest import FILES
from lake.onboarding.names import name_columns
from lake.onboarding.sample import SAMPLE_RECORDS, Asked, Sample, Say, count_seen, into_seen, stand_in
from lake.settings import Settings

_ANY_DAY = date(2000, 1, 1)


class TableTaken:
    """A table or view, by the connector's own description, count and fetch."""

    def __init__(self, asked: Asked, settings: Settings, room: Path, terms: dict[str, str], say: Say) -> None:
        self.asked, self.settings, self.room, self.terms, self.say = asked, settings, room, terms, say
        self.connector = asked.connector or ENGINES.get(urlsplit(settings.connection(asked.source)).scheme, "")
        if not self.connector:
            raise ContractError(
                f"the scheme of connection {asked.source!r} tells no connector",
                remedy="say --connector, and with --set what it needs",
            )

    def into(self, duck: duckdb.DuckDBPyConnection) -> Sample:
        """Bring rows and read them into the table ``seen``."""
        bare = stand_in(self.asked, self.connector, self.asked.source, dict(self.asked.arguments), Cadence.DAILY)
        self.say(f"asking {self.asked.source} to describe itself")
        told = open_connector(bare, self.settings).describe(bare)
        header = [column.name for column in told.columns]
        if not header:
            raise ContractError(
                "the source names no columns", remedy="look at the table's rights, or at --set items_path"
            )
        names = name_columns(header, {c.name: c.comment for c in told.columns}, self.terms)
        columns = tuple(Column(n.name, n.source_name, "VARCHAR", k) for k, n in enumerate(names, 1))
        contract, window, is_whole = self._bounded(replace(bare, columns=columns), told.columns)
        target = self.room / FILES
        target.mkdir()
        self.say(f"taking {'the table' if is_whole else f'its rows of {window}'}")
        fetched = open_connector(contract, self.settings).fetch(contract, window, target)
        into_seen(duck, contract, fetched.files, self.room, [named.name for named in names])
        return Sample(
            contract=contract,
            names=tuple(names),
            source_columns=told.columns,
            records=count_seen(duck),
            is_whole=is_whole,
            notes=told.notes,
        )

    def _bounded(self, contract: Contract, columns: Sequence[SourceColumn]) -> tuple[Contract, Window, bool]:
        """The whole table where it is small, else the newest days by one of its times."""
        window = Window(self.asked.first or _ANY_DAY, self.asked.last or self.asked.first or _ANY_DAY)
        counted = open_connector(contract, self.settings).count(contract, window)
        if counted is None or counted <= SAMPLE_RECORDS:
            return contract, window, True
        times = [column for column in columns if re.search("timestamp|datetime|date", column.type.lower())]
        times.sort(
            key=lambda column: (not re.search("updat|modif|chang", column.name.lower()), column.is_nullable is True)
        )
        for column in times:
            lake_name = next(c.name for c in contract.columns if c.source_name == column.name)
            by_time = replace(contract, mode=Mode.CHANGES, withdrawal=Withdrawal.UNSEEN, cursor=lake_name)
            connector = open_connector(by_time, self.settings)
            last = self.asked.last or connector.describe(by_time).last_day
            if last is None:
                continue
            best, days = None, 1
            while (
                days <= 4096
                and (found := connector.count(by_time, Window(last - timedelta(days - 1), last))) is not None
            ):
                if found > SAMPLE_RECORDS:
                    break
                best, days = Window(last - timedelta(days - 1), last), days * 2
            if best is not None:
                return by_time, best, False
        raise ContractError(
            f"the table has {counted} rows and no time a part could be cut by",
            remedy=f"draft from a view with at most {SAMPLE_RECORDS} rows, then name the table in the contract",
            dataset=self.asked.dataset,
        )


def stated_type(column: SourceColumn) -> str | None:
    """The lake's type for what a database says; None where the values have to tell."""
    said = column.type.lower()
    if found := re.match(r"(numeric|decimal|number)\s*\((\d+)\s*,\s*(\d+)\)", said):
        precision, scale = int(found[2]), int(found[3])
        return f"DECIMAL({precision},{scale})" if precision <= 38 and scale <= precision else None
    known: tuple[tuple[str, str], ...] = (
        (r"(small|medium|big|tiny)?int(eger)?\d?\b|int[248]\b|(small|big)?serial", "BIGINT"),
        (r"bool", "BOOLEAN"),
        (r"timestamp|datetime", "TIMESTAMPTZ"),
        (r"date$", "DATE"),
        (r"(n?var)?char|n?text|clob|uuid|enum|set\b|json|bpchar|character", "VARCHAR"),
    )
    return next((type_ for pattern, type_ in known if re.match(pattern, said)), None)


def is_text(columns: Sequence[SourceColumn], source_name: str) -> bool:
    """Whether a database says that a column is text: digits in it are no number."""
    return any(stated_type(column) == "VARCHAR" for column in columns if column.name == source_name)
