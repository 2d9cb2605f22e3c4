"""The command line ``citybrain``: noun, then verb. Exit status 0 is success; see `lake.errors` for the others."""

from __future__ import annotations

import sys

import typer

from lake.cli import alerts, backups, briefs, contracts, datasets, indicators, loads, machine, marts, release
from lake.cli.additions import WithAdditions
from lake.errors import CitybrainError, told_when_full

app = typer.Typer(
    name="citybrain",
    cls=WithAdditions,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,  # locals may hold people's data
    help="""The city brain's data lake: from departments' systems to checked Parquet, marts and briefs.

    Exit status: 0 done · 1 failed · 2 contract or usage · 3 delivery breaks its contract · 4 held by a critical check ·
    5 source away · 6 source late · 7 source refuses us · 8 busy · 9 record unaccounted for · 10 build failed ·
    11 brief refused · 12 disk full · 13 the lake's store or database away · 14 a room of the home is shut to us.

    Environment: CITYBRAIN_CITY (queens), CITYBRAIN_HOME (var/CITY), CITYBRAIN_CONN_NAME (a source's address); more in
    docs/how-to/run-in-production.md.
    """,
)
app.add_typer(datasets.app, name="dataset")
app.add_typer(contracts.app, name="contract")
app.command("load")(loads.load_command)
app.command("replay")(loads.replay_command)
app.command("compare-keys")(loads.compare_keys_command)
app.command("reconcile")(loads.reconcile_command)
app.add_typer(loads.quarantine, name="quarantine")
app.add_typer(loads.ledger, name="ledger")
app.add_typer(marts.app, name="marts")
app.add_typer(indicators.app, name="indicator")
app.add_typer(release.app, name="release")
app.add_typer(briefs.app, name="brief")
app.add_typer(alerts.app, name="alert")
app.add_typer(backups.app, name="backup")
app.command("setup")(machine.setup_command)
app.command("doctor")(machine.doctor_command)
app.command("upkeep")(machine.upkeep_command)


def main() -> None:
    """Entry point: an error of ours ends with its message and its exit status, never with a stack of calls."""
    try:
        with told_when_full():
            app()
    except CitybrainError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        if error.runbook:
            sys.stderr.write(f"Runbook: docs/runbooks/{error.runbook}.md\n")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
