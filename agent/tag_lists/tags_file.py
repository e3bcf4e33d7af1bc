"""Tags from a CSV file or a workbook: one row a tag, the columns named like a tag's keys in the TOML file."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from agent.configuration.mistakes import Mistake, Place, SettingsError, did_you_mean
from agent.tag_lists.csv_table import number, read_table
from agent.tag_lists.table import Row, Table
from agent.tag_lists.vendor_words import is_hexadecimal, is_remark, key_of, word
from drivers.settings import ModbusTagSettings, OpcuaTagSettings

DEVICE = "device"  # the column that says whose tag a row is, in a file for the whole station
_WORDS = {"true": True, "yes": True, "x": True, "1": True, "false": False, "no": False, "0": False}

Cell = str | float | bool | list[float] | None
Kind = Callable[[str], Cell]


@dataclass(frozen=True, slots=True)
class TagRow:
    """One tag as its row says it, not yet validated."""

    values: dict[str, Cell]  # by key; cells left empty are absent
    place: Place
    places: dict[str, Place]  # of each key that has a cell


@dataclass(frozen=True, slots=True)
class TagFile:
    """Every tag of a file."""

    rows: list[TagRow]
    how: str  # it was read, where a person should know: "read as GBK, as it is no UTF-8"


def read_tags(path: Path, file: str) -> TagFile:
    """Every tag of a file; what a cell holds is judged later, together with the rest of the settings.

    Args:
        path: Where the file is.
        file: What the technician calls it.

    Raises:
        SettingsError: It is no table of tags; nothing of it can be used.
    """
    table = read_table(path, file, is_column=lambda title: _key(title) is not None)
    if mistakes := list(_header_mistakes(table)):
        raise SettingsError(mistakes)
    return TagFile([_tag(table, row) for row in table.rows], table.how)


@cache
def columns() -> dict[str, Kind]:
    """What a tag file may have as columns, and how the cells of each are understood."""
    kinds: dict[str, Kind] = {DEVICE: str}
    for model in (ModbusTagSettings, OpcuaTagSettings):
        for key, part in model.model_json_schema()["properties"].items():
            kinds[key] = _kind(part)
    return kinds


def _kind(part: dict[str, object]) -> Kind:
    """How text becomes what the schema asks for; text that does not stays text, and is refused by the model."""
    choices = part.get("anyOf")
    if isinstance(choices, list):
        return _kind(next(choice for choice in choices if choice["type"] != "null"))
    if isinstance(words := part.get("enum"), list):
        by_fold = {word.casefold(): word for word in words}
        return lambda text: by_fold.get(text.casefold(), text)
    match part.get("type"):
        case "number" | "integer":
            return lambda text: text if (value := number(text)) is None else value
        case "boolean":
            return lambda text: _WORDS.get(text.casefold(), text)
        case "array":
            return _numbers
        case _:
            return str


def _numbers(text: str) -> Cell:
    """Several numbers in one cell, with spaces or | between them."""
    values = [number(word) for word in text.replace("|", " ").split()]
    known = [value for value in values if value is not None]
    return known if len(known) == len(values) else text


def _key(title: str) -> str | None:
    """The column a title means, by our name for it or by another."""
    key = key_of(title, columns())
    return key if key in columns() else None


def cell(key: str, title: str, text: str) -> Cell:
    """What a cell holds, below a title that says how numbers are written there."""
    text = word(key, text)
    if key == "address" and is_hexadecimal(title) and re.fullmatch(r"[0-9A-Fa-f]+", text):
        text = f"0x{text}"
    return columns()[key](text)


def _header_mistakes(table: Table) -> Iterator[Mistake]:
    kinds = columns()
    keys = [_key(title) for title in table.header.cells]
    if "name" not in keys:
        sentence = f'has no column "name"; begin with a row of titles, of {", ".join(kinds)}'
        yield Mistake(Place(table.file, table.header.line), sentence)
        return
    for column, (title, key) in enumerate(zip(table.header.cells, keys, strict=True)):
        shown = title.casefold()
        if key is None and not is_remark(title):
            remedy = did_you_mean(shown, kinds) or f"; remove it, or write one of {', '.join(kinds)}"
            yield table.mistake(table.header, column, f'there is no column "{shown}"{remedy}')
        elif key is not None and key in keys[:column]:
            yield table.mistake(table.header, column, f'the column "{shown}" is there twice; remove one')


def _tag(table: Table, row: Row) -> TagRow:
    titled = zip(table.header.cells, row.cells, strict=False)
    cells = [(i, key, title, text) for i, (title, text) in enumerate(titled) if text and (key := _key(title))]
    return TagRow(
        values={key: cell(key, title, text) for _, key, title, text in cells},
        place=Place(table.file, row.line),
        places={key: table.place(row, i, key) for i, key, _, _ in cells},
    )
