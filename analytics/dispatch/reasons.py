"""Reasons in a technician's words."""

from collections.abc import Iterator
from math import floor, hypot, inf, isclose, log10
from statistics import NormalDist

from analytics.curves.model import StationModel
from analytics.dispatch.duty import Duty, Infeasible
from analytics.dispatch.fitted import FLOW_ENDS, best_phi, kept_best, limit_said, unfitted
from analytics.dispatch.operation import listed
from analytics.dispatch.proposal import Proposal
from analytics.dispatch.requirement import RequiredFlow
from analytics.dispatch.saving import Saving
from analytics.dispatch.situation import Situation
from analytics.dispatch.system import System

_SAME_HEAD = 0.1  # m
_SAME_SPEED = 0.003  # relative; drives and people do not set it finer


def change_reasons(situation: Situation, model: StationModel, proposal: Proposal) -> tuple[str, ...]:
    """What to do, what it does to the pumps, what is uncertain, and what stood in the way of more."""
    return (
        *_steps(situation, proposal),
        *situation.operation.said,
        *_flow_change(situation, proposal),
        *_head_change(situation, proposal),
        *_hours(situation, proposal),
        *_off_best(situation, model),
        *_shares(model, proposal),
        *standing_reasons(situation, model),
    )


def keep_reasons(situation: Situation, model: StationModel, beyond: Proposal | Infeasible) -> tuple[str, ...]:
    """How the pumps run, and what might be better but is not sure enough."""
    told = [*situation.operation.said, *_off_best(situation, model)]
    least = situation.caution.least_saving
    if isinstance(beyond, Proposal) and beyond.net_kw > least * beyond.saving.present:
        told += unseen_reasons(situation, model, beyond)
    return (*told, *standing_reasons(situation, model))


def unseen_reasons(situation: Situation, model: StationModel, beyond: Proposal | Infeasible) -> tuple[str, ...]:
    """What pumps might do that they were never seen to do, and that it is not advised."""
    if isinstance(beyond, Infeasible) or not beyond.outside:
        return ()
    what, never = ", ".join(_steps(situation, beyond)), listed(list(_never(situation, model, beyond)))
    might = f"{_measure(beyond.saving)} might be saved" if beyond.saving.mean > 0 else "it might be served"
    return (f"Outside what was learnt ({what}) {might}; too uncertain to advise: {never}.",)


def _never(situation: Situation, model: StationModel, beyond: Proposal) -> Iterator[str]:
    """How each pump that would leave what was learnt was never seen."""
    for duty in (each for each in beyond.dispatch.duties if each.id in beyond.outside):
        curve, text = model.curve(duty.id), situation.limits_of(duty.id).speed_text
        (slowest, fastest), (least, most) = curve.speed_range, curve.flow_range
        if not bool(curve.supports(duty.speed * (least + most) / 2, duty.speed)):
            is_slow = duty.speed < slowest
            yield f"{duty.id} was never seen {f'below {text(slowest)}' if is_slow else f'above {text(fastest)}'}"
        else:
            is_less = duty.flow / duty.speed < least
            end = f"less than {least * duty.speed:.0f}" if is_less else f"more than {most * duty.speed:.0f}"
            yield f"{duty.id} was never seen to deliver {end} m³/h at {text(duty.speed)}"


def standing_reasons(situation: Situation, model: StationModel) -> tuple[str, ...]:
    """What keeps pumps from being considered, whatever the demand."""
    unseen = [each.pump for each in situation.limits if each.is_available and each.pump not in model.pumps]
    told = [f"{hold.why}." for hold in situation.holds.values() if hold.why is not None]
    free = [each for each in situation.limits if situation.holds[each.pump].lock == "free"]
    told += unfitted(model, free, situation.operation.speeds)
    if unseen:
        whose, verb = ("they have", "are") if len(unseen) > 1 else ("it has", "is")
        told.append(f"{listed(unseen)} {verb} not proposed: {whose} not been seen running, so there is no curve.")
    return tuple(told)


def why_change(situation: Situation, proposal: Proposal) -> str:
    """What the change is for: less power, or what the site values beside it."""
    saving, power = proposal.saving, _power(situation, proposal.saving)
    if saving.mean >= situation.caution.least_saving * saving.present:
        return f"{_flow(situation, proposal)}{power}."
    gains = " and ".join(_gains(situation, proposal)) or "fewer other costs"
    return f"{_flow(situation, proposal)}{power}, and {gains}."


def why_mended(situation: Situation, proposal: Proposal) -> str:
    """What it takes to keep a limit that the present operation breaks."""
    power = _power(situation, proposal.saving)
    gains = "".join(f", and {gain}" for gain in _gains(situation, proposal))
    return f"{_flow(situation, proposal)}{power or ' without that'}{gains}."


def _flow(situation: Situation, proposal: Proposal) -> str:
    """What is delivered then, beside what is now."""
    if not proposal.is_other_flow:
        return "The same flow"
    now, then = _apart(situation, proposal)
    return f"{then} instead of {now} m³/h"


