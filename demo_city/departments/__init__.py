"""The departments S01 … S35: one module each, imported when asked for."""

from __future__ import annotations

import functools
import pkgutil
from importlib import import_module

from demo_city.departments.protocol import Dataset, Source

__all__ = ["Dataset", "Source", "datasets", "sources"]


@functools.cache
def sources() -> tuple[Source, ...]:
    """All sources, in the order of their ids: every module here named ``s<number>_<name>`` has one."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name[1:3].isdigit())
    return tuple(import_module(f"{__name__}.{name}").SOURCE for name in names)


def datasets() -> tuple[Dataset, ...]:
    """All datasets, in the order of the sources."""
    return tuple(dataset for source in sources() for dataset in source.datasets)
