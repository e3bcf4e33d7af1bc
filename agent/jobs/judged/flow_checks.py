"""Flow meters of headers and of pumps, held against what runs, what it draws, and each other."""

from collections.abc import Iterator, Mapping

import numpy as np

from agent.jobs.evidence import HeaderState
from agent.jobs.judged.middle import LOOSE, middle
from agent.plant import HeaderSettings, PumpSettings
from agent.settings import AgentSettings
from agent.window import Floats, Frame
from analytics.hydraulics import wire_to_water_efficiency
from analytics.quality.votes import Verdict
from analytics.running import RUNNING, STOPPED, States

SUM_SHARE = 0.03  # that meters of parts may differ from the meter of the whole by
IDLE_FLOW = 0.05  # share of the usual flow that a meter may show while its pumps stand
EFFICIENCY_MOST = 0.9  # wire to water; nobody builds better
_NEWEST = 0.05  # share of a usual flow that the newest portion makes


def flow_checks(  # noqa: PLR0917 - the header, what it shows, and what is usual
    cells: Frame,
    header: HeaderSettings,
    pumps: list[PumpSettings],
    state: HeaderState,
    states: Mapping[str, States],
    usual: dict[str, float],
) -> Iterator[Verdict]:
    """Of a header's meters and its pumps' own; *usual* flows while something runs, m³/h, move on."""
    yield from _efficiency(cells, header, pumps, state, states)
    yield from _while_stopped(header, pumps, states, state.flow, usual)
    for pump in pumps:
        if pump.flow is not None and pump.flow not in header.flow:
            yield from _own_while_stopped(pump, pump.flow, states[pump.id], cells.values[pump.flow], usual)
            yield from _own_efficiency(cells, header, pump, state.head, states[pump.id])
    yield from _pumps_sum(cells, header, pumps, state.flow, states)


def headers_sum(
    settings: AgentSettings, cells: Frame, flows: list[Floats], states: Mapping[str, States]
) -> Iterator[Verdict]:
    """The station's meter of all headers against theirs, while water flows: at rest their zeros differ by all of it."""
    total = settings.station.flow
    if total is None or not settings.headers:
        return
    stands = (
        np.all([state == STOPPED for state in states.values()], axis=0) if states else np.zeros(len(cells), np.bool_)
    )
    difference = middle((np.sum(flows, axis=0) - cells.values[total])[~stands])
    whole = middle(np.abs(cells.values[total])[~stands])
    if difference is not None and whole is not None:
        tags = (total, *(tag for header in settings.headers for tag in header.flow))
        reason = f"the headers' meters differ from {total} by {difference:+.0f} m³/h together"
        limit = SUM_SHARE * whole
        yield Verdict("headers_sum", tags, abs(difference) <= limit, reason, difference, limit)


def _pumps_sum(
    cells: Frame, header: HeaderSettings, pumps: list[PumpSettings], flow: Floats, states: Mapping[str, States]
) -> Iterator[Verdict]:
    """The pumps' own meters against their header's while water flows; what stands is judged by itself."""
    own = [pump.flow for pump in pumps if pump.flow is not None and pump.flow not in header.flow]
    if not own or len(own) < len(pumps):
        return
    runs = np.column_stack([states[pump.id] == RUNNING for pump in pumps]).any(axis=1)
    difference = middle((cells.matrix(own).sum(axis=1) - flow)[runs])
    whole = middle(np.abs(flow[runs]))
    if difference is not None and whole is not None:
        reason = f"the pumps' meters differ from the flow of header {header.id} by {difference:+.0f} m³/h together"
        limit = SUM_SHARE * whole
        agrees = abs(difference) <= limit
        yield Verdict("pumps_sum", (*header.flow, *own), agrees, reason, difference, limit, about=header.id)


def _efficiency(
    cells: Frame, header: HeaderSettings, pumps: list[PumpSettings], state: HeaderState, states: Mapping[str, States]
) -> Iterator[Verdict]:
    """Water power over electrical power of a header's pumps."""
    tags = tuple(pump.power for pump in pumps if pump.power is not None)
    if not tags or len(tags) < len(pumps):
        return
    runs = np.column_stack([states[pump.id] == RUNNING for pump in pumps])
    power = np.where(runs, np.column_stack([cells.values[tag] for tag in tags]), 0.0).sum(axis=1)
    ran = tuple(tag for tag, each in zip(tags, runs.T, strict=True) if each.any())
    any_runs = runs.any(axis=1)
    shares = wire_to_water_efficiency(state.flow, state.head, power)[any_runs]
    still = _no_flow(header.flow, state.flow[any_runs], power[any_runs])
    yield from _possible(header, shares, f"header {header.id}", header.flow, ran, about=header.id, still=still)


