"""What the values of a sample are: missing, typed, dated, coded. Counted by DuckDB, with the casts admission will use.

The sample is the table ``seen``: `_file`, `_record`, `_day` and the columns by lake name, as text. A profile holds
counts, shapes (``9`` for a digit, ``A`` for a letter) and bounds; `values` only of columns with few of them. Whether a
column is personal is `lake.onboarding.personal`’s question; whoever prints must ask it first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb

from lake.admission.typing import cast_sql
from lake.engine import quote_identifier, quote_literal
from lake.onboarding.names import Named, word_set

MARKERS = (
    "NA", "N/A", "n/a", "#N/A", "NULL", "null", "Null", "(null)", "NaN", "nan", r"\N", "-", "--", "---", "—", "/", "*",
    "**", "***", "?", "nil", "NIL", "#VALUE!", "#REF!",
)  # fmt: skip
"""Cell texts that are no value wherever they stand; nor is a cell of nothing but blanks."""
WORD_MARKERS = ("None", "无", "空", "不详", "未知", "暂无", "未填", "none", "unknown", "Unknown", "UNKNOWN", "missing")
"""Words that may be a value among texts; among numbers and dates they are none."""
CAPS = ("99", "999", "9999", "99999", "999999", "-1", "-9", "-99", "-999", "-9999", "-99999")
"""Numbers that some instruments write for "beyond my range" or "no value"."""
MOST_FAILING = 0.01
"""Up to this share of values that do not fit, a column still has its type: the rest is quarantined one by one."""
MOST_CODES = 60
SHORT_CODE = 80

_DATE_FORMATS = (
    None, "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m-%d-%Y",
    "%d-%m-%Y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y",
)  # fmt: skip
_DIGIT_DATE_FORMATS = ("%Y%m%d", "%Y%m%d.0")
_TIME_FORMATS = (
    None,
    "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y.%m.%d %H:%M:%S", "%Y/%m/%dT%H:%M:%S",
    "%Y/%m/%d %H:%M:%S.%f", "%Y-%m-%d %H:%M", "%Y-%m-%d %H", "%Y/%m/%d %H",
    "%Y年%m月%d日 %H:%M:%S", "%Y年%m月%d日%H:%M:%S", "%Y年%m月%d日 %H时%M分%S秒", "%Y年%m月%d日%H时%M分%S秒",
    "%Y年%m月%d日 %H时%M分", "%Y年%m月%d日%H时%M分", "%Y年%m月%d日 %H:%M", "%Y年%m月%d日%H时", "%Y年%m月%d日 %H时",
    "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%d/%m/%Y %I:%M %p", "%Y-%m-%d %I:%M:%S %p",
    "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M",
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d-%m-%Y %H:%M:%S", "%m-%d-%Y %H:%M:%S", "%d-%m-%Y %H:%M",
    "%d-%b-%Y %H:%M:%S", "%b %d %Y %I:%M%p", "%a, %d %b %Y %H:%M:%S %z", "%a %b %d %H:%M:%S %Y",
    "%Y-%m-%dT%H:%M:%S%z", "%Y%m%d %H:%M:%S", "%Y%m%d %H:%M", "%Y%m%dT%H%M%S",
)  # fmt: skip
_DIGIT_TIME_FORMATS = ("%Y%m%d%H%M%S", "%Y%m%d%H%M")
_NUMBER = r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*"
_SAMPLE = 400
_TIME_WORDS = word_set(
    "date day on at time timestamp datetime ts dt created updated modified opened closed start end begin"
)
_COORDINATE_WORDS = frozenset({"lat", "latitude", "lon", "lng", "longitude"})
_CODE_WORDS = word_set(
    "code codes zip zipcode postcode postal plz phone mobile tel telephone fax fips naics bbl bin isbn plate card",
    "account iban license licence gb adcode",
)


@dataclass(frozen=True)
class Hint:
    """Something a person should look at.

    Attributes:
        kind: what it is, a word.
        text: evidence in words, without a value of the column.
    """

    kind: str
    text: str


@dataclass(frozen=True)
class ColumnProfile:
    """One column of the sample.

    Attributes:
        named: its names.
        present, missing, distinct: values, cells without one (markers included), different values.
        type, format: as a contract has them.
        failing: values that do not fit the type.
        markers: cells per null marker.
        shapes: most frequent forms of the values with their numbers.
        low, high: least and greatest value of numbers and times, as text.
        longest, mean_length: characters.
        values: all values with their numbers where they are few; empty otherwise.
        hints: see `Hint`.
    """

    named: Named
    present: int
    missing: int
    distinct: int
    type: str = "VARCHAR"
    format: str | None = None
    failing: int = 0
    markers: dict[str, int] = field(default_factory=dict)
    shapes: tuple[tuple[str, int], ...] = ()
    low: str | None = None
    high: str | None = None
    longest: int = 0
    mean_length: float = 0.0
    values: tuple[tuple[str, int], ...] = ()
    hints: tuple[Hint, ...] = ()

    @property
    def name(self) -> str:
        """Lake name."""
        return self.named.name

    @property
    def is_time(self) -> bool:
        """Whether it is a date or a moment."""
        return self.type in ("DATE", "TIMESTAMPTZ")

    @property
    def is_number(self) -> bool:
        """Whether it is a number."""
        return self.type in ("BIGINT", "INTEGER", "DOUBLE") or self.type.startswith("DECIMAL")

    @property
    def is_coordinate(self) -> bool:
        """Whether it is a degree of longitude or latitude, by its name and its range."""
        if not _COORDINATE_WORDS & set(self.name.split("_")) or not self.type.startswith("DECIMAL"):
            return False
        return float(self.low or -999) >= -180 and float(self.high or 999) <= 180


@dataclass(frozen=True)
class Profile:
    """The sample.

    Attributes:
        rows: records that could be read.
        broken: records that could not, by reason.
        duplicates: records that repeat another one in every cell.
        columns: in order.
        null_markers: markers the contract should name.
    """

    rows: int
    broken: dict[str, int]
    duplicates: int
    columns: tuple[ColumnProfile, ...]
    null_markers: tuple[str, ...]

    def column(self, name: str) -> ColumnProfile:
        """A column by its lake name; KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


