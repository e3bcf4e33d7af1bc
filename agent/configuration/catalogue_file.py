"""A pump's data sheet from a CSV file or a workbook: one row a point, what it is and its unit in the titles."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from agent.catalogue import FEWEST
from agent.configuration.mistakes import Mistake, Place, SettingsError
from agent.tag_lists.csv_table import number, read_table
from agent.tag_lists.excel import is_workbook
from agent.tag_lists.table import Row, Table
from agent.units import Quantity, Unit, UnitError, unit_of

_NAMES: dict[str, tuple[str, ...]] = {  # without case, spaces and signs
    "flow": ("flow", "q", "flowrate", "capacity", "discharge", "förderstrom", "volumenstrom", "durchfluss", "流量"),
    "head": ("head", "h", "totalhead", "tdh", "förderhöhe", "gesamtförderhöhe", "扬程"),
    "efficiency": ("efficiency", "eff", "eta", "η", "pumpefficiency", "wirkungsgrad", "效率"),
    "power": ("power", "p", "p2", "shaftpower", "bhp", "wellenleistung", "leistungsbedarf", "轴功率", "功率"),
    "npsh": ("npsh", "npshr", "npsh3", "npshrequired", "haltedruckhöhe", "汽蚀余量", "必需汽蚀余量"),
    "speed": ("speed", "n", "rpm", "drehzahl", "转速"),
    "diameter": ("diameter", "d", "impeller", "impellerdiameter", "laufrad", "laufraddurchmesser", "叶轮直径"),
}
_QUANTITIES: dict[str, tuple[Quantity, str]] = {  # of a column, and what its unit is taken to be without one
    "flow": ("flow", "m3/h"),
    "head": ("head", "m"),
    "power": ("power", "kW"),
    "npsh": ("head", "m"),
    "diameter": ("head", "mm"),
}
_NEEDED = ("flow", "head")
_OF_THE_SHEET = ("speed", "diameter")  # the same in every row that has one
_MM = 1000.0  # in a metre
_MOST_POINTS = 300  # of a curve; a data sheet has a dozen
_MOST_BYTES = 2_000_000  # of a file; a workbook may hold pictures
_THOUSANDS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
_WHOLE = re.compile(r"\d{1,3}")


class Column(NamedTuple):
    """What a title means: our key, and the unit as written, which may be missing."""

    key: str
    unit: str


@dataclass(slots=True)
class SheetFile:
    """What a file says of a catalogue, by our keys, and where."""

    values: dict[str, list[float | None] | float] = field(default_factory=dict)
    places: dict[tuple[str, int], Place] = field(default_factory=dict)
    how: str = ""  # it was read, where a person should know


def read_catalogue(path: Path, file: str) -> SheetFile:
    """The points of a file, in the order of their flow.

    Titles hold the unit, in brackets or not ("Q [l/s]", "Head (ft)", "flow in m3/h"), or a row below them does. What is
    missing is taken to be in m³/h, m, kW; an efficiency above 1 is in %. Decimal commas are welcome.

    Raises:
        SettingsError: With every mistake in it, each at its row.
    """
    _look_at_size(path, file)
    table = read_table(path, file, is_column=lambda title: column(title) is not None)
    columns = {i: found for i, title in enumerate(table.header.cells) if (found := column(title))}
    rows = list(table.rows)
    if rows and not any(number(cell) is not None for cell in rows[0].cells):
        columns = {i: Column(key, unit or _cell(rows[0], i)) for i, (key, unit) in columns.items()}
        del rows[0]  # of units
    mistakes = list(_title_mistakes(table, columns))
    if mistakes:
        raise SettingsError(mistakes)
    if not rows:
        sentence = f"has titles and no points; write {FEWEST} or more below them, a row each"
        raise SettingsError([Mistake(table.place(table.header, 0), sentence)])
    if len(rows) > _MOST_POINTS:
        sentence = f"has {len(rows)} points, and {_MOST_POINTS} are the most; keep some, evenly over the flow"
        raise SettingsError([Mistake(table.place(rows[_MOST_POINTS], 0), sentence)])
    mistakes = [mistake for row in rows for mistake in _row_mistakes(table, row, columns)]
    mistakes = mistakes or list(_column_mistakes(table, rows, columns, is_typed=not is_workbook(path)))
    if mistakes:
        raise SettingsError(mistakes)
    return _sheet(table, rows, columns)


def column(title: str) -> Column | None:
    """What a title means; None where it is none of ours.

    >>> column("Förderhöhe H [m]"), column("Q (l/s)"), column("flow in m³/h")
    (Column(key='head', unit='m'), Column(key='flow', unit='l/s'), Column(key='flow', unit='m³/h'))
    """
    for end in range(len(title), 0, -1):
        if end < len(title) and title[end].isalnum() and title[end - 1].isalnum():
            continue  # within a word
        if key := _key(title[:end]):
            unit = re.sub(r"^(in|/)\s+", "", title[end:].strip(" \t:,_"))
            return Column(key, unit.strip("[](){} "))
    return None


def _key(name: str) -> str | None:
    """The column a name means; "Förderhöhe H" is said twice."""
    words = re.split(r"[\s_\-.:]+", unicodedata.normalize("NFKC", name).casefold().strip())
    for key, names in _NAMES.items():
        if "".join(words) in names or (len(words) > 1 and "".join(words[:-1]) in names and words[-1] in names):
            return key
    return None


def _look_at_size(path: Path, file: str) -> None:
    try:
        size = path.stat().st_size
    except OSError:
        return  # who reads it says why not
    if size > _MOST_BYTES:
        sentence = f"has {size / 1e6:.1f} MB, and a data sheet at most {_MOST_BYTES / 1e6:.0f}; keep the points alone"
        raise SettingsError([Mistake(Place(file), sentence)])


def _title_mistakes(table: Table, columns: dict[int, Column]) -> Iterator[Mistake]:
    keys = [key for key, _ in columns.values()]
    for needed in _NEEDED:
        if needed not in keys:
            missing = f'has no column "{needed}"; begin with a row of titles, like flow [m3/h], head [m], npsh [m]'
            yield Mistake(Place(table.file, table.header.line), missing)
    for i, (key, unit) in columns.items():
        if keys.count(key) > 1 and next(j for j, one in columns.items() if one.key == key) != i:
            yield table.mistake(table.header, i, f'the column "{key}" is there twice; keep one')
        elif sentence := _unit_mistake(key, unit):
            yield table.mistake(table.header, i, sentence)


def _unit_mistake(key: str, unit: str) -> str | None:
    if key == "efficiency" and unit not in {"", "%", "-", "1"}:
        return f'the unit of {key}, "{unit}", is not known; write % or nothing'
    if key not in _QUANTITIES or not unit:
        return None
    quantity, usual = _QUANTITIES[key]
    try:
        is_right = unit_of(unit, key).quantity == quantity
    except UnitError:
        is_right = False
    return None if is_right else f'the unit of {key}, "{unit}", is not one of {quantity}; write one such as {usual}'


def _row_mistakes(table: Table, row: Row, columns: dict[int, Column]) -> Iterator[Mistake]:
    for i, (key, _) in columns.items():
        text = _cell(row, i)
        if not text and key in _NEEDED:
            yield table.mistake(row, i, f"{key} is missing; write it, or delete the row")
        elif text and number(text) is None:
            yield table.mistake(row, i, f'{key} is "{text}", which is no number; correct it')


def _column_mistakes(table: Table, rows: list[Row], columns: dict[int, Column], *, is_typed: bool) -> Iterator[Mistake]:
    """What no cell shows alone; *is_typed*: with a separator of thousands perhaps, which cells of a workbook lack."""
    for i, (key, unit) in columns.items():
        told = [row for row in rows if _cell(row, i)]
        thousands = [row for row in told if _THOUSANDS.fullmatch(_cell(row, i))]
        others = [_cell(row, i) for row in told if row not in thousands]
        if is_typed and thousands and others and all(map(_WHOLE.fullmatch, others)):
            text = _cell(thousands[0], i)
            whole = re.sub("[.,]", "", text)
            remedy = f"write {whole}, or every number of the column with the same decimals"
            yield table.mistake(
                thousands[0], i, f'{key} is "{text}", which may be {whole} or {number(text):g}; {remedy}'
            )
        best = max(told, key=lambda row: _number(row, i) or 0.0, default=None)
        if key == "efficiency" and unit == "%" and best is not None and 0.0 < (_number(best, i) or 0.0) <= 1.0:
            share = f"{key} is at most {_cell(best, i)} in a column of %"
            yield table.mistake(best, i, f"{share}, which looks like a share; write it in %, or no % in the title")


def _sheet(table: Table, rows: list[Row], columns: dict[int, Column]) -> SheetFile:
    found = SheetFile(how=table.how)
    cells = {key: [_number(row, i) for row in rows] for i, (key, _) in columns.items()}
    order = sorted(range(len(rows)), key=lambda one: cells["flow"][one] or 0.0)  # a sheet may fall from right to left
    for i, (key, unit) in columns.items():
        scaled = [_scaled(key, unit, value, cells[key]) for value in cells[key]]
        if key in _OF_THE_SHEET:
            found.values |= _one(table, rows, i, key, scaled)
            continue
        found.values[key] = [scaled[one] for one in order]
        found.places |= {(key, place): table.place(rows[one], i) for place, one in enumerate(order)}
    return found


def _one(table: Table, rows: list[Row], i: int, key: str, values: list[float | None]) -> dict[str, float]:
    """The value that a column has in all its rows, if it has any."""
    said = [(value, row) for value, row in zip(values, rows, strict=True) if value is not None]
    if other := next(((value, row) for value, row in said if value != said[0][0]), None):
        sentence = f"{key} is {other[0]:g} here and {said[0][0]:g} above; a file is of one, keep its rows"
        raise SettingsError([table.mistake(other[1], i, sentence)])
    return {key: said[0][0]} if said else {}


def _scaled(key: str, unit: str, value: float | None, column: list[float | None]) -> float | None:
    if value is None or key == "speed":
        return value
    if key == "efficiency":
        is_percent = unit == "%" or max(each or 0.0 for each in column) > 1.0
        return value / 100.0 if is_percent else value
    converted = _unit(key, unit).convert(value)
    return _MM * converted if key == "diameter" else converted


def _unit(key: str, unit: str) -> Unit:
    return unit_of(unit or _QUANTITIES[key][1], key)


def _number(row: Row, i: int) -> float | None:
    return number(_cell(row, i))


def _cell(row: Row, i: int) -> str:
    return row.cells[i] if i < len(row.cells) else ""
