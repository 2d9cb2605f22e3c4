"""The accepted tables: Iceberg tables of Parquet that DuckDB wrote. The only room that knows Iceberg.

A table's schema carries the contract's own field ids, so a column dropped and added again never brings old values
back. Every commit is one snapshot: files of replaced days go out and new files come in together, so no reader, not
even one that looks at history, ever sees a day missing.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lake import database
from lake.boundary import boundary
from lake.contracts.model import Contract
from lake.engine import connect, quote_identifier, quote_literal
from lake.errors import Busy, ContractError
from lake.settings import Settings
from lake.warehouse import open_warehouse

if TYPE_CHECKING:
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot

NAMESPACE = "accepted"
DELIVERY_PROPERTY = "citybrain.delivery"
CONTRACT_PROPERTY = "citybrain.contract-version"
SCHEMA_PROPERTY = "citybrain.schema-version"
"""Of a table: the version of the contract its current schema is of. It only ever rises."""
PROVENANCE_COLUMNS: tuple[tuple[str, str, int], ...] = (
    ("ds", "DATE", 1001),
    ("_delivery", "VARCHAR", 1002),
    ("_file", "VARCHAR", 1003),
    ("_record", "BIGINT", 1004),
    ("_digest", "VARCHAR", 1005),
    ("_landed_at", "TIMESTAMPTZ", 1006),
    ("_is_withdrawn", "BOOLEAN", 1007),
)
"""Name, DuckDB type and field id of what every accepted row carries beside the contract's columns."""

_PROPERTIES = {
    "format-version": "2",
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "20",
    "commit.retry.num-retries": "0",  # a retry is ours: it looks again at what the other writer did
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "10",
    "write.metadata.metrics.default": "none",  # personal values have no place in manifests
    "write.metadata.metrics.column.ds": "full",  # … but the full check reads the partition from these
}
_EPOCH = date(1970, 1, 1)
_DECIMAL = re.compile(r"^DECIMAL\((\d+),\s*(\d+)\)$")


@dataclass(frozen=True)
class Committed:
    """A delivery that is in the table.

    Attributes:
        dataset: dataset id.
        delivery: delivery id.
        snapshot_id: snapshot that brought it in; None when there was nothing to add or replace.
        days: partitions that changed.
        committed_at: time of the snapshot.
    """

    dataset: str
    delivery: str
    snapshot_id: int | None
    days: tuple[date, ...]
    committed_at: datetime


@dataclass(frozen=True)
class PinnedFile:
    """One Parquet file of a pin: path, the one day it holds, and its number of records."""

    path: str
    day: date
    records: int


@dataclass(frozen=True)
class Pin:
    """What a table holds at one snapshot; enough to read it without the catalog."""

    table: str
    snapshot_id: int | None
    files: tuple[PinnedFile, ...]

    @cached_property
    def fingerprints(self) -> dict[date, str]:
        """Per day a digest of its file names; file names are never used twice, so equal means unchanged."""
        names: dict[date, list[str]] = {}
        for file in self.files:
            names.setdefault(file.day, []).append(Path(file.path).name)
        return {
            day: hashlib.sha256("\n".join(sorted(of_day)).encode()).hexdigest()[:16] for day, of_day in names.items()
        }


