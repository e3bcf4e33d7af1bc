"""The real station's hour as benchmarks use it: its values, and what its devices say second by second."""

import csv
import gzip
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drivers.reading import Reading
from drivers.settings import TagSettings

HOUR = Path(__file__).parents[3] / "shared" / "data" / "real-station" / "first-hour.csv.gz"
START = 1_700_000_000_000
JITTER_MS = 20


def tags() -> list[TagSettings]:
    """The station's tags as one would configure them."""
    with (HOUR.parent / "registers.csv").open() as file:
        return [
            TagSettings(name=row["tag"], scale=float(row["scale"]), sentinels=(32767,) * (row["datatype"] == "int16"))
            for row in csv.DictReader(file)
        ]


def station() -> dict[str, NDArray[np.float64]]:
    """Each tag's values of the hour."""
    with gzip.open(HOUR, "rt") as file:
        names, *lines = csv.reader(file)
    return {name: np.array([float(line[place]) for line in lines]) for place, name in enumerate(names) if place}


def devices() -> list[list[str]]:
    """The tags that are polled together."""
    found = defaultdict(list)
    with (HOUR.parent / "registers.csv").open() as file:
        for row in csv.DictReader(file):
            found[row["protocol"], row["unit_id"]].append(row["tag"])
    return list(found.values())


def polls(values: dict[str, NDArray[np.float64]], seconds: int = 3_600) -> Iterator[list[Reading]]:
    """Second by second what the devices say, in the order of arrival; the hour again and again."""
    rng, groups, length = random.Random(1), devices(), len(next(iter(values.values())))
    for second in range(seconds):
        readings = []
        for group in rng.sample(groups, len(groups)):
            ts_ms = START + 1_000 * second + rng.randint(-JITTER_MS, JITTER_MS)
            readings += [
                Reading(tag, ts_ms, float(values[tag][second % length]), 192) for tag in group if tag in values
            ]
        yield readings
