"""Tags held against each other: what one says of the plant must fit what the others say."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from agent.jobs.evidence import evidence, header_state, pumps_of
from agent.mqtt.payloads import CrossCheck
from agent.plant import HeaderSettings, PumpSettings
from agent.settings import AgentSettings
from agent.window import Floats, Frame
from analytics.hydraulics import wire_to_water_efficiency
from analytics.quality.balance import Balance
from analytics.running import RUNNING, SPEED_ON, STOPPED, States

LEAST_CELLS = 30  # in which a contradiction must be seen
POWER_SHARE = 0.2  # that P may differ from 3 U I cos φ by: harmonics of drives, one phase for three
SUM_SHARE = 0.03  # that headers may differ from the total by
IDLE_FLOW = 0.05  # share of the usual flow that a meter may show while all pumps stand
IDLE_POWER = 0.5  # kW
EFFICIENCY_MOST = 0.9  # wire to water; nobody builds better


def cross_tags(settings: AgentSettings) -> list[str]:
    """Tags that are needed beside those of `evidence.plant_tags`."""
    pumps = [tag for pump in settings.pumps for tag in (pump.voltage, pump.power_factor, pump.energy)]
    return [tag for tag in (*pumps, *(h.volume for h in settings.headers), settings.station.flow) if tag is not None]


def cross_checks(
    settings: AgentSettings, cells: Frame, states: Mapping[str, States], balances: dict[str, Balance]
) -> list[CrossCheck]:
    """What contradicts itself in *cells*; *balances* (by the counter's tag) move on past them."""
    found: list[CrossCheck] = []
    for pump in settings.pumps:
        found += _while_stopped(cells, pump, states[pump.id])
        found += _electrical(cells, pump)
        if pump.energy is not None and pump.power is not None:
            power = cells.values[pump.power]
            found += _balance(cells, "energy_balance", pump.energy, pump.power, power, balances)
    for header in settings.headers:
        pumps = list(pumps_of(settings, header))
        flow = header_state(cells, header).flow
        found += _efficiency(cells, header, pumps, states)
        found += _flow_while_stopped(header, pumps, states, flow)
        if header.volume is not None:
            found += _balance(cells, "volume_balance", header.volume, header.flow[0], flow, balances)
    return [*found, *_headers_sum(settings, cells)]


def _while_stopped(cells: Frame, pump: PumpSettings, state: States) -> Iterator[CrossCheck]:
    """A meter that shows power, or a speed that is none, while all the evidence together says the pump stands."""
    said = evidence(cells, pump)
    stopped = state == STOPPED
    power = _middle(np.abs(said.power[stopped]))
    if pump.power is not None and power is not None and power > IDLE_POWER:
        sentence = f"shows {power:.1f} kW while pump {pump.id} stands; check the meter's scale, or take it for noise"
        yield CrossCheck(
            check="while_stopped", tags=(pump.power,), reason=f"{pump.power} {sentence}", value=power, limit=IDLE_POWER
        )
    speed = _middle(said.speed[stopped])
    if pump.speed is not None and speed is not None and speed >= SPEED_ON:
        sentence = f"shows {speed:.0%} while pump {pump.id} stands: it is the mains' frequency or a set point, no speed"
        yield CrossCheck(
            check="mains_as_speed", tags=(pump.speed,), reason=f"{pump.speed} {sentence}", value=speed, limit=SPEED_ON
        )


def _electrical(cells: Frame, pump: PumpSettings) -> Iterator[CrossCheck]:
    """P = 3 U I cos φ, with U between phase and neutral."""
    tags = (pump.power, pump.voltage, pump.current, pump.power_factor)
    if pump.power is None or pump.voltage is None or pump.current is None or pump.power_factor is None:
        return
    power, voltage, current, factor = (cells.values[tag] for tag in tags if tag is not None)
    expected = 3e-3 * voltage * np.abs(current * factor)
    use = (np.maximum(expected, np.abs(power)) > IDLE_POWER) & np.isfinite(expected + power)
    ratio = _middle(np.abs(power[use]) / np.maximum(expected[use], 1e-6))
    if ratio is not None and abs(np.log(max(ratio, 1e-6))) > np.log1p(POWER_SHARE):
        reason = f"{pump.power} is {ratio:.2f} times what voltage, current and power factor of pump {pump.id} make"
        named = tuple(tag for tag in tags if tag is not None)
        yield CrossCheck(check="electrical", tags=named, reason=reason, value=ratio, limit=1 + POWER_SHARE)


def _balance(  # noqa: PLR0917 - one counter, one rate, and where their sums are kept
    cells: Frame, check: str, counter: str, rate_tag: str, rate: Floats, balances: dict[str, Balance]
) -> Iterator[CrossCheck]:
    balance = balances.setdefault(counter, Balance())
    for verdict in balance.update(cells.values[counter], rate, cells.step_ms):
        if not verdict.agrees:
            yield CrossCheck(
                check=check,
                tags=(counter, rate_tag),
                reason=f"{counter} rose by {verdict.counted:.1f} in {verdict.hours:.1f} h, but {rate_tag} makes"
                f" {verdict.integrated:.1f}; one of them is scaled wrongly or drifts",
                value=verdict.counted - verdict.integrated,
                limit=verdict.tolerance,
            )


def _efficiency(
    cells: Frame, header: HeaderSettings, pumps: list[PumpSettings], states: Mapping[str, States]
) -> Iterator[CrossCheck]:
    """Water power over electrical power of a header's pumps, in (0, 0.9)."""
    state = header_state(cells, header)
    tags = tuple(pump.power for pump in pumps if pump.power is not None)
    if not tags or len(tags) < len(pumps):
        return
    runs = np.column_stack([states[pump.id] == RUNNING for pump in pumps])
    power = np.where(runs, np.column_stack([cells.values[tag] for tag in tags]), 0.0).sum(axis=1)
    found = _middle(wire_to_water_efficiency(state.flow, state.head, power)[runs.any(axis=1)])
    if found is not None and not 0 < found < EFFICIENCY_MOST:
        reason = f"header {header.id} would have a wire-to-water efficiency of {found:.0%}: check the units and scales"
        named = (*header.flow, *header.pressure, *tags)
        yield CrossCheck(check="efficiency", tags=named, reason=reason, value=found, limit=EFFICIENCY_MOST)


def _flow_while_stopped(
    header: HeaderSettings, pumps: list[PumpSettings], states: Mapping[str, States], flow: Floats
) -> Iterator[CrossCheck]:
    rated = [pump.rated_flow for pump in pumps if pump.rated_flow is not None]
    if not rated:
        return
    all_stopped = np.column_stack([states[pump.id] == STOPPED for pump in pumps]).all(axis=1)
    shown = _middle(np.abs(flow[all_stopped]))
    limit = IDLE_FLOW * max(rated)
    if shown is not None and shown > limit:
        reason = f"{header.flow[0]} shows {shown:.0f} m³/h while every pump of header {header.id} stands"
        yield CrossCheck(check="while_stopped", tags=header.flow, reason=reason, value=shown, limit=limit)


def _headers_sum(settings: AgentSettings, cells: Frame) -> Iterator[CrossCheck]:
    total = settings.station.flow
    if total is None:
        return
    parts = np.sum([header_state(cells, header).flow for header in settings.headers], axis=0)
    difference = _middle(parts - cells.values[total])
    whole = _middle(np.abs(cells.values[total]))
    if difference is not None and whole is not None and abs(difference) > SUM_SHARE * whole:
        tags = (total, *(tag for header in settings.headers for tag in header.flow))
        reason = f"the headers' meters differ from {total} by {difference:+.0f} m³/h together"
        yield CrossCheck(check="headers_sum", tags=tags, reason=reason, value=difference, limit=SUM_SHARE * whole)


def _middle(values: NDArray[np.float64]) -> float | None:
    """Median of what is known; None where there is too little to judge by."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) >= LEAST_CELLS else None
