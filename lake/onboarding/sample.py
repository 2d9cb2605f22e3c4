"""A bounded sample of a source, brought and read by the very connector and reader that will load it.

A contract that says as little as possible stands in for the one to be written: every column a text, no key. The
sample lands in a folder of the vault and goes when the draft is made.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from lake.admission.reading import read
from lake.connectors import FetchedFile, check_arguments, open_connector
from lake.connectors.protocol import SourceColumn
from lake.contracts.model import Cadence, Column, Contract, Mode, Source, Window, Withdrawal
from lake.engine import connect, quote_identifier
from lake.errors import CitybrainError, ContractError
from lake.landing import Landed
from lake.landing.manifest import FILES
from lake.onboarding import text
from lake.onboarding.names import Named, name_columns
from lake.onboarding.patterns import Dated, Series, read_name, series_of
from lake.onboarding.text import TextForm
from lake.settings import Settings

Say = Callable[[str], None]

SAMPLE_BYTES = 256 << 20
"""Bytes of files that are looked at; of a larger source the oldest, the newest and some between."""
SAMPLE_RECORDS = 1_000_000
"""Rows of a table that are looked at; of a larger one the newest."""
MOST_FILES = 200_000

FORMATS = {
    # End of a file's name → connector.
    ".csv": "csv_files", ".tsv": "csv_files", ".txt": "csv_files", ".jsonl": "json_lines_files",
    ".ndjson": "json_lines_files", ".json": "json_files", ".geojson": "geojson_files", ".xml": "xml_files",
    ".xlsx": "excel_files", ".xls": "excel_files", ".parquet": "parquet_files", ".shp": "shapefile_files",
}  # fmt: skip
TEXT_FORMATS = ("csv_files",)


@dataclass(frozen=True)
class Asked:
    """What the person who drafts has said.

    Attributes:
        dataset: id of the dataset to be.
        source: connection id, file or folder.
        connection: connection id the contract is to name; '' = made from the department's.
        connector: file under `lake/connectors/`; '' = by the end of the files' names or the connection's scheme.
        arguments: connector's arguments that are known: table, pattern, items_path …
        zone: IANA zone; '' = the city's.
        first, last: days to take from a source that cannot say which it has.
        encoding, has_header: of text files, where the sample would mislead.
    """

    dataset: str
    source: str
    connection: str = ""
    connector: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    zone: str = ""
    first: date | None = None
    last: date | None = None
    encoding: str = ""
    has_header: bool | None = None


@dataclass(frozen=True)
class Shape:
    """Files of a drop folder that are written alike, from a day on.

    Attributes:
        first: their first day.
        header: column names; None where the files name none.
        files: how many of the sample.
    """

    first: date | None
    header: tuple[str, ...] | None
    files: int


@dataclass(frozen=True)
class Sample:
    """What was brought and read.

    Attributes:
        contract: the stand-in, with names of columns; of the newest shape.
        names: the columns.
        source_columns: what the source says about them.
        records: records of the sample by the connector's own count.
        is_whole: everything the source has is in the sample.
        files: number of files in the source; 0 for what has none.
        files_read: number in the sample.
        form: of text files.
        shapes: oldest first; one where all files are alike.
        series: the files by their names; None where there are none or they cannot be listed.
        others: other series in the folder.
        first_day, last_day: days of the files.
        missing_days: days or months between them without a file.
        unlike: files whose encoding or width is not that of the others.
        folder: where the files lie; '' for what is no folder of this machine.
        notes: what the source says about itself.
    """

    contract: Contract
    names: tuple[Named, ...]
    source_columns: tuple[SourceColumn, ...]
    records: int
    is_whole: bool
    files: int = 0
    files_read: int = 0
    form: TextForm | None = None
    shapes: tuple[Shape, ...] = ()
    series: Series | None = None
    others: tuple[Series, ...] = ()
    first_day: date | None = None
    last_day: date | None = None
    missing_days: tuple[date, ...] = ()
    unlike: tuple[str, ...] = ()
    folder: str = ""
    notes: tuple[str, ...] = ()


@contextmanager
def taken(
    asked: Asked, settings: Settings, terms: dict[str, str], say: Say
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Sample]]:
    """Take a sample; gives a connection with the table ``seen`` and what is known of the source.

    Raises:
        ContractError: the source cannot be told from what was said; the remedy names the option.
        SourceUnavailable, SourceLate, SourceRefused, DeliveryDamaged: as the connector raises them.
    """
    settings.make_home()
    room = Path(tempfile.mkdtemp(prefix="draft-", dir=settings.staging))
    spilling = replace(settings, home=room)
    try:
        duck = connect(spilling, extensions=("excel",))
        try:
            take = _Files(asked, settings, room, terms, say) if _is_files(asked, settings) else None
            if take is None:
                raise ContractError(
                    f"connection {asked.source!r} is neither a folder nor a file", remedy="give a file or a folder"
                )
            yield duck, take.into(duck)
        except duckdb.Error as error:
            raise CitybrainError(
                f"the database stopped the profiling ({type(error).__name__})",
                remedy="raise CITYBRAIN_MEMORY_LIMIT, or take a smaller sample",
                dataset=asked.dataset,
            ) from None
        finally:
            duck.close()
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _is_files(asked: Asked, settings: Settings) -> bool:
    if Path(asked.source).exists():
        return True
    return settings.connection(asked.source).startswith("file:") or asked.connector.endswith("_files")


class _Files:
    """Files of a folder: local ones are listed; of others the pattern has to be said."""

    def __init__(self, asked: Asked, settings: Settings, room: Path, terms: dict[str, str], say: Say) -> None:
        self.asked, self.room, self.terms, self.say = asked, room, terms, say
        self.settings = settings
        self.folder, only = self._folder()
        self.series, self.others = self._series(only)
        self.connector = asked.connector or self._connector()

    def into(self, duck: duckdb.DuckDBPyConnection) -> Sample:
        chosen, is_whole = self._chosen()
        self.say(f"taking {len(chosen)} of {len(self.series.files)} files as {self.connector}")
        arguments = {"pattern": self.series.pattern, **self.asked.arguments}
        contract = _stand_in(self.asked, self.connector, "source", arguments, self.series.cadence)
        files = self._fetched(contract, chosen)
        form: TextForm | None = None
        shapes, unlike = [(contract, files)], list[str]()
        if self.connector in TEXT_FORMATS:
            form, shapes, unlike = self._text_shapes(contract, files)
        names: list[Named] = []
        described: list[Shape] = []
        source_columns: tuple[SourceColumn, ...] = ()
        newest = contract
        # The newest shape names the columns; an older one has the same by their places.
        for shape, of_shape in reversed(shapes):
            header, source_columns = self._header(shape, of_shape, form, source_columns)
            own = name_columns(header, {c.name: c.comment for c in source_columns}, self.terms)
            if not names:
                names = own
            columns = names if len(own) == len(names) else own
            shaped = replace(
                shape,
                columns=tuple(
                    Column(n.name, h, "VARCHAR", k) for k, (n, h) in enumerate(zip(columns, header, strict=True), 1)
                ),
            )
            if newest is contract:
                newest = shaped
            self._read(duck, shaped, of_shape, [named.name for named in names])
            described.insert(
                0, Shape(of_shape[0].day, tuple(header) if self._names_columns(shape) else None, len(of_shape))
            )
        days = [file.day for file in self.series.files if file.day]
        return Sample(
            contract=newest,
            names=tuple(names),
            source_columns=source_columns,
            records=_count(duck),
            is_whole=is_whole,
            files=len(self.series.files),
            files_read=len(files),
            form=form,
            shapes=tuple(described),
            series=self.series,
            others=tuple(self.others),
            first_day=min(days, default=None),
            last_day=max(days, default=None),
            missing_days=tuple(_missing(days, self.series.cadence)),
            unlike=tuple(unlike),
            folder=str(self.folder),
        )

    def _folder(self) -> tuple[Path, str | None]:
        from urllib.parse import unquote, urlsplit

        path = Path(self.asked.source)
        if not path.exists():
            path = Path(unquote(urlsplit(self.settings.connection(self.asked.source)).path))
        path = path.resolve()
        if path.is_file():
            return path.parent, path.name
        if not path.is_dir():
            raise ContractError(f"there is no folder {path}", remedy="name a file, a folder or a connection id")
        return path, None

    def _series(self, only: str | None) -> tuple[Series, list[Series]]:
        if only is not None:
            listed = [(only, (self.folder / only).stat().st_size)]
        else:
            listed = []
            for path in sorted(self.folder.rglob("*")):
                relative = path.relative_to(self.folder)
                if path.is_file() and not any(part.startswith((".", "__MACOSX")) for part in relative.parts):
                    listed.append((relative.as_posix(), path.stat().st_size))
                if len(listed) > MOST_FILES:
                    raise ContractError(
                        f"more than {MOST_FILES} files in the folder", remedy="name a folder further down, or --pattern"
                    )
        wanted = self.asked.arguments.get("pattern")
        found = series_of(listed)
        if wanted:
            mine = [file for file in listed if _matches(wanted, file[0])]
            if not mine:
                raise ContractError(
                    f"no file of the folder is named like {wanted}",
                    remedy=f"patterns seen: {', '.join(series.pattern for series in found[:5]) or 'none'}",
                )
            files = tuple(replace(read_name(path, size), pattern=wanted) for path, size in mine)
            return Series(wanted, files, series_of(mine)[0].cadence), [s for s in found if s.pattern != wanted][:5]
        known = [series for series in found if _format_of(series.pattern) or self.asked.connector]
        if not known:
            raise ContractError(
                "no file of the folder has a format we know",
                remedy=f"known ends of names: {', '.join(FORMATS)}; or say --connector and --pattern",
            )
        return known[0], [series for series in found if series is not known[0]][:5]

    def _connector(self) -> str:
        found = _format_of(self.series.pattern)
        if found is None:
            raise ContractError(
                f"{self.series.pattern} has no format we know", remedy="say --connector, such as csv_files"
            )
        return found

    def _chosen(self) -> tuple[list[Dated], bool]:
        """All files, or as many from both ends and between as are allowed."""
        files = list(self.series.files)
        if sum(file.size for file in files) <= SAMPLE_BYTES:
            return files, True
        order = sorted(range(len(files)), key=lambda n: (min(n, len(files) - 1 - n) > 2, (n * 7919) % len(files)))
        chosen: list[int] = []
        size = 0
        for number in order:
            if chosen and size + files[number].size > SAMPLE_BYTES:
                break
            chosen.append(number)
            size += files[number].size
        return [files[number] for number in sorted(chosen)], False

    def _fetched(self, contract: Contract, chosen: Sequence[Dated]) -> list[FetchedFile]:
        """Have the connector bring the files, window by window."""
        at = replace(
            self.settings, environment={**self.settings.environment, "CITYBRAIN_CONN_SOURCE": self.folder.as_uri()}
        )
        connector = open_connector(contract, at)
        target = self.room / FILES
        target.mkdir()
        if len(chosen) == len(self.series.files) or not self.series.is_dated:
            windows = [_window(chosen, contract.cadence)]
        else:
            windows = [_window([file], contract.cadence) for file in chosen]
        files: list[FetchedFile] = []
        for number, window in enumerate(windows):
            into = self.room / f"window-{number}"
            into.mkdir()
            for file in connector.fetch(contract, window, into).files:
                (into / file.name).rename(target / file.name)
                files.append(file)
        return files

    def _text_shapes(
        self, contract: Contract, files: list[FetchedFile]
    ) -> tuple[TextForm, list[tuple[Contract, list[FetchedFile]]], list[str]]:
        """Files by how they are written: the form is the newest's, and a header may begin on some day."""
        paths = {file.name: self.room / FILES / file.name for file in files}
        encoding, others = (self.asked.encoding, []) if self.asked.encoding else text.encoding_of(list(paths.values()))
        form = text.read_form(paths[files[-1].name], encoding=encoding, has_header=self.asked.has_header)
        first_lines = {file.name: text.first_line(paths[file.name], encoding) for file in files}
        times: dict[str, int] = {}
        for line in first_lines.values():
            times[line] = times.get(line, 0) + 1
        shapes: list[tuple[Contract, list[FetchedFile]]] = []
        unlike = [path.name for path in others]
        previous: tuple[str, ...] | None = None
        for file in files:
            own = text.read_form(
                paths[file.name],
                encoding=encoding,
                has_header=self._has_header(form, times, first_lines[file.name]),
                like=form,
            )
            if own.fields != form.fields and own.header is None:
                unlike.append(file.name)
            header = own.header or ()
            if not shapes or header != previous:
                arguments = {**contract.source.arguments, "header": own.header is not None}
                written = replace(contract, encoding=encoding, delimiter=form.delimiter, quote=form.quote,
                                  source=replace(contract.source, arguments=arguments))  # fmt: skip
                shapes.append((written, []))
            shapes[-1][1].append(file)
            previous = header
        return replace(form, encoding=encoding), shapes, unlike

    def _has_header(self, form: TextForm, times: dict[str, int], line: str) -> bool | None:
        """Several files that begin with the same line begin with a header; so does one like the newest."""
        if self.asked.has_header is not None:
            return self.asked.has_header
        if form.header is not None and tuple(text.cells_of(line, form)) == form.header:
            return True
        return True if times[line] > 2 and len(times) * 2 < sum(times.values()) else None

    def _names_columns(self, contract: Contract) -> bool:
        return bool(contract.source.arguments.get("header", True))

    def _header(
        self, contract: Contract, files: list[FetchedFile], form: TextForm | None, known: tuple[SourceColumn, ...]
    ) -> tuple[list[str], tuple[SourceColumn, ...]]:
        """Column names of files; of those that have none, places."""
        path = self.room / FILES / files[-1].name
        if form is not None:
            line = text.first_line(path, form.encoding)
            cells = text.cells_of(line, form)
            if self._names_columns(contract):
                return cells, known or tuple(SourceColumn(cell) for cell in cells)
            return [f"c{number:02}" for number in range(1, form.fields + 1)], known
        at = replace(
            self.settings, environment={**self.settings.environment, "CITYBRAIN_CONN_SOURCE": self.folder.as_uri()}
        )
        connector: Any = open_connector(contract, at)
        columns = connector.columns(path, contract)
        return [column.name for column in columns], columns

    def _read(
        self, duck: duckdb.DuckDBPyConnection, contract: Contract, files: Sequence[FetchedFile], names: Sequence[str]
    ) -> None:
        """Add what admission's reader reads of the files to the table ``seen``."""
        self.say(f"reading {sum(file.records for file in files)} records of {len(files)} files")
        into_seen(duck, contract, files, self.room, names)


