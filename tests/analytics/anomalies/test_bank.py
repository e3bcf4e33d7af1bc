"""What is an anomaly and what is not: steps, drifts, breaks, and what may teach."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from analytics.anomalies.bank import MEMORY, ResidualBank
from analytics.anomalies.learnt import FEWEST, PAST, WINSOR, Floats, Learnt
from tests.benchmarks.anomalies import RECORDINGS, TRAINING, by_bank, recordings

STEPS = 2_000


def plant(rows: int, seed: int, *, drift: float = 0.0) -> Floats:
    """Flow, power that follows it, a pressure that falls with it, and a temperature that wanders on its own."""
    rng = np.random.default_rng(seed)
    flow = 100 + rng.normal(size=rows)
    power = 0.2 * flow + 0.1 * rng.normal(size=rows)
    pressure = 5 - 0.01 * flow + 0.01 * rng.normal(size=rows)
    warm = 40 + np.cumsum(0.02 * rng.normal(size=rows)) + drift * np.arange(rows) + 0.05 * rng.normal(size=rows)
    return np.column_stack([flow, power, pressure, warm])


def judged(bank: ResidualBank, rows: Floats) -> Floats:
    """Which channels do not fit, after each row."""
    found = np.zeros(rows.shape, dtype=bool)
    for place, row in enumerate(rows):
        bank.update(row)
        found[place] = bank.unfit
    return found


def split(seed: int, *, drift: float = 0.0) -> tuple[ResidualBank, Floats]:
    rows = plant(TRAINING + STEPS, seed, drift=drift)
    return ResidualBank(Learnt.of(rows[:TRAINING])), rows[TRAINING:]


@pytest.mark.parametrize("seed", range(5))
def test_normal_rows_are_rarely_called_anything_else(seed: int) -> None:
    """Also though the temperature goes where it likes."""
    bank, rows = split(seed)

    assert judged(bank, rows).any(axis=1).mean() < 0.01


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("channel", "size"), [(0, 12.0), (1, -3.0), (2, 0.3)])
def test_a_step_is_found_within_seconds_named_and_held_while_it_lasts(seed: int, channel: int, size: float) -> None:
    """A thousand rows later it has not become normal; over, it is over within some rows."""
    bank, rows = split(seed)
    rows[500:1_500, channel] += size

    unfit = judged(bank, rows)

    assert unfit[520:1_500, channel].mean() > 0.98
    assert unfit[1_540:].any(axis=1).mean() < 0.02
    assert unfit[520:1_500].sum(axis=0).argmax() == channel


def test_a_row_is_judged_by_those_before_it() -> None:
    """What comes later changes no verdict: the same rows with another end have the same beginning."""
    (one, rows), (other, _) = split(1), split(1)
    changed = rows.copy()
    changed[1_000:] = 0.0

    assert (judged(one, rows)[:1_000] == judged(other, changed)[:1_000]).all()


def test_what_is_left_of_an_anomaly_is_a_new_level() -> None:
    """After a repair the vibration is a little above what it was: that is no reason to ring for ever."""
    bank, rows = split(2)
    rows[500:800, 0] += 60.0
    rows[800:, 0] += 8.0

    unfit = judged(bank, rows)

    assert unfit[510:800, 0].all()
    assert unfit[1_500:, 0].mean() < 0.2


def test_a_value_that_is_missing_says_nothing() -> None:
    """A broken sensor is the business of another alarm; and the other channels are judged on."""
    bank, rows = split(3)
    rows[500:, 1] = np.nan
    rows[900:, 0] += 12.0

    unfit = judged(bank, rows)

    assert not unfit[:900].any()
    assert unfit[930:, 0].mean() > 0.98
    assert not unfit[:, 1].any()


def test_flagged_rows_teach_nothing_and_normal_ones_do() -> None:
    """An anomaly that lasts for a week must not become what is normal at the next start."""
    bank, rows = split(4)
    judged(bank, rows[:500])
    before = bank.learnt
    anomaly = rows[500:600].copy()
    anomaly[:, 0] += 50.0
    judged(bank, anomaly)
    flagged = bank.learnt.moments - before.moments
    taught = before.moments[-1, -1] - TRAINING

    assert np.abs(flagged).max() < 300  # the rows until it was noticed
    assert 400 < taught <= 500


def test_what_is_learnt_row_by_row_is_what_all_rows_at_once_teach() -> None:
    """The incremental twin of the sum over all rows, of which an old one weighs less by a share a row."""
    bank, rows = split(5)
    known = bank.learnt
    past, moments, taught = known.past.copy(), known.moments.copy(), 0
    for row in rows:
        z = (row - known.centre) / known.scale
        bank.update(row)
        if not bank.unfit.any():
            features = np.array([*np.clip(z, -WINSOR, WINSOR), *past, 1.0])
            moments = moments * (1 - 1 / MEMORY) + np.outer(features, features)
            taught += 1
        slow = PAST * 0.05 * (np.clip(z, -WINSOR, WINSOR) - past)
        past = past + np.where(bank.unfit, slow, PAST * np.clip(z - past, -WINSOR, WINSOR))

    assert taught > 0.98 * STEPS
    assert bank.learnt.moments == pytest.approx(moments, rel=1e-9)
    assert np.abs(bank.learnt.own - known.own).max() > 0.01  # and it changes what is predicted


def test_it_survives_being_put_away() -> None:
    """Between two runs of a job: the copy goes on exactly as the original."""
    bank, rows = split(5)
    judged(bank, rows[:500])
    copy: ResidualBank = pickle.loads(pickle.dumps(bank))  # noqa: S301 - our own

    assert (judged(bank, rows[500:]) == judged(copy, rows[500:])).all()


def test_too_little_teaches_nothing() -> None:
    """Neither some rows nor a channel that never had a value."""
    rows = plant(TRAINING, 6)
    for bad in (rows[: FEWEST - 1], np.where(np.arange(4) == 2, np.nan, rows)):
        with pytest.raises(ValueError, match="teach nothing"):
            Learnt.of(bad)


@pytest.mark.skipif(not RECORDINGS.exists(), reason="the recordings are not part of the product")
def test_labelled_recordings_of_a_testbed_are_told_apart() -> None:
    """F1 of .80 and more at 15 % of false alarms and less, with the same constants for all."""
    judgements = [(by_bank(rows), labels[TRAINING:]) for _, rows, labels in recordings(Path(RECORDINGS))]
    found, labels = zip(*judgements, strict=True)
    alarm, truth = np.concatenate(found), np.concatenate(labels)
    hits, false, missed = (alarm & truth).sum(), (alarm & ~truth).sum(), (~alarm & truth).sum()

    assert 2 * hits / (2 * hits + false + missed) >= 0.80
    assert false / (~truth).sum() <= 0.15
