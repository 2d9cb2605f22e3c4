"""What the tasks do and what becomes of their errors, without a scheduler: loads, retries, the wait, alerts."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import airflow_environment  # noqa: F401  (before Airflow: it reads its environment once)
import pytest

from lake import errors
from lake.contracts import contract_for, load_contracts
from lake.contracts.model import Contract, Window
from lake.errors import (
    CitybrainError,
    ContractError,
    PartitionHeld,
    SchemaDrift,
    SourceLate,
    SourceUnavailable,
    StorageUnavailable,
)
from lake.settings import Settings
from tests.servers.mail import MailServer
from tests.servers.receiver import Receiver

ZONE = "America/New_York"
DAY = date(2023, 4, 3)
BEFORE_DEADLINE = datetime(2023, 4, 4, 10, 29, tzinfo=UTC)  # 06:29 in New York
AFTER_DEADLINE = datetime(2023, 4, 4, 10, 31, tzinfo=UTC)
FIRST, SECOND, THIRD = "queens.nyc311.service_request", "queens.dot.street_defect", "queens.nypd.collision"
WEATHER, BOUNDARIES = "queens.weather.hourly_weather", "queens.dcp.community_district"
PLANTED = "718-555-0143"


@dataclass
class Loaded:
    """Stands in for `lake.load.LoadResult`."""

    dataset: str
    window: Window
    outcome: str = "committed"
    delivered: int = 10
    accepted: int = 7
    quarantined: int = 1
    unchanged: int = 2
    missing_days: tuple[date, ...] = ()
    held: tuple[dict[str, str], ...] = ()


@pytest.fixture
def contracts(settings: Settings) -> list[Contract]:
    return [contract_for(dataset, DAY, settings) for dataset in (FIRST, SECOND, THIRD)]


def loader(failing: dict[str, Exception]) -> tuple[Callable[[str, date], list[Loaded]], list[str]]:
    """A load that fails for some datasets, and the list of those that were asked for."""
    asked: list[str] = []

    def load(dataset: str, day: date) -> list[Loaded]:
        asked.append(dataset)
        if dataset in failing:
            raise failing[dataset]
        return [Loaded(dataset, Window(day, day))]

    return load, asked


def test_counts_of_a_department(contracts: list[Contract]) -> None:
    from citybrain_airflow.work import load_department

    load, _ = loader({})
    counts = load_department(contracts, DAY, ZONE, load)
    assert set(counts) == {FIRST, SECOND, THIRD}
    assert counts[FIRST] == {
        "outcome": "committed", "delivered": 10, "accepted": 7, "quarantined": 1, "unchanged": 2,
        "missing_days": 0, "held_days": 0, "deliveries": 1,
    }  # fmt: skip


def test_a_bad_dataset_keeps_no_other_out_and_fails_as_itself(contracts: list[Contract]) -> None:
    from citybrain_airflow.work import load_department

    load, asked = loader({FIRST: SchemaDrift("column renamed", remedy="write a new version", column="status")})
    with pytest.raises(SchemaDrift) as caught:
        load_department(contracts, DAY, ZONE, load)
    assert asked == [FIRST, SECOND, THIRD]
    assert str(caught.value) == (
        f"[dataset={FIRST} day=2023-04-03 column=status] column renamed. Remedy: write a new version."
    )


def test_several_bad_datasets_are_all_named(contracts: list[Contract]) -> None:
    from citybrain_airflow.work import SeveralFailed, SeveralFailedForNow, load_department

    bad = {
        FIRST: SchemaDrift("column renamed", remedy="write a new version"),
        THIRD: PartitionHeld("3 keys twice", remedy="see quarantine show", day="2023-03-31"),
    }
    with pytest.raises(SeveralFailed) as caught:
        load_department(contracts, DAY, ZONE, loader(bad)[0])
    for part in (
        f"[dataset={FIRST} day=2023-04-03] column renamed. Remedy: write a new version.",
        f"[dataset={THIRD} day=2023-03-31] 3 keys twice. Remedy: see quarantine show.",
    ):
        assert part in str(caught.value)
    # Where the store of the lake is away every dataset fails, and none of them for good.
    for passing in (SourceUnavailable, StorageUnavailable):
        with pytest.raises(SeveralFailedForNow):
            load_department(contracts, DAY, ZONE, loader(bad | {THIRD: passing("refused", remedy="wait")})[0])


@pytest.mark.parametrize(("now", "passed"), [(BEFORE_DEADLINE, False), (AFTER_DEADLINE, True)])
def test_a_late_source_is_waited_for_until_its_deadline(contracts: list[Contract], now: datetime, passed: bool) -> None:
    from citybrain_airflow.retries import POLICY
    from citybrain_airflow.work import DeadlinePassed, load_department

    load, _ = loader({SECOND: SourceLate("no file of the day yet", remedy="wait")})
    with pytest.raises(SourceLate) as caught:
        load_department(contracts, DAY, ZONE, load, now=now)
    assert isinstance(caught.value, DeadlinePassed) == passed
    assert (caught.value.dataset, caught.value.day) == (SECOND, DAY)
    assert POLICY.evaluate(caught.value, 1, 48).action.value == ("fail" if passed else "retry")


def test_the_text_of_an_unforeseen_error_goes_nowhere(
    contracts: list[Contract], caplog: pytest.LogCaptureFixture
) -> None:
    from citybrain_airflow.work import load_department

    with pytest.raises(CitybrainError) as caught:
        load_department(contracts, DAY, ZONE, loader({FIRST: ValueError(f"bad cell {PLANTED}")})[0])
    assert "unforeseen ValueError at test_dag_tasks.py:" in str(caught.value)
    assert PLANTED not in str(caught.value)


def test_every_error_is_retried_or_not_as_decided() -> None:
    """The list is complete: a new class in `lake.errors` fails here until somebody decides."""
    from citybrain_airflow import work
    from citybrain_airflow.retries import POLICY

    classes = {
        thing.__name__: thing
        for module in (errors, work)
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, CitybrainError)
    }
    decided = {name: POLICY.evaluate(kind("x", remedy="y"), 1, 48).action.value for name, kind in classes.items()}
    assert decided == {
        "CitybrainError": "fail",
        "ContractError": "fail",
        "ContractViolation": "fail",
        "SchemaDrift": "fail",
        "DeliveryDamaged": "fail",
        "PartitionHeld": "fail",
        "SourceUnavailable": "retry",
        "SourceLate": "retry",
        "SourceRefused": "fail",
        "Busy": "retry",
        "Unaccounted": "fail",
        "BuildFailed": "fail",
        "BriefRefused": "fail",
        "StorageFull": "retry",
        "StorageShut": "fail",
        "StorageUnavailable": "retry",
        "DeadlinePassed": "fail",
        "SeveralFailed": "fail",
        "SeveralFailedForNow": "retry",
    }


@pytest.mark.parametrize(
    ("error", "action"),
    [(ConnectionResetError(), "retry"), (TimeoutError(), "retry"), (KeyError("x"), "fail"), (MemoryError(), "fail")],
)
def test_foreign_errors(error: Exception, action: str) -> None:
    from citybrain_airflow.retries import POLICY

    assert POLICY.evaluate(error, 1, 48).action.value == action


def test_history_takes_off_the_publication_lag_and_whole_months(settings: Settings) -> None:
    from citybrain_airflow.work import history_windows

    first, last = date(2020, 1, 1), date(2023, 4, 2)
    windows = {c.name: history_windows(c, first, last) for c in load_contracts(settings)}
    assert windows["service_request"] == [Window(first, last)]
    # Business days up to 2 April are event days up to 30 March; none before the contract's first.
    assert windows["collision"] == [Window(first, date(2023, 3, 30))]
    assert windows["hourly_weather"] == [Window(first, date(2023, 3, 31))]
    assert windows["community_district"] == [Window(first, date(2023, 3, 31))]
    newest = replace(contract_for(FIRST, last, settings), valid_from=date(2023, 4, 1))
    assert history_windows(newest, first, last, since=first) == [Window(first, last)]


def test_history_lists_what_is_not_there_and_fails_when_nothing_is(contracts: list[Contract]) -> None:
    from citybrain_airflow.work import load_history

    missing = (date(2023, 4, 1),)

    def load(dataset: str, window: Window) -> Any:
        if dataset == THIRD:
            raise SourceLate("nothing of the range is there", remedy="ask the department")
        return [Loaded(dataset, window, missing_days=missing)]

    with pytest.raises(SourceLate) as caught:
        load_history(contracts, date(2023, 4, 1), DAY, load)
    assert (caught.value.dataset, str(caught.value.day)) == (THIRD, "2023-04-01")
    assert load_history(contracts[:2], date(2023, 4, 1), DAY, load)[FIRST]["missing_days"] == 1


@pytest.mark.parametrize(
    ("day", "briefs"),
    [("2023-04-01", ["B01"]), ("2023-04-02", ["B01", "B02"]), ("2023-04-03", ["B01"])],
)
def test_briefs_of_a_day(day: str, briefs: list[str]) -> None:
    from citybrain_airflow.work import briefs_of, week_end

    assert briefs_of(date.fromisoformat(day)) == briefs
    assert week_end(date(2023, 4, 1)) == date(2023, 3, 26)
    assert week_end(date(2023, 4, 2)) == week_end(date(2023, 4, 8)) == date(2023, 4, 2)


class Deferred(Exception):
    """What the sensor's trigger was."""