@dataclass(frozen=True)
class _Reading:
    """How values are read: see `profile`."""

    zone: str
    serials_are_dates: bool
    texts: frozenset[str]


def profile(
    duck: duckdb.DuckDBPyConnection,
    names: Sequence[Named],
    *,
    zone: str,
    serials_are_dates: bool = False,
    texts: Sequence[str] = (),
    say: Callable[[str], None] = lambda text: None,
) -> Profile:
    """Profile the table ``seen``; leaves the table ``values_of_<n>`` of (v, n) for each column by its position from 0.

    Args:
        duck: connection with the sample.
        names: the columns, in order.
        zone: of times that name none.
        serials_are_dates: the format writes dates as numbers (workbooks).
        texts: columns the source says are text, so that no number is looked for in them.
        say: called with a line of progress.
    """
    markers = {named.name: _markers(duck, named.name) for named in names}
    strong = {marker for found in markers.values() for marker in found if marker not in WORD_MARKERS}
    columns = []
    reading = _Reading(zone, serials_are_dates, frozenset(texts))
    for number, named in enumerate(names):
        say(f"profiling column {number + 1} of {len(names)}: {named.name}")
        columns.append(_profile_column(duck, number, named, (markers[named.name], strong), reading))
    words = {
        marker for column in columns if column.type != "VARCHAR" for marker in column.markers if marker in WORD_MARKERS
    }
    cells = ", ".join(quote_identifier(named.name) for named in names)
    rows = _one(duck, "SELECT count(*) FROM seen WHERE _problem IS NULL")
    different = _one(duck, f"SELECT count(*) FROM (SELECT DISTINCT {cells} FROM seen WHERE _problem IS NULL)")
    broken = dict(
        duck.execute(
            "SELECT _problem, count(*) FROM seen WHERE _problem IS NOT NULL GROUP BY 1 ORDER BY 2 DESC"
        ).fetchall()
    )
    blanks = sorted(marker for marker in strong if not marker.strip())
    order = [*(marker for marker in (*MARKERS, *WORD_MARKERS) if marker in strong | words), *blanks]
    # A word that is a marker because of one column is missing in the others too: markers are the dataset's.
    columns = [_without_words(duck, number, column, words) for number, column in enumerate(columns)]
    return Profile(rows, broken, rows - different, tuple(columns), tuple(order))


