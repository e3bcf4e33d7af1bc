"""Whether a pump runs, told from what its tags say."""

import doctest
import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import analytics.levels
import analytics.running
from analytics.levels import Ceiling, Levels
from analytics.running import Evidence, RunningState, Seen, learnt
from tests.real_station import needs_real_station, recording

Floats = NDArray[np.float64]


def evidence(size: int, start_ms: int = 1_000, /, **said: Floats | float) -> Evidence:
    """One tick a second; what is not given is absent."""
    columns = {name: np.full(size, np.nan) for name in ("status", "power", "current", "speed")}
    for name, values in said.items():
        columns[name] = np.broadcast_to(np.asarray(values, np.float64), size)
    return Evidence(times_ms=start_ms + 1_000 * np.arange(size), **columns)


def state_after(pump: RunningState, size: int = 10, /, **said: Floats | float) -> str:
    """What is said of the pump after *size* seconds of evidence."""
    pump.update(evidence(size, pump.memory.seen_ms + 1_000, **said))
    return pump.state


def test_nothing_is_claimed_before_there_is_evidence() -> None:
    """A restarted agent does not know, and says so."""
    assert RunningState().state == "unknown"
    assert state_after(RunningState(), speed=np.nan) == "unknown"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"speed": 0.95, "power": 180.0}, "running"),
        ({"speed": 0.0, "power": 0.0}, "stopped"),
        ({"status": 1.0}, "running"),
        ({"status": 0.0}, "stopped"),
        ({"power": 180.0}, "running"),
        ({"power": 2.0}, "stopped"),
        ({"power": 0.0, "status": 1.0, "speed": 0.95}, "running"),  # a dead power meter
        ({"speed": 1.0, "power": 0.0, "current": 0.0}, "stopped"),  # a set point, or the mains
    ],
)
def test_all_the_evidence_is_weighed(said: dict[str, float], expected: str) -> None:
    """One meter that is dead or misunderstood does not decide alone."""
    pump = RunningState(rated_power=200.0)

    assert state_after(pump, **said) == expected


def test_the_mains_frequency_is_not_a_speed() -> None:
    """Who takes `grid_frequency` for the speed sees 50 Hz on a pump that stands; drawing nothing is stronger."""
    pump = RunningState()
    mains = 1.0 + 0.0005 * np.sin(np.arange(600))

    assert state_after(pump, 600, speed=mains, power=0.0) == "stopped"


def test_a_stopped_pumps_noisy_meter_does_not_run_it() -> None:
    """An old meter shows 7 to 22 kW at 0.35 A while the drive says 0.0145 Hz: no voltage makes that power."""
    noise = np.random.default_rng(1).uniform(7.0, 22.0, 600)

    with_drive = state_after(RunningState(), 600, speed=0.0145 / 50, power=noise)
    without_drive = state_after(RunningState(), 600, power=noise, current=0.35)

    assert with_drive == "stopped"
    assert without_drive != "running"


def test_thresholds_are_found_between_the_two_classes_of_the_pumps_own_history() -> None:
    """A meter that shows 15 kW at rest and 60 to 90 kW in service needs no one to say so."""
    random = np.random.default_rng(2)
    levels = Levels()
    levels.update(random.uniform(7.0, 22.0, 3_000))
    levels.update(random.uniform(60.0, 90.0, 1_000))

    limit = learnt(Seen(levels), Seen()).power

    assert limit.source == "history"
    assert 22.0 < limit.off < limit.on < 60.0


def test_noise_of_a_standing_pump_stays_below_every_threshold() -> None:
    """The drive said for hours that the pump stands; while the drive is silent, 22 kW of noise are still noise."""
    noise = Levels()
    noise.update(np.random.default_rng(3).uniform(7.0, 22.0, 3_000))

    pump = RunningState(thresholds=learnt(Seen(noise, standing=noise), Seen()))
    state_after(pump, power=20.0, speed=0.0)

    assert state_after(pump, 300, power=20.0) == "stopped"


