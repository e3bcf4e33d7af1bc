"""What the station's total and a power factor are held against."""

import numpy as np
import pytest

from agent.jobs.judged.cross_checks import Memory, cross_checks
from agent.settings import AgentSettings
from agent.window import Frame
from analytics.quality.votes import Verdict
from analytics.running import RUNNING, STOPPED, States

CELLS = 60  # of a second
UNITS = {"pressure": "m", "flow": "m3/h", "total": "m3/h", "a.cosphi": "1"}


def verdicts(*, b: int = RUNNING, total: float = 700.0, factor: float = 0.9) -> dict[str, Verdict]:
    """What a minute of 700 m³/h says by check while pump a runs, and *b* as it is said."""
    tags = [
        {"name": name, "address": f"holding:{2 * i}", "type": "float32", "unit": unit}
        for i, (name, unit) in enumerate(UNITS.items())
    ]
    settings = AgentSettings.model_validate(
        {
            "station": {"name": "test", "flow": "total"},
            "device": [{"name": "plc", "protocol": "modbus-tcp", "host": "192.0.2.1", "tag": tags}],
            "header": [{"id": "main", "pressure": ["pressure"], "flow": ["flow"]}],
            "pump": [{"id": "a", "header": "main", "power_factor": "a.cosphi"}, {"id": "b", "header": "main"}],
        }
    )
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
