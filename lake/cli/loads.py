"""`citybrain load`, `reconcile`, `quarantine`, `ledger`: from a source to the table, and the proof of it."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lake.cli.console import JsonFlag, err, out, parse_day, parse_window, print_json, print_table, say, settings
from lake.contracts import versions_of
from lake.contracts.model import Window
from lake.errors import ContractViolation

if TYPE_CHECKING:
    from lake.load import LoadResult
    from lake.settings import Settings

Dataset = Annotated[str, typer.Argument(help="dataset id, such as queens.dot.street_defect")]

quarantine = typer.Typer(no_args_is_help=True, help="Records and deliveries that were held back.")
ledger = typer.Typer(no_args_is_help=True, help="What happened: a projection that can be made again.")


def load_command(
    dataset: Dataset,
    first: Annotated[str, typer.Option("--from", help="first day of data, YYYY-MM-DD")],
    last: Annotated[str | None, typer.Option("--to", help="last day of data; default: the first")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what would happen; nothing is kept")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Load a range of days: one delivery, one validation, one commit; where versions of the contract meet, one each.

    Loading twice changes nothing. With --dry-run the source is asked and its delivery admitted beside the lake: what
    would be committed, held back or replaced is shown, and nothing is kept.

    Example: citybrain load queens.dot.street_defect --from 2023-04-01 --to 2023-04-03
    """
    from lake.load import load_range

    home = settings()
    window = parse_window(first, last)
    if dry_run:
        _rehearse(dataset, window, home, as_json)
        return
    results = load_range(dataset, window, home, progress=say)
    rows = [
        {
            "dataset": result.dataset, "window": str(result.window), "outcome": result.outcome,
            "delivered": result.delivered, "accepted": result.accepted, "quarantined": result.quarantined,
            "unchanged": result.unchanged, "delivery": result.delivery,
        }
        for result in results
    ]  # fmt: skip
    if as_json:
        told = [
            row
            | {"reasons": result.reasons, "missing_days": [str(day) for day in result.missing_days]}
            | {"held": list(result.held)}
            for row, result in zip(rows, results, strict=True)
        ]
        print_json(told if len(told) > 1 else told[0])
    else:
        print_table("Loaded", list(rows[0]), [list(row.values()) for row in rows])
        for result in results:
            _tell_more(result)
    if any(result.held for result in results):
        raise typer.Exit(ContractViolation.exit_code)


def _rehearse(dataset: str, window: Window, home: Settings, as_json: bool) -> None:
    """Show what a load would do."""
    from lake.onboarding.rehearsal import rehearse

    found = rehearse(dataset, window, home, progress=say)
    if as_json:
        print_json([one.as_dict() for one in found])
        return
    names = ("window", "version", "outcome", "delivered", "accepted", "quarantined", "unchanged", "files", "bytes")
    first = found[0]
    print_table(
        f"Would load {dataset} with {first.connector} from {first.connection}, mode {first.mode}",
        [*names, "known", "days changed", "of them replaced", "days missing"],
        [
            (*(getattr(one, name) for name in names), "yes" if one.known else "no", len(one.changed_days),
             len(one.replaced_days), len(one.missing_days))
            for one in found
        ],
    )  # fmt: skip
    if first.first_day or first.last_day:
        out.print(f"the source has {first.first_day or '?'} to {first.last_day or '?'}", highlight=False)
    for note in dict.fromkeys(note for one in found for note in one.notes):
        out.print(f"the source says: {note}", highlight=False, markup=False)
    reasons = [(str(one.window), reason, records) for one in found for reason, records in one.reasons]
    if reasons:
        print_table("Would be held back, by reason", ["window", "reason", "records"], reasons)
    failing = [(str(one.window), w["id"], w["failed_n"], w["reason"]) for one in found for w in one.warnings]
    if failing:
        print_table("Checks that would warn", ["window", "check", "records", "why"], failing)
    for one in found:
        _tell_held(one.held)
        if one.cause:
            err.print(f"{one.window}: {one.cause}", highlight=False, markup=False)
            err.print(f"  remedy: {one.remedy}", highlight=False, markup=False)


def _tell_more(result: LoadResult) -> None:
    if result.reasons:
        print_table("Held back, by reason", ["reason", "records"], sorted(result.reasons.items()))
    for warning in result.warnings:
        err.print(f"warning: {warning['failed_n']} records fail {warning['id']}: {warning['reason']}", highlight=False)
    if result.missing_days:
        err.print(f"the source had nothing for {len(result.missing_days)} days, the first {result.missing_days[0]}")
    _tell_held(result.held)


