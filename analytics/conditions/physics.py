"""What a sight of the plant says of each condition: that it is so, that it is not, or nothing.

A pump that delivers nothing against a closed valve still churns: it draws what its curve says at no flow. One that
runs dry draws far less. One that is clogged delivers less than its curve, and its power is off its curve too. Where the
header's flow is off what all curves say together, and every power is right, it is the flow meter. Where more is drawn
than usual and the curves say so too, it has gone somewhere: a burst. Where flow and every power are above what the
curves say at the head that is shown, it is the head sensor: all pumps together gain nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from analytics.conditions.sight import HeaderSight, PumpSight, Suspicion
from analytics.npsh import MARGIN

DRY: Final = 0.6  # of the power at no flow: below it there is no water to churn
IDLE: Final = 0.94  # of the expected power: what churns draws less, how much less curves hardly know
LITTLE: Final = 0.3  # of the expected flow: less is nearly nothing
WANTED: Final = 0.25  # of the best flow: a pump whose curve promises less may as well deliver none
SHORT: Final = 0.08  # share by which a header's flow falls short where a pump is clogged
LACKING: Final = 0.2  # share of its own flow that a clogged pump lacks among others that are right
OFF_POWER: Final = 0.04  # share by which the power of the suspect is off its curve
DRIFT: Final = 0.04  # share by which a flow meter is off
RIGHT_POWER: Final = 0.025  # share within which a power is right
GAINED: Final = 0.025  # share of the flow above which all pumps seem to have gained
GAINED_POWER: Final = 0.008  # share of each power that goes with it
ALIKE: Final = 0.35  # of the greatest share: so much the least has to be, where the head is the cause of both
EDGE: Final = 0.03  # of the best flow: by their curves pumps are known no better
CONFIRMED: Final = 0.05  # share of the flow within which curves and meter agree that it is drawn
SURE: Final = 3.0  # standard deviations
BACK: Final = 0.02  # of the best flows: so much has to flow back

Claims = Mapping[Suspicion, bool | None]


def claims(sight: HeaderSight) -> Claims:
    """What the sight says of every condition of the header and its pumps."""
    found: dict[Suspicion, bool | None] = {}
    for pump in sight.pumps:
        found |= {Suspicion("too_many_starts", pump.pump): pump.starts > pump.starts_allowed}
        if pump.is_running is None:
            continue
        still = _standstill(sight, pump)
        is_still = any(still.values())
        found |= {Suspicion(kind, pump.pump): said for kind, said in still.items()}  # type: ignore[arg-type]
        found[Suspicion("outside_por", pump.pump)] = False if is_still else _outside_por(sight, pump)
        found[Suspicion("cavitation", pump.pump)] = False if is_still else _cavitation(pump)
        found[Suspicion("blockage", pump.pump)] = False if is_still else _blockage(sight, pump)
    is_any_still = any(said for (kind, _), said in found.items() if kind in ("dry_run", "closed_valve"))
    is_reverse = _reverse(sight)
    found[Suspicion("reverse_flow", sight.header)] = is_reverse
    is_head = None if is_any_still or is_reverse else _head_drift(sight)
    found[Suspicion("head_sensor_drift", sight.header)] = is_head
    is_flow = False if is_head else _drift(sight)
    found[Suspicion("flow_meter_drift", sight.header)] = None if is_any_still or is_reverse else is_flow
    found[Suspicion("burst", sight.header)] = _burst(sight)
    return found


def _standstill(sight: HeaderSight, pump: PumpSight) -> dict[str, bool | None]:
    """Whether a running pump moves no water, and by its power whether there is any."""
    nothing: dict[str, bool | None] = {"dry_run": False, "closed_valve": False}
    if not pump.is_running:
        return nothing
    idle, power, expected = pump.idle_power, pump.power, pump.expected_power
    if idle is None or power is None or expected is None:
        return {"dry_run": None, "closed_valve": None}
    if power < DRY * idle:
        return nothing | {"dry_run": True}
    delivered, promised = sight.delivered(pump), pump.expected_flow
    if delivered is None or promised is None or promised < WANTED * (pump.best_flow or 0.0):
        return nothing | {"closed_valve": None}
    offs = dict(_power_offs(sight))
    is_idle = power < IDLE * expected and offs[pump.pump] == max(offs.values())
    return nothing | {"closed_valve": is_idle and delivered < LITTLE * promised}


def _cavitation(pump: PumpSight) -> bool | None:
    if not pump.is_running:
        return False
    available, required = pump.npsh_available, pump.npsh_required
    return None if available is None or required is None else available < MARGIN * required


def _outside_por(sight: HeaderSight, pump: PumpSight) -> bool | None:
    if not pump.is_running:
        return False
    flow = pump.expected_flow if pump.flow is None else pump.flow
    if flow is None or (len(sight.running) == 1 and sight.flow is not None):
        flow = sight.rest(pump)
    if flow is None or pump.best_flow is None:
        return None
    return not pump.por[0] - EDGE <= flow / pump.best_flow <= pump.por[1] + EDGE


def _blockage(sight: HeaderSight, pump: PumpSight) -> bool | None:
    """The header's flow falls short, and of the pumps whose power is off its curve this one's is the most."""
    if not pump.is_running:
        return False
    short = _excess(sight)
    offs = dict(_power_offs(sight))
    if short is None or len(offs) < len(sight.running):
        return None
    others = [off for name, off in offs.items() if name != pump.pump]
    if offs[pump.pump] <= max([OFF_POWER, *others]):
        return False
    lacking = -short * (sight.expected_flow or 0.0)
    is_alone = short < -DRIFT and max(others, default=0.0) < RIGHT_POWER
    return short <= -SHORT or (is_alone and lacking > LACKING * (pump.expected_flow or 0.0))


def _drift(sight: HeaderSight) -> bool | None:
    """The header's flow is off, and no power is."""
    excess, offs = _excess(sight), dict(_power_offs(sight))
    if excess is None or not offs or len(offs) < len(sight.running):
        return None
    return abs(excess) > DRIFT and max(offs.values()) < RIGHT_POWER


