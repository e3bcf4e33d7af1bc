"""The physics of the simulated station: pumps on one header, a town behind it, a tank before it."""

from dataclasses import dataclass, replace
from math import exp, sqrt
from math import pow as power_of
from random import Random

from agent.demo.habits import LOWEST, Orders, first_orders, orders_now
from agent.demo.pumps import PUMPS

DAY = 86_400.0  # s
STATIC = 20.0  # m: height of the town above the header
USUAL = 40.0  # m: header head at which consumers draw exactly their demand
ELASTICITY = 0.15  # of the town's flow against the head above it; 0.5 would be taps that nobody touches
ELEVATION = 0.8  # m: discharge gauge above the suction gauge
TANK_AREA = 400.0  # m²
TANK_LOW, TANK_HIGH = 2.2, 3.8  # m: where the works start and stop to refill
REFILL, TRICKLE = 680.0, 140.0  # m³/h: what the works send while refilling and otherwise
BAR = 10.2  # m of water
DRIVE_LAG, BEARING_LAG = 6.0, 600.0  # s
WANDERING = 600.0  # s: for how long the town keeps a whim
AMBIENT = 22.0  # °C


@dataclass(frozen=True, slots=True)
class State:
    """The station at one instant; tuples hold one value a pump, in the order of `PUMPS`."""

    clock: float  # s since midnight of the first day, in the station's own time
    orders: Orders
    whim: float = 0.0  # logarithm of demand over its daily pattern
    demand: float = 0.0  # m³/h at the usual head
    level: float = 3.0  # m in the suction tank
    is_refilling: bool = False
    inflow: float = TRICKLE  # m³/h
    head: float = USUAL  # m, gauge, at the header
    suction: float = 2.5  # m, gauge, at the pumps' inlet
    speeds: tuple[float, ...] = (0.0,) * len(PUMPS)  # relative
    flows: tuple[float, ...] = (0.0,) * len(PUMPS)  # m³/h
    powers: tuple[float, ...] = (0.0,) * len(PUMPS)  # kW, electrical
    bearings: tuple[float, ...] = (45.0,) * len(PUMPS)  # °C
    energies: tuple[float, ...] = (81_204.0, 230_518.0, 64_377.0, 118_092.0)  # kWh, counters
    volume: float = 4_103_226.0  # m³, counter

    @property
    def flow(self) -> float:
        """Flow through the header in m³/h."""
        return sum(self.flows)


def initial(clock: float, rng: Random) -> State:
    """The station at *clock*, already running for a minute."""
    state = State(clock=clock - 60.0, orders=first_orders(clock, daily_demand(clock), rng))
    for _ in range(60):
        state = step(state, 1.0, rng)
    return state


def step(state: State, seconds: float, rng: Random) -> State:
    """The station *seconds* later; the same *rng* gives the same future."""
    clock = state.clock + seconds
    keep = exp(-seconds / WANDERING)
    whim = keep * state.whim + 0.04 * sqrt(1.0 - keep**2) * rng.gauss(0.0, 1.0)
    demand = daily_demand(clock) * exp(whim)
    orders = orders_now(state.orders, clock, demand, rng)
    suction = state.level - 0.4 - 6e-7 * state.flow**2
    speeds = _follow(state.speeds, _wanted_speeds(orders, demand, suction), seconds)
    return _advance(
        replace(state, clock=clock, whim=whim, demand=demand, orders=orders, suction=suction), speeds, seconds
    )


def daily_demand(clock: float) -> float:
    """Demand of the town in m³/h without its whims: a morning, a noon and an evening peak."""
    hour = clock % DAY / 3600.0
    peaks = ((330.0, 8.5, 2.5), (150.0, 13.5, 3.5), (260.0, 19.0, 3.0))  # m³/h, o'clock, h
    return 230.0 + sum(height * exp(-(((hour - centre) / width) ** 2)) for height, centre, width in peaks)


def town_flow(head: float, demand: float) -> float:
    """Flow in m³/h that the town takes at a header head: people open their taps further when the pressure sinks."""
    return demand * power_of(max(head - STATIC, 0.0) / (USUAL - STATIC), ELASTICITY)


def balance(speeds: tuple[float, ...], demand: float, suction: float) -> tuple[float, tuple[float, ...]]:
    """Header head in m and the pumps' flows in m³/h where pumps and town agree."""
    low, high = STATIC, STATIC + 50.0
    for _ in range(26):  # halves 50 m down to a micrometre
        head = (low + high) / 2.0
        flows = _flows(head, speeds, suction)
        if sum(flows) > town_flow(head, demand):
            low = head
        else:
            high = head
    return head, flows


def _flows(head: float, speeds: tuple[float, ...], suction: float) -> tuple[float, ...]:
    lift = head + ELEVATION - suction
    return tuple(pump.flow_at(lift, speed) for pump, speed in zip(PUMPS, speeds, strict=True))


def _wanted_speeds(orders: Orders, demand: float, suction: float) -> tuple[float, ...]:
    """What the pressure controller asks of the drives: one common speed, trimmed by hand at each pump."""
    low, high = LOWEST, 1.0
    target = town_flow(orders.setpoint, demand)
    for _ in range(16):
        common = (low + high) / 2.0
        if sum(_flows(orders.setpoint, orders.speeds(common), suction)) < target:
            low = common
        else:
            high = common
    return orders.speeds(common)


def _follow(speeds: tuple[float, ...], wanted: tuple[float, ...], seconds: float) -> tuple[float, ...]:
    """Drives ramp between their lowest speed and what is wanted; a pump without one is there at once."""
    share = 1.0 - exp(-seconds / DRIVE_LAG)
    return tuple(
        goal if pump.is_fixed else _ramped(now, goal, share)
        for pump, now, goal in zip(PUMPS, speeds, wanted, strict=True)
    )


def _ramped(now: float, goal: float, share: float) -> float:
    begin = now or min(LOWEST, goal)
    speed = begin + share * (goal - begin)
    return speed if speed >= LOWEST else 0.0


def _advance(state: State, speeds: tuple[float, ...], seconds: float) -> State:
    head, flows = balance(speeds, state.demand, state.suction)
    lift = head + ELEVATION - state.suction
    powers = tuple(pump.power(flow, lift, speed) for pump, flow, speed in zip(PUMPS, flows, speeds, strict=True))
    hours = seconds / 3600.0
    is_refilling = state.level < TANK_LOW or (state.is_refilling and state.level < TANK_HIGH)
    inflow = REFILL if is_refilling else TRICKLE
    return replace(
        state,
        head=head,
        speeds=speeds,
        flows=flows,
        powers=powers,
        is_refilling=is_refilling,
        inflow=inflow,
        level=state.level + (inflow - sum(flows)) * hours / TANK_AREA,
        bearings=_bearings(state.bearings, powers, seconds),
        energies=tuple(energy + power * hours for energy, power in zip(state.energies, powers, strict=True)),
        volume=state.volume + sum(flows) * hours,
    )


def _bearings(bearings: tuple[float, ...], powers: tuple[float, ...], seconds: float) -> tuple[float, ...]:
    """Bearings warm by turning and with the load; a worn pump's more, because it shakes."""
    share = 1.0 - exp(-seconds / BEARING_LAG)
    return tuple(
        now + share * (AMBIENT + (power > 0.0) * (20.0 + 400.0 * pump.wear) + 20.0 * power / pump.motor - now)
        for pump, now, power in zip(PUMPS, bearings, powers, strict=True)
    )
