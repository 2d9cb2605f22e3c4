"""Find what is wrong with a set-up, as a person would who is called at night, and say the remedy of each thing.

Nothing is changed and no data is read. What is slow or needs the network is bounded by a time-out; `offline` leaves
the sources alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lake.contracts import load_contracts
from lake.contracts.city import load_city
from lake.contracts.model import Contract
from lake.engine import EXTENSIONS, connect
from lake.errors import CitybrainError, SourceLate
from lake.privacy import KEY_BYTES, key_mark, key_marks
from lake.settings import Settings
from lake.upkeep import VAULT_MODE, key_purposes

OK, WARNING, WRONG = "ok", "warning", "wrong"
TIMEOUT_S = 5.0
LITTLE_ROOM, TOO_LITTLE_ROOM = 10 * 2**30, 2 * 2**30
FEW_INODES = 0.05
SKEW_S = 30.0
"""A clock that is off by more makes deadlines and signed requests wrong."""
_PORTS = {
    "postgresql": 5432, "postgres": 5432, "mysql": 3306, "mariadb": 3306, "oracle": 1521, "mssql": 1433, "dm": 5236,
    "http": 80, "https": 443, "sftp": 22, "ftp": 21, "ftps": 21, "s3": 443, "smtp": 587, "smtps": 465,
}  # fmt: skip
POOLS = ("sources", "duckdb_writer", "briefs")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: the thing, and what was seen of it.
        state: ``ok``, ``warning`` or ``wrong``.
        remedy: what to do; empty when it is ok.
    """

    what: str
    state: str = OK
    remedy: str = ""


def examine(settings: Settings, *, offline: bool = False) -> list[Finding]:
    """Look at everything; a look that itself fails is a finding.

    Args:
        settings: the home.
        offline: do not touch the sources, the mail server or the webhook.
    """
    findings: list[Finding] = []
    contracts = _contracts(settings, findings)
    looks: list[Callable[[], Iterator[Finding]]] = [
        lambda: _zones(settings, contracts),
        lambda: _home(settings),
        lambda: _keys(settings, contracts),
        lambda: _room(settings),
        lambda: _memory(settings),
        lambda: _extensions(settings),
        lambda: _catalog(settings, contracts),
        lambda: _unfinished(settings),
        lambda: _project(settings),
        lambda: _pools(settings),
        lambda: _connections(settings, contracts, offline=offline),
    ]
    for look in looks:
        try:
            findings += look()
        except Exception as error:  # the next thing may be what is wrong
            told = str(error) if isinstance(error, CitybrainError) else type(error).__name__
            findings.append(Finding(f"a look failed: {told}", WRONG, "repair what it says, then look again"))
    return findings


def _contracts(settings: Settings, findings: list[Finding]) -> list[Contract]:
    try:
        load_city(settings)
        contracts = load_contracts(settings)
    except CitybrainError as error:
        findings.append(Finding(f"contracts: {error.cause}", WRONG, error.remedy))
        return []
    findings.append(Finding(f"contracts: {len(contracts)}"))
    return contracts


def _zones(settings: Settings, contracts: list[Contract]) -> Iterator[Finding]:
    names = {load_city(settings).zone, *(contract.zone for contract in contracts)}
    for name in sorted(names):
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, OSError):
            yield Finding(
                f"time zone {name}", WRONG, "install the zones: apt-get install tzdata, or pip install tzdata"
            )
        else:
            yield Finding(f"time zone {name}")


def _home(settings: Settings) -> Iterator[Finding]:
    """Whose it is, who may enter, and whether we may write."""
    for room in (settings.landing, settings.quarantine, settings.staging, settings.keys):
        if not room.is_dir():
            yield Finding(f"vault {room.name}: missing", WRONG, "run `citybrain setup`")
        elif (mode := room.stat().st_mode & 0o777) != VAULT_MODE:
            yield Finding(f"vault {room.name}: open to others, mode {mode:o}", WRONG, f"chmod 700 {room}")
        else:
            yield Finding(f"vault {room.name}: closed")
    rooms = [room for room in (settings.home, *settings.home.iterdir()) if room.is_dir() and not room.is_symlink()]
    foreign = sorted(room.name for room in rooms if room.stat().st_uid != os.geteuid())
    if foreign:
        yield Finding(
            f"owner: {', '.join(foreign)} belong to another user", WRONG,
            f"run as that user, or chown -R {os.geteuid()} {settings.home}",
        )  # fmt: skip
    shut = sorted(room.name for room in rooms if not os.access(room, os.W_OK | os.X_OK))
    if shut:
        yield Finding(f"permissions: cannot write in {', '.join(shut)}", WRONG, "chmod u+rwx them")
    if not (foreign or shut):
        yield Finding(f"home {settings.home}: ours, writable")
    mask = _umask()
    if mask & 0o002 == 0:
        yield Finding(f"umask {mask:03o}: others may write what is made", WARNING, "set umask 027 for the service")
    else:
        yield Finding(f"umask {mask:03o}")


