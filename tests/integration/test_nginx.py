"""docker/nginx.conf in a real nginx: what is published is served to readers, and nothing else to anybody."""

from __future__ import annotations

import base64
import http.client
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from lake.settings import PROJECT_ROOT
from samples.servers.program import free_port

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
if NGINX is None and not os.environ.get("CI"):
    pytest.skip("NOT RUN: nginx is not installed; `make servers`", allow_module_level=True)


@dataclass
class Site:
    port: int
    password: str

    def ask(self, path: str, method: str = "GET", *, password: str | None = "") -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body; `password` None = without one, empty = the right one."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {}
        if password is not None:
            pair = base64.b64encode(f"reader:{password or self.password}".encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    base = tmp_path_factory.mktemp("nginx")
    subprocess.run(
        ["sh", "docker/make-secrets.sh", str(base / "secrets")], cwd=PROJECT_ROOT, check=True, capture_output=True
    )
    issue = base / "site" / "briefs" / "B01" / "2023-04-03" / "4" / "issue-1"
    issue.mkdir(parents=True)
    (issue / "brief.html").write_text("<!doctype html><title>简报</title>", encoding="utf-8")
    (issue / "brief.pdf").write_bytes(b"%PDF-1.7")
    marts = base / "site" / "marts"
    (marts / "build").mkdir(parents=True)
    (marts / "build" / "marts.duckdb").write_bytes(b"duck" * 100)
    (marts / "build" / "audience").mkdir()
    (marts / "build" / "audience" / "elderly_care.duckdb").write_bytes(b"names")
    (marts / "current").symlink_to("build")
    (marts / ".incoming-x").mkdir()
    (marts / ".incoming-x" / "marts.duckdb").write_bytes(b"half")
    (base / "site" / "data-docs").mkdir()
    (base / "site" / "data-docs" / "index.html").write_text("docs")
    (base / "vault").write_text("a secret of the vault")
    port = free_port()
    text = (PROJECT_ROOT / "docker" / "nginx.conf").read_text(encoding="utf-8")
    for there, here in (
        ("/tmp/", f"{base}/"),  # first, for it may be part of what comes in
        ("/run/secrets", str(base / "secrets")),
        ("root /site", f"root {base}/site"),
        ("listen 8080", f"listen 127.0.0.1:{port}"),
        ("/dev/stdout", f"{base}/access.log"),
        ("/dev/stderr", f"{base}/error.log"),
    ):
        assert there in text
        text = text.replace(there, here)
    (base / "nginx.conf").write_text(text, encoding="utf-8")
    assert NGINX is not None, "nginx is not installed; `make servers`"
    own = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")  # who else may not enter the test's folder
    process = subprocess.Popen([NGINX, "-c", base / "nginx.conf", "-g", own, "-e", base / "start.log"])
    made = Site(port, (base / "secrets" / "site_password").read_text().strip())
    try:
        end = time.monotonic() + 20
        while True:
            try:
                made.ask("/health", password=None)
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < end, (base / "start.log").read_text()
                time.sleep(0.05)
        yield made
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def test_readers_get_what_is_published(site: Site) -> None:
    status, headers, body = site.ask("/briefs/B01/2023-04-03/4/issue-1/brief.html")
    assert (status, "简报" in body.decode()) == (200, True)
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert site.ask("/briefs/B01/2023-04-03/4/issue-1/brief.pdf")[1]["content-type"].startswith("application/pdf")
    assert b"2023-04-03" in site.ask("/briefs/B01/")[2]
    assert site.ask("/marts/current/marts.duckdb")[2] == b"duck" * 100
    assert site.ask("/data-docs/")[2] == b"docs"


@pytest.mark.parametrize(
    "path", ["/briefs/", "/briefs/B01/2023-04-03/4/issue-1/brief.pdf", "/marts/current/marts.duckdb"]
)
def test_nobody_gets_in_without_a_password(site: Site, path: str) -> None:
    assert site.ask(path, password=None)[0] == 401
    assert site.ask(path, password="wrong")[0] == 401
    assert site.ask("/health", password=None)[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/vault",
        "/../vault",
        "/briefs/../../vault",
        "/briefs/%2e%2e/%2e%2e/vault",
        "/briefs../vault",
        "/marts/.incoming-x/marts.duckdb",
        "/marts/%2eincoming-x/",
        "/marts/current/audience/elderly_care.duckdb",
        "/marts/build/audience/",
        "/nginx.conf",
        "/secrets/s3_secret",
    ],
)
def test_nothing_else_is_there(site: Site, path: str) -> None:
    status, _, body = site.ask(path)
    assert status in (400, 404)
    assert b"secret of the vault" not in body
    assert b"half" not in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PROPFIND", "MKCOL"])
def test_readers_only_read(site: Site, method: str) -> None:
    assert site.ask("/briefs/B01/x", method)[0] in (403, 405)


@pytest.mark.parametrize(("path", "password"), [("/briefs/", ""), ("/nowhere", ""), ("/briefs/", None)])
def test_every_answer_carries_the_headers_that_keep_a_page_to_itself(
    site: Site, path: str, password: str | None
) -> None:
    _, headers, _ = site.ask(path, password=password)
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "script-src" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["server"] == "nginx"  # without its version
