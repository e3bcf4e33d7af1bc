"""How the station is run: by habit, safe but dear, so that advice has something to find."""

from dataclasses import dataclass, replace
from random import Random

from agent.demo.pumps import PUMPS

TURN = 1800.0  # s; a timer hands the lead from pump to pump, to share the wear, and never asks what that costs
PATIENCE = 600.0  # s between two changes of the pumps in use
IN_HAND = 1.2  # capacity that people like to have on, over what the town needs
LOWEST = 0.6  # relative speed at which a drive starts and stops
LEAST_HEAD, MOST_HEAD = 34.0, 42.0  # m at the header; whoever is on duty has an opinion

# Orders of pumps by index, one a turn. When the demo begins it is the last but one: the worn pump leads.
HABITS = ((2, 0, 1, 3), (3, 1, 2, 0), (0, 2, 3, 1), (0, 1, 3, 2), (2, 3, 0, 1), (1, 3, 2, 0), (1, 0, 2, 3))


@dataclass(frozen=True, slots=True)
class Orders:
    """What is set: pumps in use, pressure to hold, and by how much each drive is trimmed."""

    turn: int  # counted from the first day
    running: frozenset[int]  # indices into `PUMPS`
    setpoint: float  # m at the header
    trims: tuple[float, ...]  # relative speed added to the common one
    changed: float  # s, clock of the last change of pumps

    def speeds(self, common: float) -> tuple[float, ...]:
        """Each pump's relative speed while the controller asks for *common*."""
        return tuple(
            (1.0 if pump.is_fixed else min(max(common + trim, LOWEST), 1.0)) if index in self.running else 0.0
            for index, (pump, trim) in enumerate(zip(PUMPS, self.trims, strict=True))
        )


def first_orders(clock: float, demand: float, rng: Random) -> Orders:
    """What is set at *clock*, with no change to wait for."""
    return _handed_over(int(clock // TURN), clock, demand, rng)


def orders_now(orders: Orders, clock: float, demand: float, rng: Random) -> Orders:
    """The orders after a look at clock and demand: mostly the same."""
    turn = int(clock // TURN)
    if turn != orders.turn:
        return _handed_over(turn, clock, demand, rng)
    needed = _needed(turn, demand)
    is_short = sum(PUMPS[index].flow for index in orders.running) < demand * 1.02
    if needed == orders.running or (clock - orders.changed < PATIENCE and not is_short):
        return orders
    return replace(orders, running=needed, changed=clock)


def _handed_over(turn: int, clock: float, demand: float, rng: Random) -> Orders:
    return Orders(
        turn=turn,
        running=_needed(turn, demand),
        setpoint=rng.uniform(LEAST_HEAD, MOST_HEAD),
        trims=tuple(rng.uniform(-0.03, 0.03) for _ in PUMPS),
        changed=clock,
    )


def _needed(turn: int, demand: float) -> frozenset[int]:
    """The first pumps of the turn's order whose rated flows cover the demand with something in hand."""
    chosen: list[int] = []
    for index in HABITS[turn % len(HABITS)]:
        chosen.append(index)
        if sum(PUMPS[number].flow for number in chosen) > demand * IN_HAND:
            break
    return frozenset(chosen)
