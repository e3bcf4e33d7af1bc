"""Tags held against each other: what one says of the plant must fit what the others say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from agent.jobs.evidence import evidence, header_state, pumps_of
from agent.jobs.judged.flow_checks import flow_checks, headers_sum
from agent.jobs.judged.middle import LOOSE, middle
from agent.jobs.judged.switched import Switched
from agent.jobs.learnt.head_check import head_check
from agent.plant import HeaderSettings, PumpSettings
from agent.roles import known_tags
from agent.settings import AgentSettings
from agent.window import Floats, Frame
from analytics.quality.affinity import Affinity
from analytics.quality.balance import Balance
from analytics.quality.votes import Verdict
from analytics.running import RUNNING, SPEED_ON, STOPPED, States

PORTION_MS = 60_000  # of cells that are checked together, however often the job runs
POWER_SHARE = 0.2  # that P may differ from 3 U I cos φ by: harmonics of drives, one phase for three
FACTOR_MOST = 1.05  # of a power factor; a meter may round up
ENERGY_SHARE = 0.1  # that a counter may differ from its power by: one may be before the drive and the other behind
VOLUME_SHARE = 0.05  # and from its flow: mostly one meter shows both
GAUGE_SHARE = 0.05  # that gauges of one header may differ by
GAUGE_LEAST = 1.0  # m, likewise: they hang at different heights
IDLE_POWER = 0.5  # kW


@dataclass(slots=True)
class Memory:
    """What cross-checks remember between two portions."""

    balances: dict[str, Balance] = field(default_factory=dict)  # by the counter's tag
    affinities: dict[str, Affinity] = field(default_factory=dict)  # by header and running pumps
    flows: dict[str, float] = field(
        default_factory=dict
    )  # usual ones in m³/h while a pump runs, by header or own meter
    switched: Switched = field(default_factory=Switched)
    until_ms: int = 0  # cells that begin before are checked; 0 before the first

    def portion(self, cells: Frame, start_ms: int) -> slice:
        """Those of *cells* that are to be checked: as many whole portions as there are since the last ones.

        What remains waits for the next run, so that a job that runs every ten seconds sees as much at a time as one
        that runs every minute. New are cells from *start_ms* on, and such as waited.
        """
        times_ms, size = cells.times_ms, PORTION_MS // cells.step_ms
        waits = len(times_ms) and times_ms[0] <= self.until_ms <= start_ms
        first = int(np.searchsorted(times_ms, self.until_ms if waits else start_ms))
        end = first + (len(times_ms) - first) // size * size
        self.until_ms = int(times_ms[end]) if end < len(times_ms) else int(times_ms[-1]) + cells.step_ms if end else 0
        return slice(first, end)


def cross_tags(settings: AgentSettings) -> list[str]:
    """Tags that are needed beside those of `evidence.plant_tags`."""
    pumps = [
        tag for pump in settings.pumps for tag in (pump.voltage, pump.power_factor, pump.apparent_power, pump.energy)
    ]
    return [tag for tag in (*pumps, *(h.volume for h in settings.headers), settings.station.flow) if tag is not None]


def cross_checks(
    settings: AgentSettings, cells: Frame, states: Mapping[str, States], memory: Memory
) -> Iterator[Verdict]:
    """What every check says of *cells* that has enough to go by; *memory* moves on past them."""
    flows = list[Floats]()
    fresh = memory.switched.read_since(settings, cells, states)
    for pump in settings.pumps:
        yield from _while_stopped(fresh, pump, states[pump.id])
        yield from _electrical(settings, fresh, pump, states[pump.id])
        if pump.energy is not None and pump.power is not None:
            power = cells.values[pump.power]
            yield from _balance(cells, "energy_balance", pump.energy, pump.power, power, memory, ENERGY_SHARE)
    for header in settings.headers:
        pumps = list(pumps_of(settings, header))
        state, now = header_state(cells, header), header_state(fresh, header)
        flows.append(now.flow)
        yield from flow_checks(fresh, header, pumps, now, states, memory.flows)
        yield from _gauges(fresh, header)
        yield from head_check(fresh, header, pumps, states, memory.affinities, state=now)
        if header.volume is not None:
            yield from _balance(
                cells, "volume_balance", header.volume, header.flow[0], state.flow, memory, VOLUME_SHARE
            )
    yield from headers_sum(settings, fresh, flows, states)


def _while_stopped(cells: Frame, pump: PumpSettings, state: States) -> Iterator[Verdict]:
    """A meter that shows power, or a speed that is none, while all the evidence together says the pump stands."""
    stopped = state == STOPPED
    if not stopped.any():
        return
    said = evidence(cells, pump)
    power = middle(np.abs(said.power[stopped]))
    if pump.power is not None and power is not None:
        sentence = f"shows {power:.1f} kW while pump {pump.id} stands; check the meter's scale, or take it for noise"
        yield Verdict(
            "while_stopped",
            (pump.power,),
            agrees=power <= IDLE_POWER,
            reason=f"{pump.power} {sentence}",
            value=power,
            limit=IDLE_POWER,
            is_certain=True,
            weight=LOOSE,
            about=pump.id,
        )
    speed = middle(said.speed[stopped])
    if pump.speed is not None and speed is not None:
        sentence = f"shows {speed:.0%} while pump {pump.id} stands: it is the mains' frequency or a set point, no speed"
        yield Verdict(
            "mains_as_speed",
            (pump.speed,),
            agrees=speed < SPEED_ON,
            reason=f"{pump.speed} {sentence}",
            value=speed,
            limit=SPEED_ON,
            is_certain=True,
            weight=LOOSE,
            about=pump.id,
        )


def _electrical(settings: AgentSettings, cells: Frame, pump: PumpSettings, state: States) -> Iterator[Verdict]:
    """S = 3 U I with U between phase and neutral (√3 U I between phases), and P = S cos φ."""
    power, apparent, factor = pump.power, pump.apparent_power, pump.power_factor
    voltage, current = pump.voltage, pump.current
    factors = made = np.full(len(cells), np.nan)
    if factor is not None:
        is_percent = known_tags(settings)[factor].unit.symbol == "%"
        factors = np.abs(cells.values[factor]) * (0.01 if is_percent else 1.0)
        yield from _factor(pump, factor, factors[state == RUNNING])
    if voltage is not None and current is not None:
        kva = 1e-3 * (3.0 if pump.voltage_between == "neutral" else 3.0**0.5)
        made = kva * np.abs(cells.values[voltage] * cells.values[current])
        if apparent is not None:
            by_current = (apparent, voltage, current), cells.values[apparent]
            yield from _ratio(pump, "apparent_power", *by_current, expected=made, makers="voltage and current")
    if power is not None and apparent is not None and factor is not None:
        expected, makers = np.abs(cells.values[apparent]) * factors, "apparent power and power factor"
        by_apparent = (power, apparent, factor), cells.values[power]
        yield from _ratio(pump, "active_power", *by_apparent, expected=expected, makers=makers)
    if power is not None and voltage is not None and current is not None and factor is not None:
        by_all = (power, voltage, current, factor), cells.values[power]
        makers = "voltage, current and power factor"
        yield from _ratio(pump, "electrical", *by_all, expected=made * factors, makers=makers)


def _factor(pump: PumpSettings, tag: str, running: Floats) -> Iterator[Verdict]:
    """A power factor while the pump runs, as a share."""
    shown = middle(running)
    if shown is not None:
        agrees = shown <= FACTOR_MOST
        reason = f"{tag} shows {shown:.3g}, but no power factor is above 1; is it in percent, and its unit not?"
        yield Verdict(
            "power_factor", (tag,), agrees, reason, shown, FACTOR_MOST, is_certain=True, weight=LOOSE, about=pump.id
        )


def _ratio(
    pump: PumpSettings, check: str, tags: tuple[str, ...], shown: Floats, *, expected: Floats, makers: str
) -> Iterator[Verdict]:
    """Whether what is *shown*, kW or kVA, is *expected*, where there is enough of either."""
    use = (np.maximum(expected, np.abs(shown)) > IDLE_POWER) & np.isfinite(expected + shown)
    # what a dead meter makes is no less than idle power, or the ratio would be of no meaning
    ratio = middle(np.abs(shown[use]) / np.maximum(expected[use], IDLE_POWER))
    one, other = middle(shown[use]), middle(expected[use])
    if ratio is not None and one is not None and other is not None:
        agrees = bool(abs(np.log(max(ratio, 1e-6))) <= np.log1p(POWER_SHARE))
        unit = "kVA" if check == "apparent_power" else "kW"
        reason = f"{tags[0]} shows {one:.4g} {unit}, but {makers} of pump {pump.id} make {other:.4g}"
        yield Verdict(check, tags, agrees, reason, ratio, 1 + POWER_SHARE, about=pump.id)


def _balance(  # noqa: PLR0917 - one counter, one rate, and where their sums are kept
    cells: Frame, check: str, counter: str, rate_tag: str, rate: Floats, memory: Memory, share: float
) -> Iterator[Verdict]:
    balance = memory.balances.setdefault(counter, Balance())
    for found in balance.update(cells.values[counter], rate, cells.step_ms, share):
        yield Verdict(
            check,
            (counter, rate_tag),
            agrees=found.agrees,
            reason=f"{counter} rose by {found.counted:.1f} in {found.hours:.1f} h, but {rate_tag} makes"
            f" {found.integrated:.1f}; one of them is scaled wrongly or drifts",
            value=found.counted - found.integrated,
            limit=found.tolerance,
            about=counter,
        )


def _gauges(cells: Frame, header: HeaderSettings) -> Iterator[Verdict]:
    """Gauges of one header show one pressure; of three or more the odd one is wrong."""
    if len(header.pressure) < 2:  # noqa: PLR2004 - one has none to differ from
        return
    shown = {tag: middle(cells.values[tag]) for tag in header.pressure}
    known = {tag: value for tag, value in shown.items() if value is not None}
    if len(known) < 2:  # noqa: PLR2004
        return
    centre = float(np.median(list(known.values())))
    limit = max(GAUGE_LEAST, GAUGE_SHARE * abs(centre))
    odd = max(known, key=lambda tag: abs(known[tag] - centre))
    spread = max(known.values()) - min(known.values())
    is_certain = len(known) > 2  # noqa: PLR2004
    difference = abs(known[odd] - centre) if is_certain else spread
    reason = f"{odd} differs by {difference:.1f} m from the other gauges of header {header.id}"
    named = (odd, *(tag for tag in known if tag != odd))
    yield Verdict(
        "gauges", named, difference <= limit, reason, difference, limit, is_certain=is_certain, about=header.id
    )
