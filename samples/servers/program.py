"""Servers that are programs of their own: started, watched, and ended with us however we end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil


class Program:
    """A server process that lives as long as this one.

    Args:
        folder: its own; holds ``log`` and ``pid``. The folder's path must be among its command's words: by that a
            left-over process is known for ours before it is ended.
        end_by: the signal that it ends well by.
    """

    def __init__(self, folder: Path, end_by: signal.Signals = signal.SIGTERM) -> None:
        self.folder, self._end_by = folder, end_by
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What it has said."""
        return self.folder / "log"

    def start(
        self,
        command: Sequence[str],
        is_ready: Callable[[], bool],
        *,
        environment: Mapping[str, str] | None = None,
        within_s: float = 30,
    ) -> bool:
        """Start it and wait until it answers.

        Returns:
            False when it ended by itself before that, as one does whose port is taken.
        """
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C in the terminal reaches us, and we stop it.
            self._process = subprocess.Popen(
                command,
                env=None if environment is None else dict(environment),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        (self.folder / "pid").write_text(str(self._process.pid))
        self._watcher = _watch(self._process.pid, str(self.folder), self._end_by)
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline and self._process.poll() is None:
            if is_ready():
                return True
            time.sleep(0.02)
        self.stop()
        return False

    def stop(self) -> None:
        """End it; it writes everything first."""
        if self._watcher is not None:
            self._watcher.kill()
            self._watcher.communicate()
            self._watcher = None
        if self._process is None:
            return
        self._process.send_signal(self._end_by)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        (self.folder / "pid").unlink(missing_ok=True)

    def end_leftover(self) -> None:
        """End the process of one who was killed and could not. The caller holds the home's lock, so it is no one's."""
        note = self.folder / "pid"
        with contextlib.suppress(OSError, ValueError, psutil.Error):
            process = psutil.Process(int(note.read_text()))
            if str(self.folder) in " ".join(process.cmdline()):
                process.send_signal(self._end_by)
                process.wait(20)
        note.unlink(missing_ok=True)

    def last_words(self) -> str:
        """The end of its log, for an error message."""
        with contextlib.suppress(OSError):
            return " / ".join(self.log.read_text(errors="replace").splitlines()[-5:])
        return ""


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _watch(pid: int, folder: str, end_by: signal.Signals) -> subprocess.Popen[bytes]:
    """Start a process that ends the server when this process is gone, however it went.

    It waits for the end of a pipe whose other end only this process holds, and looks that the number is still ours.
    """
    script = (
        'read _; { cat "/proc/$1/cmdline" 2>/dev/null || ps -ww -o command= -p "$1"; } | tr "\\0" " "'
        ' | grep -qF -- "$2" && kill -"$3" "$1"'
    )
    return subprocess.Popen(
        ["sh", "-c", script, "sh", str(pid), folder, str(int(end_by))],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={"PATH": os.environ.get("PATH", os.defpath)},
    )
