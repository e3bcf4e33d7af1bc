"""Files an export is written to: whole or not at all."""

import csv
import gzip
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Literal, TextIO

from agent.export.tables import Lines, Table

Form = Literal["csv", "csv.gz", "parquet"]
Write = Callable[[Lines], object]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FAST = 3  # of gzip's levels: half the time of the usual one, a few percent larger


class ExportError(Exception):
    """A person must act: the file cannot be written, or a library is missing."""


@contextmanager
def opened(path: Path | None, form: Form, table: Table) -> Iterator[Write]:
    """What takes the lines of *table*; None is standard output. A file appears under its name once it is complete.

    Raises:
        ExportError: It cannot be written.
    """
    if path is None:
        with _writing("standard output", form, sys.stdout.buffer, table) as write:
            yield write
        return
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file, _writing(str(path), form, file, table) as write:
            yield write
        part.replace(path)
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _writing(name: str, form: Form, file: IO[bytes], table: Table) -> Iterator[Write]:
    match form:
        case "csv":
            yield _csv(_Utf8(file), table)
            file.flush()
        case "csv.gz":
            with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=FAST) as packed:
                yield _csv(_Utf8(packed), table)
        case "parquet":
            try:
                from agent.export.parquet import writing  # noqa: PLC0415 - for those who have installed it
            except ModuleNotFoundError as error:
                remedy = 'install it with pip install "pump-agent[parquet]", or export csv.gz'
                raise ExportError(f"{name} needs pyarrow; {remedy}") from error
            with writing(file, table) as write:
                yield write


class _Utf8:
    """Text to bytes, without the end that a TextIOWrapper would bring to a file that is not its own."""

    def __init__(self, file: IO[bytes] | gzip.GzipFile) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return self._file.write(text.encode())


def _csv(file: "TextIO | _Utf8", table: Table) -> Write:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(table.names)

    def write(lines: Lines) -> None:
        writer.writerows(
            [_time(line[0]), *(_cell(name, value) for name, value in zip(table.names[1:], line[1:], strict=True))]
            for line in lines
        )

    return write


def _time(ts_ms: int) -> str:
    return (EPOCH + timedelta(milliseconds=ts_ms)).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ts_ms % 1000:03}Z"


def _cell(name: str, value: object) -> object:
    if value is None and name == "quality":
        return "filled"  # an import that would take it for measured refuses this word
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else value
