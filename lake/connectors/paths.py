"""How a ``source_name`` names a value inside a JSON record: ``address.city``, ``phones[0].number``, ``/a.b/c``."""

from __future__ import annotations

import re

_INDEX = re.compile(r"\[(\d+)\]")
_DOTTED_PART = re.compile(r"([^.\[\]]+)((?:\[\d+\])*)")


def parse(name: str) -> tuple[str, ...]:
    """Keys and positions from the record down to the value.

    A name that begins with ``/`` is a JSON pointer (RFC 6901) and can name any key; all others are keys with dots
    between them and positions in brackets. A name that is neither is one key as it stands.
    """
    if name.startswith("/"):
        return tuple(part.replace("~1", "/").replace("~0", "~") for part in name[1:].split("/"))
    parts: list[str] = []
    for part in name.split("."):
        found = _DOTTED_PART.fullmatch(part)
        if found is None:
            return (name,)
        parts += [found[1], *_INDEX.findall(found[2])]
    return tuple(parts)


def name_of(parts: tuple[str, ...]) -> str:
    """The shortest ``source_name`` that `parse` reads as these parts."""
    dotted = ".".join(parts)
    return dotted if parse(dotted) == parts else pointer(parts)


def pointer(parts: tuple[str, ...]) -> str:
    """JSON pointer to the value."""
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)
