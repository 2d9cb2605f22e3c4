"""Is every delivered record in exactly one of accepted, quarantined, unchanged? Counted from the files themselves.

What was delivered is the second count of the landed bytes; where a record went is read from the table's pinned files
and the quarantine's, not from any count that admission wrote down.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from lake.contracts import load_contracts
from lake.contracts.model import Contract, Mode
from lake.engine import connect
from lake.ledger import COMMITTED, landing_events
from lake.settings import Settings
from lake.tables import Tables
from lake.warehouse import open_warehouse


@dataclass(frozen=True)
class Reconciled:
    """One day of one dataset.

    Attributes:
        dataset, day: which.
        delivered: records by the second count, of all deliveries that count for the day.
        accepted, quarantined, unchanged: records found in the table, the quarantine and the list of unchanged.
        held: records of deliveries that are landed and wait for a decision.
        doubled: addresses found more than once, or in the table by a delivery that was replaced.
        unaccounted: records that are nowhere; or, negative, in two places. Anything but 0 is a fault.
    """

    dataset: str
    day: date
    delivered: int
    accepted: int
    quarantined: int
    unchanged: int
    held: int = 0
    doubled: int = 0

    @property
    def unaccounted(self) -> int:
        """Records that are nowhere, or in two places when negative."""
        found = self.accepted + self.quarantined + self.unchanged + self.held
        return self.delivered + self.doubled - found or -self.doubled

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "dataset": self.dataset,
            "day": str(self.day),
            "delivered": self.delivered,
            "accepted": self.accepted,
            "quarantined": self.quarantined,
            "unchanged": self.unchanged,
            "held": self.held,
            "doubled": self.doubled,
            "unaccounted": self.unaccounted,
        }


def reconcile(settings: Settings, dataset: str | None = None) -> list[Reconciled]:
    """Every day of every dataset (or of one), from the files."""
    rows: list[Reconciled] = []
    for contract in load_contracts(settings):
        if dataset in (None, contract.dataset):
            rows += _reconcile(contract, settings)
    return rows


def _reconcile(contract: Contract, settings: Settings) -> list[Reconciled]:
    live = _live_deliveries(contract, settings)
    delivered = _delivered(contract, settings, live)
    places = _found(contract, settings, live)
    held = _held(contract, settings, live)
    return [
        Reconciled(
            contract.dataset,
            day,
            delivered=delivered.get(day, 0) + held.get(day, 0),
            accepted=places["accepted"].get(day, 0),
            quarantined=places["quarantined"].get(day, 0),
            unchanged=places["unchanged"].get(day, 0),
            held=held.get(day, 0),
            doubled=places["doubled"].get(day, 0),
        )
        for day in sorted(set(delivered) | set(held) | set().union(*places.values()))
    ]


def _live_deliveries(contract: Contract, settings: Settings) -> set[tuple[str, date]]:
    """Delivery and day pairs that count: where a day was replaced, only the delivery that did and later ones."""
    live: dict[date, list[str]] = {}
    room = settings.landing / contract.department / contract.name
    events = [event for path in room.glob("*/manifest.json") for event in landing_events(path.parent)]
    for event in sorted((e for e in events if e.kind == COMMITTED), key=lambda event: (event.at, event.id)):
        for record in event.payload["days"]:
            day, delivery = date.fromisoformat(record["day"]), event.payload["delivery"]
            if str(day) in event.payload["replaced_days"]:
                live[day] = [delivery]
            elif delivery not in live.setdefault(day, []):
                live[day].append(delivery)
    return {(delivery, day) for day, names in live.items() for delivery in names}


def _delivered(contract: Contract, settings: Settings, live: set[tuple[str, date]]) -> dict[date, int]:
    """Second counts by day. A file that holds one day has its own; else the whole delivery's is shared out.

    Sharing out follows the addresses found, and what is left of the delivery's count goes to its first day, so that
    a record which is nowhere shows up there.
    """
    counts: dict[date, int] = {}
    for folder in (settings.landing / contract.department / contract.name).glob("*/manifest.json"):
        manifest = json.loads(folder.read_text(encoding="utf-8"))
        delivery, commit = manifest["delivery"], folder.with_name("commit.json")
        if not commit.exists():
            if not folder.with_name("held.json").exists():
                first = date.fromisoformat(manifest["window"][0])
                counts[first] = counts.get(first, 0) + manifest["delivered"]
            continue
        # A replay may be of some days only: the newest account of each day is the one that holds.
        commits = json.loads(commit.read_text(encoding="utf-8"))["commits"]
        newest = {record["day"]: record for each in commits for record in each["days"]}
        held = [file for each in commits for file in each.get("aside", ()) if file["day"] not in newest]
        aside = {file["file"]: file["records"] for file in held}
        if contract.mode is Mode.CHANGES and all(file["day"] for file in manifest["files"]):
            for file in manifest["files"]:
                if file["name"] not in aside:
                    day = date.fromisoformat(file["day"])
                    counts[day] = counts.get(day, 0) + file["records"]
            continue
        days = [record for _, record in sorted(newest.items())]
        lost = manifest["delivered"] - sum(day["delivered"] for day in days) - sum(aside.values())
        for number, record in enumerate(days):
            day = date.fromisoformat(record["day"])
            if (delivery, day) in live:
                counts[day] = counts.get(day, 0) + record["delivered"] + (lost if number == 0 else 0)
    return {day: count for day, count in counts.items() if count}


def _found(contract: Contract, settings: Settings, live: set[tuple[str, date]]) -> dict[str, dict[date, int]]:
    """Records of live deliveries by day in each of the three places, and how many of their addresses are repeated."""
    folder = settings.quarantine / contract.department / contract.name
    warehouse = open_warehouse(settings)
    pinned = [file.path for file in Tables(settings).pin(contract).files]
    missing = warehouse.missing(pinned)
    accepted = warehouse.readable(path for path in pinned if path not in missing)
    unchanged = [str(path) for path in sorted(folder.glob("*.unchanged.parquet"))]
    quarantined = [str(path) for path in sorted(folder.glob("*.parquet")) if str(path) not in unchanged]
    found: dict[str, dict[date, int]] = {"accepted": {}, "quarantined": {}, "unchanged": {}, "doubled": {}}
    addresses = []
    with connect(settings, reads=accepted) as duck:
        duck.execute("CREATE TABLE live (delivery VARCHAR, day DATE)")
        if live:
            duck.execute(
                "INSERT INTO live SELECT unnest($1), unnest($2)::DATE",
                [[delivery for delivery, _ in sorted(live)], [str(day) for _, day in sorted(live)]],
            )
        for place, files, day in (
            ("accepted", accepted, "ds"),
            ("quarantined", quarantined, "day"),
            ("unchanged", unchanged, "day"),
        ):
            if files:
                # What the quarantine has of a delivery that was replaced may stay there; the table may not have it.
                join = "LEFT JOIN" if place == "accepted" else "JOIN"
                duck.execute(
                    f"CREATE TABLE {place} AS SELECT f.{day} AS day, f._delivery, f._file, f._record, "
                    "live.delivery IS NOT NULL AS is_live "
                    "FROM read_parquet($1, hive_partitioning = false, union_by_name = true) f "
                    f"{join} live ON live.delivery = f._delivery AND live.day = f.{day}",
                    [files],
                )
                found[place] = dict(duck.execute(f"SELECT day, count(*) FROM {place} GROUP BY 1").fetchall())
                addresses.append(f"FROM {place}")
        if addresses:
            found["doubled"] = dict(
                duck.execute(
                    "SELECT day, count(*) - count(DISTINCT (_delivery, _file, _record)) FILTER (WHERE is_live) AS n "
                    f"FROM ({' UNION ALL '.join(addresses)}) GROUP BY 1 HAVING n > 0"
                ).fetchall()
            )
    return found


def _held(contract: Contract, settings: Settings, live: set[tuple[str, date]]) -> dict[date, int]:
    """Records that wait for a decision; not those the table has already and that only a replay would hold back."""
    held: dict[date, int] = {}
    for path in (settings.landing / contract.department / contract.name).glob("*/held.json"):
        hold = json.loads(path.read_text(encoding="utf-8"))
        for record in hold["days"]:
            day = date.fromisoformat(record["day"])
            if (hold["delivery"], day) not in live:
                held[day] = held.get(day, 0) + record["delivered"]
    return held
