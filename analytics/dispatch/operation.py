"""How a header's pumps are run now, and what would forbid judging it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analytics.curves.model import StationModel
from analytics.dispatch.limits import History, Limits
from analytics.dispatch.requirement import Requirement
from analytics.dispatch.saving import Way

POWER_ERROR = 0.02  # share of the measured power by which the model may miss it and still be believed
FLOW_ERROR = 0.03  # the same of the flow
_IDLE_FLOW, _LEAST_FLOW = 0.05, 1.0  # share of the largest pump's flow, or m³/h, that a meter may be off by at rest


@dataclass(frozen=True, slots=True)
class Operation:
    """The present operation of a header, as measured over the last minutes."""

    flow: float  # m³/h
    head: float  # m, that its pumps add
    speeds: Mapping[str, float]  # relative, of the running pumps
    powers: Mapping[str, float]  # kW electrical, of the running pumps that have a meter
    head_min: float | None = None  # m; band that may be planned, both or none
    head_max: float | None = None
    head_preferred: float | None = None  # m
    deviation_kw: float = 0.0  # what a metre away from the preferred head costs, as power
    required: Requirement | None = None  # what counts instead of flow and head of now
    said: tuple[str, ...] = ()  # what is required, or why that is not known; sentences
    missing: str | None = None  # why it is not known, a sentence, where pumps stand and that is to be mended

    @property
    def delivered(self) -> float:
        """By its pumps, m³/h: none while they stand, whatever a meter is off by."""
        return self.flow if self.speeds else 0.0

    @property
    def power(self) -> float:
        """Measured, kW; of the pumps that have a meter."""
        return sum(self.powers.values())

    @property
    def way(self) -> Way:
        """As the model is asked about it."""
        return Way(self.speeds, self.head)


def objection(
    operation: Operation, model: StationModel | None, limits: Sequence[Limits], histories: Mapping[str, History]
) -> str | None:
    """Why nothing can be advised, in a sentence; None where the model explains the present operation."""
    unknown = [each.pump for each in limits if histories[each.pump].is_running is None]
    if unknown:
        return f"It is not known whether {listed(unknown)} run; check their tags."
    if not operation.speeds and operation.required is None:
        why = standstill(operation, model, limits)
        return why if operation.missing is None else f"{operation.missing} {why}"
    return "No curves have been learnt yet." if model is None else _doubted(operation, model, limits)


def standstill(operation: Operation, model: StationModel | None, limits: Sequence[Limits]) -> str:
    """Why there is nothing to compare while no pump is known to run, in a sentence.

    What flows all the same is no lack of demand: a station that is read once a minute tells minutes later who started.
    """
    largest = [each.rated_flow for each in limits if each.rated_flow is not None]
    largest += [] if model is None else [curve.flow_range[1] for curve in model.curves]
    if abs(operation.flow) <= max(_LEAST_FLOW, _IDLE_FLOW * max(largest, default=0.0)):
        return "No pump runs, so that there is no demand to serve."
    return (
        f"No pump is known to run, though {operation.flow:.0f} m³/h are measured: a start shows a few readings later, "
        "or water flows without pumps."
    )


def _doubted(operation: Operation, model: StationModel, limits: Sequence[Limits]) -> str | None:
    """Why the *model* is not believed of the present operation; of standing pumps nothing can be told apart."""
    if not operation.speeds:
        return None
    strangers = [pump for pump in operation.speeds if pump not in model.pumps]
    if strangers:
        return f"{_runs(strangers)} without a learnt curve yet."
    unmetered = [pump for pump in operation.speeds if pump not in operation.powers]
    if unmetered:
        return f"The power of {listed(unmetered)} is not measured, so that nothing said about it could be checked."
    still = next((each for each in limits if operation.speeds.get(each.pump) == 0.0), None)
    if still is not None:
        return f"{still.pump} runs, but its speed is shown as {still.speed_text(0.0)}; look at the tag of its speed."
    return _alarmed(operation, limits) or _unlike(operation, model) or _beyond(operation, model, limits)


def _alarmed(operation: Operation, limits: Sequence[Limits]) -> str | None:
    """An alarm of a running pump: neither its figures nor its curve can be relied on."""
    found = next((each for each in limits if each.pump in operation.speeds and each.alarm is not None), None)
    return None if found is None else f"An alarm of {found.pump}, which runs, stands: {found.alarm}."


def _unlike(operation: Operation, model: StationModel) -> str | None:
    """Where the model's figures of the present operation are not the measured ones."""
    duty = model.duty([operation.speeds.get(pump, 0.0) for pump in model.pumps], operation.head)
    flow, power = float(duty.flows.sum()), float(duty.powers.sum())
    if not np.isfinite([flow, power]).all():
        return f"By their curves the running pumps do not reach the present head of {operation.head:.1f} m."
    for name, unit, modelled, measured, most in (
        ("power", "kW", power, operation.power, POWER_ERROR),
        ("flow", "m³/h", flow, operation.flow, FLOW_ERROR),
    ):
        if not abs(modelled - measured) <= most * measured:
            return (
                f"The model's {name} for the present operation is {modelled:.0f} {unit} and the measured one "
                f"{measured:.0f} {unit}: they differ by more than {most:.0%}."
            )
    return None


def _beyond(operation: Operation, model: StationModel, limits: Sequence[Limits]) -> str | None:
    """Where a running pump is operated as it never was while its curve was learnt."""
    for each in limits:
        if each.pump not in operation.speeds:
            continue
        curve, speed = model.curve(each.pump), operation.speeds[each.pump]
        flow = float(curve.flow(operation.head, speed))
        if not curve.supports(flow, speed):
            return (
                f"{each.pump} runs outside what its curve was learnt from: {each.speed_text(speed)} and "
                f"{flow:.0f} m³/h at {operation.head:.1f} m."
            )
    return None


def _runs(names: Sequence[str]) -> str:
    return f"{listed(names)} {'runs' if len(names) == 1 else 'run'}"


def listed(names: Sequence[str]) -> str:
    """Names as one reads them: p1, p2 and p3."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
