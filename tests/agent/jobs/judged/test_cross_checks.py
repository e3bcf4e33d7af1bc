"""What the station's total and a power factor are held against."""

import numpy as np
import pytest

from agent.jobs.judged.cross_checks import Memory, cross_checks
from agent.settings import AgentSettings
from agent.window import Floats, Frame
from analytics.quality.votes import Verdict
from analytics.running import RUNNING, STOPPED, States

CELLS = 60  # of a second
UNITS = {"pressure": "m", "flow": "m3/h", "total": "m3/h", "a.cosphi": "1", "a.speed": "Hz"}


def station(**of_a: str) -> AgentSettings:
    """Two pumps into one header, and what meters pump a has."""
    tags = [
        {"name": name, "address": f"holding:{2 * i}", "type": "float32", "unit": unit}
        for i, (name, unit) in enumerate(UNITS.items())
    ]
    return AgentSettings.model_validate(
        {
            "station": {"name": "test", "flow": "total"},
            "device": [{"name": "plc", "protocol": "modbus-tcp", "host": "192.0.2.1", "tag": tags}],
            "header": [{"id": "main", "pressure": ["pressure"], "flow": ["flow"]}],
            "pump": [{"id": "a", "header": "main", **of_a}, {"id": "b", "header": "main"}],
        }
    )


def verdicts(*, b: int = RUNNING, total: float = 700.0, factor: float = 0.9) -> dict[str, Verdict]:
    """What a minute of 700 m³/h says by check while pump a runs, and *b* as it is said."""
    settings = station(power_factor="a.cosphi")
    shown = {"pressure": 40.0, "flow": 700.0, "total": total, "a.cosphi": factor}
    values = {tag: np.full(CELLS, value) for tag, value in shown.items()}
    counts = {tag: np.ones(CELLS, np.int64) for tag in values}
    filled = {tag: np.zeros(CELLS, np.bool_) for tag in values}
    cells = Frame(1_000 * np.arange(CELLS, dtype=np.int64), 1_000, values, counts, filled)
    states: dict[str, States] = {"a": np.full(CELLS, RUNNING, np.int8), "b": np.full(CELLS, b, np.int8)}
    return {one.check: one for one in cross_checks(settings, cells, states, Memory())}


@pytest.mark.parametrize("total", [700.0, 600.0])
def test_a_total_is_held_against_the_headers_while_one_of_two_pumps_stands(total: float) -> None:
    """Only where all of them stand its zero says nothing."""
    verdict = verdicts(b=STOPPED, total=total)["headers_sum"]

    assert (verdict.agrees, verdict.value) == (total == 700.0, 700.0 - total)


@pytest.mark.parametrize("factor", [0.9, 1.04, 1.1])
def test_a_power_factor_is_above_one_by_no_more_than_a_meter_rounds(factor: float) -> None:
    """It is wrong long before it is one in percent."""
    assert verdicts(factor=factor)["power_factor"].agrees is (factor < 1.05)


def test_a_pressure_from_before_the_speed_was_changed_is_not_held_against_it() -> None:
    """It is read each five minutes, and fitted each speed so far; two minutes after a reading the pump slows down."""
    settings, memory = station(speed="a.speed"), Memory()

    def judged(first_ms: int, pressure_hz: Floats, speed_hz: Floats) -> bool | None:
        size = len(speed_hz)
        values = {"pressure": 60.0 * (pressure_hz / 50.0) ** 2 - 9.0, "flow": np.full(size, 700.0), "a.speed": speed_hz}
        values["total"] = values["flow"]
        counts = {tag: np.ones(size, np.int64) for tag in values}
        counts["pressure"] = np.where(np.arange(size) % 300 == 0, 1, 0).astype(np.int64)
        times_ms = first_ms + 1_000 * np.arange(size, dtype=np.int64)
        cells = Frame(times_ms, 1_000, values, counts, {tag: np.zeros(size, np.bool_) for tag in values})
        states: dict[str, States] = {"a": np.full(size, RUNNING, np.int8), "b": np.full(size, STOPPED, np.int8)}
        found = {one.check: one.agrees for one in cross_checks(settings, cells, states, memory)}
        return found.get("head_speed")

    past = np.repeat(np.tile([43.0, 44.0, 46.0, 47.0], 9), 300)
    before = judged(7_200_000, past, past)
    after = judged(18_000_000, np.full(300, 47.0), np.repeat([47.0, 43.0], [120, 180]))
    dead = judged(18_300_000, np.full(300, 47.0), np.full(300, 43.0))

    assert (before, after, dead) == (True, True, False)
