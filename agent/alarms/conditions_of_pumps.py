"""What an operator is told of the conditions that the physics of pumps finds."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from agent.alarms.settings import Priority


class Words(NamedTuple):
    """The words of one condition."""

    priority: Priority
    message: str
    cause: str
    consequence: str
    action: str


# By kind of condition; the braces stand for the pump, or the header.
PUMPS: Final[Mapping[str, Words]] = {
    "dry_run": Words(
        "urgent",
        "{} runs dry",
        "no water at its inlet: a closed suction valve, an empty tank, or air",
        "its seal burns within minutes",
        "stop the pump, then check suction valve and level, and vent it",
    ),
    "closed_valve": Words(
        "urgent",
        "{} runs and delivers nothing",
        "a closed discharge valve, or a check valve that does not open",
        "the water in the pump heats up, and its bearings suffer",
        "open the valve or stop the pump",
    ),
    "blockage": Words(
        "medium",
        "{} delivers less than its curve, and its power is off it too",
        "rags or stones in the impeller, a clogged strainer, or a valve that is half closed",
        "it uses more energy for less water, and may block",
        "flush or open the pump; compare its flow and power with those of its neighbours",
    ),
    "cavitation": Words(
        "high",
        "{} may cavitate: the pressure at its inlet is too low for its flow",
        "a clogged strainer, a low level, or more flow than the inlet gives",
        "bubbles eat the impeller; noise, vibration, less head",
        "lower its speed or flow, raise the level, clean the strainer",
    ),
    "outside_por": Words(
        "low",
        "{} has run outside its preferred operating region for a quarter of an hour",
        "too many or too few pumps for this flow, or a wrong speed",
        "vibration wears seals and bearings, and energy is wasted",
        "follow the recommendation, or run another set of pumps",
    ),
    "too_many_starts": Words(
        "medium",
        "{} was started more often within an hour than it may be",
        "a control band that is too narrow, or a leaking check valve",
        "the motor's windings overheat",
        "widen the band between start and stop, and check the check valve",
    ),
    "wear": Words(
        "low",
        "{} has lost head or efficiency against its reference",
        "worn rings or impeller, deposits, or a leak inside the pump",
        "the same water costs more energy; its topic wear says how much, and when an overhaul is due",
        "plan an overhaul; tell it by pump-agent overhaul when it is done",
    ),
    "sudden_loss": Words(
        "medium",
        "{} has lost head or efficiency from one day to the next",
        "a blockage, a broken or wrong impeller, or a valve that is not fully open",
        "the same water costs more energy",
        "open the pump or its valves; if it was rebuilt, tell it by pump-agent overhaul",
    ),
    "power_meter_drift": Words(
        "low",
        "the power meter of {} shows less than the pump can need",
        "a current transformer, a phase that is missing, or a wrong scale",
        "efficiency, cost and advice are wrong by as much",
        "check the meter and its transformers",
    ),
}
HEADERS: Final[Mapping[str, Words]] = {
    "reverse_flow": Words(
        "high",
        "water flows back through header {}",
        "a check valve that does not close",
        "pumps turn backwards, and a start then may break a shaft",
        "close the discharge valves of the pumps that stand, and check their check valves",
    ),
    "burst": Words(
        "high",
        "header {} gives more water than ever at this hour or pressure, and its pumps' curves confirm it",
        "a burst main, an open hydrant or washout, or a large consumer that is new",
        "water is lost, streets and cellars may be flooded, and pressure may fall elsewhere",
        "look for water where it should not be, and close off the main in question",
    ),
    "flow_meter_drift": Words(
        "low",
        "the flow meter of header {} contradicts the curves of its pumps, whose powers are right",
        "a meter that drifts, or a leak between pumps and meter",
        "efficiency and advice are wrong by as much",
        "check the meter, and look for a leak",
    ),
    "head_sensor_drift": Words(
        "low",
        "the pressure sensor of header {} contradicts flow and powers of all its pumps",
        "a sensor that drifts, at the header or at the inlet, or a level at the inlet that is not the configured one",
        "head, efficiency and wear are wrong by as much, and so is the pressure that is controlled by it",
        "compare the sensor with a gauge",
    ),
}
