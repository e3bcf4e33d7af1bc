"""How much of the past is "now" where meters are slow."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.agent.history import START_MS, History, history
from tests.agent.jobs.test_dispatch import HEAD, MODEL, PLANT, TAGS, UNEVEN, advise, learnt

MINUTE_MS = 60_000


@contextmanager
def slow_station(folder: Path) -> Iterator[History]:
    """Two pumps with their curves learnt, read once a minute."""
    with history(folder, {tag: {**keys, "period": 60.0} for tag, keys in TAGS.items()}, **PLANT) as past:
        past.perform("curves", learnt, START_MS)
        yield past


def by_the_minute(past: History, minutes: int, **wrong: list[float]) -> None:
    """Uneven operation as meters show it that are read once a minute; *wrong*: times what its last readings are."""
    duty = MODEL.duty([UNEVEN[pump] / 50.0 for pump in MODEL.pumps], HEAD)
    said = {"pressure": HEAD * 0.0980665, "flow": float(duty.flows.sum()) / 3.6}
    for pump, power in zip(MODEL.pumps, duty.powers, strict=True):
        said |= {f"{pump}.speed": UNEVEN[pump], f"{pump}.power": float(power)}
    for tag, value in said.items():
        factors = np.ones(minutes)
        last = wrong.get(tag.replace(".", "_"), [])
        factors[minutes - len(last) :] = last
        past.series(tag, (value * factors).tolist(), step_ms=MINUTE_MS)


def test_two_wrong_readings_of_a_meter_that_is_read_once_a_minute_hide_no_advice(tmp_path: Path) -> None:
    """Of three readings two would be the median."""
    with slow_station(tmp_path) as past:
        by_the_minute(past, 8, a_power=[1.6, 1.6])

        advice, _ = advise(past, 8)

    assert advice["action"] == "change"
    assert advice["saving_kw"] == pytest.approx(1.38, abs=0.01)