def values_table(number: int) -> str:
    """Name of the table with the values of a column: ``v`` and how often, ``n``; markers left out."""
    return f"values_of_{number}"


def _markers(duck: duckdb.DuckDBPyConnection, name: str) -> dict[str, int]:
    column = quote_identifier(name)
    listed = ", ".join(quote_literal(marker) for marker in (*MARKERS, *WORD_MARKERS))
    return dict(
        duck.execute(
            f"SELECT {column}, count(*) FROM seen WHERE {column} IN ({listed}) OR regexp_full_match({column}, '\\s+') "
            "GROUP BY 1 ORDER BY 2 DESC, 1"
        ).fetchall()
    )


def _profile_column(
    duck: duckdb.DuckDBPyConnection,
    number: int,
    named: Named,
    marked: tuple[dict[str, int], set[str]],
    reading: _Reading,
) -> ColumnProfile:
    column, table = quote_identifier(named.name), values_table(number)
    markers, strong = marked
    listed = ", ".join(quote_literal(marker) for marker in sorted(strong)) or "NULL"
    duck.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {column} AS v, count(*) AS n FROM seen "
        f"WHERE _problem IS NULL AND {column} IS NOT NULL AND coalesce({column} NOT IN ({listed}), true) GROUP BY 1"
    )
    rows = _one(duck, "SELECT count(*) FROM seen WHERE _problem IS NULL")
    present, distinct, longest, mean = duck.execute(
        f"SELECT coalesce(sum(n), 0), count(*), coalesce(max(length(v)), 0), "
        f"coalesce(sum(n * length(v)) / sum(n), 0) FROM {table}"
    ).fetchone() or (0, 0, 0, 0)
    found = ColumnProfile(
        named, int(present), rows - int(present), int(distinct), longest=int(longest), mean_length=float(mean),
        markers=markers,
    )  # fmt: skip
    if not present:
        return replace(found, hints=(Hint("empty", f"no value in {rows} records"),))
    words = [marker for marker in markers if marker in WORD_MARKERS]
    source = table if not words else f"(SELECT * FROM {table} WHERE v NOT IN ({_list(words)}))"
    typed = _typed(duck, source, found, reading)
    if words and typed.type == "VARCHAR":
        typed = _typed(duck, table, found, reading)
    shapes = duck.execute(
        "SELECT regexp_replace(regexp_replace(regexp_replace(v, '[0-9]+', '9', 'g'), '[A-Za-z]+', 'A', 'g'), "
        f"'[\\x{{3400}}-\\x{{9fff}}]+', '字', 'g')[:40] AS shape, sum(n)::BIGINT AS times FROM {source} "
        "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 4"
    ).fetchall()
    values: list[tuple[str, int]] = []
    if distinct <= MOST_CODES and longest <= SHORT_CODE:
        values = duck.execute(f"SELECT v, n FROM {table} ORDER BY n DESC, v").fetchall()
    return replace(typed, shapes=tuple(shapes), values=tuple(values))


