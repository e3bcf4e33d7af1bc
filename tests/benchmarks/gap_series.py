"""Series with companions, for gaps to be masked in: a real station, a testbed, a simulated station."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from agent.demo.meters import lagged, shown
from agent.demo.plant import initial, step
from tests.real_station import FOLDER, recording

Floats = NDArray[np.float64]
TESTBED = FOLDER.parent / "skab"
COUNTERS = ("energy", "volume", "running")
LIVELY = 20  # different values, from which a series is more than a few steps of its meter
DAY = 86_400.0  # s


@dataclass(frozen=True, slots=True)
class Case:
    """One series and what else was measured beside it."""

    group: str
    name: str
    values: Floats  # shape (n,), finite
    companions: Floats  # shape (n, k)


def cases() -> list[Case]:
    """Every series that moves and is no counter, of what there is on this machine."""
    found = [*_simulated(1.0, 6.5 * 3_600, 1), *_simulated(10.0, 3.0 * 3_600, 2), *_simulated(10.0, 9.0 * 3_600, 12)]
    if FOLDER.is_dir():
        found += _cases("station", recording().replace(3276.7, np.nan))
    for path in sorted(TESTBED.glob("*/*.csv.gz")):
        found += _cases("testbed", _testbed(path))
    return found


def _testbed(path: Path) -> pd.DataFrame:
    columns = ["datetime", "anomaly", "changepoint"]
    return pd.read_csv(path, sep=";").drop(columns=columns, errors="ignore")


def _simulated(seconds: float, clock: float, seed: int, rows: int = 3_600) -> Iterator[Case]:
    """What the demo's instruments show, so many seconds apart."""
    rng = Random(seed)
    state = initial(clock, rng)
    inside: dict[str, float] = {}
    found = []
    for _ in range(rows):
        state = step(state, seconds, rng)
        inside = lagged(inside, state, seconds)
        found.append(shown(inside, rng))
    yield from _cases("simulated", pd.DataFrame(found))


def _cases(group: str, table: pd.DataFrame) -> Iterator[Case]:
    names = [str(name) for name in table if not str(name).endswith(COUNTERS) and table[name].std() > 1e-9]
    matrix = table[names].to_numpy(np.float64)
    for place, name in enumerate(names):
        values = matrix[:, place]
        if not np.isfinite(values).all():
            continue
        kind = "quiet " if group == "station" and len(np.unique(values)) < LIVELY else ""
        yield Case(kind + group, name, values, np.delete(matrix, place, 1))
