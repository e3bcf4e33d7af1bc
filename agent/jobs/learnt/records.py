"""What is published of a pump's curves."""

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from agent.jobs.learnt.doubts import possible
from agent.jobs.learnt.plant_figures import with_plant
from agent.mqtt import payloads
from agent.plant import PumpSettings
from agent.store.records import Record
from analytics.curves.best import DRAWS, FINE, BestPoint, best_point, efficiencies, learnt_best
from analytics.curves.methods.catalogue import Catalogue
from analytics.curves.methods.choice import Choice
from analytics.curves.methods.duty import CurveMethod
from analytics.curves.methods.incremental import IncrementalCurve
from analytics.curves.methods.physics import judged_flows, physics
from analytics.curves.missed import Errors
from analytics.curves.model import StationModel
from analytics.curves.pump import PumpCurve
from analytics.hydraulics import Floats

METHOD = "affinity parabolas, joint robust fit"
DRAWN = 9  # points of a drawing


def curve_records(
    model: StationModel, chosen: Mapping[str, Choice], now_ms: int, pumps: Mapping[str, PumpSettings] | None = None
) -> Iterator[Record]:
    """One record per pump of *model*, fitted at *now_ms*; by the method *chosen* where it has its own flow meter.

    With what the *pumps*' settings know of their motors and preferred regions.
    """
    for index, curve in enumerate(model.curves):
        said = _payload(model, index, curve, now_ms)
        choice = chosen.get(curve.pump)
        said = said if choice is None else _by(choice, curve, said)
        pump = (pumps or {}).get(curve.pump)
        said = possible(said, curve, pump)
        yield Record("curve", curve.pump, now_ms, (said if pump is None else with_plant(said, pump)).encode())


def catalogue_records(
    sheets: Mapping[str, Catalogue],
    known: Container[str],
    last: Mapping[str, Record],
    now_ms: int,
    pumps: Mapping[str, PumpSettings] | None = None,
) -> Iterator[Record]:
    """The data sheet's curve of each pump that has none of its own, where it is news.

    Args:
        sheets: By pump.
        known: Pumps with a curve of their own.
        last: What was last said, by pump.
        now_ms: The time.
        pumps: Their settings.
    """
    for pump, sheet in sheets.items():
        said = _unmeasured(pump, sheet, now_ms)
        if pumps is not None:
            said = with_plant(said, pumps[pump])
        before = payloads.PumpCurve.kept(last[pump].body) if pump in last else None
        is_news = before is None or (not before.readings and before.model_copy(update={"ts": now_ms}) != said)
        if pump not in known and is_news:
            yield Record("curve", pump, now_ms, said.encode())


def _unmeasured(pump: str, sheet: Catalogue, now_ms: int) -> payloads.PumpCurve:
    flows = np.linspace(float(sheet.flow[0]), float(sheet.flow[-1]), DRAWN)
    duty = sheet.predict(flows)
    fine = np.linspace(flows[0], flows[-1], FINE)
    bep = _top(fine, sheet.predict(fine).efficiency)
    return payloads.PumpCurve(
        pump=pump,
        ts=now_ms,
        method="catalogue",
        source="catalogue",
        head_coefficients=_parabola(flows, duty.head),
        power_coefficients=_parabola(flows, duty.power),
        head_std=_known(duty.head_std.mean()),
        power_std=_known(duty.power_std.mean()),
        flow_min=float(flows[0]),
        flow_max=float(flows[-1]),
        bep_flow=bep,
        bep_efficiency=None if bep is None else _known(sheet.predict(np.array(bep)).efficiency),
        readings=0,
        points=tuple(_drawn((flows, duty.head, duty.head_std, duty.power, duty.power_std, duty.efficiency))),
        reason="nothing was measured of it yet: this is its data sheet's curve",
    )


def unfitted_records(last: Mapping[str, Record], pumps: Sequence[str], why: str, now_ms: int) -> Iterator[Record]:
    """The *last* record of each pump again, as it is at *now_ms*, with *why* there is none that is newer."""
    for pump in pumps:
        if pump in last:
            said = payloads.PumpCurve.kept(last[pump].body)
            said = said.model_copy(update={"ts": now_ms, "reason": why})
        else:
            said = payloads.PumpCurve(pump=pump, ts=now_ms, method=METHOD, readings=0, reason=why)
        yield Record("curve", pump, now_ms, said.encode())


def _by(choice: Choice, curve: PumpCurve, joint: payloads.PumpCurve) -> payloads.PumpCurve:
    """What is published of the curve of the *choice*, in the range and with what else the *joint* fit says.

    The coefficients are those of the parabolas nearest to it there.
    """
    flows = np.linspace(joint.flow_min or 0.0, joint.flow_max or 0.0, DRAWN)
    duty, trial = choice.method.predict(flows, 1.0), choice.trial
    fine = np.linspace(flows[0], flows[-1], FINE)
    best = best_point(fine, choice.method.predict(fine, 1.0).efficiency, _efficiencies(choice.method, curve, fine))
    figures = (flows, duty.head, duty.head_std, duty.power, duty.power_std, duty.efficiency)
    known = {
        "method": choice.method.name,
        "method_reason": choice.reason,
        "head_coefficients": _parabola(flows, duty.head) or joint.head_coefficients,
        "power_coefficients": _parabola(flows, duty.power) or joint.power_coefficients,
        "head_std": _known(duty.head_std.mean()),
        "power_std": _known(duty.power_std.mean()),
        **_missed("flow_ranges", trial.head, trial.power),
        "physics_score": trial.physics.score,
        **_best(best),
        "points": tuple(_drawn(figures)),
    }
    if isinstance(choice.method, IncrementalCurve):
        known["readings"] = round(choice.method.readings)
    return payloads.PumpCurve.model_validate({**dict(joint), **known})


