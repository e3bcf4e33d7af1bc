"""How finely a pump's line has to be tabulated, so that its points show how its power bends."""

import numpy as np

from analytics.dispatch.pump import Array, Physics

FEW = 17  # points of a line that show any curve of a real pump
MOST = 257
_SPEEDS = 3
_OFF = 1.5e-5  # share of the greatest power by which a parabola through three points may be off between them


def points_of(physics: Physics) -> int:
    """The fewest, of 17, 33 ... 257, between which parabolas are as near to the power of *physics* as to pumps' own."""
    if physics.speed_min == physics.speed_max:
        return FEW  # one point at each head
    phi = np.linspace(physics.phi_min, physics.phi_max, MOST)
    speed = np.linspace(physics.speed_min, physics.speed_max, _SPEEDS)[:, None] + 0.0 * phi
    power = np.asarray(physics.power(phi * speed, speed), np.float64)
    most, points = _OFF * float(np.abs(power).max()), FEW
    while points < MOST and _off(power, (len(phi) - 1) // (points - 1)) > most:
        points = 2 * points - 1
    return points


def _off(power: Array, step: int) -> float:
    """By how much *power* (s, k) is off parabolas through three points, a *step* apart, at most, kW."""
    nodes, cells = power[:, ::step], power[:, :-1].reshape(len(power), -1, step)
    left, here, right = nodes[:, :-2, None], nodes[:, 1:-1, None], nodes[:, 2:, None]
    fall, bend = (right - left) / 2, (left - 2 * here + right) / 2
    x = np.arange(step) / step
    before, after = (here + at * (fall + at * bend) for at in (x - 1, x))
    return float(np.maximum(np.abs(cells[:, :-1] - before), np.abs(cells[:, 1:] - after)).max())
