"""The ledger's events as OpenLineage's: a load, a build, a brief is a run; tables, marts and issues are its datasets.

Run ids come from the event itself, so that sending one twice is nothing new. A name says what a thing is in the lake;
no address of a source, no credential and no value is in an event.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lake.contracts import load_contracts
from lake.contracts.model import Contract
from lake.ledger import COMMITTED, HELD, ISSUED, PUBLISHED, Event
from lake.settings import Settings, secret_of

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent

PRODUCER = "urn:citybrain:lake"
TIMEOUT_S = 5.0


def receivers(settings: Settings) -> list[tuple[str, Callable[[Sequence[Event]], None]]]:
    """By HTTP, to a file, both or none, as the environment says."""
    env, found = settings.environment, []
    if url := env.get("OPENLINEAGE_URL"):
        key = secret_of(env, "OPENLINEAGE_API_KEY")
        found.append(("openlineage", lambda events: _send(settings, events, _by_http(url, key))))
    if path := env.get("CITYBRAIN_OPENLINEAGE_FILE"):
        found.append(("openlineage-file", lambda events: _send(settings, events, _to_file(path))))
    return found


def run_events(settings: Settings, events: Sequence[Event]) -> list[RunEvent]:
    """What the ledger's events are to OpenLineage, in order."""
    contracts = {contract.dataset: contract for contract in load_contracts(settings)}
    make = {COMMITTED: _load, HELD: _load, PUBLISHED: _build, ISSUED: _issue}
    return [make[event.kind](event, settings, contracts) for event in events if event.kind in make]


def _send(settings: Settings, events: Sequence[Event], transport: Any) -> None:
    try:
        for event in run_events(settings, events):
            transport.emit(event)
    finally:
        transport.close()


def _by_http(url: str, key: str | None) -> Any:
    from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport, TokenProvider

    auth = ApiKeyTokenProvider({"apiKey": key}) if key else TokenProvider({})
    retry = {"total": 1, "backoff_factor": 0.2, "status_forcelist": [502, 503, 504], "allowed_methods": ["POST"]}
    return HttpTransport(HttpConfig(url=url, timeout=TIMEOUT_S, auth=auth, retry=retry))


def _to_file(path: str) -> Any:
    from openlineage.client.transport.file import FileConfig, FileTransport

    return FileTransport(FileConfig(log_file_path=path, append=True))


def _load(event: Event, settings: Settings, contracts: dict[str, Contract]) -> RunEvent:
    from openlineage.client import event_v2 as lineage
    from openlineage.client.generated import data_quality_assertions_dataset as checks
    from openlineage.client.generated import data_quality_metrics_input_dataset as quality
    from openlineage.client.generated import dataset_version_dataset as version
    from openlineage.client.generated import error_message_run as failure
    from openlineage.client.generated import output_statistics_output_dataset as statistics

    dataset, said = str(event.dataset), event.payload
    contract = contracts.get(dataset)
    totals = {name: sum(day.get(name, 0) for day in said["days"]) for name in ("delivered", *_COUNTED)}
    is_held = event.kind == HELD
    is_whole = is_held or totals["delivered"] == sum(totals[name] for name in _COUNTED)
    assertions = [
        checks.Assertion(assertion="every record accounted for", success=is_whole),
        *(
            checks.Assertion(assertion=str(warning["id"]), success=False, column=warning.get("column"), severity="warn")
            for warning in said.get("warnings", ())
        ),
    ]
    source = lineage.InputDataset(
        namespace=f"{_namespace(settings)}.sources",
        name=dataset,
        inputFacets={
            "dataQualityAssertions": checks.DataQualityAssertionsDatasetFacet(assertions=assertions),
            "dataQualityMetrics": quality.DataQualityMetricsInputDatasetFacet(
                columnMetrics={}, rowCount=totals["delivered"]
            ),
        },
    )
    facets: dict[str, Any] = {"schema": _schema(contract)} if contract else {}
    if said.get("snapshot_id"):
        facets["version"] = version.DatasetVersionDatasetFacet(datasetVersion=str(said["snapshot_id"]))
    table = contract.table if contract else "__".join(dataset.split(".")[1:])
    accepted = lineage.OutputDataset(
        namespace=_namespace(settings),
        name=f"accepted.{table}",
        facets=facets,
        outputFacets={"outputStatistics": statistics.OutputStatisticsOutputDatasetFacet(rowCount=totals["accepted"])},
    )
    run_facets: dict[str, Any] = {"citybrain_counts": _counts(totals)}
    if is_held:
        run_facets["errorMessage"] = failure.ErrorMessageRunFacet(
            message=f"{said['kind']}: {said['cause']}", programmingLanguage="Python"
        )
    return _run(event, settings, f"load.{dataset}", [source], [accepted], facets=run_facets, is_failed=is_held)