@pytest.fixture
def sensor(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Any:
    from citybrain_airflow import due

    monkeypatch.setenv("CITYBRAIN_HOME", str(settings.home))

    def defer(self: Any, *, trigger: Any, method_name: str) -> None:
        raise Deferred(trigger, method_name)

    monkeypatch.setattr(due.DuePartitionsSensor, "defer", defer)
    return due.DuePartitionsSensor(task_id="wait", zone=ZONE, poll_seconds=0.05)


def run_of(day: date) -> dict[str, Any]:
    return {"dag_run": SimpleNamespace(partition_key=str(day), conf={}, logical_date=None)}


def test_the_wait_ends_at_once_when_the_deadline_has_passed(sensor: Any) -> None:
    """Nothing was ever loaded into this home; the day lies years back."""
    outstanding = sensor.execute(run_of(DAY))
    assert [line.split()[0] for line in outstanding] == sorted([FIRST, SECOND, THIRD, WEATHER, BOUNDARIES])
    assert {line.split()[2] for line in outstanding} == {"late"}


def test_the_wait_is_deferred_until_the_deadline_in_the_citys_zone(sensor: Any) -> None:
    today = datetime.now(UTC).date() + timedelta(days=1)
    with pytest.raises(Deferred) as caught:
        sensor.execute(run_of(today))
    trigger, method = caught.value.args
    path, arguments = trigger.serialize()
    assert path == "citybrain_airflow.due.DuePartitionsTrigger"
    assert arguments["day"] == str(today)
    until = datetime.fromisoformat(arguments["deadline"])
    assert until.date() == today + timedelta(days=1)
    assert until.hour in (10, 11)  # 06:30 in New York, summer or winter
    assert getattr(sensor, method)({}, ["a 2023-04-03 late"]) == ["a 2023-04-03 late"]


def test_the_wait_ends_at_once_when_all_is_in(sensor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from citybrain_airflow import due

    monkeypatch.setattr(due, "outstanding_datasets", lambda day: [])
    assert sensor.execute(run_of(datetime.now(UTC).date() + timedelta(days=1))) == []


def fire(trigger: Any) -> tuple[list[str], int]:
    """What the trigger fires, and how often others got their turn meanwhile."""

    async def wait() -> tuple[list[str], int]:
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.01)

        beside = asyncio.create_task(others())
        async for event in trigger.run():
            beside.cancel()
            return event.payload, turns
        raise AssertionError("it never fired")

    return asyncio.run(asyncio.wait_for(wait(), timeout=20))


def test_the_trigger_fires_when_the_last_is_in_and_blocks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    from citybrain_airflow import due

    looks = iter([["a 2023-04-03 late"], ["a 2023-04-03 late"], []])

    def slow_look(day: date) -> list[str]:
        assert day == DAY
        time.sleep(0.2)
        return next(looks)

    monkeypatch.setattr(due, "outstanding_datasets", slow_look)
    until = datetime.now(UTC) + timedelta(minutes=5)
    payload, turns = fire(due.DuePartitionsTrigger(str(DAY), until.isoformat(), 0.05))
    assert payload == []
    assert turns > 20


def test_the_trigger_fires_at_the_deadline_with_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from citybrain_airflow import due

    monkeypatch.setattr(due, "outstanding_datasets", lambda day: ["a 2023-04-03 held"])
    until = datetime.now(UTC) + timedelta(seconds=0.3)
    began = time.monotonic()
    payload, _ = fire(due.DuePartitionsTrigger(str(DAY), until.isoformat(), 60))
    assert payload == ["a 2023-04-03 held"]
    assert 0.2 < time.monotonic() - began < 5


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    with MailServer() as server:
        connection = {
            "conn_type": "smtp", "host": "127.0.0.1", "port": server.port,
            "extra": {"disable_ssl": True, "disable_tls": True, "from_email": "lake@example.org",
                      "to_emails": "duty@example.org, chief@example.org"},
        }  # fmt: skip
        monkeypatch.setenv("AIRFLOW_CONN_CITYBRAIN_SMTP", json.dumps(connection))
        yield server


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with Receiver() as receiver:
        connection = {"conn_type": "http", "host": f"{receiver.url}/hook", "password": "s3cret"}
        monkeypatch.setenv("AIRFLOW_CONN_CITYBRAIN_WEBHOOK", json.dumps(connection))
        yield receiver


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Settings:
    """The home that the environment names."""
    monkeypatch.setenv("CITYBRAIN_HOME", str(settings.home))
    return settings


def failed(error: BaseException | None) -> dict[str, Any]:
    """Context of a task that failed."""
    return {
        "exception": error,
        "ti": SimpleNamespace(dag_id="ingest__queens__dot__daily", task_id="load", run_id="manual__1"),
        "dag_run": SimpleNamespace(partition_key="2023-04-03"),
    }


HELD = PartitionHeld("7 records without a key", remedy="see quarantine show", dataset=SECOND, day=DAY)


def test_a_failure_is_mailed_and_posted_once(mailbox: MailServer, posted: Receiver, home: Settings) -> None:
    from citybrain_airflow.alerts import on_failure

    drift = SchemaDrift("column Agency is gone", remedy="see quarantine show", dataset=SECOND, day=DAY)
    on_failure(failed(drift))
    on_failure(failed(drift))
    (mail,) = mailbox.mails
    assert mail.to == ["duty@example.org", "chief@example.org"]
    where = f"{SECOND} 2023-04-03 (ingest__queens__dot__daily.load)"
    assert mail.subject == f"[citybrain] queens: 1 failed {where} · 任务失败 1 项"
    assert "Column Agency is gone.\n  Remedy: see quarantine show." in mail.text
    ((path, headers, content),) = posted.posts
    assert (path, headers["Authorization"]) == ("/hook", "Bearer s3cret")
    assert [(p["kind"], p["dataset"]) for p in content["problems"]] == [("failed", SECOND)]
    # Another cause is news.
    on_failure(failed(ContractError("line 3", remedy="correct it")))
    assert len(mailbox.mails) == 2


def test_what_the_watch_sees_too_is_told_once(mailbox: MailServer, home: Settings) -> None:
    """Nothing was ever loaded here, so the dataset is late; the task that gave it up says the same."""
    from citybrain_airflow.alerts import on_failure
    from citybrain_airflow.work import watch_city

    on_failure(failed(SourceLate("no file", remedy="wait", dataset=SECOND, day=DAY)))
    # Three in the morning in New York, when nobody but the engineers is woken; whatever the clock says here.
    now = datetime.now(UTC)
    night = now.replace(hour=8, minute=0) + timedelta(days=now.hour >= 8)
    told = watch_city(home, night)
    assert (told["problems"], told["messages"]) == (5, 1)
    engineers = [mail for mail in mailbox.mails if mail.to == ["duty@example.org", "chief@example.org"]]
    assert [mail.text.count(SECOND) > 0 for mail in engineers] == [True, False]


def test_what_a_build_goes_without_is_told(posted: Receiver, home: Settings) -> None:
    from citybrain_airflow.alerts import tell_outstanding

    run = SimpleNamespace(dag_id="marts", run_id="manual__1", partition_key=str(DAY))
    tell_outstanding([f"{WEATHER} 2023-03-01 late", f"{THIRD} 2023-03-31 held"], run)
    told = {problem["dataset"] for _, _, content in posted.posts for problem in content["problems"]}
    assert told == {WEATHER, THIRD}


@pytest.mark.parametrize(
    ("error", "text"),
    [(ValueError(f"cell {PLANTED}"), "ValueError"), (None, "The task was killed")],
)
def test_a_foreign_error_is_told_by_its_kind(
    mailbox: MailServer, home: Settings, error: Exception | None, text: str
) -> None:
    from citybrain_airflow.alerts import on_failure

    on_failure(failed(error))
    assert text in mailbox.mails[0].text
    assert PLANTED not in mailbox.mails[0].text


def test_alerting_never_stands_in_the_way(home: Settings, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    from citybrain_airflow.alerts import on_failure, tell_outstanding
    from citybrain_airflow.work import watch_city

    nobody = {"conn_type": "http", "host": "http://127.0.0.1:9/hook"}
    monkeypatch.setenv("AIRFLOW_CONN_CITYBRAIN_WEBHOOK", json.dumps(nobody))
    with caplog.at_level(logging.ERROR):
        on_failure(failed(HELD))
    assert "did not go out by webhook: ConnectError" in caplog.text
    on_failure({})  # a context that makes no sense
    tell_outstanding(["no sense"], None)
    with pytest.raises(CitybrainError, match="somebody could not be told"):
        watch_city(home, datetime.now(UTC))


@pytest.mark.parametrize(
    ("of_airflow", "uri"),
    [
        ("file:///drops/dot", "file:///drops/dot"),
        ('{"conn_type": "fs", "extra": {"path": "/drops/dot"}}', "file:///drops/dot"),
        ("postgres://reader:p%40ss@db.example:5433/city", "postgresql://reader:p%40ss@db.example:5433/city"),
        ("http://:t%2Fken@api.example:8080", "http://:t%2Fken@api.example:8080"),
        (
            '{"conn_type": "smtp", "host": "mail.example", "port": 587, "login": "a", "password": "p/w", "extra": '
            '{"disable_ssl": "true", "from_email": "a@b.c", "to_emails": ["d@e.f", "g@h.i"]}}',
            "smtp://a:p%2Fw@mail.example:587/?from=a@b.c&to=d@e.f,g@h.i",
        ),
        ('{"conn_type": "http", "host": "https://hooks.example/in?x=1"}', "https://hooks.example/in?x=1"),
        (
            '{"conn_type": "http", "schema": "https", "host": "api.example", "password": "t/ken"}',
            "https://:t%2Fken@api.example",
        ),
    ],
)
def test_connections_are_asked_of_airflow_when_the_environment_knows_none(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, of_airflow: str, uri: str
) -> None:
    from citybrain_airflow.city import task_settings

    monkeypatch.setenv("AIRFLOW_CONN_SOMEWHERE", of_airflow)
    monkeypatch.setenv("CITYBRAIN_HOME", str(settings.home))
    assert task_settings().connection("somewhere") == uri
    with pytest.raises(ContractError, match="no connection named 'nobody'"):
        task_settings().connection("nobody")
