"""A disk of a few megabytes that runs full at a chosen moment: a tmpfs in a mount namespace of this process alone.

Root may have one, and so may others where the kernel lets users make namespaces. Where neither is so, no file may grow
instead: writes fail as they would on a full disk, with another error number.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import shutil
import signal
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from town import state

from lake import boundary as boundaries
from lake.settings import Settings

_NEW_MOUNTS, _NEW_USER, _PRIVATE_ALL = 0x00020000, 0x10000000, (1 << 18) | (1 << 14)
_SIZE = "48m"
_ROOMS = (
    "lake.load", "lake.tables", "lake.landing", "lake.admission", "lake.marts.build", "lake.marts.publish",
    "lake.briefs.issuing", "lake.backup.creating", "lake.backup.store",
)  # fmt: skip


def load_twice(settings: Settings, arguments: tuple[str, str, str], moment: str) -> dict[str, Any]:
    """Load while the disk is full from a moment on, then once more with room."""
    import forge

    return _twice(settings, moment, lambda: forge.load(settings, *arguments), lambda told: _loaded(settings, told))


def publish_twice(settings: Settings, as_of: str, moment: str) -> dict[str, Any]:
    """Build and publish likewise; what a reader sees after each try."""
    from lake.marts import build, publish

    seen = []

    def see(told: dict[str, Any]) -> dict[str, Any]:
        with duckdb.connect(str(settings.published / "current" / "marts.duckdb"), read_only=True) as connection:
            seen.append(connection.execute("SELECT count(*) FROM roads.defects_daily").fetchone()[0])
        return told | {"days before and after": seen}

    def work() -> dict[str, Any]:
        publish(build(settings, date.fromisoformat(as_of)), settings)
        return {"outcome": "published"}

    return _twice(settings, moment, work, see)


def replay_twice(settings: Settings, arguments: tuple[str, str, str], moment: str) -> dict[str, Any]:
    """Replay likewise."""
    import forge

    def work() -> dict[str, Any]:
        return {"outcome": f"{forge.replay(settings, *arguments)} replayed"}

    return _twice(settings, moment, work, lambda told: _loaded(settings, told))


def export_twice(settings: Settings, folder: str) -> dict[str, Any]:
    """Write an answer to a disk that is full from the start; which files lie there after each try."""
    from lake.marts.export import export

    left: list[list[str]] = []

    def work() -> dict[str, Any]:
        export(settings, "SELECT range AS n FROM range(50000)", Path(folder) / "answer.csv")
        return {"outcome": "written"}

    def see(told: dict[str, Any]) -> dict[str, Any]:
        left.append(sorted(path.name for path in Path(folder).iterdir() if path.name != "filler"))
        return told | {"left": left}

    return _twice(settings, "", work, see, disk=Path(folder))


def back_up_twice(settings: Settings, folder: str, moment: str) -> dict[str, Any]:
    """Take a backup on a small disk likewise; how many backups there are after each try, and what is damaged."""
    from lake.backup import Store, create

    seen: list[int] = []

    def work() -> dict[str, Any]:
        create(Path(folder), settings)
        return {"outcome": "taken"}

    def see(told: dict[str, Any]) -> dict[str, Any]:
        store = Store(Path(folder))
        seen.append(len(store.backups()))
        return told | {"backups": seen, "damage": [damage.name for damage in store.verify()]}

    return _twice(settings, moment, work, see, disk=Path(folder))


def issue_twice(settings: Settings, arguments: tuple[str, str, str], moment: str) -> dict[str, Any]:
    """Issue a brief likewise; what lies in the rooms of issues after each try."""
    import forge

    seen: list[list[str]] = []

    def work() -> dict[str, Any]:
        return {"outcome": f"{len(forge.issue(settings, *arguments))} issued"}

    def see(told: dict[str, Any]) -> dict[str, Any]:
        seen.append([path.name for path in settings.issues.glob("*/*/*/issue-*")])
        return told | {"issues": seen}

    return _twice(settings, moment, work, see)


def _loaded(settings: Settings, told: dict[str, Any]) -> dict[str, Any]:
    if not told["outcome"]:
        return told
    after = state(settings)
    sound = after["rebuilt alike"] is True and not after["unaccounted"]
    rows = {name: len(held) for name, held in after.items() if name.startswith("town.")}
    return told | {"sound": sound, "rows": rows, "files": dict(after["files"])}


def _twice(
    settings: Settings,
    moment: str,
    work: Callable[[], dict[str, Any]],
    look: Callable[[dict[str, Any]], dict[str, Any]],
    disk: Path | None = None,
) -> dict[str, Any]:
    place = disk or settings.home
    is_disk = _mount(place)
    small = _Disk(place, is_disk=is_disk)
    try:
        with _at(moment, small.fill):
            work()
        error, message = "", ""
    except Exception as raised:
        error, message = type(raised).__name__, str(raised)
    told = {"error": error, "message": message, "is_disk": is_disk, "outcome": ""}
    look(told)
    small.free()
    return look(told | {"outcome": work()["outcome"]})


class _Disk:
    def __init__(self, home: Path, *, is_disk: bool) -> None:
        self._filler, self._is_disk = home / "filler", is_disk

    def fill(self) -> None:
        if not self._is_disk:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
            return
        with contextlib.suppress(OSError), self._filler.open("wb", buffering=0) as file:
            while True:
                file.write(b"\0" * (1 << 20))
        with contextlib.suppress(OSError), self._filler.open("ab", buffering=0) as file:
            while True:
                file.write(b"\0" * 512)

    def free(self) -> None:
        if self._is_disk:
            self._filler.unlink()
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@contextlib.contextmanager
def _at(moment: str, act: Callable[[], None]) -> Iterator[None]:
    """Have something happen at a boundary, once; at once when none is named; before a function, when it is one."""
    import importlib

    if not moment:
        act()
        yield
        return
    done: list[str] = []

    def boundary(name: str) -> None:
        if name == moment and not done:
            done.append(name)
            act()

    if moment.startswith("lake."):
        room_name, _, name = moment.rpartition(".")
        room = importlib.import_module(room_name)
        function = getattr(room, name)

        def wrapped(*arguments: Any, **named: Any) -> Any:
            if not done:
                done.append(moment)
                act()
            return function(*arguments, **named)

        setattr(room, name, wrapped)
        try:
            yield
        finally:
            setattr(room, name, function)
        return
    rooms = [importlib.import_module(name) for name in _ROOMS]
    for room in rooms:
        room.boundary = boundary  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for room in rooms:
            room.boundary = boundaries.boundary  # type: ignore[attr-defined]


def _mount(home: Path) -> bool:
    """Put a small disk under the home, with what is there now; False where that is not allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_NEW_MOUNTS) != 0:
        if libc.unshare(_NEW_MOUNTS | _NEW_USER) != 0:
            return False
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    if libc.mount(b"none", b"/", None, _PRIVATE_ALL, None) != 0:
        return False
    beside = home.with_name("beside")
    shutil.copytree(home, beside, symlinks=True)
    if libc.mount(b"tmpfs", str(home).encode(), b"tmpfs", 0, f"size={_SIZE}".encode()) != 0:
        return False
    shutil.copytree(beside, home, symlinks=True, dirs_exist_ok=True)
    shutil.rmtree(beside)
    return True
