"""What an operator is told of the conditions that the physics of pumps finds."""

from collections.abc import Mapping
from typing import NamedTuple

from agent.alarms.settings import Priority


class Words(NamedTuple):
    """The words of one condition."""

    priority: Priority
    message: str
    cause: str
    consequence: str
    action: str


def pump_words(pump: str) -> Mapping[str, Words]:
    """By kind of condition, those of one pump."""
    return {
        "dry_run": Words(
            "urgent",
            f"{pump} runs dry",
            "no water at its inlet: a closed suction valve, an empty tank, or air",
            "its seal burns within minutes",
            "stop the pump, then check suction valve and level, and vent it",
        ),
        "closed_valve": Words(
            "urgent",
            f"{pump} runs and delivers nothing",
            "a closed discharge valve, or a check valve that does not open",
            "the water in the pump heats up, and its bearings suffer",
            "open the valve or stop the pump",
        ),
        "blockage": Words(
            "medium",
            f"{pump} delivers less than its curve, and its power is off it too",
            "rags or stones in the impeller, a clogged strainer, or a valve that is half closed",
            "it uses more energy for less water, and may block",
            "flush or open the pump; compare its flow and power with those of its neighbours",
        ),
        "outside_por": Words(
            "low",
            f"{pump} has run outside its preferred operating region for a quarter of an hour",
            "too many or too few pumps for this flow, or a wrong speed",
            "vibration wears seals and bearings, and energy is wasted",
            "follow the recommendation, or run another set of pumps",
        ),
        "too_many_starts": Words(
            "medium",
            f"{pump} was started more often within an hour than it may be",
            "a control band that is too narrow, or a leaking check valve",
            "the motor's windings overheat",
            "widen the band between start and stop, and check the check valve",
        ),
    }


def header_words(header: str) -> Mapping[str, Words]:
    """By kind of condition, those of one header."""
    return {
        "reverse_flow": Words(
            "high",
            f"water flows back through header {header}",
            "a check valve that does not close",
            "pumps turn backwards, and a start then may break a shaft",
            "close the discharge valves of the pumps that stand, and check their check valves",
        ),
        "flow_meter_drift": Words(
            "low",
            f"the flow meter of header {header} contradicts the curves of its pumps, whose powers are right",
            "a meter that drifts, or a leak between pumps and meter",
            "efficiency and advice are wrong by as much",
            "check the meter, and look for a leak",
        ),
    }