def test_minutes_of_nonsense_on_one_day_are_no_pump_s_running() -> None:
    """Five minutes of 50 MW in two days of 150 kW would stop the pump on paper; what comes in many hours is a class."""
    seconds = np.arange(172_800)
    times_ms = 1_000 * seconds
    nonsense, habit = np.full(172_800, 150.0), np.full(172_800, 150.0)
    nonsense[100_000:100_300] = 50_000.0
    habit[seconds % 36_000 < 300] = 5_000.0

    believed = list[Levels]()
    for shown in (nonsense, habit):
        ceiling, levels = Ceiling(), Levels()
        for begin in range(0, 172_800, 21_600):
            ceiling.update(times_ms[begin : begin + 21_600], shown[begin : begin + 21_600])
        levels.update(shown)
        believed.append(levels.up_to(ceiling.most))

    assert believed[0].gap(least=0.2) is None
    assert believed[1].gap(least=0.2) is not None


def test_one_class_of_varying_power_is_not_split() -> None:
    """A drive between 175 and 286 kW is always running; a cut in the middle would stop it on paper."""
    levels = Levels()
    levels.update(np.concatenate([np.full(3_000, 180.0), np.full(600, 286.0)]))

    assert levels.gap(least=0.2) is None


def test_flicker_of_an_idle_meter_is_not_a_class() -> None:
    """0.16 kW now and then is the last digit of a meter, however often it is seen."""
    levels = Levels()
    levels.update(np.tile([0.0, 0.16], 2_000))

    assert levels.gap(least=0.2) is None


def following(power: Floats, step: float = 0.0) -> tuple[RunningState, NDArray[np.str_]]:
    """A pump of which nothing but its *power* is known, learnt from every ten minutes; its state at ticks of 60 s."""
    levels, pump, said = Levels(), RunningState(dwell_ms=180_000, lost_ms=180_000), list[str]()
    for begin in range(0, len(power), 10):
        part = power[begin : begin + 10]
        levels.update(part)
        pump.thresholds = learnt(Seen(levels, is_alone=True, step=step), Seen())
        nothing = np.full(len(part), np.nan)
        pump.update(Evidence(60_000 * np.arange(begin + 1, begin + 1 + len(part)), nothing, part, nothing, nothing))
        said += [pump.state] * len(part)
    return pump, np.array(said)


NOISE = np.random.default_rng(5).standard_normal(5_000)
MINUTES = np.arange(5_000)


@pytest.mark.parametrize(
    ("power", "step"),
    [
        (0.1 * NOISE, 0.0),
        (0.3 * NOISE, 0.0),
        (3.0 * NOISE, 0.0),
        (0.05 * NOISE - 0.15, 0.0),
        (0.1 * NOISE + 0.3, 0.0),
        (0.3 * NOISE + 1.5, 0.0),
        (np.round(0.3 * NOISE, 1), 0.0),
        (np.round(0.5 * NOISE), 1.0),  # whole kilowatts
    ],
)
def test_noise_of_a_meter_that_is_all_that_is_known_never_runs_a_pump(power: Floats, step: float) -> None:
    """Days of a standing pump, whatever its meter's zero: it stands, or nobody knows yet."""
    pump, said = following(power, step)

    assert (pump.memory.starts, (said == "running").sum()) == (0, 0)


@pytest.mark.parametrize("low", [15.0, 60.0])
def test_a_power_that_never_went_is_no_stop(low: float) -> None:
    """A drive turns its pump down to a quarter of its power every night: it does not stand at night."""
    power = np.where(MINUTES % 1_440 < 720, 60.0, low) * np.exp(0.02 * NOISE)

    pump, said = following(power)

    assert (pump.memory.starts, (said == "stopped").sum()) == (0, 0)


@pytest.mark.parametrize("full", [13.0, 60.0])
@pytest.mark.parametrize("hours", [3, 5, 8])
def test_a_drive_that_is_slow_for_some_hours_is_no_noise(full: float, hours: int) -> None:
    """At 0.6 of its speed a pump draws a fifth: down to a tenth of the readings, that looks like noise about zero."""
    slow = np.where(hours <= MINUTES / 60.0 % 24.0, 1.0, 0.6)
    round_the_clock = 0.45 + 0.55 * np.clip(np.sin((MINUTES / 60.0 % 24.0 - 5.0) / 19.0 * np.pi), 0.0, 1.0)
    for speed in (slow, round_the_clock):
        pump, said = following(full * speed**3 * np.exp(0.02 * NOISE))

        assert (pump.memory.starts, (said == "stopped").sum()) == (0, 0)


