"""The way from a department's system into the table: land, admit, commit, and what a killed load left to finish.

One load of a dataset runs at a time. Whatever instant it is killed at, running it again ends in the same state: the
landing folder says how far a delivery came, and the table's snapshots say whether its commit happened.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from lake.admission import Admitted, DayCount, HeldContent, admit
from lake.admission.keys import WITHDRAWALS, admit_withdrawals
from lake.boundary import boundary
from lake.connectors.patterns import DayPattern
from lake.contracts import contract_for, spans, versions_of
from lake.contracts.model import Contract, Mode, Window, last_due, periods_in, window_of
from lake.engine import connect, quote_identifier, quote_literal
from lake.errors import (
    Busy,
    CitybrainError,
    ContractError,
    ContractViolation,
    PartitionHeld,
    SchemaDrift,
    SourceLate,
    StorageFull,
    told_when_full,
)
from lake.landing import Landed, delivery_folder, land, locked, read_landed, stamp
from lake.ledger import COMMITTED, LANDED, Ledger, PartitionState, landing_events
from lake.settings import Settings
from lake.tables import Committed, Tables

Progress = Callable[[str], None]
LOCK_PATIENCE_S = 600.0
REPLAY = "replay"
"""Kind of a decision to judge a delivery anew; one without a kind lets a held delivery in."""
ADMITTING = "admitting.json"
"""In the landing folder from before the admission until the ledger has what became of it."""
MOST_TOLD = 20
"""So many held files are told one by one in the sentence; the list has them all."""


@dataclass(frozen=True)
class LoadResult:
    """What a load came to.

    Attributes:
        dataset, window, delivery: what was loaded.
        outcome: ``committed``, or ``nothing_new`` when the lake held all of it already.
        delivered, accepted, quarantined, unchanged: records of the delivery; the first is the sum of the others.
        days_changed: partitions the commit added to or replaced.
        reasons: records held back, by reason.
        warnings: failed checks of severity warning.
        missing_days: days of a range for which the source had nothing yet.
        held: files of a range that are held back while the others are in: `lake.admission.Aside.as_dict` of each.
    """

    dataset: str
    window: Window
    delivery: str
    outcome: str
    delivered: int = 0
    accepted: int = 0
    quarantined: int = 0
    unchanged: int = 0
    days_changed: tuple[date, ...] = ()
    reasons: dict[str, int] = field(default_factory=dict)
    warnings: tuple[dict[str, Any], ...] = ()
    missing_days: tuple[date, ...] = ()
    held: tuple[dict[str, Any], ...] = ()


def load(
    dataset: str, window: Window, settings: Settings, *, progress: Progress | None = None, apart: bool = False
) -> LoadResult:
    """Load a window of a dataset: one delivery, one validation, one commit.

    Args:
        dataset: dataset id.
        window: days of data (event days, file days, days of change) to ask the source for.
        settings: the city's home.
        progress: called with a line of text before each long step.
        apart: a file that cannot be taken is held for itself, where the window has files of other days that can.

    Raises:
        ContractError: contract or suite is wrong, or the window spans two versions of the contract (`load_range`
            cuts it).
        SourceUnavailable, SourceLate, SourceRefused: see `lake.errors`.
        ContractViolation: the delivery as a whole breaks its contract; landed, listed as held.
        PartitionHeld: a critical expectation failed; landed, staged, listed as held.
        Unaccounted: a record got lost on the way; nothing was committed.
        Busy: another load of the dataset is running.
        StorageFull: run it again when there is room; it goes on where it stopped.
    """
    say = progress or (lambda text: None)
    contract = _contract(dataset, window, settings)
    with told_when_full(dataset=dataset, day=window.first), loading(contract, window, settings):
        say(f"landing {dataset} {window}")
        landed = land(contract, window, settings, is_overtaken=lambda known: _is_overtaken(known, settings))
        settle(dataset, landed.delivery, settings, say)
        # What was landed before may have been landed by an older version of the contract.
        return admit_and_commit(replace(landed, contract=contract), settings, say, apart=apart)


def load_range(
    dataset: str, window: Window, settings: Settings, *, progress: Progress | None = None
) -> list[LoadResult]:
    """Load a range of days, one delivery and one commit for each version of the contract that holds in it.

    Of files that are each of a day of their own, those that break the contract or fail a critical check are held, with
    their days, and the others go in. Days for which the source has nothing are counted as missing as long as it has
    any. A week, month or quarter that the range touches is loaded whole. What is taken as it stands now (a table or a
    file without a day, mode snapshot) has no past: the last day of the range is loaded, the others are missing.

    Raises:
        SourceLate: it has nothing of the whole range. The other errors are those of `load`.
    """
    results: list[LoadResult] = []
    late: SourceLate | None = None
    missing: list[date] = []
    for contract, span in spans(dataset, window, settings):
        part, gone = in_one_delivery(contract, _whole_periods(contract, span, window))
        if gone and progress is not None:
            progress(
                f"{dataset} says what is there now: {part.first} is loaded, nothing can be had of {len(gone)} earlier"
            )
        missing += gone
        try:
            results.append(load(dataset, part, settings, progress=progress, apart=True))
        except SourceLate as error:
            late = late or error
            missing += [period.first for period in periods_in(contract.cadence, part)]
    if late is not None and not results:
        raise late
    if missing:
        last = results[-1]
        results[-1] = replace(last, missing_days=tuple(sorted({*last.missing_days, *missing})))
    return results


def _whole_periods(contract: Contract, span: Window, window: Window) -> Window:
    """A version's span with the periods whole that the ends of the range cut; where versions meet it stays as it is."""
    touched = periods_in(contract.cadence, span)
    first = touched[0].first if span.first == window.first and touched[0].first >= contract.valid_from else span.first
    return Window(first, touched[-1].last if span.last == window.last else span.last)


