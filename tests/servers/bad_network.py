"""A bad network between a client and any server: a TCP proxy that delays, starves, is silent, cuts, resets, refuses."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from dataclasses import dataclass
from types import TracebackType


@dataclass(frozen=True)
class Trouble:
    """What goes wrong, on the way from the server to the client.

    Attributes:
        after: bytes of a connection that still come through well.
        does: ``nothing`` (all is well), ``delay`` (each block comes `seconds` later), ``trickle`` (`rate` bytes a
            second), ``silence`` (nothing comes any more, the connection stays), ``cut`` (closed as if that were the
            end), ``reset`` (torn down), ``refuse`` (nobody listens).
        times: how many connections meet it before the network is well again; None = all.
    """

    does: str = "nothing"
    after: int = 0
    seconds: float = 0.0
    rate: float = 0.0
    times: int | None = None


class BadNetwork:
    """The proxy. A context manager; it listens on `port` of 127.0.0.1 and passes on to the server's.

    Attributes:
        trouble: may be set at any time; holds for connections made from then on.
        connections: how many were made so far.
    """

    def __init__(self, server_port: int) -> None:
        self._to = server_port
        self._trouble = Trouble()
        self._met = 0
        self.connections = 0
        self.port = 0

    def __enter__(self) -> BadNetwork:
        self._loop = asyncio.new_event_loop()
        started = threading.Event()

        def run() -> None:
            asyncio.set_event_loop(self._loop)
            self._loop.run_until_complete(self._listen())
            started.set()
            self._loop.run_forever()
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.run_until_complete(asyncio.sleep(0))
            self._loop.close()

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        started.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def trouble(self) -> Trouble:
        return self._trouble

    @trouble.setter
    def trouble(self, trouble: Trouble) -> None:
        self._trouble, self._met = trouble, 0
        listening = self._listen() if trouble.does != "refuse" else self._stop()
        asyncio.run_coroutine_threadsafe(listening, self._loop).result(10)

    async def _listen(self) -> None:
        if self.port and self._server.is_serving():
            return
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", self.port, reuse_address=True)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def _stop(self) -> None:
        self._server.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        trouble = self._trouble
        if trouble.times is not None and self._met >= trouble.times:
            trouble = Trouble()
        self._met += 1
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.close()
            return
        there = asyncio.ensure_future(_forward(reader, to_server))
        try:
            await _back(from_server, writer, trouble, there)
        except (ConnectionError, asyncio.CancelledError, RuntimeError):
            pass
        finally:
            there.cancel()
            for end in (writer, to_server):
                with contextlib.suppress(Exception):
                    end.close()


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, RuntimeError):
        while block := await reader.read(1 << 16):
            writer.write(block)
            await writer.drain()
        writer.write_eof()


async def _back(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, trouble: Trouble, there: asyncio.Future[None]
) -> None:
    well = trouble.after if trouble.does != "nothing" else -1
    while True:
        if well == 0:
            if trouble.does == "silence":
                await there  # until the client has had enough
                return
            if trouble.does == "cut":
                return
            if trouble.does == "reset":
                connection = writer.get_extra_info("socket")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
                return
        block = await reader.read(min(well, 1 << 16) if well > 0 else 1 << 16)
        if not block:
            return
        if well > 0:
            well -= len(block)
        elif well == 0 and trouble.does == "delay":
            await asyncio.sleep(trouble.seconds)
        elif well == 0 and trouble.does == "trickle":
            step = max(int(trouble.rate / 10), 1)
            for at in range(0, len(block), step):
                writer.write(block[at : at + step])
                await writer.drain()
                await asyncio.sleep(step / trouble.rate)
            continue
        writer.write(block)
        await writer.drain()
