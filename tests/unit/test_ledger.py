"""The ledger: derived from files, twice the same, and what it says of a day over all deliveries."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lake.ledger import COMMITTED, HELD, PURGED, Ledger, PartitionState, landing_events
from lake.settings import Settings

DATASET, MONDAY, TUESDAY = "queens.dot.thing", date(2023, 3, 6), date(2023, 3, 7)


def delivery(settings: Settings, name: str, **files: Any) -> Path:
    """A landing folder with a manifest and other files: `commits` and `holds` by their entries."""
    folder = settings.landing / "dot" / "thing" / name
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {
        "dataset": DATASET,
        "delivery": name,
        "landed_at": f"2023-03-08T00:00:00+00:00{name}",
        "purged_at": None,
    }
    written = {"manifest": manifest | files.pop("manifest", {})}
    for key, file in (("commits", "commit"), ("holds", "holds"), ("decisions", "decision")):
        if key in files:
            written[file] = {key: files[key]}
    for file, content in written.items():
        (folder / f"{file}.json").write_text(json.dumps(content))
    return folder


def commit(
    name: str, at: str, days: dict[date, tuple[int, int, int]], replaced: tuple[date, ...] = (), **more: Any
) -> Any:
    """Commit record: accepted, quarantined, unchanged by day."""
    accounts = [
        {"day": str(day), "delivered": sum(counts), "digest": name,
         **dict(zip(("accepted", "quarantined", "unchanged"), counts, strict=True))}
        for day, counts in days.items()
    ]  # fmt: skip
    return {"delivery": name, "committed_at": at, "snapshot_id": 1, "days": accounts, "reasons": {},
            "replaced_days": [str(day) for day in replaced], "warnings": []} | more  # fmt: skip


def counts(states: list[PartitionState]) -> list[tuple[Any, ...]]:
    return [(s.day, s.state, s.delivered, s.accepted, s.quarantined, s.unchanged, s.delivery) for s in states]


def recorded(settings: Settings, *folders: Path) -> Ledger:
    ledger = Ledger(settings)
    for folder in folders:
        ledger.record(landing_events(folder))
    return ledger


def test_recording_twice_is_nothing_and_a_rebuild_is_the_same(settings: Settings) -> None:
    hold = {"delivery": "a", "at": "2023-03-09T01", "days": [{"day": str(MONDAY), "delivered": 3}]}
    folder = delivery(settings, "a", holds=[hold, hold | {"at": "2023-03-09T02"}], decisions=[{"at": "2023-03-09T03"}],
                      commits=[commit("a", "2023-03-09T04", {MONDAY: (2, 1, 0)})])  # fmt: skip
    ledger = Ledger(settings)
    assert ledger.record(landing_events(folder)) == 5
    assert ledger.record(landing_events(folder)) == 0
    kept = ledger.events()
    assert [event.kind for event in kept] == ["landed", HELD, HELD, "decided", COMMITTED]
    assert ledger.rebuild() == 5
    assert ledger.events() == kept


def test_purging_the_bytes_is_an_event_and_changes_none_before(settings: Settings) -> None:
    ledger = recorded(settings, delivery(settings, "a"))
    before = ledger.events()
    ledger.record(landing_events(delivery(settings, "a", manifest={"purged_at": "2024-05-01T00:00:00+00:00"})))
    kept = ledger.events()
    assert kept[:1] == before
    assert [event.kind for event in kept] == ["landed", PURGED]
    ledger.rebuild()
    assert ledger.events() == kept


def test_deliveries_add_up_until_one_takes_the_place_of_the_day(settings: Settings) -> None:
    first = delivery(settings, "a", commits=[commit("a", "1", {MONDAY: (5, 1, 0), TUESDAY: (2, 0, 0)})])
    second = delivery(settings, "b", commits=[commit("b", "2", {MONDAY: (1, 0, 5)})])
    ledger = recorded(settings, first, second)
    assert counts(ledger.partitions(DATASET)) == [
        (MONDAY, COMMITTED, 12, 6, 1, 5, "b"), (TUESDAY, COMMITTED, 2, 2, 0, 0, "a"),
    ]  # fmt: skip
    third = delivery(settings, "c", commits=[commit("c", "3", {MONDAY: (4, 0, 0)}, replaced=(MONDAY,))])
    assert counts(recorded(settings, third).partitions(DATASET))[0] == (MONDAY, COMMITTED, 4, 4, 0, 0, "c")


def test_a_replayed_delivery_counts_once_and_is_the_newest(settings: Settings) -> None:
    other = delivery(settings, "b", commits=[commit("b", "2", {MONDAY: (1, 0, 0)})])
    twice = [commit("a", "1", {MONDAY: (5, 2, 0)}), commit("a", "3", {MONDAY: (6, 1, 0)})]
    ledger = recorded(settings, other, delivery(settings, "a", commits=twice))
    assert counts(ledger.partitions(DATASET)) == [(MONDAY, COMMITTED, 8, 7, 1, 0, "a")]


def test_a_range_that_was_held_and_begins_with_days_the_source_has_not_is_held_no_more(settings: Settings) -> None:
    hold = {"delivery": "a", "at": "1", "days": [{"day": str(MONDAY), "delivered": 3}]}
    folder = delivery(settings, "a", holds=[hold], commits=[commit("a", "2", {TUESDAY: (3, 0, 0)})])
    assert [row[:2] for row in counts(recorded(settings, folder).partitions(DATASET))] == [(TUESDAY, COMMITTED)]


@pytest.mark.parametrize("at", ["0 before the commit", "9 after it"])
def test_a_held_day_shows_as_held_only_while_nothing_of_it_is_in(settings: Settings, at: str) -> None:
    days = [{"day": str(MONDAY), "delivered": 3}, {"day": str(TUESDAY), "delivered": 1}]
    held = delivery(settings, "h", holds=[{"delivery": "h", "at": at, "days": days}])
    other = delivery(settings, "a", commits=[commit("a", "5", {MONDAY: (5, 0, 0)})])
    found = counts(recorded(settings, held, other).partitions(DATASET))
    assert [row[:2] for row in found] == [(MONDAY, COMMITTED), (TUESDAY, HELD)]
    released = delivery(settings, "h", holds=[{"delivery": "h", "at": at, "days": days}],
                        commits=[commit("h", "7", {TUESDAY: (1, 0, 0)})])  # fmt: skip
    assert recorded(settings, released).partitions(DATASET)[1].state == COMMITTED


def test_warnings_are_those_of_the_newest_delivery_that_brought_something(settings: Settings) -> None:
    first = commit("a", "1", {MONDAY: (5, 0, 0)}, warnings=[{"id": "zip"}])
    second = commit("b", "2", {MONDAY: (0, 0, 5)}, warnings=[])
    ledger = recorded(settings, delivery(settings, "a", commits=[first]), delivery(settings, "b", commits=[second]))
    assert ledger.partitions(DATASET)[0].warnings == ({"id": "zip"},)