def _keys(settings: Settings, contracts: list[Contract]) -> Iterator[Finding]:
    marks = key_marks(settings)
    for purpose in sorted({*key_purposes(contracts), *marks}):
        path = settings.keys / f"{purpose}.key"
        key = path.read_bytes() if path.is_file() else None
        if key is None and purpose in marks:
            yield Finding(
                f"key {purpose}: missing; the lake was written with fingerprint {marks[purpose]}", WRONG,
                "bring it back: `citybrain backup create --keys` put it apart; a new one meets no hash of before",
            )  # fmt: skip
        elif key is None:
            yield Finding(f"key {purpose}: missing", WRONG, "run `citybrain setup`")
        elif len(key) != KEY_BYTES:
            yield Finding(f"key {purpose}: {len(key)} bytes, not {KEY_BYTES}", WRONG, "bring it back from its backup")
        elif path.stat().st_mode & 0o077:
            yield Finding(f"key {purpose}: others can read it", WRONG, f"chmod 600 {path}, and ask who read it")
        elif purpose in marks and key_mark(key) != marks[purpose]:
            yield Finding(
                f"key {purpose}: fingerprint {key_mark(key)}, the lake was written with {marks[purpose]}", WRONG,
                "bring the right key back; no new hash meets one of before",
            )  # fmt: skip
        else:
            yield Finding(
                f"key {purpose}: {'the one the lake was written with' if purpose in marks else 'not used yet'}"
            )


def _room(settings: Settings) -> Iterator[Finding]:
    free = shutil.disk_usage(settings.home).free
    state = WRONG if free < TOO_LITTLE_ROOM else WARNING if free < LITTLE_ROOM else OK
    yield Finding(
        f"disk: {free / 2**30:.1f} GiB free", state,
        "" if state == OK else "make room: `citybrain upkeep`, `backup prune`, or a larger disk",
    )  # fmt: skip
    found = os.statvfs(settings.home)
    if found.f_files:  # some file systems have as many as they need
        share = found.f_favail / found.f_files
        state = OK if share > FEW_INODES else WRONG
        yield Finding(
            f"disk: {share:.0%} of the inodes free",
            state,
            "" if state == OK else "remove small files: `citybrain upkeep`",
        )


def _memory(settings: Settings) -> Iterator[Finding]:
    wanted, there = _bytes(settings.memory_limit), _memory_there()
    if wanted is None:
        yield Finding(f"memory limit {settings.memory_limit!r}", WRONG, "write CITYBRAIN_MEMORY_LIMIT like 2GB")
    elif there is not None and wanted > there:
        yield Finding(
            f"memory limit {settings.memory_limit} is more than the {there / 2**30:.1f} GiB there are", WRONG,
            "lower CITYBRAIN_MEMORY_LIMIT: the system kills what takes more",
        )  # fmt: skip
    elif there is not None and wanted > 0.8 * there:
        yield Finding(
            f"memory limit {settings.memory_limit} of {there / 2**30:.1f} GiB leaves little for Python and Airflow",
            WARNING, "lower CITYBRAIN_MEMORY_LIMIT to three quarters of the memory, divided by tasks at once",
        )  # fmt: skip
    else:
        yield Finding(f"memory limit {settings.memory_limit}")
    cores = len(os.sched_getaffinity(0))
    if settings.threads > cores:
        yield Finding(f"threads: {settings.threads} on {cores} cores", WARNING, f"set CITYBRAIN_THREADS={cores}")


def _extensions(settings: Settings) -> Iterator[Finding]:
    for name in EXTENSIONS:
        try:
            connect(settings, extensions=(name,)).close()
        except Exception as error:
            yield Finding(f"DuckDB extension {name} does not load ({type(error).__name__})", WRONG, "run `make env`")
        else:
            yield Finding(f"DuckDB extension {name}")


