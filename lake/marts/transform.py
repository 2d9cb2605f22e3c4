"""Runs dbt in this process over the private file of a build, and says what failed without showing a cell."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from lake.engine import connect, extension_file
from lake.errors import BuildFailed
from lake.marts.checks import Check, Checked, compiled_of, run_checks
from lake.marts.pins import Pins, write_json
from lake.marts.promised import broken_promises
from lake.marts.seeds import lay_seeds
from lake.settings import Settings

_NAMED_FAILURES = 5
_KEPT = 6
_BROKEN = ("error", "runtime error")
_ERROR_KIND = re.compile(r"(Compilation|[A-Z][A-Za-z ]{2,30}) Error\b")
LOG = "log.json"
PRIVATE_FILE = "build.duckdb"


@dataclass(frozen=True)
class Outcome:
    """What dbt did: numbers of models and tests, and the names of tests that warned."""

    models: int
    tests: int
    warned: list[str]


def run(settings: Settings, pins: Pins, folder: Path, private: Path, *, with_seeds: bool) -> Outcome:
    """Seeds (unless carried on), the models by dbt, then their data tests.

    Raises:
        BuildFailed: a seed does not fit, a model cannot be built or a test fails; names it, with the number of rows.
    """
    if with_seeds:
        lay(settings, pins, folder, private)
    nodes = invoke(settings, pins, folder, private, ["run"])
    lines = [_line(node) for node in nodes]
    write_json(folder / LOG, {"nodes": lines})
    _raise_failures([_told(node) for node in nodes if str(node.status) in _BROKEN], folder, pins)
    checks = _checks(settings, pins, folder)
    parsed = manifest(settings, pins, folder)
    files = (file.path for table in pins.tables.values() for file in table.files)
    with connect(settings, private, read_only=True, extensions=("spatial",), reads=files) as duck:
        _raise_failures(broken_promises(duck, parsed), folder, pins)
        checked = list(run_checks(duck, checks))
    write_json(folder / LOG, {"nodes": lines + [_check_line(one) for one in checked]})
    _raise_failures([_told_check(one) for one in checked if one.status in (*_BROKEN, "fail")], folder, pins)
    return Outcome(
        models=sum(node.node.resource_type == "model" for node in nodes),
        tests=len(checked),
        warned=[one.check.name for one in checked if one.status == "warn"],
    )


def lay(settings: Settings, pins: Pins, folder: Path, private: Path) -> None:
    """Lay the seeds of the city into a build's file.

    Raises:
        BuildFailed: one does not fit its YAML.
    """
    parsed = manifest(settings, pins, folder)
    try:
        with connect(settings, private) as duck:
            lay_seeds(duck, parsed, settings.root / "dbt_project")
    except (duckdb.Error, ValueError) as error:  # seeds are ours and hold no cell of a department
        raise failed(f"a seed does not fit its YAML: {str(error).splitlines()[0]}", _read_log(folder), pins) from error


def invoke(settings: Settings, pins: Pins, folder: Path, private: Path, arguments: list[str]) -> list[Any]:
    """One dbt command over a private file; gives dbt's result of every node, failed ones too.

    Raises:
        BuildFailed: dbt could not even begin.
    """
    with _dbt(settings, private):
        parsed = manifest(settings, pins, folder)
        result = _runner(parsed).invoke([*arguments, *_common(settings, pins, folder)])
    if result.exception is not None:
        raise failed(f"dbt stopped: {_kind(result.exception)}", _read_log(folder), pins)
    return list(result.result.results)


def manifest(settings: Settings, pins: Pins, folder: Path) -> Any:
    """The parsed project. Parsing takes seconds, so it is kept under the hash of all that it depends on."""
    from dbt.contracts.graph.manifest import Manifest
    from filelock import FileLock

    kept = _kept(settings, pins, "msgpack")
    kept.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(kept.with_suffix(".lock")):  # two who need it at once parse it once
        if kept.exists():
            return Manifest.from_msgpack(kept.read_bytes())
        with _dbt(settings, folder / PRIVATE_FILE):
            result = _runner(None).invoke(["parse", "--no-partial-parse", *_common(settings, pins, folder)])
        if result.exception is not None or not result.success:
            raise failed("the dbt project cannot be parsed", _read_log(folder), pins)
        _keep(kept, result.result.to_msgpack())
        return result.result


def _checks(settings: Settings, pins: Pins, folder: Path) -> list[Check]:
    """The data tests as SQL; compiled once and kept like the parsed project, for they depend on nothing else."""
    kept = _kept(settings, pins, "checks.json")
    if kept.exists():
        return [Check(**check) for check in json.loads(kept.read_text(encoding="utf-8"))]
    nodes = invoke(settings, pins, folder, folder / PRIVATE_FILE, ["compile", "--select", "test_type:data"])
    _raise_failures([_told(node) for node in nodes if str(node.status) in _BROKEN], folder, pins)
    checks = compiled_of([node.node for node in nodes])
    _keep(kept, json.dumps([asdict(check) for check in checks], ensure_ascii=False).encode())
    return checks


def _kept(settings: Settings, pins: Pins, suffix: str) -> Path:
    """Where something is kept that depends on the project, the city and dbt alone."""
    from dbt.version import __version__ as dbt_version

    parts = [pins.code_hash, pins.seeds_hash, pins.city, pins.zone, str(settings.root), dbt_version]
    digest = hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]
    return settings.parsed / f"{digest}.{suffix}"


def _keep(kept: Path, content: bytes) -> None:
    """Whole or not at all; of what was kept before the newest stay, for homes may share the room."""
    beside = kept.with_suffix(f".{os.getpid()}.tmp")
    beside.write_bytes(content)
    beside.replace(kept)
    suffix = kept.name.partition(".")[2]
    for older in sorted(kept.parent.glob(f"*.{suffix}"), key=lambda path: path.stat().st_mtime)[:-_KEPT]:
        older.unlink(missing_ok=True)


def failed(cause: str, remedy: str, pins: Pins | None = None) -> BuildFailed:
    """A failure that says that nothing published was touched."""
    return BuildFailed(f"{cause}; what is published stays as it was", remedy=remedy, day=pins.as_of if pins else None)


def _common(settings: Settings, pins: Pins, folder: Path) -> list[str]:
    project = settings.root / "dbt_project"
    return [
        "--project-dir", str(project), "--profiles-dir", str(project),
        "--target-path", str(folder / "target"), "--log-path", str(folder / "logs"),
        "--vars", json.dumps({"city": pins.city, "zone": pins.zone, "inputs": _inputs(project, pins.city)}),
        # dbt's own logs and results quote what DuckDB quotes, cells included; `log.json` is ours.
        "--log-level", "none", "--log-level-file", "none", "--no-write-json", "--no-version-check",
        "--no-send-anonymous-usage-stats",
    ]  # fmt: skip


def _inputs(project: Path, city: str) -> list[str]:
    """What a city gives to core: the names of its `input_*` models without the prefix."""
    found = (project / "models" / "staging" / city).rglob("input_*.sql")
    return sorted(path.stem.removeprefix("input_") for path in found)


def _runner(manifest: Any) -> Any:
    from dbt.cli.main import dbtRunner

    return dbtRunner(manifest=manifest)


@contextlib.contextmanager
def _dbt(settings: Settings, private: Path) -> Iterator[None]:
    """The environment profiles.yml reads, and a connection that is closed afterwards, or the file stays locked."""
    spill = settings.staging / "tmp"
    spill.mkdir(parents=True, exist_ok=True)
    wanted = {
        "CITYBRAIN_BUILD_FILE": str(private),
        "CITYBRAIN_BUILD_MEMORY": settings.memory_limit,
        "CITYBRAIN_BUILD_THREADS": str(settings.threads),
        "CITYBRAIN_BUILD_SPILL": str(spill),
        "CITYBRAIN_SPATIAL_EXTENSION": str(extension_file("spatial")),
    }
    from lake.marts.dbt_connection import reading_for

    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        with reading_for(settings):
            yield
    finally:
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        DuckDBConnectionManager.close_all_connections()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _raise_failures(told: Sequence[str], folder: Path, pins: Pins) -> None:
    if not told:
        return
    more = f" and {len(told) - _NAMED_FAILURES} more" if len(told) > _NAMED_FAILURES else ""
    raise failed("; ".join(told[:_NAMED_FAILURES]) + more, _read_log(folder), pins)


def _told(node: Any) -> str:
    return f"{node.node.resource_type} {node.node.name} could not be made ({_kind(node.message)})"


def _told_check(one: Checked) -> str:
    if one.status == "fail":
        return f"test {one.check.name} failed in {one.failures} rows"
    return f"test {one.check.name} could not be made ({_kind(one.message)})"


def _line(node: Any) -> dict[str, Any]:
    """What one node came to; of a message only the kind, for the text may quote a cell."""
    status = str(node.status)
    return {
        "node": node.node.unique_id,
        "status": status,
        "seconds": round(node.execution_time, 3),
        "rows_failed": node.failures,
        "error": _kind(node.message) if status in _BROKEN else None,
    }


def _check_line(one: Checked) -> dict[str, Any]:
    """The same of a test, with its SQL where it is needed."""
    return {
        "node": one.check.id,
        "status": one.status,
        "seconds": round(one.seconds, 3),
        "rows_failed": one.failures,
        "error": _kind(one.message) if one.status in _BROKEN else None,
        **({"sql": one.check.sql} if one.status != "pass" else {}),
    }


def _read_log(folder: Path) -> str:
    return (
        f"look at builds/{folder.name}/{LOG}; a test's SQL stands in it, a model's in target/compiled; "
        f"run it on {PRIVATE_FILE}"
    )


def _kind(message: object) -> str:
    """Kind of a database error without its text: DuckDB quotes the value that it could not convert."""
    for line in str(message).splitlines():
        if found := _ERROR_KIND.match(line.strip()):
            return found[0]
    return type(message).__name__ if isinstance(message, BaseException) else "error"