def _tell_held(files: Sequence[dict[str, Any]]) -> None:
    """Files of a range that are held while the others are in."""
    for file in files:
        err.print(f"held: {file['day']} {file['cause']}", highlight=False, markup=False)
        err.print(f"  remedy: {file['remedy']}", highlight=False, markup=False)


def replay_command(
    dataset: Dataset,
    first: Annotated[str, typer.Option("--from", help="first day, YYYY-MM-DD")],
    last: Annotated[str | None, typer.Option("--to", help="last day; default: the first")] = None,
    *,
    commit: Annotated[bool, typer.Option("--commit", help="bring the differences into the table")] = False,
    because: Annotated[str, typer.Option(help="why; kept in the ledger, needed to commit")] = "",
    by: Annotated[str, typer.Option(help="who decides; default: the login name")] = "",
    as_json: JsonFlag = False,
) -> None:
    """What today's contract and suite make of deliveries loaded before: rows and columns that would change, no values.

    Nothing is changed without --commit. A day that a newer delivery has corrected stays corrected.

    Example: citybrain replay queens.dot.street_defect --from 2023-04-01 --to 2023-04-03
    """
    from lake.replay import replay

    window = parse_window(first, last)
    found = replay(
        dataset, window, settings(), commit=commit, because=because, by=by or getpass.getuser(), progress=say
    )
    if as_json:
        print_json([each.as_dict() for each in found])
        return
    print_table(
        f"{dataset} {window}, judged anew",
        ["delivery", "contract", "day", "rows", "would be", "added", "removed", "changed", "values by column"],
        [
            (
                each.delivery, ", ".join(each.versions), day.day, day.before, day.after, day.added, day.removed,
                day.changed, ", ".join(f"{name} {n}" for name, n in day.columns.items()),
            )
            for each in found
            for day in each.days
            if not day.is_same
        ],
    )  # fmt: skip
    for each in found:
        if each.held:
            err.print(f"delivery {each.delivery} would be held and stays as it is: {each.held}", highlight=False)
    changed = sum(not each.is_same for each in found)
    out.print(
        f"{len(found)} deliveries, {changed} with a difference, {sum(each.is_committed for each in found)} committed"
    )


def compare_keys_command(
    dataset: Dataset,
    day: Annotated[str | None, typer.Option(help="from which day on it is known; default: the newest loaded")] = None,
    because: Annotated[str, typer.Option(help="why more may go than the contract believes; kept in the ledger")] = "",
    by: Annotated[str, typer.Option(help="who decides; default: the login name")] = "",
) -> None:
    """Compare all keys of a source with the lake's: what is missing is withdrawn, what is there again returns.

    Example: citybrain compare-keys queens.nyc311.service_request
    """
    from lake.withdrawals import compare_keys

    who = (by or getpass.getuser()) if because else ""
    found = compare_keys(
        dataset, settings(), day=parse_day(day) if day else None, because=because, by=who, progress=say
    )
    out.print(
        f"{found.source} keys at the source, {found.current} current records in the lake: "
        f"{found.withdrawn} withdrawn, {found.returned} returned from {found.day} on"
    )