def in_one_delivery(contract: Contract, span: Window) -> tuple[Window, list[date]]:
    """The window a span of one version is loaded by, and the days of it of which nothing can be had any more.

    Registers are of whole weeks, months or quarters.
    """
    if contract.mode is not Mode.SNAPSHOT:
        return span, []
    periods = periods_in(contract.cadence, span)
    if contract.is_by_file and DayPattern(str(contract.source.arguments["pattern"])).names_day:
        return Window(periods[0].first, periods[-1].last), []
    return periods[-1], [period.first for period in periods[:-1]]


def load_business_day(
    dataset: str, business_day: date, settings: Settings, *, progress: Progress | None = None
) -> list[LoadResult]:
    """Load what is due on a business day: the day (or month) itself, less the publication lag, and recaptured days."""
    contract = contract_for(dataset, business_day, settings)
    window = window_of(contract, business_day)
    results = [load(dataset, window, settings, progress=progress)]
    earlier = [window.first - timedelta(days=back) for back in range(1, contract.recapture_days + 1)]
    known = {state.day for state in Ledger(settings).partitions(dataset)} if earlier else set()
    # Only days that were loaded before are fetched again: a recapture corrects, it does not fill history.
    again = sorted(day for day in earlier if day in known)
    for day in again:
        results.append(load(dataset, Window(day, day), settings, progress=progress))
    return results


def resume(dataset: str, delivery: str, settings: Settings, *, progress: Progress | None = None) -> LoadResult:
    """Admit a landed delivery again without asking the source: after a decision, or a changed suite or contract.

    Each of its days is admitted by the version of the contract that today holds for it, and by today's suite; days
    whose place a newer delivery has taken are left alone.

    Raises:
        ContractError: no such delivery, its bytes are purged, or a newer one has taken its place in the lake.
    """
    landed = find_landed(dataset, delivery, settings)
    with (
        told_when_full(dataset=dataset, day=landed.window.first),
        loading(landed.contract, landed.window, settings),
    ):
        _refuse_what_is_past(landed, settings)
        return admit_and_commit(landed, settings, progress or (lambda text: None), again=True)