class Tables:
    """The accepted tables of one city."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._warehouse = open_warehouse(settings)

    @cached_property
    def _catalog(self) -> Any:
        uri = self._settings.catalog_uri
        return database.shared(uri, _make_catalog, uri, _uri(self._warehouse.root), self._io_properties)

    @property
    def _io_properties(self) -> tuple[tuple[str, str], ...]:
        return tuple(sorted(self._warehouse.io_properties().items()))

    def location(self, contract: Contract) -> str:
        """Where the table's data and metadata lie: a folder, or a prefix of the bucket."""
        return f"{self._warehouse.root}/{NAMESPACE}/{contract.table}"

    def exists(self, contract: Contract) -> bool:
        """Whether anything was ever committed to it."""
        return bool(self._catalog.table_exists(f"{NAMESPACE}.{contract.table}"))

    def snapshot_id(self, contract: Contract) -> int | None:
        """Id of the current snapshot; None for an empty or unknown table."""
        return None if not self.exists(contract) else _snapshot_id(self._load(contract))

    def commit(
        self,
        contract: Contract,
        staged: Sequence[Path],
        *,
        delivery: str,
        replace_days: Iterable[date],
        expected_snapshot: int | None,
        replace_files: Iterable[str] = (),
        also_by: Sequence[Contract] = (),
    ) -> Committed:
        """Bring a delivery's staged files in and the files of the days it replaces out, in one snapshot.

        Args:
            contract: its columns become the table's schema, unless the table's is of a newer version already.
            staged: Parquet files, one day each, in folders ``ds=YYYY-MM-DD``; they are moved into the table.
            delivery: id kept in the snapshot, by which a load that was killed finds out that it had committed.
            replace_days: days whose present files go out.
            expected_snapshot: the snapshot the delivery was admitted against.
            replace_files: paths of further files that go out, each of a day that a staged file is of or that is
                replaced; what of them is to stay is among `staged`.
            also_by: other versions of the contract that some of the staged files are of.

        Raises:
            Busy: somebody else committed since; admit again.
        """
        for version in sorted((*also_by, contract), key=_version_number):
            table = self._load_or_create(version)
        replaced, named = set(replace_days), set(replace_files)
        if _snapshot_id(table) != expected_snapshot:
            raise self._overtaken(contract, delivery)
        span = replaced | {_path_day(path) for path in named}
        outgoing = [
            file
            for file in _files_between(table, span)
            if _partition_day(file) in replaced or _local_path(file.file_path) in named
        ]
        if not staged and not outgoing:
            return Committed(contract.dataset, delivery, None, (), datetime.now(UTC))
        moves = [(path, self._new_path(contract, _folder_day(path))) for path in staged]
        described = _data_files(table, moves)
        self._warehouse.bring_in(moves)
        boundary("commit.files_moved")
        snapshot = self._swap(contract, table, outgoing, described, delivery)
        days = {_partition_day(file) for file in (*outgoing, *described)}
        return Committed(contract.dataset, delivery, snapshot.snapshot_id, tuple(sorted(days)), _time_of(snapshot))

    def find_delivery(self, contract: Contract, delivery: str) -> tuple[int, datetime] | None:
        """Newest snapshot that brought a delivery in, and its time; None when no kept snapshot did."""
        if not self.exists(contract):
            return None
        found = [
            snapshot
            for snapshot in self._load(contract).metadata.snapshots
            if snapshot.summary is not None
            and snapshot.summary.additional_properties.get(DELIVERY_PROPERTY) == delivery
        ]
        return (found[-1].snapshot_id, _time_of(found[-1])) if found else None

    def pin(self, contract: Contract) -> Pin:
        """The table as it is now: snapshot id and file list."""
        if not self.exists(contract):
            return Pin(contract.table, None, ())
        table = self._load(contract)
        files = [
            PinnedFile(_local_path(task.file.file_path), _partition_day(task.file), task.file.record_count)
            for task in table.scan().plan_files()
        ]
        return Pin(contract.table, _snapshot_id(table), tuple(sorted(files, key=lambda file: (file.day, file.path))))

    def expire(self, contract: Contract, *, keep_last: int = 20, keep: Iterable[int] = ()) -> int:
        """Drop old snapshots from the metadata, except the newest and those somebody pins; gives how many went."""
        if not self.exists(contract):
            return 0
        table = self._load(contract)
        snapshots = sorted(table.metadata.snapshots, key=lambda snapshot: snapshot.sequence_number or 0)
        kept = {snapshot.snapshot_id for snapshot in snapshots[-keep_last:]} | set(keep)
        gone = [snapshot.snapshot_id for snapshot in snapshots if snapshot.snapshot_id not in kept]
        if gone:
            table.maintenance.expire_snapshots().by_ids(gone).commit()
        return len(gone)

    def purge(self, contract: Contract, *, pinned: Iterable[str], older_than: timedelta = timedelta(hours=1)) -> int:
        """Remove files that no kept snapshot names and no build or issue pins; gives how many went.

        Expiry removes only metadata, and a load that was killed leaves its files behind: this is what takes them
        away. Files younger than `older_than` stay: they may belong to a commit in progress on another host.
        """
        if not self.exists(contract):
            return 0
        named = set(pinned)
        named |= {_local_path(uri) for uri in self.named_files(self.metadata_location(contract.table))}
        limit = (datetime.now(UTC) - older_than).timestamp()
        orphans = [
            stored.path
            for stored in self._warehouse.listed(self.location(contract))
            if stored.path not in named and stored.written_at <= limit
        ]
        self._warehouse.remove(orphans)
        return len(orphans)

    def names(self) -> list[str]:
        """Every table the catalog knows, those whose contract is gone included."""
        return sorted(name for _, name in self._catalog.list_tables(NAMESPACE))

    def metadata_location(self, table: str) -> str:
        """Where the catalog's pointer of a table leads now; it changes with every commit, and with nothing else."""
        return str(self._catalog.load_table(f"{NAMESPACE}.{table}").metadata_location)

    def named_files(self, metadata_location: str) -> dict[str, bool]:
        """Every file a table's metadata names over all kept snapshots, and whether the table needs it.

        Earlier metadata files are named but not needed: Iceberg itself removes them after later commits.
        """
        from pyiceberg.table import StaticTable

        table = StaticTable.from_metadata(metadata_location, dict(self._io_properties))
        named = {entry.metadata_file: False for entry in table.metadata.metadata_log} | {metadata_location: True}
        opened: set[str] = set()
        for snapshot in table.metadata.snapshots:
            named[snapshot.manifest_list] = True
            for manifest in snapshot.manifests(table.io):
                named[manifest.manifest_path] = True
                # A snapshot keeps most of its predecessor's manifests: each is read once.
                if manifest.manifest_path not in opened:
                    opened.add(manifest.manifest_path)
                    entries = manifest.fetch_manifest_entry(table.io, discard_deleted=True)
                    named |= {entry.data_file.file_path: True for entry in entries}
        return named

    def enter(self, table: str, metadata_location: str) -> None:
        """Let the catalog know a table whose files are all in their place: what a restore ends with."""
        self._catalog.register_table(f"{NAMESPACE}.{table}", metadata_location)

    def write_paths(self, metadata_location: str, before: str, after: str, desk: Path) -> None:
        """Put another root into every path that a copied table's metadata names.

        Args:
            metadata_location: the table's metadata file, as it is to be named.
            before: root of the warehouse the table was copied from, as its paths begin.
            after: root they are to begin with.
            desk: local folder in which the copies lie as they are to lie below `after`; changed in place.
        """
        from pyiceberg.io.pyarrow import PyArrowFileIO

        io = PyArrowFileIO()

        def moved(path: str) -> str:
            return after + path.removeprefix(before) if path.startswith(f"{before}/") else path

        def copy(path: str) -> str:
            return f"file://{desk}{path.removeprefix(after)}"

        document = json.loads(Path(_local_path(copy(metadata_location))).read_text(encoding="utf-8"))
        document["location"] = moved(document["location"])
        for entry in document.get("metadata-log", []):
            entry["metadata-file"] = moved(entry["metadata-file"])
        lengths: dict[str, int] = {}
        for snapshot in document.get("snapshots", []):
            snapshot["manifest-list"] = listed = moved(snapshot["manifest-list"])
            manifests = _read_avro(io, copy(listed))
            for manifest in manifests.records:
                path = moved(manifest[manifests.position("manifest_path")])
                if path not in lengths:
                    entries = _read_avro(io, copy(path))
                    for entry in entries.records:
                        data_file, where = entry[entries.position("data_file")], entries.position("file_path")
                        data_file[where] = moved(data_file[where])
                    lengths[path] = _write_avro(io, copy(path), entries, "manifest_entry")
                manifest[manifests.position("manifest_path")] = path
                manifest[manifests.position("manifest_length")] = lengths[path]
            _write_avro(io, copy(listed), manifests, "manifest_file")
        Path(_local_path(copy(metadata_location))).write_text(json.dumps(document), encoding="utf-8")

    def compact(self, contract: Contract, *, before: date) -> int:
        """Merge the files of each day before a date into one file a day, a month to a snapshot; gives files saved.

        Files with other columns stay apart: what a version of the contract dropped must neither get lost nor come
        back under the name of another column.
        """
        if not self.exists(contract):
            return 0
        saved = 0
        by_month: dict[tuple[int, int], dict[tuple[date, int], list[Any]]] = {}
        table = self._load(contract)
        for task in table.scan().plan_files():
            day = _partition_day(task.file)
            if day < before:
                by_month.setdefault((day.year, day.month), {}).setdefault((day, 0), []).append(task.file)
        for _, days in sorted(by_month.items()):
            crowded = {key: files for key, files in days.items() if len(files) > 1}
            if len(table.metadata.schemas) > 1:
                crowded = {
                    (day, schema_id): alike
                    for (day, _), files in crowded.items()
                    for schema_id, alike in self._by_schema(table, files).items()
                    if len(alike) > 1
                }
            if not crowded:
                continue
            merged = [
                self._merge(contract, day, files, table.schemas()[schema_id])
                for (day, schema_id), files in sorted(crowded.items())
            ]
            outgoing = [file for files in crowded.values() for file in files]
            described = _data_files(table, merged)
            self._warehouse.bring_in(merged)
            self._swap(contract, table, outgoing, described, delivery=None)
            table = self._load(contract)
            saved += len(outgoing) - len(merged)
        return saved

    def _merge(self, contract: Contract, day: date, files: Sequence[Any], schema: Schema) -> tuple[Path, str]:
        """One file out of several; where it was written, and the path it is to have."""
        path = self._new_path(contract, day)
        target = self._warehouse.desk(path)
        names = [field.name for field in schema.fields]
        ordering = [name for name in (*(c.name for c in contract.key), "_landed_at", "_record") if name in names]
        columns = [(field.name, _duckdb_type(field.field_type), field.field_id) for field in schema.fields]
        sources = self._warehouse.readable(_local_path(file.file_path) for file in files)
        with connect(self._settings, zone=contract.zone, reads=sources) as duck:
            duck.execute(
                f"COPY (SELECT * FROM {read_files_sql(sources, columns)} "
                f"ORDER BY {', '.join(map(quote_identifier, ordering))}) "
                f"TO {quote_literal(str(target))} (FORMAT parquet, {field_ids_sql(columns)})"
            )
        return target, path

    def _by_schema(self, table: Table, files: Sequence[Any]) -> dict[int, list[Any]]:
        """Data files by the newest schema that has their very columns; files of none are left out."""
        import pyarrow.parquet as pq

        found: dict[int, list[Any]] = {}
        for file in files:
            with table.io.new_input(file.file_path).open() as stream:
                ids = _ids_of(pq.read_metadata(stream))
            for schema in (table.schema(), *reversed(table.metadata.schemas)):
                if {field.field_id for field in schema.fields} == ids:
                    found.setdefault(schema.schema_id, []).append(file)
                    break
        return found

    def _swap(
        self, contract: Contract, table: Table, outgoing: Sequence[Any], incoming: Sequence[Any], delivery: str | None
    ) -> Snapshot:
        from pyiceberg.exceptions import CommitFailedException, ValidationException

        properties = {CONTRACT_PROPERTY: contract.version} | ({DELIVERY_PROPERTY: delivery} if delivery else {})
        try:
            with table.transaction() as transaction:
                update = transaction.update_snapshot(snapshot_properties=properties)
                with update.overwrite() if outgoing else update.merge_append() as producer:
                    for file in outgoing:
                        producer.delete_data_file(file)
                    for file in incoming:
                        producer.append_data_file(file)
                boundary("commit.before")
        except (CommitFailedException, ValidationException) as error:
            raise self._overtaken(contract, delivery) from error
        boundary("commit.after")
        snapshot = self._load(contract).current_snapshot()
        if snapshot is None:
            raise self._overtaken(contract, delivery)
        return snapshot

    def _overtaken(self, contract: Contract, delivery: str | None) -> Busy:
        return Busy(
            f"another load committed to {contract.table} while this one was being admitted",
            remedy="run the load again; nothing of it was committed",
            dataset=contract.dataset,
            day=(delivery or "")[:10] or None,
        )

    def _new_path(self, contract: Contract, day: date) -> str:
        return f"{self.location(contract)}/data/ds={day}/{uuid.uuid4()}.parquet"

    def _load(self, contract: Contract) -> Table:
        table: Table = self._catalog.load_table(f"{NAMESPACE}.{contract.table}")
        return table

    def _load_or_create(self, contract: Contract) -> Table:
        """The table, its metadata knowing the contract's columns; they are the current ones if no newer version was."""
        if not self.exists(contract):
            return self._create(contract)
        table = self._load(contract)
        wanted = _schema(contract)
        is_newest = _version_number(contract) >= _schema_version(table)
        known = [table.schema()] if is_newest else table.metadata.schemas
        if not any(_fields_of(schema) == _fields_of(wanted) for schema in known):
            _evolve(table, wanted, contract, is_newest=is_newest)
            table = self._load(contract)
        elif is_newest and table.properties.get(SCHEMA_PROPERTY) != contract.version:
            with table.transaction() as transaction:
                transaction.set_properties(**{SCHEMA_PROPERTY: contract.version})
            table = self._load(contract)
        return table

    def _create(self, contract: Contract) -> Table:
        """Register metadata of our own making: `create_table` would number the fields anew."""
        from pyiceberg.exceptions import TableAlreadyExistsError
        from pyiceberg.partitioning import PartitionField, PartitionSpec
        from pyiceberg.serializers import ToOutputFile
        from pyiceberg.table.metadata import TableMetadataV2
        from pyiceberg.table.sorting import UNSORTED_SORT_ORDER
        from pyiceberg.transforms import IdentityTransform

        schema = _schema(contract)
        spec = PartitionSpec(
            PartitionField(source_id=schema.find_field("ds").field_id, field_id=1000, name="ds",
                           transform=IdentityTransform())
        )  # fmt: skip
        folder = _uri(self.location(contract))
        metadata = TableMetadataV2(
            location=folder,
            table_uuid=uuid.uuid4(),
            schemas=[schema],
            current_schema_id=schema.schema_id,
            last_column_id=schema.highest_field_id,
            partition_specs=[spec],
            default_spec_id=spec.spec_id,
            last_partition_id=1000,
            sort_orders=[UNSORTED_SORT_ORDER],
            default_sort_order_id=UNSORTED_SORT_ORDER.order_id,
            properties={
                **{name: value for name, value in _PROPERTIES.items() if name != "format-version"},
                "schema.name-mapping.default": schema.name_mapping.model_dump_json(),
                SCHEMA_PROPERTY: contract.version,
            },
        )
        location = f"{folder}/metadata/00000-{uuid.uuid4()}.metadata.json"
        ToOutputFile.table_metadata(metadata, self._catalog._load_file_io(location=location).new_output(location))
        try:
            table: Table = self._catalog.register_table(f"{NAMESPACE}.{contract.table}", location)
        except TableAlreadyExistsError:
            return self._load(contract)
        return table


