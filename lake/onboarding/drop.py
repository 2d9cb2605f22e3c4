"""A sample of files: which of a folder belong together, how they are written, and since when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import duckdb

from lake.connectors import FetchedFile, open_connector
from lake.connectors.patterns import DayPattern
from lake.connectors.protocol import SourceColumn
from lake.contracts.model import Cadence, Column, Contract, Window, period_of, periods_in
from lake.errors import CitybrainError, ContractError
from lake.landing.manifest import FILES
from lake.onboarding import text
from lake.onboarding.arguments import find_arguments
from lake.onboarding.names import Named, name_columns
from lake.onboarding.sample import SAMPLE_BYTES, Asked, Sample, Say, Shape, count_seen, into_seen, stand_in
from lake.onboarding.series import Dated, Series, read_name, series_of
from lake.onboarding.text import TextForm
from lake.settings import Settings

MOST_FILES = 200_000
_MOST_SERIES = 400
_MOST_NAMED = 60
"""Files of a format without one header whose names of columns are put together."""

FORMATS = {
    # End of a file's name → connector.
    ".csv": "csv_files", ".tsv": "csv_files", ".txt": "csv_files", ".jsonl": "json_lines_files",
    ".ndjson": "json_lines_files", ".json": "json_files", ".geojson": "geojson_files", ".xml": "xml_files",
    ".xlsx": "excel_files", ".xls": "excel_files", ".parquet": "parquet_files", ".shp": "shapefile_files",
}  # fmt: skip
TEXT_FORMATS = ("csv_files",)
SPARSE_FORMATS = ("json_files", "json_lines_files")


class FilesTaken:
    """Files of a folder: local ones are listed; of others the pattern has to be said."""

    def __init__(self, asked: Asked, settings: Settings, room: Path, terms: dict[str, str], say: Say) -> None:
        self.asked, self.room, self.terms, self.say = asked, room, terms, say
        self.folder, only = self._folder(settings)
        uri = self.folder.as_uri() if self.folder else settings.connection(asked.source)
        self.settings = replace(settings, environment={**settings.environment, "CITYBRAIN_CONN_SOURCE": uri})
        self.notes: list[str] = []
        self.connector = asked.connector
        if self.folder:
            self.series, self.others = self._series(self.folder, only)
        else:
            self.series, self.others = self._remote(), []
        self.connector = self.connector or _format_of(self.series.pattern) or ""
        if not self.connector:
            raise ContractError(
                f"{self.series.pattern} has no format we know", remedy="say --connector, such as csv_files"
            )

    def into(self, duck: duckdb.DuckDBPyConnection) -> Sample:
        """Bring the files and read them into the table ``seen``."""
        chosen, is_whole = self._chosen()
        self.say(f"taking {len(chosen)} of {len(self.series.files)} files as {self.connector}")
        arguments = {"pattern": self.series.pattern, **self.asked.arguments}
        contract = stand_in(self.asked, self.connector, "source", arguments, self.series.cadence)
        files = self._fetched(contract, chosen)
        contract, files = self._told_more(contract, files)
        may_be_sparse = self.connector in SPARSE_FORMATS and "sparse" not in contract.source.arguments
        if may_be_sparse and self._columns(contract, files)[1]:
            self.notes.append("some files leave columns out; where they do, the value counts as missing")
            contract = _with(contract, {"sparse": True})
        form: TextForm | None = None
        shapes, unlike = [(contract, files)], list[str]()
        if self.connector in TEXT_FORMATS:
            form, shapes, unlike = self._text_shapes(contract, files)
        names, described, newest, source_columns = self._read(duck, shapes, form)
        if form is not None and form.quote and self._has_open_quotes(duck):
            # A quote that is opened on one line and closed on another: text with line ends in it.
            self.notes.append("cells hold line ends; a record may be several lines")
            shapes = [(_with(shape, {"multiline": True}), own) for shape, own in shapes]
            duck.execute("DROP TABLE seen")
            names, described, newest, source_columns = self._read(duck, shapes, form)
        days = [file.day for file in self.series.files if file.day]
        return Sample(
            contract=newest,
            names=tuple(names),
            source_columns=source_columns,
            records=count_seen(duck),
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
            folder=str(self.folder or ""),
            notes=tuple(self.notes),
        )

    # ---- which files ---------------------------------------------------------------------------------------------

    def _folder(self, settings: Settings) -> tuple[Path | None, str | None]:
        """The local folder, and the one file that was named; nothing for a folder elsewhere."""
        path = Path(self.asked.source)
        if not path.exists():
            parts = urlsplit(settings.connection(self.asked.source))
            if parts.scheme != "file":
                return None, None
            path = Path(unquote(parts.path))
        path = path.resolve()
        if path.is_file():
            return path.parent, path.name
        if not path.is_dir():
            raise ContractError(f"there is no folder {path}", remedy="name a file, a folder or a connection id")
        return path, None

    def _series(self, folder: Path, only: str | None) -> tuple[Series, list[Series]]:
        listed = [(only, (folder / only).stat().st_size)] if only is not None else _listed(folder)
        wanted = self.asked.arguments.get("pattern")
        found = series_of(listed)
        if wanted:
            try:
                mine = _matching(DayPattern(wanted), listed)
            except ValueError as error:
                raise ContractError(f"--pattern: {error}", remedy="write the day as {day:%Y%m%d}") from None
            if not mine:
                raise ContractError(
                    f"no file of the folder is named like {wanted}",
                    remedy=f"patterns seen: {', '.join(series.pattern for series in found[:5]) or 'none'}",
                )
            files = tuple(replace(file, pattern=wanted) for file in mine)
            return Series(wanted, files, series_of([(f.path, f.size) for f in files])[0].cadence), []
        known = [series for series in found if _format_of(series.pattern) or self.asked.connector]
        if not known:
            raise ContractError(
                "no file of the folder has a format we know",
                remedy=f"known ends of names: {', '.join(FORMATS)}; or say --connector and --pattern",
            )
        joined = self._joined(folder, known, listed)
        chosen = joined or known[0]
        mine_too = {file.path for file in chosen.files}
        return chosen, [series for series in found if series.files[0].path not in mine_too][:5]

    def _joined(self, folder: Path, known: list[Series], listed: list[tuple[str, int]]) -> Series | None:
        """Series of the same days and the same columns that differ by a word in their names: one a station, say."""
        first = known[0]
        alike = [series for series in known if [f.day for f in series.files] == [f.day for f in first.files]]
        if not 1 < len(alike) <= _MOST_SERIES or _format_of(first.pattern) not in TEXT_FORMATS:
            return None
        signatures = {series.pattern: _signature(folder / series.files[0].path) for series in alike}
        common, times = Counter(signatures.values()).most_common(1)[0]
        patterns = [pattern for pattern, signature in signatures.items() if signature == common]
        start, end = _common(patterns), _common([pattern[::-1] for pattern in patterns])[::-1]
        if start.count("{") != start.count("}"):
            start = start[: start.rindex("{")]
        if end.count("{") != end.count("}"):
            end = end[end.index("}") + 1 :]
        pattern = f"{start}*{end}"
        if times < 2 or "/" in first.pattern[len(start) : len(first.pattern) - len(end)]:
            return None
        try:
            files = _matching(DayPattern(pattern), listed)
        except ValueError:
            return None
        if len(files) != sum(len(series.files) for series in alike if series.pattern in patterns):
            return None  # the wildcard would take in files that are not meant
        return Series(pattern, tuple(replace(file, pattern=pattern) for file in files), first.cadence)

    def _remote(self) -> Series:
        """A folder elsewhere: the pattern is said, the days by the connector's description."""
        pattern = self.asked.arguments.get("pattern")
        if not pattern:
            raise ContractError(
                "the files of a folder elsewhere are not searched", remedy="say --pattern, such as 'x_{day:%Y%m%d}.csv'"
            )
        dated = read_name(f"{DayPattern(pattern).path(date(2001, 2, 3))}")
        cadence = Cadence.DAILY if dated.names_day or dated.day is None else Cadence.MONTHLY
        connector = self.connector or _format_of(pattern) or "csv_files"
        contract = stand_in(self.asked, connector, "source", dict(self.asked.arguments), cadence)
        told = open_connector(contract, self.settings).describe(contract)
        self.notes += told.notes
        first, last = self.asked.first or told.first_day, self.asked.last or told.last_day
        if not DayPattern(pattern).names_day or first is None or last is None:
            return Series(pattern, (Dated(pattern, 0, pattern, last),), cadence)
        first = max(first, last - timedelta(days=30 if cadence is Cadence.DAILY else 366))
        days = [period.first for period in periods_in(cadence, Window(first, last))]
        return Series(pattern, tuple(Dated(DayPattern(pattern).path(day), 0, pattern, day) for day in days), cadence)

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
        connector = open_connector(contract, self.settings)
        target = self.room / FILES
        target.mkdir()
        if len(chosen) == len(self.series.files) or not self.series.is_dated:
            windows = [_window(chosen, contract.cadence)]
        else:
            windows = sorted({_window([file], contract.cadence) for file in chosen}, key=lambda window: window.first)
        files: list[FetchedFile] = []
        for number, window in enumerate(windows):
            into = self.room / f"window-{number}"
            into.mkdir()
            for file in connector.fetch(contract, window, into).files:
                (into / file.name).rename(target / file.name)
                files.append(file)
        return files

    def _told_more(self, contract: Contract, files: list[FetchedFile]) -> tuple[Contract, list[FetchedFile]]:
        """Arguments read off the newest file, and the files counted anew by them."""
        found, notes = find_arguments(self.connector, self.room / FILES / files[-1].name, contract.source.arguments)
        self.notes += notes
        if not found:
            return contract, files
        contract = _with(contract, found)
        connector: Any = open_connector(contract, self.settings)
        counted = []
        for file in files:
            records, problem = connector.count_records(self.room / FILES / file.name)
            counted.append(replace(file, records=records, problem=problem))
        return contract, counted

    # ---- how they are written ------------------------------------------------------------------------------------

    def _text_shapes(
        self, contract: Contract, files: list[FetchedFile]
    ) -> tuple[TextForm, list[tuple[Contract, list[FetchedFile]]], list[str]]:
        """Files by how they are written: the form is the newest's, and a header may begin on some day."""
        member = contract.source.arguments.get("member")
        paths = {file.name: self.room / FILES / file.name for file in files}
        encoding, others = (
            (self.asked.encoding, list[Path]())
            if self.asked.encoding
            else text.encoding_of(list(paths.values()), member)
        )
        form = text.read_form(paths[files[-1].name], member, encoding=encoding, has_header=self.asked.has_header)
        first_lines = {name: text.first_line(path, member, encoding) for name, path in paths.items()}
        times = Counter(first_lines.values())
        shapes: list[tuple[Contract, list[FetchedFile]]] = []
        unlike = [path.name for path in others]
        previous: tuple[str, ...] | None = None
        for file in files:
            known = self._has_header(form, times, first_lines[file.name])
            own = text.read_form(paths[file.name], member, encoding=encoding, has_header=known, like=form)
            if own.fields != form.fields and own.header is None:
                unlike.append(file.name)
            header = own.header or ()
            if not shapes or header != previous:
                written = replace(contract, encoding=encoding, delimiter=form.delimiter, quote=form.quote)
                shapes.append((_with(written, {"header": own.header is not None}), []))
            shapes[-1][1].append(file)
            previous = header
        return form, shapes, unlike

    def _has_header(self, form: TextForm, times: Counter[str], line: str) -> bool | None:
        """Several files that begin with the same line begin with a header; so does one like the newest."""
        if self.asked.has_header is not None:
            return self.asked.has_header
        if form.header is not None and tuple(text.cells_of(line, form)) == form.header:
            return True
        return True if times[line] > 2 and len(times) * 2 < times.total() else None

    def _header(
        self, contract: Contract, files: Sequence[FetchedFile], form: TextForm | None
    ) -> tuple[list[str], tuple[SourceColumn, ...]]:
        """Column names of files; of those that have none, places."""
        path = self.room / FILES / files[-1].name
        if form is None:
            columns = self._columns(contract, files)[0]
            return [column.name for column in columns], columns
        if not contract.source.arguments["header"]:
            return [f"c{number:02}" for number in range(1, form.fields + 1)], ()
        line = text.first_line(path, contract.source.arguments.get("member"), form.encoding)
        cells = text.cells_of(line, form)
        return cells, tuple(SourceColumn(cell) for cell in cells)

    def _columns(self, contract: Contract, files: Sequence[FetchedFile]) -> tuple[tuple[SourceColumn, ...], bool]:
        """Columns that the newest files name, the newest first, and whether some lack one."""
        connector: Any = open_connector(contract, self.settings)
        found: dict[str, SourceColumn] = {}
        is_sparse = False
        for file in list(reversed(files))[:_MOST_NAMED]:
            own = {column.name: column for column in connector.columns(self.room / FILES / file.name, contract)}
            is_sparse |= bool(found and own) and own.keys() != found.keys()
            found = {**found, **{name: column for name, column in own.items() if name not in found}}
        return tuple(found.values()), is_sparse

    def _read(
        self,
        duck: duckdb.DuckDBPyConnection,
        shapes: Sequence[tuple[Contract, list[FetchedFile]]],
        form: TextForm | None,
    ) -> tuple[list[Named], list[Shape], Contract, tuple[SourceColumn, ...]]:
        """Read all into ``seen``. The newest names the columns; an older one has the same by their places."""
        names: list[Named] = []
        described: list[Shape] = []
        newest, source_columns = shapes[-1][0], tuple[SourceColumn, ...]()
        for shape, files in reversed(shapes):
            header, columns = self._header(shape, files, form)
            own = name_columns(header, {c.name: c.comment for c in columns}, self.terms)
            if not names:
                names, source_columns = own, columns
            called = names if len(own) == len(names) else own
            shaped = replace(
                shape,
                columns=tuple(
                    Column(n.name, h, "VARCHAR", k) for k, (n, h) in enumerate(zip(called, header, strict=True), 1)
                ),
            )
            if not described:
                newest = shaped
            self.say(f"reading {sum(file.records for file in files)} records of {len(files)} files")
            into_seen(duck, shaped, files, self.room, [named.name for named in names])
            has_names = form is None or bool(shape.source.arguments["header"])
            described.insert(0, Shape(files[0].day, tuple(header) if has_names else None, len(files)))
        return names, described, newest, source_columns

    def _has_open_quotes(self, duck: duckdb.DuckDBPyConnection) -> bool:
        row: Any = duck.execute("SELECT count(*) FROM seen WHERE _problem = 'unbalanced_quote'").fetchone()
        return int(row[0]) > 0