def _power(situation: Situation, saving: Saving) -> str:
    """How much less or more power it takes; nothing where that is within the uncertainty."""
    if not situation.operation.speeds:
        return f" for {measure(saving.proposed, saving.proposed_std, 'kW')}"
    if abs(saving.mean) <= saving.std * NormalDist().inv_cdf(situation.caution.confidence):
        return ""
    share = measure(100 * abs(saving.mean) / saving.present, 100 * saving.std / saving.present, "%")
    return f" for {share} {'less' if saving.mean > 0 else 'more'} power"


def _gains(situation: Situation, proposal: Proposal) -> list[str]:
    """What the site values beside power."""
    water = ["more water"] if proposal.more_flow > 0 and _water_kw(situation, proposal) > 0 else []
    hours = ["evener running hours"] if _hours(situation, proposal) else []
    return [*water, *_nearer(situation, proposal), *hours]


def why_keep(inside: Proposal | Infeasible, situation: Situation) -> str:
    """Why the present operation is not to be changed."""
    if isinstance(inside, Infeasible):
        return f"Within what was learnt nothing else serves the demand: {inside.why}"
    if situation.unpaid is not None:
        return situation.unpaid
    saving, caution = inside.saving, situation.caution
    changes, least = _steps(situation, inside), caution.least_saving * saving.present
    if not changes or (inside.net_kw <= 0 and saving.mean < least):
        return "The present operation is the best found."
    if saving.mean < least:
        return f"The best found saves less than {caution.least_saving:.1%} of the present power."
    what = f"The best found ({', '.join(changes)})"
    if saving.confidence < caution.confidence:
        return f"{what} saves {_measure(saving)}: within the uncertainty."
    return f"{what} does not pay for {_price(situation, inside)}."


def _price(situation: Situation, proposal: Proposal) -> str:
    """What stands against its saving."""
    started = (situation.limits_of(pump) for pump in proposal.speeds if pump not in situation.operation.speeds)
    costs = {
        "its starts": any(each.start_kw for each in started),
        "uneven running hours": any(each.running_kw for each in situation.limits),
        "leaving the preferred pressure": situation.operation.deviation_kw > 0 and situation.operation.required is None,
        "less water": _water_kw(situation, proposal) < 0,
    }
    return " and ".join(name for name, is_paid in costs.items() if is_paid) or "what it costs beside"


def _limit(situation: Situation, model: StationModel, duty: Duty, limit: str) -> str:
    limits, phi = situation.limits_of(duty.id), duty.flow / duty.speed
    if limit in FLOW_ENDS and isclose(phi, limits.flows[FLOW_ENDS.index(limit)], rel_tol=1e-4):
        return f"{limit} that it may deliver ({duty.flow:.0f} m³/h at {limits.speed_text(duty.speed)})"
    return limit_said(limit, limits.por, kept_best(model.curve(duty.id), limits), phi)


def active_limits(situation: Situation, model: StationModel, proposal: Proposal) -> tuple[str, ...]:
    """Limits that keep the proposal from being cheaper."""
    held = [
        f"{duty.id}: {_limit(situation, model, duty, limit)}"
        for duty in proposal.dispatch.duties
        for limit in duty.held_by
    ]
    held += [f"{pump}: must run" for pump, hold in situation.holds.items() if hold.lock == "must run"]
    if situation.operation.required is not None:
        ends = {"low end": "header: least flow allowed", "high end": "header: greatest flow allowed"}
        held += [ends[end] for end in proposal.dispatch.active]
    elif situation.operation.head_min is not None:
        ends = {"low end": "header: lowest pressure allowed", "high end": "header: highest pressure allowed"}
        held += [ends[end] for end in proposal.dispatch.active]
    return tuple(held)


def _measure(saving: Saving) -> str:
    """Saving and standard deviation, no finer than the latter allows."""
    return measure(saving.mean, saving.std, "kW")


def measure(value: float, std: float, unit: str) -> str:
    """A value with its standard deviation, as many digits as the latter's first.

    >>> measure(3.217, 0.44, "kW"), measure(3.217, 12.0, "kW")
    ('3.2 ± 0.4 kW', '0 ± 10 kW')
    """
    place = decimals(std)
    return f"{round(value, place) + 0.0:.{max(place, 0)}f} ± {round(std, place):.{max(place, 0)}f} {unit}"


def decimals(std: float) -> int:
    """Decimals up to the first digit of a standard deviation, 3 at most; below 0: tens, hundreds."""
    return min(3, -floor(log10(std))) if 0 < std < inf else 3


def _steps(situation: Situation, proposal: Proposal) -> list[str]:
    """What a person would do, in this order: whoever stops a pump before another runs loses the pressure."""
    now, then = situation.operation.speeds, proposal.speeds
    texts = {pump: situation.limits_of(pump).speed_text for pump in {**now, **then}}
    starts = [f"start {pump} at {texts[pump](speed)}" for pump, speed in then.items() if pump not in now]
    stops = [f"stop {pump}" for pump in now if pump not in then]
    changes = [
        f"{pump} from {texts[pump](now[pump])} to {texts[pump](speed)}"
        for pump, speed in then.items()
        if pump in now and abs(speed - now[pump]) > _SAME_SPEED
    ]
    return [*starts, *stops, *changes]


