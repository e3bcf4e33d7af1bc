"""What one would fit without further thought, to hold the methods against: least squares, a process, a forest.

Each fits head and power of all speeds brought to the rated one by the affinity laws, knows nothing of pumps or of
noise in the flow, and says no uncertainty.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike
from sklearn.ensemble import RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from analytics.curves.methods.duty import DutyPoints, Prediction
from analytics.hydraulics import wire_to_water_efficiency
from tests.benchmarks.pump_truths import Floats

Line = Callable[[Floats], Floats]
TUKEY, ROUNDS = 4.685, 15  # 95 % efficient for normal errors (Beaton and Tukey 1974)


class Plain:
    """A curve of head and one of power through all points at rated speed."""

    def __init__(self, name: str, through: Callable[[Floats, Floats], Line]) -> None:
        self.name = name
        self._through = through

    def update(self, points: DutyPoints) -> None:
        """Fit."""
        x = points.flow / points.speed
        self._head = self._through(x, points.head / points.speed**2)
        self._power = self._through(x, points.power / points.speed**3)

    def predict(self, flow: ArrayLike, speed: ArrayLike) -> Prediction:
        """Without uncertainty."""
        q, n = np.broadcast_arrays(np.asarray(flow, np.float64), np.asarray(speed, np.float64))
        head, power, unknown = n**2 * self._head(q / n), n**3 * self._power(q / n), np.full(q.shape, np.nan)
        return Prediction(head, unknown, power, unknown, wire_to_water_efficiency(q, head, power), unknown)


def _cubic(x: Floats, y: Floats) -> Line:
    return np.polynomial.Polynomial.fit(x, y, 3)


def _robust_parabola(x: Floats, y: Floats) -> Line:
    weights = np.ones_like(x)
    for _ in range(ROUNDS):
        found = np.polynomial.Polynomial.fit(x, y, 2, w=np.sqrt(weights))
        off = np.abs(y - found(x))
        weights = np.maximum(1.0 - (off / (TUKEY * 1.4826 * np.median(off))) ** 2, 1e-6) ** 2
    return found


def _process(x: Floats, y: Floats) -> Line:
    kernel = ConstantKernel(1.0) * RBF(1.0, (0.1, 20.0)) + WhiteKernel(0.1, (1e-4, 10.0))
    found = GaussianProcessRegressor(kernel).fit(((x - x.mean()) / x.std())[:, np.newaxis], (y - y.mean()) / y.std())
    return lambda at: np.asarray(y.mean() + y.std() * found.predict(((at - x.mean()) / x.std())[:, np.newaxis]))


def _forest(x: Floats, y: Floats) -> Line:
    found = RandomForestRegressor(50, min_samples_leaf=3, random_state=0).fit(x[:, np.newaxis], y)
    return lambda at: np.asarray(found.predict(at[:, np.newaxis]))


PLAIN: Mapping[str, Callable[[], Plain]] = {
    "cubic, least squares": lambda: Plain("cubic", _cubic),
    "Gaussian process": lambda: Plain("process", _process),
    "random forest": lambda: Plain("forest", _forest),
    "parabola, Tukey's weights": lambda: Plain("parabola", _robust_parabola),
}
