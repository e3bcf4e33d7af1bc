"""What a reader should doubt of a learnt curve, in words; what no pump can have is left out."""

from collections.abc import Iterator

import numpy as np

from agent.mqtt import payloads
from agent.plant import PumpSettings
from analytics.curves.methods.physics import MOST_EFFICIENT
from analytics.curves.pump import PumpCurve

LEAST_FLOW_STD = 0.03  # share of a flow; beyond, its share of the header's is not well known
MOST_MISSED = 0.05  # of a head or power, of readings left out; one pump at known speeds and flows is missed by less


def possible(said: payloads.PumpCurve, curve: PumpCurve, pump: PumpSettings | None) -> payloads.PumpCurve:
    """*said*, of the learnt *curve*, with every reason to doubt it, and without efficiencies that are none."""
    doubts = [*_share(curve), *_speed(pump), *_missed(said), *_efficiency(said)]
    points = tuple(
        point if point.efficiency is None or point.efficiency < 1.0 else point.model_copy(update={"efficiency": None})
        for point in said.points
    )
    told = {"points": points, "reason": "; ".join(doubts) or None}
    if said.bep_efficiency is not None and said.bep_efficiency >= 1.0:
        why = "not identifiable: the efficiency cannot be"
        told |= {"bep_flow": None, "bep_flow_std": None, "bep_efficiency": None, "bep_reason": why}
    return said.model_copy(update=told)


def _share(curve: PumpCurve) -> Iterator[str]:
    middle = 0.5 * (curve.flow_range[0] + curve.flow_range[1])
    share = float(curve.flow_std(curve.head(middle, 1.0), 1.0)) / middle if middle > 0.0 else np.nan
    if np.isfinite(share) and share > LEAST_FLOW_STD:
        how = "no running set told the pumps apart" if not curve.flow_is_metered else "its meter contradicts the rest"
        yield f"its flow is known to {100.0 * share:.0f} % only: {how}"


def _speed(pump: PumpSettings | None) -> Iterator[str]:
    if pump is not None and pump.speed is None and pump.drive == "variable":
        yield "no tag tells how fast its drive turns, so all readings are taken to be at rated speed"


def _missed(said: payloads.PumpCurve) -> Iterator[str]:
    """Readings that no one curve goes through: another speed, another pump, or a meter of several."""
    heads = [point.head for point in said.points if point.head is not None]
    powers = [point.power_kw for point in said.points if point.power_kw is not None]
    for what, error, values in (("head", said.head_mae, heads), ("power", said.power_mae, powers)):
        usual = float(np.mean(values)) if values else 0.0
        if error is not None and usual > 0.0 and error > MOST_MISSED * usual:
            share = f"{100.0 * error / usual:.0f} % (mean error)"
            yield f"no curve goes through its readings: where they were left out its {what} is missed by {share}"


def _efficiency(said: payloads.PumpCurve) -> Iterator[str]:
    most = max((point.efficiency for point in said.points if point.efficiency is not None), default=0.0)
    if most > MOST_EFFICIENT:
        remedy = "look at units and scales of flow, pressures and power, and at the pressure at its inlet"
        yield f"its efficiency would be {100.0 * most:.0f} %, which no pump has; {remedy}"
