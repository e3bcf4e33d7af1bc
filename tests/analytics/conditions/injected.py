"""A header with three pumps of the simulated station, with something wrong: what meters and curves show of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sin
from random import Random

from agent.demo.plant import ELEVATION, town_flow
from agent.demo.pumps import PUMPS, Pump
from analytics.conditions.sight import HeaderSight, PumpSight

LOOK_MS = 30_000
SUCTION = 2.5  # m
RUNNING = (0, 2)  # p1 and p3; p2 rests


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, with which pump, from when on (ms)."""

    kind: str
    pump: int = 0
    since_ms: int = 0


def sights(seed: int, minutes: float, fault: Fault | None = None) -> Iterator[tuple[int, HeaderSight]]:
    """A look each half minute: demand wanders through the day, meters are noisy, and curves are learnt, not known."""
    rng = Random(seed)
    errors = [(1 + rng.gauss(0, 0.006), 1 + rng.gauss(0, 0.006)) for _ in PUMPS]
    phase = rng.uniform(0, 6.28)
    for look in range(int(minutes * 60_000 / LOOK_MS)):
        at_ms = look * LOOK_MS
        wrong = fault if fault and at_ms >= fault.since_ms else None
        demand = 470 + 90 * sin(phase + at_ms / 7e6) + 15 * sin(phase + at_ms / 4e5)
        yield at_ms, _sight(rng, demand, errors, wrong)


def _sight(rng: Random, demand: float, errors: list[tuple[float, float]], wrong: Fault | None) -> HeaderSight:
    head, flows = _balance(demand, wrong)
    shown_head = (head + ELEVATION - SUCTION) * (1 + rng.gauss(0, 0.0005))
    flow = sum(flows.values()) * (1 + rng.gauss(0, 0.002))
    if wrong and wrong.kind == "flow_meter_drift":
        flow *= 0.93
    if wrong and wrong.kind == "head_sensor_drift":
        shown_head *= 1.03
    if wrong and wrong.kind == "reverse_flow":
        flow = -30.0
    pumps = tuple(
        _pump(rng, index, pump, flows.get(index), shown_head, errors[index], wrong)
        for index, pump in enumerate(PUMPS[:3])
    )
    return HeaderSight("main", flow, 3.0, pumps)


def _pump(  # noqa: PLR0917 - one instant of one pump
    rng: Random,
    index: int,
    pump: Pump,
    flow: float | None,
    head: float,
    errors: tuple[float, float],
    wrong: Fault | None,
) -> PumpSight:
    if flow is None:
        return PumpSight(pump.name, is_running=False, power=0.0, best_flow=pump.flow)
    promised = pump.flow_at(head, 1.0)
    power = pump.power(flow, head, 1.0)
    if wrong and wrong.pump == index:
        power *= {"dry_run": 0.35, "blockage": 1.08}.get(wrong.kind, 1.0)
    return PumpSight(
        pump.name,
        is_running=True,
        power=power * (1 + rng.gauss(0, 0.001)),
        expected_flow=promised * errors[0],
        expected_power=pump.power(promised, head, 1.0) * errors[1],
        idle_power=pump.power(0.0, head, 1.0) * 1.05,
        best_flow=pump.flow,
        por=(0.6, 1.35),
        starts=6 if wrong and wrong.kind == "too_many_starts" and wrong.pump == index else 1,
    )


def _balance(demand: float, wrong: Fault | None) -> tuple[float, dict[int, float]]:
    """Head at the header, m, and the flow of each running pump, where pumps and town agree."""
    low, high = 21.0, 60.0
    for _ in range(20):
        head = (low + high) / 2
        flows = {index: _flow(index, head + ELEVATION - SUCTION, wrong) for index in RUNNING}
        low, high = (head, high) if sum(flows.values()) > town_flow(head, demand) else (low, head)
    return head, flows


def _flow(index: int, lift: float, wrong: Fault | None) -> float:
    flow = PUMPS[index].flow_at(lift, 1.0)
    if wrong is None or wrong.pump != index:
        return flow
    return flow * {"dry_run": 0.0, "closed_valve": 0.0, "blockage": 0.65}.get(wrong.kind, 1.0)
