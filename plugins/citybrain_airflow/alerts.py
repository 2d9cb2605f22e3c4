"""Somebody is told when a task fails: by mail, by webhook, by both, or by nobody when neither is configured.

Connections, both optional:

``citybrain_smtp``
    type smtp; extra ``from_email`` and ``to_emails`` (a list, or addresses with commas between them).
``citybrain_webhook``
    type http; host is the whole URL; a password is sent as bearer token. It gets a POST of JSON.

A message says dataset, day, cause and remedy, and no value of any cell, because the errors of the lake do.
"""

from __future__ import annotations

import html
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from citybrain_airflow.work import kind_of
from lake.errors import CitybrainError

SMTP_CONNECTION = "citybrain_smtp"
WEBHOOK_CONNECTION = "citybrain_webhook"
TIMEOUT_SECONDS = 20

log = logging.getLogger("citybrain.alerts")


@dataclass(frozen=True)
class Alert:
    """What is told.

    Attributes:
        kind: ``late``, ``held`` or ``failed``.
        dag, task, key: which task of which run; the key is the run's partition key, or its id.
        text: the error's own message.
        dataset, day: None where the error has none.
    """

    kind: str
    dag: str
    task: str
    key: str
    text: str
    dataset: str | None = None
    day: str | None = None

    @property
    def subject(self) -> str:
        """One line."""
        what = " ".join(part for part in (self.dataset, self.day) if part) or f"{self.dag}.{self.task} {self.key}"
        return f"[citybrain] {self.kind}: {what}"


def on_failure(context: Mapping[str, Any]) -> None:
    """Airflow's callback of a task that failed for good."""
    try:
        tell(alert_of(context))
    except Exception:  # alerting must never stand in the way of the error it tells of
        log.exception("the alert could not be made")


def tell_outstanding(outstanding: Sequence[str], dag_run: Any) -> None:
    """Tell that a day is built without datasets that were due; each is ``dataset day state``."""
    try:
        for line in outstanding:
            dataset, day, state = line.split()
            text = f"[dataset={dataset} day={day}] {state} at the deadline: the marts are built without it"
            tell(
                Alert(
                    state,
                    dag_run.dag_id,
                    "build_and_publish",
                    dag_run.partition_key or dag_run.run_id,
                    text,
                    dataset,
                    day,
                )
            )
    except Exception:
        log.exception("the alert could not be made")


def alert_of(context: Mapping[str, Any]) -> Alert:
    """The alert for a task's context; a killed task has no exception."""
    error = context.get("exception")
    task = context["ti"]
    run = context.get("dag_run")
    known = error if isinstance(error, CitybrainError) else None
    if known is not None:
        text = str(known)
    else:
        # The text of a foreign error may quote a value of a department's data.
        text = (
            f"{type(error).__name__}: see the task's log" if error is not None else "the task was killed; see its log"
        )
    return Alert(
        kind=kind_of(known),
        dag=task.dag_id,
        task=task.task_id,
        key=getattr(run, "partition_key", None) or task.run_id,
        text=text,
        dataset=known.dataset if known else None,
        day=str(known.day) if known and known.day else None,
    )


def tell(alert: Alert) -> list[str]:
    """Send by every way that is configured, and give those that went; one that fails is logged and hinders no other."""
    went = []
    for name, send in ((SMTP_CONNECTION, _mail), (WEBHOOK_CONNECTION, _post)):
        connection = _connection(name)
        if connection is None:
            continue
        try:
            send(alert, connection)
            went.append(name)
        except Exception:
            log.exception("the alert did not go out by %s", name)
    return went


def _connection(name: str) -> Any:
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return Connection.get(name)
    except AirflowNotFoundException:
        return None


def _mail(alert: Alert, connection: Any) -> None:
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    recipients = connection.extra_dejson.get("to_emails") or []
    if isinstance(recipients, str):
        recipients = [address.strip() for address in recipients.split(",") if address.strip()]
    if not recipients:
        log.warning("connection %s has no extra to_emails: no mail is sent", SMTP_CONNECTION)
        return
    rows = "".join(
        f"<tr><th align=left>{name}</th><td>{html.escape(str(value))}</td></tr>"
        for name, value in asdict(alert).items()
        if value is not None
    )
    with SmtpHook(smtp_conn_id=SMTP_CONNECTION) as hook:
        hook.send_email_smtp(to=recipients, subject=alert.subject, html_content=f"<table>{rows}</table>")


def _post(alert: Alert, connection: Any) -> None:
    import httpx

    headers = {"Authorization": f"Bearer {connection.password}"} if connection.password else {}
    body = {"subject": alert.subject, **asdict(alert)}
    httpx.post(connection.host, json=body, headers=headers, timeout=TIMEOUT_SECONDS).raise_for_status()
