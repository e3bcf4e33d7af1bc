"""A CSV file as people's tools write it: any delimiter, any of the usual encodings, decimal commas."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.mistakes import Mistake, Place, SettingsError

_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)(e[-+]?\d+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CsvRow:
    """The cells of a row, trimmed, and the line it begins on."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CsvTable:
    """A header and what stands below it; blank rows and rows that begin with # are left out."""

    file: str  # as the technician named it
    header: CsvRow
    rows: tuple[CsvRow, ...]

    def mistake(self, row: CsvRow, column: int, sentence: str) -> Mistake:
        """Something wrong in a cell; columns count from 0 here and from 1 in the place."""
        return Mistake(Place(self.file, row.line, column + 1), sentence)


def read_table(path: Path, file: str, is_column: Callable[[str], bool]) -> CsvTable:
    """Read a CSV file whole.

    Args:
        path: Where it is.
        file: What the technician calls it.
        is_column: Whether a title is that of a column; the delimiter is the one that shows most of them.

    Raises:
        SettingsError: It cannot be read, or a row is longer than the header.
    """
    try:
        text = _decoded(path.read_bytes())
    except OSError as error:
        raise SettingsError([Mistake(Place(file), f"cannot be read: {error.strerror}; correct the path")]) from error
    except UnicodeDecodeError as error:
        sentence = "is not text; save it as CSV in UTF-8"
        raise SettingsError([Mistake(Place(file), sentence)]) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise SettingsError([Mistake(Place(file, line), "holds a NUL byte; save it as CSV in UTF-8 again")])
    delimiter = max(_delimiters(text), key=lambda tried: sum(map(is_column, _titles(text, tried))))
    header, *rows = [*_rows(text, delimiter, file)] or [CsvRow(1, ())]
    table = CsvTable(file, header, tuple(rows))
    if too_long := [_too_long(table, row) for row in table.rows if any(row.cells[len(table.header.cells) :])]:
        raise SettingsError(too_long)
    return table


def number(text: str) -> float | int | None:
    """The number in a cell, with a decimal point or comma; None where it is none."""
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text.replace(",", "."))
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _decoded(data: bytes) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return data.decode(encoding)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252")  # what Excel calls CSV on a western Windows


def _delimiters(text: str) -> str:
    """Those to try; Excel may say which on a first line of its own."""
    told = re.match(r"sep=([;,\t|])\r?\n", text)
    return told[1] if told else ";,\t"


def _titles(text: str, delimiter: str) -> tuple[str, ...]:
    try:
        return next(_rows(text, delimiter, "")).cells
    except (StopIteration, SettingsError):  # quotes end in the wrong place where it is another delimiter
        return ()


def _rows(text: str, delimiter: str, file: str) -> Iterator[CsvRow]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    while True:
        try:
            cells = tuple(cell.strip() for cell in next(reader))
        except StopIteration:
            return
        except csv.Error as error:
            sentence = "this row cannot be read; look for a quote that is not closed here"
            raise SettingsError([Mistake(Place(file, line), sentence)]) from error
        if any(cells) and not cells[0].startswith(("#", "sep=")):
            yield CsvRow(line, cells)
        line = reader.line_num + 1


def _too_long(table: CsvTable, row: CsvRow) -> Mistake:
    width = len(table.header.cells)
    sentence = f"has more cells than the {width} titles; put quotes around text that holds the delimiter"
    return table.mistake(row, width, sentence)