@dataclass(frozen=True)
class _Avro:
    """An Avro file of Iceberg's as it is written: schema, header, records."""

    schema: Any
    header: dict[str, str]
    records: list[Any]

    def position(self, field: str) -> int:
        """Place of a field in the record that has it, at the top or one level down."""
        for fields in (
            self.schema.fields,
            *(f.field_type.fields for f in self.schema.fields if f.field_type.is_struct),
        ):
            for number, each in enumerate(fields):
                if each.name == field:
                    return number
        raise KeyError(field)


def _read_avro(io: Any, path: str) -> _Avro:
    from pyiceberg.avro.file import AvroFile

    with AvroFile(io.new_input(path)) as reader:
        return _Avro(reader.schema, dict(reader.header.meta), list(reader))


def _write_avro(io: Any, path: str, content: _Avro, name: str) -> int:
    from pyiceberg.avro.file import AvroOutputFile

    output = io.new_output(path)
    with AvroOutputFile(output, content.schema, name, metadata=content.header) as writer:
        writer.write_block(content.records)
    return len(output)


def _files_between(table: Table, days: set[date]) -> list[Any]:
    """Data files of the span the days lie in; manifests of other months are not opened."""
    from pyiceberg.expressions import And, GreaterThanOrEqual, LessThanOrEqual

    if not days:
        return []
    span = And(GreaterThanOrEqual("ds", min(days).isoformat()), LessThanOrEqual("ds", max(days).isoformat()))
    return [task.file for task in table.scan(row_filter=span).plan_files()]


