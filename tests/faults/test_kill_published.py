"""kill -9 while marts are built and published and a brief is issued: readers see the old or the new, whole."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import briefs_city
import duckdb
import pytest
from forge import Forge
from town import DEFECT, MONDAY, WINDOW, Town, defects, inventory, is_rebuilt_alike, told

from lake.contracts.model import Window
from lake.load import load
from lake.settings import PROJECT_ROOT, Settings

PROJECT = {
    "dbt_project.yml": """
name: citybrain
version: 0.1.0
config-version: 2
profile: citybrain
models: {citybrain: {+materialized: table, core: {+schema: core}, marts: {+schema: roads}}}
""",
    "models/sources.yml": "sources: [{name: lake, tables: [{name: road__defect}]}]\n",
    "models/core/fct_defect.sql": "select id, ds, title from {{ source('lake', 'road__defect') }}\n",
    "models/marts/defects_daily.sql": "select ds, count(*) as defects_n from {{ ref('fct_defect') }} group by ds\n",
    "models/models.yml": """
models:
  - name: fct_defect
    description: one row per version
    columns: [{name: id, description: number, data_tests: [not_null]}]
  - name: defects_daily
    description: one row per day
    columns: [{name: ds, description: day}]
""",
}
AS_OF = "2023-03-07"


@pytest.fixture(scope="module")
def built(forge: Forge, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Town, dict[str, Any]]]:
    """A town whose Monday is published and whose Tuesday is loaded; and what publishing makes of it."""
    town = Town(tmp_path_factory.mktemp("town")).found()
    project = town.base / "root" / "dbt_project"
    for name, content in PROJECT.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(content)
    shutil.copy(PROJECT_ROOT / "dbt_project" / "profiles.yml", project)
    (project / "macros").mkdir()
    shutil.copy(PROJECT_ROOT / "dbt_project" / "macros" / "schemas.sql", project / "macros")
    town.deliver("defect_20230306.csv", defects((1, "a"), (2, "b")))
    load(DEFECT, Window(MONDAY, MONDAY), town.settings)
    first = forge.run("publish", town.environment, AS_OF)
    assert first.error == "", first
    town.deliver("defect_20230307.csv", defects((2, "c")))
    load(DEFECT, WINDOW, town.settings)
    town.remember()
    ended = forge.run("publish", town.environment, AS_OF)
    assert ended.error == "", ended
    assert ended.result != first.result
    yield town, published(town.settings)


def published(settings: Settings) -> dict[str, Any]:
    """What readers see, byte for byte, and what the ledger and the disk have of it."""
    current = settings.published / "current"
    return {
        "current": current.readlink().name,
        "bytes": {
            path.relative_to(settings.published).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in settings.published.rglob("*.duckdb")
        },
        "events": told(settings),
        "rebuilt alike": is_rebuilt_alike(settings),
        "files": {name: n for name, n in inventory(settings.home).items() if "/target/" not in name},
    }


def days_published(settings: Settings) -> int:
    with duckdb.connect(str(settings.published / "current" / "marts.duckdb"), read_only=True) as connection:
        (days,) = connection.execute("SELECT count(*) FROM roads.defects_daily").fetchone()
    return int(days)


@pytest.mark.parametrize(
    ("boundary", "days_seen"),
    [
        ("build.pinned", 1),
        ("build.prepared", 1),
        ("build.tested", 1),
        ("publish.written", 1),
        ("publish.copied", 1),
        ("publish.linked", 2),
    ],
)
def test_marts_killed_at_a_boundary_are_the_old_or_the_new(
    built: tuple[Town, dict[str, Any]], forge: Forge, boundary: str, days_seen: int
) -> None:
    town, expected = built
    assert expected["rebuilt alike"] is True
    town.restore()
    assert forge.run("publish", town.environment, AS_OF, die_at=boundary).signal == signal.SIGKILL
    assert days_published(town.settings) == days_seen
    assert forge.run("publish", town.environment, AS_OF).error == ""
    assert published(town.settings) == expected


@pytest.mark.parametrize(("moment", "days_seen"), [("", 1), ("build.prepared", 1), ("publish.written", 2)])
def test_a_full_disk_leaves_what_is_published(
    built: tuple[Town, dict[str, Any]], forge: Forge, moment: str, days_seen: int
) -> None:
    town, _ = built
    town.restore()
    ended = forge.run("publish_full", town.environment, AS_OF, moment)
    assert ended.error == "", ended
    assert ended.result["error"] in ("StorageFull", "BuildFailed"), ended.result
    assert ended.result["outcome"] == "published"
    assert ended.result["days before and after"] == [days_seen, 2]


@pytest.mark.parametrize("boundary", ["issue.rendered", "issue.renamed"])
def test_a_brief_killed_at_a_boundary_is_issued_once(settings: Settings, forge: Forge, boundary: str) -> None:
    briefs_city.publish(settings)
    environment = {"CITYBRAIN_HOME": str(settings.home), "CITYBRAIN_ROOT": str(PROJECT_ROOT)}
    arguments = ("B01", "2023-04-03", "401")
    assert forge.run("issue", environment, *arguments, die_at=boundary).signal == signal.SIGKILL
    whole = list(settings.issues.glob("B01/*/*/issue-*"))
    assert len(whole) == (boundary == "issue.renamed")
    ended = forge.run("issue", environment, *arguments)
    assert ended.error == "", ended
    (folder,) = settings.issues.glob("B01/*/*/issue-*")
    assert ended.result == [str(folder)]
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in manifest["files"]} == (
        manifest["files"]
    )
    assert [event[:2] for event in told(settings)] == [("issued", folder.relative_to(settings.issues).as_posix())]
    assert is_rebuilt_alike(settings)
    assert not [path for path in Path(settings.issues / ".incoming").rglob("*") if path.is_file()]
