"""`citybrain setup`, `doctor`, `upkeep`: make the home, find what is wrong with it, keep it small."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from lake.cli.console import out, parse_day, print_table, say, settings


def setup_command() -> None:
    """Make the city's home: its rooms, the keys (kept when they are there), the catalog and the ledger.

    Example: citybrain setup
    """
    from lake.upkeep import make_ready

    home = settings()
    make_ready(home)
    out.print(f"ready: {home.home}")


def doctor_command() -> None:
    """Find a wrong setup and say the remedy. Exit status 1 when there is one.

    Example: citybrain doctor
    """
    from lake.upkeep import examine

    findings = examine(settings())
    print_table(
        "Findings",
        ["what", "state", "remedy"],
        [(f.what, "ok" if f.is_ok else "WRONG", f.remedy) for f in findings],
    )
    if not all(f.is_ok for f in findings):
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
