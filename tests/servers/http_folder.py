"""A real HTTP server over a folder: nginx, with and without a list of files, credentials and TLS."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from servers.certificate import Certificate

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

_CONFIG = """
daemon off; master_process off; pid {run}/nginx.pid; error_log {run}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log {run}/access.log; default_type application/octet-stream; charset utf-8; sendfile on;
  client_body_temp_path {run}/t1; proxy_temp_path {run}/t2; fastcgi_temp_path {run}/t3; uwsgi_temp_path {run}/t4;
  scgi_temp_path {run}/t5;
  map $http_authorization $is_known {{ default 0; "Bearer {token}" 1; }}
  server {{
    listen 127.0.0.1:{port}; {tls}
    location /open/ {{ alias {folder}/; autoindex on; }}
    location /unlisted/ {{ alias {folder}/; }}
    location /basic/ {{ alias {folder}/; autoindex on; auth_basic departments; auth_basic_user_file {run}/users; }}
    location /token/ {{ if ($is_known = 0) {{ return 401; }} alias {folder}/; autoindex on; }}
    location /packed/ {{ alias {folder}/; add_header Content-Encoding gzip; }}
    location /elsewhere/ {{ return 302 {scheme}://localhost:{port}/open/; }}
    location /busy/ {{ return 503; }}
  }}
}}
"""


class HttpFolder:
    """nginx on a free port of 127.0.0.1. Ways to the same folder: ``/open /unlisted /basic /token /packed``;
    ``/elsewhere`` sends to another host name, ``/busy`` answers 503.

    Attributes:
        user, password: of ``/basic``.
        token: of ``/token``.
    """

    def __init__(
        self, folder: Path, run: Path, *, user: str, password: str, token: str, certificate: Certificate | None = None
    ) -> None:
        if NGINX is None:
            raise RuntimeError("there is no nginx: run `make servers`")
        self.folder, self.run, self.certificate = folder, run, certificate
        self.user, self.password, self.token = user, password, token
        self.scheme = "https" if certificate else "http"

    def __enter__(self) -> HttpFolder:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.run.mkdir(parents=True, exist_ok=True)
        hashed = base64.b64encode(hashlib.sha1(self.password.encode()).digest()).decode()
        (self.run / "users").write_text(f"{self.user}:{{SHA}}{hashed}\n", encoding="utf-8")
        tls = self.certificate and (
            f"ssl_certificate {self.certificate.certificate}; ssl_certificate_key {self.certificate.key};"
        )
        config = _CONFIG.format(
            run=self.run, port=f"{self.port} ssl" if tls else self.port, folder=self.folder, token=self.token,
            tls=tls or "", scheme=self.scheme,
        ).replace(f"localhost:{self.port} ssl", f"localhost:{self.port}")  # fmt: skip
        if os.getuid() == 0:
            config = f"user root;\n{config}"
        (self.run / "nginx.conf").write_text(config, encoding="utf-8")
        with (self.run / "out").open("wb") as out:
            self._process = subprocess.Popen(
                [NGINX, "-p", str(self.run), "-c", str(self.run / "nginx.conf"), "-e", str(self.run / "error.log")],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return self
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"nginx did not start: {(self.run / 'error.log').read_text(errors='replace')}")
            time.sleep(0.02)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def uri(self, way: str, folder: str = "", *, credentials: str = "") -> str:
        """The lake's connection URI of a folder by one of the ways, the credentials of that way included."""
        known = {
            "basic": f"{quote(self.user, safe='')}:{quote(self.password, safe='')}",
            "token": quote(self.token, safe=""),
        }
        told = credentials or known.get(way, "")
        query = f"?ca_file={quote(str(self.certificate.authority), safe='')}" if self.certificate else ""
        at = f"{told}@" if told else ""
        return f"{self.scheme}://{at}127.0.0.1:{self.port}/{way}{quote(folder)}{query}"

    def requests(self) -> list[str]:
        """The lines of its access log."""
        return (self.run / "access.log").read_text(encoding="utf-8").splitlines()
