"""Finds a city's contracts, reads each once, and says which version holds on a day.

Files: ``contracts/<city>/<department>/<dataset>.yaml`` is the newest version; earlier ones lie beside it as
``<dataset>@<version>.yaml``.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from lake.contracts import cache, rules
from lake.contracts import draft as drafting
from lake.contracts.documents import Mistake, Page, hold_against, nearest
from lake.contracts.draft import Draft
from lake.contracts.model import Contract, Window, period_of
from lake.errors import ContractError
from lake.settings import Settings

CITY_FILE = "city.yaml"
CARE_FILE = "care.yaml"
"""Who is told when something is late; read by `lake.watch.rules`."""

Versions = dict[str, tuple[Contract, ...]]
"""Dataset id → its versions, oldest first."""


@dataclass(frozen=True)
class Examined:
    """What a look at a city's files found.

    Attributes:
        mistakes: by file and line.
        versions: of the datasets that have no mistake.
    """

    mistakes: tuple[Mistake, ...]
    versions: Versions


_read_before: dict[tuple[Path, str], tuple[str, Versions]] = {}
_lock = threading.Lock()


def load_contracts(settings: Settings) -> list[Contract]:
    """The newest version of every dataset of the city, by id.

    Raises:
        ContractError: a contract is wrong; the cause names file and line of every mistake.
    """
    return [versions[-1] for _, versions in sorted(_versions(settings).items())]


def versions_of(dataset: str, settings: Settings) -> tuple[Contract, ...]:
    """All versions of a dataset, oldest first.

    Raises:
        ContractError: there is no such dataset, or a contract is wrong.
    """
    versions = _versions(settings)
    if dataset not in versions:
        raise ContractError(
            f"no dataset {dataset!r} in city {settings.city!r}",
            remedy=nearest(dataset, versions) if versions else "write its contract",
            dataset=dataset,
        )
    return versions[dataset]


def contract_for(dataset: str, day: date, settings: Settings) -> Contract:
    """The version that holds on a business day.

    Raises:
        ContractError: there is no such dataset, no version held yet, or a contract is wrong.
    """
    versions = versions_of(dataset, settings)
    for contract in reversed(versions):
        if contract.valid_from <= day:
            return contract
    raise ContractError(
        f"the first version is valid from {versions[0].valid_from}",
        remedy="load from that day on, or write a version for the time before",
        dataset=dataset,
        day=day,
    )


def spans(dataset: str, window: Window, settings: Settings) -> list[tuple[Contract, Window]]:
    """The window cut where one version of the contract gives way to the next, in order.

    A file has the layout of its day, whenever it is loaded. A source that answers queries has the layout of now for
    all its days, so one that is asked is asked by the newest version in force. A month belongs to the version that
    held on its first day.

    Raises:
        ContractError: there is no such dataset, no version held yet, or a contract is wrong.
    """
    versions = versions_of(dataset, settings)
    contract_for(dataset, window.first, settings)  # says so when no version held yet
    today = datetime.now(ZoneInfo(versions[-1].zone)).date()
    newest = next((v for v in reversed(versions) if v.valid_from <= max(today, window.last)), versions[0])
    found: list[tuple[Contract, Window]] = []
    starts = [_holds_from(version) for version in versions]
    for number, version in enumerate(versions):
        first = max(window.first, starts[number]) if number else window.first
        last = min(window.last, starts[number + 1] - timedelta(days=1)) if number + 1 < len(versions) else window.last
        if last < first:
            continue
        asked_by = version if version.is_by_file or version.source != newest.source else newest
        if found and found[-1][0].version == asked_by.version:
            first = found.pop()[1].first
        found.append((asked_by, Window(first, last)))
    return found


def _holds_from(contract: Contract) -> date:
    """A version holds for whole periods: from the one that begins on `valid_from` or next after it."""
    period = period_of(contract.cadence, contract.valid_from)
    return period.first if period.first == contract.valid_from else period.last + timedelta(days=1)


def check(settings: Settings, paths: Iterable[Path] | None = None) -> list[Mistake]:
    """Every mistake in the city's contracts and its city file, by file and line.

    Args:
        settings: root and city.
        paths: only these files; their other versions are read too, since some mistakes lie between versions.
    """
    return list(examine(settings, paths).mistakes)


def examine(settings: Settings, paths: Iterable[Path] | None = None) -> Examined:
    """Read files afresh; the mistakes, and the contracts of the datasets that have none."""
    if paths is None:
        files = _files(settings)
        wanted = None
    else:
        wanted = {path.resolve() for path in paths}
        files = sorted({sibling for path in wanted for sibling in _siblings(path)})
    mistakes: list[Mistake] = []
    versions: Versions = {}
    if paths is None or any(path.name == CITY_FILE for path in wanted or ()):
        from lake.contracts.city import check_city

        city = settings.root / "contracts" / settings.city / CITY_FILE
        city = next((path for path in wanted or () if path.name == CITY_FILE), city)
        mistakes += check_city(city, _shown(city, settings))
    for group in _by_dataset(files):
        pages, drafts = _examine_dataset(group, settings)
        found = [mistake for page in pages for mistake in page.mistakes]
        shown = {_shown(path, settings) for path in group if wanted is None or path in wanted}
        mistakes += [mistake for mistake in found if mistake.file in shown]
        if not found and drafts:
            versions[drafts[-1].contract.dataset] = tuple(each.contract for each in drafts)
    return Examined(tuple(sorted(set(mistakes))), versions)


def line_of(contract: Contract, name: str) -> int:
    """Line of an own property of the dataset, such as ``arguments``, in the contract's file; 1 when it is not said."""
    path = Path(contract.path)
    page = Page.read(path.name, path.read_bytes())
    return page.line(drafting.draft(page, path).place(name)) if page.document is not None else 1


