"""An advice as it is published: figures no finer than they are known."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

from agent.mqtt.payloads import PumpAdvice, Recommendation
from agent.settings import AgentSettings
from analytics.dispatch.advice import Advice, PumpPlan
from analytics.dispatch.operation import Operation
from analytics.dispatch.reasons import decimals
from analytics.dispatch.saving import Saving
from analytics.dispatch.situation import Situation

METHOD = "exact enumeration"
BASELINE = "the present operation at the same flow, by the same model"
OTHER_FLOW = "the present operation at its own flow, by the same model"
SUREST = 0.999  # no model is surer of itself
_WIDE = 1.6449  # standard deviations on either side of 90 %


@dataclass(frozen=True, slots=True)
class Occasion:
    """When and as what an advice is given."""

    id: str
    header: str
    now_ms: int
    expires_ms: int
    took_ms: float
    price: float  # money per kWh now


def recommendation(
    advice: Advice, situation: Situation | None, settings: AgentSettings, occasion: Occasion
) -> Recommendation:
    """The payload; *situation* is what the advice rests on, None where that is not known."""
    told: dict[str, Any] = {
        "id": occasion.id,
        "ts": occasion.now_ms,
        "expires": occasion.expires_ms,
        "station": settings.station.name,
        "header": occasion.header,
        "action": advice.action,
        "why": advice.why,
        "reasons": advice.reasons,
        "active_constraints": advice.active,
        "would_change": advice.turning,
        "solve_ms": occasion.took_ms,
    }
    if situation is not None:
        told |= _measured(situation.operation)
    if advice.saving is not None:
        told |= _planned(advice, advice.saving)
    if advice.saving is not None and advice.action == "change" and advice.saving.present > 0:
        told |= _claimed(advice.saving, settings, occasion.price)
        told |= {"baseline": BASELINE if advice.is_same_flow else OTHER_FLOW}
    return Recommendation(**told)


def _measured(operation: Operation) -> dict[str, Any]:
    power = operation.power if operation.powers else None
    return {
        "flow": _figure(operation.flow),
        "head": _figure(operation.head),
        "measured_power_kw": _figure(power),
    }


def _planned(advice: Advice, saving: Saving) -> dict[str, Any]:
    """The operation that is advised, also where it is the present one."""
    return {
        "pumps": tuple(_pump(plan) for plan in advice.pumps),
        "flow": _figure(advice.flow),
        "head": _figure(advice.head),
        "power_kw": _round(saving.proposed, saving.proposed_std),
        "power_std": _round(saving.proposed_std, saving.proposed_std),
        "specific_energy": _figure(saving.proposed / advice.flow if advice.flow else None),
        "present_power_kw": _round(saving.present, saving.proposed_std),
        "method": METHOD if advice.method is None else f"{advice.method}, begun with and held against {METHOD}",
        "gap": None if advice.gap is None else round(advice.gap, 6),
    }


def _claimed(saving: Saving, settings: AgentSettings, price: float) -> dict[str, Any]:
    """The saving; only a change claims one."""
    share = 100 / saving.present
    told: dict[str, Any] = {
        "saving_kw": _round(saving.mean, saving.std),
        "saving_percent": _round(share * saving.mean, share * saving.std),
        "saving_uncertainty_kw": _round(saving.std, saving.std),
        "saving_interval_kw": _interval(saving.mean, saving.std),
        "confidence": round(min(saving.confidence, SUREST), 3),
    }
    if settings.tariff.is_priced:
        told |= {"saving_per_hour": _round(price * saving.mean, abs(price) * saving.std)}
        told |= {"saving_per_hour_uncertainty": _round(abs(price) * saving.std, abs(price) * saving.std)}
        told |= {"saving_per_hour_interval": _interval(price * saving.mean, abs(price) * saving.std)}
        told |= {"currency": settings.tariff.currency}
    return told


def _pump(plan: PumpPlan) -> PumpAdvice:
    return PumpAdvice(
        id=plan.id,
        run=plan.run,
        running=plan.running,
        speed=None if plan.speed is None else round(plan.speed, 4),
        flow=_round(plan.flow, plan.flow_std),
        flow_std=_round(plan.flow_std, plan.flow_std),
        head=_figure(plan.head),
        power_kw=_round(plan.power, plan.power_std),
        efficiency=_round(plan.efficiency, plan.efficiency_std),
        in_por=plan.in_por,
        within_data=plan.within_data,
    )


def _interval(mean: float, std: float) -> tuple[float | None, float | None] | None:
    """In which a normal value lies with a probability of 90 %; None where it may lie anywhere."""
    if not isfinite(mean) or not isfinite(std):
        return None
    return _round(mean - _WIDE * std, std), _round(mean + _WIDE * std, std)


def _round(value: float | None, std: float | None) -> float | None:
    """With as many digits as the first two of *std*."""
    if value is None or std is None or not isfinite(std):
        return _figure(value)
    return round(value, decimals(std) + 1) + 0.0  # no -0.0


def _figure(value: float | None) -> float | None:
    """Four significant digits, for what has no uncertainty of its own; None where it is not finite."""
    return float(f"{value:.4g}") + 0.0 if value is not None and isfinite(value) else None
