"""A real S3 server: rclone's, over a folder. Buckets are its sub folders, objects their files."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

RCLONE = Path(sys.executable).with_name("rclone")


class S3Server:
    """`rclone serve s3` on a free port of 127.0.0.1, signature version 4 required.

    Attributes:
        folder: what it serves. What is written there is there for clients at once, and the other way round.
        key, secret: the only credentials it takes.
        folders_kept: how long it remembers a folder's content: what is written into the folder is seen after that. At
            0s every request reads all folders once more: with some hundreds of them it no longer answers, and on a
            busy machine it at times finds an object missing that it listed a moment ago.
        endpoint: ``http://127.0.0.1:<port>``, known from `__enter__` on.
    """

    def __init__(
        self,
        folder: Path,
        key: str = "citybrain",
        secret: str = "s3/secret+%3F",
        bucket: str = "",
        folders_kept: str = "20ms",
    ) -> None:
        self._folders_kept = folders_kept
        self.folder, self.key, self.secret = folder, key, secret
        self._buckets = [bucket] if bucket else []
        self._log = folder.with_name(f"{folder.name}.rclone.log")
        self.port = 0

    def __enter__(self) -> S3Server:
        self.folder.mkdir(parents=True, exist_ok=True)
        for bucket in self._buckets:
            (self.folder / bucket).mkdir(exist_ok=True)
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def uri(self, path: str) -> str:
        """The lake's connection URI of ``bucket/prefix``."""
        credentials = f"{quote(self.key, safe='')}:{quote(self.secret, safe='')}"
        return f"s3://{credentials}@127.0.0.1:{self.port}/{quote(path)}?scheme=http"

    def start(self) -> None:
        """Start it; again on the same port when it ran before."""
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        environment["RCLONE_AUTH_KEY"] = f'"{self.key},{self.secret}"'
        self._log.write_bytes(b"")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    RCLONE, "serve", "s3", str(self.folder), "--addr", f"127.0.0.1:{self.port}", "--config", os.devnull,
                    "--dir-cache-time", self._folders_kept, "--poll-interval", "0", "--vfs-cache-mode", "off",
                ],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + 20
        while not (told := re.search(rb"http://127\.0\.0\.1:(\d+)", self._log.read_bytes())):
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError(f"rclone did not start: {self._log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)
        self.port = int(told[1])

    def stop(self) -> None:
        """End it, so that clients get their connections cut."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()
