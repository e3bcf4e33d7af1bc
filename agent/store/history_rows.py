"""From the lines of a file of history to readings, wide or long."""

from collections.abc import Iterator, Mapping
from itertools import repeat
from math import isfinite
from operator import itemgetter

from agent.store.history_file import HistoryFile, Line
from agent.store.history_layout import HistoryError, tag_name
from agent.store.history_report import ImportReport
from agent.store.history_time import Clock
from agent.store.history_values import Check, number, quality
from agent.store.zones import Offered
from drivers.reading import Quality

GOOD = int(Quality.GOOD)


def readings(
    file: HistoryFile, checks: Mapping[str, Check], clock: Clock, report: ImportReport
) -> Iterator[list[Offered]]:
    """The readings of each line, in the file's order; what is unusable is counted in *report*.

    Raises:
        HistoryError: No column is a configured tag, or the file cannot be read on.
    """
    rows = Wide(file, checks, clock, report) if file.layout.tag is None else Long(file, checks, clock, report)
    return map(rows.readings, file)


class Wide:
    """A column of times and one a tag."""

    def __init__(self, file: HistoryFile, checks: Mapping[str, Check], clock: Clock, report: ImportReport) -> None:
        known = frozenset(checks)
        names = [tag_name(cell, known) for cell in file.layout.header]
        places = [place for place, name in enumerate(names) if place not in file.layout.times and name in known]
        report.unknown += [
            name for place, name in enumerate(names) if name and place not in {*file.layout.times, *places}
        ]
        self._checks = [checks[names[place]] for place in places]
        if not places:
            raise HistoryError(
                f"no column of {report.name} is a configured tag (its columns: {', '.join(names[:8])}); "
                "name the columns as the configuration names the tags"
            )
        if len({check.name for check in self._checks}) < len(places):
            raise HistoryError(f"{report.name} has a tag in two columns; keep one of them")
        self._tags = [check.name for check in self._checks]
        self._places = places
        self._cells = itemgetter(*places) if len(places) > 1 else lambda cells: (cells[places[0]],)
        self._judged = [(place, check) for place, check in enumerate(self._checks) if check.is_needed]
        self._width = len(names)
        self._when = file.layout.when
        self._clock = clock
        self._report = report
        self._decimal_comma, self._thousands = file.delimiter != ",", file.has_decimal_commas

    def readings(self, line: Line) -> list[Offered]:
        """The readings of a line."""
        try:
            ts_ms = self._clock.ms(self._when(_complete(line, self._width)))
        except ValueError as error:
            told = self._when(line.cells) if len(line.cells) >= self._width else line.cells[0]
            self._report.reject(line.number, str(error), told)
            return []
        if self._thousands or not line.is_plain:
            return self._one_by_one(line, ts_ms)
        try:
            values = list(map(float, self._cells(line.cells)))
        except ValueError:
            return self._one_by_one(line, ts_ms)
        if not isfinite(sum(values)):
            return self._one_by_one(line, ts_ms)
        found: list[Offered] = list(zip(self._tags, repeat(ts_ms), values, repeat(GOOD), repeat(None)))
        for place, check in self._judged:
            if not check.believes(values[place]):
                found[place] = check.reading(ts_ms, values[place])
        return found

    def _one_by_one(self, line: Line, ts_ms: int) -> list[Offered]:
        found: list[Offered] = []
        for check, cell in zip(self._checks, self._cells(line.cells), strict=True):
            try:
                value = number(cell, decimal_comma=self._decimal_comma, thousands=self._thousands)
            except ValueError as error:
                self._report.reject(line.number, f"{error} ({check.name})", cell)
                continue
            if value is None:
                self._report.empty += 1
            else:
                found.append(check.reading(ts_ms, value))
        return found


class Long:
    """A line a reading: time, tag, value, and perhaps quality."""

    def __init__(self, file: HistoryFile, checks: Mapping[str, Check], clock: Clock, report: ImportReport) -> None:
        layout = file.layout
        self._when, self._tag, self._value, self._quality = (
            layout.when,
            layout.tag or 0,
            layout.value or 0,
            layout.quality,
        )
        self._width = len(layout.header)
        self._checks = checks
        self._clock = clock
        self._report = report
        self._unknown = set[str]()
        self._decimal_comma, self._thousands = file.delimiter != ",", file.has_decimal_commas

    def readings(self, line: Line) -> list[Offered]:
        """The reading of a line, as a list; empty where there is none."""
        try:
            cells = _complete(line, self._width)
        except ValueError as error:
            self._report.reject(line.number, str(error), line.cells[0])
            return []
        check = self._checks.get(name := cells[self._tag].strip())
        if check is None:
            if name not in self._unknown:
                self._unknown.add(name)
                self._report.unknown.append(name)
            return []
        try:
            return self._reading(check, cells)
        except ValueError as error:
            self._report.reject(line.number, str(error), " ".join(cells))
            return []

    def _reading(self, check: Check, cells: list[str]) -> list[Offered]:
        ts_ms = self._clock.ms(self._when(cells))
        code = GOOD if self._quality is None else quality(cells[self._quality])
        value = number(cells[self._value], decimal_comma=self._decimal_comma, thousands=self._thousands)
        if value is None and code >= Quality.UNCERTAIN:
            self._report.empty += 1
            return []
        return [check.reading(ts_ms, 0.0 if value is None else value, code)]


def _complete(line: Line, width: int) -> list[str]:
    """The cells of a line that has all of them, and perhaps a delimiter too many.

    Raises:
        ValueError: It has not.
    """
    count = len(line.cells)
    if count != width and not (count == width + 1 and not line.cells[-1].strip()):
        raise ValueError(f"{count} cells instead of {width}")
    return line.cells
