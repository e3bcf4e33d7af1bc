"""An Excel workbook as a table: the sheet that shows most titles, each cell as the text a person would type."""

import warnings
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile
from zlib import error as ZlibError  # noqa: N812 - a class, whatever its name

from agent.configuration.mistakes import Mistake, Place, SettingsError
from agent.tag_lists.table import IsColumn, Row, Table, is_used, table, titles_shown

_SUFFIXES = (".xlsx", ".xlsm")
_MOST_ROWS = 200_000  # of a sheet; a list of registers has thousands


def is_workbook(path: Path) -> bool:
    """Whether a file is Excel's own, by its name."""
    return path.suffix.casefold() in (*_SUFFIXES, ".xls")


def read_workbook(path: Path, file: str, is_column: IsColumn) -> Table:
    """Read the sheet of a workbook that has the titles.

    Raises:
        SettingsError: It cannot be read.
    """
    if path.suffix.casefold() not in _SUFFIXES:
        raise _refused(file, "is a workbook of before 2007; save it as .xlsx, or as CSV in UTF-8")
    try:
        import openpyxl  # noqa: PLC0415 - an extra: for those who get workbooks
    except ImportError as error:
        remedy = 'install it with pip install "pump-agent[excel]", or save the sheet as CSV in UTF-8'
        raise _refused(file, f"is a workbook, for which openpyxl is missing; {remedy}") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and drop-down lists, which are nothing to us
            sheets = _sheets(openpyxl.load_workbook(path, read_only=True, data_only=True), file)
    except OSError as error:
        raise _refused(file, f"cannot be read: {error.strerror or error}; correct the path") from error
    except (BadZipFile, ZlibError, ParseError, KeyError, ValueError, EOFError) as error:
        raise _refused(file, "is no workbook, or a damaged one; save it again in Excel, or as CSV in UTF-8") from error
    if not sheets:
        raise _refused(file, "has no sheet with cells; save the list as CSV in UTF-8")
    name = max(sheets, key=lambda one: titles_shown(sheets[one], is_column))
    label = file if len(sheets) == 1 else f"{file}[{name}]"
    return table(label, sheets[name], is_column, f'read from sheet "{name}"' if len(sheets) > 1 else "")


def _sheets(workbook: Any, file: str) -> dict[str, list[Row]]:
    try:
        return {sheet.title: list(_rows(sheet, file)) for sheet in workbook.worksheets}
    finally:
        workbook.close()


def _rows(sheet: Any, file: str) -> Iterator[Row]:
    for line, values in enumerate(sheet.iter_rows(values_only=True), 1):
        if line > _MOST_ROWS:
            raise _refused(file, f"has a sheet of more than {_MOST_ROWS} rows, which is no tag list; remove it")
        cells = [_text(value) for value in values]
        while cells and not cells[-1]:
            cells.pop()
        if cells and is_used(cells):
            yield Row(line, tuple(cells))


def _refused(file: str, sentence: str) -> SettingsError:
    return SettingsError([Mistake(Place(file), sentence)])


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case datetime() | date() | time():
            return value.isoformat()  # Excel takes 1-2 for a day; the model says that it is no number
        case _:
            return str(value).strip()