def _typed(duck: duckdb.DuckDBPyConnection, source: str, found: ColumnProfile, reading: _Reading) -> ColumnProfile:
    """The narrowest type nearly all values fit, with what is doubtful about it."""
    zone = reading.zone
    numbers = _numbers(duck, source)
    words = set(found.name.split("_")) | _zh_words(found.named.source_name)
    for candidate in () if found.name in reading.texts else _candidates(found, numbers, words, reading):
        type_, format_, hints = candidate
        fitting = _fitting(duck, source, [(type_, format_)], zone)[0]
        total = _one(duck, f"SELECT coalesce(sum(n), 0)::BIGINT FROM {source}")
        if total and total - fitting <= MOST_FAILING * total:
            low, high = _bounds(duck, source, type_, format_, zone)
            more = () if total == fitting else (_misfits(duck, source, cast_sql("v", type_, format_, zone), type_),)
            return replace(
                found, type=type_, format=format_, failing=total - fitting, low=low, high=high,
                hints=(*found.hints, *hints, *more, *_caps(duck, source, type_)),
            )  # fmt: skip
    times = _time_candidate(duck, source, zone)
    if times is not None:
        type_, format_, failing, hints = times
        low, high = _bounds(duck, source, type_, format_, zone)
        more = () if not failing else (_misfits(duck, source, cast_sql("v", type_, format_, zone), type_),)
        return replace(
            found, type=type_, format=format_, failing=failing, low=low, high=high, hints=(*found.hints, *hints, *more)
        )
    return replace(found, hints=(*found.hints, *_text_hints(duck, source, found, numbers)))


@dataclass(frozen=True)
class _Numbers:
    """How the values of a column look as numbers; numbers of values, but for the digits."""

    total: int
    numeric: int
    whole: int
    exponents: int
    leading_zeros: int
    dot_zeros: int
    integer_digits: int
    scale: int
    same_length: bool
    low: float
    high: float
    eight_digits: int
    fourteen_digits: int
    booleans: int


def _numbers(duck: duckdb.DuckDBPyConnection, source: str) -> _Numbers:
    row: Any = duck.execute(
        rf"""
        SELECT coalesce(sum(n), 0)::BIGINT,
            coalesce(sum(n) FILTER (WHERE is_number), 0)::BIGINT,
            coalesce(sum(n) FILTER (WHERE is_whole), 0)::BIGINT,
            coalesce(sum(n) FILTER (WHERE is_number AND regexp_matches(t, '[eE]')), 0)::BIGINT,
            coalesce(sum(n) FILTER (WHERE is_whole AND regexp_matches(t, '^[+-]?0\d')), 0)::BIGINT,
            coalesce(sum(n) FILTER (WHERE regexp_full_match(t, '[+-]?\d+\.0+')), 0)::BIGINT,
            coalesce(max(length(regexp_extract(t, '^[+-]?0*(\d*)', 1))) FILTER (WHERE is_number), 0),
            coalesce(max(length(regexp_extract(t, '\.(\d+)', 1))) FILTER (WHERE is_number), 0),
            coalesce(min(length(t)) = max(length(t)), false),
            coalesce(min(TRY_CAST(t AS DOUBLE)) FILTER (WHERE is_number), 0),
            coalesce(max(TRY_CAST(t AS DOUBLE)) FILTER (WHERE is_number), 0),
            coalesce(sum(n) FILTER (WHERE regexp_full_match(t, '(19|20)\d{{6}}(\.0)?')), 0)::BIGINT,
            coalesce(sum(n) FILTER (WHERE regexp_full_match(t, '(19|20)\d{{10}}(\d\d)?')), 0)::BIGINT,
            coalesce(sum(n) FILTER (WHERE regexp_full_match(t, '(?i)true|false|t|f')), 0)::BIGINT
        FROM (SELECT trim(v) AS t, n, regexp_full_match(v, {quote_literal(_NUMBER)}) AS is_number,
                regexp_full_match(trim(v), '[+-]?\d+') AS is_whole FROM {source})
        """
    ).fetchone()
    return _Numbers(*row)


Candidate = tuple[str, str | None, tuple[Hint, ...]]