def into_seen(
    duck: duckdb.DuckDBPyConnection, contract: Contract, files: Sequence[FetchedFile], room: Path, names: Sequence[str]
) -> None:
    """Read landed files by admission's reader and add them to the table ``seen``, columns by their places."""
    landed = Landed(
        contract=contract,
        window=Window(contract.valid_from, contract.valid_from),
        delivery="draft",
        folder=room,
        files=tuple(files),
        delivered=sum(file.records for file in files),
        missing_days=(),
        is_new=True,
        landed_at=datetime(2000, 1, 1, tzinfo=UTC),
    )
    scratch = Path(tempfile.mkdtemp(prefix="scratch-", dir=room))
    read(duck, landed, scratch)
    own = [column.name for column in contract.columns]
    pairs = ", ".join(
        f"{quote_identifier(mine)} AS {quote_identifier(name)}" for mine, name in zip(own, names, strict=False)
    )
    select = f"SELECT _file, _record, _day, _problem, {pairs} FROM raw"
    exists = duck.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'seen'").fetchone()
    duck.execute(f"INSERT INTO seen BY NAME {select}" if exists else f"CREATE TABLE seen AS {select}")
    # The reader makes its tables anew for each reading.
    for kind, name in duck.execute(
        "SELECT 'VIEW', view_name FROM duckdb_views() WHERE NOT internal UNION ALL "
        "SELECT 'TABLE', table_name FROM duckdb_tables() WHERE table_name <> 'seen'"
    ).fetchall():
        duck.execute(f"DROP {kind} IF EXISTS {quote_identifier(name)}")
    shutil.rmtree(scratch, ignore_errors=True)


