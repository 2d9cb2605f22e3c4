"""How commands speak: tables for people, JSON for scripts, progress on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from lake.contracts.model import Window
from lake.settings import Settings

_PIPE_WIDTH = 200  # a pipe has no width of its own, and a folded table cannot be searched

out = Console(soft_wrap=True, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
err = Console(stderr=True, soft_wrap=True)

JsonFlag = Annotated[bool, typer.Option("--json", help="print JSON for scripts")]


def settings() -> Settings:
    """The city's home as the environment says, its rooms made."""
    made = Settings.from_environment()
    made.make_home()
    return made


def say(text: str) -> None:
    """A line of progress."""
    err.print(f"[dim]· {text}[/dim]", highlight=False)


def print_json(value: Any) -> None:
    """JSON on standard output; dates as ISO 8601."""
    print(json.dumps(value, ensure_ascii=False, indent=1, default=str))


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table; numbers to the right."""
    rows = [list(row) for row in rows]
    table = Table(title=title, title_justify="left", header_style="bold")
    for index, name in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float | None) for row in rows)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    out.print(table)


def parse_day(text: str) -> date:
    """A day given on the command line."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a day like 2023-04-03") from error


def parse_window(first: str, last: str | None) -> Window:
    """Days from and to; without a last day the first alone."""
    begins, ends = parse_day(first), parse_day(last or first)
    if ends < begins:
        raise typer.BadParameter(f"the last day {ends} is before the first, {begins}")
    return Window(begins, ends)