@pytest.mark.parametrize("idle", [1.0, 4.0, 7.0])
def test_two_levels_of_a_power_alone_are_standing_and_running_five_times_apart(idle: float) -> None:
    """A drive makes less of a pump's power as it runs; below that nobody knows, but for a pump that says more."""
    runs = MINUTES % 500 >= 380
    for ratio in (3.0, 4.0, 4.5):
        pump, said = following(np.where(runs, ratio * idle, idle) * np.exp(0.02 * NOISE))
        assert (pump.memory.starts, pump.thresholds.power.source) == (0, "assumed")
        assert set(said) <= {"unknown", *(["running"] if ratio * idle > 30.0 else [])}
    pump, said = following(np.where(runs, 5.5 * idle, idle) * np.exp(0.02 * NOISE))
    assert (pump.memory.starts, pump.thresholds.power.source) == (9, "history")
    assert np.mean((said == "running") == runs) > 0.9


@pytest.mark.parametrize("idle", [0.0 * NOISE, 0.3 * NOISE, 0.05 * NOISE - 0.15])
@pytest.mark.parametrize("drawn", [5.0, 60.0])
def test_starts_are_told_from_noise_about_zero(idle: Floats, drawn: float) -> None:
    """Noise has so many magnitudes that no cut among them is clear: the valley above it is."""
    runs = MINUTES % 500 >= 380

    pump, said = following(np.where(runs, drawn + 0.1 * NOISE, idle))

    assert pump.memory.starts in {9, 10}  # the first one may come before it was seen to stand
    assert np.mean((said == "running") != runs) < 0.05


def test_a_first_start_is_seen_at_once_where_the_noise_is_known() -> None:
    """A standby pump is started once a month: what was seen in the weeks before tells that it is no noise."""
    pump, _ = following(np.where(MINUTES < 4_990, 0.3 * NOISE, 5.0))

    assert (pump.state, pump.memory.start_times_ms) == ("running", (60_000 * 4_991,))


def test_a_power_alone_says_nothing_until_the_pump_was_seen_standing_and_running() -> None:
    """What 5 kW are nobody knows; no idle meter shows 148, and who draws nothing stands."""
    assert state_after(RunningState(), 60, power=5.0) == "unknown"
    assert state_after(RunningState(), 60, power=148.0) == "running"
    assert state_after(RunningState(), 60, power=0.02) == "stopped"
    assert state_after(RunningState(), 60, power=5.0, status=1.0) == "running"
    assert state_after(RunningState(), 60, power=5.0, current=9.0) == "running"


@pytest.mark.parametrize(("power", "state"), [(29.0, "unknown"), (31.0, "running")])
def test_no_idle_meter_shows_thirty_kilowatts(power: float, state: str) -> None:
    """The recorded ones show up to 22."""
    assert state_after(RunningState(), 60, power=power) == state


def test_what_shows_noise_weighs_less_than_a_status() -> None:
    """A power above its noise runs the pump alone; against the switchgear it is a meter that has drifted."""
    levels = Levels()
    levels.update(0.3 * NOISE)
    limits = learnt(Seen(levels, is_alone=True), Seen())

    assert limits.power.weight == 0.5
    assert 0.9 < limits.power.off < limits.power.on < 2.0
    assert state_after(RunningState(thresholds=limits), 60, power=5.0) == "running"
    assert state_after(RunningState(thresholds=limits), 60, power=5.0, status=0.0) == "stopped"


@pytest.mark.parametrize(("count", "is_known"), [(250, False), (350, True)])
def test_noise_is_known_from_five_minutes_of_it(count: int, *, is_known: bool) -> None:
    """A tenth of them would be a class of its own."""
    levels = Levels()
    levels.update(0.3 * NOISE[:count])

    assert (levels.noise(30.0) is not None) is is_known


def test_a_state_must_last_and_begins_when_it_was_first_seen() -> None:
    """Two seconds of dropout are no stop; a stop of ten seconds began at its first second."""
    pump = RunningState(rated_power=200.0)
    state_after(pump, 10, power=180.0)
    state_after(pump, 2, power=0.0)
    assert pump.state == "running"
    state_after(pump, 8, power=180.0)
    assert pump.memory.starts == 0

    state_after(pump, 10, power=0.0)

    assert (pump.state, pump.memory.since_ms) == ("stopped", 21_000)


