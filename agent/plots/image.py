"""A picture as a file: PNG, SVG or PDF, as its name ends. Needs matplotlib."""

import textwrap
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from agent.plots.picture import LIKELY, UNITS, Picture, Quantity, Trace, limits

SIZE = (9.5, 11.0)  # inches, a page upright
WIDE = 120  # characters of a line of words
INK, CURVE, READING, NOW = "#333333", "#0b5394", "#8a8a8a", "#c0392b"
PLATE, REGION, BEST = "#7a5195", "#e6efe0", "#4d7c2a"


def draw(picture: Picture, path: Path) -> None:
    """Write *picture* into a file.

    Raises:
        OSError: It cannot be written.
        ValueError: Its name ends as no known kind of picture does.
    """
    figure(picture).savefig(path, dpi=130)


def figure(picture: Picture) -> Figure:
    """Head, efficiency and power over flow, one above the other, and in words what they rest on."""
    page = Figure(figsize=SIZE, layout="constrained")
    panels = page.subplots(3, 1, sharex=True, height_ratios=(3.0, 2.0, 2.0))
    for axes, what in zip(panels, UNITS, strict=True):
        _panel(axes, picture, what)
    low, high = limits(picture)
    panels[0].set_xlim(low, high)
    panels[0].set_title(picture.title, loc="left", fontsize=13, fontweight="bold", color=INK)
    panels[0].legend(loc="lower left", fontsize=8, frameon=True, framealpha=0.9)
    panels[-1].set_xlabel("Flow, m³/h (the duty now: at its own speed)" if picture.present else "Flow, m³/h")
    words = (line for sentence in picture.words() for line in textwrap.wrap(sentence, WIDE))
    page.supxlabel("\n".join(words), x=0.02, ha="left", fontsize=8.5, color=INK)
    return page


def _panel(axes: Axes, picture: Picture, what: Quantity) -> None:
    if picture.por is not None:
        low, high = picture.por
        axes.axvspan(low, high, color=REGION, zorder=0, label=f"Preferred region, {low:.0f} to {high:.0f} m³/h")
    if picture.best_flow is not None:
        name = f"{picture.best_name.capitalize()}, {picture.best_flow:.0f} m³/h"
        axes.axvline(picture.best_flow, color=BEST, lw=1.0, ls="-.", label=name, zorder=1)
    readings = picture.readings
    if len(readings.flow):
        how = "Steady readings" if picture.is_metered else "Steady readings (flow derived)"
        axes.plot(readings.flow, readings.values[what], ".", ms=2.5, color=READING, alpha=0.6, label=how, zorder=2)
    _curve(axes, picture, what)
    if picture.reference is not None:
        _line(axes, picture.reference.curve, what, color=PLATE, lw=1.4, ls=":", label="Reference (wear)")
    if picture.plate is not None and what == "head":
        name = picture.plate_name.capitalize()
        axes.plot(*picture.plate, "D", ms=7, mfc="none", mec=PLATE, mew=1.6, label=name, zorder=5)
    if picture.present is not None:
        name = f"At {100 * picture.present.speed:.1f} % speed"
        _line(axes, picture.present.curve, what, color=NOW, lw=1.0, label=name)
        duty = picture.present.duty
        axes.plot(duty.flow, duty.values[what], "*", ms=13, color=NOW, mec="white", label="Duty now", zorder=6)
    axes.set_ylabel(f"{what.capitalize()}, {UNITS[what]}")
    axes.set_ylim(*limits(picture, what))
    axes.grid(visible=True, color="#dddddd", lw=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _curve(axes: Axes, picture: Picture, what: Quantity) -> None:
    fit = picture.fit
    std = fit.stds.get(what, np.full_like(fit.flow, np.nan))
    below, above = fit.values[what] - LIKELY * std, fit.values[what] + LIKELY * std
    axes.fill_between(fit.flow, below, above, color=CURVE, alpha=0.25, lw=0, label="90 % band of the curve", zorder=3)
    _line(axes, fit, what, color=CURVE, lw=2.0, label=f"Curve ({picture.said.method})")
    for side in picture.beyond:
        _line(axes, side, what, color=CURVE, lw=1.2, ls="--")
    if picture.beyond:
        axes.plot([], [], color=CURVE, lw=1.2, ls="--", label="Beyond the data")


def _line(axes: Axes, trace: Trace, what: Quantity, **style: str | float) -> None:
    axes.plot(trace.flow, trace.values[what], zorder=4, **style)  # type: ignore[arg-type]
