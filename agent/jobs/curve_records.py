"""What is published of a pump's curves."""

from collections.abc import Iterator

import numpy as np

from agent.mqtt import payloads
from agent.store.records import Record
from analytics.curves.model import StationModel
from analytics.curves.pump import PumpCurve
from analytics.hydraulics import Floats

METHOD = "affinity parabolas, joint robust fit"
DRAWN = 9  # points of a drawing
LEAST_FLOW_STD = 0.03  # share of a flow; beyond, the curve's reason says that the share is not well known


def curve_records(model: StationModel, now_ms: int) -> Iterator[Record]:
    """One record per pump of *model*, fitted at *now_ms*."""
    for index, curve in enumerate(model.curves):
        yield Record("curve", curve.pump, now_ms, _payload(model, index, curve, now_ms).encode())


def _payload(model: StationModel, index: int, curve: PumpCurve, now_ms: int) -> payloads.PumpCurve:
    low, high = curve.flow_range
    flows = np.linspace(low, high, DRAWN)
    points = tuple(_points(curve, flows))
    # At rated speed the constant part of the power is part of the lowest coefficient.
    power = curve.power_coefficients + np.array([curve.power_constant, 0.0, 0.0])
    bep = _best(curve, flows)
    return payloads.PumpCurve(
        pump=curve.pump,
        ts=now_ms,
        fitted_at=now_ms,
        method=METHOD,
        head_coefficients=tuple(curve.head_coefficients.tolist()),
        power_coefficients=tuple(power.tolist()),
        head_std=_known(curve.head_std(flows, 1.0).mean()),
        power_std=_known(curve.power_std(flows, 1.0).mean()),
        flow_min=low,
        flow_max=high,
        speed_min=curve.speed_range[0],
        speed_max=curve.speed_range[1],
        flow_source="measured" if curve.flow_is_metered else "derived",
        power_rmse=_known(model.basis.power_rmse_blocks[index]),
        bep_flow=bep,
        bep_efficiency=None if bep is None else _known(curve.efficiency(bep, 1.0)),
        readings=curve.n,
        points=points,
        reason=_limits(curve),
    )


def _points(curve: PumpCurve, flows: Floats) -> Iterator[payloads.CurvePoint]:
    figures = (
        flows,
        curve.head(flows, 1.0),
        curve.head_std(flows, 1.0),
        curve.power(flows, 1.0),
        curve.power_std(flows, 1.0),
        curve.efficiency(flows, 1.0),
    )
    for flow, head, head_std, power, power_std, efficiency in zip(*figures, strict=True):
        yield payloads.CurvePoint(
            flow=float(flow),
            head=_known(head),
            head_std=_known(head_std),
            power_kw=_known(power),
            power_std=_known(power_std),
            efficiency=_known(efficiency),
        )


def _best(curve: PumpCurve, flows: Floats) -> float | None:
    """Flow of best efficiency at rated speed, where the data reach both sides of it."""
    fine = np.linspace(flows[0], flows[-1], 201)
    top = int(np.argmax(np.nan_to_num(curve.efficiency(fine, 1.0))))
    return float(fine[top]) if 0 < top < len(fine) - 1 else None


def _limits(curve: PumpCurve) -> str | None:
    """What a reader should know of it; None where nothing limits it."""
    middle = 0.5 * (curve.flow_range[0] + curve.flow_range[1])
    share = float(curve.flow_std(curve.head(middle, 1.0), 1.0)) / middle if middle > 0.0 else np.nan
    if np.isfinite(share) and share > LEAST_FLOW_STD:
        how = "no running set told the pumps apart" if not curve.flow_is_metered else "its meter contradicts the rest"
        return f"its flow is known to {100.0 * share:.0f} % only: {how}"
    return None


def _known(value: float | np.floating | Floats | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
