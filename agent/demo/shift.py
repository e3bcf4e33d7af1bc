"""How the station is run today: habits of three shifts, safe but dear, so that advice has something to find."""

from dataclasses import dataclass, replace
from random import Random

from agent.demo.pumps import PUMPS

SHIFT = 8 * 3600.0  # s; the first begins at six
DAY_HEAD, NIGHT_HEAD = 40.0, 33.0  # m at the header
PATIENCE = 1200.0  # s between two changes of the pumps in use
IN_HAND = 1.2  # capacity that shifts like to have on, over what the town needs

# Each shift has its own order of pumps, by index. The one that is on when the demo begins leads with the worn pump.
HABITS = ((1, 3, 2, 0), (2, 0, 1, 3), (3, 1, 2, 0), (0, 2, 3, 1), (0, 1, 3, 2), (2, 3, 0, 1), (1, 0, 2, 3))


@dataclass(frozen=True, slots=True)
class Orders:
    """What the shift has set: pumps in use, pressure to hold, and by how much each drive is trimmed."""

    shift: int  # counted from the first day
    running: frozenset[int]  # indices into `PUMPS`
    setpoint: float  # m at the header
    trims: tuple[float, ...]  # relative speed added to the common one
    changed: float  # s, clock of the last change of pumps

    def speeds(self, common: float) -> tuple[float, ...]:
        """Each pump's relative speed while the controller asks for *common*."""
        return tuple(
            (1.0 if pump.is_fixed else min(max(common + trim, 0.6), 1.0)) if index in self.running else 0.0
            for index, (pump, trim) in enumerate(zip(PUMPS, self.trims, strict=True))
        )


def first_orders(clock: float, demand: float, rng: Random) -> Orders:
    """What the shift at *clock* has set, with no change to wait for."""
    shift = _shift(clock)
    return _taken_over(
        Orders(shift, _needed(shift, demand), DAY_HEAD, (0.0,) * len(PUMPS), clock - PATIENCE), clock, rng
    )


def orders_now(orders: Orders, clock: float, demand: float, rng: Random) -> Orders:
    """The orders after a look at clock and demand: mostly the same."""
    if _shift(clock) != orders.shift:
        orders = _taken_over(orders, clock, rng)
    needed = _needed(orders.shift, demand)
    is_short = sum(PUMPS[index].flow for index in orders.running) < demand * 1.02
    if needed == orders.running or (clock - orders.changed < PATIENCE and not is_short):
        return orders
    return replace(orders, running=needed, changed=clock)


def _shift(clock: float) -> int:
    return int((clock - 6 * 3600.0) // SHIFT)


def _taken_over(orders: Orders, clock: float, rng: Random) -> Orders:
    shift = _shift(clock)
    usual = NIGHT_HEAD if shift % 3 == 2 else DAY_HEAD  # noqa: PLR2004 - the third shift is the night's
    return replace(
        orders,
        shift=shift,
        setpoint=usual + rng.uniform(-2.5, 2.5),
        trims=tuple(rng.uniform(-0.03, 0.03) for _ in PUMPS),
    )


def _needed(shift: int, demand: float) -> frozenset[int]:
    """The first pumps of the shift's order whose rated flows cover the demand with something in hand."""
    chosen: list[int] = []
    for index in HABITS[shift % len(HABITS)]:
        chosen.append(index)
        if sum(PUMPS[number].flow for number in chosen) > demand * IN_HAND:
            break
    return frozenset(chosen)