def _build(event: Event, settings: Settings, contracts: dict[str, Contract]) -> RunEvent:
    from openlineage.client import event_v2 as lineage
    from openlineage.client.generated import dataset_version_dataset as version

    try:
        pins = json.loads((settings.builds / event.subject / "pins.json").read_text(encoding="utf-8"))["tables"]
    except (FileNotFoundError, ValueError):  # an old build, of which only the record is left
        pins = {contract.table: {"snapshot_id": None} for contract in contracts.values()}
    inputs = []
    for name, pinned in sorted(pins.items()):
        known = pinned["snapshot_id"]
        facets: dict[str, Any] = {}
        if known:
            facets["version"] = version.DatasetVersionDatasetFacet(datasetVersion=str(known))
        inputs.append(lineage.InputDataset(namespace=_namespace(settings), name=f"accepted.{name}", facets=facets))
    marts = lineage.OutputDataset(
        namespace=_namespace(settings),
        name="published.marts",
        facets={"version": version.DatasetVersionDatasetFacet(datasetVersion=event.subject)},
    )
    return _run(event, settings, "marts.build", inputs, [marts])


def _issue(event: Event, settings: Settings, contracts: dict[str, Contract]) -> RunEvent:
    from openlineage.client import event_v2 as lineage
    from openlineage.client.generated import dataset_version_dataset as version

    build = str(event.payload.get("build_id", ""))
    facets: dict[str, Any] = {"version": version.DatasetVersionDatasetFacet(datasetVersion=build)} if build else {}
    marts = lineage.InputDataset(namespace=_namespace(settings), name="published.marts", facets=facets)
    issue = lineage.OutputDataset(namespace=_namespace(settings), name=f"issues/{event.subject}")
    return _run(event, settings, f"brief.{event.subject.partition('/')[0]}", [marts], [issue])


_COUNTED = ("accepted", "quarantined", "unchanged")


def _run(
    event: Event,
    settings: Settings,
    job: str,
    inputs: list[Any],
    outputs: list[Any],
    *,
    facets: dict[str, Any] | None = None,
    is_failed: bool = False,
) -> RunEvent:
    from openlineage.client import event_v2 as lineage
    from openlineage.client.uuid import generate_static_uuid

    run_id = generate_static_uuid(datetime.fromisoformat(event.at), event.id.encode())
    return lineage.RunEvent(
        eventTime=event.at,
        eventType=lineage.RunState.FAIL if is_failed else lineage.RunState.COMPLETE,
        producer=PRODUCER,
        run=lineage.Run(runId=str(run_id), facets=facets or {}),
        job=lineage.Job(namespace=_namespace(settings), name=job),
        inputs=inputs,
        outputs=outputs,
    )


def _schema(contract: Contract) -> Any:
    from openlineage.client.generated import schema_dataset as schema

    return schema.SchemaDatasetFacet(
        fields=[
            schema.SchemaDatasetFacetFields(
                name=column.name, type=column.lake_type, description=column.description, ordinal_position=number
            )
            for number, column in enumerate(contract.kept, start=1)
        ]
    )


def _counts(totals: dict[str, int]) -> Any:
    """A facet of our own, which the standard has none for: where the delivered records went."""
    import attr
    from openlineage.client.generated.base import RunFacet

    @attr.define
    class CountsRunFacet(RunFacet):
        delivered: int = attr.field(default=0)
        accepted: int = attr.field(default=0)
        quarantined: int = attr.field(default=0)
        unchanged: int = attr.field(default=0)

        @staticmethod
        def _get_schema() -> str:
            return f"{PRODUCER}:counts-run-facet"

    return CountsRunFacet(**totals, producer=PRODUCER)


def _namespace(settings: Settings) -> str:
    return f"citybrain.{settings.city}"
