"""The simulated instruments are as good as real ones, and fail when the script says so."""

from pathlib import Path
from random import Random
from statistics import mean, pstdev

from agent.configuration.config_file import load
from agent.demo.history import BEGIN
from agent.demo.meters import DROPOUTS, METERS, lagged, shown, silent_tags
from agent.demo.plant import initial, step
from agent.demo.workplace import CONFIG


def test_every_configured_tag_has_a_meter_and_every_meter_a_tag() -> None:
    """A tag that nothing shows would stop the demo; a meter nobody reads would be dead code."""
    configured = {tag.name for device in load(CONFIG).devices for tag in device.tags}

    assert configured == set(METERS)


def test_meters_show_the_truth_with_their_own_noise() -> None:
    """The flow meter errs by 0.4 percent of its value, and not to one side."""
    rng = Random(1)
    state = initial(BEGIN, rng)

    errors = [shown(lagged({}, state, 0.0), rng)["header.flow"] / state.flow - 1.0 for _ in range(2000)]

    assert abs(mean(errors)) < 0.0004
    assert 0.0036 < pstdev(errors) < 0.0044


def test_meters_lag_behind_the_truth() -> None:
    """Two seconds after a step a meter with two seconds of lag shows 63 percent of it."""
    rng = Random(1)
    state = initial(BEGIN, rng)
    before = {**lagged({}, state, 0.0), "header.flow": 0.0}

    assert 0.62 < lagged(before, state, 2.0)["header.flow"] / state.flow < 0.64


def test_counters_never_run_backwards() -> None:
    """Noise on a counter would look like a reset."""
    rng = Random(1)
    state = initial(BEGIN, rng)
    volumes = []
    for _ in range(120):
        state = step(state, 1.0, rng)
        volumes.append(shown(lagged({}, state, 1.0), rng)["header.volume"])

    assert volumes == sorted(volumes)
    assert volumes[-1] > volumes[0]


def test_two_instruments_drop_out_early_and_briefly() -> None:
    """A demo of one minute shows filled gaps, and none of them lasts long enough for an alarm."""
    alarm_after = load(Path(CONFIG)).alarms.bad_quality_after
    early = [dropout for dropout in DROPOUTS if dropout.start + dropout.length < 30.0]

    assert len(early) >= 2
    assert all(dropout.length < alarm_after for dropout in DROPOUTS)
    assert silent_tags(0.0) == frozenset()
    assert silent_tags(early[0].start) == {early[0].tag}
    assert silent_tags(early[0].start + early[0].every) == {early[0].tag}
