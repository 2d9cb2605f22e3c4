"""An end to silence: a database driver waits for ever for a server that says nothing more, and knows no limit to it.

A network that is cut off leaves a connection that looks alive. The system's own keepalives find that out when nobody
answers any more; where a gateway in between still answers, or a server hangs, only the lack of data tells. So a thread
looks at this process's connections to the server, and shuts one on which nothing came and went for too long: the
driver's call then ends with an error, as if the server had gone.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType

_LAST_SENT, _LAST_RECEIVED = 44, 52
"""Where in the system's `tcp_info` the milliseconds stand since data was last sent and last received."""
_FIELDS = "/proc/self/fd"


class Silence:
    """Shuts connections to a server that were opened since, once they have been silent for too long.

    A context manager. Where the system tells nothing about its connections (it is Linux that does) it does nothing.

    Args:
        host, port: the server.
        after_s: seconds of silence; may be changed on the way, since connecting deserves less patience than a query.

    Attributes:
        has_ended: whether a connection was shut.
    """

    def __init__(self, host: str, port: int, after_s: float) -> None:
        self._host, self._port, self.after_s = host, port, after_s
        self.has_ended = False
        self._over = threading.Event()
        self._known: set[str] = set()

    def __enter__(self) -> Silence:
        self._known = {name for _, name in _open_sockets()}
        self._peers: set[str] = set()
        with suppress(OSError):  # who cannot find the server will hear so from the driver
            self._peers = {str(found[4][0]) for found in socket.getaddrinfo(self._host, self._port)}
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        watched: set[str] = set()
        while not self._over.wait(min(self.after_s / 4, 5.0)):
            for descriptor, name in _open_sockets():
                if name not in self._known:
                    with suppress(OSError, ValueError):
                        self._look_at(descriptor, is_new=name not in watched)
                        watched.add(name)

    def _look_at(self, descriptor: int, *, is_new: bool) -> None:
        with socket.socket(fileno=os.dup(descriptor)) as connection:  # a copy: closing it closes nothing
            if connection.type != socket.SOCK_STREAM or connection.family not in (socket.AF_INET, socket.AF_INET6):
                return
            peer = connection.getpeername()
            if peer[1] != self._port or peer[0].removeprefix("::ffff:") not in self._peers:
                return
            if is_new:
                _keep_alive(connection)
            told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
            silent_ms = min(struct.unpack_from("I", told, at)[0] for at in (_LAST_SENT, _LAST_RECEIVED))
            if silent_ms > self.after_s * 1000:
                self.has_ended = True
                connection.shutdown(socket.SHUT_RDWR)


def _keep_alive(connection: socket.socket) -> None:
    """Ask the system to find out within two minutes that nobody is there any more."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 120_000)


def _open_sockets() -> Iterator[tuple[int, str]]:
    """Descriptor and name of each socket this process has open."""
    try:
        descriptors = os.listdir(_FIELDS)  # noqa: PTH208 - names only
    except OSError:
        return
    for descriptor in descriptors:
        with suppress(OSError):
            name = os.readlink(f"{_FIELDS}/{descriptor}")  # noqa: PTH115
            if name.startswith("socket:"):
                yield int(descriptor), name
