"""Tags from a CSV file: one row a tag, the columns named like a tag's keys in the TOML file."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from agent.csv_table import CsvRow, CsvTable, number, read_table
from agent.mistakes import Mistake, Place, SettingsError, did_you_mean
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


def read_tags(path: Path, file: str) -> list[TagRow]:
    """Every tag of a file; what a cell holds is judged later, together with the rest of the settings.

    Args:
        path: Where the file is.
        file: What the technician calls it.

    Raises:
        SettingsError: It is no table of tags; nothing of it can be used.
    """
    kinds = columns()
    table = read_table(path, file, is_column=lambda title: title.casefold() in kinds)
    if mistakes := list(_header_mistakes(table)):
        raise SettingsError(mistakes)
    return [_tag(table, row, kinds) for row in table.rows]


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


def _header_mistakes(table: CsvTable) -> Iterator[Mistake]:
    kinds = columns()
    titles = [title.casefold() for title in table.header.cells]
    if "name" not in titles:
        sentence = f'has no column "name"; begin with a row of titles, of {", ".join(kinds)}'
        yield Mistake(Place(table.file, table.header.line), sentence)
        return
    for column, title in enumerate(titles):
        if title not in kinds:
            remedy = did_you_mean(title, kinds) or f"; remove it, or write one of {', '.join(kinds)}"
            yield table.mistake(table.header, column, f'there is no column "{title}"{remedy}')
        elif title in titles[:column]:
            yield table.mistake(table.header, column, f'the column "{title}" is there twice; remove one')


def _tag(table: CsvTable, row: CsvRow, kinds: dict[str, Kind]) -> TagRow:
    titles = [title.casefold() for title in table.header.cells]
    cells = [(i, title, cell) for i, (title, cell) in enumerate(zip(titles, row.cells, strict=False)) if cell]
    return TagRow(
        values={title: kinds[title](cell) for _, title, cell in cells},
        place=Place(table.file, row.line),
        places={title: Place(table.file, row.line, i + 1) for i, title, _ in cells},
    )