def _data_files(table: Table, files: Sequence[tuple[Path, str]]) -> list[Any]:
    """Describe Parquet files, each where it is now and the path it will have, to Iceberg.

    The first is checked in full, the others must have its very schema: pyiceberg's own function checks every column
    of every file in Python, 20 ms a file, a third of a year's load.
    """
    import pyarrow.parquet as pq
    from pyiceberg.io.pyarrow import PyArrowFileIO, parquet_file_to_data_file
    from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
    from pyiceberg.typedef import Record

    described, checked = [], None
    for local, path in files:
        footer = pq.read_metadata(local)
        if checked is None or not footer.schema.equals(checked):
            parquet_file_to_data_file(PyArrowFileIO(), _metadata_for(table, footer), _uri(str(local)))
            checked = footer.schema
        described.append(
            DataFile.from_args(
                content=DataFileContent.DATA,
                file_path=_uri(path),
                file_format=FileFormat.PARQUET,
                partition=Record((_path_day(path) - _EPOCH).days),
                record_count=footer.num_rows,
                file_size_in_bytes=local.stat().st_size,
                column_sizes={},
                value_counts={},
                null_value_counts={},
                nan_value_counts={},
                lower_bounds={},
                upper_bounds={},
                split_offsets=None,
                sort_order_id=None,
                spec_id=table.metadata.default_spec_id,
                equality_ids=None,
                key_metadata=None,
            )
        )
    return described