def accept_anyway(dataset: str, delivery: str, because: str, by: str, settings: Settings) -> LoadResult:
    """Commit a held delivery in spite of its failed critical expectations, and record who decided so and why."""
    landed = find_landed(dataset, delivery, settings)
    decision = {"because": because, "by": by, "at": stamp(settings, dataset).isoformat(), "delivery": delivery}
    _append(landed.folder / "decision.json", "decisions", decision)
    return resume(dataset, delivery, settings)


def find_landed(dataset: str, delivery: str, settings: Settings) -> Landed:
    """The landed delivery with this id.

    Raises:
        ContractError: there is none.
    """
    versions_of(dataset, settings)  # says so when there is no such dataset
    folder = delivery_folder(settings, dataset, delivery)
    if folder.name == delivery and (folder / "manifest.json").exists():
        return read_landed(folder)
    raise ContractError(
        f"no delivery {delivery!r} was landed",
        remedy="see `citybrain quarantine show` for the deliveries of a dataset",
        dataset=dataset,
    )


def admit_and_commit(
    landed: Landed,
    settings: Settings,
    say: Progress,
    *,
    again: bool = False,
    anew: bool = False,
    apart: bool = False,
) -> LoadResult:
    """Bring a landed delivery into the table; under the dataset's lock.

    Args:
        landed: the delivery, as landed.
        settings: the city's home.
        say: called with a line of text before each long step.
        again: admit it although the table may hold it already.
        anew: and judge what it brought into the table as if it were not there: its rows go out, the new ones come in.
        apart: see `load`; what was begun or held so goes on so.
    """
    parts = parts_of(landed, settings)
    landed = replace(landed, contract=parts[-1].contract)
    contract, tables, ledger = landed.contract, Tables(settings), Ledger(settings)
    _tidy(landed.folder, ledger)
    # What a comparison found is true of its moment: there is nothing to judge anew.
    is_asked = again and landed.digest_algorithm != WITHDRAWALS
    if not is_asked and not (landed.folder / ADMITTING).exists() and _is_live(landed, ledger):
        say(f"{contract.dataset} {landed.window}: nothing new")
        return _nothing_new(landed)
    if (committed := _committed_before_it_was_killed(landed, tables)) is not None:
        return _finish(landed, committed, ledger, settings)
    apart = apart or is_apart(landed.folder)
    begun = {"commits": len(_listed(landed.folder / "commit.json", "commits"))}
    _write(landed.folder / ADMITTING, begun | ({"apart": True} if apart else {}))
    held = held_content(contract, landed.window, settings, tables)
    taken = TakenOut()
    if anew:
        files = [file.path for file in tables.pin(contract).files]
        taken = take_out(landed, files, settings, settings.staging / contract.department / contract.name / "staying")
        held = replace(held, files=taken.instead_of(held.files))
    say(f"admitting {contract.dataset} {landed.window}: {landed.delivered} records")
    try:
        if landed.digest_algorithm == WITHDRAWALS:
            admitted = admit_withdrawals(landed, settings)
        else:
            admitted = admit(landed, held, settings, parts=parts, accept_anyway=decision_of(landed.folder), apart=apart)
    except (PartitionHeld, ContractViolation) as error:
        _hold(landed, error, ledger, settings)
        raise
    if again:
        admitted = without_days(admitted, past_days(landed, ledger))
    _write(landed.folder / "admission.json", _admission_record(admitted))
    boundary("admit.recorded")
    say(f"committing {contract.dataset} {landed.window}")
    committed = tables.commit(
        contract,
        [*admitted.staged, *map(Path, taken.staying)],
        delivery=landed.delivery,
        replace_days=admitted.replaced_days,
        replace_files=taken.outgoing,
        expected_snapshot=held.snapshot_id,
        also_by=admitted.by,
    )
    boundary("commit.done")
    return _finish(landed, committed, ledger, settings)


