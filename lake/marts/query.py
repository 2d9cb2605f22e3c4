"""Questions on what is published: read-only, no other file, no network, no setting within reach.

Tables of which the file holds the last days alone are there whole as ``history.<schema>.<table>``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lake.engine import connect
from lake.errors import BuildFailed, CitybrainError
from lake.marts import history
from lake.settings import Settings

if TYPE_CHECKING:
    import duckdb


class QuestionRefused(CitybrainError):
    """The SQL is not one statement that only reads, or DuckDB does not understand it."""

    exit_code = 2


@dataclass(frozen=True)
class Answer:
    """Column names, and rows in the order asked for."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


def query(settings: Settings, sql: str) -> Answer:
    """Ask the published marts.

    Raises:
        QuestionRefused: more than one statement, one that does more than read, or wrong SQL.
        BuildFailed: nothing is published.
    """
    with asked(settings, sql) as cursor:
        return Answer([column[0] for column in cursor.description or ()], cursor.fetchall())


@contextmanager
def asked(settings: Settings, sql: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published marts with a question put to them, to fetch from; errors as `query`."""
    import duckdb

    guard(sql)
    # Resolved, so that a swap of the link while we read cannot mix two builds.
    folder = (settings.published / "current").resolve()
    file = folder / "marts.duckdb"
    if not file.exists():
        raise BuildFailed("nothing is published yet", remedy="run `citybrain marts build --as-of DAY`")
    with connect(settings, file, read_only=True, locked=True, reach=folder / history.FOLDER) as duck:
        try:
            history.attach(duck, folder)
            yield duck.execute(sql)
        except (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException) as error:
            # These speak of the statement; other errors may quote a cell.
            said, *more = str(error).splitlines()
            guess = next((line.rstrip("?") for line in more if line.startswith(("Did you mean", "Candidate"))), "")
            raise QuestionRefused(
                said.rstrip("!") + (f" ({guess})" if guess else ""),
                remedy="mend the SQL; `about.models` lists tables, `about.columns` their columns",
            ) from None
        except duckdb.Error as error:
            raise QuestionRefused(
                f"DuckDB stopped with {type(error).__name__}",
                remedy="look at casts, divisions and functions in the SQL",
            ) from None


def guard(sql: str) -> None:
    """Refuse everything but one statement that reads."""
    import sqlglot
    from sqlglot import exp

    try:
        statements = [statement for statement in sqlglot.parse(sql, read="duckdb") if statement is not None]
    except sqlglot.errors.SqlglotError:
        raise QuestionRefused("the SQL cannot be parsed", remedy="mend the SQL") from None
    if len(statements) != 1:
        raise QuestionRefused(f"{len(statements)} statements", remedy="ask one question at a time")
    allowed = (exp.Query, exp.Describe, exp.Show, exp.Summarize)
    writes = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop, exp.Alter, exp.Copy, exp.Into)
    if not isinstance(statements[0], allowed) or any(statements[0].find(kind) for kind in writes):
        raise QuestionRefused("the statement does more than read", remedy="ask with SELECT, DESCRIBE or SUMMARIZE")