def _examine_dataset(group: list[Path], settings: Settings) -> tuple[list[Page], list[Draft]]:
    from open_data_contract_standard.model import OpenDataContractStandard

    pages: list[Page] = []
    drafts: dict[Path, tuple[Page, Draft]] = {}
    for path in group:
        page = Page.read(_shown(path, settings), path.read_bytes())
        pages.append(page)
        _check_name(path, page, settings)
        if page.document is None:
            continue
        hold_against(page, OpenDataContractStandard)
        drafts[path] = (page, drafting.draft(page, path))
        for place, message, remedy in rules.findings(drafts[path][1]):
            page.wrong(page.line(drafts[path][1].place(place)), message, remedy)
    ordered = _in_order([each for _, each in drafts.values()])
    if ordered and "@" in Path(ordered[-1].contract.path).stem:
        page = drafts[Path(ordered[-1].contract.path)][0]
        page.wrong(1, "earlier versions without the newest beside them", "name the newest <dataset>.yaml, without @")
    elif ordered:
        for late, (place, message, remedy) in rules.findings_across(ordered):
            page = drafts[Path(late.contract.path)][0]
            page.wrong(page.line(late.place(place)), message, remedy)
    return pages, ordered


def _check_name(path: Path, page: Page, settings: Settings) -> None:
    if path.suffix != ".yaml" or path.parent.parent.name != settings.city:
        page.wrong(
            1,
            "the file is not where contracts are looked for",
            f"name it contracts/{settings.city}/<department>/<dataset>.yaml",
        )
    _, at, version = path.stem.partition("@")
    if at and page.document is not None and page.document.get("version") != version:
        page.wrong(
            page.line(("version",)),
            "the version is not the one in the file's name",
            f"write {version}, or name the file <dataset>@<version>.yaml",
        )


def _versions(settings: Settings) -> Versions:
    """Read what is right, or raise; from memory or the cache when no byte has changed."""
    place = (settings.root, settings.city)
    files = {str(path.relative_to(settings.root)): path.read_bytes() for path in _files(settings)}
    key = cache.fingerprint(files)
    with _lock:
        if place not in _read_before or _read_before[place][0] != key:
            documents = cache.recall(settings, "contracts", key)
            _read_before[place] = (key, _again(documents, settings) if documents else _read(settings, files, key))
        return _read_before[place][1]


def _read(settings: Settings, files: dict[str, bytes], key: str) -> Versions:
    if not files:
        raise ContractError(
            f"no contracts in contracts/{settings.city}/",
            remedy="set CITYBRAIN_CITY and CITYBRAIN_ROOT, or write a contract",
        )
    examined = examine(settings, [settings.root / file for file in files])
    if examined.mistakes:
        raise ContractError(
            "; ".join(f"{mistake.file}:{mistake.line}: {mistake.message}" for mistake in examined.mistakes),
            remedy="run `citybrain contract check`, which says what to write",
        )
    documents = {file: Page.read(file, data).plain() for file, data in files.items()}
    cache.keep(settings, "contracts", key, documents)
    return examined.versions


def _again(documents: dict[str, Any], settings: Settings) -> Versions:
    """Contracts from documents that were found right before."""
    drafts: dict[str, list[Draft]] = {}
    for file, document in documents.items():
        read = drafting.draft(Page(file, document), settings.root / file)
        drafts.setdefault(read.contract.dataset, []).append(read)
    return {dataset: tuple(each.contract for each in _in_order(group)) for dataset, group in drafts.items()}


def _files(settings: Settings) -> list[Path]:
    """Every YAML file below the city's folder but the city file itself."""
    folder = settings.root / "contracts" / settings.city
    others = (folder / CITY_FILE, folder / CARE_FILE)
    return sorted(path for path in folder.rglob("*") if path.suffix in (".yaml", ".yml") and path not in others)


def _siblings(path: Path) -> list[Path]:
    """All versions of the dataset a file belongs to, the file itself first of all."""
    if path.name in (CITY_FILE, CARE_FILE):
        return []
    stem = path.stem.partition("@")[0]
    return [path, *(other for other in path.parent.glob("*.yaml") if other.stem.partition("@")[0] == stem)]


def _by_dataset(files: Iterable[Path]) -> list[list[Path]]:
    groups: dict[tuple[Path, str], list[Path]] = {}
    for path in files:
        groups.setdefault((path.parent, path.stem.partition("@")[0]), []).append(path)
    return list(groups.values())


def _in_order(drafts: list[Draft]) -> list[Draft]:
    """By version, the file without ``@`` last whatever it says."""
    return sorted(
        drafts,
        key=lambda each: (
            "@" not in Path(each.contract.path).stem,
            drafting.version_number(each.contract.version),
        ),
    )


def _shown(path: Path, settings: Settings) -> str:
    """Path as people write it: from the project's root."""
    return str(path.relative_to(settings.root)) if path.is_relative_to(settings.root) else str(path)
