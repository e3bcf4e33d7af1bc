"""Pumps' own flow meters: held against standing, power and head, and the header's meter."""

from typing import Any

import numpy as np
import pytest

from agent.jobs.judged.cross_checks import Memory, cross_checks
from agent.settings import AgentSettings
from agent.window import Frame
from analytics.quality.votes import Verdict, suspect
from analytics.running import RUNNING, STOPPED, States

CELLS = 60  # of a second
TRUE = {"pressure": 40.0, "flow": 700.0, "a.flow": 400.0, "a.power": 60.0, "b.flow": 300.0, "b.power": 45.0}
A_STANDS = {"flow": 300.0, "a.flow": 0.0, "a.power": 0.0}
NAN, RUN, STAND = float("nan"), RUNNING, STOPPED


def station(**of_a: Any) -> AgentSettings:
    """Two pumps with their own meters into one header; *of_a* says otherwise of pump a."""
    units = {"pressure": "m", "power": "kW", "flow": "m3/h"}
    tags = [
        {"name": name, "address": f"holding:{2 * i}", "type": "float32", "unit": units[name.split(".")[-1]]}
        for i, name in enumerate(TRUE)
    ]
    pumps = [
        {"id": one, "header": "main", "power": f"{one}.power", "flow": f"{one}.flow", **(of_a if one == "a" else {})}
        for one in "ab"
    ]
    return AgentSettings.model_validate(
        {
            "station": {"name": "test"},
            "device": [{"name": "plc", "protocol": "modbus-tcp", "host": "192.0.2.1", "tag": tags}],
            "header": [{"id": "main", "pressure": ["pressure"], "flow": ["flow"]}],
            "pump": [{key: value for key, value in pump.items() if value is not None} for pump in pumps],
        }
    )


def verdicts(
    settings: AgentSettings,
    said: dict[str, float],
    *,
    a: int = RUN,
    b: int = RUN,
    memory: Memory | None = None,
    noise: float = 0.0,
) -> dict[tuple[str, str], Verdict]:
    """What a minute gives, by check and part, while the tags say *said* or else the truth, and a share of *noise*."""
    random = np.random.default_rng(7)
    values = {tag: value * random.normal(1.0, noise, CELLS) for tag, value in (TRUE | said).items()}
    counts = {tag: np.isfinite(each).astype(np.int64) for tag, each in values.items()}
    nothing = {tag: np.zeros(CELLS, np.bool_) for tag in values}
    cells = Frame(1_000 * np.arange(CELLS, dtype=np.int64), 1_000, values, counts, nothing)
    states: dict[str, States] = {"a": np.full(CELLS, a, np.int8), "b": np.full(CELLS, b, np.int8)}
    found = cross_checks(settings, cells, states, Memory() if memory is None else memory)
    return {(one.check, one.about): one for one in found}


@pytest.mark.parametrize("backwards", [False, True])
def test_a_pumps_own_meter_that_shows_flow_while_it_stands_is_found(backwards: bool) -> None:  # noqa: FBT001
    """Although the other pump runs: the header's meter is right not to be 0. A leak of the check valve may pass."""
    rated = station(rated_flow=400.0)
    sign = -1.0 if backwards else 1.0

    found, leak, dry = (verdicts(rated, A_STANDS | {"a.flow": sign * flow}, a=STAND) for flow in (25.0, 18.0, 0.0))

    verdict = found["while_stopped", "a.flow"]
    assert (verdict.agrees, verdict.tags, verdict.value, verdict.limit) == (False, ("a.flow",), sign * 25.0, 20.0)
    assert verdict.is_certain is not backwards
    assert f"a.flow shows {sign * 25:.0f} m³/h while pump a stands" in verdict.reason
    assert leak["while_stopped", "a.flow"].agrees
    assert dry["while_stopped", "a.flow"].agrees
    assert ("while_stopped", "main") not in found


def test_without_a_sheet_it_is_held_against_what_the_pump_usually_delivers() -> None:
    """Its own flow, not the header's: 5 % of what both deliver would hide half of it. Before it ran nothing is said."""
    memory = Memory()
    standing = A_STANDS | {"a.flow": 25.0}

    before = verdicts(station(), standing, a=STAND, memory=memory)
    verdicts(station(), {}, memory=memory)
    after = verdicts(station(), standing, a=STAND, memory=memory)

    assert ("while_stopped", "a.flow") not in before
    assert after["while_stopped", "a.flow"].limit == pytest.approx(20.0)
    assert not after["while_stopped", "a.flow"].agrees


def test_power_and_flow_while_it_stands_are_two_verdicts() -> None:
    """One about the same pump would take the other's place in the report."""
    found = verdicts(station(rated_flow=400.0), A_STANDS | {"a.flow": 25.0, "a.power": 15.0}, a=STAND)

    assert not found["while_stopped", "a"].agrees
    assert not found["while_stopped", "a.flow"].agrees


