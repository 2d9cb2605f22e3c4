"""Onboarding: from a department's source to contract, suite and staging model, and what a person has to decide.

``draft`` looks at a sample through the connector and the reader that will load it, and writes files; ``rehearse``
shows what a load would do and leaves everything as it was.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from lake.admission.suites import check_suite
from lake.connectors import check_arguments
from lake.contracts import check
from lake.contracts.documents import Mistake
from lake.contracts.draft import DATASET_ID
from lake.engine import connect
from lake.errors import CitybrainError, ContractError
from lake.onboarding import write
from lake.onboarding.drop import FilesTaken, is_folder
from lake.onboarding.judge import Decision, Verdict, judge
from lake.onboarding.names import load_terms
from lake.onboarding.profile import profile
from lake.onboarding.rehearsal import Rehearsed, rehearse
from lake.onboarding.sample import Asked, Sample, Say
from lake.onboarding.table import TableTaken, is_text
from lake.settings import Settings

__all__ = ["Asked", "Decision", "Drafted", "Rehearsed", "Sample", "Verdict", "draft", "rehearse"]

DEFAULT_ZONE = "Asia/Shanghai"


@dataclass(frozen=True)
class Drafted:
    """A draft.

    Attributes:
        verdict: what is proposed and what it rests on.
        sample: what was looked at.
        files: path from the project's root → text.
        decisions_file: where the list of decisions lies.
        mistakes: what `citybrain contract check` says of the written files; empty when all is well.
    """

    verdict: Verdict
    sample: Sample
    files: dict[Path, str]
    decisions_file: Path
    mistakes: tuple[Mistake, ...] = ()


def draft(
    asked: Asked,
    settings: Settings,
    *,
    root: Path | None = None,
    force: bool = False,
    say: Say = lambda text: None,
) -> Drafted:
    """Draft contract, suite and staging model of a dataset.

    Args:
        asked: what is known.
        settings: the city's home; its vault takes the sample while it is looked at.
        root: project to write to; None = the one of `settings`.
        force: write over files that are there.
        say: called with a line of progress.

    Raises:
        ContractError: the source cannot be told from what was said, or a file is there already.
        SourceUnavailable, SourceLate, SourceRefused, DeliveryDamaged: as the connector raises them.
    """
    if not DATASET_ID.fullmatch(asked.dataset):
        raise ContractError(
            f"dataset id {asked.dataset!r} is not <city>.<department>.<name> in snake_case",
            remedy="give --dataset city.department.name",
        )
    city = asked.dataset.split(".")[0]
    root = root or settings.root
    settings = replace(settings, city=city, root=root)
    asked = replace(asked, zone=asked.zone or _zone_of(settings))
    names = [root / path for path in write.file_names(asked.dataset, root).values()]
    there = [path for path in names if path.exists()]
    if there and not force:
        raise ContractError(
            f"{there[0].relative_to(root)} is there already",
            remedy="give --force to write over it, or draft under another name with --dataset",
            dataset=asked.dataset,
        )
    with _taken(asked, settings, load_terms(root), say) as (duck, sample):
        profiled = profile(
            duck,
            sample.names,
            zone=asked.zone,
            serials_are_dates=sample.contract.source.connector == "excel_files",
            texts=[named.name for named in sample.names if is_text(sample.source_columns, named.source_name)],
            say=say,
        )
        say("looking for keys, days and personal data")
        verdict = judge(duck, sample, profiled, asked)
    files = _files(verdict, sample, root)
    city_file = Path("contracts", city, "city.yaml")
    if not (root / city_file).exists():
        files[city_file] = write.city_yaml(verdict)
        verdict = replace(verdict, decisions=(write.CITY_DECISION, *verdict.decisions))
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    listed = settings.home / "drafts" / f"{asked.dataset}.decisions.md"
    listed.parent.mkdir(mode=0o700, exist_ok=True)
    listed.write_text(
        write.decisions_markdown(verdict.contract, sample, verdict.profile, verdict.decisions), encoding="utf-8"
    )
    return Drafted(verdict, sample, files, listed, tuple(_mistakes(files, verdict, settings)))


@contextmanager
def _taken(
    asked: Asked, settings: Settings, terms: dict[str, str], say: Say
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Sample]]:
    """A connection with the table ``seen``, and what is known of the source; both go when the draft is made."""
    settings.make_home()
    room = Path(tempfile.mkdtemp(prefix="draft-", dir=settings.staging))
    duck = connect(replace(settings, home=room), extensions=("excel",))
    try:
        take = FilesTaken if is_folder(asked, settings) else TableTaken
        yield duck, take(asked, settings, room, terms, say).into(duck)
    except duckdb.Error as error:
        raise CitybrainError(  # the database's own words quote cells
            f"the database stopped the profiling ({type(error).__name__})",
            remedy="raise CITYBRAIN_MEMORY_LIMIT; if that does not help it is a fault of ours",
            dataset=asked.dataset,
        ) from None
    finally:
        duck.close()
        shutil.rmtree(room, ignore_errors=True)


def _files(verdict: Verdict, sample: Sample, root: Path) -> dict[Path, str]:
    places = write.file_names(verdict.contract.dataset, root)
    files: dict[Path, str] = {}
    for contract in verdict.versions:
        path = Path(places["contract"])
        if contract is not verdict.contract:
            path = path.with_name(f"{path.stem}@{contract.version}.yaml")
        files[path] = write.contract_yaml(contract, sample)
    files[Path(places["suite"])] = write.suite_yaml(verdict)
    files[Path(places["model"])] = write.staging_sql(verdict, places["model"].stem)
    files[Path(places["properties"])] = write.staging_yaml(verdict, places["model"].stem)
    return files


def _mistakes(files: dict[Path, str], verdict: Verdict, settings: Settings) -> Iterator[Mistake]:
    """What `citybrain contract check` says of the written files."""
    yield from check(settings, [settings.root / path for path in files if path.parts[0] == "contracts"])
    for contract in verdict.versions:
        problems = [("contract", text) for text in check_arguments(contract)]
        problems += [("suite", text) for text in check_suite(contract, settings)]
        for kind, text in problems:
            yield Mistake(str(write.file_names(contract.dataset, settings.root)[kind]), 1, text, f"correct the {kind}")


def _zone_of(settings: Settings) -> str:
    path = settings.root / "contracts" / settings.city / "city.yaml"
    if not path.is_file():
        return DEFAULT_ZONE
    from lake.contracts.city import load_city

    return load_city(settings).zone
