"""A table as a technician hands it over: titles, and rows with the line they stand on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.configuration.mistakes import Mistake, Place, SettingsError

_ABOVE = 20  # rows in which the titles are looked for; above them stand names of projects and of devices
_ENOUGH = 2  # titles that make a row of them

IsColumn = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a row, trimmed, and the line it begins on."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Titles and what stands below them; blank rows and rows that begin with # are left out."""

    file: str  # as the technician named it, and the sheet where there are several
    header: Row
    rows: tuple[Row, ...]
    how: str  # it was read, where that was not certain: an encoding, a sheet; else ""

    def place(self, row: Row, column: int, key: str = "") -> Place:
        """Where a cell is; columns count from 0 here and from 1 in the place.

        Args:
            row: The cell's.
            column: Its number.
            key: What we call what is in it; a title that says it otherwise is told.
        """
        title = self.header.cells[column] if column < len(self.header.cells) else ""
        return Place(self.file, row.line, column + 1, title if key and title.casefold() != key else None)

    def mistake(self, row: Row, column: int, sentence: str) -> Mistake:
        """Something wrong in a cell."""
        return Mistake(self.place(row, column), sentence)


def is_used(cells: Sequence[str]) -> bool:
    """Whether a row says anything."""
    return any(cells) and not cells[0].startswith(("#", "sep="))


def titles_shown(rows: Sequence[Row], is_column: IsColumn) -> int:
    """How many titles of columns the row of titles has."""
    return max((_titles(row, is_column) for row in rows[:_ABOVE]), default=0)


def table(file: str, rows: Sequence[Row], is_column: IsColumn, how: str) -> Table:
    """The rows as a table; the titles are in the first row that has some.

    Raises:
        SettingsError: A row is longer than the titles.
    """
    enough = min(_ENOUGH, titles_shown(rows, is_column))
    start = next((i for i, row in enumerate(rows[:_ABOVE]) if _titles(row, is_column) >= enough), 0)
    header, *below = [*rows[start:]] or [Row(1, ())]
    found = Table(file, header, tuple(below), how)
    if too_long := [_too_long(found, row) for row in found.rows if any(row.cells[len(header.cells) :])]:
        raise SettingsError(too_long)
    return found


def _titles(row: Row, is_column: IsColumn) -> int:
    return sum(map(is_column, row.cells))


def _too_long(found: Table, row: Row) -> Mistake:
    width = len(found.header.cells)
    sentence = f"has more cells than the {width} titles; put quotes around text that holds the delimiter"
    return found.mistake(row, width, sentence)
