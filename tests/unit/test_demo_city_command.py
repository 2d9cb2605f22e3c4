"""The command centre (S32): the same rows in whatever pieces, as dirty as declared, as true as planted."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from demo_city.days import Days
from demo_city.departments.command_leads import MODELS, leads
from demo_city.departments.s32_command import SOURCE, STAGES, instructions
from demo_city.world import World

YEAR = Days(date(2025, 7, 1), date(2026, 6, 30))


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=5, scale=0.02)


@pytest.mark.parametrize("dataset", SOURCE.datasets, ids=lambda one: one.dataset)
def test_rows_of_a_stretch_are_those_of_its_days(world: World, dataset: object) -> None:
    whole, *parts = (
        dataset.rows(world, Days(date(2026, 6, first), date(2026, 6, last))).table
        for first, last in ((1, 10), (1, 3), (4, 10))
    )
    assert whole.num_rows > 50
    assert whole.combine_chunks().equals(pa.concat_tables(parts).combine_chunks())
    assert set(dataset.system.key) | {"updated_at", "_day"} <= set(whole.column_names)


@pytest.mark.parametrize("dataset", SOURCE.datasets, ids=lambda one: one.dataset)
def test_rows_are_as_dirty_as_declared(world: World, dataset: object) -> None:
    rows = dataset.rows(world, YEAR)
    found = Counter(rows.dirt["pattern"].to_pylist())
    assert set(found) == {pattern.name for pattern in dataset.patterns}
    for pattern in dataset.patterns:
        expected = pattern.rate * rows.table.num_rows
        assert expected / 3 <= found[pattern.name] <= expected * 3, pattern.name
    key = rows.table[dataset.system.key[0]].take(rows.dirt["row"])
    assert key.to_pylist() == rows.dirt["key"].to_pylist()


def test_leads_are_true_where_something_is_planted(world: World) -> None:
    own = leads(world, YEAR)
    chains = dict(zip(world.life.chains["chain_no"].tolist(), world.life.chains["event_at"], strict=True))
    of_chains = own.where(own["basis"] == "chain")
    assert of_chains.rows_n > 20
    for number, pushed, model in zip(of_chains["chain_no"], of_chains["pushed_at"], of_chains["model"], strict=True):
        assert pushed < chains[int(number)], "a lead that comes after its event warns of nothing"
        assert MODELS[model].causes
    flats = own.where(own["basis"] == "group_rental")["subject_i"]
    assert len(flats) and not np.isnat(world.city.flat["group_from"][flats]).any()
    verdict = own["verdict"]
    assert (verdict[own["is_true"]] == 0).mean() > 0.7 > 0.3 > (verdict[~own["is_true"]] == 0).mean() > 0.02
    assert not (own["is_handled"] & ~own["is_true"]).any(), "what is not there cannot be put right"


def test_instructions_go_through_their_stages_in_order(world: World) -> None:
    own = instructions(world, YEAR)
    names = ("begun_at", "drafted_at", "reviewed_at", "issued_at", "executed_at", "assessed_at", "finished_at")
    for before, after in itertools.pairwise(names):
        both = ~np.isnat(own[before]) & ~np.isnat(own[after])
        assert both.any() and (own[before][both] <= own[after][both]).all(), after
    assert len(MODELS) == 130 and len(STAGES) == 6
    assert 0.01 < np.isnat(own["finished_at"]).mean() < 0.2, "some stall"
