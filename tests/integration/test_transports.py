"""Files by every way there is, from real servers: the same bytes arrive, or nothing does and the error says why."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import subprocess
import sys
import time
import traceback
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import pytest
from servers.bad_network import BadNetwork, Trouble
from servers.certificate import certificate_in
from servers.ftp import FtpServer
from servers.http_folder import HttpFolder
from servers.s3 import S3Server
from servers.sshd import OpenSSH, PasswordSSH

from lake.connectors import files, open_connector
from lake.connectors.shelf import Shelf
from lake.contracts.model import Contract, Source, Window
from lake.errors import CitybrainError, SourceLate, SourceRefused, SourceUnavailable
from lake.landing import Landed, land
from lake.settings import PROJECT_ROOT, Settings
from tests.thing import THING

DAY = date(2023, 3, 27)
TODAY = Window(DAY, DAY)
PASSWORD = "p@ss/w:r?d#%2F 密码"
TOKEN = "tok-3n+/="
USER = "科员"


def contract(pattern: str, **arguments: object) -> Contract:
    return dataclasses.replace(
        THING,
        source=Source("csv_files", "drop", {"pattern": pattern, "timeout_s": 20, **arguments}),
    )


@dataclasses.dataclass
class Town:
    """One folder, and every server that serves it."""

    folder: Path
    ssh: OpenSSH
    password_ssh: PasswordSSH
    ftp: FtpServer
    old_ftp: FtpServer
    ftps: FtpServer
    implicit_ftps: FtpServer
    s3: S3Server
    http: HttpFolder
    https: HttpFolder

    def uri(self, way: str, folder: str) -> str:
        """The URI of a folder by one of `WAYS`."""
        below = f"/{folder}"
        return {
            "file": lambda: (self.folder / folder).as_uri(),
            "sftp key": lambda: self.ssh.uri(self.folder / folder),
            "sftp password": lambda: self.password_ssh.uri(below),
            "ftp": lambda: self.ftp.uri(below),
            "ftp of old": lambda: self.old_ftp.uri(below, encoding="gb18030"),
            "ftps": lambda: self.ftps.uri(below),
            "ftps implicit": lambda: self.implicit_ftps.uri(below),
            "s3": lambda: self.s3.uri(f"drop/{folder}"),
            "http": lambda: self.http.uri("open", below),
            "http unlisted": lambda: self.http.uri("unlisted", below),
            "http packed": lambda: self.http.uri("packed", below),
            "https basic": lambda: self.https.uri("basic", below),
            "https token": lambda: self.https.uri("token", below),
        }[way]()


WAYS = (
    "file", "sftp key", "sftp password", "ftp", "ftp of old", "ftps", "ftps implicit", "s3", "http", "http unlisted",
    "http packed", "https basic", "https token",
)  # fmt: skip
LISTING = tuple(way for way in WAYS if way not in ("http unlisted", "http packed"))


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    room = tmp_path_factory.mktemp("transports")
    folder = room / "served" / "drop"
    folder.mkdir(parents=True)
    own = certificate_in(room / "certificate")
    with ExitStack() as all_of:
        start = all_of.enter_context
        yield Town(
            folder,
            start(OpenSSH(room / "ssh")),
            start(PasswordSSH(folder, USER, PASSWORD)),
            start(FtpServer(folder, USER, PASSWORD)),
            start(FtpServer(folder, "u", PASSWORD, speaks_mlsd=False, encoding="gb18030")),
            start(FtpServer(folder, "u", PASSWORD, certificate=own)),
            start(FtpServer(folder, "u", PASSWORD, certificate=own, is_implicit=True)),
            start(S3Server(room / "served")),
            start(HttpFolder(folder, room / "http", user=USER, password=PASSWORD, token=TOKEN)),
            start(HttpFolder(folder, room / "https", user=USER, password=PASSWORD, token=TOKEN, certificate=own)),
        )


@pytest.fixture
def drop(town: Town, request: pytest.FixtureRequest) -> Path:
    """A folder of the test's own on all servers, with a space and a Chinese sign in its name."""
    folder = town.folder / f"{hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:8]} 区"
    folder.mkdir()
    return folder


