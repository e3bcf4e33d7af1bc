"""What a set of pumps takes at a volume and a flow, with how that changes: the tables, made smooth along the flow."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.dispatch.pump import Array
from analytics.schedule.atlas import NODES, Atlas

_BEYOND = 0.02  # of a cell between nodes: as far outside its window a power goes on
_NARROW = 1e-6  # of the greatest flow: a window that has no inside


def _moments() -> Array:
    """By which the second derivatives of a natural cubic spline follow from its values at NODES places, 1 apart."""
    inner = 4.0 * np.eye(NODES - 2) + np.eye(NODES - 2, k=1) + np.eye(NODES - 2, k=-1)
    found = np.zeros((NODES, NODES))
    found[1:-1] = 6.0 * np.linalg.solve(inner, np.diff(np.eye(NODES), 2, axis=0))
    return found.T


_MOMENTS = _moments()


@dataclass(frozen=True, slots=True, eq=False)
class Slopes:
    """Each of any one shape; `_by` per m³ of volume."""

    low: Array  # m³/h
    low_by: Array
    high: Array  # m³/h
    high_by: Array
    room: Array
    room_by: Array
    power_by: Array  # of the power, at the same flow, kW
    marginal: Array  # kW per m³/h
    bend: Array  # kW per (m³/h)²


def slopes(atlas: Atlas, sets: NDArray[np.intp], volume: Array, flow: Array) -> Slopes:
    """What *sets* (...) do at *volume* (...) and *flow* (...)."""
    node, share = atlas.place(volume)
    at, cell = sets * len(atlas.volumes) + node, float(atlas.volumes[1] - atlas.volumes[0])
    before, after = (
        np.stack([each.ravel().take(one) for each in (atlas.low, atlas.high, atlas.room)]) for one in (at, at + 1)
    )
    low, high, room = before + share * (after - before)
    low_by, high_by, room_by = (after - before) / cell
    nodes = atlas.power.reshape(-1, NODES)
    gain = nodes[at + 1] - nodes[at]
    is_soft = ~atlas.is_rigid[sets] & (high - low > _NARROW * atlas.high.max())
    width = np.where(is_soft, high - low, 1.0)
    place = np.where(is_soft, (flow - low) / width * (NODES - 1), 0.0)
    place = np.minimum(np.maximum(place, -_BEYOND), NODES - 1 + _BEYOND)
    _, slope, bend = _spline(nodes[at] + share[..., None] * gain, place)
    scale = np.where(is_soft, (NODES - 1) / width, 0.0)
    marginal, along = slope * scale, place / (NODES - 1)
    power_by = _spline(gain, place)[0] / cell - marginal * (low_by + along * (high_by - low_by))
    return Slopes(low, low_by, high, high_by, room, room_by, power_by, marginal, bend * scale**2)


def _spline(values: Array, place: Array) -> tuple[Array, Array, Array]:
    """Of *values* (..., NODES) at *place* (...), counted in nodes, with first and second derivative."""
    first = np.minimum(np.maximum(place.astype(np.intp), 0), NODES - 2)
    x = place - first
    w, at = 1.0 - x, first + NODES * np.arange(first.size).reshape(first.shape)
    before, after = values.ravel().take(at), values.ravel().take(at + 1)
    bends = (values @ _MOMENTS).ravel()
    bend, next_bend = bends.take(at), bends.take(at + 1)
    value = w * before + x * after + ((w**3 - w) * bend + (x**3 - x) * next_bend) / 6
    slope = after - before + ((1 - 3 * w**2) * bend + (3 * x**2 - 1) * next_bend) / 6
    return value, slope, w * bend + x * next_bend
