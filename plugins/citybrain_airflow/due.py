"""The wait before a build: until every due partition is in, or until the deadline, whichever comes first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator
from airflow.triggers.base import BaseTrigger, TriggerEvent

from citybrain_airflow.city import contracts_on
from citybrain_airflow.clock import business_day
from citybrain_airflow.work import deadline

if TYPE_CHECKING:
    from airflow.sdk import Context

POLL_SECONDS = 30.0


def outstanding_datasets(day: date) -> list[str]:
    """What is due for a business day and not committed, each as ``dataset day state``; asks the ledger."""
    from lake.ledger import Ledger
    from lake.load import outstanding
    from lake.settings import Settings

    states = Ledger(Settings.from_environment()).partitions()
    return [
        f"{contract.dataset} {first} {state}" for contract, first, state in outstanding(contracts_on(day), day, states)
    ]


class DuePartitionsTrigger(BaseTrigger):
    """Looks into the ledger from time to time; fires once, with what was still outstanding.

    Args:
        day: business day, YYYY-MM-DD.
        deadline: ISO 8601 instant.
        poll_seconds: between two looks.
    """

    def __init__(self, day: str, deadline: str, poll_seconds: float = POLL_SECONDS) -> None:
        super().__init__()
        self.day, self.deadline, self.poll_seconds = day, deadline, poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What the triggerer makes the trigger from again."""
        return (
            "citybrain_airflow.due.DuePartitionsTrigger",
            {"day": self.day, "deadline": self.deadline, "poll_seconds": self.poll_seconds},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait; the ledger is read in a thread, so that other triggers go on meanwhile."""
        until = datetime.fromisoformat(self.deadline)
        while True:
            outstanding = await asyncio.to_thread(outstanding_datasets, date.fromisoformat(self.day))
            left = (until - datetime.now(UTC)).total_seconds()
            if not outstanding or left <= 0:
                yield TriggerEvent(outstanding)
                return
            await asyncio.sleep(min(self.poll_seconds, left))


class DuePartitionsSensor(BaseSensorOperator):
    """Done at once when all is in or the deadline has passed, else deferred: a waiting day takes no worker.

    Its XCom is the list of what was outstanding when it ended.
    """

    def __init__(self, *, zone: str, poll_seconds: float = POLL_SECONDS, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.zone, self.poll_seconds = zone, poll_seconds

    def execute(self, context: Context) -> list[str]:
        """Look once; leave the rest to the trigger."""
        day = business_day(context["dag_run"], self.zone)
        until = deadline(contracts_on(day), day, self.zone)
        outstanding = outstanding_datasets(day)
        if outstanding and datetime.now(UTC) < until:
            self.log.info("waiting until %s for %s", until, ", ".join(outstanding))
            trigger = DuePartitionsTrigger(str(day), until.astimezone(UTC).isoformat(), self.poll_seconds)
            self.defer(trigger=trigger, method_name="go_on")
        return self._say(outstanding)

    def go_on(self, context: Context, event: list[str]) -> list[str]:
        """The trigger has fired."""
        return self._say(event)

    def _say(self, outstanding: list[str]) -> list[str]:
        self.log.info("outstanding: %s", ", ".join(outstanding) or "nothing, all is in")
        return outstanding
