"""What the configuration knows of a tag's readings, as the checks take it."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from agent.of_settings import OfSettings
from agent.roles import Tag, known_tags
from agent.settings import AgentSettings
from analytics.quality.bounds import Limits
from analytics.quality.moves import Given
from analytics.quality.watch import Rules
from drivers.settings import ModbusTagSettings, OpcuaTagSettings


def rules_of(tag: Tag, period_ms: int) -> Rules:
    """The rules of a tag whose readings are *period_ms* apart."""
    said = tag.settings
    return Rules(
        period_ms=period_ms,
        behaviour=tag.behaviour,
        resolution=tag.resolution,
        limits=Limits(
            low=-np.inf if said.valid_min is None else said.valid_min,
            high=np.inf if said.valid_max is None else said.valid_max,
            usual_low=said.usual_min,
            usual_high=said.usual_max,
            full_scale=_full_scale(said) if isinstance(said, ModbusTagSettings) else (),
            sentinels=tuple(raw * said.scale + said.offset for raw in said.sentinels),
        ),
        given=Given(move=said.usual_step, rest_ms=None if said.frozen_after is None else 1_000.0 * said.frozen_after),
    )


def _full_scale(tag: ModbusTagSettings) -> tuple[float, ...]:
    """Values of the registers' highest and, for signed ones, lowest state: where meters stand that want to go on."""
    bits = {"int16": 15, "int32": 31, "uint16": 16, "uint32": 32}.get(tag.type)
    if bits is None:
        return ()
    ends = (2**bits - 1, -(2**bits)) if tag.type.startswith("int") else (2**bits - 1,)
    return tuple(raw * tag.scale + tag.offset for raw in ends)


def _usual_rules(settings: AgentSettings) -> dict[str, Rules]:
    return {
        name: replace(rules_of(tag, tag.silence_ms), jitter_ms=_jitter_ms(tag))
        for name, tag in known_tags(settings).items()
    }


def _jitter_ms(tag: Tag) -> int:
    """How much farther apart than a period good readings of a tag are.

    A value that an OPC UA server reports is dated when it changed, up to a period before it is taken; that it still
    stands is dated when it is said.
    """
    return tag.period_ms if isinstance(tag.settings, OpcuaTagSettings) else 0


_USUAL = OfSettings(_usual_rules)


def usual_rules(settings: AgentSettings) -> Mapping[str, Rules]:
    """The rules of every tag whose readings come as its device delivers them, by its name."""
    return _USUAL(settings)
