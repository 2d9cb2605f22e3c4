"""The example query of every mart, asked of the published file: what an analyst copies has to run."""

from __future__ import annotations

from dataclasses import dataclass

from lake.errors import CitybrainError
from lake.marts.query import query
from lake.settings import Settings


@dataclass(frozen=True)
class Asked:
    """One example that was asked.

    Attributes:
        mart: ``schema.table``; of the cookbook, page and number.
        question_zh, sql: as the mart's YAML, or the page, has them.
        row_n: rows of the answer.
        failure: why it is no good; None when it is.
        not_asked: why it was not asked; None when it was.
    """

    mart: str
    question_zh: str
    sql: str
    row_n: int
    failure: str | None
    not_asked: str | None = None


def ask_examples(settings: Settings) -> list[Asked]:
    """Ask every example of the published file.

    Raises:
        BuildFailed: nothing is published.
    """
    asked = []
    for mart, question, sql in query(
        settings,
        "SELECT model.schema || '.' || model.name, example.question_zh, example.sql FROM about.models AS model "
        "LEFT JOIN about.examples AS example USING (schema, name) WHERE model.schema <> 'core' ORDER BY 1",
    ).rows:
        if sql is None:
            asked.append(Asked(mart, "", "", 0, "has no example"))
        else:
            asked.append(_ask(settings, mart, question, sql))
    return asked


def example_failures(settings: Settings) -> list[str]:
    """Examples that are missing, do not run, do not read their mart or answer nothing; empty is good."""
    return [f"{asked.mart}: {asked.failure}" for asked in ask_examples(settings) if asked.failure]


def _ask(settings: Settings, mart: str, question: str, sql: str) -> Asked:
    if mart not in sql:
        return Asked(mart, question, sql, 0, "does not read its mart")
    try:
        rows = len(query(settings, sql).rows)
    except CitybrainError as error:
        return Asked(mart, question, sql, 0, error.cause)
    return Asked(mart, question, sql, rows, None if rows else "answers nothing")
