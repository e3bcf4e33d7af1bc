"""What a model's form misses of its pumps, as one function of the duty for each station that could be the true one.

How much is missed is told by the pumps' own residuals (`Misfit.works`); where it is too much and where too little is
not. So each station draws a function for each pump: a random smooth one, less the parabola that a fit would have found
in it. It is the same function of a pump whenever it runs, alone or beside others: at the same duty the same error
lasts, over a range of duties it cancels, as the fit has seen to.

Random smooth functions are waves of random length and phase, whose covariance is that of a Gaussian process (Rahimi
and Recht, 2007).
"""

from zlib import crc32

import numpy as np

from analytics.curves.model import StationModel
from analytics.dispatch.pump import Array
from analytics.dispatch.saving import LIKENESS, of_speeds

_RANGE = np.linspace(0.0, 1.0, 41)  # of a pump's flows, least to greatest
_FORM = 3  # coefficients of a parabola


def formless(model: StationModel, speeds: Array, heads: Array, draws: int) -> Array:
    """What each of so many stations draws for the flow beyond what its form says, kW, (draws, n).

    Args:
        model: The station.
        speeds: Relative, shape (n, pumps); 0 stopped.
        heads: Shape (n,), m.
        draws: Stations.
    """
    works = model.basis.misfit.works
    beyond = np.zeros((draws, len(speeds)))
    if len(works) != len(model.pumps):
        return beyond  # learnt before it was looked at
    duty = model.duty(speeds, heads)
    for index, curve in enumerate(model.curves):
        runs = speeds[:, index] > 0.0
        low, high = curve.flow_range
        places = (duty.flows[runs, index] / speeds[runs, index] - low) / max(high - low, 1e-9)
        missed = np.nan_to_num(works[index]) * duty.powers[runs, index]
        beyond[:, runs] += missed * _functions(curve.pump, places, draws)
    off = _random(",".join(model.pumps)).standard_normal((draws, 1))  # the laws fail one way for all of them
    return beyond + off * of_speeds(model, speeds, duty)


def _functions(pump: str, places: Array, draws: int) -> Array:
    """A pump's functions at *places* in its range, (draws, n): over the range nothing on average, and 1 rms."""
    rng = _random(pump)
    waves, phases = rng.standard_normal((draws, 1)) / LIKENESS, rng.uniform(0.0, 2.0 * np.pi, (draws, 1))
    usual = np.cos(waves * _RANGE + phases)
    parabolas = np.linalg.lstsq(np.vander(_RANGE, _FORM), usual.T, rcond=None)[0].T
    left = usual - parabolas @ np.vander(_RANGE, _FORM).T
    found = np.cos(waves * places + phases) - parabolas @ np.vander(places, _FORM).T
    return np.asarray(found / np.sqrt((left**2).mean()))


def _random(name: str) -> np.random.Generator:
    return np.random.default_rng(crc32(name.encode()))
