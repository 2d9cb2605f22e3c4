"""What the tasks do, as plain functions: no Airflow in here, so that a test can call them alone.

Each gives back a small dictionary of counts; it becomes the task's XCom, and its lines are the task's log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from lake.contracts.model import Cadence, Contract, Window, due_instant, periods_in, window_of
from lake.errors import (
    Busy,
    CitybrainError,
    PartitionHeld,
    SourceLate,
    SourceUnavailable,
    StorageFull,
    StorageUnavailable,
)

if TYPE_CHECKING:
    from lake.load import LoadResult
    from lake.settings import Settings

Counts = dict[str, Any]
DAILY, WEEKLY = "B01", "B02"
COUNTED = ("delivered", "accepted", "quarantined", "unchanged")
MAY_GET_BETTER = (
    SourceUnavailable, SourceLate, Busy, StorageFull, StorageUnavailable, ConnectionError, TimeoutError,
)  # fmt: skip

log = logging.getLogger("citybrain")
# Two hundred lines of every import of it would bury what the task says.
logging.getLogger("great_expectations").setLevel(logging.WARNING)


class DeadlinePassed(SourceLate):
    """The day is not there and its deadline has passed: nobody waits any longer."""


class SeveralFailed(CitybrainError):
    """More than one load of a task failed, and none of the failures gets better by itself."""


class SeveralFailedForNow(CitybrainError):
    """More than one load of a task failed, and at least one of the failures may get better."""


@dataclass(frozen=True)
class Failure:
    """A load that failed, and what it was of."""

    dataset: str
    day: date
    error: Exception

    @property
    def may_get_better(self) -> bool:
        """Whether the same load may succeed later without anybody doing anything."""
        return isinstance(self.error, MAY_GET_BETTER) and not isinstance(self.error, DeadlinePassed)

    @property
    def message(self) -> str:
        """Dataset, day, cause and remedy, whatever the error itself knew of them."""
        return str(self.as_error())

    def as_error(self) -> Exception:
        """The error with dataset and day filled in."""
        error = self.error
        if isinstance(error, CitybrainError):
            if error.dataset and error.day:
                return error
            return type(error)(
                error.cause, remedy=error.remedy, dataset=error.dataset or self.dataset, day=error.day or self.day,
                column=error.column, record=error.record,
            )  # fmt: skip
        if self.may_get_better:
            return error
        # The text of an error nobody foresaw may quote a value, so its type and place must do.
        return CitybrainError(
            f"unforeseen {type(error).__name__} at {_place(error)}",
            remedy="read the traceback in the task's log and report it",
            dataset=self.dataset,
            day=self.day,
        )


def load_department(
    contracts: Iterable[Contract],
    day: date,
    zone: str,
    load: Callable[[str, date], Sequence[LoadResult]],
    *,
    now: datetime | None = None,
) -> dict[str, Counts]:
    """Load every dataset of a department for one business day; a bad one does not keep the others out.

    Args:
        contracts: the datasets, loaded in order.
        day: the run's partition key.
        zone: the city's zone, in which deadlines are.
        load: `lake.load.load_business_day` with its settings.
        now: the time deadlines are compared with; the clock's when left out.

    Raises:
        CitybrainError: one dataset failed: its own error. Several did: `SeveralFailed` or `SeveralFailedForNow`, whose
            cause names each.
    """
    counts: dict[str, Counts] = {}
    failures: list[Failure] = []
    for contract in contracts:
        try:
            for result in load(contract.dataset, day):
                _count(counts, result)
        except Exception as error:
            _note(failures, Failure(contract.dataset, day, _judged_by_deadline(error, contract, day, zone, now)))
    raise_failures(failures, day)
    return counts


def load_history(
    contracts: Iterable[Contract],
    first: date,
    last: date,
    load: Callable[[str, Window], Sequence[LoadResult]],
    *,
    since: Mapping[str, date] | None = None,
) -> dict[str, Counts]:
    """Load a range of business days of some datasets: one commit and one validation for each version of a contract.

    Days the source does not have are counted as missing, not raised: the past is loaded as far as it is there.

    Args:
        contracts: the datasets, loaded in order.
        first, last: business days, as partition keys have them; a publication lag is taken off.
        load: `lake.load.load_range` with its settings.
        since: first day the oldest version of a dataset's contract holds on, where there are older than the given one.

    Raises:
        CitybrainError: as in `load_department`; a dataset of which nothing at all was there is late.
    """
    counts: dict[str, Counts] = {}
    failures: list[Failure] = []
    for contract in contracts:
        late: SourceLate | None = None
        for window in history_windows(contract, first, last, (since or {}).get(contract.dataset)):
            try:
                for result in load(contract.dataset, window):
                    _count(counts, result)
            except SourceLate as error:
                late = error
                log.info("%s %s: not there", contract.dataset, window)
            except Exception as error:
                _note(failures, Failure(contract.dataset, window.first, error))
        if late is not None and contract.dataset not in counts:
            _note(failures, Failure(contract.dataset, first, late))
    raise_failures(failures, first)
    return counts


def build_marts(settings: Settings, as_of: date) -> Counts:
    """Build the marts of a business day from what the lake holds now, and publish them."""
    from lake import marts

    build = marts.build(settings, as_of)
    marts.publish(build, settings)
    log.info("build %s: %s", build.build_id, "built, tested, published" if build.is_new else "nothing changed since")
    return {"build_id": build.build_id, "outcome": "published" if build.is_new else "nothing_new"}


def issue_briefs(settings: Settings, day: date, wanted: Sequence[str] | None = None) -> Counts:
    """Issue briefs of a business day from the published marts.

    Args:
        settings: the city's home.
        day: business day.
        wanted: brief ids; when left out, what the day calls for.

    Returns:
        Per brief its period, and how many issues there are and how many of them are new.
    """
    from lake import briefs

    counts: Counts = {}
    for brief in wanted or briefs_of(day):
        issued = briefs.issue(brief, day if brief != WEEKLY else week_end(day), settings, progress=log.info)
        counts[brief] = {
            "period": issued[0].period if issued else None,
            "issues": len(issued),
            "new": sum(issue.is_new for issue in issued),
        }
        log.info("%s %s: %d issues, %d of them new", brief, *counts[brief].values())
    return counts


def briefs_of(day: date) -> list[str]:
    """Briefs a business day calls for: the daily one, and on the last day of a week the weekly one."""
    return [DAILY, WEEKLY] if week_end(day) == day else [DAILY]


def week_end(day: date) -> date:
    """Last day of the newest week that is over at the end of `day`; weeks run from Monday to Sunday."""
    return day - timedelta(days=day.isoweekday() % 7)


def keep_up(settings: Settings, today: date) -> dict[str, Counts]:
    """Compact, expire and purge; counts of each dataset."""
    from lake.upkeep import upkeep

    counts = {}
    for done in upkeep(settings, today, progress=log.info):
        counts[done.dataset] = {name: value for name, value in asdict(done).items() if name != "dataset"}
        log.info("%s: %s", done.dataset, counts[done.dataset])
    return counts


def watch_city(settings: Settings, now: datetime) -> Counts:
    """Tell whoever has to be told what is late, held or of an unusual size; pass the ledger's news on to who follows.

    Raises:
        CitybrainError: a way does not work; what did not go out is tried again by the next run.
    """
    from lake.watch import alerts, emitting

    told = alerts.watch(settings, now)
    for way, level, _, keys in told.messages:
        log.info("told by %s, %s: %s", way, level, ", ".join(keys))
    emitted = emitting.emit(settings)
    for failed in emitted.failed:
        log.warning("not passed on to %s", failed)
    if told.failed:
        raise CitybrainError(
            f"somebody could not be told: {'; '.join(told.failed)}", remedy="see `citybrain alert test`"
        )
    return {"problems": len(told.problems), "messages": len(told.messages), "emitted": emitted.events}


def history_windows(contract: Contract, first: date, last: date, since: date | None = None) -> list[Window]:
    """The window for the business days of a range, or none.

    Nothing is loaded from before `since`, the first day of the contract's oldest version (default: of this one).

    A week, month or quarter that is not over on `last` is left to its own run.
    """
    keys = [period.first for period in periods_in(contract.cadence, Window(first, last))]
    windows = [window for key in keys if (window := window_of(contract, key)).last <= last]
    # A publication lag reaches back over the range's first day, and nothing is loaded from before the contract.
    windows = [window for window in windows if window.first >= (since or contract.valid_from)]
    return [Window(windows[0].first, windows[-1].last)] if windows else []


def deadline(contracts: Iterable[Contract], as_of: date, zone: str) -> datetime:
    """Until when the build of business day `as_of` waits: the latest `due_at` of the daily datasets, the day after."""
    times = [contract.due_at for contract in contracts if contract.cadence is Cadence.DAILY]
    return datetime.combine(as_of + timedelta(days=1), max(times), ZoneInfo(zone))


def raise_failures(failures: Sequence[Failure], day: date) -> None:
    """Raise one failure as itself, several as one error that names each; nothing when there is none."""
    if not failures:
        return
    if len(failures) == 1:
        raise failures[0].as_error() from failures[0].error
    kind = SeveralFailedForNow if any(failure.may_get_better for failure in failures) else SeveralFailed
    raise kind(
        f"{len(failures)} loads failed: " + " ".join(f"({n}) {f.message}" for n, f in enumerate(failures, 1)),
        remedy="see each; the other datasets are in",
        day=day,
    )


def kind_of(error: BaseException | None) -> str:
    """One word for the subject of a mail: ``late``, ``held`` or ``failed``."""
    return "late" if isinstance(error, SourceLate) else "held" if isinstance(error, PartitionHeld) else "failed"


def _judged_by_deadline(error: Exception, contract: Contract, day: date, zone: str, now: datetime | None) -> Exception:
    if not isinstance(error, SourceLate):
        return error
    due = due_instant(contract, day, zone)
    if (now or datetime.now(UTC)) < due:
        return error
    return DeadlinePassed(
        f"late: {error.cause}; it was due {due:%Y-%m-%d %H:%M}",
        remedy=error.remedy,
        dataset=error.dataset or contract.dataset,
        day=error.day or day,
    )


def _count(counts: dict[str, Counts], result: LoadResult) -> None:
    known = counts.setdefault(
        result.dataset,
        {"outcome": "nothing_new", **dict.fromkeys(COUNTED, 0), "missing_days": 0, "held_days": 0, "deliveries": 0},
    )
    if result.outcome == "committed":
        known["outcome"] = "committed"
    for name in COUNTED:
        known[name] += getattr(result, name)
    known["missing_days"] += len(result.missing_days)
    known["held_days"] += len({file["day"] for file in result.held})
    known["deliveries"] += 1
    for file in result.held:
        log.error("held: %s %s: %s; %s", result.dataset, file["day"], file["cause"], file["remedy"])
    log.info(
        "%s %s: %s; delivered %d = accepted %d + quarantined %d + unchanged %d%s",
        result.dataset, result.window, result.outcome.replace("_", " "), result.delivered, result.accepted,
        result.quarantined, result.unchanged,
        f"; {len(result.missing_days)} missing at the source" if result.missing_days else "",
    )  # fmt: skip


def _note(failures: list[Failure], failure: Failure) -> None:
    failures.append(failure)
    foreseen = isinstance(failure.error, CitybrainError)
    log.error("%s: %s", kind_of(failure.error), failure.message, exc_info=None if foreseen else failure.error)


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"
