"""Which day a run is for, and the clocks that make runs. The one place that knows partition keys."""

from __future__ import annotations

import os
from datetime import date, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from lake.contracts.model import Cadence

KEY_FORMAT = "%Y-%m-%d"
"""A daily run's partition key is its business day."""
MONTH_KEY_FORMAT = "%Y-%m-01"
"""The partition key of a monthly or quarterly run is the first day of the time it covers, whichever day of the next
month it runs on."""

INGEST = {
    Cadence.DAILY: ("15 3 * * *", KEY_FORMAT),
    Cadence.WEEKLY: ("30 3 * * 1", KEY_FORMAT),
    Cadence.MONTHLY: ("45 3 3 * *", MONTH_KEY_FORMAT),
    Cadence.QUARTERLY: ("50 3 5 1,4,7,10 *", MONTH_KEY_FORMAT),
}
"""When what is delivered so often is loaded, and how the tick before becomes the key: the day, Monday, month or quarter
before. After 03:00, so that no clock change in spring or autumn skips the hour or doubles it; on the day by which
departments close their period (`lake.contracts.model.CLOSES_AFTER_DAYS`)."""
MARTS_DAILY = "0 5 * * *"
UPKEEP_WEEKLY = "0 13 * * 6"
"""Saturday noon: nobody loads, nobody reads."""
WATCH = "*/30 * * * *"
"""Twice an hour, by day and by night: what is late at half past six is told before seven."""
MINUTE_KEY_FORMAT = "%Y-%m-%dT%H:%M"


class DagRun(Protocol):
    """What is needed of Airflow's run to find its day."""

    partition_key: str | None
    conf: dict[str, Any] | None
    logical_date: datetime | None


def business_day(dag_run: DagRun, zone: str) -> date:
    """Day the run is for: its partition key, else ``conf["day"]``, else its logical date on the city's calendar.

    `dag.test()` and the command line know no partition key, a run started by hand has no logical date.

    Raises:
        ValueError: the run carries none of the three, or the day is not written YYYY-MM-DD.
    """
    stated = dag_run.partition_key or (dag_run.conf or {}).get("day")
    if stated:
        return date.fromisoformat(str(stated))
    if dag_run.logical_date is not None:
        return dag_run.logical_date.astimezone(ZoneInfo(zone)).date()
    raise ValueError('the run has no day: give a partition key or conf {"day": "YYYY-MM-DD"}')


def by_the_clock(cron: str, zone: str, first: date, key_format: str = KEY_FORMAT) -> dict[str, Any]:
    """Arguments of a DAG that runs at `cron` in the city's zone and whose key is the tick before.

    With ``CITYBRAIN_SCHEDULE=manual`` the clock never ticks, while partition keys are still accepted: the demo and the
    tests start each run themselves, for days that lie years back.

    Args:
        cron: when, in the city's zone.
        zone: IANA zone.
        first: no run before it.
        key_format: how the tick before becomes the partition key.
    """
    import pendulum
    from airflow.sdk import CronPartitionTimetable

    start = pendulum.datetime(first.year, first.month, first.day, tz=zone)
    return {
        "schedule": CronPartitionTimetable(cron, timezone=zone, run_offset=-1, key_format=key_format),
        "start_date": start,
        "end_date": start if is_manual() else None,
        "catchup": False,
    }


def is_manual() -> bool:
    """Whether every run is started by hand."""
    return os.environ.get("CITYBRAIN_SCHEDULE") == "manual"
