"""Where things are and how much of the machine may be used: read from the environment once, passed on explicitly."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from lake.errors import ContractError

PROJECT_ROOT = Path(__file__).resolve().parents[1]

ConnectionResolver = Callable[[str], str | None]
"""Takes a connection id such as ``nyc311_db`` and gives its URI, or None when it does not know it."""

_resolvers: list[ConnectionResolver] = []


def add_connection_resolver(resolver: ConnectionResolver) -> None:
    """Let another keeper of credentials answer too (Airflow's connections, say). Asked after the environment."""
    if resolver not in _resolvers:
        _resolvers.append(resolver)


@dataclass(frozen=True)
class Bucket:
    """How the store is reached whose bucket holds the accepted tables.

    Attributes:
        endpoint: ``http(s)://host[:port]``, or empty for AWS.
        region: as the store names it.
        key, secret: never printed.
    """

    endpoint: str
    region: str
    key: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Settings:
    """One city's home on this machine.

    Attributes:
        city: city id, the folder name under ``contracts/``.
        home: everything that is not in git (landing, tables, builds, published, issues, Airflow).
        root: the project: contracts, expectations, dbt project, briefs.
        catalog_uri: SQLAlchemy URI of the Iceberg catalog and the ledger; may hold a password.
        warehouse: root of the accepted tables as the catalog spells it: ``file:///…`` or ``s3://bucket/prefix``; empty
            means the room ``tables`` of the home.
        bucket: access to the store; None when the warehouse is a folder.
        cache: folder of this machine that keeps copies of the bucket's files.
        cache_limit: bytes it may take.
        memory_limit: DuckDB's limit per process, such as ``2GB``.
        threads: DuckDB's threads per process.
        environment: the variables the connections are read from.
    """

    city: str
    home: Path
    root: Path = PROJECT_ROOT
    catalog_uri: str = field(default="", repr=False)
    warehouse: str = ""
    bucket: Bucket | None = None
    cache: Path | None = None
    cache_limit: int = 20 * 10**9
    memory_limit: str = "2GB"
    threads: int = 2
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read ``CITYBRAIN_CITY, _HOME, _ROOT, _CATALOG_URI, _WAREHOUSE, _CACHE, _CACHE_LIMIT, _MEMORY_LIMIT``
        and ``_THREADS``; all have defaults.

        A warehouse in a bucket needs ``CITYBRAIN_S3_KEY`` and ``_SECRET``, and but for AWS
        ``_ENDPOINT``; ``_REGION`` is us-east-1 unless said otherwise. What is secret, the URI of the catalog and
        connections included, may lie in a file that ``<NAME>_FILE`` names.

        Raises:
            ContractError: a limit is no number of bytes or threads, a file of a secret cannot be read, or a bucket
                has no key.
        """
        env = dict(os.environ if environment is None else environment)
        city = env.get("CITYBRAIN_CITY", "queens")
        root = Path(env.get("CITYBRAIN_ROOT", str(PROJECT_ROOT))).resolve()
        home = Path(env.get("CITYBRAIN_HOME", str(root / "var" / city))).resolve()
        warehouse = (env.get("CITYBRAIN_WAREHOUSE") or f"file://{home}/tables").rstrip("/")
        if not warehouse.startswith(("s3://", "file:///")):
            raise ContractError(
                "CITYBRAIN_WAREHOUSE is neither s3://bucket/prefix nor file:///folder", remedy="write one of the two"
            )
        return cls(
            city=city,
            home=home,
            root=root,
            catalog_uri=_address(secret_of(env, "CITYBRAIN_CATALOG_URI"), "CITYBRAIN_CATALOG_URI")
            or f"sqlite:///{home}/catalog.db",
            warehouse=warehouse,
            bucket=_bucket(env) if warehouse.startswith("s3://") else None,
            cache=Path(env.get("CITYBRAIN_CACHE", str(home / "cache" / "tables"))).resolve(),
            cache_limit=_bytes(env.get("CITYBRAIN_CACHE_LIMIT", "20GB")),
            memory_limit=env.get("CITYBRAIN_MEMORY_LIMIT", "2GB"),
            threads=_threads(env.get("CITYBRAIN_THREADS", "2")),
            environment=env,
        )

    # The rooms under home. The vault rooms (landing, quarantine, staging, keys) are 0700.
    @property
    def landing(self) -> Path:
        """Bytes as delivered; part of the vault."""
        return self.home / "landing"

    @property
    def quarantine(self) -> Path:
        """Records held back with their reasons; part of the vault."""
        return self.home / "quarantine"

    @property
    def staging(self) -> Path:
        """Batches on their way to a commit; part of the vault."""
        return self.home / "staging"

    @property
    def keys(self) -> Path:
        """One secret per purpose; part of the vault."""
        return self.home / "keys"

    @property
    def tables(self) -> Path:
        """The accepted tables' folder; where they are in a bucket nothing is in it."""
        return Path(self.warehouse.removeprefix("file://")) if self.warehouse[:5] == "file:" else self.home / "tables"

    @property
    def builds(self) -> Path:
        """One folder per build of the marts: pins, private DuckDB file, dbt's logs."""
        return self.home / "builds"

    @property
    def published(self) -> Path:
        """What analysts open: ``current`` is a link to the build's folder."""
        return self.home / "published"

    @property
    def issues(self) -> Path:
        """Issued briefs: ``<brief>/<period>/<scope>/issue-<n>/``."""
        return self.home / "issues"

    @property
    def parsed(self) -> Path:
        """The dbt project as it was parsed, under the hash of all that it depends on. Homes may share it
        (``CITYBRAIN_PARSED``): it holds nothing of theirs."""
        shared = self.environment.get("CITYBRAIN_PARSED") or os.environ.get("CITYBRAIN_PARSED")
        return Path(shared).resolve() if shared else self.home / "cache" / "dbt"

    @property
    def data_docs(self) -> Path:
        """Great Expectations' pages, without values."""
        return self.home / "data_docs"

    def make_home(self) -> None:
        """Create the rooms; the vault is readable by its owner only."""
        for room in (self.tables, self.builds, self.published, self.issues, self.data_docs):
            room.mkdir(parents=True, exist_ok=True)
        for room in (self.landing, self.quarantine, self.staging, self.keys):
            room.mkdir(parents=True, exist_ok=True)
            room.chmod(0o700)

    def connection(self, name: str) -> str:
        """URI of a connection: ``CITYBRAIN_CONN_<NAME>`` in the environment, else what a resolver knows.

        Raises:
            ContractError: nobody knows the connection, or it cannot be taken apart.
        """
        if uri := self.find_connection(name):
            return uri
        variable = f"CITYBRAIN_CONN_{name.upper()}"
        raise ContractError(
            f"no connection named {name!r}",
            remedy=f"set {variable} (or {variable}_FILE) or make the Airflow connection {name!r}",
        )

    def find_connection(self, name: str) -> str | None:
        """`connection`, or None where nobody knows it.

        Raises:
            ContractError: it cannot be taken apart.
        """
        uri = secret_of(self.environment, f"CITYBRAIN_CONN_{name.upper()}")
        found = uri or next((uri for resolver in _resolvers if (uri := resolver(name))), None)
        return _address(found, f"connection {name!r}")


def secret_of(environment: Mapping[str, str], name: str) -> str | None:
    """A variable, or the first line of the file that ``<NAME>_FILE`` names; None when there is neither.

    Raises:
        ContractError: the file cannot be read.
    """
    if value := environment.get(name):
        return value
    if not (path := environment.get(f"{name}_FILE")):
        return None
    try:
        return Path(path).read_text(encoding="utf-8").split("\n", 1)[0].strip() or None
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError(
            f"the file of {name}_FILE cannot be read ({type(error).__name__})",
            remedy=f"let {name}_FILE name a readable text file with the value in its first line",
        ) from None


def _address(uri: str | None, what: str) -> str | None:
    """The URI, if a machine can tell its password from its host: of one that it cannot, a piece of the password would
    be taken for host, port or path, and errors tell those.

    Raises:
        ContractError: it cannot; the message does not quote it.
    """
    if not uri or uri.startswith(("file:", "sqlite:")):
        return uri
    try:
        parts = urlsplit(uri)
        is_plain = bool(parts.scheme) and "://" in uri and parts.port != 0
    except ValueError:  # its words quote the URI
        is_plain = False
    else:
        # After the host an @ means that there was one more / ? or # before it; mail addresses are values.
        is_plain = is_plain and "@" not in parts.path + parts.fragment + parts.query.partition("=")[0]
    if is_plain:
        return uri
    raise ContractError(
        f"{what} cannot be taken apart: a scheme is missing, or a character is not percent-encoded",
        remedy="write scheme://user:password@host:port/…, in user, password and path / as %2F, # as %23, ? as %3F, "
        "@ as %40, % as %25",
    )


def _bucket(environment: Mapping[str, str]) -> Bucket:
    key, secret = (secret_of(environment, f"CITYBRAIN_S3_{part}") for part in ("KEY", "SECRET"))
    if not key or not secret:
        raise ContractError(
            "the warehouse is in a bucket, and there is no key to it",
            remedy="set CITYBRAIN_S3_KEY and CITYBRAIN_S3_SECRET, or each with _FILE and the name of a file",
        )
    endpoint = environment.get("CITYBRAIN_S3_ENDPOINT", "").rstrip("/")
    if endpoint and not endpoint.startswith(("http://", "https://")):
        raise ContractError("CITYBRAIN_S3_ENDPOINT has no scheme", remedy="write http://host:port or https://host:port")
    return Bucket(endpoint, environment.get("CITYBRAIN_S3_REGION", "us-east-1"), key, secret)


def _threads(text: str) -> int:
    if text.strip().isdecimal() and int(text):
        return int(text)
    raise ContractError("CITYBRAIN_THREADS is no number of threads", remedy="write a whole number, 1 or more")


def _bytes(text: str) -> int:
    units = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
    if (found := re.fullmatch(r"(\d+)\s*([KMGT]?B?)", text.strip().upper())) and found[2] in units:
        return int(found[1]) * units[found[2]]
    raise ContractError(f"{text!r} is no number of bytes", remedy="write it as 20GB or 500MB")
