"""The front job: what is published of energy, starts and pressure."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.jobs import front, running
from agent.mqtt.payloads import Front, FrontPoint
from analytics.dispatch.nsga import Judged, nondominated
from tests.agent.history import START_MS, History
from tests.agent.jobs.test_dispatch import MODEL, PLANT, UNEVEN, learnt_station, operate, standing

NOW_MS = START_MS + 300_000
BANDED: dict[str, Any] = {"header": [{**PLANT["header"][0], "pressure_min": 3.1, "pressure_max": 3.6}]}


@pytest.fixture
def past(tmp_path: Path) -> Iterator[History]:
    """Two pumps that have run at unequal speeds for five minutes, under a band of pressures."""
    with learnt_station(tmp_path, is_held=True, **BANDED) as found:
        operate(found, UNEVEN, 5)
        found.perform("running", running.run, NOW_MS)
        yield found


def said(past: History, now_ms: int = NOW_MS) -> Front:
    """What the job publishes, which is one message of the payload's model."""
    (record,) = past.perform("front", front.run, now_ms).records
    assert (record.kind, record.key) == ("front", "")
    return Front.model_validate_json(record.body)


def test_no_published_way_beats_another_and_the_proposed_one_is_among_them(past: History) -> None:
    """Energy rises along the front; what is proposed is said in words with its own figures."""
    told = said(past)

    values = np.array([(point.power_kw, point.starts, point.head_off) for point in told.points])
    assert len(told.points) > 3
    assert nondominated(Judged(values, np.zeros(len(values)))).all()
    assert (np.diff(values[:, 0]) >= 0).all()
    assert told.proposed is not None
    chosen = told.points[told.proposed]
    assert f"{chosen.power_kw - told.points[0].power_kw:.1f} kW" in told.why
    assert told.head is not None
    assert "from the present head" in told.why  # none is preferred here
    from_head = told.head
    assert from_head == pytest.approx(35.0, abs=0.1)
    assert all(point.head_off == pytest.approx(abs(point.head - from_head), abs=0.02) for point in told.points)
    assert all(len(point.pumps) == len(point.speeds) > 0 for point in told.points)


def test_no_way_of_the_front_runs_a_pump_as_it_was_never_seen_to(past: History) -> None:
    """What was learnt ends at these speeds, with 2 % of grace; a front beyond them would be a guess."""
    for point in said(past).points:
        for pump, speed in zip(point.pumps, point.speeds, strict=True):
            low, high = MODEL.curve(pump).speed_range
            assert low - 0.02 * high <= speed <= 1.02 * high


def test_heads_of_the_front_stay_in_the_band_of_pressures(past: History) -> None:
    """3.1 to 3.6 bar against an open suction: 31.6 to 36.7 m, and the least energy is at the lowest."""
    heads = [point.head for point in said(past).points]

    assert min(heads) == pytest.approx(31.6, abs=0.1)
    assert max(heads) <= 36.8


def test_without_curves_there_is_no_front_and_it_says_why(tmp_path: Path) -> None:
    """What cannot be known is not made up; a reader of the retained message learns why it is empty."""
    with learnt_station(tmp_path, is_held=True, **BANDED) as found:
        told = said(found)

    assert (told.points, told.proposed) == ((), None)
    assert told.why == "It is not known yet which pumps run."


def test_while_advice_is_withheld_no_way_is_proposed(past: History) -> None:
    """Of a header with a burst pipe no figure is to be relied on."""
    past.record([standing("condition.burst.main", "burst", "A pipe of header main has burst.")])

    told = said(past)

    assert (told.points, told.proposed, told.why) == ((), None, "A pipe of header main has burst.")


def test_where_energy_costs_nothing_there_is_nothing_to_trade(tmp_path: Path) -> None:
    """Less of it saves no money, as the advice says too."""
    free = {"price": 0.3, "band": [{"price": 0.0, "start": "12:00", "end": "13:00"}]}
    with learnt_station(tmp_path, is_held=True, **BANDED, tariff=free) as past:
        operate(past, UNEVEN, 5)
        past.perform("running", running.run, NOW_MS)

        told = said(past)

    assert (told.points, told.proposed) == ((), None)
    assert "so that using less of it saves no money" in told.why


def test_a_station_with_two_headers_has_a_front_each(tmp_path: Path) -> None:
    """Else the second would take the place of the first."""
    plant: dict[str, Any] = {"header": [*BANDED["header"], {"id": "other", "pressure": ["pressure"], "flow": ["flow"]}]}
    plant["pump"] = [*PLANT["pump"], {"id": "c", "header": "other", "power": "a.power", "min_on": 0.0, "min_off": 0.0}]
    with learnt_station(tmp_path, **plant) as found:
        records = found.perform("front", front.run, NOW_MS).records

    assert [record.key for record in records] == ["main", "other"]
    assert [json.loads(record.body)["header"] for record in records] == ["main", "other"]


def test_a_front_cannot_propose_what_it_does_not_show() -> None:
    """A reader takes the place for granted."""
    point = FrontPoint(power_kw=1, starts=0, head=1, head_off=0, gap=0, pumps=("a",), speeds=(1,))

    with pytest.raises(ValueError, match="one of the points"):
        Front(ts=0, expires=1, station="east", header="main", points=(point,), proposed=1, why="It is.")
