"""`citybrain dataset`: what the departments deliver, and where each dataset lives in this house."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lake.cli.console import JsonFlag, out, print_json, print_table, settings
from lake.contracts import load_contracts, versions_of
from lake.ledger import Ledger

app = typer.Typer(no_args_is_help=True, help="Datasets: contract, suite, staging, DAG, last loads.")


@app.command("list")
def list_command(as_json: JsonFlag = False) -> None:
    """All datasets of the city with their newest committed day.

    Example: citybrain dataset list
    """
    home = settings()
    newest = {state.dataset: state for state in Ledger(home).partitions() if state.state == "committed"}
    rows = [
        {
            "dataset": contract.dataset,
            "title": contract.title_zh,
            "mode": contract.mode.value,
            "cadence": contract.cadence.value,
            "connector": contract.source.connector,
            "last_day": newest[contract.dataset].day if contract.dataset in newest else None,
        }
        for contract in load_contracts(home)
    ]
    if as_json:
        print_json(rows)
    else:
        print_table("Datasets", list(rows[0]) if rows else ["dataset"], [list(row.values()) for row in rows])


@app.command("show")
def show_command(dataset: Annotated[str, typer.Argument(help="dataset id, such as queens.dot.street_defect")]) -> None:
    """One dataset: contract, suite, staging model, DAG, columns, last deliveries.

    Example: citybrain dataset show queens.dot.street_defect
    """
    home = settings()
    contract = versions_of(dataset, home)[-1]
    suite = home.root / "expectations" / contract.city / contract.department / f"{contract.name}.yaml"
    staging = home.root / "dbt_project" / "models" / "staging" / contract.city / contract.department
    print_table(
        f"{contract.dataset} · {contract.title_zh}",
        ["what", "value"],
        [
            ("contract", _relative(Path(contract.path), home.root)),
            ("version", f"{contract.version}, valid from {contract.valid_from}"),
            ("source", f"{contract.source.connector} from connection {contract.source.connection}"),
            ("suite", _relative(suite, home.root)),
            ("staging", _relative(staging, home.root)),
            ("DAG", f"ingest__{contract.city}__{contract.department}__{contract.cadence.value}"),
            ("table", f"lake.{contract.table}"),
            ("mode", f"{contract.mode.value}, withdrawal: {contract.withdrawal.value}"),
            ("due", f"{contract.due_at:%H:%M} {contract.zone}, publication lag {contract.publication_lag_days} d"),
        ],
    )
    print_table(
        "Columns",
        ["column", "delivered as", "type", "class", "treatment", "title", "meaning"],
        [
            (c.name, c.source_name, c.lake_type, c.classification, c.treatment.value, c.title_zh, c.description)
            for c in contract.columns
        ],
    )
    states = Ledger(home).partitions(dataset)[-7:]
    if states:
        print_table(
            "Last days",
            ["day", "state", "delivered", "accepted", "quarantined", "unchanged", "delivery"],
            [(s.day, s.state, s.delivered, s.accepted, s.quarantined, s.unchanged, s.delivery) for s in states],
        )
    else:
        out.print(f"nothing loaded yet: citybrain load {dataset} --from DAY --to DAY")


@app.command("freshness")
def freshness_command(
    at: Annotated[str | None, typer.Option(help="instant, YYYY-MM-DDTHH:MM in the city's zone; default: now")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Every dataset against what its contract promises. Exit status 6 when one is late, held or not of its usual size.

    Due: the contract's latency (slaProperties), else its dueAt. Overdue: late by a day. Usual: median of the same
    weekday of eight weeks; half or double of it, and more than chance, is told.

    Example: citybrain dataset freshness --at 2023-04-04T06:00
    """
    from lake.cli.alerts import instant
    from lake.watch import alerts
    from lake.watch.rules import load_rules

    home = settings()
    now = instant(at, home)
    found, problems = alerts.look(home, now)
    rules = load_rules(home)
    level = {p.dataset: alerts.level_of(p, rules, now).name for p in problems if p.kind in alerts.ARRIVALS}
    rows = [
        {
            "dataset": each.dataset, "newest": each.newest, "expected": each.expected,
            "due": f"{each.due:%Y-%m-%d %H:%M}", "state": each.state, "late h": each.late_hours,
            "held": len(each.held_days), "missing": len(each.missing), "records": each.records,
            "usual": each.usual, "volume": each.volume, "level": level.get(each.dataset, ""),
        }
        for each in found
    ]  # fmt: skip
    if as_json:
        print_json(rows)
    else:
        print_table(f"Freshness at {now:%Y-%m-%d %H:%M %Z}", list(rows[0]), [list(row.values()) for row in rows])
    if not all(each.is_well for each in found):
        raise typer.Exit(6)


def _relative(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
