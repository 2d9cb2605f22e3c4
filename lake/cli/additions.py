"""Commands that come from beside the lake: packages name them by the entry point ``citybrain.commands``.

The lake knows none of them. They are loaded when one is asked for, so that the list of commands stays quick; one that
is absent or broken spoils nothing but itself.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from lake.errors import CitybrainError

GROUP = "citybrain.commands"


class WithAdditions(TyperGroup):
    """A group whose commands are its own and those of other packages; its own go before."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all commands."""
        own = super().list_commands(ctx)
        return [*own, *sorted(_added().keys() - set(own))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command to be listed; of an added one only who adds it."""
        found = super().get_command(ctx, cmd_name)
        if found is None and cmd_name in _added():
            return TyperCommand(cmd_name, short_help=f"Added by the package {_added()[cmd_name].module}.")
        return found

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """A command to be run; an added one is loaded now."""
        if args and super().get_command(ctx, args[0]) is None and args[0] in _added():
            return args[0], _loaded(_added()[args[0]]), args[1:]
        return super().resolve_command(ctx, args)


@cache
def _added() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _loaded(entry: EntryPoint) -> Any:
    try:
        made = entry.load()
    except Exception as error:
        raise CitybrainError(
            f"the command {entry.name!r} of {entry.value} cannot be loaded: {type(error).__name__}: {error}",
            remedy="install what it needs (`make env`), or remove the package that adds it",
        ) from error
    return typer.main.get_group(made) if isinstance(made, typer.Typer) else made
