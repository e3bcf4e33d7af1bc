"""The recorded hour of a real station, for tests that are skipped where it is missing."""

from functools import cache
from pathlib import Path

import pandas as pd
import pytest

FOLDER = Path(__file__).parents[2] / "shared" / "data" / "real-station"

needs_real_station = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"the real station's recording is not at {FOLDER}; put it there to run this test"
)


@cache
def recording() -> pd.DataFrame:
    """One row a second, one column a tag; the time is left out. Nobody changes it."""
    return pd.read_csv(FOLDER / "first-hour.csv.gz").drop(columns="time")
