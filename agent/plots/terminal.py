"""A picture as plain text that fits a terminal."""

import textwrap
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from agent.plots.picture import LIKELY, UNITS, Picture, Quantity, limits
from analytics.hydraulics import Floats

READING, BAND, CURVE, BEYOND, SLOWED, BEST, PLATE, NOW, REFERENCE = ".", ":", "#", "-", "~", "|", "D", "@", "r"
MARGIN = 8  # columns left of the axis
LEAST = (40, 8)  # columns and lines of a panel, whatever the terminal
TALL = 44  # lines of a terminal from which on the efficiency is drawn too
TICK = 12  # columns between figures on the flow axis


class Canvas:
    """A grid of characters over a range of flow and of something else; later marks cover earlier ones."""

    def __init__(self, columns: int, lines: int, flows: tuple[float, float], values: tuple[float, float]) -> None:
        self._flows, self._values = flows, values
        self._grid: NDArray[np.str_] = np.full((lines, columns), " ", dtype="<U1")

    def mark(self, flow: Floats, value: Floats, character: str) -> None:
        """Put *character* where the points are; what is outside or NaN is left out."""
        lines, columns = self._grid.shape
        column = (flow - self._flows[0]) / (self._flows[1] - self._flows[0]) * (columns - 1)
        line = (self._values[1] - value) / (self._values[1] - self._values[0]) * (lines - 1)
        across, down = np.rint(np.nan_to_num(column, nan=-1.0)), np.rint(np.nan_to_num(line, nan=-1.0))
        inside = (across >= 0) & (across < columns) & (down >= 0) & (down < lines)
        self._grid[down[inside].astype(int), across[inside].astype(int)] = character

    def fill(self, flow: Floats, low: Floats, high: Floats, character: str) -> None:
        """Put *character* between two lines."""
        for share in np.linspace(0.0, 1.0, 2 * len(self._grid)):
            self.mark(flow, low + share * (high - low), character)

    def lines(self) -> Iterator[str]:
        """With the axes' figures."""
        count, columns = self._grid.shape
        for index, row in enumerate(self._grid):
            value = self._values[1] + (self._values[0] - self._values[1]) * index / (count - 1)
            figure = f"{value:{MARGIN - 2}.1f}" if index % 4 == 0 or index == count - 1 else " " * (MARGIN - 2)
            yield f"{figure} |{''.join(row)}".rstrip()
        yield " " * (MARGIN - 1) + "+" + "-" * columns
        steps = np.arange(0, columns, TICK)
        figures = self._flows[0] + steps / (columns - 1) * (self._flows[1] - self._flows[0])
        yield " " * MARGIN + "".join(f"{figure:<{TICK}.0f}" for figure in figures).rstrip()


def text(picture: Picture, columns: int, lines: int) -> list[str]:
    """Title, head over flow (and the efficiency, where there are lines enough), what each mark is, and the words.

    Args:
        picture: What is shown.
        columns: Of the terminal.
        lines: Of the terminal.
    """
    wide = max(LEAST[0], columns - 1)
    below = [*_wrapped([_legend(picture)], wide), *_wrapped(list(picture.words()), wide)]
    shown: Sequence[Quantity] = ("head", "efficiency") if lines >= TALL else ("head",)
    each = max(LEAST[1], (lines - 2 - len(below)) // len(shown) - 3)
    panels = [line for what in shown for line in _panel(picture, what, wide - MARGIN, each)]
    return [picture.title, *panels, *below]


def _panel(picture: Picture, what: Quantity, columns: int, lines: int) -> Iterator[str]:
    flows, (bottom, top) = limits(picture), limits(picture, what)
    canvas = Canvas(columns, lines, flows, (bottom, top))
    column, fit = np.linspace(*flows, columns), picture.fit
    if picture.best_flow is not None:
        canvas.mark(np.full(lines, picture.best_flow), np.linspace(bottom, top, lines), BEST)
    canvas.mark(picture.readings.flow, picture.readings.values[what], READING)
    inside = column[(column >= fit.flow[0]) & (column <= fit.flow[-1])]
    value, std = (np.interp(inside, fit.flow, each) for each in (fit.values[what], LIKELY * fit.stds[what]))
    canvas.fill(inside, value - std, value + std, BAND)
    for side in picture.beyond:
        canvas.mark(side.flow[::2], side.values[what][::2], BEYOND)
    if picture.present is not None:
        canvas.mark(picture.present.curve.flow, picture.present.curve.values[what], SLOWED)
    if picture.reference is not None:
        canvas.mark(picture.reference.curve.flow[::4], picture.reference.curve.values[what][::4], REFERENCE)
    canvas.mark(inside, value, CURVE)
    if picture.plate is not None and what == "head":
        canvas.mark(np.array(picture.plate[:1]), np.array(picture.plate[1:]), PLATE)
    if picture.present is not None:
        canvas.mark(picture.present.duty.flow, picture.present.duty.values[what], NOW)
    yield f"{what}, {UNITS[what]}, over flow, m³/h"
    yield from canvas.lines()


def _legend(picture: Picture) -> str:
    marks = [(CURVE, "curve"), (BAND, "its 90 % band"), (BEYOND, "beyond the data"), (READING, "steady reading")]
    if picture.best_flow is not None and picture.por is not None:
        low, high = picture.por
        marks.append((BEST, f"{picture.best_name} (preferred: {low:.0f} to {high:.0f} m³/h)"))
    if picture.plate is not None:
        marks.append((PLATE, "plate"))
    if picture.reference is not None:
        marks.append((REFERENCE, "reference"))
    if picture.present is not None:
        marks += [(NOW, "duty now"), (SLOWED, f"at {100 * picture.present.speed:.1f} % speed")]
    return "   ".join(f"{mark} {name}" for mark, name in marks)


def _wrapped(sentences: Sequence[str], wide: int) -> Iterator[str]:
    for sentence in sentences:
        yield from textwrap.wrap(sentence, wide, subsequent_indent="  ")