class Homes:
    """Empty homes, one for each connection."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._made = folder, 0

    def __call__(self, uri: str) -> Settings:
        self._made += 1
        home = Settings.from_environment(
            {
                "CITYBRAIN_HOME": str(self._folder / f"home{self._made}"),
                "CITYBRAIN_ROOT": str(PROJECT_ROOT),
                "CITYBRAIN_CONN_DROP": uri,
            }
        )
        home.make_home()
        return home


@pytest.fixture
def lake(tmp_path: Path) -> Homes:
    return Homes(tmp_path)


def content(number: int) -> bytes:
    return b"id,note\r\n" + b"".join(b"%d,n%d\n" % (n, number) for n in range(number + 1))


def what_arrived(landed: Landed) -> list[tuple[str, date | None, bytes, int]]:
    return [(file.name, file.day, landed.path(file).read_bytes(), file.records) for file in landed.files]


def nothing_landed(home: Settings) -> bool:
    rooms = (home.landing, home.staging)
    return not [path for room in rooms for path in room.rglob("*") if path.is_file()]


def told(
    kind: type[CitybrainError], words: str, promised: Contract, home: Settings, window: Window = TODAY
) -> CitybrainError:
    """A load fails as expected, keeps nothing, and tells no secret, however deep one looks."""
    with pytest.raises(kind, match=words) as failed:
        land(promised, window, home)
    assert (failed.value.dataset, failed.value.day is not None) == ("queens.test.thing", True)
    assert nothing_landed(home)
    shown = "".join(traceback.format_exception(failed.value)) + repr(open_connector(promised, home).__dict__)
    parts = urlsplit(home.connection("drop"))
    for secret in (parts.password, parts.username and "token" in parts.path and parts.username):
        if secret:
            assert secret not in shown and unquote(secret) not in shown
    return failed.value


# ---- what arrives ----------------------------------------------------------------------------------------------------


def test_the_same_day_is_the_same_delivery_by_every_way(town: Town, drop: Path, lake: Homes) -> None:
    for number in (0, 1, 3):
        (drop / f"d_{DAY + timedelta(days=number):%Y%m%d}.csv").write_bytes(content(number))
    (drop / "d_20230331.csv").mkdir()
    window = Window(DAY, DAY + timedelta(days=3))
    landed = {way: land(contract("d_{day:%Y%m%d}.csv"), window, lake(town.uri(way, drop.name))) for way in WAYS}
    assert {one.delivery for one in landed.values()} == {landed["file"].delivery}
    assert landed["file"].missing_days == (DAY + timedelta(days=2),)
    for way, one in landed.items():
        assert what_arrived(one) == what_arrived(landed["file"]), way
        assert one.missing_days == landed["file"].missing_days, way
    assert [file.records for file in landed["file"].files] == [1, 2, 4]
    assert all(town.ftps.reused) and all(town.implicit_ftps.reused)


def test_names_are_found_however_they_are_spelled(town: Town, drop: Path, lake: Homes) -> None:
    nfd = unicodedata.normalize("NFD", "Café が")
    tricks = [
        f"{nfd} 20230327.csv",
        "数据?#%2e%2e%2f&=+;'20230327.csv",
        "[a]{b}*!~20230327.csv",
        " 20230327.csv",
        "x__20230327.csv",
        "\\..\\20230327.csv",
    ]
    for number, name in enumerate(tricks):
        (drop / name).write_bytes(content(number))
    (drop / ".hidden20230327.csv").write_bytes(b"")
    (drop / "20230327.csv.part").write_bytes(b"")
    named, one = contract("*{day:%Y%m%d}.csv"), contract("Café が {day:%Y%m%d}.csv")
    assert str(one.source.arguments["pattern"]) == unicodedata.normalize("NFC", str(one.source.arguments["pattern"]))
    expected = None
    for way in LISTING:
        if way == "ftp of old":
            continue  # GB18030 knows no combining accents as names do; its names are tested below
        arrived = what_arrived(land(named, TODAY, lake(town.uri(way, drop.name))))
        expected = expected or arrived
        assert arrived == expected, way
        assert what_arrived(land(one, TODAY, lake(town.uri(way, drop.name))))[0][2] == content(0), way
    assert sorted(size for *_, size in expected or []) == [1, 2, 3, 4, 5, 6]
    assert not [name for name, *_ in expected or [] if set(name) & set("*?[]{}!#\\/") or name.startswith(".")]


def test_names_in_the_encoding_of_an_old_server(town: Town, drop: Path, lake: Homes) -> None:
    (drop / "道路缺陷_20230327_一.csv").write_bytes(content(1))
    landed = land(contract("道路缺陷_{day:%Y%m%d}_*.csv"), TODAY, lake(town.uri("ftp of old", drop.name)))
    assert what_arrived(landed) == [("道路缺陷_20230327_一.csv", DAY, content(1), 2)]
    assert "LIST" in town.old_ftp.commands


def test_several_files_a_day_from_folders_by_day(town: Town, drop: Path, lake: Homes) -> None:
    expected = []
    for number, path in enumerate(
        [
            "2023/0327/east/x_1.csv", "2023/0327/east/x_2.csv", "2023/0327/west/x_1.csv", "2023/0327/we__st/x_1.csv",
            "2023/0327/we/st__x_1.csv", "2023/0329/east/x_1.csv",
        ]
    ):  # fmt: skip
        (drop / path).parent.mkdir(parents=True, exist_ok=True)
        (drop / path).write_bytes(content(number))
        expected += [content(number)] if "/st__" not in path else []
    (drop / "2023/0327/readme.csv").write_bytes(b"")
    (drop / "2023/0327/east/x_9.csv").mkdir()
    promised = contract("{day:%Y}/{day:%m%d}/*/x_?.csv")
    window = Window(DAY, DAY + timedelta(days=2))
    first = None
    for way in LISTING:
        landed = land(promised, window, lake(town.uri(way, drop.name)))
        arrived = what_arrived(landed)
        first = first or arrived
        assert arrived == first, way
        assert landed.missing_days == (DAY + timedelta(days=1),)
    assert sorted(data for _, _, data, _ in first or []) == sorted(expected)
    assert [day for _, day, *_ in first or []] == sorted(day for _, day, *_ in first or [])
    assert len({name for name, *_ in first or []}) == 5


def test_lists_are_read_once_and_not_file_by_file(town: Town, drop: Path, lake: Homes) -> None:
    days = [DAY + timedelta(days=number) for number in range(60)]
    for day in days[::2]:
        (drop / f"{day:%Y%m%d}.csv").write_bytes(content(1))
        (drop / f"{day:%Y%m%d}.csv.ok").touch()
    town.ftp.commands.clear()
    promised = contract("{day:%Y%m%d}.csv", marker="{name}.ok")
    landed = land(promised, Window(days[0], days[-1]), lake(town.uri("ftp", drop.name)))
    assert (len(landed.files), len(landed.missing_days)) == (30, 30)
    assert town.ftp.commands.count("MLSD") == 1
    assert town.ftp.commands.count("SIZE") == 2 * 30  # of each file that was copied, before and after


def test_what_a_source_says_about_itself(town: Town, drop: Path, lake: Homes) -> None:
    for year, month in ((2021, 12), (2022, 1), (2023, 3)):
        folder = drop / f"{year}"
        folder.mkdir(exist_ok=True)
        (folder / f"{month:02}-05.csv").write_bytes(f"h{year}{month},b\n1,2\n".encode())
        (drop / f"flat_{year}{month:02}05.csv").write_bytes(f"h{year}{month},b\n1,2\n".encode())
    for way in LISTING:
        home = lake(town.uri(way, drop.name))
        for pattern in ("{day:%Y}/{day:%m-%d}.csv", "flat_{day:%Y%m%d}.csv"):
            promised = dataclasses.replace(contract(pattern), columns=())
            described = open_connector(promised, home).describe(promised)
            assert (described.first_day, described.last_day) == (date(2021, 12, 5), date(2023, 3, 5)), (way, pattern)
            assert [column.name for column in described.columns] == ["h20233", "b"], (way, pattern)
        assert "3 files of 3 days" in described.notes[0]
        window = Window(date(2023, 3, 1), date(2023, 3, 20))
        assert open_connector(promised, home).count(promised, window) == 1, way
        assert nothing_landed(home), way
    unlisted = lake(town.uri("http unlisted", drop.name))
    today = date.today() - timedelta(days=3)
    (drop / f"flat_{today:%Y%m%d}.csv").write_bytes(b"new,b\n1,2\n")
    described = open_connector(promised, unlisted).describe(promised)
    assert (described.first_day, described.last_day, described.columns[0].name) == (None, today, "new")


# ---- what does not ---------------------------------------------------------------------------------------------------


def test_a_server_whose_key_is_not_the_expected_one_is_not_talked_to(
    town: Town, drop: Path, lake: Homes, tmp_path: Path
) -> None:
    (drop / "20230327.csv").write_bytes(content(1))
    promised, ssh = contract("{day:%Y%m%d}.csv"), town.ssh

    def by_file(text: str) -> Settings:
        known = tmp_path / hashlib.sha256(text.encode()).hexdigest()
        known.write_text(text)
        return lake(ssh.uri(drop, host_key=None, known_hosts=str(known)))

    at = f"[127.0.0.1]:{ssh.port}"
    for home in (
        by_file(f"{at} {ssh.host_key}\n"),
        lake(ssh.uri(drop, host_key=ssh.fingerprint)),
        lake(ssh.uri(drop, host_key=f"{ssh.host_key} comment")),
        lake(ssh.uri(drop, host_key=ssh.host_key.split()[1])),
    ):
        assert land(promised, TODAY, home).delivered == 2
    other = town.password_ssh
    for home, words in (
        (by_file(""), "is not known"),
        (by_file(f"{at} {other.host_key}\n"), "is not the one expected"),
        (lake(ssh.uri(drop, host_key=other.host_key)), "is not the one expected"),
        (lake(ssh.uri(drop, host_key=other.fingerprint)), "is not the one expected"),
        (lake(ssh.uri(drop, host_key=None)), "is not known"),
    ):
        refused = told(SourceRefused, words, promised, home)
        assert ssh.fingerprint in str(refused) and "host_key=" in refused.remedy
    # The key is looked at before the password goes out.
    stranger = lake(other.uri(f"/{drop.name}", password="never seen", host_key=ssh.host_key))
    told(SourceRefused, "is not the one expected", promised, stranger)


def test_credentials_that_are_not_taken_are_refused_and_never_shown(
    town: Town, drop: Path, lake: Homes, tmp_path: Path
) -> None:
    (drop / "20230327.csv").write_bytes(content(1))
    below = f"/{drop.name}"
    wrong = "wr%ng/密:#"
    s3 = town.s3.uri(f"drop/{drop.name}").replace(quote(town.s3.secret, safe=""), quote(wrong, safe=""))
    user_key = tmp_path / "another"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(user_key)], check=True)
    for uri, words in {
        town.password_ssh.uri(below, password=wrong): "does not take user, password or key",
        town.ssh.uri(drop, key_file=str(user_key)): "does not take user, password or key",
        town.ftp.uri(below, password=wrong): "does not take user or password",
        s3: "does not let us in",
        town.s3.uri(f"nowhere/{drop.name}"): "no such bucket",
        town.http.uri("basic", below, credentials=f"u:{quote(wrong, safe='')}"): "does not let us in",
        town.http.uri("token", below, credentials=quote(wrong, safe="")): "does not let us in",
        town.http.uri("elsewhere", below): "sends us to another server",
        town.ftps.uri(below, ca_file="/etc/ssl/certs/ca-certificates.crt"): "certificate",
        town.https.uri("open", below).partition("?")[0]: "certificate",
    }.items():
        told(SourceRefused, words, contract("{day:%Y%m%d}.csv"), lake(uri))


def test_a_uri_that_makes_no_sense_is_told_without_quoting_it(lake: Homes) -> None:
    secret = "s3cr3t"
    for uri in (
        f"sftp://u:{secret}/x@host/dir",
        f"sftp://u:{secret}#x@host/dir",
        f"sftp://u:1?{secret}@host/dir",
        f"sftp://host/{secret}",
        f"sftp://u@host/dir?host_key={secret}",
        f"ftp://u:p@host/?{secret}=1",
        f"s3://{secret}@host/bucket",
        f"s3://k:{secret}@host/",
        f"s3://k:{secret}@host/b?scheme=gopher",
        f"ftp://u:{secret}@host/?encoding=klingon",
        f"gopher://u:{secret}@host/",
        f"file://{secret}/dir",
        f"https:///{secret}",
    ):
        with pytest.raises(CitybrainError) as wrong:
            open_connector(contract("{day:%Y%m%d}.csv"), lake(uri))
        assert secret not in str(wrong.value), uri
        assert wrong.value.dataset == "queens.test.thing"


@pytest.mark.parametrize("way", WAYS)
def test_days_that_are_not_there_are_late(town: Town, drop: Path, lake: Homes, way: str) -> None:
    (drop / "20230326.csv").write_bytes(content(1))
    window = Window(DAY, DAY + timedelta(days=20))
    late = told(SourceLate, "20230327.csv in the drop folder yet, nor any of the 20", contract("{day:%Y%m%d}.csv"),
                lake(town.uri(way, drop.name)), window)  # fmt: skip
    assert late.day == DAY
    kind = {"file": SourceUnavailable, "s3": SourceLate}.get(
        way, SourceLate if way.startswith("http") else SourceRefused
    )
    told(kind, "not there|no file", contract("{day:%Y%m%d}.csv"), lake(town.uri(way, "nowhere")))


def test_a_link_that_leads_out_is_refused(town: Town, drop: Path, lake: Homes) -> None:
    (town.folder / "secret.csv").write_bytes(content(9))
    (drop / "20230327.csv").symlink_to("../secret.csv")
    (drop / "real.csv").write_bytes(content(1))
    (drop / "20230328.csv").symlink_to("real.csv")
    (drop / "20230329.csv").symlink_to("missing.csv")
    for way in ("file", "sftp key", "sftp password", "ftp of old"):
        home = lake(town.uri(way, drop.name))
        for pattern in ("{day:%Y%m%d}.csv", "{day:%Y%m%d}*.csv"):
            if way == "ftp of old" and "*" not in pattern:
                continue  # asked by name, FTP does not say that it is a link
            told(SourceRefused, "leads out of the drop folder", contract(pattern), home)
        inside = Window(DAY + timedelta(days=1), DAY + timedelta(days=2))
        landed = land(contract("{day:%Y%m%d}.csv"), inside, home)
        assert (landed.delivered, landed.missing_days) == (2, (inside.last,))


@pytest.mark.parametrize("way", [way for way in WAYS if way != "file"])
def test_a_file_written_to_after_it_was_found_is_not_taken(
    town: Town, drop: Path, lake: Homes, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = drop / "20230327.csv"
    file.write_bytes(content(1))
    find, later = Shelf.find, time.time() + 60

    def find_and_write(shelf: Shelf, days: list[date]) -> object:
        found = find(shelf, days)
        file.write_bytes(content(1).replace(b"n1", b"n2"))  # of the same size
        os.utime(file, (later, later))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Shelf, "find", find_and_write)
        told(SourceUnavailable, "changed while it was copied", contract("{day:%Y%m%d}.csv"),
             lake(town.uri(way, drop.name)))  # fmt: skip


@pytest.mark.parametrize("way", ["file", "sftp key", "ftp", "http"])
def test_a_file_written_to_while_it_is_copied_is_not_taken(
    town: Town, drop: Path, lake: Homes, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = drop / "20230327.csv"
    file.write_bytes(b"id,note\n" + b"1,a\n" * 2_000_000)
    home = lake(town.uri(way, drop.name))
    at_first_block(monkeypatch, lambda: file.open("ab").write(b"2,b\n"))
    told(SourceUnavailable, "changed while it was copied", contract("{day:%Y%m%d}.csv"), home)


def at_first_block(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen once the first block of a file is there."""
    bytes_of, done = files._bytes_of, []

    def bytes_then(*arguments: object) -> Iterator[bytes]:
        for block in bytes_of(*arguments):  # type: ignore[arg-type]
            yield block
            if not done:
                done.append(happens())

    monkeypatch.setattr(files, "_bytes_of", bytes_then)


