"""From a profile to a contract, and to the list of what a person has to decide because data cannot."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import duckdb

from lake.admission.typing import cast_sql
from lake.contracts.model import Cadence, Column, Contract, Mode, Source, Treatment, Withdrawal
from lake.engine import quote_identifier, quote_literal
from lake.errors import ContractError
from lake.onboarding.keys import Key, find_key
from lake.onboarding.personal import Personal, find_personal
from lake.onboarding.profile import WORD_MARKERS, ColumnProfile, Profile, values_table
from lake.onboarding.sample import Asked, Sample
from lake.onboarding.table import stated_type

_CURSOR_WORDS = ("updated", "update", "modified", "modification", "changed", "last_change", "gmt_modified", "timestamp")
_DAY_SHARE = 0.99
_SPANS = {Cadence.DAILY: "day", Cadence.WEEKLY: "week", Cadence.MONTHLY: "month", Cadence.QUARTERLY: "quarter"}
_DATABASES = ("database", "postgres", "mysql", "sql_database")


@dataclass(frozen=True)
class Decision:
    """Something the data cannot say.

    Attributes:
        about: ``dataset`` or a column's lake name.
        question: what has to be decided.
        evidence: what was seen, without values of personal columns.
        assumed: what the draft says for now.
        change: how to say otherwise.
        is_open: records would be held back, or figures wrong, if the assumption is.
    """

    about: str
    question: str
    evidence: str
    assumed: str
    change: str
    is_open: bool = False


@dataclass(frozen=True)
class Verdict:
    """What is proposed.

    Attributes:
        versions: of the contract, oldest first.
        profile: what it rests on.
        personal: column → what it tells about people.
        key: of the newest version.
        decisions: open ones first.
    """

    versions: tuple[Contract, ...]
    profile: Profile
    personal: dict[str, Personal]
    key: Key
    decisions: tuple[Decision, ...]

    @property
    def contract(self) -> Contract:
        """The newest version."""
        return self.versions[-1]


def judge(duck: duckdb.DuckDBPyConnection, sample: Sample, profile: Profile, asked: Asked) -> Verdict:
    """Propose a contract for a profiled sample."""
    return _Judging(duck, sample, profile, asked).verdict()


class _Judging:
    def __init__(self, duck: duckdb.DuckDBPyConnection, sample: Sample, profile: Profile, asked: Asked) -> None:
        self.duck, self.sample, self.profile, self.asked = duck, sample, profile, asked
        self.connector = sample.contract.source.connector
        self.decisions: list[Decision] = []
        self.personal = {
            column.name: found
            for number, column in enumerate(profile.columns)
            if column.name not in asked.keep
            and (found := find_personal(duck, values_table(number), column)) is not None
        }

    def verdict(self) -> Verdict:
        key = self._key()
        mode, partition, cursor = self._mode(key)
        needed = {*key.columns, partition, cursor}
        columns = tuple(
            self._column(number, column, key, needed) for number, column in enumerate(self.profile.columns, start=1)
        )
        versions = tuple(self._versions(columns, mode, partition, cursor))
        for decide in (self._of_source, self._of_text, self._of_values, self._of_people, self._of_names):
            self.decisions += decide()
        ordered = sorted(self.decisions, key=lambda decision: not decision.is_open)
        return Verdict(versions, self.profile, self.personal, key, tuple(ordered))

    # ---- the dataset ---------------------------------------------------------------------------------------------

    def _key(self) -> Key:
        unknown = [name for name in (*self.asked.key, *self.asked.keep) if name not in self._names()]
        if unknown:
            raise ContractError(
                f"no column is called {unknown[0]!r}",
                remedy=f"lake names are {', '.join(self._names())}",
                dataset=self.asked.dataset,
            )
        if self.asked.key:
            return Key(self.asked.key, 0)
        usable = [column for column in self.profile.columns if column.present and not column.missing + column.failing]
        plain = [column for column in usable if self._treatment(column.name) is Treatment.KEEP]
        hashed = [column for column in usable if self._treatment(column.name) is not Treatment.DROP]
        stated = sorted((c for c in self.sample.source_columns if c.key_position), key=lambda c: c.key_position or 0)
        first = [named.name for source in stated for named in self.sample.names if named.source_name == source.name]
        key = find_key(self.duck, plain, self.asked.zone, first)
        if not key.columns or key.clashing:  # a hash names a record as well as a text does
            key = find_key(self.duck, hashed, self.asked.zone, first)
        if not key.columns:
            fallback = next((c.name for c in self.profile.columns if c.present), self.profile.columns[0].name)
            empty = self.profile.rows - self.profile.column(fallback).present
            self.decisions.append(
                Decision(
                    "dataset",
                    "Which columns name a record?",
                    "every column has missing values",
                    f"{fallback}: its {empty} records without a value would be quarantined",
                    "`primaryKey: true` and `required: true` at the right columns",
                    is_open=True,
                )
            )
            return Key((fallback,), 0)
        told = ", ".join(key.columns)
        if stated and tuple(first) == key.columns:
            return key
        if key.clashing:
            self.decisions.append(
                Decision(
                    "dataset",
                    "Which columns name a record?",
                    f"no columns that are always there tell all records apart; by {told} {key.clashing} clash",
                    f"{told}: clashing records would be quarantined as conflicting_versions",
                    "`primaryKey` at other columns, or ask the department for a number",
                    is_open=True,
                )
            )
        else:
            others = (
                "; also unique: " + ", ".join("+".join(other) for other in key.alternatives) if key.alternatives else ""
            )
            self.decisions.append(
                Decision(
                    "dataset",
                    "Which columns name a record?",
                    f"unique in {self.profile.rows - self.profile.duplicates} different records{others}",
                    told,
                    "`primaryKey` and `primaryKeyPosition` at other columns",
                    is_open=len(key.columns) > 3,
                )
            )
        return key

    def _mode(self, key: Key) -> tuple[Mode, str | None, str | None]:
        """Mode, partition column, cursor; with the reason."""
        times = [
            c
            for c in self.profile.columns
            if c.is_time and not c.missing and not c.failing and c.name not in self.personal
        ]
        cursors = [c.name for c in times if any(word in c.name for word in _CURSOR_WORDS)]
        if self.connector in _DATABASES or (self.sample.series is None):
            return self._mode_of_table(times, cursors)
        if self.sample.series is None or not self.sample.series.is_dated:
            self.decisions.append(
                Decision(
                    "dataset",
                    "How do deliveries add up?",
                    "the file's name has no day: one file that is replaced",
                    "mode snapshot: each delivery is the whole register, what is absent is withdrawn",
                    "mode changes, if a delivery holds only what is new",
                    is_open=False,
                )
            )
            return Mode.SNAPSHOT, None, None
        shares = sorted(((self._on_file_day(column), column.name) for column in times), reverse=True)
        if shares and shares[0][0] >= _DAY_SHARE:
            share, name = shares[0]
            also = [other for other_share, other in shares[1:] if other_share >= _DAY_SHARE]
            self.decisions.append(
                Decision(
                    "dataset",
                    "How do deliveries add up?",
                    f"{share:.2%} of the records have {name} on the file's own day or month"
                    + (f"; so have {', '.join(also)}" if also else ""),
                    f"mode day by {name}: a file again replaces its days; records of other days are quarantined",
                    "mode changes, if files bring new and changed records",
                    is_open=share < 1,
                )
            )
            return Mode.DAY, name, None
        repeated = self._repeated_over_files(key)
        if self.sample.files_read > 2 and repeated > 0.5:
            self.decisions.append(
                Decision(
                    "dataset",
                    "How do deliveries add up?",
                    f"{repeated:.0%} of the keys come again in later files",
                    "mode snapshot: each file is the whole register, what is absent is withdrawn",
                    "mode changes, if a file holds only what is new",
                    is_open=False,
                )
            )
            return Mode.SNAPSHOT, None, None
        self.decisions.append(
            Decision(
                "dataset",
                "How do deliveries add up?",
                f"no date column follows the days of the files; {repeated:.0%} of the keys come again",
                "mode changes: a file brings new and changed records, the last version of a key counts",
                "mode snapshot, if each file is the whole register",
                is_open=True,
            )
        )
        return Mode.CHANGES, None, None

    def _mode_of_table(self, times: list[ColumnProfile], cursors: list[str]) -> tuple[Mode, str | None, str | None]:
        if cursors:
            self.decisions.append(
                Decision(
                    "dataset",
                    "How do changes show?",
                    f"{', '.join(cursors)} never missing, named like a time of change",
                    f"mode changes by {cursors[0]}, windows overlap by two days",
                    "mode snapshot, if the column does not move with every change",
                    is_open=True,
                )
            )
            return Mode.CHANGES, None, cursors[0]
        when = next((c.name for c in times if c.type == "TIMESTAMPTZ"), None)
        self.decisions.append(
            Decision(
                "dataset",
                "How do changes show?",
                "no column is named like a time of change",
                "mode snapshot: the whole table every time",
                f"mode day by {when}, if records never change later"
                if when
                else "a cursor, if the department adds one",
                is_open=False,
            )
        )
        return Mode.SNAPSHOT, None, None

    def _on_file_day(self, column: ColumnProfile) -> float:
        """Share of the records whose date is in the span their file's name says."""
        cast = cast_sql(quote_identifier(column.name), column.type, column.format, self.asked.zone)
        day = f"({cast} AT TIME ZONE {quote_literal(self.asked.zone)})::DATE" if column.type == "TIMESTAMPTZ" else cast
        cadence = Cadence.DAILY if self.sample.series is None else self.sample.series.cadence
        same = f"date_trunc('{_SPANS[cadence]}', {day}) = date_trunc('{_SPANS[cadence]}', _day)"
        row: Any = self.duck.execute(
            f"SELECT coalesce(avg(({same})::INTEGER), 0) FROM seen WHERE _problem IS NULL AND _day IS NOT NULL"
        ).fetchone()
        return float(row[0])

    def _repeated_over_files(self, key: Key) -> float:
        listed = ", ".join(quote_identifier(name) for name in key.columns)
        row: Any = self.duck.execute(
            f"SELECT coalesce(1 - count(DISTINCT ({listed})) / nullif(count(*), 0), 0) FROM "
            f"(SELECT DISTINCT _file, {listed} FROM seen WHERE _problem IS NULL)"
        ).fetchone()
        return float(row[0])

    def _column(self, number: int, column: ColumnProfile, key: Key, needed: set[str | None]) -> Column:
        found = self.personal.get(column.name)
        # A hash is made from the text of the value: as a number, "00123" and "123" would be one.
        keeps_type = found is None or found.treatment is Treatment.DROP or column.type == "BIGINT"
        stated = next(
            (stated_type(c) for c in self.sample.source_columns if c.name == column.named.source_name and c.type), None
        )
        type_ = stated if stated and self._agrees(column, stated) else column.type
        return Column(
            name=column.name,
            source_name=column.named.source_name if self._is_named() else column.name,
            type=type_ if keeps_type else "VARCHAR",
            field_id=number,
            format=column.format if keeps_type else None,
            required=column.name in needed,
            key_position=key.columns.index(column.name) + 1 if column.name in key.columns else None,
            unit=column.named.unit or ("deg" if column.is_coordinate else None),
            title_zh=column.named.title_zh,
            description=self._described(column),
            classification=found.classification if found else "L2",
            treatment=found.treatment if found else Treatment.KEEP,
            purpose=found.purpose if found else None,
        )

    def _agrees(self, column: ColumnProfile, stated: str) -> bool:
        """Whether a database's word for a type is better than what its values look like."""
        if not column.present:
            return True
        family = {"DECIMAL": ("DECIMAL", "BIGINT"), "TIMESTAMPTZ": ("TIMESTAMPTZ", "DATE"), "VARCHAR": ()}
        return column.type.partition("(")[0] in family.get(stated.partition("(")[0], (stated,))

    def _described(self, column: ColumnProfile) -> str:
        delivered = column.named.source_name.strip() if self._is_named() else f"field {self._place(column)}"
        if column.name in self.personal:
            treated = self.personal[column.name].treatment
            doing = "hashed, so that repeats can be counted" if treated is Treatment.HMAC else "not kept in the lake"
            return f"Delivered as {delivered}; {self.personal[column.name].kind.replace('_', ' ')}, {doing}."
        if not column.present:
            return f"Delivered as {delivered}; without a value in the sample."
        kind = {
            "VARCHAR": "text",
            "BIGINT": "whole number",
            "DATE": "day",
            "TIMESTAMPTZ": "moment",
            "BOOLEAN": "yes or no",
        }
        what = kind.get(column.type, "number")
        share = f"; missing in {column.missing / max(self.profile.rows, 1):.1%} of the sample" if column.missing else ""
        return f"Delivered as {delivered}; {what}{share}."

    def _place(self, column: ColumnProfile) -> int:
        return next(n for n, other in enumerate(self.profile.columns, start=1) if other.name == column.name)

    def _names(self) -> list[str]:
        return [column.name for column in self.profile.columns]

    def _is_named(self) -> bool:
        return self.connector != "csv_files" or bool(self.sample.contract.source.arguments.get("header", True))

    def _treatment(self, name: str) -> Treatment:
        return self.personal[name].treatment if name in self.personal else Treatment.KEEP

    def _versions(
        self, columns: tuple[Column, ...], mode: Mode, partition: str | None, cursor: str | None
    ) -> Iterator[Contract]:
        """One version for each way the files are written, each from its first day."""
        shapes = self.sample.shapes or (None,)
        department = self.asked.dataset.split(".")[1]
        drop = "db" if self.connector in _DATABASES else "drop"
        for number, shape in enumerate(shapes):
            arguments = {name: value for name, value in self.sample.contract.source.arguments.items()}
            own = columns
            if self.connector == "csv_files":
                arguments.pop("header", None)
                if shape is not None and shape.header is None:
                    arguments["header"] = False
                elif shape is not None and len(shape.header or ()) == len(columns):
                    own = tuple(replace(c, source_name=h) for c, h in zip(columns, shape.header or (), strict=True))
            begins = (
                self._valid_from() if number == 0 else (shape.first if shape and shape.first else self._valid_from())
            )
            yield replace(
                self.sample.contract,
                version=f"1.{number}.0",
                valid_from=begins,
                title_zh=self.asked.dataset.split(".")[2],
                title_en=self.asked.dataset.split(".")[2].replace("_", " "),
                owner=department,
                mode=mode,
                zone=self.asked.zone,
                source=Source(self.connector, self.asked.connection or f"{department}_{drop}", arguments),
                columns=own,
                withdrawal=Withdrawal.UNSEEN if mode is Mode.CHANGES else Withdrawal.ABSENCE,
                cursor=cursor,
                partition_column=partition,
                overlap=timedelta(days=2) if cursor else timedelta(0),
                null_markers=self.profile.null_markers,
            )

    def _valid_from(self) -> date:
        """The first day of the source; where its names say none, the first day among its dates."""
        if self.sample.first_day:
            return self.sample.first_day
        lows = [
            date.fromisoformat(c.low[:10])
            for c in self.profile.columns
            if c.is_time and c.low and "BC" not in c.low and re.match(r"\d{4}-\d\d-\d\d", c.low)
        ]
        return min((low for low in lows if low.year >= 1990), default=date(2000, 1, 1))

    # ---- what is left to decide ----------------------------------------------------------------------------------

    def _of_source(self) -> Iterator[Decision]:
        sample = self.sample
        if not sample.is_whole:
            yield Decision(
                "dataset",
                "Is the sample enough?",
                f"{sample.files_read} of {sample.files} files were read"
                if sample.files
                else f"{sample.records} records were read",
                "what was not read is like what was",
                "run the draft with a larger --sample",
            )
        if sample.missing_days:
            shown = ", ".join(str(day) for day in sample.missing_days[:5])
            yield Decision(
                "dataset",
                "Why are days missing?",
                f"{len(sample.missing_days)} without a file between {sample.first_day} and {sample.last_day}: {shown}"
                + (" …" if len(sample.missing_days) > 5 else ""),
                "the department had nothing to deliver",
                "ask the department; a range load reports them",
            )
        if len(sample.shapes) > 1:
            told = "; ".join(
                f"from {shape.first} {'a header' if shape.header else 'no header'} ({shape.files} files)"
                for shape in sample.shapes
            )
            yield Decision(
                "dataset",
                "Do the ways of writing have one meaning?",
                told,
                f"{len(sample.shapes)} versions of the contract, same columns by their places",
                "columns of the older version, if a place held something else then",
                is_open=len(sample.shapes) > 2,
            )
        for series in sample.others:
            yield Decision(
                "dataset",
                "What are the other files?",
                f"{len(series.files)} like {series.pattern}",
                "another dataset, or none",
                "draft them with --pattern",
            )
        if self.profile.duplicates:
            yield Decision(
                "dataset",
                "Are full duplicates errors of the source?",
                f"{self.profile.duplicates} records repeat another in every cell",
                "the first counts, the others are listed as unchanged",
                "ask for a number that tells them apart",
            )
        if self.profile.broken:
            told = ", ".join(f"{times} {reason}" for reason, times in self.profile.broken.items())
            yield Decision(
                "dataset",
                "Can the department mend broken records?",
                told,
                "they are quarantined",
                "another delimiter, quote or encoding, if most are broken",
                is_open=True,
            )
        for note in sample.notes:
            yield Decision("dataset", "Did you know?", note, "nothing", "–")

    def _of_text(self) -> Iterator[Decision]:
        form = self.sample.form
        if form is None:
            return
        if form.encoding != "utf-8":
            yield Decision(
                "dataset",
                "Is the encoding right?",
                f"not UTF-8 to the last byte, but {form.encoding} throughout",
                form.encoding,
                "property encoding, or --encoding",
            )
        if not form.is_header_sure:
            yield Decision(
                "dataset",
                "Does the first line name the columns?",
                "texts stand in it and below it, so values do not tell",
                "a header" if form.header else "no header",
                "--header or --no-header",
                is_open=True,
            )
        if self.sample.unlike:
            yield Decision(
                "dataset",
                "What of files unlike the others?",
                f"{len(self.sample.unlike)} differ in encoding or number of fields, such as {self.sample.unlike[0]}",
                "their broken records are quarantined",
                "a version of the contract for their days",
                is_open=True,
            )

    def _of_values(self) -> Iterator[Decision]:
        if self.profile.null_markers:
            where = "; ".join(
                f"{marker.strip() or 'a blank'} in "
                + ", ".join(f"{c.name} ({c.markers[marker]})" for c in having[:4])
                + (f" and {len(having) - 4} more" if len(having) > 4 else "")
                for marker in self.profile.null_markers
                if (having := [c for c in self.profile.columns if marker in c.markers])
            )
            yield Decision(
                "dataset",
                "Do these mean that a value is missing?",
                where,
                f"yes, in every column: {', '.join(self.profile.null_markers)}",
                "property nullMarkers",
                is_open=any(marker in WORD_MARKERS for marker in self.profile.null_markers),
            )
        for column in self.profile.columns:
            words = [m for m in column.markers if m in WORD_MARKERS and m not in self.profile.null_markers]
            if words and column.name not in self.personal:
                yield Decision(
                    column.name,
                    "Is this word a value?",
                    ", ".join(f"{word} ({column.markers[word]})" for word in words),
                    "yes, it stays a value",
                    "property nullMarkers, for all columns at once",
                )
            for hint in column.hints:
                if column.name in self.personal and hint.kind != "misfits":
                    continue
                if (said := _QUESTIONS.get(hint.kind)) is not None:
                    question, assumed, change, is_open = said
                    yield Decision(column.name, question, hint.text, assumed.format(type=column.type), change, is_open)
            if column.is_coordinate:
                yield Decision(
                    column.name,
                    "Which reference system?",
                    f"from {column.low} to {column.high}, which are degrees",
                    "WGS 84; in China ask whether it is GCJ-02",
                    "description of the column",
                )
            elif column.type == "DOUBLE":
                yield Decision(
                    column.name,
                    "May sums differ in the last digit?",
                    "exponents or more than 38 digits",
                    "DOUBLE",
                    "lakeType DECIMAL(p,s)",
                )
        yield from self._shifted_times()

    def _shifted_times(self) -> Iterator[Decision]:
        """Two moments that differ by the same whole hours again and again: one of them is in another zone."""
        moments = [
            c for c in self.profile.columns if c.type == "TIMESTAMPTZ" and c.present and c.name not in self.personal
        ]
        for place, one in enumerate(moments[:6]):
            for other in moments[place + 1 : 6]:
                left, right = (
                    cast_sql(quote_identifier(c.name), c.type, c.format, self.asked.zone) for c in (one, other)
                )
                row: Any = self.duck.execute(
                    f"WITH apart AS (SELECT date_diff('second', {left}, {right}) AS s FROM seen "
                    "WHERE _problem IS NULL) SELECT round(s / 3600), count(*) AS n, "
                    "(SELECT count(*) FROM apart WHERE s IS NOT NULL) FROM apart "
                    "WHERE abs(s) BETWEEN 3000 AND 50400 AND abs(s - 3600 * round(s / 3600)) <= 30 GROUP BY 1 "
                    "ORDER BY n DESC LIMIT 1"
                ).fetchone()
                if row and row[1] > 0.3 * row[2] and row[1] >= 5:
                    yield Decision(
                        other.name,
                        "Do both columns mean the same zone?",
                        f"{row[1]} of {row[2]} lie {abs(int(row[0]))} whole hours from {one.name}, within seconds",
                        "both as written",
                        "a zone of its own cannot be said for one column: correct it in staging",
                        is_open=True,
                    )

    def _of_people(self) -> Iterator[Decision]:
        for name, found in self.personal.items():
            doing = (
                f"hmac with key {found.purpose}"
                if found.treatment is Treatment.HMAC
                else "drop: it stays in the landing"
            )
            yield Decision(
                name,
                f"Does it tell about people ({found.kind.replace('_', ' ')})?",
                found.evidence,
                f"{found.classification}, {doing}",
                "classification and treatment",
                is_open=not found.is_sure,
            )

    def _of_names(self) -> Iterator[Decision]:
        unsure = [named.name for named in self.sample.names if not named.is_sure]
        if unsure and self._is_named():
            yield Decision(
                "dataset",
                "What are these columns called in English?",
                f"{len(unsure)} headers were not understood",
                ", ".join(unsure),
                "name of the columns; add words to contracts/terms.yaml",
            )
        elif unsure:
            yield Decision(
                "dataset",
                "What are the columns?",
                "the files name no columns",
                ", ".join(unsure),
                "name, physicalName and businessName of the columns",
                is_open=True,
            )
        untitled = [named.name for named in self.sample.names if not named.is_titled]
        if untitled:
            yield Decision(
                "dataset",
                "What are the Chinese titles?",
                f"{len(untitled)} headers have none",
                "the header itself",
                "businessName of the columns and of the dataset",
            )
        yield Decision(
            "dataset",
            "What do the columns mean?",
            "data do not say",
            "how they are delivered",
            "description of the columns, purpose and limitations of the dataset",
        )