def _catalog(settings: Settings, contracts: list[Contract]) -> Iterator[Finding]:
    """Reachable, of the form this version writes, its clock ours, its tables' files there."""
    from sqlalchemy import create_engine, inspect, text

    from lake.tables import Tables

    uri = settings.catalog_uri
    kind = uri.partition(":")[0].partition("+")[0]
    arguments = {"timeout": TIMEOUT_S} if kind == "sqlite" else {"connect_timeout": int(TIMEOUT_S)}
    engine = create_engine(uri, connect_args=arguments)
    try:
        with engine.connect() as connection:
            names = set(inspect(connection).get_table_names())
            if kind == "postgresql":
                yield from _skew("the catalog's server", connection.execute(text("SELECT now()")).scalar_one())
    except Exception as error:
        remedy = "start the database, or correct CITYBRAIN_CATALOG_URI"
        yield Finding(f"catalog ({kind}): no answer ({type(error).__name__})", WRONG, remedy)
        return
    finally:
        engine.dispose()
    lacking = sorted({"iceberg_tables", "iceberg_namespace_properties", "ops_events"} - names)
    if lacking:
        yield Finding(f"catalog ({kind}): without {', '.join(lacking)}", WRONG, "run `citybrain setup`")
        return
    tables = Tables(settings)
    for table in tables.names():
        try:
            tables.metadata_location(table)
        except Exception as error:
            yield Finding(
                f"table {table}: its metadata cannot be read ({type(error).__name__})", WRONG,
                "restore the warehouse's files from a backup, or correct CITYBRAIN_WAREHOUSE",
            )  # fmt: skip
    unknown = sorted(set(tables.names()) - {contract.table for contract in contracts})
    if unknown:
        yield Finding(
            f"catalog: tables without a contract: {', '.join(unknown)}", WARNING, "bring the contract back, or leave it"
        )
    yield Finding(f"catalog ({kind}): {len(tables.names())} tables")


def _unfinished(settings: Settings) -> Iterator[Finding]:
    begun = settings.home / "restoring.json"
    if begun.exists():
        which = json.loads(begun.read_text())["backup"]
        yield Finding(
            f"a restore of {which} did not end", WRONG, f"run `citybrain backup restore DIR --backup {which}` again"
        )
    left = [path for path in settings.landing.glob("[!.]*/*/*/admitting.json")]
    if left:
        yield Finding(
            f"{len(left)} deliveries were left unfinished", WARNING, "the next load of their dataset finishes them"
        )


def _project(settings: Settings) -> Iterator[Finding]:
    """Whether every accepted table is met by a staging model, and the project's files are there."""
    project = settings.root / "dbt_project"
    if not (project / "dbt_project.yml").is_file():
        yield Finding("dbt project: missing", WRONG, f"set CITYBRAIN_ROOT to the project, not {settings.root}")
        return
    yield Finding(f"dbt project: {sum(1 for _ in (project / 'models').rglob('*.sql'))} models")


def _pools(settings: Settings) -> Iterator[Finding]:
    """A task whose pool is missing waits for ever; asked of Airflow's database when its home is ours."""
    database = settings.home / "airflow" / "airflow.db"
    uri = settings.environment.get("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN") or (
        f"sqlite:///{database}" if database.is_file() else ""
    )
    if not uri:
        return
    from sqlalchemy import create_engine, text

    engine = create_engine(uri.replace("+asyncpg", "").replace("+aiosqlite", ""))
    try:
        with engine.connect() as connection:
            there = {row[0] for row in connection.execute(text("SELECT pool FROM slot_pool"))}
    except Exception as error:
        yield Finding(f"Airflow's database: no answer ({type(error).__name__})", WARNING, "run `airflow db migrate`")
        return
    finally:
        engine.dispose()
    lacking = sorted(set(POOLS) - there)
    if lacking:
        yield Finding(f"pools: {', '.join(lacking)} missing", WRONG, "airflow pools import dags/pools.json")
    else:
        yield Finding(f"pools: {', '.join(POOLS)}")


