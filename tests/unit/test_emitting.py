"""What others follow of the ledger: real receivers, and events held against the OpenLineage classes."""

from __future__ import annotations

import dataclasses
import json
import socket
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lake.contracts import load_contracts
from lake.ledger import Event, Ledger
from lake.settings import Settings
from lake.watch.emitting import emit
from lake.watch.lineage import run_events
from lake.watch.metrics import counts
from tests.servers.receiver import Receiver

DOT = "queens.dot.street_defect"
NOW = datetime(2023, 4, 4, 12, tzinfo=UTC)
DAY = {"day": "2023-04-03", "delivered": 10, "accepted": 7, "quarantined": 1, "unchanged": 2, "digest": "d"}
COMMIT = Event(
    "committed", f"{DOT}/2023-04-03-a", "2023-04-04T05:00:00+00:00", DOT,
    {"delivery": "2023-04-03-a", "snapshot_id": 4711, "days": [DAY], "replaced_days": [],
     "warnings": [{"id": "few_rows", "column": None, "failed_n": 1}]},
)  # fmt: skip
HOLD = Event(
    "held", f"{DOT}/2023-04-02-b", "2023-04-03T05:00:00+00:00", DOT,
    {"delivery": "2023-04-02-b", "kind": "PartitionHeld", "cause": "7 records without a key", "remedy": "r",
     "days": [{"day": "2023-04-02", "delivered": 7}]},
)  # fmt: skip
BUILD = Event("published", "2023-04-03-0123456789ab", "2023-04-04T05:30:00+00:00", None, {"build_id": "x"})
BRIEF = Event("issued", "B01/2023-04-03/4/issue-1", "2023-04-04T05:40:00+00:00", None, {"build_id": BUILD.subject})


@pytest.fixture
def home(settings: Settings) -> Settings:
    folder = settings.builds / BUILD.subject
    folder.mkdir(parents=True)
    (folder / "pins.json").write_text(json.dumps({"tables": {"dot__street_defect": {"snapshot_id": 4711}}}))
    (folder / "built.json").write_text("{}")
    Ledger(settings).record([HOLD, COMMIT, BUILD, BRIEF])
    return settings


def followed(settings: Settings, **variables: str) -> Settings:
    return dataclasses.replace(settings, environment={**settings.environment, **variables})


@pytest.fixture
def statsd() -> Iterator[tuple[str, socket.socket]]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        yield f"127.0.0.1:{server.getsockname()[1]}", server


def test_a_run_has_its_datasets_schema_and_counts(home: Settings) -> None:
    from openlineage.client.serde import Serde

    hold, commit, build, brief = (Serde.to_dict(each) for each in run_events(home, [HOLD, COMMIT, BUILD, BRIEF]))
    assert [each["eventType"] for each in (hold, commit, build, brief)] == ["FAIL", "COMPLETE", "COMPLETE", "COMPLETE"]
    assert (commit["job"]["namespace"], commit["job"]["name"]) == ("citybrain.queens", f"load.{DOT}")
    (output,) = commit["outputs"]
    assert output["name"] == "accepted.dot__street_defect"
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 7
    assert output["facets"]["version"]["datasetVersion"] == "4711"
    fields = {field["name"]: field["type"] for field in output["facets"]["schema"]["fields"]}
    (contract,) = [each for each in load_contracts(home) if each.dataset == DOT]
    assert fields == {column.name: column.lake_type for column in contract.kept}
    (source,) = commit["inputs"]
    assert source["inputFacets"]["dataQualityMetrics"]["rowCount"] == 10
    assertions = source["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert [(each["assertion"], each["success"]) for each in assertions] == [
        ("every record accounted for", True), ("few_rows", False),
    ]  # fmt: skip
    counted = commit["run"]["facets"]["citybrain_counts"]
    assert {name: counted[name] for name in ("delivered", "accepted", "quarantined", "unchanged")} == {
        "delivered": 10, "accepted": 7, "quarantined": 1, "unchanged": 2,
    }  # fmt: skip
    assert hold["run"]["facets"]["errorMessage"]["message"] == "PartitionHeld: 7 records without a key"
    # The way of a number: table → marts → issue, by the same names.
    assert [(each["namespace"], each["name"]) for each in build["inputs"]] == [(output["namespace"], output["name"])]
    assert [each["name"] for each in build["outputs"]] == [each["name"] for each in brief["inputs"]]
    assert brief["inputs"][0]["facets"]["version"]["datasetVersion"] == BUILD.subject


def test_run_ids_are_the_same_every_time_and_uuids(home: Settings) -> None:
    first, again = ([each.run.runId for each in run_events(home, [COMMIT, HOLD])] for _ in range(2))
    assert first == again
    assert len({uuid.UUID(each) for each in first}) == 2


