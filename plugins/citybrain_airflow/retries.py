"""What is tried again and what is not: a source that is away comes back, bad data never gets better."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from citybrain_airflow.work import DeadlinePassed, SeveralFailed, SeveralFailedForNow
from lake.errors import Busy, CitybrainError, SourceLate, SourceUnavailable, StorageFull, StorageUnavailable

RETRIES = 48
"""With ten minutes between two tries a late source is asked for eight hours; its deadline ends it sooner."""

POLICY = ExceptionRetryPolicy(
    # The first rule that matches decides: the narrow ones stand before their parents.
    rules=[
        RetryRule(exception=DeadlinePassed, action=RetryAction.FAIL, reason="the day's deadline has passed"),
        RetryRule(
            exception=SeveralFailed, action=RetryAction.FAIL, reason="none of the failures gets better by itself"
        ),
        RetryRule(
            exception=SeveralFailedForNow,
            action=RetryAction.RETRY,
            retry_delay=timedelta(minutes=10),
            reason="at least one of the failures may get better; what is in is not loaded again",
        ),
        RetryRule(
            exception=SourceLate,
            action=RetryAction.RETRY,
            retry_delay=timedelta(minutes=10),
            reason="the day is not there yet and its deadline lies ahead",
        ),
        RetryRule(
            exception=[SourceUnavailable, ConnectionError, TimeoutError],
            action=RetryAction.RETRY,
            retry_delay=timedelta(minutes=5),
            reason="the source is away",
        ),
        RetryRule(
            exception=Busy,
            action=RetryAction.RETRY,
            retry_delay=timedelta(minutes=1),
            reason="another load of the dataset is running",
        ),
        RetryRule(
            exception=StorageFull,
            action=RetryAction.RETRY,
            retry_delay=timedelta(minutes=30),
            reason="the disk is full",
        ),
        RetryRule(
            exception=StorageUnavailable,
            action=RetryAction.RETRY,
            retry_delay=timedelta(minutes=5),
            reason="the store or the database of the lake is away",
        ),
        RetryRule(exception=CitybrainError, action=RetryAction.FAIL, reason="it does not get better by itself"),
        RetryRule(exception=Exception, action=RetryAction.FAIL, reason="an error nobody foresaw: read the log"),
    ],
)
"""A task that is killed raises nothing; Airflow starts it again as often as `RETRIES` allows."""
