"""Writes docker/requirements.lock: of requirements.lock what production needs, with the same versions and hashes.

Beside it docker/build.lock, with what the one package needs that comes as source only.

``python docker/lock.py [--check]``, in the project's environment. Tests, linters and stand-in servers stay outside the
image. Exit status: 0 the file is as it must be, 1 it was not (with ``--check``, which writes nothing).
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = ("production", "drivers")
BUILDERS = {"setuptools"}


def blocks() -> dict[str, str]:
    """Every locked package with its hashes, as the lock has it."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    parts = re.split(r"(?m)^(?=[A-Za-z0-9])", text)
    return {canonicalize_name(re.split(r"[=\[ ]", part, maxsplit=1)[0]): part for part in parts if "==" in part}


def needed() -> set[str]:
    """Names of all packages that the project with `EXTRAS` draws in."""
    found: set[tuple[str, str]] = set()
    left = [("citybrain", extra) for extra in ("", *EXTRAS)]
    while left:
        name, extra = left.pop()
        if (name, extra) in found:
            continue
        found.add((name, extra))
        for line in requires(name) or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                known = canonicalize_name(requirement.name)
                left += [(known, wanted) for wanted in ("", *requirement.extras)]
    return {name for name, _ in found} - {"citybrain"}


def content(names: set[str]) -> str:
    """What a file with these packages must be."""
    locked = blocks()
    missing = names - set(locked)
    if missing:
        raise SystemExit(f"not in requirements.lock: {', '.join(sorted(missing))}; run `make lock`")
    return "# Made by docker/lock.py out of requirements.lock.\n" + "".join(locked[name] for name in sorted(names))


def main() -> int:
    """Write both, or compare."""
    same = True
    for name, names in (("requirements.lock", needed()), ("build.lock", BUILDERS)):
        target, wanted = ROOT / "docker" / name, content(names)
        same &= target.exists() and target.read_text(encoding="utf-8") == wanted
        if "--check" not in sys.argv[1:]:
            target.write_text(wanted, encoding="utf-8")
    return 0 if same or "--check" not in sys.argv[1:] else 1


if __name__ == "__main__":
    sys.exit(main())