@pytest.mark.parametrize(
    ("flow", "agrees"), [(400.0, True), (480.0, True), (510.0, False), (0.0, False), (-9.0, False)]
)
def test_an_efficiency_that_no_pump_has_is_found_by_its_own_meter(flow: float, agrees: bool) -> None:  # noqa: FBT001
    """60 kW lift 496 m³/h by 40 m at 90 %; the efficiency of the whole header, 73 %, is possible all the same."""
    found = verdicts(station(), {"a.flow": flow})

    assert found["efficiency", "a.flow"].agrees is agrees
    assert found["efficiency", "a.flow"].value == pytest.approx(9.80665 * flow * 40.0 / 3_600.0 / 60.0)
    assert found["efficiency", "a.flow"].tags == ("a.flow", *(["pressure"] if flow > 0 else []), "a.power")
    assert found["efficiency", "b.flow"].agrees
    assert found["efficiency", "main"].agrees


@pytest.mark.parametrize(("flow", "named"), [(0.0, None), (-700.0, "flow")])
def test_only_a_meter_that_runs_backwards_is_wrong_for_certain(flow: float, named: str | None) -> None:
    """One that shows 0 while 105 kW are drawn may be right: the valve is closed, or a booster serves nobody now."""
    alone = station(flow=None)

    found = verdicts(alone, {"flow": flow})

    verdict = found["efficiency", "main"]
    assert not verdict.agrees
    assert verdict.is_certain is (named is not None)
    assert suspect(verdict, found.values()) == named


def test_of_two_meters_in_one_header_neither_is_wrong_for_certain() -> None:
    """Their sum runs backwards, and either may be connected the wrong way round."""
    both = station(flow=None)
    both = both.model_copy(update={"headers": (both.headers[0].model_copy(update={"flow": ("flow", "a.flow")}),)})

    verdict = verdicts(both, {"flow": -700.0})["efficiency", "main"]

    assert "the sum of flow and a.flow shows -300 m³/h" in verdict.reason
    assert not verdict.is_certain


def test_a_pump_that_stands_has_no_efficiency() -> None:
    """Its drive draws a little all the same."""
    found = verdicts(station(), A_STANDS | {"a.power": 0.4}, a=STAND)

    assert ("efficiency", "a.flow") not in found
    assert found["efficiency", "b.flow"].agrees


@pytest.mark.parametrize(
    ("flow", "agrees"), [(400.0, True), (418.0, True), (382.0, True), (425.0, False), (375.0, False)]
)
def test_the_pumps_meters_are_summed_against_the_headers(flow: float, agrees: bool) -> None:  # noqa: FBT001
    """3 % of 700 m³/h are 21."""
    found = verdicts(station(), {"a.flow": flow})["pumps_sum", "main"]

    assert (found.agrees, found.tags) == (agrees, ("flow", "a.flow", "b.flow"))
    assert found.value == pytest.approx(flow - 400.0)
    assert found.limit == pytest.approx(21.0)


def test_the_meter_that_shows_too_much_is_named() -> None:
    """Its pump's efficiency is impossible and the sum is wrong, while header and power fit each other."""
    found = verdicts(station(), {"a.flow": 600.0})

    others = list(found.values())
    wrong = {key: suspect(one, others) for key, one in found.items() if not one.agrees}
    assert wrong == {("efficiency", "a.flow"): "a.flow", ("pumps_sum", "main"): "a.flow"}


def test_good_data_give_no_contradiction() -> None:
    """With 2 % of noise: of both pumps, of one, and where all stand and meters in series differ by their zeros."""
    rated, zeros = station(rated_flow=400.0), dict.fromkeys(TRUE, 0.0) | {"pressure": 30.0, "a.flow": 1.5, "flow": -1.0}
    memory = Memory()
    for said, a, b in (({}, RUN, RUN), (A_STANDS, STAND, RUN), (zeros, STAND, STAND)):
        found = verdicts(rated, said, a=a, b=b, memory=memory, noise=0.02)
        assert found
        assert all(one.agrees for one in found.values())


@pytest.mark.parametrize(
    ("settings", "said", "gone"),
    [
        (station(flow=None), {}, {("efficiency", "a.flow"), ("pumps_sum", "main")}),
        (station(), {"a.flow": NAN}, {("efficiency", "a.flow"), ("pumps_sum", "main")}),
        (station(power=None), {}, {("efficiency", "a.flow"), ("efficiency", "main")}),
        (station(), {"a.power": NAN}, {("efficiency", "a.flow"), ("efficiency", "main")}),
        (station(), {"pressure": NAN}, {("efficiency", one) for one in ("a.flow", "b.flow", "main")}),
        (station(), {"flow": NAN}, {("efficiency", "main"), ("pumps_sum", "main")}),
        (station(flow="flow"), {}, {("efficiency", "a.flow"), ("pumps_sum", "main")}),
    ],
    ids=["no meter", "meter silent", "no power", "power silent", "no head", "header silent", "the header's own meter"],
)
def test_what_lacks_an_input_is_not_evaluated(
    settings: AgentSettings, said: dict[str, float], gone: set[tuple[str, str]]
) -> None:
    """Neither for nor against: what is not known is no zero."""
    every = {("efficiency", "main"), ("efficiency", "a.flow"), ("efficiency", "b.flow"), ("pumps_sum", "main")}

    assert set(verdicts(settings, said)) == every - gone


def test_while_it_stands_a_silent_meter_is_not_evaluated() -> None:
    found = verdicts(station(rated_flow=400.0), A_STANDS | {"a.flow": NAN}, a=STAND)

    assert ("while_stopped", "a.flow") not in found
