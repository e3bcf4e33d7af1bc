"""What every set of pumps can do at every level: flows and powers, tabulated once for all steps."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from analytics.dispatch.lines import Line
from analytics.dispatch.pump import Array
from analytics.dispatch.sets import Masks
from analytics.schedule.band import banded
from analytics.schedule.beside import Beside
from analytics.schedule.problem import Problem
from analytics.schedule.split import power_of
from analytics.schedule.windows import Window, windows

NODES = 9  # flows across a window
_LOOKS = 5  # of them, from which the cost to go is made
FEW = 8  # sets, of which every node is looked at
_ENDS = 1e-7  # share of the flow by which windows in tables may be off
_LEVELS = 17  # at which sets are looked at; smooth between
_CELLS = 40_000  # of a step's table, about
_FEWEST, _MOST = 129, 513  # volumes


@dataclass(frozen=True, slots=True, eq=False)
class Atlas:
    """Flows and powers of s sets at v volumes, evenly spaced; the first set is that of no pump.

    A set's flows lie evenly from `low` to `high` in NODES steps; `room` below 0: it cannot run there at all.
    """

    sets: Masks  # (s, n)
    volumes: Array  # (v,) m³
    low: Array  # (s, v) m³/h
    high: Array  # (s, v)
    room: Array  # (s, v)
    power: Array  # (s, v, NODES) kW
    is_rigid: NDArray[np.bool_]  # (s,) fixed speed only: one flow at a level
    beside: Beside  # what they cost that is no energy

    @property
    def looks(self) -> NDArray[np.intp]:
        """The nodes of a window from which the cost to go is made."""
        return np.linspace(0, NODES - 1, looks_of(len(self.sets)), dtype=np.intp)

    def cells(self, volume: Array) -> Array:
        """Volumes as places in the tables: 0 the first; any shape."""
        return np.asarray((volume - self.volumes[0]) / (self.volumes[1] - self.volumes[0]))

    def place(self, volume: Array) -> tuple[NDArray[np.intp], Array]:
        """Node below each volume and the share of the way to the next; kept within the table."""
        at = np.minimum(np.maximum(self.cells(volume), 0.0), len(self.volumes) - 1.0)
        node = np.minimum(at.astype(np.intp), len(self.volumes) - 2)
        return node, at - node

    def between(self, values: Array, sets: NDArray[np.intp], volume: Array) -> Array:
        """*values* (s, v, ...) of *sets* at *volume*, both (k,); linear."""
        node, share = self.place(volume)
        share = share.reshape(share.shape + (1,) * (values.ndim - 2))
        before = values[sets, node]
        return np.asarray(before + share * (values[sets, node + 1] - before))

    def window(self, sets: NDArray[np.intp], volume: Array) -> "AtlasWindow":
        """What each of *sets* (k,) can do at *volume* (k,)."""
        return AtlasWindow(
            low=self.between(self.low, sets, volume),
            high=self.between(self.high, sets, volume),
            room=self.between(self.room, sets, volume),
            powers=self.between(self.power, sets, volume),
        )


@dataclass(frozen=True, slots=True, eq=False)
class AtlasWindow:
    """What k sets can do, each at one volume."""

    low: Array  # (k,) m³/h
    high: Array  # (k,)
    room: Array  # (k,)
    powers: Array  # (k, NODES) kW

    def power(self, flow: Array) -> Array:
        """Power at flows (k, m) of the windows, kW; cubic through the four nearest nodes."""
        width = (self.high - self.low)[:, None]
        at = np.where(width > 0, (flow - self.low[:, None]) / np.where(width > 0, width, 1.0), 0.0) * (NODES - 1)
        first = np.clip(at.astype(np.intp) - 1, 0, NODES - 4)
        x = np.clip(at, -0.5, NODES - 0.5) - first
        index = first + NODES * np.arange(len(flow))[:, None]
        p0, p1, p2, p3 = (self.powers.ravel()[index + step] for step in range(4))
        y, z = (x - 1) * (x - 2), x * (x - 3)
        return np.asarray((p3 * x - p0 * (x - 3)) * y / 6 + (p1 * (x - 2) - p2 * (x - 1)) * z / 2)


def looks_of(sets: int) -> int:
    """How many nodes of a window are looked at, of so many sets."""
    return NODES if sets <= FEW else _LOOKS


def atlas(problem: Problem, lines: Sequence[Line], sets: Masks) -> Atlas:
    """Look at every set of *sets* (s, n), the first of which is empty."""
    is_rigid, beside = _rigid(lines, sets), Beside.of(problem, sets)
    volumes = _volumes(problem, int(np.where(is_rigid, 1, looks_of(len(sets))).sum()))
    if len(sets) == 1:
        none, no_power = np.zeros((1, len(volumes))), np.zeros((1, len(volumes), NODES))
        return Atlas(sets, volumes, none, none, none + 1.0, no_power, is_rigid, beside)
    first, last = problem.storage.level(volumes[[0, -1]]).tolist()
    levels = np.linspace(first, last, _LEVELS)
    low, high, room, power = _looked(problem, lines, sets[1:], levels, is_rigid[1:])
    at = problem.storage.level(volumes)
    low, high = _drawn(levels, low, at), _drawn(levels, high, at)
    room = np.stack([np.interp(at, levels, each) for each in room])
    closed = ~is_rigid[1:, None] & (high < low)  # where a limit leaves no flow at all
    room = np.where(closed, np.minimum(room, (high - low) / np.maximum(low, 1e-9)), room)
    made = Atlas(
        sets=sets,
        volumes=volumes,
        low=_with_rest(low, 0.0),
        high=_with_rest(np.maximum(high, low), 0.0),
        room=_with_rest(room, 1.0),
        power=_with_rest(_drawn(levels, power, at), 0.0),
        is_rigid=is_rigid,
        beside=beside,
    )
    return _banded(problem, made, at) if problem.pressures.has_band else made


def _banded(problem: Problem, made: Atlas, levels: Array) -> Atlas:
    """The same tables within the pressures of the header, their nodes moved into what is left of each window."""
    bare = Window(made.low[1:], made.high[1:], made.room[1:])
    return _within(made, banded(problem, levels, bare, made.is_rigid[1:, None]))


def capped(made: Atlas, cap: float) -> Atlas:
    """The same tables with no more than *cap* kW in any step: windows end where a set takes as much."""
    power, width = made.power[1:], (made.high - made.low)[1:]
    node = np.clip((power <= cap).sum(axis=2), 1, NODES - 1)  # as power rises with the flow
    before, after = (np.take_along_axis(power, each[..., None], axis=2)[..., 0] for each in (node - 1, node))
    share = (node - 1 + (cap - before) / np.where(after > before, after - before, np.inf)) / (NODES - 1)
    share = np.where(power[..., -1] <= cap, 1.0, np.clip(share, 0.0, 1.0))
    spare = (cap - power[..., 0]) / cap
    room = np.where(spare < 0, np.minimum(made.room[1:], spare), made.room[1:])
    return _within(made, Window(made.low[1:], made.low[1:] + share * width, room))


def _within(made: Atlas, cut: Window) -> Atlas:
    """The same tables, their nodes moved into what is left of each window: *cut* of all sets but the empty one."""
    bare = Window(made.low[1:], made.high[1:], made.room[1:])
    shares = np.linspace(0.0, 1.0, NODES)
    flow = cut.low[..., None] + (cut.high - cut.low)[..., None] * shares
    powers = made.power[1:]
    whole = AtlasWindow(bare.low.ravel(), bare.high.ravel(), bare.slack.ravel(), powers.reshape(-1, NODES))
    drawn = whole.power(flow.reshape(-1, NODES)).reshape(flow.shape)
    power = np.where(made.is_rigid[1:, None, None], powers, drawn)
    return replace(
        made,
        low=np.concatenate([made.low[:1], cut.low]),
        high=np.concatenate([made.high[:1], cut.high]),
        room=np.concatenate([made.room[:1], cut.slack]),
        power=np.concatenate([made.power[:1], power]),
    )


def _looked(
    problem: Problem, lines: Sequence[Line], sets: Masks, levels: Array, is_rigid: NDArray[np.bool_]
) -> tuple[Array, Array, Array, Array]:
    """Least and greatest flow, room (s, levels) and power (s, levels, NODES) of sets that are not empty."""
    members, base = np.repeat(sets, len(levels), axis=0), np.tile(problem.base_head(levels), len(sets))
    found = windows(lines, members, base, problem.system.resistance, _ENDS)
    low, high, room = (each.reshape(len(sets), -1) for each in found)
    high = np.where(is_rigid[:, None], low, high)
    power = _powers(problem, lines, sets, levels, low, high, is_rigid)
    for place in range(len(sets)):
        _continue(room[place], low[place], high[place], power[place])
    return low, high, room, power


def _volumes(problem: Problem, actions: int) -> Array:
    """From limit to limit, and as far as the present level where that is beyond; the fewer *actions* the finer."""
    storage = problem.storage
    ends = np.array([min(storage.low, problem.level), max(storage.high, problem.level)])
    first, last = storage.volume(ends).tolist()
    return np.linspace(first, last, min(max(_CELLS // actions, _FEWEST), _MOST))


def _rigid(lines: Sequence[Line], sets: Masks) -> NDArray[np.bool_]:
    fixed = np.array([line.physics.speed_min == line.physics.speed_max for line in lines])
    return np.asarray((~sets | fixed).all(axis=1))


def _powers(  # noqa: PLR0917 - windows of sets at levels
    problem: Problem,
    lines: Sequence[Line],
    sets: Masks,
    levels: Array,
    low: Array,
    high: Array,
    is_rigid: NDArray[np.bool_],
) -> Array:
    """kW, shape (s, levels, NODES)."""
    found = np.empty((*low.shape, NODES))
    shares = np.linspace(0.0, 1.0, NODES)
    for place, runs in enumerate(sets):
        members = [line for line, is_member in zip(lines, runs, strict=True) if is_member]
        nodes = shares[:1] if is_rigid[place] else shares
        flow = (low[place][:, None] + (high - low)[place][:, None] * nodes).ravel()
        level = np.repeat(levels, len(nodes))
        head = np.maximum(problem.head(level, flow), 1e-3)
        found[place] = power_of(members, head, flow).reshape(len(levels), -1)
    return found


def _drawn(levels: Array, values: Array, at: Array) -> Array:
    """*values* (s, levels, ...) at the levels *at*."""
    return np.asarray(PchipInterpolator(levels, values, axis=1)(at))


def _continue(room: Array, *values: Array) -> None:
    """Let *values* go straight on, in place, into levels at which the set has no *room* to run.

    Where it begins to have room they are then right.
    """
    able = np.flatnonzero(room >= 0)
    if len(able) < 2 or len(able) == len(room):  # noqa: PLR2004 - a line needs two
        return
    for inner, edge, outside in ((able[1], able[0], able[0] - 1), (able[-2], able[-1], able[-1] + 1)):
        if 0 <= outside < len(room):
            for each in values:
                each[outside] = 2 * each[edge] - each[inner]


def _with_rest(values: Array, rest: float) -> Array:
    return np.concatenate([np.full_like(values[:1], rest), values])