@dataclass(frozen=True)
class TakenOut:
    """Files of a table that hold rows of one delivery, and files with what others brought among them.

    Attributes:
        outgoing: paths of the table's files.
        staying: paths of new files, one for each of the former that other deliveries have rows in.
    """

    outgoing: tuple[str, ...] = ()
    staying: tuple[str, ...] = ()

    def instead_of(self, files: Iterable[str]) -> tuple[str, ...]:
        """The files without the outgoing ones, and with what stays of these."""
        listed = tuple(files)
        rest = tuple(path for path in listed if path not in self.outgoing)
        return (*rest, *self.staying) if len(rest) < len(listed) else rest


def take_out(landed: Landed, files: Sequence[str], settings: Settings, room: Path) -> TakenOut:
    """Find the files with rows of a delivery (mode changes) and write what is to stay of them below `room`."""
    if landed.contract.mode is not Mode.CHANGES:
        return TakenOut()  # a replayed day takes the place of the day
    shutil.rmtree(room, ignore_errors=True)
    commits = _listed(landed.folder / "commit.json", "commits")
    days = {f"ds={day['day']}" for commit in commits for day in commit["days"] if day["accepted"]}
    of_days = [path for path in files if path.rsplit("/", 2)[-2] in days]
    if not of_days:
        return TakenOut()
    staying = []
    with connect(settings, zone="UTC", reads=of_days) as duck:
        listed = ", ".join(quote_literal(path) for path in of_days)
        found = duck.execute(
            "SELECT filename, count(*) FILTER (WHERE _delivery <> $1) FROM "
            f"read_parquet([{listed}], filename = true, hive_partitioning = false, union_by_name = true) "
            "GROUP BY filename HAVING count(*) FILTER (WHERE _delivery = $1) > 0 ORDER BY filename",
            [landed.delivery],
        ).fetchall()
        for path, others in found:
            if others:
                target = room / path.rsplit("/", 2)[-2] / f"{uuid.uuid4()}.parquet"
                target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                source = quote_literal(path)
                ids = duck.execute(
                    f"SELECT name, field_id FROM parquet_schema({source}) WHERE field_id IS NOT NULL"
                ).fetchall()
                numbers = ", ".join(f"{quote_identifier(name)}: {number}" for name, number in ids)
                duck.execute(
                    f"COPY (SELECT * FROM read_parquet({source}, hive_partitioning = false) "
                    f"WHERE _delivery <> {quote_literal(landed.delivery)}) TO {quote_literal(str(target))} "
                    f"(FORMAT parquet, COMPRESSION zstd, FIELD_IDS {{{numbers}}})"
                )
                staying.append(str(target))
    return TakenOut(tuple(path for path, _ in found), tuple(staying))


def readmit(landed: Landed, because: str, by: str, settings: Settings, say: Progress) -> LoadResult:
    """Replay a committed delivery by today's contract and suite, and record who wanted it and why; under the lock."""
    at = stamp(settings, landed.contract.dataset).isoformat()
    decision = {"kind": REPLAY, "because": because, "by": by, "at": at, "delivery": landed.delivery}
    _append(landed.folder / "decision.json", "decisions", decision)
    return admit_and_commit(landed, settings, say, again=True, anew=True)


def _finish(landed: Landed, committed: Committed, ledger: Ledger, settings: Settings) -> LoadResult:
    """Write the commit down in the landing folder and the ledger; the admission record says what was in it."""
    admission = _read(landed.folder / "admission.json")
    commit = {
        "delivery": landed.delivery,
        "snapshot_id": committed.snapshot_id,
        "committed_at": stamp(settings, landed.contract.dataset, committed.committed_at).isoformat(),
        **admission,
    }
    _append(landed.folder / "commit.json", "commits", commit)
    _hold_apart(landed.folder)
    boundary("ledger.before")
    ledger.record(landing_events(landed.folder))
    boundary("ledger.after")
    (landed.folder / ADMITTING).unlink(missing_ok=True)
    totals = {
        name: sum(day[name] for day in admission["days"])
        for name in ("delivered", "accepted", "quarantined", "unchanged")
    }
    return LoadResult(
        landed.contract.dataset,
        landed.window,
        landed.delivery,
        "committed" if committed.days else "nothing_new",
        days_changed=committed.days,
        reasons=admission["reasons"],
        warnings=tuple(admission["warnings"]),
        missing_days=landed.missing_days,
        held=tuple(admission.get("aside", ())),
        **totals,
    )


