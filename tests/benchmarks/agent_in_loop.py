"""The agent's own jobs on a simulated station: meters into a store, and the plans and advice that come out of it.

A reading of each tag a minute, with noise and outliers, goes into a store as the agent has it. The jobs run on it in
virtual time: which pumps run, the forecast and the schedule every half hour, curves four times a day.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from agent.jobs import curves, dispatch, forecast, running, schedule
from agent.mqtt.payloads import Recommendation, Schedule
from analytics.curves.model import StationModel
from analytics.curves.points import Points
from drivers.reading import Reading
from tests.agent.history import History, history, reading
from tests.benchmarks.town_station import (
    AREA,
    CHEAP,
    DEAR,
    DEAR_HOURS,
    HIGH,
    LOW,
    PARTS,
    PUMPS,
    START_COST,
    Speeds,
    Station,
)
from tests.simulators.waterworks import measured

START_MS = 1_767_571_200_000  # Monday, 5 January 2026, as the town's calendar begins with one
STEP_MS, MINUTE_MS = 1_800_000, 60_000
LEVEL_NOISE = 0.005  # m
RATED = 50.0  # Hz
BAR = 0.0980665  # per metre
CURVES_EVERY = 12  # steps between two runs of the curves job
_MINUTES = STEP_MS // MINUTE_MS // PARTS
IDS = tuple(f"p{one}" for one in range(len(PUMPS)))
TAGS: dict[str, dict[str, Any]] = {
    "level": {"unit": "m", "period": 60},
    "flow": {"unit": "m3/h", "period": 60},
    "pressure": {"unit": "bar", "period": 60},
    **{f"{name}.speed": {"unit": "Hz", "period": 60} for name in IDS},
    **{f"{name}.power": {"unit": "kW", "period": 60} for name in IDS},
}
PUMP = {"header": "main", "min_on": 30.0, "min_off": 30.0, "start_cost": START_COST, "rated_speed": RATED}
PLANT: dict[str, Any] = {
    "header": [{"id": "main", "pressure": ["pressure"], "flow": ["flow"]}],
    "pump": [{"id": name, "power": f"{name}.power", "speed": f"{name}.speed", **PUMP} for name in IDS],
    "tariff": {
        "price": CHEAP,
        "band": [{"price": DEAR, "start": f"{DEAR_HOURS[0]:02}:00", "end": f"{DEAR_HOURS[1]:02}:00"}],
    },
    "advice": {"stale_after": 150.0},
}


class Agent:
    """The jobs of one agent that reads one station.

    Args:
        store: Where its readings and findings are.
        seed: Of what its meters add to the truth.
    """

    def __init__(self, store: History, seed: int) -> None:
        self.why: list[str] = []  # one for each plan that could not be made
        self._store = store
        self._rng = np.random.default_rng(seed)

    def read(self, station: Station) -> None:
        """A step that is over, and who ran in it."""
        self._store.append(readings(station, self._rng))
        self._store.perform("running", running.run, now_ms(station))

    def learn(self, station: Station) -> None:
        """What its steps tell of the pumps."""
        self._store.perform("curves", curves.run, now_ms(station))

    def expect(self, station: Station) -> None:
        """What will be drawn."""
        self._store.perform("forecast", forecast.run, now_ms(station))

    def follow(self, station: Station) -> Speeds | None:
        """The pumps and speeds of the plan's next step; None where there is no plan."""
        if station.place % CURVES_EVERY == 0:
            self.learn(station)
        self.expect(station)
        (record,) = self._store.perform("schedule", schedule.run, now_ms(station)).records
        said = Schedule.kept(record.body)
        if not said.rows:
            self.why.append(said.why or "")
            return None
        first = said.rows[0]
        return {IDS.index(name): speed for name, speed in zip(first.pumps, first.speeds, strict=True)}

    def advice(self, station: Station) -> Recommendation:
        """What it says of the operation of now."""
        outcome = self._store.perform("dispatch", dispatch.run, now_ms(station))
        return Recommendation.kept(outcome.records[0].body)

    @property
    def model(self) -> StationModel | None:
        """The curves it has learnt."""
        with self._store.reader() as reader:
            return curves.models_from_state(reader.job_state("curves")[1]).get("main")


def now_ms(station: Station) -> int:
    """When the next step begins."""
    return START_MS + STEP_MS * station.place


def readings(station: Station, rng: np.random.Generator) -> Iterator[Reading]:
    """What the meters have said in the last step, minute by minute."""
    begin_ms = now_ms(station) - STEP_MS
    speeds = np.array([station.speeds.get(one, 0.0) for one in range(len(PUMPS))])
    count = _MINUTES * PARTS
    head = np.repeat([part.head for part in station.parts], _MINUTES)
    flows = np.repeat([part.flows for part in station.parts], _MINUTES, axis=0)
    powers = np.repeat([part.powers for part in station.parts], _MINUTES, axis=0)
    times_ms = begin_ms + MINUTE_MS * np.arange(count)
    each = np.tile(speeds, (count, 1))
    seen = measured(Points(times_ms, each > 0, each, head, flows.sum(axis=1), powers, flows), rng)
    levels = np.interp(
        np.arange(count) / _MINUTES, np.arange(PARTS + 1), [*(p.level for p in station.parts), station.level]
    )
    columns: Mapping[str, np.ndarray[Any, Any]] = {
        "level": levels + LEVEL_NOISE * rng.standard_normal(count),
        "flow": seen.flow,
        "pressure": BAR * seen.head,
        **{f"{name}.speed": RATED * each[:, one] for one, name in enumerate(IDS)},
        **{f"{name}.power": seen.powers[:, one] for one, name in enumerate(IDS)},
    }
    for minute, ts_ms in enumerate(times_ms.tolist()):
        yield from (reading(tag, ts_ms, float(values[minute])) for tag, values in columns.items())


@contextmanager
def store(folder: Path, kind: str) -> Iterator[History]:
    """That of a station with a *kind* of storage, in *folder*; made where there is none."""
    tank = {"level": "level", "area": AREA, "level_min": LOW, "level_max": HIGH, "kind": kind}
    with history(folder, TAGS, **PLANT, tank=tank) as found:
        yield found
