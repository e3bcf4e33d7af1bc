"""Parquet: a row group for each slice; needs the extra `parquet`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import pyarrow as pa
from pyarrow import parquet

from agent.export.tables import Lines, Table

TYPES: dict[type, Any] = {int: pa.int16(), float: pa.float64(), str: pa.string(), bool: pa.bool_()}
TEXT = "text"  # column of values that are no numbers: a column of Parquet has one type


@contextmanager
def writing(file: IO[bytes], table: Table) -> Iterator[Callable[[Lines], object]]:
    """What takes the lines of *table*; times become timestamps, a column of mixed values two."""
    mixed = table.kinds.index(object) if object in table.kinds else None
    schema = _schema(table, mixed)
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:

        def write(lines: Lines) -> None:
            columns: list[Any] = [list(column) for column in zip(*lines, strict=True)]
            if mixed is not None:
                values = columns[mixed]
                columns[mixed] = [None if isinstance(value, str) else value for value in values]
                columns.insert(mixed + 1, [value if isinstance(value, str) else None for value in values])
            arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))

        yield write


def _schema(table: Table, mixed: int | None) -> Any:
    fields = [
        pa.field(name, pa.float64() if kind is object else TYPES[kind])
        for name, kind in zip(table.names, table.kinds, strict=True)
    ]
    fields[0] = pa.field(table.names[0], pa.timestamp("ms", "UTC"))
    if mixed is not None:
        fields.insert(mixed + 1, pa.field(TEXT, pa.string()))
    return pa.schema(fields)
