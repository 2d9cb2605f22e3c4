"""kill -9 at every named boundary and at random instants: run again, and all is as if nothing had happened."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from forge import Forge
from town import (
    AREA,
    COLUMNS,
    CRASH,
    DEFECT,
    MONDAY,
    MONTH,
    TUESDAY,
    WINDOW,
    Town,
    areas,
    crashes,
    defects,
    state,
)  # fmt: skip

from lake.load import load

LAND = ["land.fetched", "land.written", "land.renamed"]
ADMIT = ["admit.staged", "admit.quarantined", "admit.recorded"]
COMMIT = ["commit.files_moved", "commit.before", "commit.after", "commit.done"]
LEDGER = ["ledger.before", "ledger.after"]


@dataclass(frozen=True)
class Case:
    """A load that corrects what is there, from a home that is put back before each kill."""

    town: Town
    arguments: tuple[str, str, str]
    expected: dict[str, Any]
    seconds: float


def prepared(town: Town, forge: Forge, dataset: str) -> Case:
    """Something is loaded; a correction with bad records lies ready; what a load that is let alone makes of it."""
    if dataset == DEFECT:
        town.deliver("defect_20230306.csv", defects((1, "open"), (2, "open")) + "x,bad,1.50,555-0100,n\n")
        town.deliver("defect_20230307.csv", defects((2, "closed")))
    elif dataset == CRASH:
        town.deliver("crash_20230306.csv", crashes(MONDAY, (1, "a"), (2, "b")))
        town.deliver("crash_20230307.csv", crashes(TUESDAY, (3, "c")))
    else:
        town.deliver("area_2023-03.geojson", areas((1, "north"), (2, "south")))
    window = MONTH if dataset == AREA else WINDOW
    load(dataset, window, town.settings)
    if dataset == DEFECT:
        town.deliver("defect_20230306.csv", defects((1, "other"), (2, "open"), (4, "new")) + "y,bad,1.50,555-0100,n\n")
    elif dataset == CRASH:
        town.deliver("crash_20230306.csv", crashes(MONDAY, (1, "a"), (4, "d")) + "5,2023-03-0x,e\n")
    else:
        town.deliver("area_2023-03.geojson", areas((1, "north"), (3, "east")))
    town.remember()
    arguments = (dataset, str(window.first), str(window.last))
    ended = forge.run("load", town.environment, *arguments)
    assert (ended.error, ended.result["outcome"]) == ("", "committed"), ended
    expected = state(town.settings)
    assert expected["rebuilt alike"] is True
    assert expected["unaccounted"] == []
    return Case(town, arguments, expected, ended.seconds)


@pytest.fixture(scope="module")
def case(forge: Forge, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Case]]:
    made: dict[str, Case] = {}

    def give(dataset: str) -> Case:
        if dataset not in made:
            made[dataset] = prepared(Town(tmp_path_factory.mktemp("town")).found(), forge, dataset)
        return made[dataset]

    yield give


@pytest.mark.parametrize(
    ("dataset", "boundary"),
    [
        *((DEFECT, boundary) for boundary in LAND + ADMIT + COMMIT + LEDGER),
        *((CRASH, boundary) for boundary in ADMIT[1:] + COMMIT[1:3] + LEDGER[:1]),
        *((AREA, boundary) for boundary in ADMIT[2:] + COMMIT[1:3] + LEDGER[:1]),
    ],
)
def test_a_load_killed_at_a_boundary_ends_as_if_it_had_not_been(
    case: Callable[[str], Case], forge: Forge, dataset: str, boundary: str
) -> None:
    given = case(dataset)
    given.town.restore()
    assert forge.run("load", given.town.environment, *given.arguments, die_at=boundary).signal == signal.SIGKILL
    assert forge.run("load", given.town.environment, *given.arguments).error == ""
    assert state(given.town.settings) == given.expected


@pytest.mark.parametrize("boundary", ["commit.files_moved", "commit.after"])
def test_the_first_load_of_a_table_may_be_killed_too(town: Town, forge: Forge, boundary: str) -> None:
    town.deliver("crash_20230306.csv", crashes(MONDAY, (1, "a")))
    town.remember()
    arguments = (CRASH, str(MONDAY), str(MONDAY))
    assert forge.run("load", town.environment, *arguments).error == ""
    expected = state(town.settings)
    town.restore()
    assert forge.run("load", town.environment, *arguments, die_at=boundary).signal == signal.SIGKILL
    assert forge.run("load", town.environment, *arguments).error == ""
    assert state(town.settings) == expected


def test_a_delivery_whose_load_died_is_finished_by_the_load_of_another(town: Town, forge: Forge) -> None:
    """Else it would be nowhere: by now the source delivers something else."""
    day = (DEFECT, str(MONDAY), str(MONDAY))
    for boundary in ("land.renamed", "admit.recorded", "commit.after", "ledger.before"):
        town.deliver("defect_20230306.csv", defects((1, boundary)))
        assert forge.run("load", town.environment, *day, die_at=boundary).signal == signal.SIGKILL
    town.deliver("defect_20230306.csv", defects((1, "last")))
    ended = forge.run("load", town.environment, *day)
    assert (ended.error, ended.result["outcome"]) == ("", "committed")
    after = state(town.settings)
    titles = [row[2] for row in after[DEFECT]]
    assert sorted(titles) == ["admit.recorded", "commit.after", "land.renamed", "last", "ledger.before"]
    assert after["unaccounted"] == []
    assert after["rebuilt alike"] is True


@pytest.mark.parametrize("boundary", ["admit.quarantined", "commit.after", "ledger.before"])
def test_a_killed_replay_is_finished_by_the_next_load(town: Town, forge: Forge, boundary: str) -> None:
    """A replay rewrites the quarantine before it commits: killed in between, records would be in neither."""
    town.deliver("defect_20230306.csv", defects((1, "good")) + "2,costly,1.50 EUR,555-0100,n\n")
    delivery = load(DEFECT, WINDOW, town.settings).delivery
    columns = [("cost_text", "Cost", "VARCHAR", "keep") if c[0] == "cost" else c for c in COLUMNS[DEFECT]]
    town.write_contract(DEFECT, columns, version="2.0.0", valid_from="2023-03-01", field_ids={"cost_text": 9})
    assert forge.run("resume", town.environment, DEFECT, delivery, die_at=boundary).signal == signal.SIGKILL
    assert forge.run("load", town.environment, DEFECT, str(MONDAY), str(TUESDAY)).error == ""
    after = state(town.settings)
    assert [row[1] for row in after[DEFECT]] == [1, 2]
    assert after["unaccounted"] == []
    assert after["rebuilt alike"] is True


def killed_at_random(given: Case, forge: Forge, instants: random.Random) -> int:
    """Kill at an instant, sometimes the second try as well; gives how many kills hit a running process."""
    given.town.restore()
    hits = 0
    for _ in range(instants.choice([1, 1, 2])):
        after_s = instants.uniform(0.01, given.seconds)
        hits += forge.run("load", given.town.environment, *given.arguments, die_after_s=after_s).signal is not None
    assert forge.run("load", given.town.environment, *given.arguments).error == ""
    assert state(given.town.settings) == given.expected
    return hits


def test_a_load_killed_at_random_instants(case: Callable[[str], Case], forge: Forge) -> None:
    instants = random.Random(2)
    hits = [killed_at_random(case(dataset), forge, instants) for dataset in (DEFECT, CRASH, AREA, DEFECT)]
    assert sum(hits) >= 2


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100))
def test_a_load_killed_at_random_instants_a_hundred_times(case: Callable[[str], Case], forge: Forge, seed: int) -> None:
    killed_at_random(case((DEFECT, CRASH, AREA)[seed % 3]), forge, random.Random(seed))