def is_folder(asked: Asked, settings: Settings) -> bool:
    """Whether what was named holds files."""
    if Path(asked.source).exists() or asked.connector.endswith("_files"):
        return True
    could_be_id = asked.source.replace("_", "").isalnum()
    if not could_be_id or settings.find_connection(asked.source) is None:
        variable = f", or set CITYBRAIN_CONN_{asked.source.upper()} to the source's address" if could_be_id else ""
        raise ContractError(
            f"no file or folder {asked.source!r}, and no connection of that name", remedy=f"correct the path{variable}"
        )
    scheme = urlsplit(settings.connection(asked.source)).scheme
    return scheme in ("file", "sftp", "ftp", "ftps", "s3") or (
        scheme.startswith("http") and "pattern" in asked.arguments
    )


def _with(contract: Contract, arguments: dict[str, Any]) -> Contract:
    return replace(contract, source=replace(contract.source, arguments={**contract.source.arguments, **arguments}))


def _listed(folder: Path) -> list[tuple[str, int]]:
    listed = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and not any(part.startswith((".", "__MACOSX")) for part in relative.parts):
            listed.append((relative.as_posix(), path.stat().st_size))
        if len(listed) > MOST_FILES:
            raise ContractError(
                f"more than {MOST_FILES} files in the folder", remedy="name a folder further down, or --pattern"
            )
    return listed