@pytest.mark.parametrize("way", ["sftp", "ftp", "s3", "http"])
def test_a_server_that_dies_in_the_middle_leaves_nothing(
    tmp_path: Path, lake: Homes, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop = tmp_path / "served" / "drop"
    drop.mkdir(parents=True)
    with (drop / "20230327.csv").open("wb") as file:
        file.truncate(64 << 20)
    with ExitStack() as running:
        if way == "ftp":
            uri, kill = ftp_process(drop, running)
        else:
            server: OpenSSH | S3Server | HttpFolder = running.enter_context(
                {
                    "sftp": lambda: OpenSSH(tmp_path / "ssh"),
                    "s3": lambda: S3Server(drop.parent),
                    "http": lambda: HttpFolder(drop, tmp_path / "http", user="u", password="p", token="t"),
                }[way]()
            )
            kill = server.stop if isinstance(server, OpenSSH | S3Server) else server._process.kill
            uri = (
                server.uri(drop) if isinstance(server, OpenSSH)
                else server.uri("drop") if isinstance(server, S3Server)
                else server.uri("open")
            )  # fmt: skip
        at_first_block(monkeypatch, kill)
        told(SourceUnavailable, "server of connection 'drop'", contract("{day:%Y%m%d}.csv"), lake(uri))


def ftp_process(folder: Path, running: ExitStack) -> tuple[str, Callable[[], object]]:
    """pyftpdlib as a process of its own, to be killed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pyftpdlib", "-i", "127.0.0.1", "-p", "0", "-u", "u", "-P", "pass-word", "-d", folder],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    running.callback(process.wait)
    running.callback(process.kill)
    assert process.stderr is not None
    port = (
        next(line for line in process.stderr if "127.0.0.1:" in line).partition("127.0.0.1:")[2].split()[0].strip(",")
    )
    return f"ftp://u:pass-word@127.0.0.1:{port}/", process.kill


@pytest.mark.parametrize("way", ["sftp key", "ftp", "s3", "http"])
def test_a_server_that_falls_silent_is_unavailable(town: Town, drop: Path, lake: Homes, way: str) -> None:
    (drop / "20230327.csv").write_bytes(content(1))
    uri = town.uri(way, drop.name)
    port = urlsplit(uri).port or 0
    with BadNetwork(port) as network:
        network.trouble = Trouble("silence", after=0)
        home = lake(uri.replace(f":{port}/", f":{network.port}/"))
        started = time.monotonic()
        told(SourceUnavailable, "silent|answer|reached", contract("{day:%Y%m%d}.csv", timeout_s=0.3), home)
        assert time.monotonic() - started < 6
    with contextlib.suppress(CitybrainError):
        told(SourceUnavailable, "reached|answer", contract("{day:%Y%m%d}.csv", timeout_s=2), home)