def _candidates(found: ColumnProfile, numbers: _Numbers, words: set[str], reading: _Reading) -> Iterator[Candidate]:
    """Types worth a full count for values that look like numbers, narrowest first."""
    enough = (1 - MOST_FAILING) * numbers.total
    if numbers.booleans >= enough:
        yield "BOOLEAN", None, ()
    if numbers.numeric < enough or not numbers.total:
        return
    if numbers.eight_digits >= enough and (words & _TIME_WORDS or found.distinct > 1):
        sure = () if words & _TIME_WORDS else (Hint("digits_as_date", "every value is a day written as eight digits"),)
        yield "DATE", "%Y%m%d.0" if numbers.dot_zeros > numbers.total / 2 else "%Y%m%d", sure
    if numbers.fourteen_digits >= enough and words & _TIME_WORDS:
        yield "TIMESTAMPTZ", "%Y%m%d%H%M%S", ()
        yield "TIMESTAMPTZ", "%Y%m%d%H%M", ()
    if numbers.leading_zeros:
        return  # a code: as a number it would lose its zeros
    if numbers.whole == numbers.numeric and words & _CODE_WORDS:
        return
    if numbers.integer_digits + numbers.scale > 38 or (
        numbers.whole == numbers.numeric and numbers.integer_digits > 18
    ):
        if numbers.whole < numbers.numeric:
            yield "DOUBLE", None, (Hint("double", "more than 38 digits"),)
        return
    if reading.serials_are_dates and words & _TIME_WORDS and numbers.low >= 15_000 and numbers.high <= 80_000:
        yield ("DATE" if numbers.whole + numbers.dot_zeros >= numbers.numeric else "TIMESTAMPTZ"), None, ()
    if numbers.whole >= numbers.numeric:
        yield "BIGINT", None, _number_hints(numbers, words)
    elif numbers.exponents and numbers.exponents == numbers.numeric:
        yield "DOUBLE", None, (Hint("double", "every value has an exponent"),)
    else:
        scale = numbers.scale if not numbers.exponents else max(numbers.scale, 9)
        # Two digits to grow into: a sum next year is larger than one of this year.
        yield (
            f"DECIMAL({min(38, max(numbers.integer_digits, 1) + 2 + scale)},{scale})",
            None,
            _number_hints(numbers, words),
        )


def _number_hints(numbers: _Numbers, words: set[str]) -> tuple[Hint, ...]:
    timely = words & _TIME_WORDS
    if timely and numbers.whole == numbers.numeric and numbers.low >= 6e8 and numbers.high < 4.2e9:
        return (Hint("epoch_s", "seconds since 1970 by range and name"),)
    if timely and numbers.whole == numbers.numeric and numbers.low >= 6e11 and numbers.high < 4.2e12:
        return (Hint("epoch_ms", "milliseconds since 1970 by range and name"),)
    if timely & {"date", "time", "datetime"} and numbers.low >= 20_000 and numbers.high <= 80_000:
        return (Hint("excel_serial", "days since 1899-12-30 by range and name"),)
    return ()


def _time_candidate(
    duck: duckdb.DuckDBPyConnection, source: str, zone: str
) -> tuple[str, str | None, int, tuple[Hint, ...]] | None:
    """The format of dates or times nearly all values have; a day before a moment, ISO 8601 before all."""
    sample = f"(SELECT v, n FROM {source} ORDER BY md5(v) LIMIT {_SAMPLE})"
    sampled, digits = duck.execute(
        f"SELECT coalesce(sum(n), 0), coalesce(sum(n) FILTER (WHERE regexp_matches(v, '\\d')), 0) FROM {sample}"
    ).fetchone() or (0, 0)
    if not sampled or digits < sampled * 0.9:
        return None
    options = [("DATE", f) for f in _DATE_FORMATS] + [("TIMESTAMPTZ", f) for f in _TIME_FORMATS]
    fits = _fitting(duck, sample, options, zone, plausible=True)
    worth = [option for option, fitting in zip(options, fits, strict=True) if fitting >= sampled * 0.97]
    if not worth:
        return None
    total = _one(duck, f"SELECT sum(n)::BIGINT FROM {source}")
    whole = _fitting(duck, source, worth, zone)
    best = max(whole)
    if total - best > MOST_FAILING * total:
        return None
    equal = [option for option, fitting in zip(worth, whole, strict=True) if fitting == best]
    type_, format_ = equal[0]
    hints = []
    swapped = _swapped(format_)
    if swapped and (type_, swapped) in equal:
        hints.append(Hint("day_or_month_first", "no day of a month above 12 tells day from month"))
    if type_ == "TIMESTAMPTZ" and format_ is None:
        zoned = _one(duck, f"SELECT coalesce(sum(n), 0)::BIGINT FROM {source} WHERE regexp_matches(v, '(?i)z\\s*$')")
        clock = r":\d\d(\.\d+)?[+-]\d\d(:?\d\d)?\s*$"
        offset = _one(duck, f"SELECT coalesce(sum(n), 0)::BIGINT FROM {source} WHERE regexp_matches(v, '{clock}')")
        if zoned:
            hints.append(Hint("z", f"{zoned} of {total} end in Z, which says UTC"))
        elif not offset:
            hints.append(Hint("local_time", "no zone is written"))
    elif type_ == "TIMESTAMPTZ" and "%z" not in (format_ or "").lower():
        hints.append(Hint("local_time", "no zone is written"))
    return type_, format_, total - best, tuple(hints)


