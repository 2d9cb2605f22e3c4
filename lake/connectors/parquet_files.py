"""Parquet files as a department delivers them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lake.connectors.files import FileSource
from lake.connectors.protocol import SourceColumn
from lake.contracts.model import Contract
from lake.errors import DeliveryDamaged

_BATCH = 1 << 16
WIDEST_DECIMAL = 38
"""Digits DuckDB holds exactly; it turns a wider decimal into a double."""


class Source(FileSource):
    """Parquet files. A record is a row, its number its place in the file.

    Numbers, dates and times become their canonical text; lists, structs and maps become JSON text; bytes become lower
    hex. Decimals of more than 38 digits and times of day or with a zone that are finer than a microsecond are refused.
    """

    def count_records(self, path: Path) -> tuple[int, str | None]:
        """Rows by Arrow: those one column has in its pages, and those the footer claims."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(path) as file:
                if (problem := _too_wide(file.schema_arrow)) is not None:
                    return 0, problem
                claimed = file.metadata.num_rows
                # The first leaf of a column is enough: pages that hold it hold the rows.
                leaf = [file.schema.column(0).path] if file.metadata.num_columns else []
                found = sum(batch.num_rows for batch in file.iter_batches(_BATCH, columns=leaf))
                problem = _too_fine(file)
        except (pa.ArrowException, OSError) as error:
            return 0, f"the file is not Parquet to its end ({type(error).__name__})"
        return found, problem if found == claimed else f"the file holds {found} rows and claims {claimed}"

    def columns(self, path: Path, contract: Contract) -> tuple[SourceColumn, ...]:
        """Columns and types of the file's schema."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            schema = pq.read_schema(path)
        except (pa.ArrowException, OSError) as error:
            raise DeliveryDamaged(
                f"it is not Parquet we can read ({type(error).__name__})",
                remedy="ask the department to deliver it again",
                dataset=contract.dataset,
            ) from None
        return tuple(SourceColumn(field.name, str(field.type), field.nullable) for field in schema)


def _too_wide(schema: Any) -> str | None:
    import pyarrow as pa

    def widest(type_: Any) -> int:
        if pa.types.is_decimal(type_):
            return int(type_.precision)
        if pa.types.is_dictionary(type_):
            return widest(type_.value_type)
        inner = [type_.field(place).type for place in range(type_.num_fields)]
        return max((widest(one) for one in inner), default=0)

    for field in schema:
        if widest(field.type) > WIDEST_DECIMAL:
            return f"column {field.name!r} has decimals of more than {WIDEST_DECIMAL} digits; have them sent as text"
    return None


def _too_fine(file: Any) -> str | None:
    """A column with moments DuckDB would cut off: it has nanoseconds only for timestamps without a zone."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for field in file.schema_arrow:
        is_time = pa.types.is_time64(field.type) and field.type.unit == "ns"
        if not is_time and not (pa.types.is_timestamp(field.type) and field.type.unit == "ns" and field.type.tz):
            continue
        for batch in file.iter_batches(_BATCH, columns=[field.name]):
            moments = batch.column(0).cast(pa.int64())
            whole = pc.multiply(pc.divide(moments, 1000), 1000)
            if pc.any(pc.not_equal(moments, whole)).as_py():
                return f"column {field.name!r} has moments finer than a microsecond; have them sent as text"
    return None