def _nothing_new(landed: Landed) -> LoadResult:
    held = held_apart(landed.folder)
    taken = landed.delivered - sum(file["records"] for file in held)
    return LoadResult(
        landed.contract.dataset, landed.window, landed.delivery, "nothing_new",
        delivered=taken, unchanged=taken, missing_days=landed.missing_days, held=tuple(held),
    )  # fmt: skip


def is_apart(folder: Path) -> bool:
    """Whether files of a delivery are held each for itself, or its admission was begun so."""
    begun = folder / ADMITTING
    return bool(held_apart(folder)) or (begun.exists() and bool(_read(begun).get("apart")))


def held_apart(folder: Path) -> list[dict[str, Any]]:
    """The files of a delivery that are held while the others are in."""
    path = folder / "held.json"
    return list(_read(path).get("files", ())) if path.exists() else []


def _hold_apart(folder: Path) -> None:
    """Write down which files the newest commit left out; a delivery that left out none is held no longer.

    All of it follows from what the commit says, its time included: done again after a kill, it is the same.
    """
    commit = _listed(folder / "commit.json", "commits")[-1]
    aside = commit.get("aside", ())
    if not aside:
        (folder / "held.json").unlink(missing_ok=True)
        return
    days: dict[str, int] = {}
    for file in aside:
        days[file["day"]] = days.get(file["day"], 0) + file["records"]
    first = aside[0]
    told = "; ".join(f"{file['day']} {file['cause']}" for file in aside[:MOST_TOLD])
    more = f"; and {len(aside) - MOST_TOLD} more files" if len(aside) > MOST_TOLD else ""
    hold = {
        "delivery": commit["delivery"],
        "kind": first["kind"],
        "cause": f"held for themselves, the other days are in: {told}{more}",
        "remedy": first["remedy"],
        "days": [{"day": day, "delivered": records} for day, records in sorted(days.items())],
        "files": list(aside),
        "at": commit["committed_at"],
    }
    if drift := next((file["drift"] for file in aside if file.get("drift")), None):
        hold["drift"] = drift
    if hold not in _listed(folder / "holds.json", "holds"):
        _append(folder / "holds.json", "holds", hold)
    _write(folder / "held.json", hold)


def _is_live(landed: Landed, ledger: Ledger) -> bool:
    """Whether the table holds this very delivery and nothing newer took its place."""
    if not (landed.folder / "commit.json").exists():
        return False
    ledger.record(landing_events(landed.folder))  # in case the load was killed between the two
    if landed.contract.mode is Mode.CHANGES:
        return True
    digests = live_digests(landed.contract, ledger)
    days = _read(landed.folder / "commit.json")["commits"][-1]["days"]
    return all(digests.get(date.fromisoformat(day["day"])) == day["digest"] for day in days)


def _is_overtaken(known: Landed, settings: Settings) -> bool:
    """Whether the place of a delivery was taken since by one that was landed later, or is about to be by a killed one.

    The same content, delivered again, is news then: with its old time it would stand behind the other one wherever
    deliveries are ordered by it. Only where a cursor orders versions is the order a part of the content.
    """
    contract, ledger = known.contract, Ledger(settings)
    if contract.mode is Mode.CHANGES and contract.cursor is not None:
        return False
    days = {file.day or known.window.first for file in known.files} or set(known.window.days())
    for left in _unfinished(contract.dataset, settings, ledger):
        if left.landed_at > known.landed_at and any(_within(str(day), left.window) for day in days):
            return True
    if contract.mode is not Mode.CHANGES:
        return bool(past_days(known, ledger)) and not _is_live(known, ledger)
    subject, at = f"{contract.dataset}/{known.delivery}", known.landed_at.isoformat()
    later = {e.subject for e in ledger.events(dataset=contract.dataset, kind=LANDED) if e.at > at} - {subject}
    return any(
        day["accepted"] and date.fromisoformat(day["day"]) in days
        for event in ledger.events(dataset=contract.dataset, kind=COMMITTED)
        if event.subject in later
        for day in event.payload["days"]
    )