def _connections(settings: Settings, contracts: list[Contract], *, offline: bool) -> Iterator[Finding]:
    of_name: dict[str, Contract] = {}
    for contract in contracts:
        of_name.setdefault(contract.source.connection, contract)
    known: dict[str, str] = {}
    told = ("citybrain_smtp", "citybrain_webhook")
    for name in (*sorted(of_name), *told):
        try:
            uri = settings.find_connection(name)
        except CitybrainError as error:
            yield Finding(f"connection {name}: cannot be taken apart", WRONG, error.remedy)
            continue
        if uri:
            known[name] = uri
        elif name not in told:
            variable = f"CITYBRAIN_CONN_{name.upper()}"
            yield Finding(
                f"connection {name}: not set", WRONG,
                f"set {variable} (or {variable}_FILE) or make the Airflow connection {name!r}",
            )  # fmt: skip
    if not known.keys() & set(told):
        yield Finding(
            "alerts: nobody is told of anything", WARNING,
            "set connection citybrain_smtp or citybrain_webhook (docs/how-to/alerts-and-silence.md)",
        )  # fmt: skip
    if offline:
        return
    with ThreadPoolExecutor(8) as pool:
        asked = [
            pool.submit(lambda each: list(_reach(*each, settings)), (name, uri, of_name.get(name)))
            for name, uri in known.items()
        ]
        for answer in asked:
            yield from answer.result()


def _reach(name: str, uri: str, contract: Contract | None, settings: Settings) -> Iterator[Finding]:
    """Whether the other side answers, and whether it takes us: the connector's own check, when it has one."""
    parts = urlsplit(uri)
    if parts.scheme in ("file", "fs"):
        folder = Path(parts.path)
        if not folder.is_dir() or not os.access(folder, os.R_OK | os.X_OK):
            yield Finding(f"connection {name}: its folder cannot be read", WRONG, f"mount it, or correct {name}")
        else:
            yield Finding(f"connection {name}: folder is there")
        return
    port = parts.port or _PORTS.get(parts.scheme.partition("+")[0], 0)
    if not parts.hostname or not port:
        yield Finding(f"connection {name}: no host in it", WRONG, "write scheme://user:password@host:port/…")
        return
    try:
        with socket.create_connection((parts.hostname, port), timeout=TIMEOUT_S):
            pass
    except OSError as error:
        yield Finding(
            f"connection {name}: {parts.hostname}:{port} does not answer ({type(error).__name__})", WRONG,
            "ask the department whether its server runs, and the network whether we may reach it",
        )  # fmt: skip
        return
    yield Finding(f"connection {name}: {parts.hostname}:{port} answers")
    if contract is not None:
        yield from _admitted(name, contract, settings)
    if parts.scheme in ("http", "https"):
        yield from _http_clock(name, f"{parts.scheme}://{parts.hostname}:{port}/")


def _admitted(name: str, contract: Contract, settings: Settings) -> Iterator[Finding]:
    """Ask for one day's count, or for the columns: the cheapest question that needs us to be let in."""
    from lake.connectors import open_connector

    began = time.monotonic()
    try:
        open_connector(contract, settings).describe(contract)
    except SourceLate:
        yield Finding(f"connection {name}: lets us in, and has nothing just now")
    except CitybrainError as error:
        yield Finding(f"connection {name}: {error.cause}", WRONG, error.remedy)
    except Exception as error:
        yield Finding(
            f"connection {name}: no answer to a question about {contract.dataset} ({type(error).__name__})",
            WARNING, "load one day of it by hand and read what it says",
        )  # fmt: skip
    else:
        yield Finding(f"connection {name}: lets us in, {time.monotonic() - began:.1f} s")


def _http_clock(name: str, url: str) -> Iterator[Finding]:
    import httpx

    try:
        said = httpx.head(url, timeout=TIMEOUT_S, follow_redirects=False).headers.get("Date")
    except httpx.HTTPError:
        return
    if said:
        with contextlib.suppress(ValueError):
            yield from _skew(f"the server of {name}", parsedate_to_datetime(said))


def _skew(whose: str, theirs: datetime) -> Iterator[Finding]:
    off = abs((datetime.now(UTC) - theirs.astimezone(UTC)).total_seconds())
    if off > SKEW_S:
        yield Finding(
            f"clock: {off:.0f} s apart from {whose}", WRONG, "let both hosts keep time by NTP (timedatectl, chrony)"
        )
    else:
        yield Finding(f"clock: as {whose} has it")


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _bytes(limit: str) -> int | None:
    units = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
    text = limit.strip().upper()
    for unit in sorted(units, key=len, reverse=True):
        if text.endswith(unit):
            try:
                return int(float(text.removesuffix(unit)) * units[unit])
            except ValueError:
                return None
    return None


def _memory_there() -> int | None:
    """What this process may use: the machine's memory, or its control group's part of it."""
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):
            there = min(there, int(Path(path).read_text()))
    return there