def _matching(pattern: DayPattern, listed: Sequence[tuple[str, int]]) -> list[Dated]:
    """The files a pattern covers, by day, each with the day the pattern reads in its name."""
    from lake.connectors.patterns import day_of

    found = []
    for path, size in listed:
        parts = path.split("/")
        if len(parts) != pattern.depth:
            continue
        told: dict[str, str] = {}
        for level, part in enumerate(parts):
            said = pattern.read(level, part)
            if said is None or any(told.get(name, value) != value for name, value in said.items()):
                break
            told |= said
        else:
            day = day_of(told) if told else None
            names_day = bool(told.keys() & {"d", "j", "u", "w"})
            found.append(Dated(path, size, pattern.pattern, day, names_day))
    return sorted(found, key=lambda file: (file.day or date.min, file.path))


def _signature(path: Path) -> tuple[str, ...]:
    """What files must have in common to be read as one: names of columns, or else their number."""
    try:
        form = text.read_form(path, None, encoding=None if path.stat().st_size < text.HEAD_BYTES else "utf-8")
    except CitybrainError:
        return ("unreadable",)
    return form.header or (form.delimiter, str(form.fields))


def _common(texts: Sequence[str]) -> str:
    """What all begin with."""
    least, most = min(texts), max(texts)
    same = next((n for n, (a, b) in enumerate(zip(least, most, strict=False)) if a != b), min(len(least), len(most)))
    return least[:same]


def _window(files: Sequence[Dated], cadence: Cadence) -> Window:
    days = [file.day for file in files if file.day] or [date(2000, 1, 1)]
    return Window(min(days), period_of(cadence, max(days)).last)


def _missing(days: Sequence[date], cadence: Cadence) -> Iterator[date]:
    """Days between the first and the last file, or first days of weeks, months, quarters, that have none."""
    known = set(days)
    if known:
        between = Window(min(known), max(known))
        yield from (period.first for period in periods_in(cadence, between) if period.first not in known)


def _format_of(pattern: str) -> str | None:
    bare = pattern.lower().removesuffix(".gz").removesuffix(".zip")
    return next((connector for end, connector in FORMATS.items() if bare.endswith(end)), None)