def _metadata_for(table: Table, footer: Any) -> Any:
    """The table's metadata with the schema current that the file is of: pyiceberg knows only the current one."""
    ids = _ids_of(footer)
    for schema in (table.schema(), *reversed(table.metadata.schemas)):
        if {field.field_id for field in schema.fields} == ids:
            return table.metadata.model_copy(update={"current_schema_id": schema.schema_id})
    return table.metadata


def _ids_of(footer: Any) -> set[int]:
    """Field ids of a Parquet file's columns."""
    return {int(field.metadata[b"PARQUET:field_id"]) for field in footer.schema.to_arrow_schema() if field.metadata}


def read_files_sql(paths: Iterable[str], columns: Sequence[tuple[str, str, int]]) -> str:
    """SQL: rows of data files, columns found by field id: neither renamed nor re-added ones are mixed up by name.

    Args:
        paths: of at least one file.
        columns: name to give, DuckDB type and field id of each; one that a file lacks is NULL.
    """
    schema = ", ".join(
        f"{number}: {{name: {quote_literal(name)}, type: {quote_literal(kind)}, default_value: NULL}}"
        for name, kind, number in columns
    )
    listed = ", ".join(quote_literal(path) for path in paths)
    return f"read_parquet([{listed}], hive_partitioning = false, schema = MAP {{{schema}}})"


