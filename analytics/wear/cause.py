"""What explains the losses of a header's pumps: wear of some, or one meter that they all share."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analytics.hydraulics import Floats
from analytics.wear.losses import Belief, Losses

FLOOR = 0.003  # share by which losses differ although nothing is wrong: a reference is never exact
CHANGE_FLOOR = 0.0005  # likewise of one day's from those of others, where sets and duties differ
KNOWN = 0.015  # standard deviation, as a share, up to which a pump's head lost says something of the others'
SURE = 25.0  # by which an explanation must beat that nothing is wrong: five standard deviations
CHANGE_SURE = 6.0  # likewise of a change, whose noise is known better than what a reference misses
CLEAR = 6.0  # by which it must beat those that contradict it besides,
WHATEVER = 50.0  # unless it beats that nothing is wrong by so much that one of them must be named
PER_PUMP, PER_METER = 12.0, 9.0  # what each explanation costs: coincidences are unlikely
SURELY = 2.0  # standard deviations by which efficiency must seem gained, which no wear does, for a power meter's error
Kind = Literal["nothing", "wear", "head_sensor", "flow_meter", "power_meter"]


@dataclass(frozen=True, slots=True)
class Cause:
    """The explanation.

    Attributes:
        kind: What is wrong.
        pumps: Places of the pumps that are worn, or whose power meter it is.
        error: Of the meter that all share: its reading over the truth, less one.
        head: Share of the head that each pump has really lost, shape (pumps,).
        power: Share of power that each draws more, shape (pumps,).
    """

    kind: Kind
    pumps: tuple[int, ...]
    error: float
    head: tuple[float, ...]
    power: tuple[float, ...]


def likeliest(losses: Losses, reference_std: Floats, base: Belief | None) -> Cause:
    """The explanation of what was lost against the references, or else of what has changed since the first days.

    Args:
        losses: Of the last day.
        reference_std: Of each pump's reference head, then power, as shares, shape (2 pumps,).
        base: Mean of the first days against these references; None while there are too few.
    """
    found = cause(losses, np.hypot(FLOOR, reference_std), SURE)
    if found.kind != "nothing" or base is None:
        return found
    changed = cause(losses.since(base), np.full(len(reference_std), CHANGE_FLOOR), CHANGE_SURE)
    n = len(losses.points)
    head = tuple((np.array(changed.head) + base.mean[:n]).tolist())
    return replace(changed, head=head, power=tuple((np.array(changed.power) + base.mean[n:]).tolist()))


def cause(losses: Losses, spread: Floats, sure: float) -> Cause:
    """The likeliest explanation of *losses*.

    A pump that wears loses head and efficiency by itself. A head sensor that reads b too high makes every pump seem to
    gain b of its head, while power and flow stay together as they were. A flow meter that reads f too high makes every
    pump seem to gain the head, and to need less power, that belong to that flow on its curves. So with two pumps or
    more that are known well, one explanation of one cause is left; a pump by itself is taken to be worn, unless it
    seems to have gained, which no wear does. Small changes may have several; then none is named yet.

    Args:
        losses: Of the last day.
        spread: Standard deviation of each head lost, then power gained, besides their own, shape (2 pumps,).
        sure: By which an explanation must beat that nothing is wrong.
    """
    n = len(losses.points)
    seen = np.flatnonzero((losses.points > 0) & (losses.head_std < KNOWN))
    places = np.concatenate([seen, seen + n])
    values = losses.belief.mean[places]
    covariance = losses.belief.covariance[np.ix_(places, places)]
    covariance = covariance + np.diag(spread[places] ** 2)
    weight = np.linalg.inv(covariance) if len(places) else np.zeros((0, 0))
    tried = [*_of_meters(losses, seen, values, weight), *_of_pumps(losses, seen, values, weight)]
    nothing = float(values @ weight @ values)
    score, best = min(tried, key=lambda one: one[0], default=(np.inf, None))
    rival = min((other for other, one in tried if best and _contradicts(one, best)), default=np.inf)
    if best and score < nothing - (sure if score < rival - CLEAR else WHATEVER):
        return best
    return Cause("nothing", (), 0.0, tuple(losses.head), tuple(losses.power))


def _contradicts(one: Cause, other: Cause) -> bool:
    """That one pump is worn and that it and a second one are go together; nothing else does."""
    both = set(one.pumps) & set(other.pumps)
    return one.kind != other.kind or (both != set(one.pumps) and both != set(other.pumps))


def _of_meters(
    losses: Losses, seen: NDArray[np.int64], values: Floats, weight: Floats
) -> Iterator[tuple[float, Cause]]:
    """Each meter that the pumps share, with what it leaves unexplained and costs."""
    for kind, pattern in _meters(losses, seen):
        error = float(pattern @ weight @ values / (pattern @ weight @ pattern))
        rest = values - error * pattern
        if len(seen) > 1 or _is_gain(kind, error):
            yield float(rest @ weight @ rest) + PER_METER, _of_meter(kind, error, losses)


def _meters(losses: Losses, seen: NDArray[np.int64]) -> Iterator[tuple[Kind, Floats]]:
    """What an error of 1 of each shared meter would look like among head lost and power gained of the pumps *seen*."""
    if len(seen) == 0:
        return
    yield "head_sensor", np.repeat([-1.0, 0.0], len(seen))
    flow, power = losses.flow_slope[seen], losses.power_slope[seen]
    if np.isfinite(flow).all() and np.isfinite(power).all():
        yield "flow_meter", np.concatenate([1.0 / flow, -power])


def _is_gain(kind: Kind, error: float) -> bool:
    return kind in {"head_sensor", "flow_meter"} and error > 0.0


def _of_meter(kind: Kind, error: float, losses: Losses) -> Cause:
    """With each pump's losses freed of the meter's error."""
    flow, power = np.nan_to_num(losses.flow_slope, nan=-np.inf), np.nan_to_num(losses.power_slope)
    head = losses.head + (error if kind == "head_sensor" else -error / flow)
    drawn = losses.power + (0.0 if kind == "head_sensor" else error * power)
    return Cause(kind, (), error, tuple(head), tuple(drawn))


def _of_pumps(losses: Losses, seen: NDArray[np.int64], values: Floats, weight: Floats) -> Iterator[tuple[float, Cause]]:
    """Ever more pumps worn, each time besides the one that explains most, and each pump's power meter, likewise."""
    n, worn = len(seen), list[int]()

    def explained(kind: Kind, pumps: list[int], score: float) -> tuple[float, Cause]:
        return score, Cause(kind, tuple(seen[pumps].tolist()), 0.0, tuple(losses.head), tuple(losses.power))

    while len(worn) < n:
        tried = [(_left(values, weight, [*worn, one]), one) for one in range(n) if one not in worn]
        able = [(left, one) for left, one in tried if _is_worn(values[one], values[n + one])]
        if not able:
            break
        for left, one in able:
            yield explained("wear", [*worn, one], left + PER_PUMP * (len(worn) + 1))
        worn.append(min(able)[1])
    covariance = np.linalg.inv(weight)
    for one in range(n):
        both = covariance[np.ix_([one, n + one], [one, n + one])]
        if values[one] + values[n + one] < -SURELY * np.sqrt(both.sum()):
            yield explained("power_meter", [one], _left(values, weight, [one], n_heads=0) + PER_METER)


def _is_worn(head: float, power: float) -> bool:
    """Wear costs head or efficiency, and gives neither."""
    lost = head + power
    return lost > 0.0 and head > -0.5 * lost


def _left(values: Floats, weight: Floats, free: list[int], n_heads: int = 1) -> float:
    """What is left unexplained where the pumps *free* may have lost whatever they have (only power without heads)."""
    n = len(values) // 2
    columns = ([*free] if n_heads else []) + [n + one for one in free]
    design = np.eye(2 * n)[:, columns]
    normal = design.T @ weight @ design
    rest = values - design @ np.linalg.solve(normal, design.T @ weight @ values)
    return float(rest @ weight @ rest)