def test_a_value_between_the_thresholds_changes_nothing() -> None:
    """Hysteresis: 15 kW of 200 is above 5 % and below 10 %, so a running pump goes on and a stopped one rests."""
    running, stopped = RunningState(rated_power=200.0), RunningState(rated_power=200.0)
    state_after(running, power=180.0)
    state_after(stopped, power=0.0)

    assert state_after(running, 60, power=15.0) == "running"
    assert state_after(stopped, 60, power=15.0) == "stopped"


def test_lost_evidence_makes_the_state_unknown_and_counts_no_hours() -> None:
    """Half a minute without a good reading: nobody knows; the hours before count, those after do not."""
    pump = RunningState(rated_power=200.0)
    state_after(pump, 100, power=180.0)

    assert state_after(pump, 29, power=np.nan) == "running"
    assert state_after(pump, 3_600, power=np.nan) == "unknown"
    assert pump.run_ms == 100_000


def test_a_silence_between_two_updates_counts_no_hours() -> None:
    """The agent was off for an hour; that the pump ran before and after says nothing of the hour."""
    pump = RunningState(rated_power=200.0)
    state_after(pump, 101, power=180.0)

    pump.update(evidence(101, 4_000_000, power=180.0))

    assert pump.run_ms == 200_000
    assert pump.memory.starts == 0


def test_starts_and_hours_are_counted() -> None:
    """Three runs of 50 s after rests of 50 s, the last one going on."""
    pump = RunningState(rated_power=200.0)

    state_after(pump, 300, power=np.tile(np.repeat([0.0, 180.0], 50), 3))

    assert pump.memory.starts == 3
    assert pump.memory.start_times_ms == (51_000, 151_000, 251_000)
    assert pump.memory.stop_times_ms == (101_000, 201_000)
    assert pump.run_ms == 149_000  # the last second has not passed yet


TICKS = st.lists(st.sampled_from([0.0, 0.0, 5.0, 15.0, 180.0, 180.0, np.nan]), min_size=1, max_size=120)


@given(ticks=TICKS, cuts=st.lists(st.integers(0, 120)), repeats=st.integers(1, 12))
@settings(max_examples=60)
def test_portions_and_the_whole_give_the_same_memory(ticks: list[float], cuts: list[int], repeats: int) -> None:
    """How the log is cut into runs of a job, and being pickled between them, must not show."""
    power = np.repeat(ticks, repeats)
    whole = evidence(len(power), power=power)
    at_once = RunningState(rated_power=200.0)
    at_once.update(whole)

    bounds = sorted({0, len(power), *(cut for cut in cuts if cut < len(power))})
    piecewise = RunningState(rated_power=200.0)
    for begin, end in pairwise(bounds):
        part = Evidence(*(getattr(whole, name)[begin:end] for name in Evidence.__slots__))
        piecewise.update(part)
        piecewise = pickle.loads(pickle.dumps(piecewise))  # noqa: S301 - our own

    assert piecewise.memory == at_once.memory


@needs_real_station
def test_the_real_stations_pumps_are_told_apart() -> None:
    """Supply pumps 1 and 5 and intake pumps 2 and 4 ran the whole hour; the old pump house's noisy meters did not."""
    hour = recording()
    pumps = [*(f"supply.p{n}" for n in range(1, 7)), *(f"intake.p{n}" for n in range(1, 6))]
    pumps += [f"phase1.p{n}" for n in range(1, 5)]

    found = set()
    for name in pumps:
        pump = RunningState()
        speed = hour.get(f"{name}.frequency")
        said = {"power": hour[f"{name}.active_power"].to_numpy(), "current": hour[f"{name}.current_a"].to_numpy()}
        said |= {"speed": speed.to_numpy() / 50.0} if speed is not None else {}
        pump.update(evidence(len(hour), **said))
        found |= {name} if pump.state == "running" else set()

    assert found == {"supply.p1", "supply.p5", "intake.p2", "intake.p4"}


def test_the_examples_hold() -> None:
    """What the docstrings show is true."""
    assert doctest.testmod(analytics.running).failed == 0
    assert doctest.testmod(analytics.levels).failed == 0