def field_ids_sql(columns: Sequence[tuple[str, str, int]]) -> str:
    """Option of COPY that writes each column under its field id."""
    return f"FIELD_IDS {{{', '.join(f'{quote_identifier(name)}: {number}' for name, _, number in columns)}}}"


def table_columns(contract: Contract) -> list[tuple[str, str, int]]:
    """Name, DuckDB type and Iceberg field id of every column an accepted table holds, in order."""
    return [(c.name, c.lake_type, c.field_id) for c in contract.kept] + list(PROVENANCE_COLUMNS)


def _schema(contract: Contract) -> Schema:
    from pyiceberg.schema import Schema
    from pyiceberg.types import NestedField

    return Schema(
        *(
            NestedField(field_id=number, name=name, field_type=_iceberg_type(kind, contract, name), required=False)
            for name, kind, number in table_columns(contract)
        )
    )


def _iceberg_type(kind: str, contract: Contract, column: str) -> Any:
    from pyiceberg import types

    simple = {
        "VARCHAR": types.StringType,
        "BIGINT": types.LongType,
        "INTEGER": types.IntegerType,
        "BOOLEAN": types.BooleanType,
        "DATE": types.DateType,
        "TIMESTAMPTZ": types.TimestamptzType,
        "DOUBLE": types.DoubleType,
    }
    if kind in simple:
        return simple[kind]()
    if match := _DECIMAL.match(kind):
        return types.DecimalType(int(match[1]), int(match[2]))
    raise ContractError(
        f"type {kind} cannot be held by an accepted table",
        remedy=f"use one of {', '.join(simple)}, DECIMAL(p,s)",
        dataset=contract.dataset,
        column=column,
    )


def _duckdb_type(kind: Any) -> str:
    """DuckDB's name of an Iceberg type that `_iceberg_type` gives."""
    simple = {"string": "VARCHAR", "long": "BIGINT", "int": "INTEGER", "boolean": "BOOLEAN", "date": "DATE",
              "timestamptz": "TIMESTAMPTZ", "double": "DOUBLE"}  # fmt: skip
    return simple.get(str(kind)) or str(kind).upper().replace(" ", "")