def _swapped(format_: str | None) -> str | None:
    """The same format with day and month exchanged."""
    if format_ is None or "%m" not in format_ or "%d" not in format_ or format_.startswith("%Y"):
        return None
    return format_.replace("%m", "%_").replace("%d", "%m").replace("%_", "%d")


def _fitting(
    duck: duckdb.DuckDBPyConnection,
    source: str,
    options: Sequence[tuple[str, str | None]],
    zone: str,
    *,
    plausible: bool = False,
) -> list[int]:
    """How many values fit each type, by admission's own cast.

    Args:
        plausible: a year before 1900 or after 2100 does not count.
    """
    measures = []
    for type_, format_ in options:
        cast = cast_sql("v", type_, format_, zone)
        test = f"{cast} IS NOT NULL"
        if plausible:
            test = f"year({cast}) BETWEEN 1900 AND 2100"
        measures.append(f"coalesce(sum(n) FILTER (WHERE {test}), 0)::BIGINT")
    row: Any = duck.execute(f"SELECT {', '.join(measures)} FROM {source}").fetchone()
    return [int(cell) for cell in row]


def _bounds(
    duck: duckdb.DuckDBPyConnection, source: str, type_: str, format_: str | None, zone: str
) -> tuple[str | None, str | None]:
    if type_ == "BOOLEAN":
        return None, None
    if type_.startswith("DATE") and format_ is None:
        cast: str | None = "TRY_CAST(v AS DATE)"
    else:
        cast = cast_sql("v", type_, format_, zone)
    row: Any = duck.execute(f"SELECT min({cast})::VARCHAR, max({cast})::VARCHAR FROM {source}").fetchone()
    return row[0], row[1]


def _misfits(duck: duckdb.DuckDBPyConnection, source: str, cast: str | None, type_: str) -> Hint:
    failing = _one(duck, f"SELECT sum(n)::BIGINT FROM {source} WHERE {cast} IS NULL")
    shapes = duck.execute(
        "SELECT regexp_replace(regexp_replace(v, '[0-9]+', '9', 'g'), '[^0-9\\s[:punct:]]+', 'A', 'g')[:24], "
        f"sum(n)::BIGINT FROM {source} WHERE {cast} IS NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 3"
    ).fetchall()
    told = ", ".join(f"{shape} ({times})" for shape, times in shapes)
    return Hint("misfits", f"{failing} values do not fit {type_}: they look like {told}")


def _caps(duck: duckdb.DuckDBPyConnection, source: str, type_: str) -> tuple[Hint, ...]:
    """Least or greatest number that looks like a placeholder."""
    if type_ not in ("BIGINT", "DOUBLE") and not type_.startswith("DECIMAL"):
        return ()
    row: Any = duck.execute(
        f"WITH numbers AS (SELECT TRY_CAST(v AS DOUBLE) AS x, n FROM {source}), "
        "ends AS (SELECT min(x) AS low, max(x) AS high FROM numbers) "
        "SELECT low, high, (SELECT sum(n)::BIGINT FROM numbers WHERE x = low), "
        "(SELECT sum(n)::BIGINT FROM numbers WHERE x = high) FROM ends"
    ).fetchone()
    low, high, low_n, high_n = row
    caps = {float(cap) for cap in CAPS}
    found = []
    for value, times in ((high, high_n), (low, low_n)):
        if (value in caps and abs(value) >= 99) or (value in caps and value < 0):
            found.append(Hint("cap", f"{times} values are exactly {value:g}, which may mean none or beyond the range"))
    return tuple(found)


