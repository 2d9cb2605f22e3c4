"""Where things are and how much of the machine may be used: read from the environment once, passed on explicitly."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

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
class Settings:
    """One city's home on this machine.

    Attributes:
        city: city id, the folder name under ``contracts/``.
        home: everything that is not in git (landing, tables, builds, published, issues, Airflow).
        root: the project: contracts, expectations, dbt project, briefs.
        catalog_uri: SQLAlchemy URI of the Iceberg catalog and the ledger.
        memory_limit: DuckDB's limit per process, such as ``2GB``.
        threads: DuckDB's threads per process.
        environment: the variables the connections are read from.
    """

    city: str
    home: Path
    root: Path = PROJECT_ROOT
    catalog_uri: str = ""
    memory_limit: str = "2GB"
    threads: int = 2
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read ``CITYBRAIN_CITY, _HOME, _ROOT, _CATALOG_URI, _MEMORY_LIMIT, _THREADS``; all have defaults."""
        env = dict(os.environ if environment is None else environment)
        city = env.get("CITYBRAIN_CITY", "queens")
        root = Path(env.get("CITYBRAIN_ROOT", str(PROJECT_ROOT))).resolve()
        home = Path(env.get("CITYBRAIN_HOME", str(root / "var" / city))).resolve()
        return cls(
            city=city,
            home=home,
            root=root,
            catalog_uri=env.get("CITYBRAIN_CATALOG_URI", f"sqlite:///{home}/catalog.db"),
            memory_limit=env.get("CITYBRAIN_MEMORY_LIMIT", "2GB"),
            threads=int(env.get("CITYBRAIN_THREADS", "2")),
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
        """The Iceberg warehouse: accepted Parquet."""
        return self.home / "tables"

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
            ContractError: nobody knows the connection.
        """
        variable = f"CITYBRAIN_CONN_{name.upper()}"
        if uri := self.environment.get(variable):
            return uri
        for resolver in _resolvers:
            if uri := resolver(name):
                return uri
        raise ContractError(
            f"no connection named {name!r}",
            remedy=f"set {variable} or make the Airflow connection {name!r}",
        )