def settle(dataset: str, besides: str | None, settings: Settings, say: Progress) -> None:
    """Bring earlier deliveries to their end that a killed load left behind, oldest first.

    Without this a delivery whose load died would be nowhere, should the source deliver something else by now.
    """
    for landed in _unfinished(dataset, settings, Ledger(settings)):
        if landed.delivery == besides:
            continue
        say(f"finishing {dataset} {landed.window}, delivery {landed.delivery}, which was left unfinished")
        try:
            _refuse_what_is_past(landed, settings)
            admit_and_commit(landed, settings, say, again=True)
        except (StorageFull, Busy):
            raise
        except CitybrainError as error:
            say(f"delivery {landed.delivery} stays as it is: {error}")


def _unfinished(dataset: str, settings: Settings, ledger: Ledger) -> list[Landed]:
    """What a killed load left behind of a dataset and can still be brought to its end, oldest first."""
    room = delivery_folder(settings, dataset, "-").parent
    left = [read_landed(m.parent) for m in room.glob("*/manifest.json") if _is_unfinished(m.parent, ledger)]
    return sorted(
        (landed for landed in left if landed.purged_at is None), key=lambda each: (each.landed_at, each.delivery)
    )


def _is_unfinished(folder: Path, ledger: Ledger) -> bool:
    _tidy(folder, ledger)
    return (folder / ADMITTING).exists() or not ((folder / "commit.json").exists() or (folder / "held.json").exists())


def _tidy(folder: Path, ledger: Ledger) -> None:
    """Where the admission that was begun has its commit written down, only the ledger may lack it."""
    begun = folder / ADMITTING
    if begun.exists() and len(_listed(folder / "commit.json", "commits")) > _read(begun)["commits"]:
        _hold_apart(folder)
        ledger.record(landing_events(folder))
        begun.unlink()


def _refuse_what_is_past(landed: Landed, settings: Settings) -> None:
    """A replay must not bring a day back to what it was before a newer delivery."""
    if landed.purged_at is not None:
        raise ContractError(
            f"the bytes of delivery {landed.delivery} were purged on {landed.purged_at.date()}",
            remedy="load the days again from the source",
            dataset=landed.contract.dataset,
            day=landed.window.first,
        )
    if not landed.has_bytes:
        raise ContractError(
            f"the bytes of delivery {landed.delivery} are not here: the home was restored from a backup without them",
            remedy="load the days again from the source, or restore a backup made with --with-landing",
            dataset=landed.contract.dataset,
            day=landed.window.first,
        )
    past = past_days(landed, Ledger(settings))
    days = {file.day for file in landed.files if file.day} or set(landed.window.days())
    if past and days <= set(past):
        first = min(days)
        raise ContractError(
            f"delivery {past[first]}, which is newer, has taken the place of this one",
            remedy=f"load {landed.window} again from the source",
            dataset=landed.contract.dataset,
            day=first,
        )


def past_days(landed: Landed, ledger: Ledger) -> dict[date, str]:
    """Days of a delivery whose place a newer one has taken in the table (modes that replace days), and which one."""
    if landed.contract.mode is Mode.CHANGES:
        return {}
    dataset, at = landed.contract.dataset, landed.landed_at.isoformat()
    later = {event.subject for event in ledger.events(dataset=dataset, kind=LANDED) if event.at > at}
    return {
        date.fromisoformat(day): event.payload["delivery"]
        for event in ledger.events(dataset=dataset, kind=COMMITTED)
        if event.subject in later
        for day in event.payload["replaced_days"]
        if _within(day, landed.window)
    }


def without_days(admitted: Admitted, past: Collection[date]) -> Admitted:
    """What was admitted, less the days that are no longer this delivery's."""
    if not past:
        return admitted
    gone = {f"ds={day}" for day in past}
    for path in admitted.staged:
        if path.parent.name in gone:
            path.unlink()
    return replace(
        admitted,
        days=tuple(day for day in admitted.days if day.day not in past),
        aside=tuple(file for file in admitted.aside if file.day not in past),
        staged=tuple(path for path in admitted.staged if path.parent.name not in gone),
        replaced_days=tuple(day for day in admitted.replaced_days if day not in past),
    )


