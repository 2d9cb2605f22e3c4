"""A real FTP server over a folder: pyftpdlib's, in this process, with TLS or without."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.exceptions import _RetryError
from pyftpdlib.handlers import DTPHandler, FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import ThreadedFTPServer
from servers.certificate import Certificate


class _Tls:
    """TLS by the standard library: pyftpdlib's own wants a package of its own."""

    def wrapped(self) -> None:
        """Go on in TLS; hands are shaken when there is something to say."""
        self.socket = self.server_context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def send(self, data: bytes) -> int:
        try:
            return super().send(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0

    def recv(self, size: int) -> bytes:
        try:
            return super().recv(size)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
            raise _RetryError from error
        except ssl.SSLError:
            self.handle_close()
            return b""

    def close(self) -> None:
        if isinstance(self.socket, ssl.SSLSocket):
            with contextlib.suppress(OSError, ValueError):
                self.socket.unwrap()
        super().close()


class FtpServer:
    """pyftpdlib with one user, passive, on a free port of 127.0.0.1; with a certificate it wants ``AUTH TLS``, or is
    implicit: TLS from the first byte.

    Attributes:
        commands: names of the commands it got.
        reused: for each file or list sent in TLS, whether its connection went on with a session, as vsftpd demands.
    """

    def __init__(
        self,
        folder: Path,
        user: str,
        password: str,
        *,
        speaks_mlsd: bool = True,
        encoding: str = "utf-8",
        certificate: Certificate | None = None,
        is_implicit: bool = False,
    ) -> None:
        self.is_implicit = is_implicit
        self.folder, self.user, self.password, self.certificate = folder, user, password, certificate
        self.commands: list[str] = []
        self.reused: list[bool] = []
        commands, reused = self.commands, self.reused
        known = {name: how for name, how in FTPHandler.proto_cmds.items() if speaks_mlsd or name[:3] != "MLS"}

        class Handler(FTPHandler):
            use_sendfile = certificate is None
            auth_failed_timeout = 0.1

            def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
                commands.append(cmd)
                if certificate and cmd in ("USER", "PASS") and not isinstance(self.socket, ssl.SSLSocket):
                    self.respond("530 in TLS only")
                else:
                    super().pre_process_command(line, cmd, arg)

        class TlsData(_Tls, DTPHandler):
            def __init__(self, sock: socket.socket, cmd_channel: FTPHandler) -> None:
                super().__init__(sock, cmd_channel)
                self.server_context = cmd_channel.server_context
                self.wrapped()

            def close(self) -> None:
                if isinstance(self.socket, ssl.SSLSocket):
                    reused.append(bool(self.socket.session_reused))
                super().close()

        class TlsHandler(_Tls, Handler):
            dtp_handler = TlsData

            def handle(self) -> None:
                if is_implicit:
                    self.wrapped()
                    self.socket.settimeout(10)
                    self.socket.do_handshake()
                    self.socket.setblocking(False)
                super().handle()

            def ftp_AUTH(self, line: str) -> None:
                self.respond("234 go on")
                self.wrapped()

            def ftp_PBSZ(self, line: str) -> None:
                self.respond("200 PBSZ=0")

            def ftp_PROT(self, line: str) -> None:
                self.respond("200 as you like")

        self._handler = TlsHandler if certificate else Handler
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.certificate, certificate.key)
            TlsHandler.server_context = context
            free = {"perm": None, "auth": False, "arg": True, "help": ""}
            known |= dict.fromkeys(("AUTH", "PBSZ", "PROT"), free)
        self._handler.proto_cmds = known
        self._handler.encoding = encoding
        self._handler.authorizer = DummyAuthorizer()
        self._handler.authorizer.add_user(user, password, str(folder), perm="elr")

    def __enter__(self) -> FtpServer:
        logging.getLogger("pyftpdlib").setLevel(logging.CRITICAL)
        self._server = ThreadedFTPServer(("127.0.0.1", 0), self._handler, ioloop=IOLoop())
        self.port = self._server.address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"timeout": 0.05, "handle_exit": False}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close_all()
        self._thread.join(10)

    def uri(self, folder: str, *, password: str | None = None, **options: str) -> str:
        """The lake's connection URI of a folder below the served one."""
        word = self.password if password is None else password
        if self.certificate:
            options = {"ca_file": str(self.certificate.authority)} | options
            options |= {"implicit": "true"} if self.is_implicit else {}
        return _uri("ftps" if self.certificate else "ftp", self.user, word, self.port, folder, options)


def _uri(scheme: str, user: str, password: str, port: int, folder: str, options: dict[str, str]) -> str:
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())
    credentials = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return f"{scheme}://{credentials}@127.0.0.1:{port}{quote(folder)}{f'?{query}' if query else ''}"