def test_lineage_by_http_is_sent_once_and_again_on_demand(home: Settings) -> None:
    with Receiver(status=200) as server:
        following = followed(home, OPENLINEAGE_URL=server.url, OPENLINEAGE_API_KEY="s3cret")
        assert emit(following, now=NOW).events == 4
        path, headers, body = server.posts[0]
        assert (path, headers["Authorization"]) == ("/api/v1/lineage", "Bearer s3cret")
        assert body["run"]["runId"]
        assert emit(following, now=NOW).events == 0
        # One that comes into the ledger late, with an earlier time, is not passed over.
        late = dataclasses.replace(COMMIT, at="2023-04-02T05:00:00+00:00", subject=f"{DOT}/2023-04-01-c")
        Ledger(home).record([late])
        assert emit(following, now=NOW).events == 1
        assert emit(following, since=datetime(2023, 4, 4, 5, 20, tzinfo=UTC), now=NOW).events == 2
        # What never went out is not passed over because it is older than what is wanted again.
        Ledger(home).record([dataclasses.replace(late, subject=f"{DOT}/2023-04-01-d")])
        assert emit(following, since=datetime(2023, 4, 4, 5, 20, tzinfo=UTC), now=NOW).events == 3
    assert len(server.posts) == 10
    assert len({post[2]["run"]["runId"] for post in server.posts}) == 6


def test_lineage_to_a_file(home: Settings, tmp_path: Path) -> None:
    emit(followed(home, CITYBRAIN_OPENLINEAGE_FILE=str(tmp_path / "lineage.jsonl")), now=NOW)
    lines = [json.loads(line) for line in (tmp_path / "lineage.jsonl").read_text().splitlines()]
    assert [line["job"]["name"] for line in lines] == [f"load.{DOT}", f"load.{DOT}", "marts.build", "brief.B01"]


def test_a_receiver_that_is_away_is_sent_the_same_next_time(home: Settings) -> None:
    with Receiver(status=500) as server:
        following = followed(home, OPENLINEAGE_URL=server.url)
        done = emit(following, now=NOW)
        assert (done.events, [each.split(":")[0] for each in done.failed]) == (0, ["openlineage"])
        server.status = 200
        assert emit(following, now=NOW).events == 4


def test_statsd_counts_what_is_new_and_says_how_things_stand(home: Settings, statsd: tuple[str, socket.socket]) -> None:
    place, server = statsd
    following = followed(home, CITYBRAIN_STATSD=place)
    emit(following, now=NOW)
    first = _lines(server)
    assert not any("records" in line for line in first), "the past did not happen this minute"
    assert "citybrain.queens.late_hours.dot.street_defect:0.0|g" in first
    again = dataclasses.replace(COMMIT, at="2023-04-04T11:00:00+00:00")
    build = dataclasses.replace(BUILD, at="2023-04-04T11:01:00+00:00")
    Ledger(home).record([again, build])
    emit(following, now=NOW)
    second = _lines(server)
    assert {line for line in second if line.endswith("|c")} == {
        "citybrain.queens.loads.dot.street_defect.committed:1|c",
        "citybrain.queens.records.dot.street_defect.accepted:7|c",
        "citybrain.queens.records.dot.street_defect.quarantined:1|c",
        "citybrain.queens.records.dot.street_defect.unchanged:2|c",
        "citybrain.queens.builds:1|c",
    }
    assert any(line.startswith("citybrain.queens.build:") and line.endswith("|ms") for line in second)
    assert "citybrain.queens.last_success_age_hours.dot.street_defect:1.0|g" in second


def _lines(server: socket.socket) -> set[str]:
    """Everything that has arrived; StatsD packs several lines into a datagram."""
    found = server.recv(65536)
    server.setblocking(False)
    try:
        while True:
            found += b"\n" + server.recv(65536)
    except BlockingIOError:
        server.settimeout(5)
    return set(found.decode().splitlines())


def test_opentelemetry_over_http(home: Settings) -> None:
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    with Receiver(status=200) as server:
        following = followed(home, OTEL_EXPORTER_OTLP_ENDPOINT=server.url)
        emit(following, now=NOW)
        Ledger(home).record([dataclasses.replace(COMMIT, at="2023-04-04T11:00:00+00:00")])
        emit(following, now=NOW)
    path, _, body = server.posts[-1]
    assert path == "/v1/metrics"
    (resource,) = ExportMetricsServiceRequest.FromString(body).resource_metrics
    assert {a.key: a.value.string_value for a in resource.resource.attributes}["citybrain.city"] == "queens"
    metrics = {metric.name: metric for scope in resource.scope_metrics for metric in scope.metrics}
    points = {
        tuple(sorted((a.key, a.value.string_value) for a in point.attributes)): point.as_int
        for point in metrics["citybrain.records"].sum.data_points
    }
    assert points[("dataset", DOT), ("outcome", "accepted")] == 7
    assert {"citybrain.late_hours", "citybrain.held_days", "citybrain.last_success_age_hours"} <= set(metrics)


def test_nobody_there_and_nobody_asked(home: Settings) -> None:
    assert emit(home, now=NOW).events == 0
    away = followed(home, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", CITYBRAIN_STATSD="127.0.0.1:9")
    assert [each.split(":")[0] for each in emit(away, now=NOW).failed] in (["otlp"], ["statsd", "otlp"])


def test_counts() -> None:
    found: dict[Any, int] = {(each.name, each.outcome): each.number for each in counts([COMMIT, HOLD, BUILD, BRIEF])}
    assert found == {
        ("loads", "committed"): 1, ("loads", "held"): 1, ("records", "accepted"): 7, ("records", "quarantined"): 1,
        ("records", "unchanged"): 2, ("records", "held"): 7, ("builds", None): 1, ("issues", None): 1,
    }  # fmt: skip
