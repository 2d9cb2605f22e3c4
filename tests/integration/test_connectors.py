"""Connectors against real servers: what arrives is what the source holds, to the last digit, or a clear error."""

from __future__ import annotations

import dataclasses
import gzip
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lake.contracts.model import Column, Contract, Mode, Source, Window
from lake.contracts.reader import contract_for
from lake.landing import land
from lake.settings import Settings
from samples.serve import StandIn
from tests.thing import THING

DAY = date(2023, 3, 27)
TODAY = Window(DAY, DAY)


def contract(source: Source, *columns: Column, **changes: object) -> Contract:
    made = dataclasses.replace(
        THING,
        mode=Mode.SNAPSHOT,
        source=source,
        columns=columns or (Column("id", "id", "BIGINT", 1, key_position=1),),
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def nothing_landed(lake: Settings) -> bool:
    return not [path for path in lake.landing.rglob("*") if path.is_file()]


# ---- the departments of Queens ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dataset", "window", "delivered", "missing"),
    [
        ("nyc311.service_request", Window(date(2020, 1, 1), date(2023, 4, 3)), 52_519, 0),
        ("nypd.collision", Window(date(2020, 1, 1), date(2023, 4, 3)), 62_634, 3),
        ("weather.hourly_weather", Window(date(2022, 9, 1), date(2022, 12, 31)), 720 + 432, 2),
        ("dcp.community_district", Window(date(2023, 4, 1), date(2023, 4, 30)), 59, 0),
    ],
)
def test_each_department_delivers_what_the_originals_hold(
    connected: Settings, dataset: str, window: Window, delivered: int, missing: int
) -> None:
    dataset = f"queens.{dataset}"
    landed = land(contract_for(dataset, window.first, connected), window, connected)
    assert (landed.delivered, len(landed.missing_days)) == (delivered, missing)
    assert not [file.problem for file in landed.files if file.problem]


def test_the_same_request_twice_is_one_delivery(connected: Settings) -> None:
    for dataset in ("nyc311.service_request", "nypd.collision"):
        day = Window(date(2023, 3, 30), date(2023, 3, 30))
        promised = contract_for(f"queens.{dataset}", day.first, connected)
        assert [land(promised, day, connected).is_new for _ in range(2)] == [True, False]


def test_scout_drops_land_byte_for_byte(connected: Settings, standin: StandIn) -> None:
    window = Window(date(2023, 3, 1), date(2023, 3, 31))
    landed = land(contract_for("queens.dot.street_defect", window.first, connected), window, connected)
    drop = Path(urlsplit(standin.connections["dot_drop"]).path)
    assert len(landed.files) + len(landed.missing_days) == 31
    for file in landed.files:
        delivered = (drop / file.name).read_bytes()
        assert landed.path(file).read_bytes() == delivered
        assert file.records == len(gzip.decompress(delivered).splitlines()) - 1