def _evolve(table: Table, wanted: Schema, contract: Contract, *, is_newest: bool) -> None:
    """Make the contract's columns the table's, by field id; a field that changes its type must be a new field.

    Columns of an older version are only made known, so that its files can come in; current stay those of the newest.
    """
    from pyiceberg.schema import Schema
    from pyiceberg.table.update import AddSchemaUpdate, SetCurrentSchemaUpdate

    for field in wanted.fields:
        for schema in table.metadata.schemas if is_newest else [table.schema()]:
            old = schema._lazy_id_to_field.get(field.field_id)
            if old is None:
                continue
            before, after = (old, field) if is_newest else (field, old)
            if not _widens(before.field_type, after.field_type):
                raise ContractError(
                    f"field id {field.field_id} was {old.field_type} and is now {field.field_type}",
                    remedy="give the retyped column a new field id in the contract's new version",
                    dataset=contract.dataset,
                    column=field.name,
                )
    number = max(schema.schema_id for schema in table.metadata.schemas) + 1
    fresh = Schema(*wanted.fields, schema_id=number)
    with table.transaction() as transaction:
        if not is_newest:
            transaction._apply((AddSchemaUpdate(schema_=fresh),))
            return
        transaction._apply((AddSchemaUpdate(schema_=fresh), SetCurrentSchemaUpdate(schema_id=-1)))
        transaction.set_properties(
            **{
                "schema.name-mapping.default": fresh.name_mapping.model_dump_json(),
                SCHEMA_PROPERTY: contract.version,
            }
        )


def _fields_of(schema: Schema) -> set[tuple[int, str, str]]:
    return {(field.field_id, field.name, str(field.field_type)) for field in schema.fields}


def _version_number(contract: Contract) -> tuple[int, ...]:
    return tuple(int(part) for part in contract.version.split("."))


def _schema_version(table: Table) -> tuple[int, ...]:
    """Version of the contract that the current schema is of; tables made before it was kept tell it by snapshots."""
    told = table.properties.get(SCHEMA_PROPERTY)
    if told is None:
        versions = [
            s.summary.additional_properties.get(CONTRACT_PROPERTY) for s in table.metadata.snapshots if s.summary
        ]
        return max((tuple(int(part) for part in version.split(".")) for version in versions if version), default=(0,))
    return tuple(int(part) for part in told.split("."))


def _widens(old: Any, new: Any) -> bool:
    """Whether every value of the old type is one of the new (Iceberg's type promotion); a type widens to itself."""
    from pyiceberg.exceptions import ResolveError
    from pyiceberg.schema import promote

    try:
        return bool(old == new or promote(old, new) == new)
    except ResolveError:
        return False


def _snapshot_id(table: Table) -> int | None:
    snapshot = table.current_snapshot()
    return None if snapshot is None else snapshot.snapshot_id


def _time_of(snapshot: Snapshot) -> datetime:
    return datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC)


def _partition_day(file: Any) -> date:
    value = file.partition[0]
    return value if isinstance(value, date) else _EPOCH + timedelta(days=int(value))


def _path_day(path: str) -> date:
    return date.fromisoformat(path.rsplit("/", 2)[-2].removeprefix("ds="))


def _folder_day(path: Path) -> date:
    return date.fromisoformat(path.parent.name.removeprefix("ds="))


def _local_path(uri: str) -> str:
    return uri.removeprefix("file://")


def _uri(path: str) -> str:
    """Not `Path.as_uri`: that would write the ``=`` of a partition folder as ``%3D``."""
    return path if "://" in path else f"file://{path}"


def _make_catalog(uri: str, root: str, io_properties: tuple[tuple[str, str], ...]) -> Any:
    from pyiceberg.catalog.sql import SqlCatalog

    if root.startswith("file://"):
        Path(_local_path(root)).mkdir(parents=True, exist_ok=True)
    if uri.startswith("sqlite:") and "?" not in uri:
        uri += "?timeout=60"
    made = {"uri": uri, "warehouse": root, "pool_pre_ping": "true", **dict(io_properties)}
    catalog = database.made_by_two(lambda: SqlCatalog("lake", **made))
    database.made_by_two(lambda: catalog.create_namespace_if_not_exists(NAMESPACE))
    return catalog
