"""A CSV file as people's tools write it: any delimiter, any of the usual encodings, decimal commas."""

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from agent.configuration.mistakes import Mistake, Place, SettingsError
from agent.tag_lists.encodings import decoded
from agent.tag_lists.excel import is_workbook, read_workbook
from agent.tag_lists.table import IsColumn, Row, Table, is_used, table, titles_shown

_NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)(e[-+]?\d+)?", re.IGNORECASE)
_LOOKED_AT = 20  # rows from which the delimiter is told


def read_table(path: Path, file: str, is_column: IsColumn) -> Table:
    """Read a CSV file, or a workbook, whole.

    Args:
        path: Where it is.
        file: What the technician calls it.
        is_column: Whether a title is that of a column; the delimiter, the encoding and the row of titles are those
            that show most of them.

    Raises:
        SettingsError: It cannot be read, or a row is longer than the header.
    """
    if is_workbook(path):
        return read_workbook(path, file, is_column)
    try:
        text, encoding = decoded(path.read_bytes(), lambda tried: _best(tried, is_column)[0])
    except OSError as error:
        raise SettingsError([Mistake(Place(file), f"cannot be read: {error.strerror}; correct the path")]) from error
    except UnicodeDecodeError as error:
        sentence = "is not text; save it as CSV in UTF-8"
        raise SettingsError([Mistake(Place(file), sentence)]) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise SettingsError([Mistake(Place(file, line), "holds a NUL byte; save it as CSV in UTF-8 again")])
    rows = list(_rows(text, _best(text, is_column)[1], file))
    how = f"read as {encoding}, as it is no UTF-8" if encoding else ""
    return table(file, rows, is_column, how)


def number(text: str) -> float | int | None:
    """The number in a cell, with a decimal point or comma; None where it is none."""
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text.replace(",", "."))
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _best(text: str, is_column: IsColumn) -> tuple[int, str]:
    """The most titles that a delimiter shows, and that delimiter."""
    shown = [(titles_shown(_beginning(text, tried), is_column), tried) for tried in _delimiters(text)]
    return max(shown, key=lambda one: one[0])


def _delimiters(text: str) -> str:
    """Those to try; Excel may say which on a first line of its own."""
    told = re.match(r"sep=([;,\t|])\r?\n", text)
    return told[1] if told else ";,\t"


def _beginning(text: str, delimiter: str) -> list[Row]:
    found: list[Row] = []
    try:
        found.extend(islice(_rows(text, delimiter, ""), _LOOKED_AT))
    except SettingsError:  # quotes end in the wrong place where it is another delimiter
        return found
    return found


def _rows(text: str, delimiter: str, file: str) -> Iterator[Row]:
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
        if is_used(cells):
            yield Row(line, cells)
        line = reader.line_num + 1
