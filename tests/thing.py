"""The contract that tests of connectors and of the landing vary: a department's things with a number and a note."""

from __future__ import annotations

from datetime import date

from lake.contracts.model import Cadence, Column, Contract, Mode, Source, Withdrawal

THING = Contract(
    dataset="queens.test.thing",
    version="1.0.0",
    valid_from=date(2020, 1, 1),
    title_zh="物",
    title_en="thing",
    owner="test",
    mode=Mode.CHANGES,
    cadence=Cadence.DAILY,
    zone="America/New_York",
    source=Source("csv_files", "drop", {"pattern": "d_{day:%Y%m%d}.csv"}),
    columns=(Column("id", "id", "BIGINT", 1, key_position=1), Column("note", "note", "VARCHAR", 2)),
    withdrawal=Withdrawal.UNSEEN,
)
