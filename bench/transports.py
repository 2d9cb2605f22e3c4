"""Files by every way: many small ones and a big one, landed, against the way's own plain client, in one run.

Ours does what a landing does: finds the days in the list, copies, hashes, counts records, compares sizes and times,
and has everything on the disk. The plain clients only copy: OpenSSH's `sftp`, `rclone copy`, `curl`, `cp`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from servers.http_folder import HttpFolder  # noqa: E402
from servers.s3 import RCLONE, S3Server  # noqa: E402
from servers.sshd import OpenSSH  # noqa: E402

FIRST = date(2018, 1, 1)
LAND = """
import json, resource, sys, time
from datetime import date
from lake.contracts.model import Cadence, Column, Contract, Mode, Source, Window, Withdrawal
from lake.landing import land
from lake.settings import Settings
import {warm}
first, last = map(date.fromisoformat, sys.argv[1:3])
contract = Contract(dataset="queens.bench.file", version="1.0.0", valid_from=first, title_zh="-", title_en="-", owner="-",
    mode=Mode.CHANGES, cadence=Cadence.DAILY, zone="UTC", columns=(Column("id", "id", "BIGINT", 1, key_position=1),),
    source=Source("csv_files", "drop", {{"pattern": "{{day:%Y%m%d}}.csv"}}), withdrawal=Withdrawal.UNSEEN)
begun = time.perf_counter()
landed = land(contract, Window(first, last), Settings.from_environment())
print(json.dumps([time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    len(landed.files), sum(file.bytes for file in landed.files)]))
"""
WARM = {"file": "os", "sftp": "sshfs", "s3": "s3fs", "http": "fsspec.implementations.http"}


def main() -> None:
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--files", type=int, default=2000)
    said.add_argument("--megabytes", type=int, default=512)
    chosen = said.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-transports-") as room:
        for name, days, size in (("small", chosen.files, 4_000), ("big", 1, chosen.megabytes << 20)):
            folder = Path(room) / name / "served" / "drop"
            folder.mkdir(parents=True)
            for number in range(days):
                lay(folder / f"{FIRST + timedelta(days=number):%Y%m%d}.csv", size)
            print(f"{days} files of {size / 1e6:g} MB")
            measure(Path(room) / name, folder, days)


def lay(path: Path, size: int) -> None:
    block = b"id,note\n" + b"1,the quick brown fox\n" * 50_000
    with path.open("wb") as file:
        while size > 0:
            file.write(block[:size])
            size -= len(block)


def measure(room: Path, folder: Path, days: int) -> None:
    with ExitStack() as running:
        ssh = running.enter_context(OpenSSH(room / "ssh"))
        s3 = running.enter_context(S3Server(folder.parent, folders_kept="1h"))
        http = running.enter_context(HttpFolder(folder, room / "http", user="u", password="p", token="t"))
        ways: dict[str, tuple[str, Callable[[Path], None]]] = {
            "file": (folder.as_uri(), lambda to: run("cp", "-r", f"{folder}/.", to)),
            "sftp": (ssh.uri(folder), lambda to: sftp(ssh, folder, to)),
            "s3": (s3.uri("drop"), lambda to: rclone(s3, to)),
            "http": (http.uri("open"), lambda to: curl(f"http://127.0.0.1:{http.port}/open/", folder, to)),
        }
        for way, (uri, plain) in ways.items():
            if way == "http" and shutil.which("curl") is None:
                continue
            to = room / f"plain-{way}"
            to.mkdir()
            begun = time.perf_counter()
            plain(to)
            theirs = time.perf_counter() - begun
            assert len(list(to.iterdir())) == days
            shutil.rmtree(to)
            ours, memory, files, size = landed(room / f"home-{way}", uri, days, WARM[way])
            assert files == days
            print(
                f"  {way:5} landed {ours:6.2f} s, {size / ours / 1e6:7.1f} MB/s, {files / ours:7.0f} files/s, peak {memory:4.0f} MB"
                f" | plain client {theirs:6.2f} s | ratio {ours / theirs:.2f}"
            )


def landed(home: Path, uri: str, days: int, warm: str) -> tuple[float, float, int, int]:
    environment = os.environ | {
        "CITYBRAIN_HOME": str(home), "CITYBRAIN_CITY": "queens", "CITYBRAIN_CONN_DROP": uri, "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    last = FIRST + timedelta(days=days - 1)
    done = subprocess.run(
        [sys.executable, "-c", LAND.format(warm=warm), str(FIRST), str(last)],
        env=environment, cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    shutil.rmtree(home)
    seconds, memory, files, size = json.loads(done.stdout)
    return seconds, memory, files, size


def run(*words: object, **options: object) -> None:
    subprocess.run([str(word) for word in words], check=True, capture_output=True, **options)  # type: ignore[call-overload]


def sftp(ssh: OpenSSH, folder: Path, to: Path) -> None:
    known = to.with_name("known_hosts")
    known.write_text(f"[127.0.0.1]:{ssh.port} {ssh.host_key}\n")
    run(
        "sftp", "-q", "-P", ssh.port, "-i", ssh.user_key, "-o", f"UserKnownHostsFile={known}", "-b", "-",
        f"{ssh.user}@127.0.0.1", input=f"get {folder}/*.csv {to}/\n".encode(),
    )  # fmt: skip


def rclone(s3: S3Server, to: Path) -> None:
    remote = f":s3,provider=Other,access_key_id={s3.key},secret_access_key='{s3.secret}',endpoint='{s3.endpoint}':drop"
    run(RCLONE, "copy", remote, to, "--transfers", 8, "--config", os.devnull)


def curl(address: str, folder: Path, to: Path) -> None:
    names = sorted(path.name for path in folder.iterdir())
    told = "".join(f'url = "{address}{name}"\noutput = "{to}/{name}"\n' for name in names)
    run("curl", "-sf", "-K", "-", input=told.encode())


if __name__ == "__main__":
    main()