def _count(duck: duckdb.DuckDBPyConnection) -> int:
    row: Any = duck.execute("SELECT count(*) FROM seen").fetchone()
    return int(row[0])


def _stand_in(asked: Asked, connector: str, connection: str, arguments: dict[str, Any], cadence: Cadence) -> Contract:
    contract = Contract(
        dataset=asked.dataset,
        version="1.0.0",
        valid_from=date(1900, 1, 1),
        title_zh="",
        title_en="",
        owner="",
        mode=Mode.SNAPSHOT,
        cadence=cadence,
        zone=asked.zone,
        source=Source(connector, connection, arguments),
        columns=(),
        withdrawal=Withdrawal.ABSENCE,
    )
    if problems := check_arguments(contract):
        raise ContractError("; ".join(problems), remedy="say it with --set name=value", dataset=asked.dataset)
    return contract


def _window(files: Sequence[Dated], cadence: Cadence) -> Window:
    days = [file.day for file in files if file.day] or [date(2000, 1, 1)]
    if cadence is Cadence.MONTHLY:
        last = (max(days).replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        return Window(min(days), last)
    return Window(min(days), max(days))


def _missing(days: Sequence[date], cadence: Cadence) -> Iterator[date]:
    """Days or months between the first and the last file that have none."""
    known = set(days)
    day = min(known, default=date.max)
    while known and day < max(known):
        if day not in known:
            yield day
        day = (
            (day.replace(day=1) + timedelta(days=31)).replace(day=1)
            if cadence is Cadence.MONTHLY
            else day + timedelta(days=1)
        )


def _matches(pattern: str, path: str) -> bool:
    day = read_name(path).day
    try:
        return pattern == path or (day is not None and pattern.format(day=day) == path)
    except (ValueError, KeyError, IndexError):
        return False


def _format_of(pattern: str) -> str | None:
    bare = pattern.lower().removesuffix(".gz").removesuffix(".zip")
    return next((connector for end, connector in FORMATS.items() if bare.endswith(end)), None)
