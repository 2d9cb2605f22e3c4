"""Metrics from the ledger: counters of what is new since the last look, gauges of how things stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lake.ledger import COMMITTED, HELD, ISSUED, PUBLISHED, Event
from lake.settings import Settings

OUTCOMES = ("accepted", "quarantined", "unchanged")
TIMEOUT_S = 5.0
_LONGEST_BUILD_S = 6 * 3600.0


@dataclass(frozen=True)
class Gauge:
    """How something stands: name, value, dataset."""

    name: str
    value: float
    dataset: str


@dataclass(frozen=True)
class Count:
    """How often something happened: name, number, dataset or None, outcome or None."""

    name: str
    number: int
    dataset: str | None = None
    outcome: str | None = None


def receivers(
    settings: Settings, gauges: Callable[[], list[Gauge]]
) -> list[tuple[str, Callable[[Sequence[Event]], None]]]:
    """StatsD, OpenTelemetry, both or none, as the environment says."""
    env, found = settings.environment, []
    if place := env.get("CITYBRAIN_STATSD"):
        found.append(("statsd", lambda events: _statsd(settings, place, events, gauges())))
    if endpoint := env.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        found.append(("otlp", lambda events: _otlp(settings, endpoint, events, gauges())))
    return found


def counts(events: Sequence[Event]) -> list[Count]:
    """What happened, counted."""
    found: dict[tuple[str, str | None, str | None], int] = {}

    def add(name: str, number: int, dataset: str | None = None, outcome: str | None = None) -> None:
        found[name, dataset, outcome] = found.get((name, dataset, outcome), 0) + number

    for event in events:
        if event.kind in (COMMITTED, HELD):
            add("loads", 1, event.dataset, event.kind)
            for day in event.payload["days"]:
                for outcome in OUTCOMES if event.kind == COMMITTED else ():
                    add("records", day[outcome], event.dataset, outcome)
                if event.kind == HELD:
                    add("records", day["delivered"], event.dataset, HELD)
        elif event.kind == PUBLISHED:
            add("builds", 1)
        elif event.kind == ISSUED:
            add("issues", 1)
    return [Count(name, number, dataset, outcome) for (name, dataset, outcome), number in found.items()]


def build_seconds(settings: Settings, events: Sequence[Event]) -> list[float]:
    """How long builds took from their pins to their last test."""
    found = []
    for event in events:
        folder = settings.builds / event.subject
        if event.kind == PUBLISHED and (folder / "built.json").exists() and (folder / "pins.json").exists():
            seconds = (folder / "built.json").stat().st_mtime - (folder / "pins.json").stat().st_mtime
            if 0 <= seconds < _LONGEST_BUILD_S:
                found.append(seconds)
    return found


def _statsd(settings: Settings, place: str, events: Sequence[Event], gauges: Sequence[Gauge]) -> None:
    from statsd import StatsClient

    host, _, port = place.rpartition(":")
    client = StatsClient(host, int(port), prefix=f"citybrain.{settings.city}")
    with client.pipeline() as pipe:
        for count in counts(events):
            pipe.incr(_dotted(count.name, count.dataset, count.outcome), count.number)
        for gauge in gauges:
            pipe.gauge(_dotted(gauge.name, gauge.dataset), gauge.value)
        for seconds in build_seconds(settings, events):
            pipe.timing("build", seconds * 1000)


def _otlp(settings: Settings, endpoint: str, events: Sequence[Event], gauges: Sequence[Gauge]) -> None:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
    from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader, MetricExportResult
    from opentelemetry.sdk.resources import Resource

    delta: dict[type, Any] = dict.fromkeys((Counter, Histogram), AggregationTemporality.DELTA)
    reader = InMemoryMetricReader(preferred_temporality=delta)
    resource = Resource.create({"service.name": "citybrain", "citybrain.city": settings.city})
    provider = MeterProvider(metric_readers=[reader], resource=resource)
    meter = provider.get_meter("citybrain")
    for count in counts(events):
        labels = {"dataset": count.dataset, "outcome": count.outcome}
        told = {name: value for name, value in labels.items() if value}
        meter.create_counter(f"citybrain.{count.name}").add(count.number, told)
    for gauge in gauges:
        meter.create_gauge(f"citybrain.{gauge.name}").set(gauge.value, {"dataset": gauge.dataset})
    for seconds in build_seconds(settings, events):
        meter.create_histogram("citybrain.build_seconds", unit="s").record(seconds)
    data = reader.get_metrics_data()
    exporter = OTLPMetricExporter(endpoint=f"{endpoint.rstrip('/')}/v1/metrics", timeout=TIMEOUT_S)
    try:
        if (
            data is not None
            and exporter.export(data, timeout_millis=TIMEOUT_S * 1000) is not MetricExportResult.SUCCESS
        ):
            raise ConnectionError("the metrics did not go out")
    finally:
        exporter.shutdown()
        provider.shutdown()


def _dotted(*parts: str | None) -> str:
    """A dataset's dots would be levels of the name; its own parts are."""
    return ".".join(part.partition(".")[2] if part.count(".") == 2 else part for part in parts if part)
