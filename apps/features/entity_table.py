"""The entity rows of a historical request: a Parquet file from outside, opened without trusting it.

A small file may unpack to anything: a kilobyte can hold fifty thousand rows of one long text, stored once.
So only flat columns are taken, what their pages take is summed up first (`pages`), and texts are read as
dictionaries to count their size before they are read row by row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.common.errors import InvalidInputError

from . import pages
from .names import JOIN_KEY
from .selecting import form_of

if TYPE_CHECKING:
    import pyarrow as pa

MAX_ROWS = 50_000
MAX_COLUMNS = 100
MAX_BYTES = 64 * 2**20  # unpacked
MAX_FIXED_WIDTH = 32  # bytes of one value
TIME = "event_timestamp"
FIRST_US, LAST_US = -62_135_510_400_000_000, 253_402_214_400_000_000  # a day inside the years 1 to 9999
REMEDY = "Send join key and times alone, in chunks."


def read_parquet(body: bytes) -> pa.Table:
    """The table of a request's body, its columns and rows as they were sent.

    Raises:
        InvalidInputError: not Parquet, no rows, columns of one name, nested columns, or more than the limits.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        pages.check(body, max_rows=MAX_ROWS, max_bytes=MAX_BYTES)
        file = parquet.ParquetFile(pa.BufferReader(body), pre_buffer=False)
        _check_columns(file.schema_arrow)
        texts = [column.path for column in file.schema if column.physical_type == "BYTE_ARRAY"]
        short = parquet.ParquetFile(pa.BufferReader(body), read_dictionary=texts, pre_buffer=False)
        _check_texts(short.read(use_threads=False))
        return file.read(use_threads=False)
    except InvalidInputError:
        raise
    except Exception as error:  # Arrow's readers raise whatever a broken byte leads to
        if isinstance(error, MemoryError):
            raise
        raise InvalidInputError(
            f"The body is not a Parquet file: {ascii(str(error))[1:-1][:300]}", field="body"
        ) from error


def _check_columns(schema: pa.Schema) -> None:
    import pyarrow as pa

    if len(schema) > MAX_COLUMNS:
        raise InvalidInputError(f"At most {MAX_COLUMNS} columns.", field="body", remedy=REMEDY)
    names = [field.name for field in schema]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidInputError(f"Two columns are named {twice[0]!a}.", field="body", remedy="Rename one.")
    for field in schema:
        kind = field.type.storage_type if isinstance(field.type, pa.BaseExtensionType) else field.type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        wide = pa.types.is_fixed_size_binary(kind) and kind.byte_width > MAX_FIXED_WIDTH
        if pa.types.is_nested(kind) or wide:
            raise InvalidInputError(
                f"The column {field.name!a} is of type {field.type}; only flat, short values are taken.",
                field="body",
                remedy=REMEDY,
            )


def _check_texts(table: pa.Table) -> None:
    if sum(_size(column) for column in table.columns) > MAX_BYTES:
        raise InvalidInputError(f"At most {MAX_BYTES // 2**20} MB unpacked.", field="body", remedy=REMEDY)


def _size(column: pa.ChunkedArray) -> int:
    """Bytes of a column once every row has its own value."""
    import pyarrow as pa
    from pyarrow import compute

    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    total = 0
    for chunk in column.chunks:
        values = chunk.dictionary
        if pa.types.is_primitive(values.type):
            total += int(values.nbytes) + int(chunk.indices.nbytes)
            continue
        lengths = compute.take(compute.binary_length(values), chunk.indices)
        total += int(compute.sum(compute.cast(lengths, pa.int64())).as_py() or 0) + 4 * len(chunk)
    return total


def keys_of(table: pa.Table, key: str = JOIN_KEY) -> list[str]:
    """The join key of every row.

    Raises:
        InvalidInputError: no such column, or a row without text in it.
    """
    if key not in table.column_names:
        raise InvalidInputError(f"The table needs the join key column {key!r}.", field=key)
    try:
        values: list[Any] = table.column(key).to_pylist()
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{key} is not UTF-8.", field=key) from error
    wrong = next((i for i, value in enumerate(values) if not isinstance(value, str) or "\x00" in value), None)
    if wrong is not None:
        raise InvalidInputError(f"Row {wrong}: {key} is text ({form_of(key)}).", field=key)
    return values


def times_of(table: pa.Table) -> Any:
    """The moment of every row; one without zone is UTC, as everywhere in Feast.

    Raises:
        InvalidInputError: no such column, another type, a null, an unknown zone, or a year out of 1 to 9999.
    """
    import pyarrow as pa
    from pyarrow import compute

    if TIME not in table.column_names:
        raise InvalidInputError(
            f"The table needs a column {TIME!r}.",
            field=TIME,
            remedy="Or ask for one release: as_of_release=N.",
        )
    column = table.column(TIME)
    if not pa.types.is_timestamp(column.type):
        raise InvalidInputError(f"{TIME} must be a timestamp, not {column.type}.", field=TIME)
    if column.null_count:
        raise InvalidInputError(f"{column.null_count} rows have no {TIME}.", field=TIME)
    try:
        finer = column.type.unit == "ns"  # its remainder below a microsecond may go; nothing may overflow
        moments = column.cast(pa.timestamp("us", column.type.tz), safe=not finer).cast(pa.int64())
        bounds = compute.min_max(moments).as_py()
        if not FIRST_US <= bounds["min"] <= bounds["max"] <= LAST_US:
            raise InvalidInputError(f"{TIME} has years out of 1 to 9999.", field=TIME)
        return column.to_pandas()
    except (pa.ArrowException, ValueError, OverflowError, LookupError) as error:
        raise InvalidInputError(f"{TIME}: {ascii(str(error))[1:-1][:200]}", field=TIME) from error
