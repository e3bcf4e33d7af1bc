"""What may honestly be advised: a change, to keep, or nothing and why."""

from dataclasses import dataclass, replace
from typing import Literal

from analytics.curves.model import StationModel
from analytics.dispatch.breach import breaches, seen, unmended
from analytics.dispatch.duty import Infeasible
from analytics.dispatch.fitted import best_phi
from analytics.dispatch.limits import Hold
from analytics.dispatch.metaheuristics import Method
from analytics.dispatch.operation import objection
from analytics.dispatch.proposal import SEED, Proposal, Search
from analytics.dispatch.reasons import (
    active_limits,
    change_reasons,
    keep_reasons,
    standing_reasons,
    unseen_reasons,
    why_change,
    why_keep,
    why_mended,
)
from analytics.dispatch.saving import Sample, Saving, Way, compare
from analytics.dispatch.situation import Situation
from analytics.dispatch.turning import turning
from analytics.hydraulics import wire_to_water_efficiency

REACH = 0.1  # share by which the learnt ranges are left to tell what might be there; never to advise it
_DRAWS = 200  # stations that could be the true one
_DELIVERS = 0.5  # share of them in which a change must be able to be run
_TOO_UNCERTAIN = "What is known of the curves is too uncertain to say what other operation could be run."


@dataclass(frozen=True, slots=True)
class PumpPlan:
    """What is advised of one pump; the figures are None where it is not to run."""

    id: str
    run: bool
    running: bool | None
    speed: float | None = None  # relative
    flow: float | None = None  # m³/h
    flow_std: float | None = None
    head: float | None = None  # m
    power: float | None = None  # kW
    power_std: float | None = None
    efficiency: float | None = None
    efficiency_std: float | None = None
    in_por: bool | None = None  # None: not known, or not surely
    within_data: bool | None = None


@dataclass(frozen=True, slots=True)
class Advice:
    """The advice for one header."""

    action: Literal["change", "keep", "none"]
    why: str  # a sentence
    pumps: tuple[PumpPlan, ...] = ()
    flow: float | None = None  # m³/h
    head: float | None = None  # m
    saving: Saving | None = None
    reasons: tuple[str, ...] = ()
    active: tuple[str, ...] = ()
    gap: float | None = None
    turning: tuple[str, ...] = ()  # what would change it
    broken: tuple[str, ...] = ()  # limits that the present operation breaks, a sentence each; in why and reasons too
    is_same_flow: bool = True  # as the present one
    method: Method | None = None  # that was held against the exact one


def advise(situation: Situation) -> Advice:
    """Compare the present operation with the best one on the same model, and say what follows."""
    situation = _tightened(situation)
    model = situation.model
    said = () if situation.operation.speeds else situation.operation.said
    why = objection(situation.operation, model, situation.limits, situation.histories) or situation.alarm
    if why is not None or model is None:
        return _nothing(seen(situation), why or "No curves have been learnt yet.", said)
    broken = breaches(situation, model)
    if (why := unmended(situation, model) or _unneeded(situation, broken)) is not None:
        return _nothing(broken, why, said)
    sample = Sample.of(model, _DRAWS, SEED)
    search = Search(sample, situation.operation, situation.limits, situation.holds, situation.method)
    best = _steady(search, situation, is_broken=bool(broken))
    if not broken and isinstance(best, Proposal) and (turned := _turned(situation, best)):
        situation = replace(
            situation, operation=replace(situation.operation, said=(*situation.operation.said, *turned))
        )
        search = replace(search, operation=situation.operation, holds=_planned(situation))
        best = _steady(search, situation, is_broken=False)
    if isinstance(best, Proposal) and (broken or _is_worth(best, situation)):
        if best.saving.delivers < _DELIVERS:
            return _nothing(broken, _TOO_UNCERTAIN, standing_reasons(situation, model))
        return _change(best, situation, search, broken)
    beyond = search.best(REACH)
    if isinstance(best, Infeasible) and (broken or isinstance(beyond, Infeasible)):
        told = (*unseen_reasons(situation, model, beyond), *standing_reasons(situation, model))
        return _nothing(broken, best.why, (*situation.operation.said, *told))
    return _keep(best, beyond, situation, search)


def _turned(situation: Situation, best: Proposal) -> tuple[str, ...]:
    """Why the plan of the site would turn *best* round before its pumps may be switched again, where it is worth it."""
    if not _is_worth(best, situation):
        return ()
    switched = best.speeds.keys() ^ situation.operation.speeds.keys()
    return tuple(each.planned for each in situation.limits if each.pump in switched and each.planned is not None)


def _planned(situation: Situation) -> dict[str, Hold]:
    """What may not be changed now, by pump, where that plan is kept to; what is said of it has been said."""
    kept = {each.pump: each.planned.removesuffix(".") for each in situation.limits if each.planned is not None}
    locks = {
        pump: Hold("must run" if pump in situation.operation.speeds else "must not run", kept[pump])
        for pump, hold in situation.holds.items()
        if pump in kept and hold.lock == "free"
    }
    return {**situation.holds, **locks}