def _parabola(flows: Floats, values: Floats) -> tuple[float, ...]:
    """Ascending coefficients of that nearest to *values*; none where they are not known."""
    if not np.isfinite(values).all() or flows[0] == flows[-1]:
        return ()
    return tuple(np.polynomial.Polynomial.fit(flows, values, 2).convert().coef.tolist())


def _payload(model: StationModel, index: int, curve: PumpCurve, now_ms: int) -> payloads.PumpCurve:
    low, high = curve.flow_range
    flows = np.linspace(low, high, DRAWN)
    points = tuple(_points(curve, flows))
    # At rated speed the constant part of the power is part of the lowest coefficient.
    power = curve.power_coefficients + np.array([curve.power_constant, 0.0, 0.0])
    best = learnt_best(curve)
    return payloads.PumpCurve(
        pump=curve.pump,
        ts=now_ms,
        fitted_at=now_ms,
        method=METHOD,
        method_reason=model.basis.form or None,
        head_coefficients=tuple(curve.head_coefficients.tolist()),
        power_coefficients=tuple(power.tolist()),
        head_std=_known(curve.head_std(flows, 1.0).mean()),
        power_std=_known(curve.power_std(flows, 1.0).mean()),
        flow_min=low,
        flow_max=high,
        speed_min=curve.speed_range[0],
        speed_max=curve.speed_range[1],
        flow_source="measured" if curve.flow_is_metered else "derived",
        physics_score=_physics_score(curve, has_power=_known(model.basis.power_rmse[index]) is not None),
        readings=curve.n,
        points=points,
        **(_missed("time_blocks", *model.basis.missed[index]) if model.basis.missed else {}),
        **_best(best),
    )


def _missed(left_out: str, head: Errors, power: Errors) -> dict[str, Any]:
    """As it is published; nothing where nothing was left out."""
    figures = {
        f"{quantity}_{name}": _known(value)
        for quantity, errors in (("head", head), ("power", power))
        for name, value in errors._asdict().items()
    }
    return {**figures, "left_out": left_out if any(each is not None for each in figures.values()) else None}


def _physics_score(curve: PumpCurve, *, has_power: bool) -> float:
    flows = judged_flows(*curve.flow_range)
    unknown = np.full(len(flows), np.nan)
    power, efficiency = (curve.power(flows, 1.0), curve.efficiency(flows, 1.0)) if has_power else (unknown, unknown)
    return physics(curve.head(flows, 1.0), power, efficiency).score


def _points(curve: PumpCurve, flows: Floats) -> Iterator[payloads.CurvePoint]:
    figures = (
        flows,
        curve.head(flows, 1.0),
        curve.head_std(flows, 1.0),
        curve.power(flows, 1.0),
        curve.power_std(flows, 1.0),
        curve.efficiency(flows, 1.0),
    )
    yield from _drawn(figures)


def _drawn(figures: Sequence[Floats]) -> Iterator[payloads.CurvePoint]:
    """Flow, head and its std, power and its std, efficiency, each at every point."""
    for flow, head, head_std, power, power_std, efficiency in zip(*figures, strict=True):
        yield payloads.CurvePoint(
            flow=float(flow),
            head=_known(head),
            head_std=_known(head_std),
            power_kw=_known(power),
            power_std=_known(power_std),
            efficiency=_known(efficiency),
        )


def _best(found: BestPoint | str) -> dict[str, Any]:
    """As it is published."""
    if isinstance(found, str):
        return {"bep_flow": None, "bep_flow_std": None, "bep_efficiency": None, "bep_reason": found}
    return {
        "bep_flow": found.flow,
        "bep_flow_std": found.flow_std,
        "bep_efficiency": found.efficiency,
        "bep_reason": None,
    }


def _efficiencies(method: CurveMethod, joint: PumpCurve, flows: Floats) -> Floats:
    """Of curves that the pump could have as well; those of the joint fit where the method knows none."""
    if isinstance(method, IncrementalCurve):
        return method.efficiencies(flows, DRAWS, np.random.default_rng(0))
    return efficiencies(joint, flows)


def _top(flows: Floats, efficiency: Floats) -> float | None:
    """The flow, from the first to the last of *flows*, at which the *efficiency* is best, if it is at neither end."""
    fine = np.linspace(flows[0], flows[-1], len(efficiency))
    top = int(np.argmax(np.nan_to_num(efficiency)))
    return float(fine[top]) if 0 < top < len(fine) - 1 else None


def _known(value: float | np.floating | Floats | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