_QUESTIONS: dict[str, tuple[str, str, str, bool]] = {
    # Hint → question, what is assumed, how to change it, whether it is open.
    "empty": ("What would stand here?", "text", "lakeType, or treatment drop", False),
    "misfits": (
        "Is the type right?",
        "{type}: what does not fit is quarantined",
        "lakeType VARCHAR, or nullMarkers",
        True,
    ),
    "cap": ("Is this number a value?", "yes, it stays", "a bound in the suite, or nullMarkers", False),
    "digits_as_date": ("Are these days or numbers?", "{type}", "lakeType BIGINT without format", True),
    "day_or_month_first": ("Which comes first, day or month?", "the month", "format", True),
    "z": (
        "Is it really UTC?",
        "yes, as written",
        "a format with a literal Z, such as %Y-%m-%dT%H:%M:%SZ, reads it as local",
        False,
    ),
    "local_time": ("In which zone are the times?", "the zone of the contract", "property zone", False),
    "epoch_s": ("Is it a moment?", "{type} in the lake, a moment in staging", "the staging model", False),
    "epoch_ms": ("Is it a moment?", "{type} in the lake, a moment in staging", "the staging model", False),
    "excel_serial": ("Is it a day of a workbook?", "{type} in the lake, a day in staging", "the staging model", False),
    "range": ("From and to?", "text in the lake, two numbers in staging", "the staging model", False),
    "grouped_number": ("Is it a number?", "text in the lake, a number in staging", "the staging model", False),
    "percent": ("Is it a number?", "text in the lake, a number in staging", "the staging model", False),
    "decimal_comma": ("Is it a number?", "text in the lake, a number in staging", "the staging model", False),
    "clock": ("Is it a time of the day?", "text", "the staging model", False),
    "half_day": ("Is it a moment?", "text", "ask for a 24-hour clock", True),
    "leading_zeros": ("Code or number?", "a code, as text", "lakeType BIGINT", False),
    "digits_as_text": ("Code or number?", "a code, as text", "lakeType BIGINT", False),
    "mostly_numbers": ("Text or number?", "text", "lakeType, once the other values are null markers", True),
    "padded": ("Do the blanks mean anything?", "they stay", "trim() in the staging model", False),
    "double": ("Is an inexact number enough?", "DOUBLE", "lakeType DECIMAL(p,s)", False),
}


def coordinates(columns: Sequence[ColumnProfile]) -> list[ColumnProfile]:
    """The columns that are degrees of longitude or latitude."""
    return [column for column in columns if column.is_coordinate]
