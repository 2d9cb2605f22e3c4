"""Connections to the database of catalog and ledger where it is a server: kept and shared within a process."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from sqlalchemy import Engine

Made = TypeVar("Made")


def engine_of(uri: str) -> Engine:
    """An engine; a file has one of its own each time, for whoever puts the file back must not meet an old handle."""
    from sqlalchemy import create_engine

    if uri.startswith("sqlite:"):
        return create_engine(uri, connect_args={"timeout": 60})
    return _server(uri, os.getpid())


def shared(uri: str, make: Callable[..., Made], *arguments: Any) -> Made:
    """What `make` gives for these arguments; kept for the process where the database is a server."""
    if uri.startswith("sqlite:"):
        return make(*arguments)
    made: Made = _kept(make, os.getpid(), *arguments)
    return made


def made_by_two(make: Callable[[], Made]) -> Made:
    """Make what another process may be making just now: tables and namespaces that are there when looked for again."""
    from sqlalchemy.exc import IntegrityError, ProgrammingError

    try:
        return make()
    except (IntegrityError, ProgrammingError):
        return make()


@cache
def _server(uri: str, _process: int) -> Engine:
    """A child that was forked may not use its parent's connections."""
    from sqlalchemy import create_engine

    # A server is restarted now and then: a connection is tried before it is used.
    return create_engine(uri, pool_pre_ping=True, pool_size=2)


@cache
def _kept(make: Callable[..., Any], _process: int, *arguments: Any) -> Any:
    return make(*arguments)
