"""What a change of the running set would do to the header: where its pumps' curve meets the system curve."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from analytics.curves.model import StationModel
from analytics.curves.network import Network
from analytics.dispatch.operation import Operation, listed
from analytics.dispatch.reasons import measure
from analytics.hydraulics import Floats

DRAWS = 40  # stations that could be the true one
SEED = 20_250_227  # the same ones every time
HEADS = (0.4, 1.8, 241)  # shares of the present head between which the new one is looked for, and in how many steps
LEAST_FOUND = 0.9  # of the draws in which all pumps must deliver


@dataclass(frozen=True, slots=True)
class SetChange:
    """The header with another set running, at the speeds that pumps have now."""

    speeds: Mapping[str, float]  # relative, of the pumps that would run
    flow: float  # m³/h
    flow_std: float
    head: float  # m
    head_std: float
    power: float  # kW, of all pumps
    power_std: float
    within_data: bool  # every pump at a duty from which its curve was learnt

    @property
    def sentence(self) -> str:
        """As a person says it."""
        who = listed(list(self.speeds))
        flow, head = measure(self.flow, self.flow_std, "m³/h"), measure(self.head, self.head_std, "m")
        said = f"With {who} the header would run at {flow} and {head}, {measure(self.power, self.power_std, 'kW')}"
        return f"{said}." if self.within_data else f"{said}; outside what was learnt."


def set_changes(model: StationModel, system: Network, operation: Operation) -> Iterator[SetChange]:
    """What stopping one of the running pumps, or starting one of the others, would do.

    The system curve is taken through the present duty, so that a static head that varies with time does not matter:
    H = H_now + k (Q² - Q_now²). A pump that is started turns as the others do. Where one would not deliver against
    the others, nothing is said.

    Args:
        model: Curves of the pumps.
        system: What they work against.
        operation: How they run now.
    """
    present = {pump: speed for pump, speed in operation.speeds.items() if pump in model.pumps}
    if not present or len(present) < len(operation.speeds):
        return
    rng = np.random.default_rng(SEED)
    draws = model.draws(DRAWS, rng)
    factors = 1.0 + system.resistance_std / system.resistance * rng.standard_normal(len(draws))
    usual = float(np.mean(list(present.values())))
    for pump in model.pumps:
        speeds = {name: speed for name, speed in present.items() if name != pump}
        if pump not in present:
            speeds = {name: present.get(name, usual) for name in model.pumps if name in present or name == pump}
        if speeds and (found := _met(model, draws, np.maximum(factors, 0.0), (system, operation, speeds))):
            yield found


def _met(
    model: StationModel,
    draws: list[StationModel],
    factors: Floats,
    asked: tuple[Network, Operation, Mapping[str, float]],
) -> SetChange | None:
    """The duty with other speeds, over all draws."""
    system, operation, speeds = asked
    before = np.array([operation.speeds.get(pump, 0.0) for pump in model.pumps])
    after = np.array([speeds.get(pump, 0.0) for pump in model.pumps])
    resistance = system.resistance_of(tuple((after > 0.0).tolist()))
    found = []
    for draw, factor in zip(draws, factors, strict=True):
        duty = _meeting(draw, (before, after), operation.head, factor * resistance)
        if duty is not None:
            found.append(duty)
    if not found or len(found) < LEAST_FOUND * len(draws):
        return None
    flow, head, power = np.array(found).T
    at = model.duty(after, float(head.mean())).flows
    is_within = all(
        bool(model.supports(pump, at[index], after[index])) for index, pump in enumerate(model.pumps) if pump in speeds
    )
    # What model and meter differ by now, they will differ by then too.
    off = operation.flow - float(model.duty(before, operation.head).flows.sum())
    return SetChange(
        speeds=speeds,
        flow=float(flow.mean()) + off,
        flow_std=float(flow.std()),
        head=float(head.mean()),
        head_std=float(head.std()),
        power=float(power.mean()),
        power_std=float(np.hypot(power.std(), np.hypot.reduce(model.power_noise[after > 0.0]))),
        within_data=is_within,
    )


def _meeting(
    draw: StationModel, speeds: tuple[Floats, Floats], head: float, resistance: float
) -> tuple[float, float, float] | None:
    """Flow, head and power at which the pumps meet the system; None where one of them does not deliver there."""
    now = float(draw.duty(speeds[0], head).flows.sum())
    heads = head * np.linspace(*HEADS[:2], int(HEADS[2]))
    flows = draw.duty(np.broadcast_to(speeds[1], (len(heads), len(speeds[1]))), heads).flows.sum(axis=1)
    asked = heads - head - resistance * (flows**2 - now**2)  # rises with the head; NaN where a pump does not reach it
    known = np.isfinite(asked)
    if not np.isfinite(now) or not known.any() or not asked[known][0] < 0.0 < asked[known][-1]:
        return None
    met = float(np.interp(0.0, asked[known], heads[known]))
    duty = draw.duty(speeds[1], met)
    return float(duty.flows.sum()), met, float(duty.powers.sum())