def _head_drift(sight: HeaderSight) -> bool | None:
    """Flow and all powers are above what belongs to the head, as if each pump had gained some; wear takes.

    What a sensor that reads too low would show, wear and clogging do too: a day of readings tells more, not a look.
    """
    excess, offs = _excess(sight), [off for _, off in _signed_offs(sight)]
    if excess is None or not offs or len(offs) < len(sight.running):
        return None
    return excess > GAINED and min(offs) > GAINED_POWER and min(offs) > ALIKE * max(offs)


def _burst(sight: HeaderSight) -> bool | None:
    """More is drawn than usual, and it is no fault of the meter: the pumps' curves give as much."""
    excess = _excess(sight)
    if sight.is_more_drawn is None or excess is None:
        return None
    return sight.is_more_drawn and abs(excess) < CONFIRMED


def _reverse(sight: HeaderSight) -> bool | None:
    """Water comes back through the header, or through a pump with a meter of its own."""
    best = sum(pump.best_flow or 0.0 for pump in sight.pumps)
    flows = [sight.flow, *(pump.flow for pump in sight.pumps)]
    known = [flow for flow in flows if flow is not None]
    return None if not known else min(known) < -max(1.0, BACK * best)


def _excess(sight: HeaderSight) -> float | None:
    """Share by which the header's flow is more than expected; 0 where that is within the curves' uncertainty."""
    expected = sight.expected_flow
    if sight.flow is None or not expected or expected <= 0:
        return None
    more = sight.flow - expected
    return 0.0 if sight.flow_std is not None and abs(more) < SURE * sight.flow_std else more / expected


def _power_offs(sight: HeaderSight) -> Iterator[tuple[str, float]]:
    """Share by which each running pump's power is off its curve, either way."""
    return ((pump, abs(off)) for pump, off in _signed_offs(sight))


def _signed_offs(sight: HeaderSight) -> Iterator[tuple[str, float]]:
    """Share by which each running pump's power is above its curve."""
    for pump in sight.running:
        if pump.power is not None and pump.expected_power:
            yield pump.pump, pump.power / pump.expected_power - 1.0