def _own_efficiency(
    cells: Frame, header: HeaderSettings, pump: PumpSettings, head: Floats, state: States
) -> Iterator[Verdict]:
    """The same of one pump, by its own meter."""
    if pump.flow is None or pump.power is None:
        return
    flow, power, is_on = cells.values[pump.flow], cells.values[pump.power], state == RUNNING
    shares = wire_to_water_efficiency(flow, head, power)[is_on]
    meters, powers = (pump.flow,), (pump.power,)
    still = _no_flow(meters, flow[is_on], power[is_on])
    yield from _possible(header, shares, f"pump {pump.id}", meters, powers, about=pump.flow, still=still)


def _no_flow(meters: tuple[str, ...], flow: Floats, power: Floats) -> str | None:
    """What to say where pumps draw power and *meters* show no flow."""
    shown, drawn = middle(flow), middle(power)
    if shown is None or drawn is None or shown > 0:
        return None
    what = f"{_sum_of(meters)} shows {shown:.0f} m³/h while {drawn:.3g} kW are drawn"
    return f"{what}: a closed valve, a dry pump, or the meter's wire or sign"


def _sum_of(meters: tuple[str, ...]) -> str:
    return meters[0] if len(meters) == 1 else f"the sum of {' and '.join(meters)}"


def _possible(
    header: HeaderSettings,
    shares: Floats,
    whose: str,
    meters: tuple[str, ...],
    powers: tuple[str, ...],
    *,
    about: str,
    still: str | None,
) -> Iterator[Verdict]:
    """Whether an efficiency is in (0, 0.9); *still* says that none flows, which no pressure makes so.

    A meter that shows none may be right: the pump is dry, or its valve closed. One that shows less than none is not.
    """
    found = middle(shares)
    if found is not None:
        agrees = 0 < found < EFFICIENCY_MOST
        reason = f"{whose} would have a wire-to-water efficiency of {found:.0%}: check the units and scales"
        yield Verdict(
            "efficiency",
            (*meters, *(header.pressure if still is None else ()), *powers),
            agrees,
            still or reason,
            found,
            EFFICIENCY_MOST,
            is_certain=still is not None and found < 0 and len(meters) == 1,
            weight=LOOSE if agrees else 1.0,
            about=about,
        )


def _while_stopped(
    header: HeaderSettings,
    pumps: list[PumpSettings],
    states: Mapping[str, States],
    flow: Floats,
    usual: dict[str, float],
) -> Iterator[Verdict]:
    """Against the largest pump's rated flow or, where no sheet tells it, against what flows while pumps run."""
    if not pumps:
        return
    of_each = np.column_stack([states[pump.id] for pump in pumps])
    _learn(usual, header.id, flow[(of_each == RUNNING).any(axis=1)])
    rated = [pump.rated_flow for pump in pumps if pump.rated_flow is not None]
    most = max(rated) if rated else usual.get(header.id)
    shown = middle(flow[(of_each == STOPPED).all(axis=1)])
    if shown is not None and most is not None:
        limit = IDLE_FLOW * most
        is_alone = len(header.flow) == 1
        reason = f"{_sum_of(header.flow)} shows {shown:.0f} m³/h while every pump of header {header.id} stands"
        yield Verdict(
            "while_stopped",
            header.flow,
            abs(shown) <= limit,
            reason,
            shown,
            limit,
            is_certain=is_alone,
            weight=LOOSE,
            about=header.id,
        )


def _own_while_stopped(
    pump: PumpSettings, tag: str, state: States, flow: Floats, usual: dict[str, float]
) -> Iterator[Verdict]:
    """The same of one pump; water that flows back through it may be true."""
    _learn(usual, tag, flow[state == RUNNING])
    most = usual.get(tag) if pump.rated_flow is None else pump.rated_flow
    shown = middle(flow[state == STOPPED])
    if shown is not None and most is not None:
        limit = IDLE_FLOW * most
        reason = f"{tag} shows {shown:.0f} m³/h while pump {pump.id} stands; check its zero, and the check valve"
        yield Verdict(
            "while_stopped",
            (tag,),
            abs(shown) <= limit,
            reason,
            shown,
            limit,
            is_certain=shown > 0,
            weight=LOOSE,
            about=tag,
        )


def _learn(usual: dict[str, float], key: str, flow: Floats) -> None:
    """What usually flows moves by what flowed in this portion."""
    running = middle(np.abs(flow))
    if running is not None:
        before = usual.get(key, running)
        usual[key] = before + _NEWEST * (running - before)
