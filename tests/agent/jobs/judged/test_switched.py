"""What is remembered of pumps and flow meters from one portion of cells to the next."""

import numpy as np

from agent.jobs.judged.switched import Switched
from agent.window import Frame, Times
from analytics.running import RUNNING, STOPPED
from tests.agent.jobs.judged.test_flow_checks import TRUE, station


def known(seen: Switched, first_ms: int, *, a: int, is_read: bool) -> bool:
    """Whether header flow counts at the end of a minute; it is read in its last cell, or held."""
    times_ms: Times = first_ms + 1_000 * np.arange(60, dtype=np.int64)
    counts = {tag: np.where((np.arange(60) == 59) & is_read, 1, 0).astype(np.int64) for tag in TRUE}
    values = {tag: np.full(60, value) for tag, value in TRUE.items()}
    cells = Frame(times_ms, 1_000, values, counts, {tag: np.zeros(60, np.bool_) for tag in TRUE})
    states = {"a": np.full(60, a, np.int8), "b": np.full(60, RUNNING, np.int8)}
    return bool(np.isfinite(seen.read_since(station(), cells, states).values["flow"][-1]))


def test_it_goes_on_from_one_portion_to_the_next() -> None:
    """Also where a pump is switched between two of them, and where the clock is set back."""
    seen = Switched()
    assert known(seen, 7_200_000, a=RUNNING, is_read=True)
    assert known(seen, 7_260_000, a=RUNNING, is_read=False)
    assert not known(seen, 7_320_000, a=STOPPED, is_read=False)
    assert known(seen, 7_380_000, a=STOPPED, is_read=True)
    assert not known(seen, 7_440_000, a=RUNNING, is_read=False)
    assert known(seen, 3_600_000, a=RUNNING, is_read=True)
    assert not known(Switched(), 7_200_000, a=RUNNING, is_read=False)


def test_what_is_old_contradicts_nobody() -> None:
    """Demand has moved on since a meter was read a quarter of an hour ago; two minutes are a whole portion of cells."""
    seen = Switched()

    said = [known(seen, 7_200_000 + 60_000 * minute, a=RUNNING, is_read=minute % 15 == 0) for minute in range(31)]

    assert [minute for minute, is_known in enumerate(said) if is_known] == [0, 1, 15, 16, 30]
