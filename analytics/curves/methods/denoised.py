"""What a flow most likely was, by a reading of a noisy meter and by all its other readings."""

import numpy as np

from analytics.hydraulics import Floats

STEP = 0.5  # of the noise, between the flows that are thought of
MOST = 400  # of these; a range wider than so many steps is not changed by the noise
ROUNDS = 30  # of expectation and maximisation: more would make of each heap of readings a single flow


def denoised(flow: Floats, noise: float) -> Floats:
    """The expected true flow of each reading in *flow*, shape (n,), above 0; *noise* is a share of it.

    The least of many noisy readings of one flow are too low and the greatest too high. Head and power belong to the
    true flow, so who compares them with a curve at the readings finds the true curve too steep and a flattened one
    right. How the true flows are spread is estimated from the readings (maximum likelihood on a grid by expectation and
    maximisation: Laird 1978); given that, each has an expectation (Robbins 1956).

    >>> readings = 100.0 * np.exp(0.01 * np.random.default_rng(0).standard_normal(400))
    >>> float(denoised(readings, 0.01).std()) < 0.5 < float(readings.std())
    True
    """
    logs = np.log(flow)
    low, high = float(logs.min()), float(logs.max())
    nodes = int((high - low) / (STEP * noise)) + 2 if noise > 0.0 else MOST
    if nodes >= MOST:
        return flow
    grid = np.linspace(low, high, nodes)
    likelihood = np.exp(-0.5 * ((logs[:, np.newaxis] - grid) / noise) ** 2)
    share = np.full(nodes, 1.0 / nodes)
    for _ in range(ROUNDS):
        share *= (likelihood / (likelihood @ share)[:, np.newaxis]).mean(axis=0)
    posterior = likelihood * share
    return np.asarray((posterior @ np.exp(grid)) / posterior.sum(axis=1))
