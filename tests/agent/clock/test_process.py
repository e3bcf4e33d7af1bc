"""The agent as a process whose clock is wrong when it starts."""

from pathlib import Path

import pytest

from tests.faults.acquisition_clock import FAULTS, LIBRARIES, MISSING, measure

FROM_1970 = next(fault for fault in FAULTS if fault.name.startswith("1970"))


@pytest.mark.skipif(not LIBRARIES, reason=MISSING)
async def test_readings_of_1970_are_dated_once_the_time_service_has_come(tmp_path: Path) -> None:
    """With a real device and everything in between; takes the 20 s in which it polls once a second."""
    figures = await measure(FROM_1970, tmp_path)

    assert figures.redated >= 6
    assert figures.wrong == 0
    assert figures.jobs > 0, "analyses go on once the clock is right"
    doubts = [line for line in figures.lines if "the clock is not synchronised" in line]
    assert len(doubts) == 1
