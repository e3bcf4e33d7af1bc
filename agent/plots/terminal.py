"""A picture as plain text that fits a terminal."""

import textwrap
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from agent.plots.picture import LIKELY, UNITS, Picture, Quantity, limits
from analytics.hydraulics import Floats

READING, BAND, CURVE, BEYOND, SLOWED, BEST, PLATE, NOW, REFERENCE = ".", ":", "#", "-", "~", "|", "D", "@", "r"
AXIS, PREFERRED = "-", "="
MARGIN = 8  # columns left of the axis
LEAST = (40, 6)  # columns and lines of a panel, whatever the terminal
AROUND = 3  # lines of a panel besides: its title, the axis and the axis' figures
ROOMY = 11  # lines for each panel, with these, from which on one more is drawn
TICK = 12  # columns between figures on the flow axis
PANELS: tuple[tuple[Quantity, ...], ...] = (("head",), ("head", "power"), ("head", "efficiency", "power"))


class Canvas:
    """A grid of characters over a range of flow and of something else; later marks cover earlier ones."""

    def __init__(self, columns: int, lines: int, flows: tuple[float, float], values: tuple[float, float]) -> None:
        self._flows, self._values = flows, values
        self._grid: NDArray[np.str_] = np.full((lines, columns), " ", dtype="<U1")
        self._axis: NDArray[np.str_] = np.full(columns, AXIS, dtype="<U1")

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

    def mark_axis(self, low: float, high: float, character: str) -> None:
        """Put *character* on the flow axis from *low* to *high* m³/h, as far as they are on it."""
        places, step = np.linspace(*self._flows, len(self._axis), retstep=True)
        self._axis[(places >= low - 0.5 * step) & (places <= high + 0.5 * step)] = character

    def lines(self) -> Iterator[str]:
        """With the axes' figures."""
        count, columns = self._grid.shape
        for index, row in enumerate(self._grid):
            value = self._values[1] + (self._values[0] - self._values[1]) * index / (count - 1)
            figure = f"{value:{MARGIN - 2}.1f}" if index % 4 == 0 or index == count - 1 else " " * (MARGIN - 2)
            yield f"{figure} |{''.join(row)}".rstrip()
        yield " " * (MARGIN - 1) + "+" + "".join(self._axis)
        yield " " * MARGIN + "".join(f"{figure:<{TICK}.0f}" for figure in _ticks(self._flows, columns)).rstrip()


def text(picture: Picture, columns: int, lines: int) -> list[str]:
    """Title, head over flow, and the power and the efficiency below, what each mark is, and the words.

    In a low terminal the power is a row of figures, and the efficiency is left out.

    Args:
        picture: What is shown.
        columns: Of the terminal.
        lines: Of the terminal.
    """
    wide = max(LEAST[0], columns - 1)
    below = [*_wrapped([_legend(picture)], wide), *_wrapped(list(picture.words()), wide)]
    room = lines - 2 - len(below)
    most = min(max(room // ROOMY, 1), len(PANELS))
    shown = [what for what in PANELS[most - 1] if what == "head" or np.isfinite(picture.fit.values[what]).any()]
    if "power" not in shown:
        below = [*_power_row(picture, wide - MARGIN), *below]
        room = lines - 2 - len(below)
    each = max(LEAST[1], room // len(shown) - AROUND)
    panels = [line for what in shown for line in _panel(picture, what, wide - MARGIN, each)]
    return [picture.title, *panels, *below]


def _ticks(flows: tuple[float, float], columns: int) -> Floats:
    """Flows at which the axis has figures, m³/h; the last one has room for its figure."""
    return np.asarray(flows[0] + np.arange(0, columns - TICK // 2 + 1, TICK) / (columns - 1) * (flows[1] - flows[0]))


def _power_row(picture: Picture, columns: int) -> Iterator[str]:
    """What the pump draws at the flows of the axis' figures that data support; none where it is not known."""
    fit = picture.fit
    flows = _ticks(limits(picture), columns)
    drawn = np.interp(flows, fit.flow, fit.values["power"], left=np.nan, right=np.nan)
    if np.isfinite(drawn).any():
        figures = (f"{value:<{TICK}.1f}" if np.isfinite(value) else BEYOND.ljust(TICK) for value in drawn)
        yield f"{'P, ' + UNITS['power']:>{MARGIN - 2}}  {''.join(figures)}".rstrip()


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
    if picture.por is not None:
        canvas.mark_axis(*picture.por, PREFERRED)
    if picture.present is not None:
        now = float(picture.present.duty.flow[0])
        canvas.mark_axis(now, now, NOW)
    yield f"{what}, {UNITS[what]}, over flow, m³/h"
    yield from canvas.lines()


def _legend(picture: Picture) -> str:
    marks = [(CURVE, "curve"), (BAND, "its 90 % band"), (BEYOND, "beyond the data"), (READING, "steady reading")]
    if picture.best_flow is not None:
        marks.append((BEST, picture.best_name))
    if picture.por is not None:
        low, high = picture.por
        marks.append((PREFERRED, f"preferred region, {low:.0f} to {high:.0f} m³/h"))
    if picture.plate is not None:
        marks.append((PLATE, picture.plate_name))
    if picture.reference is not None:
        marks.append((REFERENCE, "reference"))
    if picture.present is not None:
        marks += [(NOW, "duty now"), (SLOWED, f"at {100 * picture.present.speed:.1f} % speed")]
    return "   ".join(f"{mark} {name}" for mark, name in marks)


def _wrapped(sentences: Sequence[str], wide: int) -> Iterator[str]:
    for sentence in sentences:
        yield from textwrap.wrap(sentence, wide, subsequent_indent="  ")
