"""`citybrain setup`, `doctor`, `upkeep`: make the home, find what is wrong with it, keep it small."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from lake.cli.console import JsonFlag, out, parse_day, print_json, print_table, say, settings


def setup_command() -> None:
    """Make the city's home: its rooms, the keys (kept when they are there), the catalog and the ledger.

    Example: citybrain setup
    """
    from lake.upkeep import make_ready

    home = settings()
    make_ready(home)
    out.print(f"ready: {home.home}")


def doctor_command(
    offline: Annotated[bool, typer.Option("--offline", help="leave sources, mail server and webhook alone")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Find a wrong setup and say the remedy. Exit status 1 when something is wrong; a warning alone is 0.

    Contracts, zones, modes and owner of the home, keys and their fingerprints, disk and inodes, memory, DuckDB's
    extensions, catalog and tables, pools, clocks, and whether every source answers and lets us in.

    Example: citybrain doctor
    """
    from lake.doctor import WRONG, examine

    findings = examine(settings(), offline=offline)
    if as_json:
        print_json([finding.__dict__ for finding in findings])
    else:
        print_table(
            "Findings",
            ["what", "state", "remedy"],
            [(f.what, f.state.upper() if f.remedy else f.state, f.remedy) for f in findings],
        )
    if any(finding.state == WRONG for finding in findings):
        raise typer.Exit(1)


def upkeep_command(
    today: Annotated[str | None, typer.Option(help="day that ages are counted from; default: today")] = None,
) -> None:
    """Compact old months, expire snapshots, purge files nothing names and landed bytes past their retention.

    Example: citybrain upkeep
    """
    from lake.upkeep import upkeep

    result = upkeep(settings(), parse_day(today) if today else date.today(), progress=say)
    print_table(
        "Upkeep",
        ["dataset", "files merged", "snapshots expired", "files purged", "deliveries purged", "state"],
        [
            (
                r.dataset,
                r.files_merged,
                r.snapshots_expired,
                r.files_purged,
                r.deliveries_purged,
                "busy, left for next time" if r.is_skipped else "done",
            )
            for r in result
        ],
    )
