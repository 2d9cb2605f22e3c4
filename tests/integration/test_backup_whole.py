"""A city comes back from its backup: marts, briefs and every number's trace, under another path."""

from __future__ import annotations

import hashlib
import shutil
from datetime import date
from pathlib import Path

import duckdb

from lake.backup import create, restore
from lake.briefs import trace, verify
from lake.ledger import Ledger
from lake.marts import build, query
from lake.marts.publish import current
from lake.reconcile import reconcile
from lake.settings import PROJECT_ROOT, Settings


def published(settings: Settings) -> dict[str, str]:
    """Every published file by path with the digest of its bytes."""
    return {
        str(path.relative_to(settings.published)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(settings.published.rglob("*"))
        if path.is_file()
    }


def test_the_city_of_yesterday_is_there_again(queens: Settings, tmp_path: Path) -> None:
    create(tmp_path / "store", queens, keys=tmp_path / "keys")
    there = Settings.from_environment(
        {**queens.environment, "CITYBRAIN_HOME": str(tmp_path / "home"), "CITYBRAIN_ROOT": str(PROJECT_ROOT)}
    )
    done = restore(tmp_path / "store", there, keys=tmp_path / "keys")
    assert (done.events_lost, done.without_keys) == (0, ())
    assert Ledger(there).events() == Ledger(queens).events()
    assert [row for row in reconcile(there) if row.unaccounted] == []
    assert published(there) == published(queens)
    assert current(there) == current(queens)
    counted = "SELECT count(*) FROM overview.city_daily"
    assert query(there, counted).rows == query(queens, counted).rows
    (issue,) = there.issues.glob("B01/*/4/issue-1")
    traced = trace(there, issue, "appeals")
    assert traced.files
    assert all(Path(file.path).is_relative_to(there.home) for file in traced.files)
    assert verify(there, issue) == []
    (records,) = duckdb.sql(f"SELECT count(*) FROM read_parquet({[file.path for file in traced.files]})").fetchone()
    assert records == sum(file.records for file in traced.files)
    # What is there is what was built: nothing has to be built again.
    assert not build(there, date(2023, 4, 3)).is_new
    shutil.rmtree(there.home)
