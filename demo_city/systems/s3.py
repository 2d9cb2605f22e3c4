"""The departments' S3: rclone's server over a folder. Its sub folder is the bucket, what lies in it are the objects."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from urllib.parse import quote

from samples.servers.program import Program, answers, free_port

BUCKET = "linlan"


class S3Server:
    """``rclone serve s3`` on a port of the loopback, signature version 4 required.

    Args:
        folder: the program's own, for its log.
        served: what it serves; the bucket's folder lies in it.
        key, secret: the only credentials it takes.
        port: tried first, so that the address stays the same from start to start; 0 for any.
    """

    def __init__(self, folder: Path, served: Path, key: str, secret: str, port: int = 0) -> None:
        self.folder, self.served, self.port = folder, served, port
        self._key, self._secret = key, secret
        self._program = Program(folder)

    @staticmethod
    def is_installed() -> bool:
        """Whether there is an rclone: the wheel's, or the machine's."""
        return _rclone() is not None

    def uri(self, department: str) -> str:
        """The lake's address of a department's objects."""
        secrets = f"{quote(self._key, safe='')}:{quote(self._secret, safe='')}"
        return f"s3://{secrets}@127.0.0.1:{self.port}/{BUCKET}/{department}?scheme=http"

    def start(self) -> None:
        """Start to answer."""
        (self.served / BUCKET).mkdir(parents=True, exist_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._program.end_leftover()
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        environment["RCLONE_AUTH_KEY"] = f'"{self._key},{self._secret}"'
        for port in (self.port or free_port(), free_port(), free_port()):
            self.port = port
            command = [
                str(_rclone()), "serve", "s3", str(self.served), "--addr", f"127.0.0.1:{port}", "--config", os.devnull,
                "--dir-cache-time", "0s", "--poll-interval", "0", "--vfs-cache-mode", "off", "--read-only",
                "--cache-dir", str(self.folder / "cache"),
            ]  # fmt: skip
            if self._program.start(command, lambda: answers(self.port), environment=environment):
                return
        raise RuntimeError(f"rclone does not start: {self._program.last_words()}")

    def stop(self) -> None:
        """Stop answering."""
        self._program.stop()


def _rclone() -> str | None:
    return shutil.which("rclone", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
