"""The cookbook: the questions of `docs/cookbook/`, read from its pages and asked of the published file.

A page is a subject. A question is a heading with a number and the question in Chinese, the question in English in bold
at the head of two sentences on how to read the answer, one block of SQL, and a paragraph on the marts' warnings. An
empty answer is wrong unless the block is opened with ``sql may-be-empty``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lake.errors import BuildFailed, CitybrainError
from lake.marts.examples import Asked
from lake.marts.query import query
from lake.settings import Settings

FOLDER = Path("docs/cookbook")
_QUESTION = re.compile(
    r"^## (?P<number>\d+)\. (?P<zh>.+)\n\n\*\*(?P<en>[^*]+)\*\* (?P<reading>(?:(?!\n```|\n## )[\s\S])+)\n\n"
    r"```sql(?P<empty> may-be-empty)?\n(?P<sql>[\s\S]+?)\n```\n\n(?P<beware>[\s\S]+?)(?=\n## |\Z)",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Question:
    """One question of the cookbook.

    Attributes:
        page: its subject, the page's name.
        number: counted through all pages.
        question_zh, question: in both languages.
        reading: how to read the answer, the trap included.
        sql: the query.
        beware: what the warnings of its marts mean for it.
        may_be_empty: no row is an answer too.
    """

    page: str
    number: int
    question_zh: str
    question: str
    reading: str
    sql: str
    beware: str
    may_be_empty: bool

    @property
    def tables(self) -> set[str]:
        """Tables it reads, ``schema.table``; a name without a schema is one that the query makes itself."""
        import sqlglot
        from sqlglot import exp

        read = sqlglot.parse_one(self.sql, read="duckdb").find_all(exp.Table)
        return {f"{table.db}.{table.name}" for table in read if table.db}


def questions(root: Path) -> list[Question]:
    """Every question of the pages below `root`, by number.

    Raises:
        BuildFailed: there are no pages, or a heading with a number is not followed by what a question has.
    """
    found = [question for page in sorted((root / FOLDER).glob("*.md")) for question in _of_page(page)]
    if not found:
        raise BuildFailed(f"no question in {FOLDER}", remedy="ask where the documents are, or set CITYBRAIN_ROOT")
    return sorted(found, key=lambda question: question.number)


def ask_cookbook(settings: Settings) -> list[Asked]:
    """Ask every question of the published file; one whose tables the city does not have is not asked.

    Raises:
        BuildFailed: nothing is published, or there is no cookbook.
    """
    shown = {
        f"{schema}.{table}"
        for schema, table in query(
            settings, "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema <> 'main'"
        ).rows
    }
    return [_ask(settings, question, shown) for question in questions(settings.root)]


def cookbook_failures(settings: Settings) -> list[str]:
    """Questions that cannot be asked of this file, do not run, or answer nothing though they should; empty is good."""
    return [
        f"{one.mart}: {one.failure or one.not_asked}" for one in ask_cookbook(settings) if one.failure or one.not_asked
    ]


def _of_page(page: Path) -> Iterator[Question]:
    text = page.read_text(encoding="utf-8")
    found = [
        Question(
            page=page.stem,
            number=int(match["number"]),
            question_zh=match["zh"].strip(),
            question=" ".join(match["en"].split()),
            reading=" ".join(match["reading"].split()),
            sql=match["sql"],
            beware=" ".join(match["beware"].split()),
            may_be_empty=match["empty"] is not None,
        )
        for match in _QUESTION.finditer(text)
    ]
    headed = [int(number) for number in re.findall(r"^## (\d+)\.", text, re.MULTILINE)]
    if headed != [question.number for question in found]:
        missing = sorted(set(headed) - {question.number for question in found})
        raise BuildFailed(
            f"{FOLDER / page.name}: question {missing} is not written like the others",
            remedy="heading, question in bold with two sentences, one block of SQL, warnings",
        )
    yield from found


def _ask(settings: Settings, question: Question, shown: set[str]) -> Asked:
    where = f"{question.page} {question.number}"
    absent = sorted(question.tables - shown)
    if absent:
        return Asked(where, question.question_zh, question.sql, 0, None, not_asked=f"there is no {', '.join(absent)}")
    try:
        rows = len(query(settings, question.sql).rows)
    except CitybrainError as error:
        return Asked(where, question.question_zh, question.sql, 0, error.cause)
    is_good = rows or question.may_be_empty
    return Asked(where, question.question_zh, question.sql, rows, None if is_good else "answers nothing")
