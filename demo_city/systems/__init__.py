"""The departments' systems themselves: databases, APIs, file drops, and the inbox that answers back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from demo_city.systems.running import DemoCity

__all__ = ["DemoCity"]


def __getattr__(name: str) -> Any:
    # The departments' modules import the writers from here; the servers behind `DemoCity` import the departments.
    if name == "DemoCity":
        from demo_city.systems.running import DemoCity

        return DemoCity
    raise AttributeError(name)