def _within(day: str, window: Window) -> bool:
    return window.first <= date.fromisoformat(day) <= window.last


def live_digests(contract: Contract, ledger: Ledger) -> dict[date, str]:
    """Per day the content digest of the delivery the table holds (modes that replace days)."""
    digests: dict[date, str] = {}
    for event in ledger.events(dataset=contract.dataset, kind=COMMITTED):
        for day in event.payload["days"]:
            digests[date.fromisoformat(day["day"])] = day["digest"]
    return digests


def _committed_before_it_was_killed(landed: Landed, tables: Tables) -> Committed | None:
    """The commit of a load that died before it could write ``commit.json``."""
    admission, commit = landed.folder / "admission.json", landed.folder / "commit.json"
    if not admission.exists():
        return None
    found = tables.find_delivery(landed.contract, landed.delivery)
    if found is None:
        return None
    snapshot_id, at = found
    if commit.exists() and any(c["snapshot_id"] == snapshot_id for c in _read(commit)["commits"]):
        return None
    days = tuple(date.fromisoformat(day["day"]) for day in _read(admission)["days"] if day["accepted"])
    return Committed(landed.contract.dataset, landed.delivery, snapshot_id, days, at)


def held_content(contract: Contract, window: Window, settings: Settings, tables: Tables) -> HeldContent:
    """What the lake holds already of the days a delivery may repeat."""
    pin = tables.pin(contract)
    reach = timedelta(days=-(-contract.overlap // timedelta(days=1)))
    first, last = window.first - reach, window.last + reach
    folder = settings.quarantine / contract.department / contract.name
    return HeldContent(
        snapshot_id=pin.snapshot_id,
        files=tuple(file.path for file in pin.files if first <= file.day <= last),
        quarantine_files=tuple(
            path for path in sorted(folder.glob("*.parquet")) if not path.name.endswith(".unchanged.parquet")
        ),
        live_digests=live_digests(contract, Ledger(settings)) if contract.mode is not Mode.CHANGES else {},
    )


def _hold(landed: Landed, error: CitybrainError, ledger: Ledger, settings: Settings) -> None:
    days = [{"day": str(landed.window.first), "delivered": landed.delivered}]
    if any(file.day for file in landed.files):
        of_day: dict[date, int] = {}
        for file in landed.files:
            day = file.day or landed.window.first
            of_day[day] = of_day.get(day, 0) + file.records
        days = [{"day": str(day), "delivered": records} for day, records in sorted(of_day.items())]
    told: dict[str, Any] = {
        "delivery": landed.delivery,
        "kind": type(error).__name__,
        "cause": error.cause,
        "remedy": error.remedy,
    }
    if isinstance(error, SchemaDrift) and error.changed is not None:
        told["drift"] = error.changed.as_dict()
    hold = {**told, "days": days, "at": stamp(settings, landed.contract.dataset).isoformat()}
    before, path = _listed(landed.folder / "holds.json", "holds"), landed.folder / "held.json"
    # Held again for the same reason is no news; who tries again and again would fill the ledger.
    if not before or {**before[-1], "at": ""} != {**hold, "at": ""}:
        _append(landed.folder / "holds.json", "holds", hold)
    else:
        hold = before[-1]
    _write(path, hold)
    boundary("hold.written")
    ledger.record(landing_events(landed.folder))
    (landed.folder / ADMITTING).unlink(missing_ok=True)


def decision_of(folder: Path) -> str | None:
    """Why somebody lets a delivery in whatever its checks say; None when nobody does."""
    decisions = [each for each in _listed(folder / "decision.json", "decisions") if each.get("kind") != REPLAY]
    return str(decisions[-1]["because"]) if decisions else None


def _admission_record(admitted: Admitted) -> dict[str, Any]:
    return {
        "days": [_day_record(day) for day in admitted.days],
        "replaced_days": [str(day) for day in admitted.replaced_days],
        "reasons": dict(sorted(admitted.reasons.items())),
        "warnings": [warning.as_dict() for warning in admitted.warnings],
        **({"aside": [file.as_dict() for file in admitted.aside]} if admitted.aside else {}),
    }


def _day_record(day: DayCount) -> dict[str, Any]:
    return {
        "day": str(day.day),
        "delivered": day.delivered,
        "accepted": day.accepted,
        "quarantined": day.quarantined,
        "unchanged": day.unchanged,
        "digest": day.digest,
    }


def _contract(dataset: str, window: Window, settings: Settings) -> Contract:
    (first, span), *more = spans(dataset, window, settings)
    if more:
        raise ContractError(
            f"the window spans contract versions {first.version} and {more[-1][0].version}",
            remedy=f"load up to {span.last} and from {more[0][1].first} separately",
            dataset=dataset,
            day=str(window),
        )
    return first


def parts_of(landed: Landed, settings: Settings) -> list[Landed]:
    """A landed delivery cut by the versions of the contract that today hold for its files' days.

    An extraction has one layout: that of the version it was asked by, or of the one that holds on its first day where
    that is newer.
    """
    dataset, window = landed.contract.dataset, landed.window
    if not landed.contract.is_by_file or not all(file.day for file in landed.files):
        versions = versions_of(dataset, settings)
        on_first = contract_for(dataset, window.first, settings)
        known = [version.version for version in versions]
        asked_by = known.index(landed.contract.version) if landed.contract.version in known else 0
        return [replace(landed, contract=versions[max(asked_by, known.index(on_first.version))])]
    found = []
    for contract, span in spans(dataset, window, settings):
        files = tuple(file for file in landed.files if file.day and span.first <= file.day <= span.last)
        missing = tuple(day for day in landed.missing_days if span.first <= day <= span.last)
        delivered = sum(file.records for file in files)
        part = replace(landed, contract=contract, window=span, files=files, delivered=delivered, missing_days=missing)
        if files:
            found.append(part)
    return found or [replace(landed, contract=contract_for(dataset, window.last, settings))]


@contextlib.contextmanager
def loading(contract: Contract, window: Window, settings: Settings) -> Iterator[None]:
    """One load of a dataset at a time on this host; upkeep takes the same lock."""
    patience = float(settings.environment.get("CITYBRAIN_LOCK_PATIENCE_S", LOCK_PATIENCE_S))
    with locked(contract, settings, patience, day=str(window)):
        yield


def due_days(contract: Contract, business_day: date) -> list[date]:
    """Days of data that must be in when a business day is built."""
    window = window_of(contract, last_due(contract, business_day))
    return [window.first] if contract.mode is Mode.SNAPSHOT else window.days()


def outstanding(
    contracts: list[Contract], business_day: date, states: list[PartitionState]
) -> list[tuple[Contract, date, str]]:
    """What is due for a business day and not committed: contract, first such day, and ``late`` or ``held``."""
    state_of = {(state.dataset, state.day): state.state for state in states}
    newest = {state.dataset: state.day for state in states if state.state == COMMITTED}  # they come in order of days
    found = []
    for contract in contracts:
        for day in due_days(contract, business_day):
            if contract.frequency is not None and newest.get(contract.dataset, date.min) >= day:
                continue  # a day of its own choosing within the frequency
            state = state_of.get((contract.dataset, day), "late")
            if state != COMMITTED:
                found.append((contract, day, state))
                break
    return found


def _write(path: Path, content: dict[str, Any]) -> None:
    """Whole or not at all: a reader never sees half a file."""
    fresh = path.with_suffix(".json.new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _append(path: Path, key: str, entry: dict[str, Any]) -> None:
    """Add to a file that only grows: the ledger is made again from all that is in it."""
    _write(path, {key: [*_listed(path, key), entry]})


def _listed(path: Path, key: str) -> list[dict[str, Any]]:
    return list(_read(path)[key]) if path.exists() else []


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