def reconcile_command(
    dataset: Annotated[str | None, typer.Argument(help="one dataset; default: all")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Account for every delivered record, per dataset and day, from the files. Exit status 9 when one is nowhere.

    Example: citybrain reconcile --json
    """
    from lake.reconcile import reconcile

    home = settings()
    rows = reconcile(home, dataset)
    if dataset and not rows:
        versions_of(dataset, home)  # says so when there is no such dataset
    bad = [row for row in rows if row.unaccounted]
    if as_json:
        print_json([row.as_dict() for row in rows])
    else:
        names = ("delivered", "accepted", "quarantined", "unchanged", "held", "unaccounted")
        datasets = sorted({row.dataset for row in rows})
        print_table(
            "Records",
            ["dataset", "days", *names],
            [
                (
                    name,
                    sum(row.dataset == name for row in rows),
                    *(sum(getattr(row, field) for row in rows if row.dataset == name) for field in names),
                )
                for name in datasets
            ],
        )
        if bad:
            print_table(
                "Unaccounted for",
                ["dataset", "day", *names],
                [(row.dataset, row.day, *(getattr(row, field) for field in names)) for row in bad],
            )
            err.print("Remedy: load these days again; landed deliveries are finished from where they stopped.")
    if bad:
        raise typer.Exit(9)


@quarantine.command("show")
def quarantine_show_command(
    dataset: Dataset,
    day: Annotated[str | None, typer.Option(help="one day, YYYY-MM-DD")] = None,
    limit: Annotated[int, typer.Option(help="rows to print")] = 50,
    as_json: JsonFlag = False,
) -> None:
    """Records held back with address and reasons, and deliveries held whole. No cell is shown.

    Example: citybrain quarantine show queens.nypd.collision --day 2023-03-31
    """
    from lake.admission import quarantine as room
    from lake.ledger import HELD, Ledger

    home = settings()
    rows = room.show(home, dataset, parse_day(day) if day else None)
    held = [
        event.payload
        for event in Ledger(home).events(dataset=dataset, kind=HELD)
        if (home.landing.joinpath(*dataset.split(".")[1:]) / event.payload["delivery"] / "held.json").exists()
    ]
    if not rows and not held:
        versions_of(dataset, home)  # says so when there is no such dataset
    if as_json:
        print_json({"records": [row.as_dict() for row in rows], "deliveries": held})
        return
    print_table(
        f"{len(rows)} records of {dataset}",
        ["day", "delivery", "file", "record", "reasons"],
        [(row.day, row.delivery, row.file, row.record, ", ".join(row.reasons)) for row in rows[:limit]],
    )
    if len(rows) > limit:
        err.print(f"… and {len(rows) - limit} more: --limit, or --json for all")
    for payload in held:
        err.print(f"held: delivery {payload['delivery']} ({payload['kind']}): {payload['cause']}", highlight=False)
        err.print(f"  remedy: {payload['remedy']}", highlight=False)


@quarantine.command("replay")
def quarantine_replay_command(
    dataset: Dataset, delivery: Annotated[str, typer.Argument(help="delivery id, as `quarantine show` prints it")]
) -> None:
    """Admit a landed delivery again under today's contract and suite. What is in the lake already stays as it is.

    Example: citybrain quarantine replay queens.nypd.collision 2023-03-31-0123456789abcdef
    """
    from lake.load import resume

    result = resume(dataset, delivery, settings(), progress=say)
    out.print(
        f"{result.outcome}: {result.accepted} accepted, {result.quarantined} quarantined, {result.unchanged} unchanged"
    )


@quarantine.command("accept")
def quarantine_accept_command(
    dataset: Dataset,
    delivery: Annotated[str, typer.Argument(help="delivery id, as `quarantine show` prints it")],
    because: Annotated[str, typer.Option(help="the reason, kept for ever in the ledger")],
    by: Annotated[str, typer.Option(help="who decides; default: the login name")] = "",
) -> None:
    """Commit a held delivery all the same; the choice, who made it and why are recorded.

    Example: citybrain quarantine accept queens.dot.street_defect 2023-03-05-0123456789abcdef --because "a storm"
    """
    from lake.load import accept_anyway

    result = accept_anyway(dataset, delivery, because, by or getpass.getuser(), settings())
    out.print(f"{result.outcome}: {result.accepted} accepted, {result.quarantined} quarantined")


@ledger.command("show")
def ledger_show_command(
    dataset: Annotated[str | None, typer.Argument(help="one dataset; default: all")] = None,
    limit: Annotated[int, typer.Option(help="newest events to print")] = 20,
    as_json: JsonFlag = False,
) -> None:
    """Newest events.

    Example: citybrain ledger show --limit 5
    """
    from lake.ledger import Ledger

    home = settings()
    events = Ledger(home).events(dataset=dataset)[-limit:]
    if dataset and not events:
        versions_of(dataset, home)  # says so when there is no such dataset
    if as_json:
        print_json([{"at": e.at, "kind": e.kind, "subject": e.subject, "payload": e.payload} for e in events])
    else:
        print_table("Events", ["at", "kind", "subject"], [(e.at[:19], e.kind, e.subject) for e in events])


@ledger.command("rebuild")
def ledger_rebuild_command() -> None:
    """Make the ledger again from landing manifests, commits, builds and issues. The result equals the kept one.

    Example: citybrain ledger rebuild
    """
    from lake.ledger import Ledger

    out.print(f"{Ledger(settings()).rebuild()} events")


@ledger.command("emit")
def ledger_emit_command(
    since: Annotated[
        str | None, typer.Option(help="send lineage from this instant on again; default: what is new")
    ] = None,
) -> None:
    """Pass the ledger's news on to those who follow: OpenLineage, StatsD, OpenTelemetry, as far as configured.

    Lineage sent twice is the same lineage. Exit status 1 when a receiver is away; it is sent the same next time.

    Example: citybrain ledger emit
    """
    from lake.cli.alerts import instant
    from lake.watch.emitting import emit

    home = settings()
    done = emit(home, since=instant(since, home) if since else None)
    out.print(f"{done.events} events passed on")
    for failed in done.failed:
        err.print(f"not passed on to {failed}", highlight=False)
    if done.failed:
        raise typer.Exit(1)