def _off_best(situation: Situation, model: StationModel) -> list[str]:
    """Running pumps that are surely far from their best efficiency."""
    told = []
    for pump, speed in situation.operation.speeds.items():
        limits, curve = situation.limits_of(pump), model.curve(pump)
        best = best_phi(curve, limits)
        if best is None:
            continue
        head = situation.operation.head
        share, doubt = (float(one(head, speed)) / speed / best.phi for one in (curve.flow, curve.flow_std))
        doubt = hypot(doubt, share * best.std / best.phi)
        low, high = limits.por
        if share + doubt < low or share - doubt > high:
            whose = "learnt best flow" if best.is_learnt else "best-efficiency flow"
            told.append(f"{pump} runs at {measure(100 * share, 100 * doubt, '%')} of its {whose}.")
    return told


def _shares(model: StationModel, proposal: Proposal) -> list[str]:
    """Who then delivers how much, as far as it is known."""
    dispatch, speeds = proposal.dispatch, proposal.speeds
    if len(speeds) == 1:
        return [f"{dispatch.duties[0].id} alone then delivers the {dispatch.flow:.0f} m³/h."]
    found = model.predict([speeds.get(pump, 0.0) for pump in model.pumps], dispatch.head)
    parts = [
        f"{pump} {measure(float(flow), float(std), 'm³/h')}"
        for pump, flow, std in zip(model.pumps, found.flows, found.flows_std, strict=True)
        if pump in speeds
    ]
    return [f"Of {dispatch.flow:.0f} m³/h then deliver: {', '.join(parts)}."]


def _head_change(situation: Situation, proposal: Proposal) -> list[str]:
    """Part of a saving may come from the header's pressure; who reads it must know."""
    now, then = situation.operation.head, proposal.dispatch.head
    if abs(then - now) < _SAME_HEAD:
        return []
    if situation.operation.required is not None:
        how = ", as the system has it at that flow" if proposal.is_other_flow else _of_pipes(situation)
        return [f"The head goes from {now:.1f} to {then:.1f} m{how}."]
    nearer = "".join(f", {each}" for each in _nearer(situation, proposal))
    return [f"The head goes from {now:.1f} to {then:.1f} m, within the pressure band that is allowed{nearer}."]


def _of_pipes(situation: Situation) -> str:
    """Why the same flow has another head, where it does."""
    required = situation.operation.required
    is_own = required is not None and isinstance(required.system, System) and required.system.own
    return ", as the system has it with those pumps" if is_own else ""


def _flow_change(situation: Situation, proposal: Proposal) -> list[str]:
    """Less water is no saving; who reads it must know, and what the difference was taken to be worth."""
    if not proposal.is_other_flow:
        return []
    now, then = _apart(situation, proposal)
    worth = _water_kw(situation, proposal)
    more = "more" if proposal.more_flow > 0 else "less"
    valued = f": {abs(proposal.more_flow):.0f} m³/h {more}, which count as {abs(worth):.1f} kW" if worth else ""
    return [f"The flow goes from {now} to {then} m³/h{valued}."]


def _apart(situation: Situation, proposal: Proposal) -> tuple[str, str]:
    """The flow by the header's meter now and then, m³/h, as fine as it takes to tell them apart."""
    now = situation.operation.delivered
    then = now * proposal.share if now else proposal.dispatch.flow
    digits = 0 if abs(then - now) >= 1 else 1
    return f"{now:.{digits}f}", f"{then:.{digits}f}"


def _water_kw(situation: Situation, proposal: Proposal) -> float:
    """What the difference of flow is worth, as power."""
    required = situation.operation.required
    return required.worth_kw * proposal.more_flow if isinstance(required, RequiredFlow) else 0.0


def _nearer(situation: Situation, proposal: Proposal) -> list[str]:
    operation, head = situation.operation, proposal.dispatch.head
    wanted = operation.head_preferred
    if wanted is None or abs(head - wanted) > abs(operation.head - wanted) - _SAME_HEAD:
        return []
    return [f"nearer to the preferred {wanted:.1f} m"]


def _hours(situation: Situation, proposal: Proposal) -> list[str]:
    """Who takes over from whom, where the site wants running hours even."""
    now, then = situation.operation.speeds, proposal.speeds
    stopped = [situation.limits_of(pump) for pump in now if pump not in then]
    started = [situation.limits_of(pump) for pump in then if pump not in now]
    if sum(each.running_kw for each in started) >= sum(each.running_kw for each in stopped):
        return []
    told = ", ".join(f"{each.pump} {each.run_hours:.0f} h" for each in stopped + started if each.run_hours is not None)
    return [f"The hours that pumps have run become evener: {told}."]