def _text_hints(
    duck: duckdb.DuckDBPyConnection, source: str, found: ColumnProfile, numbers: _Numbers
) -> tuple[Hint, ...]:
    """What texts are that could be more than text."""
    number = r"[+-]?\d+(\.\d+)?"
    tests = (
        rf"regexp_full_match(t, '{number}\s*[~～—-]\s*{number}')",
        r"regexp_full_match(t, '[¥￥$€]?\s*[+-]?\d{1,3}(,\d{3})+(\.\d+)?')",
        rf"regexp_full_match(t, '{number}\s*[%％]')",
        r"regexp_full_match(t, '[+-]?\d+,\d+')",
        r"regexp_full_match(t, '\d{1,2}:\d{2}(:\d{2})?')",
        r"regexp_matches(t, '^\d.*[上下]午')",
        "t <> v",
    )
    measures = ", ".join(f"coalesce(sum(n) FILTER (WHERE {test}), 0)::BIGINT" for test in tests)
    row: Any = duck.execute(f"SELECT {measures} FROM (SELECT trim(v) AS t, v, n FROM {source})").fetchone()
    ranges, grouped, percent, comma, clock, half_day, padded = row
    total, most = numbers.total, (1 - MOST_FAILING) * numbers.total
    hints = []
    for kind, count, text in (
        ("range", ranges, "two numbers in one cell, from and to"),
        ("grouped_number", grouped + numbers.numeric if grouped else 0, "numbers with separators of thousands"),
        ("percent", percent, "numbers with a percent sign"),
        ("decimal_comma", comma + numbers.numeric if comma else 0, "numbers with a decimal comma"),
        ("clock", clock, "times of the day; the lake has no type for them"),
        ("half_day", half_day, "times with 上午 or 下午, which no format reads"),
    ):
        if count >= most and total:
            hints.append(Hint(kind, f"{count} of {total} values are {text}"))
    if not hints and numbers.leading_zeros and numbers.whole >= most:
        hints.append(Hint("leading_zeros", f"{numbers.leading_zeros} of {total} values are digits that begin with 0"))
    elif not hints and numbers.whole >= most and total:
        hints.append(Hint("digits_as_text", "digits only, but a code by name or length"))
    elif not hints and total * 0.5 < numbers.numeric < most:
        hints.append(Hint("mostly_numbers", f"{numbers.numeric} of {total} values are numbers"))
    if padded:
        hints.append(Hint("padded", f"{padded} values begin or end with a blank"))
    return tuple(hints)


def _without_words(
    duck: duckdb.DuckDBPyConnection, number: int, column: ColumnProfile, words: set[str]
) -> ColumnProfile:
    held = {marker: times for marker, times in column.markers.items() if marker in words}
    if not held:
        return column
    duck.execute(f"DELETE FROM {values_table(number)} WHERE v IN ({_list(sorted(held))})")
    fewer = sum(held.values())
    return replace(
        column,
        present=column.present - fewer,
        missing=column.missing + fewer,
        distinct=column.distinct - len(held),
        values=tuple((value, times) for value, times in column.values if value not in held),
    )


def _zh_words(header: str) -> set[str]:
    """The English of the one thing a Chinese header must tell here: that it is a time or a code."""
    found = set()
    if re.search("日期|时间|时刻|年月日", header):
        found.add("time")
    if re.search("编码|代码|邮编|区划|电话|手机|证号|卡号|账号|身份证", header):
        found.add("code")
    return found


def _list(values: Sequence[str]) -> str:
    return ", ".join(quote_literal(value) for value in values)


def _one(duck: duckdb.DuckDBPyConnection, sql: str) -> int:
    row: Any = duck.execute(sql).fetchone()
    return int(row[0] or 0)
