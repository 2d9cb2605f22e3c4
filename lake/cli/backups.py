"""`citybrain backup`: take one, look at it, bring a home back from it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lake.cli.console import JsonFlag, err, out, print_json, print_table, say, settings

app = typer.Typer(no_args_is_help=True, help="Backups: create, list, verify, restore, prune.")

Folder = Annotated[Path, typer.Argument(help="folder of the backups, best on another disk")]


@app.command("create")
def create_command(
    folder: Folder,
    keys: Annotated[Path | None, typer.Option(help="where the keys go: a folder that is kept elsewhere")] = None,
    with_landing: Annotated[
        bool, typer.Option("--with-landing", help="the delivered bytes too; without, no delivery can be replayed")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Take a backup while the lake is at work. What the folder has already is not copied again.

    In it: tables, records of all deliveries, quarantine, ledger, published builds, pins, issues. The bytes of a
    delivery are in it while it is not in a table yet, and of all deliveries with --with-landing.

    Example: citybrain backup create /mnt/backup/queens --keys /mnt/safe/keys
    """
    from lake import backup

    made = backup.create(folder, settings(), keys=keys, with_landing=with_landing, progress=say)
    row = {
        "backup": made.backup.id, "files": made.backup.files, "MB": round(made.backup.size / 1e6, 1),
        "new files": made.new_files, "new MB": round(made.new_bytes / 1e6, 1), "seconds": round(made.seconds, 1),
    }  # fmt: skip
    if as_json:
        print_json(row | {"keys": list(made.keys), "warnings": list(made.warnings)})
        return
    print_table("Backup", list(row), [list(row.values())])
    for warning in made.warnings:
        err.print(f"warning: {warning}", highlight=False)


@app.command("restore")
def restore_command(
    folder: Folder,
    which: Annotated[str | None, typer.Option("--backup", help="id; default: the newest")] = None,
    keys: Annotated[Path | None, typer.Option(help="the folder the keys were put in")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Restore into an empty home (CITYBRAIN_HOME), under the old path or another. Killed, it goes on when run again.

    Example: citybrain backup restore /mnt/backup/queens --keys /mnt/safe/keys
    """
    from lake import backup

    home = settings()
    done = backup.restore(folder, home, which=which, keys=keys, progress=say)
    row = {
        "backup": done.backup.id, "files": done.backup.files, "MB": round(done.backup.size / 1e6, 1),
        "events": done.events, "seconds": round(done.seconds, 1),
    }  # fmt: skip
    if as_json:
        told = {"events_lost": done.events_lost, "without_bytes": done.without_bytes}
        print_json(row | told | {"without_keys": list(done.without_keys), "moved": done.is_moved})
        return
    print_table(f"Restored into {home.home}", list(row), [list(row.values())])
    if done.without_keys:
        err.print(
            f"no key for {', '.join(done.without_keys)}: hashes of these columns made with another key would not match "
            "those in the lake, and with another digest key every delivered row would look new. "
            "Nothing that needs them can be loaded until the keys are back in keys/."
        )
    if done.without_bytes:
        err.print(
            f"{done.without_bytes} deliveries are without their bytes: they are accounted for, "
            "and cannot be admitted again. Load their days again from the source where that is needed."
        )
    if done.events_lost:
        err.print(f"{done.events_lost} events of the ledger are told of by no file: see `citybrain reconcile`.")
    out.print("Next: `citybrain doctor`, `citybrain reconcile`, then the first load.")


@app.command("list")
def list_command(folder: Folder, as_json: JsonFlag = False) -> None:
    """Every whole backup, oldest first.

    Example: citybrain backup list /mnt/backup/queens
    """
    from lake.backup import Store

    rows = [
        {
            "backup": each.id, "city": each.city, "tables": len(each.tables), "files": each.files,
            "MB": round(each.size / 1e6, 1), "with landing": "yes" if each.with_landing else "unfinished only",
        }
        for each in Store(folder).backups()
    ]  # fmt: skip
    if as_json:
        print_json(rows)
    else:
        print_table("Backups", list(rows[0]) if rows else ["backup"], [list(row.values()) for row in rows])


@app.command("verify")
def verify_command(
    folder: Folder,
    which: Annotated[str | None, typer.Option("--backup", help="id; default: all")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="lengths only")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Hold every content of the backups against its digest. Exit status 1 when one is missing or changed.

    Example: citybrain backup verify /mnt/backup/queens
    """
    from lake.backup import Store

    damage = Store(folder).verify(which, quick=quick)
    if as_json:
        print_json([each.__dict__ for each in damage])
    elif damage:
        print_table(
            "Damage", ["backup", "file", "is", "lies at"], [(d.backup, d.name, d.kind, d.object) for d in damage]
        )
        err.print(
            "Remedy: remove what lies there and take a backup: what the home still has is copied anew. "
            "Backups that name what the home has no more stay damaged; others are whole. "
            "Runbook: docs/runbooks/damaged-backup.md"
        )
    else:
        out.print("every content of the backups is there and unchanged")
    if damage:
        raise typer.Exit(1)


@app.command("prune")
def prune_command(folder: Folder, keep: Annotated[int, typer.Option(help="how many of the newest stay")]) -> None:
    """Remove all but the newest backups, and the contents that only those named.

    Example: citybrain backup prune /mnt/backup/queens --keep 30
    """
    from lake.backup import Store

    gone, freed = Store(folder).prune(keep)
    out.print(f"{gone} backups removed, {freed / 1e6:.1f} MB freed")