def _unneeded(situation: Situation, broken: tuple[str, ...]) -> str | None:
    """That pumps may go on standing."""
    return None if situation.operation.speeds or broken else "No pump runs, and none needs to for what is required."


def _tightened(situation: Situation) -> Situation:
    """With what is required held the closer, where a change holds."""
    required = situation.operation.required
    if required is None or situation.advised is None:
        return situation
    return replace(situation, operation=replace(situation.operation, required=required.tightened()))


def withdrawn(advice: Advice, situation: Situation, why: str) -> Advice:
    """That nothing is to be changed, instead of a change that somebody does not want; what is broken stays so."""
    if advice.action != "change" or situation.model is None:
        return advice
    return _nothing(advice.broken, why, standing_reasons(situation, situation.model))


def _nothing(broken: tuple[str, ...], why: str, reasons: tuple[str, ...] = ()) -> Advice:
    """No advice: what is wrong comes before why nothing can be said of it, and says already what is required."""
    told = [one for one in reasons if not any(each.startswith(one[:-1]) for each in broken)]
    return Advice("none", " ".join((*broken[:1], why)), reasons=(*broken, *told), broken=broken)


def _steady(search: Search, situation: Situation, *, is_broken: bool) -> Proposal | Infeasible:
    """The best proposal; the set that was advised last, where another one is hardly better.

    What mends something that *is_broken* need not save anything.
    """
    best, advised = search.best(0.0), situation.advised
    if isinstance(best, Infeasible) or advised is None or best.speeds.keys() == advised:
        return best
    again = search.best(0.0, advised)
    if isinstance(again, Infeasible) or again.speeds.keys() != advised:
        return best
    if not is_broken and not _is_worth(again, situation):
        return best
    gain = best.net_kw - again.net_kw
    usual = best.saving.present or best.saving.proposed
    return again if gain < situation.caution.least_saving * usual else best


def _is_worth(proposal: Proposal, situation: Situation) -> bool:
    """Whether what is saved is sure and large enough, starts, uneven hours and pressure paid."""
    if situation.unpaid is not None:
        return False
    caution = situation.caution
    return (
        proposal.confidence >= caution.confidence and proposal.net_kw >= caution.least_saving * proposal.saving.present
    )


def _change(proposal: Proposal, situation: Situation, search: Search, broken: tuple[str, ...]) -> Advice:
    dispatch, model = proposal.dispatch, search.model
    way = Way(proposal.speeds, dispatch.head)
    return Advice(
        action="change",
        why=f"{broken[0]} {why_mended(situation, proposal)}" if broken else why_change(situation, proposal),
        pumps=_plans(situation, model, way),
        flow=dispatch.flow,
        head=dispatch.head,
        saving=proposal.saving,
        reasons=(*change_reasons(situation, model, proposal), *broken[1:]),
        active=active_limits(situation, model, proposal),
        gap=dispatch.gap,
        turning=turning(search, proposal.dispatch),
        broken=broken,
        is_same_flow=not proposal.is_other_flow,
        method=proposal.method,
    )


def _keep(inside: Proposal | Infeasible, beyond: Proposal | Infeasible, situation: Situation, search: Search) -> Advice:
    """The present operation, compared with itself: its power and that nothing is claimed."""
    way, model = situation.operation.way, search.model
    best = inside if isinstance(inside, Proposal) else beyond
    flows = model.duty([way.speeds.get(pump, 0.0) for pump in model.pumps], way.head).flows
    return Advice(
        action="keep",
        why=why_keep(inside, situation),
        pumps=_plans(situation, model, way),
        flow=float(flows.sum()),
        head=way.head,
        saving=compare(search.sample, way, way),
        reasons=keep_reasons(situation, model, beyond),
        gap=best.dispatch.gap if isinstance(best, Proposal) else None,
        turning=turning(search, best.dispatch) if isinstance(best, Proposal) else (),
        method=best.method if isinstance(best, Proposal) else None,
    )


def _plans(situation: Situation, model: StationModel, way: Way) -> tuple[PumpPlan, ...]:
    """Every pump of the header under *way*."""
    speeds = [way.speeds.get(pump, 0.0) for pump in model.pumps]
    found = model.predict(speeds, way.head)
    plans = []
    for each in situation.limits:
        running = situation.histories[each.pump].is_running
        if each.pump not in way.speeds:
            plans.append(PumpPlan(each.pump, run=False, running=running))
            continue
        place, speed = model.pumps.index(each.pump), way.speeds[each.pump]
        flow, flow_std, power = (float(one[place]) for one in (found.flows, found.flows_std, found.powers))
        efficiency = float(wire_to_water_efficiency(flow, way.head, power))
        best = best_phi(model.curve(each.pump), each)
        plans.append(
            PumpPlan(
                id=each.pump,
                run=True,
                running=running,
                speed=speed,
                flow=flow,
                flow_std=flow_std,
                head=way.head,
                power=power,
                power_std=float(found.power_std[place]),
                efficiency=efficiency,
                efficiency_std=efficiency * flow_std / flow,
                in_por=None if best is None else best.holds(flow / speed, flow_std / speed, each.por),
                within_data=bool(model.supports(each.pump, flow, speed)),
            )
        )
    return tuple(plans)
