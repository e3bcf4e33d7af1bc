"""The recorded hour of a real station, for tests that are skipped where it is missing, and how it is configured."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

FOLDER = Path(__file__).parents[2] / "shared" / "data" / "real-station"

UNITS = {
    "flow": "m3/h",
    "pressure": "MPa",
    "active_power": "kW",
    "energy": "kWh",
    "frequency": "Hz",
    "volume": "m3",
}
PUMPS = tuple(f"{house}.p{n}" for house, count in (("supply", 6), ("phase1", 4)) for n in range(1, count + 1))
METERS = {
    "power": "active_power",
    "speed": "frequency",
    "current": "current_a",
    "voltage": "voltage_a",
    "power_factor": "power_factor",
    "energy": "energy",
}

needs_real_station = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"the real station's recording is not at {FOLDER}; put it there to run this test"
)


@cache
def recording() -> pd.DataFrame:
    """One row a second, one column a tag; the time is left out. Nobody changes it."""
    return pd.read_csv(FOLDER / "first-hour.csv.gz").drop(columns="time")


def tags(names: Iterable[object]) -> dict[str, dict[str, Any]]:
    """The settings of the tags with these *names*."""
    return {str(name): {"unit": UNITS.get(str(name).rpartition(".")[2], "1")} for name in names}


def plant(*meters: str) -> dict[str, Any]:
    """Both pump houses; of each pump these of `METERS`, or all."""
    return {
        "station": {"name": "real", "flow": "supply.total.flow"},
        "header": [
            {
                "id": "supply",
                "pressure": ["supply.header1.pressure", "supply.header2.pressure"],
                "flow": ["supply.header1.flow", "supply.header2.flow"],
                "volume": "supply.total.volume",
            },
            {"id": "phase1", "pressure": ["phase1.header.pressure"], "flow": ["phase1.header.flow"]},
        ],
        "pump": [
            {"id": pump, "header": pump.split(".")[0]} | {part: f"{pump}.{METERS[part]}" for part in meters or METERS}
            for pump in PUMPS
        ],
    }


def plant_tags(*meters: str) -> dict[str, dict[str, Any]]:
    """The settings of the tags that `plant` names."""
    said = plant(*meters)
    parts = [said["station"], *said["header"], *said["pump"]]
    named = [name for part in parts for one in part.values() for name in (one if isinstance(one, list) else [one])]
    return tags(name for name in dict.fromkeys(named) if name.count(".") > 1)
